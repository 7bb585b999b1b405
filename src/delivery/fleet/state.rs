//! What a run knows: who waits, who is under way, and what is to be told to the journal.
//!
//! Nothing here waits; [`run`](super::run) does.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;

use super::journal::{Settlement, Verdict};
use super::pending::{Flight, Pending};
use super::plan::{Ended, LastOutcome, Next, Retry, RetryPlan};
use super::{Ending, Feed, FleetTotals, Limits, wall_at};
use crate::delivery::outcome::Outcome;
use crate::delivery::record::{AttemptRecord, FleetEvent, Order, OrderRecord, OrderResult};
use crate::protocol::acknowledgement::Conclusion;

/// The most attempts that are taken, and the most replies that are judged, before the rest has its
/// turn.
pub(super) const BATCH: usize = 64;

/// How late an attempt may start past the window: timers and commits take their time.
const LATENESS: Duration = Duration::from_secs(1);

/// An attempt that is over; its times count from the start of the run.
pub(super) struct Landing {
    pub(super) flight: Flight,
    pub(super) sent: Duration,
    pub(super) finished: Duration,
    pub(super) outcome: Outcome,
    /// What the platform concludes from the reply; `None` where none arrived.
    pub(super) conclusion: Option<Conclusion>,
}

/// Whether there is something to do without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Nothing is to do before something happens.
    Wait,
    /// More is due than one batch.
    Glance,
}

/// An order that is not done: its number, its id, and the attempts made.
type Unfinished = (u64, Arc<str>, u32);

/// A run of a fleet; its times count from the run's start.
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
    /// Taken, but not yet told to the journal.
    ready: Vec<Flight>,
    settled: Vec<Settlement>,
    /// Everything taken that has not come back: its id and the attempt's number.
    in_flight: HashMap<u64, (Arc<str>, u32), BuildHasherDefault<NumberHasher>>,
    /// Taken, but not sent because of a stop.
    unsent: Vec<Unfinished>,
    throttled_since: Option<Duration>,
    failure: Option<E>,
    totals: FleetTotals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { until: Duration },
    Aborted,
}

/// Spreads order numbers: the run counts them itself, so nobody can choose ones that collide.
#[derive(Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The table looks at the highest bits and at the lowest; an odd factor and a turn stir both.
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The next order of the feed.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    /// How many orders came from the feed.
    taken: u64,
    /// How much later than planned orders are intended, because the feed kept the run waiting.
    lag: Duration,
    model: Model,
    when: When,
}

/// What limits how many first notifications are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Model {
    Open,
    Closed,
}

/// When the next order of the feed is intended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    At(Duration),
    /// Where there is room.
    Now,
    /// When the feed brings it.
    Awaited,
    /// There is none.
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

