//! `verify`: yes, no, and why.

use crate::harness::{KEY, fixture, payout_notify, signed, signed_success};

#[test]
fn the_example_on_the_page_does_not_verify_and_says_why() {
    payout_notify(&["verify", "example.json"])
        .file("example.json", fixture("withdraw-notification.json"))
        .key(KEY)
        .run()
        .exits(1)
        .hides(KEY)
        .says(&[
            "no match: the digest differs",
            "d2e4534fce8c1d1053bbf59fd8ae4464",
            "MD5",
            "amount=400000&create_time=1567614049&fee=3200&\
             payout_cl_id=97a968b4a9db497c8c03198e395a38c6&payout_id=POT00000102&\
             platform_id=PF0014&real_amount=400000&status=2&update_time=1567614111&[key]",
        ])
        .remarks(&["2 (processing) is not a final status"]);
}

#[test]
fn no_answer_gives_the_right_digest_away() {
    let right = signed(&fixture("withdraw-notification.json"));
    let digest = right.split("\"sign\":\"").nth(1).and_then(|rest| rest.get(..32)).unwrap();
    for format in ["human", "json"] {
        payout_notify(&["verify", "--format", format])
            .key(KEY)
            .stdin(fixture("withdraw-notification.json"))
            .run()
            .exits(1)
            .hides(digest);
    }
}

#[test]
fn every_kind_of_mismatch_has_its_reason() {
    let good = signed_success();
    let digest = good.split("\"sign\":\"").nth(1).and_then(|rest| rest.get(..32)).unwrap();
    let with = |sign: &str| good.replace(&format!("\"{digest}\""), sign);
    let upper = digest.to_uppercase();
    for (body, reason) in [
        (with("null"), "missing"),
        (with("\"\""), "empty"),
        (with("5"), "not-text"),
        (with(&format!("\"{}\"", &digest[8..24])), "length"),
        (with(&format!("\"{upper}\"")), "case"),
        (with("\"00000000000000000000000000000000\""), "digest"),
        (good.replace("\"status\":3", "\"status\":4"), "digest"),
        (good.replace("\"status\":3", "\"status\":3,\"sign_type\":\"RSA\""), "unknown-sign-type"),
    ] {
        let output = payout_notify(&["verify", "--format", "json"]).key(KEY).stdin(body).run();
        let answer = output.exits(1).json();
        assert_eq!((&answer["valid"], &answer["reason"]), (&false.into(), &reason.into()));
    }
}

#[test]
fn a_type_alone_never_breaks_a_signature() {
    let body = signed_success().replace("\"status\":3", "\"status\":\"3\"");
    payout_notify(&["verify"]).key(KEY).stdin(body).run().exits(0);
}

#[test]
fn md5_is_refused_where_hmac_is_required() {
    let verify = |format: &str| {
        payout_notify(&["verify", "--require", "hmac-sha256", "--format", format])
            .key(KEY)
            .stdin(signed_success())
            .run()
    };
    verify("human").exits(1).says(&["HMAC-SHA256 is required"]);
    assert_eq!(verify("json").exits(1).json()["reason"], "not-as-required");
}

#[test]
fn strict_lets_warnings_count() {
    let body = signed(&fixture("withdraw-notification.json"));
    let verify = |arguments: &[&str]| payout_notify(arguments).key(KEY).stdin(&body).run();
    verify(&["verify"]).exits(0).says(&["valid: the MD5 signature matches"]);
    verify(&["verify", "--strict"]).exits(1).says(&["signature matches", "but 1 finding counts"]);
    let answer = verify(&["verify", "--strict", "--format", "json"]).exits(1).json();
    assert_eq!((&answer["valid"], &answer["signature"]), (&false.into(), &"match".into()));
    assert_eq!(answer["findings"][0]["code"], "status-not-final");
    let clean = signed_success();
    payout_notify(&["verify", "--strict"]).key(KEY).stdin(clean).run().exits(0);
}

#[test]
fn nothing_in_a_payload_reaches_the_screen_raw() {
    let body = "{\"memo\":\"\\u001b[2J\\u202egnp\",\"sign\":\"\\u0007\"}";
    let output = payout_notify(&["verify"]).key(KEY).stdin(body).run().exits(1);
    let hidden = ['\u{1b}', '\u{202e}', '\u{7}'];
    assert!(!output.stdout.contains(hidden) && !output.stderr.contains(hidden), "{output}");
    let coloured =
        payout_notify(&["--color", "always", "verify"]).key(KEY).stdin(signed_success()).run();
    coloured.exits(0).says(&["\u{1b}["]);
}

