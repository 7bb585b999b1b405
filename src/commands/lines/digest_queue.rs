//! Lines whose digests are computed together.

use std::mem;

use protocol::internal::canonical::CanonicalString;
use protocol::internal::signature::{Signature, SignatureBatch};
use protocol::{Key, Scheme};

/// The lines of a chunk that wait for their digests, each with what its output needs besides.
pub struct DigestQueue<T> {
    batch: SignatureBatch,
    /// That of the batch.
    scheme: Option<Scheme>,
    signatures: Vec<Signature>,
    /// Where in the chunk's text the output of a line belongs.
    places: Vec<(usize, T)>,
    /// The text of an earlier chunk, for its memory.
    spare: String,
}

impl<T> Default for DigestQueue<T> {
    fn default() -> Self {
        DigestQueue {
            batch: SignatureBatch::default(),
            scheme: None,
            signatures: Vec::new(),
            places: Vec::new(),
            spare: String::new(),
        }
    }
}

impl<T> DigestQueue<T> {
    /// Has the string signed later; what that gives belongs at `place`.
    pub fn push(
        &mut self,
        canonical: &CanonicalString,
        scheme: &Scheme,
        key: &Key,
        (place, line): (usize, T),
    ) {
        let is_same = |known: &Scheme| known.algorithm == scheme.algorithm;
        if self.batch.is_full() || !self.scheme.as_ref().is_some_and(is_same) {
            self.sign(key);
            self.scheme = Some(scheme.clone());
        }
        self.batch.push(canonical, scheme, key);
        self.places.push((place, line));
    }

    fn sign(&mut self, key: &Key) {
        if let Some(scheme) = &self.scheme {
            self.signatures.extend(self.batch.sign(scheme, key));
        }
    }

    /// Has `write` put what belongs to each line at its place.
    pub fn end(
        &mut self,
        key: &Key,
        text: &mut String,
        mut write: impl FnMut(T, &Signature, &mut String),
    ) {
        self.sign(key);
        let bare = mem::replace(text, mem::take(&mut self.spare));
        text.clear();
        let mut start = 0;
        for ((place, line), signature) in self.places.drain(..).zip(self.signatures.drain(..)) {
            text.push_str(&bare[start..place]);
            write(line, &signature, text);
            start = place;
        }
        text.push_str(&bare[start..]);
        self.spare = bare;
    }
}
