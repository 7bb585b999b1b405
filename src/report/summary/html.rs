//! The summary as one HTML page: its style and plots inside it, no scripts, nothing loaded.

use super::latency::{LatencyFigures, SHOWN_QUANTILES};
use super::markup::Markup;
use super::{DeliverySummary, RunReport, plot, text};
use crate::report::figures::{counted, grouped, rate, share, span, three_digits};
use crate::report::gates::GateVerdict;

const MOST_FAILURES: usize = 25;

pub fn page(report: &RunReport) -> String {
    let summary = &report.summary;
    let mut page = Markup::default();
    page.begin(&title(report), include_str!("html.css"));
    head(&mut page, report);
    tiles(&mut page, summary);
    gates(&mut page, report);
    latency(&mut page, summary);
    course(&mut page, summary);
    attempts(&mut page, summary);
    reasons(&mut page, summary);
    slowest(&mut page, summary);
    failures(&mut page, summary);
    page.html("</main></body></html>\n");
    page.finish()
}

fn title(report: &RunReport) -> String {
    let summary = &report.summary;
    let total = summary.total_orders();
    let lost = report.gates.iter().filter(|gate| gate.verdict != GateVerdict::Passed).count();
    let gates = match lost {
        0 => String::new(),
        // All acknowledged and yet in red: the reader is told why at once.
        lost => format!("; {} failed", counted(lost as u64, "gate")),
    };
    format!(
        "{} of {} acknowledged ({}){gates}",
        grouped(summary.orders.acknowledged),
        counted(total, "order"),
        share(summary.orders.acknowledged, total)
    )
}

fn head(page: &mut Markup, report: &RunReport) {
    let summary = &report.summary;
    page.html(if report.is_yes() { "<h1 class=\"good-text\">" } else { "<h1 class=\"bad-text\">" });
    page.text(&title(report)).html("</h1><p class=\"break\">Notifications to <code>");
    page.text(&summary.facts.url).html("</code></p><p class=\"quiet break\">");
    let started = format!("{:.0}", summary.facts.started_at);
    let schedule = &summary.facts.schedule;
    let length = span(summary.length);
    page.text(&format!("started {started}, took {length}, retry schedule {schedule}"));
    page.html("</p>");
    earlier(page, summary);
    if let Some(why) = &summary.cut_short {
        page.html("<p class=\"bad-text break\">Cut short: ").text(why).html("</p>");
    }
    if summary.throttling.episodes > 0 {
        let first = summary.throttling.first_at.map_or_else(String::new, span);
        page.html("<p class=\"warn-text\">").text(&format!(
            "The limit on attempts in flight held sends back {}, first at +{first}; up to {} were in flight.",
            counted(summary.throttling.episodes, "time"),
            grouped(summary.throttling.in_flight as u64),
        ));
        page.html("</p>");
    }
    if summary.unknown_outcomes > 0 {
        let told = text::unknown_outcomes(summary);
        page.html("<p class=\"warn-text\">").text(&format!("Unknown outcome: {told}. "));
        page.text(
            "The merchant may have received each, and sees a duplicate where it is sent again.",
        );
        page.html("</p>");
    }
    if summary.orders.lapsed > 0 {
        let orders = counted(summary.orders.lapsed, "order");
        page.html("<p class=\"warn-text\">");
        page.text(&format!("The window of {orders} ended while the sender was stopped."));
        page.html("</p>");
    }
}

fn earlier(page: &mut Markup, summary: &DeliverySummary) {
    let earlier = summary.earlier;
    if earlier.parts == 0 {
        return;
    }
    page.html("<p class=\"quiet\">").text(&format!(
        "Resumed: {} in {} are counted in; the time between the parts is not.",
        counted(earlier.attempts, "attempt"),
        counted(u64::from(earlier.parts), "earlier part"),
    ));
    if earlier.untimed > 0 {
        page.text(&format!(
            " The latencies leave out {} of which no times are recorded.",
            counted(earlier.untimed, "attempt"),
        ));
    }
    page.html("</p>");
}

