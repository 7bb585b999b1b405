//! What may be shown on a terminal: no hidden characters, no endless fields.

use std::borrow::Cow;

use crate::report::text::{is_hidden, push_visible};

/// Replaces every character that is invisible or that steers a terminal by a visible escape.
///
/// These are the control characters (C0 with newline, carriage return, tab and ESC, DEL, C1), the
/// line and paragraph separators, and all of Unicode's default-ignorable characters: bidi
/// controls, zero-width characters and joiners, the byte-order mark, soft hyphen, variation
/// selectors, fillers, tag characters. A joiner or a selector is harmless in text, but in a signed
/// value it is a difference that nobody sees. Escapes are `\n`, `\r`, `\t` and `\u{1b}`; a
/// backslash stays as it is. The result has at most 6 bytes for each byte of the text.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(is_hidden) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(clean);
    for character in rest.chars() {
        push_visible(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// Cuts the middle of a text that has more than `max_chars` characters.
///
/// The gap reads `…(N characters)…`, where N is how many were left out. The result never has more
/// than `max_chars` characters; where not even the gap fits, the start of the text and `…` remain.
pub fn abridge(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.len() <= max_chars {
        return Cow::Borrowed(text);
    }
    let total = text.chars().count();
    if total <= max_chars {
        return Cow::Borrowed(text);
    }
    // The number left out has no more digits than the total, so the gap fits in this room.
    let room_of_gap = gap(total).chars().count();
    if max_chars < room_of_gap {
        let mut cut: String = text.chars().take(max_chars.saturating_sub(1)).collect();
        cut.extend((max_chars > 0).then_some('…'));
        return Cow::Owned(cut);
    }
    let kept = max_chars - room_of_gap;
    let tail = kept / 2;
    let head = kept - tail;
    let head_end = text.char_indices().nth(head).map_or(text.len(), |(at, _)| at);
    let tail_start = match tail {
        0 => text.len(),
        count => text.char_indices().nth_back(count - 1).map_or(text.len(), |(at, _)| at),
    };
    Cow::Owned(format!("{}{}{}", &text[..head_end], gap(total - kept), &text[tail_start..]))
}

fn gap(left_out: usize) -> String {
    format!("…({left_out} characters)…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "plain ASCII ~!", "back\\slash \\n", "付款 ¥ é 🙂", "\u{e000}"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        for code in (0..0x20).chain(0x7f..=0x9f) {
            let character = char::from(code);
            let shown = sanitize(&format!("a{character}b")).into_owned();
            assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown:?}");
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
        assert_eq!(sanitize("a\r\n\tb\u{1b}[2J"), "a\\r\\n\\tb\\u{1b}[2J");
        assert_eq!(sanitize("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn characters_that_nobody_sees_are_escaped() {
        let hidden = "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\
            \u{200b}\u{200c}\u{200d}\u{feff}\u{e0001}\u{e007f}\u{fff9}\u{fffb}\u{ad}\u{fe0f}\u{2060}";
        for character in hidden.chars() {
            let expected = format!("\\u{{{:x}}}", u32::from(character));
            assert_eq!(sanitize(&character.to_string()), expected);
        }
    }

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(abridge("short", 5), "short");
        assert_eq!(abridge("付款付款", 4), "付款付款");
        let long = format!("start{}end", "x".repeat(1_000_000));
        let cut = abridge(&long, 40).into_owned();
        assert_eq!(cut, "startxxxx…(999990 characters)…xxxxxxend");
    }

    #[test]
    fn the_result_is_never_longer_than_asked() {
        for length in [1, 20, 100, 1005] {
            let text = "é".repeat(length);
            for max in 0..120 {
                assert!(abridge(&text, max).chars().count() <= max, "{length} {max}");
            }
        }
        assert_eq!(abridge("abcdefgh", 3), "ab…");
        assert_eq!(abridge("abcdefgh", 0), "");
    }

    #[test]
    fn a_gap_that_just_fits_is_shown() {
        let text = "é".repeat(20);
        for (max, shown) in [
            (16, format!("{}…", "é".repeat(15))),
            (17, "…(20 characters)…".to_owned()),
            (18, "é…(19 characters)…".to_owned()),
            (19, "é…(18 characters)…é".to_owned()),
            (20, text.clone()),
        ] {
            assert_eq!(abridge(&text, max), shown, "{max}");
        }
    }
}
