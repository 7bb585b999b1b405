//! Every line of the machine-readable output against the schema of its type.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jsonschema::Validator;
use payout_notify::check::report::{
    CaseResult, CheckReport, Endpoint, Exchange, Received, Status, Tries,
};
use payout_notify::delivery::record::{AttemptRecord, FleetEvent, OrderRecord, OrderResult};
use payout_notify::listener::Bytes;
use payout_notify::listener::callback::Callback;
use payout_notify::listener::referee::{Observation, Referee, Rules};
use payout_notify::listener::verdict::Contract;
use payout_notify::report::check::{CheckFacts, json as check_json};
use payout_notify::report::gates::Gate;
use payout_notify::report::referee as referee_report;
use payout_notify::report::summary::json::{attempt as attempt_json, summary as summary_json};
use payout_notify::report::summary::{DeliverySummary, RunFacts, RunReport};
use serde_json::{Map, Value, json};

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Scripted, exchange, fixture, fixture_json,
    payout_notify, signed, signed_success,
};

const TYPES: &[&str] = &[
    "attempt",
    "callback",
    "case",
    "check",
    "config",
    "delivery-attempt",
    "delivery-summary",
    "dialects",
    "error",
    "inbox-diff",
    "inbox-entry",
    "inbox-replay",
    "listed-case",
    "plan",
    "ready",
    "referee",
    "report",
    "schedule",
    "server-event",
    "summary",
    "verification",
];

fn schema(kind: &str) -> Value {
    fixture_json(&format!("schema/{kind}.schema.json"))
}

