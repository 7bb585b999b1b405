//! Cuts a failing history down against the merchant, and plays it again to see how often it fails.

use std::time::{Duration, Instant};

use super::history::History;
use super::laws::{Law, Violation};
use super::play::Played;
use super::process::ProcessError;
use super::run::{Judged, REPLAYS, Run};
use super::shrink::{first_candidates, shrink};
use super::{ExploreError, ExploreEvent, FoundViolation};
use crate::check::case::StepPlan;
use crate::check::fault::Fault;
use crate::check::report::Exchange;

/// How long a failing history is cut, at most; what is played last is judged after it.
const SHRINKING: Duration = Duration::from_secs(50);

/// What is left of it for cutting steps one by one.
const CUTTING: Duration = Duration::from_secs(20);

/// How long the candidates are played that settle together.
const TOGETHER: Duration = Duration::from_secs(8);

/// How often a history is played that fails at some moments only.
const MANY_TRIES: usize = 8;

/// How many cuts are taken back where the shortest history seldom fails.
const MOST_STEPS_BACK: usize = 3;

/// How many of the candidates that failed together are each played alone.
const MOST_VERIFIED: usize = 4;

/// A history of so many steps is not cut any more where it fails mostly.
const SHORT: u64 = 4;

/// A history of a round that broke a law.
pub(super) struct Failure {
    pub(super) history: History,
    /// The history with those that were played after it in its round, and with all of them.
    pub(super) contexts: [History; 2],
    pub(super) violation: Violation,
    pub(super) exchanges: Vec<Exchange>,
    /// How long it took to find.
    pub(super) after: Duration,
}

impl Failure {
    /// A merchant that ends or hangs before anything was done to it.
    pub(super) fn of_warm_up(played: &Played, after: Duration) -> Option<Failure> {
        let violation = played.violations.first()?.clone();
        let mut history = History::warm_up();
        history.steps.truncate(played.record.len().max(1));
        let contexts = [history.clone(), history.clone()];
        Some(Failure { history, contexts, violation, exchanges: played.timeline.clone(), after })
    }
}

type Failed = Option<(Played, Violation)>;

/// How much time histories get that are played one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Those that do not fit into the time of a batch are left out, and the books are read once.
    Quick,
    /// The same; what works on after a restart is given time before the next one.
    Spaced,
    /// So that it can be accused: all are played, spaced, and the books must stand still.
    Strict,
}

/// The best of the histories that were played alone.
struct Best {
    found: FoundViolation,
    history: History,
}

impl Best {
    /// Takes the history that needs fewer steps until it fails, repetitions included.
    fn improve(&mut self, found: FoundViolation, history: &History) {
        let cost = |one: &FoundViolation| (one.steps * 1_000).checked_div(one.failed);
        let (new, old) = (cost(&found), cost(&self.found));
        if new.is_some_and(|new| old.is_none_or(|old| new < old)) {
            *self = Best { found, history: history.clone() };
        }
    }

    fn fails_mostly(&self) -> bool {
        self.found.failed * 2 > REPLAYS
    }

    fn is_good(&self) -> bool {
        self.fails_mostly() && self.found.steps <= SHORT
    }
}

