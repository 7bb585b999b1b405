//! What came of one request: a reply, or why there is none.

use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion, Reply};

use super::phases::Phases;
use crate::mask::in_own;

/// The most characters of a failure's detail that are kept; it can quote what a server sent.
const MAX_DETAIL_CHARS: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Reply(Reply),
    NoReply(TransportFailure),
}

/// What came of one request, and how long the parts of it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOutcome {
    pub outcome: Outcome,
    pub phases: Phases,
}

impl TimedOutcome {
    pub fn unmeasured(outcome: Outcome) -> Self {
        TimedOutcome { outcome, phases: Phases::default() }
    }
}

impl Outcome {
    /// What this platform concludes from the reply; `None` where there is none.
    #[cfg(test)]
    pub fn conclusion(&self) -> Option<Conclusion> {
        self.conclusion_by(&AcknowledgementRule::default())
    }

    /// What a platform with this rule concludes from the reply; `None` where there is none.
    pub fn conclusion_by(&self, rule: &AcknowledgementRule) -> Option<Conclusion> {
        match self {
            Outcome::Reply(reply) => Some(rule.judge(reply)),
            Outcome::NoReply(_) => None,
        }
    }

    pub const fn status(&self) -> Option<u16> {
        match self {
            Outcome::Reply(reply) => Some(reply.status),
            Outcome::NoReply(_) => None,
        }
    }

    /// The stable name of the result: `acknowledged`, a refusal's code or a failure's code.
    /// `conclusion` is what [`Outcome::conclusion_by`] gave: judging a reply twice is work twice.
    pub fn code(&self, conclusion: Option<&Conclusion>) -> &'static str {
        match (self, conclusion) {
            (Outcome::NoReply(failure), _) => failure.code(),
            (_, Some(Conclusion::NotAcknowledged(refusal))) => refusal.code(),
            (_, Some(Conclusion::Acknowledged(_)) | None) => "acknowledged",
        }
    }

    /// Why it is not an acknowledgement, in words; `None` where it is one.
    pub fn explanation(&self, conclusion: Option<&Conclusion>) -> Option<String> {
        match (self, conclusion) {
            (Outcome::NoReply(failure), _) => Some(failure.explanation()),
            (_, Some(Conclusion::NotAcknowledged(refusal))) => Some(refusal.explanation()),
            (_, Some(Conclusion::Acknowledged(_)) | None) => None,
        }
    }
}

/// Why there is no reply; its text is the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FailureKind {
    #[error(
        "the host name could not be resolved, so nothing was sent; check the notify URL and this \
         machine's name server"
    )]
    Resolve,
    #[error("nothing listens there; check the port and that the merchant is running")]
    Refused,
    #[error(
        "no connection could be made, so nothing was sent; check the address, the network and the \
         firewall"
    )]
    Connect,
    #[error("the TLS handshake failed; check the certificate, and whether the port speaks https")]
    Tls,
    #[error(
        "the merchant may have processed the notification, so the retry must be treated as a \
         duplicate; reply first, work later"
    )]
    Timeout,
    #[error(
        "the merchant or a proxy broke the connection off; it may have processed the notification, \
         so the retry must be treated as a duplicate"
    )]
    Reset,
    #[error(
        "the connection was closed before the reply was complete (a crash, or a wrong \
         Content-Length?); the retry must be treated as a duplicate"
    )]
    ClosedEarly,
    /// A kept connection ended as it was used again, before any byte of the reply.
    #[error(
        "the merchant closed a kept connection just as it was used again, which a server may do; \
         nothing of a reply came, and the request may or may not have been read, so the retry must \
         be treated as a duplicate; --connections fresh avoids it"
    )]
    StaleConnection,
    #[error("what arrived is not a valid HTTP reply; does the port speak HTTP?")]
    InvalidReply,
    /// A reply came, and the tool dropped the connection without reading it, as it was told to.
    #[error(
        "the request arrived and the merchant answered, but this tool dropped the connection \
         unread on purpose (--lose-replies), as a network fault would; the retry must be treated \
         as a duplicate"
    )]
    ReplyLost,
    #[error("the proxy refused the request or cannot be reached")]
    Proxy,
    /// This machine had no room for the connection: nothing was sent, so it does not count as an attempt.
    #[error("this machine had no room for the connection")]
    HeldBack,
    #[error("the attempt failed on the way")]
    Other,
}

