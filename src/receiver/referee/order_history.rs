//! One order: its deliveries, and the rules that they are held to.

use std::time::Duration;

use jiff::Timestamp;
use protocol::{Severity, Status};
use serde::Serialize;

use super::body_digest::{BodyDifference, BodyDigest, IdentityFields};
use super::breach::{Breach, BreachKind, WindowStart};
use super::observation::OrderFacts;
use super::rules::{Planned, Rules};
use crate::units::duration::in_milliseconds;

/// The deliveries of an order whose times are kept: the first ones.
pub(super) const MOST_DELIVERIES: usize = 32;

/// The statuses of one order that are told apart: the platform has seven.
const MOST_SERIES: usize = 8;

/// The deliveries of an order that may be in flight at once before the oldest is not counted.
const MOST_OPEN: usize = 16;

/// How far an `update_time` may be from the first delivery and still be believed (ours): a test
/// that sends the platform's example sends a time that is years old.
const PLAUSIBLE: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub at: Timestamp,
    #[serde(rename = "callback")]
    pub number: u64,
    /// The time since the order's delivery before; nothing for the first, or where the clock was
    /// set back.
    #[serde(rename = "gap_ms", serialize_with = "in_milliseconds")]
    pub gap: Option<Duration>,
    pub status: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct OrderHistory {
    pub(super) label: Box<str>,
    pub(super) total: u64,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) errors: u64,
    pub(super) warnings: u64,
    pub(super) series: Vec<Series>,
    identity: IdentityFields,
    standing: Option<Status>,
    open: Vec<(u64, Timestamp)>,
}

#[derive(Clone, Debug)]
pub(super) struct Series {
    status: Option<i64>,
    first: BodyDigest,
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    last_number: u64,
    last_end: Option<Timestamp>,
    longest_gap: Duration,
    /// An acknowledgement was written later than a sender waits: some sender waits longer.
    is_late: bool,
    update_time: Option<i64>,
    pub(super) acknowledged_at: Option<Timestamp>,
}

/// A later time's distance from an earlier one; nothing where it is not later.
fn since(later: Timestamp, earlier: Timestamp) -> Option<Duration> {
    Duration::try_from(later.duration_since(earlier)).ok()
}

impl OrderHistory {
    pub(super) fn new(facts: &OrderFacts, at: Timestamp) -> OrderHistory {
        OrderHistory {
            label: facts.label.clone(),
            total: 0,
            first_at: at,
            last_at: at,
            deliveries: Vec::new(),
            errors: 0,
            warnings: 0,
            series: Vec::new(),
            identity: facts.print.print.identity,
            standing: None,
            open: Vec::new(),
        }
    }

    pub(super) fn take(
        &mut self,
        number: u64,
        at: Timestamp,
        facts: &OrderFacts,
        rules: &Rules,
    ) -> (u64, Vec<BreachKind>) {
        let mut found = Vec::new();
        let concurrent = self.concurrent(number, at, rules);
        found.extend(concurrent.map(|with| BreachKind::Concurrent { with }));
        found.extend(self.judge_status(facts));
        let identity = self.identity;
        let series = self.series_of(facts, at);
        series.count += 1;
        found.extend(series.judge_body(facts, &identity));
        if series.count > rules.most_deliveries() {
            found.push(BreachKind::TooManyDeliveries { allowed: rules.most_deliveries() });
        }
        found.extend(series.judge_window(at, rules));
        match series.acknowledged_at.and_then(|then| since(at, then)) {
            Some(after) if !after.is_zero() => {
                found.push(BreachKind::AfterAcknowledgement { after });
            }
            _ if series.acknowledged_at.is_none() => {
                let spacing = series.judge_spacing(at, rules);
                // What is said to be in flight at once need not be said to be close as well.
                found.extend(spacing.filter(|kind| {
                    concurrent.is_none() || !matches!(kind, BreachKind::TooSoon { .. })
                }));
            }
            _ => {}
        }
        let count = series.count;
        if count > 1 {
            let gap = since(at, series.last_at).unwrap_or_default();
            series.longest_gap = series.longest_gap.max(gap);
        }
        (series.last_at, series.last_number, series.last_end) = (at, number, None);
        self.note(number, at, facts.status);
        self.weigh(&found);
        (count, found)
    }

    fn concurrent(&mut self, number: u64, at: Timestamp, rules: &Rules) -> Option<u64> {
        self.open
            .retain(|(_, then)| since(at, *then).is_none_or(|age| age < rules.attempt_timeout));
        let with = self.open.last().map(|(other, _)| *other);
        if self.open.len() >= MOST_OPEN {
            self.open.remove(0);
        }
        self.open.push((number, at));
        with
    }

