//! The thread that writes: it takes all requests that wait, writes them in one transaction, and
//! answers them once they are durable. A second thread moves the log into the database meanwhile.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::Limits;
use super::connection::{self, execute};
use super::error::{StoreError, Subject, Trouble};
use super::statement::Statement;

/// The most requests that wait; who comes later waits with them in hand.
pub(super) const QUEUE: usize = 1024;

/// From this many pages on (4 MiB) the log is moved into the database.
const LOG_PAGES: i64 = 1024;

/// How many pages (256 KiB) the log grows by before the mover is asked again.
const STEP_PAGES: i64 = 64;

/// So few pages (1 MiB) may be moved on the path of a commit, that the log can begin anew.
const REST_PAGES: i64 = 256;

/// From this many pages on (64 MiB) the rest is moved however long it is: the log must end.
const LONG_PAGES: i64 = 16 * LOG_PAGES;

/// What is written all or not at all.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) statements: Vec<Statement>,
    /// Where the number of changed rows goes; nobody waits for it where there is none.
    pub(super) answer: Option<oneshot::Sender<Result<usize, StoreError>>>,
}

/// The first failure of a request that nobody waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Late(Arc<Mutex<Option<StoreError>>>);

impl Late {
    /// The failure, once.
    pub(super) fn take(&self) -> Result<(), StoreError> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn put(&self, error: StoreError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// The thread that writes; it tells how the closing went.
pub(super) type Thread = JoinHandle<Result<(), StoreError>>;

/// Starts the threads; the writer ends when every sender is gone and everything is written.
pub(super) fn start(
    connection: Connection,
    path: &Path,
    limits: &Limits,
    subject: &Subject,
    late: Late,
) -> Result<(mpsc::Sender<Request>, Thread), StoreError> {
    let (sender, requests) = mpsc::channel(QUEUE);
    let mover = connection::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, limits, subject)?;
    // A connection that has read nothing yet does not know that there is a log.
    mover
        .pragma_query_value(None, "user_version", |_| Ok(()))
        .map_err(|error| subject.sql(&error))?;
    let (nudge, nudges) = sync_channel(1);
    let spawned = |error: std::io::Error| subject.io(&error);
    let mover = thread::Builder::new()
        .name("store-log".to_owned())
        .spawn(move || move_log(&mover, &nudges))
        .map_err(spawned)?;
    let subject = subject.clone();
    let log = Log { nudge, mover, asked_at: 0, moved_at: 0 };
    let writer = Writer { connection, subject: subject.clone(), late, broken: None };
    let thread = thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || writer.run(requests, log))
        .map_err(|error| subject.io(&error))?;
    Ok((sender, thread))
}

struct Writer {
    connection: Connection,
    subject: Subject,
    late: Late,
    /// A failure after which the file's state is not known: nothing may be called durable any more.
    broken: Option<StoreError>,
}

impl Writer {
    fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut log: Log,
    ) -> Result<(), StoreError> {
        let mut group = Vec::with_capacity(QUEUE);
        while requests.blocking_recv_many(&mut group, QUEUE) > 0 {
            self.write(&mut group);
            log.tend(&self.connection);
        }
        log.stop();
        if self.broken.is_none() {
            // Whoever reads along keeps the log in place, and is not waited for; the next opening
            // moves it.
            let _patience = self.connection.busy_timeout(Duration::ZERO);
            let _moved = self.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE);
        }
        self.connection.close().map_err(|(_, error)| self.subject.sql(&error))
    }

    /// Writes all requests in one transaction; one that is refused does not stop the others.
    fn write(&mut self, group: &mut Vec<Request>) {
        while !group.is_empty() {
            let result = match &self.broken {
                Some(error) => Err((None, error.clone())),
                None => self.commit(group),
            };
            match result {
                Ok(changed) => {
                    for (request, changed) in group.drain(..).zip(changed) {
                        self.answer(request, Ok(changed));
                    }
                }
                Err((Some(at), error)) if error.trouble == Trouble::Refused => {
                    let request = group.remove(at);
                    self.answer(request, Err(error));
                }
                Err((_, error)) => {
                    if matches!(error.trouble, Trouble::Io | Trouble::Corrupt) {
                        self.broken.get_or_insert_with(|| error.clone());
                    }
                    for request in group.drain(..) {
                        self.answer(request, Err(error.clone()));
                    }
                }
            }
        }
    }

    fn answer(&self, request: Request, result: Result<usize, StoreError>) {
        match (request.answer, result) {
            // Who no longer waits for the answer has lost nothing but the answer.
            (Some(answer), result) => drop(answer.send(result)),
            (None, Err(error)) => self.late.put(error),
            (None, Ok(_)) => {}
        }
    }

    /// How many rows each request changed; or the request that failed, where it was one.
    fn commit(&self, group: &[Request]) -> Result<Vec<usize>, (Option<usize>, StoreError)> {
        if group.iter().all(|request| request.statements.is_empty()) {
            return Ok(vec![0; group.len()]);
        }
        self.control("BEGIN IMMEDIATE").map_err(|error| (None, error))?;
        let written = self.write_rows(group).and_then(|changed| {
            self.control("COMMIT").map_err(|error| (None, error))?;
            Ok(changed)
        });
        if written.is_err() && !self.connection.is_autocommit() {
            // Where even this fails, the next BEGIN does too and says so.
            let _undone = self.control("ROLLBACK");
        }
        written
    }

    fn write_rows(&self, group: &[Request]) -> Result<Vec<usize>, (Option<usize>, StoreError)> {
        let mut all = Vec::with_capacity(group.len());
        for (at, request) in group.iter().enumerate() {
            let mut changed = 0;
            for statement in &request.statements {
                changed += execute(&self.connection, statement, &self.subject)
                    .map_err(|error| (Some(at), error))?;
            }
            all.push(changed);
        }
        Ok(all)
    }

    fn control(&self, sql: &'static str) -> Result<usize, StoreError> {
        execute(&self.connection, &Statement::new(sql, Vec::new()), &self.subject)
    }
}

/// Keeps the log short without making commits wait for it.
///
/// The mover copies the log while commits go on, so it never quite reaches its end; when little is
/// left, the writer copies the rest, and its next commit begins the log anew. Someone who reads for
/// long can hold both up; each is tried again only after the log has grown.
struct Log {
    nudge: SyncSender<()>,
    mover: JoinHandle<()>,
    asked_at: i64,
    moved_at: i64,
}

impl Log {
    fn tend(&mut self, connection: &Connection) {
        let Ok((length, moved)) = checkpoint(connection, CheckpointMode::NOOP) else { return };
        if length < self.asked_at.max(self.moved_at) {
            (self.asked_at, self.moved_at) = (0, 0);
        }
        if length < LOG_PAGES {
            return;
        }
        let rest = length - moved;
        if rest > REST_PAGES && length < LONG_PAGES {
            if length - self.asked_at >= STEP_PAGES {
                self.asked_at = length;
                // A nudge that waits already is as good.
                let _asked = self.nudge.try_send(());
            }
        } else if length - self.moved_at >= LOG_PAGES
            // The mover may be at it; and a failure shows at the next commit, where it matters.
            && checkpoint(connection, CheckpointMode::PASSIVE).is_ok()
        {
            self.moved_at = length;
        }
    }

    fn stop(self) {
        drop(self.nudge);
        // It does not panic; and nothing depends on how it ended.
        let _ended = self.mover.join();
    }
}

/// The log's length and how much of it is moved, both in pages.
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
