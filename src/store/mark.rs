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

use super::error::{StoreError, Subject, Trouble};
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
const MAGIC: [u32; 2] = [0x377f_0682, 0x377f_0683];

/// So many commits behind the end of a log are proof of damage: one may have been torn by a power
/// failure before it was called durable.
const PROOF: usize = 2;

/// How long another connection may be moving the log: a long log on a slow disk takes seconds.
const MOVER_TIMEOUT: Duration = Duration::from_secs(5);
const MOVER_PAUSE: Duration = Duration::from_millis(1);

/// Writes the mark: from here on the file without its log is known to be incomplete.
pub(super) fn set(connection: &Connection, subject: &Subject) -> Result<(), StoreError> {
    let write = || {
        connection.execute_batch(TABLE)?;
        connection.execute_batch("UPDATE log_mark SET needs_log = 1")?;
        let moved = move_log(connection);
        connection.execute_batch("UPDATE log_mark SET needs_log = 0")?;
        moved
    };
    match write().map_err(|error| subject.sql(&error))? {
        (length, moved) if length == moved => Ok(()),
        _ => Err(subject.detailed(Trouble::Locked, "its log cannot be moved into it")),
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
pub(super) fn read(connection: &Connection, subject: &Subject) -> Result<Option<bool>, StoreError> {
    let has_table = "SELECT count(*) FROM sqlite_schema WHERE name = 'log_mark' AND type = 'table'";
    let read = || {
        let tables: i64 = connection.query_row(has_table, [], |row| row.get(0))?;
        if tables == 0 {
            return Ok(None);
        }
        let needs: i64 =
            connection.query_row("SELECT max(needs_log) FROM log_mark", [], |row| row.get(0))?;
        Ok(Some(needs != 0))
    };
    read().map_err(|error| subject.sql(&error))
}

pub(super) fn has_log(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

pub(super) fn check(
    connection: &Connection,
    path: &Path,
    had_log: bool,
    subject: &Subject,
) -> Result<(), StoreError> {
    let is_needed = read(connection, subject)? == Some(true);
    let (frames, _) = connection
        .wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP)
        .map_err(|error| subject.sql(&error))?;
    let frames = usize::try_from(frames).unwrap_or(0);
    let rest = read_rest(path, frames).map_err(|error| subject.io(&error))?;
    // Killed between the two entries of the mark, it is in a log that is there.
    let is_lost = is_needed && frames == 0 && !rest.is_restarted();
    if is_lost || rest.commits >= PROOF { Err(lost(path, had_log, subject)) } else { Ok(()) }
}

/// Whether the log was begun again, and nothing is in it yet: the file holds everything.
pub(super) fn is_restarted(path: &Path) -> bool {
    read_rest(path, 0).is_ok_and(|rest| rest.is_restarted())
}

pub(super) fn lost(path: &Path, had_log: bool, subject: &Subject) -> StoreError {
    let state = if had_log { "is damaged" } else { "is missing" };
    let log = beside(path, "-wal");
    subject.detailed(Trouble::LogLost, format!("{} {state}", log.display()))
}

/// What is in the log behind the frames that SQLite reads.
#[derive(Default)]
struct Rest {
    commits: usize,
    /// Whether one of them is not the first frame of all, which takes the mark back.
    has_data: bool,
    /// Frames of the log before this one, all of which was moved into the database.
    has_earlier: bool,
}

impl Rest {
    fn is_restarted(&self) -> bool {
        !self.has_data && self.has_earlier
    }
}

fn read_rest(path: &Path, frames: usize) -> io::Result<Rest> {
    let mut rest = Rest::default();
    let mut file = match File::open(beside(path, "-wal")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(rest),
        Err(error) => return Err(error),
    };
    let (mut header, mut frame) = ([0; LOG_HEADER], [0; FRAME_HEADER]);
    let length = file.metadata()?.len();
    if length < LOG_HEADER as u64 {
        return Ok(rest);
    }
    file.read_exact(&mut header)?;
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).and_then(|it| it.try_into().ok()).map_or(0, u32::from_be_bytes)
    };
    let size = FRAME_HEADER as u64 + u64::from(word(&header, 8));
    // A log that is begun again counts the first salt up and draws the second.
    let earlier = word(&header, 16).wrapping_sub(1);
    let mut at = (frames as u64).saturating_mul(size).saturating_add(LOG_HEADER as u64);
    while at.saturating_add(size) <= length {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut frame)?;
        let is_current = frame[8..8 + SALTS] == header[16..16 + SALTS];
        let is_commit = is_current && frame[4..8] != [0; 4];
        rest.commits += usize::from(is_commit);
        rest.has_data |= is_commit && at > LOG_HEADER as u64;
        rest.has_earlier |= MAGIC.contains(&word(&header, 0)) && word(&frame, 8) == earlier;
        at = at.saturating_add(size);
    }
    Ok(rest)
}
