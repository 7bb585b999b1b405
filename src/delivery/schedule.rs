//! When a notification is sent: the retry schedule, and durations as people write them.
//!
//! Source: the protocol's section 3. "Up to 10 retries within one hour after order completion" is
//! documented; the spacing is not, so it is this toolkit's choice and an option. Delays are gaps
//! between *planned* send times, so a slow reply does not shift the attempts after it.

use std::iter;
use std::time::Duration;

pub use crate::clock::{Speed, SpeedError};

/// How many retries follow the first notification, unless told otherwise.
///
/// Source: the protocol's section 3, "retry notification up to 10 times".
pub const DEFAULT_RETRIES: usize = 10;

/// How long after the order's completion attempts may start, unless told otherwise.
///
/// Source: the protocol's section 3, "within one hour after order completion".
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(3600);

/// The names of the schedules that need no list; the first holds unless told otherwise.
pub const PRESETS: [&str; 3] = ["backoff", "even", "ten-in-total"];

/// The most retries any schedule may have; it bounds the work of one delivery.
pub const MAX_RETRIES: usize = 100;

/// The longest duration that is read from a flag: 366 days.
pub const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

const BACKOFF_SECONDS: [u64; 10] = [15, 30, 60, 120, 180, 300, 420, 600, 720, 900];
const EVEN_DELAY: Duration = Duration::from_secs(360);

/// When the attempts of one delivery are planned; every attempt lies in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    name: String,
    delays: Vec<Duration>,
    window: Duration,
}

impl Default for RetrySchedule {
    /// The `backoff` preset: 10 retries with growing gaps, 55m45s in all.
    fn default() -> Self {
        let delays = BACKOFF_SECONDS.map(Duration::from_secs).to_vec();
        RetrySchedule { name: "backoff".to_owned(), delays, window: DEFAULT_WINDOW }
    }
}

impl RetrySchedule {
    /// A schedule from its delays; the name is what reports call it.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::TooManyRetries`] and [`ScheduleError::PastWindow`].
    pub fn try_new(
        name: impl Into<String>,
        delays: Vec<Duration>,
        window: Duration,
    ) -> Result<Self, ScheduleError> {
        let retries = delays.len();
        if retries > MAX_RETRIES {
            return Err(ScheduleError::TooManyRetries { retries });
        }
        let total = delays.iter().fold(Duration::ZERO, |sum, delay| sum.saturating_add(*delay));
        if total > window {
            let fitting = offsets(&delays).skip(1).take_while(|offset| *offset <= window).count();
            return Err(ScheduleError::PastWindow { retries, total, window, fitting });
        }
        Ok(RetrySchedule { name: name.into(), delays, window })
    }

    /// Reads a preset's name or a list of delays such as `15s,30s,5m`.
    ///
    /// `backoff` waits 15, 30, 60, 120, 180, 300, 420, 600, 720 and 900 seconds, `even` waits 360
    /// seconds each time, and `ten-in-total` is `backoff` without its last retry, for deployments
    /// whose ten include the first notification. A preset is cut to `retries`; without a number it
    /// is 10, or 9 for `ten-in-total`. An empty list stands for no retries and wants `retries` 0.
    ///
    /// # Errors
    ///
    /// A [`ScheduleError`] where the text cannot be read, where it does not go with `retries`, and
    /// where the last attempt would start after the window.
    pub fn parse(
        text: &str,
        retries: Option<usize>,
        window: Duration,
    ) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let wanted = retries.unwrap_or(DEFAULT_RETRIES);
        if wanted > MAX_RETRIES {
            return Err(ScheduleError::TooManyRetries { retries: wanted });
        }
        let delays = match text {
            "backoff" => cut_backoff("backoff", retries, BACKOFF_SECONDS.len())?,
            "ten-in-total" => cut_backoff("ten-in-total", retries, BACKOFF_SECONDS.len() - 1)?,
            "even" => vec![EVEN_DELAY; wanted],
            "" if wanted == 0 => Vec::new(),
            list => parse_list(list, wanted)?,
        };
        Self::try_new(text, delays, window)
    }

    /// The preset's name, or the list as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The gaps between planned send times, one a retry.
    #[must_use]
    pub fn delays(&self) -> &[Duration] {
        &self.delays
    }

    /// How long after the order's completion an attempt may start.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The number of attempts: the first notification and the retries.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.delays.len() + 1
    }

    /// When attempt `attempt`, counted from 1, is planned after the order's completion.
    #[must_use]
    pub fn offset(&self, attempt: usize) -> Option<Duration> {
        offsets(&self.delays).nth(attempt.checked_sub(1)?)
    }

    /// Every attempt's number, from 1, and its planned time after the order's completion.
    pub fn timeline(&self) -> impl Iterator<Item = (usize, Duration)> + '_ {
        (1..).zip(offsets(&self.delays))
    }
}

