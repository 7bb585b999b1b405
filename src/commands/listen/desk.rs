//! The way of one callback: judged, kept, sent on, answered. Every callback takes it in a task of
//! its own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use protocol::Key;
use protocol::internal::acknowledgement;
use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};

use super::args::ReplyFrom;
use super::outlet::{Event, Handled, Kept, Outlet};
use crate::receiver::broadcast::EntryBroadcast;
use crate::receiver::callback::Callback;
use crate::receiver::delivery_counter::{Orders, Seen};
use crate::receiver::forward::{Forwarder, reply_of};
use crate::receiver::inbox::entry::{Entry, Forwarded, Judged, Match, Replied};
use crate::receiver::inbox::{Inbox, NewEntry};
use crate::receiver::referee::{Breach, Observation, Referee};
use crate::receiver::replies::{Per, Place, Runner, path_program};
use crate::receiver::reply::Reply;
use crate::receiver::server::handler_output::{Answer, WireStep};
use crate::receiver::verify::{Contract, Verdict};

pub(super) struct Desk {
    pub(super) contract: Contract,
    pub(super) key: Arc<Key>,
    pub(super) rule: AcknowledgementRule,
    pub(super) orders: Mutex<Orders>,
    pub(super) program: Option<Mutex<Runner>>,
    pub(super) inbox: Option<Arc<Inbox>>,
    pub(super) forwarder: Option<Arc<Forwarder>>,
    pub(super) reply_from: ReplyFrom,
    pub(super) referee: Option<Mutex<Referee>>,
    pub(super) news: Option<EntryBroadcast>,
    pub(super) patience: Duration,
    pub(super) refused: AtomicU64,
}

struct Opened {
    handled: Box<Handled>,
    answer: Answer,
    later: Option<Replied>,
    delay: Duration,
}

struct NotKept;

struct Plan {
    answer: Answer,
    replied: Replied,
    delay: Duration,
}

impl Desk {
    pub(super) async fn receive(
        self: Arc<Self>,
        callback: Callback,
        outlet: Arc<Outlet>,
    ) -> Answer {
        let Opened { mut handled, answer, later, delay } = self.judge(callback, &outlet);
        match self.keep(&handled.entry, &outlet).await {
            Ok(id) => handled.inbox_id = id,
            Err(NotKept) => return self.refuse(handled, &outlet).await,
        }
        if let Some(replied) = later {
            handled.entry.replied = replied;
        }
        let answer = match &self.forwarder {
            Some(forwarder) => {
                Box::pin(self.send_on(forwarder, &mut handled, answer, &outlet)).await
            }
            None => answer,
        };
        let writing = writing_time(&answer);
        if delay.is_zero() {
            let NewEntry { callback, replied, .. } = &handled.entry;
            let breaches = self.ended(callback, replied, writing);
            handled.breaches.extend(breaches);
        }
        self.show_on_page(&handled);
        let late = (!delay.is_zero()).then(|| Box::new(handled.entry.clone()));
        outlet.show(handled, Kept::Yes).await;
        if let Some(entry) = late {
            Box::pin(tokio::time::sleep(delay)).await;
            // What is found only now is in the report at the end.
            self.ended(&entry.callback, &entry.replied, writing);
        }
        answer
    }

    /// What a callback means and how it is answered, before anything is waited for.
    ///
    /// All that is large goes into one box, which stays where it is to the end: the task of a callback
    /// is made anew each time, and what it holds would be copied from step to step.
    fn judge(&self, callback: Callback, outlet: &Outlet) -> Opened {
        let verdict = self.contract.inspect(&callback, &self.key);
        let order = verdict.reading.as_ref().and_then(|r| r.notification.order_id.as_deref());
        let seen = order.map(|order| self.seen(order, &callback, outlet));
        // The referee wants callbacks in the order of time.
        let breaches = self.observe(&callback, &verdict);
        let Plan { answer, replied, delay } = self.plan(&callback, &verdict, order);
        // Nobody looks at it where nothing is kept.
        let judged = self.inbox.as_ref().map(|_| judged(&verdict, seen)).unwrap_or_default();
        // What the application will answer is not known yet, and is recorded later.
        let (replied, later) = match self.application() {
            Some(_) => (Replied::default(), Some(replied)),
            None => (replied, None),
        };
        let entry = NewEntry { callback, judged, replied };
        let (inbox_id, forwarded) = (None, None);
        let handled = Box::new(Handled { entry, verdict, seen, inbox_id, forwarded, breaches });
        Opened { handled, answer, later, delay }
    }

    async fn refuse(&self, mut handled: Box<Handled>, outlet: &Outlet) -> Answer {
        let reply = not_kept();
        handled.entry.replied = replied_with(&reply, Some("not kept".to_owned()));
        self.ended(&handled.entry.callback, &handled.entry.replied, Duration::ZERO);
        outlet.show(handled, Kept::No).await;
        reply.into()
    }

    fn seen(&self, order: &str, callback: &Callback, outlet: &Outlet) -> Seen {
        let mut orders = locked(&self.orders);
        let seen = orders.seen(order, callback.received_at);
        outlet.tally.know_orders(orders.len());
        seen
    }

    fn show_on_page(&self, handled: &Handled) {
        let Some(news) = &self.news else { return };
        let NewEntry { callback, judged, replied } = handled.entry.clone();
        let id = handled.inbox_id.unwrap_or(callback.number);
        let forwarded = handled.forwarded.clone();
        news.send(Arc::new(Entry { id, callback, judged, replied, forwarded }));
    }

