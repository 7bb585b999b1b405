//! One run of a fleet: takes what is due, sends it, and follows what comes of it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;

use super::journal::{Intention, Journal, Memory, Settlement};
use super::pending::{Flight, Landing};
use super::state::{BATCH, Patience, State};
use super::{Feed, Fleet, FleetTotals, wall_at};
use crate::clock::Clock;
use crate::net::transport::{Request, Transport};
use crate::sender::record::FleetEvent;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl<C: Clock, T: Transport, J> Fleet<'_, C, T, J> {
    /// Delivers every order of `feed` and tells what happens as it happens.
    ///
    /// `interrupt` gives a future that completes when the run is to stop: nothing more is sent, and
    /// what is under way has the drain time for its replies. It is asked again for a second one,
    /// which ends the run at once. Orders that are not done by then are told as interrupted.
    pub async fn run<E, S: Future<Output = ()>>(
        &self,
        feed: Feed<'_, E>,
        mut interrupt: impl FnMut() -> S,
        on_event: impl FnMut(FleetEvent) -> Result<(), E>,
    ) -> Result<FleetTotals, E>
    where
        J: Journal<E>,
    {
        let start = Start { elapsed: self.clock.now(), wall: self.clock.wall() };
        let now = || self.clock.now().saturating_sub(start.elapsed);
        let send = |flight| fly(self.request, self.clock, self.transport, start, flight);
        let mut state = State::new(self.plan, self.limits, start.wall, feed, on_event);
        let mut aloft = FuturesUnordered::new();
        let mut turn: Option<Boxed<'_, Result<Vec<Flight>, E>>> = None;
        let mut timer: Option<(Duration, Boxed<'_, ()>)> = None;
        let (mut landings, mut signal) = (Vec::with_capacity(BATCH), Box::pin(interrupt()));
        state.take_resumed()?;
        loop {
            let patience = state.fill(now())?;
            if self.journal.memory() == Memory::None {
                aloft.extend(state.take_off().map(send));
            } else if turn.is_none()
                && let Some((settled, flights)) = state.take_turn()
            {
                turn = Some(Box::pin(record(self.journal, settled, flights, start.wall)));
            }
            if state.is_over(turn.is_none() && aloft.is_empty()) {
                break;
            }
            timer = match (state.next_timer(turn.is_none()), timer) {
                (Some((due, _)), Some(timer)) if timer.0 == due => Some(timer),
                (Some((due, wait)), _) => Some((due, Box::pin(self.clock.sleep(wait)))),
                (None, _) => None,
            };
            let due = timer.as_ref().map(|(due, _)| *due);
            let sleep = timer.as_mut().map(|(_, sleep)| sleep);
            let feed = |context: &mut Context<'_>| state.poll_feed(context);
            let (signals, lands) = (signal.as_mut(), &mut landings);
            let woken = wait(patience, signals, feed, &mut turn, &mut aloft, sleep, lands).await;
            state.wake(due, now());
            for landing in landings.drain(..) {
                state.land(landing)?;
            }
            if let Some(intended) = woken.turn {
                aloft.extend(intended?.into_iter().map(send));
            }
            timer = timer.filter(|_| woken.timer == Timer::Awaited);
            if woken.feed == Signal::Came {
                state.fed(now());
            }
            if woken.signal == Signal::Came {
                signal.set(interrupt());
                state.interrupt(now());
            }
        }
        drop((aloft, turn));
        self.settle_last(&state.last_settlements()).await?;
        state.finish(now())
    }

    async fn settle_last<E>(&self, last: &[Settlement]) -> Result<(), E>
    where
        J: Journal<E>,
    {
        if last.is_empty() {
            return Ok(());
        }
        let settle = pin!(self.journal.settle(last));
        let patience = pin!(self.clock.sleep(self.limits.drain));
        match select(settle, patience).await {
            Either::Left((settled, _)) => settled,
            Either::Right(_) => Ok(()),
        }
    }
}

#[derive(Clone, Copy)]
struct Start {
    elapsed: Duration,
    wall: Timestamp,
}

async fn fly(
    request: &Request,
    clock: &impl Clock,
    transport: &impl Transport,
    start: Start,
    flight: Flight,
) -> Landing {
    let request = Request { body: Arc::clone(&flight.order.body), ..request.clone() };
    let sent = clock.now().saturating_sub(start.elapsed);
    let outcome = transport.send(&request).await;
    let finished = clock.now().saturating_sub(start.elapsed);
    let (outcome, conclusion) = request.conclude(outcome);
    Landing { flight, sent, finished, outcome, conclusion }
}

async fn record<E>(
    journal: &impl Journal<E>,
    settled: Vec<Settlement>,
    flights: Vec<Flight>,
    start: Timestamp,
) -> Result<Vec<Flight>, E> {
    if !settled.is_empty() {
        journal.settle(&settled).await?;
    }
    if !flights.is_empty() {
        let intention = |flight: &Flight| Intention {
            order: flight.order.clone(),
            attempt: flight.attempt,
            intended_at: wall_at(start, flight.intended),
        };
        journal.intend(&flights.iter().map(intention).collect::<Vec<_>>()).await?;
    }
    Ok(flights)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signal {
    Came,
    Awaited,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timer {
    Rang,
    Awaited,
}

struct Woken<E> {
    signal: Signal,
    feed: Signal,
    timer: Timer,
    turn: Option<Result<Vec<Flight>, E>>,
}

impl<E> Woken<E> {
    fn is_empty(&self) -> bool {
        let is_silent = self.signal == Signal::Awaited && self.feed == Signal::Awaited;
        is_silent && self.timer == Timer::Awaited && self.turn.is_none()
    }
}

/// Waits for whatever comes first, and looks at everything once, so that nothing starves; what
/// landed is put into `landings`, which is empty.
async fn wait<E, F: Future<Output = Landing>>(
    patience: Patience,
    mut signal: Pin<&mut impl Future<Output = ()>>,
    mut feed: impl FnMut(&mut Context<'_>) -> Poll<()>,
    turn: &mut Option<Boxed<'_, Result<Vec<Flight>, E>>>,
    aloft: &mut FuturesUnordered<F>,
    mut timer: Option<&mut Boxed<'_, ()>>,
    landings: &mut Vec<Landing>,
) -> Woken<E> {
    let mut has_yielded = false;
    poll_fn(|context| {
        let (signals, timers) = (Signal::Awaited, Timer::Awaited);
        let mut woken = Woken { signal: signals, feed: signals, timer: timers, turn: None };
        while landings.len() < BATCH
            && let Poll::Ready(Some(landing)) = aloft.poll_next_unpin(context)
        {
            landings.push(landing);
        }
        if signal.as_mut().poll(context).is_ready() {
            woken.signal = Signal::Came;
        }
        if feed(context).is_ready() {
            woken.feed = Signal::Came;
        }
        if timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready()) {
            woken.timer = Timer::Rang;
        }
        if let Some(Poll::Ready(intended)) = turn.as_mut().map(|turn| turn.as_mut().poll(context)) {
            woken.turn = Some(intended);
            *turn = None;
        }
        if !landings.is_empty() || !woken.is_empty() || has_yielded {
            return Poll::Ready(woken);
        }
        if patience == Patience::Glance {
            // The runtime has its turn too: connections, and the signal that stops the run.
            has_yielded = true;
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await
}
