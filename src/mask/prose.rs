//! This program's own words, which pass a mask untouched.
//!
//! A key can be an ordinary word. Masked in a sentence that everyone knows, it would be shown by
//! its very absence.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem;

/// The fixed parts of this program's texts, one per line: the build collects them.
const TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/prose.txt"));

/// How many letters of ours must be around a word before it counts as ours: a shorter text could
/// just as well have come from outside.
const FEWEST_LETTERS: usize = 4;

/// What this program counts: after a number such a word is one of its own.
const COUNTED: [&str; 9] = [
    "attempt",
    "callback",
    "case",
    "digest",
    "finding",
    "line",
    "notification",
    "order",
    "request",
];

#[derive(Default)]
pub(super) struct Prose {
    known: BTreeMap<String, Vec<(&'static str, &'static str)>>,
}

impl Prose {
    pub(super) fn has(&mut self, text: &str, part: &Range<usize>) -> bool {
        let (before, after) = (&text[..part.start], &text[part.end..]);
        if is_counted(before, &text[part.start..]) {
            return true;
        }
        let word = &text[part.clone()];
        if !self.known.contains_key(word) {
            self.known.insert(word.to_owned(), contexts(word));
        }
        // A long line is broken and indented, so a text of ours can end or begin with the line.
        let (begun, ended) = (before.trim_start(), after.trim_end());
        self.known[word].iter().any(|(left, right)| {
            let left = if left.ends_with(begun) { begun } else { left };
            let right = if right.starts_with(ended) { ended } else { right };
            let letters = left.chars().chain(right.chars()).filter(char::is_ascii_alphabetic);
            before.ends_with(left) && after.starts_with(right) && letters.count() >= FEWEST_LETTERS
        })
    }
}

fn is_counted(before: &str, rest: &str) -> bool {
    let is_number =
        before.strip_suffix(' ').is_some_and(|it| it.ends_with(|c: char| c.is_ascii_digit()));
    is_number && COUNTED.iter().any(|noun| rest.starts_with(noun))
}

fn contexts(word: &str) -> Vec<(&'static str, &'static str)> {
    let found = memmem::find_iter(TEXTS.as_bytes(), word.as_bytes());
    found
        .map(|at| {
            let (before, after) = (&TEXTS[..at], &TEXTS[at + word.len()..]);
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            (&before[start..], after.split('\n').next().unwrap_or_default())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(text: &str, word: &str) -> Vec<bool> {
        let mut prose = Prose::default();
        text.match_indices(word).map(|(at, _)| prose.has(text, &(at..at + word.len()))).collect()
    }

    #[test]
    fn a_word_in_a_sentence_of_ours_is_ours() {
        assert_eq!(ours("why: the key is empty", "empty"), [true]);
        assert_eq!(ours("the key is empty and empty", "empty"), [true, false]);
        // A line can begin and end within a sentence.
        assert_eq!(ours("   key is empty", "empty"), [true]);
        assert_eq!(ours("  empty", "empty"), [false]);
    }

    #[test]
    fn a_word_from_outside_is_not() {
        assert_eq!(ours("of 20 orders", "order"), [true]);
        for text in ["other", "memo=other", " other ", "an other", "other rules"] {
            assert_eq!(ours(text, "other"), [false], "{text}");
        }
    }

    #[test]
    fn no_text_of_ours_has_the_documents_key() {
        assert!(!TEXTS.contains("ThisIsYourSecretKey123"));
        assert!(TEXTS.lines().count() > 1000);
    }

    #[test]
    fn a_counted_word_is_ours_only_after_a_number() {
        for (text, is_ours) in [("7 order", true), ("memo: order", false), ("7order", false)] {
            assert_eq!(ours(text, "order"), [is_ours], "{text}");
        }
    }
}
