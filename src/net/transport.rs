//! The seam between the engine and the network: where a request goes and what carries it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::options::RequestOptions;
use super::outcome::Outcome;
use super::target::Target;

/// One notification as it is sent; every attempt sends the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub url: Target,
    /// Headers beside those that the transport sets itself; one of the same name replaces its own.
    pub headers: Vec<(String, String)>,
    /// The signed body, byte for byte; its attempts share it.
    pub body: Arc<[u8]>,
    pub options: Arc<RequestOptions>,
}

impl Request {
    /// A request without headers of its own.
    pub fn new(url: Target, body: impl Into<Vec<u8>>) -> Self {
        Request { url, headers: Vec::new(), body: body.into().into(), options: Arc::default() }
    }

    #[must_use]
    pub fn with(mut self, options: Arc<RequestOptions>) -> Self {
        self.options = options;
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
