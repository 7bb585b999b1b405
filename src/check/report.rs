//! What came of a suite: one value, from which every report is made.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::explore::Explored;
use crate::net::phases::Phases;

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
    /// What `--explore` covered and found.
    pub explored: Option<Explored>,
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
    pub finding: Finding,
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
    /// No verdict is possible, because the control was refused around it.
    Inconclusive,
}

/// What an endpoint did wrong in a case; the summary has it in words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    #[default]
    Nothing,
    /// It acknowledged what must not be acknowledged; no wrong booking was found.
    Acknowledged,
    /// The books show another movement than they may.
    Misbooked,
    /// It acknowledged and did not book.
    NotBooked,
    /// It did not acknowledge what the platform sends.
    Refused,
    /// It failed instead of refusing what no platform sends.
    Harmless,
    /// A good notification was not acknowledged afterwards.
    Broken,
    /// Something about the way to it.
    Reachability,
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
    pub phases: Phases,
}

pub(super) const ACKNOWLEDGED: &str = "acknowledged";

impl Exchange {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.conclusion == ACKNOWLEDGED
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}
