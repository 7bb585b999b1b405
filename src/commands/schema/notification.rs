//! The JSON Schema of a dialect's notification, from its layout.

use protocol::internal::documented::required_fields;
use protocol::internal::layout::{FIELDS, STATUSES};
use protocol::{
    Amounts, Dialect, Encoding, Kind, Layout, Scheme, Status, StatusTable, StatusValue, Times,
};
use serde_json::{Map, Value as Json, json};

pub(super) const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(super) fn document(dialect: &Dialect, statuses: &StatusTable) -> Json {
    let mut schema = schema(dialect, statuses);
    schema["$schema"] = json!(DRAFT);
    schema
}

/// The schema without its dialect of JSON Schema, for use inside of an OpenAPI document.
pub(super) fn schema(dialect: &Dialect, statuses: &StatusTable) -> Json {
    let layout = &dialect.layout;
    let is_json = layout.transport.encoding() == Encoding::Json;
    let mut properties = Map::new();
    for (name, _) in layout.constants.iter() {
        properties.insert(name.to_string(), json!({"type": "string"}));
    }
    for logical in FIELDS {
        if let Some(name) = layout.name(logical) {
            properties.insert(name.to_owned(), property(logical, layout, is_json, statuses));
        }
    }
    if dialect.reads_sign_type() {
        let names: Vec<&str> = dialect.schemes.iter().map(|it| it.algorithm.name()).collect();
        let about = "which digest signs; compared without regard to case";
        let sign_type = json!({"type": "string", "enum": names, "description": about});
        properties.insert("sign_type".to_owned(), sign_type);
    }
    properties.insert(dialect.sign_field().to_owned(), signature(dialect));
    let mut schema = json!({
        "title": format!("Payout notification of {}", dialect.title),
        "description": "Other fields may be sent; they are signed like these.",
        "type": "object",
        "properties": properties,
        "required": required(dialect),
    });
    if !is_json {
        schema["additionalProperties"] = json!({"type": "string"});
    }
    schema
}

/// The fields that always come.
pub(super) fn required(dialect: &Dialect) -> Vec<&str> {
    let layout = &dialect.layout;
    let mut names: Vec<&str> = match layout.has_own_names() {
        // What every dialect has: their documents differ in the rest.
        true => ["payout_id", "amount", "status"].iter().filter_map(|it| layout.name(it)).collect(),
        false => required_fields(Kind::Payout).collect(),
    };
    names.push(dialect.sign_field());
    names
}

fn property(logical: &str, layout: &Layout, is_json: bool, statuses: &StatusTable) -> Json {
    let (mut schema, about) = match logical {
        "payout_id" => (text(), "the platform's order id"),
        "payout_cl_id" => (text(), "the merchant's order id"),
        "platform_id" => (text(), "the merchant's id"),
        "amount" => (amount(layout.amounts, is_json), "order amount"),
        "real_amount" => (amount(layout.amounts, is_json), "amount received"),
        "fee" => (amount(layout.amounts, is_json), "fee"),
        "status" => (status(layout, is_json, statuses), "the order's status"),
        "error_msg" => (json!({"type": "string"}), "why it failed"),
        "create_time" => (time(layout.times, is_json), "when the order was created"),
        _ => (time(layout.times, is_json), "when the order's status changed"),
    };
    let unit = match logical {
        "amount" | "real_amount" | "fee" if layout.amounts == Amounts::Cents => ", in cents",
        "amount" | "real_amount" | "fee" => ", in the major unit",
        "create_time" | "update_time" => match layout.times {
            Times::Seconds => ", in Unix seconds",
            Times::Milliseconds => ", in Unix milliseconds",
            _ => "",
        },
        _ => "",
    };
    schema["description"] = json!(format!("{about}{unit}"));
    schema
}

fn text() -> Json {
    json!({"type": "string", "minLength": 1})
}

fn integer(is_json: bool) -> Json {
    match is_json {
        true => json!({"type": "integer"}),
        false => json!({"type": "string", "pattern": "^-?[0-9]+$"}),
    }
}

fn amount(amounts: Amounts, is_json: bool) -> Json {
    match amounts {
        Amounts::Cents => integer(is_json),
        Amounts::Decimal if is_json => json!({"type": "number"}),
        _ => json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
    }
}

fn time(times: Times, is_json: bool) -> Json {
    match times {
        // Most validators do not check a format.
        Times::Iso => {
            let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}";
            json!({"type": "string", "format": "date-time", "pattern": pattern})
        }
        Times::Plain => {
            let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$";
            json!({"type": "string", "pattern": pattern})
        }
        Times::Compact => json!({"type": "string", "pattern": "^[0-9]{14}$"}),
        _ => integer(is_json),
    }
}

/// The statuses that are notified, each with its name.
fn status(layout: &Layout, is_json: bool, statuses: &StatusTable) -> Json {
    let values: Vec<Json> = notified(layout, statuses)
        .map(|status| {
            let (_, json) = layout.status(status.code.into(), statuses);
            let json = if is_json { json } else { format!("\"{}\"", json.trim_matches('"')) };
            let value: Json = serde_json::from_str(&json).unwrap_or_default();
            json!({"const": value, "title": status.name})
        })
        .collect();
    let is_number = values.iter().all(|value| value["const"].is_number());
    json!({"type": if is_number { "integer" } else { "string" }, "oneOf": values})
}

