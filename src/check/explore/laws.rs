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

    /// Whether a flaw that broke this law may break the other instead, where less is sent.
    pub fn may_show_as(self, other: Law) -> bool {
        let is_of_books = |law| {
            matches!(
                law,
                Law::AcknowledgedIsBooked | Law::BookedOnce | Law::RefundedOnce | Law::FinalStands
            )
        };
        // What ends the merchant explains the order that never ends, and not the reverse.
        self == other
            || is_of_books(self) && is_of_books(other)
            || (self, other) == (Law::EveryOrderEnds, Law::StaysUp)
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
pub(super) enum ReplyKind {
    Acknowledged,
    /// Not acknowledged, with a reply that says so in order.
    Refused,
    /// The merchant failed, or no reply came.
    None,
}

/// A notification as it was sent, and what came back.
#[derive(Clone, Debug)]
pub(super) struct LawEntry {
    pub(super) parcel: Parcel,
    pub(super) answer: ReplyKind,
    /// Those with the same number were in flight together.
    pub(super) group: usize,
}

/// What the books may show of each order of a history.
pub(super) fn demands_of(record: &[LawEntry]) -> Vec<Demand> {
    let is_together = |index: usize| {
        let LawEntry { parcel, group, .. } = &record[index];
        let id = &parcel.message.order_id;
        let mut later = record[index + 1..].iter().take_while(|one| one.group == *group);
        later.any(|one| one.parcel.message.order_id == *id)
    };
    let parcels: Vec<Parcel> = (0..record.len())
        .map(|at| Parcel { with_next: is_together(at), ..record[at].parcel.clone() })
        .collect();
    let acknowledged: Vec<bool> =
        record.iter().map(|one| one.answer == ReplyKind::Acknowledged).collect();
    demands(Effect::Once, &parcels, &acknowledged)
}

/// What an order's movement of the books breaks; `None` where it is right.
pub(super) fn broken(
    books: &Books,
    demand: &Demand,
    delta: &Amounts,
    record: &[LawEntry],
) -> Option<Violation> {
    let booked = books.compare_each(std::slice::from_ref(demand), std::slice::from_ref(delta));
    let (is_lost, what) = match booked {
        Booked::Right | Booked::Unseen(_) => return None,
        Booked::Lost(what) => (true, what),
        Booked::Wrong(what) => (false, what),
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
    let is_of_forged = |one: &LawEntry| {
        one.parcel.is_bad()
            && one.parcel.message.amount_cents != amount
            && is_same(&by(one.parcel.books, one.parcel.message.amount_cents), delta)
    };
    let is_moved = |one: &Amounts| one.iter().any(|amount| differ(*amount, 0.0));
    let is_other =
        |one: &Amounts, is_allowed: bool| !is_allowed && is_moved(one) && is_same(one, delta);
    let allowed = demand.allowed;
    let law = if own().all(|one| one.parcel.is_bad()) || own().any(is_of_forged) {
        Law::ForgedChangesNothing
    } else if is_lost {
        Law::AcknowledgedIsBooked
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
pub(super) fn unended(record: &[LawEntry], takes: &dyn Fn(&Parcel) -> bool) -> Vec<Violation> {
    let is_final = |one: &&LawEntry| {
        !one.parcel.is_bad() && matches!(one.parcel.books, Outcome::Success | Outcome::Failure)
    };
    let finals: Vec<&LawEntry> = record.iter().filter(is_final).collect();
    let mut ids: Vec<&str> =
        finals.iter().map(|one| one.parcel.message.order_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let unended = |id: &str| {
        let own: Vec<&&LawEntry> =
            finals.iter().filter(|one| one.parcel.message.order_id == id).collect();
        let last = own.last()?;
        let is_contradicted = own.iter().any(|one| one.parcel.books != last.parcel.books);
        let why = match last.answer {
            _ if own.iter().any(|one| one.answer == ReplyKind::Acknowledged) => return None,
            ReplyKind::Refused if is_contradicted || !takes(&last.parcel) => return None,
            ReplyKind::Refused => {
                "refused to the end of the platform's schedule, although the same of other orders is acknowledged"
            }
            _ => "never answered in order, to the end of the platform's schedule",
        };
        let what = format!("the order {} was {why}", Untrusted::new(id));
        Some(Violation { law: Law::EveryOrderEnds, what })
    };
    ids.into_iter().filter_map(unended).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::books::Step;
    use crate::check::case::{Expect, Manner, Message};
    use Outcome::{Failure, Success};
    use ReplyKind::{Acknowledged, None as Silent, Refused};

    const AMOUNT: i64 = 12_345;
    const A: f64 = 12_345.0;

    fn entry(order: &str, books: Outcome, answer: ReplyKind, group: usize) -> LawEntry {
        let message = Message {
            method: "POST".to_owned(),
            headers: Vec::new(),
            query: String::new(),
            body: Vec::new(),
            order_id: order.to_owned(),
            client_id: String::new(),
            amount_cents: Some(AMOUNT),
            signed_status: None,
        };
        let parcel = Parcel {
            label: String::new(),
            message,
            manner: Manner::Plain,
            at_once: 1,
            with_next: false,
            is_company: false,
            after: Duration::ZERO,
            expect: Expect::Acknowledged,
            books,
        };
        LawEntry { parcel, answer, group }
    }

    fn forged(order: &str, amount: i64) -> LawEntry {
        let mut entry = entry(order, Success, Refused, 0);
        entry.parcel.expect = Expect::NotAcknowledged;
        entry.parcel.message.amount_cents = Some(amount);
        entry
    }

    fn laws(record: &[LawEntry], delta: Amounts) -> Vec<Law> {
        let step = |delta| Step { delta, amount: Some(AMOUNT) };
        let books = Books::learn(step([A, 0.0]), step([0.0, A]), true).unwrap();
        let demands = demands_of(record);
        demands
            .iter()
            .filter_map(|it| broken(&books, it, &delta, record))
            .map(|it| it.law)
            .collect()
    }

    #[test]
    fn each_movement_of_the_books_has_its_law() {
        let one = [entry("a", Success, Acknowledged, 0)];
        let silent = [entry("a", Success, Silent, 0)];
        let failed = [entry("a", Failure, Acknowledged, 0)];
        let turned = [entry("a", Success, Acknowledged, 0), entry("a", Failure, Acknowledged, 1)];
        let attacked = [entry("a", Success, Acknowledged, 0), forged("a", 777)];
        let cases: [(&[LawEntry], Amounts, &[Law]); 14] = [
            (&one, [A, 0.0], &[]),
            (&one, [0.0, 0.0], &[Law::AcknowledgedIsBooked]),
            (&one, [2.0 * A, 0.0], &[Law::BookedOnce]),
            (&one, [A, A], &[Law::RefundedOnce]),
            (&silent, [0.0, 0.0], &[]),
            (&silent, [A, 0.0], &[]),
            (&silent, [2.0 * A, 0.0], &[Law::BookedOnce]),
            (&failed, [0.0, A], &[]),
            (&failed, [0.0, 2.0 * A], &[Law::RefundedOnce]),
            (&turned, [A, 0.0], &[]),
            (&turned, [0.0, A], &[Law::FinalStands]),
            (&turned, [A, A], &[Law::RefundedOnce]),
            (&attacked, [777.0, 0.0], &[Law::ForgedChangesNothing]),
            (&[forged("a", 777)], [A, 0.0], &[Law::ForgedChangesNothing]),
        ];
        for (record, delta, expected) in cases {
            assert_eq!(laws(record, delta), expected, "{record:?} {delta:?}");
        }
    }

    #[test]
    fn of_two_in_flight_together_either_may_win() {
        let together = |groups: [usize; 2]| {
            [
                entry("a", Success, Acknowledged, groups[0]),
                entry("a", Failure, Acknowledged, groups[1]),
            ]
        };
        assert!(laws(&together([0, 0]), [0.0, A]).is_empty());
        assert_eq!(laws(&together([0, 1]), [0.0, A]), [Law::FinalStands]);
        // Another order between them does not make the later one earlier.
        let mut three = together([0, 1]).to_vec();
        three.insert(1, entry("b", Success, Acknowledged, 0));
        assert!(laws(&three, [0.0, A]).contains(&Law::FinalStands));
    }

    #[test]
    fn a_failure_stays_of_its_kind_when_it_is_cut() {
        assert!(Law::FinalStands.may_show_as(Law::AcknowledgedIsBooked));
        assert!(Law::EveryOrderEnds.may_show_as(Law::StaysUp));
        assert!(!Law::StaysUp.may_show_as(Law::EveryOrderEnds));
        assert!(!Law::BookedOnce.may_show_as(Law::EveryOrderEnds));
        assert!(!Law::ForgedChangesNothing.may_show_as(Law::BookedOnce));
        assert!(Law::ALL.into_iter().all(|law| law.may_show_as(law)));
    }

    #[test]
    fn an_order_ends_with_an_acknowledgement_or_a_stated_reason() {
        let unended = |record: &[LawEntry], takes| unended(record, &|_| takes).len();
        let order = |answer| entry("a", Success, answer, 0);
        assert_eq!(unended(&[order(Silent), order(Acknowledged)], true), 0);
        assert_eq!(unended(&[order(Silent)], true), 1);
        assert_eq!(unended(&[order(Silent), order(Refused)], true), 1);
        // A merchant may have no use for a status at all.
        assert_eq!(unended(&[order(Silent), order(Refused)], false), 0);
        let late = entry("a", Failure, Refused, 1);
        assert_eq!(unended(&[order(Silent), late.clone()], true), 0);
        assert_eq!(unended(&[order(Acknowledged), late], true), 0);
        assert_eq!(unended(&[forged("a", 7)], true), 0);
        assert_eq!(unended(&[entry("a", Outcome::Open, Silent, 0)], true), 0);
    }
}