    fn judge_status(&mut self, facts: &OrderFacts) -> Option<BreachKind> {
        let status = facts.meaning;
        let Some(standing) = self.standing else {
            self.standing = status;
            return None;
        };
        if standing.is_final {
            // Without a status there is nothing that could contradict.
            let changed = facts.status.is_some_and(|code| code != i64::from(standing.code));
            let to = status.map(|status| status.name);
            return changed.then_some(BreachKind::StatusAfterFinal { from: standing.name, to });
        }
        let status = status?;
        if let (Some(before), Some(now)) = (stage(standing), stage(status))
            && now < before
        {
            return Some(BreachKind::StatusBackwards { from: standing.name, to: status.name });
        }
        self.standing = Some(status);
        None
    }

    fn series_of(&mut self, facts: &OrderFacts, at: Timestamp) -> &mut Series {
        let index = match self.series.iter().position(|series| series.status == facts.status) {
            Some(index) => index,
            None => {
                if self.series.len() >= MOST_SERIES {
                    self.series.remove(0);
                }
                self.series.push(Series::new(facts, at));
                self.series.len() - 1
            }
        };
        &mut self.series[index]
    }

    fn note(&mut self, number: u64, at: Timestamp, status: Option<i64>) {
        let gap = if self.total == 0 { None } else { since(at, self.last_at) };
        if self.deliveries.len() < MOST_DELIVERIES {
            self.deliveries.push(Delivery { number, at, gap, status });
        }
        self.total += 1;
        self.last_at = at;
    }

    fn weigh(&mut self, found: &[BreachKind]) {
        for kind in found {
            match kind.severity() {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
            }
        }
    }

    pub(super) fn end(&mut self, number: u64, status: Option<i64>, at: Timestamp, is_late: bool) {
        self.open.retain(|(open, _)| *open != number);
        let Some(series) = self.series.iter_mut().find(|series| series.status == status) else {
            return;
        };
        series.is_late |= is_late;
        if series.last_number == number {
            series.last_end = Some(at);
        }
    }

    /// What did not come up to now, with the callback before it: only of the latest status, because
    /// a sender need not repeat a status that has passed.
    pub(super) fn judge_silence(
        &mut self,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<(Delivery, u64, BreachKind)> {
        let series = self.series.iter().max_by_key(|series| series.last_at)?;
        let kind = series.judge_silence(now, rules)?;
        let (number, at, status) = (series.last_number, series.last_at, series.status);
        let (delivery, count) = (Delivery { number, at, gap: None, status }, series.count);
        self.weigh(std::slice::from_ref(&kind));
        Some((delivery, count, kind))
    }

    /// Notes that a delivery was acknowledged; gives the deliveries that came after that and were
    /// taken before it was told.
    pub(super) fn acknowledge(
        &mut self,
        number: u64,
        status: Option<i64>,
        at: Timestamp,
    ) -> Vec<(Delivery, u64, BreachKind)> {
        self.end(number, status, at, false);
        let Some(series) = self.series.iter_mut().find(|series| series.status == status) else {
            return Vec::new();
        };
        if let Some(then) = series.acknowledged_at {
            series.acknowledged_at = Some(then.min(at));
            return Vec::new();
        }
        series.acknowledged_at = Some(at);
        let of_series = self.deliveries.iter().filter(|delivery| delivery.status == status);
        let late: Vec<_> = (1..)
            .zip(of_series)
            .filter(|(_, delivery)| delivery.number != number)
            .filter_map(|(count, delivery)| {
                let after = since(delivery.at, at).filter(|after| !after.is_zero())?;
                Some((*delivery, count, BreachKind::AfterAcknowledgement { after }))
            })
            .collect();
        self.errors += late.len() as u64;
        late
    }

    pub(super) fn breaches(
        &self,
        found: impl IntoIterator<Item = (Delivery, u64, BreachKind)>,
    ) -> Vec<Breach> {
        let breach = |(delivery, count, kind): (Delivery, u64, BreachKind)| Breach {
            number: delivery.number,
            at: delivery.at,
            order_id: Some(self.label.to_string()),
            delivery: Some(count),
            kind,
        };
        found.into_iter().map(breach).collect()
    }

    pub(super) fn status(&self) -> Option<i64> {
        self.series.iter().max_by_key(|series| series.last_at).and_then(|series| series.status)
    }
}

/// How far a status that is not final is on its way; nothing where the order is not plain.
fn stage(status: Status) -> Option<u8> {
    match status.name {
        // A review may come at any time.
        "under review" => None,
        "scheduled" => Some(0),
        "pending" => Some(1),
        // Processing, or final.
        _ => Some(2),
    }
}

impl Series {
    fn new(facts: &OrderFacts, at: Timestamp) -> Series {
        Series {
            status: facts.status,
            first: facts.print.print.clone(),
            count: 0,
            first_at: at,
            last_at: at,
            last_number: 0,
            last_end: None,
            longest_gap: Duration::ZERO,
            is_late: false,
            update_time: facts.update_time,
            acknowledged_at: None,
        }
    }

