//! What a merchant's reply means to the platform, and which near misses it resembles.
//!
//! Source: the protocol's section 3. The platform documents only the body; that a status outside
//! 2xx is not an acknowledgement is this toolkit's reading.

use super::payload::{Payload, Value};
use super::untrusted::Untrusted;

mod near_miss;
#[cfg(feature = "xml-replies")]
mod return_code;
mod rule;

pub use rule::{AcknowledgementRule, Slip};

/// The exact reply that acknowledges a notification.
pub const ACKNOWLEDGEMENT_BODY: &str = r#"{"error_code":"0000"}"#;

/// The longest part of a reply that is read, in bytes.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;

/// How much of a merchant's `error_msg` is told, in characters.
pub const MAX_ERROR_MESSAGE: usize = 200;

/// What the platform concludes from a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The notification is acknowledged; the warnings name what is unusual about the reply.
    Acknowledged(Vec<ReplyWarning>),
    /// It is not, and why.
    NotAcknowledged(Refusal),
}

/// Something unusual about a reply that still acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyWarning {
    /// Members beside `error_code`.
    ExtraMembers,
    /// A content type that is not `application/json`.
    ContentType,
    /// A status in 2xx that is not 200.
    Status,
}

impl ReplyWarning {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            ReplyWarning::ExtraMembers => "extra-members",
            ReplyWarning::ContentType => "content-type",
            ReplyWarning::Status => "status-not-200",
        }
    }

    /// The warning in words.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            ReplyWarning::ExtraMembers => "the reply has fields beside error_code",
            ReplyWarning::ContentType => "the reply's content type is not application/json",
            ReplyWarning::Status => "the status is 2xx but not 200",
        }
    }
}

/// Why a reply does not acknowledge; near misses have a name of their own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A redirect: it is not followed.
    #[error("a redirect ({0}) is not followed; reply at the notify URL itself")]
    Redirect(u16),
    /// The right body with a status outside 2xx.
    #[error("the body is right, but status {0} is not 2xx")]
    StatusWithRightBody(u16),
    /// A status outside 2xx.
    #[error("status {0} is not 2xx")]
    Status(u16),
    /// `error_code` is a number, such as `0`.
    #[error("error_code is the number {0}; it must be the string \"0000\"")]
    NumberCode(String),
    /// `error_code` is a string that resembles success, such as `"0"`.
    #[error("error_code is \"{0}\"; it must be the string \"0000\"")]
    ShortCode(String),
    /// Another code: the merchant refuses.
    #[error("the merchant refused with error_code \"{code}\"{}", behind(": ", said.as_ref()))]
    OtherCode {
        /// The code.
        code: String,
        /// What its `error_msg` says, cut to 200 characters.
        said: Option<String>,
    },
    /// `error_code` is neither string nor number.
    #[error("error_code is {0}; it must be the string \"0000\"")]
    CodeType(&'static str),
    /// An object without `error_code`.
    #[error("the JSON object has no error_code")]
    NoCode,
    /// `error_code` in another spelling, such as `errorCode`.
    #[error("the field is called \"{0}\"; it must be \"error_code\"")]
    MisspelledCode(String),
    /// `error_code` is inside another member, whose path this is.
    #[error(
        "error_code is inside \"{0}\"; it must be at the top level, as in {ACKNOWLEDGEMENT_BODY}"
    )]
    NestedCode(String),
    /// A code without quotation marks and with zeros in front, which is not JSON: `0000`.
    #[error(
        "error_code is {0} without quotation marks; it must be a string, as in {ACKNOWLEDGEMENT_BODY}"
    )]
    UnquotedCode(String),
    /// The zeros of `error_code` are not ASCII digits.
    #[error(
        "the code \"{0}\" has digits that are not ASCII (full-width ones?); reply {ACKNOWLEDGEMENT_BODY}"
    )]
    OtherDigits(String),
    /// The code alone, with or without quotation marks.
    #[error(
        "the body is the bare code 0000; it must be in a JSON object: reply {ACKNOWLEDGEMENT_BODY}"
    )]
    BareCode,
    /// Quotation marks that JSON does not know, such as `'`.
    #[error(
        "the JSON has the quotation mark {0}; JSON takes only double quotes, as in {ACKNOWLEDGEMENT_BODY}"
    )]
    WrongQuotes(char),
    /// A comma before a closing brace or bracket.
    #[error(
        "a comma is before a closing brace or bracket; JSON has none there, as in {ACKNOWLEDGEMENT_BODY}"
    )]
    TrailingComma,
    /// So many JSON objects, one after the other.
    #[error("the body has {0} JSON objects; reply with exactly one, as in {ACKNOWLEDGEMENT_BODY}")]
    SeveralObjects(usize),
    /// XML, which other platforms expect.
    #[error("the body is XML; this platform expects JSON: reply {ACKNOWLEDGEMENT_BODY}")]
    Xml,
    /// A bare word that other platforms expect: `success`, `OK`.
    #[error("\"{0}\" is what other platforms expect; reply {ACKNOWLEDGEMENT_BODY}")]
    BareWord(String),
    /// JSON, but not an object.
    #[error("the body is {0}; reply {ACKNOWLEDGEMENT_BODY}")]
    NotAnObject(&'static str),
    /// An HTML page.
    #[error("the body is an HTML page (a login, error or challenge page?)")]
    Html,
    /// No body, or only white space.
    #[error("the body is empty; reply {ACKNOWLEDGEMENT_BODY}")]
    Empty,
    /// A byte order mark before the JSON.
    #[error("a byte order mark precedes the JSON (a source file saved with BOM?)")]
    ByteOrderMark,
    /// A member twice: parsers disagree on what it says.
    #[error("duplicate field \"{0}\"; parsers disagree on its value")]
    DuplicateMember(String),
    /// Text around the right JSON, such as a warning printed before it.
    #[error("the right JSON is there, but with other text around it (a printed warning?)")]
    TextAroundJson,
    /// Not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// A body in an encoding that was not asked for, such as gzip.
    #[error("the body is encoded ({0}), which was not asked for; reply without Content-Encoding")]
    Encoded(String),
    /// Longer than [`MAX_REPLY_BYTES`].
    #[error("the body is longer than {MAX_REPLY_BYTES} bytes; it was not read further")]
    TooLong,
    /// Not the reply that the dialect expects.
    #[error("{slip}{}", slip.advice(wanted))]
    NotTheReply {
        /// What the dialect expects.
        wanted: String,
        /// What went wrong.
        slip: Slip,
    },
}

