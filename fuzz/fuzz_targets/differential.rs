//! The payload parser held against `serde_json`: the same texts, the same members, the same values.
//!
//! It differs where it says so: a duplicate member, a byte order mark, nesting over
//! `MAX_DEPTH` and texts over `MAX_BYTES` are refused, anything but an object is refused, and a number's
//! size does not matter, because its digits are kept.
#![no_main]

use std::collections::BTreeSet;
use std::fmt;

use libfuzzer_sys::fuzz_target;
use payout_notify_protocol::{MAX_BYTES, Payload, PayloadProblem, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > MAX_BYTES {
        return;
    }
    let other = serde_json::from_slice::<Seen>(bytes);
    match (Payload::parse(bytes), other) {
        (Ok(payload), Ok(seen)) => {
            assert!(seen == Seen::Object(Names::Unique), "{seen:?}");
            same_members(&payload);
        }
        (Ok(payload), Err(error)) => {
            // It reads numbers as floats, and refuses what is too large for one.
            assert_eq!(error.to_string().split(" at line").next(), Some("number out of range"));
            same_members(&payload);
        }
        (Err(error), Ok(seen)) => match error.problem {
            PayloadProblem::DuplicateMember(_) => assert_eq!(seen, Seen::Object(Names::Twice)),
            PayloadProblem::NotAnObject(_) => assert!(!matches!(seen, Seen::Object(_))),
            // A duplicate member inside another value than an object is found first.
            _ => assert!(seen == Seen::Other(Names::Twice), "{error}"),
        },
        (Err(_), Err(_)) => {}
    }
});

/// The members in their order, each with the text of its value.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn same_members(payload: &Payload<'_>) {
    let other: Members = serde_json::from_str(payload.text()).expect("both read an object");
    assert_eq!(payload.members().len(), other.0.len());
    for (member, (name, raw)) in payload.members().iter().zip(&other.0) {
        assert_eq!(member.name, *name);
        assert_eq!(&payload.text()[member.value_span()], raw.get());
        match &member.value {
            Value::String(text) => {
                assert_eq!(
                    serde_json::from_str::<String>(raw.get()).ok().as_deref(),
                    Some(&**text)
                );
            }
            Value::Number(digits) => assert_eq!(*digits, raw.get()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }
}

/// Whether a name is a duplicate anywhere below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    Unique,
    Twice,
}

/// What the other parser saw.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Object(Names),
    Other(Names),
}

impl Seen {
    fn names(&self) -> Names {
        match self {
            Seen::Object(names) | Seen::Other(names) => *names,
        }
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looking)
    }
}

struct Looking;

impl<'de> Visitor<'de> for Looking {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other(Names::Unique))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        let mut names = Names::Unique;
        while let Some(seen) = seq.next_element::<Seen>()? {
            names = names.max(seen.names());
        }
        Ok(Seen::Other(names))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let (mut known, mut names) = (BTreeSet::new(), Names::Unique);
        while let Some((name, seen)) = map.next_entry::<String, Seen>()? {
            let repeated = if known.insert(name) { Names::Unique } else { Names::Twice };
            names = names.max(repeated).max(seen.names());
        }
        Ok(Seen::Object(names))
    }
}
