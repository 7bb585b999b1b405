//! A connection that reads, beside whoever writes.

use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use rusqlite::{Connection, OpenFlags};

use super::error::{StoreError, Subject, Trouble};
use super::{Limits, Row, Schema, Value, connection, mark};

const MARK_TRIES: u32 = 20;
const MARK_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    subject: Subject,
}

impl Reader {
    /// Opens a file for reading only, also while another process writes it.
    ///
    /// The file must have the schema's version: a reader brings nothing up to date.
    pub fn open(path: &Path, schema: &Schema) -> Result<Reader, StoreError> {
        let subject = Subject::new(schema.what, path);
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(subject.error(Trouble::NotAFile)),
            Ok(metadata) if metadata.len() == 0 => {
                return Err(subject.detailed(Trouble::Foreign, "it is empty"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(subject.error(Trouble::Missing));
            }
            Err(error) => return Err(subject.io(&error)),
        }
        let had_log = mark::has_log(path);
        let reader = Reader::connect(path, &Limits::default(), subject)?;
        reader.check(schema)?;
        reader.check_mark(path, had_log)?;
        Ok(reader)
    }

    pub(super) fn is_marked(&self) -> Result<bool, StoreError> {
        mark::read(&self.connection, &self.subject).map(|mark| mark.is_some())
    }

    fn check_mark(&self, path: &Path, had_log: bool) -> Result<(), StoreError> {
        for _ in 0..MARK_TRIES {
            if mark::read(&self.connection, &self.subject)? != Some(true) {
                return Ok(());
            }
            thread::sleep(MARK_PAUSE);
        }
        if mark::is_restarted(path) {
            return Ok(());
        }
        Err(mark::lost(path, had_log, &self.subject))
    }

    pub(super) fn connect(
        path: &Path,
        limits: &Limits,
        subject: Subject,
    ) -> Result<Reader, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = connection::open(path, flags, limits, &subject)?;
        Ok(Reader { connection, subject })
    }

    /// Shows a file of an earlier version, which is not migrated yet, as one of today's.
    pub(super) fn preview(&self, schema: &Schema) -> Result<(), StoreError> {
        let version = connection::version(&self.connection, &self.subject)?;
        let earlier = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let Some(views) = earlier.and_then(|earlier| schema.previews.get(earlier)) else {
            return Ok(());
        };
        self.connection.execute_batch(views).map_err(|error| self.subject.sql(&error))
    }

    /// Asked of SQLite and not of the file's bytes: closing any other handle of a database drops the
    /// locks that this process holds on it.
    fn check(&self, schema: &Schema) -> Result<(), StoreError> {
        let number = |name| {
            self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(
                |error| match error.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::NotADatabase) => {
                        self.subject.detailed(Trouble::Foreign, "it is no SQLite database")
                    }
                    _ => self.subject.sql(&error),
                },
            )
        };
        if number("application_id")? != i64::from(schema.application_id) {
            let detail = format!("it is a SQLite database, but no {}", schema.what);
            return Err(self.subject.detailed(Trouble::Foreign, detail));
        }
        let (found, known) = (number("user_version")?, schema.version());
        let detail = format!("its version is {found}, the known one is {known}");
        match found {
            found if found > known => Err(self.subject.detailed(Trouble::Newer, detail)),
            found if found < known => Err(self.subject.detailed(Trouble::Corrupt, detail)),
            _ => Ok(()),
        }
    }

    pub fn each(
        &self,
        sql: &'static str,
        parameters: &[Value],
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| self.subject.sql(&error);
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
        self.subject.detailed(Trouble::Corrupt, problem)
    }
}
