//! Byte-exact forwarding of callbacks to an application, and its reply as the sender gets it.
//!
//! The body goes on as it came, with the method, the query and every header that is not of one
//! connection alone (`headers`). A callback is sent at most once: only where a kept connection
//! turned out to be closed before a byte was written does it go out on a new one, and only a
//! connection that was refused, or that this machine had no room for, is tried again. Redirects are
//! not followed and no proxy is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use failure::Failure;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use pool::{Pool, Sender};
use protocol::internal::acknowledgement::AcknowledgementRule;
use target::Target;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::Bytes;
use super::callback::Callback;
use super::inbox::entry::{AppReply, Forwarded};
use super::reply::{JSON, Reply};

mod failure;
mod headers;
mod judging;
mod pool;
mod target;
#[cfg(test)]
mod tests;

/// The longest body of an application's reply, in bytes; a longer one is no reply.
pub const MAX_APP_REPLY_BYTES: usize = 1024 * 1024;

/// The most callbacks that are with the application at once; others wait.
pub const MOST_AT_ONCE: usize = 64;

const RETRY_STEP: Duration = Duration::from_millis(250);

/// The status and the body that the sender gets where the application gave no reply.
///
/// Ours: the platform documents no such code, and any but `0000` makes it send again. It says
/// nothing of the application, whose address is nobody's business outside.
const NO_REPLY: (u16, &str) = (
    502,
    r#"{"error_code":"9999","error_msg":"the application behind the listener gave no reply"}"#,
);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardSettings {
    pub url: String,
    /// The time for a connection and the whole reply; 10 s.
    pub timeout: Duration,
    /// How long a refused connection is tried again; zero, so not at all.
    pub retry: Duration,
    pub acknowledgement: AcknowledgementRule,
}

