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

/// A point in time that a field holds.
pub(in crate::diagnosis) struct Moment {
    at: Timestamp,
}

impl Moment {
    pub(in crate::diagnosis) fn of(entry: &Entry) -> Option<Moment> {
        if let Some(time) = IsoTime::parse(entry) {
            return Some(Moment { at: time.moment });
        }
        let count: i64 = entry.digits().filter(|_| entry.is_time())?.parse().ok()?;
        let at = match count {
            100_000_000..100_000_000_000 => Timestamp::from_second(count).ok()?,
            100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(count).ok()?,
            _ => return None,
        };
        Some(Moment { at })
    }
}

/// Zones in minutes from UTC: the usual ones, then the others, which take longer.
pub(in crate::diagnosis) const ZONES: [&[i32]; 2] = [
    &[0, 480, 420, 330, 540, 60, 120, -300],
    &[180, 240, 300, 345, 360, 390, 210, 270, 600, 660, 720, -180, -240, -360, -420, -480],
];

pub(in crate::diagnosis) fn zone(minutes: i32) -> String {
    format!(
        "{}{:02}:{:02}",
        if minutes < 0 { '-' } else { '+' },
        minutes.abs() / 60,
        minutes.abs() % 60
    )
}

/// How the fraction of a second is printed.
#[derive(Clone, Copy)]
enum Fraction {
    None,
    /// Always so many digits.
    Digits(usize),
    /// So many digits, and nothing for a whole second.
    IfAny(usize),
    /// As few digits as it needs.
    Shortest,
    /// The same, and one zero for a whole second.
    ShortestOrZero,
    /// Three, six or nine digits.
    Threes,
}

impl Fraction {
    fn print(self, nanoseconds: i32) -> String {
        let digits = format!("{nanoseconds:09}");
        let short = digits.trim_end_matches('0');
        let kept = match self {
            Fraction::None => "",
            Fraction::Digits(count) => &digits[..count],
            Fraction::IfAny(_) | Fraction::Threes | Fraction::Shortest if short.is_empty() => "",
            Fraction::IfAny(count) => &digits[..count],
            Fraction::Threes => &digits[..short.len().div_ceil(3) * 3],
            Fraction::ShortestOrZero if short.is_empty() => "0",
            Fraction::Shortest | Fraction::ShortestOrZero => short,
        };
        if kept.is_empty() { String::new() } else { format!(".{kept}") }
    }
}

/// What is printed for the zone.
#[derive(Clone, Copy)]
enum ZoneText {
    None,
    Z,
    Colon,
    Plain,
    /// Z in UTC, else with a colon.
    ZOrColon,
    Hours,
    /// Its short name, such as UTC or CST.
    Name,
    /// The offset and the region, as Java prints a zone.
    Region,
}

impl ZoneText {
    fn print(self, minutes: i32) -> Option<String> {
        let colon = zone(minutes);
        Some(match self {
            ZoneText::None => String::new(),
            ZoneText::Z => "Z".to_owned(),
            ZoneText::ZOrColon if minutes == 0 => "Z".to_owned(),
            ZoneText::Colon | ZoneText::ZOrColon => colon,
            ZoneText::Region => {
                let region = match minutes {
                    0 => "UTC",
                    330 => "Asia/Kolkata",
                    420 => "Asia/Ho_Chi_Minh",
                    480 => "Asia/Shanghai",
                    540 => "Asia/Tokyo",
                    _ => return None,
                };
                format!("{}[{region}]", ZoneText::ZOrColon.print(minutes)?)
            }
            ZoneText::Plain => colon.replace(':', ""),
            ZoneText::Hours => colon.get(..3)?.to_owned(),
            ZoneText::Name => match minutes {
                0 => "UTC",
                330 => "IST",
                420 => "ICT",
                480 => "CST",
                540 => "JST",
                60 => "CET",
                -300 => "EST",
                -480 => "PST",
                _ => return None,
            }
            .to_owned(),
        })
    }
}

/// One way to print a time; `{F}` is the fraction and `{Z}` the zone.
pub(in crate::diagnosis) struct TimeFormat {
    template: &'static str,
    fraction: Fraction,
    zone: ZoneText,
    pub(in crate::diagnosis) cause: &'static str,
}

