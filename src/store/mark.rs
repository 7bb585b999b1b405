//! A mark that shows when a database lost its log.
//!
//! What was committed last is in the log beside the database only. Without it, a copied or moved
//! file would look like an earlier state of itself, and nothing in it would tell. So the database
//! holds a mark: in the file itself it says that the log is needed, and the first entry of the log
//! takes that back. Whoever reads both reads that all is well, and so does who reads a file into
//! which the whole log was moved, by this program or by another.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::error::{Failure, Trouble};
use super::file::beside;

/// What holds the mark; a file of an earlier version has no such table.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS log_mark (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        needs_log INTEGER NOT NULL
    ) STRICT;
    INSERT OR IGNORE INTO log_mark VALUES (1, 0);
";

/// Source: sqlite.org/fileformat2.html, section 4.1: the header of a log, and of each frame in it.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const SALTS: usize = 8;

/// So many commits behind the end of a log are proof of damage: one may have been torn by a power
/// failure before it was called durable.
const PROOF: usize = 2;

/// How long another connection may be moving the log: a long log on a slow disk takes seconds.
const MOVER_TIMEOUT: Duration = Duration::from_secs(5);
const MOVER_PAUSE: Duration = Duration::from_millis(1);

/// Writes the mark: from here on the file without its log is known to be incomplete.
pub(super) fn set(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch(TABLE)?;
    connection.execute_batch("UPDATE log_mark SET needs_log = 1")?;
    let moved = move_log(connection);
    connection.execute_batch("UPDATE log_mark SET needs_log = 0")?;
    match moved? {
        (length, moved) if length == moved => Ok(()),
        _ => Err(Trouble::Locked.because("its log cannot be moved into it")),
    }
}

/// Moves the whole log into the database.
///
/// SQLite waits for writers and readers, but where another connection moves the log at the same
/// time it returns at once: this store has a thread for that, so it is waited for here.
fn move_log(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let start = Instant::now();
    loop {
        let moved = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::FULL);
        let is_busy = moved.as_ref().is_err_and(|error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        });
        if !is_busy || start.elapsed() >= MOVER_TIMEOUT {
            return moved;
        }
        thread::sleep(MOVER_PAUSE);
    }
}

/// Whether the database says that its log is needed; `None` where it has no mark.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<bool>> {
    let has_table = "SELECT count(*) FROM sqlite_schema WHERE name = 'log_mark' AND type = 'table'";
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if number(has_table)? == 0 {
        return Ok(None);
    }
    number("SELECT max(needs_log) FROM log_mark").map(|needs| Some(needs != 0))
}

pub(super) fn has_log(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

pub(super) fn check(connection: &Connection, path: &Path, had_log: bool) -> Result<(), Failure> {
    let is_needed = read(connection)? == Some(true);
    let (frames, _) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP)?;
    let frames = usize::try_from(frames).unwrap_or(0);
    // Killed between the two entries of the mark, it is in a log that is there.
    if is_needed && frames == 0 || commits_after(&beside(path, "-wal"), frames)? >= PROOF {
        return Err(lost(path, had_log));
    }
    Ok(())
}

pub(super) fn lost(path: &Path, had_log: bool) -> Failure {
    let state = if had_log { "is damaged" } else { "is missing" };
    Trouble::LogLost.because(format!("{} {state}", beside(path, "-wal").display()))
}

fn commits_after(log: &Path, frames: usize) -> io::Result<usize> {
    let mut file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let (mut header, mut frame) = ([0; LOG_HEADER], [0; FRAME_HEADER]);
    let length = file.metadata()?.len();
    if length < LOG_HEADER as u64 {
        return Ok(0);
    }
    file.read_exact(&mut header)?;
    let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = header;
    let size = FRAME_HEADER as u64 + u64::from(u32::from_be_bytes([a, b, c, d]));
    let mut commits = 0;
    let mut at = (frames as u64).saturating_mul(size).saturating_add(LOG_HEADER as u64);
    while at.saturating_add(size) <= length {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut frame)?;
        let is_current = frame[8..8 + SALTS] == header[16..16 + SALTS];
        commits += usize::from(is_current && frame[4..8] != [0; 4]);
        at = at.saturating_add(size);
    }
    Ok(commits)
}
