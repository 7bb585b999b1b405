//! Lines that this program recorded: where a line of NDJSON is not a payload but holds one.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::{Payload, PayloadError, Value};

use super::error::BadLine;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded<'p> {
    Payload,
    Body(Cow<'p, [u8]>),
    Frame,
    Event,
}

/// What a line of this number stands for.
///
/// `listen --format json` writes the type `callback`, `inbox export` the type `inbox-entry`; the
/// text of the body is under `body`, or, where it is not UTF-8, under `body_base64`.
pub fn recorded<'p>(number: u64, line: &'p Payload<'_>) -> Result<Recorded<'p>, BadLine> {
    let text = |name| match line.get(name).map(|member| &member.value) {
        Some(Value::String(text)) => Some(&**text),
        _ => None,
    };
    let Some(kind) = text("type") else { return Ok(Recorded::Payload) };
    let has_version = line.get("schema_version").is_some();
    let is_callback = matches!(kind, "callback" | "inbox-entry");
    if let (true, Some(body)) = (is_callback, text("body")) {
        return Ok(Recorded::Body(Cow::Borrowed(body.as_bytes())));
    }
    if !has_version {
        return Ok(Recorded::Payload);
    }
    match kind {
        _ if is_callback => match text("body_base64").map(|text| STANDARD.decode(text)) {
            Some(Ok(body)) => Ok(Recorded::Body(Cow::Owned(body))),
            _ => Err(BadLine::in_member(number, "body", "the callback has no text here")),
        },
        // A payload must not pass unverified because it calls itself something else.
        "ready" | "summary" if line.get("sign").is_none() => Ok(Recorded::Frame),
        _ => Ok(Recorded::Event),
    }
}

pub fn in_body(number: u64, error: &PayloadError) -> BadLine {
    BadLine::in_member(number, "body", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Recorded<'static>, BadLine> {
        Ok(match recorded(7, &Payload::parse(line.as_bytes()).unwrap())? {
            Recorded::Body(body) => Recorded::Body(Cow::Owned(body.into_owned())),
            Recorded::Payload => Recorded::Payload,
            Recorded::Frame => Recorded::Frame,
            Recorded::Event => Recorded::Event,
        })
    }

    #[test]
    fn a_line_is_known_by_its_type_and_version() {
        let body = |bytes: &[u8]| Recorded::Body(Cow::Owned(bytes.to_vec()));
        for (line, expected) in [
            (r#"{"amount":1}"#, Recorded::Payload),
            (r#"{"type":"bonus","amount":1}"#, Recorded::Payload),
            (r#"{"type":"callback","body":5}"#, Recorded::Payload),
            (r#"{"type":"callback","body":"{}"}"#, body(b"{}")),
            (r#"{"type":"inbox-entry","schema_version":1,"body":"\n"}"#, body(b"\n")),
            (
                r#"{"type":"inbox-entry","schema_version":1,"body":null,"body_base64":"/wA="}"#,
                body(b"\xff\0"),
            ),
            (r#"{"type":"ready","schema_version":1}"#, Recorded::Frame),
            (r#"{"type":"ready","schema_version":1,"sign":"x"}"#, Recorded::Event),
            (r#"{"type":"other","schema_version":1}"#, Recorded::Event),
        ] {
            assert_eq!(of(line), Ok(expected), "{line}");
        }
        for line in [
            r#"{"type":"inbox-entry","schema_version":1,"body_base64":"?"}"#,
            r#"{"type":"callback","schema_version":1}"#,
        ] {
            let told = of(line).unwrap_err().to_string();
            assert_eq!(told, "line 7, member \"body\": the callback has no text here", "{line}");
        }
    }
}
