//! What the books may show of an order: one rule, from what was sent and what was acknowledged.
//!
//! The first final status that an order's endpoint acknowledges decides, and stands: the books show
//! that status, once. A final status that was not acknowledged may be booked or not, since the
//! platform sends it again. A forged notification moves nothing, and so does a status that is not
//! final.

use super::case::{Effect, Message};
use super::trial::Parcel;

/// What a notification reports of its order, as far as money is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is final yet.
    #[default]
    Open,
    Success,
    /// The payout failed or was cancelled: the customer gets the money back.
    Failure,
    /// The status cannot be read.
    Unknown,
}

/// An order as the merchant may look it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderRef {
    pub(super) id: String,
    pub(super) client_id: String,
    /// In cents.
    pub(super) amount: Option<i64>,
}

impl OrderRef {
    /// What a command that works on the order gets in its environment.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PAYOUT_CHECK_ORDER", self.id.clone()),
            ("PAYOUT_CHECK_CLIENT_ID", self.client_id.clone()),
            ("PAYOUT_CHECK_AMOUNT", self.amount.unwrap_or_default().to_string()),
        ]
    }
}

impl From<&Message> for OrderRef {
    fn from(message: &Message) -> OrderRef {
        OrderRef {
            id: message.order_id.clone(),
            client_id: message.client_id.clone(),
            amount: message.amount_cents,
        }
    }
}

/// Which movements of the books are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) nothing: bool,
    pub(super) success: bool,
    pub(super) failure: bool,
}

impl Allowed {
    const NOTHING: Allowed = Allowed { nothing: true, success: false, failure: false };

    fn add(&mut self, outcome: Outcome) {
        self.success |= matches!(outcome, Outcome::Success | Outcome::Unknown);
        self.failure |= matches!(outcome, Outcome::Failure | Outcome::Unknown);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) order: OrderRef,
    pub(super) allowed: Allowed,
    pub(super) is_company: bool,
}

/// What the books may show of each order of a case; empty where the case does not restrict it.
///
/// `acknowledged` has one entry per parcel that was sent.
pub(super) fn demands(effect: Effect, parcels: &[Parcel], acknowledged: &[bool]) -> Vec<Demand> {
    if effect == Effect::Any {
        return Vec::new();
    }
    let mut demands: Vec<Demand> = Vec::new();
    for parcel in parcels {
        let order = &parcel.message.order_id;
        if order.is_empty() || demands.iter().any(|known| known.order.id == *order) {
            continue;
        }
        let own: Vec<&Parcel> =
            parcels.iter().filter(|one| one.message.order_id == *order).collect();
        let sent = parcels.iter().zip(acknowledged);
        let sent = sent.filter(|(one, _)| one.message.order_id == *order);
        let mut allowed = allowed(effect, sent);
        // A case that says that nothing is booked, with nothing forged in it.
        if effect == Effect::None && !parcels.iter().any(Parcel::is_bad) {
            allowed.nothing |= allowed.success;
            allowed.success = false;
        }
        // What is to be refused may carry another amount than the order's.
        let (bad, good): (Vec<&Parcel>, Vec<&Parcel>) =
            own.into_iter().partition(|one| one.is_bad());
        let amount = good.iter().chain(&bad).find_map(|one| one.message.amount_cents);
        let order = OrderRef { amount, ..(&parcel.message).into() };
        demands.push(Demand { order, allowed, is_company: parcel.is_company });
    }
    demands
}

