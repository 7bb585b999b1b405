//! From what an exploration found to the report of a check: each law is a case.

use std::time::Duration;

use super::Explored;
use super::history::GROUP;
use super::laws::Law;
use crate::check::report::{CaseResult, CheckReport, Endpoint, Finding, Status, Tries};

/// The report of a check with what was explored: each law is a case.
pub fn conclude(mut report: CheckReport, explored: Explored) -> CheckReport {
    if report.endpoint == Endpoint::Discerning {
        report.results = Law::ALL.map(|law| result(law, &explored)).to_vec();
    }
    report.explored = Some(explored);
    report
}

fn result(law: Law, explored: &Explored) -> CaseResult {
    let found = explored.found.as_ref().filter(|found| found.law == law);
    let inconclusive: u64 = explored.inconclusive.iter().map(|(_, count)| count).sum();
    let judged = explored.coverage.histories.saturating_sub(inconclusive);
    let (status, finding, summary) = match found {
        Some(found) => (Status::Failed, law.finding(), found.what.clone()),
        None if judged == 0 => {
            let why = "no history could be judged".to_owned();
            (Status::Inconclusive, Finding::Nothing, why)
        }
        None => (Status::Passed, Finding::Nothing, no_violation(explored)),
    };
    CaseResult {
        id: law.id().to_owned(),
        group: GROUP.to_owned(),
        title: law.title().to_owned(),
        status,
        finding,
        tries: Tries::Once,
        summary,
        why: law.why().to_owned(),
        fix: law.fix().to_owned(),
        unseen: None,
        exchanges: found.map(|found| found.exchanges.clone()).unwrap_or_default(),
        elapsed: Duration::ZERO,
    }
}

/// What may be said where no law was broken.
pub fn no_violation(explored: &Explored) -> String {
    let (histories, kills) = (explored.coverage.histories, explored.coverage.kills());
    let plural = |count: u64, one: &str, many: &str| {
        format!("{count} {}", if count == 1 { one } else { many })
    };
    format!(
        "no violation in {} with {}",
        plural(histories, "history", "histories"),
        plural(kills, "kill", "kills")
    )
}
