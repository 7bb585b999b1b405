//! The engine on a simulated clock, against merchants that follow a rule.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;

use super::*;
use crate::clock::SimulatedClock;
use crate::net::target::Target;
use crate::sender::decide::{Exhaustion, LastOutcome};
use crate::sender::orders::OrderFeed;
use crate::sender::orders::error::OrderError;
use crate::sender::record::BegunOrder;
use crate::sender::schedule::RetrySchedule;
use crate::store::Trouble;
use crate::units::factor::Speed;
use rig::{
    Journaled, Merchant, Rig, ScriptedReply, column, complete, millis, order, pace, request,
    seconds, stops_at,
};

mod lives;
mod one;
mod rig;
mod supply;
mod windows;

fn acknowledge(_order: u64, _attempt: u64, _at: Duration) -> (Duration, ScriptedReply) {
    (Duration::ZERO, ScriptedReply::Acknowledge)
}

#[test]
fn a_hundred_thousand_orders_over_an_hour_give_the_counts_of_the_schedule() {
    // Of every ten replies to the same attempt one fails: 10,000 orders are sent twice, 1,000 three
    // times, and so on down to the last order, which is sent six times.
    let fails = |order: u64, attempt: u64| order.is_multiple_of(10_u64.pow(attempt as u32));
    let rig = Rig { orders: 100_000, rate: Some(28), ..Rig::default() };
    let schedule = rig.schedule.clone();
    let story = rig.run(|order, attempt, _| match fails(order, attempt) {
        true => (millis(40), ScriptedReply::Refuse),
        false => (millis(40), ScriptedReply::Acknowledge),
    });
    let totals = story.totals;
    assert_eq!((totals.orders, totals.acknowledged, totals.exhausted), (100_000, 100_000, 0));
    assert_eq!(totals.attempts, 111_111);
    let mut counts = BTreeMap::new();
    for record in &story.attempts {
        *counts.entry(record.attempt).or_insert(0) += 1;
        let first = seconds(1) * u32::try_from(record.order - 1).unwrap() / 28;
        let planned = schedule.offset(record.attempt as usize).unwrap();
        assert_eq!(record.intended, first + planned, "{record:?}");
        assert_eq!(record.sent, record.intended);
        assert_eq!(record.is_acknowledged(), !fails(record.order, record.attempt.into()));
    }
    let counts: Vec<_> = counts.into_values().collect();
    assert_eq!(counts, [100_000, 10_000, 1_000, 100, 10, 1]);
    assert_eq!((totals.throttled, totals.ending), (0, Ending::Complete));
}

#[test]
fn every_tenth_request_failing_is_retried_until_all_are_acknowledged() {
    let requests = Mutex::new(0_u64);
    let story = Rig { orders: 20_000, ..Rig::default() }.run(|_, _, _| {
        let mut requests = requests.lock().unwrap();
        *requests += 1;
        match *requests % 10 {
            0 => (millis(5), ScriptedReply::Vanish),
            _ => (millis(5), ScriptedReply::Acknowledge),
        }
    });
    // 22,222 requests are the fewest of which 20,000 do not fail.
    assert_eq!((story.totals.attempts, story.totals.acknowledged), (22_222, 20_000));
    assert_eq!(story.attempts.iter().filter(|record| !record.is_acknowledged()).count(), 2_222);
    assert!(story.totals.peak_in_flight == 64 && story.totals.throttled == 0);
    let runs = (0..2).map(|_| {
        Rig { orders: 500, ..Rig::default() }.run(|order, attempt, _| match (order + attempt) % 3 {
            0 => (millis(order % 7), ScriptedReply::Refuse),
            _ => (millis(order % 5), ScriptedReply::Acknowledge),
        })
    });
    let told: Vec<_> = runs.map(|story| (story.totals, story.attempts, story.orders)).collect();
    assert_eq!(told[0], told[1], "the same course each time");
}

#[test]
fn an_order_that_is_never_acknowledged_is_exhausted_at_the_end_of_the_schedule() {
    let story = Rig { orders: 3, ..Rig::default() }.run(|order, _, _| match order {
        2 => (Duration::ZERO, ScriptedReply::Acknowledge),
        _ => (Duration::ZERO, ScriptedReply::Refuse),
    });
    let exhausted = OrderResult::Exhausted(Exhaustion::NoRetriesLeft);
    let acknowledged = OrderResult::Acknowledged;
    assert_eq!(story.results(), [(2, acknowledged, 1), (1, exhausted, 11), (3, exhausted, 11)]);
    assert_eq!(story.totals.exhausted, 2);
    assert_eq!(story.orders[1].finished, seconds(3345));
    let refusal = &story.attempts[0];
    assert_eq!((refusal.status, &*refusal.code), (Some(500), "status"));
}

