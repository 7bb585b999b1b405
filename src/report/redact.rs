//! What was sent and received without the values of some fields, so that it can be given to others.

mod sending;

pub use sending::AttemptRedactor;

use std::collections::BTreeSet;

use protocol::internal::dialect::DIALECTS;
use protocol::internal::edit::{self, Edit, json_string};
use protocol::internal::form;
use protocol::internal::notification::major_units;
use protocol::{Encoding, Value};
use serde_json::Value as Json;

use crate::mask::{REDACTED, Redaction};
use crate::receiver::Bytes;
use crate::receiver::received::{Judged, Received};
use crate::report::json::masked::{end_of_string, values};

/// How many texts of JSON inside each other are read.
const DEEPEST: usize = 3;

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Replaces the values of these fields: in the body, the query and the headers, and wherever the
/// rest of a callback repeats them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldRedactor {
    fields: Vec<String>,
    was_found: Vec<bool>,
    /// Values that were found already, for what comes later.
    known: BTreeSet<String>,
}

/// The name of a field that is redacted.
pub fn parse_field(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("expected the name of a field") } else { Ok(text.to_owned()) }
}

impl FieldRedactor {
    pub fn new(fields: &[String]) -> Self {
        FieldRedactor {
            fields: fields.to_vec(),
            was_found: vec![false; fields.len()],
            known: BTreeSet::new(),
        }
    }

