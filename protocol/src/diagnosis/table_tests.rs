//! What each rule of the search makes of one payload, compared with `table.txt`.
//!
//! What real languages sign is in `fixtures/vectors/deviations.ndjson`. The table has the edges that it
//! does not reach, and a line for every rule, so that one that changes shows. `WRITE_TABLE=1 cargo test`
//! writes it; each line of the difference must be right.

use std::fmt::Write as _;

use md5::Digest as _;

use super::deviations::redacted;
use super::digest::Width;
use super::entry::{Entry, entries};
use super::fields::{FIELD_RULES, nested};
use super::forms::{Form, FormRule, forms, forms_of, key_rule};
use super::hashing::{Hash, Kind};
use super::keys::key_rules;
use super::orders::{ORDER_RULES, Pair};
use super::shapes::{SHAPE_RULES, whole_strings};
use super::values::{Scope, Writing, rules};
use super::*;
use crate::edit::{json_string, put};

const KEY: &str = "ThisIsYourSecretKey123";

const PAYLOAD: &str = r#"{"payout_id":"P 1/é","b":true,"c":false,"n":null,"e":"","zero":"0","amount":400000,"fee":0,
"real_amount":"1234567.50","memo":" +%41\t  <\"'&amp;>\\ 中\u0001\u007f\u00a0~*()!.-_:;@$,#?😀\r\n","f":1e-7,
"d":-0.50,"l":["x y",1.0,null,true,[]],"o":{"b":["'",2],"a/":{"é":false}},"map":{},"list":[],"create_time":1567614049,
"update_time":"2019-09-05T00:21:51.120+08:00","sign_type":"MD5","blank":" \t","sign":"s"}"#;

const SMALL: &str =
    r#" {"b":true,"a":"é/ ","n":null,"e":"","l":{"z":1.0,"y":[],"x":{}},"sign":"s"} "#;

const NAMES: &str = "b a_b ab a-b a,b a.b 10 9 09 007 4294967295 1e1 -1 Z z aB Ab AB a1 a10 a9 a09b é É amount payout_id";

const NUMBERS: &str = "0 -0 0.0 1 -1 100 1234 -123456 400000 999999 1000000 9999999 10000000 -10000000 0.001 0.00099 0.0001 \
    0.00001 0.000001 0.0000001 0.00000012 1567614049 99999999999999 123456789012345 1234567890123456 12345678901234567 \
    8999999999999999 9000000000000000 9223372036854775807 9223372036854775808 1e5 1.5E-5 1e14 1e15 1e16 1e17 1e20 1e21 1e22 1.10 \
    1000.0000 -12.50 0.00 1.5e3 -2.500E+2 120e-1 1e399 1e400 1e-399 1e-400 1. .5 -.5 5- - x 1,5 1.2.3 inf 3250 5 -7";

fn parsed(json: &str) -> Vec<Entry> {
    entries(&Payload::parse(json.as_bytes()).unwrap(), Dialect::platform().first())
}

fn write_values(out: &mut String) {
    let entries = parsed(PAYLOAD);
    let whole = "a=é 中&b=A+%41%zz😀&amp=\u{1}×&micro;=ﬁe\u{301}";
    for (rule, scope) in rules() {
        let kind = match (rule.apply, scope) {
            (Writing::Member(_), _) => "member",
            (Writing::WithNulls(_), _) => "with nulls",
            (Writing::Pairs(_), _) => "pairs",
            (Writing::Whole(_), _) => "string",
            (Writing::WithKey(_), _) => "string and key",
        };
        let language = if scope == Scope::Language { ", language" } else { "" };
        writeln!(out, "{} ({kind}{language})", rule.code).unwrap();
        match rule.apply {
            Writing::Member(write) | Writing::WithNulls(write) | Writing::Pairs(write) => {
                for entry in &entries {
                    if let Some(text) = write(entry).filter(|text| *text != entry.text) {
                        writeln!(out, "  {}: {text:?}", entry.name).unwrap();
                    }
                }
            }
            Writing::Whole(change) | Writing::WithKey(change) => {
                writeln!(out, "  {}", change(whole).escape_ascii()).unwrap();
            }
        }
    }
}