/// The validators of all types, and how many lines each has seen.
struct Schemas(BTreeMap<&'static str, (Validator, usize)>);

impl Schemas {
    fn read() -> Schemas {
        let validator = |kind| {
            let validator = jsonschema::validator_for(&schema(kind));
            (validator.unwrap_or_else(|error| panic!("{kind}: {error}")), 0)
        };
        Schemas(TYPES.iter().map(|kind| (*kind, validator(kind))).collect())
    }

    /// Holds a line against the schema of its type.
    #[track_caller]
    fn hold(&mut self, line: &Value) {
        let (validator, seen) = line["type"]
            .as_str()
            .and_then(|kind| self.0.get_mut(kind))
            .unwrap_or_else(|| panic!("no schema for {line}"));
        let faults: Vec<String> = validator
            .iter_errors(line)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}\nof {line:#}");
        for broken in broken_copies(line) {
            assert!(!validator.is_valid(&broken), "the schema allows {broken:#}");
        }
        *seen += 1;
    }

    /// Holds every line of an output against its schema.
    #[track_caller]
    fn hold_all(&mut self, output: &Output) {
        let lines = output.json_lines();
        assert!(!lines.is_empty(), "no line from {output}");
        lines.iter().for_each(|line| self.hold(line));
    }
}

/// The line with each member left out, and with one that no schema knows, at its every object.
fn broken_copies(line: &Value) -> Vec<Value> {
    let mut copies = Vec::new();
    for (pointer, object) in objects_of(line, String::new()) {
        let mut with = |changed: Map<String, Value>| {
            let mut copy = line.clone();
            *copy.pointer_mut(&pointer).expect("an object") = Value::Object(changed);
            copies.push(copy);
        };
        for name in object.keys() {
            with(object.iter().filter(|(it, _)| *it != name).map(clone).collect());
        }
        with(object.iter().map(clone).chain([("extra".to_owned(), json!(1))]).collect());
    }
    copies
}

fn clone((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Every object in a value with the JSON pointer to it.
fn objects_of(value: &Value, pointer: String) -> Vec<(String, &Map<String, Value>)> {
    match value {
        Value::Object(object) => {
            let below = object
                .iter()
                .flat_map(|(name, value)| objects_of(value, format!("{pointer}/{name}")));
            below.chain([(pointer.clone(), object)]).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| objects_of(item, format!("{pointer}/{index}")))
            .collect(),
        _ => Vec::new(),
    }
}

/// The payload of the near misses with the digest of this case.
fn near_miss(code: &str) -> String {
    let misses = fixture_json("vectors/near-misses.json");
    let mut cases = misses["cases"].as_array().expect("cases").iter();
    let case = cases.find(|case| case["code"] == code).expect("the case");
    let open = misses["payload"].as_str().and_then(|it| it.strip_suffix('}')).expect("an object");
    format!("{open},\"sign\":{}}}", case["digest"])
}

fn verify_all(schemas: &mut Schemas) {
    let good = signed_success();
    let bare = "{\"memo\":null,\"sign\":5,\"sign_type\":\"RSA\"}";
    let example = fixture("withdraw-notification.json");
    // The vector of a key written after `&key=`, where the texts part at its end.
    let near = near_miss("M01 key-prefix");
    for payload in [&good, bare, &example, &near, "{}", "[]", "{\"a\":1,\"a\":2}", "{\"l\":[01]}"] {
        for extra in [
            &[][..],
            &["--strict"],
            &["--require", "hmac-sha256"],
            &["--explain", "--show-expected"],
            &["--lines"],
        ] {
            let arguments = [&["verify", "--format", "json"], extra].concat();
            schemas.hold_all(&payout_notify(&arguments).key(KEY).stdin(payload).run());
        }
    }
    schemas.hold_all(&payout_notify(&["dialects", "--format", "json"]).run().exits(0));
    let config = payout_notify(&["config", "show", "--format", "json"]).key(KEY);
    let profile = "default_profile = 'a'\n[profile.a]\nheaders = ['X-A: b']\n";
    schemas.hold_all(&config.file("payout-notify.toml", profile).run().exits(0));
    schemas.hold_all(&payout_notify(&["verify", "--format", "json"]).run().exits(2));
    schemas.hold_all(&payout_notify(&["verify", "--format", "json", "gone"]).key(KEY).run());
}

fn simulate_all(schemas: &mut Schemas) {
    let merchant = Merchant::expecting(&[
        Scripted::Close,
        Scripted::Redirect,
        Scripted::Json(503, "busy"),
        Scripted::Json(201, r#"{"error_code":"0000","more":1}"#),
        ACKNOWLEDGE,
        Scripted::Json(200, "\u{1}"),
        Scripted::Hang,
        Scripted::Hang,
    ]);
    let url = merchant.url();
    let simulate = |arguments: &[&str]| {
        payout_notify(&[&["simulate", &url, "--format", "json"], arguments].concat()).key(KEY)
    };
    schemas.hold_all(&simulate(&["--schedule", "1ms,1ms,1ms"]).run().exits(0));
    let odd = simulate(&["-", "--retries", "0"]).stdin("{\"status\":99,\"amount\":\"1.5\"}");
    schemas.hold_all(&odd.run().exits(0));
    schemas.hold_all(&simulate(&["--retries", "0"]).run().exits(1));
    schemas.hold_all(&simulate(&["--retries", "0", "--timeout", "50ms"]).run().exits(1));
    let interrupted = simulate(&[]).start();
    merchant.wait_for(8);
    interrupted.interrupt();
    schemas.hold_all(&interrupted.end().exits(130));
    schemas.hold_all(&simulate(&["--dry-run"]).run().exits(0));
    schemas.hold_all(&payout_notify(&["simulate", &url, "--format", "json", "--dry-run"]).run());
    schemas.hold_all(&simulate(&["--retries", "99"]).run().exits(2));
}

fn simulate_many(schemas: &mut Schemas) {
    let merchant = Merchant::expecting(&[
        ACKNOWLEDGE,
        Scripted::Close,
        Scripted::Json(503, "busy"),
        ACKNOWLEDGE,
        ACKNOWLEDGE,
    ]);
    let url = merchant.url();
    let run = |arguments: &[&str]| {
        let usual = ["simulate", &url, "--format", "json", "--concurrency", "1"];
        payout_notify(&[&usual, arguments].concat()).key(KEY)
    };
    let gates = ["--fail-if", "acked<100%", "--fail-if", "p99>9s"];
    let gated = [&["--count", "3", "--retries", "0"], &gates[..]].concat();
    schemas.hold_all(&run(&gated).run().exits(1));
    let lines = run(&["--from", "a.ndjson"]).file("a.ndjson", "{\"a\":1}\n{\"a\":2}\n");
    schemas.hold_all(&lines.run().exits(0));
    schemas.hold_all(&run(&["--from", "gone"]).run().exits(3));
    schemas.hold_all(&run(&["--count", "2", "--report", "json=gone/a"]).run().exits(4));
}

fn listen_all(schemas: &mut Schemas) {
    let listening = Listening::start(&[]);
    schemas.hold(&listening.ready);
    let good = signed_success();
    let deposit = good.replace("payout_", "payment_");
    for body in [&good, &good, &signed(&deposit), &signed("{\"a\":1}"), "{\"sign\":5}", "[]", "\0"]
    {
        listening.post(body);
        schemas.hold(&listening.callback());
    }
    exchange(listening.address, "GET /?a=b HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n");
    schemas.hold(&listening.callback());
    schemas.hold_all(&listening.interrupt().output.exits(0));
    let listening = Listening::start(&[
        "--referee",
        "--forward-to",
        "http://127.0.0.1:9/",
        "--reply",
        "503, delay 1ms 500",
    ]);
    schemas.hold(&listening.ready);
    for status in [3, 2] {
        let body = good.replace("\"status\":3", &format!("\"status\":{status}"));
        listening.post(&signed(&body));
        schemas.hold(&listening.callback());
    }
    exchange(listening.address, "no HTTP at all\r\n\r\n");
    schemas.hold_all(&listening.interrupt().output.exits(1));
    let remote = payout_notify(&["listen", "--format", "json", "--bind", "0.0.0.0:0"]).key(KEY);
    schemas.hold_all(&remote.run().exits(2));
}

fn schedule_all(schemas: &mut Schemas) {
    for arguments in [&[][..], &["even"], &["15s,30s", "--window", "1m"], &["backof"]] {
        let all = [&["schedule", "--format", "json"], arguments].concat();
        schemas.hold_all(&payout_notify(&all).run());
    }
}

/// A run's summary with and without data, and its attempts, straight from the library.
fn summaries(schemas: &mut Schemas) {
    let mut hold = |text: &str| schemas.hold(&serde_json::from_str(text).expect("JSON"));
    let facts = RunFacts {
        url: "http://localhost/".to_owned(),
        started_at: Timestamp::UNIX_EPOCH,
        schedule: "backoff".to_owned(),
        orders: None,
        rate: None,
        ramp: None,
    };
    let mut summary = DeliverySummary::new(facts);
    let mut hold_summary = |summary: &DeliverySummary| {
        let gates = ["p99>1s", "acked<100%", "exhausted>0", "rate<1/s"];
        let gates = gates.map(|gate| gate.parse::<Gate>().expect("a gate").evaluate(summary));
        hold(&summary_json(&RunReport { summary: summary.clone(), gates: gates.to_vec() }));
    };
    hold_summary(&summary);
    let mut attempts = Vec::new();
    for order in 1..=3 {
        let attempt = AttemptRecord {
            order,
            order_id: "POT1".into(),
            attempt: 1,
            intended: Duration::from_millis(order),
            sent: Duration::from_millis(order * 2),
            finished: Duration::from_millis(order * 3),
            status: (order > 1).then_some(200),
            code: if order > 1 { "acknowledged" } else { "timeout" },
            explanation: (order == 1).then(|| "too slow".to_owned()),
        };
        summary.fold(&FleetEvent::Attempt(attempt.clone()));
        attempts.push(attempt_json(&attempt));
        let result = if order == 1 { OrderResult::Exhausted } else { OrderResult::Acknowledged };
        let AttemptRecord { order_id, finished, .. } = attempt;
        let ended = OrderRecord { order, order_id, result, attempts: 1, finished, lapsed: false };
        summary.fold(&FleetEvent::Order(ended));
    }
    summary.fold(&FleetEvent::Throttled { at: Duration::ZERO, in_flight: 2 });
    summary.finish(Duration::from_secs(1));
    hold_summary(&summary);
    attempts.iter().for_each(|attempt| hold(attempt));
}

/// What a referee says of nothing, of a sender that breaks rules, and of one that keeps them.
fn referees(schemas: &mut Schemas) {
    let mut hold = |referee: &Referee| {
        let text = referee_report::json(&referee.verdict());
        schemas.hold(&serde_json::from_str(&text).expect("JSON"));
    };
    let mut referee = Referee::new(Rules::default());
    hold(&referee);
    let mut observe = |number: u64, method: &str, body: &str| {
        let callback = Callback {
            number,
            received_at: Timestamp::UNIX_EPOCH + Duration::from_millis(number),
            remote: ([127, 0, 0, 1], 1).into(),
            method: method.to_owned(),
            path: "/".to_owned(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        referee.observe(&Observation::of(&callback, &Contract::default()));
        referee.acknowledged(number, callback.received_at);
    };
    observe(1, "POST", "{\"payout_id\":\"P1\",\"status\":3}");
    observe(2, "POST", "{\"payout_id\":\"P1\",\"status\":3,\"amount\":1}");
    observe(3, "PUT", "[]");
    observe(4, "POST", "{\"payout_id\":\"P2\"}");
    hold(&referee);
}

fn listed_cases(schemas: &mut Schemas) {
    schemas.hold_all(&payout_notify(&["check", "--list", "--format", "json"]).run().exits(0));
}

/// A check that begins, its cases as they end, and the whole of it.
fn checks(schemas: &mut Schemas) {
    let mut hold = |text: &str| schemas.hold(&serde_json::from_str(text).expect("JSON"));
    let url = "http://localhost/".to_owned();
    let started_at = Timestamp::UNIX_EPOCH;
    hold(&check_json::ready(&CheckFacts {
        url: url.clone(),
        started_at,
        cases: 2,
        bound: 9,
        seed: 1,
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
    };
    let reply = Received { status: 500, content_type: None, body: b"busy".to_vec() };
    let statuses =
        [Status::Passed, Status::Failed, Status::Warned, Status::Skipped, Status::Inconclusive];
    let results = statuses.map(|status| CaseResult {
        id: "auth-no-sign".to_owned(),
        group: "authenticity".to_owned(),
        title: "no sign".to_owned(),
        status,
        tries: if status == Status::Passed { Tries::PassedOnSecond } else { Tries::FailedTwice },
        summary: String::new(),
        why: String::new(),
        fix: String::new(),
        unseen: (status == Status::Passed).then(|| "the effect".to_owned()),
        exchanges: vec![exchange(Ok(reply.clone())), exchange(Err("closed".to_owned()))],
        elapsed: Duration::from_millis(2),
    });
    results.iter().for_each(|result| hold(&check_json::case(result)));
    let reason = "refused".to_owned();
    for endpoint in [
        Endpoint::Discerning,
        Endpoint::AcknowledgesEverything,
        Endpoint::RefusesControl { reason: reason.clone() },
        Endpoint::Unreachable { reason },
    ] {
        hold(&check_json::check(&CheckReport {
            url: url.clone(),
            started_at,
            elapsed: Duration::from_secs(1),
            endpoint,
            results: results.to_vec(),
            requests: 3,
            bound: 9,
            seed: u64::MAX,
            options: Vec::new(),
        }));
    }
}

#[test]
fn every_line_keeps_the_schema_of_its_type() {
    let mut schemas = Schemas::read();
    verify_all(&mut schemas);
    simulate_all(&mut schemas);
    simulate_many(&mut schemas);
    listen_all(&mut schemas);
    crate::inbox::every_shape().iter().for_each(|line| schemas.hold(line));
    schedule_all(&mut schemas);
    summaries(&mut schemas);
    referees(&mut schemas);
    checks(&mut schemas);
    listed_cases(&mut schemas);
    for (kind, (_, seen)) in &schemas.0 {
        assert!(*seen > 0, "no line of the type {kind} was seen");
    }
}

#[test]
fn every_schema_is_closed_and_complete() {
    let folder = format!("{}/fixtures/schema", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let known: Vec<String> = TYPES.iter().map(|kind| format!("{kind}.schema.json")).collect();
    assert_eq!(names, known);
    for kind in TYPES {
        let schema = schema(kind);
        assert!(jsonschema::meta::is_valid(&schema), "{kind} is no schema");
        let shapes: Vec<_> = objects_of(&schema, String::new())
            .into_iter()
            .filter(|(_, object)| object.contains_key("properties"))
            .collect();
        assert!(!shapes.is_empty(), "{kind} describes no object");
        for (pointer, shape) in shapes {
            assert_eq!(shape["additionalProperties"], false, "{kind}{pointer}");
            let mut required: Vec<_> =
                shape["required"].as_array().unwrap().iter().map(|it| it.as_str()).collect();
            let mut properties: Vec<_> =
                shape["properties"].as_object().unwrap().keys().map(|it| Some(&**it)).collect();
            required.sort();
            properties.sort();
            assert_eq!(required, properties, "{kind}{pointer}");
        }
    }
}
