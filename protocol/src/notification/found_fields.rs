//! The documented fields of a payload, looked up once.

use std::array;
use std::sync::LazyLock;

use super::{COMMON_FIELDS, DEPOSIT_IDS, Expectation, Field, PAYOUT_IDS, ids};
use crate::payload::{Member, Payload, RankedName};
use crate::status::Kind;

/// Names that a payload must share with a notification before its gaps are called gaps.
const LIKENESS: usize = 5;

/// The fields of the typed view, as a payout has them.
pub(super) const VIEWED: [&str; 6] =
    ["payout_id", "payout_cl_id", "platform_id", "amount", "status", "update_time"];

const FIELDS: usize = PAYOUT_IDS.len() + DEPOSIT_IDS.len() + COMMON_FIELDS.len();

/// The documented fields of both kinds by name, with their places in the documented order.
static BY_NAME: LazyLock<([RankedName; FIELDS], [usize; FIELDS])> = LazyLock::new(|| {
    let all = || PAYOUT_IDS.iter().chain(&DEPOSIT_IDS).chain(&COMMON_FIELDS);
    let mut places = array::from_fn(|place| place);
    let names: Vec<RankedName> = all().map(|field| RankedName::new(field.name)).collect();
    places.sort_unstable_by_key(|place| names[*place]);
    (places.map(|place| names[place]), places)
});

/// The documented fields that a payload has, in the documented order: payouts' ids, deposits', and what
/// both have.
pub(super) struct FoundFields<'p, 'a>([Option<&'p Member<'a>>; FIELDS]);

impl<'p, 'a> FoundFields<'p, 'a> {
    pub(super) fn of(payload: &'p Payload<'a>) -> Self {
        let (names, places) = &*BY_NAME;
        let mut found = [None; FIELDS];
        for (place, member) in places.iter().zip(payload.find_all(names)) {
            found[*place] = member;
        }
        FoundFields(found)
    }

    fn with(
        &self,
        fields: &'static [Field],
        from: usize,
    ) -> impl Iterator<Item = (&'static Field, Option<&'p Member<'a>>)> {
        fields.iter().zip(self.0[from..].iter().copied())
    }

    pub(super) fn ids(
        &self,
        kind: Kind,
    ) -> impl Iterator<Item = (&'static Field, Option<&'p Member<'a>>)> {
        self.with(ids(kind), if kind == Kind::Deposit { PAYOUT_IDS.len() } else { 0 })
    }

    pub(super) fn common(&self) -> impl Iterator<Item = (&'static Field, Option<&'p Member<'a>>)> {
        self.with(&COMMON_FIELDS, FIELDS - COMMON_FIELDS.len())
    }

    /// The fields of the typed view, in the order of [`VIEWED`].
    pub(super) fn viewed(&self, kind: Kind) -> [Option<&'p Member<'a>>; VIEWED.len()] {
        let [payout_id, payout_cl_id, payment_id, payment_cl_id, _, common @ ..] = self.0;
        let [platform_id, amount, _, _, status, _, update_time, ..] = common;
        let (id, cl_id) = match kind {
            Kind::Deposit => (payment_id, payment_cl_id),
            Kind::Payout | Kind::Other => (payout_id, payout_cl_id),
        };
        [id, cl_id, platform_id, amount, status, update_time]
    }

    /// `create_time` and `update_time`.
    pub(super) fn times(&self) -> [Option<&'p Member<'a>>; 2] {
        let [.., created, updated, _, _, _] = self.0;
        [created, updated]
    }

    pub(super) fn kind(&self, expectation: Expectation) -> Kind {
        let is_named =
            |(field, member): &(&Field, Option<_>)| field.missing.is_some() && member.is_some();
        let ids = |kind| self.ids(kind).filter(is_named).count();
        let (payout, deposit) = (ids(Kind::Payout), ids(Kind::Deposit));
        let common = self.common().filter(is_named).count();
        if deposit > payout && deposit + common >= LIKENESS {
            Kind::Deposit
        } else if expectation == Expectation::Notification || payout + common >= LIKENESS {
            Kind::Payout
        } else {
            Kind::Other
        }
    }
}
