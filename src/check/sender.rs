//! Sends the messages of a check, each in its manner, at the pace that was asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};

use super::case::{Manner, Message};
use super::pace::Pacer;
use super::report::{Exchange, Received};
use crate::mask::KeyMask;
use crate::net::http::{HttpSettings, HttpTransport, TransportError};
use crate::net::outcome::{FailureKind, Outcome, TransportFailure};
use crate::net::transport::{Request, Target, Transport};
use crate::net::wire_settings::{
    Connections, Framing, GoAhead, HeaderRule, Loss, Upload, Verb, WireSettings, WriteSide,
};
use crate::units::percent::Percent;
use crate::units::rate::Rate;

const MAX_KEPT_BODY: usize = 4096;

#[derive(Clone, Debug)]
pub struct Wiring {
    pub target: Target,
    pub acknowledgement: AcknowledgementRule,
    pub mask: Arc<KeyMask>,
    pub wire: WireSettings,
    pub timeout: Duration,
    /// How many requests may start in a time; `None` where nothing holds them back.
    pub rate: Option<Rate>,
}

#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) exchange: Exchange,
    pub(super) outcome: Outcome,
    /// `None` where no reply arrived.
    pub(super) conclusion: Option<Conclusion>,
}

impl Sent {
    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self.conclusion, Some(Conclusion::Acknowledged(_)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    manner: Manner,
    method: String,
    /// Headers that are left out, in lower case.
    omitted: Vec<String>,
}

pub(super) struct Sender {
    wiring: Wiring,
    transports: Mutex<Vec<(Route, HttpTransport)>>,
    pacer: Pacer,
    sent: AtomicU64,
    kept_back: Mutex<(u64, String)>,
}

impl Sender {
    pub(super) fn try_new(wiring: Wiring) -> Result<Self, TransportError> {
        let pacer = Pacer::new(wiring.rate);
        let sender = Sender {
            wiring,
            transports: Mutex::default(),
            pacer,
            sent: AtomicU64::new(0),
            kept_back: Mutex::default(),
        };
        let usual = Route { manner: Manner::Plain, method: "POST".to_owned(), omitted: Vec::new() };
        sender.transport(usual)?;
        Ok(sender)
    }

    pub(super) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn kept_back(&self) -> (u64, String) {
        self.kept_back.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn send(&self, message: &Message, manner: Manner, label: &str) -> Sent {
        self.pacer.wait().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let (outcome, conclusion) = self.outcome(message, manner).await;
        let elapsed = start.elapsed();
        if let Some(why) = outcome.failed_before_the_merchant() {
            let mut kept = self.kept_back.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = (kept.0 + 1, why);
        }
        let exchange = Exchange {
            label: label.to_owned(),
            method: message.method.clone(),
            headers: message.headers.clone(),
            body: message.body.clone(),
            manner: in_words(manner),
            received: match &outcome {
                Outcome::Reply(reply) => Ok(Received {
                    status: reply.status,
                    content_type: reply.content_type.clone(),
                    body: reply.body.iter().take(MAX_KEPT_BODY).copied().collect(),
                }),
                Outcome::NoReply(failure) => Err(failure.explanation()),
            },
            conclusion: match outcome.explanation(conclusion.as_ref()) {
                None => "acknowledged".to_owned(),
                Some(why) => format!("not acknowledged: {why}"),
            },
            elapsed,
        };
        Sent { exchange, outcome, conclusion }
    }

    async fn outcome(&self, message: &Message, manner: Manner) -> (Outcome, Option<Conclusion>) {
        let (omitted, set): (Vec<_>, Vec<_>) =
            message.headers.iter().cloned().partition(|(_, value)| value.is_empty());
        let mut omitted: Vec<String> =
            omitted.into_iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        omitted.sort_unstable();
        let route = Route { manner, method: message.method.clone(), omitted };
        match self.transport(route) {
            Ok(transport) => {
                let request = Request {
                    url: self.wiring.target.clone(),
                    headers: set,
                    body: message.body.as_slice().into(),
                    acknowledgement: self.wiring.acknowledgement.clone(),
                    mask: Arc::clone(&self.wiring.mask),
                };
                request.conclude(transport.send(&request).await)
            }
            Err(error) => {
                let failure = TransportFailure::new(FailureKind::Other, &error.to_string());
                (Outcome::NoReply(failure), None)
            }
        }
    }

    fn transport(&self, route: Route) -> Result<HttpTransport, TransportError> {
        let mut known = self.transports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, transport)) = known.iter().find(|(one, _)| *one == route) {
            return Ok(transport.clone());
        }
        let wire = wire_for(&self.wiring.wire, &route);
        let settings = HttpSettings { timeout: self.wiring.timeout, wire };
        let transport = HttpTransport::try_new(&self.wiring.target, settings)?;
        known.push((route, transport.clone()));
        Ok(transport)
    }

    pub(super) fn keeping(&self) -> Result<HttpTransport, TransportError> {
        let mut wire = self.wiring.wire.clone();
        wire.connections = Connections::Reused;
        let settings = HttpSettings { timeout: self.wiring.timeout, wire };
        HttpTransport::try_new(&self.wiring.target, settings)
    }

    pub(super) async fn count(&self) {
        self.pacer.wait().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
    }
}

fn wire_for(base: &WireSettings, route: &Route) -> WireSettings {
    let mut wire = base.clone();
    match route.manner {
        Manner::Plain => {}
        Manner::Fresh => wire.connections = Connections::Fresh,
        Manner::Chunked => wire.framing = Framing::Chunked,
        Manner::Slowly(milliseconds) => {
            wire.upload = Upload::Over(Duration::from_millis(milliseconds.into()));
        }
        Manner::HalfClosed => wire.write_side = WriteSide::HalfClosed,
        Manner::ExpectContinue => wire.go_ahead = GoAhead::Awaited,
        Manner::ReplyLost => wire.loss = Some(Loss { share: Percent::ALL, seed: 0 }),
    }
    if route.method != "POST" {
        wire.method = Verb::parse(&route.method).ok();
    }
    wire.headers.extend(route.omitted.iter().map(|name| HeaderRule::Omit { name: name.clone() }));
    wire
}

fn in_words(manner: Manner) -> String {
    match manner {
        Manner::Plain => String::new(),
        Manner::Chunked => "in chunks".to_owned(),
        Manner::Slowly(milliseconds) => format!("the body spread over {milliseconds} ms"),
        Manner::HalfClosed => "the writing side shut after it".to_owned(),
        Manner::ExpectContinue => "with Expect: 100-continue".to_owned(),
        Manner::ReplyLost => "the reply thrown away".to_owned(),
        Manner::Fresh => "on a connection of its own".to_owned(),
    }
}
