//! Whether what was booked behind an endpoint is what should have been.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::case::{Effect, Expect, Message};
use super::observer::{Observer, ObserverError, Scope};
use super::trial::Parcel;

/// How often is looked while something may still be booked.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// How long one total is watched for what is booked twice a little later.
const WATCH_TOTAL: Duration = Duration::from_millis(500);

/// How far two numbers may differ and be the same.
const NOISE: f64 = 1e-6;

/// How often one order may be found booked in the calibration.
const MOST_TIMES: u32 = 4;

/// What the observer's number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Cents,
    Whole,
    Count,
}

/// Of what the observer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    /// Of the order that it is asked for.
    EachOrder,
    /// Of all orders together.
    Total,
}

/// How often an order may have been booked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Demand {
    order: String,
    amount: Option<i64>,
    least: u32,
    /// `None` where it does not matter.
    most: Option<u32>,
}

/// What must have been booked when a case's parcels are through; empty where nothing is said.
///
/// Where a case holds messages that must not be acknowledged and others that must, `Effect::None`
/// speaks of the former alone.
pub(super) fn demands(effect: Effect, parcels: &[Parcel]) -> Vec<Demand> {
    if effect == Effect::Any {
        return Vec::new();
    }
    let mut demands: Vec<Demand> = Vec::new();
    let is_bad = |expect| matches!(expect, Expect::NotAcknowledged | Expect::Refused);
    for parcel in parcels {
        let order = &parcel.message.order_id;
        if order.is_empty() || demands.iter().any(|known| known.order == *order) {
            continue;
        }
        let mut own = parcels.iter().filter(|one| one.message.order_id == *order);
        let is_always_bad = own.clone().all(|one| is_bad(one.expect));
        let amount = own.find_map(|one| one.message.amount_cents);
        let (least, most) = match (effect, is_always_bad) {
            // A message that should be refused and may be booked: nothing in it is forged.
            (Effect::AtMostOnce, true) if parcels.iter().all(|one| is_bad(one.expect)) => {
                (0, Some(1))
            }
            (_, true) => (0, Some(0)),
            (Effect::None, false) => match parcels.iter().any(|one| is_bad(one.expect)) {
                true => (0, None),
                false => (0, Some(0)),
            },
            (Effect::Once, false) => (1, Some(1)),
            (Effect::AtMostOnce | Effect::Any, false) => (0, Some(1)),
        };
        demands.push(Demand { order: order.clone(), amount, least, most });
    }
    demands
}

/// What was read before a case.
pub(super) struct Before {
    demands: Vec<Demand>,
    /// Whether an order is told of more than once.
    repeats: bool,
    values: Vec<f64>,
}

impl Before {
    /// The same without a least number of bookings.
    pub(super) fn without_least(mut self) -> Before {
        for demand in &mut self.demands {
            demand.least = 0;
        }
        self
    }
}

/// What is held against the demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    /// What should have been.
    Right,
    /// Too little, as far as was waited.
    TooLittle(String),
    /// Too much: it cannot be undone.
    TooMuch(String),
    /// It could not be seen.
    Unseen(String),
}

/// Why it cannot be learnt what an observer's numbers mean.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum CalibrationError {
    /// The observer gave no number.
    #[error(transparent)]
    Observer(#[from] ObserverError),
    /// The number changed by nothing that an order could be.
    #[error(
        "an acknowledged order of {amount} cents changed the observer's number by {delta}; the \
         amount in cents, the amount in whole units, or 1 is wanted"
    )]
    OddChange {
        /// The order's amount in cents.
        amount: i64,
        /// By how much the number changed, in the observer's own unit.
        delta: f64,
    },
}

/// Looks at side effects, once it is known what the observer's numbers mean.
pub(super) struct Effects<'a> {
    observer: &'a Observer,
    unit: Unit,
    breadth: Breadth,
    /// What is looked at once more at the end: the case, its demands and the numbers before.
    late: Mutex<Vec<(String, Before)>>,
    /// When something that may be booked was sent last.
    last: Mutex<Instant>,
    /// How long after that one total may still move; nothing where each order has its number.
    quiet: Duration,
}

