//! How much of an order's schedule time has passed, from what its journal recorded; pure.
//!
//! An order's window starts at the time that was intended for its first attempt. In a session, waits
//! pass at the run's speed and replies in real time. Between sessions real time passes, whatever the
//! speed: a second's pause at 3600x takes one second of the window, not an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::recorded::{RecordedAttempt, Span};
use crate::sender::decide::LastOutcome;
use crate::sender::schedule::{RetrySchedule, Speed};

/// What turns calendar times into schedule time.
pub(super) struct Timeline<'a> {
    pub(super) schedule: &'a RetrySchedule,
    pub(super) speed: Speed,
    pub(super) sessions: &'a BTreeMap<u32, Span>,
}

#[derive(Clone, Copy, Debug)]
struct OrderProgress {
    attempts: u32,
    elapsed: Duration,
    /// The moment at which that much of the schedule time had passed, and the session that it is in.
    at: Timestamp,
    session: u32,
}

impl Timeline<'_> {
    /// How many attempts of an order were made, what is known of them, and how much of its schedule
    /// time has passed at `now`; `None` where there are none.
    pub(super) fn follow(
        &self,
        made: &[RecordedAttempt],
        now: Timestamp,
    ) -> Option<(u32, LastOutcome, Duration)> {
        let progress = made.iter().fold(None, |before, next| Some(self.next(before, next)))?;
        let last = match made.last()?.outcome {
            Some(_) => LastOutcome::Known,
            None if made.iter().any(|made| made.outcome.is_some()) => LastOutcome::Unknown,
            None => LastOutcome::Unproven,
        };
        Some((progress.attempts, last, self.pass(&progress, None, now)))
    }

    fn next(&self, before: Option<OrderProgress>, next: &RecordedAttempt) -> OrderProgress {
        let RecordedAttempt { attempt, session, intended_at, finished_at, .. } = *next;
        let begun = before.map_or(Duration::ZERO, |before| {
            let planned = self.planned(attempt).unwrap_or_default();
            self.pass(&before, Some(session), intended_at).max(planned)
        });
        let at = finished_at.or_else(|| self.sessions.get(&session).map(|span| span.to));
        let at = at.unwrap_or(intended_at);
        let elapsed = begun.saturating_add(between(intended_at, at));
        OrderProgress { attempts: attempt, elapsed, at, session }
    }

    fn planned(&self, attempt: u32) -> Option<Duration> {
        usize::try_from(attempt).ok().and_then(|attempt| self.schedule.offset(attempt))
    }

    /// How much schedule time has passed at `to`, in this session or, with none, after all.
    fn pass(&self, from: &OrderProgress, session: Option<u32>, to: Timestamp) -> Duration {
        let mut elapsed = from.elapsed;
        let next = self.planned(from.attempts.saturating_add(1));
        let wait = |elapsed, real| self.wait(elapsed, next, real);
        if session == Some(from.session) {
            return wait(elapsed, between(from.at, to));
        }
        let mut at = from.at;
        if let Some(span) = self.sessions.get(&from.session) {
            elapsed = wait(elapsed, between(at, span.to));
            at = span.to;
        }
        for (number, span) in self.sessions.range(from.session.saturating_add(1)..) {
            if session.is_some_and(|session| session < *number) {
                break;
            }
            let end = if session == Some(*number) { to } else { span.to };
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

    const HOUR: Duration = Duration::from_secs(3600);

    fn recorded(
        attempt: u32,
        session: u32,
        intended_at: Timestamp,
        finished_at: Option<Timestamp>,
    ) -> RecordedAttempt {
        let outcome = finished_at.map(|_| "timeout".to_owned());
        RecordedAttempt { attempt, session, intended_at, sent_at: None, finished_at, outcome }
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
        let speed = Speed::parse(speed).unwrap();
        let timeline = Timeline { schedule: &schedule, speed, sessions: &parts };
        let made = (1..).zip(attempts).map(|(attempt, found)| {
            let (session, intended, finished) = *found;
            recorded(attempt, session, at(intended), finished.map(at))
        });
        timeline.follow(&made.collect::<Vec<_>>(), at(now)).unwrap().2
    }

    #[test]
    fn at_real_speed_the_window_is_real_time_whatever_happened() {
        let courses: [Course<'_>; 5] = [
            (&[(1, 0, 9)], &[(1, 0, Some(2))]),
            (&[(1, 0, 9)], &[(1, 0, None)]),
            (&[(1, 0, 20), (2, 100, 200)], &[(1, 0, Some(1)), (1, 15, None), (2, 100, Some(101))]),
            (&[(1, 0, 5), (2, 50, 60), (3, 90, 95)], &[(1, 0, Some(1)), (3, 92, Some(93))]),
            (
                &[(1, 0, 5), (2, 50, 60), (3, 90, 95)],
                &[(1, 0, Some(1)), (2, 52, Some(53)), (3, 92, Some(93))],
            ),
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
        let ends = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let parts = [(1, ends.0, ends.1)];
        let course: Course<'_> = (&parts, &[(1, -9, Some(ends.1)), (1, 5, None)]);
        assert!(elapsed("1000000x", course, ends.1) > HOUR);
    }

    #[test]
    fn a_known_outcome_of_any_attempt_proves_that_the_order_was_sent() {
        use LastOutcome::{Known, Unknown, Unproven};
        let schedule = RetrySchedule::parse("15s,30s", None, HOUR).unwrap();
        let (speed, sessions) = (Speed::REAL, &BTreeMap::new());
        let timeline = Timeline { schedule: &schedule, speed, sessions };
        let now = Timestamp::from_second(9).unwrap();
        for (outcomes, last) in [
            (&[false][..], Unproven),
            (&[false, false], Unproven),
            (&[true], Known),
            (&[true, false], Unknown),
            (&[false, true], Known),
            (&[false, true, false, false], Unknown),
        ] {
            let made = (1..).zip(outcomes);
            let made =
                made.map(|(attempt, is_known)| recorded(attempt, 1, now, is_known.then_some(now)));
            let found = timeline.follow(&made.collect::<Vec<_>>(), now).unwrap();
            assert_eq!((found.0 as usize, found.1), (outcomes.len(), last), "{outcomes:?}");
        }
        assert_eq!(timeline.follow(&[], now), None);
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
