//! How a request travels: its options as data, and how the flags' values are read.

use std::fmt;
use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use protocol::internal::platform_code::JSON;
use protocol::{Encoding, Layout, Transport};

use crate::mask::Untrusted;
use crate::units::percent::Percent;

/// How long one attempt may take by default (ours: the platform documents no timeout of its own).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that every request carries, so that they can be replaced but not left out.
const ALWAYS_SENT: [&str; 2] = ["host", "accept"];

/// How one request travels; the requests of a run share one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOptions {
    /// The time for the connection and the whole reply.
    pub timeout: Duration,
    pub connections: Connections,
    pub upload: Upload,
    /// Whether the sending side is shut down after the request.
    pub is_half_closed: bool,
    /// Whether the body goes out with `Transfer-Encoding: chunked`, whose last chunk is empty.
    pub is_chunked: bool,
    /// `Expect: 100-continue` is sent, and the body follows on the merchant's go-ahead, or a
    /// second later without one (RFC 9110, section 10.1.1).
    pub awaits_continue: bool,
    pub method: Method,
    pub content_type: &'static str,
    /// Whether the body's pairs go into the query of the URL, and no body is sent.
    pub is_in_query: bool,
    pub accepts_gzip: bool,
    /// Which replies are lost on purpose; `None` where every reply is read.
    pub loss: Option<Loss>,
    pub headers: Vec<HeaderRule>,
}

impl Default for RequestOptions {
    fn default() -> Self {
        RequestOptions {
            timeout: DEFAULT_TIMEOUT,
            connections: Connections::default(),
            upload: Upload::default(),
            is_half_closed: false,
            is_chunked: false,
            awaits_continue: false,
            method: Method::POST,
            content_type: JSON,
            is_in_query: false,
            accepts_gzip: false,
            loss: None,
            headers: Vec::new(),
        }
    }
}

impl RequestOptions {
    /// Of a request that only looks at what is there.
    pub fn get(timeout: Duration) -> Self {
        RequestOptions { timeout, method: Method::GET, ..RequestOptions::default() }
    }

    /// The same for the notifications of a dialect.
    #[must_use]
    pub fn laid_out(mut self, layout: &Layout) -> Self {
        self.content_type = match layout.transport.encoding() {
            Encoding::Xml => "text/xml;charset=utf-8",
            Encoding::Form => "application/x-www-form-urlencoded",
            _ => JSON,
        };
        self.is_in_query = layout.transport == Transport::Query;
        self.method = if layout.method == "GET" { Method::GET } else { Method::POST };
        self
    }

    /// What needs the tool's own connection, so that no proxy may be in the way.
    pub fn needs_direct(&self) -> Option<&'static str> {
        [
            (self.upload != Upload::AtOnce, "a slow upload"),
            (self.is_half_closed, "a half-closed connection"),
            (self.is_chunked, "a body in chunks"),
            (self.awaits_continue, "Expect: 100-continue"),
            (self.loss.is_some(), "the loss of replies"),
        ]
        .into_iter()
        .find_map(|(is_asked, what)| is_asked.then_some(what))
    }
}

pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name(name.to_owned()))?;
    HeaderValue::from_str(value).map_err(|_| HeaderError::Value(name.to_owned()))?;
    let framing = ["content-length", "transfer-encoding", "connection", "expect", "upgrade"];
    if framing.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(HeaderError::Reserved(name.to_owned()));
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("\"{}\" is not a header name", Untrusted::new(.0))]
    Name(String),
    #[error("the value of the header {} holds a character that is not allowed", Untrusted::new(.0))]
    Value(String),
    #[error("the header {} is set by the transport", Untrusted::new(.0))]
    Reserved(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connections {
    /// Every attempt connects again, so no attempt meets a connection that went stale.
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

/// Reads a method, of at most 32 characters.
pub fn parse_method(text: &str) -> Result<Method, OptionError> {
    let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| text.len() <= 32);
    method.ok_or(OptionError::Method)
}

/// Which replies are lost on purpose: it follows from the seed and the request's place among all
/// that were sent, so one seed always hits the same places.
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

/// A change to the headers of every request; `Debug` shows no value, which can be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderRule {
    pub name: String,
    /// `None` leaves the header out.
    pub value: Option<String>,
}

