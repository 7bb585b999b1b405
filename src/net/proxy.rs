//! Which proxy a request goes through, and what is its doing.
//!
//! One rule for every command: the environment's (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`, as curl reads them) for endpoints that are neither on this machine nor in a private
//! network, unless a proxy is named, or none.

use std::error::Error;
use std::fmt;

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderValue, VIA};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::failure::causes;
use super::outcome::{FailureKind, TransportFailure};
use super::target::{Locality, Target};
use crate::mask::Untrusted;

const WAY_ROUND: &str = "check the proxy's setting (--proxy, HTTP_PROXY, HTTPS_PROXY or ALL_PROXY), \
                         or go without one: --proxy none";

/// Where the choice of a proxy comes from.
#[derive(Clone, Debug, Default)]
pub enum ProxyRule {
    #[default]
    Environment,
    Direct,
    Through(Proxy),
}

impl ProxyRule {
    /// Reads `none`, or a proxy's URL, whose scheme may be left out.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(ProxyRule::Direct);
        }
        let matcher = Matcher::builder().all(text.trim()).build();
        let intercept = matcher.intercept(&Uri::from_static("http://any.example"));
        Proxy::new(&intercept.ok_or(ProxyError::Url)?).map(ProxyRule::Through)
    }

    pub(super) fn proxy_for(&self, target: &Target) -> Result<Option<Proxy>, ProxyError> {
        match self {
            ProxyRule::Direct => Ok(None),
            ProxyRule::Through(proxy) => Ok(Some(proxy.clone())),
            ProxyRule::Environment if target.locality() != Locality::Elsewhere => Ok(None),
            ProxyRule::Environment => {
                let Ok(uri) = target.to_string().parse() else { return Ok(None) };
                Matcher::from_env().intercept(&uri).map(|one| Proxy::new(&one)).transpose()
            }
        }
    }
}

/// A proxy; its texts have no credentials.
#[derive(Clone)]
pub struct Proxy {
    url: String,
    credentials: Option<HeaderValue>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error("expected the URL of a proxy, such as http://proxy.example:3128, or none")]
    Url,
    #[error("the proxy {} is neither http:// nor https://, and no other kind can be used", Untrusted::new(.0))]
    Scheme(String),
    #[error("the proxy cannot be used: {0}")]
    Unusable(String),
    #[error("{0} needs a direct connection, and a proxy is in the way")]
    Direct(&'static str),
    #[error(
        "the URL's path or query would be changed on the way to a proxy: percent-encode what it \
         holds besides letters, digits and -._~/?=&%"
    )]
    Rewritten,
}

impl Proxy {
    fn new(intercept: &Intercept) -> Result<Self, ProxyError> {
        let uri = intercept.uri();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        // A password with an "@" leaves its end here.
        let host = authority.rsplit('@').next().unwrap_or_default();
        let url = format!("{}://{host}", uri.scheme_str().unwrap_or_default());
        match uri.scheme_str() {
            Some("http" | "https") => {
                Ok(Proxy { url, credentials: intercept.basic_auth().cloned() })
            }
            _ => Err(ProxyError::Scheme(url)),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }

    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.credentials.as_ref()
    }

    /// Nothing came within the time: through a tunnel either end of it may be silent.
    pub(super) fn was_silent(
        &self,
        timed_out: &TransportFailure,
        is_tunnel: bool,
    ) -> TransportFailure {
        let why = &timed_out.detail;
        let detail = match is_tunnel {
            true => format!(
                "the proxy {self} or the merchant behind it did not answer, so nothing was sent \
                 ({why})"
            ),
            false => self.no_connection(why),
        };
        TransportFailure::new(FailureKind::Proxy, &detail)
    }

    fn no_connection(&self, why: &str) -> String {
        format!("the proxy {self} gave no connection, so nothing was sent; {WAY_ROUND} ({why})")
    }

