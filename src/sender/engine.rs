//! One delivery: attempts and waits until an acknowledgement, the schedule's end or an interrupt.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::acknowledgement::Conclusion;

use super::schedule::{RetrySchedule, Speed};
use crate::clock::Clock;
use crate::net::outcome::Outcome;
use crate::net::transport::{Request, Transport};
use crate::sender::decide::{Decision, Exhaustion, decide};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number: 1 is the first notification, 2 and later are retries.
    pub number: usize,
    /// When it was planned after the order's completion, in schedule time.
    pub planned_offset: Duration,
    pub started_at: Timestamp,
    pub elapsed: Duration,
    pub outcome: Outcome,
    /// What the platform concludes from the reply; `None` where none arrived.
    pub conclusion: Option<Conclusion>,
    pub decision: Decision,
    pub next: Option<NextAttempt>,
}

impl Attempt {
    pub fn code(&self) -> &'static str {
        self.outcome.code(self.conclusion.as_ref())
    }

    /// Why it is no acknowledgement, in words; `None` where it is one.
    pub fn explanation(&self) -> Option<String> {
        self.outcome.explanation(self.conclusion.as_ref())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextAttempt {
    pub attempt: usize,
    /// When it is planned after the order's completion, in schedule time.
    pub offset: Duration,
    pub wait: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEvent<'a> {
    AttemptStarted {
        /// Its number, from 1.
        number: usize,
        /// When it was planned after the order's completion, in schedule time.
        planned_offset: Duration,
        started_at: Timestamp,
    },
    AttemptFinished(&'a Attempt),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    Acknowledged,
    Exhausted(Exhaustion),
    Interrupted(Interruption),
}

impl DeliveryResult {
    pub const fn code(self) -> &'static str {
        match self {
            DeliveryResult::Acknowledged => "acknowledged",
            DeliveryResult::Exhausted(_) => "exhausted",
            DeliveryResult::Interrupted(_) => "interrupted",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// An attempt was under way: the merchant may have received it.
    Sending {
        attempt: usize,
    },
    Waiting {
        attempt: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    pub attempts: Vec<Attempt>,
    pub result: DeliveryResult,
}

#[derive(Debug)]
pub struct Engine<'a, C, T> {
    pub schedule: &'a RetrySchedule,
    pub speed: Speed,
    pub clock: &'a C,
    pub transport: &'a T,
}

/// How late an attempt may start past the window: timers take their time.
const LATENESS: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Planned {
    number: usize,
    offset: Duration,
}

impl<C: Clock, T: Transport> Engine<'_, C, T> {
    /// Delivers one notification; its start is the order's completion.
    ///
    /// Stops at the first acknowledgement, at the schedule's end, and when `cancel` completes.
    /// Schedule time adds the real time of attempts and the scheduled length of waits, so a speed
    /// changes how long waits take and nothing else.
    pub async fn deliver<E>(
        &self,
        request: &Request,
        cancel: impl Future<Output = ()>,
        mut on_event: impl FnMut(DeliveryEvent<'_>) -> Result<(), E>,
    ) -> Result<DeliveryReport, E> {
        let mut cancel = pin!(cancel);
        let mut attempts = Vec::new();
        let (mut planned, mut elapsed) =
            (Planned { number: 1, offset: Duration::ZERO }, Duration::ZERO);
        let result = loop {
            let started_at = self.clock.wall();
            let Planned { number, offset: planned_offset } = planned;
            on_event(DeliveryEvent::AttemptStarted { number, planned_offset, started_at })?;
            let start = self.clock.now();
            // A reply that is there counts, even where the cancel came at the same moment.
            let outcome = tokio::select! {
                biased;
                outcome = self.transport.send(request) => outcome,
                () = cancel.as_mut() => {
                    break DeliveryResult::Interrupted(Interruption::Sending { attempt: number });
                }
            };
            if outcome.is_held_back() {
                break DeliveryResult::Interrupted(Interruption::Waiting { attempt: number });
            }
            let took = self.clock.now().saturating_sub(start);
            elapsed = elapsed.saturating_add(took);
            let came = request.conclude(outcome);
            let attempt = self.conclude(planned, started_at, took, came, elapsed);
            let (decision, next) = (attempt.decision, attempt.next);
            on_event(DeliveryEvent::AttemptFinished(&attempt))?;
            attempts.push(attempt);
            planned = match decision {
                Decision::Acknowledged => break DeliveryResult::Acknowledged,
                Decision::Exhausted(why) => break DeliveryResult::Exhausted(why),
                Decision::RetryAt { attempt, offset } => Planned { number: attempt, offset },
            };
            let wait = next.map_or(Duration::ZERO, |next| next.wait);
            let due = self.clock.now().saturating_add(wait);
            tokio::select! {
                biased;
                () = cancel.as_mut() => {
                    let attempt = planned.number;
                    break DeliveryResult::Interrupted(Interruption::Waiting { attempt });
                }
                () = self.clock.sleep(wait) => {}
            }
            elapsed = elapsed.max(planned.offset);
            let late = self.clock.now().saturating_sub(due);
            if late > LATENESS {
                // The sender was stopped: meanwhile the window continued, in real time.
                elapsed = elapsed.saturating_add(late);
                if elapsed > self.schedule.window() {
                    break DeliveryResult::Exhausted(Exhaustion::WindowPassed);
                }
            }
        };
        Ok(DeliveryReport { attempts, result })
    }

    /// The finished attempt, whose outcome was known at `elapsed` in schedule time.
    fn conclude(
        &self,
        planned: Planned,
        started_at: Timestamp,
        took: Duration,
        (outcome, conclusion): (Outcome, Option<Conclusion>),
        elapsed: Duration,
    ) -> Attempt {
        let decision = decide(self.schedule, planned.number, conclusion.as_ref(), elapsed);
        Attempt {
            number: planned.number,
            planned_offset: planned.offset,
            started_at,
            elapsed: took,
            outcome,
            conclusion,
            decision,
            next: self.next(decision, elapsed),
        }
    }

    /// The next attempt and the real wait for it, counted from `elapsed` in schedule time.
    fn next(&self, decision: Decision, elapsed: Duration) -> Option<NextAttempt> {
        let Decision::RetryAt { attempt, offset } = decision else { return None };
        let wait = self.speed.compress(offset.saturating_sub(elapsed));
        Some(NextAttempt { attempt, offset, wait })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::io;

    use super::*;
    use crate::clock::SimulatedClock;
    use crate::net::outcome::FailureKind;
    use crate::net::target::Target;
    use crate::net::transport::scripted::{ACKNOWLEDGE, ScriptedTransport, Step};
    use crate::sender::schedule::format_duration;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn slow(after: u64, step: Step) -> Step {
        Step::After(seconds(after), Box::new(step))
    }

    fn request() -> Request {
        Request::new(Target::parse("http://127.0.0.1:9/notify").unwrap(), "{}")
    }

    /// Runs one delivery and tells it as a story; every scripted step must be used.
    async fn story(schedule: &str, speed: &str, steps: Vec<Step>) -> (Vec<String>, DeliveryReport) {
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let transport = ScriptedTransport::new(&clock, steps);
        let schedule = RetrySchedule::parse(schedule, None, seconds(3600)).unwrap();
        let speed = Speed::parse(speed).unwrap();
        let engine = Engine { schedule: &schedule, speed, clock: &clock, transport: &transport };
        let mut lines = Vec::new();
        let tell = |event: DeliveryEvent<'_>| {
            match event {
                DeliveryEvent::AttemptStarted { number, .. } => {
                    let at = format_duration(clock.now());
                    lines.push(format!("{at}: attempt {number}"));
                }
                DeliveryEvent::AttemptFinished(attempt) => {
                    lines.push(attempt.code().to_owned());
                    if let Some(next) = attempt.next {
                        lines.push(format!("wait {}", format_duration(next.wait)));
                    }
                }
            }
            Ok::<(), io::Error>(())
        };
        let report = engine.deliver(&request(), pending(), tell).await.unwrap();
        assert_eq!(transport.left(), 0, "fewer requests than the script has");
        (lines, report)
    }

    #[tokio::test]
    async fn it_retries_until_the_first_acknowledgement() {
        let steps = vec![Step::Reply(200, "success"), ACKNOWLEDGE];
        let (lines, report) = story("backoff", "1x", steps).await;
        assert_eq!(
            lines,
            ["0s: attempt 1", "bare-word", "wait 15s", "15s: attempt 2", "acknowledged"]
        );
        assert_eq!(report.result, DeliveryResult::Acknowledged);
        let second = &report.attempts[1];
        assert_eq!((second.number, second.planned_offset), (2, seconds(15)));
        assert_eq!(second.started_at.to_string(), "1970-01-01T00:00:15Z");
        assert_eq!(second.explanation(), None);
    }

    #[tokio::test]
    async fn a_slow_reply_does_not_shift_the_attempts_after_it() {
        let fail = || Step::Fail(FailureKind::Timeout);
        let steps = vec![slow(10, fail()), slow(40, fail()), fail(), ACKNOWLEDGE];
        let (lines, _) = story("15s,30s,60s", "1x", steps).await;
        let times: Vec<_> = lines.iter().filter(|line| line.contains("attempt")).collect();
        // Attempt 3 was planned at 45s, while the reply to attempt 2 was still awaited.
        assert_eq!(
            times,
            ["0s: attempt 1", "15s: attempt 2", "55s: attempt 3", "1m45s: attempt 4"]
        );
    }

    #[tokio::test]
    async fn the_schedule_ends_after_its_last_retry() {
        let steps = (0..11).map(|_| Step::Reply(500, "")).collect();
        let (lines, report) = story("even", "1x", steps).await;
        assert_eq!(report.result, DeliveryResult::Exhausted(Exhaustion::NoRetriesLeft));
        assert_eq!(report.attempts.len(), 11);
        assert_eq!(lines[lines.len() - 2..], ["1h: attempt 11", "status"]);
    }

    #[tokio::test]
    async fn nothing_is_sent_after_the_window() {
        let steps = vec![slow(3599, Step::Fail(FailureKind::Reset)), slow(2, Step::Reply(200, ""))];
        let (lines, report) = story("backoff", "1x", steps).await;
        assert_eq!(report.result, DeliveryResult::Exhausted(Exhaustion::WindowPassed));
        assert_eq!(lines[2..4], ["wait 0s", "59m59s: attempt 2"]);
    }

    #[tokio::test]
    async fn speed_shortens_waits_but_not_replies() {
        let steps = vec![slow(3, Step::Reply(200, "")), Step::Reply(200, ""), ACKNOWLEDGE];
        let (lines, report) = story("15s,30s", "60x", steps).await;
        assert_eq!(lines[2..4], ["wait 200ms", "3.2s: attempt 2"]);
        assert_eq!(lines[5..7], ["wait 500ms", "3.7s: attempt 3"]);
        assert_eq!(report.attempts[2].planned_offset, seconds(45));
    }

    #[tokio::test]
    async fn a_cancel_says_what_was_under_way() {
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let schedule = RetrySchedule::default();
        let run = async |step| {
            let transport = ScriptedTransport::new(&clock, [step]);
            let speed = Speed::REAL;
            let engine =
                Engine { schedule: &schedule, speed, clock: &clock, transport: &transport };
            let silent = |_: DeliveryEvent<'_>| Ok::<(), io::Error>(());
            engine.deliver(&request(), ready(()), silent).await.unwrap()
        };
        let hanging = run(Step::Hang).await;
        assert!(hanging.attempts.is_empty());
        let sending = Interruption::Sending { attempt: 1 };
        assert_eq!(hanging.result, DeliveryResult::Interrupted(sending));
        let refused = run(Step::Reply(200, "")).await;
        let waiting = Interruption::Waiting { attempt: 2 };
        assert_eq!(refused.result, DeliveryResult::Interrupted(waiting));
        assert_eq!(refused.attempts.len(), 1);
        assert_eq!(run(ACKNOWLEDGE).await.result, DeliveryResult::Acknowledged);
    }

    #[tokio::test]
    async fn a_window_that_ended_while_the_sender_was_stopped_is_not_exceeded() {
        for (stopped, attempts) in [(2, 2), (3585, 2), (3586, 1), (90_000, 1)] {
            let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
            let transport = ScriptedTransport::new(&clock, [Step::Reply(500, ""), ACKNOWLEDGE]);
            let schedule = RetrySchedule::default();
            let engine = Engine {
                schedule: &schedule,
                speed: Speed::parse("3600x").unwrap(),
                clock: &StoppedClock { clock: &clock, stopped: seconds(stopped) },
                transport: &transport,
            };
            let silent = |_: DeliveryEvent<'_>| Ok::<(), io::Error>(());
            let report = engine.deliver(&request(), pending(), silent).await.unwrap();
            assert_eq!(report.attempts.len(), attempts, "{stopped}");
            let passed = DeliveryResult::Exhausted(Exhaustion::WindowPassed);
            assert_eq!(report.result == passed, attempts == 1, "{stopped}");
        }
    }

    struct StoppedClock<'a> {
        clock: &'a SimulatedClock,
        stopped: Duration,
    }

    impl Clock for StoppedClock<'_> {
        fn now(&self) -> Duration {
            self.clock.now()
        }

        fn wall(&self) -> Timestamp {
            self.clock.wall()
        }

        async fn sleep(&self, duration: Duration) {
            self.clock.sleep(duration).await;
            self.clock.advance(self.stopped);
        }
    }

    #[tokio::test]
    async fn what_this_machine_holds_back_is_no_attempt() {
        let steps = vec![Step::Reply(500, ""), Step::Fail(FailureKind::HeldBack)];
        let (lines, report) = story("15s,30s", "1x", steps).await;
        assert_eq!(lines.last().map(String::as_str), Some("15s: attempt 2"));
        let waiting = Interruption::Waiting { attempt: 2 };
        assert_eq!(report.result, DeliveryResult::Interrupted(waiting));
        assert_eq!(report.attempts.len(), 1);
    }

    #[tokio::test]
    async fn an_error_of_the_listener_stops_the_delivery() {
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let transport = ScriptedTransport::new(&clock, [Step::Reply(200, "")]);
        let schedule = RetrySchedule::default();
        let speed = Speed::REAL;
        let engine = Engine { schedule: &schedule, speed, clock: &clock, transport: &transport };
        let pipe = |event: DeliveryEvent<'_>| match event {
            DeliveryEvent::AttemptStarted { .. } => Ok(()),
            DeliveryEvent::AttemptFinished(_) => Err(io::ErrorKind::BrokenPipe),
        };
        let result = engine.deliver(&request(), pending(), pipe).await;
        assert_eq!(result, Err(io::ErrorKind::BrokenPipe));
        assert_eq!(clock.now(), Duration::ZERO);
    }
}
