//! The typed view of a notification, and the field rules.
//!
//! Source: the protocol's section 1. Money and time checks are warnings, never errors: the
//! platform's own example breaks some of them.

pub use found_fields::KnownFields;
use found_fields::{FoundFields, VIEWED};

pub use super::finding::{Finding, Severity};
use super::layout::{Amounts, Layout, Times, scalar};
use super::payload::{Encoding, Payload, Value};
use super::status::{Kind, Status, StatusTable};

mod found_fields;

/// What the reader of a payload expects it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// A notification: whatever it lacks is missing.
    Notification,
    /// Any signed payload: the field rules apply where it looks like a notification.
    AnyPayload,
}

/// The typed view of a payload; what cannot be read is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Which notification it is.
    pub kind: Kind,
    /// The platform's order id.
    pub order_id: Option<String>,
    /// The merchant's order id.
    pub merchant_order_id: Option<String>,
    /// The merchant's id.
    pub platform_id: Option<String>,
    /// The order amount in cents, where it is a whole number.
    pub amount_cents: Option<i64>,
    /// The status number, where it is a whole number.
    pub status_code: Option<i64>,
    /// The status, where the platform knows the number.
    pub status: Option<Status>,
    /// When the order was completed, in Unix seconds.
    pub update_time: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Id,
    Cents,
    Status,
    Time,
    Text,
}

pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) missing: Option<Severity>,
}

const fn required(name: &'static str, kind: Type) -> Field {
    Field { name, kind, missing: Some(Severity::Error) }
}

const fn optional(name: &'static str, kind: Type) -> Field {
    Field { name, kind, missing: None }
}

pub(super) const COMMON_FIELDS: [Field; 10] = [
    required("platform_id", Type::Id),
    required("amount", Type::Cents),
    // Sister deployments leave it out.
    Field { name: "real_amount", kind: Type::Cents, missing: Some(Severity::Warning) },
    required("fee", Type::Cents),
    required("status", Type::Status),
    required("create_time", Type::Time),
    required("update_time", Type::Time),
    optional("error_msg", Type::Text),
    optional("sign_type", Type::Text),
    optional("sign", Type::Text),
];
pub(super) const PAYOUT_IDS: [Field; 2] =
    [required("payout_id", Type::Id), required("payout_cl_id", Type::Id)];
pub(super) const DEPOSIT_IDS: [Field; 3] = [
    required("payment_id", Type::Id),
    required("payment_cl_id", Type::Id),
    optional("payment_cl_name", Type::Text),
];

pub(super) fn fields(kind: Kind) -> impl Iterator<Item = &'static Field> {
    ids(kind).iter().chain(&COMMON_FIELDS)
}

fn ids(kind: Kind) -> &'static [Field] {
    if kind == Kind::Deposit { &DEPOSIT_IDS } else { &PAYOUT_IDS }
}

/// A value's number, as digits or as a string of them; `1.10` and `1E5` are none.
pub(super) fn whole_number(value: &Value<'_>) -> Option<i64> {
    scalar(value)?.parse().ok()
}

impl Notification {
    /// Reads the fields as the layout has them; numbers may be written as strings, and `statuses`
    /// names them.
    #[must_use]
    pub fn read(
        payload: &Payload<'_>,
        expectation: Expectation,
        layout: &Layout,
        statuses: &StatusTable,
    ) -> Notification {
        FieldReader::new(payload, layout, statuses).notification(expectation)
    }
}

/// Reads a payload's fields, which are looked up once for the typed view and the field rules.
pub struct FieldReader<'p, 'a> {
    payload: &'p Payload<'a>,
    layout: &'p Layout,
    statuses: &'p StatusTable,
    /// Nothing where the layout has names of its own.
    fields: Option<FoundFields<'p, 'a>>,
}

