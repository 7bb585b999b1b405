//! What all machine-readable shapes share: one line each, a type and a schema version.

use serde::Serialize;
use serde_json::{Value, json};

use crate::protocol::notification::{Finding, Notification, major_units};

/// The version of every shape; it rises when a key changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A value as one line of JSON, with its type and schema version first.
#[must_use]
pub fn line(kind: &str, body: &impl Serialize) -> String {
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

/// A finding as JSON.
#[must_use]
pub fn finding(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(),
        "code": finding.code,
        "member": finding.member,
        "message": finding.message,
    })
}

/// The order that a notification is about as JSON.
#[must_use]
pub fn order(notification: &Notification) -> Value {
    json!({
        "payout_id": notification.order_id,
        "payout_cl_id": notification.merchant_order_id,
        "platform_id": notification.platform_id,
        "amount_cents": notification.amount_cents,
        "amount": notification.amount_cents.map(major_units),
        "status": notification.status_code,
        "status_name": notification.status.map(|status| status.name),
        "status_final": notification.status.map(|status| status.is_final),
    })
}
