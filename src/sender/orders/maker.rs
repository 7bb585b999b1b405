//! Turns payloads into signed orders; counts them, and repeats those that are notified twice.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::internal::edit::Edit;
use protocol::internal::signing::BodySigner;
use protocol::{Layout, Payload, Value};

use super::error::OrderError;
use super::example::Example;
use super::header::Expected;
use super::ids::{OrderIds, mixed};
use super::plan::OrderPlan;
use super::row::Row;
use super::template::{Change, TemplateContext};
use crate::sender::record::Order;

pub(super) struct OrderMaker {
    pub(super) plan: OrderPlan,
    signer: Option<BodySigner>,
    /// The name of the field with the order's id.
    id_field: String,
    ids: OrderIds,
    /// The keys of the random streams. Values and statuses have one each: another template leaves
    /// the statuses as they were.
    values: u64,
    statuses: u64,
    /// How many orders were made, duplicates not counted.
    pub(super) made: u64,
    pub(super) next_number: u64,
    pub(super) repeat: Option<Order>,
    edits: Vec<Edit>,
}

impl OrderMaker {
    pub(super) fn new(plan: OrderPlan, signer: Option<BodySigner>) -> Self {
        let seed = plan.settings.seed;
        let mut keys = fastrand::Rng::with_seed(seed);
        let id_field = signer.as_ref().and_then(|signer| signer.dialect().layout.name("payout_id"));
        OrderMaker {
            id_field: id_field.unwrap_or_default().to_owned(),
            ids: OrderIds::new(seed),
            plan,
            signer,
            values: keys.u64(..),
            statuses: keys.u64(..),
            made: 0,
            next_number: 1,
            repeat: None,
            edits: Vec::new(),
        }
    }

    pub(super) fn expected(&self) -> Result<Expected, OrderError> {
        let signer = self.signer.as_ref().ok_or(OrderError::NoKey)?;
        Ok(Expected::new(&self.plan.settings, signer.dialect()))
    }

    pub(super) fn restart(&mut self) {
        (self.made, self.next_number, self.repeat) = (0, 1, None);
    }

    /// Continues after an order of an earlier session.
    pub(super) fn skip_to(&mut self, last: Order) {
        self.made = self.plan.settings.originals_among(last.number);
        self.next_number = last.number.saturating_add(1);
        let has_duplicate = self.plan.settings.with_duplicates(self.made) > last.number;
        self.repeat = has_duplicate.then_some(last);
    }

    /// The second notification of the order that was made last, where it has one.
    pub(super) fn repeated(&mut self) -> Option<Order> {
        let mut order = self.repeat.take()?;
        order.duplicate_of = Some(order.number);
        order.number = self.next_number;
        self.next_number += 1;
        Some(order)
    }

    pub(super) fn order(&mut self, row: &Row, at: Timestamp) -> Result<Order, OrderError> {
        self.edits.clear();
        if let Some(status) = self.draw_status() {
            let (name, json) = self.layout()?.status(status, &self.plan.settings.statuses);
            self.edits.push(Edit::Put { name, json });
        }
        self.finish(&row.text, at).map_err(|error| match error {
            OrderError::Signing(error) => row.cannot_be_signed(error).into(),
            other => other,
        })
    }

    pub(super) fn example(&mut self, at: Timestamp) -> Result<Order, OrderError> {
        self.edits.clear();
        let status = self.draw_status().unwrap_or_default();
        let example = Example { status, failed: self.plan.settings.failed, completed_at: at };
        let text = example.payload(&self.ids, self.made);
        let text = self.layout()?.rewrite(&text, &self.plan.settings.statuses);
        self.finish(text.as_bytes(), at)
    }

    fn layout(&self) -> Result<&Layout, OrderError> {
        self.signer.as_ref().map(|signer| &signer.dialect().layout).ok_or(OrderError::NoKey)
    }

    fn draw_status(&self) -> Option<i64> {
        let mut random = self.random(self.statuses);
        self.plan.settings.mix.as_ref().map(|mix| mix.draw(&mut random))
    }

    /// The order's own random numbers: they are the same wherever a run continues.
    fn random(&self, key: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(mixed(self.made, key))
    }

    fn finish(&mut self, text: &[u8], completed_at: Timestamp) -> Result<Order, OrderError> {
        let number = self.next_number;
        let mut random = self.random(self.values);
        let (random, ids) = (&mut random, &self.ids);
        let mut context = TemplateContext { number, completed_at, random, ids, places: 0 };
        for change in &self.plan.settings.changes {
            self.edits.push(match change {
                Change::Remove { name } => Edit::Remove { name: name.clone() },
                Change::Put { name, template } => {
                    Edit::Put { name: name.clone(), json: template.expand(&mut context) }
                }
            });
        }
        let signer = self.signer.as_mut().ok_or(OrderError::NoKey)?;
        let own = &*self.id_field;
        let id = |payload: &Payload<'_>| order_id(payload, own, number);
        let (body, id) = signer.sign(text, &self.edits, id)?;
        let body = Arc::from(body.into_bytes());
        let order = Order { number, id, body, completed_at, duplicate_of: None };
        self.next_number += 1;
        if self.plan.settings.is_repeated(self.made) {
            self.repeat = Some(order.clone());
        }
        self.made += 1;
        Ok(order)
    }
}

fn order_id(payload: &Payload<'_>, own: &str, number: u64) -> Arc<str> {
    let named = |name| match payload.get(name).map(|member| &member.value) {
        Some(Value::String(text)) if !text.is_empty() => Some(Arc::from(&**text)),
        Some(Value::Number(digits)) => Some(Arc::from(*digits)),
        _ => None,
    };
    named(own).or_else(|| named("payment_id")).unwrap_or_else(|| Arc::from(format!("#{number}")))
}
