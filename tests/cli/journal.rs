//! Runs with a journal: no order is given up unsent, and a refused command changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Program, Sandbox, Scripted, payout_notify,
};

fn simulate(url: &str, journal: &Path, arguments: &[&str]) -> Program {
    let usual = ["simulate", url, "--format", "json"];
    payout_notify(&[&usual, arguments].concat()).key(KEY).arg("--journal").arg(journal)
}

#[track_caller]
fn summary(output: &Output) -> Value {
    let line = output.json_lines().pop().expect("a last line");
    assert_eq!(line["type"], "delivery-summary", "{output}");
    line
}

/// How often each order reached the merchant, by its own record.
fn arrivals(merchant: &Merchant) -> BTreeMap<String, usize> {
    let mut arrivals = BTreeMap::new();
    for request in merchant.received() {
        let payload: Value = serde_json::from_str(&request.body).expect("a payload");
        *arrivals.entry(payload["payout_id"].to_string()).or_default() += 1;
    }
    arrivals
}

/// The journal and its log, as bytes.
fn bytes(journal: &Path) -> (Vec<u8>, Option<Vec<u8>>) {
    (fs::read(journal).expect("a journal"), fs::read(log_of(journal)).ok())
}

fn log_of(journal: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", journal.display()))
}

#[test]
fn orders_that_wait_in_the_journal_lose_nothing_of_their_window() {
    let listening = Listening::start(&["--no-inbox"]);
    let shared = Sandbox::new();
    // The window passes in 36 ms.
    let arguments = ["--count", "300", "--concurrency", "2", "--speed", "100000x"];
    let run = simulate(&listening.url, &shared.work().join("run.db"), &arguments);
    let summary = summary(&run.arg("--set").arg("payout_id=P{n}").run().exits(0));
    assert_eq!(summary["orders"]["acknowledged"], 300, "{summary}");
    let received = listening.interrupt().output.json_lines().into_iter();
    assert_eq!(received.filter(|line| line["type"] == "callback").count(), 300);
}

#[test]
fn orders_that_version_0_1_gave_up_unsent_are_sent() {
    // Four of its twelve orders were acknowledged; the others are "exhausted after 0 attempts".
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 8]), Sandbox::new());
    let journal = shared.work().join("run.db");
    let fixture = "fixtures/journals/exhausted-without-attempt-0.1.db";
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture), &journal).unwrap();
    let base = rusqlite::Connection::open(&journal).unwrap();
    base.execute("UPDATE run SET url = ?", [merchant.url()]).unwrap();
    base.close().unwrap();
    let output = simulate(&merchant.url(), &journal, &["--resume"]).run().exits(0);
    let summary = summary(&output);
    assert_eq!((&summary["orders"]["acknowledged"], &summary["ok"]), (&12.into(), &true.into()));
    let sent: Vec<String> = arrivals(&merchant).into_keys().collect();
    let expected: Vec<String> = [10, 11, 12, 5, 6, 7, 8, 9].map(|n| format!("\"POT{n}\"")).into();
    assert_eq!(sent, expected);
}

/// A run that was killed after some orders, with their number.
fn killed(merchant: &Merchant, journal: &Path, orders: usize, arguments: &[&str]) {
    let usual =
        ["--count", "40", "--concurrency", "1", "--rate", "40/s", "--set", "payout_id=P{n}"];
    let run = simulate(&merchant.url(), journal, &[&usual, arguments].concat()).start();
    merchant.wait_for(orders);
    run.signal(Signal::KILL);
    run.end();
}

#[test]
fn a_resume_that_is_refused_changes_nothing_and_a_late_one_sends_all() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 60]), Sandbox::new());
    let journal = shared.work().join("run.db");
    killed(&merchant, &journal, 8, &["--schedule", "10ms", "--window", "20ms"]);
    let before = bytes(&journal);
    let url = merchant.url();
    let other = "http://127.0.0.1:9/".to_owned();
    let wrong: [(&str, &str, &[&str], &str); 6] = [
        (&other, KEY, &[], "the journal's run went to"),
        (&url, "another key", &[], "differs from the one that signed"),
        (&url, KEY, &["--window", "1h"], "--window (1h) differs"),
        (&url, KEY, &["--speed", "60x"], "--speed (60x) differs"),
        (&url, KEY, &["--rate", "5/s"], "--rate (5/s) differs"),
        (&url, KEY, &["--dialect", "epay"], "--dialect (epay) differs"),
    ];
    for (url, key, flags, why) in wrong {
        let run = simulate(url, &journal, &[&["--resume"], flags].concat()).key(key).run();
        let output = run.exits(2).says(&[why]).hides("sent again");
        assert!(bytes(&journal) == before, "the journal was changed: {output}");
    }
    let output = simulate(&url, &journal, &["--resume"]).run().exits(0);
    assert_eq!(summary(&output)["orders"]["acknowledged"], 40, "{output}");
    assert_eq!(arrivals(&merchant).len(), 40, "every order reached the merchant");
}

