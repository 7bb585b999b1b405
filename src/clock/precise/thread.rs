//! Sleeps that a thread ends, for systems without a timer that the runtime can await.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::lock;

const FINE: Duration = Duration::from_millis(3);

#[derive(Debug)]
pub(super) struct Alarms(Arc<Alarm>);

impl Alarms {
    pub(super) fn try_new() -> io::Result<Self> {
        let alarm = Arc::new(Alarm::default());
        let rings = Arc::clone(&alarm);
        thread::Builder::new().name("clock".to_owned()).spawn(move || rings.ring())?;
        Ok(Alarms(alarm))
    }

    pub(super) async fn wait_until(&self, due: Instant) {
        let left = due.saturating_duration_since(Instant::now());
        if let Some(coarse) = left.checked_sub(FINE).filter(|coarse| !coarse.is_zero()) {
            tokio::time::sleep(coarse).await;
        }
        FineSleep { alarm: &self.0, due, ticket: None }.await;
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        lock(&self.0.list).state = AlarmState::Over;
        self.0.changed.notify_one();
    }
}

#[derive(Debug, Default)]
struct Alarm {
    list: Mutex<AlarmList>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct AlarmList {
    state: AlarmState,
    next_ticket: u64,
    sleepers: BTreeMap<(Instant, u64), Waker>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum AlarmState {
    #[default]
    Set,
    Over,
}

impl Alarm {
    fn ring(&self) {
        let mut list = lock(&self.list);
        while list.state == AlarmState::Set {
            let now = Instant::now();
            list = match list.sleepers.first_entry() {
                None => self.changed.wait(list).unwrap_or_else(PoisonError::into_inner),
                Some(first) if first.key().0 <= now => {
                    let waker = first.remove();
                    drop(list);
                    waker.wake();
                    lock(&self.list)
                }
                Some(first) => {
                    let left = first.key().0.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(list, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

struct FineSleep<'a> {
    alarm: &'a Alarm,
    due: Instant,
    ticket: Option<u64>,
}

impl Future for FineSleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        let mut list = lock(&self.alarm.list);
        let ticket = self.ticket.unwrap_or(list.next_ticket);
        list.next_ticket = list.next_ticket.max(ticket.saturating_add(1));
        let key = (self.due, ticket);
        list.sleepers.insert(key, context.waker().clone());
        let is_first = list.sleepers.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(list);
        // The thread sleeps until the earliest; only an earlier one is news, and only once.
        if is_first && self.ticket.is_none() {
            self.alarm.changed.notify_one();
        }
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for FineSleep<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            lock(&self.alarm.list).sleepers.remove(&(self.due, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(duration: Duration) -> Instant {
        Instant::now() + duration
    }

    #[tokio::test]
    async fn sleeps_end_in_their_order() {
        let alarms = Alarms::try_new().unwrap();
        let told = Mutex::new(Vec::new());
        let sleeper = async |millis: u64| {
            let due = after(Duration::from_millis(millis));
            alarms.wait_until(due).await;
            assert!(Instant::now() >= due);
            told.lock().unwrap().push(millis);
        };
        tokio::join!(sleeper(60), sleeper(1), sleeper(0), sleeper(30));
        assert_eq!(*told.lock().unwrap(), [0, 1, 30, 60]);
    }

    #[tokio::test]
    async fn a_sleep_that_is_given_up_is_forgotten() {
        let alarms = Alarms::try_new().unwrap();
        tokio::select! {
            biased;
            () = alarms.wait_until(after(Duration::from_millis(2))) => {}
            () = alarms.wait_until(after(Duration::from_micros(500))) => {}
        }
        assert!(lock(&alarms.0.list).sleepers.is_empty());
    }
}
