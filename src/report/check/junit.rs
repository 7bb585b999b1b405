//! A check as JUnit XML: a suite for each group, and one for the endpoint as a whole.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestRerun};

use super::groups;
use super::shown::{LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, visible};
use super::standing::{Standing, headline, unverified};
use super::text::result_lines;
use crate::check::causes::{Cause, cause_of, causes};
use crate::check::report::{CaseResult, CheckReport};
use crate::report::junit::{self, document, skipped, suite};

/// The longest time that is written; a longer one is not a time that was measured.
const LONGEST_TIME: Duration = Duration::from_secs(1_000_000);

/// What is inconclusive is an error, so that no pipeline takes it for passed. A warning is a passed
/// case with its text in `system-out`: JUnit has no warnings. What was not verified is skipped.
pub fn xml(report: &CheckReport) -> String {
    let causes = causes(report);
    let endpoint = suite("endpoint", [endpoint_case(report)]);
    let groups = groups(&report.results).map(|(name, group)| {
        let cases = group.iter().map(|result| case(report, cause_of(&causes, result), result));
        let mut suite = suite(&visible(name, LONGEST_ID), cases);
        let time = group.iter().fold(Duration::ZERO, |sum, it| sum.saturating_add(it.elapsed));
        suite.set_time(time.min(LONGEST_TIME));
        suite
    });
    let time = report.elapsed.min(LONGEST_TIME);
    document("payout-notify check", time, [endpoint].into_iter().chain(groups))
}

fn endpoint_case(report: &CheckReport) -> TestCase {
    let status = headline(&report.endpoint).map_or_else(TestCaseStatus::success, |headline| {
        let kind = match headline.standing {
            Standing::Failed => NonSuccessKind::Failure,
            _ => NonSuccessKind::Error,
        };
        let reason = visible(&headline.reason, LONGEST_TEXT);
        let message = format!("{}: {reason}", headline.title);
        let mut status = junit::failure(kind, headline.code, &message);
        status.set_description(format!("{}\n{reason}\n{}", headline.title, headline.advice));
        status
    });
    let name = "the endpoint tells good from bad";
    let mut case = junit::case("endpoint", name, status, Duration::ZERO);
    case.set_system_out(format!("url: {}", visible(&report.url, LONGEST_URL)));
    case
}

fn case(report: &CheckReport, cause: Option<&Cause>, result: &CaseResult) -> TestCase {
    let standing = Standing::of(result);
    let look = standing.look();
    let message = visible(&result.summary, LONGEST_TEXT);
    let failure = |kind| {
        let mut status = junit::failure(kind, look.name, &format!("{}: {message}", look.name));
        status.set_description(in_full(report, cause, result));
        status
    };
    let claim =
        unverified(result).map(|claim| format!("not verified: {}", visible(claim, LONGEST_TEXT)));
    let status = match (standing, claim) {
        // A green case would claim what nothing verified.
        (Standing::Flaky, Some(claim)) => skipped(&format!("{claim}; {}: {message}", look.name)),
        (_, Some(claim)) => skipped(&claim),
        (Standing::Passed | Standing::Warned, None) => TestCaseStatus::success(),
        (Standing::Failed, None) => failure(NonSuccessKind::Failure),
        (Standing::Inconclusive, None) => failure(NonSuccessKind::Error),
        (Standing::Skipped | Standing::Unverified, None) => skipped(&message),
        (Standing::Flaky, None) => {
            let mut first = TestRerun::new(NonSuccessKind::Failure);
            first.set_type(look.name).set_message(message);
            first.set_description(in_full(report, cause, result));
            let mut status = TestCaseStatus::success();
            status.add_rerun(first);
            status
        }
    };
    let name =
        format!("{}: {}", visible(&result.id, LONGEST_ID), visible(&result.title, LONGEST_TITLE));
    let class = visible(&result.group, LONGEST_ID);
    let mut case = junit::case(&class, &name, status, result.elapsed.min(LONGEST_TIME));
    if standing == Standing::Warned {
        case.set_system_out(format!("warning\n{}", in_full(report, cause, result)));
    }
    case
}

fn in_full(report: &CheckReport, cause: Option<&Cause>, result: &CaseResult) -> String {
    let title = cause.map(|it| visible(&it.title, LONGEST_TEXT));
    let mut text = title.map_or_else(String::new, |it| format!("cause: {it}\n"));
    for line in result_lines(report, result) {
        let line: String = line.spans.iter().map(|span| span.text.as_str()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
