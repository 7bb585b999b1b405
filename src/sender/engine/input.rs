//! What a run is given: its limits, the orders that an earlier session began, and new ones.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::sender::orders::OrderFeed;
use crate::sender::pace::Pace;
use crate::sender::record::BegunOrder;

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
