//! Why a text is not a reply program, and where.

use super::{MAX_PROGRAM_BYTES, MAX_REPEAT, MAX_STEPS};
use crate::mask::Untrusted;
use crate::units::duration::DurationError;

const SHOWN: usize = 40;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct ProgramError {
    /// Where it is, in characters from 1.
    pub column: usize,
    pub problem: ProgramProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramProblem {
    #[error("the program is longer than {MAX_PROGRAM_BYTES} bytes")]
    TooLong,
    #[error("more than {MAX_STEPS} steps or alternatives")]
    TooMany,
    #[error("a step is missing; write one such as ok, 503 or hang 35s")]
    Missing,
    #[error("{:?} is not known{}", Untrusted::new(.word), hint(*.nearest, .word))]
    Unknown { word: String, nearest: Option<&'static str> },
    #[error("this {0} has no partner; put the text in double quotes if that is meant")]
    Unpaired(char),
    #[error("the quoted text cannot be read: {0}")]
    Quoted(String),
    #[error("{:?} is not a status; one has three digits, from 200 to 999", Untrusted::new(.0))]
    Status(String),
    #[error("{0} needs a time after it, as in {0} 2s")]
    NoDuration(&'static str),
    #[error("{0}")]
    Duration(DurationError),
    #[error("{0} needs a time from 1ms to 1h")]
    DurationRange(&'static str),
    #[error("length needs a difference after it, as in length +5 or length -3")]
    Length,
    /// A header that cannot be read, or that HTTP does not allow.
    #[error("a header is written header:Name=Value, without control characters")]
    Header,
    #[error("{0} is written with the reply; a wrong length is asked for with length +5")]
    Framing(String),
    #[error("a code has 1 to 16 letters and digits, as in code:0004")]
    Code,
    #[error("body: needs a text after it; a reply without a body is written empty")]
    NoBody,
    #[error("{0} is given twice; separate steps with a comma")]
    Twice(&'static str),
    #[error("{0} sends no reply, so only a delay goes with it; separate steps with a comma")]
    Silent(&'static str),
    #[error("* needs a count from 1 to {MAX_REPEAT} after it, as in 503*3")]
    Repeat,
    #[error("a count ends its step; expected a comma here")]
    AfterRepeat,
    #[error("{:?} is no chance; one is from 0% to 100%, with at most four decimals", Untrusted::new(.0))]
    Chance(String),
    #[error("a chance comes first, as in 20% 503")]
    ChanceNotFirst,
    #[error("the chances of this step are more than 100% together")]
    ChanceSum,
    #[error("this alternative is never reached: the one before it has no chance such as 20%")]
    Unreachable,
    #[error("the path cannot be decoded; a percent sign is written %25, a space %20")]
    Path,
}

fn hint(nearest: Option<&str>, word: &str) -> String {
    match nearest {
        Some(near) => format!("; did you mean {near}?"),
        None if word.starts_with(['{', '[', '"', '<']) => {
            format!(
                "; a body is written body:{}",
                if word.starts_with('<') { "<…>" } else { "{…}" }
            )
        }
        None => {
            "; write one such as ok, fail, 503, refuse, body:TEXT, hang 35s or reset".to_owned()
        }
    }
}

pub(super) fn shown(text: &str) -> String {
    cut(&Untrusted::new(text).to_string())
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorPlace<'t> {
    pub(super) text: &'t str,
    pub(super) byte: usize,
}

impl ErrorPlace<'_> {
    pub(super) fn wrong(self, problem: ProgramProblem) -> ProgramError {
        let before = self.text.get(..self.byte).unwrap_or(self.text);
        ProgramError { column: before.chars().count() + 1, problem }
    }
}