#[test]
fn speed_shortens_waits_but_not_replies() {
    let rig = Rig { orders: 1, speed: Speed::parse("60x").unwrap(), ..Rig::default() };
    let story = rig.run(|_, attempt, _| match attempt {
        1 => (seconds(3), ScriptedReply::Refuse),
        2 => (Duration::ZERO, ScriptedReply::Refuse),
        _ => acknowledge(1, 3, Duration::ZERO),
    });
    let sent: Vec<_> = story.attempts.iter().map(|record| record.sent).collect();
    assert_eq!(sent, [Duration::ZERO, millis(3_200), millis(3_700)]);
}

#[test]
fn a_late_attempt_is_intended_when_the_reply_before_it_is_known() {
    let schedule = RetrySchedule::parse("15s,30s", None, seconds(60)).unwrap();
    let story = Rig { orders: 1, schedule, ..Rig::default() }
        .run(|_, attempt, _| (seconds(20 * (3 - attempt.min(3))), ScriptedReply::Vanish));
    let times: Vec<_> =
        story.attempts.iter().map(|one| (one.intended.as_secs(), one.sent.as_secs())).collect();
    // Attempt 2 was planned at 15s, while the reply to attempt 1 was awaited until 40s.
    assert_eq!(times, [(0, 0), (40, 40), (60, 60)]);
    let exhausted = OrderResult::Exhausted(Exhaustion::NoRetriesLeft);
    assert_eq!(story.results(), [(1, exhausted, 3)]);
}

#[test]
fn the_open_model_shows_a_stall_that_a_naive_tool_hides() {
    // One connection's worth of merchant that stops for a second in every ten.
    let rig = Rig { orders: 6_000, rate: Some(100), limits: (1, 1), ..Rig::default() };
    let story = rig.run(|_, _, at| {
        let into = at.as_millis() % 10_000;
        let stall = if into < 1_000 { 1_000 - into as u64 } else { 0 };
        (millis(3 + stall), ScriptedReply::Acknowledge)
    });
    for record in &story.attempts {
        assert_eq!(record.intended, millis(10) * u32::try_from(record.order - 1).unwrap());
    }
    let p99 = story.quantile(0.99, Attempt::latency);
    let naive = story.quantile(0.99, Attempt::service_time);
    assert!(p99 > millis(800), "{p99:?}");
    assert_eq!(naive, millis(3));
    // One episode a stall: it is over when everything that was held back is sent.
    assert_eq!(story.totals.throttled, 6);
    assert_eq!(story.throttled.len(), 6);
    assert!((seconds(6)..seconds(9)).contains(&story.totals.throttled_for));
}

#[test]
fn the_limit_on_attempts_in_flight_bites_and_says_so_once() {
    let rig = Rig { orders: 100, rate: Some(1_000), limits: (1, 8), ..Rig::default() };
    let story = rig.run(|_, _, _| (millis(20), ScriptedReply::Acknowledge));
    let totals = story.totals;
    assert_eq!((totals.peak_in_flight, totals.acknowledged, totals.throttled), (8, 100, 1));
    assert_eq!(story.throttled, [millis(8)]);
    let last = story.attempts.last().unwrap();
    assert_eq!((last.intended, last.sent), (millis(99), millis(243)));
    // That the feed has no order 101 shows only when there is room for it.
    assert_eq!(totals.throttled_for, millis(244 - 8));
    // In the closed model the concurrency is what was asked for, and no limit that bites.
    let closed = Rig { orders: 100, limits: (8, 8), ..Rig::default() };
    let closed = closed.run(|_, _, _| (millis(20), ScriptedReply::Acknowledge));
    assert_eq!((closed.totals.throttled, closed.totals.peak_in_flight), (0, 8));
    assert_eq!(closed.quantile(0.99, Attempt::latency), millis(20));
}