fn write_members(out: &mut String) {
    let entries = parsed(PAYLOAD);
    for rule in &FIELD_RULES {
        let kept = entries.iter().filter(|entry| (rule.apply)(entry)).map(|entry| &*entry.name);
        writeln!(out, "{}: {}", rule.code, kept.collect::<Vec<_>>().join(" ")).unwrap();
    }
    for rule in &ORDER_RULES {
        let values = NAMES.split(' ').rev();
        let pairs = NAMES.split(' ').zip(values);
        let pair = |(name, text): (&'static str, &'static str)| Pair {
            name: name.into(),
            text: text.into(),
            is_whole: false,
        };
        let mut pairs = pairs.map(pair).collect();
        (rule.apply)(&mut pairs);
        let names = pairs.iter().map(|pair| &*pair.name).collect::<Vec<_>>();
        writeln!(out, "{}: {}", rule.code, names.join(" ")).unwrap();
    }
    let pairs = [("a", "1\"", false), ("b", "b=x", true), ("c", "é", false)];
    let pairs =
        pairs.map(|(name, text, is_whole)| Pair { name: name.into(), text: text.into(), is_whole });
    for rule in &SHAPE_RULES {
        writeln!(out, "{}: {:?}", rule.code, (rule.apply)(&pairs)).unwrap();
    }
    let payload = Payload::parse(SMALL.as_bytes()).unwrap();
    for (deviation, text) in whole_strings(&payload, "sign", &parsed(SMALL)) {
        writeln!(out, "{}: {:?}", deviation.code, String::from_utf8(text).unwrap()).unwrap();
    }
    let Deviation { code, does, .. } = redacted(nested("data"));
    writeln!(out, "{code}: {does}").unwrap();
}

fn write_forms(out: &mut String) {
    let own = |hash, template| Form::parse(hash, template);
    let md5 = own(Hash::Plain(Kind::Md5), "{S}&{K}");
    let hmac = own(Hash::Hmac(Kind::Sha256), "{S}");
    let other = own(Hash::Plain(Kind::Md5), "{M}{K}{");
    for form in [&md5, &hmac, &other] {
        writeln!(out, "rule {}: {:?}", form.masked("S"), key_rule(form)).unwrap();
    }
    for (form, ruling) in [(&md5, &other), (&hmac, &hmac)] {
        for FormRule { deviation, form, is_frequent, .. } in
            forms_of(form.hash.width(), form, ruling)
        {
            let Deviation { code, dimension, does, rule, fix, .. } = deviation;
            assert_eq!((rule, fix), key_rule(ruling));
            let frequent = if is_frequent { ", frequent" } else { "" };
            let masked = form.masked("S");
            writeln!(out, "{code} ({dimension:?}{frequent}): {:?} {masked} {does}", form.hash)
                .unwrap();
        }
    }
    let codes = |own| forms(Width::Sixteen, own).into_iter().map(|rule| rule.deviation.code);
    assert!(codes(&md5).all(|code| code != "key-ampersand"));
    assert!(codes(&other).any(|code| code == "key-ampersand"));
    for (width, digest, ruling) in [
        (Width::Twenty, "sha1", &md5),
        (Width::FortyEight, "sha384", &hmac),
        (Width::SixtyFour, "sha512", &other),
    ] {
        let other = other_hashes::standing(width, ruling).unwrap();
        let deviations = other.forms.iter().map(|one| &one.deviation).chain([&other.deviation]);
        for deviation in deviations {
            assert_eq!((deviation.rule, deviation.fix), key_rule(ruling), "{}", deviation.code);
        }
        let own = (other.deviation.code, other.own.hash, other.own.masked("S"));
        assert_eq!(other.deviation.code, digest);
        writeln!(out, "{own:?} {} forms", other.forms.len()).unwrap();
        for FormRule { deviation, form, is_frequent, .. } in other.forms.iter().take(6) {
            let masked = form.masked("S");
            writeln!(out, "  {} {is_frequent}: {:?} {masked}", deviation.code, form.hash).unwrap();
        }
    }
    assert!(other_hashes::standing(Width::Sixteen, &md5).is_none());
    for key in ["ThisIsYourSecretKey123", " QUJD\n", "0aFf", "undefined"] {
        writeln!(out, "key {key:?}").unwrap();
        for rule in key_rules(key.as_bytes()) {
            writeln!(out, "  {}: {}", rule.deviation().code, rule.key.escape_ascii()).unwrap();
        }
    }
}

