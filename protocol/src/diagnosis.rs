//! Which deviation from the rule reproduces a signature that does not match.
//!
//! A search near the right scheme: every deviation of the protocol's section 5 singly, with every form
//! of the key and digest; then, where nothing fits, pairs of different dimensions with the frequent
//! forms. A hit is proof by digest: chance does not produce one. Where two mistakes give the same
//! string both are told, the likelier first. Types are never blamed, because `"3"` and `3` are signed
//! alike.

mod candidate;
mod combine;
mod compose;
mod deviations;
mod difference;
mod digest;
mod encodings;
mod entry;
mod extras;
mod fields;
mod forms;
mod generated;
mod hashing;
mod key_texts;
mod keys;
mod numbers;
mod orders;
mod other_hashes;
mod own_key;
mod own_url;
mod printing;
mod queue;
mod search;
mod shapes;
mod translit;
mod values;
mod wrapped;

use std::borrow::Cow;

pub use encodings::from_gbk;

use super::dialect::Dialect;
use super::key::Key;
use super::payload::{Payload, Value};
use search::Depth;

/// Which part of the rule a deviation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// What the verifying side reads wrongly; the signer is right in it.
    Verifier,
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
    const ALL: [Dimension; 8] = [
        Dimension::Verifier,
        Dimension::Key,
        Dimension::KeyForm,
        Dimension::Digest,
        Dimension::Fields,
        Dimension::Order,
        Dimension::ValueText,
        Dimension::Shape,
    ];

    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Dimension::Verifier => "verifier",
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
    /// What the code does, after a subject such as "the code"; a whole clause of the verifying side.
    pub does: Cow<'static, str>,
    /// What the rule says.
    pub rule: &'static str,
    /// Where it usually comes from.
    pub cause: Cow<'static, str>,
    /// The one-line fix.
    pub fix: &'static str,
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

    /// The hit in one sentence without its full stop; `signer` is who signed, such as "the code".
    #[must_use]
    pub fn summary(&self, signer: &str) -> String {
        let (ours, theirs): (Vec<&Deviation>, Vec<&Deviation>) =
            self.deviations.iter().partition(|one| one.dimension == Dimension::Verifier);
        let clauses = |deviations: &[&Deviation]| {
            let mut text = String::new();
            for deviation in deviations {
                let is_repeated = text.starts_with(own_key::SUBJECT);
                let clause = match deviation.does.strip_prefix(own_key::SUBJECT) {
                    Some(rest) if is_repeated => rest,
                    _ => &deviation.does,
                };
                text.push_str(if text.is_empty() { "" } else { ", and " });
                text.push_str(clause);
            }
            text
        };
        if ours.is_empty() {
            return format!("{signer} {}", clauses(&theirs));
        }
        let is_key = ours.iter().any(|deviation| deviation.code.starts_with("own-key"));
        let is_altered = ours.iter().any(|deviation| deviation.code == "altered-value");
        let without = match (is_key, is_altered) {
            (true, _) => "with the bare key",
            (_, true) => "with that value",
            _ => "without that",
        };
        match theirs.as_slice() {
            [] if is_altered => clauses(&ours),
            [] => format!("{}; {without}, the signature is valid", clauses(&ours)),
            theirs => format!("{}; {without}, {signer} {}", clauses(&ours), clauses(theirs)),
        }
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
    search_at(Depth::Quick, payload, dialect, (key, others), None)
}

/// As [`diagnose`], with the long part of the search: altered values, texts that were cut, and every
/// selection of fields. `computed` is explained in place of the payload's signature.
///
/// It takes up to some hundred milliseconds: for a person who waits, not for every request.
#[must_use]
pub fn diagnose_fully(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    others: &[(String, Key)],
    computed: Option<&str>,
) -> Diagnosis {
    search_at(Depth::Full, payload, dialect, (key, others), computed)
}