#[test]
fn without_its_log_a_journal_says_so_and_nothing_is_sent() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 60]), Sandbox::new());
    let journal = shared.work().join("run.db");
    killed(&merchant, &journal, 8, &[]);
    let log = log_of(&journal);
    let whole = fs::read(&log).expect("a log");
    let (sent, zeros) = (merchant.received().len(), vec![0; whole.len()]);
    for (damaged, state) in
        [(None, "is missing"), (Some(&whole[..20]), "is damaged"), (Some(&zeros[..]), "is damaged")]
    {
        fs::remove_file(&log).unwrap();
        if let Some(damaged) = damaged {
            fs::write(&log, damaged).unwrap();
        }
        let output = simulate(&merchant.url(), &journal, &["--resume"]).run().exits(3);
        let output = output.says(&[state, "do not start the run again"]).hides("nothing was sent");
        assert_eq!(merchant.received().len(), sent, "{output}");
        fs::write(&log, &whole).unwrap();
    }
    let output = simulate(&merchant.url(), &journal, &["--resume"]).run().exits(0);
    assert_eq!(summary(&output)["orders"]["acknowledged"], 40, "{output}");
}

#[test]
fn what_had_not_begun_is_not_sent_and_the_command_that_is_printed_sends_it() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 60]), Sandbox::new());
    let journal = shared.work().join("my run's.db");
    let report = shared.work().join("run.xml");
    let rate = ["--count", "40", "--rate", "20/s", "--set", "payout_id=P{n}", "--window", "1s"];
    let run = simulate(&merchant.url(), &journal, &[&rate[..], &["--schedule", "1ms"]].concat());
    let run = run.arg("--report").arg(format!("junit={}", report.display())).start();
    merchant.wait_for(5);
    run.interrupt();
    let output = run.end().exits(130);
    let orders = summary(&output)["orders"].clone();
    let count = |name: &str| orders[name].as_u64().unwrap();
    assert_eq!((count("exhausted"), count("interrupted")), (0, 0), "{orders}");
    assert_eq!(count("acknowledged") + count("not_sent"), 40, "{orders}");
    let junit = fs::read_to_string(&report).unwrap();
    assert!(junit.contains("<skipped") && junit.contains("not sent"), "{junit}");
    assert!(!junit.contains("interrupted") && !junit.contains("<failure"), "{junit}");
    let told = output.stderr.lines().find_map(|line| line.split_once("resume with: "));
    let (_, command) = told.expect("a command");
    assert!(!command.contains("--count") && command.contains("--report"), "{command}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).current_dir(shared.work()).env("PAYOUT_NOTIFY_KEY", KEY);
    let resumed = shell.output().unwrap();
    assert!(resumed.status.success(), "{command}: {}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(arrivals(&merchant).len(), 40, "every order reached the merchant");
}

#[test]
fn an_inbox_without_its_log_says_so() {
    let shared = Sandbox::new();
    let inbox = shared.work().join("inbox.db");
    let inbox_flag = ["--inbox", inbox.to_str().unwrap()];
    let listening = Listening::start(&inbox_flag);
    let send = ["simulate", &listening.url, "--count", "3"];
    payout_notify(&send).key(KEY).run().exits(0);
    // What a copy of the file alone, made while the listener is at work, holds.
    let copy = shared.work().join("copy.db");
    fs::copy(&inbox, &copy).unwrap();
    listening.interrupt();
    for command in [&["inbox", "list"][..], &["inbox", "show", "latest"]] {
        let run = payout_notify(&[command, &["--inbox", copy.to_str().unwrap()]].concat()).run();
        run.exits(3).remarks(&["cannot be used without its log", "copy.db-wal is missing"]);
        let _empty = fs::remove_file(log_of(&copy));
    }
    payout_notify(&[&["inbox", "list"][..], &inbox_flag].concat()).run().exits(0);
}

/// How many orders a journal has.
fn begun(journal: &Path) -> usize {
    let base = rusqlite::Connection::open(journal).unwrap();
    let count = base.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0));
    count.unwrap() as usize
}

#[test]
fn orders_that_had_not_begun_are_made_again_and_only_then_the_key_is_needed() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 200]), Sandbox::new());
    let (url, journal) = (merchant.url(), shared.work().join("run.db"));
    let settings = ["--duplicates", "50%", "--mix", "success=1,failed=1", "--schedule", "10ms"];
    killed(&merchant, &journal, 8, &settings);
    let before = bytes(&journal);
    let without = || {
        let resume = ["simulate", &url, "--format", "json", "--resume", "--journal"];
        payout_notify(&resume).arg(&journal).run()
    };
    let refused = without().exits(2).remarks(&["without the key", "hint:", "--key-file"]);
    assert!(bytes(&journal) == before, "the journal was changed: {refused}");
    assert!(begun(&journal) < 40, "orders are in the journal before they are sent");
    let output = simulate(&url, &journal, &["--resume"]).run().exits(0);
    let summary = summary(&output);
    assert_eq!((&summary["orders"]["acknowledged"], &summary["parts"]), (&60.into(), &2.into()));
    assert_eq!(summary["orders"]["duplicates"], 20, "{summary}");
    assert_eq!(arrivals(&merchant).len(), 40, "every order reached the merchant");
    for request in merchant.received() {
        payout_notify(&["verify"]).key(KEY).stdin(&request.body).run().exits(0);
    }
    without().exits(0);
}

