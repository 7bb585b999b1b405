//! Lines of the machine-readable output against the schema of their type.

use std::collections::BTreeMap;
use std::fs;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Every type of line.
pub(crate) const TYPES: &[&str] = &[
    "attempt",
    "callback",
    "case",
    "check",
    "config",
    "delivery-attempt",
    "delivery-summary",
    "dialects",
    "error",
    "inbox-diff",
    "inbox-entry",
    "inbox-replay",
    "listed-case",
    "plan",
    "ready",
    "referee",
    "report",
    "schedule",
    "server-event",
    "summary",
    "verification",
];

/// The schema of a type.
pub(crate) fn schema(kind: &str) -> Value {
    let path = format!("{}/fixtures/schema/{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The validators of all types, and how many lines each has checked.
pub(crate) struct Schemas(BTreeMap<&'static str, (Validator, usize)>);

impl Schemas {
    pub(crate) fn read() -> Schemas {
        let validator = |kind| {
            let validator = jsonschema::validator_for(&schema(kind));
            (validator.unwrap_or_else(|error| panic!("{kind}: {error}")), 0)
        };
        Schemas(TYPES.iter().map(|kind| (*kind, validator(kind))).collect())
    }

    /// Fails unless a line is valid by the schema of its type, and no copy with a fault is.
    #[track_caller]
    pub(crate) fn check(&mut self, line: &Value) {
        let (validator, checked) = line["type"]
            .as_str()
            .and_then(|kind| self.0.get_mut(kind))
            .unwrap_or_else(|| panic!("no schema for {line}"));
        let faults: Vec<String> = validator
            .iter_errors(line)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}\nof {line:#}");
        for broken in broken_copies(line) {
            assert!(!validator.is_valid(&broken), "the schema allows {broken:#}");
        }
        *checked += 1;
    }

    /// The same for a line as it is printed.
    #[track_caller]
    pub(crate) fn check_text(&mut self, line: &str) {
        self.check(&serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    }

    /// Fails unless there was a line of each of these types.
    #[track_caller]
    pub(crate) fn assert_checked(&self, kinds: &[&str]) {
        for kind in kinds {
            assert!(self.0[kind].1 > 0, "no line of the type {kind} was checked");
        }
    }
}

/// The line with each member left out, and with one that no schema knows, at its every object.
fn broken_copies(line: &Value) -> Vec<Value> {
    let mut copies = Vec::new();
    for (pointer, object) in objects_of(line, String::new()) {
        let mut with = |changed: Map<String, Value>| {
            let mut copy = line.clone();
            *copy.pointer_mut(&pointer).expect("an object") = Value::Object(changed);
            copies.push(copy);
        };
        for name in object.keys() {
            with(object.iter().filter(|(it, _)| *it != name).map(clone).collect());
        }
        with(object.iter().map(clone).chain([("extra".to_owned(), json!(1))]).collect());
    }
    copies
}

fn clone((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Every object in a value with the JSON pointer to it.
pub(crate) fn objects_of(value: &Value, pointer: String) -> Vec<(String, &Map<String, Value>)> {
    match value {
        Value::Object(object) => {
            let below = object
                .iter()
                .flat_map(|(name, value)| objects_of(value, format!("{pointer}/{name}")));
            below.chain([(pointer.clone(), object)]).collect()
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| objects_of(item, format!("{pointer}/{index}")))
            .collect(),
        _ => Vec::new(),
    }
}
