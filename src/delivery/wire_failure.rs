//! Which step failed on the way to a reply, read from an error and its causes.

use std::error::Error;
use std::io;

use super::outcome::{FailureKind, TransportFailure};
use super::tls;

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    Tls,
}

/// How far an attempt had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The host name was looked up.
    Resolving,
    /// The connection was being made, the handshake included.
    Connecting(Security),
    /// The request was on its way, or the reply.
    Exchanging,
}

/// The failure that an error stands for; its texts must hold no credentials.
pub(super) fn failure(error: &(dyn Error + 'static), phase: Phase) -> TransportFailure {
    let causes = causes(error);
    let refused = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(refused) = refused {
        return TransportFailure::new(FailureKind::Tls, &tls::explain(refused));
    }
    let io = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    let kind = match (io, phase) {
        (_, Phase::Resolving) => FailureKind::Resolve,
        (Some(io), _) => classify_io(io.kind(), phase),
        (None, Phase::Connecting(_)) => FailureKind::Connect,
        (None, Phase::Exchanging) => classify_text(&causes),
    };
    let text = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
    match kind {
        FailureKind::Tls => {
            let detail = format!(
                "the connection broke during the TLS handshake; does the port speak https? ({text})"
            );
            TransportFailure::new(kind, &detail)
        }
        kind => TransportFailure::new(kind, &text),
    }
}

fn classify_io(kind: io::ErrorKind, phase: Phase) -> FailureKind {
    use io::ErrorKind as Io;
    match (kind, phase) {
        (Io::ConnectionRefused, _) => FailureKind::Refused,
        (Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::NotConnected, _) => {
            FailureKind::Reset
        }
        (Io::UnexpectedEof, Phase::Connecting(Security::Tls)) => FailureKind::Tls,
        (_, Phase::Resolving | Phase::Connecting(_)) => FailureKind::Connect,
        (Io::TimedOut, Phase::Exchanging) => FailureKind::Timeout,
        (Io::UnexpectedEof, Phase::Exchanging) => FailureKind::ClosedEarly,
        (Io::InvalidData | Io::InvalidInput, Phase::Exchanging) => FailureKind::InvalidReply,
        (_, Phase::Exchanging) => FailureKind::Other,
    }
}

/// An error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| causes.len() < 32) {
        causes.push(error);
        // An I/O error gives the source of the error that it wraps, not that error itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    causes
}

/// The step that failed where only the wording tells: the HTTP library's errors are opaque.
fn classify_text(causes: &[&(dyn Error + 'static)]) -> FailureKind {
    const INVALID: [&str; 5] = [
        "invalid HTTP",
        "invalid content-length",
        "unexpected transfer-encoding",
        "message head is too large",
        "unexpected message",
    ];
    let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let says = |text: &str| texts.iter().any(|cause| cause.contains(text));
    if says("connection closed before message completed") {
        FailureKind::ClosedEarly
    } else if INVALID.iter().any(|text| says(text)) {
        FailureKind::InvalidReply
    } else {
        FailureKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_named_by_its_innermost_cause_and_the_step() {
        let kind = |error: io::Error, phase| failure(&error, phase).kind;
        let wrap = |kind| io::Error::other(io::Error::from(kind));
        let refused = wrap(io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(refused, Phase::Connecting(Security::Plain)), FailureKind::Refused);
        let eof = || wrap(io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(eof(), Phase::Connecting(Security::Tls)), FailureKind::Tls);
        assert_eq!(kind(eof(), Phase::Connecting(Security::Plain)), FailureKind::Connect);
        assert_eq!(kind(eof(), Phase::Exchanging), FailureKind::ClosedEarly);
        assert_eq!(kind(eof(), Phase::Resolving), FailureKind::Resolve);
        let handshake = io::Error::other(rustls::Error::HandshakeNotComplete);
        assert_eq!(kind(handshake, Phase::Exchanging), FailureKind::Tls);
    }
}
