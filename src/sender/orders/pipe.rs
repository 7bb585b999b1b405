//! Orders from a pipe, whose rows come when they come: a thread of its own reads them.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::thread;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::OrderError;
use super::file::{FileFormat, rows};
use super::header::Expected;
use super::row::Row;

/// How many rows may be between the thread and the run: each may have a mebibyte.
const MAX_ROWS: usize = 16;

type RowResult = Result<Row, OrderError>;

pub(super) struct Pipe {
    next: Option<RowResult>,
    rows: Receiver<RowResult>,
}

impl Pipe {
    /// Begins to read at once, in a thread that ends with the reader, or when nobody takes its rows
    /// any more. While the reader is silent nothing ends it but the end of the process.
    pub(super) fn try_new(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        expected: Expected,
        skipped: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel(MAX_ROWS);
        let read = move || {
            let reader = Box::new(WhileTaken { reader, rows: sender.clone() });
            // A row is passed on at once: the silence after it does not hold it back.
            let mut rows = rows(reader, format, &expected, skipped);
            let _ = rows.try_for_each(|row| sender.blocking_send(row));
        };
        thread::Builder::new().name("orders".to_owned()).spawn(read)?;
        Ok(Pipe { next: None, rows: receiver })
    }

    pub(super) fn next(&mut self) -> Poll<Option<RowResult>> {
        if self.next.is_some() {
            return Poll::Ready(self.next.take());
        }
        match self.rows.try_recv() {
            Ok(row) => Poll::Ready(Some(row)),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
        }
    }

    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.next.is_some() {
            return Poll::Ready(());
        }
        self.rows.poll_recv(context).map(|row| self.next = row)
    }
}

/// Ends with the run, even where there are no rows: a pipe may give blank lines for ever.
struct WhileTaken {
    reader: Box<dyn Read + Send>,
    rows: Sender<RowResult>,
}

impl Read for WhileTaken {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.rows.is_closed() { Ok(0) } else { self.reader.read(room) }
    }
}
