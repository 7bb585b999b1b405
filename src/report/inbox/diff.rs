//! What differs between two kept callbacks.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::mask::{REDACTED, Untrusted};
use crate::receiver::received::Received;
use crate::receiver::verify::{Accepts, Contract};
use crate::report::json;
use crate::report::line::Line;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDiff {
    pub ids: (u64, u64),
    /// Members of the payloads; nothing where one of them cannot be read.
    pub members: Option<Vec<Difference>>,
    pub headers: Vec<Difference>,
    pub bytes: BytesDiff,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub after: Option<Untrusted<String>>,
    pub before: Option<Untrusted<String>>,
    pub name: Untrusted<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesDiff {
    Same,
    Spacing,
    Order,
    /// From this byte on, counted from 0.
    From(usize),
}

impl BytesDiff {
    fn code(self) -> &'static str {
        match self {
            BytesDiff::Same => "same",
            BytesDiff::Spacing => "spacing",
            BytesDiff::Order => "order",
            BytesDiff::From(_) => "content",
        }
    }
}

pub fn compare(a: &Received, b: &Received) -> EntryDiff {
    compare_as(a, b, (a, b))
}

/// What differs, with the values that `shown` has of it: two values that are redacted are shown as
/// different where they are.
pub fn compare_as(a: &Received, b: &Received, shown: (&Received, &Received)) -> EntryDiff {
    let both = members(a).zip(members(b));
    let shown_members =
        (members(shown.0).unwrap_or_default(), members(shown.1).unwrap_or_default());
    let shown_headers = (headers(shown.0), headers(shown.1));
    EntryDiff {
        ids: (a.id, b.id),
        bytes: bytes(a, b, both.as_ref()),
        members: both.map(|(a, b)| differences(&a, &b, &shown_members)),
        headers: differences(&headers(a), &headers(b), &shown_headers),
    }
}

/// The fields and their texts; `None` where the body cannot be read as a payload.
fn members(entry: &Received) -> Option<Named> {
    let contract = Contract { accepts: Accepts::Any, ..Contract::default() };
    let payload = contract.payload(&entry.callback).ok()?;
    let text = |span: Range<usize>| payload.text().get(span).unwrap_or_default().to_owned();
    let members = payload.members().iter();
    Some(members.map(|member| (member.name.to_string(), text(member.value_span()))).collect())
}