    fn judge_body(&self, facts: &OrderFacts, order: &IdentityFields) -> Option<BreachKind> {
        let conflicts = facts.print.conflicts(order, &self.first.identity);
        if !conflicts.is_empty() {
            return Some(BreachKind::ConflictingDuplicate { members: conflicts });
        }
        facts.print.difference(&self.first).map(|difference| match difference {
            BodyDifference::WritingOnly => BreachKind::BodyReformatted,
            BodyDifference::SignatureOnly => BreachKind::SignatureChanged,
            BodyDifference::Members(members) => BreachKind::BodyChanged { members },
        })
    }

    fn window_start(&self) -> (Timestamp, WindowStart) {
        let update_time = self
            .update_time
            .and_then(|second| Timestamp::from_second(second).ok())
            // An order is complete before its notification is here, or the clocks differ.
            .filter(|then| since(self.first_at, *then).is_some_and(|age| age <= PLAUSIBLE));
        match update_time {
            Some(then) => (then, WindowStart::UpdateTime),
            None => (self.first_at, WindowStart::FirstDelivery),
        }
    }

    fn judge_window(&self, at: Timestamp, rules: &Rules) -> Option<BreachKind> {
        let (from, start) = self.window_start();
        let after = since(at, from)?;
        let is_outside = after > rules.window.saturating_add(rules.slack);
        is_outside.then_some(BreachKind::OutsideWindow { after, window: rules.window, start })
    }

    fn judge_silence(&self, now: Timestamp, rules: &Rules) -> Option<BreachKind> {
        let (sent, most) = (self.count, rules.most_deliveries());
        let planned = rules.planned_deliveries();
        if self.acknowledged_at.is_some() || self.is_late || sent >= planned.unwrap_or(most) {
            return None;
        }
        // Without a reply the sender waits for one before it waits for the next turn.
        let (from, unanswered) = match self.last_end {
            Some(end) => (end, Duration::ZERO),
            None => (self.last_at, rules.attempt_timeout),
        };
        let next = rules.planned(sent + 1).flatten();
        let usual = Planned { delay: self.longest_gap, offset: Duration::ZERO };
        let plan = next.unwrap_or(usual);
        let wait = plan.delay.saturating_add(plan.tolerance()).saturating_add(unanswered);
        let silence = since(now, from).filter(|silence| *silence > wait)?;
        // A slow reply may have moved the next delivery out of the window.
        let due = since(from, self.window_start().0)?.saturating_add(plan.delay);
        if next.is_some() && due.saturating_add(rules.slack) > rules.window {
            return None;
        }
        Some(match planned {
            Some(planned) => BreachKind::GaveUp { sent, planned, silence },
            None => BreachKind::Silent { sent, most, silence },
        })
    }

    fn judge_spacing(&self, at: Timestamp, rules: &Rules) -> Option<BreachKind> {
        if self.count < 2 {
            return None;
        }
        let gap = since(at, self.last_at)?;
        let Some(planned) = rules.planned(self.count) else {
            let closest = rules.closest;
            return (gap < closest).then_some(BreachKind::TooSoon { gap, closest });
        };
        let Some(planned) = planned else {
            return Some(BreachKind::OffSchedule { planned: None, gap });
        };
        let tolerance = planned.tolerance();
        let longest = planned.delay.saturating_add(tolerance);
        // A slow reply moves the next delivery for senders that wait from the end of the last one.
        let since_end = self.last_end.and_then(|end| since(at, end)).unwrap_or(gap);
        let fits = gap.saturating_add(tolerance) >= planned.delay && gap.min(since_end) <= longest;
        // Others count from the first delivery: after a late one the next gap is shorter.
        let offset = since(at, self.first_at)?;
        let is_on_time = offset.abs_diff(planned.offset) <= tolerance;
        (!fits && !is_on_time)
            .then_some(BreachKind::OffSchedule { planned: Some(planned.delay), gap })
    }
}
