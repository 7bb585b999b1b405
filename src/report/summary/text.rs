//! The summary of a run for a person, within 80 columns but for reasons in words, which a terminal
//! breaks between them.

use super::latency::{LatencyFigures, SHOWN_QUANTILES};
use super::{AttemptCounts, DeliverySummary, RunReport};
use crate::report::drawing::{LogScale, bar, curve, labels};
use crate::report::figures::{counted, grouped, rate, share, shortened, span, three_digits};
use crate::report::gates::{GateResult, GateVerdict};
use crate::report::line::Line;
use crate::sender::record::Attempt;
use crate::sender::schedule::format_duration;

const MOST_REASONS: usize = 8;
const MOST_SLOW: usize = 5;
const MOST_FAILURES: usize = 5;
const MOST_ATTEMPT_ROWS: usize = 12;
const LONGEST_ID: usize = 32;
const LABEL: usize = 16;
const CURVE: usize = 60;

pub fn lines(report: &RunReport) -> Vec<Line> {
    let summary = &report.summary;
    let mut lines: Vec<Line> =
        report.failed_gates().map(|failed| Line::new().bad(failed)).into_iter().collect();
    lines.extend(headline(summary));
    lines.extend(remarks(summary));
    lines.extend(attempts(summary));
    lines.extend(reasons(summary));
    lines.extend(latency(summary));
    lines.extend(phases(summary));
    lines.extend(slowest(summary));
    lines.extend(failures(summary));
    if !report.gates.is_empty() {
        lines
            .push(heading("Gates").dim(": conditions of --fail-if; one that is met fails the run"));
        lines.extend(report.gates.iter().map(gate_line));
    }
    lines
}

/// One attempt of a run of a single order: when it was sent, for which status, and its result.
pub fn attempt(attempt: &Attempt, step: Option<u32>, status: &str) -> Line {
    let sent = Line::new().dim(format!("{:>8}  ", format!("+{}", span(attempt.sent))));
    let sent = sent.accent(format!("{}{status:<14}", of_step(step)));
    let sent = sent.plain(format!("  attempt {}  ", attempt.attempt));
    let took = three_digits(attempt.service_time());
    match &attempt.explanation {
        None => sent.good("acknowledged").dim(format!(" in {took}")),
        Some(why) => sent.bad(attempt.code.to_string()).dim(format!(" in {took}: {why}")),
    }
}

fn heading(text: &'static str) -> Line {
    Line::new().strong(text)
}

fn headline(summary: &DeliverySummary) -> Vec<Line> {
    let of_lives = summary.orders_of_lives();
    let (orders, total) = of_lives.unwrap_or((summary.orders, summary.total_orders()));
    let in_words = of_lives.map_or_else(|| summary.total_in_words(), |_| counted(total, "order"));
    let acknowledged = format!("{} of {in_words} acknowledged", grouped(orders.acknowledged));
    let line = match (total, orders.acknowledged == total) {
        (0, _) => Line::new().warn("no orders"),
        (_, true) => Line::new().good(acknowledged),
        (_, false) => Line::new().bad(acknowledged),
    };
    let line =
        line.plain(format!(" ({}) in {}", share(orders.acknowledged, total), span(summary.length)));
    let mut parts = vec![counted(summary.attempts(), "attempt")];
    let mut count = |count: u64, what: &str| {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    };
    count(orders.exhausted, "exhausted");
    count(orders.interrupted, "interrupted");
    let not_sent = of_lives.map_or_else(|| summary.not_sent(), |(orders, _)| orders.not_sent);
    count(not_sent, "not sent");
    count(total.saturating_sub(orders.ended() + not_sent), "not ended");
    count(orders.retried, "retried");
    let mut lines = vec![line, Line::new().plain(format!("  {}", parts.join(", ")))];
    lines.extend(notifications(summary));
    lines.extend(summary.rate().map(|achieved| {
        let ramp =
            summary.facts.ramp.map(|ramp| format!(" after a ramp of {}", format_duration(ramp)));
        let ramp = ramp.unwrap_or_default();
        let planned = summary.facts.rate.map(|it| format!(" (planned {}{ramp})", rate(it)));
        let planned = planned.unwrap_or_default();
        Line::new().plain(format!("  first notifications at {}{planned}", rate(achieved)))
    }));
    lines
}

