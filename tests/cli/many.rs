//! `simulate` with many orders: what is sent, what is reported, and what outlives an interrupt.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Program, Sandbox, Scripted, fixture,
    payout_notify,
};

const BUSY: Scripted = Scripted::Json(503, "busy");

/// Many orders to this URL, one after the other and without retries, for a program.
fn many(url: &str, arguments: &[&str]) -> Program {
    let usual = ["simulate", url, "--format", "json", "--concurrency", "1", "--retries", "0"];
    payout_notify(&[&usual, arguments].concat()).key(KEY)
}

/// As [`many`], but with one retry, which an interrupt usually finds waiting.
fn retrying(url: &str, arguments: &[&str]) -> Program {
    let usual = ["simulate", url, "--format", "json", "--concurrency", "1", "--schedule", "300ms"];
    payout_notify(&[&usual, arguments].concat()).key(KEY)
}

/// The last line of a run, which must be its summary.
#[track_caller]
fn summary(output: &Output) -> Value {
    let line = output.json_lines().pop().expect("a last line");
    assert_eq!(line["type"], "delivery-summary", "{output}");
    line
}

/// What a run that was refused says, after its exit code is checked.
#[track_caller]
fn refusal(output: Output, code: i32) -> String {
    let output = output.exits(code);
    assert!(!output.stdout.contains("\"ready\""), "nothing is promised: {output}");
    output.stdout + &output.stderr
}

/// What a listener received of the orders of this run, in the order of arrival.
#[track_caller]
fn sent(count: usize, change: impl FnOnce(Program) -> Program, arguments: &[&str]) -> Vec<Value> {
    let listening = Listening::start(&[]);
    let output = change(many(&listening.url, arguments)).run().exits(0);
    assert_eq!(summary(&output)["orders"]["acknowledged"], count, "{output}");
    let payloads = (0..count).map(|_| payload(&listening.callback())).collect();
    let received = listening.interrupt().output.json_lines().into_iter();
    assert_eq!(received.filter(|line| line["type"] == "callback").count(), count);
    payloads
}

/// The payload in a callback, whose signature must match.
#[track_caller]
fn payload(callback: &Value) -> Value {
    assert_eq!(callback["signature"], "match", "{callback}");
    serde_json::from_str(callback["body"].as_str().expect("a body")).expect("a payload")
}

/// A member of each payload.
fn each<'a>(payloads: &'a [Value], member: &str) -> Vec<&'a Value> {
    payloads.iter().map(|payload| &payload[member]).collect()
}

/// How often each order reached the merchant.
fn arrivals(merchant: &Merchant) -> BTreeMap<String, usize> {
    let mut arrivals = BTreeMap::new();
    for request in merchant.received() {
        let payload: Value = serde_json::from_str(&request.body).expect("a payload");
        *arrivals.entry(payload["payout_id"].to_string()).or_default() += 1;
    }
    arrivals
}

/// A path below a folder that several runs share.
fn path(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.work().join(name)
}

#[test]
fn a_seed_gives_the_same_ids_again() {
    let ids = |seed: &str| -> Vec<String> {
        let payloads = sent(5, |it| it, &["--count", "5", "--seed", seed]);
        each(&payloads, "payout_id").into_iter().map(Value::to_string).collect()
    };
    let first = ids("7");
    assert_eq!(first, ids("7"));
    assert_ne!(first, ids("8"));
    assert_eq!(first.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
}

#[test]
fn placeholders_differ_from_order_to_order() {
    let sets = ["--count", "3", "--set", "payout_id=P{n}", "--set", "amount={1..9}"];
    let more = ["--set", "memo=a{hex:4}", "--set", "fee=7"];
    let payloads = sent(3, |it| it, &[&sets[..], &more].concat());
    assert_eq!(each(&payloads, "payout_id"), ["P1", "P2", "P3"]);
    assert_eq!(each(&payloads, "fee"), [7, 7, 7]);
    for payload in &payloads {
        assert!(matches!(payload["amount"].as_u64(), Some(1..=9)), "{payload}");
        let memo = payload["memo"].as_str().unwrap();
        assert!(memo.len() == 5 && memo[1..].bytes().all(|it| it.is_ascii_hexdigit()), "{memo}");
    }
    let merchant = Merchant::expecting(&[]);
    let unknown = many(&merchant.url(), &["--count", "1", "--set", "a={nn}"]).run();
    assert!(refusal(unknown, 2).contains("{nn}"));
}

#[test]
fn a_mix_draws_the_statuses() {
    let mixed = ["--count", "20", "--seed", "1", "--mix", "success=1,failed=1"];
    let payloads = sent(20, |it| it, &mixed);
    let statuses = each(&payloads, "status");
    assert!(statuses.iter().all(|status| **status == 3 || **status == 5), "{statuses:?}");
    assert!(statuses.iter().any(|status| **status == 3), "{statuses:?}");
    assert!(statuses.iter().any(|status| **status == 5), "{statuses:?}");
}

#[test]
fn duplicates_are_the_same_bytes_again() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 12]);
    let output = many(&merchant.url(), &["--count", "10", "--duplicates", "20%"]).run().exits(0);
    let orders = &summary(&output)["orders"];
    assert_eq!((&orders["total"], &orders["duplicates"]), (&12.into(), &2.into()), "{output}");
    let bodies: Vec<String> = merchant.received().into_iter().map(|it| it.body).collect();
    assert_eq!(bodies.windows(2).filter(|pair| pair[0] == pair[1]).count(), 2, "{bodies:?}");
}

