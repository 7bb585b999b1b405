//! Whether what was booked behind an endpoint is what should have been.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::case::{Effect, Message};
use super::observer::{Observer, ObserverError, Seen};
use super::trial::Parcel;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

const WATCH_TOTAL: Duration = Duration::from_millis(500);

const NOISE: f64 = 1e-6;

const MOST_TIMES: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Cents,
    Whole,
    Count,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Demand {
    order: String,
    amount: Option<i64>,
    least: u32,
    /// `None` where it does not matter.
    most: Option<u32>,
}

/// How often each order of a case may have been booked when the first parcels of the case were
/// sent; empty where the case does not restrict it.
///
/// `acknowledged` has one entry per parcel that was sent. Only a success books, and only one that
/// was acknowledged must be booked: after any other reply the platform sends it again. Where a case
/// has messages that must not be acknowledged and others that must, `Effect::None` restricts the
/// former alone.
pub(super) fn demands(effect: Effect, parcels: &[Parcel], acknowledged: &[bool]) -> Vec<Demand> {
    if effect == Effect::Any {
        return Vec::new();
    }
    let mut demands: Vec<Demand> = Vec::new();
    for parcel in parcels {
        let order = &parcel.message.order_id;
        if order.is_empty() || demands.iter().any(|known| known.order == *order) {
            continue;
        }
        let is_own = |one: &&Parcel| one.message.order_id == *order;
        let is_always_bad = parcels.iter().filter(is_own).all(Parcel::is_bad);
        let amount = parcels.iter().filter(is_own).find_map(|one| one.message.amount_cents);
        let booking = parcels
            .iter()
            .zip(acknowledged)
            .filter(|(one, _)| one.message.order_id == *order && one.may_book && !one.is_bad());
        let (least, most) = match effect {
            // A message that should be refused and may be booked: nothing in it is forged.
            Effect::AtMostOnce if parcels.iter().all(Parcel::is_bad) => (0, Some(1)),
            _ if is_always_bad => (0, Some(0)),
            Effect::AtMostOnce | Effect::Any => (0, Some(1)),
            Effect::None if parcels.iter().any(Parcel::is_bad) => (0, None),
            Effect::None => (0, Some(0)),
            Effect::Once => {
                let is_booked = booking.clone().any(|(_, is_acknowledged)| *is_acknowledged);
                (u32::from(is_booked), Some(u32::from(booking.count() > 0)))
            }
        };
        demands.push(Demand { order: order.clone(), amount, least, most });
    }
    demands
}

pub(super) struct Before {
    pub(super) demands: Vec<Demand>,
    repeats: bool,
    values: Vec<f64>,
    reached: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    Right,
    Lost(String),
    Wrong(String),
    Unseen(String),
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum CalibrationError {
    #[error(transparent)]
    Observer(#[from] ObserverError),
    #[error(
        "an acknowledged order of {amount} cents changed the observer's number by {delta}; expected \
         the amount in cents, the amount in whole units, or 1"
    )]
    OddChange {
        /// The order's amount in cents.
        amount: i64,
        delta: f64,
    },
}

