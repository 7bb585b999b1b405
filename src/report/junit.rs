//! What all JUnit documents have in common. Names and messages come from others in part, and XML
//! that holds a noncharacter such as U+FFFE cannot be read at all: each is masked and sanitized.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text::sanitize;
use crate::mask::in_own;

pub fn document(name: &str, time: Duration, suites: impl IntoIterator<Item = TestSuite>) -> String {
    let mut report = Report::new(name);
    report.set_time(time).add_test_suites(suites);
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    let text = report.to_string().expect("a document in memory is always written");
    // The schema of Jenkins' xUnit plugin has this attribute on each suite, but not on the root.
    text.replacen(&skipped, "", 1)
}

pub fn suite(name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(visible(name));
    suite.add_test_cases(cases);
    suite
}

pub fn case(class: &str, name: &str, status: TestCaseStatus, time: Duration) -> TestCase {
    let mut case = TestCase::new(visible(name), status);
    case.set_classname(visible(class)).set_time(time);
    case
}

pub fn failure(kind: NonSuccessKind, code: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(code).set_message(visible(message));
    status
}

/// What is not known has not failed.
pub fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(visible(message));
    status
}

pub fn visible(text: &str) -> String {
    sanitize(&in_own(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_suites_count_what_is_skipped() {
        let case = case("class", "name", skipped("why"), Duration::ZERO);
        let text = document("run", Duration::ZERO, [suite("suite", [case])]);
        let root = text.lines().nth(1).unwrap();
        assert_eq!(
            root,
            "<testsuites name=\"run\" tests=\"1\" failures=\"0\" errors=\"0\" time=\"0.000\">"
        );
        assert!(text.contains("<testsuite name=\"suite\" tests=\"1\" skipped=\"1\" "), "{text}");
    }
}
