//! What the platform concludes from what came of a request.

use std::sync::Arc;

use protocol::Key;
use protocol::internal::acknowledgement::{AcknowledgementRule, Conclusion};

use crate::mask::KeyMask;
use crate::net::outcome::Outcome;

#[derive(Clone, Debug, Default)]
pub struct Judge {
    pub rule: AcknowledgementRule,
    pub mask: Arc<KeyMask>,
}

impl Judge {
    pub fn new(rule: AcknowledgementRule, key: Option<&Key>) -> Self {
        Judge { rule, mask: Arc::new(KeyMask::new(key)) }
    }

    /// The conclusion, `None` where no reply came; the key is hidden in it and in the reply.
    pub fn conclude(&self, mut outcome: Outcome) -> (Outcome, Option<Conclusion>) {
        let mut conclusion = outcome.conclusion_by(&self.rule);
        if let Outcome::Reply(reply) = &mut outcome {
            self.mask.reply(reply);
        }
        conclusion.iter_mut().for_each(|conclusion| self.mask.conclusion(conclusion));
        (outcome, conclusion)
    }
}
