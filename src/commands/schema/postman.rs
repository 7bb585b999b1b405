//! A Postman collection (v2.1) of a dialect: a request for each status, and a script that signs
//! whatever its body or query holds when it is sent.

use std::borrow::Cow;

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::internal::layout::FIELDS;
use protocol::{Algorithm, Dialect, Encoding, Layout, Status, StatusTable, Times, Transport};
use serde_json::{Value as Json, json};

use super::super::snippet::language::Language;
use super::super::snippet::render::{node_parsing, node_schemes};
use super::notification::notified;
use crate::net::options::RequestOptions;

const FORMAT: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
const SCRIPT: &str = include_str!("postman.js");

pub(super) fn collection(
    dialect: &Dialect,
    chosen: Option<Algorithm>,
    statuses: &StatusTable,
) -> Json {
    let items: Vec<Json> = notified(&dialect.layout, statuses)
        .map(|status| {
            json!({
                "name": status.name,
                "request": request(dialect, chosen, status, statuses),
                "response": [],
            })
        })
        .collect();
    json!({
        "info": {
            "name": format!("Payout notifications of {}", dialect.title),
            "description": "Set the variables notify_url and payout_notify_key, then send. Any \
                            field can be changed: the signature is computed when it is sent.",
            "schema": FORMAT,
        },
        "variable": [
            {"key": "notify_url", "value": "http://127.0.0.1:8787/notify"},
            {"key": "payout_notify_key", "value": ""},
        ],
        "event": [
            event("prerequest", &signing_script(dialect)),
            event("test", &test_script(&dialect.acknowledgement())),
        ],
        "item": items,
    })
}

fn event(listen: &str, script: &str) -> Json {
    let lines: Vec<&str> = script.lines().collect();
    json!({"listen": listen, "script": {"type": "text/javascript", "exec": lines}})
}

fn request(
    dialect: &Dialect,
    chosen: Option<Algorithm>,
    status: Status,
    statuses: &StatusTable,
) -> Json {
    let layout = &dialect.layout;
    let fields = fields(dialect, chosen, status, statuses);
    let options = RequestOptions::default().laid_out(layout);
    if layout.transport == Transport::Query {
        let query: Vec<Json> =
            fields.iter().map(|(name, json)| json!({"key": name, "value": plain(json)})).collect();
        let pairs = pairs(&fields);
        return json!({
            "method": layout.method,
            "header": [],
            "url": {"raw": format!("{{{{notify_url}}}}?{pairs}"), "host": ["{{notify_url}}"], "query": query},
        });
    }
    json!({
        "method": layout.method,
        "header": [{"key": "Content-Type", "value": options.content_type}],
        "url": "{{notify_url}}",
        "body": {"mode": "raw", "raw": body(layout, &fields)},
    })
}

/// The fields with their values as JSON; ids and Unix times are Postman's own variables.
fn fields(
    dialect: &Dialect,
    chosen: Option<Algorithm>,
    status: Status,
    statuses: &StatusTable,
) -> Vec<(String, String)> {
    let layout = &dialect.layout;
    let logical = FIELDS.iter().filter_map(|logical| {
        let json = match (*logical, layout.times) {
            ("payout_id", _) => "\"POT{{$guid}}\"".to_owned(),
            ("payout_cl_id", _) => "\"{{$guid}}\"".to_owned(),
            ("platform_id", _) => "\"PF0014\"".to_owned(),
            ("amount" | "real_amount", _) => "400000".to_owned(),
            ("fee", _) => "3200".to_owned(),
            ("status", _) => status.code.to_string(),
            ("error_msg", _) if i64::from(status.code) != statuses.failed() => return None,
            ("error_msg", _) => "\"beneficiary account rejected\"".to_owned(),
            (_, Times::Seconds) => "{{$timestamp}}".to_owned(),
            (_, Times::Milliseconds) => "{{$timestamp}}000".to_owned(),
            // Postman has no variable in these forms.
            ("create_time", _) => "1567614049".to_owned(),
            _ => "1567614111".to_owned(),
        };
        Some((*logical, Cow::Owned(json)))
    });
    let mut fields = layout.notification(logical, statuses);
    if dialect.schemes.len() > 1 {
        let algorithm = chosen.unwrap_or(dialect.first().algorithm);
        fields.push(("sign_type".to_owned(), json!(algorithm.name()).to_string()));
    }
    fields
}

/// The text of a JSON value; a variable is its own text.
fn plain(json: &str) -> String {
    serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned())
}

