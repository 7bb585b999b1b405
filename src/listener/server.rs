//! The HTTP server on hyper: the limits, the connections, and the way from bytes to a callback.
//!
//! The only file that names hyper. What hyper does not bound is bounded here: the body, the time
//! for writing, the number of connections, and the bytes of all bodies together.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
pub use hyper::body::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::callback::Callback;
use super::connections::{AcceptErrors, Connections, Lease, Phase, locked};
use super::event::{Refusal, ServeSummary, ServerEvent, Stopped};
use super::guarded_io::GuardedIo;
use super::limits::Limits;
use super::reply::Reply;

/// The least that hyper accepts as its buffer.
const LEAST_HEADER_BYTES: usize = 8 * 1024;

/// hyper reserves room for this many header lines on each request, so it is bounded.
const MOST_HEADERS: usize = 1024;

/// A day: hyper adds its timeout to the present, which must not overflow.
const LONGEST_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause in which an evicted connection gives its descriptor back.
const TIME_TO_CLOSE: Duration = Duration::from_millis(1);

/// Where events go; called on the server's own tasks, so it must return at once.
type EventSink = Arc<dyn Fn(ServerEvent) + Send + Sync>;

/// A bound socket that is ready to serve.
pub struct Server {
    listener: TcpListener,
    limits: Limits,
    events: EventSink,
}

impl Server {
    /// Binds a socket; port 0 lets the system choose one.
    ///
    /// # Errors
    ///
    /// What the system says: the address is in use, not ours, or not allowed.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Server> {
        Ok(Self::from_listener(TcpListener::bind(address).await?, limits))
    }

    /// A server on a socket that is bound already.
    #[must_use]
    pub fn from_listener(listener: TcpListener, limits: Limits) -> Server {
        Server { listener, limits, events: Arc::new(|_| ()) }
    }

    /// The same server with a place where its events go.
    ///
    /// The sink is called on the server's own tasks, so it must return at once.
    #[must_use]
    pub fn with_events(mut self, sink: impl Fn(ServerEvent) + Send + Sync + 'static) -> Self {
        self.events = Arc::new(sink);
        self
    }

    /// The address that is bound, with the port that the system chose.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the first signal, then finishes what is in flight; a second signal ends that.
    ///
    /// The handler gets each callback that was received whole, in a task of its own: it runs to
    /// its end even where the client has left. It must bound its own time. A closed channel is
    /// the first signal, never the second.
    pub async fn serve<H, F>(self, handler: H, mut shutdown: mpsc::Receiver<()>) -> ServeSummary
    where
        H: Fn(Callback) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let Server { listener, limits, events } = self;
        let connections = Connections::new(&limits);
        let shared = Arc::new(Shared::new(limits, events));
        let handler = Arc::new(handler);
        let (drain, draining) = watch::channel(());
        let mut tasks = JoinSet::new();
        let mut gate = Gate { listener, resume_at: None, errors: AcceptErrors::default() };
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
            let connection = Connection {
                shared: Arc::clone(&shared),
                handler: Arc::clone(&handler),
                lease: Arc::new(lease),
            };
            tasks.spawn(connection.run(stream, draining.clone()));
        }
        drop((gate, draining));
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

/// What all connections of one server share.
struct Shared {
    limits: Limits,
    http: http1::Builder,
    events: EventSink,
    summary: Mutex<ServeSummary>,
    pending_bytes: AtomicUsize,
    running: AtomicU64,
}

