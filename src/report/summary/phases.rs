//! The times of the phases of attempts.

use super::latency::LatencyFigures;
use crate::net::phases::{AttemptPhase, Phases};

/// The times of each phase, of the attempts that have one. A phase in which an attempt failed counts
/// with the time until then, as it does in the latency: else a merchant that never replies would
/// have the best first bytes.
#[derive(Clone, Debug, Default)]
pub struct PhaseFigures {
    figures: [LatencyFigures; AttemptPhase::TIMED.len()],
    attempts: u64,
}

impl PhaseFigures {
    pub(super) fn record(&mut self, phases: &Phases) {
        let mut is_measured = false;
        for (micros, figures) in phases.micros().into_iter().zip(&mut self.figures) {
            if let Some(micros) = micros {
                figures.record_micros(micros);
                is_measured = true;
            }
        }
        self.attempts += u64::from(is_measured);
    }

    /// How many attempts have the time of any phase.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Each phase, and its times where there are some.
    pub fn each(&self) -> impl Iterator<Item = (AttemptPhase, &LatencyFigures)> {
        AttemptPhase::TIMED.into_iter().zip(&self.figures)
    }

    /// The phases that a report shows.
    pub(super) fn taken(&self) -> impl Iterator<Item = (AttemptPhase, &LatencyFigures)> {
        self.each().filter(|(_, figures)| figures.count() > 0)
    }

    pub fn of(&self, phase: AttemptPhase) -> Option<&LatencyFigures> {
        self.each().find_map(|(each, figures)| (each == phase).then_some(figures))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_phase_counts_where_it_took_place_and_also_where_the_attempt_failed_in_it() {
        let mut figures = PhaseFigures::default();
        let kept =
            Phases::default().with(AttemptPhase::Send, 10).with(AttemptPhase::FirstByte, 1_000);
        figures.record(&kept);
        figures.record(&kept.with(AttemptPhase::Connect, 300));
        figures.record(
            &kept.with(AttemptPhase::FirstByte, 9_000_000).failed_in(AttemptPhase::FirstByte),
        );
        figures.record(&Phases::default());
        let counts: Vec<u64> = figures.each().map(|(_, figures)| figures.count()).collect();
        assert_eq!((figures.attempts(), counts), (3, vec![0, 1, 0, 3, 3]));
        let taken: Vec<AttemptPhase> = figures.taken().map(|(phase, _)| phase).collect();
        assert_eq!(taken, [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]);
        let longest = figures.of(AttemptPhase::FirstByte).and_then(LatencyFigures::longest);
        assert_eq!(longest, Some(Duration::from_secs(9)));
        assert!(figures.of(AttemptPhase::Reply).is_none());
    }
}
