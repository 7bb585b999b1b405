//! What a run is given: its limits, the orders that an earlier session began, and new ones.

use std::num::NonZeroUsize;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;

use crate::sender::orders::Orders;
use crate::sender::orders::error::OrderError;
use crate::sender::pace::Pace;
use crate::sender::record::{BegunOrder, Order};
use crate::store::StoreError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    pub concurrency: NonZeroUsize,
    pub max_in_flight: NonZeroUsize,
    /// How long replies are awaited after the run was told to stop.
    pub drain: Duration,
}

impl LoadLimits {
    /// For one order: a stop ends its run at once.
    pub const ONE: LoadLimits = LoadLimits {
        concurrency: NonZeroUsize::MIN,
        max_in_flight: NonZeroUsize::MIN,
        drain: Duration::ZERO,
    };
}

pub struct EngineInput<'a> {
    /// What an earlier session left unfinished; each order waits for its next attempt.
    pub begun: Vec<BegunOrder>,
    pub orders: &'a mut dyn OrderFeed,
    /// How many orders `orders` has, where that is known: the run then ends with the last one, and
    /// not when the one after it would have been due.
    pub count: Option<u64>,
    /// When order `n` of `orders`, counted from 0, is intended to be sent first.
    pub pace: Pace,
}

pub trait OrderFeed {
    /// The next new order, which is to be sent at the given time; `None` ends the source, and an error
    /// ends the run as a stop does. Pending means that nobody knows yet, and says nothing about when
    /// to ask again.
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, SourceError>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl OrderFeed for Orders {
    fn next(&mut self, completed_at: Timestamp) -> Poll<Option<Result<Order, SourceError>>> {
        Orders::next(self, completed_at).map_err(SourceError::Order)
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Orders::poll_ready(self, context)
    }
}

#[derive(Debug)]
pub enum SourceError {
    Order(OrderError),
    Journal(StoreError),
}
