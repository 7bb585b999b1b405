//! Which entries are asked for.

use std::sync::Arc;

use jiff::Timestamp;

use super::integer;
use crate::store::Value;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub order: Option<String>,
    pub status: Option<i64>,
    pub validity: Option<Validity>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Those whose body or path holds this text, byte for byte.
    pub text: Option<String>,
    pub before: Option<u64>,
    pub limit: Option<u64>,
    pub side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Invalid,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// The conditions of a filter, with its parameters from `?1` on.
macro_rules! matching {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " FROM entries
              WHERE (?1 IS NULL OR order_id = ?1)
              AND (?2 IS NULL OR status = ?2)
              AND (?3 IS NULL OR (code = '0000') = ?3)
              AND (?4 IS NULL OR received_at_us >= ?4)
              AND (?5 IS NULL OR received_at_us <= ?5)
              AND (?6 IS NULL OR id < ?6)
              AND id > ?9
              AND (?7 IS NULL OR instr(body, ?7) > 0 OR instr(CAST(path AS BLOB), ?7) > 0) ",
            $after
        )
    };
}

const OLDEST: &str = matching!("SELECT id", "ORDER BY id LIMIT ?8");
const NEWEST: &str = matching!("SELECT id", "ORDER BY id DESC LIMIT ?8");

impl Filter {
    pub(super) const fn ids(&self) -> &'static str {
        match self.side {
            Side::OldestFirst => OLDEST,
            Side::NewestFirst => NEWEST,
        }
    }

    /// The values of the query's parameters: at most so many, with larger numbers than `after`.
    pub(super) fn parameters(&self, after: u64, limit: u64) -> Vec<Value> {
        let time = |at: Option<Timestamp>| Value::from(at.map(Timestamp::as_microsecond));
        vec![
            self.order.clone().into(),
            self.status.into(),
            self.validity.map(|validity| i64::from(validity == Validity::Valid)).into(),
            time(self.since),
            time(self.until),
            self.before.map_or(Value::Null, integer),
            self.text.as_ref().map(|text| Arc::<[u8]>::from(text.as_bytes())).into(),
            integer(limit),
            integer(after),
        ]
    }
}
