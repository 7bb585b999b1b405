//! JSON whose texts hide the keys; all else of it stays byte for byte.

use std::borrow::Cow;

use serde_json::Value;

use crate::mask::{hides, in_own};

/// The bodies of these shapes are what was received, byte for byte: they are there to be used again.
const PASSED_ON: [(&str, &str); 3] =
    [("callback", "body"), ("inbox-entry", "body"), ("inbox-entry", "body_base64")];

pub(super) fn line(kind: &str, text: String) -> String {
    if !hides(&text) {
        return text;
    }
    values(&text, |name, depth, value| {
        if depth == 1 && PASSED_ON.contains(&(kind, name)) {
            Cow::Borrowed(value)
        } else {
            in_own(value)
        }
    })
}

/// JSON with each text that is a value changed, by its name and depth; all else stays as it is.
pub(in crate::report) fn values(
    text: &str,
    change: impl for<'a> Fn(&str, usize, &'a str) -> Cow<'a, str>,
) -> String {
    let mut changed = String::with_capacity(text.len());
    let (mut name, mut depth, mut rest) = ("", 0_usize, text);
    while let Some(start) = rest.find(['"', '{', '}', '[', ']']) {
        let (before, from) = rest.split_at(start);
        changed.push_str(before);
        if !from.starts_with('"') {
            depth = if from.starts_with(['{', '[']) { depth + 1 } else { depth.saturating_sub(1) };
            changed.push_str(&from[..1]);
            rest = &from[1..];
            continue;
        }
        let (literal, after) = from.split_at(end_of_string(from));
        if after.starts_with(':') {
            name = literal.trim_matches('"');
            changed.push_str(literal);
        } else {
            match serde_json::from_str::<String>(literal).map(|value| {
                let shown = change(name, depth, &value);
                (shown != value.as_str()).then(|| Value::from(shown).to_string())
            }) {
                Ok(Some(shown)) => changed.push_str(&shown),
                Ok(None) | Err(_) => changed.push_str(literal),
            }
        }
        rest = after;
    }
    changed.push_str(rest);
    changed
}

pub(in crate::report) fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let mut bytes = text.bytes().enumerate().skip(1);
    let end = bytes.find(|(_, byte)| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_masked_except_in_bodies_that_were_received_and_where_it_is_a_word() {
        crate::mask::remember(b"key-in-a-line-of-json");
        for (kind, text, shown) in [
            (
                "callback",
                r#"{"body":"K","body_base64":"K"}"#,
                r#"{"body":"K","body_base64":"[key]"}"#,
            ),
            ("callback", r#"{"list":[{"body":"K"}]}"#, r#"{"list":[{"body":"[key]"}]}"#),
            (
                "inbox-entry",
                r#"{"body":"K","body_base64":"K"}"#,
                r#"{"body":"K","body_base64":"K"}"#,
            ),
            ("inbox-entry", r#"{"e":{"body_base64":"K"}}"#, r#"{"e":{"body_base64":"[key]"}}"#),
            ("inbox-diff", r#"{"body":"K","reason":"K"}"#, r#"{"body":"[key]","reason":"[key]"}"#),
            ("verification", r#"{"why":"K","hint":"K"}"#, r#"{"why":"[key]","hint":"[key]"}"#),
            ("verification", r#"{"notes":[{"why":"K"}]}"#, r#"{"notes":[{"why":"[key]"}]}"#),
            (
                "callback",
                r#"{"why":"a K b","n":1.50,"l":["K"]}"#,
                r#"{"why":"a [key] b","n":1.50,"l":["[key]"]}"#,
            ),
            ("callback", r#"{"a":"\u004b\/"}"#, r#"{"a":"\u004b\/"}"#),
        ] {
            let key = |text: &str| text.replace('K', "key-in-a-line-of-json");
            assert_eq!(line(kind, key(text)), key(shown), "{kind} {text}");
        }
        crate::mask::remember(b"a-word-of-json");
        let text = r#"{"reason":"a-word-of-json","hint":"a-word-of-json"}"#;
        assert_eq!(line("verification", text.to_owned()), text);
    }

    fn shouted(text: &str) -> String {
        values(text, |name, depth, value| match (name, depth) {
            ("kept", _) | ("body", 1) => value.into(),
            _ => value.to_uppercase().into(),
        })
    }

    #[test]
    fn only_the_values_change_and_the_rest_stays_byte_for_byte() {
        assert_eq!(
            shouted(
                r#"{"a":"b","kept":"c","n":1.50,"l":["d",{"body":"e"}],"body":"f\/","t":true}"#
            ),
            r#"{"a":"B","kept":"c","n":1.50,"l":["D",{"body":"E"}],"body":"f\/","t":true}"#
        );
        assert_eq!(shouted(r#"{"a":"{[\"x\\","b":"\\"}"#), r#"{"a":"{[\"X\\","b":"\\"}"#);
        assert_eq!(shouted("\"a"), "\"a");
    }
}
