//! The text for a person, JUnit, and what all forms keep to.

use std::time::Duration;

use jiff::Timestamp;

use super::text::Detail;
use super::*;
use crate::check::causes::tests::recorded;
use crate::check::explore::conclude;
use crate::check::report::{CaseResult, Endpoint, Exchange, Finding, Received, Status, Tries};
use crate::net::phases::Phases;
use crate::report::line::{Line, Width};
use crate::support::schema::Schemas;

fn texts(lines: &[Line]) -> String {
    let text = |line: &Line| -> String {
        let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
        text.trim_end().to_owned() + "\n"
    };
    lines.iter().map(text).collect()
}

#[test]
fn a_person_reads_a_table_and_then_the_failures() {
    let shown = texts(&text::lines(&sample::report(), Detail::Whole, Width::Endless));
    let expected = include_str!("sample.txt");
    assert!(shown == expected, "\n{shown}");
}

#[test]
fn the_verdict_on_the_endpoint_comes_first() {
    let refused = texts(&text::lines(&sample::refused(), Detail::Whole, Width::Endless));
    let mut lines = refused.lines().skip(1);
    let verdict = "not shown to be safe: the known-good control is refused: the control got 0004 \
                   \"bad signature\" twice";
    assert_eq!(lines.next(), Some(verdict));
    assert_eq!(lines.nth(1), Some("? INCONCLUSIVE: the known-good control is refused"));
    assert!(refused.ends_with(&format!("{verdict}\n")));
    let all = CheckReport { endpoint: Endpoint::AcknowledgesEverything, ..sample::report() };
    let all = texts(&text::lines(&all, Detail::Whole, Width::Endless));
    assert!(all.contains("\n✗ ACKNOWLEDGES EVERYTHING\n"), "{all}");
    assert!(all.contains("(acknowledges everything; "), "{all}");
    let reason = "connection refused".to_owned();
    let endpoint = Endpoint::Unreachable { reason };
    let gone = CheckReport { endpoint, results: Vec::new(), ..sample::report() };
    let gone = texts(&text::lines(&gone, Detail::Whole, Width::Endless));
    assert!(gone.contains("? UNREACHABLE\n  connection refused\n"), "{gone}");
    assert!(gone.contains("no case was asked"), "{gone}");
}

#[test]
fn many_cases_that_say_the_same_are_one_line() {
    let mut report = sample::refused();
    for result in &mut report.results {
        result.group = "authenticity".to_owned();
    }
    let shown = texts(&text::lines(&report, Detail::Whole, Width::Endless));
    assert!(shown.contains("  ? 9 cases inconclusive: the control is refused\n"), "{shown}");
}

