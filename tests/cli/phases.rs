//! Whose time it was: the phases of attempts, from the listener's delay to the gate.

use serde_json::Value;

use crate::harness::{KEY, Listening, Output, Program, payout_notify};

const LATE: &str = "delay 100ms 200";

fn simulate(url: &str, arguments: &[&str]) -> Program {
    payout_notify(&[&["simulate", url, "--retries", "0"], arguments].concat()).key(KEY)
}

fn of_type(output: &Output, kind: &str) -> Vec<Value> {
    output.json_lines().into_iter().filter(|line| line["type"] == kind).collect()
}

#[track_caller]
fn at_least(phases: &Value, phase: &str, least: f64) {
    assert!(phases[phase].as_f64().is_some_and(|time| time >= least), "{phase} in {phases}");
}

#[test]
fn a_late_reply_is_the_merchants_time() {
    let merchant = Listening::start(&["--reply", LATE]);
    let url = merchant.url.replace("127.0.0.1", "localhost");
    let attempt = of_type(&simulate(&url, &["--format", "json"]).run().exits(1), "attempt");
    let phases = &attempt[0]["phases"];
    at_least(phases, "first_byte_ms", 100.0);
    for phase in ["resolve_ms", "connect_ms", "send_ms"] {
        at_least(phases, phase, 0.0);
    }
    assert_eq!((&phases["tls_ms"], &phases["ended_in"]), (&Value::Null, &Value::Null));
    let shown = simulate(&url, &["-v"]).run().exits(1);
    let line = shown.stderr.lines().find(|line| line.contains("first byte")).expect("a line");
    let places = ["resolve ", "connect ", "send ", "first byte "].map(|part| line.find(part));
    assert!(places.is_sorted() && places[0].is_some(), "{line}");
}

#[test]
fn an_attempt_without_a_reply_shows_how_far_it_came() {
    let merchant = Listening::start(&["--reply", "hang 35s"]);
    let run = |extra: &[&str]| simulate(&merchant.url, &[&["--timeout", "150ms"], extra].concat());
    let attempt = of_type(&run(&["--format", "json"]).run().exits(1), "attempt");
    let phases = &attempt[0]["phases"];
    assert_eq!(
        (&attempt[0]["conclusion"], &phases["ended_in"]),
        (&"timeout".into(), &"first-byte".into())
    );
    at_least(phases, "first_byte_ms", 100.0);
    run(&["-v"]).run().exits(1).remarks(&["* connect ", ", send ", ", no first byte in 1"]);
    // Such an attempt does not count as fast: a gate on the first byte sees how long it was waited for.
    let gate = ["--count", "2", "--fail-if", "ttfb.p50>100ms"];
    run(&gate).run().exits(1).says(&["ttfb.p50>100ms", "ttfb.p50 is 1"]);
}

#[test]
fn gates_and_the_summary_measure_phases() {
    let merchant = Listening::start(&["--reply", "delay 100ms ok"]);
    let run = |arguments: &[&str]| {
        let usual = ["--count", "3", "--concurrency", "1"];
        simulate(&merchant.url, &[&usual, arguments].concat())
    };
    let json = ["--format", "json", "--fail-if", "ttfb.p99>60s", "--fail-if", "connect.max>60s"];
    let output = run(&json).run().exits(0);
    let summary = &of_type(&output, "delivery-summary")[0];
    let phases = &summary["phases"];
    // One connection for all three, to an address.
    for (phase, attempts) in
        [("resolve", 0), ("connect", 1), ("tls", 0), ("send", 3), ("first_byte", 3)]
    {
        assert_eq!(phases[phase]["attempts"], attempts, "{phase}");
    }
    assert_eq!(phases["attempts"], 3);
    at_least(&phases["first_byte"], "min_ms", 100.0);
    assert_eq!(phases["tls"]["p95_ms"], Value::Null);
    let attempts = of_type(&output, "delivery-attempt");
    let connected = |attempt: &&Value| attempt["phases"]["connect_ms"].is_number();
    assert_eq!(attempts.iter().filter(connected).count(), 1, "{output}");
    let failing = run(&["--fail-if", "ttfb.p50>=100ms"]).run().exits(1);
    failing.says(&["Phases of attempts", "first byte", "failed   ttfb.p50>=100ms"]);
    // http has no handshake, so there is nothing by which such a gate could pass.
    run(&["--fail-if", "tls.p99>1s"]).run().exits(1).says(&["no data  tls.p99>1s"]);
    let refused = run(&["--fail-if", "ttfb>1s"]).run().exits(2);
    assert!(refused.stderr.contains("did you mean ttfb.p99?"), "{refused}");
}

#[test]
fn the_exchanges_of_a_check_have_phases() {
    let merchant = Listening::start(&["--reply", "delay 100ms ok"]);
    let arguments = ["check", &merchant.url, "--format", "json", "--only", "auth-no-sign"];
    let output = payout_notify(&arguments).key(KEY).run().exits(1);
    let cases = of_type(&output, "case");
    let exchanges: Vec<&Value> =
        cases.iter().filter_map(|case| case["exchanges"].as_array()).flatten().collect();
    assert!(!exchanges.is_empty(), "{output}");
    for exchange in exchanges.iter().filter(|exchange| exchange["received"].is_object()) {
        at_least(&exchange["phases"], "first_byte_ms", 100.0);
    }
}
