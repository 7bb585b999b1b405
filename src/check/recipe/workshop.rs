//! Where messages are made: the key, the dialect and the order ids of one check.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use protocol::internal::canonical::canonicalize;
use protocol::internal::edit::{Edit, json_string};
use protocol::internal::scheme::{DigestCase, Suffix};
use protocol::internal::signature::sign;
use protocol::{Algorithm, Dialect, EmptyKey, Key, NoSuchDigest, Payload, Scheme, StatusTable};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::operation::{Digits, Ending, KeyChoice, Member, Operation, SignPlan, Start};
use super::placeholder::{self, Placeholder};
use super::{Recipe, RecipeError};
use crate::check::case::Message;
use crate::check::demand::{OrderRef, Outcome};

/// What every order id of a check begins with, so that people can tell them from real ones.
pub const ORDER_PREFIX: &str = "CHECK-";

/// The merchant's id where none is given: the one of the page's example.
const PLATFORM_ID: &str = "PF0014";

/// The amount of an order, in cents: no round thousand, and too small to hurt.
const AMOUNT: i64 = 12_345;

/// How long before its completion an order was created, in seconds.
const TOOK: i64 = 62;

/// How often other ids are tried for a digest that begins with a letter: 3 of 8 do.
const LETTER_TRIES: u32 = 200;

/// What another amount has more, in cents.
const OTHER: i64 = 1_000;

const MAX_ID: usize = 256;

const NO_ORDERS: &str = "has no orders left";

const SIGN_FIELD: &str = "@sign";

#[derive(Clone, Debug)]
pub struct Workshop {
    key: Key,
    wrong_key: Key,
    dialect: &'static Dialect,
    scheme: &'static Scheme,
    seed: u64,
    statuses: StatusTable,
    pub platform_id: String,
    /// Changes to every order before a case changes it.
    pub edits: Vec<Edit>,
    known: Option<Arc<KnownOrders>>,
}

/// The orders of a file, each to be used once.
#[derive(Debug)]
struct KnownOrders {
    file: String,
    rest: Mutex<VecDeque<OrderRef>>,
}

/// What a case has sent so far; it gives the order ids too.
#[derive(Clone, Debug, Default)]
pub struct History {
    label: String,
    messages: Vec<(Message, Order)>,
    orders: u32,
}

#[derive(Clone, Debug)]
struct Order {
    hex: String,
    /// The amount is that of the order, whatever a notification says.
    ids: OrderRef,
    created_at: i64,
}

impl History {
    pub fn new(label: &str) -> History {
        History { label: label.to_owned(), ..History::default() }
    }

    /// The order of the last message, whatever the message says of it.
    pub(in crate::check) fn own_order(&self) -> OrderRef {
        self.messages.last().map(|(_, order)| order.ids.clone()).unwrap_or_default()
    }

    #[cfg(test)]
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().map(|(message, _)| message)
    }
}

struct Bench<'w> {
    workshop: &'w Workshop,
    now: Timestamp,
    order: Order,
    other: String,
    before: Option<Message>,
    draft: Draft,
    amount: Option<i64>,
    bytes: Option<Vec<u8>>,
    method: String,
    headers: Vec<(String, String)>,
}

impl Workshop {
    /// Settles what all messages of a check share.
    ///
    /// Equal seeds and labels give equal order ids.
    pub fn try_new(
        key: Key,
        dialect: &'static Dialect,
        algorithm: Algorithm,
        seed: u64,
        statuses: StatusTable,
    ) -> Result<Workshop, NoSuchDigest> {
        let scheme = dialect
            .scheme(algorithm)
            .ok_or_else(|| NoSuchDigest { dialect: dialect.id.to_string(), algorithm })?;
        // It has nothing of the right one, so that a message signed with it tells nothing of that.
        let wrong = format!("{ORDER_PREFIX}wrong-key-{}", token(seed, "wrong key", 0));
        let wrong_key = Key::try_new(wrong.into_bytes()).unwrap_or_else(|_| key.clone());
        let platform_id = PLATFORM_ID.to_owned();
        let edits = Vec::new();
        Ok(Workshop {
            key,
            wrong_key,
            dialect,
            scheme,
            seed,
            statuses,
            platform_id,
            edits,
            known: None,
        })
    }

    /// Takes orders that the merchant knows in the place of made-up ones.
    pub fn use_orders(&mut self, file: String, orders: Vec<OrderRef>) {
        self.known = Some(Arc::new(KnownOrders { file, rest: Mutex::new(orders.into()) }));
    }

