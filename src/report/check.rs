//! What a check of an endpoint found, in every form: for a person and for machines.

use jiff::Timestamp;
use protocol::internal::nearest::nearest;

use crate::check::report::{CaseResult, CheckReport};

mod brief;
mod explore;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
#[cfg(test)]
mod sample;
pub mod sarif;
mod shown;
pub mod standing;
pub mod tap;
#[cfg(test)]
mod tests;
pub mod text;
mod verdict;

/// A report's format: its name, and what writes it.
pub type ReportKind = (&'static str, fn(&CheckReport) -> String);

pub const REPORT_KINDS: [ReportKind; 6] = [
    ("json", json::check),
    ("junit", junit::xml),
    // The Test Anything Protocol, version 14.
    ("tap", tap::text),
    // Findings for code scanning, SARIF 2.1.0.
    ("sarif", sarif::log),
    ("html", html::page),
    ("github", github::annotations),
];

pub fn report_kind(name: &str) -> Result<ReportKind, String> {
    let kind = REPORT_KINDS.into_iter().find(|(known, _)| *known == name);
    kind.ok_or_else(|| {
        let near = nearest(name, REPORT_KINDS.map(|(known, _)| known));
        let near = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
        format!(
            "\"{}\" is no report; there are json, junit, tap, sarif, html and github{near}",
            crate::mask::Untrusted::new(&name)
        )
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// The endpoint, without credentials.
    pub url: String,
    pub started_at: Timestamp,
    pub cases: u64,
    pub bound: u64,
    pub seed: u64,
    pub is_exploration: bool,
}

/// The results of each group, with its name.
fn groups(results: &[CaseResult]) -> impl Iterator<Item = (&str, &[CaseResult])> {
    let groups = results.chunk_by(|one, next| one.group == next.group);
    groups.map(|group| (group.first().map_or("", |first| first.group.as_str()), group))
}