#[test]
fn a_file_of_orders_that_was_changed_is_refused_by_a_resume() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 200]), Sandbox::new());
    let (url, journal) = (merchant.url(), shared.work().join("run.db"));
    let orders = shared.work().join("orders.ndjson");
    let rows: String = (1..=40).map(|n| format!("{{\"payout_id\":\"P{n}\"}}\n")).collect();
    fs::write(&orders, &rows).unwrap();
    let run = simulate(&url, &journal, &["--schedule", "10ms", "--rate", "40/s"]);
    let run = run.arg("--from").arg(&orders).start();
    merchant.wait_for(8);
    run.signal(Signal::KILL);
    run.end();
    let before = bytes(&journal);
    for changed in [&rows[..rows.len() - 2], &rows.replace("P40", "P41"), ""] {
        fs::write(&orders, changed).unwrap();
        let output = simulate(&url, &journal, &["--resume"]).run().exits(2);
        let output = output.remarks(&["orders.ndjson", "hint:"]);
        assert!(bytes(&journal) == before, "the journal was changed: {output}");
    }
    fs::write(&orders, &rows).unwrap();
    let output = simulate(&url, &journal, &["--resume"]).run().exits(0);
    assert_eq!(summary(&output)["orders"]["acknowledged"], 40, "{output}");
    assert_eq!(arrivals(&merchant).len(), 40, "every order reached the merchant");
}

#[test]
fn the_command_that_resumes_finds_the_key_in_its_file() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 200]), Sandbox::new());
    let (journal, key) = (shared.work().join("run.db"), shared.work().join("the key"));
    fs::write(&key, KEY).unwrap();
    let count = ["--count", "20", "--rate", "20/s", "--schedule", "10ms"];
    let run = payout_notify(&[&["simulate", &merchant.url()], &count[..]].concat());
    let run = run.arg("--journal").arg(&journal).arg("--key-file").arg(&key).start();
    merchant.wait_for(3);
    run.interrupt();
    let output = run.end().exits(130);
    let told = output.stderr.lines().find_map(|line| line.split_once("resume with: "));
    let (_, command) = told.expect("a command");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(shared.work()).env_remove("PAYOUT_NOTIFY_KEY");
    let resumed = shell.output().unwrap();
    assert!(resumed.status.success(), "{command}: {}", String::from_utf8_lossy(&resumed.stderr));
    assert_eq!(arrivals(&merchant).len(), 20, "every order reached the merchant");
}

#[test]
fn a_resume_honors_retry_after_as_the_run_did() {
    const BUSY: Scripted = Scripted::Busy("60");
    let (merchant, shared) = (Merchant::expecting(&[BUSY, BUSY, ACKNOWLEDGE]), Sandbox::new());
    let journal = shared.work().join("run.db");
    let usual = ["--count=1", "--schedule=1s,1s", "--speed=100x", "--honor-retry-after"];
    let run = simulate(&merchant.url(), &journal, &usual).start();
    assert_eq!(run.json_line()["type"], "ready");
    assert_eq!(run.json_line()["type"], "delivery-attempt");
    run.signal(Signal::KILL);
    run.end();
    let output = simulate(&merchant.url(), &journal, &["--resume"]).run().exits(0);
    let attempts: Vec<Value> =
        output.json_lines().into_iter().filter(|it| it["type"] == "delivery-attempt").collect();
    let time = |at: usize, name: &str| attempts[at][name].as_f64().unwrap();
    // Sixty seconds at 100x.
    assert!(time(1, "intended_ms") - time(0, "finished_ms") >= 590.0, "{output}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_hard_link_to_a_journal_in_use_is_refused() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 60]), Sandbox::new());
    let (journal, link) = (shared.work().join("run.db"), shared.work().join("link.db"));
    let run = simulate(&merchant.url(), &journal, &["--count", "20", "--rate", "20/s"]).start();
    merchant.wait_for(2);
    fs::hard_link(&journal, &link).unwrap();
    let refused = simulate(&merchant.url(), &link, &["--resume"]).run().exits(4);
    refused.remarks(&["is in use by another"]).hides("nothing was sent");
    run.interrupt();
    run.end().exits(130);
    simulate(&merchant.url(), &link, &["--resume"]).run().exits(0);
}
