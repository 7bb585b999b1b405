//! What came of a suite: one value, from which every report is made.

use std::time::Duration;

use jiff::Timestamp;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The endpoint, without credentials.
    pub url: String,
    /// When the check began.
    pub started_at: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// What the endpoint as a whole is.
    pub endpoint: Endpoint,
    /// The cases, in the order in which they ran.
    pub results: Vec<CaseResult>,
    /// How many requests were sent.
    pub requests: u64,
    /// The most that would have been sent.
    pub bound: u64,
    /// The seed of the order ids.
    pub seed: u64,
    /// The options that a command to run a case again needs, each an option with its value.
    pub options: Vec<RunOption>,
}

/// An option of the command line that a check was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOption {
    /// The option's name, such as `--observe`.
    pub name: String,
    /// Its value; `None` for a switch.
    pub value: Option<String>,
}

/// What an endpoint as a whole is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// It tells a good notification from a bad one.
    Discerning,
    /// It acknowledges whatever comes; the cases that this fails are not told one by one.
    AcknowledgesEverything,
    /// It refuses the known-good control: what it refuses besides says nothing.
    RefusesControl {
        /// Why, in words.
        reason: String,
    },
    /// It cannot be reached.
    Unreachable {
        /// Why, in words.
        reason: String,
    },
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The case's name.
    pub id: String,
    /// Its group.
    pub group: String,
    /// The question in one line.
    pub title: String,
    /// What came of it.
    pub status: Status,
    /// Whether it passed only on a second try.
    pub tries: Tries,
    /// What happened, in words.
    pub summary: String,
    /// Why it matters, in money.
    pub why: String,
    /// How to mend it.
    pub fix: String,
    /// What was not verified, such as the side effect without an observer.
    pub unseen: Option<String>,
    /// What was sent and what came back, in order; of many equal ones at once the telling ones.
    pub exchanges: Vec<Exchange>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The endpoint does it right.
    Passed,
    /// It does it wrong.
    Failed,
    /// It departs from what happens now and then.
    Warned,
    /// Something that the case needs is not there.
    Skipped,
    /// Nothing can be said, because the control was refused around it.
    Inconclusive,
}

impl Status {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Warned => "warned",
            Status::Skipped => "skipped",
            Status::Inconclusive => "inconclusive",
        }
    }
}

/// How often a case was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// Its first result stands.
    Once,
    /// It failed first and passed on the second try.
    PassedOnSecond,
    /// It failed twice.
    FailedTwice,
}

/// One request and what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it was for.
    pub label: String,
    /// The method.
    pub method: String,
    /// The headers that were set beside the usual ones.
    pub headers: Vec<(String, String)>,
    /// The body that was sent.
    pub body: Vec<u8>,
    /// How it travelled, in words; empty for the usual way.
    pub manner: String,
    /// The reply, or why there was none.
    pub received: Result<Received, String>,
    /// What the platform concludes, such as `acknowledged` or `not acknowledged: status 500 …`.
    pub conclusion: String,
    /// From the first byte sent to the reply.
    pub elapsed: Duration,
}

/// A reply as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The HTTP status.
    pub status: u16,
    /// The content type, where there is one.
    pub content_type: Option<String>,
    /// The first bytes of the body.
    pub body: Vec<u8>,
}
