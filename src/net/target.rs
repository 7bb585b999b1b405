//! The one type of URL that requests go to, and how far away its host is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::mask::Untrusted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode,
};
use url::{ParseError, Url};

/// What a request target cannot carry as it is; everything else is sent byte for byte.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b'"').add(b'<').add(b'>').add(b'`');

const UNSENDABLE_IN_PAIRS: &AsciiSet = &UNSENDABLE.add(b' ').add(b'#');

/// How far away a host is, as far as its name or address shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locality {
    Loopback,
    /// RFC 1918, RFC 4193 (`fc00::/7`), link-local, or a name that only a local network gives out.
    Private,
    Elsewhere,
}

impl Locality {
    pub fn of_address(address: IpAddr) -> Self {
        let address = address.to_canonical();
        // An unspecified address reaches the own machine too.
        if address.is_loopback() || address.is_unspecified() {
            return Locality::Loopback;
        }
        let is_private = match address {
            IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        if is_private { Locality::Private } else { Locality::Elsewhere }
    }

    fn of_name(name: &str) -> Self {
        let ends = |end: &str| name.ends_with(end);
        if is_localhost(name) {
            Locality::Loopback
        } else if !name.contains('.') || [".local", ".internal", ".lan"].into_iter().any(ends) {
            // Such names are given out by a container network or a router.
            Locality::Private
        } else {
            Locality::Elsewhere
        }
    }
}

/// Whether a host is this machine by name (RFC 6761, section 6.3).
pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

/// A URL of `http` or `https`. Its path and query are kept as they were written.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    /// Without credentials and fragment.
    text: String,
    /// A name in lower case, or an address without brackets.
    host: String,
    port: u16,
    is_https: bool,
    authority: HeaderValue,
    uri: Uri,
    credentials: Option<HeaderValue>,
}

impl Target {
    /// Reads a URL. The scheme may be left out for this machine: `localhost:8787/x`,
    /// `127.0.0.1:8787` and `:8787` are read as `http`. Elsewhere a guess could send a payout over
    /// plain HTTP.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Syntax("it contains a space or a control character".into()));
        }
        match text.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => read(text, rest),
            _ => {
                let host = if text.starts_with(':') { "localhost" } else { "" };
                let rest = format!("{host}{text}");
                match read(&format!("http://{rest}"), &rest) {
                    Ok(target) if target.is_loopback() => Ok(target),
                    Err(TargetError::Port) => Err(TargetError::Port),
                    _ => Err(TargetError::NoScheme),
                }
            }
        }
    }

    pub fn host(&self) -> &str {
        &self.0.host
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port
    }

    pub fn is_https(&self) -> bool {
        self.0.is_https
    }

    pub fn locality(&self) -> Locality {
        match self.host().parse() {
            Ok(address) => Locality::of_address(address),
            Err(_) => Locality::of_name(self.host().trim_end_matches('.')),
        }
    }

    pub fn is_loopback(&self) -> bool {
        self.locality() == Locality::Loopback
    }

    /// Whether the URL holds a user name or a password, which are sent in a header and never shown.
    pub fn has_credentials(&self) -> bool {
        self.0.credentials.is_some()
    }

    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.0.credentials.as_ref()
    }

    /// The `Host` header of its requests.
    pub fn authority(&self) -> &HeaderValue {
        &self.0.authority
    }

    /// The path and the query, as in the first line of its requests.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The path, and both its query and a received one, byte for byte; `None` where they cannot be
    /// sent.
    pub fn uri_with_query(&self, received: Option<&str>) -> Option<Uri> {
        let Some(received) = received else { return Some(self.0.uri.clone()) };
        let joint = if self.0.uri.query().is_some() { '&' } else { '?' };
        let whole = PathAndQuery::try_from(format!("{}{joint}{received}", self.0.uri)).ok()?;
        Some(Uri::from(whole))
    }

    /// The same with each `{name}` of its path and query replaced, percent-encoded.
    #[must_use]
    pub fn fill(&self, values: &[(&str, &str)]) -> Target {
        let mut path = self.0.uri.to_string();
        if !path.contains('{') {
            return self.clone();
        }
        let mut text = self.0.text.clone();
        for (name, value) in values {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
            path = path.replace(&format!("{{{name}}}"), &value);
            text = text.replace(&format!("{{{name}}}"), &value);
        }
        let uri = PathAndQuery::try_from(path).map(Uri::from).ok();
        uri.map_or_else(|| self.clone(), |uri| self.with_uri(uri, text))
    }

    /// The same with more pairs behind its query; they are percent-encoded.
    #[must_use]
    pub fn with_query(&self, pairs: &str) -> Target {
        let pairs = Some(pairs).filter(|pairs| !pairs.is_empty());
        let uri = pairs.and_then(|pairs| self.uri_with_query(Some(pairs)));
        uri.map_or_else(|| self.clone(), |uri| self.with_uri(uri, self.0.text.clone()))
    }

    fn with_uri(&self, uri: Uri, text: String) -> Target {
        let Parts { host, port, is_https, authority, credentials, .. } = &*self.0;
        let (host, authority) = (host.clone(), authority.clone());
        let (port, is_https, credentials) = (*port, *is_https, credentials.clone());
        Target(Arc::new(Parts { text, host, port, is_https, authority, uri, credentials }))
    }

    /// The path with the pairs of a notification behind its own query; a byte that no URL can hold
    /// is escaped.
    pub(super) fn uri_with_pairs(&self, pairs: &[u8]) -> Option<Uri> {
        let pairs = percent_encode(pairs, UNSENDABLE_IN_PAIRS).to_string();
        self.uri_with_query(Some(&pairs))
    }

    pub(super) fn is_same_endpoint(&self, other: &Target) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.port, self.0.is_https) == (other.0.port, other.0.is_https)
                && self.0.host == other.0.host
    }

    /// Whether requests to it reach a server that is bound to this address.
    pub fn reaches(&self, bound: SocketAddr) -> bool {
        if self.port() != bound.port() {
            return false;
        }
        let (own, bound) = (self.host().parse::<IpAddr>().ok(), bound.ip().to_canonical());
        let is_local = |address: IpAddr| address.is_loopback() || address.is_unspecified();
        match own.map(|own| own.to_canonical()) {
            Some(own) if own == bound => true,
            // The unspecified address stands for this machine, whichever side has it.
            Some(own) => {
                (own.is_unspecified() || bound.is_unspecified()) && is_local(own) && is_local(bound)
            }
            None => self.is_loopback() && is_local(bound),
        }
    }
}

