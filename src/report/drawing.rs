//! Small drawings of characters: bars, curves, and axes with their labels.

use std::time::Duration;

const EIGHTHS_WIDE: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const EIGHTHS_HIGH: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `part` in `whole`, at most `width` columns wide; anything above zero is visible.
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    if part == 0 || whole == 0 || width == 0 {
        return String::new();
    }
    let most = width.saturating_mul(8);
    let eighths = ((part as f64 / whole as f64) * most as f64).round() as usize;
    let eighths = eighths.clamp(1, most);
    let mut text = "█".repeat(eighths / 8);
    text.extend((eighths % 8).checked_sub(1).map(|index| EIGHTHS_WIDE[index]));
    text
}

pub fn curve(counts: &[u64]) -> String {
    let largest = counts.iter().copied().max().unwrap_or(0);
    let column = |count: &u64| match count {
        0 => ' ',
        _ => {
            let height = (*count as f64 / largest as f64 * 8.0).ceil() as usize;
            EIGHTHS_HIGH[height.clamp(1, 8) - 1]
        }
    };
    counts.iter().map(column).collect()
}

/// Labels below an axis, each starting at or near its column; one that would touch another is
/// left out.
pub fn labels(width: usize, at: &[(usize, String)]) -> String {
    let mut text = String::new();
    let mut used = 0;
    for (column, label) in at {
        let length = label.chars().count();
        // The last labels move left rather than past the end of the axis.
        let start = (*column).min(width.saturating_sub(length));
        if start < used || (used > 0 && start == used) {
            continue;
        }
        text.extend(std::iter::repeat_n(' ', start - text.chars().count()));
        text.push_str(label);
        used = start + length;
    }
    text
}

const STEPS_MS: [u64; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const STEPS_S: [u64; 18] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 86_400, 604_800,
    2_592_000,
];

/// Round times from zero to at most `whole`: never more than `most` after the zero.
pub fn time_ticks(whole: Duration, most: u32) -> Vec<Duration> {
    let fits = |step: &Duration| step.saturating_mul(most) >= whole;
    let steps = STEPS_MS.map(Duration::from_millis).into_iter();
    let step = steps.chain(STEPS_S.map(Duration::from_secs)).find(fits).unwrap_or(whole);
    (0..=most).map(|count| step.saturating_mul(count)).take_while(|time| *time <= whole).collect()
}

/// A logarithmic scale of times between two round ones, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogScale {
    low_us: u64,
    high_us: u64,
}

/// The longest time that a scale shows, in microseconds: some 31 years.
const LONGEST_US: u64 = 1_000_000_000_000_000;

impl LogScale {
    pub fn around(shortest: Duration, longest: Duration) -> Self {
        let micros = |time: Duration| {
            u64::try_from(time.as_micros()).unwrap_or(u64::MAX).clamp(1, LONGEST_US)
        };
        let (low, high) = (micros(shortest), micros(longest));
        let low_us = round_times().take_while(|time| *time <= low).last().unwrap_or(1);
        let high_us = round_times().find(|time| *time >= high && *time > low_us);
        LogScale { low_us, high_us: high_us.unwrap_or(LONGEST_US * 2) }
    }

    /// Where a time is, from 0 at the start of the scale to 1 at its end.
    pub fn place(&self, micros: u64) -> f64 {
        let (low, high) = ((self.low_us as f64).ln(), (self.high_us as f64).ln());
        (((micros.max(1) as f64).ln() - low) / (high - low)).clamp(0.0, 1.0)
    }

    pub fn column(&self, micros: u64, columns: usize) -> usize {
        let column = (self.place(micros) * columns as f64) as usize;
        column.min(columns.saturating_sub(1))
    }

    /// The time at which a column of `columns` starts, in microseconds.
    pub fn start_of(&self, column: usize, columns: usize) -> f64 {
        let (low, high) = ((self.low_us as f64).ln(), (self.high_us as f64).ln());
        (low + (high - low) * column as f64 / columns.max(1) as f64).exp()
    }

    pub fn ticks(&self) -> Vec<(f64, String)> {
        let inside = || round_times().filter(|time| (self.low_us..=self.high_us).contains(time));
        let is_power = |time: &u64| (0..20).any(|power| 10_u64.checked_pow(power) == Some(*time));
        let powers = inside().filter(is_power).count();
        inside()
            .filter(|time| powers < 3 || is_power(time))
            .map(|time| (self.place(time), tick_label(time)))
            .collect()
    }
}

/// 1, 2, 5, 10, 20, 50 … microseconds.
fn round_times() -> impl Iterator<Item = u64> {
    (0..16_u32).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)))
}

fn tick_label(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..1_000_000 => format!("{}ms", micros / 1_000),
        _ => format!("{}s", micros / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bars_and_curves_show_the_smallest_part() {
        assert_eq!([bar(1, 2, 4), bar(4, 4, 4), bar(0, 4, 4)], ["██", "████", ""]);
        assert_eq!([bar(1, 1_000_000, 4), bar(9, 16, 2)], ["▏", "█▏"]);
        assert_eq!(bar(8, 4, 2), "██");
        assert_eq!(curve(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!([curve(&[]), curve(&[0, 0])], ["", "  "]);
    }

    #[test]
    fn labels_keep_apart() {
        let at = |labels: &[(usize, &str)]| -> Vec<(usize, String)> {
            labels.iter().map(|(column, label)| (*column, (*label).to_owned())).collect()
        };
        assert_eq!(labels(10, &at(&[(0, "0"), (5, "5m"), (10, "10m")])), "0    5m");
        assert_eq!(labels(12, &at(&[(0, "0"), (5, "5m"), (12, "10m")])), "0    5m  10m");
        assert_eq!(labels(2, &at(&[(0, "long")])), "long");
    }

    #[test]
    fn times_on_an_axis_are_round() {
        let ticks = |millis, most| -> Vec<u128> {
            let whole = Duration::from_millis(millis);
            time_ticks(whole, most).iter().map(Duration::as_millis).collect()
        };
        assert_eq!(ticks(151_000, 5), [0, 60_000, 120_000]);
        assert_eq!(ticks(3_600_000, 7).len(), 7);
        assert_eq!(ticks(3, 5), [0, 1, 2, 3]);
        assert!(time_ticks(Duration::MAX, 5).len() <= 6);
    }

    #[test]
    fn a_scale_runs_between_round_times() {
        let ms = Duration::from_millis;
        let scale = LogScale::around(ms(3), ms(700));
        assert_eq!(scale, LogScale { low_us: 2_000, high_us: 1_000_000 });
        let labels: Vec<String> = scale.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10ms", "100ms", "1s"]);
        assert_eq!((scale.column(0, 60), scale.column(u64::MAX, 60)), (0, 59));
        let narrow = LogScale::around(ms(3), ms(3)).ticks();
        assert_eq!(
            narrow.first().map(|(place, label)| (*place, label.as_str())),
            Some((0.0, "2ms"))
        );
    }

    proptest! {
        #[test]
        fn any_times_have_a_scale_that_holds_them(a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            let scale = LogScale::around(Duration::from_micros(low), Duration::from_micros(high));
            prop_assert!(scale.low_us < scale.high_us);
            prop_assert!(scale.column(low, 48) <= scale.column(high, 48));
            prop_assert!(scale.column(high, 48) < 48);
        }
    }
}
