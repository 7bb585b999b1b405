//! When an order's next attempt is due; pure.
//!
//! Schedule time counts from the order's completion. It adds the real time of attempts and the
//! scheduled length of waits, so a speed changes how long waits take and nothing else.

use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::acknowledgement::Conclusion;

use super::retry_after::{RetryAfter, requested_wait};
use crate::net::outcome::Outcome;
use crate::sender::decide::{Decision, Exhaustion, decide};
use crate::sender::jitter::Jitter;
use crate::sender::schedule::RetrySchedule;
use crate::units::factor::Speed;

#[derive(Clone, Copy, Debug)]
pub struct RetryPlan<'a> {
    pub schedule: &'a RetrySchedule,
    /// How much they vary; `None` for not at all.
    pub jitter: Option<Jitter>,
    pub speed: Speed,
    pub retry_after: RetryAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOutcome {
    Known,
    /// The run ended while the attempt was in flight: the merchant may have received it.
    Unknown,
    /// As `Unknown`, and so is the outcome of every attempt before it: the order may never have
    /// left this machine.
    Unproven,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Acknowledged,
    Retry(Retry),
    Exhausted(Exhaustion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retry {
    pub(super) attempt: u32,
    /// Its time after the order's completion, in schedule time; not before the present.
    pub(super) offset: Duration,
    pub(super) wait: Duration,
}

pub(super) struct Ended<'a> {
    pub(super) order: u64,
    pub(super) attempt: u32,
    pub(super) outcome: &'a Outcome,
    pub(super) conclusion: Option<&'a Conclusion>,
    /// When, after the order's completion, in schedule time.
    pub(super) elapsed: Duration,
    pub(super) at: Timestamp,
}

impl RetryPlan<'_> {
    pub(super) fn after(&self, ended: &Ended<'_>) -> Next {
        let &Ended { order, attempt, outcome, conclusion, elapsed, at } = ended;
        match decide(self.schedule, index(attempt), conclusion, elapsed) {
            Decision::Acknowledged => Next::Acknowledged,
            Decision::Exhausted(why) => Next::Exhausted(why),
            Decision::RetryAt { attempt, offset } => {
                let planned = self.offset(order, attempt).unwrap_or(offset);
                let earliest = elapsed.saturating_add(self.asked_for(outcome, at));
                // The decision said that the window has not passed, so this is not in the past.
                let put_off = planned.max(earliest.min(self.schedule.window()));
                Next::Retry(self.retry(attempt, put_off, elapsed))
            }
        }
    }

    /// What follows for an order of an earlier run that made `attempts`, `elapsed` after its
    /// completion in schedule time.
    ///
    /// An attempt whose outcome is unknown counts as made, and one more follows in the window even
    /// where it was the last: the merchant may not have received it. An order of which no attempt
    /// is proven is sent once more even after the window: it may never have been sent.
    pub(super) fn resume(
        &self,
        order: u64,
        attempts: u32,
        last: LastOutcome,
        elapsed: Duration,
    ) -> Next {
        let is_proven = attempts > 0 && last != LastOutcome::Unproven;
        if elapsed > self.schedule.window() && is_proven {
            return Next::Exhausted(Exhaustion::WindowPassed);
        }
        let attempt = index(attempts).saturating_add(1);
        match (self.offset(order, attempt), last) {
            (Some(offset), _) => Next::Retry(self.retry(attempt, offset, elapsed)),
            (None, LastOutcome::Known) => Next::Exhausted(Exhaustion::NoRetriesLeft),
            (None, _) => Next::Retry(self.retry(attempt, elapsed, elapsed)),
        }
    }

    fn offset(&self, order: u64, attempt: usize) -> Option<Duration> {
        match self.jitter {
            Some(jitter) => jitter.offset(self.schedule, order, attempt),
            None => self.schedule.offset(attempt),
        }
    }

    fn asked_for(&self, outcome: &Outcome, at: Timestamp) -> Duration {
        match (self.retry_after, outcome) {
            (RetryAfter::Honored, Outcome::Reply(reply)) => {
                requested_wait(reply, at).unwrap_or_default()
            }
            (RetryAfter::Ignored, _) | (_, Outcome::NoReply(_)) => Duration::ZERO,
        }
    }

    fn retry(&self, attempt: usize, offset: Duration, elapsed: Duration) -> Retry {
        Retry {
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            offset: offset.max(elapsed),
            wait: self.speed.compress(offset.saturating_sub(elapsed)),
        }
    }
}

