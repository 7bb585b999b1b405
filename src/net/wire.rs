//! The tool's own connections: for many deliveries at once, and for manners that need a hold on
//! the connection itself.
//!
//! It speaks through hyper itself: reqwest (see [`super::http`])
//! sends the ordinary delivery; it can neither shut down one half of a connection nor drop one at
//! a chosen moment, and under load it is the limit: against one sink on two shared cores
//! (`benches/load.sh`, medians of five rounds) it did 0.69 of the requests/s of oha on one thread,
//! and this file 1.03 of them with a fresh signature in each, for the same CPU per request; at
//! 2,000/s it took 0.92 of oha's CPU, and reqwest 1.19. Requests go straight to the merchant here,
//! without a proxy.

use std::error::Error;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use half_closing::HalfClosing;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::ext::on_informational;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, EXPECT, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use protocol::internal::acknowledgement::{MAX_REPLY_BYTES, Reply};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::go_ahead::Gate;
use super::http::{Url, start_reply};
use super::outcome::{FailureKind, TransportFailure};
use super::wire_failure::{Phase, Progress, Security, failure, is_shortage};
use super::wire_settings::{
    Compression, Connections, Framing, GoAhead, ResolveRule, Upload, WireSettings, WriteSide,
};

mod half_closing;
pub(super) mod noted;

/// The most idle connections that are kept; any more are closed.
const MOST_IDLE: usize = 4_096;

const CONNECT_TURN: Duration = Duration::from_secs(2);

const READY_AGAIN: Duration = Duration::from_secs(1);

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The host without brackets.
    host: String,
    port: u16,
    security: Security,
    authority: HeaderValue,
    path: Uri,
}

