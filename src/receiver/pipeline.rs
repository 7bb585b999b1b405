//! The way of one callback: parsed once, verified, stored, forwarded and answered, while the referee
//! looks on. Every callback takes it in a task of its own.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::acknowledgement;
use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};
use protocol::internal::payload::PayloadMemory;

use super::broadcast::EntryBroadcast;
use super::callback::Callback;
use super::delivery_counter::{Orders, Seen};
use super::events::{Event, EventSender};
use super::forward::{Forwarder, reply_of};
use super::inbox::Inbox;
use super::received::{Forwarded, Judged, Live, Match, Received, Replied};
use super::referee::{Breach, Observation, Referee};
use super::replies::{Per, RequestContext, Runner, path_program};
use super::reply::Reply;
use super::server::event::ServerEvent;
use super::server::handler_output::{Answer, WireStep};
use super::server::wait;
use super::verify::{Contract, HEALTH_PATH, Parsed, Verdict};
use crate::clock::wall_time;
use crate::keyring::Keyring;
use crate::mask::Untrusted;
use crate::store::StoreError;

/// Whose reply the sender gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReplyFrom {
    /// The application's, as it is.
    App,
    /// The listener's.
    Listener,
}

pub struct Pipeline {
    pub contract: Contract,
    pub keys: Arc<Keyring>,
    /// Left by the last payload, whose names the next one most often has.
    pub memory: Mutex<PayloadMemory>,
    pub rule: AcknowledgementRule,
    pub orders: Mutex<Orders>,
    /// What is answered instead of the usual replies.
    pub program: Mutex<Option<Runner>>,
    pub inbox: Option<Arc<Inbox>>,
    pub forwarder: Option<Arc<Forwarder>>,
    pub reply_from: ReplyFrom,
    pub referee: Option<Mutex<Referee>>,
    pub broadcast: Option<EntryBroadcast>,
    /// How long the sender waits for a reply.
    pub sender_timeout: Duration,
    /// How many callbacks were refused since the inbox last took one.
    pub refused: AtomicU64,
    pub received: AtomicU64,
    pub has_told_probe: AtomicBool,
    pub events: EventSender,
    /// A program reads the canonical string of each callback, a person that of a mismatch.
    pub is_json: bool,
}

struct Inspected {
    received: Arc<Received>,
    answer: Answer,
    /// What is replied, where that is stored only once the application has answered.
    later: Option<Replied>,
    delay: Duration,
}

/// The longest wait that a path may ask for: whoever sends a request chooses it.
const MAX_PATH_WAIT: Duration = Duration::from_secs(60);

struct NotStored;

struct PlannedReply {
    answer: Answer,
    replied: Replied,
    delay: Duration,
}

/// What the referee is told once a reply is written.
#[derive(Clone, Copy)]
struct ReplyEnd {
    number: u64,
    received_at: Timestamp,
    acknowledges: bool,
    /// How long the writing takes.
    writing: Duration,
}

impl Pipeline {
    pub async fn receive(self: Arc<Self>, mut callback: Callback) -> Answer {
        // Boxed, as is what else happens seldom: each callback's future has room for all of them.
        if self.contract.is_probe(&callback) {
            return Box::pin(self.answer_probe(callback)).await;
        }
        // The server counts probes as well.
        callback.number = self.received.fetch_add(1, Ordering::Relaxed) + 1;
        let Inspected { mut received, answer, later, delay } = self.inspect(callback);
        match self.store(&received).await {
            Ok(id) => Arc::make_mut(&mut received).id = id,
            Err(NotStored) => return Box::pin(self.refuse(received)).await,
        }
        self.events.counters.count(&received, true);
        if let Some(replied) = later {
            Arc::make_mut(&mut received).replied = replied;
        }
        let answer = match &self.forwarder {
            Some(forwarder) => {
                let received = Arc::make_mut(&mut received);
                Box::pin(self.forward(forwarder, received, answer)).await
            }
            None => answer,
        };
        let end = self.referee.is_some().then(|| self.reply_end(&received, &answer));
        if let Some(end) = end.filter(|_| delay.is_zero()) {
            let breaches = self.notify_referee(end);
            if let Some(live) = &mut Arc::make_mut(&mut received).live {
                live.breaches.extend(breaches);
            }
        }
        if let Some(broadcast) = &self.broadcast {
            broadcast.send(Arc::clone(&received));
        }
        self.events.finish(received).await;
        if !delay.is_zero() {
            let is_connected = Box::pin(wait(delay)).await;
            // What is found only now is in the report at the end.
            if let Some(end) = end {
                // A reply that cannot be written acknowledges nothing.
                let acknowledges = end.acknowledges && is_connected;
                self.notify_referee(ReplyEnd { acknowledges, ..end });
            }
        }
        answer
    }

