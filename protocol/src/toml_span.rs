//! A TOML file read into values with their places, and what is wrong with it and where.

use std::ops::{Range, RangeInclusive};

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::nearest::did_you_mean;
use crate::untrusted::{Untrusted, quoting};

/// What is wrong with a file, and at which of its bytes.
pub struct SpannedError {
    /// What is wrong.
    pub problem: String,
    /// The byte, from 0.
    pub at: usize,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct PlacedError {
    /// What is wrong.
    pub problem: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl SpannedError {
    /// The error with its line and column in the text of the file.
    #[must_use]
    pub fn placed(self, text: &str) -> PlacedError {
        let (line, column) = place(text, self.at);
        PlacedError { problem: self.problem, line, column }
    }
}

/// What is read, or what is wrong at which byte.
pub type SpannedResult<T> = Result<T, SpannedError>;

/// An error at the start of a span.
///
/// # Errors
/// Always.
pub fn wrong<T>(span: &Range<usize>, problem: impl Into<String>) -> SpannedResult<T> {
    Err(SpannedError { problem: problem.into(), at: span.start })
}

/// The line and the column of a byte, both from 1; the column counts characters.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, last_line.chars().count() + 1)
}

/// Reads a whole file.
///
/// `tables` has the settings of each kind of table and where such a table is, for a setting that is
/// in another one.
pub fn read<T: DeserializeOwned>(
    text: &str,
    max_bytes: usize,
    tables: &[(&[&str], &str)],
) -> SpannedResult<T> {
    if text.len() > max_bytes {
        return wrong(&(0..0), format!("it is longer than {max_bytes} bytes"));
    }
    toml::from_str(text).or_else(|error: toml::de::Error| {
        let span = error.span().unwrap_or_default();
        let found = text.get(span.clone()).unwrap_or_default();
        let message = error.message().lines().next().unwrap_or("it is not valid TOML");
        if !message.starts_with("unknown field") {
            return wrong(&span, quoting(message));
        }
        let name = found.trim_matches(['"', '\'', '[', ']', ' ']);
        if let Some((_, place)) = tables.iter().find(|(settings, _)| settings.contains(&name)) {
            return wrong(&span, format!("the setting {name} {place}"));
        }
        let near = did_you_mean(name, tables.iter().flat_map(|(settings, _)| *settings).copied());
        wrong(&span, format!("there is no setting {:?}{near}", Untrusted::new(name)))
    })
}

/// A number in its range, or the usual one where none is given.
pub fn number(
    given: Option<Spanned<u32>>,
    usual: u32,
    range: RangeInclusive<u32>,
    problem: &str,
) -> SpannedResult<u32> {
    match given {
        Some(number) if !range.contains(number.get_ref()) => wrong(&number.span(), problem),
        number => Ok(number.map_or(usual, Spanned::into_inner)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain<T>(result: SpannedResult<T>) -> Result<T, (String, usize)> {
        result.map_err(|error| (error.problem, error.at))
    }

    #[test]
    fn a_number_outside_its_range_is_an_error_with_its_place() {
        for (given, expected) in [
            (None, Some(7)),
            (Some(2), Some(2)),
            (Some(9), Some(9)),
            (Some(1), None),
            (Some(10), None),
        ] {
            let spanned = given.map(|number| Spanned::new(3..4, number));
            let found = plain(number(spanned, 7, 2..=9, "use 2 to 9"));
            assert_eq!(found, expected.ok_or(("use 2 to 9".to_owned(), 3)), "{given:?}");
        }
    }

    #[test]
    fn a_place_counts_lines_and_characters() {
        for (at, expected) in
            [(0, (1, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 1)), (5, (2, 2)), (9, (2, 2))]
        {
            assert_eq!(place("éa\nb", at), expected, "{at}");
            let problem = "no number".to_owned();
            let placed = SpannedError { problem: problem.clone(), at }.placed("éa\nb");
            assert_eq!(placed, PlacedError { problem, line: expected.0, column: expected.1 });
        }
    }

    #[test]
    fn a_setting_that_is_not_there_is_named_with_the_nearest_or_with_its_table() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Top {
            speed: u32,
        }
        let tables: [(&[&str], &str); 1] = [(&["label"], "must be inside a [[scheme]] table")];
        let read = |text: &str, max_bytes| plain(read::<Top>(text, max_bytes, &tables));
        assert_eq!(read("speed = 1", 9), Ok(Top { speed: 1 }));
        assert_eq!(read("speed = 1\n", 9).unwrap_err().0, "it is longer than 9 bytes");
        for (text, problem, at) in [
            ("speed = 1\nlabel = 2", "the setting label must be inside a [[scheme]] table", 10),
            (
                "speed = 1\n\"labell\" = 2",
                "there is no setting \"labell\"; did you mean label?",
                10,
            ),
            ("speed = 1\nother = 2", "there is no setting \"other\"", 10),
            ("speed = -1", "invalid value: integer `-1`, expected u32", 8),
        ] {
            assert_eq!(read(text, 99), Err((problem.to_owned(), at)), "{text}");
        }
    }
}
