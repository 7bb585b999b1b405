use super::counts::LONGEST_ID;
use super::*;
use crate::net::phases::Phases;
use crate::report::gates::Gate;
use crate::report::summary::sample::{events, facts, report, summary};
use crate::sender::decide::Exhaustion;
use crate::sender::record::Interruption;
use crate::support::schema::Schemas;

const EXHAUSTED: OrderResult = OrderResult::Exhausted(Exhaustion::NoRetriesLeft);
const INTERRUPTED: OrderResult = OrderResult::Interrupted(Interruption::InFlight);

fn attempt(order: u64, number: u32, latency_ms: u64, code: &'static str) -> Attempt {
    let start = Duration::from_millis(order);
    let finished = start + Duration::from_millis(latency_ms);
    Attempt {
        order,
        order_id: format!("POT{order}").into(),
        attempt: number,
        intended: start,
        sent: start,
        finished,
        phases: Phases::default(),
        status: None,
        code: code.into(),
        explanation: (code != "acknowledged").then(|| format!("why {order}")),
    }
}

fn end(order: u64, attempts: u32, result: OrderResult) -> EngineEvent {
    let (order_id, finished) = (format!("POT{order}").into(), Duration::from_secs(9));
    EngineEvent::Order(OrderEnd { order, order_id, result, attempts, finished })
}

#[test]
fn every_event_is_counted_once() {
    let (events, summary) = (events(5000), summary(5000));
    let attempts = events.iter().filter(|event| matches!(event, EngineEvent::Attempt(_))).count();
    assert_eq!(summary.attempts(), attempts as u64);
    let rows: u64 = summary.by_attempt.iter().map(|row| row.acknowledged + row.failed).sum();
    assert_eq!(rows, summary.attempts());
    assert_eq!(summary.orders.ended(), 5000);
    assert_eq!(summary.pending_retries(), 0);
    let (reasons, lost): (u64, u64) = (
        summary.reasons.iter().map(|reason| reason.attempts).sum(),
        summary.reasons.iter().map(|reason| reason.exhausted).sum(),
    );
    assert_eq!((reasons, lost), (summary.failed_attempts(), summary.orders.exhausted));
    let course: u64 =
        summary.course.parts().iter().map(|part| part.acknowledged + part.failed).sum();
    assert_eq!(course, summary.attempts());
}

#[test]
fn a_stall_shows_in_the_latency_and_not_in_the_service_time() {
    let summary = summary(5000);
    let p90 = |figures: &LatencyFigures| figures.quantile(0.9).unwrap();
    assert!(p90(&summary.latency) > p90(&summary.service_time) * 3);
    let rate = summary.rate().unwrap();
    assert!((rate - 100.0).abs() < 5.0, "{rate}");
}

#[test]
fn reasons_keep_their_first_explanation_and_the_orders_lost() {
    let mut summary = DeliverySummary::new(facts(3));
    summary.fold(&EngineEvent::Attempt(attempt(1, 1, 5, "timeout")));
    summary.fold(&end(1, 1, EXHAUSTED));
    summary.fold(&EngineEvent::Attempt(attempt(2, 1, 5, "timeout")));
    summary.fold(&EngineEvent::Attempt(attempt(2, 2, 5, "acknowledged")));
    summary.fold(&end(2, 2, OrderResult::Acknowledged));
    summary.fold(&EngineEvent::Attempt(attempt(3, 1, 5, "tls")));
    summary.finish(Duration::from_secs(10));
    let reasons: Vec<_> = summary
        .reasons
        .iter()
        .map(|reason| {
            (&*reason.code, reason.explanation.as_str(), reason.attempts, reason.exhausted)
        })
        .collect();
    assert_eq!(reasons, [("timeout", "why 1", 2, 1), ("tls", "why 3", 1, 0)]);
    assert_eq!((summary.orders.ended(), summary.total_orders()), (2, 3));
    assert_eq!((summary.pending_retries(), summary.orders.retried), (1, 1));
    let kept: Vec<_> = summary.kept_orders().unwrap().map(|order| order.result).collect();
    assert_eq!(kept, [Some(EXHAUSTED), Some(OrderResult::Acknowledged), None]);
}

