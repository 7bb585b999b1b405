//! What a run knows: who waits, who is in flight, and what the journal is to record; nothing waits here.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;

use super::journal::{Settlement, Verdict};
use super::number_hasher::NumberHasher;
use super::pending::{Flight, Landing, Pending};
use super::plan::{Ended, LastOutcome, Next, Retry, RetryPlan};
use super::stops::{BEAT, LATENESS, Stops};
use super::{Ending, Feed, FleetTotals, Limits, wall_at};
use crate::sender::decide::Exhaustion;
use crate::sender::record::{AttemptRecord, FleetEvent, Order, OrderRecord, OrderResult};

/// The most attempts that are taken, and replies that are judged, before the rest has its turn.
pub(super) const BATCH: usize = 64;

/// Whether there is something to do without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    Wait,
    Glance,
}

type Unfinished = (u64, Arc<str>, u32);

pub(super) struct State<'p, 'f, E, S> {
    plan: RetryPlan<'p>,
    limits: Limits,
    start: Timestamp,
    feed: Feed<'f, E>,
    on_event: S,
    now: Duration,
    phase: Phase,
    fresh: Fresh,
    pending: Pending,
    ready: Vec<Flight>,
    settled: Vec<Settlement>,
    in_flight: HashMap<u64, (Arc<str>, u32), BuildHasherDefault<NumberHasher>>,
    /// Taken, but not sent because of a stop.
    unsent: Vec<Unfinished>,
    throttled_since: Option<Duration>,
    beat: Duration,
    stops: Stops,
    failure: Option<E>,
    totals: FleetTotals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { until: Duration },
    Aborted,
}

#[derive(Clone, Copy, Debug)]
struct Fresh {
    taken: u64,
    /// How much later than planned orders are intended, because the feed kept the run waiting.
    lag: Duration,
    model: Model,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    At(Duration),
    Now,
    Awaited,
    Never,
}

impl Fresh {
    fn at<E>(taken: u64, lag: Duration, feed: &Feed<'_, E>) -> Self {
        let (model, when) = match (feed.pace)(taken) {
            Some(at) => (Model::Open, When::At(at.saturating_add(lag))),
            None => (Model::Closed, When::Now),
        };
        let is_over = feed.count.is_some_and(|count| taken >= count);
        Fresh { taken, lag, model, when: if is_over { When::Never } else { when } }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Retry,
    First,
}

impl<'p, 'f, E, S: FnMut(FleetEvent) -> Result<(), E>> State<'p, 'f, E, S> {
    pub(super) fn new(
        plan: RetryPlan<'p>,
        limits: Limits,
        start: Timestamp,
        feed: Feed<'f, E>,
        on_event: S,
    ) -> Self {
        State {
            plan,
            limits,
            start,
            fresh: Fresh::at(0, Duration::ZERO, &feed),
            feed,
            on_event,
            now: Duration::ZERO,
            phase: Phase::Running,
            pending: Pending::default(),
            ready: Vec::new(),
            settled: Vec::new(),
            in_flight: HashMap::default(),
            unsent: Vec::new(),
            throttled_since: None,
            beat: BEAT,
            stops: Stops::default(),
            failure: None,
            totals: FleetTotals::default(),
        }
    }

    pub(super) fn take_resumed(&mut self) -> Result<(), E> {
        while let Some(resumed) = self.feed.resumed.next() {
            let super::Resumed { order, attempts, last, elapsed } = resumed?;
            self.totals.orders += 1;
            if last != LastOutcome::Known {
                let (order, order_id) = (order.number, Arc::clone(&order.id));
                let event = FleetEvent::UnknownOutcome { order, order_id, attempt: attempts };
                (self.on_event)(event)?;
            }
            match self.plan.resume(order.number, attempts, last, elapsed) {
                Next::Retry(retry) => {
                    let is_owed = attempts == 0 || last == LastOutcome::Unproven;
                    self.park(order, retry, Duration::ZERO, is_owed);
                }
                // The journal is not told: a clock that is wrong now must not decide for good.
                Next::Exhausted(why) => {
                    let lapsed = why == Exhaustion::WindowPassed;
                    let ended = (order.number, order.id, attempts);
                    self.end(OrderResult::Exhausted, ended, Duration::ZERO, lapsed)?;
                }
                Next::Acknowledged => {}
            }
        }
        Ok(())
    }

