//! Payloads that are written as pairs: form bodies and query strings.
//!
//! Some deployments send `name=value&…` instead of JSON. The members' values are texts, decoded
//! once and strictly: what cannot be decoded is an error, never a guess, because the signature is
//! over the decoded text. Source: the protocol's section 1; the decoding is that of
//! `application/x-www-form-urlencoded` in the WHATWG URL Standard, section 5.1.

use std::borrow::Cow;
use std::ops::Range;

use super::edit::splice;
use super::payload::{
    Encoding, Member, Payload, PayloadError, PayloadProblem, Value, bounded_text,
};

/// Reads a payload in a known encoding.
///
/// # Errors
/// What is not a valid payload in that encoding, with the place and the pair.
pub fn read(bytes: &[u8], encoding: Encoding) -> Result<Payload<'_>, PayloadError> {
    let text = || bounded_text(bytes);
    let (text, pairs) = match encoding {
        Encoding::Json => return Payload::parse(bytes),
        Encoding::Xml => return super::xml::read(text()?),
        Encoding::Query => (text()?, query(text()?)?),
        Encoding::Form => (text()?, trimmed(text()?)),
    };
    let mut members = Vec::with_capacity(16);
    let mut start = pairs.start;
    for piece in text[pairs.clone()].split('&') {
        let span = start..start + piece.len();
        start = span.end + 1;
        // Two separators in a row hold no pair between them.
        if !piece.is_empty() {
            members.push(member(text, span)?);
        }
    }
    if members.is_empty() {
        return Err(PayloadError::at(bytes, pairs.start, PayloadProblem::Empty));
    }
    Payload::try_new(text, encoding, members, pairs)
}

/// How a payload of unknown origin is written, judged by its beginning.
///
/// What begins with `{` is JSON, with `<xml` or `<?xml` XML, a `?` or a URL with one is a query
/// string, a plain name with `=` behind it is a form. Everything else is read as JSON, whose errors say most.
#[must_use]
pub fn detect(bytes: &[u8]) -> Encoding {
    let text = bytes.trim_ascii_start();
    let name = text.iter().take_while(|byte| is_plain(**byte)).count();
    let rest = &text[name..];
    let is_url = name > 0 && rest.starts_with(b"://") && rest.contains(&b'?');
    if text.starts_with(b"<xml") || text.starts_with(b"<?xml") {
        Encoding::Xml
    } else if text.first() == Some(&b'?') || is_url {
        Encoding::Query
    } else if name > 0 && rest.first() == Some(&b'=') {
        Encoding::Form
    } else {
        Encoding::Json
    }
}

/// Whether a byte stands in names of pairs, escaped ones included.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_.~%+*[]".contains(&byte)
}

/// Where the text is without white space around it.
fn trimmed(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_ascii_start().len();
    start..start + text.trim_ascii().len()
}

fn query(text: &str) -> Result<Range<usize>, PayloadError> {
    let whole = trimmed(text);
    let body = &text[whole.clone()];
    let end = body.find('#').map_or(whole.end, |at| whole.start + at);
    match text[whole.start..end].find('?') {
        Some(at) => Ok(whole.start + at + 1..end),
        // Pairs without the question mark are what a router hands on.
        None if !body.contains("://") => Ok(whole.start..end),
        None => Err(PayloadError::at(text.as_bytes(), whole.start, PayloadProblem::NoQuery)),
    }
}

/// One pair, with or without `=`.
fn member(text: &str, span: Range<usize>) -> Result<Member<'_>, PayloadError> {
    let piece = &text[span.clone()];
    let equals = piece.find('=').map_or(span.end, |at| span.start + at);
    let value_at = (equals + 1).min(span.end)..span.end;
    let error = |name: &str, (offset, problem): (usize, PayloadProblem)| {
        let mut error = PayloadError::at(text.as_bytes(), offset, problem);
        error.member = Some(name.to_owned());
        error
    };
    let raw = &text[span.start..equals];
    let name = decode(raw, span.start).map_err(|problem| error(raw, problem))?;
    let value =
        decode(&text[value_at.clone()], value_at.start).map_err(|problem| error(&name, problem))?;
    // Offsets fit: a payload is at most MAX_BYTES long.
    Ok(Member {
        name,
        value: Value::String(value),
        name_at: (span.start as u32, equals as u32),
        value_at: (value_at.start as u32, value_at.end as u32),
    })
}