impl Place {
    /// The place of an `http` or `https` URL; `None` where it has no host.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let port = url.port_or_known_default()?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Place {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            security: if url.scheme() == "https" { Security::Tls } else { Security::Plain },
            authority: HeaderValue::from_str(&authority).ok()?,
            path: format!("{}{query}", url.path()).parse().ok()?,
        })
    }

    fn is_same_endpoint(&self, other: &Place) -> bool {
        (self.port, self.security) == (other.port, other.security) && self.host == other.host
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyFate {
    Read,
    Lost,
}

#[derive(Debug)]
pub(super) struct Wire {
    settings: WireSettings,
    tls: Arc<ClientConfig>,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    place: Arc<Place>,
    sender: SendRequest<Outgoing>,
}

impl Wire {
    pub(super) fn new(settings: WireSettings, tls: ClientConfig) -> Self {
        Wire { settings, tls: Arc::new(tls), idle: Mutex::default() }
    }

    /// Sends one request and reads its reply; no more of it than a reply may have, and one byte.
    ///
    /// It is sent at most once. Only where a kept connection turned out to be closed before a
    /// byte was written does it go out on a new one.
    pub(super) async fn exchange(
        self: &Arc<Self>,
        place: &Arc<Place>,
        head: (Method, HeaderMap),
        body: Arc<[u8]>,
        (fate, progress): (ReplyFate, &Progress),
    ) -> Result<Reply, TransportFailure> {
        let ended = match self.settings.write_side {
            WriteSide::Open => None,
            WriteSide::HalfClosed => Some(Arc::default()),
        };
        let body = Outgoing::new(Bytes::from_owner(body), &self.settings, ended.clone());
        let mut request = self.request(place, head, body);
        if let Some(mut sender) = self.take_idle(place).await {
            progress.reach(Phase::Exchanging);
            match sender.try_send_request(request).await {
                Ok(response) => return self.receive(place, sender, response, fate).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failure(&error.into_error(), Phase::Exchanging)),
                },
            }
        }
        // In a box: a kept connection is the usual case and need not carry the room for a new one.
        Box::pin(self.exchange_anew(place, request, ended, (fate, progress))).await
    }

    async fn exchange_anew(
        self: &Arc<Self>,
        place: &Arc<Place>,
        request: Request<Outgoing>,
        ended: Option<Arc<AtomicBool>>,
        (fate, progress): (ReplyFate, &Progress),
    ) -> Result<Reply, TransportFailure> {
        let mut sender = self.connect(place, ended, progress).await?;
        progress.reach(Phase::Exchanging);
        let sent = sender.send_request(request).await;
        let response = sent.map_err(|error| failure(&error, Phase::Exchanging))?;
        self.receive(place, sender, response, fate).await
    }

    fn request(
        &self,
        place: &Place,
        (method, headers): (Method, HeaderMap),
        mut body: Outgoing,
    ) -> Request<Outgoing> {
        let gate = (self.settings.go_ahead == GoAhead::Awaited).then(Gate::new);
        let (gate, opener) = gate.unzip();
        body.gate = gate;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = place.path.clone();
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert_with(|| place.authority.clone());
        if self.settings.compression == Compression::Gzip {
            headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        }
        if let Some(opener) = opener {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            on_informational(&mut request, move |_| opener.open());
        }
        request
    }

    async fn receive(
        self: &Arc<Self>,
        place: &Arc<Place>,
        sender: SendRequest<Outgoing>,
        response: Response<Incoming>,
        fate: ReplyFate,
    ) -> Result<Reply, TransportFailure> {
        if fate == ReplyFate::Lost {
            return Err(TransportFailure::new(FailureKind::ReplyLost, ""));
        }
        let (head, mut body) = response.into_parts();
        let mut reply = start_reply(head.status.as_u16(), &head.headers);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failure(&error, Phase::Exchanging))?;
            if let Some(bytes) = frame.data_ref() {
                let room = MAX_REPLY_BYTES + 1 - reply.body.len();
                reply.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            if reply.body.len() > MAX_REPLY_BYTES {
                return Ok(reply);
            }
        }
        self.keep(place, sender);
        let is_gzip = |value: &HeaderValue| {
            [&b"gzip"[..], b"x-gzip"].iter().any(|name| value.as_bytes().eq_ignore_ascii_case(name))
        };
        if self.settings.compression == Compression::Gzip
            && head.headers.get(CONTENT_ENCODING).is_some_and(is_gzip)
        {
            reply.body = unzip(&reply.body)?;
        }
        Ok(reply)
    }

    async fn take_idle(&self, place: &Place) -> Option<SendRequest<Outgoing>> {
        loop {
            let mut sender = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let at = idle.iter().rposition(|one| one.place.is_same_endpoint(place))?;
                idle.swap_remove(at).sender
            };
            if !sender.is_closed() && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn keep(self: &Arc<Self>, place: &Arc<Place>, mut sender: SendRequest<Outgoing>) {
        if self.settings.connections == Connections::Fresh
            || self.settings.write_side == WriteSide::HalfClosed
            || sender.is_closed()
        {
            return;
        }
        if sender.is_ready() {
            return self.put_idle(Idle { place: Arc::clone(place), sender });
        }
        // Its task has yet to see the reply's end.
        let (wire, place) = (Arc::clone(self), Arc::clone(place));
        tokio::spawn(async move {
            if let Ok(Ok(())) = timeout(READY_AGAIN, sender.ready()).await {
                wire.put_idle(Idle { place, sender });
            }
        });
    }

    fn put_idle(&self, one: Idle) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MOST_IDLE {
            idle.retain(|kept| !kept.sender.is_closed());
        }
        if idle.len() < MOST_IDLE {
            idle.push(one);
        }
    }

    async fn connect(
        &self,
        place: &Place,
        ended: Option<Arc<AtomicBool>>,
        progress: &Progress,
    ) -> Result<SendRequest<Outgoing>, TransportFailure> {
        progress.reach(Phase::Resolving);
        let addresses = addresses_of(place, &self.settings.resolve).await?;
        let classify = |error: io::Error| failure(&error, progress.phase());
        progress.reach(Phase::Connecting);
        let stream = connect_to_one(&addresses).await.map_err(classify)?;
        // Without it a request in two parts waits for an acknowledgement; best effort.
        let _ = stream.set_nodelay(true);
        if place.security == Security::Plain {
            return open(HalfClosing { stream, ended }).await;
        }
        let name = ServerName::try_from(place.host.clone())
            .map_err(|error| TransportFailure::new(FailureKind::Tls, &error.to_string()))?;
        progress.reach(Phase::Securing);
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(name, stream).await.map_err(classify)?;
        open(HalfClosing { stream, ended }).await
    }
}