/// What is due next.
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
            failure: None,
            totals: FleetTotals::default(),
        }
    }

    /// Lets the orders of an earlier run wait for their next attempts.
    pub(super) fn take_resumed(&mut self) -> Result<(), E> {
        while let Some(resumed) = self.feed.resumed.next() {
            let super::Resumed { order, attempts, last } = resumed?;
            self.totals.orders += 1;
            if last == LastOutcome::Unknown {
                let (order, order_id) = (order.number, Arc::clone(&order.id));
                let event = FleetEvent::UnknownOutcome { order, order_id, attempt: attempts };
                (self.on_event)(event)?;
            }
            let elapsed = self.schedule_time(&order, Duration::ZERO);
            match self.plan.resume(order.number, attempts, last, elapsed) {
                Next::Retry(retry) => self.park(order, retry, Duration::ZERO),
                Next::Exhausted(_) | Next::Acknowledged => self.give_up(order, attempts)?,
            }
        }
        Ok(())
    }

    /// Takes what is due, as far as there is room.
    pub(super) fn fill(&mut self, now: Duration) -> Result<Patience, E> {
        self.now = now;
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

    /// What is to be sent where no journal is to be told of anything.
    pub(super) fn take_off(&mut self) -> impl Iterator<Item = Flight> + '_ {
        self.settled.clear();
        self.ready.drain(..)
    }

    /// What the journal has not been told when the run is over.
    pub(super) fn last_settlements(&mut self) -> Vec<Settlement> {
        mem::take(&mut self.settled)
    }

    /// Whether the run is over, given whether anything is under way.
    pub(super) fn is_over(&self, is_quiet: bool) -> bool {
        match self.phase {
            Phase::Running => is_quiet && !self.awaits_feed() && self.next_due().is_none(),
            Phase::Draining { until } => is_quiet || self.now >= until,
            Phase::Aborted => true,
        }
    }

    /// The next moment at which something is to do, and how far it is; `None` where only a reply
    /// can change anything.
    pub(super) fn next_timer(&self) -> Option<(Duration, Duration)> {
        let due = match self.phase {
            Phase::Draining { until } => until,
            Phase::Running | Phase::Aborted => self.next_due()?.1,
        };
        // What is due already waits for room.
        (due > self.now).then(|| (due, due.saturating_sub(self.now)))
    }

    fn awaits_feed(&self) -> bool {
        self.phase == Phase::Running && self.fresh.when == When::Awaited
    }

    /// Completes when the feed that the run waits for has something to say; never where it waits
    /// for none.
    pub(super) fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.awaits_feed() { self.feed.orders.poll_ready(context) } else { Poll::Pending }
    }

    /// Asks the feed again, which kept the run waiting until now.
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

    /// Takes nothing more, and gives what is under way its time.
    fn stop(&mut self) {
        let until = self.now.saturating_add(self.limits.drain);
        (self.phase, self.totals.ending) = (Phase::Draining { until }, Ending::Stopped);
    }

    /// Judges an attempt that is over, and tells it; one that was held back is none, and ends the run.
    pub(super) fn land(&mut self, landing: Landing) -> Result<(), E> {
        let Landing { flight, sent, finished, outcome, conclusion } = landing;
        let Flight { order, attempt, intended, offset } = flight;
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
            return self.end(result, (number, order.id, attempt), finished);
        }
        if let Next::Retry(retry) = next {
            self.park(order, retry, finished);
        }
        Ok(())
    }

    /// Tells what is not done, and gives the numbers of the run.
    ///
    /// # Errors
    ///
    /// The error of the feed that ended the run, or one of the listener.
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
            self.end(OrderResult::Interrupted, order, now)?;
        }
        self.totals.elapsed = now;
        self.failure.map_or(Ok(self.totals), Err)
    }

    /// What is due next and when; what was intended earlier goes first, at equal times the retry.
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

    /// How many attempts may be under way.
    fn room(&self) -> NonZeroUsize {
        let Limits { concurrency, max_in_flight, .. } = self.limits;
        match self.fresh.model {
            Model::Open => max_in_flight,
            Model::Closed => max_in_flight.min(concurrency),
        }
    }

    /// Tells once that the limit holds sends back; the concurrency that was asked for is no limit.
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

    /// Takes the next order of the feed.
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
        let offset = self.schedule_time(&order, intended);
        if offset > self.plan.schedule.window() {
            return self.give_up(order, 0);
        }
        self.launch(Flight { order, attempt: 1, intended, offset })
    }

    /// How long after the order's completion `at` is, in schedule time.
    fn schedule_time(&self, order: &Order, at: Duration) -> Duration {
        let real = wall_at(self.start, at).duration_since(order.completed_at);
        // An order completed in the future starts when it is sent.
        self.plan.speed.stretch(Duration::try_from(real).unwrap_or_default())
    }

    /// Makes an attempt ready to be sent, unless it was held back past the window.
    fn launch(&mut self, flight: Flight) -> Result<(), E> {
        let late = self.now.saturating_sub(flight.intended);
        let offset = flight.offset.saturating_add(late);
        if late > LATENESS && offset > self.plan.schedule.window() {
            return self.give_up(flight.order, flight.attempt.saturating_sub(1));
        }
        let id = Arc::clone(&flight.order.id);
        self.in_flight.insert(flight.order.number, (id, flight.attempt));
        self.totals.peak_in_flight = self.totals.peak_in_flight.max(self.in_flight.len());
        self.ready.push(flight);
        Ok(())
    }

    /// Lets an order wait for its next attempt.
    fn park(&mut self, order: Order, retry: Retry, now: Duration) {
        let Retry { attempt, offset, wait } = retry;
        let intended = now.saturating_add(wait);
        self.pending.push(&Flight { order, attempt, intended, offset });
        self.totals.peak_pending = self.totals.peak_pending.max(self.pending.len());
    }

    /// Ends an order whose window passed while it waited.
    fn give_up(&mut self, order: Order, attempts: u32) -> Result<(), E> {
        let result = OrderResult::Exhausted;
        self.settled.push(Settlement::Order { order: order.number, attempts, result });
        self.end(result, (order.number, order.id, attempts), self.now)
    }

    fn end(&mut self, result: OrderResult, order: Unfinished, at: Duration) -> Result<(), E> {
        let (order, order_id, attempts) = order;
        *match result {
            OrderResult::Acknowledged => &mut self.totals.acknowledged,
            OrderResult::Exhausted => &mut self.totals.exhausted,
            OrderResult::Interrupted => &mut self.totals.interrupted,
        } += 1;
        let record = OrderRecord { order, order_id, result, attempts, finished: at };
        (self.on_event)(FleetEvent::Order(record))
    }
}
