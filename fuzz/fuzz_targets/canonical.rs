//! Sign, attach, parse, verify: what was signed verifies, under every dialect and in every writing.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::dialect::DIALECTS;
use payout_notify_protocol::internal::form::read;
use payout_notify_protocol::internal::scheme::Empties;
use payout_notify_protocol::internal::signature::{Answer, attach, sign, verify};
use payout_notify_protocol::internal::weakness::{Circumstances, weaknesses};
use payout_notify_protocol::{Dialect, Encoding, Key, Payload, Scheme, Value};

fuzz_target!(|input: &[u8]| {
    let [first, bytes @ ..] = input else { return };
    let encoding = match first % 4 {
        0 => Encoding::Form,
        1 => Encoding::Query,
        _ => Encoding::Json,
    };
    let dialect = &DIALECTS[usize::from(first / 4) % DIALECTS.len()];
    let Ok(payload) = read(bytes, encoding) else { return };
    let (Ok(key), Ok(other)) = (Key::try_new(b"k3y&=".to_vec()), Key::try_new(b"k3y&!".to_vec()))
    else {
        return;
    };
    for scheme in dialect.schemes.iter() {
        // A payload that names another scheme than this one is verified by that one.
        match dialect.said_by(&payload) {
            Ok(None) => {}
            Ok(Some(said)) if said == scheme => {}
            _ => continue,
        }
        holds(&payload, dialect, scheme, &key, &other);
    }
});

fn holds(payload: &Payload<'_>, dialect: &Dialect, scheme: &Scheme, key: &Key, other: &Key) {
    let canonical = canonicalize(payload, scheme);
    if let Some(expected) = plainly(payload, scheme) {
        assert_eq!(canonical.as_str(), expected);
    }
    let signature = sign(&canonical, scheme, key);
    let signed = attach(payload, scheme, &signature);
    let again = read(signed.as_bytes(), payload.encoding()).expect("a signed payload is a payload");
    assert_eq!(canonicalize(&again, scheme).as_str(), canonical.as_str());
    assert_eq!(verify(&again, key, dialect, None).answer, Answer::Match);
    assert_ne!(verify(&again, other, dialect, None).answer, Answer::Match);
    let others = |of: &Payload<'_>| -> Vec<(String, String)> {
        let others = of.members().iter().filter(|member| member.name != scheme.sign_field);
        others
            .map(|member| (member.name.to_string(), of.text()[member.value_span()].to_owned()))
            .collect()
    };
    assert_eq!(others(payload), others(&again));
    let _ =
        weaknesses(&again, &Circumstances { scheme, dialect, required: None, now: 1_567_614_049 });
}

/// The rule as the page words it, for payloads without nested values.
fn plainly(payload: &Payload<'_>, scheme: &Scheme) -> Option<String> {
    let mut pairs = BTreeMap::new();
    for member in payload.members() {
        let text = match &member.value {
            Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Number(digits) => (*digits).to_owned(),
            Value::String(text) => text.to_string(),
            Value::Array(_) | Value::Object(_) => return None,
        };
        let dropped = text.is_empty() && scheme.empties == Empties::Drop;
        if !dropped && !scheme.left_out.contains(&member.name) {
            pairs.insert(member.name.as_bytes().to_vec(), format!("{}={text}", member.name));
        }
    }
    Some(pairs.into_values().collect::<Vec<_>>().join(&scheme.separator))
}
