//! Where the inspector gets what it shows, and what it may ask to be done: the seam to the listener.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use protocol::{Encoding, StatusTable};
use serde::Serialize;

use super::explanation::Explanation;
use super::objects::Extent;
use crate::receiver::Bytes;
use crate::receiver::inbox::Filter;
use crate::receiver::received::{Forwarded, Received};
use crate::receiver::replies::{Per, Runner};

pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the API gives comes from here, and what it changes is changed here. `search`, `entry`,
/// `explain` and `sign` may block: they are called where blocking is allowed, at most four at a
/// time. An error is a sentence for a person.
pub trait Source: Send + Sync + 'static {
    /// Takes the entries that the filter admits, newest first, until told to stop. Gives the number
    /// before which nothing was looked at, because an answer must not take longer the more there is;
    /// `None` where all was.
    fn search(
        &self,
        filter: &Filter,
        take: &mut dyn FnMut(&Received) -> ControlFlow<()>,
    ) -> Result<Option<u64>, String>;

    fn entry(&self, id: u64) -> Result<Option<Arc<Received>>, String>;

    fn explain(&self, entry: &Received, extent: Extent) -> Explanation;

    fn sign(&self, text: &[u8], encoding: Encoding) -> Result<Vec<u8>, String>;

    /// Sends a request once, without redirects, within a time of its own.
    fn send(&self, request: Outgoing) -> Pending<Forwarded>;

    fn state(&self) -> State;

    fn replies(&self) -> Replies;

    /// Answers from now on with this program, from its first step, or with the usual replies. An
    /// error says why a program would change nothing.
    fn set_replies(&self, program: Option<Runner>) -> Result<(), String>;

    /// Deletes the callbacks up to this number, or all that have come, and counts deliveries and the
    /// program's steps from the beginning. Gives how many were deleted.
    fn reset(&self, through: Option<u64>) -> Pending<Result<u64, String>>;

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

/// How the listener answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replies {
    /// The program; `None` for the usual replies.
    pub reply: Option<String>,
    pub per: &'static str,
    pub seed: u64,
    /// The program in words, one line per step.
    pub plan: Vec<String>,
}

impl Replies {
    pub fn of(program: Option<&Runner>) -> Replies {
        let Some(runner) = program else {
            return Replies { reply: None, per: Per::default().name(), seed: 0, plan: Vec::new() };
        };
        Replies {
            reply: Some(runner.program().to_string()),
            per: runner.per().name(),
            seed: runner.seed(),
            plan: runner.program().plan_lines().iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to; `http` or `https`, without control characters and blanks.
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}
