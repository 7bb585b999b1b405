//! Changes a payload's text member by member and leaves every other byte alone.

use std::ops::Range;

use super::form;
use super::payload::{Encoding, Payload};
use super::scan::quote_into;
use super::xml;

/// One change to a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts a member in, or replaces its value; the value is JSON text.
    Put {
        /// The member's name, plain.
        name: String,
        /// The value as JSON text.
        json: String,
    },
    /// Takes a member out.
    Remove {
        /// The member's name, plain.
        name: String,
    },
}

/// Text as a JSON string with the fewest escapes.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    out
}

/// The payload's text after one change.
#[must_use]
pub fn apply(payload: &Payload<'_>, edit: &Edit) -> String {
    match edit {
        Edit::Put { name, json } => put(payload, name, json),
        Edit::Remove { name } => remove(payload, name),
    }
}

#[must_use]
pub fn put(payload: &Payload<'_>, name: &str, json: &str) -> String {
    let mut out = String::new();
    put_into(payload, name, json, &mut out);
    out
}

pub fn put_into(payload: &Payload<'_>, name: &str, json: &str, out: &mut String) {
    put_with(payload, name, out, |out| out.push_str(json));
}

pub(super) fn put_with(
    payload: &Payload<'_>,
    name: &str,
    out: &mut String,
    value: impl FnOnce(&mut String),
) {
    if payload.encoding() != Encoding::Json {
        let mut json = String::new();
        value(&mut json);
        let text = form::text_of(&json);
        out.push_str(&match payload.encoding() {
            Encoding::Xml => xml::put(payload, name, &text),
            _ => form::put(payload, name, &text),
        });
        return;
    }
    let text = payload.text();
    if let Some(member) = payload.get(name) {
        return splice_into(text, member.value_span(), out, value);
    }
    let Some(last) = payload.members().last() else {
        let inside = payload.braces().start + 1;
        return splice_into(text, inside..inside, out, |out| {
            quote_into(name, out);
            out.push(':');
            value(out);
        });
    };
    let colon = &text[last.name_span().end..last.value_span().start];
    let gap = gap_before_last(payload);
    // A lone member gives no gap to copy, but "a": 1 is followed by a space where people write it.
    let gap =
        if gap.is_empty() && payload.members().len() == 1 && colon != ":" { " " } else { gap };
    let end = last.value_span().end;
    splice_into(text, end..end, out, |out| {
        out.push(',');
        out.push_str(gap);
        quote_into(name, out);
        out.push_str(colon);
        value(out);
    });
}

fn gap_before_last<'a>(payload: &Payload<'a>) -> &'a str {
    let Some(last) = payload.members().last() else { return "" };
    let before = &payload.text()[..last.name_span().start];
    &before[before.trim_end_matches([' ', '\n', '\r', '\t']).len()..]
}

fn remove(payload: &Payload<'_>, name: &str) -> String {
    match payload.encoding() {
        Encoding::Json => {}
        Encoding::Xml => return xml::remove(payload, name),
        Encoding::Form | Encoding::Query => return form::remove(payload, name),
    }
    let members = payload.members();
    let Some(index) = members.iter().position(|member| member.name == name) else {
        return payload.text().to_owned();
    };
    let span = members[index].name_span().start..members[index].value_span().end;
    let cut = match (index.checked_sub(1), members.get(index + 1)) {
        (Some(previous), _) => members[previous].value_span().end..span.end,
        (None, Some(next)) => span.start..next.name_span().start,
        (None, None) => span,
    };
    let mut out = String::new();
    splice_into(payload.text(), cut, &mut out, |_| {});
    out
}

pub(super) fn splice(text: &str, place: Range<usize>, with: &str) -> String {
    let mut out = String::new();
    splice_into(text, place, &mut out, |out| out.push_str(with));
    out
}

fn splice_into(text: &str, place: Range<usize>, out: &mut String, put: impl FnOnce(&mut String)) {
    out.reserve(text.len());
    out.push_str(&text[..place.start]);
    put(out);
    out.push_str(&text[place.end..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_in(json: &str, name: &str, value: &str) -> String {
        put(&Payload::parse(json.as_bytes()).unwrap(), name, value)
    }

    fn remove_from(json: &str, name: &str) -> String {
        remove(&Payload::parse(json.as_bytes()).unwrap(), name)
    }

    #[test]
    fn a_member_is_added_in_the_layout_of_its_neighbours() {
        assert_eq!(put_in("{}", "s", "1"), "{\"s\":1}");
        assert_eq!(put_in(" { } ", "s", "1"), " {\"s\":1 } ");
        assert_eq!(put_in("{\"a\":1}", "s", "1"), "{\"a\":1,\"s\":1}");
        assert_eq!(put_in("{\"a\": 1}", "s", "1"), "{\"a\": 1, \"s\": 1}");
        assert_eq!(
            put_in("{ \"a\":1 , \"b\" : 2 }\n", "s", "1"),
            "{ \"a\":1 , \"b\" : 2, \"s\" : 1 }\n"
        );
        assert_eq!(
            put_in("{\n  \"a\": 1,\n  \"b\": 2\n}", "s", "1"),
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"s\": 1\n}"
        );
    }

    #[test]
    fn a_value_is_replaced_in_place() {
        assert_eq!(
            put_in("{\"\\u0061\" : [1 ], \"b\":1E5}", "a", "2"),
            "{\"\\u0061\" : 2, \"b\":1E5}"
        );
    }

    #[test]
    fn a_member_is_removed_with_its_comma() {
        assert_eq!(remove_from("{\"a\":1, \"b\":2, \"c\":3}", "b"), "{\"a\":1, \"c\":3}");
        assert_eq!(remove_from("{ \"a\":1, \"b\":2 }", "a"), "{ \"b\":2 }");
        assert_eq!(remove_from("{ \"a\":1, \"b\":2 }", "b"), "{ \"a\":1 }");
        assert_eq!(remove_from("{\"a\":1}", "a"), "{}");
        assert_eq!(remove_from("{\"a\":1}", "x"), "{\"a\":1}");
    }

    #[test]
    fn a_name_is_escaped_when_it_is_written() {
        assert_eq!(put_in("{}", "a\"\n", "1"), "{\"a\\\"\\n\":1}");
        assert_eq!(json_string("王\u{1}"), "\"王\\u0001\"");
    }

    #[test]
    fn the_gap_and_the_colon_of_the_last_member_are_copied() {
        for (json, expected) in [
            ("{\"a\":1,\"b\": 2}", "{\"a\":1,\"b\": 2,\"s\": 3}"),
            ("{\"a\":1, \"b\":2}", "{\"a\":1, \"b\":2, \"s\":3}"),
            ("{\"a\":1,\t\"b\":2}", "{\"a\":1,\t\"b\":2,\t\"s\":3}"),
            ("{\"a\":1,\r\n\t\"b\":2\r\n}", "{\"a\":1,\r\n\t\"b\":2,\r\n\t\"s\":3\r\n}"),
            ("{\"a\" :1}", "{\"a\" :1, \"s\" :3}"),
            ("\n{\n}\n", "\n{\"s\":3\n}\n"),
        ] {
            assert_eq!(put_in(json, "s", "3"), expected, "{json:?}");
        }
        let payload = Payload::parse(b"{\"a\":1}").unwrap();
        let put = Edit::Put { name: "b".to_owned(), json: "2".to_owned() };
        assert_eq!(apply(&payload, &put), "{\"a\":1,\"b\":2}");
        assert_eq!(apply(&payload, &Edit::Remove { name: "a".to_owned() }), "{}");
    }
}
