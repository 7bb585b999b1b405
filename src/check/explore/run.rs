//! Explores: rounds of histories, which settle together, until one breaks a law or the time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::conclusion::conclude;
use super::coverage::Coverage;
use super::generate::{Grammar, draw};
use super::history::History;
use super::laws::{Law, LawEntry, ReplyKind, Violation, broken, demands_of, unended};
use super::play::{MADE_BEFORE, Played, Player, usual_time, watch};
use super::process::MerchantProcess;
use super::reduce::{Care, Failure};
use super::{ExploreError, ExploreEvent, ExploreSetup, Explored, FoundViolation};
use crate::check::books::{Amounts, Booked, is_same};
use crate::check::case::StepPlan;
use crate::check::control::{Control, Controls};
use crate::check::demand::{Demand, OrderRef};
use crate::check::effect::{CalibrationError, Effects};
use crate::check::plan::Plan;
use crate::check::prepare::Preparer;
use crate::check::report::{CheckReport, Endpoint};
use crate::check::sender::Sender;

/// The most histories of a round, and the time after which no other is added to it.
const MOST_OF_A_ROUND: usize = 24;
const LONGEST_ROUND: Duration = Duration::from_secs(8);

/// The first rounds are short: a plain flaw shows at once.
const FIRST_ROUND: Duration = Duration::from_secs(2);

/// How often numbers that break a law are read again until they stand still.
const MOST_READINGS: usize = 5;

pub(super) const REPLAYS: u64 = 5;

/// `stop` ends the cutting of a failure: what was found is reported as it was.
pub async fn explore(
    plan: &Plan,
    setup: &ExploreSetup,
    stop: impl Future<Output = ()>,
    tell: &mut dyn FnMut(ExploreEvent),
) -> Result<CheckReport, ExploreError> {
    let began = Instant::now();
    let sender = Sender::new(plan.wiring.clone());
    let preparer = Preparer::new(plan.prepare.as_ref(), &plan.workshop.platform_id);
    let controls = Controls::new(&plan.workshop, &sender, &preparer);
    let mut merchant = MerchantProcess::new(&setup.launch, &plan.wiring);
    merchant.open().await?;
    tell(ExploreEvent::Started);
    let (endpoint, effects) = calibrate(plan, &controls).await?;
    let mut explored = Explored::default();
    if let Some(effects) = &effects {
        let player = Player {
            workshop: &plan.workshop,
            sender: &sender,
            preparer: &preparer,
            effects,
            disk: setup.disk.as_ref(),
            age: MADE_BEFORE,
        };
        let mut run = Run {
            setup,
            player,
            merchant: &mut merchant,
            seed: plan.seed,
            grammar: Grammar {
                has_signals: setup.launch.has_process(),
                has_disk: setup.disk.is_some(),
            },
            usual: Duration::ZERO,
            reply_times: Vec::new(),
            taken: BTreeSet::new(),
            faults: BTreeMap::new(),
            plays: 0,
            is_gone: false,
            longest: FIRST_ROUND,
            waiting: Vec::new(),
            began: Instant::now(),
        };
        explored = run.rounds(pin!(stop), tell).await?;
    }
    merchant.close().await;
    if let Some(failure) = preparer.failure() {
        return Err(ExploreError::Prepare(failure));
    }
    let report = CheckReport {
        url: plan.wiring.target.to_string(),
        started_at: plan.started_at,
        elapsed: began.elapsed(),
        endpoint,
        results: Vec::new(),
        requests: sender.sent(),
        bound: sender.sent(),
        seed: plan.seed,
        options: Vec::new(),
        explored: None,
    };
    Ok(conclude(report, explored))
}

/// Whether the endpoint takes the known-good control, and how the books move with it.
/// How often the first orders are sent: a merchant that has just started, on a busy machine, may
/// take longer to reply or to book than ever again.
const OPENINGS: usize = 3;

