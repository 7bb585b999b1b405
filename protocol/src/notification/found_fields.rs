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

/// Where the documented fields are in payloads with the same names in the same order: most of one
/// source have the same.
#[derive(Debug, Default)]
pub struct KnownFields {
    /// The id of the names.
    of: Option<u64>,
    places: [Option<u32>; FIELDS],
}

impl KnownFields {
    pub(super) fn find<'p, 'a>(&mut self, payload: &'p Payload<'a>) -> FoundFields<'p, 'a> {
        let id = payload.names_id();
        if id.is_none() || id != self.of {
            let (names, places) = &*BY_NAME;
            for (place, found) in places.iter().zip(payload.places_of(names)) {
                self.places[*place] = found;
            }
            self.of = id;
        }
        FoundFields(self.places.map(|place| payload.members().get(place? as usize)))
    }
}

impl<'p, 'a> FoundFields<'p, 'a> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::notification::findings;
    use crate::payload::sources::one_after_another;
    use crate::status::StatusTable;

    #[test]
    fn what_is_known_of_the_names_before_changes_no_finding() {
        let names = ["payout_id", "payment_id", "platform_id", "amount", "status", "fee", "memo"];
        let values = ["1", "\"\"", "null", "\"x\"", "3", "1.5", "-2"];
        let (layout, statuses) = (&Dialect::platform().layout, StatusTable::PLATFORM);
        let mut known = KnownFields::default();
        one_after_another(&names, &values, |payload, alone| {
            for expectation in [Expectation::Notification, Expectation::AnyPayload] {
                assert_eq!(
                    known.reader(payload, layout, &statuses).findings(expectation),
                    findings(alone, expectation, layout, &statuses),
                    "{}",
                    alone.text()
                );
            }
        });
    }
}
