//! What goes from the desk to the screen, and what is counted on the way.
//!
//! A terminal may be slower than the senders, or take nothing at all for a while. Callbacks that are
//! in the inbox are not lost where their lines are, so no reply waits for a terminal: what does not
//! fit is left out and counted. A program that reads JSON, and a person whose listener keeps
//! nothing, have no other record: there the senders wait until there is room again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::receiver::delivery_counter::Seen;
use crate::receiver::inbox::NewEntry;
use crate::receiver::inbox::entry::Forwarded;
use crate::receiver::referee::Breach;
use crate::receiver::server::event::ServerEvent;
use crate::receiver::verify::Verdict;
use crate::report::callback::ListenSummary;
use crate::report::line::Line;
use crate::report::listening::Ready;
use crate::store::StoreError;

/// The memory of all callbacks that wait for the terminal, in bytes, as [`Handled::weight`] tells it.
const ROOM: u32 = 32 * 1024 * 1024;

pub(super) enum Event {
    Ready(Box<Opening>),
    Callback(Box<Handled>, OwnedSemaphorePermit),
    Server(ServerEvent),
    NotKept(StoreError),
    NotRecorded(StoreError),
    KeptAgain(u64),
}

pub(super) struct Opening {
    pub(super) ready: Ready,
    pub(super) target: Option<Line>,
}

pub(super) struct Handled {
    pub(super) entry: NewEntry,
    pub(super) verdict: Verdict,
    pub(super) seen: Option<Seen>,
    pub(super) inbox_id: Option<u64>,
    pub(super) forwarded: Option<Forwarded>,
    pub(super) breaches: Vec<Breach>,
}

impl Handled {
    /// About how many bytes it takes: the body with its readings, the headers, the replies.
    fn weight(&self) -> u32 {
        let callback = &self.entry.callback;
        let headers = callback.headers.iter().map(|(name, value)| name.len() + value.len());
        let app = self.forwarded.iter().filter_map(|forwarded| forwarded.result.as_ref().ok());
        let app: usize = app.map(|reply| reply.body.len()).sum();
        let bytes = 4096 + 4 * callback.body.len() + headers.sum::<usize>() + app;
        u32::try_from(bytes).unwrap_or(ROOM).min(ROOM)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    Nothing,
    WhatFits,
    Everything,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    callbacks: AtomicU64,
    valid: AtomicU64,
    not_kept: AtomicU64,
    orders: AtomicU64,
    left_out: AtomicU64,
}

impl Tally {
    pub(super) fn summary(&self) -> ListenSummary {
        ListenSummary {
            callbacks: self.callbacks.load(Ordering::Relaxed),
            valid: self.valid.load(Ordering::Relaxed),
            not_kept: self.not_kept.load(Ordering::Relaxed),
            orders: self.orders.load(Ordering::Relaxed),
        }
    }

    /// Counts a callback and says which one it is, from 1.
    fn count(&self, verdict: &Verdict, kept: Kept) -> u64 {
        match kept {
            Kept::Yes if verdict.is_valid() => {
                self.valid.fetch_add(1, Ordering::Relaxed);
            }
            Kept::Yes => {}
            Kept::No => {
                self.not_kept.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.callbacks.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn know_orders(&self, known: usize) {
        self.orders.fetch_max(known as u64, Ordering::Relaxed);
    }

    pub(super) fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
}

#[derive(Clone)]
pub(super) struct Outlet {
    showing: Showing,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
    pub(super) stop: mpsc::Sender<()>,
    count: Option<u64>,
    pub(super) tally: Arc<Tally>,
}

impl Outlet {
    pub(super) fn new(
        showing: Showing,
        events: mpsc::Sender<Event>,
        stop: mpsc::Sender<()>,
        count: Option<u64>,
        tally: Arc<Tally>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Outlet { showing, events, room, stop, count, tally }
    }

    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.try_send(event);
    }

    pub(super) async fn show(&self, handled: Box<Handled>, kept: Kept) {
        let number = self.tally.count(&handled.verdict, kept);
        if self.showing != Showing::Nothing {
            self.pass_on(handled).await;
        }
        if self.count.is_some_and(|count| count == number) {
            let _ = self.stop.try_send(());
        }
    }

    async fn pass_on(&self, handled: Box<Handled>) {
        let room = Arc::clone(&self.room);
        let weight = handled.weight();
        match self.showing {
            Showing::Nothing => {}
            Showing::WhatFits => {
                let Ok(room) = room.try_acquire_many_owned(weight) else { return self.leave_out() };
                let event = Event::Callback(handled, room);
                if self.events.try_send(event).is_err() {
                    self.leave_out();
                }
            }
            // Boxed, because what it takes to wait is large and seldom used.
            Showing::Everything => {
                Box::pin(async move {
                    let Ok(room) = room.acquire_many_owned(weight).await else { return };
                    // Where nobody prints any more, the server is about to end.
                    let _ = self.events.send(Event::Callback(handled, room)).await;
                })
                .await;
            }
        }
    }

    fn leave_out(&self) {
        self.tally.left_out.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handled(length: usize) -> Box<Handled> {
        use protocol::Key;

        use crate::receiver::callback::Callback;
        use crate::receiver::verify::Contract;
        let callback = Callback {
            number: 1,
            received_at: jiff::Timestamp::UNIX_EPOCH,
            remote: "127.0.0.1:1".parse().unwrap(),
            method: "POST".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            body: vec![b'x'; length].into(),
        };
        let contract = Contract::default();
        let verdict = contract.inspect(&callback, &Key::try_new(b"k".to_vec()).unwrap());
        let (judged, replied) = Default::default();
        Box::new(Handled {
            entry: NewEntry { callback, judged, replied },
            verdict,
            seen: None,
            inbox_id: None,
            forwarded: None,
            breaches: Vec::new(),
        })
    }

    fn outlet(showing: Showing, queue: usize) -> (Outlet, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel(queue);
        let stop = mpsc::channel(2).0;
        (Outlet::new(showing, events, stop, None, Arc::default()), received)
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_delays_nobody() {
        let (outlet, mut received) = outlet(Showing::WhatFits, 2);
        for _ in 0..5 {
            outlet.show(handled(1), Kept::Yes).await;
        }
        assert_eq!((outlet.tally.summary().callbacks, outlet.tally.take_left_out()), (5, 3));
        assert_eq!(outlet.tally.take_left_out(), 0);
        assert!(received.try_recv().is_ok() && received.try_recv().is_ok());
        assert!(received.try_recv().is_err());
    }

    #[tokio::test]
    async fn large_callbacks_are_bounded_by_their_bytes() {
        let (outlet, mut received) = outlet(Showing::WhatFits, 1000);
        for _ in 0..20 {
            outlet.show(handled(1024 * 1024), Kept::No).await;
        }
        let left_out = outlet.tally.take_left_out();
        assert_eq!((outlet.tally.summary().not_kept, left_out), (20, 13));
        while let Ok(event) = received.try_recv() {
            drop(event);
        }
        outlet.show(handled(1024 * 1024), Kept::Yes).await;
        assert_eq!(outlet.tally.take_left_out(), 0);
    }

    #[tokio::test]
    async fn senders_wait_where_everything_is_shown() {
        let (outlet, mut received) = outlet(Showing::Everything, 1);
        outlet.show(handled(1), Kept::Yes).await;
        let waiting = tokio::spawn({
            let outlet = outlet.clone();
            async move { outlet.show(handled(1), Kept::Yes).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(received.recv().await.is_some());
        waiting.await.unwrap();
        assert!(received.recv().await.is_some());
        assert_eq!(outlet.tally.take_left_out(), 0);
    }
}