#[test]
fn an_explanation_shows_each_canonical_string_once() {
    let verify = |body: &str, more: &[&str]| {
        let arguments = [&["verify", "--explain"], more].concat();
        payout_notify(&arguments).key(KEY).stdin(body).run()
    };
    let example = fixture("withdraw-notification.json");
    for body in [signed_success(), example] {
        let output = verify(&body, &[]);
        assert_eq!(output.stdout.matches("&[key]").count(), 1, "{output}");
    }
    // Another scheme is demanded than the one that signed: both strings are told.
    let output = verify(&signed_success(), &["--require", "hmac-sha256"]).exits(1);
    assert_eq!(output.stdout.matches("&fee=").count(), 2, "{output}");
}

const STRING: &str = "amount=400000&create_time=1567614049&fee=3200&\
    payout_cl_id=97a968b4a9db497c8c03198e395a38c6&payout_id=POT00000102&platform_id=PF0014&\
    real_amount=400000&status=3&update_time=1567614111";

const RIGHT: &str = "b41e7887d8c450c2171262e6fe2d41dc";

/// Over `amount=4000.00`, the other fields as they are.
const AMOUNT_IN_UNITS: &str = "05d9e6bbc5eef9dd8eb9a0fe22bf9300";

/// With a valid signature as one more field.
const SIGN_SIGNED: &str = "035e28673ce98ea2d84ce2c8702d5693";

#[test]
fn a_digest_of_the_merchants_own_is_explained_beside_the_right_one() {
    let (right, good) = (RIGHT, signed_success());
    let verify = |digest: &str, format: &str| {
        let args = ["verify", "--computed", digest, "--format", format];
        payout_notify(&args).key(KEY).stdin(good.clone()).run()
    };
    verify(right, "human").exits(0).says(&["valid: ", "your digest: it is the rule's digest"]);
    verify(AMOUNT_IN_UNITS, "human").exits(1).hides(KEY).hides(right).says(&[
        "valid: ",
        "your digest: it is not",
        "likely cause",
        "amount only",
    ]);
    let answer = verify(&right.to_uppercase(), "json").exits(1).json();
    assert_eq!(answer["signature"], "match");
    assert_eq!(answer["own"]["kind"], "digest");
    assert_eq!(answer["own"]["matches"], false);
    assert_eq!(answer["own"]["diagnosis"][0]["code"], "upper");
    let answer = verify(SIGN_SIGNED, "json").exits(1).json();
    assert_eq!(answer["own"]["diagnosis"][0]["code"], "include-sign");
    let nonsense = verify("not a digest", "json").exits(1).json();
    assert_eq!(nonsense["own"]["diagnosis"], serde_json::json!([]));
}

#[test]
fn a_string_of_the_merchants_own_is_compared_with_the_rules() {
    let good = signed_success();
    let verify = |string: &str, format: &str| {
        let args = ["verify", "good.json", "--string-file", "-", "--format", format];
        let string = string.as_bytes().to_vec();
        payout_notify(&args).file("good.json", good.clone()).key(KEY).stdin(string).run()
    };
    for (right, says) in [
        (STRING.to_owned(), "the rule's string"),
        (format!("{STRING}\r\n"), "the rule's string"),
        (format!("{STRING}&{KEY}\n"), "with the key at its end"),
    ] {
        verify(&right, "human").exits(0).hides(KEY).says(&[says]);
    }
    for (wrong, says) in [
        (STRING.replace("fee=3200", "fee=32.00"), ["fee only", "first difference, at byte 43"]),
        (format!("{STRING}&key={KEY}"), ["&key= before the key", "first difference"]),
        (STRING.replace("&status=3", ""), ["does not sign status", "first difference"]),
        (STRING.replace("status=3", "status=4"), ["status is 4", "first difference"]),
        ("something else".to_owned(), ["no known mistake fits", "first difference, at byte 0"]),
    ] {
        verify(&wrong, "human").exits(1).hides(KEY).says(&["your string: it is not"]).says(&says);
    }
    let answer = verify(&STRING.replace("fee=3200", "fee=32.00"), "json").exits(1).json();
    let own = &answer["own"];
    assert_eq!((&own["kind"], &own["matches"]), (&"string".into(), &false.into()));
    assert_eq!(own["difference"]["at"], 43);
    assert_eq!(answer["signature"], "match");
}

#[test]
fn one_input_is_not_read_twice() {
    for args in [
        &["verify", "--string-file", "-"][..],
        &["verify", "-", "--string-file", "-"],
        &["verify", "--lines", "--computed", "00"],
        &["verify", "--lines", "--string-file", "x"],
        &["verify", "--computed", "00", "--string-file", "x"],
    ] {
        payout_notify(args).key(KEY).stdin(signed_success()).run().exits(2);
    }
    let missing = ["verify", "--string-file", "missing.txt"];
    payout_notify(&missing).key(KEY).stdin(signed_success()).run().exits(3);
}
