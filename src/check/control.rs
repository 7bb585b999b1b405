//! The known-good control: whether an endpoint can say yes, and whether it can say no.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::case::{Manner, Message};
use super::prepare::Preparer;
use super::recipe::{History, Recipe, Workshop};
use super::refusal::{advice, is_other_acknowledgement};
use super::report::Endpoint;
use super::sender::{Sender, Sent};
use crate::clock::wall_time;
use crate::net::outcome::{FailureKind, Outcome};

const BEFORE_AGAIN: Duration = Duration::from_millis(100);

pub(super) const MOST_OF_A_CONTROL: u64 = 2;

/// Three notifications that no endpoint may acknowledge: their names and recipes.
const CLEARLY_BAD: [(&str, &[&str]); 3] = [
    ("without sign", &["success"]),
    ("signed with another key", &["same-order success", "sign wrong-key"]),
    ("not JSON", &["same-order success", "raw this is no JSON"]),
];

/// Other forms of the control, to see which one a merchant takes.
const VARIANTS: [(&str, &[&str]); 3] = [
    ("without real_amount", &["success", "unset real_amount", "sign"]),
    (
        "with numbers as strings",
        &[
            "success",
            "set amount \"{amount}\"",
            "set real_amount \"{amount}\"",
            "set fee \"95\"",
            "set status \"{success}\"",
            "sign",
        ],
    ),
    ("with status 2, as the deposit notification has it", &["success", "set status 2", "sign"]),
];

pub(super) const VARIANT_COUNT: u64 = VARIANTS.len() as u64;

pub(super) const CLEARLY_BAD_COUNT: u64 = CLEARLY_BAD.len() as u64;

/// What came of the control: the reply that was looked at, and what it says against the endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Control {
    pub(super) sent: Option<Sent>,
    pub(super) message: Option<Message>,
    /// `None` where it was acknowledged.
    pub(super) verdict: Option<Endpoint>,
}

impl Control {
    pub(super) fn refused(reason: String, sent: Option<Sent>) -> Control {
        Control { sent, message: None, verdict: Some(Endpoint::RefusesControl { reason }) }
    }
}

pub(super) struct Controls<'a> {
    workshop: &'a Workshop,
    pub(super) sender: &'a Sender,
    pub(super) preparer: &'a Preparer<'a>,
    count: AtomicU64,
}

impl<'a> Controls<'a> {
    pub(super) fn new(
        workshop: &'a Workshop,
        sender: &'a Sender,
        preparer: &'a Preparer<'a>,
    ) -> Self {
        Controls { workshop, sender, preparer, count: AtomicU64::new(0) }
    }

    pub(super) async fn message(&self) -> Result<Message, String> {
        self.make(&Recipe::control()).await
    }

    /// An ordinary failure, which moves money as a success does.
    pub(super) async fn failure(&self) -> Result<Message, String> {
        self.make(&Recipe::of(&["failed", "sign"])).await
    }

    async fn make(&self, recipe: &Recipe) -> Result<Message, String> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut history = History::new(&format!("control {number}"));
        let message = self.workshop.message(recipe, wall_time(), &mut history);
        let message = message.map_err(|error| error.problem)?;
        self.preparer.prepare(&[history.own_order()]).await?;
        Ok(message)
    }

    pub(super) async fn ask(&self) -> Control {
        match self.message().await {
            Ok(message) => send_control(self.sender, &message).await,
            Err(reason) => Control::refused(reason, None),
        }
    }

    /// Says what a refused control means, and which other form of it is taken.
    pub(super) async fn explain(&self, control: Control) -> Control {
        let (Some(sent), Some(Endpoint::RefusesControl { reason })) =
            (&control.sent, &control.verdict)
        else {
            return control;
        };
        let Some(message) = &control.message else { return control };
        let signed = self.workshop.signed_text(message);
        let mut reason = format!("{reason}: {}", advice(sent, message, &signed));
        for (name, lines) in VARIANTS {
            if is_other_acknowledgement(sent) {
                break;
            }
            let Ok(variant) = self.make(&Recipe::of(lines)).await else { continue };
            if self.sender.send(&variant, Manner::Plain, name).await.is_acknowledged() {
                reason =
                    format!("it takes the same notification {name}, and not this one; {reason}");
                break;
            }
        }
        Control { verdict: Some(Endpoint::RefusesControl { reason }), ..control }
    }

    pub(super) async fn acknowledges_everything(&self) -> Option<Vec<Sent>> {
        let mut history = History::new("clearly bad");
        let mut messages = Vec::new();
        for (label, lines) in CLEARLY_BAD {
            let recipe = Recipe::of(lines);
            let message = self.workshop.message(&recipe, wall_time(), &mut history);
            messages.push((label, message.ok()?));
        }
        self.preparer.prepare(&[history.own_order()]).await.ok()?;
        let mut all = Vec::new();
        for (label, message) in &messages {
            let sent = self.sender.send(message, Manner::Plain, label).await;
            if !sent.is_acknowledged() {
                return None;
            }
            all.push(sent);
        }
        Some(all)
    }
}

/// Sends the control; where it is refused, the same bytes once more, as the platform does.
pub(super) async fn send_control(sender: &Sender, message: &Message) -> Control {
    let mut sent = sender.send(message, Manner::Plain, "control").await;
    if !sent.is_acknowledged() {
        tokio::time::sleep(BEFORE_AGAIN).await;
        sent = sender.send(message, Manner::Plain, "control, again").await;
    }
    if sent.is_acknowledged() {
        return Control { sent: Some(sent), ..Control::default() };
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
            let reason = failure.explanation();
            Control { verdict: Some(Endpoint::Unreachable { reason }), ..Control::default() }
        }
        _ => Control {
            message: Some(message.clone()),
            ..Control::refused(sent.exchange.conclusion.clone(), Some(sent))
        },
    }
}
