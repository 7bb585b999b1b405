//! `simulate --life`: several notifications of one order, as a merchant receives them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Program, Sandbox, Scripted, payout_notify,
};
use crate::support::schema::Schemas;

const BUSY: Scripted = Scripted::Json(503, "busy");

fn simulate(url: &str, arguments: &[&str]) -> Program {
    payout_notify(&[&["simulate", url, "--format", "json"], arguments].concat()).key(KEY)
}

/// The last line of a run, after every line was checked against its schema.
#[track_caller]
fn summary(output: &Output) -> Value {
    let (mut schemas, mut lines) = (Schemas::read(), output.json_lines());
    lines.iter().for_each(|line| schemas.check(line));
    lines.pop().filter(|line| line["type"] == "delivery-summary").expect("a summary")
}

/// The payloads that a merchant received, in the order of arrival.
fn payloads(merchant: &Merchant) -> Vec<Value> {
    let payload = |body: &str| serde_json::from_str(body).expect("a payload");
    merchant.received().iter().map(|request| payload(&request.body)).collect()
}

/// The statuses that each order had at the merchant, in the order of arrival.
fn statuses(payloads: &[Value]) -> BTreeMap<String, Vec<i64>> {
    let mut orders = BTreeMap::<String, Vec<i64>>::new();
    for payload in payloads {
        let status = payload["status"].as_i64().expect("a status");
        orders.entry(payload["payout_id"].to_string()).or_default().push(status);
    }
    orders
}

fn counts(summary: &Value, of: &str) -> (u64, u64, u64) {
    let count = |name: &str| summary[of][name].as_u64().expect("a count");
    (count("total"), count("acknowledged"), count("exhausted"))
}

#[test]
fn a_merchant_sees_each_status_of_an_order_in_its_order() {
    let listening = Listening::start(&["--no-inbox"]);
    let life = ["--life", "processing, 2m, under review, success", "--speed", "240x"];
    let run = payout_notify(&[&["simulate", &listening.url], &life[..]].concat()).key(KEY);
    let output = run.run().exits(0).says(&[
        "step 1 processing",
        "step 2 under review",
        "step 3 success",
        "1 of 1 order acknowledged",
        "3 notifications: 3 acknowledged",
    ]);
    let received: Vec<Value> = (0..3).map(|_| listening.callback()).collect();
    let payload = |callback: &Value| -> Value {
        assert_eq!(callback["signature"], "match", "{output}");
        serde_json::from_str(callback["body"].as_str().unwrap()).unwrap()
    };
    let payloads: Vec<Value> = received.iter().map(payload).collect();
    let found: Vec<_> = payloads.iter().map(|it| it["status"].as_i64().unwrap()).collect();
    assert_eq!(found, [2, 6, 3]);
    for same in ["payout_id", "payout_cl_id", "amount", "real_amount", "fee", "create_time"] {
        assert!(payloads.iter().all(|it| it[same] == payloads[0][same]), "{same}: {payloads:?}");
    }
    // The times of the life, which the speed does not change.
    let updated = |step: usize| payloads[step]["update_time"].as_i64().unwrap();
    assert_eq!((updated(1) - updated(0), updated(2) - updated(0)), (120, 120));
    listening.interrupt();
}

#[test]
fn out_of_order_and_contradicting_statuses_are_sent_as_they_are_given() {
    for (life, expected) in
        [("success, processing", [3, 2]), ("success,failed", [3, 5]), ("failed, 0s, 3", [5, 3])]
    {
        let merchant = Merchant::expecting(&[ACKNOWLEDGE; 2]);
        let output = simulate(&merchant.url(), &["--life", life, "--concurrency", "1"]).run();
        assert_eq!(counts(&summary(&output.exits(0)), "orders"), (1, 1, 0));
        assert_eq!(statuses(&payloads(&merchant)).into_values().next().unwrap(), expected);
    }
}

