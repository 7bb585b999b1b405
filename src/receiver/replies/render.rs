//! From an action to what the server does.

use std::time::Duration;

use super::action::{Action, ActionKind, Content, Crafted, LONGEST_WAIT, Manner};
use crate::mask::Untrusted;
use crate::receiver::callback::Bytes;
use crate::receiver::received::Replied;
use crate::receiver::reply::{JSON, PlatformCode, Reply};
use crate::receiver::server::handler_output::{Answer, WireEnd, WireScript, WireStep};

/// How many pieces a drip has at most; it bounds the memory of a script.
pub(super) const MAX_PIECES: usize = 1024;

/// How long half a reply stays before a reset, which would overtake it.
const BEFORE_RESET: Duration = Duration::from_millis(50);

/// Headers that tell where a reply ends: whoever frames the reply writes them.
pub(super) const FRAMING: &[&str] = &["content-length", "transfer-encoding", "connection"];

#[derive(Debug)]
pub(super) struct Given<'g> {
    /// What would be answered without a program.
    pub(super) usual: Reply,
    pub(super) success_text: &'g str,
    pub(super) target: &'g str,
}

impl Action {
    pub(super) fn answer(&self, given: Given<'_>) -> (Answer, Replied) {
        let action = (!self.is_usual()).then(|| Untrusted::new(self).to_string());
        let (steps, end) = match &self.kind {
            ActionKind::Reply(crafted) => {
                let (answer, replied) = crafted.manner.carry(crafted.reply(given));
                return (answer, Replied { action, ..replied });
            }
            ActionKind::Hang(time) => {
                (vec![WireStep::Pause(time.unwrap_or(LONGEST_WAIT))], WireEnd::Close)
            }
            ActionKind::End(end) => (Vec::new(), *end),
        };
        (Answer::Wire(WireScript { steps, end }), Replied { action, ..Replied::default() })
    }
}

impl Crafted {
    fn reply(&self, given: Given<'_>) -> Reply {
        let mut reply = match &self.content {
            Content::Usual => given.usual,
            Content::Success => Reply::success(given.success_text.to_owned()),
            Content::Plain => plain(self.status.unwrap_or(200)),
            Content::Code(code) => refusal(code),
            Content::Text(text) => Reply::new(200, content_type(text), text.clone()),
            Content::Sample(sample) => sample.reply(),
            Content::Redirect => {
                let bare = Reply { status: 302, headers: Vec::new(), body: Bytes::new() };
                bare.with_header("Location", given.target)
            }
        };
        reply.status = self.status.unwrap_or(reply.status);
        let headers = &self.headers;
        reply
            .headers
            .retain(|(name, _)| !headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        for (name, value) in headers {
            reply = reply.with_header(name, value.as_str());
        }
        reply
    }
}

impl Manner {
    fn carry(self, reply: Reply) -> (Answer, Replied) {
        let length = reply.body.len();
        let (told, sent) = match self {
            Manner::Whole => {
                let replied = Replied {
                    status: Some(reply.status),
                    headers: reply.headers.clone(),
                    body: reply.body.clone(),
                    action: None,
                };
                return (Answer::Reply(reply), replied);
            }
            Manner::Drip(_) => (length, length),
            // Even a reply without a body is one that does not come whole.
            Manner::Cut(_) => (length.max(1), length / 2),
            Manner::Length(by) => (differing(length, by), length),
        };
        let body = reply.body.slice(..sent);
        let (head, headers) = head(reply.status, reply.headers, told);
        let whole = Bytes::from([&head[..], &body[..]].concat());
        let (steps, end) = match self {
            Manner::Drip(pace) => (drip(&whole, pace), WireEnd::Close),
            Manner::Cut(WireEnd::Reset) => {
                (vec![WireStep::Write(whole), WireStep::Pause(BEFORE_RESET)], WireEnd::Reset)
            }
            _ => (vec![WireStep::Write(whole)], WireEnd::Close),
        };
        let replied = Replied { status: Some(reply.status), headers, body, action: None };
        (Answer::Wire(WireScript { steps, end }), replied)
    }
}

/// A length that is wrong by this much, never below zero.
fn differing(length: usize, by: i64) -> usize {
    let by_this = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    if by < 0 { length.saturating_sub(by_this) } else { length.saturating_add(by_this) }
}

type Headers = Vec<(String, Vec<u8>)>;

fn head(status: u16, headers: Headers, told_length: usize) -> (Vec<u8>, Headers) {
    let mut written: Headers = headers
        .into_iter()
        .filter(|(name, value)| {
            let is_framing = FRAMING.iter().any(|own| own.eq_ignore_ascii_case(name));
            let splits = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
            !is_framing && !name.bytes().any(|b| splits(&b)) && !value.iter().any(splits)
        })
        .collect();
    written.push(("Content-Length".to_owned(), told_length.to_string().into_bytes()));
    written.push(("Connection".to_owned(), b"close".to_vec()));
    let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
    for (name, value) in &written {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    (bytes, written)
}

fn drip(whole: &Bytes, pace: Duration) -> Vec<WireStep> {
    let size = whole.len().div_ceil(MAX_PIECES).max(1);
    let in_time = LONGEST_WAIT.as_nanos() / pace.as_nanos().max(1);
    let in_time = usize::try_from(in_time).unwrap_or(usize::MAX).saturating_add(1);
    let mut steps = Vec::new();
    for at in (0..whole.len()).step_by(size).take(in_time) {
        if at > 0 {
            steps.push(WireStep::Pause(pace));
        }
        steps.push(WireStep::Write(whole.slice(at..whole.len().min(at + size))));
    }
    steps
}

/// A status in words; nothing for the two that have no body.
fn plain(status: u16) -> Reply {
    if matches!(status, 204 | 304) {
        return Reply { status, headers: Vec::new(), body: Bytes::new() };
    }
    let text = format!("{status} {}", reason(status));
    Reply::new(status, "text/plain;charset=utf-8", text.trim_end().to_owned())
}

fn refusal(code: &str) -> Reply {
    match platform_code(code) {
        Some(known) => Reply::platform(known),
        // Letters and digits alone: nothing to escape.
        None => {
            Reply::new(200, JSON, format!(r#"{{"error_code":"{code}","error_msg":"refused"}}"#))
        }
    }
}

pub(super) fn platform_code(digits: &str) -> Option<PlatformCode> {
    let all = [
        PlatformCode::Success,
        PlatformCode::InvalidParameters,
        PlatformCode::BadSignature,
        PlatformCode::NotJson,
        PlatformCode::UnsupportedContentType,
        PlatformCode::UnsupportedMethod,
    ];
    all.into_iter().find(|code| code.code() == digits)
}

fn content_type(text: &str) -> &'static str {
    let text = text.trim_start();
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    match text.as_bytes().first() {
        Some(b'{' | b'[') => JSON,
        Some(b'<') if begins("<!doctype html") || begins("<html") => "text/html;charset=utf-8",
        Some(b'<') => "text/xml;charset=utf-8",
        _ => "text/plain;charset=utf-8",
    }
}

/// The words that go with a status (RFC 9110 section 15, RFC 6585); none for others.
pub(super) const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
