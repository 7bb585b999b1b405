//! Callbacks as they come, for a person and for a program.

use std::borrow::Cow;
use std::net::SocketAddr;

use jiff::Timestamp;
use protocol::internal::notification::{Notification, major_units};
use protocol::{Diagnosis, Mismatch};
use serde::Serialize;

use super::line::Line;
use super::text::{clock_time, milliseconds, short_duration};
use super::verification::{finding_line, given};
use super::{diagnosis, forwarding, json, referee};
use crate::keyring::KeyLabel;
use crate::mask::Untrusted;
use crate::receiver::callback::Callback;
use crate::receiver::delivery_counter::Seen;
use crate::receiver::events::ListenSummary;
use crate::receiver::received::{Live, Match, Received, Replied};
use crate::receiver::verify::{Reading, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    Usual,
    Whole,
}

pub fn lines(
    received: &Received,
    live: &Live,
    diagnosis: Option<&Diagnosis>,
    detail: Detail,
) -> Vec<Line> {
    let (callback, Live { verdict, seen, .. }) = (&received.callback, live);
    let line = Line::new().dim(format!("{}  ", clock_time(callback.received_at))).plain("← ");
    let line = match &verdict.reading {
        Some(reading) => order_summary(line, &reading.notification, *seen),
        None => line.plain(target(callback)),
    };
    let mut lines = vec![line];
    if detail == Detail::Whole {
        lines.extend(request_lines(callback));
    }
    lines.extend(received.forwarded.iter().map(|app| indented(forwarding::line(app))));
    lines.push(answer_line(verdict, &received.replied));
    if let Some(reading) = &verdict.reading {
        if reading.mismatch().is_some() {
            let given = given(&reading.verification);
            lines.push(indented(Line::new().dim("given      ").plain(given)));
            let canonical = live.masked_canonical.as_deref().unwrap_or_default();
            let canonical = Untrusted::new(&canonical);
            lines.push(indented(Line::new().dim("canonical  ").plain(canonical)));
            lines.extend(diagnosis.iter().map(|found| indented(diagnosis::short_line(found))));
        }
        lines.extend(reading.findings.iter().map(|finding| indented(finding_line(finding))));
    }
    let breaches = live.breaches.iter().flat_map(referee::breach_lines);
    lines.extend(breaches.map(indented));
    lines
}

const MAX_REPLY_CHARS: usize = 160;

/// What was answered and, unless a program decided it, why.
fn answer_line(verdict: &Verdict, replied: &Replied) -> Line {
    let answer = Line::new().dim("              ").plain("→ ");
    let text = Untrusted::lossy(&replied.body).to_string();
    let status = replied.status.map(|status| status.to_string());
    let answer = match &status {
        // The plain text of a status begins with it already.
        Some(status) if !text.starts_with(status) => answer.plain(format!("{status} ")),
        Some(_) | None => answer,
    };
    let mut body: String = text.chars().take(MAX_REPLY_CHARS).collect();
    if body.len() < text.len() {
        body.push('…');
    }
    let answer = match &replied.action {
        Some(action) if replied.status.is_none() => answer.warn(format!("({})", action)),
        Some(_) if replied.action == status => answer.warn(body),
        Some(action) => answer.warn(body).dim(format!(" ({})", action)),
        None if verdict.is_valid() => answer.good(body),
        None => answer.bad(body),
    };
    match (&verdict.reading, &verdict.unreadable) {
        (Some(reading), _) => signature_verdict(answer, reading),
        (None, Some(why)) => answer.plain(format!("  {why}")),
        (None, None) => answer,
    }
}

fn target(callback: &Callback) -> String {
    format!("{} {}", &callback.method, &callback.path)
}

/// The request as it came; the terminal makes its control characters visible.
fn request_lines(callback: &Callback) -> Vec<Line> {
    let text = |bytes: &[u8]| Untrusted::lossy(bytes).to_string();
    let mut lines = vec![Line::new().dim(target(callback))];
    for (name, value) in &callback.headers {
        lines.push(Line::new().dim(format!("{}: ", Untrusted::new(&name))).plain(text(value)));
    }
    lines.push(Line::new());
    lines.extend(text(&callback.body).lines().map(|line| Line::new().plain(line.to_owned())));
    lines.into_iter().map(indented).collect()
}

fn indented(line: Line) -> Line {
    let mut spans = Line::new().plain("                ").spans;
    spans.extend(line.spans);
    Line { spans }
}

fn order_summary(line: Line, order: &Notification, seen: Option<Seen>) -> Line {
    let line = line.strong(json::order_id(order));
    let line = match order.amount_cents {
        Some(cents) => line.plain(format!("  {}", major_units(cents))),
        None => line.warn("  (no amount)"),
    };
    let line = match (order.status, order.status_code) {
        (Some(status), _) => line.accent(format!("  {}", status.name)),
        (None, Some(code)) => line.warn(format!("  status {code}")),
        (None, None) => line.warn("  (no status)"),
    };
    match seen {
        None => line,
        Some(Seen { delivery, since_last: None }) => line.dim(format!("  delivery {delivery}")),
        Some(Seen { delivery, since_last: Some(since) }) => {
            line.warn(format!("  delivery {delivery}, +{}", short_duration(since)))
        }
    }
}