#[test]
fn the_referee_accepts_a_life_and_reports_a_contradiction() {
    for (life, breaches) in [
        ("processing, under review, success", &[][..]),
        ("success, failed", &["status-after-final"][..]),
        ("success, processing", &["status-after-final"]),
    ] {
        let listening = Listening::start(&["--no-inbox", "--referee"]);
        simulate(&listening.url, &["--life", life]).run().exits(0);
        let lines = listening.interrupt().output.json_lines();
        let verdict = lines.iter().find(|line| line["type"] == "referee").expect("a verdict");
        let found: Vec<_> =
            verdict["breaches"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
        assert_eq!(found, breaches, "{life}: {verdict}");
    }
}

#[test]
fn shares_of_lives_follow_the_seed() {
    let run = |seed: &str| {
        let merchant = Merchant::tolerating(&[ACKNOWLEDGE; 80]);
        let lives = ["--life", "processing, success=80", "--life", "processing, failed=20"];
        let many = ["--count", "40", "--concurrency", "4", "--seed", seed];
        let output = simulate(&merchant.url(), &[&many[..], &lives[..]].concat()).run().exits(0);
        let summary = summary(&output);
        assert_eq!(counts(&summary, "orders"), (40, 40, 0));
        assert_eq!(counts(&summary, "notifications"), (80, 80, 0));
        statuses(&payloads(&merchant))
    };
    let orders = run("7");
    assert_eq!((orders.len(), &orders), (40, &run("7")));
    assert_ne!(orders, run("8"));
    let failed = orders.values().filter(|statuses| **statuses == [2, 5]).count();
    let paid = orders.values().filter(|statuses| **statuses == [2, 3]).count();
    assert!(failed > 0 && paid > failed && failed + paid == 40, "{orders:?}");
}

#[test]
fn an_order_is_acknowledged_if_all_of_its_notifications_are() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, BUSY, BUSY, ACKNOWLEDGE, BUSY]);
    let shared = Sandbox::new();
    let report = |name: &str| shared.work().join(name);
    let life = ["--life", "processing, success, failed", "--schedule", "500ms", "--seed", "1"];
    let output = simulate(&merchant.url(), &life)
        .arg("--report")
        .arg(format!("junit={}", report("run.xml").display()))
        .arg("--report")
        .arg(format!("html={}", report("run.html").display()))
        .arg("--report")
        .arg(format!("ndjson={}", report("run.ndjson").display()))
        .args(&["--fail-if", "acked<60%"])
        .run();
    // Both of the later ones are retried, and one of the retries is acknowledged.
    let line = output.json_lines().pop().unwrap();
    assert_eq!(counts(&line, "notifications").0, 3, "{output}");
    let summary = summary(&output.exits(0));
    assert_eq!(counts(&summary, "orders"), (1, 0, 1));
    assert_eq!(counts(&summary, "notifications"), (3, 2, 1));
    assert_eq!(summary["failures"][0]["step"].as_u64().map(|it| it > 1), Some(true));
    let read = |name| fs::read_to_string(report(name)).unwrap();
    let junit = read("run.xml");
    assert!(junit.contains("step 1\"") && junit.contains("step 3\""), "{junit}");
    assert_eq!(junit.matches("<failure").count(), 1, "{junit}");
    let html = read("run.html");
    assert!(html.contains("0 of 1 order acknowledged, 2 of 3 notifications"), "{html}");
    let (mut schemas, attempts) = (Schemas::read(), read("run.ndjson"));
    attempts.lines().for_each(|line| schemas.check_text(line));
    assert_eq!(attempts.lines().count(), 5);
}

#[test]
fn without_gates_one_refused_status_is_a_no() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, BUSY]);
    let life = ["--life", "processing, success", "--retries", "0"];
    let output = simulate(&merchant.url(), &life).run().exits(1);
    let summary = summary(&output);
    assert_eq!((&summary["ok"], counts(&summary, "orders")), (&false.into(), (1, 0, 1)));
    assert_eq!(counts(&summary, "notifications"), (2, 1, 1));
}

#[test]
fn lives_compose_with_a_rate_and_duplicates() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 24]);
    let many = ["--count", "8", "--rate", "200/s", "--duplicates", "50%", "--set"];
    let life = ["payout_id=P{n}", "--life", "processing, 30ms, success"];
    let output = simulate(&merchant.url(), &[&many[..], &life[..]].concat()).run().exits(0);
    let summary = summary(&output);
    assert_eq!(counts(&summary, "orders"), (8, 8, 0));
    assert_eq!(counts(&summary, "notifications"), (24, 24, 0));
    assert_eq!(summary["notifications"]["duplicates"], 8, "{summary}");
    assert_eq!(summary["rate"]["planned_per_second"], 200.0);
    let received = payloads(&merchant);
    let orders = statuses(&received);
    assert_eq!(orders.len(), 8);
    for (id, found) in orders {
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert!(sorted == [2, 3] || sorted == [2, 2, 3, 3], "{id}: {found:?}");
    }
    let bodies: Vec<String> = merchant.received().into_iter().map(|it| it.body).collect();
    let distinct: std::collections::BTreeSet<&String> = bodies.iter().collect();
    assert_eq!(distinct.len(), 16, "a duplicate is the same bytes again");
}

fn journaled(url: &str, journal: &Path, arguments: &[&str]) -> Program {
    simulate(url, arguments).arg("--journal").arg(journal)
}

