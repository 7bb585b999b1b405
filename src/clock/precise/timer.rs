//! Sleeps that a timer of the kernel ends, which the runtime awaits among its connections.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::clock::lock;

/// A timer of the kernel. It is no pipe, but is read like one: eight bytes once it has rung, which
/// count how often it did since it was set.
type Timer = pipe::Receiver;

/// Timers that nobody waits for; there are never more than sleeps at one time.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    idle: Mutex<Vec<Timer>>,
}

impl Alarms {
    pub(super) fn try_new() -> io::Result<Self> {
        Ok(Alarms::default())
    }

    /// Waits until `due`; a millisecond longer where the system has no timer to give.
    pub(super) async fn wait_until(&self, due: Instant) {
        if Instant::now() < due && self.ring(due).await.is_err() {
            tokio::time::sleep_until(due.into()).await;
        }
    }

    async fn ring(&self, due: Instant) -> io::Result<()> {
        let idle = lock(&self.idle).pop();
        let timer = idle.map_or_else(new_timer, Ok)?;
        let mut alarm = Alarm { timer: Some(timer), home: self };
        let Some(timer) = &mut alarm.timer else { return Ok(()) };
        // More room than a count needs, so that the runtime knows that there is no second one.
        let mut count = [0; 16];
        while Instant::now() < due {
            set(timer, due)?;
            if timer.read(&mut count).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

struct Alarm<'a> {
    timer: Option<Timer>,
    home: &'a Alarms,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            lock(&self.home.idle).push(timer);
        }
    }
}

fn new_timer() -> io::Result<Timer> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    Timer::from_owned_fd_unchecked(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

fn set(timer: &Timer, due: Instant) -> io::Result<()> {
    // Zero would not be a time but the order to stand still.
    let left = due.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
    let it_value = Timespec::try_from(left).map_err(io::Error::other)?;
    let once = Itimerspec { it_interval: Timespec::default(), it_value };
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timer_serves_one_sleep_after_another() {
        let alarms = Alarms::try_new().unwrap();
        let count = || lock(&alarms.idle).len();
        let soon = || Instant::now() + Duration::from_micros(200);
        for _ in 0..3 {
            alarms.wait_until(soon()).await;
            assert_eq!(count(), 1);
        }
        tokio::join!(alarms.wait_until(soon()), alarms.wait_until(soon()));
        assert_eq!(count(), 2);
        tokio::select! {
            biased;
            () = alarms.wait_until(Instant::now() + Duration::from_secs(1 << 32)) => {}
            () = alarms.wait_until(soon()) => {}
        }
        assert_eq!(count(), 2);
    }
}
