//! The JSON that the page reads.

use std::fmt::Display;
use std::time::Duration;

use protocol::{Diagnosis, Encoding, Kind, StatusTable};
use serde_json::{Value, json};

use super::explanation::Explanation;
use super::replay::{encoding_of, signed_part};
use crate::mask::{Untrusted, outside};
use crate::receiver::callback::Callback;
use crate::receiver::received::{Forwarded, Match, Received};
use crate::report::diagnosis;
use crate::report::json::findings;

const ROW_CHARS: usize = 200;

pub(super) const SHOWN_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Beginning,
    Whole,
}

impl Extent {
    pub(super) fn bytes(self) -> usize {
        match self {
            Extent::Beginning => SHOWN_BYTES,
            Extent::Whole => usize::MAX,
        }
    }
}

pub(super) fn row(entry: &Received, statuses: &StatusTable) -> Value {
    let Received { id, callback, judged, replied, forwarded, .. } = entry;
    let status = judged.status.and_then(|code| statuses.status(Kind::Payout, code));
    json!({
        "id": id,
        "at_ms": callback.received_at.as_millisecond(),
        "method": brief(&callback.method),
        "path": brief(&callback.path),
        "bytes": callback.body.len(),
        "code": brief(&judged.code),
        "valid": judged.is_valid(),
        "signature": judged.signature.map(Match::name),
        "explanation": judged.explanation.as_deref().map(brief),
        "order": judged.order_id.as_ref().map(|id| brief(Untrusted::new(id))),
        "status": judged.status,
        "status_name": status.map(|status| status.name),
        "amount_cents": judged.amount_cents,
        "delivery": judged.delivery,
        "reply_status": replied.status,
        "action": replied.action.as_ref().map(brief),
        "forwarded": forwarded.as_ref().map(|forwarded| match &forwarded.result {
            Ok(reply) => json!({
                "status": reply.status,
                "acknowledges": reply.acknowledges,
                "elapsed_ms": milliseconds(forwarded.elapsed),
            }),
            Err(_) => json!({
                "status": null,
                "acknowledges": false,
                "elapsed_ms": milliseconds(forwarded.elapsed),
            }),
        }),
    })
}

pub(super) fn detail(
    entry: &Received,
    statuses: &StatusTable,
    explanation: &Explanation,
    extent: Extent,
) -> Value {
    let Received { callback, replied, .. } = entry;
    json!({
        "row": row(entry, statuses),
        // Whole, unlike the row's: the page asks for the attempts of this order by it.
        "order": entry.judged.order_id.as_ref().map(Untrusted::new),
        "remote": callback.remote.to_string(),
        "method": callback.method,
        "path": &callback.path,
        "headers": headers(&callback.headers),
        "body": text(&callback.body, extent),
        "editable": editable(callback, extent),
        "explanation": explained(explanation),
        "reply": {
            "status": replied.status,
            "headers": headers(&replied.headers),
            "body": text(&replied.body, extent),
            "action": replied.action,
        },
        "forwarded": entry.forwarded.as_ref().map(|forwarded| sent(forwarded, extent)),
    })
}

pub(super) fn sent(sent: &Forwarded, extent: Extent) -> Value {
    let elapsed_ms = milliseconds(sent.elapsed);
    match &sent.result {
        Ok(reply) => json!({
            "url": sent.url,
            "elapsed_ms": elapsed_ms,
            "status": reply.status,
            "headers": headers(&reply.headers),
            "body": text(&reply.body, extent),
            "acknowledges": reply.acknowledges,
            "remark": reply.remark,
        }),
        Err(error) => {
            json!({"url": sent.url, "elapsed_ms": elapsed_ms, "error": error})
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn editable(callback: &Callback, extent: Extent) -> Value {
    let encoding = match encoding_of(callback) {
        Encoding::Form => "form",
        Encoding::Query => "query",
        Encoding::Xml => "xml",
        _ => "json",
    };
    let part = std::str::from_utf8(signed_part(callback)).ok();
    let part = part.filter(|part| part.len() <= extent.bytes());
    json!({"encoding": encoding, "text": part.map(Untrusted::new)})
}

fn explained(explanation: &Explanation) -> Value {
    let weaknesses: Vec<Value> = explanation
        .weaknesses
        .iter()
        .map(|weakness| json!({"code": weakness.code(), "message": weakness.explanation()}))
        .collect();
    json!({
        "summary": explanation.summary,
        "code": explanation.code,
        "canonical": explanation.canonical,
        "findings": findings(&explanation.findings),
        "weaknesses": weaknesses,
        "diagnosis": explanation.diagnosis.as_ref().map(diagnosis),
    })
}

fn diagnosis(diagnosis: &Diagnosis) -> Value {
    json!({
        "hits": diagnosis::hits(Some(diagnosis), "the sender"),
        "digests": diagnosis.digests,
    })
}

fn headers(headers: &[(String, Vec<u8>)]) -> Vec<[Untrusted<String>; 2]> {
    headers.iter().map(|(name, value)| [name.clone().into(), readable(value).into()]).collect()
}

pub(super) fn text(bytes: &[u8], extent: Extent) -> Value {
    let max = extent.bytes();
    let (shown, is_text) = match std::str::from_utf8(bytes) {
        Ok(text) => (beginning(text, max).0, true),
        Err(_) => (outside(&readable(&bytes[..bytes.len().min(max)])).into_owned(), false),
    };
    json!({
        "bytes": bytes.len(),
        "text": shown,
        "utf8": is_text,
        "whole": bytes.len() <= max,
    })
}

/// Bytes as text; what is not UTF-8 as `\xNN`.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The beginning of a text, at most so many bytes, never half a character nor half a key; and
/// whether it was cut.
pub(super) fn beginning(text: &str, max: usize) -> (String, bool) {
    let shown = outside(text);
    let end = shown.floor_char_boundary(max);
    (shown[..end].to_owned(), end < shown.len())
}

fn brief(text: impl Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(ROW_CHARS) {
        None => text,
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    #[test]
    fn a_row_is_short_whatever_came() {
        let mut entry = (*example::entry(1, &"x".repeat(100_000), b"{}")).clone();
        entry.callback.path = "/é".repeat(50_000).into();
        entry.judged.explanation = Some("y".repeat(100_000));
        assert!(row(&entry, &StatusTable::PLATFORM).to_string().len() < 3000);
    }

    #[test]
    fn a_long_body_is_shown_in_part_until_asked_for() {
        let body = "é".repeat(SHOWN_BYTES);
        let part = text(body.as_bytes(), Extent::Beginning);
        assert_eq!(part["text"].as_str().unwrap().len(), SHOWN_BYTES);
        assert_eq!((&part["whole"], &part["bytes"]), (&json!(false), &json!(SHOWN_BYTES * 2)));
        assert_eq!(text(body.as_bytes(), Extent::Whole)["text"], body);
        let odd = text(b"a\xff\xc3b", Extent::Beginning);
        assert_eq!((&odd["text"], &odd["utf8"]), (&json!("a\\xff\\xc3b"), &json!(false)));
    }

    #[test]
    fn only_text_can_be_edited() {
        let editable =
            |body: &[u8]| editable(&example::entry(1, "P", body).callback, Extent::Beginning);
        assert_eq!(editable(b"{}"), json!({"encoding": "json", "text": "{}"}));
        assert_eq!(editable(b"\xff")["text"], Value::Null);
        assert_eq!(editable(&vec![b' '; SHOWN_BYTES + 1])["text"], Value::Null);
    }
}
