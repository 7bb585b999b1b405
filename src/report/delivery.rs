//! A delivery as it goes, for a person and for a program.

use jiff::Timestamp;
use protocol::internal::acknowledgement::{Conclusion, Refusal, Reply, ReplyWarning};
use protocol::internal::notification::Notification;
use serde_json::{Value, json};

use super::figures::shortened;
use super::json;
use super::line::Line;
use super::phases::phases_json;
use super::text::{clock_time, milliseconds, short_duration};
use super::timeline::extent;
use crate::net::outcome::Outcome;
use crate::sender::decide::{Decision, Exhaustion};
use crate::sender::engine::AttemptDetails;
use crate::sender::record::{Attempt, Interruption, OrderEnd, OrderResult};
use crate::sender::schedule::{RetrySchedule, format_duration};

#[derive(Debug)]
pub struct DeliveryPlan<'a> {
    pub url: String,
    pub notification: &'a Notification,
    /// The kind of its signature; `None` where nothing is signed.
    pub sign_type: Option<&'a str>,
    pub schedule: &'a RetrySchedule,
    /// By which people can tell whether they hold the same key; `None` where nothing is signed.
    pub key_fingerprint: Option<String>,
    pub start: Timestamp,
}

impl DeliveryPlan<'_> {
    pub fn lines(&self) -> Vec<Line> {
        let order = json::order_id(self.notification);
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
                "order": json::OrderJson::from(self.notification),
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

/// An attempt, and below it why it was not acknowledged and what follows.
pub fn attempt_lines(attempt: &Attempt, details: &AttemptDetails<'_>) -> Vec<Line> {
    let status = match details.outcome {
        Outcome::Reply(reply) => reply.status.to_string(),
        Outcome::NoReply(_) => "---".to_owned(),
    };
    let line = Line::new()
        .strong(format!("#{:<3}", attempt.attempt))
        .dim(format!(
            "{}  +{:<8}",
            clock_time(details.started_at),
            format_duration(details.planned)
        ))
        .plain(format!("{status}  {:>8}  ", short_duration(attempt.service_time())));
    let line = match &attempt.explanation {
        None => line.good("acknowledged"),
        Some(_) => line.bad("not acknowledged"),
    };
    let mut lines = vec![line];
    let below = || Line::new().plain("    ");
    let warnings = warnings(details).iter();
    lines.extend(warnings.map(|warning| below().warn(warning.explanation())));
    if let Some(why) = &attempt.explanation {
        let line = below().plain(why.clone());
        lines.push(match details.decision {
            Decision::Acknowledged => line,
            Decision::Retry(next) => line.dim(format!(
                "; next at +{}, in {}",
                format_duration(next.planned),
                short_duration(next.wait)
            )),
            Decision::Exhausted(_) => line.dim("; no attempt follows"),
        });
    }
    lines
}

const MOST_SHOWN: usize = 200;

pub fn reply_line(details: &AttemptDetails<'_>) -> Option<Line> {
    let Outcome::Reply(reply) = details.outcome else { return None };
    let Some(Conclusion::NotAcknowledged(refusal)) = details.conclusion else { return None };
    let is_unread = matches!(
        refusal,
        Refusal::Status(_)
            | Refusal::NoCode
            | Refusal::NotAnObject(_)
            | Refusal::Html
            | Refusal::TextAroundJson
            | Refusal::NotJson
            | Refusal::NotTheReply { .. }
    );
    let begins = if is_unread { beginning(reply) } else { String::new() };
    (!begins.is_empty()).then(|| Line::new().dim("    the reply begins: ").plain(begins))
}

fn beginning(reply: &Reply) -> String {
    // White space shrinks, so more than what is shown is looked at, and yet not the whole.
    let head = &reply.body[..reply.body.len().min(16 * MOST_SHOWN)];
    let head = String::from_utf8_lossy(head);
    shortened(&head.split_whitespace().collect::<Vec<_>>().join(" "), MOST_SHOWN)
}

fn warnings<'a>(details: &AttemptDetails<'a>) -> &'a [ReplyWarning] {
    match details.conclusion {
        Some(Conclusion::Acknowledged(warnings)) => warnings,
        _ => &[],
    }
}

