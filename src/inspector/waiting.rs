//! Requests that wait for callbacks.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::objects::{CallbackRow, Waited};
use super::problem::Problem;
use super::{Inner, reply};
use crate::receiver::broadcast::Item;
use crate::receiver::inbox::{Filter, Side};
use crate::receiver::received::Received;
use crate::receiver::reply::Reply;
use crate::receiver::server;
use crate::report::redact::FieldRedactor;

pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WaitQuery {
    pub(super) filter: Filter,
    pub(super) count: usize,
    pub(super) within: Duration,
    pub(super) redactor: FieldRedactor,
}

/// Answers once as many callbacks are in the inbox, or the time is over. Where the client leaves, the
/// wait ends with its connection.
pub(super) async fn wait(inner: &Arc<Inner>, query: WaitQuery) -> Result<Reply, Problem> {
    let Ok(_permit) = inner.waits.try_acquire() else {
        return Err(Problem::new(503, "too many requests wait").hint("ask again in a moment"));
    };
    // An entry that comes between the look and the wait is announced.
    let mut entries = inner.news.subscribe();
    let mut closing = inner.closing.subscribe();
    let begin = Instant::now();
    let mut is_over = false;
    loop {
        let asked = query.clone();
        let callbacks = inner.blocking(move |inner| inner.newest(&asked)).await?;
        let missing = query.count - callbacks.len().min(query.count);
        if missing == 0 || is_over {
            return Ok(reply(&Waited { callbacks, missing }));
        }
        let left = query.within.saturating_sub(begin.elapsed());
        let arrival = arrival(&mut entries, &mut closing, &query.filter, missing);
        is_over = tokio::select! {
            is_open = arrival => !is_open,
            // Or the client left, or the connection made room for another.
            _ = server::wait(left) => true,
        };
    }
}

/// Until so many more may be in the inbox, because an announcement that was missed may have been of
/// any. Gives whether more can come.
async fn arrival(
    entries: &mut broadcast::Receiver<Item>,
    closing: &mut watch::Receiver<()>,
    filter: &Filter,
    mut missing: usize,
) -> bool {
    while missing > 0 {
        let item = tokio::select! {
            _ = closing.changed() => return false,
            item = entries.recv() => item,
        };
        match item {
            Ok(Item::Received(waiting)) => missing -= usize::from(filter.admits(&waiting.entry)),
            Ok(Item::Missed) | Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
    true
}

impl Inner {
    /// The newest callbacks that match, oldest first.
    fn newest(&self, query: &WaitQuery) -> Result<Vec<CallbackRow>, Problem> {
        let (statuses, mut redactor) = (self.source.statuses(), query.redactor.clone());
        let filter = Filter { side: Side::NewestFirst, ..query.filter.clone() };
        let mut rows = Vec::new();
        let mut take = |entry: &Received| {
            rows.push(CallbackRow::redacted(entry, &statuses, &mut redactor));
            if rows.len() < query.count {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        self.source.search(&filter, &mut take)?;
        rows.reverse();
        Ok(rows)
    }
}