impl TimeFormat {
    /// `None` where the time cannot be printed so.
    pub(in crate::diagnosis) fn print(&self, moment: &Moment, minutes: i32) -> Option<String> {
        let seconds = moment.at.as_second();
        match self.template {
            "%s" => {
                return Some(format!(
                    "{seconds}{}",
                    self.fraction.print(moment.at.subsec_nanosecond())
                ));
            }
            "%ms" => return Some(moment.at.as_millisecond().to_string()),
            "%us" => return Some(moment.at.as_microsecond().to_string()),
            "%ns" => return Some(moment.at.as_nanosecond().to_string()),
            _ => {}
        }
        let offset = Offset::from_seconds(minutes.checked_mul(60)?).ok()?;
        let clock = offset.to_datetime(moment.at);
        let fraction = self.fraction.print(clock.subsec_nanosecond());
        let text = clock.strftime(self.template).to_string();
        let text = text.replace("{F}", &fraction).replace("{Z}", &self.zone.print(minutes)?);
        // Java leaves out seconds that are zero.
        Some(
            match self.cause.starts_with("Java LocalDateTime")
                && clock.second() == 0
                && fraction.is_empty()
            {
                true => text.replacen(":00", "", 1),
                false => text,
            },
        )
    }
}

const fn format(
    template: &'static str,
    fraction: Fraction,
    zone: ZoneText,
    cause: &'static str,
) -> TimeFormat {
    TimeFormat { template, fraction, zone, cause }
}

