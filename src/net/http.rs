//! HTTP: a transport that sends each request exactly once.
//!
//! The only file that names reqwest. Left alone it follows redirects, repeats requests and uses
//! proxies even for the own machine; then the attempt count would lie. All of it is off here.
//! It sends the ordinary delivery; what needs a hold on the connection goes through
//! `wire.rs`.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::internal::acknowledgement::{MAX_REPLY_BYTES, Reply};
pub(super) use reqwest::Url;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use reqwest::{Client, Method, redirect, retry};
use rustls::ClientConfig;

use super::outcome::{FailureKind, Outcome, TransportFailure};
use super::proxy::Proxy;
use super::tls::{client_config, trust_nobody};
use super::transport::{HeaderError, Request, Shortage, Target, Transport};
use super::wire::noted::Noted;
use super::wire::{Place, ReplyFate, Wire};
use super::wire_failure::{Phase, Progress, Security, failure, timed_out};
use super::wire_settings::{HeaderRule, Loss, WireSettings};

/// How long one attempt may take, unless told otherwise.
///
/// Ours: the protocol's section 3 says that the platform's own timeout is documented nowhere.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The `Content-Type` of a notification (the protocol's section 1).
pub const NOTIFICATION_CONTENT_TYPE: &str = "application/json;charset=utf-8";

pub const USER_AGENT_TEXT: &str = concat!("payout-notify/", env!("CARGO_PKG_VERSION"));

const FIRST_HOLD: Duration = Duration::from_millis(20);
const MOST_HOLD: Duration = Duration::from_millis(250);

/// How long it waits in all, beyond the time that the attempts in flight have, before it is not sent.
const LONGEST_HOLD: Duration = Duration::from_secs(3);

const MAX_HEADER_CHARS: usize = 256;

pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name(name.to_owned()))?;
    HeaderValue::from_str(value).map_err(|_| HeaderError::Value(name.to_owned()))?;
    let framing = ["content-length", "transfer-encoding", "connection", "expect", "upgrade"];
    if framing.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(HeaderError::Reserved(name.to_owned()));
    }
    Ok(())
}

#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub timeout: Duration,
    pub wire: WireSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings { timeout: DEFAULT_TIMEOUT, wire: WireSettings::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Loopback,
    Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Route {
    security: Security,
    reach: Reach,
}

impl Route {
    fn to(target: &Target) -> Self {
        Route {
            security: if target.is_https() { Security::Tls } else { Security::Plain },
            reach: if target.is_loopback() { Reach::Loopback } else { Reach::Network },
        }
    }
}

/// The client cannot be built, for example because the machine has no CA certificates.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client")]
pub struct TransportError {
    source: Box<dyn Error + Send + Sync>,
}

impl TransportError {
    fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TransportError { source: source.into() }
    }
}

#[derive(Clone, Debug)]
struct Prepared {
    target: Target,
    /// The URL without credentials: they are in the headers.
    url: Url,
    place: Arc<Place>,
    headers: HeaderMap,
}

/// Sends requests over HTTP/1.1, each exactly once; needs a tokio runtime.
///
/// Environment proxies are honoured except for the own machine, and except where connections are
/// reused or another manner needs a connection of the tool's own.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    wire: Option<Arc<Wire>>,
    route: Route,
    timeout: Duration,
    rules: Arc<[HeaderRule]>,
    method: Method,
    loss: Option<Loss>,
    sent: Arc<AtomicU64>,
    usual: Arc<Prepared>,
    proxy: Option<Arc<Proxy>>,
    shortage: Arc<Shortage>,
    moved: Arc<Mutex<Option<Instant>>>,
}