#[test]
fn neither_retries_nor_first_sends_starve() {
    let schedule = RetrySchedule::parse("1s", None, seconds(60)).unwrap();
    let rig = Rig { orders: 40, rate: Some(10), limits: (1, 1), schedule, ..Rig::default() };
    let story = rig.run(|_, attempt, _| match attempt {
        1 => (millis(100), ScriptedReply::Refuse),
        _ => (millis(100), ScriptedReply::Acknowledge),
    });
    assert_eq!(story.totals.acknowledged, 40);
    assert!(story.attempts.windows(2).all(|pair| pair[0].intended <= pair[1].intended));
}

#[test]
fn retry_after_is_honoured_only_on_demand() {
    let sent = |honors_retry_after| {
        let rig = Rig { orders: 1, honors_retry_after, ..Rig::default() };
        let story = rig.run(|_, attempt, _| match attempt {
            1 => (Duration::ZERO, ScriptedReply::Busy("100")),
            _ => acknowledge(1, 2, Duration::ZERO),
        });
        story.attempts[1].sent.as_secs()
    };
    assert_eq!((sent(false), sent(true)), (15, 100));
}

#[test]
fn a_stop_drains_what_is_under_way_and_tells_the_rest_as_interrupted() {
    let rule = |order: u64, _: u64, _: Duration| match order {
        1 => (seconds(1), ScriptedReply::Refuse),
        2 => (seconds(5), ScriptedReply::Acknowledge),
        3 => (seconds(6), ScriptedReply::Refuse),
        _ => (seconds(60), ScriptedReply::Acknowledge),
    };
    let orders = || Rig { orders: 100, limits: (4, 4), ..Rig::default() };
    let stopped = Rig { interrupts: vec![millis(4_500)], ..orders() }.run(rule);
    let waiting = OrderResult::Interrupted(Interruption::Waiting);
    let in_flight = OrderResult::Interrupted(Interruption::InFlight);
    let acknowledged = OrderResult::Acknowledged;
    // Order 5 took the place of order 1, which waits for its retry.
    let expected = [(2, acknowledged, 1), (1, waiting, 1), (3, waiting, 1)];
    assert_eq!(stopped.results()[..3], expected);
    assert_eq!(stopped.results()[3..], [(4, in_flight, 1), (5, in_flight, 1)]);
    assert_eq!((stopped.totals.elapsed, stopped.totals.ending), (millis(6_500), Ending::Stopped));
    assert_eq!((stopped.totals.orders, stopped.totals.attempts), (5, 3));

    let aborted = Rig { interrupts: vec![millis(4_500), millis(4_700)], ..orders() }.run(rule);
    assert_eq!((aborted.totals.elapsed, aborted.totals.ending), (millis(4_700), Ending::Aborted));
    assert_eq!((aborted.totals.acknowledged, aborted.totals.interrupted), (0, 5));

    let quiet = Rig { interrupts: vec![millis(10)], orders: 1, ..Rig::default() };
    let quiet = quiet.run(|_, _, _| (Duration::ZERO, ScriptedReply::Refuse));
    assert_eq!(quiet.totals.elapsed, millis(10), "nothing is in flight, so nothing to drain");
}

#[test]
fn begun_orders_continue_where_they_were() {
    let begun = |number, ago, attempts, last| BegunOrder {
        order: order(number, Timestamp::UNIX_EPOCH),
        attempts,
        last,
        elapsed: seconds(ago),
    };
    let rig = Rig {
        orders: 1,
        begun: vec![
            begun(11, 10, 1, LastOutcome::Known),
            begun(12, 100, 2, LastOutcome::Unknown),
            begun(13, 3_601, 3, LastOutcome::Unknown),
            begun(14, 3_400, 11, LastOutcome::Unknown),
        ],
        ..Rig::default()
    };
    let story = rig.run(acknowledge);
    assert_eq!(story.unknown, [(12, 2), (13, 3), (14, 11)]);
    let mut sent: Vec<_> =
        story.attempts.iter().map(|one| (one.order, one.attempt, one.sent.as_secs())).collect();
    sent.sort_unstable();
    assert_eq!(sent, [(1, 1, 0), (11, 2, 5), (12, 3, 0), (14, 12, 0)]);
    let lapsed = OrderResult::Exhausted(Exhaustion::WindowPassedWhileStopped);
    assert!(story.results().contains(&(13, lapsed, 3)));
    assert_eq!((story.totals.orders, story.totals.acknowledged), (5, 4));
}

