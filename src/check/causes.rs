//! From results to root causes: each is named once, with the cases that it explains.

use super::report::{CaseResult, CheckReport, Endpoint, Finding, Status, Tries};

mod rule;
mod rules;
#[cfg(test)]
pub(crate) mod tests;

use rule::Rule;
use rules::RULES;

const MOST_FIELDS: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The rule's name; a case that no rule explains has its own.
    pub id: &'a str,
    /// What the endpoint does, to be read after "it".
    pub title: String,
    pub status: Status,
    pub why: &'a str,
    pub fix: &'a str,
    /// What it explains, the clearest first.
    pub cases: Vec<&'a CaseResult>,
    /// Cases that were not asked, since one of `cases` would have failed them.
    pub untested: Vec<&'a CaseResult>,
}

impl Cause<'_> {
    pub const fn is_failed(&self) -> bool {
        matches!(self.status, Status::Failed)
    }

    /// What the clearest case found.
    pub fn found(&self) -> &str {
        self.cases.first().map_or("", |one| &one.summary)
    }

    fn explains(&self, result: &CaseResult) -> bool {
        self.cases.iter().chain(&self.untested).any(|one| std::ptr::eq(*one, result))
    }
}

/// The causes in the order of work: what fails a check first, and what hides other findings first.
pub fn causes(report: &CheckReport) -> Vec<Cause<'_>> {
    let is_found = |result: &&CaseResult| {
        matches!(result.status, Status::Failed | Status::Warned)
            || result.tries == Tries::PassedOnSecond
    };
    let mut open: Vec<&CaseResult> = report.results.iter().filter(is_found).collect();
    if report.explored.is_some() {
        return open.into_iter().map(of_a_law).collect();
    }
    let is_watched = report.options.iter().any(|option| option.name.starts_with("--observe"));
    let mut causes = Vec::new();
    for rule in RULES {
        let verb = rule.verb(&open);
        let is_explained =
            |one: &&CaseResult| rule.explains(one) && verb.is_none_or(|it| it == verb_of(one));
        let (mut explained, rest): (Vec<_>, Vec<_>) = open.iter().copied().partition(is_explained);
        let is_shown = |it: &&str| explained.iter().any(|one| rule.shows(it, one));
        let is_everything = report.endpoint == Endpoint::AcknowledgesEverything;
        let is_enough =
            rule.evidence.iter().all(is_shown) || is_everything && rule.is_verification();
        let is_ruled_out = open.iter().any(|one| fits(rule.unless, &one.id));
        if explained.is_empty() || !is_enough || is_ruled_out {
            continue;
        }
        open = rest;
        explained.sort_by_key(|one| !rule.evidence.iter().any(|it| rule.shows(it, one)));
        match rule.is_apart {
            true => {
                causes.extend(explained.into_iter().map(|one| rule.cause(vec![one], is_watched)))
            }
            false => causes.push(rule.cause(explained, is_watched)),
        }
    }
    causes.sort_by_key(|cause| !cause.is_failed());
    for result in &report.results {
        let seen =
            result.summary.strip_prefix("not tested: see ").and_then(|it| it.split_once(':'));
        let Some((seen, _)) = seen.filter(|_| result.status == Status::Skipped) else { continue };
        let is_cause = |cause: &&mut Cause| cause.cases.iter().any(|one| one.id == seen);
        if let Some(cause) = causes.iter_mut().find(is_cause) {
            cause.untested.push(result);
        }
    }
    causes
}

/// A law says what is wrong by itself.
fn of_a_law(result: &CaseResult) -> Cause<'_> {
    Cause {
        id: &result.id,
        title: format!("breaks the law: {}", result.title),
        status: result.status,
        why: &result.why,
        fix: &result.fix,
        cases: vec![result],
        untested: Vec::new(),
    }
}

/// The cause of a result, where there is one.
pub fn cause_of<'a, 'r>(causes: &'a [Cause<'r>], result: &CaseResult) -> Option<&'a Cause<'r>> {
    causes.iter().find(|cause| cause.explains(result))
}

/// Gives each result the explanation and the fix of its cause, which fit what was found.
pub fn explain(report: &mut CheckReport) {
    let of = |cause: &Cause| {
        let ids: Vec<String> = cause.cases.iter().map(|one| one.id.clone()).collect();
        (ids, cause.why.to_owned(), cause.fix.to_owned())
    };
    let explained: Vec<_> = causes(report).iter().map(of).collect();
    for (ids, why, fix) in explained {
        for result in report.results.iter_mut().filter(|one| ids.contains(&one.id)) {
            result.why.clone_from(&why);
            result.fix.clone_from(&fix);
        }
    }
}

impl Rule {
    fn is_verification(&self) -> bool {
        self.id == "no-verification"
    }

    fn explains(&self, result: &CaseResult) -> bool {
        self.fits_finding(result) && fits(self.explains, &result.id)
    }

    /// Whether a result is this piece of evidence, which is several names with `|` between them.
    fn shows(&self, evidence: &str, result: &CaseResult) -> bool {
        self.fits_finding(result) && fits(evidence, &result.id)
    }

    fn fits_finding(&self, result: &CaseResult) -> bool {
        self.findings.contains(&result.finding)
            && result.summary.contains(self.says)
            && self.is_5xx.is_none_or(|is_5xx| is_5xx == failing_status(result).is_some())
    }

