//! Which deviation from the rule reproduces a signature that does not match.
//!
//! A search near the right scheme: every deviation of the protocol's section 5 singly, with every form
//! of the key and digest; then, where nothing fits, pairs of different dimensions with the frequent
//! forms. A hit is proof by digest: chance does not produce one. Where two mistakes give the same
//! string both are told, the likelier first. Types are never blamed, because `"3"` and `3` are signed
//! alike.

mod catalogue;
mod combine;
mod compose;
mod digest;
mod encodings;
mod entry;
mod fields;
mod form_rows;
mod forms;
mod hashing;
mod keys;
mod numbers;
mod orders;
mod printing;
mod search;
mod shapes;
mod values;

use std::borrow::Cow;

pub use catalogue::catalogue;

use super::dialect::Dialect;
use super::key::Key;
use super::payload::{Payload, Value};

/// Which part of the rule a deviation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// Which bytes the key is.
    Key,
    /// Where and how the key is put in.
    KeyForm,
    /// The digest and how it is written.
    Digest,
    /// Which members are signed.
    Fields,
    /// In which order.
    Order,
    /// How values are written.
    ValueText,
    /// How the string is put together.
    Shape,
}

impl Dimension {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Dimension::Key => "key",
            Dimension::KeyForm => "key-form",
            Dimension::Digest => "digest",
            Dimension::Fields => "fields",
            Dimension::Order => "order",
            Dimension::ValueText => "value-text",
            Dimension::Shape => "shape",
        }
    }
}

/// One way in which code departs from the rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deviation {
    /// The stable name.
    pub code: &'static str,
    /// Which part of the rule it is about.
    pub dimension: Dimension,
    /// What the code does.
    pub does: Cow<'static, str>,
    /// What the rule says.
    pub rule: &'static str,
    /// Where it usually comes from.
    pub cause: &'static str,
    /// The one-line fix.
    pub fix: &'static str,
}

impl Deviation {
    const fn new(
        dimension: Dimension,
        code: &'static str,
        does: &'static str,
        rule: &'static str,
        cause: &'static str,
        fix: &'static str,
    ) -> Self {
        Deviation { code, dimension, does: Cow::Borrowed(does), rule, cause, fix }
    }
}

/// The first place where two canonical strings differ, with a little text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The byte offset of the first difference.
    pub at: usize,
    /// The rule's string from a little before that place, the key masked.
    pub rule: String,
    /// The other string from a little before that place, the key masked.
    pub theirs: String,
}

/// Deviations that together reproduce the given signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The deviations, in the order of their dimensions; usually one.
    pub deviations: Vec<Deviation>,
    /// Where the strings that were signed first differ; `None` where they are equal.
    pub difference: Option<Difference>,
}

impl Hit {
    /// The deviations' names, joined with `+`.
    #[must_use]
    pub fn code(&self) -> String {
        let codes: Vec<&str> = self.deviations.iter().map(|deviation| deviation.code).collect();
        codes.join("+")
    }
}

/// What a search found, and how far it looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The hits, simplest first.
    pub hits: Vec<Hit>,
    /// How many strings were tried.
    pub strings: usize,
    /// How many digests were compared.
    pub digests: usize,
}

/// The most hits that are reported.
const MAX_HITS: usize = 10;

/// The longest text that is searched, in bytes.
///
/// The search hashes the text thousands of times: a megabyte would take minutes, and a sender could
/// use that against a listener.
pub const MAX_SEARCHED_BYTES: usize = 16 * 1024;

/// The most members of a payload that is searched.
pub const MAX_SEARCHED_MEMBERS: usize = 100;

/// Searches for the deviations that reproduce the payload's signature.
///
/// `key` is the right key; `others` are keys that may have been used by mistake. A payload longer
/// than [`MAX_SEARCHED_BYTES`] or with more members than [`MAX_SEARCHED_MEMBERS`] is not searched.
#[must_use]
pub fn diagnose(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    others: &[(String, Key)],
) -> Diagnosis {
    let given = match payload.get(dialect.sign_field()).map(|member| &member.value) {
        Some(Value::String(given)) => given,
        _ => return Diagnosis::default(),
    };
    let too_much =
        payload.text().len() > MAX_SEARCHED_BYTES || payload.members().len() > MAX_SEARCHED_MEMBERS;
    let Some(target) = digest::Target::parse(given).filter(|_| !too_much) else {
        return Diagnosis::default();
    };
    let mut diagnosis = Diagnosis::default();
    let search = search::Search::new(payload, dialect, key, others, target.width());
    let mut findings = Findings::new(target);
    diagnosis.strings = search.run(&mut |candidate| {
        diagnosis.digests += 1;
        findings.take(candidate)
    });
    diagnosis.hits = findings.hits();
    diagnosis
}

/// What was found for one target.
struct Findings {
    target: digest::Target,
    found: Vec<(search::Rank, Hit)>,
}

impl Findings {
    fn new(target: digest::Target) -> Findings {
        Findings { target, found: Vec::new() }
    }

    /// Notes the candidate where it fits.
    fn take(&mut self, candidate: &search::Candidate<'_>) -> search::Fit {
        if !self.target.fits(candidate.digest) {
            return search::Fit::No;
        }
        for (rank, hit) in candidate.hits(&self.target) {
            if !hit.deviations.is_empty() && self.found.iter().all(|(_, known)| *known != hit) {
                self.found.push((rank, hit));
            }
        }
        search::Fit::Yes
    }

    /// The hits, simplest first.
    fn hits(mut self) -> Vec<Hit> {
        self.found.sort_by_key(|(rank, _)| *rank);
        simplest(self.found.into_iter().map(|(_, hit)| hit))
    }
}

/// The hits without those that say no more than a simpler one and something besides.
fn simplest(sorted: impl Iterator<Item = Hit>) -> Vec<Hit> {
    let mut simple: Vec<Hit> = Vec::new();
    for hit in sorted {
        let adds_nothing = simple.iter().any(|known| {
            known.deviations.iter().all(|deviation| hit.deviations.contains(deviation))
        });
        if !adds_nothing {
            simple.push(hit);
        }
    }
    simple.truncate(MAX_HITS);
    simple
}

#[cfg(test)]
mod tests;
