//! `verify` and `listen` where the signature is right, or right for another key or set of fields.

use serde_json::{Value, json};

use crate::harness::{KEY, Listening, exchange, payout_notify, signed_success};

/// A signed payload on one line, and its digest.
fn right() -> (String, String) {
    let payload: Value = serde_json::from_str(&signed_success()).expect("a payload");
    let digest = payload["sign"].as_str().expect("a signature").to_owned();
    (payload.to_string(), digest)
}

/// The payload with this signature.
fn with_sign(sign: &str) -> String {
    let (body, digest) = right();
    body.replace(&format!("\"{digest}\""), &json!(sign).to_string())
}

/// The payload as a query, with these pairs before it.
fn query(before: &str) -> String {
    let (body, _) = right();
    let payload: Value = serde_json::from_str(&body).expect("a payload");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = payload.as_object().expect("an object").iter();
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", text(value))).collect();
    format!("?{before}&{}", pairs.join("&"))
}

fn dashed(digest: &str) -> String {
    let bytes: Vec<&str> = (0..digest.len() / 2).map(|at| &digest[2 * at..2 * at + 2]).collect();
    bytes.join("-").to_uppercase()
}

/// The codes of the first hit, and its summary.
fn first_hit(answer: &Value) -> (&str, &str) {
    let text = |name: &str| answer["diagnosis"][0][name].as_str().unwrap_or_default();
    (text("code"), text("summary"))
}

#[test]
fn the_right_digest_written_otherwise_is_called_right() {
    let (_, digest) = right();
    for (sign, phrase, fix) in [
        (dashed(&digest), "with dashes between its bytes and in upper case", "Replace("),
        (format!("0x{digest}"), "with 0x before it", "CONVERT("),
        (format!("(stdin)= {digest}"), "with the label that a command-line tool prints", "awk"),
        (format!("{digest}  -"), "with the file name that a command-line tool prints", "cut"),
        (format!("sha256={digest}"), "with a label before it", "without the label"),
        (format!("b'{digest}'"), "as a Python bytes literal", "decode"),
    ] {
        payout_notify(&["verify"]).key(KEY).stdin(with_sign(&sign)).run().exits(1).says(&[
            &format!("no match: the digest is right, but it is written {phrase}"),
            "send it as bare lower-case hexadecimal digits",
            "likely cause: ",
            "the code writes the digest ",
            fix,
        ]);
    }
}

#[test]
fn a_digest_of_another_hash_is_named_by_its_length() {
    payout_notify(&["verify"]).key(KEY).stdin(with_sign(&"0".repeat(40))).run().exits(1).says(&[
        "the signature has 40 hexadecimal digits, as many as SHA-1 gives",
        "no known mistake fits",
    ]);
}

#[test]
fn a_parameter_of_the_receivers_own_url_is_not_the_senders_mistake() {
    for before in ["s=/pay/notify", "_url=/x", "XDEBUG_SESSION_START=1", "shop=17&lang=en"] {
        let output =
            payout_notify(&["verify"]).key(KEY).stdin(query(before)).run().exits(1).says(&[
                "likely cause: ",
                "your own URL; without that, the signature is valid",
                "leave your own URL's parameters out before verifying",
            ]);
        assert!(!output.stdout.contains("signs only the documented fields"), "{output}");
    }
}

#[test]
fn a_key_that_was_misread_here_is_not_the_senders_mistake() {
    let (body, _) = right();
    for (file, what) in [
        (format!("\"{KEY}\"\n"), "has quotation marks around it"),
        (format!("  {KEY} \n"), "has white space or invisible characters around it"),
        (format!("{KEY}\n\n"), "has white space or invisible characters around it"),
        (format!("\u{feff}{KEY}\r\n"), "begins with a byte order mark"),
        (format!("PAYOUT_NOTIFY_KEY={KEY}\n"), "has a name before it"),
        (format!("export PAYOUT_NOTIFY_KEY='{KEY}'\n"), "has a name before it"),
        (format!("key: {KEY}\n"), "has a name before it"),
        (format!("\"{KEY}\",\n"), "has a comma or semicolon after it"),
    ] {
        payout_notify(&["verify", "--key-file", "key.txt", "body.json"])
            .file_with_mode("key.txt", &file, 0o600)
            .file("body.json", &body)
            .run()
            .exits(1)
            .hides(KEY)
            .says(&[
                &format!("likely cause: the key given here {what}"),
                "with the bare key, the signature is valid",
                "correct the key file (or PAYOUT_NOTIFY_KEY), not the payload",
            ]);
    }
}

