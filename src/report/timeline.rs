//! A retry schedule on its time axis, as a table, a drawing, and for a program.

use std::time::Duration;

use serde_json::{Value, json};

use super::drawing::{labels, time_ticks};
use super::json;
use super::line::Line;
use super::text::milliseconds;
use crate::sender::schedule::{RetrySchedule, format_duration};

const AXIS: usize = 66;

const MOST_LABELS: u32 = 7;

pub fn drawing(schedule: &RetrySchedule) -> Vec<Line> {
    let window = schedule.window();
    let title =
        Line::new().strong(schedule.name().to_owned()).plain(format!(": {}", extent(schedule)));
    vec![
        title.dim(format!(" (window {})", format_duration(window))),
        Line::new().plain("  ").accent(marks(schedule)),
        Line::new().dim(format!("  {}", axis(window))),
    ]
}

/// How many attempts a schedule has, and the time that they take: `4 attempts within 5m45s`.
pub fn extent(schedule: &RetrySchedule) -> String {
    match schedule.attempts() {
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts within {}", format_duration(span(schedule))),
    }
}

pub fn legend() -> Line {
    Line::new().dim("  ● an attempt   2 to 9: so many attempts close together   + more than nine")
}

pub fn table(schedule: &RetrySchedule) -> Vec<Line> {
    let gaps = schedule.delays().iter().map(|delay| format!("{} later", format_duration(*delay)));
    let notes = ["first notification".to_owned()].into_iter().chain(gaps);
    let rows = schedule.timeline().zip(notes).map(|((attempt, offset), note)| {
        let planned = format!("  +{:<12}", format_duration(offset));
        Line::new().strong(format!("  #{attempt:<4}")).plain(planned).dim(note)
    });
    rows.collect()
}

pub fn json(schedule: &RetrySchedule) -> String {
    let gaps = [None].into_iter().chain(schedule.delays().iter().copied().map(Some));
    let timeline: Vec<Value> = schedule
        .timeline()
        .zip(gaps)
        .map(|((attempt, offset), gap)| {
            json!({
                "attempt": attempt,
                "offset_ms": milliseconds(offset),
                "gap_ms": gap.map(milliseconds),
            })
        })
        .collect();
    json::line(
        "schedule",
        &json!({
            "name": schedule.name(),
            "attempts": schedule.attempts(),
            "span_ms": milliseconds(span(schedule)),
            "window_ms": milliseconds(schedule.window()),
            "timeline": timeline,
        }),
    )
}

fn span(schedule: &RetrySchedule) -> Duration {
    schedule.timeline().last().map_or(Duration::ZERO, |(_, offset)| offset)
}

fn column(at: Duration, window: Duration) -> usize {
    if window.is_zero() {
        return 0;
    }
    let column = at.as_secs_f64() / window.as_secs_f64() * (AXIS - 1) as f64;
    (column.round() as usize).min(AXIS - 1)
}

fn marks(schedule: &RetrySchedule) -> String {
    let mut counts = [0_usize; AXIS];
    for (_, offset) in schedule.timeline() {
        counts[column(offset, schedule.window())] += 1;
    }
    let mark = |count: &usize| match count {
        0 => '─',
        1 => '●',
        2..=9 => char::from_digit(*count as u32, 10).unwrap_or('+'),
        _ => '+',
    };
    counts.iter().map(mark).collect()
}

fn axis(window: Duration) -> String {
    let mut at: Vec<(usize, String)> = time_ticks(window, MOST_LABELS)
        .into_iter()
        .map(|time| (column(time, window), format_duration(time)))
        .collect();
    // The end of the axis is the end of the window, so it is named first of all.
    let end = format_duration(window);
    let end_start = AXIS.saturating_sub(end.chars().count());
    at.retain(|(start, label)| start + label.chars().count() < end_start);
    at.push((end_start, end));
    labels(AXIS, &at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::schedule::DEFAULT_WINDOW;

    fn text(lines: &[Line]) -> Vec<String> {
        let line = |line: &Line| line.spans.iter().map(|span| span.text.as_str()).collect();
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_default_schedule_is_drawn_on_its_hour() {
        let drawn = text(&drawing(&RetrySchedule::default()));
        assert_eq!(
            drawn,
            [
                "backoff: 11 attempts within 55m45s (window 1h)",
                "  2●●─●──●─────●──────●──────────●────────────●───────────────●─────",
                "  0s         10m        20m        30m       40m        50m       1h",
            ]
        );
    }

    #[test]
    fn a_table_has_a_row_for_each_attempt() {
        let schedule = RetrySchedule::parse("15s,30s", None, DEFAULT_WINDOW).unwrap();
        assert_eq!(
            text(&table(&schedule)),
            [
                "  #1     +0s          first notification",
                "  #2     +15s         15s later",
                "  #3     +45s         30s later"
            ]
        );
        let value: Value = serde_json::from_str(&json(&schedule)).unwrap();
        assert_eq!(
            (&value["timeline"][2]["offset_ms"], &value["timeline"][2]["gap_ms"]),
            (&json!(45_000.0), &json!(30_000.0))
        );
        assert_eq!(value["timeline"][0]["gap_ms"], Value::Null);
    }

    #[test]
    fn any_schedule_fits_80_columns() {
        let long = vec!["1ms"; 100].join(",");
        for (list, window) in
            [("", 1), (&*long, 100), ("1ms", 1), ("8000h", 31_622_400_000), ("0s,0s", 3_600_000)]
        {
            let retries = if list.is_empty() { 0 } else { 100 };
            let schedule =
                RetrySchedule::parse(list, Some(retries), Duration::from_millis(window)).unwrap();
            for line in text(&drawing(&schedule)).iter().skip(1).chain(&text(&table(&schedule))) {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
        let zero = RetrySchedule::try_new("zero", Vec::new(), Duration::ZERO).unwrap();
        assert!(text(&drawing(&zero))[1].starts_with("  ●"));
    }
}
