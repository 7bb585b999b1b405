//! What a server has to tell beside its callbacks.

use crate::mask::Untrusted;
use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body ended early or its chunks are malformed (400)")]
    BrokenBody,
    #[error("an HTTP/1.1 request must have one Host header, and no request may have two (400)")]
    BadHost,
    #[error("the transfer coding is not chunked alone (400)")]
    TransferCoding,
    #[error("the body was not whole in time (408)")]
    SlowBody,
    #[error("the body is longer than 1 MiB (413)")]
    BodyTooLarge,
    /// Too many bytes of bodies are in memory.
    #[error("too many bodies at once (503)")]
    OutOfRoom,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerEvent {
    /// A request is not HTTP/1, or its header is over a limit.
    #[error("a malformed request: {reason}")]
    Malformed { remote: SocketAddr, reason: String },
    #[error("{refusal}")]
    Refused { remote: SocketAddr, refusal: Refusal },
    #[error("a header that was not whole in time")]
    SlowHeader { remote: SocketAddr },
    #[error("TLS could not be set up: {reason}")]
    TlsFailed { remote: SocketAddr, reason: String },
    #[error("the client did not take its reply in time")]
    SlowReader { remote: SocketAddr },
    #[error("the client left in the middle: {reason}")]
    Disconnected { remote: SocketAddr, reason: String },
    /// A connection without a whole request, or with a script or a stream, made room for a newer one.
    #[error("too many connections; this one was not at work")]
    Evicted { remote: SocketAddr },
    #[error("too many connections; all others are at work")]
    TurnedAway { remote: SocketAddr },
    /// The system refused a new connection; told at most once in five seconds.
    #[error("the system refused a connection: {reason} ({untold} more untold)")]
    AcceptFailed { reason: String, untold: u64 },
    /// A readiness probe, or a browser; it is answered and not counted. Only the first is reported.
    #[error("{} is not a callback: such requests are answered, not counted and not kept", Untrusted::new(.method))]
    NotACallback { remote: SocketAddr, method: String },
    /// A handler panicked, or its reply cannot be written; the client got a 500.
    #[error("callback {number} could not be handled")]
    HandlerFailed { number: u64 },
}

impl ServerEvent {
    pub const fn remote(&self) -> Option<SocketAddr> {
        match self {
            ServerEvent::Malformed { remote, .. }
            | ServerEvent::Refused { remote, .. }
            | ServerEvent::SlowHeader { remote }
            | ServerEvent::TlsFailed { remote, .. }
            | ServerEvent::SlowReader { remote }
            | ServerEvent::Disconnected { remote, .. }
            | ServerEvent::Evicted { remote }
            | ServerEvent::TurnedAway { remote }
            | ServerEvent::NotACallback { remote, .. } => Some(*remote),
            ServerEvent::AcceptFailed { .. } | ServerEvent::HandlerFailed { .. } => None,
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            ServerEvent::Malformed { .. } => "malformed",
            ServerEvent::Refused { .. } => "refused",
            ServerEvent::SlowHeader { .. } => "slow-header",
            ServerEvent::TlsFailed { .. } => "tls-failed",
            ServerEvent::SlowReader { .. } => "slow-reader",
            ServerEvent::Disconnected { .. } => "disconnected",
            ServerEvent::Evicted { .. } => "evicted",
            ServerEvent::TurnedAway { .. } => "turned-away",
            ServerEvent::NotACallback { .. } => "not-a-callback",
            ServerEvent::AcceptFailed { .. } => "accept-failed",
            ServerEvent::HandlerFailed { .. } => "handler-failed",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stopped {
    #[default]
    Drained,
    TimedOut,
    Forced,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeSummary {
    pub connections: u64,
    pub callbacks: u64,
    /// All of them, also those that no event reports.
    pub accept_errors: u64,
    pub abandoned: u64,
    pub stopped: Stopped,
}
