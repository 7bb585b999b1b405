//! What the earlier sessions of a run did, read back as events. A run that continues is judged as a
//! whole, so its summary takes in the earlier sessions end to end: the time between two of them, in
//! which nothing ran, is left out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ACKNOWLEDGED;
use super::recorded::{
    RecordedAttempt, RecordedOrder, Span, each_order, recorded_orders, sessions,
};
use super::timeline::between;
use crate::net::phases::Phases;
use crate::sender::record::{Attempt, EngineEvent, Order, OrderEnd};
use crate::store::{Reader, StoreError};

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

pub(super) fn replay(
    reader: &Reader,
    mut take: impl FnMut(&EngineEvent, Times),
) -> Result<EarlierSessions, StoreError> {
    let mut earlier = EarlierSessions::default();
    let mut begins = BTreeMap::new();
    for (number, Span { from, to }) in sessions(reader)? {
        begins.insert(number, SessionBegin { at: from, offset: earlier.length });
        earlier.sessions += 1;
        earlier.length = earlier.length.saturating_add(between(from, to));
    }
    let sql = "SELECT part, after_us, in_flight FROM throttles ORDER BY rowid";
    reader.each(sql, &[], |row| {
        let session = u32::try_from(row.unsigned(0)?).ok().and_then(|it| begins.get(&it));
        let begun = session.map_or(Duration::ZERO, |it| it.offset);
        let at = begun.saturating_add(Duration::from_micros(row.unsigned(1)?));
        let in_flight = usize::try_from(row.unsigned(2)?).unwrap_or(usize::MAX);
        take(&EngineEvent::Throttled { at, in_flight }, Times::Known);
        Ok(())
    })?;
    let replayer = Replayer { begins, codes: codes(reader)? };
    let sql = recorded_orders!("true ORDER BY o.number, a.attempt");
    each_order(reader, sql, &[], |found| {
        let was_sent = !found.attempts.is_empty() || found.result.is_some();
        earlier.duplicates += u64::from(was_sent && found.order.duplicate_of.is_some());
        replayer.report(&found, &mut take);
        Ok(())
    })?;
    Ok(earlier)
}

#[derive(Clone, Copy)]
struct SessionBegin {
    at: Timestamp,
    /// The same where the sessions follow each other without a break.
    offset: Duration,
}

struct Replayer {
    begins: BTreeMap<u32, SessionBegin>,
    /// What outcomes mean, as far as reports distinguish them.
    codes: HashMap<String, String>,
}

fn codes(reader: &Reader) -> Result<HashMap<String, String>, StoreError> {
    let mut codes = HashMap::new();
    let sql = "SELECT DISTINCT a.outcome, r.explanation FROM attempts AS a
               LEFT JOIN reasons AS r ON r.outcome = a.outcome WHERE a.outcome IS NOT NULL";
    reader.each(sql, &[], |row| {
        let code = row.text(0)?;
        if codes.len() < MOST_CODES && code.len() <= LONGEST_CODE {
            codes.insert(code.to_owned(), row.optional_text(1)?.unwrap_or(code).to_owned());
        }
        Ok(())
    })?;
    Ok(codes)
}

impl Replayer {
    fn report(&self, found: &RecordedOrder, take: &mut impl FnMut(&EngineEvent, Times)) {
        let RecordedOrder { order, result, attempts } = found;
        let (number, order_id) = (order.number, Arc::clone(&order.id));
        let mut finished = Duration::ZERO;
        for (index, made) in attempts.iter().enumerate() {
            if let Some(outcome) = &made.outcome {
                let (attempt, times) = self.attempt(order, made, outcome);
                finished = attempt.finished;
                take(&EngineEvent::Attempt(attempt), times);
            // The last one of a pending order is reported by the session that follows it up.
            } else if result.is_some() || index + 1 < attempts.len() {
                let (order_id, attempt) = (Arc::clone(&order_id), made.attempt);
                let unknown = EngineEvent::UnknownOutcome { order: number, order_id, attempt };
                take(&unknown, Times::Known);
            }
        }
        if let Some(result) = *result {
            let attempts = attempts.last().map_or(0, |last| last.attempt);
            let end = OrderEnd { order: number, order_id, result, attempts, finished };
            take(&EngineEvent::Order(end), Times::Known);
        }
    }

    fn attempt(&self, order: &Order, made: &RecordedAttempt, outcome: &str) -> (Attempt, Times) {
        let session = self.begins.get(&made.session);
        let after =
            |at| session.map_or(Duration::ZERO, |it| it.offset.saturating_add(between(it.at, at)));
        let intended = after(made.intended_at);
        let (code, explanation) = match self.codes.get(outcome) {
            _ if made.is_acknowledged() => (Cow::Borrowed(ACKNOWLEDGED), None),
            Some(why) => (Cow::Owned(outcome.to_owned()), Some(why.clone())),
            None => (Cow::Borrowed(OTHER), Some(OTHER.to_owned())),
        };
        let attempt = Attempt {
            order: order.number,
            order_id: Arc::clone(&order.id),
            attempt: made.attempt,
            intended,
            sent: made.sent_at.map_or(intended, after),
            finished: made.finished_at.map_or(intended, after),
            phases: Phases::default(),
            status: None,
            code,
            explanation,
        };
        let is_timed = made.sent_at.is_some() && made.finished_at.is_some();
        (attempt, if is_timed { Times::Known } else { Times::Unknown })
    }
}
