//! Texts that are in the place of the key: printed objects, placeholders, other variables.

mod tables;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Deviation;
use super::deviations::{of_payload, that_does};
use super::entry::Entry;
use super::keys::{Description, KeyRule};
use tables::{NAMES, PRINTED, TEMPLATES, WORDS};

/// The texts that somebody may have taken for this key, all but the key itself.
pub(super) fn key_texts(key: &[u8], entries: &[Entry]) -> Vec<KeyRule> {
    let mut rules: Vec<KeyRule> = Vec::new();
    for (template, cause) in PRINTED {
        let shown = template.replace("{K}", "[key]");
        let description = Description::Text("key-printed", Some(shown), cause);
        rules.push(KeyRule { description, key: replaced(template, key) });
    }
    let mut word = |code, text: String, cause| {
        let description = Description::Text(code, None, cause);
        rules.push(KeyRule { description, key: text.into_bytes() });
    };
    for (text, cause) in WORDS {
        word("key-word", text.to_owned(), cause);
    }
    for (template, cause) in TEMPLATES.into_iter().take(USUAL_TEMPLATES) {
        let (before, after) = template.split_once("{N}").unwrap_or((template, ""));
        for name in NAMES.split(' ') {
            word("key-placeholder", [before, name, after].concat(), cause);
        }
    }
    rules.extend(objects(key));
    rules.extend(json_objects(key));
    for entry in entries {
        let [name, text] = [&entry.name, &entry.text].map(|text| of_payload(text));
        let cause = "a loop or an assignment overwrote the key's variable: foreach ($a as $key => $v), for key in data";
        let mut push = |does: String, text: &str| {
            let deviation = Deviation { cause: cause.into(), ..that_does("key-field", does) };
            let description = Description::Known(deviation);
            rules.push(KeyRule { description, key: text.as_bytes().to_vec() });
        };
        push(format!("uses {name}, the name of a field, as the key"), &entry.name);
        push(
            format!("uses {name}={text}, a pair, as the key"),
            &format!("{}={}", entry.name, entry.text),
        );
        push(format!("uses the value of {name} as the key"), &entry.text);
    }
    rules.extend(numbers(key));
    rules.extend(encoded(key));
    rules.extend(parts(key));
    rules.extend(masked(key));
    rules.retain(|rule| rule.key != key && !rule.key.is_empty());
    rules
}

fn shown_as(
    code: &'static str,
    shown: &str,
    cause: &'static str,
    key: impl Into<Vec<u8>>,
) -> KeyRule {
    let description = Description::Text(code, Some(shown.to_owned()), cause);
    KeyRule { description, key: key.into() }
}

/// Classes that hold a key, and the field in which they hold it.
const CLASSES: &str = "Config Settings Secret Credentials Key ApiKey Merchant AppConfig PayConfig";
const CLASS_FIELDS: &str = "key secret value apiKey secretKey api_key secret_key appSecret";

/// A secret's JSON with one field, as it is stored.
fn json_objects(key: &[u8]) -> Vec<KeyRule> {
    let mut rules = Vec::new();
    let names = NAMES.split(' ').chain(CLASS_FIELDS.split(' '));
    for name in names {
        for (open, is, end) in [
            ("{\"", "\":\"", "\"}"),
            ("{\"", "\": \"", "\"}"),
            ("{\n  \"", "\": \"", "\"\n}"),
            ("{\n    \"", "\": \"", "\"\n}"),
        ] {
            let before = [open, name, is].concat();
            let text = [before.as_bytes(), key, end.as_bytes()].concat();
            let shown = format!("a JSON object with {name}");
            let cause = "a JSON secret (AWS Secrets Manager, a credentials file) used whole";
            rules.push(shown_as("key-printed", &shown, cause, text));
        }
    }
    rules
}

/// The words of a setting's name: the first and the second.
const OWNERS: &str = "payout payment pay platform merchant mch notify webhook callback app api \
    gateway hmac md5 sign signing signature private shared client access partner vault secret";
const KINDS: &str = "key secret secret_key token password";

/// How many templates, the first of the table, are tried in every search.
const USUAL_TEMPLATES: usize = 26;

