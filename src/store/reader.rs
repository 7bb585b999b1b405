//! A connection that reads, beside whoever writes.

use std::cmp::Ordering;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use rusqlite::{Connection, OpenFlags};

use super::error::{Failure, StoreError, Subject, Trouble};
use super::{Limits, Row, Schema, Value, connection, mark};

const MARK_TRIES: u32 = 20;
const MARK_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    subject: Subject,
}

impl Reader {
    /// Opens a file for reading only, also while another process writes it. It must have the
    /// schema's version: a reader brings nothing up to date.
    pub fn open(path: &Path, schema: &Schema) -> Result<Reader, StoreError> {
        let subject = Subject::new(schema.what, path);
        let found = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => subject.error(Trouble::Missing),
            _ => subject.error(error),
        })?;
        if !found.is_file() {
            return Err(subject.error(Trouble::NotAFile));
        }
        if found.len() == 0 {
            return Err(subject.error(Trouble::Foreign.because("it is empty")));
        }
        let had_log = mark::has_log(path);
        let reader = Reader::connect(path, &Limits::default(), subject)?;
        let checked = reader.check(schema).and_then(|()| reader.check_mark(path, had_log));
        let checked = checked.map_err(|failure| mark::suspect(failure, path, had_log));
        checked.map_err(|failure| reader.subject.error(failure))?;
        Ok(reader)
    }

    pub(super) fn is_marked(&self) -> Result<bool, StoreError> {
        let mark = mark::read(&self.connection).map_err(|error| self.subject.error(error))?;
        Ok(mark.is_some())
    }

    fn check_mark(&self, path: &Path, had_log: bool) -> Result<(), Failure> {
        for _ in 0..MARK_TRIES {
            if mark::read(&self.connection)? != Some(true) {
                return Ok(());
            }
            thread::sleep(MARK_PAUSE);
        }
        // No writer is at work on it: it was killed while it set the mark, or the log is lost.
        mark::check_needed(&self.connection, path, had_log).map(drop)
    }

    pub(super) fn connect(
        path: &Path,
        limits: &Limits,
        subject: Subject,
    ) -> Result<Reader, StoreError> {
        match connection::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, limits) {
            Ok(connection) => Ok(Reader { connection, subject }),
            Err(error) => Err(subject.error(error)),
        }
    }

    /// Shows a file of an earlier version, which is not migrated yet, as one of today's.
    pub(super) fn preview(&self, schema: &Schema) -> Result<(), StoreError> {
        let version = connection::version(&self.connection);
        let version = version.map_err(|error| self.subject.error(error))?;
        let earlier = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let Some(views) = earlier.and_then(|earlier| schema.previews.get(earlier)) else {
            return Ok(());
        };
        self.connection.execute_batch(views).map_err(|error| self.subject.error(error))
    }

    /// Asked of SQLite and not of the file's bytes: closing any other handle of a database drops the
    /// locks that this process holds on it.
    fn check(&self, schema: &Schema) -> Result<(), Failure> {
        let number = |name| {
            let read = self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            read.map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => {
                    Trouble::Foreign.because("it is not an SQLite database")
                }
                _ => error.into(),
            })
        };
        if number("application_id")? != i64::from(schema.application_id) {
            let detail = format!("it is a SQLite database, but no {}", schema.what);
            return Err(Trouble::Foreign.because(detail));
        }
        let (found, known) = (number("user_version")?, schema.version());
        let detail = format!("its version is {found}, the known one is {known}");
        match found.cmp(&known) {
            Ordering::Greater => Err(Trouble::Newer.because(detail)),
            Ordering::Less if found < schema.readable_from => Err(Trouble::Corrupt.because(detail)),
            Ordering::Less | Ordering::Equal => Ok(()),
        }
    }

    pub fn each(
        &self,
        sql: &str,
        parameters: &[Value],
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| self.subject.error(error);
        let mut prepared = self.connection.prepare_cached(sql).map_err(failed)?;
        for (position, value) in (1_usize..).zip(parameters) {
            prepared.raw_bind_parameter(position, value).map_err(failed)?;
        }
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            take(&Row { row, subject: &self.subject })?;
        }
        Ok(())
    }

    pub fn corrupt(&self, problem: &str) -> StoreError {
        self.subject.error(Trouble::Corrupt.because(problem))
    }
}
