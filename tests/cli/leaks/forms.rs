//! A key in each encoding that the program itself writes or reads, and the search for it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Of a long key, so many characters at either end already show too much.
const SHOWN_AT_MOST: usize = 8;

fn percent(text: &str, is_plain: fn(u8) -> bool) -> String {
    let escape = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The key as a part of a path or of a query.
pub(super) fn in_url(text: &str) -> String {
    percent(text, |byte| byte.is_ascii_alphanumeric())
}

/// Each character that `is_plain` does not keep, written by `escape`.
fn escaped(text: &str, is_plain: fn(char) -> bool, escape: impl Fn(char) -> String) -> String {
    let one = |it: char| if is_plain(it) { it.to_string() } else { escape(it) };
    text.chars().map(one).collect()
}

fn units(character: char, upper: bool) -> String {
    let digits =
        |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
    character.encode_utf16(&mut [0; 2]).iter().map(digits).collect()
}

fn named(character: char) -> String {
    match character {
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&apos;".to_owned(),
        other => other.to_string(),
    }
}

/// The key as other programs write it.
pub(super) fn forms(key: &str) -> Vec<String> {
    let quoted = Value::from(key).to_string();
    let json = quoted[1..quoted.len() - 1].to_owned();
    let plain = |it: char| it.is_ascii_alphanumeric() || it == ' ';
    let mut found = vec![
        key.to_owned(),
        json.replace('/', "\\/"),
        escaped(&json, |it| it.is_ascii(), |it| units(it, false)),
        escaped(&json, |it| it.is_ascii(), |it| units(it, true)),
        escaped(key, |_| false, |it| units(it, false)),
        escaped(key, |_| false, |it| units(it, true)),
        json,
        in_url(key),
        in_url(key).to_lowercase(),
        in_url(key).replace("%20", "+"),
        percent(key, |byte| byte.is_ascii_alphanumeric() || b"&+/'".contains(&byte)),
        percent(key, |_| false),
        percent(key, |_| false).to_lowercase(),
        in_url(&in_url(key)),
        escaped(key, |_| false, named),
        escaped(key, plain, |it| format!("&#{};", u32::from(it))),
        escaped(key, plain, |it| format!("&#x{:x};", u32::from(it))),
        escaped(key, |_| false, |it| format!("&#{};", u32::from(it))),
        escaped(key, |_| false, |it| format!("&#X{:X};", u32::from(it))),
        STANDARD.encode(key),
        STANDARD_NO_PAD.encode(key),
        URL_SAFE.encode(key),
        URL_SAFE_NO_PAD.encode(key),
        STANDARD.encode(format!("u:{key}")),
        hex::encode(key),
    ];
    found.sort();
    found.dedup();
    found
}

/// How often the plain key is in the text, in upper or lower case.
pub(super) fn count(key: &str, text: &str) -> usize {
    text.to_lowercase().matches(&key.to_lowercase()).count()
}

/// The first form of the key in the text, with what is before it.
pub(super) fn find(key: &str, text: &str, is_word: bool) -> Option<String> {
    let lower = text.to_lowercase();
    let letters: Vec<char> = key.chars().collect();
    let mut sought: Vec<String> = forms(key).iter().map(|form| form.to_lowercase()).collect();
    if is_word {
        // The program's own texts have the word too: the caller counts it.
        sought.retain(|form| *form != key.to_lowercase());
    } else if letters.len() > SHOWN_AT_MOST {
        let ends = [&letters[..SHOWN_AT_MOST], &letters[letters.len() - SHOWN_AT_MOST..]];
        sought.extend(ends.map(|end| end.iter().collect::<String>().to_lowercase()));
    }
    for form in sought {
        if let Some(at) = lower.find(&form) {
            return Some(format!("{form:?} in {:?}", near(&lower, at)));
        }
    }
    in_base64(key, text).map(|at| format!("base64 in {:?}", near(text, at)))
}

fn near(text: &str, at: usize) -> &str {
    let start = (0..=at.saturating_sub(200)).rev().find(|at| text.is_char_boundary(*at));
    let end = (at + 60..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[start.unwrap_or(0)..end]
}

/// Where the text has digits of base64 that stand for the key, alone or beside other bytes.
fn in_base64(key: &str, text: &str) -> Option<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| is_digit(byte)).count();
        let run: String = bytes[at..at + length]
            .iter()
            .map(|byte| match byte {
                b'-' => '+',
                b'_' => '/',
                other => char::from(*other),
            })
            .collect();
        for skipped in 0..4.min(length) {
            let digits = &run[skipped..];
            let digits = &digits[..digits.len() - usize::from(digits.len() % 4 == 1)];
            let decoder = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_allow_trailing_bits(true)
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
            );
            let decoded = decoder.decode(digits).unwrap_or_default();
            if decoded.windows(key.len()).any(|part| part == key.as_bytes()) {
                return Some(at);
            }
        }
        at += length.max(1);
    }
    None
}
