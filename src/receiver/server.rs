//! The HTTP server on hyper: the limits, the connections, and the way from bytes to a callback.
//!
//! What hyper does not bound, or not cheaply, is bounded here: the time for a header and for writing,
//! the body, the number of connections, and the bytes of all bodies together.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hyper::server::conn::http1;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::callback::Callback;
use connection::Connection;
pub use connection::wait;
use connection_table::{AcceptErrors, Connections, locked};
use event::{ServeSummary, ServerEvent, Stopped};
use handler_output::Answer;
use limits::Limits;
use tls::TlsIdentity;

mod body;
mod connection;
mod connection_table;
mod deadline_io;
pub mod event;
mod finish_on_drop;
mod framing;
pub mod handler_output;
pub mod limits;
mod raw_connection;
mod response;
#[cfg(test)]
mod tests;
pub mod tls;

const LEAST_HEADER_BYTES: usize = 8 * 1024;

/// hyper reserves room for this many header lines on each request, so it is bounded.
const MOST_HEADERS: usize = 1024;

const TIME_TO_CLOSE: Duration = Duration::from_millis(1);

/// hyper panics where it cannot write the date of a reply.
fn has_http_date(now: SystemTime) -> bool {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since < YEAR_10000)
}

type EventSink = Arc<dyn Fn(ServerEvent) + Send + Sync>;

pub struct Server {
    listener: TcpListener,
    limits: Limits,
    events: EventSink,
    tls: Option<TlsIdentity>,
}

impl Server {
    /// Binds a socket; port 0 lets the system choose one.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Server> {
        if !has_http_date(SystemTime::now()) {
            let why = "the system's clock is before 1970 or after 9999: HTTP has no such dates";
            return Err(io::Error::other(why));
        }
        Ok(Self::from_listener(TcpListener::bind(address).await?, limits))
    }

    pub fn from_listener(listener: TcpListener, limits: Limits) -> Server {
        Server { listener, limits, events: Arc::new(|_| ()), tls: None }
    }

    /// Reports events to `sink`, which is called on the server's own tasks, so it must return at
    /// once.
    #[must_use]
    pub fn with_events(mut self, sink: impl Fn(ServerEvent) + Send + Sync + 'static) -> Self {
        self.events = Arc::new(sink);
        self
    }

    #[must_use]
    pub fn with_tls(mut self, identity: TlsIdentity) -> Self {
        self.tls = Some(identity);
        self
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the first signal, then finishes what is in flight (streams and scripts end with
    /// the first signal); a second signal ends that. A closed channel is the first signal, never
    /// the second. The handler gets each callback that was received whole, in a task of its own
    /// that runs to its end even where the client has left; it must bound its own time.
    pub async fn serve<H, F>(self, handler: H, mut shutdown: mpsc::Receiver<()>) -> ServeSummary
    where
        H: Fn(Callback) -> F + Send + Sync + 'static,
        F: Future<Output: Into<Answer>> + Send + 'static,
    {
        let Server { listener, limits, events, tls } = self;
        let connections = Connections::new(&limits);
        let (drain, draining) = watch::channel(());
        let shared = Arc::new(Shared::new(limits, events, tls, draining));
        let handler = Arc::new(handler);
        let mut tasks = JoinSet::new();
        let mut gate = AcceptGate { listener, resume_at: None, errors: AcceptErrors::default() };
        loop {
            let (stream, remote) = tokio::select! {
                biased;
                _ = shutdown.recv() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = gate.accept(&shared, &connections) => accepted,
            };
            let (lease, evicted) = connections.admit(remote);
            if let Some(remote) = evicted {
                shared.tell(ServerEvent::Evicted { remote });
            }
            let Some(lease) = lease else {
                shared.tell(ServerEvent::TurnedAway { remote });
                continue;
            };
            shared.count(|summary| summary.connections += 1);
            let (shared, handler) = (Arc::clone(&shared), Arc::clone(&handler));
            let connection = Connection { shared, handler, lease, takeover: Mutex::default() };
            tasks.spawn(Arc::new(connection).run(stream));
        }
        drop(gate);
        // Nobody listens where no connection is open.
        let _ = drain.send(());
        let stopped = drained(&connections, shared.limits.drain, &mut shutdown).await;
        tasks.shutdown().await;
        shared.count(|summary| summary.stopped = stopped);
        shared.summary()
    }
}

/// Waits until nothing is in flight, the time is over, or a second signal comes.
async fn drained(
    connections: &Connections,
    time: Duration,
    shutdown: &mut mpsc::Receiver<()>,
) -> Stopped {
    let second = async {
        if shutdown.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = connections.emptied() => Stopped::Drained,
        () = second => Stopped::Forced,
        () = sleep(time) => Stopped::TimedOut,
    }
}

struct Shared {
    limits: Limits,
    http: http1::Builder,
    events: EventSink,
    tls: Option<TlsIdentity>,
    /// Changes once, when the server stops; this one never sees it, so its clones all do.
    draining: watch::Receiver<()>,
    summary: Mutex<ServeSummary>,
    pending_bytes: AtomicUsize,
    running: AtomicU64,
}

impl Shared {
    fn new(
        limits: Limits,
        events: EventSink,
        tls: Option<TlsIdentity>,
        draining: watch::Receiver<()>,
    ) -> Self {
        let mut http = http1::Builder::new();
        // The time for a header is the socket's to hold: hyper sets a new timer for each request.
        http.header_read_timeout(None)
            .max_headers(limits.max_headers.min(MOST_HEADERS))
            .max_buf_size(limits.max_header_bytes.max(LEAST_HEADER_BYTES))
            .half_close(limits.answers_half_closed);
        Shared {
            limits,
            http,
            events,
            tls,
            draining,
            summary: Mutex::default(),
            pending_bytes: AtomicUsize::new(0),
            running: AtomicU64::new(0),
        }
    }

    fn count<T>(&self, change: impl FnOnce(&mut ServeSummary) -> T) -> T {
        change(&mut locked(&self.summary))
    }

    fn tell(&self, event: ServerEvent) {
        (self.events)(event);
    }

    fn summary(&self) -> ServeSummary {
        let mut summary = locked(&self.summary).clone();
        summary.abandoned = self.running.load(Ordering::Relaxed);
        summary
    }
}

struct AcceptGate {
    listener: TcpListener,
    resume_at: Option<Instant>,
    errors: AcceptErrors,
}

impl AcceptGate {
    /// The next connection; an error is reported and waited out, never the end.
    async fn accept(
        &mut self,
        shared: &Shared,
        connections: &Connections,
    ) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(resume_at) = self.resume_at {
                sleep_until(resume_at).await;
                self.resume_at = None;
            }
            let error = match self.listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => error,
            };
            let now = Instant::now();
            shared.count(|summary| summary.accept_errors += 1);
            if let Some(untold) = self.errors.note(now) {
                let reason = error.to_string();
                shared.tell(ServerEvent::AcceptFailed { reason, untold });
            }
            let is_clients = matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
            );
            if !is_clients {
                // Most often the descriptors are used up: one held for nothing can be freed.
                let mut pause = shared.limits.accept_pause;
                if let Some(remote) = connections.evict_one() {
                    shared.tell(ServerEvent::Evicted { remote });
                    pause = pause.min(TIME_TO_CLOSE);
                }
                self.resume_at = now.checked_add(pause);
            }
        }
    }
}