impl KnownFields {
    /// Like [`FieldReader::new`], for one payload after another.
    pub fn reader<'p, 'a>(
        &mut self,
        payload: &'p Payload<'a>,
        layout: &'p Layout,
        statuses: &'p StatusTable,
    ) -> FieldReader<'p, 'a> {
        let fields = (!layout.has_own_names()).then(|| self.find(payload));
        FieldReader { payload, layout, statuses, fields }
    }
}

impl<'p, 'a> FieldReader<'p, 'a> {
    /// Of a payload whose fields are as the layout has them; `statuses` names their statuses.
    #[must_use]
    pub fn new(payload: &'p Payload<'a>, layout: &'p Layout, statuses: &'p StatusTable) -> Self {
        KnownFields::default().reader(payload, layout, statuses)
    }

    /// The typed view, as [`Notification::read`] has it.
    #[must_use]
    pub fn notification(&self, expectation: Expectation) -> Notification {
        let FieldReader { payload, layout, statuses, fields } = self;
        let (kind, members) = match fields {
            Some(fields) => {
                let kind = fields.kind(expectation);
                (kind, fields.viewed(kind))
            }
            None => (Kind::Payout, VIEWED.map(|logical| payload.get(layout.name(logical)?))),
        };
        let [id, cl_id, platform_id, amount, status, update_time] =
            members.map(|member| Some(&member?.value));
        let text = |value: Option<&Value<'_>>| {
            scalar(value?).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let status_code = status.and_then(|status| layout.status_code(status, statuses));
        Notification {
            kind,
            order_id: text(id),
            merchant_order_id: text(cl_id),
            platform_id: text(platform_id),
            amount_cents: amount.and_then(|amount| layout.amount_cents(amount)),
            status_code,
            status: status_code.and_then(|code| statuses.status(kind, code)),
            update_time: update_time.and_then(|time| layout.time(time)),
        }
    }

    /// What the field rules find, as [`findings`] has it.
    #[must_use]
    pub fn findings(&self, expectation: Expectation) -> Vec<Finding> {
        let FieldReader { payload, layout, statuses, fields } = self;
        let encoding = payload.encoding();
        let mut findings = Findings { found: Vec::new(), encoding, layout, statuses: **statuses };
        let Some(fields) = fields else {
            if expectation == Expectation::Notification {
                findings.check_own_names(payload);
            }
            return findings.found;
        };
        let kind = fields.kind(expectation);
        match kind {
            Kind::Other => return Vec::new(),
            Kind::Deposit => findings.found.push(Finding {
                severity: Severity::Warning,
                code: "deposit-notification",
                member: None,
                message:
                    "this is a deposit notification: its status numbers differ from a payout's"
                        .to_owned(),
            }),
            Kind::Payout => {}
        }
        let mut known = 0;
        for (field, member) in fields.ids(kind).chain(fields.common()) {
            match (member, field.missing) {
                (Some(member), _) => {
                    known += 1;
                    findings.check(field, &member.value, kind);
                }
                (None, Some(severity)) => {
                    findings.add(severity, "missing", field.name, "the required field is missing");
                }
                (None, None) => {}
            }
        }
        findings.check_times(fields);
        if known == payload.members().len() {
            // No member is a duplicate, so each of them is a known one.
            return findings.found;
        }
        for member in payload.members() {
            if self::fields(kind).all(|field| field.name != member.name) {
                findings.warn(
                    "unknown-member",
                    &member.name,
                    "the platform does not document this field",
                );
            }
        }
        findings.found
    }
}

/// Cents as the major unit with two decimals: `400000` → `4000.00`.
#[must_use]
pub fn major_units(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Holds a payload against the field rules, which say nothing of fields with other names.
#[must_use]
pub fn findings(
    payload: &Payload<'_>,
    expectation: Expectation,
    layout: &Layout,
    statuses: &StatusTable,
) -> Vec<Finding> {
    FieldReader::new(payload, layout, statuses).findings(expectation)
}

struct Findings<'l> {
    found: Vec<Finding>,
    encoding: Encoding,
    layout: &'l Layout,
    statuses: StatusTable,
}