    /// What all cases of a rule do that names it in its title.
    fn verb(&self, open: &[&CaseResult]) -> Option<&'static str> {
        let is_evidence = |one: &&&CaseResult| match self.evidence {
            [] => self.explains(one),
            all => all.iter().any(|it| self.shows(it, one)),
        };
        let named = Some(open).filter(|_| self.title.contains("{verb}"))?;
        named.iter().find(is_evidence).map(|one| verb_of(one))
    }

    fn cause<'a>(&self, cases: Vec<&'a CaseResult>, is_watched: bool) -> Cause<'a> {
        let first = cases[0];
        let is_failed = cases.iter().any(|one| one.status == Status::Failed);
        let or = |text: &'static str, own: &'a str| if text.is_empty() { own } else { text };
        Cause {
            id: if self.is_apart { &first.id } else { self.id },
            title: self.title(&cases, is_watched),
            status: if is_failed { Status::Failed } else { Status::Warned },
            why: or(self.why, &first.why),
            fix: or(self.fix, &first.fix),
            cases,
            untested: Vec::new(),
        }
    }

    fn title(&self, cases: &[&CaseResult], is_watched: bool) -> String {
        // What could not be observed may have been booked.
        let is_watched = is_watched && cases.iter().all(|case| case.unseen.is_none());
        let first = cases[0];
        let mut title = self.title.to_owned();
        for (name, text) in [
            ("{verb}", verb_of(first).to_owned()),
            ("{verbs}", verbs(cases)),
            ("{at_once}", at_once(cases).to_owned()),
            ("{booked}", booked(&first.summary).unwrap_or("booked wrongly").to_owned()),
            ("{fields}", fields(cases)),
            ("{amounts}", amounts(cases)),
            ("{replies}", replies(cases)),
            (
                "{reply}",
                failing_status(first).map_or_else(String::new, |it| format!("status {it}")),
            ),
            ("{count}", cases.len().to_string()),
            ("{watched}", if is_watched { "; nothing was booked" } else { "" }.to_owned()),
            ("{title}", first.title.clone()),
            ("{summary}", first.summary.replacen("not acknowledged: ", "", 1)),
        ] {
            if title.contains(name) {
                title = title.replace(name, &text);
            }
        }
        title
    }
}

/// Whether an id fits one of the patterns, which have `|` between them and may hold one `*` each.
fn fits(patterns: &str, id: &str) -> bool {
    patterns.split('|').any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => {
            id.len() >= start.len() + end.len() && id.starts_with(start) && id.ends_with(end)
        }
        None => id == pattern,
    })
}

/// What a summary says of an order, such as `refunded twice`.
fn booked(summary: &str) -> Option<&str> {
    let (_, after) = summary.split_once("the order ")?;
    let (_, booked) = after.split_once(" was ")?;
    booked.split([',', ';']).next()
}

fn verb_of(result: &CaseResult) -> &'static str {
    match booked(&result.summary) {
        Some(words) if words.contains("refunded") => "refunds",
        Some(words) if words.contains("credited") => "credits",
        _ => "books",
    }
}

fn verbs(cases: &[&CaseResult]) -> String {
    let mut verbs: Vec<&str> = cases.iter().map(|one| verb_of(one)).collect();
    verbs.sort_unstable();
    verbs.dedup();
    verbs.join(" or ")
}

fn at_once(cases: &[&CaseResult]) -> &'static str {
    match cases.iter().any(|one| fits("idem-orders-at-once|idem-failure-orders-at-once", &one.id)) {
        true => ", also of orders that arrive at the same time",
        false => "",
    }
}

/// The fields that cases changed after signing.
fn fields(cases: &[&CaseResult]) -> String {
    let names = cases.iter().map(|one| match one.id.strip_prefix("auth-changed-") {
        Some(field) => field.replace('-', "_"),
        None if one.id.starts_with("auth-removed") => "removed fields".to_owned(),
        None if one.id.starts_with("auth-added") => "added fields".to_owned(),
        None => "names".to_owned(),
    });
    let mut names: Vec<String> = names.collect();
    names.dedup();
    let more = names.len().saturating_sub(MOST_FIELDS);
    names.truncate(MOST_FIELDS);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// The amounts of the notifications that ended the cases.
fn amounts(cases: &[&CaseResult]) -> String {
    let amount = |case: &&CaseResult| {
        let fields: serde_json::Value =
            serde_json::from_slice(&case.exchanges.last()?.body).ok()?;
        fields.get("amount").map(ToString::to_string)
    };
    let mut amounts: Vec<String> = cases.iter().filter_map(amount).collect();
    amounts.sort_unstable();
    amounts.dedup();
    amounts.truncate(MOST_FIELDS);
    amounts.join(", ")
}

/// How requests ended that should have been refused.
fn replies(cases: &[&CaseResult]) -> String {
    let requests = match cases.len() {
        1 => format!("{}: ends", cases[0].title),
        many => format!("{many} kinds of bad requests end"),
    };
    match cases.iter().map(|one| failing_status(one)).collect::<Option<Vec<u16>>>() {
        Some(mut all) => {
            all.sort_unstable();
            all.dedup();
            let all: Vec<String> = all.iter().map(u16::to_string).collect();
            format!("{requests} in status {}", all.join(", "))
        }
        None => format!("{requests} without a proper refusal"),
    }
}

fn failing_status(result: &CaseResult) -> Option<u16> {
    let received = result.exchanges.iter().filter_map(|exchange| exchange.received.as_ref().ok());
    received.map(|one| one.status).find(|status| *status >= 500)
}
