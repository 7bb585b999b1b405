//! Sends the messages of a check, each in its way, at the requested pace.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use protocol::internal::acknowledgement::Conclusion;

use super::case::{Manner, Message};
use super::pace::Pacer;
use super::report::{ACKNOWLEDGED, Exchange, Received};
use crate::mask::Untrusted;
use crate::net::client::Client;
use crate::net::options::{Connections, HeaderRule, Loss, RequestOptions, Upload, parse_method};
use crate::net::outcome::{FailureKind, Outcome, TimedOutcome};
use crate::net::phases::Phases;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::sender::judge::Judge;
use crate::units::percent::Percent;
use crate::units::rate::Rate;

const MAX_KEPT_BODY: usize = 4096;

#[derive(Clone, Debug)]
pub struct Wiring {
    pub target: Target,
    pub judge: Judge,
    pub client: Client,
    pub options: Arc<RequestOptions>,
    /// How many requests may start in a time; `None` where nothing holds them back.
    pub rate: Option<Rate>,
    /// Sees each body that is sent, and what came of it.
    pub witness: Option<Witness>,
}

type See = dyn Fn(&[u8], &Outcome) + Send + Sync;

#[derive(Clone)]
pub struct Witness(Arc<See>);

impl Witness {
    pub fn new(see: impl Fn(&[u8], &Outcome) + Send + Sync + 'static) -> Self {
        Witness(Arc::new(see))
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) exchange: Exchange,
    pub(super) outcome: Outcome,
    /// `None` where no reply arrived.
    pub(super) conclusion: Option<Conclusion>,
}

impl Sent {
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(&self.outcome, Outcome::NoReply(failure)
            if matches!(failure.kind, FailureKind::Reset | FailureKind::ClosedEarly))
    }

    pub(super) fn is_timed_out(&self) -> bool {
        matches!(&self.outcome, Outcome::NoReply(failure) if failure.kind == FailureKind::Timeout)
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self.conclusion, Some(Conclusion::Acknowledged(_)))
    }
}

pub(super) struct Sender {
    wiring: Wiring,
    pacer: Pacer,
    sent: AtomicU64,
    kept_back: Mutex<(u64, String)>,
}

impl Sender {
    pub(super) fn new(wiring: Wiring) -> Self {
        let pacer = Pacer::new(wiring.rate);
        Sender { wiring, pacer, sent: AtomicU64::new(0), kept_back: Mutex::default() }
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
        self.count().await;
        let start = Instant::now();
        let request = self.request(message, self.options(message, manner));
        let (outcome, conclusion, phases) = self.conclude(&request).await;
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
            manner: in_words(manner, &message.query),
            received: match &outcome {
                Outcome::Reply(reply) => Ok(Received {
                    status: reply.status,
                    content_type: reply.content_type.clone(),
                    body: reply.body.iter().take(MAX_KEPT_BODY).copied().collect(),
                }),
                Outcome::NoReply(failure) => Err(failure.explanation()),
            },
            conclusion: match outcome.explanation(conclusion.as_ref()) {
                None => ACKNOWLEDGED.to_owned(),
                Some(why) => format!("not acknowledged: {why}"),
            },
            elapsed,
            phases,
        };
        Sent { exchange, outcome, conclusion }
    }

    fn request(&self, message: &Message, options: Arc<RequestOptions>) -> Request {
        let ids = [("payout_id", &*message.order_id), ("payout_cl_id", &*message.client_id)];
        let set = message.headers.iter().filter(|(_, value)| !value.is_empty());
        let url = self.wiring.target.fill(&ids).with_query(&message.query);
        Request::new(url, options, message.body.as_slice())
            .with_headers(&set.cloned().collect::<Vec<_>>())
    }

    fn options(&self, message: &Message, manner: Manner) -> Arc<RequestOptions> {
        let mut options = RequestOptions::clone(&self.wiring.options);
        match manner {
            Manner::Plain => {}
            Manner::Fresh => options.connections = Connections::Fresh,
            Manner::Chunked => options.is_chunked = true,
            Manner::Slowly(milliseconds) => {
                options.upload = Upload::Over(Duration::from_millis(milliseconds.into()));
            }
            Manner::HalfClosed => options.is_half_closed = true,
            Manner::ExpectContinue => options.awaits_continue = true,
            Manner::ReplyLost => options.loss = Some(Loss { share: Percent::ALL, seed: 0 }),
        }
        if let Ok(method) = parse_method(&message.method) {
            options.method = method;
        }
        let omitted = message.headers.iter().filter(|(_, value)| value.is_empty());
        options
            .headers
            .extend(omitted.map(|(name, _)| HeaderRule { name: name.clone(), value: None }));
        Arc::new(options)
    }

    /// Sends a message on a connection that is kept for the next one.
    pub(super) async fn send_on_kept(&self, message: &Message) -> (Outcome, Option<Conclusion>) {
        self.count().await;
        let mut options = RequestOptions::clone(&self.wiring.options);
        options.connections = Connections::Reused;
        let request = self.request(message, Arc::new(options));
        let (outcome, conclusion, _) = self.conclude(&request).await;
        (outcome, conclusion)
    }

    async fn conclude(&self, request: &Request) -> (Outcome, Option<Conclusion>, Phases) {
        let TimedOutcome { outcome, phases } = self.wiring.client.send(request).await;
        if let Some(Witness(see)) = &self.wiring.witness {
            see(&request.body, &outcome);
        }
        let (outcome, conclusion) = self.wiring.judge.conclude(outcome);
        (outcome, conclusion, phases)
    }

    async fn count(&self) {
        self.pacer.wait().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
    }
}

fn in_words(manner: Manner, query: &str) -> String {
    let words = match manner {
        Manner::Plain => String::new(),
        Manner::Chunked => "in chunks".to_owned(),
        Manner::Slowly(milliseconds) => format!("the body spread over {milliseconds} ms"),
        Manner::HalfClosed => "the writing side shut after it".to_owned(),
        Manner::ExpectContinue => "with Expect: 100-continue".to_owned(),
        Manner::ReplyLost => "the reply thrown away".to_owned(),
        Manner::Fresh => "on a connection of its own".to_owned(),
    };
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("with ?{} in the URL", Untrusted::new(query))
    };
    let parts = [words, query].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}
