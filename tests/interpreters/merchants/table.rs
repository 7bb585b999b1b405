//! Which cases each flaw must trip.

use super::flawed::Flaw;

/// What a check finds in a merchant with a flaw.
pub(crate) struct Row {
    /// The flaw.
    pub(crate) flaw: Flaw,
    /// What the endpoint is called.
    pub(crate) endpoint: &'static str,
    /// The cases that fail. A name that ends with `*` stands for all cases that begin so, of which
    /// there must be one.
    pub(crate) failed: &'static [&'static str],
    /// The cases that warn: no money moves by them.
    pub(crate) warned: &'static [&'static str],
}

const fn row(flaw: Flaw, failed: &'static [&'static str], warned: &'static [&'static str]) -> Row {
    Row { flaw, endpoint: "discerning", failed, warned }
}

const fn refusing(flaw: Flaw, failed: &'static [&'static str]) -> Row {
    Row { flaw, endpoint: "refuses-control", failed, warned: &[] }
}

pub(crate) const EXPECTED: &[Row] = &[
    row(Flaw::Sound, &[], &[]),
    Row {
        flaw: Flaw::AcceptsEverything,
        endpoint: "acknowledges-everything",
        failed: &["auth-*"],
        warned: &[],
    },
    // What is refused for its type or for a missing field does not show it.
    row(
        Flaw::StatusOnly,
        &[
            "auth-added-*",
            "auth-changed-*",
            "auth-empty-sign",
            "auth-hmac-made-up",
            "auth-last-digit",
            "auth-name-case-sign",
            "auth-no-key",
            "auth-no-sign",
            "auth-null-sign",
            "auth-old-signature",
            "auth-own-key",
            "auth-removed-field",
            "auth-short-sign",
            "auth-sign-*",
            "auth-swapped-ids",
            "auth-wrong-key",
            "idem-after-forgery",
            "idem-failure-after-altered-forgery",
            "idem-failure-after-forgery",
            "robust-large",
        ],
        &["auth-upper-case"],
    ),
    row(
        Flaw::SkipsMissingSign,
        &["auth-empty-sign", "auth-name-case-sign", "auth-no-sign", "auth-null-sign"],
        &[],
    ),
    row(Flaw::LooseEquals, &["auth-sign-true", "auth-sign-zero"], &[]),
    // Nobody can make a digest in capitals without the key.
    row(Flaw::AnyDigestCase, &[], &["auth-upper-case"]),
    row(Flaw::Downgrades, &["auth-md5", "auth-md5-untyped"], &[]),
    row(
        Flaw::AnyNameCase,
        &["auth-name-case-amount", "auth-name-case-sign", "interop-name-order"],
        &[],
    ),
    // They book the amount that they verified.
    row(Flaw::FirstDuplicate, &[], &["auth-duplicate-last", "auth-duplicate-status"]),
    row(Flaw::LastDuplicate, &[], &["auth-duplicate-first"]),
    // These book the other one.
    row(Flaw::BooksLastDuplicate, &["auth-duplicate-last"], &["auth-duplicate-status"]),
    row(Flaw::BooksFirstDuplicate, &["auth-duplicate-first"], &[]),
    row(
        Flaw::DropsZeros,
        &["auth-added-zero", "interop-zero-fee", "interop-zero-text"],
        &["ack-failed-unpaid"],
    ),
    row(Flaw::KeepsEmpties, &["interop-empty-error-msg"], &["interop-null"]),
    refusing(Flaw::FloatAmounts, &[]),
    // No amount in cents is so large.
    row(Flaw::Doubles, &[], &["interop-big-number", "interop-number-text"]),
    row(
        Flaw::FixedFields,
        &["auth-added-field", "interop-name-order", "interop-unknown-fields"],
        &["interop-array", "interop-big-number", "interop-decimal-strings", "interop-number-text"],
    ),
    row(Flaw::TrimsValues, &["auth-changed-space", "interop-outer-spaces"], &[]),
    row(
        Flaw::KeepsEscapes,
        &["interop-slashes", "interop-special", "interop-unicode-escaped"],
        &["interop-emoji"],
    ),
    row(
        Flaw::FailsOnUnknown,
        &["interop-name-order", "interop-unknown-fields"],
        &[
            "interop-array",
            "interop-big-number",
            "interop-decimal-strings",
            "interop-number-text",
            "robust-large",
            "robust-prototype",
        ],
    ),
    // The next good notification is acknowledged all the same.
    row(
        Flaw::FailsOnMalformed,
        &[],
        &[
            "robust-array",
            "robust-deep",
            "robust-empty",
            "robust-lone-surrogate",
            "robust-malformed",
            "robust-not-utf8",
            "robust-null",
            "robust-truncated",
        ],
    ),
    row(Flaw::LeavesSlowBodies, &["robust-slow-upload"], &[]),
    row(
        Flaw::CreditsTwice,
        &[
            "idem-again",
            "idem-at-once",
            "idem-failure-after-success",
            "idem-other-platform-id",
            "idem-out-of-order",
            "idem-replay",
            "idem-replay-after-others",
            "idem-reply-lost",
            "idem-respelled",
            "idem-signed-again",
            "idem-status-text",
            "idem-success-after-failure",
            "retry-after-all",
        ],
        &[],
    ),
    row(Flaw::Races, &["idem-at-once"], &[]),
    // The retry is acknowledged, and the order is credited once.
    row(Flaw::FailsRaces, &[], &["idem-at-once"]),
    row(Flaw::AcknowledgesFirst, &["idem-reply-lost"], &[]),
    row(
        Flaw::RefusesDuplicates,
        &[
            "idem-again",
            "idem-at-once",
            "idem-out-of-order",
            "idem-replay-after-others",
            "idem-reply-lost",
            "idem-respelled",
            "idem-signed-again",
            "retry-after-all",
        ],
        &[],
    ),
    // The other cases that send a failure are not tested: they would say the same.
    row(Flaw::RefusesFailures, &["ack-cancelled", "ack-failed"], &[]),
    row(Flaw::JsonAsHtml, &[], &["reach-content-type"]),
    refusing(Flaw::WordAsHtml, &["ack-success"]),
    refusing(Flaw::NumberCode, &["ack-success"]),
    refusing(Flaw::Redirects, &["reach-redirect"]),
    refusing(Flaw::HtmlPage, &["reach-challenge"]),
];
