//! How a notification of a dialect is laid out: the names of its fields, what its statuses, amounts
//! and times look like, and how the request travels.
//!
//! Everything else knows the fields by this platform's names: only this table maps them.

use std::borrow::Cow;

use super::canonical::value_into;
use super::edit::json_string;
use super::form;
use super::payload::{Encoding, Payload, Value};
use super::scheme::Nulls;
use super::status::{Kind, StatusTable};
use super::xml;

/// The fields that a dialect can name, by this platform's names.
pub const FIELDS: [&str; 10] = [
    "payout_id",
    "payout_cl_id",
    "platform_id",
    "amount",
    "real_amount",
    "fee",
    "status",
    "error_msg",
    "create_time",
    "update_time",
];

/// The payout statuses that a dialect can write in its own way.
pub const STATUSES: [&str; 4] = ["success", "failed", "cancelled", "processing"];

/// Where in a request the fields are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// A JSON object in the body.
    Json,
    /// Form pairs in the body.
    Form,
    /// Pairs in the query of the URL; the body is empty.
    Query,
    /// One XML element in the body, with an element for each field.
    Xml,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 4] =
        [Transport::Json, Transport::Form, Transport::Query, Transport::Xml];

    /// The name in dialect files, and the encoding of the fields.
    const fn row(self) -> (&'static str, Encoding) {
        match self {
            Transport::Json => ("json", Encoding::Json),
            Transport::Form => ("form", Encoding::Form),
            Transport::Query => ("query", Encoding::Form),
            Transport::Xml => ("xml", Encoding::Xml),
        }
    }

    /// The name in dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// How the fields are written; those of a query as pairs without the URL.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        self.row().1
    }

    /// A JSON payload as it is sent: its text, the pairs of a form, or XML.
    #[must_use]
    pub fn encode<'p>(self, payload: &Payload<'p>, nulls: Nulls) -> Cow<'p, str> {
        if self == Transport::Json {
            return Cow::Borrowed(payload.text());
        }
        let members = payload.members().iter();
        Cow::Owned(self.write(members.map(|member| (&*member.name, &member.value)), nulls))
    }

    /// Fields as pairs or XML, one that is there twice included.
    pub fn write<'v>(
        self,
        members: impl IntoIterator<Item = (&'v str, &'v Value<'v>)>,
        nulls: Nulls,
    ) -> String {
        let (mut out, mut text) = (String::new(), String::new());
        for (name, value) in members {
            if *value == Value::Null && nulls == Nulls::Drop {
                continue;
            }
            text.clear();
            value_into(value, nulls, &mut text);
            if self == Transport::Xml {
                let is_number = matches!(value, Value::Number(_));
                xml::element_into(name, &text, is_number, &mut out);
            } else {
                form::pair_into(name, &text, &mut out);
            }
        }
        if self == Transport::Xml { format!("<xml>{out}</xml>") } else { out }
    }
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Amounts {
    /// Whole cents: `12345`.
    Cents,
    /// The major unit as a number: `123.45`.
    Decimal,
    /// The major unit as a text: `"123.45"`.
    Text,
}

impl Amounts {
    /// All of them.
    pub const ALL: [Amounts; 3] = [Amounts::Cents, Amounts::Decimal, Amounts::Text];