/// The statuses whose orders are notified: all of the platform's where a dialect has no own ones.
pub(super) fn notified<'a>(
    layout: &'a Layout,
    statuses: &'a StatusTable,
) -> impl Iterator<Item = Status> + use<'a> {
    let has_own = layout.statuses.iter().any(|status| *status != StatusValue::Table);
    let is_notified = move |status: &Status| match STATUSES.contains(&status.name) {
        true => layout.notifies(status.code.into(), statuses),
        false => !has_own,
    };
    statuses.payouts().filter(is_notified)
}

fn signature(dialect: &Dialect) -> Json {
    let patterns: Vec<String> = dialect.schemes.iter().map(digits).collect();
    let pattern = format!("^({})$", patterns.join("|"));
    json!({"type": "string", "pattern": pattern, "description": "the signature"})
}

fn digits(scheme: &Scheme) -> String {
    let length = scheme.algorithm.digits();
    match scheme.digest_name() {
        "upper" => format!("[0-9A-F]{{{length}}}"),
        "lower" => format!("[0-9a-f]{{{length}}}"),
        _ => "[A-Za-z0-9+/]+={0,2}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect::DIALECTS;
    use protocol::internal::form;
    use protocol::internal::signing::BodySigner;
    use protocol::{Algorithm, Key, Value};

    use super::*;
    use crate::sender::orders::example::Example;
    use crate::sender::orders::ids::OrderIds;

    /// The fields of a signed notification as JSON values; those of pairs and XML as texts.
    fn sent(dialect: &Dialect, status: i64, chosen: Option<Algorithm>) -> Json {
        let statuses = StatusTable::PLATFORM;
        let completed_at = jiff::Timestamp::from_second(1_567_614_111).unwrap();
        let example = Example { status, failed: statuses.failed(), completed_at };
        let text = example.payload(&OrderIds::new(1), 0);
        let text = dialect.layout.rewrite(&text, &statuses).into_owned();
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let mut signer = BodySigner::try_new(dialect, chosen, key).unwrap();
        let (body, ()) = signer.sign(text.as_bytes(), [], |_| ()).unwrap();
        let encoding = dialect.layout.transport.encoding();
        if encoding == Encoding::Json {
            return serde_json::from_str(&body).unwrap();
        }
        let payload = form::read(body.as_bytes(), encoding).unwrap();
        let members = payload.members().iter().map(|member| {
            let text = match &member.value {
                Value::String(text) => text.to_string(),
                Value::Number(digits) => digits.to_string(),
                other => panic!("{other:?}"),
            };
            (member.name.to_string(), Json::from(text))
        });
        Json::Object(members.collect())
    }

    #[test]
    fn what_is_sent_is_valid_and_each_change_of_a_required_field_is_not() {
        let statuses = StatusTable::PLATFORM;
        for dialect in &DIALECTS {
            let schema = document(dialect, &statuses);
            let validator = jsonschema::validator_for(&schema).unwrap();
            for status in notified(&dialect.layout, &statuses) {
                for scheme in dialect.schemes.iter() {
                    let fields = sent(dialect, status.code.into(), Some(scheme.algorithm));
                    let errors: Vec<String> =
                        validator.iter_errors(&fields).map(|it| it.to_string()).collect();
                    assert!(errors.is_empty(), "{}: {fields} {errors:?}", dialect.id);
                    for name in required(dialect) {
                        for wrong in [Some(json!(null)), Some(json!([])), Some(json!("")), None] {
                            let mut changed = fields.clone();
                            match wrong.clone() {
                                Some(value) => changed[name] = value,
                                None => drop(changed.as_object_mut().unwrap().remove(name)),
                            }
                            let id = &dialect.id;
                            assert!(!validator.is_valid(&changed), "{id}: {name} {wrong:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn only_notified_statuses_are_valid() {
        let statuses = StatusTable::PLATFORM;
        let consts = |id: &str| {
            let schema = schema(Dialect::built_in(id).unwrap(), &statuses);
            let name = Dialect::built_in(id).unwrap().layout.name("status").unwrap();
            let values = schema["properties"][name]["oneOf"].as_array().unwrap();
            values.iter().map(|value| value["const"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(consts("platform"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(consts("epay"), ["TRADE_SUCCESS"]);
        assert_eq!(consts("jeepay"), ["1", "2", "4", "3"]);
        assert_eq!(consts("epusdt"), [2]);
        assert_eq!(consts("wechat-v2"), ["SUCCESS", "FAIL"]);
    }

    #[test]
    fn numbers_of_a_profile_are_those_of_the_schema() {
        let swapped = StatusTable::try_new([(4, "failed"), (5, "cancelled")]).unwrap();
        let schema = schema(Dialect::platform(), &swapped);
        let values = schema["properties"]["status"]["oneOf"].as_array().unwrap();
        assert!(values.contains(&json!({"const": 4, "title": "failed"})), "{values:?}");
    }
}
