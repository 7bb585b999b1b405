//! The work of `verify --lines`.

use protocol::internal::diagnosis::diagnose_briefly;
use protocol::{Algorithm, Dialect, Key, Payload, StatusTable};

use super::chunk::LineWork;
use crate::keyring::Keyring;
use crate::lines::error::BadLine;
use crate::lines::recorded::{Recorded, in_body, recorded};
use crate::report::batch::{LineAnswer, bad_line_json};
use crate::report::verification::{Strictness, VerificationReport};

pub struct VerifyLines {
    keys: Keyring,
    dialect: Dialect,
    required: Option<Algorithm>,
    strictness: Strictness,
    statuses: StatusTable,
}

impl VerifyLines {
    pub fn new(
        keys: Keyring,
        dialect: &Dialect,
        required: Option<Algorithm>,
        strictness: Strictness,
        statuses: StatusTable,
    ) -> Self {
        VerifyLines { keys, dialect: dialect.clone(), required, strictness, statuses }
    }

    fn verify(&self, number: u64, payload: &Payload<'_>, out: &mut String) -> LineAnswer {
        let verification = self.keys.verify(payload, &self.dialect, self.required);
        // A whole search takes thousands of digests: too long for one line of many.
        let table = (&self.dialect.layout, &self.statuses);
        let diagnose = |key: &Key| diagnose_briefly(payload, &self.dialect, key);
        let report = VerificationReport {
            strictness: self.strictness,
            ..VerificationReport::new(payload, verification, table, &self.keys, diagnose)
        };
        out.push_str(&report.json_of_line(number));
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
        out: &mut String,
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

    fn bad(&self, bad: &BadLine, out: &mut String) {
        out.push_str(&bad_line_json(bad));
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
        VerifyLines::new(key.into(), Dialect::platform(), None, Strictness::Normal, statuses)
    }

    fn verified(line: &str) -> (Result<LineAnswer, BadLine>, String) {
        let mut out = String::new();
        let answer = lines().line(5, line.as_bytes(), &mut (), &mut out);
        (answer, out)
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
            "line 5, member \"body\": line 2, column 5, member \"a\": a JSON value is wanted, not '}'"
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
        let mut out = String::new();
        lines().bad(&bad, &mut out);
        let json: Json = serde_json::from_str(&out).unwrap();
        assert_eq!((&json["type"], &json["line"]), (&json!("error"), &json!(5)));
    }
}
