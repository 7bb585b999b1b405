//! What the server does with one request: a reply, a stream, or bytes that break the rules.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::receiver::callback::Bytes;
use crate::receiver::reply::Reply;

#[derive(Debug)]
pub enum Answer {
    Reply(Reply),
    Stream { head: Reply, parts: mpsc::Receiver<Bytes> },
    Wire(WireScript),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer::Reply(reply)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireScript {
    pub steps: Vec<WireStep>,
    pub end: WireEnd,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireStep {
    Write(Bytes),
    Pause(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireEnd {
    Close,
    Reset,
}
