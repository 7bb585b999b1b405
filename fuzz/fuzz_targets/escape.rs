//! What reaches a browser: no markup, no control, no key, and JSON that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payout_notify::fuzzing::{escaped, hide_only, shown_text};
use serde_json::Value;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (key, bytes) = input;
    hide_only(key);
    let page = escaped(&String::from_utf8_lossy(bytes));
    assert!(!page.contains(['<', '>', '"', '\'']));
    assert!(!page.chars().any(char::is_control));
    let named = |rest: &str| {
        ["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|name| rest.starts_with(name))
    };
    assert!(page.match_indices('&').all(|(at, _)| named(&page[at + 1..])));

    let json = shown_text(bytes);
    assert!(json.iter().all(|byte| matches!(byte, b' '..=b'~')));
    let value: Value = serde_json::from_slice(&json).expect("the page reads JSON");
    let shown = value["text"].as_str().unwrap_or_default();
    match std::str::from_utf8(key) {
        // A key that is part of the mark stands in the mark.
        Ok(key) if key.len() >= 4 && !key.contains(['[', 'k', 'e', 'y', ']']) => {
            assert!(!shown.contains(key));
        }
        _ if key.is_empty() => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                assert_eq!(shown, text);
            }
        }
        _ => {}
    }
});
