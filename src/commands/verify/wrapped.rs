//! What people have in place of a payload: a whole request, a command, a line of a log, an encoded
//! text. Where the payload in it is not ambiguous it is read; else the message names what it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::internal::form;
use protocol::{MAX_BYTES, Payload, Value};

use crate::check::command::split;
use crate::mask::Untrusted;
use crate::net::client::unzip;

/// How deep a payload is looked for: a gzip of a request whose body holds it in an object.
const MAX_LAYERS: usize = 4;

/// A payload that was found, and in words from where.
pub struct Unwrapped {
    pub bytes: Vec<u8>,
    pub from: String,
}

type Layer = (Vec<u8>, String);

/// The payload with a signature in this field that is in something else; `None` where the bytes are
/// one themselves, or hold none.
pub fn unwrapped(bytes: &[u8], sign_field: &str) -> Option<Unwrapped> {
    if is_signed(bytes, sign_field) {
        return None;
    }
    let (mut inner, mut from) = layer(bytes, sign_field)?;
    for _ in 1..MAX_LAYERS {
        if is_signed(&inner, sign_field) {
            return Some(Unwrapped { bytes: inner, from });
        }
        let (next, what) = layer(&inner, sign_field)?;
        (inner, from) = (next, format!("{what} in {from}"));
    }
    is_signed(&inner, sign_field).then_some(Unwrapped { bytes: inner, from })
}

fn is_signed(bytes: &[u8], sign_field: &str) -> bool {
    form::read(bytes, form::detect(bytes)).is_ok_and(|payload| payload.get(sign_field).is_some())
}

fn layer(bytes: &[u8], sign_field: &str) -> Option<Layer> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let text = unzip(bytes).ok().filter(|text| text.len() <= MAX_BYTES)?;
        return Some((text, "gzip".to_owned()));
    }
    if let Some(text) = utf16(bytes) {
        return Some((text.into_bytes(), "UTF-16".to_owned()));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    http_request(text)
        .map(|body| (body, "an HTTP request"))
        .or_else(|| curl(text).map(|data| (data, "a curl command")))
        .or_else(|| log_line(text).map(|query| (query, "a line of an access log")))
        .or_else(|| json_string(text).map(|inner| (inner, "a JSON string")))
        .or_else(|| base64_text(text).map(|inner| (inner, "base64")))
        .map(|(inner, what)| (inner, what.to_owned()))
        .or_else(|| object_inside(text, sign_field))
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, []) = bytes[2..].as_chunks() else { return None };
    String::from_utf16(&pairs.iter().copied().map(read).collect::<Vec<_>>()).ok()
}

/// The body, or the query where there is none.
fn http_request(text: &str) -> Option<Vec<u8>> {
    let target = request_target(text.lines().next()?)?;
    let body = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"));
    match body.map(|(_, body)| body.trim()).filter(|body| !body.is_empty()) {
        Some(body) => Some(body.as_bytes().to_vec()),
        None => query(target),
    }
}

/// The target of a request line.
fn request_target(line: &str) -> Option<&str> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_method && version.starts_with("HTTP/") && words.next().is_none()).then_some(target)
}

fn query(target: &str) -> Option<Vec<u8>> {
    target.split_once('?').map(|(_, query)| query.as_bytes().to_vec())
}

/// The data of a curl command, or the query of its URL. `None` where the shell would change the data.
fn curl(text: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix("curl ").or_else(|| text.strip_prefix("$ curl "))?;
    let rest = rest.replace("\\\r\n", " ").replace("\\\n", " ");
    let words = split(&rest).ok()?;
    let mut data: Vec<&str> = Vec::new();
    let mut at = words.iter();
    while let Some(word) = at.next() {
        let (name, joined) = match (word.strip_prefix("-d"), word.split_once('=')) {
            (Some(value), _) if !value.is_empty() => ("-d", Some(value)),
            (None, Some((name, value))) if name.starts_with("--") => (name, Some(value)),
            _ => (&**word, None),
        };
        if let "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" | "--json" = name {
            data.push(match joined {
                Some(value) => value,
                None => at.next()?,
            });
        }
    }
    // Elsewhere than within single quotes a shell replaces $ and `, and shells differ in what a
    // backslash does to anything but these two.
    let is_plain = !rest.replace("\\\\", "").replace("\\\"", "").contains(['\\', '$', '`']);
    let is_as_written = |data: &&str| rest.contains(&format!("'{data}'")) || is_plain;
    match &data[..] {
        [] => words.iter().find(|word| word.contains("://")).and_then(|url| query(url)),
        // With @ the data is in a file.
        [one] if !one.starts_with('@') && is_as_written(one) => Some(one.as_bytes().to_vec()),
        _ => None,
    }
}

