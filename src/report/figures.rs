//! Counts, shares, rates and times as short text for a person.

use std::time::Duration;

pub use crate::units::duration::three_digits;

/// A count with its thousands apart: `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 order`, `2,000 orders`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A share of a whole in percent; `None` of nothing.
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// A share as text: `99.7%`, `100%`, `<0.01%`. It is cut, not rounded: 99.999% must not read as all
/// of them.
pub fn share(part: u64, whole: u64) -> String {
    match percent(part, whole) {
        None => "-".to_owned(),
        Some(_) if part == 0 => "0%".to_owned(),
        Some(percent) if percent < 0.01 => "<0.01%".to_owned(),
        Some(percent) => percent_text(percent),
    }
}

/// A percentage cut to two places, without zeros at its end.
pub fn percent_text(percent: f64) -> String {
    // The little extra undoes the error of a decimal such as 0.29 that is held in binary.
    let cut = (percent * 100.0 + 1e-9).floor() / 100.0;
    let text = format!("{cut:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A length of time in its two largest units: `850 ms`, `42.1 s`, `3m05s`, `1h02m`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => three_digits(duration),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A rate for each second: `0.25/s`, `49.8/s`, `1,998/s`; a slow one for each hour: `5.00/h`.
pub fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 0.01 {
        format!("{:.2}/h", per_second * 3600.0)
    } else if per_second < 9.995 {
        format!("{per_second:.2}/s")
    } else if per_second < 999.5 {
        format!("{per_second:.1}/s")
    } else {
        // A float that is too large for the count becomes the largest one.
        format!("{}/s", grouped(per_second.round() as u64))
    }
}

/// At most `most` characters of a text; a longer one ends in `…`.
pub fn shortened(text: &str, most: usize) -> String {
    // The byte length bounds the count of characters, so a short text needs no counting.
    if text.len() <= most || text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares_are_short_and_never_flatter() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1000), grouped(u64::MAX)],
            ["0", "999", "1,000", "18,446,744,073,709,551,615"]
        );
        assert_eq!([counted(1, "order"), counted(2, "order")], ["1 order", "2 orders"]);
        assert_eq!(share(99_999, 100_000), "99.99%");
        assert_eq!(share(1, 1_000_000), "<0.01%");
        assert_eq!(
            [share(5, 5), share(0, 5), share(0, 0), share(29, 10_000)],
            ["100%", "0%", "-", "0.29%"]
        );
    }

    #[test]
    fn times_have_three_digits() {
        let text = |micros| three_digits(Duration::from_micros(micros));
        assert_eq!(
            [text(0), text(412), text(999), text(4_123), text(41_234), text(412_345)],
            ["0 µs", "412 µs", "999 µs", "4.12 ms", "41.2 ms", "412 ms"]
        );
        assert_eq!(
            [text(999_600), text(12_340_000), text(125_400_000)],
            ["1.00 s", "12.3 s", "125 s"]
        );
        assert_eq!(span(Duration::from_secs(185)), "3m05s");
        assert_eq!(span(Duration::from_secs(3725)), "1h02m");
        assert!(!span(Duration::MAX).is_empty());
    }

    #[test]
    fn rates_and_long_texts_are_short() {
        assert_eq!([rate(0.25), rate(49.84), rate(1998.4)], ["0.25/s", "49.8/s", "1,998/s"]);
        assert_eq!([rate(5.0 / 3600.0), rate(0.0)], ["5.00/h", "0.00/s"]);
        assert!(!rate(f64::INFINITY).is_empty());
        assert_eq!(
            [shortened("ééé", 3), shortened("éééé", 3), shortened("abcd", 0)],
            ["ééé", "éé…", "…"]
        );
    }
}
