//! Merchants that follow a rule, and a run against one of them as a test reads it.

use std::collections::HashMap;
use std::future::pending;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Reply};

use super::*;
use crate::clock::Clock;
use crate::net::outcome::{FailureKind, Outcome, TimedOutcome, TransportFailure};
use crate::net::transport::Transport;
use crate::store::tests::Folder;
use crate::units::rate::Rate;

/// What a merchant does with one request.
#[derive(Clone)]
pub(super) enum ScriptedReply {
    Acknowledge,
    Refuse,
    Reply(u16, &'static str),
    Busy(&'static str),
    Vanish,
    HoldBack,
}

/// Answers by a rule over the order's number, its attempt, and the time of arrival.
pub(super) struct Merchant<'a, R> {
    pub(super) clock: &'a SimulatedClock,
    pub(super) rule: R,
    pub(super) seen: Mutex<HashMap<u64, u64>>,
}

impl<R: Fn(u64, u64, Duration) -> (Duration, ScriptedReply) + Send + Sync> Transport
    for Merchant<'_, R>
{
    async fn send(&self, request: &Request) -> TimedOutcome {
        let order = std::str::from_utf8(&request.body).unwrap().parse().unwrap();
        let attempt = {
            let mut seen = self.seen.lock().unwrap();
            let attempt = seen.entry(order).or_default();
            *attempt += 1;
            *attempt
        };
        let (takes, answer) = (self.rule)(order, attempt, self.clock.now());
        self.clock.sleep(takes).await;
        let reply = |status, body: &str, retry_after: Option<&str>| {
            let content_type = Some("application/json".to_owned());
            let retry_after = retry_after.map(str::to_owned);
            Outcome::Reply(Reply {
                status,
                content_type,
                retry_after,
                body: body.into(),
                ..Reply::default()
            })
        };
        TimedOutcome::unmeasured(match answer {
            ScriptedReply::Acknowledge => reply(200, ACKNOWLEDGEMENT_BODY, None),
            ScriptedReply::Refuse => reply(500, "", None),
            ScriptedReply::Reply(status, body) => reply(status, body, None),
            ScriptedReply::Busy(wait) => reply(503, "", Some(wait)),
            ScriptedReply::Vanish => {
                Outcome::NoReply(TransportFailure::new(FailureKind::Reset, ""))
            }
            ScriptedReply::HoldBack => {
                Outcome::NoReply(TransportFailure::new(FailureKind::HeldBack, ""))
            }
        })
    }
}

/// What a test may want otherwise.
pub(super) struct Rig {
    pub(super) schedule: RetrySchedule,
    pub(super) speed: Speed,
    pub(super) honors_retry_after: bool,
    pub(super) limits: (usize, usize),
    /// First sends a second; `None` for the closed model.
    pub(super) rate: Option<u32>,
    pub(super) orders: u64,
    /// How many orders the feed says that it has.
    pub(super) count: Option<u64>,
    pub(super) begun: Vec<BegunOrder>,
    /// When the interrupts come.
    pub(super) interrupts: Vec<Duration>,
    /// When the sender is stopped, and for how long; without interrupts.
    pub(super) stop: Option<(Duration, Duration)>,
}

impl Default for Rig {
    fn default() -> Self {
        Rig {
            schedule: RetrySchedule::default(),
            speed: Speed::REAL,
            honors_retry_after: false,
            limits: (64, 1024),
            rate: None,
            orders: 0,
            count: None,
            begun: Vec::new(),
            interrupts: Vec::new(),
            stop: None,
        }
    }
}

/// What a run told.
#[derive(Default)]
pub(super) struct Story {
    pub(super) totals: RunTotals,
    pub(super) attempts: Vec<Attempt>,
    pub(super) orders: Vec<OrderEnd>,
    pub(super) throttled: Vec<Duration>,
    pub(super) unknown: Vec<(u64, u32)>,
}

impl Story {
    pub(super) fn results(&self) -> Vec<(u64, OrderResult, u32)> {
        self.orders.iter().map(|order| (order.order, order.result, order.attempts)).collect()
    }

