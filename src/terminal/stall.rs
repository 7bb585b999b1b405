//! How long a write to stdout or stderr has waited for its reader.
//!
//! A terminal that was stopped with Ctrl-S and a pipe that is full hold a write back for as long as
//! nobody reads. Whoever hears a signal must know it: the thread that writes hears nothing.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When the write that waits began, in milliseconds after the first look, plus one; 0 is none.
static BEGAN: AtomicU64 = AtomicU64::new(0);

pub fn blocked_for() -> Duration {
    match BEGAN.load(Ordering::Relaxed) {
        0 => Duration::ZERO,
        began => Duration::from_millis(now().saturating_sub(began)),
    }
}

pub(super) fn watch<R>(write: impl FnOnce() -> R) -> R {
    BEGAN.store(now(), Ordering::Relaxed);
    let result = write();
    BEGAN.store(0, Ordering::Relaxed);
    result
}

/// A stream whose every write is noted: a slow reader that takes something is not a blocked one.
pub(super) struct Watched<W>(pub(super) W);

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        watch(|| self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        watch(|| self.0.flush())
    }
}

fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let passed = START.get_or_init(Instant::now).elapsed().as_millis();
    u64::try_from(passed).unwrap_or(u64::MAX).saturating_add(1)
}