fn write_numbers(out: &mut String) {
    type Print = fn(&str) -> Option<String>;
    let all: [(&str, Print); 21] = [
        ("java_double", numbers::java_double),
        ("python_float", numbers::python_float),
        ("go_float", numbers::go_float),
        ("js_number", numbers::js_number),
        ("php_float", numbers::php_float),
        ("php_number", numbers::php_number),
        ("php_json", numbers::php_json),
        ("python_number", numbers::python_number),
        ("java_number", numbers::java_number),
        ("big_decimal", numbers::big_decimal),
        ("stripped_decimal", numbers::stripped_decimal),
        ("plain_number", |text| numbers::plain_number(text).map(|text| shortened(&text))),
        ("thousands", numbers::thousands),
        ("thousands_and_decimals", |text| {
            numbers::thousands_and_decimals(text).map(|text| shortened(&text))
        }),
        ("reprinted", numbers::reprinted),
        ("two_decimals", |text| numbers::two_decimals(text).map(|text| shortened(&text))),
        ("truncated", numbers::truncated),
        ("yuan", numbers::yuan),
        ("hundredfold", numbers::hundredfold),
        ("float_yuan", numbers::float_yuan),
        ("short_yuan", numbers::short_yuan),
    ];
    for (name, print) in all {
        let printed = |number| print(number).map(|text| format!(" {number}={text}"));
        let printed: String = NUMBERS.split(' ').filter_map(printed).collect();
        writeln!(out, "{name}:{printed}").unwrap();
    }
}

/// What was hashed for a signature, how it is written, and the dialect and the payload.
type TableCase = (&'static str, fn(&str) -> String, &'static str, &'static str);

const DEEP: &str = r#"{"payout_id":"P1","amount":5000,"fee":0,"memo":"é","s":"/x","e":"","data":{"z":1,"a":"b"},
"wrapped":"{\"q\":1}"}"#;

const SIGNED: &str =
    r#"amount=5000&data={"z":1,"a":"b"}&fee=0&memo=é&payout_id=P1&s=/x&wrapped={"q":1}"#;

const LONG: &str = r#"{"payout_id":"0123456789012345678901234567890é123456789","amount":1,"note":"éééééééééééééééééééé"}"#;

const HMAC: &str = r#"{"payout_id":"P1","amount":5000,"sign_type":"HMAC-SHA256"}"#;

