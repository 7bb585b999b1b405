//! The search: strings near the rule's, times keys and forms near the scheme's.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::candidate::{Base, Breadth, Candidate, Candidates, Name, base};
use super::combine::{Effective, pairs, triples};
use super::compose::{Composer, FieldChoice, Plan, Text, ValueChoice};
use super::digest::Width;
use super::forms::{FormRule, forms};
use super::hashing::{Hash, Hasher, Kind};
use super::key_texts::{key_texts, rare_placeholders};
use super::keys::{Description, KeyRule, key_rules, other_key};
use super::orders::ORDER_RULES;
use super::other_hashes::{self, Standing};
use super::shapes::{SHAPE_RULES, whole_strings};
use super::values::{Scope, times};
use super::{Deviation, extras, fields, generated, numbers, wrapped};
use crate::canonical::canonicalize;
use crate::dialect::Dialect;
use crate::key::Key;
use crate::payload::{Payload, Value};
use crate::scheme::Scheme;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    /// It does not.
    No,
}

/// The most bytes that are hashed or composed: what bounds the time on a long payload.
const MAX_WORK: usize = 32 << 20;

/// A string so long, in bytes, that each step with it costs much: a listener leaves more out.
const LONG: usize = 4096;

/// The same with the long part.
const MAX_LONG_WORK: usize = 128 << 20;

/// In how many shapes, the first of the table, the key is put among the fields.
const MOST_KEY_SHAPES: usize = 8;

/// How many choices of fields are tried beside an altered value.
const MOST_DROPPED: usize = 30;

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

/// How long a search may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// As long as a listener can afford for a request.
    Quick,
    /// With every selection of fields, altered values and texts that were cut.
    Full,
}

pub(super) struct Search<'s> {
    depth: Depth,
    /// The received signature, where another digest is explained.
    received: Option<&'s str>,
    payload: &'s Payload<'s>,
    key: &'s Key,
    base: Base<'s>,
    forms: Vec<FormRule>,
    keys: Vec<KeyRule>,
    composer: Composer,
    work: usize,
    most_work: usize,
    fit: Fit,
}

impl<'s> Search<'s> {
    pub(super) fn new(
        payload: &'s Payload<'s>,
        dialect: &'s Dialect,
        key: &'s Key,
        others: &'s [(String, Key)],
        width: Width,
        depth: Depth,
    ) -> Self {
        let base = base(payload, dialect, key, width);
        let mut forms = match other_hashes::standing(width, &base.rule) {
            Some(Standing { forms, .. }) => forms,
            None => forms(width, &base.own),
        };
        forms.extend(other_hashes::sha3(width, &base.rule));
        let keys = keys(key, others, &base);
        let composer = Composer::new(payload, base.scheme);
        let is_long = base.string.len() > LONG && depth == Depth::Quick;
        let most_work = if is_long { MAX_WORK / 2 } else { MAX_WORK };
        let (work, fit, received) = (0, Fit::No, None);
        Search { depth, received, payload, key, base, forms, keys, composer, work, most_work, fit }
    }

    /// With the received signature as a text that may have been signed.
    pub(super) fn with_received(self, received: Option<&'s str>) -> Self {
        Search { received, ..self }
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
        let own = Candidates::new(own, Name::of_plan(Plan::default(), 0));
        let mut strings = vec![Candidates { breadth: Breadth::Frequent, is_own: true, ..own }];
        let effective = self.singles(&fields, &values, &mut seen, &mut strings);
        self.others(&mut seen, &mut strings);
        let has_time = self.depth == Depth::Full || self.base.string.len() <= LONG;
        if has_time {
            self.key_fields(&values, &mut seen, visit);
        }
        for breadth in [Breadth::Frequent, Breadth::Rest] {
            for string in strings.iter().filter(|string| string.breadth == Breadth::Frequent) {
                self.attempt(string, breadth, visit);
            }
        }
        self.attempt(&strings[0], Breadth::KeysAndForms, visit);
        let mut count = strings.len();
        let besides = if has_time { self.pairs_besides() } else { Vec::new() };
        if self.fit == Fit::No && has_time {
            count += self.rare(&values, &besides, &mut seen, visit);
        }
        if self.fit == Fit::No {
            self.key_texts(&strings[0], visit);
            count += self.combinations(&effective, &mut seen, visit);
        }
        if self.fit == Fit::No && self.depth == Depth::Full {
            count += self.long(&effective, &besides, &mut seen, visit);
        }
        count
    }

