//! The ids of generated orders: within a run no two are the same, and none is remembered.
//!
//! An order's ids are its index, permuted. A Feistel network is a permutation whatever its round
//! function is; the seed chooses which.

/// How often the halves are exchanged: after four rounds, indices that are neighbours share nothing.
const ROUNDS: usize = 4;

const HALF: u64 = 10_000;

/// The most hexadecimal digits of one id: 128 bits.
pub const MAX_ID_DIGITS: u32 = 32;

/// How many ids have eight digits; those of later orders have more.
const BLOCK: u64 = HALF * HALF;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderIds {
    keys: [u64; ROUNDS],
}

impl OrderIds {
    pub fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        OrderIds { keys: std::array::from_fn(|_| random.u64(..)) }
    }

    /// The number in the platform's id of the order with this index: below 10^8 for the first 10^8
    /// orders, and with as many more digits as it takes to stay unique after them.
    pub fn order(&self, index: u64) -> u64 {
        let within = index % BLOCK;
        (index - within).saturating_add(self.permuted(within, HALF))
    }

    /// So many hexadecimal digits, at most [`MAX_ID_DIGITS`], for one of several places in the order
    /// with this index: unique in their place for as many orders as they can number.
    pub fn digits(&self, index: u64, digits: u32, place: u64) -> u128 {
        let bits = 2 * digits.min(MAX_ID_DIGITS);
        let mask = u64::MAX.checked_shr(u64::BITS - bits).unwrap_or_default();
        let high = index.checked_shr(bits).unwrap_or_default();
        let (mut left, mut right) = (high & mask, index & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mixed(right, mixed(place, key)) & mask));
        }
        u128::from(left) << bits | u128::from(right)
    }

    fn permuted(&self, number: u64, half: u64) -> u64 {
        let (mut left, mut right) = (number / half, number % half);
        for key in self.keys {
            (left, right) = (right, (left + mixed(right, key) % half) % half);
        }
        left * half + right
    }
}

/// A number stirred under a key, so that neighbours become unlike each other: the finalizer of
/// SplitMix64.
pub(in crate::sender) fn mixed(number: u64, key: u64) -> u64 {
    let mut mixed = number.wrapping_add(key);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_number_of_a_small_domain_has_one_place() {
        for seed in 0..50 {
            let ids = OrderIds::new(seed);
            for half in 1..=40 {
                let mut is_taken = vec![false; (half * half) as usize];
                for number in 0..half * half {
                    let place = ids.permuted(number, half) as usize;
                    assert!(!is_taken[place], "seed {seed}, {half}: {number} is at {place}, too");
                    is_taken[place] = true;
                }
            }
        }
    }

    #[test]
    fn a_million_orders_have_a_million_ids() {
        for seed in [4, u64::MAX] {
            let ids = OrderIds::new(seed);
            let orders: HashSet<u64> = (0..1_000_000).map(|index| ids.order(index)).collect();
            assert_eq!(orders.len(), 1_000_000);
            assert!(orders.iter().all(|number| *number < BLOCK));
            let merchant: HashSet<u128> =
                (0..1_000_000).map(|index| ids.digits(index, MAX_ID_DIGITS, 0)).collect();
            assert_eq!(merchant.len(), 1_000_000);
        }
    }

    #[test]
    fn hexadecimal_digits_are_unique_in_their_place() {
        let ids = OrderIds::new(4);
        for (digits, orders) in [(1, 16), (2, 256), (3, 4_096), (4, 65_536), (5, 100_000)] {
            for place in 0..2 {
                let all = (0..orders).map(|index| ids.digits(index, digits, place));
                let unique: HashSet<u128> = all.collect();
                assert_eq!(unique.len(), orders as usize, "{digits} digits, place {place}");
                assert!(unique.iter().all(|number| *number < 16_u128.pow(digits)));
            }
        }
        assert_ne!(ids.digits(1, 8, 0), ids.digits(1, 8, 1));
        assert_eq!(ids.digits(7, 1, 0), ids.digits(7 + 16, 1, 0));
        assert_eq!(
            (ids.digits(7, 0, 0), ids.digits(7, 99, 0)),
            (0, ids.digits(7, MAX_ID_DIGITS, 0))
        );
    }

    #[test]
    fn beyond_eight_digits_ids_are_longer() {
        let ids = OrderIds::new(1);
        for block in [1, 2, 10, 99, u64::MAX / BLOCK - 1] {
            let numbers = [0, 1, BLOCK - 1].map(|within| ids.order(block * BLOCK + within));
            assert!(numbers.iter().all(|number| number / BLOCK == block), "{numbers:?}");
            let short = [0, 1, BLOCK - 1].map(|within| ids.order(within));
            assert_eq!(numbers.map(|number| number % BLOCK), short);
        }
        let _ = ids.order(u64::MAX);
    }

    #[test]
    fn a_seed_chooses_the_ids_and_neighbours_look_unlike() {
        let first =
            |seed| (0..50).map(|index| OrderIds::new(seed).order(index)).collect::<Vec<_>>();
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        let distances: HashSet<u64> =
            first(7).windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
        assert_eq!(distances.len(), 49);
        let leading: HashSet<u64> = first(7).iter().map(|number| number / (BLOCK / 10)).collect();
        assert!(leading.len() > 6, "{leading:?}");
    }
}
