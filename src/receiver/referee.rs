//! The referee: does the *sender* keep its contract?
//!
//! It gets one observation per callback and the time at which each reply was written, both in the
//! order of time, and says at once which rules a callback breaks. It is pure, and its memory is
//! bounded: the order not seen for longest is forgotten.
//!
//! What is counted is a *notification*: an order with a status. A further status of the same order
//! (processing, then success) is a new notification and starts its own count, window and
//! acknowledgement (ours). Rules: the protocol's sections 1 to 4.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lru::LruCache;
use serde::Serialize;

#[cfg(test)]
pub use breach::WindowStart;
pub use breach::{Breach, BreachKind};
pub use observation::Observation;
use observation::{OrderFacts, OrderKey};
pub use order_history::Delivery;
use order_history::OrderHistory;
pub use rules::Rules;

use protocol::Severity;

use crate::mask::Untrusted;
use crate::units::duration::in_milliseconds;

mod body_digest;
mod breach;
mod observation;
mod order_history;
mod rules;
#[cfg(test)]
mod tests;

/// The breaches that a report lists; more are counted.
pub const MOST_BREACHES: usize = 1000;

/// The callbacks whose end is waited for; of more, the oldest is taken for ended.
const MOST_PENDING: usize = 10_000;

#[derive(Clone, Debug)]
pub struct Referee {
    rules: Rules,
    orders: LruCache<OrderKey, OrderHistory>,
    pending: BTreeMap<u64, (OrderKey, Option<i64>)>,
    breaches: Vec<Breach>,
    callbacks: u64,
    without_order: u64,
    forgotten: u64,
    errors: u64,
    warnings: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrderSummary {
    pub acknowledged_at: Option<Timestamp>,
    pub deliveries: u64,
    pub errors: u64,
    pub first_at: Timestamp,
    /// The first deliveries, at most 32.
    pub listed: Vec<Delivery>,
    /// The notifications among them: one for each status, at most 8.
    pub notifications: usize,
    pub order_id: Untrusted<String>,
    #[serde(rename = "span_ms", serialize_with = "in_milliseconds")]
    pub span: Duration,
    pub status: Option<i64>,
    pub warnings: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefereeReport {
    pub callbacks: u64,
    /// Those that name no order, so that only their form was judged.
    pub without_order: u64,
    pub orders_forgotten: u64,
    pub orders: Vec<OrderSummary>,
    /// The first breaches, at most [`MOST_BREACHES`], in the order found.
    pub breaches: Vec<Breach>,
    pub errors: u64,
    pub warnings: u64,
}

impl RefereeReport {
    pub fn is_kept(&self) -> bool {
        self.errors == 0
    }

    pub fn breaches_unlisted(&self) -> u64 {
        (self.errors + self.warnings).saturating_sub(self.breaches.len() as u64)
    }
}

impl Referee {
    pub fn new(rules: Rules) -> Self {
        Referee {
            rules,
            // Bounded by the rules: a cache with a capacity reserves all of it at once.
            orders: LruCache::unbounded(),
            pending: BTreeMap::new(),
            breaches: Vec::new(),
            callbacks: 0,
            without_order: 0,
            forgotten: 0,
            errors: 0,
            warnings: 0,
        }
    }

    pub fn observe(&mut self, observation: &Observation) -> Vec<Breach> {
        let Observation { number, received_at: at, fault, order } = observation;
        self.callbacks += 1;
        let mut kinds: Vec<BreachKind> = fault.iter().cloned().collect();
        let mut delivery = None;
        if let Some(facts) = order {
            let found;
            (delivery, found) = self.take(*number, *at, facts, kinds.len() as u64);
            kinds.extend(found);
        } else {
            self.without_order += 1;
        }
        let order_id = || order.as_ref().map(|facts| facts.label.to_string());
        let breach =
            |kind| Breach { number: *number, at: *at, order_id: order_id(), delivery, kind };
        let breaches: Vec<Breach> = kinds.into_iter().map(breach).collect();
        self.keep(&breaches);
        breaches
    }

    fn take(
        &mut self,
        number: u64,
        at: Timestamp,
        facts: &OrderFacts,
        form_faults: u64,
    ) -> (Option<u64>, Vec<BreachKind>) {
        while self.orders.len() >= self.rules.capacity.max(1) && !self.orders.contains(&facts.key) {
            self.orders.pop_lru();
            self.forgotten += 1;
        }
        let order = self.orders.get_or_insert_mut(facts.key, || OrderHistory::new(facts, at));
        let (delivery, found) = order.take(number, at, facts, &self.rules);
        order.errors += form_faults;
        if self.pending.len() >= MOST_PENDING {
            self.pending.pop_first();
        }
        self.pending.insert(number, (facts.key, facts.status));
        (Some(delivery), found)
    }

    fn keep(&mut self, breaches: &[Breach]) {
        for breach in breaches {
            match breach.kind.severity() {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
            if self.breaches.len() < MOST_BREACHES {
                self.breaches.push(breach.clone());
            }
        }
    }

    /// Records that a callback was acknowledged and the reply was written whole `at` this time. A
    /// delivery received up to then was in flight and is no breach. Returns what is a breach only
    /// now: later deliveries that were observed before.
    pub fn acknowledged(&mut self, number: u64, at: Timestamp) -> Vec<Breach> {
        let Some((key, status)) = self.pending.remove(&number) else { return Vec::new() };
        let Some(order) = self.orders.peek_mut(&key) else { return Vec::new() };
        let late = order.acknowledge(number, status, at);
        let breaches = order.breaches(late);
        self.keep(&breaches);
        breaches
    }

    /// Judges what did not come: the deliveries that were due by the time at which listening ends.
    pub fn close(&mut self, now: Timestamp) {
        let mut missing = Vec::new();
        for (_, order) in &mut self.orders {
            let found = order.judge_silence(now, &self.rules);
            missing.extend(order.breaches(found));
        }
        missing.sort_by_key(|breach| (breach.at, breach.number));
        self.keep(&missing);
    }

    /// Records that a callback ended without an acknowledgement that arrived: refused, answered
    /// with a fault, or given up by the sender.
    pub fn ended(&mut self, number: u64, at: Timestamp) {
        self.end(number, at, false);
    }

    /// Records that a callback was acknowledged later than a sender waits.
    pub fn acknowledged_late(&mut self, number: u64, at: Timestamp) {
        self.end(number, at, true);
    }

    fn end(&mut self, number: u64, at: Timestamp, is_late: bool) {
        if let Some((key, status)) = self.pending.remove(&number)
            && let Some(order) = self.orders.peek_mut(&key)
        {
            order.end(number, status, at, is_late);
        }
    }

    pub fn verdict(&self) -> RefereeReport {
        let mut orders: Vec<&OrderHistory> = self.orders.iter().map(|(_, order)| order).collect();
        orders.sort_by_key(|order| {
            (order.first_at, order.deliveries.first().map(|delivery| delivery.number))
        });
        RefereeReport {
            callbacks: self.callbacks,
            without_order: self.without_order,
            orders_forgotten: self.forgotten,
            orders: orders.into_iter().map(summary).collect(),
            breaches: self.breaches.clone(),
            errors: self.errors,
            warnings: self.warnings,
        }
    }
}

fn summary(order: &OrderHistory) -> OrderSummary {
    OrderSummary {
        order_id: order.label.to_string().into(),
        status: order.status(),
        deliveries: order.total,
        notifications: order.series.len(),
        first_at: order.first_at,
        span: Duration::try_from(order.last_at.duration_since(order.first_at)).unwrap_or_default(),
        acknowledged_at: order.series.iter().filter_map(|series| series.acknowledged_at).max(),
        listed: order.deliveries.clone(),
        errors: order.errors,
        warnings: order.warnings,
    }
}
