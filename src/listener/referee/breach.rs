//! A rule that the sender broke, as a value.

use std::time::Duration;

use jiff::Timestamp;
use protocol::Severity;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Platform,
    Ours,
    Given,
}

impl Source {
    pub const fn name(self) -> &'static str {
        match self {
            Source::Platform => "platform",
            Source::Ours => "ours",
            Source::Given => "given",
        }
    }

    pub const fn explanation(self) -> &'static str {
        match self {
            Source::Platform => "the platform's page",
            Source::Ours => "ours",
            Source::Given => "the schedule given",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    UpdateTime,
    FirstDelivery,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreachKind {
    WrongMethod {
        given: String,
        wanted: &'static str,
    },
    WrongContentType {
        /// The content type that came, shortened; nothing where there was none.
        given: Option<String>,
        wanted: &'static str,
    },
    TooManyDeliveries {
        allowed: u64,
    },
    OutsideWindow {
        after: Duration,
        window: Duration,
        start: WindowStart,
    },
    AfterAcknowledgement {
        after: Duration,
    },
    BodyChanged {
        members: Vec<String>,
    },
    SignatureChanged,
    BodyReformatted,
    ConflictingDuplicate {
        members: Vec<String>,
    },
    StatusAfterFinal {
        from: &'static str,
        /// What came then; nothing where the platform knows no such status.
        to: Option<&'static str>,
    },
    StatusBackwards {
        from: &'static str,
        to: &'static str,
    },
    OffSchedule {
        /// The planned gap; nothing where the schedule has ended.
        planned: Option<Duration>,
        gap: Duration,
    },
    TooSoon {
        gap: Duration,
        closest: Duration,
    },
    Concurrent {
        with: u64,
    },
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
        match self {
            BreachKind::WrongMethod { .. } => "wrong-method",
            BreachKind::WrongContentType { .. } => "wrong-content-type",
            BreachKind::TooManyDeliveries { .. } => "too-many-deliveries",
            BreachKind::OutsideWindow { .. } => "outside-window",
            BreachKind::AfterAcknowledgement { .. } => "after-acknowledgement",
            BreachKind::BodyChanged { .. } => "body-changed",
            BreachKind::SignatureChanged => "signature-changed",
            BreachKind::BodyReformatted => "body-reformatted",
            BreachKind::ConflictingDuplicate { .. } => "conflicting-duplicate",
            BreachKind::StatusAfterFinal { .. } => "status-after-final",
            BreachKind::StatusBackwards { .. } => "status-backwards",
            BreachKind::OffSchedule { .. } => "off-schedule",
            BreachKind::TooSoon { .. } => "too-soon",
            BreachKind::Concurrent { .. } => "concurrent",
        }
    }

    pub const fn severity(&self) -> Severity {
        match self {
            BreachKind::BodyReformatted
            | BreachKind::StatusBackwards { .. }
            | BreachKind::TooSoon { .. }
            | BreachKind::Concurrent { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    pub const fn source(&self) -> Source {
        match self {
            BreachKind::WrongMethod { .. }
            | BreachKind::WrongContentType { .. }
            | BreachKind::TooManyDeliveries { .. }
            | BreachKind::OutsideWindow { .. }
            | BreachKind::AfterAcknowledgement { .. } => Source::Platform,
            BreachKind::OffSchedule { .. } => Source::Given,
            _ => Source::Ours,
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
            BreachKind::Concurrent { .. } => "one delivery of an order at a time",
        };
        text.to_owned()
    }

    pub fn explanation(&self) -> String {
        match self {
            BreachKind::WrongMethod { given, .. } => format!("the method was {given}"),
            BreachKind::WrongContentType { given: None, .. } => "there was no content type".into(),
            BreachKind::WrongContentType { given: Some(given), .. } => {
                format!("the content type was {given}")
            }
            BreachKind::TooManyDeliveries { allowed } => {
                format!("sent more often than {allowed} times")
            }
            BreachKind::OutsideWindow { after, start, .. } => {
                let start = match start {
                    WindowStart::UpdateTime => "update_time",
                    WindowStart::FirstDelivery => "the first delivery",
                };
                format!("sent {} after {start}", seconds(*after))
            }
            BreachKind::AfterAcknowledgement { after } => {
                format!("sent again {} after it was acknowledged", seconds(*after))
            }
            BreachKind::BodyChanged { members } => {
                format!("differs from its first delivery in {}", members.join(", "))
            }
            BreachKind::SignatureChanged => "signed differently than its first delivery".into(),
            BreachKind::BodyReformatted => {
                "the same members, but white space, order or escapes differ".into()
            }
            BreachKind::ConflictingDuplicate { members } => {
                format!("contradicts the order's first delivery in {}", members.join(", "))
            }
            BreachKind::StatusAfterFinal { from, to } => {
                format!("{} after {from}, which is final", to.unwrap_or("an unknown status"))
            }
            BreachKind::StatusBackwards { from, to } => format!("{to} after {from}"),
            BreachKind::OffSchedule { planned: None, gap } => {
                format!("{} after the delivery before it; none was planned", seconds(*gap))
            }
            BreachKind::OffSchedule { planned: Some(planned), gap } => format!(
                "{} after the delivery before it; {} was planned",
                seconds(*gap),
                seconds(*planned)
            ),
            BreachKind::TooSoon { gap, .. } => {
                format!("only {} after the delivery before it", seconds(*gap))
            }
            BreachKind::Concurrent { with } => {
                format!("sent while callback {with} of the same order was under way")
            }
        }
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
        ] {
            assert_eq!(
                (kind.code(), kind.severity(), kind.source().name()),
                (code, severity, source)
            );
        }
    }

    #[test]
    fn each_source_says_whose_rule_it_is() {
        for (source, name, part) in [
            (Source::Platform, "platform", "platform"),
            (Source::Ours, "ours", "ours"),
            (Source::Given, "given", "schedule"),
        ] {
            assert_eq!(source.name(), name);
            assert!(source.explanation().contains(part), "{}", source.explanation());
        }
    }

    #[test]
    fn a_rule_and_a_breach_name_their_numbers() {
        assert_eq!(BreachKind::TooManyDeliveries { allowed: 11 }.rule(), "at most 10 retries");
        let (after, window) = (Duration::from_millis(3_605_250), Duration::from_secs(3600));
        let late = BreachKind::OutsideWindow { after, window, start: WindowStart::FirstDelivery };
        assert_eq!(late.rule(), "all within 3600 s of completion");
        assert_eq!(late.explanation(), "sent 3605.25 s after the first delivery");
        for (millis, text) in [(0, "0 s"), (1, "0.001 s"), (250, "0.25 s"), (100_000, "100 s")] {
            assert_eq!(seconds(Duration::from_millis(millis)), text);
        }
    }
}
