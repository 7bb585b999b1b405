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
use super::life::LifePlan;
use super::plan::{OrderPlan, RandomKeys};
use super::row::Row;
use super::template::{Change, TemplateContext};
use crate::sender::record::{FollowingOrder, Order, wall_at};
use crate::sender::schedule::Speed;

pub(super) struct OrderMaker {
    pub(super) plan: OrderPlan,
    signer: Option<BodySigner>,
    /// The name of the field with the order's id.
    id_field: String,
    ids: OrderIds,
    keys: RandomKeys,
    lives: Option<Arc<LifePlan>>,
    /// How fast the pauses of lives pass.
    pub(super) speed: Speed,
    /// How many orders were made, duplicates not counted.
    pub(super) made: u64,
    pub(super) next_number: u64,
    pub(super) repeat: Option<Order>,
    /// The later notifications of the order that was made last.
    pub(super) following: Vec<FollowingOrder>,
    edits: Vec<Edit>,
}

impl OrderMaker {
    pub(super) fn new(plan: OrderPlan, signer: Option<BodySigner>) -> Self {
        let seed = plan.settings.seed;
        let id_field = signer.as_ref().and_then(|signer| signer.dialect().layout.name("payout_id"));
        OrderMaker {
            id_field: id_field.unwrap_or_default().to_owned(),
            ids: OrderIds::new(seed),
            keys: RandomKeys::new(seed),
            lives: plan.lives().map(Arc::new),
            speed: Speed::REAL,
            plan,
            signer,
            made: 0,
            next_number: 1,
            repeat: None,
            following: Vec::new(),
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
        if let Some(lives) = &self.lives {
            self.made = lives.place(last.number).order;
            self.next_number = self.made.saturating_add(1);
            return;
        }
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
        if let Some(lives) = self.lives.clone() {
            return self.begin_life(&lives, at);
        }
        self.edits.clear();
        let status = self.draw_status().unwrap_or_default();
        let example = Example { status, failed: self.plan.settings.failed, completed_at: at };
        let text = example.payload(&self.ids, self.made);
        let text = self.layout()?.rewrite(&text, &self.plan.settings.statuses);
        self.finish(text.as_bytes(), at)
    }

    /// The first notification of the next order; `following` has the others.
    fn begin_life(&mut self, lives: &LifePlan, at: Timestamp) -> Result<Order, OrderError> {
        let index = self.made;
        let life = lives.life(index).ok_or(OrderError::Empty { skipped_rows: 0 })?;
        let mut made = Vec::new();
        let mut before = None;
        for (place, (step, after)) in life.timeline().enumerate() {
            let (number, due) = (lives.number(index, place), self.speed.compress(after));
            // The payload has the times of the life, which a speed does not change.
            let (body, id) = self.sign_step(step.status, at, wall_at(at, after))?;
            let completed_at = wall_at(at, due);
            let order = Order { number, id, body, completed_at, duplicate_of: None };
            let waits_for = before.replace(number).filter(|_| step.pause.is_none());
            made.push(FollowingOrder { order: order.clone(), due, waits_for });
            if lives.is_repeated(index) {
                let again =
                    Order { number: number.saturating_add(1), duplicate_of: Some(number), ..order };
                made.push(FollowingOrder { order: again, due, waits_for });
            }
        }
        self.made += 1;
        self.next_number = self.made.saturating_add(1);
        let first = made.remove(0).order;
        self.following = made;
        Ok(first)
    }

    fn sign_step(
        &mut self,
        status: i64,
        begun_at: Timestamp,
        at: Timestamp,
    ) -> Result<(Arc<[u8]>, Arc<str>), OrderError> {
        self.edits.clear();
        let example = Example { status, failed: self.plan.settings.failed, completed_at: begun_at };
        let text = example.updated(&self.ids, self.made, at);
        let text = self.layout()?.rewrite(&text, &self.plan.settings.statuses);
        self.sign(text.as_bytes(), at)
    }

    fn layout(&self) -> Result<&Layout, OrderError> {
        self.signer.as_ref().map(|signer| &signer.dialect().layout).ok_or(OrderError::NoKey)
    }

    fn draw_status(&self) -> Option<i64> {
        let mut random = self.random(self.keys.statuses);
        self.plan.settings.mix.as_ref().map(|mix| mix.draw(&mut random))
    }

    /// The order's own random numbers: they are the same wherever a run continues.
    fn random(&self, key: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(mixed(self.made, key))
    }

    fn finish(&mut self, text: &[u8], completed_at: Timestamp) -> Result<Order, OrderError> {
        let number = self.next_number;
        let (body, id) = self.sign(text, completed_at)?;
        let order = Order { number, id, body, completed_at, duplicate_of: None };
        self.next_number += 1;
        if self.plan.settings.is_repeated(self.made) {
            self.repeat = Some(order.clone());
        }
        self.made += 1;
        Ok(order)
    }

    /// The payload with its changes, signed at this time, and the order's id.
    fn sign(
        &mut self,
        text: &[u8],
        completed_at: Timestamp,
    ) -> Result<(Arc<[u8]>, Arc<str>), OrderError> {
        let number = self.next_number;
        let mut random = self.random(self.keys.values);
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
        Ok((Arc::from(body.into_bytes()), id))
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
