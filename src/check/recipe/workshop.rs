//! Where messages are made: the key, the dialect and the order ids of one check.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use protocol::internal::canonical::canonicalize;
use protocol::internal::edit::{Edit, json_string};
use protocol::internal::form;
use protocol::{Algorithm, Dialect, Key, NoSuchDigest, Scheme, StatusTable, Transport};
use sha2::{Digest, Sha256};

use super::bench::{Bench, ONE_SPELLING};
use super::draft::Draft;
use super::operation::{Ending, Operation, Start};
use super::{Recipe, RecipeError};
use crate::check::case::Message;
use crate::check::demand::{OrderRef, Outcome};
use crate::mask::Untrusted;

/// What every order id of a check begins with, so that people can tell them from real ones.
pub const ORDER_PREFIX: &str = "CHECK-";

/// The merchant's id where none is given: the one of the page's example.
const PLATFORM_ID: &str = "PF0014";

/// The amount of an order, in cents: no round thousand, and too small to hurt.
pub(super) const AMOUNT: i64 = 12_345;

/// How long before its completion an order was created, in seconds.
const TOOK: i64 = 62;

const NO_ORDERS: &str = "has no orders left";

/// The longest value that goes into a URL: servers take heads of 8 KiB.
const MAX_IN_URL: usize = 2048;

pub(super) const SIGN_FIELD: &str = "@sign";

#[derive(Clone, Debug)]
pub struct Workshop {
    pub(super) key: Key,
    pub(super) wrong_key: Key,
    pub(super) dialect: &'static Dialect,
    pub(super) scheme: &'static Scheme,
    pub(super) seed: u64,
    pub(super) statuses: StatusTable,
    /// A key that the endpoint must no longer accept.
    pub retired_key: Option<Key>,
    pub platform_id: String,
    /// Changes to every order before a case changes it.
    pub edits: Vec<Edit>,
    pub(super) known: Option<Arc<KnownOrders>>,
    opening: Arc<OnceLock<(Message, NewOrder)>>,
}

/// The orders of a file, each to be used once.
#[derive(Debug)]
pub(super) struct KnownOrders {
    file: String,
    rest: Mutex<VecDeque<OrderRef>>,
}

/// What a case has sent so far; it gives the order ids too.
#[derive(Clone, Debug, Default)]
pub struct History {
    label: String,
    messages: Vec<(Message, NewOrder)>,
    orders: u32,
}

