//! Forms and query strings, held against another reader of pairs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::form::{detect, put, read, remove};
use payout_notify_protocol::{Encoding, Payload, Value};

fuzz_target!(|bytes: &[u8]| {
    let _ = detect(bytes);
    for encoding in [Encoding::Form, Encoding::Query] {
        match read(bytes, encoding) {
            Ok(payload) => accepted(&payload),
            Err(error) => {
                assert!((1..=bytes.len() + 1).contains(&error.column));
                let _ = error.to_string();
            }
        }
    }
});

fn pairs(payload: &Payload<'_>) -> Vec<(String, String)> {
    let pair = |(name, value): (&str, &Value<'_>)| match value {
        Value::String(text) => (name.to_owned(), text.to_string()),
        other => panic!("a pair holds {other:?}"),
    };
    payload.members().iter().map(|member| pair((&member.name, &member.value))).collect()
}

fn accepted(payload: &Payload<'_>) {
    let read_here = pairs(payload);
    let text = &payload.text()[payload.braces()];
    let elsewhere: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    assert_eq!(read_here, elsewhere);
    let names: Vec<&str> = payload.members_by_name().map(|member| &*member.name).collect();
    assert!(names.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
    let first = &*payload.members()[0].name;
    for name in [first, "sign", "a&b=é #"] {
        let text = put(payload, name, "1 +&=%é#?");
        let after = read(text.as_bytes(), payload.encoding()).expect("pairs stay pairs");
        let value = after.get(name).map(|member| &member.value);
        assert!(matches!(value, Some(Value::String(text)) if text == "1 +&=%é#?"), "{text:?}");
        let without = |of: Vec<(String, String)>| -> Vec<(String, String)> {
            of.into_iter().filter(|(known, _)| known != name).collect()
        };
        assert_eq!(without(read_here.clone()), without(pairs(&after)));
        let text = remove(payload, name);
        let left = without(read_here.clone());
        match read(text.as_bytes(), payload.encoding()) {
            Ok(after) => assert_eq!(left, pairs(&after)),
            Err(_) => assert!(left.is_empty(), "{text:?}"),
        }
    }
}
