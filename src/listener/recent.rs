//! A bounded memory of values by name, which forgets the name not used for longest.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

/// A name as its digest, so that a long name costs no more than a short one.
pub(super) type NameKey = [u8; 32];

/// The digest that stands for a name.
pub(super) fn name_key(name: &[u8]) -> NameKey {
    Sha256::digest(name).into()
}

/// Values by name; when it is full, the name not used for longest is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Recent<V> {
    capacity: usize,
    turn: u64,
    known: HashMap<NameKey, Used<V>>,
    by_turn: BTreeMap<u64, NameKey>,
}

#[derive(Clone, Debug)]
struct Used<V> {
    value: V,
    turn: u64,
}

impl<V> Recent<V> {
    /// A memory of at most `capacity` names, at least one.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Recent {
            capacity: capacity.max(1),
            turn: 0,
            known: HashMap::new(),
            by_turn: BTreeMap::new(),
        }
    }

    /// How many names are remembered now.
    pub(super) fn len(&self) -> usize {
        debug_assert_eq!(self.known.len(), self.by_turn.len());
        self.known.len()
    }

    /// Uses a name: its value, made anew where the name is not known.
    pub(super) fn value(&mut self, key: NameKey, anew: impl FnOnce() -> V) -> &mut V {
        self.turn += 1;
        let turn = self.turn;
        if let Some(used) = self.known.get(&key) {
            self.by_turn.remove(&used.turn);
        } else if self.known.len() >= self.capacity {
            self.forget_oldest();
        }
        self.by_turn.insert(turn, key);
        let used = self.known.entry(key).or_insert_with(|| Used { value: anew(), turn });
        used.turn = turn;
        &mut used.value
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.by_turn.pop_first() {
            self.known.remove(&key);
        }
    }
}
