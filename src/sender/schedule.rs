//! When a notification is sent: the retry schedule; pure.
//!
//! Source: the protocol's section 3. "Up to 10 retries within one hour after order completion" is
//! documented; the spacing is not, so it is this toolkit's choice and an option. Delays are gaps
//! between *planned* send times, so a slow reply does not shift the attempts after it.

use std::iter;
use std::time::Duration;

use crate::mask::Untrusted;
use protocol::internal::nearest::did_you_mean;

pub use crate::units::duration::{DurationError, format_duration, parse_duration};
pub use crate::units::factor::Speed;

/// How many retries follow the first notification by default: the protocol's section 3, "retry
/// notification up to 10 times".
pub const DEFAULT_RETRIES: usize = 10;

/// How long after the order's completion attempts may start by default: the protocol's section 3,
/// "within one hour after order completion".
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(3600);

/// The names of the schedules that need no list; the first is the default.
pub const PRESETS: [&str; 3] = ["backoff", "even", "ten-in-total"];

/// The most retries any schedule may have; it bounds the work of one delivery.
pub const MAX_RETRIES: usize = 100;

const BACKOFF_SECONDS: [u64; 10] = [15, 30, 60, 120, 180, 300, 420, 600, 720, 900];
const EVEN_DELAY: Duration = Duration::from_secs(360);

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

    /// Reads a preset's name or a list of delays such as `15s,30s,5m`. `backoff` waits 15, 30, 60,
    /// 120, 180, 300, 420, 600, 720 and 900 seconds, `even` waits 360 seconds each time, and
    /// `ten-in-total` is `backoff` without its last retry, for deployments whose ten include the
    /// first notification. A preset is cut to `retries`, by default 10, or 9 for `ten-in-total`. An
    /// empty list means no retries and needs `retries` 0.
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

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn delays(&self) -> &[Duration] {
        &self.delays
    }

    pub const fn window(&self) -> Duration {
        self.window
    }

    pub fn attempts(&self) -> usize {
        self.delays.len() + 1
    }

    /// When attempt `attempt`, counted from 1, is planned after the order's completion.
    pub fn offset(&self, attempt: usize) -> Option<Duration> {
        offsets(&self.delays).nth(attempt.checked_sub(1)?)
    }

    /// Every attempt's number, from 1, and its planned time after the order's completion.
    pub fn timeline(&self) -> impl Iterator<Item = (usize, Duration)> + '_ {
        (1..).zip(offsets(&self.delays))
    }
}

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
    if let Some(meant) = with_commas(text) {
        return Err(ScheduleError::Separator { meant });
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

/// The list with commas, where it has delays that are separated by something else.
fn with_commas(text: &str) -> Option<String> {
    if text.split(',').all(|item| parse_duration(item).is_ok()) {
        return None;
    }
    let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '/' | '+');
    let items = text.split(is_separator).filter(|item| !item.is_empty());
    let delays: Result<Vec<_>, _> = items.map(parse_duration).collect();
    let delays: Vec<_> = delays.ok()?.into_iter().map(format_duration).collect();
    (delays.len() > 1 && !text.contains(",,")).then(|| delays.join(","))
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("the list of delays is empty; no retries at all are asked for with 0 retries")]
    Empty,
    #[error(
        "\"{}\" is neither a preset (backoff, even, ten-in-total) nor a list such as 15s,30s,5m{near}", Untrusted::new(.0), near = did_you_mean(.0, PRESETS))]
    UnknownName(String),
    /// Delays without commas between them, and the list that they are with commas.
    #[error("the delays of a list are separated by commas: {meant}")]
    Separator { meant: String },
    /// A delay of the list, counted from 1, cannot be read.
    #[error("delay {position} of the list cannot be read")]
    Delay {
        /// Which delay, from 1.
        position: usize,
        source: DurationError,
    },
    #[error("the list has more delays ({delays}) than there are retries ({retries})")]
    ListTooLong { delays: usize, retries: usize },
    #[error("{preset} has {most} retries, not {retries}")]
    TooManyForPreset { preset: &'static str, retries: usize, most: usize },
    #[error("{retries} retries are more than the {MAX_RETRIES} that are supported")]
    TooManyRetries { retries: usize },
    #[error(
        "{retries} retries take {}, longer than the window of {}; {fitting} would fit",
        format_duration(*total), format_duration(*window)
    )]
    PastWindow { retries: usize, total: Duration, window: Duration, fitting: usize },
}

