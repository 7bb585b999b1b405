//! What the earlier sessions of a run did, read back as events. A run that continues is judged as a
//! whole, so its summary takes in the earlier sessions end to end: the time between two of them, in
//! which nothing ran, is left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::timeline::{Span, between};
use super::{ACKNOWLEDGED, FIRST_SESSION, integer, time};
use crate::sender::decide::Exhaustion;
use crate::sender::record::{Attempt, EngineEvent, OrderEnd, OrderResult};
use crate::store::{Reader, Row, StoreError};

const MOST_SESSIONS: u32 = 100_000;

const MOST_CODES: usize = 64;

const LONGEST_CODE: usize = 64;

const OTHER: &str = "other";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Known,
    /// It is not known when the attempt was sent: its times mean nothing.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EarlierSessions {
    pub sessions: u32,
    pub length: Duration,
    /// How many of the orders that were sent were duplicates.
    pub duplicates: u64,
}

pub(super) fn next_session(reader: &Reader) -> Result<u32, StoreError> {
    // A session without an attempt leaves nothing that another could be mistaken for.
    let mut next = FIRST_SESSION + 1;
    reader.each("SELECT max(part) FROM attempts", &[], |row| {
        if row.optional_integer(0)?.is_some() {
            next = session_number(row, 0)? + 1;
        }
        Ok(())
    })?;
    Ok(next)
}

pub(super) fn session_number(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.integer(column)?)
        .ok()
        .filter(|session| (FIRST_SESSION..MOST_SESSIONS).contains(session))
        .ok_or_else(|| row.corrupt(column, "is no session of a run"))
}

pub(super) fn replay(
    reader: &Reader,
    session: u32,
    mut take: impl FnMut(&EngineEvent, Times),
) -> Result<EarlierSessions, StoreError> {
    let (offsets, earlier) = offsets(reader, session)?;
    let (codes, order) = (codes(reader)?, None);
    let mut replayer = Replayer { offsets, codes, order, earlier, take: &mut take };
    let sql = "SELECT part, after_us, in_flight FROM throttles WHERE part < ? ORDER BY rowid";
    reader.each(sql, &[session.into()], |row| {
        let session = replayer.offsets.get(&session_number(row, 0)?);
        let begun = session.map_or(Duration::ZERO, |it| it.begun);
        let at = begun.saturating_add(Duration::from_micros(row.unsigned(1)?));
        let in_flight = usize::try_from(row.unsigned(2)?).unwrap_or(usize::MAX);
        (replayer.take)(&EngineEvent::Throttled { at, in_flight }, Times::Known);
        Ok(())
    })?;
    let sql = "SELECT o.number, o.id, o.state, o.duplicate_of, a.attempt, a.part, a.intended_at_us,
               a.sent_at_us, a.finished_at_us, a.outcome
               FROM orders AS o LEFT JOIN attempts AS a
               ON a.order_number = o.number AND a.part < ? ORDER BY o.number, a.attempt";
    reader.each(sql, &[integer(session.into())], |row| replayer.row(row))?;
    replayer.end_order();
    Ok(replayer.earlier)
}

#[derive(Clone, Copy)]
struct SessionOffset {
    started_at: Timestamp,
    begun: Duration,
}

fn offsets(
    reader: &Reader,
    session: u32,
) -> Result<(BTreeMap<u32, SessionOffset>, EarlierSessions), StoreError> {
    let (mut offsets, mut earlier) = (BTreeMap::new(), EarlierSessions::default());
    for (number, Span { from, to }) in spans(reader)?.range(..session) {
        offsets.insert(*number, SessionOffset { started_at: *from, begun: earlier.length });
        earlier.sessions += 1;
        earlier.length = earlier.length.saturating_add(between(*from, *to));
    }
    Ok((offsets, earlier))
}

pub(super) fn spans(reader: &Reader) -> Result<BTreeMap<u32, Span>, StoreError> {
    let mut spans = BTreeMap::new();
    let sql = "SELECT part, min(intended_at_us), max(coalesce(finished_at_us, intended_at_us))
               FROM attempts GROUP BY part";
    reader.each(sql, &[], |row| {
        spans.insert(session_number(row, 0)?, Span { from: time(row, 1)?, to: time(row, 2)? });
        Ok(())
    })?;
    Ok(spans)
}