    pub(super) fn fill(&mut self, now: Duration) -> Result<Patience, E> {
        self.now = now;
        if now >= self.beat {
            self.beat = now.saturating_add(BEAT);
        }
        for _ in 0..BATCH {
            let Some((due, intended)) = self.next_due().filter(|(_, at)| *at <= now) else {
                self.unthrottle();
                return Ok(Patience::Wait);
            };
            if self.in_flight.len() >= self.room().get() {
                self.throttle()?;
                return Ok(Patience::Wait);
            }
            match due {
                Due::Retry => {
                    if let Some(flight) = self.pending.pop() {
                        self.launch(flight)?;
                    }
                }
                Due::First => self.take_first(intended)?,
            }
        }
        Ok(Patience::Glance)
    }

    /// What is to be told to the journal, and sent after it; `None` where there is nothing.
    pub(super) fn take_turn(&mut self) -> Option<(Vec<Settlement>, Vec<Flight>)> {
        match (self.settled.is_empty(), self.ready.is_empty()) {
            (true, true) => None,
            _ => Some((mem::take(&mut self.settled), mem::take(&mut self.ready))),
        }
    }

    pub(super) fn take_off(&mut self) -> impl Iterator<Item = Flight> + '_ {
        self.settled.clear();
        self.ready.drain(..)
    }

    pub(super) fn last_settlements(&mut self) -> Vec<Settlement> {
        mem::take(&mut self.settled)
    }

    pub(super) fn is_over(&self, is_quiet: bool) -> bool {
        match self.phase {
            Phase::Running => is_quiet && !self.awaits_feed() && self.next_due().is_none(),
            Phase::Draining { until } => is_quiet || self.now >= until,
            Phase::Aborted => true,
        }
    }

    /// The next moment at which something is to do, and how far it is; with `is_idle` the next beat
    /// at the latest.
    pub(super) fn next_timer(&self, is_idle: bool) -> Option<(Duration, Duration)> {
        let due = match self.phase {
            Phase::Draining { until } => Some(until),
            Phase::Running | Phase::Aborted => self.next_due().map(|(_, due)| due),
        };
        // What is due already waits for room.
        let due = due.filter(|due| *due > self.now);
        let due = due.into_iter().chain(is_idle.then_some(self.beat)).min()?;
        Some((due, due.saturating_sub(self.now)))
    }

    pub(super) fn wake(&mut self, due: Option<Duration>, now: Duration) {
        let Some(due) = due else { return };
        let Some(lasted) = self.stops.notice(due, now) else { return };
        if let When::At(at) = self.fresh.when
            && self.fresh.model == Model::Open
        {
            self.fresh.lag = self.fresh.lag.saturating_add(lasted);
            if at >= due {
                self.fresh.when = When::At(at.saturating_add(lasted));
            }
        }
    }

    fn awaits_feed(&self) -> bool {
        self.phase == Phase::Running && self.fresh.when == When::Awaited
    }

