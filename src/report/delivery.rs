//! A delivery as it goes, for a person and for a program.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json;
use super::line::Line;
use super::text::{clock_time, milliseconds, short_duration};
use super::timeline::extent;
use crate::delivery::engine::{Attempt, DeliveryReport, DeliveryResult, Interruption};
use crate::delivery::outcome::{Decision, Exhaustion, Outcome};
use crate::delivery::schedule::{RetrySchedule, format_duration};
use crate::protocol::acknowledgement::{Conclusion, ReplyWarning};
use crate::protocol::notification::Notification;

/// What is known before the first attempt.
#[derive(Debug)]
pub struct DeliveryPlan<'a> {
    /// Where it goes.
    pub url: String,
    /// What is sent.
    pub notification: &'a Notification,
    /// The kind of its signature; `None` where nothing is signed.
    pub sign_type: Option<&'a str>,
    /// When attempts are planned.
    pub schedule: &'a RetrySchedule,
    /// By which people can tell whether they hold the same key; `None` where nothing is signed.
    pub key_fingerprint: Option<String>,
    /// The order's completion, from which the schedule counts.
    pub start: Timestamp,
}

impl DeliveryPlan<'_> {
    /// The plan's head for a person.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let order = self.notification.order_id.as_deref().unwrap_or("(no order id)");
        let key = match (&self.key_fingerprint, self.sign_type) {
            (Some(fingerprint), Some(sign_type)) => {
                format!("  signed with {sign_type}, key {fingerprint}")
            }
            _ => String::new(),
        };
        vec![
            Line::new().strong(order).plain(" → ").accent(&self.url).dim(key),
            Line::new().dim(format!(
                "schedule {}: {} (window {})",
                self.schedule.name(),
                extent(self.schedule),
                format_duration(self.schedule.window()),
            )),
        ]
    }

    /// The timeline for a person: one line an attempt.
    #[must_use]
    pub fn timeline(&self) -> Vec<Line> {
        self.schedule
            .timeline()
            .map(|(attempt, offset)| {
                let at = self.start.checked_add(offset).map_or_else(|_| String::new(), clock_time);
                Line::new()
                    .plain(format!("#{attempt:<3}"))
                    .plain(format!("+{:<9}", format_duration(offset)))
                    .dim(at)
            })
            .collect()
    }

    /// The plan for a program; `kind` is `ready` or, where nothing is sent, `plan`.
    #[must_use]
    pub fn json(&self, kind: &str) -> String {
        let timeline: Vec<Value> = self
            .schedule
            .timeline()
            .map(|(attempt, offset)| json!({"attempt": attempt, "offset_ms": milliseconds(offset)}))
            .collect();
        json::line(
            kind,
            &json!({
                "url": self.url,
                "order": json::order(self.notification),
                "sign_type": self.sign_type,
                "key_fingerprint": self.key_fingerprint,
                "started_at": self.start.to_string(),
                "schedule": {
                    "name": self.schedule.name(),
                    "window_ms": milliseconds(self.schedule.window()),
                    "timeline": timeline,
                },
            }),
        )
    }
}

/// One attempt as a line for a person.
#[must_use]
pub fn attempt_line(attempt: &Attempt) -> Line {
    let status = match &attempt.outcome {
        Outcome::Reply(reply) => reply.status.to_string(),
        Outcome::NoReply(_) => "---".to_owned(),
    };
    let line = Line::new()
        .strong(format!("#{:<3}", attempt.number))
        .dim(format!(
            "{}  +{:<8}",
            clock_time(attempt.started_at),
            format_duration(attempt.planned_offset)
        ))
        .plain(format!("{status}  {:>8}  ", short_duration(attempt.elapsed)));
    let line = match attempt.explanation() {
        None => line.good("acknowledged"),
        Some(why) => line.bad("not acknowledged").plain(format!(": {why}")),
    };
    let line = warnings(attempt)
        .iter()
        .fold(line, |line, warning| line.warn(format!("; {}", warning.explanation())));
    match (&attempt.next, attempt.decision) {
        (Some(next), _) => line.dim(format!(
            "; next at +{}, in {}",
            format_duration(next.offset),
            short_duration(next.wait)
        )),
        (None, Decision::Exhausted(_)) => line.dim("; no attempt follows"),
        (None, _) => line,
    }
}

fn warnings(attempt: &Attempt) -> &[ReplyWarning] {
    match &attempt.conclusion {
        Some(Conclusion::Acknowledged(warnings)) => warnings,
        _ => &[],
    }
}

/// One attempt for a program.
#[must_use]
pub fn attempt_json(attempt: &Attempt) -> String {
    let (status, body) = match &attempt.outcome {
        Outcome::Reply(reply) => {
            (Some(reply.status), Some(String::from_utf8_lossy(&reply.body).into_owned()))
        }
        Outcome::NoReply(_) => (None, None),
    };
    json::line(
        "attempt",
        &json!({
            "number": attempt.number,
            "planned_offset_ms": milliseconds(attempt.planned_offset),
            "started_at": attempt.started_at.to_string(),
            "elapsed_ms": milliseconds(attempt.elapsed),
            "status": status,
            "reply_body": body,
            "acknowledged": attempt.explanation().is_none(),
            "conclusion": attempt.code(),
            "explanation": attempt.explanation(),
            "warnings": warnings(attempt).iter().map(|warning| warning.code()).collect::<Vec<_>>(),
            "next": attempt.next.map(|next| json!({
                "attempt": next.attempt,
                "offset_ms": milliseconds(next.offset),
                "wait_ms": milliseconds(next.wait),
            })),
        }),
    )
}

/// How a delivery ended as a line for a person.
#[must_use]
pub fn result_line(report: &DeliveryReport) -> Line {
    let made = report.attempts.len();
    let attempts = format!("{made} attempt{}", if made == 1 { "" } else { "s" });
    match report.result {
        DeliveryResult::Acknowledged => Line::new()
            .good("acknowledged")
            .plain(format!(" after {attempts}; the platform sends no more")),
        DeliveryResult::Exhausted(why) => Line::new().bad("exhausted").plain(format!(
            " after {attempts}: {}",
            match why {
                Exhaustion::NoRetriesLeft => "the schedule ended without an acknowledgement",
                Exhaustion::WindowPassed => "the window passed without an acknowledgement",
            }
        )),
        DeliveryResult::Interrupted(at) => Line::new().warn("interrupted").plain(format!(
            " after {attempts}: {}",
            match at {
                Interruption::Sending { attempt } =>
                    format!("attempt {attempt} was under way; the merchant may have received it"),
                Interruption::Waiting { attempt } => format!("attempt {attempt} was not sent"),
            }
        )),
    }
}

/// How a delivery ended for a program.
#[must_use]
pub fn result_json(report: &DeliveryReport) -> String {
    json::line(
        "report",
        &json!({"result": report.result.code(), "attempts": report.attempts.len()}),
    )
}
