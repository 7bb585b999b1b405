//! Every line of the machine-readable output against the schema of its type.

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Scripted, exchange, fixture, fixture_json,
    payout_notify, signed, signed_success,
};
use crate::support::schema::{Schemas, TYPES, objects_of, schema};

impl Schemas {
    /// Checks every line of an output.
    #[track_caller]
    fn check_all(&mut self, output: &Output) {
        let lines = output.json_lines();
        assert!(!lines.is_empty(), "no line from {output}");
        lines.iter().for_each(|line| self.check(line));
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
            schemas.check_all(&payout_notify(&arguments).key(KEY).stdin(payload).run());
        }
    }
    let two = ["verify", "--format", "json", "--key-file", "a", "--key-file", "b"];
    let two = payout_notify(&two).file("a", "AnotherKey456").file("b", KEY).stdin(&good);
    schemas.check_all(&two.run().exits(0));
    schemas.check_all(&payout_notify(&["dialects", "--format", "json"]).run().exits(0));
    let config = payout_notify(&["config", "show", "--format", "json"]).key(KEY);
    let profile = "default_profile = 'a'\n[profile.a]\nheaders = ['X-A: b']\n";
    schemas.check_all(&config.file("payout-notify.toml", profile).run().exits(0));
    schemas.check_all(&payout_notify(&["verify", "--format", "json"]).run().exits(2));
    schemas.check_all(&payout_notify(&["verify", "--format", "json", "gone"]).key(KEY).run());
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
    schemas.check_all(&simulate(&["--schedule", "1ms,1ms,1ms"]).run().exits(0));
    let odd = simulate(&["-", "--retries", "0"]).stdin("{\"status\":99,\"amount\":\"1.5\"}");
    schemas.check_all(&odd.run().exits(0));
    schemas.check_all(&simulate(&["--retries", "0"]).run().exits(1));
    schemas.check_all(&simulate(&["--retries", "0", "--timeout", "50ms"]).run().exits(1));
    let interrupted = simulate(&[]).start();
    merchant.wait_for(8);
    interrupted.interrupt();
    schemas.check_all(&interrupted.end().exits(130));
    schemas.check_all(&simulate(&["--dry-run"]).run().exits(0));
    schemas.check_all(&payout_notify(&["simulate", &url, "--format", "json", "--dry-run"]).run());
    schemas.check_all(&simulate(&["--retries", "99"]).run().exits(2));
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
    schemas.check_all(&run(&gated).run().exits(1));
    let lines = run(&["--from", "a.ndjson"]).file("a.ndjson", "{\"a\":1}\n{\"a\":2}\n");
    schemas.check_all(&lines.run().exits(0));
    schemas.check_all(&run(&["--from", "gone"]).run().exits(3));
    schemas.check_all(&run(&["--count", "2", "--report", "json=gone/a"]).run().exits(4));
}

fn listen_all(schemas: &mut Schemas) {
    let listening = Listening::start(&[]);
    schemas.check(&listening.ready);
    let good = signed_success();
    let deposit = good.replace("payout_", "payment_");
    for body in [&good, &good, &signed(&deposit), &signed("{\"a\":1}"), "{\"sign\":5}", "[]", "\0"]
    {
        listening.post(body);
        schemas.check(&listening.callback());
    }
    exchange(listening.address, "GET /?a=b HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n");
    schemas.check(&listening.line());
    schemas.check_all(&listening.interrupt().output.exits(0));
    let listening = Listening::start(&[
        "--referee",
        "--forward-to",
        "http://127.0.0.1:9/",
        "--reply",
        "503, delay 1ms 500",
    ]);
    schemas.check(&listening.ready);
    for status in [3, 2] {
        let body = good.replace("\"status\":3", &format!("\"status\":{status}"));
        listening.post(&signed(&body));
        schemas.check(&listening.callback());
    }
    exchange(listening.address, "no HTTP at all\r\n\r\n");
    schemas.check_all(&listening.interrupt().output.exits(1));
    let listening = Listening::start(&["--api"]);
    schemas.check(&listening.ready);
    listening.interrupt().output.exits(0);
    let remote = payout_notify(&["listen", "--format", "json", "--bind", "0.0.0.0:0"]).key(KEY);
    schemas.check_all(&remote.run().exits(2));
}

fn schedule_all(schemas: &mut Schemas) {
    for arguments in [&[][..], &["even"], &["15s,30s", "--window", "1m"], &["backof"]] {
        let all = [&["schedule", "--format", "json"], arguments].concat();
        schemas.check_all(&payout_notify(&all).run());
    }
}

fn check_cases(schemas: &mut Schemas) {
    let listening = Listening::start(&[]);
    let check = ["check", &listening.url, "--only", "auth-no-sign", "--format", "json"];
    schemas.check_all(&payout_notify(&check).key(KEY).run().exits(0));
    listening.interrupt().output.exits(0);
    schemas.check_all(&payout_notify(&["check", "--list", "--format", "json"]).run().exits(0));
}

#[test]
fn every_line_keeps_the_schema_of_its_type() {
    let mut schemas = Schemas::read();
    verify_all(&mut schemas);
    simulate_all(&mut schemas);
    simulate_many(&mut schemas);
    listen_all(&mut schemas);
    crate::inbox::every_shape().iter().for_each(|line| schemas.check(line));
    schedule_all(&mut schemas);
    check_cases(&mut schemas);
    schemas.assert_checked(TYPES);
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
