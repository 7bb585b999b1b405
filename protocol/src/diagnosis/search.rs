//! The search: strings near the rule's, times keys and forms near the scheme's.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

use self::attempts::Attempt;
use super::candidate::{Base, Breadth, Candidate, Candidates, Name, base};
use super::combine::{Effective, pairs, triples};
use super::compose::{Composer, FieldChoice, Plan, Text, ValueChoice};
use super::digest::{Target, Width};
use super::forms::{FormRule, forms};
use super::hashing::{Hash, Hasher, Kind};
use super::key_texts::{key_texts, rare_placeholders};
use super::keys::{Description, KeyRule, key_rules, other_key};
use super::orders::ORDER_RULES;
use super::other_hashes::{self, Standing};
use super::queue::Queue;
use super::shapes::{SHAPE_RULES, whole_strings};
use super::values::{Scope, times};
use super::{Deviation, extras, fields, generated, numbers, wrapped};
use crate::canonical::canonicalize;
use crate::dialect::Dialect;
use crate::key::Key;
use crate::payload::{Payload, Value};
use crate::scheme::Scheme;

mod attempts;

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
    /// What is tried with these forms and keys.
    attempts: HashMap<Breadth, Rc<[Attempt]>>,
    composer: Composer,
    /// What the digests are compared with before a closer look; every string gets one without.
    targets: Option<Vec<Target>>,
    work: usize,
    most_work: usize,
    fit: Fit,
    tried: Tried,
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    pub(super) strings: usize,
    pub(super) digests: usize,
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
        let (work, fit, received, targets) = (0, Fit::No, None, None);
        let tried = Tried::default();
        Search {
            depth,
            received,
            payload,
            key,
            base,
            forms,
            keys,
            attempts: HashMap::new(),
            composer,
            targets,
            work,
            most_work,
            fit,
            tried,
        }
    }

    /// Visits only the candidates of strings that one of these signatures may come from.
    pub(super) fn only_for(self, targets: Vec<Target>) -> Self {
        Search { targets: Some(targets), ..self }
    }

    /// With the received signature as a text that may have been signed.
    pub(super) fn with_received(self, received: Option<&'s str>) -> Self {
        Search { received, ..self }
    }

    /// Visits the candidates, the simple ones first; stops after the stage in which one fits.
    ///
    /// Returns how much was tried.
    pub(super) fn run(mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) -> Tried {
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
            self.attempt(&strings[0], breadth, visit);
            let mut queue = Queue::default();
            for (at, string) in strings.iter().enumerate().skip(1) {
                if string.breadth == Breadth::Frequent {
                    self.wait(&mut queue, at, &string.text, breadth);
                }
            }
            self.attempt_all(&mut queue, &|_, at| strings[at].clone(), visit);
        }
        self.attempt_alone(&strings[0], Breadth::KeysAndForms, visit);
        self.tried.strings += strings.len();
        let besides = if has_time { self.pairs_besides() } else { Vec::new() };
        if self.fit == Fit::No && has_time {
            self.rare(&values, &besides, &mut seen, visit);
        }
        if self.fit == Fit::No {
            self.key_texts(&strings[0], visit);
            self.combinations(&effective, &mut seen, visit);
        }
        if self.fit == Fit::No && self.depth == Depth::Full {
            self.long(&effective, &besides, &mut seen, visit);
        }
        self.tried
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

    /// What is made for this payload, and pairs that it does not have.
    fn rare(
        &mut self,
        values: &[ValueChoice],
        fields: &[FieldChoice],
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
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
        let mut queue = Queue::default();
        for plan in fields.chain(values) {
            self.attempt_new((plan, Breadth::Common), &mut queue, (seen, visit));
        }
        self.attempt_plans(&mut queue, visit);
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
        let string = |composer: &Composer, (plan, rarity)| {
            Candidates::new(composer.compose(plan), Name::of_plan(plan, rarity))
        };
        let mut queue = Queue::default();
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
                self.wait(&mut queue, (plan, rarity), &text, Breadth::Keyless);
            }
        }
        self.attempt_all(&mut queue, &string, visit);
    }

    /// The rule's own string with other texts in the place of the key.
    fn key_texts(&mut self, own: &Candidates<'_>, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) {
        let mut texts = key_texts(self.key.expose(), self.composer.entries());
        if self.depth == Depth::Full {
            texts.extend(rare_placeholders());
        }
        let keys = std::mem::replace(&mut self.keys, texts);
        self.attempts.clear();
        self.attempt_alone(own, Breadth::KeysAndCommon, visit);
        self.keys = keys;
        self.attempts.clear();
    }

    fn combinations(
        &mut self,
        effective: &Effective<'_>,
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
        let mut queue = Queue::default();
        for plan in pairs(effective).into_iter().chain(triples(effective)) {
            self.attempt_new((plan, Breadth::Frequent), &mut queue, (seen, visit));
        }
        self.attempt_plans(&mut queue, visit);
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
        let mut queue = Queue::default();
        for (at, choice) in both.iter().enumerate() {
            let plan = Plan { fields: Some(choice), ..Plan::default() };
            self.attempt_new((plan, Breadth::Frequent), &mut queue, (seen, visit));
            for order in unsorted.iter().filter(|_| at < rules) {
                self.attempt_new((plan.and(order), Breadth::Frequent), &mut queue, (seen, visit));
            }
        }
        self.attempt_plans(&mut queue, visit);
    }

    /// What takes long: texts that were cut, altered values, every selection of fields.
    fn long(
        &mut self,
        effective: &Effective<'_>,
        besides: &[FieldChoice],
        seen: &mut Seen,
        visit: &mut dyn FnMut(&Candidate<'_>) -> Fit,
    ) {
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
        let mut queue = Queue::default();
        for choice in made.iter().flatten() {
            let plan = Plan { values: Some(choice), ..Plan::default() };
            self.attempt_new((plan, Breadth::Common), &mut queue, (seen, visit));
        }
        let altered = &made[0];
        let dropped = || effective.fields.iter().take(MOST_DROPPED);
        for choice in altered {
            let plan = Plan { values: Some(choice), ..Plan::default() };
            for fields in dropped() {
                self.attempt_new((plan.and(fields), Breadth::Common), &mut queue, (seen, visit));
            }
        }
        for choice in besides {
            let plan = Plan { fields: Some(choice), ..Plan::default() };
            let is_of_object = |order: &&Plan<'_>| {
                let code = order.order.map_or("", |rule| rule.code);
                matches!(code, "doc-order" | "names-camel" | "names-pascal")
            };
            for order in effective.orders.iter().filter(is_of_object) {
                self.attempt_new((plan.and(order), Breadth::Common), &mut queue, (seen, visit));
            }
        }
        self.attempt_plans(&mut queue, visit);
        self.subsets(visit);
        self.ordered(visit);
    }

    /// Two or three values in any order.
    fn ordered(&mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) {
        let string = |composer: &Composer, ordered: extras::Ordered| {
            let text = Text::plain(ordered.text(composer.entries()));
            let deviations = ordered.deviations(composer.entries());
            Candidates::new(text, Name { plan: Plan::default(), deviations, rarity: 0 })
        };
        let mut queue = Queue::default();
        for ordered in extras::ordered(self.composer.entries()) {
            if self.fit == Fit::Yes || self.work > self.most_work {
                break;
            }
            let text = Text::plain(ordered.text(self.composer.entries()));
            self.wait(&mut queue, ordered, &text, Breadth::Few);
            if queue.is_full() {
                self.attempt_waiting(&mut queue, &string, visit);
            }
        }
        self.attempt_waiting(&mut queue, &string, visit);
    }

    fn subsets(&mut self, visit: &mut dyn FnMut(&Candidate<'_>) -> Fit) {
        let (members, masks) = extras::subsets(self.composer.entries());
        for arrangement in extras::ARRANGEMENTS {
            let arranged =
                arrangement.texts(self.composer.entries(), &members, &self.base.scheme.separator);
            // The description takes longer than the digests: only what may fit has one.
            let string = |composer: &Composer, mask: u32| {
                let mut deviations = vec![extras::subset(composer.entries(), &members, mask)];
                deviations.extend(arrangement.deviation());
                let name = Name { plan: Plan::default(), deviations, rarity: 0 };
                Candidates::new(Text::plain(arranged.joined(mask)), name)
            };
            let mut queue = Queue::default();
            for mask in masks.iter().filter(|mask| arrangement.has(**mask)) {
                if self.work > self.most_work || self.fit == Fit::Yes {
                    break;
                }
                let text = Text::plain(arranged.joined(*mask));
                self.wait(&mut queue, *mask, &text, Breadth::Common);
                if queue.is_full() {
                    self.attempt_waiting(&mut queue, &string, visit);
                }
            }
            self.attempt_waiting(&mut queue, &string, visit);
        }
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