    /// The file of the orders that the merchant knows; no others can be made up.
    pub(in crate::check) fn order_file(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.file.as_str())
    }

    pub fn message(
        &self,
        recipe: &Recipe,
        now: Timestamp,
        history: &mut History,
    ) -> Result<Message, RecipeError> {
        let operations = recipe.read(history.messages.len())?;
        let missing = |problem: &str| RecipeError {
            operation: 0,
            problem: problem.to_owned(),
            lacks_order: false,
        };
        let mut operations = operations.iter().enumerate();
        let Some((_, Operation::Start(start))) = operations.next() else {
            return Err(missing("a recipe begins with an order, such as success"));
        };
        let before = match start {
            Start::Again(Some(number)) => history.messages.get(number - 1),
            _ => history.messages.last(),
        };
        let mut bench = match (start, before.cloned()) {
            (Start::Fresh(ending), before) => {
                let order = self.order(history, now).map_err(|problem| RecipeError {
                    operation: 0,
                    problem,
                    lacks_order: true,
                })?;
                self.bench(order, *ending, now, history, before.map(|(message, _)| message))
            }
            (Start::SameOrder(ending), Some((message, order))) => {
                self.bench(order, *ending, now, history, Some(message))
            }
            (Start::Again(_), Some((message, order))) => Bench {
                draft: Draft::read(&message.body).unwrap_or_default(),
                bytes: Some(message.body.clone()),
                amount: message.amount_cents,
                method: message.method.clone(),
                headers: message.headers.clone(),
                ..self.bench(order, Ending::Success, now, history, Some(message))
            },
            (Start::SameOrder(_) | Start::Again(_), None) => {
                return Err(missing("there is no such message before it in this case"));
            }
        };
        for (operation, one) in operations {
            bench.carry_out(one, history).map_err(|problem| {
                let lacks_order = problem.ends_with(NO_ORDERS);
                RecipeError { operation, problem, lacks_order }
            })?;
        }
        let order = bench.order.clone();
        let message = bench.message();
        history.messages.push((message.clone(), order));
        Ok(message)
    }

    /// What a message reports of its order.
    pub(in crate::check) fn outcome(&self, message: &Message) -> Outcome {
        let draft = Draft::read(&message.body);
        let status = draft.as_ref().and_then(|draft| draft.get("status"));
        let status = status.and_then(|json| json.trim_matches('"').parse::<i64>().ok());
        match status {
            Some(status) if status == self.statuses.success() => Outcome::Success,
            Some(status)
                if [self.statuses.cancelled(), self.statuses.failed()].contains(&status) =>
            {
                Outcome::Failure
            }
            Some(_) => Outcome::Open,
            None => Outcome::Unknown,
        }
    }

    /// The string that a message's signature is over, and the fingerprint of its key.
    pub(in crate::check) fn signed_text(&self, message: &Message) -> String {
        let Ok(payload) = Payload::parse(&message.body) else { return String::new() };
        let canonical = canonicalize(&payload, self.scheme);
        format!(
            "{:?} ({}, key {})",
            canonical.as_str(),
            self.scheme.algorithm,
            self.key.fingerprint()
        )
    }

    fn order(&self, history: &mut History, now: Timestamp) -> Result<Order, String> {
        history.orders += 1;
        let hex = token(self.seed, &history.label, history.orders);
        let known = match &self.known {
            None => OrderRef { amount: Some(AMOUNT), ..OrderRef::default() },
            Some(known) => {
                let mut rest = known.rest.lock().unwrap_or_else(PoisonError::into_inner);
                rest.pop_front().ok_or_else(|| format!("{} {NO_ORDERS}", known.file))?
            }
        };
        let or = |id: String, made_up: String| if id.is_empty() { made_up } else { id };
        let ids = OrderRef {
            id: or(known.id, payout_id(&hex)),
            client_id: or(known.client_id, client_id(&hex)),
            amount: known.amount,
        };
        Ok(Order { hex, ids, created_at: now.as_second().saturating_sub(TOOK) })
    }

    fn bench(
        &self,
        order: Order,
        ending: Ending,
        now: Timestamp,
        history: &History,
        before: Option<Message>,
    ) -> Bench<'_> {
        let other = token(self.seed, &format!("{} other", history.label), history.orders);
        let amount = order.ids.amount.unwrap_or(AMOUNT).to_string();
        let mut members = vec![
            ("payout_id", json_string(&order.ids.id)),
            ("payout_cl_id", json_string(&order.ids.client_id)),
            ("platform_id", json_string(&self.platform_id)),
            ("amount", amount.clone()),
            ("real_amount", amount),
            ("fee", "95".to_owned()),
            ("status", self.status(ending).to_string()),
        ];
        if ending == Ending::Failed {
            members.push(("error_msg", json_string("beneficiary account rejected")));
        }
        members.push(("create_time", order.created_at.to_string()));
        members.push(("update_time", now.as_second().to_string()));
        let members = members.into_iter().map(|(name, json)| (name.to_owned(), json)).collect();
        let mut draft = Draft { members, styles: Vec::new() };
        for edit in &self.edits {
            match edit {
                Edit::Put { name, json } => draft.set(name, json.clone()),
                Edit::Remove { name } => draft.members.retain(|(known, _)| known != name),
            }
        }
        Bench {
            workshop: self,
            now,
            order,
            other,
            before,
            draft,
            amount: None,
            bytes: None,
            method: "POST".to_owned(),
            headers: Vec::new(),
        }
    }

    fn status(&self, ending: Ending) -> i64 {
        match ending {
            Ending::Success => self.statuses.success(),
            Ending::Cancelled => self.statuses.cancelled(),
            Ending::Failed => self.statuses.failed(),
            Ending::Processing => self.statuses.processing(),
        }
    }

    pub(in crate::check) fn success_reply(&self) -> &str {
        &self.dialect.success_reply
    }
}

