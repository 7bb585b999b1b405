//! What a journal tells a run that goes on, read from its tables.

use std::time::Duration;

use jiff::Timestamp;

use super::past::{part_number, spans};
use super::resume::{
    Attempted, Continuation, LastOutcome, Progress, Recorded, Timeline, continuation,
};
use super::run::RunInfo;
use super::{ACKNOWLEDGED, time};
use crate::sender::record::Order;
use crate::store::{Reader, Row, StoreError};

/// The most that the unfinished orders of a journal may take when a run goes on: 4 GiB.
const MAX_UNFINISHED_BYTES: u64 = 4 << 30;

const MAX_UNFINISHED: u64 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    Complete,
    /// The run ended while orders were still being taken in: none was sent, and later ones are in
    /// their source only.
    Cut,
    /// As `Cut`, or its log is lost: version 0.1 made the journal, which does not show it.
    Unclear,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedOrder {
    pub order: Order,
    /// The next attempt's number, from 1.
    pub next_attempt: u32,
    /// When it is planned after the order's completion, in schedule time; zero may mean at once.
    pub offset: Duration,
    /// The attempts that are recorded; `None` where there are none.
    pub attempted: Option<Attempted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredOrder {
    pub order: Order,
    pub attempted: Attempted,
}

impl Attempted {
    /// The last attempt, where its outcome is unknown: the merchant may have received it.
    pub fn unknown(&self) -> Option<u32> {
        (self.last == LastOutcome::Unknown).then_some(self.attempt)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub orders: u64,
    pub acknowledged: u64,
    pub exhausted: u64,
    pub unfinished: u64,
    pub attempts: u64,
    pub unknown: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    pub run: RunInfo,
    pub intake: Intake,
    pub unfinished: Vec<UnfinishedOrder>,
    /// The orders that ended meanwhile, by number. The journal does not call them exhausted: with a
    /// clock that is right again they may continue.
    pub expired: Vec<ExpiredOrder>,
    pub counts: Counts,
}

pub(super) fn read(reader: &Reader, now: Timestamp) -> Result<Resumed, StoreError> {
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
    let parts = spans(reader)?;
    let timeline = Timeline { schedule: &schedule, speed, parts: &parts };
    let sql = concat!(
        "SELECT o.number, o.id, o.body, o.completed_at_us, o.duplicate_of, a.attempt, a.outcome,
         a.part, a.intended_at_us, a.finished_at_us
         FROM orders AS o LEFT JOIN attempts AS a ON a.order_number = o.number WHERE ",
        unfinished!(),
        " ORDER BY o.number, a.attempt"
    );
    let mut current: Option<(Order, Option<Progress>)> = None;
    reader.each(sql, &[], |row| {
        let number = row.unsigned(0)?;
        if current.as_ref().is_none_or(|(order, _)| order.number != number) {
            resumed.take(current.take(), &timeline, now);
            current = Some((order(row, number)?, None));
        }
        if let (Some((_, progress)), Some(attempt)) = (&mut current, recorded(row)?) {
            *progress = Some(timeline.follow(*progress, &attempt));
        }
        Ok(())
    })?;
    resumed.take(current, &timeline, now);
    Ok(resumed)
}

impl Resumed {
    fn take(
        &mut self,
        found: Option<(Order, Option<Progress>)>,
        timeline: &Timeline<'_>,
        now: Timestamp,
    ) {
        let Some((order, progress)) = found else { return };
        let attempted = progress.map(|progress| timeline.until(&progress, now));
        match (continuation(timeline.schedule, attempted.as_ref()), attempted) {
            (Continuation::Send { attempt, offset }, attempted) => {
                self.counts.unfinished += 1;
                let next = UnfinishedOrder { order, next_attempt: attempt, offset, attempted };
                self.unfinished.push(next);
            }
            (Continuation::Exhausted, Some(attempted)) => {
                self.counts.exhausted += 1;
                self.expired.push(ExpiredOrder { order, attempted });
            }
            (Continuation::Acknowledged | Continuation::Exhausted, _) => {
                self.counts.acknowledged += 1;
            }
        }
    }
}

fn order(row: &Row<'_>, number: u64) -> Result<Order, StoreError> {
    let duplicate_of = match row.optional_integer(4)? {
        None => None,
        Some(_) => Some(row.unsigned(4)?),
    };
    let (id, body) = (row.text(1)?.into(), row.blob(2)?.into());
    Ok(Order { number, id, body, completed_at: time(row, 3)?, duplicate_of })
}

fn count(reader: &Reader) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    reader.each("SELECT state, count(*) FROM orders GROUP BY state", &[], |row| {
        let number = row.unsigned(1)?;
        counts.orders += number;
        match row.text(0)? {
            "acknowledged" => counts.acknowledged = number,
            "exhausted" => counts.exhausted = number,
            "pending" => {}
            _ => return Err(row.corrupt(0, "is none that is known")),
        }
        Ok(())
    })?;
    let sql = concat!(
        "SELECT count(*), coalesce(sum(octet_length(body) + octet_length(id)), 0),
         count(*) FILTER (WHERE state = 'exhausted') FROM orders AS o WHERE ",
        unfinished!()
    );
    reader.each(sql, &[], |row| {
        if row.unsigned(0)? > MAX_UNFINISHED {
            return Err(row.corrupt(0, "of unfinished orders is more than a run can go on with"));
        }
        if row.unsigned(1)? > MAX_UNFINISHED_BYTES {
            let problem = "its unfinished orders take more memory than a run may have";
            return Err(reader.corrupt(problem));
        }
        counts.exhausted = counts.exhausted.saturating_sub(row.unsigned(2)?);
        Ok(())
    })?;
    let sql = "SELECT count(*), count(*) - count(outcome) FROM attempts";
    reader.each(sql, &[], |row| {
        (counts.attempts, counts.unknown) = (row.unsigned(0)?, row.unsigned(1)?);
        Ok(())
    })?;
    Ok(counts)
}

fn recorded(row: &Row<'_>) -> Result<Option<Recorded>, StoreError> {
    let Some(attempt) = row.optional_integer(5)? else { return Ok(None) };
    let attempt = u32::try_from(attempt).map_err(|_| row.corrupt(5, "is no attempt's number"))?;
    let last = match row.optional_text(6)? {
        None => LastOutcome::Unknown,
        Some(ACKNOWLEDGED) => LastOutcome::Acknowledged,
        Some(_) => LastOutcome::NotAcknowledged,
    };
    let (part, intended_at) = (part_number(row, 7)?, time(row, 8)?);
    let finished_at = row.optional_integer(9)?.map(|_| time(row, 9)).transpose()?;
    Ok(Some(Recorded { attempt, part, intended_at, last, finished_at }))
}
