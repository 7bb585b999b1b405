//! Times and durations as text.

use std::time::Duration;

use jiff::Timestamp;

/// The time of day in UTC, to the millisecond: `12:00:01.123Z`.
#[must_use]
pub fn clock_time(at: Timestamp) -> String {
    let text = format!("{at:.3}");
    text.split_once('T').map_or_else(|| text.clone(), |(_, time)| time.to_owned())
}

/// A measured duration in a few characters: `0.4 ms`, `12 ms`, `1.24 s`, `75 s`.
#[must_use]
pub fn short_duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let milliseconds = seconds * 1000.0;
    if milliseconds < 9.95 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else if seconds < 9.995 {
        format!("{seconds:.2} s")
    } else {
        format!("{seconds:.0} s")
    }
}

/// A duration as a number of milliseconds, to the microsecond.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_short() {
        assert_eq!(
            clock_time(Timestamp::from_millisecond(1_567_614_111_005).unwrap()),
            "16:21:51.005Z"
        );
        assert_eq!(short_duration(Duration::from_micros(400)), "0.4 ms");
        assert_eq!(short_duration(Duration::from_millis(12)), "12 ms");
        assert_eq!(short_duration(Duration::from_millis(1240)), "1.24 s");
        assert_eq!(short_duration(Duration::from_secs(75)), "75 s");
        assert_eq!(milliseconds(Duration::from_micros(1500)), 1.5);
    }
}
