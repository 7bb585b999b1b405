//! Factors: how many times faster.

use std::fmt;
use std::time::Duration;

const MAX_SPEED: f64 = 1e6;

/// How much faster than real time the waits between attempts pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

impl Speed {
    pub const REAL: Speed = Speed(1.0);

    /// Reads a factor such as `60x`, `60` or `0.5x`.
    pub fn parse(text: &str) -> Result<Self, SpeedError> {
        let text = text.trim();
        let number = text.strip_suffix('x').unwrap_or(text);
        // The library's parser also takes signs, exponents, "inf" and "nan".
        if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(SpeedError::Syntax);
        }
        let factor = number.parse().map_err(|_| SpeedError::Syntax)?;
        if factor > 0.0 && factor <= MAX_SPEED { Ok(Speed(factor)) } else { Err(SpeedError::Range) }
    }

    pub fn compress(self, wait: Duration) -> Duration {
        if self == Speed::REAL {
            return wait;
        }
        Duration::try_from_secs_f64(wait.as_secs_f64() / self.0).unwrap_or(Duration::MAX)
    }

    /// How much schedule time passes in `real` time of waiting: the inverse of
    /// [`Speed::compress`].
    pub fn stretch(self, real: Duration) -> Duration {
        if self == Speed::REAL {
            return real;
        }
        Duration::try_from_secs_f64(real.as_secs_f64() * self.0).unwrap_or(Duration::MAX)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeedError {
    #[error("expected a speed such as 60x or 0.5x")]
    Syntax,
    /// Zero, or above a million.
    #[error("expected a speed above 0x and at most 1000000x")]
    Range,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_divides_waits_and_nothing_overflows() {
        let wait = Duration::from_secs(90);
        assert_eq!(Speed::parse("60x").unwrap().compress(wait), Duration::from_millis(1500));
        assert_eq!(Speed::parse("0.5").unwrap().compress(wait), Duration::from_secs(180));
        assert_eq!(Speed::REAL.compress(Duration::MAX), Duration::MAX);
        assert_eq!(Speed::parse("60x").unwrap().stretch(Duration::from_secs(2)).as_secs(), 120);
        assert_eq!(Speed::parse("2x").unwrap().stretch(Duration::MAX), Duration::MAX);
        let slow = Speed::parse(&format!("0.{}1x", "0".repeat(200))).unwrap();
        assert_eq!(slow.compress(wait), Duration::MAX);
        assert_eq!(Speed::parse("60x").unwrap().to_string(), "60x");
        for text in ["", "x", "0", "0x", "-1x", "inf", "nan", "1e3", "1000001x", "60xx"] {
            assert!(Speed::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_highest_speed_is_read() {
        assert_eq!(Speed::parse("1000000x"), Ok(Speed(MAX_SPEED)));
    }
}
