//! What must be true of a merchant's books whatever happened: from what was sent, what came back and
//! what the observer shows to the laws that are broken. Pure.

use crate::check::books::{Amounts, Booked, Books, differ, is_same};
use crate::check::case::Effect;
use crate::check::demand::{Allowed, Demand, Outcome, demands};
use crate::check::report::Finding;
use crate::check::trial::Parcel;
use crate::mask::Untrusted;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    AcknowledgedIsBooked,
    BookedOnce,
    RefundedOnce,
    FinalStands,
    ForgedChangesNothing,
    EveryOrderEnds,
    StaysUp,
}

impl Law {
    pub const ALL: [Law; 7] = [
        Law::AcknowledgedIsBooked,
        Law::BookedOnce,
        Law::RefundedOnce,
        Law::FinalStands,
        Law::ForgedChangesNothing,
        Law::EveryOrderEnds,
        Law::StaysUp,
    ];

    /// Its name, as a case of the group explore.
    pub fn id(self) -> &'static str {
        [
            "acknowledged-is-booked",
            "booked-once",
            "refunded-once",
            "final-status-stands",
            "forged-changes-nothing",
            "every-order-ends",
            "stays-up",
        ][self as usize]
    }

    pub fn title(self) -> &'static str {
        [
            "what was acknowledged is booked",
            "an order is booked at most once, and by the signed amount",
            "an order is refunded at most once, and never together with a credit",
            "a final status stands",
            "a forged notification changes nothing",
            "after the platform's schedule every order was acknowledged, or refused for a stated reason",
            "the merchant stays up, and comes up again",
        ][self as usize]
    }

    /// What breaking it costs.
    pub fn why(self) -> &'static str {
        [
            "The platform never sends again what was acknowledged: the order stays unbooked for ever.",
            "Money is booked that was never paid.",
            "The customer gets the money back twice, or keeps it although the payout succeeded.",
            "A later notification turns over what was final, so the books depend on what arrives last.",
            "Anyone who knows the URL can change the books.",
            "The platform gives up after its last attempt, and the order stays open for ever.",
            "While it is down nothing is booked, and every notification waits for a retry.",
        ][self as usize]
    }

    pub fn fix(self) -> &'static str {
        [
            "Commit the booking (and wait for the disk) before the reply is sent.",
            "Record the order's id and the booking in one transaction, with a unique key on the id.",
            "Record the refund and the order's final status in one transaction, under a lock on the order or a unique key.",
            "Set a final status only where none is set, in the same statement that books: UPDATE … WHERE status = 'open'.",
            "Verify the signature before anything is read, written or remembered.",
            "Make the handler repeatable: what a crash left half done (a lock, a claim, a queue) must be taken up again by the next attempt.",
            "Answer every request, whatever it holds, and start again from whatever a crash left on the disk.",
        ][self as usize]
    }

    pub(super) fn finding(self) -> Finding {
        match self {
            Law::AcknowledgedIsBooked => Finding::NotBooked,
            Law::EveryOrderEnds => Finding::Refused,
            Law::StaysUp => Finding::Broken,
            _ => Finding::Misbooked,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub law: Law,
    pub what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Acknowledged,
    /// Not acknowledged, with a reply that says so in order.
    Refused,
    /// The merchant failed, or no reply came.
    None,
}

/// A notification as it was sent, and what came back.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) parcel: Parcel,
    pub(super) answer: Answer,
    /// Those with the same number were in flight together.
    pub(super) group: usize,
}

/// What the books may show of each order of a history.
pub(super) fn demands_of(record: &[Entry]) -> Vec<Demand> {
    let is_together = |index: usize| {
        let Entry { parcel, group, .. } = &record[index];
        let id = &parcel.message.order_id;
        let mut later = record[index + 1..].iter().take_while(|one| one.group == *group);
        later.any(|one| one.parcel.message.order_id == *id)
    };
    let parcels: Vec<Parcel> = (0..record.len())
        .map(|at| Parcel { with_next: is_together(at), ..record[at].parcel.clone() })
        .collect();
    let acknowledged: Vec<bool> =
        record.iter().map(|one| one.answer == Answer::Acknowledged).collect();
    demands(Effect::Once, &parcels, &acknowledged)
}

