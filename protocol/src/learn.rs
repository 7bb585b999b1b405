//! The rule behind callbacks that are known to be good: the search turned round.
//!
//! A string whose digest is the signature of one sample is certain, since no other has it. What is
//! not certain is the rule behind it: several give the same strings for all samples. The most usual
//! one is answered, with a request for each other one that decides.

mod candidate;
mod candidates;
mod fitting;
mod questions;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use self::questions::Question;
pub use self::samples::{MAX_FIELDS, MAX_SAMPLE_BYTES, MAX_SAMPLES, Sample, SamplesError, read};

use self::candidates::Search;
use self::fitting::{Known, rules};
use crate::dialect::{DIALECTS, Dialect};
use crate::key::Key;
use crate::payload::{Payload, Value};
use crate::scheme::Scheme;

/// How many bytes one search hashes at most: a few seconds of an optimized build.
pub const USUAL_EFFORT: u64 = 2_000_000_000;

/// The most fields that are tried as the one that carries the signature.
const MOST_SIGN_FIELDS: usize = 3;
/// The most rules that are named where none explains all samples.
const MOST_RULES: usize = 4;

/// The most fields that are asked about though the sample that shows most does not have them.
const MOST_ABSENT: usize = 32;
/// A search after one that found nothing has this part of its effort.
const LESS_EFFORT: u64 = 8;

/// The sizes of digests, in bytes.
const SIZES: [usize; 5] = [16, 20, 32, 48, 64];

/// What was learned from samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The field that carries the signature; `None` where no field of all samples looks like one.
    pub sign_field: Option<String>,
    /// The rules that were found, each with what it explains.
    pub found: Vec<Found>,
    /// The lines of the samples that no rule explains.
    pub unexplained: Vec<usize>,
    /// Lines of samples that carry the same signature beside different fields.
    pub twins: Vec<(usize, usize)>,
    /// How many strings were hashed.
    pub searched: u64,
    /// Whether a search ended before every string was tried.
    pub is_cut: bool,
    /// The names of the digests that were tried.
    pub digests: Vec<&'static str>,
}

/// A rule, and what it explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The most usual of the rules that fit.
    pub scheme: Scheme,
    /// How many rules fit.
    pub fitting: usize,
    /// The lines of the samples that it explains.
    pub lines: Vec<usize>,
    /// The built-in dialects that explain these samples too.
    pub built_in: Vec<&'static str>,
    /// What the samples leave open.
    pub questions: Vec<Question>,
}

impl Learned {
    /// The schemes of a dialect that explains all samples; empty where none does.
    ///
    /// `sign_type` or the digest's length tells two schemes apart, so each has its own algorithm.
    #[must_use]
    pub fn schemes(&self) -> Vec<Scheme> {
        let schemes: Vec<Scheme> = self.found.iter().map(|found| found.scheme.clone()).collect();
        let is_one_of_many = |at: usize| {
            schemes[..at]
                .iter()
                .any(|other| other.algorithm.digits() == schemes[at].algorithm.digits())
        };
        match self.unexplained.is_empty() && !(0..schemes.len()).any(is_one_of_many) {
            true => schemes,
            false => Vec::new(),
        }
    }
}

