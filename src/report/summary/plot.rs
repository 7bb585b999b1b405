//! The plots of the HTML report: SVG shapes that stretch to the width of the page, with labels as
//! text beside them, which keep their size on a phone.

use std::time::Duration;

use super::DeliverySummary;
use super::course::MOST_PARTS;
use super::markup::number;
use crate::report::drawing::{LogScale, time_ticks};
use crate::report::figures::{counted, grouped, span, three_digits};
use crate::sender::schedule::format_duration;

const COLUMNS: usize = 80;

/// The most times below the course of a run; they must fit on a phone.
const MOST_TIMES: u32 = 5;

/// The least distance of two labels, as a share of the width: 36 of some 260 pixels on a phone.
const LEAST_GAP: f64 = 0.14;

/// The height of a plot in its own units; its width is the number of its columns.
const HEIGHT: f64 = 100.0;

/// What the template draws. Places are shares of the whole height or width.
pub(super) struct Plot {
    pub(super) label: &'static str,
    pub(super) columns: usize,
    pub(super) bars: Vec<Bar>,
    pub(super) outline: Option<String>,
    pub(super) grid: Vec<(f64, String)>,
    pub(super) ticks: Vec<(f64, String)>,
}

pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) column: usize,
    pub(super) top: f64,
    pub(super) height: f64,
    pub(super) title: String,
}

pub(super) fn latency(summary: &DeliverySummary) -> Option<Plot> {
    let (latency, service) = (&summary.latency, &summary.service_time);
    let shortest = latency.shortest().min(service.shortest());
    let scale = LogScale::around(shortest?, latency.longest().max(service.longest())?);
    let intended = latency.distribution(&scale, COLUMNS);
    let sent = service.distribution(&scale, COLUMNS);
    let most = intended.iter().chain(&sent).copied().max().unwrap_or(0);
    let bar = |(column, count): (usize, u64)| {
        let height = log_height(count, most);
        let [from, to] = [column, column + 1].map(|at| micros(scale.start_of(at, COLUMNS)));
        let title = format!("{from} to {to}: {}", counted(count, "attempt"));
        Bar { class: "intended", column, top: HEIGHT - height, height, title }
    };
    Some(Plot {
        label: "Attempts by latency, both scales logarithmic",
        columns: COLUMNS,
        bars: drawn(intended.into_iter().enumerate().map(bar)),
        outline: Some(outline(&sent, most)),
        grid: log_grid(most),
        ticks: apart(scale.ticks()),
    })
}

/// The ticks whose labels do not touch on a phone.
fn apart(ticks: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let mut kept: Vec<(f64, String)> = Vec::new();
    for tick in ticks {
        if kept.last().is_none_or(|last| tick.0 - last.0 >= LEAST_GAP) {
            kept.push(tick);
        }
    }
    kept
}

fn drawn(bars: impl Iterator<Item = Bar>) -> Vec<Bar> {
    bars.filter(|bar| bar.height > 0.0).collect()
}

/// The path above the columns, which leaves out those that are empty.
fn outline(counts: &[u64], most: u64) -> String {
    let (mut path, mut is_drawing) = (String::new(), false);
    for (column, count) in counts.iter().enumerate() {
        match (*count > 0, is_drawing) {
            (true, false) => path += &format!("M{} 100", number(column as f64)),
            (false, true) => path += "V100",
            _ => {}
        }
        is_drawing = *count > 0;
        if is_drawing {
            let top = number(HEIGHT - log_height(*count, most));
            path += &format!("V{top}H{}", number((column + 1) as f64));
        }
    }
    path + if is_drawing { "V100" } else { "" }
}

fn micros(micros: f64) -> String {
    three_digits(Duration::try_from_secs_f64(micros / 1e6).unwrap_or_default())
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

pub(super) fn course(summary: &DeliverySummary) -> Option<Plot> {
    let parts = summary.course.parts();
    let most = parts.iter().map(|part| part.acknowledged + part.failed).max()?;
    let columns = parts.len().clamp(1, MOST_PARTS);
    let length = summary.course.part_length();
    let times = |count: usize| length.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
    let bars = parts.iter().enumerate().flat_map(|(column, part)| {
        let [good, bad] =
            [part.acknowledged, part.failed].map(|count| HEIGHT * count as f64 / most as f64);
        let title = format!(
            "+{}: {} acknowledged, {} not",
            span(times(column)),
            grouped(part.acknowledged),
            grouped(part.failed)
        );
        [("good", HEIGHT - good, good), ("bad", HEIGHT - good - bad, bad)]
            .map(|(class, top, height)| Bar { class, column, top, height, title: title.clone() })
    });
    let whole = times(columns);
    let tick = |time: Duration| (time.as_secs_f64() / whole.as_secs_f64(), format_duration(time));
    let mut grid = vec![(0.5, grouped(most / 2)), (1.0, grouped(most))];
    grid.drain(..usize::from(most < 2));
    Some(Plot {
        label: "Attempts over the time of the run",
        columns,
        bars: drawn(bars),
        outline: None,
        grid,
        ticks: time_ticks(whole, MOST_TIMES).into_iter().map(tick).collect(),
    })
}
