//! Holds requests back where a rate was asked for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::units::rate::Rate;

pub(super) struct Pacer {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let seconds = rate.map_or(0.0, |rate| 1.0 / rate.per_second());
        let interval = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        Pacer { interval, next: Mutex::default() }
    }

    pub(super) async fn wait(&self) {
        if self.interval.is_zero() {
            return;
        }
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |planned| planned.max(now));
            *next = turn.checked_add(self.interval);
            turn
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_an_interval_apart() {
        let pacer = Pacer::new(Some(Rate::parse("200/s").unwrap()));
        let start = Instant::now();
        for _ in 0..5 {
            pacer.wait().await;
        }
        // Four intervals of 5 ms lie between five turns, however busy the machine is.
        assert!(start.elapsed() >= Duration::from_millis(20));
        let free = Pacer::new(None);
        free.wait().await;
        assert!(free.next.lock().unwrap().is_none());
    }
}