/// Finds the rule that explains all samples; `effort` bounds each search, in bytes hashed.
#[must_use]
pub fn learn(samples: &[Sample], key: &Key, effort: u64) -> Learned {
    let payloads: Vec<(Payload<'_>, &Sample)> =
        samples.iter().filter_map(|sample| Some((sample.payload()?, sample))).collect();
    let names = sign_fields(&payloads);
    let mut first: Option<Learned> = None;
    for name in names {
        let effort = if first.is_none() { effort } else { effort / LESS_EFFORT };
        let learned = learn_with(&payloads, &name, key, effort);
        if !learned.found.is_empty() {
            return learned;
        }
        first.get_or_insert(learned);
    }
    first.unwrap_or_else(|| Learned {
        unexplained: samples.iter().map(|sample| sample.line).collect(),
        ..Learned::default()
    })
}

/// The fields that look like a signature in every sample, those named like one first.
fn sign_fields(payloads: &[(Payload<'_>, &Sample)]) -> Vec<String> {
    let Some((first, _)) = payloads.first() else { return Vec::new() };
    let mut names: Vec<(usize, String)> = Vec::new();
    for (at, member) in first.members().iter().enumerate() {
        let is_digest = |payload: &Payload<'_>| digest_of(payload, &member.name).is_some();
        if payloads.iter().all(|(payload, _)| is_digest(payload)) {
            let name = member.name.to_lowercase();
            let words =
                ["sign", "hash", "mac", "sha", "md5", "digest", "check", "crc", "token", "key"];
            let rank = words.iter().position(|word| name.contains(word)).unwrap_or(words.len());
            // Of two alike the later one: the signature is most often the last field.
            names.push((rank * MAX_FIELDS + MAX_FIELDS - at, member.name.to_string()));
        }
    }
    names.sort();
    names.into_iter().map(|(_, name)| name).take(MOST_SIGN_FIELDS).collect()
}

/// The signature in a field, and its digest.
fn digest_of(payload: &Payload<'_>, name: &str) -> Option<(String, Vec<u8>)> {
    let Value::String(text) = &payload.get(name)?.value else { return None };
    let is_size = |bytes: &Vec<u8>| SIZES.contains(&bytes.len());
    let bytes = hex::decode(&**text).ok().filter(is_size);
    let bytes = bytes.or_else(|| STANDARD.decode(&**text).ok().filter(is_size))?;
    Some((text.to_string(), bytes))
}

fn learn_with(
    payloads: &[(Payload<'_>, &Sample)],
    sign_field: &str,
    key: &Key,
    effort: u64,
) -> Learned {
    let mut learned = Learned { sign_field: Some(sign_field.to_owned()), ..Learned::default() };
    learned.twins = twins(payloads, sign_field);
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, (payload, _)) in payloads.iter().enumerate() {
        let length = digest_of(payload, sign_field).map_or(0, |(_, digest)| digest.len());
        groups.entry(length).or_default().push(at);
    }
    for group in groups.into_values() {
        learn_group(payloads, group, sign_field, key, effort, &mut learned);
    }
    learned.unexplained.sort_unstable();
    learned
}

/// Learns the rules of samples whose digests have one length.
fn learn_group(
    payloads: &[(Payload<'_>, &Sample)],
    mut group: Vec<usize>,
    sign_field: &str,
    key: &Key,
    effort: u64,
    learned: &mut Learned,
) {
    // The sample that shows most decides most, unless it has too many fields to try all subsets.
    let shows = |at: usize| {
        let payload = &payloads[at].0;
        let solid = payload.members().iter().filter(|member| !member.value.is_empty()).count();
        (payload.members().len() <= candidates::MOST_SUBSET_FIELDS + 1, solid)
    };
    group.sort_by_key(|at| std::cmp::Reverse(shows(*at)));
    let (mut tried, mut effort) = (0, effort);
    while !group.is_empty() {
        let mut samples: Vec<Known<'_>> = group
            .iter()
            .filter_map(|at| {
                let (payload, sample) = &payloads[*at];
                let (given, _) = digest_of(payload, sign_field)?;
                Some(Known::new(payload.clone(), given, sample.line))
            })
            .collect();
        let (payload, sample) = &payloads[group[0]];
        let Some((_, digest)) = digest_of(payload, sign_field) else { return };
        let mut search = Search::new(payload, sign_field, key.expose(), &digest, effort);
        let hit = if tried == MOST_RULES { None } else { search.run() };
        tried += 1;
        learned.searched += search.count;
        learned.digests.extend(search.hashes());
        learned.digests.sort_unstable();
        learned.digests.dedup();
        let Some(hit) = hit else {
            learned.is_cut |= search.is_cut();
            effort /= LESS_EFFORT;
            learned.unexplained.push(sample.line);
            group.remove(0);
            continue;
        };
        let (rules, fits) = rules(&hit, &search, 0, &mut samples, sign_field, key);
        let Some(scheme) = rules.first().cloned() else {
            learned.unexplained.push(sample.line);
            group.remove(0);
            continue;
        };
        let members = samples.iter().flat_map(|sample| sample.payload.members());
        let mut absent: Vec<String> = members
            .filter(|member| payload.get(&member.name).is_none())
            .map(|member| member.name.to_string())
            .collect();
        absent.sort_unstable();
        absent.dedup();
        absent.truncate(MOST_ABSENT);
        let lines = fits.iter().map(|at| samples[*at].line).collect();
        let mut explains = |dialect: &&'static Dialect| {
            let mut schemes = dialect.schemes.iter();
            dialect.sign_field() == sign_field
                && schemes.any(|scheme| fits.iter().all(|at| samples[*at].fits(scheme, key)))
        };
        let built_in = DIALECTS.iter().filter(|dialect| explains(dialect));
        let built_in = built_in.map(|dialect| &*dialect.id).collect();
        learned.found.push(Found {
            scheme,
            fitting: rules.len(),
            lines,
            built_in,
            questions: questions::questions(&rules, payload, &absent, sample.transport(), key),
        });
        let mut at = 0;
        group.retain(|_| {
            at += 1;
            !fits.contains(&(at - 1))
        });
    }
}

/// Samples that carry the same signature beside different fields: at most one of them is right.
fn twins(payloads: &[(Payload<'_>, &Sample)], sign_field: &str) -> Vec<(usize, usize)> {
    let content = |payload: &Payload<'_>| -> Vec<(String, String)> {
        let members = payload.members_by_name();
        let pair = |member: &crate::payload::Member<'_>| {
            (member.name.to_string(), format!("{:?}", member.value))
        };
        members.map(pair).collect()
    };
    let mut twins = Vec::new();
    for (at, (payload, sample)) in payloads.iter().enumerate() {
        let given = digest_of(payload, sign_field).map(|(given, _)| given);
        let twin = payloads[..at].iter().find(|(other, _)| {
            digest_of(other, sign_field).map(|(given, _)| given) == given
                && content(other) != content(payload)
        });
        twins.extend(twin.map(|(_, other)| (other.line, sample.line)));
    }
    twins
}
