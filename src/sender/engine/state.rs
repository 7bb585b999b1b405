//! What a run knows: who waits, who is in flight, and what the journal is to record; nothing waits here.

use std::collections::BTreeMap;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use protocol::internal::acknowledgement::Conclusion;

use super::held::Held;
use super::next_order::{NextOrder, When};
use super::retry_queue::RetryQueue;
use super::stops::{BEAT, LATENESS, Stops};
use crate::net::outcome::{FailureKind, Outcome};
use crate::net::phases::Phases;
use crate::sender::decide::{Decision, Exhaustion, LastOutcome, Retry, RetryPlan};
use crate::sender::orders::OrderFeed;
use crate::sender::orders::error::OrderError;
use crate::sender::pace::Pace;
use crate::sender::record::{
    Attempt, BegunOrder, EngineEvent, FollowingOrder, InFlight, Interruption, Order, OrderEnd,
    OrderResult, wall_at,
};

/// The most attempts that are taken, and replies that are judged, before the rest has its turn.
pub(super) const BATCH: usize = 64;

/// What is known of an attempt while its run lasts, beside what is recorded.
#[derive(Clone, Copy, Debug)]
pub struct AttemptDetails<'a> {
    /// When it was planned after the order's completion, in schedule time.
    pub planned: Duration,
    pub started_at: Timestamp,
    /// The signed body.
    pub sent: &'a [u8],
    pub outcome: &'a Outcome,
    /// What the platform concludes from the reply; `None` where none arrived.
    pub conclusion: Option<&'a Conclusion>,
    pub decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadLimits {
    pub concurrency: NonZeroUsize,
    pub max_in_flight: NonZeroUsize,
    /// How long replies are awaited after the run was told to stop.
    pub drain: Duration,
}

impl LoadLimits {
    /// For one order: a stop ends its run at once.
    pub const ONE: LoadLimits = LoadLimits {
        concurrency: NonZeroUsize::MIN,
        max_in_flight: NonZeroUsize::MIN,
        drain: Duration::ZERO,
    };
}

pub struct EngineInput<'a> {
    /// What an earlier session left unfinished; each order waits for its next attempt.
    pub begun: Vec<BegunOrder>,
    pub orders: &'a mut dyn OrderFeed,
    /// How many orders `orders` has, where that is known: the run then ends with the last one, and
    /// not when the one after it would have been due.
    pub count: Option<u64>,
    /// When order `n` of `orders`, counted from 0, is intended to be sent first.
    pub pace: Pace,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTotals {
    pub orders: u64,
    pub attempts: u64,
    pub acknowledged: u64,
    pub exhausted: u64,
    pub interrupted: u64,
    pub throttled: u64,
    pub throttled_for: Duration,
    pub peak_in_flight: usize,
    pub elapsed: Duration,
    pub ending: Ending,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    #[default]
    Complete,
    Stopped,
    Aborted,
}

pub(super) struct Completed {
    pub(super) made: InFlight,
    pub(super) sent: Duration,
    pub(super) finished: Duration,
    pub(super) outcome: Outcome,
    pub(super) phases: Phases,
    pub(super) conclusion: Option<Conclusion>,
}

/// Takes an event, and its details where it is a finished attempt.
pub type OnEvent<'r, E> =
    dyn FnMut(&EngineEvent, Option<&AttemptDetails<'_>>) -> Result<(), E> + 'r;

/// An order that is not done: its number, its id, how many attempts were made, and how it ended.
type Unfinished = (u64, Arc<str>, u32, Interruption);

pub(super) struct State<'r, E> {
    plan: RetryPlan<'r>,
    limits: LoadLimits,
    start: Timestamp,
    input: EngineInput<'r>,
    on_event: &'r mut OnEvent<'r, E>,
    has_journal: bool,
    now: Duration,
    phase: Phase,
    is_halted: bool,
    next_order: NextOrder,
    pending: RetryQueue,
    held: Held,
    ready: Vec<InFlight>,
    unwritten: Vec<EngineEvent>,
    in_flight: BTreeMap<u64, (Arc<str>, u32)>,
    /// Taken, but not sent because of a stop.
    unsent: Vec<Unfinished>,
    throttled_since: Option<Duration>,
    beat: Duration,
    stops: Stops,
    pub(super) failure: Option<OrderError>,
    totals: RunTotals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Draining { until: Duration },
    Aborted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Retry,
    First,
}

