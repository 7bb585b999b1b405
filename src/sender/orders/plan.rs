//! What a journal keeps of a run's orders, so that a resume makes the rest of them.

use std::path::PathBuf;

use protocol::StatusTable;
use serde::{Deserialize, Serialize};

use super::file::FileFormat;
use super::life::{LifePlan, Lives};
use super::mix::Mix;
use super::template::Change;
use crate::units::percent::Percent;

/// Where the orders come from, and what is changed in them. The key is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlan {
    pub source: OrderSource,
    #[serde(flatten)]
    pub settings: OrderSettings,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderSource {
    /// So many examples with fresh ids.
    Generated(u64),
    /// So many examples with fresh ids, each with all notifications of its life.
    Lives {
        count: u64,
        lives: Lives,
    },
    File(OrderFile),
    /// A resume cannot read its rows again: those that no order was made of are not the run's.
    Pipe,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFile {
    /// Absolute.
    pub path: PathBuf,
    pub format: FileFormat,
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
    /// The rows that are orders.
    pub rows: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrderSettings {
    pub seed: u64,
    /// The statuses; `None` leaves what a row has.
    pub mix: Option<Mix>,
    /// The number of the status "failed": a generated order with it has an error message.
    pub failed: i64,
    /// The numbers of the statuses, which a dialect may write in its own way.
    pub statuses: StatusTable,
    /// How many of the orders are notified twice; they are spread evenly.
    pub duplicates: Percent,
    pub changes: Vec<Change>,
}

impl OrderPlan {
    /// How many notifications there are, duplicates included, or orders where each has a life;
    /// `None` of a pipe.
    pub fn orders(&self) -> Option<u64> {
        let originals = match &self.source {
            OrderSource::Generated(count) => *count,
            OrderSource::Lives { count, .. } => return Some(*count),
            OrderSource::File(file) => file.rows,
            OrderSource::Pipe => return None,
        };
        Some(self.settings.with_duplicates(originals))
    }

    /// Which notifications the orders have; `None` where each has a single one.
    pub fn lives(&self) -> Option<LifePlan> {
        let OrderSource::Lives { lives, .. } = &self.source else { return None };
        let OrderSettings { seed, duplicates, .. } = self.settings;
        Some(LifePlan::new(lives.clone(), RandomKeys::new(seed).statuses, duplicates))
    }
}

/// The keys of the random streams. Values and statuses have one each: another template leaves the
/// statuses as they were.
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomKeys {
    pub(super) values: u64,
    pub(super) statuses: u64,
}

impl RandomKeys {
    pub(super) fn new(seed: u64) -> Self {
        let mut keys = fastrand::Rng::with_seed(seed);
        RandomKeys { values: keys.u64(..), statuses: keys.u64(..) }
    }
}

impl OrderSettings {
    /// Whether the order with this index, from 0, is notified twice.
    pub(super) fn is_repeated(&self, index: u64) -> bool {
        self.duplicates.of(index.saturating_add(1)) > self.duplicates.of(index)
    }

    pub(super) fn with_duplicates(&self, originals: u64) -> u64 {
        originals.saturating_add(self.duplicates.of(originals))
    }

    /// How many of the first so many orders are not duplicates.
    pub(super) fn originals_among(&self, orders: u64) -> u64 {
        let (mut low, mut high) = (0, orders);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.with_duplicates(middle) < orders { low = middle + 1 } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeating(share: &str) -> OrderSettings {
        OrderSettings { duplicates: share.parse().unwrap(), ..OrderSettings::default() }
    }

    #[test]
    fn duplicates_are_spread_evenly_and_exact() {
        let five = repeating("5%");
        let repeated: Vec<u64> = (0..100).filter(|index| five.is_repeated(*index)).collect();
        assert_eq!(repeated, [19, 39, 59, 79, 99]);
        assert_eq!(five.with_duplicates(100_000), 105_000);
        assert!((0..9).all(|index| repeating("100%").is_repeated(index)));
        assert!(!(0..9).any(|index| repeating("0%").is_repeated(index)));
    }

    #[test]
    fn originals_are_counted_among_orders() {
        for share in ["0%", "5%", "33.3333%", "50%", "99%", "100%"] {
            let settings = repeating(share);
            let (mut orders, mut originals) = (0, 0);
            while orders < 300 {
                for is_original in [true, settings.is_repeated(originals)] {
                    orders += u64::from(is_original);
                    if is_original {
                        let at_first = orders == settings.with_duplicates(originals) + 1;
                        let expected = originals + 1;
                        assert_eq!(
                            settings.originals_among(orders),
                            expected,
                            "{share}, {at_first}"
                        );
                    }
                }
                originals += 1;
            }
            assert!(settings.originals_among(u64::MAX) > u64::MAX / 2 - 1);
        }
    }
}
