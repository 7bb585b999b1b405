//! The listener's own state, for a person and for a program.

use std::net::SocketAddr;

use serde::Serialize;

use super::json;
use super::line::Line;
use crate::receiver::events::{InboxChoice, ListenInfo};
use crate::receiver::server::event::ServerEvent;

pub fn lines(ready: &ListenInfo) -> Vec<Line> {
    let others = ready.other_key_fingerprints.iter().map(|key| format!(" or {key}"));
    let keys = format!("{}{}", ready.key_fingerprint, others.collect::<String>());
    let first = Line::new()
        .plain("listening on ")
        .accent(&ready.url)
        .dim(format!("  key {}, Ctrl-C ends it", keys));
    let mut lines = vec![first];
    let mut more = |what: &str, text: &str| {
        lines.push(Line::new().dim(format!("  {what:<10}")).plain(text.to_owned()));
    };
    if let Some(url) = &ready.tunnel_url {
        more("tunnel", &format!("{url}, the notify URL for the platform; it was tried"));
    }
    if let Some(inspector) = &ready.inspector {
        more("inspector", inspector);
    } else if let Some(api) = &ready.api {
        more("api", &format!("{}  token {}", api.url, api.token));
    }
    match (&ready.inbox, ready.inbox_choice) {
        (Some(_), InboxChoice::Usual) => {
            more("inbox", "kept; `payout-notify inbox list` shows them")
        }
        (Some(path), InboxChoice::Named) => more("inbox", path),
        (None, _) => {}
    }
    if let Some(fingerprint) = &ready.certificate_sha256 {
        more("sha256", fingerprint);
    }
    for step in &ready.plan {
        more("replies", step);
    }
    lines
}

pub fn json(ready: &ListenInfo) -> String {
    json::line("ready", ready)
}

#[derive(Serialize)]
struct ServerEventJson {
    event: &'static str,
    explanation: String,
    remote: Option<SocketAddr>,
}

pub fn server_event_json(event: &ServerEvent) -> String {
    let (event, explanation, remote) = (event.name(), event.to_string(), event.remote());
    json::line("server-event", &ServerEventJson { event, explanation, remote })
}

pub fn server_event(event: &ServerEvent) -> Line {
    let remote = event.remote().map_or_else(String::new, |remote| format!(" {remote}:"));
    Line::new().warn("warning:").plain(format!("{remote} {event}"))
}
