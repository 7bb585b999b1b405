//! How a merchant's books move: learnt from one success and one failure, and compared with what an
//! order demands.

use super::demand::{Allowed, Demand};
use super::observer::Reading;
use crate::mask::Untrusted;

/// What was credited, or the one number that an observer prints; and what was refunded.
pub(super) type Amounts = [f64; 2];

const NOISE: f64 = 1e-6;

/// The most that one booking of the calibration may have moved the books by, in units.
const MOST_TIMES: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Cents,
    Whole,
    Count,
}

/// One unit up or down.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Movement {
    unit: Unit,
    sign: f64,
}

/// How a quantity moves with a success and with a failure; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Quantity {
    success: Option<Movement>,
    failure: Option<Movement>,
}

/// How each quantity of a merchant's books moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Books {
    quantities: [Quantity; 2],
    /// The observer names what it prints.
    is_named: bool,
}

/// How one order moved the books.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) delta: Amounts,
    pub(super) amount: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Booked {
    Right,
    Lost(String),
    Wrong(String),
    Unseen(String),
}

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum LearnError {
    #[error("neither a success nor a failure changed what the observer prints")]
    Nothing,
    #[error(
        "an acknowledged order of {amount} cents changed the observer's number by {delta}; expected \
         the amount in cents, the amount in whole units, or 1"
    )]
    Odd {
        /// The order's amount in cents.
        amount: i64,
        delta: f64,
    },
}

impl Books {
    /// Learns from one success and one failure.
    ///
    /// What is named moves as its name says. A number without a name may be either, or a balance;
    /// where both statuses move it alike, a failure is booked as a success is, which is never right.
    pub(super) fn learn(success: Step, failure: Step, is_named: bool) -> Result<Books, LearnError> {
        let mut quantities = [Quantity::default(); 2];
        let mut is_moved = false;
        for (index, quantity) in quantities.iter_mut().enumerate() {
            let of = |step: Step| (step.delta[index], movement(step.delta[index], step.amount));
            let (delta, up) = of(success);
            let (other, back) = of(failure);
            is_moved |= differ(delta, 0.0) || differ(other, 0.0);
            if differ(delta, 0.0) && up.is_none() {
                return Err(LearnError::Odd { amount: success.amount.unwrap_or_default(), delta });
            }
            let is_credit = index == 0;
            *quantity = Quantity {
                success: up.filter(|_| is_credit || !is_named),
                failure: back.filter(|_| !(is_named && is_credit) && back != up),
            };
        }
        // A refund of another amount than the order's shows nothing; the unit is that of a credit.
        let [credited, refunded] = &mut quantities;
        if is_named && refunded.failure.is_none() && differ(failure.delta[1], 0.0) {
            refunded.failure = credited.success;
        }
        if is_moved { Ok(Books { quantities, is_named }) } else { Err(LearnError::Nothing) }
    }

    /// The movements that a demand allows, a success first.
    pub(super) fn allowed(&self, allowed: Allowed, amount: Option<i64>) -> Vec<Amounts> {
        let by = |movement: fn(&Quantity) -> Option<Movement>| {
            self.quantities.map(|one| movement(&one).map_or(0.0, |by| by.sign * by.unit.of(amount)))
        };
        let success = allowed.success.then(|| by(|one| one.success));
        let failure = allowed.failure.then(|| by(|one| one.failure));
        success.into_iter().chain(failure).chain(allowed.nothing.then_some([0.0; 2])).collect()
    }

    /// Compares what each order moved the books by with what it may.
    pub(super) fn compare_each(&self, demands: &[Demand], deltas: &[Amounts]) -> Booked {
        let mut lost = None;
        for (demand, delta) in demands.iter().zip(deltas) {
            let allowed = self.allowed(demand.allowed, demand.order.amount);
            if allowed.iter().any(|one| is_same(one, delta))
                || self.is_right_together(demand, demands, deltas)
            {
                continue;
            }
            let is_pending = |one: &Amounts| is_between(delta, &[0.0; 2], one);
            let found = self.describe(demand, &allowed, delta);
            if demand.allowed.nothing || !allowed.iter().any(is_pending) {
                return Booked::Wrong(found);
            }
            lost.get_or_insert_with(|| lost_in_words(&found));
        }
        lost.map_or(Booked::Right, Booked::Lost)
    }

    /// Whether orders whose ids differ in spaces alone are right as one: an observer that splits lines
    /// at spaces takes them for one.
    fn is_right_together(&self, demand: &Demand, demands: &[Demand], deltas: &[Amounts]) -> bool {
        let id = demand.order.id.trim();
        let alike = demands.iter().zip(deltas).filter(|(one, _)| one.order.id.trim() == id);
        let (mut expected, mut count) = ([0.0; 2], 0);
        for (one, _) in alike.clone() {
            let allowed = self.allowed(one.allowed, one.order.amount);
            let first = allowed.first().copied().unwrap_or_default();
            expected = [expected[0] + first[0], expected[1] + first[1]];
            count += 1;
        }
        count > 1 && alike.into_iter().any(|(_, delta)| is_same(delta, &expected))
    }

