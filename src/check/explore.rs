//! Explores what faults do to a merchant: plays drawn histories against its real process, holds laws
//! against its books, and cuts a failing history down to the shortest one that still fails.
//!
//! [`history`], [`generate`], [`laws`], [`shrink`] and [`coverage`] are pure; [`process`], `play` and
//! `run` act.

mod conclusion;
pub mod coverage;
mod disk;
mod generate;
pub mod history;
pub mod laws;
mod play;
pub mod process;
mod reduce;
mod run;
mod shrink;

use std::path::PathBuf;
use std::time::Duration;

#[cfg(test)]
pub use conclusion::conclude;
pub use conclusion::no_violation;
pub use disk::check as check_disk;
#[cfg(test)]
pub use generate::{Grammar, draw};
pub use run::explore;

use super::case::Case;
use super::observer::ObserverError;
use super::report::Exchange;
use coverage::Coverage;
use laws::Law;
use process::{Launch, ProcessError};

/// What an exploration is to do.
#[derive(Clone, Debug)]
pub struct ExploreSetup {
    pub launch: Launch,
    /// A small file system that may be filled.
    pub disk: Option<PathBuf>,
    pub time: Duration,
    /// How many histories are played at most.
    pub histories: Option<u64>,
    /// How long the numbers must stand still before they are judged.
    pub settle: Duration,
    /// Histories of case files, which are played in the place of drawn ones.
    pub cases: Vec<Case>,
}

/// More requests than a history takes, with its retries.
const MOST_OF_A_HISTORY: u64 = 100;
const MOST_A_SECOND: u64 = 20;

impl ExploreSetup {
    /// More requests than it will send.
    pub fn bound(&self) -> u64 {
        let histories = self.histories.unwrap_or(self.time.as_secs().saturating_mul(MOST_A_SECOND));
        histories.saturating_mul(MOST_OF_A_HISTORY)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Observer(#[from] ObserverError),
    #[error("{0}")]
    Prepare(String),
    #[error("the exploration was interrupted")]
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExploreEvent {
    Started,
    /// So many histories were judged, with so many kills.
    Judged(u64, u64),
    /// A law is broken, and how; the history is cut down next.
    FoundViolation(Law, String),
    /// The failing history has so many steps now.
    Shrunk(usize),
}

/// What an exploration covered and found, beside the results of its laws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    pub coverage: Coverage,
    /// How many histories said nothing, and why, most frequent first.
    pub inconclusive: Vec<(String, u64)>,
    pub found: Option<FoundViolation>,
}

/// A failing history, cut down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundViolation {
    pub law: Law,
    /// What the books show, or what the merchant did.
    pub what: String,
    /// What was sent, what came back, and when the faults were.
    pub exchanges: Vec<Exchange>,
    pub steps: u64,
    /// In how many of its replays it failed again.
    pub failed: u64,
    pub replays: u64,
    /// How long it took from the first history to the first failure.
    pub after: Duration,
    /// It was not interrupted while it was cut down and played again.
    pub is_cut_down: bool,
    pub case: Case,
}