    async fn answer_probe(&self, callback: Callback) -> Answer {
        if callback.path.raw() == HEALTH_PATH {
            return Reply::new(200, "text/plain;charset=utf-8", "ok\n").into();
        }
        // Probes come for as long as a listener runs: the first is enough to know of them.
        if !self.has_told_probe.swap(true, Ordering::Relaxed) {
            let (remote, method) = (callback.remote, callback.method.raw().clone());
            self.events.send(Event::Server(ServerEvent::NotACallback { remote, method }));
        }
        let verdict = self.contract.inspect(&self.contract.payload(&callback), &self.keys);
        if path_program(callback.path.raw()).is_none() {
            return self.contract.reply(&verdict).into();
        }
        let PlannedReply { answer, delay, .. } = self.plan_reply(&callback, &verdict, None);
        wait(delay).await;
        answer
    }

    /// What a callback means and how it is answered, before anything is waited for.
    fn inspect(&self, callback: Callback) -> Inspected {
        let memory = mem::take(&mut *locked(&self.memory));
        let payload = self.contract.payload_in(&callback, memory);
        let verdict = self.contract.inspect(&payload, &self.keys);
        let order = verdict.order_id();
        let seen = order.map(|order| self.count_delivery(order, &callback));
        // The referee takes callbacks in the order of time.
        let breaches = self.observe(&callback, &payload, &verdict);
        let masked_canonical = self.masked_canonical(&payload, &verdict);
        if let Ok(payload) = payload {
            *locked(&self.memory) = payload.into_memory();
        }
        let PlannedReply { answer, replied, delay } = self.plan_reply(&callback, &verdict, order);
        // Nobody reads it where nothing is stored.
        let judged = self.inbox.as_ref().map(|_| judged(&verdict, seen)).unwrap_or_default();
        // What the application will answer is not known yet, and is recorded later.
        let (replied, later) = match self.application() {
            Some(_) => (Replied::default(), Some(replied)),
            None => (replied, None),
        };
        let live = Some(Live { verdict, seen, breaches, masked_canonical });
        let received = Received { id: 0, callback, judged, replied, forwarded: None, live };
        Inspected { received: Arc::new(received), answer, later, delay }
    }

    async fn refuse(&self, mut received: Arc<Received>) -> Answer {
        let reply = not_stored();
        let replied = replied_with(&reply, Some("not kept".to_owned()));
        Arc::make_mut(&mut received).replied = replied;
        let answer = reply.into();
        self.notify_referee(self.reply_end(&received, &answer));
        self.events.counters.count(&received, false);
        self.events.finish(received).await;
        answer
    }

    fn count_delivery(&self, order: &str, callback: &Callback) -> Seen {
        let mut orders = locked(&self.orders);
        let seen = orders.seen(order, callback.received_at);
        self.events.counters.know_orders(orders.met(), orders.forgotten());
        seen
    }

    fn masked_canonical(&self, payload: &Parsed<'_>, verdict: &Verdict) -> Option<String> {
        let (reading, payload) = (verdict.reading.as_ref()?, payload.as_ref().ok()?);
        let is_shown = self.is_json || reading.mismatch().is_some();
        (is_shown && !self.events.is_silent()).then(|| reading.masked_canonical(payload))
    }

    /// What is answered unless the application decides.
    fn plan_reply(
        &self,
        callback: &Callback,
        verdict: &Verdict,
        order: Option<&str>,
    ) -> PlannedReply {
        let auto = self.contract.reply(verdict);
        let place =
            RequestContext { order, connection: callback.remote, target: callback.path.raw() };
        let chosen = match path_program(callback.path.raw()) {
            Some(Ok(program)) => {
                let chosen = Runner::new(program, Per::All, 0, 1).next(place);
                chosen.with_waits_up_to(MAX_PATH_WAIT)
            }
            Some(Err(error)) => {
                let reply = Reply::new(404, "text/plain;charset=utf-8", format!("{error}\n"));
                let action = Some("a path that is not a reply program".to_owned());
                return plain(reply, action);
            }
            None => match locked(&self.program).as_mut() {
                Some(program) => program.next(place),
                None => return plain(auto, None),
            },
        };
        let (answer, replied) = chosen.answer(auto, &self.contract.dialect.success_reply);
        PlannedReply { answer, replied, delay: chosen.delay }
    }

