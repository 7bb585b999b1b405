//! Answers that hyper does not write: streams, and scripts of raw bytes.

use std::future::pending;
use std::io;
use std::time::Duration;

use hyper::header::{CONNECTION, DATE, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::limits::LONGEST_TIME;
use super::response::response_of;
use crate::clock::wall_time;
use crate::receiver::callback::Bytes;
use crate::receiver::reply::Reply;
use crate::receiver::server::connection_table::{Phase, Slot};
use crate::receiver::server::deadline_io::GuardedIo;
use crate::receiver::server::handler_output::{WireEnd, WireScript, WireStep};

const MOST_UNASKED_BYTES: usize = 64 * 1024;

const STREAM_END: Duration = Duration::from_millis(100);

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[derive(Debug)]
pub(super) enum Takeover {
    Script(WireScript),
    Stream(Stream),
}

impl Takeover {
    pub(super) async fn perform(
        self,
        io: GuardedIo,
        slot: &Slot,
        mut draining: watch::Receiver<()>,
    ) -> io::Result<()> {
        match self {
            Takeover::Script(script) => {
                slot.set(Phase::Scripted);
                tokio::select! {
                    biased;
                    _ = draining.changed() => Ok(()),
                    result = play(script, io) => result,
                }
            }
            Takeover::Stream(stream) => {
                slot.set(Phase::Streaming);
                let stopped = draining.clone();
                let time_is_up = async {
                    let _ = draining.changed().await;
                    sleep(STREAM_END).await;
                };
                tokio::select! {
                    result = stream.write(io, stopped) => result,
                    () = time_is_up => Ok(()),
                }
            }
        }
    }
}

async fn play(script: WireScript, mut io: GuardedIo) -> io::Result<()> {
    let mut heard = 0;
    for step in script.steps {
        match step {
            WireStep::Write(bytes) => write(&mut io, &bytes).await?,
            WireStep::Pause(time) => {
                let leaving = left(&mut io, &mut heard);
                if timeout(time.min(LONGEST_TIME), leaving).await.is_ok() {
                    return Ok(());
                }
            }
        }
    }
    match script.end {
        WireEnd::Close => io.shutdown().await,
        WireEnd::Reset => io.reset(),
    }
}

async fn write(io: &mut GuardedIo, bytes: &[u8]) -> io::Result<()> {
    io.write_all(bytes).await?;
    io.flush().await
}

async fn left(io: &mut GuardedIo, heard: &mut usize) {
    let mut scrap = [0_u8; 1024];
    while *heard < MOST_UNASKED_BYTES {
        match io.read(&mut scrap).await {
            Ok(count) if count > 0 => *heard += count,
            _ => return,
        }
    }
    pending().await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Chunked,
    /// HTTP/1.0: the connection ends with it.
    UntilClose,
    HeadOnly,
}

impl Framing {
    pub(super) fn of(method: &Method, version: Version) -> Self {
        match (method, version) {
            (&Method::HEAD, _) => Framing::HeadOnly,
            (_, Version::HTTP_10) => Framing::UntilClose,
            _ => Framing::Chunked,
        }
    }

    /// Adds a part; an empty one is left out, because an empty chunk is the last.
    fn add(self, part: &[u8], to: &mut Vec<u8>) {
        if part.is_empty() {
            return;
        }
        match self {
            Framing::Chunked => {
                to.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                to.extend_from_slice(part);
                to.extend_from_slice(b"\r\n");
            }
            Framing::UntilClose => to.extend_from_slice(part),
            Framing::HeadOnly => (),
        }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    opening: Vec<u8>,
    framing: Framing,
    parts: mpsc::Receiver<Bytes>,
}

impl Stream {
    /// A stream that begins with this reply; nothing where HTTP does not allow the head.
    pub(super) fn new(head: Reply, parts: mpsc::Receiver<Bytes>, framing: Framing) -> Option<Self> {
        let body = head.body.clone();
        let mut response = response_of(head)?;
        let status = response.status();
        let has_no_body = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
        let framing = if has_no_body { Framing::HeadOnly } else { framing };
        let headers = response.headers_mut();
        if framing == Framing::Chunked {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let date = wall_time().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.entry(DATE).or_insert(HeaderValue::try_from(date).ok()?);
        let reason = status.canonical_reason().unwrap_or_default();
        let mut opening = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
        for (name, value) in response.headers() {
            opening.extend_from_slice(name.as_str().as_bytes());
            opening.extend_from_slice(b": ");
            opening.extend_from_slice(value.as_bytes());
            opening.extend_from_slice(b"\r\n");
        }
        opening.extend_from_slice(b"\r\n");
        framing.add(&body, &mut opening);
        Some(Stream { opening, framing, parts })
    }

    async fn write(
        mut self,
        mut io: GuardedIo,
        mut stopped: watch::Receiver<()>,
    ) -> io::Result<()> {
        let (mut heard, mut framed) = (0, std::mem::take(&mut self.opening));
        write(&mut io, &framed).await?;
        while self.framing != Framing::HeadOnly {
            let part = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                () = left(&mut io, &mut heard) => return Ok(()),
                part = self.parts.recv() => part,
            };
            let Some(part) = part else { break };
            framed.clear();
            self.framing.add(&part, &mut framed);
            write(&mut io, &framed).await?;
        }
        // The producer sees the end before the client has taken it.
        drop(self.parts);
        if self.framing == Framing::Chunked {
            write(&mut io, LAST_CHUNK).await?;
        }
        io.shutdown().await
    }
}
