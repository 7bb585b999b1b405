//! The known-good control: whether an endpoint can say yes, and whether it can say no.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::case::{Manner, Message};
use super::recipe::{History, Recipe, Workshop};
use super::report::Endpoint;
use super::sender::{Sender, Sent};
use crate::net::outcome::{FailureKind, Outcome};

const BEFORE_AGAIN: Duration = Duration::from_millis(100);

pub(super) const MOST_OF_A_CONTROL: u64 = 2;

/// Three notifications that no endpoint may acknowledge: their names and recipes.
const CLEARLY_BAD: [(&str, &[&str]); 3] = [
    ("without sign", &["success"]),
    ("signed with another key", &["success", "sign wrong-key"]),
    ("not JSON", &["success", "raw this is no JSON"]),
];

pub(super) const CLEARLY_BAD_COUNT: u64 = CLEARLY_BAD.len() as u64;

#[derive(Clone, Debug)]
pub(super) enum Control {
    Acknowledged(Sent),
    Refused { reason: String, sent: Option<Sent> },
    Unreachable(String),
}

impl Control {
    pub(super) fn verdict(&self) -> Option<Endpoint> {
        match self {
            Control::Acknowledged(_) => None,
            Control::Refused { reason, .. } => {
                Some(Endpoint::RefusesControl { reason: reason.clone() })
            }
            Control::Unreachable(reason) => Some(Endpoint::Unreachable { reason: reason.clone() }),
        }
    }

    pub(super) fn sent(&self) -> Option<&Sent> {
        match self {
            Control::Acknowledged(sent) => Some(sent),
            Control::Refused { sent, .. } => sent.as_ref(),
            Control::Unreachable(_) => None,
        }
    }
}

pub(super) struct Controls<'a> {
    workshop: &'a Workshop,
    sender: &'a Sender,
    count: AtomicU64,
}

impl<'a> Controls<'a> {
    pub(super) fn new(workshop: &'a Workshop, sender: &'a Sender) -> Self {
        Controls { workshop, sender, count: AtomicU64::new(0) }
    }

    pub(super) fn message(&self) -> Result<Message, String> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut history = History::new(&format!("control {number}"));
        self.workshop
            .message(&Recipe::control(), Timestamp::now(), &mut history)
            .map_err(|error| error.to_string())
    }

    /// Sends the control; where it is refused, the same bytes once more, as the platform does.
    pub(super) async fn ask(&self) -> Control {
        match self.message() {
            Ok(message) => self.send(&message).await,
            Err(reason) => Control::Refused { reason, sent: None },
        }
    }

    pub(super) async fn send(&self, message: &Message) -> Control {
        send_control(self.sender, message).await
    }

    pub(super) async fn acknowledges_everything(&self) -> Option<Vec<Sent>> {
        let mut history = History::new("clearly bad");
        let mut messages = Vec::new();
        for (label, lines) in CLEARLY_BAD {
            let operations = lines.iter().map(|line| (*line).to_owned()).collect();
            let message =
                self.workshop.message(&Recipe { operations }, Timestamp::now(), &mut history);
            messages.push((label, message.ok()?));
        }
        let send =
            |(label, message)| async move { self.sender.send(message, Manner::Plain, label).await };
        let sent = join_all(messages.iter().map(|(label, message)| send((*label, message)))).await;
        sent.iter().all(Sent::is_acknowledged).then_some(sent)
    }
}

pub(super) async fn send_control(sender: &Sender, message: &Message) -> Control {
    let first = sender.send(message, Manner::Plain, "control").await;
    if first.is_acknowledged() {
        return Control::Acknowledged(first);
    }
    tokio::time::sleep(BEFORE_AGAIN).await;
    let sent = sender.send(message, Manner::Plain, "control, again").await;
    if sent.is_acknowledged() {
        return Control::Acknowledged(sent);
    }
    match &sent.outcome {
        Outcome::NoReply(failure)
            if matches!(
                failure.kind,
                FailureKind::Resolve
                    | FailureKind::Refused
                    | FailureKind::Connect
                    | FailureKind::Tls
                    | FailureKind::Proxy
                    | FailureKind::HeldBack
            ) =>
        {
            Control::Unreachable(failure.explanation())
        }
        _ => Control::Refused { reason: sent.exchange.conclusion.clone(), sent: Some(sent) },
    }
}
