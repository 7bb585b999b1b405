//! The work of `verify --lines`.

use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::internal::diagnosis::diagnose_briefly;
use protocol::internal::notification::{Expectation, Notification};
use protocol::{Algorithm, Dialect, Key, Payload, StatusTable, diagnose};

use super::chunk::{LineOutput, LineWork};
use crate::keyring::Keyring;
use crate::lines::error::BadLine;
use crate::lines::recorded::{Recorded, in_body, recorded};
use crate::report::batch::{LineAnswer, bad_line_json};
use crate::report::line::{Line, Width};
use crate::report::rows;
use crate::report::verification::{Strictness, VerificationReport};

pub struct VerifyLines {
    keys: Keyring,
    dialect: Dialect,
    required: Option<Algorithm>,
    strictness: Strictness,
    statuses: StatusTable,
    table: Option<LineTable>,
}

/// Rows for a person instead of JSON.
pub struct LineTable {
    width: Width,
    /// How many lines may still be searched for the mistake.
    searches: AtomicUsize,
}

/// The most lines of a table that are searched for the mistake: a search takes as long as the
/// verification of thousands of lines.
const MOST_SEARCHED: usize = 20;

impl LineTable {
    pub fn new(width: Width) -> Self {
        LineTable { width, searches: AtomicUsize::new(MOST_SEARCHED) }
    }

    fn may_search(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.searches.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl VerifyLines {
    pub fn new(
        keys: Keyring,
        dialect: &Dialect,
        required: Option<Algorithm>,
        strictness: Strictness,
        statuses: StatusTable,
        table: Option<LineTable>,
    ) -> Self {
        VerifyLines { keys, dialect: dialect.clone(), required, strictness, statuses, table }
    }

    fn verify(&self, number: u64, payload: &Payload<'_>, out: &mut LineOutput) -> LineAnswer {
        let verification = self.keys.verify(payload, &self.dialect, self.required);
        let table = (&self.dialect.layout, &self.statuses);
        // A whole search takes thousands of digests: too long for each of many lines.
        let is_searched = verification.can_be_diagnosed()
            && self.table.as_ref().is_some_and(LineTable::may_search);
        let diagnose = |key: &Key| match is_searched {
            true => diagnose(payload, &self.dialect, key, &[]),
            false => diagnose_briefly(payload, &self.dialect, key),
        };
        let report = VerificationReport {
            strictness: self.strictness,
            ..VerificationReport::new(payload, verification, table, &self.keys, diagnose)
        };
        match &self.table {
            None => out.text.push_str(&report.json_of_line(number)),
            Some(LineTable { width, .. }) => {
                let (layout, expectation) = (&self.dialect.layout, Expectation::AnyPayload);
                let order = Notification::read(payload, expectation, layout, &self.statuses);
                out.rows.extend(rows::row(number, &order, &report, *width));
            }
        }
        match report.mismatch() {
            _ if report.is_valid() => LineAnswer::Good,
            None => LineAnswer::Invalid,
            Some(_) => LineAnswer::Mismatched,
        }
    }
}

impl LineWork for VerifyLines {
    type Scratch = ();

    fn line(
        &self,
        number: u64,
        line: &[u8],
        (): &mut (),
        out: &mut LineOutput,
    ) -> Result<LineAnswer, BadLine> {
        let outer = Payload::parse(line).map_err(|error| BadLine::no_payload(number, error))?;
        match recorded(number, &outer)? {
            // A line that only calls itself something else is verified like any other.
            Recorded::Payload | Recorded::Event => Ok(self.verify(number, &outer, out)),
            Recorded::Frame => Ok(LineAnswer::PassedOver),
            Recorded::Body(body) => {
                let payload = Payload::parse(&body).map_err(|error| in_body(number, &error))?;
                Ok(self.verify(number, &payload, out))
            }
        }
    }

    fn bad(&self, bad: &BadLine, out: &mut LineOutput) {
        match &self.table {
            None => out.text.push_str(&bad_line_json(bad)),
            Some(LineTable { width, .. }) => out.rows.extend(rows::bad_row(bad, *width)),
        }
    }

    fn head(&self) -> Option<Line> {
        self.table.as_ref().map(|table| rows::head(table.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    const SIGNED: &str = r#"{"amount":100,"sign":"3ba9b8db8aaf9a1a1af60e6f8b0e6b0b"}"#;

    fn lines() -> VerifyLines {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let statuses = StatusTable::PLATFORM;
        VerifyLines::new(key.into(), Dialect::platform(), None, Strictness::Normal, statuses, None)
    }

    fn verified(line: &str) -> (Result<LineAnswer, BadLine>, String) {
        let mut out = LineOutput::default();
        let answer = lines().line(5, line.as_bytes(), &mut (), &mut out);
        (answer, out.text)
    }

    #[test]
    fn a_line_gives_its_verification_with_its_number() {
        let (answer, out) = verified(SIGNED);
        assert_eq!(answer, Ok(LineAnswer::Mismatched));
        let json: Json = serde_json::from_str(&out).unwrap();
        assert_eq!(json["type"], "verification");
        assert_eq!(json["line"], 5);
        assert_eq!(json["reason"], "digest");
        assert_eq!(out.find('\n'), Some(out.len() - 1));
    }

    #[test]
    fn the_body_of_an_exported_callback_is_the_payload() {
        let callback = json!({"type": "callback", "schema_version": 1, "body": SIGNED});
        let (answer, out) = verified(&callback.to_string());
        assert_eq!(answer, Ok(LineAnswer::Mismatched));
        assert_eq!(out, verified(SIGNED).1);
        let (answer, _) = verified(&json!({"type": "callback", "body": "{\n\"a\":}"}).to_string());
        assert_eq!(
            answer.unwrap_err().to_string(),
            "line 5, member \"body\": line 2, column 5, member \"a\": expected a JSON value, found '}'"
        );
    }

    #[test]
    fn the_other_lines_of_a_listener_are_passed_over_and_nothing_else_is() {
        let answer = |line| verified(line).0;
        assert_eq!(answer(r#"{"type":"ready","schema_version":1}"#), Ok(LineAnswer::PassedOver));
        for line in [
            r#"{"type":"summary"}"#,
            r#"{"type":"ready","schema_version":1,"sign":"x"}"#,
            r#"{"type":"callback","body":5}"#,
            r#"{"type":"other","schema_version":1}"#,
        ] {
            assert_eq!(answer(line), Ok(LineAnswer::Mismatched), "{line}");
        }
    }

    #[test]
    fn an_error_stands_in_the_place_of_a_bad_line() {
        let bad = verified("{").0.unwrap_err();
        let mut out = LineOutput::default();
        lines().bad(&bad, &mut out);
        let json: Json = serde_json::from_str(&out.text).unwrap();
        assert_eq!((&json["type"], &json["line"]), (&json!("error"), &json!(5)));
    }
}
