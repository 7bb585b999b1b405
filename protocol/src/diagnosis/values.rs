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

/// What a deviation does to the text.
#[derive(Clone, Copy)]
pub(super) enum Writing {
    /// Writes one member's value; `None` writes it as the rule does.
    Member(fn(&Entry) -> Option<String>),
    /// Writes one member's value, and signs `null` members too.
    WithNulls(fn(&Entry) -> Option<String>),
    /// Writes one member's pairs, names included: one, several or none.
    Pairs(fn(&Entry) -> Option<String>),
    /// Changes the finished string, before the key comes to it.
    Whole(Change),
    /// Changes the finished string together with the key.
    WithKey(Change),
}

/// How much a rule says about the code that departs from the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One mistake.
    Single,
    /// All that a language's own way of printing does at once: told only where no single mistake
    /// gives the same string.
    Language,
}

/// A deviation in the text of values.
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

/// All deviations in value text, the most frequent themes first.
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

/// A string's text, changed.
fn on_text(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    entry.string().map(change)
}

/// A string's or a nested value's text, changed: an encoder leaves digits and words alone.
fn on_text_or_nested(entry: &Entry, change: impl Fn(&str) -> String) -> Option<String> {
    (entry.string().is_some() || entry.nested().is_some()).then(|| change(&entry.text))
}
