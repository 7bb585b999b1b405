//! The platform's example notification with fresh ids and times.

use jiff::Timestamp;

use super::ids::{MAX_ID_DIGITS, OrderIds};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub status: i64,
    /// The status that comes with an error message.
    pub failed: i64,
    pub completed_at: Timestamp,
}

/// How long before its completion the order was created, in seconds: as in the platform's example.
const TOOK: i64 = 62;

const LENGTH: usize = 320;

impl Example {
    pub fn payload(&self, ids: &OrderIds, index: u64) -> String {
        self.updated(ids, index, self.completed_at)
    }

    /// As [`Example::payload`], but with the time of a later status of the same order.
    pub fn updated(&self, ids: &OrderIds, index: u64, updated_at: Timestamp) -> String {
        let completed = self.completed_at.as_second();
        let mut text = String::with_capacity(LENGTH);
        text.push_str("{\"payout_id\":\"POT");
        push_digits(&mut text, ids.order(index));
        text.push_str("\",\"payout_cl_id\":\"");
        push_hex(&mut text, ids.digits(index, MAX_ID_DIGITS, 0));
        text.push_str(
            "\",\"platform_id\":\"PF0014\",\"amount\":400000,\"real_amount\":400000,\"fee\":3200,\"status\":",
        );
        push_number(&mut text, self.status);
        if self.status == self.failed {
            text.push_str(",\"error_msg\":\"beneficiary account rejected\"");
        }
        text.push_str(",\"create_time\":");
        push_number(&mut text, completed - TOOK);
        text.push_str(",\"update_time\":");
        push_number(&mut text, updated_at.as_second());
        text.push('}');
        text
    }
}

fn push_hex(text: &mut String, number: u128) {
    let mut digits = [0; 32];
    if hex::encode_to_slice(number.to_be_bytes(), &mut digits).is_ok() {
        text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    }
}

fn push_number(text: &mut String, number: i64) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// Writes a number in at least eight digits: what the formatter does, for a fraction of its time.
fn push_digits(text: &mut String, number: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    text.push_str(&"00000000"[digits.len().min(8)..]);
    text.push_str(digits);
}

#[cfg(test)]
mod tests {
    use protocol::internal::notification::{Expectation, findings};
    use protocol::{Layout, Payload, StatusTable};

    use super::*;

    #[test]
    fn an_example_is_a_notification_without_findings() {
        let statuses = StatusTable::PLATFORM;
        for status in [3, 4, 5] {
            let completed_at = Timestamp::from_second(1_567_614_111).unwrap();
            let example = Example { status, failed: statuses.failed(), completed_at };
            let text = example.payload(&OrderIds::new(1), 0);
            let payload = Payload::parse(text.as_bytes()).unwrap();
            assert_eq!(
                findings(&payload, Expectation::Notification, &Layout::PLATFORM, &statuses),
                []
            );
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
        for number in [0, 1, -1, 9, 10, 1_567_614_111, i64::MAX, i64::MIN] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
        for number in [0, 102, 99_999_999, 100_000_000, u64::MAX] {
            let mut text = String::new();
            push_digits(&mut text, number);
            assert_eq!(text, format!("{number:08}"));
        }
    }
}
