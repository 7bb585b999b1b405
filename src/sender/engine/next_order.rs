//! When the next new order is to be taken from its source.

use std::time::Duration;

use super::state::EngineInput;

#[derive(Clone, Copy, Debug)]
pub(super) struct NextOrder {
    pub(super) taken: u64,
    /// How much later than planned orders are intended, because the source kept the run waiting.
    pub(super) lag: Duration,
    pub(super) when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Duration),
    Now,
    Awaited,
    Never,
}

impl NextOrder {
    pub(super) fn at(taken: u64, lag: Duration, input: &EngineInput<'_>) -> Self {
        let when = match input.pace.intended(taken) {
            _ if input.count.is_some_and(|count| taken >= count) => When::Never,
            Some(at) => When::At(at.saturating_add(lag)),
            None => When::Now,
        };
        NextOrder { taken, lag, when }
    }
}
