//! The `Retry-After` header: how long a merchant asks the sender to wait; pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use protocol::internal::acknowledgement::Reply;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    #[default]
    Ignored,
    /// With a status 429 or 503 it moves the next attempt later, never past the window.
    Honored,
}

/// How long a reply asks to wait, counted from `now`; `None` where it does not.
///
/// Source: RFC 9110, section 10.2.3. The header is a number of seconds or an HTTP date; it asks for
/// a wait only with 429 and 503, and a value that is neither asks for nothing.
pub fn requested_wait(reply: &Reply, now: Timestamp) -> Option<Duration> {
    if !matches!(reply.status, 429 | 503) {
        return None;
    }
    let text = reply.retry_after.as_deref()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit stand for a very long time.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    // A date in the past asks for no wait.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(status: u16, header: &str) -> Option<u64> {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let retry_after = Some(header.to_owned());
        let reply = Reply { status, retry_after, ..Reply::default() };
        requested_wait(&reply, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read_and_nonsense_is_ignored() {
        assert_eq!(wait(503, "120"), Some(120));
        assert_eq!(wait(429, " 0 "), Some(0));
        assert_eq!(wait(503, "Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(wait(503, "Sat, 05 Nov 1994 08:49:37 GMT"), Some(0));
        assert_eq!(wait(503, &"9".repeat(200)), Some(u64::MAX));
        for nonsense in ["", "-1", "1.5", "soon", "+3", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wait(503, nonsense), None, "{nonsense}");
        }
        assert_eq!(wait(500, "120"), None);
        assert_eq!(wait(200, "120"), None);
    }
}
