//! The journal of a run: what was sent and what is known of it.
//!
//! An order is in it from its first intention on. The intention is on the disk before a request is
//! sent, an acknowledgement before the order's next turn. Killed at any moment, a run continues from
//! its journal: no order is forgotten, none whose acknowledgement was recorded is sent again, and an
//! attempt whose outcome is unknown is called unknown and is followed by another. The orders that were
//! not begun are made again, from the seed or from their file. The key is not in the journal; the
//! signed bodies are.

/// Which orders `o` are not done: those that are pending, and those that are called exhausted although
/// the outcome of no attempt is known. Version 0.1 recorded such ones: they may never have been sent.
macro_rules! unfinished {
    () => {
        "(o.state = 'pending' OR (o.state = 'exhausted' AND NOT EXISTS (SELECT 1 FROM attempts
          AS known WHERE known.order_number = o.number AND known.outcome IS NOT NULL)))"
    };
}

mod config;
mod load;
mod recorded;
mod replay;
#[cfg(test)]
pub(super) mod tests;
mod timeline;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

pub use config::RunConfig;
#[cfg(test)]
use load::Counts;
pub use load::{OrderSupply, Resumable};
pub use replay::{EarlierSessions, Times};

use super::record::{Attempt, EngineEvent, InFlight, Order, OrderResult, wall_at};
use crate::store::{Integrity, OpenOptions, Presence, Schema, Statement, Store, StoreError, Value};

const ACKNOWLEDGED: &str = "acknowledged";

const LONGEST_REASON: usize = 300;

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
        // Empty where all orders of the run are in the journal.
        "ALTER TABLE run ADD COLUMN order_plan TEXT NOT NULL DEFAULT '';",
    ],
    previews: &[
        "
        CREATE TEMP VIEW run AS SELECT *, '' AS dialect, '' AS order_plan FROM main.run;
        CREATE TEMP VIEW attempts AS SELECT *, 1 AS part, NULL AS sent_at_us FROM main.attempts;
        CREATE TEMP VIEW reasons AS SELECT '' AS outcome, '' AS explanation WHERE 0;
        CREATE TEMP VIEW throttles AS SELECT
            1 AS part, 0 AS after_us, 0 AS in_flight, 0 AS rowid WHERE 0;
    ",
        "CREATE TEMP VIEW run AS SELECT *, '' AS order_plan FROM main.run;",
    ],
    readable_from: i64::MAX,
};

/// The first session of a run; each resume begins another. The column is called `part`.
const FIRST_SESSION: u32 = 1;

#[derive(Debug)]
pub struct Journal {
    store: Store,
    session: u32,
    /// The outcomes whose explanation is recorded.
    explained: RefCell<HashSet<Cow<'static, str>>>,
}

impl Journal {
    pub fn create(path: &Path, run: &RunConfig) -> Result<Journal, StoreError> {
        let first = [run.insertion()];
        let plan = OpenOptions { first: &first, ..OpenOptions::new(&SCHEMA, Presence::New) };
        Store::open(path, &plan).map(|store| Journal::new(store, FIRST_SESSION))
    }

    /// Opens the journal of a run that ended early and says how it continues at `now`. Nothing is
    /// written before [`Journal::begin`]: dropped until then, it leaves the file and its log as
    /// they were.
    pub fn resume(path: &Path, now: Timestamp) -> Result<(Journal, Resumable), StoreError> {
        let plan = OpenOptions {
            integrity: Integrity::Whole,
            ..OpenOptions::new(&SCHEMA, Presence::Existing)
        };
        let store = Store::open(path, &plan)?;
        let reader = store.reader()?;
        let resumable = load::load(&reader, now, store.is_marked()?)?;
        let last = recorded::sessions(&reader)?.keys().last().copied();
        let session = last.unwrap_or(FIRST_SESSION).saturating_add(1);
        Ok((Journal::new(store, session), resumable))
    }

    fn new(store: Store, session: u32) -> Self {
        Journal { store, session, explained: RefCell::default() }
    }

