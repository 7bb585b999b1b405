//! Bodies that are nearly the acknowledgement: what a merchant's developer has to change in them.
//!
//! None of them acknowledges. A body is repaired only to find out what is wrong with it.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{Refusal, quoted};
use crate::payload::{Payload, Value};

/// Elements that a piece of HTML without `<html>` begins with.
const HTML_ELEMENTS: [&str; 24] = [
    "a", "b", "big", "body", "br", "center", "code", "div", "em", "font", "form", "h1", "h2", "h3",
    "head", "html", "i", "p", "pre", "script", "span", "strong", "table", "title",
];

/// The first digit of each set that people type, or copy, instead of the ASCII digits.
const OTHER_ZEROS: [char; 8] = ['\u{ff10}', '٠', '۰', '०', '০', '๐', '⁰', '₀'];

/// A code of zeros that are not all ASCII, such as full-width ones.
pub(super) fn other_zeros(text: &str) -> Option<Refusal> {
    let text = text.trim();
    let is_zero = |c: char| c == '0' || OTHER_ZEROS.contains(&c);
    let is_such = !text.is_empty() && !text.is_ascii() && text.chars().all(is_zero);
    is_such.then(|| Refusal::OtherDigits(quoted(text)))
}

/// Where `error_code` is, if it is inside another member and not at the top level.
pub(super) fn nested_code(payload: &Payload<'_>) -> Option<Refusal> {
    path_of_code(payload).map(Refusal::NestedCode)
}

fn path_of_code(payload: &Payload<'_>) -> Option<String> {
    payload.members().iter().find_map(|member| {
        let (Value::Object(text) | Value::Array(text)) = member.value else { return None };
        let path = objects(text).into_iter().find_map(|(_, object)| {
            let inner = Payload::parse(object.as_bytes()).ok()?;
            match inner.get("error_code") {
                Some(_) => Some(String::new()),
                None => path_of_code(&inner).map(|path| format!(".{path}")),
            }
        })?;
        Some(format!("{}{path}", quoted(&member.name)))
    })
}

/// What is wrong with a body that is not JSON and nearly the acknowledgement.
pub(super) fn of_text(text: &[u8]) -> Option<Refusal> {
    let text = std::str::from_utf8(text).ok()?;
    other_zeros(text)
        .or_else(|| several_objects(text))
        .or_else(|| is_xml(text).then_some(Refusal::Xml))
        .or_else(|| repaired(text))
}

fn several_objects(text: &str) -> Option<Refusal> {
    let found = objects(text);
    let mut end = 0;
    let is_gap = |gap: &str| gap.chars().all(|c| c.is_ascii_whitespace() || c == ',');
    for (start, object) in &found {
        if !is_gap(&text[end..*start]) {
            return None;
        }
        end = start + object.len();
    }
    if found.len() < 2 || !is_gap(&text[end..]) {
        return None;
    }
    let all: Result<Vec<_>, _> =
        found.iter().map(|(_, object)| Payload::parse(object.as_bytes())).collect();
    let has_code = all.ok()?.iter().any(|object| object.get("error_code").is_some());
    has_code.then_some(Refusal::SeveralObjects(found.len()))
}

/// The outermost `{…}` of a text and where they begin; braces in strings do not count.
fn objects(text: &str) -> Vec<(usize, &str)> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push((start, &text[start..=at]));
                }
            }
            _ => {}
        }
    }
    found
}

fn is_xml(text: &str) -> bool {
    let text = text.trim();
    let lower: String = text.chars().take(5).collect::<String>().to_ascii_lowercase();
    if lower == "<?xml" {
        return true;
    }
    let Some(rest) = text.strip_prefix('<') else { return false };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let name = &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())];
    let is_closed = text.ends_with(&format!("</{name}>")) || text.ends_with("/>");
    let is_html = HTML_ELEMENTS.iter().any(|known| name.eq_ignore_ascii_case(known));
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && is_closed && !is_html
}

/// The first mistake of a text that would be JSON with an `error_code` without its mistakes.
fn repaired(text: &str) -> Option<Refusal> {
    let rest = text.char_indices().peekable();
    let mut repair = Repair { text, rest, output: String::new(), mistakes: Vec::new() };
    repair.all();
    let object = Payload::parse(repair.output.as_bytes()).ok()?;
    let code = &object.get("error_code")?.value;
    let first = repair.mistakes.into_iter().next()?;
    match &first {
        Refusal::UnquotedCode(digits) => {
            matches!(code, Value::String(code) if code == digits).then_some(first)
        }
        _ => Some(first),
    }
}

