//! Why there is no order.

use std::io;
use std::path::PathBuf;

use protocol::SigningError;

use crate::lines::error::BadLine;
use crate::lines::reader::ReadError;
use crate::mask::Untrusted;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Row(#[from] BadLine),
    #[error("line {line}: {problem}")]
    Header {
        /// The header's line, from 1.
        line: u64,
        problem: String,
        hint: Option<&'static str>,
    },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{error}")]
    Open { path: PathBuf, error: io::Error },
    #[error("{0}")]
    Thread(io::Error),
    #[error("no orders")]
    Empty { skipped_rows: u64 },
    /// The file of a run that is resumed.
    #[error("{} is not what it was when the run began", Untrusted::path(&path))]
    Changed { path: PathBuf },
    #[error(transparent)]
    Journal(StoreError),
    #[error("the orders that are not sent yet cannot be signed without the key")]
    NoKey,
}

impl OrderError {
    /// The line of the file, from 1; a generated order has none.
    pub fn line(&self) -> Option<u64> {
        match self {
            OrderError::Row(bad) => Some(bad.number),
            OrderError::Header { line, .. } => Some(*line),
            OrderError::Read(error) => Some(error.line),
            _ => None,
        }
    }
}
