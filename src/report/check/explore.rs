//! An exploration for a person: what broke, as a timeline, and what was covered.

use super::shown::{LONGEST_TEXT, visible, wrapped};
use super::standing::{Standing, headline};
use super::text::headline_lines;
use crate::check::explore::coverage::Coverage;
use crate::check::explore::laws::Law;
use crate::check::explore::{Explored, FoundViolation, no_violation};
use crate::check::report::{CheckReport, Exchange};
use crate::report::figures::{counted, grouped, span};
use crate::report::line::Line;

const WIDTH: usize = 96;
const NAME: usize = 24;

const NO_PROOF: &str = "This is not a proof: other moments and other histories were not tried. A killed process does \
                        not lose what it wrote without an fsync; a power cut does, and is not simulated.";

pub(super) fn lines(report: &CheckReport, explored: &Explored, url: &str) -> Vec<Line> {
    let mut lines = vec![Line::new().strong("exploration of ").accent(url), Line::new()];
    match (&explored.found, headline(&report.endpoint)) {
        (_, Some(headline)) => lines.extend(headline_lines(&headline)),
        (Some(found), None) => lines.extend(found_lines(found)),
        (None, None) => {
            let is_judged = report.results.iter().any(|it| Standing::of(it) == Standing::Passed);
            let line = match is_judged {
                true => Line::new().good(format!("✓ {}", no_violation(explored))),
                false => Line::new().warn("? no history could be judged"),
            };
            lines.push(line);
            lines.extend(indented("", NO_PROOF));
        }
    }
    lines.push(Line::new());
    lines.extend(coverage_lines(&explored.coverage));
    for (why, count) in &explored.inconclusive {
        let histories = histories(*count);
        lines.push(
            Line::new()
                .warn(format!("{histories} inconclusive: "))
                .plain(visible(why, LONGEST_TEXT)),
        );
    }
    lines.push(Line::new().dim(format!(
        "{}, {}, seed {}",
        counted(report.requests, "request"),
        span(report.elapsed),
        report.seed
    )));
    lines
}

pub(super) fn timeline_line(exchange: &Exchange) -> String {
    // The advice that follows is for a person who sends one notification.
    let end = exchange.conclusion.find([';', '(']).unwrap_or(exchange.conclusion.len());
    format!("{} → {}", exchange.label, exchange.conclusion[..end].trim_end())
}

fn found_lines(found: &FoundViolation) -> Vec<Line> {
    let mut lines = vec![Line::new().bad("✗ broken: ").strong(found.law.title()), Line::new()];
    for exchange in &found.exchanges {
        let text = visible(timeline_line(exchange), LONGEST_TEXT);
        lines.extend(indented("            ", &text).into_iter().enumerate().map(|(at, line)| {
            match at {
                0 => Line::new().plain(format!("  {}", text_of(&line).trim_start())),
                _ => line,
            }
        }));
    }
    lines.push(Line::new());
    let row = |name: &str, text: &str| {
        let mut rows = indented("         ", text);
        if let Some(first) = rows.first_mut() {
            *first = Line::new().dim(format!("  {name:<7}")).plain(text_of(first).trim_start());
        }
        rows
    };
    lines.extend(row("books", &visible(&found.what, LONGEST_TEXT)));
    lines.extend(row("cost", found.law.why()));
    lines.extend(row("fix", found.law.fix()));
    lines.extend(row("again", &again(found)));
    lines
}

fn text_of(line: &Line) -> String {
    line.spans.iter().map(|span| span.text.as_str()).collect()
}

/// How often it fails when it is played again.
pub(super) fn again(found: &FoundViolation) -> String {
    let FoundViolation { failed, replays, .. } = found;
    let how_often = match failed {
        _ if !found.is_cut_down => "it was interrupted before it was cut down and played again".to_owned(),
        _ if *replays == 0 => "the merchant does not come up any more, so it cannot be played again (--fresh COMMAND empties its data)".to_owned(),
        0 => format!(
            "it did not fail again in {replays} replays: the moment decides, or what other histories left"
        ),
        all if all == replays => format!("it fails always: {replays} of {replays} replays"),
        some => format!("it fails {some} of {replays} times: the moment decides"),
    };
    format!("{how_often}; found after {}, {}", span(found.after), counted(found.steps, "step"))
}

fn coverage_lines(coverage: &Coverage) -> Vec<Line> {
    let faults = coverage.faults.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
    let faults: Vec<String> = faults.collect();
    let faults = if faults.is_empty() { "no fault".to_owned() } else { faults.join(", ") };
    let mut lines = vec![Line::new().plain(format!(
        "played: {}, {}; {faults}",
        histories(coverage.histories),
        counted(coverage.orders, "order"),
    ))];
    let mut columns: Vec<&str> = coverage.laws.keys().map(|(_, fault)| fault.as_str()).collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        return lines;
    }
    let heads: String = columns.iter().map(|name| format!("  {name}")).collect();
    lines.push(Line::new().dim(format!("{:<NAME$}{heads}", "histories per law")));
    for law in Law::ALL {
        let count = |fault: &&str| {
            let count = coverage.laws.get(&(law, (*fault).to_owned())).copied().unwrap_or(0);
            format!("  {:>width$}", grouped(count), width = fault.len())
        };
        let counts: String = columns.iter().map(count).collect();
        lines.push(Line::new().plain(format!("{:<NAME$}{counts}", law.id())));
    }
    lines
}

pub fn histories(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "history" } else { "histories" })
}

fn indented(indent: &str, text: &str) -> Vec<Line> {
    let line = |text: String| Line::new().plain(format!("{indent}{text}"));
    wrapped(text, WIDTH - indent.len()).into_iter().map(line).collect()
}