    /// What is answered unless the application decides.
    fn plan(&self, callback: &Callback, verdict: &Verdict, order: Option<&str>) -> Plan {
        let auto = self.contract.reply(verdict);
        let place = Place { order, connection: callback.remote, target: &callback.path };
        let chosen = match (&self.program, path_program(&callback.path)) {
            (None, None) => None,
            (_, Some(Ok(program))) => Some(Runner::new(program, Per::All, 0, 1).next(place)),
            (_, Some(Err(error))) => {
                let reply = Reply::new(404, "text/plain;charset=utf-8", format!("{error}\n"));
                let action = Some("a path that is no reply program".to_owned());
                return plain(reply, action);
            }
            (Some(program), None) => Some(locked(program).next(place)),
        };
        match chosen {
            None => plain(auto, None),
            Some(chosen) => {
                let (answer, replied) = chosen.answer(auto, &self.contract.dialect.success_reply);
                Plan { answer, replied, delay: chosen.delay }
            }
        }
    }

    /// The entry's number once it is durable; nothing where nothing is kept.
    async fn keep(&self, entry: &NewEntry, outlet: &Outlet) -> Result<Option<u64>, NotKept> {
        let Some(inbox) = &self.inbox else { return Ok(None) };
        match inbox.keep(entry).await {
            Ok(id) => {
                let refused = self.refused.swap(0, Ordering::Relaxed);
                if refused > 0 {
                    outlet.tell(Event::KeptAgain(refused));
                }
                Ok(Some(id))
            }
            Err(error) => {
                if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                    outlet.tell(Event::NotKept(error));
                }
                Err(NotKept)
            }
        }
    }

    fn application(&self) -> Option<&Forwarder> {
        self.forwarder.as_deref().filter(|_| self.reply_from == ReplyFrom::App)
    }

    async fn send_on(
        &self,
        forwarder: &Forwarder,
        handled: &mut Handled,
        answer: Answer,
        outlet: &Outlet,
    ) -> Answer {
        let forwarded = forwarder.forward(&handled.entry.callback).await;
        let answer = match self.reply_from {
            ReplyFrom::Listener => answer,
            ReplyFrom::App => {
                let reply = reply_of(&forwarded);
                let action = Some("the application's reply".to_owned());
                handled.entry.replied = replied_with(&reply, action);
                reply.into()
            }
        };
        self.record(handled.inbox_id, &forwarded, &handled.entry.replied, outlet).await;
        handled.forwarded = Some(forwarded);
        answer
    }

    async fn record(
        &self,
        id: Option<u64>,
        forwarded: &Forwarded,
        replied: &Replied,
        outlet: &Outlet,
    ) {
        let (Some(inbox), Some(id)) = (&self.inbox, id) else { return };
        let mut result = inbox.record_forward(id, forwarded).await;
        if result.is_ok() && self.application().is_some() {
            result = inbox.record_reply(id, replied).await;
        }
        if let Err(error) = result.and_then(|()| inbox.late()) {
            outlet.tell(Event::NotRecorded(error));
        }
    }

    fn observe(&self, callback: &Callback, verdict: &Verdict) -> Vec<Breach> {
        let Some(referee) = &self.referee else { return Vec::new() };
        if verdict.reading.as_ref().is_some_and(|reading| reading.mismatch().is_some()) {
            return Vec::new();
        }
        let observation = Observation::of(callback, &self.contract);
        locked(referee).observe(&observation)
    }

    /// Tells the referee how the callback is answered, given how long the writing takes from now.
    ///
    /// A reply that comes later than a sender waits is no acknowledgement: it may have given up.
    fn ended(&self, callback: &Callback, replied: &Replied, writing: Duration) -> Vec<Breach> {
        let Some(referee) = &self.referee else { return Vec::new() };
        let now = Timestamp::now();
        let at = now.checked_add(writing).unwrap_or(now);
        let took = Duration::try_from(at.duration_since(callback.received_at)).unwrap_or_default();
        if took < self.patience && self.acknowledges(replied) {
            return locked(referee).acknowledged(callback.number, at);
        }
        locked(referee).ended(callback.number, at);
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

fn plain(reply: Reply, action: Option<String>) -> Plan {
    let replied = replied_with(&reply, action);
    Plan { answer: reply.into(), replied, delay: Duration::ZERO }
}

fn replied_with(reply: &Reply, action: Option<String>) -> Replied {
    let Reply { status, headers, body } = reply.clone();
    Replied { status: Some(status), headers, body, action }
}

fn not_kept() -> Reply {
    Reply::new(503, "text/plain;charset=utf-8", "the callback could not be kept, try again later\n")
}

fn judged(verdict: &Verdict, seen: Option<Seen>) -> Judged {
    let code = verdict.code.code().to_owned();
    let delivery = seen.map(|seen| seen.delivery);
    let Some(reading) = &verdict.reading else {
        let explanation = verdict.unreadable.as_ref().map(ToString::to_string);
        return Judged { code, explanation, delivery, ..Judged::default() };
    };
    let (signature, explanation) = match reading.mismatch() {
        None => (Match::Matched, None),
        Some(mismatch) => (Match::Mismatched, Some(mismatch.explanation())),
    };
    Judged {
        code,
        signature: Some(signature),
        explanation,
        order_id: reading.notification.order_id.clone(),
        status: reading.notification.status_code,
        amount_cents: reading.notification.amount_cents,
        delivery,
    }
}

/// The value behind a lock; each is whole after every statement, so a panic elsewhere spoils none.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn url_of(scheme: &str, address: SocketAddr) -> String {
    format!("{scheme}://{address}/")
}
