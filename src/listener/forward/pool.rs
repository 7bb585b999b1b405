//! A few idle connections to the application, closed soon.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;

pub(super) type Sender = SendRequest<Full<Bytes>>;

/// The most idle connections that are kept; any more are closed.
const MOST_IDLE: usize = 8;

/// How long a connection is kept idle.
///
/// Shorter than the two to five seconds of the usual servers, so that none closes it just as a
/// callback is written; and an application that serves one connection at a time is soon free.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(1);

const READY_AGAIN: Duration = Duration::from_secs(1);

const MAX_HEAD_BYTES: usize = 64 * 1024;

pub(super) async fn open(stream: TcpStream) -> Result<Sender, Failure> {
    let opened = Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = opened.map_err(|error| Failure::without_head(&error))?;
    // Its errors reach the request that waits for the reply.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

#[derive(Debug)]
pub(super) struct Pool {
    idle_time: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<(Sender, Instant)>,
    sweeper: Sweeper,
}

#[derive(Debug, Default)]
enum Sweeper {
    #[default]
    Absent,
    Waiting,
}

impl Pool {
    pub(super) fn new(idle_time: Duration) -> Self {
        Pool { idle_time, state: Mutex::default() }
    }

    pub(super) fn take(&self) -> Option<Sender> {
        let mut state = self.state();
        while let Some((sender, since)) = state.idle.pop() {
            if sender.is_ready() && since.elapsed() < self.idle_time {
                return Some(sender);
            }
        }
        None
    }

    pub(super) fn keep(self: &Arc<Self>, mut sender: Sender) {
        if sender.is_closed() {
            return;
        }
        if sender.is_ready() {
            return self.put(sender);
        }
        // Its task has yet to see the reply's end.
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(READY_AGAIN, sender.ready()).await {
                pool.put(sender);
            }
        });
    }

    fn put(self: &Arc<Self>, sender: Sender) {
        let mut state = self.state();
        if state.idle.len() >= MOST_IDLE {
            return;
        }
        state.idle.push((sender, Instant::now()));
        if matches!(state.sweeper, Sweeper::Absent) {
            state.sweeper = Sweeper::Waiting;
            tokio::spawn(sweep(Arc::downgrade(self), self.idle_time));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>, idle_time: Duration) {
    loop {
        sleep(idle_time / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.state();
        state.idle.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < idle_time);
        if state.idle.is_empty() {
            state.sweeper = Sweeper::Absent;
            return;
        }
    }
}
