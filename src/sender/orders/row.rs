//! One row of a file or a pipe: the payload in it, and where its problems are.

use protocol::SigningError;

use crate::lines::error::BadLine;
use crate::lines::recorded::in_body;

pub(super) struct Row {
    /// From 1.
    pub(super) line: u64,
    pub(super) text: Vec<u8>,
    pub(super) written_as: WrittenAs,
}

#[derive(Clone, Copy)]
pub(super) enum WrittenAs {
    Line,
    Body,
    Cells,
}

impl Row {
    pub(super) fn cannot_be_signed(&self, error: SigningError) -> BadLine {
        match (error, self.written_as) {
            (SigningError::InvalidPayload(error), WrittenAs::Line) => {
                BadLine::no_payload(self.line, error)
            }
            (SigningError::InvalidPayload(error), WrittenAs::Body) => in_body(self.line, &error),
            (SigningError::InvalidPayload(error), WrittenAs::Cells) => {
                // The object was made here: nobody can look up a column of it.
                BadLine { column: None, ..BadLine::no_payload(self.line, error) }
            }
            (error, _) => BadLine::whole(self.line, error.to_string()),
        }
    }
}