#[test]
fn the_slowest_orders_are_ten_and_each_once() {
    let mut summary = DeliverySummary::new(facts(100));
    for order in 1..=100 {
        for (number, latency) in [(1, order), (2, order * 2), (3, 1)] {
            summary.fold(&EngineEvent::Attempt(attempt(order, number, latency, "timeout")));
        }
    }
    let orders: Vec<u64> = summary.slowest.iter().map(|slow| slow.order).collect();
    assert_eq!(orders, [100, 99, 98, 97, 96, 95, 94, 93, 92, 91]);
    assert_eq!(summary.slowest[0].latency, Duration::from_millis(200));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut summary = DeliverySummary::new(facts(3000));
    for order in 1..=3000 {
        let mut failed = attempt(order, u32::MAX, 1, "timeout");
        failed.order_id = "x".repeat(10_000).into();
        failed.explanation = Some("y".repeat(10_000));
        summary.fold(&EngineEvent::Attempt(failed));
        summary.fold(&end(order, 1, EXHAUSTED));
    }
    assert!(summary.kept_orders().is_none());
    assert_eq!(summary.failures.len(), MOST_KEPT_FAILURES);
    assert_eq!(summary.by_attempt.len(), MAX_RETRIES + 1);
    assert!(summary.failures[0].order_id.len() <= LONGEST_ID * 4);
    assert!(summary.reasons[0].explanation.len() <= LONGEST_EXPLANATION * 4);
}

#[test]
fn gates_decide_where_there_are_some() {
    let lost = RunReport { gates: Vec::new(), ..report(500) };
    assert!(!lost.is_yes());
    let mut tolerant = report(500);
    tolerant.gates.remove(0);
    assert!(tolerant.is_yes());
    assert!(!report(500).is_yes());
}

/// The summary with and without data, and the attempts.
#[test]
fn every_line_is_valid_by_its_schema() {
    let mut schemas = Schemas::read();
    let mut check = |text: &str| schemas.check_text(text);
    let facts = RunFacts {
        url: "http://localhost/".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        schedule: "backoff".to_owned(),
        orders: None,
        lives: None,
        rate: None,
        ramp: None,
    };
    let mut summary = DeliverySummary::new(facts);
    let mut check_summary = |summary: &DeliverySummary| {
        let gates = ["p99>1s", "acked<100%", "exhausted>0", "rate<1/s"];
        let gates = gates.map(|gate| Gate::parse(gate).expect("a gate").evaluate(summary));
        check(&json::summary(&RunReport { summary: summary.clone(), gates: gates.to_vec() }));
    };
    check_summary(&summary);
    let mut attempts = Vec::new();
    for order in 1..=3 {
        let attempt = Attempt {
            order,
            order_id: "POT1".into(),
            attempt: 1,
            intended: Duration::from_millis(order),
            sent: Duration::from_millis(order * 2),
            finished: Duration::from_millis(order * 3),
            phases: Phases::default(),
            status: (order > 1).then_some(200),
            code: if order > 1 { "acknowledged" } else { "timeout" }.into(),
            explanation: (order == 1).then(|| "too slow".to_owned()),
        };
        summary.fold(&EngineEvent::Attempt(attempt.clone()));
        attempts.push(json::attempt(&attempt, (attempt.order, None)));
        let result = if order == 1 { EXHAUSTED } else { OrderResult::Acknowledged };
        let Attempt { order_id, finished, .. } = attempt;
        let ended = OrderEnd { order, order_id, result, attempts: 1, finished };
        summary.fold(&EngineEvent::Order(ended));
    }
    summary.fold(&EngineEvent::Throttled { at: Duration::ZERO, in_flight: 2 });
    summary.finish(Duration::from_secs(1));
    check_summary(&summary);
    attempts.iter().for_each(|attempt| check(attempt));
    schemas.assert_checked(&["delivery-summary", "delivery-attempt"]);
}

fn two_orders(events: &[EngineEvent]) -> DeliverySummary {
    let mut summary = DeliverySummary::new(facts(2));
    let acknowledged = EngineEvent::Attempt(attempt(1, 1, 5, "acknowledged"));
    summary.fold(&acknowledged);
    summary.fold(&end(1, 1, OrderResult::Acknowledged));
    events.iter().for_each(|event| summary.fold(event));
    summary.finish(Duration::from_secs(1));
    summary
}

#[test]
fn without_gates_only_a_run_whose_orders_are_all_acknowledged_is_a_yes() {
    let is_yes = |summary| RunReport { summary, gates: Vec::new() }.is_yes();
    for (second, expected) in [
        (&[end(2, 1, OrderResult::Acknowledged)][..], true),
        (&[end(2, 3, EXHAUSTED)], false),
        (&[end(2, 1, INTERRUPTED)], false),
        (&[end(2, 0, INTERRUPTED)], false),
        (&[], false),
    ] {
        assert_eq!(is_yes(two_orders(second)), expected, "{second:?}");
    }
    let mut unplanned = two_orders(&[]);
    unplanned.facts.orders = None;
    assert!(is_yes(unplanned.clone()));
    unplanned.fold(&end(2, 0, INTERRUPTED));
    assert!(!is_yes(unplanned));
}

