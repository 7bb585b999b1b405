//! Time as a seam: the system's clock and a simulated one.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
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
}
