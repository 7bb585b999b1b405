//! Orders from CSV: a row with the header gives an object.

use std::collections::VecDeque;
use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind};

use super::{Bad, READ_AHEAD, Row, WrittenAs};
use crate::protocol::bad_line::BadLine;
use crate::protocol::edit::json_string;
use crate::protocol::payload::{MAX_BYTES, Payload, Value};

/// The rows of CSV.
pub(in crate::delivery) struct Table {
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
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let reader = csv::ReaderBuilder::new()
            .buffer_capacity(READ_AHEAD)
            .has_headers(false)
            .flexible(true)
            .from_reader(Guarded { reader, ahead: VecDeque::new() });
        let record = ByteRecord::new();
        Table { reader, header: None, record, passed: 0, line: 1, next_line: 1 }
    }

    pub(super) fn next(&mut self) -> Option<Result<Row, Bad>> {
        self.next_row().transpose()
    }

    fn next_row(&mut self) -> Result<Option<Row>, Bad> {
        if self.header.is_none() {
            if let Found::End = self.read()? {
                return Ok(None);
            }
            let header = header_of(&self.record);
            self.header = Some(header.map_err(|what| Bad::file(self.line, what))?);
        }
        if let Found::End = self.read()? {
            return Ok(None);
        }
        let header = self.header.as_deref().unwrap_or_default();
        let text = object_of(self.line, header, &self.record).map_err(Bad::row)?;
        Ok(Some(Row { line: self.line, text, written_as: WrittenAs::Cells }))
    }

    fn read(&mut self) -> Result<Found, Bad> {
        let found = self.reader.read_byte_record(&mut self.record);
        self.count_lines();
        match found {
            Ok(true) => Ok(Found::Row),
            Ok(false) => Ok(Found::End),
            Err(error) => Err(match error.into_kind() {
                ErrorKind::Io(error) => Bad::reading(self.line, error),
                other => Bad::file(self.line, format!("{other:?}")),
            }),
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
fn object_of(line: u64, header: &[String], record: &ByteRecord) -> Result<Vec<u8>, BadLine> {
    if record.len() != header.len() {
        let (has, wants) = (record.len(), header.len());
        let cells = if has == 1 { "cell" } else { "cells" };
        let problem = format!("the row has {has} {cells}, the header {wants}");
        return Err(BadLine::whole(line, problem));
    }
    let mut json = String::from("{");
    for (name, cell) in header.iter().zip(record) {
        let cell = std::str::from_utf8(cell)
            .map_err(|_| BadLine::in_member(line, name, "the cell is not UTF-8"))?;
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
pub(super) fn is_literal(cell: &str) -> bool {
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
