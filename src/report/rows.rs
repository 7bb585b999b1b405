//! `verify --lines` for a person: a row for each line.

use protocol::internal::notification::{Notification, major_units};
use protocol::{Mismatch, Severity};

use super::check::text::hanging;
use super::json;
use super::line::{Line, Role, Width};
use super::text::fitted;
use super::verification::VerificationReport;
use crate::lines::error::BadLine;
use crate::mask::Untrusted;

const ORDER: usize = 20;

/// How many columns come before the cause.
const INDENT: usize = 65;

/// How many columns a cause needs beside a row; else it is below.
const LEAST_CAUSE: usize = 40;

const BELOW: usize = 8;

pub fn head(width: Width) -> Line {
    let cause = if is_beside(width) { "  cause" } else { "" };
    let [status, amount] = ["status", "amount"];
    Line::new().dim(format!(
        "{:>6}  {:<8}  {:<ORDER$}  {status:<10} {amount:>12}{cause}",
        "line", "verdict", "order"
    ))
}

pub fn row(
    number: u64,
    order: &Notification,
    report: &VerificationReport,
    width: Width,
) -> Vec<Line> {
    let (role, verdict, cause) = match report.mismatch() {
        Some(mismatch) => (Role::Bad, "no match", Some(mismatch_cause(report, mismatch))),
        None => match report.faults().max_by_key(|one| one.severity == Severity::Error) {
            Some(fault) => {
                let member = fault.member.as_ref().map(Untrusted::new);
                let member = member.map(|member| format!("{member}: ")).unwrap_or_default();
                (Role::Bad, "invalid", Some(format!("{member}{}", fault.message)))
            }
            None => (Role::Good, "valid", report.key.as_ref().map(ToString::to_string)),
        },
    };
    let id = json::order_id(order).to_string();
    let status = match (order.status, order.status_code) {
        (Some(status), _) => status.name.to_owned(),
        (None, code) => code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
    };
    let amount = order.amount_cents.map_or_else(|| "-".to_owned(), major_units);
    let line = cells(number, (role, verdict), [&id, &status, &amount]);
    with_cause(line, cause, width)
}

pub fn bad_row(bad: &BadLine, width: Width) -> Vec<Line> {
    let text = bad.to_string();
    let start = format!("line {}", bad.number);
    let cause = text.strip_prefix(&start).unwrap_or(&text).trim_start_matches([',', ':', ' ']);
    let line = cells(bad.number, (Role::Bad, "bad line"), ["-"; 3]);
    with_cause(line, Some(cause.to_owned()), width)
}

fn mismatch_cause(report: &VerificationReport, mismatch: &Mismatch) -> String {
    let hit = report.diagnosis.as_ref().and_then(|diagnosis| diagnosis.hits.first());
    hit.map_or_else(|| mismatch.explanation(), |hit| hit.summary("the sender"))
}

fn cells(number: u64, (role, verdict): (Role, &str), [order, status, amount]: [&str; 3]) -> Line {
    let (order, status, amount) = (fitted(order, ORDER), fitted(status, 10), fitted(amount, 12));
    Line::new()
        .dim(format!("{number:>6}  "))
        .with(role, format!("{verdict:<8}"))
        .plain(format!("  {order:<ORDER$}  {status:<10} {amount:>12}"))
}

fn is_beside(width: Width) -> bool {
    !matches!(width, Width::Columns(columns) if columns < INDENT + LEAST_CAUSE)
}

fn with_cause(line: Line, cause: Option<String>, width: Width) -> Vec<Line> {
    match cause {
        None => vec![line],
        Some(cause) if is_beside(width) => hanging(line.plain("  "), INDENT, &cause, width),
        Some(cause) => {
            let below = hanging(Line::new().plain(" ".repeat(BELOW)), BELOW, &cause, width);
            std::iter::once(line).chain(below).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        let text = |line: &Line| line.spans.iter().map(|span| &*span.text).collect();
        lines.iter().map(text).collect()
    }

    #[test]
    fn a_row_fits_into_the_terminal_with_its_cause() {
        let problem = "expected a JSON value, and this explanation continues and on for a while";
        let bad = BadLine::whole(7, problem);
        for columns in [80, 104, 105, 120, 200] {
            let width = Width::Columns(columns);
            let lines = [vec![head(width)], bad_row(&bad, width)].concat();
            let lines = texts(&lines);
            let longest = lines.iter().map(|line| line.chars().count()).max();
            assert!(longest <= Some(columns), "{columns}: {lines:#?}");
            let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            assert!(words.join(" ").ends_with(problem), "{columns}: {lines:#?}");
        }
        let endless = texts(&bad_row(&bad, Width::Endless));
        assert_eq!(endless.len(), 1);
        assert!(endless[0].starts_with("     7  bad line  -  "), "{endless:?}");
    }
}