    /// The name in dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Amounts::Cents => "cents",
            Amounts::Decimal => "decimal",
            Amounts::Text => "text",
        }
    }

    /// Cents as JSON text.
    fn write(self, cents: i64) -> String {
        let (sign, whole) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
        let (units, rest) = (whole / 100, whole % 100);
        match self {
            Amounts::Cents => cents.to_string(),
            Amounts::Text => format!("\"{sign}{units}.{rest:02}\""),
            // Other languages print a number without zeros at its end, and sign what they print.
            Amounts::Decimal if rest == 0 => format!("{sign}{units}"),
            Amounts::Decimal if rest % 10 == 0 => format!("{sign}{units}.{}", rest / 10),
            Amounts::Decimal => format!("{sign}{units}.{rest:02}"),
        }
    }

    fn read(self, text: &str) -> Option<i64> {
        if self == Amounts::Cents {
            return text.parse().ok();
        }
        let (units, rest) = text.split_once('.').unwrap_or((text, "0"));
        // More than two places are taken where they say nothing: 1000.0000.
        let rest = rest.trim_end_matches('0');
        if rest.len() > 2 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cents = format!("{rest:0<2}").parse::<i64>().ok()?;
        let cents = if units.starts_with('-') { -cents } else { cents };
        units.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
    }
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Times {
    /// Unix seconds.
    Seconds,
    /// Unix milliseconds.
    Milliseconds,
    /// RFC 3339, in UTC: `2026-11-30T08:15:00Z`.
    Iso,
    /// Date and time with spaces, in UTC: `2026-11-30 08:15:00`.
    Plain,
    /// Fourteen digits, in UTC: `20261130081500`.
    Compact,
}

impl Times {
    /// All of them.
    pub const ALL: [Times; 5] =
        [Times::Seconds, Times::Milliseconds, Times::Iso, Times::Plain, Times::Compact];

    /// The name in dialect files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Times::Seconds => "seconds",
            Times::Milliseconds => "milliseconds",
            Times::Iso => "iso",
            Times::Plain => "plain",
            Times::Compact => "compact",
        }
    }

    /// Unix seconds as JSON text.
    fn write(self, seconds: i64) -> String {
        let (year, month, day) = date(seconds.div_euclid(86_400));
        let rest = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        match self {
            Times::Seconds => seconds.to_string(),
            Times::Milliseconds => seconds.saturating_mul(1000).to_string(),
            Times::Iso => {
                format!("\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z\"")
            }
            Times::Plain => {
                format!("\"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}\"")
            }
            Times::Compact => {
                format!("\"{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}\"")
            }
        }
    }
}

/// The date of a day that is counted from 1970-01-01: the Gregorian calendar repeats every 146097
/// days, and counted from March a leap day is the year's last.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let year = era * 400 + year + (month >= 10) as i64;
    (year, (month + 2) % 12 + 1, day - (153 * month + 2) / 5 + 1)
}

/// How a dialect writes one status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusValue {
    /// By its number in the status table.
    Table,
    /// Never: no order with this status is notified.
    Never,
    /// As a word.
    Word(Cow<'static, str>),
    /// As a number of the dialect's own.
    Number(i64),
}

/// A field's name and its value as text.
pub(super) type Constant = (Cow<'static, str>, Cow<'static, str>);

/// How a dialect's notifications are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where the fields are.
    pub transport: Transport,
    /// The request's method.
    pub method: Cow<'static, str>,
    /// How amounts are written.
    pub amounts: Amounts,
    /// How times are written.
    pub times: Times,
    /// The names of the [`FIELDS`]; an empty name is one that is not sent.
    pub fields: [Cow<'static, str>; 10],
    /// How the [`STATUSES`] are written.
    pub statuses: [StatusValue; 4],
    /// Fields that are the same in every notification, with their values as text.
    pub constants: Cow<'static, [Constant]>,
}

impl Layout {
    /// This platform's.
    pub const PLATFORM: Layout = Layout::new(
        (Transport::Json, "POST"),
        (Amounts::Cents, Times::Seconds),
        FIELDS,
        [const { StatusValue::Table }; 4],
        &[],
    );

