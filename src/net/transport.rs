//! The seam between the engine and the network: where a request goes and what carries it.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use protocol::Key;
use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};

use super::http::Url;
use super::outcome::Outcome;
use crate::mask::KeyMask;

/// One notification as it is sent; every attempt sends the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub url: Target,
    /// Headers beside those that the transport sets itself; one of the same name replaces its own.
    pub headers: Vec<(String, String)>,
    /// The signed body, byte for byte; its attempts share it.
    pub body: Arc<[u8]>,
    pub acknowledgement: AcknowledgementRule,
    pub mask: Arc<KeyMask>,
}

impl Request {
    /// A request without headers of its own that this platform's reply acknowledges.
    pub fn new(url: Target, body: impl Into<Vec<u8>>) -> Self {
        let acknowledgement = AcknowledgementRule::default();
        let (headers, body) = (Vec::new(), Arc::from(body.into()));
        Request { url, headers, body, acknowledgement, mask: Arc::default() }
    }

    #[must_use]
    pub fn hiding(mut self, key: Option<&Key>) -> Self {
        self.mask = Arc::new(KeyMask::new(key));
        self
    }

    /// What the platform concludes from what came, `None` where no reply did; the key is hidden in
    /// both.
    pub fn conclude(&self, mut outcome: Outcome) -> (Outcome, Option<Conclusion>) {
        let mut conclusion = outcome.conclusion_by(&self.acknowledgement);
        if let Outcome::Reply(reply) = &mut outcome {
            self.mask.reply(reply);
        }
        conclusion.iter_mut().for_each(|conclusion| self.mask.conclusion(conclusion));
        (outcome, conclusion)
    }

    #[must_use]
    pub fn acknowledged_by(mut self, rule: AcknowledgementRule) -> Self {
        self.acknowledgement = rule;
        self
    }
}

/// What held requests back on this machine, so that they were not sent.
#[derive(Debug, Default)]
pub struct Shortage {
    first: OnceLock<String>,
    gave_up: AtomicBool,
}

impl Shortage {
    pub(super) fn note(&self, why: &str) {
        self.first.get_or_init(|| why.to_owned());
    }

    pub(super) fn give_up(&self) {
        self.gave_up.store(true, Ordering::Relaxed);
    }

    /// What held the first request back; `None` where none was.
    pub fn why(&self) -> Option<&str> {
        self.first.get().map(String::as_str)
    }

    pub fn gave_up(&self) -> Option<&str> {
        self.why().filter(|_| self.gave_up.load(Ordering::Relaxed))
    }
}

pub trait Transport: Send + Sync {
    /// What this machine lacked; `None` of a transport that needs nothing of it.
    fn shortage(&self) -> Option<&Shortage> {
        None
    }

    fn send(&self, request: &Request) -> impl Future<Output = Outcome> + Send;
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Target {
    url: Arc<Url>,
}

impl Target {
    /// Reads a notify URL.
    ///
    /// The scheme may be left out for the own machine: `localhost:8787/x`, `127.0.0.1:8787` and
    /// `:8787` are read as `http`. Elsewhere a guess could send a payout over plain HTTP.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Syntax("it contains a space or a control character".into()));
        }
        let url = match text.split_once("://") {
            Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => parse_url(text)?,
            _ => parse_without_scheme(text)?,
        };
        match url.scheme() {
            "http" | "https" => Ok(Target { url: Arc::new(url) }),
            other => Err(TargetError::Scheme(other.to_owned())),
        }
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// The host: a name in lower case, or an address without brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    pub fn has_host_name(&self) -> bool {
        self.host().parse::<IpAddr>().is_err()
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.url.username().is_empty() && self.url.password().is_none() {
            return f.write_str(self.url.as_str());
        }
        let mut shown = Url::clone(&self.url);
        match (shown.set_username(""), shown.set_password(None)) {
            (Ok(()), Ok(())) => f.write_str(shown.as_str()),
            // It cannot happen for http and https; if it did, the credentials stay hidden.
            _ => f.write_str("(URL with credentials)"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

fn parse_url(text: &str) -> Result<Url, TargetError> {
    let url = Url::parse(text).map_err(|error| match error.to_string() {
        // The library's type of errors is not exported with its URL.
        rule if rule.contains("port") => TargetError::Port,
        // The text names the rule and quotes nothing of the URL.
        rule => TargetError::Syntax(rule),
    })?;
    if url.port() == Some(0) { Err(TargetError::Port) } else { Ok(url) }
}

fn parse_without_scheme(text: &str) -> Result<Url, TargetError> {
    let host = if text.starts_with(':') { "localhost" } else { "" };
    match parse_url(&format!("http://{host}{text}")) {
        Ok(url) if is_loopback(&url) => Ok(url),
        Err(TargetError::Port) => Err(TargetError::Port),
        _ => Err(TargetError::NoScheme),
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.strip_suffix('.').unwrap_or(host);
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|address| address.to_canonical()) {
        // An unspecified address reaches the own machine too.
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => false,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    #[error("the notify URL is empty")]
    Empty,
    #[error("the notify URL cannot be read: {0}")]
    Syntax(String),
    /// A port that is not a number from 1 to 65535.
    #[error("the notify URL's port is not a number from 1 to 65535")]
    Port,
    #[error("the notify URL's scheme is {0}, not http or https")]
    Scheme(String),
    #[error("the notify URL does not begin with http:// or https://")]
    NoScheme,
}

impl TargetError {
    pub const fn hint(&self) -> &'static str {
        match self {
            TargetError::NoScheme => {
                "write https://HOST/PATH; only localhost may leave the scheme out"
            }
            _ => "write a URL such as http://localhost:8787/notify",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    #[error("\"{0}\" is not a header name")]
    Name(String),
    #[error("the value of the header {0} holds a character that is not allowed")]
    Value(String),
    #[error("the header {0} is set by the transport")]
    Reserved(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_a_guess_only_for_the_own_machine() {
        let read = |text| Target::parse(text).map(|target| target.to_string());
        for (text, url) in [
            ("localhost:8787/x", "http://localhost:8787/x"),
            ("127.0.0.1:8787", "http://127.0.0.1:8787/"),
            ("[::1]:8787/x?u=http://y", "http://[::1]:8787/x?u=http://y"),
            (" :8787/x ", "http://localhost:8787/x"),
            ("HTTPS://User:Pass@Shop.example/a", "https://shop.example/a"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(url), "{text}");
        }
        assert_eq!(read(""), Err(TargetError::Empty));
        assert_eq!(read("shop.example/notify"), Err(TargetError::NoScheme));
        assert_eq!(read("ftp://shop.example/"), Err(TargetError::Scheme("ftp".into())));
        for text in [
            "localhost:99999",
            "127.0.0.1:65536/x",
            ":99999",
            "http://h:99999/",
            "localhost:0",
            "[::1]:70000",
            "https://h:-1/",
        ] {
            assert_eq!(read(text), Err(TargetError::Port), "{text}");
        }
        for text in ["http://", "http://a b/", "mailto:a@b", "http://[::1/"] {
            assert!(read(text).is_err(), "{text}");
        }
        let target = Target::parse("http://user:s3cret@127.9.9.9/").unwrap();
        assert!(target.is_loopback() && !format!("{target:?} {target}").contains("s3cret"));
        assert!(!Target::parse("http://localhost.example/").unwrap().is_loopback());
    }
}
