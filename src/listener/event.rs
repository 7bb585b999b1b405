//! What a server has to tell beside its callbacks.

use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: the body ended early or its chunks are malformed.
    BrokenBody,
    /// 408: the body was not whole in time.
    SlowBody,
    /// 413: the body is longer than allowed.
    BodyTooLarge,
    /// 503: too many bytes of bodies are in memory.
    OutOfRoom,
}

impl Refusal {
    pub const fn explanation(self) -> &'static str {
        match self {
            Refusal::BrokenBody => "the body ended early or its chunks are malformed (400)",
            Refusal::SlowBody => "the body was not whole in time (408)",
            Refusal::BodyTooLarge => "the body is longer than 1 MiB (413)",
            Refusal::OutOfRoom => "too many bodies at once (503)",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A request is not HTTP/1, or its header is over a limit.
    Malformed {
        remote: SocketAddr,
        reason: String,
    },
    Refused {
        remote: SocketAddr,
        refusal: Refusal,
    },
    SlowHeader {
        remote: SocketAddr,
    },
    TlsFailed {
        remote: SocketAddr,
        reason: String,
    },
    SlowReader {
        remote: SocketAddr,
    },
    Disconnected {
        remote: SocketAddr,
        reason: String,
    },
    /// A connection without a whole request, or with a script or a stream, made room for a newer
    /// one.
    Evicted {
        remote: SocketAddr,
    },
    TurnedAway {
        remote: SocketAddr,
    },
    /// The system refused a new connection; told at most once in five seconds.
    AcceptFailed {
        reason: String,
        untold: u64,
    },
    /// A handler panicked, or its reply cannot be written; the client got a 500.
    HandlerFailed {
        number: u64,
    },
}

impl ServerEvent {
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
    /// Requests that are not HTTP/1 or whose header is over a limit.
    pub malformed: u64,
    pub refused: u64,
    pub too_slow: u64,
    pub tls_failed: u64,
    pub disconnected: u64,
    pub crowded_out: u64,
    pub accept_errors: u64,
    pub handlers_failed: u64,
    pub abandoned: u64,
    pub stopped: Stopped,
}
