//! The orders of a run: generated, or read from a file or a pipe.
//!
//! ```text
//! example, row of a file, row of a pipe ─▶ changes ─▶ signature ─▶ Order
//! ```
//!
//! They are made one by one, as they are needed. Each has random numbers of its own, from the seed
//! and its place: so a resumed run makes those that are left as they would have been.

mod csv;
pub mod error;
pub mod example;
pub mod file;
mod header;
pub mod ids;
pub mod life;
mod maker;
pub mod mix;
mod pipe;
pub mod plan;
mod row;
pub mod template;

use std::io::{self, Read};
use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::vec;

use jiff::Timestamp;
use protocol::internal::signing::BodySigner;

use self::error::OrderError;
use self::file::{FileFormat, OpenFile, Rows, cannot_open};
use self::life::Lives;
use self::maker::OrderMaker;
use self::pipe::Pipe;
use self::plan::{OrderPlan, OrderSettings, OrderSource};
use super::record::{FollowingOrder, Order};
use super::schedule::Speed;
use crate::store::StoreError;

/// Where a run takes its new orders from.
pub trait OrderFeed {
    /// The next new order, which is to be sent at the given time; `None` ends the source, and an error
    /// ends the run as a stop does. Pending means that nobody knows yet, and says nothing about when
    /// to ask again.
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, OrderError>>>;

    /// The later notifications of the order that [`OrderFeed::next`] gave last; before the first,
    /// those that an earlier session left of the orders that it began.
    fn following(&mut self) -> Vec<FollowingOrder> {
        Vec::new()
    }

    /// Ready when [`OrderFeed::next`] may have something.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

pub struct Orders {
    /// Those that an earlier session took in and did not begin; they come first.
    pub waiting: Option<WaitingOrders>,
    maker: OrderMaker,
    source: Source,
    skipped_rows: Arc<AtomicU64>,
    duplicates: u64,
}

pub type WaitingOrders = Box<dyn Iterator<Item = Result<Order, StoreError>>>;

enum Source {
    Generated,
    File(Rows),
    Pipe(Pipe),
    Listed(vec::IntoIter<Order>),
}

impl Orders {
    /// So many orders with fresh ids; the settings must have a mix.
    pub fn generate(count: u64, settings: OrderSettings, signer: BodySigner) -> Self {
        let plan = OrderPlan { source: OrderSource::Generated(count), settings };
        Orders::new(plan, Some(signer), Source::Generated)
    }

    /// So many orders with fresh ids, each with a life; the settings need no mix.
    pub fn with_lives(
        count: u64,
        lives: Lives,
        settings: OrderSettings,
        signer: BodySigner,
    ) -> Self {
        let plan = OrderPlan { source: OrderSource::Lives { count, lives }, settings };
        Orders::new(plan, Some(signer), Source::Generated)
    }

    /// Begins with notifications that an earlier session of the run left.
    pub fn continue_lives(&mut self, following: Vec<FollowingOrder>) {
        self.maker.following = following;
    }

    /// Lets the pauses of lives pass at this speed.
    pub fn at_speed(mut self, speed: Speed) -> Self {
        self.maker.speed = speed;
        self
    }

    /// The orders of a file, whose rows are checked here; what can be read only once, such as a
    /// pipe, is read as it comes. `-` is stdin.
    pub fn read(
        path: &Path,
        format: FileFormat,
        settings: OrderSettings,
        signer: BodySigner,
    ) -> Result<Self, OrderError> {
        if path == Path::new("-") {
            return Orders::read_pipe(Box::new(io::stdin()), format, settings, signer);
        }
        let cannot = |error| cannot_open(path, error);
        let found = path.metadata().map_err(cannot)?;
        if found.is_dir() {
            return Err(cannot(io::ErrorKind::IsADirectory.into()));
        }
        let file = OpenFile::open(path)?;
        if !found.is_file() {
            return Orders::read_pipe(Box::new(file.file), format, settings, signer);
        }
        let plan = OrderPlan { source: OrderSource::Pipe, settings };
        let mut orders = Orders::new(plan, Some(signer), Source::ended());
        let expected = orders.maker.expected()?;
        let checked = file.check(format, &expected, &mut orders.maker)?;
        let rows = file.rows(&checked, &expected, Arc::clone(&orders.skipped_rows))?;
        (orders.maker.plan.source, orders.source) =
            (OrderSource::File(checked), Source::File(rows));
        Ok(orders)
    }

