//! A share of many, written as a percentage.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const WHOLE: u32 = 1_000_000;

/// A share from 0% to 100%, in millionths of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(u32);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a share from 0% to 100%, such as 5%")]
pub struct PercentError;

impl Percent {
    pub const ALL: Percent = Percent(WHOLE);

    /// So many millionths, at most all of them.
    pub fn from_millionths(millionths: u32) -> Self {
        Percent(millionths.min(WHOLE))
    }

    pub fn millionths(self) -> u32 {
        self.0
    }

    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// This share of a number, rounded down.
    pub fn of(self, number: u64) -> u64 {
        // At most the number itself.
        (u128::from(number) * u128::from(self.0) / u128::from(WHOLE)) as u64
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    /// Reads `5%` or `0.25%`, with at most four decimals.
    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text.trim().strip_suffix('%').ok_or(PercentError)?.trim_end();
        // The library's parser also takes signs, exponents, "inf" and "nan".
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && number.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= 4);
        let percent: f64 = number.parse().ok().filter(|_| is_plain).ok_or(PercentError)?;
        if percent > 100.0 {
            return Err(PercentError);
        }
        Ok(Percent((percent * 10_000.0).round() as u32))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

impl TryFrom<String> for Percent {
    type Error = PercentError;

    fn try_from(text: String) -> Result<Self, PercentError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> String {
        percent.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_fraction_and_is_never_more_than_all() {
        for (millionths, fraction) in [(0, 0.0), (250_000, 0.25), (WHOLE, 1.0), (WHOLE + 1, 1.0)] {
            assert_eq!(Percent::from_millionths(millionths).fraction(), fraction, "{millionths}");
        }
    }

    #[test]
    fn percentages_are_read_and_written() {
        for (text, millionths, written) in [
            ("5%", 50_000, "5%"),
            (" 0.25 % ", 2_500, "0.25%"),
            ("100%", WHOLE, "100%"),
            ("0%", 0, "0%"),
            (".5%", 5_000, "0.5%"),
            ("0.0001%", 1, "0.0001%"),
            ("33.3333%", 333_333, "33.3333%"),
        ] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!((percent.millionths(), &*percent.to_string()), (millionths, written));
            let json = serde_json::to_string(&percent).unwrap();
            assert_eq!(json, format!("\"{written}\""));
            assert_eq!(serde_json::from_str::<Percent>(&json).unwrap(), percent);
        }
        for text in [
            "", "5", "%", "0.00001%", "5.00000%", ".%", "-1%", "+1%", "100.1%", "nan%", "inf%",
            "1e1%", "1.2.3%", "10%%",
        ] {
            assert_eq!(text.parse::<Percent>(), Err(PercentError), "{text}");
        }
    }

    #[test]
    fn a_share_of_a_number_is_rounded_down() {
        let of = |text: &str, number| text.parse::<Percent>().unwrap().of(number);
        assert_eq!(of("50%", 5), 2);
        assert_eq!(of("100%", u64::MAX), u64::MAX);
        assert_eq!(of("0.5%", 1_000), 5);
        assert_eq!(of("0%", u64::MAX), 0);
    }
}
