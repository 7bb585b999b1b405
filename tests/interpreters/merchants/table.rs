//! Which cases each flaw must trip.

use super::flawed::Flaw;

/// A flaw, what the endpoint is called, and the cases that fail or warn.
///
/// A name that ends with `*` stands for all cases that begin so, of which there must be one.
pub(crate) const EXPECTED: &[(Flaw, &str, &[&str])] = &[
    (Flaw::Sound, "discerning", &[]),
    (Flaw::AcceptsEverything, "acknowledges-everything", &["auth-*"]),
    // What is refused for its type or for a missing field does not show it.
    (
        Flaw::StatusOnly,
        "discerning",
        &[
            "auth-added-*",
            "auth-changed-*",
            "auth-empty-sign",
            "auth-last-digit",
            "auth-name-case-sign",
            "auth-no-key",
            "auth-no-sign",
            "auth-null-sign",
            "auth-old-signature",
            "auth-removed-field",
            "auth-short-sign",
            "auth-sign-*",
            "auth-swapped-ids",
            "auth-upper-case",
            "auth-wrong-key",
            "robust-large",
        ],
    ),
    (
        Flaw::SkipsMissingSign,
        "discerning",
        &["auth-empty-sign", "auth-name-case-sign", "auth-no-sign", "auth-null-sign"],
    ),
    (Flaw::LooseEquals, "discerning", &["auth-sign-true", "auth-sign-zero"]),
    (Flaw::AnyDigestCase, "discerning", &["auth-upper-case"]),
    (Flaw::Downgrades, "discerning", &["auth-md5", "auth-md5-untyped"]),
    (
        Flaw::AnyNameCase,
        "discerning",
        &["auth-name-case-amount", "auth-name-case-sign", "interop-name-order"],
    ),
    (Flaw::FirstDuplicate, "discerning", &["auth-duplicate-last"]),
    (Flaw::LastDuplicate, "discerning", &["auth-duplicate-first"]),
    (Flaw::DropsZeros, "discerning", &["auth-added-zero", "interop-zero-fee", "interop-zero-text"]),
    (Flaw::KeepsEmpties, "discerning", &["interop-empty-error-msg", "interop-null"]),
    (Flaw::FloatAmounts, "refuses-control", &[]),
    (Flaw::Doubles, "discerning", &["interop-big-number", "interop-number-text"]),
    (
        Flaw::FixedFields,
        "discerning",
        &[
            "auth-added-field",
            "interop-array",
            "interop-name-order",
            "interop-number-text",
            "interop-unknown-fields",
        ],
    ),
    (Flaw::TrimsValues, "discerning", &["auth-changed-space", "interop-outer-spaces"]),
    (
        Flaw::KeepsEscapes,
        "discerning",
        &["interop-emoji", "interop-slashes", "interop-special", "interop-unicode-escaped"],
    ),
    (
        Flaw::FailsOnUnknown,
        "discerning",
        &[
            "interop-array",
            "interop-name-order",
            "interop-number-text",
            "interop-unknown-fields",
            "robust-large",
        ],
    ),
    (
        Flaw::FailsOnMalformed,
        "discerning",
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
    (Flaw::LeavesSlowBodies, "discerning", &["robust-slow-upload"]),
    (
        Flaw::CreditsTwice,
        "discerning",
        &[
            "idem-again",
            "idem-at-once",
            "idem-out-of-order",
            "idem-replay",
            "idem-reply-lost",
            "idem-signed-anew",
        ],
    ),
    (Flaw::Races, "discerning", &["idem-at-once"]),
    (Flaw::AcknowledgesFirst, "discerning", &["idem-reply-lost"]),
    (
        Flaw::RefusesDuplicates,
        "discerning",
        &[
            "idem-again",
            "idem-at-once",
            "idem-out-of-order",
            "idem-replay-after-others",
            "idem-reply-lost",
            "idem-signed-anew",
        ],
    ),
    // The big number is that of a failed payout.
    (
        Flaw::RefusesFailures,
        "discerning",
        &[
            "ack-cancelled",
            "ack-failed",
            "idem-success-after-failure",
            "interop-big-number",
            "retry-failure",
        ],
    ),
    (Flaw::NumberCode, "refuses-control", &[]),
    (Flaw::Redirects, "refuses-control", &["reach-redirect"]),
    (Flaw::HtmlPage, "refuses-control", &["reach-challenge"]),
];
