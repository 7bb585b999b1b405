//! The words for null and booleans, and white space.

use super::{ValueRule, member, on_text, on_text_or_nested, with_nulls};
use crate::diagnosis::entry::{Entry, Tree};

fn null_as(entry: &Entry, word: &str) -> Option<String> {
    (entry.tree == Tree::Null).then(|| word.to_owned())
}

fn bool_as(entry: &Entry, yes: &str, no: &str) -> Option<String> {
    match entry.tree {
        Tree::Bool(true) => Some(yes.to_owned()),
        Tree::Bool(false) => Some(no.to_owned()),
        _ => None,
    }
}

fn collapsed(text: &str, is_space: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match is_space(character) {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(character),
        }
    }
    out
}

fn is_ascii_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

pub(super) static RULES: [ValueRule; 19] = [
    with_nulls("null-text", |e| null_as(e, "null")),
    with_nulls("null-none", |e| null_as(e, "None")),
    with_nulls("null-nil", |e| null_as(e, "nil")),
    with_nulls("null-go", |e| null_as(e, "<nil>")),
    with_nulls("null-undefined", |e| null_as(e, "undefined")),
    with_nulls("null-upper", |e| null_as(e, "NULL")),
    member("bool-python", |e| bool_as(e, "True", "False")),
    member("bool-number", |e| bool_as(e, "1", "0")),
    member("bool-php", |e| bool_as(e, "1", "")),
    member("bool-upper", |e| bool_as(e, "TRUE", "FALSE")),
    member("bool-yes", |e| bool_as(e, "yes", "no")),
    member("trimmed", |e| on_text(e, |t| t.trim().to_owned())),
    member("trimmed-ascii", |e| on_text(e, |t| t.trim_matches(|c| c <= ' ').to_owned())),
    member("collapsed-spaces", |e| on_text(e, |t| collapsed(t, char::is_whitespace))),
    member("collapsed-ascii", |e| on_text_or_nested(e, |t| collapsed(t, is_ascii_space))),
    member("collapsed-trimmed", |e| {
        on_text(e, |t| t.split_whitespace().collect::<Vec<_>>().join(" "))
    }),
    member("spaces-removed", |e| on_text(e, |t| t.split_whitespace().collect())),
    member("spaces-removed-ascii", |e| on_text(e, |t| t.replace(' ', ""))),
    member("newlines", |e| on_text(e, |t| t.replace("\r\n", "\n").replace('\n', "\r\n"))),
];
