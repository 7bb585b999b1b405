//! Byte-exact forwarding of callbacks to an application, and its reply as the sender gets it.
//!
//! The body is passed on as it came, with the method, the query and every header that is not of one
//! connection alone (`headers`). A callback is sent at most once: only where a kept connection
//! turned out to be closed before a byte was written does it go out on a new one, and only a
//! connection that was refused, or that this machine had no room for, is tried again. Redirects are
//! not followed.

use std::time::Duration;

use hyper::header::HeaderMap;
use hyper::{Method, StatusCode, Uri};
use protocol::internal::acknowledgement::AcknowledgementRule;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::callback::Callback;
use super::received::{AppReply, Forwarded};
use super::reply::{JSON, Reply};
use crate::net::client::{Client, HttpReply, HttpRequest, PoolLimits, ReplyLimit};
use crate::net::options::{Connections, RequestOptions};
use crate::net::outcome::{FailureKind, TransportFailure};
use crate::net::target::Target;

mod acknowledgement;
mod headers;
#[cfg(test)]
mod tests;

/// The longest body of an application's reply, in bytes; a longer one is not a reply.
pub const MAX_APP_REPLY_BYTES: usize = 1024 * 1024;

/// The most callbacks that are with the application at once; others wait.
pub const MOST_AT_ONCE: usize = 64;

const RETRY_STEP: Duration = Duration::from_millis(250);

/// The status and the body that the sender gets where the application gave no reply (ours: the
/// platform documents no such code, and any but `0000` makes it send again). It says nothing of the
/// application, whose address is nobody's business outside.
const NO_REPLY: (u16, &str) = (
    502,
    r#"{"error_code":"9999","error_msg":"the application behind the listener gave no reply"}"#,
);

/// How connections to the application are kept: shorter than the two to five seconds of the usual
/// servers, so that none closes it just as a callback is written; and an application that serves
/// one connection at a time is soon free.
pub const POOL: PoolLimits = PoolLimits {
    most_idle: 8,
    idle_time: Some(Duration::from_secs(1)),
    trusted_for: Duration::ZERO,
};

#[derive(Clone, Debug)]
pub struct ForwardSettings {
    pub target: Target,
    /// The time for a connection and the whole reply.
    pub timeout: Duration,
    /// How long a refused connection is tried again; zero, so not at all.
    pub retry: Duration,
    pub acknowledgement: AcknowledgementRule,
}

#[derive(Debug)]
pub struct Forwarder {
    client: Client,
    settings: ForwardSettings,
    options: RequestOptions,
    retry_step: Duration,
    places: Semaphore,
}

struct NoReply {
    kind: Option<FailureKind>,
    why: String,
}

impl From<TransportFailure> for NoReply {
    fn from(failure: TransportFailure) -> Self {
        let why = failure.explanation().replace("the merchant", "the application");
        let why = why.replace("the notification", "the callback");
        NoReply { kind: Some(failure.kind), why }
    }
}

impl From<String> for NoReply {
    fn from(why: String) -> Self {
        NoReply { kind: None, why }
    }
}

impl Forwarder {
    pub fn new(client: Client, settings: ForwardSettings) -> Self {
        let (timeout, connections) = (settings.timeout, Connections::Reused);
        Forwarder {
            client,
            settings,
            options: RequestOptions { timeout, connections, ..RequestOptions::default() },
            retry_step: RETRY_STEP,
            places: Semaphore::new(MOST_AT_ONCE),
        }
    }

    pub fn target(&self) -> &Target {
        &self.settings.target
    }

    /// The proxy in the way, as it is shown.
    pub fn proxy(&self) -> Option<String> {
        self.client.proxy().map(ToString::to_string)
    }

