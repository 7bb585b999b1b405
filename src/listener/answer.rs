//! What the server does with one request: a reply, a stream, or bytes that break the rules.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Bytes;
use super::reply::Reply;

/// What the server does with one request.
#[derive(Debug)]
pub enum Answer {
    /// A whole reply, framed as HTTP wants it.
    Reply(Reply),
    /// A reply whose body comes in parts; it ends when the sending half is dropped.
    ///
    /// Where the client ends its side, or the server stops, the receiving half is dropped. The
    /// connection closes after it. It gives its place up where the server is full.
    Stream {
        /// The status and the headers; its body comes first.
        head: Reply,
        /// The parts that follow.
        parts: mpsc::Receiver<Bytes>,
    },
    /// Bytes as they are, for faults that no HTTP library writes; the connection ends after them.
    ///
    /// It gives its place up where the server is full, and ends where the server stops.
    Wire(WireScript),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer::Reply(reply)
    }
}

/// What is done on a connection, step by step, instead of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireScript {
    /// What is done, in order.
    pub steps: Vec<WireStep>,
    /// How the connection ends.
    pub end: WireEnd,
}

/// One step on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireStep {
    /// Writes these bytes as they are.
    Write(Bytes),
    /// Waits; a client that ends its side meanwhile ends the script.
    Pause(Duration),
}

/// How a connection ends after its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireEnd {
    /// It is closed in order.
    Close,
    /// It is reset.
    Reset,
}