    pub(super) const fn new(
        (transport, method): (Transport, &'static str),
        (amounts, times): (Amounts, Times),
        names: [&'static str; 10],
        statuses: [StatusValue; 4],
        constants: &'static [Constant],
    ) -> Layout {
        use Cow::Borrowed as B;
        let [a, b, c, d, e, f, g, h, i, j] = names;
        let fields = [B(a), B(b), B(c), B(d), B(e), B(f), B(g), B(h), B(i), B(j)];
        let (method, constants) = (Cow::Borrowed(method), Cow::Borrowed(constants));
        Layout { transport, method, amounts, times, fields, statuses, constants }
    }

    /// The name of a field that this platform calls `logical`; `None` where it is not sent. Any
    /// other name stands for itself.
    #[must_use]
    pub fn name<'n>(&'n self, logical: &'n str) -> Option<&'n str> {
        match FIELDS.iter().position(|field| *field == logical) {
            Some(index) => Some(&*self.fields[index]).filter(|name| !name.is_empty()),
            None => Some(logical),
        }
    }

    /// Whether the fields have other names than this platform's, so that its rules for them say
    /// nothing.
    #[must_use]
    pub fn has_own_names(&self) -> bool {
        self.fields != FIELDS
    }

    /// Whether orders with the status of this number are notified.
    #[must_use]
    pub fn notifies(&self, code: i64, statuses: &StatusTable) -> bool {
        self.status_value(code, statuses) != Some(&StatusValue::Never)
    }

    fn status_value(&self, code: i64, statuses: &StatusTable) -> Option<&StatusValue> {
        let name = statuses.status(Kind::Payout, code)?.name;
        Some(&self.statuses[STATUSES.iter().position(|known| *known == name)?])
    }

    /// The value of a field as this dialect writes it, given as this platform does: as JSON text
    /// under the platform's name. What is not an amount, time or status stays as it is.
    #[must_use]
    pub fn value(&self, logical: &str, json: &str, statuses: &StatusTable) -> String {
        let number = || json.trim_matches('"').parse::<i64>().ok();
        let written = match logical {
            "amount" | "real_amount" | "fee" if self.amounts != Amounts::Cents => {
                number().map(|cents| self.amounts.write(cents))
            }
            "create_time" | "update_time" if self.times != Times::Seconds => {
                number().map(|seconds| self.times.write(seconds))
            }
            "status" => number().and_then(|code| match self.status_value(code, statuses)? {
                StatusValue::Table | StatusValue::Never => None,
                StatusValue::Word(word) => Some(json_string(word)),
                // A number that was given as a text stays one.
                StatusValue::Number(code) if json.starts_with('"') => Some(format!("\"{code}\"")),
                StatusValue::Number(code) => Some(code.to_string()),
            }),
            _ => None,
        };
        written.unwrap_or_else(|| json.to_owned())
    }

    /// The name and the value of the status with this number.
    #[must_use]
    pub fn status(&self, code: i64, statuses: &StatusTable) -> (String, String) {
        let name = self.name("status").unwrap_or("status").to_owned();
        (name, self.value("status", &code.to_string(), statuses))
    }

    /// The name of the field that a person means: one of the dialect's own, else what this platform
    /// calls so; `None` where the dialect does not send that.
    #[must_use]
    pub fn meant<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        let is_own = self.fields.iter().any(|field| field == name)
            || self.constants.iter().any(|(constant, _)| constant == name);
        if is_own { Some(name) } else { self.name(name) }
    }

    /// A notification of this platform, as JSON, with the fields as this dialect has them.
    #[must_use]
    pub fn rewrite<'t>(&self, text: &'t str, statuses: &StatusTable) -> Cow<'t, str> {
        if *self == (Layout { transport: self.transport, ..Layout::PLATFORM }) {
            return Cow::Borrowed(text);
        }
        let Ok(payload) = Payload::parse(text.as_bytes()) else { return Cow::Borrowed(text) };
        let members = payload.members().iter();
        let fields = members.map(|one| (&*one.name, Cow::Borrowed(&text[one.value_span()])));
        let all = self.notification(fields, statuses);
        let all: Vec<String> =
            all.iter().map(|(name, json)| format!("{}:{json}", json_string(name))).collect();
        Cow::Owned(format!("{{{}}}", all.join(",")))
    }

    /// The fields of a notification as this dialect has them, each given by this platform's name
    /// and value; the constants come first.
    pub fn notification<'n>(
        &'n self,
        fields: impl IntoIterator<Item = (&'n str, Cow<'n, str>)>,
        statuses: &StatusTable,
    ) -> Vec<(String, String)> {
        let constants = self.constants.iter();
        let mut all: Vec<(String, String)> =
            constants.map(|(name, value)| (name.to_string(), json_string(value))).collect();
        all.extend(fields.into_iter().filter_map(|(logical, json)| {
            Some((self.name(logical)?.to_owned(), self.value(logical, &json, statuses)))
        }));
        all
    }

    /// The status number of a received status.
    pub(super) fn status_code(&self, value: &Value<'_>, statuses: &StatusTable) -> Option<i64> {
        self.code(scalar(value)?, statuses)
    }

    /// The status number that a text means.
    #[must_use]
    pub fn code(&self, text: &str, statuses: &StatusTable) -> Option<i64> {
        let own = self.statuses.iter().position(|status| match status {
            StatusValue::Word(word) => word == text,
            StatusValue::Number(code) => text.parse() == Ok(*code),
            StatusValue::Table | StatusValue::Never => false,
        });
        match own {
            Some(index) => {
                let status = statuses.payouts().find(|status| status.name == STATUSES[index]);
                status.map(|status| status.code.into())
            }
            None => text.parse().ok(),
        }
    }

    /// An amount in cents, from its text.
    #[must_use]
    pub fn cents(&self, text: &str) -> Option<i64> {
        self.amounts.read(text)
    }

    /// A received amount in cents.
    pub(super) fn amount_cents(&self, value: &Value<'_>) -> Option<i64> {
        self.amounts.read(scalar(value)?)
    }

    /// A received time in Unix seconds, where it is written as a number.
    pub(super) fn time(&self, value: &Value<'_>) -> Option<i64> {
        let time = scalar(value)?;
        match self.times {
            Times::Seconds => time.parse().ok(),
            Times::Milliseconds => time.parse::<i64>().ok().map(|time| time.div_euclid(1000)),
            Times::Iso | Times::Plain | Times::Compact => None,
        }
    }
}

