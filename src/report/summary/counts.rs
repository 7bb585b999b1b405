//! What a summary counts and keeps: plain data.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::record::OrderResult;
use crate::report::figures::shortened;

/// The longest id that is kept, in characters.
pub(super) const LONGEST_ID: usize = 100;

/// How the orders ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// The merchant acknowledged.
    pub acknowledged: u64,
    /// The schedule ended without an acknowledgement.
    pub exhausted: u64,
    /// The run ended first, after at least one attempt.
    pub interrupted: u64,
    /// Taken in, and not sent when the run ended.
    pub not_sent: u64,
    /// Those of the exhausted whose window ended while the sender was stopped.
    pub lapsed: u64,
    /// Orders, however they ended, that took more than one attempt.
    pub retried: u64,
    /// Orders that repeat another's notification on purpose.
    pub duplicates: u64,
}

impl OrderCounts {
    /// The orders that ended, in whatever way, after at least one attempt.
    pub const fn ended(&self) -> u64 {
        self.acknowledged + self.exhausted + self.interrupted
    }
}

/// What became of the attempts with one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptCounts {
    /// The attempts' number, from 1.
    pub attempt: u32,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Those that were not.
    pub failed: u64,
}

/// How often one result was met that is no acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The result's stable name.
    pub code: &'static str,
    /// Why the first attempt with this result was no acknowledgement.
    pub explanation: String,
    /// The attempts with this result.
    pub attempts: u64,
    /// The orders that ended exhausted with it.
    pub exhausted: u64,
}

/// The slowest attempt of one of the slowest orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowOrder {
    /// The order's number.
    pub order: u64,
    /// The order's id, cut where it is very long.
    pub order_id: Arc<str>,
    /// The number of the attempt.
    pub attempt: u32,
    /// From the intended time to the outcome.
    pub latency: Duration,
    /// From the real send time to the outcome.
    pub service_time: Duration,
    /// The stable name of the attempt's result.
    pub code: &'static str,
}

/// How the limit on attempts in flight held sends back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// How often it began to.
    pub episodes: u64,
    /// When it first did, counted from the start of the run.
    pub first_at: Option<Duration>,
    /// The most attempts in flight at such a moment.
    pub in_flight: usize,
}

/// One order with its last known result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    /// The order's number.
    pub order: u64,
    /// The order's id, cut where it is very long.
    pub order_id: Arc<str>,
    /// How it ended; `None` while it has not.
    pub result: Option<OrderResult>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When its last event was, counted from the start of the run.
    pub at: Duration,
    /// The slowest of its attempts, from the intended time.
    pub slowest: Duration,
    /// The stable name of its last attempt's result, where that is known.
    pub code: Option<&'static str>,
    /// Why its last attempt was no acknowledgement, where that is known.
    pub explanation: Option<String>,
    /// Whether its window ended while the sender was stopped.
    pub lapsed: bool,
}

/// What the parts of the run before this one come to; nothing for a run that was not resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// How many parts there were.
    pub parts: u32,
    /// How long they took, without the time between them.
    pub length: Duration,
    /// Their attempts whose end is known.
    pub attempts: u64,
    /// Those of them whose times are not known: the latencies leave them out.
    pub untimed: u64,
}

impl OrderOutcome {
    pub(super) fn new(order: u64, id: &Arc<str>) -> Self {
        OrderOutcome {
            order,
            order_id: bounded_id(id),
            result: None,
            attempts: 0,
            at: Duration::ZERO,
            slowest: Duration::ZERO,
            code: None,
            explanation: None,
            lapsed: false,
        }
    }
}

/// The id itself, or a short copy: a kept id must not hold a megabyte.
pub(super) fn bounded_id(id: &Arc<str>) -> Arc<str> {
    if id.len() <= LONGEST_ID { Arc::clone(id) } else { shortened(id, LONGEST_ID).into() }
}
