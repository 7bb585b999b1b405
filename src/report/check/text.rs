//! A check for a person: a table at a glance, then what must be fixed, in full.

use std::collections::BTreeMap;

use super::shown::{
    LARGE_BODY, LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, MOST_SHOWN_EXCHANGES,
    body_lines, header_lines, received_line, sent_line, visible, wrapped,
};
use super::standing::{Headline, Standing, again, counts, headline, unverified, unverified_claims};
use super::{CheckFacts, brief, explore, groups, verdict};
use crate::check::causes::causes;
use crate::check::report::{CaseResult, CheckReport, Exchange, Status};
use crate::report::figures::{counted, grouped, shortened, span};
use crate::report::line::{Line, Role, Width};

const WIDTH: usize = 80;

const INDENT: usize = 12;

const LONGEST_GROUP: usize = 32;

const MOST_BODY_LINES: usize = 10;

const MOST_LARGE_BODY_LINES: usize = 3;

const LEAST_ROOM: usize = 20;

const MANY_ALIKE: usize = 3;

const MOST_TOLD: usize = 50;

pub fn ready_line(facts: &CheckFacts) -> Line {
    if facts.is_exploration {
        let url = visible(&facts.url, LONGEST_URL);
        return Line::new().plain("exploring ").accent(url).dim(format!("  seed {}", facts.seed));
    }
    Line::new().plain("checking ").accent(visible(&facts.url, LONGEST_URL)).dim(format!(
        "  {}, at most {}, seed {}",
        counted(facts.cases, "case"),
        counted(facts.bound, "request"),
        facts.seed
    ))
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What is to be done, on one screen.
    Brief,
    /// Every case, and all that was sent and received for those that did not pass.
    Whole,
}

pub fn lines(report: &CheckReport, detail: Detail, width: Width) -> Vec<Line> {
    if let Some(explored) = &report.explored {
        return explore::lines(report, explored, &visible(&report.url, LONGEST_URL));
    }
    let causes = causes(report);
    let verdict = verdict::line(report, &causes);
    let mut lines = vec![
        Line::new().strong("check of ").accent(visible(&report.url, LONGEST_URL)),
        verdict.clone(),
        Line::new(),
    ];
    if let Some(headline) = headline(&report.endpoint) {
        lines.extend(headline_lines(&headline));
        lines.extend((detail == Detail::Whole).then(Line::new));
    }
    match detail {
        Detail::Brief => lines.extend(brief::lines(report, &causes, width)),
        Detail::Whole => {
            table(&mut lines, report, width);
            for cause in &causes {
                lines.push(brief::heading(cause));
                for result in &cause.cases {
                    lines.extend(result_lines(report, result));
                    lines.push(Line::new());
                }
            }
            not_verified(&mut lines, &report.results, width);
        }
    }
    lines.extend(totals(&report.results, width));
    lines.push(Line::new().dim(format!(
        "{} of at most {}, {}, seed {}",
        counted(report.requests, "request"),
        grouped(report.bound),
        span(report.elapsed),
        report.seed
    )));
    lines.push(verdict);
    lines
}

pub(super) fn headline_lines(headline: &Headline) -> Vec<Line> {
    let look = headline.standing.look();
    let title = format!("{} {}", look.mark, headline.title);
    let mut lines = vec![Line::new().with(look.role, title)];
    for text in [&visible(&headline.reason, LONGEST_TEXT), headline.advice] {
        let indented = |text: String| Line::new().plain(format!("  {text}"));
        lines.extend(wrapped(text, WIDTH - 2).into_iter().map(indented));
    }
    lines
}

/// What most inconclusive cases say, where it holds for the endpoint as a whole and not for one
/// group alone; to be told once.
fn shared_reason(report: &CheckReport) -> Option<&str> {
    headline(&report.endpoint)?;
    let mut told: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for result in report.results.iter().filter(|it| it.status == Status::Inconclusive) {
        told.entry(&result.summary).or_default().push(result);
    }
    let (reason, cases) = told.into_iter().max_by_key(|(_, cases)| cases.len())?;
    let is_widespread = cases.iter().any(|it| it.group != cases[0].group);
    (is_widespread && cases.len() >= MANY_ALIKE).then_some(reason)
}

fn is_for(result: &CaseResult, shared: Option<&str>) -> bool {
    result.status == Status::Inconclusive && shared == Some(&result.summary)
}