impl Shared {
    fn new(limits: Limits, events: EventSink) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout.min(LONGEST_TIME))
            .max_headers(limits.max_headers.min(MOST_HEADERS))
            .max_buf_size(limits.max_header_bytes.max(LEAST_HEADER_BYTES))
            .half_close(true);
        Shared {
            limits,
            http,
            events,
            summary: Mutex::default(),
            pending_bytes: AtomicUsize::new(0),
            running: AtomicU64::new(0),
        }
    }

    fn count<T>(&self, change: impl FnOnce(&mut ServeSummary) -> T) -> T {
        change(&mut locked(&self.summary))
    }

    fn tell(&self, event: ServerEvent) {
        self.count(|summary| match &event {
            ServerEvent::Malformed { .. } => summary.malformed += 1,
            ServerEvent::Refused { .. } => summary.refused += 1,
            ServerEvent::SlowHeader { .. } | ServerEvent::SlowReader { .. } => {
                summary.too_slow += 1;
            }
            ServerEvent::Disconnected { .. } => summary.disconnected += 1,
            ServerEvent::Evicted { .. } | ServerEvent::TurnedAway { .. } => {
                summary.crowded_out += 1;
            }
            // Counted where they happen, because not every one is told.
            ServerEvent::AcceptFailed { .. } => (),
            ServerEvent::HandlerFailed { .. } => summary.handlers_failed += 1,
        });
        (self.events)(event);
    }

    fn summary(&self) -> ServeSummary {
        let mut summary = locked(&self.summary).clone();
        summary.abandoned = self.running.load(Ordering::Relaxed);
        summary
    }
}

/// The listening socket, and what it does when the system refuses a connection.
struct Gate {
    listener: TcpListener,
    resume_at: Option<Instant>,
    errors: AcceptErrors,
}

impl Gate {
    /// The next connection; an error is told and waited out, never the end.
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

/// One connection with what its requests need.
struct Connection<H> {
    shared: Arc<Shared>,
    handler: Arc<H>,
    lease: Arc<Lease>,
}

impl<H> Clone for Connection<H> {
    fn clone(&self) -> Self {
        Connection {
            shared: Arc::clone(&self.shared),
            handler: Arc::clone(&self.handler),
            lease: Arc::clone(&self.lease),
        }
    }
}

impl<H, F> Connection<H>
where
    H: Fn(Callback) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    /// Serves one connection to its end.
    async fn run(self, stream: TcpStream, mut draining: watch::Receiver<()>) {
        // A small reply must not wait for an acknowledgement; without the option it only is slower.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(GuardedIo::new(stream, &self.lease.slot, &self.shared.limits));
        let service = service_fn(|request| {
            let connection = self.clone();
            async move { Ok::<_, Infallible>(connection.answer(request).await) }
        });
        let mut serving = pin!(self.shared.http.serve_connection(io, service));
        let mut is_draining = false;
        let result = loop {
            tokio::select! {
                result = serving.as_mut() => break result,
                () = self.lease.slot.evicted.notified() => return,
                _ = draining.changed(), if !is_draining => {
                    is_draining = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        };
        if let Some(event) = result.err().and_then(|error| self.event_of(&error)) {
            self.shared.tell(event);
        }
    }

    /// What a failed connection is told as; a kept connection that stayed silent is no event.
    fn event_of(&self, error: &hyper::Error) -> Option<ServerEvent> {
        let remote = self.lease.slot.remote;
        if error.is_parse() {
            return Some(ServerEvent::Malformed { remote, reason: error.to_string() });
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut) {
            return Some(ServerEvent::SlowReader { remote });
        }
        match (error.is_timeout(), self.lease.slot.phase()) {
            (_, Phase::Silent) => None,
            (true, _) => Some(ServerEvent::SlowHeader { remote }),
            (false, _) => {
                let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
                Some(ServerEvent::Disconnected { remote, reason })
            }
        }
    }

    /// One request: its body within limits, then the handler in a task of its own.
    async fn answer(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let slot = &self.lease.slot;
        slot.set(Phase::Busy);
        let (parts, body) = request.into_parts();
        let mut held = Held { shared: Arc::clone(&self.shared), bytes: 0 };
        let body = match self.receive(body, &mut held).await {
            Ok(body) => body,
            Err(refusal) => {
                slot.set(Phase::Refusing);
                self.shared.tell(ServerEvent::Refused { remote: slot.remote, refusal });
                return refuse(refusal);
            }
        };
        let number = self.shared.count(|summary| {
            summary.callbacks += 1;
            summary.callbacks
        });
        let headers = parts.headers.iter();
        let callback = Callback {
            number,
            received_at: Timestamp::now(),
            remote: slot.remote,
            method: parts.method.as_str().to_owned(),
            path: path_of(&parts.uri),
            headers: headers.map(|(k, v)| (k.as_str().to_owned(), v.as_bytes().into())).collect(),
            body,
        };
        let response = self.handle(callback, held).await;
        slot.set(Phase::Replying);
        response
    }

    /// Runs the handler where the client's leaving cannot reach it.
    async fn handle(&self, callback: Callback, held: Held) -> Response<Full<Bytes>> {
        let number = callback.number;
        let running = Running::start(&self.shared);
        let kept = (running, held, Arc::clone(&self.lease));
        let handler = Arc::clone(&self.handler);
        let task = tokio::spawn(async move {
            let _kept = kept;
            handler(callback).await
        });
        let reply = task.await.ok();
        reply.and_then(response_of).unwrap_or_else(|| {
            self.shared.tell(ServerEvent::HandlerFailed { number });
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the handler failed\n")
        })
    }

    /// The whole body, within its time.
    async fn receive(&self, body: Incoming, held: &mut Held) -> Result<Bytes, Refusal> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let reading = read_body(body, self.shared.limits.max_body_bytes, held);
        let in_time = timeout(self.shared.limits.body_timeout, reading).await;
        in_time.unwrap_or(Err(Refusal::SlowBody))
    }
}

/// Copies a body into one buffer: a chain of chunks of one byte would cost forty times its size.
async fn read_body(mut body: Incoming, max: usize, held: &mut Held) -> Result<Bytes, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(Refusal::BodyTooLarge);
    }
    // What is announced need not come, so it is not reserved.
    let mut whole = Vec::with_capacity(announced.min(LEAST_HEADER_BYTES));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BrokenBody)?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > max - whole.len() {
            return Err(Refusal::BodyTooLarge);
        }
        held.grow(data.len())?;
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

