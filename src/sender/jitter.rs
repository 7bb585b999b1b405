//! Jitter: attempts a little earlier or later than planned, from a seed; pure. A platform that
//! sends many retries spreads them, so that those of one moment do not all arrive at once. Each gap
//! of the schedule grows or shrinks by at most a share of itself; the same seed gives the same
//! times.

use std::time::Duration;

use super::orders::ids::mixed;
use super::schedule::RetrySchedule;
use crate::units::percent::Percent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    pub share: Percent,
    pub seed: u64,
}

impl Jitter {
    /// When attempt `attempt` of the order with this number is planned after its completion: never
    /// before the attempt before it and never after the window. What would pass the window is as
    /// far before its end instead, because attempts heaped on its last moment would undo the
    /// spreading.
    pub fn offset(&self, schedule: &RetrySchedule, order: u64, attempt: usize) -> Option<Duration> {
        let gaps = schedule.delays().get(..attempt.checked_sub(1)?)?;
        let planned = (2_u64..).zip(gaps).fold(Duration::ZERO, |before, (number, gap)| {
            let factor = 1.0 + self.share.fraction() * spread(self.seed, order, number);
            let gap = Duration::try_from_secs_f64(gap.as_secs_f64() * factor);
            let planned = before.saturating_add(gap.unwrap_or_default());
            let past = planned.saturating_sub(schedule.window());
            if past.is_zero() {
                planned
            } else {
                before.max(schedule.window().saturating_sub(past))
            }
        });
        Some(planned)
    }
}

/// A number from -1 to just below 1 that depends on nothing but its arguments.
fn spread(seed: u64, order: u64, attempt: u64) -> f64 {
    let mix = |number| mixed(number, 0x9e37_79b9_7f4a_7c15);
    let bits = mix(mix(mix(seed).wrapping_add(order)).wrapping_add(attempt));
    // The upper 53 bits are what a float holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let unit = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    2.0 * unit - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::schedule::DEFAULT_WINDOW;
    use proptest::prelude::*;

    fn jitter(share: &str, seed: u64) -> Jitter {
        Jitter { share: share.parse().unwrap(), seed }
    }

    #[test]
    fn no_jitter_is_the_schedule_itself() {
        let schedule = RetrySchedule::default();
        let none = jitter("0%", 7);
        for attempt in 0..13 {
            assert_eq!(none.offset(&schedule, 5, attempt), schedule.offset(attempt), "{attempt}");
        }
    }

    #[test]
    fn jitter_spreads_evenly_and_does_not_heap_at_the_window() {
        let schedule = RetrySchedule::parse("even", None, DEFAULT_WINDOW).unwrap();
        let jitter = jitter("10%", 7);
        let schedule = &schedule;
        let at = |attempt| {
            (1..=10_000).map(move |order| jitter.offset(schedule, order, attempt).unwrap())
        };
        let second: Vec<_> = at(2).map(|time| time.as_secs_f64()).collect();
        assert!(second.iter().all(|time| (324.0..=396.0).contains(time)));
        let mean = second.iter().sum::<f64>() / 10_000.0;
        assert!((358.0..362.0).contains(&mean), "{mean}");
        let last: std::collections::BTreeSet<_> = at(11).collect();
        assert!(last.len() > 9_900, "only {} different last times", last.len());
    }

    proptest! {
        #[test]
        fn attempts_keep_their_order_the_window_and_their_seed(
            delays in prop::collection::vec(0_u64..400, 0..9),
            percent in 0.0_f64..100.0,
            (seed, order) in any::<(u64, u64)>(),
        ) {
            let delays: Vec<_> = delays.into_iter().map(Duration::from_secs).collect();
            let schedule = RetrySchedule::try_new("x", delays.clone(), DEFAULT_WINDOW).unwrap();
            let jitter = jitter(&format!("{percent:.4}%"), seed);
            let times = |jitter: Jitter| -> Vec<_> {
                (1..).map_while(|attempt| jitter.offset(&schedule, order, attempt)).collect()
            };
            let planned = times(jitter);
            prop_assert_eq!(planned.len(), delays.len() + 1);
            prop_assert_eq!(planned[0], Duration::ZERO);
            prop_assert!(planned.is_sorted() && planned.iter().all(|at| *at <= DEFAULT_WINDOW));
            prop_assert_eq!(&planned, &times(jitter));
        }
    }

    #[test]
    fn no_attempt_passes_the_window_or_the_attempt_after_it() {
        let schedules = ["even", "3600s", "3599s,1s", "1800s,1800s,0s"];
        for schedule in schedules.map(|text| RetrySchedule::parse(text, None, DEFAULT_WINDOW)) {
            let schedule = schedule.unwrap();
            for percent in ["1%", "50%", "100%"] {
                let jitter = jitter(percent, 3);
                for order in 0..200 {
                    let times: Vec<_> =
                        (1..).map_while(|it| jitter.offset(&schedule, order, it)).collect();
                    let is_inside = times.iter().all(|at| *at <= DEFAULT_WINDOW);
                    assert!(is_inside && times.is_sorted(), "{percent} {order}: {times:?}");
                }
            }
        }
    }

    #[test]
    fn seed_order_and_attempt_each_change_the_jitter() {
        let schedule = RetrySchedule::parse("100s,100s", None, DEFAULT_WINDOW).unwrap();
        let at =
            |seed, order, attempt| jitter("100%", seed).offset(&schedule, order, attempt).unwrap();
        for order in 0..100 {
            let first = at(1, order, 2);
            assert_ne!(first, at(2, order, 2), "{order}");
            assert_ne!(first, at(1, order + 1, 2), "{order}");
            assert_ne!(first, at(1, order, 3) - first, "{order}");
        }
    }

    #[test]
    fn numbers_are_stirred_as_splitmix64_does() {
        // Its first outputs for the seed 0, as its authors publish them.
        assert_eq!(mixed(0, 0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
        let second = mixed(0x9e37_79b9_7f4a_7c15, 0x9e37_79b9_7f4a_7c15);
        assert_eq!(second, 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_seed_gives_the_same_times_for_ever() {
        // A journal may be resumed by another version of the program.
        let schedule = RetrySchedule::parse("100s,100s", None, DEFAULT_WINDOW).unwrap();
        for (percent, order, expected) in [
            ("100%", 1, [0, 95_028, 219_334]),
            ("100%", 2, [0, 143_846, 165_935]),
            ("50%", 1, [0, 97_514, 209_667]),
        ] {
            let jitter = Jitter { share: percent.parse().unwrap(), seed: 7 };
            let times = [1, 2, 3].map(|it| jitter.offset(&schedule, order, it).unwrap());
            assert_eq!(times.map(|time| time.as_millis()), expected, "{percent} {order}");
        }
    }
}
