//! What `listen`, `inbox` and the inspector show of the same callbacks, byte for byte but for times and ports.
//!
//! The expected texts are below `tests/cli/received/`; run with `UPDATE_EXPECTED=1` to write them again.

use std::fs;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, DEADLINE, KEY, Listening, Merchant, Sandbox, Scripted, exchange, fixture,
    payout_notify, signed, signed_success,
};

/// A valid order, the same written differently, a status that came later, an invalid signature, missing
/// fields, bodies that cannot be read, a wrong content type and method, a probe, and a reply chosen by the path.
fn requests() -> Vec<Vec<u8>> {
    let good = signed_success();
    let json = "application/json;charset=utf-8";
    let request = |method: &str, path: &str, kind: &str, body: &[u8]| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: shop:8787\r\ncontent-type: {kind}\r\n\
             x-trace: t 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let post = |body: &str| request("POST", "/notify?x=1", json, body.as_bytes());
    vec![
        post(&good),
        post(&good.replacen(':', ": ", 1)),
        post(&fixture("withdraw-notification.json")),
        post(&signed("{\"payout_id\":\"P1\",\"memo\":\"中 \\u202e\\n\",\"amount\":\"12.5\"}")),
        post("{\"a\":"),
        request("POST", "/notify", json, b"\xff\x1b[2J"),
        request("POST", "/notify", "application/x-www-form-urlencoded", b"payout_id=P2&sign=00"),
        request("PUT", "/notify", json, b""),
        request("GET", "/notify", json, b""),
        request("POST", "/reply/503", json, good.as_bytes()),
    ]
}

/// The text with what differs from run to run replaced: times, and what stands in `changing`.
fn settled(text: &str, changing: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changing {
        text = text.replace(from, to);
    }
    for key in ["received_at", "remote", "at", "first_at", "acknowledged_at", "since_last_ms"]
        .into_iter()
        .chain(["elapsed_ms", "at_ms", "gap_ms", "span_ms"])
    {
        text = without_value(&text, &format!("\"{key}\":"));
    }
    text.lines().map(|line| without_times(line) + "\n").collect()
}

fn without_value(text: &str, key: &str) -> String {
    let mut parts = text.split(key);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = match part.strip_prefix('"') {
            Some(rest) => rest.find('"').map_or(part.len(), |at| at + 2),
            None => part.find([',', '}', ']']).unwrap_or(part.len()),
        };
        let value = if part.starts_with("null") { "null" } else { "…" };
        whole += &format!("{key}{value}{}", &part[end..]);
    }
    whole
}

/// The line without clock times and durations.
fn without_times(line: &str) -> String {
    let is_time = |word: &str| {
        let digits = word.trim_start_matches('+').trim_end_matches([',', 's', 'm', 'Z']);
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit() || b".:".contains(&byte))
    };
    let words: Vec<&str> = line.split(' ').collect();
    let shown = words.iter().enumerate().map(|(at, word)| {
        let unit = words.get(at + 1).map(|unit| unit.trim_end_matches([',', ';', ')']));
        let is_span = is_time(word) && matches!(unit, Some("µs" | "ms" | "s"));
        let is_clock = is_time(word) && word.matches(':').count() == 2;
        if is_span || is_clock { "…" } else { word }
    });
    let shown = shown.collect::<Vec<_>>().join(" ").replace("… ms", "… s").replace("… µs", "… s");
    if !shown.contains('…') {
        return shown;
    }
    // A table is as wide whatever the time is.
    let words: Vec<&str> = shown.split_whitespace().collect();
    words.join(" ")
}

