//! Kept callbacks: as a table, in full, and for a program.

pub mod diff;
pub mod export;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use protocol::internal::notification::{Expectation, Notification, major_units};
use protocol::{Layout, StatusTable};
use serde::Serialize;

use super::json::{self, HeaderJson, headers};
use super::line::{Line, Role};
use super::text::{fitted, milliseconds, short_duration};
use super::verification::VerificationReport;
use crate::mask::Untrusted;
use crate::receiver::received::{Forwarded, Match, Received, Replied};
use crate::receiver::verify::{Accepts, Contract};
use crate::units::duration::in_milliseconds;

const MOST_LINES: usize = 500;

const ORDER_WIDTH: usize = 19;

pub fn head() -> Line {
    Line::new().dim(format!(
        "{:>6}  {:<14}  {:<ORDER_WIDTH$}  {:<10} {:>12}  {:<5} {}",
        "id", "time (UTC)", "order", "status", "amount", "code", "http"
    ))
}

/// A kept callback as a row of the table, 80 columns wide; `statuses` names its status.
pub fn row(entry: &Received, statuses: &StatusTable) -> Line {
    let judged = &entry.judged;
    let order = match &judged.order_id {
        Some(id) => fitted(&Untrusted::new(&id).to_string(), ORDER_WIDTH),
        None => "(no order id)".to_owned(),
    };
    let status = match status_name(entry, statuses) {
        Some(name) => name.to_owned(),
        None => judged.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
    };
    let amount = judged.amount_cents.map_or_else(|| "-".to_owned(), major_units);
    let (role, code) =
        if judged.is_valid() { (Role::Good, "valid") } else { (Role::Bad, &*judged.code) };
    Line::new()
        .strong(format!("{:>6}", entry.id))
        .dim(format!("  {}  ", short_time(entry.callback.received_at)))
        .plain(format!(
            "{order:<ORDER_WIDTH$}  {:<10} {:>12}  ",
            fitted(&status, 10),
            fitted(&amount, 12)
        ))
        .with(role, format!("{:<5}", fitted(code, 5)))
        .plain(format!(" {}", http_status(entry)))
}

/// The day and the second in UTC: `11-23 02:43:01`.
fn short_time(at: Timestamp) -> String {
    let text = format!("{at:.0}");
    match text.trim_end_matches('Z').split_once('T') {
        Some((day, time)) => {
            let day = day.get(day.len().saturating_sub(5)..).unwrap_or(day);
            format!("{day} {time}")
        }
        None => text,
    }
}

fn http_status(entry: &Received) -> String {
    match &entry.forwarded {
        Some(Forwarded { result: Ok(reply), .. }) => format!(">{}", reply.status),
        Some(_) => ">---".to_owned(),
        None => entry.replied.status.map_or_else(|| "---".to_owned(), |status| status.to_string()),
    }
}

fn status_name(entry: &Received, statuses: &StatusTable) -> Option<&'static str> {
    let contract = Contract { accepts: Accepts::Any, ..Contract::default() };
    let payload = contract.payload(&entry.callback).ok()?;
    let read = Notification::read(&payload, Expectation::Notification, &Layout::PLATFORM, statuses);
    // What a dialect with words for its statuses said is known only to the listener.
    let judged = || statuses.status(read.kind, entry.judged.status?);
    read.status.or_else(judged).map(|status| status.name)
}

#[derive(Clone, Debug, Default)]
pub struct InboxDetail {
    pub masked_canonical: Option<String>,
    pub verification: Option<VerificationReport>,
}

pub fn lines(entry: &Received, detail: &InboxDetail) -> Vec<Line> {
    let callback = &entry.callback;
    let mut lines = vec![
        Line::new()
            .strong(format!("#{}", entry.id))
            .plain(format!("  {:.3}", callback.received_at))
            .dim(format!("  from {}, number {} of its run", callback.remote, callback.number)),
        Line::new().accent(&callback.method).plain(" ").plain(&callback.path),
    ];
    lines.extend(header_lines(&callback.headers));
    lines.push(Line::new());
    lines.extend(body_lines(&callback.body));
    lines.push(Line::new());
    lines.push(verdict_line(entry));
    match (&detail.verification, &detail.masked_canonical) {
        (Some(report), canonical) => {
            lines.push(label("now").plain("verified again with the key:"));
            lines.extend(report.lines());
            // A mismatch shows it already.
            if let (None, Some(canonical)) = (report.mismatch(), canonical) {
                lines.push(label("canonical").plain(Untrusted::new(&canonical)));
            }
        }
        (None, Some(canonical)) => lines.push(label("canonical").plain(Untrusted::new(&canonical))),
        (None, None) => {}
    }
    lines.extend(reply_lines(&entry.replied));
    lines.extend(entry.forwarded.iter().flat_map(forward_lines));
    lines
}

