//! Cuts a failing history down against the merchant, and plays it again to see how often it fails.

use std::time::{Duration, Instant};

use super::history::History;
use super::laws::{Law, Violation};
use super::play::Played;
use super::process::ProcessError;
use super::run::{Judged, REPLAYS, Run};
use super::shrink::{short, shrink};
use super::{ExploreError, ExploreEvent, Found};
use crate::check::report::Exchange;

/// How long a failing history is cut, at most.
const SHRINKING: Duration = Duration::from_secs(50);

/// How many restarts of candidates settle together.
const TOGETHER: usize = 24;

/// How often a history is played that fails at some moments only.
const MANY_TRIES: usize = 8;

/// How many cuts are taken back where the shortest history seldom fails.
const MOST_STEPS_BACK: usize = 3;

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

type Failed = Option<(Played, Violation)>;

impl Run<'_, '_> {
    pub(super) async fn reduce(
        &mut self,
        failure: Failure,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Found, ExploreError> {
        let law = failure.violation.law;
        let deadline = Instant::now() + SHRINKING;
        let mut best = self.found(&failure, &failure.history, Vec::new(), REPLAYS);
        if self.is_gone() && !self.come_back().await? {
            return Ok(best);
        }
        // Most flaws show in one or two notifications; what fails seldom may hide what fails always.
        let shortest = short(&failure.history);
        if let Some(at) = self.first_failing(&shortest, law, 1, deadline).await? {
            tell(ExploreEvent::Shrunk(shortest[at].steps.len()));
            best = self.verify(&failure, &shortest[at]).await?;
            if best.failed * 2 > REPLAYS {
                return Ok(best);
            }
        }
        let Some((start, tries)) = self.reproduce(&failure).await? else { return Ok(best) };
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
        if let Some(error) = error {
            return Err(error);
        }
        for history in shorter.into_iter().rev().take(MOST_STEPS_BACK) {
            let found = self.verify(&failure, &history).await?;
            if found.failed > best.failed {
                best = found;
            }
            if best.failed * 2 > REPLAYS {
                break;
            }
        }
        Ok(best)
    }

    /// What fails again, with how often a candidate is to be tried: the history alone, or together
    /// with those after it.
    async fn reproduce(
        &mut self,
        failure: &Failure,
    ) -> Result<Option<(History, usize)>, ExploreError> {
        let law = failure.violation.law;
        let [later, all] = &failure.contexts;
        let own = &failure.history;
        let ways = [(own, 3), (own, MANY_TRIES), (later, 2), (all, 1)];
        for (history, times) in ways {
            let plays = vec![history.clone(); times];
            let failed = self.fail_together(&plays, law, false).await?;
            match failed.iter().flatten().count() {
                0 => {}
                all if all == times => return Ok(Some((history.clone(), 1))),
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
    ) -> Result<Found, ExploreError> {
        if !self.is_gone() {
            self.merchant.renew().await?;
        }
        let replays = vec![history.clone(); REPLAYS as usize];
        let failed = self.fail_together(&replays, failure.violation.law, true).await?;
        Ok(self.found(failure, history, failed, REPLAYS))
    }

    fn found(
        &self,
        failure: &Failure,
        history: &History,
        failed: Vec<Failed>,
        replays: u64,
    ) -> Found {
        let law = failure.violation.law;
        let mut failed: Vec<(Played, Violation)> = failed.into_iter().flatten().collect();
        let count = failed.len() as u64;
        let (exchanges, what) = match failed.pop() {
            Some((played, violation)) => (played.timeline, violation.what),
            None => (failure.exchanges.clone(), failure.violation.what.clone()),
        };
        Found {
            law,
            what,
            exchanges,
            steps: history.steps.len() as u64,
            failed: count,
            replays: if self.is_gone() { count } else { replays },
            after: failure.after,
            case: history.case(law.id(), (law.title(), law.why(), law.fix())),
        }
    }

    /// Plays histories one after the other and judges them together; which of them break the law.
    async fn fail_together(
        &mut self,
        histories: &[History],
        law: Law,
        is_strict: bool,
    ) -> Result<Vec<Failed>, ExploreError> {
        let mut plays = Vec::new();
        for history in histories {
            if self.is_gone() && !self.come_back().await? {
                break;
            }
            plays.push(self.play(&history.plans()).await?);
            if plays.last().is_some_and(|one| one.is_down) {
                self.set_gone(true);
            }
        }
        let of = |one: Judged| {
            let broken = one.violations.iter().find(|violation| violation.law == law).cloned();
            broken.filter(|_| one.played.doubt.is_none()).map(|broken| (one.played, broken))
        };
        let mut failed: Vec<Failed> =
            self.judge(plays, is_strict).await?.into_iter().map(of).collect();
        failed.resize_with(histories.len(), || None);
        Ok(failed)
    }

    /// Starts a merchant again that did not come up, with its data emptied where that is possible.
    async fn come_back(&mut self) -> Result<bool, ExploreError> {
        self.merchant.end().await;
        let started = match self.merchant.can_renew() {
            true => self.merchant.renew().await,
            false => self.merchant.start().await,
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
        let mut first = 0;
        while first < candidates.len() && Instant::now() < deadline {
            // Restarts take their time.
            let mut restarts = 0;
            let some = candidates[first..].iter().take_while(|one| {
                restarts += (1 + 2 * one.faults()) * tries;
                restarts <= 2 * TOGETHER
            });
            let count = some.count().max(1);
            let some = &candidates[first..first + count];
            let repeated: Vec<History> =
                some.iter().flat_map(|one| vec![one.clone(); tries]).collect();
            let failed = self.fail_together(&repeated, law, false).await?;
            let fails = |own: &[Failed]| own.iter().any(Option::is_some);
            if let Some(at) = failed.chunks(tries).position(fails) {
                return Ok(Some(first + at));
            }
            first += count;
        }
        Ok(None)
    }
}
