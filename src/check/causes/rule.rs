//! One rule from results to a cause.

use super::Finding;
use Finding::{Acknowledged, Misbooked};

pub(super) struct Rule {
    pub(super) id: &'static str,
    /// Names in braces stand for what was found.
    pub(super) title: &'static str,
    pub(super) explains: &'static str,
    /// Each of these must have been found.
    pub(super) evidence: &'static [&'static str],
    pub(super) findings: &'static [Finding],
    /// Where one of these was found, the rule does not apply.
    pub(super) unless: &'static str,
    /// Whether the reply must have, or must not have, a status of 5xx.
    pub(super) is_5xx: Option<bool>,
    /// What the summary of each case says, where that matters.
    pub(super) says: &'static str,
    /// Each case is a cause of its own.
    pub(super) is_apart: bool,
    /// Empty where the text of the first case says it.
    pub(super) why: &'static str,
    pub(super) fix: &'static str,
}

pub(super) const FORGED: &[Finding] = &[Acknowledged, Misbooked];

/// The cases of signed fields that the protocol does not name.
pub(super) const NEW_FIELDS: &str = "auth-added-field|interop-unknown-fields|interop-big-number\
                          |interop-number-text|interop-array|interop-name-order\
                          |interop-decimal-strings|interop-long-ids";

pub(super) const SIGN_ALL: &str =
    "Verify over every field that was received, known or not, apart from sign and sign_type.";

pub(super) const LOST: &str = "The platform sends it again for an hour and then gives up: the payout stays \
                    open in the merchant's books.";

pub(super) const ONCE: &str = "Keep the final status with the order, under a unique key of payout_id: book and \
                    note it in one transaction, and acknowledge what is noted already without \
                    booking it.";

pub(super) const UNBOOKED: &str = "What is acknowledged is not sent again, so the booking is lost.";

pub(super) const RULE: Rule = Rule {
    id: "",
    title: "",
    explains: "*",
    evidence: &[],
    findings: &[],
    unless: "",
    is_5xx: None,
    says: "",
    is_apart: false,
    why: "",
    fix: "",
};
