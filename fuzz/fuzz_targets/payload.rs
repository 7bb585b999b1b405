//! The payload parser: places, order, look-ups, and edits that leave the rest alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::edit::{Edit, apply};
use payout_notify_protocol::internal::notification::{Expectation, Notification, findings};
use payout_notify_protocol::{Layout, Payload, PayloadProblem, StatusTable, Value};

fuzz_target!(|bytes: &[u8]| {
    let payload = match Payload::parse(bytes) {
        Ok(payload) => payload,
        Err(error) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line));
            assert!((1..=bytes.len() + 1).contains(&error.column));
            assert!(error.problem != PayloadProblem::Empty || bytes.trim_ascii().is_empty());
            let _ = error.to_string();
            return;
        }
    };
    let text = payload.text();
    assert_eq!(text.as_bytes(), bytes);
    assert!(text[payload.braces()].starts_with('{') && text[payload.braces()].ends_with('}'));
    let mut behind = 0;
    for member in payload.members() {
        assert!(behind <= member.name_span().start);
        assert!(member.name_span().end < member.value_span().start);
        behind = member.value_span().end;
        let literal = &text[member.value_span()];
        match &member.value {
            Value::Number(kept) | Value::Array(kept) | Value::Object(kept) => {
                assert_eq!(*kept, literal);
            }
            Value::Null => assert_eq!(literal, "null"),
            Value::Bool(value) => assert_eq!(literal, value.to_string()),
            Value::String(_) => assert!(literal.starts_with('"')),
        }
        assert_eq!(
            payload.get(&member.name).map(|found| found.value_span()),
            Some(member.value_span())
        );
    }
    let names: Vec<&str> = payload.members_by_name().map(|member| &*member.name).collect();
    assert_eq!(names.len(), payload.members().len());
    assert!(names.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
    edits(&payload);
    for expectation in [Expectation::Notification, Expectation::AnyPayload] {
        let _ = (
            findings(&payload, expectation, &Layout::PLATFORM, &StatusTable::PLATFORM),
            Notification::read(&payload, expectation, &Layout::PLATFORM, &StatusTable::PLATFORM),
        );
    }
});

/// A member put in stands there, one taken out is gone, and the others keep their text.
fn edits(payload: &Payload<'_>) {
    let first = payload.members().first().map_or("new", |member| &member.name);
    for name in [first, "sign"] {
        let put = Edit::Put { name: name.to_owned(), json: "1.50".to_owned() };
        for (edit, wanted) in [(put, Some("1.50")), (Edit::Remove { name: name.to_owned() }, None)]
        {
            let text = apply(payload, &edit);
            let after = Payload::parse(text.as_bytes()).expect("an edited payload is a payload");
            assert_eq!(after.get(name).map(|member| &text[member.value_span()]), wanted);
            let others = |of: &Payload<'_>| -> Vec<(String, String)> {
                let others = of.members().iter().filter(|member| member.name != name);
                others
                    .map(|member| {
                        (member.name.to_string(), of.text()[member.value_span()].to_owned())
                    })
                    .collect()
            };
            assert_eq!(others(payload), others(&after));
        }
    }
}
