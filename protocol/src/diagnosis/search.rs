//! The search: strings near the rule's, times keys and forms near the scheme's.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::combine::{Effective, pairs, triples};
use super::compose::{Composer, FieldChoice, Plan, Text, ValueChoice};
use super::digest::{Target, Width};
use super::forms::{Form, FormRule, forms, other_algorithm};
use super::hashing::Hasher;
use super::keys::{KeyRule, key_rules, other_key};
use super::orders::ORDER_RULES;
use super::other_hashes::{self, Standing};
use super::shapes::{SHAPE_RULES, whole_strings};
use super::values::Scope;
use super::{Deviation, Difference, Hit, fields};
use crate::canonical::canonicalize;
use crate::dialect::Dialect;
use crate::key::Key;
use crate::payload::{Payload, Value};
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    /// It does not.
    No,
}

/// The most bytes that are hashed or composed: what bounds the time on a long payload.
const MAX_WORK: usize = 16 << 20;

/// How much of the strings is shown around their first difference, in characters.
const CONTEXT: usize = 24;

const MAX_NAMES: usize = 6;

const MAX_ALIKE: usize = 3;

struct Name {
    deviations: Vec<Deviation>,
    rarity: usize,
}

/// A string that somebody may have signed, and the mistakes that lead to it.
struct Candidates {
    text: Text,
    names: Vec<Name>,
}

impl Candidates {
    fn has_room_for(&self, name: &Name) -> bool {
        let advice = |name: &Name| name.deviations.first().map(|d| (d.rule, d.fix));
        let alike = self.names.iter().filter(|known| advice(known) == advice(name)).count();
        self.names.len() < MAX_NAMES && alike < MAX_ALIKE
    }
}

/// A digest that somebody may have sent, with what led to it.
pub(super) struct Candidate<'s> {
    pub(super) digest: &'s [u8],
    string: &'s Candidates,
    form: Option<(usize, &'s FormRule)>,
    key: Option<(usize, &'s KeyRule)>,
    base: &'s Base<'s>,
}

struct Base<'s> {
    scheme: &'s Scheme,
    own: Form,
    rule: Form,
    string: String,
    digest: Vec<u8>,
    other_algorithm: Option<Deviation>,
}

impl Candidate<'_> {
    pub(super) fn hits(&self, target: &Target) -> Vec<(Rank, Hit)> {
        let difference = self.difference();
        let hit = |name: &Name| {
            let mut deviations = Vec::new();
            deviations.extend(self.key.map(|(_, rule)| rule.deviation.clone()));
            deviations.extend(self.form.map(|(_, rule)| rule.deviation.clone()));
            deviations.extend(target.deviations(self.digest, self.digest_case()));
            deviations.extend(name.deviations.iter().cloned());
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
        if let Some(change) = self.string.text.change {
            theirs = String::from_utf8_lossy(&change(&theirs)).into_owned();
        }
        let at = rule
            .bytes()
            .zip(theirs.bytes())
            .position(|(a, b)| a != b)
            .unwrap_or_else(|| rule.len().min(theirs.len()));
        // Two bytes a character show nothing that a person could compare.
        let is_wide = theirs.contains('\0') && !rule.contains('\0');
        if rule == theirs || is_wide {
            return None;
        }
        Some(Difference { at, rule: around(&rule, at), theirs: around(&theirs, at) })
    }
}

fn around(text: &str, at: usize) -> String {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (before, after) = text.split_at(at);
    let start = before.char_indices().rev().nth(CONTEXT - 1).map_or(0, |(index, _)| index);
    let end = after.char_indices().nth(CONTEXT).map_or(after.len(), |(index, _)| index);
    let dots = |cut: bool| if cut { "…" } else { "" };
    format!("{}{}{}{}", dots(start > 0), &before[start..], &after[..end], dots(end < after.len()))
}

#[derive(Default)]
struct Seen(HashMap<u64, usize>);

impl Seen {
    /// The place of an equal text, or `None` after the text was noted with this place.
    fn note(&mut self, text: &Text, place: usize) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        let known = self.0.get(&hash).copied();
        if known.is_none() {
            self.0.insert(hash, place);
        }
        known
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breadth {
    Frequent,
    Rest,
    KeysAndForms,
}

pub(super) struct Search<'s> {
    payload: &'s Payload<'s>,
    key: &'s Key,
    base: Base<'s>,
    forms: Vec<FormRule>,
    keys: Vec<KeyRule>,
    composer: Composer,
    work: usize,
    fit: Fit,
}