fn tiles(page: &mut Markup, summary: &DeliverySummary) {
    let orders = &summary.orders;
    let quantile = |quantile| summary.latency.quantile(quantile).map(three_digits);
    let tiles = [
        (Some(grouped(summary.attempts())), "attempts"),
        (Some(grouped(orders.retried)), "orders retried"),
        (Some(grouped(orders.exhausted)), "orders exhausted"),
        (some_of(orders.interrupted), "orders interrupted"),
        (some_of(summary.not_sent()), "orders not sent"),
        (some_of(orders.duplicates), "duplicates on purpose"),
        (summary.rate().map(rate), "first notifications"),
        (quantile(0.5), "p50 from the intended time"),
        (quantile(0.99), "p99 from the intended time"),
    ];
    page.html("<div class=\"tiles\">");
    for (value, name) in tiles {
        let Some(value) = value else { continue };
        page.html("<div><b>").text(&value).html("</b><span>").text(name).html("</span></div>");
    }
    page.html("</div>");
}

fn some_of(count: u64) -> Option<String> {
    (count > 0).then(|| grouped(count))
}

fn gates(page: &mut Markup, report: &RunReport) {
    if report.gates.is_empty() {
        return;
    }
    page.html("<section><h2>Gates</h2><div class=\"scroll\"><table>");
    page.html("<tr><th>Fails if</th><th>Verdict</th><th>Measured</th></tr>");
    for result in &report.gates {
        page.html("<tr><td class=\"word\"><code>").text(result.gate.text()).html("</code></td>");
        page.html(match result.verdict {
            GateVerdict::Passed => "<td class=\"good-text word\">✓ passed",
            GateVerdict::Failed => "<td class=\"bad-text word\">✗ failed",
            GateVerdict::NoData => "<td class=\"bad-text word\">✗ no data",
        });
        page.html("</td><td>").text(&result.explanation()).html("</td></tr>");
    }
    page.html("</table></div></section>");
}

fn latency(page: &mut Markup, summary: &DeliverySummary) {
    if summary.attempts() == 0 {
        return;
    }
    page.html("<section><h2>Latency of all attempts</h2><div class=\"key\">");
    page.html("<span><i class=\"k-intended\"></i>from the intended time: stalls show</span>");
    page.html(
        "<span><i class=\"k-sent\"></i>from the real send time: what a naive tool says</span>",
    );
    page.html("<span>both scales are logarithmic</span></div>");
    plot::latency(page, summary);
    page.html("<div class=\"scroll\"><table><tr><th>From the</th>");
    for (name, _) in SHOWN_QUANTILES {
        page.html("<th class=\"n\">").text(name).html("</th>");
    }
    page.html("<th class=\"n\">max</th><th class=\"n\">mean</th></tr>");
    latency_row(page, "intended time", &summary.latency);
    latency_row(page, "real send time", &summary.service_time);
    page.html("</table></div></section>");
}

fn latency_row(page: &mut Markup, name: &str, figures: &LatencyFigures) {
    page.html("<tr><td class=\"word\">").text(name).html("</td>");
    let quantiles = SHOWN_QUANTILES.map(|(_, quantile)| figures.quantile(quantile));
    for time in quantiles.into_iter().chain([figures.longest(), figures.mean()]) {
        page.html("<td class=\"n\">").text(&time.map_or_else(String::new, three_digits));
        page.html("</td>");
    }
    page.html("</tr>");
}

const KEY_OF_OUTCOMES: &str = "<div class=\"key\"><span><i class=\"k-good\"></i>acknowledged</span>\
    <span><i class=\"k-bad\"></i>not acknowledged</span></div>";

fn course(page: &mut Markup, summary: &DeliverySummary) {
    if summary.course.parts().is_empty() {
        return;
    }
    page.html("<section><h2>Attempts over time</h2>").html(KEY_OF_OUTCOMES);
    plot::course(page, summary);
    page.html("<p class=\"quiet\">")
        .text(&format!("Each bar stands for {} of sends.", span(summary.course.part_length())));
    page.html("</p></section>");
}

