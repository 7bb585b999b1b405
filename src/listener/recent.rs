//! A bounded memory of values by name, which forgets the name not used for longest.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// Stands for a name, so that a long name costs no more than a short one.
///
/// These are 128 bits of a hash with a key of this process alone. A sender knows neither the key nor
/// the hashes, so it cannot look for two names that share one; by chance two of 100,000 names do in
/// one of 10^28 runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NameKey([u64; 2]);

impl NameKey {
    fn of(name: &[u8], keyed: &RandomState) -> Self {
        NameKey([keyed.hash_one((0_u8, name)), keyed.hash_one((1_u8, name))])
    }
}

impl Hash for NameKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[derive(Clone, Debug)]
pub(super) struct Recent<V> {
    capacity: usize,
    keyed: RandomState,
    places: HashMap<NameKey, usize, BuildHasherDefault<AsIs>>,
    known: Vec<(NameKey, V)>,
    ring: Ring,
}

impl<V> Recent<V> {
    /// A memory of at most `capacity` names, at least one.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Recent {
            capacity: capacity.max(1),
            keyed: RandomState::new(),
            places: HashMap::default(),
            known: Vec::new(),
            ring: Ring::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn value(&mut self, name: &[u8], anew: impl FnOnce() -> V) -> &mut V {
        let key = NameKey::of(name, &self.keyed);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.remember(key, anew()),
        };
        self.ring.use_now(place);
        &mut self.known[place].1
    }

    fn remember(&mut self, key: NameKey, value: V) -> usize {
        let place = if self.known.len() < self.capacity {
            self.known.push((key, value));
            self.ring.add()
        } else {
            let place = self.ring.oldest();
            let (forgotten, _) = std::mem::replace(&mut self.known[place], (key, value));
            self.places.remove(&forgotten);
            place
        };
        self.places.insert(key, place);
        place
    }
}

#[derive(Clone, Debug)]
struct Ring {
    /// The place `n` is the link `n + 1`; the first link stands between the newest and the oldest.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    older: usize,
    newer: usize,
}

impl Default for Ring {
    fn default() -> Self {
        Ring { links: vec![Link { older: 0, newer: 0 }] }
    }
}

impl Ring {
    fn add(&mut self) -> usize {
        let at = self.links.len();
        self.links.push(Link { older: at, newer: at });
        at - 1
    }

    fn oldest(&self) -> usize {
        self.links[0].newer.saturating_sub(1)
    }

    fn use_now(&mut self, place: usize) {
        let at = place + 1;
        let Link { older, newer } = self.links[at];
        self.links[older].newer = newer;
        self.links[newer].older = older;
        let newest = std::mem::replace(&mut self.links[0].older, at);
        self.links[newest].newer = at;
        self.links[at] = Link { older: newest, newer: 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_not_used_for_longest_goes() {
        let mut recent = Recent::with_capacity(3);
        let use_all = |recent: &mut Recent<usize>, names: &[&str]| {
            for (at, name) in names.iter().enumerate() {
                recent.value(name.as_bytes(), || at);
            }
        };
        use_all(&mut recent, &["a", "b", "c", "a", "a", "c", "d"]);
        assert_eq!(recent.len(), 3);
        assert_eq!(*recent.value(b"a", || 99), 0);
        assert_eq!(*recent.value(b"c", || 99), 2);
        assert_eq!(*recent.value(b"b", || 99), 99);
        assert_eq!(*recent.value(b"d", || 98), 98);
        assert_eq!(*recent.value(b"c", || 99), 2);
    }

    #[test]
    fn it_does_what_a_plain_list_does() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut recent, mut plain) = (Recent::with_capacity(20), Vec::<(u8, u32)>::new());
        for turn in 0..5000 {
            let name = random.u8(..32);
            let value = match plain.iter().position(|(known, _)| *known == name) {
                Some(at) => plain.remove(at).1,
                None => turn,
            };
            plain.push((name, value));
            if plain.len() > 20 {
                plain.remove(0);
            }
            assert_eq!(*recent.value(&[name], || turn), value);
            assert_eq!(recent.len(), plain.len());
        }
    }
}
