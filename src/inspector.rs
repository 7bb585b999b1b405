//! The inspector: a page on a loopback port of its own that shows callbacks as they come.
//!
//! A handler for a second server. `safety` decides who is answered, `routes` what is asked,
//! `source` is the seam to the inbox, `shape` writes what the page reads, `news` and
//! `events` tell it of new entries.

mod access;
mod event_stream;
#[cfg(test)]
mod example;
pub mod explanation;
mod replay;
mod routes;
mod shape;
pub mod source;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, watch};

pub use explanation::{Explanation, sign_again};
pub use shape::Extent;
pub use source::{Outgoing, Pending, Query, Source, State};

use protocol::Encoding;

use self::access::{AccessGuard, Admitted};
use self::event_stream::Events;
use self::routes::{ListOrder, Route, Unknown};
use crate::mask::Untrusted;
use crate::receiver::Bytes;
use crate::receiver::broadcast::EntryBroadcast;
use crate::receiver::callback::Callback;
use crate::receiver::received::{Forwarded, Received};
use crate::receiver::reply::{JSON, Reply};
use crate::receiver::server::handler_output::Answer;
use crate::report::json;

const MAX_WORKERS: usize = 4;

/// The most streams of events at one time: one for each open page.
const MAX_STREAMS: usize = 32;

const LONGEST_SEND: Duration = Duration::from_secs(60);

const SAMPLE: &[u8] = br#"{"payout_id":"POT00000102","payout_cl_id":"example-1","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;

#[derive(Clone)]
pub struct Inspector(Arc<Inner>);

struct Inner {
    gate: AccessGuard,
    source: Arc<dyn Source>,
    news: EntryBroadcast,
    closing: watch::Sender<()>,
    workers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// A status that is not 200, and a sentence for the person at the page.
#[derive(Debug)]
struct Failed(u16, String);

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Failed(500, why)
    }
}

/// Received bytes as the page reads them, the keys masked: for the fuzz targets alone.
#[cfg(fuzzing)]
pub fn shown_text(bytes: &[u8]) -> Vec<u8> {
    json::ascii(&shape::text(bytes, Extent::Whole))
}

impl Inspector {
    /// An inspector for a server on this address. Open pages get the entries that `news` announces.
    pub fn try_new(
        address: SocketAddr,
        source: Arc<dyn Source>,
        news: EntryBroadcast,
    ) -> Result<Inspector, getrandom::Error> {
        Ok(Inspector(Arc::new(Inner {
            gate: AccessGuard::try_new(address)?,
            source,
            news,
            closing: watch::Sender::new(()),
            workers: Arc::new(Semaphore::new(MAX_WORKERS)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        })))
    }

    /// The address to open in a browser; it holds the token, so it is for this person only.
    pub fn url(&self) -> String {
        self.0.gate.url()
    }

    /// Ends all streams of events, so that the server need not wait for open pages.
    pub fn close(&self) {
        self.0.closing.send_replace(());
    }

    pub fn handle(&self, request: Callback) -> impl Future<Output = Answer> + Send + use<> {
        let inner = Arc::clone(&self.0);
        async move {
            match inner.answer(&request).await {
                Answer::Reply(reply) => Answer::Reply(hardened(reply)),
                Answer::Stream { head, parts } => Answer::Stream { head: hardened(head), parts },
                wire @ Answer::Wire(_) => wire,
            }
        }
    }
}

fn hardened(reply: Reply) -> Reply {
    access::HEADERS.iter().fold(reply, |reply, (name, value)| reply.with_header(name, *value))
}

impl Inner {
    async fn answer(self: &Arc<Self>, request: &Callback) -> Answer {
        match self.gate.admit(request) {
            Err(refused) => return refused.reply().into(),
            Ok(Admitted::ByToken) => {
                let reply = Reply::new(303, "text/plain;charset=utf-8", "");
                let reply = reply.with_header("Location", "/");
                return reply.with_header("Set-Cookie", self.gate.cookie()).into();
            }
            Ok(Admitted::ByCookie) => {}
        }
        let route = match Route::of(request) {
            Ok(route) => route,
            Err(unknown) => return self.reply(Err(unknown.into())).into(),
        };
        let reply = match route {
            Route::Asset(asset) => Reply::new(200, asset.content_type, asset.text),
            Route::Events(query) => return self.stream(query),
            Route::State => self.told(|inner| Ok(json!(inner.state()))).await,
            Route::List(query) => self.told(move |inner| inner.list(&query)).await,
            Route::Entry(id, extent) => self.told(move |inner| inner.detail(id, extent)).await,
            Route::Sign(order) => self.told(move |inner| inner.sign(&order)).await,
            Route::Curl(order) => self.told(move |inner| inner.curl(&order)).await,
            Route::Replay(order) => self.reply(self.replay(order).await),
        };
        reply.into()
    }

    async fn told(
        self: &Arc<Self>,
        work: impl FnOnce(&Inner) -> Result<Value, Failed> + Send + 'static,
    ) -> Reply {
        let written = self.blocking(|inner| Ok(inner.reply(work(inner)))).await;
        written.unwrap_or_else(|failed| self.reply(Err(failed)))
    }

