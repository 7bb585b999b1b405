//! Dialect files: what was read reads back, and signs and verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::dialect_file::{parse, write};
use payout_notify_protocol::internal::signature::{Answer, attach, sign, verify};
use payout_notify_protocol::{Key, Payload};

const PAYLOAD: &[u8] = br#"{"payout_id":"P1","amount":1,"memo":"","list":[1, 2]}"#;

fuzz_target!(|text: &str| {
    let dialect = match parse(text) {
        Ok(dialect) => dialect,
        Err(error) => {
            let line = text.split('\n').nth(error.line.wrapping_sub(1));
            let columns = line.map_or(0, |line| line.chars().count() + 1);
            assert!((1..=columns).contains(&error.column), "{error}");
            return;
        }
    };
    assert_eq!(parse(&write(&dialect)).as_ref(), Ok(&dialect));
    let _ = dialect.acknowledgement();
    let (Ok(payload), Ok(key)) = (Payload::parse(PAYLOAD), Key::try_new(b"key".to_vec())) else {
        return;
    };
    let scheme = dialect.first();
    let signed = attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key));
    let again = Payload::parse(signed.as_bytes()).expect("a signed payload is a payload");
    assert_eq!(verify(&again, &key, &dialect, None).answer, Answer::Match);
});