pub(super) async fn addresses_of(
    place: &Place,
    rules: &[ResolveRule],
) -> Result<Vec<SocketAddr>, TransportFailure> {
    let with_port = |address: IpAddr| SocketAddr::new(address, place.port);
    if let Ok(address) = place.host.parse() {
        return Ok(vec![with_port(address)]);
    }
    if let Some(chosen) = rules.iter().find_map(|rule| rule.addresses_for(&place.host, place.port))
    {
        return Ok(chosen.iter().copied().map(with_port).collect());
    }
    let found = lookup_host((place.host.as_str(), place.port)).await;
    let found: Vec<_> = found.map_err(|error| failure(&error, Phase::Resolving))?.collect();
    if found.is_empty() {
        return Err(TransportFailure::new(FailureKind::Resolve, "no address was found"));
    }
    Ok(found)
}

/// A connection to the first address that answers; the error is the last one's, but for an address
/// of a family that this machine does not have.
async fn connect_to_one(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for (at, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(address);
        // The last one may use all the time that the attempt has left.
        let connected = match at + 1 == addresses.len() {
            true => connecting.await,
            false => timeout(CONNECT_TURN, connecting)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        };
        match connected {
            Ok(stream) => return Ok(stream),
            // The next address would fail alike.
            Err(error) if is_shortage(&error) => return Err(error),
            Err(error) if at > 0 && error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn open<S>(stream: HalfClosing<S>) -> Result<SendRequest<Outgoing>, TransportFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // One buffer for head and body: a small copy costs less than a write of two parts.
    let opened = http1::Builder::new().writev(false).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = opened.map_err(|error| failure(&error, Phase::Exchanging))?;
    // Its errors reach the request that waits for the reply.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// The text of a reply in gzip, and no more of it than a reply may have, and one byte.
fn unzip(body: &[u8]) -> Result<Vec<u8>, TransportFailure> {
    let mut text = Vec::new();
    let bound = MAX_REPLY_BYTES as u64 + 1;
    match flate2::read::MultiGzDecoder::new(body).take(bound).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let detail = format!("the reply says that it is gzip and is not: {error}");
            Err(TransportFailure::new(FailureKind::InvalidReply, &detail))
        }
    }
}

#[derive(Debug)]
struct Outgoing {
    rest: Bytes,
    length: usize,
    framing: Framing,
    time: Duration,
    pause: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Told when the last byte is handed out.
    ended: Option<Arc<AtomicBool>>,
    gate: Option<Gate>,
}

impl Outgoing {
    fn new(rest: Bytes, settings: &WireSettings, ended: Option<Arc<AtomicBool>>) -> Self {
        let length = rest.len();
        let time = match settings.upload {
            Upload::AtOnce => Duration::ZERO,
            slow => slow.time_for(length),
        };
        Outgoing { rest, length, framing: settings.framing, time, pause: None, ended, gate: None }
    }

    /// How many bytes may go out by now, in all.
    fn due(&self, passed: Duration) -> usize {
        let (passed, time) = (passed.as_nanos(), self.time.as_nanos().max(1));
        let due = (self.length as u128).saturating_mul(passed) / time;
        usize::try_from(due).unwrap_or(usize::MAX).min(self.length)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(gate) = &mut this.gate {
            ready!(gate.poll(cx));
            this.gate = None;
        }
        let mut part = this.rest.len();
        while !this.time.is_zero() {
            let each = this.time / u32::try_from(this.length).unwrap_or(u32::MAX).max(1);
            let step = each.max(SHORTEST_PAUSE);
            let (start, pause) =
                this.pause.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(step))));
            ready!(pause.as_mut().poll(cx));
            let passed = start.elapsed();
            pause.as_mut().reset(Instant::now() + step);
            part = this.due(passed).saturating_sub(this.length - this.rest.len());
            if part > 0 {
                break;
            }
        }
        Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        if let Some(ended) = self.ended.as_ref().filter(|_| self.rest.is_empty()) {
            ended.store(true, Ordering::Release);
        }
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Length => SizeHint::with_exact(self.rest.len() as u64),
            Framing::Chunked => SizeHint::new(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
