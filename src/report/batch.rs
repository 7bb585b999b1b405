//! Many payloads at once: what became of each line, and of all of them.

use serde_json::json;

use super::json;
use super::line::Line;
use crate::lines::error::BadLine;
use crate::mask::Untrusted;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineAnswer {
    Good,
    Invalid,
    Mismatched,
    PassedOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKind {
    Sign,
    Verify,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSummary {
    pub good: u64,
    pub invalid: u64,
    pub mismatched: u64,
    pub passed_over: u64,
    pub bad: u64,
}

impl BatchSummary {
    pub fn count(&mut self, answer: LineAnswer) {
        let counter = match answer {
            LineAnswer::Good => &mut self.good,
            LineAnswer::Invalid => &mut self.invalid,
            LineAnswer::Mismatched => &mut self.mismatched,
            LineAnswer::PassedOver => &mut self.passed_over,
        };
        *counter += 1;
    }

    pub fn add(&mut self, other: &BatchSummary) {
        self.good += other.good;
        self.invalid += other.invalid;
        self.mismatched += other.mismatched;
        self.passed_over += other.passed_over;
        self.bad += other.bad;
    }

    pub fn lines(&self) -> u64 {
        self.good + self.invalid + self.mismatched + self.passed_over + self.bad
    }

    /// The counts as a line for a person: `12 lines: 10 signed, 2 bad`.
    pub fn line(&self, kind: BatchKind) -> Line {
        let lines = self.lines();
        let line = Line::new()
            .strong(format!("{lines} {}", if lines == 1 { "line" } else { "lines" }))
            .plain(": ");
        let good = match kind {
            BatchKind::Sign => "signed",
            BatchKind::Verify => "matched",
        };
        let line = line.good(format!("{} ", self.good)).good(good);
        let line = line.count_bad(self.invalid, "matched but invalid");
        let line = match (kind, self.mismatched) {
            (BatchKind::Verify, 0) => line.plain(", 0 mismatched"),
            (_, mismatched) => line.count_bad(mismatched, "mismatched"),
        };
        let line = match self.bad {
            0 => line.plain(", 0 bad"),
            bad => line.count_bad(bad, "bad"),
        };
        match self.passed_over {
            0 => line,
            count => line.plain(format!(", {count} ")).plain("passed over"),
        }
    }
}

pub fn bad_line_json(bad: &BadLine) -> String {
    json::line(
        "error",
        &json!({
            "kind": "input",
            "message": bad.to_string(),
            "hints": [],
            "line": bad.number,
            "column": bad.column,
            "member": bad.member.as_ref().map(Untrusted::new),
        }),
    )
}

#[cfg(test)]
mod tests {
    use protocol::Payload;

    use super::*;

    fn text(line: &Line) -> String {
        line.spans.iter().map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn the_summary_names_what_there_was() {
        let mut summary = BatchSummary { good: 10, bad: 2, ..BatchSummary::default() };
        assert_eq!(text(&summary.line(BatchKind::Sign)), "12 lines: 10 signed, 2 bad");
        summary.count(LineAnswer::Invalid);
        summary.count(LineAnswer::Mismatched);
        summary.count(LineAnswer::PassedOver);
        assert_eq!(
            text(&summary.line(BatchKind::Verify)),
            "15 lines: 10 matched, 1 matched but invalid, 1 mismatched, 2 bad, 1 passed over"
        );
        let one = BatchSummary { good: 1, ..BatchSummary::default() };
        assert_eq!(text(&one.line(BatchKind::Verify)), "1 line: 1 matched, 0 mismatched, 0 bad");
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_place() {
        let error = Payload::parse(b"{\"a\":1,\"a\":2}").unwrap_err();
        let json = bad_line_json(&BadLine::no_payload(7, error));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["type"], &json["line"], &json["column"]),
            (&"error".into(), &7.into(), &8.into())
        );
    }
}