/// What an order's movement of the books breaks; `None` where it is right.
pub(super) fn broken(
    books: &Books,
    demand: &Demand,
    delta: &Amounts,
    record: &[Entry],
) -> Option<Violation> {
    let what = match books.compare_each(std::slice::from_ref(demand), std::slice::from_ref(delta)) {
        Booked::Right | Booked::Unseen(_) => return None,
        Booked::Lost(what) => return Some(Violation { law: Law::AcknowledgedIsBooked, what }),
        Booked::Wrong(what) => what,
    };
    let own = || record.iter().filter(|one| one.parcel.message.order_id == demand.order.id);
    let by = |outcome: Outcome, amount| {
        let success = outcome == Outcome::Success;
        let allowed = Allowed { nothing: false, success, failure: !success };
        books.allowed(allowed, amount).first().copied().unwrap_or_default()
    };
    let amount = demand.order.amount;
    let [success, failure] = [Outcome::Success, Outcome::Failure].map(|one| by(one, amount));
    let both = [success[0] + failure[0], success[1] + failure[1]];
    let is_of_forged = |one: &Entry| {
        one.parcel.is_bad()
            && one.parcel.message.amount_cents != amount
            && is_same(&by(one.parcel.books, one.parcel.message.amount_cents), delta)
    };
    let is_moved = |one: &Amounts| one.iter().any(|amount| differ(*amount, 0.0));
    let is_other = |one: &Amounts, is_allowed: bool| {
        !is_allowed && is_moved(one) && is_same(one, delta)
    };
    let allowed = demand.allowed;
    let law = if own().all(|one| one.parcel.is_bad()) || own().any(is_of_forged) {
        Law::ForgedChangesNothing
    } else if is_moved(&success) && is_moved(&failure) && is_same(&both, delta) {
        Law::RefundedOnce
    } else if is_other(&success, allowed.success) || is_other(&failure, allowed.failure) {
        Law::FinalStands
    } else if !allowed.success && allowed.failure {
        Law::RefundedOnce
    } else {
        Law::BookedOnce
    };
    Some(Violation { law, what })
}

/// The orders that the platform gave up: none of their final notifications was acknowledged.
///
/// A refusal for a stated reason ends an order too, except where the merchant takes the same
/// notification of other orders and nothing contradicts it: then only what happened before can be
/// the reason.
pub(super) fn unended(record: &[Entry], takes: &dyn Fn(&Parcel) -> bool) -> Vec<Violation> {
    let is_final = |one: &&Entry| {
        !one.parcel.is_bad() && matches!(one.parcel.books, Outcome::Success | Outcome::Failure)
    };
    let finals: Vec<&Entry> = record.iter().filter(is_final).collect();
    let mut ids: Vec<&str> =
        finals.iter().map(|one| one.parcel.message.order_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let unended = |id: &str| {
        let own: Vec<&&Entry> =
            finals.iter().filter(|one| one.parcel.message.order_id == id).collect();
        let last = own.last()?;
        let is_contradicted = own.iter().any(|one| one.parcel.books != last.parcel.books);
        let why = match last.answer {
            _ if own.iter().any(|one| one.answer == Answer::Acknowledged) => return None,
            Answer::Refused if is_contradicted || !takes(&last.parcel) => return None,
            Answer::Refused => "refused to the end of the platform's schedule, although the same of other orders is acknowledged",
            _ => "never answered in order, to the end of the platform's schedule",
        };
        let what = format!("the order {} was {why}", Untrusted::new(id));
        Some(Violation { law: Law::EveryOrderEnds, what })
    };
    ids.into_iter().filter_map(unended).collect()
}
