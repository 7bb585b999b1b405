//! URL encoding and decoding, HTML entities, JSON escapes.

use super::super::encodings as enc;
use super::super::printing::{self, print, python_repr};
use super::Writing::Member;
use super::{RAW, ValueRule, on_text, on_text_or_nested, rule};
use crate::diagnosis::entry::Entry;
use crate::edit::json_string;

const UNENCODED: &str = "sign the raw values; encode only what travels in a URL";
const AS_PARSED: &str = "use the values of the parsed JSON as they are";
const UNESCAPED: &str = "escape only what goes to a page; sign the values unchanged";
const DECODED: &str =
    "sign the decoded text: ensure_ascii=False, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES";

type Write = fn(&Entry) -> Option<String>;

const fn encoded(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, RAW, cause, UNENCODED, Member(write))
}

const fn decoded(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, RAW, cause, AS_PARSED, Member(write))
}

const fn page(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, RAW, cause, UNESCAPED, Member(write))
}

const fn escaped(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, RAW, cause, DECODED, Member(write))
}

fn json_text(entry: &Entry, escape: fn(&str) -> String) -> Option<String> {
    json_inside(entry, escape).or_else(|| entry.nested().map(|_| escape(&entry.text)))
}

fn json_inside(entry: &Entry, escape: fn(&str) -> String) -> Option<String> {
    on_text(entry, |text| {
        let quoted = json_string(text);
        escape(&quoted[1..quoted.len() - 1])
    })
}

fn both_escapes(text: &str) -> String {
    enc::escape_slash(&enc::escape_unicode(text))
}

