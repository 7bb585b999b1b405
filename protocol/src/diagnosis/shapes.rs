//! Deviations in how the string is put together.

use super::Deviation;
use super::deviations::{Rule, deviation, rule};
use super::entry::{Entry, Tree};
use super::fields::kept;
use super::orders::Pair;
use super::printing::{self, Members, Style, object};
use crate::edit::{self, Edit, json_string};
use crate::payload::Payload;

/// Joins members that are in order already.
pub(super) type ShapeRule = Rule<fn(&[Pair<'_>]) -> String>;

fn joined<'p>(pairs: &[Pair<'p>], separator: &str, write: impl Fn(&Pair<'p>) -> String) -> String {
    pairs.iter().map(write).collect::<Vec<_>>().join(separator)
}

fn value(pair: &Pair<'_>) -> String {
    pair.text.to_owned()
}

fn json_member(pair: &Pair<'_>) -> String {
    format!("{}:{}", json_string(pair.name), json_string(pair.text))
}

pub(super) static SHAPE_RULES: [ShapeRule; 20] = [
    rule("values-only", |p| joined(p, "", value)),
    rule("values-joined", |p| joined(p, "&", value)),
    rule("values-comma", |p| joined(p, ",", value)),
    rule("values-pipe", |p| joined(p, "|", value)),
    rule("no-ampersand", |p| joined(p, "", Pair::written)),
    rule("names-and-values", |p| joined(p, "", |pair| format!("{}{}", pair.name, pair.text))),
    rule("separator-comma", |p| joined(p, ",", Pair::written)),
    rule("separator-pipe", |p| joined(p, "|", Pair::written)),
    rule("separator-semicolon", |p| joined(p, ";", Pair::written)),
    rule("separator-newline", |p| joined(p, "\n", Pair::written)),
    rule("separator-space", |p| joined(p, " ", Pair::written)),
    rule("separator-hash", |p| joined(p, "#", Pair::written)),
    rule("separator-plus", |p| joined(p, "+", Pair::written)),
    rule("comma-space", |p| joined(p, ", ", Pair::written)),
    rule("colon", |p| joined(p, "&", |pair| format!("{}:{}", pair.name, pair.text))),
    rule("question-mark", |p| format!("?{}", joined(p, "&", Pair::written))),
    rule("leading-ampersand", |p| format!("&{}", joined(p, "&", Pair::written))),
    rule("map-java", |p| format!("{{{}}}", joined(p, ", ", Pair::written))),
    rule("names-comma-values", |p| joined(p, ",", |pair| format!("{},{}", pair.name, pair.text))),
    rule("json-strings", |p| format!("{{{}}}", joined(p, ",", json_member))),
];

fn received(entry: &Entry) -> bool {
    !entry.is_signature
}

/// A code, how the JSON is written, in which order its members are, and which of them are in it.
type BodyRow = (&'static str, Style, Members, fn(&Entry) -> bool);

pub(super) const BODY_RULES: [BodyRow; 14] = {
    use Members::{Received, Sorted};
    use printing::{
        ESCAPED, JS_JSON, JSON, PHP_JSON, PHP_PLAIN_JSON, PYTHON_JSON, PYTHON_SORTED_JSON, SORTED,
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
    ]
};

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
    found.into_iter().map(|(code, text)| (deviation(code), text.into_bytes())).collect()
}