#[test]
fn on_a_terminal_every_line_but_urls_and_commands_fits() {
    for report in [sample::report(), sample::refused(), sample::hostile()] {
        for line in texts(&text::lines(&report, Detail::Whole, Width::Columns(80))).lines() {
            let is_long =
                ["check of", "  rerun ", "not s", "✗ ", "✗ FAILED", "! ", "~ FLAKY", "<script"]
                    .iter()
                    .any(|start| line.starts_with(start));
            // A long value is not broken.
            let is_value = line.split_whitespace().any(|word| word.chars().count() > 40);
            assert!(is_long || is_value || line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn what_holds_for_all_groups_is_said_once() {
    let mut report = sample::refused();
    report.results[0].group = "apart".to_owned();
    report.results[1].group = "apart".to_owned();
    report.results[1].summary = "the time of the check was over".to_owned();
    let count = report.results.len();
    let shown = texts(&text::lines(&report, Detail::Whole, Width::Endless));
    let once = format!("\n? {} cases inconclusive: the control is refused\n\napart", count - 1);
    assert!(shown.contains(&once), "{shown}");
    assert_eq!(shown.matches("the control is refused\n").count(), 1, "{shown}");
    assert!(shown.contains("inconclusive: the time of the check was over\n  ? 1 case"), "{shown}");
    assert!(shown.contains("\nidempotency  2 inconclusive\nrobustness  1 incon"), "{shown}");
    // Where the endpoint is as it should be, each case says for itself what is wrong.
    report.endpoint = Endpoint::Discerning;
    let shown = texts(&text::lines(&report, Detail::Whole, Width::Endless));
    assert!(shown.matches("the control is refused\n").count() > 1, "{shown}");
}

#[test]
fn a_terminal_cuts_titles_and_no_reason() {
    let mut report = sample::report();
    let reason = "the control after the case before was refused: ".repeat(4) + "0004";
    for result in &mut report.results {
        result.title = "a title that is longer than a terminal is wide ".repeat(3);
        result.summary.clone_from(&reason);
    }
    let table = |width| {
        let shown = texts(&text::lines(&report, Detail::Whole, width));
        shown.split("✗ FAILED").next().unwrap_or_default().to_owned()
    };
    let whole = table(Width::Endless);
    assert!(!whole.contains('…') && whole.contains(report.results[0].title.trim()), "{whole}");
    assert!(whole.contains(&format!("  inconclusive: {reason}\n")), "{whole}");
    let narrow = table(Width::Columns(60));
    assert!(narrow.contains("a title that is longer than a termin…\n"), "{narrow}");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&narrow).contains(&format!("inconclusive: {reason}")), "{narrow}");
    assert!(table(Width::Columns(1)).lines().count() > narrow.lines().count());
}

#[test]
fn hostile_text_is_visible_and_bounded_for_a_person() {
    let shown = texts(&text::lines(&sample::hostile(), Detail::Whole, Width::Endless));
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0', '\r']));
    assert!(shown.lines().count() < 400, "{}", shown.lines().count());
}

#[test]
fn before_and_while_it_runs_there_is_a_line() {
    let report = sample::report();
    let facts = CheckFacts {
        url: report.url.clone(),
        started_at: report.started_at,
        cases: 9,
        bound: 140,
        seed: 42,
        is_exploration: false,
    };
    assert_eq!(
        texts(&[text::ready_line(&facts)]),
        "checking http://127.0.0.1:8080/notify  9 cases, at most 140 requests, seed 42\n"
    );
    let ready: serde_json::Value = serde_json::from_str(&json::ready(&facts)).unwrap();
    assert_eq!(ready["requests_at_most"], 140);
}

/// The names of the elements in the order in which they open; fails where they do not nest.
fn elements(xml: &str) -> Vec<String> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("the end of a tag");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name = tag.trim_matches(['/', '?']).split([' ', '\n']).next().unwrap().to_owned();
        if tag.starts_with('?') {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            assert!(!tag.contains('<'), "{tag}");
            all.push(name.clone());
            open.extend((!tag.ends_with('/')).then_some(name));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn junit_tells_every_case_apart() {
    let xml = junit::xml(&sample::report());
    let all = elements(&xml);
    let count = |name: &str| all.iter().filter(|it| *it == name).count();
    // The endpoint and six groups.
    assert_eq!((count("testsuite"), count("testcase")), (7, 10), "{xml}");
    assert_eq!((count("failure"), count("error"), count("skipped")), (2, 1, 2), "{xml}");
    assert_eq!(count("flakyFailure"), 1, "{xml}");
    let claim = "<skipped message=\"not verified: whether the order was credited once; --observe";
    assert!(xml.contains(claim), "{xml}");
    assert!(xml.contains("message=\"inconclusive: the control after"), "{xml}");
    assert!(xml.contains("--only auth-no-sign"), "{xml}");
    let refused = junit::xml(&sample::refused());
    assert!(refused.contains("type=\"refuses-control\""), "{refused}");
    assert_eq!(elements(&refused).iter().filter(|it| *it == "error").count(), 10);
}

#[test]
fn junit_stays_well_formed_whatever_was_received() {
    let xml = junit::xml(&sample::hostile());
    assert_eq!(elements(&xml).iter().filter(|it| *it == "testcase").count(), 7);
    assert!(!xml.contains("<script") && !xml.contains("]]>"));
    assert!(!xml.contains(['\u{1b}', '\u{202e}', '\0', '\u{fffe}']) && xml.len() < 200_000);
}

#[test]
fn a_kind_is_read_by_its_name() {
    for (name, render) in REPORT_KINDS {
        assert_eq!(report_kind(name).map(|(known, _)| known), Ok(name));
        assert!(!render(&sample::report()).is_empty());
    }
    let unknown = report_kind("jnuit").unwrap_err();
    assert!(unknown.ends_with("(did you mean junit?)"), "{unknown}");
}

#[test]
fn an_exploration_is_told_as_a_timeline_in_every_form() {
    let report = sample::explored("A-1");
    let lines = text::lines(&report, text::Detail::Brief, Width::Endless);
    let shown = texts(&lines);
    for part in [
        "✗ broken: an order is booked at most once, and by the signed amount\n",
        "  0.000 s order A: A-1 → acknowledged\n",
        "  books  the order A-1 was credited twice\n",
        "  again  it fails 3 of 5 times: the moment decides; found after 9.20 s, 2 steps\n",
        "played: 12 histories, ",
        "2 histories inconclusive: the observer printed A-1\n",
    ] {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    for (name, render) in REPORT_KINDS {
        let form = render(&report);
        assert!(form.contains("booked-once"), "{name}: {form}");
    }
    let mut kept = report.explored.clone().unwrap();
    kept.found = None;
    let kept = conclude(sample::clean(), kept);
    let shown = texts(&text::lines(&kept, text::Detail::Brief, Width::Endless));
    for part in
        ["✓ no violation in 12 histories with 3 kills\n", "This is not a proof", "power cut"]
    {
        assert!(shown.contains(part), "{part:?} in\n{shown}");
    }
    let hostile = sample::explored(sample::HOSTILE);
    let shown = texts(&text::lines(&hostile, text::Detail::Brief, Width::Endless));
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\0']), "{shown}");
}

#[test]
fn every_line_is_valid_by_its_schema() {
    let mut schemas = Schemas::read();
    let mut check = |text: &str| schemas.check_text(text);
    let url = "http://localhost/".to_owned();
    let started_at = Timestamp::UNIX_EPOCH;
    check(&json::ready(&CheckFacts {
        url: url.clone(),
        started_at,
        cases: 2,
        bound: 9,
        seed: 1,
        is_exploration: false,
    }));
    let exchange = |received| Exchange {
        label: String::new(),
        method: "POST".to_owned(),
        headers: vec![("a".to_owned(), String::new())],
        body: b"\xff".to_vec(),
        manner: "chunked".to_owned(),
        received,
        conclusion: "not acknowledged".to_owned(),
        elapsed: Duration::from_millis(1),
        phases: Phases::default(),
    };
    let reply = Received { status: 500, content_type: None, body: b"busy".to_vec() };
    let statuses =
        [Status::Passed, Status::Failed, Status::Warned, Status::Skipped, Status::Inconclusive];
    let results = statuses.map(|status| CaseResult {
        id: "auth-no-sign".to_owned(),
        group: "authenticity".to_owned(),
        title: "no sign".to_owned(),
        status,
        finding: Finding::Refused,
        tries: if status == Status::Passed { Tries::PassedOnSecond } else { Tries::FailedTwice },
        summary: String::new(),
        why: String::new(),
        fix: String::new(),
        unseen: (status == Status::Passed).then(|| "the effect".to_owned()),
        exchanges: vec![exchange(Ok(reply.clone())), exchange(Err("closed".to_owned()))],
        elapsed: Duration::from_millis(2),
    });
    results.iter().for_each(|result| check(&json::case(result)));
    let reason = "refused".to_owned();
    for endpoint in [
        Endpoint::Discerning,
        Endpoint::AcknowledgesEverything,
        Endpoint::RefusesControl { reason: reason.clone() },
        Endpoint::Unreachable { reason },
    ] {
        check(&json::check(&CheckReport {
            url: url.clone(),
            started_at,
            elapsed: Duration::from_secs(1),
            endpoint,
            results: results.to_vec(),
            requests: 3,
            bound: 9,
            seed: u64::MAX,
            options: Vec::new(),
            explored: None,
        }));
    }
    check(&json::check(&sample::explored("A-1")));
    schemas.assert_checked(&["ready", "case", "check"]);
}

/// A screen for the right ones, two at most for the others.
#[test]
fn recorded_merchants_have_their_bug_in_the_headline() {
    let (mut all, mut in_full, mut long) = (String::new(), String::new(), String::new());
    for recorded in recorded() {
        let (name, bug) = (recorded.merchant.clone(), recorded.bug.clone());
        let report = recorded.report();
        let shown = texts(&text::lines(&report, Detail::Brief, Width::Endless));
        let most = match (&*name, &bug) {
            (_, None) => 15,
            ("no_verify" | "ack_bad_sign", _) => 60,
            _ => 40,
        };
        long += &match shown.lines().count() {
            count if count < most => String::new(),
            count => format!("{name}: {count}\n{shown}"),
        };
        let verdict = shown.lines().nth(1).unwrap_or_default();
        all += &format!("{name}: {}\n  {verdict}\n", bug.as_deref().unwrap_or("right"));
        in_full +=
            if matches!(&*name, "express" | "no_verify" | "dup_refund") { &shown } else { "" };
    }
    assert!(long.is_empty(), "{long}");
    all += &format!("\n{in_full}");
    let expected = include_str!("recorded.txt");
    assert!(all == expected, "\n{all}");
}