impl HttpTransport {
    pub fn try_new(target: &Target, settings: HttpSettings) -> Result<Self, TransportError> {
        let HttpSettings { timeout, wire } = settings;
        let route = Route::to(target);
        let tls = match route.security {
            Security::Tls => client_config(&wire.tls).map_err(TransportError::new)?,
            Security::Plain => trust_nobody().map_err(TransportError::new)?,
        };
        let client = client(route, tls.clone()).map_err(TransportError::new)?;
        let method = wire.method.as_ref().map_or(Ok(Method::POST), |verb| {
            Method::from_bytes(verb.as_str().as_bytes()).map_err(TransportError::new)
        })?;
        let usual = prepare(&client, target, &wire.headers)
            .ok_or_else(|| TransportError::new("the URL cannot be requested"))?;
        Ok(HttpTransport {
            client,
            route,
            timeout,
            rules: wire.headers.clone().into(),
            method,
            loss: wire.loss,
            proxy: Proxy::of(target, &wire).map(Arc::new),
            shortage: Arc::default(),
            moved: Arc::default(),
            wire: wire.needs_own_connection().then(|| Arc::new(Wire::new(wire, tls))),
            sent: Arc::default(),
            usual: Arc::new(usual),
        })
    }

    async fn attempt(&self, request: &Request) -> Outcome {
        let progress = Arc::new(Progress::at(match &self.wire {
            Some(_) => Phase::Resolving,
            None => Phase::Reaching(self.route.security),
        }));
        match tokio::time::timeout(self.timeout, self.exchange(request, &progress)).await {
            Ok(Ok(reply)) => Outcome::Reply(reply),
            Ok(Err(failure)) => Outcome::NoReply(failure),
            Err(_) => {
                let phase = progress.phase();
                let failed = timed_out(phase, self.timeout);
                Outcome::NoReply(match &self.proxy {
                    Some(proxy) if phase != Phase::Exchanging => proxy.explain(failed, None),
                    _ => failed,
                })
            }
        }
    }

    /// Whether a request that this machine holds back may be tried again: as long as another one
    /// that is in flight can still make room for it.
    fn may_hold_back(&self, since: Instant, why: &str) -> bool {
        self.shortage.note(why);
        let moved = *self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = moved.map_or(since, |moved| moved.max(since)).elapsed();
        if idle < self.timeout.saturating_add(LONGEST_HOLD) {
            return true;
        }
        self.shortage.give_up();
        false
    }

    async fn exchange(
        &self,
        request: &Request,
        progress: &Arc<Progress>,
    ) -> Result<Reply, TransportFailure> {
        let prepared = if request.url == self.usual.target {
            Arc::clone(&self.usual)
        } else {
            let prepared = prepare(&self.client, &request.url, &self.rules);
            let detail = "the URL cannot be requested";
            Arc::new(prepared.ok_or(TransportFailure::new(FailureKind::Other, detail))?)
        };
        let mut headers = with_room(&prepared.headers);
        let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        send_instead(&mut headers, own);
        let body = Arc::clone(&request.body);
        let Some(wire) = &self.wire else {
            // In a box, so that the other way does not carry the room that this one needs.
            return Box::pin(self.ordinary(prepared.url.clone(), headers, &body, progress)).await;
        };
        let place = self.sent.fetch_add(1, Ordering::Relaxed);
        let fate = match self.loss {
            Some(loss) if loss.hits(place) => ReplyFate::Lost,
            _ => ReplyFate::Read,
        };
        let method = self.method.clone();
        wire.exchange(&prepared.place, (method, headers), body, (fate, progress)).await
    }

