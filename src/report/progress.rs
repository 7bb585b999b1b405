//! How far a run of many deliveries is, in a few words.

use std::time::Duration;

use super::figures::{counted, grouped, rate, share, span};
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
    pub pending_retries: u64,
    pub rate: Option<f64>,
}

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
        parts.push(match self.pending_retries {
            1 => "1 retry pending".to_owned(),
            pending => format!("{} retries pending", grouped(pending)),
        });
        parts.extend(self.rate.map(rate));
        parts.extend(self.time_left().map(|left| format!("about {} left", about(left))));
        Line::new().dim(format!("progress, {}: ", span(self.elapsed))).plain(parts.join(", "))
    }

    /// The figures beside a bar, in some 55 columns.
    pub fn beside_a_bar(&self) -> String {
        let ended = match self.orders {
            Some(orders) => format!("{}/{}", grouped(self.ended), grouped(orders)),
            None => grouped(self.ended),
        };
        let mut parts = vec![ended];
        parts.extend(self.rate.map(rate));
        parts.push(format!("{} acked", grouped(self.acknowledged)));
        parts.push(format!("{} retrying", grouped(self.pending_retries)));
        parts.extend(self.time_left().map(|left| format!("~{}", about(left))));
        parts.join("  ")
    }
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
        ProgressFigures {
            elapsed,
            ended: summary.orders.ended(),
            orders: summary.facts.orders,
            acknowledged: summary.orders.acknowledged,
            pending_retries: summary.pending_retries(),
            rate: self.rate,
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
        assert!(then.beside_a_bar().chars().count() <= 60, "{}", then.beside_a_bar());
        events.iter().skip(900).for_each(|event| summary.fold(event));
        let end = meter.read(&summary, Duration::from_secs(10));
        assert_eq!(
            (end.ended, end.pending_retries, end.time_left()),
            (1000, 0, Some(Duration::ZERO))
        );
    }

    #[test]
    fn the_line_says_it_in_words() {
        let figures = ProgressFigures {
            elapsed: Duration::from_secs(20),
            ended: 1200,
            orders: Some(5000),
            acknowledged: 1180,
            pending_retries: 1,
            rate: Some(60.0),
        };
        let text: String = figures.line().spans.into_iter().map(|span| span.text).collect();
        assert_eq!(
            text,
            "progress, 20.0 s: 1,200 of 5,000 orders ended (24%), 1,180 acknowledged, 1 retry \
             pending, 60.0/s, about 1m03s left"
        );
    }
}
