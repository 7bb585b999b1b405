//! Orders from a pipe, whose rows come when they come: a thread of its own reads them.
//!
//! ```text
//! pipe ─▶ thread: rows ─▶ a few batches ─▶ FromPipe: orders ─▶ the run
//! ```
//!
//! Before each read that may wait, the thread passes on what it has: a row is never held back by
//! the silence after it.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::{mem, thread, vec};

use jiff::Timestamp;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::order_file::{Bad, Expected, FileFormat, Row, Rows, order_of};
use super::orders::{OrderError, OrderMaker, OrderRecipe};
use super::record::Order;

/// How many batches may lie between the thread and the run; a batch is what one read gave, and at
/// most one row more.
const MOST_BATCHES: usize = 4;

pub struct FromPipe {
    maker: OrderMaker,
    rows: vec::IntoIter<Result<Row, Bad>>,
    batches: Receiver<Vec<Result<Row, Bad>>>,
    skipped: Arc<AtomicU64>,
}

impl FromPipe {
    /// Orders from what a reader gives; the thread that reads begins at once.
    ///
    /// It ends with the reader, or at the first row that nobody takes any more. While the reader
    /// is silent nothing ends it but the end of the process.
    pub fn try_new(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        recipe: OrderRecipe,
    ) -> io::Result<Self> {
        let (sender, batches) = channel(MOST_BATCHES);
        let outbox = Arc::new(Outbox { rows: Mutex::default(), sender });
        let skipped = Arc::<AtomicU64>::default();
        let reader = Box::new(Punctual { reader, outbox: Arc::clone(&outbox) });
        let rows = Rows::new(reader, format, Expected::of(&recipe), Arc::clone(&skipped));
        thread::Builder::new().name("orders".to_owned()).spawn(move || read_all(rows, &outbox))?;
        let maker = OrderMaker::new(recipe);
        Ok(FromPipe { maker, rows: Vec::new().into_iter(), batches, skipped })
    }

    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// The next order, completed at this time; `None` at the end, pending where none is there yet.
    pub fn next_order(
        &mut self,
        completed_at: Timestamp,
    ) -> Poll<Option<Result<Order, OrderError>>> {
        if let Some(repeated) = self.maker.repeated() {
            return Poll::Ready(Some(Ok(repeated)));
        }
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(order_of(row, &mut self.maker, completed_at)));
            }
            match self.batches.try_recv() {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(TryRecvError::Empty) => return Poll::Pending,
                Err(TryRecvError::Disconnected) => return Poll::Ready(None),
            }
        }
    }

    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
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
    rows: Mutex<Vec<Result<Row, Bad>>>,
    sender: Sender<Vec<Result<Row, Bad>>>,
}

impl Outbox {
    fn pass_on(&self) -> io::Result<()> {
        let rows = mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner));
        let is_taken = match rows.is_empty() {
            // A pipe of blank lines alone ends with the run, too.
            true => !self.sender.is_closed(),
            false => self.sender.blocking_send(rows).is_ok(),
        };
        if is_taken { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

struct Punctual {
    reader: Box<dyn Read + Send>,
    outbox: Arc<Outbox>,
}

impl Read for Punctual {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.outbox.pass_on()?;
        self.reader.read(room)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::mpsc;

    use super::super::orders::tests::{at, recipe, recipe_of};
    use super::*;

    struct Pipe(mpsc::Receiver<Vec<u8>>);

    impl Read for Pipe {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let bytes = self.0.recv().unwrap_or_default();
            room[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    fn pipe(format: FileFormat) -> (mpsc::SyncSender<Vec<u8>>, FromPipe) {
        let (sender, bytes) = mpsc::sync_channel(1);
        (sender, FromPipe::try_new(Box::new(Pipe(bytes)), format, recipe_of("wechat-v2")).unwrap())
    }

    fn next(orders: &mut FromPipe) -> Option<Result<String, String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let order = runtime.block_on(poll_fn(|context| {
            loop {
                match orders.next_order(at()) {
                    Poll::Ready(order) => return Poll::Ready(order),
                    Poll::Pending => std::task::ready!(orders.poll_ready(context)),
                }
            }
        }));
        order.map(|order| order.map(|one| one.id.to_string()).map_err(|error| error.to_string()))
    }

    #[test]
    fn a_row_is_there_while_the_pipe_is_silent_after_it() {
        for (format, first) in [
            (FileFormat::Ndjson, "{\"payout_id\":\"A\"}\n{\"payout_id\":\"B\"}\n\n{\"pay"),
            (FileFormat::Csv, "payout_id,memo\nA,x\nB,\"y\nz\"\n\nC"),
        ] {
            let (sender, mut orders) = pipe(format);
            assert!(orders.next_order(at()).is_pending());
            sender.send(first.into()).unwrap();
            assert_eq!(next(&mut orders), Some(Ok("A".to_owned())), "{format:?}");
            assert_eq!(next(&mut orders), Some(Ok("B".to_owned())), "{format:?}");
            assert!(orders.next_order(at()).is_pending());
            let rest = if format == FileFormat::Csv { ",\n" } else { "out_id\":\"C\"}" };
            sender.send(rest.into()).unwrap();
            drop(sender);
            assert_eq!(next(&mut orders), Some(Ok("C".to_owned())), "{format:?}");
            assert_eq!(next(&mut orders), None);
            assert_eq!(next(&mut orders), None);
        }
    }

    #[test]
    fn a_bad_row_keeps_its_line_and_a_line_without_end_ends_the_pipe() {
        let (sender, mut orders) = pipe(FileFormat::Ndjson);
        sender.send(b"{}\nno\n".into()).unwrap();
        assert!(next(&mut orders).unwrap().is_ok());
        assert!(next(&mut orders).unwrap().unwrap_err().starts_with("line 2"));
        let zeros = Box::new(io::repeat(0));
        let mut orders = FromPipe::try_new(zeros, FileFormat::Ndjson, recipe(1)).unwrap();
        let told = next(&mut orders).unwrap().unwrap_err();
        assert!(told.starts_with("line 1: it has no end within 67108864 bytes"), "{told}");
        assert_eq!(next(&mut orders), None);
    }

    #[test]
    fn the_thread_ends_with_the_run() {
        let (sender, orders) = pipe(FileFormat::Ndjson);
        drop(orders);
        // The pipe goes away with the thread: at some time nobody takes a line any more.
        while sender.send(b"\n".into()).is_ok() {}
    }
}
