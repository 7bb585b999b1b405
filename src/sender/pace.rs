//! When orders are sent. Send times are fixed in advance, the open model of load: a slow merchant
//! does not slow the sender, and a latency that is counted from the intended time shows every
//! stall.

use std::time::Duration;

use crate::units::rate::Rate;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The rate; `None` sends as fast as the concurrency allows (the closed model).
    pub rate: Option<Rate>,
    pub ramp: Option<Duration>,
}

impl Pace {
    /// The time from the start of the run at which order `n`, from 0, is to be sent; computed from
    /// `n` alone, so that no rounding adds up. In a ramp of length `R` to the rate `r`, `r t²/2R`
    /// orders are due by the time `t`, so order `n` is due at `√(2Rn/r)`; after it, at `R/2 + n/r`.
    pub fn intended(&self, n: u64) -> Option<Duration> {
        let steady = self.rate?.nanoseconds_for(n);
        let ramp = self.ramp.map_or(0, |ramp| ramp.as_nanos());
        let nanoseconds = if steady >= ramp / 2 {
            steady + ramp / 2
        } else {
            // At the largest ramp of 2^94 nanoseconds this saturates rather than wraps.
            steady.saturating_mul(2).saturating_mul(ramp).isqrt()
        };
        Some(duration(nanoseconds))
    }
}

fn duration(nanoseconds: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    match u64::try_from(nanoseconds / SECOND) {
        // Below a second: it fits.
        Ok(seconds) => Duration::new(seconds, (nanoseconds % SECOND) as u32),
        Err(_) => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn send_times_are_fixed() {
        let pace = Pace { rate: Some(Rate::parse("3/s").unwrap()), ramp: None };
        assert_eq!(pace.intended(0), Some(Duration::ZERO));
        assert_eq!(pace.intended(1), Some(Duration::from_nanos(333_333_333)));
        assert_eq!(pace.intended(3_000_000), Some(Duration::from_secs(1_000_000)));
        assert!(pace.intended(u64::MAX).is_some());
        assert_eq!(Pace::default().intended(5), None);
        let endless = Pace { ramp: Some(Duration::MAX), ..pace };
        assert!(endless.intended(u64::MAX).is_some());
    }

    proptest! {
        #[test]
        fn a_ramp_is_monotone_and_sends_what_is_due(
            rate in 1_u64..5_000,
            ramp in 1_u64..600,
            n in 0_u64..2_000_000,
        ) {
            let pace = Pace {
                rate: Some(Rate::parse(&rate.to_string()).unwrap()),
                ramp: Some(Duration::from_secs(ramp)),
            };
            let (at, next) = (pace.intended(n).unwrap(), pace.intended(n + 1).unwrap());
            prop_assert!(at <= next);
            let (r, length, t) = (rate as f64, ramp as f64, at.as_secs_f64());
            let due = if t < length { r * t * t / (2.0 * length) } else { r * (t - length / 2.0) };
            prop_assert!((due - n as f64).abs() < 1.0, "{due} are due by {t}, {n} were sent");
            if t >= length {
                let spacing = (next - at).as_nanos().abs_diff(u128::from(1_000_000_000 / rate));
                prop_assert!(spacing <= 1);
            }
        }
    }
}
