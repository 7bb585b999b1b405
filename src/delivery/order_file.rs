//! Orders from a file: NDJSON with a payload or a recorded callback a line, or CSV with a header.
//!
//! The file is streamed: memory holds one line, and a line is bounded.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ErrorKind};
use jiff::Timestamp;

use super::orders::{OrderError, OrderMaker, OrderProblem, OrderRecipe, OrderSource};
use super::record::Order;
use crate::protocol::edit::json_string;
use crate::protocol::payload::{MAX_BYTES, Payload, Value};
use crate::protocol::recorded::{Recorded, recorded};

/// How much the CSV reader may take beyond a row, in bytes: what it reads ahead.
const READ_AHEAD: usize = 64 * 1024;

/// How far the end of a line that is too long is looked for, in bytes: a device may have none.
const MAX_SKIPPED: usize = 64 * 1024 * 1024;

/// How a file of orders is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
}

impl FileFormat {
    /// Reads a `--from-format` value.
    ///
    /// # Errors
    /// Anything but `ndjson` and `csv`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "ndjson" => Ok(FileFormat::Ndjson),
            "csv" => Ok(FileFormat::Csv),
            _ => Err("ndjson or csv is wanted".to_owned()),
        }
    }

    /// The format that a path's extension tells: CSV for `.csv`, else NDJSON.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("csv") => FileFormat::Csv,
            _ => FileFormat::Ndjson,
        }
    }
}

/// The orders of a file, in its order.
pub struct FromFile {
    maker: OrderMaker,
    rows: Rows,
}

impl FromFile {
    /// Orders from what a reader gives; nothing is read yet.
    #[must_use]
    pub fn new(reader: Box<dyn Read + Send>, format: FileFormat, recipe: OrderRecipe) -> Self {
        FromFile { maker: OrderMaker::new(recipe), rows: Rows::new(reader, format) }
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
}

/// The order that a row is.
pub(super) fn order_of(
    (line, row): Row,
    maker: &mut OrderMaker,
    completed_at: Timestamp,
) -> Result<Order, OrderError> {
    row.map_err(|bad| bad.problem)
        .and_then(|text| maker.order(&text, completed_at).map_err(OrderProblem::from))
        .map_err(|problem| OrderError { line: Some(line), problem })
}

/// The rows of a file, in its order.
pub(super) enum Rows {
    Lines(Lines),
    Table(Box<Table>),
    Ended,
}

impl Rows {
    pub(super) fn new(reader: Box<dyn Read + Send>, format: FileFormat) -> Self {
        match format {
            FileFormat::Ndjson => Rows::Lines(Lines::new(reader)),
            FileFormat::Csv => Rows::Table(Box::new(Table::new(reader))),
        }
    }

    /// The next row that may hold an order; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Row> {
        let row = match self {
            Rows::Lines(lines) => lines.next(),
            Rows::Table(table) => table.next(),
            Rows::Ended => None,
        };
        if matches!(row, None | Some((_, Err(Bad { end: End::OfFile, .. })))) {
            *self = Rows::Ended;
        }
        row
    }
}

/// A row that gives no payload.
pub(super) struct Bad {
    problem: OrderProblem,
    end: End,
}

/// What ends with a bad row.
enum End {
    /// The row alone.
    OfRow,
    /// The whole file: what follows cannot be trusted.
    OfFile,
}

impl Bad {
    fn row(problem: OrderProblem) -> Self {
        Bad { problem, end: End::OfRow }
    }

    fn file(problem: OrderProblem) -> Self {
        Bad { problem, end: End::OfFile }
    }
}

/// A row's line and its payload's text.
pub(super) type Row = (u64, Result<Vec<u8>, Bad>);

/// The lines of NDJSON.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    number: u64,
}

impl Lines {
    fn new(reader: Box<dyn Read + Send>) -> Self {
        Lines { reader: BufReader::with_capacity(READ_AHEAD, reader), number: 0 }
    }

