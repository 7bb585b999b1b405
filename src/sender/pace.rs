//! When orders are sent: send times that are fixed in advance, whatever the merchant does.
//!
//! This is the open model of load: a slow merchant does not slow the sender, and a latency that is
//! counted from the intended time shows every stall.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    thousandths: u64,
    /// The period in nanoseconds.
    period: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate such as 500/s, 30/m, 10/h or 500 is wanted, with at most three decimals")]
pub struct RateError(pub String);

const MAX_ORDERS: u64 = 1_000_000_000;

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period / 1_000_000_000 {
            1 => "s",
            60 => "m",
            _ => "h",
        };
        let decimals = format!("{:03}", self.thousandths % 1000);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{}{point}{decimals}/{unit}", self.thousandths / 1000)
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;

    fn try_from(text: String) -> Result<Self, RateError> {
        Rate::parse(&text)
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl Rate {
    /// Reads `500/s`, `30/m`, `10/h`, or `500` for that many a second.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let refuse = || RateError(text.to_owned());
        let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let seconds = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(refuse()),
        };
        let (whole, decimals) = number.trim().split_once('.').unwrap_or((number.trim(), "0"));
        let digits = |text: &str| {
            !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
            return Err(refuse());
        }
        let whole: u64 = whole.parse().map_err(|_| refuse())?;
        let decimals: u64 = format!("{decimals:0<3}").parse().map_err(|_| refuse())?;
        let thousandths = whole * 1000 + decimals;
        if thousandths == 0 || whole > MAX_ORDERS {
            return Err(refuse());
        }
        Ok(Rate { thousandths, period: seconds * 1_000_000_000 })
    }

    pub fn per_second(self) -> f64 {
        self.thousandths as f64 * 1e6 / self.period as f64
    }

    /// The time that `orders` orders take at this rate, in nanoseconds.
    fn nanoseconds_for(self, orders: u64) -> u128 {
        // Below 2^64 × 2^42 × 2^10: it fits.
        u128::from(orders) * u128::from(self.period) * 1000 / u128::from(self.thousandths)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The rate; `None` sends as fast as the concurrency allows (the closed model).
    pub rate: Option<Rate>,
    pub ramp: Option<Duration>,
}

impl Pace {
    /// The time from the start of the run at which order `n`, from 0, is to be sent.
    ///
    /// `None` without a rate. It is computed from `n` alone, so that no rounding adds up. In a ramp
    /// of length `R` to the rate `r`, `r t²/2R` orders are due by the time `t`, so order `n` is due
    /// at `√(2Rn/r)`; after it, at `R/2 + n/r`.
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
    fn a_rate_has_a_unit_and_a_few_decimals() {
        for (text, per_second) in
            [("500/s", 500.0), ("500", 500.0), ("30/m", 0.5), ("36/h", 0.01), (" 0.5 / s ", 0.5)]
        {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.per_second(), per_second, "{text}");
            assert_eq!(Rate::parse(&rate.to_string()), Ok(rate), "{rate}");
        }
        for text in
            ["", "0", "0.000", "-1", "1/d", "1/", "/s", "1e3", "1.2345", "1.", ".5", "9999999999"]
        {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

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

    #[test]
    fn a_rate_at_its_limits_is_read() {
        for (text, per_second) in
            [("1.234", 1.234), ("30/min", 0.5), ("1000000000/s", 1e9), ("0.001", 0.001)]
        {
            assert_eq!(Rate::parse(text).unwrap().per_second(), per_second, "{text}");
        }
        for text in ["1000000001/s", "1000000001", "0.0001", "30/minute"] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }
}
