//! A rule that the sender broke, as a value.

use std::time::Duration;

use crate::mask::Untrusted;
use jiff::Timestamp;
use protocol::Severity;

/// Who made a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSource {
    pub name: &'static str,
    pub explanation: &'static str,
}

const PLATFORM: RuleSource = RuleSource { name: "platform", explanation: "the platform's page" };
const OURS: RuleSource = RuleSource { name: "ours", explanation: "ours" };
const GIVEN: RuleSource = RuleSource { name: "given", explanation: "the schedule given" };

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowStart {
    #[error("update_time")]
    UpdateTime,
    #[error("the first delivery")]
    FirstDelivery,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreachKind {
    #[error("the method was {}", Untrusted::new(.given))]
    WrongMethod { given: String, wanted: &'static str },
    /// The content type that came is shortened; nothing where there was none.
    #[error("{}", content_type(.given.as_deref()))]
    WrongContentType { given: Option<String>, wanted: &'static str },
    #[error("sent more often than {allowed} times")]
    TooManyDeliveries { allowed: u64 },
    #[error("sent {} after {start}", seconds(*.after))]
    OutsideWindow { after: Duration, window: Duration, start: WindowStart },
    #[error("sent again {} after it was acknowledged", seconds(*.after))]
    AfterAcknowledgement { after: Duration },
    #[error("differs from its first delivery in {}", Untrusted::new(.members.join(", ")))]
    BodyChanged { members: Vec<String> },
    #[error("signed differently than its first delivery")]
    SignatureChanged,
    #[error("the same fields, but white space, order or escapes differ")]
    BodyReformatted,
    #[error("contradicts the order's first delivery in {}", Untrusted::new(.members.join(", ")))]
    ConflictingDuplicate { members: Vec<String> },
    /// `to` is what came then; nothing where the platform knows no such status.
    #[error("{} after {from}, which is final", .to.unwrap_or("an unknown status"))]
    StatusAfterFinal { from: &'static str, to: Option<&'static str> },
    #[error("{to} after {from}")]
    StatusBackwards { from: &'static str, to: &'static str },
    /// The planned gap; nothing where the schedule has ended.
    #[error("{} after the delivery before it; {} was planned", seconds(*.gap), .planned.map_or("none".into(), seconds))]
    OffSchedule { planned: Option<Duration>, gap: Duration },
    #[error("only {} after the delivery before it", seconds(*.gap))]
    TooSoon { gap: Duration, closest: Duration },
    #[error("gave up after {sent} of {planned} deliveries, without an acknowledgement; silent for {}", seconds(*.silence))]
    GaveUp { sent: u64, planned: u64, silence: Duration },
    #[error("silent for {} after {sent} of at most {most} deliveries, without an acknowledgement", seconds(*.silence))]
    Silent { sent: u64, most: u64, silence: Duration },
    #[error("sent while callback {with} of the same order was in flight")]
    Concurrent { with: u64 },
}

fn content_type(given: Option<&str>) -> String {
    match given {
        None => "there was no content type".to_owned(),
        Some(given) => format!("the content type was {}", Untrusted::new(&given)),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub number: u64,
    pub at: Timestamp,
    /// The order's id, shortened; nothing where the callback names none.
    pub order_id: Option<String>,
    /// Counts the deliveries of the same notification (order and status), from 1.
    pub delivery: Option<u64>,
    pub kind: BreachKind,
}

impl BreachKind {
    pub const fn code(&self) -> &'static str {
        self.facts().0
    }

    pub const fn severity(&self) -> Severity {
        self.facts().1
    }

    pub const fn source(&self) -> RuleSource {
        self.facts().2
    }

    const fn facts(&self) -> (&'static str, Severity, RuleSource) {
        use Severity::{Error, Warning};
        match self {
            BreachKind::WrongMethod { .. } => ("wrong-method", Error, PLATFORM),
            BreachKind::WrongContentType { .. } => ("wrong-content-type", Error, PLATFORM),
            BreachKind::TooManyDeliveries { .. } => ("too-many-deliveries", Error, PLATFORM),
            BreachKind::OutsideWindow { .. } => ("outside-window", Error, PLATFORM),
            BreachKind::AfterAcknowledgement { .. } => ("after-acknowledgement", Error, PLATFORM),
            BreachKind::BodyChanged { .. } => ("body-changed", Error, OURS),
            BreachKind::SignatureChanged => ("signature-changed", Error, OURS),
            BreachKind::BodyReformatted => ("body-reformatted", Warning, OURS),
            BreachKind::ConflictingDuplicate { .. } => ("conflicting-duplicate", Error, OURS),
            BreachKind::StatusAfterFinal { .. } => ("status-after-final", Error, OURS),
            BreachKind::StatusBackwards { .. } => ("status-backwards", Warning, OURS),
            BreachKind::OffSchedule { .. } => ("off-schedule", Error, GIVEN),
            BreachKind::TooSoon { .. } => ("too-soon", Warning, OURS),
            BreachKind::GaveUp { .. } => ("gave-up", Error, GIVEN),
            BreachKind::Silent { .. } => ("silent", Warning, OURS),
            BreachKind::Concurrent { .. } => ("concurrent", Warning, OURS),
        }
    }

    /// The rule in words, without its source.
    pub fn rule(&self) -> String {
        let text = match self {
            BreachKind::WrongMethod { wanted, .. } => return format!("the method is {wanted}"),
            BreachKind::WrongContentType { wanted, .. } => {
                return format!("the content type is {wanted}");
            }
            BreachKind::TooManyDeliveries { allowed } => {
                return format!("at most {} retries", allowed.saturating_sub(1));
            }
            BreachKind::OutsideWindow { window, .. } => {
                return format!("all within {} of completion", seconds(*window));
            }
            BreachKind::AfterAcknowledgement { .. } => "silence after the acknowledgement",
            BreachKind::BodyChanged { .. }
            | BreachKind::SignatureChanged
            | BreachKind::BodyReformatted => "a retry repeats the notification byte for byte",
            BreachKind::ConflictingDuplicate { .. } => "an order keeps its amounts and its owner",
            BreachKind::StatusAfterFinal { .. } => "a final status stays",
            BreachKind::StatusBackwards { .. } => "a status goes forward",
            BreachKind::OffSchedule { .. } => "each gap as planned, within 20% and 1 s",
            BreachKind::TooSoon { closest, .. } => {
                return format!("{} between retries at least", seconds(*closest));
            }
            BreachKind::GaveUp { .. } => "every planned retry until the acknowledgement",
            BreachKind::Silent { .. } => "retries until the acknowledgement",
            BreachKind::Concurrent { .. } => "one delivery of an order at a time",
        };
        text.to_owned()
    }
}

/// A duration in seconds, to the millisecond, without zeros at its end: `3600 s`, `0.25 s`.
fn seconds(duration: Duration) -> String {
    let text = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_breach_has_its_code_weight_and_source() {
        use BreachKind::*;
        use Severity::{Error, Warning};
        let second = Duration::from_secs(1);
        let start = WindowStart::UpdateTime;
        let members = || vec!["amount".to_owned()];
        for (kind, code, severity, source) in [
            (
                WrongMethod { given: "PUT".into(), wanted: "POST" },
                "wrong-method",
                Error,
                "platform",
            ),
            (
                WrongContentType { given: None, wanted: "application/json" },
                "wrong-content-type",
                Error,
                "platform",
            ),
            (TooManyDeliveries { allowed: 11 }, "too-many-deliveries", Error, "platform"),
            (
                OutsideWindow { after: second, window: second, start },
                "outside-window",
                Error,
                "platform",
            ),
            (AfterAcknowledgement { after: second }, "after-acknowledgement", Error, "platform"),
            (BodyChanged { members: members() }, "body-changed", Error, "ours"),
            (SignatureChanged, "signature-changed", Error, "ours"),
            (BodyReformatted, "body-reformatted", Warning, "ours"),
            (ConflictingDuplicate { members: members() }, "conflicting-duplicate", Error, "ours"),
            (StatusAfterFinal { from: "success", to: None }, "status-after-final", Error, "ours"),
            (
                StatusBackwards { from: "processing", to: "pending" },
                "status-backwards",
                Warning,
                "ours",
            ),
            (OffSchedule { planned: None, gap: second }, "off-schedule", Error, "given"),
            (TooSoon { gap: second, closest: second }, "too-soon", Warning, "ours"),
            (Concurrent { with: 1 }, "concurrent", Warning, "ours"),
            (GaveUp { sent: 1, planned: 2, silence: second }, "gave-up", Error, "given"),
            (Silent { sent: 1, most: 2, silence: second }, "silent", Warning, "ours"),
        ] {
            assert_eq!(
                (kind.code(), kind.severity(), kind.source().name),
                (code, severity, source)
            );
        }
    }

    #[test]
    fn each_source_says_whose_rule_it_is() {
        for (source, name, part) in [
            (PLATFORM, "platform", "platform"),
            (OURS, "ours", "ours"),
            (GIVEN, "given", "schedule"),
        ] {
            assert_eq!(source.name, name);
            assert!(source.explanation.contains(part), "{}", source.explanation);
        }
    }

    #[test]
    fn a_rule_and_a_breach_name_their_numbers() {
        assert_eq!(BreachKind::TooManyDeliveries { allowed: 11 }.rule(), "at most 10 retries");
        let (after, window) = (Duration::from_millis(3_605_250), Duration::from_secs(3600));
        let late = BreachKind::OutsideWindow { after, window, start: WindowStart::FirstDelivery };
        assert_eq!(late.rule(), "all within 3600 s of completion");
        assert_eq!(late.to_string(), "sent 3605.25 s after the first delivery");
        for (millis, text) in [(0, "0 s"), (1, "0.001 s"), (250, "0.25 s"), (100_000, "100 s")] {
            assert_eq!(seconds(Duration::from_millis(millis)), text);
        }
    }
}
