//! The summary, and each attempt, for a program.

use serde_json::{Map, Value, json};

use super::latency::{LatencyFigures, SHOWN_QUANTILES};
use super::{DeliverySummary, OrderCounts, RunFacts, RunReport};
use crate::mask::Untrusted;
use crate::report::gates::{Figure, GateResult};
use crate::report::json;
use crate::report::phases::{key, phases_json};
use crate::report::text::milliseconds;
use crate::sender::record::Attempt;

pub fn ready(facts: &RunFacts, seed: u64) -> String {
    json::line(
        "ready",
        &json!({
            "url": Untrusted::new(&facts.url),
            "orders": facts.orders,
            "seed": seed,
            "started_at": facts.started_at.to_string(),
            "schedule": facts.schedule,
        }),
    )
}

pub fn summary(report: &RunReport) -> String {
    let RunReport { summary, gates } = report;
    let throttling = &summary.throttling;
    json::line(
        "delivery-summary",
        &json!({
            "ok": report.is_yes(),
            "url": Untrusted::new(&summary.facts.url),
            "started_at": summary.facts.started_at.to_string(),
            "elapsed_ms": milliseconds(summary.length),
            "parts": summary.earlier.parts + 1,
            "schedule": summary.facts.schedule,
            "cut_short": summary.cut_short,
            "orders": order_counts(summary),
            "notifications": notification_counts(summary),
            "attempts": {
                "total": summary.attempts(),
                "acknowledged": summary.attempts() - summary.failed_attempts(),
                "failed": summary.failed_attempts(),
                "unknown_outcomes": summary.unknown_outcomes,
                "earlier_parts": summary.earlier.attempts,
                "without_times": summary.earlier.untimed,
            },
            "rate": {
                "first_notifications_per_second": summary.rate(),
                "planned_per_second": summary.facts.rate,
                "attempts_per_second": summary.attempt_rate(),
            },
            "by_attempt": summary.by_attempt,
            "reasons": summary.reasons,
            "latency_from_intended": latency(&summary.latency),
            "latency_from_sent": latency(&summary.service_time),
            "phases": phases(summary),
            "throttled": {
                "episodes": throttling.episodes,
                "first_at_ms": throttling.first_at.map(milliseconds),
                "in_flight": throttling.in_flight,
            },
            "slowest": slowest(summary),
            "failures": failures(summary),
            "course": course(summary),
            "gates": gates.iter().map(gate).collect::<Vec<_>>(),
        }),
    )
}

fn order_counts(summary: &DeliverySummary) -> Value {
    let (orders, total) = summary.orders_of_lives().unwrap_or_else(|| sent_counts(summary));
    counts(&orders, total)
}

/// What was sent, where an order has several notifications.
fn notification_counts(summary: &DeliverySummary) -> Option<Value> {
    let (sent, total) = sent_counts(summary);
    summary.lives.as_ref().map(|_| counts(&sent, total))
}

fn sent_counts(summary: &DeliverySummary) -> (OrderCounts, u64) {
    let counts = OrderCounts { not_sent: summary.not_sent(), ..summary.orders };
    (counts, summary.total_orders())
}

fn counts(orders: &OrderCounts, total: u64) -> Value {
    json!({
        "total": total,
        "acknowledged": orders.acknowledged,
        "exhausted": orders.exhausted,
        "interrupted": orders.interrupted,
        "not_sent": orders.not_sent,
        "window_ended_while_stopped": orders.lapsed,
        "retried": orders.retried,
        "duplicates": orders.duplicates,
    })
}

fn latency(figures: &LatencyFigures) -> Value {
    let quantile = |(name, quantile): (&str, f64)| {
        let key = format!("{}_ms", name.replace('.', "_"));
        (key, json!(figures.quantile(quantile).map(milliseconds)))
    };
    let mut body: Map<String, Value> =
        SHOWN_QUANTILES.into_iter().chain([("p95", 0.95)]).map(quantile).collect();
    for (name, time) in
        [("min", figures.shortest()), ("mean", figures.mean()), ("max", figures.longest())]
    {
        body.insert(format!("{name}_ms"), json!(time.map(milliseconds)));
    }
    Value::Object(body)
}

fn phases(summary: &DeliverySummary) -> Value {
    let each = summary.phases.each().map(|(phase, figures)| {
        let mut body = latency(figures);
        body["attempts"] = json!(figures.count());
        (key(phase).to_owned(), body)
    });
    let mut body: Map<String, Value> = each.collect();
    body.insert("attempts".to_owned(), json!(summary.phases.attempts()));
    Value::Object(body)
}

fn slowest(summary: &DeliverySummary) -> Vec<Value> {
    let slow = summary.slowest.iter().map(|slow| {
        json!({
            "order": slow.order,
            "step": slow.step,
            "order_id": &*slow.order_id,
            "attempt": slow.attempt,
            "latency_from_intended_ms": milliseconds(slow.latency),
            "latency_from_sent_ms": milliseconds(slow.service_time),
            "conclusion": slow.code,
        })
    });
    slow.collect()
}

