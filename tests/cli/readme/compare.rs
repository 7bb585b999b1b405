//! Whether an output is the promised one, apart from what differs from run to run.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use regex::{Captures, Regex};

use super::blocks::Block;

/// A line that stands for any number of lines.
const ANY_LINES: &str = "…";

/// Ids, digests and Unix times: fresh in each run, unless a fixture or a command fixes them.
const VALUES: &str = r"\b(?:POT\d{8}|[0-9a-f]{64}|[0-9a-f]{32}|\d{10})\b";

/// What always differs from run to run, and what stands for it.
const CHANGING: [(&str, &str); 6] = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "<timestamp>"),
    (r"\b\d\d:\d\d:\d\d(?:\.\d+)?Z?", "<time>"),
    (r#""(elapsed|wait|since_last)_ms":[0-9.]+"#, "\"${1}_ms\":<number>"),
    // Measured durations have a space before their unit, planned ones have none.
    (r" *\b\d+(?:\.\d+)? m?s\b", " <duration>"),
    (r"(127\.0\.0\.1|localhost|\[::1\]):\d+", "$1:<port>"),
    (r"[ \t\r]+$", ""),
];

/// Replaces what differs from run to run; the same for the promised and the real output.
pub(super) struct Normalizer {
    values: Regex,
    fixed: HashSet<String>,
    changing: Vec<(Regex, &'static str)>,
}

impl Normalizer {
    /// A normalizer that leaves alone what stands in a fixture or in a command.
    ///
    /// Those values are the same in each run, so that a wrong digest in the text is found.
    pub(super) fn of_fixtures(blocks: &[Block]) -> Normalizer {
        let commands = blocks.iter().flat_map(|block| &block.steps).map(|step| &*step.command);
        let mut texts: Vec<String> = commands.map(str::to_owned).collect();
        read_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut texts);
        Normalizer::keeping(&texts)
    }

    fn keeping(texts: &[String]) -> Normalizer {
        let values = Regex::new(VALUES).expect("a pattern");
        let fixed = texts
            .iter()
            .flat_map(|text| values.find_iter(text))
            .map(|found| found.as_str().to_owned())
            .collect();
        let pattern = |(pattern, shown)| (Regex::new(pattern).expect("a pattern"), shown);
        Normalizer { values, fixed, changing: CHANGING.into_iter().map(pattern).collect() }
    }

    /// A line as it is compared.
    pub(super) fn line(&self, line: &str) -> String {
        let known = |found: &Captures<'_>| {
            let value = &found[0];
            match value.len() {
                _ if self.fixed.contains(value) => value.to_owned(),
                11 => "<order id>".to_owned(),
                10 => "<unix time>".to_owned(),
                digits => format!("<{digits} digits>"),
            }
        };
        let line = self.values.replace_all(line, known).into_owned();
        self.changing
            .iter()
            .fold(line, |line, (pattern, shown)| pattern.replace_all(&line, *shown).into_owned())
    }

    /// Whether the real lines are the promised ones.
    pub(super) fn matches(&self, expected: &[String], actual: &[String]) -> bool {
        let all = |lines: &[String]| lines.iter().map(|line| self.line(line)).collect::<Vec<_>>();
        lines_match(&all(expected), &all(actual))
    }
}

fn read_below(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        if entry.path().is_dir() {
            read_below(&entry.path(), texts);
        } else {
            texts.extend(fs::read_to_string(entry.path()));
        }
    }
}

/// Whether `actual` is `expected`, where a line `…` is any number of lines.
fn lines_match(expected: &[String], actual: &[String]) -> bool {
    // reached[n]: the expected lines so far can be the first n actual ones.
    let mut reached = vec![false; actual.len() + 1];
    reached[0] = true;
    for line in expected {
        let before = reached.clone();
        if line.trim() == ANY_LINES {
            let first = before.iter().position(|it| *it).unwrap_or(before.len());
            reached[first..].fill(true);
        } else {
            reached[0] = false;
            for (index, real) in actual.iter().enumerate() {
                reached[index + 1] = before[index] && line == real;
            }
        }
    }
    reached[actual.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(expected: &str, actual: &str) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let fixed = "POT00000102 27ca8ef2e36642099131bfbca52c5ffc 1567614111".to_owned();
        Normalizer::keeping(&[fixed]).matches(&lines(expected), &lines(actual))
    }

    #[test]
    fn what_differs_from_run_to_run_is_the_same() {
        for (expected, actual) in [
            ("at 12:00:01.123Z on", "at 00:15:59.9Z on"),
            ("2026-01-02T03:04:05Z", "2027-11-12T13:14:15.161718Z"),
            ("200      12 ms  x", "200    1.24 s  x"),
            ("in 0.4 ms", "in 75 s"),
            ("POT12345678", "POT00000001"),
            ("sign cbefa646c60083c4c26e125248202db5", "sign 00000000000000000000000000000000"),
            ("create_time=1700000000&x", "create_time=1800000001&x"),
            ("http://127.0.0.1:8787/n", "http://127.0.0.1:40001/n"),
            ("http://localhost:8787", "http://localhost:1"),
            (r#"{"elapsed_ms":0.5}"#, r#"{"elapsed_ms":12}"#),
            ("trailing  ", "trailing"),
        ] {
            assert!(same(expected, actual), "{expected} and {actual}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for (expected, actual) in [
            ("a", "b"),
            ("a", ""),
            ("", "a"),
            ("a\nb", "a"),
            ("a", "a\na"),
            (" a", "a"),
            ("+15s", "+30s"),
            ("status 200", "status 500"),
            ("12 ms x", "12ms x"),
            ("http://127.0.0.1:1/", "http://localhost:1/"),
            ("POT00000102", "POT00000103"),
            ("27ca8ef2e36642099131bfbca52c5ffc", "27ca8ef2e36642099131bfbca52c5ffd"),
            ("1567614111", "1567614112"),
            ("1a41bdda", "1a41bddb"),
            (r#"{"offset_ms":1}"#, r#"{"offset_ms":2}"#),
        ] {
            assert!(!same(expected, actual), "{expected:?} and {actual:?}");
        }
    }

    #[test]
    fn an_ellipsis_is_any_number_of_lines() {
        for (expected, actual, answer) in [
            ("…", "", true),
            ("…", "a\nb", true),
            ("a\n…", "a", true),
            ("a\n…\nd", "a\nb\nc\nd", true),
            ("a\n…\nd", "a\nd\nc\nd", true),
            ("a\n…\nd", "a\nb\nc", false),
            ("…\nb\n…", "a\nc", false),
            ("…\nb\n…\nb", "a\nb\nb", true),
            ("…\nb\n…\nb", "a\nb", false),
            ("  …", "a", true),
            ("a …", "a b", false),
        ] {
            assert_eq!(same(expected, actual), answer, "{expected:?} and {actual:?}");
        }
    }
}
