//! The seam between the engine and the network: where a request goes and what carries it.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};

use super::client::USER_AGENT_TEXT;
use super::options::{HeaderRule, RequestOptions};
use super::outcome::TimedOutcome;
use super::target::Target;

/// One notification as it is sent; every attempt sends the same bytes. A copy shares all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub url: Target,
    /// The signed body, byte for byte.
    pub body: Arc<[u8]>,
    pub options: Arc<RequestOptions>,
    headers: Arc<HeaderMap>,
}

impl Request {
    /// A request with the headers that its options ask for.
    pub fn new(url: Target, options: Arc<RequestOptions>, body: impl Into<Vec<u8>>) -> Self {
        let headers = Arc::new(headers_of(&url, &options));
        Request { url, body: body.into().into(), options, headers }
    }

    /// The same with headers of its own, each in the place of those of the same name.
    #[must_use]
    pub fn with_headers(mut self, own: &[(String, String)]) -> Self {
        let own = own.iter().map(|(name, value)| (&**name, Some(&**value)));
        send_instead(Arc::make_mut(&mut self.headers), own);
        self
    }

    /// The same with another body.
    pub fn with_body(&self, body: Arc<[u8]>) -> Self {
        Request { body, ..self.clone() }
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl fmt::Debug for Request {
    /// Without the headers, which can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("url", &self.url).finish_non_exhaustive()
    }
}

fn headers_of(url: &Target, options: &RequestOptions) -> HeaderMap {
    // With room for what the connection adds.
    let mut headers = HeaderMap::with_capacity(8);
    if let Some(credentials) = url.credentials() {
        headers.insert(AUTHORIZATION, credentials.clone());
    }
    if !options.is_in_query {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(options.content_type));
    }
    if !options.is_chunked && !options.is_in_query {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    headers.insert(HOST, url.authority().clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_TEXT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let rules = options.headers.iter();
    send_instead(&mut headers, rules.map(|HeaderRule { name, value }| (&**name, value.as_deref())));
    headers
}

/// Puts headers in the place of those of the same name; one without a value, or that cannot be sent,
/// is left out.
fn send_instead<'a>(
    headers: &mut HeaderMap,
    instead: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone,
) {
    for (name, _) in instead.clone() {
        headers.remove(name);
    }
    for (name, value) in instead {
        let value = value.and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), value) {
            headers.append(name, value);
        }
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

    fn send(&self, request: &Request) -> impl Future<Output = TimedOutcome> + Send;
}
