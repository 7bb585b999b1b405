//! What a server has to tell beside its callbacks.

use std::net::SocketAddr;

/// Why a request with a sound header was refused before the handler saw it.
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
    /// The refusal in words.
    pub const fn explanation(self) -> &'static str {
        match self {
            Refusal::BrokenBody => "the body ended early or its chunks are malformed (400)",
            Refusal::SlowBody => "the body was not whole in time (408)",
            Refusal::BodyTooLarge => "the body is longer than 1 MiB (413)",
            Refusal::OutOfRoom => "too many bodies at once (503)",
        }
    }
}

/// Something worth telling that is not a callback; the server itself prints nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// A request is not HTTP/1, or its header is over a limit.
    Malformed {
        /// The client.
        remote: SocketAddr,
        /// What the parser said.
        reason: String,
    },
    /// A request was refused before the handler saw it.
    Refused {
        /// The client.
        remote: SocketAddr,
        /// Why.
        refusal: Refusal,
    },
    /// A header was begun and not whole in time.
    SlowHeader {
        /// The client.
        remote: SocketAddr,
    },
    /// A client failed to set up TLS, or spoke plain HTTP.
    TlsFailed {
        /// The client.
        remote: SocketAddr,
        /// What went wrong, in words.
        reason: String,
    },
    /// The client did not take its reply in time.
    SlowReader {
        /// The client.
        remote: SocketAddr,
    },
    /// The client left in the middle of a request or a reply.
    Disconnected {
        /// The client.
        remote: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// A connection without a whole request, or with a script or a stream, made room for a newer
    /// one.
    Evicted {
        /// The client that had to go.
        remote: SocketAddr,
    },
    /// A new connection was closed at once: all others are at work.
    TurnedAway {
        /// The client.
        remote: SocketAddr,
    },
    /// The system refused a new connection; told at most once in five seconds.
    AcceptFailed {
        /// What the system said.
        reason: String,
        /// How many such errors were not told since the last one that was.
        untold: u64,
    },
    /// A handler panicked, or its reply cannot be written; the client got a 500.
    HandlerFailed {
        /// The callback's number.
        number: u64,
    },
}

impl ServerEvent {
    /// The stable name, as JSON output carries it.
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

/// How serving ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stopped {
    /// Every request in flight was answered.
    #[default]
    Drained,
    /// The time for draining ended first.
    TimedOut,
    /// A second signal ended the draining.
    Forced,
}

/// What a server did, from bind to close.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServeSummary {
    /// Connections let in.
    pub connections: u64,
    /// Requests received whole and handed to the handler.
    pub callbacks: u64,
    /// Requests that are not HTTP/1 or whose header is over a limit.
    pub malformed: u64,
    /// Requests refused before the handler saw them.
    pub refused: u64,
    /// Clients too slow with a header or in taking a reply.
    pub too_slow: u64,
    /// Clients with which TLS could not be set up.
    pub tls_failed: u64,
    /// Clients that left in the middle.
    pub disconnected: u64,
    /// Connections evicted, and connections turned away.
    pub crowded_out: u64,
    /// Errors of the system on taking a connection, told or not.
    pub accept_errors: u64,
    /// Handlers that panicked or gave a reply that cannot be written.
    pub handlers_failed: u64,
    /// Handlers that were still running at the end.
    pub abandoned: u64,
    /// How it ended.
    pub stopped: Stopped,
}
