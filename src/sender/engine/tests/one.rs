//! One order, as a run of one.

use super::*;
use crate::sender::decide::Decision;
use crate::sender::record::wall_at;
use crate::sender::schedule::format_duration;

/// The events of a delivery, and how it ends; the replies take so many milliseconds.
fn deliver(
    schedule: &str,
    speed: &str,
    stops: &[u64],
    replies: &[(u64, ScriptedReply)],
) -> (Vec<String>, OrderEnd) {
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let (lines, sent) = (Mutex::new(Vec::new()), Mutex::new(0));
    let rule = |_, attempt: u64, at| {
        lines.lock().unwrap().push(format!("{}: attempt {attempt}", format_duration(at)));
        *sent.lock().unwrap() += 1;
        let (takes, answer) = &replies[attempt as usize - 1];
        (millis(*takes), answer.clone())
    };
    let transport = &Merchant { clock, rule, seen: Mutex::default() };
    let schedule = RetrySchedule::parse(schedule, None, seconds(3600)).unwrap();
    let engine = Engine {
        request: &request(),
        judge: &Judge::default(),
        plan: RetryPlan::new(&schedule, Speed::parse(speed).unwrap()),
        limits: LoadLimits::ONE,
        clock,
        transport,
        journal: None,
    };
    let stops = &mut stops_at(clock, stops.iter().copied().map(millis));
    let on_attempt = |attempt: &Attempt, details: &AttemptDetails<'_>| {
        assert_eq!(details.planned, schedule.offset(attempt.attempt as usize).unwrap());
        assert_eq!(details.started_at, wall_at(Timestamp::UNIX_EPOCH, attempt.sent));
        let mut lines = lines.lock().unwrap();
        lines.push(attempt.code.to_string());
        if let Decision::Retry(next) = details.decision {
            lines.push(format!("wait {}", format_duration(next.wait)));
        }
        Ok::<(), ()>(())
    };
    let order = order(1, Timestamp::UNIX_EPOCH);
    let end = complete(clock, engine.deliver(order, stops, on_attempt)).unwrap();
    assert_eq!(*sent.lock().unwrap(), replies.len(), "fewer requests than the script has");
    (lines.into_inner().unwrap(), end)
}

const REFUSE: ScriptedReply = ScriptedReply::Refuse;
const ACKNOWLEDGE: ScriptedReply = ScriptedReply::Acknowledge;

#[test]
fn it_retries_until_the_first_acknowledgement() {
    let replies = [(0, ScriptedReply::Reply(200, "success")), (0, ACKNOWLEDGE)];
    let (lines, end) = deliver("backoff", "1x", &[], &replies);
    assert_eq!(lines, ["0s: attempt 1", "bare-word", "wait 15s", "15s: attempt 2", "acknowledged"]);
    assert_eq!((end.result, end.attempts), (OrderResult::Acknowledged, 2));
}

#[test]
fn a_slow_reply_does_not_shift_the_attempts_after_it() {
    let replies =
        [(10_000, ScriptedReply::Vanish), (40_000, REFUSE), (0, REFUSE), (0, ACKNOWLEDGE)];
    let (lines, _) = deliver("15s,30s,60s", "1x", &[], &replies);
    let times: Vec<_> = lines.iter().filter(|line| line.contains("attempt")).collect();
    // Attempt 3 was planned at 45s, while the reply to attempt 2 was still awaited.
    assert_eq!(times, ["0s: attempt 1", "15s: attempt 2", "55s: attempt 3", "1m45s: attempt 4"]);
}

#[test]
fn the_schedule_ends_after_its_last_retry() {
    let (lines, end) = deliver("even", "1x", &[], &vec![(0, REFUSE); 11]);
    let exhausted = OrderResult::Exhausted(Exhaustion::NoRetriesLeft);
    assert_eq!((end.result, end.attempts), (exhausted, 11));
    assert_eq!(lines[lines.len() - 2..], ["1h: attempt 11", "status"]);
}

#[test]
fn nothing_is_sent_after_the_window() {
    let replies = [(3_599_000, ScriptedReply::Vanish), (2_000, REFUSE)];
    let (lines, end) = deliver("backoff", "1x", &[], &replies);
    assert_eq!(end.result, OrderResult::Exhausted(Exhaustion::WindowPassed));
    assert_eq!(lines[2..4], ["wait 0s", "59m59s: attempt 2"]);
}

#[test]
fn speed_shortens_waits_but_not_replies() {
    let replies = [(3_000, REFUSE), (0, REFUSE), (0, ACKNOWLEDGE)];
    let (lines, _) = deliver("15s,30s", "60x", &[], &replies);
    assert_eq!(lines[2..4], ["wait 200ms", "3.2s: attempt 2"]);
    assert_eq!(lines[5..7], ["wait 500ms", "3.7s: attempt 3"]);
}

#[test]
fn a_stop_reports_sending_or_waiting() {
    let run = |replies: &[_]| {
        let (lines, end) = deliver("backoff", "1x", &[5], replies);
        (lines.len(), end.result, end.attempts, end.finished)
    };
    let sending = OrderResult::Interrupted(Interruption::InFlight);
    assert_eq!(run(&[(60_000, ACKNOWLEDGE)]), (1, sending, 1, millis(5)));
    let waiting = OrderResult::Interrupted(Interruption::Waiting);
    assert_eq!(run(&[(0, REFUSE)]), (3, waiting, 1, millis(5)));
    assert_eq!(run(&[(0, ACKNOWLEDGE)]).1, OrderResult::Acknowledged);
    // A reply that is there counts, even where the stop comes at the same moment.
    assert_eq!(run(&[(5, ACKNOWLEDGE)]).1, OrderResult::Acknowledged);
}

#[test]
fn what_this_machine_holds_back_is_no_attempt() {
    let replies = [(0, REFUSE), (0, ScriptedReply::HoldBack)];
    let (lines, end) = deliver("15s,30s", "1x", &[], &replies);
    assert_eq!(lines.last().map(String::as_str), Some("15s: attempt 2"));
    let waiting = OrderResult::Interrupted(Interruption::Waiting);
    assert_eq!((end.result, end.attempts), (waiting, 1));
}

#[test]
fn an_error_of_the_listener_stops_the_delivery() {
    let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let rule = |_, _, _| (Duration::ZERO, REFUSE);
    let transport = &Merchant { clock, rule, seen: Mutex::default() };
    let (request, schedule) = (&request(), RetrySchedule::default());
    let plan = RetryPlan::new(&schedule, Speed::REAL);
    let judge = &Judge::default();
    let engine =
        Engine { request, judge, plan, limits: LoadLimits::ONE, clock, transport, journal: None };
    let no_stop = &mut |_: &mut Context<'_>| Poll::Pending;
    let order = order(1, Timestamp::UNIX_EPOCH);
    let failed = engine.deliver(order, no_stop, |_, _| Err("a broken pipe"));
    assert_eq!(complete(clock, failed), Err("a broken pipe"));
    assert_eq!(clock.now(), Duration::ZERO);
}
