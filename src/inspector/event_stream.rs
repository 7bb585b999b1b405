//! New entries as server-sent events.

use std::time::Duration;

use protocol::StatusTable;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};

use super::objects::CallbackRow;
use crate::receiver::Bytes;
use crate::receiver::broadcast::Item;
use crate::receiver::inbox::Filter;
use crate::report::json;
use crate::report::redact::FieldRedactor;

const BATCH: usize = 100;

/// How often a comment is sent where nothing happens: it finds clients that are gone.
const BEAT: Duration = Duration::from_secs(15);

/// Parts that wait for the client; a slower one falls behind and is told to load the list again.
pub(super) const QUEUE: usize = 4;

/// What the page is told first: how soon to come back when the connection breaks, in ms.
pub(super) const HELLO: &[u8] = b"retry: 2000\n\n";

pub(super) struct Events {
    pub(super) entries: broadcast::Receiver<Item>,
    pub(super) closing: watch::Receiver<()>,
    pub(super) filter: Filter,
    pub(super) statuses: StatusTable,
    pub(super) redactor: FieldRedactor,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Events {
    pub(super) async fn run(mut self, parts: mpsc::Sender<Bytes>) {
        while let Some(part) = self.next().await {
            // An empty part would end a chunked body.
            if !part.is_empty() && parts.send(part).await.is_err() {
                return;
            }
        }
    }

    /// The next part; an empty one where the client wants none of what came.
    async fn next(&mut self) -> Option<Bytes> {
        let first = tokio::select! {
            biased;
            _ = self.closing.changed() => return None,
            first = self.entries.recv() => first,
            () = tokio::time::sleep(BEAT) => return Some(Bytes::from_static(b":\n\n")),
        };
        match first {
            Ok(item) => Some(self.batch(item)),
            Err(RecvError::Lagged(_)) => Some(self.reload()),
            Err(RecvError::Closed) => None,
        }
    }

    fn batch(&mut self, first: Item) -> Bytes {
        let mut rows: Vec<CallbackRow> = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next {
            let Item::Received(waiting) = item else { return self.reload() };
            if self.filter.admits(&waiting.entry) {
                let (statuses, redactor) = (&self.statuses, &mut self.redactor);
                rows.push(CallbackRow::redacted(&waiting.entry, statuses, redactor));
            }
            if rows.len() == BATCH {
                break;
            }
            next = match self.entries.try_recv() {
                Ok(item) => Some(item),
                Err(TryRecvError::Lagged(_)) => return self.reload(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            };
        }
        if rows.is_empty() {
            return Bytes::new();
        }
        event("callbacks", &json::ascii(&rows))
    }

    fn reload(&mut self) -> Bytes {
        self.entries = self.entries.resubscribe();
        event("reload", b"{}")
    }
}

/// An event; JSON has no line breaks, so the data is one line.
fn event(name: &str, data: &[u8]) -> Bytes {
    Bytes::from([b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::broadcast::EntryBroadcast;
    use crate::receiver::example;
    use std::sync::Arc;

    use serde_json::Value;

    use tokio::sync::Semaphore;

    fn events(queue: usize) -> (EntryBroadcast, watch::Sender<()>, Events) {
        let news = EntryBroadcast::bounded(queue, 1 << 20);
        let entries = news.subscribe();
        let (close, closing) = watch::channel(());
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let (filter, statuses) = (Filter::default(), StatusTable::PLATFORM);
        let redactor = FieldRedactor::default();
        let events = Events { entries, closing, filter, statuses, redactor, _permit: permit };
        (news, close, events)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn entries_that_came_together_are_one_event() {
        let (news, _close, mut events) = events(1000);
        events.filter.text = Some("PO-1".into());
        for id in 0..30 {
            news.send(example::entry(id, &format!("PO-{id}"), b"{}"));
        }
        let part = block_on(events.next()).unwrap();
        let text = String::from_utf8(part.to_vec()).unwrap();
        let data =
            text.strip_prefix("event: callbacks\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
        let rows: Vec<Value> = serde_json::from_str(data).unwrap();
        // PO-1 and PO-10 to PO-19.
        assert_eq!(rows.len(), 11);
        drop(news);
        assert_eq!(block_on(events.next()), None);
    }

    #[test]
    fn no_entry_is_lost_between_batches() {
        let (news, _close, mut events) = events(1000);
        (0..250).for_each(|id| news.send(example::entry(id, "P", b"{}")));
        let mut told = 0;
        for _ in 0..3 {
            let part = block_on(events.next()).unwrap();
            told += String::from_utf8(part.to_vec()).unwrap().matches("\"id\":").count();
        }
        assert_eq!(told, 250);
    }

    #[test]
    fn a_client_that_fell_behind_is_told_to_reload() {
        let (news, close, mut events) = events(2);
        (0..10).for_each(|id| news.send(example::entry(id, "P", b"{}")));
        assert_eq!(&block_on(events.next()).unwrap()[..], b"event: reload\ndata: {}\n\n");
        news.send(example::entry(11, "P", b"{}"));
        assert!(block_on(events.next()).unwrap().starts_with(b"event: callbacks\n"));
        close.send(()).unwrap();
        assert_eq!(block_on(events.next()), None);
    }
}
