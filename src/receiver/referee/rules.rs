//! What a sender is held to.

use std::time::Duration;

/// How many orders are remembered by default: some 10 MB as a rule, 100 MB at the very worst.
pub const DEFAULT_CAPACITY: usize = 10_000;

/// The contract that a sender is held to; the default is the platform's, read literally (the
/// protocol's section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How many retries may follow the first notification: 10 by the platform's documentation, 9
    /// where a deployment means ten notifications in total.
    pub max_retries: u32,
    pub window: Duration,
    pub slack: Duration,
    pub expected_delays: Option<Vec<Duration>>,
    pub closest: Duration,
    /// How long a sender waits for a reply (ours); a delivery whose end is not reported counts as
    /// in flight no longer than this.
    pub attempt_timeout: Duration,
    /// How many orders are remembered, at least one; the order not seen for longest is forgotten.
    pub capacity: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            max_retries: 10,
            window: Duration::from_secs(3600),
            slack: Duration::from_secs(5),
            expected_delays: None,
            closest: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(10),
            capacity: DEFAULT_CAPACITY,
        }
    }
}

impl Rules {
    pub fn most_deliveries(&self) -> u64 {
        u64::from(self.max_retries) + 1
    }

    /// How many deliveries are planned; a schedule may be longer than the window.
    pub(super) fn planned_deliveries(&self) -> Option<u64> {
        let delays = self.expected_delays.as_ref()?;
        let in_window = |delivery: &u64| {
            let planned = self.planned(*delivery).flatten();
            planned.is_some_and(|planned| planned.offset <= self.window)
        };
        let retries = (2..=delays.len() as u64 + 1).take_while(in_window).count() as u64;
        Some((retries + 1).min(self.most_deliveries()))
    }

    /// The delay planned before this delivery (from 2), and the planned time since the first one.
    pub(super) fn planned(&self, delivery: u64) -> Option<Option<Planned>> {
        let delays = self.expected_delays.as_ref()?;
        let before = usize::try_from(delivery.saturating_sub(1)).unwrap_or(usize::MAX);
        let planned = before.checked_sub(1).and_then(|index| delays.get(index)).map(|delay| {
            let offset = delays[..before]
                .iter()
                .fold(Duration::ZERO, |sum, delay| sum.saturating_add(*delay));
            Planned { delay: *delay, offset }
        });
        Some(planned)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) delay: Duration,
    pub(super) offset: Duration,
}

impl Planned {
    /// By how much a delivery may miss its plan: a fifth of the delay, and one second (ours).
    pub(super) fn tolerance(self) -> Duration {
        (self.delay / 5).saturating_add(Duration::from_secs(1))
    }
}
