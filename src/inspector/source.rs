//! Where the inspector gets what it shows, and what it may ask to be done: the seam to the inbox.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use protocol::{Encoding, StatusTable};
use serde::Serialize;

use super::explanation::Explanation;
use super::shape::Extent;
use crate::receiver::Bytes;
use crate::receiver::inbox::Validity;
use crate::receiver::received::{Forwarded, Received};

pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub const MAX_LIMIT: usize = 500;

pub const MAX_TEXT_BYTES: usize = 200;

/// What the page shows comes from here, and what it does is done here. All but `send`, `state` and
/// `statuses` may block: they are called where blocking is allowed, at most four at a time. An
/// error is a sentence for the person at the page.
pub trait Source: Send + Sync + 'static {
    /// Takes the entries that the query admits, newest first, until told to stop. Gives the number
    /// before which nothing was looked at, because an answer must not take longer the more there is;
    /// `None` where all was.
    fn search(
        &self,
        query: &Query,
        take: &mut dyn FnMut(&Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String>;

    fn entry(&self, id: u64) -> Result<Option<Arc<Received>>, String>;

    fn explain(&self, entry: &Received, extent: Extent) -> Explanation;

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String>;

    /// Sends a request once, without redirects, within a time of its own.
    fn send(&self, request: Outgoing) -> Pending<Forwarded>;

    fn state(&self) -> State;

    fn statuses(&self) -> StatusTable;
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    pub listen_url: String,
    pub key_fingerprint: String,
    pub dialect: String,
    pub forward_url: Option<String>,
    /// A command that sends an example; the inspector makes it.
    pub sample: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to; `http` or `https`, without control characters and blanks.
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub before: Option<u64>,
    pub text: Option<String>,
    pub verdict: Option<Validity>,
    pub status: Option<i64>,
    pub order: Option<String>,
    /// At most this many, 1 to [`MAX_LIMIT`].
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Query { before: None, text: None, verdict: None, status: None, order: None, limit: 100 }
    }
}

impl Query {
    /// Whether the query matches this entry; `limit` aside. Text is searched in the order id, the
    /// code, what was wrong, the path and the body, without regard to the case of ASCII letters.
    pub fn admits(&self, entry: &Received) -> bool {
        let judged = &entry.judged;
        self.before.is_none_or(|before| entry.id < before)
            && self.verdict.is_none_or(|wanted| (wanted == Validity::Valid) == judged.is_valid())
            && self.status.is_none_or(|wanted| judged.status == Some(wanted))
            && self.order.as_ref().is_none_or(|wanted| judged.order_id() == Some(wanted))
            && self.text.as_ref().is_none_or(|text| holds(entry, text.as_bytes()))
    }
}

fn holds(entry: &Received, text: &[u8]) -> bool {
    let judged = &entry.judged;
    let places = [
        judged.order_id().unwrap_or_default().as_bytes(),
        judged.code.as_bytes(),
        judged.explanation.as_deref().unwrap_or_default().as_bytes(),
        entry.callback.path.raw().as_bytes(),
        &entry.callback.body[..],
    ];
    places.iter().any(|place| contains(place, text))
}

fn contains(place: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, place).any(|at| {
        place.get(at..at + text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    #[test]
    fn every_condition_must_hold() {
        let entry = example::entry(7, "PO-7", br#"{"memo":"Blue \u00e9"}"#);
        let admits = |query: Query| query.admits(&entry);
        let text = |text: &str| Query { text: Some(text.into()), ..Query::default() };
        assert!(admits(Query::default()));
        assert!(admits(Query { before: Some(8), ..Query::default() }));
        assert!(!admits(Query { before: Some(7), ..Query::default() }));
        assert!(admits(text("blue")) && admits(text("PO-7")) && admits(text("/notify")));
        assert!(!admits(text("green")));
        assert!(admits(Query { verdict: Some(Validity::Valid), ..Query::default() }));
        assert!(!admits(Query { verdict: Some(Validity::Invalid), ..Query::default() }));
        assert!(admits(Query { status: Some(3), ..text("memo") }));
        assert!(!admits(Query { status: Some(4), ..text("memo") }));
        assert!(!admits(Query { order: Some("PO-8".into()), ..Query::default() }));
    }

    #[test]
    fn a_text_is_found_at_both_ends() {
        assert!(contains(b"abc", b"AB") && contains(b"abc", b"bC") && contains(b"", b""));
        assert!(!contains(b"ab", b"abc") && !contains(b"aab", b"ac"));
    }
}