impl<'r, E> State<'r, E> {
    pub(super) fn new(
        plan: RetryPlan<'r>,
        limits: LoadLimits,
        start: Timestamp,
        input: EngineInput<'r>,
        on_event: &'r mut OnEvent<'r, E>,
        has_journal: bool,
    ) -> Self {
        State {
            plan,
            limits,
            start,
            next_order: NextOrder::at(0, Duration::ZERO, &input),
            input,
            on_event,
            has_journal,
            now: Duration::ZERO,
            phase: Phase::Running,
            is_halted: false,
            pending: RetryQueue::default(),
            held: Held::default(),
            ready: Vec::new(),
            unwritten: Vec::new(),
            in_flight: BTreeMap::new(),
            unsent: Vec::new(),
            throttled_since: None,
            beat: BEAT,
            stops: Stops::default(),
            failure: None,
            totals: RunTotals::default(),
        }
    }

    pub(super) fn take_begun(&mut self) -> Result<(), E> {
        for next in self.input.orders.following() {
            self.hold(next, Duration::ZERO);
        }
        for BegunOrder { order, attempts, last, elapsed } in mem::take(&mut self.input.begun) {
            self.totals.orders += 1;
            if last != LastOutcome::Known {
                let (order, order_id) = (order.number, Arc::clone(&order.id));
                let event = EngineEvent::UnknownOutcome { order, order_id, attempt: attempts };
                self.tell(event, None)?;
            }
            match self.plan.resume((order.number, attempts), last, elapsed) {
                Decision::Retry(retry) => {
                    let is_owed = attempts == 0 || last == LastOutcome::Unproven;
                    self.schedule_retry(order, retry, Duration::ZERO, is_owed);
                }
                // The journal is not told: a clock that is wrong now must not decide for good.
                Decision::Exhausted(why) => {
                    let end =
                        self.end_of(order.number, order.id, attempts, OrderResult::Exhausted(why));
                    (self.on_event)(&EngineEvent::Order(end), None)?;
                }
                Decision::Acknowledged => {}
            }
        }
        Ok(())
    }

