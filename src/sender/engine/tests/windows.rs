//! When an order's window starts and ends, and that no order ends without an attempt.

use super::*;

fn silent(_: &EngineEvent, _: Option<&AttemptDetails<'_>>) -> Result<(), ()> {
    Ok(())
}

const ACKNOWLEDGED: OrderResult = OrderResult::Acknowledged;
const EXHAUSTED: OrderResult = OrderResult::Exhausted(Exhaustion::WindowPassed);
const LAPSED: OrderResult = OrderResult::Exhausted(Exhaustion::WindowPassedWhileStopped);

fn schedule(delays: &str, window: u64) -> RetrySchedule {
    RetrySchedule::parse(delays, None, seconds(window)).unwrap()
}

#[test]
fn orders_that_wait_for_room_lose_nothing_of_their_window() {
    // A merchant who takes 5 s, one order at a time, and a window of 2 s.
    for speed in ["1x", "3600x"] {
        let speed = Speed::parse(speed).unwrap();
        let schedule = schedule("1s", 2);
        let rig = Rig { orders: 40, limits: (1, 1), schedule, speed, ..Rig::default() };
        let story = rig.run(|_, _, _| (seconds(5), ScriptedReply::Acknowledge));
        assert_eq!((story.totals.acknowledged, story.totals.attempts), (40, 40));
    }
}

