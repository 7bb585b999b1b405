//! Who may use the page and the API: whoever on this machine has the printed token, and no page of
//! another site.
//!
//! A page of another site can make a browser send requests to loopback. The Host header stops a
//! name that was pointed at loopback (DNS rebinding), Origin and Sec-Fetch-Site stop requests that
//! another page makes, and the token stops other users of the machine.

use std::net::SocketAddr;

use protocol::is_json_type;
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::receiver::callback::Callback;

/// Readiness probes ask for it.
pub(super) const HEALTH: &str = "/healthz";

/// The header without which a page changes nothing: a form of another page cannot send it.
pub(super) const MARK: &str = "x-inspector";

pub(super) const HEADERS: [(&str, &str); 8] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
];

/// Sixteen bytes of the system's randomness, as hexadecimal digits.
struct Token(String);

pub(super) struct AccessGuard {
    hosts: Vec<String>,
    address: SocketAddr,
    token: Token,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// By the token in the address that was printed, which is exchanged for a cookie.
    ByUrl,
    ByCookie,
    ByHeader,
    /// Without a token: readiness probes have none.
    Probe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the request target is not a path")]
    Target,
    #[error("this server answers only to its own loopback address")]
    Host,
    #[error("requests from other sites are refused")]
    Origin,
    #[error("there is no token")]
    NoToken,
    #[error("the token is not the one of this run")]
    WrongToken,
    #[error("the content type must be application/json")]
    ContentType,
    /// A change from a page without the header that this page sends.
    #[error("the header X-Inspector is missing")]
    NoMark,
}

impl Refused {
    const fn status(self) -> u16 {
        match self {
            Refused::Target => 400,
            Refused::NoToken => 401,
            Refused::Origin | Refused::WrongToken | Refused::NoMark => 403,
            Refused::ContentType => 415,
            Refused::Host => 421,
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Refused::Target => "send a path such as /api/state",
            Refused::Host => "use the address that payout-notify printed, in Host too",
            Refused::Origin => "leave out the headers Origin and Sec-Fetch-Site",
            Refused::NoToken | Refused::WrongToken => {
                "open the address that payout-notify printed, or send its token as \
                 Authorization: Bearer TOKEN"
            }
            Refused::ContentType => "send Content-Type: application/json",
            Refused::NoMark => "send X-Inspector: 1, or the token as Authorization: Bearer TOKEN",
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let problem = Problem::new(refused.status(), refused.to_string()).hint(refused.hint());
        match refused {
            Refused::NoToken => problem.header("WWW-Authenticate", "Bearer"),
            _ => problem,
        }
    }
}

impl AccessGuard {
    pub(super) fn try_new(address: SocketAddr) -> Result<AccessGuard, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let port = address.port();
        let mut hosts: Vec<String> =
            ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")).into();
        hosts.push(address.to_string());
        if port == 80 {
            // Browsers leave out the port that is usual.
            hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
        }
        Ok(AccessGuard { hosts, address, token: Token(hex::encode(bytes)) })
    }

    pub(super) fn token(&self) -> &str {
        &self.token.0
    }

    pub(super) fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/?token={}", self.address, self.token.0)
    }

    pub(super) fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.token.0)
    }

    fn cookie_name(&self) -> String {
        format!("inspector_{}", self.address.port())
    }

    pub(super) fn admit(&self, request: &Callback) -> Result<Admitted, Refused> {
        if !request.path.raw().starts_with('/') {
            return Err(Refused::Target);
        }
        let host = only(request, "host").ok_or(Refused::Host)?;
        if !self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            return Err(Refused::Host);
        }
        check_origin(request, host)?;
        if request.path.raw() == HEALTH {
            return Ok(Admitted::Probe);
        }
        self.check_token(request)
    }

    fn check_token(&self, request: &Callback) -> Result<Admitted, Refused> {
        let offered =
            request.path.raw().strip_prefix("/?token=").filter(|_| request.method.raw() == "GET");
        if let Some(offered) = offered {
            let offered = offered.split('&').next().unwrap_or_default();
            return if self.is_token(offered) {
                Ok(Admitted::ByUrl)
            } else {
                Err(Refused::WrongToken)
            };
        }
        if raw_values(request, "authorization").next().is_some() {
            let token = only(request, "authorization").and_then(bearer);
            let is_right = token.is_some_and(|token| self.is_token(token));
            return if is_right { Ok(Admitted::ByHeader) } else { Err(Refused::WrongToken) };
        }
        let name = self.cookie_name();
        let mut brought = false;
        for cookie in values(request, "cookie").flat_map(|line| line.split(';')) {
            let Some((known, value)) = cookie.trim().split_once('=') else { continue };
            if known == name {
                brought = true;
                if self.is_token(value) {
                    return Ok(Admitted::ByCookie);
                }
            }
        }
        Err(if brought { Refused::WrongToken } else { Refused::NoToken })
    }

    fn is_token(&self, offered: &str) -> bool {
        self.token.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

fn check_origin(request: &Callback, host: &str) -> Result<(), Refused> {
    let own = format!("http://{host}");
    let mut origins = raw_values(request, "origin");
    if !origins.all(|origin| origin.eq_ignore_ascii_case(own.as_bytes())) {
        return Err(Refused::Origin);
    }
    let mut sites = raw_values(request, "sec-fetch-site");
    if sites.all(|site| matches!(site, b"same-origin" | b"none")) {
        Ok(())
    } else {
        Err(Refused::Origin)
    }
}

/// A page of another site can send neither JSON nor these headers without asking first, and is
/// not allowed when it asks.
pub(super) fn check_change(request: &Callback, admitted: Admitted) -> Result<(), Refused> {
    if !request.content_type().is_some_and(is_json_type) {
        return Err(Refused::ContentType);
    }
    match admitted {
        Admitted::ByHeader => Ok(()),
        _ => request.header(MARK).map(|_| ()).ok_or(Refused::NoMark),
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn raw_values<'r>(request: &'r Callback, name: &'r str) -> impl Iterator<Item = &'r [u8]> {
    let of_name = request.headers.iter().filter(move |(known, _)| known == name);
    of_name.map(|(_, value)| &value[..])
}

fn values<'r>(request: &'r Callback, name: &'r str) -> impl Iterator<Item = &'r str> {
    raw_values(request, name).filter_map(|value| std::str::from_utf8(value).ok())
}

fn only<'r>(request: &'r Callback, name: &'r str) -> Option<&'r str> {
    let mut found = raw_values(request, name);
    let value = found.next().filter(|_| found.next().is_none())?;
    std::str::from_utf8(value).ok()
}