    pub(super) fn explain(
        &self,
        failed: TransportFailure,
        error: &(dyn Error + 'static),
    ) -> TransportFailure {
        let tunnel = tunnel_error(error);
        let detail = match (tunnel.as_deref(), failed.kind) {
            (_, FailureKind::HeldBack) => return failed,
            // The tunnel was there: TLS is the merchant's.
            (None, FailureKind::Tls) if !self.is_https() => return failed,
            (Some(text), _) if text.contains("proxy authorization required") => {
                format!(
                    "the proxy {self} asks for a user name and a password (407), so nothing was \
                     sent; write them into the proxy's setting: http://USER:PASSWORD@HOST:PORT"
                )
            }
            (Some(text), _) if text.contains("unsuccessful") || text.contains("headers too") => {
                format!(
                    "the proxy {self} refused to connect to the merchant, so nothing was sent; \
                     {WAY_ROUND}"
                )
            }
            _ => self.no_connection(&failed.detail),
        };
        TransportFailure::new(FailureKind::Proxy, &detail)
    }

    /// The failure that a reply means which the proxy made, or may have made, itself.
    pub(super) fn reply(
        &self,
        status: u16,
        headers: &HeaderMap,
        is_tunnel: bool,
    ) -> Option<TransportFailure> {
        if is_tunnel {
            return None;
        }
        let is_named = |name: &str| name == "x-squid-error" || name.starts_with("proxy-");
        let names_a_proxy = headers.keys().any(|name| is_named(name.as_str()));
        let detail = match status {
            407 => format!(
                "the proxy {self} asks for a user name and a password (407), so the merchant was \
                 not reached; write them into the proxy's setting: http://USER:PASSWORD@HOST:PORT"
            ),
            502..=504 if names_a_proxy || headers.contains_key(VIA) => format!(
                "status {status} came from the proxy {self} or the merchant behind it, which may \
                 have processed the notification"
            ),
            400.. if headers.contains_key("x-squid-error") => format!(
                "status {status} came from the proxy {self}, which did not pass the request on; \
                 {WAY_ROUND}"
            ),
            _ => return None,
        };
        Some(TransportFailure::new(FailureKind::Proxy, &detail))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Untrusted::new(&self.url), f)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn tunnel_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut texts = causes(error).into_iter().map(ToString::to_string);
    texts.find(|text| text.starts_with("tunnel error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, ProxyError> {
        ProxyRule::parse(text).map(|rule| format!("{rule:?}"))
    }

    #[test]
    fn a_proxy_is_none_or_a_url_whose_credentials_are_not_shown() {
        assert_eq!(parse("none").unwrap(), "Direct");
        for (text, shown) in [
            ("proxy.example:3128", "Through(http://proxy.example:3128)"),
            ("http://user:s3cret@proxy.example:3128", "Through(http://proxy.example:3128)"),
            ("http://user:s3@cret@proxy.example:3128/", "Through(http://proxy.example:3128)"),
            ("https://[::1]:3128/x?y", "Through(https://[::1]:3128)"),
        ] {
            assert_eq!(parse(text).unwrap(), shown, "{text}");
        }
        for text in ["", "http://", "a b", "ftp://h", "http://user:s3cret@"] {
            assert_eq!(parse(text), Err(ProxyError::Url), "{text}");
        }
        let socks = parse("socks5://user:s3cret@h:1080");
        assert_eq!(socks, Err(ProxyError::Scheme("socks5://h:1080".into())));
    }

    #[test]
    fn a_named_proxy_is_for_every_endpoint() {
        let rule = ProxyRule::parse("proxy.example:3128").unwrap();
        for url in ["http://localhost/", "http://10.0.0.1/", "https://shop.example/"] {
            let proxy = rule.proxy_for(&Target::parse(url).unwrap()).unwrap();
            assert_eq!(proxy.unwrap().url(), "http://proxy.example:3128", "{url}");
        }
    }
}
