//! How long the parts of one attempt took: whose second it is.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// A part of an attempt, in the order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptPhase {
    /// From the host name to addresses.
    Resolve,
    /// Until the connection was accepted; through a proxy until there was a way to the merchant.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Until the whole request was handed to the system.
    Send,
    /// From there to the first byte of the reply: what the merchant needs before it answers.
    FirstByte,
    /// The rest of the reply. Its time is what the others leave of the whole attempt.
    Reply,
}

impl AttemptPhase {
    /// Those whose times are measured.
    pub const TIMED: [AttemptPhase; 5] = [
        AttemptPhase::Resolve,
        AttemptPhase::Connect,
        AttemptPhase::Tls,
        AttemptPhase::Send,
        AttemptPhase::FirstByte,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            AttemptPhase::Resolve => "resolve",
            AttemptPhase::Connect => "connect",
            AttemptPhase::Tls => "tls",
            AttemptPhase::Send => "send",
            AttemptPhase::FirstByte => "first-byte",
            AttemptPhase::Reply => "reply",
        }
    }

    /// As it is read in a line of a report.
    pub const fn name(self) -> &'static str {
        match self {
            AttemptPhase::Tls => "TLS",
            AttemptPhase::FirstByte => "first byte",
            other => other.code(),
        }
    }

    /// What is missing of an attempt that came no further.
    const fn missing(self) -> &'static str {
        match self {
            AttemptPhase::Resolve => "no address",
            AttemptPhase::Connect => "no connection",
            AttemptPhase::Tls => "no TLS session",
            AttemptPhase::Send => "request not sent whole",
            AttemptPhase::FirstByte => "no first byte",
            AttemptPhase::Reply => "no complete reply",
        }
    }
}

/// The times of an attempt's phases, each by itself and not added up. A phase that did not happen, as
/// the first three on a kept connection, or that was not measured, has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// In microseconds, and one more, so that an absent time takes no room of its own: every
    /// attempt has these.
    times: [Option<NonZeroU32>; AttemptPhase::TIMED.len()],
    ended_in: Option<AttemptPhase>,
}

impl Phases {
    /// How long a phase lasted: until the attempt failed, where it failed in it.
    pub fn time(&self, phase: AttemptPhase) -> Option<Duration> {
        let micros = self.micros().get(phase as usize).copied().flatten()?;
        Some(Duration::from_micros(micros))
    }

    /// The same in microseconds, of each of [`AttemptPhase::TIMED`].
    #[inline]
    pub fn micros(&self) -> [Option<u64>; AttemptPhase::TIMED.len()] {
        self.times.map(|time| time.map(|micros| u64::from(micros.get() - 1)))
    }

    /// The phase in which the attempt failed; `None` where a whole reply came.
    pub const fn ended_in(&self) -> Option<AttemptPhase> {
        self.ended_in
    }

    #[must_use]
    pub(crate) fn with(mut self, phase: AttemptPhase, micros: u32) -> Self {
        if let Some(time) = self.times.get_mut(phase as usize) {
            *time = NonZeroU32::new(micros.saturating_add(1));
        }
        self
    }

    #[must_use]
    pub(crate) const fn without(mut self, phase: AttemptPhase) -> Self {
        self.times[phase as usize] = None;
        self
    }

    #[must_use]
    pub(crate) const fn failed_in(mut self, phase: AttemptPhase) -> Self {
        self.ended_in = Some(phase);
        self
    }