fn table(lines: &mut Vec<Line>, report: &CheckReport, width: Width) {
    let ids = report.results.iter().map(|it| visible(&it.id, LONGEST_ID).chars().count());
    let ids = ids.max().unwrap_or(0).clamp(8, 32);
    let shared = shared_reason(report);
    let mut of_shared = report.results.iter().filter(|it| is_for(it, shared));
    if let Some(first) = of_shared.next() {
        lines.extend(alike_lines(("", first), 1 + of_shared.count(), width));
        lines.push(Line::new());
    }
    let mut is_apart = true;
    for (name, group) in groups(&report.results) {
        let own: Vec<&CaseResult> = group.iter().filter(|it| !is_for(it, shared)).collect();
        // Groups with nothing but a number are close together.
        if !is_apart && !own.is_empty() {
            lines.push(Line::new());
        }
        lines.push(heading(name, group));
        for alike in own.chunk_by(|one, next| is_unasked(one) && says_the_same(one, next)) {
            match alike {
                [first, ..] if alike.len() >= MANY_ALIKE => {
                    lines.extend(alike_lines(("  ", first), alike.len(), width));
                }
                few => lines.extend(few.iter().flat_map(|result| rows(result, ids, width))),
            }
        }
        let others = group.len() - own.len();
        if others > 0 && own.iter().any(|it| it.status == Status::Inconclusive) {
            let look = Standing::Inconclusive.look();
            let start = format!("  {} {} {}", look.mark, counted(others as u64, "case"), look.name);
            lines.push(Line::new().with(look.role, start).dim(" for the reason above"));
        }
        is_apart = !own.is_empty();
        lines.extend(is_apart.then(Line::new));
    }
    lines.extend((!is_apart).then(Line::new));
}

fn heading(name: &str, group: &[CaseResult]) -> Line {
    let mut heading = Line::new().strong(shortened(&visible(name, LONGEST_ID), LONGEST_GROUP));
    heading = heading.dim("  ");
    for (index, (standing, count)) in counts(group).into_iter().enumerate() {
        let look = standing.look();
        let role = if standing == Standing::Passed { Role::Dim } else { look.role };
        heading = heading.dim(if index > 0 { ", " } else { "" });
        heading = heading.with(role, format!("{} {}", grouped(count), look.name));
    }
    heading
}

fn is_unasked(result: &CaseResult) -> bool {
    matches!(Standing::of(result), Standing::Skipped | Standing::Inconclusive)
}

fn says_the_same(one: &CaseResult, next: &CaseResult) -> bool {
    one.status == next.status && one.summary == next.summary
}

fn alike_lines((before, first): (&str, &CaseResult), count: usize, width: Width) -> Vec<Line> {
    let look = Standing::of(first).look();
    let cases = counted(count as u64, "case");
    let start = format!("{before}{} {cases} {}: ", look.mark, look.name);
    let indent = start.chars().count();
    let reason = visible(&first.summary, LONGEST_TEXT);
    hanging(Line::new().with(look.role, start), indent, &reason, width)
}

fn rows(result: &CaseResult, ids: usize, width: Width) -> Vec<Line> {
    let standing = Standing::of(result);
    let look = standing.look();
    let id = shortened(&visible(&result.id, LONGEST_ID), ids);
    let start = format!("{id:<ids$}  ");
    let line = Line::new().with(look.role, format!("  {} ", look.mark));
    let indent = 4 + ids + 2;
    if is_unasked(result) {
        let reason = format!("{}: {}", look.name, visible(&result.summary, LONGEST_TEXT));
        return hanging(line.dim(start), indent, &reason, width);
    }
    let note = match standing {
        Standing::Unverified => " (not verified)",
        Standing::Flaky => " (flaky)",
        _ => "",
    };
    let room = room(indent, width).saturating_sub(note.len());
    let line = if standing == Standing::Failed { line.bad(start) } else { line.plain(start) };
    let line = line.plain(shortened(&visible(&result.title, LONGEST_TITLE), room));
    vec![if note.is_empty() { line } else { line.warn(note) }]
}

fn room(indent: usize, width: Width) -> usize {
    match width {
        Width::Columns(columns) => columns.saturating_sub(indent).max(LEAST_ROOM),
        Width::Endless => usize::MAX,
    }
}

/// A line whose text continues below where it begins, which is after `indent` characters.
pub fn hanging(first: Line, indent: usize, text: &str, width: Width) -> Vec<Line> {
    let mut parts = wrapped(text, room(indent, width)).into_iter();
    let first = first.dim(parts.next().unwrap_or_default());
    let below = parts.map(|part| Line::new().dim(format!("{:indent$}{part}", "")));
    std::iter::once(first).chain(below).collect()
}

