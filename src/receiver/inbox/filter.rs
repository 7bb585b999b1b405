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
    /// Those whose body or path contains this text, byte for byte.
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

impl Filter {
    /// The query for the numbers of the entries that match, between these two and at most so many.
    ///
    /// A condition that is not asked for is left out: SQLite would use no index for one that may hold.
    pub(super) fn query(&self, after: u64, before: u64, limit: u64) -> (String, Vec<Value>) {
        let mut sql = "SELECT id FROM entries WHERE id > ? AND id < ?".to_owned();
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
        if let Some(text) = &self.text {
            sql.push_str(" AND (instr(body, ?) > 0 OR instr(CAST(path AS BLOB), ?) > 0)");
            let text = Arc::<[u8]>::from(text.as_bytes());
            values.extend([Value::from(Arc::clone(&text)), Value::from(text)]);
        }
        sql.push_str(match self.side {
            Side::OldestFirst => " ORDER BY id LIMIT ?",
            Side::NewestFirst => " ORDER BY id DESC LIMIT ?",
        });
        values.push(integer(limit));
        (sql, values)
    }
}