impl<'s> Search<'s> {
    pub(super) fn new(
        payload: &'s Payload<'s>,
        dialect: &'s Dialect,
        key: &'s Key,
        others: &'s [(String, Key)],
        width: Width,
    ) -> Self {
        let base = base(payload, dialect, key, width);
        let forms = match other_hashes::standing(width, &base.rule) {
            Some(Standing { forms, .. }) => forms,
            None => forms(width, &base.own),
        };
        let keys = keys(key, others, &base);
        let composer = Composer::new(payload, base.scheme);
        Search { payload, key, base, forms, keys, composer, work: 0, fit: Fit::No }
    }

    /// Visits the candidates, the simple ones first; stops after the stage in which one fits.
    ///
    /// Returns how many strings there were.
    pub(super) fn run(mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) -> usize {
        let fields = self.composer.field_choices();
        let values = self.composer.value_choices();
        let mut seen = Seen::default();
        let own = self.composer.compose(Plan::default());
        seen.note(&own, 0);
        let name = Name { deviations: vec![], rarity: 0 };
        let mut strings = vec![Candidates { text: own, names: vec![name] }];
        let effective = self.singles(&fields, &values, &mut seen, &mut strings);
        self.others(&mut seen, &mut strings);
        for breadth in [Breadth::Frequent, Breadth::Rest] {
            for string in &strings {
                self.attempt(string, breadth, visit);
            }
        }
        self.attempt(&strings[0], Breadth::KeysAndForms, visit);
        let mut count = strings.len();
        if self.fit == Fit::No {
            count += self.combinations(&effective, &mut seen, visit);
        }
        count
    }

