//! Orders with several notifications.

use std::collections::HashMap;

use super::rig::Story;
use super::*;
use crate::sender::record::{FollowingOrder, wall_at};

/// Orders of three notifications: the second comes 2 s after the first, and the third after the
/// second without a pause. `left` are those that an earlier session left.
struct Lived {
    orders: u64,
    made: u64,
    following: Vec<FollowingOrder>,
}

const STEPS: u64 = 3;

fn following(number: u64, due: Duration, waits_for: Option<u64>, at: Timestamp) -> FollowingOrder {
    FollowingOrder { order: order(number, wall_at(at, due)), due, waits_for }
}

impl OrderFeed for Lived {
    fn next(&mut self, at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        if self.made == self.orders {
            return Poll::Ready(None);
        }
        let first = self.made * STEPS + 1;
        self.made += 1;
        let (second, third) = (first + 1, first + 2);
        let pause = seconds(2);
        self.following =
            vec![following(second, pause, None, at), following(third, pause, Some(second), at)];
        Poll::Ready(Some(Ok(order(first, at))))
    }

    fn following(&mut self) -> Vec<FollowingOrder> {
        std::mem::take(&mut self.following)
    }
}

struct LivedRun {
    orders: u64,
    left: Vec<FollowingOrder>,
    rate: Option<u32>,
    concurrency: usize,
    interrupts: Vec<Duration>,
}

impl Default for LivedRun {
    fn default() -> Self {
        LivedRun { orders: 1, left: Vec::new(), rate: None, concurrency: 8, interrupts: Vec::new() }
    }
}

impl LivedRun {
    fn told(
        self,
        journal: Option<&Journal>,
        rule: impl Fn(u64, u64, Duration) -> (Duration, ScriptedReply) + Send + Sync,
    ) -> Story {
        let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let transport = &Merchant { clock, rule, seen: Mutex::default() };
        let concurrency = NonZeroUsize::new(self.concurrency).unwrap();
        let limits = LoadLimits { concurrency, max_in_flight: concurrency, drain: DEFAULT_DRAIN };
        let schedule = RetrySchedule::parse("15s", None, seconds(60)).unwrap();
        let plan = RetryPlan::new(&schedule, Speed::REAL);
        let (request, judge) = (&request(), &Judge::default());
        let engine = Engine { request, judge, plan, limits, clock, transport, journal };
        let count = Some(self.orders);
        let orders = &mut Lived { orders: self.orders, made: 0, following: self.left };
        let input = EngineInput { begun: Vec::new(), orders, count, pace: pace(self.rate) };
        let mut story = Story::default();
        let on_event = &mut |event: &EngineEvent, _: Option<&AttemptDetails<'_>>| {
            match event {
                EngineEvent::Attempt(attempt) => story.attempts.push(attempt.clone()),
                EngineEvent::Order(end) => story.orders.push(end.clone()),
                _ => {}
            }
            Ok::<(), ()>(())
        };
        let stops = &mut stops_at(clock, self.interrupts);
        let totals = complete(clock, engine.run(input, stops, on_event)).unwrap();
        Story { totals, ..story }
    }
}

/// Each attempt: its order, its number and when it was intended, in milliseconds.
fn times(story: &Story) -> Vec<(u64, u32, u64)> {
    let mut times: Vec<_> = story
        .attempts
        .iter()
        .map(|it| (it.order, it.attempt, it.intended.as_millis() as u64))
        .collect();
    times.sort_by_key(|it| (it.2, it.0));
    times
}

#[test]
fn each_notification_has_its_own_time_whatever_became_of_the_one_before() {
    let story = LivedRun::default().told(None, |number, attempt, _| match (number, attempt) {
        (1, 1) => (millis(10), ScriptedReply::Refuse),
        _ => (millis(100), ScriptedReply::Acknowledge),
    });
    // The retry of the first comes after the others, which it does not delay.
    assert_eq!(times(&story), [(1, 1, 0), (2, 1, 2_000), (3, 1, 2_100), (1, 2, 15_000)]);
    assert_eq!((story.totals.orders, story.totals.acknowledged), (3, 3));
    let all = story.results();
    assert!(all.iter().all(|it| it.1 == OrderResult::Acknowledged), "{all:?}");
}

