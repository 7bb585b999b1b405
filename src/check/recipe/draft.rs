//! A body under way: its members, in order, twice where that is meant, and how they are written.

use std::fmt::Write as _;

use protocol::Payload;
use protocol::internal::edit::json_string;

#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    members: Vec<(String, String)>,
    layout: Layout,
    unicode: Unicode,
    slashes: Slashes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layout {
    #[default]
    Compact,
    Pretty,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unicode {
    #[default]
    Raw,
    Escaped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Slashes {
    #[default]
    Plain,
    Escaped,
}

impl Draft {
    pub(super) fn new(members: Vec<(String, String)>) -> Draft {
        Draft { members, ..Draft::default() }
    }

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

    pub(super) fn unset(&mut self, name: &str) {
        self.members.retain(|(known, _)| known != name);
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

    pub(super) fn put_first(&mut self, name: &str, json: String) {
        self.members.insert(0, (name.to_owned(), json));
    }

    pub(super) fn put_last(&mut self, name: &str, json: String) {
        self.members.push((name.to_owned(), json));
    }

    pub(super) fn shuffle(&mut self, random: &mut fastrand::Rng) {
        let before: Vec<String> = self.members.iter().map(|(name, _)| name.clone()).collect();
        random.shuffle(&mut self.members);
        if self.members.iter().map(|(name, _)| name).eq(&before) {
            self.members.reverse();
        }
    }

    pub(super) fn lay_out(&mut self, layout: Layout) {
        self.layout = layout;
    }

    pub(super) fn write_unicode(&mut self, unicode: Unicode) {
        self.unicode = unicode;
    }

    pub(super) fn write_slashes(&mut self, slashes: Slashes) {
        self.slashes = slashes;
    }

    pub(super) fn write(&self) -> String {
        let (open, between, colon, close) = match self.layout {
            Layout::Compact => ("{", ",", ":", "}"),
            Layout::Pretty => ("{\n  ", ",\n  ", ": ", "\n}\n"),
        };
        let mut out = String::from(open);
        for (index, (name, json)) in self.members.iter().enumerate() {
            if index > 0 {
                out.push_str(between);
            }
            out.push_str(&json_string(name));
            out.push_str(colon);
            out.push_str(json);
        }
        out.push_str(close);
        // In JSON both stand only inside strings, so the whole text can be rewritten.
        if self.slashes == Slashes::Escaped {
            out = out.replace('/', "\\/");
        }
        if self.unicode == Unicode::Escaped {
            out = escaped(&out);
        }
        out
    }

    pub(super) fn read(body: &[u8]) -> Option<Draft> {
        let payload = Payload::parse(body).ok()?;
        let text = payload.text();
        let members = payload.members().iter();
        Some(Draft::new(
            members
                .map(|member| (member.name.to_string(), text[member.value_span()].to_owned()))
                .collect(),
        ))
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
