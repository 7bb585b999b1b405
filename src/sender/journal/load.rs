//! What a run that continues takes from its journal.

use std::iter;

use jiff::Timestamp;

use super::config::{self, RunConfig};
use super::integer;
use super::recorded::{RecordedOrder, each_order, recorded_orders, sessions};
use super::timeline::Timeline;
use crate::sender::record::{BegunOrder, Order};
use crate::store::{Reader, StoreError};

/// The most that the orders may take which a run that continues has in memory at once: 4 GiB.
const MAX_BEGUN_BYTES: u64 = 4 << 30;

const MAX_BEGUN: u64 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderSupply {
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
    pub intake: OrderSupply,
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
        (true, _) => OrderSupply::Complete,
        (false, true) => OrderSupply::Cut,
        (false, false) => OrderSupply::Unclear,
    };
    let sessions = sessions(reader)?;
    let timeline = Timeline { schedule: &run.schedule, speed: run.speed, sessions: &sessions };
    // What is left of lives waits in memory for its time, begun or not.
    let has_lives = run.orders.as_ref().is_some_and(|plan| plan.lives().is_some());
    let (mut counts, mut begun, mut last) = (count(reader, has_lives)?, Vec::new(), None);
    let sql =
        recorded_orders!(unfinished!(), " AND a.attempt IS NOT NULL ORDER BY o.number, a.attempt");
    each_order(reader, sql, &[], |RecordedOrder { order, attempts, .. }| {
        if attempts.last().is_some_and(|last| last.is_acknowledged()) {
            counts.acknowledged += 1;
        } else if let Some((attempts, last, elapsed)) = timeline.follow(&attempts, now) {
            begun.push(BegunOrder { order, attempts, last, elapsed });
        }
        Ok(())
    })?;
    let sql = recorded_orders!("o.number = (SELECT max(number) FROM orders)");
    each_order(reader, sql, &[], |found| {
        last = Some(found.order);
        Ok(())
    })?;
    Ok(Resumable { run, intake, begun, last, counts })
}

/// The orders of a journal that have no attempt, read a few at a time.
pub(super) fn waiting(reader: Reader) -> impl Iterator<Item = Result<Order, StoreError>> {
    let (mut read, mut after) = (Vec::new().into_iter(), 0);
    let sql = recorded_orders!(
        "o.number > ? AND o.state = 'pending' AND a.attempt IS NULL ORDER BY o.number LIMIT 256"
    );
    iter::from_fn(move || {
        if read.len() == 0 {
            let mut found = Vec::new();
            let taken = each_order(&reader, sql, &[integer(after)], |next| {
                found.push(next.order);
                Ok(())
            });
            if let Err(error) = taken {
                return Some(Err(error));
            }
            after = found.last().map_or(after, |order: &Order| order.number);
            read = found.into_iter();
        }
        read.next().map(Ok)
    })
}

fn fits_in_memory(begun: u64, bytes: u64) -> bool {
    begun <= MAX_BEGUN && bytes <= MAX_BEGUN_BYTES
}

fn count(reader: &Reader, has_lives: bool) -> Result<Counts, StoreError> {
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
         count(*) FILTER (WHERE state = 'exhausted'), coalesce(sum(bytes), 0) FROM
         (SELECT state, octet_length(body) + octet_length(id) AS bytes,
          EXISTS (SELECT 1 FROM attempts WHERE order_number = o.number) AS is_begun
          FROM orders AS o WHERE ",
        unfinished!(),
        ")"
    );
    reader.each(sql, &[], |row| {
        let (begun, unfinished) = (row.unsigned(0)?, row.unsigned(2)?);
        let held =
            if has_lives { (unfinished, row.unsigned(4)?) } else { (begun, row.unsigned(1)?) };
        if !fits_in_memory(held.0, held.1) {
            let problem = "its unfinished orders take more memory than a run may have";
            return Err(reader.corrupt(problem));
        }
        counts.waiting = unfinished.saturating_sub(begun);
        counts.exhausted = counts.exhausted.saturating_sub(row.unsigned(3)?);
        Ok(())
    })?;
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_begun_orders_are_limited_in_number_and_in_bytes() {
        for (begun, bytes, fits) in [
            (0, 0, true),
            (20_000_000, 4 << 30, true),
            (20_000_001, 0, false),
            (0, (4 << 30) + 1, false),
        ] {
            assert_eq!(fits_in_memory(begun, bytes), fits, "{begun} {bytes}");
        }
    }
}
