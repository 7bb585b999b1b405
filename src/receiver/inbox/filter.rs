//! Which entries are asked for.

use clap::ValueEnum;
use jiff::Timestamp;

use super::integer;
use crate::receiver::received::Received;
use crate::store::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub order: Option<String>,
    pub status: Option<i64>,
    pub validity: Option<Validity>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Those with this text in the order id, the code, the explanation, the path or the body, without
    /// regard to the case of ASCII letters.
    pub text: Option<String>,
    /// Those with a greater number.
    pub after: Option<u64>,
    /// Those with a smaller number.
    pub before: Option<u64>,
    pub limit: Option<u64>,
    pub side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Validity {
    /// A valid signature, and every required field.
    Valid,
    /// Anything else.
    Invalid,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    OldestFirst,
    NewestFirst,
}

impl Filter {
    /// Whether all conditions apply to this entry; `limit` and `side` aside.
    pub fn admits(&self, entry: &Received) -> bool {
        let (judged, at) = (&entry.judged, entry.callback.received_at);
        self.after.is_none_or(|after| entry.id > after)
            && self.before.is_none_or(|before| entry.id < before)
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at <= until)
            && self.validity.is_none_or(|asked| (asked == Validity::Valid) == judged.is_valid())
            && self.status.is_none_or(|asked| judged.status == Some(asked))
            && self.order.as_ref().is_none_or(|asked| judged.order_id() == Some(asked))
            && self.finds_text(entry)
    }

    pub(super) fn finds_text(&self, entry: &Received) -> bool {
        self.text.as_ref().is_none_or(|text| has_text(entry, text.as_bytes()))
    }

    /// The query for the numbers of the entries that match, between these two and at most so many;
    /// the text is left to [`Filter::finds_text`].
    ///
    /// A condition that is not asked for is left out: SQLite would use no index for one that may hold.
    pub(super) fn query(&self, after: u64, before: u64, limit: u64) -> (String, Vec<Value>) {
        let mut sql = "SELECT id FROM entries WHERE id > ? AND id < ?".to_owned();
        let after = after.max(self.after.unwrap_or(0));
        let mut values = vec![integer(after), integer(before)];
        let time = |at: Timestamp| Value::Integer(at.as_microsecond());
        let is_valid = |validity| Value::Integer(i64::from(validity == Validity::Valid));
        for (condition, value) in [
            (" AND order_id = ?", self.order.clone().map(Value::from)),
            (" AND status = ?", self.status.map(Value::from)),
            (" AND (code = '0000') = ?", self.validity.map(is_valid)),
            (" AND received_at_us >= ?", self.since.map(time)),
            (" AND received_at_us <= ?", self.until.map(time)),
        ] {
            if let Some(value) = value {
                sql.push_str(condition);
                values.push(value);
            }
        }
        sql.push_str(match self.side {
            Side::OldestFirst => " ORDER BY id LIMIT ?",
            Side::NewestFirst => " ORDER BY id DESC LIMIT ?",
        });
        values.push(integer(limit));
        (sql, values)
    }
}

fn has_text(entry: &Received, text: &[u8]) -> bool {
    let judged = &entry.judged;
    let places = [
        judged.order_id().unwrap_or_default().as_bytes(),
        judged.code.as_bytes(),
        judged.explanation.as_deref().unwrap_or_default().as_bytes(),
        entry.callback.path.raw().as_bytes(),
        &entry.callback.body[..],
    ];
    places.iter().any(|place| contains(place, text))
}

fn contains(place: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, place).any(|at| {
        place.get(at..at + text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::example;

    #[test]
    fn every_condition_must_apply() {
        let entry = example::entry(7, "PO-7", br#"{"memo":"Blue \u00e9"}"#);
        let admits = |filter: Filter| filter.admits(&entry);
        let text = |text: &str| Filter { text: Some(text.into()), ..Filter::default() };
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        assert!(admits(Filter::default()));
        assert!(admits(Filter { before: Some(8), ..Filter::default() }));
        assert!(!admits(Filter { before: Some(7), ..Filter::default() }));
        assert!(admits(Filter { after: Some(6), ..Filter::default() }));
        assert!(!admits(Filter { after: Some(7), ..Filter::default() }));
        assert!(admits(text("blue")) && admits(text("PO-7")) && admits(text("/notify")));
        assert!(!admits(text("green")));
        assert!(admits(Filter { validity: Some(Validity::Valid), ..Filter::default() }));
        assert!(!admits(Filter { validity: Some(Validity::Invalid), ..Filter::default() }));
        assert!(admits(Filter { status: Some(3), ..text("memo") }));
        assert!(!admits(Filter { status: Some(4), ..text("memo") }));
        assert!(!admits(Filter { order: Some("PO-8".into()), ..Filter::default() }));
        let exact = Filter { since: at(1_790_000_000), until: at(1_790_000_000), ..text("") };
        assert!(admits(exact));
        assert!(!admits(Filter { since: at(1_790_000_001), ..Filter::default() }));
        assert!(!admits(Filter { until: at(1_789_999_999), ..Filter::default() }));
    }

    #[test]
    fn a_text_is_found_at_both_ends() {
        assert!(contains(b"abc", b"AB") && contains(b"abc", b"bC") && contains(b"", b""));
        assert!(!contains(b"ab", b"abc") && !contains(b"aab", b"ac"));
    }
}