    /// The next line that is neither blank nor an event other than a callback.
    fn next(&mut self) -> Option<Row> {
        loop {
            self.number += 1;
            let text = match self.line() {
                Ok(None) => return None,
                Ok(Some(line)) => payload_of(line).map_err(Bad::row).transpose(),
                Err(bad) => Some(Err(bad)),
            };
            if let Some(text) = text {
                return Some((self.number, text));
            }
        }
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Bad> {
        let mut line = Vec::new();
        // The line end counts as no part of the line.
        let limit = MAX_BYTES as u64 + 2;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line);
        if read.map_err(|error| Bad::file(error.into()))? == 0 {
            return Ok(None);
        }
        let ended = line.pop_if(|byte| *byte == b'\n').is_some();
        line.pop_if(|byte| *byte == b'\r');
        if line.len() <= MAX_BYTES {
            return Ok(Some(line));
        }
        if !ended {
            self.skip_line().map_err(Bad::file)?;
        }
        Err(Bad::row(OrderProblem::TooLong(MAX_BYTES)))
    }

    fn skip_line(&mut self) -> Result<(), OrderProblem> {
        let mut skipped = 0;
        while skipped < MAX_SKIPPED {
            let (length, found) = match self.reader.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(bytes) => match memchr::memchr(b'\n', bytes) {
                    Some(at) => (at + 1, true),
                    None => (bytes.len(), false),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            self.reader.consume(length);
            if found {
                return Ok(());
            }
            skipped += length;
        }
        Err(OrderProblem::Endless(MAX_SKIPPED))
    }
}

/// The payload that a line is or records; `None` for a blank line and for other recorded events.
///
/// A recorded event is an object with a `type` and a `schema_version`, as `listen --format json`
/// and `inbox export` print them.
fn payload_of(line: Vec<u8>) -> Result<Option<Vec<u8>>, OrderProblem> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let Ok(payload) = Payload::parse(&line) else {
        // The signer says what is wrong with it.
        return Ok(Some(line));
    };
    match recorded(&payload) {
        Recorded::Payload => Ok(Some(line)),
        Recorded::Body(body) => Ok(Some(body.into_owned())),
        Recorded::NoBody => Err(OrderProblem::NoBody),
        Recorded::Frame | Recorded::Event => Ok(None),
    }
}

/// The rows of CSV.
pub(super) struct Table {
    reader: csv::Reader<Guarded>,
    header: Option<Vec<String>>,
    record: ByteRecord,
    /// The bytes of all rows so far.
    passed: u64,
    /// The line on which the last row began.
    line: u64,
    /// The line on which the next row may begin.
    next_line: u64,
}

/// A reader that refuses to read a row without end, and remembers what was read ahead.
struct Guarded {
    reader: Box<dyn Read + Send>,
    /// What was read and is part of no row yet.
    ahead: VecDeque<u8>,
}

impl Read for Guarded {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.ahead.len() > MAX_BYTES + READ_AHEAD {
            let long = format!("a row is longer than {MAX_BYTES} bytes (1 MiB); is a quote open?");
            return Err(io::Error::other(long));
        }
        let count = self.reader.read(room)?;
        self.ahead.extend(&room[..count]);
        Ok(count)
    }
}

impl Table {
    fn new(reader: Box<dyn Read + Send>) -> Self {
        let reader = csv::ReaderBuilder::new()
            .buffer_capacity(READ_AHEAD)
            .has_headers(false)
            .flexible(true)
            .from_reader(Guarded { reader, ahead: VecDeque::new() });
        let record = ByteRecord::new();
        Table { reader, header: None, record, passed: 0, line: 1, next_line: 1 }
    }

    fn next(&mut self) -> Option<Row> {
        if self.header.is_none() {
            match self.read() {
                Err(bad) => return Some((self.line, Err(bad))),
                Ok(Found::End) => return None,
                Ok(Found::Row) => match header_of(&self.record) {
                    Ok(header) => self.header = Some(header),
                    Err(what) => {
                        return Some((self.line, Err(Bad::file(OrderProblem::Csv(what)))));
                    }
                },
            }
        }
        match self.read() {
            Err(bad) => Some((self.line, Err(bad))),
            Ok(Found::End) => None,
            Ok(Found::Row) => {
                let text = object_of(self.header.as_deref().unwrap_or_default(), &self.record);
                Some((self.line, text.map_err(Bad::row)))
            }
        }
    }

