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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sender::decide::Exhaustion;
    use crate::sender::orders::life::{LifeWords, Lives};
    use crate::sender::orders::plan::{OrderPlan, OrderSettings, OrderSource};
    use crate::sender::record::Interruption;
    use protocol::StatusTable;

    const ACKNOWLEDGED: OrderResult = OrderResult::Acknowledged;
    const EXHAUSTED: OrderResult = OrderResult::Exhausted(Exhaustion::NoRetriesLeft);
    const INTERRUPTED: OrderResult = OrderResult::Interrupted(Interruption::Waiting);

    fn counts(life: &str, duplicates: &str) -> LifeCounts {
        let words = [LifeWords::parse(life).unwrap()];
        let lives = Lives::try_new(&words, &StatusTable::PLATFORM).unwrap();
        let duplicates = duplicates.parse().unwrap();
        let settings = OrderSettings { duplicates, ..OrderSettings::default() };
        let plan = OrderPlan { source: OrderSource::Lives { count: 9, lives }, settings };
        LifeCounts::new(Arc::new(plan.lives().unwrap()))
    }

    fn end(order: u64, result: OrderResult, attempts: u32) -> OrderEnd {
        OrderEnd { order, order_id: "POT1".into(), result, attempts, finished: Duration::ZERO }
    }

    #[test]
    fn an_order_ends_with_the_last_of_its_notifications() {
        for (results, expected) in [
            ([(ACKNOWLEDGED, 1), (ACKNOWLEDGED, 2), (ACKNOWLEDGED, 1)], "acknowledged"),
            ([(EXHAUSTED, 3), (ACKNOWLEDGED, 2), (ACKNOWLEDGED, 1)], "exhausted"),
            ([(EXHAUSTED, 3), (ACKNOWLEDGED, 2), (INTERRUPTED, 1)], "interrupted"),
            ([(ACKNOWLEDGED, 1), (ACKNOWLEDGED, 2), (INTERRUPTED, 0)], "interrupted"),
            ([(INTERRUPTED, 0), (INTERRUPTED, 0), (INTERRUPTED, 0)], "not sent"),
        ] {
            let mut lives = counts("processing, success, failed", "0%");
            // The second order's come in between, in whatever order.
            for (number, (result, attempts)) in [3, 1, 2].into_iter().zip(results) {
                assert_eq!(lives.orders, OrderCounts::default(), "{expected}");
                lives.fold(&end(number + 3, ACKNOWLEDGED, 1));
                lives.orders = OrderCounts::default();
                lives.fold(&end(number, result, attempts));
            }
            let OrderCounts { acknowledged, exhausted, interrupted, not_sent, .. } = lives.orders;
            let found = [
                (acknowledged, "acknowledged"),
                (exhausted, "exhausted"),
                (interrupted, "interrupted"),
                (not_sent, "not sent"),
            ];
            let found: Vec<_> = found.into_iter().filter(|(count, _)| *count == 1).collect();
            assert_eq!(found, [(1, expected)]);
            assert!(lives.open.is_empty());
        }
    }

    #[test]
    fn a_duplicate_belongs_to_its_order() {
        let mut lives = counts("processing, success", "100%");
        for number in 1..=4 {
            assert_eq!(lives.orders.acknowledged, 0, "before {number}");
            lives.fold(&end(number, ACKNOWLEDGED, number as u32));
        }
        assert_eq!((lives.orders.acknowledged, lives.orders.retried), (1, 1));
        assert_eq!((lives.place(4).order, lives.place(4).step), (1, 2));
        assert!(lives.begins_order(1) && !lives.begins_order(2) && lives.begins_order(5));
    }
}
