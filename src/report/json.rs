//! What all machine-readable shapes share: one line each, a type and a schema version.

pub(in crate::report) mod masked;

use std::borrow::Cow;
use std::fmt::Write as _;

use protocol::Finding;
use protocol::internal::notification::{Notification, major_units};
use serde::Serialize;

use super::text::is_hidden;
use crate::mask::Untrusted;

/// The version of every shape; it rises when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

pub fn line(kind: &str, body: &impl Serialize) -> String {
    plain_json(masked::line(kind, text(kind, body)))
}

/// JSON in printable ASCII: safe to look at in a terminal whatever shows it.
pub fn ascii(value: &impl Serialize) -> Vec<u8> {
    let text = masked::line("", serialized(value));
    escaped(text, |character| !matches!(character, ' '..='~')).into_bytes()
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
    serialized(&envelope) + "\n"
}

fn serialized(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string keys and plain values always serialize")
}

/// JSON text of the same value with hidden characters as `\uXXXX`: what was received may hold some
/// that JSON does not escape (DEL, C1, bidi), and a person may read the line in a terminal.
pub(in crate::report) fn plain_json(text: String) -> String {
    // The newline that ends a line is between values; within them it is escaped already.
    escaped(text, |character| character != '\n' && is_hidden(character))
}

fn escaped(text: String, is_odd: impl Fn(char) -> bool) -> String {
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) || !text.contains(&is_odd) {
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

#[derive(Serialize)]
pub struct FindingJson<'a> {
    code: &'a str,
    member: Option<Untrusted<&'a str>>,
    message: &'a str,
    severity: &'static str,
}

impl<'a> From<&'a Finding> for FindingJson<'a> {
    fn from(finding: &'a Finding) -> Self {
        FindingJson {
            code: finding.code,
            member: finding.member.as_deref().map(Untrusted::new),
            message: &finding.message,
            severity: finding.severity.name(),
        }
    }
}

pub fn findings(findings: &[Finding]) -> Vec<FindingJson<'_>> {
    findings.iter().map(FindingJson::from).collect()
}

#[derive(Serialize)]
pub struct HeaderJson<'a> {
    name: Untrusted<&'a str>,
    value: Untrusted<Cow<'a, str>>,
}

pub fn headers(headers: &[(String, Vec<u8>)]) -> Vec<HeaderJson<'_>> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| HeaderJson {
            name: Untrusted::new(name),
            value: Untrusted::lossy(value),
        })
        .collect()
}

/// The order's id as it came.
pub fn order_id(notification: &Notification) -> String {
    let id = notification.order_id.as_ref().map(Untrusted::new);
    id.map_or_else(|| "(no order id)".to_owned(), |id| id.to_string())
}

#[derive(Serialize)]
pub struct OrderJson<'a> {
    amount: Option<String>,
    amount_cents: Option<i64>,
    payout_cl_id: Option<Untrusted<&'a str>>,
    payout_id: Option<Untrusted<&'a str>>,
    platform_id: Option<Untrusted<&'a str>>,
    status: Option<i64>,
    status_final: Option<bool>,
    status_name: Option<&'static str>,
}

impl<'a> From<&'a Notification> for OrderJson<'a> {
    fn from(order: &'a Notification) -> Self {
        OrderJson {
            amount: order.amount_cents.map(major_units),
            amount_cents: order.amount_cents,
            payout_cl_id: order.merchant_order_id.as_deref().map(Untrusted::new),
            payout_id: order.order_id.as_deref().map(Untrusted::new),
            platform_id: order.platform_id.as_deref().map(Untrusted::new),
            status: order.status_code,
            status_final: order.status.map(|status| status.is_final),
            status_name: order.status.map(|status| status.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn an_answer_in_ascii_means_the_same() {
        let value = json!({"a": "é\u{202e}\u{1b}[2J\u{7f}\u{9b}🙂\"\\\n", "b": [1, null, true]});
        let bytes = ascii(&value);
        assert!(bytes.iter().all(|byte| matches!(byte, b' '..=b'~')), "{bytes:?}");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn a_key_is_masked_in_every_text() {
        crate::mask::remember(b" page\"secret\n");
        crate::mask::remember(b"abc");
        let value = json!({"a": ["x page\"secret\n", "{\"k\":\"page\\\"secret\"}", "abc"]});
        let text = String::from_utf8(ascii(&value)).unwrap();
        assert_eq!(text, r#"{"a":["x[key]","{\"k\":\"[key]\"}","abc"]}"#);
    }
}
