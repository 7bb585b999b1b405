//! What follows from an attempt, in a run and after a stop; pure.
//!
//! Source: the protocol's section 3. The platform stops at the first acknowledgement; everything
//! else, a redirect and a broken connection alike, leads to the next planned attempt. It promises at
//! least one delivery, so an attempt whose outcome is unknown counts as made, since the merchant may
//! have received it, and at least one more follows it, since it may not.
//!
//! Schedule time counts from the order's completion. It adds the real time of attempts and the
//! scheduled length of waits, so a speed changes how long waits take and nothing else.

use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::acknowledgement::Conclusion;

use super::jitter::Jitter;
use super::retry_after::requested_wait;
use super::schedule::{RetrySchedule, Speed};
use crate::net::outcome::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Acknowledged,
    Retry(Retry),
    Exhausted(Exhaustion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exhaustion {
    NoRetriesLeft,
    WindowPassed,
    /// As `WindowPassed`, at least in part because the sender itself was stopped meanwhile.
    WindowPassedWhileStopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it is planned after the order's completion, in schedule time.
    pub planned: Duration,
    /// The same, but not before the present.
    pub offset: Duration,
    pub wait: Duration,
}

/// What is known of the attempts of an order that an earlier session of the run left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOutcome {
    Known,
    /// The session ended while the last attempt was in flight: the merchant may have received it.
    Unknown,
    /// As `Unknown`, and so is the outcome of every attempt before it: the order may never have
    /// left this machine.
    Unproven,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPlan<'a> {
    pub schedule: &'a RetrySchedule,
    /// How much the delays vary; `None` for not at all.
    pub jitter: Option<Jitter>,
    pub speed: Speed,
    /// With a status 429 or 503 it moves the next attempt later, never past the window.
    pub honors_retry_after: bool,
}

impl<'a> RetryPlan<'a> {
    pub fn new(schedule: &'a RetrySchedule, speed: Speed) -> Self {
        RetryPlan { schedule, jitter: None, speed, honors_retry_after: false }
    }

    /// What follows attempt `attempt`, whose outcome was known `elapsed` after the order's
    /// completion. A `conclusion` of `None` means that no reply arrived. A retry whose time has
    /// passed is due at once, but never after the window (the protocol's section 3, "within one
    /// hour").
    pub fn after(
        &self,
        (order, attempt): (u64, u32),
        (outcome, conclusion): (&Outcome, Option<&Conclusion>),
        elapsed: Duration,
        now: Timestamp,
    ) -> Decision {
        if let Some(Conclusion::Acknowledged(_)) = conclusion {
            return Decision::Acknowledged;
        }
        let next = attempt.saturating_add(1);
        let Some(planned) = self.planned(order, next) else {
            return Decision::Exhausted(Exhaustion::NoRetriesLeft);
        };
        let window = self.schedule.window();
        if elapsed > window {
            return Decision::Exhausted(Exhaustion::WindowPassed);
        }
        let requested = match outcome {
            Outcome::Reply(reply) if self.honors_retry_after => requested_wait(reply, now),
            _ => None,
        };
        let put_off = requested.map(|wait| elapsed.saturating_add(wait).min(window));
        Decision::Retry(self.retry(next, planned.max(put_off.unwrap_or_default()), elapsed))
    }

    /// What follows for an order of an earlier session that made `attempts`, `elapsed` after its
    /// completion in schedule time. One more attempt follows an unknown last one in the window. An
    /// order of which no attempt is proven is sent once more even after the window: it may never
    /// have been sent.
    pub fn resume(
        &self,
        (order, attempts): (u64, u32),
        last: LastOutcome,
        elapsed: Duration,
    ) -> Decision {
        let is_proven = attempts > 0 && last != LastOutcome::Unproven;
        if elapsed > self.schedule.window() && is_proven {
            return Decision::Exhausted(Exhaustion::WindowPassedWhileStopped);
        }
        let attempt = attempts.saturating_add(1);
        match (self.planned(order, attempt), last) {
            (Some(planned), _) => Decision::Retry(self.retry(attempt, planned, elapsed)),
            (None, LastOutcome::Known) => Decision::Exhausted(Exhaustion::NoRetriesLeft),
            (None, _) => Decision::Retry(self.retry(attempt, elapsed, elapsed)),
        }
    }

