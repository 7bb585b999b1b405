//! A developer's own digest or string to sign, beside the platform's.

use protocol::internal::diagnosis::Comparison;
use protocol::{Diagnosis, Difference};
use serde_json::{Value, json};

use super::diagnosis;
use super::line::Line;
use crate::mask::Untrusted;

/// What `--computed` or `--string-file` gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// A digest, and whether it is the right one.
    Digest { is_right: bool, diagnosis: Diagnosis },
    /// A string to sign.
    String(Comparison),
}

impl Own {
    pub fn is_right(&self) -> bool {
        match self {
            Own::Digest { is_right, .. } => *is_right,
            Own::String(comparison) => comparison.is_equal,
        }
    }

    pub fn lines(&self) -> Vec<Line> {
        let (name, diagnosis) = match self {
            Own::Digest { diagnosis, .. } => ("your digest", diagnosis),
            Own::String(comparison) => ("your string", &comparison.diagnosis),
        };
        if self.is_right() {
            let what = match self {
                Own::Digest { .. } => "it is the rule's digest for this payload and key",
                Own::String(comparison) if comparison.ends_with_key => {
                    "it is what the rule hashes, with the key at its end"
                }
                Own::String(_) => {
                    "it is the rule's string; a digest that differs comes from the key or the hash"
                }
            };
            return vec![Line::new().good(name).plain(format!(": {what}"))];
        }
        let what = ": it is not what the rule gives for this payload and key";
        let mut lines = vec![Line::new().bad(name).plain(what)];
        match self {
            Own::Digest { .. } => lines.extend(diagnosis::lines(diagnosis)),
            Own::String(comparison) => {
                lines.extend(comparison.difference.iter().flat_map(difference_lines));
                let causes = diagnosis::lines(diagnosis).into_iter();
                // The difference is shown already, for the whole string.
                lines.extend(causes.take_while(|line| !diagnosis::is_difference(line)));
            }
        }
        lines
    }

    pub fn json(&self) -> Value {
        let (kind, difference, diagnosis) = match self {
            Own::Digest { diagnosis, .. } => ("digest", None, diagnosis),
            Own::String(it) => ("string", it.difference.as_ref(), &it.diagnosis),
        };
        json!({
            "kind": kind,
            "matches": self.is_right(),
            "difference": difference.map(diagnosis::difference_json),
            "diagnosis": diagnosis::json(Some(diagnosis)),
        })
    }
}

/// Both strings around the first place where they differ, with a mark under it.
fn difference_lines(difference: &Difference) -> Vec<Line> {
    let letters = difference.rule.chars().zip(difference.theirs.chars());
    let equal = letters.take_while(|(rule, theirs)| rule == theirs);
    // Letters from Hangul on take two columns.
    let columns = equal.map(|(letter, _)| if letter >= '\u{1100}' { "  " } else { " " });
    let mark = columns.collect::<String>() + "^";
    let row = |name: &str| Line::new().dim(format!("  {name:<9}  "));
    vec![
        row("rule has").plain(Untrusted::new(&difference.rule)),
        row("yours has").plain(Untrusted::new(&difference.theirs)),
        row("").plain(format!("{mark} first difference, at byte {}", difference.at)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> String {
        line.spans.iter().map(|span| &*span.text).collect()
    }

    #[test]
    fn the_mark_is_under_the_first_difference() {
        for (rule, theirs, mark) in [
            ("…&fee=32", "…&fee=3.2", "              ^"),
            ("a=中x", "a=中", "      ^"),
            ("a", "b", "^"),
        ] {
            let difference = Difference { at: 7, rule: rule.to_owned(), theirs: theirs.to_owned() };
            let lines = difference_lines(&difference);
            let marked = text(&lines[2]);
            let place = marked.trim_end_matches(" first difference, at byte 7");
            assert!(place.ends_with(mark.trim_start()), "{place:?}");
            let letters = rule.chars().zip(theirs.chars()).take_while(|(a, b)| a == b);
            let columns: usize = letters.map(|(c, _)| if c >= '\u{1100}' { 2 } else { 1 }).sum();
            assert_eq!(place.chars().count(), 13 + columns + 1, "{rule}");
        }
    }

    #[test]
    fn a_right_string_is_said_to_be_right() {
        for (ends_with_key, says) in
            [(true, "with the key at its end"), (false, "the rule's string")]
        {
            let it =
                Own::String(Comparison { ends_with_key, is_equal: true, ..Comparison::default() });
            assert!(it.is_right() && text(&it.lines()[0]).contains(says));
            assert_eq!(it.json()["matches"], true);
        }
        let it = Own::Digest { is_right: false, diagnosis: Diagnosis::default() };
        assert!(!it.is_right() && text(&it.lines()[0]).contains("not what the rule gives"));
    }
}
