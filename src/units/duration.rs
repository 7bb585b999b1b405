//! Durations as people write them, read and written exactly.

use std::time::Duration;

use protocol::internal::untrusted::Untrusted;
use serde::{Serialize, Serializer};

/// A duration as a number of milliseconds, to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// A measured time to three digits: `412 µs`, `4.12 ms`, `41.2 ms`, `4.12 s`, `125 s`.
pub fn three_digits(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 999.5 {
        return format!("{micros:.0} µs");
    }
    let (value, unit) = if micros < 999_500.0 { (micros / 1e3, "ms") } else { (micros / 1e6, "s") };
    if value < 9.995 {
        format!("{value:.2} {unit}")
    } else if value < 99.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// Serializes a duration as [`milliseconds`].
pub fn in_milliseconds<S: Serializer>(
    time: &(impl Into<Option<Duration>> + Copy),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let time: Option<Duration> = (*time).into();
    time.map(milliseconds).serialize(serializer)
}

/// The longest duration that is read from a flag: 366 days.
pub const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads a duration such as `15s`, `1m30s`, `0.5h` or `250ms`; a bare number means seconds.
///
/// Units are `d`, `h`, `m`, `s` and `ms`, larger ones first, each at most once.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(DurationError::Negative);
    }
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (mut rest, mut total, mut larger) = (text, 0_u128, u128::MAX);
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        let unit_ns = match unit.trim() {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "" if number == text => 1_000_000_000,
            "" => return Err(DurationError::MissingUnit),
            // All of it: a part of a secret given in the wrong place would pass the mask.
            _ => return Err(DurationError::Unit(text.to_owned())),
        };
        if unit_ns >= larger {
            return Err(DurationError::UnitOrder);
        }
        total = total.saturating_add(scale(number, unit_ns)?);
        (rest, larger) = (after, unit_ns);
    }
    let total = u64::try_from(total).map_or(Duration::MAX, Duration::from_nanos);
    if total > MAX_DURATION { Err(DurationError::TooLong) } else { Ok(total) }
}

/// A decimal number of units in nanoseconds, exactly.
fn scale(number: &str, unit_ns: u128) -> Result<u128, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(DurationError::Number(number.to_owned()));
    }
    // Digits alone are left here, so a number that cannot be read is one that is too long.
    let digits = |text: &str, error| match text {
        "" => Ok(0),
        text => text.parse::<u64>().map(u128::from).map_err(|_| error),
    };
    let whole = digits(whole, DurationError::TooLong)?.saturating_mul(unit_ns);
    let fraction = fraction.trim_end_matches('0');
    let places = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    let part = digits(fraction, DurationError::TooPrecise)?.saturating_mul(unit_ns);
    match 10_u128.checked_pow(places) {
        Some(divisor) if part % divisor == 0 => Ok(whole.saturating_add(part / divisor)),
        _ => Err(DurationError::TooPrecise),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("the duration is empty; write one such as 15s or 1m30s")]
    Empty,
    #[error("a duration cannot be negative")]
    Negative,
    #[error("\"{}\" is not a number; write a duration such as 15s or 1m30s", Untrusted::new(.0))]
    Number(String),
    /// A number without a unit beside others that have one.
    #[error("a unit is missing; write ms, s, m, h or d after each number")]
    MissingUnit,
    #[error("\"{}\" has a unit that is not a unit of time; write ms, s, m, h or d", Untrusted::new(.0))]
    Unit(String),
    #[error("units go from large to small, each once, as in 1h30m")]
    UnitOrder,
    /// Finer than a nanosecond.
    #[error("the duration is finer than a nanosecond")]
    TooPrecise,
    #[error("the duration is longer than 366 days")]
    TooLong,
}

/// A duration as people write it: `15s`, `1m30s`, `1h`, `250ms`, `1.5s`; nothing is rounded.
pub fn format_duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    if seconds == 0 && nanos > 0 {
        return decimal(u64::from(nanos / 1_000_000), nanos % 1_000_000, 6) + "ms";
    }
    let mut text = String::new();
    for (amount, unit) in [(seconds / 3600, 'h'), (seconds / 60 % 60, 'm')] {
        if amount > 0 {
            text += &format!("{amount}{unit}");
        }
    }
    if seconds % 60 > 0 || nanos > 0 || text.is_empty() {
        text += &decimal(seconds % 60, nanos, 9);
        text.push('s');
    }
    text
}

/// A number with its fraction of `places` digits, without zeros at the end.
fn decimal(whole: u64, fraction: u32, places: usize) -> String {
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:0places$}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_exactly() {
        for (text, ms) in [
            ("15s", 15_000),
            ("15", 15_000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("1h 2m", 3_720_000),
            ("0.1s", 100),
            (".5m", 30_000),
            ("7d", 604_800_000),
            ("1d12h", 129_600_000),
            ("1h1.5ms", 3_600_001),
        ] {
            assert_eq!(parse_duration(text).unwrap().as_millis(), ms, "{text}");
        }
        use DurationError::*;
        assert_eq!(parse_duration(" "), Err(Empty));
        assert_eq!(parse_duration("-5s"), Err(Negative));
        assert_eq!(parse_duration("1m30"), Err(MissingUnit));
        assert_eq!(parse_duration("5min"), Err(Unit("5min".into())));
        assert_eq!(parse_duration("30s1m"), Err(UnitOrder));
        assert_eq!(parse_duration("1.2.3s"), Err(Number("1.2.3".into())));
        assert_eq!(parse_duration("0.0000000001s"), Err(TooPrecise));
        assert_eq!(parse_duration("8785h"), Err(TooLong));
        assert_eq!(parse_duration(&"9".repeat(99)), Err(TooLong));
    }

    proptest! {
        #[test]
        fn a_formatted_duration_reads_back(nanos in 0..=MAX_DURATION.as_nanos()) {
            let duration = Duration::from_nanos(u64::try_from(nanos).unwrap());
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), nearly in "[0-9.,hmsx -]{0,40}") {
            let _ = parse_duration(&text);
            let _ = parse_duration(&nearly);
        }
    }

    #[test]
    fn the_longest_duration_is_read_and_a_longer_one_is_not() {
        for text in ["366d", "8784h", "365d24h"] {
            assert_eq!(parse_duration(text), Ok(MAX_DURATION), "{text}");
        }
        for text in ["366d1ms", "366d0.000000001s", "8784.1h"] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong), "{text}");
        }
    }

    #[test]
    fn each_unit_has_a_number_and_comes_once() {
        use DurationError::*;
        for text in ["1s1s", "1m2m", "1ms1ms", "1ms1s"] {
            assert_eq!(parse_duration(text), Err(UnitOrder), "{text}");
        }
        for (text, number) in [("s", ""), (".s", "."), (".", "."), ("1m.s", ".")] {
            assert_eq!(parse_duration(text), Err(Number(number.into())), "{text}");
        }
        assert_eq!(parse_duration(&format!("0.5{}s", "0".repeat(50))).unwrap().as_millis(), 500);
    }

    #[test]
    fn a_duration_is_written_in_its_largest_units() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "0.000001ms"),
            (250_000_000, "250ms"),
            (999_999_999, "999.999999ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m"),
            (3_600_000_000_000, "1h"),
            (3_600_250_000_000, "1h0.25s"),
            (90_061_000_000_000, "25h1m1s"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(nanos)), text);
        }
    }
}
