//! `listen`: what it answers, what it says, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::json;

use crate::harness::{
    DEADLINE, KEY, Listening, Running, exchange, fixture, json_post, payout_notify, signed,
    signed_success,
};

#[test]
fn a_valid_notification_is_acknowledged_exactly() {
    let listening = Listening::start(&["--count", "1"]);
    let reply = listening.post(&signed_success());
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"error_code":"0000"}"#));
    let head = reply.head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json;charset=utf-8"), "{head}");
    let callback = listening.callback();
    assert_eq!((&callback["valid"], &callback["number"]), (&true.into(), &1.into()));
    assert_eq!(callback["order"]["amount"], "4000.00");
    assert_eq!(callback["reply"]["error_code"], "0000");
    listening.end().output.exits(0);
}

#[test]
fn several_keys_are_accepted_and_the_one_that_signed_is_named() {
    let arguments = ["--key-file", "new.key", "--key-file", "old.key", "--count", "3"];
    let program = Listening::program(&arguments).file("new.key", "AnotherKey456");
    let listening = Listening::of(program.file("old.key", KEY));
    assert_eq!(listening.ready["other_key_fingerprints"].as_array().map(Vec::len), Some(1));
    let old = signed_success();
    let new = payout_notify(&["sign"]).key("AnotherKey456").stdin(&old).run().exits(0).stdout;
    let neither = payout_notify(&["sign"]).key("neither").stdin(&old).run().exits(0).stdout;
    for (body, code, file) in [
        (&old, "0000", json!({"file": "old.key", "position": 2})),
        (&new, "0000", json!({"file": "new.key", "position": 1})),
        (&neither, "0004", json!(null)),
    ] {
        assert_eq!(listening.post(body).error_code(), code);
        assert_eq!(listening.callback()["key"], file);
    }
    listening.end().output.exits(1);
}

#[test]
fn everything_else_is_refused_with_the_platforms_codes() {
    let listening = Listening::start(&["--count", "6"]);
    let (good, json) = (signed_success(), "application/json;charset=utf-8");
    let request = |method: &str, kind: &str, body: &str| {
        format!(
            "{method} /n HTTP/1.1\r\nHost: m\r\nConnection: close\r\n{kind}Content-Length: {}\r\n\
             \r\n{body}",
            body.len()
        )
    };
    let json = format!("Content-Type: {json}\r\n");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (request, code, status) in [
        (request("POST", &json, &fixture("withdraw-notification.json")), "0004", 200),
        (request("POST", &json, &signed("{\"payout_id\":\"P1\"}")), "0002", 200),
        (request("POST", &json, "{\"a\":"), "0021", 400),
        (request("POST", form, &good), "0022", 415),
        (request("POST", "", &good), "0022", 415),
        (request("PUT", &json, &good), "0023", 405),
    ] {
        let reply = exchange(listening.address, &request);
        assert_eq!((reply.error_code().as_str(), reply.status), (code, status), "{request}");
        let callback = listening.callback();
        assert_eq!(callback["reply"]["error_code"], code, "{callback}");
        assert_eq!(callback["valid"], false, "{callback}");
    }
    let ended = listening.end();
    assert_eq!((&ended.summary["valid"], &ended.summary["invalid"]), (&0.into(), &6.into()));
    ended.output.exits(1);
}

#[test]
fn a_probe_is_answered_and_not_counted() {
    for flags in [&["--no-inbox"][..], &["--referee", "--reply", "ok"]] {
        let listening = Listening::start(&[&["--count", "1"], flags].concat());
        for (target, status) in
            [("GET /healthz", 200), ("HEAD /healthz", 200), ("GET /", 405), ("HEAD /n", 405)]
        {
            let request = format!("{target} HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n");
            assert_eq!(exchange(listening.address, &request).status, status, "{target}");
        }
        listening.post(&signed_success());
        // One of them, because probes come for as long as a listener runs.
        assert_eq!(listening.line()["event"], "not-a-callback");
        let line = listening.callback();
        assert_eq!((&line["number"], &line["valid"]), (&1.into(), &true.into()));
        if flags.len() > 1 {
            assert_eq!(listening.kept(), [signed_success()]);
        }
        let ended = listening.end();
        let counted =
            [&ended.summary["callbacks"], &ended.summary["valid"], &ended.summary["orders"]];
        assert_eq!(counted, [1, 1, 1]);
        ended.output.exits(0);
    }
}

#[test]
fn a_body_too_long_is_refused_before_it_is_sent() {
    let listening = Listening::start(&[]);
    let head = "POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000000000000\r\n\r\n";
    assert_eq!(exchange(listening.address, head).status, 413);
    let ended = listening.interrupt();
    assert_eq!(ended.summary["callbacks"], 0);
    let lines = ended.output.exits(0).json_lines();
    let event = lines.iter().find(|line| line["type"] == "server-event").expect("an event");
    assert_eq!(event["event"], "refused");
    assert!(event["explanation"].as_str().unwrap().contains("longer than 1 MiB"), "{event}");
}

