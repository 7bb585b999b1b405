//! Deviations in how values are written, by theme.

mod encoded;
mod languages;
mod nested;
mod numeric;
pub(super) mod times;
mod whole;
mod words;

use super::deviations::{Rule, rule};
use super::entry::Entry;

/// Changes a finished string.
pub(super) type Change = fn(&str) -> Vec<u8>;

/// Writes one member; `None` writes it as the rule does.
type Write = fn(&Entry) -> Option<String>;

#[derive(Clone, Copy)]
pub(super) enum Writing {
    Member(Write),
    WithNulls(Write),
    Pairs(Write),
    Whole(Change),
    WithKey(Change),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Single,
    /// All that a language's own way of printing does at once: told only where no single mistake
    /// gives the same string.
    Language,
    /// Made for the payload at hand: reported only where nothing simpler gives the same string, and not
    /// combined.
    Rare,
}

pub(super) type ValueRule = Rule<Writing>;

const fn member(code: &'static str, write: Write) -> ValueRule {
    rule(code, Writing::Member(write))
}

const fn with_nulls(code: &'static str, write: Write) -> ValueRule {
    rule(code, Writing::WithNulls(write))
}

const fn pairs(code: &'static str, write: Write) -> ValueRule {
    rule(code, Writing::Pairs(write))
}

pub(super) fn rules() -> impl Iterator<Item = (&'static ValueRule, Scope)> {
    let themes: [&'static [ValueRule]; 6] = [
        &encoded::RULES,
        &numeric::RULES,
        &words::RULES,
        &nested::RULES,
        &whole::RULES,
        &times::RULES,
    ];
    let singles = themes.into_iter().flatten().map(|rule| (rule, Scope::Single));
    singles.chain(languages::RULES.iter().map(|rule| (rule, Scope::Language)))
}

fn on_text(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    entry.string().map(change)
}

fn on_text_or_nested(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    (entry.string().is_some() || entry.nested().is_some()).then(|| change(&entry.text))
}
