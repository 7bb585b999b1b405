//! A socket that defends its server: deadlines for headers and for writing, and a linger before closing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_rustls::server::TlsStream;

use super::connection_table::{Phase, Slot};
use super::framing::{ChunkSizes, has_huge_length};
use super::limits::{LONGEST_TIME, Limits};

const HEADER_TOO_LONG: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large";

/// As long as the other one, so that hyper's count of what is written holds.
const BODY_TOO_LONG: &[u8] = b"HTTP/1.1 413 Content Too Large for a Request";

pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Socket::Plain(stream) => stream,
            Socket::Tls(stream) => stream.get_mut().0,
        }
    }

    fn reading(&mut self) -> Pin<&mut (dyn AsyncRead + Send + Unpin)> {
        match self {
            Socket::Plain(stream) => Pin::new(stream),
            Socket::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn writing(&mut self) -> Pin<&mut (dyn AsyncWrite + Send + Unpin)> {
        match self {
            Socket::Plain(stream) => Pin::new(stream),
            Socket::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

pub(super) struct GuardedIo {
    socket: Socket,
    slot: Arc<Slot>,
    /// What was read since the last reply and before the next request's header was whole.
    head: Vec<u8>,
    chunks: Option<ChunkSizes>,
    max_body_bytes: u64,
    header_timeout: Duration,
    /// When the header that is waited for must be whole.
    header_due: Instant,
    header_timer: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
    linger: Duration,
    unwritten: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl GuardedIo {
    pub(super) fn new(socket: Socket, slot: &Arc<Slot>, limits: &Limits) -> Self {
        let header_timeout = limits.header_timeout.min(LONGEST_TIME);
        GuardedIo {
            socket,
            slot: Arc::clone(slot),
            head: Vec::new(),
            chunks: None,
            max_body_bytes: limits.max_body_bytes as u64,
            header_timeout,
            header_due: Instant::now() + header_timeout,
            header_timer: None,
            write_timeout: limits.write_timeout,
            linger: limits.linger,
            unwritten: None,
            lingering: None,
        }
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Resets the connection: the client sees an error instead of an end.
    pub(super) fn reset(mut self) -> io::Result<()> {
        // A close without linger throws away what is unsent and says so.
        socket2::SockRef::from(&*self.socket.tcp()).set_linger(Some(Duration::ZERO))
    }

    fn in_time<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let time = self.write_timeout;
        let deadline = self.unwritten.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Holds whoever is yet to send a whole header to the time for it.
    ///
    /// One timer lasts for many requests: to set one and to take it back with each of them costs more
    /// than to look at the time.
    fn poll_header_due(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !matches!(self.slot.phase(), Phase::Silent | Phase::Heard) {
            return Poll::Pending;
        }
        let due = self.header_due;
        let timer = self.header_timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Follows what is read; an error where more is announced than a body may have.
    fn note(&mut self, read: &[u8]) -> io::Result<()> {
        match self.slot.phase() {
            Phase::Silent | Phase::Heard if !read.is_empty() => {
                self.head.extend_from_slice(read);
                self.slot.set(Phase::Heard);
            }
            Phase::ReceivingChunks => {
                let max = self.max_body_bytes;
                let is_over = match &mut self.chunks {
                    Some(chunks) => chunks.exceed(read, max),
                    chunks => {
                        let (sizes, begun) = ChunkSizes::after_header(&self.head);
                        chunks.insert(sizes).exceed(begun, max)
                    }
                };
                if is_over {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
            }
            _ => (),
        }
        Ok(())
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0_u8; 4096];
        while let Some(deadline) = &mut self.lingering {
            if deadline.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut scrap = ReadBuf::new(&mut scrap);
            // Below TLS: what is thrown away need not be understood.
            match ready!(Pin::new(self.socket.tcp()).poll_read(cx, &mut scrap)) {
                Ok(()) if !scrap.filled().is_empty() => (),
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for GuardedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The first chunks came with the header.
        if self.chunks.is_none() {
            self.note(&[])?;
        }
        let before = buffer.filled().len();
        let Poll::Ready(result) = self.socket.reading().poll_read(cx, buffer) else {
            return self.poll_header_due(cx);
        };
        Poll::Ready(result.and_then(|()| self.note(&buffer.filled()[before..])))
    }
}

impl AsyncWrite for GuardedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Before a header is whole only hyper's own refusals are written, each in one piece.
        let is_refusal = matches!(self.slot.phase(), Phase::Silent | Phase::Heard);
        if is_refusal && bytes.starts_with(HEADER_TOO_LONG) && has_huge_length(&self.head) {
            let bytes = [BODY_TOO_LONG, &bytes[BODY_TOO_LONG.len()..]].concat();
            let written = self.socket.writing().poll_write(cx, &bytes);
            return self.in_time(cx, written);
        }
        let written = self.socket.writing().poll_write(cx, bytes);
        self.in_time(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let (Phase::Silent | Phase::Heard, Some(bytes)) = (self.slot.phase(), bytes.first()) {
            return self.poll_write(cx, bytes);
        }
        let written = self.socket.writing().poll_write_vectored(cx, bytes);
        self.in_time(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(stream) => stream.is_write_vectored(),
            Socket::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.socket.writing().poll_flush(cx);
        ready!(self.in_time(cx, flushed))?;
        // hyper flushes once its own buffer is empty: the whole reply has left.
        self.unwritten = None;
        match self.slot.phase() {
            Phase::Replying => {
                self.slot.set(Phase::Silent);
                self.head.clear();
                self.chunks = None;
                self.header_due = Instant::now() + self.header_timeout;
            }
            Phase::Handing => self.slot.set(Phase::Handed),
            _ => (),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            // Over TLS there is a last word to write, which a client may refuse to take.
            let ended = self.socket.writing().poll_shutdown(cx);
            ready!(self.in_time(cx, ended))?;
            let may_be_sending = [Phase::Heard, Phase::Refusing, Phase::Scripted, Phase::Streaming];
            if !may_be_sending.contains(&self.slot.phase()) {
                return Poll::Ready(Ok(()));
            }
            self.slot.set(Phase::Closing);
            let linger = self.linger;
            self.lingering = Some(Box::pin(sleep(linger)));
        }
        self.poll_linger(cx).map(Ok)
    }
}
