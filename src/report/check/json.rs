//! A check for a program: that it begins, each case as it ends, and the whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::explore::timeline_line;
use super::shown::{LONGEST_URL, whole_start};
use super::standing::{Standing, count, endpoint_name, is_yes};
use super::{CheckFacts, verdict};
use crate::check::case_file;
use crate::check::causes::{Cause, causes};
use crate::check::explore::Explored;
use crate::check::report::{CaseResult, CheckReport, Exchange, Received};
use crate::mask::Untrusted;
use crate::report::figures::shortened;
use crate::report::json;
use crate::report::phases::phases_json;
use crate::report::text::milliseconds;

/// The most bytes of a body; a longer one is cut and says so.
pub const LONGEST_BODY: usize = 16 * 1024;

pub const MOST_EXCHANGES: usize = 64;

const MOST_HEADERS: usize = 64;

const LONGEST_TEXT: usize = 4096;

pub fn ready(facts: &CheckFacts) -> String {
    json::line(
        "ready",
        &json!({
            "url": shortened(&facts.url, LONGEST_URL),
            "cases": facts.cases,
            "requests_at_most": facts.bound,
            "seed": facts.seed,
            "started_at": facts.started_at.to_string(),
        }),
    )
}

pub fn case(result: &CaseResult) -> String {
    json::line("case", &result_json(result))
}

pub fn check(report: &CheckReport) -> String {
    let causes = causes(report);
    let count = |standing: &Standing| json!(count(&report.results, *standing));
    let counts: Map<String, Value> =
        Standing::ALL.iter().map(|it| (it.look().id.to_owned(), count(it))).collect();
    json::line(
        "check",
        &json!({
            "ok": is_yes(report),
            "url": shortened(&report.url, LONGEST_URL),
            "started_at": report.started_at.to_string(),
            "elapsed_ms": milliseconds(report.elapsed),
            "endpoint": endpoint_name(&report.endpoint),
            "endpoint_reason": report.endpoint.reason().map(|it| shortened(it, LONGEST_TEXT)),
            "counts": counts,
            "verdict": shortened(&verdict::text(report, &causes), LONGEST_TEXT),
            "causes": causes.iter().map(cause_json).collect::<Vec<_>>(),
            "requests": report.requests,
            "requests_at_most": report.bound,
            "seed": report.seed,
            "results": report.results.iter().map(result_json).collect::<Vec<_>>(),
            "explored": report.explored.as_ref().map(explored_json),
        }),
    )
}

fn explored_json(explored: &Explored) -> Value {
    let coverage = &explored.coverage;
    let text = |text: &str| shortened(text, LONGEST_TEXT);
    let laws: Vec<Value> = coverage
        .laws
        .iter()
        .map(|((law, fault), count)| json!({"law": law.id(), "fault": fault, "histories": count}))
        .collect();
    let steps: Vec<Value> = coverage
        .steps
        .iter()
        .map(|((role, status, fault), count)| {
            json!({"role": role.name(), "status": status.name(), "fault": fault, "steps": count})
        })
        .collect();
    let faults = coverage.faults.iter();
    let faults: Vec<Value> =
        faults.map(|(fault, count)| json!({"fault": fault, "times": count})).collect();
    let doubts: Vec<Value> = explored
        .inconclusive
        .iter()
        .map(|(why, count)| json!({"why": text(why), "histories": count}))
        .collect();
    let found = explored.found.as_ref().map(|found| {
        let lines = found.exchanges.iter().take(MOST_EXCHANGES);
        json!({
            "law": found.law.id(),
            "found": text(&found.what),
            "cost": found.law.why(),
            "fix": found.law.fix(),
            "timeline": lines.map(|one| text(&timeline_line(one))).collect::<Vec<_>>(),
            "steps": found.steps,
            "failed": found.failed,
            "replays": found.replays,
            "found_after_ms": milliseconds(found.after),
            "case_file": case_file::write(&found.case),
        })
    });
    json!({
        "histories": coverage.histories,
        "orders": coverage.orders,
        "kills": coverage.kills(),
        "faults": faults,
        "steps": steps,
        "laws": laws,
        "inconclusive": doubts,
        "found": found,
    })
}

fn cause_json(cause: &Cause) -> Value {
    let text = |text: &str| shortened(text, LONGEST_TEXT);
    let ids = |cases: &[&CaseResult]| cases.iter().map(|one| text(&one.id)).collect::<Vec<_>>();
    json!({
        "id": text(cause.id),
        "title": text(&cause.title),
        "status": cause.status,
        "found": text(cause.found()),
        "why": text(cause.why),
        "fix": text(cause.fix),
        "cases": ids(&cause.cases),
        "untested": ids(&cause.untested),
    })
}