#[test]
fn orders_of_an_old_journal_start_their_window_when_they_are_sent() {
    // The journal says that they were made days ago, or will be in days.
    for made in [-1_000_000, 1_000_000] {
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let times = Mutex::new(Vec::new());
        let rule = |_, attempt, at: Duration| {
            times.lock().unwrap().push((attempt, at.as_secs()));
            (
                Duration::ZERO,
                if attempt == 1 { ScriptedReply::Refuse } else { ScriptedReply::Acknowledge },
            )
        };
        let transport = Merchant { clock: &clock, rule, seen: Mutex::default() };
        let schedule = schedule("15s", 60);
        let engine = Engine {
            request: &request(),
            judge: &Judge::default(),
            plan: RetryPlan::new(&schedule, Speed::REAL),
            limits: LoadLimits::ONE,
            clock: &clock,
            transport: &transport,
            journal: None,
        };
        let made = Timestamp::from_second(made).unwrap();
        let orders = &mut Orders::listed(vec![order(1, made), order(2, made)]);
        let (begun, pace) = (Vec::new(), Pace::default());
        let input = EngineInput { begun, orders, count: Some(2), pace };
        let (no_stop, silent) = (&mut |_: &mut Context<'_>| Poll::Pending, &mut silent);
        let totals = complete(&clock, engine.run(input, no_stop, silent)).unwrap();
        assert_eq!((totals.acknowledged, totals.attempts), (2, 4));
        assert_eq!(*times.lock().unwrap(), [(1, 0), (1, 0), (2, 15), (2, 15)]);
    }
}

#[test]
fn at_a_fixed_rate_an_order_held_back_past_its_window_is_sent_once() {
    // Order 1 blocks the only place until 30 s; the window of the others ended long before.
    let fixed = |answer: fn() -> ScriptedReply| {
        let schedule = schedule("1s", 2);
        let rig = Rig { orders: 3, rate: Some(1), limits: (1, 1), schedule, ..Rig::default() };
        rig.run(move |order, _, _| match order {
            1 => (seconds(30), ScriptedReply::Acknowledge),
            _ => (Duration::ZERO, answer()),
        })
    };
    let story = fixed(|| ScriptedReply::Acknowledge);
    assert_eq!(story.results(), [(1, ACKNOWLEDGED, 1), (2, ACKNOWLEDGED, 1), (3, ACKNOWLEDGED, 1)]);
    // Being late is latency.
    assert_eq!(story.attempts[1].latency(), seconds(29));
    let story = fixed(|| ScriptedReply::Refuse);
    assert_eq!(story.results(), [(1, ACKNOWLEDGED, 1), (2, EXHAUSTED, 1), (3, EXHAUSTED, 1)]);
}

#[test]
fn a_retry_held_back_past_the_window_is_not_sent() {
    // Order 1 is refused at once; order 2 then blocks the only place.
    let retry = |blocked| {
        let rig = Rig { orders: 2, limits: (1, 1), schedule: schedule("1s", 2), ..Rig::default() };
        let story = rig.run(move |order, attempt, _| match (order, attempt) {
            (1, 1) => (Duration::ZERO, ScriptedReply::Refuse),
            (2, _) => (seconds(blocked), ScriptedReply::Acknowledge),
            _ => acknowledge(1, 2, Duration::ZERO),
        });
        story.orders.iter().find(|one| one.order == 1).map(|one| (one.result, one.attempts))
    };
    // Timers may be a second late; the window itself ends after two.
    assert_eq!(retry(2), Some((ACKNOWLEDGED, 2)));
    assert_eq!(retry(3), Some((EXHAUSTED, 1)));
}

#[test]
fn the_window_of_an_order_that_had_begun_continues_while_the_sender_is_stopped() {
    // Refused at once; the retry is due at 15 s, in real time or in a quarter of a second.
    let stopped = |lasted, speed: &str| {
        let stop = Some((millis(10), seconds(lasted)));
        let speed = Speed::parse(speed).unwrap();
        let schedule = schedule("15s", 60);
        let rig = Rig { orders: 1, stop, speed, schedule, ..Rig::default() };
        let story = rig.run(|_, attempt, _| match attempt {
            1 => (Duration::ZERO, ScriptedReply::Refuse),
            _ => acknowledge(1, 2, Duration::ZERO),
        });
        let end = &story.orders[0];
        (end.result, end.attempts)
    };
    for speed in ["1x", "60x"] {
        assert_eq!(stopped(44, speed), (ACKNOWLEDGED, 2), "{speed}");
        assert_eq!(stopped(9_999, speed), (LAPSED, 1), "{speed}");
    }
    // Not sixty times as long.
    assert_eq!(stopped(45, "60x"), (ACKNOWLEDGED, 2));
    assert_eq!(stopped(46, "60x"), (LAPSED, 1));
}

#[test]
fn a_reply_that_was_awaited_while_the_sender_was_stopped_says_so() {
    let rig = Rig {
        orders: 1,
        stop: Some((seconds(1), seconds(100))),
        schedule: schedule("15s", 60),
        ..Rig::default()
    };
    let story = rig.run(|_, _, _| (seconds(2), ScriptedReply::Refuse));
    let end = &story.orders[0];
    assert_eq!((end.result, end.attempts), (LAPSED, 1));
}

#[test]
fn orders_that_had_not_begun_lose_nothing_while_the_sender_is_stopped() {
    for rate in [None, Some(10)] {
        let rig = Rig {
            orders: 100,
            rate,
            limits: (1, 64),
            stop: Some((millis(1_050), seconds(500))),
            schedule: schedule("1s", 2),
            ..Rig::default()
        };
        let story = rig.run(|_, attempt, _| match attempt {
            1 => (millis(50), ScriptedReply::Refuse),
            _ => (millis(50), ScriptedReply::Acknowledge),
        });
        // Those that had begun may have lost their window; of the rest each has its retry.
        let lapsed = story.orders.iter().filter(|order| order.result.is_lapsed()).count();
        assert!(lapsed <= 21, "{rate:?} {lapsed}");
        assert_eq!(story.totals.acknowledged + lapsed as u64, 100, "{rate:?}");
        assert!(story.orders.iter().all(|order| order.attempts > 0), "{rate:?}");
        if rate.is_some() {
            // No burst after the stop: the times intended for the rest moved by it.
            let late = |one: &&Attempt| one.sent > one.intended + millis(100);
            let late = story.attempts.iter().filter(late).count();
            assert!(late <= 12, "{late} of {}", story.attempts.len());
        }
    }
}

#[test]
fn a_resumed_order_that_may_never_have_been_sent_is_sent_after_its_window() {
    let resumed = |number, last, attempts, ago| BegunOrder {
        order: order(number, Timestamp::UNIX_EPOCH),
        attempts,
        last,
        elapsed: seconds(ago),
    };
    let rig = Rig {
        begun: vec![
            resumed(1, LastOutcome::Unproven, 1, 3_601),
            resumed(2, LastOutcome::Unproven, 3, 99_999),
            resumed(3, LastOutcome::Unknown, 1, 3_601),
            resumed(4, LastOutcome::Known, 1, 3_601),
            resumed(5, LastOutcome::Known, 0, 3_601),
        ],
        ..Rig::default()
    };
    let journaled = Journaled::new();
    let made = |number, attempt| {
        let order = order(number, Timestamp::UNIX_EPOCH);
        let (intended, offset) = (Duration::ZERO, Duration::ZERO);
        InFlight { order, attempt, intended, offset, is_owed: true }
    };
    let made: Vec<_> =
        [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1)].map(|(a, b)| made(a, b)).into();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let recorded = journaled.journal.record(Timestamp::UNIX_EPOCH, &[], &made);
    runtime.block_on(recorded).unwrap();
    let story = rig
        .run_with(Some(&journaled.journal), |_, _, _| (Duration::ZERO, ScriptedReply::Refuse))
        .unwrap();
    let ended: Vec<_> =
        story.orders.iter().map(|one| (one.order, one.result, one.attempts)).collect();
    assert_eq!(
        ended,
        [(3, LAPSED, 1), (4, LAPSED, 1), (1, EXHAUSTED, 2), (2, EXHAUSTED, 4), (5, EXHAUSTED, 1),]
    );
    assert_eq!(story.unknown, [(1, 1), (2, 3), (3, 1)]);
    // What a stop ended is not recorded: the clock may be wrong.
    let pending = "SELECT number FROM orders WHERE state = 'pending' ORDER BY number";
    assert_eq!(column::<i64>(&journaled.look(), pending), [3, 4]);
}

