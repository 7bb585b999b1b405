//! The proxy of the environment: which one a request goes through, and what is its doing.
//!
//! `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are read by the rules of the HTTP library,
//! which asks the proxy.

use std::error::Error;

use hyper::Uri;
use hyper::header::{HeaderMap, VIA};
use hyper_util::client::proxy::matcher::Matcher;

use super::outcome::{FailureKind, TransportFailure};
use super::transport::Target;
use super::wire_settings::WireSettings;

const WAY_ROUND: &str = "check the proxy's setting (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY), or name \
                         the merchant's host in NO_PROXY";

#[derive(Clone, Debug)]
pub(super) struct Proxy {
    /// Its URL, without credentials.
    name: String,
    is_tunnel: bool,
}

/// The URL of the proxy that requests to a target go through, without credentials.
pub fn proxy_for(target: &Target, wire: &WireSettings) -> Option<String> {
    Proxy::of(target, wire).map(|proxy| proxy.name)
}

impl Proxy {
    pub(super) fn of(target: &Target, wire: &WireSettings) -> Option<Self> {
        if target.is_loopback() || wire.needs_own_connection() {
            return None;
        }
        let uri: Uri = target.url().as_str().parse().ok()?;
        let proxy = Matcher::from_env().intercept(&uri)?;
        let (scheme, authority) = (proxy.uri().scheme_str()?, proxy.uri().authority()?.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        Some(Proxy { name: format!("{scheme}://{host}"), is_tunnel: target.is_https() })
    }

    pub(super) fn explain(
        &self,
        failed: TransportFailure,
        error: Option<&(dyn Error + 'static)>,
    ) -> TransportFailure {
        let name = &self.name;
        let tunnel = error.and_then(tunnel_error);
        let detail = match (tunnel.as_deref(), failed.kind) {
            (_, FailureKind::HeldBack) => return failed,
            // The tunnel was there: TLS is the merchant's.
            (None, FailureKind::Tls) => return failed,
            (Some(text), _) if text.contains("proxy authorization required") => {
                format!(
                    "the proxy {name} asks for a user name and a password (407), so nothing was \
                     sent; write them into the proxy's setting: http://USER:PASSWORD@HOST:PORT"
                )
            }
            (Some(text), _) if text.contains("unsuccessful") || text.contains("headers too") => {
                format!(
                    "the proxy {name} refused to connect to the merchant, so nothing was sent; \
                     {WAY_ROUND}"
                )
            }
            _ => format!(
                "the proxy {name} gave no connection, so nothing was sent; {WAY_ROUND} ({})",
                failed.detail
            ),
        };
        TransportFailure::new(FailureKind::Proxy, &detail)
    }

    /// The failure that a reply stands for which the proxy made, or may have made, itself.
    pub(super) fn reply(&self, status: u16, headers: &HeaderMap) -> Option<TransportFailure> {
        if self.is_tunnel {
            return None;
        }
        let name = &self.name;
        let is_named = |name: &str| name == "x-squid-error" || name.starts_with("proxy-");
        let names_a_proxy = headers.keys().any(|name| is_named(name.as_str()));
        let detail = match status {
            407 => format!(
                "the proxy {name} asks for a user name and a password (407), so the merchant was \
                 not reached; write them into HTTP_PROXY: http://USER:PASSWORD@HOST:PORT"
            ),
            502..=504 if names_a_proxy || headers.contains_key(VIA) => format!(
                "status {status} came from the proxy {name} or the merchant behind it, which may \
                 have processed the notification"
            ),
            400.. if headers.contains_key("x-squid-error") => format!(
                "status {status} came from the proxy {name}, which did not pass the request on; \
                 {WAY_ROUND}"
            ),
            _ => return None,
        };
        Some(TransportFailure::new(FailureKind::Proxy, &detail))
    }
}

fn tunnel_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if text.starts_with("tunnel error") {
            return Some(text);
        }
        next = error.source();
    }
    None
}
