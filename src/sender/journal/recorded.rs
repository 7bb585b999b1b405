//! The rows of a journal: orders with their attempts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ACKNOWLEDGED, FIRST_SESSION};
use crate::sender::decide::Exhaustion;
use crate::sender::record::{Order, OrderResult};
use crate::store::{Reader, Row, StoreError, Value};

const MOST_SESSIONS: u32 = 100_000;

#[derive(Clone, Debug)]
pub(super) struct RecordedOrder {
    pub(super) order: Order,
    /// `None` while it is pending.
    pub(super) result: Option<OrderResult>,
    pub(super) attempts: Vec<RecordedAttempt>,
}

#[derive(Clone, Debug)]
pub(super) struct RecordedAttempt {
    pub(super) attempt: u32,
    pub(super) session: u32,
    pub(super) intended_at: Timestamp,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    /// `None` where it is not known: it may not have been sent.
    pub(super) outcome: Option<String>,
}

impl RecordedAttempt {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.outcome.as_deref() == Some(ACKNOWLEDGED)
    }
}

/// The first and the last time of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// The statement that reads the orders `o`, with their attempts `a`, for which a condition holds.
macro_rules! recorded_orders {
    ($($condition:expr),*) => {
        concat!(
            "SELECT o.number, o.id, o.body, o.completed_at_us, o.duplicate_of, o.state, a.attempt,
             a.part, a.intended_at_us, a.sent_at_us, a.finished_at_us, a.outcome
             FROM orders AS o LEFT JOIN attempts AS a ON a.order_number = o.number WHERE ",
            $($condition),*
        )
    };
}
pub(super) use recorded_orders;

/// Reads the rows of such a statement, which must be in the order of orders and attempts.
pub(super) fn each_order(
    reader: &Reader,
    sql: &'static str,
    parameters: &[Value],
    mut take: impl FnMut(RecordedOrder) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut current: Option<RecordedOrder> = None;
    reader.each(sql, parameters, |row| {
        let number = row.unsigned(0)?;
        if current.as_ref().is_none_or(|found| found.order.number != number) {
            current.replace(read_order(row, number)?).map_or(Ok(()), &mut take)?;
        }
        if let (Some(found), Some(_)) = (&mut current, row.optional_integer(6)?) {
            found.attempts.push(read_attempt(row)?);
        }
        Ok(())
    })?;
    current.map_or(Ok(()), take)
}

fn read_order(row: &Row<'_>, number: u64) -> Result<RecordedOrder, StoreError> {
    let duplicate_of = row.optional_integer(4)?.map(|_| row.unsigned(4)).transpose()?;
    let result = match row.text(5)? {
        "acknowledged" => Some(OrderResult::Acknowledged),
        // The journal does not say why.
        "exhausted" => Some(OrderResult::Exhausted(Exhaustion::NoRetriesLeft)),
        "pending" => None,
        _ => return Err(row.corrupt(5, "is none that is known")),
    };
    let (id, body) = (row.text(1)?.into(), row.blob(2)?.into());
    let order = Order { number, id, body, completed_at: time(row, 3)?, duplicate_of };
    Ok(RecordedOrder { order, result, attempts: Vec::new() })
}

fn read_attempt(row: &Row<'_>) -> Result<RecordedAttempt, StoreError> {
    let optional_time =
        |column| row.optional_integer(column)?.map(|_| time(row, column)).transpose();
    Ok(RecordedAttempt {
        attempt: u32::try_from(row.integer(6)?)
            .map_err(|_| row.corrupt(6, "is no attempt's number"))?,
        session: session_number(row, 7)?,
        intended_at: time(row, 8)?,
        sent_at: optional_time(9)?,
        finished_at: optional_time(10)?,
        outcome: row.optional_text(11)?.map(str::to_owned),
    })
}

pub(super) fn sessions(reader: &Reader) -> Result<BTreeMap<u32, Span>, StoreError> {
    let mut sessions = BTreeMap::new();
    let sql = "SELECT part, min(intended_at_us), max(coalesce(finished_at_us, intended_at_us))
               FROM attempts GROUP BY part";
    reader.each(sql, &[], |row| {
        sessions.insert(session_number(row, 0)?, Span { from: time(row, 1)?, to: time(row, 2)? });
        Ok(())
    })?;
    Ok(sessions)
}

fn session_number(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?)
        .ok()
        .filter(|session| (FIRST_SESSION..MOST_SESSIONS).contains(session))
        .ok_or_else(|| row.corrupt(column, "is no session of a run"))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(row.integer(column)?)
        .map_err(|_| row.corrupt(column, "is not a time"))
}