#[test]
fn many_lines_show_what_one_payload_shows() {
    let (body, digest) = right();
    let spoiled = format!("'{KEY}'");
    let dressed = with_sign(&format!("0x{digest}"));
    for (body, key, code) in
        [(&dressed, KEY, "digest-0x"), (&body, spoiled.as_str(), "own-key-quotes")]
    {
        let verified = |arguments: &[&str]| {
            let line = format!("{body}\n");
            let output = payout_notify(arguments).key(key).stdin(line).run().exits(1).hides(KEY);
            output.json_lines().into_iter().next().expect("a line")
        };
        let one = verified(&["verify", "--format", "json"]);
        let line = verified(&["verify", "--lines"]);
        assert_eq!(first_hit(&one).0, code);
        assert_eq!(first_hit(&line), first_hit(&one));
        assert_eq!((&line["reason"], &line["explanation"]), (&one["reason"], &one["explanation"]));
    }
}

#[test]
fn a_listener_shows_what_verify_shows() {
    let (_, digest) = right();
    let listening = Listening::start(&["--input", "auto"]);
    let dressed = with_sign(&dashed(&digest));
    listening.post(&dressed);
    let callback = listening.callback();
    let verified =
        payout_notify(&["verify", "--format", "json"]).key(KEY).stdin(dressed).run().json();
    assert_eq!(first_hit(&callback).0, "digest-dashes+upper");
    assert_eq!(callback["diagnosis"], verified["diagnosis"]);
    let form = query("s=/pay");
    let form = form.trim_start_matches('?');
    exchange(
        listening.address,
        format!(
            "POST /notify HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    );
    let callback = listening.callback();
    assert_eq!(first_hit(&callback).0, "own-url-parameter", "{callback}");
    listening.interrupt();
}

#[test]
fn a_payload_in_something_else_is_read_and_said_so() {
    let (body, _) = right();
    let (quoted, query) = (json!(body).to_string(), query("").replace("?&", "?"));
    for (input, from) in [
        (format!("POST /n HTTP/1.1\r\nHost: shop\r\n\r\n{body}"), "an HTTP request"),
        (format!("curl https://shop.example/n -d '{body}'"), "a curl command"),
        (format!("GET /n{query} HTTP/1.1\r\n\r\n"), "an HTTP request"),
        (format!("::1 - - [-] \"GET /n{query} HTTP/1.1\" 200 2"), "a line of an access log"),
        (quoted, "a JSON string"),
        (
            json!({ "code": 0, "data": serde_json::from_str::<Value>(&body).unwrap() }).to_string(),
            "the object data",
        ),
    ] {
        let note = format!("note: the payload is read from {from}");
        payout_notify(&["verify"]).key(KEY).stdin(&input).run().exits(0).remarks(&[&note]);
        // Asked for a form by name, nothing is guessed.
        let output = payout_notify(&["verify", "--input", "json"]).key(KEY).stdin(&input).run();
        assert!(output.code != 0 && !output.stderr.contains("note:"), "{output}");
    }
    // An invalid signature stays invalid, wherever it is.
    let wrong = format!("POST /n HTTP/1.1\r\n\r\n{}", with_sign(&"0".repeat(32)));
    payout_notify(&["verify"]).key(KEY).stdin(wrong).run().exits(1);
}

#[test]
fn what_is_not_a_payload_is_named_with_the_next_step() {
    for (input, what, step) in [
        ("[{\"a\":1}]", "a JSON array", "--lines"),
        ("{\"a\":1}\n{\"a\":2}\n", "several payloads", "--lines"),
        ("{'a': 1}", "a Python dict", "log the body"),
        ("Array\n(\n [a] => 1\n)", "a PHP array", "log the body"),
        ("{\u{201c}a\u{201d}:1}", "text with curly quotation marks", "copy the body"),
        ("curl x -d @body.json", "a curl command", "the file behind @"),
    ] {
        let output = payout_notify(&["verify"]).key(KEY).stdin(input).run().exits(3);
        output.remarks(&[&format!("hint: it looks like {what}"), step]);
    }
    let (body, _) = right();
    let renamed = body.replace("\"sign\"", "\"Sign\"");
    let output = payout_notify(&["verify"]).key(KEY).stdin(renamed).run().exits(1);
    output.remarks(&["hint: the field Sign looks like the signature"]);
}
