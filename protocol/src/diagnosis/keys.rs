//! Deviations in the bytes of the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::Deviation;
use super::Dimension::Key;

/// A deviation in the bytes of the key.
pub(super) struct KeyRule {
    pub(super) deviation: Deviation,
    pub(super) key: Vec<u8>,
}

type Change = fn(&[u8]) -> Option<Vec<u8>>;

fn with(before: &[u8], key: &[u8], after: &[u8]) -> Option<Vec<u8>> {
    Some([before, key, after].concat())
}

const EXACT: &str = "the key's bytes exactly as the platform shows them";
const TRIM: &str = "trim what surrounds the key where it is read, and change nothing else";
const AS_IS: &str = "use the key's own text: do not hash, encode, decode or re-case it";
const SETTING: &str = "stop with an error where the key's setting is missing";

/// A change to the key: its name, what the code does, where it comes from, the fix, and the bytes.
type KeyRow = (&'static str, &'static str, &'static str, &'static str, Change);

const KEY_ROWS: [KeyRow; 24] = [
    (
        "key-newline",
        "uses a key that ends with a newline",
        "a key file read without trim(), echo without -n",
        TRIM,
        |k| with(b"", k, b"\n"),
    ),
    (
        "key-crlf",
        "uses a key that ends with a Windows newline",
        "a key file with CRLF read without trim()",
        TRIM,
        |k| with(b"", k, b"\r\n"),
    ),
    ("key-trailing-space", "uses a key that ends with a space", "a copied key", TRIM, |k| {
        with(b"", k, b" ")
    }),
    (
        "key-leading-space",
        "uses a key that begins with a space",
        "a copied key, a setting such as KEY= value",
        TRIM,
        |k| with(b" ", k, b""),
    ),
    ("key-spaces", "uses a key with a space at both ends", "a copied key", TRIM, |k| {
        with(b" ", k, b" ")
    }),
    ("key-tab", "uses a key that ends with a tab", "a key copied from a table", TRIM, |k| {
        with(b"", k, b"\t")
    }),
    (
        "key-leading-newline",
        "uses a key that begins with a newline",
        "a multi-line setting",
        TRIM,
        |k| with(b"\n", k, b""),
    ),
    (
        "key-carriage-return",
        "uses a key that ends with a carriage return",
        "a CRLF file whose newline alone was dropped",
        TRIM,
        |k| with(b"", k, b"\r"),
    ),
    (
        "key-double-quotes",
        "uses the key with double quotes around it",
        "an .env file or YAML read by hand",
        TRIM,
        |k| with(b"\"", k, b"\""),
    ),
    (
        "key-single-quotes",
        "uses the key with single quotes around it",
        "an .env file or YAML read by hand",
        TRIM,
        |k| with(b"'", k, b"'"),
    ),
    (
        "key-bom",
        "uses a key that begins with a byte order mark",
        "a key file saved by a Windows editor",
        TRIM,
        |k| with(b"\xef\xbb\xbf", k, b""),
    ),
    (
        "key-nul",
        "uses a key that ends with a NUL byte",
        "a C string with its terminator",
        TRIM,
        |k| with(b"", k, b"\0"),
    ),
    (
        "key-trimmed",
        "trims a key that begins or ends with white space",
        "trim() over a key whose white space belongs to it",
        AS_IS,
        |k| Some(k.trim_ascii().to_vec()),
    ),
    ("key-md5", "uses the MD5 of the key as the key", "a key that is stored hashed", AS_IS, |k| {
        Some(hex::encode(Md5::digest(k)).into_bytes())
    }),
    (
        "key-md5-upper",
        "uses the upper-case MD5 of the key as the key",
        "a key that is stored hashed",
        AS_IS,
        |k| Some(hex::encode_upper(Md5::digest(k)).into_bytes()),
    ),
    (
        "key-lower-case",
        "uses the key in lower case",
        "a case-folding setting or column",
        AS_IS,
        |k| Some(k.to_ascii_lowercase()),
    ),
    (
        "key-upper-case",
        "uses the key in upper case",
        "a case-folding setting or column",
        AS_IS,
        |k| Some(k.to_ascii_uppercase()),
    ),
    (
        "key-base64",
        "uses the key encoded in base64",
        "a secret store's encoding (Kubernetes)",
        AS_IS,
        |k| Some(STANDARD.encode(k).into_bytes()),
    ),
    (
        "key-base64-decoded",
        "decodes the key from base64",
        "a helper that expects base64 keys",
        AS_IS,
        |k| STANDARD.decode(k).ok(),
    ),
    (
        "key-hex-decoded",
        "decodes the key from hexadecimal",
        "a helper that expects binary keys",
        AS_IS,
        |k| hex::decode(k).ok(),
    ),
    ("key-hex", "uses the key written in hexadecimal", "bin2hex() over the key", AS_IS, |k| {
        Some(hex::encode(k).into_bytes())
    }),
    (
        "key-undefined",
        "uses the word undefined as the key",
        "a JavaScript setting that is not set",
        SETTING,
        |_| Some(b"undefined".to_vec()),
    ),
    (
        "key-null",
        "uses the word null as the key",
        "a Java setting that is not set, in string + key",
        SETTING,
        |_| Some(b"null".to_vec()),
    ),
    (
        "key-none",
        "uses the word None as the key",
        "a Python setting that is not set, in an f-string",
        SETTING,
        |_| Some(b"None".to_vec()),
    ),
];

pub(super) fn all() -> Vec<Deviation> {
    let rows = KEY_ROWS.into_iter();
    rows.map(|(code, does, cause, fix, _)| Deviation::new(Key, code, does, EXACT, cause, fix))
        .chain([other_key("another file or setting")])
        .collect()
}

pub(super) fn key_rules(key: &[u8]) -> Vec<KeyRule> {
    let mut rules: Vec<KeyRule> = Vec::new();
    for (code, does, cause, fix, change) in KEY_ROWS {
        let changed = change(key).filter(|changed| changed != key && !changed.is_empty());
        if let Some(changed) = changed
            && rules.iter().all(|known| known.key != changed)
        {
            let deviation = Deviation::new(Key, code, does, EXACT, cause, fix);
            rules.push(KeyRule { deviation, key: changed });
        }
    }
    rules
}

pub(super) fn other_key(name: &str) -> Deviation {
    let mut deviation = Deviation::new(
        Key,
        "other-key",
        "",
        "the key of this merchant and this environment",
        "a test key in production, an old key after a rotation, another merchant's key",
        "configure the right key",
    );
    deviation.does = format!("signs with the key from {name}").into();
    deviation
}