#[test]
fn an_attempt_is_recorded_before_it_is_sent_and_its_outcome_before_the_next() {
    let journaled = Journaled::new();
    // The merchant looks into the journal; it is on the same thread.
    let seen = Mutex::new(Vec::new());
    let look = Mutex::new(journaled.look());
    let rig = Rig { orders: 1, ..Rig::default() };
    let rule = |_, attempt, at: Duration| {
        let sql = "SELECT concat(attempt, ' ', intended_at_us / 1000000, ' ', outcome)
                   FROM attempts ORDER BY attempt";
        let recorded = column::<String>(&look.lock().unwrap(), sql);
        seen.lock().unwrap().push((attempt, at.as_secs(), recorded));
        match attempt {
            1 => (seconds(1), ScriptedReply::Refuse),
            _ => (seconds(1), ScriptedReply::Acknowledge),
        }
    };
    rig.run_with(Some(&journaled.journal), rule).unwrap();
    let recorded = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
    assert_eq!(
        *seen.lock().unwrap(),
        [(1, 0, recorded(&["1 0 "])), (2, 15, recorded(&["1 0 status", "2 15 "]))]
    );
    let ended = column::<String>(&journaled.look(), "SELECT state FROM orders");
    assert_eq!(ended, ["acknowledged"]);
    let outcomes = column::<String>(&journaled.look(), "SELECT outcome FROM attempts");
    assert_eq!(outcomes, ["status", "acknowledged"]);
}

#[test]
fn what_is_due_together_is_one_record() {
    let journaled = Journaled::new();
    let (look, commits) = (Mutex::new(journaled.look()), Mutex::new(BTreeMap::new()));
    let rig = Rig { orders: 1_000, limits: (500, 500), ..Rig::default() };
    let story = rig.run_with(Some(&journaled.journal), |_, _, _| {
        // It changes with each commit of another connection.
        let version: i64 =
            look.lock().unwrap().pragma_query_value(None, "data_version", |it| it.get(0)).unwrap();
        *commits.lock().unwrap().entry(version).or_insert(0) += 1;
        (seconds(1), ScriptedReply::Acknowledge)
    });
    assert_eq!(story.unwrap().totals.acknowledged, 1_000);
    let largest = commits.lock().unwrap().values().copied().max();
    assert!(largest >= Some(64), "{largest:?}");
    let outcomes = "SELECT count(outcome) FROM attempts";
    assert_eq!(column::<i64>(&journaled.look(), outcomes), [1_000]);
}

#[test]
fn nothing_is_sent_that_the_journal_cannot_record() {
    let journaled = Journaled::new();
    let intended = |number| {
        let order = order(number, Timestamp::UNIX_EPOCH);
        let (intended, offset) = (Duration::ZERO, Duration::ZERO);
        InFlight { order, attempt: 1, intended, offset, is_owed: true }
    };
    let intended: Vec<_> = (1..=10).map(intended).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let recorded = journaled.journal.record(Timestamp::UNIX_EPOCH, &[], &intended);
    runtime.block_on(recorded).unwrap();
    let rig = Rig { orders: 10, ..Rig::default() };
    let failed =
        rig.run_with(Some(&journaled.journal), |_, _, _| panic!("a request was sent")).err();
    let Some(RunError::Journal(error)) = failed else { panic!("{failed:?}") };
    assert_eq!(error.trouble, Trouble::Refused);
}

#[test]
fn an_attempt_that_this_machine_held_back_is_not_in_the_journal() {
    let journaled = Journaled::new();
    let rule = |order, attempt, _| match (order, attempt) {
        (1, 1) => (millis(1), ScriptedReply::Refuse),
        (2, _) => (millis(2), ScriptedReply::Acknowledge),
        _ => (millis(3), ScriptedReply::HoldBack),
    };
    let schedule = RetrySchedule::parse("1ms", None, seconds(60)).unwrap();
    let rig = Rig { orders: 100, limits: (4, 4), schedule, ..Rig::default() };
    let story = rig.run_with(Some(&journaled.journal), rule).unwrap();
    assert_eq!(story.totals.ending, Ending::Stopped);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(journaled.journal.flush()).unwrap();
    let recorded = "SELECT order_number || ' ' || attempt || ' ' || coalesce(outcome, 'unknown')
                    FROM attempts ORDER BY order_number, attempt";
    let recorded = column::<String>(&journaled.look(), recorded);
    assert_eq!(recorded, ["1 1 status", "2 1 acknowledged"]);
    let pending = "SELECT number FROM orders WHERE state = 'pending' ORDER BY number";
    assert_eq!(column::<i64>(&journaled.look(), pending)[..3], [1, 3, 4]);
}