impl Refusal {
    /// The stable name, as JSON output carries it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::Redirect(_) => "redirect",
            Refusal::StatusWithRightBody(_) => "status-with-right-body",
            Refusal::Status(_) => "status",
            Refusal::NumberCode(_) => "number-code",
            Refusal::ShortCode(_) => "near-code",
            Refusal::OtherCode { .. } => "refused",
            Refusal::CodeType(_) => "code-type",
            Refusal::NoCode => "no-code",
            Refusal::MisspelledCode(_) => "misspelled-code",
            Refusal::NestedCode(_) => "nested-code",
            Refusal::UnquotedCode(_) => "unquoted-code",
            Refusal::OtherDigits(_) => "other-digits",
            Refusal::BareCode => "bare-code",
            Refusal::WrongQuotes(_) => "wrong-quotes",
            Refusal::TrailingComma => "trailing-comma",
            Refusal::SeveralObjects(_) => "several-objects",
            Refusal::Xml => "xml",
            Refusal::BareWord(_) => "bare-word",
            Refusal::NotAnObject(_) => "not-an-object",
            Refusal::Html => "html",
            Refusal::Empty => "empty",
            Refusal::ByteOrderMark => "byte-order-mark",
            Refusal::DuplicateMember(_) => "duplicate-member",
            Refusal::TextAroundJson => "text-around-json",
            Refusal::NotJson => "not-json",
            Refusal::Encoded(_) => "encoded",
            Refusal::TooLong => "too-long",
            Refusal::NotTheReply { slip, .. } => slip.code(),
        }
    }

    /// The reason in words that a merchant's developer can act on.
    #[must_use]
    pub fn explanation(&self) -> String {
        self.to_string()
    }
}

/// What somebody said, behind what precedes it.
fn behind(before: &str, said: Option<&String>) -> String {
    said.map(|said| format!("{before}{said}")).unwrap_or_default()
}

