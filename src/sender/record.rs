//! What happens to orders: plain data, which the engine makes, the journal stores and the reports read.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::decide::{Exhaustion, LastOutcome};
use crate::clock::LATEST;
use crate::net::phases::Phases;

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

/// An attempt that is about to be made, or whose reply is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    pub order: Order,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Counted from the start of the run.
    pub intended: Duration,
    /// The same moment after the order's completion, in schedule time.
    pub offset: Duration,
    /// Whether it is made even after the window: the order may never have been sent.
    pub is_owed: bool,
}

/// A later notification of an order that has begun: its own status, with attempts and a window of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowingOrder {
    pub order: Order,
    /// When it is due: counted from the order's start, or from the start of the run where an
    /// earlier session made it.
    pub due: Duration,
    /// The notification whose first attempt has to end before.
    pub waits_for: Option<u64>,
}

/// An order of which an earlier session of the run made attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunOrder {
    pub order: Order,
    pub attempts: u32,
    pub last: LastOutcome,
    /// How much of its schedule time has passed.
    pub elapsed: Duration,
}

/// Times count from the start of the run. The latency that a merchant's slowness cannot hide runs
/// from `intended` to `finished`; the one a naive tool reports runs from `sent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub order: u64,
    pub order_id: Arc<str>,
    pub attempt: u32,
    pub intended: Duration,
    pub sent: Duration,
    pub finished: Duration,
    /// Of the exchange by itself; an earlier session's are not recorded.
    pub phases: Phases,
    pub status: Option<u16>,
    pub code: Cow<'static, str>,
    /// Why it does not acknowledge, in words; `None` where it does.
    pub explanation: Option<String>,
}

impl Attempt {
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
    Exhausted(Exhaustion),
    Interrupted(Interruption),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interruption {
    /// Its last attempt was in flight: the merchant may have received it.
    InFlight,
    Waiting,
}

impl OrderResult {
    pub const fn code(self) -> &'static str {
        match self {
            OrderResult::Acknowledged => "acknowledged",
            OrderResult::Exhausted(_) => "exhausted",
            OrderResult::Interrupted(_) => "interrupted",
        }
    }

    /// Whether its window ended while the sender was stopped.
    pub fn is_lapsed(self) -> bool {
        self == OrderResult::Exhausted(Exhaustion::WindowPassedWhileStopped)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEnd {
    pub order: u64,
    pub order_id: Arc<str>,
    pub result: OrderResult,
    /// How many attempts were made, one in flight included.
    pub attempts: u32,
    pub finished: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// A notification of an order that has several, which all are recorded before the first is
    /// sent. It is for the journal alone.
    Accepted(Order),
    Attempt(Attempt),
    Order(OrderEnd),
    /// The attempt was intended, but this machine had no room for it, or the run was stopped first.
    NotSent {
        order: u64,
        attempt: u32,
    },
    Throttled {
        at: Duration,
        in_flight: usize,
    },
    UnknownOutcome {
        order: u64,
        order_id: Arc<str>,
        attempt: u32,
    },
    /// The run was told to stop: replies to what is in flight are awaited for some time.
    Stopping,
}

impl EngineEvent {
    /// When it happened, counted from the start of the run; `None` where it happened before.
    pub const fn at(&self) -> Option<Duration> {
        match self {
            EngineEvent::Attempt(attempt) => Some(attempt.finished),
            EngineEvent::Order(order) => Some(order.finished),
            EngineEvent::Throttled { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// The time of day so long after the start of a run.
pub fn wall_at(start: Timestamp, offset: Duration) -> Timestamp {
    SignedDuration::try_from(offset)
        .ok()
        .and_then(|offset| start.checked_add(offset).ok())
        .map_or(LATEST, |at| at.min(LATEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        let millis = Duration::from_millis;
        Attempt {
            order: 7,
            order_id: "POT7".into(),
            attempt: 2,
            intended: millis(1_000),
            sent: millis(1_250),
            finished: millis(1_750),
            phases: Phases::default(),
            status: Some(200),
            code: "acknowledged".into(),
            explanation: None,
        }
    }

    #[test]
    fn latency_counts_from_the_intended_time_and_service_time_from_the_sent_one() {
        let record = attempt();
        assert_eq!(record.latency(), Duration::from_millis(750));
        assert_eq!(record.service_time(), Duration::from_millis(500));
        // Sent before its time, or finished before it: no time is negative.
        let early = Attempt { finished: Duration::ZERO, ..record };
        assert_eq!((early.latency(), early.service_time()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn an_attempt_without_a_reason_is_acknowledged() {
        let record = attempt();
        assert!(record.is_acknowledged());
        assert!(!Attempt { explanation: Some(String::new()), ..record }.is_acknowledged());
    }

    #[test]
    fn each_result_has_its_code() {
        for (result, code) in [
            (OrderResult::Acknowledged, "acknowledged"),
            (OrderResult::Exhausted(Exhaustion::NoRetriesLeft), "exhausted"),
            (OrderResult::Interrupted(Interruption::Waiting), "interrupted"),
        ] {
            assert_eq!(result.code(), code);
        }
    }

    #[test]
    fn an_event_has_the_time_at_which_it_ended() {
        let second = Duration::from_secs(1);
        let order = OrderEnd {
            order: 7,
            order_id: "POT7".into(),
            result: OrderResult::Exhausted(Exhaustion::NoRetriesLeft),
            attempts: 11,
            finished: 3 * second,
        };
        let unknown = EngineEvent::UnknownOutcome { order: 7, order_id: "POT7".into(), attempt: 2 };
        for (event, at) in [
            (EngineEvent::Attempt(attempt()), Some(Duration::from_millis(1_750))),
            (EngineEvent::Order(order), Some(3 * second)),
            (EngineEvent::Throttled { at: 2 * second, in_flight: 64 }, Some(2 * second)),
            (unknown, None),
        ] {
            assert_eq!(event.at(), at, "{event:?}");
        }
    }
    #[test]
    fn only_a_window_that_passed_while_stopped_has_lapsed() {
        for (result, is_lapsed) in [
            (OrderResult::Exhausted(Exhaustion::WindowPassedWhileStopped), true),
            (OrderResult::Exhausted(Exhaustion::NoRetriesLeft), false),
            (OrderResult::Acknowledged, false),
            (OrderResult::Interrupted(Interruption::Waiting), false),
        ] {
            assert_eq!(result.is_lapsed(), is_lapsed, "{result:?}");
        }
    }

    #[test]
    fn a_time_of_day_is_after_the_start_and_never_too_large() {
        use crate::clock::LATEST;

        let start = Timestamp::from_second(100).unwrap();
        let after = wall_at(start, Duration::from_micros(1_000_001));
        assert_eq!(after, Timestamp::from_microsecond(101_000_001).unwrap());
        assert_eq!(wall_at(start, Duration::MAX), LATEST);
        assert_eq!(wall_at(LATEST, Duration::from_secs(1)), LATEST);
    }
}