#[test]
fn orders_come_from_lines_and_tables() {
    let example = fixture("withdraw-notification.json");
    let line = |id| example.trim_end().replace("POT00000102", id).replace('\n', " ") + "\n";
    let lines = [line("A"), "\n".to_owned(), line("B")].concat();
    let payloads = sent(2, |it| it.file("orders.ndjson", lines), &["--from", "orders.ndjson"]);
    assert_eq!(each(&payloads, "payout_id"), ["A", "B"]);
    let table = "payout_id,amount,memo,payout_cl_id,platform_id,real_amount,fee,status,\
                 create_time,update_time\n\
                 C,1,\"x, y\",c1,PF1,1,0,3,1567614049,1567614111\n\
                 D,2,,c2,PF1,1,0,3,1567614049,1567614111\n";
    let payloads = sent(2, |it| it.file("orders.csv", table), &["--from", "orders.csv"]);
    assert_eq!(each(&payloads, "payout_id"), ["C", "D"]);
    assert_eq!(each(&payloads, "amount"), [1, 2]);
    assert_eq!(payloads[0]["memo"], "x, y");
    let told = ["--from", "orders", "--from-format", "csv", "--status", "failed"];
    let payloads = sent(2, |it| it.file("orders", table), &told);
    assert_eq!(each(&payloads, "status"), [5, 5]);
}

#[test]
fn what_listen_printed_can_be_sent_again() {
    let listening = Listening::start(&[]);
    many(&listening.url, &["--count", "3", "--seed", "3"]).run().exits(0);
    let first: Vec<Value> = (0..3).map(|_| payload(&listening.callback())).collect();
    let recorded = listening.interrupt().output.stdout;
    assert!(recorded.contains("\"ready\"") && recorded.contains("\"summary\""), "{recorded}");
    let again = sent(3, |it| it.file("log.ndjson", &recorded), &["--from", "log.ndjson"]);
    assert_eq!(first, again);
}

#[test]
fn a_bad_row_is_named_by_its_line() {
    let merchant = Merchant::expecting(&[]);
    let rows = [
        ("a.ndjson", "{\"a\":1,\"a\":2}\n", "line 1, column 8, member "),
        ("a.ndjson", "\n\nnonsense\n", "line 3"),
        (
            "a.csv",
            "payout_id,payout_cl_id,platform_id,amount,fee,status,create_time,update_time\nA\n",
            "line 2",
        ),
    ];
    for (name, text, line) in rows {
        let output = many(&merchant.url(), &["--from", name]).file(name, text).run();
        output.exits(3).says(&["\"kind\":\"input\"", line]).remarks(&[line]);
    }
    // With a journal every row is read before the first order is sent.
    let late = many(&merchant.url(), &["--from", "a.ndjson", "--journal", "run.journal"]);
    let told = refusal(late.file("a.ndjson", "{\"payout_id\":\"A\"}\n[]\n").run(), 3);
    assert!(told.contains("line 2"), "{told}");
    assert!(refusal(many(&merchant.url(), &["--from", "gone"]).run(), 3).contains("gone"));
}

