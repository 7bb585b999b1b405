//! The JSON Schema of the reply that a dialect's platform waits for.

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::{Dialect, PlatformCode};
use serde_json::{Map, Value as Json, json};

use super::notification::DRAFT;

const CODES: [PlatformCode; 6] = [
    PlatformCode::Success,
    PlatformCode::InvalidParameters,
    PlatformCode::BadSignature,
    PlatformCode::NotJson,
    PlatformCode::UnsupportedContentType,
    PlatformCode::UnsupportedMethod,
];

pub(super) fn document(dialect: &Dialect) -> Json {
    let mut schema = schema(dialect);
    schema["$schema"] = json!(DRAFT);
    schema
}

pub(super) fn schema(dialect: &Dialect) -> Json {
    let mut schema = match dialect.acknowledgement() {
        AcknowledgementRule::ErrorCode => error_code(),
        AcknowledgementRule::Members(reply) => members(&reply),
        AcknowledgementRule::ReturnCode => json!({
            "type": "object",
            "description": "The fields of the XML element. Only SUCCESS acknowledges.",
            "properties": {
                "return_code": {"type": "string", "enum": ["SUCCESS", "FAIL"]},
                "return_msg": {"type": "string"},
            },
            "required": ["return_code"],
        }),
        AcknowledgementRule::Word(word) => json!({
            "type": "string",
            "description": "The whole body. Every other text refuses.",
            "const": word,
        }),
    };
    schema["title"] = json!(format!("Reply to a notification of {}", dialect.title));
    schema
}

fn error_code() -> Json {
    let code = |code: &PlatformCode| json!({"const": code.code(), "title": code.message()});
    json!({
        "type": "object",
        "description": "Only the text \"0000\" acknowledges.",
        "properties": {
            "error_code": {
                "type": "string",
                "oneOf": CODES.iter().map(code).collect::<Vec<Json>>(),
            },
            "error_msg": {"type": "string"},
        },
        "required": ["error_code"],
    })
}

/// Every field of the reply with its value; others may be there too.
fn members(reply: &str) -> Json {
    let fields: Map<String, Json> = serde_json::from_str(reply).unwrap_or_default();
    let properties: Map<String, Json> =
        fields.iter().map(|(name, value)| (name.clone(), json!({"const": value}))).collect();
    let required: Vec<&String> = fields.keys().collect();
    json!({"type": "object", "properties": properties, "required": required})
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect_file;

    use super::*;

    fn is_valid(dialect: &Dialect, reply: &Json) -> bool {
        jsonschema::validator_for(&document(dialect)).unwrap().is_valid(reply)
    }

    #[test]
    fn the_platforms_codes_are_texts() {
        let platform = Dialect::platform();
        for code in CODES {
            let reply = serde_json::from_str(&code.body_because(code.message())).unwrap();
            assert!(is_valid(platform, &reply), "{reply}");
        }
        for wrong in [
            json!({"error_code": 0}),
            json!({"error_code": "0"}),
            json!({}),
            json!("success"),
            json!({"data": {"error_code": "0000"}}),
        ] {
            assert!(!is_valid(platform, &wrong), "{wrong}");
        }
    }

    #[test]
    fn other_replies_are_what_the_dialect_expects() {
        let epay = Dialect::built_in("epay").unwrap();
        assert!(is_valid(epay, &json!("success")) && !is_valid(epay, &json!("SUCCESS")));
        let wechat = Dialect::built_in("wechat-v2").unwrap();
        assert!(is_valid(wechat, &json!({"return_code": "SUCCESS", "return_msg": "OK"})));
        assert!(!is_valid(wechat, &json!({"return_code": "success"})));
        let text = "id = \"own\"\nsuccess_reply = '{\"code\":0,\"msg\":\"ok\"}'\n[[scheme]]\nalgorithm = \"md5\"\n";
        let own = dialect_file::parse(text).unwrap();
        assert!(is_valid(&own, &json!({"code": 0, "msg": "ok", "more": 1})));
        assert!(!is_valid(&own, &json!({"code": 0})));
        assert!(!is_valid(&own, &json!({"code": "0", "msg": "ok"})));
    }
}
