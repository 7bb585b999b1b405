//! One connection: from the handshake through its requests to its end.

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::header::{HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Shared;
use super::body::{Held, read_body};
use super::finish_on_drop::{Finishing, Panicked};
use super::limits::LONGEST_TIME;
use super::raw_connection::{Framing, Stream, Takeover};
use super::response::{plain, refuse, response_of};
use crate::clock::wall_time;
use crate::receiver::callback::{Bytes, Callback};
use crate::receiver::server::connection_table::{Lease, Phase, Slot, locked};
use crate::receiver::server::deadline_io::{GuardedIo, Socket};
use crate::receiver::server::event::{Refusal, ServerEvent};
use crate::receiver::server::framing::{has_huge_length, other_protocol};
use crate::receiver::server::handler_output::Answer;
use crate::receiver::server::tls::HandshakeFailure;

const PLAIN_HTTP_REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 51\r\nConnection: close\r\n\r\n\
    this port speaks TLS: the URL begins with https://\n";

pub(super) struct Connection<H> {
    pub(super) shared: Arc<Shared>,
    pub(super) handler: Arc<H>,
    pub(super) lease: Lease,
    /// What is to be done with the connection that hyper gives up.
    pub(super) takeover: Mutex<Option<Takeover>>,
}

impl<H, F> Connection<H>
where
    H: Fn(Callback) -> F + Send + Sync + 'static,
    F: Future<Output: Into<Answer>> + Send + 'static,
{
    /// Serves one connection to its end, or until it must make room.
    pub(super) async fn run(self: Arc<Self>, stream: TcpStream) {
        let slot = Arc::clone(&self.lease.slot);
        tokio::select! {
            () = slot.evicted.notified() => (),
            () = self.serve(stream) => (),
        }
        slot.close();
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        // A small reply must not wait for an acknowledgement; without the option it only is slower.
        let _ = stream.set_nodelay(true);
        let Some(socket) = self.secure(stream).await else { return };
        let io = GuardedIo::new(socket, &self.lease.slot, &self.shared.limits);
        let event = match self.speak_http(io).await {
            Ok(Some(io)) => self.take_over(io).await,
            Ok(None) => None,
            Err(event) => event,
        };
        if let Some(event) = event {
            self.shared.tell(event);
        }
    }

    async fn secure(&self, stream: TcpStream) -> Option<Socket> {
        let Some(tls) = &self.shared.tls else { return Some(Socket::Plain(stream)) };
        let slot = &self.lease.slot;
        let mut draining = self.shared.draining.clone();
        let time = self.shared.limits.header_timeout.min(LONGEST_TIME);
        let heard = || slot.advance(Phase::Silent, Phase::Heard);
        let in_time = tokio::select! {
            _ = draining.changed() => return None,
            in_time = timeout(time, tls.accept(stream, heard)) => in_time,
        };
        let reason = match in_time {
            Ok(Ok(stream)) => {
                slot.set(Phase::Silent);
                return Some(Socket::Tls(Box::new(stream)));
            }
            // Who connects and says nothing is no event without TLS either.
            Err(_) if slot.phase() == Phase::Silent => return None,
            Ok(Err(HandshakeFailure::Silent)) => return None,
            Err(_) => "the handshake was not whole in time".to_owned(),
            Ok(Err(HandshakeFailure::Broken(reason))) => reason,
            Ok(Err(HandshakeFailure::PlainHttp(stream))) => {
                let mut first = [0; 16];
                let read = stream.peek(&mut first).await.unwrap_or(0);
                let other = other_protocol(first.get(..read).unwrap_or_default());
                self.refuse_plain_http(stream).await;
                let plain = "the client speaks plain HTTP; its URL must begin with https://";
                other.unwrap_or(plain).to_owned()
            }
        };
        self.shared.tell(ServerEvent::TlsFailed { remote: slot.remote, reason });
        None
    }

    async fn refuse_plain_http(&self, stream: TcpStream) {
        let slot = &self.lease.slot;
        let mut io = GuardedIo::new(Socket::Plain(stream), slot, &self.shared.limits);
        slot.set(Phase::Refusing);
        // Who does not take it has lost nothing.
        if io.write_all(PLAIN_HTTP_REFUSAL).await.is_ok() {
            let _ = io.shutdown().await;
        }
    }

    /// Serves requests until the connection ends or an answer is not hyper's to write; the error is
    /// what is reported about it.
    async fn speak_http(
        self: &Arc<Self>,
        io: GuardedIo,
    ) -> Result<Option<GuardedIo>, Option<ServerEvent>> {
        let service = service_fn(|request| {
            let connection = Arc::clone(self);
            async move { Ok::<_, Infallible>(connection.answer(request).await) }
        });
        let mut serving = self.shared.http.serve_connection(TokioIo::new(io), service);
        let mut draining = self.shared.draining.clone();
        let mut is_draining = false;
        loop {
            // The phase changes only while hyper is polled, so this sees it at once.
            let turn = poll_fn(|cx| match Pin::new(&mut serving).poll(cx) {
                Poll::Pending if self.lease.slot.phase() == Phase::Handed => Poll::Ready(None),
                polled => polled.map(Some),
            });
            tokio::select! {
                ended = turn => match ended {
                    Some(Ok(())) => return Ok(None),
                    Some(Err(error)) => {
                        let io = serving.into_parts().io.into_inner();
                        return Err(self.event_of(&error, io.head()));
                    }
                    None => return Ok(Some(serving.into_parts().io.into_inner())),
                },
                _ = draining.changed(), if !is_draining => {
                    is_draining = true;
                    Pin::new(&mut serving).graceful_shutdown();
                }
            }
        }
    }

    /// Gives the answer that hyper does not write; a client that leaves it is no event.
    async fn take_over(&self, io: GuardedIo) -> Option<ServerEvent> {
        let slot = &self.lease.slot;
        let takeover = locked(&self.takeover).take()?;
        let result = takeover.perform(io, slot, self.shared.draining.clone()).await;
        let is_late = result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        is_late.then_some(ServerEvent::SlowReader { remote: slot.remote })
    }

    fn event_of(&self, error: &hyper::Error, head: &[u8]) -> Option<ServerEvent> {
        let remote = self.lease.slot.remote;
        if error.is_parse() {
            let reason = match other_protocol(head) {
                Some(protocol) => protocol.to_owned(),
                None if has_huge_length(head) => "its Content-Length is over any limit".to_owned(),
                None => error.to_string(),
            };
            return Some(ServerEvent::Malformed { remote, reason });
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        let is_late = cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut);
        match (is_late, self.lease.slot.phase()) {
            (_, Phase::Silent) => None,
            // What is written has its time too, but only once a header is whole.
            (true, Phase::Heard) => Some(ServerEvent::SlowHeader { remote }),
            (true, _) => Some(ServerEvent::SlowReader { remote }),
            (false, _) => {
                let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
                Some(ServerEvent::Disconnected { remote, reason })
            }
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let slot = &self.lease.slot;
        let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        slot.set(if is_chunked { Phase::ReceivingChunks } else { Phase::Receiving });
        let (parts, body) = request.into_parts();
        let framing = Framing::of(&parts.method, parts.version);
        let mut held = Held::nothing(&self.shared);
        let received = match fault_of(&parts) {
            Some(refusal) => Err(refusal),
            None => self.receive(body, &mut held).await,
        };
        let body = match received {
            Ok(body) => body,
            Err(refusal) => {
                slot.set(Phase::Refusing);
                self.shared.tell(ServerEvent::Refused { remote: slot.remote, refusal });
                return refuse(refusal);
            }
        };
        slot.set(Phase::Busy);
        let number = self.shared.count(|summary| {
            summary.callbacks += 1;
            summary.callbacks
        });
        let headers = parts.headers.iter();
        let callback = Callback {
            number,
            received_at: wall_time(),
            remote: slot.remote,
            method: parts.method.as_str().to_owned().into(),
            path: path_of(&parts.uri).into(),
            headers: headers.map(|(k, v)| (k.as_str().to_owned(), v.as_bytes().into())).collect(),
            body,
        };
        let takeover = match self.handle(callback, held, framing).await {
            Handled::Response(response) => {
                slot.set(Phase::Replying);
                return response;
            }
            Handled::Takeover(takeover) => takeover,
        };
        *locked(&self.takeover) = Some(takeover);
        // hyper first writes what it still holds of the replies before, and is then abandoned.
        slot.set(Phase::Handing);
        pending().await
    }

    async fn handle(self: &Arc<Self>, callback: Callback, held: Held, framing: Framing) -> Handled {
        let number = callback.number;
        let running = RunningGuard::start(self);
        let work = async move {
            let _held = held;
            (running.0.handler)(callback).await.into()
        };
        let work = SLOT.scope(Arc::clone(&self.lease.slot), work);
        let handled = match Finishing::new(work).await {
            Ok(Answer::Reply(reply)) => response_of(reply).map(Handled::Response),
            Ok(Answer::Stream { head, parts }) => {
                Stream::new(head, parts, framing).map(|stream| Takeover::Stream(stream).into())
            }
            Ok(Answer::Wire(script)) => Some(Takeover::Script(script).into()),
            Err(Panicked) => None,
        };
        handled.unwrap_or_else(|| {
            self.shared.tell(ServerEvent::HandlerFailed { number });
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Handled::Response(plain(status, "the handler failed\n"))
        })
    }

    async fn receive(&self, body: Incoming, held: &mut Held) -> Result<Bytes, Refusal> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let mut reading = pin!(read_body(body, self.shared.limits.max_body_bytes, held));
        // Most often the body came with its header, and needs no timer.
        let at_once = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await;
        if let Poll::Ready(body) = at_once {
            return body;
        }
        // hyper read on before the phase was set: polled once more, the socket judges the first chunks.
        tokio::task::yield_now().await;
        let in_time = timeout(self.shared.limits.body_timeout, reading).await;
        in_time.unwrap_or(Err(Refusal::SlowBody))
    }
}

/// What of a request hyper accepts and HTTP does not: another server could read it differently.
fn fault_of(parts: &Parts) -> Option<Refusal> {
    let hosts = parts.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && parts.version > Version::HTTP_10) {
        return Some(Refusal::BadHost);
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    let is_exact = codings.next().is_none_or(is_chunked) && codings.next().is_none();
    (!is_exact).then_some(Refusal::TransferCoding)
}

tokio::task_local! {
    /// The connection for which a handler is at work.
    static SLOT: Arc<Slot>;
}

/// Waits as a reply program says, in a handler: the connection may be evicted meanwhile. Gives
/// whether it is still there.
pub async fn wait(time: Duration) -> bool {
    match SLOT.try_with(Arc::clone) {
        Ok(slot) => slot.wait(time.min(LONGEST_TIME)).await,
        Err(_) => false,
    }
}

enum Handled {
    Response(Response<Full<Bytes>>),
    Takeover(Takeover),
}

impl From<Takeover> for Handled {
    fn from(takeover: Takeover) -> Self {
        Handled::Takeover(takeover)
    }
}

struct RunningGuard<H>(Arc<Connection<H>>);

impl<H> RunningGuard<H> {
    fn start(connection: &Arc<Connection<H>>) -> Self {
        connection.shared.running.fetch_add(1, Ordering::Relaxed);
        RunningGuard(Arc::clone(connection))
    }
}

impl<H> Drop for RunningGuard<H> {
    fn drop(&mut self) {
        self.0.shared.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The target as sent; one without a path (`CONNECT`) is its authority.
fn path_of(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(|| uri.to_string(), |path| path.as_str().to_owned())
}
