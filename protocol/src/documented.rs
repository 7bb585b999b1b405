//! What the platform documents of a field, for code that writes payloads.

use super::finding::Severity;
use super::notification::{COMMON_FIELDS, DEPOSIT_IDS, PAYOUT_IDS, Type, fields};
use super::status::Kind;

/// How the page types a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A JSON string.
    String,
    /// A JSON integer.
    Integer,
}

/// The type of a documented field of payouts or deposits; `None` for any other.
#[must_use]
pub fn documented_type(name: &str) -> Option<FieldType> {
    let mut all = PAYOUT_IDS.iter().chain(&DEPOSIT_IDS).chain(&COMMON_FIELDS);
    all.find(|field| field.name == name).map(|field| match field.kind {
        Type::Id | Type::Text => FieldType::String,
        Type::Cents | Type::Status | Type::Time => FieldType::Integer,
    })
}

/// The documented fields, in their order.
pub fn documented_fields(kind: Kind) -> impl Iterator<Item = &'static str> {
    fields(kind).map(|field| field.name)
}

/// The fields without which a payload is not such a notification; `sign` comes with the signature,
/// and sister deployments leave `real_amount` out.
pub fn required_fields(kind: Kind) -> impl Iterator<Item = &'static str> {
    fields(kind).filter(|field| field.missing == Some(Severity::Error)).map(|field| field.name)
}
