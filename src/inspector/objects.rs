//! The objects of the API, which the page reads too.

use std::borrow::Cow;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::{Encoding, Kind, StatusTable};
use serde::Serialize;

use super::explanation::{Canonical, Explanation};
use super::replay::{encoding_of, signed_part};
use crate::mask::{Untrusted, outside};
use crate::receiver::callback::Callback;
use crate::receiver::received::{Forwarded, Match, Received};
use crate::report::diagnosis::{self, HitJson};
use crate::report::json::{FindingJson, HeaderJson, findings, headers};
use crate::report::redact::FieldRedactor;

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

/// A callback in a list: bounded, however long what came is.
#[derive(Serialize)]
pub(super) struct CallbackRow {
    id: u64,
    at_ms: i64,
    method: String,
    path: String,
    bytes: usize,
    code: String,
    valid: bool,
    signature: Option<&'static str>,
    explanation: Option<String>,
    order: Option<String>,
    status: Option<i64>,
    status_name: Option<&'static str>,
    amount_cents: Option<i64>,
    delivery: Option<u64>,
    reply_status: Option<u16>,
    action: Option<String>,
    forwarded: Option<ForwardedRow>,
}

#[derive(Serialize)]
struct ForwardedRow {
    /// `None` where the application gave no reply.
    status: Option<u16>,
    acknowledges: bool,
    elapsed_ms: u64,
}

impl CallbackRow {
    /// The same without the fields that are to be hidden.
    pub(super) fn redacted(
        entry: &Received,
        statuses: &StatusTable,
        redactor: &mut FieldRedactor,
    ) -> CallbackRow {
        match redactor.is_needed() {
            true => CallbackRow::of(&redactor.redact(entry.clone()), statuses),
            false => CallbackRow::of(entry, statuses),
        }
    }

    pub(super) fn of(entry: &Received, statuses: &StatusTable) -> CallbackRow {
        let Received { id, callback, judged, replied, forwarded, .. } = entry;
        let status = judged.status.and_then(|code| statuses.status(Kind::Payout, code));
        CallbackRow {
            id: *id,
            at_ms: callback.received_at.as_millisecond(),
            method: brief(&callback.method),
            path: brief(&callback.path),
            bytes: callback.body.len(),
            code: brief(&judged.code),
            valid: judged.is_valid(),
            signature: judged.signature.map(Match::name),
            explanation: judged.explanation.as_deref().map(brief),
            order: judged.order_id.as_ref().map(|id| brief(Untrusted::new(id))),
            status: judged.status,
            status_name: status.map(|status| status.name),
            amount_cents: judged.amount_cents,
            delivery: judged.delivery,
            reply_status: replied.status,
            action: replied.action.as_ref().map(brief),
            forwarded: forwarded.as_ref().map(|forwarded| ForwardedRow {
                status: forwarded.result.as_ref().ok().map(|reply| reply.status),
                acknowledges: forwarded.result.as_ref().is_ok_and(|reply| reply.acknowledges),
                elapsed_ms: milliseconds(forwarded.elapsed),
            }),
        }
    }
}

/// Callbacks, newest first.
#[derive(Serialize)]
pub(super) struct CallbackList {
    pub(super) callbacks: Vec<CallbackRow>,
    /// `before` of the next part; `None` where this is all.
    pub(super) next: Option<u64>,
    /// Before this number nothing was looked at; `None` where all was.
    pub(super) searched_to: Option<u64>,
    pub(super) searched_to_ms: Option<i64>,
}

/// What a wait ended with.
#[derive(Serialize)]
pub(super) struct Waited {
    /// The newest callbacks that match, oldest first.
    pub(super) callbacks: Vec<CallbackRow>,
    /// How many did not come in time.
    pub(super) missing: usize,
}