/// One pass over a text that is nearly JSON.
struct Repair<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    output: String,
    mistakes: Vec<Refusal>,
}

impl<'t> Repair<'t> {
    fn all(&mut self) {
        while let Some((at, c)) = self.rest.next() {
            match c {
                '"' => self.string(c, '"'),
                '\'' | '`' => self.string(c, c),
                '“' | '”' | '„' => self.string(c, '”'),
                '‘' | '’' => self.string(c, '’'),
                '＂' => self.string(c, '＂'),
                ',' => self.commas(at),
                _ if c.is_ascii_digit() || OTHER_ZEROS.contains(&c) => self.number(at),
                // A name as JavaScript lets it be written; alone it is not a near miss.
                _ if c.is_ascii_alphabetic() || c == '_' => self.name(at),
                _ => self.output.push(c),
            }
        }
    }

    fn string(&mut self, open: char, close: char) {
        if open != '"' {
            self.mistakes.push(Refusal::WrongQuotes(open));
        }
        self.output.push('"');
        while let Some((_, c)) = self.rest.next() {
            match c {
                _ if c == close || (c == '“' && close == '”') => break,
                '\\' => match self.rest.next() {
                    Some((_, '\'')) => self.output.push('\''),
                    Some((_, escaped)) => self.output.extend([c, escaped]),
                    None => {}
                },
                '"' => self.output.push_str("\\\""),
                _ => self.output.push(c),
            }
        }
        self.output.push('"');
    }

    fn commas(&mut self, start: usize) {
        let commas = self.word(start, |c| c.is_ascii_whitespace() || c == ',');
        match self.rest.peek() {
            Some((_, '}' | ']')) => self.mistakes.push(Refusal::TrailingComma),
            _ => self.output.push_str(commas),
        }
    }

    fn number(&mut self, start: usize) {
        let is_part = |c: char| c.is_ascii_digit() || OTHER_ZEROS.contains(&c);
        let is_end = |c: char| matches!(c, ',' | '}' | ']') || c.is_ascii_whitespace();
        let word = self.word(start, |c| !is_end(c));
        let is_code = (word.len() > 1 && word.starts_with('0')) || !word.is_ascii();
        if !is_code || !word.chars().all(is_part) {
            self.output.push_str(word);
            return;
        }
        self.mistakes.push(other_zeros(word).unwrap_or(Refusal::UnquotedCode(word.to_owned())));
        self.output.extend(["\"", word, "\""]);
    }

    fn name(&mut self, start: usize) {
        let word = self.word(start, |c| c.is_ascii_alphanumeric() || c == '_');
        if matches!(word, "true" | "false" | "null") {
            self.output.push_str(word);
        } else {
            self.output.extend(["\"", word, "\""]);
        }
    }

    fn word(&mut self, start: usize, is_part: impl Fn(char) -> bool) -> &'t str {
        let mut end = self.text.len();
        while let Some((at, c)) = self.rest.peek() {
            if !is_part(*c) {
                end = *at;
                break;
            }
            self.rest.next();
        }
        &self.text[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Conclusion, Reply, judge};

    fn judged(body: &str) -> (&'static str, String) {
        let reply = Reply { status: 200, body: body.as_bytes().to_vec(), ..Reply::default() };
        match judge(&reply) {
            Conclusion::Acknowledged(_) => ("acknowledged", String::new()),
            Conclusion::NotAcknowledged(refusal) => (refusal.code(), refusal.explanation()),
        }
    }

