//! A check on one screen: what is to be fixed first, and what is to be looked at.

use std::collections::BTreeMap;

use super::shown::{LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, visible};
use super::standing::{Standing, again, unverified_claims};
use super::text::{exchange_lines, explained, hanging};
use crate::check::causes::Cause;
use crate::check::report::{CaseResult, CheckReport, Endpoint, Finding, Status};
use crate::report::figures::{counted, shortened};
use crate::report::line::{Line, Role, Width};

/// Beyond these, a cause to fix has one line.
const MOST_LINES: usize = 26;

const MOST_FAILED: usize = 20;

const MOST_WARNED: usize = 6;

const MOST_REASONS: usize = 3;

const LONGEST_REASON: usize = 160;

const MOST_IDS: usize = 4;

pub(super) fn lines(report: &CheckReport, causes: &[Cause], width: Width) -> Vec<Line> {
    let mut lines = Vec::new();
    let (failed, warned): (Vec<&Cause>, Vec<&Cause>) =
        causes.iter().partition(|cause| cause.is_failed());
    for (index, cause) in failed.iter().take(MOST_FAILED).enumerate() {
        let own =
            failed_lines(report, cause, index == 0 && report.endpoint == Endpoint::Discerning);
        match index > 0 && lines.len() + own.len() > MOST_LINES {
            true => lines.push(one_line(cause)),
            false => lines.extend(own),
        }
    }
    more(&mut lines, failed.len().saturating_sub(MOST_FAILED), "to fix");
    let shown = if warned.len() > MOST_WARNED { MOST_WARNED - 1 } else { warned.len() };
    lines.extend(warned.iter().take(shown).map(|cause| one_line(cause)));
    more(&mut lines, warned.len() - shown, "to look at");
    inconclusive(&mut lines, &report.results, width);
    not_verified(&mut lines, &report.results, width);
    lines
}

fn more(lines: &mut Vec<Line>, count: usize, what: &str) {
    if count > 0 {
        let more = counted(count as u64, "more thing");
        lines.push(Line::new().dim(format!("  and {more} {what}: --verbose shows all")));
    }
}

/// A cause in the words of a heading.
pub(super) fn heading(cause: &Cause) -> Line {
    let look = if cause.is_failed() { Standing::Failed } else { Standing::Warned }.look();
    let line = Line::new()
        .with(look.role, format!("{} ", look.mark))
        .strong(visible(&cause.title, LONGEST_TEXT));
    match cause.cases.len() as u64 - 1 {
        0 => line,
        1 => line.plain("; 1 further case fails with it"),
        more => line.plain(format!("; {} fail with it", counted(more, "further case"))),
    }
}

fn one_line(cause: &Cause) -> Line {
    let look = if cause.is_failed() { Standing::Failed } else { Standing::Warned }.look();
    let line = Line::new().with(look.role, format!("{} ", look.mark));
    line.plain(visible(&cause.title, LONGEST_TITLE)).dim(format!(" ({})", ids(&cause.cases)))
}

fn ids(cases: &[&CaseResult]) -> String {
    let shown = if cases.len() > MOST_IDS { MOST_IDS - 1 } else { cases.len() };
    let ids = cases.iter().take(shown).map(|one| visible(&one.id, LONGEST_ID));
    let ids: Vec<String> = ids.collect();
    match cases.len() - shown {
        0 => ids.join(", "),
        more => format!("{} and {more} more", ids.join(", ")),
    }
}

fn failed_lines(report: &CheckReport, cause: &Cause, is_first: bool) -> Vec<Line> {
    let mut lines = vec![heading(cause)];
    let Some(case) = cause.cases.first() else { return lines };
    let found = format!("{}: {}", case.title, case.summary);
    explained(&mut lines, "found", Role::Plain, &visible(&found, LONGEST_TEXT));
    if is_first {
        // The request that broke the endpoint comes before the one that shows it.
        let shown = match case.finding {
            Finding::Broken => case.exchanges.first(),
            _ => case.exchanges.last(),
        };
        if let Some(exchange) = shown {
            exchange_lines(&mut lines, exchange);
        }
        explained(&mut lines, "why", Role::Plain, &visible(cause.why, LONGEST_TEXT));
    }
    explained(&mut lines, "fix", Role::Plain, &visible(cause.fix, LONGEST_TEXT));
    if cause.cases.len() > 1 {
        explained(&mut lines, "cases", Role::Dim, &ids(&cause.cases));
    }
    if !cause.untested.is_empty() {
        let text = format!("{} not tested for it", counted(cause.untested.len() as u64, "case"));
        explained(&mut lines, "", Role::Dim, &text);
    }
    lines.push(super::text::labelled("rerun").accent(again(report, &case.id)));
    lines
}

fn inconclusive(lines: &mut Vec<Line>, results: &[CaseResult], width: Width) {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for result in results.iter().filter(|it| it.status == Status::Inconclusive) {
        *reasons.entry(&result.summary).or_default() += 1;
    }
    let mut reasons: Vec<(&str, u64)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (reason, count) in reasons.iter().take(MOST_REASONS) {
        let reason = shortened(reason, LONGEST_REASON);
        lines.extend(counted_lines(Standing::Inconclusive, *count, &reason, width));
    }
    let more = reasons.iter().skip(MOST_REASONS).map(|(_, count)| count).sum();
    if more > 0 {
        lines.extend(counted_lines(Standing::Inconclusive, more, "for other reasons", width));
    }
}

fn not_verified(lines: &mut Vec<Line>, results: &[CaseResult], width: Width) {
    let claims = unverified_claims(results);
    let count = claims.iter().map(|(_, cases)| cases.len() as u64).sum();
    match claims[..] {
        [] => {}
        [(claim, _)] => lines.extend(counted_lines(Standing::Unverified, count, claim, width)),
        [(claim, _), ..] => {
            let text = format!("{claim} (and similar: --verbose shows all)");
            lines.extend(counted_lines(Standing::Unverified, count, &text, width));
        }
    }
}

fn counted_lines(standing: Standing, count: u64, text: &str, width: Width) -> Vec<Line> {
    let look = standing.look();
    let start = format!("{} {} {}: ", look.mark, counted(count, "case"), look.name);
    let indent = start.chars().count();
    hanging(Line::new().with(look.role, start), indent, &visible(text, LONGEST_TEXT), width)
}