    fn reply(&self, told: Result<Value, Failed>) -> Reply {
        let (status, value) = match told {
            Ok(value) => (200, value),
            Err(Failed(status, why)) => (status, json!({"error": why})),
        };
        Reply::new(status, JSON, json::ascii(&value))
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Inner) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        let inner = Arc::clone(self);
        let Ok(permit) = Arc::clone(&self.workers).acquire_owned().await else {
            return Err("the inspector is closing".to_owned().into());
        };
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&inner)
        });
        task.await.unwrap_or_else(|_| Err("the inspector failed on this request".to_owned().into()))
    }

    fn state(&self) -> State {
        let mut state = self.source.state();
        let signed = self.source.sign(SAMPLE, Encoding::Json);
        state.sample = signed.ok().and_then(|body| {
            replay::curl(&Outgoing {
                url: state.listen_url.clone(),
                method: "POST".to_owned(),
                headers: vec![("Content-Type".to_owned(), JSON.into())],
                body: Bytes::from(body),
            })
            .ok()
        });
        state
    }

    /// The rows of a list, whether there is more, and how far back was looked where not all was.
    fn list(&self, query: &Query) -> Result<Value, Failed> {
        let (mut rows, mut oldest, mut has_more) = (Vec::new(), None, false);
        let statuses = self.source.statuses();
        let mut take = |entry: &Received| {
            // One more than asked for shows whether there is more.
            if rows.len() == query.limit {
                has_more = true;
                return ControlFlow::Break(());
            }
            oldest = Some(entry.id);
            rows.push(shape::row(entry, &statuses));
            ControlFlow::Continue(())
        };
        let looked_to = self.source.search(query, &mut take)?;
        let looked_to_ms = match looked_to {
            Some(id) => self.source.entry(id)?.map(|it| it.callback.received_at.as_millisecond()),
            None => None,
        };
        let next = if has_more { oldest } else { looked_to };
        Ok(json!({
            "rows": rows,
            "more": next.is_some(),
            "next": next,
            "looked_to": looked_to,
            "looked_to_ms": looked_to_ms,
        }))
    }

    fn entry(&self, id: u64) -> Result<Arc<Received>, Failed> {
        let gone = || Failed(404, format!("there is no callback {id} any more"));
        self.source.entry(id)?.ok_or_else(gone)
    }

    fn detail(&self, id: u64, extent: Extent) -> Result<Value, Failed> {
        let entry = self.entry(id)?;
        let explanation = self.source.explain(&entry, extent);
        Ok(shape::detail(&entry, &self.source.statuses(), &explanation, extent))
    }

    fn sign(&self, order: &ListOrder) -> Result<Value, Failed> {
        let entry = self.entry(order.id)?;
        let text = match &order.text {
            Some(text) => text.as_bytes(),
            None => replay::signed_part(&entry.callback),
        };
        let signed = self.source.sign(text, replay::encoding_of(&entry.callback));
        let signed = signed.map_err(|why| Failed(422, why))?;
        Ok(json!({"text": Untrusted::lossy(&signed)}))
    }

    fn outgoing(&self, order: &ListOrder) -> Result<Outgoing, Failed> {
        let entry = self.entry(order.id)?;
        let request = replay::outgoing(&entry.callback, &order.url, order.text.as_deref());
        request.map_err(|why| Failed(422, why))
    }

    fn curl(&self, order: &ListOrder) -> Result<Value, Failed> {
        let command = replay::curl(&self.outgoing(order)?).map_err(|why| Failed(422, why))?;
        Ok(json!({"command": Untrusted::new(command)}))
    }

    async fn replay(self: &Arc<Self>, order: ListOrder) -> Result<Value, Failed> {
        let request = self.blocking(move |inner| inner.outgoing(&order)).await?;
        let url = request.url.clone();
        let sending = tokio::time::timeout(LONGEST_SEND, self.source.send(request)).await;
        let sent = sending.unwrap_or_else(|_| Forwarded {
            url: url.into(),
            elapsed: LONGEST_SEND,
            result: Err("no answer in time".to_owned()),
        });
        Ok(shape::sent(&sent, Extent::Beginning))
    }

    fn stream(&self, query: Query) -> Answer {
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            return self.reply(Err(Failed(503, "too many open pages".to_owned()))).into();
        };
        let (sender, parts) = mpsc::channel(event_stream::QUEUE);
        let events = Events {
            entries: self.news.subscribe(),
            closing: self.closing.subscribe(),
            query,
            statuses: self.source.statuses(),
            _permit: permit,
        };
        tokio::spawn(events.run(sender));
        let head = Reply::new(200, "text/event-stream;charset=utf-8", event_stream::HELLO);
        Answer::Stream { head, parts }
    }
}

impl From<Unknown> for Failed {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Path => Failed(404, "there is nothing here".to_owned()),
            Unknown::Method(wanted) => Failed(405, format!("expected {wanted} here")),
            Unknown::Content(why) => Failed(400, why),
        }
    }
}
