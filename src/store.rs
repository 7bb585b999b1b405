//! Durable storage in one SQLite file; the only module that names rusqlite.
//!
//! One thread writes. It takes all requests that wait, writes them in one transaction (group commit)
//! and answers them when they are on the disk, so that many writers share one `fsync`. What is
//! stored is up to the caller: a [`Schema`], and [`Statement`]s as data. Other processes may read
//! the file meanwhile; a second writer of this program is refused.

mod answers;
mod connection;
mod elsewhere;
mod error;
mod file;
mod log;
mod mark;
mod reader;
mod statement;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

pub use elsewhere::change_elsewhere;
pub use error::{StoreError, Trouble};
pub use reader::Reader;
pub use statement::{Parameters, Row, Statement, Value};

use answers::AnswerSender;
use error::{Failure, Subject};
use file::{FilePlace, FileState};
use writer::{Late, Request, Thread, WriterConfig};

#[derive(Clone, Copy, Debug)]
pub struct Schema {
    pub what: &'static str,
    pub application_id: i32,
    pub migrations: &'static [&'static str],
    /// For each earlier version temporary views that show its tables as today's. With them a file is
    /// migrated by [`Store::begin`] only, and until then left as it is; without them when it is opened.
    pub previews: &'static [&'static str],
    /// From which version on a file has what readers ask for: they bring nothing up to date.
    pub readable_from: i64,
}

impl Schema {
    fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }

    fn is_migrated_at_once(&self) -> bool {
        self.previews.is_empty()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must not; it is made.
    New,
    /// It must.
    Existing,
    Either,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    AsRead,
    Whole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub patience: Duration,
    /// The most bytes that the database may grow to, its log aside; `None` leaves it to the disk.
    pub max_bytes: Option<u64>,
}

impl Default for Limits {
    /// Five seconds of patience, and no limit of the size.
    fn default() -> Self {
        Limits { patience: Duration::from_secs(5), max_bytes: None }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// Every later request fails with it: a run that may not continue without its file ends.
    #[default]
    Never,
    /// The file is opened again and checked when the next request comes, for what must not end.
    /// After every commit it is also checked that the file still has its name: what is written into
    /// a removed one is not called durable.
    Reopen { pause: Duration },
}

#[derive(Clone, Debug)]
pub struct OpenOptions<'a> {
    pub schema: &'a Schema,
    pub presence: Presence,
    /// What is written into a new file at once with its schema: it is never found without.
    pub first: &'a [Statement],
    pub integrity: Integrity,
    pub limits: Limits,
    pub recovery: Recovery,
    pub begins: bool,
}

impl<'a> OpenOptions<'a> {
    pub fn new(schema: &'a Schema, presence: Presence) -> Self {
        let (integrity, limits) = (Integrity::AsRead, Limits::default());
        let recovery = Recovery::Never;
        OpenOptions { schema, presence, first: &[], integrity, limits, recovery, begins: false }
    }
}

pub fn make_folder_of(path: &Path, what: &'static str) -> Result<(), StoreError> {
    file::make_folder_of(path).map_err(|error| Subject::new(what, path).error(error))
}

/// Gives the room of deleted rows back to the disk; nothing else may have the file open.
pub fn compact(path: &Path, schema: &Schema) -> Result<(), StoreError> {
    let compacted = FilePlace::claim(path, Presence::Existing, schema)
        .and_then(|(place, _)| connection::compact(&place.path));
    compacted.map_err(|failure| Subject::new(schema.what, path).error(failure))
}

/// An open store; dropped, it writes what waits and closes its file. One that wrote nothing leaves
/// the file and its log as they were.
#[derive(Debug)]
pub struct Store {
    sender: Option<mpsc::Sender<Request>>,
    thread: Option<Thread>,
    late: Late,
    is_closed: Arc<AtomicBool>,
    limits: Limits,
    subject: Subject,
    schema: Schema,
    // The last field: the path is given up after the file is closed.
    place: FilePlace,
}

impl Store {
    pub fn open(path: &Path, plan: &OpenOptions<'_>) -> Result<Store, StoreError> {
        let subject = Subject::new(plan.schema.what, path);
        let had_log = mark::has_log(path);
        let opened = Self::try_open(path, plan, &subject);
        opened.map_err(|failure| subject.error(mark::suspect(failure, path, had_log)))
    }