fn decode(raw: &str, at: usize) -> Result<Cow<'_, str>, (usize, PayloadProblem)> {
    if let Some(control) = raw.bytes().position(|byte| byte.is_ascii_control()) {
        let byte = raw.as_bytes()[control];
        return Err((at + control, PayloadProblem::ControlCharacter(byte)));
    }
    if !raw.contains(['%', '+']) {
        return Ok(Cow::Borrowed(raw));
    }
    let decoded = decoded_bytes(raw.as_bytes());
    let decoded = decoded.map_err(|next| (at + next, PayloadProblem::InvalidPercent))?;
    match String::from_utf8(decoded) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err((at + encoded_length(raw.as_bytes(), valid), PayloadProblem::PercentNotUtf8))
        }
    }
}

/// The bytes of a name or value of a pair, in whatever charset; `None` where an escape is broken.
#[must_use]
pub fn percent_decode(raw: &str) -> Option<Vec<u8>> {
    decoded_bytes(raw.as_bytes()).ok()
}

/// The decoded bytes, or where an escape is broken.
fn decoded_bytes(bytes: &[u8]) -> Result<Vec<u8>, usize> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut next = 0;
    while let Some(byte) = bytes.get(next) {
        let (value, length) = match byte {
            b'+' => (b' ', 1),
            b'%' => match (hex_digit(bytes.get(next + 1)), hex_digit(bytes.get(next + 2))) {
                (Some(high), Some(low)) => (high * 16 + low, 3),
                _ => return Err(next),
            },
            other => (*other, 1),
        };
        decoded.push(value);
        next += length;
    }
    Ok(decoded)
}

fn hex_digit(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// How many bytes of the encoded text make the first `decoded` bytes of the decoded one.
fn encoded_length(bytes: &[u8], decoded: usize) -> usize {
    let mut at = 0;
    for _ in 0..decoded {
        at += if bytes.get(at) == Some(&b'%') { 3 } else { 1 };
    }
    at
}

/// A JSON value as the text that a pair carries: strings without their quotes and escapes.
#[must_use]
pub fn text_of(json: &str) -> String {
    let wrapped = format!("{{\"v\":{json}}}");
    let parsed = Payload::parse(wrapped.as_bytes());
    match parsed.as_ref().ok().and_then(|payload| payload.get("v")).map(|member| &member.value) {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Null) => String::new(),
        _ => json.to_owned(),
    }
}

/// Replaces a pair's value in place, or adds the pair last; every other byte stays.
#[must_use]
pub fn put(payload: &Payload<'_>, name: &str, value: &str) -> String {
    let mut encoded = String::new();
    if let Some(member) = payload.get(name) {
        let span = member.value_span();
        if span.start == member.name_span().end {
            encoded.push('=');
        }
        encoded.push_str(&encode(value));
        return splice(payload.text(), span, &encoded);
    }
    let pairs = payload.braces();
    let end = pairs.end;
    // A question mark that ends the pairs is the last value's own.
    let before = &payload.text()[pairs];
    if !before.is_empty() && !before.ends_with('&') {
        encoded.push('&');
    }
    encoded.push_str(&format!("{}={}", encode(name), encode(value)));
    splice(payload.text(), end..end, &encoded)
}

/// Takes a pair out together with one separator.
#[must_use]
pub fn remove(payload: &Payload<'_>, name: &str) -> String {
    let text = payload.text();
    let Some(member) = payload.get(name) else { return text.to_owned() };
    let pairs = payload.braces();
    let (mut start, mut end) = (member.name_span().start, member.value_span().end);
    let (before, after) = (&text[pairs.start..start], &text[end..pairs.end]);
    // A blank that is part of a pair stays behind its separator: at an end it would be trimmed.
    let is_blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    if let Some(rest) = after.strip_prefix('&') {
        end += usize::from(!before.is_empty() || !is_blank(rest.as_bytes().first()));
    } else if let Some(rest) = before.strip_suffix('&') {
        start -= usize::from(!is_blank(rest.as_bytes().last()));
    }
    splice(text, start..end, "")
}

/// Adds a pair behind the others.
pub(super) fn pair_into(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() {
        out.push('&');
    }
    out.push_str(&encode(name));
    out.push('=');
    out.push_str(&encode(value));
}

fn encode(text: &str) -> String {
    percent_encode(text.as_bytes(), b"-_.*", "+")
}

