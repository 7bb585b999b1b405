//! A made-up but realistic run, for tests: a merchant with a stall now and then, and a few faults.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{DeliverySummary, RunFacts, RunReport};
use crate::net::phases::{AttemptPhase, Phases};
use crate::report::gates::Gate;
use crate::sender::decide::Exhaustion;
use crate::sender::record::{Attempt, EngineEvent, OrderEnd, OrderResult};

const OFFSETS_SECONDS: [u64; 4] = [0, 15, 45, 105];

const FAULTS: [(&str, Option<u16>, &str); 4] = [
    ("timeout", None, "no complete reply within 10s; the merchant took too long"),
    ("http-status", Some(503), "the status is 503; only 2xx counts"),
    ("refused", Some(200), "the merchant refused with error_code \"0004\" (bad signature)"),
    ("connection-reset", None, "the other side broke the connection off (os error 104)"),
];

pub(crate) fn facts(orders: u64) -> RunFacts {
    RunFacts {
        url: "http://localhost:8787/notify".to_owned(),
        started_at: Timestamp::from_second(1_767_225_600).unwrap(),
        schedule: "15s,30s,60s".to_owned(),
        orders: Some(orders),
        lives: None,
        rate: Some(100.0),
        ramp: None,
    }
}

/// `orders` orders at 100 a second, through a merchant that stalls for a second in every ten.
pub(crate) fn events(orders: u64) -> Vec<EngineEvent> {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut events = Vec::new();
    for order in 1..=orders {
        let order_id: Arc<str> = format!("POT{order:08}").into();
        for (number, offset) in (1..).zip(OFFSETS_SECONDS) {
            let intended = Duration::from_millis(order * 10) + Duration::from_secs(offset);
            let attempt = attempt(&mut rng, order, &order_id, number, intended);
            let finished = attempt.finished;
            let is_acknowledged = attempt.is_acknowledged();
            events.push((finished, EngineEvent::Attempt(attempt)));
            if is_acknowledged || number as usize == OFFSETS_SECONDS.len() {
                let result = if is_acknowledged {
                    OrderResult::Acknowledged
                } else {
                    OrderResult::Exhausted(Exhaustion::NoRetriesLeft)
                };
                let order_id = Arc::clone(&order_id);
                let record = OrderEnd { order, order_id, result, attempts: number, finished };
                events.push((finished, EngineEvent::Order(record)));
                break;
            }
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

fn attempt(
    rng: &mut fastrand::Rng,
    order: u64,
    order_id: &Arc<str>,
    attempt: u32,
    intended: Duration,
) -> Attempt {
    let in_stall = intended.as_millis() % 10_000;
    let stall_ms = if in_stall < 1000 { 1000 - in_stall as u64 } else { 0 };
    let sent = intended + Duration::from_millis(stall_ms);
    let slow = 1.0 / (rng.f64() + 0.002);
    let mut took = Duration::from_secs_f64(0.003 + 0.002 * slow);
    // Some orders are refused for good; the others fail now and then.
    let is_doomed = order.is_multiple_of(417);
    let fault = if is_doomed || rng.f64() < 0.06 {
        let index = if is_doomed { 2 } else { rng.usize(..4) };
        Some(FAULTS[index])
    } else {
        None
    };
    if fault.is_some_and(|(code, ..)| code == "timeout") {
        took = Duration::from_secs(10);
    }
    Attempt {
        order,
        order_id: Arc::clone(order_id),
        attempt,
        intended,
        sent,
        finished: sent + took,
        phases: phases(order, took, fault),
        status: fault.map_or(Some(200), |(_, status, _)| status),
        code: fault.map_or("acknowledged", |(code, ..)| code).into(),
        explanation: fault.map(|(_, _, why)| why.to_owned()),
    }
}

/// One connection in 64 is new, and whoever times out waits for the first byte.
fn phases(order: u64, took: Duration, fault: Option<(&str, Option<u16>, &str)>) -> Phases {
    let micros = u32::try_from(took.as_micros()).unwrap();
    let kept = Phases::default()
        .with(AttemptPhase::Send, 40)
        .with(AttemptPhase::FirstByte, micros - 1_000);
    let phases = if order % 64 == 1 { kept.with(AttemptPhase::Connect, 300) } else { kept };
    match fault {
        Some(("timeout", ..)) => {
            phases.with(AttemptPhase::FirstByte, micros - 40).failed_in(AttemptPhase::FirstByte)
        }
        Some(("connection-reset", ..)) => phases.failed_in(AttemptPhase::Reply),
        _ => phases,
    }
}

/// One order for each list of codes, each code that of an attempt of 1 ms.
pub(crate) fn with_codes(orders: &[&[&'static str]]) -> Vec<EngineEvent> {
    with_times(orders, Duration::from_millis(1))
}

pub(crate) fn with_times(orders: &[&[&'static str]], took: Duration) -> Vec<EngineEvent> {
    let mut events = Vec::new();
    for (order, codes) in (1..).zip(orders) {
        let order_id: Arc<str> = format!("POT{order:08}").into();
        for (attempt, code) in (1..).zip(*codes) {
            let explanation = (*code != "acknowledged").then(|| "why".to_owned());
            let (intended, sent, finished) = (Duration::ZERO, Duration::ZERO, took);
            let (order_id, status) = (Arc::clone(&order_id), None);
            events.push(EngineEvent::Attempt(Attempt {
                order,
                order_id,
                attempt,
                intended,
                sent,
                finished,
                phases: Phases::default(),
                status,
                code: (*code).into(),
                explanation,
            }));
        }
        let result = match codes.last() {
            Some(&"acknowledged") => OrderResult::Acknowledged,
            _ => OrderResult::Exhausted(Exhaustion::NoRetriesLeft),
        };
        let (attempts, finished) = (codes.len() as u32, took);
        events.push(EngineEvent::Order(OrderEnd { order, order_id, result, attempts, finished }));
    }
    events
}

pub(crate) fn summary(orders: u64) -> DeliverySummary {
    let mut summary = DeliverySummary::new(facts(orders));
    events(orders).iter().for_each(|event| summary.fold(event));
    summary.finish(Duration::ZERO);
    summary
}

pub(crate) fn report(orders: u64) -> RunReport {
    let mut summary = summary(orders);
    summary.fold(&EngineEvent::Throttled { at: Duration::from_secs(11), in_flight: 1024 });
    summary.fold(&EngineEvent::UnknownOutcome { order: 1, order_id: "POT1".into(), attempt: 1 });
    (0..orders / 20).for_each(|_| summary.count_duplicate());
    let gates = ["p99>200ms", "acked<99%"];
    let gates = gates.map(|gate| Gate::parse(gate).unwrap().evaluate(&summary)).to_vec();
    RunReport { summary, gates }
}

pub(crate) fn hostile() -> RunReport {
    let evil = "<script>alert(1)</script>\"'&]]>\u{1b}[2J\u{202e}\u{fffe}\n\0";
    let mut facts = facts(2);
    (facts.url, facts.schedule) = (evil.to_owned(), evil.to_owned());
    let mut summary = DeliverySummary::new(facts);
    let order_id: Arc<str> = evil.into();
    let order = Arc::clone(&order_id);
    summary.fold(&EngineEvent::Attempt(Attempt {
        order: 1,
        order_id: order,
        attempt: 1,
        intended: Duration::ZERO,
        sent: Duration::ZERO,
        finished: Duration::from_millis(5),
        phases: Phases::default(),
        status: None,
        code: "<script>alert(2)</script>".into(),
        explanation: Some(evil.to_owned()),
    }));
    let (result, finished) =
        (OrderResult::Exhausted(Exhaustion::NoRetriesLeft), Duration::from_millis(5));
    summary.fold(&EngineEvent::Order(OrderEnd {
        order: 1,
        order_id,
        result,
        attempts: 1,
        finished,
    }));
    summary.finish(finished);
    let gates = vec![Gate::parse("exhausted>0").unwrap().evaluate(&summary)];
    RunReport { summary, gates }
}
