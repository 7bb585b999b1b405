//! Strings whose digests are computed together, so that a closer look is taken only at those that fit.

use std::mem;

use super::candidate::Breadth;
use crate::batch::digests;
use crate::scheme::Algorithm;

/// How many messages wait: enough for every lane, many times over.
const MOST_MESSAGES: usize = 256;

/// How many bytes of messages wait: enough for every lane with the longest string that is searched.
const MOST_BYTES: usize = 512 * 1024;

/// How many strings wait.
const MOST_STRINGS: usize = 1024;

pub(super) struct Queue<T> {
    strings: Vec<Queued<T>>,
    batches: Vec<Batch>,
    messages: usize,
    bytes: usize,
}

/// A string, by what makes it.
pub(super) struct Queued<T> {
    pub(super) what: T,
    pub(super) breadth: Breadth,
    /// How many digests were compared, where none fits.
    pub(super) digests: usize,
    /// Whether one of its digests may fit.
    pub(super) may_fit: bool,
}

/// Messages of one digest.
struct Batch {
    algorithm: Algorithm,
    messages: Vec<u8>,
    /// Where each message ends, and the place of its string.
    ends: Vec<(usize, usize)>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { strings: Vec::new(), batches: Vec::new(), messages: 0, bytes: 0 }
    }
}

impl<T> Queue<T> {
    pub(super) fn is_full(&self) -> bool {
        self.strings.len() >= MOST_STRINGS
    }

    /// Whether it is time for [`compute`](Self::compute).
    pub(super) fn has_many_digests(&self) -> bool {
        self.messages >= MOST_MESSAGES || self.bytes >= MOST_BYTES
    }

    /// Adds a string without a digest.
    pub(super) fn push(&mut self, what: T, breadth: Breadth, may_fit: bool) {
        self.strings.push(Queued { what, breadth, digests: 0, may_fit });
    }

    /// The string that was added last.
    pub(super) fn last(&mut self) -> Option<&mut Queued<T>> {
        self.strings.last_mut()
    }

    /// Adds a digest of the last string; `write` writes what is digested, and returns whether it can.
    pub(super) fn digest(
        &mut self,
        algorithm: Algorithm,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
    ) {
        let known = self.batches.iter().position(|batch| batch.algorithm == algorithm);
        let place = known.unwrap_or_else(|| {
            self.batches.push(Batch { algorithm, messages: Vec::new(), ends: Vec::new() });
            self.batches.len() - 1
        });
        let Batch { messages, ends, .. } = &mut self.batches[place];
        let start = messages.len();
        if write(messages) {
            self.messages += 1;
            self.bytes += messages.len() - start;
            ends.push((messages.len(), self.strings.len().saturating_sub(1)));
        }
    }

    /// Computes all digests that wait; the key is that of the HMACs.
    pub(super) fn compute(&mut self, key: &[u8], mut compare: impl FnMut(&[u8], &mut Queued<T>)) {
        for Batch { algorithm, messages, ends } in &mut self.batches {
            let mut start = 0;
            let message =
                |(end, _): &(usize, usize)| &messages[mem::replace(&mut start, *end)..*end];
            let texts: Vec<&[u8]> = ends.iter().map(message).collect();
            let length = algorithm.digits() / 2;
            for (digest, (_, place)) in digests(*algorithm, key, &texts).iter().zip(&*ends) {
                compare(&digest[..length], &mut self.strings[*place]);
            }
            messages.clear();
            ends.clear();
        }
        (self.messages, self.bytes) = (0, 0);
    }

    /// The strings in their order.
    pub(super) fn take(&mut self) -> Vec<Queued<T>> {
        mem::take(&mut self.strings)
    }
}
