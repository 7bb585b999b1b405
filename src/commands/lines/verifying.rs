//! The work of `verify --lines`.

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::internal::canonical::{CanonicalString, KnownPairs};
use protocol::internal::diagnosis::diagnose_briefly;
use protocol::internal::notification::{Expectation, KnownFields, Notification};
use protocol::internal::payload::PayloadMemory;
use protocol::internal::signature::{Verification, bare_signature};
use protocol::{Algorithm, Dialect, Finding, Key, Payload, StatusTable, diagnose};

use super::chunk::{LineOutput, LineWork};
use super::digest_queue::DigestQueue;
use crate::keyring::Keyring;
use crate::lines::error::BadLine;
use crate::lines::recorded::{Recorded, in_body, recorded};
use crate::mask::{self, outside};
use crate::report::batch::{BatchSummary, LineAnswer, bad_line_json};
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
    /// Whether the canonical string of a valid payload is shown.
    is_explained: bool,
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
        is_explained: bool,
    ) -> Self {
        let dialect = dialect.clone();
        VerifyLines { keys, dialect, required, strictness, statuses, table, is_explained }
    }

    fn report(&self, payload: &Payload<'_>, verification: Verification) -> VerificationReport {
        let table = (&self.dialect.layout, &self.statuses);
        // A whole search takes thousands of digests: too long for each of many lines.
        let is_searched = verification.can_be_diagnosed()
            && self.table.as_ref().is_some_and(LineTable::may_search);
        let diagnose = |key: &Key| match is_searched {
            true => diagnose(payload, &self.dialect, key, &[]),
            false => diagnose_briefly(payload, &self.dialect, key),
        };
        VerificationReport {
            strictness: self.strictness,
            ..VerificationReport::new(payload, verification, table, &self.keys, diagnose)
        }
    }

    fn verify(&self, number: u64, payload: &Payload<'_>, out: &mut LineOutput) -> LineAnswer {
        let verification = self.keys.verify(payload, &self.dialect, self.required);
        let report = self.report(payload, verification);
        match &self.table {
            None => out.text.push_str(&report.json_of_line(number, self.is_explained)),
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

/// A line whose digest is computed with those of others.
struct WaitingLine {
    number: u64,
    /// Where in the output its JSON belongs.
    place: usize,
    /// Its payload, in the scratch.
    payload: Range<usize>,
    /// Its signature there.
    given: Range<usize>,
    assessment: Assessment,
}

/// What decides the JSON of a line whose signature matches, but for its number and signature.
#[derive(PartialEq, Eq)]
struct Assessment {
    algorithm: Algorithm,
    findings: Vec<Finding>,
}

#[derive(Default)]
pub struct VerifyScratch {
    memory: PayloadMemory,
    canonical: CanonicalString,
    pairs: KnownPairs,
    fields: KnownFields,
    waiting: DigestQueue<WaitingLine>,
    payloads: Vec<u8>,
    matching: Vec<(Assessment, MatchingLine)>,
    /// The text of an earlier chunk, for its memory.
    spare: String,
}

impl VerifyLines {
    /// Whether the payload is verified with others, which it is where its signature may be right.
    fn verify_later(
        &self,
        number: u64,
        payload: &Payload<'_>,
        place: usize,
        scratch: &mut VerifyScratch,
    ) -> bool {
        let found = bare_signature(payload, &self.dialect, self.required);
        let Some((scheme, given)) = found.filter(|_| self.table.is_none() && !self.is_explained)
        else {
            return false;
        };
        let (layout, expectation) = (&self.dialect.layout, Expectation::AnyPayload);
        let reader = scratch.fields.reader(payload, layout, &self.statuses);
        let findings = reader.findings(expectation);
        scratch.pairs.canonicalize_into(payload, scheme, &mut scratch.canonical);
        let start = scratch.payloads.len();
        scratch.payloads.extend_from_slice(payload.text().as_bytes());
        let end = scratch.payloads.len();
        scratch.payloads.extend_from_slice(given.as_bytes());
        let line = WaitingLine {
            number,
            place,
            payload: start..end,
            given: end..scratch.payloads.len(),
            assessment: Assessment { algorithm: scheme.algorithm, findings },
        };
        scratch.waiting.push(&scratch.canonical, scheme, self.keys.first(), line);
        true
    }

    fn verify_line(
        &self,
        number: u64,
        payload: &Payload<'_>,
        scratch: &mut VerifyScratch,
        out: &mut LineOutput,
    ) -> Option<LineAnswer> {
        match self.verify_later(number, payload, out.text.len(), scratch) {
            true => None,
            false => Some(self.verify(number, payload, out)),
        }
    }
}

/// The most of them that are kept; each finding can name another field.
const MOST_ASSESSMENTS: usize = 64;

/// The JSON of lines with one of them.
struct MatchingLine {
    answer: LineAnswer,
    before_given: String,
    before_line: String,
    end: String,
}

impl MatchingLine {
    /// From such a line with the number 0.
    fn new(json: &str, answer: LineAnswer) -> Self {
        let (before_given, rest) = json.split_once(GIVEN).unwrap_or_default();
        let (_, rest) = rest.split_once('"').unwrap_or_default();
        let (before_line, end) = rest.split_once("\"line\":0").unwrap_or_default();
        let [before_given, before_line, end] = [before_given, before_line, end].map(str::to_owned);
        MatchingLine { answer, before_given, before_line, end }
    }

    fn write(&self, number: u64, given: &str, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        let given = if mask::may_be_in_digits(given.len()) { outside(given) } else { given.into() };
        for part in [
            &*self.before_given,
            GIVEN,
            &*given,
            "\"",
            &*self.before_line,
            "\"line\":",
            digits.format(number),
            &*self.end,
        ] {
            out.push_str(part);
        }
    }
}

const GIVEN: &str = "\"given\":\"";

impl LineWork for VerifyLines {
    type Scratch = VerifyScratch;

    fn line(
        &self,
        number: u64,
        line: &[u8],
        scratch: &mut VerifyScratch,
        out: &mut LineOutput,
    ) -> Result<Option<LineAnswer>, BadLine> {
        let outer = Payload::parse_in(line, mem::take(&mut scratch.memory))
            .map_err(|error| BadLine::no_payload(number, error))?;
        let answer = match recorded(number, &outer)? {
            // A line that only calls itself something else is verified like any other.
            Recorded::Payload | Recorded::Event => self.verify_line(number, &outer, scratch, out),
            Recorded::Frame => Some(LineAnswer::PassedOver),
            Recorded::Body(body) => {
                let payload = Payload::parse(&body).map_err(|error| in_body(number, &error))?;
                self.verify_line(number, &payload, scratch, out)
            }
        };
        scratch.memory = outer.into_memory();
        Ok(answer)
    }

    fn end(&self, scratch: &mut VerifyScratch, out: &mut LineOutput, summary: &mut BatchSummary) {
        let VerifyScratch { waiting, payloads, matching, spare, .. } = scratch;
        let text = spare;
        text.clear();
        let mut written = 0;
        for (line, signature) in waiting.signed(self.keys.first()) {
            // What other lines gave at once.
            text.push_str(&out.text[written..line.place]);
            written = line.place;
            let given = std::str::from_utf8(&payloads[line.given]).unwrap_or_default();
            let bytes = &payloads[line.payload];
            let payload = || Payload::parse(bytes).expect("it was parsed before");
            if !signature.matches(given) {
                let mut alone = LineOutput::default();
                summary.count(self.verify(line.number, &payload(), &mut alone));
                text.push_str(&alone.text);
                continue;
            }
            let known = matching.iter().position(|(known, _)| *known == line.assessment);
            let at = known.unwrap_or_else(|| {
                let mut first = LineOutput::default();
                let answer = self.verify(0, &payload(), &mut first);
                if matching.len() == MOST_ASSESSMENTS {
                    matching.clear();
                }
                matching.push((line.assessment, MatchingLine::new(&first.text, answer)));
                matching.len() - 1
            });
            let found = &matching[at].1;
            found.write(line.number, given, text);
            summary.count(found.answer);
        }
        text.push_str(&out.text[written..]);
        mem::swap(text, &mut out.text);
        payloads.clear();
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
    use crate::commands::signing::sign_payload;
    use serde_json::{Value as Json, json};

    const SIGNED: &str = r#"{"amount":100,"sign":"3ba9b8db8aaf9a1a1af60e6f8b0e6b0b"}"#;

    fn lines() -> VerifyLines {
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let statuses = StatusTable::PLATFORM;
        let (dialect, strictness) = (Dialect::platform(), Strictness::Normal);
        VerifyLines::new(key.into(), dialect, None, strictness, statuses, None, false)
    }

    fn verified(line: &str) -> (Result<LineAnswer, BadLine>, String) {
        let (mut out, mut scratch) = (LineOutput::default(), VerifyScratch::default());
        let (work, mut summary) = (lines(), BatchSummary::default());
        let answer = work.line(5, line.as_bytes(), &mut scratch, &mut out);
        work.end(&mut scratch, &mut out, &mut summary);
        let later = match summary {
            BatchSummary { good: 1, .. } => LineAnswer::Good,
            BatchSummary { invalid: 1, .. } => LineAnswer::Invalid,
            _ => LineAnswer::Mismatched,
        };
        (answer.map(|answer| answer.unwrap_or(later)), out.text)
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

    /// The payload without a signature, signed.
    fn signed(unsigned: &str, algorithm: Algorithm) -> String {
        let payload = Payload::parse(unsigned.as_bytes()).unwrap();
        let key = Key::try_new(b"ThisIsYourSecretKey123".to_vec()).unwrap();
        let edits = [].iter();
        let (dialect, chosen) = (Dialect::platform(), Some(algorithm));
        sign_payload(&payload, edits, dialect, chosen, &key).unwrap().body
    }

    #[test]
    fn lines_verified_together_give_what_each_gives_alone() {
        let notification = r#"{"payout_id":"P1","payout_cl_id":"c\u0031","platform_id":"PF1","amount":400000,"real_amount":400000,"fee":3200,"status":3,"create_time":1567614049,"update_time":1567614111}"#;
        let mut texts = Vec::new();
        for unsigned in [notification, &notification.replace(":3,", ":1,"), r#"{"a":1}"#, "{}"] {
            for algorithm in [Algorithm::Md5, Algorithm::HmacSha256] {
                let right = signed(unsigned, algorithm);
                let callback = json!({"type": "callback", "schema_version": 1, "body": right});
                let wrong = right.replace(['0', '7'], "1");
                let digits = &right[right.len() - 22..right.len() - 2];
                texts.extend([
                    callback.to_string(),
                    wrong,
                    right.replace(digits, &digits.to_uppercase()),
                ]);
                texts.extend([right.replace("PF1", "PF2"), right]);
            }
        }
        texts.push(r#"{"type":"ready","schema_version":1}"#.to_owned());
        let all = |is_explained: bool| {
            let work = VerifyLines { is_explained, ..lines() };
            let (mut out, mut scratch) = (LineOutput::default(), VerifyScratch::default());
            let mut summary = BatchSummary::default();
            for (number, text) in (1..).zip(&texts) {
                let answer = work.line(number, text.as_bytes(), &mut scratch, &mut out).unwrap();
                answer.into_iter().for_each(|answer| summary.count(answer));
            }
            work.end(&mut scratch, &mut out, &mut summary);
            (summary, out.text)
        };
        let ((together, text), (alone, explained)) = (all(false), all(true));
        assert_eq!((together, together.lines()), (alone, texts.len() as u64));
        assert!(together.good >= 8 && together.mismatched >= 8, "{together:?}");
        for (line, explained) in text.lines().zip(explained.lines()) {
            let (line, mut explained): (Json, Json) =
                (serde_json::from_str(line).unwrap(), serde_json::from_str(explained).unwrap());
            assert!(explained["canonical"].is_string());
            if explained["signature"] == "match" {
                explained["canonical"] = Json::Null;
            }
            assert_eq!(line, explained);
        }
        assert_eq!(text.lines().count(), explained.lines().count());
    }

    #[test]
    fn any_number_of_findings_is_written_as_for_each_line_alone() {
        let (work, mut scratch) = (lines(), VerifyScratch::default());
        let (mut together, mut alone) = (LineOutput::default(), String::new());
        let mut summary = BatchSummary::default();
        let count = 3 * MOST_ASSESSMENTS as u64;
        for number in 1..=count {
            let unsigned = format!(
                r#"{{"payout_id":"P1","payout_cl_id":"c","platform_id":"PF1","amount":1,"fee":0,"status":3,"field\"{}":1}}"#,
                number % (MOST_ASSESSMENTS as u64 * 2)
            );
            let text = signed(&unsigned, Algorithm::Md5);
            assert_eq!(work.line(number, text.as_bytes(), &mut scratch, &mut together), Ok(None));
            let mut out = LineOutput::default();
            work.verify(number, &Payload::parse(text.as_bytes()).unwrap(), &mut out);
            alone += &out.text;
        }
        work.end(&mut scratch, &mut together, &mut summary);
        assert_eq!(together.text, alone);
        assert_eq!(summary, BatchSummary { invalid: count, ..BatchSummary::default() });
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
