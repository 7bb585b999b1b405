//! A check in the Test Anything Protocol, version 14.

use std::fmt::Write as _;

use serde_json::Value;

use super::shown::{LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, status, visible};
use super::standing::{Standing, again, endpoint_name, headline, unverified};
use crate::check::causes::{Cause, cause_of, causes};
use crate::check::report::{CaseResult, CheckReport};
use crate::report::json::plain_json;
use crate::report::text::milliseconds;

pub fn text(report: &CheckReport) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.results.len() + 1);
    let url = visible(&report.url, LONGEST_URL);
    match headline(&report.endpoint) {
        None => {
            let _ = writeln!(
                text,
                "ok 1 - endpoint: {}",
                escaped(&format!("tells good from bad: {url}"))
            );
        }
        Some(headline) => {
            let _ = writeln!(text, "not ok 1 - endpoint: {}", escaped(headline.title));
            let fields = [
                ("status", headline.standing.look().name.into()),
                ("endpoint", endpoint_name(&report.endpoint).into()),
                ("url", url.into()),
                ("message", visible(&headline.reason, LONGEST_TEXT).into()),
                ("fix", headline.advice.into()),
            ];
            diagnostic(&mut text, &fields);
        }
    }
    let causes = causes(report);
    for (number, result) in (2..).zip(&report.results) {
        point(&mut text, (number, cause_of(&causes, result)), report, result);
    }
    text
}

fn point(
    text: &mut String,
    (number, cause): (usize, Option<&Cause>),
    report: &CheckReport,
    result: &CaseResult,
) {
    let standing = Standing::of(result);
    let look = standing.look();
    let summary = escaped(&visible(&result.summary, LONGEST_TITLE));
    let claim = unverified(result).map(|claim| escaped(&visible(claim, LONGEST_TITLE)));
    let (ok, directive) = match (standing, claim) {
        (Standing::Flaky, Some(claim)) => ("ok", format!(" # SKIP flaky, not verified: {claim}")),
        (_, Some(claim)) => ("ok", format!(" # SKIP not verified: {claim}")),
        (Standing::Passed, None) => ("ok", String::new()),
        (Standing::Flaky, None) => ("ok", format!(" # {}", look.name)),
        (Standing::Failed, None) => ("not ok", String::new()),
        (Standing::Inconclusive, None) => ("not ok", format!(" # {}", look.name)),
        // A harness shows it and does not count it as a failure.
        (Standing::Warned, None) => ("not ok", format!(" # TODO {}: {summary}", look.name)),
        (Standing::Skipped | Standing::Unverified, None) => ("ok", format!(" # SKIP {summary}")),
    };
    let id = escaped(&visible(&result.id, LONGEST_ID));
    let title = escaped(&visible(&result.title, LONGEST_TITLE));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{ok} {number} - {id}: {title}{directive}");
    if matches!(standing, Standing::Passed | Standing::Unverified | Standing::Skipped) {
        return;
    }
    let mut fields: Vec<(&str, Value)> = vec![
        ("status", look.name.into()),
        ("group", visible(&result.group, LONGEST_ID).into()),
        ("message", visible(&result.summary, LONGEST_TEXT).into()),
    ];
    if let Some(cause) = cause {
        fields.push(("cause", visible(&cause.title, LONGEST_TEXT).into()));
    }
    if let Some(last) = result.exchanges.last() {
        let received = match &last.received {
            Ok(received) => status(received),
            Err(why) => format!("no reply: {}", visible(why, LONGEST_TITLE)),
        };
        fields.push(("received", received.into()));
        fields.push(("platform", visible(&last.conclusion, LONGEST_TEXT).into()));
    }
    fields.extend([
        ("why", visible(&result.why, LONGEST_TEXT).into()),
        ("fix", visible(&result.fix, LONGEST_TEXT).into()),
        ("again", again(report, &result.id).into()),
        ("duration_ms", milliseconds(result.elapsed).into()),
    ]);
    diagnostic(text, &fields);
}

fn diagnostic(text: &mut String, fields: &[(&str, Value)]) {
    text.push_str("  ---\n");
    for (name, value) in fields {
        let _ = writeln!(text, "  {name}: {}", plain_json(value.to_string()));
    }
    text.push_str("  ...\n");
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('#', r"\#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::sample;

    #[test]
    fn each_case_is_a_test_point() {
        let text = text(&sample::report());
        let points: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(
            points,
            [
                "TAP version 14",
                "1..10",
                "ok 1 - endpoint: tells good from bad: http://127.0.0.1:8080/notify",
                "ok 2 - reach-connect: The endpoint takes connections",
                "ok 3 - reach-tls: The certificate chain is whole # SKIP the URL is not https",
                "ok 4 - auth-wrong-key: Another key's signature is refused",
                "not ok 5 - auth-no-sign: A notification without sign is refused",
                "not ok 6 - interop-iso-times: ISO 8601 times are acknowledged # TODO warned: refused with 0002",
                "ok 7 - idem-twenty: Twenty at once are credited once # flaky",
                "ok 8 - idem-again: The same notification again is acknowledged # SKIP not verified: whether the order was credited once; --observe shows it",
                "not ok 9 - robust-1mb: A body of one megabyte is refused in order",
                "not ok 10 - retry-recovers: A merchant that recovers is acknowledged # inconclusive",
            ]
        );
        assert!(text.contains("  platform: \"acknowledged\"\n"), "{text}");
    }

    #[test]
    fn an_endpoint_without_a_verdict_is_not_ok() {
        assert!(text(&sample::refused()).contains("\nnot ok 1 - endpoint: INCONCLUSIVE"));
    }

    #[test]
    fn received_text_makes_no_points_and_no_directives() {
        let text = text(&sample::hostile());
        let points =
            text.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok"));
        assert_eq!(points.clone().count(), 7);
        // One is skipped, and two are not verified.
        assert_eq!(points.filter(|line| line.contains(" # SKIP")).count(), 3, "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\0', '\r']) && text.len() < 60_000);
        let other = text.lines().filter(|line| line.starts_with("  "));
        assert!(other.clone().all(|line| line.contains(": ") || matches!(line, "  ---" | "  ...")));
    }
}
