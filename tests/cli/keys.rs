//! Where the key comes from, and that it goes nowhere.

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Program, Scripted, payout_notify, signed_success,
};

fn verify(arguments: &[&str]) -> Program {
    payout_notify(&[&["verify"], arguments].concat()).stdin(signed_success())
}

#[test]
fn the_key_comes_from_the_environment_a_file_or_a_flag() {
    verify(&[]).key(KEY).run().exits(0);
    let from_file = verify(&["--key-file", "key"]).file("key", KEY).run().exits(0);
    assert_eq!(from_file.stderr, "", "{from_file}");
    verify(&["--key", KEY]).run().exits(0).remarks(&["--key can be seen by others"]).hides(KEY);
    verify(&["--key-file", "key"]).key("another").file("key", KEY).run().exits(0);
    verify(&["--key", KEY]).key("another").run().exits(0);
    verify(&["--key", KEY, "--key-file", "key"]).file("key", KEY).run().exits(2);
}

#[test]
fn one_newline_of_a_key_file_is_dropped_and_said() {
    for text in [format!("{KEY}\n"), format!("{KEY}\r\n")] {
        verify(&["--key-file", "key"])
            .file("key", text)
            .run()
            .exits(0)
            .remarks(&["one trailing newline of the key file was dropped"]);
    }
    verify(&["--key-file", "key"])
        .file("key", format!("{KEY}\n\n"))
        .run()
        .exits(1)
        .remarks(&["the key begins or ends with white space"]);
    verify(&[]).key(&format!("'{KEY}'")).run().exits(1).remarks(&["quotation marks"]);
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let program = verify(&["--key-file", "key"]).file_with_mode("key", KEY, 0o644);
    program.run().exits(0).remarks(&["others can read the key file", "chmod 600"]);
}

#[test]
fn a_key_that_is_missing_or_empty_is_a_matter_of_usage() {
    let hint = "hint: set PAYOUT_NOTIFY_KEY, or use --key-file FILE";
    for command in [&["verify"][..], &["sign"], &["listen"], &["simulate", "http://127.0.0.1:1/"]] {
        payout_notify(command).run().exits(2).remarks(&["no key was given", hint]);
        payout_notify(command).key("").run().exits(2).remarks(&["the key is empty", hint]);
    }
    verify(&["--key", ""]).run().exits(2).remarks(&["the key is empty"]);
    for empty in ["", "\n"] {
        let program = verify(&["--key-file", "key"]).file("key", empty);
        program.run().exits(2).remarks(&["the key is empty"]);
    }
}

#[test]
fn a_key_file_that_cannot_be_read_is_a_matter_of_input() {
    verify(&["--key-file", "gone"]).run().exits(3).remarks(&["cannot read the key file gone"]);
    verify(&["--key-file", "."]).run().exits(3).remarks(&["cannot read the key file"]);
    let long = verify(&["--key-file", "key"]).file("key", "k".repeat(64 * 1024 + 1));
    long.run().exits(3).remarks(&["longer than 65536 bytes"]);
}

/// A key whose every part would be noticed.
const MARKED: &str = "Marked-7f3a9c-Key/with+signs=";

/// Runs a command with the marked key given in each of the three ways.
fn in_each_way(arguments: &[&str], stdin: &str) -> Vec<Output> {
    let program = || payout_notify(arguments).stdin(stdin);
    vec![
        program().key(MARKED).run(),
        program().arg("--key").arg(MARKED).run(),
        program().arg("--key-file").arg("key").file("key", format!("{MARKED}\n")).run(),
    ]
}

#[test]
fn no_command_shows_the_key_in_any_format() {
    let good = payout_notify(&["sign"]).key(MARKED).stdin("{\"a\":1}").run().exits(0).stdout;
    let refused = "http://127.0.0.1:1/";
    let commands: &[(&[&str], &str, i32)] = &[
        (&["sign"], "{\"a\":1}", 0),
        (&["sign", "--print", "sign"], "{\"a\":1}", 0),
        (&["sign", "--print", "canonical"], "{\"a\":1}", 0),
        (&["sign", "--print", "curl"], "{\"a\":1}", 0),
        (&["sign", "--sign-type", "hmac-sha256", "--print", "canonical"], "{\"a\":1}", 0),
        (&["sign"], "[", 3),
        (&["sign", "--sign-type", "wrong"], "{}", 2),
        (&["verify"], &good, 0),
        (&["verify", "--format", "json"], &good, 0),
        (&["verify"], "{\"a\":1,\"sign\":\"x\"}", 1),
        (&["verify", "--format", "json"], "{\"a\":1,\"sign\":\"x\"}", 1),
        (&["verify", "--require", "hmac-sha256"], &good, 1),
        (&["verify", "--format", "json"], "{", 3),
        (&["verify", "--color", "always"], "{\"a\":1,\"sign\":\"x\"}", 1),
        (&["simulate", refused, "--dry-run"], "", 0),
        (&["simulate", refused, "--dry-run", "--format", "json"], "", 0),
        (&["simulate", refused, "--retries", "0"], "", 1),
        (&["simulate", refused, "--retries", "0", "--format", "json"], "", 1),
        (&["simulate", "nonsense://x"], "", 2),
        (&["simulate", refused, "-", "--format", "json"], "[]", 3),
        (&["listen", "--bind", ":0", "--for", "10ms"], "", 0),
        (&["listen", "--bind", ":0", "--for", "10ms", "--format", "json"], "", 0),
        (&["listen", "--bind", ":0", "--for", "10ms", "--count", "1"], "", 1),
        (&["listen", "--bind", "0.0.0.0:0"], "", 2),
    ];
    for (arguments, stdin, code) in commands {
        for output in in_each_way(arguments, stdin) {
            output.exits(*code).hides(MARKED).hides("7f3a9c");
        }
    }
}

/// A payload signed under this key.
fn signed_under(key: &str) -> String {
    payout_notify(&["sign"]).key(key).stdin("{\"a\":1}").run().exits(0).stdout
}

#[test]
fn a_diagnosis_shows_neither_the_key_nor_another_one() {
    // Signed under a key with a newline at its end, and under another known key.
    let newline = signed_under(&format!("{MARKED}\n"));
    let other = signed_under(&format!("old-{MARKED}"));
    for format in ["human", "json"] {
        for (body, word) in [(&newline, "newline"), (&other, "old.key")] {
            payout_notify(&["verify", "--format", format, "--other-key-file", "old.key"])
                .key(MARKED)
                .file("old.key", format!("old-{MARKED}"))
                .stdin(body)
                .run()
                .exits(1)
                .hides("7f3a9c")
                .says(&[word]);
        }
    }
}

#[test]
fn no_word_about_the_network_shows_the_key() {
    for format in ["human", "json"] {
        let merchant = Merchant::expecting(&[Scripted::Json(200, "fail"), ACKNOWLEDGE]);
        let url = merchant.url();
        let simulated = payout_notify(&["simulate", &url, "--schedule", "1ms", "--format", format]);
        simulated.key(MARKED).run().exits(0).hides("7f3a9c");
        assert!(merchant.received().iter().all(|request| !request.body.contains("7f3a9c")));
    }
    let listening = Listening::start(&["--count", "1"]);
    listening.post(&signed_success());
    listening.end().output.hides(KEY);
}

#[test]
fn a_key_inside_a_payload_is_masked_for_a_person() {
    let payload = format!("{{\"memo\":\"{MARKED}\",\"sign\":\"x\"}}");
    payout_notify(&["verify"]).key(MARKED).stdin(payload).run().exits(1).hides("7f3a9c");
}
