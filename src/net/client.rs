//! A client that sends each request exactly once, and nothing beside it: with redirects, hidden
//! retries or cookies the attempt count would be wrong. A request goes to its endpoint directly,
//! over a connection of the tool's own ([`direct`]), or through a proxy, over reqwest's
//! ([`proxied`]).

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER,
};
use hyper::{Method, Uri};
use protocol::internal::acknowledgement::{MAX_REPLY_BYTES, Reply};

use super::failure::{ConnectionPhase, timed_out};
use super::options::RequestOptions;
use super::outcome::{FailureKind, Outcome, TimedOutcome, TransportFailure};
use super::phases::Phases;
use super::proxy::{Proxy, ProxyError, ProxyRule};
use super::resolve::ResolveRule;
use super::target::Target;
use super::tls::{Tls, TlsError, TlsSettings};
use super::trace::{Log, Trace};
use super::transport::{Request, Shortage, Transport};
use direct::Direct;
use pool::Pool;
pub use pool::PoolLimits;
use progress::Progress;
use proxied::Proxied;

mod body;
mod connection;
mod direct;
mod pool;
mod progress;
mod proxied;

pub const USER_AGENT_TEXT: &str = concat!("payout-notify/", env!("CARGO_PKG_VERSION"));

const FIRST_HOLD: Duration = Duration::from_millis(20);
const MOST_HOLD: Duration = Duration::from_millis(250);

/// How long it waits in all, beyond the time that the attempts in flight have, before it is not sent.
const LONGEST_HOLD: Duration = Duration::from_secs(3);

const MAX_HEADER_CHARS: usize = 256;

#[derive(Clone, Debug, Default)]
pub struct ClientConfig {
    pub tls: TlsSettings,
    pub resolve: Vec<ResolveRule>,
    pub proxy: ProxyRule,
    pub pool: PoolLimits,
    /// Where the course of each attempt is shown; `None` shows nothing.
    pub trace: Option<Trace>,
}

/// The client cannot be set up, for example because the machine has no CA certificates.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// One request as it goes out: nothing is added to it but what its connection needs. It is borrowed,
/// because what waits for a reply should be small: there are as many as requests in flight.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    pub target: &'a Target,
    pub method: &'a Method,
    /// The path and the query, byte for byte.
    pub uri: &'a Uri,
    /// With the host's.
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    pub options: &'a RequestOptions,
    pub reply_limit: ReplyLimit,
    /// The connection is dropped when the reply comes, as a network fault would.
    pub loses_reply: bool,
}

impl HttpRequest<'_> {
    /// The headers as they are sent. Where the length has a place in them, it is put there: a copy
    /// that grows costs more than the rest of it.
    fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(length) = headers.get_mut(CONTENT_LENGTH) {
            *length = self.body.len().into();
        }
        headers
    }
}

/// How many bytes of a reply's body are read.
#[derive(Clone, Copy, Debug)]
pub enum ReplyLimit {
    /// So many and one byte; the rest is left.
    Cut(usize),
    /// The same, and nothing where more are announced.
    Whole(usize),
}

impl ReplyLimit {
    fn bytes(self) -> usize {
        match self {
            ReplyLimit::Cut(bytes) | ReplyLimit::Whole(bytes) => bytes,
        }
    }

    fn refuses(self, announced: u64) -> bool {
        matches!(self, ReplyLimit::Whole(bytes) if announced > bytes as u64)
    }
}

#[derive(Debug)]
pub struct HttpReply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub is_cut: bool,
}

impl HttpReply {
    fn new(status: u16, headers: HeaderMap) -> Self {
        HttpReply { status, headers, body: Vec::new(), is_cut: false }
    }

    /// Takes in a part of the body, and is cut where that passes the limit.
    fn take(&mut self, bytes: &[u8], limit: ReplyLimit) {
        let room = limit.bytes() + 1 - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_cut = self.body.len() > limit.bytes();
    }