    fn try_open(path: &Path, plan: &OpenOptions<'_>, subject: &Subject) -> Result<Store, Failure> {
        let (mut place, found) = FilePlace::claim(path, plan.presence, plan.schema)?;
        if found == FileState::Nothing {
            let draft = place.draft()?;
            let made = connection::create(&draft, plan.schema, plan.first)
                .and_then(|()| place.publish(&draft));
            if made.is_err() {
                // What is left of it is cleared away by the next one.
                let _removed = std::fs::remove_file(&draft);
            }
            made?;
        }
        let limits = plan.limits;
        let had_log = mark::has_log(&place.path);
        let mut connection = connection::open_writer(&place.path, &limits)?;
        if had_log {
            // Until something is written, whoever closes the file leaves it as it was.
            connection::keep_log(&connection, true)?;
        }
        mark::check(&connection, &place.path, had_log)?;
        connection::check_version(&connection, plan.schema)?;
        if plan.schema.is_migrated_at_once() {
            connection::migrate(&mut connection, plan.schema)?;
        }
        if found == FileState::Store && plan.integrity == Integrity::Whole {
            connection::check(&connection)?;
        }
        let (late, is_closed) = (Late::default(), Arc::default());
        let setting = WriterConfig {
            path: place.path.clone(),
            limits,
            recovery: plan.recovery,
            subject: subject.clone(),
            late: late.clone(),
            is_closed: Arc::clone(&is_closed),
            begins: plan.begins,
            schema: *plan.schema,
        };
        let (sender, thread) = writer::start(connection, setting)?;
        let (sender, thread) = (Some(sender), Some(thread));
        let (subject, schema) = (subject.clone(), *plan.schema);
        Ok(Store { sender, thread, late, is_closed, limits, subject, schema, place })
    }

    /// Marks the file as one that needs its log, before anything is written that must not be lost:
    /// from then on the file without its log is refused with [`Trouble::LogLost`], and not taken for
    /// an earlier state. Everything written before it is in the file itself. A file of an earlier
    /// version is migrated.
    pub async fn begin(&self) -> Result<(), StoreError> {
        self.flush().await?;
        let (answer, answered) = AnswerSender::new();
        let (statements, begins) = (Vec::new(), true);
        self.send(Request { statements, answer: Some(answer), begins }).await?;
        answered.await.map_err(|_| self.closed())?.map(drop)
    }

    pub fn is_marked(&self) -> Result<bool, StoreError> {
        self.reader()?.is_marked()
    }

    /// Writes the statements, all or none, and returns the number of changed rows once they are on
    /// the disk.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<usize, StoreError> {
        self.late.take()?;
        self.write_alone(statements).await
    }

    /// Like [`Store::write`], but without a word on the failure of an earlier request: that one is
    /// told by [`Store::flush`] and [`Store::close`].
    pub async fn write_alone(&self, statements: Vec<Statement>) -> Result<usize, StoreError> {
        let (answer, answered) = AnswerSender::new();
        self.send(Request { statements, answer: Some(answer), begins: false }).await?;
        answered.await.map_err(|_| self.closed())?
    }

    /// Writes the statements, all or none, soon: nobody waits for the disk. They are durable before
    /// anything written after them is. Waits only where the queue is full.
    pub async fn write_later(&self, statements: Vec<Statement>) -> Result<(), StoreError> {
        self.late.take()?;
        self.write_aside(statements).await
    }

    /// Like [`Store::write_later`], but without a word on the failure of an earlier request.
    pub async fn write_aside(&self, statements: Vec<Statement>) -> Result<(), StoreError> {
        self.send(Request { statements, answer: None, begins: false }).await
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        let sender = self.sender()?;
        match sender.try_send(request) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(request)) => {
                Box::pin(sender.send(request)).await.map_err(|_| self.closed())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(self.closed()),
        }
    }

    pub fn late(&self) -> Result<(), StoreError> {
        self.late.take()
    }

    pub async fn flush(&self) -> Result<(), StoreError> {
        self.write(Vec::new()).await?;
        self.late.take()
    }

    /// Opens a connection that reads; it sees what is durable, and blocks nobody.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let reader = Reader::connect(&self.place.path, &self.limits, self.subject.clone())?;
        reader.preview(&self.schema)?;
        Ok(reader)
    }

    /// Writes what waits, moves the log into the database and closes the file; it blocks meanwhile.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.is_closed.store(true, Ordering::SeqCst);
        self.stop()?;
        self.late.take()
    }

    fn stop(&mut self) -> Result<(), StoreError> {
        self.sender = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(self.closed()),
        }
    }

    fn sender(&self) -> Result<&mpsc::Sender<Request>, StoreError> {
        self.sender.as_ref().ok_or_else(|| self.closed())
    }

    fn closed(&self) -> StoreError {
        self.subject.error(Trouble::Closed)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Who wants to know how it ends calls `close`.
        let _stopped = self.stop();
    }
}