#[test]
fn a_killed_run_loses_no_status_and_repeats_none_that_was_acknowledged() {
    for (kill_at, kill_again) in [(1, 15), (7, 20), (13, 30), (25, 40)] {
        let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 400]), Sandbox::new());
        let (url, journal) = (merchant.url(), shared.work().join("run.db"));
        let lives = ["--life", "processing, 150ms, success, failed=3", "--life", "failed"];
        let many = ["--count", "24", "--rate", "60/s", "--seed", "5", "--set", "payout_id=P{n}"];
        let more = ["--duplicates", "25%", "--schedule", "10ms,10ms"];
        let run = journaled(&url, &journal, &[&many[..], &lives[..], &more[..]].concat()).start();
        merchant.wait_for(kill_at);
        run.signal(Signal::KILL);
        run.end();
        let run = journaled(&url, &journal, &["--resume"]).start();
        merchant.wait_for(kill_again);
        run.signal(Signal::KILL);
        run.end();
        let output = journaled(&url, &journal, &["--resume"]).run().exits(0);
        let whole = summary(&output);
        assert_eq!(counts(&whole, "orders"), (24, 24, 0), "{output}");
        let sent = counts(&whole, "notifications");
        assert_eq!((sent.0, sent.2), (sent.1, 0), "{output}");
        let distinct: std::collections::BTreeSet<String> =
            merchant.received().into_iter().map(|it| it.body).collect();
        let duplicates = whole["notifications"]["duplicates"].as_u64().unwrap();
        assert_eq!(distinct.len() as u64, sent.0 - duplicates, "each status has one body");
        // What came more often than planned is what was in flight when the run was killed.
        let unknown = whole["attempts"]["unknown_outcomes"].as_u64().unwrap();
        let received = merchant.received().len() as u64;
        assert!(sent.0 <= received && received <= sent.0 + unknown, "{received} of {sent:?}");
        let orders = statuses(&payloads(&merchant));
        assert_eq!(orders.len(), 24);
        for (id, found) in &orders {
            let mut distinct = found.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct == [2, 3, 5] || distinct == [5], "{id}: {found:?}");
        }
        // A run that is done sends nothing more, and needs no key.
        let resume = ["simulate", &url, "--format", "json", "--resume", "--journal"];
        payout_notify(&resume).arg(&journal).run().exits(0);
        assert_eq!(merchant.received().len() as u64, received);
        for body in merchant.received().into_iter().map(|it| it.body).take(3) {
            payout_notify(&["verify"]).key(KEY).stdin(body).run().exits(0);
        }
    }
}

#[test]
fn an_interrupted_run_counts_what_is_left_and_the_printed_command_sends_it() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 60]), Sandbox::new());
    let journal = shared.work().join("run.db");
    let life = ["--life", "processing, 700ms, success", "--count", "20", "--rate", "40/s"];
    let run = journaled(&merchant.url(), &journal, &life).start();
    merchant.wait_for(5);
    run.interrupt();
    let output = run.end().exits(130);
    let first = summary(&output);
    let orders = |name: &str| first["orders"][name].as_u64().unwrap();
    let states = ["acknowledged", "exhausted", "interrupted", "not_sent"];
    assert_eq!(states.iter().map(|name| orders(name)).sum::<u64>(), 20, "{first}");
    assert!(orders("interrupted") + orders("acknowledged") >= 5, "{first}");
    let command = output.stderr.lines().find_map(|line| line.split_once("resume with: "));
    let (_, command) = command.expect("a command");
    assert!(!command.contains("--life") && !command.contains("success"), "{command}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).current_dir(shared.work()).env("PAYOUT_NOTIFY_KEY", KEY);
    let resumed = shell.output().unwrap();
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    let left = statuses(&payloads(&merchant));
    assert_eq!(left.len(), 20);
    assert!(left.values().all(|found| *found == [2, 3]), "{left:?}");
}

#[test]
fn what_is_not_a_life_is_refused_before_anything_is_sent() {
    let merchant = Merchant::expecting(&[]);
    let url = merchant.url();
    for (arguments, told) in [
        (&["--life", ""][..], "expected statuses and the pauses between them"),
        (&["--life", "processing, sucess"], "place 2, \"sucess\": expected a status (scheduled,"),
        (&["--life", "processing,, success"], "place 2 is empty"),
        (&["--life", "2s, success"], "place 1 is a pause"),
        (&["--life", "processing, 2parsecs, success"], "place 2, \"2parsecs\""),
        (&["--life", "processing, 31d, success"], "30 days at most"),
        (&["--life", &["success"; 17].join(",")], "at most 16 statuses"),
        (&["--life", "success=0"], "a weight is a whole number"),
        (&["--life", "success", "--life", "3=2"], "duplicate life '3'"),
        (&["--life", "success", "--dialect", "epay", "--life", "failed"], "never notifies failed"),
        (
            &["--life", "failed", "--dialect", "epay"],
            "give one of scheduled, pending, success, under review, or",
        ),
        (&["--life", "success", "--status", "failed"], "cannot be used with"),
        (&["--life", "success", "--mix", "failed=1"], "cannot be used with"),
        (&["--life", "success", "--from", "orders.csv"], "cannot be used with"),
        (&["--life", "success", "--set", "status=5"], "--life chooses the status"),
        (&["--life", "success", "--journal", "j.db", "--resume"], "cannot be used with"),
        (&["--life", "success", "--dry-run"], "--dry-run"),
    ] {
        let output = simulate(&url, arguments).run().exits(2);
        assert!((output.stdout.clone() + &output.stderr).contains(told), "{told}: {output}");
    }
}
