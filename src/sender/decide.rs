//! What follows from an attempt.
//!
//! Source: the protocol's section 3. The platform stops at the first acknowledgement; everything
//! else, a redirect and a broken connection alike, leads to the next planned attempt.

use std::time::Duration;

use protocol::internal::acknowledgement::Conclusion;

use super::schedule::RetrySchedule;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Acknowledged,
    RetryAt { attempt: usize, offset: Duration },
    Exhausted(Exhaustion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhaustion {
    NoRetriesLeft,
    WindowPassed,
}

/// What follows attempt `attempt`, whose outcome was known `elapsed` after the order's completion.
///
/// A `conclusion` of `None` means that no reply arrived. A retry whose time has passed is due at
/// once, but never after the window (the protocol's section 3, "within one hour").
#[must_use]
pub fn decide(
    schedule: &RetrySchedule,
    attempt: usize,
    conclusion: Option<&Conclusion>,
    elapsed: Duration,
) -> Decision {
    if let Some(Conclusion::Acknowledged(_)) = conclusion {
        return Decision::Acknowledged;
    }
    let next = attempt.saturating_add(1);
    match schedule.offset(next) {
        None => Decision::Exhausted(Exhaustion::NoRetriesLeft),
        Some(_) if elapsed > schedule.window() => Decision::Exhausted(Exhaustion::WindowPassed),
        Some(offset) => Decision::RetryAt { attempt: next, offset },
    }
}

#[cfg(test)]
mod tests {
    use protocol::internal::acknowledgement::Refusal;

    use super::*;

    #[test]
    fn an_attempt_leads_to_silence_a_retry_or_the_end() {
        let window = Duration::from_secs(60);
        let schedule = RetrySchedule::parse("15s,45s", None, window).unwrap();
        let after = |attempt, seconds| {
            let refused = Conclusion::NotAcknowledged(Refusal::Empty);
            let elapsed = Duration::from_secs(seconds);
            let decision = decide(&schedule, attempt, Some(&refused), elapsed);
            assert_eq!(decision, decide(&schedule, attempt, None, elapsed));
            decision
        };
        let at =
            |attempt, seconds| Decision::RetryAt { attempt, offset: Duration::from_secs(seconds) };
        assert_eq!(after(1, 0), at(2, 15));
        assert_eq!(after(2, 59), at(3, 60));
        assert_eq!(after(2, 60), at(3, 60));
        assert_eq!(after(2, 61), Decision::Exhausted(Exhaustion::WindowPassed));
        assert_eq!(after(3, 60), Decision::Exhausted(Exhaustion::NoRetriesLeft));
        assert_eq!(after(usize::MAX, 0), Decision::Exhausted(Exhaustion::NoRetriesLeft));
        let acknowledged = Conclusion::Acknowledged(Vec::new());
        assert_eq!(
            decide(&schedule, 3, Some(&acknowledged), Duration::MAX),
            Decision::Acknowledged
        );
    }
}
