//! A bounded memory of values by name, which forgets the name not used for longest.

use std::hash::{BuildHasher, RandomState};

use lru::LruCache;

#[derive(Clone, Debug)]
pub(super) struct LruMap<V> {
    capacity: usize,
    keyed: RandomState,
    /// By 128 bits of a hash with a key of this process alone, so that a long name costs no more than
    /// a short one. A sender knows neither the key nor the hashes, so it cannot look for two names
    /// that share one; by chance two of 100,000 names do in one of 10^28 runs.
    values: LruCache<[u64; 2], V>,
}

impl<V> LruMap<V> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        // Bounded below: a cache with a capacity reserves all of it at once.
        let values = LruCache::unbounded();
        LruMap { capacity: capacity.max(1), keyed: RandomState::new(), values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    pub(super) fn value(&mut self, name: &[u8], make: impl FnOnce() -> V) -> &mut V {
        let key = [0_u8, 1].map(|half| self.keyed.hash_one((half, name)));
        if self.values.len() >= self.capacity && !self.values.contains(&key) {
            self.values.pop_lru();
        }
        self.values.get_or_insert_mut(key, make)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_not_used_for_longest_goes() {
        let mut recent = LruMap::with_capacity(3);
        let use_all = |recent: &mut LruMap<usize>, names: &[&str]| {
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
        let (mut recent, mut plain) = (LruMap::with_capacity(20), Vec::<(u8, u32)>::new());
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
