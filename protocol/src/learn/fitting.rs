//! The rules behind a string: those that give it for the sample in which it was found, and of them
//! those that explain the other samples too.

use std::collections::BTreeSet;

use super::candidate::{Candidate, separated};
use super::candidates::Search;
use crate::canonical::canonicalize;
use crate::key::Key;
use crate::payload::{Payload, Value};
use crate::scheme::{
    Composition, DigestCase, Empties, Nulls, Order, Pairs, Part, Scheme, ValueText,
};
use crate::signature::{message, sign};

/// Up to this many undecided fields every selection of them is tried.
const MOST_UNDECIDED: u32 = 6;
/// Up to this many undecided fields each is tried alone.
const MOST_SINGLE: u32 = 24;
/// The most strings of single fields with equal values that are tried.
const MOST_STRINGS: usize = 256;

/// The most values whose orders are all tried where nothing is between them.
const MOST_REORDERED: usize = 5;

/// A sample with its signature, and the message that has this digest once it is known.
pub(super) struct Known<'s> {
    pub(super) payload: Payload<'s>,
    pub(super) given: String,
    pub(super) line: usize,
    message: Option<Vec<u8>>,
}

impl<'s> Known<'s> {
    pub(super) fn new(payload: Payload<'s>, given: String, line: usize) -> Known<'s> {
        Known { payload, given, line, message: None }
    }

    /// Whether a dialect with this scheme reads the sample's `sign_type` as this scheme's, or not
    /// at all.
    fn lets_read(&self, scheme: &Scheme) -> bool {
        let sign_type = self.payload.get("sign_type").map(|member| &member.value);
        match sign_type {
            _ if !scheme.left_out.iter().any(|name| name == "sign_type") => true,
            Some(Value::String(text)) if !text.is_empty() => text.parse() == Ok(scheme.algorithm),
            None | Some(Value::Null | Value::String(_)) => true,
            Some(_) => false,
        }
    }

    /// Whether the scheme signs this sample as it is signed.
    pub(super) fn fits(&mut self, scheme: &Scheme, key: &Key) -> bool {
        if !self.lets_read(scheme) {
            return false;
        }
        let bytes = bytes(&self.payload, scheme, key);
        match &self.message {
            // Another message with this digest is not to be met.
            Some(message) => *message == bytes,
            None => {
                let canonical = canonicalize(&self.payload, scheme);
                let is_right = sign(&canonical, scheme, key).as_str() == self.given;
                self.message = is_right.then_some(bytes);
                is_right
            }
        }
    }
}

/// What the scheme hashes for a payload.
pub(super) fn bytes(payload: &Payload<'_>, scheme: &Scheme, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    message(&canonicalize(payload, scheme), scheme, key, |part| bytes.extend_from_slice(part));
    bytes
}

/// The rules that fit as many of the samples as one rule can, the most usual first, and the samples
/// that they fit. The candidate is from the sample `found_in`.
pub(super) fn rules(
    candidate: &Candidate,
    search: &Search<'_>,
    found_in: usize,
    samples: &mut [Known<'_>],
    sign_field: &str,
    key: &Key,
) -> (Vec<Scheme>, Vec<usize>) {
    let given = &samples[found_in].given;
    let is_hex = given.len() == candidate.algorithm.digits();
    let is_upper = is_hex && given.bytes().any(|byte| byte.is_ascii_uppercase());
    let base = Scheme {
        algorithm: candidate.algorithm,
        suffix: crate::scheme::Suffix::Nothing,
        separator: candidate.separator.into(),
        digest_case: if is_upper { DigestCase::Upper } else { DigestCase::Lower },
        empties: Empties::Keep,
        nulls: Nulls::Keep,
        signed: None,
        left_out: vec![sign_field.to_owned().into()].into(),
        sign_field: sign_field.to_owned().into(),
        composition: Composition { is_base64: !is_hex, ..Composition::PLAIN },
    };
    let mut all = Vec::new();
    if !candidate.has_key_among_values() {
        all.extend(pair_rules(candidate, search, samples, &base));
    }
    if candidate.pairs == Pairs::Value {
        all.extend(strings(candidate, search, samples, &base));
    }
    all.retain(|scheme| samples[found_in].fits(scheme, key));
    all.sort_by_key(cost);
    let mut best = Best::default();
    all.into_iter().for_each(|scheme| best.add(scheme, samples, key));
    for scheme in other_orders(candidate, search, samples, &best.0, &base) {
        best.add(scheme, samples, key);
    }
    best.0.sort_by_key(cost);
    (best.0, best.1)
}

/// The rules that fit most samples, and these samples.
#[derive(Default)]
struct Best(Vec<Scheme>, Vec<usize>);

impl Best {
    fn add(&mut self, scheme: Scheme, samples: &mut [Known<'_>], key: &Key) {
        let fits: Vec<usize> =
            (0..samples.len()).filter(|at| samples[*at].fits(&scheme, key)).collect();
        if fits.len() > self.1.len() {
            *self = Best(vec![scheme], fits);
        } else if fits == self.1 {
            self.0.push(scheme);
        }
    }
}

/// The orders of the values that fitting rules sign, where it does not show where an empty one is.
fn other_orders(
    candidate: &Candidate,
    search: &Search<'_>,
    samples: &[Known<'_>],
    fitting: &[Scheme],
    base: &Scheme,
) -> Vec<Scheme> {
    let Some(key) = candidate.bare_key() else { return Vec::new() };
    let lists = fitting.iter().filter_map(|scheme| scheme.signed.as_deref());
    let list = lists.max_by_key(|names| names.len()).unwrap_or_default();
    let mut names = search.names(candidate);
    let is_empty = |name: &str| {
        let mut members = samples.iter().filter_map(|sample| sample.payload.get(name));
        members.all(|member| member.value.is_empty())
    };
    let hidden = list.iter().map(|name| &**name);
    let members = samples.iter().flat_map(|sample| sample.payload.members());
    let empty = members.map(|member| &*member.name).filter(|name| is_empty(name));
    for name in hidden.chain(empty) {
        if !names.contains(&name) && names.len() < MOST_REORDERED {
            names.push(name);
        }
    }
    if names.len() > MOST_REORDERED {
        return Vec::new();
    }
    let field = |name: &&str| Part::Field((*name).to_owned().into());
    let values = names.iter().map(field).chain(key.map(Part::Key));
    let mut orders: Vec<Vec<Part>> = vec![Vec::new()];
    for value in values {
        let longer = orders.iter().flat_map(|order| {
            (0..=order.len()).map(|at| {
                let mut order = order.clone();
                order.insert(at, value.clone());
                order
            })
        });
        orders = longer.collect();
    }
    orders.into_iter().flat_map(|string| texts_of(string, base)).collect()
}

/// A string of single fields with each text that `null` and other values can have.
fn texts_of(string: Vec<Part>, base: &Scheme) -> impl Iterator<Item = Scheme> {
    [Nulls::Keep, Nulls::Text].into_iter().flat_map(move |nulls| {
        let (string, base) = (string.clone(), base.clone());
        ValueText::ALL.into_iter().map(move |values| {
            let string = string.clone().into();
            let composition = Composition { string, values, ..base.composition.clone() };
            Scheme { nulls, composition, ..base.clone() }
        })
    })
}

/// How unusual a rule is among the gateways that are known.
fn cost(scheme: &Scheme) -> usize {
    let Composition { order, values, drops_zeros, .. } = &scheme.composition;
    let empties = match (scheme.empties, scheme.nulls) {
        (Empties::Drop, Nulls::Drop) => 0,
        (Empties::Keep, Nulls::Keep) => 1,
        (_, Nulls::Text) => 4,
        _ => 3,
    };
    let selection = if scheme.signs_pairs() {
        6 * usize::from(scheme.signed.is_some())
            + 2 * (scheme.left_out.len() - 1)
            + 3 * usize::from(*order == Order::Received)
    } else {
        // Values in an order of their own; a shorter string is more usual.
        4 + scheme.composition.string.len() / 8
    };
    selection + empties + 2 * usize::from(*drops_zeros) + *values as usize
}

/// All rules with pairs that could have given the candidate's string.
fn pair_rules(
    candidate: &Candidate,
    search: &Search<'_>,
    samples: &[Known<'_>],
    base: &Scheme,
) -> Vec<Scheme> {
    let signed: BTreeSet<&str> = search.names(candidate).into_iter().collect();
    let present: BTreeSet<&str> = search.all_names().collect();
    let members = samples.iter().flat_map(|sample| sample.payload.members());
    let union: BTreeSet<&str> = members.map(|member| &*member.name).collect();
    let droppable: BTreeSet<&str> = search.droppable().collect();
    let is_open = |name: &&&str| !present.contains(**name) || droppable.contains(**name);
    let unsigned: Vec<&str> = union
        .iter()
        .filter(|name| !signed.contains(**name) && **name != base.sign_field)
        .copied()
        .collect();
    let undecided: Vec<&str> = unsigned.iter().filter(|name| is_open(name)).copied().collect();
    let left_out: Vec<&str> = unsigned.iter().filter(|name| !is_open(name)).copied().collect();
    let (suffix, string) = candidate.composed(vec![Part::Pairs]);
    let mut rules = Vec::new();
    for extra in selections(&undecided) {
        let out: Vec<&str> = left_out.iter().chain(&extra).copied().collect();
        let names =
            |names: Vec<&str>| names.into_iter().map(|name| name.to_owned().into()).collect();
        let kept = union.iter().filter(|name| !out.contains(*name) && **name != base.sign_field);
        let fixed = names(kept.copied().collect());
        let not_signed = names([&[&*base.sign_field], &out[..]].concat());
        for (signed, left_out) in [(None, not_signed), (Some(fixed), base.left_out.clone())] {
            for (empties, drops_zeros) in
                [(Empties::Drop, false), (Empties::Keep, false), (Empties::Drop, true)]
            {
                for nulls in [Nulls::Drop, Nulls::Keep, Nulls::Text] {
                    for order in Order::ALL {
                        for values in ValueText::ALL {
                            rules.push(Scheme {
                                suffix: suffix.clone(),
                                signed: signed.clone(),
                                left_out: left_out.clone(),
                                empties,
                                nulls,
                                composition: Composition {
                                    string: string.clone().into(),
                                    order,
                                    pairs: candidate.pairs,
                                    values,
                                    drops_zeros,
                                    ..base.composition.clone()
                                },
                                ..base.clone()
                            });
                        }
                    }
                }
            }
        }
    }
    rules
}

/// Which of the undecided fields are left out: every selection, or where they are many, none, all,
/// one, and all but one.
fn selections<'n>(undecided: &[&'n str]) -> Vec<Vec<&'n str>> {
    let count = undecided.len() as u32;
    let pick = |is_in: &dyn Fn(usize) -> bool| -> Vec<&'n str> {
        undecided.iter().enumerate().filter(|(at, _)| is_in(*at)).map(|(_, name)| *name).collect()
    };
    if count <= MOST_UNDECIDED {
        return (0..1_u32 << count).map(|mask| pick(&|at| mask >> at & 1 == 1)).collect();
    }
    let mut all = vec![Vec::new(), undecided.to_vec()];
    let single = if count <= MOST_SINGLE { undecided.len() } else { 0 };
    for one in 0..single {
        all.push(pick(&|at| at == one));
        all.push(pick(&|at| at != one));
    }
    all
}

/// The strings of single fields that are alike for all samples.
fn strings(
    candidate: &Candidate,
    search: &Search<'_>,
    samples: &[Known<'_>],
    base: &Scheme,
) -> Vec<Scheme> {
    // In a string an absent field is as an empty one.
    let texts = |name: &str| -> Vec<String> {
        let text = |sample: &Known<'_>| {
            let mut text = String::new();
            if let Some(member) = sample.payload.get(name) {
                crate::canonical::value_into(&member.value, Nulls::Keep, &mut text);
            }
            text
        };
        samples.iter().map(text).collect()
    };
    let members = samples.iter().flat_map(|sample| sample.payload.members());
    let mut all: BTreeSet<&str> = members.map(|member| &*member.name).collect();
    all.remove(&*base.sign_field);
    let mut strings: Vec<Vec<&str>> = vec![Vec::new()];
    for name in search.names(candidate) {
        let own = texts(name);
        let mut names: Vec<&str> = vec![name];
        let is_alike = |other: &&str| *other != name && texts(other) == own;
        names.extend(all.iter().copied().filter(is_alike));
        let longer = strings.iter().flat_map(|string| {
            names.iter().map(|name| string.iter().chain([name]).copied().collect())
        });
        strings = longer.take(MOST_STRINGS).collect();
    }
    let mut rules = Vec::new();
    let mut strings: Vec<(Vec<&str>, Candidate)> =
        strings.into_iter().map(|names| (names, candidate.clone())).collect();
    // An empty value at an end and a separator there look the same.
    if let Some((is_first, is_separated, other)) = candidate.with_other_end() {
        let is_empty = |name: &str| texts(name).iter().all(String::is_empty);
        let names = search.names(candidate);
        let at = if is_first { 0 } else { names.len() };
        if is_separated {
            for name in all.iter().filter(|name| !names.contains(*name) && is_empty(name)) {
                let mut longer = names.clone();
                longer.insert(at, name);
                strings.push((longer, other.clone()));
            }
        } else if names.len() > 1 {
            let mut shorter = names;
            if is_empty(shorter.remove(at.saturating_sub(1))) {
                strings.push((shorter, other));
            }
        }
    }
    for (names, candidate) in strings {
        let field = |name: &&str| Part::Field((*name).to_owned().into());
        let fields: Vec<Part> = names.iter().map(field).collect();
        let (suffix, string) = match candidate.has_key_among_values() {
            true => candidate.composed(fields),
            false => candidate.composed(separated(fields, candidate.separator)),
        };
        rules.extend(texts_of(string, &Scheme { suffix, ..base.clone() }));
    }
    rules
}
