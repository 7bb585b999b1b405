//! The phases of an attempt, for a program.

use serde_json::{Map, Value, json};

use super::text::milliseconds;
use crate::net::phases::{Phase, Phases};

/// The name of a phase in JSON; `"first-byte"` is also a value, of `ended_in`.
pub(super) const fn key(phase: Phase) -> &'static str {
    match phase {
        Phase::FirstByte => "first_byte",
        other => other.code(),
    }
}

/// `null` for each phase that did not take place or was not measured.
pub(super) fn phases_json(phases: &Phases) -> Value {
    let time =
        |phase: Phase| (format!("{}_ms", key(phase)), json!(phases.time(phase).map(milliseconds)));
    let mut body: Map<String, Value> = Phase::TIMED.into_iter().map(time).collect();
    body.insert("ended_in".to_owned(), json!(phases.ended_in().map(Phase::code)));
    Value::Object(body)
}
