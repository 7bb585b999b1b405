//! What a store is asked to write, as plain data, and the rows it gives back.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

use rusqlite::types::{FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use super::error::{StoreError, Subject, Trouble};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Name(&'static str),
    Text(Arc<str>),
    Blob(Arc<[u8]>),
}

/// The parameters of one statement, with all that is long in one buffer: they are made on one
/// thread and freed on another, which is slow where each column has an allocation of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    buffer: Vec<u8>,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Whole(Value),
    Text(usize, usize),
    Blob(usize, usize),
}

impl Parameters {
    pub fn with_room(columns: usize, bytes: usize) -> Self {
        Parameters { buffer: Vec::with_capacity(bytes), columns: Vec::with_capacity(columns) }
    }

    pub fn value(&mut self, value: impl Into<Value>) {
        self.columns.push(Column::Whole(value.into()));
    }

    pub fn text(&mut self, text: &str) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(text.as_bytes());
        self.columns.push(Column::Text(start, self.buffer.len()));
    }

    pub fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.value(Value::Null),
        }
    }

    pub fn display(&mut self, shown: impl Display) {
        let start = self.buffer.len();
        // Memory takes whatever is written to it.
        let _written = write!(self.buffer, "{shown}");
        self.columns.push(Column::Text(start, self.buffer.len()));
    }

    pub fn blob(&mut self, bytes: &[u8]) {
        self.blob_of(|buffer| buffer.extend_from_slice(bytes));
    }

    pub fn blob_of(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.buffer.len();
        write(&mut self.buffer);
        self.columns.push(Column::Blob(start, self.buffer.len()));
    }

    pub(super) fn values(&self) -> impl Iterator<Item = rusqlite::Result<ToSqlOutput<'_>>> {
        let part = |start: &usize, end: &usize| self.buffer.get(*start..*end).unwrap_or_default();
        self.columns.iter().map(move |column| match column {
            Column::Whole(value) => value.to_sql(),
            Column::Text(start, end) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(part(start, end)))),
            Column::Blob(start, end) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(part(start, end)))),
        })
    }
}

impl From<Vec<Value>> for Parameters {
    fn from(values: Vec<Value>) -> Self {
        let columns = values.into_iter().map(Column::Whole).collect();
        Parameters { buffer: Vec::new(), columns }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Name(text) => ValueRef::Text(text.as_bytes()),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Integer(number.into())
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Value::Name(text)
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(name) => Value::Name(name),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Value::Text(text)
    }
}

impl From<Arc<[u8]>> for Value {
    fn from(bytes: Arc<[u8]>) -> Self {
        Value::Blob(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// How many rows a statement must change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Any,
    /// Exactly this many; otherwise the whole request is refused.
    Rows(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sql: &'static str,
    pub parameters: Parameters,
    pub expect: Expect,
}

impl Statement {
    pub fn new(sql: &'static str, parameters: impl Into<Parameters>) -> Self {
        Statement { sql, parameters: parameters.into(), expect: Expect::Any }
    }

    /// A statement that must change exactly one row.
    pub fn one_row(sql: &'static str, parameters: impl Into<Parameters>) -> Self {
        Statement { sql, parameters: parameters.into(), expect: Expect::Rows(1) }
    }
}

/// A row that was read; columns count from 0.
#[derive(Debug)]
pub struct Row<'a> {
    pub(super) row: &'a rusqlite::Row<'a>,
    pub(super) subject: &'a Subject,
}

impl Row<'_> {
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        self.get(column, ValueRef::as_i64)
    }

    pub fn unsigned(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?).map_err(|_| self.corrupt(column, "is negative"))
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.get(column, ValueRef::as_i64_or_null)
    }

    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.get(column, ValueRef::as_str)
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.get(column, ValueRef::as_str_or_null)
    }

    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        self.get(column, ValueRef::as_blob)
    }

    pub fn corrupt(&self, column: usize, problem: &str) -> StoreError {
        let name = self.row.as_ref().column_name(column).unwrap_or("a column");
        self.subject.error(Trouble::Corrupt.because(format!("{name} {problem}")))
    }

    fn get<'s, T>(
        &'s self,
        column: usize,
        read: impl FnOnce(&ValueRef<'s>) -> FromSqlResult<T>,
    ) -> Result<T, StoreError> {
        let value = self.row.get_ref(column).map_err(|error| self.subject.error(error))?;
        read(&value).map_err(|error| match error {
            FromSqlError::InvalidType => {
                self.corrupt(column, &format!("holds {}", value.data_type()))
            }
            _ => self.corrupt(column, "is not UTF-8"),
        })
    }
}