    fn read(&mut self) -> Result<Found, Bad> {
        let found = self.reader.read_byte_record(&mut self.record);
        self.count_lines();
        match found {
            Ok(true) => Ok(Found::Row),
            Ok(false) => Ok(Found::End),
            Err(error) => Err(Bad::file(match error.into_kind() {
                ErrorKind::Io(error) => OrderProblem::Read(error),
                other => OrderProblem::Csv(format!("{other:?}")),
            })),
        }
    }

    /// Finds the line of the row that was just read.
    ///
    /// The library's own count is one behind after CRLF, and counts the blank lines before a row
    /// as part of it.
    fn count_lines(&mut self) {
        let end = self.reader.position().byte();
        let length = usize::try_from(end.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        self.passed = end;
        let ahead = &mut self.reader.get_mut().ahead;
        let mut is_before = true;
        self.line = self.next_line;
        for byte in ahead.drain(..length.min(ahead.len())) {
            is_before &= matches!(byte, b'\r' | b'\n');
            if byte == b'\n' {
                self.next_line += 1;
            }
            if is_before {
                self.line = self.next_line;
            }
        }
    }
}

/// What the next row was.
enum Found {
    Row,
    End,
}

fn header_of(record: &ByteRecord) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for name in record {
        let name = std::str::from_utf8(name).map_err(|_| "the header is not UTF-8".to_owned())?;
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(format!("column {} of the header has no name", names.len() + 1));
        }
        if names.contains(&name) {
            return Err(format!("the header has {name:?} twice"));
        }
        names.push(name);
    }
    Ok(names)
}

/// A row as a JSON object: each cell as it is where it is a literal, else as a string.
fn object_of(header: &[String], record: &ByteRecord) -> Result<Vec<u8>, OrderProblem> {
    if record.len() != header.len() {
        let (has, wants) = (record.len(), header.len());
        let cells = if has == 1 { "cell" } else { "cells" };
        return Err(OrderProblem::Csv(format!("the row has {has} {cells}, the header {wants}")));
    }
    let mut json = String::from("{");
    for (name, cell) in header.iter().zip(record) {
        let cell = std::str::from_utf8(cell)
            .map_err(|_| OrderProblem::Csv(format!("the cell {name:?} is not UTF-8")))?;
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&json_string(name));
        json.push(':');
        if is_literal(cell) { json.push_str(cell) } else { json.push_str(&json_string(cell)) }
    }
    json.push('}');
    Ok(json.into_bytes())
}

/// Whether a cell is a JSON number, `true`, `false` or `null`, exactly.
fn is_literal(cell: &str) -> bool {
    if matches!(cell, "true" | "false" | "null") {
        return true;
    }
    // Long digits are ids more often than numbers, but the text of a number is kept anyway.
    let begins = cell.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    begins
        && Payload::parse(format!("{{\"v\":{cell}}}").as_bytes()).is_ok_and(
            |payload| matches!(payload.members(), [only] if only.value == Value::Number(cell)),
        )
}

#[cfg(test)]
mod tests {
    use super::super::orders::tests::{all, at, recipe};
    use super::*;
    use std::sync::Arc;

    fn source(text: impl Into<Vec<u8>>, format: FileFormat) -> FromFile {
        FromFile::new(Box::new(io::Cursor::new(text.into())), format, recipe(1))
    }

    /// The bodies without their signatures.
    fn bodies(text: &str, format: FileFormat) -> Vec<String> {
        all(&mut source(text, format))
            .into_iter()
            .map(|order| {
                let body = String::from_utf8(order.body.to_vec()).unwrap();
                body.split(",\"sign\"").next().unwrap_or_default().to_owned()
            })
            .collect()
    }

    fn error(source: &mut FromFile) -> String {
        source.next_order(at()).unwrap().unwrap_err().to_string()
    }

