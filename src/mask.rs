//! Keys that another party wrote into a text, hidden.
//!
//! What was received, read or typed can hold the key by mistake, in any encoding. It is
//! [`Untrusted`], which shows it without the keys; the program's own words around it stay, so a key
//! that is an ordinary word is not given away by a gap in a sentence that everyone knows.
//!
//! A key that cannot be a word of the program is also searched for in whatever leaves it: see
//! [`in_own`].

mod redaction;
mod view;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use protocol::internal::acknowledgement::Reply;
use protocol::internal::untrusted::redact_with;
use zeroize::Zeroizing;

pub use protocol::internal::untrusted::{Untrusted, quoting};
pub use redaction::{REDACTED, Redaction};

pub const KEY_MARK: &str = "[key]";

/// The fewest bytes that a key must have to be searched for: a shorter one would be found everywhere.
pub const SHORTEST_MASKED_KEY: usize = 4;

const SHORTEST_BASE64: usize = 6;

const GAP: &str = "…";

static KNOWN: RwLock<KeyMask> = RwLock::new(KeyMask { needles: Vec::new() });

fn known() -> RwLockReadGuard<'static, KeyMask> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner)
}

/// Hides this key from now on, in all that this process shows.
pub fn remember(key: &[u8]) {
    redact_with(outside);
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).learn(key);
}

/// Hides this key alone: each input of a fuzz target has its own.
#[cfg(fuzzing)]
pub fn hide_only(key: &[u8]) {
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).needles.clear();
    remember(key);
}

/// A text from outside as it may be shown: without the keys that this process knows.
pub fn outside(text: &str) -> Cow<'_, str> {
    known().without(text, KeySearch::Every)
}

/// A text of this program's own, whose parts from outside are redacted already: without the keys
/// that cannot be one of its words, should a part have been forgotten.
pub fn in_own(text: &str) -> Cow<'_, str> {
    known().without(text, KeySearch::Unmistakable)
}

/// Hides the keys that cannot be a word of this program. The pieces are read as one text: a key may
/// run over their borders.
pub fn in_pieces(pieces: &mut [String]) {
    known().mask_pieces(pieces);
}

pub fn in_reply(reply: &mut Reply) {
    known().reply(reply);
}

/// Whether a text of so many hexadecimal digits and nothing else may hold a key.
pub fn may_be_in_digits(length: usize) -> bool {
    let known = known();
    let mut short = known.needles.iter().filter(|needle| needle.bytes.len() <= length);
    short.any(|needle| needle.bytes.iter().all(u8::is_ascii_hexdigit))
}

pub fn hides(text: &str) -> bool {
    // The text is one encoding around those of its values.
    !known().find(text, view::DEEPEST + 1, KeySearch::Every).is_empty()
}

#[derive(Clone, Default, PartialEq, Eq)]
struct KeyMask {
    needles: Vec<Needle>,
}

#[derive(Clone, PartialEq, Eq)]
struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    is_word: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeySearch {
    Every,
    /// Not for keys that are words.
    Unmistakable,
}

/// The longest key that may be a word or a number of this program.
const LONGEST_WORD: usize = 16;

/// Whether the key may be a word or a number of this program, which is hidden in texts from outside
/// only.
pub fn is_word(key: &[u8]) -> bool {
    let (is_letter, is_digit) = (
        |byte: &u8| byte.is_ascii_alphabetic() || b" -_".contains(byte),
        |byte: &u8| byte.is_ascii_digit(),
    );
    key.len() <= LONGEST_WORD && (key.iter().all(is_letter) || key.iter().all(is_digit))
}

/// Upper and lower case alike, as a host or a header's name loses its case; `+` is a space in a form.
fn folded(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let fold = |byte: &u8| if *byte == b' ' { b'+' } else { byte.to_ascii_lowercase() };
    Zeroizing::new(bytes.iter().map(fold).collect())
}

