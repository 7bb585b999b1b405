//! Orders that come when they come.

use std::pin::Pin;

use super::*;
use crate::clock::Clock;

/// A supply whose orders come at these times; after them it is silent, or over.
struct DelayedSource<'a> {
    clock: &'a SimulatedClock,
    times: Vec<Duration>,
    ending: Option<Duration>,
    next: usize,
    sleep: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
}

impl DelayedSource<'_> {
    fn time(&self) -> Option<Duration> {
        self.times.get(self.next).copied().or(self.ending)
    }
}

impl OrderFeed for DelayedSource<'_> {
    fn next(&mut self, at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        match self.time() {
            Some(time) if time <= self.clock.now() => {
                let is_over = self.next == self.times.len();
                self.next += 1;
                Poll::Ready((!is_over).then(|| Ok(order(self.next as u64, at))))
            }
            _ => Poll::Pending,
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(time) = self.time() else { return Poll::Pending };
        let wait = time.saturating_sub(self.clock.now());
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(self.clock.sleep(wait)));
        let polled = sleep.as_mut().poll(context);
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}

/// The events of a run of orders that come at these seconds, each refused once.
fn run(
    times: &[u64],
    ending: Option<u64>,
    rate: Option<u32>,
    stop: Option<u64>,
) -> (RunTotals, Vec<Attempt>) {
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let rule = |_, attempt, _| match attempt {
        1 => (millis(100), ScriptedReply::Refuse),
        _ => (millis(100), ScriptedReply::Acknowledge),
    };
    let transport = &Merchant { clock, rule, seen: Mutex::default() };
    let eight = NonZeroUsize::new(8).unwrap();
    let limits = LoadLimits { concurrency: eight, max_in_flight: eight, drain: DEFAULT_DRAIN };
    let schedule = RetrySchedule::parse("15s", None, seconds(60)).unwrap();
    let plan = RetryPlan::new(&schedule, Speed::REAL);
    let request = &request();
    let judge = &Judge::default();
    let engine = Engine { request, judge, plan, limits, clock, transport, journal: None };
    let times = times.iter().copied().map(seconds).collect();
    let orders =
        &mut DelayedSource { clock, times, ending: ending.map(seconds), next: 0, sleep: None };
    let input = EngineInput { begun: Vec::new(), orders, count: None, pace: pace(rate) };
    let mut attempts = Vec::new();
    let on_event = &mut |event: &EngineEvent, _: Option<&AttemptDetails<'_>>| {
        if let EngineEvent::Attempt(attempt) = event {
            attempts.push(attempt.clone());
        }
        Ok::<(), ()>(())
    };
    let stops = &mut stops_at(clock, stop.map(seconds));
    let totals = complete(clock, engine.run(input, stops, on_event)).unwrap();
    (totals, attempts)
}

#[test]
fn an_order_is_sent_when_it_comes_and_its_retry_in_the_silence_after_it() {
    let (totals, attempts) = run(&[2, 2, 30], Some(40), None, None);
    let sent: Vec<_> = attempts.iter().map(|one| (one.order, one.sent)).collect();
    let retry = |second: u64| seconds(second + 15);
    assert_eq!(
        sent,
        [
            (1, seconds(2)),
            (2, seconds(2)),
            (1, retry(2)),
            (2, retry(2)),
            (3, seconds(30)),
            (3, retry(30)),
        ]
    );
    assert_eq!((totals.acknowledged, totals.ending), (3, Ending::Complete));
    // The run is over with its last reply, and not before its supply is.
    assert_eq!(totals.elapsed, millis(45_100));
    assert_eq!(run(&[], Some(7), None, None).0.elapsed, seconds(7));
}

#[test]
fn late_orders_are_intended_when_they_come_and_those_after_them_keep_the_rate() {
    let (totals, attempts) = run(&[0, 10, 10, 10], Some(10), Some(1), None);
    let firsts = attempts.iter().filter(|one| one.attempt == 1);
    let times: Vec<_> = firsts.map(|one| (one.intended.as_secs(), one.sent.as_secs())).collect();
    assert_eq!(times, [(0, 0), (10, 10), (11, 11), (12, 12)]);
    assert_eq!((totals.orders, totals.throttled), (4, 0));
}

#[test]
fn a_silent_supply_keeps_no_run_from_its_stop() {
    for rate in [None, Some(1)] {
        let (totals, attempts) = run(&[0], None, rate, Some(100));
        assert_eq!((totals.acknowledged, totals.ending), (1, Ending::Stopped));
        assert_eq!((totals.elapsed, attempts.len()), (seconds(100), 2));
    }
}
