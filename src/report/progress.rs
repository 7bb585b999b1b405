//! How far a run of many deliveries is, in a few words.

use std::time::Duration;

use super::figures::{counted, grouped, rate, share, span, three_digits};
use super::line::Line;
use super::summary::DeliverySummary;

/// The rate is measured over at least this time, so that it can be read.
const RATE_OVER: Duration = Duration::from_secs(1);

const GUESS_AFTER: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressFigures {
    pub elapsed: Duration,
    pub ended: u64,
    pub orders: Option<u64>,
    pub acknowledged: u64,
    /// The orders that ended without an acknowledgement.
    pub failed: u64,
    pub pending_retries: u64,
    pub rate: Option<f64>,
    /// The latencies so far: the median, and the 99th percentile.
    pub latency: Option<(Duration, Duration)>,
}

/// What a terminal shows of a run, in one line: a bar of some columns, or none, and a text beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveLine {
    pub bar: usize,
    pub text: String,
}

/// The figures of a live line in the order in which they are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Ended,
    Rate,
    Median,
    Percentile,
    Acknowledged,
    Failed,
    Retrying,
    TimeLeft,
}

/// The same, the most important first: a narrow terminal shows these.
const BY_IMPORTANCE: [Shown; 7] = [
    Shown::Acknowledged,
    Shown::Failed,
    Shown::Retrying,
    Shown::Rate,
    Shown::Percentile,
    Shown::Median,
    Shown::TimeLeft,
];

const BAR_WIDTHS: [usize; 2] = [20, 10];

const GAP: &str = "  ";

impl ProgressFigures {
    /// The time left if the orders continue to end at this rate: a guess, because pending retries
    /// wait for the schedule, however fast the rest is.
    pub fn time_left(&self) -> Option<Duration> {
        if self.elapsed < GUESS_AFTER {
            return None;
        }
        let left = self.orders?.saturating_sub(self.ended);
        let each = self.elapsed.checked_div(u32::try_from(self.ended).unwrap_or(u32::MAX))?;
        Some(each.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX)))
    }

    pub fn line(&self) -> Line {
        let ended = match self.orders {
            Some(orders) => format!(
                "{} of {} ended ({})",
                grouped(self.ended),
                counted(orders, "order"),
                share(self.ended, orders)
            ),
            None => format!("{} ended", counted(self.ended, "order")),
        };
        let mut parts = vec![ended];
        parts.push(format!("{} acknowledged", grouped(self.acknowledged)));
        parts.push(format!("{} failed", grouped(self.failed)));
        parts.push(match self.pending_retries {
            1 => "1 retry pending".to_owned(),
            pending => format!("{} retries pending", grouped(pending)),
        });
        parts.extend(self.rate.map(rate));
        let latency = [Shown::Median, Shown::Percentile];
        parts.extend(latency.into_iter().filter_map(|shown| self.text(shown, true)));
        parts.extend(self.time_left().map(|left| format!("about {} left", about(left))));
        Line::new().dim(format!("progress, {}: ", span(self.elapsed))).plain(parts.join(", "))
    }

    /// As many of the figures as `columns` hold: a figure is shown whole or not at all.
    pub fn live_line(&self, columns: usize) -> LiveLine {
        let width = |parts: &[(Shown, String)]| -> usize {
            let texts = parts.iter().map(|(_, text)| text.chars().count() + GAP.len());
            texts.sum::<usize>().saturating_sub(GAP.len())
        };
        let mut parts: Vec<(Shown, String)> = Vec::new();
        let add = |parts: &mut Vec<(Shown, String)>, shown: Shown, text: Option<String>| {
            let with = parts.iter().filter(|part| part.0 != shown).cloned();
            let with: Vec<_> = with.chain(text.map(|text| (shown, text))).collect();
            if width(&with) <= columns {
                *parts = with;
            }
        };
        for shown in BY_IMPORTANCE {
            // The share of the orders needs less room than their number, which may replace it.
            if shown == Shown::TimeLeft {
                add(&mut parts, Shown::Ended, self.text(Shown::Ended, true));
                add(&mut parts, Shown::Ended, self.text(Shown::Ended, false));
            }
            add(&mut parts, shown, self.text(shown, true));
        }
        let left = columns.saturating_sub(width(&parts));
        let has_end = self.orders.is_some_and(|orders| orders > 0);
        let bar = BAR_WIDTHS.into_iter().find(|bar| has_end && *bar < left).unwrap_or(0);
        parts.sort_by_key(|part| part.0 as usize);
        let texts: Vec<String> = parts.into_iter().map(|part| part.1).collect();
        LiveLine { bar, text: texts.join(GAP) }
    }

    fn text(&self, shown: Shown, is_short: bool) -> Option<String> {
        Some(match (shown, self.orders) {
            (Shown::Ended, Some(orders)) if is_short => share_ended(self.ended, orders),
            (Shown::Ended, Some(orders)) => format!("{}/{}", grouped(self.ended), grouped(orders)),
            (Shown::Ended, None) => format!("{} ended", grouped(self.ended)),
            (Shown::Rate, _) => rate(self.rate?),
            (Shown::Median, _) => format!("p50 {}", three_digits(self.latency?.0)),
            (Shown::Percentile, _) => format!("p99 {}", three_digits(self.latency?.1)),
            (Shown::Acknowledged, _) => format!("{} acked", grouped(self.acknowledged)),
            (Shown::Failed, _) => format!("{} failed", grouped(self.failed)),
            (Shown::Retrying, _) => format!("{} retrying", grouped(self.pending_retries)),
            (Shown::TimeLeft, _) => format!("~{}", about(self.time_left()?)),
        })
    }
}