    #[test]
    fn each_near_miss_has_its_code_and_says_what_to_change() {
        for (code, part, bodies) in [
            (
                "nested-code",
                "top level",
                &[
                    r#"{"data":{"error_code":"0000"}}"#,
                    r#"{"status":200,"result":{"data":{"error_code":"0000"}}}"#,
                    r#"{"responses":[{"error_code":"0000"}]}"#,
                    r#"{"body":{"error_code":"0000","error_msg":"}{"},"isBase64Encoded":false}"#,
                    r#"{"data":{"error_code":0}}"#,
                ][..],
            ),
            ("bare-code", "JSON object", &["0000", "\"0000\"", "  0000\r\n", "'0000'"]),
            (
                "unquoted-code",
                "quotation marks",
                &[
                    r#"{"error_code":0000}"#,
                    r#"{ "error_code" : 0000 }"#,
                    r#"{"error_code":0000,"error_msg":""}"#,
                    r#"{"error_code":00}"#,
                    r#"{"error_code":0004}"#,
                    "{error_code:0000}",
                ],
            ),
            (
                "wrong-quotes",
                "double quotes",
                &[
                    "{'error_code':'0000'}",
                    "{'error_code': '0000', 'error_msg': 'it\\'s \"fine\"'}",
                    "{\"error_code\":'0000'}",
                    "{error_code:'0000'}",
                    "{`error_code`:`0000`}",
                    "{“error_code”:“0000”}",
                    "{'error_code':'0004'}",
                    "{'error_code': '0000', 'ok': True,}",
                ],
            ),
            (
                "trailing-comma",
                "comma",
                &[
                    r#"{"error_code":"0000",}"#,
                    "{\n  \"error_code\": \"0000\",\n}",
                    r#"{"error_code":"0000","data":[1,2,]}"#,
                    r#"{"error_code":"0000",,}"#,
                ],
            ),
            (
                "several-objects",
                "one",
                &[
                    r#"{"error_code":"0000"}{"error_code":"0000"}"#,
                    "{\"error_code\":\"0000\"}\n{\"error_code\":\"0000\"}\n",
                    r#"{"debug":{"sql":"}"}} {"error_code":"0000"}"#,
                    r#"{"error_code":"0000"}{"error_code":"1"}"#,
                    r#"{"error_code":"0000"},{"error_code":"0000"},{"a":1}"#,
                ],
            ),
            (
                "xml",
                "XML",
                &[
                    "<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>",
                    "<?xml version=\"1.0\"?>\n<response><error_code>0000</error_code></response>",
                    "<error_code>0000</error_code>",
                    "<soap:Envelope xmlns:soap=\"x\"><soap:Body/></soap:Envelope>",
                    "<ok/>",
                ],
            ),
            (
                "other-digits",
                "ASCII",
                &[
                    r#"{"error_code":"００００"}"#,
                    r#"{"error_code":"０000"}"#,
                    r#"{"error_code":" ００００ ","error_msg":""}"#,
                    r#"{"error_code":"٠٠٠٠"}"#,
                    "{\"error_code\":００００}",
                    "００００",
                    "\"００００\"",
                ],
            ),
        ] {
            for body in bodies {
                let (found, explanation) = judged(body);
                assert_eq!(found, code, "{body}: {explanation}");
                assert!(explanation.contains(part), "{body}: {explanation}");
            }
        }
    }

    #[test]
    fn what_resembles_a_near_miss_keeps_its_verdict() {
        for (body, code) in [
            (r#"{"error_code":"0000","data":{"error_code":"1"}}"#, "acknowledged"),
            (r#"{"data":{"errorcode":"0000"}}"#, "no-code"),
            (r#"{"msg":"{\"error_code\":\"0000\"}"}"#, "no-code"),
            (r#"{"error-code":"0000","data":{"error_code":"0000"}}"#, "misspelled-code"),
            (r#"[{"error_code":"0000"},{"error_code":"0000"}]"#, "not-an-object"),
            (r#"{"error_code":"0000"},"#, "text-around-json"),
            (r#"{"error_code":"0000"}}"#, "not-json"),
            (r#"{"a":1}{"b":2}"#, "not-json"),
            (r#"{"error_code":"0000"}{"a":1,"a":2}"#, "not-json"),
            (r#"{error_code:"0000"}"#, "not-json"),
            (r#"{"a":1,}"#, "not-json"),
            (r#"{"error_code":"1","n":007}"#, "not-json"),
            (r#"{"error_code":"0000""#, "not-json"),
            ("{'error_code':'0000'", "not-json"),
            (r#"{"error_code":0x00}"#, "not-json"),
            (r#"{"error_code":0}"#, "number-code"),
            (r#"{"error_code":"０００４"}"#, "refused"),
            (r#"{"error_code":"OOOO"}"#, "refused"),
            ("<?php echo 1;", "not-json"),
            ("<p>done</p>", "not-json"),
            ("<xml><return_code>", "not-json"),
            ("<html><error_code>0000</error_code></html>", "html"),
            ("<", "not-json"),
            ("", "empty"),
            ("'", "not-json"),
            ("\\", "not-json"),
            ("00000", "not-json"),
        ] {
            assert_eq!(judged(body).0, code, "{body}");
        }
    }

    #[test]
    fn a_long_body_is_judged_in_one_pass() {
        let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
        let commas = format!("{{\"error_code\":\"0000\"{}", ",".repeat(60_000));
        let quotes = "'".repeat(60_000);
        for body in [deep, commas, quotes, "{".repeat(60_000), "{}".repeat(30_000)] {
            assert_ne!(judged(&body).0, "acknowledged");
        }
    }
}
