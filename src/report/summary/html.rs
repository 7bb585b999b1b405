//! The summary as one HTML page: its style and plots inside it, no scripts, nothing loaded.

use askama::Template;

use super::latency::{LatencyFigures, SHOWN_QUANTILES};
use super::markup::number;
use super::plot::{self, Plot};
use super::{AttemptCounts, DeliverySummary, RunReport, text};
use crate::net::phases::AttemptPhase;
use crate::report::figures::{counted, grouped, rate, share, span, three_digits};
use crate::report::gates::GateVerdict;

const STYLE: &str = include_str!("html.css");

const MOST_FAILURES: usize = 25;

#[derive(Template)]
#[template(path = "summary/page.html")]
struct Page<'r> {
    report: &'r RunReport,
    summary: &'r DeliverySummary,
    title: String,
    about: String,
    earlier: Option<String>,
    warnings: Vec<String>,
    tiles: Vec<(String, &'static str)>,
    latency: Option<Plot>,
    clocks: [(&'static str, &'r LatencyFigures); 2],
    phases: Vec<(AttemptPhase, &'r LatencyFigures)>,
    phases_left_out: Option<String>,
    course: Option<(Plot, String)>,
    /// The most attempts of one number, which the longest bar stands for.
    most: u64,
    more_failures: Option<String>,
}

pub fn page(report: &RunReport) -> String {
    let summary = &report.summary;
    let all = summary.orders.exhausted + summary.orders.interrupted;
    let more = all.checked_sub(MOST_FAILURES as u64).filter(|more| *more > 0);
    let page = Page {
        report,
        summary,
        title: title(report),
        about: format!(
            "started {:.0}, took {}, retry schedule {}",
            summary.facts.started_at,
            span(summary.length),
            summary.facts.schedule
        ),
        earlier: earlier(summary),
        warnings: warnings(summary),
        tiles: tiles(summary),
        latency: plot::latency(summary),
        clocks: [("intended time", &summary.latency), ("real send time", &summary.service_time)],
        phases: summary.phases.taken().collect(),
        phases_left_out: text::phases_left_out(summary),
        course: plot::course(summary).map(|plot| (plot, span(summary.course.part_length()))),
        most: summary.by_attempt.iter().map(AttemptCounts::made).max().unwrap_or(0),
        more_failures: more.map(|more| counted(more, &format!("more {}", summary.noun()))),
    };
    page.render().expect("memory takes whatever is written to it")
}

fn title(report: &RunReport) -> String {
    let summary = &report.summary;
    // What failed comes first: a reader of a red page looks for it.
    let failed = report.failed_gates().or_else(|| failed_orders(report));
    let failed = failed.map_or_else(String::new, |failed| format!("{failed}; "));
    let orders = summary.orders_of_lives().map_or_else(String::new, |(orders, total)| {
        let acknowledged = grouped(orders.acknowledged);
        format!("{acknowledged} of {} acknowledged, ", counted(total, "order"))
    });
    format!(
        "{failed}{orders}{} of {} acknowledged ({})",
        grouped(summary.orders.acknowledged),
        summary.total_in_words(),
        share(summary.orders.acknowledged, summary.total_orders())
    )
}

/// The orders for which the run answers "no"; nothing where gates passed in spite of them.
fn failed_orders(report: &RunReport) -> Option<String> {
    let (orders, noun) = (&report.summary.orders, report.summary.noun());
    let counts = [(orders.exhausted, "exhausted"), (orders.interrupted, "interrupted")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0 && !report.is_yes());
    let counts: Vec<String> =
        counts.map(|(count, how)| format!("{} {how}", counted(count, noun))).collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

fn warnings(summary: &DeliverySummary) -> Vec<String> {
    let mut warnings = Vec::new();
    if summary.throttling.episodes > 0 {
        let first = summary.throttling.first_at.map_or_else(String::new, span);
        warnings.push(format!(
            "The limit on attempts in flight held sends back {}, first at +{first}; up to {} were in flight.",
            counted(summary.throttling.episodes, "time"),
            grouped(summary.throttling.in_flight as u64),
        ));
    }
    if summary.unknown_outcomes > 0 {
        let told = text::unknown_outcomes(summary);
        warnings.push(format!("Unknown outcome: {told}. The merchant may have received each, and sees a duplicate where it is sent again."));
    }
    if summary.orders.lapsed > 0 {
        let orders = counted(summary.orders.lapsed, summary.noun());
        warnings.push(format!("The window of {orders} ended while the sender was stopped."));
    }
    warnings
}

fn earlier(summary: &DeliverySummary) -> Option<String> {
    let earlier = summary.earlier;
    let untimed = match earlier.untimed {
        0 => String::new(),
        untimed => format!(
            " The latencies leave out {} of which no times are recorded.",
            counted(untimed, "attempt")
        ),
    };
    (earlier.parts > 0).then(|| {
        format!(
            "Resumed: {} in {} are counted in; the time between the parts is not.{untimed}",
            counted(earlier.attempts, "attempt"),
            counted(u64::from(earlier.parts), "earlier part"),
        )
    })
}

fn tiles(summary: &DeliverySummary) -> Vec<(String, &'static str)> {
    let orders = &summary.orders;
    let names = match summary.lives {
        None => ["orders retried", "orders exhausted", "orders interrupted", "orders not sent"],
        Some(_) => [
            "notifications retried",
            "notifications exhausted",
            "notifications interrupted",
            "notifications not sent",
        ],
    };
    let some_of = |count: u64| (count > 0).then(|| grouped(count));
    let quantile = |quantile| summary.latency.quantile(quantile).map(three_digits);
    let tiles = [
        (Some(grouped(summary.attempts())), "attempts"),
        (Some(grouped(orders.retried)), names[0]),
        (Some(grouped(orders.exhausted)), names[1]),
        (some_of(orders.interrupted), names[2]),
        (some_of(summary.not_sent()), names[3]),
        (some_of(orders.duplicates), "duplicates on purpose"),
        (summary.rate().map(rate), "first notifications"),
        (quantile(0.5), "p50 from the intended time"),
        (quantile(0.99), "p99 from the intended time"),
    ];
    tiles.into_iter().filter_map(|(value, name)| Some((value?, name))).collect()
}

/// The cells of a row of latencies: the quantiles, the largest and the mean.
fn times(figures: &LatencyFigures) -> impl Iterator<Item = String> {
    let quantiles = SHOWN_QUANTILES.map(|(_, quantile)| figures.quantile(quantile));
    let times = quantiles.into_iter().chain([figures.longest(), figures.mean()]);
    times.map(|time| time.map_or_else(String::new, three_digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let text = page(&sample::report(5000));
        for part in [
            "<svg",
            "Attempts over time",
            "real send time",
            "POT00000417",
            "p99&gt;200ms",
            "Phases of attempts",
            "<td class=\"long\">first byte</td>",
        ] {
            assert!(text.contains(part), "{part}");
        }
        for forbidden in ["<script", "src=", "href=", "url(", "@import", "NaN"] {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        assert!(text.len() < 100_000, "{}", text.len());
        for tag in ["section", "table", "div", "svg", "tr", "td", "span"] {
            let opened = text.matches(&format!("<{tag}")).count();
            assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn no_received_text_becomes_markup() {
        let text = page(&sample::hostile());
        assert!(!text.contains("<script"), "{text}");
        // The url, the schedule, the order's id three times, its explanation twice, the code twice.
        assert!(text.matches("&lt;script&gt;alert(").count() >= 8, "{text}");
        assert!(!text.contains(['\u{1b}', '\0', '\u{202e}']));
    }

    #[test]
    fn a_run_without_attempts_has_a_page() {
        let summary = DeliverySummary::new(sample::facts(0));
        let text = page(&RunReport { summary, gates: Vec::new() });
        assert!(text.ends_with("</html>\n") && !text.contains("<svg"));
    }
}
