//! The `Retry-After` header: how long a merchant asks the sender to wait; pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use protocol::internal::acknowledgement::Reply;

/// How long a reply asks to wait, counted from `now` (RFC 9110, section 10.2.3): a number of
/// seconds or an HTTP date, and only with 429 and 503. A value that is neither asks for nothing.
pub fn requested_wait(reply: &Reply, now: Timestamp) -> Option<Duration> {
    if !matches!(reply.status, 429 | 503) {
        return None;
    }
    let text = reply.retry_after.as_deref()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit stand for a very long time.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let parsed = DateTimeParser::new().parse_timestamp(text).ok();
    let date = parsed.or_else(|| rfc_850(text, now)).or_else(|| asctime(text))?;
    // A date in the past asks for no wait.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// The first obsolete form: `Sunday, 06-Nov-94 08:49:37 GMT`. A year that would be more than 50
/// years ahead is of the century before (RFC 9110, section 5.6.7).
fn rfc_850(text: &str, now: Timestamp) -> Option<Timestamp> {
    // The day of the week would be checked, with a century that is guessed.
    let (_, date) = text.split_once(", ")?;
    let date = DateTime::strptime("%d-%b-%y %H:%M:%S GMT", date).ok()?;
    let latest = now.to_zoned(TimeZone::UTC).year().saturating_add(50);
    let year = latest - (latest - date.year()).rem_euclid(100);
    in_utc(date.with().year(year).build().ok()?)
}

/// The second obsolete form: `Sun Nov  6 08:49:37 1994`.
fn asctime(text: &str) -> Option<Timestamp> {
    in_utc(DateTime::strptime("%a %b %e %H:%M:%S %Y", text).ok()?)
}

fn in_utc(date: DateTime) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).ok().map(|date| date.timestamp())
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
        assert_eq!(wait(503, "Sunday, 06-Nov-94 08:49:37 GMT"), Some(37));
        assert_eq!(wait(429, "Monday, 07-Nov-94 08:49:00 GMT"), Some(86_400));
        assert_eq!(wait(503, "Sun Nov  6 08:49:37 1994"), Some(37));
        assert_eq!(wait(503, "Wed Nov 16 08:49:00 1994"), Some(864_000));
        // 2044 is 50 years ahead, 2045 more than that, so it is 1945.
        assert!(wait(503, "Sunday, 06-Nov-44 08:49:00 GMT") > Some(1_000_000_000));
        assert_eq!(wait(503, "Monday, 06-Nov-45 08:49:00 GMT"), Some(0));
        for nonsense in [
            "",
            "-1",
            "1.5",
            "soon",
            "+3",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sunday, 31-Feb-94 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 PST",
            "Nov  6 08:49:37 1994",
            "Sun Nov 31 08:49:37 1994",
        ] {
            assert_eq!(wait(503, nonsense), None, "{nonsense}");
        }
        assert_eq!(wait(500, "120"), None);
        assert_eq!(wait(200, "120"), None);
    }
}