pub fn attempt_json(attempt: &Attempt, details: &AttemptDetails<'_>) -> String {
    let body = match details.outcome {
        Outcome::Reply(reply) => Some(String::from_utf8_lossy(&reply.body)),
        Outcome::NoReply(_) => None,
    };
    let next = match details.decision {
        Decision::Retry(next) => json!({
            "attempt": next.attempt,
            "offset_ms": milliseconds(next.planned),
            "wait_ms": milliseconds(next.wait),
        }),
        Decision::Acknowledged | Decision::Exhausted(_) => Value::Null,
    };
    json::line(
        "attempt",
        &json!({
            "number": attempt.attempt,
            "planned_offset_ms": milliseconds(details.planned),
            "started_at": details.started_at.to_string(),
            "elapsed_ms": milliseconds(attempt.service_time()),
            "phases": phases_json(&attempt.phases),
            "status": attempt.status,
            "reply_body": body,
            "acknowledged": attempt.is_acknowledged(),
            "conclusion": attempt.code,
            "explanation": attempt.explanation,
            "warnings": warnings(details).iter().map(|warning| warning.code()).collect::<Vec<_>>(),
            "next": next,
        }),
    )
}

/// How many attempts of an order have ended.
fn finished(end: &OrderEnd) -> u32 {
    match end.result {
        OrderResult::Interrupted(Interruption::InFlight) => end.attempts.saturating_sub(1),
        _ => end.attempts,
    }
}

pub fn result_line(end: &OrderEnd) -> Line {
    let made = finished(end);
    let attempts = format!("{made} attempt{}", if made == 1 { "" } else { "s" });
    match end.result {
        OrderResult::Acknowledged => Line::new()
            .good("acknowledged")
            .plain(format!(" after {attempts}; the platform sends no more")),
        OrderResult::Exhausted(why) => Line::new().bad("exhausted").plain(format!(
            " after {attempts}: {}",
            match why {
                Exhaustion::NoRetriesLeft => "the schedule ended without an acknowledgement",
                Exhaustion::WindowPassed => "the window passed without an acknowledgement",
                Exhaustion::WindowPassedWhileStopped =>
                    "the window ended while the sender was stopped",
            }
        )),
        OrderResult::Interrupted(at) => {
            let next = made.saturating_add(1);
            Line::new().warn("interrupted").plain(format!(
                " after {attempts}: {}",
                match at {
                    Interruption::InFlight =>
                        format!("attempt {next} was in flight; the merchant may have received it"),
                    Interruption::Waiting => format!("attempt {next} was not sent"),
                }
            ))
        }
    }
}

pub fn result_json(end: &OrderEnd) -> String {
    json::line("report", &json!({"result": end.result.code(), "attempts": finished(end)}))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn under(status: u16, body: &str) -> Option<String> {
        let outcome = Outcome::Reply(Reply { status, body: body.into(), ..Reply::default() });
        let conclusion = outcome.conclusion();
        let details = AttemptDetails {
            planned: Duration::ZERO,
            started_at: Timestamp::UNIX_EPOCH,
            sent: b"{}",
            conclusion: conclusion.as_ref(),
            outcome: &outcome,
            decision: Decision::Exhausted(Exhaustion::NoRetriesLeft),
        };
        let line = reply_line(&details)?;
        let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
        Some(text.trim().to_owned())
    }

    #[test]
    fn a_reply_that_is_not_understood_shows_how_it_begins() {
        let begins = |text: &str| Some(format!("the reply begins: {text}"));
        assert_eq!(
            under(200, "<!DOCTYPE html>\n<h1>\n  Log in"),
            begins("<!DOCTYPE html> <h1> Log in")
        );
        assert_eq!(under(200, "saved #7"), begins("saved #7"));
        assert_eq!(under(502, "Bad Gateway"), begins("Bad Gateway"));
        let long = under(200, &"x".repeat(60_000)).unwrap();
        assert_eq!(long.chars().count(), "the reply begins: ".len() + MOST_SHOWN);
        assert!(long.ends_with("x…"), "{long}");
    }

    #[test]
    fn a_reply_that_is_understood_is_not_repeated() {
        for (status, body) in [
            (200, r#"{"error_code":"0000"}"#),
            (200, r#"{"error_code":"0004","error_msg":"no"}"#),
            (200, "success"),
            (200, " \n"),
            (503, ""),
        ] {
            assert_eq!(under(status, body), None, "{body}");
        }
    }
}
