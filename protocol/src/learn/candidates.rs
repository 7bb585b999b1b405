//! The strings that could have been signed for one sample, the most usual ones first.
//!
//! A candidate is one string, not one rule: rules that differ only in what the sample does not
//! show give the same string. Which rules these are is found once a string has the right digest.

use std::ops::RangeInclusive;
use std::rc::Rc;

use hmac::digest::Digest as _;
use md5::Md5;

use super::candidate::{Candidate, PLAIN, Place};
use crate::batch::digests;
use crate::canonical::value_into;
use crate::payload::{Payload, Value};
use crate::scheme::{Algorithm, KeyText, Nulls, Order, Pairs, ValueText};

/// What is tried between two pairs or values.
const SEPARATORS: [&str; 16] =
    ["&", "", "|", ":", ";", ",", "~", "^", "-", "#", "_", "+", "*", "/", ".", "{up}"];
/// How many of them are tried with selections and orders of which there are many.
const USUAL_SEPARATORS: usize = 10;
/// How many of them are tried with the digest of a key among the values.
const MOST_USUAL_SEPARATORS: usize = 4;

/// What is tried before the key.
const LABELS: [&str; 25] = [
    "",
    "key=",
    "secret=",
    "secret_key=",
    "secretKey=",
    "signkey=",
    "sign_key=",
    "signKey=",
    "api_key=",
    "apikey=",
    "apiKey=",
    "app_key=",
    "appkey=",
    "appKey=",
    "app_secret=",
    "appSecret=",
    "k=",
    "Key=",
    "token=",
    "password=",
    "passphrase=",
    "md5key=",
    "merchant_key=",
    "api_token=",
    "appsecret=",
];

/// Up to this many fields every subset of them is tried.
pub(super) const MOST_SUBSET_FIELDS: usize = 14;
/// Up to this many fields every one of a selection is tried at every place.
const MOST_MOVED_FIELDS: usize = 12;
/// The most values whose order is found by trying all: first so many, and at last so many.
const FEW_IN_ORDER: usize = 4;
const MOST_IN_ORDER: usize = 7;
/// The most orders of so few values that are tried before everything else.
const MOST_EARLY_ORDERS: usize = 20_000;
/// How many messages are hashed at once.
const BATCH: usize = 1024;
/// How many bytes of messages wait at most, but for the last one.
const BATCH_BYTES: usize = 1 << 20;
/// What a digest costs besides its bytes, in bytes.
const SHORT: usize = 96;

/// The places of the key that are tried with every selection of fields.
const USUAL_PLACES: [Place; 8] = [
    Place::Nowhere,
    Place::Behind(PLAIN, "", true),
    Place::Behind(PLAIN, "", false),
    Place::Behind(PLAIN, "key=", true),
    Place::Before(PLAIN, true),
    Place::Before(PLAIN, false),
    Place::Around(false),
    Place::Around(true),
];
const MORE_PLACES: [Place; 8] = [
    Place::Behind(KeyText::Md5, "", true),
    Place::Behind(KeyText::Md5, "", false),
    Place::Behind(KeyText::UpperMd5, "", true),
    Place::Behind(KeyText::UpperMd5, "", false),
    Place::Behind(KeyText::Md5, "key=", true),
    Place::Before(KeyText::Md5, true),
    Place::Before(KeyText::Md5, false),
    Place::Before(KeyText::UpperMd5, false),
];

/// How much is tried with one selection of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breadth {
    /// What the platforms of this family do, with every label of the key.
    Usual,
    /// Every order and separator, with the usual places of the key.
    AnySelection,
    /// Everything.
    All,
}

/// How a value counts where empty ones are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Solid,
    Zero,
    Empty,
    Null,
}

struct Field {
    name: String,
    texts: [String; 3],
    weight: Weight,
    received: usize,
}

/// The search for the string of one sample.
pub(super) struct Search<'s> {
    key: &'s [u8],
    /// The key in each [`KeyText`].
    key_texts: [Vec<u8>; 3],
    digest: &'s [u8],
    algorithms: Vec<Algorithm>,
    fields: Vec<Field>,
    waiting: Vec<Candidate>,
    /// The messages that wait, one after another, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    found: Option<Candidate>,
    /// How many strings were hashed.
    pub(super) count: u64,
    budget: u64,
}

