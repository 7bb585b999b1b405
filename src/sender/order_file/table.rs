//! Orders from CSV: a row with the header gives an object.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, ErrorKind};
use protocol::internal::documented::{FieldType, documented_type};
use protocol::internal::edit::json_string;
use protocol::{MAX_BYTES, Payload, Value};

use super::header::Expected;
use super::{Bad, READ_AHEAD, Row, WrittenAs};
use crate::lines::error::BadLine;

pub(in crate::sender) struct Table {
    reader: csv::Reader<Guarded>,
    expected: Expected,
    header: Option<Vec<String>>,
    skipped: Arc<AtomicU64>,
    record: ByteRecord,
    passed: u64,
    line: u64,
    next_line: u64,
    is_after_return: bool,
}

/// A reader that refuses to read a row without end, and remembers what was read ahead.
struct Guarded {
    reader: Box<dyn Read + Send>,
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
    pub(super) fn new(
        reader: Box<dyn Read + Send>,
        expected: Expected,
        skipped: Arc<AtomicU64>,
    ) -> Self {
        let reader = csv::ReaderBuilder::new()
            .buffer_capacity(READ_AHEAD)
            .has_headers(false)
            .flexible(true)
            .from_reader(Guarded { reader, ahead: VecDeque::new() });
        Table {
            reader,
            expected,
            header: None,
            skipped,
            record: ByteRecord::new(),
            passed: 0,
            line: 1,
            next_line: 1,
            is_after_return: false,
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Row, Bad>> {
        self.next_row().transpose()
    }

    fn next_row(&mut self) -> Result<Option<Row>, Bad> {
        if self.header.is_none() {
            if let Found::End = self.read()? {
                return Ok(None);
            }
            let names = self.expected.names(&self.record);
            self.header = Some(names.map_err(|error| Bad::header(self.line, error))?);
        }
        loop {
            if let Found::End = self.read()? {
                return Ok(None);
            }
            if !self.record.iter().all(is_blank) {
                break;
            }
            self.skipped.fetch_add(1, Ordering::Relaxed);
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

    fn count_lines(&mut self) {
        let end = self.reader.position().byte();
        let length = usize::try_from(end.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        self.passed = end;
        let ahead = &mut self.reader.get_mut().ahead;
        let mut is_before = true;
        self.line = self.next_line;
        for byte in ahead.drain(..length.min(ahead.len())) {
            is_before &= matches!(byte, b'\r' | b'\n');
            if byte == b'\r' || byte == b'\n' && !self.is_after_return {
                self.next_line += 1;
            }
            self.is_after_return = byte == b'\r';
            if is_before {
                self.line = self.next_line;
            }
        }
    }
}

enum Found {
    Row,
    End,
}

fn is_blank(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| text.trim().is_empty())
}

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
        if is_literal(name, cell) { json.push_str(cell) } else { json.push_str(&json_string(cell)) }
    }
    json.push('}');
    Ok(json.into_bytes())
}

/// Whether a cell of this column is a JSON literal, and no string.
///
/// What the protocol types as a string is one, and its numbers are numbers as written. Of a field
/// that it does not list, `true`, `false` and numbers are literals, but only those that every reader
/// of JSON prints as they are written: `007`, `1.10`, `1e5` and more digits than a double has are
/// more often ids. `null` would take the field out of the signature.
pub(super) fn is_literal(name: &str, cell: &str) -> bool {
    match documented_type(name) {
        Some(FieldType::String) => false,
        Some(FieldType::Integer) => is_number(cell),
        None => matches!(cell, "true" | "false") || is_number(cell) && is_kept_by_doubles(cell),
    }
}

pub(super) fn is_number(cell: &str) -> bool {
    let begins = cell.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    begins
        && Payload::parse(format!("{{\"v\":{cell}}}").as_bytes()).is_ok_and(
            |payload| matches!(payload.members(), [only] if only.value == Value::Number(cell)),
        )
}

fn is_kept_by_doubles(number: &str) -> bool {
    /// Integers beyond it are not all doubles: 2^53 - 1.
    const MOST: f64 = 9_007_199_254_740_991.0;
    const LEAST: f64 = 1e-4;
    number.parse::<f64>().is_ok_and(|value| {
        (number == "0" || (LEAST..=MOST).contains(&value.abs())) && value.to_string() == number
    })
}