/// The digits of base64 that a key always has, wherever it is in the encoded text.
fn base64_digits(key: &[u8]) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        found.push(Zeroizing::new(engine.encode(key)));
        // The digits at both ends depend on the bytes beside the key.
        for (before, own) in [(0, 0), (1, 2), (2, 3)] {
            let text = Zeroizing::new([&vec![0; before], key].concat());
            let digits = Zeroizing::new(engine.encode(&*text));
            let inner = digits.get(own..text.len() * 8 / 6).unwrap_or_default();
            if inner.len() >= SHORTEST_BASE64 {
                found.push(Zeroizing::new(inner.to_owned()));
            }
        }
    }
    found
}

impl KeyMask {
    /// Hides this key too: as it is and without the blanks around it, in base64 and hexadecimal,
    /// and with any escapes around or inside those.
    fn learn(&mut self, key: &[u8]) {
        if key.trim_ascii().len() < SHORTEST_MASKED_KEY {
            return;
        }
        for bytes in [key, key.trim_ascii()] {
            let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
            self.search_for(bytes, is_word(bytes));
            self.search_for(text.as_bytes(), is_word(bytes));
            self.search_for(Zeroizing::new(hex::encode(bytes)).as_bytes(), false);
            let digits = base64_digits(bytes);
            digits.iter().for_each(|digits| self.search_for(digits.as_bytes(), false));
        }
    }

    fn search_for(&mut self, bytes: &[u8], is_word: bool) {
        let needle = Needle { bytes: folded(bytes), is_word };
        if !self.needles.contains(&needle) {
            self.needles.push(needle);
        }
    }

    fn without<'a>(&self, text: &'a str, search: KeySearch) -> Cow<'a, str> {
        let found = self.find(text, view::DEEPEST, search);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(replaced(text, 0..text.len(), &found, KEY_MARK))
    }

    fn mask_pieces(&self, pieces: &mut [String]) {
        if self.needles.is_empty() {
            return;
        }
        let whole = Zeroizing::new(pieces.concat());
        let found = self.find(&whole, view::DEEPEST, KeySearch::Unmistakable);
        if found.is_empty() {
            return;
        }
        let mut start = 0;
        for piece in pieces {
            let end = start + piece.len();
            *piece = replaced(&whole, start..end, &found, KEY_MARK);
            start = end;
        }
    }

    /// The places of all keys, in order, with those that overlap or touch made one.
    fn find(&self, text: &str, deepest: usize, search: KeySearch) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let needles = self.needles(search);
        if needles.is_empty() {
            return found;
        }
        for view in view::views(text, deepest) {
            let read = folded(&view.bytes);
            let mut add = |part: Range<usize>| found.push(view.place(part, text));
            for needle in &needles {
                let mut from = 0;
                // A key may overlap itself (`abab` in `ababab`); no end of it may stay behind.
                while let Some(at) = memmem::find(&read[from..], needle) {
                    add(from + at..from + at + needle.len());
                    from += at + 1;
                }
            }
            for gap in memmem::find_iter(&read, GAP) {
                cut_at(&needles, &read, gap, &mut add);
                cut_from(&needles, &read, gap + GAP.len(), &mut add);
            }
        }
        joined(found)
    }

    fn needles(&self, search: KeySearch) -> Vec<&[u8]> {
        let chosen = self.needles.iter().filter(|it| search == KeySearch::Every || !it.is_word);
        chosen.map(|needle| needle.bytes.as_slice()).collect()
    }

    fn reply(&self, reply: &mut Reply) {
        reply.content_type.iter_mut().for_each(|name| self.cut_text(name));
        reply.retry_after.iter_mut().for_each(|time| self.cut_text(time));
        reply.encoding.iter_mut().for_each(|name| self.cut_text(name));
        let text = String::from_utf8_lossy(&reply.body);
        if let Cow::Owned(masked) = self.without(&text, KeySearch::Every) {
            reply.body = masked.into_bytes();
        }
    }

    /// Hides the keys in a text that may have been cut short, and the beginning of one at its end.
    fn cut_text(&self, text: &mut String) {
        let mut found = self.find(text, view::DEEPEST, KeySearch::Every);
        let needles = self.needles(KeySearch::Every);
        for view in view::views(text, view::DEEPEST) {
            let read = folded(&view.bytes);
            cut_at(&needles, &read, read.len(), &mut |part| found.push(view.place(part, text)));
        }
        *text = replaced(text, 0..text.len(), &joined(found), KEY_MARK);
    }
}