/// Reads until the number moves, as long as a booking may take; with how often it was read.
pub(super) async fn moved(
    observer: &Observer,
    message: &Message,
    before: f64,
) -> Result<(Seen, u32), ObserverError> {
    let start = Instant::now();
    let mut looks = 0;
    loop {
        looks += 1;
        let seen = observer.read(message).await?;
        if differ(seen.value, before) || start.elapsed() >= observer.within {
            return Ok((seen, looks));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub(super) struct Effects<'a> {
    observer: &'a Observer,
    unit: Unit,
    /// The observer prints the total of all orders, not a number for each.
    pub(super) is_total: bool,
    late: Mutex<Vec<(String, Before)>>,
    last: Mutex<Instant>,
    /// How long after that one total may still move; nothing where each order has its number.
    quiet: Duration,
}

impl<'a> Effects<'a> {
    pub(super) async fn calibrate(
        observer: &'a Observer,
        message: &Message,
        other: &Message,
        send: impl Future<Output = bool>,
    ) -> Result<Option<Effects<'a>>, CalibrationError> {
        let before = observer.read(message).await?;
        if !send.await {
            return Ok(None);
        }
        let start = Instant::now();
        let (after, looks) = moved(observer, message, before.value).await?;
        let took = start.elapsed();
        let elsewhere = observer.read(other).await?;
        let is_total = after.may_be_total && !differ(elsewhere.value, after.value);
        let mut delta = after.value - before.value;
        let mut quiet = Duration::ZERO;
        if is_total && looks > 1 {
            // What comes late comes late again: one total shows it only where it is waited for.
            tokio::time::sleep(took).await;
            delta = observer.read(message).await?.value - before.value;
            quiet = (took * 2 + LOOK_AGAIN * 2).min(observer.within);
        }
        let amount = message.amount_cents;
        let Some(unit) = unit_of(delta, amount) else {
            return Err(CalibrationError::OddChange { amount: amount.unwrap_or_default(), delta });
        };
        let last = Mutex::new(Instant::now());
        Ok(Some(Effects { observer, unit, is_total, late: Mutex::default(), last, quiet }))
    }

    pub(super) async fn before(
        &self,
        demands: Vec<Demand>,
        parcels: &[Parcel],
    ) -> Result<Before, String> {
        self.wait(self.quiet).await;
        let values = self.values(&demands).await?;
        let reached = vec![0.0; values.len()];
        let messages: u64 = parcels.iter().map(|parcel| u64::from(parcel.at_once)).sum();
        Ok(Before { repeats: messages > demands.len() as u64, demands, values, reached })
    }

    pub(super) async fn look(&self, before: &mut Before) -> Booked {
        let start = Instant::now();
        let may_be_booked = before.demands.iter().any(|demand| demand.most != Some(0));
        if may_be_booked {
            self.sent();
        }
        if self.is_total && may_be_booked {
            let repeats = before.repeats && self.observer.within > WATCH_TOTAL;
            self.wait(if repeats { self.quiet.max(WATCH_TOTAL) } else { self.quiet }).await;
        }
        loop {
            let (booked, reached) = self.compare(before).await;
            match booked {
                Booked::Lost(_) if start.elapsed() < self.observer.within => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Booked::Right => {
                    before.reached = reached;
                    return Booked::Right;
                }
                Booked::Lost(what) => {
                    let back = self.taken_back(before, &reached);
                    return back.map_or(Booked::Lost(what), Booked::Wrong);
                }
                wrong => return wrong,
            }
        }
    }

    /// Looks once more at the end of the check, see [`Effects::settle`].
    ///
    /// One total shows later bookings of other cases too, so it is not looked at again.
    pub(super) fn keep(&self, case: &str, before: Before) {
        if !self.is_total {
            let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.push((case.to_owned(), before));
        }
    }

    /// Waits until the merchant has had its time, and names the cases whose orders are booked
    /// wrongly, or still not booked, by then.
    pub(super) async fn settle(&self) -> Vec<(String, String)> {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        if late.is_empty() {
            return Vec::new();
        }
        self.wait(self.observer.within).await;
        let mut wrong = Vec::new();
        for (case, before) in late {
            let (booked, reached) = self.compare(&before).await;
            match booked {
                Booked::Wrong(what) => wrong.push((case, format!("{what}, later than the reply"))),
                Booked::Lost(what) => {
                    let what = self.taken_back(&before, &reached).unwrap_or(what);
                    wrong.push((case, what));
                }
                Booked::Right | Booked::Unseen(_) => {}
            }
        }
        wrong
    }

    fn taken_back(&self, before: &Before, reached: &[f64]) -> Option<String> {
        let mut orders = before.demands.iter().zip(before.reached.iter().zip(reached));
        let (demand, (then, _)) = orders.find(|(_, (then, now))| **now < **then - NOISE)?;
        let then = times(*then, self.unit.of(demand.amount));
        Some(format!("the order {} was {then}, and then taken back", demand.order))
    }

    pub(super) fn sent(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    async fn wait(&self, time: Duration) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep(time.saturating_sub(last.elapsed())).await;
    }

    /// Waits until a control is booked, so that it does not count for the case after it.
    pub(super) async fn absorb(&self, before: Option<f64>, message: &Message) {
        if let Some(before) = before {
            // Where it cannot be seen, there is nothing to wait for.
            let _ = moved(self.observer, message, before).await;
        }
    }

    pub(super) async fn total(&self, message: &Message) -> Option<f64> {
        if !self.is_total {
            return None;
        }
        self.observer.read(message).await.ok().map(|seen| seen.value)
    }

    async fn values(&self, demands: &[Demand]) -> Result<Vec<f64>, String> {
        let count = if self.is_total { 1 } else { demands.len() };
        let mut values = Vec::new();
        for demand in demands.iter().take(count) {
            let seen = self.observer.read_order(&demand.order, demand.amount).await;
            values.push(seen.map_err(|error| error.to_string())?.value);
        }
        Ok(values)
    }

    async fn compare(&self, before: &Before) -> (Booked, Vec<f64>) {
        let now = match self.values(&before.demands).await {
            Ok(now) => now,
            Err(why) => return (Booked::Unseen(why), Vec::new()),
        };
        let deltas: Vec<f64> = now.iter().zip(&before.values).map(|(now, old)| now - old).collect();
        let booked = match deltas[..] {
            [delta] if self.is_total => held_in_total(self.unit, &before.demands, delta),
            _ => held_each(self.unit, &before.demands, &deltas),
        };
        (booked, deltas)
    }
}

fn held_each(unit: Unit, demands: &[Demand], deltas: &[f64]) -> Booked {
    let mut lost = None;
    for (demand, delta) in demands.iter().zip(deltas) {
        let one = unit.of(demand.amount);
        let (least, most) =
            (f64::from(demand.least) * one, demand.most.map(|n| f64::from(n) * one));
        let told = || format!("the order {} was {}", demand.order, times(*delta, one));
        // Part of an order that need not be booked at all is another amount than its own.
        let is_part = demand.least == 0 && most.is_some() && *delta > NOISE && *delta < one - NOISE;
        if most.is_some_and(|most| *delta > most + NOISE) || *delta < -NOISE || is_part {
            return Booked::Wrong(told());
        }
        if *delta < least - NOISE {
            lost.get_or_insert_with(|| lost_in_words(told()));
        }
    }
    lost.map_or(Booked::Right, Booked::Lost)
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
            "the observer prints the total of all orders, which cannot show whether one of them \
             was credited"
                .to_owned(),
        );
    };
    let one = demands.first().map_or(1.0, |first| unit.of(first.amount));
    let told = || match demands {
        [only] => format!("the order {} was {}", only.order, times(delta, one)),
        _ => format!("{} orders changed the total by {delta}", demands.len()),
    };
    if delta > most + NOISE || delta < -NOISE {
        Booked::Wrong(told())
    } else if delta < least - NOISE {
        Booked::Lost(lost_in_words(told()))
    } else {
        Booked::Right
    }
}