/// The bytes that one callback holds of what all bodies may hold.
struct Held {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Held {
    fn grow(&mut self, more: usize) -> Result<(), Refusal> {
        self.bytes += more;
        let before = self.shared.pending_bytes.fetch_add(more, Ordering::Relaxed);
        let is_over = before.saturating_add(more) > self.shared.limits.max_pending_bytes;
        if is_over { Err(Refusal::OutOfRoom) } else { Ok(()) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.pending_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Counts a handler for as long as it runs.
struct Running(Arc<Shared>);

impl Running {
    fn start(shared: &Arc<Shared>) -> Self {
        shared.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The target as sent; one without a path (`CONNECT`) is its authority.
fn path_of(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| uri.to_string(), |path| path.as_str().to_owned())
}

fn refuse(refusal: Refusal) -> Response<Full<Bytes>> {
    match refusal {
        Refusal::BrokenBody => plain(StatusCode::BAD_REQUEST, "the body is broken\n"),
        Refusal::SlowBody => plain(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"),
        Refusal::BodyTooLarge => plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long\n"),
        Refusal::OutOfRoom => plain(StatusCode::SERVICE_UNAVAILABLE, "no room, try again later\n"),
    }
}

/// A reply of the server itself, after which the connection closes.
fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The handler's reply as hyper writes it; nothing where HTTP does not allow it.
fn response_of(reply: Reply) -> Option<Response<Full<Bytes>>> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|s| !s.is_informational())?;
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = status;
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // Two opinions on where a reply ends are none.
        if [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
            continue;
        }
        let value = HeaderValue::from_bytes(value).ok()?;
        response.headers_mut().try_append(name, value).ok()?;
    }
    if status.is_client_error() || status.is_server_error() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}
