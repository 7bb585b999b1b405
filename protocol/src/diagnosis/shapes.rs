//! Deviations in how the string is put together.

use super::Deviation;
use super::Dimension::Shape;
use super::entry::{Entry, Tree};
use super::fields::kept;
use super::orders::Pair;
use super::printing::{self, Members, Style, object};
use crate::edit;
use crate::edit::json_string;
use crate::payload::Payload;

/// Joins members that are in order already.
pub(super) type Join = fn(&[Pair<'_>]) -> String;

pub(super) struct ShapeRule {
    pub(super) deviation: Deviation,
    pub(super) join: Join,
}

const PAIRS: &str = "name=value pairs, joined with &";

const fn shape(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    join: Join,
) -> ShapeRule {
    let fix = "join name=value with &, and nothing before, after or between";
    ShapeRule { deviation: Deviation::new(Shape, code, does, PAIRS, cause, fix), join }
}

fn joined(pairs: &[Pair<'_>], separator: &str, write: impl Fn(&Pair<'_>) -> String) -> String {
    pairs.iter().map(write).collect::<Vec<_>>().join(separator)
}

fn name_value(pair: &Pair<'_>) -> String {
    pair.written()
}

fn value(pair: &Pair<'_>) -> String {
    pair.text.to_owned()
}

pub(super) static SHAPE_RULES: [ShapeRule; 20] = [
    shape("values-only", "joins the values without their names", "implode('', $values)", |p| {
        joined(p, "", value)
    }),
    shape(
        "values-joined",
        "joins the values with & and without their names",
        "implode('&', $values)",
        |p| joined(p, "&", value),
    ),
    shape("values-comma", "joins the values with commas", "implode(',', $values)", |p| {
        joined(p, ",", value)
    }),
    shape("values-pipe", "joins the values with |", "implode('|', $values)", |p| {
        joined(p, "|", value)
    }),
    shape("no-ampersand", "puts no & between the pairs", "a loop that appends name=value", |p| {
        joined(p, "", name_value)
    }),
    shape(
        "names-and-values",
        "joins names and values with neither = nor &",
        "Taobao and TOP habit",
        |p| joined(p, "", |pair| format!("{}{}", pair.name, pair.text)),
    ),
    shape("separator-comma", "joins the pairs with commas", "another platform's separator", |p| {
        joined(p, ",", name_value)
    }),
    shape("separator-pipe", "joins the pairs with |", "another platform's separator", |p| {
        joined(p, "|", name_value)
    }),
    shape("separator-semicolon", "joins the pairs with ;", "another platform's separator", |p| {
        joined(p, ";", name_value)
    }),
    shape(
        "separator-newline",
        "joins the pairs with newlines",
        "another platform's separator",
        |p| joined(p, "\n", name_value),
    ),
    shape("separator-space", "joins the pairs with spaces", "another platform's separator", |p| {
        joined(p, " ", name_value)
    }),
    shape("separator-hash", "joins the pairs with #", "another platform's separator", |p| {
        joined(p, "#", name_value)
    }),
    shape("separator-plus", "joins the pairs with +", "another platform's separator", |p| {
        joined(p, "+", name_value)
    }),
    shape(
        "comma-space",
        "joins the pairs with a comma and a space",
        "Map.toString() without its braces",
        |p| joined(p, ", ", name_value),
    ),
    shape("colon", "writes name:value", "another platform's notation", |p| {
        joined(p, "&", |pair| format!("{}:{}", pair.name, pair.text))
    }),
    shape("question-mark", "begins the string with ?", "a query string taken from a URL", |p| {
        format!("?{}", joined(p, "&", name_value))
    }),
    shape(
        "leading-ampersand",
        "begins the string with &",
        "a loop that appends &name=value",
        |p| format!("&{}", joined(p, "&", name_value)),
    ),
    shape("map-java", "signs {name=value, name=value}", "Java Map.toString()", |p| {
        format!("{{{}}}", joined(p, ", ", name_value))
    }),
    shape(
        "names-comma-values",
        "joins names and values with commas",
        "JavaScript String(Object.entries(o))",
        |p| joined(p, ",", |pair| format!("{},{}", pair.name, pair.text)),
    ),
    shape(
        "json-strings",
        "signs a JSON object whose values are all strings",
        "JSON.stringify() or json_encode() over the sorted map of texts",
        |p| {
            let member =
                |pair: &Pair<'_>| format!("{}:{}", json_string(pair.name), json_string(pair.text));
            format!("{{{}}}", joined(p, ",", member))
        },
    ),
];

struct BodyRule {
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    style: Style,
    members: Members,
    is_signed: fn(&Entry) -> bool,
}

fn received(entry: &Entry) -> bool {
    !entry.is_signature
}

const STRINGIFY: &str = "json_encode() or JSON.stringify() instead of a query string";
const PHP_ENCODE: &str = "PHP json_encode() without flags instead of a query string";
const DUMPS: &str = "Python json.dumps() with its defaults instead of a query string";

const fn body(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    style: Style,
    members: Members,
    is_signed: fn(&Entry) -> bool,
) -> BodyRule {
    BodyRule { code, does, cause, style, members, is_signed }
}

const BODY_RULES: [BodyRule; 14] = {
    use Members::{Received, Sorted};
    use printing::{
        ESCAPED, JS_JSON, JSON, PHP_JSON, PHP_PLAIN_JSON, PYTHON_JSON, PYTHON_SORTED_JSON, SORTED,
    };
    [
        body(
            "json",
            "signs the JSON, members in received order",
            STRINGIFY,
            JSON,
            Received,
            received,
        ),
        body("sorted-json", "signs the JSON, members sorted", STRINGIFY, JSON, Sorted, received),
        body(
            "sorted-json-kept",
            "signs the JSON of the signed members, sorted",
            STRINGIFY,
            JSON,
            Sorted,
            kept,
        ),
        body(
            "json-kept",
            "signs the JSON of the signed members in received order",
            STRINGIFY,
            JSON,
            Received,
            kept,
        ),
        body(
            "sorted-json-deep",
            "signs the JSON, members sorted at every level",
            "json.dumps(sort_keys=True), a recursive ksort()",
            SORTED,
            Sorted,
            received,
        ),
        body(
            "json-js",
            "signs the JSON, numbers as JavaScript prints them",
            "JSON.stringify(JSON.parse(body))",
            JS_JSON,
            Received,
            received,
        ),
        body(
            "json-escaped-body",
            "signs the JSON with \\uXXXX and \\/",
            PHP_ENCODE,
            ESCAPED,
            Received,
            received,
        ),
        body(
            "json-php",
            "signs the JSON as PHP decodes and encodes it",
            PHP_ENCODE,
            PHP_JSON,
            Received,
            received,
        ),
        body(
            "json-php-plain",
            "signs the JSON as PHP decodes and encodes it, unescaped",
            STRINGIFY,
            PHP_PLAIN_JSON,
            Received,
            received,
        ),
        body(
            "sorted-json-php",
            "signs the JSON as PHP decodes and encodes it, members sorted",
            PHP_ENCODE,
            PHP_JSON,
            Sorted,
            received,
        ),
        body(
            "sorted-json-php-kept",
            "signs the JSON of the signed members, sorted, as PHP encodes it",
            PHP_ENCODE,
            PHP_JSON,
            Sorted,
            kept,
        ),
        body(
            "json-python",
            "signs the JSON with spaces and \\uXXXX",
            DUMPS,
            PYTHON_JSON,
            Received,
            received,
        ),
        body(
            "sorted-json-python",
            "signs the JSON with spaces and \\uXXXX, members sorted",
            "Python json.dumps(sort_keys=True)",
            PYTHON_SORTED_JSON,
            Sorted,
            received,
        ),
        body(
            "sorted-json-python-kept",
            "signs the JSON of the signed members with spaces, sorted",
            "Python json.dumps(sort_keys=True)",
            PYTHON_SORTED_JSON,
            Sorted,
            kept,
        ),
    ]
};

pub(super) fn whole_strings(
    payload: &Payload<'_>,
    sign_field: &str,
    entries: &[Entry],
) -> Vec<(Deviation, Vec<u8>)> {
    let entry = |code, does, cause, text: String| {
        let fix = "sign the sorted name=value pairs of all members";
        (Deviation::new(Shape, code, does, PAIRS, cause, fix), text.into_bytes())
    };
    let cause = "a rule for signed bodies (HMAC webhooks) on signed fields";
    let unsigned = edit::apply(payload, &edit::Edit::Remove { name: sign_field.to_owned() });
    let trimmed = unsigned.trim().to_owned();
    let mut found = vec![
        entry("raw-body", "signs the body as it was before sign came to it", cause, unsigned),
        entry("raw-body-trimmed", "signs the trimmed body", cause, trimmed),
        entry(
            "raw-body-with-sign",
            "signs the body, sign included",
            cause,
            payload.text().to_owned(),
        ),
    ];
    let mut in_received_order: Vec<&Entry> = entries.iter().collect();
    in_received_order.sort_by_key(|entry| entry.received);
    for rule in &BODY_RULES {
        let members = match rule.members {
            Members::Received => in_received_order.clone(),
            Members::Sorted => entries.iter().collect(),
        };
        let signed = members.into_iter().filter(|entry| (rule.is_signed)(entry));
        let signed: Vec<(&str, &Tree)> = signed.map(|e| (e.name.as_str(), &e.tree)).collect();
        found.push(entry(rule.code, rule.does, rule.cause, object(&signed, &rule.style)));
    }
    found
}
