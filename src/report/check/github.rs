//! A check as annotations of a GitHub workflow: one command per line.

use super::shown::{LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, visible};
use super::standing::{Standing, again, counts, headline, unverified_claims};
use super::verdict;
use crate::check::causes::{Cause, cause_of, causes};
use crate::check::report::{CaseResult, CheckReport};
use crate::report::figures::counted;

const MOST_CLAIMS: usize = 10;

/// The annotations: the endpoint as a whole, each case that is not simply passed or skipped, what
/// was not verified, the totals.
pub fn annotations(report: &CheckReport) -> String {
    let mut text = String::new();
    if let Some(headline) = headline(&report.endpoint) {
        let reason = visible(&headline.reason, LONGEST_TEXT);
        let message = format!("{reason}\n{}", headline.advice);
        text.push_str(&command("error", headline.title, &message));
    }
    let causes = causes(report);
    // A workflow shows the first few of a kind only, so the worst come first.
    for level in ["error", "warning", "note"] {
        // In the order of work; what no cause explains comes after it.
        let explained = causes.iter().flat_map(|cause| cause.cases.iter().copied());
        let is_rest = |it: &&CaseResult| causes.iter().all(|cause| !cause.cases.contains(it));
        let rest = report.results.iter().filter(is_rest);
        for result in explained.chain(rest) {
            let standing = Standing::of(result);
            if standing.look().level != Some(level) || standing == Standing::Unverified {
                continue;
            }
            let title = format!(
                "{} {}: {}",
                standing.look().name,
                visible(&result.id, LONGEST_ID),
                visible(&result.title, LONGEST_TITLE)
            );
            text.push_str(&command(
                level,
                &title,
                &message(report, cause_of(&causes, result), result),
            ));
        }
    }
    for (claim, cases) in unverified_claims(&report.results).into_iter().take(MOST_CLAIMS) {
        let title = format!("not verified: {}", counted(cases.len() as u64, "case"));
        let ids: Vec<String> = cases.iter().map(|it| visible(&it.id, LONGEST_ID)).collect();
        let message = format!("{}\n{}", visible(claim, LONGEST_TEXT), ids.join(", "));
        text.push_str(&command("note", &title, &message));
    }
    let totals: Vec<String> = counts(&report.results)
        .into_iter()
        .map(|(standing, count)| format!("{count} {}", standing.look().name))
        .collect();
    let of = counted(report.results.len() as u64, "case");
    let message = format!(
        "{}: {of}, {}\n{}",
        visible(&report.url, LONGEST_URL),
        totals.join(", "),
        verdict::text(report, &causes)
    );
    text.push_str(&command("note", "payout-notify check", &message));
    text
}

fn message(report: &CheckReport, cause: Option<&Cause>, result: &CaseResult) -> String {
    let mut message = visible(&result.summary, LONGEST_TEXT);
    if let Some(cause) = cause {
        message.push_str(&format!("\nCause: {}", visible(&cause.title, LONGEST_TEXT)));
    }
    for (label, text) in [("Why", &result.why), ("Fix", &result.fix)] {
        if !text.is_empty() {
            message.push_str(&format!("\n{label}: {}", visible(text, LONGEST_TEXT)));
        }
    }
    format!("{message}\nAgain: {}", again(report, &result.id))
}

fn command(level: &str, title: &str, message: &str) -> String {
    let name = if level == "note" { "notice" } else { level };
    let title = escaped(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{name} title={title}::{}\n", escaped(message))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::sample;

    #[test]
    fn each_failure_is_an_annotation_and_the_worst_comes_first() {
        let text = annotations(&sample::report());
        let kinds: Vec<&str> =
            text.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(
            kinds,
            ["::error", "::error", "::warning", "::warning", "::notice", "::notice", "::notice"]
        );
        assert!(
            text.contains("::notice title=not verified%3A 1 case::whether the order was"),
            "{text}"
        );
        assert!(text.starts_with(
            "::error title=failed auth-no-sign%3A A notification without sign is refused::acknowledged a \
             notification without a sign%0ACause: accepts notifications without a signature%0AWhy: An order"
        ), "{text}");
        assert!(text.contains("inconclusive retry-recovers"), "{text}");
    }

    #[test]
    fn received_text_ends_no_command() {
        let text = annotations(&sample::hostile());
        // Two errors, two warnings, the second try, what was not verified, the totals.
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.lines().all(|line| line.starts_with("::") && line.contains(" title=")));
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\0', '\r']) && text.len() < 50_000);
        assert!(text.contains("%250A"));
        for line in text.lines() {
            let title = line.split_once(" title=").unwrap().1.split_once("::").unwrap().0;
            assert!(!title.contains([',', ':']), "{title}");
        }
    }
}
