//! Samples to learn a rule from: reading them never fails otherwise than with an error, and a rule
//! that is found signs every sample that it is said to explain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::learn::{learn, read};
use payout_notify_protocol::internal::signature::sign;
use payout_notify_protocol::{Key, Value};

/// In bytes hashed: enough for the usual rules over short samples.
const EFFORT: u64 = 200_000;

fuzz_target!(|text: &str| {
    let samples = match read(text) {
        Ok(samples) => samples,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Ok(key) = Key::try_new("ThisIsYourSecretKey123") else { return };
    for found in &learn(&samples, &key, EFFORT).found {
        for sample in samples.iter().filter(|sample| found.lines.contains(&sample.line)) {
            let payload = sample.payload().expect("what is explained is a payload");
            let given = payload.get(&found.scheme.sign_field).map(|member| &member.value);
            let signature = sign(&canonicalize(&payload, &found.scheme), &found.scheme, &key);
            let is_explained =
                matches!(given, Some(Value::String(given)) if signature.matches(given.trim()));
            assert!(is_explained, "line {} of {text:?}", sample.line);
        }
    }
});