/// What was sent, where an order has several notifications.
fn notifications(summary: &DeliverySummary) -> Option<Line> {
    summary.lives.as_ref()?;
    let sent = summary.orders;
    let mut parts = vec![format!("{} acknowledged", grouped(sent.acknowledged))];
    for (count, what) in [
        (sent.exhausted, "exhausted"),
        (sent.interrupted, "interrupted"),
        (sent.not_sent, "not sent"),
        (sent.retried, "retried"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    let all = summary.total_in_words();
    Some(Line::new().plain(format!("  {all}: {}", parts.join(", "))))
}

fn remarks(summary: &DeliverySummary) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(why) = &summary.cut_short {
        lines.push(Line::new().bad("  cut short").plain(format!(": {why}")));
    }
    if summary.orders.duplicates > 0 {
        let duplicates = summary.orders.duplicates;
        let orders = counted(summary.total_orders().saturating_sub(duplicates), summary.noun());
        let duplicates = counted(duplicates, "duplicate");
        lines.push(Line::new().plain(format!("  {orders} and {duplicates} on purpose")));
    }
    if summary.throttling.episodes > 0 {
        let first = summary.throttling.first_at.map_or_else(String::new, span);
        lines.push(Line::new().warn("  held back").plain(format!(
            " {}: up to {} in flight, first at +{first}",
            counted(summary.throttling.episodes, "time"),
            grouped(summary.throttling.in_flight as u64)
        )));
    }
    if summary.unknown_outcomes > 0 {
        let told = format!(": {}", unknown_outcomes(summary));
        lines.push(Line::new().warn("  unknown outcome").plain(told));
    }
    if summary.orders.lapsed > 0 {
        let orders = counted(summary.orders.lapsed, summary.noun());
        let told = format!(" for {orders} while the sender was stopped");
        lines.push(Line::new().warn("  window ended").plain(told));
    }
    let (stale, _) = summary.stale();
    if stale > 0 {
        let attempts = counted(stale, "attempt");
        let told = format!(": {attempts} met a kept connection's end; gates leave them out");
        lines.push(Line::new().warn("  stale").plain(told));
    }
    if summary.has_delayed_replies() {
        let told = " reply times sit at 40-44 ms, where Nagle's algorithm meets delayed";
        lines.push(Line::new().accent("  hint:").plain(told));
        let told = "        acknowledgements: set TCP_NODELAY on the merchant's side";
        lines.push(Line::new().plain(told));
    }
    lines.extend(earlier(summary));
    lines
}

pub(super) fn unknown_outcomes(summary: &DeliverySummary) -> String {
    let attempts = counted(summary.unknown_outcomes, "attempt");
    let sent = match summary.sent_again {
        0 => "not sent again".to_owned(),
        all if all == summary.unknown_outcomes => "sent again".to_owned(),
        some => format!("{} sent again", grouped(some)),
    };
    format!("{attempts} of an earlier part, {sent}")
}

fn earlier(summary: &DeliverySummary) -> Vec<Line> {
    let earlier = summary.earlier;
    if earlier.parts == 0 {
        return Vec::new();
    }
    let attempts = counted(earlier.attempts, "attempt");
    let parts = counted(u64::from(earlier.parts), "earlier part");
    let mut lines =
        vec![Line::new().plain(format!("  resumed: {attempts} in {parts} are counted in"))];
    if earlier.untimed > 0 {
        let attempts = counted(earlier.untimed, "attempt");
        let told = format!(" leave out {attempts} of which no times are recorded");
        lines.push(Line::new().warn("  latencies").plain(told));
    }
    lines
}

fn attempts(summary: &DeliverySummary) -> Vec<Line> {
    let rows = &summary.by_attempt;
    let most = rows.iter().map(AttemptCounts::made).max().unwrap_or(0);
    if most == 0 {
        return Vec::new();
    }
    let whole = if summary.lives.is_some() { "share" } else { "of orders" };
    let head = format!("  {:<5}{:>11}{:>11}{:>10}  ", "", "made", "acked", whole);
    let mut lines = vec![heading("By attempt"), Line::new().dim(head.trim_end().to_owned())];
    lines.extend(rows.iter().take(MOST_ATTEMPT_ROWS).map(|row| {
        let made = row.made();
        let (good, all) = (bar(row.acknowledged, most, 36), bar(made, most, 36));
        let rest = all.chars().count().saturating_sub(good.chars().count());
        Line::new()
            .plain(format!(
                "  #{:<4}{:>11}{:>11}{:>10}  ",
                row.attempt,
                grouped(made),
                grouped(row.acknowledged),
                share(row.acknowledged, summary.total_orders()),
            ))
            .good(good)
            .bad("░".repeat(rest))
    }));
    lines.extend(left_out(rows.len(), MOST_ATTEMPT_ROWS, "attempt number"));
    lines
}

fn left_out(all: usize, shown: usize, noun: &str) -> Option<Line> {
    let more = all.checked_sub(shown).filter(|more| *more > 0)?;
    Some(Line::new().dim(format!("  and {}", counted(more as u64, &format!("more {noun}")))))
}

fn reasons(summary: &DeliverySummary) -> Vec<Line> {
    if summary.reasons.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![heading("Attempts without acknowledgement, by reason")];
    for reason in summary.reasons.iter().take(MOST_REASONS) {
        let count = grouped(reason.attempts);
        let name = shortened(&reason.code, 24);
        lines.push(
            Line::new()
                .plain(format!("  {count:>9}  "))
                .bad(format!("{name:<LABEL$}"))
                .dim(format!("  {}", reason.explanation)),
        );
    }
    lines.extend(left_out(summary.reasons.len(), MOST_REASONS, "reason"));
    lines
}

fn latency(summary: &DeliverySummary) -> Vec<Line> {
    let clocks = [("intended time", &summary.latency), ("real send time", &summary.service_time)];
    let shortest = clocks.iter().filter_map(|(_, figures)| figures.shortest()).min();
    let longest = clocks.iter().filter_map(|(_, figures)| figures.longest()).max();
    let Some((shortest, longest)) = shortest.zip(longest) else { return Vec::new() };
    let head = Line::new().dim(quantile_names("from the"));
    let mut lines = vec![heading("Latency of all attempts"), head];
    lines.extend(clocks.iter().map(|(name, figures)| quantiles(name, figures)));
    let scale = LogScale::around(shortest, longest);
    lines.extend(clocks.iter().map(|(name, figures)| {
        let drawing = curve(&figures.distribution(&scale, CURVE));
        Line::new().plain(format!("  {name:<LABEL$}")).accent(drawing.trim_end().to_owned())
    }));
    let ticks: Vec<(usize, String)> = scale
        .ticks()
        .into_iter()
        .map(|(place, label)| ((place * CURVE as f64) as usize, label))
        .collect();
    lines.push(Line::new().dim(format!("  {:<LABEL$}{}", "", labels(CURVE, &ticks))));
    lines.extend(hidden_wait(summary));
    lines
}

fn phases(summary: &DeliverySummary) -> Vec<Line> {
    let mut rows = summary.phases.taken().peekable();
    if rows.peek().is_none() {
        return Vec::new();
    }
    let mut lines = vec![heading("Phases of attempts").dim(": whose time it was")];
    lines.extend(phases_left_out(summary).map(|told| Line::new().warn("  note:").plain(told)));
    lines.push(Line::new().dim(format!("{}{:>10}", quantile_names(""), "attempts")));
    lines.extend(rows.map(|(phase, figures)| {
        quantiles(phase.name(), figures).plain(format!("{:>10}", grouped(figures.count())))
    }));
    lines
}

/// Which attempts have no phases, where a run was resumed.
pub(super) fn phases_left_out(summary: &DeliverySummary) -> Option<String> {
    let parts = summary.earlier.parts;
    (parts > 0).then(|| {
        let parts = counted(u64::from(parts), "earlier part");
        format!(" of this part only; those of {parts} are not recorded")
    })
}

fn quantile_names(first: &str) -> String {
    let names = SHOWN_QUANTILES.map(|(name, _)| name).into_iter().chain(["max"]);
    let names: String = names.map(|name| format!("{name:>10}")).collect();
    format!("  {first:<LABEL$}{names}")
}

fn quantiles(name: &str, figures: &LatencyFigures) -> Line {
    let shown = SHOWN_QUANTILES.map(|(_, quantile)| figures.quantile(quantile));
    let cells = shown.into_iter().chain([figures.longest()]);
    let cells: String =
        cells.map(|time| format!("{:>10}", time.map_or_else(String::new, three_digits))).collect();
    Line::new().plain(format!("  {name:<LABEL$}")).strong(cells)
}

fn hidden_wait(summary: &DeliverySummary) -> Option<Line> {
    SHOWN_QUANTILES.into_iter().rev().find_map(|(name, quantile)| {
        let intended = summary.latency.quantile(quantile)?;
        let naive = summary.service_time.quantile(quantile)?;
        (intended > naive.saturating_mul(2)).then(|| {
            let told = format!(" sends waited: counted from the real send, {name} would read ");
            Line::new().warn("  note:").plain(told).strong(three_digits(naive))
        })
    })
}

fn slowest(summary: &DeliverySummary) -> Vec<Line> {
    let orders = summary.orders_of_lives().map_or(summary.total_orders(), |(_, total)| total);
    if summary.slowest.is_empty() || orders < 2 {
        return Vec::new();
    }
    let mut lines = vec![heading("Slowest orders, by their slowest attempt")];
    lines.extend(summary.slowest.iter().take(MOST_SLOW).map(|slow| {
        Line::new()
            .plain(format!("  {:>9}  ", three_digits(slow.latency)))
            .accent(format!("{:<LONGEST_ID$}", shortened(&slow.order_id, LONGEST_ID)))
            .dim(format!(
                "  {}#{:<3} {}",
                of_step(slow.step),
                slow.attempt,
                shortened(&slow.code, 21)
            ))
    }));
    lines
}

fn failures(summary: &DeliverySummary) -> Vec<Line> {
    if summary.failures.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![heading("Not acknowledged")];
    lines.extend(summary.failures.iter().take(MOST_FAILURES).map(|order| {
        let result = order.result.map_or("", |result| result.code());
        Line::new()
            .accent(format!("  {:<LONGEST_ID$}", shortened(&order.order_id, LONGEST_ID)))
            .bad(format!("  {}{result}", of_step(order.step)))
            .plain(format!(" after {}", counted(u64::from(order.attempts), "attempt")))
            .dim(
                order
                    .code
                    .as_deref()
                    .map_or_else(String::new, |code| format!("; {}", shortened(code, 18))),
            )
    }));
    let all = summary.orders.exhausted + summary.orders.interrupted;
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    lines.extend(left_out(all, MOST_FAILURES, summary.noun()));
    lines
}

fn of_step(step: Option<u32>) -> String {
    step.map_or_else(String::new, |step| format!("step {step} "))
}

pub fn gate_line(result: &GateResult) -> Line {
    let (line, relation) = match result.verdict {
        GateVerdict::Passed => (Line::new().good("  passed "), ""),
        GateVerdict::Failed => (Line::new().bad("  failed "), "; this fails the run"),
        GateVerdict::NoData => (Line::new().bad("  no data"), "; this fails the run"),
    };
    line.plain("  ")
        .strong(result.gate.text().to_owned())
        .plain(format!("  {}{relation}", result.explanation()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::summary::sample;

    fn text(report: &RunReport) -> String {
        let line = |line: &Line| line.spans.iter().map(|span| span.text.as_str()).collect();
        lines(report).iter().map(line).collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn a_run_reads_at_a_glance_in_80_columns() {
        let report = sample::report(5000);
        let shown = text(&report);
        let reasons = &report.summary.reasons;
        let is_reason = |line: &&str| reasons.iter().any(|it| line.ends_with(&*it.explanation));
        for line in shown.lines().filter(|line| !is_reason(line)) {
            assert!(line.chars().count() <= 80, "{} {line}", line.chars().count());
        }
        for part in [
            "of 5,000 notifications acknowledged (99.7",
            "4,750 orders and 250 duplicates on purpose",
            "first notifications at",
            "intended time",
            "real send time",
            "p99.9",
            "timeout",
            "failed   p99>200ms  p99 is",
            "would read 25.6 ms",
            "Phases of attempts: whose time it was",
            "\n  first byte ",
        ] {
            assert!(shown.contains(part), "{part:?} is not in\n{shown}");
        }
    }

    #[test]
    fn replies_that_wait_for_an_acknowledgement_give_one_hint() {
        let hints = |orders: usize, millis: u64| {
            let mut summary = DeliverySummary::new(sample::facts(orders as u64));
            let orders = vec![&["acknowledged"][..]; orders];
            let events = sample::with_times(&orders, Duration::from_millis(millis));
            events.iter().for_each(|event| summary.fold(event));
            let shown = text(&RunReport { summary, gates: Vec::new() });
            assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
            shown.matches("TCP_NODELAY").count()
        };
        for millis in [40, 41, 44] {
            assert_eq!(hints(10, millis), 1, "{millis}");
        }
        for millis in [0, 39, 45, 80] {
            assert_eq!(hints(10, millis), 0, "{millis}");
        }
        assert_eq!(hints(9, 41), 0);
    }

    #[test]
    fn the_phases_of_a_resumed_run_are_those_of_its_last_part() {
        let mut report = sample::report(200);
        report.summary.begin_part(2, Duration::from_secs(1));
        let shown = text(&report);
        let note = "  note: of this part only; those of 2 earlier parts are not recorded";
        assert!(shown.contains(note), "{shown}");
        assert!(!text(&sample::report(200)).contains("are not recorded"));
        // Without a measured attempt there is nothing to show.
        let mut summary = DeliverySummary::new(sample::facts(1));
        sample::with_codes(&[&["acknowledged"]]).iter().for_each(|event| summary.fold(event));
        let shown = text(&RunReport { summary, gates: Vec::new() });
        assert!(!shown.contains("Phases"), "{shown}");
    }

    #[test]
    fn a_run_without_attempts_has_a_report() {
        let summary = DeliverySummary::new(sample::facts(0));
        let report = RunReport { summary, gates: Vec::new() };
        assert!(text(&report).starts_with("no orders"));
        assert!(!text(&sample::hostile()).is_empty());
    }
}