fn index(attempt: u32) -> usize {
    usize::try_from(attempt).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use protocol::internal::acknowledgement::Reply;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(attempt: u32, offset: u64, wait: u64) -> Next {
        Next::Retry(Retry { attempt, offset: seconds(offset), wait: seconds(wait) })
    }

    fn plan(schedule: &RetrySchedule, retry_after: RetryAfter) -> RetryPlan<'_> {
        RetryPlan { schedule, jitter: None, speed: Speed::REAL, retry_after }
    }

    #[test]
    fn retry_after_moves_an_attempt_later_but_not_past_the_window() {
        let schedule = RetrySchedule::parse("15s,15s", None, seconds(60)).unwrap();
        let after = |retry_after, asked: &str, attempt, elapsed| {
            let (status, text) = (503, Some(asked.to_owned()));
            let outcome = Outcome::Reply(Reply { status, retry_after: text, ..Reply::default() });
            let conclusion = outcome.conclusion();
            plan(&schedule, retry_after).after(&Ended {
                order: 1,
                attempt,
                outcome: &outcome,
                conclusion: conclusion.as_ref(),
                elapsed: seconds(elapsed),
                at: Timestamp::UNIX_EPOCH,
            })
        };
        assert_eq!(after(RetryAfter::Honored, "20", 1, 0), at(2, 20, 20));
        assert_eq!(after(RetryAfter::Honored, "1", 1, 0), at(2, 15, 15));
        assert_eq!(after(RetryAfter::Honored, "50", 2, 16), at(3, 60, 44));
        assert_eq!(after(RetryAfter::Ignored, "20", 1, 0), at(2, 15, 15));
        assert_eq!(after(RetryAfter::Honored, "20", 1, 40), at(2, 60, 20));
        assert_eq!(after(RetryAfter::Ignored, "20", 1, 40), at(2, 40, 0));
        let late = after(RetryAfter::Honored, "0", 1, 61);
        assert_eq!(late, Next::Exhausted(Exhaustion::WindowPassed));
    }

    #[test]
    fn a_resumed_order_goes_on_in_its_window() {
        let schedule = RetrySchedule::parse("15s,15s", None, seconds(60)).unwrap();
        let resume = |attempts, last, elapsed| {
            plan(&schedule, RetryAfter::Ignored).resume(1, attempts, last, seconds(elapsed))
        };
        assert_eq!(resume(1, LastOutcome::Known, 10), at(2, 15, 5));
        assert_eq!(resume(1, LastOutcome::Unknown, 20), at(2, 20, 0));
        assert_eq!(resume(0, LastOutcome::Known, 20), at(1, 20, 0));
        assert_eq!(resume(3, LastOutcome::Unknown, 40), at(4, 40, 0));
        let over = Next::Exhausted(Exhaustion::NoRetriesLeft);
        assert_eq!(resume(3, LastOutcome::Known, 40), over);
        let passed = Next::Exhausted(Exhaustion::WindowPassed);
        assert_eq!(resume(1, LastOutcome::Unknown, 60), at(2, 60, 0));
        assert_eq!(resume(1, LastOutcome::Unknown, 61), passed);
        assert_eq!(resume(1, LastOutcome::Known, 61), passed);
    }

    #[test]
    fn no_order_is_given_up_that_may_never_have_been_sent() {
        let schedule = RetrySchedule::parse("15s,15s", None, seconds(60)).unwrap();
        let resume = |attempts, last, elapsed| {
            plan(&schedule, RetryAfter::Ignored).resume(1, attempts, last, seconds(elapsed))
        };
        for elapsed in [60, 61, 1_000_000] {
            assert_eq!(resume(0, LastOutcome::Known, elapsed), at(1, elapsed, 0));
            assert_eq!(resume(1, LastOutcome::Unproven, elapsed), at(2, elapsed, 0));
            assert_eq!(resume(7, LastOutcome::Unproven, elapsed), at(8, elapsed, 0));
        }
        assert_eq!(resume(1, LastOutcome::Unproven, 10), at(2, 15, 5));
    }

    #[test]
    fn jitter_and_speed_change_an_attempt_and_its_wait() {
        let schedule = RetrySchedule::parse("15s,15s", None, seconds(60)).unwrap();
        let refused = Outcome::Reply(Reply::default());
        let conclusion = refused.conclusion();
        let elapsed = seconds(3);
        let both = |plan: RetryPlan<'_>, order| {
            let ended = Ended {
                order,
                attempt: 1,
                outcome: &refused,
                conclusion: conclusion.as_ref(),
                elapsed,
                at: Timestamp::UNIX_EPOCH,
            };
            let next = plan.after(&ended);
            assert_eq!(next, plan.resume(order, 1, LastOutcome::Known, elapsed));
            let Next::Retry(retry) = next else { panic!("{next:?}") };
            (retry.offset, retry.wait)
        };
        let real = plan(&schedule, RetryAfter::Ignored);
        let fast = RetryPlan { speed: Speed::parse("60x").unwrap(), ..real };
        assert_eq!(both(fast, 1), (seconds(15), Duration::from_millis(200)));
        let jitter = Jitter::parse("50%", 7).unwrap();
        for order in [1, 2, 99] {
            let planned = jitter.offset(&schedule, order, 2).unwrap();
            assert_ne!(planned, seconds(15));
            let jittered = RetryPlan { jitter: Some(jitter), ..real };
            assert_eq!(both(jittered, order), (planned, planned - elapsed), "{order}");
        }
    }
}