fn signature_verdict(line: Line, reading: &Reading) -> Line {
    match reading.mismatch() {
        None => {
            let algorithm = reading.verification.scheme.algorithm;
            let line = line.good(format!("  {algorithm} signature matches"));
            match &reading.key {
                Some(key) => line.dim(format!(" ({key})")),
                None => line,
            }
        }
        Some(mismatch) => line
            .bad(format!("  {} signature does not match", reading.verification.scheme.algorithm))
            .plain(format!(": {}", mismatch.explanation())),
    }
}

#[derive(Serialize)]
struct CallbackJson<'a> {
    body: Cow<'a, str>,
    breaches: Vec<referee::BreachJson<'a>>,
    canonical: Option<Untrusted<&'a str>>,
    code: &'static str,
    delivery: Option<u64>,
    diagnosis: Vec<diagnosis::HitJson<'a>>,
    explanation: Option<String>,
    findings: Vec<json::FindingJson<'a>>,
    forwarded: Option<forwarding::ForwardedJson<'a>>,
    given: Option<Untrusted<&'a str>>,
    inbox_id: Option<u64>,
    key: Option<&'a KeyLabel>,
    method: &'a Untrusted<String>,
    number: u64,
    order: Option<json::OrderJson<'a>>,
    path: &'a Untrusted<String>,
    reason: Option<&'static str>,
    received_at: Timestamp,
    remote: SocketAddr,
    reply: ReplyJson<'a>,
    sign_type: Option<&'static str>,
    signature: Option<&'static str>,
    since_last_ms: Option<f64>,
    valid: bool,
}

#[derive(Serialize)]
struct ReplyJson<'a> {
    action: Option<&'a str>,
    body: Untrusted<Cow<'a, str>>,
    error_code: Option<&'static str>,
    status: Option<u16>,
}

pub fn json(received: &Received, live: &Live, diagnosis: Option<&Diagnosis>) -> String {
    let Received { id, callback, replied, forwarded, .. } = received;
    let Live { verdict, seen, masked_canonical, breaches } = live;
    let (reading, code) = (verdict.reading.as_ref(), verdict.code.code());
    let mismatch = reading.and_then(Reading::mismatch);
    let verification = reading.map(|reading| &reading.verification);
    let object = CallbackJson {
        body: String::from_utf8_lossy(&callback.body),
        breaches: breaches.iter().map(referee::breach_json).collect(),
        canonical: masked_canonical.as_deref().map(Untrusted::new),
        code,
        delivery: seen.map(|seen| seen.delivery),
        diagnosis: diagnosis::json(diagnosis),
        explanation: verdict.explanation(),
        findings: json::findings(reading.map(|reading| &*reading.findings).unwrap_or_default()),
        forwarded: forwarded.as_ref().map(forwarding::json),
        given: verification.and_then(|it| it.given.as_deref()).map(Untrusted::new),
        inbox_id: (*id != 0).then_some(*id),
        key: reading.and_then(|reading| reading.key.as_ref()),
        method: &callback.method,
        number: callback.number,
        order: reading.map(|reading| (&reading.notification).into()),
        path: &callback.path,
        reason: mismatch.map(Mismatch::code),
        received_at: callback.received_at,
        remote: callback.remote,
        reply: ReplyJson {
            action: replied.action.as_deref(),
            body: Untrusted::lossy(&replied.body),
            error_code: replied.action.is_none().then_some(code),
            status: replied.status,
        },
        sign_type: verification.map(|it| it.scheme.algorithm.name()),
        signature: reading.map(|_| Match::of(mismatch).name()),
        since_last_ms: seen.and_then(|seen| seen.since_last).map(milliseconds),
        valid: verdict.is_valid(),
    };
    json::line("callback", &object)
}

pub fn summary_line(summary: &ListenSummary) -> Line {
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let ListenSummary { callbacks, valid, not_stored, orders, orders_forgotten } = summary;
    let at_most = if *orders_forgotten > 0 { "at most " } else { "" };
    let line = Line::new()
        .strong(format!("{callbacks} callback{}", plural(*callbacks)))
        .plain(format!(" for {at_most}{orders} order{}: ", plural(*orders)))
        .good(format!("{valid} "))
        .good("valid");
    line.count_bad(summary.invalid(), "invalid").count_bad(*not_stored, "not kept")
}

pub fn summary_json(summary: &ListenSummary) -> String {
    #[derive(Serialize)]
    struct SummaryJson {
        callbacks: u64,
        invalid: u64,
        not_kept: u64,
        orders: u64,
        orders_forgotten: u64,
        valid: u64,
    }
    let ListenSummary { callbacks, not_stored: not_kept, orders, orders_forgotten, valid } =
        *summary;
    let invalid = summary.invalid();
    let object = SummaryJson { callbacks, invalid, not_kept, orders, orders_forgotten, valid };
    json::line("summary", &object)
}
