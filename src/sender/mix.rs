//! Which statuses a run's orders have, and which orders are notified twice.

use protocol::StatusTable;

use super::example::StatusWord;

const MAX_WEIGHT: u64 = 1_000_000_000;

const MAX_STATUSES: usize = 100;

/// Statuses with their weights.
///
/// Each order's status is drawn from the seeded generator: the shares come out as chance has it,
/// as real traffic does, and the same seed gives the same statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    sums: Vec<(i64, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixWords {
    shares: Vec<(StatusWord, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    #[error("STATUS=WEIGHT is wanted, such as success=90,failed=10")]
    NoPair(String),
    #[error("{status:?}: {reason}")]
    Status { status: String, reason: String },
    #[error("{0:?}: a weight is a whole number from 1 to {MAX_WEIGHT}")]
    Weight(String),
    #[error("the status {0} stands twice")]
    Twice(i64),
    #[error("more than {MAX_STATUSES} statuses")]
    TooMany,
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
            let weight = weight
                .trim()
                .parse()
                .ok()
                .filter(|weight| (1..=MAX_WEIGHT).contains(weight))
                .ok_or_else(|| MixError::Weight(weight.trim().to_owned()))?;
            if shares.len() == MAX_STATUSES {
                return Err(MixError::TooMany);
            }
            shares.push((status, weight));
        }
        Ok(MixWords { shares })
    }

    pub fn numbered(&self, statuses: &StatusTable) -> Result<Mix, MixError> {
        let mut mix = Mix { sums: Vec::new() };
        let mut sum = 0;
        for (status, weight) in &self.shares {
            let status = status.number(statuses);
            if mix.sums.iter().any(|(known, _)| *known == status) {
                return Err(MixError::Twice(status));
            }
            sum += weight;
            mix.sums.push((status, sum));
        }
        Ok(mix)
    }
}

impl Mix {
    pub fn only(status: i64) -> Mix {
        Mix { sums: vec![(status, 1)] }
    }

    pub fn shares(&self) -> impl Iterator<Item = (i64, u64)> {
        let below = std::iter::once(0).chain(self.sums.iter().map(|(_, sum)| *sum));
        self.sums.iter().zip(below).map(|((status, sum), below)| (*status, sum - below))
    }

    pub fn draw(&self, random: &mut fastrand::Rng) -> i64 {
        let Some((last, total)) = self.sums.last() else { return 0 };
        let drawn = random.u64(0..*total);
        self.sums.iter().find(|(_, sum)| drawn < *sum).map_or(*last, |(status, _)| *status)
    }
}

/// The share of orders whose notification is sent a second time.
///
/// The duplicates are spread evenly, so that their number is known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The share in millionths.
    millionths: u32,
}

const WHOLE: u32 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share from 0% to 100% is wanted, such as 5%")]
pub struct ShareError(pub String);

impl Duplicates {
    /// Reads a share such as `5%` or `0.5%`; at most four decimals count.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let refuse = || ShareError(text.to_owned());
        let number = text.trim().strip_suffix('%').ok_or_else(refuse)?.trim();
        let plain =
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let percent: f64 = number.parse().ok().filter(|_| plain).ok_or_else(refuse)?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(refuse());
        }
        // In range: at most WHOLE.
        Ok(Duplicates { millionths: (percent * 10_000.0).round() as u32 })
    }

    /// Whether the order with this index, from 0, is notified twice.
    pub fn repeats(self, index: u64) -> bool {
        self.among(index.saturating_add(1)) > self.among(index)
    }

    pub fn among(self, orders: u64) -> u64 {
        let count = u128::from(orders) * u128::from(self.millionths) / u128::from(WHOLE);
        u64::try_from(count).unwrap_or(u64::MAX)
    }
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
        assert_eq!(mixed.sums, [(6, 3), (3, 7)]);
        assert_eq!(mixed.shares().collect::<Vec<_>>(), [(6, 3), (3, 4)]);
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
    fn duplicates_are_spread_evenly_and_exact() {
        let five = Duplicates::parse("5%").unwrap();
        let repeated: Vec<u64> = (0..100).filter(|index| five.repeats(*index)).collect();
        assert_eq!(repeated, [19, 39, 59, 79, 99]);
        assert_eq!(five.among(100_000), 5_000);
        let all = Duplicates::parse("100%").unwrap();
        assert!((0..9).all(|index| all.repeats(index)));
        assert!(!(0..9).any(|index| Duplicates::parse("0%").unwrap().repeats(index)));
        assert_eq!(Duplicates::parse("0.5 %").unwrap().among(1_000), 5);
        for text in ["5", "", "%", "-1%", "101%", "NaN%", "inf%", "1e1%"] {
            assert!(Duplicates::parse(text).is_err(), "{text}");
        }
    }
}
