//! Which delivery of an order this is: a bounded memory of the orders seen.

use std::time::Duration;

use jiff::Timestamp;

use super::lru_map::LruMap;

/// How many orders are remembered by default, some 11 MB.
pub const DEFAULT_CAPACITY: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Counts the deliveries of this order, from 1.
    pub delivery: u64,
    pub since_last: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    deliveries: u64,
    last: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Orders {
    known: LruMap<Known>,
    /// One that came again after it was forgotten is met twice.
    met: u64,
}

impl Default for Orders {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl Orders {
    pub fn with_capacity(capacity: usize) -> Self {
        Orders { known: LruMap::with_capacity(capacity), met: 0 }
    }

    /// Counts every order's deliveries from 1 again.
    pub fn forget_all(&mut self) {
        self.known.clear();
    }

    pub fn met(&self) -> u64 {
        self.met
    }

    pub fn forgotten(&self) -> u64 {
        self.met.saturating_sub(self.known.len() as u64)
    }

    pub fn seen(&mut self, order_id: &str, at: Timestamp) -> Seen {
        let known = self.known.value(order_id.as_bytes(), || Known { deliveries: 0, last: at });
        self.met += u64::from(known.deliveries == 0);
        let before = (known.deliveries > 0).then_some(known.last);
        known.deliveries = known.deliveries.saturating_add(1);
        known.last = at;
        // A negative span has no unsigned form: the clock was set back.
        let since_last =
            before.map(|last| Duration::try_from(at.duration_since(last)).unwrap_or_default());
        Seen { delivery: known.deliveries, since_last }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn deliveries_of_one_order_are_counted_with_their_spacing() {
        let mut orders = Orders::default();
        assert_eq!(orders.met(), 0);
        assert_eq!(orders.seen("a", at(100)), Seen { delivery: 1, since_last: None });
        assert_eq!(orders.seen("b", at(101)), Seen { delivery: 1, since_last: None });
        let again = Seen { delivery: 2, since_last: Some(Duration::from_secs(15)) };
        assert_eq!(orders.seen("a", at(115)), again);
    }

    #[test]
    fn a_clock_that_goes_back_gives_zero() {
        let mut orders = Orders::default();
        orders.seen("a", at(100));
        assert_eq!(orders.seen("a", at(90)).since_last, Some(Duration::ZERO));
        let ends = [Timestamp::MAX, Timestamp::MIN, Timestamp::MAX];
        for (index, end) in ends.into_iter().enumerate() {
            assert_eq!(orders.seen("a", end).delivery, 3 + index as u64);
        }
    }

    #[test]
    fn the_order_not_seen_for_longest_is_forgotten() {
        let mut orders = Orders::with_capacity(2);
        orders.seen("a", at(1));
        orders.seen("b", at(2));
        orders.seen("a", at(3));
        orders.seen("c", at(4));
        assert_eq!((orders.met(), orders.forgotten()), (3, 1));
        assert_eq!(orders.seen("a", at(5)).delivery, 3);
        assert_eq!(orders.seen("b", at(6)).delivery, 1);
    }

    #[test]
    fn memory_stays_bounded_for_any_ids() {
        let mut orders = Orders::with_capacity(0);
        for number in 0..1000 {
            orders.seen(&"x".repeat(number), at(1));
        }
        assert_eq!((orders.met(), orders.forgotten()), (1000, 999));
    }
}