#[test]
fn a_duplicate_is_counted_and_acknowledged_again() {
    let listening = Listening::start(&["--count", "4"]);
    let order = signed_success();
    let other = signed(&order.replace("POT00000102", "POT00000777"));
    let mut seen = Vec::new();
    for body in [&order, &order, &other, &order] {
        assert_eq!(listening.post(body).error_code(), "0000");
        let callback = listening.callback();
        seen.push((callback["delivery"].as_u64(), callback["since_last_ms"].is_number()));
    }
    assert_eq!(seen, [(Some(1), false), (Some(2), true), (Some(1), false), (Some(3), true)]);
    let ended = listening.end();
    assert_eq!((&ended.summary["callbacks"], &ended.summary["orders"]), (&4.into(), &2.into()));
}

#[test]
fn a_failed_payout_is_acknowledged_too() {
    let listening = Listening::start(&["--count", "1"]);
    let failed = signed_success().replace("\"status\":3", "\"status\":5");
    assert_eq!(listening.post(&signed(&failed)).error_code(), "0000");
    assert_eq!(listening.callback()["order"]["status_name"], "failed");
    listening.end().output.exits(0);
}

#[test]
fn a_required_kind_is_held_to() {
    let listening = Listening::start(&["--count", "1", "--require", "hmac-sha256"]);
    assert_eq!(listening.post(&signed_success()).error_code(), "0004");
    assert_eq!(listening.callback()["reason"], "not-as-required");
    listening.end().output.exits(1);
}

#[test]
fn a_person_sees_the_order_the_verdict_and_the_reason() {
    let running = payout_notify(&["listen", "--bind", ":0", "--count", "2"]).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let address = address.parse().unwrap();
    assert!(ready.starts_with("listening on "), "{ready}");
    exchange(address, json_post(&signed_success()));
    exchange(address, json_post(&fixture("withdraw-notification.json")));
    running.end().exits(1).hides(KEY).says(&[
        "← POT00000102  4000.00  success  delivery 1",
        "→ 200 {\"error_code\":\"0000\"}  MD5 signature matches",
        "processing  delivery 2, +",
        "{\"error_code\":\"0004\",\"error_msg\":\"bad signature\"}  MD5 signature does not match",
        "given      d2e4534fce8c1d1053bbf59fd8ae4464",
        "&[key]",
        "2 callbacks for 1 order: 1 valid, 1 invalid",
    ]);
}

#[test]
fn a_callback_cannot_write_on_the_screen() {
    let running = payout_notify(&["listen", "--bind", ":0", "--count", "2"]).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let address = address.parse().unwrap();
    let hostile = "{\"payout_id\":\"\\u001b[2J\\nfake\",\"memo\":\"\\u202e\",\"sign\":\"\\u0007\"}";
    exchange(address, json_post(hostile));
    exchange(address, json_post("{\"\\u001b]0;x\\u0007\":"));
    let output = running.end().exits(1);
    let hidden = ['\u{1b}', '\u{202e}', '\u{7}'];
    assert!(!output.stdout.contains(hidden) && !output.stderr.contains(hidden), "{output}");
    assert!(!output.stdout.lines().any(|line| line.starts_with("fake")), "{output}");
}

#[test]
fn the_time_ends_it() {
    let ended = Listening::start(&["--for", "20ms"]).end();
    assert_eq!(ended.summary["callbacks"], 0);
    ended.output.exits(0);
    let short = Listening::start(&["--for", "20ms", "--count", "1"]).end();
    short.output.exits(1);
}

#[test]
fn an_interrupt_ends_it_with_its_summary() {
    let listening = Listening::start(&[]);
    listening.post(&signed_success());
    listening.callback();
    let ended = listening.interrupt();
    assert_eq!((&ended.summary["callbacks"], &ended.summary["valid"]), (&1.into(), &1.into()));
    ended.output.exits(0);
}

#[test]
fn an_interrupt_before_the_count_is_reached_is_no_success() {
    let listening = Listening::start(&["--count", "2"]);
    listening.post(&signed_success());
    let ended = listening.interrupt();
    assert_eq!(ended.summary["valid"], 1);
    ended.output.exits(1);
}

#[test]
fn an_address_that_others_can_reach_must_be_meant() {
    for bind in ["0.0.0.0:0", "[::]:0"] {
        payout_notify(&["listen", "--bind", bind])
            .key(KEY)
            .run()
            .exits(2)
            .remarks(&["can be reached by other machines", "--allow-remote"]);
    }
    for bind in ["x", "70000", "127.0.0.1", "::1", ""] {
        payout_notify(&["listen", "--bind", bind])
            .key(KEY)
            .run()
            .exits(2)
            .remarks(&["not an address to listen on", ":0 for a free port"]);
    }
    payout_notify(&["listen", "--count", "0"]).key(KEY).run().exits(2);
}

