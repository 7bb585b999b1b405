//! How a sender behaves on the wire: its manners as data, and how the flags' values are read.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::http::check_header;
use super::tls::TlsSettings;
use super::transport::HeaderError;
use crate::units::duration::{DurationError, parse_duration};
use crate::units::percent::Percent;

/// Headers that every request carries, so that they can be replaced but not left out.
const ALWAYS_SENT: [&str; 2] = ["host", "accept"];

#[derive(Clone, Debug, Default)]
pub struct WireSettings {
    pub connections: Connections,
    pub upload: Upload,
    pub write_side: WriteSide,
    pub framing: Framing,
    pub go_ahead: GoAhead,
    pub method: Option<Verb>,
    pub compression: Compression,
    /// Which replies are lost on purpose; `None` where every reply is read.
    pub loss: Option<Loss>,
    pub headers: Vec<HeaderRule>,
    pub resolve: Vec<ResolveRule>,
    pub tls: TlsSettings,
}

impl WireSettings {
    pub(super) fn needs_own_connection(&self) -> bool {
        self.connections == Connections::Reused
            || self.upload != Upload::AtOnce
            || self.write_side == WriteSide::HalfClosed
            || self.framing == Framing::Chunked
            || self.go_ahead == GoAhead::Awaited
            || self.compression == Compression::Gzip
            || self.loss.is_some()
            || !self.resolve.is_empty()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// Every attempt connects anew, so an idle connection gone stale is no failed attempt.
    #[default]
    Fresh,
    Reused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upload {
    #[default]
    AtOnce,
    Rate(u32),
    Over(Duration),
}

impl Upload {
    pub fn time_for(self, bytes: usize) -> Duration {
        match self {
            Upload::AtOnce => Duration::ZERO,
            Upload::Rate(rate) => {
                let nanos = bytes as u128 * 1_000_000_000 / u128::from(rate.max(1));
                u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
            }
            Upload::Over(time) => time,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteSide {
    #[default]
    Open,
    HalfClosed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    #[default]
    Length,
    /// With `Transfer-Encoding: chunked`, whose last chunk is empty.
    Chunked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GoAhead {
    #[default]
    Unasked,
    /// `Expect: 100-continue` is sent, and the body follows on the merchant's go-ahead, or a
    /// second later without one (RFC 9110, section 10.1.1).
    Awaited,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verb(String);

impl Verb {
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if text.is_empty() || text.len() > 32 || !text.bytes().all(is_token) {
            return Err(WireError::Verb);
        }
        Ok(Verb(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    Identity,
    Gzip,
}

/// Which replies are lost on purpose.
///
/// Which request of a run is hit follows from the seed and the request's place among all that
/// were sent, so one seed always hits the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub share: Percent,
    pub seed: u64,
}

impl Loss {
    /// Whether the reply to request `place` is lost; places count from 0.
    pub fn hits(self, place: u64) -> bool {
        // An odd factor keeps neighbouring places apart in the generator's state.
        let state = self.seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        fastrand::Rng::with_seed(state).u32(0..1_000_000) < self.share.millionths()
    }
}

/// A change to the headers of every request.
///
/// `Debug` shows no value, which can be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderRule {
    Send { name: String, value: String },
    Omit { name: String },
}

impl HeaderRule {
    /// Reads `Name: value`, `Name:` (left out) or `Name;` (sent empty), as curl does.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, value.trim()),
            None => {
                let name = text.trim_end().strip_suffix(';').ok_or(WireError::HeaderForm)?;
                check_header(name, "")?;
                return Ok(HeaderRule::Send { name: name.to_owned(), value: String::new() });
            }
        };
        check_header(name, value)?;
        let name = name.to_owned();
        if !value.is_empty() {
            return Ok(HeaderRule::Send { name, value: value.to_owned() });
        }
        if ALWAYS_SENT.iter().any(|always| name.eq_ignore_ascii_case(always)) {
            return Err(HeaderError::Reserved(name).into());
        }
        Ok(HeaderRule::Omit { name })
    }

    pub fn name(&self) -> &str {
        match self {
            HeaderRule::Send { name, .. } | HeaderRule::Omit { name } => name,
        }
    }
}

impl fmt::Debug for HeaderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderRule::Send { name, .. } => write!(f, "Send({name})"),
            HeaderRule::Omit { name } => write!(f, "Omit({name})"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRule {
    /// The host in lower case; `None` stands for every host.
    host: Option<String>,
    port: u16,
    addresses: Vec<IpAddr>,
}

impl ResolveRule {
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let wrong = WireError::Resolve;
        let (host, rest) = text.split_once(':').ok_or(wrong("HOST:PORT:ADDRESS is wanted"))?;
        let (port, rest) = rest.split_once(':').ok_or(wrong("HOST:PORT:ADDRESS is wanted"))?;
        let is_host = |c: char| !(c.is_whitespace() || c.is_control() || "/@[]".contains(c));
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(wrong("the host must be a name, or *"));
        }
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or(wrong("the port must be between 1 and 65535"))?;
        let address = |text: &str| text.trim().trim_matches(['[', ']']).parse().ok();
        let addresses: Option<Vec<IpAddr>> = rest.split(',').map(address).collect();
        let addresses = addresses.ok_or(wrong("the address must be an IP address"))?;
        let host = (host != "*").then(|| host.trim_end_matches('.').to_ascii_lowercase());
        Ok(ResolveRule { host, port, addresses })
    }

    pub fn addresses_for(&self, host: &str, port: u16) -> Option<&[IpAddr]> {
        let host = host.trim_end_matches('.');
        let is_meant = self.port == port
            && self.host.as_ref().is_none_or(|meant| meant.eq_ignore_ascii_case(host));
        is_meant.then_some(&self.addresses)
    }
}

/// Reads an upload rate such as `1KB/s`, `512B/s` or `1.5MiB/s`, in bytes a second.
pub fn parse_upload_rate(text: &str) -> Result<Upload, WireError> {
    let text = text.trim().strip_suffix("/s").unwrap_or(text.trim());
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1_000.0,
        "kib" => 1_024.0,
        "mb" => 1_000_000.0,
        "mib" => 1_048_576.0,
        _ => return Err(WireError::Rate),
    };
    let rate = decimal(number).ok_or(WireError::Rate)? * factor;
    if (1.0..=f64::from(u32::MAX)).contains(&rate) {
        Ok(Upload::Rate(rate as u32))
    } else {
        Err(WireError::Rate)
    }
}

/// Reads the time over which a body is sent, such as `2s`.
pub fn parse_slow_upload(text: &str) -> Result<Upload, DurationError> {
    parse_duration(text).map(Upload::Over)
}

fn decimal(text: &str) -> Option<f64> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_plain { text.parse().ok() } else { None }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    #[error("a rate such as 1KB/s or 512B/s is wanted")]
    Rate,
    #[error("\"Name: value\" is wanted, \"Name:\" to leave it out, or \"Name;\" to send it empty")]
    HeaderForm,
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("a method such as POST is wanted")]
    Verb,
    #[error("{0}")]
    Resolve(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_loses_the_same_replies_and_about_the_share() {
        let lost = |text: &str, seed| -> Vec<u64> {
            let loss = Loss { share: text.parse().unwrap(), seed };
            (0..10_000).filter(|place| loss.hits(*place)).collect()
        };
        assert_eq!(lost("5%", 7), lost("5%", 7));
        assert_ne!(lost("5%", 7), lost("5%", 8));
        assert!((400..600).contains(&lost("5%", 7).len()));
        assert_eq!((lost("0%", 1).len(), lost("100%", 1).len()), (0, 10_000));
    }

    #[test]
    fn rates_have_units() {
        for (text, rate) in
            [("1KB/s", 1_000), ("512B/s", 512), ("1.5KiB", 1_536), ("2 mb/s", 2_000_000)]
        {
            assert_eq!(parse_upload_rate(text), Ok(Upload::Rate(rate)), "{text}");
        }
        for text in ["", "KB/s", "5", "0B/s", "-1KB/s", "1GB/s", "9999999MB/s", "1..2KB/s"] {
            assert_eq!(parse_upload_rate(text), Err(WireError::Rate), "{text}");
        }
        assert_eq!(Upload::Rate(1_000).time_for(250), Duration::from_millis(250));
        assert_eq!(parse_slow_upload("2s").unwrap().time_for(1), Duration::from_secs(2));
        assert_eq!(Upload::AtOnce.time_for(1), Duration::ZERO);
    }

    #[test]
    fn headers_are_sent_left_out_or_sent_empty() {
        let send =
            |name: &str, value: &str| HeaderRule::Send { name: name.into(), value: value.into() };
        assert_eq!(HeaderRule::parse("X-A: b:c "), Ok(send("X-A", "b:c")));
        assert_eq!(HeaderRule::parse("X-A;"), Ok(send("X-A", "")));
        let omit = HeaderRule::Omit { name: "User-Agent".into() };
        assert_eq!(HeaderRule::parse("User-Agent:"), Ok(omit));
        for text in ["", "x", ": y", "X Y: z", "Content-Length: 3", "Connection:", "Host:"] {
            assert!(HeaderRule::parse(text).is_err(), "{text}");
        }
        assert!(HeaderRule::parse("Host: shop.example").is_ok());
        let secret = HeaderRule::parse("Authorization: s3cret").unwrap();
        assert!(!format!("{secret:?}").contains("s3cret"));
        let error = HeaderRule::parse("X-A: s3cret\u{1}").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn resolve_rules_mean_one_host_and_port() {
        let rule = ResolveRule::parse("Shop.example:443:127.0.0.1,[::1]").unwrap();
        let addresses = rule.addresses_for("shop.EXAMPLE.", 443).unwrap();
        assert_eq!(addresses, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(rule.addresses_for("shop.example", 80), None);
        assert_eq!(rule.addresses_for("other.example", 443), None);
        let every = ResolveRule::parse("*:80:::1").unwrap();
        assert!(every.addresses_for("any.example", 80).is_some());
        for text in ["", "h", "h:1", "h:0:1.2.3.4", "h:70000:1.2.3.4", ":1:1.2.3.4", "h:1:name"] {
            assert!(ResolveRule::parse(text).is_err(), "{text}");
        }
        for text in ["h:1:", "h:1:1.2.3.4,", "a b:1:1.2.3.4", "-h/x:1:1.2.3.4"] {
            assert!(ResolveRule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_what_touches_the_connection_needs_an_own_one() {
        let headers = vec![HeaderRule::parse("X-A: b").unwrap()];
        let ordinary = WireSettings { headers, ..WireSettings::default() };
        assert!(!ordinary.needs_own_connection());
        for text in ["", "GET /", "G\u{e9}T", "x\r\ny"] {
            assert_eq!(Verb::parse(text), Err(WireError::Verb), "{text}");
        }
        assert_eq!(Verb::parse("PATCH").unwrap().as_str(), "PATCH");
        let chunked = WireSettings { framing: Framing::Chunked, ..WireSettings::default() };
        assert!(chunked.needs_own_connection());
    }
}
