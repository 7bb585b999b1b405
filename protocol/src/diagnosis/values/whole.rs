//! Changes of the finished string: charsets, Unicode forms, letter case, encoding.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use unicode_normalization::UnicodeNormalization;

use super::super::{encodings, translit};
use super::{Change, ValueRule, Writing, member, on_text, rule};

const fn whole(code: &'static str, change: Change) -> ValueRule {
    rule(code, Writing::Whole(change))
}

const fn with_key(code: &'static str, change: Change) -> ValueRule {
    rule(code, Writing::WithKey(change))
}

fn form(text: &str) -> Vec<u8> {
    encodings::form_php(text).into_bytes()
}

fn percent(text: &str) -> Vec<u8> {
    encodings::percent(text).into_bytes()
}

fn lower(text: &str) -> Vec<u8> {
    text.to_lowercase().into_bytes()
}

fn upper(text: &str) -> Vec<u8> {
    text.to_uppercase().into_bytes()
}

fn collected(characters: impl Iterator<Item = char>) -> Vec<u8> {
    characters.collect::<String>().into_bytes()
}

/// One `?` for each UTF-16 unit of a character beyond ASCII.
fn question_marks(text: &str) -> impl Iterator<Item = char> {
    text.encode_utf16()
        .map(|unit| u8::try_from(unit).ok().filter(u8::is_ascii).map_or('?', char::from))
}

pub(super) static RULES: [ValueRule; 69] = [
    whole("html-separators", |s| s.replace('&', "&amp;").into_bytes()),
    whole("html-entities-in-string", |s| encodings::html_names_resolved(s).into_bytes()),
    whole("gbk", encodings::gbk),
    whole("latin-1", encodings::latin1),
    whole("latin-1-low-byte", encodings::low_bytes),
    whole("question-marks", |s| collected(s.chars().map(|c| if c.is_ascii() { c } else { '?' }))),
    whole("big5", |s| encodings::charset(s, encoding_rs::BIG5)),
    whole("shift-jis", |s| encodings::charset(s, encoding_rs::SHIFT_JIS)),
    whole("euc-kr", |s| encodings::charset(s, encoding_rs::EUC_KR)),
    whole("euc-jp", |s| encodings::charset(s, encoding_rs::EUC_JP)),
    whole("iso-2022-jp", |s| encodings::charset(s, encoding_rs::ISO_2022_JP)),
    whole("gb18030", |s| encodings::charset(s, encoding_rs::GB18030)),
    whole("windows-1252", |s| encodings::charset(s, encoding_rs::WINDOWS_1252)),
    whole("windows-1250", |s| encodings::charset(s, encoding_rs::WINDOWS_1250)),
    whole("windows-1251", |s| encodings::charset(s, encoding_rs::WINDOWS_1251)),
    whole("windows-1253", |s| encodings::charset(s, encoding_rs::WINDOWS_1253)),
    whole("windows-1254", |s| encodings::charset(s, encoding_rs::WINDOWS_1254)),
    whole("windows-1255", |s| encodings::charset(s, encoding_rs::WINDOWS_1255)),
    whole("windows-1256", |s| encodings::charset(s, encoding_rs::WINDOWS_1256)),
    whole("windows-1257", |s| encodings::charset(s, encoding_rs::WINDOWS_1257)),
    whole("windows-1258", |s| encodings::charset(s, encoding_rs::WINDOWS_1258)),
    whole("windows-874", |s| encodings::charset(s, encoding_rs::WINDOWS_874)),
    whole("koi8-r", |s| encodings::charset(s, encoding_rs::KOI8_R)),
    whole("macintosh", |s| encodings::charset(s, encoding_rs::MACINTOSH)),
    whole("ibm866", |s| encodings::charset(s, encoding_rs::IBM866)),
    whole("cp437", |s| encodings::code_page(s, encodings::CP437)),
    whole("cp850", |s| encodings::code_page(s, encodings::CP850)),
    whole("iso-8859-2", |s| encodings::charset(s, encoding_rs::ISO_8859_2)),
    whole("iso-8859-5", |s| encodings::charset(s, encoding_rs::ISO_8859_5)),
    whole("iso-8859-15", |s| encodings::charset(s, encoding_rs::ISO_8859_15)),
    whole("question-marks-utf16", |s| collected(question_marks(s))),
    whole("ascii-only", |s| collected(s.chars().filter(char::is_ascii))),
    whole("translit", translit::glibc),
    whole("translit-c", translit::glibc_c),
    whole("translit-libiconv", translit::libiconv),
    whole("accents-removed", translit::without_marks),
    whole("accents-ascii", translit::nfkd_ascii),
    whole("umlauts", translit::german),
    whole("translit-musl", translit::stars),
    whole("double-utf8", |s| collected(s.bytes().map(char::from))),
    whole("double-utf8-1252", encodings::read_as_1252),
    whole("utf-16", encodings::utf16_le),
    with_key("utf-16-text", encodings::utf16_le),
    with_key("utf-16-bom-text", encodings::utf16_be),
    whole("string-base64", |s| STANDARD.encode(s).into_bytes()),
    whole("nfc", |s| collected(s.nfc())),
    whole("nfd", |s| collected(s.nfd())),
    whole("nfkc", |s| collected(s.nfkc())),
    whole("nfkd", |s| collected(s.nfkd())),
    whole("lower-case-string", lower),
    whole("upper-case-string", upper),
    with_key("lower-case-text", lower),
    with_key("upper-case-text", upper),
    with_key("lower-case-ascii", |s| s.to_ascii_lowercase().into_bytes()),
    with_key("upper-case-ascii", |s| s.to_ascii_uppercase().into_bytes()),
    whole("string-urlencoded", form),
    whole("string-urlencoded-raw", percent),
    whole("string-urlencoded-go", |s| encodings::form_go(s).into_bytes()),
    whole("string-urlencoded-js", |s| encodings::js_component(s).into_bytes()),
    whole("string-encodeuri", |s| encodings::js_uri(s).into_bytes()),
    with_key("text-urlencoded", form),
    with_key("text-urlencoded-raw", percent),
    with_key("text-urlencoded-go", |s| encodings::form_go(s).into_bytes()),
    with_key("text-urlencoded-js", |s| encodings::js_component(s).into_bytes()),
    whole("string-urldecoded", |s| encodings::form_decoded(s).into_bytes()),
    with_key("text-urldecoded", |s| encodings::form_decoded(s).into_bytes()),
    // One value alone: reported after the whole string, which gives the same more often.
    member("text-lower", |e| on_text(e, str::to_lowercase)),
    member("text-upper", |e| on_text(e, str::to_uppercase)),
    member("spaces-plain", |e| on_text(e, |t| t.replace(['\u{a0}', '\u{3000}'], " "))),
];
