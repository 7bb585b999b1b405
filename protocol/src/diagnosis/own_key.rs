//! What may be around the key that verifies: quotation marks, a name, white space, a byte order mark.
//!
//! Where the bare key gives the signature, the key was read wrongly here, and the signer is right.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::Deviation;
use super::deviations::deviation;
use crate::key::Key;
use crate::payload::{Payload, Value};

pub(super) const SUBJECT: &str = "the key given here ";

/// A key without what was around it.
pub(super) struct Cleaned {
    pub(super) key: Key,
    pub(super) deviations: Vec<Deviation>,
    pub(super) is_bare: bool,
}

const MAX_LINES: usize = 16;

const MAX_STEPS: usize = 10;

/// The longest key that is cleaned, in bytes.
const MAX_KEY: usize = 4096;

pub(super) fn cleaned(key: &Key) -> Vec<Cleaned> {
    let mut found = Vec::new();
    let bytes = key.expose();
    if bytes.len() > MAX_KEY {
        return found;
    }
    let (text, around) = match utf16(bytes) {
        Some(text) => (text, vec!["own-key-utf16"]),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => (Zeroizing::new(text.to_owned()), vec![]),
            Err(_) => return found,
        },
    };
    push(&mut found, &text, &around, key);
    peel_all(&text, &around, key, &mut found);
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    if lines().nth(1).is_some() {
        for line in lines().take(MAX_LINES) {
            let around = [&*around, &["own-key-lines"]].concat();
            push(&mut found, line, &around, key);
            peel_all(line, &around, key, &mut found);
        }
    }
    found
}

fn peel_all(text: &str, around: &[&str], given: &Key, found: &mut Vec<Cleaned>) {
    let mut around = around.to_vec();
    let mut rest = Zeroizing::new(text.to_owned());
    let first = found.len();
    for _ in 0..MAX_STEPS {
        let Some((what, inner)) = peel(&rest) else { break };
        if !around.contains(&what) {
            around.push(what);
        }
        let inner = Zeroizing::new(inner.into_owned());
        push(found, &inner, &around, given);
        rest = inner;
    }
    if let Some(last) = found.get_mut(first..).and_then(<[Cleaned]>::last_mut) {
        last.is_bare = true;
    }
}

fn push(found: &mut Vec<Cleaned>, text: &str, around: &[&str], given: &Key) {
    let Ok(key) = Key::try_new(text.as_bytes().to_vec()) else { return };
    let is_known = |known: &Key| known.expose() == key.expose();
    if !is_known(given) && !found.iter().any(|known| is_known(&known.key)) {
        let deviations = around.iter().map(|code| deviation(code)).collect();
        found.push(Cleaned { key, deviations, is_bare: false });
    }
}

fn utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        // Without a mark: ASCII letters with a zero byte each.
        [first, 0, ..] if first.is_ascii() && *first != 0 => u16::from_le_bytes,
        _ => return None,
    };
    // The newline that ends the file may have been taken off by half.
    let pairs = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text = Zeroizing::new(String::from_utf16(&pairs.collect::<Vec<u16>>()).ok()?);
    Some(Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned()))
}

/// The text without its outermost cover, and what that was; `None` where there is none.
fn peel(text: &str) -> Option<(&'static str, Cow<'_, str>)> {
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        return Some(("own-key-bom", rest.into()));
    }
    let trimmed = trim(text);
    if trimmed.len() < text.len() {
        return Some(("own-key-space", trimmed.into()));
    }
    if let Some(rest) = text.strip_suffix([',', ';']) {
        return Some(("own-key-punctuation", rest.into()));
    }
    quoted(text)
        .map(|inner| ("own-key-quotes", inner))
        .or_else(|| bracketed(text).map(|inner| ("own-key-brackets", inner.into())))
        .or_else(|| without_comment(text).map(|inner| ("own-key-comment", inner.into())))
        .or_else(|| named(text).map(|value| ("own-key-name", value.into())))
        .or_else(|| half_quoted(text).map(|inner| ("own-key-quotes", inner.into())))
}

/// White space, invisible characters, and newlines that are written as `\n`.
fn trim(text: &str) -> &str {
    let is_space = |letter: char| {
        letter.is_whitespace() || letter.is_control() || "\u{200b}\u{200e}\u{2060}".contains(letter)
    };
    let mut rest = text.trim_matches(is_space);
    for escape in ["\\n", "\\r", "\\t"] {
        rest = rest.trim_end_matches(escape);
    }
    rest
}