    pub async fn forward(&self, callback: &Callback) -> Forwarded {
        let ForwardSettings { timeout, retry, .. } = self.settings;
        let began = Instant::now();
        loop {
            let (elapsed, result) = self.attempt(callback).await;
            let NoReply { kind, why } = match result {
                Ok(reply) => return self.forwarded(elapsed, Ok(reply)),
                Err(failed) => failed,
            };
            let patience = match kind {
                // The callbacks that are with the application make room as they are answered.
                Some(FailureKind::HeldBack) => retry.max(timeout),
                Some(FailureKind::Refused) => retry,
                _ => Duration::ZERO,
            };
            let left = patience.saturating_sub(began.elapsed());
            if !left.is_zero() {
                sleep(self.retry_step.min(left)).await;
                continue;
            }
            let why = match kind {
                Some(FailureKind::Refused) if !retry.is_zero() => {
                    format!("{why}, tried again for {retry:?}")
                }
                _ => why,
            };
            return self.forwarded(elapsed, Err(why));
        }
    }

    fn forwarded(&self, elapsed: Duration, result: Result<AppReply, String>) -> Forwarded {
        Forwarded { url: self.target().to_string().into(), elapsed, result }
    }

    async fn attempt(&self, callback: &Callback) -> (Duration, Result<AppReply, NoReply>) {
        let head = match self.head(callback) {
            Ok(head) => head,
            Err(part) => {
                let why = format!("was not asked: the callback's {part} cannot be sent on");
                return (Duration::ZERO, Err(why.into()));
            }
        };
        let limit = self.settings.timeout;
        let Ok(_place) = timeout(limit, self.places.acquire()).await else {
            let why = format!(
                "had {MOST_AT_ONCE} other callbacks; this one waited {limit:?} without being sent"
            );
            return (Duration::ZERO, Err(why.into()));
        };
        let began = Instant::now();
        let (method, uri, headers) = &head;
        let exchanged = self.client.exchange(HttpRequest {
            target: self.target(),
            method,
            uri,
            headers,
            body: &callback.body,
            options: &self.options,
            reply_limit: ReplyLimit::Whole(MAX_APP_REPLY_BYTES),
            loses_reply: false,
        });
        let (exchanged, _) = exchanged.await;
        let elapsed = began.elapsed();
        (elapsed, exchanged.map_err(NoReply::from).and_then(|reply| self.read(reply)))
    }

    fn head(&self, callback: &Callback) -> Result<(Method, Uri, HeaderMap), &'static str> {
        let target = self.target();
        let received = callback.path.raw().split_once('?').map(|(_, query)| query);
        let method = match Method::from_bytes(callback.method.raw().as_bytes()) {
            // hyper would open a tunnel.
            Err(_) | Ok(Method::CONNECT) => return Err("method"),
            Ok(method) => method,
        };
        let uri = target.uri_with_query(received).ok_or("query")?;
        let headers = headers::for_application(callback, target.authority()).ok_or("headers")?;
        Ok((method, uri, headers))
    }

    fn read(&self, reply: HttpReply) -> Result<AppReply, NoReply> {
        let HttpReply { status, headers, body, is_cut } = reply;
        if status == StatusCode::SWITCHING_PROTOCOLS.as_u16() {
            return Err("answered 101, to an upgrade that was not asked for".to_owned().into());
        }
        if is_cut {
            let max = MAX_APP_REPLY_BYTES / (1024 * 1024);
            let why = format!("answered {status} with more than {max} MiB; the rest was not read");
            return Err(why.into());
        }
        let headers: Vec<(String, Vec<u8>)> =
            headers.iter().map(|(k, v)| (k.as_str().to_owned(), v.as_bytes().into())).collect();
        let rule = &self.settings.acknowledgement;
        let (acknowledges, remark) = acknowledgement::judge(rule, status, &headers, &body);
        Ok(AppReply { status, headers, body: body.into(), acknowledges, remark })
    }
}

/// What the sender gets: the application's reply as it is, or a 502 that acknowledges nothing.
pub fn reply_of(forwarded: &Forwarded) -> Reply {
    match &forwarded.result {
        Ok(reply) => Reply {
            status: reply.status,
            headers: headers::end_to_end(&reply.headers).cloned().collect(),
            body: reply.body.clone(),
        },
        Err(_) => Reply::new(NO_REPLY.0, JSON, NO_REPLY.1),
    }
}
