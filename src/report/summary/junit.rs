//! The summary as JUnit XML: what continuous integration shows as test cases.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};

use super::{DeliverySummary, OrderOutcome, RunReport};
use crate::report::figures::counted;
use crate::report::junit::{self, document, failure, skipped, suite, visible};
use crate::sender::record::OrderResult;

const MOST_NAMES: usize = 20;

pub fn xml(report: &RunReport) -> String {
    let summary = &report.summary;
    let mut cases = match summary.kept_orders() {
        Some(kept) => kept.map(order_case).collect(),
        None => result_cases(summary),
    };
    let told = summary.kept_orders().map_or(0, |kept| kept.filter(|it| is_unsent(it)).count());
    let untold = match summary.orders_of_lives() {
        None => summary.not_sent().saturating_sub(told as u64),
        // The notifications of an order that had begun have cases of their own.
        Some((orders, _)) => {
            let kept = summary.lives.as_ref().filter(|_| summary.kept_orders().is_some());
            let begun = kept.map_or(0, |lives| lives.orders.not_sent);
            orders.not_sent.saturating_sub(begun)
        }
    };
    if untold > 0 {
        let status = skipped(&format!("{} not sent", counted(untold, "order")));
        cases.push(case("every order is sent", status));
    }
    if let Some(why) = &summary.cut_short {
        let status = failure(NonSuccessKind::Error, "cut-short", why);
        cases.push(case("every order is read", status));
    }
    let mut orders = suite("orders", cases);
    orders.set_time(summary.length);
    let gates = report.gates.iter().map(|result| {
        let text = result.gate.text();
        let status = match result.is_passed() {
            true => TestCaseStatus::success(),
            false => failure(
                NonSuccessKind::Failure,
                result.verdict.code(),
                &format!("{text}: {}", result.explanation()),
            ),
        };
        junit::case("gates", text, status, Duration::ZERO)
    });
    let gates = (!report.gates.is_empty()).then(|| suite("gates", gates));
    document("payout-notify simulate", summary.length, [orders].into_iter().chain(gates))
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    junit::case("orders", name, status, Duration::ZERO)
}

fn is_unsent(order: &OrderOutcome) -> bool {
    matches!(order.result, Some(OrderResult::Interrupted(_))) && order.attempts == 0
}

fn order_case(order: &OrderOutcome) -> TestCase {
    let status = match order.result {
        Some(OrderResult::Acknowledged) => TestCaseStatus::success(),
        _ if is_unsent(order) => skipped("not sent: the run was stopped before"),
        result => {
            let kind = match result {
                Some(OrderResult::Exhausted(_)) => NonSuccessKind::Failure,
                // Whether the merchant is right was not learnt, which is no failure of its own.
                _ => NonSuccessKind::Error,
            };
            let code = order.code.as_deref().unwrap_or(match result {
                Some(OrderResult::Exhausted(_)) => "unknown-outcome",
                _ => "interrupted",
            });
            failure(kind, code, &told(order))
        }
    };
    let step = order.step.map_or_else(String::new, |step| format!(" step {step}"));
    let name = format!("#{} {}{step}", order.order, order.order_id);
    junit::case("orders", &name, status, order.slowest)
}

fn told(order: &OrderOutcome) -> String {
    let result = order.result.map_or("not ended", OrderResult::code);
    let attempts = counted(u64::from(order.attempts), "attempt");
    let is_lapsed = order.result.is_some_and(OrderResult::is_lapsed);
    let lapsed = if is_lapsed { ", its window ended while the sender was stopped" } else { "" };
    match order.explanation.as_deref().or(order.code.as_deref()) {
        Some(why) => format!("{result} after {attempts}{lapsed}: {why}"),
        None => format!("{result} after {attempts}{lapsed}"),
    }
}

fn result_cases(summary: &DeliverySummary) -> Vec<TestCase> {
    let orders = &summary.orders;
    let acknowledged = format!("{} acknowledged", counted(orders.acknowledged, summary.noun()));
    let mut cases = vec![case(&acknowledged, TestCaseStatus::success())];
    for reason in &summary.reasons {
        let status = match reason.exhausted {
            0 => TestCaseStatus::success(),
            exhausted => {
                let told = format!(
                    "{} ended with {}: {}",
                    counted(exhausted, summary.noun()),
                    reason.code,
                    reason.explanation
                );
                let mut status = failure(NonSuccessKind::Failure, &reason.code, &told);
                status.set_description(names(summary, Some(&reason.code)));
                status
            }
        };
        let name = format!("no order ends exhausted with {}", reason.code);
        cases.push(case(&name, status));
    }
    let explained: u64 = summary.reasons.iter().map(|reason| reason.exhausted).sum();
    for (count, kind, what) in [
        (orders.exhausted.saturating_sub(explained), NonSuccessKind::Failure, "exhausted"),
        (orders.interrupted, NonSuccessKind::Error, "interrupted"),
    ] {
        if count > 0 {
            let told = format!("{} ended {what}", counted(count, summary.noun()));
            let mut status = failure(kind, what, &told);
            status.set_description(names(summary, None));
            cases.push(case(&format!("no order ends {what}"), status));
        }
    }
    cases
}

fn names(summary: &DeliverySummary, code: Option<&str>) -> String {
    let failures =
        summary.failures.iter().filter(|order| code.is_none() || order.code.as_deref() == code);
    let line = |order: &OrderOutcome| format!("{}: {}", order.order_id, told(order));
    failures.take(MOST_NAMES).map(|order| visible(&line(order)) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;
    use crate::report::text::is_hidden;

    #[test]
    fn few_orders_are_a_test_case_each() {
        let text = xml(&sample::report(1000));
        assert_eq!(text.matches("<testcase ").count(), 1000 + 2);
        assert!(text.contains("<testcase name=\"#417 POT00000417\""), "{text}");
        assert!(text.contains("exhausted after 4 attempts: the merchant refused"));
        assert!(text.contains("message=\"p99&gt;200ms: p99 is"));
    }

    #[test]
    fn of_many_orders_each_reason_is_one() {
        let text = xml(&sample::report(5000));
        assert_eq!(text.matches("<testcase ").count(), 1 + 4 + 2, "{text}");
        assert!(text.contains("orders ended with refused: the merchant refused"));
        assert!(text.contains("POT00000417: exhausted"));
    }

    #[test]
    fn hostile_texts_are_escaped() {
        let text = xml(&sample::hostile());
        assert!(!text.contains("<script>") && text.contains("&lt;script&gt;"));
        assert!(!text.contains(|c| c != '\n' && is_hidden(c)), "{text}");
        assert!(text.contains(r"\u{1b}[2J\u{202e}\u{fffe}\n"), "{text}");
    }
}
