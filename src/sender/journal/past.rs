//! What the earlier parts of a run did, read back as the events that told it then.
//!
//! A run that goes on is judged as a whole, so its summary takes in what was before. The parts stand
//! end to end: the time between two of them, in which nothing ran, is left out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::resume::{Span, between};
use super::{ACKNOWLEDGED, FIRST_PART, integer, time};
use crate::sender::record::{AttemptRecord, FleetEvent, OrderRecord, OrderResult};
use crate::store::{Reader, Row, StoreError};

const MOST_PARTS: u32 = 100_000;

const MOST_CODES: usize = 64;

const LONGEST_CODE: usize = 64;

const OTHER: &str = "other";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastEvent {
    Told(FleetEvent),
    /// An attempt of which it is not known when it was sent: its times mean nothing.
    Untimed(AttemptRecord),
    Duplicate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub parts: u32,
    pub length: Duration,
}

pub(super) fn next_part(reader: &Reader) -> Result<u32, StoreError> {
    let mut next = FIRST_PART;
    reader.each("SELECT max(part) FROM attempts", &[], |row| {
        if row.optional_integer(0)?.is_some() {
            next = part_number(row, 0)? + 1;
        }
        Ok(())
    })?;
    Ok(next)
}

pub(super) fn part_number(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?)
        .ok()
        .filter(|part| (FIRST_PART..MOST_PARTS).contains(part))
        .ok_or_else(|| row.corrupt(column, "is no part of a run"))
}

pub(super) fn replay(
    reader: &Reader,
    part: u32,
    mut take: impl FnMut(PastEvent),
) -> Result<Past, StoreError> {
    let (places, past) = places(reader, part)?;
    let mut teller = Teller { places, codes: codes(reader)?, order: None, take: &mut take };
    let sql = "SELECT part, after_us, in_flight FROM throttles WHERE part < ? ORDER BY rowid";
    reader.each(sql, &[part.into()], |row| {
        let begun = teller.places.get(&part_number(row, 0)?).map_or(Duration::ZERO, |it| it.begun);
        let at = begun.saturating_add(Duration::from_micros(row.unsigned(1)?));
        let in_flight = usize::try_from(row.unsigned(2)?).unwrap_or(usize::MAX);
        teller.tell(FleetEvent::Throttled { at, in_flight });
        Ok(())
    })?;
    let sql = "SELECT o.number, o.id, o.state, o.duplicate_of, a.attempt, a.part, a.intended_at_us,
               a.sent_at_us, a.finished_at_us, a.outcome
               FROM orders AS o LEFT JOIN attempts AS a
               ON a.order_number = o.number AND a.part < ? ORDER BY o.number, a.attempt";
    reader.each(sql, &[integer(part.into())], |row| teller.row(row))?;
    teller.end_order();
    Ok(past)
}

#[derive(Clone, Copy)]
struct Place {
    started_at: Timestamp,
    begun: Duration,
}

fn places(reader: &Reader, part: u32) -> Result<(BTreeMap<u32, Place>, Past), StoreError> {
    let (mut places, mut past) = (BTreeMap::new(), Past::default());
    for (number, Span { from, to }) in spans(reader)?.range(..part) {
        places.insert(*number, Place { started_at: *from, begun: past.length });
        past.parts += 1;
        past.length = past.length.saturating_add(between(*from, *to));
    }
    Ok((places, past))
}

pub(super) fn spans(reader: &Reader) -> Result<BTreeMap<u32, Span>, StoreError> {
    let mut spans = BTreeMap::new();
    let sql = "SELECT part, min(intended_at_us), max(coalesce(finished_at_us, intended_at_us))
               FROM attempts GROUP BY part";
    reader.each(sql, &[], |row| {
        spans.insert(part_number(row, 0)?, Span { from: time(row, 1)?, to: time(row, 2)? });
        Ok(())
    })?;
    Ok(spans)
}