#[test]
fn an_owed_attempt_is_sent_however_late_it_is() {
    let begun = BegunOrder {
        order: order(1, Timestamp::UNIX_EPOCH),
        attempts: 1,
        last: LastOutcome::Unproven,
        elapsed: seconds(1),
    };
    let stop = Some((seconds(2), seconds(100_000)));
    let story = Rig { begun: vec![begun], stop, ..Rig::default() }.run(acknowledge);
    assert_eq!(story.results(), [(1, ACKNOWLEDGED, 2)]);
}

/// Only the length of the journal's turn shows such a stop: meanwhile no timer waits.
#[test]
fn a_stop_that_falls_into_a_write_of_the_journal_is_named() {
    for (stopped_for, why) in
        [(120, LAPSED), (0, OrderResult::Exhausted(Exhaustion::NoRetriesLeft))]
    {
        let journaled = Journaled::new();
        let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let rule = |_, _, _| (millis(10), ScriptedReply::Refuse);
        let transport = &Merchant { clock, rule, seen: Mutex::default() };
        let (schedule, request) = (schedule("15s,15s", 60), &request());
        let engine = Engine {
            request,
            judge: &Judge::default(),
            plan: RetryPlan::new(&schedule, Speed::REAL),
            limits: LoadLimits::ONE,
            clock,
            transport,
            journal: Some(&journaled.journal),
        };
        let orders = &mut Orders::listed(vec![order(1, Timestamp::UNIX_EPOCH)]);
        let input =
            EngineInput { begun: Vec::new(), orders, count: Some(1), pace: Pace::default() };
        // The retry is due at 15 s: at the second look from then on its intention is being written.
        let mut looks = 0;
        let stop_in_write = &mut |_: &mut Context<'_>| {
            looks += u32::from(clock.now() >= seconds(15));
            if looks == 2 {
                clock.advance(seconds(stopped_for));
            }
            Poll::Pending
        };
        let mut ends = Vec::new();
        let on_event = &mut |event: &EngineEvent, _: Option<&AttemptDetails<'_>>| {
            if let EngineEvent::Order(end) = event {
                ends.push((end.result, end.attempts));
            }
            Ok::<(), ()>(())
        };
        complete(clock, engine.run(input, stop_in_write, on_event)).unwrap();
        let attempts = if stopped_for > 0 { 2 } else { 3 };
        assert_eq!(ends, [(why, attempts)], "{stopped_for} s");
    }
}
