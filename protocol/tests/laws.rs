//! Laws that hold for any payload.

use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::signature::{Answer, attach, sign, verify};
use payout_notify_protocol::{Algorithm, Dialect, Key, Payload, PayloadProblem};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn key() -> Key {
    Key::try_new(b"ThisIsYourSecretKey123".to_vec()).expect("a key")
}

/// White space where JSON allows it, mostly none.
fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t ", "\r\n"])
}

/// The text of a JSON string, escapes and all.
fn string() -> impl Strategy<Value = String> {
    let part = select(vec![
        "a",
        "B",
        "_id",
        "sign",
        "amount",
        "payout_id",
        "0",
        " ",
        "&",
        "=",
        "王",
        "é",
        "😀",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\u4e2d",
        "\\ud83d\\ude00",
        "\\u0000",
        "\u{7f}",
    ]);
    prop::collection::vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn number() -> impl Strategy<Value = String> {
    (any::<i64>(), select(vec!["", "", ".10", "E5", "e-3", ".5e+01"]))
        .prop_map(|(whole, end)| format!("{whole}{end}"))
}

/// A JSON value as text.
fn value() -> impl Strategy<Value = String> {
    let word = select(vec!["null", "true", "false", "0", "-0", "1.10"]).prop_map(str::to_owned);
    prop_oneof![word, number(), string()].prop_recursive(3, 12, 4, |inner| {
        let list = prop::collection::vec((space(), inner.clone()), 0..4).prop_map(|items| {
            let items: Vec<_> = items.iter().map(|(gap, item)| format!("{gap}{item}")).collect();
            format!("[{}]", items.join(","))
        });
        prop_oneof![list, object_of(inner)]
    })
}

/// An object as text; names may be duplicates.
fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (space(), string(), space(), space(), value).prop_map(
        |(before, name, behind, gap, value)| format!("{before}{name}{behind}:{gap}{value}"),
    );
    (prop::collection::vec(member, 0..6), space())
        .prop_map(|(members, end)| format!("{{{}{end}}}", members.join(",")))
}

fn object() -> impl Strategy<Value = String> {
    object_of(value())
}

/// An object with small injuries.
fn almost_an_object() -> impl Strategy<Value = String> {
    let bits = select(vec![
        "", "{", "}", "[", "]", "\"", "\\", ",", ":", "0", "-", ".", "e", "x", "\\u", "\\ud800",
        "\u{1}", "\u{feff}", "nul", " ",
    ]);
    let injury = (any::<Index>(), 0..2_usize, bits);
    (object(), prop::collection::vec(injury, 0..3)).prop_map(|(text, injuries)| {
        let mut text: Vec<char> = text.chars().collect();
        for (place, cut, put) in injuries {
            let start = place.index(text.len() + 1);
            let end = (start + cut).min(text.len());
            text.splice(start..end, put.chars());
        }
        text.into_iter().collect()
    })
}

/// Members with plain names and values, each name once, in any order.
fn plain_members() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[a-z_]{1,12}", "[0-9A-Za-z]{1,20}", 1..12)
        .prop_map(|members| {
            members.into_iter().filter(|(name, _)| !name.starts_with("sign")).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn text_of(members: &[(String, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    format!("{{{}}}", members.join(","))
}

fn signed(text: &str, algorithm: Algorithm) -> String {
    let payload = Payload::parse(text.as_bytes()).expect("a payload");
    let scheme = Dialect::platform().scheme(algorithm).expect("a scheme");
    attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key()))
}

fn answer(text: &str) -> Answer {
    let payload = Payload::parse(text.as_bytes()).expect("a payload");
    verify(&payload, &key(), Dialect::platform(), None).answer
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    select(vec![Algorithm::Md5, Algorithm::HmacSha256])
}

/// Each member's name and value as they are written, without `sign`.
fn literals<'t>(payload: &Payload<'t>) -> Vec<(&'t str, &'t str)> {
    let text = payload.text();
    payload
        .members()
        .iter()
        .filter(|member| member.name != "sign")
        .map(|member| (&text[member.name_span()], &text[member.value_span()]))
        .collect()
}

proptest! {
    #[test]
    fn a_signature_changes_no_literal_and_no_order(text in object(), algorithm in algorithm()) {
        let Ok(before) = Payload::parse(text.as_bytes()) else { return Ok(()) };
        let body = signed(&text, algorithm);
        let after = Payload::parse(body.as_bytes()).expect("a payload");
        prop_assert_eq!(literals(&before), literals(&after));
        prop_assert!(after.get("sign").is_some());
        // Signed once more, nothing changes at all.
        prop_assert_eq!(signed(&body, algorithm), body);
    }

    #[test]
    fn what_is_signed_verifies(members in plain_members(), algorithm in algorithm()) {
        prop_assert_eq!(answer(&signed(&text_of(&members), algorithm)), Answer::Match);
    }

    #[test]
    fn any_changed_byte_of_a_signed_value_breaks_the_signature(
        members in plain_members(),
        algorithm in algorithm(),
        (which, place) in any::<(Index, Index)>(),
        put in select((b'0'..=b'9').chain(b'a'..=b'z').chain(b'A'..=b'Z').collect::<Vec<_>>()),
    ) {
        prop_assume!(!members.is_empty());
        let mut body = signed(&text_of(&members), algorithm).into_bytes();
        let payload = Payload::parse(&body).expect("a payload");
        let member = payload.get(&members[which.index(members.len())].0).expect("the member");
        // Without its quotes.
        let span = member.value_span();
        let at = span.start + 1 + place.index(span.len() - 2);
        prop_assume!(body[at] != put);
        body[at] = put;
        let changed = String::from_utf8(body).expect("text");
        prop_assert!(matches!(answer(&changed), Answer::Mismatch(_)), "{}", changed);
    }

    #[test]
    fn equal_canonical_strings_give_equal_signatures_and_others_do_not(
        (members, mut others) in plain_members()
            .prop_flat_map(|members| (Just(members.clone()), Just(members).prop_shuffle())),
        algorithm in algorithm(),
    ) {
        let scheme = Dialect::platform().scheme(algorithm).expect("a scheme");
        let sign_of = |text: &str| {
            let payload = Payload::parse(text.as_bytes()).expect("a payload");
            let canonical = canonicalize(&payload, scheme);
            (canonical.as_str().to_owned(), sign(&canonical, scheme, &key()))
        };
        others.push(("Empty".to_owned(), String::new()));
        let (one, other) = (sign_of(&text_of(&members)), sign_of(&text_of(&others)));
        prop_assert_eq!(&one, &other);
        others.push(("More".to_owned(), "1".to_owned()));
        let more = sign_of(&text_of(&others));
        prop_assert_ne!(&one.0, &more.0);
        prop_assert_ne!(one.1, more.1);
    }

    #[test]
    fn the_parser_takes_what_serde_json_takes_but_no_member_twice(text in almost_an_object()) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // A general value has no room for such a number; JSON has.
        prop_assume!(!theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range")));
        let theirs = theirs.is_ok_and(|value| value.is_object());
        match Payload::parse(text.as_bytes()) {
            Ok(_) => prop_assert!(theirs, "only accepted here: {:?}", text),
            Err(error) if matches!(error.problem, PayloadProblem::DuplicateMember(_)) => {}
            Err(error) => prop_assert!(!theirs, "only refused here: {:?}: {}", text, error),
        }
    }

    #[test]
    fn no_bytes_bring_the_parser_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(payload) = Payload::parse(&bytes) {
            prop_assert_eq!(payload.text().as_bytes(), &bytes[..]);
        }
    }
}
