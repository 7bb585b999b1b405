//! The orders of an exported test: texts with places for what differs from order to order.
//!
//! The payload is changed, canonicalized and signed here, by the same code that `simulate` runs,
//! with marks in the place of what differs. What is left to the engine is to fill the places and to
//! take the digest.

use std::{fmt, iter};

use jiff::Timestamp;
use protocol::internal::edit::{Edit, json_string};
use protocol::{Algorithm, Dialect, Key, Payload, Scheme, StatusTable, Times, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::super::args::input::read_payload;
use super::super::signing::{Signed, choose_scheme, edited, sign_payload};
use crate::error::CommandError;
use crate::sender::orders::example::Example;
use crate::sender::orders::ids::OrderIds;
use crate::sender::orders::template::{Change, Segment};

/// Where the numbers in the orders' ids begin: with more digits than the example's, so that runs and
/// processes that draw their own beginning hardly ever meet.
const FIRST_IDS: Draw = Draw::Id(1_000_000_000_000_000, 8_899_999_999_999_999);

const EXACT: i64 = (1 << 53) - 1;

const TRIES: u64 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Json")]
pub(super) enum Draw {
    /// The order's number in the run, from 1.
    Number,
    /// The time in Unix seconds, less so many seconds.
    Now(i64),
    /// The time in Unix milliseconds.
    NowMillis,
    /// A random UUID of version 4.
    Uuid,
    Hex(usize),
    Range(i64, i64),
    Id(i64, i64),
}

impl Draw {
    /// What stands for a placeholder; nothing for plain text.
    fn of(segment: &Segment) -> Option<Draw> {
        Some(match segment {
            Segment::Literal(_) => return None,
            Segment::Number => Draw::Number,
            Segment::Uuid => Draw::Uuid,
            Segment::Now => Draw::Now(0),
            Segment::NowMillis => Draw::NowMillis,
            Segment::Hex(digits) => Draw::Hex(*digits),
            Segment::Range(low, high) => Draw::Range(*low, *high),
        })
    }

    pub(super) fn is_exact_in_javascript(self) -> bool {
        let Draw::Range(low, high) = self else { return true };
        let is_exact = |number: i64| number.unsigned_abs() <= EXACT.unsigned_abs();
        is_exact(low) && is_exact(high) && high.checked_sub(low).is_some_and(is_exact)
    }

    fn sample(self, random: &mut fastrand::Rng) -> String {
        match self {
            Draw::Number => random.u32(1..).to_string(),
            Draw::Now(_) => random.u32(..).to_string(),
            Draw::NowMillis => random.u64(..1 << 43).to_string(),
            Draw::Uuid => format!("{:08x}-a", random.u32(..)),
            Draw::Hex(digits) => {
                (0..digits).map(|_| char::from(b"0123456789abcdef"[random.usize(0..16)])).collect()
            }
            Draw::Range(low, high) | Draw::Id(low, high) => random.i64(low..=high).to_string(),
        }
    }
}

/// As the scripts read it: a name, and its arguments as texts, since they may have 64 bits.
impl From<Draw> for Json {
    fn from(draw: Draw) -> Json {
        match draw {
            Draw::Number => json!(["n"]),
            Draw::Now(before) => json!(["now", before.to_string()]),
            Draw::NowMillis => json!(["now_ms"]),
            Draw::Uuid => json!(["uuid"]),
            Draw::Hex(digits) => json!(["hex", digits.to_string()]),
            Draw::Range(low, high) => json!(["range", low.to_string(), high.to_string()]),
            Draw::Id(low, high) => json!(["id", low.to_string(), high.to_string()]),
        }
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Draw::Range(low, high) => write!(f, "{{{low}..{high}}}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum BodyPart {
    Text(String),
    Value(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct OrderKind {
    pub(super) weight: u64,
    pub(super) draws: Vec<Draw>,
    /// What is signed, without the key.
    pub(super) canonical: Vec<BodyPart>,
    pub(super) body: Vec<BodyPart>,
}

pub(super) struct Recipe<'a> {
    pub(super) changes: Vec<Change>,
    pub(super) dialect: &'a Dialect,
    pub(super) chosen: Option<Algorithm>,
    pub(super) statuses: StatusTable,
    pub(super) now: Timestamp,
}

impl<'a> Recipe<'a> {
    pub(super) fn scheme(&self) -> Result<&'a Scheme, CommandError> {
        Ok(self.make(self.statuses.success(), &mut |_| "1".to_owned())?.scheme)
    }

    pub(super) fn order(&self, status: i64, weight: u64) -> Result<OrderKind, CommandError> {
        let mut random = fastrand::Rng::with_seed(status.cast_unsigned());
        for salt in 0..TRIES {
            let (mut draws, mut marks) = (Vec::new(), Vec::new());
            let made = self.make(status, &mut |draw| {
                // Digits: they may be in a number, and in a text.
                let mark = format!("7{salt:04}1{:06}9", draws.len());
                draws.push(draw);
                marks.push(mark.clone());
                mark
            })?;
            let unclear = |text: &str, mark: &String| occurrences(text, mark) > 1;
            let (canonical, signature) = (made.canonical.as_str(), made.signature.as_str());
            let texts = [canonical, &made.body];
            let is_unclear = |mark| texts.iter().any(|text| unclear(text, mark));
            if marks.iter().any(is_unclear) || occurrences(&made.body, signature) != 1 {
                continue;
            }
            // A member that a later change replaced took its places along.
            let used: Vec<usize> =
                (0..marks.len()).filter(|at| made.body.contains(&marks[*at])).collect();
            let mut places: Vec<&str> = used.iter().map(|at| &*marks[*at]).collect();
            let canonical = parts(canonical, &places);
            places.push(signature);
            let body = parts(&made.body, &places);
            let draws = used.iter().map(|at| draws[*at]).collect();
            let kind = OrderKind { weight, draws, canonical, body };
            self.compare(&kind, status, &used, &mut random)?;
            return Ok(kind);
        }
        Err(CommandError::usage("the changes hold too many numbers like the marks of an export"))
    }

    /// Makes orders in both ways: the parts must give what the tool itself makes.
    fn compare(
        &self,
        kind: &OrderKind,
        status: i64,
        used: &[usize],
        random: &mut fastrand::Rng,
    ) -> Result<(), CommandError> {
        for _ in 0..4 {
            let mut values = Vec::new();
            let made = self.make(status, &mut |draw| {
                let value = draw.sample(random);
                values.push(value.clone());
                value
            })?;
            let mut values: Vec<&str> = used.iter().map(|at| &*values[*at]).collect();
            values.push(made.signature.as_str());
            if fill(&kind.canonical, &values) != made.canonical.as_str()
                || fill(&kind.body, &values) != made.body
            {
                return Err(CommandError::usage("a change cannot be exported")
                    .hint("a placeholder cannot be part of an escape such as \\u0041"));
            }
        }
        Ok(())
    }

    fn make(
        &self,
        status: i64,
        draw: &mut dyn FnMut(Draw) -> String,
    ) -> Result<Signed<'a>, CommandError> {
        // A time that is not a number is the one of the export.
        let completed_at = match self.dialect.layout.times {
            Times::Seconds | Times::Milliseconds => Timestamp::UNIX_EPOCH,
            _ => self.now,
        };
        let failed = self.statuses.failed();
        let example = Example { status, failed, completed_at }.payload(&OrderIds::new(0), 0);
        let fresh = edited(&parse(&example)?, self.fresh(&example, draw).iter())?;
        let layout = &self.dialect.layout;
        let order = layout.rewrite(&fresh, &self.statuses);
        let order = edited(&parse(&order)?, self.edits(draw).iter())?;
        let (scheme, _) = choose_scheme(&parse(&order)?, self.dialect, self.chosen)?;
        let sent = layout.transport.encode(&parse(&order)?, scheme.nulls);
        let sent =
            read_payload(sent.as_bytes(), "the changed payload", layout.transport.encoding())?;
        let key = Key::try_new(b"no key".to_vec())
            .map_err(|error| CommandError::usage("no key").because(error))?;
        sign_payload(&sent, iter::empty(), self.dialect, self.chosen, &key)
    }

    /// What differs from order to order: the ids, and the times where they are numbers.
    fn fresh(&self, example: &str, draw: &mut dyn FnMut(Draw) -> String) -> Vec<Edit> {
        // The example is completed at 0: it was created before that.
        let created = parse(example).ok().and_then(|payload| {
            match payload.get("create_time").map(|member| &member.value) {
                Some(Value::Number(digits)) => digits.parse::<i64>().ok(),
                _ => None,
            }
        });
        let took = created.unwrap_or_default().saturating_neg();
        let put = |name: &str, json: String| Edit::Put { name: name.to_owned(), json };
        let mut edits = vec![
            put("payout_id", json_string(&format!("POT{}", draw(FIRST_IDS)))),
            put("payout_cl_id", json_string(&draw(Draw::Hex(32)))),
        ];
        if matches!(self.dialect.layout.times, Times::Seconds | Times::Milliseconds) {
            edits.push(put("create_time", draw(Draw::Now(took))));
            edits.push(put("update_time", draw(Draw::Now(0))));
        }
        edits
    }

    fn edits(&self, draw: &mut dyn FnMut(Draw) -> String) -> Vec<Edit> {
        let put = |name: &str, json: String| Edit::Put { name: name.to_owned(), json };
        let mut edits = Vec::new();
        for change in &self.changes {
            edits.push(match change {
                Change::Remove { name } => Edit::Remove { name: name.clone() },
                Change::Put { name, template } => {
                    let mut write = |segment: &Segment, out: &mut String| {
                        out.push_str(&Draw::of(segment).map(&mut *draw).unwrap_or_default());
                    };
                    put(name, template.fill(&mut write))
                }
            });
        }
        edits
    }
}

fn parse(text: &str) -> Result<Payload<'_>, CommandError> {
    super::super::args::parse_payload(text.as_bytes(), "the changed payload")
}

fn occurrences(text: &str, part: &str) -> usize {
    (0..text.len()).filter(|at| text.is_char_boundary(*at) && text[*at..].starts_with(part)).count()
}

/// A text cut at its marks, each of which it holds at most once.
fn parts(text: &str, marks: &[&str]) -> Vec<BodyPart> {
    let mut found: Vec<(usize, usize)> = marks
        .iter()
        .enumerate()
        .filter_map(|(index, mark)| text.find(mark).map(|at| (at, index)))
        .collect();
    found.sort_unstable();
    let (mut parts, mut end) = (Vec::new(), 0);
    for (at, index) in found {
        let before = text.get(end..at).unwrap_or_default();
        if !before.is_empty() {
            parts.push(BodyPart::Text(before.to_owned()));
        }
        parts.push(BodyPart::Value(index));
        end = at + marks[index].len();
    }
    let rest = text.get(end..).unwrap_or_default();
    if !rest.is_empty() {
        parts.push(BodyPart::Text(rest.to_owned()));
    }
    parts
}

fn fill(parts: &[BodyPart], values: &[&str]) -> String {
    let piece = |part: &BodyPart| match part {
        BodyPart::Text(text) => text.clone(),
        BodyPart::Value(index) => values.get(*index).copied().unwrap_or_default().to_owned(),
    };
    parts.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::orders::template::Template;

    fn order(set: &[(&str, &str)]) -> Result<OrderKind, CommandError> {
        let dialect = Dialect::platform();
        let change = |(name, text): &(&str, &str)| Change::Put {
            name: (*name).to_owned(),
            template: Template::parse(text).unwrap(),
        };
        let recipe = Recipe {
            changes: set.iter().map(change).collect(),
            dialect,
            chosen: Some(Algorithm::HmacSha256),
            statuses: StatusTable::PLATFORM,
            now: Timestamp::UNIX_EPOCH,
        };
        recipe.order(3, 1)
    }

    #[test]
    fn an_order_has_places_for_what_is_fresh() {
        let order = order(&[("amount", "{100..500000}"), ("payout_cl_id", "M{n}")]).unwrap();
        assert_eq!(
            order.draws,
            [FIRST_IDS, Draw::Now(62), Draw::Now(0), Draw::Range(100, 500_000), Draw::Number]
        );
        let values = ["1", "2", "3", "4", "5", "S"];
        assert_eq!(
            fill(&order.canonical, &values),
            "amount=4&create_time=2&fee=3200&payout_cl_id=M5&payout_id=POT1&platform_id=PF0014&\
             real_amount=400000&status=3&update_time=3"
        );
        assert_eq!(
            fill(&order.body, &values),
            "{\"payout_id\":\"POT1\",\"payout_cl_id\":\"M5\",\"platform_id\":\"PF0014\",\
             \"amount\":4,\"real_amount\":400000,\"fee\":3200,\"status\":3,\"create_time\":2,\
             \"update_time\":3,\"sign_type\":\"HMAC-SHA256\",\"sign\":\"S\"}"
        );
    }

    #[test]
    fn values_are_signed_as_the_tool_signs_them() {
        let order =
            order(&[("memo", "[ {n} , \"a\\/{hex:4}\\u0041\" ]"), ("t", "x \" {now_ms} 王")])
                .unwrap();
        let at = order.draws.len();
        let values: Vec<String> = (0..=at).map(|index| format!("<{index}>")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let canonical = fill(&order.canonical, &values);
        assert!(canonical.contains("&memo=[<4>,\"a/<5>A\"]&"), "{canonical}");
        assert!(canonical.contains("&t=x \" <6> 王&"), "{canonical}");
        assert!(fill(&order.body, &values).contains("\"t\":\"x \\\" <6> 王\""));
    }

    #[test]
    fn a_placeholder_inside_an_escape_is_refused() {
        assert!(order(&[("memo", "\"\\u{1000..2000}\"")]).is_err());
        assert!(order(&[("memo", "700001000000970000100000097000010000009")]).is_ok());
    }

    #[test]
    fn orders_of_every_dialect_can_be_exported() {
        for dialect in &protocol::internal::dialect::DIALECTS {
            let (statuses, now) = (StatusTable::PLATFORM, Timestamp::UNIX_EPOCH);
            let recipe = Recipe { changes: Vec::new(), dialect, chosen: None, statuses, now };
            let order = recipe.order(statuses.success(), 1).unwrap();
            assert!(order.draws.contains(&FIRST_IDS), "{}: {order:?}", dialect.id);
        }
    }

    #[test]
    fn javascript_draws_only_what_it_counts_exactly() {
        assert!(Draw::Range(-EXACT + 1, 0).is_exact_in_javascript());
        assert!(!Draw::Range(-EXACT, 1).is_exact_in_javascript());
        assert!(!Draw::Range(i64::MIN, i64::MAX).is_exact_in_javascript());
        // With room for the numbers that are added.
        assert!(matches!(FIRST_IDS, Draw::Id(_, high) if high + 100_000_000_000_000 < EXACT));
    }
}
