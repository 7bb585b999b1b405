//! The write-ahead log is kept short without making commits wait: a second thread moves it into the
//! database while the first one writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OpenFlags};

use super::connection::PAGE_BYTES;
use super::error::Failure;
use super::{Limits, connection};

/// From this many pages on (4 MiB) the log is moved into the database, and from as many as that has:
/// a disk on which there is room for both must not be filled by the log alone.
const LOG_PAGES: i64 = 1024;

/// How many pages (256 KiB) the log grows by before the mover is asked again.
const STEP_PAGES: i64 = 64;

/// So few pages (1 MiB) may be moved on the path of a commit, so that the log can begin again.
const REST_PAGES: i64 = 256;

/// From this many pages on (64 MiB) the rest is moved however long it is: the log must end.
const LONG_PAGES: i64 = 16 * LOG_PAGES;

/// The mover copies the log while commits continue, so it never quite reaches its end; when little
/// is left, the writer copies the rest, and its next commit begins the log again. Someone who reads
/// for long can hold both up; each is tried again only after the log has grown.
pub(super) struct Log {
    nudge: SyncSender<()>,
    mover: JoinHandle<()>,
    asked_at: i64,
    moved_at: i64,
    path: PathBuf,
    limit: i64,
}

impl Log {
    pub(super) fn start(path: &Path, limits: &Limits) -> Result<Log, Failure> {
        let mover = connection::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, limits)?;
        // A connection that has read nothing yet does not know that there is a log.
        mover.pragma_query_value(None, "user_version", |_| Ok(()))?;
        let (nudge, nudges) = sync_channel(1);
        let mover = thread::Builder::new()
            .name("store-log".to_owned())
            .spawn(move || move_log(&mover, &nudges))?;
        let (path, limit) = (path.to_owned(), limit(path));
        Ok(Log { nudge, mover, asked_at: 0, moved_at: 0, path, limit })
    }

    /// Moves the log where it is time; whether all of it is moved, so that it begins again.
    pub(super) fn tend(&mut self, connection: &Connection) -> bool {
        let Ok((length, moved)) = checkpoint(connection, CheckpointMode::NOOP) else {
            return false;
        };
        if length < self.asked_at.max(self.moved_at) {
            (self.asked_at, self.moved_at) = (0, 0);
        }
        if length < self.limit {
            return false;
        }
        let rest = length - moved;
        if rest > REST_PAGES && length < LONG_PAGES {
            if length - self.asked_at >= STEP_PAGES {
                self.asked_at = length;
                // A nudge that waits already is as good.
                let _asked = self.nudge.try_send(());
            }
        } else if length - self.moved_at >= self.limit
            // The mover may be at it; and a failure shows at the next commit, where it matters.
            && let Ok((length, moved)) = checkpoint(connection, CheckpointMode::PASSIVE)
        {
            (self.moved_at, self.limit) = (length, limit(&self.path));
            return length == moved;
        }
        false
    }

    /// Moves the whole log at once, so that it begins again in the room that it has; whether it did.
    pub(super) fn move_all(connection: &Connection) -> bool {
        let moved = checkpoint(connection, CheckpointMode::PASSIVE);
        moved.is_ok_and(|(length, moved)| length > 0 && length == moved)
    }

    pub(super) fn stop(self) {
        drop(self.nudge);
        // It does not panic; and nothing depends on how it ended.
        let _ended = self.mover.join();
    }
}

fn limit(path: &Path) -> i64 {
    let pages = fs::metadata(path).map_or(0, |found| found.len() / PAGE_BYTES);
    i64::try_from(pages).unwrap_or(LOG_PAGES).clamp(STEP_PAGES, LOG_PAGES)
}

fn checkpoint(connection: &Connection, mode: CheckpointMode) -> rusqlite::Result<(i64, i64)> {
    let (length, moved) = connection.wal_checkpoint_v2(None::<&str>, mode)?;
    Ok((length.into(), moved.into()))
}

fn move_log(connection: &Connection, nudges: &Receiver<()>) {
    while nudges.recv().is_ok() {
        // What fails here stays in the log, where it is safe, and is tried again.
        let _moved = checkpoint(connection, CheckpointMode::PASSIVE);
    }
}
