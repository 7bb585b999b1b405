use super::*;

fn found(json: &str, expectation: Expectation) -> Vec<Finding> {
    let payload = Payload::parse(json.as_bytes()).unwrap();
    findings(&payload, expectation, &Layout::PLATFORM, &StatusTable::PLATFORM)
}

/// The codes of a payout's findings where these fields have these values.
fn codes(fields: &[(&str, &str)]) -> Vec<&'static str> {
    let mut json = r#"{"payout_id":"POT1","payout_cl_id":"c1","platform_id":"PF1","amount":1,
        "real_amount":1,"fee":0,"status":3,"create_time":1567614049,"update_time":1567614111}"#
        .to_owned();
    for (name, value) in fields {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        json = crate::edit::put(&payload, name, value);
    }
    found(&json, Expectation::AnyPayload).iter().map(|finding| finding.code).collect()
}

#[test]
fn amounts_are_whole_cents_that_a_double_holds() {
    for (value, expected) in [
        ("0", &[][..]),
        ("9007199254740992", &[]),
        ("9007199254740993", &["precision"]),
        ("1000000000000000000000000000000000000000000", &["precision"]),
        ("-1", &["negative"]),
        ("-2", &["negative"]),
        ("-9007199254740992", &["negative"]),
        ("-9007199254740993", &["negative", "precision"]),
        ("1e5", &["exponent"]),
        ("1E5", &["exponent"]),
        ("-1.5e3", &["negative", "exponent"]),
        ("1.0", &["fractional"]),
        ("\"1\"", &["type"]),
        ("\"1.5\"", &["type", "fractional"]),
        ("\"-1\"", &["type", "negative"]),
        ("\"inf\"", &["type"]),
        ("\"NaN\"", &["type"]),
        ("\"1e999\"", &["type"]),
        ("\"\"", &["empty"]),
        ("true", &["type"]),
    ] {
        assert_eq!(codes(&[("fee", value)]), expected, "{value}");
    }
}

#[test]
fn times_are_seconds_in_order() {
    for (created, updated, expected) in [
        ("1", "1", &[][..]),
        ("1", "2", &[]),
        ("2", "1", &["time-order"]),
        ("0", "1", &["time-zero"]),
        ("-1", "1", &["time-zero"]),
        ("1", "99999999999", &[]),
        ("1", "100000000000", &["milliseconds"]),
        ("100000000000", "1", &["milliseconds"]),
        ("100000000001", "100000000000", &["milliseconds", "milliseconds", "time-order"]),
        ("1.5", "1", &["time-fraction"]),
        ("\"2\"", "1", &["type", "time-order"]),
        ("\"2019-09-04\"", "1", &["time-iso"]),
        ("\"2019-09-04T16:20:49Z\"", "1", &["time-iso"]),
        ("\"2019-09-0\"", "1", &["type"]),
        ("\"2019-09 04\"", "1", &["type"]),
        ("\"2019/09-04\"", "1", &["type"]),
        ("\"2019-0x-04\"", "1", &["type"]),
        ("\"x019-09-04\"", "1", &["type"]),
        ("[]", "1", &["type"]),
    ] {
        let found = codes(&[("create_time", created), ("update_time", updated)]);
        assert_eq!(found, expected, "{created} {updated}");
    }
}

#[test]
fn texts_may_be_empty_and_ids_may_not() {
    for (name, value, expected) in [
        ("error_msg", "\"\"", &[][..]),
        ("error_msg", "null", &[]),
        ("error_msg", "1", &["type"]),
        ("error_msg", "true", &["type"]),
        ("sign_type", "\"\"", &[]),
        ("payout_id", "\"\"", &["empty"]),
        ("payout_id", "null", &["empty"]),
        ("payout_id", "\" \"", &[]),
        ("payout_id", "1", &["type"]),
        ("status", "6", &["status-not-final"]),
        ("status", "7", &["status-unknown"]),
        ("status", "\"3\"", &["type"]),
        ("memo", "null", &["unknown-member"]),
        ("Status", "3", &["unknown-member"]),
    ] {
        assert_eq!(codes(&[(name, value)]), expected, "{name} {value}");
    }
    assert_eq!(codes(&[("memo", "1"), ("note", "2")]), ["unknown-member"; 2]);
}

