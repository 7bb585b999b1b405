//! What the platform concludes from what came of a request.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion, Reply};

use crate::mask;
use crate::net::outcome::Outcome;

#[derive(Clone, Debug, Default)]
pub struct Judge {
    pub rule: AcknowledgementRule,
    /// The last reply without a key. A run's replies are mostly the same, and the search for the key
    /// in each would cost as much as making the order.
    without_key: Arc<Mutex<Reply>>,
}

impl Judge {
    pub fn new(rule: AcknowledgementRule) -> Self {
        Judge { rule, without_key: Arc::default() }
    }

    /// The conclusion, `None` where no reply came; the key is hidden in the reply.
    pub fn conclude(&self, mut outcome: Outcome) -> (Outcome, Option<Conclusion>) {
        let conclusion = outcome.conclusion_by(&self.rule);
        if let Outcome::Reply(reply) = &mut outcome {
            self.hide_key(reply);
        }
        (outcome, conclusion)
    }

    fn hide_key(&self, reply: &mut Reply) {
        let mut without_key = self.without_key.lock().unwrap_or_else(PoisonError::into_inner);
        if *reply == *without_key {
            return;
        }
        let received = reply.clone();
        mask::in_reply(reply);
        if *reply == received {
            *without_key = received;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_hidden_in_every_reply_whatever_came_before() {
        mask::remember(b"s3cret-key");
        let judge = Judge::default();
        let plain = Reply { status: 200, body: b"OK s3cret".to_vec(), ..Reply::default() };
        let quoting = Reply { body: b"OK s3cret-key".to_vec(), ..plain.clone() };
        let named = Reply { content_type: Some("s3cret-key".to_owned()), ..plain.clone() };
        let shown = |reply: &Reply| match judge.conclude(Outcome::Reply(reply.clone())).0 {
            Outcome::Reply(reply) => reply,
            Outcome::NoReply(failure) => panic!("{failure:?}"),
        };
        for _ in 0..2 {
            assert_eq!(shown(&plain), plain);
            assert_eq!(shown(&plain), plain);
            for secret in [&quoting, &named] {
                let hidden = format!("{:?}", shown(secret));
                assert!(!hidden.contains("s3cret-key"), "{hidden}");
                assert_ne!(shown(secret), *secret);
            }
        }
    }
}