impl Bench<'_> {
    fn carry_out(&mut self, operation: &Operation, history: &mut History) -> Result<(), String> {
        match operation {
            Operation::Start(_) => {}
            Operation::Set(Member { name, json }) => {
                let json = self.expanded(json)?;
                self.draft.set(&self.name(name), json);
            }
            Operation::Unset(name) => {
                let name = self.name(name);
                self.draft.members.retain(|(known, _)| *known != name);
            }
            Operation::Rename(name, to) => self.draft.rename(&self.name(name), to),
            Operation::Swap(one, other) => self.draft.swap(&self.name(one), &self.name(other)),
            Operation::Take(name) => self.take(name)?,
            Operation::DuplicateFirst(Member { name, json }) => {
                self.draft.members.insert(0, (self.name(name), self.expanded(json)?));
            }
            Operation::DuplicateLast(Member { name, json }) => {
                self.draft.members.push((self.name(name), self.expanded(json)?));
            }
            Operation::Shuffle => {
                let seed = u64::from_str_radix(&self.order.hex, 16).unwrap_or_default();
                self.draft.shuffle(&mut fastrand::Rng::with_seed(seed));
            }
            Operation::Write(style) => self.draft.styles.push(*style),
            Operation::Sign(plan) => self.sign(*plan)?,
            Operation::LetterDigest => self.seek_letter(history)?,
            Operation::Truncate => {
                let mut body = self.body();
                body.truncate(body.len() / 2);
                self.bytes = Some(body);
            }
            Operation::Raw(text) => self.bytes = Some(self.expanded(text)?.into_bytes()),
            Operation::RawBytes(bytes) => self.bytes = Some(bytes.clone()),
            Operation::Header(name, value) => {
                self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                self.headers.push((name.clone(), value.clone()));
            }
            Operation::Method(name) => self.method.clone_from(name),
        }
        Ok(())
    }

    fn name(&self, name: &str) -> String {
        match name {
            SIGN_FIELD => self.workshop.dialect.sign_field().to_owned(),
            _ => name.to_owned(),
        }
    }

    fn expanded(&self, text: &str) -> Result<String, String> {
        placeholder::expand(text, |placeholder| match placeholder {
            Placeholder::Id => self.order.hex.clone(),
            Placeholder::Other => self.other.clone(),
            Placeholder::Now(later) => self.now.as_second().saturating_add(later).to_string(),
            Placeholder::Iso => self.now.to_string(),
            Placeholder::Sign => {
                self.draft.text(self.workshop.dialect.sign_field()).unwrap_or_default()
            }
            Placeholder::PlatformId => escaped(&self.workshop.platform_id),
            Placeholder::SignType => self.workshop.scheme.algorithm.name().to_owned(),
            Placeholder::Amount => self.order.ids.amount.unwrap_or(AMOUNT).to_string(),
            Placeholder::OtherAmount => {
                self.order.ids.amount.unwrap_or(AMOUNT).saturating_add(OTHER).to_string()
            }
            Placeholder::Status(ending) => self.workshop.status(ending).to_string(),
        })
    }

    fn take(&mut self, name: &str) -> Result<(), String> {
        let name = self.name(name);
        let before = self.before.as_ref().and_then(|message| Draft::read(&message.body));
        let json = before.as_ref().and_then(|draft| draft.get(&name));
        let json = json.ok_or_else(|| format!("the message before has no member {name:?}"))?;
        self.draft.set(&name, json.to_owned());
        Ok(())
    }

    fn sign(&mut self, plan: SignPlan) -> Result<(), String> {
        let dialect = self.workshop.dialect;
        let scheme = match plan.algorithm {
            None => self.workshop.scheme,
            Some(algorithm) => dialect
                .scheme(algorithm)
                .ok_or_else(|| format!("the dialect {} has no {algorithm}", dialect.id))?,
        };
        // The platform names the digest where it is not the one that silence means.
        if plan.algorithm.is_none()
            && dialect.reads_sign_type()
            && scheme != dialect.first()
            && self.draft.get("sign_type").is_none()
        {
            self.draft.set("sign_type", json_string(scheme.algorithm.name()));
        }
        let text = self.draft.write();
        let payload = Payload::parse(text.as_bytes())
            .map_err(|error| format!("the payload cannot be signed: {error}"))?;
        let canonical = canonicalize(&payload, scheme);
        let signature = match plan.key {
            KeyChoice::Right => sign(&canonical, scheme, &self.workshop.key),
            KeyChoice::Wrong => sign(&canonical, scheme, &self.workshop.wrong_key),
            KeyChoice::Empty => {
                let (scheme, key) = without_key(scheme).map_err(|error| error.to_string())?;
                sign(&canonical, &scheme, &key)
            }
        };
        let digits = written(signature.as_str(), plan.digits, scheme.digest_case);
        self.draft.set(dialect.sign_field(), json_string(&digits));
        self.amount = self.amount_of_draft();
        Ok(())
    }

    /// Signs with the ids of other orders until the digest begins with a letter.
    ///
    /// PHP before 8 reads such a digest as 0, so that it equals the number 0.
    fn seek_letter(&mut self, history: &mut History) -> Result<(), String> {
        for _ in 0..LETTER_TRIES {
            self.sign(SignPlan::default())?;
            let digest = self.draft.text(self.workshop.dialect.sign_field()).unwrap_or_default();
            if digest.starts_with(|first: char| first.is_ascii_alphabetic()) {
                return Ok(());
            }
            self.order = self.workshop.order(history, self.now)?;
            self.draft.set("payout_id", json_string(&self.order.ids.id));
            self.draft.set("payout_cl_id", json_string(&self.order.ids.client_id));
        }
        Err("no digest began with a letter".to_owned())
    }

    fn body(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| self.draft.write().into_bytes())
    }

    fn amount_of_draft(&self) -> Option<i64> {
        self.draft.get("amount").and_then(|json| json.trim_matches('"').parse().ok())
    }

    fn message(self) -> Message {
        let is_id = |id: &String| !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0');
        let id = |name: &str, own: &str| {
            self.draft.text(name).filter(is_id).unwrap_or_else(|| own.to_owned())
        };
        let order_id = id("payout_id", &self.order.ids.id);
        let client_id = id("payout_cl_id", &self.order.ids.client_id);
        Message {
            body: self.body(),
            amount_cents: self.amount.or_else(|| self.amount_of_draft()),
            method: self.method,
            headers: self.headers,
            order_id,
            client_id,
        }
    }
}

