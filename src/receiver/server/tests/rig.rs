//! A server under test, and clients that say exactly what they are told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::receiver::callback::Bytes;
use crate::receiver::callback::Callback;
use crate::receiver::reply::Reply;
use crate::receiver::server::Server;
use crate::receiver::server::event::{ServeSummary, ServerEvent};
use crate::receiver::server::handler_output::Answer;
use crate::receiver::server::limits::Limits;

pub(crate) const SHORT: Duration = Duration::from_millis(60);
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server under test. Its handler takes a permit from `gate` before it replies.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: mpsc::Sender<()>,
    pub(crate) task: JoinHandle<ServeSummary>,
    pub(crate) events: Arc<Mutex<Vec<ServerEvent>>>,
    pub(crate) callbacks: Arc<Mutex<Vec<Callback>>>,
    pub(crate) gate: Arc<Semaphore>,
}

impl Running {
    pub(crate) async fn start(limits: Limits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, limits, Bytes::from_static(b"fine")).await
    }

    pub(crate) async fn on(listener: TcpListener, limits: Limits, body: Bytes) -> Running {
        Self::answering(Server::from_listener(listener, limits), move |_| {
            Reply::new(200, "text/plain", body.clone()).with_header("Content-Length", "7").into()
        })
    }

    /// A server on a free port that answers each callback as this function says.
    pub(crate) async fn with(
        limits: Limits,
        answer: impl Fn(&Callback) -> Answer + Send + Sync + 'static,
    ) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::answering(Server::from_listener(listener, limits), answer)
    }

    /// Runs a server that answers each callback as this function says.
    pub(crate) fn answering(
        server: Server,
        answer: impl Fn(&Callback) -> Answer + Send + Sync + 'static,
    ) -> Running {
        let events = Arc::new(Mutex::new(Vec::new()));
        let callbacks = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let (stop, stopping) = mpsc::channel(4);
        let (sink, seen, held) = (events.clone(), callbacks.clone(), gate.clone());
        let server = server.with_events(move |event| sink.lock().unwrap().push(event));
        let address = server.local_addr().unwrap();
        let answer = Arc::new(answer);
        let handler = move |callback: Callback| {
            let (seen, held, answer) = (seen.clone(), held.clone(), answer.clone());
            async move {
                held.acquire().await.unwrap().forget();
                let answer = answer(&callback);
                seen.lock().unwrap().push(callback);
                answer
            }
        };
        let task = tokio::spawn(server.serve(handler, stopping));
        Running { address, stop, task, events, callbacks, gate }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends the bytes and reads until the server closes.
    pub(crate) async fn answer_to(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.write_all(bytes.as_ref()).await.unwrap();
        read_to_end(&mut client).await
    }

    pub(crate) async fn until(&self, what: impl Fn(&Running) -> bool) {
        let waiting = async {
            while !what(self) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    }

    pub(crate) fn told(&self, what: impl Fn(&ServerEvent) -> bool) -> usize {
        self.events.lock().unwrap().iter().filter(|event| what(event)).count()
    }

    pub(crate) fn received(&self) -> usize {
        self.callbacks.lock().unwrap().len()
    }

    pub(crate) async fn stopped(self) -> Ended {
        self.stop.send(()).await.unwrap();
        let summary = timeout(PATIENCE, self.task).await.unwrap().unwrap();
        let count = |names: &[&str]| {
            let events = self.events.lock().unwrap();
            events.iter().filter(|event| names.contains(&event.name())).count() as u64
        };
        Ended {
            summary,
            malformed: count(&["malformed"]),
            refused: count(&["refused"]),
            too_slow: count(&["slow-header", "slow-reader"]),
            tls_failed: count(&["tls-failed"]),
            crowded_out: count(&["evicted", "turned-away"]),
            handlers_failed: count(&["handler-failed"]),
        }
    }
}

/// What a server did, with its events counted by kind.
#[derive(Debug)]
pub(crate) struct Ended {
    summary: ServeSummary,
    pub(crate) malformed: u64,
    pub(crate) refused: u64,
    pub(crate) too_slow: u64,
    pub(crate) tls_failed: u64,
    pub(crate) crowded_out: u64,
    pub(crate) handlers_failed: u64,
}

impl std::ops::Deref for Ended {
    type Target = ServeSummary;

    fn deref(&self) -> &ServeSummary {
        &self.summary
    }
}

pub(crate) async fn read_to_end(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    let _ = timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

pub(crate) async fn read_until(client: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let byte = timeout(PATIENCE, client.read_u8()).await.unwrap().unwrap();
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

pub(crate) fn post(body: &str) -> String {
    format!("POST /n?a=%41 HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn small() -> Limits {
    Limits { max_body_bytes: 100, drain: SHORT, linger: SHORT, ..Limits::default() }
}
