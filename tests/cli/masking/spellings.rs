//! A key as programs of many kinds write it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(super) fn percent(text: &str, is_plain: fn(u8) -> bool) -> String {
    let escape = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

pub(super) fn in_url(text: &str) -> String {
    percent(text, |byte| byte.is_ascii_alphanumeric())
}

pub(super) fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

pub(super) fn in_ascii_json(text: &str, digits: fn(u16) -> String) -> String {
    let escape = |character: char| match character {
        '"' | '\\' | '/' => format!("\\{character}"),
        plain if plain.is_ascii() => plain.to_string(),
        other => other.encode_utf16(&mut [0; 2]).iter().map(|unit| digits(*unit)).collect(),
    };
    text.chars().map(escape).collect()
}

/// The key as other programs write it.
pub(super) fn spellings(key: &str) -> Vec<String> {
    let html = key.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;");
    let mut found = vec![
        key.to_owned(),
        in_json(key),
        in_ascii_json(key, |unit| format!("\\u{unit:04x}")),
        in_ascii_json(key, |unit| format!("\\u{unit:04X}")),
        key.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
        in_url(key),
        in_url(key).to_lowercase(),
        in_url(key).replace("%20", "+"),
        percent(key, |byte| byte.is_ascii_alphanumeric() || b"&+/'".contains(&byte)),
        percent(key, |_| false),
        html,
        STANDARD.encode(key),
        hex::encode(key),
    ];
    found.sort();
    found.dedup();
    found
}
