//! Cuts a failing history down to the shortest one that still fails.

use super::history::{History, Send, Status, Step};
use crate::check::fault::{Fault, Moment};

/// So many other orders come between two notifications of one.
const OTHERS: u8 = 10;

/// How long a history is: fewest orders first, then steps, faults and details.
pub fn size(history: &History) -> (usize, usize, usize, u32) {
    let details = |step: &Step| {
        let moment = match step.fault.and_then(Fault::end) {
            None | Some(Moment::After) => 0,
            Some(Moment::Between(_)) => 1,
            Some(Moment::Before) => 2,
        };
        u32::from(step.is_old)
            + u32::from(step.is_reply_lost)
            + u32::from(step.with_next)
            + u32::from(step.at_once - 1)
            + u32::from(step.wait > 0)
            + u32::from(
                matches!(step.send, Send::Status(it) | Send::Forged(it) if it != Status::Success),
            )
            + moment
    };
    let details = history.steps.iter().map(details).sum();
    (history.orders().into(), history.steps.len(), history.faults(), details)
}

/// The histories that are one cut shorter, the deepest cuts first.
pub fn candidates(history: &History) -> Vec<History> {
    let mut all: Vec<History> = Vec::new();
    let keep = |fits: &dyn Fn(usize, &Step) -> bool| {
        let steps = history.steps.iter().enumerate().filter(|(at, step)| fits(*at, step));
        History { steps: steps.map(|(_, step)| step.clone()).collect() }.tidy()
    };
    let half = history.steps.len() / 2;
    for order in 0..history.orders() {
        let own = (0..history.steps.len()).filter(|at| history.steps[*at].order == order);
        let own: Vec<usize> = own.collect();
        all.push(with_faults(history, &own));
        // Most flaws show in two notifications of one order.
        for (at, first) in own.iter().enumerate() {
            all.extend(own[at + 1..].iter().map(|second| with_faults(history, &[*first, *second])));
        }
    }
    if half > 1 {
        all.push(keep(&|at, _| at < half));
        all.push(keep(&|at, _| at >= half));
    }
    for order in 0..history.orders() {
        all.push(keep(&|_, step| step.order != order));
    }
    for cut in 0..history.steps.len() {
        let rest: Vec<usize> = (0..history.steps.len()).filter(|at| *at != cut).collect();
        all.push(keep(&|at, _| at != cut));
        all.push(with_faults(history, &rest));
    }
    for at in 0..history.steps.len() {
        let mut change = |change: &dyn Fn(&mut Step)| {
            let mut changed = history.clone();
            change(&mut changed.steps[at]);
            all.push(changed.tidy());
        };
        change(&|step| step.fault = None);
        change(&|step| {
            step.fault = step.fault.map(|fault| match fault {
                Fault::Kill(_) => Fault::Kill(Moment::After),
                Fault::Terminate(_) => Fault::Terminate(Moment::After),
                other => other,
            });
        });
        change(&|step| step.at_once = 1);
        change(&|step| step.at_once = step.at_once.min(2));
        change(&|step| step.with_next = false);
        change(&|step| step.is_reply_lost = false);
        change(&|step| step.is_old = false);
        change(&|step| step.wait = 0);
        change(&|step| {
            if let Send::Status(status) = &mut step.send {
                *status = Status::Success;
            }
        });
    }
    let most = size(history);
    let mut shorter: Vec<History> = Vec::new();
    for one in all {
        if !one.steps.is_empty() && size(&one) < most && !shorter.contains(&one) {
            shorter.push(one);
        }
    }
    shorter
}

