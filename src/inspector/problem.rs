//! What is answered where a request is refused or fails.

use serde::Serialize;

use crate::receiver::reply::{JSON, Reply};
use crate::report::json;

/// A status that is not 200, what happened, and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    error: String,
    hint: Option<String>,
    header: Option<(&'static str, String)>,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    error: &'a str,
    hint: Option<&'a str>,
}

impl Problem {
    pub(super) fn new(status: u16, error: impl Into<String>) -> Self {
        Problem { status, error: error.into(), hint: None, header: None }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    pub(super) fn reply(&self) -> Reply {
        let object = ProblemJson { error: &self.error, hint: self.hint.as_deref() };
        let reply = Reply::new(self.status, JSON, json::ascii(&object));
        match &self.header {
            Some((name, value)) => reply.with_header(name, value.as_str()),
            None => reply,
        }
    }
}

/// Where nothing but the listener itself can be the cause.
impl From<String> for Problem {
    fn from(why: String) -> Self {
        Problem::new(500, why)
    }
}
