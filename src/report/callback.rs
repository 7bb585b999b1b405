//! Callbacks as they come, for a person and for a program.

use protocol::Diagnosis;
use protocol::internal::notification::{Notification, major_units};
use serde_json::{Value, json};

use super::line::Line;
use super::text::{clock_time, milliseconds, short_duration};
use super::verification::{finding_line, given};
use super::{diagnosis, forwarding, json, referee};
use crate::mask::Untrusted;
use crate::receiver::callback::Callback;
use crate::receiver::delivery_counter::Seen;
use crate::receiver::events::ListenSummary;
use crate::receiver::received::{Live, Received, Replied};
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
    let text = Untrusted::new(String::from_utf8_lossy(&replied.body)).to_string();
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
        Some(action) if replied.status.is_none() => {
            answer.warn(format!("({})", Untrusted::new(&action)))
        }
        Some(_) if replied.action == status => answer.warn(body),
        Some(action) => answer.warn(body).dim(format!(" ({})", Untrusted::new(&action))),
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
    format!("{} {}", Untrusted::new(&callback.method), Untrusted::new(&callback.path))
}

/// The request as it came; the terminal makes its control characters visible.
fn request_lines(callback: &Callback) -> Vec<Line> {
    let text = |bytes: &[u8]| Untrusted::new(String::from_utf8_lossy(bytes)).to_string();
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
        None => line.good(format!("  {} signature matches", reading.verification.scheme.algorithm)),
        Some(mismatch) => line
            .bad(format!("  {} signature does not match", reading.verification.scheme.algorithm))
            .plain(format!(": {}", mismatch.explanation())),
    }
}

pub fn json(received: &Received, live: &Live, diagnosis: Option<&Diagnosis>) -> String {
    let Received { id, callback, replied, .. } = received;
    let Live { verdict, seen, masked_canonical, .. } = live;
    let reading = verdict.reading.as_ref();
    let findings: Vec<Value> =
        reading.map(|r| r.findings.iter().map(json::finding).collect()).unwrap_or_default();
    json::line(
        "callback",
        &json!({
            "number": callback.number,
            "received_at": callback.received_at.to_string(),
            "remote": callback.remote.to_string(),
            "method": Untrusted::new(&callback.method),
            "path": Untrusted::new(&callback.path),
            "body": String::from_utf8_lossy(&callback.body),
            "order": reading.map(|reading| json::order(&reading.notification)),
            "valid": verdict.is_valid(),
            "signature": reading.map(|reading| match reading.mismatch() {
                None => "match",
                Some(_) => "mismatch",
            }),
            "sign_type": reading.map(|reading| reading.verification.scheme.algorithm.name()),
            "given": reading.and_then(|reading| reading.verification.given.as_ref()).map(Untrusted::new),
            "reason": reading.and_then(|reading| reading.mismatch().map(|mismatch| mismatch.code())),
            "explanation": verdict.explanation(),
            "canonical": masked_canonical.as_ref().map(Untrusted::new),
            "findings": findings,
            "diagnosis": diagnosis::json(diagnosis),
            "delivery": seen.map(|seen| seen.delivery),
            "since_last_ms": seen.and_then(|seen| seen.since_last).map(milliseconds),
            "code": verdict.code.code(),
            "inbox_id": (*id != 0).then_some(id),
            "forwarded": received.forwarded.as_ref().map(forwarding::json),
            "breaches": live.breaches.iter().map(referee::breach_json).collect::<Vec<_>>(),
            "reply": {
                "status": replied.status,
                "error_code": replied.action.is_none().then(|| verdict.code.code()),
                "action": replied.action.as_ref().map(Untrusted::new),
                "body": Untrusted::new(String::from_utf8_lossy(&replied.body)),
            },
        }),
    )
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
    let ListenSummary { callbacks, valid, not_stored, orders, orders_forgotten } = summary;
    let invalid = summary.invalid();
    json::line(
        "summary",
        &json!({
            "callbacks": callbacks,
            "valid": valid,
            "invalid": invalid,
            "not_kept": not_stored,
            "orders": orders,
            "orders_forgotten": orders_forgotten,
        }),
    )
}