fn assert_expected(name: &str, text: &str) {
    let path = format!("{}/tests/cli/received/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (number, (line, expected)) in (1..).zip(text.lines().zip(expected.lines())) {
        assert_eq!(line, expected, "{path}:{number}");
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{path}");
}

#[test]
fn every_view_of_a_callback_is_as_expected() {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("inbox.db");
    let listening =
        Listening::of(Listening::program(&["--referee", "--inspect", "--inbox"]).arg(&path));
    for request in requests() {
        let is_callback = !request.starts_with(b"GET");
        exchange(listening.address, request);
        if is_callback {
            listening.callback();
        } else {
            assert_eq!(listening.running().json_line()["event"], "not-a-callback");
        }
    }
    {
        // No listener can be given another time.
        let database = Connection::open(&path).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        let fixed = "UPDATE entries SET received_at_us = 1800000000000000, remote = '127.0.0.1:4'";
        database.execute_batch(fixed).unwrap();
    }
    let mut inbox = String::new();
    let mut show = |arguments: &[&str]| {
        let program = payout_notify(&["inbox"]).key(KEY).args(arguments).arg("--inbox").arg(&path);
        let output = program.run();
        inbox += &format!("$ inbox {}\n", arguments.join(" "));
        inbox += &output.stdout;
        inbox += &output.stderr;
    };
    for format in ["human", "json"] {
        show(&["list", "--format", format]);
        show(&["diff", "1", "2", "--format", format]);
        show(&["diff", "1", "9", "--format", format]);
        for id in 1..=9 {
            show(&["show", &id.to_string(), "--format", format]);
        }
    }
    for form in ["ndjson", "http", "curl"] {
        show(&["export", "--print", form]);
    }
    assert_expected("inbox", &inbox);
    assert_expected("inspector", &inspector(&listening));
    let address = listening.address.to_string();
    let page = listening.ready["inspector"].as_str().unwrap().to_owned();
    let path = path.display().to_string();
    let ready = listening.ready.clone();
    let [api, token] = ["url", "token"].map(|field| ready["api"][field].as_str().unwrap());
    let changing = [
        (&*address, "ADDRESS"),
        (&*page, "PAGE"),
        (api, "API"),
        (token, "TOKEN"),
        (&*path, "INBOX"),
    ];
    // The referee calls an order silent after a second, so that it is on any machine.
    thread::sleep(Duration::from_millis(1_200));
    let output = listening.interrupt().output;
    assert_expected("listen-json", &settled(&(output.stdout + &output.stderr), &changing));
}

/// What the page reads: the list and each entry.
fn inspector(listening: &Listening) -> String {
    let url = listening.ready["inspector"].as_str().unwrap();
    let (host, token) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once("/?token=")).unwrap();
    let port = host.rsplit(':').next().unwrap();
    let ids = (1..=9).map(|id| format!("/api/callbacks/{id}"));
    let mut shown = String::new();
    for path in ["/api/callbacks".to_owned()].into_iter().chain(ids) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Cookie: inspector_{port}={token}\r\n\r\n"
        );
        let body = exchange(host.parse().unwrap(), head).body;
        let _: Value = serde_json::from_str(&body).unwrap();
        shown += &format!("$ {path}\n{body}\n");
    }
    shown
}

#[test]
fn a_person_sees_each_callback_as_expected() {
    let app = Merchant::expecting(&[
        ACKNOWLEDGE,
        Scripted::Json(500, "no"),
        ACKNOWLEDGE,
        ACKNOWLEDGE,
        ACKNOWLEDGE,
        ACKNOWLEDGE,
        ACKNOWLEDGE,
        Scripted::Json(200, r#"{"error_code":0}"#),
        ACKNOWLEDGE,
    ]);
    for (name, arguments) in [
        ("listen", &["--referee"][..]),
        ("listen-verbose", &["--verbose", "--reply", "fail*2, delay 1ms ok, close, drip 1ms auto"]),
        ("listen-forward", &["--forward-to", &app.url()]),
    ] {
        let run = ["listen", "--bind", ":0", "--count", "9", "--no-inbox"];
        let running = payout_notify(&[&run, arguments].concat()).key(KEY).start();
        let ready = running.line();
        let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap().to_owned();
        for request in requests() {
            exchange_any(&address, request);
        }
        let output = running.end();
        let text = output.stdout.replace(&app.url(), "APP").replace(&address, "ADDRESS");
        assert_expected(name, &settled(&text, &[]));
    }
}

/// Sends a request and takes what comes, which may be nothing.
fn exchange_any(address: &str, request: Vec<u8>) {
    crate::harness::raw_exchange(address.parse().unwrap(), request);
}
