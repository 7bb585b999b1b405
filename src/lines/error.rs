//! Lines that give no payload: where in them, and what is wrong there.

use std::fmt;

use protocol::internal::untrusted::Untrusted;
use protocol::{MAX_BYTES, PayloadError, PayloadProblem};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, from 1; blank lines count.
    pub number: u64,
    /// The column in characters, from 1, where one can be named.
    pub column: Option<usize>,
    pub member: Option<String>,
    pub problem: String,
}

impl BadLine {
    pub fn whole(number: u64, problem: impl Into<String>) -> Self {
        BadLine { number, column: None, member: None, problem: problem.into() }
    }

    pub fn in_member(number: u64, member: &str, problem: impl Into<String>) -> Self {
        BadLine { member: Some(member.to_owned()), ..BadLine::whole(number, problem) }
    }

    pub fn too_long(number: u64) -> Self {
        BadLine::whole(number, format!("longer than {MAX_BYTES} bytes (1 MiB)"))
    }

    pub fn no_payload(number: u64, error: PayloadError) -> Self {
        match error.problem {
            PayloadProblem::TooLarge(_) => BadLine::too_long(number),
            problem => BadLine {
                number,
                column: Some(error.column),
                member: error.member,
                problem: problem.to_string(),
            },
        }
    }
}

impl fmt::Display for BadLine {
    /// The place and the problem: `line 7, column 5, member "a": …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.number)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(member) = &self.member {
            write!(f, ", member {:?}", Untrusted::new(&member))?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for BadLine {}

#[cfg(test)]
mod tests {
    use protocol::Payload;

    use super::*;

    #[test]
    fn a_bad_line_has_its_own_number() {
        let error = Payload::parse(b"{\"a\":1,\"a\":2}").unwrap_err();
        assert_eq!(
            BadLine::no_payload(7, error).to_string(),
            "line 7, column 8, member \"a\": duplicate field \"a\""
        );
        assert_eq!(BadLine::in_member(2, "a", "odd").to_string(), "line 2, member \"a\": odd");
    }
}