    /// The same where only the total of all orders is known.
    pub(super) fn compare_total(&self, demands: &[Demand], delta: &Amounts) -> Booked {
        let (mut least, mut most) = ([0.0; 2], [0.0; 2]);
        for demand in demands {
            let allowed = self.allowed(demand.allowed, demand.order.amount);
            for index in 0..least.len() {
                let values = allowed.iter().map(|one| one[index]);
                least[index] += values.clone().fold(f64::INFINITY, f64::min);
                most[index] += values.fold(f64::NEG_INFINITY, f64::max);
            }
        }
        if is_between(delta, &least, &most) {
            return Booked::Right;
        }
        let found = match demands {
            [only] => self.describe(only, &self.allowed(only.allowed, only.order.amount), delta),
            _ => format!("{} orders changed the total by {}", demands.len(), plain(delta)),
        };
        let outer = |index: usize| (least[index].min(0.0), most[index].max(0.0));
        let (low, high) = ([outer(0).0, outer(1).0], [outer(0).1, outer(1).1]);
        match is_between(delta, &low, &high) {
            true => Booked::Lost(lost_in_words(&found)),
            false => Booked::Wrong(found),
        }
    }

    /// What happened to an order, by the first quantity that is not as it should be.
    pub(super) fn describe(&self, demand: &Demand, allowed: &[Amounts], delta: &Amounts) -> String {
        let expected = allowed.first().copied().unwrap_or_default();
        let is_moved = |index: usize| self.is_named && differ(delta[index], 0.0);
        if is_moved(0) && is_moved(1) {
            let both = [0, 1].map(|index| self.describe_one(index, demand, delta));
            return format!(
                "the order {} was {}",
                Untrusted::new(&demand.order.id),
                both.join(" and ")
            );
        }
        let index = usize::from(!differ(delta[0], expected[0]));
        format!(
            "the order {} was {}",
            Untrusted::new(&demand.order.id),
            self.describe_one(index, demand, delta)
        )
    }

    fn describe_one(&self, index: usize, demand: &Demand, delta: &Amounts) -> String {
        let Quantity { success, failure } = self.quantities[index];
        let verb = match (success, failure) {
            _ if self.is_named => ["credited", "refunded"][index],
            (None, Some(_)) => "refunded",
            _ => "credited",
        };
        let amount = demand.order.amount;
        let unit = success.or(failure).or_else(|| movement(delta[index], amount));
        let one = unit.map_or(1.0, |by| by.sign * by.unit.of(amount));
        let is_refund = !demand.allowed.success && demand.allowed.failure;
        let hint = match is_refund && !self.is_named && !differ(delta[index], one) {
            true => {
                ", as a success is (where the number counts refunds too, print {\"credited\":…,\"refunded\":…})"
            }
            false => "",
        };
        times(verb, delta[index], one) + hint
    }

    /// In words how far the books had moved for an order.
    pub(super) fn describe_reached(&self, demand: &Demand, reached: &Amounts) -> String {
        self.describe(demand, &[], reached)
    }
}

fn lost_in_words(found: &str) -> String {
    format!("{found}, although it was acknowledged: the platform does not send it again")
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

fn movement(delta: f64, amount: Option<i64>) -> Option<Movement> {
    let is = |unit: Unit, times: u32| {
        let one = unit.of(amount);
        one > 0.0 && !differ(delta.abs(), one * f64::from(times))
    };
    let unit = (1..=MOST_TIMES).find_map(|times| {
        [Unit::Cents, Unit::Whole, Unit::Count].into_iter().find(|unit| is(*unit, times))
    })?;
    Some(Movement { unit, sign: delta.signum() })
}

pub(super) fn differ(one: f64, other: f64) -> bool {
    (one - other).abs() > NOISE
}

pub(super) fn is_same(one: &Amounts, other: &Amounts) -> bool {
    one.iter().zip(other).all(|(one, other)| !differ(*one, *other))
}

/// Whether each amount is between the two others, whichever of them is the greater.
fn is_between(amounts: &Amounts, one: &Amounts, other: &Amounts) -> bool {
    (0..amounts.len()).all(|at| {
        let (low, high) = (one[at].min(other[at]), one[at].max(other[at]));
        amounts[at] > low - NOISE && amounts[at] < high + NOISE
    })
}

pub(super) fn difference(after: &Reading, before: &Reading) -> Amounts {
    [0, 1].map(|at| after.amounts[at] - before.amounts[at])
}

fn plain(delta: &Amounts) -> String {
    match delta {
        [one, refunded] if differ(*refunded, 0.0) => format!("{one} and {refunded} refunded"),
        [one, _] => one.to_string(),
    }
}

fn times(verb: &str, delta: f64, one: f64) -> String {
    if !differ(delta, 0.0) {
        return format!("not {verb}");
    }
    let count = delta / one;
    match !differ(delta, one * count.round()) && count > 0.0 {
        true if !differ(count.round(), 1.0) => format!("{verb} once"),
        true if !differ(count.round(), 2.0) => format!("{verb} twice"),
        true => format!("{verb} {} times", count.round()),
        false => format!("{verb} with {delta}; expected {one}"),
    }
}

#[cfg(test)]
mod tests;