const QUOTES: [(&str, &str); 10] = [
    ("\\\"", "\\\""),
    ("\\'", "\\'"),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("“", "”"),
    ("‘", "’"),
    ("„", "“"),
    ("«", "»"),
    ("＂", "＂"),
];

fn quoted(text: &str) -> Option<Cow<'_, str>> {
    let inner = QUOTES.iter().find_map(|(open, close)| {
        text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
    })?;
    if text.starts_with('"') && inner.contains('\\') {
        let wrapped = Zeroizing::new(format!("{{\"k\":{text}}}"));
        if let Ok(payload) = Payload::parse(wrapped.as_bytes())
            && let Some(Value::String(value)) = payload.get("k").map(|member| &member.value)
        {
            return Some(Cow::Owned(value.to_string()));
        }
    }
    Some(inner.into())
}

fn half_quoted(text: &str) -> Option<&str> {
    let is_quote = |letter: char| "\"'`“”‘’".contains(letter);
    let inner = text.trim_matches(is_quote);
    (inner.len() < text.len()).then_some(inner)
}

fn bracketed(text: &str) -> Option<&str> {
    [('{', '}'), ('[', ']'), ('<', '>'), ('(', ')')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)))
}

fn without_comment(text: &str) -> Option<&str> {
    let at = [" #", "\t#", " //", " ;"].into_iter().filter_map(|mark| text.find(mark)).min()?;
    text.get(..at)
}

