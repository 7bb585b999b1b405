//! Changes of the finished string: charsets, Unicode forms, letter case, encoding.

use unicode_normalization::UnicodeNormalization;

use super::super::encodings;
use super::Writing::{Whole, WithKey};
use super::{Change, RAW, ValueRule, Writing, rule};

const UTF8: &str =
    "hash the UTF-8 bytes: getBytes(StandardCharsets.UTF_8), Encoding.UTF8, update(s, 'utf8')";
const RECEIVED: &str = "sign the text as received, not normalized";
const CASE: &str = "change the case of the digest only, never of what is hashed";
const PLAIN: &str = "hash the string itself";

const fn changed(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    fix: &'static str,
    writing: Writing,
) -> ValueRule {
    rule(code, does, RAW, cause, fix, writing)
}

fn form(text: &str) -> Option<Vec<u8>> {
    Some(encodings::form_php(text).into_bytes())
}

fn percent(text: &str) -> Option<Vec<u8>> {
    Some(encodings::percent(text).into_bytes())
}

fn lower(text: &str) -> Option<Vec<u8>> {
    Some(text.to_lowercase().into_bytes())
}

fn upper(text: &str) -> Option<Vec<u8>> {
    Some(text.to_uppercase().into_bytes())
}

const ASCII_LOWER: Change = |text| Some(text.to_ascii_lowercase().into_bytes());
const ASCII_UPPER: Change = |text| Some(text.to_ascii_uppercase().into_bytes());

fn collected(characters: impl Iterator<Item = char>) -> Option<Vec<u8>> {
    Some(characters.collect::<String>().into_bytes())
}

