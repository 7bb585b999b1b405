//! The API on a loopback port of its own, and the inspector: a page that shows callbacks as they
//! come, and uses the API.
//!
//! A handler for a second server. `access` decides who is answered, `routes` what is asked,
//! `source` is the seam to the listener, `objects` and `problem` are what is answered,
//! `event_stream` and `waiting` announce new entries.

mod access;
mod event_stream;
#[cfg(test)]
mod example;
pub mod explanation;
mod objects;
mod problem;
mod replay;
mod routes;
pub mod source;
#[cfg(test)]
mod tests;
mod waiting;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, watch};

pub use explanation::{Explanation, sign_again};
pub use objects::Extent;
pub use source::{Outgoing, Pending, Replies, Source, State};

use protocol::Encoding;

use self::access::{AccessGuard, Admitted, check_change};
use self::event_stream::Events;
use self::objects::{
    CallbackDetail, CallbackList, CallbackRow, CurlCommand, Deleted, SentRequest, Signed,
};
use self::problem::Problem;
use self::routes::{Route, SendRequest, SignRequest, check_method};
use crate::mask::Untrusted;
use crate::receiver::Bytes;
use crate::receiver::broadcast::EntryBroadcast;
use crate::receiver::callback::Callback;
use crate::receiver::inbox::{Filter, Side};
use crate::receiver::received::{Forwarded, Received};
use crate::receiver::replies::Runner;
use crate::receiver::reply::{JSON, Reply};
use crate::receiver::server::handler_output::Answer;
use crate::report::json;
use crate::report::redact::FieldRedactor;

const MAX_WORKERS: usize = 4;

/// The most streams of events at one time: one for each open page.
const MAX_STREAMS: usize = 32;

/// The most requests that wait for callbacks at one time.
const MAX_WAITS: usize = 256;

const LONGEST_SEND: Duration = Duration::from_secs(60);

const SAMPLE: &[u8] = br#"{"payout_id":"POT00000102","payout_cl_id":"example-1","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;

#[derive(Clone)]
pub struct Inspector(Arc<Inner>);

/// What is served besides the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    Inspector,
    None,
}

struct Inner {
    gate: AccessGuard,
    pages: Pages,
    source: Arc<dyn Source>,
    news: EntryBroadcast,
    closing: watch::Sender<()>,
    workers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    waits: Semaphore,
}

/// Received bytes as the page reads them, the keys masked: for the fuzz targets alone.
#[cfg(fuzzing)]
pub fn shown_text(bytes: &[u8]) -> Vec<u8> {
    json::ascii(&objects::ReceivedText::of(bytes, Extent::Whole))
}

