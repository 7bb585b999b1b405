//! The journal of a run of many deliveries: what was sent and what is known of it.
//!
//! The intention is on the disk before a request is sent, an acknowledgement before it is reported.
//! Killed at any moment, a run goes on from its journal: no order is forgotten, none whose
//! acknowledgement was recorded is sent again, and an attempt whose outcome is unknown is said to be
//! unknown and is followed by another. The key is not in the journal; the signed bodies are.

/// Which orders `o` are not done: those that are pending, and those that are called exhausted although
/// the outcome of no attempt is known. Version 0.1 recorded such ones: they may never have been sent.
macro_rules! unfinished {
    () => {
        "(o.state = 'pending' OR (o.state = 'exhausted' AND NOT EXISTS (SELECT 1 FROM attempts
          AS known WHERE known.order_number = o.number AND known.outcome IS NOT NULL)))"
    };
}

mod past;
mod reading;
mod resume;
mod run;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use past::{Past, PastEvent};
pub use reading::{Counts, Intake, Resumed};
pub use resume::Attempted;
pub use run::RunInfo;

use super::record::Order;
use crate::store::{Integrity, Plan, Presence, Row, Schema, Statement, Store, StoreError, Value};

const CHUNK: usize = 1000;

const ACKNOWLEDGED: &str = "acknowledged";

/// Times are Unix microseconds, so that `datetime(x / 1000000, 'unixepoch')` shows them.
const SCHEMA: Schema = Schema {
    what: "journal",
    // "PNjo" in ASCII.
    application_id: 0x504e_6a6f,
    migrations: &[
        "
        CREATE TABLE run (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            url TEXT NOT NULL,
            schedule TEXT NOT NULL,
            retries INTEGER,
            window TEXT NOT NULL,
            speed TEXT NOT NULL,
            sign_type TEXT NOT NULL,
            key_fingerprint TEXT NOT NULL,
            seed INTEGER,
            settings TEXT NOT NULL,
            started_at_us INTEGER NOT NULL,
            sealed_at_us INTEGER
        ) STRICT;
        CREATE TABLE orders (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            body BLOB NOT NULL,
            completed_at_us INTEGER NOT NULL,
            duplicate_of INTEGER,
            state TEXT NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'acknowledged', 'exhausted'))
        ) STRICT;
        CREATE TABLE attempts (
            order_number INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            intended_at_us INTEGER NOT NULL,
            outcome TEXT,
            finished_at_us INTEGER,
            PRIMARY KEY (order_number, attempt)
        ) STRICT, WITHOUT ROWID;
    ",
        "
        ALTER TABLE run ADD COLUMN dialect TEXT NOT NULL DEFAULT '';
        ALTER TABLE attempts ADD COLUMN part INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE attempts ADD COLUMN sent_at_us INTEGER;
        CREATE TABLE reasons (
            outcome TEXT PRIMARY KEY,
            explanation TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE throttles (
            part INTEGER NOT NULL,
            after_us INTEGER NOT NULL,
            in_flight INTEGER NOT NULL
        ) STRICT;
    ",
    ],
};

/// The first part of a run; each resume begins another.
const FIRST_PART: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intention {
    pub order: u64,
    /// The attempt's number, from 1.
    pub attempt: u32,
    pub intended_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Retry,
    Acknowledged,
    Exhausted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub order: u64,
    /// The attempt's number, from 1.
    pub attempt: u32,
    pub code: &'static str,
    pub explanation: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub finished_at: Timestamp,
    pub then: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    pub at: Duration,
    pub in_flight: usize,
}

#[derive(Debug)]
pub struct Journal {
    store: Store,
    part: u32,
}

impl Journal {
    pub fn create(path: &Path, run: &RunInfo) -> Result<Journal, StoreError> {
        let first = [run.insertion()];
        let plan = Plan { first: &first, ..Plan::new(&SCHEMA, Presence::New) };
        Store::open(path, &plan).map(|store| Journal { store, part: FIRST_PART })
    }

    /// Opens the journal of a run that ended early and says how it continues at `now`.
    ///
    /// Nothing is written before [`Journal::begin`]: dropped until then, it leaves the file and its
    /// log as they were.
    pub fn resume(path: &Path, now: Timestamp) -> Result<(Journal, Resumed), StoreError> {
        let plan = Plan { integrity: Integrity::Whole, ..Plan::new(&SCHEMA, Presence::Existing) };
        let store = Store::open(path, &plan)?;
        let reader = store.reader()?;
        let mut resumed = reading::read(&reader, now)?;
        if resumed.intake == Intake::Cut && !store.is_marked()? {
            resumed.intake = Intake::Unclear;
        }
        let part = past::next_part(&reader)?;
        Ok((Journal { store, part }, resumed))
    }

