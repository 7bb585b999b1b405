//! Times and durations as text, and which characters of a received text may be shown.

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
    if milliseconds < 9.95 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else if seconds < 9.995 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// A duration as a number of milliseconds, to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

pub fn push_visible(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        hidden if is_hidden(hidden) => shown.extend(hidden.escape_unicode()),
        visible => shown.push(visible),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_short() {
        assert_eq!(
            clock_time(Timestamp::from_millisecond(1_567_614_111_005).unwrap()),
            "16:21:51.005Z"
        );
        assert_eq!(short_duration(Duration::from_micros(400)), "0.4 ms");
        assert_eq!(short_duration(Duration::from_millis(12)), "12 ms");
        assert_eq!(short_duration(Duration::from_millis(1240)), "1.24 s");
        assert_eq!(short_duration(Duration::from_secs(75)), "75 s");
        assert_eq!(milliseconds(Duration::from_micros(1500)), 1.5);
    }
}