    /// The phases in one line: `resolve 1.02 ms, connect 3.10 ms, no first byte in 5.00 s`; `None`
    /// where nothing was measured.
    pub fn in_words(&self, show: impl Fn(Duration) -> String) -> Option<String> {
        let mut parts = Vec::new();
        for phase in AttemptPhase::TIMED {
            let Some(time) = self.time(phase) else { continue };
            parts.push(match self.ended_in == Some(phase) {
                true => format!("{} in {}", phase.missing(), show(time)),
                false => format!("{} {}", phase.name(), show(time)),
            });
        }
        if self.ended_in == Some(AttemptPhase::Reply) && !parts.is_empty() {
            parts.push(AttemptPhase::Reply.missing().to_owned());
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Attempts that may take longer are not measured: [`Stamp`]s of one attempt must be less than 71
/// minutes apart.
pub(super) const LONGEST_MEASURED: Duration = Duration::from_secs(3600);

/// A moment in microseconds, of which the difference to another moment counts. It wraps around, in
/// exchange for a quarter of the room of an [`Instant`]: each attempt in flight has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) u32);

impl Stamp {
    pub(super) fn now() -> Self {
        Stamp::at(Instant::now())
    }

    pub(super) fn at(moment: Instant) -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let since = moment.saturating_duration_since(*START);
        // Only the low digits are of use.
        Stamp((since.as_secs() as u32).wrapping_mul(1_000_000).wrapping_add(since.subsec_micros()))
    }

    pub(super) const fn micros_since(self, earlier: Stamp) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_a_time_or_none_and_zero_is_a_time() {
        let phases =
            Phases::default().with(AttemptPhase::Connect, 0).with(AttemptPhase::Tls, u32::MAX);
        assert_eq!(phases.time(AttemptPhase::Resolve), None);
        assert_eq!(phases.time(AttemptPhase::Connect), Some(Duration::ZERO));
        assert_eq!(
            phases.time(AttemptPhase::Tls),
            Some(Duration::from_micros(u64::from(u32::MAX) - 1))
        );
        assert_eq!(phases.with(AttemptPhase::Reply, 7).time(AttemptPhase::Reply), None);
        assert_eq!(phases.without(AttemptPhase::Connect).time(AttemptPhase::Connect), None);
        assert!(size_of::<Phases>() <= 24);
    }

    #[test]
    fn stamps_wrap_around() {
        assert_eq!(Stamp(2).micros_since(Stamp(u32::MAX - 2)), 5);
        let earlier = Stamp::now();
        assert!(Stamp::now().micros_since(earlier) < u32::MAX / 2);
    }

    #[test]
    fn the_words_name_the_phase_that_an_attempt_did_not_get_past() {
        let words = |phases: Phases| phases.in_words(|time| format!("{} ms", time.as_millis()));
        let sent = Phases::default().with(AttemptPhase::Connect, 3_000).with(AttemptPhase::Send, 0);
        assert_eq!(words(Phases::default()), None);
        assert_eq!(words(Phases::default().failed_in(AttemptPhase::Reply)), None);
        let replied = sent.with(AttemptPhase::FirstByte, 240_000);
        assert_eq!(words(replied).unwrap(), "connect 3 ms, send 0 ms, first byte 240 ms");
        for (phases, expected) in [
            (
                Phases::default()
                    .with(AttemptPhase::Resolve, 9_000)
                    .failed_in(AttemptPhase::Resolve),
                "no address in 9 ms",
            ),
            (
                Phases::default()
                    .with(AttemptPhase::Connect, 9_000)
                    .failed_in(AttemptPhase::Connect),
                "no connection in 9 ms",
            ),
            (
                Phases::default().with(AttemptPhase::Tls, 9_000).failed_in(AttemptPhase::Tls),
                "no TLS session in 9 ms",
            ),
            (sent.failed_in(AttemptPhase::Send), "connect 3 ms, request not sent whole in 0 ms"),
            (
                replied.failed_in(AttemptPhase::FirstByte),
                "connect 3 ms, send 0 ms, no first byte in 240 ms",
            ),
            (
                replied.failed_in(AttemptPhase::Reply),
                "connect 3 ms, send 0 ms, first byte 240 ms, no complete reply",
            ),
        ] {
            assert_eq!(words(phases).unwrap(), expected);
        }
    }
}