pub(super) static RULES: [ValueRule; 32] = [
    encoded(
        "urlencode",
        "URL-encodes the values (form style: a space becomes +)",
        "PHP urlencode() or http_build_query(), Python urlencode(), Java URLEncoder, URLSearchParams",
        |e| on_text_or_nested(e, enc::form_php),
    ),
    encoded(
        "urlencode-raw",
        "URL-encodes the values (percent style: a space becomes %20)",
        "PHP rawurlencode(), Python quote(safe='')",
        |e| on_text_or_nested(e, enc::percent),
    ),
    encoded(
        "urlencode-js",
        "URL-encodes the values with encodeURIComponent (!*'() stay)",
        "JavaScript encodeURIComponent()",
        |e| on_text_or_nested(e, enc::js_component),
    ),
    encoded(
        "urlencode-java",
        "URL-encodes the values in form style (* stays, ~ is encoded)",
        "Java URLEncoder.encode(), JavaScript URLSearchParams",
        |e| on_text_or_nested(e, enc::form_java),
    ),
    encoded(
        "urlencode-go",
        "URL-encodes the values in form style (~ stays, * is encoded)",
        "Go url.QueryEscape() or url.Values.Encode(), Python urlencode() or quote_plus()",
        |e| on_text_or_nested(e, enc::form_go),
    ),
    encoded(
        "urlencode-slash",
        "URL-encodes the values but keeps the slash",
        "Python quote() with its default safe='/'",
        |e| on_text_or_nested(e, enc::percent_keep_slash),
    ),
    encoded(
        "urlencode-uri",
        "URL-encodes the values but keeps reserved characters such as / ? & =",
        "JavaScript encodeURI()",
        |e| on_text_or_nested(e, enc::js_uri),
    ),
    encoded(
        "urlencode-lower",
        "URL-encodes the values with lower-case hex (form style)",
        ".NET HttpUtility.UrlEncode(), hand-made encoders with %02x",
        |e| on_text_or_nested(e, |t| enc::lower_hex(&enc::form_php(t))),
    ),
    encoded(
        "urlencode-raw-lower",
        "URL-encodes the values with lower-case hex (percent style)",
        "hand-made encoders with %02x, C and C++ helpers",
        |e| on_text_or_nested(e, |t| enc::lower_hex(&enc::percent(t))),
    ),
    encoded(
        "urlencode-dotnet",
        "URL-encodes the values as HttpUtility does (!*() stay, lower-case hex)",
        ".NET HttpUtility.UrlEncode()",
        |e| on_text_or_nested(e, enc::form_dotnet),
    ),
    encoded(
        "urlencode-java-20",
        "URL-encodes the values with Java's encoder and writes %20 for a space (* stays)",
        "Java URLEncoder.encode(v).replace(\"+\", \"%20\")",
        |e| on_text_or_nested(e, enc::java_spaces),
    ),
    encoded(
        "urlencode-gbk",
        "URL-encodes the values in GBK instead of UTF-8",
        "Java URLEncoder.encode(v, \"GBK\"), a platform default charset",
        |e| on_text_or_nested(e, enc::form_gbk),
    ),
    encoded(
        "urlencode-escape",
        "encodes the values with the old escape() (%uXXXX)",
        "JavaScript escape()",
        |e| on_text_or_nested(e, enc::js_escape),
    ),
    encoded(
        "double-urlencode",
        "URL-encodes the values twice",
        "http_build_query() over values that were encoded already",
        |e| on_text_or_nested(e, |t| enc::form_php(&enc::form_php(t))),
    ),
    encoded(
        "double-urlencode-go",
        "URL-encodes the values twice (~ stays)",
        "Go or Python encoders over values that were encoded already",
        |e| on_text_or_nested(e, |t| enc::form_go(&enc::form_go(t))),
    ),
    decoded(
        "urldecode",
        "URL-decodes the values once too often (+ becomes a space, %41 an A)",
        "urldecode() over values of a JSON body, or a framework that decodes twice",
        |e| on_text(e, enc::form_decoded),
    ),
    decoded(
        "urldecode-percent",
        "percent-decodes the values once too often (+ stays)",
        "rawurldecode(), decodeURIComponent(), unquote() over values of a JSON body",
        |e| on_text(e, enc::percent_decoded),
    ),
    decoded(
        "plus-to-space",
        "turns + into a space",
        "a form decoder between the body and the signature",
        |e| on_text(e, |t| t.replace('+', " ")),
    ),
    escaped(
        "json-escaped",
        "signs JSON escapes instead of the text (\\uXXXX and \\/)",
        "PHP json_encode() without flags, values cut out of the raw body",
        |e| json_text(e, both_escapes),
    ),
    escaped(
        "unicode-escaped",
        "signs \\uXXXX instead of the characters",
        "Python json.dumps() with ensure_ascii, PHP json_encode() without JSON_UNESCAPED_UNICODE",
        |e| json_text(e, enc::escape_unicode),
    ),
    escaped(
        "slash-escaped",
        "signs \\/ instead of /",
        "PHP json_encode() without JSON_UNESCAPED_SLASHES",
        |e| json_text(e, enc::escape_slash),
    ),
    escaped(
        "strings-escaped",
        "signs JSON escapes in strings (\\uXXXX and \\/), not in arrays and objects",
        "PHP substr(json_encode($v), 1, -1), strings cut out of the raw body",
        |e| json_inside(e, both_escapes),
    ),
    rule(
        "json-quoted",
        "signs strings with their quotation marks",
        "a string is signed as its text, without quotation marks",
        "JSON.stringify() or json_encode() over each value, Jackson JsonNode.toString()",
        "use the text: asText(), getAsString(), String(v)",
        Member(|e| on_text(e, json_string)),
    ),
    rule(
        "json-quoted-escaped",
        "signs strings with their quotation marks and JSON escapes",
        "a string is signed as its text, without quotation marks",
        "PHP json_encode() over each value, without flags",
        "sign a string as it is, and json_encode() only arrays and objects",
        Member(|e| matches_text(e).then(|| print(&e.tree, &printing::ESCAPED))),
    ),
    rule(
        "json-quoted-ascii",
        "signs strings with their quotation marks and \\uXXXX",
        "a string is signed as its text, without quotation marks",
        "Python json.dumps() over each value",
        "sign a string as it is, and json.dumps() only lists and dicts",
        Member(|e| matches_text(e).then(|| print(&e.tree, &printing::SPACED_ASCII))),
    ),
    rule(
        "string-repr",
        "signs strings in single quotes",
        "a string is signed as its text, without quotation marks",
        "Python repr(), %r or {v!r}; a printed dict",
        "use str(v) or an f-string without !r",
        Member(|e| on_text(e, python_repr)),
    ),
    page(
        "html-escaped",
        "signs HTML entities instead of the characters (&amp; &lt; &quot; &#039;)",
        "PHP htmlspecialchars(), an input filter of the framework",
        |e| on_text(e, enc::html_escaped),
    ),
    page(
        "html-escaped-compat",
        "signs HTML entities instead of the characters (&amp; &lt; &quot;; the apostrophe stays)",
        "PHP htmlspecialchars() before 8.1, an input filter of the framework",
        |e| on_text(e, enc::html_escaped_compat),
    ),
    page(
        "html-escaped-python",
        "signs HTML entities instead of the characters (&amp; &lt; &quot; &#x27;)",
        "Python html.escape()",
        |e| on_text(e, enc::html_escaped_python),
    ),
    page(
        "html-escaped-numeric",
        "signs HTML entities instead of the characters (&amp; &lt; &#39;)",
        "Go html.EscapeString(), lodash escape(), Spring HtmlUtils",
        |e| on_text(e, html_numeric),
    ),
    page(
        "html-unescaped",
        "resolves HTML entities in the values",
        "html_entity_decode(), htmlspecialchars_decode() or html.unescape() over the values",
        |e| on_text(e, enc::html_unescaped),
    ),
    rule(
        "slashes-added",
        "puts a backslash before quotes and backslashes",
        RAW,
        "PHP addslashes() or an input filter against SQL injection",
        "sign the values unchanged; use bound parameters for SQL",
        Member(|e| on_text(e, enc::slashes_added)),
    ),
];

fn matches_text(entry: &Entry) -> bool {
    entry.string().is_some() || entry.nested().is_some()
}

fn html_numeric(text: &str) -> String {
    // Go alone writes the double quote as a number, and so gives itself away.
    if text.contains('"') { enc::html_escaped_go(text) } else { enc::html_escaped_short(text) }
}