impl<'a> Effects<'a> {
    /// Learns from one good notification what the numbers mean; `send` sends it.
    ///
    /// # Errors
    /// Why nothing can be learnt.
    pub(super) async fn calibrate(
        observer: &'a Observer,
        message: &Message,
        other: &Message,
        send: impl Future<Output = bool>,
    ) -> Result<Option<Effects<'a>>, CalibrationError> {
        let amount = message.amount_cents;
        let read = || observer.read(&message.order_id, amount);
        let before = read().await?;
        if !send.await {
            return Ok(None);
        }
        let start = Instant::now();
        let mut looks = 0;
        let after = loop {
            looks += 1;
            let seen = read().await?;
            if differ(seen.value, before.value) || start.elapsed() >= observer.within {
                break seen;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        let took = start.elapsed();
        let elsewhere = observer.read(&other.order_id, other.amount_cents).await?;
        let is_total = after.scope == Scope::Unsaid && !differ(elsewhere.value, after.value);
        let mut delta = after.value - before.value;
        if is_total && looks > 1 {
            // What comes late comes late again: one total shows it only where it is waited for.
            tokio::time::sleep(took).await;
            delta = read().await?.value - before.value;
        }
        let Some(unit) = unit_of(delta, amount) else {
            return Err(CalibrationError::OddChange { amount: amount.unwrap_or_default(), delta });
        };
        let breadth = if is_total { Breadth::Total } else { Breadth::EachOrder };
        let quiet = match is_total && looks > 1 {
            true => (took * 2 + LOOK_AGAIN * 2).min(observer.within),
            false => Duration::ZERO,
        };
        let last = Mutex::new(Instant::now());
        Ok(Some(Effects { observer, unit, breadth, late: Mutex::default(), last, quiet }))
    }

    pub(super) const fn breadth(&self) -> Breadth {
        self.breadth
    }

    /// Reads the numbers before a case.
    pub(super) async fn before(
        &self,
        demands: Vec<Demand>,
        parcels: &[Parcel],
    ) -> Result<Before, String> {
        self.wait(self.quiet).await;
        let values = self.values(&demands).await?;
        let messages: u64 = parcels.iter().map(|parcel| u64::from(parcel.at_once)).sum();
        Ok(Before { repeats: messages > demands.len() as u64, demands, values })
    }

    /// Looks at what a case has left: until it is right, or the merchant's time is over.
    ///
    /// What is right now is looked at once more by [`Effects::settle`].
    pub(super) async fn after(&self, case: &str, before: Before) -> Booked {
        let start = Instant::now();
        let may_be_booked = before.demands.iter().any(|demand| demand.most != Some(0));
        if may_be_booked {
            self.sent();
        }
        if self.breadth == Breadth::Total && may_be_booked {
            let repeats = before.repeats && self.observer.within > WATCH_TOTAL;
            self.wait(if repeats { self.quiet.max(WATCH_TOTAL) } else { self.quiet }).await;
        }
        let booked = loop {
            let booked = self.compare(&before).await;
            match booked {
                Booked::TooLittle(_) if start.elapsed() < self.observer.within => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                other => break other,
            }
        };
        if booked == Booked::Right && self.breadth == Breadth::EachOrder {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.push((case.to_owned(), before));
        }
        booked
    }

    /// Waits until the merchant has had its time, and names the cases that were right before and
    /// are not any more.
    pub(super) async fn settle(&self) -> Vec<(String, String)> {
        let late = {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *late)
        };
        if late.is_empty() {
            return Vec::new();
        }
        self.wait(self.observer.within).await;
        let mut wrong = Vec::new();
        for (case, before) in late {
            if let Booked::TooMuch(what) = self.compare(&before).await {
                wrong.push((case, what));
            }
        }
        wrong
    }

    /// Tells that something was sent that may be booked.
    pub(super) fn sent(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until so long has passed since something was sent that may be booked.
    async fn wait(&self, time: Duration) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep(time.saturating_sub(last.elapsed())).await;
    }

