use std::fmt::Write as _;

use jiff::Timestamp;
use protocol::internal::dialect::DIALECTS;
use protocol::internal::form;
use protocol::internal::signature::{Answer, verify};
use protocol::{Algorithm, Dialect, Key, Payload, StatusTable};

use super::*;
use crate::check::case::{Case, Need, Severity};
use crate::check::recipe::{History, ORDER_PREFIX, Recipe, Workshop};
use crate::support::docs::{assert_table, cell};

/// The built-in suite, with the error where a file has one.
fn built_in() -> Suite {
    let files: Vec<(String, String)> =
        BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Suite::read_folder(&files).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_built_in_case_loads_under_a_name_of_its_own() {
    assert_eq!(Suite::built_in(), built_in());
    assert_eq!(built_in().groups(), BUILT_IN.map(|(name, _)| name.trim_end_matches(".toml")));
}

#[test]
fn cases_are_chosen_by_group_name_and_beginning() {
    let suite = built_in();
    let ids = |only: &[&str], skip: &[&str]| {
        let owned =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        suite
            .select(&owned(only), &owned(skip))
            .map(|suite| suite.cases.into_iter().map(|case| case.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(&[], &[]).unwrap().len(), suite.cases.len());
    assert_eq!(ids(&["ack-success"], &[]).unwrap(), ["ack-success"]);
    assert!(ids(&["auth*"], &["auth-no-sign"]).unwrap().iter().all(|id| id != "auth-no-sign"));
    assert_eq!(ids(&["authenticity"], &["auth-*"]).unwrap(), [""; 0]);
    assert_eq!(
        ids(&["athenticity"], &[]).unwrap_err().to_string(),
        "there is no case or group \"athenticity\"; did you mean authenticity?"
    );
    assert!(ids(&[], &["zzz*"]).is_err());
}

#[test]
fn suites_are_joined_where_no_name_stands_twice() {
    let own = r#"
        group = "own"
        [[case]]
        id = "own-case"
        title = "t"
        why = "w"
        fix = "f"
        make = ["success", "sign"]
        expect = "acknowledged"
    "#;
    let own = Suite::read_folder(&[("own.toml".to_owned(), own.to_owned())]).unwrap();
    let joined = built_in().joined(own.clone()).unwrap();
    assert_eq!(joined.cases.len(), built_in().cases.len() + 1);
    assert_eq!(joined.joined(own), Err(SuiteError::SameName("own-case".to_owned())));
}

/// The bodies of a case's messages, in order; empty for a probe.
fn bodies(case: &Case, algorithm: Algorithm) -> Vec<Vec<u8>> {
    let statuses = StatusTable::default();
    let mut workshop =
        Workshop::try_new(key(), Dialect::platform(), algorithm, 1, statuses).unwrap();
    workshop.retired_key = Key::try_new("TheKeyBeforeThisOne").ok();
    let mut history = History::new(&case.id);
    let now = Timestamp::from_second(1_567_614_111).unwrap();
    workshop.message(&Recipe::control(), now, &mut History::new("control")).unwrap();
    let steps = match &case.work {
        Work::Send(steps) => steps.as_slice(),
        Work::Retry(step) => std::slice::from_ref(step),
        Work::Probe(_) => &[],
    };
    steps
        .iter()
        .map(|step| {
            let message = workshop.message(&step.recipe, now, &mut history);
            let message = message.unwrap_or_else(|error| panic!("{}: {error}", case.id));
            assert!(message.order_id.starts_with(ORDER_PREFIX), "{}", case.id);
            message.body
        })
        .collect()
}

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
}

fn verifies(body: &[u8], required: Option<Algorithm>) -> bool {
    Payload::parse(body).is_ok_and(|payload| {
        verify(&payload, &key(), Dialect::platform(), required).answer == Answer::Match
    })
}

/// The cases of a group that can be asked with this digest.
fn asked(group: &str, algorithm: Algorithm) -> Vec<Case> {
    let cases = built_in().cases.into_iter().filter(|case| case.group == group);
    let needs_hmac =
        |case: &Case| case.needs.contains(&Need::Hmac) || case.needs.contains(&Need::HmacDemanded);
    cases.filter(|case| algorithm == Algorithm::HmacSha256 || !needs_hmac(case)).collect()
}

const BOTH: [Algorithm; 2] = [Algorithm::Md5, Algorithm::HmacSha256];

#[test]
fn what_must_be_acknowledged_verifies() {
    for algorithm in BOTH {
        for group in ["acknowledgement", "interoperability", "idempotency", "retry"] {
            for case in asked(group, algorithm) {
                let steps = match &case.work {
                    Work::Retry(step) => std::slice::from_ref(step),
                    _ => case.steps(),
                };
                for (step, body) in steps.iter().zip(bodies(&case, algorithm)) {
                    let is_signed = verifies(&body, Some(algorithm));
                    let is_good = !step.expect.is_bad() || step.label == "another amount";
                    assert_eq!(is_signed, is_good, "{}", case.id);
                }
            }
        }
    }
}

/// Notifications that verify and must be refused for another reason.
const REFUSED_THOUGH_SIGNED: [&str; 27] = [
    "auth-other-amount",
    "auth-failure-other-amount",
    "auth-unknown-status",
    "auth-status-letters",
    "auth-status-true",
    "auth-status-word",
    "auth-reserved-id",
    "auth-other-client-id",
    "auth-client-id-longer",
    "auth-other-payout-id",
    "auth-payout-id-zero",
    "auth-query-override",
    "auth-smaller-amount",
    "auth-amount-beside-real-amount",
    "auth-unknown-order",
    "auth-id-other-case",
    "auth-id-space",
    "auth-id-longer",
    "auth-id-wildcard",
    "auth-id-full-width",
    "auth-id-zero",
    "auth-no-status",
    "auth-twin-fee",
    "auth-twin-status",
    "auth-twin-real-amount",
    "auth-md5",
    "auth-md5-untyped",
];

#[test]
fn what_must_not_be_acknowledged_does_not_verify() {
    for algorithm in BOTH {
        for case in asked("authenticity", algorithm) {
            let last = bodies(&case, algorithm).pop().unwrap();
            let is_signed = REFUSED_THOUGH_SIGNED.contains(&case.id.as_str());
            assert_eq!(verifies(&last, None), is_signed, "{} {algorithm}", case.id);
            if case.needs.contains(&Need::HmacDemanded) {
                assert!(!verifies(&last, Some(Algorithm::HmacSha256)), "{}", case.id);
            }
            // A second try and a run after this one use other orders.
            // In whatever case and width the first letter is written.
            let text = String::from_utf8(last).unwrap().to_uppercase();
            assert!(text.is_empty() || text.contains("HECK-"), "{}", case.id);
        }
    }
}

#[test]
fn what_is_broken_does_not_verify() {
    for algorithm in BOTH {
        for case in asked("robustness", algorithm) {
            let is_good = case.title.starts_with("a good notification");
            let last = bodies(&case, algorithm).pop().unwrap();
            assert_eq!(verifies(&last, None), is_good, "{}", case.id);
        }
    }
}

#[test]
fn every_dialect_can_be_asked_what_is_not_the_platforms_own() {
    let now = Timestamp::from_second(1_567_614_111).unwrap();
    for dialect in &DIALECTS {
        for scheme in dialect.schemes.iter() {
            let statuses = StatusTable::default();
            let mut workshop =
                Workshop::try_new(key(), dialect, scheme.algorithm, 1, statuses).unwrap();
            workshop.retired_key = Key::try_new("TheKeyBeforeThisOne").ok();
            workshop.message(&Recipe::control(), now, &mut History::new("control")).unwrap();
            for case in built_in().cases {
                let Work::Send(steps) = &case.work else { continue };
                let is_signed = ["interoperability", "acknowledgement"].contains(&&*case.group);
                if case.needs.contains(&Need::PlatformDialect) {
                    continue;
                }
                let mut history = History::new(&case.id);
                if steps.iter().any(|step| workshop.cannot_send(&step.recipe).is_some()) {
                    continue;
                }
                for step in steps {
                    let message = workshop.message(&step.recipe, now, &mut history).unwrap();
                    if is_signed {
                        let encoding = dialect.layout.transport.encoding();
                        let payload = form::read(&message.body, encoding).unwrap();
                        let required = Some(scheme.algorithm);
                        let verification = verify(&payload, &key(), dialect, required);
                        assert_eq!(
                            verification.answer,
                            Answer::Match,
                            "{} {}",
                            case.id,
                            dialect.id
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_case_says_why_and_how_in_sentences() {
    for case in built_in().cases {
        for text in [&case.why, &case.fix] {
            assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", case.id);
        }
        assert!(!case.title.ends_with('.') && !case.title.is_empty(), "{}", case.id);
        let start = match case.group.as_str() {
            "reachability" => "reach-",
            "acknowledgement" => "ack-",
            "authenticity" => "auth-",
            "interoperability" => "interop-",
            "idempotency" => "idem-",
            "robustness" => "robust-",
            _ => "retry-",
        };
        assert!(case.id.starts_with(start), "{}", case.id);
    }
}

#[test]
fn the_fields_of_a_notification_are_changed_one_by_one() {
    let ids: Vec<String> = built_in().cases.into_iter().map(|case| case.id).collect();
    for field in [
        "payout-id",
        "payout-cl-id",
        "platform-id",
        "amount",
        "real-amount",
        "fee",
        "status",
        "create-time",
        "update-time",
        "error-msg",
    ] {
        assert!(ids.contains(&format!("auth-changed-{field}")), "{field}");
    }
}

#[test]
fn long_ids_share_all_but_their_last_characters() {
    let suite = built_in();
    let case = suite.cases.iter().find(|case| case.id == "interop-long-ids").unwrap();
    let body = bodies(case, Algorithm::Md5).pop().unwrap();
    let payload = Payload::parse(&body).unwrap();
    // The quotes count too. The merchant's id has one letter more, as in every case.
    for (name, length) in [("payout_id", 63 + 2), ("payout_cl_id", 64 + 2)] {
        assert_eq!(payload.get(name).unwrap().value_span().len(), length);
    }
}

#[test]
fn docs_list_every_built_in_case() {
    let (suite, mut expected) = (Suite::built_in(), String::new());
    for group in suite.groups() {
        let rows: Vec<&Case> = suite.cases.iter().filter(|case| case.group == group).collect();
        assert!(!rows.is_empty(), "{group}");
        let head = "| case | what it shows | severity | the fix |\n|---|---|---|---|";
        writeln!(expected, "\n### {group}\n\n{head}").unwrap();
        for case in rows {
            let severity = match case.severity {
                Severity::Fail => "fail",
                Severity::Warn => "warn",
            };
            let (title, fix) = (cell(&case.title), cell(&case.fix));
            writeln!(expected, "| `{}` | {title} | {severity} | {fix} |", case.id).unwrap();
        }
    }
    assert_table("check.md", "cases", &expected);
}
