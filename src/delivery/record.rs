//! What many deliveries tell as they go: plain data for the journal, the reports and the gates.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// One order's notification, signed and ready to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Counts the orders of a run, from 1.
    pub number: u64,
    /// The platform's order id, or `#N` where the payload has none.
    pub id: Arc<str>,
    /// The signed body, byte for byte.
    pub body: Arc<[u8]>,
    /// When the order was made. The window and the schedule count from its first sending, which
    /// may be much later.
    pub completed_at: Timestamp,
    /// Set where this sending repeats another order's notification on purpose.
    pub duplicate_of: Option<u64>,
}

/// One finished attempt of one order.
///
/// Times count from the start of the run. The latency that a merchant's slowness cannot hide runs
/// from `intended` to `finished`; the one a naive tool reports runs from `sent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The order's number.
    pub order: u64,
    /// The order's id.
    pub order_id: Arc<str>,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// When the attempt was planned to start.
    pub intended: Duration,
    /// When it really started.
    pub sent: Duration,
    /// When its outcome was known.
    pub finished: Duration,
    /// The HTTP status, where a reply arrived.
    pub status: Option<u16>,
    /// The stable name of the result: `acknowledged`, a refusal's code or a failure's code.
    pub code: &'static str,
    /// Why it is no acknowledgement, in words; `None` where it is one.
    pub explanation: Option<String>,
}

impl AttemptRecord {
    /// Whether the merchant acknowledged.
    pub fn is_acknowledged(&self) -> bool {
        self.explanation.is_none()
    }

    /// The latency from the intended time: a stall of the merchant shows in it.
    pub fn latency(&self) -> Duration {
        self.finished.saturating_sub(self.intended)
    }

    /// The latency from the real send time, as a naive tool reports it.
    pub fn service_time(&self) -> Duration {
        self.finished.saturating_sub(self.sent)
    }
}

/// How one order of many ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderResult {
    /// The merchant acknowledged.
    Acknowledged,
    /// The schedule ended, or the window passed, without an acknowledgement.
    Exhausted,
    /// The run ended before the answer was known.
    Interrupted,
}

impl OrderResult {
    /// The stable name, as JSON output carries it.
    pub const fn code(self) -> &'static str {
        match self {
            OrderResult::Acknowledged => "acknowledged",
            OrderResult::Exhausted => "exhausted",
            OrderResult::Interrupted => "interrupted",
        }
    }
}

/// An order that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// The order's number.
    pub order: u64,
    /// The order's id.
    pub order_id: Arc<str>,
    /// How it ended.
    pub result: OrderResult,
    /// How many attempts were made, those before a resume included.
    pub attempts: u32,
    /// When it ended, counted from the start of the run.
    pub finished: Duration,
    /// Whether it is exhausted because its window ended while the sender was stopped.
    pub lapsed: bool,
}

/// What happens during a run of many deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetEvent {
    /// An attempt is over.
    Attempt(AttemptRecord),
    /// An order is done.
    Order(OrderRecord),
    /// The limit on attempts in flight held sends back; told when it begins to bite.
    Throttled {
        /// When, counted from the start of the run.
        at: Duration,
        /// How many attempts were in flight.
        in_flight: usize,
    },
    /// An attempt of an earlier run whose outcome is unknown; it is sent again.
    UnknownOutcome {
        /// The order's number.
        order: u64,
        /// The order's id.
        order_id: Arc<str>,
        /// The attempt whose outcome is unknown.
        attempt: u32,
    },
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
