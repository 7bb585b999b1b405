//! The one signed payload inside other text: an object in JSON or in a line of a log, or a string.

use protocol::{MAX_BYTES, Payload, Value};
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::Layer;
use crate::mask::Untrusted;

/// Fields by which an object is a notification itself: one without a signature.
const OWN_FIELDS: [&str; 5] =
    ["payout_id", "payout_cl_id", "payment_id", "payment_cl_id", "amount"];

/// How many bytes are read in search of objects, each of which may begin many others; a text that
/// needs more is not an accident.
const MAX_WORK: usize = 16 * MAX_BYTES;

/// The payload inside, where there is exactly one.
pub fn only_payload(text: &str, is_signed: &dyn Fn(&[u8]) -> bool) -> Option<Layer> {
    let outer = Payload::parse(text.as_bytes()).ok();
    let is_payload = |outer: &Payload<'_>| OWN_FIELDS.iter().any(|name| outer.get(name).is_some());
    // Else a sender could hide an old, signed payload in a text of an unsigned one.
    if outer.as_ref().is_some_and(is_payload) {
        return None;
    }
    let found = signed(text, is_signed);
    let [one] = &*found else { return None };
    let place = outer.and_then(|outer| place(&outer, one));
    let from = place.unwrap_or_else(|| "the only signed payload in a text".to_owned());
    Some((one.clone(), from))
}

/// The field of the outer object that is the payload.
fn place(outer: &Payload<'_>, inner: &[u8]) -> Option<String> {
    outer.members().iter().find_map(|member| {
        let (kind, text) = match &member.value {
            Value::Object(json) => ("object", *json),
            Value::String(text) => ("string", &**text),
            _ => return None,
        };
        (text.as_bytes() == inner).then(|| format!("the {kind} {}", Untrusted::new(&member.name)))
    })
}

/// The signed objects, and the strings beside them that hold a signed payload.
pub fn signed(text: &str, is_signed: &dyn Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    let (mut beside, mut work) = (String::new(), 0);
    // A line of a log may have quotation marks in quotation marks: objects come first.
    while let Some(at) = rest.find('{') {
        let (length, looked_at) = object(&rest[at..]);
        work += looked_at;
        if work > MAX_WORK {
            return Vec::new();
        }
        let json = length.map(|length| rest.as_bytes()[at..at + length].to_vec());
        let json = json.filter(|json| is_signed(json));
        let end = at + json.as_ref().map_or(1, Vec::len);
        beside.push_str(&rest[..if json.is_some() { at } else { end }]);
        rest = &rest[end..];
        found.extend(json);
    }
    beside.push_str(rest);
    let mut rest = &*beside;
    while let Some(at) = rest.find('"') {
        rest = &rest[at..];
        let end = end_of_string(rest);
        let inner = rest.get(..=end).and_then(|json| serde_json::from_str::<String>(json).ok());
        // Every quotation mark before the end is escaped: a string from there on ends there too.
        rest = &rest[end + usize::from(inner.is_some())..];
        found.extend(inner.map(String::into_bytes).filter(|inner| is_signed(inner)));
    }
    found
}

/// Where the quotation mark that ends a JSON string is, or what no string can hold.
fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    let ends = text.bytes().skip(1).position(|byte| {
        let ends = byte < b' ' || (byte == b'"' && !is_escaped);
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    ends.map_or(text.len(), |before| before + 1)
}

/// How long the JSON object at the beginning is, where there is one, and how many bytes were read
/// to see it.
fn object(text: &str) -> (Option<usize>, usize) {
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => (Some(values.byte_offset()), values.byte_offset()),
        Some(Err(error)) => {
            let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
            (None, lines.map(str::len).sum::<usize>() + error.column())
        }
        None => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"a":"{\"}","sign":"00"}"#;

    fn found(text: &str) -> Option<(String, String)> {
        let is_signed = |bytes: &[u8]| super::super::is_signed(bytes, "sign");
        let (inner, from) = only_payload(text, &is_signed)?;
        Some((String::from_utf8(inner).unwrap(), from))
    }

    #[test]
    fn the_only_signed_payload_is_found() {
        let quoted = serde_json::to_string(BODY).unwrap();
        let text = "the only signed payload in a text";
        for (around, from) in [
            (format!("{{\"code\":0,\"data\":{BODY}}}"), "the object data"),
            (format!("{{\"code\":0,\"data\":{quoted}}}"), "the string data"),
            (format!("{{\"a\":{{\"b\":[{BODY},{{}}]}}}}"), text),
            (format!("[{BODY}]"), text),
            (format!("INFO {{x}} received: {BODY} {{\"a\":1}}"), text),
            (format!("\"POST\" \"{BODY}\" \"-\""), text),
            (format!("'{BODY}'"), text),
            (format!("\"\n{quoted}"), text),
            (format!("Content-Type: a\n\n{BODY}"), text),
        ] {
            assert_eq!(found(&around), Some((BODY.to_owned(), from.to_owned())), "{around}");
        }
    }

    #[test]
    fn two_payloads_or_one_in_an_unsigned_one_are_not_read() {
        let other = BODY.replace("00", "11");
        let quoted = serde_json::to_string(BODY).unwrap();
        for text in [
            format!("[{BODY},{other}]"),
            format!("{BODY}\n{BODY}\n"),
            format!("{BODY} {quoted}"),
            format!("{{\"payout_id\":\"P1\",\"memo\":{BODY}}}"),
            format!("{{\"amount\":1,\"memo\":{quoted}}}"),
            "{}".to_owned(),
            "{\"a\":".repeat(200_000),
            "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000),
            "{\"a\":\n".repeat(100_000) + "x",
            "{\"".repeat(100_000),
            "\\\"".repeat(200_000),
            "\\\"".repeat(200_000) + "\\x\"",
            "\\\"".repeat(200_000) + "\n",
        ] {
            assert_eq!(found(&text), None);
        }
    }
}
