//! The phases of an attempt, for a program.

use serde_json::{Map, Value, json};

use super::text::milliseconds;
use crate::net::phases::{AttemptPhase, Phases};

/// The name of a phase in JSON; `"first-byte"` is also a value, of `ended_in`.
pub(super) const fn key(phase: AttemptPhase) -> &'static str {
    match phase {
        AttemptPhase::FirstByte => "first_byte",
        other => other.code(),
    }
}

/// `null` for each phase that did not take place or was not measured.
pub(super) fn phases_json(phases: &Phases) -> Value {
    let time = |phase: AttemptPhase| {
        (format!("{}_ms", key(phase)), json!(phases.time(phase).map(milliseconds)))
    };
    let mut body: Map<String, Value> = AttemptPhase::TIMED.into_iter().map(time).collect();
    body.insert("ended_in".to_owned(), json!(phases.ended_in().map(AttemptPhase::code)));
    Value::Object(body)
}
