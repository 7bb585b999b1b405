//! What many deliveries tell as they go: plain data for the journal, the reports and the gates.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Counts the orders of a run, from 1.
    pub number: u64,
    pub id: Arc<str>,
    /// The signed body, byte for byte.
    pub body: Arc<[u8]>,
    pub completed_at: Timestamp,
    pub duplicate_of: Option<u64>,
}

/// One finished attempt of one order.
///
/// Times count from the start of the run. The latency that a merchant's slowness cannot hide runs
/// from `intended` to `finished`; the one a naive tool reports runs from `sent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    pub order: u64,
    pub order_id: Arc<str>,
    /// The attempt's number, from 1.
    pub attempt: u32,
    pub intended: Duration,
    pub sent: Duration,
    pub finished: Duration,
    pub status: Option<u16>,
    pub code: &'static str,
    /// Why it is no acknowledgement, in words; `None` where it is one.
    pub explanation: Option<String>,
}

impl AttemptRecord {
    pub fn is_acknowledged(&self) -> bool {
        self.explanation.is_none()
    }

    pub fn latency(&self) -> Duration {
        self.finished.saturating_sub(self.intended)
    }

    pub fn service_time(&self) -> Duration {
        self.finished.saturating_sub(self.sent)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderResult {
    Acknowledged,
    Exhausted,
    Interrupted,
}

impl OrderResult {
    pub const fn code(self) -> &'static str {
        match self {
            OrderResult::Acknowledged => "acknowledged",
            OrderResult::Exhausted => "exhausted",
            OrderResult::Interrupted => "interrupted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    pub order: u64,
    pub order_id: Arc<str>,
    pub result: OrderResult,
    pub attempts: u32,
    pub finished: Duration,
    /// Whether it is exhausted because its window ended while the sender was stopped.
    pub lapsed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetEvent {
    Attempt(AttemptRecord),
    Order(OrderRecord),
    Throttled { at: Duration, in_flight: usize },
    UnknownOutcome { order: u64, order_id: Arc<str>, attempt: u32 },
}

impl FleetEvent {
    /// When it happened, counted from the start of the run; `None` where it happened before.
    pub const fn at(&self) -> Option<Duration> {
        match self {
            FleetEvent::Attempt(attempt) => Some(attempt.finished),
            FleetEvent::Order(order) => Some(order.finished),
            FleetEvent::Throttled { at, .. } => Some(*at),
            FleetEvent::UnknownOutcome { .. } => None,
        }
    }
}
