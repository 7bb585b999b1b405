//! Many deliveries at once: first notifications at their intended times, retries at theirs.
//!
//! ```text
//! orders + pace ─▶ first sends ─┐                     ┌─▶ acknowledged, exhausted
//!                               ├─▶ intend ─▶ send ─▶ judge ─▶ settle
//! earlier run ──▶ pending ──────┘                     └─▶ pending (one heap)
//! ```
//!
//! - **Pace.** With an open model the time of each first send is fixed in advance; a slow merchant
//!   does not move it, and latency counts from it. Without one, as many are under way as the
//!   concurrency allows. An order that its supply brings after its time is intended when it comes,
//!   and the times after it move by as much: a merchant is not blamed for a slow pipe.
//! - **Fairness.** Whatever was intended earlier goes first; at equal times the retry. So neither
//!   retries nor first sends starve the others. In the closed model a first send is intended when
//!   there is room for it, so there a retry that is due goes first.
//! - **Late attempts.** An order's attempts follow each other. One whose planned time passed while
//!   the reply before it was awaited is intended at the moment of that reply, and sent at once.
//! - **The window.** It starts when an order is first sent, in the open model at the time intended
//!   for that. Nothing is planned after it, and a retry that was held back past it is not sent. A
//!   first notification always is: no order is exhausted without an attempt.
//! - **Stops.** While the sender itself does not run (a paused process, an overloaded machine), the
//!   intended times of orders that have not begun stand still; the windows of those that have begun
//!   continue in real time.
//! - **Time.** Everything waits on the [`Clock`](crate::clock::Clock), and all attempts are polled
//!   in one task, so a run on a simulated clock takes the same course each time.

use std::num::NonZeroUsize;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

mod journal;
mod number_hasher;
mod pending;
mod plan;
mod retry_after;
mod run;
mod state;
mod stops;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub use journal::NoJournal;
pub use journal::{Intention, Journal, Memory, Settlement, Verdict};
pub use plan::{LastOutcome, RetryPlan};
pub use retry_after::RetryAfter;

use super::record::Order;
use crate::net::transport::Request;

/// How long a run waits for replies after it was told to stop, unless told otherwise.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Fleet<'a, C, T, J> {
    pub request: &'a Request,
    pub plan: RetryPlan<'a>,
    pub limits: Limits,
    pub clock: &'a C,
    pub transport: &'a T,
    pub journal: &'a J,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub concurrency: NonZeroUsize,
    pub max_in_flight: NonZeroUsize,
    pub drain: Duration,
}

pub struct Feed<'a, E> {
    /// What an earlier run left unfinished, taken at the start; each order waits for its next
    /// attempt. Orders without an attempt may come from `orders` too, at the run's pace.
    pub resumed: &'a mut dyn Iterator<Item = Result<Resumed, E>>,
    pub orders: &'a mut dyn Supply<E>,
    /// How many orders `orders` has, where that is known: the run then ends with the last one, and
    /// not when the one after it would have been due.
    pub count: Option<u64>,
    /// When order `n` of the feed, counted from 0, is intended to be sent first, after the start of
    /// the run: the open model. `None` is the closed model, where there is room for it. Times must
    /// not fall.
    pub pace: &'a dyn Fn(u64) -> Option<Duration>,
}

pub trait Supply<E> {
    /// The next new order, which is to be sent at the given time; `None` ends the feed, and an error
    /// ends the run as a stop does. Pending means that nobody knows yet, and says nothing about when
    /// to ask again.
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, E>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

impl<E, F: FnMut(Timestamp) -> Option<Result<Order, E>>> Supply<E> for F {
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, E>>> {
        Poll::Ready(self(completed_at))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    pub order: Order,
    pub attempts: u32,
    pub last: LastOutcome,
    /// How much of its schedule time has passed; nothing for an order without an attempt.
    pub elapsed: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetTotals {
    pub orders: u64,
    pub attempts: u64,
    pub acknowledged: u64,
    pub exhausted: u64,
    pub interrupted: u64,
    pub throttled: u64,
    pub throttled_for: Duration,
    pub peak_in_flight: usize,
    pub peak_pending: usize,
    pub elapsed: Duration,
    pub ending: Ending,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Complete,
    Stopped,
    Aborted,
}

fn wall_at(start: Timestamp, offset: Duration) -> Timestamp {
    SignedDuration::try_from(offset)
        .ok()
        .and_then(|offset| start.checked_add(offset).ok())
        .unwrap_or(Timestamp::MAX)
}
