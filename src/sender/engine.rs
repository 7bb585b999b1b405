//! The engine: sends orders and follows what comes of them, one order or a million.
//!
//! ```text
//! orders + pace ───▶ first sends ─┐                               ┌─▶ acknowledged, exhausted
//!                                 ├─▶ record ─▶ send ─▶ conclude ─┤
//! earlier session ─▶ retries ─────┘                               └─▶ retries (one heap)
//! ```
//!
//! - **Pace.** With an open model the time of each first send is fixed in advance; a slow merchant
//!   does not move it, and latency counts from it. Without one, as many attempts are in flight as the
//!   concurrency allows. An order that its source brings after its time is intended when it comes,
//!   and the times after it move by as much: a merchant is not blamed for a slow pipe.
//! - **Fairness.** Whatever was intended earlier goes first; at equal times the retry. So neither
//!   retries nor first sends starve the others. In the closed model a first send is intended when
//!   there is room for it, so there a retry that is due goes first.
//! - **Lives.** The later notifications of an order are due at their own times after its start,
//!   whatever became of the ones before; they wait with the retries. See `orders::life`.
//! - **Late attempts.** An order's attempts follow each other. One whose planned time passed while
//!   the reply before it was awaited is intended at the moment of that reply, and sent at once.
//! - **The window.** It starts when an order is first sent, in the open model at the time intended
//!   for that. Nothing is planned after it, and a retry that was held back past it is not sent. A
//!   first notification always is: no order is exhausted without an attempt.
//! - **Stops.** While the sender itself does not run (a paused process, an overloaded machine), the
//!   intended times of orders that have not begun stand still; the windows of those that have begun
//!   continue in real time.
//! - **Time.** Everything waits on the [`Clock`], and all attempts are polled in one task, so a run on
//!   a simulated clock takes the same course each time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;

mod held;
mod next_order;
mod retry_queue;
mod state;
mod stops;
#[cfg(test)]
mod tests;

pub use state::{AttemptDetails, Ending, EngineInput, LoadLimits, OnEvent, RunTotals};
use state::{BATCH, Completed, State};

use super::decide::RetryPlan;
use super::journal::Journal;
use super::judge::Judge;
use super::orders::Orders;
use super::orders::error::OrderError;
use super::pace::Pace;
use super::record::{Attempt, EngineEvent, InFlight, Interruption, Order, OrderEnd, OrderResult};
use crate::clock::Clock;
use crate::net::outcome::TimedOutcome;
use crate::net::transport::{Request, Transport};
use crate::store::StoreError;

/// How long a run of many waits for replies after it was told to stop.
pub const DEFAULT_DRAIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Engine<'a, C, T> {
    pub request: &'a Request,
    pub judge: &'a Judge,
    pub plan: RetryPlan<'a>,
    pub limits: LoadLimits,
    pub clock: &'a C,
    pub transport: &'a T,
    pub journal: Option<&'a Journal>,
}

#[derive(Debug)]
pub enum RunError<E> {
    Source(OrderError),
    Journal(StoreError),
    /// An event could not be shown.
    Event(E),
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Whether the run is to stop; asked again after each stop.
pub type PollStop<'a> = dyn FnMut(&mut Context<'_>) -> Poll<()> + 'a;

struct Waiting<'a, F> {
    in_flight: FuturesUnordered<F>,
    completed: Vec<Completed>,
    /// The journal's turn: what it gives back may be sent.
    turn: Option<Boxed<'a, Result<Vec<InFlight>, StoreError>>>,
    timer: Option<(Duration, Boxed<'a, ()>)>,
}

#[derive(Default)]
struct Woken {
    is_stopped: bool,
    has_order: bool,
    is_timer_over: bool,
    turn: Option<Result<Vec<InFlight>, StoreError>>,
}