#[test]
fn a_run_that_was_cut_short_is_never_a_yes() {
    let mut summary = two_orders(&[end(2, 1, OrderResult::Acknowledged)]);
    for gates in [&[][..], &["acked<100%"]] {
        let gates = gates.iter().map(|gate| Gate::parse(gate).unwrap().evaluate(&summary));
        let mut report = RunReport { gates: gates.collect(), summary: summary.clone() };
        assert!(report.is_yes());
        report.summary.cut_short = Some("the disk is full".to_owned());
        assert!(!report.is_yes());
    }
    // What became of the orders that it did not come to is not known.
    summary.facts.orders = Some(10);
    assert_eq!(summary.not_sent(), 8);
    summary.fold(&end(3, 0, INTERRUPTED));
    summary.cut_short = Some("the disk is full".to_owned());
    assert_eq!(summary.not_sent(), 1);
}

#[test]
fn an_interrupted_order_was_sent_if_it_has_an_attempt() {
    let counts = |attempts| {
        let orders = two_orders(&[end(2, attempts, INTERRUPTED)]).orders;
        (orders.interrupted, orders.not_sent, orders.ended())
    };
    assert_eq!((counts(0), counts(1), counts(2)), ((0, 1, 1), (1, 0, 2), (1, 0, 2)));
}

#[test]
fn the_rate_is_of_the_first_sends_over_the_time_between_them() {
    let rate = |sends: &[(u64, u32)]| {
        let mut summary = DeliverySummary::new(facts(9));
        for (millisecond, number) in sends {
            summary.fold(&EngineEvent::Attempt(attempt(*millisecond, *number, 1, "timeout")));
        }
        summary.rate()
    };
    assert_eq!((rate(&[]), rate(&[(5, 1)]), rate(&[(5, 1), (9, 2)])), (None, None, None));
    assert_eq!(rate(&[(0, 1), (1000, 1)]), Some(1.0));
    assert_eq!(rate(&[(0, 1), (500, 1), (1000, 1), (9000, 2)]), Some(2.0));
}

#[test]
fn throttling_has_its_first_time_and_its_most_in_flight() {
    let mut summary = DeliverySummary::new(facts(2));
    for (second, in_flight) in [(3, 5), (4, 9), (5, 7)] {
        summary.fold(&EngineEvent::Throttled { at: Duration::from_secs(second), in_flight });
    }
    let first_at = Some(Duration::from_secs(3));
    assert_eq!(summary.throttling, Throttling { episodes: 3, first_at, in_flight: 9 });
}

#[test]
fn an_unknown_outcome_that_an_attempt_follows_was_sent_again() {
    let mut summary = DeliverySummary::new(facts(2));
    for order in [1, 1, 2] {
        let order_id = "POT".into();
        summary.fold(&EngineEvent::UnknownOutcome { order, order_id, attempt: 1 });
    }
    summary.fold(&EngineEvent::Attempt(attempt(1, 3, 5, "acknowledged")));
    summary.fold(&EngineEvent::Attempt(attempt(1, 4, 5, "acknowledged")));
    assert_eq!((summary.unknown_outcomes, summary.sent_again), (3, 2));
}

#[test]
fn an_order_that_was_not_sent_is_not_a_failure_and_a_lapsed_one_is_counted() {
    let unsent = two_orders(&[end(2, 0, INTERRUPTED)]);
    assert_eq!((unsent.failures.len(), unsent.orders.lapsed), (0, 0));
    let EngineEvent::Order(order) = end(2, 1, EXHAUSTED) else { panic!() };
    let result = OrderResult::Exhausted(Exhaustion::WindowPassedWhileStopped);
    let lapsed = two_orders(&[EngineEvent::Order(OrderEnd { result, ..order })]);
    assert_eq!((lapsed.failures.len(), lapsed.orders.lapsed), (1, 1));
}

#[test]
fn a_thousand_orders_are_kept_one_by_one() {
    let mut summary = DeliverySummary::new(facts(1001));
    let kept = |summary: &DeliverySummary| summary.kept_orders().map(Iterator::count);
    for order in 1..=1000 {
        summary.fold(&EngineEvent::Attempt(attempt(order, 1, 1, "timeout")));
    }
    summary.fold(&EngineEvent::Attempt(attempt(1000, 2, 1, "acknowledged")));
    assert_eq!(kept(&summary), Some(1000));
    summary.fold(&EngineEvent::Attempt(attempt(1001, 1, 1, "acknowledged")));
    assert_eq!(kept(&summary), None);
}
