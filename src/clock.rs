//! Time as a seam: the system's clock and a simulated one.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

mod precise;
#[cfg(test)]
mod simulated;

pub use precise::PreciseClock;
#[cfg(test)]
pub use simulated::SimulatedClock;

pub trait Clock: Send + Sync {
    /// The time since this clock started; it never runs backwards.
    fn now(&self) -> Duration;

    fn wall(&self) -> Timestamp;

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub fn new() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> Timestamp {
        wall_time()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

/// The begin of the last second: the library reads none of its microseconds.
pub const LATEST: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// The system's time; `Timestamp::now` panics where the clock is past the year 9999.
pub fn wall_time() -> Timestamp {
    timestamp(SystemTime::now())
}

/// What is out of range becomes the nearest time that is not.
fn timestamp(time: SystemTime) -> Timestamp {
    let end = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { LATEST };
    time.try_into().unwrap_or(end).min(LATEST)
}

/// The guarded value; each change to one is whole, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_clock_never_runs_backwards() {
        let clock = SystemClock::new();
        let before = clock.now();
        clock.sleep(Duration::ZERO).await;
        assert!(clock.now() >= before);
    }

    #[test]
    fn a_clock_that_is_set_wrong_gives_the_nearest_time() {
        let years = |years: u64| Duration::from_secs(years * 366 * 86_400);
        let (epoch, now) = (SystemTime::UNIX_EPOCH, wall_time());
        assert!(now > Timestamp::UNIX_EPOCH && now < Timestamp::MAX);
        assert_eq!(timestamp(epoch), Timestamp::UNIX_EPOCH);
        for after in [8_100, 10_000, 1_000_000] {
            let latest = timestamp(epoch + years(after));
            assert_eq!(latest.as_second(), Timestamp::MAX.as_second());
            assert_eq!(Timestamp::from_microsecond(latest.as_microsecond()).unwrap(), latest);
        }
        for before in [12_000, 1_000_000] {
            assert_eq!(timestamp(epoch - years(before)), Timestamp::MIN);
        }
    }
}