    fn header(&self, name: HeaderName) -> Option<String> {
        let value = String::from_utf8_lossy(self.headers.get(name)?.as_bytes());
        // As many bytes hold no more characters.
        if value.len() <= MAX_HEADER_CHARS {
            return Some(value.into_owned());
        }
        Some(value.chars().take(MAX_HEADER_CHARS).collect())
    }

    /// The encoding of its body, in lower case; `None` where there is none.
    fn encoding(&self) -> Option<String> {
        let encoding = self.header(CONTENT_ENCODING)?.trim().to_ascii_lowercase();
        (!encoding.is_empty() && encoding != "identity").then_some(encoding)
    }
}

/// Sends requests to one endpoint over HTTP/1.1; needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    target: Target,
    config: ClientConfig,
    engine: Engine,
    /// How many requests went out, for the choice of the replies that are lost.
    sent: AtomicU64,
    shortage: Shortage,
    /// How many requests have a reply, or failed for another reason than this machine's.
    concluded: AtomicU64,
}

/// Since when so many requests were concluded and no more.
#[derive(Clone, Copy)]
struct Idle {
    since: Instant,
    concluded: u64,
}

#[derive(Debug)]
enum Engine {
    Direct(Direct),
    Proxied(Proxied),
}

impl Client {
    pub fn try_new(target: &Target, config: ClientConfig) -> Result<Self, ClientError> {
        let tls = target.is_https().then(|| Tls::try_new(&config.tls)).transpose()?;
        let engine = match config.proxy.proxy_for(target)? {
            None => {
                let pool = Arc::new(Pool::new(config.pool));
                Engine::Direct(Direct { tls, resolve: config.resolve.clone(), pool })
            }
            Some(_) if !config.resolve.is_empty() => {
                return Err(ProxyError::Direct("--resolve").into());
            }
            Some(proxy) => Engine::Proxied(Proxied::try_new(proxy, target, &config.tls)?),
        };
        Ok(Client(Arc::new(Shared {
            target: target.clone(),
            config,
            engine,
            sent: AtomicU64::new(0),
            shortage: Shortage::default(),
            concluded: AtomicU64::new(0),
        })))
    }

    pub fn config(&self) -> &ClientConfig {
        &self.0.config
    }

    /// The proxy that its requests go through; `None` where they go to the endpoint directly.
    pub fn proxy(&self) -> Option<&Proxy> {
        match &self.0.engine {
            Engine::Direct(_) => None,
            Engine::Proxied(proxied) => Some(proxied.proxy()),
        }
    }

    /// Whether requests with these options can be sent; a proxy is in the way of some.
    pub fn permits(&self, options: &RequestOptions) -> Result<(), ProxyError> {
        match &self.0.engine {
            Engine::Direct(_) => Ok(()),
            Engine::Proxied(_) => {
                options.needs_direct().map_or(Ok(()), |what| Err(ProxyError::Direct(what)))
            }
        }
    }

    /// Sends one request once, and reads its reply within the time of its options.
    pub async fn exchange(
        &self,
        request: HttpRequest<'_>,
    ) -> (Result<HttpReply, TransportFailure>, Phases) {
        let shared = &*self.0;
        let other = |detail: &str| Err(TransportFailure::new(FailureKind::Other, detail));
        if !request.target.is_same_endpoint(&shared.target) {
            let detail = "the client was set up for another endpoint";
            return (other(detail), Phases::default());
        }
        if let Err(error) = self.permits(request.options) {
            return (other(&error.to_string()), Phases::default());
        }
        let limit = request.options.timeout;
        let log = Log::new(shared.config.trace.clone(), request.body);
        match &shared.engine {
            Engine::Direct(direct) => {
                let progress = Progress::new(ConnectionPhase::Resolving, log);
                // In a box: what waits for a reply is then moved once, and not by each caller.
                let exchanged = Box::pin(direct.exchange(request, &progress));
                let exchanged = tokio::time::timeout(limit, exchanged).await;
                let exchanged =
                    exchanged.unwrap_or_else(|_| Err(timed_out(progress.phase(), limit)));
                let phases = progress.finish(&exchanged, limit, |phases| phases);
                (exchanged, phases)
            }
            // In a box, so that the other way does not carry the room that this one needs.
            Engine::Proxied(proxied) => Box::pin(proxied.exchange(request, log)).await,
        }
    }