impl FailureKind {
    pub const fn code(self) -> &'static str {
        match self {
            FailureKind::Resolve => "resolve",
            // Plain "refused" is a reply with another error_code.
            FailureKind::Refused => "connection-refused",
            FailureKind::Connect => "connect",
            FailureKind::Tls => "tls",
            FailureKind::Timeout => "timeout",
            FailureKind::Reset => "connection-reset",
            FailureKind::ClosedEarly => "closed-early",
            FailureKind::StaleConnection => "stale-connection",
            FailureKind::InvalidReply => "invalid-reply",
            FailureKind::ReplyLost => "reply-lost",
            FailureKind::Proxy => "proxy",
            FailureKind::HeldBack => "held-back",
            FailureKind::Other => "other",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFailure {
    pub kind: FailureKind,
    /// The technical cause, without credentials, at most 300 characters.
    pub detail: String,
}

impl TransportFailure {
    pub fn new(kind: FailureKind, detail: &str) -> Self {
        TransportFailure { kind, detail: in_own(detail).chars().take(MAX_DETAIL_CHARS).collect() }
    }

    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    pub fn explanation(&self) -> String {
        let advice = self.kind;
        match self.kind {
            // Here the detail is the fact, "no complete reply within 10s", and comes first.
            FailureKind::Timeout if !self.detail.is_empty() => format!("{}; {advice}", self.detail),
            // Here the detail says what it means and what to do, closer than any general advice.
            FailureKind::Tls | FailureKind::Proxy | FailureKind::HeldBack
                if !self.detail.is_empty() =>
            {
                self.detail.clone()
            }
            _ if self.detail.is_empty() => advice.to_string(),
            _ => format!("{advice} ({})", self.detail),
        }
    }
}

impl Outcome {
    pub fn is(&self, kind: FailureKind) -> bool {
        matches!(self, Outcome::NoReply(failure) if failure.kind == kind)
    }

    pub fn failed_before_the_merchant(&self) -> Option<String> {
        let is_before = self.is(FailureKind::HeldBack) || self.is(FailureKind::Proxy);
        self.explanation(None).filter(|_| is_before)
    }
}

#[cfg(test)]
mod tests {
    use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Refusal};

    use super::*;

    #[test]
    fn a_failure_explains_itself() {
        let timeout = TransportFailure::new(FailureKind::Timeout, "no complete reply within 10s");
        assert!(
            timeout.explanation().starts_with("no complete reply within 10s; the merchant may")
        );
        let refused = TransportFailure::new(FailureKind::Refused, "os error 111");
        assert!(refused.explanation().starts_with("nothing listens there"));
        assert!(refused.explanation().ends_with("(os error 111)"));
        assert_eq!(refused.code(), "connection-refused");
        let long = TransportFailure::new(FailureKind::Other, &"é".repeat(1000));
        assert_eq!(long.detail.chars().count(), MAX_DETAIL_CHARS);
    }

    #[test]
    fn only_a_proxy_and_this_machine_fail_before_the_merchant() {
        use FailureKind::*;
        let elsewhere = [
            Resolve,
            Refused,
            Connect,
            Tls,
            Timeout,
            Reset,
            ClosedEarly,
            StaleConnection,
            InvalidReply,
            ReplyLost,
            Other,
        ];
        let all = elsewhere.into_iter().map(|kind| (kind, false));
        for (kind, is_before) in all.chain([(Proxy, true), (HeldBack, true)]) {
            let outcome = Outcome::NoReply(TransportFailure::new(kind, "the detail"));
            let why = outcome.failed_before_the_merchant();
            assert_eq!(why, is_before.then(|| "the detail".to_owned()), "{kind:?}");
            assert_eq!(outcome.is(HeldBack), kind == HeldBack, "{kind:?}");
        }
        let reply = Outcome::Reply(Reply::default());
        assert!(!reply.is(HeldBack) && reply.failed_before_the_merchant().is_none());
    }

    #[test]
    fn an_explanation_has_the_detail_and_the_advice_where_they_add_something() {
        for (kind, detail, expected) in [
            (FailureKind::Tls, "the certificate has expired", "the certificate has expired"),
            (FailureKind::Proxy, "the proxy said 407", "the proxy said 407"),
            (FailureKind::HeldBack, "no ports are left", "no ports are left"),
            (FailureKind::HeldBack, "", "this machine had no room for the connection"),
            (FailureKind::Proxy, "", "the proxy refused the request or cannot be reached"),
            (FailureKind::Other, "", "the attempt failed on the way"),
            (FailureKind::Other, "broken", "the attempt failed on the way (broken)"),
        ] {
            let explained = TransportFailure::new(kind, detail).explanation();
            assert_eq!(explained, expected, "{kind:?} {detail:?}");
        }
        let timeout = TransportFailure::new(FailureKind::Timeout, "").explanation();
        assert!(timeout.starts_with("the merchant may have processed"), "{timeout}");
    }

    #[test]
    fn the_detail_of_a_failure_has_no_key() {
        crate::mask::remember(b"key-in-a-transport-failure");
        let failure = TransportFailure::new(FailureKind::Other, "?k=key-in-a-transport-failure.");
        assert_eq!(failure.detail, "?k=[key].");
    }

    #[test]
    fn a_result_is_acknowledged_only_by_a_reply_that_says_so() {
        let reply = Outcome::Reply(Reply { status: 204, ..Reply::default() });
        let failed = Outcome::NoReply(TransportFailure::new(FailureKind::Reset, ""));
        let refused = Conclusion::NotAcknowledged(Refusal::Empty);
        let acknowledged = Conclusion::Acknowledged(Vec::new());
        let results = [
            (&reply, Some(&acknowledged), "acknowledged", false),
            (&reply, Some(&refused), Refusal::Empty.code(), true),
            (&failed, None, "connection-reset", true),
            (&failed, Some(&acknowledged), "connection-reset", true),
        ];
        for (outcome, conclusion, code, has_reason) in results {
            assert_eq!(outcome.code(conclusion), code);
            assert_eq!(outcome.explanation(conclusion).is_some(), has_reason, "{code}");
        }
        assert_eq!((reply.status(), failed.status()), (Some(204), None));
        let body = ACKNOWLEDGEMENT_BODY.as_bytes().to_vec();
        let success = Outcome::Reply(Reply { status: 200, body, ..Reply::default() });
        assert!(matches!(success.conclusion(), Some(Conclusion::Acknowledged(_))));
        assert!(matches!(reply.conclusion(), Some(Conclusion::NotAcknowledged(_))));
        assert_eq!(failed.conclusion(), None);
    }
}
