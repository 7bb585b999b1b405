//! All that a language does at once when it prints what its JSON parser read.

use super::super::encodings;
use super::super::numbers;
use super::super::printing::{self, Query, Style, print};
use super::{ValueRule, member, on_text_or_nested, pairs, with_nulls};
use crate::diagnosis::entry::{Entry, Tree};

fn styled(entry: &Entry, style: &Style) -> Option<String> {
    entry.string().is_none().then(|| print(&entry.tree, style))
}

fn php(entry: &Entry, nested: &Style) -> Option<String> {
    let printed = entry.nested().map(|tree| print(tree, nested));
    printed.or_else(|| Some(printing::php_string(&entry.tree)))
}

fn query(entry: &Entry, query: Query) -> Option<String> {
    printing::php_query(&entry.name, &entry.tree, query)
}

fn lower_case(entry: &Entry, encode: fn(&str) -> String) -> Option<String> {
    on_text_or_nested(entry, |text| encode(text).to_ascii_lowercase())
}

pub(super) static RULES: [ValueRule; 24] = [
    member("printed-php", |e| Some(printing::php_string(&e.tree))),
    member("printed-php-json", |e| php(e, &printing::PHP_JSON)),
    member("printed-php-plain", |e| php(e, &printing::PHP_PLAIN_JSON)),
    member("printed-json-php", |e| Some(print(&e.tree, &printing::PHP_JSON))),
    member("printed-json-php-plain", |e| Some(print(&e.tree, &printing::PHP_PLAIN_JSON))),
    member("nested-php-pretty", |e| {
        e.nested().map(|tree| print(tree, &printing::PRETTY).replace("{}", "[]"))
    }),
    pairs("query-php", |e| query(e, Query::Form)),
    pairs("query-php-raw", |e| query(e, Query::Percent)),
    pairs("query-php-decoded", |e| query(e, Query::Decoded)),
    member("printed-js", |e| (e.tree != Tree::Null).then(|| printing::js_string(&e.tree))),
    member("printed-js-json", |e| styled(e, &printing::JS_JSON)),
    member("printed-js-quoted", |e| Some(print(&e.tree, &printing::JS_JSON))),
    member("printed-python", |e| styled(e, &printing::PYTHON)),
    with_nulls("printed-python-null", |e| styled(e, &printing::PYTHON)),
    member("printed-python-json", |e| styled(e, &printing::PYTHON_JSON)),
    member("printed-python-quoted", |e| Some(print(&e.tree, &printing::PYTHON_JSON))),
    member("printed-java", |e| styled(e, &printing::JAVA)),
    member("printed-gson", |e| styled(e, &printing::GSON)),
    with_nulls("printed-gson-null", |e| styled(e, &printing::GSON)),
    member("printed-go", |e| styled(e, &printing::GO)),
    with_nulls("printed-go-null", |e| styled(e, &printing::GO)),
    member("urlencode-lower-all", |e| lower_case(e, encodings::form_php)),
    member("urlencode-lower-all-java", |e| lower_case(e, encodings::form_java)),
    member("printed-go-encoded", |e| match e.number() {
        Some(digits) => numbers::go_float(digits).map(|text| encodings::form_go(&text)),
        None => Some(encodings::form_go(&e.text)),
    }),
];
