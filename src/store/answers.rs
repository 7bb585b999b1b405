//! Answers for those who wait for a commit, given so that a whole group costs one waking.

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::error::StoreError;

pub(super) type WriteOutcome = Result<usize, StoreError>;

#[derive(Debug)]
pub(super) struct AnswerSender {
    sender: oneshot::Sender<WriteOutcome>,
    runtime: Option<Handle>,
}

impl AnswerSender {
    /// A reply with the end at which it is waited for, which must be in the caller's runtime.
    pub(super) fn new() -> (AnswerSender, oneshot::Receiver<WriteOutcome>) {
        let (sender, receiver) = oneshot::channel();
        (AnswerSender { sender, runtime: Handle::try_current().ok() }, receiver)
    }
}

/// Outcomes that are sent together, by one task in the runtime of those who wait: to wake a task
/// from there costs next to nothing, from another thread a system call each.
#[derive(Debug, Default)]
pub(super) struct Answers {
    runtime: Option<Handle>,
    told: Told,
}

impl Answers {
    pub(super) fn add(&mut self, reply: AnswerSender, outcome: WriteOutcome) {
        let AnswerSender { sender, runtime } = reply;
        if self.told.0.is_empty() {
            self.runtime = runtime;
        } else if self.runtime.as_ref().map(Handle::id) != runtime.as_ref().map(Handle::id) {
            // Who no longer waits for the answer has lost nothing but the answer.
            let _unheard = sender.send(outcome);
            return;
        }
        self.told.0.push((sender, outcome));
    }

    pub(super) fn tell(&mut self) {
        let told = std::mem::take(&mut self.told);
        match self.runtime.take() {
            Some(runtime) if told.0.len() > 1 => drop(runtime.spawn(async move { drop(told) })),
            _ => drop(told),
        }
    }
}

#[derive(Debug, Default)]
struct Told(Vec<(oneshot::Sender<WriteOutcome>, WriteOutcome)>);

impl Drop for Told {
    fn drop(&mut self) {
        for (sender, outcome) in self.0.drain(..) {
            let _unheard = sender.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_group_is_told_in_its_own_runtime() {
        let runtime = runtime();
        let (first, second) =
            runtime.block_on(async { (AnswerSender::new(), AnswerSender::new()) });
        let mut answers = Answers::default();
        answers.add(first.0, Ok(1));
        answers.add(second.0, Ok(2));
        answers.tell();
        assert_eq!(
            runtime.block_on(async { (first.1.await, second.1.await) }),
            (Ok(Ok(1)), Ok(Ok(2)))
        );
    }

    #[test]
    fn nobody_waits_for_another_runtime() {
        let (idle, ended) = (runtime(), runtime());
        let (alone, other) = (idle.block_on(async { AnswerSender::new() }), AnswerSender::new());
        let gone = [
            ended.block_on(async { AnswerSender::new() }),
            ended.block_on(async { AnswerSender::new() }),
        ];
        drop(ended);
        let mut answers = Answers::default();
        answers.add(alone.0, Ok(1));
        answers.add(other.0, Ok(2));
        answers.tell();
        let mut answered = vec![alone.1, other.1];
        for (reply, receiver) in gone {
            answers.add(reply, Ok(3));
            answered.push(receiver);
        }
        answers.tell();
        let told: Vec<WriteOutcome> =
            answered.into_iter().map(|one| one.blocking_recv().unwrap()).collect();
        assert_eq!(told, [Ok(1), Ok(2), Ok(3), Ok(3)]);
    }
}
