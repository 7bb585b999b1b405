//! A check as one HTML page: its style inside it, no scripts, nothing loaded.

use askama::Template;

use super::shown::{
    LARGE_BODY, LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, MOST_SHOWN_EXCHANGES,
    body_lines, header_lines, received_line, sent_line, visible,
};
use super::standing::{
    Headline, Look, Standing, again, counts, headline, is_yes, unverified_claims,
};
use super::{groups, verdict};
use crate::check::causes::{Cause, causes};
use crate::check::report::{CaseResult, CheckReport};
use crate::report::figures::{counted, grouped, span};

const STYLE: &str = include_str!("html.css");

const MOST_BODY_LINES: usize = 40;

const LARGE_BODY_WIDTH: usize = 400;

const MOST_CLAIMS: usize = 10;

#[derive(Template)]
#[template(path = "check/page.html")]
struct Page<'r> {
    report: &'r CheckReport,
    title: String,
    causes: Vec<Cause<'r>>,
    verdict: Option<Headline>,
}

pub fn page(report: &CheckReport) -> String {
    let causes = causes(report);
    let title = verdict::text(report, &causes);
    let page = Page { report, title, causes, verdict: headline(&report.endpoint) };
    page.render().expect("memory takes whatever is written to it")
}

const fn look(cause: &Cause) -> Look {
    if cause.is_failed() { Standing::Failed.look() } else { Standing::Warned.look() }
}

/// The results of a group that no cause explains.
fn others<'r>(causes: &[Cause], group: &'r [CaseResult]) -> Vec<&'r CaseResult> {
    let is_shown = |one: &CaseResult| {
        causes.iter().flat_map(|cause| &cause.cases).any(|it| std::ptr::eq(*it, one))
    };
    group.iter().filter(|one| !is_shown(one)).collect()
}

/// A template passes `x as u64` by reference.
const fn as_u64(count: usize) -> u64 {
    count as u64
}

fn shown_body(body: &[u8]) -> Vec<String> {
    // The browser breaks long lines; a line of this page is one of the body.
    match body.len() > LARGE_BODY {
        true => body_lines(body, LARGE_BODY_WIDTH, 1),
        false => body_lines(body, LARGE_BODY, MOST_BODY_LINES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::check::sample;

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let text = page(&sample::report());
        for part in [
            "not safe to go live: 2 things to fix first (accepts notifications without a signature; ",
            "auth-no-sign",
            "<details class=\"failed\" open>",
        ] {
            assert!(text.contains(part), "{part}");
        }
        for forbidden in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
        for tag in ["section", "details", "summary", "div", "pre", "p", "h3", "code", "label"] {
            let opened = text.matches(&format!("<{tag}>")).count()
                + text.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn what_fails_is_at_the_top_and_open() {
        let text = page(&sample::report());
        let ids: Vec<usize> =
            ["auth-no-sign</code>", "robust-1mb</code>", "interop-iso-times</code>"]
                .iter()
                .chain(&["idem-twenty</code>", "reach-connect</code>", "retry-recovers</code>"])
                .map(|id| text.find(id).unwrap())
                .collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert_eq!(text.matches("<details class=\"failed\" open>").count(), 2);
        assert_eq!(text.matches("<details ").count(), sample::report().results.len());
    }

    #[test]
    fn every_standing_has_its_filter_and_colour() {
        let style = include_str!("html.css");
        for standing in Standing::ALL {
            let name = standing.look().id;
            for rule in [
                format!("#f-{name}:checked ~ section details:not(.{name})"),
                format!("#f-{name}:checked ~ section:not(.has-{name})"),
                format!("label[for=f-{name}]"),
                format!(".{name}-text"),
            ] {
                assert!(style.contains(&rule), "{rule}");
            }
        }
    }

    #[test]
    fn what_is_not_known_never_looks_passed() {
        let text = page(&sample::refused());
        assert!(text.contains("<h1 class=\"warned-text\">? not shown to be safe"));
        assert!(!text.contains("class=\"passed\""));
    }

    #[test]
    fn no_received_text_becomes_markup() {
        let text = page(&sample::hostile());
        assert!(!text.contains("<script") && text.matches("&lt;script&gt;alert(").count() > 50);
        assert!(!text.contains(['\u{1b}', '\0', '\u{202e}']));
        assert!(text.len() < 1 << 20, "{}", text.len());
    }
}
