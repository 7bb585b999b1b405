//! One connection to a store's database: how it is set up, made, brought up to date and checked.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{Failure, Trouble};
use super::statement::{Expect, Statement};
use super::{Limits, Schema, mark};

/// What SQLite calls a page here; it is its default.
pub(super) const PAGE_BYTES: u64 = 4096;

pub(super) fn open(path: &Path, flags: OpenFlags, limits: &Limits) -> rusqlite::Result<Connection> {
    // Without SQLITE_OPEN_URI a path such as "file:x?mode=memory" is a plain name.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
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
}

/// The connection that writes: durable at every commit, and no checkpoint by itself.
pub(super) fn open_writer(path: &Path, limits: &Limits) -> Result<Connection, Failure> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, limits)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0;",
    )?;
    if let Some(bytes) = limits.max_bytes {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    if mode != "wal" {
        return Err(Trouble::Io.because("no write-ahead log is possible there"));
    }
    Ok(connection)
}

pub(super) fn keep_log(connection: &Connection, is_kept: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_kept).map(drop)
}

pub(super) fn create(path: &Path, schema: &Schema, first: &[Statement]) -> Result<(), Failure> {
    let limits = Limits { patience: Duration::ZERO, ..Limits::default() };
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &limits)?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    for migration in schema.migrations {
        transaction.execute_batch(migration)?;
    }
    transaction.execute_batch(mark::TABLE)?;
    transaction.pragma_update(None, "user_version", schema.version())?;
    for statement in first {
        execute(&transaction, statement)?;
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error.into())
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether the file's version can be used, or brought up to date.
pub(super) fn check_version(connection: &Connection, schema: &Schema) -> Result<(), Failure> {
    let (found, known) = (version(connection)?, schema.version());
    if found > known {
        let detail = format!("its version is {found}, the latest known one is {known}");
        return Err(Trouble::Newer.because(detail));
    }
    match found {
        1.. => Ok(()),
        _ => Err(Trouble::Corrupt.because(format!("its version is {found}"))),
    }
}

pub(super) fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), Failure> {
    let (found, known) = (version(connection)?, schema.version());
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if found >= known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in schema.migrations.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Reads the whole file once and compares its structure with what it must be.
pub(super) fn check(connection: &Connection) -> Result<(), Failure> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Trouble::Corrupt.because(found.trim())) }
}

/// Writes the database again without the pages that nothing uses.
pub(super) fn compact(path: &Path) -> Result<(), Failure> {
    let had_log = mark::has_log(path);
    let connection = open_writer(path, &Limits::default())?;
    keep_log(&connection, true)?;
    mark::check(&connection, path, had_log)?;
    keep_log(&connection, false)?;
    // The copy may be larger than the memory.
    connection
        .execute_batch("PRAGMA temp_store = FILE; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    connection.close().map_err(|(_, error)| error.into())
}

pub(super) fn execute(connection: &Connection, statement: &Statement) -> Result<usize, Failure> {
    let mut prepared = connection.prepare_cached(statement.sql)?;
    for (position, value) in (1_usize..).zip(statement.parameters.values()) {
        prepared.raw_bind_parameter(position, value?)?;
    }
    let changed = prepared.raw_execute()?;
    match statement.expect {
        Expect::Rows(rows) if rows != changed => {
            let detail = format!("{changed} rows instead of {rows} would change");
            Err(Trouble::Refused.because(detail))
        }
        _ => Ok(changed),
    }
}