/// The text of a string or a number.
pub(super) fn scalar<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(digits) => Some(digits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, Dialect};

    fn layout(id: &str) -> &'static Layout {
        &Dialect::built_in(id).unwrap().layout
    }

    #[test]
    fn amounts_are_written_and_read_in_their_unit() {
        for (amounts, cents, text) in [
            (Amounts::Cents, 12_345, "12345"),
            (Amounts::Cents, -5, "-5"),
            (Amounts::Decimal, 12_345, "123.45"),
            (Amounts::Decimal, 12_340, "123.4"),
            (Amounts::Decimal, 12_300, "123"),
            (Amounts::Decimal, 5, "0.05"),
            (Amounts::Decimal, -50, "-0.5"),
            (Amounts::Text, 12_300, "123.00"),
            (Amounts::Text, -5, "-0.05"),
            (Amounts::Text, 0, "0.00"),
        ] {
            assert_eq!(amounts.write(cents).trim_matches('"'), text);
            assert_eq!(amounts.read(text), Some(cents), "{text}");
        }
        for (text, cents) in [
            ("1000.0000", Some(100_000)),
            ("7.", Some(700)),
            ("0.001", None),
            (".5", None),
            ("1e3", None),
            ("1.-5", None),
            ("", None),
            ("92233720368547758.08", None),
        ] {
            assert_eq!(Amounts::Text.read(text), cents, "{text}");
        }
        assert_eq!(Amounts::Cents.read("1.00"), None);
    }

    /// The dates were printed by `date -u -d @SECONDS`.
    #[test]
    fn times_are_written_in_their_form() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_567_614_111, "2019-09-04 16:21:51"),
            (1_735_689_599, "2024-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(Times::Plain.write(seconds), format!("\"{text}\""));
        }
        for (times, text) in [
            (Times::Seconds, "1567614111"),
            (Times::Milliseconds, "1567614111000"),
            (Times::Iso, "\"2019-09-04T16:21:51Z\""),
            (Times::Compact, "\"20190904162151\""),
        ] {
            assert_eq!(times.write(1_567_614_111), text);
        }
    }

    const ORDER: &str = r#"{"payout_id":"P","payout_cl_id":"c","platform_id":"PF","amount":12300,"fee":3,"status":5,"update_time":1567614111,"memo":"m"}"#;

    #[test]
    fn a_notification_has_the_dialects_names_and_values() {
        let statuses = StatusTable::PLATFORM;
        for (id, expected) in [
            ("platform", ORDER),
            (
                "jeepay",
                r#"{"currency":"cny","transferId":"P","mchOrderNo":"c","mchNo":"PF","amount":12300,"state":3,"successTime":1567614111000,"memo":"m"}"#,
            ),
            (
                "pockyt",
                r#"{"currency":"USD","settleCurrency":"USD","transactionNo":"P","reference":"c","amount":"123.00","status":"failed","time":"20190904162151","memo":"m"}"#,
            ),
        ] {
            assert_eq!(layout(id).rewrite(ORDER, &statuses), expected, "{id}");
        }
        let own = StatusTable::try_new([(7, "failed")]).unwrap();
        assert_eq!(layout("pockyt").value("status", "7", &own), "\"failed\"");
        assert_eq!(layout("pockyt").value("status", "5", &own), "5");
        assert_eq!(layout("jeepay").value("status", "\"5\"", &statuses), "\"3\"");
        assert_eq!(layout("pockyt").value("amount", "true", &statuses), "true");
    }

    #[test]
    fn every_status_that_is_notified_is_read_back() {
        let statuses = StatusTable::PLATFORM;
        for dialect in &DIALECTS {
            for code in [2, 3, 4, 5] {
                let json = dialect.layout.value("status", &code.to_string(), &statuses);
                let read = dialect.layout.code(json.trim_matches('"'), &statuses);
                let is_notified = dialect.layout.notifies(code, &statuses);
                assert!(!is_notified || read == Some(code), "{} {code}", dialect.id);
            }
        }
        assert!(!layout("epay").notifies(5, &statuses) && layout("jeepay").notifies(5, &statuses));
        assert_eq!(layout("epay").code("TRADE_CLOSED", &statuses), None);
    }

    #[test]
    fn a_payload_is_encoded_as_its_transport_has_it() {
        let json = r#"{"a":"1 &","b":null,"c":[1, 2],"d":1.10,"e":"<"}"#;
        let payload = Payload::parse(json.as_bytes()).unwrap();
        for (transport, nulls, text) in [
            (Transport::Json, Nulls::Drop, json),
            (Transport::Form, Nulls::Drop, "a=1+%26&c=%5B1%2C2%5D&d=1.10&e=%3C"),
            (Transport::Query, Nulls::Keep, "a=1+%26&b=&c=%5B1%2C2%5D&d=1.10&e=%3C"),
            (
                Transport::Xml,
                Nulls::Text,
                "<xml><a><![CDATA[1 &]]></a><b><![CDATA[null]]></b><c><![CDATA[[1,2]]]></c><d>1.10</d><e><![CDATA[<]]></e></xml>",
            ),
        ] {
            assert_eq!(transport.encode(&payload, nulls), text);
        }
    }

    #[test]
    fn a_field_is_meant_by_the_dialects_name_first() {
        let tokenpay = layout("tokenpay");
        for (given, meant) in [
            ("Status", Some("Status")),
            ("status", Some("Status")),
            ("fee", None),
            ("Currency", Some("Currency")),
            ("other", Some("other")),
        ] {
            assert_eq!(tokenpay.meant(given), meant, "{given}");
        }
    }
}
