//! What a run that continues takes from its journal.

use std::vec;

use jiff::Timestamp;

use super::config::{self, RunConfig};
use super::replay::{session_number, spans};
use super::timeline::{Progress, Recorded, Timeline};
use super::{ACKNOWLEDGED, integer, time};
use crate::sender::record::{BegunOrder, Order};
use crate::store::{Reader, Row, StoreError};

/// The most that the begun orders of a journal may take when a run continues: 4 GiB.
const MAX_BEGUN_BYTES: u64 = 4 << 30;

const MAX_BEGUN: u64 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    Complete,
    /// Version 0.1 took all orders in before it sent the first. It ended meanwhile: none was sent, and
    /// later ones are in their source only.
    Cut,
    /// As `Cut`, or its log is lost, which the journal does not show.
    Unclear,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub orders: u64,
    pub acknowledged: u64,
    pub exhausted: u64,
    /// Those without an attempt.
    pub waiting: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Resumable {
    pub run: RunConfig,
    pub intake: Intake,
    /// The orders that are not done, by number. Some may have expired meanwhile: the journal does not
    /// call them exhausted, because with a clock that is right again they may continue.
    pub begun: Vec<BegunOrder>,
    pub last: Option<Order>,
    pub counts: Counts,
}

pub(super) fn load(
    reader: &Reader,
    now: Timestamp,
    is_marked: bool,
) -> Result<Resumable, StoreError> {
    let mut found = None;
    reader.each(config::COLUMNS, &[], |row| {
        found = Some((RunConfig::read(row)?, row.optional_integer(12)?.is_some()));
        Ok(())
    })?;
    let (run, is_sealed) = found.ok_or_else(|| reader.corrupt("no run is recorded in it"))?;
    let intake = match (is_sealed, is_marked) {
        (true, _) => Intake::Complete,
        (false, true) => Intake::Cut,
        (false, false) => Intake::Unclear,
    };
    let (counts, begun) = (count(reader)?, Vec::new());
    let mut resumable = Resumable { run, intake, begun, last: last_order(reader)?, counts };
    let (schedule, speed) = (resumable.run.schedule.clone(), resumable.run.speed);
    let sessions = spans(reader)?;
    let timeline = Timeline { schedule: &schedule, speed, sessions: &sessions };
    let sql = concat!(
        "SELECT o.number, o.id, o.body, o.completed_at_us, o.duplicate_of, a.attempt, a.outcome,
         a.part, a.intended_at_us, a.finished_at_us
         FROM orders AS o JOIN attempts AS a ON a.order_number = o.number WHERE ",
        unfinished!(),
        " ORDER BY o.number, a.attempt"
    );
    let mut current: Option<(Order, Progress)> = None;
    reader.each(sql, &[], |row| {
        let attempt = recorded(row)?;
        match &mut current {
            Some((order, progress)) if order.number == row.unsigned(0)? => {
                *progress = timeline.follow(Some(*progress), &attempt);
            }
            _ => {
                let next = (order(row)?, timeline.follow(None, &attempt));
                resumable.take(current.replace(next), &timeline, now);
            }
        }
        Ok(())
    })?;
    resumable.take(current, &timeline, now);
    Ok(resumable)
}

impl Resumable {
    fn take(&mut self, found: Option<(Order, Progress)>, timeline: &Timeline<'_>, now: Timestamp) {
        let Some((order, progress)) = found else { return };
        if progress.is_acknowledged {
            self.counts.acknowledged += 1;
            return;
        }
        let elapsed = timeline.until(&progress, now);
        let (attempts, last) = (progress.attempts, progress.last_outcome());
        self.begun.push(BegunOrder { order, attempts, last, elapsed });
    }
}

/// The orders of a journal that have no attempt, read a few at a time.
pub struct WaitingOrders {
    reader: Reader,
    read: vec::IntoIter<Order>,
    after: u64,
}

impl WaitingOrders {
    pub(super) fn new(reader: Reader) -> Self {
        WaitingOrders { reader, read: Vec::new().into_iter(), after: 0 }
    }

    pub fn next(&mut self) -> Result<Option<Order>, StoreError> {
        if let Some(order) = self.read.next() {
            return Ok(Some(order));
        }
        let sql = "SELECT number, id, body, completed_at_us, duplicate_of FROM orders AS o
                   WHERE number > ? AND state = 'pending' AND NOT EXISTS
                   (SELECT 1 FROM attempts WHERE order_number = o.number)
                   ORDER BY number LIMIT 256";
        let mut read = Vec::new();
        self.reader.each(sql, &[integer(self.after)], |row| {
            read.push(order(row)?);
            Ok(())
        })?;
        self.after = read.last().map_or(self.after, |order| order.number);
        self.read = read.into_iter();
        Ok(self.read.next())
    }
}

fn last_order(reader: &Reader) -> Result<Option<Order>, StoreError> {
    let sql = "SELECT number, id, body, completed_at_us, duplicate_of FROM orders
               ORDER BY number DESC LIMIT 1";
    let mut last = None;
    reader.each(sql, &[], |row| {
        last = Some(order(row)?);
        Ok(())
    })?;
    Ok(last)
}

fn order(row: &Row<'_>) -> Result<Order, StoreError> {
    let duplicate_of = row.optional_integer(4)?.map(|_| row.unsigned(4)).transpose()?;
    let (id, body) = (row.text(1)?.into(), row.blob(2)?.into());
    Ok(Order { number: row.unsigned(0)?, id, body, completed_at: time(row, 3)?, duplicate_of })
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
        "SELECT coalesce(sum(is_begun), 0), coalesce(sum(is_begun * bytes), 0), count(*),
         count(*) FILTER (WHERE state = 'exhausted') FROM
         (SELECT state, octet_length(body) + octet_length(id) AS bytes,
          EXISTS (SELECT 1 FROM attempts WHERE order_number = o.number) AS is_begun
          FROM orders AS o WHERE ",
        unfinished!(),
        ")"
    );
    reader.each(sql, &[], |row| {
        let begun = row.unsigned(0)?;
        if begun > MAX_BEGUN || row.unsigned(1)? > MAX_BEGUN_BYTES {
            let problem = "its unfinished orders take more memory than a run may have";
            return Err(reader.corrupt(problem));
        }
        counts.waiting = row.unsigned(2)?.saturating_sub(begun);
        counts.exhausted = counts.exhausted.saturating_sub(row.unsigned(3)?);
        Ok(())
    })?;
    Ok(counts)
}

fn recorded(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let attempt =
        u32::try_from(row.integer(5)?).map_err(|_| row.corrupt(5, "is no attempt's number"))?;
    let outcome = row.optional_text(6)?;
    Ok(Recorded {
        attempt,
        session: session_number(row, 7)?,
        intended_at: time(row, 8)?,
        finished_at: row.optional_integer(9)?.map(|_| time(row, 9)).transpose()?,
        is_known: outcome.is_some(),
        is_acknowledged: outcome == Some(ACKNOWLEDGED),
    })
}