#[test]
fn a_rate_sets_when_each_order_is_due() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 5]);
    let output = many(&merchant.url(), &["--count", "5", "--rate", "100/s"]).run().exits(0);
    let attempts = output.json_lines();
    let due: BTreeMap<u64, u64> = attempts
        .iter()
        .filter(|line| line["type"] == "delivery-attempt")
        .map(|line| (line["order"].as_u64().unwrap(), line["intended_ms"].as_f64().unwrap() as u64))
        .collect();
    assert_eq!(due.into_iter().collect::<Vec<_>>(), [(1, 0), (2, 10), (3, 20), (4, 30), (5, 40)]);
    assert_eq!(summary(&output)["rate"]["planned_per_second"].as_f64(), Some(100.0));
}

#[test]
fn gates_decide_the_exit_code() {
    let run = |gates: &[&str], code| {
        let merchant = Merchant::expecting(&[ACKNOWLEDGE, BUSY]);
        let output = many(&merchant.url(), &[&["--count", "2"], gates].concat()).run().exits(code);
        let summary = summary(&output);
        assert_eq!(summary["ok"], code == 0, "{summary}");
        summary["gates"].clone()
    };
    assert_eq!(run(&[], 1), Value::Array(Vec::new()));
    // Who sets gates says what is good enough.
    assert_eq!(run(&["--fail-if", "acked<50%"], 0)[0]["verdict"], "passed");
    let gates = run(&["--fail-if", "acked<50%", "--fail-if", "exhausted>0"], 1);
    assert_eq!((&gates[0]["verdict"], &gates[1]["verdict"]), (&"passed".into(), &"failed".into()));
    assert_eq!(gates[1]["gate"], "exhausted>0");
    let merchant = Merchant::expecting(&[BUSY]);
    let arguments = ["simulate", &merchant.url(), "--retries", "0", "--fail-if", "acked<100%"];
    payout_notify(&arguments).key(KEY).run().exits(1).says(&["acked<100%"]);
    assert!(refusal(many(&merchant.url(), &["--fail-if", "p98>1s"]).run(), 2).contains("p98"));
}

#[test]
fn reports_are_written() {
    let (merchant, shared) =
        (Merchant::expecting(&[ACKNOWLEDGE, BUSY, ACKNOWLEDGE]), Sandbox::new());
    let file = |format: &str| path(&shared, &format!("run.{format}"));
    let mut run = many(&merchant.url(), &["--count", "3", "--set", "payout_id=P{n}"]);
    for format in ["json", "junit", "html", "ndjson"] {
        run = run.arg("--report").arg(format!("{format}={}", file(format).display()));
    }
    let output = run.run().exits(1).hides(KEY);
    let read = |format: &str| fs::read_to_string(file(format)).unwrap();
    let json: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(json, summary(&output));
    let junit = read("junit");
    assert!(junit.starts_with("<?xml") && junit.contains("tests=\"3\""), "{junit}");
    assert!(junit.contains("failures=\"1\"") && junit.contains("P2"), "{junit}");
    let html = read("html");
    assert!(html.starts_with("<!") && html.trim_end().ends_with("</html>"), "{html}");
    assert!(html.contains("P2"), "{html}");
    let attempts: Vec<Value> =
        read("ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines = output.json_lines();
    assert_eq!(attempts, lines[1..lines.len() - 1]);
}

#[test]
fn a_report_that_cannot_be_written_stops_the_run_before_it_sends() {
    let merchant = Merchant::expecting(&[]);
    let told = refusal(many(&merchant.url(), &["--report", "html=gone/run.html"]).run(), 4);
    assert!(told.contains("gone/run.html"), "{told}");
    let both = ["--report", "html=a", "--report", "json=a"];
    refusal(many(&merchant.url(), &both).run(), 2);
    refusal(many(&merchant.url(), &["--report", "pdf=a"]).run(), 2);
}

#[test]
fn a_run_that_is_refused_leaves_every_file_as_it_was() {
    let (merchant, shared) = (Merchant::expecting(&[]), Sandbox::new());
    let file = |name: &str| path(&shared, name).display().to_string();
    let text = "{\"payout_id\":\"A\"}\n";
    fs::write(file("orders"), text).unwrap();
    let report = "{\"type\":\"delivery-summary\",\"schema_version\":1}\n";
    fs::write(file("report"), report).unwrap();
    let folder = shared.work();
    let around = folder.join("..").join(folder.file_name().expect("a folder with a name"));
    let alias = around.join("orders").display().to_string();
    for (reported, extra) in [
        (file("orders"), ["--from", &file("orders")]),
        (alias, ["--from", &file("orders")]),
        (file("orders"), ["--journal", &file("orders")]),
        (file("new"), ["--journal", &file("new")]),
        (file("report"), ["--journal", &file("orders")]),
    ] {
        let report = format!("json={reported}");
        refusal(many(&merchant.url(), &[&["--report", &report], &extra[..]].concat()).run(), 2);
    }
    for (name, text) in [("orders", text), ("report", report)] {
        assert_eq!(fs::read_to_string(file(name)).unwrap(), text, "{name}");
    }
    assert!(!path(&shared, "new").exists());
}

#[test]
fn a_report_replaces_an_older_one() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE]), Sandbox::new());
    let file = path(&shared, "run.json");
    let older = "{\"type\":\"delivery-summary\",\"schema_version\":1}";
    fs::write(&file, format!("{older}{}", " ".repeat(100_000))).unwrap();
    let report = format!("json={}", file.display());
    let output = many(&merchant.url(), &["--report", &report]).run().exits(0);
    let json: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(json, summary(&output));
}