/// A merchant's reply, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` header, where there is one.
    pub content_type: Option<String>,
    /// The `Retry-After` header, where there is one; it does not change what the reply means.
    pub retry_after: Option<String>,
    /// The encoding of the body, where it has one that was not undone.
    pub encoding: Option<String>,
    /// The body: whole, or its first [`MAX_REPLY_BYTES`] and one more.
    pub body: Vec<u8>,
}

/// What this platform concludes from a reply.
///
/// Source: the protocol's section 3; only 2xx counts (ours).
#[must_use]
pub fn judge(reply: &Reply) -> Conclusion {
    AcknowledgementRule::ErrorCode.judge(reply)
}

fn conclude(reply: &Reply, by_body: Result<Vec<ReplyWarning>, Refusal>) -> Conclusion {
    match reply.status {
        200..=299 => {}
        status @ (301 | 302 | 303 | 307 | 308) => {
            return Conclusion::NotAcknowledged(Refusal::Redirect(status));
        }
        status if by_body.is_ok() => {
            return Conclusion::NotAcknowledged(Refusal::StatusWithRightBody(status));
        }
        status => return Conclusion::NotAcknowledged(Refusal::Status(status)),
    }
    let mut warnings = match by_body {
        Ok(warnings) => warnings,
        Err(refusal) => return Conclusion::NotAcknowledged(refusal),
    };
    if reply.status != 200 {
        warnings.push(ReplyWarning::Status);
    }
    Conclusion::Acknowledged(warnings)
}

/// Whether a `Content-Type` names JSON, whatever its case and parameters.
#[must_use]
pub fn is_json_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The body without the white space that JSON allows around a value; a form feed is none.
fn trim_json(mut body: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..]
    | [rest @ .., b' ' | b'\t' | b'\n' | b'\r'] = body
    {
        body = rest;
    }
    body
}

/// What is unusual about a reply whose JSON acknowledges, or why it does not.
fn judge_error_code(reply: &Reply) -> Result<Vec<ReplyWarning>, Refusal> {
    if reply.body.trim_ascii().is_empty() {
        return Err(Refusal::Empty);
    }
    let text = trim_json(&reply.body);
    // What nearly every merchant answers need not be read.
    let members = if text == ACKNOWLEDGEMENT_BODY.as_bytes() {
        1
    } else {
        match Payload::parse(text) {
            Ok(payload) => judge_object(&payload)?,
            Err(error) => return Err(judge_no_object(text, &error)),
        }
    };
    Ok(json_warnings(reply, members > 1))
}

/// What is unusual about a reply whose JSON acknowledges.
fn json_warnings(reply: &Reply, has_extra: bool) -> Vec<ReplyWarning> {
    let is_json = reply.content_type.as_deref().is_some_and(is_json_type);
    let extra = has_extra.then_some(ReplyWarning::ExtraMembers);
    extra.into_iter().chain((!is_json).then_some(ReplyWarning::ContentType)).collect()
}

fn judge_object(payload: &Payload<'_>) -> Result<usize, Refusal> {
    let Some(code) = payload.get("error_code") else {
        let misspelled = payload.members().iter().find(|member| {
            let plain: String = member.name.chars().filter(|c| c.is_alphanumeric()).collect();
            plain.eq_ignore_ascii_case("errorcode")
        });
        return Err(misspelled
            .map(|member| Refusal::MisspelledCode(quoted(&member.name)))
            .or_else(|| near_miss::nested_code(payload))
            .unwrap_or(Refusal::NoCode));
    };
    match &code.value {
        Value::String(text) if text == "0000" => Ok(payload.members().len()),
        Value::String(text) if is_near_success(text) => Err(Refusal::ShortCode(quoted(text))),
        Value::String(text) if near_miss::other_zeros(text).is_some() => {
            Err(Refusal::OtherDigits(quoted(text)))
        }
        Value::String(text) => {
            let said = match payload.get("error_msg").map(|member| &member.value) {
                Some(Value::String(said)) if !said.trim().is_empty() => Some(quoted_in_short(said)),
                _ => None,
            };
            Err(Refusal::OtherCode { code: quoted(text), said })
        }
        Value::Number(text) => Err(Refusal::NumberCode(quoted(text))),
        other => Err(Refusal::CodeType(other.kind())),
    }
}

/// A text of the reply as it is shown.
fn quoted(text: &str) -> String {
    Untrusted::new(text).to_string()
}

