//! Merchants that follow a rule, and a run against one of them as a test reads it.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Mutex;

use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Reply};

use super::*;
use crate::clock::Clock;
use crate::net::outcome::{FailureKind, Outcome, TransportFailure};
use crate::net::transport::Transport;
use crate::sender::record::OrderRecord;

/// What a merchant does with one request.
#[derive(Clone)]
pub(super) enum Answer {
    Acknowledge,
    Refuse,
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

impl<R: Fn(u64, u64, Duration) -> (Duration, Answer) + Send + Sync> Transport for Merchant<'_, R> {
    async fn send(&self, request: &Request) -> Outcome {
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
        match answer {
            Answer::Acknowledge => reply(200, ACKNOWLEDGEMENT_BODY, None),
            Answer::Refuse => reply(500, "", None),
            Answer::Busy(wait) => reply(503, "", Some(wait)),
            Answer::Vanish => Outcome::NoReply(TransportFailure::new(FailureKind::Reset, "")),
            Answer::HoldBack => Outcome::NoReply(TransportFailure::new(FailureKind::HeldBack, "")),
        }
    }
}

/// What a test may want otherwise.
pub(super) struct Rig {
    pub(super) schedule: RetrySchedule,
    pub(super) speed: Speed,
    pub(super) retry_after: RetryAfter,
    pub(super) limits: (usize, usize),
    /// First sends a second; `None` for the closed model.
    pub(super) rate: Option<u32>,
    pub(super) orders: u64,
    /// How many orders the feed says that it has.
    pub(super) count: Option<u64>,
    pub(super) resumed: Vec<Resumed>,
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
            retry_after: RetryAfter::Ignored,
            limits: (64, 1024),
            rate: None,
            orders: 0,
            count: None,
            resumed: Vec::new(),
            interrupts: Vec::new(),
            stop: None,
        }
    }
}

/// What a run told.
#[derive(Default)]
pub(super) struct Story {
    pub(super) totals: FleetTotals,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) orders: Vec<OrderRecord>,
    pub(super) throttled: Vec<Duration>,
    pub(super) unknown: Vec<(u64, u32)>,
}

impl Story {
    pub(super) fn results(&self) -> Vec<(u64, OrderResult, u32)> {
        self.orders.iter().map(|order| (order.order, order.result, order.attempts)).collect()
    }

    /// The value below which this share of the values lies.
    pub(super) fn quantile(
        &self,
        share: f64,
        value: impl Fn(&AttemptRecord) -> Duration,
    ) -> Duration {
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

impl Rig {
    pub(super) fn run(
        self,
        rule: impl Fn(u64, u64, Duration) -> (Duration, Answer) + Send + Sync,
    ) -> Story {
        self.run_with(&NoJournal, rule).unwrap()
    }

    pub(super) fn run_with<J: Journal<&'static str>>(
        self,
        journal: &J,
        rule: impl Fn(u64, u64, Duration) -> (Duration, Answer) + Send + Sync,
    ) -> Result<Story, &'static str> {
        let clock = &SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let transport = &Merchant { clock, rule, seen: Mutex::default() };
        let request = &Request::new(Target::parse("http://127.0.0.1:9/").unwrap(), "");
        let (concurrency, max_in_flight) = self.limits;
        let limits = Limits {
            concurrency: NonZeroUsize::new(concurrency).unwrap(),
            max_in_flight: NonZeroUsize::new(max_in_flight).unwrap(),
            drain: DEFAULT_DRAIN,
        };
        let plan = RetryPlan {
            schedule: &self.schedule,
            jitter: None,
            speed: self.speed,
            retry_after: self.retry_after,
        };
        let fleet = Fleet { request, plan, limits, clock, transport, journal };
        let mut numbers = 1..=self.orders;
        let feed = Feed {
            resumed: &mut self.resumed.into_iter().map(Ok),
            orders: &mut |at| numbers.next().map(|number| Ok(order(number, at))),
            count: self.count,
            pace: &|n| self.rate.map(|rate| seconds(1) * u32::try_from(n).unwrap() / rate),
        };
        let mut interrupts = self.interrupts.into_iter();
        let interrupt = || {
            let next = interrupts.next();
            async move {
                if let Some((at, lasted)) = self.stop {
                    clock.sleep(at).await;
                    clock.advance(lasted);
                }
                match next {
                    Some(at) => clock.sleep(at.saturating_sub(clock.now())).await,
                    None => pending().await,
                }
            }
        };
        let mut story = Story::default();
        let run = fleet.run(feed, interrupt, |event| {
            match event {
                FleetEvent::Attempt(record) => story.attempts.push(record),
                FleetEvent::Order(record) => story.orders.push(record),
                FleetEvent::Throttled { at, .. } => story.throttled.push(at),
                FleetEvent::UnknownOutcome { order, attempt, .. } => {
                    story.unknown.push((order, attempt));
                }
            }
            Ok(())
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let totals = runtime.block_on(clock.run(run))?;
        Ok(Story { totals, ..story })
    }
}