/// Further templates and names: in the long part of a search.
pub(super) fn rare_placeholders() -> Vec<KeyRule> {
    let mut rules = Vec::new();
    let mut push = |template: &str, name: &str, cause| {
        let key = template.replacen("{N}", name, 1).into_bytes();
        rules.push(KeyRule { description: Description::Text("key-placeholder", None, cause), key });
    };
    for (template, cause) in &TEMPLATES[USUAL_TEMPLATES..] {
        NAMES.split(' ').for_each(|name| push(template, name, cause));
    }
    for owner in OWNERS.split_whitespace() {
        for kind in KINDS.split(' ') {
            let snake = format!("{owner}_{kind}");
            let camel: String = snake
                .split('_')
                .enumerate()
                .map(|(at, word)| if at == 0 { word.to_owned() } else { capital(word) })
                .collect();
            let names = [
                snake.to_uppercase(),
                snake.replace('_', "-"),
                snake.replace('_', "."),
                capital(&camel),
                camel,
                snake,
            ];
            for name in names.iter().filter(|name| !NAMES.split(' ').any(|known| known == *name)) {
                for (template, cause) in &TEMPLATES[..USUAL_TEMPLATES] {
                    push(template, name, cause);
                }
            }
        }
    }
    rules
}

/// Objects with one field, printed; and a Java key, whose hash code depends on its bytes alone.
fn objects(key: &[u8]) -> Vec<KeyRule> {
    const FORMS: [(&str, &str, &str, &str); 6] = [
        ("", "(", "=", ")"),
        ("", "[", "=", "]"),
        ("", " { ", ": \"", "\" }"),
        ("", "(", "='", "')"),
        ("#<struct ", " ", "=\"", "\">"),
        ("#<data ", " ", "=\"", "\">"),
    ];
    let mut rules = Vec::new();
    for class in CLASSES.split(' ') {
        for field in CLASS_FIELDS.split(' ') {
            for (start, open, is, end) in FORMS {
                let before = [start, class, open, field, is].concat();
                let cause = "an object that holds the key, printed: a Kotlin or Scala class, a Java record, Rust {:?}, a Python dataclass, a Ruby Struct";
                let text = [before.as_bytes(), key, end.as_bytes()].concat();
                rules.push(shown_as("key-printed", &format!("{before}[key]{end}"), cause, text));
            }
        }
    }
    for algorithm in ["HmacSHA256", "HmacMD5", "HmacSHA1", "HmacSHA512", "AES", "MD5", "SHA-256"] {
        let text = format!("javax.crypto.spec.SecretKeySpec@{:x}", java_key_hash(key, algorithm));
        let cause = "Java: a SecretKeySpec in string + value; the key's own text is missing";
        rules.push(shown_as("key-printed", &text, cause, text.as_bytes()));
    }
    rules
}

/// `SecretKeySpec.hashCode()`.
fn java_key_hash(key: &[u8], algorithm: &str) -> u32 {
    let bytes = key.iter().zip(0_u32..).fold(0_u32, |sum, (byte, at)| {
        let byte = u32::from_ne_bytes(i32::from(byte.cast_signed()).to_ne_bytes());
        sum.wrapping_add(byte.wrapping_mul(at))
    });
    let name = algorithm.to_ascii_lowercase();
    bytes ^ name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
}

fn replaced(template: &str, key: &[u8]) -> Vec<u8> {
    let (before, after) = template.split_once("{K}").unwrap_or((template, ""));
    [before.as_bytes(), key, after.as_bytes()].concat()
}