    fn singles<'c>(
        &mut self,
        fields: &'c [FieldChoice],
        values: &'c [ValueChoice],
        seen: &mut Seen,
        strings: &mut Vec<Candidates<'c>>,
    ) -> Effective<'c> {
        let plan = Plan::default();
        let fields = fields.iter().map(|choice| Plan { fields: Some(choice), ..plan });
        let orders = ORDER_RULES.iter().map(|rule| Plan { order: Some(rule), ..plan });
        let values = values.iter().map(|choice| Plan { values: Some(choice), ..plan });
        let shapes = SHAPE_RULES.iter().map(|rule| Plan { shape: Some(rule), ..plan });
        let mut effective = |rarity, plans: Vec<Plan<'c>>| {
            let plans = plans.into_iter().enumerate();
            // Other names are rarer than another case or alphabet of the whole string.
            let is_renamed =
                |plan: &Plan<'_>| plan.order.is_some_and(|o| o.code.starts_with("names-"));
            let rarity = |at, plan: &Plan<'_>| rarity + at + if is_renamed(plan) { 400 } else { 0 };
            let new =
                plans.filter(|(at, plan)| self.single(*plan, rarity(*at, plan), seen, strings));
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
    fn single<'c>(
        &mut self,
        plan: Plan<'c>,
        rarity: usize,
        seen: &mut Seen,
        strings: &mut Vec<Candidates<'c>>,
    ) -> bool {
        let text = self.composer.compose(plan);
        self.work += text.bytes.len();
        let known = seen.note(&text, strings.len());
        let name = Name::of_plan(plan, rarity);
        match known.and_then(|place| strings.get_mut(place)) {
            None => {
                let string = Candidates::new(text, name);
                strings.push(Candidates { breadth: Breadth::Frequent, ..string });
            }
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

    fn others(&mut self, seen: &mut Seen, strings: &mut Vec<Candidates<'_>>) {
        let scheme = self.base.scheme;
        let mut found = whole_strings(self.payload, &scheme.sign_field, self.composer.entries());
        found.extend(nested_payloads(self.payload, scheme));
        for (index, (deviation, bytes)) in found.into_iter().enumerate() {
            self.work += bytes.len();
            let text = Text::plain(bytes);
            if seen.note(&text, strings.len()).is_none() {
                let plan = Plan::default();
                let name = Name { plan, deviations: vec![deviation], rarity: 600 + index };
                let string = Candidates::new(text, name);
                strings.push(Candidates { breadth: Breadth::Frequent, ..string });
            }
        }
    }

    fn attempt(
        &mut self,
        string: &Candidates<'_>,
        breadth: Breadth,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let right = self.key.expose();
        let mut hasher = Hasher::new(&string.text.bytes, string.text.change, right);
        let mut attempt = |form: Option<(usize, &FormRule)>, key: Option<(usize, &KeyRule)>| {
            if self.work + hasher.work > self.most_work {
                return;
            }
            let used = form.map_or(&self.base.own, |(_, rule)| &rule.form);
            let Some(digest) = hasher.digest(used, key.map_or(right, |(_, rule)| &rule.key)) else {
                return;
            };
            // The rule's own digest by a detour, such as a NUL behind an HMAC key, is no deviation.
            let is_detour =
                *digest == *self.base.digest && (form.is_some() || key.is_some() || !string.is_own);
            if !is_detour {
                let (base, entries) = (&self.base, self.composer.entries());
                let candidate = Candidate { digest: &digest, string, form, key, base, entries };
                if visit(&candidate) == Fit::Yes {
                    self.fit = Fit::Yes;
                }
            }
        };
        let keys = || self.keys.iter().enumerate();
        let has_own = !matches!(breadth, Breadth::Rest | Breadth::KeysAndForms);
        if has_own && breadth != Breadth::KeysAndCommon {
            attempt(None, None);
        }
        let chosen = |rule: &FormRule| match breadth {
            Breadth::Frequent => rule.is_frequent,
            Breadth::Rest => !rule.is_frequent,
            Breadth::Common | Breadth::KeysAndCommon => rule.is_common,
            Breadth::Few => rule.is_of_few,
            Breadth::Keyless => rule.is_keyless,
            Breadth::KeysAndForms => true,
        };
        let forms = || self.forms.iter().enumerate().filter(|(_, rule)| chosen(rule));
        match breadth {
            Breadth::KeysAndCommon | Breadth::KeysAndForms => {
                for key in keys() {
                    if has_own {
                        attempt(None, Some(key));
                    }
                    forms().for_each(|form| attempt(Some(form), Some(key)));
                }
            }
            _ => {
                forms().for_each(|form| attempt(Some(form), None));
                if breadth == Breadth::Rest {
                    keys().for_each(|key| attempt(None, Some(key)));
                }
            }
        }
        self.work += hasher.work;
    }

    /// Tries a string that nobody has tried; returns how many that were.
    fn attempt_new(
        &mut self,
        (plan, breadth): (Plan<'_>, Breadth),
        (seen, visit): (&mut Seen, &mut dyn FnMut(&Candidate<'_>) -> Fit),
    ) -> usize {
        if self.work > self.most_work || self.fit == Fit::Yes {
            return 0;
        }
        let text = self.composer.compose(plan);
        self.work += text.bytes.len();
        if seen.note(&text, usize::MAX).is_some() {
            return 0;
        }
        let breadth = if text.holds_key { Breadth::Keyless } else { breadth };
        let string = Candidates::new(text, Name::of_plan(plan, 0));
        self.attempt(&string, breadth, visit);
        1
    }

    /// What is made for this payload, and pairs that it does not have.
    fn rare(
        &mut self,
        values: &[ValueChoice],
        fields: &[FieldChoice],
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) -> usize {
        let mut count = 0;
        let entries = self.composer.entries();
        let made = [
            generated::partial(entries, values),
            generated::time_formats(entries, times::ZONES[0]),
            generated::nested(entries),
            wrapped::groups(entries),
            generated::status_names(entries),
            generated::amounts(entries, numbers::POWERS[0]),
        ];
        let values = made.iter().flatten();
        let values = values.map(|choice| Plan { values: Some(choice), ..Plan::default() });
        let fields = fields.iter().map(|choice| Plan { fields: Some(choice), ..Plan::default() });
        for plan in fields.chain(values) {
            count += self.attempt_new((plan, Breadth::Common), (seen, visit));
        }
        count
    }

    /// Choices with pairs that the payload does not have.
    fn pairs_besides(&self) -> Vec<FieldChoice> {
        let sign_field = &self.base.scheme.sign_field;
        let digest = hex::encode(&self.base.digest);
        let received = |text| extras::received_signature(&self.composer, sign_field, text);
        let mut fields: Vec<FieldChoice> = self.received.map(received).into_iter().collect();
        fields.extend(extras::absent_fields(&self.composer, sign_field, &digest));
        fields
    }

    /// The key among the fields, in each shape: code that does so has another form of the key too.
    fn key_fields(
        &mut self,
        values: &[ValueChoice],
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let fields = extras::key_fields(&self.composer, self.key.expose());
        let fields = fields.iter().map(|choice| Plan { fields: Some(choice), ..Plan::default() });
        let shapes = SHAPE_RULES.iter().take(MOST_KEY_SHAPES);
        let shapes = shapes.map(|rule| Plan { shape: Some(rule), ..Plan::default() });
        let encoded = values.iter().filter(|choice| choice.deviation.code.starts_with("urlencode"));
        let encoded = encoded.map(|choice| Plan { values: Some(choice), ..Plan::default() });
        let shapes: Vec<Plan<'_>> =
            std::iter::once(Plan::default()).chain(shapes).chain(encoded).collect();
        for plan in fields.flat_map(|field| shapes.iter().map(move |shape| field.and(shape))) {
            if self.work > self.most_work / 4 {
                break;
            }
            let text = self.composer.compose(plan);
            self.work += text.bytes.len();
            if seen.note(&text, usize::MAX).is_none() {
                // At the end it is rather appended under another label, and at the start put first;
                // a hash without HMAC makes that less likely.
                let is_md5 = self.base.own.hash == Hash::Plain(Kind::Md5);
                let is_last = text.bytes.ends_with(self.base.key);
                let rarity = if is_md5 || is_last { 1000 } else { 0 };
                let string = Candidates::new(text, Name::of_plan(plan, rarity));
                self.attempt(&string, Breadth::Keyless, visit);
            }
        }
    }

    /// The rule's own string with other texts in the place of the key.
    fn key_texts(&mut self, own: &Candidates<'_>, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) {
        let mut texts = key_texts(self.key.expose(), self.composer.entries());
        if self.depth == Depth::Full {
            texts.extend(rare_placeholders());
        }
        let keys = std::mem::replace(&mut self.keys, texts);
        self.attempt(own, Breadth::KeysAndCommon, visit);
        self.keys = keys;
    }

    fn combinations(
        &mut self,
        effective: &Effective<'_>,
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) -> usize {
        let mut count = 0;
        for plan in pairs(effective).into_iter().chain(triples(effective)) {
            count += self.attempt_new((plan, Breadth::Frequent), (seen, visit));
        }
        let fields: Vec<&FieldChoice> = effective.fields.iter().filter_map(|p| p.fields).collect();
        let is_rule =
            |choice: &&&FieldChoice| choice.deviations.iter().all(|d| d.code != "field-dropped");
        let rules: Vec<&FieldChoice> = fields.iter().filter(is_rule).copied().collect();
        let mut both: Vec<FieldChoice> = Vec::new();
        for (index, first) in rules.iter().enumerate() {
            both.extend(rules[index + 1..].iter().map(|second| self.composer.both(first, second)));
        }
        let unsorted = effective
            .orders
            .iter()
            .filter(|plan| plan.order.is_some_and(|o| o.code == "doc-order"));
        let unsorted: Vec<Plan<'_>> = unsorted.copied().collect();
        let rules = both.len();
        both.extend(extras::without_few(&self.composer));
        for (index, first) in fields.iter().enumerate() {
            both.extend(fields[index + 1..].iter().map(|second| self.composer.both(first, second)));
        }
        for (at, choice) in both.iter().enumerate() {
            let plan = Plan { fields: Some(choice), ..Plan::default() };
            count += self.attempt_new((plan, Breadth::Frequent), (seen, visit));
            for order in unsorted.iter().filter(|_| at < rules) {
                count += self.attempt_new((plan.and(order), Breadth::Frequent), (seen, visit));
            }
        }
        count
    }

    /// What takes long: texts that were cut, altered values, every selection of fields.
    fn long(
        &mut self,
        effective: &Effective<'_>,
        besides: &[FieldChoice],
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) -> usize {
        self.most_work = MAX_LONG_WORK;
        let entries = self.composer.entries();
        let made = [
            generated::altered(entries),
            generated::amounts(entries, numbers::POWERS[1]),
            generated::time_formats(entries, times::ZONES[1]),
            generated::cut(entries),
            wrapped::alone(entries),
            generated::padded(entries),
        ];
        let mut count = 0;
        for choice in made.iter().flatten() {
            let plan = Plan { values: Some(choice), ..Plan::default() };
            count += self.attempt_new((plan, Breadth::Common), (seen, visit));
        }
        let altered = &made[0];
        let dropped = || effective.fields.iter().take(MOST_DROPPED);
        for choice in altered {
            let plan = Plan { values: Some(choice), ..Plan::default() };
            for fields in dropped() {
                count += self.attempt_new((plan.and(fields), Breadth::Common), (seen, visit));
            }
        }
        for choice in besides {
            let plan = Plan { fields: Some(choice), ..Plan::default() };
            let is_of_object = |order: &&Plan<'_>| {
                let code = order.order.map_or("", |rule| rule.code);
                matches!(code, "doc-order" | "names-camel" | "names-pascal")
            };
            for order in effective.orders.iter().filter(is_of_object) {
                count += self.attempt_new((plan.and(order), Breadth::Common), (seen, visit));
            }
        }
        count += self.subsets(visit);
        count + self.ordered(visit)
    }

    /// Two or three values in any order.
    fn ordered(&mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) -> usize {
        let mut count = 0;
        let plan = Plan::default();
        for ordered in extras::ordered(self.composer.entries()) {
            if self.fit == Fit::Yes || self.work > self.most_work {
                break;
            }
            let text = Text::plain(ordered.text(self.composer.entries()));
            let string = Candidates::new(text, Name::of_plan(plan, 0));
            self.attempt(&Candidates { names: vec![], ..string }, Breadth::Few, visit);
            count += 1;
            if self.fit == Fit::Yes {
                let text = Text::plain(ordered.text(self.composer.entries()));
                let deviations = ordered.deviations(self.composer.entries());
                let string = Candidates::new(text, Name { plan, deviations, rarity: 0 });
                self.attempt(&string, Breadth::Few, visit);
            }
        }
        count
    }

    fn subsets(&mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) -> usize {
        let (members, masks) = extras::subsets(self.composer.entries());
        let mut count = 0;
        if masks.is_empty() {
            return count;
        }
        for arrangement in extras::ARRANGEMENTS {
            let arranged =
                arrangement.texts(self.composer.entries(), &members, &self.base.scheme.separator);
            for mask in masks.iter().filter(|mask| arrangement.has(**mask)) {
                if self.work > self.most_work || self.fit == Fit::Yes {
                    return count;
                }
                let plan = Plan::default();
                let text = || Text::plain(arranged.joined(*mask));
                let string = Candidates::new(text(), Name::of_plan(plan, 0));
                self.attempt(&Candidates { names: vec![], ..string }, Breadth::Common, visit);
                count += 1;
                if self.fit == Fit::Yes {
                    // The description takes longer than the digests: only what fits has one.
                    let mut deviations =
                        vec![extras::subset(self.composer.entries(), &members, *mask)];
                    deviations.extend(arrangement.deviation());
                    let string = Candidates::new(text(), Name { plan, deviations, rarity: 0 });
                    self.attempt(&string, Breadth::Common, visit);
                }
            }
        }
        count
    }
}

fn keys(key: &Key, others: &[(String, Key)], base: &Base<'_>) -> Vec<KeyRule> {
    let others = others.iter().map(|(name, other)| KeyRule {
        description: Description::Known(other_key(name)),
        key: other.expose().to_vec(),
    });
    let mut hasher = Hasher::new(base.string.as_bytes(), None, key.expose());
    // HMAC pads its key with zeros: a key with a NUL at its end is the right key.
    let mut differs = |rule: &KeyRule| {
        hasher.digest(&base.own, &rule.key).is_some_and(|digest| *digest != *base.digest)
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
