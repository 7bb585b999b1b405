//! What came of a suite: one value, from which every report is made.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The endpoint, without credentials.
    pub url: String,
    pub started_at: Timestamp,
    pub elapsed: Duration,
    pub endpoint: Endpoint,
    pub results: Vec<CaseResult>,
    pub requests: u64,
    pub bound: u64,
    pub seed: u64,
    pub options: Vec<RunOption>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOption {
    pub name: String,
    /// Its value; `None` for a switch.
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Discerning,
    AcknowledgesEverything,
    RefusesControl {
        reason: String,
    },
    /// It acknowledges, and the observer shows no booking.
    BooksNothing {
        reason: String,
    },
    Unreachable {
        reason: String,
    },
}

impl Endpoint {
    pub fn reason(&self) -> Option<&str> {
        match self {
            Endpoint::RefusesControl { reason }
            | Endpoint::BooksNothing { reason }
            | Endpoint::Unreachable { reason } => Some(reason),
            Endpoint::Discerning | Endpoint::AcknowledgesEverything => None,
        }
    }

    /// The same verdict for another reason.
    #[must_use]
    pub(super) fn because(self, reason: String) -> Endpoint {
        match self {
            Endpoint::Unreachable { .. } => Endpoint::Unreachable { reason },
            _ => Endpoint::RefusesControl { reason },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    pub id: String,
    pub group: String,
    pub title: String,
    pub status: Status,
    pub tries: Tries,
    pub summary: String,
    pub why: String,
    pub fix: String,
    pub unseen: Option<String>,
    /// What was sent and what came back, in order; of many equal ones at once the telling ones.
    pub exchanges: Vec<Exchange>,
    pub elapsed: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Passed,
    Failed,
    Warned,
    Skipped,
    /// Nothing can be said, because the control was refused around it.
    Inconclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tries {
    Once,
    PassedOnSecond,
    FailedTwice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub label: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How it travelled, in words; empty for the usual way.
    pub manner: String,
    pub received: Result<Received, String>,
    /// What the platform concludes, such as `acknowledged` or `not acknowledged: status 500 …`.
    pub conclusion: String,
    pub elapsed: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}