/// The key's bytes as a list of numbers.
fn numbers(key: &[u8]) -> Vec<KeyRule> {
    let list = |separator: &str| key.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let hex =
        |between: &str| key.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(between);
    let length = key.len();
    [
        (format!("[{}]", list(" ")), "Go fmt.Sprint() of a []byte; string() is missing"),
        (format!("[{}]", list(", ")), "Java Arrays.toString(), Rust {:?} of bytes"),
        (list(","), "JavaScript String() of a Uint8Array"),
        (list(", "), "a list of bytes, joined"),
        (list(" "), "a list of bytes, joined"),
        (list(""), "bytes appended to a StringBuilder as numbers"),
        (
            format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", list(",")),
            "JavaScript JSON.stringify() of a Buffer; toString() is missing",
        ),
        (format!("<<{}>>", list(", ")), "Elixir or Erlang: a binary, printed"),
        (format!("<Buffer {}>", hex(" ")), "JavaScript util.inspect() of a Buffer"),
        (hex("-").to_uppercase(), ".NET BitConverter.ToString(); Encoding.GetString() is missing"),
        (format!("{length} bytes"), "Swift: a Data value, printed"),
        (format!("System.Memory<Byte>[{length}]"), ".NET: ToString() of a Memory<byte>"),
        (format!("System.ReadOnlyMemory<Byte>[{length}]"), ".NET: ToString() of a Memory<byte>"),
        (format!("System.Span<Byte>[{length}]"), ".NET: ToString() of a Span<byte>"),
        (format!("System.ReadOnlySpan<Byte>[{length}]"), ".NET: ToString() of a Span<byte>"),
    ]
    .into_iter()
    .map(|(text, cause)| shown_as("key-printed", "the key's bytes as numbers", cause, text))
    .chain(letters(key))
    .collect()
}

/// The key's letters as a list.
fn letters(key: &[u8]) -> Vec<KeyRule> {
    let text = String::from_utf8_lossy(key);
    let list = |between: &str| text.chars().map(String::from).collect::<Vec<_>>().join(between);
    [
        (
            format!("[{}]", list(", ")),
            "Java Arrays.toString() of a char[]; new String() is missing",
        ),
        (
            format!("['{}']", list("', '")),
            "Python list(), Rust {:?} of chars; ''.join() is missing",
        ),
        (format!("[\"{}\"]", list("\",\"")), "JavaScript JSON of [...key]"),
        (list(","), "JavaScript String() of [...key], split('')"),
        (list(" "), "a key whose letters were spaced"),
    ]
    .into_iter()
    .map(|(text, cause)| shown_as("key-printed", "the key's letters as a list", cause, text))
    .collect()
}

fn encoded(key: &[u8]) -> Vec<KeyRule> {
    let text = String::from_utf8_lossy(key);
    let padded = |length: usize| {
        let mut bytes = key.to_vec();
        bytes.resize(length.max(key.len()), 0);
        bytes
    };
    let reversed: Vec<u8> = key.iter().rev().copied().collect();
    [
        (
            "the key in base64 without its padding",
            STANDARD_NO_PAD.encode(key).into_bytes(),
            "rtrim(base64_encode(…), '='), Base64.getEncoder().withoutPadding()",
        ),
        (
            "the key in URL-safe base64",
            URL_SAFE.encode(key).into_bytes(),
            "base64.urlsafe_b64encode()",
        ),
        (
            "the key in URL-safe base64 without its padding",
            URL_SAFE_NO_PAD.encode(key).into_bytes(),
            "base64url: a JWT library's encoding",
        ),
        (
            "the URL-encoded key",
            super::encodings::form_php(&text).into_bytes(),
            "urlencode() over the key",
        ),
        (
            "the URL-decoded key",
            super::encodings::form_decoded(&text).into_bytes(),
            "a key taken from a URL or form",
        ),
        (
            "the HTML-escaped key",
            super::encodings::html_escaped(&text).into_bytes(),
            "htmlspecialchars() over a settings page",
        ),
        (
            "the key with its backslashes doubled",
            super::encodings::slashes_added(&text).into_bytes(),
            "addslashes() over a settings page",
        ),
        (
            "the SHA-256 of the key",
            super::hashing::Kind::Sha256.hex(key),
            "a key that is stored hashed",
        ),
        (
            "the SHA-1 of the key",
            super::hashing::Kind::Sha1.hex(key),
            "a key that is stored hashed",
        ),
        ("the key twice", [key, key].concat(), "a key that is appended to itself"),
        ("the key in reverse", reversed, "strrev() over the key"),
        (
            "the key with a capital at its start",
            capital(&text).into_bytes(),
            "ucfirst() or a keyboard's automatic capital",
        ),
        ("the key padded to 16 bytes", padded(16), "a key padded for a cipher"),
        ("the key padded to 24 bytes", padded(24), "a key padded for a cipher"),
        ("the key padded to 32 bytes", padded(32), "a key padded for a cipher"),
        (
            "the key without its inner spaces",
            text.replace(' ', "").into_bytes(),
            "str_replace(' ', '') over the key",
        ),
    ]
    .into_iter()
    .map(|(shown, key, cause)| shown_as("key-encoded", shown, cause, key))
    .chain(stored(key))
    .collect()
}