    /// Waits until a control is booked, so that it does not count for the case after it.
    pub(super) async fn absorb(&self, before: Option<f64>, message: &Message) {
        let Some(before) = before else { return };
        let start = Instant::now();
        while start.elapsed() < self.observer.within {
            let seen = self.observer.read(&message.order_id, message.amount_cents).await;
            if !seen.is_ok_and(|seen| !differ(seen.value, before)) {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The total now, where the observer tells of all orders together.
    pub(super) async fn total(&self, message: &Message) -> Option<f64> {
        match self.breadth {
            Breadth::EachOrder => None,
            Breadth::Total => {
                let seen = self.observer.read(&message.order_id, message.amount_cents).await;
                seen.ok().map(|seen| seen.value)
            }
        }
    }

    /// One number for each demand, or one for all of them.
    async fn values(&self, demands: &[Demand]) -> Result<Vec<f64>, String> {
        let count = match self.breadth {
            Breadth::EachOrder => demands.len(),
            Breadth::Total => 1,
        };
        let mut values = Vec::new();
        for demand in demands.iter().take(count) {
            let seen = self.observer.read(&demand.order, demand.amount).await;
            values.push(seen.map_err(|error| error.to_string())?.value);
        }
        Ok(values)
    }

    async fn compare(&self, before: &Before) -> Booked {
        let now = match self.values(&before.demands).await {
            Ok(now) => now,
            Err(why) => return Booked::Unseen(why),
        };
        let deltas: Vec<f64> = now.iter().zip(&before.values).map(|(now, old)| now - old).collect();
        match (self.breadth, deltas.as_slice()) {
            (Breadth::Total, [delta]) => held_in_total(self.unit, &before.demands, *delta),
            _ => held_each(self.unit, &before.demands, &deltas),
        }
    }
}

fn held_each(unit: Unit, demands: &[Demand], deltas: &[f64]) -> Booked {
    let mut little = None;
    for (demand, delta) in demands.iter().zip(deltas) {
        let one = unit.of(demand.amount);
        let (least, most) =
            (f64::from(demand.least) * one, demand.most.map(|n| f64::from(n) * one));
        let told = || format!("the order {} was {}", demand.order, times(*delta, one));
        if most.is_some_and(|most| *delta > most + NOISE) || *delta < -NOISE {
            return Booked::TooMuch(told());
        }
        if *delta < least - NOISE {
            little.get_or_insert_with(told);
        }
    }
    little.map_or(Booked::Right, Booked::TooLittle)
}

fn held_in_total(unit: Unit, demands: &[Demand], delta: f64) -> Booked {
    let sum = |times: fn(&Demand) -> Option<u32>| {
        demands
            .iter()
            .try_fold(0.0, |sum, one| Some(sum + f64::from(times(one)?) * unit.of(one.amount)))
    };
    let least = sum(|one| Some(one.least)).unwrap_or_default();
    let Some(most) = sum(|one| one.most) else {
        return Booked::Unseen(
            "the observer tells of all orders together, so these cannot be told apart".to_owned(),
        );
    };
    let one = demands.first().map_or(1.0, |first| unit.of(first.amount));
    let told = || match demands {
        [only] => format!("the order {} was {}", only.order, times(delta, one)),
        _ => format!("{} orders changed the total by {delta}", demands.len()),
    };
    if delta > most + NOISE || delta < -NOISE {
        Booked::TooMuch(told())
    } else if delta < least - NOISE {
        Booked::TooLittle(told())
    } else {
        Booked::Right
    }
}

impl Unit {
    /// What one order adds.
    fn of(self, amount: Option<i64>) -> f64 {
        let cents = amount.unwrap_or_default() as f64;
        match self {
            Unit::Cents => cents,
            Unit::Whole => cents / 100.0,
            Unit::Count => 1.0,
        }
    }
}

/// The unit in which an order makes this difference, booked once or a few times.
fn unit_of(delta: f64, amount: Option<i64>) -> Option<Unit> {
    let is = |unit: Unit, times: u32| {
        let one = unit.of(amount);
        one > 0.0 && !differ(delta, one * f64::from(times))
    };
    (1..=MOST_TIMES).find_map(|times| {
        [Unit::Cents, Unit::Whole, Unit::Count].into_iter().find(|unit| is(*unit, times))
    })
}

fn differ(one: f64, other: f64) -> bool {
    (one - other).abs() > NOISE
}

/// How often was booked, in words.
fn times(delta: f64, one: f64) -> String {
    if !differ(delta, 0.0) {
        return "not credited".to_owned();
    }
    let count = delta / one;
    match one > 0.0 && !differ(count, count.round()) && count > 0.0 {
        true if !differ(count, 1.0) => "credited once".to_owned(),
        true if !differ(count, 2.0) => "credited twice".to_owned(),
        true => format!("credited {count} times"),
        false => format!("credited with {delta}, and {one} is right"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::case::Manner;

    fn parcel(order: &str, expect: Expect) -> Parcel {
        Parcel {
            label: String::new(),
            message: Message {
                method: "POST".to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
                order_id: order.to_owned(),
                amount_cents: Some(12_345),
            },
            manner: Manner::Plain,
            at_once: 1,
            after: Duration::ZERO,
            expect,
        }
    }

    fn bounds(effect: Effect, parcels: &[Parcel]) -> Vec<(u32, Option<u32>)> {
        demands(effect, parcels).iter().map(|one| (one.least, one.most)).collect()
    }

    #[test]
    fn what_must_be_booked_follows_from_effect_and_expectations() {
        let (good, bad) = (Expect::Acknowledged, Expect::NotAcknowledged);
        let one = [parcel("a", good)];
        assert_eq!(bounds(Effect::Any, &one), []);
        assert_eq!(bounds(Effect::Once, &one), [(1, Some(1))]);
        assert_eq!(bounds(Effect::None, &one), [(0, Some(0))]);
        assert_eq!(bounds(Effect::AtMostOnce, &one), [(0, Some(1))]);
        let again = [parcel("a", good), parcel("a", good)];
        assert_eq!(bounds(Effect::Once, &again), [(1, Some(1))]);
        assert_eq!(bounds(Effect::None, &[parcel("a", bad)]), [(0, Some(0))]);
        assert_eq!(bounds(Effect::AtMostOnce, &[parcel("a", bad)]), [(0, Some(1))]);
        let mixed = [parcel("a", good), parcel("b", bad)];
        assert_eq!(bounds(Effect::AtMostOnce, &mixed), [(0, Some(1)), (0, Some(0))]);
        assert_eq!(bounds(Effect::None, &mixed), [(0, None), (0, Some(0))]);
        assert_eq!(bounds(Effect::Once, &mixed), [(1, Some(1)), (0, Some(0))]);
    }

    #[test]
    fn the_unit_is_learnt_from_one_order() {
        let unit = |delta| unit_of(delta, Some(12_345));
        assert_eq!(unit(12_345.0), Some(Unit::Cents));
        assert_eq!(unit(123.45), Some(Unit::Whole));
        assert_eq!(unit(1.0), Some(Unit::Count));
        assert_eq!(unit(24_690.0), Some(Unit::Cents));
        assert_eq!(unit(0.0), None);
        assert_eq!(unit(777.0), None);
    }

    #[test]
    fn each_order_and_the_total_are_held_against_the_demands() {
        let twice = demands(Effect::Once, &[parcel("a", Expect::Acknowledged)]);
        let each = |delta| held_each(Unit::Cents, &twice, &[delta]);
        assert_eq!(each(12_345.0), Booked::Right);
        assert_eq!(each(0.0), Booked::TooLittle("the order a was not credited".to_owned()));
        assert_eq!(each(24_690.0), Booked::TooMuch("the order a was credited twice".to_owned()));
        assert_eq!(
            each(100.0),
            Booked::TooLittle("the order a was credited with 100, and 12345 is right".to_owned())
        );
        let total = |delta| held_in_total(Unit::Count, &twice, delta);
        assert_eq!(total(1.0), Booked::Right);
        assert!(matches!(total(2.0), Booked::TooMuch(_)));
        let mixed = demands(
            Effect::None,
            &[parcel("a", Expect::Acknowledged), parcel("b", Expect::NotAcknowledged)],
        );
        assert!(matches!(held_in_total(Unit::Count, &mixed, 1.0), Booked::Unseen(_)));
        assert_eq!(held_each(Unit::Count, &mixed, &[1.0, 0.0]), Booked::Right);
    }
}