#[test]
fn one_order_and_many_exclude_each_other() {
    let merchant = Merchant::expecting(&[]);
    let stdin = many(&merchant.url(), &["-", "--count", "2"]).stdin("{\"payout_id\":\"A\"}");
    assert!(refusal(stdin.run(), 2).contains("--from"));
    for wrong in [
        &["--count", "2", "--from", "a"][..],
        &["--count", "0"],
        &["--ramp", "1s"],
        &["--resume"],
        &["--count", "2", "--dry-run"],
        &["--mix", "success=1", "--status", "3"],
        &["--mix", "success=1", "--set", "status=5"],
        &["--mix", "success=1", "--unset", "status"],
        &["--count", "2", "--status", "3", "--set-str", "status=5"],
    ] {
        refusal(many(&merchant.url(), wrong).run(), 2);
    }
}

#[test]
fn orders_come_from_stdin_too_and_no_order_is_no_yes() {
    let merchant = Merchant::expecting(&[ACKNOWLEDGE; 2]);
    let rows = "{\"payout_id\":\"A\"}\n{\"payout_id\":\"B\"}\n";
    let output = many(&merchant.url(), &["--from", "-"]).stdin(rows).run().exits(0);
    assert_eq!(summary(&output)["orders"]["acknowledged"], 2, "{output}");
    let nothing = Merchant::expecting(&[]);
    many(&nothing.url(), &["--from", "-"]).stdin("").run().exits(3).says(&["stdin has no orders"]);
    let shared = Sandbox::new();
    let header = "payout_id,payout_cl_id,platform_id,amount,fee,status,create_time,update_time\n";
    fs::write(path(&shared, "empty.csv"), header).unwrap();
    let run = many(&nothing.url(), &["--from"]).arg(path(&shared, "empty.csv")).run();
    assert!(refusal(run, 3).contains(" has no orders"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_hides_neither_the_run_nor_the_others() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 2]), Sandbox::new());
    let file = path(&shared, "run.json");
    let reports = ["--count", "2", "--report", "html=/dev/full", "--report"];
    let run = many(&merchant.url(), &reports).arg(format!("json={}", file.display())).run();
    let output = run.exits(4).says(&["cannot write /dev/full"]);
    let json: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(json["orders"]["acknowledged"], 2, "{output}");
}