/// The key as stores and settings hold it.
fn stored(key: &[u8]) -> Vec<KeyRule> {
    [
        (
            "the key with a newline in base64",
            STANDARD.encode([key, b"\n"].concat()).into_bytes(),
            "echo key | base64 (echo without -n): a Kubernetes secret",
        ),
        (
            "the key in base64 with a newline",
            [STANDARD.encode(key).as_bytes(), b"\n"].concat(),
            "a file that the base64 command wrote",
        ),
        (
            "the key's base64 in lower case",
            STANDARD.encode(key).to_ascii_lowercase().into_bytes(),
            "a store or a header that does not keep the case",
        ),
        (
            "the key's base64 in upper case",
            STANDARD.encode(key).to_ascii_uppercase().into_bytes(),
            "a store or a header that does not keep the case",
        ),
        (
            "the key in base64 twice",
            STANDARD.encode(STANDARD.encode(key)).into_bytes(),
            "a Kubernetes secret whose data was encoded already",
        ),
        (
            "base64: and the key in base64",
            ["base64:", &STANDARD.encode(key)].concat().into_bytes(),
            "Laravel's notation for APP_KEY",
        ),
        (
            "vault:v1: and the key in base64",
            ["vault:v1:", &STANDARD.encode(key)].concat().into_bytes(),
            "a Vault transit text that was not decrypted",
        ),
        (
            "the key in upper-case hexadecimal digits",
            hex::encode_upper(key).into_bytes(),
            "bin2hex() and strtoupper(), Convert.ToHexString()",
        ),
        (
            "the MD5 of the key with a newline",
            super::hashing::Kind::Md5.hex(&[key, b"\n"].concat()),
            "echo key | md5sum (echo without -n)",
        ),
    ]
    .into_iter()
    .map(|(shown, key, cause)| shown_as("key-encoded", shown, cause, key))
    .collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The key as logs and settings pages show it: a few letters at its ends, and stars.
fn masked(key: &[u8]) -> Vec<KeyRule> {
    let mut rules = Vec::new();
    for (first, last) in (0..=4).flat_map(|first| (0..=4).map(move |last| (first, last))) {
        let Some(hidden) = key.len().checked_sub(first + last).filter(|hidden| *hidden > 0) else {
            continue;
        };
        for (mark, count) in [("*", 3), ("*", 4), ("*", 6), ("*", 8), ("*", hidden), (".", 3)] {
            let middle = mark.repeat(count);
            let text = [&key[..first], middle.as_bytes(), &key[key.len() - last..]];
            let cause =
                "a masked secret: a settings page, a log, an API that does not show the key";
            let shown = "the key with its middle masked";
            rules.push(shown_as("key-word", shown, cause, text.concat()));
        }
    }
    rules
}

/// The longest key whose parts are tried.
const MAX_PARTS: usize = 256;

fn parts(key: &[u8]) -> Vec<KeyRule> {
    let mut rules = Vec::new();
    let length = key.len().min(MAX_PARTS);
    for count in 1..length {
        let cause = match count {
            8 => "substr($key, 0, 8), a DES key or a column of 8 characters",
            16 | 24 | 32 => "a key cut to a cipher's size, or a column of this width",
            _ => {
                "a column or an input field of this width, a special character where reading ended, an incomplete copy"
            }
        };
        let mut part = |does: String, part: &[u8]| {
            let deviation = Deviation { cause: cause.into(), ..that_does("key-part", does) };
            let description = Description::Known(deviation);
            rules.push(KeyRule { description, key: part.to_vec() });
        };
        let noun = if count == 1 { "byte" } else { "bytes" };
        part(format!("uses only the first {count} {noun} of the key"), &key[..count]);
        part(format!("uses only the last {count} {noun} of the key"), &key[key.len() - count..]);
    }
    rules
}