    #[test]
    fn lines_are_payloads_or_recorded_callbacks() {
        let text = concat!(
            "{\"payout_id\":\"A\",\"amount\":1.10}\r\n\n",
            "{\"type\":\"ready\",\"schema_version\":1}\n",
            "{\"type\":\"callback\",\"schema_version\":1,\"body\":\"{\\\"payout_id\\\":\\\"B\\\"}\"}\n",
            "{\"type\":\"bonus\",\"payout_id\":\"C\"}",
        );
        assert_eq!(
            bodies(text, FileFormat::Ndjson),
            [
                "{\"payout_id\":\"A\",\"amount\":1.10",
                "{\"payout_id\":\"B\"",
                "{\"type\":\"bonus\",\"payout_id\":\"C\""
            ]
        );
        let ids: Vec<_> =
            all(&mut source(text, FileFormat::Ndjson)).into_iter().map(|order| order.id).collect();
        assert_eq!(ids, ["A".into(), "B".into(), "C".into()] as [Arc<str>; 3]);
    }

    #[test]
    fn a_bad_line_is_named_and_the_next_one_is_read() {
        let mut text = b"{\"a\":1,\"a\":2}\n".to_vec();
        text.resize(text.len() + 3 * MAX_BYTES, b'x');
        text.extend(b"\n{\"a\":1}\n{\"type\":\"callback\",\"schema_version\":1}\n");
        let mut source = source(text, FileFormat::Ndjson);
        assert!(error(&mut source).starts_with("line 1, column 8"));
        assert_eq!(error(&mut source), "line 2: it is longer than 1048576 bytes (1 MiB)");
        assert_eq!(source.next_order(at()).unwrap().unwrap().number, 1);
        assert_eq!(error(&mut source), "line 4: the callback has no text under \"body\"");
        assert!(source.next_order(at()).is_none());
    }

    #[test]
    fn cells_are_literals_where_they_round_trip() {
        let text =
            "payout_id,amount,ok,memo\r\nP1,1.10,true,\"a, \"\"b\"\"\nc\"\r\n007,-1,null,\r\n";
        assert_eq!(
            bodies(text, FileFormat::Csv),
            [
                "{\"payout_id\":\"P1\",\"amount\":1.10,\"ok\":true,\"memo\":\"a, \\\"b\\\"\\nc\"",
                "{\"payout_id\":\"007\",\"amount\":-1,\"ok\":null,\"memo\":\"\""
            ]
        );
        for cell in ["1 ", "+1", "1,\"w\":2", "1}", "01", "-", "NaN", "0x1"] {
            assert!(!is_literal(cell), "{cell}");
        }
        assert!(is_literal("1e3") && is_literal("-0.0"));
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let mut rows = source("a,b\n1,2\n\n1\n3,4\n", FileFormat::Csv);
        assert!(rows.next_order(at()).unwrap().is_ok());
        assert_eq!(error(&mut rows), "line 4: the row has 1 cell, the header 2");
        assert!(rows.next_order(at()).unwrap().is_ok());
        assert!(rows.next_order(at()).is_none());
        let mut rows = source("a,b\r\n\"1\r\n\",2\r\n\r\n1\r\n", FileFormat::Csv);
        assert!(rows.next_order(at()).unwrap().is_ok());
        assert_eq!(error(&mut rows), "line 5: the row has 1 cell, the header 2");
        assert!(error(&mut source("a,a\n1,2\n", FileFormat::Csv)).contains("twice"));
        let mut endless = b"a\n\"".to_vec();
        endless.resize(4 * MAX_BYTES, b'x');
        let mut rows = source(endless, FileFormat::Csv);
        assert!(error(&mut rows).contains("longer than 1048576 bytes"));
        assert!(rows.next_order(at()).is_none());
        assert!(source("", FileFormat::Csv).next_order(at()).is_none());
    }

    #[test]
    fn the_extension_tells_the_format() {
        assert_eq!(FileFormat::of(Path::new("a/b.CSV")), FileFormat::Csv);
        assert_eq!(FileFormat::of(Path::new("a/b")), FileFormat::Ndjson);
        assert!(FileFormat::parse("xml").is_err());
    }
}
