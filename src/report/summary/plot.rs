//! The plots of the HTML report.
//!
//! The shapes are SVG that stretches to the width of the page; the labels are text beside them, so
//! they keep their size on a phone.

use super::DeliverySummary;
use super::course::{MOST_PARTS, Part};
use super::markup::Markup;
use crate::report::drawing::{LogScale, time_ticks};
use crate::report::figures::{counted, grouped, span};
use crate::sender::schedule::format_duration;

const COLUMNS: usize = 80;

/// The most times below the course of a run; they must fit on a phone.
const MOST_TIMES: u32 = 5;

/// The height of a plot in its own units; its width is the number of its columns.
const HEIGHT: f64 = 100.0;

pub(super) fn latency(page: &mut Markup, summary: &DeliverySummary) {
    let (latency, service) = (&summary.latency, &summary.service_time);
    let shortest = latency.shortest().min(service.shortest());
    let Some((shortest, longest)) = shortest.zip(latency.longest().max(service.longest())) else {
        return;
    };
    let scale = LogScale::around(shortest, longest);
    let intended = latency.distribution(&scale, COLUMNS);
    let sent = service.distribution(&scale, COLUMNS);
    let most = intended.iter().chain(&sent).copied().max().unwrap_or(0);
    open(page, COLUMNS, "Attempts by latency, both scales logarithmic");
    grid(page, &log_grid(most));
    for (column, count) in intended.iter().enumerate() {
        let height = log_height(*count, most);
        let label = || {
            let (from, to) = (scale.start_of(column, COLUMNS), scale.start_of(column + 1, COLUMNS));
            format!("{} to {}: {}", micros(from), micros(to), counted(*count, "attempt"))
        };
        rectangle(page, "<rect class=\"intended\" x=\"", column, HEIGHT - height, height, label);
    }
    outline(page, &sent, most);
    close(page);
    labels_up(page, &log_grid(most));
    labels_along(page, &scale.ticks());
    page.html("</div>");
}

fn outline(page: &mut Markup, counts: &[u64], most: u64) {
    page.html("<path class=\"sent\" d=\"");
    let mut is_drawing = false;
    for (column, count) in counts.iter().enumerate() {
        match (*count > 0, is_drawing) {
            (true, false) => page.html("M").number(column as f64).html(" 100"),
            (false, true) => page.html("V100"),
            _ => page,
        };
        is_drawing = *count > 0;
        if is_drawing {
            page.html("V").number(HEIGHT - log_height(*count, most));
            page.html("H").number((column + 1) as f64);
        }
    }
    page.html(if is_drawing { "V100\"/>" } else { "\"/>" });
}

fn micros(micros: f64) -> String {
    let time = std::time::Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default();
    crate::report::figures::three_digits(time)
}

fn log_height(count: u64, most: u64) -> f64 {
    match count {
        0 => 0.0,
        _ => HEIGHT * (1.0 + count as f64).ln() / (1.0 + most.max(1) as f64).ln(),
    }
}

fn log_grid(most: u64) -> Vec<(f64, String)> {
    let powers = (0..20).filter_map(|power| 10_u64.checked_pow(power));
    let powers: Vec<u64> = powers.take_while(|power| *power <= most).collect();
    let step = powers.len().div_ceil(4).max(1);
    let lines = powers.into_iter().step_by(step);
    lines.map(|count| (log_height(count, most) / HEIGHT, grouped(count))).collect()
}

pub(super) fn course(page: &mut Markup, summary: &DeliverySummary) {
    let parts = summary.course.parts();
    let most = parts.iter().map(|part| part.acknowledged + part.failed).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let columns = parts.len().clamp(1, MOST_PARTS);
    let height = |count: u64| HEIGHT * count as f64 / most as f64;
    let length = summary.course.part_length();
    let label = |column: usize, part: &Part| {
        let start = length.saturating_mul(u32::try_from(column).unwrap_or(u32::MAX));
        let (good, bad) = (grouped(part.acknowledged), grouped(part.failed));
        format!("+{}: {good} acknowledged, {bad} not", span(start))
    };
    open(page, columns, "Attempts over the time of the run");
    let grid_lines = [(0.5, grouped(most / 2)), (1.0, grouped(most))];
    let grid_lines = &grid_lines[usize::from(most < 2)..];
    grid(page, grid_lines);
    for (column, part) in parts.iter().enumerate() {
        let (good, bad) = (height(part.acknowledged), height(part.failed));
        let told = || label(column, part);
        rectangle(page, "<rect class=\"good\" x=\"", column, HEIGHT - good, good, told);
        rectangle(page, "<rect class=\"bad\" x=\"", column, HEIGHT - good - bad, bad, told);
    }
    close(page);
    labels_up(page, grid_lines);
    let whole = length.saturating_mul(u32::try_from(columns).unwrap_or(u32::MAX));
    let ticks = time_ticks(whole, MOST_TIMES)
        .into_iter()
        .map(|time| (time.as_secs_f64() / whole.as_secs_f64(), format_duration(time)));
    labels_along(page, &ticks.collect::<Vec<_>>());
    page.html("</div>");
}

pub(super) fn outcome(page: &mut Markup, acknowledged: u64, failed: u64, most: u64) {
    let width = |count: u64| 100.0 * count as f64 / most.max(1) as f64;
    page.html("<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"");
    page.text(&format!("{} acknowledged, {} not", grouped(acknowledged), grouped(failed)));
    page.html("\"><rect class=\"good\" x=\"0\" y=\"0\" height=\"10\" width=\"");
    page.number(width(acknowledged)).html("\"/><rect class=\"bad\" y=\"0\" height=\"10\" x=\"");
    page.number(width(acknowledged)).html("\" width=\"").number(width(failed)).html("\"/></svg>");
}

fn open(page: &mut Markup, columns: usize, label: &'static str) {
    page.html("<div class=\"plot\"><svg viewBox=\"0 0 ").number(columns as f64);
    page.html(" 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"").text(label);
    page.html("\">");
}

fn close(page: &mut Markup) {
    page.html("<path class=\"axis\" d=\"M0 100H1000\"/></svg>");
}

fn rectangle(
    page: &mut Markup,
    start: &'static str,
    column: usize,
    top: f64,
    height: f64,
    label: impl FnOnce() -> String,
) {
    if height <= 0.0 {
        return;
    }
    page.html(start).number(column as f64 + 0.06).html("\" y=\"").number(top);
    page.html("\" width=\"0.88\" height=\"").number(height).html("\"><title>");
    page.text(&label()).html("</title></rect>");
}

fn grid(page: &mut Markup, lines: &[(f64, String)]) {
    for (place, _) in lines {
        page.html("<path class=\"grid\" d=\"M0 ").number(HEIGHT * (1.0 - place)).html("H1000\"/>");
    }
}

fn labels_up(page: &mut Markup, labels: &[(f64, String)]) {
    for (place, label) in labels {
        page.html("<span class=\"up\" style=\"--at:").number(*place).html("\">");
        page.text(label).html("</span>");
    }
}

fn labels_along(page: &mut Markup, labels: &[(f64, String)]) {
    for (place, label) in labels {
        page.html("<span class=\"along\" style=\"--at:").number(*place).html("\">");
        page.text(label).html("</span>");
    }
}
