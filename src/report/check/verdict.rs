//! The verdict in one line, as an order of work.

use super::shown::{LONGEST_TITLE, visible};
use super::standing::{Standing, count, headline, is_yes, unverified};
use crate::check::causes::Cause;
use crate::check::explore::no_violation;
use crate::check::report::CheckReport;
use crate::report::figures::{counted, grouped};
use crate::report::line::{Line, Role};

/// The most causes that the verdict names.
const MOST_NAMED: usize = 2;

pub(super) fn line(report: &CheckReport, causes: &[Cause]) -> Line {
    let (role, text) = start(report, causes);
    let look = causes.iter().filter(|cause| !cause.is_failed()).count() as u64;
    let line = Line::new().with(role, text);
    let line = if look == 0 { line } else { line.plain(", ").warn(format!("{look} to look at")) };
    match report.results.iter().filter(|it| unverified(it).is_some()).count() as u64 {
        0 => line,
        1 => line.plain(", ").warn("1 claim was not verified"),
        open => line.plain(", ").warn(format!("{} claims were not verified", grouped(open))),
    }
}

/// The same as text.
pub(super) fn text(report: &CheckReport, causes: &[Cause]) -> String {
    line(report, causes).spans.iter().map(|span| span.text.as_str()).collect()
}

fn start(report: &CheckReport, causes: &[Cause]) -> (Role, String) {
    let headline = headline(&report.endpoint);
    let failed = causes.iter().filter(|cause| cause.is_failed());
    let mut named: Vec<String> = failed.map(|cause| visible(&cause.title, LONGEST_TITLE)).collect();
    let inconclusive = count(&report.results, Standing::Inconclusive);
    match &headline {
        Some(headline) if headline.standing == Standing::Failed => {
            named.insert(0, headline.phrase());
        }
        Some(headline) if named.is_empty() => {
            let reason = visible(&headline.reason, LONGEST_TITLE);
            let text = format!("not shown to be safe: {}: {reason}", headline.phrase());
            return (Role::Warn, text);
        }
        _ => {}
    }
    if !named.is_empty() {
        let things = counted(named.len() as u64, "thing");
        let more = if named.len() > MOST_NAMED { "; …" } else { "" };
        named.truncate(MOST_NAMED);
        let named = named.join("; ");
        let text = format!("not safe to go live: {things} to fix first ({named}{more})");
        return (Role::Bad, text);
    }
    if inconclusive > 0 {
        let cases = counted(inconclusive, "case");
        return (Role::Warn, format!("not shown to be safe: {cases} inconclusive"));
    }
    if !is_yes(report) {
        return (Role::Warn, "not shown to be safe: no case was run".to_owned());
    }
    if let Some(explored) = &report.explored {
        return (Role::Good, no_violation(explored));
    }
    let is_open = report.results.iter().any(|it| unverified(it).is_some());
    match (is_open, causes.is_empty()) {
        (true, _) => (Role::Plain, "no case failed".to_owned()),
        (false, true) => (Role::Good, "all selected cases passed".to_owned()),
        (false, false) => (Role::Good, "safe to go live: no case failed".to_owned()),
    }
}