#[test]
fn five_fields_make_a_likeness_and_more_deposit_ids_a_deposit() {
    use Expectation::{AnyPayload, Notification};
    for (names, any, expected) in [
        ("", Kind::Other, Kind::Payout),
        ("amount fee status create_time", Kind::Other, Kind::Payout),
        ("amount fee status create_time error_msg sign sign_type", Kind::Other, Kind::Payout),
        ("amount fee status create_time update_time", Kind::Payout, Kind::Payout),
        ("payout_id amount fee status", Kind::Other, Kind::Payout),
        ("payout_id amount fee status real_amount", Kind::Payout, Kind::Payout),
        ("payment_id amount fee status", Kind::Other, Kind::Payout),
        ("payment_id amount fee status real_amount", Kind::Deposit, Kind::Deposit),
        ("payment_id payment_cl_id amount fee status", Kind::Deposit, Kind::Deposit),
        ("payment_cl_name amount fee status real_amount", Kind::Other, Kind::Payout),
        ("payment_id payout_id amount fee status real_amount", Kind::Payout, Kind::Payout),
        ("payment_id payment_cl_id payout_id amount fee status", Kind::Deposit, Kind::Deposit),
    ] {
        let members: Vec<String> =
            names.split_whitespace().map(|name| format!("\"{name}\":1")).collect();
        let json = format!("{{{}}}", members.join(","));
        let payload = Payload::parse(json.as_bytes()).unwrap();
        assert_eq!(KnownFields::default().find(&payload).kind(AnyPayload), any, "{names}");
        assert_eq!(KnownFields::default().find(&payload).kind(Notification), expected, "{names}");
        assert_eq!(found(&json, AnyPayload).is_empty(), any == Kind::Other, "{names}");
    }
}

#[test]
fn each_documented_field_is_read_from_its_own_member() {
    let read = |json: &str| {
        let payload = Payload::parse(json.as_bytes()).unwrap();
        Notification::read(
            &payload,
            Expectation::Notification,
            &Layout::PLATFORM,
            &StatusTable::PLATFORM,
        )
    };
    for (json, kind, status) in [
        (
            r#"{"payout_id":"P","payout_cl_id":7,"platform_id":"PF","amount":"1","real_amount":2,
            "fee":3,"status":4,"create_time":5,"update_time":6}"#,
            Kind::Payout,
            "cancelled",
        ),
        (
            r#"{"payment_id":"P","payment_cl_id":7,"platform_id":"PF","amount":"1","real_amount":2,
            "fee":3,"status":4,"create_time":5,"update_time":6}"#,
            Kind::Deposit,
            "failed",
        ),
    ] {
        let notification = read(json);
        assert_eq!(notification.status.map(|status| status.name), Some(status));
        let text = |text: &str| Some(text.to_owned());
        let expected = Notification {
            kind,
            order_id: text("P"),
            merchant_order_id: text("7"),
            platform_id: text("PF"),
            amount_cents: Some(1),
            status_code: Some(4),
            status: StatusTable::PLATFORM.status(kind, 4),
            update_time: Some(6),
        };
        assert_eq!(notification, expected);
    }
    let empty = read(r#"{"payout_id":"","payout_cl_id":null,"platform_id":true,"amount":1.0}"#);
    assert_eq!((empty.order_id, empty.merchant_order_id), (None, None));
    assert_eq!((empty.platform_id, empty.amount_cents), (None, None));
}

#[test]
fn cents_below_one_unit_have_two_digits() {
    for (cents, text) in [
        (0, "0.00"),
        (1, "0.01"),
        (-1, "-0.01"),
        (10, "0.10"),
        (99, "0.99"),
        (100, "1.00"),
        (-100, "-1.00"),
        (101, "1.01"),
        (i64::MAX, "92233720368547758.07"),
    ] {
        assert_eq!(major_units(cents), text);
    }
}

#[test]
fn each_absent_or_wrongly_typed_field_has_its_severity() {
    use Severity::{Error, Warning};
    let absent = found("{}", Expectation::Notification);
    let absent: Vec<_> = absent.iter().map(|f| (f.member.as_deref(), f.code, f.severity)).collect();
    let missing = [
        ("payout_id", Error),
        ("payout_cl_id", Error),
        ("platform_id", Error),
        ("amount", Error),
        ("real_amount", Warning),
        ("fee", Error),
        ("status", Error),
        ("create_time", Error),
        ("update_time", Error),
    ];
    assert_eq!(absent, missing.map(|(name, severity)| (Some(name), "missing", severity)));
    for (name, value, severity) in [
        ("payout_id", "1", Warning),
        ("payout_id", "false", Error),
        ("error_msg", "1", Warning),
        ("error_msg", "[]", Error),
        ("amount", "\"1\"", Warning),
        ("amount", "{}", Error),
        ("status", "\"3\"", Warning),
        ("status", "\"x\"", Error),
        ("create_time", "\"1\"", Warning),
        ("create_time", "\"x\"", Error),
        ("create_time", "true", Error),
    ] {
        let found = found(&format!("{{\"{name}\":{value}}}"), Expectation::Notification);
        let of_field: Vec<_> =
            found.iter().filter(|finding| finding.member.as_deref() == Some(name)).collect();
        let [finding] = &*of_field else { panic!("{name} {value}: {of_field:?}") };
        assert_eq!((finding.code, finding.severity), ("type", severity), "{name} {value}");
    }
}