type Codes = HashMap<String, Arc<str>>;

fn codes(reader: &Reader) -> Result<Codes, StoreError> {
    let mut codes = Codes::new();
    let sql = "SELECT DISTINCT a.outcome, r.explanation FROM attempts AS a
               LEFT JOIN reasons AS r ON r.outcome = a.outcome WHERE a.outcome IS NOT NULL";
    reader.each(sql, &[], |row| {
        let code = row.text(0)?;
        if codes.len() < MOST_CODES && code.len() <= LONGEST_CODE {
            codes.insert(code.to_owned(), row.optional_text(1)?.unwrap_or(code).into());
        }
        Ok(())
    })?;
    Ok(codes)
}

struct Replayer<'t, F> {
    offsets: BTreeMap<u32, SessionOffset>,
    codes: Codes,
    order: Option<ReplayedOrder>,
    earlier: EarlierSessions,
    take: &'t mut F,
}

struct ReplayedOrder {
    number: u64,
    id: Arc<str>,
    result: Option<OrderResult>,
    is_duplicate: bool,
    attempts: u32,
    finished: Duration,
    unknown: Option<u32>,
}

impl<F: FnMut(&EngineEvent, Times)> Replayer<'_, F> {
    fn tell(&mut self, event: &EngineEvent) {
        (self.take)(event, Times::Known);
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let number = row.unsigned(0)?;
        if self.order.as_ref().is_none_or(|order| order.number != number) {
            self.end_order();
            let result = match row.text(2)? {
                "acknowledged" => Some(OrderResult::Acknowledged),
                // The journal does not say why.
                "exhausted" => Some(OrderResult::Exhausted(Exhaustion::NoRetriesLeft)),
                "pending" => None,
                _ => return Err(row.corrupt(2, "is none that is known")),
            };
            self.order = Some(ReplayedOrder {
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
            let event = EngineEvent::UnknownOutcome { order: order_number, order_id, attempt };
            (self.take)(&event, Times::Known);
        }
        let Some(outcome) = row.optional_text(9)? else {
            order.unknown = Some(attempt);
            return Ok(());
        };
        let session = self.offsets.get(&session_number(row, 5)?);
        let session = session.copied().ok_or_else(|| row.corrupt(5, "is no session of a run"))?;
        let after = |at| session.begun.saturating_add(between(session.started_at, at));
        let intended = after(time(row, 6)?);
        let sent = row.optional_integer(7)?.map(|_| time(row, 7)).transpose()?.map(after);
        let finished = row.optional_integer(8)?.map(|_| time(row, 8)).transpose()?.map(after);
        order.finished = finished.unwrap_or(intended);
        let (code, why) = match self.codes.get(outcome) {
            _ if outcome == ACKNOWLEDGED => (Cow::Borrowed(ACKNOWLEDGED), None),
            Some(why) => (Cow::Owned(outcome.to_owned()), Some(why.as_ref().to_owned())),
            None => (Cow::Borrowed(OTHER), Some(OTHER.to_owned())),
        };
        let record = Attempt {
            order: order_number,
            order_id,
            attempt,
            intended,
            sent: sent.unwrap_or(intended),
            finished: order.finished,
            status: None,
            code,
            explanation: why,
        };
        let times = match (sent, finished) {
            (Some(_), Some(_)) => Times::Known,
            _ => Times::Unknown,
        };
        (self.take)(&EngineEvent::Attempt(record), times);
        Ok(())
    }

    fn end_order(&mut self) {
        let Some(order) = self.order.take() else { return };
        if order.is_duplicate && (order.attempts > 0 || order.result.is_some()) {
            self.earlier.duplicates += 1;
        }
        let ReplayedOrder { number, id, result: Some(result), attempts, finished, unknown, .. } =
            order
        else {
            return;
        };
        if let Some(attempt) = unknown {
            let order_id = Arc::clone(&id);
            self.tell(&EngineEvent::UnknownOutcome { order: number, order_id, attempt });
        }
        let end = OrderEnd { order: number, order_id: id, result, attempts, finished };
        self.tell(&EngineEvent::Order(end));
    }
}
