//! How far an attempt is, and how long each phase of it took.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::net::failure::ConnectionPhase;
use crate::net::phases::{AttemptPhase, LONGEST_MEASURED, Phases, Stamp};
use crate::net::trace::Log;
use crate::units::duration::three_digits;

/// How far an attempt is, and what `--verbose` shows of it. What waits for a reply has one of these,
/// so it is small.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<Reached>,
    pub(super) log: Log,
}

#[derive(Debug)]
struct Reached {
    phase: ConnectionPhase,
    /// When that began; `None` before anything was done.
    since: Option<Stamp>,
    /// The phases before the exchange.
    before: [u32; 3],
    /// What is seen of the exchange where it takes place.
    wire: Option<Arc<Wire>>,
}

/// In the place of a time that there is none of.
const NONE: u32 = u32::MAX;

impl Progress {
    pub(super) fn new(phase: ConnectionPhase, log: Log) -> Self {
        let state = Reached { phase, since: None, before: [NONE; 3], wire: None };
        Progress { state: Mutex::new(state), log }
    }

    fn state(&self) -> MutexGuard<'_, Reached> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a phase; what was expected to come before it did not take place.
    pub(super) fn begin(&self, phase: ConnectionPhase, at: Stamp) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Some(at));
    }

    /// Ends one phase and begins another.
    pub(super) fn reach(&self, phase: ConnectionPhase) {
        let (mut state, now) = (self.state(), Stamp::now());
        let since = state.since.replace(now);
        if let (Some(ended), Some(since)) = (timed(state.phase), since)
            && let Some(time) = state.before.get_mut(ended as usize)
        {
            *time = now.micros_since(since);
        }
        state.phase = phase;
    }

    /// Begins with the exchange, on a connection that is there already.
    pub(super) fn begin_on(&self, wire: &Arc<Wire>, at: Stamp) {
        wire.begin();
        let mut state = self.state();
        (state.phase, state.since) = (ConnectionPhase::Exchanging, Some(at));
        state.wire = Some(Arc::clone(wire));
    }

    /// The exchange takes place on this connection.
    pub(super) fn watch(&self, wire: &Arc<Wire>) {
        wire.begin();
        self.state().wire = Some(Arc::clone(wire));
    }

    pub(super) fn phase(&self) -> ConnectionPhase {
        self.state().phase
    }

    /// The times of an attempt that ended, as far as `measured` leaves them; noted for `--verbose`.
    pub(super) fn finish<T, E>(
        &self,
        exchanged: &Result<T, E>,
        limit: Duration,
        measured: impl FnOnce(Phases) -> Phases,
    ) -> Phases {
        if limit > LONGEST_MEASURED {
            return Phases::default();
        }
        let phases = measured(self.phases(exchanged.is_ok()));
        if self.log.is_on()
            && let Some(words) = phases.in_words(three_digits)
        {
            self.log.note(|| format!("* {words}"));
        }
        phases
    }

    fn phases(&self, is_complete: bool) -> Phases {
        let state = self.state();
        let mut phases = Phases::default();
        let Some(began) = state.since else { return phases };
        let so_far = || Stamp::now().micros_since(began);
        // Most attempts of a run are made on kept connections.
        if state.before != [NONE; 3] {
            for (phase, micros) in AttemptPhase::TIMED.into_iter().zip(state.before) {
                if micros != NONE {
                    phases = phases.with(phase, micros);
                }
            }
        }
        if let Some(phase) = timed(state.phase) {
            return phases.with(phase, so_far()).failed_in(phase);
        }
        let Some(wire) = &state.wire else { return phases };
        let WireTimes { sent, is_whole, first_byte } = wire.seen();
        // Rounded as the time of sending is, which would else be before it.
        let rounded = Stamp(began.0 & !ENDED);
        let since = |at: Stamp| at.micros_since(rounded);
        let (phases, phase) = match (first_byte.map(since), sent.map(since)) {
            // A reply may begin before the request is sent whole.
            (Some(first), sent) => {
                let sent = sent.unwrap_or(first).min(first);
                (
                    phases
                        .with(AttemptPhase::Send, sent)
                        .with(AttemptPhase::FirstByte, first - sent),
                    AttemptPhase::Reply,
                )
            }
            (None, Some(sent)) if is_whole => {
                let waited = so_far().saturating_sub(sent);
                (
                    phases.with(AttemptPhase::Send, sent).with(AttemptPhase::FirstByte, waited),
                    AttemptPhase::FirstByte,
                )
            }
            (None, _) => (phases.with(AttemptPhase::Send, so_far()), AttemptPhase::Send),
        };
        if is_complete { phases } else { phases.failed_in(phase) }
    }
}

/// The phase that ends where this one does; the exchange has several.
const fn timed(phase: ConnectionPhase) -> Option<AttemptPhase> {
    match phase {
        ConnectionPhase::Resolving => Some(AttemptPhase::Resolve),
        ConnectionPhase::Connecting | ConnectionPhase::Reaching { .. } => {
            Some(AttemptPhase::Connect)
        }
        ConnectionPhase::Securing => Some(AttemptPhase::Tls),
        ConnectionPhase::Exchanging => None,
    }
}

/// What is seen of an exchange at its connection. There is one for each connection, and it is as
/// small as memory is handed out.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// When what was handed out was last written before the reply began, to two microseconds; 0
    /// while it was not. The lowest bit is set when nothing more is to be handed out.
    sent: AtomicU32,
    /// When the reply began; 0 while nothing was read, and 1 while only an interim reply was.
    first_byte: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WireTimes {
    sent: Option<Stamp>,
    /// Whether the whole request was handed out and written.
    is_whole: bool,
    first_byte: Option<Stamp>,
}

const ENDED: u32 = 1;
const INTERIM: u32 = 1;

impl Wire {
    fn begin(&self) {
        self.sent.store(0, Ordering::Relaxed);
        self.first_byte.store(0, Ordering::Relaxed);
    }

    /// The last byte of the request is handed out, and not written yet; may be noted again later.
    pub(super) fn note_end(&self) {
        if !self.has_ended() {
            self.sent.store(ENDED, Ordering::Release);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.sent.load(Ordering::Acquire) & ENDED != 0
    }

    /// Everything that was handed out is written, the last of it from this moment on.
    pub(super) fn note_written(&self, at: Stamp) {
        if !self.has_begun() {
            let ended = self.sent.load(Ordering::Relaxed) & ENDED;
            self.sent.store((at.0 & !ENDED).max(2) | ended, Ordering::Release);
        }
    }

    /// A part of the reply was read, or its head is there, whether its first byte was seen or not.
    pub(super) fn note_read(&self) {
        if !self.has_begun() {
            self.first_byte.store(Stamp::now().0.max(2), Ordering::Relaxed);
        }
    }

    /// What was read is not the reply yet.
    pub(super) fn note_interim(&self) {
        self.first_byte.store(INTERIM, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.first_byte.load(Ordering::Relaxed) > INTERIM
    }

    /// Whether anything was read since the request was sent.
    pub(super) fn has_read(&self) -> bool {
        self.first_byte.load(Ordering::Relaxed) != 0
    }

    fn seen(&self) -> WireTimes {
        let (sent, first) =
            (self.sent.load(Ordering::Acquire), self.first_byte.load(Ordering::Relaxed));
        let sent_at = sent & !ENDED;
        WireTimes {
            sent: (sent_at != 0).then_some(Stamp(sent_at)),
            is_whole: sent_at != 0 && sent & ENDED != 0,
            first_byte: (first > INTERIM).then_some(Stamp(first)),
        }
    }
}

#[cfg(test)]
mod tests;