    /// The number in the inbox, once the callback is durable there; 0 where nothing is stored.
    async fn store(&self, received: &Received) -> Result<u64, NotStored> {
        let Some(inbox) = &self.inbox else { return Ok(0) };
        match Box::pin(inbox.keep(received)).await {
            Ok(id) => {
                let refused = self.refused.swap(0, Ordering::Relaxed);
                if refused > 0 {
                    self.events.send(Event::StoredAgain { refused });
                }
                Ok(id)
            }
            Err(error) => {
                if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                    self.events.send(Event::NotStored(error));
                }
                Err(NotStored)
            }
        }
    }

    /// Deletes the callbacks up to this number, or all that have come, and counts deliveries and the
    /// program's steps from the beginning. The referee and the summary still count what came.
    pub async fn reset(&self, through: Option<u64>) -> Result<u64, StoreError> {
        let Some(inbox) = &self.inbox else { return Ok(0) };
        let deleted = inbox.delete_through(through).await?;
        locked(&self.orders).forget_all();
        if let Some(program) = locked(&self.program).as_mut() {
            program.restart();
        }
        if let Some(broadcast) = &self.broadcast {
            broadcast.reload();
        }
        self.events.send(Event::Changed(match deleted {
            1 => "1 callback was deleted from the inbox through the API".to_owned(),
            _ => format!("{deleted} callbacks were deleted from the inbox through the API"),
        }));
        Ok(deleted)
    }

    /// Whether the application's reply is given back, so that a program would decide nothing.
    pub fn application(&self) -> Option<&Forwarder> {
        self.forwarder.as_deref().filter(|_| self.reply_from == ReplyFrom::App)
    }

    async fn forward(
        &self,
        forwarder: &Forwarder,
        received: &mut Received,
        answer: Answer,
    ) -> Answer {
        let forwarded = forwarder.forward(&received.callback).await;
        let answer = match self.reply_from {
            ReplyFrom::Listener => answer,
            ReplyFrom::App => {
                let reply = reply_of(&forwarded);
                let action = Some("the application's reply".to_owned());
                received.replied = replied_with(&reply, action);
                reply.into()
            }
        };
        self.record(received.id, &forwarded, &received.replied).await;
        received.forwarded = Some(forwarded);
        answer
    }

    async fn record(&self, id: u64, forwarded: &Forwarded, replied: &Replied) {
        let Some(inbox) = &self.inbox else { return };
        let mut result = inbox.record_forward(id, forwarded).await;
        if result.is_ok() && self.application().is_some() {
            result = inbox.record_reply(id, replied).await;
        }
        if let Err(error) = result.and_then(|()| inbox.late()) {
            self.events.send(Event::NotRecorded(error));
        }
    }

    fn observe(&self, callback: &Callback, payload: &Parsed<'_>, verdict: &Verdict) -> Vec<Breach> {
        let Some(referee) = &self.referee else { return Vec::new() };
        if verdict.reading.as_ref().is_some_and(|reading| reading.mismatch().is_some()) {
            return Vec::new();
        }
        locked(referee).observe(&Observation::of(callback, payload, &self.contract))
    }

    fn reply_end(&self, received: &Received, answer: &Answer) -> ReplyEnd {
        let Received { callback: Callback { number, received_at, .. }, replied, .. } = received;
        ReplyEnd {
            number: *number,
            received_at: *received_at,
            acknowledges: self.acknowledges(replied),
            writing: writing_time(answer),
        }
    }

    /// Tells the referee how the callback is answered, given how long the writing takes from now.
    ///
    /// A reply that comes later than a sender waits is not an acknowledgement: it may have given up.
    fn notify_referee(&self, end: ReplyEnd) -> Vec<Breach> {
        let Some(referee) = &self.referee else { return Vec::new() };
        let now = wall_time();
        let at = now.checked_add(end.writing).unwrap_or(now);
        let took = Duration::try_from(at.duration_since(end.received_at)).unwrap_or_default();
        let mut referee = locked(referee);
        match (end.acknowledges, took < self.sender_timeout) {
            (true, true) => return referee.acknowledged(end.number, at),
            (true, false) => referee.acknowledged_late(end.number, at),
            (false, _) => referee.ended(end.number, at),
        }
        Vec::new()
    }

    fn acknowledges(&self, replied: &Replied) -> bool {
        let Some(status) = replied.status else { return false };
        let whole = |(name, value): &(String, Vec<u8>)| {
            !name.eq_ignore_ascii_case("content-length")
                || *value == replied.body.len().to_string().into_bytes()
        };
        if !replied.headers.iter().all(whole) {
            return false;
        }
        let named = |name: &str| {
            let header = replied.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            header.and_then(|(_, value)| String::from_utf8(value.clone()).ok())
        };
        let reply = acknowledgement::Reply {
            status,
            content_type: named("content-type"),
            body: replied.body.to_vec(),
            ..acknowledgement::Reply::default()
        };
        matches!(self.rule.judge(&reply), Conclusion::Acknowledged(_))
    }
}