/// The shortest histories that a failing one may come down to: of each of its final statuses one or
/// two notifications, with a fault at most.
pub fn short(history: &History) -> Vec<History> {
    let finals = |index: usize| Some(history.role(index).1).filter(|status| status.is_final());
    let mut statuses: Vec<Status> = (0..history.steps.len()).filter_map(finals).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let mut ends = vec![None];
    for moment in [Moment::After, Moment::Between(300), Moment::Between(600), Moment::Between(900)]
    {
        ends.push(Some(Fault::Kill(moment)));
    }
    if history.steps.iter().any(|step| matches!(step.fault, Some(Fault::Terminate(_)))) {
        ends.push(Some(Fault::Terminate(Moment::After)));
        ends.push(Some(Fault::Terminate(Moment::Between(500))));
    }
    let mut all = Vec::new();
    for status in statuses {
        let send = Send::Status(status);
        let other = match status {
            Status::Success => Status::Failed,
            _ => Status::Success,
        };
        for fault in &ends {
            let first = Step { fault: *fault, ..Step::plain(0, send) };
            all.push(History { steps: vec![first.clone()] });
            for second in [Send::Again, Send::Status(other)] {
                all.push(History { steps: vec![first.clone(), Step::plain(0, second)] });
            }
        }
    }
    // Orders beside each other, and one after a later one.
    let beside =
        |order| Step { with_next: true, ..Step::plain(order, Send::Status(Status::Success)) };
    let late = Step { is_old: true, ..Step::plain(1, Send::Status(Status::Success)) };
    all.push(History { steps: (0..4).map(beside).collect() }.tidy());
    // Another order is booked when the process ends.
    for time in [300, 600, 900] {
        let mut second = Step::plain(1, Send::Status(Status::Success));
        second.fault = Some(Fault::Kill(Moment::Between(time)));
        all.push(History { steps: vec![Step::plain(0, Send::Status(Status::Success)), second] });
    }
    // Other orders push one out of a memory.
    let mut crowd: Vec<Step> = (1..=OTHERS).map(beside).collect();
    crowd.insert(0, Step::plain(0, Send::Status(Status::Success)));
    let end = Step::plain(0, Send::Again);
    all.push(History {
        steps: crowd
            .into_iter()
            .map(|step| Step { with_next: false, ..step })
            .chain([end])
            .collect(),
    });
    all.push(History { steps: vec![Step::plain(0, Send::Status(Status::Success)), late] });
    all.retain(|one| size(one) < size(history));
    all.sort_by_key(size);
    all
}

/// These steps alone; the fault of one that is cut happens at the one before it.
fn with_faults(history: &History, kept: &[usize]) -> History {
    let mut short = History::default();
    for (at, step) in history.steps.iter().enumerate() {
        match (kept.contains(&at), short.steps.last_mut()) {
            (true, _) => short.steps.push(step.clone()),
            (false, Some(last)) => last.fault = last.fault.or(step.fault),
            (false, None) => {}
        }
    }
    short.tidy()
}

/// Cuts as long as something shorter fails. `find` gets candidates, of which those before are
/// shorter, and says which one fails; `None` where none does, or the time is over.
pub async fn shrink(
    mut history: History,
    mut find: impl AsyncFnMut(&[History]) -> Option<usize>,
) -> History {
    let mut passed: Vec<History> = Vec::new();
    loop {
        let mut next = candidates(&history);
        next.retain(|one| !passed.contains(one));
        match find(&next).await {
            Some(at) if at < next.len() => {
                passed.extend(next.drain(..at));
                history = next.swap_remove(0);
            }
            _ => return history,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::generate::{Grammar, draw};
    use super::super::history::Role;
    use super::*;

    /// A merchant that remembers in memory: booked twice where a kill is between two of one order.
    fn books_twice(history: &History) -> bool {
        history.steps.iter().enumerate().any(|(at, step)| {
            step.fault.is_some_and(|fault| fault.end().is_some())
                && history.steps[at + 1..].iter().enumerate().any(|(later, one)| {
                    one.order == step.order
                        && history.role(at + 1 + later) == (Role::SameBytes, Status::Success)
                        && history.role(at).1 == Status::Success
                })
        })
    }

    #[tokio::test]
    async fn a_failure_is_cut_to_the_steps_that_it_needs() {
        let grammar = Grammar { has_signals: true, has_disk: true };
        let failing = (0..2_000).map(|number| draw(1, number, grammar)).filter(books_twice);
        let mut count = 0;
        for history in failing.take(100) {
            count += 1;
            let find = async |all: &[History]| all.iter().position(books_twice);
            let short = shrink(history, find).await;
            assert_eq!((short.steps.len(), short.orders(), short.faults()), (2, 1, 1), "{short:?}");
            assert_eq!(short.steps[1].send, Send::Again);
            assert_eq!(short.steps[0].fault.and_then(Fault::end), Some(Moment::After));
        }
        assert_eq!(count, 100);
    }

    #[test]
    fn every_candidate_is_shorter_and_can_be_made() {
        for number in 0..300 {
            let history = draw(2, number, Grammar::default());
            for one in candidates(&history) {
                assert!(size(&one) < size(&history) && !one.steps.is_empty());
                assert_eq!(one, one.clone().tidy());
            }
        }
    }
}