    /// Of a list of fields with commas between them.
    pub fn parse(list: &str) -> Result<Self, &'static str> {
        let fields: Result<Vec<String>, _> = list.split(',').map(parse_field).collect();
        fields.map(|fields| FieldRedactor::new(&fields))
    }

    pub fn is_needed(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The fields that nothing had: they may be mistyped.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let all = self.fields.iter().zip(&self.was_found);
        all.filter(|(_, was_found)| !**was_found).map(|(field, _)| field.as_str())
    }

    pub fn redact(&mut self, mut entry: Received) -> Received {
        if !self.is_needed() {
            return entry;
        }
        let mut found = Vec::new();
        let callback = &mut entry.callback;
        let body = self.body(&callback.body, &mut found);
        let path = self.query_of(callback.path.raw(), &mut found);
        self.headers(&mut callback.headers, &mut found);
        let replied = &mut entry.replied;
        self.headers(&mut replied.headers, &mut found);
        let reply = self.reply(&replied.body, &mut found);
        let mut app_reply = None;
        if let Some(Ok(reply)) = entry.forwarded.as_mut().map(|it| &mut it.result) {
            self.headers(&mut reply.headers, &mut found);
            app_reply = Some(self.reply(&reply.body, &mut found));
        }
        self.add_amounts(&mut found);
        let redaction = Redaction::of(&found);
        callback.body = body.hidden(&redaction);
        callback.path = redaction.hide(&path).into_owned().into();
        hide_headers(&redaction, &mut callback.headers);
        self.judged(&redaction, &found, &mut entry.judged);
        replied.body = reply.hidden(&redaction);
        hide_headers(&redaction, &mut replied.headers);
        hide_text(&redaction, &mut replied.action);
        if let Some(forwarded) = &mut entry.forwarded {
            forwarded.url = redaction.hide(forwarded.url.raw()).into_owned().into();
            match &mut forwarded.result {
                Err(error) => *error = redaction.hide(error).into_owned(),
                Ok(reply) => {
                    reply.body = app_reply.map(|body| body.hidden(&redaction)).unwrap_or_default();
                    hide_headers(&redaction, &mut reply.headers);
                    hide_text(&redaction, &mut reply.remark);
                }
            }
        }
        // It is only known while a listener runs, and nothing here shows it.
        entry.live = None;
        entry
    }

    /// Whether a field is to be hidden; that one is there is remembered.
    fn names(&mut self, name: &str, is_header: bool) -> bool {
        let is_it = |field: &String| match is_header {
            true => field.eq_ignore_ascii_case(name),
            false => field == name,
        };
        let position = self.fields.iter().position(is_it);
        if let Some(at) = position {
            self.was_found[at] = true;
        }
        position.is_some()
    }

    /// Whether what this platform calls so is to be hidden, under its own name or another dialect's.
    pub fn hides(&self, logical: &str) -> bool {
        let is_it = |field: &String| {
            field == logical
                || DIALECTS.iter().any(|it| it.layout.name(logical) == Some(field.as_str()))
        };
        self.fields.iter().any(is_it)
    }

    fn judged(&self, redaction: &Redaction, found: &[String], judged: &mut Judged) {
        let is_found =
            |number: Option<i64>| number.is_some_and(|number| found.contains(&number.to_string()));
        let is_redacted_id = |id: &str| found.iter().any(|value| value == id);
        if judged.order_id().is_some_and(is_redacted_id)
            || self.hides("payout_id")
            || self.fields.iter().any(|field| field == "payment_id")
        {
            judged.order_id = judged.order_id.take().map(|_| REDACTED.to_owned().into());
        }
        if self.hides("amount") || is_found(judged.amount_cents) {
            judged.amount_cents = None;
        }
        if self.hides("status") || is_found(judged.status) {
            judged.status = None;
        }
        hide_text(redaction, &mut judged.explanation);
    }

    fn body(&mut self, body: &[u8], found: &mut Vec<String>) -> Redacted {
        // What cannot be read may hold the field anywhere.
        self.readable(body, found).unwrap_or_else(|| Redacted::Text(REDACTED.to_owned()))
    }

    /// The same of a reply, which may be any text.
    fn reply(&mut self, body: &[u8], found: &mut Vec<String>) -> Redacted {
        self.readable(body, found).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            Redacted::Text(self.inside(&text, 0, found).unwrap_or_else(|| text.into_owned()))
        })
    }

    fn readable(&mut self, body: &[u8], found: &mut Vec<String>) -> Option<Redacted> {
        let text = std::str::from_utf8(body).ok()?;
        if text.is_empty() {
            return Some(Redacted::Text(String::new()));
        }
        match form::detect(body) {
            _ if is_json(text) => Some(Redacted::Json(self.json(text, DEEPEST, found))),
            Encoding::Xml => self.xml(text, found).map(Redacted::Text),
            Encoding::Form | Encoding::Query
                if text.split('&').all(|pair| pair.contains('='))
                    && form::read(body, Encoding::Form).is_ok() =>
            {
                Some(Redacted::Text(self.pairs(text, found)))
            }
            _ => None,
        }
    }

    /// A path or a URL without the fields in its query.
    fn query_of(&mut self, path: &str, found: &mut Vec<String>) -> String {
        match path.split_once('?') {
            Some((path, query)) => format!("{path}?{}", self.pairs(query, found)),
            None => path.to_owned(),
        }
    }

    fn headers(&mut self, headers: &mut [(String, Vec<u8>)], found: &mut Vec<String>) {
        for (name, value) in headers {
            let text = String::from_utf8_lossy(value).into_owned();
            if self.names(name, true) {
                found.push(text);
                *value = REDACTED.into();
            } else if let Some(text) = self.inside(&text, DEEPEST, found) {
                *value = text.into_bytes();
            }
        }
    }

    /// Amounts are also shown in the major unit.
    fn add_amounts(&self, found: &mut Vec<String>) {
        if ["amount", "real_amount", "fee"].iter().any(|logical| self.hides(logical)) {
            let cents: Vec<i64> = found.iter().filter_map(|value| value.parse().ok()).collect();
            found.extend(cents.into_iter().map(major_units));
        }
    }

    /// A text inside of a value: JSON without the fields, and nothing of any other text that seems to
    /// have one of them; `None` where it can stay.
    fn inside(&mut self, text: &str, depth: usize, found: &mut Vec<String>) -> Option<String> {
        if text.trim_start_matches(WHITE).starts_with(['{', '[']) && depth > 0 && is_json(text) {
            return Some(self.json(text, depth - 1, found)).filter(|inner| inner != text);
        }
        let is_pair = |after: &str| {
            let after = after.trim_start_matches(['"', '\'', '\\', ' ']);
            after.starts_with(['=', ':', '>'])
                || after.starts_with("%3D")
                || after.starts_with("%3d")
        };
        let has = |field: &String| {
            !field.is_empty()
                && text
                    .match_indices(field.as_str())
                    .any(|(at, _)| is_pair(&text[at + field.len()..]))
        };
        let position = self.fields.iter().position(has)?;
        self.was_found[position] = true;
        found.push(text.to_owned());
        Some(REDACTED.to_owned())
    }

    /// JSON without the values of the fields, at any depth and in texts that are JSON themselves.
    fn json(&mut self, text: &str, depth: usize, found: &mut Vec<String>) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(start) = rest.find('"') {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            let (literal, after) = from.split_at(end_of_string(from));
            let decoded = serde_json::from_str::<String>(literal).unwrap_or_default();
            let value = after.trim_start_matches(WHITE).strip_prefix(':');
            rest = after;
            match value.map(|value| value.trim_start_matches(WHITE)) {
                Some(value) if self.names(&decoded, false) => {
                    let end = end_of_value(value);
                    collect(&value[..end], found);
                    out.push_str(literal);
                    out.push_str(&after[..after.len() - value.len()]);
                    out.push_str(&json_string(REDACTED));
                    rest = &value[end..];
                }
                None => match self.inside(&decoded, depth, found) {
                    Some(inner) => out.push_str(&json_string(&inner)),
                    None => out.push_str(literal),
                },
                Some(_) => out.push_str(literal),
            }
        }
        out.push_str(rest);
        out
    }

    /// XML without the values of the fields; `None` where it cannot be read.
    fn xml(&mut self, text: &str, found: &mut Vec<String>) -> Option<String> {
        let names: Vec<String> = {
            let payload = form::read(text.as_bytes(), Encoding::Xml).ok()?;
            payload.members().iter().map(|member| member.name.to_string()).collect()
        };
        let mut shown = text.to_owned();
        for name in names {
            let payload = form::read(shown.as_bytes(), Encoding::Xml).ok()?;
            let value = match payload.get(&name).map(|member| &member.value) {
                Some(Value::String(text)) => text.to_string(),
                _ => String::new(),
            };
            let inner = if self.names(&name, false) {
                found.push(value);
                REDACTED.to_owned()
            } else if let Some(inner) = self.inside(&value, DEEPEST, found) {
                inner
            } else {
                continue;
            };
            shown = edit::apply(&payload, &Edit::Put { name, json: json_string(&inner) });
        }
        Some(shown)
    }

    /// The pairs of a form or a query without the values of the fields.
    fn pairs(&mut self, text: &str, found: &mut Vec<String>) -> String {
        let decoded = |raw: &str| {
            let bytes = form::percent_decode(&raw.replace('+', " "));
            bytes.map_or_else(|| raw.to_owned(), |it| String::from_utf8_lossy(&it).into_owned())
        };
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            if self.names(decoded(name).trim(), false) {
                found.push(value);
                return format!("{name}=%5Bredacted%5D");
            }
            match self.inside(&value, DEEPEST, found) {
                Some(inner) => {
                    format!("{name}={}", form::percent_encode(inner.as_bytes(), b"-._~", "%20"))
                }
                None => pair.to_owned(),
            }
        };
        text.split('&').map(pair).collect::<Vec<_>>().join("&")
    }
}