fn writing_time(answer: &Answer) -> Duration {
    let Answer::Wire(script) = answer else { return Duration::ZERO };
    let pauses = script.steps.iter().map(|step| match step {
        WireStep::Pause(time) => *time,
        WireStep::Write(_) => Duration::ZERO,
    });
    pauses.fold(Duration::ZERO, Duration::saturating_add)
}

fn plain(reply: Reply, action: Option<String>) -> PlannedReply {
    let replied = replied_with(&reply, action);
    PlannedReply { answer: reply.into(), replied, delay: Duration::ZERO }
}

fn replied_with(reply: &Reply, action: Option<String>) -> Replied {
    let Reply { status, headers, body } = reply.clone();
    Replied { status: Some(status), headers, body, action }
}

fn not_stored() -> Reply {
    Reply::new(503, "text/plain;charset=utf-8", "the callback could not be kept, try again later\n")
}

fn judged(verdict: &Verdict, seen: Option<Seen>) -> Judged {
    let code = verdict.code.code().to_owned();
    let delivery = seen.map(|seen| seen.delivery);
    let Some(reading) = &verdict.reading else {
        return Judged { code, explanation: verdict.explanation(), delivery, ..Judged::default() };
    };
    Judged {
        code,
        signature: Some(Match::of(reading.mismatch())),
        explanation: verdict.explanation(),
        order_id: reading.notification.order_id.clone().map(Untrusted::new),
        status: reading.notification.status_code,
        amount_cents: reading.notification.amount_cents,
        delivery,
    }
}

/// The value behind a lock; each is whole after every statement, so a panic elsewhere spoils none.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::receiver::events::OutputPolicy;
    use crate::receiver::example;
    use crate::receiver::inbox::{InboxReader, InboxSettings};
    use crate::receiver::referee::Rules;
    use crate::receiver::verify::PARSES;
    use crate::store::tests::Folder;

    #[tokio::test]
    async fn callback_is_parsed_once_whoever_reads_it() {
        let folder = Folder::new();
        let path = folder.file("inbox.db");
        let (sender, mut events) = mpsc::channel(9);
        let policy = OutputPolicy::Everything;
        let pipeline = Arc::new(Pipeline {
            contract: Contract::default(),
            keys: Arc::new(protocol::Key::try_new("ThisIsYourSecretKey123").unwrap().into()),
            memory: Mutex::default(),
            rule: AcknowledgementRule::default(),
            orders: Mutex::default(),
            program: Mutex::default(),
            inbox: Some(Arc::new(Inbox::open(&path, InboxSettings::default()).unwrap())),
            forwarder: None,
            reply_from: ReplyFrom::Listener,
            referee: Some(Mutex::new(Referee::new(Rules::default()))),
            broadcast: Some(EntryBroadcast::new()),
            sender_timeout: Duration::from_secs(10),
            refused: AtomicU64::new(0),
            received: AtomicU64::new(0),
            has_told_probe: AtomicBool::new(false),
            events: EventSender::new(policy, sender, mpsc::channel(2).0, None, Arc::default()),
            is_json: true,
        });
        let signed = protocol::sign(br#"{"payout_id":"P"}"#, pipeline.keys.first()).unwrap();
        let forged = r#"{"payout_id":"P","sign":"00000000000000000000000000000000"}"#;
        for (body, code) in [(&*signed, "0002"), (forged, "0004"), ("{", "0021")] {
            let before = PARSES.get();
            let callback = example::entry(1, "P", body.as_bytes()).callback.clone();
            Arc::clone(&pipeline).receive(callback).await;
            assert_eq!(PARSES.get() - before, 1, "{body}");
            let Some(Event::Callback(received, _)) = events.recv().await else { panic!("{body}") };
            assert_eq!(received.judged.code, code);
            let live = received.live.as_ref().unwrap();
            assert_eq!(live.masked_canonical.is_some(), code != "0021", "{body}");
            // The inbox has the same, but for what only the listener knows.
            let stored = InboxReader::open(&path).unwrap().entry(received.id).unwrap().unwrap();
            assert_eq!(stored, Received { live: None, ..(*received).clone() });
        }
    }
}