fn written(digest: &str, digits: Digits, case: DigestCase) -> String {
    match (digits, case) {
        (Digits::AsTheRule, _) => digest.to_owned(),
        (Digits::OtherCase, DigestCase::Lower) => digest.to_ascii_uppercase(),
        (Digits::OtherCase, DigestCase::Upper) => digest.to_ascii_lowercase(),
        (Digits::LastChanged, _) => {
            let mut digest = digest.to_owned();
            let last = if digest.pop() == Some('0') { '1' } else { '0' };
            digest.push(last);
            digest
        }
        (Digits::FirstEight, _) => digest.chars().take(8).collect(),
    }
}

/// A scheme and a key that together sign as an empty key would.
fn without_key(scheme: &Scheme) -> Result<(Scheme, Key), EmptyKey> {
    let (suffix, key) = match &scheme.suffix {
        // HMAC fills a short key up with zeros, so one zero is as good as no key.
        Suffix::Nothing => (Suffix::Nothing, vec![0]),
        suffix if scheme.algorithm == Algorithm::HmacSha256 => (suffix.clone(), vec![0]),
        Suffix::Key(before) if before.is_empty() => (Suffix::Nothing, vec![0]),
        Suffix::Key(before) => (Suffix::Key("".into()), before.as_bytes().to_vec()),
        Suffix::Md5OfKey(before) => {
            // The MD5 of nothing.
            let digest = format!("{before}d41d8cd98f00b204e9800998ecf8427e");
            (Suffix::Key("".into()), digest.into_bytes())
        }
    };
    Ok((Scheme { suffix, ..scheme.clone() }, Key::try_new(key)?))
}

fn escaped(text: &str) -> String {
    let quoted = json_string(text);
    let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

fn payout_id(hex: &str) -> String {
    format!("{ORDER_PREFIX}{hex}")
}

fn client_id(hex: &str) -> String {
    format!("{ORDER_PREFIX}C{hex}")
}

fn token(seed: u64, label: &str, number: u32) -> String {
    let mut digest = Sha256::new();
    digest.update(seed.to_be_bytes());
    digest.update(number.to_be_bytes());
    digest.update(label.as_bytes());
    hex::encode(&digest.finalize()[..8])
}
