//! Reports for tests: one with every kind of result, and one in which everything is hostile.

use std::time::Duration;

use jiff::Timestamp;

use crate::check::explore::coverage::Coverage;
use crate::check::explore::laws::Law;
use crate::check::explore::{Explored, FoundViolation, Grammar, conclude, draw};
use crate::check::report::{
    CaseResult, CheckReport, Endpoint, Exchange, Finding, Received, Status, Tries,
};
use crate::net::phases::{AttemptPhase, Phases};

/// A text that would break out of every form: markup, terminal escapes, workflow commands, TAP
/// directives, YAML ends, and a bidi override.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script>&\"]]>\u{1b}[2J\r\n::error::x\n##[error]x\n...\nok 1 # SKIP\n\
     \u{202e}\0\u{fffe}%0A,:|`";

fn result(group: &str, id: &str, title: &str, status: Status, summary: &str) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        group: group.to_owned(),
        title: title.to_owned(),
        status,
        finding: match status {
            Status::Failed => Finding::Acknowledged,
            Status::Warned => Finding::Refused,
            _ => Finding::Nothing,
        },
        tries: Tries::Once,
        summary: summary.to_owned(),
        why: "An order can be settled by anyone who finds the URL, and the money is gone."
            .to_owned(),
        fix: "Compute the digest over every field received and compare it with `sign`.".to_owned(),
        unseen: None,
        exchanges: Vec::new(),
        elapsed: Duration::from_millis(12),
    }
}

pub(crate) fn exchange(body: &[u8], received: Result<Received, String>) -> Exchange {
    Exchange {
        label: String::new(),
        method: "POST".to_owned(),
        headers: Vec::new(),
        body: body.to_vec(),
        manner: String::new(),
        received,
        conclusion: "acknowledged".to_owned(),
        elapsed: Duration::from_millis(7),
        phases: Phases::default()
            .with(AttemptPhase::Connect, 200)
            .with(AttemptPhase::Send, 30)
            .with(AttemptPhase::FirstByte, 6_500),
    }
}

pub(crate) fn received(status: u16, content_type: &str, body: &str) -> Received {
    Received { status, content_type: Some(content_type.to_owned()), body: body.as_bytes().to_vec() }
}

/// An exploration: one law broken, the others kept, some histories without a conclusion.
pub(crate) fn explored(text: &str) -> CheckReport {
    let history = draw(1, 0, Grammar { has_signals: true, has_disk: true });
    let mut coverage = Coverage::default();
    coverage.add(&history);
    coverage.histories = 12;
    coverage.faults.insert("kill after".to_owned(), 3);
    let law = Law::BookedOnce;
    let first = exchange(b"{}", Ok(received(200, "application/json", "{}")));
    let found = FoundViolation {
        law,
        what: format!("the order {text} was credited twice"),
        exchanges: vec![Exchange { label: format!("0.000 s order A: {text}"), ..first }],
        steps: 2,
        failed: 3,
        replays: 5,
        is_cut_down: true,
        after: Duration::from_millis(9_200),
        case: history.case(law.id(), (law.title(), law.why(), law.fix())),
    };
    let inconclusive = vec![(format!("the observer printed {text}"), 2)];
    let explored = Explored { coverage, inconclusive, found: Some(found) };
    conclude(CheckReport { results: Vec::new(), seed: 7, ..clean() }, explored)
}

pub(crate) fn report() -> CheckReport {
    let acknowledgement = received(200, "application/json", "{\"error_code\":\"0000\"}");
    let body = br#"{"payout_id":"CHECK-7f3a01","payout_cl_id":"CHECK-7f3a01-cl","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;
    let mut failed = result(
        "authenticity",
        "auth-no-sign",
        "A notification without sign is refused",
        Status::Failed,
        "acknowledged a notification without a sign",
    );
    failed.exchanges = vec![Exchange {
        label: "without sign".to_owned(),
        headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
        manner: "chunked".to_owned(),
        ..exchange(body, Ok(acknowledgement))
    }];
    let mut twice = result(
        "robustness",
        "robust-1mb",
        "A body of one megabyte is refused in order",
        Status::Failed,
        "the connection was closed without a reply",
    );
    twice.tries = Tries::FailedTwice;
    twice.exchanges = vec![Exchange {
        conclusion: "not acknowledged: connection closed".to_owned(),
        ..exchange(&b"x".repeat(1 << 20), Err("connection closed before a reply".to_owned()))
    }];
    let mut flaky = result(
        "idempotency",
        "idem-twenty",
        "Twenty at once are credited once",
        Status::Passed,
        "one of 20 was answered with 500 at first; on the second try all were in order",
    );
    flaky.tries = Tries::PassedOnSecond;
    let mut unseen = result(
        "idempotency",
        "idem-again",
        "The same notification again is acknowledged",
        Status::Passed,
        "acknowledged both times",
    );
    unseen.unseen = Some("whether the order was credited once; --observe shows it".to_owned());
    let results = vec![
        result(
            "reachability",
            "reach-connect",
            "The endpoint takes connections",
            Status::Passed,
            "connected in 0.4 ms",
        ),
        result(
            "reachability",
            "reach-tls",
            "The certificate chain is whole",
            Status::Skipped,
            "the URL is not https",
        ),
        result(
            "authenticity",
            "auth-wrong-key",
            "Another key's signature is refused",
            Status::Passed,
            "refused with 0004",
        ),
        failed,
        result(
            "interoperability",
            "interop-iso-times",
            "ISO 8601 times are acknowledged",
            Status::Warned,
            "refused with 0002",
        ),
        flaky,
        unseen,
        twice,
        result(
            "retry",
            "retry-recovers",
            "A merchant that recovers is acknowledged",
            Status::Inconclusive,
            "the control after the case before was refused",
        ),
    ];
    CheckReport {
        url: "http://127.0.0.1:8080/notify".to_owned(),
        started_at: Timestamp::from_second(1_567_614_111).unwrap(),
        elapsed: Duration::from_millis(3_140),
        endpoint: Endpoint::Discerning,
        results,
        requests: 62,
        bound: 140,
        seed: 42,
        options: Vec::new(),
        explored: None,
    }
}

pub(crate) fn clean() -> CheckReport {
    let results = report().results.into_iter().filter(|result| result.status == Status::Passed);
    CheckReport { results: results.collect(), ..report() }
}

/// The control was refused, so that nothing is known.
pub(crate) fn refused() -> CheckReport {
    let mut report = report();
    let reason = "the control got 0004 \"bad signature\" twice".to_owned();
    for result in &mut report.results {
        result.status = Status::Inconclusive;
        result.finding = Finding::Nothing;
        result.tries = Tries::Once;
        result.summary = "the control is refused".to_owned();
        result.exchanges = Vec::new();
    }
    CheckReport { endpoint: Endpoint::RefusesControl { reason }, ..report }
}

pub(crate) fn hostile() -> CheckReport {
    let text = || HOSTILE.to_owned();
    let hostile = |status, tries| CaseResult {
        id: text(),
        group: text(),
        title: text(),
        status,
        finding: if status == Status::Passed { Finding::Nothing } else { Finding::Misbooked },
        tries,
        summary: format!("{HOSTILE}{}", "y".repeat(1 << 20)),
        why: text(),
        fix: text(),
        unseen: Some(text()),
        exchanges: vec![
            Exchange {
                label: text(),
                method: text(),
                headers: vec![(text(), text()); 100],
                body: [HOSTILE.as_bytes(), b"\xff\xfe", &b"z".repeat(1 << 20)].concat(),
                manner: text(),
                received: Ok(Received {
                    status: 65_535,
                    content_type: Some(text()),
                    body: HOSTILE.repeat(10_000).into_bytes(),
                }),
                conclusion: text(),
                elapsed: Duration::MAX,
                phases: Phases::default()
                    .with(AttemptPhase::FirstByte, u32::MAX)
                    .failed_in(AttemptPhase::FirstByte),
            },
            Exchange { conclusion: text(), ..exchange(b"", Err(text())) },
        ],
        elapsed: Duration::MAX,
    };
    let statuses =
        [Status::Passed, Status::Failed, Status::Warned, Status::Skipped, Status::Inconclusive];
    let mut results: Vec<CaseResult> =
        statuses.map(|status| hostile(status, Tries::FailedTwice)).into();
    results.push(hostile(Status::Passed, Tries::PassedOnSecond));
    CheckReport {
        url: format!("http://h/{HOSTILE}"),
        endpoint: Endpoint::RefusesControl { reason: text() },
        results,
        elapsed: Duration::MAX,
        ..report()
    }
}
