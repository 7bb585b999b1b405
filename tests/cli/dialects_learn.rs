//! `dialects learn`: from callbacks that are known to be good to a dialect file.

use std::fs;

use crate::harness::{KEY, Output, Sandbox, fixture, payout_notify, signed};

fn learn(samples: &str) -> Output {
    payout_notify(&["dialects", "learn"]).key(KEY).stdin(samples).run()
}

/// Three samples of this platform.
fn samples() -> Vec<String> {
    let sample =
        |order: u32| format!(r#"{{"payout_id":"P{order}","amount":{order}00,"status":3}}"#);
    (1..4).map(|order| signed(&sample(order))).collect()
}

fn verify(dialect: &str, payload: &str) -> i32 {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("learned.toml");
    fs::write(&path, dialect).unwrap();
    let path = path.to_str().unwrap();
    payout_notify(&["verify", "--dialect", path]).key(KEY).stdin(payload).run().code
}

#[test]
fn a_printed_dialect_verifies_the_samples_and_fresh_ones() {
    let samples = samples();
    let output = learn(&samples.join("\n")).exits(0);
    for payload in &samples {
        assert_eq!(verify(&output.stdout, payload), 0, "{payload}");
    }
    let fresh = signed(r#"{"status":5,"payout_id":"P9","amount":77,"memo":"x"}"#);
    assert_eq!(verify(&output.stdout, &fresh), 0, "{}", output.stdout);
    assert_eq!(verify(&output.stdout, &fresh.replace("77", "78")), 1);
    assert!(output.stderr.contains("it explains all samples"), "{}", output.stderr);
}

#[test]
fn every_built_in_dialect_is_learned() {
    for dialect in
        ["platform", "fork", "wechat-v2", "epay", "jeepay", "epusdt", "tokenpay", "pockyt"]
    {
        let sample = |order: u32, more: &str| {
            let text = format!(r#"{{"no":"P{order}","sum":"{order}00"{more}}}"#);
            let sign = payout_notify(&["sign", "--dialect", dialect]).key(KEY);
            sign.stdin(&text).run().exits(0).stdout
        };
        let output = learn(&[sample(1, ""), sample(2, r#","memo":"""#), sample(3, "")].concat());
        assert_eq!(output.code, 0, "{dialect}: {}", output.stderr);
        assert_eq!(verify(&output.stdout, &sample(4, r#","memo":"""#)), 0, "{dialect}");
        let line = output.stderr.lines().find(|line| line.contains("the built-in dialect"));
        assert!(line.is_some_and(|line| line.contains(dialect)), "{dialect}: {}", output.stderr);
    }
}

/// The request and the change of the first open question that has this in it.
fn question(stderr: &str, part: &str) -> Option<String> {
    let mut lines = stderr.lines();
    lines.find(|line| line.starts_with("open:") && line.contains(part))?;
    Some(lines.next()?.trim().strip_prefix("request")?.trim().to_owned())
}

#[test]
fn a_request_that_is_named_decides_what_the_samples_leave_open() {
    let samples = samples().join("\n");
    let output = learn(&samples).exits(0);
    for part in ["is empty", "is null", "is zero", "fields that no sample has"] {
        let request =
            question(&output.stderr, part).unwrap_or_else(|| panic!("{part}: {}", output.stderr));
        let more = format!("{samples}\n{}", signed(&request));
        let decided = learn(&more).exits(0);
        assert!(!decided.stderr.contains(&request), "{part}: {}", decided.stderr);
    }
}

#[test]
fn samples_of_a_documentation_page_are_read() {
    let gateways = fixture("gateways.ndjson");
    let line = gateways.lines().find(|line| line.contains("FreeKassa")).unwrap();
    let gateway: serde_json::Value = serde_json::from_str(line).unwrap();
    let mut text = String::new();
    for sample in gateway["samples"].as_array().unwrap() {
        for (name, value) in sample.as_object().unwrap() {
            text.push_str(&format!("{name} = {value}\n"));
        }
        text.push('\n');
    }
    let output = learn(&text).exits(0);
    let string = "string = \"{MERCHANT_ID}:{AMOUNT}:KEY:{MERCHANT_ORDER_ID}\"";
    assert!(output.stdout.contains(string), "{}", output.stdout);
    assert!(output.stderr.contains("edit them before simulate or listen"), "{}", output.stderr);
    // What reproduces a rule in another language does not know this one.
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("learned.toml");
    fs::write(&path, &output.stdout).unwrap();
    let path = path.to_str().unwrap();
    let none = "http://127.0.0.1:1/";
    for command in [&["snippet", "python"][..], &["export", none, "--to", "k6"], &["check", none]] {
        let refused = payout_notify(command).arg("--dialect").arg(path).key(KEY).run().exits(2);
        assert!(refused.stderr.contains("has string ="), "{}", refused.stderr);
    }
    let listed = payout_notify(&["dialects", path, "--format", "json"]).run().exits(0).json();
    let scheme = &listed["dialects"][0]["schemes"][0];
    assert_eq!(scheme["string"], "{MERCHANT_ID}:{AMOUNT}:KEY:{MERCHANT_ORDER_ID}");
}

#[test]
fn two_digests_give_two_schemes() {
    let mut all = samples();
    for order in 1..4 {
        let text = format!(r#"{{"payout_id":"H{order}","amount":{order}00,"status":3}}"#);
        let sign = payout_notify(&["sign", "--sign-type", "hmac-sha256"]).key(KEY).stdin(&text);
        all.push(sign.run().exits(0).stdout.trim_end().to_owned());
    }
    let output = learn(&all.join("\n")).exits(0);
    assert_eq!(output.stdout.matches("[[scheme]]").count(), 2, "{}", output.stdout);
    for payload in &all {
        assert_eq!(verify(&output.stdout, payload), 0, "{payload}");
    }
}

#[test]
fn without_a_rule_for_all_samples_the_nearest_facts_are_said() {
    let mut altered = samples();
    altered[1] = altered[1].replace("200", "201");
    let all = samples();
    let twin = [all[0].clone(), all[0].replace("P1", "P7")].join("\n");
    let digest = "d2e4534fce8c1d1053bbf59fd8ae4464";
    let printed = format!("payout_id = P1\nsign = {digest}\n\npayment_id = D1\nsign = {digest}\n");
    for (text, facts) in [
        (altered.join("\n"), &["it explains the samples on lines 1, 3", "explains line 2"][..]),
        (twin, &["explains the sample on line 1", "lines 1 and 2 carry one signature"]),
        (printed, &["explains lines 1, 4", "lines 1 and 4 carry one signature"]),
        (r#"{"a":1,"sign":"xyz"}"#.to_owned(), &["no field of all samples looks like a signature"]),
        (r#"{"a":1}"#.to_owned(), &["no field of all samples"]),
    ] {
        let output = learn(&text).exits(1);
        assert_eq!(output.stdout, "", "{text}");
        for fact in facts {
            assert!(output.stderr.contains(fact), "{fact}: {}", output.stderr);
        }
    }
    let other = payout_notify(&["dialects", "learn"]).key("another key").stdin(&all[0]).run();
    assert_eq!(other.code, 1, "{}", other.stderr);
    assert!(other.stderr.contains("is it the key that signed"), "{}", other.stderr);
}

#[test]
fn what_is_missing_or_cannot_be_read_is_refused() {
    let wide: Vec<String> = (0..65).map(|index| format!("\"a{index}\":1")).collect();
    for (text, code, message) in [
        (String::new(), 3, "there is no sample in it"),
        ("\n \n".to_owned(), 3, "there is no sample in it"),
        ("{\"a\":1}\n{\"a\":".to_owned(), 3, "the sample on line 2"),
        ("{\"a\":1,\"a\":2}".to_owned(), 3, "the sample on line 1"),
        ("[1,2]".to_owned(), 3, "the sample on line 1"),
        ("no field".to_owned(), 3, "line 1: expected `name = value`"),
        ("{\"a\":1}\n".repeat(65), 3, "line 65: more than 64 samples"),
        (format!("{{{}}}", wide.join(",")), 3, "or more than 64 fields"),
        ("x".repeat((1 << 20) + 1), 3, "longer than 1048576 bytes"),
        ("[".repeat(100_000), 3, "the sample on line 1"),
    ] {
        let output = learn(&text);
        assert_eq!(output.code, code, "{message}: {}", output.stderr);
        assert!(output.stderr.contains(message), "{message}: {}", output.stderr);
        assert_eq!(output.stdout, "", "{message}");
    }
    let samples = samples().join("\n");
    let keyless = payout_notify(&["dialects", "learn"]).stdin(&samples).run().exits(2);
    assert!(keyless.stderr.contains("no key was given"), "{}", keyless.stderr);
    let named = payout_notify(&["dialects", "learn", "--id", "a b"]).key(KEY).stdin(&samples);
    assert!(named.run().exits(2).stderr.contains("an id has"));
    let long = format!(r#"{{"{}":"{}"}}"#, "sign".repeat(65), "0".repeat(32));
    assert!(learn(&long).exits(1).stderr.contains("no rule"));
    let left_out = samples.replace("}", &format!(",\"{}\":1}}", "x".repeat(257)));
    let unwritable = learn(&left_out).exits(3);
    assert!(unwritable.stderr.contains("cannot be written as a dialect"), "{}", unwritable.stderr);
    let missing = payout_notify(&["dialects", "learn", "no-such-file"]).key(KEY).run().exits(3);
    assert!(missing.stderr.contains("no-such-file"), "{}", missing.stderr);
    // A dialect is listed, or one is learned.
    payout_notify(&["dialects", "epay", "learn"]).key(KEY).run().exits(2);
}

#[test]
fn hostile_samples_move_no_terminal_and_show_no_key() {
    let hostile = format!(r#"{{"a\u001b[2J":"{KEY}\u001b]0;x\u0007","b":1}}"#);
    let output = learn(&signed(&hostile)).exits(0);
    assert!(!output.stderr.contains('\u{1b}'), "{:?}", output.stderr);
    assert!(!output.stderr.contains(KEY), "{}", output.stderr);
    assert!(!output.stdout.contains(KEY), "{}", output.stdout);
    // The name of a field that is left out would be printed.
    let payload = signed(r#"{"a":1,"b":2}"#);
    let named = payload.replace("}", &format!(",\"{KEY}\":1}}"));
    let output = learn(&named);
    assert_eq!(output.code, 3, "{}", output.stderr);
    assert!(output.stderr.contains("a field's name holds the key"), "{}", output.stderr);
    assert!(!(output.stderr + &output.stdout).contains(KEY));
}
