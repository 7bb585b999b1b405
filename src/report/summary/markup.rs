//! What the templates of HTML pages write values with.

use std::fmt::{self, Write};

use crate::mask::in_own;
use crate::report::text::is_hidden;

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
        for character in in_own(text).chars() {
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

#[cfg(any(fuzzing, test))]
pub fn escaped(text: &str) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = askama::filters::Escaper::write_escaped_str(&Escaper, &mut page, text);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_never_becomes_markup() {
        let page = escaped("\"><script>'&a\u{202e}b\0\n");
        assert_eq!(page, "&quot;&gt;&lt;script&gt;&#39;&amp;a\\u{202e}b\\u{0}\\u{a}");
    }

    #[test]
    fn a_number_is_a_number() {
        assert_eq!([1.0, f64::NAN, f64::INFINITY].map(number), ["1.00", "0.00", "0.00"]);
    }
}