fn failures(summary: &DeliverySummary) -> Vec<Value> {
    let failures = summary.failures.iter().map(|order| {
        json!({
            "order": order.order,
            "step": order.step,
            "order_id": &*order.order_id,
            "result": order.result.map(|result| result.code()),
            "attempts": order.attempts,
            "at_ms": milliseconds(order.at),
            "conclusion": order.code,
            "explanation": order.explanation,
        })
    });
    failures.collect()
}

fn course(summary: &DeliverySummary) -> Value {
    let parts = summary.course.parts();
    json!({
        "part_ms": milliseconds(summary.course.part_length()),
        "acknowledged": parts.iter().map(|part| part.acknowledged).collect::<Vec<_>>(),
        "failed": parts.iter().map(|part| part.failed).collect::<Vec<_>>(),
    })
}

fn gate(result: &GateResult) -> Value {
    let (value, unit) = match result.measured {
        None => (Value::Null, None),
        Some(Figure::Time(time)) => (json!(milliseconds(time)), Some("ms")),
        Some(Figure::Percent(share)) => (json!(share), Some("percent")),
        Some(Figure::Count(count)) => (json!(count), Some("count")),
        Some(Figure::Rate(rate)) => (json!(rate), Some("per_second")),
    };
    json!({
        "gate": result.gate.text(),
        "verdict": result.verdict.code(),
        "measured": value,
        "measured_unit": unit,
        "explanation": result.explanation(),
    })
}

/// An attempt, with the order's number in the run and the number of its notification there.
pub fn attempt(attempt: &Attempt, (order, step): (u64, Option<u32>)) -> String {
    json::line(
        "delivery-attempt",
        &json!({
            "order": order,
            "step": step,
            "order_id": Untrusted::new(&attempt.order_id),
            "attempt": attempt.attempt,
            "intended_ms": milliseconds(attempt.intended),
            "sent_ms": milliseconds(attempt.sent),
            "finished_ms": milliseconds(attempt.finished),
            "latency_from_intended_ms": milliseconds(attempt.latency()),
            "latency_from_sent_ms": milliseconds(attempt.service_time()),
            "phases": phases_json(&attempt.phases),
            "status": attempt.status,
            "acknowledged": attempt.is_acknowledged(),
            "conclusion": attempt.code,
            "explanation": attempt.explanation,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;
    use crate::sender::record::EngineEvent;

    #[test]
    fn the_summary_is_one_line_that_adds_up() {
        let text = summary(&sample::report(2000));
        assert_eq!(text.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&value["type"], &value["schema_version"]),
            (&json!("delivery-summary"), &json!(1))
        );
        let sum = |key: &str| -> u64 {
            value["by_attempt"].as_array().unwrap().iter().filter_map(|row| row[key].as_u64()).sum()
        };
        assert_eq!(value["attempts"]["acknowledged"], sum("acknowledged"));
        assert_eq!(value["attempts"]["failed"], sum("failed"));
        assert_eq!(value["orders"]["total"], 2000);
        let latency = |clock: &str, figure: &str| value[clock][figure].as_f64().unwrap();
        assert!(
            latency("latency_from_intended", "p99_9_ms") > latency("latency_from_sent", "p50_ms")
        );
        let phases = &value["phases"];
        assert_eq!(phases["attempts"], value["attempts"]["total"]);
        assert_eq!(phases["first_byte"]["attempts"], phases["attempts"]);
        assert_eq!(phases["connect"]["max_ms"], 0.3);
        assert_eq!(
            (&phases["tls"]["attempts"], &phases["tls"]["p99_ms"]),
            (&json!(0), &Value::Null)
        );
        assert_eq!(value["gates"][0]["verdict"], "failed");
        assert_eq!(value["gates"][1]["measured_unit"], "percent");
    }

    #[test]
    fn hostile_texts_stay_one_line_of_json() {
        let text = summary(&sample::hostile());
        assert_eq!(text.matches('\n').count(), 1);
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }

    #[test]
    fn an_attempt_is_one_line_with_both_clocks() {
        let events = sample::events(3);
        let Some(EngineEvent::Attempt(first)) = events.first() else { panic!("no attempt") };
        let value: Value = serde_json::from_str(&attempt(first, (1, None))).unwrap();
        assert_eq!((&value["attempt"], &value["acknowledged"]), (&json!(1), &json!(true)));
        let latency = |name: &str| value[name].as_f64().unwrap();
        assert!(latency("latency_from_intended_ms") > latency("latency_from_sent_ms"));
        let phases = &value["phases"];
        assert_eq!((&phases["connect_ms"], &phases["send_ms"]), (&json!(0.3), &json!(0.04)));
        assert_eq!((&phases["tls_ms"], &phases["ended_in"]), (&Value::Null, &Value::Null));
        assert!(phases["first_byte_ms"].as_f64().unwrap() < latency("latency_from_sent_ms"));
    }
}