#[test]
fn a_port_in_use_is_a_matter_of_the_environment() {
    let first = Listening::start(&[]);
    let bind = first.address.to_string();
    let second = payout_notify(&["listen", "--bind", &bind, "--format", "json"]).key(KEY).run();
    let error = second.exits(4).json();
    assert_eq!((&error["type"], &error["kind"]), (&"error".into(), &"environment".into()));
    first.post("{}");
    first.interrupt().output.exits(0);
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let (reader, writer) = std::io::pipe().unwrap();
    let running = payout_notify(&["listen", "--bind", ":0"]).key(KEY).stdout(writer).start();
    // All that it says at first: where it listens, and that callbacks are kept.
    let ready: String =
        BufReader::new(reader).lines().take(2).map(|line| line.unwrap() + "\n").collect();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let body = signed_success();
    // The merchant still acknowledges what it received.
    assert_eq!(exchange(address, json_post(&body)).error_code(), "0000");
    // A child of another test that is just starting may hold the reading end for a moment.
    let start = Instant::now();
    while let Ok(mut stream) = TcpStream::connect(address) {
        assert!(start.elapsed() < DEADLINE, "it continues without a reader");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = stream.write_all(json_post(&body).as_bytes());
        let _ = stream.read_to_end(&mut Vec::new());
    }
    running.end().exits(0).hides("error");
}

/// A listener for a person, which takes three callbacks: a good one, a hostile one, no JSON.
fn shown(arguments: &[&str]) -> crate::harness::Output {
    let run = [&["listen", "--bind", ":0", "--count", "3"], arguments].concat();
    let running: Running = payout_notify(&run).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let address = address.parse().unwrap();
    exchange(address, json_post(&signed_success()));
    let hostile = "{\"payout_id\":\"\u{202e}\\u001b]0;x\\u0007\",\"sign\":\"\u{9b}2J\"}";
    let request =
        json_post(hostile).replacen("Host:", "X-Odd: \u{85}\u{202e}\u{9b}31m\r\nHost:", 1);
    exchange(address, request);
    exchange(address, json_post("\u{1b}[31m\r\nfake: line\n"));
    running.end().exits(1)
}

#[test]
fn headers_and_body_are_shown_where_that_is_wanted_and_cannot_write_on_the_screen() {
    let output = shown(&["-v"]).says(&[
        "POST /notify\n",
        "content-type: application/json;charset=utf-8",
        "x-odd: ",
        "{\"payout_id\":\"POT00000102\"",
        "\\u{1b}[31m",
    ]);
    let is_hidden = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!output.stdout.contains(is_hidden), "{output}");
    assert!(!output.stdout.lines().any(|line| line.starts_with("fake")), "{output}");
    shown(&[]).hides("content-type").hides(KEY);
}

#[test]
fn a_quiet_listener_says_how_it_begins_and_ends() {
    let output = shown(&["--quiet"]).says(&["3 callbacks for 2 orders: 1 valid, 2 invalid"]);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert!(lines[0].starts_with("listening on ") && lines[1].contains("inbox"), "{output}");
    payout_notify(&["listen", "-q", "-v"]).key(KEY).run().exits(2);
}

#[test]
fn the_usual_lines_fit_into_80_columns() {
    let run = ["listen", "--bind", ":0", "--count", "2", "--reply", "number-zero, ok"];
    let running = payout_notify(&run).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    for _ in 0..2 {
        exchange(address.parse().unwrap(), json_post(&signed_success()));
    }
    let output = running.end().exits(0);
    let long: Vec<&str> = output.stdout.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_terminal_that_takes_nothing_delays_no_reply() {
    let (reader, writer) = std::io::pipe().unwrap();
    let running = payout_notify(&["listen", "--bind", ":0"]).key(KEY).stdout(writer).start();
    let mut reader = BufReader::new(reader);
    let mut ready = String::new();
    reader.read_line(&mut ready).unwrap();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let address = address.parse().unwrap();
    // Many times what a pipe holds, and nobody reads it.
    let long = signed(&signed_success().replace("POT0", &"P".repeat(3000)));
    for _ in 0..100 {
        assert_eq!(exchange(address, json_post(&long)).error_code(), "0000");
    }
    running.interrupt();
    let reading = std::thread::spawn(move || {
        let mut rest = String::new();
        reader.read_to_string(&mut rest).map(|_| rest)
    });
    running.end().exits(0);
    let rest = reading.join().unwrap().unwrap();
    assert!(rest.ends_with("100 callbacks for 1 order: 100 valid\n"), "{rest}");
}