/// A whole percentage: cut, so that 100% is all of them.
fn share_ended(ended: u64, orders: u64) -> String {
    let share = u128::from(ended.min(orders)) * 100 / u128::from(orders.max(1));
    format!("{share}%")
}

/// A guessed time: no finer than a second.
fn about(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        _ => span(time),
    }
}

#[derive(Clone, Debug, Default)]
pub struct ProgressMeter {
    since: Duration,
    attempts_then: u64,
    rate: Option<f64>,
}

impl ProgressMeter {
    pub fn read(&mut self, summary: &DeliverySummary, elapsed: Duration) -> ProgressFigures {
        let passed = elapsed.saturating_sub(self.since);
        if passed >= RATE_OVER {
            let attempts = summary.attempts().saturating_sub(self.attempts_then);
            self.rate = Some(attempts as f64 / passed.as_secs_f64());
            (self.since, self.attempts_then) = (elapsed, summary.attempts());
        }
        let orders = summary.lives.as_ref().map_or(summary.orders, |lives| lives.orders);
        ProgressFigures {
            elapsed,
            ended: orders.ended(),
            orders: summary.facts.orders,
            acknowledged: orders.acknowledged,
            failed: orders.ended().saturating_sub(orders.acknowledged),
            pending_retries: summary.pending_retries(),
            rate: self.rate,
            latency: summary.latency.quantile(0.5).zip(summary.latency.quantile(0.99)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;

    #[test]
    fn the_figures_follow_the_run() {
        let mut summary = DeliverySummary::new(sample::facts(1000));
        let mut meter = ProgressMeter::default();
        let first = meter.read(&summary, Duration::ZERO);
        assert_eq!((first.rate, first.time_left()), (None, None));
        let events = sample::events(1000);
        events.iter().take(900).for_each(|event| summary.fold(event));
        let then = meter.read(&summary, Duration::from_secs(5));
        assert!(then.rate.is_some_and(|rate| rate > 50.0) && then.time_left().is_some());
        assert!(then.pending_retries > 0, "{then:?}");
        assert!(then.latency.is_some_and(|(median, p99)| median < p99), "{then:?}");
        events.iter().skip(900).for_each(|event| summary.fold(event));
        let end = meter.read(&summary, Duration::from_secs(10));
        assert!(end.failed > 0 && end.acknowledged + end.failed == end.ended, "{end:?}");
        assert_eq!(
            (end.ended, end.pending_retries, end.time_left()),
            (1000, 0, Some(Duration::ZERO))
        );
    }

    fn figures() -> ProgressFigures {
        ProgressFigures {
            elapsed: Duration::from_secs(20),
            ended: 1200,
            orders: Some(5000),
            acknowledged: 1180,
            failed: 20,
            pending_retries: 1,
            rate: Some(60.0),
            latency: Some((Duration::from_micros(1_400), Duration::from_millis(45))),
        }
    }

    #[test]
    fn a_live_line_shows_whole_figures_and_the_most_important_ones_where_room_is_short() {
        let shown = |columns| {
            let LiveLine { bar, text } = figures().live_line(columns);
            assert!(text.chars().count() + bar + usize::from(bar > 0) <= columns, "{text}");
            (bar, text)
        };
        let all =
            "1,200/5,000  60.0/s  p50 1.40 ms  p99 45.0 ms  1,180 acked  20 failed  1 retrying";
        assert_eq!(shown(112), (20, format!("{all}  ~1m03s")));
        let some = "24%  60.0/s  p50 1.40 ms  p99 45.0 ms  1,180 acked  20 failed  1 retrying";
        assert_eq!(shown(76), (0, some.to_owned()));
        let few = "24%  60.0/s  p99 45.0 ms  1,180 acked  20 failed  1 retrying";
        assert_eq!(shown(60), (0, few.to_owned()));
        assert_eq!(shown(12), (0, "1,180 acked".to_owned()));
        (0..130).for_each(|columns| drop(shown(columns)));
    }

    #[test]
    fn a_live_line_of_a_source_without_an_end_has_no_bar() {
        let endless = ProgressFigures { orders: None, latency: None, rate: None, ..figures() };
        let LiveLine { bar, text } = endless.live_line(200);
        assert_eq!((bar, text.as_str()), (0, "1,200 ended  1,180 acked  20 failed  1 retrying"));
        let empty = ProgressFigures { ended: 0, orders: Some(0), ..figures() };
        assert_eq!(empty.live_line(200).bar, 0);
    }

    #[test]
    fn the_line_says_it_in_words() {
        let text: String = figures().line().spans.into_iter().map(|span| span.text).collect();
        assert_eq!(
            text,
            "progress, 20.0 s: 1,200 of 5,000 orders ended (24%), 1,180 acknowledged, 20 failed, \
             1 retry pending, 60.0/s, p50 1.40 ms, p99 45.0 ms, about 1m03s left"
        );
    }
}
