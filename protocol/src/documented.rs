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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_ids_and_the_common_fields() {
        let ids = ["payout_id", "payout_cl_id"];
        let common = [
            "platform_id",
            "amount",
            "real_amount",
            "fee",
            "status",
            "create_time",
            "update_time",
            "error_msg",
            "sign_type",
            "sign",
        ];
        let deposit_ids = ["payment_id", "payment_cl_id", "payment_cl_name"];
        assert!(documented_fields(Kind::Payout).eq(ids.into_iter().chain(common)));
        assert!(documented_fields(Kind::Deposit).eq(deposit_ids.into_iter().chain(common)));
    }

    #[test]
    fn a_notification_may_lack_what_the_page_or_a_deployment_leaves_out() {
        let common = ["platform_id", "amount", "fee", "status", "create_time", "update_time"];
        let payout = ["payout_id", "payout_cl_id"].into_iter().chain(common);
        assert!(required_fields(Kind::Payout).eq(payout));
        let deposit = ["payment_id", "payment_cl_id"].into_iter().chain(common);
        assert!(required_fields(Kind::Deposit).eq(deposit));
    }

    #[test]
    fn each_documented_field_has_its_type() {
        let integers = ["amount", "real_amount", "fee", "status", "create_time", "update_time"];
        for kind in [Kind::Payout, Kind::Deposit] {
            for name in documented_fields(kind) {
                let is_integer = integers.contains(&name);
                let expected = if is_integer { FieldType::Integer } else { FieldType::String };
                assert_eq!(documented_type(name), Some(expected), "{name}");
            }
        }
        for name in ["memo", "currency", "", "Amount", "payout_id "] {
            assert_eq!(documented_type(name), None, "{name}");
        }
    }
}
