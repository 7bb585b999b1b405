//! Causes of recorded results: of each merchant what did not pass.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::*;
use crate::check::case::Need;
use crate::check::report::{Exchange, Received, RunOption};
use crate::check::suite::Suite;
use crate::net::phases::Phases;

const RECORDED: &str = include_str!("../../../fixtures/check/recorded.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    pub(crate) merchant: String,
    /// What is wrong with it; nothing where it is right.
    pub(crate) bug: Option<String>,
    endpoint: String,
    #[serde(default)]
    reason: String,
    results: Vec<RecordedResult>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedResult {
    id: String,
    status: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    finding: Finding,
    tries: Option<String>,
    #[serde(default)]
    sent: String,
    reply: Option<(u16, Option<String>, String)>,
    #[serde(default)]
    conclusion: String,
}

pub(crate) fn recorded() -> Vec<Recorded> {
    let parse = |line| serde_json::from_str(line).expect("a recorded merchant");
    RECORDED.lines().map(parse).collect()
}

impl Recorded {
    /// The report as it was, with every case that is not recorded as passed.
    pub(crate) fn report(self) -> CheckReport {
        let Recorded { endpoint, reason, results, .. } = self;
        let mut report = CheckReport {
            url: "http://127.0.0.1:8080/notify".to_owned(),
            started_at: Timestamp::from_second(1_567_614_111).unwrap(),
            elapsed: Duration::from_millis(3_140),
            explored: None,
            endpoint: match endpoint.as_str() {
                "discerning" => Endpoint::Discerning,
                "acknowledges-everything" => Endpoint::AcknowledgesEverything,
                "refuses-control" => Endpoint::RefusesControl { reason },
                "books-nothing" => Endpoint::BooksNothing { reason },
                "unreachable" => Endpoint::Unreachable { reason },
                other => panic!("{other}"),
            },
            results: Suite::built_in()
                .cases
                .into_iter()
                // The recorded checks had no such key.
                .filter(|case| !case.needs.contains(&Need::RetiredKey))
                .map(|case| passed(case.id, case.group, case.title, case.why, case.fix))
                .collect(),
            requests: 400,
            bound: 1_358,
            seed: 7,
            options: vec![RunOption {
                name: "--observe".to_owned(),
                value: Some("python3 books.py".to_owned()),
            }],
        };
        for one in results {
            one.apply(&mut report.results);
        }
        explain(&mut report);
        report
    }
}

fn passed(id: String, group: String, title: String, why: String, fix: String) -> CaseResult {
    CaseResult {
        id,
        group,
        title,
        status: Status::Passed,
        finding: Finding::Nothing,
        tries: Tries::Once,
        summary: "acknowledged".to_owned(),
        why,
        fix,
        unseen: None,
        exchanges: Vec::new(),
        elapsed: Duration::from_millis(12),
    }
}

impl RecordedResult {
    fn apply(self, results: &mut [CaseResult]) {
        let result = results.iter_mut().find(|it| it.id == self.id);
        let result = result.unwrap_or_else(|| panic!("{} is not a case", self.id));
        result.status = match self.status.as_str() {
            "passed" => Status::Passed,
            "failed" => Status::Failed,
            "warned" => Status::Warned,
            "skipped" => Status::Skipped,
            _ => Status::Inconclusive,
        };
        result.tries = match self.tries.as_deref() {
            None => Tries::Once,
            Some("passed-on-second") => Tries::PassedOnSecond,
            Some(_) => Tries::FailedTwice,
        };
        (result.finding, result.summary) = (self.finding, self.summary);
        if !self.conclusion.is_empty() {
            result.exchanges = vec![Exchange {
                label: String::new(),
                method: "POST".to_owned(),
                headers: Vec::new(),
                body: self.sent.into_bytes(),
                manner: String::new(),
                received: match self.reply {
                    Some((status, content_type, body)) => {
                        Ok(Received { status, content_type, body: body.into_bytes() })
                    }
                    None => Err(self.conclusion.clone()),
                },
                conclusion: self.conclusion,
                elapsed: Duration::from_millis(7),
                phases: Phases::default(),
            }];
        }
    }
}

#[test]
fn patterns_have_one_star_at_most() {
    assert!(fits("a|idem-*-at-once", "idem-failure-at-once"));
    assert!(fits("auth-*", "auth-") && fits("*", "") && fits("a", "a"));
    assert!(!fits("idem-*-at-once", "idem-at-once") && !fits("a|b", "ab"));
    for rule in RULES {
        let all = rule.evidence.iter().copied().chain([rule.explains]);
        for pattern in all.flat_map(|it| it.split('|')) {
            assert!(pattern.matches('*').count() <= 1, "{pattern}");
        }
    }
}

#[test]
fn every_pattern_names_a_case() {
    let suite = Suite::built_in();
    for rule in RULES {
        let all = rule.evidence.iter().copied().chain([rule.explains]);
        for pattern in all.flat_map(|it| it.split('|')) {
            assert!(suite.cases.iter().any(|case| fits(pattern, &case.id)), "{pattern}");
        }
    }
}

#[test]
fn every_finding_has_one_cause() {
    for recorded in recorded() {
        let name = recorded.merchant.clone();
        let report = recorded.report();
        let causes = causes(&report);
        for result in &report.results {
            let is_found = matches!(result.status, Status::Failed | Status::Warned);
            let count = causes.iter().filter(|one| one.cases.iter().any(|it| it.id == result.id));
            assert_eq!(
                count.count(),
                usize::from(is_found || result.tries == Tries::PassedOnSecond),
                "{name}: {}",
                result.id
            );
        }
        assert!(causes.iter().all(|cause| !cause.title.contains('{')), "{name}");
    }
}

fn results(of: &[(&str, Finding, Status, &str)]) -> CheckReport {
    let mut report = recorded().remove(0).report();
    report.results.retain_mut(|result| {
        let found = of.iter().find(|(id, ..)| *id == result.id);
        if let Some((_, finding, status, summary)) = found {
            (result.finding, result.status) = (*finding, *status);
            (result.exchanges, result.summary) = (Vec::new(), (*summary).to_owned());
        }
        found.is_some()
    });
    report
}

/// The causes as `id: title [cases]`.
fn named(of: &[(&str, Finding, Status, &str)]) -> Vec<String> {
    let report = results(of);
    let name = |cause: &Cause| {
        let ids: Vec<&str> = cause.cases.iter().map(|one| one.id.as_str()).collect();
        format!("{}: {} {ids:?}", cause.id, cause.title)
    };
    causes(&report).iter().map(name).collect()
}

const FORGED: &str = "it was acknowledged, and must not be";

#[test]
fn a_cause_needs_its_evidence() {
    use Finding::Acknowledged;
    use Status::Failed;
    let no_sign = ("auth-no-sign", Acknowledged, Failed, FORGED);
    let other_key = ("auth-wrong-key", Acknowledged, Failed, FORGED);
    let amount = ("auth-changed-amount", Acknowledged, Failed, FORGED);
    let fee = ("auth-changed-fee", Acknowledged, Failed, FORGED);
    assert_eq!(
        named(&[no_sign, amount, other_key]),
        [
            r#"no-verification: does not verify the signature ["auth-no-sign", "auth-wrong-key", "auth-changed-amount"]"#
        ]
    );
    assert_eq!(
        named(&[amount, other_key]),
        [
            r#"any-signature: accepts a signature made with another key ["auth-wrong-key", "auth-changed-amount"]"#
        ]
    );
    assert_eq!(
        named(&[no_sign, amount, fee]),
        [
            r#"unsigned: accepts notifications without a signature ["auth-no-sign"]"#,
            r#"unverified-fields: does not verify amount and fee ["auth-changed-amount", "auth-changed-fee"]"#,
        ]
    );
}

#[test]
fn the_same_case_has_another_cause_where_other_things_were_found() {
    use Status::Failed;
    let of = |finding, summary| named(&[("ack-failed", finding, Failed, summary)]);
    let first = |finding, summary| of(finding, summary).remove(0);
    let refused = first(Finding::Refused, "not acknowledged: status 400 is not 2xx");
    assert!(refused.starts_with("failure-refused: does not acknowledge failed"), "{refused}");
    let lost = first(
        Finding::NotBooked,
        "the order CHECK-1 was not refunded, although it was acknowledged",
    );
    assert!(lost.starts_with("failure-not-booked: acknowledges a failed"), "{lost}");
    let twice = first(Finding::Misbooked, "the order CHECK-1 was credited once");
    assert!(
        twice.starts_with("failure-misbooked: credits a failed payout wrongly: credited once"),
        "{twice}"
    );
    let report = results(&[("ack-failed", Finding::NotBooked, Failed, "")]);
    assert_ne!(causes(&report)[0].why, report.results[0].why);
}

#[test]
fn what_no_rule_groups_is_a_cause_of_its_own() {
    let own = named(&[
        ("robust-deep", Finding::Broken, Status::Failed, "afterwards a good one is refused"),
        (
            "reach-redirect",
            Finding::Reachability,
            Status::Failed,
            "a POST is answered with a redirect",
        ),
        ("idem-ids-case", Finding::NotBooked, Status::Warned, "the order CHECK-A was not credited"),
    ]);
    assert_eq!(own.len(), 3);
    assert!(
        own[0].starts_with("robust-deep: does not acknowledge good notifications any more after ")
    );
    assert!(own[1].starts_with("reach-redirect: a POST is answered with a redirect "));
    assert!(own[2].starts_with("idem-ids-case: acknowledges what it does not book: "));
}

#[test]
fn the_money_of_an_order_is_named_as_the_observer_shows_it() {
    assert_eq!(
        booked("forged: the order CHECK-a b was refunded twice; why"),
        Some("refunded twice")
    );
    assert_eq!(booked("the order CHECK-1 was not credited, although"), Some("not credited"));
    assert_eq!(booked("status 500"), None);
}

#[test]
fn a_case_that_was_not_tested_is_folded_into_what_hid_it() {
    let report = results(&[
        ("ack-failed", Finding::Refused, Status::Failed, "not acknowledged: status 400"),
        (
            "idem-failure-again",
            Finding::Nothing,
            Status::Skipped,
            "not tested: see ack-failed: not acknowledged",
        ),
    ]);
    let causes = causes(&report);
    assert_eq!((causes.len(), causes[0].untested.len()), (1, 1));
    assert!(cause_of(&causes, &report.results[1]).is_some());
}

#[test]
fn nothing_was_booked_only_where_it_was_observed() {
    let mut report = results(&[(
        "robust-malformed",
        Finding::Harmless,
        Status::Warned,
        "status 500: it failed",
    )]);
    report.options.clear();
    let is_said = |report: &CheckReport| causes(report)[0].title.contains("nothing was booked");
    assert!(!is_said(&report));
    let value = Some("cat books".to_owned());
    report.options.push(RunOption { name: "--observe".to_owned(), value });
    assert!(is_said(&report));
    for result in &mut report.results {
        result.unseen = Some("the observer took more than 10 s".to_owned());
    }
    assert!(!is_said(&report));
}

#[test]
fn a_refused_new_field_is_not_an_accepted_one() {
    let new = ("interop-unknown-fields", Finding::Refused, Status::Failed, "not acknowledged");
    let added = ("auth-added-field", Finding::Acknowledged, Status::Failed, FORGED);
    assert!(named(&[new])[0].starts_with("new-fields: refuses valid notifications with a field"));
    let both = named(&[new, added]);
    assert_eq!(both.len(), 1, "{both:?}");
    assert!(both[0].starts_with("known-fields-only: verifies only the fields that it knows "));
}
