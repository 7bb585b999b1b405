//! Deviations in how the string is put together.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Deviation;
use super::deviations::{Rule, deviation, of_payload, rule, that_does};
use super::entry::{Entry, Tree};
use super::fields::kept;
use super::orders::Pair;
use super::printing::{self, Members, Style, object};
use crate::edit::{self, Edit, json_string};
use crate::payload::Payload;

/// Joins members that are in order already.
pub(super) type ShapeRule = Rule<fn(&[Pair<'_>]) -> String>;

fn joined<'p>(pairs: &[Pair<'p>], separator: &str, write: impl Fn(&Pair<'p>) -> String) -> String {
    let mut out = String::with_capacity(512);
    for (at, pair) in pairs.iter().enumerate() {
        out.push_str(if at > 0 { separator } else { "" });
        out.push_str(&write(pair));
    }
    out
}

/// `name=value` for each, without a text of its own for each.
pub(super) fn written(pairs: &[Pair<'_>], separator: &str) -> String {
    let mut out = String::with_capacity(512);
    for (at, pair) in pairs.iter().enumerate() {
        out.push_str(if at > 0 { separator } else { "" });
        if !pair.is_whole {
            out.push_str(&pair.name);
            out.push('=');
        }
        out.push_str(&pair.text);
    }
    out
}

fn value(pair: &Pair<'_>) -> String {
    pair.text.clone().into_owned()
}

/// `0=…&1=…`: JavaScript's for-in or PHP's foreach over a list.
fn indexed(pairs: &[Pair<'_>], write: impl Fn(&Pair<'_>) -> String) -> String {
    let item = |(at, pair)| format!("{at}={}", write(pair));
    pairs.iter().enumerate().map(item).collect::<Vec<_>>().join("&")
}

/// The same from one: Lua's `ipairs`, a SQL row number, `enumerate(…, 1)`.
fn positions(pairs: &[Pair<'_>], write: impl Fn(&Pair<'_>) -> String) -> String {
    let item = |(at, pair)| format!("{at}={}", write(pair));
    (1..).zip(pairs).map(item).collect::<Vec<_>>().join("&")
}

fn each_as(pairs: &[Pair<'_>], text: &str) -> String {
    joined(pairs, "&", |pair| format!("{}={text}", pair.name))
}

fn json_member(pair: &Pair<'_>) -> String {
    format!("{}:{}", json_string(&pair.name), json_string(&pair.text))
}

pub(super) static SHAPE_RULES: [ShapeRule; 53] = [
    rule("values-only", |p| joined(p, "", value)),
    rule("values-joined", |p| joined(p, "&", value)),
    rule("values-comma", |p| joined(p, ",", value)),
    rule("values-pipe", |p| joined(p, "|", value)),
    rule("no-ampersand", |p| written(p, "")),
    rule("names-and-values", |p| joined(p, "", |pair| format!("{}{}", pair.name, pair.text))),
    rule("separator-comma", |p| written(p, ",")),
    rule("separator-pipe", |p| written(p, "|")),
    rule("separator-semicolon", |p| written(p, ";")),
    rule("separator-newline", |p| written(p, "\n")),
    rule("separator-space", |p| written(p, " ")),
    rule("separator-hash", |p| written(p, "#")),
    rule("separator-plus", |p| written(p, "+")),
    rule("comma-space", |p| written(p, ", ")),
    rule("colon", |p| joined(p, "&", |pair| format!("{}:{}", pair.name, pair.text))),
    rule("colon-pipe", |p| joined(p, "|", |pair| format!("{}:{}", pair.name, pair.text))),
    rule("colon-comma", |p| joined(p, ",", |pair| format!("{}:{}", pair.name, pair.text))),
    rule("question-mark", |p| format!("?{}", written(p, "&"))),
    rule("leading-ampersand", |p| format!("&{}", written(p, "&"))),
    rule("map-java", |p| format!("{{{}}}", written(p, ", "))),
    rule("names-comma-values", |p| joined(p, ",", |pair| format!("{},{}", pair.name, pair.text))),
    rule("json-strings", |p| format!("{{{}}}", joined(p, ",", json_member))),
    rule("indexes-undefined", |p| indexed(p, |_| "undefined".to_owned())),
    rule("indexes-names", |p| indexed(p, |pair| pair.name.clone().into_owned())),
    rule("indexes-values", |p| indexed(p, value)),
    rule("positions", |p| positions(p, value)),
    rule("positions", |p| positions(p, |pair| pair.name.clone().into_owned())),
    rule("positions", |p| positions(p, |pair| pair.written())),
    rule("indexes-pairs", |p| indexed(p, |pair| pair.written())),
    rule("indexes-empty", |p| indexed(p, |_| String::new())),
    rule("values-undefined", |p| each_as(p, "undefined")),
    rule("values-null", |p| each_as(p, "null")),
    rule("values-none", |p| each_as(p, "None")),
    rule("values-empty", |p| each_as(p, "")),
    rule("values-array", |p| each_as(p, "Array")),
    rule("values-object", |p| each_as(p, "[object Object]")),
    rule("names-only", |p| joined(p, "&", |pair| pair.name.clone().into_owned())),
    rule("names-twice", |p| joined(p, "&", |pair| format!("{0}={0}", pair.name))),
    rule("values-twice", |p| joined(p, "&", |pair| format!("{0}={0}", pair.text))),
    rule("names-after-values", |p| joined(p, "&", |pair| format!("{}={}", pair.text, pair.name))),
    rule("values-newline", |p| joined(p, "\n", value)),
    rule("values-dash", |p| joined(p, "-", value)),
    rule("values-colon", |p| joined(p, ":", value)),
    rule("values-semicolon", |p| joined(p, ";", value)),
    rule("values-space", |p| joined(p, " ", value)),
    rule("lines", |p| joined(p, "", |pair| format!("{}\n", pair.written()))),
    rule("lines-windows", |p| written(p, "\r\n")),
    rule("lines-colon", |p| joined(p, "\n", |pair| format!("{}:{}", pair.name, pair.text))),
    rule("lines-windows", |p| joined(p, "", |pair| format!("{}\r\n", pair.written()))),
    rule("lines-name-value", |p| joined(p, "", |pair| format!("{}\n{}\n", pair.name, pair.text))),
    rule("lines-name-value", |p| joined(p, "\n", |pair| format!("{}\n{}", pair.name, pair.text))),
    rule("lines-colon", |p| joined(p, "\n", |pair| format!("{}: {}", pair.name, pair.text))),
    rule("quoted-values", |p| joined(p, "&", |pair| format!("{}=\"{}\"", pair.name, pair.text))),
];

fn received(entry: &Entry) -> bool {
    !entry.is_signature
}

/// A code, how the JSON is written, in which order its members are, and which of them are in it.
type BodyRow = (&'static str, Style, Members, fn(&Entry) -> bool);

pub(super) const BODY_RULES: [BodyRow; 19] = {
    use Members::{Received, Sorted};
    use printing::{
        ESCAPED, GO, GO_JSON, JAVA, JS_JSON, JSON, PHP_JSON, PHP_PLAIN_JSON, PYTHON, PYTHON_JSON,
        PYTHON_SORTED_JSON, SORTED, SYSTEM_TEXT_JSON,
    };
    [
        ("json", JSON, Received, received),
        ("sorted-json", JSON, Sorted, received),
        ("sorted-json-kept", JSON, Sorted, kept),
        ("json-kept", JSON, Received, kept),
        ("sorted-json-deep", SORTED, Sorted, received),
        ("json-js", JS_JSON, Received, received),
        ("json-escaped-body", ESCAPED, Received, received),
        ("json-php", PHP_JSON, Received, received),
        ("json-php-plain", PHP_PLAIN_JSON, Received, received),
        ("sorted-json-php", PHP_JSON, Sorted, received),
        ("sorted-json-php-kept", PHP_JSON, Sorted, kept),
        ("json-python", PYTHON_JSON, Received, received),
        ("sorted-json-python", PYTHON_SORTED_JSON, Sorted, received),
        ("sorted-json-python-kept", PYTHON_SORTED_JSON, Sorted, kept),
        ("json-go", GO_JSON, Sorted, received),
        ("json-dotnet", SYSTEM_TEXT_JSON, Received, received),
        ("printed-map-python", PYTHON, Received, received),
        ("printed-map-java", JAVA, Received, received),
        ("printed-map-go", GO, Sorted, received),
    ]
};

/// What a language prints for an object whose fields it does not show.
const OBJECT_WORDS: [(&str, &str); 12] = [
    ("[object Object]", "JavaScript: payload.toString(), String(payload) or a template string"),
    ("Array", "PHP: an array turned into a string"),
    ("Object", "PHP or JavaScript: an object's class name"),
    ("[object Promise]", "JavaScript: await is missing before the call that reads the body"),
    ("[object ReadableStream]", "JavaScript: the body's stream instead of its text"),
    ("[object Map]", "JavaScript: a Map turned into a string"),
    ("[object FormData]", "JavaScript: a form turned into a string"),
    ("undefined", "JavaScript: the string was never assigned, or no body parser is installed"),
    ("null", "the string was never assigned"),
    ("None", "Python: a function without return"),
    (
        "{}",
        "an object without enumerable fields: a body parser is missing, or a class without getters",
    ),
    (
        "System.Collections.Generic.Dictionary`2[System.String,System.Object]",
        ".NET: ToString() of a Dictionary",
    ),
];

pub(super) fn whole_strings(
    payload: &Payload<'_>,
    sign_field: &str,
    entries: &[Entry],
) -> Vec<(Deviation, Vec<u8>)> {
    let unsigned = edit::apply(payload, &Edit::Remove { name: sign_field.to_owned() });
    let trimmed = unsigned.trim().to_owned();
    let mut found = vec![
        ("raw-body", unsigned),
        ("raw-body-trimmed", trimmed),
        ("raw-body-with-sign", payload.text().to_owned()),
    ];
    for (code, style, members, is_signed) in &BODY_RULES {
        let mut signed: Vec<&Entry> = entries.iter().filter(|entry| is_signed(entry)).collect();
        if *members == Members::Received {
            signed.sort_by_key(|entry| entry.received);
        }
        let signed: Vec<(&str, &Tree)> = signed.iter().map(|e| (&*e.name, &e.tree)).collect();
        found.push((code, object(&signed, style)));
    }
    let encoded: Vec<(Deviation, Vec<u8>)> = found
        .iter()
        .flat_map(|(code, text)| {
            let does = deviation(code).does.replacen("signs", "signs in base64", 1);
            let escapes = text.replace('/', "\\/");
            [text.clone(), escapes].map(|text| {
                (that_does("base64-body", does.clone()), STANDARD.encode(text).into_bytes())
            })
        })
        .collect();
    let whole = found.into_iter().map(|(code, text)| (deviation(code), text.into_bytes()));
    let words = OBJECT_WORDS.map(|(word, cause)| {
        let does = format!("signs the text {word} in place of the fields");
        (
            Deviation { cause: cause.into(), ..that_does("object-word", does) },
            word.as_bytes().to_vec(),
        )
    });
    whole.chain(encoded).chain(words).chain(entries.iter().filter_map(text_of_one)).collect()
}

/// One member's text alone.
fn text_of_one(entry: &Entry) -> Option<(Deviation, Vec<u8>)> {
    let does = format!("signs the text of {} alone, as it is in the body", of_payload(&entry.name));
    (!entry.text.is_empty()).then(|| (that_does("one-text", does), entry.text.clone().into_bytes()))
}
