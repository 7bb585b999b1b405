//! How a run goes on after a crash; pure.
//!
//! Source: the protocol's section 3. The platform promises at least one delivery and silence after
//! the first acknowledgement. So an attempt whose outcome is unknown counts as made, since the
//! merchant may have received it, and at least one more follows it, since it may not. The window
//! counts from the order's completion, not from the restart.

use std::time::Duration;

use crate::delivery::schedule::{RetrySchedule, Speed};

/// What is known of the last attempt that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOutcome {
    /// It was intended; whether it was sent, and what came of it, is not known.
    Unknown,
    /// It was acknowledged.
    Acknowledged,
    /// It failed or was refused.
    NotAcknowledged,
}

/// What follows for an order that the journal calls pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// Nothing: it was acknowledged.
    Acknowledged,
    /// Nothing: the schedule ended, or the window has passed.
    Exhausted,
    /// The next attempt.
    Send {
        /// Its number, from 1.
        attempt: u32,
        /// When it is planned after the order's completion, in schedule time; zero means at once,
        /// for the attempt that an unknown last one is owed.
        offset: Duration,
    },
}

/// What follows `last`, the number and outcome of the last recorded attempt of a pending order.
///
/// `since_completion` is real time; the schedule's offsets and its window are compressed by `speed`
/// to compare with it. (A run counts the time of replies at real speed; here it cannot be told
/// apart and passes at `speed` too, so a resumed order may end a little earlier at high speeds.)
#[must_use]
pub fn continuation(
    schedule: &RetrySchedule,
    speed: Speed,
    since_completion: Duration,
    last: Option<(u32, LastOutcome)>,
) -> Continuation {
    if let Some((_, LastOutcome::Acknowledged)) = last {
        return Continuation::Acknowledged;
    }
    let attempt = last.map_or(0, |(number, _)| number).saturating_add(1);
    let planned = usize::try_from(attempt).ok().and_then(|number| schedule.offset(number));
    let offset = match (planned, last) {
        _ if since_completion > speed.compress(schedule.window()) => None,
        (None, Some((_, LastOutcome::Unknown))) => Some(Duration::ZERO),
        (planned, _) => planned,
    };
    match offset {
        Some(offset) => Continuation::Send { attempt, offset },
        None => Continuation::Exhausted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn after(seconds: u64, last: Option<(u32, LastOutcome)>) -> Continuation {
        let schedule = RetrySchedule::parse("15s,30s", None, HOUR).unwrap();
        continuation(&schedule, Speed::REAL, Duration::from_secs(seconds), last)
    }

    fn send(attempt: u32, seconds: u64) -> Continuation {
        Continuation::Send { attempt, offset: Duration::from_secs(seconds) }
    }

    #[test]
    fn an_unknown_attempt_counts_as_made_and_one_more_follows_even_the_last() {
        use LastOutcome::{NotAcknowledged, Unknown};
        assert_eq!(after(1, None), send(1, 0));
        assert_eq!(after(1, Some((1, Unknown))), send(2, 15));
        assert_eq!(after(1, Some((1, NotAcknowledged))), send(2, 15));
        assert_eq!(after(99, Some((2, NotAcknowledged))), send(3, 45));
        assert_eq!(after(99, Some((3, Unknown))), send(4, 0));
        assert_eq!(after(99, Some((4, Unknown))), send(5, 0));
        assert_eq!(after(99, Some((3, NotAcknowledged))), Continuation::Exhausted);
        assert_eq!(after(99, Some((4, NotAcknowledged))), Continuation::Exhausted);
    }

    #[test]
    fn nothing_follows_an_acknowledgement_or_the_window() {
        for seconds in [0, 3601] {
            let last = Some((1, LastOutcome::Acknowledged));
            assert_eq!(after(seconds, last), Continuation::Acknowledged);
        }
        for last in [None, Some((1, LastOutcome::Unknown)), Some((2, LastOutcome::NotAcknowledged))]
        {
            assert_ne!(after(3600, last), Continuation::Exhausted);
            assert_eq!(after(3601, last), Continuation::Exhausted);
        }
    }

    #[test]
    fn the_window_passes_at_the_speed_of_the_run() {
        let schedule = RetrySchedule::default();
        let speed = Speed::parse("60x").unwrap();
        let at = |seconds| continuation(&schedule, speed, Duration::from_secs(seconds), None);
        assert_eq!(at(60), send(1, 0));
        assert_eq!(at(61), Continuation::Exhausted);
    }

    #[test]
    fn no_number_is_too_large() {
        let last = Some((u32::MAX, LastOutcome::Unknown));
        assert_eq!(after(1, last), send(u32::MAX, 0));
    }
}
