//! The platform's example notification with fresh ids and times.

use std::fmt::Write;

use jiff::Timestamp;

use crate::protocol::edit::json_string;
use crate::protocol::status::Status;

/// What differs from one example to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The status number; a failed payout carries an `error_msg` too.
    pub status: i64,
    /// When the order was completed.
    pub completed_at: Timestamp,
}

/// The status number that means a failed payout.
const FAILED: i64 = 5;

/// How long before its completion the example's order was created, in seconds: as on the page.
const TOOK: i64 = 62;

/// Room for the whole text, in bytes.
const LENGTH: usize = 320;

impl Example {
    /// The notification as JSON text, unsigned; `random` gives the ids.
    #[must_use]
    pub fn payload(&self, random: &mut fastrand::Rng) -> String {
        let completed = self.completed_at.as_second();
        let error = match self.status {
            FAILED => format!("\"error_msg\":{},", json_string("beneficiary account rejected")),
            _ => String::new(),
        };
        let mut text = String::with_capacity(LENGTH);
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            concat!(
                "{{\"payout_id\":\"POT{:08}\",\"payout_cl_id\":\"{:032x}\",\"platform_id\":\"PF0014\",",
                "\"amount\":400000,\"real_amount\":400000,\"fee\":3200,\"status\":{},{}",
                "\"create_time\":{},\"update_time\":{}}}"
            ),
            random.u32(0..100_000_000),
            random.u128(..),
            self.status,
            error,
            completed - TOOK,
            completed,
        );
        text
    }
}

/// A payout status by its number or its name.
///
/// # Errors
/// Anything else, with the names that there are.
pub fn parse_status(text: &str) -> Result<i64, String> {
    text.parse::<i64>()
        .ok()
        .or_else(|| Status::payout_by_name(text).map(|status| i64::from(status.code)))
        .ok_or_else(|| "success, cancelled, failed or a number is wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::notification::{Expectation, findings};
    use crate::protocol::payload::Payload;

    #[test]
    fn an_example_is_a_notification_without_findings() {
        for status in [3, 4, 5] {
            let example =
                Example { status, completed_at: Timestamp::from_second(1_567_614_111).unwrap() };
            let text = example.payload(&mut fastrand::Rng::with_seed(1));
            let payload = Payload::parse(text.as_bytes()).unwrap();
            assert_eq!(findings(&payload, Expectation::Notification), []);
        }
    }

    #[test]
    fn a_status_has_a_name_or_a_number() {
        assert_eq!(parse_status("success"), Ok(3));
        assert_eq!(parse_status("Cancelled"), Ok(4));
        assert_eq!(parse_status("failed"), Ok(5));
        assert_eq!(parse_status("2"), Ok(2));
        assert!(parse_status("done").is_err());
    }
}