impl Run<'_, '_> {
    pub(super) async fn reduce(
        &mut self,
        failure: Failure,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<FoundViolation, ExploreError> {
        let law = failure.violation.law;
        let deadline = Instant::now() + SHRINKING;
        let found = self.found(&failure, &failure.history, Vec::new(), REPLAYS);
        let mut best = Best { found, history: failure.history.clone() };
        if self.is_gone() && !self.come_back().await? {
            return Ok(best.found);
        }
        // Most flaws show in one or two notifications; what fails seldom may hide what fails always.
        // Without a fault first: a restart may change the books of every order.
        let (calm, rough): (Vec<History>, Vec<History>) =
            first_candidates(&failure.history, law).into_iter().partition(|one| one.faults() == 0);
        for candidates in [&calm, &rough] {
            let limits = (&mut best, Care::Quick, deadline);
            if self.try_all(&failure, candidates, limits, tell).await? {
                return Ok(best.found);
            }
        }
        let shorter: Vec<History> =
            rough.into_iter().filter(|one| (one.steps.len() as u64) < best.found.steps).collect();
        let limits = (&mut best, Care::Spaced, deadline - CUTTING);
        if self.try_all(&failure, &shorter, limits, tell).await? {
            return Ok(best.found);
        }
        let start = match best.found.failed {
            0 => self.reproduce(&failure, deadline).await?,
            REPLAYS => Some((best.history.clone(), 1)),
            _ => Some((best.history.clone(), 3)),
        };
        if let Some((start, tries)) = start {
            let shorter = self.cut(start, (law, tries, deadline), tell).await?;
            for history in shorter.into_iter().rev().take(MOST_STEPS_BACK) {
                let found = self.verify(&failure, &history).await?;
                best.improve(found, &history);
                if best.fails_mostly() {
                    break;
                }
            }
        }
        Ok(best.found)
    }

    /// Plays candidates, shortest first, and those that fail once more alone: whether one of them is
    /// good enough.
    async fn try_all(
        &mut self,
        failure: &Failure,
        candidates: &[History],
        (best, care, deadline): (&mut Best, Care, Instant),
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<bool, ExploreError> {
        let law = failure.violation.law;
        let mut first = 0;
        while first < candidates.len() && Instant::now() < deadline {
            let failed = self.fail_together(&candidates[first..], law, care).await?;
            let violation_of = |at: usize| failed[at].as_ref().map(|(_, violation)| violation.law);
            let mut failing: Vec<usize> =
                (0..failed.len()).filter(|at| failed[*at].is_some()).collect();
            failing.sort_by_key(|at| violation_of(*at) != Some(law));
            for at in failing.into_iter().take(MOST_VERIFIED) {
                if Instant::now() >= deadline && best.found.failed > 0 {
                    break;
                }
                let history = &candidates[first + at];
                let found = self.verify(failure, history).await?;
                if found.failed > 0 {
                    tell(ExploreEvent::Shrunk(history.steps.len()));
                }
                best.improve(found, history);
                if best.is_good() {
                    return Ok(true);
                }
            }
            first += failed.len().max(1);
        }
        Ok(false)
    }

    /// The history, and each shorter one that it was cut to.
    async fn cut(
        &mut self,
        start: History,
        (law, tries, deadline): (Law, usize, Instant),
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Vec<History>, ExploreError> {
        let mut shorter = vec![start.clone()];
        let mut error = None;
        shrink(start, async |all| match self.first_failing(all, law, tries, deadline).await {
            Ok(Some(at)) => {
                shorter.push(all[at].clone());
                tell(ExploreEvent::Shrunk(all[at].steps.len()));
                Some(at)
            }
            Ok(None) => None,
            Err(why) => {
                error = Some(why);
                None
            }
        })
        .await;
        error.map_or(Ok(shorter), Err)
    }

    /// What fails again, with how often a candidate is to be tried: the history alone, or together
    /// with those after it.
    async fn reproduce(
        &mut self,
        failure: &Failure,
        deadline: Instant,
    ) -> Result<Option<(History, usize)>, ExploreError> {
        let law = failure.violation.law;
        let [later, all] = &failure.contexts;
        let own = &failure.history;
        let ways = [(own, 3), (own, MANY_TRIES), (later, 2), (all, 1)];
        for (history, times) in ways {
            if Instant::now() >= deadline {
                break;
            }
            let plays = vec![history.clone(); times];
            let failed = self.fail_together(&plays, law, Care::Quick).await?;
            match failed.iter().flatten().count() {
                0 => {}
                all if all == failed.len() => return Ok(Some((history.clone(), 1))),
                _ => return Ok(Some((history.clone(), 3))),
            }
        }
        Ok(None)
    }

    /// Plays a history again alone: those that are played close together may harm each other.
    async fn verify(
        &mut self,
        failure: &Failure,
        history: &History,
    ) -> Result<FoundViolation, ExploreError> {
        if !self.is_gone() {
            self.merchant.renew().await?;
        }
        let replays = vec![history.clone(); REPLAYS as usize];
        let failed = self.fail_together(&replays, failure.violation.law, Care::Strict).await?;
        Ok(self.found(failure, history, failed, REPLAYS))
    }

    pub(super) fn found(
        &self,
        failure: &Failure,
        history: &History,
        failed: Vec<Failed>,
        replays: u64,
    ) -> FoundViolation {
        let mut failed: Vec<(Played, Violation)> = failed.into_iter().flatten().collect();
        let count = failed.len() as u64;
        let (exchanges, Violation { law, what }) = match failed.pop() {
            Some((played, violation)) => (played.timeline, violation),
            None => (failure.exchanges.clone(), failure.violation.clone()),
        };
        FoundViolation {
            law,
            what,
            exchanges,
            steps: history.steps.len() as u64,
            failed: count,
            replays: if self.is_gone() { count } else { replays },
            after: failure.after,
            is_cut_down: true,
            case: history.case(law.id(), (law.title(), law.why(), law.fix())),
        }
    }

    /// Plays histories one after the other and judges them together; which of them break the law, or
    /// one that the same flaw may break.
    async fn fail_together(
        &mut self,
        histories: &[History],
        law: Law,
        care: Care,
    ) -> Result<Vec<Failed>, ExploreError> {
        let plans: Vec<Vec<StepPlan>> = histories.iter().map(History::plans).collect();
        let judged = self.play_all(&plans, care).await?;
        let of = |one: Judged| {
            let alike = one.violations.iter().filter(|violation| law.may_show_as(violation.law));
            let broken = alike.min_by_key(|violation| violation.law != law).cloned();
            broken.filter(|_| one.played.doubt.is_none()).map(|broken| (one.played, broken))
        };
        Ok(judged.into_iter().map(of).collect())
    }

    /// Plays these one after the other and judges them together, or each by itself where the
    /// observer shows one total of all orders.
    pub(super) async fn play_all(
        &mut self,
        plans: &[Vec<StepPlan>],
        care: Care,
    ) -> Result<Vec<Judged>, ExploreError> {
        let began = Instant::now();
        let is_strict = care == Care::Strict;
        let (mut plays, mut judged): (Vec<Played>, Vec<Judged>) = (Vec::new(), Vec::new());
        for plans in plans {
            if !is_strict && began.elapsed() >= TOGETHER {
                break;
            }
            let ends = |fault: &Fault| fault.end().is_some();
            if care != Care::Quick && plays.last().is_some_and(|one| one.faults.iter().any(ends)) {
                tokio::time::sleep(self.settle() / 2).await;
            }
            if self.is_gone() {
                if self.merchant.can_renew() {
                    // What the books showed of these is emptied.
                    judged.extend(self.judge(std::mem::take(&mut plays), is_strict).await?);
                }
                if !self.come_back().await? {
                    break;
                }
            }
            let played = self.play(plans).await?;
            self.set_gone(played.is_down);
            plays.push(played);
            if self.shows_total() {
                judged.extend(self.judge(std::mem::take(&mut plays), is_strict).await?);
            }
        }
        if self.is_gone() && !self.merchant.can_renew() && plays.len() > 1 {
            self.come_back().await?;
        }
        judged.extend(self.judge(plays, is_strict).await?);
        Ok(judged)
    }

    /// Starts a merchant again that did not come up, with its data emptied where that is possible.
    async fn come_back(&mut self) -> Result<bool, ExploreError> {
        let started = match self.merchant.can_renew() {
            true => self.merchant.renew().await,
            false => self.merchant.start_again().await,
        };
        match started {
            Ok(()) => {
                self.set_gone(false);
                Ok(true)
            }
            Err(ProcessError::NeverUp(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The first candidate that fails.
    async fn first_failing(
        &mut self,
        candidates: &[History],
        law: Law,
        tries: usize,
        deadline: Instant,
    ) -> Result<Option<usize>, ExploreError> {
        let repeated: Vec<History> =
            candidates.iter().flat_map(|one| vec![one.clone(); tries]).collect();
        let mut first = 0;
        while first < repeated.len() && Instant::now() < deadline {
            let failed = self.fail_together(&repeated[first..], law, Care::Quick).await?;
            if let Some(at) = failed.iter().position(Option::is_some) {
                return Ok(Some((first + at) / tries));
            }
            first += failed.len().max(1);
        }
        Ok(None)
    }
}