async fn calibrate<'a>(
    plan: &'a Plan,
    controls: &Controls<'_>,
) -> Result<(Endpoint, Option<Effects<'a>>), ExploreError> {
    let mut opened = open(plan, controls).await?;
    for _ in 1..OPENINGS {
        match opened.0 {
            Endpoint::Unreachable { .. } | Endpoint::BooksNothing { .. } => {
                opened = open(plan, controls).await?;
            }
            _ => break,
        }
    }
    Ok(opened)
}

async fn open<'a>(
    plan: &'a Plan,
    controls: &Controls<'_>,
) -> Result<(Endpoint, Option<Effects<'a>>), ExploreError> {
    let Some(observer) = &plan.observer else { return Ok((Endpoint::Discerning, None)) };
    match Effects::calibrate(observer, controls).await {
        (Some(Control { verdict: None, .. }), Ok(Some(effects))) => {
            Ok((Endpoint::Discerning, Some(effects)))
        }
        (_, Err(CalibrationError::Observer(error))) => Err(error.into()),
        (Some(control), Ok(_)) => {
            let control = controls.explain(control).await;
            Ok((control.verdict.unwrap_or(Endpoint::Discerning), None))
        }
        (_, Err(error)) => Ok((Endpoint::BooksNothing { reason: error.to_string() }, None)),
        (None, Ok(_)) => Ok((Endpoint::Discerning, None)),
    }
}

pub(super) struct Run<'a, 'o> {
    setup: &'a ExploreSetup,
    player: Player<'a, 'o>,
    pub(super) merchant: &'a mut MerchantProcess<'o>,
    seed: u64,
    grammar: Grammar,
    /// The usual time of a reply.
    usual: Duration,
    reply_times: Vec<Duration>,
    /// The statuses of which a notification was acknowledged.
    taken: BTreeSet<Option<String>>,
    faults: BTreeMap<String, u64>,
    plays: u64,
    /// After this time no other history is added to a round.
    longest: Duration,
    /// The merchant does not come up any more.
    is_gone: bool,
    /// Drawn histories that did not fit into their round.
    waiting: Vec<History>,
    began: Instant,
}

/// What came of a history in the end.
pub(super) struct Judged {
    pub(super) played: Played,
    pub(super) violations: Vec<Violation>,
}

impl Run<'_, '_> {
    async fn rounds(
        &mut self,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Explored, ExploreError> {
        let began = Instant::now();
        let mut coverage = Coverage::default();
        let mut doubts: BTreeMap<String, u64> = BTreeMap::new();
        let mut found = None;
        let mut number = 0;
        let is_replay = !self.setup.cases.is_empty();
        if is_replay {
            // A merchant whose time must not go back takes nothing older than the control.
            self.player.age = Duration::ZERO;
        }
        let known = self.play(&History::warm_up().plans()).await?;
        self.player.age = MADE_BEFORE;
        self.note_taken(&known);
        tokio::time::sleep(self.setup.settle).await;
        if is_replay {
            return self.replay(tell).await;
        }
        if let Some(failure) = Failure::of_warm_up(&known, began.elapsed()) {
            self.is_gone = known.is_down;
            coverage.add(&failure.history);
            let found = Some(self.cut_down(failure, stop, tell).await?);
            return Ok(Explored { coverage, found, ..Explored::default() });
        }
        while self.began.elapsed() < self.setup.time {
            let most = if self.player.effects.is_total { 1 } else { MOST_OF_A_ROUND };
            let mut drawn = std::mem::take(&mut self.waiting);
            while drawn.len() < most && self.setup.histories.is_none_or(|all| number < all) {
                drawn.push(draw(self.seed, number, self.grammar));
                number += 1;
            }
            if drawn.is_empty() {
                break;
            }
            let round = self.round(drawn).await?;
            for (history, judged) in &round {
                coverage.add(history);
                if let Some(doubt) = &judged.played.doubt {
                    *doubts.entry(doubt.clone()).or_default() += 1;
                }
            }
            tell(ExploreEvent::Judged(coverage.histories, self.kills()));
            self.longest = (self.longest * 2).min(LONGEST_ROUND);
            if let Some(failure) = first_failure(&round, began.elapsed()) {
                coverage.faults = self.faults.clone();
                found = Some(self.cut_down(failure, stop.as_mut(), tell).await?);
                break;
            } else if round.iter().any(|(_, judged)| judged.played.is_down) {
                self.merchant.start_again().await?;
                self.is_gone = false;
            }
        }
        if found.is_none() {
            coverage.faults = self.faults.clone();
        }
        let mut inconclusive: Vec<(String, u64)> = doubts.into_iter().collect();
        inconclusive.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Explored { coverage, inconclusive, found })
    }