fn label(text: &str) -> Line {
    Line::new().dim(format!("{text:<11}"))
}

fn header_lines(headers: &[(String, Vec<u8>)]) -> impl Iterator<Item = Line> {
    headers.iter().map(|(name, value)| {
        Line::new().dim(format!("{}: ", Untrusted::new(&name))).plain(Untrusted::lossy(value))
    })
}

fn body_lines(body: &[u8]) -> Vec<Line> {
    if body.is_empty() {
        return vec![Line::new().dim("(no body)")];
    }
    let text = Untrusted::lossy(body).to_string();
    let mut lines: Vec<Line> =
        text.lines().take(MOST_LINES).map(|line| Line::new().plain(line.to_owned())).collect();
    let more = text.lines().count().saturating_sub(MOST_LINES);
    if more > 0 {
        lines.push(Line::new().dim(format!("({more} more lines)")));
    }
    if std::str::from_utf8(body).is_err() {
        lines.push(Line::new().warn("(the body is not UTF-8: some bytes are replaced)"));
    }
    lines
}

fn verdict_line(entry: &Received) -> Line {
    let judged = &entry.judged;
    let line = label("verdict");
    let line = if judged.is_valid() { line.good("valid") } else { line.bad("invalid") };
    let line = line.plain(format!(" ({}) when it came", judged.code));
    let signature = judged.signature.map(|signature| match signature {
        Match::Matched => "; the signature matched",
        Match::Mismatched => "; the signature did not match",
    });
    line.with_some(signature, Line::plain)
        .with_some(judged.delivery, |line, delivery| line.dim(format!("; delivery {delivery}")))
        .with_some(judged.explanation.as_ref(), |line, why| line.plain(format!(": {why}")))
}

fn reply_lines(replied: &Replied) -> Vec<Line> {
    let line = label("reply");
    let body = Untrusted::lossy(&replied.body).to_string();
    let status = replied.status.map(|status| status.to_string());
    let line = match &status {
        // The plain text of a status begins with it already.
        Some(status) if body.starts_with(status) => line.plain(body),
        Some(status) => line.plain(format!("{status} {body}")),
        None => line.plain("no HTTP reply"),
    };
    vec![match &replied.action {
        Some(action) if replied.action != status => line.warn(format!("  ({})", action)),
        _ => line,
    }]
}

fn forward_lines(forwarded: &Forwarded) -> Vec<Line> {
    let Forwarded { url, elapsed, result } = forwarded;
    let line = label("forwarded").plain(format!("{}  {}", url, short_duration(*elapsed)));
    let reply = match result {
        Err(error) => return vec![line.bad("  no reply").plain(format!(": {error}"))],
        Ok(reply) => reply,
    };
    let line = match reply.acknowledges {
        true => line.good("  acknowledges"),
        false => line.bad("  does not acknowledge"),
    };
    let remark = reply.remark.as_ref().map(|remark| format!(": {remark}"));
    let line = line.with_some(remark, Line::plain);
    let body = Untrusted::lossy(&reply.body);
    vec![line, label("").plain(format!("{} {body}", reply.status))]
}

#[derive(Serialize)]
struct EntryJson<'a> {
    amount_cents: Option<i64>,
    body: Option<&'a str>,
    body_base64: Option<String>,
    code: &'a str,
    delivery: Option<u64>,
    explanation: Option<&'a str>,
    forwarded: Option<ForwardedJson<'a>>,
    headers: Vec<HeaderJson<'a>>,
    id: u64,
    method: &'a Untrusted<String>,
    number: u64,
    order_id: Option<&'a Untrusted<String>>,
    path: &'a Untrusted<String>,
    received_at: Timestamp,
    remote: SocketAddr,
    reply: RepliedJson<'a>,
    signature: Option<&'static str>,
    status: Option<i64>,
    valid: bool,
}

#[derive(Serialize)]
struct RepliedJson<'a> {
    action: Option<&'a str>,
    body: Untrusted<Cow<'a, str>>,
    headers: Vec<HeaderJson<'a>>,
    status: Option<u16>,
}

#[derive(Serialize)]
struct ForwardedJson<'a> {
    elapsed_ms: f64,
    error: Option<&'a str>,
    reply: Option<AppReplyJson<'a>>,
    url: &'a Untrusted<String>,
}

#[derive(Serialize)]
struct AppReplyJson<'a> {
    acknowledges: bool,
    body: Untrusted<Cow<'a, str>>,
    headers: Vec<HeaderJson<'a>>,
    remark: Option<&'a str>,
    status: u16,
}