fn headers(entry: &Received) -> Named {
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &entry.callback.headers {
        let value = String::from_utf8_lossy(value);
        joined
            .entry(name)
            .and_modify(|all| *all = format!("{all}, {value}"))
            .or_insert_with(|| value.into());
    }
    joined.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

type Named = Vec<(String, String)>;

fn index(all: &Named) -> BTreeMap<String, String> {
    all.iter().cloned().collect()
}

fn differences(a: &Named, b: &Named, shown: &(Named, Named)) -> Vec<Difference> {
    let (in_a, in_b) = (index(a), index(b));
    let shown = (index(&shown.0), index(&shown.1));
    let text = |name: &String, texts: &BTreeMap<String, String>| {
        Untrusted::new(texts.get(name).map_or_else(|| REDACTED.to_owned(), String::clone))
    };
    let names = a.iter().chain(b.iter().filter(|(name, _)| !in_a.contains_key(name)));
    names
        .filter(|(name, _)| in_a.get(name) != in_b.get(name))
        .map(|(name, _)| Difference {
            name: name.clone().into(),
            before: in_a.contains_key(name).then(|| text(name, &shown.0)),
            after: in_b.contains_key(name).then(|| text(name, &shown.1)),
        })
        .collect()
}

/// Whether the same fields have the same texts, in any order.
fn is_same_set(a: &Named, b: &Named) -> bool {
    index(a) == index(b)
}

fn bytes(a: &Received, b: &Received, members: Option<&(Named, Named)>) -> BytesDiff {
    let (a, b) = (&a.callback.body, &b.callback.body);
    if a == b {
        return BytesDiff::Same;
    }
    if let Some((in_a, in_b)) = members {
        if in_a == in_b {
            return BytesDiff::Spacing;
        }
        if in_a.len() == in_b.len() && is_same_set(in_a, in_b) {
            return BytesDiff::Order;
        }
    }
    let same = a.iter().zip(b.iter()).take_while(|(a, b)| a == b).count();
    BytesDiff::From(same)
}

pub fn lines(diff: &EntryDiff) -> Vec<Line> {
    let (a, b) = diff.ids;
    let mut lines = vec![match diff.bytes {
        BytesDiff::Same => Line::new().good(format!("the bodies of #{a} and #{b} are the same")),
        BytesDiff::Spacing => Line::new()
            .warn("the bodies differ in spacing only")
            .plain(": the same fields in the same order, with the same texts"),
        BytesDiff::Order => Line::new()
            .warn("the bodies differ in the order of their fields only")
            .plain(": each has the same text"),
        BytesDiff::From(at) => {
            Line::new().bad("the bodies differ").plain(format!(" from byte {at} on"))
        }
    }];
    match &diff.members {
        Some(members) => lines.extend(members.iter().flat_map(difference_lines)),
        None => lines.push(Line::new().dim("(one of them cannot be read as a payload)")),
    }
    if !diff.headers.is_empty() {
        lines.push(Line::new().strong("headers"));
        lines.extend(diff.headers.iter().flat_map(difference_lines));
    }
    lines
}

fn difference_lines(difference: &Difference) -> impl Iterator<Item = Line> + use<> {
    let Difference { name, before, after } = difference;
    let before = before.as_ref().map(|text| Line::new().bad(format!("- {name}: {text}")));
    let after = after.as_ref().map(|text| Line::new().good(format!("+ {name}: {text}")));
    before.into_iter().chain(after)
}

#[derive(Serialize)]
struct DiffJson<'a> {
    a: u64,
    b: u64,
    bodies: &'static str,
    differs_at: Option<usize>,
    headers: &'a [Difference],
    members: Option<&'a [Difference]>,
}

pub fn json(diff: &EntryDiff) -> String {
    let object = DiffJson {
        a: diff.ids.0,
        b: diff.ids.1,
        bodies: diff.bytes.code(),
        differs_at: match diff.bytes {
            BytesDiff::From(at) => Some(at),
            _ => None,
        },
        headers: &diff.headers,
        members: diff.members.as_deref(),
    };
    json::line("inbox-diff", &object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::inbox::tests::{entry, text};

    fn compared(a: &str, b: &str) -> EntryDiff {
        compare(&entry(a.as_bytes()), &entry(b.as_bytes()))
    }

    #[test]
    fn members_are_compared_by_their_texts() {
        let diff = compared(r#"{"a":1.0,"b":"x","c":[1]}"#, r#"{"c":[1],"a":1.00,"d":null}"#);
        let shown: Vec<String> = lines(&diff).iter().map(text).collect();
        assert_eq!(
            shown,
            [
                "the bodies differ from byte 2 on",
                "- a: 1.0",
                "+ a: 1.00",
                "- b: \"x\"",
                "+ d: null"
            ]
        );
    }

    #[test]
    fn what_only_looks_different_is_told_apart() {
        let bytes = |a, b| compared(a, b).bytes;
        assert_eq!(bytes("{}", "{}"), BytesDiff::Same);
        assert_eq!(bytes(r#"{"a":1,"b":2}"#, "{ \"a\": 1,\n\"b\":2}"), BytesDiff::Spacing);
        assert_eq!(bytes(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), BytesDiff::Order);
        assert_eq!(bytes("[1]", "[1] "), BytesDiff::From(3));
        assert_eq!(compared("[1]", "{}").members, None);
    }

    #[test]
    fn headers_of_one_name_are_joined() {
        let (a, mut b) = (entry(b"{}"), entry(b"{}"));
        b.callback.headers.push(("x-hop".to_owned(), b"2".to_vec()));
        let diff = compare(&a, &b);
        let (before, after) = (Some("1".to_owned().into()), Some("1, 2".to_owned().into()));
        assert_eq!(diff.headers, [Difference { name: "x-hop".to_owned().into(), before, after }]);
    }
}
