//! What people have in place of a payload: a whole request, a command, a line of a log, an encoded
//! text. Where the payload in it is not ambiguous it is read; else the message names what it is.

mod curl;
mod guess;
mod http;
mod inside;
mod text;

use base64::Engine;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::GeneralPurpose;
use base64::{alphabet, engine::DecodePaddingMode};
use protocol::internal::diagnosis::from_gbk;
use protocol::internal::form;

pub use guess::guess;

use crate::net::client::unzip;
use protocol::MAX_BYTES;

/// How deep a payload is looked for: a gzip of a request whose body holds it in an object.
const MAX_LAYERS: usize = 5;

/// A payload that was found, and in words from where.
pub struct Unwrapped {
    pub bytes: Vec<u8>,
    pub from: String,
}

type Layer = (Vec<u8>, String);

/// The payload with a signature in this field that is in something else; `None` where the bytes are
/// one themselves, or hold none.
pub fn unwrapped(bytes: &[u8], sign_field: &str) -> Option<Unwrapped> {
    let is_signed = |bytes: &[u8]| is_signed(bytes, sign_field);
    if is_signed(bytes) {
        return None;
    }
    let (mut inner, mut from) = layer(bytes, &is_signed)?;
    for _ in 1..MAX_LAYERS {
        if is_signed(&inner) {
            break;
        }
        let (next, what) = layer(&inner, &is_signed)?;
        (inner, from) = (next, format!("{what} in {from}"));
    }
    is_signed(&inner).then_some(Unwrapped { bytes: inner, from })
}

fn is_signed(bytes: &[u8], sign_field: &str) -> bool {
    form::read(bytes, form::detect(bytes)).is_ok_and(|payload| payload.get(sign_field).is_some())
}

fn layer(bytes: &[u8], is_signed: &dyn Fn(&[u8]) -> bool) -> Option<Layer> {
    let named = |(inner, what): (Vec<u8>, &str)| (inner, what.to_owned());
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let text = unzip(bytes).ok().filter(|text| text.len() <= MAX_BYTES)?;
        return Some(named((text, "gzip")));
    }
    if let Some(text) = utf16(bytes) {
        return Some(named((text.into_bytes(), "UTF-16")));
    }
    if let Some(body) = http::body(bytes) {
        return Some(named((body, "an HTTP request")));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return from_gbk(bytes).map(|text| named((text.into_bytes(), "GBK")));
    };
    let text = text.trim();
    // What curl does not send as it is written is not looked for in the command either.
    if let Some(command) = curl::command(text) {
        return curl::data(command).map(|data| named((data, "a curl command")));
    }
    log_line(text)
        .map(|query| (query, "a line of an access log"))
        .or_else(|| json_string(text).map(|inner| (inner, "a JSON string")))
        .or_else(|| base64_text(text).map(|inner| (inner, "base64")))
        .or_else(|| text::gbk_pairs(text).map(|pairs| (pairs.into_bytes(), "GBK")))
        .map(named)
        .or_else(|| inside::only_payload(text, is_signed))
        .or_else(|| text::unescaped(text).map(|inner| named((inner, "text with escapes"))))
        .or_else(|| {
            let straight = text::with_straight_quotes(text)?;
            Some(named((straight.into_bytes(), "text whose quotation marks were replaced")))
        })
}

/// Text in UTF-16, with a byte order mark or with an ASCII character at its beginning.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (text, read): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, text @ ..] => (text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => (text, u16::from_be_bytes),
        [b' '..=b'~', 0, ..] => (bytes, u16::from_le_bytes),
        [0, b' '..=b'~', ..] => (bytes, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, []) = text.as_chunks() else { return None };
    String::from_utf16(&pairs.iter().copied().map(read).collect::<Vec<_>>()).ok()
}

/// The query of a request line in quotation marks, as access logs have it.
fn log_line(text: &str) -> Option<Vec<u8>> {
    if text.contains('\n') {
        return None;
    }
    text.split('"').find_map(http::request_target).and_then(http::query)
}

