//! Orders from a file: NDJSON with a payload or a recorded callback a line, or CSV with a header.
//!
//! The file is streamed: memory holds one line, and a line is bounded.

mod header;
mod table;

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

pub(super) use self::header::Expected;
use protocol::{MAX_BYTES, Payload, SigningError};

use self::header::HeaderError;
use self::table::Table;
use super::orders::{OrderError, OrderMaker, OrderRecipe, OrderSource};
use super::record::Order;
use crate::lines::error::BadLine;
use crate::lines::recorded::{Recorded, in_body, recorded};

/// How much the CSV reader may take beyond a row, in bytes: what it reads ahead.
const READ_AHEAD: usize = 64 * 1024;

/// How far the end of a line that is too long is looked for, in bytes: a device may have none.
const MAX_SKIPPED: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

pub struct FromFile {
    maker: OrderMaker,
    rows: Rows,
    skipped: Arc<AtomicU64>,
}

impl FromFile {
    pub fn new(reader: Box<dyn Read + Send>, format: FileFormat, recipe: OrderRecipe) -> Self {
        let skipped = Arc::default();
        let rows = Rows::new(reader, format, Expected::of(&recipe), Arc::clone(&skipped));
        FromFile { maker: OrderMaker::new(recipe), rows, skipped }
    }
}

impl OrderSource for FromFile {
    fn next_order(&mut self, completed_at: Timestamp) -> Option<Result<Order, OrderError>> {
        if let Some(repeated) = self.maker.repeated() {
            return Some(Ok(repeated));
        }
        Some(order_of(self.rows.next()?, &mut self.maker, completed_at))
    }

    fn size_hint(&self) -> Option<u64> {
        None
    }

    fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

pub(super) fn order_of(
    row: Result<Row, Bad>,
    maker: &mut OrderMaker,
    completed_at: Timestamp,
) -> Result<Order, OrderError> {
    let row = row.map_err(|bad| bad.error)?;
    maker.order(&row.text, completed_at).map_err(|error| row.unsigned(error).into())
}

pub(super) enum Rows {
    Lines(Lines),
    Table(Box<Table>),
    Ended,
}

impl Rows {
    /// The rows that a reader gives; `skipped` counts the empty ones of a table.
    pub(super) fn new(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        expected: Expected,
        skipped: Arc<AtomicU64>,
    ) -> Self {
        match format {
            FileFormat::Ndjson => Rows::Lines(Lines::new(reader)),
            FileFormat::Csv => Rows::Table(Box::new(Table::new(reader, expected, skipped))),
        }
    }

    /// The next row that may hold an order; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<Row, Bad>> {
        let row = match self {
            Rows::Lines(lines) => lines.next(),
            Rows::Table(table) => table.next(),
            Rows::Ended => None,
        };
        if matches!(row, None | Some(Err(Bad { end: End::OfFile, .. }))) {
            *self = Rows::Ended;
        }
        row
    }
}

pub(super) struct Bad {
    error: OrderError,
    end: End,
}

enum End {
    OfRow,
    OfFile,
}

impl Bad {
    fn row(bad: BadLine) -> Self {
        Bad { error: bad.into(), end: End::OfRow }
    }

    fn file(line: u64, problem: impl Into<String>) -> Self {
        Bad { error: BadLine::whole(line, problem).into(), end: End::OfFile }
    }

    fn header(line: u64, HeaderError { problem, hint }: HeaderError) -> Self {
        Bad { error: OrderError::Header { line, problem, hint }, end: End::OfFile }
    }

    fn reading(line: u64, error: io::Error) -> Self {
        Bad { error: OrderError::Read { line, error }, end: End::OfFile }
    }
}

pub(super) struct Row {
    line: u64,
    text: Vec<u8>,
    written_as: WrittenAs,
}

#[derive(Clone, Copy)]
enum WrittenAs {
    Line,
    Body,
    Cells,
}

impl Row {
    fn unsigned(&self, error: SigningError) -> BadLine {
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

pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
}

impl Lines {
    fn new(reader: Box<dyn Read + Send>) -> Self {
        Lines { reader: BufReader::with_capacity(READ_AHEAD, reader), number: 0 }
    }

    fn next(&mut self) -> Option<Result<Row, Bad>> {
        loop {
            self.number += 1;
            let row = match self.line() {
                Ok(None) => return None,
                Ok(Some(line)) => row_of(self.number, line).map_err(Bad::row).transpose(),
                Err(bad) => Some(Err(bad)),
            };
            if row.is_some() {
                return row;
            }
        }
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Bad> {
        let mut line = Vec::new();
        // The line end counts as no part of the line.
        let limit = MAX_BYTES as u64 + 2;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(|error| Bad::reading(self.number, error))? == 0 {
            return Ok(None);
        }
        let ended = line.pop_if(|byte| *byte == b'\n').is_some();
        line.pop_if(|byte| *byte == b'\r');
        if line.len() <= MAX_BYTES {
            return Ok(Some(line));
        }
        if !ended {
            self.skip_line()?;
        }
        Err(Bad::row(BadLine::too_long(self.number)))
    }

    fn skip_line(&mut self) -> Result<(), Bad> {
        let mut skipped = 0;
        while skipped < MAX_SKIPPED {
            let (length, found) = match self.reader.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(bytes) => match memchr::memchr(b'\n', bytes) {
                    Some(at) => (at + 1, true),
                    None => (bytes.len(), false),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Bad::reading(self.number, error)),
            };
            self.reader.consume(length);
            if found {
                return Ok(());
            }
            skipped += length;
        }
        let endless =
            format!("it has no end within {MAX_SKIPPED} bytes (64 MiB); is it a file of orders?");
        Err(Bad::file(self.number, endless))
    }
}

/// The payload that a line is or records; `None` for a blank line and for other recorded events.
fn row_of(number: u64, line: Vec<u8>) -> Result<Option<Row>, BadLine> {
    let row = |text, written_as| Ok(Some(Row { line: number, text, written_as }));
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let Ok(payload) = Payload::parse(&line) else {
        // The signer says what is wrong with it.
        return row(line, WrittenAs::Line);
    };
    match recorded(number, &payload)? {
        Recorded::Payload => row(line, WrittenAs::Line),
        Recorded::Body(body) => row(body.into_owned(), WrittenAs::Body),
        Recorded::Frame | Recorded::Event => Ok(None),
    }
}

#[cfg(test)]
mod tests;
