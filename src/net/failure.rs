//! Which step failed on the way to a reply, read from an error and its causes.

use std::error::Error;
use std::fs::File;
use std::io;
use std::time::Duration;

use super::outcome::{FailureKind, TransportFailure};
use super::tls;
use crate::units::duration::format_duration;

/// How far an attempt is, as far as its failures differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    Resolving,
    Connecting,
    Securing,
    /// All three in one, where the HTTP library does not say which.
    Reaching {
        is_https: bool,
    },
    Exchanging,
}

/// The failure of an attempt that timed out in this phase: only once the request was on its way may
/// the merchant have it.
pub(super) fn timed_out(phase: ConnectionPhase, limit: Duration) -> TransportFailure {
    let limit = format_duration(limit);
    let (kind, detail) = match phase {
        ConnectionPhase::Resolving => (FailureKind::Resolve, format!("no address within {limit}")),
        ConnectionPhase::Connecting | ConnectionPhase::Reaching { is_https: false } => {
            (FailureKind::Connect, format!("no connection within {limit}"))
        }
        ConnectionPhase::Reaching { is_https: true } => (
            FailureKind::Connect,
            format!(
                "no connection with TLS within {limit}: if the port is open, does it speak https?"
            ),
        ),
        ConnectionPhase::Securing => (
            FailureKind::Tls,
            format!(
                "the TLS handshake was not complete within {limit}, so nothing was sent; does the \
                 port speak https?"
            ),
        ),
        ConnectionPhase::Exchanging => {
            (FailureKind::Timeout, format!("no complete reply within {limit}"))
        }
    };
    TransportFailure::new(kind, &detail)
}

