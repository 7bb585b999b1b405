//! Where the key comes from.

use crate::harness::{KEY, Program, payout_notify, signed_success};

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

/// The options for two key files of which the second has the key, and the program with them.
const ROTATION: [&str; 4] = ["--key-file", "new.key", "--key-file", "old.key"];

fn with_both(program: Program) -> Program {
    program.file("new.key", "AnotherKey456").file("old.key", KEY)
}

#[test]
fn verify_says_which_of_several_keys_signed() {
    let old = "(key 1a41bdda, old.key, key 2 of 2)";
    let json = |output: crate::harness::Output| output.json_lines().remove(0);
    with_both(verify(&ROTATION)).run().exits(0).says(&[old]).hides(KEY).hides("AnotherKey456");
    let new = with_both(payout_notify(&["sign", "--key-file", "new.key"]).stdin("{\"a\":1}"));
    let of_new = new.run().exits(0).stdout;
    let label = "new.key, key 1 of 2)";
    let program = payout_notify(&[&["verify"][..], &ROTATION].concat()).stdin(&of_new);
    with_both(program).run().exits(0).says(&[label]);
    for extra in [&["--format", "json"][..], &["--lines", "--format", "json"]] {
        let arguments = [extra, &ROTATION].concat();
        let found = json(
            with_both(verify(&arguments)).stdin(signed_success().replace('\n', "")).run().exits(0),
        );
        assert_eq!(found["key"], serde_json::json!({"file": "old.key", "position": 2}));
        assert_eq!(found["key_fingerprint"], "1a41bdda");
    }
    let one =
        json(verify(&["--format", "json", "--key-file", "old.key"]).file("old.key", KEY).run());
    assert_eq!(one["key"], serde_json::Value::Null);
}

#[test]
fn a_mistake_is_explained_with_the_key_with_which_it_was_made() {
    let upper = |body: &str| {
        let at = body.find("\"sign\":\"").expect("a signature") + 8;
        format!("{}{}{}", &body[..at], body[at..at + 32].to_uppercase(), &body[at + 32..])
    };
    let body = upper(&signed_success());
    let program = with_both(payout_notify(&[&["verify"][..], &ROTATION].concat()).stdin(body));
    program.run().exits(1).says(&["old.key, key 2 of 2 (fingerprint)", "in upper case"]);
    let unsorted = KEY.to_owned() + "AnotherKey456";
    let wrong = payout_notify(&["sign", "--key", &unsorted]).stdin("{\"a\":1}").run().stdout;
    let program = with_both(payout_notify(&[&["verify"][..], &ROTATION].concat()).stdin(wrong));
    program.run().exits(1).says(&["no known mistake fits"]);
}

#[test]
fn a_command_that_signs_takes_one_key() {
    for command in
        [&["sign"][..], &["simulate", "http://127.0.0.1:1/"], &["check", "http://127.0.0.1:1/"]]
    {
        let program = with_both(payout_notify(&[command, &ROTATION].concat()).stdin("{\"a\":1}"));
        program.run().exits(2).remarks(&["--key-file was given more than once"]);
    }
    let many: Vec<&str> = ROTATION.iter().copied().cycle().take(20).collect();
    with_both(verify(&many)).run().exits(2).remarks(&["10 keys were given; at most 8"]);
}

#[test]
fn a_profile_lists_the_keys_of_which_the_first_signs() {
    let profile = "default_profile = 'a'\n[profile.a]\nkey_file = ['new.key', 'old.key']\n";
    let with_profile = |program| with_both(program).file("payout-notify.toml", profile);
    with_profile(verify(&[])).run().exits(0).says(&["old.key, key 2 of 2"]);
    let signed = with_profile(payout_notify(&["sign"]).stdin("{\"a\":1}")).run().exits(0).stdout;
    let verified = with_both(payout_notify(&["verify", "--key-file", "new.key"]).stdin(signed));
    verified.run().exits(0);
    with_profile(payout_notify(&["config", "show"]))
        .run()
        .exits(0)
        .says(&["new.key, then ", "old.key"]);
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
    program.run().exits(0).remarks(&["the key file", "is readable by other users; chmod 600"]);
}

#[test]
fn a_private_key_that_others_can_read_is_warned_of() {
    let listen = ["listen", "--bind", ":0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let sent = ["simulate", "https://127.0.0.1:1/", "--client-cert", "key.pem"];
    for arguments in [&listen[..], &sent] {
        let program = payout_notify(arguments).key(KEY).file("cert.pem", "none");
        let output = program.file_with_mode("key.pem", "none", 0o640).run();
        output.remarks(&["the private key key.pem is readable by other users; chmod 600 fixes it"]);
        let program = payout_notify(arguments).key(KEY).file("cert.pem", "none");
        program.file("key.pem", "none").run().hides("readable by other users");
    }
}

#[test]
fn a_key_that_is_missing_or_empty_is_a_matter_of_usage() {
    let hint = "hint: set PAYOUT_NOTIFY_KEY, or use --key-file FILE";
    for command in [&["verify"][..], &["sign"], &["listen"], &["simulate", "http://127.0.0.1:1/"]] {
        payout_notify(command).run().exits(2).remarks(&["no key was given", hint]);
        let empty = payout_notify(command).key("").run().exits(2);
        empty.remarks(&["the key of PAYOUT_NOTIFY_KEY cannot be used", "the key is empty", hint]);
    }
    verify(&["--key", ""]).run().exits(2).remarks(&["the key is empty"]);
    for empty in ["", "\n"] {
        let program = verify(&["--key-file", "key"]).file("key", empty);
        program.run().exits(2).remarks(&["the key is empty"]);
    }
}

#[test]
fn a_key_file_that_cannot_be_read_is_a_matter_of_input() {
    let gone = verify(&["--key-file", "gone"]).run().exits(3);
    gone.remarks(&["cannot read the key file that --key-file names", "No such file"]);
    verify(&["--key-file", "."]).run().exits(3).remarks(&["cannot read the key file"]);
    let long = verify(&["--key-file", "key"]).file("key", "k".repeat(64 * 1024 + 1));
    long.run().exits(3).remarks(&["longer than 65536 bytes"]);
}
