//! Times printed in another way than they were written.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::{ValueRule, member};
use crate::diagnosis::entry::Entry;

const CHINA: Offset = Offset::constant(8);

const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

const ISO: &str = "%Y-%m-%dT%H:%M:%S";

/// An ISO 8601 text: what its clock shows, and its offset as it would be re-printed.
struct IsoTime {
    moment: Timestamp,
    clock: DateTime,
    offset: String,
}

impl IsoTime {
    fn parse(entry: &Entry) -> Option<IsoTime> {
        let text = entry.string()?;
        let moment: Timestamp = text.parse().ok()?;
        // Bytes 0 to 19 are the clock's reading, up to the seconds.
        let clock: DateTime = text.get(..19)?.parse().ok()?;
        let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        let offset = if zone.eq_ignore_ascii_case("z") { "+00:00" } else { zone }.to_owned();
        Some(IsoTime { moment, clock, offset })
    }
}

fn on_iso(entry: &Entry, print: fn(&IsoTime) -> String) -> Option<String> {
    IsoTime::parse(entry).map(|time| print(&time))
}

fn utc(moment: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(moment)
}

fn milliseconds(clock: DateTime) -> String {
    let millisecond = clock.subsec_nanosecond() / 1_000_000;
    format!("{}.{millisecond:03}Z", clock.strftime(ISO))
}

/// Unix seconds; the range keeps small numbers from being read as dates.
fn on_unix(entry: &Entry, print: fn(Timestamp) -> String) -> Option<String> {
    let seconds: i64 = entry.digits().filter(|_| entry.is_time())?.parse().ok()?;
    let is_recent = (100_000_000..100_000_000_000).contains(&seconds);
    Timestamp::from_second(seconds).ok().filter(|_| is_recent).map(print)
}

pub(super) static RULES: [ValueRule; 13] = [
    member("time-reprinted", |e| on_iso(e, |t| t.clock.strftime(DATE_TIME).to_string())),
    member("time-reprinted-utc", |e| on_iso(e, |t| utc(t.moment).strftime(DATE_TIME).to_string())),
    member("time-day", |e| on_iso(e, |t| t.clock.strftime("%Y-%m-%d").to_string())),
    member("time-iso-offset", |e| on_iso(e, |t| format!("{}{}", t.clock.strftime(ISO), t.offset))),
    member("time-python", |e| {
        on_iso(e, |t| format!("{}{}", t.clock.strftime(DATE_TIME), t.offset))
    }),
    member("time-iso-ms", |e| on_iso(e, |t| milliseconds(utc(t.moment)))),
    member("time-iso-utc", |e| on_iso(e, |t| t.moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
    member("time-as-seconds", |e| on_iso(e, |t| t.moment.as_second().to_string())),
    member("time-as-milliseconds", |e| on_iso(e, |t| t.moment.as_millisecond().to_string())),
    member("time-as-date", |e| on_unix(e, |t| utc(t).strftime(DATE_TIME).to_string())),
    member("time-as-date-china", |e| {
        on_unix(e, |t| CHINA.to_datetime(t).strftime(DATE_TIME).to_string())
    }),
    member("time-milliseconds", |e| on_unix(e, |t| t.as_millisecond().to_string())),
    member("time-as-iso-ms", |e| on_unix(e, |t| milliseconds(utc(t)))),
];