impl Findings<'_> {
    /// Finds what makes a notification useless, whatever its fields are called.
    fn check_own_names(&mut self, payload: &Payload<'_>) {
        let layout = self.layout;
        for logical in ["payout_id", "payout_cl_id", "amount", "status"] {
            let Some(name) = layout.name(logical) else { continue };
            match payload.get(name).map(|member| &member.value) {
                None => self.add(Severity::Error, "missing", name, "the required field is missing"),
                Some(value) if value.is_empty() => {
                    self.add(Severity::Error, "empty", name, "the required field is empty");
                }
                Some(status)
                    if logical == "status"
                        && layout.status_code(status, &self.statuses).is_none() =>
                {
                    self.add(Severity::Error, "status-unknown", name, "not a known status");
                }
                Some(_) => {}
            }
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        name: &str,
        message: impl Into<String>,
    ) {
        let (member, message) = (Some(name.to_owned()), message.into());
        self.found.push(Finding { severity, code, member, message });
    }

    fn warn(&mut self, code: &'static str, name: &str, text: impl Into<String>) {
        self.add(Severity::Warning, code, name, text);
    }

    /// A value of another type than the page's.
    fn error(&mut self, name: &str, value: &Value<'_>, text: &str) {
        self.add(Severity::Error, "type", name, format!("{} {text}", value.kind()));
    }

    fn check(&mut self, field: &Field, value: &Value<'_>, kind: Kind) {
        let name = field.name;
        let is_written_otherwise = match field.kind {
            Type::Cents => self.layout.amounts != Amounts::Cents,
            Type::Time => self.layout.times != Times::Seconds,
            Type::Status | Type::Id | Type::Text => false,
        };
        if is_written_otherwise && !value.is_empty() {
            return;
        }
        if value.is_empty() && field.kind != Type::Text {
            return match field.missing {
                Some(severity) => self.add(severity, "empty", name, "the required field is empty"),
                None => self.warn("empty", name, "the field is empty"),
            };
        }
        match (field.kind, value) {
            (Type::Id | Type::Text, Value::String(_)) | (Type::Text, Value::Null) => {}
            (Type::Id | Type::Text, Value::Number(_)) => {
                self.warn("type", name, "a number where the platform documents a string");
            }
            (Type::Id | Type::Text, _) => {
                self.error(name, value, "where the platform documents a string")
            }
            (Type::Cents, value) => match self.number_text(name, value) {
                Some(text) => self.check_cents(name, text),
                None => {
                    self.error(name, value, "where the platform documents an integer, in cents")
                }
            },
            (Type::Status, value) => {
                let own = self.layout.status_code(value, &self.statuses);
                let text = self.number_text(name, value);
                match own.or_else(|| text?.parse().ok()) {
                    Some(code) => self.check_status(name, code, kind),
                    None => {
                        self.error(name, value, "that is not an integer: the status is a number")
                    }
                }
            }
            (Type::Time, Value::String(text)) if looks_like_iso(text) => {
                self.warn(
                    "time-iso",
                    name,
                    "an ISO 8601 time where the platform documents Unix seconds",
                );
            }
            (Type::Time, value) => match self.number_text(name, value) {
                Some(text) => self.check_time(name, text),
                None => self.error(name, value, "where the platform documents Unix seconds"),
            },
        }
    }

    fn number_text<'v>(&mut self, name: &str, value: &'v Value<'_>) -> Option<&'v str> {
        match value {
            Value::Number(text) => Some(text),
            Value::String(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                // Pairs have no types: there every number is a text.
                if self.encoding == Encoding::Json {
                    self.warn("type", name, "a string where the platform documents an integer");
                }
                Some(text)
            }
            _ => None,
        }
    }

    fn check_cents(&mut self, name: &str, text: &str) {
        if text.starts_with('-') {
            self.warn("negative", name, "a negative amount");
        }
        let (code, text) = match text.parse::<i64>().map(i64::unsigned_abs) {
            // 2^53: beyond it a double-precision number skips integers.
            Ok(..=0x20_0000_0000_0000) => return,
            Err(_) if text.contains(['e', 'E']) => {
                ("exponent", "an amount with an exponent: re-printing it breaks the signature")
            }
            Err(_) if text.contains('.') => {
                ("fractional", "a fractional amount: the platform sends whole cents")
            }
            _ => ("precision", "beyond 2^53: JavaScript and PHP floats lose its digits"),
        };
        self.warn(code, name, text);
    }

    fn check_status(&mut self, name: &str, code: i64, kind: Kind) {
        match self.statuses.status(kind, code) {
            None => self.warn("status-unknown", name, format!("{code} is not a known status")),
            Some(status) if status.is_final => {}
            Some(status) => {
                let mut text = format!("{code} ({}) is not a final status", status.name);
                if (kind, code) == (Kind::Payout, 2) {
                    let success = self.statuses.success();
                    text += &format!("; 2 is a deposit's success, a payout's is {success}");
                }
                self.warn("status-not-final", name, text);
            }
        }
    }

    fn check_time(&mut self, name: &str, text: &str) {
        let (code, text) = match text.parse::<i64>() {
            Ok(time) if is_milliseconds(time) => {
                ("milliseconds", "this looks like milliseconds; the platform sends seconds")
            }
            Ok(time) if time <= 0 => ("time-zero", "no time after 1970"),
            Ok(_) => return,
            Err(_) => ("time-fraction", "not a whole number of seconds"),
        };
        self.warn(code, name, text);
    }

    fn check_times(&mut self, fields: &FoundFields<'_, '_>) {
        let times = fields.times().map(|member| whole_number(&member?.value));
        if let [Some(created), Some(updated)] = times
            // One of them in milliseconds is a finding of its own.
            && is_milliseconds(created) == is_milliseconds(updated)
            && updated < created
        {
            self.warn("time-order", "update_time", "update_time is before create_time");
        }
    }
}