#[derive(Serialize)]
pub(super) struct CallbackDetail<'a> {
    row: CallbackRow,
    /// Whole, unlike the row's: the page asks for the attempts of this order by it.
    order: Option<Untrusted<&'a String>>,
    remote: SocketAddr,
    method: &'a Untrusted<String>,
    path: &'a Untrusted<String>,
    headers: Vec<HeaderJson<'a>>,
    body: ReceivedText,
    editable: Editable<'a>,
    explanation: Explained<'a>,
    reply: ReplyDetail<'a>,
    forwarded: Option<SentRequest<'a>>,
}

#[derive(Serialize)]
struct ReplyDetail<'a> {
    status: Option<u16>,
    headers: Vec<HeaderJson<'a>>,
    body: ReceivedText,
    action: Option<&'a str>,
}

impl<'a> CallbackDetail<'a> {
    pub(super) fn of(
        entry: &'a Received,
        statuses: &StatusTable,
        explanation: &'a Explanation,
        extent: Extent,
    ) -> CallbackDetail<'a> {
        let Received { callback, replied, .. } = entry;
        CallbackDetail {
            row: CallbackRow::of(entry, statuses),
            order: entry.judged.order_id.as_ref().map(|id| Untrusted::new(id.raw())),
            remote: callback.remote,
            method: &callback.method,
            path: &callback.path,
            headers: headers(&callback.headers),
            body: ReceivedText::of(&callback.body, extent),
            editable: Editable::of(callback, extent),
            explanation: Explained::of(explanation),
            reply: ReplyDetail {
                status: replied.status,
                headers: headers(&replied.headers),
                body: ReceivedText::of(&replied.body, extent),
                action: replied.action.as_deref(),
            },
            forwarded: entry.forwarded.as_ref().map(|forwarded| SentRequest::of(forwarded, extent)),
        }
    }
}

/// A request that was sent, to the application or by a replay, and what came back.
#[derive(Serialize)]
pub(super) struct SentRequest<'a> {
    url: &'a Untrusted<String>,
    elapsed_ms: u64,
    /// Why there is no reply.
    error: Option<&'a str>,
    reply: Option<SentReply<'a>>,
}

#[derive(Serialize)]
struct SentReply<'a> {
    status: u16,
    headers: Vec<HeaderJson<'a>>,
    body: ReceivedText,
    acknowledges: bool,
    remark: Option<&'a str>,
}