#[test]
fn what_this_machine_cannot_send_is_no_attempt_and_ends_the_run() {
    let rule = |order, _, _| match order {
        1 => (millis(1), ScriptedReply::Acknowledge),
        2 => (millis(1), ScriptedReply::Refuse),
        _ => (millis(2), ScriptedReply::HoldBack),
    };
    let story = Rig { orders: 100, limits: (4, 4), ..Rig::default() }.run(rule);
    assert_eq!(story.attempts.len(), 2);
    assert_eq!((story.totals.acknowledged, story.totals.exhausted), (1, 0));
    let waiting = OrderResult::Interrupted(Interruption::Waiting);
    assert!(story.results().contains(&(3, waiting, 0)), "{:?}", story.results());
    assert_eq!(story.totals.ending, Ending::Stopped);
}

#[test]
fn a_run_that_knows_its_last_order_does_not_wait_for_one_more() {
    let elapsed = |count| {
        let rig = Rig { rate: Some(1), orders: 3, count, ..Rig::default() };
        rig.run(|_, _, _| (millis(500), ScriptedReply::Acknowledge)).totals.elapsed
    };
    assert_eq!(elapsed(Some(3)), millis(2_500));
    assert_eq!(elapsed(None), seconds(3));
}

/// Orders, and then an error.
struct Failing(u64);

impl OrderFeed for Failing {
    fn next(&mut self, at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        self.0 += 1;
        Poll::Ready(Some(match self.0 {
            3 => Err(OrderError::NoKey),
            number => Ok(order(number, at)),
        }))
    }
}

#[test]
fn an_error_of_the_orders_ends_the_run_after_the_replies() {
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let rule = |_, _, _| (seconds(1), ScriptedReply::Acknowledge);
    let transport = &Merchant { clock, rule, seen: Mutex::default() };
    let (request, schedule) = (&request(), RetrySchedule::default());
    let eight = NonZeroUsize::new(8).unwrap();
    let limits = LoadLimits { concurrency: eight, max_in_flight: eight, drain: DEFAULT_DRAIN };
    let plan = RetryPlan::new(&schedule, Speed::REAL);
    let judge = &Judge::default();
    let engine = Engine { request, judge, plan, limits, clock, transport, journal: None };
    let (begun, orders) = (Vec::new(), &mut Failing(0));
    let input = EngineInput { begun, orders, count: None, pace: Pace::default() };
    let mut told = Vec::new();
    let on_event = &mut |event: &EngineEvent, _: Option<&AttemptDetails<'_>>| {
        if let EngineEvent::Order(end) = event {
            told.push((end.order, end.result));
        }
        Ok::<(), ()>(())
    };
    let no_stop = &mut |_: &mut Context<'_>| Poll::Pending;
    let failed = complete(clock, engine.run(input, no_stop, on_event));
    assert!(matches!(failed, Err(RunError::Source(OrderError::NoKey))), "{failed:?}");
    assert_eq!(told, [(1, OrderResult::Acknowledged), (2, OrderResult::Acknowledged)]);
}

#[test]
fn what_cannot_be_shown_is_recorded() {
    let journaled = Journaled::new();
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let rule = |_, _, _| (seconds(1), ScriptedReply::Acknowledge);
    let transport = &Merchant { clock, rule, seen: Mutex::default() };
    let (request, schedule) = (&request(), RetrySchedule::default());
    let (plan, journal) = (RetryPlan::new(&schedule, Speed::REAL), Some(&journaled.journal));
    let judge = &Judge::default();
    let engine =
        Engine { request, judge, plan, limits: LoadLimits::ONE, clock, transport, journal };
    let (begun, orders) = (Vec::new(), &mut Orders::listed(vec![order(1, Timestamp::UNIX_EPOCH)]));
    let input = EngineInput { begun, orders, count: None, pace: Pace::default() };
    let on_event = &mut |_: &EngineEvent, _: Option<&AttemptDetails<'_>>| Err("a full pipe");
    let no_stop = &mut |_: &mut Context<'_>| Poll::Pending;
    let failed = complete(clock, engine.run(input, no_stop, on_event));
    assert!(matches!(failed, Err(RunError::Event("a full pipe"))), "{failed:?}");
    complete(clock, journaled.journal.flush()).unwrap();
    let outcomes = column::<String>(&journaled.look(), "SELECT outcome FROM attempts");
    assert_eq!(outcomes, ["acknowledged"]);
}