/// The year 5138 in seconds, or 1973 in milliseconds: nobody means the former.
fn is_milliseconds(time: i64) -> bool {
    time >= 100_000_000_000
}

/// `2024-…T…` or `2024-… …`: enough to tell a date from a number.
fn looks_like_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-'
}

#[cfg(test)]
mod edge_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form;

    const GOOD: &str = r#"{"payout_id":"POT1","payout_cl_id":"c1","platform_id":"PF1","amount":400000,
        "real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;

    fn codes(json: &str) -> Vec<(Severity, &'static str, Option<String>)> {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        findings(&payload, Expectation::AnyPayload, &Layout::PLATFORM, &StatusTable::PLATFORM)
            .into_iter()
            .map(|finding| (finding.severity, finding.code, finding.member))
            .collect()
    }

    fn with(from: &str, to: &str) -> Vec<(Severity, &'static str, Option<String>)> {
        assert!(GOOD.contains(from), "{from}");
        codes(&GOOD.replace(from, to))
    }

    #[test]
    fn a_good_notification_has_no_findings() {
        assert_eq!(codes(GOOD), []);
    }

    #[test]
    fn each_field_rule_is_found_under_its_name() {
        use Severity::{Error, Warning};
        for (from, to, severity, code, member) in [
            ("\"payout_id\":\"POT1\",", "", Error, "missing", "payout_id"),
            ("\"real_amount\":400000,", "", Warning, "missing", "real_amount"),
            ("\"POT1\"", "\"\"", Error, "empty", "payout_id"),
            ("\"POT1\"", "17", Warning, "type", "payout_id"),
            ("\"POT1\"", "{}", Error, "type", "payout_id"),
            ("\"fee\":3200", "\"fee\":-1", Warning, "negative", "fee"),
            ("\"fee\":3200", "\"fee\":1.10", Warning, "fractional", "fee"),
            ("\"fee\":3200", "\"fee\":1E5", Warning, "exponent", "fee"),
            ("\"fee\":3200", "\"fee\":\"3200\"", Warning, "type", "fee"),
            ("\"fee\":3200", "\"fee\":\"x\"", Error, "type", "fee"),
            ("\"fee\":3200", "\"fee\":9007199254740993", Warning, "precision", "fee"),
            ("\"status\":3", "\"status\":2", Warning, "status-not-final", "status"),
            ("\"status\":3", "\"status\":9", Warning, "status-unknown", "status"),
            ("\"status\":3", "\"status\":\"ok\"", Error, "type", "status"),
            ("1567614049", "1567614049000", Warning, "milliseconds", "create_time"),
            ("1567614049", "\"2019-09-04T16:20:49Z\"", Warning, "time-iso", "create_time"),
            ("1567614111", "1567614000", Warning, "time-order", "update_time"),
            ("1567614049", "0", Warning, "time-zero", "create_time"),
            ("1567614049", "1567614049.5", Warning, "time-fraction", "create_time"),
            ("1567614111", "null", Error, "empty", "update_time"),
            ("\"fee\":3200", "\"fee\":\"-32.00\"", Warning, "fractional", "fee"),
            ("\"status\":3", "\"status\":3.0", Error, "type", "status"),
            ("\"fee\"", "\"memo\":1,\"fee\"", Warning, "unknown-member", "memo"),
        ] {
            let found = with(from, to);
            assert!(found.contains(&(severity, code, Some(member.to_owned()))), "{to}: {found:?}");
        }
    }

    #[test]
    fn one_mistake_gives_one_finding() {
        assert_eq!(with("1567614049", "1567614049000").len(), 1);
        assert_eq!(with("\"status\":3", "\"status\":5").len(), 0);
        // A deposit's success is a payout's "processing": the text says so.
        let payload = GOOD.replace("\"status\":3", "\"status\":2");
        let payload = Payload::parse(payload.as_bytes()).unwrap();
        let found = findings(
            &payload,
            Expectation::Notification,
            &Layout::PLATFORM,
            &StatusTable::PLATFORM,
        );
        assert!(found[0].message.contains("2 is a deposit's success"), "{found:?}");
    }

    #[test]
    fn numbers_in_pairs_are_no_type_errors() {
        let pairs = "payout_id=POT1&payout_cl_id=c1&platform_id=PF1&amount=400000&real_amount=1\
                     &fee=-1&status=3&create_time=1567614049&update_time=1567614111";
        let payload = form::read(pairs.as_bytes(), Encoding::Form).unwrap();
        let found = findings(
            &payload,
            Expectation::Notification,
            &Layout::PLATFORM,
            &StatusTable::PLATFORM,
        );
        assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["negative"]);
    }

    #[test]
    fn a_deposit_is_told_from_a_payout() {
        let deposit = GOOD.replace("payout_", "payment_").replace("\"status\":3", "\"status\":2");
        assert_eq!(codes(&deposit), [(Severity::Warning, "deposit-notification", None)]);
        let payload = Payload::parse(deposit.as_bytes()).unwrap();
        let read = Notification::read(
            &payload,
            Expectation::Notification,
            &Layout::PLATFORM,
            &StatusTable::PLATFORM,
        );
        assert_eq!(read.status.unwrap().name, "success");
    }

    #[test]
    fn field_rules_do_not_apply_to_other_payloads_unless_a_notification_is_expected() {
        assert_eq!(codes(r#"{"a":1}"#), []);
        let payload = Payload::parse(b"{}").unwrap();
        let missing = findings(
            &payload,
            Expectation::Notification,
            &Layout::PLATFORM,
            &StatusTable::PLATFORM,
        );
        assert_eq!(missing.iter().filter(|finding| finding.severity == Severity::Error).count(), 8);
    }

    #[test]
    fn cents_are_shown_in_major_units() {
        assert_eq!(major_units(400_000), "4000.00");
        assert_eq!(major_units(-5), "-0.05");
        assert_eq!(major_units(i64::MIN), "-92233720368547758.08");
    }
}