fn read(text: &str, rest: &str) -> Result<Target, TargetError> {
    let wrong = |why: &str| TargetError::Syntax(why.to_owned());
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => TargetError::Port,
        // The text names the rule and quotes nothing of the URL.
        rule => TargetError::Syntax(rule.to_string()),
    })?;
    let is_https = match url.scheme() {
        "http" => false,
        "https" => true,
        other => return Err(TargetError::Scheme(other.to_owned())),
    };
    let port = url.port_or_known_default().filter(|port| *port > 0).ok_or(TargetError::Port)?;
    let start = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (before, after) = rest.split_at(start);
    // The parser takes a backslash for a slash, and skips slashes before a host.
    if before.is_empty() || after.starts_with('\\') {
        return Err(wrong("it has no host"));
    }
    if before.ends_with(':') {
        return Err(TargetError::Port);
    }
    let host = url.host_str().ok_or_else(|| wrong("it has no host"))?;
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let path = after.split('#').next().unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let path = format!("{slash}{}", utf8_percent_encode(path, UNSENDABLE));
    let text = format!("{}://{authority}{path}", url.scheme());
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    Ok(Target(Arc::new(Parts {
        text,
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        is_https,
        authority: HeaderValue::from_str(&authority).map_err(|_| wrong("its host is invalid"))?,
        uri: path.parse().map_err(|_| wrong("its path or query cannot be sent"))?,
        credentials: has_credentials.then(|| basic(&url)).flatten(),
    })))
}

/// The `Authorization` header of a user name and a password in a URL.
fn basic(url: &Url) -> Option<HeaderValue> {
    let mut plain: Vec<u8> = percent_decode_str(url.username()).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Untrusted::new(&self.0.text), f)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the notify URL is empty")]
    Empty,
    #[error("the notify URL cannot be read: {0}")]
    Syntax(String),
    /// A port that is not a number from 1 to 65535.
    #[error("the notify URL's port is not a number from 1 to 65535")]
    Port,
    #[error("the notify URL's scheme is {}, not http or https", Untrusted::new(.0))]
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

#[cfg(test)]
mod tests;
