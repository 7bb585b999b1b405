//! Rates: how many orders or messages in a time.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    thousandths: u64,
    /// The period in nanoseconds.
    period: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a rate such as 500/s, 30/m, 10/h or 500, with at most three decimals")]
pub struct RateError;

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
        let (number, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let seconds = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return Err(RateError),
        };
        let (whole, decimals) = number.trim().split_once('.').unwrap_or((number.trim(), "0"));
        let digits = |text: &str| {
            !text.is_empty() && text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
            return Err(RateError);
        }
        let whole: u64 = whole.parse().map_err(|_| RateError)?;
        let decimals: u64 = format!("{decimals:0<3}").parse().map_err(|_| RateError)?;
        let thousandths = whole * 1000 + decimals;
        if thousandths == 0 || whole > MAX_ORDERS {
            return Err(RateError);
        }
        Ok(Rate { thousandths, period: seconds * 1_000_000_000 })
    }

    pub fn per_second(self) -> f64 {
        self.thousandths as f64 * 1e6 / self.period as f64
    }

    /// The time that `orders` orders take at this rate, in nanoseconds.
    pub fn nanoseconds_for(self, orders: u64) -> u128 {
        // Below 2^64 × 2^42 × 2^10: it fits.
        u128::from(orders) * u128::from(self.period) * 1000 / u128::from(self.thousandths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_unit_and_a_few_decimals() {
        for (text, per_second) in
            [("500/s", 500.0), ("500", 500.0), ("30/m", 0.5), ("36/h", 0.01), (" 0.5 / s ", 0.5)]
        {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.per_second(), per_second, "{text}");
            assert_eq!(Rate::parse(&rate.to_string()), Ok(rate), "{rate}");
            assert_eq!(Rate::parse(&String::from(rate)), Ok(rate), "{rate}");
        }
        for text in
            ["", "0", "0.000", "-1", "1/d", "1/", "/s", "1e3", "1.2345", "1.", ".5", "9999999999"]
        {
            assert!(Rate::parse(text).is_err(), "{text}");
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
    #[test]
    fn orders_take_their_time_at_a_rate() {
        for (text, orders, nanoseconds) in [
            ("500/s", 1, 2_000_000),
            ("500/s", 7, 14_000_000),
            ("30/m", 2, 4_000_000_000),
            ("0.5/h", 1, 7_200_000_000_000),
            ("0.3/s", 1, 3_333_333_333),
            ("1000000000/s", u64::MAX, u128::from(u64::MAX)),
        ] {
            assert_eq!(Rate::parse(text).unwrap().nanoseconds_for(orders), nanoseconds, "{text}");
        }
        assert_eq!(Rate::parse("0.001/h").unwrap().nanoseconds_for(0), 0);
    }
}
