//! The course of a run of many orders: its pace and waits, what a resume keeps of it, and bad rows.

use std::fs;

use payout_notify_protocol::Key;
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Merchant, Output, Program, Sandbox, Scripted, payout_notify,
};

const BUSY: Scripted = Scripted::Json(503, "busy");

/// A run of many orders, for a program.
fn run(url: &str, arguments: &[&str]) -> Program {
    payout_notify(&[&["simulate", url, "--format", "json"], arguments].concat()).key(KEY)
}

/// The lines of a type.
fn lines(output: &Output, kind: &str) -> Vec<Value> {
    output.json_lines().into_iter().filter(|line| line["type"] == kind).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// What stands for a key where the key may not be shown.
fn fingerprint(key: &str) -> String {
    Key::try_new(key.as_bytes().to_vec()).unwrap().fingerprint()
}

#[test]
fn a_resume_refuses_what_differs_from_the_journal_and_names_both() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE]), Sandbox::new());
    let (url, journal) = (merchant.url(), shared.work().join("run.journal"));
    let with = |arguments: &[&str]| run(&url, arguments).arg("--journal").arg(&journal).run();
    let began = [
        "--schedule=15s",
        "--speed=60x",
        "--seed=7",
        "--rate=100/s",
        "--ramp=10ms",
        "--jitter=10%",
    ];
    with(&[&["--count", "1"], &began[..]].concat()).exits(0);
    for (flag, given, kept) in [
        ("--schedule", "even", "15s"),
        ("--retries", "5", "1"),
        ("--window", "2h", "1h"),
        ("--speed", "2x", "60x"),
        ("--seed", "8", "7"),
        ("--rate", "50/s", "100/s"),
        ("--jitter", "20%", "10%"),
        ("--dialect", "epay", "platform"),
        ("--sign-type", "md5", "none"),
    ] {
        let output = with(&["--resume", &format!("{flag}={given}")]).exits(2);
        let told = format!("{flag} ({given})").replace("md5", "MD5");
        output.says(&["\"kind\":\"usage\""]).remarks(&[&told, &format!("({kept})"), "leave out"]);
    }
    with(&["--resume", "--rate=100/s", "--ramp=20ms"])
        .exits(2)
        .remarks(&["--ramp (20ms)", "(10ms)"]);
    with(&["--resume", "--honor-retry-after"]).exits(2).remarks(&["--honor-retry-after"]);
    with(&["--resume", "--set", "a=1"]).exits(2).remarks(&["--set"]);
    // Without a key it continues: the bodies are signed already.
    let other = run(&url, &["--resume"]).arg("--journal").arg(&journal);
    let unsigned = payout_notify(&["simulate", &url, "--resume", "--journal"]).arg(&journal);
    let output = other.key("another").run().exits(2).hides("another");
    output.remarks(&[&fingerprint(KEY), &fingerprint("another"), "leave out the key"]);
    unsigned.run().exits(0);
    // The same again is no contradiction, in another spelling either.
    with(&[&["--resume", "--retries=1", "--window=60m"], &began[..]].concat()).exits(0);
}

#[test]
fn a_resume_knows_the_dialect_that_the_run_began_with() {
    let merchant = Merchant::expecting(&[BUSY, Scripted::Json(200, "success")]);
    let shared = Sandbox::new();
    let (url, journal) = (merchant.url(), shared.work().join("run.journal"));
    let with = |arguments: &[&str]| run(&url, arguments).arg("--journal").arg(&journal);
    let first = with(&["--count=1", "--dialect=epay", "--schedule=200ms"]).start();
    merchant.wait_for(1);
    first.interrupt();
    first.end().exits(130);
    let output = with(&["--resume", "--fail-if", "retried<1", "--fail-if", "failed<1"]).run();
    let summary = &lines(&output.exits(0), "delivery-summary")[0];
    assert_eq!(summary["orders"]["acknowledged"], 1, "{summary}");
}

#[test]
fn gates_judge_the_parts_before_a_resume_too() {
    let (merchant, shared) = (Merchant::expecting(&[BUSY, ACKNOWLEDGE]), Sandbox::new());
    let (url, journal) = (merchant.url(), shared.work().join("run.journal"));
    let with = |arguments: &[&str]| run(&url, arguments).arg("--journal").arg(&journal);
    with(&["--count=2", "--retries=0", "--concurrency=1"]).run().exits(1);
    // Nothing is left to be sent, and yet one order was lost.
    let output = with(&["--resume"]).run().exits(1);
    let summary = &lines(&output, "delivery-summary")[0];
    assert_eq!(summary["orders"]["exhausted"], 1, "{summary}");
    assert_eq!(summary["failures"][0]["conclusion"], "status", "{summary}");
    assert!(summary["latency_from_sent"]["max_ms"].is_number(), "{summary}");
    with(&["--resume", "--fail-if", "acked<50%"]).run().exits(0);
    with(&["--resume", "--fail-if", "acked<51%"]).run().exits(1);
}

