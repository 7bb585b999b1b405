//! An OpenAPI 3.1 document of a dialect: the platform calls, so the notification is a webhook.

use protocol::internal::platform_code::content_type_of;
use protocol::{Dialect, StatusTable, Transport};
use serde_json::{Value as Json, json};

use super::{notification, reply};
use crate::net::options::RequestOptions;

pub(super) fn document(dialect: &Dialect, statuses: &StatusTable) -> Json {
    let notification = notification::schema(dialect, statuses);
    let mut operation = json!({
        "operationId": "notify",
        "summary": "The platform notifies the merchant of a payout",
        "description": "Sent again until the merchant acknowledges it.",
        "responses": responses(dialect),
    });
    let mut schemas = json!({"Reply": in_xml(reply::schema(dialect), reply_type(dialect))});
    if dialect.layout.transport == Transport::Query {
        operation["parameters"] = parameters(&notification);
    } else {
        let options = RequestOptions::default().laid_out(&dialect.layout);
        let media = media_type(options.content_type);
        schemas["Notification"] = in_xml(notification, media);
        operation["requestBody"] = json!({
            "required": true,
            "content": {media: {"schema": {"$ref": "#/components/schemas/Notification"}}},
        });
    }
    let method = dialect.layout.method.to_ascii_lowercase();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Payout notifications of {}", dialect.title),
            "description": signing(dialect),
            "version": env!("CARGO_PKG_VERSION"),
        },
        // The signature is a field of the notification, which no security scheme describes.
        "security": [],
        "webhooks": {"payoutNotification": {method: operation}},
        "components": {"schemas": schemas},
    })
}

fn signing(dialect: &Dialect) -> String {
    let ways: Vec<String> = dialect
        .schemes
        .iter()
        .map(|scheme| {
            let after = scheme.suffix.notation() + &scheme.composition.notation();
            let name = scheme.algorithm.name();
            if after.is_empty() { format!("{name} of S") } else { format!("{name} of S{after}") }
        })
        .collect();
    format!(
        "Every notification is signed in the field {}: {}, where S is the canonical string and \
         KEY is the key. Verify the signature before using any field.",
        dialect.sign_field(),
        ways.join(", or ")
    )
}

fn media_type(content_type: &'static str) -> &'static str {
    content_type.split(';').next().unwrap_or(content_type)
}

fn reply_type(dialect: &Dialect) -> &'static str {
    media_type(content_type_of(&dialect.success_reply))
}

/// A schema whose root element has a name in XML.
fn in_xml(mut schema: Json, media: &str) -> Json {
    if media == "text/xml" {
        schema["xml"] = json!({"name": "xml"});
    }
    schema
}

fn responses(dialect: &Dialect) -> Json {
    let content = json!({reply_type(dialect): {
        "schema": {"$ref": "#/components/schemas/Reply"},
    }});
    json!({
        "2XX": {"description": "Acknowledged, if the body is the success reply", "content": content},
        "4XX": {"description": "Refused: the notification is sent again"},
        "5XX": {"description": "Failed: the notification is sent again"},
    })
}

/// The fields as query parameters.
fn parameters(notification: &Json) -> Json {
    let required = notification["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|it| it == name));
    let fields = notification["properties"].as_object();
    let parameter = |(name, schema): (&String, &Json)| json!({"name": name, "in": "query", "required": is_required(name), "schema": schema});
    fields.into_iter().flatten().map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> Json {
        document(Dialect::built_in(id).unwrap(), &StatusTable::PLATFORM)
    }

    #[test]
    fn the_notification_is_where_the_dialect_sends_it() {
        for (id, method, media) in [
            ("platform", "post", "application/json"),
            ("wechat-v2", "post", "text/xml"),
            ("jeepay", "post", "application/x-www-form-urlencoded"),
        ] {
            let document = of(id);
            let operation = &document["webhooks"]["payoutNotification"][method];
            let schema = &operation["requestBody"]["content"][media]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Notification", "{id}");
        }
        let document = of("epay");
        let operation = &document["webhooks"]["payoutNotification"]["get"];
        assert_eq!(operation["requestBody"], Json::Null);
        let parameters = operation["parameters"].as_array().unwrap();
        let required: Vec<&Json> =
            parameters.iter().filter(|it| it["required"] == true).map(|it| &it["name"]).collect();
        assert_eq!(required.len(), 4, "{required:?}");
    }

    #[test]
    fn the_description_says_how_it_is_signed() {
        let text = of("platform")["info"]["description"].to_string();
        assert!(text.contains("MD5 of S&KEY, or HMAC-SHA256 of S"), "{text}");
    }
}
