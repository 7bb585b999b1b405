//! Times and durations as text, and which characters of a received text may be shown.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

/// The time of day in UTC, to the millisecond: `12:00:01.123Z`.
pub fn clock_time(at: Timestamp) -> String {
    let text = format!("{at:.3}");
    text.split_once('T').map_or_else(|| text.clone(), |(_, time)| time.to_owned())
}

/// A measured duration in a few characters: `0.4 ms`, `12 ms`, `1.24 s`, `75 s`.
pub fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let milliseconds = seconds * 1000.0;
    // From each of these on, rounding would add a digit.
    match duration.as_micros() {
        0..9_950 => format!("{milliseconds:.1} ms"),
        9_950..999_500 => format!("{milliseconds:.0} ms"),
        999_500..9_995_000 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.0} s"),
    }
}

pub use crate::units::duration::milliseconds;

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
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            hidden if is_hidden(hidden) => shown.extend(hidden.escape_unicode()),
            visible => shown.push(visible),
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is invisible or turns the text around it: controls, separators,
/// interlinear marks, Unicode's `Default_Ignorable_Code_Point`, and what XML does not allow.
pub fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    matches!(
        character,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The text, cut to so many characters; one that would be escaped on the way to a terminal, and so
/// push the columns aside, is replaced.
pub fn fitted(text: &str, width: usize) -> String {
    let shown = |text: char| if is_hidden(text) { char::REPLACEMENT_CHARACTER } else { text };
    if text.chars().count() <= width {
        return text.chars().map(shown).collect();
    }
    text.chars().take(width.saturating_sub(1)).map(shown).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_short() {
        assert_eq!(
            clock_time(Timestamp::from_millisecond(1_567_614_111_005).unwrap()),
            "16:21:51.005Z"
        );
        for (microseconds, shown) in [
            (0, "0.0 ms"),
            (400, "0.4 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (12_000, "12 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (1_240_000, "1.24 s"),
            (9_994_999, "9.99 s"),
            (9_995_000, "10 s"),
            (75_000_000, "75 s"),
        ] {
            assert_eq!(short_duration(Duration::from_micros(microseconds)), shown);
        }
        assert_eq!(milliseconds(Duration::from_micros(1500)), 1.5);
    }

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
    fn each_range_of_hidden_characters_has_its_ends() {
        for (first, last) in [
            (0, 0x1f),
            (0x7f, 0x9f),
            (0xad, 0xad),
            (0x34f, 0x34f),
            (0x61c, 0x61c),
            (0x115f, 0x1160),
            (0x17b4, 0x17b5),
            (0x180b, 0x180f),
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2060, 0x206f),
            (0x3164, 0x3164),
            (0xfe00, 0xfe0f),
            (0xfeff, 0xfeff),
            (0xffa0, 0xffa0),
            (0xfff0, 0xfffb),
            (0xfffe, 0xffff),
            (0x1bca0, 0x1bca3),
            (0x1d173, 0x1d17a),
            (0xe0000, 0xe0fff),
        ] {
            let is_hidden = |code: u32| is_hidden(char::from_u32(code).unwrap());
            assert!((first..=last).all(is_hidden), "{first:x}");
            assert!(first == 0 || !is_hidden(first - 1), "before {first:x}");
            assert!(!is_hidden(last + 1), "after {last:x}");
        }
    }

    #[test]
    fn a_cell_of_the_table_keeps_its_width_whatever_it_holds() {
        assert_eq!(fitted("a\u{1b}[31m\u{202e}b", 19), "a\u{fffd}[31m\u{fffd}b");
        assert_eq!(fitted("\u{202e}bcd", 3), "\u{fffd}b…");
    }
}
