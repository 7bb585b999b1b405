//! What a program answers when, in words.

use std::fmt;

use super::Step;
use super::action::{Action, ActionKind, Content, Crafted, Manner};
use super::error::{cut, shown};
use super::render::{platform_code, reason};
use crate::receiver::server::handler_output::WireEnd;
use crate::units::duration::format_duration;
use crate::units::percent::Percent;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// The first reply that this is, from 1.
    pub first: u64,
    /// The last one; nothing where it is for ever.
    pub last: Option<u64>,
    pub text: String,
}

impl fmt::Display for PlanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (1, None) => write!(f, "every reply: {}", self.text),
            (first, None) => write!(f, "from reply {first} on: {}", self.text),
            (first, Some(last)) if first == last => write!(f, "reply {first}: {}", self.text),
            (first, Some(last)) => write!(f, "reply {first}–{last}: {}", self.text),
        }
    }
}

pub(super) fn lines(steps: &[Step]) -> Vec<PlanLine> {
    let mut first = 1_u64;
    let mut lines = Vec::with_capacity(steps.len());
    for (at, step) in steps.iter().enumerate() {
        let next = first.saturating_add(step.repeat);
        let last = (at + 1 < steps.len()).then_some(next - 1);
        lines.push(PlanLine { first, last, text: choice(step) });
        first = next;
    }
    lines
}

fn choice(step: &Step) -> String {
    let mut left = Percent::ALL.millionths();
    let mut parts = Vec::new();
    for alternative in &step.alternatives {
        let action = describe(&alternative.action);
        match alternative.chance {
            Some(chance) => {
                left = left.saturating_sub(chance.millionths());
                parts.push(format!("{chance} {action}"));
            }
            None if parts.is_empty() => return action,
            None => {
                parts.push(format!("{} {action}", Percent::from_millionths(left)));
                left = 0;
            }
        }
    }
    if left > 0 {
        parts.push(format!("{} {}", Percent::from_millionths(left), describe(&Action::default())));
    }
    parts.join("; ")
}

fn describe(action: &Action) -> String {
    let kind = match &action.kind {
        ActionKind::Reply(crafted) => reply(crafted),
        ActionKind::Hang(Some(time)) => format!("hangs {}, then closes", format_duration(*time)),
        ActionKind::Hang(None) => "hangs until the client leaves, at most 1h".to_owned(),
        ActionKind::End(WireEnd::Close) => "closes before any reply".to_owned(),
        ActionKind::End(WireEnd::Reset) => "resets before any reply".to_owned(),
    };
    if action.delay.is_zero() {
        return kind;
    }
    format!("after {}: {kind}", format_duration(action.delay))
}

fn reply(crafted: &Crafted) -> String {
    let mut text = content(crafted);
    for (name, value) in &crafted.headers {
        text += &format!(", with {}: {}", shown(name), shown(value));
    }
    text + &match crafted.manner {
        Manner::Whole => String::new(),
        Manner::Drip(pace) => format!(", byte by byte, {} between two", format_duration(pace)),
        Manner::Cut(WireEnd::Close) => ", closed in the middle of the body".to_owned(),
        Manner::Cut(WireEnd::Reset) => ", reset in the middle of the body".to_owned(),
        Manner::Length(by) => {
            let large = if by > 0 { "large" } else { "small" };
            format!(", with a Content-Length {} too {large}", by.unsigned_abs())
        }
    }
}

fn content(crafted: &Crafted) -> String {
    let status = crafted.status;
    let with_status = |text: String| match status {
        Some(status) => format!("{text}, with status {status}"),
        None => text,
    };
    match &crafted.content {
        Content::Usual => with_status("the usual answer".to_owned()),
        Content::Success => with_status("acknowledges whatever came".to_owned()),
        Content::Plain => {
            let status = status.unwrap_or(200);
            format!("{status} {}", reason(status)).trim_end().to_owned()
        }
        Content::Code(code) => with_status(match platform_code(code) {
            Some(known) => format!("code {code} ({})", known.message()),
            None => format!("code {code}"),
        }),
        Content::Text(text) => format!("{} {}", status.unwrap_or(200), shown(text)),
        Content::Sample(sample) => {
            let mut words = vec![status.unwrap_or(200).to_string()];
            words.extend((!sample.body.is_empty()).then(|| cut(sample.body)));
            format!("{} ({})", words.join(" "), sample.about)
        }
        Content::Redirect => format!("{} to the same address", status.unwrap_or(302)),
    }
}