fn named(text: &str) -> Option<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.$\"' ".contains(letter);
    let end = text.find(|letter: char| !is_name(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let value = match rest.strip_prefix([':', '=']) {
        Some(value) => value.trim_start_matches([':', '=', '>']),
        None => text.rsplit_once(' ')?.1,
    };
    let has_name = name.chars().any(|letter| letter.is_ascii_alphanumeric());
    (has_name && name.len() <= 80 && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ThisIsYourSecretKey123";

    /// The names of what was around the key; panics where the bare key is not found.
    fn codes(given: &[u8]) -> Vec<&'static str> {
        let found = cleaned(&Key::try_new(given.to_vec()).unwrap());
        let right = found.iter().find(|one| one.key.expose() == KEY.as_bytes());
        let right = right.unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(given)));
        right.deviations.iter().map(|deviation| deviation.code).collect()
    }

    #[test]
    fn what_is_around_a_key_is_taken_off() {
        for (given, expected) in [
            ("\"{}\"", "own-key-quotes"),
            ("'{}'", "own-key-quotes"),
            ("`{}`", "own-key-quotes"),
            ("“{}”", "own-key-quotes"),
            ("\\\"{}\\\"", "own-key-quotes"),
            ("\"{}", "own-key-quotes"),
            (" {}", "own-key-space"),
            ("{}\n\n", "own-key-space"),
            ("{}\r", "own-key-space"),
            ("{}\\n", "own-key-space"),
            ("\u{a0}{}\u{200b}", "own-key-space"),
            ("\u{feff}{}", "own-key-bom"),
            ("PAYOUT_NOTIFY_KEY={}", "own-key-name"),
            ("export PAYOUT_NOTIFY_KEY={}", "own-key-name"),
            ("setx PAYOUT_NOTIFY_KEY {}", "own-key-name"),
            ("{},", "own-key-punctuation"),
            ("{};", "own-key-punctuation"),
            ("<{}>", "own-key-brackets"),
            ("{} # production", "own-key-comment"),
            ("{}\n# the production key", "own-key-lines"),
        ] {
            assert_eq!(codes(given.replace("{}", KEY).as_bytes()), [expected], "{given:?}");
        }
    }

    #[test]
    fn covers_inside_covers_are_taken_off_too() {
        for given in [
            "KEY: {}",
            "\u{feff}export KEY='{}'\r\n\r\n",
            "  \"{}\",",
            "{\"key\": \"{}\"}",
            "$env:PAYOUT_NOTIFY_KEY = \"{}\"",
            "$key = '{}';",
            "'key' => '{}',",
            "- key: \"{}\"",
            "# keys\nOLD_KEY=abc\nPAYOUT_NOTIFY_KEY=\"{}\"\n",
            "\"\\u0054{rest}\"",
        ] {
            let text = given.replace("{}", KEY).replace("{rest}", &KEY[1..]);
            codes(text.as_bytes());
        }
        let wide: Vec<u8> =
            "\u{feff}{}\r\n".replace("{}", KEY).encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(codes(&wide), ["own-key-utf16", "own-key-space"]);
        let bare: Vec<u8> = KEY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(codes(&bare), ["own-key-utf16"]);
        // Without the newline that reading takes off, half a character is left.
        assert_eq!(codes(&wide[..wide.len() - 1]), ["own-key-utf16", "own-key-space"]);
    }

    #[test]
    fn wide_text_is_known_by_its_mark_or_its_zero_bytes() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(unit).collect()
        };
        for (bytes, text) in [
            (wide("\u{feff}中a", u16::to_le_bytes), Some("中a")),
            (wide("\u{feff}中a", u16::to_be_bytes), Some("中a")),
            (wide("ab", u16::to_le_bytes), Some("ab")),
            (wide("ab", u16::to_be_bytes), None),
            (wide("éb", u16::to_le_bytes), None),
            (vec![0, 0, b'a', 0], None),
            (vec![0xc3, 0, b'a', 0], None),
            (vec![0xff, 0xfe, 0, 0xd8], None),
            (b"ab".to_vec(), None),
            (vec![b'a'], None),
            (vec![], None),
        ] {
            assert_eq!(utf16(&bytes).as_deref().map(String::as_str), text, "{bytes:?}");
        }
    }

    #[test]
    fn each_cover_is_taken_off_alone() {
        for (text, expected) in [
            ("\u{feff}k", Some(("own-key-bom", "k"))),
            ("\u{200b} k\\r\\n", Some(("own-key-space", "k"))),
            ("k;", Some(("own-key-punctuation", "k"))),
            ("\"k\"", Some(("own-key-quotes", "k"))),
            ("\"a\\u0042\"", Some(("own-key-quotes", "aB"))),
            ("\"a\\x\"", Some(("own-key-quotes", "a\\x"))),
            ("'a\\u0042'", Some(("own-key-quotes", "a\\u0042"))),
            ("„k“", Some(("own-key-quotes", "k"))),
            ("(k)", Some(("own-key-brackets", "k"))),
            ("(k>", None),
            ("k // c # d", Some(("own-key-comment", "k"))),
            ("k\t# c", Some(("own-key-comment", "k"))),
            ("a=k", Some(("own-key-name", "k"))),
            ("a => k", Some(("own-key-name", " k"))),
            ("set a k", Some(("own-key-name", "k"))),
            ("=k", None),
            ("_=k", None),
            ("a=", None),
            ("a+k", None),
            ("k'", Some(("own-key-quotes", "k"))),
            ("k", None),
        ] {
            let found = peel(text);
            assert_eq!(found.as_ref().map(|(code, inner)| (*code, &**inner)), expected, "{text:?}");
        }
        let name = |length: usize| format!("{}=k", "n".repeat(length));
        assert!(peel(&name(80)).is_some() && peel(&name(81)).is_none());
    }

    #[test]
    fn only_the_last_cover_leaves_a_bare_key() {
        let found = |given: &str| -> Vec<(String, bool)> {
            let text = |one: &Cleaned| String::from_utf8(one.key.expose().to_vec()).unwrap();
            let all = cleaned(&Key::try_new(given.as_bytes().to_vec()).unwrap());
            all.iter().map(|one| (text(one), one.is_bare)).collect()
        };
        let all = |keys: &[(&str, bool)]| -> Vec<(String, bool)> {
            keys.iter().map(|(key, is_bare)| ((*key).to_owned(), *is_bare)).collect()
        };
        assert_eq!(found(" 'k' "), all(&[("'k'", false), ("k", true)]));
        assert_eq!(found("a='k'"), all(&[("'k'", false), ("k", true)]));
        let lines = [("a=k\nk", false), ("k\nk", true), ("a=k", false), ("k", true)];
        assert_eq!(found("a=k\nk\n"), all(&lines));
        let long = |length: usize| format!("'{}'", "k".repeat(length - 2));
        assert_eq!((found(&long(MAX_KEY)).len(), found(&long(MAX_KEY + 1)).len()), (1, 0));
    }

    #[test]
    fn a_bare_key_is_left_alone() {
        for given in [KEY, "dGVzdCBrZXk", "a", "中文", "0f-1e_22"] {
            assert!(cleaned(&Key::try_new(given).unwrap()).is_empty(), "{given}");
        }
        assert!(cleaned(&Key::try_new(vec![0xff, 0x80]).unwrap()).is_empty());
    }

    #[test]
    fn hostile_keys_have_few_readings() {
        for unit in ["\"", "a=", "=", " ", "\n", "{", "x\n", "'a'=", "\\n", "\0", "中;"] {
            let key = Key::try_new(unit.repeat(1000).into_bytes()).unwrap();
            assert!(cleaned(&key).len() <= (MAX_LINES + 1) * (MAX_STEPS + 1), "{unit:?}");
        }
    }
}
