//! What reaches a terminal: nothing that steers it, nothing endless, no key.
#![no_main]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use payout_notify::fuzzing::{
    ColorMode, Console, LONGEST_SPAN, Line, SHORTEST_MASKED_KEY, Untrusted, abridge, hide_only,
    sanitize,
};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Ok(mut captured) = self.0.lock() {
            captured.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|input: (&[u8], u8, &[u8])| {
    let (key, cut, bytes) = input;
    let text = String::from_utf8_lossy(bytes);
    let shown = sanitize(&text);
    assert!(shown.len() <= text.len() * 6);
    harmless(&shown);
    assert_eq!(sanitize(&shown), shown);
    let short = abridge(&shown, usize::from(cut));
    assert!(short.chars().count() <= usize::from(cut));

    let middle = text.floor_char_boundary(bytes.len() / 2);
    let captured = Captured::default();
    let mut console = Console::over(captured.clone(), io::sink(), ColorMode::Never);
    hide_only(key);
    let outside = |text: &str| Untrusted::new(text.to_owned());
    let line = Line::new().plain(outside(&text[..middle])).strong(outside(&text[middle..]));
    console.answer(&line).expect("a vector takes everything");
    let written = captured.0.lock().map(|bytes| bytes.clone()).unwrap_or_default();
    let written = String::from_utf8(written).expect("a line is text");
    let written = written.strip_suffix('\n').expect("a line ends");
    harmless(written);
    assert!(written.chars().count() <= 2 * LONGEST_SPAN);
    if let Ok(key) = std::str::from_utf8(key)
        && key.trim_ascii().len() >= SHORTEST_MASKED_KEY
        // A key that is part of the mark stands in the mark, and a word may run over two spans.
        && !key.contains(['[', 'k', 'e', 'y', ']'])
        && !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_".contains(&byte))
    {
        assert!(!written.contains(key));
    }
});

/// Controls, separators, bidi controls and zero-width characters, by their own list.
fn harmless(text: &str) {
    let bad = |character: char| {
        character.is_control()
            || matches!(u32::from(character),
                0x61C | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x2069 | 0xFEFF | 0xE0000..=0xE007F)
    };
    assert!(!text.contains(bad), "{text:?}");
}
