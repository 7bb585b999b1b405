//! Orders from a file: NDJSON with a payload or a recorded callback per line, or CSV with a header.
//!
//! The file is streamed: memory holds one chunk of it, and a row is bounded.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::mem;
use std::path::{self, Path};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use protocol::Payload;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::csv::Table;
use super::error::OrderError;
use super::header::Expected;
use super::maker::OrderMaker;
use super::plan::OrderFile;
use super::row::{Row, WrittenAs};
use crate::lines::error::BadLine;
use crate::lines::reader::{LineChunk, LineReader};
use crate::lines::recorded::{Recorded, recorded};

/// How far the end of a line that is too long is looked for, in bytes.
const MAX_SKIPPED: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    Ndjson,
    Csv,
}

impl FileFormat {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "ndjson" => Ok(FileFormat::Ndjson),
            "csv" => Ok(FileFormat::Csv),
            _ => Err("ndjson or csv is wanted".to_owned()),
        }
    }

    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("csv") => FileFormat::Csv,
            _ => FileFormat::Ndjson,
        }
    }
}

pub(super) enum Rows {
    Lines(LineRows),
    Table(Box<Table>),
    Failed(OrderError),
    Ended,
}

impl Rows {
    /// The rows that a reader gives, which may wait for the header of a table; `skipped` counts the
    /// empty rows of one.
    pub(super) fn new(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        expected: &Expected,
        skipped: Arc<AtomicU64>,
    ) -> Self {
        match format {
            FileFormat::Ndjson => Rows::Lines(LineRows {
                reader: LineReader::new(reader).skipping_at_most(MAX_SKIPPED),
                chunk: LineChunk::default(),
            }),
            FileFormat::Csv => match Table::open(reader, expected, skipped) {
                Ok(Some(table)) => Rows::Table(Box::new(table)),
                Ok(None) => Rows::Ended,
                Err(error) => Rows::Failed(error),
            },
        }
    }

    /// The next row that may hold an order; `None` at the end, and after an error that is not of
    /// one row.
    pub(super) fn next(&mut self) -> Option<Result<Row, OrderError>> {
        let row = match self {
            Rows::Lines(lines) => lines.next().transpose(),
            Rows::Table(table) => table.next().transpose(),
            Rows::Failed(_) | Rows::Ended => None,
        };
        match row {
            Some(Ok(_) | Err(OrderError::Row(_))) => row,
            _ => match mem::replace(self, Rows::Ended) {
                Rows::Failed(error) => Some(Err(error)),
                _ => row,
            },
        }
    }
}

pub(super) struct LineRows {
    reader: LineReader,
    chunk: LineChunk,
}

impl LineRows {
    fn next(&mut self) -> Result<Option<Row>, OrderError> {
        loop {
            while let Some((number, line)) = self.chunk.next_line() {
                if let Some(row) = row_of(number, line?)? {
                    return Ok(Some(row));
                }
            }
            match self.reader.next(mem::take(&mut self.chunk))? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(None),
            }
        }
    }
}

/// The payload that a line is or records; `None` for a blank line and for other recorded events.
fn row_of(line: u64, text: &[u8]) -> Result<Option<Row>, BadLine> {
    let row = |text, written_as| Ok(Some(Row { line, text, written_as }));
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let Ok(payload) = Payload::parse(text) else {
        // The signer finds what is wrong with it.
        return row(text.to_vec(), WrittenAs::Line);
    };
    match recorded(line, &payload)? {
        Recorded::Payload => row(text.to_vec(), WrittenAs::Line),
        Recorded::Body(body) => row(body.into_owned(), WrittenAs::Body),
        Recorded::Frame | Recorded::Event => Ok(None),
    }
}

/// A file of orders that stays open, so that what is sent is the file that was checked.
pub(super) struct OpenFile<'p> {
    path: &'p Path,
    file: File,
}

impl<'p> OpenFile<'p> {
    pub(super) fn open(path: &'p Path) -> Result<Self, OrderError> {
        let file = File::open(path).map_err(|error| cannot_open(path, error))?;
        Ok(OpenFile { path, file })
    }

    pub(super) fn into_inner(self) -> File {
        self.file
    }

    /// Makes every order once, so that a bad row is found before anything is sent; nothing is kept
    /// but what the file is known by.
    pub(super) fn check(
        &self,
        format: FileFormat,
        expected: &Expected,
        maker: &mut OrderMaker,
    ) -> Result<OrderFile, OrderError> {
        let (reader, digest) = self.digesting()?;
        let skipped = Arc::<AtomicU64>::default();
        let mut rows = Rows::new(Box::new(reader), format, expected, Arc::clone(&skipped));
        while let Some(row) = rows.next() {
            maker.order(&row?, Timestamp::UNIX_EPOCH)?;
        }
        let rows = maker.made;
        maker.restart();
        if rows == 0 {
            return Err(OrderError::Empty { skipped_rows: skipped.load(Ordering::Relaxed) });
        }
        let path = path::absolute(self.path).map_err(|error| cannot_open(self.path, error))?;
        let (bytes, sha256) = digest.take();
        Ok(OrderFile { path, format, bytes, sha256, rows })
    }

    /// Refuses a file that is not the one that was checked.
    pub(super) fn compare(&self, kept: &OrderFile) -> Result<(), OrderError> {
        let (mut reader, digest) = self.digesting()?;
        // More than it had is a difference already: a log may grow for ever.
        let read = io::copy(&mut (&mut reader).take(kept.bytes.saturating_add(1)), &mut io::sink());
        read.map_err(|error| cannot_open(self.path, error))?;
        let (bytes, sha256) = digest.take();
        if (bytes, &sha256) == (kept.bytes, &kept.sha256) {
            return Ok(());
        }
        Err(OrderError::Changed { path: kept.path.clone() })
    }

    pub(super) fn rows(
        mut self,
        format: FileFormat,
        expected: &Expected,
        skipped: Arc<AtomicU64>,
    ) -> Result<Rows, OrderError> {
        self.file.rewind().map_err(|error| cannot_open(self.path, error))?;
        Ok(Rows::new(Box::new(self.file), format, expected, skipped))
    }

    fn digesting(&self) -> Result<(Digesting, Digest), OrderError> {
        let file = self.file.try_clone().map_err(|error| cannot_open(self.path, error))?;
        let digest = Digest::default();
        Ok((Digesting { file, digest: digest.clone() }, digest))
    }
}

pub(super) fn cannot_open(path: &Path, error: io::Error) -> OrderError {
    OrderError::Open { path: path.to_owned(), error }
}

#[derive(Clone, Default)]
struct Digest(Arc<Mutex<(u64, Sha256)>>);

impl Digest {
    fn take(self) -> (u64, String) {
        let (bytes, sha256) =
            mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (bytes, hex::encode(sha256.finalize()))
    }
}

struct Digesting {
    file: File,
    digest: Digest,
}

impl Read for Digesting {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(room)?;
        let (bytes, sha256) = &mut *self.digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes += count as u64;
        sha256.update(&room[..count]);
        Ok(count)
    }
}
