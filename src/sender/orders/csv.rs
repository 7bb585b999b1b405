//! Orders from CSV: a row with the header gives an object.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use protocol::internal::documented::{FieldType, documented_type};
use protocol::internal::edit::json_string;
use protocol::{MAX_BYTES, Payload, Value};

use super::error::OrderError;
use super::header::Expected;
use super::row::{Row, WrittenAs};
use crate::lines::error::BadLine;
use crate::lines::reader::ReadError;

/// How much the CSV reader may take beyond a row, in bytes: what it reads ahead.
const READ_AHEAD: usize = 64 * 1024;

pub(super) struct Table {
    reader: csv::Reader<BoundedReader>,
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
struct BoundedReader {
    reader: Box<dyn Read + Send>,
    ahead: VecDeque<u8>,
}

impl Read for BoundedReader {
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
            .from_reader(BoundedReader { reader, ahead: VecDeque::new() });
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

    pub(super) fn next(&mut self) -> Result<Option<Row>, OrderError> {
        if self.header.is_none() {
            if !self.read()? {
                return Ok(None);
            }
            let line = self.line;
            self.header = Some(self.expected.names(&self.record).map_err(|error| error.at(line))?);
        }
        loop {
            if !self.read()? {
                return Ok(None);
            }
            if !self.record.iter().all(is_blank) {
                break;
            }
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
        let header = self.header.as_deref().unwrap_or_default();
        let text = object_of(self.line, header, &self.record)?;
        Ok(Some(Row { line: self.line, text, written_as: WrittenAs::Cells }))
    }

    fn read(&mut self) -> Result<bool, ReadError> {
        let found = self.reader.read_byte_record(&mut self.record);
        self.count_lines();
        found.map_err(|error| ReadError { line: self.line, error: error.into() })
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
fn is_literal(name: &str, cell: &str) -> bool {
    match documented_type(name) {
        Some(FieldType::String) => false,
        Some(FieldType::Integer) => is_number(cell),
        None => matches!(cell, "true" | "false") || is_number(cell) && is_kept_by_doubles(cell),
    }
}

fn is_number(cell: &str) -> bool {
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

    #[test]
    fn a_cell_has_the_type_of_its_field_and_keeps_its_digits() {
        let texts = ["payout_id", "payout_cl_id", "platform_id", "error_msg", "sign_type", "sign"];
        let deposits = ["payment_id", "payment_cl_id", "payment_cl_name"];
        for name in texts.iter().chain(&deposits) {
            for cell in ["20160806151343349021", "1e5", "7", "007", "true", "null", "1.5", ""] {
                assert!(!is_literal(name, cell), "{name}: {cell}");
            }
        }
        for name in ["amount", "real_amount", "fee", "status", "create_time", "update_time"] {
            for cell in ["0", "-1", "400000", "1.10", "1e5", "99999999999999999999"] {
                assert!(is_literal(name, cell), "{name}: {cell}");
            }
            for cell in ["007", "", "null", "true", "1,5", "2024-01-02", "1_000", " 5"] {
                assert!(!is_literal(name, cell), "{name}: {cell}");
            }
        }
        for cell in ["0", "7", "-7", "1.5", "-0.25", "9007199254740991", "true", "false"] {
            assert!(is_literal("memo", cell), "{cell}");
        }
        for cell in [
            "20160806151343349021",
            "9007199254740992",
            "9007199254740993",
            "1e5",
            "1E5",
            "007",
            "1.10",
            "1.0",
            "-0",
            "0.0",
            "0.00001",
            "0.1000000000000000055",
            "null",
            "True",
            "NULL",
            "",
        ] {
            assert!(!is_literal("memo", cell), "{cell}");
        }
    }
}
