//! Orders from a pipe, whose rows come when they come: a thread of its own reads them.
//!
//! ```text
//! pipe ─▶ thread: rows ─▶ a few batches ─▶ Pipe ─▶ orders
//! ```
//!
//! Before each read that may wait, the thread passes on what it has: a row is never held back by
//! the silence after it.

use std::io::{self, Read};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::{mem, thread, vec};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::OrderError;
use super::file::{FileFormat, Rows};
use super::header::Expected;
use super::row::Row;

/// How many batches may be between the thread and the run; a batch is what one read gave, and at
/// most one row more.
const MAX_BATCHES: usize = 4;

type Batch = Vec<Result<Row, OrderError>>;

pub(super) struct Pipe {
    rows: vec::IntoIter<Result<Row, OrderError>>,
    batches: Receiver<Batch>,
}

impl Pipe {
    /// Rows of what a reader gives; the thread that reads begins at once.
    ///
    /// It ends with the reader, or at the first row that nobody takes any more. While the reader
    /// is silent nothing ends it but the end of the process.
    pub(super) fn try_new(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        expected: Expected,
        skipped: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let (sender, batches) = channel(MAX_BATCHES);
        let outbox = Arc::new(Outbox { rows: Mutex::default(), sender });
        let reader = Box::new(FlushBeforeRead { reader, outbox: Arc::clone(&outbox) });
        let rows = Rows::new(reader, format, expected, skipped);
        thread::Builder::new().name("orders".to_owned()).spawn(move || read_all(rows, &outbox))?;
        Ok(Pipe { rows: Vec::new().into_iter(), batches })
    }

    /// The next row; `None` at the end, pending where none is there yet.
    pub(super) fn next(&mut self) -> Poll<Option<Result<Row, OrderError>>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(row));
            }
            match self.batches.try_recv() {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(TryRecvError::Empty) => return Poll::Pending,
                Err(TryRecvError::Disconnected) => return Poll::Ready(None),
            }
        }
    }

    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.rows.as_slice().is_empty() {
            return Poll::Ready(());
        }
        self.batches.poll_recv(context).map(|rows| {
            self.rows = rows.unwrap_or_default().into_iter();
        })
    }
}

fn read_all(mut rows: Rows, outbox: &Outbox) {
    while let Some(row) = rows.next() {
        outbox.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }
    // Where nobody takes the last rows, there is nobody to tell.
    let _ = outbox.pass_on();
}

struct Outbox {
    rows: Mutex<Batch>,
    sender: Sender<Batch>,
}

impl Outbox {
    fn pass_on(&self) -> io::Result<()> {
        let rows = mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner));
        // A pipe of blank lines alone ends with the run, too.
        let is_taken = if rows.is_empty() {
            !self.sender.is_closed()
        } else {
            self.sender.blocking_send(rows).is_ok()
        };
        if is_taken { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

struct FlushBeforeRead {
    reader: Box<dyn Read + Send>,
    outbox: Arc<Outbox>,
}

impl Read for FlushBeforeRead {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.outbox.pass_on()?;
        self.reader.read(room)
    }
}
