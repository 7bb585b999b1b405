//! How an order continues after its run ended early; pure.
//!
//! Source: the protocol's section 3. The platform promises at least one delivery and silence after
//! the first acknowledgement. So an attempt whose outcome is unknown counts as made, since the
//! merchant may have received it, and at least one more follows it, since it may not.
//!
//! An order's window starts at the time that was intended for its first attempt. In a run, waits
//! pass at the run's speed and replies in real time. While no run is there, real time passes,
//! whatever the speed: a second's pause at 3600x takes one second of the window, not an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::sender::schedule::{RetrySchedule, Speed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOutcome {
    /// It was intended; whether it was sent, and what came of it, is not known.
    Unknown,
    Acknowledged,
    NotAcknowledged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempted {
    pub attempt: u32,
    pub last: LastOutcome,
    /// Whether the outcome of any attempt is known: otherwise the order may never have been sent.
    pub is_proven: bool,
    /// How much of the order's schedule time has passed.
    pub elapsed: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    Acknowledged,
    Exhausted,
    Send {
        /// Its number, from 1.
        attempt: u32,
        /// When it is planned after the order's completion, in schedule time; zero means at once,
        /// for the attempt that an unknown last one is owed.
        offset: Duration,
    },
}

/// What follows the recorded attempts of an order; `None` where there are none.
///
/// An order that may never have been sent is never exhausted.
pub fn continuation(schedule: &RetrySchedule, attempted: Option<&Attempted>) -> Continuation {
    let Some(attempted) = attempted else {
        return Continuation::Send { attempt: 1, offset: Duration::ZERO };
    };
    if attempted.last == LastOutcome::Acknowledged {
        return Continuation::Acknowledged;
    }
    if attempted.is_proven && attempted.elapsed > schedule.window() {
        return Continuation::Exhausted;
    }
    let attempt = attempted.attempt.saturating_add(1);
    match (planned(schedule, attempt), attempted.last) {
        (Some(offset), _) => Continuation::Send { attempt, offset },
        (None, LastOutcome::Unknown) => Continuation::Send { attempt, offset: Duration::ZERO },
        (None, _) => Continuation::Exhausted,
    }
}

fn planned(schedule: &RetrySchedule, attempt: u32) -> Option<Duration> {
    usize::try_from(attempt).ok().and_then(|attempt| schedule.offset(attempt))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Recorded {
    pub(super) attempt: u32,
    pub(super) part: u32,
    pub(super) intended_at: Timestamp,
    pub(super) last: LastOutcome,
    pub(super) finished_at: Option<Timestamp>,
}

/// What turns calendar times into schedule time.
pub(super) struct Timeline<'a> {
    pub(super) schedule: &'a RetrySchedule,
    pub(super) speed: Speed,
    pub(super) parts: &'a BTreeMap<u32, Span>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    attempted: Attempted,
    /// The moment at which that much of the schedule time had passed, and the part that it is in.
    at: Timestamp,
    part: u32,
}

impl Timeline<'_> {
    pub(super) fn follow(&self, progress: Option<Progress>, next: &Recorded) -> Progress {
        let Recorded { attempt, part, intended_at, last, finished_at } = *next;
        let begun = progress.map_or(Duration::ZERO, |before| {
            let planned = planned(self.schedule, attempt).unwrap_or_default();
            self.pass(&before, Some(part), intended_at).max(planned)
        });
        let at = finished_at.or_else(|| self.parts.get(&part).map(|span| span.to));
        let at = at.unwrap_or(intended_at);
        let was_proven = progress.is_some_and(|before| before.attempted.is_proven);
        let is_proven = was_proven || last != LastOutcome::Unknown;
        let elapsed = begun.saturating_add(between(intended_at, at));
        Progress { attempted: Attempted { attempt, last, is_proven, elapsed }, at, part }
    }

    pub(super) fn until(&self, progress: &Progress, now: Timestamp) -> Attempted {
        Attempted { elapsed: self.pass(progress, None, now), ..progress.attempted }
    }

    /// How much schedule time has passed at `to`, in this part or, with none, after all.
    fn pass(&self, from: &Progress, part: Option<u32>, to: Timestamp) -> Duration {
        let mut elapsed = from.attempted.elapsed;
        let next = planned(self.schedule, from.attempted.attempt.saturating_add(1));
        let wait = |elapsed, real| self.wait(elapsed, next, real);
        if part == Some(from.part) {
            return wait(elapsed, between(from.at, to));
        }
        let mut at = from.at;
        if let Some(span) = self.parts.get(&from.part) {
            elapsed = wait(elapsed, between(at, span.to));
            at = span.to;
        }
        for (number, span) in self.parts.range(from.part.saturating_add(1)..) {
            if part.is_some_and(|part| part < *number) {
                break;
            }
            let end = if part == Some(*number) { to } else { span.to };
            elapsed = elapsed.saturating_add(between(at, span.from));
            elapsed = wait(elapsed, between(span.from, end));
            at = end;
        }
        elapsed.saturating_add(between(at, to))
    }

    /// A wait in a run: at its speed until the next attempt is due, in real time after that.
    fn wait(&self, elapsed: Duration, next: Option<Duration>, real: Duration) -> Duration {
        let left = next.unwrap_or_default().saturating_sub(elapsed);
        match real.checked_sub(self.speed.compress(left)) {
            Some(late) => elapsed.saturating_add(left).saturating_add(late),
            None => elapsed.saturating_add(self.speed.stretch(real)),
        }
    }
}

pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use LastOutcome::{Acknowledged, NotAcknowledged, Unknown};

    const HOUR: Duration = Duration::from_secs(3600);

    fn after(seconds: u64, last: Option<(u32, LastOutcome)>) -> Continuation {
        let schedule = RetrySchedule::parse("15s,30s", None, HOUR).unwrap();
        let elapsed = Duration::from_secs(seconds);
        let attempted =
            last.map(|(attempt, last)| Attempted { attempt, last, is_proven: true, elapsed });
        continuation(&schedule, attempted.as_ref())
    }

    fn send(attempt: u32, seconds: u64) -> Continuation {
        Continuation::Send { attempt, offset: Duration::from_secs(seconds) }
    }

    #[test]
    fn an_unknown_attempt_counts_as_made_and_one_more_follows_even_the_last() {
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
            let last = Some((1, Acknowledged));
            assert_eq!(after(seconds, last), Continuation::Acknowledged);
        }
        for last in [Some((1, Unknown)), Some((2, NotAcknowledged))] {
            assert_ne!(after(3600, last), Continuation::Exhausted);
            assert_eq!(after(3601, last), Continuation::Exhausted);
        }
    }

    #[test]
    fn an_order_that_may_never_have_been_sent_is_not_exhausted() {
        let schedule = RetrySchedule::parse("15s,30s", None, HOUR).unwrap();
        assert_eq!(continuation(&schedule, None), send(1, 0));
        for seconds in [0, 3600, 3601, u64::MAX] {
            let elapsed = Duration::from_secs(seconds);
            let unproven = |attempt| {
                let attempted = Attempted { attempt, last: Unknown, is_proven: false, elapsed };
                continuation(&schedule, Some(&attempted))
            };
            assert_eq!((unproven(1), unproven(9)), (send(2, 15), send(10, 0)));
        }
    }

    type Course<'a> = (&'a [(u32, i64, i64)], &'a [(u32, i64, Option<i64>)]);

    /// How much schedule time has passed at `now`.
    fn elapsed(speed: &str, (parts, attempts): Course<'_>, now: i64) -> Duration {
        let at = |second| Timestamp::from_second(second).unwrap();
        let schedule = RetrySchedule::parse("15s,30s,60s", None, HOUR).unwrap();
        let parts: BTreeMap<u32, Span> = parts
            .iter()
            .map(|(part, from, to)| (*part, Span { from: at(*from), to: at(*to) }))
            .collect();
        let timeline =
            Timeline { schedule: &schedule, speed: Speed::parse(speed).unwrap(), parts: &parts };
        let progress = (1..).zip(attempts).fold(None, |before, (attempt, found)| {
            let (part, intended, finished) = *found;
            let last = finished.map_or(Unknown, |_| NotAcknowledged);
            let finished_at = finished.map(at);
            let intended_at = at(intended);
            let next = Recorded { attempt, part, intended_at, last, finished_at };
            Some(timeline.follow(before, &next))
        });
        timeline.until(&progress.unwrap(), at(now)).elapsed
    }

    #[test]
    fn at_real_speed_the_window_is_real_time_whatever_happened() {
        let courses: [Course<'_>; 4] = [
            (&[(1, 0, 9)], &[(1, 0, Some(2))]),
            (&[(1, 0, 9)], &[(1, 0, None)]),
            (&[(1, 0, 20), (2, 100, 200)], &[(1, 0, Some(1)), (1, 15, None), (2, 100, Some(101))]),
            (&[(1, 0, 5), (2, 50, 60), (3, 90, 95)], &[(1, 0, Some(1)), (3, 92, Some(93))]),
        ];
        for course in courses {
            for now in [500, 3600, 3601, 99_999] {
                assert_eq!(elapsed("1x", course, now).as_secs(), now as u64, "{course:?}");
            }
        }
    }

    #[test]
    fn a_stop_takes_its_real_length_at_any_speed() {
        let seconds = Duration::from_secs;
        // Refused at 1 s; the run worked one more second, which is 10 s of the wait for 15 s.
        let course: Course<'_> = (&[(1, 0, 2)], &[(1, 0, Some(1))]);
        assert_eq!(elapsed("10x", course, 2), seconds(11));
        assert_eq!(elapsed("10x", course, 102), seconds(111));
        // At 3600x the wait was over, and the rest of that second was lateness.
        let late = elapsed("3600x", course, 102);
        assert!(seconds(114) < late && late < seconds(117), "{late:?}");
        // Two stops, and an attempt after the first one, which was due at 15 s at the earliest.
        let course: Course<'_> = (&[(1, 0, 1), (2, 11, 12)], &[(1, 0, Some(1)), (2, 11, Some(12))]);
        assert_eq!(elapsed("3600x", course, 12), seconds(16));
        assert_eq!(elapsed("3600x", course, 3596), seconds(3600));
    }

    #[test]
    fn a_clock_that_was_set_back_takes_no_time() {
        let course: Course<'_> = (&[(1, 1000, 1010)], &[(1, 1000, Some(1001))]);
        for speed in ["1x", "60x"] {
            assert!(elapsed(speed, course, -5) <= Duration::from_secs(25));
        }
        let course: Course<'_> =
            (&[(1, 100_000, 100_001), (2, 0, 1)], &[(1, 100_000, Some(100_001)), (2, 0, None)]);
        assert_eq!(elapsed("1x", course, 2), Duration::from_secs(17));
    }

    #[test]
    fn no_number_is_too_large() {
        let last = Some((u32::MAX, Unknown));
        assert_eq!(after(1, last), send(u32::MAX, 0));
        let ends = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let parts = [(1, ends.0, ends.1)];
        let course: Course<'_> = (&parts, &[(1, -9, Some(ends.1)), (1, 5, None)]);
        assert!(elapsed("1000000x", course, ends.1) > HOUR);
    }

    #[test]
    fn a_known_outcome_of_any_attempt_proves_that_the_order_was_sent() {
        let schedule = RetrySchedule::parse("15s,30s", None, HOUR).unwrap();
        let parts = BTreeMap::new();
        let timeline = Timeline { schedule: &schedule, speed: Speed::REAL, parts: &parts };
        let now = Timestamp::from_second(9).unwrap();
        for (outcomes, is_proven) in [
            (&[Unknown][..], false),
            (&[Unknown, Unknown], false),
            (&[NotAcknowledged], true),
            (&[NotAcknowledged, Unknown], true),
            (&[Unknown, NotAcknowledged], true),
            (&[Unknown, NotAcknowledged, Unknown, Unknown], true),
        ] {
            let progress = (1..).zip(outcomes).fold(None, |before, (attempt, last)| {
                let (intended_at, last) = (now, *last);
                let next = Recorded { attempt, part: 1, intended_at, last, finished_at: None };
                Some(timeline.follow(before, &next))
            });
            let until = timeline.until(&progress.unwrap(), now);
            assert_eq!(until.is_proven, is_proven, "{outcomes:?}");
            assert_eq!(until.attempt as usize, outcomes.len());
        }
    }

    #[test]
    fn waits_pass_at_the_speed_of_the_run_and_replies_in_real_time() {
        // In flight until the run ended after 9 s.
        let course: Course<'_> = (&[(1, 0, 9)], &[(1, 0, None)]);
        assert_eq!(elapsed("10x", course, 9), Duration::from_secs(9));
        // Refused at 1 s; a stop of 10 s; in the second run 0.4 s are the rest of the wait for
        // the attempt due at 15 s, which is 0.6 s late.
        let course: Course<'_> = (&[(1, 0, 1), (2, 11, 12)], &[(1, 0, Some(1)), (2, 12, Some(12))]);
        assert_eq!(elapsed("10x", course, 12), Duration::from_millis(15_600));
        // Both attempts in one run: 1 s of waiting is 10 s of the wait for 15 s.
        let course: Course<'_> = (&[(1, 0, 2)], &[(1, 0, Some(0)), (1, 2, Some(2))]);
        assert_eq!(elapsed("10x", course, 2), Duration::from_millis(15_500));
    }
}