    pub fn read_pipe(
        reader: Box<dyn Read + Send>,
        format: FileFormat,
        settings: OrderSettings,
        signer: BodySigner,
    ) -> Result<Self, OrderError> {
        let plan = OrderPlan { source: OrderSource::Pipe, settings };
        let mut orders = Orders::new(plan, Some(signer), Source::ended());
        let (expected, skipped) = (orders.maker.expected()?, Arc::clone(&orders.skipped_rows));
        let pipe = Pipe::try_new(reader, format, expected, skipped).map_err(OrderError::Thread)?;
        orders.source = Source::Pipe(pipe);
        Ok(orders)
    }

    /// What is left of a run's orders after the last one that it began: the same as without the
    /// interruption, given the same times. Needs the signer only where orders are left to be made.
    /// A duplicate of `last` that was not begun comes first, with the same bytes.
    pub fn resume(
        plan: OrderPlan,
        signer: Option<BodySigner>,
        last: Option<Order>,
    ) -> Result<Self, OrderError> {
        let mut orders = Orders::new(plan, signer, Source::ended());
        if let Some(last) = last {
            orders.maker.skip_to(last);
        }
        let maker = &orders.maker;
        match &maker.plan.source {
            OrderSource::Generated(count) | OrderSource::Lives { count, .. }
                if maker.made < *count =>
            {
                maker.expected()?;
                orders.source = Source::Generated;
            }
            OrderSource::File(kept) if maker.made < kept.rows => {
                let expected = maker.expected()?;
                let file = OpenFile::open(&kept.path)?;
                file.compare(kept)?;
                let mut rows = file.rows(kept, &expected, Arc::clone(&orders.skipped_rows))?;
                for _ in 0..maker.made {
                    rows.next().transpose()?;
                }
                orders.source = Source::File(rows);
            }
            _ => {}
        }
        Ok(orders)
    }

    pub fn listed(orders: Vec<Order>) -> Self {
        let settings = OrderSettings::default();
        let plan = OrderPlan { source: OrderSource::Pipe, settings };
        Orders::new(plan, None, Source::Listed(orders.into_iter()))
    }

    fn new(plan: OrderPlan, signer: Option<BodySigner>, source: Source) -> Self {
        let maker = OrderMaker::new(plan, signer);
        Orders { waiting: None, maker, source, skipped_rows: Arc::default(), duplicates: 0 }
    }

    pub fn plan(&self) -> &OrderPlan {
        &self.maker.plan
    }

    fn make(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        if let Some(repeated) = self.maker.repeated() {
            return Poll::Ready(Some(Ok(repeated)));
        }
        let row = match &mut self.source {
            Source::Generated => return Poll::Ready(self.generated(completed_at)),
            Source::File(rows) => rows.next(),
            Source::Pipe(pipe) => ready!(pipe.next()),
            Source::Listed(orders) => return Poll::Ready(orders.next().map(Ok)),
        };
        Poll::Ready(row.map(|row| self.maker.order(&row?, completed_at)))
    }

    fn generated(&mut self, completed_at: Timestamp) -> Option<Result<Order, OrderError>> {
        if self.remaining() == Some(0) {
            return None;
        }
        let made = self.maker.example(completed_at);
        if made.is_err() {
            // What fails once fails every time: a changed example is not a valid payload.
            self.source = Source::ended();
        }
        Some(made)
    }

    /// How many orders are left, duplicates included; `None` of a pipe.
    pub fn remaining(&self) -> Option<u64> {
        match &self.source {
            Source::Pipe(_) => None,
            Source::Listed(orders) => {
                Some(orders.len() as u64 + u64::from(self.maker.repeat.is_some()))
            }
            Source::Generated | Source::File(_) => {
                Some(self.plan().orders()?.saturating_sub(self.maker.next_number - 1))
            }
        }
    }

    /// How many empty rows of a table were passed over so far.
    pub fn skipped_rows(&self) -> u64 {
        self.skipped_rows.load(Ordering::Relaxed)
    }

    /// How many of the orders that it gave so far are duplicates.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }
}

impl OrderFeed for Orders {
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        let order = match self.waiting.as_mut().and_then(Iterator::next) {
            Some(waiting) => Some(waiting.map_err(OrderError::Journal)),
            None => ready!(self.make(completed_at)),
        };
        let is_duplicate = |order: &Order| order.duplicate_of.is_some();
        self.duplicates += u64::from(matches!(&order, Some(Ok(order)) if is_duplicate(order)));
        Poll::Ready(order)
    }

    fn following(&mut self) -> Vec<FollowingOrder> {
        let following = mem::take(&mut self.maker.following);
        let duplicates = following.iter().filter(|it| it.order.duplicate_of.is_some());
        self.duplicates += duplicates.count() as u64;
        following
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.source {
            Source::Pipe(pipe) => pipe.poll_ready(context),
            _ => Poll::Ready(()),
        }
    }
}

impl Source {
    fn ended() -> Self {
        Source::Listed(Vec::new().into_iter())
    }
}

#[cfg(test)]
mod tests;