/// The failure on a connection that was used before; the connection's own where no byte of the
/// reply came. A server may close an idle connection at any moment (RFC 9112, section 9.5), and its
/// end may be on the way while the next request goes out.
pub(super) fn failure_on_reuse(
    error: &(dyn Error + 'static),
    has_reply_begun: bool,
) -> TransportFailure {
    let failed = failure(error, ConnectionPhase::Exchanging);
    match failed.kind {
        FailureKind::Reset | FailureKind::ClosedEarly if !has_reply_begun => {
            TransportFailure { kind: FailureKind::StaleConnection, ..failed }
        }
        _ => failed,
    }
}

/// The failure that an error means; its texts must hold no credentials.
pub(super) fn failure(error: &(dyn Error + 'static), phase: ConnectionPhase) -> TransportFailure {
    let causes = causes(error);
    let refused = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(refused) = refused {
        return TransportFailure::new(FailureKind::Tls, &tls::explain(refused));
    }
    let io = causes.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    if let Some(shortage) = shortage(io, phase) {
        let detail = format!("this machine had no room for another connection: {shortage}");
        return TransportFailure::new(FailureKind::HeldBack, &detail);
    }
    let kind = match (io, phase) {
        (_, ConnectionPhase::Resolving) => FailureKind::Resolve,
        (Some(io), _) => classify_io(io.kind(), phase),
        (
            None,
            ConnectionPhase::Connecting
            | ConnectionPhase::Securing
            | ConnectionPhase::Reaching { .. },
        ) => FailureKind::Connect,
        (None, ConnectionPhase::Exchanging) => classify_text(&causes),
    };
    let text = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
    let detail = match kind {
        FailureKind::Tls => format!(
            "the connection broke during the TLS handshake; does the port speak https? ({text})"
        ),
        FailureKind::Connect => match io.and_then(|io| on_this_machine(io.kind())) {
            Some(why) => format!("{why}: {text}"),
            None => text,
        },
        _ => text,
    };
    TransportFailure::new(kind, &detail)
}

fn classify_io(kind: io::ErrorKind, phase: ConnectionPhase) -> FailureKind {
    use io::ErrorKind as Io;
    let broke = matches!(
        kind,
        Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::NotConnected
    );
    match (kind, phase) {
        (Io::ConnectionRefused, _) => FailureKind::Refused,
        (Io::UnexpectedEof, ConnectionPhase::Reaching { is_https: true })
        | (_, ConnectionPhase::Securing) => FailureKind::Tls,
        (_, ConnectionPhase::Reaching { is_https: true }) if broke => FailureKind::Tls,
        (
            _,
            ConnectionPhase::Resolving
            | ConnectionPhase::Connecting
            | ConnectionPhase::Reaching { .. },
        ) => FailureKind::Connect,
        (_, ConnectionPhase::Exchanging) if broke => FailureKind::Reset,
        (Io::TimedOut, ConnectionPhase::Exchanging) => FailureKind::Timeout,
        (Io::UnexpectedEof, ConnectionPhase::Exchanging) => FailureKind::ClosedEarly,
        (Io::InvalidData | Io::InvalidInput, ConnectionPhase::Exchanging) => {
            FailureKind::InvalidReply
        }
        (_, ConnectionPhase::Exchanging) => FailureKind::Other,
    }
}

fn on_this_machine(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind as Io;
    match kind {
        Io::NetworkUnreachable | Io::HostUnreachable => Some("this machine found no route there"),
        Io::NetworkDown => Some("this machine's network is down"),
        Io::PermissionDenied => Some("this machine does not permit the connection"),
        Io::AddrNotAvailable => Some("this machine has no address or port to connect from"),
        _ => None,
    }
}

/// What this machine ran out of before the connection was there; a moment later it may have it.
fn shortage(io: Option<&io::Error>, phase: ConnectionPhase) -> Option<String> {
    if phase == ConnectionPhase::Exchanging {
        return None;
    }
    let found = io.filter(|io| is_shortage(io) || is_out_of_ports(io, phase));
    if found.is_some() || phase != ConnectionPhase::Resolving {
        return found.map(ToString::to_string);
    }
    // Without a free descriptor a look-up finds neither the file of hosts nor a name server, and
    // says only that there is no such name.
    let probe = File::open("/dev/null").err();
    probe.filter(is_shortage).map(|error| error.to_string())
}

pub(super) fn is_shortage(error: &io::Error) -> bool {
    // ENFILE and EMFILE, which are the same on every Unix, and ENOBUFS, which is not.
    const CODES: &[i32] = if cfg!(target_os = "linux") {
        &[23, 24, 105]
    } else if cfg!(unix) {
        &[23, 24, 55]
    } else {
        // ERROR_TOO_MANY_OPEN_FILES, ERROR_NO_SYSTEM_RESOURCES, WSAEMFILE, WSAENOBUFS.
        &[4, 1450, 10024, 10055]
    };
    error.kind() == io::ErrorKind::OutOfMemory
        || error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}

fn is_out_of_ports(error: &io::Error, phase: ConnectionPhase) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        && error.raw_os_error().is_some()
        && phase == ConnectionPhase::Connecting
}

pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
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
        assert_eq!(
            kind(refused, ConnectionPhase::Reaching { is_https: false }),
            FailureKind::Refused
        );
        let eof = || wrap(io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(eof(), ConnectionPhase::Reaching { is_https: true }), FailureKind::Tls);
        assert_eq!(kind(eof(), ConnectionPhase::Securing), FailureKind::Tls);
        assert_eq!(
            kind(eof(), ConnectionPhase::Reaching { is_https: false }),
            FailureKind::Connect
        );
        assert_eq!(kind(eof(), ConnectionPhase::Connecting), FailureKind::Connect);
        assert_eq!(kind(eof(), ConnectionPhase::Exchanging), FailureKind::ClosedEarly);
        assert_eq!(kind(eof(), ConnectionPhase::Resolving), FailureKind::Resolve);
        let handshake = io::Error::other(rustls::Error::HandshakeNotComplete);
        assert_eq!(kind(handshake, ConnectionPhase::Exchanging), FailureKind::Tls);
    }
    #[test]
    fn nothing_was_processed_before_the_request_left() {
        let before = [
            ConnectionPhase::Resolving,
            ConnectionPhase::Connecting,
            ConnectionPhase::Securing,
            ConnectionPhase::Reaching { is_https: false },
            ConnectionPhase::Reaching { is_https: true },
        ];
        let kinds = [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::TimedOut,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::AddrNotAvailable,
        ];
        for phase in before {
            let timed_out = timed_out(phase, Duration::from_secs(10));
            assert_ne!(timed_out.kind, FailureKind::Timeout, "{phase:?}");
            let failed = kinds.map(|kind| failure(&io::Error::from(kind), phase));
            for failed in failed.iter().chain([&timed_out]) {
                let told = failed.explanation();
                assert!(!told.contains("processed") && !told.contains("duplicate"), "{told}");
            }
        }
        let sent = timed_out(ConnectionPhase::Exchanging, Duration::from_secs(10));
        assert!(sent.explanation().contains("may have processed"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_machine_lacks_is_no_failure_of_the_merchant() {
        let code = |code, phase| failure(&io::Error::from_raw_os_error(code), phase).code();
        for shortage in [24, 23, 105, 12] {
            for phase in [
                ConnectionPhase::Resolving,
                ConnectionPhase::Connecting,
                ConnectionPhase::Reaching { is_https: true },
            ] {
                assert_eq!(code(shortage, phase), "held-back", "{shortage} {phase:?}");
            }
            assert_ne!(code(shortage, ConnectionPhase::Exchanging), "held-back", "{shortage}");
        }
        assert_eq!(code(99, ConnectionPhase::Connecting), "held-back");
        assert_eq!(code(99, ConnectionPhase::Reaching { is_https: false }), "connect");
        let unreachable = failure(&io::Error::from_raw_os_error(101), ConnectionPhase::Connecting);
        assert!(unreachable.explanation().contains("this machine found no route there"));
    }
}
