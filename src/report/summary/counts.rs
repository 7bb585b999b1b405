//! What a summary counts and keeps: plain data.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::mask::outside;
use crate::report::figures::shortened;
use crate::sender::record::OrderResult;

pub(super) const LONGEST_ID: usize = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    pub acknowledged: u64,
    pub exhausted: u64,
    /// The run ended first, after at least one attempt.
    pub interrupted: u64,
    pub not_sent: u64,
    pub lapsed: u64,
    pub retried: u64,
    pub duplicates: u64,
}

impl OrderCounts {
    /// The orders that ended, in whatever way, after at least one attempt.
    pub const fn ended(&self) -> u64 {
        self.acknowledged + self.exhausted + self.interrupted
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptCounts {
    /// The attempts' number, from 1.
    pub attempt: u32,
    pub acknowledged: u64,
    pub failed: u64,
}

impl AttemptCounts {
    pub const fn made(&self) -> u64 {
        self.acknowledged + self.failed
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub code: Cow<'static, str>,
    pub explanation: String,
    pub attempts: u64,
    #[serde(rename = "orders_exhausted")]
    pub exhausted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowOrder {
    pub order: u64,
    /// Which of its notifications, from 1, where it has several.
    pub step: Option<u32>,
    pub order_id: Arc<str>,
    pub attempt: u32,
    pub latency: Duration,
    pub service_time: Duration,
    pub code: Cow<'static, str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    pub episodes: u64,
    pub first_at: Option<Duration>,
    pub in_flight: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    pub order: u64,
    /// Which of its notifications, from 1, where it has several.
    pub step: Option<u32>,
    pub order_id: Arc<str>,
    /// How it ended; `None` while it has not.
    pub result: Option<OrderResult>,
    pub attempts: u32,
    pub at: Duration,
    pub slowest: Duration,
    pub code: Option<Cow<'static, str>>,
    pub explanation: Option<String>,
}

/// What the parts of the run before this one come to; nothing for a run that was not resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    pub parts: u32,
    /// How long they took, without the time between them.
    pub length: Duration,
    pub attempts: u64,
    pub untimed: u64,
}

impl OrderOutcome {
    pub(super) fn new((order, step): (u64, Option<u32>), id: &Arc<str>) -> Self {
        OrderOutcome {
            order,
            step,
            order_id: bounded_id(id),
            result: None,
            attempts: 0,
            at: Duration::ZERO,
            slowest: Duration::ZERO,
            code: None,
            explanation: None,
        }
    }
}

/// The id as it is shown: a kept one must hold neither a key nor a megabyte.
pub(super) fn bounded_id(id: &Arc<str>) -> Arc<str> {
    match outside(id) {
        Cow::Borrowed(same) if same.len() <= LONGEST_ID => Arc::clone(id),
        shown => shortened(&shown, LONGEST_ID).into(),
    }
}
