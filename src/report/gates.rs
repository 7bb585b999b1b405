//! Gates: conditions such as `p99>200ms` under which a run counts as failed.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use protocol::internal::nearest::nearest;

use super::figures::{grouped, percent, percent_text, rate, three_digits};
use super::summary::DeliverySummary;
use super::summary::latency::LatencyFigures;
use crate::mask::Untrusted;
use crate::net::phases::AttemptPhase;

const LONGEST_GATE: usize = 64;

const LARGEST_NUMBER: f64 = 1e12;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// The share of attempts that were at least as fast, from 0 to 1.
    Quantile(f64),
    Max,
    Mean,
    Rate,
    Count(Count),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Acked,
    Exhausted,
    Retried,
    Failed,
    Throttled,
    Duplicates,
    Unknown,
}

/// The phases of an attempt by the names that they have before a metric of times: `ttfb.p99`.
const PHASES: [(&str, AttemptPhase); 5] = [
    ("resolve", AttemptPhase::Resolve),
    ("connect", AttemptPhase::Connect),
    ("tls", AttemptPhase::Tls),
    ("send", AttemptPhase::Send),
    ("ttfb", AttemptPhase::FirstByte),
];

const METRICS: [(&str, Metric); 15] = [
    ("p50", Metric::Quantile(0.5)),
    ("p90", Metric::Quantile(0.9)),
    ("p95", Metric::Quantile(0.95)),
    ("p99", Metric::Quantile(0.99)),
    ("p99.9", Metric::Quantile(0.999)),
    ("max", Metric::Max),
    ("mean", Metric::Mean),
    ("acked", Metric::Count(Count::Acked)),
    ("exhausted", Metric::Count(Count::Exhausted)),
    ("retried", Metric::Count(Count::Retried)),
    ("failed", Metric::Count(Count::Failed)),
    ("rate", Metric::Rate),
    ("throttled", Metric::Count(Count::Throttled)),
    ("duplicates", Metric::Count(Count::Duplicates)),
    ("unknown", Metric::Count(Count::Unknown)),
];

impl Metric {
    pub fn name(self) -> &'static str {
        METRICS.iter().find(|(_, metric)| *metric == self).map_or("", |(name, _)| name)
    }

    const fn is_time(self) -> bool {
        matches!(self, Metric::Quantile(_) | Metric::Max | Metric::Mean)
    }

    const fn units(self) -> &'static str {
        match self {
            Metric::Quantile(_) | Metric::Max | Metric::Mean => "us, ms or s",
            Metric::Rate => "/s",
            Metric::Count(Count::Throttled | Count::Unknown) => "no unit",
            Metric::Count(_) => "% or no unit",
        }
    }
}

/// Each operator, and the orders of the measured value and the limit for which it holds.
const OPERATORS: [(&str, &[Ordering]); 10] = [
    ("<", &[Ordering::Less]),
    ("<=", &[Ordering::Less, Ordering::Equal]),
    ("≤", &[Ordering::Less, Ordering::Equal]),
    (">", &[Ordering::Greater]),
    (">=", &[Ordering::Greater, Ordering::Equal]),
    ("≥", &[Ordering::Greater, Ordering::Equal]),
    ("=", &[Ordering::Equal]),
    ("==", &[Ordering::Equal]),
    ("!=", &[Ordering::Less, Ordering::Greater]),
    ("≠", &[Ordering::Less, Ordering::Greater]),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    Time(Duration),
    /// A share in percent.
    Percent(f64),
    Count(u64),
    Rate(f64),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Figure::Time(time) => three_digits(*time),
            Figure::Percent(share) => percent_text(*share),
            Figure::Count(count) => grouped(*count),
            Figure::Rate(per_second) => rate(*per_second),
        })
    }
}

/// A condition under which a run counts as failed, such as `p99>200ms` or `acked<100%`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    text: String,
    /// The phase whose times are measured; `None` for the latency and what has no times.
    phase: Option<AttemptPhase>,
    metric: Metric,
    /// Fails where the measured value compares with the limit as one of these.
    fails_if: &'static [Ordering],
    limit: Figure,
}

impl Gate {
    pub fn parse(text: &str) -> Result<Self, GateError> {
        let text = text.trim();
        if text.len() > LONGEST_GATE {
            return Err(GateError::TooLong);
        }
        let is_sign = |c: char| "<>=!~≤≥≠".contains(c);
        let start = text.find(is_sign).ok_or_else(|| GateError::NoOperator(text.to_owned()))?;
        let (name, rest) = text.split_at(start);
        let (sign, limit) = rest.split_at(rest.find(|c| !is_sign(c)).unwrap_or(rest.len()));
        let (phase, metric) = parse_metric(name.trim())?;
        let fails_if = parse_operator(sign)?;
        let limit = parse_limit(&name_of(phase, metric), metric, limit.trim())?;
        Ok(Gate { text: text.to_owned(), phase, metric, fails_if, limit })
    }