pub(in crate::diagnosis) static FORMATS: [TimeFormat; 55] = {
    use Fraction::{Digits, IfAny, None as No, Shortest, ShortestOrZero, Threes};
    use ZoneText::{Colon, Hours, Name, None as Bare, Plain, Region, Z, ZOrColon};
    [
        format(
            "%Y-%m-%d %H:%M:%S{F}{Z}",
            No,
            Bare,
            "PHP date('Y-m-d H:i:s', …), a DATETIME column, strftime",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Threes,
            ZOrColon,
            "Java Instant.toString() or OffsetDateTime.toString(), Go time.Time in JSON",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Shortest,
            ZOrColon,
            "Go time.Time in JSON (time.RFC3339Nano), .NET DateTime in JSON",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            No,
            ZOrColon,
            "Go time.RFC3339, Ruby iso8601, .NET with a format of its own",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Digits(3),
            ZOrColon,
            "JavaScript Date: toISOString(), JSON.stringify(); Rails to_json",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Digits(6),
            ZOrColon,
            "Django, Laravel or Elixir: microseconds in JSON",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            IfAny(6),
            ZOrColon,
            "Python pydantic or Django REST framework",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", IfAny(6), Colon, "Python datetime.isoformat()"),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            IfAny(6),
            Bare,
            "Python isoformat() of a datetime without a zone",
        ),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            No,
            Colon,
            "PHP date('c') or DATE_ATOM, Python isoformat(timespec='seconds')",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", No, Plain, "PHP DATE_ISO8601, strftime %z"),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Digits(3),
            Colon,
            "Java Jackson's dates, PHP DATE_RFC3339_EXTENDED",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Digits(3), Plain, "Java Jackson's dates before 2.11"),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Digits(6),
            Colon,
            "PHP DateTime::format('Y-m-d\\TH:i:s.uP')",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Digits(7), Z, ".NET DateTime.ToString(\"o\")"),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Digits(7), Colon, ".NET DateTimeOffset.ToString(\"o\")"),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Shortest, Colon, ".NET DateTimeOffset in JSON"),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            No,
            Bare,
            "an ISO time without a zone: .NET ToString(\"s\"), LocalDateTime with zero fractions",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Threes, Bare, "Java LocalDateTime.toString()"),
        format(
            "%Y-%m-%dT%H:%M:%S{F}{Z}",
            Digits(3),
            Bare,
            "SQL Server CONVERT(…, 126), a format with SSS",
        ),
        format("%Y-%m-%d %H:%M:%S{F}{Z}", IfAny(6), Colon, "Python str(datetime)"),
        format("%Y-%m-%d %H:%M:%S{F}{Z}", IfAny(6), Bare, "Python str(datetime) without a zone"),
        format("%Y-%m-%d %H:%M:%S{F}{Z}", No, Colon, "Python str(datetime), a TIMESTAMPTZ column"),
        format("%Y-%m-%d %H:%M:%S{F}{Z}", Shortest, Hours, "PostgreSQL timestamptz as text"),
        format(
            "%Y-%m-%d %H:%M:%S{F}{Z}",
            Digits(3),
            Bare,
            "a DATETIME(3) column, SQL Server datetime",
        ),
        format(
            "%Y-%m-%d %H:%M:%S{F}{Z}",
            Digits(6),
            Bare,
            "a DATETIME(6) column, PHP format('Y-m-d H:i:s.u')",
        ),
        format("%Y-%m-%d %H:%M:%S{F}{Z}", Digits(7), Bare, "SQL Server datetime2"),
        format(
            "%Y-%m-%d %H:%M:%S{F}{Z}",
            ShortestOrZero,
            Bare,
            "Java java.sql.Timestamp.toString()",
        ),
        format("%Y-%m-%d %H:%M:%S{F} {Z}", No, Plain, "Ruby Time#to_s"),
        format("%Y-%m-%d %H:%M:%S{F} {Z}", No, Name, "Ruby Time#to_s in UTC, Rails"),
        format("%Y-%m-%d %H:%M:%S{F} +0000 {Z}", Shortest, Name, "Go time.Time.String()"),
        format("%Y-%m-%d %H:%M:%S{F} +0800 {Z}", Shortest, Name, "Go time.Time.String()"),
        format("%a %b %d %H:%M:%S {Z} %Y", No, Name, "Java java.util.Date.toString()"),
        format("%a %b %e %H:%M:%S %Y", No, Bare, "C ctime(), Python ctime(), Perl localtime"),
        format(
            "%a, %d %b %Y %H:%M:%S GMT",
            No,
            Bare,
            "an HTTP date: JavaScript toUTCString(), PHP DATE_RFC7231",
        ),
        format("%a, %d %b %Y %H:%M:%S {Z}", No, Plain, "PHP date('r') or DATE_RFC2822"),
        format(
            "%a %b %d %Y %H:%M:%S GMT{Z} (Coordinated Universal Time)",
            No,
            Plain,
            "JavaScript String(Date) or a Date in a template string",
        ),
        format(
            "%a %b %d %Y %H:%M:%S GMT{Z} (China Standard Time)",
            No,
            Plain,
            "JavaScript String(Date) or a Date in a template string",
        ),
        format(
            "%Y/%m/%d %H:%M:%S",
            No,
            Bare,
            "a format of its own, .NET in the Chinese or Japanese culture",
        ),
        format(
            "%-m/%-d/%Y %-I:%M:%S %p",
            No,
            Bare,
            ".NET DateTime.ToString() in the culture en-US",
        ),
        format(
            "%m/%d/%Y %H:%M:%S",
            No,
            Bare,
            ".NET DateTime.ToString() with the invariant culture, strftime('%m/%d/%Y')",
        ),
        format(
            "%d/%m/%Y %H:%M:%S",
            No,
            Bare,
            ".NET DateTime.ToString() in British, French or Vietnamese cultures, a format of its own",
        ),
        format("%-m/%-d/%Y, %-I:%M:%S %p", No, Bare, "JavaScript toLocaleString() in English"),
        format("%d.%m.%Y %H:%M:%S", No, Bare, ".NET DateTime.ToString() in the culture de-DE"),
        format(
            "%Y%m%d%H%M%S",
            No,
            Bare,
            "PHP date('YmdHis'), DateTimeFormatter \"yyyyMMddHHmmss\"",
        ),
        format("%Y-%m-%d", No, Bare, "PHP date('Y-m-d'), a DATE column"),
        format("%Y%m%d", No, Bare, "PHP date('Ymd')"),
        format("%s", ShortestOrZero, Bare, "Python datetime.timestamp(), a float of seconds"),
        format("%ms", No, Bare, "JavaScript getTime(), Java getTime() or Jackson's dates"),
        format("%us", No, Bare, "Go UnixMicro(), microseconds"),
        format("%ns", No, Bare, "Go UnixNano(), Python time_ns()"),
        format("%Y-%m-%d %H:%M", No, Bare, "a format without seconds"),
        format(
            "%Y-%m-%dT%H:%M",
            No,
            Bare,
            "an HTML datetime-local field, a format without seconds",
        ),
        format("%Y-%m-%dT%H:%M:%S{F}{Z}", Threes, Region, "Java ZonedDateTime.toString()"),
        format("%H:%M:%S", No, Bare, "a TIME column, PHP date('H:i:s')"),
    ]
};

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