enum Redacted {
    Json(String),
    Text(String),
}

impl Redacted {
    fn of(bytes: Vec<u8>) -> Redacted {
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        if is_json(&text) { Redacted::Json(text) } else { Redacted::Text(text) }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Redacted::Json(text) | Redacted::Text(text) => text.into_bytes(),
        }
    }

    /// Without what repeats the values elsewhere.
    fn hidden(self, redaction: &Redaction) -> Bytes {
        Bytes::from(match self {
            Redacted::Json(text) => values(&text, |_, _, value| redaction.hide(value)),
            Redacted::Text(text) => redaction.hide(&text).into_owned(),
        })
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Where a JSON value ends that begins the text.
fn end_of_value(text: &str) -> usize {
    if text.starts_with('"') {
        return end_of_string(text);
    }
    if !text.starts_with(['{', '[']) {
        return text.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(text.len());
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(next) = text[at..].find(['"', '{', '}', '[', ']']) {
        at += next;
        if text[at..].starts_with('"') {
            at += end_of_string(&text[at..]);
            continue;
        }
        let opens = text[at..].starts_with(['{', '[']);
        depth = if opens { depth + 1 } else { depth.saturating_sub(1) };
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The texts and numbers of a JSON value.
fn collect(json: &str, found: &mut Vec<String>) {
    if json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        // As it was written, which other parts repeat.
        found.push(json.to_owned());
        return;
    }
    match serde_json::from_str(json) {
        Ok(value) => leaves(&value, found),
        Err(_) => found.push(json.to_owned()),
    }
}

fn leaves(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) => found.push(text.clone()),
        Json::Number(number) => found.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Json::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Json::Null | Json::Bool(_) => {}
    }
}

fn hide_text(redaction: &Redaction, text: &mut Option<String>) {
    if let Some(text) = text {
        *text = redaction.hide(text).into_owned();
    }
}

fn hide_headers(redaction: &Redaction, headers: &mut [(String, Vec<u8>)]) {
    for (_, value) in headers {
        let text = String::from_utf8_lossy(value);
        let shown = redaction.hide(&text);
        if shown != text {
            *value = shown.into_owned().into_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::receiver::received::{AppReply, Forwarded};
    use crate::report::inbox::tests::entry;

    fn redacted(body: &str, fields: &[&str]) -> String {
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        let entry = FieldRedactor::new(&fields).redact(entry(body.as_bytes()));
        String::from_utf8(entry.callback.body.to_vec()).unwrap()
    }

    #[test]
    fn a_field_is_hidden_in_every_form_of_body() {
        for (body, shown) in [
            (
                r#"{"a":1,"name" : "Bob Smith", "b":1.50}"#,
                r#"{"a":1,"name" : "[redacted]", "b":1.50}"#,
            ),
            (
                r#"{"name":null,"x":{"name":[1,"]}"],"y":2}}"#,
                r#"{"name":"[redacted]","x":{"name":"[redacted]","y":2}}"#,
            ),
            (
                r#"{"name":"Bob Smith","memo":"for Bob Smith."}"#,
                r#"{"name":"[redacted]","memo":"for [redacted]."}"#,
            ),
            (
                r#"{"na\u006de":"a","name":"b"}"#,
                r#"{"na\u006de":"[redacted]","name":"[redacted]"}"#,
            ),
            (r#"{"data":"{\"name\":\"Bob\"}"}"#, r#"{"data":"{\"name\":\"[redacted]\"}"}"#),
            (r#"[{"name":-1.5e3},{"nam":-1}]"#, r#"[{"name":"[redacted]"},{"nam":-1}]"#),
            ("a=1&na%6de=Bob+Smith&c=Bob%20Smith", "a=1&na%6de=%5Bredacted%5D&c=[redacted]"),
            (
                "<xml><a>1</a><name>Bob</name></xml>",
                "<xml><a>1</a><name><![CDATA[[redacted]]]></name></xml>",
            ),
            (
                r#"{"a":"<name>Bob</name>","b":"my name is x"}"#,
                r#"{"a":"[redacted]","b":"my name is x"}"#,
            ),
            (r#"{"a":"x=1&name=Bob","b":"{name: Bob}"}"#, r#"{"a":"[redacted]","b":"[redacted]"}"#),
            ("a=%7B%22name%22%3A%22Bob%22%7D&b=1", "a=%7B%22name%22%3A%22%5Bredacted%5D%22%7D&b=1"),
            ("{\"name\":\"Bob", "[redacted]"),
            ("<xml><name>Bob</xml>", "[redacted]"),
            ("Bob Smith", "[redacted]"),
            ("", ""),
        ] {
            assert_eq!(redacted(body, &["name"]), shown, "{body}");
        }
        assert_eq!(redacted("{\"a\":1}", &[]), "{\"a\":1}");
    }

    #[test]
    fn what_repeats_the_value_hides_it_too() {
        let mut entry = entry(br#"{"payout_id":"POT00000102-and-much-longer","amount":400000}"#);
        entry.callback.path = "/n?token=Qx7fK2mZ9&a=b".into();
        entry.callback.headers.push(("x-token".to_owned(), b"Qx7fK2mZ9".to_vec()));
        entry.judged.explanation =
            Some("order POT00000102-and-much-longer is known: 4000.00".to_owned());
        entry.callback.headers.push(("cookie".to_owned(), b"a=b; token=Third66".to_vec()));
        let reply = AppReply {
            status: 200,
            headers: vec![("x-order".to_owned(), b"POT00000102-and-much-longer".to_vec())],
            body: Bytes::from_static(
                b"{\"id\":\"POT00000102-and-much-longer\",\"token\":\"Other55\"}",
            ),
            acknowledges: false,
            remark: None,
        };
        let url = "http://app/".into();
        entry.forwarded = Some(Forwarded { url, elapsed: Duration::ZERO, result: Ok(reply) });
        let mut redactor =
            FieldRedactor::new(&["payout_id", "amount", "token", "nome"].map(str::to_owned));
        let shown = format!("{:?}", redactor.redact(entry));
        for hidden in ["POT0", "400000", "4000.00", "Qx7fK", "Other55", "Third66"] {
            assert!(!shown.contains(hidden), "{hidden} in {shown}");
        }
        assert_eq!(redactor.missing().collect::<Vec<_>>(), ["nome"]);
    }

    #[test]
    fn a_header_is_named_without_regard_to_case() {
        let mut entry = entry(b"{}");
        entry.callback.headers.push(("authorization".to_owned(), b"Bearer abc".to_vec()));
        let mut redactor = FieldRedactor::new(&["Authorization".to_owned()]);
        let shown = redactor.redact(entry);
        assert_eq!(shown.callback.header("authorization"), Some(&b"[redacted]"[..]));
    }
}