fn allowed<'a>(effect: Effect, sent: impl Iterator<Item = (&'a Parcel, &'a bool)>) -> Allowed {
    let is_optional = effect == Effect::AtMostOnce;
    let mut allowed = Allowed::NOTHING;
    for (parcel, is_acknowledged) in sent {
        // What should be refused and may be booked all the same: nothing in it is forged.
        if parcel.is_bad() && !is_optional || parcel.books == Outcome::Open {
            continue;
        }
        allowed.add(parcel.books);
        if *is_acknowledged && !parcel.is_bad() {
            allowed.nothing = is_optional || parcel.books == Outcome::Unknown;
            // Of two that are sent together either may come first.
            if !parcel.with_next {
                break;
            }
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::case::{Expect, Manner};
    use Outcome::{Failure, Open, Success, Unknown};

    const GOOD: Expect = Expect::Acknowledged;
    const BAD: Expect = Expect::NotAcknowledged;

    fn parcel((order, books, expect): (&str, Outcome, Expect)) -> Parcel {
        Parcel {
            label: String::new(),
            message: Message {
                method: "POST".to_owned(),
                headers: Vec::new(),
                query: String::new(),
                body: Vec::new(),
                order_id: order.to_owned(),
                client_id: String::new(),
                amount_cents: Some(12_345),
                signed_status: None,
            },
            manner: Manner::Plain,
            at_once: 1,
            with_next: false,
            is_company: false,
            after: Duration::ZERO,
            expect,
            books,
        }
    }

    /// What is allowed, as letters: `-` for nothing, `s` for a success, `f` for a failure.
    fn shown(effect: Effect, sent: &[(&str, Outcome, Expect)], acknowledged: &[bool]) -> String {
        let parcels: Vec<Parcel> = sent.iter().copied().map(parcel).collect();
        let demands = demands(effect, &parcels, acknowledged);
        let letters = |one: &Demand| {
            let Allowed { nothing, success, failure } = one.allowed;
            [(nothing, '-'), (success, 's'), (failure, 'f')]
                .into_iter()
                .filter_map(|(is_allowed, letter)| is_allowed.then_some(letter))
                .collect()
        };
        demands.iter().map(letters).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn the_first_acknowledged_final_status_decides() {
        let once = |sent: &[(&str, Outcome, Expect)], acknowledged: &[bool]| {
            shown(Effect::Once, sent, acknowledged)
        };
        let (success, failure) = (("a", Success, GOOD), ("a", Failure, GOOD));
        let open = ("a", Open, GOOD);
        assert_eq!(once(&[success], &[true]), "s");
        assert_eq!(once(&[failure], &[true]), "f");
        assert_eq!(once(&[success], &[false]), "-s");
        assert_eq!(once(&[success], &[]), "-");
        assert_eq!(once(&[success, success], &[true, true]), "s");
        assert_eq!(once(&[success, failure], &[true, true]), "s");
        assert_eq!(once(&[failure, success], &[true, true]), "f");
        // A failure that got no acknowledgement may have been booked all the same.
        assert_eq!(once(&[failure, success], &[false, true]), "sf");
        assert_eq!(once(&[open], &[true]), "-");
        assert_eq!(once(&[open, success, open], &[true, true, true]), "s");
        assert_eq!(once(&[("a", Unknown, GOOD)], &[true]), "-sf");
    }

    #[test]
    fn what_is_forged_moves_nothing() {
        let (forged, good) = (("a", Success, BAD), ("a", Success, GOOD));
        let other = ("b", Success, BAD);
        assert_eq!(shown(Effect::Once, &[forged], &[true]), "-");
        assert_eq!(shown(Effect::Once, &[forged, good], &[true, true]), "s");
        assert_eq!(shown(Effect::Once, &[good, other], &[true, true]), "s -");
        assert_eq!(shown(Effect::AtMostOnce, &[forged], &[true]), "-s");
        assert_eq!(shown(Effect::AtMostOnce, &[good, good], &[true, true]), "-s");
    }

    #[test]
    fn a_case_of_ones_own_may_say_that_nothing_is_booked() {
        let good = ("a", Success, GOOD);
        assert_eq!(shown(Effect::Any, &[good], &[true]), "");
        assert_eq!(shown(Effect::None, &[good], &[true]), "-");
        assert_eq!(shown(Effect::None, &[("a", Failure, GOOD)], &[true]), "f");
        assert_eq!(shown(Effect::None, &[good, ("b", Success, BAD)], &[true, true]), "s -");
    }
}