    async fn cut_down(
        &mut self,
        failure: Failure,
        stop: Pin<&mut impl Future<Output = ()>>,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<FoundViolation, ExploreError> {
        let Violation { law, what } = failure.violation.clone();
        tell(ExploreEvent::FoundViolation(law, what));
        let uncut = self.found(&failure, &failure.history, Vec::new(), 0);
        Ok(tokio::select! {
            found = self.reduce(failure, tell) => found?,
            () = stop => FoundViolation { is_cut_down: false, ..uncut },
        })
    }

    fn kills(&self) -> u64 {
        let kills = self.faults.iter().filter(|(name, _)| name.starts_with("kill"));
        kills.map(|(_, count)| count).sum()
    }

    /// Plays the next histories, those without a fault beside each other, and judges them together.
    async fn round(&mut self, drawn: Vec<History>) -> Result<Vec<(History, Judged)>, ExploreError> {
        let (calm, rough): (Vec<History>, Vec<History>) =
            drawn.into_iter().partition(|history| history.faults() == 0);
        let mut played = self.play_calm(&calm).await?;
        let mut histories = calm;
        let began = Instant::now();
        for history in rough {
            let is_late =
                began.elapsed() >= self.longest || self.began.elapsed() >= self.setup.time;
            let is_over = is_late && !histories.is_empty();
            if is_over || played.iter().any(|one| one.is_down) {
                self.waiting.push(history);
                continue;
            }
            played.push(self.play(&history.plans()).await?);
            histories.push(history);
        }
        self.is_gone = played.iter().any(|one| one.is_down);
        let judged = self.judge(played, true).await?;
        Ok(histories.into_iter().zip(judged).collect())
    }

    async fn play_calm(&mut self, histories: &[History]) -> Result<Vec<Played>, ExploreError> {
        let (first, usual) = (self.plays, self.usual);
        self.plays += histories.len() as u64;
        let player = &self.player;
        let plays = histories.iter().zip(first..).map(|(history, play)| async move {
            let plans = history.plans();
            player.play(&plans, &label(play), (None, usual)).await
        });
        let mut played: Vec<Played> =
            join_all(plays).await.into_iter().collect::<Result<_, _>>()?;
        if let Some(last) = played.last_mut()
            && !last.is_down
        {
            watch(self.merchant, last).await?;
        }
        Ok(played)
    }

    pub(super) async fn play(&mut self, plans: &[StepPlan]) -> Result<Played, ExploreError> {
        self.usual = usual_time(&mut self.reply_times);
        let label = label(self.plays);
        self.plays += 1;
        let played =
            self.player.play(plans, &label, (Some(&mut *self.merchant), self.usual)).await?;
        self.learn(&played);
        Ok(played)
    }

    fn note_taken(&mut self, played: &Played) {
        let is_taken =
            |one: &&LawEntry| one.answer == ReplyKind::Acknowledged && !one.parcel.is_bad();
        let taken = played.record.iter().filter(is_taken);
        self.taken.extend(taken.map(|one| one.parcel.message.signed_status.clone()));
    }

    pub(super) fn shows_total(&self) -> bool {
        self.player.effects.is_total
    }

    pub(super) fn settle(&self) -> Duration {
        self.setup.settle
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    pub(super) fn set_gone(&mut self, is_gone: bool) {
        self.is_gone = is_gone;
    }

    fn learn(&mut self, played: &Played) {
        for fault in &played.faults {
            *self.faults.entry(fault.name()).or_default() += 1;
        }
        self.reply_times.extend(&played.reply_times);
        let surplus = self.reply_times.len().saturating_sub(100);
        self.reply_times.drain(..surplus);
    }

    /// Waits until the books stand still, and holds the laws against them.
    ///
    /// What is only compared with other histories is read once.
    pub(super) async fn judge(
        &mut self,
        plays: Vec<Played>,
        is_strict: bool,
    ) -> Result<Vec<Judged>, ExploreError> {
        if plays.is_empty() {
            return Ok(Vec::new());
        }
        plays.iter().for_each(|one| self.note_taken(one));
        let mut all: Vec<Judged> = plays
            .into_iter()
            .map(|played| Judged { violations: played.violations.clone(), played })
            .collect();
        if self.is_gone {
            // Nobody answers for the books while the merchant is down.
            return Ok(all);
        }
        let takes = |parcel: &crate::check::trial::Parcel| {
            self.taken.contains(&parcel.message.signed_status)
        };
        for one in &mut all {
            one.violations.extend(unended(&one.played.record, &takes));
        }
        let settle = self.setup.settle / if is_strict { 1 } else { 2 };
        tokio::time::sleep(settle).await;
        let mut open: Vec<usize> =
            (0..all.len()).filter(|at| all[*at].played.doubt.is_none()).collect();
        let mut before: BTreeMap<usize, Result<Vec<Amounts>, String>> = BTreeMap::new();
        for reading in 1..=MOST_READINGS {
            let now = self.read(&all, &open).await;
            let mut next = Vec::new();
            for (at, amounts) in now {
                let books = match &amounts {
                    Ok(amounts) => self.hold(&all[at].played, amounts),
                    Err(_) => Vec::new(),
                };
                let stands_still = match (before.get(&at), &amounts) {
                    (Some(Ok(known)), Ok(now)) => known.iter().zip(now).all(|(a, b)| is_same(a, b)),
                    _ => false,
                };
                match &amounts {
                    Ok(_) if books.is_empty() => {}
                    Ok(_) if stands_still || !is_strict => all[at].violations.extend(books),
                    _ if reading == MOST_READINGS => {
                        let never = "the numbers never stood still".to_owned();
                        all[at].played.doubt = Some(amounts.clone().err().unwrap_or(never));
                    }
                    _ => next.push(at),
                }
                before.insert(at, amounts);
            }
            open = next;
            if open.is_empty() {
                break;
            }
            tokio::time::sleep(self.setup.settle).await;
        }
        Ok(all)
    }

    /// What the orders of each history show.
    async fn read(
        &self,
        all: &[Judged],
        open: &[usize],
    ) -> Vec<(usize, Result<Vec<Amounts>, String>)> {
        let orders_of = |at: &usize| all[*at].played.before.iter().map(|(order, _)| order);
        let orders: Vec<&OrderRef> = open.iter().flat_map(orders_of).collect();
        let mut amounts = match self.player.effects.amounts(&orders).await {
            Ok(amounts) => amounts.into_iter(),
            Err(why) => {
                return open.iter().map(|at| (*at, Err(why.to_string()))).collect();
            }
        };
        open.iter()
            .map(|at| {
                let count = all[*at].played.before.len();
                (*at, Ok(amounts.by_ref().take(count).collect()))
            })
            .collect()
    }

    /// The laws that the books of a history break.
    fn hold(&self, played: &Played, now: &[Amounts]) -> Vec<Violation> {
        let effects = self.player.effects;
        let demands = demands_of(&played.record);
        let minus = |now: &Amounts, old: &Amounts| [now[0] - old[0], now[1] - old[1]];
        let mut deltas = played.before.iter().zip(now).map(|((_, old), now)| minus(now, old));
        if effects.is_total {
            let delta = deltas.next().unwrap_or_default();
            return match effects.books.compare_total(&demands, &delta) {
                Booked::Lost(what) => vec![Violation { law: Law::AcknowledgedIsBooked, what }],
                Booked::Wrong(what) => vec![Violation { law: Law::BookedOnce, what }],
                Booked::Right | Booked::Unseen(_) => Vec::new(),
            };
        }
        let deltas: Vec<Amounts> = deltas.collect();
        let delta_of = |demand: &Demand| {
            let mut orders = played.before.iter().zip(&deltas);
            orders.find(|((order, _), _)| order.id == demand.order.id).map(|(_, delta)| delta)
        };
        demands
            .iter()
            .filter_map(|demand| broken(&effects.books, demand, delta_of(demand)?, &played.record))
            .collect()
    }

    /// Plays the histories of case files again, each until it fails.
    async fn replay(
        &mut self,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Explored, ExploreError> {
        let began = Instant::now();
        let mut explored = Explored::default();
        let mut doubts: BTreeMap<String, u64> = BTreeMap::new();
        for case in self.setup.cases.clone() {
            let judged =
                self.play_all(&vec![case.steps().to_vec(); REPLAYS as usize], Care::Strict).await?;
            explored.coverage.histories += judged.len() as u64;
            tell(ExploreEvent::Judged(explored.coverage.histories, self.kills()));
            for one in &judged {
                if let Some(doubt) = &one.played.doubt {
                    *doubts.entry(doubt.clone()).or_default() += 1;
                }
            }
            let replays = judged.len() as u64;
            let mut failed: Vec<Judged> = judged
                .into_iter()
                .filter(|one| one.played.doubt.is_none() && !one.violations.is_empty())
                .collect();
            let count = failed.len() as u64;
            if let Some(Judged { played, mut violations }) = failed.pop() {
                let Violation { law, what } = violations.swap_remove(0);
                explored.found = Some(FoundViolation {
                    law,
                    what,
                    exchanges: played.timeline,
                    steps: case.steps().len() as u64,
                    failed: count,
                    replays,
                    after: began.elapsed(),
                    is_cut_down: true,
                    case,
                });
                break;
            }
        }
        explored.coverage.faults = self.faults.clone();
        explored.inconclusive = doubts.into_iter().collect();
        Ok(explored)
    }
}

/// The failure of a round that is reported: what ends the merchant hides everything else.
fn first_failure(round: &[(History, Judged)], after: Duration) -> Option<Failure> {
    let of = |(at, (history, judged)): (usize, &(History, Judged))| {
        let violation = judged.violations.iter().max_by_key(|one| one.law == Law::StaysUp)?;
        let of_all = |part: &[(History, Judged)]| {
            part.iter().fold(History::default(), |joined, (one, _)| joined.then(one))
        };
        let contexts = [of_all(&round[at..]), of_all(round)];
        let mut history = history.clone();
        if judged.played.is_down {
            history.steps.truncate(judged.played.record.len());
        }
        Some(Failure {
            history: history.tidy(),
            contexts,
            violation: violation.clone(),
            exchanges: judged.played.timeline.clone(),
            after,
        })
    };
    let is_judged = |(_, (_, judged)): &(usize, &(History, Judged))| judged.played.doubt.is_none();
    let failures = round.iter().enumerate().filter(is_judged).filter_map(of);
    // The first of those that are alike.
    failures.min_by_key(|one| one.violation.law != Law::StaysUp)
}

fn label(play: u64) -> String {
    format!("explore {play}")
}