    /// The value below which this share of the values is.
    pub(super) fn quantile(&self, share: f64, value: impl Fn(&Attempt) -> Duration) -> Duration {
        let mut values: Vec<_> = self.attempts.iter().map(value).collect();
        values.sort_unstable();
        values[(values.len() as f64 * share) as usize]
    }
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn order(number: u64, completed_at: Timestamp) -> Order {
    let body = number.to_string().into_bytes().into();
    Order { number, id: format!("POT{number}").into(), body, completed_at, duplicate_of: None }
}

/// Orders with these numbers, as soon as they are asked for.
pub(super) struct Numbered(pub(super) RangeInclusive<u64>);

impl OrderFeed for Numbered {
    fn next(&mut self, at: Timestamp) -> Poll<Option<Result<Order, OrderError>>> {
        Poll::Ready(self.0.next().map(|number| Ok(order(number, at))))
    }
}

pub(super) fn pace(rate: Option<u32>) -> Pace {
    let rate = rate.map(|rate| Rate::parse(&format!("{rate}/s")).unwrap());
    Pace { rate, ramp: None }
}

/// Asks the run to stop at these times.
pub(super) fn stops_at<'a>(
    clock: &'a SimulatedClock,
    times: impl IntoIterator<Item = Duration> + 'a,
) -> impl FnMut(&mut Context<'_>) -> Poll<()> + 'a {
    let mut times = times.into_iter();
    let mut next = move || -> Boxed<'a, ()> {
        match times.next() {
            Some(at) => Box::pin(async move { clock.sleep(at.saturating_sub(clock.now())).await }),
            None => Box::pin(pending()),
        }
    };
    let mut awaited = None;
    move |context| {
        let polled = awaited.get_or_insert_with(&mut next).as_mut().poll(context);
        if polled.is_ready() {
            awaited = None;
        }
        polled
    }
}

/// Drives a run to its end.
pub(super) fn complete<T>(clock: &SimulatedClock, run: impl Future<Output = T>) -> T {
    // The disk's time is real.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(clock.run(run))
}

pub(super) fn request() -> Request {
    Request::new(Target::parse("http://127.0.0.1:9/").unwrap(), Arc::default(), "")
}

/// A journal in a folder that goes away with it.
pub(super) struct Journaled {
    pub(super) folder: Folder,
    pub(super) journal: Journal,
}

impl Journaled {
    pub(super) fn new() -> Self {
        let folder = Folder::new();
        let run = crate::sender::journal::tests::run();
        let journal = Journal::create(&folder.file("run.db"), &run).unwrap();
        Journaled { folder, journal }
    }

    pub(super) fn look(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.file("run.db")).unwrap()
    }
}

/// One column of all rows.
pub(super) fn column<T: rusqlite::types::FromSql>(
    look: &rusqlite::Connection,
    sql: &str,
) -> Vec<T> {
    let mut found = look.prepare(sql).unwrap();
    found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

impl Rig {
    pub(super) fn run(
        self,
        rule: impl Fn(u64, u64, Duration) -> (Duration, ScriptedReply) + Send + Sync,
    ) -> Story {
        self.run_with(None, rule).unwrap()
    }

    pub(super) fn run_with(
        self,
        journal: Option<&Journal>,
        rule: impl Fn(u64, u64, Duration) -> (Duration, ScriptedReply) + Send + Sync,
    ) -> Result<Story, RunError<()>> {
        let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let transport = &Merchant { clock, rule, seen: Mutex::default() };
        let request = &request();
        let (concurrency, max_in_flight) = self.limits;
        let limits = LoadLimits {
            concurrency: NonZeroUsize::new(concurrency).unwrap(),
            max_in_flight: NonZeroUsize::new(max_in_flight).unwrap(),
            drain: DEFAULT_DRAIN,
        };
        let plan = RetryPlan::new(&self.schedule, self.speed);
        let plan = RetryPlan { honors_retry_after: self.honors_retry_after, ..plan };
        let judge = &Judge::default();
        let engine = Engine { request, judge, plan, limits, clock, transport, journal };
        let (orders, pace) = (&mut Numbered(1..=self.orders), pace(self.rate));
        let input = EngineInput { begun: self.begun, orders, count: self.count, pace };
        let mut stopped: Option<Boxed<'_, ()>> = self.stop.map(|(at, lasted)| -> Boxed<'_, ()> {
            Box::pin(async move {
                clock.sleep(at).await;
                clock.advance(lasted);
            })
        });
        let mut stops = stops_at(clock, self.interrupts);
        let poll_stop = &mut |context: &mut Context<'_>| {
            if stopped.as_mut().is_some_and(|stopped| stopped.as_mut().poll(context).is_ready()) {
                stopped = None;
            }
            stops(context)
        };
        let mut story = Story::default();
        let on_event = &mut |event: &EngineEvent, _: Option<&AttemptDetails<'_>>| {
            match event {
                EngineEvent::Attempt(attempt) => story.attempts.push(attempt.clone()),
                EngineEvent::Order(end) => story.orders.push(end.clone()),
                EngineEvent::Throttled { at, .. } => story.throttled.push(*at),
                EngineEvent::UnknownOutcome { order, attempt, .. } => {
                    story.unknown.push((*order, *attempt));
                }
                EngineEvent::Accepted(_) | EngineEvent::NotSent { .. } | EngineEvent::Stopping => {}
            }
            Ok(())
        };
        let totals = complete(clock, engine.run(input, poll_stop, on_event))?;
        Ok(Story { totals, ..story })
    }
}