    /// Takes what is due; `true` where more of it is left than is taken at once.
    pub(super) fn fill(&mut self, now: Duration) -> Result<bool, E> {
        self.now = now;
        if now >= self.beat {
            self.beat = now.saturating_add(BEAT);
        }
        for _ in 0..BATCH {
            let Some((due, intended)) = self.next_due().filter(|(_, at)| *at <= now) else {
                self.unthrottle();
                return Ok(false);
            };
            if self.in_flight.len() >= self.room().get() {
                self.throttle()?;
                return Ok(false);
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
        Ok(true)
    }

    /// What the journal is to record, and what is sent after it; `None` where there is nothing.
    pub(super) fn take_turn(&mut self) -> Option<(Vec<EngineEvent>, Vec<InFlight>)> {
        match (self.unwritten.is_empty(), self.ready.is_empty()) {
            (true, true) => None,
            _ => {
                let ready = mem::replace(&mut self.ready, Vec::with_capacity(BATCH));
                Some((mem::take(&mut self.unwritten), ready))
            }
        }
    }

    /// What may be sent of the attempts whose intention was recorded: after a stop nothing.
    pub(super) fn intended(&mut self, attempts: Vec<InFlight>) -> Result<Vec<InFlight>, E> {
        if !self.is_halted {
            return Ok(attempts);
        }
        self.cancel(attempts)?;
        Ok(Vec::new())
    }

    /// Takes back what was recorded as about to be sent.
    pub(super) fn cancel(&mut self, attempts: Vec<InFlight>) -> Result<(), E> {
        attempts.into_iter().try_for_each(|InFlight { order, attempt, .. }| {
            self.in_flight.remove(&order.number);
            self.not_sent(order, attempt)
        })
    }

    pub(super) fn is_over(&self, is_quiet: bool) -> bool {
        match self.phase {
            Phase::Running => is_quiet && !self.awaits_order() && self.next_due().is_none(),
            Phase::Draining { until } => is_quiet || self.now >= until,
            Phase::Aborted => true,
        }
    }

    /// When something is next to be done; with `is_idle` one beat from now at most.
    pub(super) fn next_timer(&self, is_idle: bool) -> Option<Duration> {
        let due = match self.phase {
            Phase::Draining { until } => Some(until),
            Phase::Running | Phase::Aborted => self.next_due().map(|(_, due)| due),
        };
        // What is due already waits for room.
        let due = due.filter(|due| *due > self.now);
        due.into_iter().chain(is_idle.then_some(self.beat)).min()
    }

    pub(super) fn wake(&mut self, due: Option<Duration>, now: Duration) {
        let Some(due) = due else { return };
        let Some(lasted) = self.stops.notice(due, now) else { return };
        if let When::At(at) = self.next_order.when
            && self.is_paced()
        {
            self.next_order.lag = self.next_order.lag.saturating_add(lasted);
            if at >= due {
                self.next_order.when = When::At(at.saturating_add(lasted));
            }
        }
    }

    /// Without a beat only the length of a turn shows that the sender was stopped. It may have been
    /// the disk instead, so intended times stay: what a disk delays is latency.
    pub(super) fn notice_turn(&mut self, began: Duration, now: Duration) {
        self.stops.notice(began, now);
    }

    fn awaits_order(&self) -> bool {
        self.phase == Phase::Running && self.next_order.when == When::Awaited
    }

    pub(super) fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.awaits_order() { self.input.orders.poll_ready(context) } else { Poll::Pending }
    }

    pub(super) fn source_ready(&mut self, now: Duration) {
        self.now = now;
        let NextOrder { taken, lag, .. } = self.next_order;
        self.next_order = NextOrder::at(taken, lag, &self.input);
        if let When::At(at) = self.next_order.when
            && at < now
        {
            self.next_order.lag = lag.saturating_add(now.saturating_sub(at));
            self.next_order.when = When::At(now);
        }
    }

    /// Stops the run; the second time at once.
    pub(super) fn interrupt(&mut self, now: Duration) -> Result<(), E> {
        self.now = now;
        match self.phase {
            Phase::Running => {
                self.halt();
                self.tell(EngineEvent::Stopping, None)?;
            }
            Phase::Draining { .. } | Phase::Aborted => {
                (self.phase, self.totals.ending) = (Phase::Aborted, Ending::Aborted);
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        let until = self.now.saturating_add(self.limits.drain);
        (self.phase, self.totals.ending) = (Phase::Draining { until }, Ending::Stopped);
    }

    fn halt(&mut self) {
        self.stop();
        self.is_halted = true;
        for InFlight { order, attempt, .. } in mem::take(&mut self.ready) {
            self.in_flight.remove(&order.number);
            self.unsent.push(waiting(order.number, order.id, attempt));
        }
    }

    fn not_sent(&mut self, order: Order, attempt: u32) -> Result<(), E> {
        let number = order.number;
        self.unsent.push(waiting(number, order.id, attempt));
        self.tell(EngineEvent::NotSent { order: number, attempt }, None)
    }

    pub(super) fn complete(&mut self, completed: Completed) -> Result<(), E> {
        let Completed { made, sent, finished, outcome, phases, conclusion } = completed;
        let InFlight { order, attempt, intended, offset, .. } = made;
        let number = order.number;
        self.now = finished;
        self.in_flight.remove(&number);
        if outcome.is(FailureKind::HeldBack) {
            self.halt();
            return self.not_sent(order, attempt);
        }
        for next in self.held.release(number) {
            self.pending.push(&InFlight { intended: next.intended.max(finished), ..next });
        }
        self.totals.attempts += 1;
        let conclusion = conclusion.as_ref();
        let elapsed = offset.saturating_add(finished.saturating_sub(intended));
        let now = wall_at(self.start, finished);
        let decision = self.plan.after((number, attempt), (&outcome, conclusion), elapsed, now);
        let event = EngineEvent::Attempt(Attempt {
            order: number,
            order_id: Arc::clone(&order.id),
            attempt,
            intended,
            sent,
            finished,
            phases,
            status: outcome.status(),
            code: outcome.code(conclusion).into(),
            explanation: outcome.explanation(conclusion),
        });
        let planned = self.plan.planned(number, attempt).unwrap_or(offset);
        let started_at = wall_at(self.start, sent);
        let (sent, outcome) = (&*order.body, &outcome);
        let details = AttemptDetails { planned, started_at, sent, outcome, conclusion, decision };
        self.tell(event, Some(&details))?;
        match decision {
            Decision::Acknowledged => self.end(order, attempt, OrderResult::Acknowledged),
            Decision::Exhausted(why) => {
                let why = self.with_stops(why, intended);
                self.end(order, attempt, OrderResult::Exhausted(why))
            }
            Decision::Retry(retry) => {
                self.schedule_retry(order, retry, finished, false);
                Ok(())
            }
        }
    }

    fn with_stops(&self, why: Exhaustion, since: Duration) -> Exhaustion {
        match why {
            Exhaustion::WindowPassed if self.stops.was_stopped(since, self.now) => {
                Exhaustion::WindowPassedWhileStopped
            }
            why => why,
        }
    }

    pub(super) fn finish(&mut self, now: Duration) -> Result<RunTotals, E> {
        self.now = now;
        self.unthrottle();
        let mut unfinished = mem::take(&mut self.unsent);
        let in_flight = mem::take(&mut self.in_flight).into_iter();
        unfinished
            .extend(in_flight.map(|(order, (id, made))| (order, id, made, Interruption::InFlight)));
        unfinished.extend(self.pending.drain().map(|(order, id, next)| waiting(order, id, next)));
        let held = self.held.drain().map(|it| waiting(it.order.number, it.order.id, it.attempt));
        unfinished.extend(held);
        unfinished.sort_unstable_by_key(|one| one.0);
        for (order, id, attempts, at) in unfinished {
            let end = self.end_of(order, id, attempts, OrderResult::Interrupted(at));
            (self.on_event)(&EngineEvent::Order(end), None)?;
        }
        self.totals.elapsed = now;
        Ok(self.totals)
    }

    fn next_due(&self) -> Option<(Due, Duration)> {
        if self.phase != Phase::Running {
            return None;
        }
        let first = match self.next_order.when {
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
        let LoadLimits { concurrency, max_in_flight, .. } = self.limits;
        if self.is_paced() { max_in_flight } else { max_in_flight.min(concurrency) }
    }

    /// Whether times of first sends are fixed in advance: the open model.
    fn is_paced(&self) -> bool {
        self.input.pace.rate.is_some()
    }

    fn throttle(&mut self) -> Result<(), E> {
        let LoadLimits { concurrency, max_in_flight, .. } = self.limits;
        let bites = self.is_paced() || max_in_flight < concurrency;
        if !bites || self.throttled_since.is_some() {
            return Ok(());
        }
        self.throttled_since = Some(self.now);
        self.totals.throttled += 1;
        let in_flight = self.in_flight.len();
        self.tell(EngineEvent::Throttled { at: self.now, in_flight }, None)
    }

    fn unthrottle(&mut self) {
        if let Some(since) = self.throttled_since.take() {
            self.totals.throttled_for += self.now.saturating_sub(since);
        }
    }

    fn take_first(&mut self, intended: Duration) -> Result<(), E> {
        let order = match self.input.orders.next(wall_at(self.start, intended)) {
            Poll::Ready(Some(Ok(order))) => order,
            Poll::Ready(Some(Err(failure))) => {
                self.failure = Some(failure);
                self.stop();
                return Ok(());
            }
            Poll::Ready(None) => {
                self.next_order.when = When::Never;
                return Ok(());
            }
            Poll::Pending => {
                self.next_order.when = When::Awaited;
                return Ok(());
            }
        };
        self.next_order =
            NextOrder::at(self.next_order.taken + 1, self.next_order.lag, &self.input);
        self.totals.orders += 1;
        self.accept_following(&order, intended);
        // However long it waited in its file or journal: its window starts here.
        let offset = Duration::ZERO;
        self.launch(InFlight { order, attempt: 1, intended, offset, is_owed: true })
    }

    /// Takes in the later notifications of an order that begins. All of them are recorded with it:
    /// a run that is resumed must not lose the rest of what it began.
    fn accept_following(&mut self, first: &Order, begun: Duration) {
        let following = self.input.orders.following();
        if self.has_journal && !following.is_empty() {
            self.unwritten.push(EngineEvent::Accepted(first.clone()));
        }
        for next in following {
            if self.has_journal {
                self.unwritten.push(EngineEvent::Accepted(next.order.clone()));
            }
            self.hold(next, begun);
        }
    }

    fn hold(&mut self, next: FollowingOrder, begun: Duration) {
        let FollowingOrder { order, due, waits_for } = next;
        self.totals.orders += 1;
        let (intended, offset) = (begun.saturating_add(due), Duration::ZERO);
        let first = InFlight { order, attempt: 1, intended, offset, is_owed: true };
        match waits_for {
            Some(number) => self.held.push(number, first),
            None => self.pending.push(&first),
        }
    }

    /// Makes an attempt ready to be sent, unless it is a retry held back past the window.
    fn launch(&mut self, flight: InFlight) -> Result<(), E> {
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

    fn schedule_retry(&mut self, order: Order, retry: Retry, now: Duration, is_owed: bool) {
        let Retry { attempt, offset, wait, .. } = retry;
        let intended = now.saturating_add(wait);
        self.pending.push(&InFlight { order, attempt, intended, offset, is_owed });
    }

    fn give_up(&mut self, retry: InFlight) -> Result<(), E> {
        let why = self.with_stops(Exhaustion::WindowPassed, retry.intended);
        self.end(retry.order, retry.attempt.saturating_sub(1), OrderResult::Exhausted(why))
    }

    fn end(&mut self, order: Order, attempts: u32, result: OrderResult) -> Result<(), E> {
        let end = self.end_of(order.number, order.id, attempts, result);
        self.tell(EngineEvent::Order(end), None)
    }

    fn end_of(&mut self, order: u64, id: Arc<str>, attempts: u32, result: OrderResult) -> OrderEnd {
        *match result {
            OrderResult::Acknowledged => &mut self.totals.acknowledged,
            OrderResult::Exhausted(_) => &mut self.totals.exhausted,
            OrderResult::Interrupted(_) => &mut self.totals.interrupted,
        } += 1;
        OrderEnd { order, order_id: id, result, attempts, finished: self.now }
    }

    fn tell(&mut self, event: EngineEvent, details: Option<&AttemptDetails<'_>>) -> Result<(), E> {
        let told = (self.on_event)(&event, details);
        // What cannot be shown happened all the same.
        if self.has_journal {
            self.unwritten.push(event);
        }
        told
    }
}

/// An order whose attempt with this number was not made.
fn waiting(order: u64, order_id: Arc<str>, attempt: u32) -> Unfinished {
    (order, order_id, attempt.saturating_sub(1), Interruption::Waiting)
}
