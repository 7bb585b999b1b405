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