fn json_string(text: &str) -> Option<Vec<u8>> {
    let inner: String = serde_json::from_str(text).ok()?;
    Some(inner.into_bytes())
}

/// Base64 in either alphabet, with or without padding, also in a `data:` URL.
fn base64_text(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let digits = match text.split_once(";base64,") {
        Some((start, digits)) if start.starts_with("data:") => digits,
        _ => text,
    };
    let digits: String = digits.split_ascii_whitespace().collect();
    let digits = digits.replace('-', "+").replace('_', "/");
    ENGINE.decode(digits).ok().filter(|inner| !inner.is_empty())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const BODY: &str = r#"{"payout_id":"P1","note":"a\"b'","sign":"00"}"#;

    fn from(text: impl AsRef<[u8]>) -> Option<(String, String)> {
        let found = unwrapped(text.as_ref(), "sign")?;
        Some((String::from_utf8(found.bytes).unwrap(), found.from))
    }

    #[test]
    fn a_payload_is_found_in_what_holds_it() {
        let plain = r#"{"a":1,"sign":"00"}"#;
        let wide: Vec<u8> = BODY.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let wide = [&[0xff, 0xfe][..], &wide].concat();
        let quoted = serde_json::to_string(BODY).unwrap();
        for (text, body, says) in [
            (
                format!("POST /n HTTP/1.1\r\nHost: x\r\n\r\n{BODY}").into_bytes(),
                BODY,
                "an HTTP request",
            ),
            (
                format!("POST /n HTTP/1.1\nHost: x\n\n{BODY}\n").into_bytes(),
                BODY,
                "an HTTP request",
            ),
            (
                b"GET /n?a=1&sign=00 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
                "a=1&sign=00",
                "an HTTP request",
            ),
            (
                format!("curl -X POST https://x/n \\\n -d '{plain}'").into_bytes(),
                plain,
                "a curl command",
            ),
            (format!("curl --data-raw='{plain}' x").into_bytes(), plain, "a curl command"),
            (format!("curl -d'{plain}' x").into_bytes(), plain, "a curl command"),
            (
                format!("curl x -d \"{}\"", plain.replace('"', "\\\"")).into_bytes(),
                plain,
                "a curl command",
            ),
            (b"curl 'https://x/n?a=1&sign=00'".to_vec(), "a=1&sign=00", "a curl command"),
            (
                b"::1 - - [30/Nov/2026:13:00:00] \"GET /n?a=1&sign=00 HTTP/1.1\" 200 2 \"-\""
                    .to_vec(),
                "a=1&sign=00",
                "a line of an access log",
            ),
            (quoted.clone().into_bytes(), BODY, "a JSON string"),
            (
                serde_json::to_string(&quoted).unwrap().into_bytes(),
                BODY,
                "a JSON string in a JSON string",
            ),
            (STANDARD.encode(BODY).into_bytes(), BODY, "base64"),
            (wide, BODY, "UTF-16"),
            (format!("{{\"code\":0,\"data\":{BODY}}}").into_bytes(), BODY, "the object data"),
            (
                format!("POST /n HTTP/1.1\r\n\r\n{{\"data\":{BODY}}}").into_bytes(),
                BODY,
                "the object data in an HTTP request",
            ),
        ] {
            assert_eq!(from(&text), Some((body.to_owned(), says.to_owned())), "{says}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_no_payload_is_not_read() {
        let two = format!("{{\"a\":{BODY},\"b\":{BODY}}}");
        let both = format!("{{\"a\":{BODY},\"sign\":\"11\"}}");
        let file = "curl x -d @body.json".to_owned();
        let shell = r#"curl x -d "{\"a\":\"\u00e9\",\"sign\":\"00\"}""#.to_owned();
        let variable = r#"curl x -d "{\"a\":\"$A\",\"sign\":\"00\"}""#.to_owned();
        for text in
            [two, both, file, shell, variable, BODY.to_owned(), "{}".to_owned(), String::new()]
        {
            assert_eq!(from(&text), None, "{text}");
        }
    }
}