impl Inspector {
    /// The API of a server on this address. Open pages and waiting requests get the entries that
    /// `news` announces.
    pub fn try_new(
        address: SocketAddr,
        pages: Pages,
        source: Arc<dyn Source>,
        news: EntryBroadcast,
    ) -> Result<Inspector, getrandom::Error> {
        Ok(Inspector(Arc::new(Inner {
            gate: AccessGuard::try_new(address)?,
            pages,
            source,
            news,
            closing: watch::Sender::new(()),
            workers: Arc::new(Semaphore::new(MAX_WORKERS)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            waits: Semaphore::new(MAX_WAITS),
        })))
    }

    /// The address to open in a browser; it has the token, so it is for this person only. `None`
    /// where no page is served.
    pub fn page_url(&self) -> Option<String> {
        (self.0.pages == Pages::Inspector).then(|| self.0.gate.url())
    }

    pub fn api_url(&self) -> String {
        self.0.gate.api_url()
    }

    pub fn token(&self) -> &str {
        self.0.gate.token()
    }

    /// Ends all streams of events, so that the server need not wait for open pages.
    pub fn close(&self) {
        self.0.closing.send_replace(());
    }

    pub fn handle(&self, request: Callback) -> impl Future<Output = Answer> + Send + use<> {
        let inner = Arc::clone(&self.0);
        async move {
            let answer = inner.answer(&request).await;
            match answer.unwrap_or_else(|problem| problem.reply().into()) {
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

fn reply(object: &impl Serialize) -> Reply {
    Reply::new(200, JSON, json::ascii(object))
}

impl Inner {
    async fn answer(self: &Arc<Self>, request: &Callback) -> Result<Answer, Problem> {
        let admitted = self.gate.admit(request)?;
        let has_page = self.pages == Pages::Inspector;
        check_method(request, has_page)?;
        if admitted == Admitted::ByUrl {
            let reply = Reply::new(303, "text/plain;charset=utf-8", "");
            let reply = reply.with_header("Location", "/");
            return Ok(reply.with_header("Set-Cookie", self.gate.cookie()).into());
        }
        if matches!(request.method.raw().as_str(), "POST" | "PUT") {
            check_change(request, admitted)?;
        }
        let reply = match Route::of(request, &self.source.statuses())? {
            Route::Health => Ok(Reply::new(200, "text/plain;charset=utf-8", "ok\n")),
            Route::Asset(asset) => Ok(Reply::new(200, asset.content_type, asset.text)),
            Route::Events(filter, redactor) => return self.stream(filter, redactor),
            Route::State => self.blocking(|inner| Ok(reply(&inner.state()))).await,
            Route::List(filter, redactor) => {
                self.blocking(move |inner| inner.list(&filter, redactor)).await
            }
            Route::Wait(query) => waiting::wait(self, query).await,
            Route::Entry(id, extent, redactor) => {
                self.blocking(move |inner| inner.detail(id, extent, redactor)).await
            }
            Route::Sign(order) => self.blocking(move |inner| inner.sign(&order)).await,
            Route::Curl(order) => self.blocking(move |inner| inner.curl(&order)).await,
            Route::Replay(order) => self.replay(order).await,
            Route::Replies => Ok(reply(&self.source.replies())),
            Route::SetReplies(program) => self.set_replies(program),
            Route::Reset(through) => {
                let deleted = self.source.reset(through).await;
                deleted.map(|deleted| reply(&Deleted { deleted })).map_err(Problem::from)
            }
        };
        reply.map(Answer::Reply)
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Inner) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let inner = Arc::clone(self);
        let Ok(permit) = Arc::clone(&self.workers).acquire_owned().await else {
            return Err("the listener is closing".to_owned().into());
        };
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&inner)
        });
        task.await.unwrap_or_else(|_| Err("this request could not be handled".to_owned().into()))
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
    fn list(&self, filter: &Filter, mut redactor: FieldRedactor) -> Result<Reply, Problem> {
        let (mut callbacks, mut oldest, mut has_more) = (Vec::new(), None, false);
        let limit = filter.limit.unwrap_or(routes::MAX_LIMIT);
        let filter = Filter { side: Side::NewestFirst, limit: None, ..filter.clone() };
        let statuses = self.source.statuses();
        let mut take = |entry: &Received| {
            // One more than asked for shows whether there is more.
            if callbacks.len() as u64 == limit {
                has_more = true;
                return ControlFlow::Break(());
            }
            oldest = Some(entry.id);
            callbacks.push(CallbackRow::redacted(entry, &statuses, &mut redactor));
            ControlFlow::Continue(())
        };
        let searched_to = self.source.search(&filter, &mut take)?;
        let searched_to_ms = match searched_to {
            Some(id) => self.source.entry(id)?.map(|it| it.callback.received_at.as_millisecond()),
            None => None,
        };
        let next = if has_more { oldest } else { searched_to };
        Ok(reply(&CallbackList { callbacks, next, searched_to, searched_to_ms }))
    }

    fn entry(&self, id: u64) -> Result<Arc<Received>, Problem> {
        self.source.entry(id)?.ok_or_else(|| {
            let problem = Problem::new(404, format!("there is no callback {id}"));
            problem.hint("GET /api/callbacks lists what there is")
        })
    }

    fn detail(
        &self,
        id: u64,
        extent: Extent,
        mut redactor: FieldRedactor,
    ) -> Result<Reply, Problem> {
        let mut entry = self.entry(id)?;
        // What is signed has the redacted values, and so has every explanation of a mismatch.
        let explanation = if redactor.is_needed() {
            entry = Arc::new(redactor.redact(Received::clone(&entry)));
            Explanation::of_redacted(&entry)
        } else {
            self.source.explain(&entry, extent)
        };
        Ok(reply(&CallbackDetail::of(&entry, &self.source.statuses(), &explanation, extent)))
    }

    fn sign(&self, order: &SignRequest) -> Result<Reply, Problem> {
        let entry = order.id.map(|id| self.entry(id.0)).transpose()?;
        let callback = entry.as_ref().map(|entry| &entry.callback);
        let text = match (&order.text, callback) {
            (Some(text), _) => text.as_bytes(),
            (None, Some(callback)) => replay::signed_part(callback),
            (None, None) => {
                let problem = Problem::new(422, "there is nothing to sign");
                return Err(problem.hint(r#"send {"id": 12} or {"text": "…"}"#));
            }
        };
        let usual = callback.map_or(Encoding::Json, replay::encoding_of);
        let encoding = order.encoding.map_or(usual, Encoding::from);
        let signed = self.source.sign(text, encoding).map_err(|why| Problem::new(422, why))?;
        Ok(reply(&Signed { text: Untrusted::lossy(&signed) }))
    }

    fn outgoing(&self, order: &SendRequest) -> Result<Outgoing, Problem> {
        let entry = self.entry(order.id.0)?;
        let request = replay::outgoing(&entry.callback, &order.url, order.text.as_deref());
        request.map_err(|why| {
            let problem = Problem::new(422, why);
            problem.hint("use a URL such as http://127.0.0.1:3000/notify")
        })
    }

    fn curl(&self, order: &SendRequest) -> Result<Reply, Problem> {
        let command = replay::curl(&self.outgoing(order)?);
        let command = command.map_err(|why| Problem::new(422, why))?;
        Ok(reply(&CurlCommand { command: Untrusted::new(command) }))
    }

    async fn replay(self: &Arc<Self>, order: SendRequest) -> Result<Reply, Problem> {
        let request = self.blocking(move |inner| inner.outgoing(&order)).await?;
        let url = request.url.clone();
        let sending = tokio::time::timeout(LONGEST_SEND, self.source.send(request)).await;
        let sent = sending.unwrap_or_else(|_| Forwarded {
            url: url.into(),
            elapsed: LONGEST_SEND,
            result: Err("no answer in time".to_owned()),
        });
        Ok(reply(&SentRequest::of(&sent, Extent::Beginning)))
    }

    fn set_replies(&self, program: Option<Runner>) -> Result<Reply, Problem> {
        self.source.set_replies(program).map_err(|why| {
            Problem::new(409, why).hint("start the listener with --reply-from listener")
        })?;
        Ok(reply(&self.source.replies()))
    }

    fn stream(&self, filter: Filter, redactor: FieldRedactor) -> Result<Answer, Problem> {
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            return Err(Problem::new(503, "too many open pages").hint("close one"));
        };
        let (sender, parts) = mpsc::channel(event_stream::QUEUE);
        let events = Events {
            entries: self.news.subscribe(),
            closing: self.closing.subscribe(),
            filter,
            statuses: self.source.statuses(),
            redactor,
            _permit: permit,
        };
        tokio::spawn(events.run(sender));
        let head = Reply::new(200, "text/event-stream;charset=utf-8", event_stream::HELLO);
        Ok(Answer::Stream { head, parts })
    }
}
