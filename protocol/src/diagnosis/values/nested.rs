//! Arrays and objects printed in another way than as compact JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::printing::{self, Query, Style, print};
use super::{ValueRule, member, pairs};
use crate::diagnosis::entry::{self, Entry, Tree};
use crate::edit::json_string;

fn list(entry: &Entry, print: impl Fn(&Tree) -> String) -> Option<String> {
    matches!(entry.tree, Tree::List(_)).then(|| print(&entry.tree))
}

fn query(entry: &Entry, query: Query) -> Option<String> {
    entry.nested().and_then(|tree| printing::php_query(&entry.name, tree, query))
}

fn styled(entry: &Entry, style: &Style) -> Option<String> {
    entry.nested().map(|tree| print(tree, style))
}

pub(super) static RULES: [ValueRule; 61] = [
    member("nested-js", |e| styled(e, &printing::JS_JSON)),
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
    member("nested-dotnet", |e| styled(e, &printing::SYSTEM_TEXT_JSON)),
    member("nested-gson", |e| styled(e, &printing::GSON_JSON)),
    member("nested-rails", |e| styled(e, &printing::HTML_JSON)),
    member("nested-unicode-upper", |e| styled(e, &printing::UPPER_ASCII)),
    member("nested-ruby", |e| styled(e, &printing::RUBY)),
    member("nested-ruby-old", |e| styled(e, &printing::RUBY_OLD)),
    member("nested-spaced-pairs", |e| styled(e, &printing::SPACED_PAIRS)),
    member("nested-spaced-items", |e| styled(e, &printing::SPACED_ITEMS)),
    member("nested-inspect", |e| styled(e, &printing::INSPECT)),
    member("nested-flow", |e| styled(e, &printing::FLOW)),
    member("nested-groovy", |e| styled(e, &printing::GROOVY)),
    member("nested-swift", |e| styled(e, &printing::SWIFT)),
    member("nested-scala", |e| styled(e, &printing::SCALA)),
    member("nested-elixir", |e| styled(e, &printing::ELIXIR)),
    member("nested-anonymous", |e| styled(e, &printing::ANONYMOUS)),
    member("nested-objects", |e| e.nested().map(|t| print(&entry::as_objects(t), &printing::JSON))),
    member("nested-objects-php", |e| {
        e.nested().map(|t| print(&entry::as_objects(t), &printing::PHP_JSON))
    }),
    member("nested-quoted", |e| e.nested().map(|_| json_string(&e.text))),
    member("nested-base64", |e| e.nested().map(|_| STANDARD.encode(&e.text))),
    member("nested-serialized", |e| e.nested().map(printing::php_serialized)),
    member("nested-query-sorted", |e| printing::inner_query(e.nested()?, true, "&")),
    member("nested-query", |e| printing::inner_query(e.nested()?, false, "&")),
    member("nested-query-comma", |e| printing::inner_query(e.nested()?, true, ",")),
    member("array-joined-pipe", |e| joined(e, "|")),
    member("array-joined-semicolon", |e| joined(e, ";")),
    member("array-joined-space", |e| joined(e, " ")),
    member("array-joined-comma-space", |e| joined(e, ", ")),
    member("array-joined-bare", |e| joined(e, "")),
    member("array-dotnet", |e| list(e, |_| "System.String[]".to_owned())),
    pairs("array-brackets", |e| brackets(e, "[]")),
    pairs("array-brackets-encoded", |e| brackets(e, "%5B%5D")),
    pairs("nested-dotted", |e| {
        Some(printing::flattened(&e.name, e.nested()?, &|outer, inner| format!("{outer}.{inner}")))
    }),
    member("nested-values", |e| Some(printing::leaves(e.nested()?, ","))),
    member("nested-values", |e| Some(printing::leaves(e.nested()?, ""))),
    member("nested-values", |e| Some(printing::leaves(e.nested()?, "|"))),
    member("nested-values", |e| Some(printing::leaves(e.nested()?, "&"))),
    member("nested-values", |e| Some(printing::leaves(e.nested()?, " "))),
];

fn joined(entry: &Entry, separator: &str) -> Option<String> {
    let Tree::List(items) = &entry.tree else { return None };
    Some(items.iter().map(printing::bare).collect::<Vec<_>>().join(separator))
}

/// `a[]=1&a[]=2`, and `o[b]=1` for objects.
fn brackets(entry: &Entry, empty: &str) -> Option<String> {
    let (open, close) = empty.split_at(empty.len() / 2);
    let is_index = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let join = |outer: &str, inner: &str| match is_index(inner) {
        true => format!("{outer}{empty}"),
        false => format!("{outer}{open}{inner}{close}"),
    };
    Some(printing::flattened(&entry.name, entry.nested()?, &join))
}