impl HeaderRule {
    /// Reads `Name: value`, `Name:` (left out) or `Name;` (sent empty), as curl does.
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value.trim()).filter(|value| !value.is_empty())),
            None => (text.trim_end().strip_suffix(';').ok_or(OptionError::HeaderForm)?, Some("")),
        };
        check_header(name, value.unwrap_or_default())?;
        if value.is_none() && ALWAYS_SENT.iter().any(|always| name.eq_ignore_ascii_case(always)) {
            return Err(HeaderError::Reserved(name.to_owned()).into());
        }
        Ok(HeaderRule { name: name.to_owned(), value: value.map(str::to_owned) })
    }
}

impl fmt::Debug for HeaderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.value.is_some() { "Send" } else { "Omit" };
        write!(f, "{what}({})", self.name)
    }
}

/// Reads an upload rate such as `1KB/s`, `512B/s` or `1.5MiB/s`, in bytes a second.
pub fn parse_upload_rate(text: &str) -> Result<Upload, OptionError> {
    let text = text.trim().strip_suffix("/s").unwrap_or(text.trim());
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1_000.0,
        "kib" => 1_024.0,
        "mb" => 1_000_000.0,
        "mib" => 1_048_576.0,
        _ => return Err(OptionError::Rate),
    };
    let rate = number.parse::<f64>().map_err(|_| OptionError::Rate)? * factor;
    if (1.0..=f64::from(u32::MAX)).contains(&rate) {
        Ok(Upload::Rate(rate as u32))
    } else {
        Err(OptionError::Rate)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error("expected a rate such as 1KB/s or 512B/s")]
    Rate,
    #[error("expected \"Name: value\", \"Name:\" to leave it out, or \"Name;\" to send it empty")]
    HeaderForm,
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("expected a method such as POST")]
    Method,
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
            assert_eq!(parse_upload_rate(text), Err(OptionError::Rate), "{text}");
        }
        assert_eq!(Upload::Rate(1_000).time_for(250), Duration::from_millis(250));
        let slow = crate::units::duration::parse_duration("2s").map(Upload::Over).unwrap();
        assert_eq!(slow.time_for(1), Duration::from_secs(2));
        assert_eq!(Upload::AtOnce.time_for(1), Duration::ZERO);
    }

    #[test]
    fn headers_are_sent_left_out_or_sent_empty() {
        let send =
            |name: &str, value: &str| HeaderRule { name: name.into(), value: Some(value.into()) };
        assert_eq!(HeaderRule::parse("X-A: b:c "), Ok(send("X-A", "b:c")));
        assert_eq!(HeaderRule::parse("X-A;"), Ok(send("X-A", "")));
        let omit = HeaderRule { name: "User-Agent".into(), value: None };
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
    fn only_what_touches_the_connection_needs_a_direct_one() {
        let headers = vec![HeaderRule::parse("X-A: b").unwrap()];
        let method = parse_method("PATCH").unwrap();
        let connections = Connections::Reused;
        let plain = RequestOptions {
            headers,
            method,
            accepts_gzip: true,
            connections,
            ..Default::default()
        };
        assert_eq!(plain.needs_direct(), None);
        let chunked = RequestOptions { is_chunked: true, ..Default::default() };
        assert_eq!(chunked.needs_direct(), Some("a body in chunks"));
        let is_half_closed = true;
        assert!(RequestOptions { is_half_closed, ..Default::default() }.needs_direct().is_some());
        let upload = Upload::Rate(1);
        assert!(RequestOptions { upload, ..Default::default() }.needs_direct().is_some());
        let awaits_continue = true;
        assert!(RequestOptions { awaits_continue, ..Default::default() }.needs_direct().is_some());
        let loss = Some(Loss { share: Percent::ALL, seed: 1 });
        assert!(RequestOptions { loss, ..Default::default() }.needs_direct().is_some());
    }

    #[test]
    fn methods_are_tokens() {
        for text in ["", "GET /", "G\u{e9}T", "x\r\ny", &"A".repeat(33)] {
            assert_eq!(parse_method(text), Err(OptionError::Method), "{text}");
        }
        assert_eq!(parse_method("PATCH").unwrap().as_str(), "PATCH");
    }

    #[test]
    fn headers_are_checked_and_their_values_kept_secret() {
        assert_eq!(check_header("X-Token", "abc"), Ok(()));
        assert!(check_header("X Token", "abc").is_err());
        assert!(check_header("Content-Length", "3").is_err());
        let error = check_header("X-Token", "s3cret\r\nX: y").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}
