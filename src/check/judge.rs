//! What a reply says about an endpoint, held against what a sound one does.

use protocol::internal::acknowledgement::Conclusion;

use super::case::Expect;
use super::sender::Sent;
use crate::net::outcome::{FailureKind, Outcome};

/// A body of more bytes may be cut off by a server without an answer.
const LARGE_BODY: usize = 64 * 1024;

/// What an endpoint did that a sound one would not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) proof: Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// It cannot: what must not be acknowledged was.
    Proven,
    /// A hiccup on the way looks the same, so it is tried again.
    Doubtful,
    /// The notification was not acknowledged, as it should be, but not by a proper refusal. No money
    /// moves by that, so it is worth a warning, unless more is found.
    Harmless,
}

/// The fault in a reply; `None` where the reply is right.
pub(super) fn judge(expect: Expect, sent: &Sent) -> Option<Fault> {
    // That the reply is lost is the check's own doing.
    if matches!(&sent.outcome, Outcome::NoReply(failure) if failure.kind == FailureKind::ReplyLost)
    {
        return None;
    }
    let (what, proof) = match (expect, sent.is_acknowledged()) {
        (Expect::Anything, _)
        | (Expect::Acknowledged | Expect::Answered, true)
        | (Expect::NotAcknowledged, false) => return None,
        (Expect::NotAcknowledged | Expect::Refused, true) => {
            ("it was acknowledged, and must not be".to_owned(), Proof::Proven)
        }
        (Expect::Acknowledged, false) => (sent.exchange.conclusion.clone(), Proof::Doubtful),
        (Expect::Refused | Expect::Answered, false) => return in_order(expect, sent),
    };
    Some(Fault { what, proof })
}

/// What is improper about a reply that does not acknowledge.
///
/// A notification that no platform sends loses nothing when the refusal is improper. A good one is
/// lost by silence and by a redirect.
fn in_order(expect: Expect, sent: &Sent) -> Option<Fault> {
    let loss = if expect == Expect::Refused { Proof::Harmless } else { Proof::Doubtful };
    let (what, proof) = match &sent.outcome {
        Outcome::NoReply(failure) => {
            let is_cut_off = matches!(failure.kind, FailureKind::Reset | FailureKind::ClosedEarly);
            // Servers close the door on a body that is too long while it still comes.
            if is_cut_off && sent.exchange.body.len() > LARGE_BODY {
                return None;
            }
            (format!("no reply: {}", failure.explanation()), loss)
        }
        Outcome::Reply(reply) => match (reply.status, &sent.conclusion) {
            // Not implemented: the plain word of many servers for a method that they do not know.
            (501, _) => return None,
            // A refusal would have been right, and the platform takes a 5xx for one.
            (status @ 500.., _) => (
                format!("status {status}: the endpoint failed instead of refusing"),
                Proof::Harmless,
            ),
            (status @ 300..=399, Some(Conclusion::NotAcknowledged(_))) => {
                (format!("status {status}: a redirect is not a refusal"), loss)
            }
            _ => return None,
        },
    };
    Some(Fault { what, proof })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Reply};

    use super::*;
    use crate::check::report::Exchange;
    use crate::net::outcome::TransportFailure;
    use crate::net::phases::Phases;

    fn sent(outcome: Outcome, body: usize) -> Sent {
        let conclusion = outcome.conclusion();
        let exchange = Exchange {
            label: String::new(),
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: vec![b'x'; body],
            manner: String::new(),
            received: Err(String::new()),
            conclusion: "not acknowledged: why".to_owned(),
            elapsed: Duration::ZERO,
            phases: Phases::default(),
        };
        Sent { exchange, outcome, conclusion }
    }

    fn reply(status: u16, body: &str) -> Sent {
        sent(Outcome::Reply(Reply { status, body: body.into(), ..Reply::default() }), 10)
    }

    fn broken(kind: FailureKind, body: usize) -> Sent {
        sent(Outcome::NoReply(TransportFailure::new(kind, "")), body)
    }

    #[test]
    fn each_expectation_has_its_replies() {
        let (ack, refusal) = (reply(200, ACKNOWLEDGEMENT_BODY), reply(400, "{}"));
        let (crash, away) = (reply(500, ""), reply(302, ""));
        let silent = broken(FailureKind::Timeout, 10);
        let all = [&ack, &refusal, &crash, &away, &silent];
        let met = |expect| all.map(|sent| judge(expect, sent).is_none());
        assert_eq!(met(Expect::Acknowledged), [true, false, false, false, false]);
        assert_eq!(met(Expect::NotAcknowledged), [false, true, true, true, true]);
        assert_eq!(met(Expect::Refused), [false, true, false, false, false]);
        assert_eq!(met(Expect::Answered), [true, true, false, false, false]);
        assert_eq!(met(Expect::Anything), [true; 5]);
    }

    #[test]
    fn only_a_wrong_acknowledgement_is_a_proof() {
        let ack = reply(200, ACKNOWLEDGEMENT_BODY);
        for expect in [Expect::NotAcknowledged, Expect::Refused] {
            assert!(judge(expect, &ack).is_some_and(|fault| fault.proof == Proof::Proven));
        }
        let crash = judge(Expect::Acknowledged, &reply(503, ""));
        assert!(crash.is_some_and(|fault| fault.proof == Proof::Doubtful));
    }

    #[test]
    fn what_is_not_acknowledged_and_need_not_be_is_harmless() {
        let proof = |expect, sent| judge(expect, &sent).map(|fault| fault.proof);
        let silent = || broken(FailureKind::Timeout, 10);
        for status in [500, 502, 503, 504, 599] {
            assert_eq!(proof(Expect::Refused, reply(status, "")), Some(Proof::Harmless));
            assert_eq!(proof(Expect::Answered, reply(status, "")), Some(Proof::Harmless));
        }
        assert_eq!(proof(Expect::Refused, silent()), Some(Proof::Harmless));
        assert_eq!(proof(Expect::Refused, reply(302, "")), Some(Proof::Harmless));
        // A good notification is lost by these.
        assert_eq!(proof(Expect::Answered, silent()), Some(Proof::Doubtful));
        assert_eq!(proof(Expect::Answered, reply(302, "")), Some(Proof::Doubtful));
        assert!(Proof::Proven < Proof::Doubtful && Proof::Doubtful < Proof::Harmless);
    }

    #[test]
    fn a_long_body_may_be_cut_off() {
        let met = |sent| judge(Expect::Refused, &sent).is_none();
        assert!(met(broken(FailureKind::Reset, LARGE_BODY + 1)));
        assert!(!met(broken(FailureKind::Reset, 10)));
        assert!(!met(broken(FailureKind::Timeout, LARGE_BODY + 1)));
        assert_eq!(judge(Expect::Acknowledged, &broken(FailureKind::ReplyLost, 1)), None);
    }
}
