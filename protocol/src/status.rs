//! The status numbers of payouts and deposits, which differ.
//!
//! Source: the protocol's section 4. Which numbers mean which payout status varies by deployment,
//! so the payouts' numbers are a table that a person may change; the deposits' are fixed.

use crate::untrusted::Untrusted;

/// Which of the two sibling notifications a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A withdrawal ended.
    Payout,
    /// A deposit ended; it has its own ids and its own status numbers.
    Deposit,
    /// Neither: a request, a reply, or something else that is signed.
    Other,
}

/// A payout's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The platform's number.
    pub code: u8,
    /// Its name.
    pub name: &'static str,
    /// Whether the order ends with it.
    pub is_final: bool,
}

const PAYOUT_STATUSES: [Status; 7] = [
    Status { code: 0, name: "scheduled", is_final: false },
    Status { code: 1, name: "pending", is_final: false },
    Status { code: 2, name: "processing", is_final: false },
    Status { code: 3, name: "success", is_final: true },
    Status { code: 4, name: "cancelled", is_final: true },
    Status { code: 5, name: "failed", is_final: true },
    Status { code: 6, name: "under review", is_final: false },
];

const DEPOSIT_STATUSES: [Status; 5] = [
    Status { code: 0, name: "pending", is_final: false },
    Status { code: 1, name: "processing", is_final: false },
    Status { code: 2, name: "success", is_final: true },
    Status { code: 3, name: "cancelled", is_final: true },
    Status { code: 4, name: "failed", is_final: true },
];

impl Status {
    /// The status with this number; `None` where the platform has no such number.
    ///
    /// Source: the protocol's section 4; the two notifications differ.
    #[must_use]
    pub fn of(kind: Kind, code: i64) -> Option<Status> {
        StatusTable::PLATFORM.status(kind, code)
    }

    /// The payout status of this name.
    #[must_use]
    pub fn payout_by_name(name: &str) -> Option<Status> {
        PAYOUT_STATUSES.into_iter().find(|status| status.name.eq_ignore_ascii_case(name))
    }

    /// The names of all payout statuses.
    #[must_use]
    pub fn payout_names() -> [&'static str; 7] {
        PAYOUT_STATUSES.map(|status| status.name)
    }
}

const PAYOUTS: usize = PAYOUT_STATUSES.len();

/// The numbers of a deployment's payout statuses; unless told otherwise the platform's.
///
/// Every status has one number, and no two have the same.
///
/// ```
/// use payout_notify_protocol::{Kind, StatusTable};
///
/// let swapped = StatusTable::try_new([(4, "failed"), (5, "cancelled")])?;
/// assert_eq!(swapped.status(Kind::Payout, 4).map(|status| status.name), Some("failed"));
/// assert_eq!(swapped.status(Kind::Payout, 3).map(|status| status.name), Some("success"));
/// assert!(StatusTable::try_new([(4, "failed")]).is_err());
/// # Ok::<(), payout_notify_protocol::StatusTableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "dialect-files", derive(serde::Serialize, serde::Deserialize))]
pub struct StatusTable {
    codes: [u8; PAYOUTS],
}

/// Why numbers and names make no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusTableError {
    /// No payout status has this name.
    #[error("there is no status {:?}", Untrusted::new(.0))]
    UnknownName(String),
    /// A number is given twice.
    #[error("the status {0} is named twice")]
    NumberTwice(u8),
    /// A name is given twice.
    #[error("{0} has two numbers")]
    NameTwice(&'static str),
    /// A number of the platform's list is given away, and its holder has no other.
    #[error("{code} is the number of {holder:?}: give that another one")]
    Taken {
        /// The number.
        code: u8,
        /// The status that has it by the platform's list.
        holder: &'static str,
    },
}

impl Default for StatusTable {
    fn default() -> Self {
        StatusTable::PLATFORM
    }
}

impl StatusTable {
    /// The platform's list.
    pub const PLATFORM: StatusTable = StatusTable { codes: [0, 1, 2, 3, 4, 5, 6] };

    /// The platform's list with other numbers for some of its names.
    ///
    /// # Errors
    /// A name that there is not, a name or a number twice, and a number that would then stand for
    /// two statuses.
    pub fn try_new<'n>(
        numbers: impl IntoIterator<Item = (u8, &'n str)>,
    ) -> Result<StatusTable, StatusTableError> {
        let mut given: [Option<u8>; PAYOUTS] = [None; PAYOUTS];
        for (code, name) in numbers {
            let at = PAYOUT_STATUSES.iter().position(|known| known.name.eq_ignore_ascii_case(name));
            let at = at.ok_or_else(|| StatusTableError::UnknownName(name.to_owned()))?;
            if given.contains(&Some(code)) {
                return Err(StatusTableError::NumberTwice(code));
            }
            if given[at].replace(code).is_some() {
                return Err(StatusTableError::NameTwice(PAYOUT_STATUSES[at].name));
            }
        }
        for (status, own) in PAYOUT_STATUSES.iter().zip(given) {
            if own.is_none() && given.contains(&Some(status.code)) {
                let (code, holder) = (status.code, status.name);
                return Err(StatusTableError::Taken { code, holder });
            }
        }
        let mut codes = StatusTable::PLATFORM.codes;
        for (code, given) in codes.iter_mut().zip(given) {
            *code = given.unwrap_or(*code);
        }
        Ok(StatusTable { codes })
    }