#[test]
fn a_slow_reply_delays_only_what_follows_without_a_pause() {
    let story = LivedRun::default().told(None, |number, attempt, _| match (number, attempt) {
        (1, 1) => (seconds(10), ScriptedReply::Acknowledge),
        (2, 1) => (seconds(5), ScriptedReply::Vanish),
        _ => (millis(10), ScriptedReply::Acknowledge),
    });
    assert_eq!(times(&story), [(1, 1, 0), (2, 1, 2_000), (3, 1, 7_000), (2, 2, 17_000)]);
}

#[test]
fn a_notification_that_follows_without_a_pause_is_never_sent_first() {
    for concurrency in [1, 2, 8] {
        let run = LivedRun { orders: 50, concurrency, ..LivedRun::default() };
        let story = run.told(None, |number, _, _| (millis(number % 7), ScriptedReply::Acknowledge));
        let sent: HashMap<u64, (Duration, Duration)> =
            story.attempts.iter().map(|it| (it.order, (it.sent, it.finished))).collect();
        assert_eq!(sent.len(), 150);
        for number in (1..=150).filter(|number| number % STEPS == 0) {
            assert!(sent[&number].0 >= sent[&(number - 1)].1, "{number} with {concurrency}");
        }
    }
}

#[test]
fn a_rate_counts_orders() {
    let run = LivedRun { orders: 5, rate: Some(10), ..LivedRun::default() };
    let story = run.told(None, |_, _, _| (millis(10), ScriptedReply::Acknowledge));
    let firsts: Vec<_> = times(&story).into_iter().filter(|it| it.0 % STEPS == 1).collect();
    assert_eq!(firsts, [(1, 1, 0), (4, 1, 100), (7, 1, 200), (10, 1, 300), (13, 1, 400)]);
    let seconds: Vec<_> = times(&story).into_iter().filter(|it| it.0 % STEPS == 2).collect();
    assert_eq!(seconds[4], (14, 1, 2_400));
}

#[test]
fn what_is_not_sent_at_a_stop_is_told_and_is_in_the_journal() {
    for stop in [0, 500, 1_999, 2_000, 2_005, 2_010, 2_050, 5_000] {
        let bench = Journaled::new();
        let run = LivedRun { orders: 2, interrupts: vec![millis(stop)], ..LivedRun::default() };
        let story = run.told(Some(&bench.journal), |_, _, _| (millis(10), ScriptedReply::Refuse));
        assert_eq!(story.orders.len() as u64, story.totals.orders, "{stop} ms");
        bench.journal.close().unwrap();
        let look = rusqlite::Connection::open(bench.folder.file("run.db")).unwrap();
        let numbers: Vec<u32> = column(&look, "SELECT number FROM orders ORDER BY number");
        // An order is there with all that it will send, or not at all.
        let begun = numbers.len() as u32;
        assert_eq!(begun % STEPS as u32, 0, "{stop} ms: {numbers:?}");
        assert_eq!(numbers, (1..=begun).collect::<Vec<_>>(), "{stop} ms");
        let unsent: Vec<u32> = column(
            &look,
            "SELECT number FROM orders WHERE number NOT IN (SELECT order_number FROM attempts)",
        );
        let told = story.orders.iter().filter(|it| it.attempts == 0 && it.order <= begun.into());
        let mut told: Vec<u32> = told.map(|it| it.order as u32).collect();
        told.sort_unstable();
        assert_eq!(unsent, told, "{stop} ms");
    }
}

#[test]
fn what_an_earlier_session_left_is_sent_at_its_times_and_in_its_order() {
    let at = Timestamp::UNIX_EPOCH;
    let left = vec![
        following(2, Duration::ZERO, None, at),
        following(3, Duration::ZERO, Some(2), at),
        following(5, seconds(7), None, at),
    ];
    let story = LivedRun { orders: 0, left, ..LivedRun::default() }
        .told(None, |_, _, _| (millis(100), ScriptedReply::Acknowledge));
    assert_eq!(times(&story), [(2, 1, 0), (3, 1, 100), (5, 1, 7_000)]);
    assert_eq!((story.totals.orders, story.totals.acknowledged), (3, 3));
}
