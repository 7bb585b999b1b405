//! The orders that wait for their next attempt: one heap, small entries.
//!
//! A waiting order is one entry here and one allocation for its texts. With a body of 250 bytes
//! that is some 350 bytes; `benches/pending.sh` prints the figure. A heap serves any clock, which a
//! timer wheel bound to the runtime's clock does not.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::sender::record::{InFlight, Order};

#[derive(Debug, Default)]
pub(super) struct RetryQueue {
    heap: BinaryHeap<PendingRetry>,
}

impl RetryQueue {
    pub(super) fn push(&mut self, in_flight: &InFlight) {
        if self.heap.len() == self.heap.capacity() {
            // Doubling would leave half of the room of a large heap unused.
            self.heap.reserve_exact((self.heap.len() / 8).max(64));
        }
        self.heap.push(PendingRetry::pack(in_flight));
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.heap.peek().map(|pending| Duration::from_nanos(pending.due_ns))
    }

    pub(super) fn pop(&mut self) -> Option<InFlight> {
        self.heap.pop().map(PendingRetry::unpack)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u64, Arc<str>, u32)> + '_ {
        self.heap.drain().map(|pending| {
            let (_, id) = pending.texts();
            (pending.number, id, pending.attempt)
        })
    }
}

#[derive(Debug)]
struct PendingRetry {
    due_ns: u64,
    offset_ns: u64,
    number: u64,
    /// Nanoseconds from 1970. Here and in the next field a limit is far beyond what is ever made;
    /// what a journal that was changed by hand has beyond it is not sent again.
    completed_at_ns: i64,
    /// How many numbers before its own that of the order is which it repeats.
    repeats_before: Option<NonZeroU32>,
    attempt: u32,
    id_len: u32,
    is_owed: bool,
    texts: Box<[u8]>,
}

impl PendingRetry {
    fn pack(in_flight: &InFlight) -> Self {
        let Order { number, id, body, completed_at, duplicate_of } = &in_flight.order;
        let mut texts = Vec::with_capacity(body.len() + id.len());
        texts.extend_from_slice(body);
        texts.extend_from_slice(id.as_bytes());
        PendingRetry {
            due_ns: nanos(in_flight.intended),
            offset_ns: nanos(in_flight.offset),
            number: *number,
            completed_at_ns: i64::try_from(completed_at.as_nanosecond()).unwrap_or_default(),
            repeats_before: duplicate_of.and_then(|first| {
                u32::try_from(number.checked_sub(first)?).ok().and_then(NonZeroU32::new)
            }),
            attempt: in_flight.attempt,
            id_len: u32::try_from(id.len()).unwrap_or(u32::MAX),
            is_owed: in_flight.is_owed,
            texts: texts.into_boxed_slice(),
        }
    }

    fn unpack(self) -> InFlight {
        let (body, id) = self.texts();
        let order = Order {
            number: self.number,
            id,
            body,
            completed_at: Timestamp::from_nanosecond(self.completed_at_ns.into())
                .unwrap_or_default(),
            duplicate_of: self.repeats_before.map(|before| self.number - u64::from(before.get())),
        };
        InFlight {
            order,
            attempt: self.attempt,
            intended: Duration::from_nanos(self.due_ns),
            offset: Duration::from_nanos(self.offset_ns),
            is_owed: self.is_owed,
        }
    }

    fn texts(&self) -> (Arc<[u8]>, Arc<str>) {
        let id_len = usize::try_from(self.id_len).unwrap_or(usize::MAX);
        let (body, id) = self.texts.split_at(self.texts.len().saturating_sub(id_len));
        (Arc::from(body), Arc::from(String::from_utf8_lossy(id).as_ref()))
    }
}

impl Ord for PendingRetry {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due_ns, other.number).cmp(&(self.due_ns, self.number))
    }
}

impl PartialOrd for PendingRetry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PendingRetry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PendingRetry {}

/// Nanoseconds, at most some 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_flight(number: u64, due_ms: u64) -> InFlight {
        InFlight {
            order: Order {
                number,
                id: format!("POT-é-{number}").into(),
                body: vec![0xff; 3].into(),
                completed_at: Timestamp::from_nanosecond(1_700_000_000_123_456_789).unwrap(),
                duplicate_of: (number > 1).then_some(1),
            },
            attempt: 4,
            intended: Duration::from_millis(due_ms),
            offset: Duration::from_secs(45),
            is_owed: number == 3,
        }
    }

    #[test]
    fn what_waits_comes_back_whole_and_in_the_order_of_its_times() {
        let mut queue = RetryQueue::default();
        for (number, due) in [(3, 20), (1, 20), (2, 30), (4, 10)] {
            queue.push(&in_flight(number, due));
        }
        assert_eq!((queue.len(), queue.next_due()), (4, Some(Duration::from_millis(10))));
        for expected in [in_flight(4, 10), in_flight(1, 20), in_flight(3, 20)] {
            assert_eq!(queue.pop(), Some(expected));
        }
        let left: Vec<_> = queue.drain().collect();
        assert_eq!(left, [(2, Arc::from("POT-é-2"), 4)]);
        assert_eq!((queue.len(), queue.pop()), (0, None));
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<PendingRetry>() <= 64, "{}", size_of::<PendingRetry>());
    }
}