    /// The status with this number; `None` where there is no such number.
    #[must_use]
    pub fn status(&self, kind: Kind, code: i64) -> Option<Status> {
        let is_it = |status: &Status| i64::from(status.code) == code;
        match kind {
            Kind::Deposit => DEPOSIT_STATUSES.into_iter().find(is_it),
            Kind::Payout | Kind::Other => self.payouts().find(is_it),
        }
    }

    /// The payout statuses with their numbers here, in the order of the platform's list.
    pub fn payouts(&self) -> impl Iterator<Item = Status> + use<> {
        let numbered = |(status, code)| Status { code, ..status };
        PAYOUT_STATUSES.into_iter().zip(self.codes).map(numbered)
    }

    /// The number of a payout that is in flight.
    #[must_use]
    pub fn processing(&self) -> i64 {
        self.codes[2].into()
    }

    /// The number of a payout that arrived.
    #[must_use]
    pub fn success(&self) -> i64 {
        self.codes[3].into()
    }

    /// The number of a payout that was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> i64 {
        self.codes[4].into()
    }

    /// The number of a payout that failed.
    #[must_use]
    pub fn failed(&self) -> i64 {
        self.codes[5].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_table_is_its_list() {
        let codes = PAYOUT_STATUSES.map(|status| status.code);
        assert_eq!(StatusTable::PLATFORM.codes, codes);
        let table = StatusTable::PLATFORM;
        let named = [
            ("processing", table.processing()),
            ("success", table.success()),
            ("cancelled", table.cancelled()),
            ("failed", table.failed()),
        ];
        for (name, code) in named {
            assert_eq!(Status::of(Kind::Payout, code).map(|status| status.name), Some(name));
        }
    }

    #[test]
    fn a_number_moves_with_its_name_and_deposits_stay() {
        let table = StatusTable::try_new([(9, "failed"), (5, "Cancelled")]).unwrap();
        let name = |kind, code| table.status(kind, code).map(|status| status.name);
        assert_eq!((table.failed(), table.cancelled(), table.success()), (9, 5, 3));
        assert_eq!(name(Kind::Payout, 5), Some("cancelled"));
        assert_eq!(name(Kind::Payout, 4), None);
        assert_eq!(name(Kind::Deposit, 4), Some("failed"));
        assert!(table.status(Kind::Payout, 9).unwrap().is_final);
    }

    #[test]
    fn no_number_stands_for_two() {
        use StatusTableError::{NameTwice, NumberTwice, Taken, UnknownName};
        for (numbers, error) in [
            (&[(4, "faild")][..], UnknownName("faild".into())),
            (&[(4, "failed"), (4, "cancelled")], NumberTwice(4)),
            (&[(8, "failed"), (9, "failed")], NameTwice("failed")),
            (&[(4, "failed")], Taken { code: 4, holder: "cancelled" }),
        ] {
            assert_eq!(StatusTable::try_new(numbers.iter().copied()), Err(error));
        }
    }

    #[test]
    fn each_number_has_its_name_and_its_end() {
        let payouts = [
            (-1, None),
            (0, Some(("scheduled", false))),
            (1, Some(("pending", false))),
            (2, Some(("processing", false))),
            (3, Some(("success", true))),
            (4, Some(("cancelled", true))),
            (5, Some(("failed", true))),
            (6, Some(("under review", false))),
            (7, None),
            (256, None),
            (259, None),
            (i64::MIN, None),
        ];
        let deposits = [
            (-1, None),
            (0, Some(("pending", false))),
            (1, Some(("processing", false))),
            (2, Some(("success", true))),
            (3, Some(("cancelled", true))),
            (4, Some(("failed", true))),
            (5, None),
            (258, None),
        ];
        let found =
            |kind, code| Status::of(kind, code).map(|status| (status.name, status.is_final));
        for (code, expected) in payouts {
            assert_eq!(found(Kind::Payout, code), expected, "{code}");
            assert_eq!(found(Kind::Other, code), expected, "{code}");
        }
        for (code, expected) in deposits {
            assert_eq!(found(Kind::Deposit, code), expected, "{code}");
        }
    }

    #[test]
    fn payout_names_are_found_in_any_case() {
        for (code, name) in (0..).zip(Status::payout_names()) {
            for name in [name.to_owned(), name.to_uppercase()] {
                let found = Status::payout_by_name(&name).map(|status| status.code);
                assert_eq!(found, Some(code), "{name}");
            }
        }
        for name in ["", "succes", "success ", "under_review"] {
            assert_eq!(Status::payout_by_name(name), None, "{name}");
        }
    }

    #[test]
    fn every_named_number_moves() {
        let names = Status::payout_names();
        let moved = (10..).zip(names).collect::<Vec<(u8, &str)>>();
        let table = StatusTable::try_new(moved).unwrap();
        assert_eq!(
            (table.processing(), table.success(), table.cancelled(), table.failed()),
            (12, 13, 14, 15)
        );
        assert_eq!(StatusTable::try_new([]), Ok(StatusTable::default()));
        assert_eq!(StatusTable::try_new([(3, "success")]), Ok(StatusTable::PLATFORM));
    }

    #[test]
    fn each_named_number_is_the_tables() {
        let own = StatusTable::try_new([
            (12, "processing"),
            (13, "success"),
            (14, "cancelled"),
            (15, "failed"),
        ])
        .unwrap();
        for (table, first) in [(StatusTable::PLATFORM, 2), (own, 12)] {
            let numbers = [table.processing(), table.success(), table.cancelled(), table.failed()];
            assert_eq!(numbers, [first, first + 1, first + 2, first + 3]);
            let names = numbers.map(|code| table.status(Kind::Payout, code).unwrap().name);
            assert_eq!(names, ["processing", "success", "cancelled", "failed"]);
        }
    }
}