type Codes = HashMap<String, (&'static str, Arc<str>)>;

/// Reports know the names of outcomes from the program itself; what a journal holds lives as long as
/// the process too, so it is bounded.
fn codes(reader: &Reader) -> Result<Codes, StoreError> {
    let mut codes = Codes::new();
    let sql = "SELECT DISTINCT a.outcome, r.explanation FROM attempts AS a
               LEFT JOIN reasons AS r ON r.outcome = a.outcome WHERE a.outcome IS NOT NULL";
    reader.each(sql, &[], |row| {
        let code = row.text(0)?;
        if codes.len() < MOST_CODES && code.len() <= LONGEST_CODE {
            let why: Arc<str> = row.optional_text(1)?.unwrap_or(code).into();
            let name: &'static str = match code {
                ACKNOWLEDGED => ACKNOWLEDGED,
                _ => Box::leak(code.to_owned().into_boxed_str()),
            };
            codes.insert(code.to_owned(), (name, why));
        }
        Ok(())
    })?;
    Ok(codes)
}

struct Teller<'t, F> {
    places: BTreeMap<u32, Place>,
    codes: Codes,
    order: Option<Told>,
    take: &'t mut F,
}

struct Told {
    number: u64,
    id: Arc<str>,
    result: Option<OrderResult>,
    is_duplicate: bool,
    attempts: u32,
    finished: Duration,
    unknown: Option<u32>,
}

impl<F: FnMut(PastEvent)> Teller<'_, F> {
    fn tell(&mut self, event: FleetEvent) {
        (self.take)(PastEvent::Told(event));
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let number = row.unsigned(0)?;
        if self.order.as_ref().is_none_or(|order| order.number != number) {
            self.end_order();
            let result = match row.text(2)? {
                "acknowledged" => Some(OrderResult::Acknowledged),
                "exhausted" => Some(OrderResult::Exhausted),
                "pending" => None,
                _ => return Err(row.corrupt(2, "is none that is known")),
            };
            self.order = Some(Told {
                number,
                id: row.text(1)?.into(),
                result,
                is_duplicate: row.optional_integer(3)?.is_some(),
                attempts: 0,
                finished: Duration::ZERO,
                unknown: None,
            });
        }
        match row.optional_integer(4)? {
            None => Ok(()),
            Some(_) => self.attempt(row),
        }
    }

    fn attempt(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let Some(order) = &mut self.order else { return Ok(()) };
        let attempt = u32::try_from(row.unsigned(4)?)
            .map_err(|_| row.corrupt(4, "is no attempt's number"))?;
        let (order_number, order_id) = (order.number, Arc::clone(&order.id));
        order.attempts = order.attempts.max(attempt);
        if let Some(attempt) = order.unknown.take() {
            let order_id = Arc::clone(&order_id);
            let event = FleetEvent::UnknownOutcome { order: order_number, order_id, attempt };
            (self.take)(PastEvent::Told(event));
        }
        let Some(outcome) = row.optional_text(9)? else {
            order.unknown = Some(attempt);
            return Ok(());
        };
        let place = self.places.get(&part_number(row, 5)?);
        let place = place.copied().ok_or_else(|| row.corrupt(5, "is no part of a run"))?;
        let after = |at| place.begun.saturating_add(between(place.started_at, at));
        let intended = after(time(row, 6)?);
        let sent = row.optional_integer(7)?.map(|_| time(row, 7)).transpose()?.map(after);
        let finished = row.optional_integer(8)?.map(|_| time(row, 8)).transpose()?.map(after);
        order.finished = finished.unwrap_or(intended);
        let (code, why) = match self.codes.get(outcome) {
            Some((code, why)) => (*code, &**why),
            None => (OTHER, OTHER),
        };
        let record = AttemptRecord {
            order: order_number,
            order_id,
            attempt,
            intended,
            sent: sent.unwrap_or(intended),
            finished: order.finished,
            status: None,
            code,
            explanation: (code != ACKNOWLEDGED).then(|| why.to_owned()),
        };
        (self.take)(match (sent, finished) {
            (Some(_), Some(_)) => PastEvent::Told(FleetEvent::Attempt(record)),
            _ => PastEvent::Untimed(record),
        });
        Ok(())
    }

    fn end_order(&mut self) {
        let Some(order) = self.order.take() else { return };
        if order.is_duplicate && (order.attempts > 0 || order.result.is_some()) {
            (self.take)(PastEvent::Duplicate);
        }
        let Told { number, id, result: Some(result), attempts, finished, unknown, .. } = order
        else {
            return;
        };
        if let Some(attempt) = unknown {
            let order_id = Arc::clone(&id);
            self.tell(FleetEvent::UnknownOutcome { order: number, order_id, attempt });
        }
        let order = number;
        let record = OrderRecord { order, order_id: id, result, attempts, finished, lapsed: false };
        self.tell(FleetEvent::Order(record));
    }
}