fn lost_in_words(told: String) -> String {
    format!("{told}, although it was acknowledged: the platform does not send it again")
}

impl Unit {
    fn of(self, amount: Option<i64>) -> f64 {
        let cents = amount.unwrap_or_default() as f64;
        match self {
            Unit::Cents => cents,
            Unit::Whole => cents / 100.0,
            Unit::Count => 1.0,
        }
    }
}

fn unit_of(delta: f64, amount: Option<i64>) -> Option<Unit> {
    let is = |unit: Unit, times: u32| {
        let one = unit.of(amount);
        one > 0.0 && !differ(delta, one * f64::from(times))
    };
    (1..=MOST_TIMES).find_map(|times| {
        [Unit::Cents, Unit::Whole, Unit::Count].into_iter().find(|unit| is(*unit, times))
    })
}

pub(super) fn differ(one: f64, other: f64) -> bool {
    (one - other).abs() > NOISE
}

fn times(delta: f64, one: f64) -> String {
    if !differ(delta, 0.0) {
        return "not credited".to_owned();
    }
    let count = delta / one;
    match one > 0.0 && !differ(count, count.round()) && count > 0.0 {
        true if !differ(count, 1.0) => "credited once".to_owned(),
        true if !differ(count, 2.0) => "credited twice".to_owned(),
        true => format!("credited {count} times"),
        false => format!("credited with {delta}; expected {one}"),
    }
}

#[cfg(test)]
mod tests;