pub fn json(entry: &Received) -> String {
    let Received { id, callback, judged, replied, forwarded, .. } = entry;
    let text = std::str::from_utf8(&callback.body).ok();
    let object = EntryJson {
        amount_cents: judged.amount_cents,
        body: text,
        body_base64: text.is_none().then(|| STANDARD.encode(&callback.body)),
        code: &judged.code,
        delivery: judged.delivery,
        explanation: judged.explanation.as_deref(),
        forwarded: forwarded.as_ref().map(forwarded_json),
        headers: headers(&callback.headers),
        id: *id,
        method: &callback.method,
        number: callback.number,
        order_id: judged.order_id.as_ref(),
        path: &callback.path,
        received_at: callback.received_at,
        remote: callback.remote,
        reply: RepliedJson {
            action: replied.action.as_deref(),
            body: Untrusted::lossy(&replied.body),
            headers: headers(&replied.headers),
            status: replied.status,
        },
        signature: judged.signature.map(Match::name),
        status: judged.status,
        valid: judged.is_valid(),
    };
    json::line("inbox-entry", &object)
}

fn forwarded_json(forwarded: &Forwarded) -> ForwardedJson<'_> {
    ForwardedJson {
        elapsed_ms: milliseconds(forwarded.elapsed),
        error: forwarded.result.as_ref().err().map(String::as_str),
        reply: forwarded.result.as_ref().ok().map(|reply| AppReplyJson {
            acknowledges: reply.acknowledges,
            body: Untrusted::lossy(&reply.body),
            headers: headers(&reply.headers),
            remark: reply.remark.as_deref(),
            status: reply.status,
        }),
        url: &forwarded.url,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    pub acknowledged: bool,
    pub body: Option<String>,
    pub code: &'static str,
    #[serde(rename = "elapsed_ms", serialize_with = "in_milliseconds")]
    pub elapsed: Duration,
    /// Why it is not an acknowledgement; `None` where it is one.
    pub explanation: Option<String>,
    pub id: u64,
    pub status: Option<u16>,
    pub url: String,
}

pub fn replay_line(replay: &Replay) -> Line {
    let status = replay.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
    let line = Line::new()
        .strong(format!("#{:<6}", replay.id))
        .plain(format!("{status}  {:>8}  ", short_duration(replay.elapsed)));
    match &replay.explanation {
        None => line.good("acknowledged"),
        Some(why) => line.bad("not acknowledged").plain(format!(": {why}")),
    }
}

pub fn replay_json(replay: &Replay) -> String {
    json::line("inbox-replay", replay)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::Value;

    use super::*;
    use crate::receiver::Bytes;
    use crate::receiver::callback::Callback;
    use crate::receiver::received::Judged;

    pub(in crate::report) fn entry(body: &[u8]) -> Received {
        Received {
            id: 12,
            callback: Callback {
                number: 3,
                received_at: "2026-11-23T02:43:01.5Z".parse().unwrap(),
                remote: "127.0.0.1:4000".parse().unwrap(),
                method: "POST".into(),
                path: "/it's".into(),
                headers: vec![
                    ("host".to_owned(), b"shop:8787".to_vec()),
                    ("content-type".to_owned(), b"application/json".to_vec()),
                    ("content-length".to_owned(), b"9".to_vec()),
                    ("connection".to_owned(), b"close, x-hop".to_vec()),
                    ("x-hop".to_owned(), b"1".to_vec()),
                ],
                body: Bytes::copy_from_slice(body),
            },
            judged: Judged {
                code: "0000".to_owned(),
                order_id: Some("POT00000102-and-much-longer".into()),
                status: Some(3),
                amount_cents: Some(400_000),
                ..Judged::default()
            },
            replied: Replied { status: Some(200), ..Replied::default() },
            forwarded: None,
            live: None,
        }
    }

    pub(in crate::report) fn text(line: &Line) -> String {
        line.spans.iter().map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn the_table_has_80_columns() {
        let row = text(&row(&entry(br#"{"status":3}"#), &StatusTable::PLATFORM));
        assert_eq!(
            row,
            "    12  11-23 02:43:01  POT00000102-and-mu…  success         4000.00  valid 200"
        );
        assert!(text(&head()).chars().count() <= 80);
    }

    #[test]
    fn a_body_that_is_no_text_is_base64() {
        let json: Value = serde_json::from_str(&json(&entry(b"\xff\x00"))).unwrap();
        assert_eq!((&json["body"], &json["body_base64"]), (&Value::Null, &"/wA=".into()));
    }

    #[test]
    fn a_body_of_many_lines_is_cut() {
        let body = "\n".repeat(MOST_LINES + 5);
        assert_eq!(body_lines(body.as_bytes()).len(), MOST_LINES + 1);
    }
}