fn attempts(page: &mut Markup, summary: &DeliverySummary) {
    let made = |row: &super::AttemptCounts| row.acknowledged + row.failed;
    let most = summary.by_attempt.iter().map(made).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    page.html("<section><h2>Outcomes by attempt</h2>").html(KEY_OF_OUTCOMES);
    page.html("<div class=\"scroll stack\"><table><tr><th>Attempt</th><th class=\"n\">Made</th>");
    page.html("<th class=\"n\">Acknowledged</th><th class=\"n\">Of orders</th><th class=\"wide\"></th></tr>");
    for row in summary.by_attempt.iter().filter(|row| made(row) > 0) {
        page.html("<tr><td>#").text(&row.attempt.to_string()).html("</td>");
        let of_orders = share(row.acknowledged, summary.total_orders());
        for text in [grouped(made(row)), grouped(row.acknowledged), of_orders] {
            page.html("<td class=\"n\">").text(&text).html("</td>");
        }
        page.html("<td class=\"wide\">");
        plot::outcome(page, row.acknowledged, row.failed, most);
        page.html("</td></tr>");
    }
    page.html("</table></div></section>");
}

fn reasons(page: &mut Markup, summary: &DeliverySummary) {
    if summary.reasons.is_empty() {
        return;
    }
    page.html(
        "<section><h2>Why attempts were not acknowledged</h2><div class=\"scroll stack\"><table>",
    );
    page.html("<tr><th class=\"word\">Reason</th><th class=\"n\">Attempts</th><th class=\"n\">Orders lost</th><th class=\"long\">The first in words</th></tr>");
    for reason in &summary.reasons {
        page.html("<tr><td class=\"word\"><code>")
            .text(&reason.code)
            .html("</code></td><td class=\"n\">");
        page.text(&grouped(reason.attempts)).html("</td><td class=\"n\">");
        page.text(&grouped(reason.exhausted)).html("</td><td class=\"long\">");
        page.text(&reason.explanation).html("</td></tr>");
    }
    page.html("</table></div></section>");
}

fn slowest(page: &mut Markup, summary: &DeliverySummary) {
    if summary.slowest.is_empty() {
        return;
    }
    page.html(
        "<section><h2>Slowest orders, by their slowest attempt</h2><div class=\"scroll\"><table>",
    );
    page.html("<tr><th>Order</th><th class=\"n\">Attempt</th><th class=\"n\">From intended</th>");
    page.html("<th class=\"n\">From real send</th><th>Result</th></tr>");
    for slow in &summary.slowest {
        page.html("<tr><td class=\"id\"><code>")
            .text(&slow.order_id)
            .html("</code></td><td class=\"n\">#");
        page.text(&slow.attempt.to_string()).html("</td><td class=\"n\">");
        page.text(&three_digits(slow.latency)).html("</td><td class=\"n\">");
        page.text(&three_digits(slow.service_time)).html("</td><td class=\"word\"><code>");
        page.text(&slow.code).html("</code></td></tr>");
    }
    page.html("</table></div></section>");
}

fn failures(page: &mut Markup, summary: &DeliverySummary) {
    if summary.failures.is_empty() {
        return;
    }
    page.html(
        "<section><h2>Orders without acknowledgement</h2><div class=\"scroll stack\"><table>",
    );
    page.html("<tr><th class=\"id\">Order</th><th class=\"word\">Result</th><th class=\"n\">Attempts</th><th class=\"long\">The last in words</th></tr>");
    for order in summary.failures.iter().take(MOST_FAILURES) {
        page.html("<tr><td class=\"id\"><code>")
            .text(&order.order_id)
            .html("</code></td><td class=\"word\">");
        page.text(order.result.map_or("", |result| result.code())).html("</td><td class=\"n\">");
        page.text(&order.attempts.to_string()).html("</td><td class=\"long\">");
        page.text(order.explanation.as_deref().unwrap_or_default()).html("</td></tr>");
    }
    page.html("</table></div>");
    let all = summary.orders.exhausted + summary.orders.interrupted;
    if let Some(more) = all.checked_sub(MOST_FAILURES as u64).filter(|more| *more > 0) {
        page.html("<p class=\"quiet\">").text(&format!("and {}", counted(more, "more order")));
        page.html("</p>");
    }
    page.html("</section>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let text = page(&sample::report(5000));
        for part in ["<svg", "Attempts over time", "real send time", "POT00000417", "p99&gt;200ms"]
        {
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
