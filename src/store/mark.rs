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
/// The part of a log's header that its checksum covers.
const COVERED: usize = 24;
const LITTLE_ENDIAN_SUMS: u32 = 0x377f_0682;
const BIG_ENDIAN_SUMS: u32 = 0x377f_0683;

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

/// Moves the whole log into the database. SQLite waits for writers and readers, but returns at once
/// where another connection moves the log at the same time: that is waited for here.
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
    // SQLite follows links, too.
    let path = path.canonicalize();
    path.is_ok_and(|path| beside(&path, "-wal").exists())
}

pub(super) fn check(connection: &Connection, path: &Path, had_log: bool) -> Result<(), Failure> {
    let frames = check_needed(connection, path, had_log)?;
    let log = LogFile::open(&beside(path, "-wal"))?;
    if log.map_or(Ok(0), |mut log| log.commits_after(frames))? >= PROOF {
        return Err(lost(path, had_log));
    }
    Ok(())
}

/// Refuses a file that needs its log and has none that can be used; otherwise returns how many
/// frames the log has.
pub(super) fn check_needed(
    connection: &Connection,
    path: &Path,
    had_log: bool,
) -> Result<u64, Failure> {
    let is_needed = read(connection)? == Some(true);
    let (frames, _) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP)?;
    let frames = u64::try_from(frames).unwrap_or(0);
    // With frames, the process was killed between the two entries of the mark.
    if is_needed && frames == 0 {
        let log = LogFile::open(&beside(path, "-wal"))?;
        if !log.map_or(Ok(false), |mut log| log.is_new())? {
            return Err(lost(path, had_log));
        }
    }
    Ok(frames)
}

/// Names the log where a damaged file has none: one that was moved only in part is not readable alone.
pub(super) fn suspect(failure: Failure, path: &Path, had_log: bool) -> Failure {
    if had_log || failure.trouble != Trouble::Corrupt {
        return failure;
    }
    failure.while_doing(&format!("without its log {}", beside(path, "-wal").display()))
}

fn lost(path: &Path, had_log: bool) -> Failure {
    let state = if had_log { "is damaged" } else { "is missing" };
    Trouble::LogLost.because(format!("{} {state}", beside(path, "-wal").display()))
}

/// A log as bytes: SQLite does not show what follows the end that it finds.
struct LogFile {
    file: File,
    header: [u8; LOG_HEADER],
    length: u64,
}

/// What identifies the log that a frame was written into. SQLite adds one to the first salt
/// whenever a log begins again over the frames of the log before.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Salts(u32, u32);

struct Frame {
    salts: Salts,
    is_commit: bool,
}

impl LogFile {
    /// `None` where there is no log, or less than a header of it.
    fn open(path: &Path) -> io::Result<Option<LogFile>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length < LOG_HEADER as u64 {
            return Ok(None);
        }
        let mut header = [0; LOG_HEADER];
        file.read_exact(&mut header)?;
        Ok(Some(LogFile { file, header, length }))
    }

    fn salts(&self) -> Salts {
        Salts(number(&self.header, 16), number(&self.header, 20))
    }

    /// Frame `index`, counted from 0; `None` past the last whole one.
    fn frame(&mut self, index: u64) -> io::Result<Option<Frame>> {
        let size = FRAME_HEADER as u64 + u64::from(number(&self.header, 8));
        let at = index.saturating_mul(size).saturating_add(LOG_HEADER as u64);
        if at.saturating_add(size) > self.length {
            return Ok(None);
        }
        let mut frame = [0; FRAME_HEADER];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut frame)?;
        let salts = Salts(number(&frame, 8), number(&frame, 12));
        Ok(Some(Frame { salts, is_commit: number(&frame, 4) != 0 }))
    }

    fn commits_after(&mut self, frames: u64) -> io::Result<usize> {
        let (mut commits, mut index) = (0, frames);
        while let Some(frame) = self.frame(index)? {
            commits += usize::from(frame.is_commit && frame.salts == self.salts());
            index += 1;
        }
        Ok(commits)
    }

    /// Whether a log without a usable frame has just begun over an old one, all of which is in the
    /// database: its header is whole, and it has no frame or one that was not written to its end.
    fn is_new(&mut self) -> io::Result<bool> {
        if !self.is_header_whole() {
            return Ok(false);
        }
        let current = self.salts();
        let is_old = |frame: &Frame| frame.salts.0 == current.0.wrapping_sub(1);
        let Some(first) = self.frame(0)? else { return Ok(false) };
        let mut index = 1;
        while let Some(frame) = self.frame(index)? {
            if frame.salts == current {
                return Ok(false);
            }
            index += 1;
        }
        let is_torn = first.salts == current && self.frame(1)?.is_none_or(|next| is_old(&next));
        Ok(is_torn || is_old(&first))
    }

    fn is_header_whole(&self) -> bool {
        let word: fn([u8; 4]) -> u32 = match number(&self.header, 0) {
            LITTLE_ENDIAN_SUMS => u32::from_le_bytes,
            BIG_ENDIAN_SUMS => u32::from_be_bytes,
            _ => return false,
        };
        let (words, _) = self.header[..COVERED].as_chunks::<4>();
        let mut sums = (0_u32, 0_u32);
        for pair in words.chunks_exact(2) {
            sums.0 = sums.0.wrapping_add(word(pair[0])).wrapping_add(sums.1);
            sums.1 = sums.1.wrapping_add(word(pair[1])).wrapping_add(sums.0);
        }
        sums == (number(&self.header, COVERED), number(&self.header, COVERED + 4))
    }
}

/// The big-endian number at a place of a header.
fn number(header: &[u8], at: usize) -> u32 {
    header
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
