//! The status numbers of payouts and deposits, which differ.
//!
//! Source: the protocol's section 4.

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
        let statuses: &[Status] = match kind {
            Kind::Deposit => &DEPOSIT_STATUSES,
            Kind::Payout | Kind::Other => &PAYOUT_STATUSES,
        };
        statuses.iter().find(|status| i64::from(status.code) == code).copied()
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