    async fn attempt(&self, request: &Request) -> TimedOutcome {
        let options = &*request.options;
        let place = self.0.sent.fetch_add(1, Ordering::Relaxed);
        let mut body = Bytes::from_owner(Arc::clone(&request.body));
        let mut uri = request.url.uri().clone();
        if options.is_in_query {
            let Some(whole) = request.url.uri_with_pairs(&body) else {
                let detail = "the pairs do not fit into a URL";
                let failed = TransportFailure::new(FailureKind::Other, detail);
                return TimedOutcome::unmeasured(Outcome::NoReply(failed));
            };
            (uri, body) = (whole, Bytes::new());
        }
        let exchanged = self.exchange(HttpRequest {
            target: &request.url,
            method: &options.method,
            uri: &uri,
            headers: request.headers(),
            body: &body,
            options,
            reply_limit: ReplyLimit::Cut(MAX_REPLY_BYTES),
            loses_reply: options.loss.is_some_and(|loss| loss.hits(place)),
        });
        let (exchanged, phases) = exchanged.await;
        let outcome = match exchanged.and_then(|reply| read_reply(reply, options)) {
            Ok(reply) => Outcome::Reply(reply),
            Err(failure) => Outcome::NoReply(failure),
        };
        TimedOutcome { outcome, phases }
    }

    /// Whether a request that this machine holds back may be tried again: as long as another one
    /// that is in flight can still make room for it.
    fn may_hold_back(&self, idle: &mut Option<Idle>, timeout: Duration, why: &str) -> bool {
        self.0.shortage.note(why);
        let concluded = self.0.concluded.load(Ordering::Relaxed);
        let same = idle.filter(|idle| idle.concluded == concluded);
        let idle = idle.insert(same.unwrap_or_else(|| Idle { since: Instant::now(), concluded }));
        if idle.since.elapsed() < timeout.saturating_add(LONGEST_HOLD) {
            return true;
        }
        self.0.shortage.give_up();
        false
    }
}

impl Transport for Client {
    async fn send(&self, request: &Request) -> TimedOutcome {
        let (mut idle, mut wait) = (None, FIRST_HOLD);
        loop {
            // It ends before the pause, and so takes no room of its own while a reply is awaited.
            {
                let timed = self.attempt(request).await;
                let held = match &timed.outcome {
                    Outcome::NoReply(TransportFailure { kind: FailureKind::HeldBack, detail }) => {
                        self.may_hold_back(&mut idle, request.options.timeout, detail)
                    }
                    _ => {
                        self.0.concluded.fetch_add(1, Ordering::Relaxed);
                        false
                    }
                };
                if !held {
                    return timed;
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MOST_HOLD);
        }
    }

    fn shortage(&self) -> Option<&Shortage> {
        Some(&self.0.shortage)
    }
}

/// The reply as it is judged: without an encoding that was requested.
fn read_reply(reply: HttpReply, options: &RequestOptions) -> Result<Reply, TransportFailure> {
    let (content_type, retry_after) = (reply.header(CONTENT_TYPE), reply.header(RETRY_AFTER));
    let (encoding, body) = match reply.encoding() {
        Some(gzip) if options.accepts_gzip && gzip.ends_with("gzip") && !reply.is_cut => {
            let body = unzip(&reply.body).map_err(|error| {
                let detail = format!("the reply is declared as gzip and is not: {error}");
                TransportFailure::new(FailureKind::InvalidReply, &detail)
            })?;
            (None, body)
        }
        encoding => (encoding, reply.body),
    };
    Ok(Reply { status: reply.status, content_type, retry_after, encoding, body })
}

/// The text of a body in gzip, and no more of it than a reply may have, and one byte.
pub fn unzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let bound = MAX_REPLY_BYTES as u64 + 1;
    flate2::read::MultiGzDecoder::new(body).take(bound).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
pub(crate) mod peers;
#[cfg(test)]
mod tests;
