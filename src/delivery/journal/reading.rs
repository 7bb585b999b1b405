//! What a journal tells a run that goes on, read from its tables.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::resume::{Continuation, LastOutcome, continuation};
use super::run::RunInfo;
use super::{ACKNOWLEDGED, Settled, finish, time};
use crate::delivery::record::Order;
use crate::store::{Reader, Row, Statement, StoreError};

/// The most that the unfinished orders of a journal may take when a run goes on: 4 GiB.
const MAX_UNFINISHED_BYTES: u64 = 4 << 30;

/// The most unfinished orders that a run goes on with.
const MAX_UNFINISHED: u64 = 20_000_000;

/// Whether all orders of the run are in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// All are: [`super::Journal::seal`] said so.
    Complete,
    /// The run ended while orders were still being taken in; later ones are in their source only.
    Cut,
}

/// An order that the run goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedOrder {
    /// The order, with its body as it was first signed.
    pub order: Order,
    /// The next attempt's number, from 1.
    pub next_attempt: u32,
    /// When it is planned after the order's completion, in schedule time; zero may mean at once.
    pub offset: Duration,
    /// The last attempt, where its outcome is unknown: the merchant may have received it.
    pub unknown: Option<u32>,
}

/// An order whose schedule ended, or whose window passed, while no run was going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredOrder {
    /// The order's number.
    pub order: u64,
    /// The order's id.
    pub order_id: Arc<str>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The last attempt, where its outcome is unknown and stays so.
    pub unknown: Option<u32>,
}

/// How many of what a journal holds, after the expired orders were counted as exhausted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders taken in.
    pub orders: u64,
    /// Orders that were acknowledged.
    pub acknowledged: u64,
    /// Orders that are exhausted.
    pub exhausted: u64,
    /// Orders that the run goes on with.
    pub unfinished: u64,
    /// Attempts that were intended.
    pub attempts: u64,
    /// Attempts whose outcome is unknown, of earlier resumes too.
    pub unknown: u64,
}

/// What a journal tells a run that goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    /// What the run was started with.
    pub run: RunInfo,
    /// Whether all its orders are in the journal.
    pub intake: Intake,
    /// The orders to go on with, by number.
    pub unfinished: Vec<UnfinishedOrder>,
    /// The orders that ended meanwhile, by number; the journal now calls them exhausted.
    pub expired: Vec<ExpiredOrder>,
    /// The figures.
    pub counts: Counts,
}

/// What the journal says at `now`, and what is to be written because of it.
pub(super) fn read(
    reader: &Reader,
    now: Timestamp,
) -> Result<(Resumed, Vec<Statement>), StoreError> {
    let mut found = None;
    let sql = "SELECT url, schedule, retries, window, speed, sign_type, key_fingerprint, seed,
               settings, started_at_us, sealed_at_us, dialect FROM run";
    reader.each(sql, &[], |row| {
        let intake = row.optional_integer(10)?.map_or(Intake::Cut, |_| Intake::Complete);
        found = Some((RunInfo::read(row)?, intake));
        Ok(())
    })?;
    let (run, intake) = found.ok_or_else(|| reader.corrupt("no run is recorded in it"))?;
    let schedule =
        run.retry_schedule().map_err(|error| reader.corrupt(&format!("its schedule: {error}")))?;
    let (speed, counts) = (run.speed, count(reader)?);
    let (unfinished, expired) = (Vec::new(), Vec::new());
    let mut resumed = Resumed { run, intake, unfinished, expired, counts };
    let mut changes = Vec::new();
    let sql =
        "SELECT o.number, o.id, o.body, o.completed_at_us, o.duplicate_of, a.attempt, a.outcome
               FROM orders AS o LEFT JOIN attempts AS a ON a.order_number = o.number
               AND a.attempt = (SELECT max(attempt) FROM attempts WHERE order_number = o.number)
               WHERE o.state = 'pending' ORDER BY o.number";
    reader.each(sql, &[], |row| {
        let (number, last) = (row.unsigned(0)?, last(row)?);
        let completed_at = time(row, 3)?;
        // A clock that was set back counts as no time.
        let since = Duration::try_from(now.duration_since(completed_at)).unwrap_or(Duration::ZERO);
        let then = continuation(&schedule, speed, since, last);
        resumed.take(row, number, completed_at, last, then)?;
        changes.extend(match then {
            Continuation::Send { .. } => None,
            Continuation::Exhausted => finish(number, Settled::Exhausted),
            Continuation::Acknowledged => finish(number, Settled::Acknowledged),
        });
        Ok(())
    })?;
    Ok((resumed, changes))
}

impl Resumed {
    fn take(
        &mut self,
        row: &Row<'_>,
        number: u64,
        completed_at: Timestamp,
        last: Option<(u32, LastOutcome)>,
        then: Continuation,
    ) -> Result<(), StoreError> {
        let id: Arc<str> = row.text(1)?.into();
        let unknown =
            last.and_then(|(attempt, known)| (known == LastOutcome::Unknown).then_some(attempt));
        match then {
            Continuation::Acknowledged => self.counts.acknowledged += 1,
            Continuation::Exhausted => {
                self.counts.exhausted += 1;
                let attempts = last.map_or(0, |(attempt, _)| attempt);
                self.expired.push(ExpiredOrder { order: number, order_id: id, attempts, unknown });
            }
            Continuation::Send { attempt, offset } => {
                self.counts.unfinished += 1;
                let duplicate_of = match row.optional_integer(4)? {
                    None => None,
                    Some(_) => Some(row.unsigned(4)?),
                };
                let body = row.blob(2)?.into();
                let order = Order { number, id, body, completed_at, duplicate_of };
                let next = UnfinishedOrder { order, next_attempt: attempt, offset, unknown };
                self.unfinished.push(next);
            }
        }
        Ok(())
    }
}

/// The counts of what is recorded; unfinished orders are counted as they are read.
fn count(reader: &Reader) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    let mut bytes = 0_u64;
    let sql = "SELECT state, count(*), sum(octet_length(body) + octet_length(id))
               FROM orders GROUP BY state";
    reader.each(sql, &[], |row| {
        let number = row.unsigned(1)?;
        counts.orders += number;
        match row.text(0)? {
            "acknowledged" => counts.acknowledged = number,
            "exhausted" => counts.exhausted = number,
            "pending" if number > MAX_UNFINISHED => {
                return Err(
                    row.corrupt(1, "of unfinished orders is more than a run can go on with")
                );
            }
            "pending" => bytes = row.unsigned(2)?,
            _ => return Err(row.corrupt(0, "is none that is known")),
        }
        Ok(())
    })?;
    if bytes > MAX_UNFINISHED_BYTES {
        return Err(reader.corrupt("its unfinished orders take more memory than a run may have"));
    }
    let sql = "SELECT count(*), count(*) - count(outcome) FROM attempts";
    reader.each(sql, &[], |row| {
        (counts.attempts, counts.unknown) = (row.unsigned(0)?, row.unsigned(1)?);
        Ok(())
    })?;
    Ok(counts)
}

fn last(row: &Row<'_>) -> Result<Option<(u32, LastOutcome)>, StoreError> {
    let Some(attempt) = row.optional_integer(5)? else { return Ok(None) };
    let attempt = u32::try_from(attempt).map_err(|_| row.corrupt(5, "is no attempt's number"))?;
    let outcome = match row.optional_text(6)? {
        None => LastOutcome::Unknown,
        Some(ACKNOWLEDGED) => LastOutcome::Acknowledged,
        Some(_) => LastOutcome::NotAcknowledged,
    };
    Ok(Some((attempt, outcome)))
}
