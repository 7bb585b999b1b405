//! One action as a value, and the words that it is written with.

use std::fmt;
use std::time::Duration;

use super::near_miss::Sample;
use super::token::quote;
use crate::receiver::server::handler_output::WireEnd;
use crate::units::duration::format_duration;

pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) delay: Duration,
    pub(super) kind: ActionKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ActionKind {
    Reply(Crafted),
    Hang(Option<Duration>),
    End(WireEnd),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crafted {
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
    pub(super) manner: Manner,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// What would be answered without a program.
    #[default]
    Usual,
    Success,
    Plain,
    Code(String),
    Text(String),
    Sample(&'static Sample),
    Redirect,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    #[default]
    Whole,
    /// Byte by byte, with this time between two.
    Drip(Duration),
    Cut(WireEnd),
    Length(i64),
}

impl Default for ActionKind {
    fn default() -> Self {
        ActionKind::Reply(Crafted::default())
    }
}

impl Action {
    pub(super) fn limit_waits(&mut self, most: Duration) {
        self.delay = self.delay.min(most);
        match &mut self.kind {
            ActionKind::Hang(time) => *time = Some(time.unwrap_or(most).min(most)),
            ActionKind::Reply(Crafted { manner: Manner::Drip(pace), .. }) => {
                *pace = (*pace).min(most)
            }
            ActionKind::Reply(_) | ActionKind::End(_) => {}
        }
    }

    /// Whether it is what would be done without a program.
    pub(super) fn is_usual(&self) -> bool {
        *self == Action::default()
    }
}

const fn end_word(end: WireEnd) -> &'static str {
    match end {
        WireEnd::Close => "close",
        WireEnd::Reset => "reset",
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.delay.is_zero() {
            write!(f, "delay {} ", format_duration(self.delay))?;
        }
        match &self.kind {
            ActionKind::Reply(crafted) => write!(f, "{crafted}"),
            ActionKind::Hang(None) => f.write_str("hang"),
            ActionKind::Hang(Some(time)) => write!(f, "hang {}", format_duration(*time)),
            ActionKind::End(end) => f.write_str(end_word(*end)),
        }
    }
}

impl fmt::Display for Crafted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.status.map(|status| status.to_string()));
        for (name, value) in &self.headers {
            words.push(format!("header:{name}={}", quote(value)));
        }
        match self.manner {
            Manner::Whole => (),
            Manner::Drip(pace) => words.push(format!("drip {}", format_duration(pace))),
            Manner::Cut(end) => words.push(format!("{} mid", end_word(end))),
            Manner::Length(by) => words.push(format!("length {by:+}")),
        }
        match &self.content {
            Content::Usual => words.push("auto".to_owned()),
            Content::Success => words.push("ok".to_owned()),
            Content::Plain => (),
            Content::Code(code) => words.push(format!("code:{code}")),
            Content::Text(text) => words.push(format!("body:{}", quote(text))),
            Content::Sample(sample) => words.push(sample.name.to_owned()),
            Content::Redirect => words.push("redirect".to_owned()),
        }
        f.write_str(&words.join(" "))
    }
}
