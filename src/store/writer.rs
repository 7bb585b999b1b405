//! The thread that writes: it takes all requests that wait, writes them in one transaction, and
//! answers them once they are durable.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tokio::sync::mpsc;

use super::answers::{AnswerSender, Answers, WriteOutcome};
use super::connection::{self, execute};
use super::error::{Failure, StoreError, Subject, Trouble};
use super::file::{FileId, beside, name_of};
use super::log::Log;
use super::statement::Statement;
use super::{Limits, Recovery, Schema, mark};

/// The most requests that wait; who comes later waits with them in hand.
pub(super) const QUEUE: usize = 1024;

const NAP: Duration = Duration::from_micros(50);

const LONGEST_WAIT: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Request {
    pub(super) statements: Vec<Statement>,
    pub(super) answer: Option<AnswerSender>,
    pub(super) begins: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Late(Arc<Mutex<Option<StoreError>>>);

impl Late {
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

pub(super) type Thread = JoinHandle<Result<(), StoreError>>;

pub(super) struct WriterConfig {
    pub(super) path: PathBuf,
    pub(super) limits: Limits,
    pub(super) recovery: Recovery,
    pub(super) subject: Subject,
    pub(super) late: Late,
    pub(super) is_closed: Arc<AtomicBool>,
    pub(super) begins: bool,
    pub(super) schema: Schema,
}

pub(super) fn start(
    connection: Connection,
    setting: WriterConfig,
) -> Result<(mpsc::Sender<Request>, Thread), Failure> {
    let (sender, requests) = mpsc::channel(QUEUE);
    let open = Open::start(connection, &setting)?;
    if setting.begins {
        // Someone may read along for long; the next mark is tried when the log begins again.
        let _marked = mark::set(&open.connection);
    }
    let writer = Writer {
        open: Some(open),
        database: FileId::of(&setting.path),
        broken: None,
        tried_at: None,
        has_written: setting.begins,
        answers: Answers::default(),
        pace: Pace::default(),
        setting,
    };
    let thread =
        thread::Builder::new().name("store".to_owned()).spawn(move || writer.run(requests))?;
    Ok((sender, thread))
}

struct Writer {
    open: Option<Open>,
    setting: WriterConfig,
    database: Option<FileId>,
    broken: Option<Failure>,
    tried_at: Option<Instant>,
    /// Whether anything was written: otherwise the file is left as it was.
    has_written: bool,
    answers: Answers,
    pace: Pace,
}

impl Writer {
    fn run(mut self, mut requests: mpsc::Receiver<Request>) -> Result<(), StoreError> {
        let mut group = Vec::with_capacity(QUEUE);
        while requests.blocking_recv_many(&mut group, QUEUE) > 0 {
            self.pace.gather(&mut requests, &mut group);
            let (size, begun) = (group.len(), Instant::now());
            self.write(&mut group);
            self.answers.tell();
            self.pace.note(size, begun.elapsed());
            if let Some(open) = &mut self.open
                && open.log.tend(&open.connection)
                && self.setting.begins
            {
                // Where it fails, the log is not known to be needed, and the next commit shows why.
                let _marked = mark::set(&open.connection);
            }
        }
        let is_touched = self.has_written || self.setting.is_closed.load(Ordering::SeqCst);
        let remainder = match self.broken {
            _ if !is_touched => Remainder::Keep,
            None => Remainder::Move,
            Some(_) => Remainder::Leave,
        };
        let closed = self.open.take().map_or(Ok(()), |open| open.close(remainder));
        closed.map_err(|error| self.setting.subject.error(error))
    }

    /// Writes all requests in one transaction; one that is refused does not stop the others.
    fn write(&mut self, group: &mut Vec<Request>) {
        let mut may_make_room = true;
        while !group.is_empty() {
            match self.try_write(group) {
                Ok(changed) => {
                    for (request, changed) in group.drain(..).zip(changed) {
                        self.answer(request, Ok(changed));
                    }
                }
                Err(Unwritten { request: Some(at), failure })
                    if failure.trouble == Trouble::Refused =>
                {
                    let request = group.remove(at);
                    self.answer(request, Err(self.setting.subject.error(failure)));
                }
                Err(Unwritten { failure, .. })
                    if failure.trouble == Trouble::Full
                        && mem::take(&mut may_make_room)
                        && self.make_room() => {}
                Err(Unwritten { failure, .. }) => {
                    let error = self.setting.subject.error(failure.clone());
                    if matches!(error.trouble, Trouble::Io | Trouble::Corrupt | Trouble::Gone) {
                        self.broken.get_or_insert(failure);
                    }
                    for request in group.drain(..) {
                        self.answer(request, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// On a small disk the log may be all that fills it.
    fn make_room(&self) -> bool {
        let Some(open) = &self.open else { return false };
        let is_moved = Log::move_all(&open.connection);
        if is_moved && self.setting.begins {
            // As after every move; where it fails, the next commit shows why.
            let _marked = mark::set(&open.connection);
        }
        is_moved
    }

    fn try_write(&mut self, group: &[Request]) -> Result<Vec<usize>, Unwritten> {
        self.recover()?;
        let open = self.open.as_mut().ok_or(Failure::from(Trouble::Closed))?;
        let changed = open.commit(group, &self.setting, self.database)?;
        if group.iter().any(|request| request.begins) {
            connection::migrate(&mut open.connection, &self.setting.schema)?;
            mark::set(&open.connection)?;
            self.setting.begins = true;
        }
        self.has_written |= changed.iter().any(|rows| *rows > 0) || self.setting.begins;
        Ok(changed)
    }

    fn answer(&mut self, request: Request, result: WriteOutcome) {
        match (request.answer, result) {
            (Some(answer), result) => self.answers.add(answer, result),
            (None, Err(error)) => self.setting.late.put(error),
            (None, Ok(_)) => {}
        }
    }

    fn recover(&mut self) -> Result<(), Failure> {
        let Some(broken) = &self.broken else { return Ok(()) };
        let Recovery::Reopen { pause } = self.setting.recovery else { return Err(broken.clone()) };
        if self.tried_at.is_some_and(|at| at.elapsed() < pause) {
            return Err(broken.clone());
        }
        self.tried_at = Some(Instant::now());
        let was = broken.trouble;
        match self.reopen(was) {
            Ok(open) => {
                (self.open, self.broken) = (Some(open), None);
                Ok(())
            }
            Err(failure) => {
                self.broken = Some(failure.clone());
                Err(failure)
            }
        }
    }

    fn reopen(&mut self, was: Trouble) -> Result<Open, Failure> {
        let WriterConfig { path, limits, .. } = &self.setting;
        if FileId::of(path).is_none() || FileId::of(path) != self.database {
            // The open connection stays: it is still right should the file come back.
            return Err(Trouble::Gone.into());
        }
        if let Some(open) = self.open.take() {
            // What it can still move it moves; its own failure is the one that is known already.
            let _closed = open.close(Remainder::Leave);
        }
        let connection = connection::open_writer(path, limits)?;
        if was == Trouble::Corrupt {
            connection::check(&connection)?;
        }
        // After a failed fsync the system may take what it lost for written: the log is moved and
        // cut, so that nothing that is written from here on comes after a gap.
        connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE)?;
        if self.setting.begins {
            mark::set(&connection)?;
        }
        Open::start(connection, &self.setting)
    }
}

/// Why a group was not written, and the request of it that failed, where one did.
struct Unwritten {
    request: Option<usize>,
    failure: Failure,
}

impl<F: Into<Failure>> From<F> for Unwritten {
    fn from(failure: F) -> Self {
        Unwritten { request: None, failure: failure.into() }
    }
}

/// How long a commit is put off so that more requests share it. Those whose answers just went out
/// come back a moment later, one after another: a commit for the first of them alone would make all
/// others wait for two.
#[derive(Debug, Default)]
struct Pace {
    size: usize,
    time: Duration,
}

impl Pace {
    fn note(&mut self, size: usize, time: Duration) {
        (self.size, self.time) = (size, time);
    }

    /// Waits for half of those who seem to be at work, never longer than half of what the last commit
    /// took: while one half is written, the other half is answered and comes back.
    fn gather(&self, requests: &mut mpsc::Receiver<Request>, group: &mut Vec<Request>) {
        let wanted = self.size.saturating_add(group.len()) / 2;
        let (begun, most) = (Instant::now(), LONGEST_WAIT.min(self.time / 2));
        while group.len() < wanted && begun.elapsed() + NAP <= most {
            thread::sleep(NAP);
            while group.len() < QUEUE
                && let Ok(request) = requests.try_recv()
            {
                group.push(request);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Remainder {
    Move,
    /// It is left where it is, unless the system can do better.
    Leave,
    Keep,
}

struct Open {
    connection: Connection,
    log: Log,
    beside: [Option<FileId>; 2],
}

impl Open {
    fn start(connection: Connection, setting: &WriterConfig) -> Result<Open, Failure> {
        let log = Log::start(&setting.path, &setting.limits)?;
        Ok(Open { connection, log, beside: [None; 2] })
    }

    fn close(self, remainder: Remainder) -> rusqlite::Result<()> {
        self.log.stop();
        if remainder != Remainder::Keep {
            connection::keep_log(&self.connection, false)?;
        }
        if remainder == Remainder::Move {
            // Whoever reads along keeps the log in place, and is not waited for; the next opening
            // moves it.
            let _patience = self.connection.busy_timeout(Duration::ZERO);
            let _moved = self.connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE);
        }
        self.connection.close().map_err(|(_, error)| error)
    }

    fn commit(
        &mut self,
        group: &[Request],
        setting: &WriterConfig,
        database: Option<FileId>,
    ) -> Result<Vec<usize>, Unwritten> {
        if group.iter().all(|request| request.statements.is_empty()) {
            return Ok(vec![0; group.len()]);
        }
        self.control("BEGIN IMMEDIATE")?;
        let written = self.write_rows(group).and_then(|changed| {
            self.control("COMMIT")?;
            Ok(changed)
        });
        if written.is_err() && !self.connection.is_autocommit() {
            // Where even this fails, the next BEGIN does too and says so.
            let _undone = self.control("ROLLBACK");
        }
        if written.is_ok() && matches!(setting.recovery, Recovery::Reopen { .. }) {
            // Looked at after the commit: what was written into a file without a name is lost.
            self.watch(&setting.path, database)?;
        }
        written
    }

    fn watch(&mut self, path: &Path, database: Option<FileId>) -> Result<(), Failure> {
        if FileId::of(path) != database {
            return Err(Trouble::Gone.because(name_of(path)));
        }
        for (known, end) in self.beside.iter_mut().zip(["-wal", "-shm"]) {
            let path = beside(path, end);
            let found = FileId::of(&path);
            *known = known.or(found);
            if found.is_none() || found != *known {
                return Err(Trouble::Gone.because(name_of(&path)));
            }
        }
        Ok(())
    }

    fn write_rows(&self, group: &[Request]) -> Result<Vec<usize>, Unwritten> {
        let mut all = Vec::with_capacity(group.len());
        for (at, request) in group.iter().enumerate() {
            let mut changed = 0;
            for statement in &request.statements {
                changed += execute(&self.connection, statement)
                    .map_err(|failure| Unwritten { request: Some(at), failure })?;
            }
            all.push(changed);
        }
        Ok(all)
    }

    fn control(&self, sql: &'static str) -> Result<usize, Failure> {
        execute(&self.connection, &Statement::new(sql, Vec::new()))
    }
}
