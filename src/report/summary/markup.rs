//! HTML in the making: fixed markup, and texts that pass one escaper.

use std::fmt::Write as _;

use crate::mask::outside;
use crate::report::text::is_hidden;

/// A page in the making.
///
/// Markup is fixed text of this program; whatever comes from a run can only enter as text or as a
/// number, so nothing that was received becomes markup.
#[derive(Debug, Default)]
pub(in crate::report) struct Markup {
    page: String,
}

impl Markup {
    pub(in crate::report) fn begin(&mut self, title: &str, style: &'static str) {
        self.html("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        // The page is handed round and holds received texts: whatever slipped in could not run or load.
        self.html("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
        self.html("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        self.html("<meta name=\"color-scheme\" content=\"light dark\"><title>");
        self.text(title).html("</title><style>\n");
        self.html(style).html("</style></head><body><main>");
    }

    pub(in crate::report) fn html(&mut self, fixed: &'static str) -> &mut Self {
        self.page.push_str(fixed);
        self
    }

    pub(in crate::report) fn text(&mut self, text: &str) -> &mut Self {
        escape(&outside(text), &mut self.page);
        self
    }

    /// Adds a coordinate or a length with two places; a number that is none becomes 0.
    pub(in crate::report) fn number(&mut self, number: f64) -> &mut Self {
        let number = if number.is_finite() { number } else { 0.0 };
        // Writing to a String cannot fail.
        let _ = write!(self.page, "{number:.2}");
        self
    }

    pub(in crate::report) fn finish(self) -> String {
        self.page
    }
}

fn escape(text: &str, page: &mut String) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            hidden if is_hidden(hidden) => {
                page.extend(hidden.escape_unicode());
            }
            plain => page.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_never_becomes_markup() {
        let mut page = Markup::default();
        page.html("<p title=\"")
            .text("\"><script>'&")
            .html("\">")
            .text("a\u{202e}b\0\n")
            .html("</p>");
        assert_eq!(
            page.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">a\\u{202e}b\\u{0}\\u{a}</p>"
        );
    }

    #[test]
    fn a_number_is_a_number() {
        let mut page = Markup::default();
        page.number(1.0).html(" ").number(f64::NAN).html(" ").number(f64::INFINITY);
        assert_eq!(page.finish(), "1.00 0.00 0.00");
    }
}
