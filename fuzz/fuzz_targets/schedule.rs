//! Schedules, durations and jitter: every attempt lies in the window, and times read back.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use payout_notify::fuzzing::{
    Jitter, MAX_DURATION, MAX_RETRIES, Percent, RetrySchedule, Speed, format_duration,
    parse_duration,
};

fuzz_target!(|input: (u8, u32, &str)| {
    let (retries, window, text) = input;
    let retries = (retries < 120).then_some(usize::from(retries));
    let window = Duration::from_secs(u64::from(window));
    if let Ok(duration) = parse_duration(text) {
        assert!(duration <= MAX_DURATION);
        assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }
    let _ = Speed::parse(text);
    let share = text.parse::<Percent>().or_else(|_| "50%".parse());
    let jitter = share.map(|share| Jitter { share, seed: 7 });
    let schedule = match RetrySchedule::parse(text, retries, window) {
        Ok(schedule) => schedule,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    assert_eq!(schedule.attempts(), schedule.delays().len() + 1);
    assert!(schedule.delays().len() <= retries.unwrap_or(MAX_RETRIES));
    let mut before = Duration::ZERO;
    for (attempt, offset) in schedule.timeline() {
        assert!(before <= offset && offset <= window);
        assert_eq!(schedule.offset(attempt), Some(offset));
        before = offset;
        if let Ok(jitter) = &jitter {
            assert!(jitter.offset(&schedule, 1, attempt).is_some_and(|offset| offset <= window));
        }
    }
    assert_eq!(schedule.offset(0), None);
    assert_eq!(schedule.offset(schedule.attempts() + 1), None);
});