fn result_json(result: &CaseResult) -> Value {
    let text = |text: &str| shortened(text, LONGEST_TEXT);
    let exchanges: Vec<Value> =
        result.exchanges.iter().take(MOST_EXCHANGES).map(exchange_json).collect();
    json!({
        "id": text(&result.id),
        "group": text(&result.group),
        "title": text(&result.title),
        "status": result.status,
        "finding": result.finding,
        "tries": result.tries,
        "flaky": Standing::of(result) == Standing::Flaky,
        "summary": text(&result.summary),
        "why": text(&result.why),
        "fix": text(&result.fix),
        "unseen": result.unseen.as_deref().map(text),
        "elapsed_ms": milliseconds(result.elapsed),
        "exchanges": exchanges,
        "exchanges_unlisted": result.exchanges.len().saturating_sub(MOST_EXCHANGES),
    })
}

fn exchange_json(exchange: &Exchange) -> Value {
    let text = |text: &str| shortened(text, LONGEST_TEXT);
    let outside = |text: &str| shortened(&Untrusted::new(text).to_string(), LONGEST_TEXT);
    let headers: Vec<Value> = exchange
        .headers
        .iter()
        .take(MOST_HEADERS)
        .map(|(name, value)| json!({"name": outside(name), "value": outside(value)}))
        .collect();
    json!({
        "label": text(&exchange.label),
        "method": outside(&exchange.method),
        "headers": headers,
        "manner": text(&exchange.manner),
        "body": body_json(&exchange.body),
        "received": exchange.received.as_ref().ok().map(received_json),
        "no_reply": exchange.received.as_ref().err().map(|why| text(why)),
        "conclusion": text(&exchange.conclusion),
        "elapsed_ms": milliseconds(exchange.elapsed),
        "phases": phases_json(&exchange.phases),
    })
}

fn received_json(received: &Received) -> Value {
    json!({
        "status": received.status,
        "content_type": received.content_type.as_ref().map(|it| {
            shortened(&Untrusted::new(it).to_string(), LONGEST_TEXT)
        }),
        "body": body_json(&received.body),
    })
}

/// A body as text, or in base64 where it is none.
fn body_json(body: &[u8]) -> Value {
    let kept = whole_start(body, LONGEST_BODY);
    let text = std::str::from_utf8(kept).ok();
    json!({
        "text": text.map(Untrusted::new),
        "base64": text.is_none().then(|| Untrusted::new(STANDARD.encode(kept))),
        "bytes": body.len(),
        "cut": kept.len() < body.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::sample;

    fn parsed(line: &str) -> Value {
        assert_eq!(line.matches('\n').count(), 1);
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn the_report_is_one_line_with_everything() {
        let value = parsed(&check(&sample::report()));
        assert_eq!((&value["type"], &value["ok"]), (&json!("check"), &json!(false)));
        assert_eq!(
            value["counts"],
            json!({"passed": 2, "unverified": 1, "flaky": 1, "warned": 1, "failed": 2, "inconclusive": 1, "skipped": 1})
        );
        let causes = value["causes"].as_array().unwrap();
        let ids: Vec<_> = causes.iter().map(|it| (&it["id"], &it["status"])).collect();
        assert_eq!(
            ids,
            [
                (&json!("unsigned"), &json!("failed")),
                (&json!("robust-1mb"), &json!("failed")),
                (&json!("documented-forms-only"), &json!("warned")),
                (&json!("idem-twenty"), &json!("warned")),
            ]
        );
        assert_eq!(causes[0]["cases"], json!(["auth-no-sign"]));
        assert!(value["verdict"].as_str().unwrap().starts_with("not safe to go live: 2 things"));
        let failed = &value["results"][3];
        assert_eq!((&failed["id"], &failed["status"]), (&json!("auth-no-sign"), &json!("failed")));
        assert_eq!(failed["exchanges"][0]["received"]["body"]["text"], "{\"error_code\":\"0000\"}");
        assert_eq!(failed["exchanges"][0]["no_reply"], Value::Null);
        let large = &value["results"][7]["exchanges"][0];
        assert_eq!(
            (&large["body"]["bytes"], &large["body"]["cut"]),
            (&json!(1 << 20), &json!(true))
        );
        assert_eq!(large["received"], Value::Null);
        assert_eq!(value["results"][5]["flaky"], true);
        let refused = parsed(&check(&sample::refused()));
        assert_eq!(
            (&refused["endpoint"], &refused["ok"]),
            (&json!("refuses-control"), &json!(false))
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_in_base64() {
        let body = body_json(b"a\xff");
        assert_eq!(body, json!({"text": null, "base64": "Yf8=", "bytes": 2, "cut": false}));
    }

    #[test]
    fn hostile_texts_stay_what_they_are_and_hide_nothing() {
        let report = sample::hostile();
        let line = check(&report);
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\0']));
        assert!(line.len() < 1 << 20, "{}", line.len());
        let value = parsed(&line);
        assert_eq!(value["results"][0]["title"], sample::HOSTILE);
        parsed(&case(&report.results[0]));
    }
}