fn search_at(
    depth: Depth,
    payload: &Payload<'_>,
    dialect: &Dialect,
    (key, others): (&Key, &[(String, Key)]),
    computed: Option<&str>,
) -> Diagnosis {
    let received = match payload.get(dialect.sign_field()).map(|member| &member.value) {
        Some(Value::String(given)) => Some(&**given),
        _ => None,
    };
    let targets = computed.or(received).map(digest::Target::readings).unwrap_or_default();
    let received = received.filter(|_| computed.is_some());
    let mut diagnosis = Diagnosis::default();
    let mut found = at_once(payload, dialect, key, &targets);
    let too_much =
        payload.text().len() > MAX_SEARCHED_BYTES || payload.members().len() > MAX_SEARCHED_MEMBERS;
    if !too_much {
        let is_explained = !found.is_empty();
        let mut search = |depth, key: &Key| {
            let start = |width| {
                let search = search::Search::new(payload, dialect, key, others, width, depth);
                search.with_received(received)
            };
            search(&start, &targets, &mut diagnosis)
        };
        let bare = own_key::cleaned(key).into_iter().filter(|one| one.is_bare && !is_explained);
        for cleaned in bare.take(MAX_CLEANED) {
            let hits = search(Depth::Quick, &cleaned.key);
            // What is around the key here does not count: it comes before code that undoes it.
            found.extend(hits.into_iter().map(|(rank, hit)| {
                let deviations = [&*cleaned.deviations, &*hit.deviations].concat();
                (rank, Hit { deviations, ..hit })
            }));
        }
        let depth = if found.is_empty() { depth } else { Depth::Quick };
        found.extend(search(depth, key));
    }
    diagnosis.hits = in_one_line(simplest(found));
    diagnosis
}

/// What languages do alike where they print values: one hit, with the causes of all.
fn in_one_line(hits: Vec<Hit>) -> Vec<Hit> {
    const FAMILIES: [&str; 9] = [
        "float-",
        "number-",
        "decimals-",
        "printed-",
        "nested-",
        "array-",
        "html-",
        "urlencode",
        "time-",
    ];
    let is_printing = |one: &Deviation| FAMILIES.iter().any(|start| one.code.starts_with(start));
    let others = |hit: &Hit| -> Vec<&'static str> {
        hit.deviations.iter().filter(|one| !is_printing(one)).map(|one| one.code).collect()
    };
    let mut merged: Vec<Hit> = Vec::new();
    for hit in hits {
        let printing = hit.deviations.iter().find(|one| is_printing(one));
        let same = merged
            .iter_mut()
            .find(|known| known.difference == hit.difference && others(known) == others(&hit));
        let known = same.and_then(|it| it.deviations.iter_mut().find(|one| is_printing(one)));
        match (known, printing) {
            (Some(known), Some(printing)) if known.rule == printing.rule => {
                known.cause.to_mut().push_str(&format!("; {}", printing.cause));
            }
            _ => merged.push(hit),
        }
    }
    merged
}

/// A developer's own string to sign beside the canonical one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Whether it ends with the key, as the text that is hashed may.
    pub ends_with_key: bool,
    /// Whether it is the rule's.
    pub is_equal: bool,
    /// Where it first differs from the rule's, where that can be shown.
    pub difference: Option<Difference>,
    /// Which mistakes give this string.
    pub diagnosis: Diagnosis,
}

/// Compares a string to sign with the rule's, and searches for the mistakes that lead to it. Where it
/// ends with the key, it is compared with the whole text that is hashed.
#[must_use]
pub fn compare_string(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    string: &[u8],
) -> Comparison {
    let difference::Compared { ends_with_key, is_equal, difference, digest } =
        difference::compare(payload, dialect, key, string);
    let diagnosis = match is_equal {
        true => Diagnosis::default(),
        false => diagnose_fully(payload, dialect, key, &[], Some(&hex::encode(digest))),
    };
    Comparison { ends_with_key, is_equal, difference, diagnosis }
}

