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

pub(super) static RULES: [ValueRule; 49] = [
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
    member("newlines", |e| on_text(e, |t| unix(t).replace('\n', "\r\n"))),
    member("newlines-unix", |e| on_text(e, unix)),
    member("newlines-removed", |e| on_text(e, |t| t.replace(['\r', '\n'], ""))),
    member("newlines-space", |e| on_text(e, |t| unix(t).replace('\n', " "))),
    member("newlines-mac", |e| on_text(e, |t| unix(t).replace('\n', "\r"))),
    member("newlines-escaped", |e| on_text(e, |t| t.replace('\r', "\\r").replace('\n', "\\n"))),
    member("newlines-br", |e| on_text(e, |t| unix(t).replace('\n', "<br />\n"))),
    member("newlines-br-only", |e| on_text(e, |t| unix(t).replace('\n', "<br>"))),
    member("tags-stripped", |e| on_text(e, |t| without_tags(t, ""))),
    member("tags-spaced", |e| on_text(e, |t| without_tags(t, " "))),
    member("tags-stripped-quoted", |e| {
        on_text(e, |t| without_tags(t, "").replace('"', "&#34;").replace('\'', "&#39;"))
    }),
    member("text-title", |e| on_text(e, |t| title(t, false))),
    member("text-title", |e| on_text(e, |t| title(t, true))),
    member("text-capital", |e| on_text(e, |t| capital(t, str::to_owned))),
    member("text-capital", |e| on_text(e, |t| capital(t, str::to_lowercase))),
    member("spaces-replaced", |e| on_text(e, |t| t.replace(' ', "_"))),
    member("spaces-replaced", |e| on_text(e, |t| t.replace(' ', "-"))),
    member("spaces-replaced", |e| on_text(e, |t| t.replace(' ', "%20"))),
    member("spaces-replaced", |e| on_text(e, |t| t.replace(' ', "+"))),
    member("numeric-entities", |e| on_text(e, |t| entities(t, |c| format!("&#{c};")))),
    member("numeric-entities", |e| on_text(e, |t| entities(t, |c| format!("&#x{c:x};")))),
    member("slashes-stripped", |e| on_text_or_nested(e, slashes_stripped)),
    member("backslashes-removed", |e| on_text_or_nested(e, |t| t.replace('\\', ""))),
    member("quotes-removed", |e| on_text(e, |t| t.replace(['"', '\''], ""))),
    member("emoji-removed", |e| on_text(e, |t| t.chars().filter(|c| !is_wide(*c)).collect())),
    member("emoji-question", |e| on_text(e, |t| replaced(t, "?"))),
    member("emoji-questions", |e| on_text(e, |t| replaced(t, "????"))),
    member("emoji-replaced", |e| on_text(e, |t| replaced(t, "\u{fffd}"))),
    member("quotes-doubled", |e| on_text(e, |t| t.replace('\'', "''"))),
    member("spaces-protected", |e| on_text(e, |t| t.replace(' ', "\u{a0}"))),
    member("controls-removed", |e| on_text(e, |t| t.chars().filter(|c| !c.is_control()).collect())),
];

/// The first letter in upper case, and the rest as `rest` makes it.
fn capital(text: &str, rest: fn(&str) -> String) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + &rest(letters.as_str())
}

/// Each word with a capital; `is_lowered` where its other letters are made small.
fn title(text: &str, is_lowered: bool) -> String {
    let rest: fn(&str) -> String = if is_lowered { str::to_lowercase } else { str::to_owned };
    text.split(' ').map(|word| capital(word, rest)).collect::<Vec<_>>().join(" ")
}

/// Characters beyond ASCII as numbers.
fn entities(text: &str, write: fn(u32) -> String) -> String {
    let each = |letter: char| match letter.is_ascii() {
        true => letter.to_string(),
        false => write(letter.into()),
    };
    text.chars().map(each).collect()
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Beyond the Basic Multilingual Plane: four bytes in UTF-8.
fn is_wide(character: char) -> bool {
    u32::from(character) > 0xffff
}

fn replaced(text: &str, word: &str) -> String {
    text.split(is_wide).collect::<Vec<_>>().join(word)
}

/// PHP `strip_tags()`, without its rules for comments and quotation marks.
fn without_tags(text: &str, instead: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let is_tag = tag[1..].starts_with(|c: char| !c.is_whitespace());
        match tag.find('>') {
            Some(end) if is_tag => {
                out.push_str(instead);
                rest = &tag[end + 1..];
            }
            // An open tag swallows the rest.
            None if is_tag => return out,
            _ => {
                out.push('<');
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// PHP `stripslashes()`: a backslash goes, and the character after it stays.
fn slashes_stripped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next().map(|next| if next == '0' { '\0' } else { next })),
            letter => out.push(letter),
        }
    }
    out
}
