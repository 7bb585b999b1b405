//! Why a text is no reply program, and where.

use super::{MAX_PROGRAM_BYTES, MAX_REPEAT, MAX_STEPS};
use crate::clock::duration::DurationError;

/// The most characters of a text that a line repeats.
const SHOWN: usize = 40;

/// Why a text is no reply program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct ProgramError {
    /// Where it stands, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: ProgramProblem,
}

/// What is wrong with a reply program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramProblem {
    /// More bytes than are read.
    #[error("the program is longer than {MAX_PROGRAM_BYTES} bytes")]
    TooLong,
    /// More steps, or alternatives of one step, than are taken.
    #[error("more than {MAX_STEPS} steps or alternatives")]
    TooMany,
    /// Nothing where a step belongs.
    #[error("a step is missing; write one such as ok, 503 or hang 35s")]
    Missing,
    /// A word that is not known.
    #[error("{word:?} is not known{}", hint(*.nearest, .word))]
    Unknown {
        /// The word, its middle cut where it is long.
        word: String,
        /// The known word that it resembles.
        nearest: Option<&'static str>,
    },
    /// A bracket or a quote without its partner.
    #[error("this {0} has no partner; put the text in double quotes if that is meant")]
    Unpaired(char),
    /// A quoted text that is no JSON string.
    #[error("the quoted text cannot be read: {0}")]
    Quoted(String),
    /// A number that is no status.
    #[error("{0:?} is no status; one has three digits, from 200 to 999")]
    Status(String),
    /// A word whose duration is missing.
    #[error("{0} wants a time after it, as in {0} 2s")]
    NoDuration(&'static str),
    /// A duration that cannot be read.
    #[error("{0}")]
    Duration(DurationError),
    /// A duration out of bounds.
    #[error("{0} wants a time from 1ms to 1h")]
    DurationRange(&'static str),
    /// A difference of length that cannot be read.
    #[error("length wants a difference after it, as in length +5 or length -3")]
    Length,
    /// A header that cannot be read, or that HTTP does not allow.
    #[error("a header is written header:Name=Value, without control characters")]
    Header,
    /// A header that tells where a reply ends.
    #[error("{0} is written with the reply; a wrong length is asked for with length +5")]
    Framing(String),
    /// A code that cannot be one.
    #[error("a code has 1 to 16 letters and digits, as in code:0004")]
    Code,
    /// A body without text.
    #[error("body: wants a text after it; a reply without a body is written empty")]
    NoBody,
    /// A second word of one kind.
    #[error("{0} is given twice; a comma stands between steps")]
    Twice(&'static str),
    /// A reply where none is sent.
    #[error("{0} sends no reply, so only a delay goes with it; a comma stands between steps")]
    Silent(&'static str),
    /// A count that cannot be one.
    #[error("* wants a count from 1 to {MAX_REPEAT} after it, as in 503*3")]
    Repeat,
    /// A word or a sign after a count.
    #[error("a count ends its step; a comma is wanted here")]
    AfterRepeat,
    /// A chance that cannot be read.
    #[error("{0:?} is no chance; one is from 0% to 100%, with at most four decimals")]
    Chance(String),
    /// A chance behind another word.
    #[error("a chance stands first, as in 20% 503")]
    ChanceNotFirst,
    /// The chances of a step are more than all.
    #[error("the chances of this step are more than 100% together")]
    ChanceSum,
    /// An alternative behind one that takes all that is left.
    #[error("this alternative is never reached: the one before it has no chance such as 20%")]
    Unreachable,
    /// A path whose percent signs make no text.
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

/// The start of a text, as much of it as fits in a line beside other words.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A place in a program's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'t> {
    /// The whole text.
    pub(super) text: &'t str,
    /// The byte in it.
    pub(super) byte: usize,
}

impl Place<'_> {
    /// The problem at this place.
    pub(super) fn wrong(self, problem: ProgramProblem) -> ProgramError {
        let before = self.text.get(..self.byte).unwrap_or(self.text);
        ProgramError { column: before.chars().count() + 1, problem }
    }
}