/// At most [`MAX_ERROR_MESSAGE`] characters of it: half a key at the end would not be found later.
fn quoted_in_short(text: &str) -> String {
    quoted(text).chars().take(MAX_ERROR_MESSAGE).collect()
}

/// Whether a code resembles `0000` so much that success was surely meant.
fn is_near_success(code: &str) -> bool {
    let trimmed = code.trim();
    (!trimmed.is_empty() && trimmed.bytes().all(|byte| byte == b'0')) || is_success_word(trimmed)
}

fn is_success_word(word: &str) -> bool {
    ["success", "ok", "true", "succeed", "successful", "done", "yes"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

fn judge_no_object(text: &[u8], error: &super::payload::PayloadError) -> Refusal {
    use super::payload::PayloadProblem;
    if text.starts_with(b"\xef\xbb\xbf") {
        return Refusal::ByteOrderMark;
    }
    match &error.problem {
        PayloadProblem::DuplicateMember(name) => return Refusal::DuplicateMember(quoted(name)),
        PayloadProblem::NotAnObject(kind) => {
            // A quoted bare word is JSON, but the mistake is the word.
            let inner = text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
            return inner.and_then(bare_word).unwrap_or(match *kind {
                "a number" if text == b"0000" => Refusal::BareCode,
                "a number" if text.iter().all(|byte| *byte == b'0') => {
                    Refusal::BareWord(String::from_utf8_lossy(text).into_owned())
                }
                kind => Refusal::NotAnObject(kind),
            });
        }
        _ => {}
    }
    let start = text.iter().take(512).map(u8::to_ascii_lowercase).collect::<Vec<u8>>();
    let holds = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
    if holds(b"<html") || holds(b"<!doctype") || (text[0] == b'<' && holds(b"<body")) {
        return Refusal::Html;
    }
    if let Some(refusal) = bare_word(text) {
        return refusal;
    }
    if let (Some(open), Some(close)) =
        (text.iter().position(|b| *b == b'{'), text.iter().rposition(|b| *b == b'}'))
        && open < close
        && Payload::parse(&text[open..=close]).is_ok_and(|payload| judge_object(&payload).is_ok())
    {
        return Refusal::TextAroundJson;
    }
    near_miss::of_text(text).unwrap_or(Refusal::NotJson)
}

fn bare_word(text: &[u8]) -> Option<Refusal> {
    let word = std::str::from_utf8(text).ok()?.trim();
    if word.trim_matches('\'') == "0000" {
        return Some(Refusal::BareCode);
    }
    if let Some(refusal) = near_miss::other_zeros(word) {
        return Some(refusal);
    }
    let zeros = word.len() <= 4 && !word.is_empty() && word.bytes().all(|byte| byte == b'0');
    (is_success_word(word) || zeros).then(|| Refusal::BareWord(quoted(word)))
}

#[cfg(test)]
mod edge_tests;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            content_type: Some("application/json;charset=utf-8".into()),
            retry_after: None,
            encoding: None,
            body: body.as_bytes().to_vec(),
        }
    }

    fn refusal(status: u16, body: &str) -> &'static str {
        match judge(&reply(status, body)) {
            Conclusion::Acknowledged(_) => "acknowledged",
            Conclusion::NotAcknowledged(refusal) => refusal.code(),
        }
    }

    #[test]
    fn white_space_that_json_does_not_know_is_no_json() {
        let conclusion = |body: &str| {
            judge(&Reply { status: 200, body: body.as_bytes().to_vec(), ..Reply::default() })
        };
        let acknowledged = |body| matches!(conclusion(body), Conclusion::Acknowledged(_));
        assert!(acknowledged(" \t\r\n{\"error_code\":\"0000\"}\r\n "));
        assert!(acknowledged(" { \"error_code\" : \"0000\" } "));
        assert!(!acknowledged("\u{c}{\"error_code\":\"0000\"}"));
        assert!(!acknowledged("{ \"error_code\":\"0000\"}\u{c}"));
    }

    #[test]
    fn only_the_string_0000_acknowledges() {
        assert_eq!(judge(&reply(200, ACKNOWLEDGEMENT_BODY)), Conclusion::Acknowledged(vec![]));
        assert_eq!(
            judge(&reply(200, " {\"error_code\" : \"\\u0030000\"}\n")),
            Conclusion::Acknowledged(vec![])
        );
        for (body, code) in [
            (r#"{"error_code":0}"#, "number-code"),
            (r#"{"error_code":0000}"#, "unquoted-code"),
            (r#"{"error_code":"0"}"#, "near-code"),
            (r#"{"error_code":"SUCCESS"}"#, "near-code"),
            (r#"{"error_code":"0004"}"#, "refused"),
            (r#"{"error_code":null}"#, "code-type"),
            (r#"{"errorCode":"0000"}"#, "misspelled-code"),
            (r#"{"code":"0000"}"#, "no-code"),
            (r#"{"error_code":"0000","error_code":"1"}"#, "duplicate-member"),
            ("success", "bare-word"),
            ("\"OK\"", "bare-word"),
            ("0000", "bare-code"),
            ("0", "bare-word"),
            ("[]", "not-an-object"),
            ("<!DOCTYPE html><p>hi", "html"),
            ("  \n", "empty"),
            ("\u{feff}{\"error_code\":\"0000\"}", "byte-order-mark"),
            ("Notice: x in y.php {\"error_code\":\"0000\"}", "text-around-json"),
            ("nonsense", "not-json"),
            (r#"{"error_code":"0000"}{"error_code":"1"}"#, "several-objects"),
            (r#"{"error_code":"0000"} OK"#, "text-around-json"),
            (r#"{"error_code":"0000",}"#, "trailing-comma"),
            (r#"{"error_code":"1","error\u005fcode":"0000"}"#, "duplicate-member"),
            (r#"{"msg":"{\"error_code\":\"0000\"}"}"#, "no-code"),
            (r#"{"data":{"error_code":"0000"}}"#, "nested-code"),
            (r#""{\"error_code\":\"0000\"}""#, "not-an-object"),
            (r#"[{"error_code":"0000"}]"#, "not-an-object"),
            (r#"{"error_code":"0000\u0000"}"#, "refused"),
            ("{\"error_code\":\"\u{ff10}\u{ff10}\u{ff10}\u{ff10}\"}", "other-digits"),
            (r#"/*{"error_code":"0000"}*/{"error_code":"1"}"#, "not-json"),
            ("not success", "not-json"),
        ] {
            assert_eq!(refusal(200, body), code, "{body}");
        }
    }

    #[test]
    fn a_refusal_tells_what_the_merchant_said() {
        let told = |body: &str| match judge(&reply(200, body)) {
            Conclusion::NotAcknowledged(refusal) => refusal.explanation(),
            Conclusion::Acknowledged(_) => panic!("{body}"),
        };
        let said = told(r#"{"error_code":"0004","error_msg":"bad signature"}"#);
        assert_eq!(said, "the merchant refused with error_code \"0004\": bad signature");
        let silent = told(r#"{"error_code":"0004","error_msg":" "}"#);
        assert_eq!(silent, "the merchant refused with error_code \"0004\"");
        let long = format!("{{\"error_code\":\"0004\",\"error_msg\":\"{}\"}}", "x".repeat(999));
        assert!(told(&long).ends_with(&"x".repeat(MAX_ERROR_MESSAGE)));
        assert!(told(&long).len() < MAX_ERROR_MESSAGE + 50);
    }

    #[test]
    fn only_2xx_counts_and_redirects_are_failures() {
        assert_eq!(refusal(500, ACKNOWLEDGEMENT_BODY), "status-with-right-body");
        assert_eq!(refusal(500, "oops"), "status");
        assert_eq!(refusal(302, ACKNOWLEDGEMENT_BODY), "redirect");
        assert_eq!(
            judge(&reply(204, ACKNOWLEDGEMENT_BODY)),
            Conclusion::Acknowledged(vec![ReplyWarning::Status])
        );
    }

    #[test]
    fn what_is_unusual_is_accepted_with_a_warning() {
        let mut unusual = reply(200, r#"{"error_code":"0000","msg":"ok"}"#);
        unusual.content_type = Some("text/html".into());
        assert_eq!(
            judge(&unusual),
            Conclusion::Acknowledged(vec![ReplyWarning::ExtraMembers, ReplyWarning::ContentType])
        );
    }

    #[test]
    fn a_long_reply_is_not_judged() {
        assert_eq!(refusal(200, &" ".repeat(MAX_REPLY_BYTES + 1)), "too-long");
    }
}