    /// Readies the journal for attempts: nothing may be intended before.
    ///
    /// The file itself then holds all orders, and shows where its log is lost. Orders that were
    /// called exhausted without an attempt are pending again.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let reopened = concat!(
            "UPDATE orders AS o SET state = 'pending' WHERE state = 'exhausted' AND ",
            unfinished!()
        );
        let acknowledged = "UPDATE orders AS o SET state = 'acknowledged' WHERE state = 'pending'
             AND EXISTS (SELECT 1 FROM attempts WHERE order_number = o.number AND outcome = ?)";
        self.store
            .write(vec![
                Statement::new(reopened, Vec::new()),
                Statement::new(acknowledged, vec![ACKNOWLEDGED.into()]),
            ])
            .await?;
        self.store.begin().await
    }

    /// Tells what the earlier parts of the run did, order by order.
    ///
    /// The last attempt of a pending order is left out where its outcome is unknown: the part that
    /// follows it up says so.
    pub async fn replay(&self, take: impl FnMut(PastEvent)) -> Result<Past, StoreError> {
        past::replay(&self.store.reader()?, self.part, take)
    }

    pub async fn enqueue(&self, orders: &[Order]) -> Result<(), StoreError> {
        for chunk in orders.chunks(CHUNK) {
            self.store.write(chunk.iter().map(insertion).collect()).await?;
        }
        Ok(())
    }

    pub async fn seal(&self, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE run SET sealed_at_us = coalesce(sealed_at_us, ?)";
        self.store.write(vec![Statement::one_row(sql, vec![now.as_microsecond().into()])]).await?;
        Ok(())
    }

    /// Records what is about to be sent; it is on the disk when it returns, and only then may it be
    /// sent.
    pub async fn intend(&self, intentions: &[Intention]) -> Result<(), StoreError> {
        let sql = "INSERT INTO attempts (order_number, attempt, intended_at_us, part)
                   SELECT number, ?, ?, ? FROM orders WHERE number = ? AND state = 'pending'";
        let statement = |intention: &Intention| {
            let Intention { order, attempt, intended_at } = *intention;
            let intended_at = intended_at.as_microsecond().into();
            Statement::one_row(
                sql,
                vec![attempt.into(), intended_at, self.part.into(), integer(order)],
            )
        };
        self.store.write(intentions.iter().map(statement).collect()).await?;
        Ok(())
    }

    /// Records outcomes. With an acknowledgement or an exhaustion among them it waits for the disk;
    /// an outcome that is lost otherwise is unknown, and its order is sent again anyway.
    pub async fn settle(&self, settlements: &[Settlement]) -> Result<(), StoreError> {
        let statements = settlements.iter().flat_map(settlement).collect();
        if settlements.iter().any(|settlement| settlement.then != Settled::Retry) {
            self.store.write(statements).await.map(drop)
        } else {
            self.store.write_later(statements).await
        }
    }

    pub async fn throttled(&self, throttles: &[Throttle]) -> Result<(), StoreError> {
        let sql = "INSERT INTO throttles (part, after_us, in_flight) VALUES (?, ?, ?)";
        let statement = |throttle: &Throttle| {
            let after = i64::try_from(throttle.at.as_micros()).unwrap_or(i64::MAX);
            let in_flight = integer(throttle.in_flight as u64);
            Statement::one_row(sql, vec![self.part.into(), after.into(), in_flight])
        };
        self.store.write_later(throttles.iter().map(statement).collect()).await
    }

    /// Records orders that ended without another attempt, because their window passed.
    pub async fn exhaust(&self, orders: &[u64]) -> Result<(), StoreError> {
        let statements = orders.iter().map(|order| finish(*order, Settled::Exhausted));
        self.store.write_later(statements.flatten().collect()).await
    }

    #[cfg(test)]
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }

    /// Writes what waits and closes the file; it blocks meanwhile.
    pub fn close(self) -> Result<(), StoreError> {
        self.store.close()
    }
}

fn insertion(order: &Order) -> Statement {
    Statement::one_row(
        "INSERT INTO orders (number, id, body, completed_at_us, duplicate_of) VALUES (?, ?, ?, ?, ?)",
        vec![
            integer(order.number),
            Arc::clone(&order.id).into(),
            Arc::clone(&order.body).into(),
            order.completed_at.as_microsecond().into(),
            order.duplicate_of.map(integer).into(),
        ],
    )
}

fn settlement(settlement: &Settlement) -> impl Iterator<Item = Statement> + use<> {
    let Settlement { order, attempt, code, sent_at, finished_at, then, .. } = *settlement;
    let code = if then == Settled::Acknowledged { ACKNOWLEDGED } else { code };
    let sql = "UPDATE attempts SET outcome = ?, sent_at_us = ?, finished_at_us = ?
               WHERE order_number = ? AND attempt = ? AND outcome IS NULL";
    let sent_at = sent_at.map(Timestamp::as_microsecond).into();
    let finished_at = finished_at.as_microsecond().into();
    let values = vec![code.into(), sent_at, finished_at, integer(order), attempt.into()];
    let reason = settlement.explanation.as_ref().map(|why| {
        let sql = "INSERT OR IGNORE INTO reasons (outcome, explanation) VALUES (?, ?)";
        Statement::new(sql, vec![code.into(), why.clone().into()])
    });
    reason.into_iter().chain([Statement::one_row(sql, values)]).chain(finish(order, then))
}

fn finish(order: u64, then: Settled) -> Option<Statement> {
    let state = match then {
        Settled::Retry => return None,
        Settled::Acknowledged => "acknowledged",
        Settled::Exhausted => "exhausted",
    };
    let sql = "UPDATE orders SET state = ? WHERE number = ? AND state = 'pending'";
    Some(Statement::one_row(sql, vec![state.into(), integer(order)]))
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(row.integer(column)?).map_err(|_| row.corrupt(column, "is no time"))
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