fn body(layout: &Layout, fields: &[(String, String)]) -> String {
    match layout.transport.encoding() {
        Encoding::Xml => {
            let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
            let element = |(name, json): &(String, String)| {
                format!("  <{name}>{}</{name}>\n", escape(&plain(json)))
            };
            format!("<xml>\n{}</xml>", fields.iter().map(element).collect::<String>())
        }
        Encoding::Form => pairs(fields),
        _ => {
            let line = |(name, json): &(String, String)| format!("  {}: {json}", json!(name));
            format!("{{\n{}\n}}", fields.iter().map(line).collect::<Vec<_>>().join(",\n"))
        }
    }
}

fn pairs(fields: &[(String, String)]) -> String {
    // Postman's variables must stay as they are; nothing else in an example needs to.
    let encode = |text: &str| {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        text.replace("%7B%7B%24", "{{$").replace("%7D%7D", "}}")
    };
    let pair =
        |(name, json): &(String, String)| format!("{}={}", encode(name), encode(&plain(json)));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn signing_script(dialect: &Dialect) -> String {
    SCRIPT
        .replace("@DIALECT@", &dialect.id)
        .replace("@TRANSPORT@", &Language::Node.literal(dialect.layout.transport.name()))
        .replace("@PARSING@", node_parsing())
        .replace("@SCHEMES@", &node_schemes(dialect))
}

fn test_script(rule: &AcknowledgementRule) -> String {
    let literal = |text: &str| Language::Node.literal(text);
    let expectation = match rule {
        AcknowledgementRule::ErrorCode => {
            "pm.expect(pm.response.json().error_code).to.equal('0000');".to_owned()
        }
        AcknowledgementRule::Members(reply) => {
            format!("pm.expect(pm.response.json()).to.deep.include(JSON.parse({}));", literal(reply))
        }
        AcknowledgementRule::ReturnCode => {
            "pm.expect(text()).to.match(/<return_code>\\s*(<!\\[CDATA\\[SUCCESS\\]\\]>|SUCCESS)\\s*<\\/return_code>/);".to_owned()
        }
        AcknowledgementRule::Word(word) => {
            format!("pm.expect(text().trim()).to.equal({});", literal(word))
        }
    };
    // Bruno, which imports the collection, has no text of a reply but its body.
    let text = match expectation.contains("text()") {
        true => {
            "const text = () => (typeof bru === 'undefined' ? pm.response.text() : `${res.getBody()}`);\n"
        }
        false => "",
    };
    format!(
        "{text}pm.test('acknowledged', () => {{\n  pm.expect(pm.response.code).to.be.within(200, 299);\n  \
         {expectation}\n}});\n"
    )
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect::DIALECTS;

    use super::*;

    #[test]
    fn the_script_is_filled_and_holds_no_key() {
        for dialect in &DIALECTS {
            let script = signing_script(dialect);
            for part in ["@SCHEMES@", "@PARSING@", "@TRANSPORT@", "@DIALECT@", "createHash"] {
                assert!(!script.contains(part), "{part} in {script}");
            }
            for part in ["const SCHEMES = new Map", "function parse(", "function pairs("] {
                assert_eq!(script.matches(part).count(), 1, "{part} in {script}");
            }
        }
    }

    #[test]
    fn a_request_has_the_dialects_fields() {
        let collection =
            |id: &str| collection(Dialect::built_in(id).unwrap(), None, &StatusTable::PLATFORM);
        let first = |id: &str| collection(id)["item"][0]["request"].clone();
        let body = |id: &str| first(id)["body"]["raw"].as_str().unwrap().to_owned();
        assert!(body("platform").contains("\"create_time\": {{$timestamp}},\n"));
        assert!(body("platform").ends_with("\"sign_type\": \"MD5\"\n}"));
        assert!(body("jeepay").contains("transferId=POT{{$guid}}&mchOrderNo={{$guid}}&"));
        assert!(body("wechat-v2").contains("  <time_end>20190904162151</time_end>\n"));
        let url = first("epay")["url"]["raw"].to_string();
        assert!(url.starts_with("\"{{notify_url}}?name=payout&"), "{url}");
        assert_eq!(collection("platform")["item"].as_array().unwrap().len(), 7);
        assert_eq!(collection("epay")["item"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_chosen_digest_is_the_sign_type() {
        let hmac = Some(Algorithm::HmacSha256);
        let made = collection(Dialect::platform(), hmac, &StatusTable::PLATFORM);
        assert!(made.to_string().contains(r#"\"sign_type\": \"HMAC-SHA256\""#), "{made}");
    }
}
