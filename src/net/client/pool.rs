//! Idle connections, kept for the next request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::time::{Instant, sleep, timeout};

use super::body::RequestBody;
use super::connection::Socket;
use super::progress::Wire;

const READY_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    pub most_idle: usize,
    /// `None` keeps them until the other side closes them.
    pub idle_time: Option<Duration>,
    /// A connection that was idle for less is used again without a look at its socket: a run at
    /// full rate does so with all of them, and a look costs it a system call per request.
    pub trusted_for: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        PoolLimits { most_idle: 4_096, idle_time: None, trusted_for: Duration::from_millis(1) }
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) socket: Socket,
    pub(super) wire: Arc<Wire>,
    /// Since when it is idle, or in use again.
    pub(super) since: Instant,
}

#[derive(Debug)]
pub(super) struct Pool {
    limits: PoolLimits,
    state: Mutex<PoolState>,
}

#[derive(Debug, Default)]
struct PoolState {
    idle: Vec<Connection>,
    has_sweeper: bool,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Pool { limits, state: Mutex::default() }
    }

    /// An idle connection whose end has not come.
    pub(super) async fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.state().idle.pop()?;
            let now = Instant::now();
            let idle = now.saturating_duration_since(connection.since);
            let is_in_time = self.limits.idle_time.is_none_or(|limit| idle < limit);
            let is_open = is_in_time
                && !connection.sender.is_closed()
                && (idle < self.limits.trusted_for || connection.socket.is_quiet())
                && connection.sender.ready().await.is_ok();
            if is_open {
                connection.since = now;
                return Some(connection);
            }
        }
    }

    pub(super) fn keep(self: &Arc<Self>, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        if connection.sender.is_ready() {
            return self.put(connection);
        }
        // Its task has yet to see the reply's end.
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(READY_AGAIN, connection.sender.ready()).await {
                pool.put(connection);
            }
        });
    }

    fn put(self: &Arc<Self>, mut connection: Connection) {
        connection.since = Instant::now();
        let mut state = self.state();
        if state.idle.len() >= self.limits.most_idle {
            state.idle.retain(|kept| !kept.sender.is_closed());
        }
        if state.idle.len() >= self.limits.most_idle {
            return;
        }
        state.idle.push(connection);
        if let Some(limit) = self.limits.idle_time.filter(|_| !state.has_sweeper) {
            state.has_sweeper = true;
            tokio::spawn(sweep(Arc::downgrade(self), limit));
        }
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn has_one(&self, is_closed: bool) -> bool {
        let state = self.state();
        state.idle.len() == 1 && (!is_closed || state.idle[0].sender.is_closed())
    }
}

async fn sweep(pool: Weak<Pool>, limit: Duration) {
    loop {
        sleep(limit / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.state();
        state.idle.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < limit);
        if state.idle.is_empty() {
            state.has_sweeper = false;
            return;
        }
    }
}
