//! The tool's own connections, for whatever goes to the endpoint directly.
//!
//! They speak through hyper itself. reqwest (see [`super::proxied`]) can neither shut down one half
//! of a connection nor drop one at a chosen moment, shows a connection and its TLS handshake as one
//! step, does not say whether a connection was used before, and rewrites URLs. Under load it is the
//! limit, too: against one sink on two shared cores (`benches/load.sh`, medians of five rounds) it did
//! 0.69 of the requests/s of oha on one thread, and this file 1.03 of them with a fresh signature in
//! each, for the same CPU per request; at 2,000/s it took 0.92 of oha's CPU, and reqwest 1.19.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::ext::on_informational;
use hyper::header::{ACCEPT_ENCODING, EXPECT, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::body::{RequestBody, gate};
use super::connection::{Socket, Watched};
use super::pool::{Connection, Pool};
use super::progress::{Progress, Wire};
use super::{HttpReply, HttpRequest};
use crate::mask::Untrusted;
use crate::net::failure::{ConnectionPhase, failure, failure_on_reuse};
use crate::net::options::Connections;
use crate::net::outcome::{FailureKind, TransportFailure};
use crate::net::phases::Stamp;
use crate::net::resolve::{ResolveRule, connect, known_addresses, look_up};
use crate::net::target::Target;
use crate::net::tls::{Tls, describe};

/// A request that was sent whole, and the head of its reply.
type Exchanging = (Connection, Response<Incoming>);

#[derive(Debug)]
pub(super) struct Direct {
    pub(super) tls: Option<Tls>,
    pub(super) resolve: Vec<ResolveRule>,
    pub(super) pool: Arc<Pool>,
}

impl Direct {
    /// Sends one request and reads its reply. It is sent at most once: only where a kept connection
    /// turned out to be closed before a byte was written does it go out on a new one.
    pub(super) async fn exchange(
        &self,
        request: HttpRequest<'_>,
        progress: &Progress,
    ) -> Result<HttpReply, TransportFailure> {
        let options = request.options;
        let may_reuse = options.connections == Connections::Reused && !options.is_half_closed;
        let kept = if may_reuse { self.pool.take().await } else { None };
        let (connection, response) = match kept {
            Some(connection) => self.send_on_kept(connection, request, progress).await?,
            None => Box::pin(self.send_on_new(request, None, progress)).await?,
        };
        connection.wire.note_read();
        let reply = read(request, response, progress).await?;
        if may_reuse && !reply.is_cut {
            self.pool.keep(connection);
        }
        Ok(reply)
    }

    async fn send_on_kept(
        &self,
        mut connection: Connection,
        request: HttpRequest<'_>,
        progress: &Progress,
    ) -> Result<Exchanging, TransportFailure> {
        progress.log.note(|| "* using a kept connection again".to_owned());
        progress.begin_on(&connection.wire, Stamp::at(connection.since.into_std()));
        let message = to_message(request, &connection.wire, progress);
        let mut error = match connection.sender.try_send_request(message).await {
            Ok(response) => return Ok((connection, response)),
            Err(error) => error,
        };
        let Some(unsent) = error.take_message() else {
            return Err(failure_on_reuse(&error.into_error(), connection.wire.has_read()));
        };
        // This is rare, and need not take room in what waits for a reply.
        drop(error);
        Box::pin(self.send_on_new(request, Some(unsent), progress)).await
    }

    async fn send_on_new(
        &self,
        request: HttpRequest<'_>,
        unsent: Option<Request<RequestBody>>,
        progress: &Progress,
    ) -> Result<Exchanging, TransportFailure> {
        let shuts = request.options.is_half_closed;
        let mut connection = self.connect(request.target, shuts, progress).await?;
        progress.reach(ConnectionPhase::Exchanging);
        progress.watch(&connection.wire);
        let message = match unsent {
            None => to_message(request, &connection.wire, progress),
            Some(mut unsent) => {
                unsent.body_mut().move_to(Arc::clone(&connection.wire));
                unsent
            }
        };
        let sent = connection.sender.send_request(message).await;
        let response = sent.map_err(|error| failure(&error, ConnectionPhase::Exchanging))?;
        Ok((connection, response))
    }

    async fn connect(
        &self,
        target: &Target,
        shuts: bool,
        progress: &Progress,
    ) -> Result<Connection, TransportFailure> {
        let addresses = match known_addresses(target, &self.resolve) {
            Some(known) => {
                progress.begin(ConnectionPhase::Connecting, Stamp::now());
                known
            }
            None => {
                progress.begin(ConnectionPhase::Resolving, Stamp::now());
                let found = look_up(target).await?;
                progress.reach(ConnectionPhase::Connecting);
                found
            }
        };
        progress.log.note(|| {
            format!("* {} has the addresses {addresses:?}", Untrusted::new(target.host()))
        });
        let classify = |error: io::Error| failure(&error, progress.phase());
        let socket = Socket::new(connect(&addresses, &progress.log).await.map_err(classify)?);
        let Some(tls) = self.tls.as_ref().filter(|_| target.is_https()) else {
            return open(socket.clone(), socket, shuts).await;
        };
        let name = ServerName::try_from(target.host().to_owned())
            .map_err(|error| TransportFailure::new(FailureKind::Tls, &error.to_string()))?;
        progress.reach(ConnectionPhase::Securing);
        let seen = progress.log.is_on().then(Arc::<Mutex<_>>::default);
        let connector = TlsConnector::from(tls.config(seen.clone()));
        let shaken = connector.connect(name, socket.clone()).await;
        if let Some(seen) = seen {
            let chain = seen.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = shaken.as_ref().ok().map(|stream| stream.get_ref().1);
            describe(connection, &chain).into_iter().for_each(|line| progress.log.note(|| line));
        }
        open(shaken.map_err(classify)?, socket, shuts).await
    }
}

fn to_message(
    request: HttpRequest<'_>,
    wire: &Arc<Wire>,
    progress: &Progress,
) -> Request<RequestBody> {
    let options = request.options;
    let (gate, go_ahead) = options.awaits_continue.then(gate).unzip();
    let body = RequestBody::new(request.body.clone(), options, Arc::clone(wire), gate);
    let mut message = Request::new(body);
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = request.uri.clone();
    *message.headers_mut() = request.headers();
    let headers = message.headers_mut();
    if options.accepts_gzip {
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    }
    if let Some(go_ahead) = go_ahead {
        headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        let wire = Arc::clone(wire);
        on_informational(&mut message, move |_| {
            wire.note_interim();
            go_ahead.notify_one();
        });
    }
    let first = || format!("{} {} HTTP/1.1", message.method(), message.uri());
    progress.log.head('>', first, message.headers());
    progress.log.note(|| match message.body().size_hint().exact() {
        Some(length) => format!("* a body of {length} bytes"),
        None => "* a body in chunks".to_owned(),
    });
    message
}

/// The reply; cut where the request says so.
async fn read(
    request: HttpRequest<'_>,
    response: Response<Incoming>,
    progress: &Progress,
) -> Result<HttpReply, TransportFailure> {
    let (Parts { status, version, headers, .. }, mut body) = response.into_parts();
    progress.log.head('<', || format!("{version:?} {status}"), &headers);
    if request.loses_reply {
        return Err(TransportFailure::new(FailureKind::ReplyLost, ""));
    }
    let mut reply = HttpReply::new(status.as_u16(), headers);
    reply.is_cut = request.reply_limit.refuses(body.size_hint().lower());
    while !reply.is_cut
        && let Some(frame) = body.frame().await
    {
        let frame = frame.map_err(|error| failure(&error, ConnectionPhase::Exchanging))?;
        if let Some(bytes) = frame.data_ref() {
            reply.take(bytes, request.reply_limit);
        }
    }
    Ok(reply)
}

async fn open<S>(stream: S, socket: Socket, shuts: bool) -> Result<Connection, TransportFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let wire = Arc::<Wire>::default();
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&wire), shuts));
    // One buffer for head and body: a small copy costs less than a write of two parts.
    let opened = http1::Builder::new().writev(false).handshake(stream).await;
    let (sender, connection) =
        opened.map_err(|error| failure(&error, ConnectionPhase::Exchanging))?;
    // Its errors reach the request that waits for the reply.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Connection { sender, socket, wire, since: Instant::now() })
}

#[cfg(test)]
mod tests;
