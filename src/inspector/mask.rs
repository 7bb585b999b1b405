//! Text for the page: no key in it, and no byte in it that a terminal would obey.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::mask::in_own;

pub(super) fn json(mut value: Value) -> Vec<u8> {
    redact(&mut value);
    let mut out = Vec::new();
    // Neither the value nor the vector can fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Ascii));
    out
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(redacted) = in_own(text) {
                *text = redacted;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        // The names of members are this program's own.
        Value::Object(members) => members.values_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes every character that is not printable ASCII as `\uXXXX`: the answer is safe to look at
/// in a terminal too.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            if matches!(character, ' '..='~') {
                continue;
            }
            CompactFormatter.write_string_fragment(writer, &fragment[plain..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + character.len_utf8();
        }
        CompactFormatter.write_string_fragment(writer, &fragment[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_is_plain_ascii_and_means_the_same() {
        let value = json!({"a": "é\u{202e}\u{1b}[2J\u{7f}\u{9b}🙂\"\\\n", "b": [1, null, true]});
        let bytes = super::json(value.clone());
        assert!(bytes.iter().all(|byte| matches!(byte, b' '..=b'~')), "{bytes:?}");
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn a_key_is_masked_in_every_text() {
        crate::mask::remember(b" page\"secret\n");
        crate::mask::remember(b"abc");
        let value = json!({"a": ["x page\"secret\n", "{\"k\":\"page\\\"secret\"}", "abc"]});
        let text = String::from_utf8(super::json(value)).unwrap();
        assert_eq!(text, r#"{"a":["x[key]","{\"k\":\"[key]\"}","abc"]}"#);
    }
}