#[test]
fn a_bad_row_of_a_file_is_told_before_anything_is_sent() {
    let merchant = Merchant::expecting(&[]);
    let rows = "{\"payout_id\":\"A\"}\n{\"payout_id\":\"B\",\"l\":[1,]}\n";
    let output = run(&merchant.url(), &["--from", "a.ndjson"]).file("a.ndjson", rows).run();
    let output = output.exits(3).remarks(&["line 2"]);
    let error = &output.json();
    assert_eq!((&error["type"], &error["line"]), (&"error".into(), &2.into()));
    assert_eq!(error["member"], "l[1]", "{error}");
}

#[test]
fn a_bad_row_of_a_pipe_ends_the_run_with_its_summary_and_reports() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 2]), Sandbox::new());
    let report = shared.work().join("run.json");
    let rows = "{\"payout_id\":\"A\"}\n{\"payout_id\":\"B\"}\nnonsense\n{\"payout_id\":\"C\"}\n";
    let output = run(&merchant.url(), &["--from", "/dev/stdin", "--concurrency", "1"])
        .arg("--report")
        .arg(format!("json={}", report.display()))
        .stdin(rows)
        .run()
        .exits(3)
        .remarks(&["line 3"]);
    let (summary, error) = (&lines(&output, "delivery-summary")[0], &lines(&output, "error")[0]);
    assert_eq!((&summary["ok"], &summary["orders"]["acknowledged"]), (&false.into(), &2.into()));
    assert!(summary["cut_short"].as_str().unwrap().contains("line 3"), "{summary}");
    assert_eq!(error["line"], 3, "{error}");
    let written: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(written, *summary);
}

#[test]
fn a_wrong_command_line_is_told_as_json_where_json_is_wanted() {
    for format in [&["--format", "json"][..], &["--format=json"]] {
        let output = payout_notify(&[&["verify", "--no-such-flag"], format].concat()).run();
        let output = output.exits(2).remarks(&["--no-such-flag", "`payout-notify verify --help`"]);
        let error = output.json();
        assert_eq!((&error["type"], &error["kind"]), (&"error".into(), &"usage".into()));
        assert!(error["message"].as_str().unwrap().contains("--no-such-flag"), "{error}");
    }
    let plain = payout_notify(&["verify", "--no-such-flag", "--", "--format=json"]).run().exits(2);
    assert_eq!(plain.stdout, "");
    payout_notify(&["verify", "--format", "json", "--help"]).run().exits(0).says(&["Usage:"]);
}

#[test]
fn a_ramp_reaches_the_rate_slowly() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 4]);
    let arguments = ["--count", "4", "--rate", "100/s", "--ramp", "100ms"];
    let output = run(&merchant.url(), &arguments).run().exits(0);
    let mut due: Vec<f64> = lines(&output, "delivery-attempt")
        .iter()
        .map(|line| number(&line["intended_ms"]))
        .collect();
    due.sort_by(f64::total_cmp);
    assert!(due[0] == 0.0 && due[1] > 10.0, "{due:?}");
    assert!(due[1] - due[0] > due[2] - due[1] && due[2] - due[1] > due[3] - due[2], "{due:?}");
}

#[test]
fn jitter_spreads_the_retries_by_the_seed() {
    let waits = |extra: &[&str]| -> Vec<f64> {
        let merchant = Merchant::expecting(&[[BUSY; 3], [ACKNOWLEDGE; 3]].concat());
        let usual =
            ["--count=3", "--rate=1000000/s", "--schedule=100s", "--speed=1000x", "--seed=5"];
        let output = run(&merchant.url(), &[&usual, extra].concat()).run().exits(0);
        let retries =
            lines(&output, "delivery-attempt").into_iter().filter(|it| it["attempt"] == 2);
        retries.map(|line| number(&line["intended_ms"])).collect()
    };
    let spread = |waits: Vec<f64>| {
        waits.iter().copied().fold(0.0, f64::max) - waits.iter().copied().fold(1e9, f64::min)
    };
    assert!(spread(waits(&["--jitter=50%"])) > spread(waits(&[])) + 1.0);
}

#[test]
fn retry_after_is_honored_where_it_is_asked_for() {
    let wait = |extra: &[&str]| -> f64 {
        let merchant = Merchant::expecting(&[Scripted::Busy("60"), ACKNOWLEDGE]);
        let usual = ["--count=1", "--schedule=1s", "--speed=1000x"];
        let output = run(&merchant.url(), &[&usual, extra].concat()).run().exits(0);
        let attempts = lines(&output, "delivery-attempt");
        number(&attempts[1]["intended_ms"]) - number(&attempts[0]["finished_ms"])
    };
    assert!(wait(&["--honor-retry-after"]) >= 50.0);
    assert!(wait(&[]) < 50.0);
}

#[test]
fn sends_that_are_held_back_show_in_the_latency_from_the_intended_time_alone() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 5]);
    let arguments = ["--count=5", "--rate=1000000/s", "--max-in-flight=1"];
    let output = run(&merchant.url(), &arguments).run().exits(0).remarks(&["--max-in-flight"]);
    let summary = &lines(&output, "delivery-summary")[0];
    assert_eq!(summary["throttled"]["in_flight"], 1, "{summary}");
    let p50 = |clock: &str| number(&summary[clock]["p50_ms"]);
    assert!(p50("latency_from_intended") > p50("latency_from_sent"), "{summary}");
}