#[test]
fn a_journal_is_begun_once_and_resumed_only_as_it_was() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 2]), Sandbox::new());
    let (url, journal) = (merchant.url(), path(&shared, "run.journal"));
    let run = |url: &str, extra: &[&str]| many(url, extra).arg("--journal").arg(&journal).run();
    assert!(refusal(run(&url, &["--resume"]), 2).contains("leave out --resume"));
    run(&url, &["--count", "2"]).exits(0).hides(KEY);
    assert!(refusal(run(&url, &["--count", "2"]), 2).contains("--resume"));
    assert!(refusal(run("http://127.0.0.1:9/", &["--resume"]), 2).contains(&url));
    // Nothing is left to be sent.
    let output = run(&url, &["--resume"]).exits(0);
    let attempts = &summary(&output)["attempts"];
    assert_eq!((&attempts["total"], &attempts["earlier_parts"]), (&2.into(), &2.into()));
    fs::write(path(&shared, "notes.txt"), "not a journal, but longer than any header".repeat(99))
        .unwrap();
    let foreign = many(&url, &["--resume", "--journal"]).arg(path(&shared, "notes.txt")).run();
    refusal(foreign, 3);
    let text = fs::read_to_string(path(&shared, "notes.txt")).unwrap();
    assert!(text.starts_with("not a journal"), "the foreign file was changed");
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    const ORDERS: usize = 40;
    // The second and the fifth order are acknowledged on their retry.
    let script: Vec<Scripted> = (0..ORDERS + 2)
        .map(|index| if index == 1 || index == 4 { BUSY } else { ACKNOWLEDGE })
        .collect();
    let (merchant, shared) = (Merchant::expecting(&script), Sandbox::new());
    let journal = path(&shared, "run.journal");
    let run = |extra: &[&str]| retrying(&merchant.url(), extra).arg("--journal").arg(&journal);
    let first = run(&["--count", &ORDERS.to_string(), "--rate", "40/s"]).start();
    merchant.wait_for(8);
    first.interrupt();
    let first = first.end().exits(130);
    let before = summary(&first);
    assert!(merchant.received().len() < ORDERS, "the interrupt came too late");
    // What was in flight got its reply.
    assert_eq!(before["attempts"]["total"], merchant.received().len(), "{before}");
    let second = run(&["--resume"]).run().exits(0);
    let after = summary(&second);
    let acknowledged = |summary: &Value| summary["orders"]["acknowledged"].as_u64().unwrap();
    assert_eq!(before["orders"]["total"], ORDERS);
    // The summary is that of the whole run.
    assert_eq!((&after["orders"]["total"], &after["parts"]), (&ORDERS.into(), &2.into()));
    assert_eq!(acknowledged(&after), ORDERS as u64, "{after}");
    assert_eq!(after["orders"]["retried"], 2, "{after}");
    let attempts = &after["attempts"];
    assert_eq!((&attempts["total"], &attempts["failed"]), (&(ORDERS + 2).into(), &2.into()));
    assert_eq!(attempts["earlier_parts"], before["attempts"]["total"], "{after}");
    assert_eq!((&attempts["unknown_outcomes"], &attempts["without_times"]), (&0.into(), &0.into()));
    // The journal records no phases, so they are those of the last part.
    let measured = |summary: &Value| summary["phases"]["attempts"].clone();
    assert_eq!(measured(&before), before["attempts"]["total"]);
    assert_eq!(measured(&after), (ORDERS as u64 + 2 - measured(&before).as_u64().unwrap()));
    assert_eq!(after["reasons"][0]["explanation"], before["reasons"][0]["explanation"]);
    let elapsed = |summary: &Value| summary["elapsed_ms"].as_f64().unwrap();
    assert!(elapsed(&after) > elapsed(&before), "{before} {after}");
    let arrivals = arrivals(&merchant);
    assert_eq!(arrivals.len(), ORDERS, "every order reached the merchant");
    assert_eq!(arrivals.values().filter(|times| **times == 2).count(), 2, "{arrivals:?}");
    assert_eq!(arrivals.values().sum::<usize>(), ORDERS + 2, "none was acknowledged twice");
}

#[test]
fn an_interrupt_right_after_ready_is_heard() {
    // Nobody listens there; the second order would be due after ten seconds.
    let run = many("http://127.0.0.1:9/", &["--count", "9", "--rate", "0.1/s"]).start();
    assert_eq!(run.json_line()["type"], "ready");
    run.interrupt();
    let output = run.end();
    assert_eq!(output.code, 130, "{output}");
}

#[test]
fn a_wrong_value_is_quoted_once_and_told_what_is_wanted_in_one_way() {
    for flag in ["--rate", "--upload-rate", "--duplicates", "--lose-replies", "--speed", "--mix"] {
        let output = many("http://127.0.0.1:9/", &[flag, "nonsense"]).run().exits(2);
        assert_eq!(output.stderr.matches("nonsense").count(), 1, "{output}");
        let told = output.stderr.lines().next().expect("a line");
        assert!(told.contains("expected ") && told.contains("such as "), "{output}");
    }
}
