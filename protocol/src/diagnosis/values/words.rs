//! The words for null and booleans, and white space.

use super::Writing::{Member, WithNulls};
use super::{BOOLEANS, NULLS, RAW, ValueRule, on_text, on_text_or_nested, rule};
use crate::diagnosis::entry::{Entry, Tree};

type Write = fn(&Entry) -> Option<String>;

const fn null_word(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, NULLS, cause, "skip members that are null", WithNulls(write))
}

const fn bool_words(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, BOOLEANS, cause, "write true and false", Member(write))
}

const fn spaces(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, RAW, cause, "sign the values with their spaces as received", Member(write))
}

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
    null_word(
        "null-text",
        "signs null as the word null",
        "string concatenation in Java and JavaScript, String.valueOf(), template strings",
        |e| null_as(e, "null"),
    ),
    null_word("null-none", "signs null as None", "Python str(None), f-strings", |e| {
        null_as(e, "None")
    }),
    null_word("null-nil", "signs null as nil", "Ruby inspect, Swift, Lua", |e| null_as(e, "nil")),
    null_word("null-go", "signs null as <nil>", "Go fmt.Sprint(nil), %v", |e| null_as(e, "<nil>")),
    null_word(
        "null-undefined",
        "signs null as undefined",
        "JavaScript: a member that is missing from another object",
        |e| null_as(e, "undefined"),
    ),
    null_word("null-upper", "signs null as NULL", "PHP var_export(), SQL, C", |e| {
        null_as(e, "NULL")
    }),
    bool_words("bool-python", "signs True and False", "Python str(True), C# ToString()", |e| {
        bool_as(e, "True", "False")
    }),
    bool_words(
        "bool-number",
        "signs booleans as 1 and 0",
        "PHP http_build_query() or (int), a TINYINT column",
        |e| bool_as(e, "1", "0"),
    ),
    bool_words(
        "bool-php",
        "signs true as 1 and false as nothing",
        "PHP string conversion: $name . '=' . $value",
        |e| bool_as(e, "1", ""),
    ),
    bool_words("bool-upper", "signs TRUE and FALSE", "strtoupper(var_export()), SQL, Excel", |e| {
        bool_as(e, "TRUE", "FALSE")
    }),
    bool_words("bool-yes", "signs booleans as yes and no", "YAML habits, form values", |e| {
        bool_as(e, "yes", "no")
    }),
    spaces(
        "trimmed",
        "trims the values",
        "trim(), strip() or a middleware such as Laravel's TrimStrings",
        |e| on_text(e, |t| t.trim().to_owned()),
    ),
    spaces(
        "trimmed-ascii",
        "trims the values of ASCII white space",
        "PHP trim(), Java trim(), which leave the ideographic space",
        |e| on_text(e, |t| t.trim_matches(|c| c <= ' ').to_owned()),
    ),
    spaces(
        "collapsed-spaces",
        "collapses runs of white space",
        "a clean-up such as replace(/\\s+/g, ' ')",
        |e| on_text(e, |t| collapsed(t, char::is_whitespace)),
    ),
    spaces(
        "collapsed-ascii",
        "collapses runs of ASCII white space",
        "a clean-up such as preg_replace('/\\s+/', ' ', …)",
        |e| on_text_or_nested(e, |t| collapsed(t, is_ascii_space)),
    ),
    spaces(
        "collapsed-trimmed",
        "trims the values and collapses runs of white space",
        "Python ' '.join(v.split()), normalize-space(), squish",
        |e| on_text(e, |t| t.split_whitespace().collect::<Vec<_>>().join(" ")),
    ),
    spaces(
        "spaces-removed",
        "removes all white space from the values",
        "a clean-up such as replace(/\\s/g, '')",
        |e| on_text(e, |t| t.split_whitespace().collect()),
    ),
    spaces(
        "spaces-removed-ascii",
        "removes the plain spaces from the values",
        "a clean-up such as str_replace(' ', '', …)",
        |e| on_text(e, |t| t.replace(' ', "")),
    ),
    rule(
        "newlines",
        "changes the line ends of the values",
        RAW,
        "a text-mode file or a textarea between the JSON and the signature (\\n as \\r\\n)",
        "sign the values unchanged",
        Member(|e| on_text(e, |t| t.replace("\r\n", "\n").replace('\n', "\r\n"))),
    ),
];
