//! Lines whose digests are computed together.

use protocol::internal::canonical::CanonicalString;
use protocol::internal::signature::{Signature, SignatureBatch};
use protocol::{Key, Scheme};

/// The lines of a chunk that wait for their digests, each with what its output needs besides.
pub struct DigestQueue<T> {
    batch: SignatureBatch,
    /// That of the batch.
    scheme: Option<Scheme>,
    signatures: Vec<Signature>,
    lines: Vec<T>,
}

impl<T> Default for DigestQueue<T> {
    fn default() -> Self {
        DigestQueue {
            batch: SignatureBatch::default(),
            scheme: None,
            signatures: Vec::new(),
            lines: Vec::new(),
        }
    }
}

impl<T> DigestQueue<T> {
    /// Has the string signed later.
    pub fn push(&mut self, canonical: &CanonicalString, scheme: &Scheme, key: &Key, line: T) {
        let is_same = |known: &Scheme| known.algorithm == scheme.algorithm;
        if self.batch.is_full() || !self.scheme.as_ref().is_some_and(is_same) {
            self.sign(key);
            self.scheme = Some(scheme.clone());
        }
        self.batch.push(canonical, scheme, key);
        self.lines.push(line);
    }

    fn sign(&mut self, key: &Key) {
        if let Some(scheme) = &self.scheme {
            self.signatures.extend(self.batch.sign(scheme, key));
        }
    }

    /// Each line with its signature, in the order in which they came; none waits any more.
    pub fn signed(&mut self, key: &Key) -> impl Iterator<Item = (T, Signature)> {
        self.sign(key);
        self.lines.drain(..).zip(self.signatures.drain(..))
    }
}
