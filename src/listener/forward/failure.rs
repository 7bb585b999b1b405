//! Why the application gave no reply.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{MAX_APP_REPLY_BYTES, MOST_AT_ONCE};
use crate::mask::outside;

/// The longest text of a cause, in characters: it may repeat what the application sent.
const MAX_CAUSE_CHARS: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Refused,
    StillRefused(Duration),
    NotFound(String),
    Unreachable(String),
    NoConnection(Duration),
    NoRoom(String),
    Busy(Duration),
    TooSlow(Duration),
    Closed,
    CutOff(u16),
    TooLong(u16),
    NotHttp(String),
    /// It answered 101, which nobody asked for.
    Switched,
    Broken(String),
    Unsendable(&'static str),
}

impl Failure {
    pub(super) fn without_head(error: &hyper::Error) -> Self {
        if error.is_parse() {
            Failure::NotHttp(error.to_string())
        } else if is_closed(error) {
            Failure::Closed
        } else {
            Failure::Broken(error.to_string())
        }
    }

    pub(super) fn in_body(error: &hyper::Error, status: u16) -> Self {
        if error.is_parse() {
            Failure::NotHttp(error.to_string())
        } else {
            // hyper tells a bad chunk and an early end in many ways; both are a reply cut off.
            Failure::CutOff(status)
        }
    }
}

pub(super) fn is_shortage(error: &std::io::Error) -> bool {
    // ENFILE and EMFILE, which are the same on every Unix, and ENOBUFS, which is not.
    const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };
    error.kind() == std::io::ErrorKind::OutOfMemory
        || cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24 | ENOBUFS))
}

fn is_closed(error: &hyper::Error) -> bool {
    use std::io::ErrorKind as Io;
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        || cause.is_some_and(|cause| {
            matches!(
                cause.kind(),
                Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::UnexpectedEof
            )
        })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = MAX_APP_REPLY_BYTES / (1024 * 1024);
        match self {
            Failure::Refused => f.write_str("refused the connection (is it running?)"),
            Failure::StillRefused(waited) => {
                write!(f, "refused the connection for {waited:?} (is it running?)")
            }
            Failure::NotFound(cause) => write!(f, "was not found: {}", short(cause)),
            Failure::Unreachable(cause) => write!(f, "cannot be reached: {}", short(cause)),
            Failure::NoConnection(time) => {
                write!(f, "cannot be reached: no connection within {time:?}")
            }
            Failure::NoRoom(cause) => write!(
                f,
                "was not asked: this machine had no room for another connection: {}",
                short(cause)
            ),
            Failure::Busy(waited) => {
                write!(f, "had {MOST_AT_ONCE} other callbacks; this one waited {waited:?} in vain")
            }
            Failure::TooSlow(time) => write!(f, "gave no whole reply within {time:?}"),
            Failure::Closed => f.write_str(
                "closed the connection without a reply; it may have taken the callback all the same",
            ),
            Failure::CutOff(status) => {
                write!(f, "answered {status}, but the connection broke before the reply was whole")
            }
            Failure::TooLong(status) => {
                write!(f, "answered {status} with more than {max} MiB; the rest was not read")
            }
            Failure::NotHttp(cause) => write!(f, "did not answer in HTTP: {}", short(cause)),
            Failure::Switched => f.write_str("answered 101, to an upgrade that nobody asked for"),
            Failure::Broken(cause) => write!(f, "broke the exchange: {}", short(cause)),
            Failure::Unsendable(part) => {
                write!(f, "was not asked: the callback's {part} cannot be sent on")
            }
        }
    }
}

fn short(text: &str) -> String {
    outside(text).chars().take(MAX_CAUSE_CHARS).collect()
}
