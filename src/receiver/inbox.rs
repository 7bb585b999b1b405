//! The inbox: every callback that came, kept durably before it is acknowledged. One listener writes
//! it; others may read it meanwhile. The caller gets a failure and must not acknowledge then; once
//! the cause is gone the next callback is kept again.

mod conditions;
mod filter;
mod reader;
mod retention;
mod rows;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use conditions::Conditions;
#[cfg(test)]
pub use filter::Validity;
pub use filter::{Filter, Side};
pub use reader::InboxReader;

use crate::clock::{Clock, SystemClock};
use crate::receiver::received::{Forwarded, Received, Replied};
use crate::store::{
    self, Limits, OpenOptions, Presence, Recovery, Schema, Statement, Store, StoreError, Value,
};
use retention::Retention;

pub const DEFAULT_KEEP: u64 = 10_000;

const WHAT: &str = "inbox";

/// Times are Unix microseconds. What is long comes last, so that a list need not read it. The
/// second version writes a third less with each callback: no index by time, because entries are
/// numbered in its order, and no count by SQLite of the numbers that were given away. `numbers` holds
/// the last one instead, written only where the newest entries may go. The third finds the attempts
/// of an order without reading all entries.
const SCHEMA: Schema = Schema {
    what: WHAT,
    // "PNin" in ASCII.
    application_id: 0x504e_696e,
    migrations: &[
        include_str!("inbox/schema/1.sql"),
        include_str!("inbox/schema/2.sql"),
        include_str!("inbox/schema/3.sql"),
    ],
    previews: &[],
    readable_from: 1,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxSettings {
    pub keep: u64,
    /// How long a callback stays at most; `None` for as long as there is room. What is too old goes
    /// when the next one comes.
    pub keep_for: Option<Duration>,
    /// The most bytes that the file may grow to; `None` leaves it to the disk.
    pub max_bytes: Option<u64>,
    /// How long a callback waits for another program's lock in the file; 1 s.
    pub patience: Duration,
    /// The least time between two failed attempts to open a file again; 1 s.
    pub pause: Duration,
}

impl Default for InboxSettings {
    fn default() -> Self {
        InboxSettings {
            keep: DEFAULT_KEEP,
            keep_for: None,
            max_bytes: None,
            patience: Duration::from_secs(1),
            pause: Duration::from_secs(1),
        }
    }
}

#[derive(Debug)]
pub struct Inbox {
    store: Store,
    run_us: i64,
    last_id: AtomicU64,
    retention: Mutex<Retention>,
}

impl Inbox {
    pub fn open(path: &Path, settings: InboxSettings) -> Result<Inbox, StoreError> {
        store::make_folder_of(path, WHAT)?;
        Self::open_with(path, settings, Presence::Either)
    }

    pub fn open_existing(path: &Path, settings: InboxSettings) -> Result<Inbox, StoreError> {
        Self::open_with(path, settings, Presence::Existing)
    }

    fn open_with(
        path: &Path,
        settings: InboxSettings,
        presence: Presence,
    ) -> Result<Inbox, StoreError> {
        let limits = Limits { patience: settings.patience, max_bytes: settings.max_bytes };
        let recovery = Recovery::Reopen { pause: settings.pause };
        let plan =
            OpenOptions { limits, recovery, begins: true, ..OpenOptions::new(&SCHEMA, presence) };
        let store = Store::open(path, &plan)?;
        let reader = store.reader()?;
        let (mut last_id, mut count, mut last_run) = (0, 0, 0);
        // Numbers of entries that were deleted must not come again.
        let sql = "SELECT max((SELECT max(last) FROM numbers),
                       coalesce((SELECT max(id) FROM entries), 0)),
                   (SELECT count(*) FROM entries),
                   coalesce((SELECT run_us FROM entries ORDER BY id DESC LIMIT 1), 0)";
        reader.each(sql, &[], |row| {
            (last_id, count, last_run) = (row.unsigned(0)?, row.unsigned(1)?, row.integer(2)?);
            Ok(())
        })?;
        let now = SystemClock::new().wall();
        Ok(Inbox {
            store,
            // A clock that was set back must not join two runs.
            run_us: now.as_microsecond().max(last_run.saturating_add(1)),
            last_id: AtomicU64::new(last_id),
            retention: Mutex::new(Retention::new(settings.keep, settings.keep_for, count)),
        })
    }

    /// Keeps a callback; it is on the disk when this returns its number, and only then may it be
    /// acknowledged.
    pub async fn keep(&self, entry: &Received) -> Result<u64, StoreError> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let planned = self.retention().plan(entry.callback.received_at);
        let mut statements = vec![rows::insertion(id, self.run_us, entry)];
        statements.extend(planned.statements(id));
        let result = self.store.write_alone(statements).await;
        self.retention().settle(planned, result.as_ref().ok().copied());
        result.map(|_| id)
    }

    pub async fn record_reply(&self, id: u64, replied: &Replied) -> Result<(), StoreError> {
        self.store.write_aside(vec![rows::reply_update(id, replied)]).await
    }

    pub async fn record_forward(&self, id: u64, forwarded: &Forwarded) -> Result<(), StoreError> {
        self.store.write_aside(vec![rows::forward_update(id, forwarded)]).await
    }

    pub fn late(&self) -> Result<(), StoreError> {
        self.store.late()
    }

    pub async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }

    pub fn reader(&self) -> Result<InboxReader, StoreError> {
        self.store.reader().map(InboxReader::new)
    }

    pub async fn delete(&self, ids: &[u64]) -> Result<u64, StoreError> {
        self.note_numbers().await?;
        let mut deleted = 0;
        for chunk in ids.chunks(DELETED_AT_ONCE) {
            let statement =
                |id: &u64| Statement::new("DELETE FROM entries WHERE id = ?", vec![integer(*id)]);
            let changed = self.store.write_alone(chunk.iter().map(statement).collect()).await?;
            self.retention().forget(changed);
            deleted += changed as u64;
        }
        Ok(deleted)
    }

    pub async fn prune(&self, keep: u64, before: Option<Timestamp>) -> Result<u64, StoreError> {
        self.note_numbers().await?;
        let mut deleted = 0;
        loop {
            let excess = self.retention().count().saturating_sub(keep);
            let statements = retention::deletions(excess, before);
            let changed = self.store.write_alone(statements).await?;
            self.retention().forget(changed);
            deleted += changed as u64;
            if changed == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Deletes the entries up to this number, or all that have come, while others come.
    pub async fn delete_through(&self, last: Option<u64>) -> Result<u64, StoreError> {
        let last = last.unwrap_or_else(|| self.last_id.load(Ordering::Relaxed));
        self.note_numbers().await?;
        let mut deleted = 0;
        loop {
            let statement = retention::deletion_through(last);
            let changed = self.store.write_alone(vec![statement]).await?;
            self.retention().forget(changed);
            deleted += changed as u64;
            if changed == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Writes down which numbers were given away, so that none comes again when its entry is gone.
    async fn note_numbers(&self) -> Result<(), StoreError> {
        let last = integer(self.last_id.load(Ordering::Relaxed));
        let sql = "UPDATE numbers SET last = ?1 WHERE last < ?1";
        self.store.write_alone(vec![Statement::new(sql, vec![last])]).await.map(drop)
    }

    /// Writes what waits and closes the file; it blocks meanwhile.
    pub fn close(self) -> Result<(), StoreError> {
        self.store.close()
    }

    fn retention(&self) -> std::sync::MutexGuard<'_, Retention> {
        self.retention.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn compact(path: &Path) -> Result<(), StoreError> {
    store::compact(path, &SCHEMA)
}

/// Changes a copy in a folder on another disk and writes it over the inbox, whose own disk is full.
pub async fn change_elsewhere(
    path: &Path,
    folder: &Path,
    change: impl AsyncFnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    store::change_elsewhere(path, folder, &SCHEMA, change).await
}

const DELETED_AT_ONCE: usize = 256;

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
