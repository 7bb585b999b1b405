//! What `verify` found, for a person and for a program.

use protocol::internal::canonical::canonicalize;
use protocol::internal::notification::{Expectation, findings};
use protocol::internal::signature::Verification;
use protocol::{Diagnosis, Finding, Key, Layout, Mismatch, Payload, Severity, StatusTable};
use serde_json::{Value, json};

use super::comparison::Own;
use super::diagnosis;
use super::explanation::Explanation;
use super::json;
use super::line::Line;
use crate::keyring::{KeyLabel, Keyring};
use crate::mask::Untrusted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    Normal,
    Strict,
}

#[derive(Clone, Debug)]
pub struct VerificationReport {
    pub verification: Verification,
    pub findings: Vec<Finding>,
    pub diagnosis: Option<Diagnosis>,
    pub strictness: Strictness,
    pub masked_canonical: String,
    /// Of the key that matched, or that explains the mismatch, or else of the first.
    pub key_fingerprint: String,
    /// Which of several keys that is; `None` where it is the first for want of a better one.
    pub key: Option<KeyLabel>,
    pub steps: Option<Explanation>,
    /// The signature that would have matched, where it does not and --show-expected is given.
    pub expected: Option<String>,
    /// The developer's own digest or string, where one was given.
    pub own: Option<Own>,
}

impl VerificationReport {
    /// `diagnose` is called only where a mismatch can be diagnosed, with one key after the other.
    pub fn new(
        payload: &Payload<'_>,
        verification: Verification,
        (layout, statuses): (&Layout, &StatusTable),
        keys: &Keyring,
        diagnose: impl Fn(&Key) -> Diagnosis,
    ) -> Self {
        let scheme = &verification.scheme;
        let (key, diagnosis) = match verification.can_be_diagnosed() {
            true => {
                let (key, diagnosis) = keys.diagnose(&verification, diagnose);
                (key, Some(diagnosis))
            }
            false => (verification.mismatch().is_none().then_some(verification.key), None),
        };
        VerificationReport {
            findings: findings(payload, Expectation::AnyPayload, layout, statuses),
            diagnosis,
            strictness: Strictness::Normal,
            masked_canonical: canonicalize(payload, scheme).masked(scheme),
            key_fingerprint: keys.fingerprint(key.unwrap_or(0)).to_owned(),
            key: key.and_then(|key| keys.label(key)),
            steps: None,
            expected: None,
            own: None,
            verification,
        }
    }

    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.verification.mismatch()
    }

    pub fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            finding.severity == Severity::Error || self.strictness == Strictness::Strict
        })
    }

    pub fn is_valid(&self) -> bool {
        self.mismatch().is_none() && self.faults().next().is_none()
    }

    pub fn lines(&self) -> Vec<Line> {
        let mut lines = self.answer_lines();
        if let Some(expected) = &self.expected {
            lines.push(Line::new().dim("  expected   ").plain(expected));
        }
        lines.extend(self.steps.iter().flat_map(|steps| steps.lines(self.expected.as_deref())));
        lines.extend(self.own.iter().flat_map(Own::lines));
        lines
    }

    fn answer_lines(&self) -> Vec<Line> {
        let scheme = self.verification.scheme.algorithm;
        let key = match &self.key {
            Some(label) => format!("{}, {label}", self.key_fingerprint),
            None => self.key_fingerprint.clone(),
        };
        let Some(mismatch) = self.mismatch() else {
            let matches = format!("the {scheme} signature matches (key {key})");
            return vec![match self.faults().count() {
                0 => Line::new().good("valid").plain(format!(": {matches}")),
                faults => Line::new().bad("invalid").plain(format!(
                    ": {matches}, but {faults} {} against the notification's fields",
                    if faults == 1 { "finding counts" } else { "findings count" },
                )),
            }];
        };
        let given = given(&self.verification);
        let mut lines = vec![
            Line::new().bad("no match").plain(format!(": {}", mismatch.explanation())),
            Line::new().dim("  given      ").plain(given),
            Line::new().dim("  scheme     ").plain(scheme.name()),
        ];
        // The steps show it too, unless they retrace another scheme than the given one.
        if self.steps.as_ref().is_none_or(|it| it.masked_canonical != self.masked_canonical) {
            lines.push(
                Line::new().dim("  canonical  ").plain(Untrusted::new(&self.masked_canonical)),
            );
        }
        lines.push(Line::new().dim("  key        ").plain(format!("{key} (fingerprint)")));
        lines.extend(self.diagnosis.iter().flat_map(diagnosis::lines));
        lines
    }

    pub fn json(&self) -> String {
        json::line("verification", &self.body())
    }

    /// The result for a program, with the line of the input that it is about, from 1; the canonical
    /// string of a signature that matches only where it `is_explained`.
    pub fn json_of_line(&self, line: u64, is_explained: bool) -> String {
        let mut body = self.body();
        body["line"] = line.into();
        if self.mismatch().is_none() && !is_explained {
            body["canonical"] = Value::Null;
        }
        json::line("verification", &body)
    }

    fn body(&self) -> Value {
        let mismatch = self.mismatch();
        json!({
            "valid": self.is_valid(),
            "signature": if mismatch.is_none() { "match" } else { "mismatch" },
            "sign_type": self.verification.scheme.algorithm.name(),
            "given": self.verification.given.as_ref().map(Untrusted::new),
            "reason": mismatch.map(Mismatch::code),
            "explanation": mismatch.map(Mismatch::explanation),
            "canonical": Untrusted::new(&self.masked_canonical),
            "key": self.key,
            "key_fingerprint": self.key_fingerprint,
            "findings": json::findings(&self.findings),
            "diagnosis": diagnosis::json(self.diagnosis.as_ref()),
            "steps": self.steps.as_ref().map(Explanation::json),
            "expected": self.expected,
            "own": self.own.as_ref().map(Own::json),
            "line": null,
        })
    }
}

/// The signature as it came.
pub fn given(verification: &Verification) -> String {
    let given = verification.given.as_ref().map(Untrusted::new);
    given.map_or_else(|| "(none)".to_owned(), |given| given.to_string())
}

pub fn finding_line(finding: &Finding) -> Line {
    let line = match finding.severity {
        Severity::Error => Line::new().bad("error"),
        Severity::Warning => Line::new().warn("warning"),
    };
    match &finding.member {
        Some(member) => line.plain(format!(": {}: {}", Untrusted::new(&member), finding.message)),
        None => line.plain(format!(": {}", finding.message)),
    }
}