/// The running sums of `delays`, from zero: one more than there are delays.
fn offsets(delays: &[Duration]) -> impl Iterator<Item = Duration> + '_ {
    let sums = delays.iter().scan(Duration::ZERO, |sum, delay| {
        *sum = sum.saturating_add(*delay);
        Some(*sum)
    });
    iter::once(Duration::ZERO).chain(sums)
}

fn cut_backoff(
    preset: &'static str,
    retries: Option<usize>,
    most: usize,
) -> Result<Vec<Duration>, ScheduleError> {
    let retries = retries.unwrap_or(most);
    if retries > most {
        return Err(ScheduleError::TooManyForPreset { preset, retries, most });
    }
    Ok(BACKOFF_SECONDS.iter().take(retries).copied().map(Duration::from_secs).collect())
}

fn parse_list(text: &str, retries: usize) -> Result<Vec<Duration>, ScheduleError> {
    if text.is_empty() {
        return Err(ScheduleError::Empty);
    }
    if !text.contains(',') && text.starts_with(char::is_alphabetic) {
        return Err(ScheduleError::UnknownName(text.to_owned()));
    }
    let delays = text.split(',').count();
    if delays > retries {
        return Err(ScheduleError::ListTooLong { delays, retries });
    }
    (1..)
        .zip(text.split(','))
        .map(|(position, item)| {
            parse_duration(item).map_err(|source| ScheduleError::Delay { position, source })
        })
        .collect()
}

/// Why a retry schedule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// No delays where retries are wanted.
    #[error("the list of delays is empty; no retries at all are asked for with 0 retries")]
    Empty,
    /// A word that is no preset.
    #[error(
        "\"{0}\" is neither a preset (backoff, even, ten-in-total) nor a list such as 15s,30s,5m"
    )]
    UnknownName(String),
    /// A delay of the list, counted from 1, cannot be read.
    #[error("delay {position} of the list cannot be read")]
    Delay {
        /// Which delay, from 1.
        position: usize,
        /// What is wrong with it.
        source: DurationError,
    },
    /// A list with more delays than retries are allowed.
    #[error("the list has more delays ({delays}) than there are retries ({retries})")]
    ListTooLong {
        /// The delays in the list.
        delays: usize,
        /// The retries allowed.
        retries: usize,
    },
    /// A preset that has fewer retries than asked for.
    #[error("{preset} has {most} retries, not {retries}")]
    TooManyForPreset {
        /// The preset's name.
        preset: &'static str,
        /// The retries asked for.
        retries: usize,
        /// The retries it has.
        most: usize,
    },
    /// More than [`MAX_RETRIES`].
    #[error("{retries} retries are more than the {MAX_RETRIES} that are supported")]
    TooManyRetries {
        /// The retries asked for.
        retries: usize,
    },
    /// The last attempt would start after the window.
    #[error(
        "{retries} retries take {}, longer than the window of {}; {fitting} would fit",
        format_duration(*total), format_duration(*window)
    )]
    PastWindow {
        /// The retries asked for.
        retries: usize,
        /// The sum of the delays.
        total: Duration,
        /// The window.
        window: Duration,
        /// How many of the delays, from the first, stay in the window.
        fitting: usize,
    },
}

/// Reads a duration such as `15s`, `1m30s`, `0.5h` or `250ms`; a bare number means seconds.
///
/// Units are `h`, `m`, `s` and `ms`, larger ones first, each at most once.
///
/// # Errors
///
/// A [`DurationError`] where the text is no duration, and above [`MAX_DURATION`].
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
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "" if number == text => 1_000_000_000,
            "" => return Err(DurationError::MissingUnit),
            other => return Err(DurationError::Unit(other.to_owned())),
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

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// No text.
    #[error("the duration is empty; write one such as 15s or 1m30s")]
    Empty,
    /// Less than zero.
    #[error("a duration cannot be negative")]
    Negative,
    /// Something other than a number stands where one belongs.
    #[error("\"{0}\" is not a number; write a duration such as 15s or 1m30s")]
    Number(String),
    /// A number without a unit beside others that have one.
    #[error("a unit is missing; write ms, s, m or h after each number")]
    MissingUnit,
    /// A unit that is not known.
    #[error("\"{0}\" is not a unit of time; write ms, s, m or h")]
    Unit(String),
    /// Units twice, or a smaller one before a larger one.
    #[error("units go from large to small, each once, as in 1h30m")]
    UnitOrder,
    /// Finer than a nanosecond.
    #[error("the duration is finer than a nanosecond")]
    TooPrecise,
    /// Longer than [`MAX_DURATION`].
    #[error("the duration is longer than 366 days")]
    TooLong,
}

