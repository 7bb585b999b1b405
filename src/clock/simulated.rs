//! A clock for tests, on which hours pass at once.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, lock};

/// A clock that stands still until someone sleeps on it or advances it.
///
/// Inside [`SimulatedClock::run`] many sleep at once: when nothing else can continue, the time jumps to
/// the earliest of them. Outside of it a sleep moves the time at once, which is exact for one
/// sleeper at a time.
#[derive(Debug)]
pub struct SimulatedClock {
    start: Timestamp,
    elapsed_ns: AtomicU64,
    sleepers: Mutex<Sleepers>,
}

#[derive(Debug)]
struct Sleepers {
    mode: Mode,
    next_ticket: u64,
    waiting: BTreeMap<(u64, u64), Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Alone,
    Driven,
}

impl SimulatedClock {
    pub const fn new(start: Timestamp) -> Self {
        let sleepers = Sleepers { mode: Mode::Alone, next_ticket: 0, waiting: BTreeMap::new() };
        SimulatedClock { start, elapsed_ns: AtomicU64::new(0), sleepers: Mutex::new(sleepers) }
    }

    /// Moves the time on, as a slow reply does; it stops at some 584 years.
    pub fn advance(&self, duration: Duration) {
        let moved = |elapsed: u64| Some(elapsed.saturating_add(nanos(duration)));
        // The closure always returns a value, so the update cannot fail.
        let _previous = self.elapsed_ns.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
    }

    /// Runs `future` to its end and moves the time whenever only sleepers are left.
    ///
    /// The same future takes the same course each time, as long as it waits for nothing outside of
    /// itself: a task or a thread of its own is not seen, and the time would not wait for it.
    pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let _mode = self.drive();
        // A budget would make the future pause when it has worked long, which looks like sleep.
        let mut future = pin!(tokio::task::unconstrained(future));
        let stir = Arc::new(Stir { stirred: AtomicBool::new(false), outer: Mutex::new(None) });
        let waker = Waker::from(Arc::clone(&stir));
        poll_fn(|context| {
            *lock(&stir.outer) = Some(context.waker().clone());
            loop {
                stir.stirred.store(false, Ordering::SeqCst);
                if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(value);
                }
                if !stir.stirred.load(Ordering::SeqCst) && self.wake_next() == Woken::Nobody {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    fn drive(&self) -> impl Drop + '_ {
        struct Guard<'a>(&'a SimulatedClock);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                lock(&self.0.sleepers).mode = Mode::Alone;
            }
        }
        lock(&self.sleepers).mode = Mode::Driven;
        Guard(self)
    }

    fn wake_next(&self) -> Woken {
        let Some(((due, _), waker)) = lock(&self.sleepers).waiting.pop_first() else {
            return Woken::Nobody;
        };
        self.elapsed_ns.fetch_max(due, Ordering::SeqCst);
        waker.wake();
        Woken::One
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    One,
    Nobody,
}

struct Stir {
    stirred: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Wake for Stir {
    fn wake(self: Arc<Self>) {
        self.stirred.store(true, Ordering::SeqCst);
        if let Some(outer) = lock(&self.outer).as_ref() {
            outer.wake_by_ref();
        }
    }
}

struct SimulatedSleep<'a> {
    clock: &'a SimulatedClock,
    due: u64,
    ticket: Option<u64>,
}

impl Future for SimulatedSleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.elapsed_ns.load(Ordering::SeqCst) >= self.due {
            return Poll::Ready(());
        }
        let mut sleepers = lock(&self.clock.sleepers);
        let ticket = self.ticket.unwrap_or(sleepers.next_ticket);
        sleepers.next_ticket = sleepers.next_ticket.max(ticket.saturating_add(1));
        sleepers.waiting.insert((self.due, ticket), context.waker().clone());
        drop(sleepers);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for SimulatedSleep<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            lock(&self.clock.sleepers).waiting.remove(&(self.due, ticket));
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.elapsed_ns.load(Ordering::SeqCst))
    }

    fn wall(&self) -> Timestamp {
        SignedDuration::try_from(self.now())
            .ok()
            .and_then(|elapsed| self.start.checked_add(elapsed).ok())
            .unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        let mode = lock(&self.sleepers).mode;
        match mode {
            Mode::Alone => self.advance(duration),
            Mode::Driven => {
                let due = nanos(self.now()).saturating_add(nanos(duration));
                SimulatedSleep { clock: self, due, ticket: None }.await;
            }
        }
    }
}

#[tokio::test]
async fn a_simulated_sleep_moves_both_times_at_once() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    clock.sleep(Duration::from_secs(3600)).await;
    clock.advance(Duration::from_millis(500));
    assert_eq!(clock.now(), Duration::from_millis(3_600_500));
    assert_eq!(clock.wall().to_string(), "1970-01-01T01:00:00.5Z");
}

#[tokio::test]
async fn driven_sleepers_wake_in_the_order_of_their_times() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    let told = Mutex::new(Vec::new());
    let sleeper = async |name: char, seconds: &[u64]| {
        for seconds in seconds {
            clock.sleep(Duration::from_secs(*seconds)).await;
            told.lock().unwrap().push((name, clock.now().as_secs()));
        }
    };
    let end = clock.run(async {
        tokio::join!(sleeper('a', &[3, 3]), sleeper('b', &[1, 2, 2]), sleeper('c', &[0, 9]));
        clock.now()
    });
    assert_eq!(end.await, Duration::from_secs(9));
    let expected = [('c', 0), ('b', 1), ('a', 3), ('b', 3), ('b', 5), ('a', 6), ('c', 9)];
    assert_eq!(*told.lock().unwrap(), expected);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(clock.now(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_sleep_that_is_given_up_does_not_move_the_time() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    clock
        .run(async {
            tokio::select! {
                () = clock.sleep(Duration::from_secs(5)) => {}
                () = clock.sleep(Duration::from_secs(50)) => {}
            }
            clock.sleep(Duration::from_secs(1)).await;
        })
        .await;
    assert_eq!(clock.now(), Duration::from_secs(6));
    assert!(lock(&clock.sleepers).waiting.is_empty());
}

#[tokio::test]
async fn a_simulated_clock_survives_any_duration() {
    let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
    clock.sleep(Duration::MAX).await;
    clock.sleep(Duration::MAX).await;
    assert_eq!(clock.now(), Duration::from_nanos(u64::MAX));
    assert!(clock.wall() > Timestamp::UNIX_EPOCH);
}
