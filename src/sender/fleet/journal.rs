//! The seam between the fleet and what remembers a run.

use std::future::Future;

use jiff::Timestamp;

use crate::sender::record::{Order, OrderResult};

/// Remembers what was sent and what is known of it.
///
/// The fleet has one call under way at a time, and tells an attempt's outcome before the intention
/// of the attempt that follows. An error stops the run at once.
pub trait Journal<E> {
    /// Whether there is anything to be told; without a memory nothing waits for it.
    fn memory(&self) -> Memory {
        Memory::Kept
    }

    /// Records attempts that are about to be made; they are sent when it returns.
    ///
    /// What it is given must be durable by then: after a crash an attempt that was not recorded
    /// would look as if it had never been made.
    fn intend(&self, intentions: &[Intention]) -> impl Future<Output = Result<(), E>>;

    /// Records what came of attempts, and how orders ended.
    ///
    /// It may return before the record is durable, as long as it is not later than that of an
    /// intention told after it. An outcome that a crash loses is unknown, and the order is sent
    /// again.
    fn settle(&self, settlements: &[Settlement]) -> impl Future<Output = Result<(), E>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Kept,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intention {
    pub order: Order,
    /// The attempt's number, from 1.
    pub attempt: u32,
    pub intended_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    Attempt {
        order: u64,
        /// The attempt's number, from 1.
        attempt: u32,
        /// The stable name of the result, as in
        /// [`AttemptRecord`](crate::sender::record::AttemptRecord).
        code: &'static str,
        verdict: Verdict,
        finished_at: Timestamp,
    },
    /// The end of an order without another attempt: its window passed while it waited.
    Order { order: u64, attempts: u32, result: OrderResult },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Acknowledged,
    Retry,
    Exhausted,
}

/// Remembers nothing: a run that is interrupted cannot be resumed.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

#[cfg(test)]
impl<E> Journal<E> for NoJournal {
    fn memory(&self) -> Memory {
        Memory::None
    }

    fn intend(&self, _intentions: &[Intention]) -> impl Future<Output = Result<(), E>> {
        std::future::ready(Ok(()))
    }

    fn settle(&self, _settlements: &[Settlement]) -> impl Future<Output = Result<(), E>> {
        std::future::ready(Ok(()))
    }
}
