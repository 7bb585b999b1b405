//! A check as one HTML page: its style inside it, no scripts, nothing loaded.

use super::shown::{
    LARGE_BODY, LONGEST_ID, LONGEST_TEXT, LONGEST_TITLE, LONGEST_URL, MOST_SHOWN_EXCHANGES,
    body_lines, header_lines, received_line, sent_line, visible,
};
use super::standing::{
    Standing, again, count, counts, headline, is_yes, unverified, unverified_claims,
};
use crate::check::report::{CaseResult, CheckReport, Exchange};
use crate::report::figures::{counted, grouped, span};
use crate::report::summary::markup::Markup;

const MOST_BODY_LINES: usize = 40;

const LARGE_BODY_WIDTH: usize = 400;

const MOST_CLAIMS: usize = 10;

pub fn page(report: &CheckReport) -> String {
    let mut page = Markup::default();
    page.begin(&title(report), include_str!("html.css"));
    head(&mut page, report);
    filters(&mut page, report);
    for group in report.results.chunk_by(|one, next| one.group == next.group) {
        section(&mut page, report, group);
    }
    page.html("</main></body></html>\n");
    page.finish()
}

fn title(report: &CheckReport) -> String {
    if let Some(headline) = headline(&report.endpoint) {
        return headline.title.to_owned();
    }
    let count = |standing| count(&report.results, standing);
    match (count(Standing::Failed), count(Standing::Inconclusive), is_yes(report)) {
        (0, 0, true) if report.results.iter().any(|it| unverified(it).is_some()) => {
            "No case failed, but not every claim was verified".to_owned()
        }
        (0, 0, true) => "Nothing stands against going live".to_owned(),
        (0, 0, false) => "Not shown to be safe: no case was asked".to_owned(),
        (0, open, _) => format!("Not shown to be safe: {} inconclusive", counted(open, "case")),
        (failed, ..) => format!("Not safe to go live: {} failed", counted(failed, "case")),
    }
}

fn head(page: &mut Markup, report: &CheckReport) {
    let verdict = headline(&report.endpoint);
    page.html(match (is_yes(report), &verdict) {
        (true, _) => "<h1 class=\"passed-text\">✓ ",
        (false, Some(it)) if it.standing == Standing::Inconclusive => {
            "<h1 class=\"warned-text\">? "
        }
        (false, _) => "<h1 class=\"failed-text\">✗ ",
    });
    page.text(&title(report)).html("</h1><p class=\"break\">Endpoint <code>");
    page.text(&visible(&report.url, LONGEST_URL)).html("</code></p><p class=\"quiet\">");
    page.text(&format!(
        "started {:.0}, took {}, {} of at most {}, seed {}",
        report.started_at,
        span(report.elapsed),
        counted(report.requests, "request"),
        grouped(report.bound),
        report.seed
    ));
    page.html("</p>");
    for (claim, cases) in unverified_claims(&report.results).into_iter().take(MOST_CLAIMS) {
        let look = Standing::Unverified.look();
        let of = counted(cases.len() as u64, "case");
        page.html("<p class=\"unverified-text break\">").text(look.mark);
        page.text(&format!(" {of} not verified: {}", visible(claim, LONGEST_TEXT))).html("</p>");
    }
    if let Some(verdict) = verdict {
        page.html("<div class=\"verdict break\"><p>").text(&visible(&verdict.reason, LONGEST_TEXT));
        page.html("</p><p>").text(verdict.advice).html("</p></div>");
    }
}

/// The filter is radio buttons and style alone, so that the page needs no script.
fn filters(page: &mut Markup, report: &CheckReport) {
    let counts = counts(&report.results);
    page.html("<input type=\"radio\" name=\"f\" id=\"f-all\" checked>");
    for (standing, _) in &counts {
        let id = standing.look().id;
        page.html("<input type=\"radio\" name=\"f\" id=\"f-").html(id).html("\">");
    }
    page.html("<div class=\"filters\" role=\"group\" aria-label=\"Show\">");
    page.html("<label for=\"f-all\"><b>").text(&grouped(report.results.len() as u64));
    page.html("</b> all</label>");
    for (standing, count) in counts {
        let look = standing.look();
        page.html("<label for=\"f-").html(look.id).html("\"><i class=\"").html(look.id);
        page.html("-text\">").html(look.mark).html("</i> <b>").text(&grouped(count)).html("</b> ");
        page.html(look.name).html("</label>");
    }
    page.html("</div>");
}