pub(super) static RULES: [ValueRule; 32] = [
    changed(
        "html-separators",
        "writes &amp; between the pairs",
        "http_build_query() with arg_separator.output=&amp;, htmlspecialchars() over the string",
        "join with a plain &",
        Whole(|s| Some(s.replace('&', "&amp;").into_bytes())),
    ),
    changed(
        "html-entities-in-string",
        "signs a string in which &not, &times, &copy … became characters",
        "the string was copied from a web page, which reads &notify_url as ¬ify_url",
        "build the string in code; copy it from a terminal, not from a page",
        Whole(|s| Some(encodings::html_names_resolved(s).into_bytes())),
    ),
    changed(
        "gbk",
        "signs the text in GBK instead of UTF-8",
        "getBytes() or a source file with a Chinese default charset, mb_convert_encoding(), iconv()",
        UTF8,
        Whole(encodings::gbk),
    ),
    changed(
        "latin-1",
        "signs the text in Latin-1; other characters become ?",
        "getBytes(\"ISO-8859-1\"), PHP utf8_decode(), a servlet container's default charset",
        UTF8,
        Whole(encodings::latin1),
    ),
    changed(
        "latin-1-low-byte",
        "signs the low byte of each UTF-16 unit",
        "Node update(s, 'latin1') or 'binary', browser MD5 scripts without UTF-8 encoding",
        UTF8,
        Whole(encodings::low_bytes),
    ),
    changed(
        "question-marks",
        "signs ? for each character beyond ASCII",
        "getBytes(\"US-ASCII\"), Encoding.ASCII, encode('ascii', 'replace')",
        UTF8,
        Whole(|s| collected(s.chars().map(|c| if c.is_ascii() { c } else { '?' }))),
    ),
    changed(
        "double-utf8",
        "encodes UTF-8 twice",
        "UTF-8 bytes read as Latin-1 and written as UTF-8 again, PHP utf8_encode()",
        "decode the body as UTF-8 once",
        Whole(|s| collected(s.bytes().map(char::from))),
    ),
    changed(
        "double-utf8-1252",
        "encodes UTF-8 twice, by way of Windows-1252",
        "new String(bytes) on Windows, a response read with the system's code page",
        "decode the body as UTF-8 once",
        Whole(encodings::read_as_1252),
    ),
    changed(
        "utf-16",
        "signs the string in UTF-16, and the key in UTF-8",
        "C# Encoding.Unicode, Buffer.from(s, 'utf16le')",
        UTF8,
        Whole(encodings::utf16_le),
    ),
    changed(
        "utf-16-text",
        "signs the string and the key in UTF-16",
        "C# Encoding.Unicode.GetBytes(), Python encode('utf-16-le'), SQL Server HASHBYTES over NVARCHAR",
        UTF8,
        WithKey(encodings::utf16_le),
    ),
    changed(
        "utf-16-bom-text",
        "signs the string and the key in UTF-16 with a byte order mark",
        "Java getBytes(\"UTF-16\") or StandardCharsets.UTF_16",
        UTF8,
        WithKey(encodings::utf16_be),
    ),
    changed(
        "nfc",
        "normalizes the text to NFC",
        "a database or a file system that normalizes, normalize('NFC')",
        RECEIVED,
        Whole(|s| collected(s.nfc())),
    ),
    changed(
        "nfd",
        "normalizes the text to NFD",
        "macOS file names, normalize('NFD')",
        RECEIVED,
        Whole(|s| collected(s.nfd())),
    ),
    changed(
        "nfkc",
        "normalizes the text to NFKC (full-width characters become plain ones)",
        "unicodedata.normalize('NFKC'), an input method's or a search index's folding",
        RECEIVED,
        Whole(|s| collected(s.nfkc())),
    ),
    changed(
        "nfkd",
        "normalizes the text to NFKD",
        "unicodedata.normalize('NFKD'), a transliterator",
        RECEIVED,
        Whole(|s| collected(s.nfkd())),
    ),
    changed(
        "lower-case-string",
        "signs the string in lower case",
        "strtolower() over the string",
        CASE,
        Whole(lower),
    ),
    changed(
        "upper-case-string",
        "signs the string in upper case",
        "strtoupper() over the string",
        CASE,
        Whole(upper),
    ),
    changed(
        "lower-case-text",
        "signs the string and the key in lower case",
        "strtolower() over what is hashed instead of over the digest",
        CASE,
        WithKey(lower),
    ),
    changed(
        "upper-case-text",
        "signs the string and the key in upper case",
        "strtoupper() over what is hashed instead of over the digest",
        CASE,
        WithKey(upper),
    ),
    changed(
        "lower-case-ascii",
        "signs the string and the key in lower case, ASCII letters only",
        "PHP strtolower() over what is hashed",
        CASE,
        WithKey(ASCII_LOWER),
    ),
    changed(
        "upper-case-ascii",
        "signs the string and the key in upper case, ASCII letters only",
        "PHP strtoupper() over what is hashed",
        CASE,
        WithKey(ASCII_UPPER),
    ),
    changed(
        "string-urlencoded",
        "URL-encodes the whole string",
        "urlencode() over the finished string, = and & included",
        PLAIN,
        Whole(form),
    ),
    changed(
        "string-urlencoded-raw",
        "URL-encodes the whole string (percent style)",
        "rawurlencode(), quote() or encodeURIComponent() over the finished string",
        PLAIN,
        Whole(percent),
    ),
    changed(
        "string-urlencoded-go",
        "URL-encodes the whole string (form style, ~ stays)",
        "Python quote_plus() or Go url.QueryEscape() over the finished string",
        PLAIN,
        Whole(|s| Some(encodings::form_go(s).into_bytes())),
    ),
    changed(
        "string-urlencoded-js",
        "URL-encodes the whole string with encodeURIComponent",
        "JavaScript encodeURIComponent() over the finished string",
        PLAIN,
        Whole(|s| Some(encodings::js_component(s).into_bytes())),
    ),
    changed(
        "string-encodeuri",
        "URL-encodes the whole string, = and & excepted",
        "JavaScript encodeURI() over the finished string",
        PLAIN,
        Whole(|s| Some(encodings::js_uri(s).into_bytes())),
    ),
    changed(
        "text-urlencoded",
        "URL-encodes the string together with the key",
        "urlencode() over what is hashed",
        PLAIN,
        WithKey(form),
    ),
    changed(
        "text-urlencoded-raw",
        "URL-encodes the string together with the key (percent style)",
        "rawurlencode(), quote() or encodeURIComponent() over what is hashed",
        PLAIN,
        WithKey(percent),
    ),
    changed(
        "text-urlencoded-go",
        "URL-encodes the string together with the key (form style, ~ stays)",
        "Python quote_plus() or Go url.QueryEscape() over what is hashed",
        PLAIN,
        WithKey(|s| Some(encodings::form_go(s).into_bytes())),
    ),
    changed(
        "text-urlencoded-js",
        "URL-encodes the string together with the key, with encodeURIComponent",
        "JavaScript encodeURIComponent() over what is hashed",
        PLAIN,
        WithKey(|s| Some(encodings::js_component(s).into_bytes())),
    ),
    changed(
        "string-urldecoded",
        "URL-decodes the whole string",
        "urldecode(http_build_query(…)), unquote_plus(): it decodes values that held + or %",
        "join the raw values by hand",
        Whole(|s| Some(encodings::form_decoded(s).into_bytes())),
    ),
    changed(
        "text-urldecoded",
        "URL-decodes the string together with the key",
        "urldecode(http_build_query(…) . '&' . $key) with a key that holds + or %",
        "join the raw values by hand, and leave the key as it is",
        WithKey(|s| Some(encodings::form_decoded(s).into_bytes())),
    ),
];