/// A duration as people write it: `15s`, `1m30s`, `1h`, `250ms`, `1.5s`; nothing is rounded.
#[must_use]
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

    fn parse(text: &str, retries: Option<usize>) -> Result<Vec<String>, String> {
        RetrySchedule::parse(text, retries, DEFAULT_WINDOW)
            .map(|schedule| schedule.delays().iter().copied().map(format_duration).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_presets_keep_the_documented_count_and_hour() {
        let default = RetrySchedule::parse("backoff", None, DEFAULT_WINDOW).unwrap();
        assert_eq!(default, RetrySchedule::default());
        assert_eq!((default.attempts(), default.offset(11)), (11, Some(Duration::from_secs(3345))));
        assert_eq!((default.offset(0), default.offset(12)), (None, None));
        assert_eq!(parse("even", None).unwrap(), vec!["6m"; 10]);
        assert_eq!(parse("ten-in-total", None).unwrap().len(), 9);
        assert_eq!(parse("backoff", Some(2)).unwrap(), ["15s", "30s"]);
        assert!(parse("even", Some(0)).unwrap().is_empty());
    }

    #[test]
    fn a_timeline_names_each_attempt_and_its_time() {
        let schedule = RetrySchedule::parse("15s, 30,0s,1m30s", None, DEFAULT_WINDOW).unwrap();
        let timeline: Vec<_> = schedule.timeline().map(|(n, at)| (n, at.as_secs())).collect();
        assert_eq!(timeline, [(1, 0), (2, 15), (3, 45), (4, 45), (5, 135)]);
    }

    #[test]
    fn a_schedule_that_breaks_the_rules_is_refused_with_the_numbers() {
        let refused = |text, retries| parse(text, retries).unwrap_err();
        assert!(refused("backoff", Some(11)).contains("10 retries, not 11"));
        assert!(refused("ten-in-total", Some(10)).contains("9 retries, not 10"));
        assert!(refused("1s,2s", Some(1)).contains("(2) than there are retries (1)"));
        assert!(refused("1s", Some(0)).contains("retries (0)"));
        assert!(refused("even", Some(usize::MAX)).contains("more than the 100"));
        assert!(refused("", None).contains("empty"));
        assert!(refused("backof", None).contains("neither a preset"));
        assert!(refused("15s,,30s", None).contains("delay 2"));
        let long = refused("even", Some(11));
        assert_eq!(long, "11 retries take 1h6m, longer than the window of 1h; 10 would fit");
        assert!(refused("8784h,8784h", None).ends_with("window of 1h; 0 would fit"));
        assert!(parse("", Some(0)).unwrap().is_empty());
    }

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
            ("1h1.5ms", 3_600_001),
        ] {
            assert_eq!(parse_duration(text).unwrap().as_millis(), ms, "{text}");
        }
        use DurationError::*;
        assert_eq!(parse_duration(" "), Err(Empty));
        assert_eq!(parse_duration("-5s"), Err(Negative));
        assert_eq!(parse_duration("1m30"), Err(MissingUnit));
        assert_eq!(parse_duration("5min"), Err(Unit("min".into())));
        assert_eq!(parse_duration("30s1m"), Err(UnitOrder));
        assert_eq!(parse_duration("1.2.3s"), Err(Number("1.2.3".into())));
        assert_eq!(parse_duration("0.0000000001s"), Err(TooPrecise));
        assert_eq!(parse_duration("8785h"), Err(TooLong));
        assert_eq!(parse_duration(&"9".repeat(99)), Err(TooLong));
    }

    proptest! {
        #[test]
        fn offsets_rise_and_stay_in_the_window(
            delays in prop::collection::vec(0_u64..900_000, 1..12),
        ) {
            let list: Vec<_> =
                delays.iter().map(|ms| format_duration(Duration::from_millis(*ms))).collect();
            let schedule = RetrySchedule::parse(&list.join(","), Some(12), DEFAULT_WINDOW);
            prop_assert_eq!(schedule.is_ok(), delays.iter().sum::<u64>() <= 3_600_000);
            if let Ok(schedule) = schedule {
                let times: Vec<_> = schedule.timeline().map(|(_, offset)| offset).collect();
                prop_assert!(times.is_sorted() && times.iter().all(|at| *at <= DEFAULT_WINDOW));
                prop_assert_eq!(times.len(), delays.len() + 1);
            }
        }

        #[test]
        fn a_formatted_duration_reads_back(nanos in 0..=MAX_DURATION.as_nanos()) {
            let duration = Duration::from_nanos(u64::try_from(nanos).unwrap());
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), nearly in "[0-9.,hmsx -]{0,40}") {
            for text in [&text, &nearly] {
                let _ = parse_duration(text);
                let _ = Speed::parse(text);
                let _ = RetrySchedule::parse(text, None, DEFAULT_WINDOW);
            }
        }
    }
}
