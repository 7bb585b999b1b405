use jiff::Timestamp;
use protocol::internal::form;
use protocol::internal::signature::{Answer, verify};
use protocol::{Algorithm, Dialect, Key, Mismatch, Payload, StatusTable};

use super::*;
use crate::check::demand::Outcome;

fn now() -> Timestamp {
    Timestamp::from_second(1_567_614_111).unwrap()
}

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
}

fn workshop(algorithm: Algorithm) -> Workshop {
    let statuses = StatusTable::default();
    Workshop::try_new(key(), Dialect::platform(), algorithm, 7, statuses).unwrap()
}

fn recipe(lines: &[&str]) -> Recipe {
    Recipe { operations: lines.iter().map(|line| (*line).to_owned()).collect() }
}

fn made(algorithm: Algorithm, lines: &[&str]) -> String {
    let mut history = History::new("test");
    let message = workshop(algorithm).message(&recipe(lines), now(), &mut history).unwrap();
    String::from_utf8(message.body).unwrap()
}

fn md5(lines: &[&str]) -> String {
    made(Algorithm::Md5, lines)
}

fn answer(body: &str) -> Answer {
    let payload = Payload::parse(body.as_bytes()).unwrap();
    verify(&payload, &key(), Dialect::platform(), None).answer
}

#[test]
fn the_control_verifies_under_every_digest_and_dialect() {
    assert_eq!(
        md5(&["success", "sign"]),
        concat!(
            r#"{"payout_id":"CHECK-d86ae0da8a7e7784","payout_cl_id":"CHECK-Cd86ae0da8a7e7784","platform_id":"PF0014","#,
            r#""amount":12345,"real_amount":12345,"fee":95,"status":3,"create_time":1567614049,"update_time":1567614111,"sign":"c9cab8147728f7d4050f28675a7f4ed5"}"#
        )
    );
    for dialect in &protocol::internal::dialect::DIALECTS {
        for scheme in dialect.schemes.iter() {
            let statuses = StatusTable::default();
            let workshop =
                Workshop::try_new(key(), dialect, scheme.algorithm, 7, statuses).unwrap();
            let mut history = History::new("test");
            let message = workshop.message(&Recipe::control(), now(), &mut history).unwrap();
            let encoding = dialect.layout.transport.encoding();
            let payload = form::read(&message.body, encoding).unwrap();
            let required = Some(scheme.algorithm);
            assert_eq!(verify(&payload, &key(), dialect, required).answer, Answer::Match);
        }
    }
}

/// A message's body without what all have in common.
fn difference(lines: &[&str]) -> String {
    let body = md5(lines);
    let sound = md5(&["success", "sign"]);
    let start = body.bytes().zip(sound.bytes()).take_while(|(a, b)| a == b).count();
    body[start..].to_owned()
}