impl ScheduleError {
    /// What to type instead.
    pub fn hint(&self) -> String {
        match self {
            ScheduleError::Separator { meant } => format!("write {meant}"),
            ScheduleError::Empty => "write a list such as 15s,30s,5m, or --retries 0".to_owned(),
            ScheduleError::UnknownName(_) | ScheduleError::Delay { .. } => {
                "write a list such as 15s,30s,5m; a bare number is in seconds".to_owned()
            }
            ScheduleError::ListTooLong { delays, .. } => format!("raise it: --retries {delays}"),
            ScheduleError::TooManyForPreset { most, .. } => {
                format!("--retries {most}, or a list such as 15s,30s,5m")
            }
            ScheduleError::TooManyRetries { .. } => format!("--retries {MAX_RETRIES} at most"),
            ScheduleError::PastWindow { total, fitting, .. } => {
                format!(
                    "--window {}, or fewer retries: {fitting} would fit",
                    format_duration(*total)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::docs::examples;
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
    fn delays_without_commas_are_shown_with_them() {
        for (text, meant) in [
            ("15 30", "15s,30s"),
            ("15s 30s", "15s,30s"),
            ("15;30;1m30s", "15s,30s,1m30s"),
            ("15s, 30s 60s", "15s,30s,1m"),
            ("15|30", "15s,30s"),
        ] {
            let error = RetrySchedule::parse(text, None, DEFAULT_WINDOW).unwrap_err();
            assert_eq!(error, ScheduleError::Separator { meant: meant.to_owned() }, "{text}");
            assert_eq!(parse(meant, None).unwrap().join(","), meant);
        }
        assert_eq!(parse("1m 30s", None).unwrap(), ["1m30s"]);
        assert_eq!(parse("15,30", None).unwrap(), ["15s", "30s"]);
        assert!(parse("15 x", None).unwrap_err().contains("delay 1"));
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
        fn no_text_panics(text in any::<String>(), nearly in "[0-9.,hmsx -]{0,40}") {
            for text in [&text, &nearly] {
                let _ = Speed::parse(text);
                let _ = RetrySchedule::parse(text, None, DEFAULT_WINDOW);
            }
        }
    }

    #[test]
    fn docs_show_schedules_that_parse() {
        for example in examples("schedules.md", "schedules") {
            let schedule = RetrySchedule::parse(&example, None, DEFAULT_WINDOW);
            assert!(schedule.is_ok_and(|schedule| schedule.attempts() > 1), "{example}");
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed_and_one_more_is_not() {
        let zeros = |count| vec!["0s"; count].join(",");
        assert_eq!(parse(&zeros(100), Some(100)).unwrap().len(), 100);
        assert!(parse(&zeros(1), Some(101)).unwrap_err().contains("more than the 100"));
        let try_new = |retries| {
            RetrySchedule::try_new("x", vec![Duration::ZERO; retries], Duration::ZERO)
                .map(|schedule| schedule.attempts())
        };
        assert_eq!(try_new(100), Ok(101));
        assert_eq!(try_new(101), Err(ScheduleError::TooManyRetries { retries: 101 }));
        assert_eq!(parse(&zeros(10), None).unwrap().len(), 10);
        assert!(parse(&zeros(11), None).unwrap_err().contains("(11) than there are retries (10)"));
        assert_eq!(parse("backoff", Some(10)), parse("backoff", None));
        assert_eq!(parse("ten-in-total", Some(9)), parse("ten-in-total", None));
        assert!(parse("60m", None).is_ok());
        let long = parse("30m,30m,1ms", None).unwrap_err();
        assert!(long.ends_with("longer than the window of 1h; 2 would fit"), "{long}");
    }

    #[test]
    fn a_list_that_begins_with_a_name_is_a_list() {
        assert!(parse("backof,5s", None).unwrap_err().contains("delay 1"));
    }

    #[test]
    fn blanks_around_a_schedule_are_not_part_of_its_name() {
        let schedule = RetrySchedule::parse(" even ", None, DEFAULT_WINDOW).unwrap();
        assert_eq!((schedule.name(), schedule.attempts()), ("even", 11));
    }
}
