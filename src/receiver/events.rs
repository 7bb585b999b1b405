//! What the pipeline reports to whoever prints, and what is counted on the way.
//!
//! A terminal may be slower than the senders, or take nothing at all for a while. Callbacks that are
//! in the inbox are not lost where their lines are, so no reply waits for a terminal: what does not
//! fit is left out and counted. A program that reads JSON, and a person whose listener stores
//! nothing, have no other record: there the senders wait until there is room again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::received::Received;
use super::server::event::ServerEvent;
use crate::store::StoreError;

/// The memory of all callbacks that wait for the terminal, in bytes.
const ROOM: u32 = 32 * 1024 * 1024;

pub enum Event {
    Ready(Box<ListenInfo>),
    Callback(Arc<Received>, OwnedSemaphorePermit),
    Server(ServerEvent),
    NotStored(StoreError),
    NotRecorded(StoreError),
    StoredAgain {
        refused: u64,
    },
    /// A change through the API: whoever reads the terminal must know why callbacks are gone or are
    /// answered in another way.
    Changed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxChoice {
    /// The usual one, which `inbox` reads without being told where it is.
    Usual,
    Named,
}

/// Where the API is, and the token that it asks for.
#[derive(Clone, Debug, Serialize)]
pub struct ApiInfo {
    pub token: String,
    pub url: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ListenInfo {
    pub api: Option<ApiInfo>,
    pub certificate_sha256: Option<String>,
    pub forward_to: Option<String>,
    pub inbox: Option<String>,
    #[serde(skip)]
    pub inbox_choice: InboxChoice,
    pub inspector: Option<String>,
    pub key_fingerprint: String,
    /// Of the keys that are accepted besides.
    pub other_key_fingerprints: Vec<String>,
    /// The reply program's plan, one line per step; empty for the usual replies.
    pub plan: Vec<String>,
    /// Where others reach the listener through a tunnel, which was tried.
    pub tunnel_url: Option<String>,
    pub url: String,
}

/// How many bytes a callback takes, about: the body with its readings, the headers, the replies.
fn weight(received: &Received) -> u32 {
    let callback = &received.callback;
    let headers = callback.headers.iter().map(|(name, value)| name.len() + value.len());
    let app = received.forwarded.iter().filter_map(|forwarded| forwarded.result.as_ref().ok());
    let app: usize = app.map(|reply| reply.body.len()).sum();
    let bytes = 4096 + 4 * callback.body.len() + headers.sum::<usize>() + app;
    u32::try_from(bytes).unwrap_or(ROOM).min(ROOM)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputPolicy {
    Nothing,
    BestEffort,
    Everything,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenSummary {
    pub callbacks: u64,
    /// Those that the inbox did not take; they were refused with 503 and count neither way.
    pub not_stored: u64,
    pub orders: u64,
    pub orders_forgotten: u64,
    pub valid: u64,
}

impl ListenSummary {
    /// Those that were stored, as far as anything is, and not valid.
    pub fn invalid(&self) -> u64 {
        self.callbacks.saturating_sub(self.valid).saturating_sub(self.not_stored)
    }
}

#[derive(Debug, Default)]
pub struct ListenCounters {
    callbacks: AtomicU64,
    valid: AtomicU64,
    not_stored: AtomicU64,
    orders: AtomicU64,
    forgotten: AtomicU64,
    finished: AtomicU64,
    left_out: AtomicU64,
}

impl ListenCounters {
    pub fn summary(&self) -> ListenSummary {
        ListenSummary {
            callbacks: self.callbacks.load(Ordering::Relaxed),
            valid: self.valid.load(Ordering::Relaxed),
            not_stored: self.not_stored.load(Ordering::Relaxed),
            orders: self.orders.load(Ordering::Relaxed),
            orders_forgotten: self.forgotten.load(Ordering::Relaxed),
        }
    }

    /// Counts a callback as soon as it is stored: a stop may come before it is answered.
    pub fn count(&self, received: &Received, is_stored: bool) {
        let is_valid = received.live.as_ref().is_some_and(|live| live.verdict.is_valid());
        self.valid.fetch_add(u64::from(is_valid && is_stored), Ordering::Relaxed);
        self.not_stored.fetch_add(u64::from(!is_stored), Ordering::Relaxed);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
    }

    pub fn know_orders(&self, met: u64, forgotten: u64) {
        self.orders.fetch_max(met, Ordering::Relaxed);
        self.forgotten.fetch_max(forgotten, Ordering::Relaxed);
    }

    pub fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[derive(Clone)]
pub struct EventSender {
    policy: OutputPolicy,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
    pub stop: mpsc::Sender<()>,
    /// Stops the listener after this many callbacks.
    count: Option<u64>,
    pub counters: Arc<ListenCounters>,
}

impl EventSender {
    pub fn new(
        policy: OutputPolicy,
        events: mpsc::Sender<Event>,
        stop: mpsc::Sender<()>,
        count: Option<u64>,
        counters: Arc<ListenCounters>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        EventSender { policy, events, room, stop, count, counters }
    }

    pub fn is_silent(&self) -> bool {
        self.policy == OutputPolicy::Nothing
    }

    pub fn send(&self, event: Event) {
        let _ = self.events.try_send(event);
    }

    /// Passes an answered callback on to be printed.
    pub async fn finish(&self, received: Arc<Received>) {
        let number = self.counters.finished.fetch_add(1, Ordering::Relaxed) + 1;
        match self.policy {
            OutputPolicy::Nothing => {}
            OutputPolicy::BestEffort => {
                let room = Arc::clone(&self.room).try_acquire_many_owned(weight(&received));
                let event = room.map(|room| Event::Callback(received, room));
                if event.is_err() || event.is_ok_and(|event| self.events.try_send(event).is_err()) {
                    self.counters.left_out.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Boxed, because what it takes to wait is large and seldom used.
            OutputPolicy::Everything => Box::pin(self.send_waiting(received)).await,
        }
        if self.count.is_some_and(|count| count == number) {
            let _ = self.stop.try_send(());
        }
    }

    async fn send_waiting(&self, received: Arc<Received>) {
        let room = Arc::clone(&self.room).acquire_many_owned(weight(&received)).await;
        let Ok(room) = room else { return };
        // Where nobody prints any more, the server is about to end.
        let _ = self.events.send(Event::Callback(received, room)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    fn received(length: usize) -> Arc<Received> {
        example::entry(1, "P", &vec![b'x'; length])
    }

    fn sender(policy: OutputPolicy, queue: usize) -> (EventSender, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel(queue);
        let stop = mpsc::channel(2).0;
        (EventSender::new(policy, events, stop, None, Arc::default()), received)
    }

    #[tokio::test]
    async fn full_queue_drops_and_counts() {
        let (sender, mut events) = sender(OutputPolicy::BestEffort, 2);
        for _ in 0..5 {
            sender.finish(received(1)).await;
        }
        assert_eq!(sender.counters.take_left_out(), 3);
        assert_eq!(sender.counters.take_left_out(), 0);
        assert!(events.try_recv().is_ok() && events.try_recv().is_ok());
        assert!(events.try_recv().is_err());
    }

    #[tokio::test]
    async fn large_callbacks_are_bounded_by_their_bytes() {
        let (sender, mut events) = sender(OutputPolicy::BestEffort, 1000);
        for _ in 0..20 {
            let received = received(1024 * 1024);
            sender.counters.count(&received, false);
            sender.finish(received).await;
        }
        let left_out = sender.counters.take_left_out();
        assert_eq!((sender.counters.summary().not_stored, left_out), (20, 13));
        while let Ok(event) = events.try_recv() {
            drop(event);
        }
        sender.finish(received(1024 * 1024)).await;
        assert_eq!(sender.counters.take_left_out(), 0);
    }

    #[tokio::test]
    async fn senders_wait_where_everything_is_shown() {
        let (sender, mut events) = sender(OutputPolicy::Everything, 1);
        sender.finish(received(1)).await;
        let waiting = tokio::spawn({
            let sender = sender.clone();
            async move { sender.finish(received(1)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(events.recv().await.is_some());
        waiting.await.unwrap();
        assert!(events.recv().await.is_some());
        assert_eq!(sender.counters.take_left_out(), 0);
    }
}
