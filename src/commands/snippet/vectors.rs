//! Signature vectors of a dialect, in the form of the platform's published ones.

use protocol::internal::canonical::canonicalize;
use protocol::internal::signature::sign;
use protocol::{Algorithm, Dialect, Key, Payload};
use serde_json::{Value, json};

use super::render::schemes;

/// Payloads in which a verifier of one's own is most often wrong: `id`, JSON text.
const PAYLOADS: [(&str, &str); 12] = [
    (
        "notification",
        r#"{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#,
    ),
    ("zeros and an empty text", r#"{"b":0,"a":"0","c":"","d":" ","e":false,"f":true,"g":null}"#),
    ("numbers as written", r#"{"a":1.10,"b":1e3,"c":-0,"d":9007199254740993,"e":1E+2,"f":0.0}"#),
    ("nothing is URL-encoded", r#"{"name":"王 小+头","url":"https:\/\/a.example/cb?x=1&y=%2F"}"#),
    ("escapes", r#"{"a":"\u4e2d\ud83d\ude00\"\\\/\b\f\n\r\t\u0001\u007f\u2028","\u0062":"&lt;"}"#),
    ("order of names", r#"{"b":1,"B":2,"a1":3,"a":4,"a_":5,"10":6,"9":7,"王":8,"aB":9}"#),
    ("order of far names", r#"{"\uff5e":1,"\ud83d\ude00":2,"\ue000":3,"z":4,"__proto__":5}"#),
    ("an array", r#"{"l": [ "12345" , 67890, 1.10, null, true, "" ], "z":[]}"#),
    (
        "an object",
        r#"{"o": { "b" : "x\/y\u4e2d" , "a": [ {"\u0061":"\u0001\b\u2028<'>\u007f"} ] }, "p":{}}"#,
    ),
    ("names like numbers", r#"{"1":"a","0":"b","-1":"c","01":"d","":"e"}"#),
    ("prices as text", r#"{"amount":"1000.0000","time":"2026-03-31T00:00:00+08:00"}"#),
    ("white space", " {\t\"b\" :\r\n\"x \" , \"a\":\" y\" } \n"),
];

const KEY: &str = "ThisIsYourSecretKey123";

pub(super) fn of(dialect: &Dialect, required: Option<Algorithm>) -> String {
    let vectors: Vec<Value> = PAYLOADS
        .iter()
        .filter_map(|(id, payload)| vector(id, payload, dialect, required))
        .collect();
    let mut text = serde_json::to_string_pretty(&vectors).unwrap_or_default();
    text.push('\n');
    text
}

fn vector(id: &str, text: &str, dialect: &Dialect, required: Option<Algorithm>) -> Option<Value> {
    let payload = Payload::parse(text.as_bytes()).ok()?;
    let key = Key::try_new(KEY.as_bytes().to_vec()).ok()?;
    let mut vector = json!({"id": id, "payload": text, "key": KEY});
    for scheme in schemes(dialect, required) {
        let canonical = canonicalize(&payload, scheme);
        vector["canonical"] = json!(canonical.as_str());
        let digest = sign(&canonical, scheme, &key);
        vector[scheme.algorithm.id().replace('-', "_")] = json!(digest.as_str());
    }
    Some(vector)
}

#[cfg(test)]
mod tests {
    use protocol::internal::dialect::DIALECTS;

    use super::*;

    #[test]
    fn every_payload_is_read_and_signed_in_every_dialect() {
        for dialect in &DIALECTS {
            let vectors: Vec<Value> = serde_json::from_str(&of(dialect, None)).unwrap();
            assert_eq!(vectors.len(), PAYLOADS.len());
            for vector in vectors {
                for scheme in dialect.schemes.iter() {
                    let digest = &vector[scheme.algorithm.id().replace('-', "_")];
                    assert_eq!(digest.as_str().unwrap().len(), scheme.algorithm.digits());
                }
            }
        }
    }
}
