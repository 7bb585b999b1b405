//! `sign --lines` and `verify --lines` as a person runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{DEADLINE, Group, KEY, payout_notify};

/// A run whose streams are in the hands of the test.
fn start(arguments: &[&str]) -> Group {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
    command.args(arguments).env_clear().env("PAYOUT_NOTIFY_KEY", KEY);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Group::start(&mut command).expect("the program starts")
}

/// The exit code, stdout and stderr of a run over this input.
fn run(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let output = payout_notify(arguments).key(KEY).stdin(input).run();
    (output.code, output.stdout, output.stderr)
}

fn objects(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

/// What `sign` gives for this payload alone.
fn signed(payload: &str) -> String {
    let (code, stdout, _) = run(&["sign"], payload.as_bytes());
    assert_eq!(code, 0);
    stdout
}

#[test]
fn each_line_is_signed_as_it_would_be_alone_and_bad_ones_are_named() {
    let (one, two) = (r#"{"a":1.10,"b":"\u4e2d"}"#, r#"{ "a": [1, 2] }"#);
    let input = format!("{one}\r\n\n{{\"a\":1,\"a\":2}}\n{two}");
    for jobs in ["1", "2"] {
        let (code, stdout, stderr) = run(&["sign", "--lines", "--jobs", jobs], input.as_bytes());
        assert_eq!(code, 3, "{stderr}");
        assert_eq!(stdout, signed(one) + &signed(two));
        assert_eq!(
            stderr,
            "warning: line 3, column 8, member \"a\": duplicate field \"a\"\n\
             3 lines: 2 signed, 1 bad\n"
        );
    }
}

#[test]
fn changes_and_what_is_printed_hold_for_each_line() {
    let input = "{\"a\":1}\n{\"a\":2}\n";
    let arguments =
        ["sign", "--lines", "--set", "b=1", "--unset", "a", "--sign-type", "hmac-sha256"];
    let (code, stdout, _) =
        run(&[&arguments[..], &["--print", "canonical"]].concat(), input.as_bytes());
    assert_eq!((code, stdout.as_str()), (0, "b=1\nb=1\n"));
    let (_, bodies, _) = run(&arguments, input.as_bytes());
    for body in objects(&bodies) {
        assert_eq!((&body["b"], &body["sign_type"]), (&json!(1), &json!("HMAC-SHA256")));
    }
    let (_, signs, _) = run(&["sign", "--lines", "--print", "sign"], input.as_bytes());
    let lengths: Vec<_> = signs.lines().map(str::len).collect();
    assert_eq!(lengths, [32, 32]);
}

#[test]
fn what_makes_no_sense_for_many_lines_is_refused() {
    for arguments in [
        &["sign", "--lines", "--print", "curl"][..],
        &["sign", "--lines", "--sign-type", "sha256"],
        &["sign", "--lines", "--jobs", "0"],
        &["verify", "--jobs", "2"],
        &["verify", "--lines", "--other-key-file", "/does/not/exist"],
    ] {
        let (code, stdout, _) = run(arguments, b"{}\n");
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn verifications_stand_in_order_and_a_mismatch_outranks_a_bad_line() {
    let good = signed("{\"a\":1}");
    let forged = good.replace("\"a\":1", "\"a\":2");
    let (code, stdout, stderr) = run(&["verify", "--lines"], good.as_bytes());
    assert_eq!((code, stderr.as_str()), (0, "1 line: 1 matched, 0 mismatched, 0 bad\n"));
    assert_eq!(objects(&stdout)[0]["valid"], true);

    let (code, stdout, _) = run(&["verify", "--lines"], format!("{good}oops\n").as_bytes());
    assert_eq!(code, 3);
    let error = &objects(&stdout)[1];
    assert_eq!((&error["type"], &error["line"]), (&json!("error"), &json!(2)));

    let input = format!("oops\n{good}{forged}");
    let (code, stdout, stderr) = run(&["verify", "--lines", "--jobs", "2"], input.as_bytes());
    assert_eq!(code, 1);
    let found: Vec<_> =
        objects(&stdout).iter().map(|one| (one["line"].clone(), one["valid"].clone())).collect();
    assert_eq!(found, [(json!(1), Value::Null), (json!(2), json!(true)), (json!(3), json!(false))]);
    assert!(stderr.ends_with("3 lines: 1 matched, 1 mismatched, 1 bad\n"), "{stderr}");
}

#[test]
fn a_table_has_a_row_for_each_line_with_its_first_cause() {
    let order =
        |id: &str| signed(&format!("{{\"payout_id\":\"{id}\",\"amount\":400000,\"status\":3}}"));
    let good = order("P1");
    let upper = order("P2");
    let digest = upper.rsplit('"').nth(1).unwrap();
    let upper = upper.replace(digest, &digest.to_uppercase());
    let forged = order("P\\u001b[2J\u{202e}").replace("400000", "5");
    let input = format!("{good}{upper}{forged}{{\"a\":1,\"a\":2}}\n");
    let table = ["verify", "--lines", "--format", "human"];
    let (code, stdout, stderr) = run(&table, input.as_bytes());
    assert_eq!(code, 1, "{stderr}");
    let rows: Vec<&str> = stdout.lines().collect();
    assert_eq!(rows.len(), 5, "{stdout}");
    for (row, parts) in rows.iter().zip([
        &["  line  verdict   order", "  status           amount  cause"][..],
        &["     1  valid     P1  ", "success         4000.00"],
        &["     2  no match  P2  ", "4000.00  the sender ", "upper case"],
        &["     3  no match  P\u{fffd}[2J\u{fffd} ", "0.05  the digest differs: "],
        &["     4  bad line  -", "  column 8, member \"a\": "],
    ]) {
        assert!(parts.iter().all(|part| row.contains(part)), "{row}: {parts:?}");
    }
    assert_eq!(stderr, "4 lines: 1 matched, 2 mismatched, 1 bad\n");
}

#[test]
fn an_input_without_a_payload_is_not_a_yes() {
    let passed = "{\"type\":\"ready\",\"schema_version\":1,\"url\":\"http://127.0.0.1:1/\"}\n";
    for (input, what) in [
        ("", "the input is empty"),
        ("\n \n", "the input is empty"),
        (passed, "the only line is not a payload"),
    ] {
        for format in [&[][..], &["--format", "human"], &["--format", "json"]] {
            let arguments = [&["verify", "--lines"], format].concat();
            let (code, stdout, stderr) = run(&arguments, input.as_bytes());
            assert_eq!(code, 3, "{stdout}");
            assert!((stdout + &stderr).contains(what), "{stderr}");
        }
    }
    assert_eq!(run(&["sign", "--lines"], b"").0, 0);
}

#[test]
fn one_payload_and_one_line_give_the_same_verification() {
    let good = signed("{\"a\":1}");
    let (_, alone, _) = run(&["verify", "--format", "json"], good.as_bytes());
    let lines = ["verify", "--lines", "--explain", "--format", "json"];
    let (_, line, _) = run(&lines, good.as_bytes());
    let mut line = objects(&line).remove(0);
    assert_eq!(line["line"].take(), json!(1));
    assert_eq!(line, objects(&alone)[0]);
}

#[test]
fn what_a_listener_prints_can_be_verified() {
    let body = signed("{\n \"a\": 1\n}");
    let input: String = [
        json!({"type": "ready", "schema_version": 1, "url": "http://127.0.0.1:1/"}),
        json!({"type": "callback", "schema_version": 1, "body": body, "valid": true}),
        json!({"type": "summary", "schema_version": 1, "callbacks": 1}),
    ]
    .map(|line| format!("{line}\n"))
    .concat();
    let (code, stdout, stderr) = run(&["verify", "--lines"], input.as_bytes());
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr, "3 lines: 1 matched, 0 mismatched, 0 bad, 2 passed over\n");
    let found = objects(&stdout);
    assert_eq!((found.len(), &found[0]["line"]), (1, &json!(2)));
}

#[test]
fn only_the_first_bad_lines_are_told() {
    let (code, stdout, stderr) = run(&["sign", "--lines"], "oops\n".repeat(50_000).as_bytes());
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert_eq!(stderr.matches("warning: line ").count(), 20);
    assert!(
        stderr.ends_with("warning: 49980 more lines are bad\n50000 lines: 0 signed, 50000 bad\n")
    );
}

#[test]
fn a_line_over_a_mebibyte_is_bad_and_the_next_one_is_not() {
    let mut input = format!("{{\"a\":\"{}\"}}\n", "x".repeat(3 << 20)).into_bytes();
    input.extend_from_slice(b"{\"a\":1}\n");
    let (code, stdout, stderr) = run(&["sign", "--lines"], &input);
    assert_eq!((code, stdout), (3, signed("{\"a\":1}")));
    assert!(stderr.starts_with("warning: line 1: longer than 1048576 bytes (1 MiB)\n"), "{stderr}");
}

#[test]
fn a_line_is_answered_while_the_input_is_still_open() {
    for jobs in ["1", "2"] {
        let mut group = start(&["sign", "--lines", "--jobs", jobs]);
        let child = group.leader();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for number in 0..3 {
            writeln!(stdin, "{{\"a\":{number}}}").unwrap();
            let mut answer = String::new();
            stdout.read_line(&mut answer).unwrap();
            assert_eq!(answer, signed(&format!("{{\"a\":{number}}}")));
        }
        drop(stdin);
        assert_eq!(group.ends_within(DEADLINE), Some(0));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure_but_a_proven_no_stands() {
    for (command, expected) in [("sign", 0), ("verify", 1)] {
        for jobs in ["1", "2"] {
            let mut group = start(&[command, "--lines", "--jobs", jobs]);
            let child = group.leader();
            let mut stdin = child.stdin.take().unwrap();
            drop(child.stdout.take());
            // It never reads to the end of this input: it must end by itself.
            while stdin.write_all(b"{\"a\":1,\"sign\":\"x\"}\n").is_ok() {}
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            assert_eq!((group.ends_within(DEADLINE), stderr.as_str()), (Some(expected), ""));
        }
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let (code, _, stderr) = run(&["sign", "--lines", "/does/not/exist"], b"");
    assert_eq!(code, 3);
    assert!(stderr.starts_with("error: cannot read /does/not/exist\n"), "{stderr}");
    let (code, stdout, stderr) = run(&["sign", "--lines"], b"\n \n");
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "0 lines: 0 signed, 0 bad\n"));
}

#[test]
fn what_is_for_one_payload_is_refused_with_lines() {
    let cases: [&[&str]; 4] = [
        &["verify", "--lines", "--show-expected"],
        &["verify", "--lines", "--input", "form"],
        &["verify", "--lines", "--other-key-file", "gone"],
        &["sign", "--lines", "--input", "query"],
    ];
    for arguments in cases {
        let (code, stdout, stderr) = run(arguments, b"{}\n");
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains("is for one payload, not for --lines"), "{stderr}");
    }
}

#[test]
fn the_string_of_a_line_that_matches_is_shown_where_it_is_asked_for() {
    let (_, signed, _) = run(&["sign", "--lines"], b"{\"a\":1}\n{\"b\":2}\n");
    let canonical = |arguments: &[&str], input: &str| {
        let (_, stdout, _) = run(&[&["verify", "--lines"], arguments].concat(), input.as_bytes());
        let json = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        stdout.lines().map(|line| json(line)["canonical"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(canonical(&[], &signed), [serde_json::Value::Null, serde_json::Value::Null]);
    assert_eq!(canonical(&["--explain"], &signed), ["a=1&[key]", "b=2&[key]"]);
    assert_eq!(canonical(&[], &signed.replace('1', "7")), ["a=7&[key]", "b=2&[key]"]);
    let table = ["verify", "--lines", "--explain", "--format", "human"];
    let (code, stdout, stderr) = run(&table, signed.as_bytes());
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("add --format json"), "{stderr}");
}

#[test]
fn a_key_within_the_digits_of_a_signature_is_hidden() {
    let key = "abcd";
    let run = |command: &str, input: &str| {
        payout_notify(&[command, "--lines"]).key(key).stdin(input.as_bytes()).run().stdout
    };
    let unsigned: String = (0..20_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let signed = run("sign", &unsigned);
    let with_key: Vec<&str> = signed.lines().filter(|line| line.contains(key)).collect();
    assert!(!with_key.is_empty());
    let verified = run("verify", &(with_key.join("\n") + "\n"));
    assert!(verified.lines().all(|line| line.contains("[key]") && line.contains("\"valid\":true")));
    assert!(!verified.contains(key), "{verified}");
}
