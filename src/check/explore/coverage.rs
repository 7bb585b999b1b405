//! What an exploration covered: which steps met which faults, and under which laws.

use std::collections::BTreeMap;

use super::history::{History, Role, Status};
use super::laws::Law;

/// The name of the column for steps and histories without a fault.
pub const NO_FAULT: &str = "no fault";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Steps by their role, their status and the fault that they met.
    pub steps: BTreeMap<(Role, Status, String), u64>,
    /// Histories by the laws that they can break and the faults in them.
    pub laws: BTreeMap<(Law, String), u64>,
    pub histories: u64,
    pub orders: u64,
    /// How often each fault happened.
    pub faults: BTreeMap<String, u64>,
}

impl Coverage {
    pub fn add(&mut self, history: &History) {
        self.histories += 1;
        self.orders += u64::from(history.orders());
        let mut faults: Vec<String> = Vec::new();
        let mut laws: Vec<Law> = Vec::new();
        for (index, step) in history.steps.iter().enumerate() {
            let fault = step.fault.map_or(NO_FAULT.to_owned(), |fault| fault.name());
            let (role, status) = history.role(index);
            *self.steps.entry((role, status, fault.clone())).or_default() += 1;
            if step.fault.is_some() {
                faults.push(fault);
            }
            laws.extend(laws_of(role, status));
        }
        if faults.is_empty() {
            faults.push(NO_FAULT.to_owned());
        }
        faults.sort_unstable();
        faults.dedup();
        laws.sort_unstable();
        laws.dedup();
        for law in laws {
            for fault in &faults {
                *self.laws.entry((law, fault.clone())).or_default() += 1;
            }
        }
    }

    pub fn kills(&self) -> u64 {
        let is_kill = |(name, _): &(&String, &u64)| name.starts_with("kill");
        self.faults.iter().filter(is_kill).map(|(_, count)| count).sum()
    }
}

/// The laws that a step may break.
fn laws_of(role: Role, status: Status) -> Vec<Law> {
    let mut laws = vec![Law::StaysUp];
    match (role, status) {
        (Role::Forged, _) => laws.push(Law::ForgedChangesNothing),
        (_, Status::Processing) => {}
        (Role::Contradiction, _) => laws.extend([Law::FinalStands, Law::RefundedOnce]),
        (_, status) => {
            let once = if status == Status::Success { Law::BookedOnce } else { Law::RefundedOnce };
            laws.extend([Law::AcknowledgedIsBooked, Law::EveryOrderEnds, once]);
        }
    }
    laws
}

#[cfg(test)]
mod tests {
    use super::super::generate::{Grammar, draw};
    use super::*;
    use crate::check::fault::PHASES;

    #[test]
    fn nothing_that_the_grammar_allows_is_left_out_in_1000_seeds() {
        let grammar = Grammar { has_signals: true, has_disk: true };
        let mut coverage = Coverage::default();
        for seed in 0..1_000 {
            // What a run of some seconds plays.
            for number in 0..16 {
                coverage.add(&draw(seed, number, grammar));
            }
        }
        let mut faults = vec![
            NO_FAULT.to_owned(),
            "pause before".to_owned(),
            "pause between".to_owned(),
            "full-disk".to_owned(),
        ];
        for verb in ["kill", "terminate"] {
            faults.extend(PHASES.map(|phase| format!("{verb} {phase}")));
        }
        let mut missing = Vec::new();
        for role in Role::ALL {
            for status in Status::ALL {
                // The bytes of a final notification alone are repeated, and only such one contradicts.
                let is_allowed =
                    status.is_final() || !matches!(role, Role::SameBytes | Role::Contradiction);
                for fault in faults.iter().filter(|_| is_allowed) {
                    let key = (role, status, fault.clone());
                    if !coverage.steps.contains_key(&key) {
                        missing.push(format!("{} {} {fault}", role.name(), status.name()));
                    }
                }
            }
        }
        for law in Law::ALL {
            for fault in &faults {
                if !coverage.laws.contains_key(&(law, fault.clone())) {
                    missing.push(format!("{law:?} {fault}"));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