    /// The figures of the times that it measures.
    fn figures<'s>(&self, summary: &'s DeliverySummary) -> Option<&'s LatencyFigures> {
        match self.phase {
            None => Some(&summary.latency),
            Some(phase) => summary.phases.of(phase),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Measures a finished run; without a single attempt there is nothing to measure.
    #[must_use]
    pub fn evaluate(&self, summary: &DeliverySummary) -> GateResult {
        let measured = if summary.attempts() == 0 { None } else { self.measure(summary) };
        let verdict = match measured {
            None => GateVerdict::NoData,
            Some(measured) if self.fails_if.contains(&self.compare(summary, measured)) => {
                GateVerdict::Failed
            }
            Some(_) => GateVerdict::Passed,
        };
        GateResult { gate: self.clone(), measured, verdict }
    }

    fn measure(&self, summary: &DeliverySummary) -> Option<Figure> {
        let count = match self.metric {
            Metric::Quantile(quantile) => {
                return self.figures(summary)?.quantile(quantile).map(Figure::Time);
            }
            Metric::Max => return self.figures(summary)?.longest().map(Figure::Time),
            Metric::Mean => return self.figures(summary)?.mean().map(Figure::Time),
            Metric::Rate => return summary.rate().map(Figure::Rate),
            Metric::Count(count) => count,
        };
        let (orders, total) = (&summary.orders, summary.total_orders());
        let (stale, stale_orders) = summary.stale();
        let (part, whole) = match count {
            Count::Acked => (orders.acknowledged, total.saturating_sub(stale_orders)),
            Count::Exhausted => {
                (orders.exhausted.saturating_sub(stale_orders), total.saturating_sub(stale_orders))
            }
            Count::Retried => (orders.retried, total),
            Count::Failed => (
                summary.failed_attempts().saturating_sub(stale),
                summary.attempts().saturating_sub(stale),
            ),
            Count::Duplicates => (orders.duplicates, total),
            Count::Throttled => (summary.throttling.episodes, 0),
            Count::Unknown => (summary.unknown_outcomes, 0),
        };
        match self.limit {
            Figure::Percent(_) => percent(part, whole).map(Figure::Percent),
            _ => Some(Figure::Count(part)),
        }
    }

    fn compare(&self, summary: &DeliverySummary, measured: Figure) -> Ordering {
        match (measured, self.limit) {
            // A quantile is known to three digits only, so equal within them is equal.
            (Figure::Time(time), Figure::Time(limit))
                if matches!(self.metric, Metric::Quantile(_)) =>
            {
                let figures = self.figures(summary).unwrap_or(&summary.latency);
                figures.compare(time, limit)
            }
            (Figure::Time(time), Figure::Time(limit)) => time.cmp(&limit),
            (Figure::Count(count), Figure::Count(limit)) => count.cmp(&limit),
            (Figure::Percent(a), Figure::Percent(b)) | (Figure::Rate(a), Figure::Rate(b)) => {
                a.total_cmp(&b)
            }
            // The limit was read for this metric, so the kinds are always the same.
            _ => Ordering::Equal,
        }
    }
}

fn parse_metric(name: &str) -> Result<(Option<AttemptPhase>, Metric), GateError> {
    let lower = name.to_ascii_lowercase();
    let phase = |name: &str| PHASES.iter().find(|(known, _)| *known == name).copied();
    let metric = |name: &str| METRICS.iter().find(|(known, _)| *known == name).copied();
    let unknown = |nearest: Option<String>| GateError::Metric { name: name.to_owned(), nearest };
    if let Some((_, metric)) = metric(&lower) {
        return Ok((None, metric));
    }
    let (before, after) = lower.split_once('.').unwrap_or((&lower, ""));
    let Some((of, phase)) = phase(before) else {
        let of = nearest(before, PHASES.map(|(known, _)| known)).filter(|_| !after.is_empty());
        let nearest = match of {
            Some(of) => Some(format!("{of}.{after}")),
            None => nearest(&lower, METRICS.map(|(known, _)| known)).map(str::to_owned),
        };
        return Err(unknown(nearest));
    };
    match metric(after).filter(|(_, metric)| metric.is_time()) {
        Some((_, metric)) => Ok((Some(phase), metric)),
        None => {
            let times = METRICS.iter().filter(|(_, metric)| metric.is_time());
            let after = nearest(after, times.map(|(known, _)| *known)).unwrap_or("p99");
            Err(unknown(Some(format!("{of}.{after}"))))
        }
    }
}

/// A metric as it is written in a gate.
fn name_of(phase: Option<AttemptPhase>, metric: Metric) -> String {
    let phase = phase.and_then(|phase| PHASES.iter().find(|(_, each)| *each == phase));
    phase.map_or_else(|| metric.name().to_owned(), |(of, _)| format!("{of}.{}", metric.name()))
}

