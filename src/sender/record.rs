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

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> AttemptRecord {
        let millis = Duration::from_millis;
        AttemptRecord {
            order: 7,
            order_id: "POT7".into(),
            attempt: 2,
            intended: millis(1_000),
            sent: millis(1_250),
            finished: millis(1_750),
            status: Some(200),
            code: "acknowledged",
            explanation: None,
        }
    }

    #[test]
    fn latency_counts_from_the_intended_time_and_service_time_from_the_sent_one() {
        let record = attempt();
        assert_eq!(record.latency(), Duration::from_millis(750));
        assert_eq!(record.service_time(), Duration::from_millis(500));
        // Sent before its time, or finished before it: no time is negative.
        let early = AttemptRecord { finished: Duration::ZERO, ..record };
        assert_eq!((early.latency(), early.service_time()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn an_attempt_without_a_reason_is_acknowledged() {
        let record = attempt();
        assert!(record.is_acknowledged());
        assert!(!AttemptRecord { explanation: Some(String::new()), ..record }.is_acknowledged());
    }

    #[test]
    fn each_result_has_its_code() {
        for (result, code) in [
            (OrderResult::Acknowledged, "acknowledged"),
            (OrderResult::Exhausted, "exhausted"),
            (OrderResult::Interrupted, "interrupted"),
        ] {
            assert_eq!(result.code(), code);
        }
    }

    #[test]
    fn an_event_has_the_time_at_which_it_ended() {
        let second = Duration::from_secs(1);
        let order = OrderRecord {
            order: 7,
            order_id: "POT7".into(),
            result: OrderResult::Exhausted,
            attempts: 11,
            finished: 3 * second,
            lapsed: false,
        };
        let unknown = FleetEvent::UnknownOutcome { order: 7, order_id: "POT7".into(), attempt: 2 };
        for (event, at) in [
            (FleetEvent::Attempt(attempt()), Some(Duration::from_millis(1_750))),
            (FleetEvent::Order(order), Some(3 * second)),
            (FleetEvent::Throttled { at: 2 * second, in_flight: 64 }, Some(2 * second)),
            (unknown, None),
        ] {
            assert_eq!(event.at(), at, "{event:?}");
        }
    }
}
