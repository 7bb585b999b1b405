//! Draws histories from a seed: the same seed gives the same histories on every machine.

use fastrand::Rng;

use super::history::{History, Send, Status, Step};
use crate::check::fault::{Fault, Moment, WHOLE};

/// The most orders and steps; what meets no fault takes little time.
const MOST_WITH_FAULTS: (u8, usize) = (3, 8);
const MOST_WHEN_CALM: (u8, usize) = (5, 14);
const MOST_FAULTS: usize = 3;
const MOST_AT_ONCE: u8 = 6;
const MOST_OF_A_CROWD: u8 = 8;

/// Histories without a fault, of all, in percent: they run beside each other.
const CALM: u32 = 30;

/// Those with many orders in flight together.
const CROWDED: u32 = 30;

/// What the merchant's surroundings allow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grammar {
    /// A process can be paused and asked to end.
    pub has_signals: bool,
    pub has_disk: bool,
}

/// The history of a seed with this number.
pub fn draw(seed: u64, number: u64, grammar: Grammar) -> History {
    // Neighbouring numbers must not give neighbouring states.
    let mixed = (seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(23);
    let mut random = Rng::with_seed(mixed);
    let kind = random.u32(0..100);
    if (CALM..CALM + CROWDED).contains(&kind) {
        return draw_crowd(&mut random, grammar);
    }
    let is_calm = kind < CALM;
    let (most_orders, most_steps) = if is_calm { MOST_WHEN_CALM } else { MOST_WITH_FAULTS };
    let orders = random.u8(1..=most_orders);
    let steps = random.usize(2..=most_steps);
    let mut history = History::default();
    for _ in 0..steps {
        let order = random.u8(0..orders);
        let send = draw_send(&mut random, &history, order);
        let mut step = Step::plain(order, send);
        draw_travel(&mut random, &mut step);
        if !is_calm && history.faults() < MOST_FAULTS && percent(&mut random, 45) {
            step.fault = Some(draw_fault(&mut random, grammar));
        }
        history.steps.push(step);
    }
    history.tidy()
}

/// Orders that are sent together, mostly with a fault among them, and what follows of some.
fn draw_crowd(random: &mut Rng, grammar: Grammar) -> History {
    let orders = random.u8(3..=MOST_OF_A_CROWD);
    let mut history = History::default();
    for order in 0..orders {
        let status = draw_status(random);
        let with_next = order + 1 < orders;
        history.steps.push(Step { with_next, ..Step::plain(order, Send::Status(status)) });
    }
    if percent(random, 75) {
        history.steps[0].fault = Some(draw_fault(random, grammar));
    }
    for order in 0..orders {
        if percent(random, 60) {
            let send = draw_send(random, &history, order);
            history.steps.push(Step::plain(order, send));
        }
    }
    history
}

fn percent(random: &mut Rng, of: u32) -> bool {
    random.u32(0..100) < of
}

fn draw_send(random: &mut Rng, history: &History, order: u8) -> Send {
    let mut finals = history.steps.iter().rev().filter_map(|step| match step.send {
        Send::Status(status) if step.order == order && status.is_final() => Some(status),
        _ => None,
    });
    let Some(last) = finals.next() else {
        return match random.u32(0..100) {
            0..=9 => Send::Status(Status::Processing),
            10..=17 => Send::Forged(draw_status(random)),
            _ => Send::Status(draw_status(random)),
        };
    };
    match random.u32(0..100) {
        0..=44 => Send::Again,
        45..=59 => Send::Status(last),
        60..=79 => Send::Status(other_than(last, random)),
        80..=89 => Send::Forged(random.choice(Status::ALL).unwrap_or(last)),
        _ => Send::Status(Status::Processing),
    }
}

fn draw_status(random: &mut Rng) -> Status {
    match random.u32(0..100) {
        0..=54 => Status::Success,
        55..=79 => Status::Failed,
        _ => Status::Cancelled,
    }
}

fn other_than(status: Status, random: &mut Rng) -> Status {
    match status {
        Status::Success if random.bool() => Status::Failed,
        Status::Success => Status::Cancelled,
        _ if percent(random, 60) => Status::Success,
        Status::Failed => Status::Cancelled,
        _ => Status::Failed,
    }
}

fn draw_travel(random: &mut Rng, step: &mut Step) {
    match random.u32(0..100) {
        0..=11 => step.is_reply_lost = true,
        12..=23 => step.at_once = random.u8(2..=MOST_AT_ONCE),
        24..=35 => step.with_next = true,
        _ => {}
    }
    step.is_old = percent(random, 8);
    step.wait = match random.u32(0..100) {
        0..=1 => 2_500,
        2..=5 => 400,
        6..=12 => 50,
        _ => 0,
    };
}

fn draw_fault(random: &mut Rng, grammar: Grammar) -> Fault {
    let moment = match random.u32(0..100) {
        0..=9 => Moment::Before,
        10..=59 => Moment::Between(random.u16(0..=WHOLE / 20) * 20),
        _ => Moment::After,
    };
    match random.u32(0..100) {
        0..=9 if grammar.has_disk => Fault::FullDisk,
        10..=24 if grammar.has_signals => Fault::Pause(match moment {
            Moment::After if random.bool() => Moment::Before,
            Moment::After => Moment::Between(random.u16(0..=WHOLE / 20) * 20),
            earlier => earlier,
        }),
        25..=44 if grammar.has_signals => Fault::Terminate(moment),
        _ => Fault::Kill(moment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Grammar = Grammar { has_signals: true, has_disk: true };

    #[test]
    fn a_seed_gives_the_same_histories() {
        let draw_all = |seed| (0..50).map(|number| draw(seed, number, ALL)).collect::<Vec<_>>();
        assert_eq!(draw_all(7), draw_all(7));
        assert_ne!(draw_all(7), draw_all(8));
        // On every machine: a change of the generator shows here.
        let sums: Vec<usize> = draw_all(1).iter().map(|one| one.steps.len()).take(12).collect();
        assert_eq!(sums, [5, 5, 8, 10, 4, 8, 6, 5, 8, 5, 4, 7]);
    }

    #[test]
    fn what_the_surroundings_do_not_allow_is_not_drawn() {
        for number in 0..500 {
            let history = draw(3, number, Grammar::default());
            let faults = history.steps.iter().filter_map(|step| step.fault);
            assert!(faults.clone().all(|fault| matches!(fault, Fault::Kill(_))));
            assert!(faults.count() <= MOST_FAULTS);
        }
    }
}
