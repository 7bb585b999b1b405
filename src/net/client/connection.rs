//! A connection as its protocol sees it, and as the pool does.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::progress::Wire;
use crate::net::phases::Stamp;

/// A socket that the pool can look at while the protocol owns the connection.
#[derive(Clone, Debug)]
pub(super) struct Socket(Arc<Mutex<TcpStream>>);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Socket(Arc::new(Mutex::new(stream)))
    }

    fn stream(&self) -> MutexGuard<'_, TcpStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is there to be read: neither the other side's end nor a byte that nobody
    /// asked for.
    pub(super) fn is_quiet(&self) -> bool {
        let stream = self.stream();
        let peeked = socket2::SockRef::from(&*stream).peek(&mut [MaybeUninit::uninit()]);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(cx)
    }
}

/// The stream of a connection: it notes when a request is written and its reply begins, and its
/// writing side can be shut while the reply is awaited.
pub(super) struct Watched<S> {
    stream: S,
    wire: Arc<Wire>,
    /// Whether the writing side is shut after the last byte of the request.
    shuts: bool,
    /// When the last write that was not flushed began: a moment later the other side has it, and may
    /// reply before this task is scheduled again.
    unflushed: Option<Stamp>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, wire: Arc<Wire>, shuts: bool) -> Self {
        Watched { stream, wire, shuts, unflushed: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.wire.note_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = Stamp::now();
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.unflushed = Some(now);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_pending() && self.unflushed.is_some() {
            // What TLS holds back is written later.
            self.unflushed = Some(Stamp::now());
        }
        ready!(flushed)?;
        // A flush comes only after everything that was handed out is written.
        if let Some(at) = self.unflushed.take() {
            self.wire.note_written(at);
        }
        if self.shuts && self.wire.has_ended() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.shuts = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