impl<C: Clock, T: Transport> Engine<'_, C, T> {
    /// Sends every order of `input` and reports what happens as it happens. At a stop nothing more
    /// is sent, and what is in flight has the drain time for its replies; a second stop ends the
    /// run at once. Orders that are not done by then are reported as interrupted.
    pub async fn run<'r, E>(
        &'r self,
        input: EngineInput<'r>,
        poll_stop: &mut PollStop<'_>,
        on_event: &'r mut OnEvent<'r, E>,
    ) -> Result<RunTotals, RunError<E>> {
        let start = Start { elapsed: self.clock.now(), wall: self.clock.wall() };
        let has_journal = self.journal.is_some();
        let mut state =
            State::new(self.plan, self.limits, start.wall, input, on_event, has_journal);
        let ended = self.drive(&mut state, start, poll_stop).await;
        // However the run ended, what is known by now is recorded.
        let last = state.take_turn().unwrap_or_default().0;
        self.record_last(&last, start).await.and(ended)?;
        let totals = state.finish(self.since(start)).map_err(RunError::Event)?;
        state.failure.take().map_or(Ok(totals), |failure| Err(RunError::Source(failure)))
    }

    pub async fn deliver<E>(
        &self,
        order: Order,
        poll_stop: &mut PollStop<'_>,
        mut on_attempt: impl FnMut(&Attempt, &AttemptDetails<'_>) -> Result<(), E>,
    ) -> Result<OrderEnd, E> {
        let result = OrderResult::Interrupted(Interruption::Waiting);
        let (finished, order_id) = (Duration::ZERO, Arc::clone(&order.id));
        let mut end = OrderEnd { order: order.number, order_id, result, attempts: 0, finished };
        let orders = &mut Orders::listed(vec![order]);
        let (begun, count, pace) = (Vec::new(), Some(1), Pace::default());
        let input = EngineInput { begun, orders, count, pace };
        let mut on_event = |event: &EngineEvent, details: Option<&AttemptDetails<'_>>| {
            match (event, details) {
                (EngineEvent::Attempt(attempt), Some(details)) => on_attempt(attempt, details)?,
                (EngineEvent::Order(ended), _) => end = ended.clone(),
                _ => {}
            }
            Ok(())
        };
        match self.run(input, poll_stop, &mut on_event).await {
            Err(RunError::Event(error)) => Err(error),
            // An order that is there already needs no source.
            Ok(_) | Err(RunError::Source(_) | RunError::Journal(_)) => Ok(end),
        }
    }

    async fn drive<E>(
        &self,
        state: &mut State<'_, E>,
        start: Start,
        poll_stop: &mut PollStop<'_>,
    ) -> Result<(), RunError<E>> {
        let (in_flight, completed) = (FuturesUnordered::new(), Vec::with_capacity(BATCH));
        let mut waiting = Waiting { in_flight, completed, turn: None, timer: None };
        let send = |attempt| self.send(start, attempt);
        let mut turn_began = None;
        state.take_begun().map_err(RunError::Event)?;
        loop {
            let is_more_due = state.fill(self.since(start)).map_err(RunError::Event)?;
            if waiting.turn.is_none()
                && let Some((events, next)) = state.take_turn()
            {
                match self.journal {
                    None => waiting.in_flight.extend(next.into_iter().map(send)),
                    Some(journal) => {
                        waiting.turn = Some(Box::pin(async move {
                            journal.record(start.wall, &events, &next).await.map(|()| next)
                        }));
                    }
                }
            }
            let is_idle = waiting.turn.is_none();
            turn_began = turn_began.or_else(|| (!is_idle).then(|| self.since(start)));
            if state.is_over(is_idle && waiting.in_flight.is_empty()) {
                break;
            }
            let due = state.next_timer(is_idle);
            if waiting.timer.as_ref().map(|timer| timer.0) != due {
                waiting.timer = due.map(|due| -> (_, Boxed<'_, _>) {
                    let wait = due.saturating_sub(self.since(start));
                    (due, Box::pin(self.clock.sleep(wait)))
                });
            }
            let source = &mut |context: &mut Context<'_>| state.poll_source(context);
            let woken = waiting.wait(is_more_due, poll_stop, source).await;
            state.wake(due, self.since(start));
            if let Some(began) = turn_began {
                state.notice_turn(began, self.since(start));
            }
            for completed in waiting.completed.drain(..) {
                state.complete(completed).map_err(RunError::Event)?;
            }
            if let Some(intended) = woken.turn {
                turn_began = None;
                let intended = intended.map_err(RunError::Journal)?;
                let intended = state.intended(intended).map_err(RunError::Event)?;
                waiting.in_flight.extend(intended.into_iter().map(send));
            }
            if woken.is_timer_over {
                waiting.timer = None;
            }
            if woken.has_order {
                state.source_ready(self.since(start));
            }
            if woken.is_stopped {
                state.interrupt(self.since(start)).map_err(RunError::Event)?;
            }
        }
        // What was about to be sent was not; a disk that hangs does not keep the process.
        let Some(turn) = waiting.turn else { return Ok(()) };
        match tokio::time::timeout(DEFAULT_DRAIN, turn).await {
            Ok(intended) => {
                state.cancel(intended.map_err(RunError::Journal)?).map_err(RunError::Event)
            }
            Err(_) => Ok(()),
        }
    }

    fn since(&self, start: Start) -> Duration {
        self.clock.now().saturating_sub(start.elapsed)
    }

    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` keeps its arguments twice, and there is one for each attempt in flight"
    )]
    fn send(&self, start: Start, made: InFlight) -> impl Future<Output = Completed> {
        async move {
            let request = self.request.with_body(Arc::clone(&made.order.body));
            let sent = self.since(start);
            let TimedOutcome { outcome, phases } = self.transport.send(&request).await;
            let finished = self.since(start);
            let (outcome, conclusion) = self.judge.conclude(outcome);
            Completed { made, sent, finished, outcome, phases, conclusion }
        }
    }

    async fn record_last<E>(&self, last: &[EngineEvent], start: Start) -> Result<(), RunError<E>> {
        let Some(journal) = self.journal.filter(|_| !last.is_empty()) else { return Ok(()) };
        let record = journal.record(start.wall, last, &[]);
        match tokio::time::timeout(DEFAULT_DRAIN, record).await {
            Ok(recorded) => recorded.map_err(RunError::Journal),
            Err(_) => Ok(()),
        }
    }
}

#[derive(Clone, Copy)]
struct Start {
    elapsed: Duration,
    wall: Timestamp,
}

impl<F: Future<Output = Completed>> Waiting<'_, F> {
    /// Waits for whatever comes first, and looks at everything once, so that nothing starves.
    async fn wait(
        &mut self,
        is_more_due: bool,
        poll_stop: &mut PollStop<'_>,
        poll_source: &mut PollStop<'_>,
    ) -> Woken {
        let mut has_yielded = false;
        poll_fn(|context| {
            let mut woken = Woken::default();
            while self.completed.len() < BATCH
                && let Poll::Ready(Some(completed)) = self.in_flight.poll_next_unpin(context)
            {
                self.completed.push(completed);
            }
            woken.is_stopped = poll_stop(context).is_ready();
            woken.has_order = poll_source(context).is_ready();
            if let Some((_, timer)) = &mut self.timer {
                woken.is_timer_over = timer.as_mut().poll(context).is_ready();
            }
            if let Some(turn) = &mut self.turn
                && let Poll::Ready(intended) = turn.as_mut().poll(context)
            {
                (woken.turn, self.turn) = (Some(intended), None);
            }
            let is_woken = woken.is_stopped || woken.has_order || woken.is_timer_over;
            if is_woken || woken.turn.is_some() || !self.completed.is_empty() || has_yielded {
                return Poll::Ready(woken);
            }
            if is_more_due {
                // The runtime has its turn too: connections, and the signal that stops the run.
                has_yielded = true;
                context.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await
    }
}
