//! What all machine-readable shapes share: one line each, a type and a schema version.

mod masked;

use std::fmt::Write as _;

use protocol::Finding;
use protocol::internal::notification::{Notification, major_units};
use serde::Serialize;
use serde_json::{Value, json};

use super::text::is_hidden;
use crate::mask::Untrusted;

/// The version of every shape; it rises when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

pub fn line(kind: &str, body: &impl Serialize) -> String {
    plain_json(masked::line(kind, text(kind, body)))
}

fn text(kind: &str, body: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        r#type: &'a str,
        schema_version: u32,
        #[serde(flatten)]
        body: &'a T,
    }
    let envelope = Envelope { r#type: kind, schema_version: SCHEMA_VERSION, body };
    let mut text =
        serde_json::to_string(&envelope).expect("string keys and plain values always serialize");
    text.push('\n');
    text
}

/// JSON text of the same value with hidden characters as `\uXXXX`: what was received may hold some
/// that JSON does not escape (DEL, C1, bidi), and a person may read the line in a terminal.
pub(in crate::report) fn plain_json(text: String) -> String {
    // The newline that ends a line is between values; within them it is escaped already.
    let is_odd = |character: char| character != '\n' && is_hidden(character);
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) || !text.contains(is_odd) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if !is_odd(character) {
            plain.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(plain, "\\u{unit:04x}");
        }
    }
    plain
}

pub fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "code": finding.code,
        "member": finding.member.as_ref().map(Untrusted::new),
        "message": finding.message,
    })
}

/// The order's id as it came.
pub fn order_id(notification: &Notification) -> String {
    let id = notification.order_id.as_ref().map(Untrusted::new);
    id.map_or_else(|| "(no order id)".to_owned(), |id| id.to_string())
}

pub fn order(notification: &Notification) -> Value {
    json!({
        "payout_id": notification.order_id.as_ref().map(Untrusted::new),
        "payout_cl_id": notification.merchant_order_id.as_ref().map(Untrusted::new),
        "platform_id": notification.platform_id.as_ref().map(Untrusted::new),
        "amount_cents": notification.amount_cents,
        "amount": notification.amount_cents.map(major_units),
        "status": notification.status_code,
        "status_name": notification.status.map(|status| status.name),
        "status_final": notification.status.map(|status| status.is_final),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_values() {
        let text = "a\u{202e}\u{e0001}\u{7f}\u{85}";
        let plain = plain_json(serde_json::to_string(text).unwrap());
        assert_eq!(plain, "\"a\\u202e\\udb40\\udc01\\u007f\\u0085\"");
        assert_eq!(serde_json::from_str::<String>(&plain).unwrap(), text);
    }

    #[test]
    fn a_line_steers_no_terminal() {
        let text = line("x", &json!({"memo": "a\u{9b}2J\u{202e}\u{1b}付"}));
        assert!(text.contains("a\\u009b2J\\u202e\\u001b付"), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
    }
}