fn cut_at(needles: &[&[u8]], read: &[u8], end: usize, add: &mut impl FnMut(Range<usize>)) {
    for needle in needles {
        let begun = (SHORTEST_MASKED_KEY..needle.len()).rev();
        let mut fits = begun.filter(|length| read[..end].ends_with(&needle[..*length]));
        if let Some(length) = fits.next() {
            add(end - length..end);
        }
    }
}

fn cut_from(needles: &[&[u8]], read: &[u8], start: usize, add: &mut impl FnMut(Range<usize>)) {
    for needle in needles {
        let begun = 1..=needle.len().saturating_sub(SHORTEST_MASKED_KEY);
        if let Some(at) = begun.into_iter().find(|at| read[start..].starts_with(&needle[*at..])) {
            add(start..start + needle.len() - at);
        }
    }
}

/// The ranges in order, with those that overlap or touch made one.
fn joined(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|range| range.start);
    found.dedup_by(|next, last| {
        let joins = next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    found
}

fn replaced(text: &str, piece: Range<usize>, found: &[Range<usize>], mark: &str) -> String {
    let mut shown = String::new();
    let mut from = piece.start;
    for range in found.iter().filter(|range| range.start < piece.end) {
        if range.start >= piece.start {
            shown.push_str(&text[from..range.start]);
            shown.push_str(mark);
        }
        from = range.end.clamp(piece.start, piece.end);
    }
    shown.push_str(&text[from..piece.end]);
    shown
}

impl fmt::Debug for KeyMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMask({} forms)", self.needles.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask_of(key: impl AsRef<[u8]>) -> KeyMask {
        let mut mask = KeyMask::default();
        mask.learn(key.as_ref());
        mask
    }

    impl KeyMask {
        fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
            self.without(text, KeySearch::Every)
        }

        fn in_own<'a>(&self, text: &'a str) -> Cow<'a, str> {
            self.without(text, KeySearch::Unmistakable)
        }
    }

    fn mask() -> KeyMask {
        mask_of(b" top\"secret/1\n")
    }

    #[test]
    fn a_key_is_hidden_in_each_form_and_where_a_text_was_cut_within_it() {
        for (text, shown) in [
            ("x top\"secret/1\n.", "x[key]."),
            ("{\"k\":\"top\\\"secret/1\"}", "{\"k\":\"[key]\"}"),
            ("{\"k\":\"top\\\"secret\\/1\"}", "{\"k\":\"[key]\"}"),
            ("md5(S&top\"secre", "md5(S&[key]"),
            ("a to", "a to"),
        ] {
            let mut masked = text.to_owned();
            mask().cut_text(&mut masked);
            assert_eq!(masked, shown);
        }
        assert!(format!("{:?}", mask()).starts_with("KeyMask("));
        assert!(!format!("{:?}", mask()).contains("secret"));
        let short = mask_of(b"abc");
        assert_eq!(short, KeyMask::default());
    }

    #[test]
    fn a_key_is_hidden_in_each_encoding() {
        let key = "a&b+\"c\\é% d'/Ü";
        let mask = mask_of(key);
        for text in [
            key,
            r#"a&b+\"c\\é% d'/Ü"#,
            r#"a&b+\"c\\\u00e9% d'\/\u00dc"#,
            r#"\u0061\u0026b+\"c\\\u00E9% d'\/\u00DC"#,
            "a%26b%2B%22c%5C%C3%A9%25+d%27%2F%C3%9C",
            "a%26b%2b%22c%5c%c3%a9%25%20d%27%2f%c3%9c",
            "a&b+%22c%5C%C3%A9%25%20d'/%C3%9C",
            "%61%26%62%2B%22%63%5C%C3%A9%25%20%64%27%2F%C3%9C",
            "a&amp;b+&quot;c\\é% d&#39;/Ü",
            "a&amp;b+&#34;c&#92;&#233;% d&#x27;/&#xDC;",
            r#"a&b+\\\"c\\\\é% d'/Ü"#,
            r#"a&b+"c\é% d'\''/Ü"#,
            "a%2526b%252B%2522c%255C%25C3%25A9%2525%2520d%2527%252F%25C3%259C",
            "A&B+\"C\\é% D'/Ü",
            &STANDARD_NO_PAD.encode(key),
            &URL_SAFE_NO_PAD.encode(key),
            &hex::encode(key),
            &hex::encode_upper(key),
        ] {
            let shown = mask.masked(&format!("<{text}>")).into_owned();
            assert_eq!(shown, "<[key]>", "{text}");
        }
        for before in ["", "u", "u:", "usr:"] {
            let text = STANDARD_NO_PAD.encode(format!("{before}{key}:x"));
            assert!(mask.masked(&text).contains("[key]"), "{text}");
        }
    }

    #[test]
    fn a_key_that_was_cut_is_hidden_at_the_gap() {
        let mask = mask_of(b"ThisIsYourSecretKey123");
        assert_eq!(mask.masked("x ThisIsYou…"), "x [key]…");
        assert_eq!(mask.masked("…(20 characters)…Key123&a"), "…(20 characters)…[key]&a");
        assert_eq!(mask.masked("…123 Thi…"), "…123 Thi…");
    }

    #[test]
    fn a_key_that_is_a_word_passes_in_our_own_texts_and_not_from_outside() {
        for key in ["empty", "Merchant", "not-kept", "error_code", "match ", "20261130"] {
            let mask = mask_of(key);
            let text = format!("memo={key}: the key is {key}.");
            assert_eq!(mask.in_own(&text), text);
            assert!(!mask.masked(&text).contains(key.trim()), "{key}");
            let mut pieces = [text.clone()];
            mask.mask_pieces(&mut pieces);
            assert_eq!(pieces, [text]);
            // An encoding of it is none of our words.
            assert_eq!(mask.in_own(&hex::encode(key)), "[key]");
        }
        for key in ["empty1", "longer than any word", "a&b+", "wörd"] {
            let text = format!("the key is {key}.");
            assert_eq!(mask_of(key).in_own(&text), "the key is [key].", "{key}");
        }
    }

    #[test]
    fn a_key_that_php_wrote_is_masked() {
        assert_eq!(pieces(&[b"a/b\"cd"], &["k: a\\/b\\\"cd."]), ["k: [key]."]);
    }

    fn pieces(keys: &[&[u8]], pieces: &[&str]) -> Vec<String> {
        let mut mask = KeyMask::default();
        keys.iter().for_each(|key| mask.learn(key));
        // Where a key is found does not depend on whether it is a word.
        mask.needles.iter_mut().for_each(|needle| needle.is_word = false);
        let mut pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        mask.mask_pieces(&mut pieces);
        pieces
    }

    #[test]
    fn a_key_is_masked_wherever_it_stands() {
        assert_eq!(pieces(&[b"secret"], &["a=1&secret", "secretly"]), ["a=1&[key]", "ly"]);
        assert_eq!(pieces(&[b"secret"], &["&se", "", "cr", "et!"]), ["&[key]", "", "", "!"]);
        assert_eq!(pieces(&[b"secret"], &["nothing"]), ["nothing"]);
        // Borders right before and right after the key.
        assert_eq!(pieces(&[b"secret"], &["a=", "secret", "&b"]), ["a=", "[key]", "&b"]);
    }

    #[test]
    fn no_end_of_an_overlapping_key_stays_behind() {
        assert_eq!(pieces(&[b"abab"], &["xababab."]), ["x[key]."]);
        assert_eq!(pieces(&[b"abcd", b"cdef"], &["abcdef"]), ["[key]"]);
        assert_eq!(pieces(&["éaéa".as_bytes()], &["éaéaéa"]), ["[key]"]);
    }

    #[test]
    fn blanks_and_odd_bytes_do_not_save_a_key() {
        assert_eq!(pieces(&[b" secret\n"], &["[secret] [ secret\\n]"]), ["[[key]] [[key]]"]);
        assert_eq!(pieces(&[b"ab\xffcd"], &["ab\\xffcd ab\u{fffd}cd"]), ["[key] [key]"]);
    }

    #[test]
    fn a_very_short_key_is_not_searched_for() {
        assert_eq!(pieces(&[b"", b"abc", b"  \t\n  "], &["abc     d"]), ["abc     d"]);
    }

    #[test]
    fn a_reply_has_no_key_in_its_headers_and_body() {
        let reply = |content_type: &str, retry_after: &str, body: &[u8]| Reply {
            status: 200,
            content_type: Some(content_type.to_owned()),
            retry_after: Some(retry_after.to_owned()),
            encoding: None,
            body: body.to_vec(),
        };
        for (mut came, shown) in [
            (
                reply("text/top\"secret/1;a=b", "top\"secret/1 s", b"<top\"secret/1>"),
                reply("text/[key];a=b", "[key] s", b"<[key]>"),
            ),
            // A header can have been cut within the key.
            (reply("text/top\"s", "9;top\"", b""), reply("text/[key]", "9;[key]", b"")),
            (reply("text/html", "120", b"a\xffb"), reply("text/html", "120", b"a\xffb")),
        ] {
            mask().reply(&mut came);
            assert_eq!(came, shown);
        }
    }

    #[test]
    fn keys_that_touch_or_contain_another_are_hidden_whole() {
        assert_eq!(pieces(&[b"secret"], &["secretsecret."]), ["[key]."]);
        for keys in [[&b"abcdef"[..], b"bcde"], [b"bcde", b"abcdef"]] {
            assert_eq!(pieces(&keys, &["xabcdefy"]), ["x[key]y"]);
        }
    }

    #[test]
    fn a_cut_key_is_hidden_from_four_characters_on() {
        let mask = mask_of(b"ThisIsYourSecretKey123");
        for (text, shown) in [
            ("x Thi…", "x Thi…"),
            ("x This…", "x [key]…"),
            ("x ThisIsYourSecretKey12…", "x [key]…"),
            ("…123.", "…123."),
            ("…y123.", "…[key]."),
            ("…hisIsYourSecretKey123.", "…[key]."),
        ] {
            assert_eq!(mask.masked(text), shown);
        }
    }

    #[test]
    fn a_key_is_found_inside_one_encoding_more_than_a_value_has() {
        remember(b"deeply\"hidden");
        for quote in ["\"", "%22", "%2522", "%252522", "%25252522"] {
            assert!(hides(&format!("k=deeply{quote}hidden")), "{quote}");
        }
        assert!(!hides("k=deeply%2525252522hidden"));
    }

    #[test]
    fn a_key_in_base64_is_hidden_up_to_the_digits_that_depend_on_its_neighbours() {
        let mask = mask_of(b"ThisIsYourSecretKey123");
        for (before, start, end) in [("", 0, 29), ("u", 2, 30), ("u:", 3, 32), ("us:", 4, 33)] {
            let text = STANDARD_NO_PAD.encode(format!("{before}ThisIsYourSecretKey123:x"));
            let shown = format!("{}[key]{}", &text[..start], &text[end..]);
            assert_eq!(mask.masked(&text), shown, "{before}");
        }
    }

    #[test]
    fn a_key_that_the_process_has_used_is_hidden_in_every_text_from_outside() {
        remember(b"key-used-by-this-process");
        for (text, shown) in [("a=key-used-by-this-process", "a=[key]"), ("a=b", "a=b")] {
            assert_eq!(outside(text), shown);
            assert_eq!(Untrusted::new(text).to_string(), shown);
            assert_eq!(in_own(text), shown);
        }
    }
}
