//! The times in which the sender itself did not run: a paused process, or a machine that is too
//! busy. Nothing but a timer that rings long after its time shows them.

use std::time::Duration;

pub(super) const BEAT: Duration = Duration::from_secs(1);

/// How late an attempt may start past the window, and a timer may ring: timers and commits take
/// their time.
pub(super) const LATENESS: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Stops {
    last: Option<(Duration, Duration)>,
}

impl Stops {
    pub(super) fn notice(&mut self, due: Duration, now: Duration) -> Option<Duration> {
        let lasted = now.saturating_sub(due);
        (lasted > LATENESS).then(|| {
            self.last = Some((due, now));
            lasted
        })
    }

    /// Whether the last stop was, at least in part, between two times.
    pub(super) fn was_stopped(&self, from: Duration, to: Duration) -> bool {
        self.last.is_some_and(|(begun, ended)| from < ended && begun < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_timer_is_a_stop_and_a_slightly_late_one_is_none() {
        let seconds = Duration::from_secs;
        let mut stops = Stops::default();
        assert_eq!(stops.notice(seconds(10), seconds(9)), None);
        assert_eq!(stops.notice(seconds(10), seconds(11)), None);
        assert!(!stops.was_stopped(Duration::ZERO, seconds(99)));
        assert_eq!(stops.notice(seconds(10), seconds(30)), Some(seconds(20)));
        let stopped = |from, to| stops.was_stopped(seconds(from), seconds(to));
        assert!(stopped(0, 11) && stopped(29, 40) && stopped(15, 16) && stopped(0, 99));
        assert!(!stopped(0, 10) && !stopped(30, 99));
    }

    #[test]
    fn the_last_stop_replaces_the_one_before_it() {
        let seconds = Duration::from_secs;
        let mut stops = Stops::default();
        stops.notice(seconds(10), seconds(30));
        stops.notice(seconds(50), seconds(60));
        assert!(stops.was_stopped(seconds(55), seconds(56)));
        assert!(!stops.was_stopped(seconds(15), seconds(16)));
        // A timer that is on time leaves it.
        assert_eq!(stops.notice(seconds(70), seconds(70)), None);
        assert!(stops.was_stopped(seconds(55), seconds(56)));
    }
}
