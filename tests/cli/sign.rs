//! `sign`: every byte stays but the signature's.

use crate::harness::{KEY, Output, fixture, payout_notify};

fn sign(arguments: &[&str], payload: &str) -> Output {
    payout_notify(&[&["sign"], arguments].concat()).key(KEY).stdin(payload).run()
}

/// The output without what `sign` put in.
fn without_sign(output: &Output) -> String {
    let at = output.stdout.find("\"sign\":").unwrap_or_else(|| panic!("{output}"));
    let end = output.stdout[at..].find("\",").map_or(at, |length| at + length);
    format!("{}…{}", &output.stdout[..at], &output.stdout[end..])
}

#[test]
fn literals_order_and_layout_stay() {
    let payload = "{ \"z\" : 1.10,\n\t\"a\":1E5, \"u\":\"\\u4e2d\\/\",\"n\":null,\n  \
                   \"l\":[ 1 , 2 ],\"sign\":\"old\",\"t\":true }";
    let output = sign(&[], payload).exits(0);
    let (before, after) = payload.split_once("\"old\"").unwrap();
    assert!(output.stdout.starts_with(before), "{output}");
    assert!(output.stdout.ends_with(&format!("{after}\n")), "{output}");
    assert_eq!(output.stdout.len(), payload.len() - "old".len() + 32 + 1, "{output}");
}

#[test]
fn a_new_sign_follows_the_layout() {
    let output = sign(&["--unset", "sign"], &fixture("withdraw-notification.json")).exits(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(lines[lines.len() - 1].starts_with("\"sign\":") || lines.len() == 2, "{output}");
    let spread = sign(&[], "{\n  \"a\": 1\n}").exits(0);
    assert!(spread.stdout.starts_with("{\n  \"a\": 1,\n  \"sign\": \""), "{spread}");
}

#[test]
fn members_are_set_and_taken_out() {
    let payload = "{\"a\":1,\"b\":2,\"c\":3,\"sign\":\"x\",\"z\":0}";
    let changed = [
        "--set",
        "a=1.10",
        "--set",
        "c=text",
        "--set",
        "d={\"e\": [1]}",
        "--set-str",
        "z=7",
        "--unset",
        "b",
    ];
    let output = sign(&changed, payload).exits(0);
    assert_eq!(
        without_sign(&output),
        "{\"a\":1.10,\"c\":\"text\",…\",\"z\":\"7\",\"d\":{\"e\": [1]}}\n",
    );
    payout_notify(&["verify"]).key(KEY).stdin(&output.stdout).run().exits(0);
    sign(&["--set", "sign=x"], payload).exits(2).remarks(&["sign is what this command computes"]);
    sign(&["--set", "novalue"], payload).exits(2).remarks(&["NAME=VALUE"]);
    sign(&["--set", "a={\"x\":1,\"x\":2}"], payload).exits(2).remarks(&["duplicate field"]);
}

#[test]
fn sign_type_is_put_in_and_its_spelling_stays() {
    let output = sign(&["--sign-type", "hmac-sha256"], "{\"a\":1}").exits(0);
    output.says(&["\"sign_type\":\"HMAC-SHA256\""]);
    let kept = sign(&["--sign-type", "hmac-sha256"], "{\"a\":1,\"sign_type\":\"hmac-sha256\"}");
    kept.exits(0).says(&["\"sign_type\":\"hmac-sha256\""]);
    let replaced =
        sign(&["--sign-type", "md5"], "{\"a\":1,\"sign_type\":\"HMAC-SHA256\"}").exits(0);
    payout_notify(&["verify", "--require", "md5"]).key(KEY).stdin(replaced.stdout).run().exits(0);
    let absent = sign(&[], "{\"a\":1}").exits(0);
    assert!(!absent.stdout.contains("sign_type"), "{absent}");
    sign(&[], "{\"sign_type\":\"RSA\"}").exits(3).remarks(&["RSA", "--sign-type"]);
    sign(&["--sign-type", "md6"], "{}").exits(2).remarks(&["md5, hmac-sha256"]);
    let none = sign(&["--sign-type", "sha1"], "{}").exits(2);
    none.remarks(&["the dialect platform has no SHA1", "it has md5 and hmac-sha256"]);
}

#[test]
fn print_chooses_one_thing() {
    let payload = "{\"b\":\"it's\",\"a\":1}";
    let printed = |what: &str| sign(&["--print", what], payload).exits(0).stdout;
    assert_eq!(printed("canonical"), "a=1&b=it's&[key]\n");
    let (digest, body) = (printed("sign"), printed("body"));
    assert_eq!(digest.trim_end().len(), 32);
    assert_eq!(body, format!("{{\"b\":\"it's\",\"a\":1,\"sign\":\"{}\"}}\n", digest.trim_end()));
    let curl = sign(&["--print", "curl", "--url", "https://m.example/a?b=1&c=2"], payload).exits(0);
    curl.says(&[
        "curl -sS -X POST 'https://m.example/a?b=1&c=2'",
        "'Content-Type: application/json;charset=utf-8'",
        "--data-binary '{\"b\":\"it'\\''s\",\"a\":1,\"sign\":",
    ]);
}

#[test]
fn a_shell_reads_the_curl_command_as_the_body() {
    let payload = "{\"memo\":\"$HOME `id` \\\\ 'x' \\u0021\",\n \"a\":1}";
    let curl = sign(&["--print", "curl"], payload).exits(0).stdout;
    let body = sign(&[], payload).exits(0).stdout;
    let script = format!("curl() {{ for it; do :; done; printf '%s' \"$it\"; }}\n{curl}");
    let shell = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim_end(), body.trim_end());
}
