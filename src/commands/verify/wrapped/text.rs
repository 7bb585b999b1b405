//! Text that a log, a chat or a charset has changed, as it was.

use protocol::internal::diagnosis::from_gbk;
use protocol::internal::form::{percent_decode, percent_encode};

/// Without the escapes that logs put before quotation marks: `\x22` of nginx, `\"` of others.
pub fn unescaped(text: &str) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("\\x22") || lower.contains("\\x5c") {
        return Some(without_hex_escapes(text.as_bytes()));
    }
    text.contains("{\\\"").then(|| {
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let escaped = bytes.next_if(|next| byte == b'\\' && b"\"\\/".contains(next));
            out.push(escaped.unwrap_or(byte));
        }
        out
    })
}

fn without_hex_escapes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let digits = after.strip_prefix(b"x").and_then(|after| after.get(..2));
        let digits = digits.filter(|_| *first == b'\\').and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => (out.push(byte), rest = &after[3..]).0,
            None => (out.push(*first), rest = after).0,
        }
    }
    out
}

/// JSON with straight quotation marks, where a word processor or a chat wrote curly ones, or other
/// spaces between its parts.
pub fn with_straight_quotes(text: &str) -> Option<String> {
    const QUOTES: [char; 6] = ['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ab}', '\u{bb}'];
    const SPACES: [char; 4] = ['\u{a0}', '\u{202f}', '\u{200b}', '\u{feff}'];
    if !text.contains(QUOTES) && !text.contains(SPACES) {
        return None;
    }
    let mut straight = String::with_capacity(text.len());
    let (mut is_inside, mut is_escaped) = (false, false);
    for letter in text.chars() {
        let letter = if QUOTES.contains(&letter) { '"' } else { letter };
        if letter == '"' && !is_escaped {
            is_inside = !is_inside;
        }
        is_escaped = letter == '\\' && !is_escaped;
        match SPACES.contains(&letter) && !is_inside {
            true => straight.push(' '),
            false => straight.push(letter),
        }
    }
    Some(straight)
}

/// The pairs of a form in UTF-8, where their percent escapes are GBK.
pub fn gbk_pairs(text: &str) -> Option<String> {
    let (start, pairs) = match text.split_once('?') {
        Some((start, query)) => (format!("{start}?"), query),
        None => (String::new(), text),
    };
    let mut is_gbk = false;
    let mut part = |text: &str| {
        let bytes = percent_decode(text)?;
        if std::str::from_utf8(&bytes).is_ok() {
            return Some(text.to_owned());
        }
        is_gbk = true;
        Some(percent_encode(from_gbk(&bytes)?.as_bytes(), b"-_.~", "+"))
    };
    let mut read = Vec::new();
    for pair in pairs.split('&') {
        read.push(match pair.split_once('=') {
            Some((name, value)) => format!("{}={}", part(name)?, part(value)?),
            None => part(pair)?,
        });
    }
    is_gbk.then(|| start + &read.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escapes_of_logs_are_taken_back() {
        for (text, read) in [
            (r#"{\x22a\x22:\x22\xE7\x8E\x8B\x5C\x22\x22}"#, r#"{"a":"王\""}"#),
            (r#"{\"a\":\"x\\\"y\/\"}"#, r#"{"a":"x\"y/"}"#),
            (r#"\x22\xg\x2"#, r#""\xg\x2"#),
        ] {
            let found = unescaped(text).map(|found| String::from_utf8(found).unwrap());
            assert_eq!(found.as_deref(), Some(read));
        }
        assert_eq!(unescaped(r#"{"a":"\u00e9"}"#), None);
    }

    #[test]
    fn quotation_marks_are_straight_and_spaces_inside_stay() {
        for (text, read) in [
            ("{“a”:\u{a0}“x\u{a0}y”}", "{\"a\": \"x\u{a0}y\"}"),
            ("{„a“: «b»}", "{\"a\": \"b\"}"),
            ("\u{feff}{\"a\":1}", " {\"a\":1}"),
        ] {
            assert_eq!(with_straight_quotes(text).as_deref(), Some(read));
        }
        assert_eq!(with_straight_quotes("{\"a\":1}"), None);
    }

    #[test]
    fn pairs_in_gbk_become_utf8() {
        for (text, read) in [
            ("a=%CD%F5+1&b=x%26", "a=%E7%8E%8B+1&b=x%26"),
            ("https://x/?a=%cd%f5", "https://x/?a=%E7%8E%8B"),
        ] {
            assert_eq!(gbk_pairs(text).as_deref(), Some(read));
        }
        for text in ["a=%E7%8E%8B", "a=1", "a=%FF%FF", "a=%4"] {
            assert_eq!(gbk_pairs(text), None, "{text}");
        }
    }
}