impl ForwardSettings {
    pub fn new(url: impl Into<String>) -> Self {
        ForwardSettings {
            url: url.into(),
            timeout: Duration::from_secs(10),
            retry: Duration::ZERO,
            acknowledgement: AcknowledgementRule::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    #[error("{0} is https; callbacks are forwarded over http only")]
    Https(String),
    /// The URL holds a name or a password, which would be shown and kept.
    #[error("the URL to forward to holds a user name or a password")]
    Credentials,
    #[error("{url} is no URL to forward to: {why}")]
    Url { url: String, why: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    ThisMachine,
    PrivateNetwork,
    Elsewhere,
}

#[derive(Debug)]
pub struct Forwarder {
    target: Target,
    timeout: Duration,
    retry: Duration,
    retry_step: Duration,
    acknowledgement: AcknowledgementRule,
    pool: Arc<Pool>,
    places: Semaphore,
}

impl Forwarder {
    pub fn new(settings: ForwardSettings) -> Result<Self, ForwardError> {
        Ok(Forwarder {
            target: Target::parse(&settings.url)?,
            timeout: settings.timeout,
            retry: settings.retry,
            retry_step: RETRY_STEP,
            acknowledgement: settings.acknowledgement,
            pool: Arc::new(Pool::new(pool::IDLE_TIME)),
            places: Semaphore::new(MOST_AT_ONCE),
        })
    }

    pub fn url(&self) -> &str {
        &self.target.url
    }

    pub fn reach(&self) -> Reach {
        self.target.reach()
    }

    /// Whether the application is a listener bound to this address, which would never end.
    pub fn points_at(&self, bound: std::net::SocketAddr) -> bool {
        self.target.is(bound)
    }

    pub async fn forward(&self, callback: &Callback) -> Forwarded {
        let began = Instant::now();
        loop {
            let (elapsed, result) = self.attempt(callback).await;
            let failure = match result {
                Ok(reply) => return self.forwarded(elapsed, Ok(reply)),
                Err(failure) => failure,
            };
            let patience = match failure {
                // The callbacks that are with the application make room as they are answered.
                Failure::NoRoom(_) => self.retry.max(self.timeout),
                _ => self.retry,
            };
            let left = patience.saturating_sub(began.elapsed());
            let may_retry = matches!(failure, Failure::Refused | Failure::NoRoom(_));
            if may_retry && !left.is_zero() {
                sleep(self.retry_step.min(left)).await;
                continue;
            }
            let failure = match failure {
                Failure::Refused if !self.retry.is_zero() => Failure::StillRefused(self.retry),
                other => other,
            };
            return self.forwarded(elapsed, Err(failure.to_string()));
        }
    }

    fn forwarded(&self, elapsed: Duration, result: Result<AppReply, String>) -> Forwarded {
        Forwarded { url: self.target.url.clone(), elapsed, result }
    }

    async fn attempt(&self, callback: &Callback) -> (Duration, Result<AppReply, Failure>) {
        let request = match self.request(callback) {
            Ok(request) => request,
            Err(failure) => return (Duration::ZERO, Err(failure)),
        };
        let Ok(_place) = timeout(self.timeout, self.places.acquire()).await else {
            return (Duration::ZERO, Err(Failure::Busy(self.timeout)));
        };
        let began = Instant::now();
        let is_asked = AtomicBool::new(false);
        let in_time = timeout(self.timeout, self.exchange(request, &is_asked)).await;
        let result = in_time.unwrap_or_else(|_| match is_asked.load(Ordering::Relaxed) {
            true => Err(Failure::TooSlow(self.timeout)),
            false => Err(Failure::NoConnection(self.timeout)),
        });
        (began.elapsed(), result)
    }

    fn request(&self, callback: &Callback) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::new(Full::new(callback.body.clone()));
        *request.method_mut() = match Method::from_bytes(callback.method.as_bytes()) {
            // A tunnel is no callback, and hyper would open one.
            Err(_) | Ok(Method::CONNECT) => return Err(Failure::Unsendable("method")),
            Ok(method) => method,
        };
        *request.uri_mut() = self.target.uri_for(&callback.path)?;
        *request.headers_mut() = headers::for_application(callback, &self.target.authority)?;
        Ok(request)
    }

    /// Sends a request at most once: anew only where hyper gives it back unsent.
    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        is_asked: &AtomicBool,
    ) -> Result<AppReply, Failure> {
        if let Some(mut sender) = self.pool.take() {
            is_asked.store(true, Ordering::Relaxed);
            match sender.try_send_request(request).await {
                Ok(response) => return self.receive(sender, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::without_head(error.error())),
                },
            }
        }
        is_asked.store(false, Ordering::Relaxed);
        let mut sender = pool::open(self.target.connect().await?).await?;
        is_asked.store(true, Ordering::Relaxed);
        let sent = sender.send_request(request).await;
        let response = sent.map_err(|error| Failure::without_head(&error))?;
        self.receive(sender, response).await
    }

    async fn receive(
        &self,
        sender: Sender,
        response: Response<Incoming>,
    ) -> Result<AppReply, Failure> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Switched);
        }
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let body = read_body(body, status).await?;
        self.pool.keep(sender);
        let headers = head.headers.iter();
        let headers: Vec<(String, Vec<u8>)> =
            headers.map(|(k, v)| (k.as_str().to_owned(), v.as_bytes().into())).collect();
        let (acknowledges, remark) = judging::judge(&self.acknowledgement, status, &headers, &body);
        Ok(AppReply { status, headers, body, acknowledges, remark })
    }
}

/// Copies a body into one buffer: a chain of chunks of one byte would cost forty times its size.
async fn read_body(mut body: Incoming, status: u16) -> Result<Bytes, Failure> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_APP_REPLY_BYTES {
        return Err(Failure::TooLong(status));
    }
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::in_body(&error, status))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > MAX_APP_REPLY_BYTES - whole.len() {
            return Err(Failure::TooLong(status));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
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