#[derive(Clone, Debug)]
pub(super) struct NewOrder {
    pub(super) hex: String,
    /// The amount is that of the order, whatever a notification says.
    pub(super) ids: OrderRef,
    pub(super) created_at: i64,
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
        // It has nothing of the right one, so that a message signed with it reveals nothing of that.
        let wrong = wrong_key_text(seed);
        let wrong_key = Key::try_new(wrong.into_bytes()).unwrap_or_else(|_| key.clone());
        let platform_id = PLATFORM_ID.to_owned();
        let edits = Vec::new();
        Ok(Workshop {
            key,
            wrong_key,
            retired_key: None,
            dialect,
            scheme,
            seed,
            statuses,
            platform_id,
            edits,
            known: None,
            opening: Arc::default(),
        })
    }

    pub(super) fn wrong_key_text(&self) -> String {
        wrong_key_text(self.seed)
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
            Start::Opening => self.opening.get(),
            Start::Again(Some(number)) | Start::SameOrder(_, Some(number)) => {
                history.messages.get(number - 1)
            }
            _ => history.messages.last(),
        };
        let transport = self.dialect.layout.transport;
        let mut bench = match (start, before.cloned()) {
            (Start::Fresh(ending), before) => {
                let order = self.order(history, now).map_err(|problem| RecipeError {
                    operation: 0,
                    problem,
                    lacks_order: true,
                })?;
                self.bench(order, *ending, now, history, before.map(|(message, _)| message))
            }
            (Start::SameOrder(ending, _), Some((message, order))) => {
                self.bench(order, *ending, now, history, Some(message))
            }
            (Start::Again(_) | Start::Opening, Some((message, order))) => Bench {
                draft: Draft::read(&message.body, transport).unwrap_or_default(),
                bytes: Some(message.body.clone()),
                amount: message.amount_cents,
                method: message.method.clone(),
                headers: message.headers.clone(),
                query: Vec::from_iter(Some(message.query.clone()).filter(|it| !it.is_empty())),
                ..self.bench(order, Ending::Success, now, history, Some(message))
            },
            (Start::SameOrder(..) | Start::Again(_) | Start::Opening, None) => {
                return Err(missing("there is no such message before it in this case"));
            }
        };
        for (operation, one) in operations {
            bench.carry_out(one, history).map_err(|problem| {
                let lacks_order = problem.ends_with(NO_ORDERS) || problem.ends_with(ONE_SPELLING);
                RecipeError { operation, problem, lacks_order }
            })?;
        }
        let order = bench.order.clone();
        let message = bench.message();
        self.opening.get_or_init(|| (message.clone(), order.clone()));
        history.messages.push((message.clone(), order));
        Ok(message)
    }

    /// What a message reports of its order.
    pub(in crate::check) fn outcome(&self, message: &Message) -> Outcome {
        let layout = &self.dialect.layout;
        // Without a status, only successes are notified.
        let Some(name) = layout.name("status") else { return Outcome::Success };
        let draft = Draft::read(&message.body, layout.transport);
        let status = match &draft {
            Some(draft) => draft.get(name),
            None => message.signed_status.as_deref(),
        };
        let status = status.and_then(|json| layout.code(json.trim_matches('"'), &self.statuses));
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

    /// Why a message cannot be sent in this dialect; `None` where it can.
    pub(in crate::check) fn cannot_send(&self, recipe: &Recipe) -> Option<&'static str> {
        let layout = &self.dialect.layout;
        let is_json = layout.transport == Transport::Json;
        // What cannot be read is refused where the message is made.
        let operations = recipe.read(usize::MAX).unwrap_or_default();
        let mut is_signed = false;
        operations.iter().find_map(|operation| {
            is_signed |= operation.signs();
            if let Operation::Start(Start::Fresh(ending) | Start::SameOrder(ending, _)) = operation
                && !layout.notifies(self.status(*ending), &self.statuses)
            {
                return Some("the dialect never notifies orders with that status");
            }
            let is_about_json = match operation {
                Operation::Write(_) | Operation::Raw(_) | Operation::RawBytes(_) => true,
                Operation::Header(name, _) => name.eq_ignore_ascii_case("content-type"),
                Operation::Method(_) | Operation::Query(_) | Operation::InQuery => true,
                // Nesting is a text like any other where there are no arrays.
                Operation::Set(member) => member.json.starts_with("[["),
                _ => false,
            };
            if is_about_json && !is_json {
                return Some(
                    "it is about JSON in the body of a POST, which the dialect does not send",
                );
            }
            let is_unsent = |name: &&str| layout.name(name).is_none();
            if operation.needs().iter().any(is_unsent) {
                return Some("it is about a field that the dialect does not send");
            }
            let is_free = |name: &&str| {
                let name = layout.name(name).unwrap_or(name);
                name != SIGN_FIELD && !self.scheme.signs(name)
            };
            // No merchant can find a change that the signature says nothing about.
            if is_signed && self.scheme.signed.is_some() && operation.changes().iter().any(is_free)
            {
                return Some("it changes a field that the dialect does not sign");
            }
            let is_long =
                matches!(operation, Operation::Set(member) if member.json.len() > MAX_IN_URL);
            (is_long && layout.transport == Transport::Query)
                .then_some("it does not fit into a URL, where the dialect has its fields")
        })
    }

    /// The string that a message's signature is over, and the fingerprint of its key.
    pub(in crate::check) fn signed_text(&self, message: &Message) -> String {
        let encoding = self.dialect.layout.transport.encoding();
        let Ok(payload) = form::read(&message.body, encoding) else { return String::new() };
        let canonical = canonicalize(&payload, self.scheme);
        format!(
            "{:?} ({}, key {})",
            Untrusted::new(canonical.as_str()),
            self.scheme.algorithm,
            self.key.fingerprint()
        )
    }

    pub(super) fn order(&self, history: &mut History, now: Timestamp) -> Result<NewOrder, String> {
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
        Ok(NewOrder { hex, ids, created_at: now.as_second().saturating_sub(TOOK) })
    }

    fn bench(
        &self,
        order: NewOrder,
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
        let mut draft = Draft {
            members: members.into_iter().map(|(name, json)| (name.to_owned(), json)).collect(),
            styles: Vec::new(),
        };
        for edit in &self.edits {
            match edit {
                Edit::Put { name, json } => draft.set(name, json.clone()),
                Edit::Remove { name } => draft.members.retain(|(known, _)| known != name),
            }
        }
        let layout = &self.dialect.layout;
        let fields = draft.members.iter().map(|(name, json)| (&**name, json.into()));
        draft.members = layout.notification(fields, &self.statuses);
        Bench {
            workshop: self,
            now,
            order,
            other,
            before,
            draft,
            is_respelled: false,
            signed_status: None,
            amount: None,
            bytes: None,
            method: layout.method.to_string(),
            headers: Vec::new(),
            query: Vec::new(),
        }
    }

    pub(super) fn status(&self, ending: Ending) -> i64 {
        match ending {
            Ending::Success => self.statuses.success(),
            Ending::Cancelled => self.statuses.cancelled(),
            Ending::Failed => self.statuses.failed(),
            Ending::Processing => self.statuses.processing(),
        }
    }

    pub(in crate::check) fn dialect(&self) -> &Dialect {
        self.dialect
    }
}

fn wrong_key_text(seed: u64) -> String {
    format!("{ORDER_PREFIX}wrong-key-{}", token(seed, "wrong key", 0))
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
