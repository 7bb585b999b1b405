//! The listener's own state, for a person and for a program.

use std::net::SocketAddr;

use serde_json::json;

use super::json;
use super::line::Line;
use crate::listener::event::ServerEvent;
use crate::protocol::key::Key;

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// That the listener is ready, as a line for a person.
#[must_use]
pub fn line(address: SocketAddr, key: &Key) -> Line {
    Line::new()
        .plain("listening on ")
        .accent(url(address))
        .dim(format!("  key {}, Ctrl-C ends it", key.fingerprint()))
}

/// That the listener is ready, for a program: its first line.
#[must_use]
pub fn json(address: SocketAddr, key: &Key) -> String {
    json::line("ready", &json!({"url": url(address), "key_fingerprint": key.fingerprint()}))
}

/// Something about a client or the system, as a line for a person.
#[must_use]
pub fn server_event(event: &ServerEvent) -> Line {
    let (remote, what) = match event {
        ServerEvent::Malformed { remote, reason } => {
            (Some(remote), format!("a malformed request: {reason}"))
        }
        ServerEvent::Refused { remote, refusal } => {
            (Some(remote), refusal.explanation().to_owned())
        }
        ServerEvent::SlowHeader { remote } => {
            (Some(remote), "a header that was not whole in time".to_owned())
        }
        ServerEvent::TlsFailed { remote, reason } => {
            (Some(remote), format!("TLS could not be set up: {reason}"))
        }
        ServerEvent::SlowReader { remote } => {
            (Some(remote), "the client did not take its reply in time".to_owned())
        }
        ServerEvent::Disconnected { remote, reason } => {
            (Some(remote), format!("the client left in the middle: {reason}"))
        }
        ServerEvent::Evicted { remote } => {
            (Some(remote), "too many connections; this one was not at work".to_owned())
        }
        ServerEvent::TurnedAway { remote } => {
            (Some(remote), "too many connections; all others are at work".to_owned())
        }
        ServerEvent::AcceptFailed { reason, untold } => {
            (None, format!("the system refused a connection: {reason} ({untold} more untold)"))
        }
        ServerEvent::HandlerFailed { number } => {
            (None, format!("callback {number} could not be handled"))
        }
    };
    let line = Line::new().warn("warning:");
    match remote {
        Some(remote) => line.plain(format!(" {remote}: {what}")),
        None => line.plain(format!(" {what}")),
    }
}
