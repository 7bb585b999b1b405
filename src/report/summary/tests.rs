use super::counts::LONGEST_ID;
use super::*;
use crate::report::gates::Gate;
use crate::report::summary::sample::{events, facts, report, summary};
use crate::support::schema::Schemas;

fn attempt(order: u64, number: u32, latency_ms: u64, code: &'static str) -> AttemptRecord {
    let start = Duration::from_millis(order);
    let finished = start + Duration::from_millis(latency_ms);
    AttemptRecord {
        order,
        order_id: format!("POT{order}").into(),
        attempt: number,
        intended: start,
        sent: start,
        finished,
        status: None,
        code,
        explanation: (code != "acknowledged").then(|| format!("why {order}")),
    }
}

fn end(order: u64, attempts: u32, result: OrderResult) -> FleetEvent {
    let (order_id, finished) = (format!("POT{order}").into(), Duration::from_secs(9));
    FleetEvent::Order(OrderRecord { order, order_id, result, attempts, finished, lapsed: false })
}

#[test]
fn every_event_is_counted_once() {
    let (events, summary) = (events(5000), summary(5000));
    let attempts = events.iter().filter(|event| matches!(event, FleetEvent::Attempt(_))).count();
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
    summary.fold(&FleetEvent::Attempt(attempt(1, 1, 5, "timeout")));
    summary.fold(&end(1, 1, OrderResult::Exhausted));
    summary.fold(&FleetEvent::Attempt(attempt(2, 1, 5, "timeout")));
    summary.fold(&FleetEvent::Attempt(attempt(2, 2, 5, "acknowledged")));
    summary.fold(&end(2, 2, OrderResult::Acknowledged));
    summary.fold(&FleetEvent::Attempt(attempt(3, 1, 5, "tls")));
    summary.finish(Duration::from_secs(10));
    let reasons: Vec<_> = summary
        .reasons
        .iter()
        .map(|reason| (reason.code, reason.explanation.as_str(), reason.attempts, reason.exhausted))
        .collect();
    assert_eq!(reasons, [("timeout", "why 1", 2, 1), ("tls", "why 3", 1, 0)]);
    assert_eq!((summary.orders.ended(), summary.total_orders()), (2, 3));
    assert_eq!((summary.pending_retries(), summary.orders.retried), (1, 1));
    let kept: Vec<_> = summary.kept_orders().unwrap().map(|order| order.result).collect();
    assert_eq!(kept, [Some(OrderResult::Exhausted), Some(OrderResult::Acknowledged), None]);
}

#[test]
fn the_slowest_orders_are_ten_and_each_once() {
    let mut summary = DeliverySummary::new(facts(100));
    for order in 1..=100 {
        for (number, latency) in [(1, order), (2, order * 2), (3, 1)] {
            summary.fold(&FleetEvent::Attempt(attempt(order, number, latency, "timeout")));
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
        summary.fold(&FleetEvent::Attempt(failed));
        summary.fold(&end(order, 1, OrderResult::Exhausted));
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
        rate: None,
        ramp: None,
    };
    let mut summary = DeliverySummary::new(facts);
    let mut check_summary = |summary: &DeliverySummary| {
        let gates = ["p99>1s", "acked<100%", "exhausted>0", "rate<1/s"];
        let gates = gates.map(|gate| gate.parse::<Gate>().expect("a gate").evaluate(summary));
        check(&json::summary(&RunReport { summary: summary.clone(), gates: gates.to_vec() }));
    };
    check_summary(&summary);
    let mut attempts = Vec::new();
    for order in 1..=3 {
        let attempt = AttemptRecord {
            order,
            order_id: "POT1".into(),
            attempt: 1,
            intended: Duration::from_millis(order),
            sent: Duration::from_millis(order * 2),
            finished: Duration::from_millis(order * 3),
            status: (order > 1).then_some(200),
            code: if order > 1 { "acknowledged" } else { "timeout" },
            explanation: (order == 1).then(|| "too slow".to_owned()),
        };
        summary.fold(&FleetEvent::Attempt(attempt.clone()));
        attempts.push(json::attempt(&attempt));
        let result = if order == 1 { OrderResult::Exhausted } else { OrderResult::Acknowledged };
        let AttemptRecord { order_id, finished, .. } = attempt;
        let ended = OrderRecord { order, order_id, result, attempts: 1, finished, lapsed: false };
        summary.fold(&FleetEvent::Order(ended));
    }
    summary.fold(&FleetEvent::Throttled { at: Duration::ZERO, in_flight: 2 });
    summary.finish(Duration::from_secs(1));
    check_summary(&summary);
    attempts.iter().for_each(|attempt| check(attempt));
    schemas.assert_checked(&["delivery-summary", "delivery-attempt"]);
}
