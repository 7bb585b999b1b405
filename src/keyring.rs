//! The keys under which a signature may match: one, or several while a platform rotates its keys.

use std::fmt;

use protocol::internal::signature::{Verification, verify_any};
use protocol::{Algorithm, Diagnosis, Dialect, Key, Payload};
use serde::Serialize;

/// The most keys: each is tried for every signature that does not match.
pub const MOST_KEYS: usize = 8;

pub struct Keyring {
    first: KeyEntry,
    others: Vec<KeyEntry>,
}

struct KeyEntry {
    key: Key,
    fingerprint: String,
    file: String,
}

/// Which of several keys it is, without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyLabel {
    /// The key file's name.
    pub file: String,
    /// From 1, in the order in which the keys were given.
    pub position: usize,
    #[serde(skip)]
    pub of: usize,
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, key {} of {}", self.file, self.position, self.of)
    }
}

impl From<Key> for Keyring {
    fn from(key: Key) -> Self {
        Keyring { first: KeyEntry::new(key, String::new()), others: Vec::new() }
    }
}

impl KeyEntry {
    fn new(key: Key, file: String) -> Self {
        KeyEntry { fingerprint: key.fingerprint(), key, file }
    }
}

impl Keyring {
    /// Several keys, each with its file's name as it may be shown.
    pub fn named(first: (Key, String), others: impl IntoIterator<Item = (Key, String)>) -> Self {
        let entry = |(key, file)| KeyEntry::new(key, file);
        Keyring { first: entry(first), others: others.into_iter().map(entry).collect() }
    }

    fn entry(&self, index: usize) -> &KeyEntry {
        index.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.first)
    }

    /// The key that signs.
    pub fn first(&self) -> &Key {
        &self.first.key
    }

    pub fn key(&self, index: usize) -> &Key {
        &self.entry(index).key
    }

    pub fn fingerprint(&self, index: usize) -> &str {
        &self.entry(index).fingerprint
    }

    pub fn other_fingerprints(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|entry| &*entry.fingerprint)
    }

    /// `None` where there is only one.
    pub fn label(&self, index: usize) -> Option<KeyLabel> {
        let (file, of) = (&self.entry(index).file, 1 + self.others.len());
        (of > 1).then(|| KeyLabel { file: file.clone(), position: index + 1, of })
    }

    pub fn verify(
        &self,
        payload: &Payload<'_>,
        dialect: &Dialect,
        required: Option<Algorithm>,
    ) -> Verification {
        let others = self.others.iter().map(|entry| &entry.key);
        verify_any(payload, &self.first.key, others, dialect, required)
    }

    /// Searches with each key, from that of the verification on, until one explains the signature;
    /// with the index of that key.
    pub fn diagnose(
        &self,
        verification: &Verification,
        search: impl Fn(&Key) -> Diagnosis,
    ) -> (Option<usize>, Diagnosis) {
        let mut found = Diagnosis::default();
        let others = (0..=self.others.len()).filter(|index| *index != verification.key);
        for index in std::iter::once(verification.key).chain(others) {
            let next = search(self.key(index));
            found.strings += next.strings;
            found.digests += next.digests;
            if !next.hits.is_empty() {
                return (Some(index), Diagnosis { hits: next.hits, ..found });
            }
        }
        (None, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_of_several_keys_has_a_label() {
        let key = |text: &str| (Key::try_new(text).unwrap(), format!("{text}.key"));
        let keys = Keyring::named(key("new"), [key("old")]);
        assert_eq!(keys.label(1).unwrap().to_string(), "old.key, key 2 of 2");
        assert_eq!(keys.fingerprint(1), key("old").0.fingerprint());
        assert_eq!(Keyring::from(key("new").0).label(0), None);
    }

    #[test]
    fn the_search_ends_at_the_key_that_explains_the_signature() {
        let key = |text: &str| (Key::try_new(text).unwrap(), text.to_owned());
        let keys = Keyring::named(key("a"), [key("b"), key("c")]);
        let payload = Payload::parse(br#"{"a":1,"sign":"00"}"#).unwrap();
        let verification = keys.verify(&payload, Dialect::platform(), None);
        let hit = protocol::Hit { deviations: Vec::new(), difference: None };
        let search = |right: &'static [u8]| {
            let hit = hit.clone();
            move |key: &Key| {
                let hits = if key.expose() == right { vec![hit.clone()] } else { Vec::new() };
                Diagnosis { hits, strings: 1, digests: 2 }
            }
        };
        for (right, index, digests) in
            [(b"a", Some(0), 2), (b"b", Some(1), 4), (b"c", Some(2), 6), (b"d", None, 6)]
        {
            let (found, diagnosis) = keys.diagnose(&verification, search(right));
            assert_eq!((found, diagnosis.digests), (index, digests));
        }
    }
}