    fn singles<'c>(
        &mut self,
        fields: &'c [FieldChoice],
        values: &'c [ValueChoice],
        seen: &mut Seen,
        strings: &mut Vec<Candidates>,
    ) -> Effective<'c> {
        let plan = Plan::default();
        let fields = fields.iter().map(|choice| Plan { fields: Some(choice), ..plan });
        let orders = ORDER_RULES.iter().map(|rule| Plan { order: Some(rule), ..plan });
        let values = values.iter().map(|choice| Plan { values: Some(choice), ..plan });
        let shapes = SHAPE_RULES.iter().map(|rule| Plan { shape: Some(rule), ..plan });
        let mut effective = |rarity, plans: Vec<Plan<'c>>| {
            let plans = plans.into_iter().enumerate();
            let new = plans.filter(|(at, plan)| self.single(*plan, rarity + at, seen, strings));
            new.map(|(_, plan)| plan).collect()
        };
        Effective {
            fields: effective(0, fields.collect()),
            orders: effective(150, orders.collect()),
            values: effective(200, values.collect()),
            shapes: effective(500, shapes.collect()),
        }
    }

    /// Notes the string of a plan, and whether it is a new one.
    fn single(
        &mut self,
        plan: Plan<'_>,
        rarity: usize,
        seen: &mut Seen,
        strings: &mut Vec<Candidates>,
    ) -> bool {
        let text = self.composer.compose(plan);
        self.work += text.bytes.len();
        let known = seen.note(&text, strings.len());
        let name = Name { deviations: plan.deviations(), rarity };
        match known.and_then(|place| strings.get_mut(place)) {
            None => strings.push(Candidates { text, names: vec![name] }),
            // The rule's own string needs no other name.
            Some(_) if known == Some(0) => {}
            Some(string) => {
                if plan.scope() == Scope::Single && string.has_room_for(&name) {
                    string.names.push(name);
                }
            }
        }
        known.is_none()
    }

    fn others(&mut self, seen: &mut Seen, strings: &mut Vec<Candidates>) {
        let scheme = self.base.scheme;
        let mut found = whole_strings(self.payload, &scheme.sign_field, self.composer.entries());
        found.extend(nested_payloads(self.payload, scheme));
        for (index, (deviation, bytes)) in found.into_iter().enumerate() {
            self.work += bytes.len();
            let text = Text { bytes, change: None };
            if seen.note(&text, strings.len()).is_none() {
                let name = Name { deviations: vec![deviation], rarity: 600 + index };
                strings.push(Candidates { text, names: vec![name] });
            }
        }
    }

    fn attempt(
        &mut self,
        string: &Candidates,
        breadth: Breadth,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let right = self.key.expose();
        let mut hasher = Hasher::new(&string.text.bytes, string.text.change, right);
        let forms = || self.forms.iter().enumerate();
        let keys = || self.keys.iter().enumerate();
        let own_form = std::iter::once((None, None));
        let tries: Vec<(Option<_>, Option<_>)> = match breadth {
            Breadth::Frequent => {
                let frequent = forms().filter(|(_, rule)| rule.is_frequent);
                own_form.chain(frequent.map(|form| (Some(form), None))).collect()
            }
            Breadth::Rest => {
                let rest = forms().filter(|(_, rule)| !rule.is_frequent);
                let forms = rest.map(|form| (Some(form), None));
                forms.chain(keys().map(|key| (None, Some(key)))).collect()
            }
            Breadth::KeysAndForms => {
                keys().flat_map(|key| forms().map(move |form| (Some(form), Some(key)))).collect()
            }
        };
        for (form, key) in tries {
            if self.work + hasher.work > MAX_WORK {
                break;
            }
            let used = form.map_or(&self.base.own, |(_, rule)| &rule.form);
            let Some(digest) = hasher.digest(used, key.map_or(right, |(_, rule)| &rule.key)) else {
                continue;
            };
            // The rule's own digest by a detour, such as a NUL behind an HMAC key, is no deviation.
            let is_detour =
                digest == self.base.digest && (form.is_some() || key.is_some() || !is_own(string));
            if !is_detour {
                let base = &self.base;
                let candidate = Candidate { digest: &digest, string, form, key, base };
                if visit(&candidate) == Fit::Yes {
                    self.fit = Fit::Yes;
                }
            }
        }
        self.work += hasher.work;
    }

    fn combinations(
        &mut self,
        effective: &Effective<'_>,
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) -> usize {
        let mut count = 0;
        let mut attempt = |search: &mut Self, plan: Plan<'_>| {
            if search.work > MAX_WORK || search.fit == Fit::Yes {
                return;
            }
            let text = search.composer.compose(plan);
            search.work += text.bytes.len();
            if seen.note(&text, usize::MAX).is_none() {
                count += 1;
                let name = Name { deviations: plan.deviations(), rarity: 0 };
                let string = Candidates { text, names: vec![name] };
                search.attempt(&string, Breadth::Frequent, visit);
            }
        };
        for plan in pairs(effective).into_iter().chain(triples(effective)) {
            attempt(self, plan);
        }
        let fields: Vec<&FieldChoice> = effective.fields.iter().filter_map(|p| p.fields).collect();
        for (index, first) in fields.iter().enumerate() {
            for second in &fields[index + 1..] {
                let both = first.and(second);
                attempt(self, Plan { fields: Some(&both), ..Plan::default() });
            }
        }
        count
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

fn is_own(string: &Candidates) -> bool {
    string.names.iter().all(|name| name.deviations.is_empty())
}

fn base<'s>(payload: &Payload<'_>, dialect: &'s Dialect, key: &Key, width: Width) -> Base<'s> {
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
    let digest = hasher.digest(&own, key.expose()).unwrap_or_default();
    Base { scheme, own, rule, string, digest, other_algorithm }
}

fn keys(key: &Key, others: &[(String, Key)], base: &Base<'_>) -> Vec<KeyRule> {
    let others = others
        .iter()
        .map(|(name, other)| KeyRule { deviation: other_key(name), key: other.expose().to_vec() });
    let mut hasher = Hasher::new(base.string.as_bytes(), None, key.expose());
    // HMAC pads its key with zeros: a key with a NUL at its end is the right key.
    let mut differs = |rule: &KeyRule| {
        hasher.digest(&base.own, &rule.key).is_some_and(|digest| digest != base.digest)
    };
    others.chain(key_rules(key.expose())).filter(|rule| differs(rule)).collect()
}

fn nested_payloads(payload: &Payload<'_>, scheme: &Scheme) -> Vec<(Deviation, Vec<u8>)> {
    let mut found = Vec::new();
    for member in payload.members() {
        let text = match &member.value {
            Value::Object(json) => json.as_bytes(),
            Value::String(text) if text.starts_with('{') => text.as_bytes(),
            _ => continue,
        };
        if let Ok(nested) = Payload::parse(text) {
            let deviation = fields::nested(&member.name);
            found.push((deviation, canonicalize(&nested, scheme).as_str().as_bytes().to_vec()));
        }
    }
    found
}
