//! URL encoding and decoding, HTML entities, JSON escapes.

use super::super::encodings as enc;
use super::super::printing::{self, print, python_repr};
use super::{ValueRule, member, on_text, on_text_or_nested};
use crate::diagnosis::entry::Entry;
use crate::edit::json_string;

fn json_text(entry: &Entry, escape: fn(&str) -> String) -> Option<String> {
    json_inside(entry, escape).or_else(|| entry.nested().map(|_| escape(&entry.text)))
}

fn json_inside(entry: &Entry, escape: fn(&str) -> String) -> Option<String> {
    on_text(entry, |text| {
        let quoted = json_string(text);
        escape(&quoted[1..quoted.len() - 1])
    })
}

/// The text as it is inside the JSON string of a library.
fn json_style(entry: &Entry, style: &printing::Style) -> Option<String> {
    let quoted = entry.string().map(|_| print(&entry.tree, style))?;
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}

fn both_escapes(text: &str) -> String {
    enc::escape_slash(&enc::escape_unicode(text))
}

pub(super) static RULES: [ValueRule; 37] = [
    member("urlencode", |e| on_text_or_nested(e, enc::form_php)),
    member("urlencode-raw", |e| on_text_or_nested(e, enc::percent)),
    member("urlencode-js", |e| on_text_or_nested(e, enc::js_component)),
    member("urlencode-java", |e| on_text_or_nested(e, enc::form_java)),
    member("urlencode-go", |e| on_text_or_nested(e, enc::form_go)),
    member("urlencode-slash", |e| on_text_or_nested(e, enc::percent_keep_slash)),
    member("urlencode-uri", |e| on_text_or_nested(e, enc::js_uri)),
    member("urlencode-lower", |e| on_text_or_nested(e, |t| enc::lower_hex(&enc::form_php(t)))),
    member("urlencode-raw-lower", |e| on_text_or_nested(e, |t| enc::lower_hex(&enc::percent(t)))),
    member("urlencode-dotnet", |e| on_text_or_nested(e, enc::form_dotnet)),
    member("urlencode-java-20", |e| on_text_or_nested(e, enc::java_spaces)),
    member("urlencode-gbk", |e| on_text_or_nested(e, enc::form_gbk)),
    member("urlencode-escape", |e| on_text_or_nested(e, enc::js_escape)),
    member("double-urlencode", |e| on_text_or_nested(e, |t| enc::form_php(&enc::form_php(t)))),
    member("double-urlencode-go", |e| on_text_or_nested(e, |t| enc::form_go(&enc::form_go(t)))),
    member("urldecode", |e| on_text(e, enc::form_decoded)),
    member("urldecode-percent", |e| on_text(e, enc::percent_decoded)),
    member("plus-to-space", |e| on_text(e, |t| t.replace('+', " "))),
    member("json-escaped", |e| json_text(e, both_escapes)),
    member("unicode-escaped", |e| json_text(e, enc::escape_unicode)),
    member("unicode-escaped-upper", |e| json_inside(e, enc::escape_unicode_upper)),
    member("text-dotnet-json", |e| json_style(e, &printing::SYSTEM_TEXT_JSON)),
    member("text-gson", |e| json_style(e, &printing::GSON_JSON)),
    member("text-html-json", |e| json_style(e, &printing::HTML_JSON)),
    member("slash-escaped", |e| json_text(e, enc::escape_slash)),
    member("strings-escaped", |e| json_inside(e, both_escapes)),
    member("json-quoted", |e| on_text(e, json_string)),
    member("json-quoted-escaped", |e| matches_text(e).then(|| print(&e.tree, &printing::ESCAPED))),
    member("json-quoted-ascii", |e| {
        matches_text(e).then(|| print(&e.tree, &printing::SPACED_ASCII))
    }),
    member("string-repr", |e| on_text(e, python_repr)),
    member("html-escaped", |e| on_text(e, enc::html_escaped)),
    // Before PHP 8.1 the apostrophe stays.
    member("html-escaped-compat", |e| on_text(e, |t| enc::html(t, "&quot;", "'"))),
    member("html-escaped-python", |e| on_text(e, |t| enc::html(t, "&quot;", "&#x27;"))),
    // Go alone writes the double quote as a number, and so gives itself away.
    member("html-escaped-numeric", |e| on_text(e, |t| enc::html(t, "&#34;", "&#39;"))),
    member("html-entities-named", |e| on_text(e, enc::html_named)),
    member("html-unescaped", |e| on_text(e, enc::html_unescaped)),
    member("slashes-added", |e| on_text(e, enc::slashes_added)),
];

fn matches_text(entry: &Entry) -> bool {
    entry.string().is_some() || entry.nested().is_some()
}