fn cases() -> Vec<TableCase> {
    let md5 = |text: &str| hex::encode(md5::Md5::digest(text));
    let upper_md5 = |text: &str| hex::encode_upper(md5::Md5::digest(text));
    let sha1 = |text: &str| hex::encode(sha1::Sha1::digest(text));
    let sha224 = |text: &str| hex::encode(sha2::Sha224::digest(text));
    let sha256 = |text: &str| hex::encode(sha2::Sha256::digest(text));
    let sha512 = |text: &str| hex::encode(sha2::Sha512::digest(text));
    let wide = |text: &str| hex::encode(md5::Md5::digest(encodings::utf16_le(text)));
    vec![
        // The valid signature needs no search.
        ("{D}&{K}", md5, "platform", DEEP),
        ("{D}&OldKey42", md5, "platform", DEEP),
        ("a=b&z=1&{K}", md5, "platform", DEEP),
        ("q=1&{K}", md5, "platform", DEEP),
        (
            "amount=5000&data={\"z\":1,\"a\":\"b\"}&payout_id=P1&s=/x&wrapped={\"q\":1}&{K}",
            md5,
            "platform",
            DEEP,
        ),
        (
            "amount=5000&data={\"z\":1,\"a\":\"b\"}&fee=0&memo=é&payout_id=P1&wrapped={\"q\":1}&{K}",
            md5,
            "platform",
            DEEP,
        ),
        ("{D}&{K}", sha1, "platform", DEEP),
        ("{D}{K}", sha224, "epay", DEEP),
        ("{D}&{K}", sha224, "epay", DEEP),
        ("{D}&key={K}", sha1, "wechat-v2", DEEP),
        ("{K}{D}", sha512, "platform", DEEP),
        ("{K}\n{D}", md5, "platform", DEEP),
        (
            "amount=5000&fee=0&memo=é&payout_id=P1&s=/x&wrapped={\"q\":1}&key={K}",
            md5,
            "platform",
            DEEP,
        ),
        (
            "payout_id=P1&amount=5000&memo=é&s=/x&data={\"z\":1,\"a\":\"b\"}&wrapped={\"q\":1}&{K}",
            md5,
            "platform",
            DEEP,
        ),
        ("amount=5000&{K}", md5, "platform", r#"{"amount":5000,"fee":0}"#),
        ("b=1&a=2&{K}", md5, "platform", r#"{"b":1,"a":2}"#),
        ("nothing fits", md5, "platform", DEEP),
        ("nothing fits", sha256, "platform", DEEP),
        ("nothing fits", sha512, "platform", DEEP),
        (
            "amount=1&note={E}&payout_id=0123456789012345678901234567890%C3%A9123456789&{K}",
            md5,
            "platform",
            LONG,
        ),
        ("amount=1&payout_id=0123456789012345678901234567890é123456789&{K}", md5, "platform", LONG),
        (
            "amount=1&note={E}&payout_id=0123456789012345678901234567890é123456789&{K}",
            wide,
            "platform",
            LONG,
        ),
        (
            "AMOUNT=1&NOTE={É}&PAYOUT_ID=0123456789012345678901234567890É123456789&THISISYOURSECRETKEY123",
            md5,
            "platform",
            LONG,
        ),
        ("amount=5000&payout_id=P1&{K}", md5, "platform", HMAC),
        ("amount=5000&payout_id=P1&key={K}", md5, "platform", HMAC),
        ("amount=5000&payout_id=P1&{K}", sha256, "platform", HMAC),
        ("amount=5000&payout_id=P1&{K}", sha1, "platform", HMAC),
        ("amount=5000&payout_id=P1{K}", md5, "epay", HMAC),
        ("amount=5000&payout_id=P1{K}", sha256, "epay", HMAC),
        ("amount=5000&payout_id=P1&key={K}", md5, "wechat-v2", HMAC),
        ("amount=5000&payout_id=P1&sign_type=HMAC-SHA256&key={K}", upper_md5, "wechat-v2", HMAC),
        ("amount=5000&payout_id=P1&key={K}", sha256, "wechat-v2", HMAC),
    ]
}

fn write_hits(out: &mut String) {
    let key = |text: &str| Key::try_new(text.as_bytes().to_vec()).unwrap();
    let others = [("same.key", KEY), ("old.key", "OldKey42")];
    let others = others.map(|(name, text)| (name.to_owned(), key(text)));
    for (text, digest, dialect, json) in cases() {
        let notes =
            [("{D}", SIGNED), ("{K}", KEY), ("{E}", &"é".repeat(20)), ("{É}", &"É".repeat(20))];
        let full =
            notes.iter().fold((*text).to_owned(), |text, (short, long)| text.replace(short, long));
        let body =
            put(&Payload::parse(json.as_bytes()).unwrap(), "sign", &json_string(&digest(&full)));
        let payload = Payload::parse(body.as_bytes()).unwrap();
        let found = diagnose(&payload, Dialect::built_in(dialect).unwrap(), &key(KEY), &others);
        let Diagnosis { hits, strings, digests } = found;
        writeln!(out, "{text} ({dialect}): {strings} strings, {digests} digests").unwrap();
        for hit in hits {
            write!(out, "  {}", hit.code()).unwrap();
            match &hit.difference {
                Some(Difference { at, rule, theirs }) => {
                    writeln!(out, " {at} {rule:?} {theirs:?}").unwrap()
                }
                None => writeln!(out).unwrap(),
            }
        }
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= 40 { text.to_owned() } else { format!("{} characters", text.len()) }
}

#[test]
fn every_rule_does_what_the_table_shows() {
    let mut found = String::new();
    for write in [write_values, write_members, write_forms, write_numbers, write_hits] {
        write(&mut found);
    }
    if std::env::var_os("WRITE_TABLE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnosis/table.txt");
        std::fs::write(path, &found).unwrap();
    }
    let table = include_str!("table.txt");
    let difference = found.lines().zip(table.lines()).find(|(found, expected)| found != expected);
    assert_eq!(difference, None, "found, expected");
    assert_eq!(found.len(), table.len());
}