fn section(page: &mut Markup, report: &CheckReport, group: &[CaseResult]) {
    let counts = counts(group);
    page.html("<section class=\"");
    for (standing, _) in &counts {
        page.html("has-").html(standing.look().id).html(" ");
    }
    let name = group.first().map_or("", |first| first.group.as_str());
    page.html("\"><h2>").text(&visible(name, LONGEST_ID)).html("<span class=\"quiet\">");
    for (index, (standing, count)) in counts.iter().enumerate() {
        page.html(if index > 0 { ", " } else { "" }).text(&grouped(*count)).html(" ");
        page.html(standing.look().name);
    }
    page.html("</span></h2>");
    for result in group {
        case(page, report, result);
    }
    page.html("</section>");
}

fn case(page: &mut Markup, report: &CheckReport, result: &CaseResult) {
    let standing = Standing::of(result);
    let look = standing.look();
    page.html("<details class=\"").html(look.id).html("\"");
    page.html(if standing == Standing::Failed { " open>" } else { ">" });
    page.html("<summary><i class=\"").html(look.id).html("-text\" title=\"").html(look.name);
    page.html("\">").html(look.mark).html("</i><span class=\"title\">");
    page.text(&visible(&result.title, LONGEST_TITLE));
    if standing != Standing::Passed {
        page.html(" <em class=\"").html(look.id).html("-text\">").html(look.name).html("</em>");
    }
    page.html("</span><code>").text(&visible(&result.id, LONGEST_ID)).html("</code></summary>");
    page.html("<div class=\"told\">");
    told(page, "What happened", &result.summary);
    if standing == Standing::Flaky {
        told(page, "Second try", "It failed first and passed on the second try.");
    }
    if let Some(unseen) = &result.unseen {
        told(page, "Not verified", unseen);
    }
    for one in result.exchanges.iter().take(MOST_SHOWN_EXCHANGES) {
        exchange(page, one);
    }
    let more = result.exchanges.len().saturating_sub(MOST_SHOWN_EXCHANGES);
    if more > 0 {
        told(page, "Besides", &counted(more as u64, "more exchange"));
    }
    told(page, "Why it matters", &result.why);
    told(page, "How to mend it", &result.fix);
    page.html("<h3>Ask it again</h3><pre>").text(&again(report, &result.id));
    page.html("</pre></div></details>");
}

fn told(page: &mut Markup, heading: &'static str, text: &str) {
    if !text.is_empty() {
        page.html("<h3>").html(heading).html("</h3><p>").text(&visible(text, LONGEST_TEXT));
        page.html("</p>");
    }
}

fn exchange(page: &mut Markup, exchange: &Exchange) {
    page.html("<h3>Sent</h3><p>").text(&sent_line(exchange)).html("</p><pre>");
    for header in header_lines(exchange) {
        page.text(&header).html("\n");
    }
    page.html(if exchange.headers.is_empty() { "" } else { "\n" });
    body(page, &exchange.body);
    page.html("</pre><h3>Received</h3><p>").text(&received_line(exchange)).html("</p>");
    if let Ok(received) = &exchange.received {
        page.html("<pre>");
        body(page, &received.body);
        page.html("</pre>");
    }
    told(page, "The platform concludes", &exchange.conclusion);
}

fn body(page: &mut Markup, body: &[u8]) {
    // The browser breaks long lines; a line of this page is one of the body.
    let (width, most) = match body.len() > LARGE_BODY {
        true => (LARGE_BODY_WIDTH, 1),
        false => (LARGE_BODY, MOST_BODY_LINES),
    };
    for line in body_lines(body, width, most) {
        page.text(&line).html("\n");
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
            "Not safe to go live: 2 cases failed",
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
        assert!(text.contains("<h1 class=\"warned-text\">? INCONCLUSIVE"));
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