    pub(super) fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.awaits_feed() { self.feed.orders.poll_ready(context) } else { Poll::Pending }
    }

    pub(super) fn fed(&mut self, now: Duration) {
        self.now = now;
        let Fresh { taken, lag, .. } = self.fresh;
        self.fresh = Fresh::at(taken, lag, &self.feed);
        if let When::At(at) = self.fresh.when
            && at < now
        {
            self.fresh.lag = lag.saturating_add(now.saturating_sub(at));
            self.fresh.when = When::At(now);
        }
    }

    /// Stops the run; the second time at once.
    pub(super) fn interrupt(&mut self, now: Duration) {
        self.now = now;
        match self.phase {
            Phase::Running => self.stop(),
            Phase::Draining { .. } | Phase::Aborted => {
                (self.phase, self.totals.ending) = (Phase::Aborted, Ending::Aborted);
            }
        }
        for flight in self.ready.drain(..) {
            self.in_flight.remove(&flight.order.number);
            let made = flight.attempt.saturating_sub(1);
            self.unsent.push((flight.order.number, flight.order.id, made));
        }
    }

    fn stop(&mut self) {
        let until = self.now.saturating_add(self.limits.drain);
        (self.phase, self.totals.ending) = (Phase::Draining { until }, Ending::Stopped);
    }

    pub(super) fn land(&mut self, landing: Landing) -> Result<(), E> {
        let Landing { flight, sent, finished, outcome, conclusion } = landing;
        let Flight { order, attempt, intended, offset, .. } = flight;
        self.in_flight.remove(&order.number);
        if outcome.is_held_back() {
            self.unsent.push((order.number, order.id, attempt.saturating_sub(1)));
            self.stop();
            return Ok(());
        }
        self.totals.attempts += 1;
        let finished_at = wall_at(self.start, finished);
        let next = self.plan.after(&Ended {
            order: order.number,
            attempt,
            outcome: &outcome,
            conclusion: conclusion.as_ref(),
            elapsed: offset.saturating_add(finished.saturating_sub(intended)),
            at: finished_at,
        });
        let code = outcome.code(conclusion.as_ref());
        let (verdict, result) = match next {
            Next::Acknowledged => (Verdict::Acknowledged, Some(OrderResult::Acknowledged)),
            Next::Exhausted(_) => (Verdict::Exhausted, Some(OrderResult::Exhausted)),
            Next::Retry(_) => (Verdict::Retry, None),
        };
        let number = order.number;
        self.settled.push(Settlement::Attempt {
            order: number,
            attempt,
            code,
            verdict,
            finished_at,
        });
        (self.on_event)(FleetEvent::Attempt(AttemptRecord {
            order: number,
            order_id: Arc::clone(&order.id),
            attempt,
            intended,
            sent,
            finished,
            status: outcome.status(),
            code,
            explanation: outcome.explanation(conclusion.as_ref()),
        }))?;
        if let Some(result) = result {
            let lapsed = next == Next::Exhausted(Exhaustion::WindowPassed)
                && self.stops.was_stopped(intended, finished);
            return self.end(result, (number, order.id, attempt), finished, lapsed);
        }
        if let Next::Retry(retry) = next {
            self.park(order, retry, finished, false);
        }
        Ok(())
    }

    pub(super) fn finish(mut self, now: Duration) -> Result<FleetTotals, E> {
        self.now = now;
        self.unthrottle();
        let mut unfinished = mem::take(&mut self.unsent);
        unfinished.extend(self.in_flight.drain().map(|(number, (id, made))| (number, id, made)));
        unfinished.extend(
            self.pending.drain().map(|(number, id, next)| (number, id, next.saturating_sub(1))),
        );
        unfinished.sort_unstable();
        for order in unfinished {
            self.end(OrderResult::Interrupted, order, now, false)?;
        }
        self.totals.elapsed = now;
        self.failure.map_or(Ok(self.totals), Err)
    }

    fn next_due(&self) -> Option<(Due, Duration)> {
        if self.phase != Phase::Running {
            return None;
        }
        let first = match self.fresh.when {
            When::At(at) => Some(at),
            When::Now => Some(self.now),
            When::Awaited | When::Never => None,
        };
        match (self.pending.next_due(), first) {
            (Some(retry), Some(first)) if first < retry => Some((Due::First, first)),
            (Some(retry), _) => Some((Due::Retry, retry)),
            (None, Some(first)) => Some((Due::First, first)),
            (None, None) => None,
        }
    }

    fn room(&self) -> NonZeroUsize {
        let Limits { concurrency, max_in_flight, .. } = self.limits;
        match self.fresh.model {
            Model::Open => max_in_flight,
            Model::Closed => max_in_flight.min(concurrency),
        }
    }

    fn throttle(&mut self) -> Result<(), E> {
        let Limits { concurrency, max_in_flight, .. } = self.limits;
        let bites = self.fresh.model == Model::Open || max_in_flight < concurrency;
        if !bites || self.throttled_since.is_some() {
            return Ok(());
        }
        self.throttled_since = Some(self.now);
        self.totals.throttled += 1;
        let in_flight = self.in_flight.len();
        (self.on_event)(FleetEvent::Throttled { at: self.now, in_flight })
    }

    fn unthrottle(&mut self) {
        if let Some(since) = self.throttled_since.take() {
            self.totals.throttled_for += self.now.saturating_sub(since);
        }
    }

    fn take_first(&mut self, intended: Duration) -> Result<(), E> {
        let order = match self.feed.orders.next(wall_at(self.start, intended)) {
            Poll::Ready(Some(Ok(order))) => order,
            Poll::Ready(Some(Err(failure))) => {
                self.failure = Some(failure);
                self.stop();
                return Ok(());
            }
            Poll::Ready(None) => {
                self.fresh.when = When::Never;
                return Ok(());
            }
            Poll::Pending => {
                self.fresh.when = When::Awaited;
                return Ok(());
            }
        };
        self.fresh = Fresh::at(self.fresh.taken + 1, self.fresh.lag, &self.feed);
        self.totals.orders += 1;
        // However long it waited in its file or journal: its window starts here.
        let offset = Duration::ZERO;
        self.launch(Flight { order, attempt: 1, intended, offset, is_owed: true })
    }

    /// Makes an attempt ready to be sent, unless it is a retry held back past the window.
    fn launch(&mut self, flight: Flight) -> Result<(), E> {
        let late = self.now.saturating_sub(flight.intended);
        let offset = flight.offset.saturating_add(late);
        if !flight.is_owed && late > LATENESS && offset > self.plan.schedule.window() {
            return self.give_up(flight);
        }
        let id = Arc::clone(&flight.order.id);
        self.in_flight.insert(flight.order.number, (id, flight.attempt));
        self.totals.peak_in_flight = self.totals.peak_in_flight.max(self.in_flight.len());
        self.ready.push(flight);
        Ok(())
    }

    fn park(&mut self, order: Order, retry: Retry, now: Duration, is_owed: bool) {
        let Retry { attempt, offset, wait } = retry;
        let intended = now.saturating_add(wait);
        self.pending.push(&Flight { order, attempt, intended, offset, is_owed });
        self.totals.peak_pending = self.totals.peak_pending.max(self.pending.len());
    }

    fn give_up(&mut self, flight: Flight) -> Result<(), E> {
        let Flight { order, attempt, intended, .. } = flight;
        let (result, attempts) = (OrderResult::Exhausted, attempt.saturating_sub(1));
        self.settled.push(Settlement::Order { order: order.number, attempts, result });
        let lapsed = self.stops.was_stopped(intended, self.now);
        self.end(result, (order.number, order.id, attempts), self.now, lapsed)
    }

    fn end(
        &mut self,
        result: OrderResult,
        order: Unfinished,
        at: Duration,
        lapsed: bool,
    ) -> Result<(), E> {
        let (order, order_id, attempts) = order;
        *match result {
            OrderResult::Acknowledged => &mut self.totals.acknowledged,
            OrderResult::Exhausted => &mut self.totals.exhausted,
            OrderResult::Interrupted => &mut self.totals.interrupted,
        } += 1;
        let record = OrderRecord { order, order_id, result, attempts, finished: at, lapsed };
        (self.on_event)(FleetEvent::Order(record))
    }
}