impl<'s> Search<'s> {
    /// A search for the string of this payload, whose signature is left out; it ends when so many
    /// bytes were hashed.
    pub(super) fn new(
        payload: &Payload<'_>,
        sign_field: &str,
        key: &'s [u8],
        digest: &'s [u8],
        budget: u64,
    ) -> Search<'s> {
        let members = payload.members_by_name().filter(|member| member.name != sign_field);
        let fields = members.map(|member| {
            let mut text = String::new();
            value_into(&member.value, Nulls::Text, &mut text);
            Field {
                name: member.name.to_string(),
                texts: ValueText::ALL.map(|values| values.encode(&text).into_owned()),
                weight: match &member.value {
                    Value::Null => Weight::Null,
                    value if value.is_empty() => Weight::Empty,
                    value if crate::canonical::is_zero(value) => Weight::Zero,
                    _ => Weight::Solid,
                },
                received: member.name_span().start,
            }
        });
        let is_long = |algorithm: &Algorithm| algorithm.digits() == digest.len() * 2;
        let md5 = hex::encode(Md5::digest(key)).into_bytes();
        let key_texts = [key.to_vec(), md5.clone(), md5.to_ascii_uppercase()];
        Search {
            key,
            key_texts,
            digest,
            algorithms: Algorithm::ALL.into_iter().filter(is_long).collect(),
            fields: fields.collect(),
            waiting: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            found: None,
            count: 0,
            budget,
        }
    }

    /// The string with this digest, where one was found.
    pub(super) fn run(&mut self) -> Option<Candidate> {
        let tiers: [fn(&mut Self); 10] = [
            |this| this.with_left_out(0, Breadth::Usual),
            |this| this.with_left_out(1, Breadth::Usual),
            |this| this.with_left_out(2, Breadth::Usual),
            |this| this.with_left_out(0, Breadth::All),
            |this| this.own_orders(2..=FEW_IN_ORDER, MOST_EARLY_ORDERS),
            |this| this.with_left_out(1, Breadth::All),
            Self::subsets,
            Self::one_moved,
            |this| this.with_left_out(2, Breadth::All),
            |this| this.own_orders(2..=MOST_IN_ORDER, usize::MAX),
        ];
        for tier in tiers {
            tier(self);
            self.flush();
            if self.is_over() {
                break;
            }
        }
        self.found.take()
    }

    fn is_over(&self) -> bool {
        self.found.is_some() || self.budget == 0
    }

    /// The selections without this many of the fields that empty ones are not dropped from.
    fn with_left_out(&mut self, count: usize, breadth: Breadth) {
        let is_kept = |weights: &[Weight]| -> Vec<u8> {
            let fields = self.fields.iter().enumerate();
            let kept = fields.filter(|(_, field)| !weights.contains(&field.weight));
            kept.map(|(index, _)| index as u8).collect()
        };
        let mut bases: Vec<Vec<u8>> = [
            &[Weight::Empty, Weight::Null][..],
            &[],
            &[Weight::Null],
            &[Weight::Empty],
            &[Weight::Empty, Weight::Null, Weight::Zero],
            &[Weight::Empty, Weight::Zero],
        ]
        .into_iter()
        .map(is_kept)
        .flat_map(|base| {
            // Where there is one, it most often stays outside, as the signature does.
            let without =
                base.iter().filter(|at| self.fields[usize::from(**at)].name != "sign_type");
            [without.copied().collect(), base.clone()]
        })
        .collect();
        let mut seen: Vec<Vec<u8>> = Vec::new();
        bases.retain(|base| {
            let is_new = !seen.contains(base);
            seen.push(base.clone());
            is_new
        });
        for base in bases {
            let most = if count == 0 { 1 } else { base.len() };
            for first in 0..most {
                let seconds = if count == 2 { first + 1..base.len() } else { first..first + 1 };
                for second in seconds {
                    let is_out = |index: usize| count > 0 && (index == first || index == second);
                    let kept: Vec<u8> = (0..base.len())
                        .filter(|index| !is_out(*index))
                        .map(|index| base[index])
                        .collect();
                    self.selection(&kept, breadth);
                    if self.is_over() {
                        return;
                    }
                }
            }
        }
    }

    /// Every selection of fields, where there are not too many.
    fn subsets(&mut self) {
        let count = self.fields.len();
        if count > MOST_SUBSET_FIELDS {
            return;
        }
        for mask in 1_u32..1 << count {
            let kept: Vec<u8> = (0..count as u8).filter(|index| mask >> index & 1 == 1).collect();
            self.selection(&kept, Breadth::AnySelection);
            let received = self.as_received(&kept);
            self.values_with_key(&kept, KeyText::ALL.len());
            if received != kept {
                self.values_with_key(&received, KeyText::ALL.len());
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn as_received(&self, fields: &[u8]) -> Vec<u8> {
        let mut fields = fields.to_vec();
        fields.sort_by_key(|at| self.fields[usize::from(*at)].received);
        fields
    }

    /// The strings of a selection, which is in the order of the names.
    fn selection(&mut self, kept: &[u8], breadth: Breadth) {
        if kept.is_empty() {
            return;
        }
        let has_null = kept.iter().any(|at| self.fields[usize::from(*at)].weight == Weight::Null);
        let nulls: &[Nulls] = if has_null { &[Nulls::Keep, Nulls::Text] } else { &[Nulls::Drop] };
        let (orders, kinds, encodings, separators) = match breadth {
            Breadth::Usual => {
                (&Order::ALL[..1], &Pairs::ALL[..1], &ValueText::ALL[..1], &SEPARATORS[..1])
            }
            Breadth::AnySelection => {
                (&Order::ALL[..], &Pairs::ALL[..], &ValueText::ALL[..1], &SEPARATORS[..2])
            }
            Breadth::All => {
                (&Order::ALL[..], &Pairs::ALL[..], &ValueText::ALL[..], &SEPARATORS[..])
            }
        };
        for order in orders.iter().copied() {
            let mut fields = kept.to_vec();
            if order == Order::Received {
                fields = self.as_received(kept);
                if fields == kept {
                    continue;
                }
            }
            let fields: Rc<[u8]> = fields.into();
            for pairs in kinds.iter().copied() {
                for values in encodings.iter().copied() {
                    let plain = |at: &u8| {
                        let texts = &self.fields[usize::from(*at)].texts;
                        texts[values as usize] == texts[0]
                            || (values == ValueText::Percent && texts[2] == texts[1])
                    };
                    if values != ValueText::Plain && fields.iter().all(plain) {
                        continue;
                    }
                    for nulls in nulls {
                        for separator in separators {
                            let candidate = Candidate {
                                algorithm: Algorithm::Md5,
                                fields: Rc::clone(&fields),
                                order: Some(order),
                                pairs,
                                values,
                                nulls: *nulls,
                                separator,
                                place: Place::Nowhere,
                            };
                            self.places(&candidate, breadth);
                        }
                    }
                }
            }
        }
    }

    /// A string with the key in all its places, in all digests of this length.
    fn places(&mut self, candidate: &Candidate, breadth: Breadth) {
        let body = self.body(candidate);
        let labels = LABELS.iter().skip(2).map(|label| Place::Behind(PLAIN, label, true));
        let bare = LABELS.iter().skip(1).map(|label| Place::Behind(PLAIN, label, false));
        let more = MORE_PLACES.into_iter().chain(labels).chain(bare);
        let more = more.filter(|_| breadth != Breadth::AnySelection);
        for place in USUAL_PLACES.into_iter().chain(more) {
            self.hash_in(place, &body, candidate, breadth == Breadth::AnySelection);
        }
    }

    /// Values as received, but one at another place.
    fn one_moved(&mut self) {
        let count = self.fields.len();
        if count > MOST_MOVED_FIELDS {
            return;
        }
        let all: Vec<u8> = (0..count as u8).collect();
        let all = self.as_received(&all);
        for mask in 1_u32..1 << count {
            let is_in = |at: &u8| mask >> at & 1 == 1;
            let kept: Vec<u8> = all.iter().copied().filter(is_in).collect();
            for from in 0..kept.len() {
                for to in (0..kept.len()).filter(|to| *to != from && to + 1 != from) {
                    let mut moved = kept.clone();
                    let field = moved.remove(from);
                    moved.insert(to, field);
                    self.values_with_key(&moved, 1);
                }
                if self.is_over() {
                    return;
                }
            }
        }
    }

    /// Values in every order, of so many fields, where there are not more orders than that.
    fn own_orders(&mut self, counts: RangeInclusive<usize>, most: usize) {
        let mut texts: Vec<&str> = Vec::new();
        let mut different: Vec<u8> = Vec::new();
        for (index, field) in self.fields.iter().enumerate() {
            if field.weight != Weight::Null && !texts.contains(&&*field.texts[0]) {
                texts.push(&field.texts[0]);
                different.push(index as u8);
            }
        }
        let all = different.len();
        for count in counts.filter(|count| *count <= all) {
            let orders = (all - count + 1..=all).try_fold(1_usize, |it, more| it.checked_mul(more));
            if orders.is_some_and(|orders| orders <= most) {
                self.arrange(&different, &mut Vec::new(), count);
            }
        }
    }

    fn arrange(&mut self, all: &[u8], chosen: &mut Vec<u8>, count: usize) {
        if chosen.len() == count {
            let key_texts = if count <= FEW_IN_ORDER { KeyText::ALL.len() } else { 1 };
            return self.values_with_key(chosen, key_texts);
        }
        for at in all {
            if !chosen.contains(at) && !self.is_over() {
                chosen.push(*at);
                self.arrange(all, chosen, count);
                chosen.pop();
            }
        }
    }

    /// Values in an order of their own with the key at each place, written in so many ways.
    fn values_with_key(&mut self, fields: &[u8], key_texts: usize) {
        let plain = Candidate {
            algorithm: Algorithm::Md5,
            fields: fields.into(),
            order: None,
            pairs: Pairs::Value,
            values: ValueText::Plain,
            nulls: Nulls::Keep,
            separator: "",
            place: Place::Nowhere,
        };
        let plain_places = [
            Place::Nowhere,
            Place::Behind(PLAIN, "", true),
            Place::Before(PLAIN, true),
            Place::Behind(PLAIN, "", false),
        ];
        let digest_places = [KeyText::Md5, KeyText::UpperMd5]
            .map(|text| [Place::Behind(text, "", true), Place::Before(text, true)]);
        for (index, separator) in SEPARATORS[..USUAL_SEPARATORS].iter().enumerate() {
            let with_digests = key_texts > 1 && index < MOST_USUAL_SEPARATORS;
            let texts: &[KeyText] =
                if with_digests { &[PLAIN, KeyText::Md5, KeyText::UpperMd5] } else { &[PLAIN] };
            let among = (1..fields.len() as u8)
                .flat_map(|at| texts.iter().map(move |text| Place::At(*text, at)));
            let candidate = Candidate { separator, ..plain.clone() };
            let body = self.body(&candidate);
            let digests = digest_places.iter().flatten().copied().filter(|_| with_digests);
            for place in plain_places.into_iter().chain(digests).chain(among) {
                // Without a separator there is no difference.
                if separator.is_empty() && place == Place::Behind(PLAIN, "", false) {
                    continue;
                }
                self.hash_in(place, &body, &candidate, true);
            }
        }
    }

    /// A string with the key at this place, in the digests of this length; where there are many
    /// such strings, an HMAC's has the key nowhere or at the end.
    fn hash_in(&mut self, place: Place, body: &str, candidate: &Candidate, is_many: bool) {
        for index in 0..self.algorithms.len() {
            let algorithm = self.algorithms[index];
            let is_usual = matches!(place, Place::Nowhere | Place::Behind(PLAIN, _, true));
            if !is_many || !algorithm.is_keyed() || is_usual {
                self.offer(body, &Candidate { algorithm, place, ..candidate.clone() });
            }
        }
    }

    /// The string without the key.
    fn body(&self, candidate: &Candidate) -> String {
        let mut body = String::new();
        for (index, at) in candidate.fields.iter().enumerate() {
            let field = &self.fields[usize::from(*at)];
            if index > 0 {
                body.push_str(candidate.separator);
            }
            if candidate.pairs != Pairs::Value {
                body.push_str(&field.name);
            }
            if candidate.pairs == Pairs::NameValue {
                body.push('=');
            }
            if field.weight != Weight::Null || candidate.nulls == Nulls::Text {
                body.push_str(&field.texts[candidate.values as usize]);
            }
        }
        body
    }

    /// Adds a string to the batch that waits.
    fn offer(&mut self, body: &str, candidate: &Candidate) {
        if candidate.place == Place::Nowhere && !candidate.algorithm.is_keyed() || self.is_over() {
            return;
        }
        let Search { bytes, key_texts, fields, .. } = self;
        let between = |is_there: bool| if is_there { candidate.separator } else { "" }.as_bytes();
        let key = |text: KeyText| &*key_texts[text as usize];
        let body = body.as_bytes();
        let start = bytes.len();
        match candidate.place {
            Place::Nowhere => bytes.extend_from_slice(body),
            Place::Behind(text, label, separated) => {
                for part in [body, between(separated), label.as_bytes(), key(text)] {
                    bytes.extend_from_slice(part);
                }
            }
            Place::Before(text, separated) => {
                for part in [key(text), between(separated), body] {
                    bytes.extend_from_slice(part);
                }
            }
            Place::Around(separated) => {
                let between = between(separated);
                for part in [key(PLAIN), between, body, between, key(PLAIN)] {
                    bytes.extend_from_slice(part);
                }
            }
            Place::At(text, at) => {
                for (index, field) in candidate.fields.iter().enumerate() {
                    if index > 0 {
                        bytes.extend_from_slice(candidate.separator.as_bytes());
                    }
                    if index == usize::from(at) {
                        bytes.extend_from_slice(key(text));
                        bytes.extend_from_slice(candidate.separator.as_bytes());
                    }
                    let field = &fields[usize::from(*field)];
                    bytes.extend_from_slice(field.texts[0].as_bytes());
                }
            }
        }
        let cost =
            (bytes.len() - start + SHORT) * if candidate.algorithm.is_keyed() { 2 } else { 1 };
        self.budget = self.budget.saturating_sub(cost as u64);
        self.ends.push(bytes.len());
        self.waiting.push(candidate.clone());
        if self.waiting.len() == BATCH || self.bytes.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut starts = vec![0];
        starts.extend_from_slice(&self.ends);
        let messages = |algorithm: Algorithm| {
            let waiting = self.waiting.iter().enumerate();
            waiting
                .filter(move |(_, candidate)| candidate.algorithm == algorithm)
                .map(|(at, candidate)| (candidate, &self.bytes[starts[at]..self.ends[at]]))
        };
        for algorithm in &self.algorithms {
            let texts: Vec<&[u8]> = messages(*algorithm).map(|(_, text)| text).collect();
            let digests = digests(*algorithm, self.key, &texts);
            let right = digests.iter().position(|digest| digest.starts_with(self.digest));
            if let Some(at) = right {
                self.found = messages(*algorithm).nth(at).map(|(candidate, _)| candidate.clone());
                break;
            }
        }
        self.count += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes.clear();
        self.ends.clear();
    }

    /// The names of a candidate's fields, in their order.
    pub(super) fn names(&self, candidate: &Candidate) -> Vec<&str> {
        candidate.fields.iter().map(|at| &*self.fields[usize::from(*at)].name).collect()
    }

    /// The names of all fields but the signature's.
    pub(super) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| &*field.name)
    }

    /// Whether the search ended before every string was tried.
    pub(super) fn is_cut(&self) -> bool {
        self.budget == 0
    }

    /// The names of the fields that some rule drops, so that their absence decides nothing.
    pub(super) fn droppable(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.weight != Weight::Solid).map(|field| &*field.name)
    }

    /// What was searched, in words.
    pub(super) fn hashes(&self) -> Vec<&'static str> {
        self.algorithms.iter().map(|algorithm| algorithm.name()).collect()
    }
}
