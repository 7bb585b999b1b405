//! Arrays and objects printed in another way than as compact JSON.

use super::super::printing::{self, Query, Style, print};
use super::{ValueRule, member, pairs};
use crate::diagnosis::entry::{Entry, Tree};

fn list(entry: &Entry, print: impl Fn(&Tree) -> String) -> Option<String> {
    matches!(entry.tree, Tree::List(_)).then(|| print(&entry.tree))
}

fn query(entry: &Entry, query: Query) -> Option<String> {
    entry.nested().and_then(|tree| printing::php_query(&entry.name, tree, query))
}

fn styled(entry: &Entry, style: &Style) -> Option<String> {
    entry.nested().map(|tree| print(tree, style))
}

pub(super) static RULES: [ValueRule; 23] = [
    member("array-word", |e| e.nested().map(printing::php_string)),
    member("array-joined", |e| e.nested().map(printing::js_string)),
    member("array-php", |e| e.nested().map(printing::php_implode)),
    member("array-only-joined", |e| list(e, printing::js_string)),
    member("array-java", |e| styled(e, &printing::JAVA)),
    member("array-only-java", |e| list(e, |tree| print(tree, &printing::JAVA))),
    member("array-java-gson", |e| styled(e, &printing::GSON)),
    member("array-python", |e| styled(e, &printing::PYTHON)),
    member("array-go", |e| styled(e, &printing::GO)),
    member("json-spaced", |e| styled(e, &printing::SPACED)),
    member("nested-spaced-escaped", |e| styled(e, &printing::SPACED_ASCII)),
    member("nested-escaped", |e| styled(e, &printing::ESCAPED)),
    member("nested-unicode-escaped", |e| styled(e, &printing::ASCII)),
    member("nested-slash-escaped", |e| styled(e, &printing::SLASHES)),
    member("nested-sorted", |e| styled(e, &printing::SORTED)),
    member("nested-html-escaped", |e| styled(e, &printing::GO_JSON)),
    member("nested-pretty", |e| styled(e, &printing::PRETTY)),
    member("nested-pretty-2", |e| styled(e, &printing::PRETTY_2)),
    member("nested-php", |e| styled(e, &printing::PHP_PLAIN_JSON)),
    member("nested-php-escaped", |e| styled(e, &printing::PHP_JSON)),
    pairs("array-indexed", |e| query(e, Query::Decoded)),
    pairs("array-indexed-encoded", |e| query(e, Query::Form)),
    pairs("array-repeated", |e| printing::repeated(&e.name, &e.tree)),
];