/// Letters, digits and the bytes to keep as they are, any other as `%XX`.
#[must_use]
pub fn percent_encode(text: &[u8], keep: &[u8], space: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text {
        match *byte {
            b' ' => out.push_str(space),
            byte if byte.is_ascii_alphanumeric() || keep.contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => {
                out.push('%');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::MAX_BYTES;

    fn form(text: &str) -> Result<Payload<'_>, PayloadError> {
        read(text.as_bytes(), Encoding::Form)
    }

    fn pairs(text: &str, encoding: Encoding) -> Vec<(String, String)> {
        let payload = read(text.as_bytes(), encoding).unwrap();
        let text = |value: &Value<'_>| match value {
            Value::String(text) => text.to_string(),
            other => panic!("{other:?}"),
        };
        payload.members().iter().map(|m| (m.name.to_string(), text(&m.value))).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_blank_beside_a_removed_pair_stays_part_of_its_own() {
        for (text, left) in [("x=1& b=2", "& b=2"), ("a=1 &x=2", "a=1 &"), ("a&x& b", "a& b")] {
            let removed = remove(&form(text).unwrap(), "x");
            assert_eq!(removed, left);
            let of = |text: &str| form(text).unwrap().members()[0].name.clone().into_owned();
            assert_eq!(of(&removed), if text.starts_with('x') { " b" } else { "a" });
        }
    }

    #[test]
    fn a_question_mark_at_the_end_belongs_to_the_last_pair() {
        assert_eq!(put(&form("a?").unwrap(), "b", "1"), "a?&b=1");
        assert_eq!(put(&form("a=1?").unwrap(), "b", "2"), "a=1?&b=2");
        let query = read(b"/n?a=1?", Encoding::Query).unwrap();
        assert_eq!(put(&query, "b", "2"), "/n?a=1?&b=2");
    }

    #[test]
    fn pairs_are_decoded_once_and_nothing_is_lost() {
        let wanted = owned(&[("b", "1 2"), ("a", "王&=+"), ("e", ""), ("f", ""), ("", "v")]);
        assert_eq!(pairs("b=1+2&&a=%E7%8e%8B%26%3D%2B&e=&f&=v\n", Encoding::Form), wanted);
        assert_eq!(pairs("a=b=c&d=%2541", Encoding::Form), owned(&[("a", "b=c"), ("d", "%41")]));
        let payload = form(" a=%41&b=2 ").unwrap();
        assert_eq!(&payload.text()[payload.get("a").unwrap().value_span()], "%41");
        assert_eq!(&payload.text()[payload.braces()], "a=%41&b=2");
    }

    #[test]
    fn a_query_string_stands_between_the_question_mark_and_the_fragment() {
        for text in ["?a=1&b=2", "http://h/p?a=1&b=2#c=3", " a=1&b=2#x\n", "/n?a=1&b=2"] {
            assert_eq!(pairs(text, Encoding::Query), owned(&[("a", "1"), ("b", "2")]), "{text}");
        }
        let error = read(b"http://h/p", Encoding::Query).unwrap_err();
        assert_eq!(error.problem, PayloadProblem::NoQuery);
        assert_eq!(read(b"http://h/p#?a=1", Encoding::Query).unwrap_err(), error);
    }

    #[test]
    fn what_cannot_be_decoded_is_refused_with_its_place() {
        use PayloadProblem as P;
        for (text, problem, column, member) in [
            ("a=1&b=%4", P::InvalidPercent, 7, "b"),
            ("a=1&b=x%zz", P::InvalidPercent, 8, "b"),
            ("a=1&%=x", P::InvalidPercent, 5, "%"),
            ("a=1&b=%41+%FF", P::PercentNotUtf8, 11, "b"),
            ("a=1&b=%E7%8E", P::PercentNotUtf8, 7, "b"),
            ("a=1&b=xyz+%41%42%FF", P::PercentNotUtf8, 17, "b"),
            ("a=1&b=x\ny", P::ControlCharacter(10), 8, "b"),
            ("a=1&b=2&%61=3", P::DuplicateMember("a".into()), 9, "a"),
        ] {
            let error = form(text).expect_err(text);
            assert_eq!((error.line, error.column), (1, column), "{text}");
            assert_eq!(error.problem, problem, "{text}");
            assert_eq!(error.member.as_deref(), Some(member), "{text}");
        }
        for text in ["", " \n", "&&"] {
            assert_eq!(form(text).unwrap_err().problem, P::Empty);
        }
        assert_eq!(read(b"a=\xff", Encoding::Form).unwrap_err().problem, P::InvalidUtf8);
        let long = vec![b'a'; MAX_BYTES + 1];
        assert!(matches!(read(&long, Encoding::Form).unwrap_err().problem, P::TooLarge(_)));
    }

    #[test]
    fn the_encoding_is_told_by_the_beginning() {
        for (text, encoding) in [
            (" {\"a\":1}", Encoding::Json),
            ("a=1&b=2", Encoding::Form),
            ("\na%5B0%5D=1", Encoding::Form),
            ("a[0]=1", Encoding::Form),
            ("?a=1", Encoding::Query),
            ("https://h/p?a=1", Encoding::Query),
            ("https://h/p", Encoding::Json),
            ("", Encoding::Json),
            ("=1", Encoding::Json),
            ("\"a=b\"", Encoding::Json),
            ("[1]", Encoding::Json),
            ("<a href=x>", Encoding::Json),
            ("plain words", Encoding::Json),
        ] {
            assert_eq!(detect(text.as_bytes()), encoding, "{text}");
        }
    }

    #[test]
    fn a_pair_is_put_and_removed_and_the_rest_stays() {
        for (text, put_in) in [
            ("a=%41&sign=x&b", "a=%41&sign=%E7%8E%8B+1&b"),
            ("a=1&sign&b=2", "a=1&sign=%E7%8E%8B+1&b=2"),
            ("a=1&", "a=1&sign=%E7%8E%8B+1"),
            ("a=1\n", "a=1&sign=%E7%8E%8B+1\n"),
        ] {
            assert_eq!(put(&form(text).unwrap(), "sign", "王 1"), put_in);
        }
        let url = read(b"http://h/?a=1#f", Encoding::Query).unwrap();
        assert_eq!(put(&url, "s", "1"), "http://h/?a=1&s=1#f");
        for (text, left) in [("a=1&b=2", "b=2"), ("b=2&a=1", "b=2"), ("a", ""), ("c=1", "c=1")] {
            assert_eq!(remove(&form(text).unwrap(), "a"), left);
        }
        assert_eq!(text_of("\"\\u738b\""), "王");
        assert_eq!(text_of("1.10"), "1.10");
        assert_eq!(text_of("null"), "");
    }

    #[test]
    fn plain_characters_stay_and_all_others_are_encoded() {
        for (text, encoded) in [
            ("", ""),
            ("azAZ09*-._", "azAZ09*-._"),
            (" ", "+"),
            ("+", "%2B"),
            ("~", "%7E"),
            ("\0\u{7f}", "%00%7F"),
            ("é", "%C3%A9"),
            ("/?#&=%", "%2F%3F%23%26%3D%25"),
        ] {
            let out = encode(text);
            assert_eq!(out, encoded, "{text:?}");
            let is_control = text.starts_with('\0');
            assert!(is_control || decode(encoded, 0).as_deref() == Ok(text), "{text:?}");
        }
        assert_eq!(decode("%00%7F%7f", 0).as_deref(), Ok("\0\u{7f}\u{7f}"));
        for control in ["\0", "\t", "\u{1f}", "\u{7f}"] {
            let problem = PayloadProblem::ControlCharacter(control.as_bytes()[0]);
            assert_eq!(decode(&format!("a{control}"), 5), Err((6, problem)));
        }
    }

    #[test]
    fn the_beginning_decides_and_json_is_read_as_json() {
        for (text, encoding) in [
            ("王=1", Encoding::Form),
            ("a.b-c_d~e%20+f*[0]=1", Encoding::Form),
            ("a b=1", Encoding::Json),
            ("://?a=1", Encoding::Json),
            ("h://x", Encoding::Json),
            ("h:/x?a=1", Encoding::Json),
            (" \t?", Encoding::Query),
            ("a", Encoding::Json),
        ] {
            assert_eq!(detect(text.as_bytes()), encoding, "{text}");
        }
        let json = read(b"{\"a\":1.10}", Encoding::Json).unwrap();
        assert_eq!(json.encoding(), Encoding::Json);
        assert_eq!(json.get("a").unwrap().value, Value::Number("1.10"));
    }

    #[test]
    fn the_first_question_mark_and_the_first_hash_bound_a_query() {
        for (text, expected) in [
            ("/n?a=1?b=2", &[("a", "1?b=2")][..]),
            ("/n?a=1#b#c", &[("a", "1")]),
            ("/n?a=1#b?c=2", &[("a", "1")]),
            ("?a=1", &[("a", "1")]),
        ] {
            assert_eq!(pairs(text, Encoding::Query), owned(expected), "{text}");
        }
        let last = read(b"?a=1", Encoding::Query).unwrap();
        assert_eq!(remove(&last, "a"), "?");
    }
}
