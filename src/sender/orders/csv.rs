//! Orders from CSV: a row with the header gives an object.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use protocol::internal::edit::json_string;
use protocol::{MAX_BYTES, Payload, Value};

use super::error::OrderError;
use super::header::{CellType, Column, Expected, declared_separator};
use super::row::{Row, WrittenAs};
use super::template::{Form, form_of};
use crate::lines::error::BadLine;
use crate::lines::reader::ReadError;
use crate::mask::Untrusted;

/// How much the CSV reader may take beyond a row, in bytes: what it reads ahead.
const READ_AHEAD: usize = 64 * 1024;

/// How much of a cell is quoted in an error, in characters.
const MAX_QUOTED: usize = 40;

pub(super) struct Table {
    reader: csv::Reader<BoundedReader>,
    columns: Vec<Column>,
    skipped: Arc<AtomicU64>,
    record: ByteRecord,
    passed: u64,
    lines: LineCounter,
}

/// A reader that refuses to read a row without end, and remembers what was read ahead.
struct BoundedReader {
    reader: Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read + Send>>>,
    ahead: VecDeque<u8>,
}

impl Read for BoundedReader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.ahead.len() > MAX_BYTES + READ_AHEAD {
            return Err(too_long());
        }
        let count = self.reader.read(room)?;
        self.ahead.extend(&room[..count]);
        Ok(count)
    }
}

fn too_long() -> io::Error {
    let told = format!("a row is longer than {MAX_BYTES} bytes (1 MiB); is a quote open?");
    io::Error::other(told)
}

impl Table {
    /// Reads the header; an empty table has no rows either.
    pub(super) fn open(
        reader: Box<dyn Read + Send>,
        expected: &Expected,
        skipped: Arc<AtomicU64>,
    ) -> Result<Self, OrderError> {
        let mut reader = BufReader::with_capacity(READ_AHEAD, reader);
        let mut lines = LineCounter { line: 1, next: 1, is_after_return: false };
        let refused = |line| move |(problem, hint)| OrderError::Header { line, problem, hint };
        let mut start = first_line(&mut reader, &mut lines)?;
        let declared = declared_separator(&start).transpose().map_err(refused(lines.next))?;
        if declared.is_some() {
            lines.count(start);
            start = first_line(&mut reader, &mut lines)?;
        }
        let text = String::from_utf8_lossy(&start);
        let separator = declared.map_or_else(|| expected.separator(|it| cells(&text, it)), Ok);
        let separator = separator.map_err(refused(lines.next))?;
        let reader = ReaderBuilder::new()
            .buffer_capacity(READ_AHEAD)
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(BoundedReader {
                reader: Cursor::new(start).chain(reader),
                ahead: VecDeque::new(),
            });
        let (columns, record) = (Vec::new(), ByteRecord::new());
        let mut table = Table { reader, columns, skipped, record, passed: 0, lines };
        if table.read()? {
            let columns = expected.columns(separator, table.record.iter());
            table.columns = columns.map_err(refused(table.lines.line))?;
        }
        Ok(table)
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, OrderError> {
        while self.read()? {
            if !self.record.iter().all(is_blank) {
                let line = self.lines.line;
                let text = object_of(line, &self.columns, &self.record)?;
                return Ok(Some(Row { line, text, written_as: WrittenAs::Cells }));
            }
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<bool, ReadError> {
        let found = self.reader.read_byte_record(&mut self.record);
        let end = self.reader.position().byte();
        let length = usize::try_from(end - mem::replace(&mut self.passed, end));
        let ahead = &mut self.reader.get_mut().ahead;
        self.lines.count(ahead.drain(..length.unwrap_or(usize::MAX).min(ahead.len())));
        found.map_err(|error| ReadError { line: self.lines.line, error: error.into() })
    }
}

/// Counts lines that end with LF, CRLF or CR.
struct LineCounter {
    /// Where the text that was counted last begins, after blank lines.
    line: u64,
    next: u64,
    is_after_return: bool,
}

impl LineCounter {
    fn count(&mut self, text: impl IntoIterator<Item = u8>) {
        let mut is_before = true;
        self.line = self.next;
        for byte in text {
            is_before &= matches!(byte, b'\r' | b'\n');
            if byte == b'\r' || byte == b'\n' && !self.is_after_return {
                self.next += 1;
            }
            self.is_after_return = byte == b'\r';
            if is_before {
                self.line = self.next;
            }
        }
    }
}

/// The first line that is not blank, with its end and without a byte order mark: enough to find
/// the separator. The lines before it are counted.
fn first_line(reader: &mut impl BufRead, lines: &mut LineCounter) -> Result<Vec<u8>, ReadError> {
    let mut line = Vec::new();
    for byte in reader.bytes() {
        line.push(byte.map_err(|error| ReadError { line: lines.next, error })?);
        if line == "\u{feff}".as_bytes() {
            line.clear();
        } else if line.ends_with(b"\n") || line.ends_with(b"\r") {
            if !line.trim_ascii().is_empty() {
                break;
            }
            lines.count(mem::take(&mut line));
        } else if line.len() > MAX_BYTES {
            return Err(ReadError { line: lines.next, error: too_long() });
        }
    }
    Ok(line)
}

fn cells(record: &str, separator: u8) -> Vec<String> {
    let mut reader =
        ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(record.as_bytes());
    let mut cells = StringRecord::new();
    // Text in memory is read without errors.
    let _ = reader.read_record(&mut cells);
    cells.iter().map(str::to_owned).collect()
}

fn is_blank(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| text.trim().is_empty())
}

fn object_of(line: u64, columns: &[Column], record: &ByteRecord) -> Result<Vec<u8>, BadLine> {
    if record.len() != columns.len() {
        let (has, expected) = (record.len(), columns.len());
        let cells = if has == 1 { "cell" } else { "cells" };
        let problem = format!("the row has {has} {cells}, the header {expected}");
        return Err(BadLine::whole(line, problem));
    }
    let mut json = String::from("{");
    for (column, cell) in columns.iter().zip(record) {
        let bad = |problem: &str| BadLine::in_member(line, &column.name, problem);
        let cell = std::str::from_utf8(cell).map_err(|_| bad("the cell is not UTF-8"))?;
        let refuse = |expected: &str| {
            let found: String = cell.chars().take(MAX_QUOTED).collect();
            bad(&format!("expected {expected}, found {:?}", Untrusted::new(&found)))
        };
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&json_string(&column.name));
        json.push(':');
        match column.cells {
            CellType::Number | CellType::StrictNumber if is_number(cell) => json.push_str(cell),
            CellType::Json if form_of(cell) == Ok(Form::Json) => json.push_str(cell),
            CellType::Text | CellType::Number => json.push_str(&json_string(cell)),
            CellType::StrictNumber => return Err(refuse("a number")),
            CellType::Json => return Err(refuse("JSON")),
        }
    }
    json.push('}');
    Ok(json.into_bytes())
}

fn is_number(cell: &str) -> bool {
    let begins = cell.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    begins
        && Payload::parse(format!("{{\"v\":{cell}}}").as_bytes()).is_ok_and(
            |payload| matches!(payload.members(), [only] if only.value == Value::Number(cell)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        for cell in ["1 ", "+1", "1,\"w\":2", "1}", "01", "-", "NaN", "0x1"] {
            assert!(!is_number(cell), "{cell}");
        }
        assert!(is_number("1e3") && is_number("-0.0"));
    }
}