/// Looks only for what a few digests prove: the right digest written otherwise, and a key that was
/// read wrongly here.
///
/// It is for many payloads, where [`diagnose`] would take too long for each.
#[must_use]
pub fn diagnose_briefly(payload: &Payload<'_>, dialect: &Dialect, key: &Key) -> Diagnosis {
    let targets = match payload.get(dialect.sign_field()).map(|member| &member.value) {
        Some(Value::String(given)) => digest::Target::readings(given),
        _ => Vec::new(),
    };
    let found = at_once(payload, dialect, key, &targets);
    Diagnosis { hits: simplest(found), ..Diagnosis::default() }
}

/// Every deviation from this platform's rules by its stable name, each once, in the order of the
/// search.
///
/// Where one name covers several texts, such as other words before the key, the first is told.
#[must_use]
pub fn catalogue() -> Vec<Deviation> {
    // Lower case is this platform's own.
    deviations::all().into_iter().filter(|deviation| deviation.code != "lower").collect()
}

const MAX_CLEANED: usize = 2;

/// What the rule's own digest explains, with the key as it is and without what is around it.
fn at_once(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    targets: &[digest::Target],
) -> Vec<(candidate::Rank, Hit)> {
    let mut found = Vec::new();
    let mut attempt = |key: &Key, around: &[Deviation]| {
        for target in targets {
            if let Some(written) = candidate::own_hit(payload, dialect, key, target) {
                let deviations = [around, &*written].concat();
                let rank = candidate::Rank::of_own_string(written.len());
                if !deviations.is_empty() {
                    found.push((rank, Hit { deviations, difference: None }));
                }
            }
        }
    };
    attempt(key, &[]);
    for cleaned in own_key::cleaned(key) {
        attempt(&cleaned.key, &cleaned.deviations);
    }
    found
}

fn search<'s>(
    start: &dyn Fn(digest::Width) -> search::Search<'s>,
    targets: &[digest::Target],
    diagnosis: &mut Diagnosis,
) -> Vec<(candidate::Rank, Hit)> {
    let mut found = Vec::new();
    let mut searched = Vec::new();
    for width in targets.iter().map(digest::Target::width) {
        if searched.contains(&width) {
            continue;
        }
        searched.push(width);
        let of_width = targets.iter().filter(|target| target.width() == width);
        let of_width: Vec<digest::Target> = of_width.cloned().collect();
        let mut findings: Vec<Findings> = of_width.iter().cloned().map(Findings::new).collect();
        let tried = start(width).only_for(of_width).run(&mut |candidate| {
            let fits = findings.iter_mut().map(|one| one.take(candidate));
            fits.fold(search::Fit::No, |all, fit| if fit == search::Fit::Yes { fit } else { all })
        });
        diagnosis.strings += tried.strings;
        diagnosis.digests += tried.digests;
        found.extend(findings.into_iter().flat_map(|one| one.found));
    }
    found
}

struct Findings {
    target: digest::Target,
    found: Vec<(candidate::Rank, Hit)>,
}

impl Findings {
    fn new(target: digest::Target) -> Findings {
        Findings { target, found: Vec::new() }
    }

    fn take(&mut self, candidate: &candidate::Candidate<'_>) -> search::Fit {
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
}

/// The hits, simplest first, without those that say no more than a simpler one and something
/// besides.
fn simplest(mut found: Vec<(candidate::Rank, Hit)>) -> Vec<Hit> {
    found.sort_by_key(|(rank, _)| *rank);
    let mut simple: Vec<Hit> = Vec::new();
    for (_, hit) in found {
        let adds_nothing = simple.iter().any(|known| {
            known.deviations.iter().all(|deviation| hit.deviations.contains(deviation))
        });
        if !adds_nothing {
            simple.push(hit);
        }
    }
    simple.truncate(MAX_HITS);
    for hit in &mut simple {
        hit.deviations = hit.deviations.drain(..).map(deviations::redacted).collect();
    }
    simple
}

#[cfg(test)]
mod mistake_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
