//! What `--verbose` shows of each attempt: addresses, TLS, and the heads of request and reply.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::mask::Untrusted;
use hyper::body::Bytes;
use hyper::header::HeaderMap;

/// Parts of the names of headers whose values are secrets.
const SECRET: [&str; 7] = ["auth", "cookie", "token", "secret", "password", "api-key", "apikey"];

/// Takes the body that was sent, and the lines.
type Show = dyn Fn(&[u8], &[String]) + Send + Sync;

/// Where the lines of an attempt go, all of them once it ended.
#[derive(Clone)]
pub struct Trace(Arc<Show>);

impl Trace {
    pub fn new(show: impl Fn(&[u8], &[String]) + Send + Sync + 'static) -> Self {
        Trace(Arc::new(show))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

/// The lines of one attempt; they are shown together, so that attempts in flight do not mix.
// One word where nothing is shown: there are as many as attempts in flight.
#[derive(Debug, Default)]
pub(super) struct Log(Option<Box<TraceLog>>);

#[derive(Debug)]
struct TraceLog {
    trace: Trace,
    body: Bytes,
    lines: Mutex<Vec<String>>,
}

impl Log {
    pub(super) fn new(trace: Option<Trace>, body: &Bytes) -> Self {
        let shown = |trace| TraceLog { trace, body: body.clone(), lines: Mutex::default() };
        Log(trace.map(shown).map(Box::new))
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        if let Some(shown) = &self.0 {
            shown.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line());
        }
    }

    /// Notes the head of a message, with `mark` before each line.
    pub(super) fn head(&self, mark: char, first: impl FnOnce() -> String, headers: &HeaderMap) {
        if !self.is_on() {
            return;
        }
        self.note(|| format!("{mark} {}", Untrusted::new(first())));
        for (name, value) in headers {
            let is_secret = SECRET.iter().any(|part| name.as_str().contains(part));
            let value = match is_secret || value.is_sensitive() {
                true => "[redacted]".into(),
                false => String::from_utf8_lossy(value.as_bytes()),
            };
            self.note(|| format!("{mark} {}: {}", Untrusted::new(name), Untrusted::new(value)));
        }
    }
}

impl Drop for TraceLog {
    // Also of an attempt that is given up.
    fn drop(&mut self) {
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !lines.is_empty() {
            (self.trace.0)(&self.body, lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_headers_are_not_shown() {
        let shown: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&shown);
        let trace = Trace::new(move |body, lines| {
            assert_eq!(body, b"{}");
            sink.lock().unwrap().extend_from_slice(lines);
        });
        let log = Log::new(Some(trace), &Bytes::from_static(b"{}"));
        let mut headers = HeaderMap::new();
        for name in
            ["authorization", "x-auth-token", "set-cookie", "x-api-key", "proxy-authorization"]
        {
            headers.insert(name, "s3cret".parse().unwrap());
        }
        headers.insert("content-type", "text/x".parse().unwrap());
        log.head('>', || "POST / HTTP/1.1".to_owned(), &headers);
        drop(log);
        let shown = shown.lock().unwrap().join("\n");
        assert!(shown.starts_with("> POST / HTTP/1.1\n"), "{shown}");
        assert!(shown.contains("> content-type: text/x") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_log_without_a_trace_makes_no_lines() {
        Log::default().note(|| panic!("made"));
    }
}