fn parse_operator(sign: &str) -> Result<&'static [Ordering], GateError> {
    let found = OPERATORS.iter().find(|(known, _)| *known == sign);
    found.map(|(_, fails_if)| *fails_if).ok_or_else(|| {
        let nearest = match sign {
            "=<" => "<=",
            "=>" => ">=",
            "===" => "=",
            _ => "!=",
        };
        GateError::Operator { sign: sign.to_owned(), nearest }
    })
}

fn parse_limit(name: &str, metric: Metric, text: &str) -> Result<Figure, GateError> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let (digits, unit) = text.split_at(text.find(|c| !number(c)).unwrap_or(text.len()));
    let value = digits.parse::<f64>().ok().filter(|value| *value <= LARGEST_NUMBER);
    let value = value.ok_or_else(|| GateError::Number(text.to_owned()))?;
    let unit = unit.trim();
    let wrong_unit = || GateError::Unit {
        metric: name.to_owned(),
        unit: unit.to_owned(),
        units: metric.units(),
        nearest: nearest_unit(metric, unit),
    };
    match (metric, unit) {
        (Metric::Quantile(_) | Metric::Max | Metric::Mean, unit) => {
            let seconds = match unit {
                "us" | "µs" | "μs" => value / 1e6,
                "ms" => value / 1e3,
                "s" => value,
                _ => return Err(wrong_unit()),
            };
            let time = Duration::try_from_secs_f64(seconds);
            time.map(Figure::Time).map_err(|_| GateError::Number(text.to_owned()))
        }
        (Metric::Rate, "/s" | "") => Ok(Figure::Rate(value)),
        (Metric::Count(Count::Throttled | Count::Unknown) | Metric::Rate, "%") => Err(wrong_unit()),
        (Metric::Count(_), "%") if value > 100.0 => Err(GateError::AboveAll(text.to_owned())),
        (Metric::Count(_), "%") => Ok(Figure::Percent(value)),
        (Metric::Count(_), "") if value.fract() == 0.0 => Ok(Figure::Count(value as u64)),
        (Metric::Count(_), "") => Err(GateError::Fraction(text.to_owned())),
        _ => Err(wrong_unit()),
    }
}

fn nearest_unit(metric: Metric, unit: &str) -> Option<&'static str> {
    match (metric, unit.to_ascii_lowercase().as_str()) {
        (Metric::Rate, "s" | "rps" | "/sec" | "/second" | "hz") => Some("/s"),
        (Metric::Rate | Metric::Count(_), _) => None,
        (_, "ms" | "msec" | "millis" | "m") => Some("ms"),
        (_, "us" | "usec" | "micros" | "u") => Some("us"),
        (_, "s" | "sec" | "secs" | "seconds") => Some("s"),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerdict {
    Passed,
    Failed,
    NoData,
}

impl GateVerdict {
    pub const fn code(self) -> &'static str {
        match self {
            GateVerdict::Passed => "passed",
            GateVerdict::Failed => "failed",
            GateVerdict::NoData => "no-data",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct GateResult {
    pub gate: Gate,
    /// What was measured; `None` where there is nothing to measure.
    pub measured: Option<Figure>,
    pub verdict: GateVerdict,
}

impl GateResult {
    pub fn is_passed(&self) -> bool {
        self.verdict == GateVerdict::Passed
    }

    /// What was measured, in words: `p99 is 312 ms`.
    pub fn explanation(&self) -> String {
        let name = name_of(self.gate.phase, self.gate.metric);
        match self.measured {
            Some(measured) => format!("{name} is {measured}"),
            None => format!("there is nothing to measure {name} by"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    #[error("a gate has at most {LONGEST_GATE} bytes, such as p99>200ms")]
    TooLong,
    #[error("\"{}\" has no operator; write a gate such as p99>200ms or acked<100%", Untrusted::new(.0))]
    NoOperator(String),
    #[error(
        "\"{}\" is not a metric{}; there are {}, and of the phases {} their times, such as ttfb.p99",
        Untrusted::new(.name),
        did_you_mean(nearest.as_deref()),
        METRICS.map(|(name, _)| name).join(", "),
        PHASES.map(|(name, _)| name).join(", ")
    )]
    Metric { name: String, nearest: Option<String> },
    #[error("\"{}\" is no operator; did you mean {nearest}? There are < <= > >= = !=", Untrusted::new(.sign))]
    Operator { sign: String, nearest: &'static str },
    #[error("\"{}\" is no limit; write a number and its unit, such as 200ms, 1% or 0", Untrusted::new(.0))]
    Number(String),
    #[error(
        "{metric} takes {units}, not {}{}",
        if unit.is_empty() { "a plain number".to_owned() } else { format!("\"{unit}\"") },
        did_you_mean(*nearest)
    )]
    Unit { metric: String, unit: String, units: &'static str, nearest: Option<&'static str> },
    #[error("\"{}\" is more than all of them; a share is at most 100%", Untrusted::new(.0))]
    AboveAll(String),
    #[error("\"{}\" is no whole number; write a % behind a share", Untrusted::new(.0))]
    Fraction(String),
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(", did you mean {nearest}?"))
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
