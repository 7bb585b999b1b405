//! Acknowledgement rules: what counts as one is one for another reader too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::internal::acknowledgement::{
    AcknowledgementRule, Conclusion, Reply, judge,
};
use serde_json::Value;

fuzz_target!(|input: (u16, &str, &str, &[u8])| {
    let (status, wanted, content_type, body) = input;
    let reply = Reply {
        status,
        content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
        retry_after: None,
        encoding: None,
        body: body.to_vec(),
    };
    let told = |reply: &Reply, conclusion: &Conclusion| match conclusion {
        Conclusion::Acknowledged(warnings) => {
            assert!((200..300).contains(&reply.status));
            for warning in warnings {
                let _ = (warning.code(), warning.explanation());
            }
        }
        Conclusion::NotAcknowledged(refusal) => drop((refusal.code(), refusal.explanation())),
    };
    let conclusion = judge(&reply);
    told(&reply, &conclusion);
    if matches!(conclusion, Conclusion::Acknowledged(_)) {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => assert_eq!(value["error_code"], "0000"),
            // It refuses a number that is too large for a float; here the digits are kept.
            Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}"),
        }
    }
    let rule = AcknowledgementRule::for_reply(wanted);
    told(&reply, &rule.judge(&reply));
    // What a rule was made from acknowledges.
    let exact = Reply { status: 200, body: wanted.as_bytes().to_vec(), ..reply };
    let by_itself = rule.judge(&exact);
    told(&exact, &by_itself);
    assert!(matches!(by_itself, Conclusion::Acknowledged(_)), "{rule:?} {wanted:?} {by_itself:?}");
});
