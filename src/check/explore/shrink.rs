//! Cuts a failing history down to the shortest one that still fails.

use super::history::{History, HistoryStep, OrderStatus, Send};
use super::laws::Law;
use crate::check::fault::{Fault, Moment};

/// So many other orders come between two notifications of one.
const OTHERS: [u8; 2] = [10, 32];

/// Longer than what is remembered for a short time only, in milliseconds.
const LATER: u16 = 2_500;

/// More copies than a small pool has places.
const MANY_AT_ONCE: u8 = 6;

/// How long a history is: fewest orders first, then steps, faults and details.
pub fn size(history: &History) -> (usize, usize, usize, u32) {
    let details = |step: &HistoryStep| {
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
                matches!(step.send, Send::OrderStatus(it) | Send::Forged(it) if it != OrderStatus::Success),
            )
            + moment
    };
    let details = history.steps.iter().map(details).sum();
    (history.orders().into(), history.steps.len(), history.faults(), details)
}

/// The histories that are one cut shorter, the deepest cuts first.
pub fn candidates(history: &History) -> Vec<History> {
    let mut all: Vec<History> = Vec::new();
    let keep = |fits: &dyn Fn(usize, &HistoryStep) -> bool| {
        let steps = history.steps.iter().enumerate().filter(|(at, step)| fits(*at, step));
        History { steps: steps.map(|(_, step)| step.clone()).collect() }.tidy()
    };
    let half = history.steps.len() / 2;
    if half > 1 {
        let half_of_orders = history.orders() / 2;
        if half_of_orders > 0 {
            all.push(keep(&|_, step| step.order < half_of_orders));
            all.push(keep(&|_, step| step.order >= half_of_orders));
        }
        all.push(keep(&|at, _| at < half));
        all.push(keep(&|at, _| at >= half));
    }
    for order in 0..history.orders() {
        let own = (0..history.steps.len()).filter(|at| history.steps[*at].order == order);
        let own: Vec<usize> = own.collect();
        all.push(with_faults(history, &own));
        // Most flaws show in two notifications of one order.
        for (at, first) in own.iter().enumerate() {
            all.extend(own[at + 1..].iter().map(|second| with_faults(history, &[*first, *second])));
        }
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
        let mut change = |change: &dyn Fn(&mut HistoryStep)| {
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
            if let Send::OrderStatus(status) = &mut step.send {
                *status = OrderStatus::Success;
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

/// What is tried first, shortest first: the history itself and the steps of each of its orders, the
/// shortest ones that break such a law, and those with other orders beside it.
pub fn first_candidates(history: &History, law: Law) -> Vec<History> {
    let own = |order| {
        let own = (0..history.steps.len()).filter(|at| history.steps[*at].order == order);
        with_faults(history, &own.collect::<Vec<usize>>())
    };
    let mut all: Vec<History> = (0..history.orders()).map(own).collect();
    all.push(history.clone());
    all.extend(short(history, law));
    all.extend(with_others(history, law));
    all.sort_by_key(|one| (one.steps.len(), size(one)));
    all.dedup();
    all
}

/// The final statuses of a history; where the law is about one kind of them, those.
fn statuses(history: &History, law: Law) -> Vec<OrderStatus> {
    let finals = |index: usize| Some(history.role(index).1).filter(|status| status.is_final());
    let mut all: Vec<OrderStatus> = (0..history.steps.len()).filter_map(finals).collect();
    all.sort_unstable();
    all.dedup();
    let is_about = |status: &OrderStatus| match law {
        Law::BookedOnce => *status == OrderStatus::Success,
        Law::RefundedOnce => *status != OrderStatus::Success,
        _ => true,
    };
    if all.iter().any(is_about) {
        all.retain(is_about);
    }
    all
}

/// The shortest histories that a failing one may come down to: one to three notifications of an
/// order, with a fault at most.
pub fn short(history: &History, law: Law) -> Vec<History> {
    let mut all = Vec::new();
    let mut add = |steps: Vec<HistoryStep>| all.push(History { steps });
    for status in statuses(history, law) {
        let send = Send::OrderStatus(status);
        let (first, again) = (HistoryStep::plain(0, send), HistoryStep::plain(0, Send::Again));
        for fault in faults(history) {
            let first = HistoryStep { fault, ..first.clone() };
            if matches!(law, Law::BookedOnce | Law::RefundedOnce | Law::FinalStands) {
                add(vec![first.clone(), again.clone()]);
            }
            add(vec![first]);
        }
        add(vec![HistoryStep { at_once: MANY_AT_ONCE, ..first.clone() }]);
        let lost = HistoryStep { is_reply_lost: true, ..first.clone() };
        add(vec![lost.clone()]);
        add(vec![HistoryStep { at_once: MANY_AT_ONCE, ..lost }]);
        let processing = HistoryStep::plain(0, Send::OrderStatus(OrderStatus::Processing));
        add(vec![processing.clone(), first.clone()]);
        if matches!(law, Law::EveryOrderEnds | Law::StaysUp) {
            continue;
        }
        add(vec![first.clone(), first.clone()]);
        add(vec![first.clone(), HistoryStep { wait: LATER, ..again.clone() }]);
        add(vec![first.clone(), processing, again]);
        let others = OrderStatus::ALL.into_iter().filter(|it| it.is_final() && *it != status);
        for other in others.filter(|_| matches!(law, Law::FinalStands | Law::RefundedOnce)) {
            let second = HistoryStep::plain(0, Send::OrderStatus(other));
            let kill = Some(Fault::Kill(Moment::After));
            add(vec![first.clone(), second.clone()]);
            add(vec![HistoryStep { fault: kill, ..first.clone() }, second.clone()]);
            add(vec![HistoryStep { with_next: true, ..first.clone() }, second]);
        }
        if law == Law::ForgedChangesNothing {
            let forged = HistoryStep::plain(0, Send::Forged(status));
            add(vec![forged.clone(), first.clone()]);
            add(vec![first, forged]);
        }
    }
    all.retain(|one| size(one) < size(history));
    all.sort_by_key(size);
    all
}

/// What needs other orders, which the failing history may have had in its round only.
pub fn with_others(history: &History, law: Law) -> Vec<History> {
    let status = statuses(history, law).first().copied().unwrap_or(OrderStatus::Success);
    let first = |order| HistoryStep::plain(order, Send::OrderStatus(status));
    let beside = |order| HistoryStep { with_next: true, ..first(order) };
    let mut faults: Vec<Fault> = history.steps.iter().filter_map(|step| step.fault).collect();
    faults.sort_unstable();
    faults.dedup_by_key(|fault| fault.name());
    let mut all: Vec<Vec<HistoryStep>> = Vec::new();
    for orders in [2, 4] {
        for fault in faults.iter().map(|fault| Some(*fault)).chain([None]) {
            let mut steps: Vec<HistoryStep> = (0..orders).map(beside).collect();
            steps[0].fault = fault;
            all.push(steps);
        }
    }
    match law {
        Law::EveryOrderEnds | Law::StaysUp => {
            all.push(vec![first(0), HistoryStep { is_old: true, ..first(1) }]);
            all.push(vec![HistoryStep { is_reply_lost: true, ..first(0) }, first(1)]);
        }
        Law::ForgedChangesNothing => {}
        _ => {
            // Another order is booked when the process ends.
            for time in [300, 600, 900] {
                let fault = Some(Fault::Kill(Moment::Between(time)));
                all.push(vec![first(0), HistoryStep { fault, ..first(1) }]);
            }
            // Other orders push one out of a memory.
            for others in OTHERS {
                let mut steps = vec![first(0)];
                steps.extend((1..others).map(beside));
                steps.extend([first(others), HistoryStep::plain(0, Send::Again)]);
                all.push(steps);
            }
        }
    }
    all.into_iter().map(|steps| History { steps }.tidy()).collect()
}

/// What may happen to a process during a notification: nothing, a kill, or what did happen.
fn faults(history: &History) -> Vec<Option<Fault>> {
    let between = |time| Moment::Between(time);
    let kills = [Moment::After, between(300), between(600), between(900)].map(Fault::Kill);
    let mut all = vec![None];
    all.extend(kills.map(Some));
    if history.steps.iter().any(|step| matches!(step.fault, Some(Fault::Terminate(_)))) {
        all.extend([Moment::After, between(500)].map(|moment| Some(Fault::Terminate(moment))));
    }
    let is_pause = |fault: &Fault| matches!(fault, Fault::Pause(_));
    // Each lasts until a request has timed out.
    let pause = history.steps.iter().find_map(|step| step.fault.filter(is_pause));
    all.extend(pause.map(Some));
    if history.steps.iter().any(|step| step.fault == Some(Fault::FullDisk)) {
        all.push(Some(Fault::FullDisk));
    }
    all
}

/// These steps alone; the fault of one that is cut happens at the one before it, or at the first.
fn with_faults(history: &History, kept: &[usize]) -> History {
    let mut short = History::default();
    let mut earlier = None;
    for (at, step) in history.steps.iter().enumerate() {
        match (kept.contains(&at), short.steps.last_mut()) {
            (true, _) => {
                let fault = step.fault.or(earlier.take());
                short.steps.push(HistoryStep { fault, ..step.clone() });
            }
            (false, Some(last)) => last.fault = last.fault.or(step.fault),
            (false, None) => earlier = earlier.or(step.fault),
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
                        && history.role(at + 1 + later) == (Role::SameBytes, OrderStatus::Success)
                        && history.role(at).1 == OrderStatus::Success
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
    fn the_shortest_histories_are_shorter_and_can_be_made() {
        for number in 0..100 {
            let history = draw(4, number, Grammar { has_signals: true, has_disk: false });
            for law in Law::ALL {
                for one in short(&history, law) {
                    assert!(size(&one) < size(&history) && one == one.clone().tidy(), "{one:?}");
                }
                let all = first_candidates(&history, law);
                assert!(all.contains(&history) && all.is_sorted_by_key(|one| one.steps.len()));
                assert!(all.iter().all(|one| *one == one.clone().tidy()), "{all:?}");
            }
        }
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
