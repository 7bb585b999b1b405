//! What became of many deliveries: one value, folded from their events, for every report.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::figures::{counted, shortened};
use super::gates::GateResult;
use crate::net::outcome::FailureKind;
use crate::sender::orders::life::LifePlan;
use crate::sender::record::{Attempt, EngineEvent, OrderEnd, OrderResult};
use crate::sender::schedule::MAX_RETRIES;

mod counts;
pub mod course;
pub mod html;
pub mod json;
pub mod junit;
pub mod latency;
pub mod lives;
pub(super) mod markup;
pub mod phases;
mod plot;
#[cfg(test)]
pub(crate) mod sample;
pub mod text;

use counts::bounded_id;
pub use counts::{
    AttemptCounts, Earlier, OrderCounts, OrderOutcome, Reason, SlowOrder, Throttling,
};
use course::Course;
use latency::LatencyFigures;
use lives::LifeCounts;
use phases::PhaseFigures;

pub const SLOWEST: usize = 10;

/// Up to so many orders are kept one by one; of more, only the first that failed are.
pub const MOST_KEPT_ORDERS: usize = 1000;

pub const MOST_KEPT_FAILURES: usize = 100;

const MOST_UNFOLLOWED: usize = 100_000;

const LONGEST_EXPLANATION: usize = 300;
const MOST_REASONS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFacts {
    pub url: String,
    pub started_at: Timestamp,
    pub schedule: String,
    /// How many orders are planned, duplicates included; `None` where the source does not say.
    pub orders: Option<u64>,
    /// Which notifications each order has; `None` where it is a single one.
    pub lives: Option<Arc<LifePlan>>,
    /// The planned rate of first notifications, each second, where one is held.
    pub rate: Option<f64>,
    pub ramp: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
struct FirstSends {
    count: u64,
    earliest: Option<Duration>,
    latest: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LatencySeries {
    Known,
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub struct DeliverySummary {
    pub facts: RunFacts,
    pub length: Duration,
    /// Where an order has several notifications, each of them counts here.
    pub orders: OrderCounts,
    /// The orders themselves, where they have several notifications.
    pub lives: Option<LifeCounts>,
    /// What became of the attempts, by their number; those above the most there can be are with
    /// the last.
    pub by_attempt: Vec<AttemptCounts>,
    pub reasons: Vec<Reason>,
    pub course: Course,
    pub latency: LatencyFigures,
    pub service_time: LatencyFigures,
    /// Of this part of the run: the journal does not record phases.
    pub phases: PhaseFigures,
    pub slowest: Vec<SlowOrder>,
    pub throttling: Throttling,
    pub unknown_outcomes: u64,
    pub sent_again: u64,
    pub failures: Vec<OrderOutcome>,
    pub cut_short: Option<String>,
    pub earlier: Earlier,
    kept: Option<BTreeMap<u64, OrderOutcome>>,
    unfollowed: HashMap<u64, u64>,
    first_sends: FirstSends,
    pending_retries: u64,
    last_failed: Option<(u64, usize)>,
}

impl DeliverySummary {
    pub fn new(facts: RunFacts) -> Self {
        let lives = facts.lives.clone().map(LifeCounts::new);
        let kept = Some(BTreeMap::new());
        DeliverySummary { facts, lives, kept, ..DeliverySummary::default() }
    }

    /// Takes in one event; an order's end should follow its last attempt at once, so that its
    /// reason is known.
    pub fn fold(&mut self, event: &EngineEvent) {
        match event {
            EngineEvent::Attempt(attempt) => self.fold_attempt(attempt, LatencySeries::Known),
            EngineEvent::Order(order) => self.fold_order(order),
            EngineEvent::Throttled { at, in_flight } => {
                let at = self.in_run(*at);
                self.throttling.episodes += 1;
                self.throttling.first_at.get_or_insert(at);
                self.throttling.in_flight = self.throttling.in_flight.max(*in_flight);
            }
            EngineEvent::UnknownOutcome { order, .. } => {
                self.unknown_outcomes += 1;
                if self.unfollowed.len() < MOST_UNFOLLOWED {
                    *self.unfollowed.entry(*order).or_default() += 1;
                }
            }
            EngineEvent::Accepted(_) | EngineEvent::NotSent { .. } | EngineEvent::Stopping => {}
        }
    }

    /// The attempts that met the end of a kept connection, and the orders whose last attempt did:
    /// not held against the server, which may close an idle connection at any moment.
    pub fn stale(&self) -> (u64, u64) {
        let code = FailureKind::StaleConnection.code();
        let stale = self.reasons.iter().filter(|reason| reason.code == code);
        stale.fold((0, 0), |(attempts, orders), reason| {
            (attempts + reason.attempts, orders + reason.exhausted)
        })
    }

    /// Whether the times of replies sit where Nagle's algorithm meets a delayed acknowledgement: a
    /// server that writes a reply in two parts waits 40 ms for it.
    pub fn has_delayed_replies(&self) -> bool {
        let quantile = |share| self.service_time.quantile(share).unwrap_or_default();
        let sits = |time: Duration| (40..45).contains(&time.as_millis());
        self.service_time.count() >= 10 && sits(quantile(0.25)) && sits(quantile(0.75))
    }

    pub fn fold_untimed(&mut self, attempt: &Attempt) {
        self.earlier.untimed += 1;
        self.fold_attempt(attempt, LatencySeries::Unknown);
    }

    /// Ends the earlier parts of the run, whose events were folded: times of later events count from
    /// their end.
    pub fn begin_part(&mut self, parts: u32, length: Duration) {
        self.length = self.length.max(length);
        let attempts = self.attempts();
        self.earlier = Earlier { parts, length: self.length, attempts, ..self.earlier };
    }

    pub fn count_duplicate(&mut self) {
        self.orders.duplicates += 1;
    }

    /// Ends the run, or its last part, after `length`; an earlier event does not shorten it.
    pub fn finish(&mut self, length: Duration) {
        self.length = self.length.max(self.in_run(length));
        self.last_failed = None;
        self.reasons.sort_by(|a, b| b.attempts.cmp(&a.attempts).then_with(|| a.code.cmp(&b.code)));
    }

    pub fn attempts(&self) -> u64 {
        self.by_attempt.iter().map(AttemptCounts::made).sum()
    }

    pub fn failed_attempts(&self) -> u64 {
        self.by_attempt.iter().map(|row| row.failed).sum()
    }

    /// How many orders there are, or notifications where an order has several.
    pub fn total_orders(&self) -> u64 {
        let taken = self.orders.ended() + self.orders.not_sent;
        let planned = self.facts.orders.filter(|_| self.lives.is_none());
        taken.max(planned.unwrap_or(0))
    }

    /// The orders where they have several notifications: their counts, and how many there are.
    pub fn orders_of_lives(&self) -> Option<(OrderCounts, u64)> {
        let counts = self.lives.as_ref()?.orders;
        let total = (counts.ended() + counts.not_sent).max(self.facts.orders.unwrap_or(0));
        let rest = total.saturating_sub(counts.ended());
        let not_sent = if self.cut_short.is_some() { counts.not_sent } else { rest };
        Some((OrderCounts { not_sent, ..counts }, total))
    }

    /// What is counted: orders, or the notifications of orders that have several.
    pub fn noun(&self) -> &'static str {
        if self.lives.is_some() { "notification" } else { "order" }
    }

    /// The order's number in the run, and which of its notifications it is where it has several.
    pub fn place(&self, number: u64) -> (u64, Option<u32>) {
        self.lives.as_ref().map_or((number, None), |lives| {
            let place = lives.place(number);
            (place.order, Some(place.step))
        })
    }

    /// The orders that were not sent. After a failure those that the run did not come to are not
    /// among them: what became of the last ones is not known.
    pub fn not_sent(&self) -> u64 {
        match self.cut_short {
            Some(_) => self.orders.not_sent,
            None => self.total_orders().saturating_sub(self.orders.ended()),
        }
    }

    /// First notifications per second, over the time in which they were sent; `None` of fewer than
    /// two. Retries come by the schedule and not by the rate, so they do not count.
    pub fn rate(&self) -> Option<f64> {
        let FirstSends { count, earliest, latest } = self.first_sends;
        let seconds = latest.saturating_sub(earliest?).as_secs_f64();
        (count > 1 && seconds > 0.0).then(|| (count - 1) as f64 / seconds)
    }

    /// All attempts a second, over the whole run; `None` where it took no time.
    pub fn attempt_rate(&self) -> Option<f64> {
        let seconds = self.length.as_secs_f64();
        (seconds > 0.0).then(|| self.attempts() as f64 / seconds)
    }

    pub fn pending_retries(&self) -> u64 {
        self.pending_retries
    }

    /// Every order by itself; `None` where they are more than [`MOST_KEPT_ORDERS`].
    pub fn kept_orders(&self) -> Option<impl Iterator<Item = &OrderOutcome>> {
        self.kept.as_ref().map(BTreeMap::values)
    }

    fn in_run(&self, time: Duration) -> Duration {
        self.earlier.length.saturating_add(time)
    }

    fn fold_attempt(&mut self, attempt: &Attempt, times: LatencySeries) {
        if times == LatencySeries::Known {
            self.fold_times(attempt);
        }
        self.sent_again += self.unfollowed.remove(&attempt.order).unwrap_or(0);
        let is_acknowledged = attempt.is_acknowledged();
        let row = self.row(attempt.attempt);
        if is_acknowledged {
            row.acknowledged += 1
        } else {
            row.failed += 1
        }
        if attempt.attempt == 1 {
            self.pending_retries += u64::from(!is_acknowledged);
        }
        self.last_failed = match &attempt.explanation {
            None => None,
            Some(why) => self.reason(attempt, why).map(|index| (attempt.order, index)),
        };
        let finished = self.in_run(attempt.finished);
        if let Some(kept) = self.keep(attempt.order, &attempt.order_id) {
            kept.attempts = kept.attempts.max(attempt.attempt);
            kept.at = finished;
            if times == LatencySeries::Known {
                kept.slowest = kept.slowest.max(attempt.latency());
            }
            kept.code = Some(attempt.code.clone());
            kept.explanation =
                attempt.explanation.as_deref().map(|why| shortened(why, LONGEST_EXPLANATION));
        }
    }

    fn fold_times(&mut self, attempt: &Attempt) {
        self.length = self.length.max(self.in_run(attempt.finished));
        self.latency.record(attempt.latency());
        self.service_time.record(attempt.service_time());
        self.phases.record(&attempt.phases);
        let sent = self.in_run(attempt.sent);
        self.course.record(sent, |part| match attempt.is_acknowledged() {
            true => part.acknowledged += 1,
            false => part.failed += 1,
        });
        let begins_order = |lives: &LifeCounts| lives.begins_order(attempt.order);
        if attempt.attempt == 1 && self.lives.as_ref().is_none_or(begins_order) {
            let sends = &mut self.first_sends;
            sends.count += 1;
            sends.earliest = Some(sends.earliest.map_or(sent, |at| at.min(sent)));
            sends.latest = sends.latest.max(sent);
        }
        self.note_slow(attempt);
    }

    fn fold_order(&mut self, order: &OrderEnd) {
        let finished = self.in_run(order.finished);
        self.length = self.length.max(finished);
        if let Some(lives) = &mut self.lives {
            lives.fold(order);
        }
        let is_unsent = matches!(order.result, OrderResult::Interrupted(_)) && order.attempts == 0;
        let count = match order.result {
            _ if is_unsent => &mut self.orders.not_sent,
            OrderResult::Acknowledged => &mut self.orders.acknowledged,
            OrderResult::Exhausted(_) => &mut self.orders.exhausted,
            OrderResult::Interrupted(_) => &mut self.orders.interrupted,
        };
        *count += 1;
        self.orders.lapsed += u64::from(order.result.is_lapsed());
        self.orders.retried += u64::from(order.attempts > 1);
        let was_pending = order.attempts > 1
            || (order.attempts == 1 && order.result != OrderResult::Acknowledged);
        self.pending_retries = self.pending_retries.saturating_sub(u64::from(was_pending));
        let last = self.last_failed.filter(|(number, _)| *number == order.order);
        let reason = last.and_then(|(_, index)| self.reasons.get_mut(index));
        let told = reason.map(|reason| {
            reason.exhausted += u64::from(matches!(order.result, OrderResult::Exhausted(_)));
            (reason.code.clone(), reason.explanation.clone())
        });
        if let Some(kept) = self.keep(order.order, &order.order_id) {
            kept.result = Some(order.result);
            kept.attempts = order.attempts;
            kept.at = finished;
        }
        let is_failure = order.result != OrderResult::Acknowledged && !is_unsent;
        if is_failure && self.failures.len() < MOST_KEPT_FAILURES {
            let kept = self.kept.as_ref().and_then(|kept| kept.get(&order.order)).cloned();
            let (code, explanation) = told.unzip();
            let place = self.place(order.order);
            self.failures.push(kept.unwrap_or_else(|| OrderOutcome {
                result: Some(order.result),
                attempts: order.attempts,
                at: finished,
                code,
                explanation,
                ..OrderOutcome::new(place, &order.order_id)
            }));
        }
    }

    fn row(&mut self, attempt: u32) -> &mut AttemptCounts {
        let index = (attempt.max(1) as usize - 1).min(MAX_RETRIES);
        while self.by_attempt.len() <= index {
            let attempt = u32::try_from(self.by_attempt.len() + 1).unwrap_or(u32::MAX);
            self.by_attempt.push(AttemptCounts { attempt, acknowledged: 0, failed: 0 });
        }
        &mut self.by_attempt[index]
    }

    /// Counts a reason and says where it is; `None` where there are too many.
    fn reason(&mut self, attempt: &Attempt, why: &str) -> Option<usize> {
        let known = self.reasons.iter().position(|reason| reason.code == attempt.code);
        let index = known.unwrap_or(self.reasons.len());
        if known.is_none() && index < MOST_REASONS {
            let explanation = shortened(why, LONGEST_EXPLANATION);
            let code = attempt.code.clone();
            self.reasons.push(Reason { code, explanation, attempts: 0, exhausted: 0 });
        }
        self.reasons.get_mut(index)?.attempts += 1;
        Some(index)
    }

    fn note_slow(&mut self, attempt: &Attempt) {
        let latency = attempt.latency();
        let is_full = self.slowest.len() == SLOWEST;
        if is_full && self.slowest.last().is_some_and(|last| last.latency >= latency) {
            return;
        }
        let (order, step) = self.place(attempt.order);
        if let Some(same) = self.slowest.iter().position(|slow| slow.order == order) {
            if self.slowest[same].latency >= latency {
                return;
            }
            self.slowest.remove(same);
        }
        let at = self.slowest.partition_point(|slow| slow.latency >= latency);
        let slow = SlowOrder {
            order,
            step,
            order_id: bounded_id(&attempt.order_id),
            attempt: attempt.attempt,
            latency,
            service_time: attempt.service_time(),
            code: attempt.code.clone(),
        };
        self.slowest.insert(at, slow);
        self.slowest.truncate(SLOWEST);
    }

    /// The order's own entry; `None` once there are too many orders to keep.
    fn keep(&mut self, order: u64, id: &Arc<str>) -> Option<&mut OrderOutcome> {
        let place = self.place(order);
        let kept = self.kept.as_ref()?;
        if kept.len() >= MOST_KEPT_ORDERS && !kept.contains_key(&order) {
            self.kept = None;
        }
        Some(self.kept.as_mut()?.entry(order).or_insert_with(|| OrderOutcome::new(place, id)))
    }
}

#[derive(Clone, Debug)]
pub struct RunReport {
    pub summary: DeliverySummary,
    pub gates: Vec<GateResult>,
}

impl RunReport {
    /// Whether the run answers "yes": its gates say so, or without gates every order was
    /// acknowledged; never where orders were left unread.
    pub fn is_yes(&self) -> bool {
        if self.summary.cut_short.is_some() {
            return false;
        }
        let OrderCounts { exhausted, interrupted, .. } = self.summary.orders;
        match self.gates.as_slice() {
            // An order that was never sent is not an order that was acknowledged.
            [] => {
                let all_ended = self.summary.orders.ended() >= self.summary.total_orders();
                let lives = self.summary.orders_of_lives();
                let all_lived = lives.is_none_or(|(orders, total)| orders.acknowledged == total);
                exhausted == 0 && interrupted == 0 && all_ended && all_lived
            }
            gates => gates.iter().all(GateResult::is_passed),
        }
    }
}

impl RunReport {
    /// The gates that failed, with what was measured; nothing where all passed.
    pub fn failed_gates(&self) -> Option<String> {
        let failed = self.gates.iter().filter(|gate| !gate.is_passed());
        let measured: Vec<String> = failed.map(GateResult::explanation).collect();
        let count = counted(measured.len() as u64, "gate");
        (!measured.is_empty()).then(|| format!("{count} failed: {}", measured.join(", ")))
    }
}

impl DeliverySummary {
    /// How many there are in words: a duplicate is a notification, and no order of its own.
    pub fn total_in_words(&self) -> String {
        let noun = if self.orders.duplicates == 0 { self.noun() } else { "notification" };
        counted(self.total_orders(), noun)
    }
}

#[cfg(test)]
mod tests;
