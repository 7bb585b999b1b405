//! A body that is being built: its members, in order, twice where that is meant, and how they are
//! written.

use std::fmt::Write as _;

use protocol::internal::edit::json_string;
use protocol::internal::form;
use protocol::internal::scheme::Nulls;
use protocol::{Payload, Transport, Value};

#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) members: Vec<(String, String)>,
    pub(super) styles: Vec<Style>,
}

/// How a body is written where it is not in the usual way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Pretty,
    EscapedUnicode,
    EscapedSlashes,
}

impl Draft {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, json)| json.as_str())
    }

    /// The text of a member that is a string; `None` where it is another value.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    pub(super) fn set(&mut self, name: &str, json: String) {
        match self.members.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = json,
            None => self.members.push((name.to_owned(), json)),
        }
    }

    pub(super) fn rename(&mut self, name: &str, to: &str) {
        if let Some((known, _)) = self.members.iter_mut().find(|(known, _)| known == name) {
            to.clone_into(known);
        }
    }

    pub(super) fn swap(&mut self, one: &str, other: &str) {
        let place = |name: &str| self.members.iter().position(|(known, _)| known == name);
        if let (Some(one), Some(other)) = (place(one), place(other)) {
            let value = std::mem::take(&mut self.members[one].1);
            self.members[one].1 = std::mem::replace(&mut self.members[other].1, value);
        }
    }

    pub(super) fn shuffle(&mut self, random: &mut fastrand::Rng) {
        let before: Vec<String> = self.members.iter().map(|(name, _)| name.clone()).collect();
        random.shuffle(&mut self.members);
        if self.members.iter().map(|(name, _)| name).eq(&before) {
            self.members.reverse();
        }
    }

    pub(super) fn write(&self) -> String {
        let (open, between, colon, close) = match self.styles.contains(&Style::Pretty) {
            true => ("{\n  ", ",\n  ", ": ", "\n}\n"),
            false => ("{", ",", ":", "}"),
        };
        let member =
            |(name, json): &(String, String)| format!("{}{colon}{json}", json_string(name));
        let members: Vec<String> = self.members.iter().map(member).collect();
        let mut out = format!("{open}{}{close}", members.join(between));
        // In JSON both are only inside strings, so the whole text can be rewritten.
        if self.styles.contains(&Style::EscapedSlashes) {
            out = out.replace('/', "\\/");
        }
        if self.styles.contains(&Style::EscapedUnicode) {
            out = escaped(&out);
        }
        out
    }

    /// The body as it is sent: in JSON as the styles have it, else as the transport has it.
    pub(super) fn encode(&self, transport: Transport, nulls: Nulls) -> String {
        if transport == Transport::Json {
            return self.write();
        }
        let texts: Vec<String> =
            self.members.iter().map(|(_, json)| format!("{{\"v\":{json}}}")).collect();
        let values: Vec<Value<'_>> = texts
            .iter()
            .map(|text| {
                let payload = Payload::parse(text.as_bytes()).ok();
                let value = payload.as_ref().and_then(|payload| payload.get("v"));
                value.map_or(Value::Null, |member| member.value.clone())
            })
            .collect();
        let names = self.members.iter().map(|(name, _)| &**name);
        transport.write(names.zip(&values), nulls)
    }

    pub(super) fn read(body: &[u8], transport: Transport) -> Option<Draft> {
        let payload = form::read(body, transport.encoding()).ok()?;
        let text = payload.text();
        let members = payload.members().iter().map(|member| {
            let json = match &member.value {
                Value::String(text) if transport != Transport::Json => json_string(text),
                _ => text[member.value_span()].to_owned(),
            };
            (member.name.to_string(), json)
        });
        Some(Draft { members: members.collect(), styles: Vec::new() })
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}
