//! HTML in the making: fixed markup, and texts that pass one escaper.

use std::fmt::{self, Write};

use askama::filters::Escaper as _;

use crate::mask::outside;
use crate::report::text::is_hidden;

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
        // Writing to a String cannot fail.
        let _ = Escaper.write_escaped_str(&mut self.page, text);
        self
    }

    pub(in crate::report) fn finish(self) -> String {
        self.page
    }
}

/// A coordinate or a length with two places; a number that is none becomes 0.
pub(super) fn number(number: f64) -> String {
    format!("{:.2}", if number.is_finite() { number } else { 0.0 })
}

/// Escapes each value that a template shows: no text becomes markup, keys are masked, and hidden
/// characters are made visible.
#[derive(Clone, Copy, Debug, Default)]
pub struct Escaper;

impl askama::filters::Escaper for Escaper {
    fn write_escaped_str<W: Write>(&self, mut page: W, text: &str) -> fmt::Result {
        for character in outside(text).chars() {
            match character {
                '&' => page.write_str("&amp;")?,
                '<' => page.write_str("&lt;")?,
                '>' => page.write_str("&gt;")?,
                '"' => page.write_str("&quot;")?,
                '\'' => page.write_str("&#39;")?,
                hidden if is_hidden(hidden) => write!(page, "{}", hidden.escape_unicode())?,
                plain => page.write_char(plain)?,
            }
        }
        Ok(())
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
        assert_eq!([1.0, f64::NAN, f64::INFINITY].map(number), ["1.00", "0.00", "0.00"]);
    }
}
