//! One connection to a store's database: how it is set up, made, brought up to date and checked.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{StoreError, Subject, Trouble};
use super::statement::{Expect, Statement};
use super::{Limits, Schema, mark};

/// What SQLite calls a page here; it is its default.
const PAGE_BYTES: u64 = 4096;

pub(super) fn open(
    path: &Path,
    flags: OpenFlags,
    limits: &Limits,
    subject: &Subject,
) -> Result<Connection, StoreError> {
    let set_up = || {
        // Without SQLITE_OPEN_URI a path such as "file:x?mode=memory" is a plain name.
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(limits.patience)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        for off in [
            DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA,
            DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER,
            DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW,
            DbConfig::SQLITE_DBCONFIG_DQS_DML,
        ] {
            connection.set_db_config(off, false)?;
        }
        connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;")?;
        Ok(connection)
    };
    set_up().map_err(|error| subject.sql(&error))
}

/// The connection that writes: durable at every commit, and no checkpoint by itself.
pub(super) fn open_writer(
    path: &Path,
    limits: &Limits,
    subject: &Subject,
) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, limits, subject)?;
    let set_up = || {
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0;",
        )?;
        if let Some(bytes) = limits.max_bytes {
            let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1);
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        Ok(mode)
    };
    let mode = set_up().map_err(|error| subject.sql(&error))?;
    if mode != "wal" {
        return Err(subject.detailed(Trouble::Io, "no write-ahead log is possible there"));
    }
    Ok(connection)
}

pub(super) fn keep_log(
    connection: &Connection,
    is_kept: bool,
    subject: &Subject,
) -> Result<(), StoreError> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept)
        .map(drop)
        .map_err(|error| subject.sql(&error))
}

pub(super) fn create(
    path: &Path,
    schema: &Schema,
    first: &[Statement],
    subject: &Subject,
) -> Result<(), StoreError> {
    let limits = Limits { patience: Duration::ZERO, ..Limits::default() };
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &limits, subject)?;
    let transaction = connection.transaction().map_err(|error| subject.sql(&error))?;
    let make = || {
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        for migration in schema.migrations {
            transaction.execute_batch(migration)?;
        }
        transaction.execute_batch(mark::TABLE)?;
        transaction.pragma_update(None, "user_version", schema.version())
    };
    make().map_err(|error| subject.sql(&error))?;
    for statement in first {
        execute(&transaction, statement, subject)?;
    }
    transaction.commit().map_err(|error| subject.sql(&error))?;
    connection.close().map_err(|(_, error)| subject.sql(&error))
}

pub(super) fn version(connection: &Connection, subject: &Subject) -> Result<i64, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| subject.sql(&error))
}

/// Whether the file's version can be used, or brought up to date.
pub(super) fn check_version(
    connection: &Connection,
    schema: &Schema,
    subject: &Subject,
) -> Result<(), StoreError> {
    let (found, known) = (version(connection, subject)?, schema.version());
    if found > known {
        let detail = format!("its version is {found}, the latest known one is {known}");
        return Err(subject.detailed(Trouble::Newer, detail));
    }
    match found {
        1.. => Ok(()),
        _ => Err(subject.detailed(Trouble::Corrupt, format!("its version is {found}"))),
    }
}

pub(super) fn migrate(
    connection: &mut Connection,
    schema: &Schema,
    subject: &Subject,
) -> Result<(), StoreError> {
    let (found, known) = (version(connection, subject)?, schema.version());
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if found >= known {
        return Ok(());
    }
    let mut bring = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for migration in schema.migrations.iter().skip(done) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()
    };
    bring().map_err(|error| subject.sql(&error))
}

/// Reads the whole file once and compares its structure with what it must be.
pub(super) fn check(connection: &Connection, subject: &Subject) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| subject.sql(&error))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(subject.detailed(Trouble::Corrupt, found.trim())),
    }
}

/// Writes the database anew without the pages that nothing uses.
pub(super) fn compact(path: &Path, subject: &Subject) -> Result<(), StoreError> {
    let had_log = mark::has_log(path);
    let connection = open_writer(path, &Limits::default(), subject)?;
    keep_log(&connection, true, subject)?;
    mark::check(&connection, path, had_log, subject)?;
    keep_log(&connection, false, subject)?;
    // The copy may be larger than the memory.
    connection
        .execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        .map_err(|error| subject.sql(&error))?;
    connection.close().map_err(|(_, error)| subject.sql(&error))
}

pub(super) fn execute(
    connection: &Connection,
    statement: &Statement,
    subject: &Subject,
) -> Result<usize, StoreError> {
    let run = || {
        let mut prepared = connection.prepare_cached(statement.sql)?;
        for (position, value) in (1_usize..).zip(statement.parameters.values()) {
            prepared.raw_bind_parameter(position, value?)?;
        }
        prepared.raw_execute()
    };
    let changed = run().map_err(|error| subject.sql(&error))?;
    match statement.expect {
        Expect::Rows(rows) if rows != changed => {
            let detail = format!("{changed} rows instead of {rows} would change");
            Err(subject.detailed(Trouble::Refused, detail))
        }
        _ => Ok(changed),
    }
}
