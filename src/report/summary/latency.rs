//! Latencies of any number of attempts, to three digits, in bounded memory.

use std::cmp::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::drawing::LogScale;

const DIGITS: u8 = 3;

/// A longer time counts as this one: 366 days, in microseconds.
const LONGEST_US: u64 = 366 * 24 * 3600 * 1_000_000;

/// The quantiles that reports show, with their names; the largest time follows them.
pub const SHOWN_QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// The times of many attempts, in microseconds: quantiles to three digits; the smallest, the
/// largest and the mean exact. It takes at most some 700 KiB, whatever is recorded.
#[derive(Clone, Debug)]
pub struct LatencyFigures {
    histogram: Histogram<u64>,
    sum_us: u128,
    smallest_us: u64,
    largest_us: u64,
}

impl Default for LatencyFigures {
    fn default() -> Self {
        LatencyFigures::new()
    }
}

impl LatencyFigures {
    pub fn new() -> Self {
        let histogram = Histogram::new(DIGITS).expect("three digits are within the limits");
        LatencyFigures { histogram, sum_us: 0, smallest_us: u64::MAX, largest_us: 0 }
    }

    pub fn record(&mut self, time: Duration) {
        self.record_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn record_micros(&mut self, micros: u64) {
        let micros = micros.min(LONGEST_US);
        // It grows up to the bound above and so never refuses.
        let _ = self.histogram.record(micros);
        self.sum_us += u128::from(micros);
        self.smallest_us = self.smallest_us.min(micros);
        self.largest_us = self.largest_us.max(micros);
    }

    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The time that a share of all times, from 0 to 1, do not exceed; `None` of no times.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let micros = self.histogram.value_at_quantile(quantile);
        // A bucket reaches past the times in it, which would read as more than the largest.
        let micros = micros.clamp(self.smallest_us.min(self.largest_us), self.largest_us);
        (self.count() > 0).then(|| Duration::from_micros(micros))
    }

    pub fn shortest(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_micros(self.smallest_us))
    }

    pub fn longest(&self) -> Option<Duration> {
        (self.count() > 0).then(|| Duration::from_micros(self.largest_us))
    }

    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum_us.checked_div(u128::from(self.count()))?;
        Some(Duration::from_micros(u64::try_from(mean).unwrap_or(u64::MAX)))
    }

    /// Compares a quantile with a limit; times that three digits cannot tell apart are equal.
    pub fn compare(&self, quantile: Duration, limit: Duration) -> Ordering {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (a, b) = (micros(quantile).min(LONGEST_US), micros(limit).min(LONGEST_US));
        if self.histogram.equivalent(a, b) { Ordering::Equal } else { quantile.cmp(&limit) }
    }

    pub fn distribution(&self, scale: &LogScale, columns: usize) -> Vec<u64> {
        let mut counts = vec![0_u64; columns];
        for part in self.histogram.iter_recorded() {
            let column = scale.column(part.value_iterated_to(), columns);
            if let Some(count) = counts.get_mut(column) {
                *count = count.saturating_add(part.count_since_last_iteration());
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> LatencyFigures {
        let mut figures = LatencyFigures::new();
        millis.into_iter().for_each(|time| figures.record(Duration::from_millis(time)));
        figures
    }

    #[test]
    fn quantiles_hold_three_digits_and_never_exceed_the_largest() {
        let figures = of(1..=1000);
        let p99 = figures.quantile(0.99).unwrap();
        assert!((p99.as_secs_f64() - 0.990).abs() < 0.001, "{p99:?}");
        assert_eq!(figures.quantile(1.0), Some(Duration::from_secs(1)));
        assert_eq!(figures.shortest(), Some(Duration::from_millis(1)));
        assert_eq!(figures.mean(), Some(Duration::from_micros(500_500)));
        assert_eq!(of([200]).quantile(0.99), Some(Duration::from_millis(200)));
    }

    #[test]
    fn no_times_have_no_figures() {
        let none = LatencyFigures::new();
        assert_eq!((none.quantile(0.5), none.mean()), (None, None));
        assert_eq!((none.shortest(), none.longest()), (None, None));
    }

    #[test]
    fn any_time_is_counted() {
        let mut figures = of([0]);
        figures.record(Duration::MAX);
        assert_eq!(figures.count(), 2);
        assert_eq!(figures.quantile(0.0), Some(Duration::ZERO));
        assert_eq!(figures.longest(), Some(Duration::from_micros(LONGEST_US)));
        let scale = LogScale::around(Duration::ZERO, Duration::MAX);
        let counts = figures.distribution(&scale, 48);
        assert_eq!((counts.iter().sum::<u64>(), counts[0]), (2, 1));
    }

    #[test]
    fn times_in_one_bucket_are_equal() {
        let figures = of([150, 200, 210]);
        let limit = Duration::from_millis(200);
        assert_eq!(figures.compare(figures.quantile(0.5).unwrap(), limit), Ordering::Equal);
        assert_eq!(figures.compare(Duration::from_millis(201), limit), Ordering::Greater);
    }
}