impl<'a> SentRequest<'a> {
    pub(super) fn of(sent: &'a Forwarded, extent: Extent) -> SentRequest<'a> {
        SentRequest {
            url: &sent.url,
            elapsed_ms: milliseconds(sent.elapsed),
            error: sent.result.as_ref().err().map(String::as_str),
            reply: sent.result.as_ref().ok().map(|reply| SentReply {
                status: reply.status,
                headers: headers(&reply.headers),
                body: ReceivedText::of(&reply.body, extent),
                acknowledges: reply.acknowledges,
                remark: reply.remark.as_deref(),
            }),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Signed<'a> {
    pub(super) text: Untrusted<Cow<'a, str>>,
}

#[derive(Serialize)]
pub(super) struct CurlCommand {
    pub(super) command: Untrusted<String>,
}

#[derive(Serialize)]
pub(super) struct Deleted {
    pub(super) deleted: u64,
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The signed part as text that can be edited.
#[derive(Serialize)]
struct Editable<'a> {
    encoding: &'static str,
    /// `None` where it is not UTF-8, or too long.
    text: Option<Untrusted<&'a str>>,
}

impl<'a> Editable<'a> {
    fn of(callback: &'a Callback, extent: Extent) -> Editable<'a> {
        let encoding = match encoding_of(callback) {
            Encoding::Form => "form",
            Encoding::Query => "query",
            Encoding::Xml => "xml",
            _ => "json",
        };
        let part = std::str::from_utf8(signed_part(callback)).ok();
        let part = part.filter(|part| part.len() <= extent.bytes());
        Editable { encoding, text: part.map(Untrusted::new) }
    }
}

#[derive(Serialize)]
struct Explained<'a> {
    summary: &'a str,
    code: &'a str,
    canonical: Option<&'a Canonical>,
    findings: Vec<FindingJson<'a>>,
    weaknesses: Vec<WeaknessJson>,
    diagnosis: Option<DiagnosisJson<'a>>,
}

#[derive(Serialize)]
struct WeaknessJson {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct DiagnosisJson<'a> {
    hits: Vec<HitJson<'a>>,
    /// How many digests were compared.
    digests: usize,
}

impl<'a> Explained<'a> {
    fn of(explanation: &'a Explanation) -> Explained<'a> {
        let weaknesses = explanation.weaknesses.iter().map(|weakness| WeaknessJson {
            code: weakness.code(),
            message: weakness.explanation(),
        });
        let diagnosis = explanation.diagnosis.as_ref();
        Explained {
            summary: &explanation.summary,
            code: &explanation.code,
            canonical: explanation.canonical.as_ref(),
            findings: findings(&explanation.findings),
            weaknesses: weaknesses.collect(),
            diagnosis: diagnosis.map(|diagnosis| DiagnosisJson {
                hits: diagnosis::hits(Some(diagnosis), "the sender"),
                digests: diagnosis.digests,
            }),
        }
    }
}

/// Received bytes as a person reads them.
#[derive(Serialize)]
pub(super) struct ReceivedText {
    bytes: usize,
    /// At most the extent; what is not UTF-8 as `\xNN`.
    text: String,
    utf8: bool,
    /// Whether the text is all of it.
    whole: bool,
}

impl ReceivedText {
    pub(super) fn of(bytes: &[u8], extent: Extent) -> ReceivedText {
        let max = extent.bytes();
        let (text, utf8) = match std::str::from_utf8(bytes) {
            Ok(text) => (beginning(text, max).0, true),
            Err(_) => (outside(&readable(&bytes[..bytes.len().min(max)])).into_owned(), false),
        };
        ReceivedText { bytes: bytes.len(), text, utf8, whole: bytes.len() <= max }
    }
}

/// ReceivedText as text; what is not UTF-8 as `\xNN`.
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
    use serde_json::{Value, json};

    use super::*;
    use crate::receiver::example;

    fn json(object: impl Serialize) -> Value {
        serde_json::to_value(object).unwrap()
    }

    #[test]
    fn a_row_is_short_whatever_came() {
        let mut entry = (*example::entry(1, &"x".repeat(100_000), b"{}")).clone();
        entry.callback.path = "/é".repeat(50_000).into();
        entry.judged.explanation = Some("y".repeat(100_000));
        assert!(json(CallbackRow::of(&entry, &StatusTable::PLATFORM)).to_string().len() < 3000);
    }

    #[test]
    fn a_long_body_is_shown_in_part_until_asked_for() {
        let body = "é".repeat(SHOWN_BYTES);
        let part = json(ReceivedText::of(body.as_bytes(), Extent::Beginning));
        assert_eq!(part["text"].as_str().unwrap().len(), SHOWN_BYTES);
        assert_eq!((&part["whole"], &part["bytes"]), (&json!(false), &json!(SHOWN_BYTES * 2)));
        assert_eq!(ReceivedText::of(body.as_bytes(), Extent::Whole).text, body);
        let odd = ReceivedText::of(b"a\xff\xc3b", Extent::Beginning);
        assert_eq!((&*odd.text, odd.utf8), ("a\\xff\\xc3b", false));
    }

    #[test]
    fn only_text_can_be_edited() {
        let editable = |body: &[u8]| {
            json(Editable::of(&example::entry(1, "P", body).callback, Extent::Beginning))
        };
        assert_eq!(editable(b"{}"), json!({"encoding": "json", "text": "{}"}));
        assert_eq!(editable(b"\xff")["text"], Value::Null);
        assert_eq!(editable(&vec![b' '; SHOWN_BYTES + 1])["text"], Value::Null);
    }
}