    /// Readies the journal for attempts: nothing may be intended before. The file itself then shows
    /// where its log is lost, and orders called exhausted without an attempt are pending again.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let reopened = concat!(
            "UPDATE orders AS o SET state = 'pending' WHERE state = 'exhausted' AND ",
            unfinished!()
        );
        let acknowledged = "UPDATE orders AS o SET state = 'acknowledged'
             WHERE state = 'pending' AND EXISTS
             (SELECT 1 FROM attempts WHERE order_number = o.number AND outcome = ?)";
        self.store
            .write(vec![
                Statement::new(reopened, Vec::new()),
                Statement::new(acknowledged, vec![ACKNOWLEDGED.into()]),
            ])
            .await?;
        self.store.begin().await
    }

    /// Reports what the earlier sessions of the run did, order by order. A pending order's last
    /// attempt is left out where its outcome is unknown: the session that follows it up reports it.
    pub fn replay(
        &self,
        take: impl FnMut(&EngineEvent, Times),
    ) -> Result<EarlierSessions, StoreError> {
        replay::replay(&self.store.reader()?, take)
    }

    /// The orders that were taken in and not begun.
    pub fn waiting(
        &self,
    ) -> Result<impl Iterator<Item = Result<Order, StoreError>> + use<>, StoreError> {
        self.store.reader().map(load::waiting)
    }

    /// Records what happened, and then what is about to be sent, which may be sent only when this
    /// returns: it is on the disk then. So is an acknowledgement or an exhaustion; an outcome that
    /// is lost otherwise is unknown, and its order is sent again anyway. `start` is what the times
    /// count from.
    pub async fn record(
        &self,
        start: Timestamp,
        happened: &[EngineEvent],
        next: &[InFlight],
    ) -> Result<(), StoreError> {
        let mut statements = Vec::with_capacity(2 * (happened.len() + next.len()));
        let mut is_awaited = !next.is_empty();
        // New orders before the rows that grow: so fewer pages are split, and the file is smaller.
        let (first, later): (Vec<_>, Vec<_>) = next.iter().partition(|next| next.attempt == 1);
        for attempt in first {
            statements.push(insertion(&attempt.order));
            statements.push(self.intention(start, attempt));
        }
        for event in happened {
            is_awaited |= matches!(event, EngineEvent::Order(_));
            self.push_event(start, event, &mut statements);
        }
        statements.extend(later.into_iter().map(|attempt| self.intention(start, attempt)));
        match (statements.is_empty(), is_awaited) {
            (true, _) => Ok(()),
            (false, true) => self.store.write(statements).await.map(drop),
            (false, false) => self.store.write_later(statements).await,
        }
    }

    fn push_event(&self, start: Timestamp, event: &EngineEvent, statements: &mut Vec<Statement>) {
        match event {
            EngineEvent::Accepted(order) => statements.push(insertion(order)),
            EngineEvent::Attempt(attempt) => {
                statements.extend(self.explanation(attempt));
                let sql = "UPDATE attempts SET outcome = ?, sent_at_us = ?, finished_at_us = ?
                           WHERE order_number = ? AND attempt = ? AND outcome IS NULL";
                let at = |offset| wall_at(start, offset).as_microsecond().into();
                let values = vec![
                    attempt.code.clone().into(),
                    at(attempt.sent),
                    at(attempt.finished),
                    integer(attempt.order),
                    attempt.attempt.into(),
                ];
                statements.push(Statement::one_row(sql, values));
            }
            EngineEvent::Order(end) => {
                let state = match end.result {
                    OrderResult::Acknowledged => "acknowledged",
                    OrderResult::Exhausted(_) => "exhausted",
                    // It stays pending: the next session continues with it.
                    OrderResult::Interrupted(_) => return,
                };
                let sql = "UPDATE orders SET state = ? WHERE number = ? AND state = 'pending'";
                statements.push(Statement::one_row(sql, vec![state.into(), integer(end.order)]));
            }
            EngineEvent::NotSent { order, attempt } => {
                let sql = "DELETE FROM attempts
                           WHERE order_number = ? AND attempt = ? AND outcome IS NULL";
                let values = vec![integer(*order), (*attempt).into()];
                statements.push(Statement::one_row(sql, values));
            }
            EngineEvent::Throttled { at, in_flight } => {
                let sql = "INSERT INTO throttles (part, after_us, in_flight) VALUES (?, ?, ?)";
                let after = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
                let values = vec![self.session.into(), after.into(), integer(*in_flight as u64)];
                statements.push(Statement::one_row(sql, values));
            }
            EngineEvent::UnknownOutcome { .. } | EngineEvent::Stopping => {}
        }
    }

    fn intention(&self, start: Timestamp, attempt: &InFlight) -> Statement {
        let InFlight { order, attempt, intended, .. } = attempt;
        let sql = "INSERT INTO attempts (order_number, attempt, intended_at_us, part)
                   SELECT number, ?, ?, ? FROM orders WHERE number = ? AND state = 'pending'";
        let intended_at = wall_at(start, *intended).as_microsecond().into();
        let values =
            vec![(*attempt).into(), intended_at, self.session.into(), integer(order.number)];
        Statement::one_row(sql, values)
    }

    fn explanation(&self, attempt: &Attempt) -> Option<Statement> {
        let why = attempt.explanation.as_ref()?;
        if !self.explained.borrow_mut().insert(attempt.code.clone()) {
            return None;
        }
        let why: String = why.chars().take(LONGEST_REASON).collect();
        let sql = "INSERT OR IGNORE INTO reasons (outcome, explanation) VALUES (?, ?)";
        Some(Statement::new(sql, vec![attempt.code.clone().into(), why.into()]))
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

/// An order that was taken in without an attempt is there already.
fn insertion(order: &Order) -> Statement {
    Statement::new(
        "INSERT INTO orders (number, id, body, completed_at_us, duplicate_of)
         VALUES (?, ?, ?, ?, ?) ON CONFLICT (number) DO NOTHING",
        vec![
            integer(order.number),
            Arc::clone(&order.id).into(),
            Arc::clone(&order.body).into(),
            order.completed_at.as_microsecond().into(),
            order.duplicate_of.map(integer).into(),
        ],
    )
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
