//! The platform's example notification with fresh ids and times.

use jiff::Timestamp;

use crate::protocol::edit::json_string;
use crate::protocol::nearest::did_you_mean;
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
        let mut text = String::with_capacity(LENGTH);
        let (order, merchant_order) = (random.u32(0..100_000_000), random.u128(..));
        text.push_str("{\"payout_id\":\"POT");
        push_number(&mut text, order.into(), 8);
        text.push_str("\",\"payout_cl_id\":\"");
        push_hex(&mut text, merchant_order);
        text.push_str(
            "\",\"platform_id\":\"PF0014\",\"amount\":400000,\"real_amount\":400000,\"fee\":3200,\"status\":",
        );
        push_number(&mut text, self.status, 1);
        if self.status == FAILED {
            text.push_str(",\"error_msg\":");
            text.push_str(&json_string("beneficiary account rejected"));
        }
        text.push_str(",\"create_time\":");
        push_number(&mut text, completed - TOOK, 1);
        text.push_str(",\"update_time\":");
        push_number(&mut text, completed, 1);
        text.push('}');
        text
    }
}

/// Writes a number in its 32 hexadecimal digits.
fn push_hex(text: &mut String, number: u128) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xF)];
    }
    text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// Writes a number in at least so many digits: what the formatter does, for a fraction of its time.
fn push_number(text: &mut String, number: i64, width: usize) {
    if number < 0 {
        text.push('-');
    }
    let (mut digits, mut rest) = ([b'0'; 20], number.unsigned_abs());
    let mut start = digits.len();
    while rest > 0 || digits.len() - start < width.min(digits.len()) {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text.push_str(std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

/// A payout status by its number or its name.
///
/// # Errors
/// Anything else, with the names that there are.
pub fn parse_status(text: &str) -> Result<i64, String> {
    text.parse::<i64>()
        .ok()
        .or_else(|| Status::payout_by_name(text).map(|status| i64::from(status.code)))
        .ok_or_else(|| {
            let near = did_you_mean(text, ["success", "cancelled", "failed"]);
            format!("success, cancelled, failed or a number is wanted{near}")
        })
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
    fn ids_are_written_as_the_formatter_writes_them() {
        for number in [0, 0xfedc_ba98_7654_3210, u128::MAX] {
            let mut hex = String::new();
            push_hex(&mut hex, number);
            assert_eq!(hex, format!("{number:032x}"));
        }
    }

    #[test]
    fn numbers_are_written_as_the_formatter_writes_them() {
        let written = |number, width| {
            let mut text = String::new();
            push_number(&mut text, number, width);
            text
        };
        for number in [0, 1, -1, 9, 10, 1_567_614_111, i64::MAX, i64::MIN] {
            assert_eq!(written(number, 1), number.to_string());
        }
        assert_eq!(
            (written(102, 8), written(99_999_999, 8)),
            ("00000102".into(), "99999999".into())
        );
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
