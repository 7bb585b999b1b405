//! Reply programs: what `listen` answers, step by step.
//!
//! ```text
//! fail*3, hang 35s, body:{"error_code":0}, reset, ok
//! ```
//!
//! answers three times with status 500, keeps quiet for 35 seconds and closes, answers with the
//! wrong JSON, resets the connection, and acknowledges from then on: **the last step repeats for
//! ever**.
//!
//! Everything here is pure: the server waits, writes and resets. Chances come from a seed.
//!
//! # Grammar
//!
//! ```text
//! program     = step { "," step }
//! step        = alternative { "|" alternative } [ "*" COUNT ]
//! alternative = [ CHANCE "%" ] word { word }
//! ```
//!
//! Words are separated by spaces, in any order. An alternative takes at most one word of each kind;
//! headers may be many.
//!
//! | kind | word | meaning |
//! |---|---|---|
//! | time | `delay 2s` | waits before anything else |
//! | status | `503`, `fail` | this status, 200 to 999; `fail` is `500` |
//! | header | `header:Name=Value` | this header, instead of one of that name |
//! | content | `auto` | the usual answer: acknowledges what is valid, refuses the rest |
//! | | `ok` | acknowledges whatever came, as the dialect requires |
//! | | `code:0004`, `refuse` | refuses with this platform code; `refuse` is `code:0004` |
//! | | `body:TEXT` | this text; JSON and HTML get their content type |
//! | | `redirect` | 302 to the same address |
//! | | a name of [`near_miss::SAMPLES`] | a reply that nearly acknowledges, such as `number-zero` |
//! | manner | `drip 100ms` | the whole reply byte by byte, so long between two |
//! | | `close mid`, `truncated` | the full length is told, half the body is sent, then closed |
//! | | `reset mid` | the same, then reset |
//! | | `length +5`, `length -3` | a `Content-Length` that is that much too large or too small |
//! | silence | `hang 35s`, `hang` | no reply, then closes; without a time when the client leaves |
//! | | `close`, `reset` | ends the connection before any reply |
//!
//! A status alone has a plain text as its content; everything else without a content has that of
//! `auto`. A silence goes with a delay alone.
//!
//! A chance is the share of replies that an alternative has: `20% 500 | 30% hang | ok` answers half
//! of them with `ok`. An alternative without a chance takes what is left and comes last; where
//! there is none, that is `auto`.
//!
//! A value holds spaces, `,`, `|` and `*` inside of `{…}`, `[…]` and `"…"`. One that begins with a
//! double quote is a JSON string, and its text is meant: `body:"a, b"`. Drips end after 1024
//! pieces (a longer reply has larger ones), and no wait lasts over an hour.

use std::fmt;
use std::sync::Arc;

mod action;
mod describe;
mod error;
pub mod near_miss;
mod parse;
mod path;
#[cfg(test)]
mod properties;
mod render;
mod runner;
#[cfg(test)]
mod tests;
mod token;

use action::Action;

use crate::units::percent::Percent;
pub use describe::PlanLine;
pub use error::ProgramError;
pub use path::path_program;
pub use runner::{Per, RequestContext, Runner};

pub const MAX_PROGRAM_BYTES: usize = 64 * 1024;

pub const MAX_STEPS: usize = 1000;

pub const MAX_REPEAT: u64 = 1_000_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyProgram {
    /// Never empty.
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Those with a chance first; at most the last has none.
    alternatives: Vec<Alternative>,
    /// From 1 to [`MAX_REPEAT`].
    repeat: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    chance: Option<Percent>,
    action: Arc<Action>,
}

impl ReplyProgram {
    pub fn parse(text: &str) -> Result<Self, ProgramError> {
        parse::program(text)
    }

    pub fn plan_lines(&self) -> Vec<PlanLine> {
        describe::lines(&self.steps)
    }

    /// The step of reply `number`, counted from 1.
    fn step(&self, number: u64) -> Option<&Step> {
        let mut before = 0_u64;
        let reached = self.steps.iter().find(|step| {
            before = before.saturating_add(step.repeat);
            number <= before
        });
        reached.or(self.steps.last())
    }
}

impl fmt::Display for ReplyProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            for (at, alternative) in step.alternatives.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { " | " })?;
                if let Some(chance) = alternative.chance {
                    write!(f, "{chance} ")?;
                }
                write!(f, "{}", alternative.action)?;
            }
            if step.repeat > 1 {
                write!(f, "*{}", step.repeat)?;
            }
        }
        Ok(())
    }
}
