//! Where the orders of a run come from: generated, or read from a file.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::internal::edit::Edit;
use protocol::internal::signing::BodySigner;
use protocol::{Payload, SigningError, StatusTable, Value};

use super::example::Example;
use super::mix::{Duplicates, Mix};
use super::order_ids::OrderIds;
use super::record::Order;
use super::template::{Template, TemplateContext};
use crate::lines::error::BadLine;

pub use super::order_file::{FileFormat, FromFile};
pub use super::order_pipe::FromPipe;

pub trait OrderSource {
    /// The next order, completed at this time; `None` at the end.
    fn next_order(&mut self, completed_at: Timestamp) -> Option<Result<Order, OrderError>>;

    fn size_hint(&self) -> Option<u64>;

    fn skipped(&self) -> u64 {
        0
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Row(#[from] BadLine),
    #[error("line {line}: {problem}")]
    Header {
        /// The header's line, from 1.
        line: u64,
        problem: String,
        hint: Option<&'static str>,
    },
    #[error("line {line}: cannot read on: {error}")]
    Read {
        /// The line that was being read, from 1.
        line: u64,
        error: io::Error,
    },
}

impl OrderError {
    /// The line of the file, from 1; a generated order has none.
    pub fn line(&self) -> Option<u64> {
        match self {
            OrderError::Signing(_) => None,
            OrderError::Row(bad) => Some(bad.number),
            OrderError::Header { line, .. } | OrderError::Read { line, .. } => Some(*line),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Fixed(Edit),
    Templated { name: String, template: Template },
}

impl Change {
    /// Puts a member in; a value without placeholders is made once.
    pub fn put(name: String, template: Template) -> Self {
        if !template.is_constant() {
            return Change::Templated { name, template };
        }
        // Without placeholders nothing of the context is used.
        let json = template.expand(&mut TemplateContext {
            number: 0,
            completed_at: Timestamp::UNIX_EPOCH,
            random: &mut fastrand::Rng::with_seed(0),
            ids: &OrderIds::new(0),
            places: 0,
        });
        Change::Fixed(Edit::Put { name, json })
    }
}

pub struct OrderRecipe {
    pub signer: BodySigner,
    pub changes: Vec<Change>,
    /// The statuses; `None` leaves what the payload has, and a fresh order is a success.
    pub mix: Option<Mix>,
    pub statuses: StatusTable,
    pub duplicates: Duplicates,
    pub seed: u64,
}

/// Turns payloads into orders; counts them, and repeats those that are to be notified twice.
pub(super) struct OrderMaker {
    recipe: OrderRecipe,
    ids: OrderIds,
    values: fastrand::Rng,
    statuses: fastrand::Rng,
    made: u64,
    next_number: u64,
    repeat: Option<Order>,
    edits: Vec<Edit>,
}

impl OrderMaker {
    pub(super) fn new(recipe: OrderRecipe) -> Self {
        let mut seeds = fastrand::Rng::with_seed(recipe.seed);
        // One stream each: a template more leaves the statuses as they were.
        let (values, statuses) = (seeds.fork(), seeds.fork());
        OrderMaker {
            ids: OrderIds::new(recipe.seed),
            recipe,
            values,
            statuses,
            made: 0,
            next_number: 1,
            repeat: None,
            edits: Vec::new(),
        }
    }

    /// The second notification of the order that was made last, where it is to have one.
    pub(super) fn repeated(&mut self) -> Option<Order> {
        let mut order = self.repeat.take()?;
        order.duplicate_of = Some(order.number);
        order.number = self.take_number();
        Some(order)
    }

    fn left(&self, originals: u64) -> u64 {
        let all = originals.saturating_add(self.recipe.duplicates.among(originals));
        all.saturating_sub(self.next_number - 1)
    }

    pub(super) fn order(&mut self, text: &[u8], at: Timestamp) -> Result<Order, SigningError> {
        self.edits.clear();
        if let Some(mix) = &self.recipe.mix {
            let json = mix.draw(&mut self.statuses).to_string();
            self.edits.push(Edit::Put { name: "status".to_owned(), json });
        }
        self.finish(text, at)
    }

    fn example(&mut self, at: Timestamp) -> Result<Order, SigningError> {
        self.edits.clear();
        let statuses = self.recipe.statuses;
        let status = match &self.recipe.mix {
            Some(mix) => mix.draw(&mut self.statuses),
            None => statuses.success(),
        };
        let example = Example { status, statuses, completed_at: at };
        let text = example.payload(&self.ids, self.made);
        self.finish(text.as_bytes(), at)
    }

    fn finish(&mut self, text: &[u8], completed_at: Timestamp) -> Result<Order, SigningError> {
        let number = self.next_number;
        let mut context = TemplateContext {
            number,
            completed_at,
            random: &mut self.values,
            ids: &self.ids,
            places: 0,
        };
        for change in &self.recipe.changes {
            self.edits.push(match change {
                Change::Fixed(edit) => edit.clone(),
                Change::Templated { name, template } => {
                    Edit::Put { name: name.clone(), json: template.expand(&mut context) }
                }
            });
        }
        let id = |payload: &Payload<'_>| order_id(payload, number);
        let (body, id) = self.recipe.signer.sign(text, &self.edits, id)?;
        let body = Arc::from(body.into_bytes());
        let order = Order { number, id, body, completed_at, duplicate_of: None };
        self.take_number();
        if self.recipe.duplicates.repeats(self.made) {
            self.repeat = Some(order.clone());
        }
        self.made += 1;
        Ok(order)
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

fn order_id(payload: &Payload<'_>, number: u64) -> Arc<str> {
    let named = |name| match payload.get(name).map(|member| &member.value) {
        Some(Value::String(text)) if !text.is_empty() => Some(Arc::from(&**text)),
        Some(Value::Number(digits)) => Some(Arc::from(*digits)),
        _ => None,
    };
    named("payout_id")
        .or_else(|| named("payment_id"))
        .unwrap_or_else(|| Arc::from(format!("#{number}")))
}

/// Fresh examples: the same seed and times give the same bytes.
pub struct Generated {
    maker: OrderMaker,
    count: u64,
}

impl Generated {
    pub fn new(recipe: OrderRecipe, count: u64) -> Self {
        Generated { maker: OrderMaker::new(recipe), count }
    }
}

impl OrderSource for Generated {
    fn next_order(&mut self, completed_at: Timestamp) -> Option<Result<Order, OrderError>> {
        if let Some(repeated) = self.maker.repeated() {
            return Some(Ok(repeated));
        }
        if self.maker.made >= self.count {
            return None;
        }
        let made = self.maker.example(completed_at);
        if made.is_err() {
            // What fails once fails every time: a changed example is no payload.
            self.count = self.maker.made;
        }
        Some(made.map_err(OrderError::from))
    }

    fn size_hint(&self) -> Option<u64> {
        Some(self.maker.left(self.count))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use protocol::internal::signature::{Answer, verify};
    use protocol::{Algorithm, Dialect, Key};

    use super::*;

    fn key() -> Key {
        Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap()
    }

    pub(in crate::sender) fn recipe_of(dialect: &str) -> OrderRecipe {
        let dialect = Dialect::built_in(dialect).unwrap();
        OrderRecipe { signer: BodySigner::try_new(dialect, None, key()).unwrap(), ..recipe(1) }
    }

    pub(in crate::sender) fn recipe(seed: u64) -> OrderRecipe {
        OrderRecipe {
            signer: BodySigner::try_new(Dialect::platform(), None, key()).unwrap(),
            changes: Vec::new(),
            mix: None,
            statuses: StatusTable::PLATFORM,
            duplicates: Duplicates::parse("0%").unwrap(),
            seed,
        }
    }

    pub(in crate::sender) fn at() -> Timestamp {
        Timestamp::from_second(1_567_614_111).unwrap()
    }

    pub(in crate::sender) fn all(source: &mut impl OrderSource) -> Vec<Order> {
        std::iter::from_fn(|| source.next_order(at())).map(Result::unwrap).collect()
    }

    fn set(name: &str, value: &str) -> Change {
        Change::put(name.to_owned(), Template::parse(value).unwrap())
    }

    #[test]
    fn generated_orders_verify_and_follow_the_seed() {
        let orders = all(&mut Generated::new(recipe(1), 50));
        assert_eq!(orders, all(&mut Generated::new(recipe(1), 50)));
        assert_ne!(orders, all(&mut Generated::new(recipe(2), 50)));
        for (order, number) in orders.iter().zip(1..) {
            let payload = Payload::parse(&order.body).unwrap();
            assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
            assert_eq!(order.number, number);
            assert!(order.id.starts_with("POT"), "{}", order.id);
        }
    }

    #[test]
    fn changes_differ_from_order_to_order_and_a_chosen_digest_is_said() {
        let signer =
            BodySigner::try_new(Dialect::platform(), Some(Algorithm::HmacSha256), key()).unwrap();
        let changes = vec![set("memo", "order {n}"), set("amount", "{100..500}"), set("x", "1")];
        let orders = all(&mut Generated::new(OrderRecipe { signer, changes, ..recipe(1) }, 3));
        let body = String::from_utf8(orders[2].body.to_vec()).unwrap();
        let payload = Payload::parse(body.as_bytes()).unwrap();
        assert_eq!(payload.get("memo").unwrap().value, Value::String("order 3".into()));
        assert!(matches!(payload.get("amount").unwrap().value, Value::Number(n) if n.len() == 3));
        assert!(body.contains("\"sign_type\":\"HMAC-SHA256\""), "{body}");
        assert_eq!(verify(&payload, &key(), Dialect::platform(), None).answer, Answer::Match);
        assert!(
            BodySigner::try_new(Dialect::platform(), Some(Algorithm::Sha256), key()).is_err(),
            "the platform has no SHA256"
        );
    }

    #[test]
    fn no_two_orders_share_an_id() {
        let mut orders = Generated::new(recipe(4), 10_000);
        let (mut ids, mut merchant) = (HashSet::new(), HashSet::new());
        while let Some(order) = orders.next_order(at()) {
            let order = order.unwrap();
            let payload = Payload::parse(&order.body).unwrap();
            let Value::String(of_merchant) = &payload.get("payout_cl_id").unwrap().value else {
                panic!("the merchant's id is a string");
            };
            assert_eq!((order.id.len(), of_merchant.len()), (11, 32));
            assert!(merchant.insert(of_merchant.to_string()), "{of_merchant}");
            assert!(ids.insert(Arc::clone(&order.id)), "{}", order.id);
        }
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn duplicates_repeat_the_bytes_under_a_number_of_their_own() {
        let recipe = OrderRecipe {
            duplicates: Duplicates::parse("50%").unwrap(),
            mix: Some(Mix::only(5)),
            ..recipe(1)
        };
        let mut source = Generated::new(recipe, 4);
        assert_eq!(source.size_hint(), Some(6));
        source.next_order(at()).unwrap().unwrap();
        assert_eq!(source.size_hint(), Some(5));
        let orders = all(&mut source);
        let repeats: Vec<_> = orders.iter().map(|o| (o.number, o.duplicate_of)).collect();
        assert_eq!(repeats, [(2, None), (3, Some(2)), (4, None), (5, None), (6, Some(5))]);
        assert_eq!((&orders[0].body, &orders[0].id), (&orders[1].body, &orders[1].id));
        assert!(orders.iter().all(|order| order.body.windows(10).any(|w| w == b"\"status\":5")));
        assert_eq!(source.size_hint(), Some(0));
    }

    #[test]
    fn an_order_without_an_id_is_called_by_its_number() {
        let changes = vec![Change::Fixed(Edit::Remove { name: "payout_id".to_owned() })];
        let orders = all(&mut Generated::new(OrderRecipe { changes, ..recipe(1) }, 2));
        assert_eq!(&*orders[1].id, "#2");
    }
}
