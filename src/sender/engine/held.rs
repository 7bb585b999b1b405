//! The later notifications of orders that follow another one without a pause: each waits for the
//! end of that one's first attempt.

use std::collections::BTreeMap;

use crate::sender::record::InFlight;

#[derive(Debug, Default)]
pub(super) struct Held {
    /// By the number of the notification that they wait for.
    waiting: BTreeMap<u64, Vec<InFlight>>,
}

impl Held {
    pub(super) fn push(&mut self, waits_for: u64, next: InFlight) {
        self.waiting.entry(waits_for).or_default().push(next);
    }

    pub(super) fn release(&mut self, number: u64) -> Vec<InFlight> {
        self.waiting.remove(&number).unwrap_or_default()
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = InFlight> + use<> {
        std::mem::take(&mut self.waiting).into_values().flatten()
    }
}
