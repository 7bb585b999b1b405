//! The orders of a run in which each has several notifications: they are counted apart from these.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::counts::OrderCounts;
use crate::sender::orders::life::{LifePlan, Place};
use crate::sender::record::{OrderEnd, OrderResult};

#[derive(Clone, Debug)]
pub struct LifeCounts {
    plan: Arc<LifePlan>,
    /// The orders of which all notifications ended, or were not sent. An order is acknowledged if
    /// all of its notifications are.
    pub orders: OrderCounts,
    open: BTreeMap<u64, OpenOrder>,
}

#[derive(Clone, Copy, Debug, Default)]
struct OpenOrder {
    notifications: u64,
    not_sent: u64,
    interrupted: u64,
    exhausted: u64,
    is_lapsed: bool,
    is_retried: bool,
}

impl LifeCounts {
    pub(super) fn new(plan: Arc<LifePlan>) -> Self {
        LifeCounts { plan, orders: OrderCounts::default(), open: BTreeMap::new() }
    }

    pub fn place(&self, number: u64) -> Place {
        self.plan.place(number)
    }

    pub(super) fn begins_order(&self, number: u64) -> bool {
        self.plan.begins_order(number)
    }

    pub(super) fn fold(&mut self, end: &OrderEnd) {
        let number = self.place(end.order).order;
        let order = self.open.entry(number).or_default();
        order.notifications += 1;
        match end.result {
            OrderResult::Interrupted(_) if end.attempts == 0 => order.not_sent += 1,
            OrderResult::Interrupted(_) => order.interrupted += 1,
            OrderResult::Exhausted(_) => order.exhausted += 1,
            OrderResult::Acknowledged => {}
        }
        order.is_lapsed |= end.result.is_lapsed();
        order.is_retried |= end.attempts > 1;
        if order.notifications < self.plan.notifications(number) {
            return;
        }
        let order = self.open.remove(&number).unwrap_or_default();
        *order.count(&mut self.orders) += 1;
        self.orders.lapsed += u64::from(order.is_lapsed);
        self.orders.retried += u64::from(order.is_retried);
    }
}

impl OpenOrder {
    /// An order of which a notification is left to be sent is interrupted, even where another one
    /// is exhausted: a run that is resumed continues with it.
    fn count(self, counts: &mut OrderCounts) -> &mut u64 {
        if self.not_sent == self.notifications {
            &mut counts.not_sent
        } else if self.interrupted + self.not_sent > 0 {
            &mut counts.interrupted
        } else if self.exhausted > 0 {
            &mut counts.exhausted
        } else {
            &mut counts.acknowledged
        }
    }
}
