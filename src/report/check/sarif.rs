//! A check as SARIF 2.1.0, which code scanning shows: one rule per case, one result per finding.

use serde_json::{Value, json};

use super::shown::{LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, visible};
use super::standing::{Headline, Standing, again, endpoint_name, headline, is_yes, unverified};
use crate::check::causes::{Cause, cause_of, causes};
use crate::check::report::{CaseResult, CheckReport};
use crate::report::json::plain_json;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Rules for every case in the suite, results for what needs attention. An endpoint has no file,
/// and code scanning expects one: the location is `check/GROUP/ID`, the case's place in the suite.
pub fn log(report: &CheckReport) -> String {
    let causes = causes(report);
    let verdict = headline(&report.endpoint);
    let mut rules: Vec<Value> = verdict.iter().map(headline_rule).collect();
    let first = rules.len();
    rules.extend(report.results.iter().map(rule));
    let mut results: Vec<Value> = verdict.iter().map(|it| headline_result(report, it)).collect();
    results.extend(
        (first..).zip(&report.results).filter_map(|(index, result)| {
            finding(report, index, cause_of(&causes, result), result)
        }),
    );
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "payout-notify check",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                // The program did its work, whatever it found.
                "executionSuccessful": true,
                "startTimeUtc": format!("{:.3}", report.started_at),
            }],
            "properties": {
                "url": visible(&report.url, LONGEST_URL),
                "ok": is_yes(report),
                "endpoint": endpoint_name(&report.endpoint),
                "requests": report.requests,
                "seed": report.seed,
            },
            "results": results,
        }],
    });
    plain_json(format!("{log:#}\n"))
}

fn rule(result: &CaseResult) -> Value {
    let why = visible(&result.why, LONGEST_TEXT);
    let fix = visible(&result.fix, LONGEST_TEXT);
    let help = format!("{why}\n\n{fix}");
    let id = visible(&result.id, LONGEST_ID);
    let level = Standing::of(result).look().level.unwrap_or("error");
    let title = visible(&result.title, LONGEST_TITLE);
    rule_json(&id, level, [&title, &why, help.trim()], &visible(&result.group, LONGEST_ID))
}

fn headline_rule(headline: &Headline) -> Value {
    let texts = [headline.title, headline.advice, headline.advice];
    rule_json(headline.code, "error", texts, "endpoint")
}

fn rule_json(id: &str, level: &str, texts: [&str; 3], group: &str) -> Value {
    // A message may not be empty.
    let [short, full, help] = texts.map(|text| if text.is_empty() { "-" } else { text });
    json!({
        "id": id,
        "name": id,
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": help},
        "defaultConfiguration": {"level": level},
        "properties": {"tags": [group]},
    })
}

fn headline_result(report: &CheckReport, headline: &Headline) -> Value {
    let reason = visible(&headline.reason, LONGEST_TEXT);
    let text = format!("{}: {reason}", headline.title);
    let mut result = located(&report.url, "endpoint", headline.code, "error", &text);
    result["ruleIndex"] = json!(0);
    result["properties"] = json!({"status": headline.standing.look().name});
    result
}

fn finding(
    report: &CheckReport,
    index: usize,
    cause: Option<&Cause>,
    result: &CaseResult,
) -> Option<Value> {
    let look = Standing::of(result).look();
    let level = look.level?;
    let id = visible(&result.id, LONGEST_ID);
    let mut text = format!("{}: {}", look.name, visible(&result.summary, LONGEST_TEXT));
    if let Some(cause) = cause {
        text.push_str(&format!("\ncause: {}", visible(&cause.title, LONGEST_TEXT)));
    }
    if let Some(claim) = unverified(result) {
        text.push_str(&format!("\nnot verified: {}", visible(claim, LONGEST_TEXT)));
    }
    if let Some(last) = result.exchanges.last() {
        text.push_str(&format!("\nplatform: {}", visible(&last.conclusion, LONGEST_TEXT)));
    }
    text.push_str(&format!("\nfix: {}", visible(&result.fix, LONGEST_TEXT)));
    text.push_str(&format!("\nagain: {}", again(report, &result.id)));
    let mut object = located(&report.url, &visible(&result.group, LONGEST_ID), &id, level, &text);
    object["ruleIndex"] = json!(index);
    object["properties"] =
        json!({"status": look.id, "cause": cause.map(|it| visible(it.id, LONGEST_ID))});
    Some(object)
}

fn located(url: &str, group: &str, id: &str, level: &str, text: &str) -> Value {
    json!({
        "ruleId": id,
        "level": level,
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": format!("check/{}/{}", segment(group), segment(id))},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": visible(url, LONGEST_URL), "kind": "resource"}],
        }],
        "partialFingerprints": {"caseOfEndpoint/v1": format!("{id} {}", visible(url, LONGEST_URL))},
    })
}

fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            // A dot alone or doubled would climb, so it is escaped as all else is.
            other => segment.push_str(&format!("%{other:02X}")),
        }
    }
    if segment.is_empty() { "-".to_owned() } else { segment }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::check::sample;

    fn parsed(report: &CheckReport) -> Value {
        serde_json::from_str(&log(report)).unwrap()
    }

    #[test]
    fn the_log_has_its_required_members() {
        for report in [sample::report(), sample::refused(), sample::hostile(), sample::clean()] {
            let log = parsed(&report);
            assert_eq!(log["version"], "2.1.0");
            let run = &log["runs"][0];
            let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
            for result in run["results"].as_array().unwrap() {
                let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
                assert_eq!(rules[index]["id"], result["ruleId"]);
                assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
                let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
                let place = place.as_str().unwrap();
                assert!(place.starts_with("check/") && !place.contains([' ', '<', '"', '\\']));
                assert_eq!(place.matches('/').count(), 2, "{place}");
            }
            assert!(rules.iter().all(|rule| rule["help"]["text"].is_string()));
        }
    }

    #[test]
    fn what_is_to_be_looked_at_is_a_result() {
        let log = parsed(&sample::report());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let levels: Vec<_> = results
            .iter()
            .map(|result| (result["ruleId"].as_str().unwrap(), result["level"].as_str().unwrap()))
            .collect();
        assert_eq!(
            levels,
            [
                ("auth-no-sign", "error"),
                ("interop-iso-times", "warning"),
                ("idem-twenty", "note"),
                ("idem-again", "note"),
                ("robust-1mb", "error"),
                ("retry-recovers", "warning"),
            ]
        );
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str()).collect();
        assert_eq!(ids.len(), 9);
        let refused = parsed(&sample::refused());
        assert_eq!(refused["runs"][0]["results"][0]["ruleId"], "refuses-control");
    }

    #[test]
    fn hidden_characters_are_escaped_and_sizes_bounded() {
        let text = log(&sample::hostile());
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\0']) && text.len() < 100_000);
    }
}
