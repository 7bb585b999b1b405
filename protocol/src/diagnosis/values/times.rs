//! Times printed in another way than they were written.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::Writing::Member;
use super::{ValueRule, rule};
use crate::diagnosis::entry::Entry;

const TEXT: &str = "text is signed as received, a time in text like any other";
const SECONDS: &str = "times are signed with the digits that were received";
const FIX: &str = "sign the member as received; turn it into a date only afterwards";

const CHINA: Offset = Offset::constant(8);

const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

type Write = fn(&Entry) -> Option<String>;

const fn iso(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, TEXT, cause, FIX, Member(write))
}

const fn unix(
    code: &'static str,
    does: &'static str,
    cause: &'static str,
    write: Write,
) -> ValueRule {
    rule(code, does, SECONDS, cause, FIX, Member(write))
}

/// An ISO 8601 text: what its clock shows, and its offset as it would be re-printed.
struct IsoTime {
    moment: Timestamp,
    clock: DateTime,
    offset: String,
}

impl IsoTime {
    fn parse(entry: &Entry) -> Option<IsoTime> {
        let text = entry.string().filter(|text| text.len() < 64)?;
        let moment: Timestamp = text.parse().ok()?;
        // Bytes 0 to 19 are the clock's reading, up to the seconds.
        let clock: DateTime = text.get(..19)?.parse().ok()?;
        let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        let offset = if zone.eq_ignore_ascii_case("z") { "+00:00" } else { zone }.to_owned();
        Some(IsoTime { moment, clock, offset })
    }

    fn utc(&self) -> DateTime {
        Offset::UTC.to_datetime(self.moment)
    }
}

fn on_iso(entry: &Entry, print: fn(&IsoTime) -> String) -> Option<String> {
    IsoTime::parse(entry).map(|time| print(&time))
}

fn milliseconds(clock: DateTime) -> String {
    let millisecond = clock.subsec_nanosecond() / 1_000_000;
    format!("{}.{millisecond:03}Z", clock.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Unix seconds; the range keeps small numbers from being read as dates.
fn on_unix(entry: &Entry, print: fn(Timestamp) -> String) -> Option<String> {
    let seconds: i64 = entry.digits().filter(|_| entry.is_time())?.parse().ok()?;
    let is_recent = (100_000_000..100_000_000_000).contains(&seconds);
    Timestamp::from_second(seconds).ok().filter(|_| is_recent).map(print)
}

pub(super) static RULES: [ValueRule; 13] = [
    iso(
        "time-reprinted",
        "re-prints ISO times without their zone (2024-01-15 08:30:00)",
        "PHP date('Y-m-d H:i:s'), Carbon, a DATETIME column",
        |e| on_iso(e, |t| t.clock.strftime(DATE_TIME).to_string()),
    ),
    iso(
        "time-reprinted-utc",
        "re-prints ISO times in UTC (2024-01-15 00:30:00)",
        "a date type with the server's zone UTC between the JSON and the signature",
        |e| on_iso(e, |t| t.utc().strftime(DATE_TIME).to_string()),
    ),
    iso(
        "time-day",
        "re-prints ISO times as days (2024-01-15)",
        "PHP date('Y-m-d'), a DATE column",
        |e| on_iso(e, |t| t.clock.strftime("%Y-%m-%d").to_string()),
    ),
    iso(
        "time-iso-offset",
        "re-prints ISO times with a numeric offset (Z becomes +00:00)",
        "Python isoformat(), PHP DATE_ATOM, Java OffsetDateTime",
        |e| on_iso(e, |t| format!("{}{}", t.clock.strftime("%Y-%m-%dT%H:%M:%S"), t.offset)),
    ),
    iso(
        "time-python",
        "re-prints ISO times with a space and an offset (2024-01-15 08:30:00+08:00)",
        "Python str(datetime), PostgreSQL",
        |e| on_iso(e, |t| format!("{}{}", t.clock.strftime(DATE_TIME), t.offset)),
    ),
    iso(
        "time-iso-ms",
        "re-prints ISO times in UTC with milliseconds (2024-01-15T00:30:00.000Z)",
        "JavaScript Date: toISOString(), JSON.stringify()",
        |e| on_iso(e, |t| milliseconds(t.utc())),
    ),
    iso(
        "time-iso-utc",
        "re-prints ISO times in UTC (2024-01-15T00:30:00Z)",
        "Java Instant.toString(), Go time.Time in UTC, Rails",
        |e| on_iso(e, |t| t.moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ),
    iso(
        "time-as-seconds",
        "signs ISO times as Unix seconds",
        "strtotime(), getTimestamp(), timestamp()",
        |e| on_iso(e, |t| t.moment.as_second().to_string()),
    ),
    iso(
        "time-as-milliseconds",
        "signs ISO times as Unix milliseconds",
        "JavaScript getTime(), Java getTime(), Jackson's dates",
        |e| on_iso(e, |t| t.moment.as_millisecond().to_string()),
    ),
    unix(
        "time-as-date",
        "prints times as dates in UTC (2019-09-04 16:20:49)",
        "date('Y-m-d H:i:s', …), a date type in the object",
        |e| on_unix(e, |t| Offset::UTC.to_datetime(t).strftime(DATE_TIME).to_string()),
    ),
    unix(
        "time-as-date-china",
        "prints times as dates in China's time zone (2019-09-05 00:20:49)",
        "date('Y-m-d H:i:s', …) with Asia/Shanghai, a date type in the object",
        |e| on_unix(e, |t| CHINA.to_datetime(t).strftime(DATE_TIME).to_string()),
    ),
    unix(
        "time-milliseconds",
        "signs times in milliseconds",
        "JavaScript Date and Java Date, which count milliseconds",
        |e| on_unix(e, |t| t.as_millisecond().to_string()),
    ),
    unix(
        "time-as-iso-ms",
        "prints times as ISO text (2019-09-04T16:20:49.000Z)",
        "new Date(t * 1000) in an object that is stringified",
        |e| on_unix(e, |t| milliseconds(Offset::UTC.to_datetime(t))),
    ),
];
