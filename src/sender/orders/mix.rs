//! Which statuses a run's orders have.

use protocol::StatusTable;
use serde::{Deserialize, Serialize};

use crate::mask::Untrusted;
use crate::units::status_word::StatusWord;

const MAX_WEIGHT: u64 = 1_000_000_000;

const MAX_STATUSES: usize = 100;

/// Statuses with their weights. Each order's status is drawn from the seeded generator: shares vary
/// by chance, as in real traffic, and the same seed gives the same statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(i64, u64)>")]
pub struct Mix(Vec<(i64, u64)>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixWords(Vec<(StatusWord, u64)>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    #[error("expected STATUS=WEIGHT, such as success=90,failed=10")]
    NoPair(String),
    #[error("{:?}: {reason}", Untrusted::new(.status))]
    Status { status: String, reason: String },
    #[error("{:?}: a weight is a whole number from 1 to {MAX_WEIGHT}", Untrusted::new(.0))]
    Weight(String),
    #[error("duplicate status {0}")]
    Twice(i64),
    #[error("expected from 1 to {MAX_STATUSES} statuses")]
    Count,
}

impl MixWords {
    /// Reads a list such as `success=90,failed=8,cancelled=2`; the weights may have any sum.
    pub fn parse(text: &str) -> Result<Self, MixError> {
        let mut shares = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (status, weight) =
                part.split_once('=').ok_or_else(|| MixError::NoPair(part.to_owned()))?;
            let status = StatusWord::parse(status.trim())
                .map_err(|reason| MixError::Status { status: status.trim().to_owned(), reason })?;
            let weight = weight.trim();
            let number = weight.parse().map_err(|_| MixError::Weight(weight.to_owned()))?;
            shares.push((status, number));
        }
        Ok(MixWords(shares))
    }

    pub fn numbered(&self, statuses: &StatusTable) -> Result<Mix, MixError> {
        let shares = self.0.iter().map(|(status, weight)| (status.number(statuses), *weight));
        Mix::try_from(shares.collect::<Vec<_>>())
    }
}

impl TryFrom<Vec<(i64, u64)>> for Mix {
    type Error = MixError;

    fn try_from(shares: Vec<(i64, u64)>) -> Result<Self, MixError> {
        if shares.is_empty() || shares.len() > MAX_STATUSES {
            return Err(MixError::Count);
        }
        for (index, (status, weight)) in shares.iter().enumerate() {
            if !(1..=MAX_WEIGHT).contains(weight) {
                return Err(MixError::Weight(weight.to_string()));
            }
            if shares[..index].iter().any(|(known, _)| known == status) {
                return Err(MixError::Twice(*status));
            }
        }
        Ok(Mix(shares))
    }
}

impl Mix {
    pub fn only(status: i64) -> Mix {
        Mix(vec![(status, 1)])
    }

    pub fn shares(&self) -> &[(i64, u64)] {
        &self.0
    }

    pub fn draw(&self, random: &mut fastrand::Rng) -> i64 {
        drawn(&self.0, random).copied().unwrap_or_default()
    }
}

/// One of the shares by its weight: there are at most a hundred, of a thousand million each.
pub(super) fn drawn<'s, T>(shares: &'s [(T, u64)], random: &mut fastrand::Rng) -> Option<&'s T> {
    let mut drawn = random.u64(0..shares.iter().map(|(_, weight)| weight).sum::<u64>().max(1));
    for (share, weight) in shares {
        match drawn.checked_sub(*weight) {
            None => return Some(share),
            Some(rest) => drawn = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(text: &str) -> Result<Mix, MixError> {
        MixWords::parse(text)?.numbered(&StatusTable::PLATFORM)
    }

    #[test]
    fn a_mix_draws_by_weight_and_seed() {
        let mixed = mix("success=90, failed=8,cancelled=2").unwrap();
        let draw = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            (0..10_000).map(|_| mixed.draw(&mut random)).collect::<Vec<_>>()
        };
        let drawn = draw(1);
        let share = |status| drawn.iter().filter(|drawn| **drawn == status).count();
        assert!((8_800..9_200).contains(&share(3)), "{}", share(3));
        assert!((700..900).contains(&share(5)));
        assert!((140..260).contains(&share(4)));
        assert_eq!(share(3) + share(4) + share(5), 10_000);
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
    }

    #[test]
    fn a_mix_takes_numbers_and_any_sum() {
        let mixed = mix("6=3,success=4").unwrap();
        assert_eq!(mixed.shares(), [(6, 3), (3, 4)]);
        let json = serde_json::to_string(&mixed).unwrap();
        assert_eq!(serde_json::from_str::<Mix>(&json).unwrap(), mixed);
        for (text, error) in [
            ("", MixError::NoPair(String::new())),
            ("success", MixError::NoPair("success".into())),
            ("success=0", MixError::Weight("0".into())),
            ("success=-1", MixError::Weight("-1".into())),
            ("success=1.5", MixError::Weight("1.5".into())),
            ("success=1,3=2", MixError::Twice(3)),
        ] {
            assert_eq!(mix(text), Err(error), "{text}");
        }
        assert!(matches!(mix("won=1"), Err(MixError::Status { .. })));
    }

    #[test]
    fn a_damaged_mix_is_refused() {
        for json in ["[]", "[[3,0]]", "[[3,1],[3,1]]", "[[3,1000000001]]", "[[3]]"] {
            assert!(serde_json::from_str::<Mix>(json).is_err(), "{json}");
        }
        let most: Vec<_> = (0..100).map(|status| (status, MAX_WEIGHT)).collect();
        let mut random = fastrand::Rng::with_seed(1);
        assert!((0..100).contains(&Mix::try_from(most).unwrap().draw(&mut random)));
        let many: Vec<_> = (0..101).map(|status| (status, 1)).collect();
        assert_eq!(Mix::try_from(many), Err(MixError::Count));
    }
}
