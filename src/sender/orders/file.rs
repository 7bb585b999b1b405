//! Orders from a file: NDJSON with a payload or a recorded callback per line, or CSV with a header.
//!
//! The file is streamed: memory holds one chunk of it, and a row is bounded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Take};
use std::path::{self, Path};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{iter, mem};

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

const DIGESTED_AT_ONCE: usize = 128 * 1024;

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
            _ => Err("expected ndjson or csv".to_owned()),
        }
    }

    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("csv") => FileFormat::Csv,
            _ => FileFormat::Ndjson,
        }
    }
}

pub(super) type Rows = Box<dyn Iterator<Item = Result<Row, OrderError>> + Send>;

/// The rows of a reader that may hold an order, up to an error that is not of one row; `skipped`
/// counts the empty rows of a table. It may wait for the header of one.
pub(super) fn rows(
    reader: Box<dyn Read + Send>,
    format: FileFormat,
    expected: &Expected,
    skipped: Arc<AtomicU64>,
) -> Rows {
    let mut rows: Rows = match format {
        FileFormat::Ndjson => {
            let reader = LineReader::new(reader).skipping_at_most(MAX_SKIPPED);
            let mut lines = LineRows { reader, chunk: LineChunk::default() };
            Box::new(iter::from_fn(move || lines.next().transpose()))
        }
        FileFormat::Csv => match Table::open(reader, expected, skipped) {
            Ok(mut table) => Box::new(iter::from_fn(move || table.next().transpose())),
            Err(error) => Box::new(iter::once(Err(error))),
        },
    };
    let mut is_over = false;
    Box::new(iter::from_fn(move || {
        let row = if is_over { None } else { rows.next() };
        is_over = !matches!(row, Some(Ok(_) | Err(OrderError::Row(_))));
        row
    }))
}

struct LineRows {
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
    pub(super) file: File,
}

impl<'p> OpenFile<'p> {
    pub(super) fn open(path: &'p Path) -> Result<Self, OrderError> {
        let file = File::open(path).map_err(|error| cannot_open(path, error))?;
        Ok(OpenFile { path, file })
    }

    /// Makes every order once, so that a bad row is found before anything is sent; nothing is kept
    /// but what the file is known by.
    pub(super) fn check(
        &self,
        format: FileFormat,
        expected: &Expected,
        maker: &mut OrderMaker,
    ) -> Result<OrderFile, OrderError> {
        let (bytes, sha256) = self.digest(u64::MAX)?;
        let path = path::absolute(self.path).map_err(|error| cannot_open(self.path, error))?;
        let mut found = OrderFile { path, format, bytes, sha256, rows: 0 };
        let skipped = Arc::<AtomicU64>::default();
        for row in self.rows(&found, expected, Arc::clone(&skipped))? {
            maker.order(&row?, Timestamp::UNIX_EPOCH)?;
        }
        found.rows = maker.made;
        maker.restart();
        if found.rows == 0 {
            return Err(OrderError::Empty { skipped_rows: skipped.load(Ordering::Relaxed) });
        }
        Ok(found)
    }

    /// Refuses a file that is not the one that was checked.
    pub(super) fn compare(&self, kept: &OrderFile) -> Result<(), OrderError> {
        // More than it had is a difference already: a log may grow for ever.
        let (bytes, sha256) = self.digest(kept.bytes.saturating_add(1))?;
        if (bytes, &sha256) == (kept.bytes, &kept.sha256) {
            return Ok(());
        }
        Err(OrderError::Changed { path: kept.path.clone() })
    }

    /// The rows of a file that is known; what was added to it since is not read.
    pub(super) fn rows(
        &self,
        known: &OrderFile,
        expected: &Expected,
        skipped: Arc<AtomicU64>,
    ) -> Result<Rows, OrderError> {
        Ok(rows(Box::new(self.start(known.bytes)?), known.format, expected, skipped))
    }

    /// How many of its bytes there are, up to a limit, and their digest.
    fn digest(&self, limit: u64) -> Result<(u64, String), OrderError> {
        let mut start = BufReader::with_capacity(DIGESTED_AT_ONCE, self.start(limit)?);
        let (mut bytes, mut sha256) = (0, Sha256::new());
        loop {
            let part = start.fill_buf().map_err(|error| cannot_open(self.path, error))?;
            if part.is_empty() {
                return Ok((bytes, hex::encode(sha256.finalize())));
            }
            let length = part.len();
            sha256.update(part);
            start.consume(length);
            bytes += length as u64;
        }
    }

    fn start(&self, limit: u64) -> Result<Take<File>, OrderError> {
        let file = self.file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        file.map(|file| file.take(limit)).map_err(|error| cannot_open(self.path, error))
    }
}

pub(super) fn cannot_open(path: &Path, error: io::Error) -> OrderError {
    OrderError::Open { path: path.to_owned(), error }
}
