//! What a check is to do, and the most that it will send.

use jiff::Timestamp;

use super::case::{Case, Effect, Expect, Manner, Need, Probe, StepPlan, Work};
use super::control::{CLEARLY_BAD_COUNT, MOST_OF_A_CONTROL, VARIANT_COUNT};
use super::observer::Observer;
use super::probe::MOST_OF_A_PROBE;
use super::recipe::Workshop;
use super::sender::Wiring;
use super::suite::Suite;
use crate::process::command::UserCommand;
use crate::sender::schedule::RetrySchedule;

pub(super) const MOST_TRIES: u64 = 2;

/// How often an order must be refused that is not refused by chance, after its first two.
pub(super) const REFUSALS: u32 = 3;

#[derive(Clone, Debug)]
pub struct Plan {
    pub wiring: Wiring,
    pub workshop: Workshop,
    pub suite: Suite,
    pub available: Vec<Need>,
    pub observer: Option<Observer>,
    pub prepare: Option<UserCommand>,
    /// The seed of the order ids, for the report.
    pub seed: u64,
    pub started_at: Timestamp,
}

impl Plan {
    pub fn bound(&self) -> u64 {
        let openings = if self.observer.is_some() { 3 } else { 1 };
        // A refused one is followed by one of another order.
        let controls = 2 * self.suite.groups().len() as u64 + openings;
        let around = controls * MOST_OF_A_CONTROL + CLEARLY_BAD_COUNT.max(VARIANT_COUNT);
        let is_watched = |case: &Case| self.observer.is_some() && case.effect != Effect::Any;
        let cases = self.suite.cases.iter().map(|case| most_requests(case, is_watched(case)));
        cases.fold(around, u64::saturating_add)
    }

    /// Why a case cannot be asked; `None` where it can.
    pub(super) fn lacking(&self, case: &Case) -> Option<&'static str> {
        if self.wiring.client.proxy().is_some() && needs_direct(case) {
            return Some("it needs a direct connection, and a proxy is in the way (--proxy none)");
        }
        if let Some(need) = case.needs.iter().find(|need| !self.available.contains(need)) {
            return Some(need.lacking());
        }
        if case.steps().iter().any(|step| step.fault.is_some()) {
            return Some("nothing stops and starts the merchant (--explore --start)");
        }
        let mut recipes = match &case.work {
            Work::Send(steps) => steps.iter(),
            Work::Retry(step) => std::slice::from_ref(step).iter(),
            Work::Probe(_) => [].iter(),
        };
        recipes.find_map(|step| self.workshop.cannot_send(&step.recipe))
    }
}

fn needs_direct(case: &Case) -> bool {
    let is_plain = |step: &StepPlan| matches!(step.manner, Manner::Plain | Manner::Fresh);
    match &case.work {
        Work::Send(steps) => !steps.iter().all(is_plain),
        Work::Retry(step) => !is_plain(step),
        Work::Probe(probe) => {
            matches!(
                probe,
                Probe::Dns | Probe::Connect | Probe::Tls | Probe::Ipv6 | Probe::KeepAlive
            )
        }
    }
}

/// The most requests of one case, its second try and the controls after it included.
fn most_requests(case: &Case, is_watched: bool) -> u64 {
    match &case.work {
        Work::Probe(_) => MOST_OF_A_PROBE,
        Work::Retry(_) => MOST_TRIES * RetrySchedule::default().attempts() as u64,
        Work::Send(_) => {
            let controls = if is_rough(case) { 2 * MOST_OF_A_CONTROL } else { 0 };
            // A notification that is not acknowledged is sent once more under a watch.
            let again = if is_watched { case.steps().len() as u64 } else { 0 };
            // So is an order tried that may be refused alone, and its refusal made sure of.
            let tries = if is_watched { MOST_TRIES + 1 } else { MOST_TRIES };
            let sure = if is_watched { REFUSALS } else { 0 };
            tries * (case.requests() + controls + again) + u64::from(sure)
        }
    }
}

/// Whether a case may harm an endpoint, so that the control follows it.
pub(super) fn is_rough(case: &Case) -> bool {
    case.steps().iter().any(|step| matches!(step.expect, Expect::Refused | Expect::Answered))
}

pub(super) fn is_sociable(case: &Case) -> bool {
    let is_quick = |step: &StepPlan| {
        step.at_once == 1
            && !step.with_next
            && step.after.is_zero()
            && !matches!(step.manner, Manner::Slowly(_) | Manner::ReplyLost)
    };
    !case.steps().is_empty() && !is_rough(case) && case.steps().iter().all(is_quick)
}
