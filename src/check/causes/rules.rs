//! The table of causes. A result belongs to the first rule that explains it and has its evidence.

use super::Finding;
use super::rule::{FORGED, LOST, NEW_FIELDS, ONCE, RULE, Rule, SIGN_ALL, UNBOOKED};
use crate::check::trial::{CUT_OFF_TOGETHER, TAKEN_AGAIN, TAKEN_OF_OTHERS};
use Finding::{
    Acknowledged, Broken, Harmless, Misbooked, NotBooked, Nothing, Reachability, Refused,
};

/// Every finding is in one of the last rules, so that nothing is left without a cause.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "acknowledges-unreadable",
        title: "acknowledges requests that it cannot read",
        explains: "robust-*|auth-form|auth-query|auth-reserved-id|auth-unknown-order",
        evidence: &["robust-malformed|robust-truncated|robust-array|robust-null"],
        findings: &[Acknowledged],
        why: "An error that is answered with an acknowledgement loses the notification: what is \
              acknowledged is not sent again.",
        fix: "Acknowledge after the booking, and nowhere else; answer an exception with an error.",
        ..RULE
    },
    Rule {
        id: "real-amount",
        title: "books real_amount, not the amount of the order",
        explains: "ack-failed-unpaid|interop-no-real-amount|auth-amount-beside-real-amount",
        evidence: &["ack-failed-unpaid"],
        findings: &[NotBooked, Misbooked],
        unless: "ack-failed|ack-cancelled",
        ..RULE
    },
    Rule {
        id: "marks-before-booking",
        title: "notes that an order was handled, answers 5xx, and does not book it when it is repeated",
        findings: &[NotBooked],
        is_5xx: Some(true),
        why: UNBOOKED,
        fix: "Book, mark the order as handled and acknowledge it in one transaction.",
        ..RULE
    },
    Rule {
        id: "wrong-amount",
        title: "books another amount than the order's: {booked}",
        evidence: &["ack-*|interop-*|idem-*"],
        unless: "auth-other-amount|auth-failure-other-amount|auth-wrong-key",
        findings: &[Misbooked, NotBooked],
        says: "; expected ",
        why: "The books are off by the difference, order by order.",
        fix: "Book the amount of the order in whole cents, without the fee and without floating point.",
        ..RULE
    },
    Rule {
        id: "ended-together",
        title: "ends with one of {count} requests that were sent together, the first: {title}",
        findings: &[Broken],
        says: CUT_OFF_TOGETHER,
        why: "One of them, which anyone can send, ends all later acknowledgements.",
        fix: "Send them one by one (--only) to see which; catch every error of a request.",
        ..RULE
    },
    Rule {
        id: "now-and-then",
        title: "refuses good notifications now and then, and takes them when they are sent again",
        findings: &[Refused],
        is_5xx: Some(false),
        says: TAKEN_AGAIN,
        why: "A notification that meets the refusal at each of its tries is lost.",
        fix: "Look for state that outlives a request, such as a global variable.",
        ..RULE
    },
    Rule {
        id: "some-orders",
        title: "refuses notifications of some orders, and takes the same of others: amount {amounts}",
        findings: &[Refused],
        says: TAKEN_OF_OTHERS,
        why: "The payouts of such orders are never acknowledged: the platform sends them again for \
              an hour and then gives up.",
        fix: "Compare amounts as whole cents, and convert them without floating point: 19.99 * 100 \
              is 1998.9999999999998.",
        ..RULE
    },
    Rule {
        id: "other-requests",
        title: "acknowledges good notifications with another method or content type",
        explains: "robust-put|robust-get-query|robust-content-type|robust-form",
        evidence: &["robust-put|robust-get-query|robust-content-type"],
        findings: &[Acknowledged],
        ..RULE
    },
    Rule {
        id: "no-verification",
        title: "does not verify the signature",
        explains: "auth-*|robust-*|idem-*forgery",
        evidence: &["auth-no-sign", "auth-wrong-key"],
        findings: FORGED,
        why: "Whoever finds this URL can settle or refund any order without the key.",
        fix: "Compute the signature over the fields that were received with your key, compare it \
              with `sign`, and refuse what does not match, before anything is booked.",
        ..RULE
    },
    Rule {
        id: "unsigned",
        title: "accepts notifications without a signature",
        explains: "auth-no-sign|auth-empty-sign|auth-null-sign|auth-name-case-sign|auth-sign-*",
        evidence: &["auth-no-sign"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "any-signature",
        title: "accepts a signature made with another key",
        explains: "auth-*|robust-large|idem-*forgery",
        evidence: &["auth-wrong-key"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "sign-type",
        title: "chooses how to verify by the unsigned sign_type",
        explains: "auth-sign-type-*",
        evidence: &["auth-sign-type-unknown|auth-sign-type-downgrade"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "sign-not-text",
        title: "accepts a sign that is not text",
        explains: "auth-null-sign|auth-sign-*",
        findings: FORGED,
        why: "Whoever writes such a value into `sign` can settle or refund any order without the key.",
        fix: "Refuse a `sign` that is not a string, and compare strings with strings, without any \
              conversion.",
        ..RULE
    },
    Rule {
        id: "loose-comparison",
        title: "compares the signature loosely: part of it is enough",
        explains: "auth-short-sign|auth-last-digit|auth-empty-sign|auth-upper-case",
        evidence: &["auth-short-sign|auth-last-digit"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "trimmed-values",
        title: "trims values before it verifies them",
        explains: "auth-changed-space|interop-outer-spaces",
        evidence: &["auth-changed-space"],
        findings: &[Acknowledged, Misbooked, Refused],
        ..RULE
    },
    Rule {
        id: "known-fields-only",
        title: "verifies only the fields that it knows",
        explains: NEW_FIELDS,
        evidence: &["auth-added-field"],
        findings: &[Acknowledged, Misbooked, Refused],
        is_5xx: Some(false),
        why: "A field that anyone adds is accepted, and a valid notification with a new signed \
              field is refused and lost.",
        fix: SIGN_ALL,
        ..RULE
    },
    Rule {
        id: "new-fields",
        title: "refuses valid notifications with a field that it does not know",
        explains: NEW_FIELDS,
        evidence: &["interop-unknown-fields"],
        findings: &[Refused],
        is_5xx: Some(false),
        why: LOST,
        fix: SIGN_ALL,
        ..RULE
    },
    Rule {
        id: "name-order",
        title: "sorts fields otherwise than by the bytes of their names",
        explains: "interop-name-order",
        findings: &[Refused],
        is_5xx: Some(false),
        why: LOST,
        ..RULE
    },
    Rule {
        id: "zeros",
        title: "leaves out values of 0 when it verifies",
        explains: "interop-zero-fee|interop-zero-text|auth-added-zero",
        evidence: &["interop-zero-fee|interop-zero-text"],
        findings: &[Refused, Acknowledged, Misbooked],
        is_5xx: Some(false),
        why: LOST,
        fix: "Leave out empty strings and null only; 0, \"0\" and false are signed.",
        ..RULE
    },
    Rule {
        id: "amount-unchecked",
        title: "does not compare the amount with the order's",
        explains: "auth-other-amount|auth-failure-other-amount|auth-smaller-amount\
                   |auth-amount-beside-real-amount|idem-*after-other-amount",
        evidence: &["auth-other-amount|auth-failure-other-amount"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "unknown-order",
        title: "acknowledges notifications of orders that it does not know",
        explains: "auth-unknown-order|auth-reserved-id|auth-other-*-id|auth-id-*",
        evidence: &["auth-unknown-order"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "unverified-fields",
        title: "does not verify {fields}",
        explains: "auth-changed-*|auth-added-*|auth-removed-*|auth-swapped-*|auth-name-case-amount",
        evidence: &["auth-changed-*|auth-added-*|auth-removed-*"],
        findings: FORGED,
        ..RULE
    },
    Rule {
        id: "books-before-failing",
        title: "{verbs} an order, answers 5xx, and {verbs} it again when it is repeated",
        findings: &[Misbooked],
        is_5xx: Some(true),
        why: "The platform repeats what was not acknowledged, and each time money moves again.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "loses-bookings",
        title: "acknowledges notifications and loses some of their bookings{at_once}",
        evidence: &[
            "ack-success|ack-expect-continue|ack-chunked|ack-content-*|ack-no-user-agent|interop-pretty",
            "idem-*",
        ],
        findings: &[NotBooked],
        why: UNBOOKED,
        fix: "Acknowledge only after the booking is committed, each order in a row of its own. Change \
              balances in one statement (balance = balance + amount): one that is read, added to and \
              written back loses what others wrote meanwhile.",
        ..RULE
    },
    Rule {
        id: "poisoned-by-forgery",
        title: "does not book the real notification after a forged one of the same order",
        explains: "idem-*forgery",
        findings: &[Refused, NotBooked],
        ..RULE
    },
    Rule {
        id: "error-msg",
        title: "does not verify error_msg: it refuses notifications that have one",
        explains: "ack-*|idem-failure-*|idem-cancelled-*|interop-*|retry-failure",
        evidence: &["interop-error-msg"],
        findings: &[Refused, Misbooked],
        is_5xx: Some(false),
        why: "Failures come with the reason in error_msg: they are refused, and their money stays \
              reserved.",
        fix: "Sign every field that was received, error_msg too, whenever it is not empty.",
        ..RULE
    },
    Rule {
        id: "failure-misbooked",
        title: "{verb} a failed payout wrongly: {booked}",
        explains: "ack-failed*|ack-cancelled|idem-failure-*|idem-cancelled-*|idem-success-after-failure\
                   |interop-*|retry-failure|auth-query-override",
        evidence: &["ack-failed"],
        findings: &[Misbooked],
        why: "A failed payout gives the customer the money back that was taken before, once and in \
              full, and credits nothing.",
        fix: "Refund the amount of the order once on failed and cancelled; credit on success only.",
        ..RULE
    },
    Rule {
        id: "processing-booked",
        title: "moves money for a status that is not final ({booked})",
        explains: "ack-not-final|idem-success-after-processing|idem-failure-after-processing",
        findings: &[Misbooked],
        ..RULE
    },
    Rule {
        id: "forged-contents",
        title: "books what a forged notification said of an order, when the real one arrives",
        explains: "idem-failure-after-altered-forgery",
        findings: &[Misbooked],
        ..RULE
    },
    Rule {
        id: "needs-error-msg",
        title: "does not book a failed or cancelled payout without error_msg",
        explains: "ack-failed-bare|ack-cancelled|idem-cancelled-again",
        evidence: &["ack-failed-bare"],
        findings: &[NotBooked, Misbooked, Refused],
        unless: "ack-failed",
        why: "error_msg is optional: a failure without it is never refunded.",
        fix: "Do not require error_msg; book the failure by its status.",
        ..RULE
    },
    Rule {
        id: "cancelled-unlike-failed",
        title: "does not treat failed and cancelled payouts alike: a cancelled one is {booked}, unlike a failed one",
        explains: "ack-cancelled|idem-cancelled-*|idem-success-after-failure|idem-mixed-at-once",
        evidence: &["ack-cancelled"],
        findings: &[Misbooked, NotBooked],
        why: "Both give the customer the money back, once; an order that was cancelled is booked \
              otherwise here than one that failed.",
        fix: "Book failed and cancelled payouts alike: refund each once, and credit nothing.",
        ..RULE
    },
    Rule {
        id: "repeated-failure",
        title: "{verb} a failed payout again when its notification is repeated",
        explains: "idem-failure-*|idem-cancelled-*|retry-failure",
        evidence: &["idem-failure-again|idem-cancelled-again"],
        findings: &[Misbooked],
        why: "The platform repeats a notification whenever a reply is late or lost, and each time \
              money moves again.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "repeated-success",
        title: "{verb} a successful payout again when its notification is repeated",
        explains: "idem-*|retry-success|retry-after-all",
        evidence: &["idem-again"],
        findings: &[Misbooked],
        why: "The platform repeats a notification whenever a reply is late or lost, and each time \
              money moves again.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "race",
        title: "{verbs} an order several times when the same notification arrives at the same time",
        explains: "idem-at-once|idem-failure-at-once|idem-mixed-at-once",
        evidence: &["idem-at-once|idem-failure-at-once"],
        findings: &[Misbooked],
        why: "Looking up the order and booking it are not one step, so two workers both book it.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "repeated-with-other-text",
        title: "{verbs} an order again when its notification is repeated in another text",
        explains: "idem-respelled|idem-failure-respelled|idem-signed-again|idem-failure-signed-again\
                   |idem-status-text|idem-other-platform-id|idem-*out-of-order|idem-*replay\
                   |idem-cancelled-after-failure|idem-success-after-failure|idem-failure-after-success",
        evidence: &["idem-respelled|idem-failure-respelled"],
        findings: &[Misbooked],
        why: "The same fields can be written in another order and with other spaces: the order is \
              the same, and the body is not.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "repeated-with-new-signature",
        title: "{verbs} an order again when its notification is repeated with another signature",
        explains: "idem-signed-again|idem-failure-signed-again|idem-*out-of-order|idem-*replay\
                   |idem-cancelled-after-failure|idem-success-after-failure|idem-failure-after-success",
        evidence: &["idem-signed-again|idem-failure-signed-again"],
        findings: &[Misbooked],
        why: "The platform signs again whenever update_time changes: the order is the same, and \
              its bytes are not.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "short-memory",
        title: "{verbs} an order again when its notification is repeated after other orders",
        explains: "idem-replay-after-others|idem-failure-replay-after-others|retry-after-all",
        findings: &[Misbooked],
        why: "Other orders arrive between a notification and its repetition.",
        fix: ONCE,
        ..RULE
    },
    Rule {
        id: "later-status",
        title: "books another status although a final one came before ({booked})",
        explains: "idem-success-after-failure|idem-failure-after-success|idem-cancelled-after-failure\
                   |idem-out-of-order|idem-failure-out-of-order|idem-mixed-at-once",
        evidence: &[
            "idem-success-after-failure|idem-failure-after-success|idem-cancelled-after-failure\
             |idem-out-of-order|idem-failure-out-of-order",
        ],
        findings: &[Misbooked],
        ..RULE
    },
    Rule {
        id: "mixed-at-once",
        title: "credits and refunds an order whose success and failure arrive at the same time",
        explains: "idem-mixed-at-once",
        findings: &[Misbooked],
        ..RULE
    },
    Rule {
        id: "lost-at-once",
        title: "acknowledges orders that arrive at the same time and does not book all of them",
        explains: "idem-orders-at-once|idem-failure-orders-at-once|idem-at-once|idem-failure-at-once",
        evidence: &["idem-orders-at-once|idem-failure-orders-at-once"],
        findings: &[NotBooked, Misbooked],
        ..RULE
    },
    Rule {
        id: "failure-not-booked",
        title: "acknowledges a failed or cancelled payout and does not book it",
        explains: "ack-failed|ack-cancelled|idem-failure-*|idem-cancelled-*|interop-*|retry-failure",
        evidence: &["ack-failed|ack-cancelled"],
        findings: &[NotBooked],
        why: UNBOOKED,
        fix: "Book a failed and a cancelled payout before you acknowledge it: give the customer the \
              money back.",
        ..RULE
    },
    Rule {
        id: "fails-on-good",
        title: "answers {count} good notifications with status 5xx, now and then",
        evidence: &["ack-*|interop-*", "idem-*"],
        findings: &[Refused],
        is_5xx: Some(true),
        why: LOST,
        fix: "Look at the endpoint's log for the error. Book and acknowledge in one transaction, \
              and undo every mark that the order was handled where it fails.",
        ..RULE
    },
    Rule {
        id: "other-acknowledgement",
        title: "acknowledges with a reply that the platform does not read: {summary}",
        explains: "ack-success",
        findings: &[Refused],
        why: LOST,
        ..RULE
    },
    Rule {
        id: "failure-refused",
        title: "does not acknowledge failed or cancelled payouts",
        explains: "ack-failed|ack-cancelled|idem-failure-*|idem-cancelled-*|interop-*|retry-failure",
        evidence: &["ack-failed|ack-cancelled"],
        findings: &[Refused],
        ..RULE
    },
    Rule {
        id: "repetition-refused",
        title: "does not acknowledge a repeated notification of an order that it booked",
        explains: "idem-*|retry-*",
        evidence: &["idem-again|idem-failure-again|idem-signed-again|idem-reply-lost"],
        findings: &[Refused],
        why: "Where the first reply is lost, the platform never learns that the order was booked: \
              it sends the notification again for an hour and then gives up.",
        fix: "Acknowledge a notification of an order that is booked already, without booking it \
              again.",
        ..RULE
    },
    Rule {
        id: "text",
        title: "does not verify text in error_msg as it was received",
        explains: "interop-unicode|interop-unicode-escaped|interop-emoji|interop-slashes|interop-special\
                   |interop-outer-spaces|interop-decomposed",
        evidence: &["interop-unicode|interop-unicode-escaped|interop-slashes|interop-special"],
        findings: &[Refused],
        is_5xx: Some(false),
        why: LOST,
        fix: "Parse the JSON first, and sign the values as they read then: without escapes, without \
              trimming, as UTF-8.",
        ..RULE
    },
    Rule {
        id: "reprinted-numbers",
        title: "prints signed numbers and lists again before it verifies them",
        explains: "interop-big-number|interop-number-text|interop-array",
        findings: &[Refused],
        is_5xx: Some(false),
        why: "Where the platform writes a number or a list another way than your JSON library does, \
              the notification is refused and lost.",
        fix: "Sign numbers with the digits that were received, parsed as text or decimal, and lists \
              as compact JSON.",
        ..RULE
    },
    Rule {
        id: "cut-ids",
        title: "takes orders whose long ids differ only at the end for one, or refuses them",
        explains: "interop-long-ids|idem-ids-alike",
        findings: &[NotBooked, Misbooked, Refused],
        ..RULE
    },
    Rule {
        id: "documented-forms-only",
        title: "refuses forms that the platform's documentation does not show",
        explains: "interop-numbers-text|interop-*status-text|interop-iso-times|interop-no-real-amount\
                   |interop-decimal-strings|interop-null",
        findings: &[Refused],
        is_5xx: Some(false),
        why: "Other deployments may send them; such a notification would be refused and lost.",
        fix: "Accept numbers as strings and optional fields that are missing or null, if your \
              platform sends them. Otherwise nothing is to be done.",
        ..RULE
    },
    Rule {
        id: "transport",
        title: "does not acknowledge a good notification that is transferred another way",
        explains: "ack-expect-continue|ack-chunked|ack-content-type-*|ack-no-user-agent\
                   |robust-slow-upload|robust-half-close|reach-keep-alive",
        findings: &[Refused],
        ..RULE
    },
    Rule {
        id: "ambiguous-json",
        title: "acknowledges ambiguous notifications that carry a valid signature",
        explains: "auth-twin-*|auth-duplicate-*|auth-no-status|auth-amount-array",
        findings: &[Acknowledged],
        ..RULE
    },
    Rule {
        id: "fails-instead-of-refusing",
        title: "{replies}{watched}",
        findings: &[Harmless],
        why: "No money moves by that, but an endpoint that fails on bad input fills logs and alarms, \
              and may fail for other senders too.",
        fix: "Catch what cannot be read or verified, and answer it with 400.",
        ..RULE
    },
    Rule {
        title: "acknowledges {title}",
        explains: "robust-*",
        findings: &[Acknowledged],
        is_apart: true,
        why: "What was not verified is answered as what was booked: the acknowledgement says \
              nothing, and real notifications may be answered so too.",
        fix: "Acknowledge only after the signature matches and the order is booked.",
        ..RULE
    },
    Rule { title: "acknowledges {title}", findings: &[Acknowledged], is_apart: true, ..RULE },
    Rule {
        title: "accepts {title} ({booked})",
        explains: "auth-*|robust-*|idem-*forgery",
        findings: &[Misbooked],
        is_apart: true,
        ..RULE
    },
    Rule {
        title: "books wrongly ({booked}): {title}",
        findings: &[Misbooked],
        is_apart: true,
        ..RULE
    },
    Rule {
        title: "acknowledges what it does not book: {title}",
        explains: "interop-*|ack-success|robust-*",
        findings: &[NotBooked],
        is_apart: true,
        why: UNBOOKED,
        fix: "Acknowledge only after the booking is committed.",
        ..RULE
    },
    Rule {
        title: "acknowledges what it does not book: {title}",
        findings: &[NotBooked],
        is_apart: true,
        why: UNBOOKED,
        ..RULE
    },
    Rule {
        title: "fails on a good notification ({title}): {reply}",
        explains: "interop-*|ack-*|robust-*",
        findings: &[Refused],
        is_5xx: Some(true),
        is_apart: true,
        why: LOST,
        fix: "Look at the endpoint's log for the error: it was an exception, not a refusal.",
        ..RULE
    },
    Rule {
        title: "does not acknowledge {title}",
        explains: "idem-*",
        findings: &[Refused],
        is_apart: true,
        why: LOST,
        fix: "Look at the endpoint's log for the reason of this refusal.",
        ..RULE
    },
    Rule { title: "does not acknowledge {title}", findings: &[Refused], is_apart: true, ..RULE },
    Rule {
        title: "does not acknowledge good notifications any more after {title}",
        findings: &[Broken],
        is_apart: true,
        why: "One such request, which anyone can send, ends the acknowledgement of all later \
              notifications.",
        fix: "Catch every error of a request within its handler, release every lock and connection \
              on that path, and answer the next request as if nothing had been.",
        ..RULE
    },
    Rule { title: "{summary}", findings: &[Reachability], is_apart: true, ..RULE },
    Rule {
        id: "flaky",
        title: "passes only on the second try: {title}",
        findings: &[Nothing],
        is_apart: true,
        why: "What fails now and then is repeated by the platform, and more often than needed.",
        ..RULE
    },
];
