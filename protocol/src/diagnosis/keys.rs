//! Deviations in the bytes of the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::Deviation;
use super::deviations::{deviation, that_does};
use crate::untrusted::Untrusted;

pub(super) struct KeyRule {
    pub(super) description: Description,
    pub(super) key: Vec<u8>,
}

/// What is said of a key. There are thousands of texts that may stand for one: only what fits is
/// described in full.
pub(super) enum Description {
    Known(Deviation),
    /// A code, the text as it may be shown, or none for the key itself, and where it comes from.
    Text(&'static str, Option<String>, &'static str),
}

impl KeyRule {
    pub(super) fn deviation(&self) -> Deviation {
        match &self.description {
            Description::Known(deviation) => deviation.clone(),
            Description::Text(code, shown, cause) => {
                let key = || String::from_utf8_lossy(&self.key).into_owned();
                let does = format!("uses {} as the key", shown.clone().unwrap_or_else(key));
                Deviation { cause: (*cause).into(), ..that_does(code, does) }
            }
        }
    }
}

/// The changed key; `None` where the change cannot be made.
type KeyChange = fn(&[u8]) -> Option<Vec<u8>>;

fn with(before: &[u8], key: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    Some([before, key, after].concat())
}

pub(super) const KEY_ROWS: [(&str, KeyChange); 24] = [
    ("key-newline", |k| with(b"", k, b"\n")),
    ("key-crlf", |k| with(b"", k, b"\r\n")),
    ("key-trailing-space", |k| with(b"", k, b" ")),
    ("key-leading-space", |k| with(b" ", k, b"")),
    ("key-spaces", |k| with(b" ", k, b" ")),
    ("key-tab", |k| with(b"", k, b"\t")),
    ("key-leading-newline", |k| with(b"\n", k, b"")),
    ("key-carriage-return", |k| with(b"", k, b"\r")),
    ("key-double-quotes", |k| with(b"\"", k, b"\"")),
    ("key-single-quotes", |k| with(b"'", k, b"'")),
    ("key-bom", |k| with(b"\xef\xbb\xbf", k, b"")),
    ("key-nul", |k| with(b"", k, b"\0")),
    ("key-trimmed", |k| Some(k.trim_ascii().to_vec())),
    ("key-md5", |k| Some(hex::encode(Md5::digest(k)).into_bytes())),
    ("key-md5-upper", |k| Some(hex::encode_upper(Md5::digest(k)).into_bytes())),
    ("key-lower-case", |k| Some(k.to_ascii_lowercase())),
    ("key-upper-case", |k| Some(k.to_ascii_uppercase())),
    ("key-base64", |k| Some(STANDARD.encode(k).into_bytes())),
    ("key-base64-decoded", |k| STANDARD.decode(k).ok()),
    ("key-hex-decoded", |k| hex::decode(k).ok()),
    ("key-hex", |k| Some(hex::encode(k).into_bytes())),
    ("key-undefined", |_| Some(b"undefined".to_vec())),
    ("key-null", |_| Some(b"null".to_vec())),
    ("key-none", |_| Some(b"None".to_vec())),
];

pub(super) fn key_rules(key: &[u8]) -> Vec<KeyRule> {
    let mut rules: Vec<KeyRule> = Vec::new();
    for (code, change) in KEY_ROWS {
        let changed = change(key).filter(|changed| changed != key && !changed.is_empty());
        if let Some(changed) = changed
            && rules.iter().all(|known| known.key != changed)
        {
            rules.push(KeyRule { description: Description::Known(deviation(code)), key: changed });
        }
    }
    rules
}

pub(super) fn other_key(name: &str) -> Deviation {
    that_does("other-key", format!("signs with the key from {}", Untrusted::new(name)))
}