/// The query of a request line in quotation marks, as access logs have it.
fn log_line(text: &str) -> Option<Vec<u8>> {
    if text.contains('\n') {
        return None;
    }
    text.split('"').find_map(request_target).and_then(query)
}

fn json_string(text: &str) -> Option<Vec<u8>> {
    let inner: String = serde_json::from_str(text).ok()?;
    Some(inner.into_bytes())
}

fn base64_text(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(digits).ok().filter(|inner| !inner.is_empty())
}

/// The one object among the fields that carries a signature, where nothing beside it does.
fn object_inside(text: &str, sign_field: &str) -> Option<Layer> {
    let outer = Payload::parse(text.as_bytes()).ok()?;
    let mut signed = outer.members().iter().filter_map(|member| match &member.value {
        Value::Object(json) if is_signed(json.as_bytes(), sign_field) => {
            let from = format!("the object {}", Untrusted::new(&member.name));
            Some((json.as_bytes().to_vec(), from))
        }
        _ => None,
    });
    signed.next().filter(|_| signed.next().is_none())
}

/// What bytes seem to be that are not a payload, and what to do.
pub fn guess(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const RAW: &str = "log the body of the request as it came: the signature is over that text, and a \
                       printed copy can differ";
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(("gzip that does not hold a signed payload", "unpack it: gunzip < FILE"));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let starts = |marks: &[&str]| marks.iter().any(|mark| text.starts_with(mark));
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    Some(if starts(&["["]) && is_json(text) {
        ("a JSON array", "give one payload; `jq -c '.[]'` writes one per line, for --lines")
    } else if text.lines().count() > 1 && text.lines().all(|line| is_json(line.trim())) {
        ("several payloads, one per line", "add --lines")
    } else if starts(&["{'", "{u'", "{b'"]) {
        ("a Python dict as print() shows it", RAW)
    } else if starts(&["Array\n(", "Array\r\n(", "array(", "array ("]) {
        ("a PHP array as print_r(), var_dump() or var_export() shows it", RAW)
    } else if starts(&["{\"", "{:"]) && text.contains("=>") {
        ("a Ruby hash as p shows it", RAW)
    } else if starts(&["a:", "O:"]) && text.ends_with('}') {
        ("PHP's serialize()", RAW)
    } else if text == "[object Object]" {
        ("a JavaScript object that was turned into text", "log JSON.stringify(value), or the body")
    } else if text.contains(['\u{201c}', '\u{201d}']) {
        (
            "text with curly quotation marks",
            "a word processor or chat replaced the straight ones; copy the body of the request again",
        )
    } else if text.split('"').any(|part| request_target(part).is_some())
        || text.lines().next().is_some_and(|line| request_target(line.trim()).is_some())
    {
        ("an HTTP request or a line of a log without a signed payload", RAW)
    } else if starts(&["curl "]) {
        (
            "a curl command whose data cannot be read as it is sent",
            "give the data itself: the text behind -d, or the file behind @",
        )
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
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
        let several = "curl x -d 'a=1' -d 'sign=00'".to_owned();
        for text in [
            two,
            both,
            file,
            shell,
            variable,
            several,
            BODY.to_owned(),
            "{}".to_owned(),
            String::new(),
        ] {
            assert_eq!(from(&text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (text, what) in [
            ("[{\"a\":1}]", "a JSON array"),
            ("{\"a\":1}\n{\"a\":2}\n", "several payloads"),
            ("{'a': 1}", "a Python dict"),
            ("Array\n(\n    [a] => 1\n)\n", "a PHP array"),
            ("array(1) {\n  [\"a\"]=>\n  int(1)\n}", "a PHP array"),
            ("{\"a\"=>1}", "a Ruby hash"),
            ("a:1:{s:1:\"a\";i:1;}", "PHP's serialize()"),
            ("[object Object]", "a JavaScript object"),
            ("{\u{201c}a\u{201d}: 1}", "curly quotation marks"),
            ("\"POST /n HTTP/1.1\" 200", "a line of a log"),
            ("curl x -d @f", "a curl command"),
        ] {
            let (found, hint) = guess(text.as_bytes()).unwrap();
            assert!(found.contains(what) && !hint.is_empty(), "{text}: {found}");
        }
        for text in ["{\"a\":1", "", "a=1&b=2", "<xml/>"] {
            assert_eq!(guess(text.as_bytes()), None, "{text}");
        }
    }
}
