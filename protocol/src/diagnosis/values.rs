//! Deviations in how values are written, by theme.

mod encoded;
mod languages;
mod nested;
mod numeric;
mod times;
mod whole;
mod words;

use super::Deviation;
use super::Dimension::ValueText;
use super::entry::Entry;

/// Changes a finished string; `None` where it cannot.
pub(super) type Change = fn(&str) -> Option<Vec<u8>>;

#[derive(Clone, Copy)]
pub(super) enum Writing {
    /// Writes one member's value; `None` writes it as the rule does.
    Member(fn(&Entry) -> Option<String>),
    WithNulls(fn(&Entry) -> Option<String>),
    Pairs(fn(&Entry) -> Option<String>),
    Whole(Change),
    WithKey(Change),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Single,
    /// All that a language's own way of printing does at once: told only where no single mistake
    /// gives the same string.
    Language,
}

pub(super) struct ValueRule {
    pub(super) deviation: Deviation,
    pub(super) writing: Writing,
    pub(super) scope: Scope,
}

const RAW: &str = "values are signed as raw UTF-8 text: not encoded, not trimmed, not changed";
const DIGITS: &str = "numbers are signed with the digits exactly as written in the JSON";
const NULLS: &str = "null is empty and left out";
const NESTED: &str =
    "arrays and objects are signed as compact JSON, no spaces, no \\/ and no \\uXXXX";
const BOOLEANS: &str = "booleans are signed as true and false";

const fn rule(
    code: &'static str,
    does: &'static str,
    says: &'static str,
    cause: &'static str,
    fix: &'static str,
    writing: Writing,
) -> ValueRule {
    let deviation = Deviation::new(ValueText, code, does, says, cause, fix);
    ValueRule { deviation, writing, scope: Scope::Single }
}

pub(super) fn rules() -> impl Iterator<Item = &'static ValueRule> {
    let themes: [&'static [ValueRule]; 7] = [
        &encoded::RULES,
        &numeric::RULES,
        &words::RULES,
        &nested::RULES,
        &whole::RULES,
        &times::RULES,
        &languages::RULES,
    ];
    themes.into_iter().flatten()
}

fn on_text(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    entry.string().map(change)
}

fn on_text_or_nested(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    (entry.string().is_some() || entry.nested().is_some()).then(|| change(&entry.text))
}