    async fn ordinary(
        &self,
        url: Url,
        headers: HeaderMap,
        body: &[u8],
        progress: &Arc<Progress>,
    ) -> Result<Reply, TransportFailure> {
        // Plain HTTP to an address is a connection and nothing else before it.
        let is_address = url
            .host_str()
            .is_some_and(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok());
        let reaching = match self.route.security {
            Security::Plain if is_address && self.proxy.is_none() => Phase::Connecting,
            security => Phase::Reaching(security),
        };
        let mut request = reqwest::Request::new(self.method.clone(), url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(reqwest::Body::wrap(Noted::new(body, Arc::clone(progress))));
        let proxy = self.proxy.as_deref();
        let classify = |error| classify(error, reaching, proxy);
        let mut response = self.client.execute(request).await.map_err(classify)?;
        let status = response.status().as_u16();
        if let Some(failed) = proxy.and_then(|proxy| proxy.reply(status, response.headers())) {
            return Err(failed);
        }
        let mut reply = start_reply(response.status().as_u16(), response.headers());
        while reply.body.len() <= MAX_REPLY_BYTES {
            let Some(chunk) = response.chunk().await.map_err(classify)? else { break };
            let room = MAX_REPLY_BYTES + 1 - reply.body.len();
            reply.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(reply)
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: &Request) -> Outcome {
        if request.url != self.usual.target && Route::to(&request.url) != self.route {
            let detail = "the transport was set up for another kind of URL";
            return Outcome::NoReply(TransportFailure::new(FailureKind::Other, detail));
        }
        let (since, mut wait) = (Instant::now(), FIRST_HOLD);
        loop {
            let outcome = self.attempt(request).await;
            match &outcome {
                Outcome::NoReply(TransportFailure { kind: FailureKind::HeldBack, detail }) => {
                    if !self.may_hold_back(since, detail) {
                        return outcome;
                    }
                }
                _ => {
                    let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
                    *moved = Some(Instant::now());
                    return outcome;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MOST_HOLD);
        }
    }

    fn shortage(&self) -> Option<&Shortage> {
        Some(&self.shortage)
    }
}

fn client(route: Route, tls: ClientConfig) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        // A connection used again may have gone stale, and then the attempt would fail.
        .pool_max_idle_per_host(0)
        .tls_backend_preconfigured(tls);
    if route.reach == Reach::Loopback {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// The place of a target and the headers of every request there; `None` where it has no host.
fn prepare(client: &Client, target: &Target, rules: &[HeaderRule]) -> Option<Prepared> {
    // It moves a user name and a password from the URL to an Authorization header.
    let mut request = client.post(target.url().clone()).build().ok()?;
    let mut headers = std::mem::take(request.headers_mut());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(NOTIFICATION_CONTENT_TYPE));
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    for rule in rules {
        headers.remove(rule.name());
    }
    send_instead(
        &mut headers,
        rules.iter().filter_map(|rule| match rule {
            HeaderRule::Send { name, value } => Some((name.as_str(), value.as_str())),
            HeaderRule::Omit { .. } => None,
        }),
    );
    let url = request.url().clone();
    Some(Prepared { target: target.clone(), place: Arc::new(Place::of(&url)?), url, headers })
}

fn with_room(headers: &HeaderMap) -> HeaderMap {
    let mut copy = HeaderMap::with_capacity(headers.len() + 3);
    for (name, value) in headers {
        copy.append(name.clone(), value.clone());
    }
    copy
}

/// Puts headers in the place of those of the same name; one that cannot be sent is left out.
fn send_instead<'a>(
    headers: &mut HeaderMap,
    instead: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) {
    for (name, _) in instead.clone() {
        headers.remove(name);
    }
    for (name, value) in instead {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
}

pub(super) fn start_reply(status: u16, headers: &HeaderMap) -> Reply {
    let header = |name| {
        let value = String::from_utf8_lossy(headers.get(name)?.as_bytes());
        // As many bytes hold no more characters.
        if value.len() <= MAX_HEADER_CHARS {
            return Some(value.into_owned());
        }
        Some(value.chars().take(MAX_HEADER_CHARS).collect())
    };
    Reply {
        status,
        content_type: header(CONTENT_TYPE),
        retry_after: header(RETRY_AFTER),
        body: Vec::new(),
    }
}

fn classify(error: reqwest::Error, reaching: Phase, proxy: Option<&Proxy>) -> TransportFailure {
    // The URL may hold credentials.
    let error = error.without_url();
    let phase = if error.is_dns() {
        Phase::Resolving
    } else if error.is_connect() {
        reaching
    } else {
        Phase::Exchanging
    };
    let failed = failure(&error, phase);
    match proxy {
        Some(proxy) if phase != Phase::Exchanging => proxy.explain(failed, Some(&error)),
        _ => failed,
    }
}

#[cfg(test)]
mod tests;