/// A result in full: what was sent, what came back, what follows, and how to fix it.
pub fn result_lines(report: &CheckReport, result: &CaseResult) -> Vec<Line> {
    let standing = Standing::of(result);
    let look = standing.look();
    let mut lines = vec![
        Line::new()
            .with(look.role, format!("{} {} ", look.mark, look.name.to_uppercase()))
            .strong(visible(&result.id, LONGEST_ID))
            .plain(format!(": {}", visible(&result.title, LONGEST_TITLE))),
    ];
    explained(&mut lines, "found", Role::Plain, &visible(&result.summary, LONGEST_TEXT));
    if standing == Standing::Flaky {
        explained(&mut lines, "", Role::Dim, "It failed first and passed on the second try.");
    }
    if let Some(claim) = unverified(result) {
        let claim = format!("not verified: {}", visible(claim, LONGEST_TEXT));
        explained(&mut lines, "", Role::Warn, &claim);
    }
    for exchange in result.exchanges.iter().take(MOST_SHOWN_EXCHANGES) {
        exchange_lines(&mut lines, exchange);
    }
    let more = result.exchanges.len().saturating_sub(MOST_SHOWN_EXCHANGES);
    if more > 0 {
        explained(
            &mut lines,
            "",
            Role::Dim,
            &format!("and {}", counted(more as u64, "more exchange")),
        );
    }
    explained(&mut lines, "why", Role::Plain, &visible(&result.why, LONGEST_TEXT));
    explained(&mut lines, "fix", Role::Plain, &visible(&result.fix, LONGEST_TEXT));
    lines.push(labelled("rerun").accent(again(report, &result.id)));
    lines
}

pub(super) fn exchange_lines(lines: &mut Vec<Line>, exchange: &Exchange) {
    explained(lines, "sent", Role::Plain, &sent_line(exchange));
    for header in header_lines(exchange) {
        explained(lines, "", Role::Dim, &header);
    }
    body(lines, &exchange.body);
    explained(lines, "received", Role::Plain, &received_line(exchange));
    if let Ok(received) = &exchange.received {
        body(lines, &received.body);
    }
    explained(lines, "platform", Role::Plain, &visible(&exchange.conclusion, LONGEST_TEXT));
}

fn body(lines: &mut Vec<Line>, body: &[u8]) {
    let most = if body.len() > LARGE_BODY { MOST_LARGE_BODY_LINES } else { MOST_BODY_LINES };
    for text in body_lines(body, WIDTH - INDENT, most) {
        lines.push(labelled("").dim(text));
    }
}

pub(super) fn labelled(label: &str) -> Line {
    Line::new().dim(format!("  {label:<width$}", width = INDENT - 2))
}

pub(super) fn explained(lines: &mut Vec<Line>, label: &str, role: Role, text: &str) {
    if text.is_empty() {
        return;
    }
    for (index, part) in wrapped(text, WIDTH - INDENT).into_iter().enumerate() {
        lines.push(labelled(if index == 0 { label } else { "" }).with(role, part));
    }
}

fn not_verified(lines: &mut Vec<Line>, results: &[CaseResult], width: Width) {
    let claims = unverified_claims(results);
    let look = Standing::Unverified.look();
    for (text, cases) in claims.iter().take(MOST_TOLD) {
        let start =
            format!("{} {} {}: ", look.mark, counted(cases.len() as u64, "case"), look.name);
        let indent = start.chars().count();
        let text = visible(text, LONGEST_TEXT);
        lines.extend(hanging(Line::new().with(look.role, start), indent, &text, width));
    }
    lines.extend((!claims.is_empty()).then(Line::new));
}

fn totals(results: &[CaseResult], width: Width) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for (standing, count) in counts(results) {
        let look = standing.look();
        let text = format!("{} {} {}", look.mark, grouped(count), look.name);
        let length = text.chars().count() + 2;
        if used > 0 && matches!(width, Width::Columns(columns) if used + length > columns) {
            lines.push(Line::new());
            used = 0;
        }
        if let Some(line) = lines.pop() {
            let line = line.plain(if used > 0 { "  " } else { "" });
            lines.push(line.with(look.role, text));
        }
        used += length;
    }
    if used == 0 { vec![Line::new().warn("no case was asked")] } else { lines }
}