    /// When an attempt is planned after its order's completion; `None` where the schedule has none.
    pub fn planned(&self, order: u64, attempt: u32) -> Option<Duration> {
        let attempt = usize::try_from(attempt).ok()?;
        match self.jitter {
            Some(jitter) => jitter.offset(self.schedule, order, attempt),
            None => self.schedule.offset(attempt),
        }
    }

    fn retry(&self, attempt: u32, planned: Duration, elapsed: Duration) -> Retry {
        let wait = self.speed.compress(planned.saturating_sub(elapsed));
        Retry { attempt, planned, offset: planned.max(elapsed), wait }
    }
}

#[cfg(test)]
mod tests {
    use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Reply};

    use super::*;
    use crate::net::outcome::{FailureKind, TransportFailure};
    use LastOutcome::{Known, Unknown, Unproven};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn schedule(delays: &str) -> RetrySchedule {
        RetrySchedule::parse(delays, None, seconds(60)).unwrap()
    }

    fn after(plan: RetryPlan<'_>, attempt: u32, reply: Reply, elapsed: u64) -> Decision {
        let outcome = Outcome::Reply(reply);
        let (conclusion, now) = (outcome.conclusion(), Timestamp::UNIX_EPOCH);
        plan.after((1, attempt), (&outcome, conclusion.as_ref()), seconds(elapsed), now)
    }

    /// Attempt, planned time, not before the present, and wait.
    fn at(attempt: u32, planned: u64, offset: u64, wait: u64) -> Decision {
        let (planned, offset, wait) = (seconds(planned), seconds(offset), seconds(wait));
        Decision::Retry(Retry { attempt, planned, offset, wait })
    }

    const PASSED: Decision = Decision::Exhausted(Exhaustion::WindowPassed);
    const STOPPED: Decision = Decision::Exhausted(Exhaustion::WindowPassedWhileStopped);
    const NONE_LEFT: Decision = Decision::Exhausted(Exhaustion::NoRetriesLeft);

    #[test]
    fn an_attempt_leads_to_silence_a_retry_or_the_end() {
        let schedule = schedule("15s,45s");
        let plan = RetryPlan::new(&schedule, Speed::REAL);
        let after = |attempt, elapsed| {
            let decision = after(plan, attempt, Reply::default(), elapsed);
            let failed = TransportFailure::new(FailureKind::Reset, "");
            let outcome = (&Outcome::NoReply(failed), None);
            let now = Timestamp::UNIX_EPOCH;
            assert_eq!(decision, plan.after((1, attempt), outcome, seconds(elapsed), now));
            decision
        };
        assert_eq!(after(1, 0), at(2, 15, 15, 15));
        assert_eq!(after(2, 59), at(3, 60, 60, 1));
        assert_eq!(after(2, 60), at(3, 60, 60, 0));
        assert_eq!(after(1, 40), at(2, 15, 40, 0));
        assert_eq!(after(2, 61), PASSED);
        assert_eq!(after(3, 60), NONE_LEFT);
        assert_eq!(after(u32::MAX, 0), NONE_LEFT);
        let body = ACKNOWLEDGEMENT_BODY.into();
        let acknowledged = Reply { status: 200, body, ..Reply::default() };
        let decision = super::tests::after(plan, 3, acknowledged, u64::MAX);
        assert_eq!(decision, Decision::Acknowledged);
    }

    #[test]
    fn retry_after_moves_an_attempt_later_but_not_past_the_window() {
        let schedule = schedule("15s,15s");
        let after = |honors_retry_after, asked: &str, attempt, elapsed| {
            let plan = RetryPlan { honors_retry_after, ..RetryPlan::new(&schedule, Speed::REAL) };
            let (status, asked) = (503, Some(asked.to_owned()));
            after(plan, attempt, Reply { status, retry_after: asked, ..Reply::default() }, elapsed)
        };
        let (honored, ignored) = (true, false);
        assert_eq!(after(honored, "20", 1, 0), at(2, 20, 20, 20));
        assert_eq!(after(honored, "1", 1, 0), at(2, 15, 15, 15));
        assert_eq!(after(honored, "50", 2, 16), at(3, 60, 60, 44));
        assert_eq!(after(ignored, "20", 1, 0), at(2, 15, 15, 15));
        assert_eq!(after(honored, "20", 1, 40), at(2, 60, 60, 20));
        assert_eq!(after(ignored, "20", 1, 40), at(2, 15, 40, 0));
        assert_eq!(after(honored, "0", 1, 61), PASSED);
    }

    #[test]
    fn a_resumed_order_continues_in_its_window() {
        let schedule = schedule("15s,15s");
        let plan = RetryPlan::new(&schedule, Speed::REAL);
        let resume = |attempts, last, elapsed| plan.resume((1, attempts), last, seconds(elapsed));
        assert_eq!(resume(1, Known, 10), at(2, 15, 15, 5));
        assert_eq!(resume(1, Unknown, 20), at(2, 15, 20, 0));
        assert_eq!(resume(0, Known, 20), at(1, 0, 20, 0));
        // An unknown attempt counts as made, and one more follows even the last.
        assert_eq!(resume(3, Unknown, 40), at(4, 40, 40, 0));
        assert_eq!(resume(4, Unknown, 40), at(5, 40, 40, 0));
        assert_eq!(resume(u32::MAX, Unknown, 40), at(u32::MAX, 40, 40, 0));
        assert_eq!(resume(3, Known, 40), NONE_LEFT);
        assert_eq!(resume(4, Known, 40), NONE_LEFT);
        assert_eq!(resume(1, Unknown, 60), at(2, 15, 60, 0));
        assert_eq!(resume(1, Unknown, 61), STOPPED);
        assert_eq!(resume(1, Known, 61), STOPPED);
    }

    #[test]
    fn no_order_is_given_up_that_may_never_have_been_sent() {
        let schedule = schedule("15s,15s");
        let plan = RetryPlan::new(&schedule, Speed::REAL);
        let resume = |attempts, last, elapsed| plan.resume((1, attempts), last, seconds(elapsed));
        for elapsed in [60, 61, 1_000_000, u64::MAX] {
            assert_eq!(resume(0, Known, elapsed), at(1, 0, elapsed, 0));
            assert_eq!(resume(1, Unproven, elapsed), at(2, 15, elapsed, 0));
            assert_eq!(resume(7, Unproven, elapsed), at(8, elapsed, elapsed, 0));
        }
        assert_eq!(resume(1, Unproven, 10), at(2, 15, 15, 5));
    }

    #[test]
    fn jitter_and_speed_change_an_attempt_and_its_wait() {
        let schedule = schedule("15s,15s");
        let both = |plan: RetryPlan<'_>, order| {
            let (outcome, elapsed) = (Outcome::Reply(Reply::default()), seconds(3));
            let (conclusion, now) = (outcome.conclusion(), Timestamp::UNIX_EPOCH);
            let next = plan.after((order, 1), (&outcome, conclusion.as_ref()), elapsed, now);
            assert_eq!(next, plan.resume((order, 1), Known, elapsed));
            let Decision::Retry(retry) = next else { panic!("{next:?}") };
            (retry.offset, retry.wait)
        };
        let real = RetryPlan::new(&schedule, Speed::REAL);
        let fast = RetryPlan { speed: Speed::parse("60x").unwrap(), ..real };
        assert_eq!(both(fast, 1), (seconds(15), Duration::from_millis(200)));
        let jitter = Jitter { share: "50%".parse().unwrap(), seed: 7 };
        for order in [1, 2, 99] {
            let planned = jitter.offset(&schedule, order, 2).unwrap();
            assert_ne!(planned, seconds(15));
            let jittered = RetryPlan { jitter: Some(jitter), ..real };
            assert_eq!(both(jittered, order), (planned, planned - seconds(3)), "{order}");
        }
    }
}
