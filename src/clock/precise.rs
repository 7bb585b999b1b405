//! A clock whose sleeps end within some hundred microseconds.
//!
//! The runtime's timer counts whole milliseconds, so what is to be sent at a fixed time is sent
//! about a millisecond late, and a latency counted from that time shows a millisecond that is not
//! the merchant's. Linux has timers that the runtime awaits as it awaits a connection, for one
//! system call each; elsewhere a thread waits for the end of each sleep and wakes the runtime.

use std::time::{Duration, Instant};
use std::{future, io};

use jiff::Timestamp;

use super::Clock;

#[cfg(any(test, not(target_os = "linux")))]
mod thread;
#[cfg(target_os = "linux")]
mod timer;

#[cfg(not(target_os = "linux"))]
use thread::Alarms;
#[cfg(target_os = "linux")]
use timer::Alarms;

#[derive(Debug)]
pub struct PreciseClock {
    start: Instant,
    alarms: Alarms,
}

impl PreciseClock {
    pub fn try_new() -> io::Result<Self> {
        Ok(PreciseClock { start: Instant::now(), alarms: Alarms::try_new()? })
    }
}

impl Clock for PreciseClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> Timestamp {
        super::wall_time()
    }

    async fn sleep(&self, duration: Duration) {
        match Instant::now().checked_add(duration) {
            Some(due) => self.alarms.wait_until(due).await,
            None => future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn a_sleep_ends_no_earlier_and_others_in_their_order() {
        let clock = PreciseClock::try_new().unwrap();
        let told = Mutex::new(Vec::new());
        let sleeper = async |millis: u64| {
            clock.sleep(Duration::from_millis(millis)).await;
            assert!(clock.now() >= Duration::from_millis(millis));
            told.lock().unwrap().push(millis);
        };
        tokio::join!(sleeper(60), sleeper(1), sleeper(0), sleeper(30));
        assert_eq!(*told.lock().unwrap(), [0, 1, 30, 60]);
    }

    #[tokio::test]
    async fn sleeps_that_are_given_up_do_not_shorten_others() {
        let clock = PreciseClock::try_new().unwrap();
        for _ in 0..20 {
            tokio::select! {
                biased;
                () = clock.sleep(Duration::MAX) => {}
                () = clock.sleep(Duration::from_micros(300)) => {}
                () = clock.sleep(Duration::from_micros(200)) => {}
            }
            let before = clock.now();
            clock.sleep(Duration::from_millis(1)).await;
            assert!(clock.now() - before >= Duration::from_millis(1));
        }
    }
}