#[test]
fn members_are_changed_as_the_line_says() {
    for (line, wanted) in [
        ("set amount 99", r#"99,"real_amount":12345,"#),
        ("set-text error_msg a\"b", r#","error_msg":"a\"b"}"#),
        ("unset real_amount", r#"fee":95,"#),
        ("rename amount Amount", r#"Amount":12345,"#),
        ("swap amount fee", r#"95,"real_amount":12345,"fee":12345,"#),
        ("duplicate-last amount 1", r#","amount":1}"#),
        ("duplicate-first amount 1", r#"amount":1,"payout_id""#),
        ("set @sign true", "true}"),
        ("set @sign [\"{sign}\"]", r#"["c9cab8147728f7d4050f28675a7f4ed5"]}"#),
        (
            "set-text note {id} {now-1} {success}{failed}",
            r#","note":"d86ae0da8a7e7784 1567614110 35"}"#,
        ),
        ("set t \"{iso}\"", r#","t":"2019-09-04T16:21:51Z"}"#),
        ("fill memo 3", r#","memo":"xxx"}"#),
        ("deep memo 2", r#","memo":[[]]}"#),
    ] {
        let found = difference(&["success", "sign", line]);
        assert!(found.starts_with(wanted), "{line}: {found}");
    }
}

#[test]
fn the_same_members_can_be_written_in_other_ways() {
    let pretty = md5(&["success", "sign", "pretty"]);
    assert!(pretty.starts_with("{\n  \"payout_id\": \"CHECK-"), "{pretty}");
    let escaped =
        md5(&["success", "set-text error_msg 王/😀", "sign", "escape-unicode", "escape-slashes"]);
    assert!(escaped.contains(r#""error_msg":"\u738b\/\ud83d\ude00""#), "{escaped}");
    let shuffled = md5(&["success", "sign", "shuffle"]);
    assert_ne!(shuffled, md5(&["success", "sign"]));
    for body in [pretty, escaped, shuffled] {
        assert_eq!(answer(&body), Answer::Match, "{body}");
    }
}

#[test]
fn signatures_are_wrong_in_the_way_that_is_asked_for() {
    let digest = Answer::Mismatch(Mismatch::Digest);
    for word in ["wrong-key", "no-key", "last-digit"] {
        assert_eq!(answer(&md5(&["success", &format!("sign {word}")])), digest, "{word}");
    }
    let upper = answer(&md5(&["success", "sign other-case"]));
    assert!(matches!(upper, Answer::Mismatch(Mismatch::Case(_))));
    let short = answer(&md5(&["success", "sign short"]));
    assert!(matches!(short, Answer::Mismatch(Mismatch::Length { given: 8, .. })));
    // Computed with Python's hashlib and hmac, the key being empty.
    assert!(
        difference(&["success", "sign no-key"]).starts_with("5f95d0b3e2afcad4bcaa8ca856101853")
    );
    let hmac = made(Algorithm::HmacSha256, &["success", "sign no-key"]);
    assert!(
        hmac.contains("63ae5daf7627e1806fce779ebcf4005c19a931d57f62b5512f8c065ca25410e5"),
        "{hmac}"
    );
    assert!(hmac.contains(r#""sign_type":"HMAC-SHA256","sign":"#), "{hmac}");
    let letter = md5(&["success", "letter-digest"]);
    let sign = letter.rsplit("\"sign\":\"").next().unwrap();
    assert!(sign.starts_with(|first: char| first.is_ascii_alphabetic()), "{letter}");
    assert_eq!(answer(&letter), Answer::Match);
}

#[test]
fn a_body_can_be_anything() {
    assert_eq!(md5(&["success", "raw"]), "");
    assert_eq!(
        md5(&["success", "raw {\"id\":\"CHECK-{id}\"}"]),
        r#"{"id":"CHECK-d86ae0da8a7e7784"}"#
    );
    let whole = md5(&["success", "sign"]);
    assert_eq!(md5(&["success", "sign", "truncate"]), whole[..whole.len() / 2]);
    let mut history = History::new("test");
    let message = workshop(Algorithm::Md5)
        .message(
            &recipe(&[
                "success",
                "raw-hex ff00",
                "method PUT",
                "no-header User-Agent",
                "content-type a/b",
            ]),
            now(),
            &mut history,
        )
        .unwrap();
    assert_eq!((message.body.as_slice(), message.method.as_str()), (&[0xFF, 0][..], "PUT"));
    let headers = [("User-Agent", ""), ("Content-Type", "a/b")];
    assert_eq!(message.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(message.order_id, "CHECK-d86ae0da8a7e7784");
    assert_eq!(message.amount_cents, Some(12_345));
}

#[test]
fn a_message_can_refer_to_those_before_it() {
    let workshop = workshop(Algorithm::Md5);
    let mut history = History::new("test");
    let mut send = |lines: &[&str], later: i64| {
        let at = now() + jiff::SignedDuration::from_secs(later);
        let message = workshop.message(&recipe(lines), at, &mut history).unwrap();
        String::from_utf8(message.body).unwrap()
    };
    let first = send(&["success", "sign"], 0);
    let second = send(&["success", "sign", "take @sign"], 9);
    let sign = |body: &str| body.rsplit("\"sign\":").next().unwrap().to_owned();
    assert_eq!(sign(&first), sign(&second));
    assert_eq!(answer(&second), Answer::Mismatch(Mismatch::Digest));
    assert_eq!(send(&["again 1"], 20), first);
    let failed = send(&["same-order failed", "sign"], 30);
    assert!(failed.contains(r#""payout_id":"CHECK-d86ae0da8a7e7784""#), "{failed}");
    assert!(failed.contains(r#""status":5,"error_msg":"#), "{failed}");
    assert!(failed.contains(r#""create_time":1567614049,"update_time":1567614141"#), "{failed}");
    assert_eq!(send(&["again"], 40), failed);
    assert_eq!(history.messages().count(), 5);
}

#[test]
fn ids_differ_from_seed_to_seed_and_from_label_to_label() {
    let statuses = StatusTable::try_new([(9, "failed")]).unwrap();
    let make = |seed, label: &str| {
        let mut workshop =
            Workshop::try_new(key(), Dialect::platform(), Algorithm::Md5, seed, statuses).unwrap();
        workshop.platform_id = "PF\"1".to_owned();
        let lines = recipe(&["failed", "set-text error_msg {platform_id} {failed}"]);
        workshop.message(&lines, now(), &mut History::new(label)).unwrap()
    };
    assert_eq!(make(1, "a"), make(1, "a"));
    assert_ne!(make(1, "a").order_id, make(2, "a").order_id);
    assert_ne!(make(1, "a").order_id, make(1, "b").order_id);
    let body = String::from_utf8(make(1, "a").body).unwrap();
    assert!(body.contains(r#""platform_id":"PF\"1""#), "{body}");
    assert!(body.contains(r#""error_msg":"PF\"1 9""#), "{body}");
}

#[test]
fn what_makes_no_message_is_refused_when_it_is_read() {
    for (lines, before, at, problem) in [
        (&[][..], 0, 0, "begins with an order"),
        (&["sign"], 0, 0, "the first operation"),
        (&["success", "failed"], 0, 1, "only the first"),
        (&["again"], 0, 0, "no such message"),
        (&["again 3"], 2, 0, "no such message"),
        (&["again 0"], 2, 0, "from 1"),
        (&["again", "set a 1"], 1, 1, "bytes by then"),
        (&["success", "raw x", "sign"], 0, 2, "bytes by then"),
        (&["success", "take amount"], 0, 1, "no such message"),
        (&["success", "duplicate-last a 1", "sign"], 0, 2, "cannot be signed"),
        (&["success", "set a"], 0, 1, "not a JSON value"),
        (&["success", "set a 1,\"b\":2"], 0, 1, "not a JSON value"),
        (&["success", "set a {iso}"], 0, 1, "not a JSON value"),
        (&["success now"], 0, 0, "takes nothing after it"),
        (&["same-order gone"], 1, 0, "expected"),
        (&["success", "fill a 99999999"], 0, 1, "from 1 to"),
        (&["success", "raw-hex f"], 0, 1, "pairs"),
        (&["success", "header a:b c"], 0, 1, "not a header"),
        (&["success", "header X a\u{7}"], 0, 1, "not a header"),
        (&["success", "header Content-Length 5"], 0, 1, "manner"),
        (&["success", "method G T"], 0, 1, "one name"),
        (&["success", "method G\u{e9}T"], 0, 1, "not a method"),
        (&["success", "swap a"], 0, 1, "two names"),
    ] {
        let owned = lines.iter().map(|line| (*line).to_owned()).collect();
        let error = Recipe::try_new(owned, before).expect_err("must be refused");
        assert_eq!(error.operation, at, "{lines:?}");
        assert!(error.problem.contains(problem), "{lines:?}: {}", error.problem);
    }
}

#[test]
fn what_cannot_be_signed_is_an_error_and_no_panic() {
    for lines in [&["success", "fill a 2000000", "sign"][..], &["success", "deep a 500", "sign"]] {
        let made =
            workshop(Algorithm::Md5).message(&recipe(lines), now(), &mut History::new("test"));
        let error = made.unwrap_err().to_string();
        assert!(error.starts_with("operation 3: the payload cannot be signed"), "{error}");
    }
}

#[test]
fn what_a_dialect_cannot_say_is_not_sent() {
    let statuses = StatusTable::default();
    let listed = {
        let mut dialect = Dialect::built_in("jeepay").unwrap().clone();
        let mut scheme = dialect.first().clone();
        scheme.signed = Some(vec!["transferId".into(), "state".into()].into());
        dialect.schemes = vec![scheme].into();
        &*Box::leak(Box::new(dialect))
    };
    let epay = Dialect::built_in("epay").unwrap();
    for (dialect, lines, reason) in [
        (epay, &["success", "sign"][..], None),
        (epay, &["failed", "sign"], Some("never notifies")),
        (epay, &["success", "unset fee", "sign"], Some("does not send")),
        (epay, &["success", "set fee 1", "sign"], None),
        (epay, &["success", "sign", "raw {"], Some("JSON")),
        (epay, &["success", "deep memo 9", "sign"], Some("JSON")),
        (epay, &["success", "fill memo 9999", "sign"], Some("URL")),
        (listed, &["success", "sign", "set amount 1"], Some("does not sign")),
        (listed, &["success", "sign", "set memo 1"], Some("does not sign")),
        (listed, &["success", "set amount 1", "sign"], None),
        (listed, &["success", "sign", "set payout_id 1"], None),
        (listed, &["success", "sign", "unset @sign"], None),
    ] {
        let algorithm = dialect.first().algorithm;
        let workshop = Workshop::try_new(key(), dialect, algorithm, 7, statuses).unwrap();
        let found = workshop.cannot_send(&recipe(lines));
        assert_eq!(found.is_some(), reason.is_some(), "{lines:?} {found:?}");
        assert!(found.unwrap_or_default().contains(reason.unwrap_or_default()), "{found:?}");
    }
}

#[test]
fn recipes_name_fields_and_statuses_as_this_platform_does() {
    let statuses = StatusTable::default();
    let epay = Dialect::built_in("epay").unwrap();
    let workshop = Workshop::try_new(key(), epay, Algorithm::Md5, 7, statuses).unwrap();
    let lines = ["success", "set amount 100", "set-text platform_id a b", "sign", "unset @sign"];
    let message = workshop.message(&recipe(&lines), now(), &mut History::new("test")).unwrap();
    let body = String::from_utf8(message.body.clone()).unwrap();
    assert!(body.starts_with("name=payout&sign_type=MD5&type=alipay&trade_no=CHECK-"), "{body}");
    assert!(body.ends_with("&pid=a+b&money=1.00&trade_status=TRADE_SUCCESS"), "{body}");
    assert_eq!((message.amount_cents, &*message.method), (Some(100), "GET"));
    assert!(message.order_id.starts_with(ORDER_PREFIX));
    assert_eq!(workshop.outcome(&message), Outcome::Success);
}

#[test]
fn fields_travel_behind_the_url() {
    let sent = |lines: &[&str]| {
        let workshop = workshop(Algorithm::Md5);
        workshop.message(&recipe(lines), now(), &mut History::new("test")).unwrap()
    };
    let pairs = sent(&[
        "failed",
        "sign",
        "query status {success}",
        "query memo \"a&b {id}\"",
        "method PUT",
    ]);
    assert_eq!(pairs.query, "status=3&memo=a%26b+d86ae0da8a7e7784");
    assert_eq!(answer(&String::from_utf8(pairs.body).unwrap()), Answer::Match);
    let whole = sent(&["success", "sign", "in-query", "method GET"]);
    assert_eq!((whole.body.len(), &*whole.method), (0, "GET"));
    let payload = form::read(whole.query.as_bytes(), form::detect(whole.query.as_bytes())).unwrap();
    assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
    assert_eq!(whole.order_id, "CHECK-d86ae0da8a7e7784");
    // What travels in the URL is not signed or changed any more.
    let late = recipe(&["success", "in-query", "sign"]);
    assert!(workshop(Algorithm::Md5).message(&late, now(), &mut History::new("test")).is_err());
    for wrong in ["query status", "query status {", "in-query status"] {
        assert!(
            Recipe::try_new(vec!["success".to_owned(), wrong.to_owned()], 0).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn the_first_notification_of_a_check_can_be_sent_again() {
    let workshop = workshop(Algorithm::Md5);
    let opening = recipe(&["opening"]);
    assert!(workshop.message(&opening, now(), &mut History::new("none")).is_err());
    let first = workshop.message(&Recipe::control(), now(), &mut History::new("first")).unwrap();
    workshop.message(&Recipe::control(), now(), &mut History::new("second")).unwrap();
    let again = workshop.message(&opening, now(), &mut History::new("third")).unwrap();
    assert_eq!((again.body, again.order_id), (first.body, first.order_id));
    assert_eq!((opening.status(), opening.is_opening()), ("success", true));
}
