//! A string that somebody may have signed, its digest, and the mistakes that lead to it.

use super::compose::{Plan, Text};
use super::difference::first_difference;
use super::digest::{Target, Width};
use super::entry::Entry;
use super::forms::{Form, FormRule, other_algorithm};
use super::hashing::{Hash, Hasher, Kind};
use super::keys::KeyRule;
use super::other_hashes;
use super::{Deviation, Difference, Hit};
use crate::canonical::canonicalize;
use crate::dialect::Dialect;
use crate::key::Key;
use crate::payload::Payload;
use crate::scheme::{Algorithm, DigestCase, Scheme};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    deviations: usize,
    rarity: usize,
}

impl Rank {
    pub(super) fn of_own_string(deviations: usize) -> Rank {
        Rank { deviations, rarity: 0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Breadth {
    Frequent,
    Rest,
    KeysAndForms,
    /// The rule's own form and the commonest.
    Common,
    /// The same, with the key after a separator of values too.
    Few,
    /// Each key with the rule's own form and the commonest.
    KeysAndCommon,
    /// The rule's own form, and those that do not bring the key.
    Keyless,
}

const MAX_NAMES: usize = 6;

const MAX_ALIKE: usize = 3;

/// One explanation of a string. What follows from its plan is described only where it fits: the
/// descriptions of all plans would take longer than their digests.
#[derive(Clone)]
pub(super) struct Name<'c> {
    pub(super) plan: Plan<'c>,
    /// Besides those of the plan.
    pub(super) deviations: Vec<Deviation>,
    pub(super) rarity: usize,
}

impl<'c> Name<'c> {
    pub(super) fn of_plan(plan: Plan<'c>, rarity: usize) -> Name<'c> {
        Name { plan, deviations: Vec::new(), rarity }
    }

    fn deviations(&self, entries: &[Entry]) -> Vec<Deviation> {
        let mut all = self.plan.deviations(entries);
        all.extend(self.deviations.iter().cloned());
        all
    }

    fn advice(&self) -> Option<(&'static str, &'static str)> {
        let first = self.plan.first().or_else(|| self.deviations.first().cloned());
        first.map(|deviation| (deviation.rule, deviation.fix))
    }
}

/// A string that somebody may have signed, and the mistakes that lead to it.
#[derive(Clone)]
pub(super) struct Candidates<'c> {
    pub(super) text: Text,
    pub(super) names: Vec<Name<'c>>,
    pub(super) breadth: Breadth,
    /// Whether it is the rule's own string, which needs no explanation.
    pub(super) is_own: bool,
}

impl<'c> Candidates<'c> {
    pub(super) fn new(text: Text, name: Name<'c>) -> Candidates<'c> {
        let breadth = if text.holds_key { Breadth::Keyless } else { Breadth::Common };
        Candidates { text, names: vec![name], breadth, is_own: false }
    }

    pub(super) fn has_room_for(&self, name: &Name<'_>) -> bool {
        let alike = self.names.iter().filter(|known| known.advice() == name.advice()).count();
        self.names.len() < MAX_NAMES && alike < MAX_ALIKE
    }
}

/// A digest that somebody may have sent, with what led to it.
pub(super) struct Candidate<'s> {
    pub(super) digest: &'s [u8],
    pub(super) string: &'s Candidates<'s>,
    pub(super) form: Option<(usize, &'s FormRule)>,
    pub(super) key: Option<(usize, &'s KeyRule)>,
    pub(super) base: &'s Base<'s>,
    pub(super) entries: &'s [Entry],
}

pub(super) struct Base<'s> {
    pub(super) scheme: &'s Scheme,
    pub(super) key: &'s [u8],
    pub(super) own: Form,
    pub(super) rule: Form,
    pub(super) string: String,
    pub(super) digest: Vec<u8>,
    pub(super) other_algorithm: Option<Deviation>,
}

impl Candidate<'_> {
    pub(super) fn hits(&self, target: &Target) -> Vec<(Rank, Hit)> {
        let difference = self.difference();
        let hit = |name: &Name<'_>| {
            let mut deviations = Vec::new();
            deviations.extend(self.key.map(|(_, rule)| rule.deviation()));
            // Where the key is among the fields, not appending it is not a separate mistake.
            let keyless =
                self.form.filter(|(_, rule)| self.string.text.holds_key && rule.is_keyless);
            let form = self.form.filter(|_| keyless.is_none());
            deviations.extend(form.map(|(_, rule)| rule.deviation.clone()));
            deviations.extend(target.deviations(self.digest, self.digest_case()));
            deviations.extend(name.deviations(self.entries));
            let is_sha256 =
                keyless.is_some_and(|(_, rule)| rule.form.hash == Hash::Plain(Kind::Sha256));
            if let Some(first) =
                deviations.iter_mut().find(|one| is_sha256 && one.code == "key-as-field")
            {
                first.does.to_mut().push_str(", under plain SHA-256");
            }
            // A form with a digest of its own says already that the digest is another.
            if self.form.is_none_or(|(_, rule)| rule.form.hash == self.base.own.hash) {
                deviations.extend(self.base.other_algorithm.clone());
            }
            let rarity = name.rarity
                + self.form.map_or(0, |(index, _)| index)
                + self.key.map_or(0, |(index, _)| index);
            let rank = Rank { deviations: deviations.len(), rarity };
            (rank, Hit { deviations, difference: difference.clone() })
        };
        self.string.names.iter().map(hit).collect()
    }

    fn digest_case(&self) -> DigestCase {
        self.base.scheme.digest_case
    }

    fn difference(&self) -> Option<Difference> {
        let rule = self.base.rule.masked(&self.base.string);
        let form = self.form.map_or(&self.base.own, |(_, rule)| &rule.form);
        let mut theirs = form.masked(&String::from_utf8_lossy(&self.string.text.bytes));
        if self.string.text.holds_key {
            theirs = theirs.replace(&*String::from_utf8_lossy(self.base.key), "[key]");
        }
        // No answer gives the expected signature away.
        let right = hex::encode(&self.base.digest);
        for digits in [right.to_uppercase(), right] {
            theirs = theirs.replace(&digits, "[signature]");
        }
        if let Some(change) = self.string.text.change {
            theirs = String::from_utf8_lossy(&change(&theirs)).into_owned();
        }
        first_difference(&rule, &theirs)
    }
}

pub(super) fn own_hit(
    payload: &Payload<'_>,
    dialect: &Dialect,
    key: &Key,
    target: &Target,
) -> Option<Vec<Deviation>> {
    let base = base(payload, dialect, key, target.width());
    let deviations = || {
        let written = target.deviations(&base.digest, base.scheme.digest_case);
        written.into_iter().chain(base.other_algorithm.clone()).collect()
    };
    target.fits(&base.digest).then(deviations)
}

pub(super) fn base<'s>(
    payload: &Payload<'_>,
    dialect: &'s Dialect,
    key: &'s Key,
    width: Width,
) -> Base<'s> {
    let said = dialect.said_by(payload).ok().flatten();
    let fits = |scheme: &&Scheme| Form::of(scheme).hash.width() == width;
    let scheme = said.filter(fits).or_else(|| dialect.schemes.iter().find(fits));
    let expected = said.unwrap_or_else(|| dialect.first());
    let rule = || Form::of(expected);
    let (scheme, own, rule, other_algorithm) = match scheme {
        Some(scheme) => {
            let differs = said.is_some_and(|said| said.algorithm != scheme.algorithm);
            let other = differs.then(|| other_algorithm(scheme.algorithm, expected.algorithm));
            (scheme, Form::of(scheme), Form::of(scheme), other)
        }
        // The dialect has no digest of this length: another hash, or this platform's form, stands in.
        None => match other_hashes::standing(width, &rule()) {
            Some(standing) => (expected, standing.own, rule(), Some(standing.deviation)),
            None => {
                let algorithm = match width {
                    Width::Sixteen => Algorithm::Md5,
                    _ => Algorithm::HmacSha256,
                };
                let stand_in = Dialect::platform().scheme(algorithm).map_or(expected, |s| s);
                let other = other_algorithm(algorithm, expected.algorithm);
                (expected, Form::of(stand_in), Form::of(stand_in), Some(other))
            }
        },
    };
    let string = canonicalize(payload, scheme).as_str().to_owned();
    let mut hasher = Hasher::new(string.as_bytes(), None, key.expose());
    let digest =
        hasher.digest(&own, key.expose()).map(|digest| digest.to_vec()).unwrap_or_default();
    let key = key.expose();
    Base { scheme, key, own, rule, string, digest, other_algorithm }
}
