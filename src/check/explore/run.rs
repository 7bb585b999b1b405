//! Explores: rounds of histories, which settle together, until one breaks a law or the time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::coverage::Coverage;
use super::generate::{Grammar, draw};
use super::history::History;
use super::laws::{Answer, Law, Violation, broken, demands_of, unended};
use super::play::{Played, Player, usual_time, watch};
use super::process::Merchant;
use super::shrink::shrink;
use super::tell::conclude;
use super::{ExploreError, ExploreEvent, Explored, Found, Setup};
use crate::check::books::{Amounts, Booked, is_same};
use crate::check::case::{Case, StepPlan};
use crate::check::control::{Control, Controls};
use crate::check::demand::{Demand, OrderRef};
use crate::check::effect::{CalibrationError, Effects};
use crate::check::plan::Plan;
use crate::check::prepare::Preparer;
use crate::check::report::{CheckReport, Endpoint, Exchange};
use crate::check::sender::Sender;

/// The most histories of a round, and the time after which no other is added to it.
const MOST_OF_A_ROUND: usize = 16;
const LONGEST_ROUND: Duration = Duration::from_secs(6);

/// How often numbers that break a law are read again until they stand still.
const MOST_READINGS: usize = 5;

/// How long a failing history is cut, at most.
const SHRINKING: Duration = Duration::from_secs(60);

/// How many plays of candidates settle together.
const CANDIDATES: usize = 24;

const REPLAYS: u64 = 5;

/// How often a history is played that fails at some moments only.
const MANY_TRIES: usize = 8;

/// How many cuts are taken back where the shortest history does not fail again.
const MOST_STEPS_BACK: usize = 3;

pub async fn explore(
    plan: &Plan,
    setup: &Setup,
    tell: &mut dyn FnMut(ExploreEvent),
) -> Result<CheckReport, ExploreError> {
    let began = Instant::now();
    let sender = Sender::new(plan.wiring.clone());
    let preparer = Preparer::new(plan.prepare.as_ref(), &plan.workshop.platform_id);
    let controls = Controls::new(&plan.workshop, &sender, &preparer);
    let mut merchant = Merchant::new(&setup.launch, &plan.wiring);
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
            waiting: Vec::new(),
            deadline: Instant::now() + setup.time,
        };
        explored = run.rounds(tell).await?;
    }
    merchant.end().await;
    if let Some(failure) = preparer.failure() {
        return Err(ExploreError::Prepare(failure));
    }
    let mut report = CheckReport {
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
    conclude(&mut report, explored);
    Ok(report)
}

/// Whether the endpoint takes the known-good control, and how the books move with it.
async fn calibrate<'a>(
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

struct Run<'a, 'o> {
    setup: &'a Setup,
    player: Player<'a, 'o>,
    merchant: &'a mut Merchant<'o>,
    seed: u64,
    grammar: Grammar,
    /// The usual time of a reply.
    usual: Duration,
    reply_times: Vec<Duration>,
    /// The statuses of which a notification was acknowledged.
    taken: BTreeSet<Option<String>>,
    faults: BTreeMap<String, u64>,
    plays: u64,
    /// Drawn histories that did not fit into their round.
    waiting: Vec<History>,
    deadline: Instant,
}

/// What came of a history in the end.
struct Judged {
    played: Played,
    violations: Vec<Violation>,
}

impl Run<'_, '_> {
    async fn rounds(
        &mut self,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Explored, ExploreError> {
        let began = Instant::now();
        let mut coverage = Coverage::default();
        let mut doubts: BTreeMap<String, u64> = BTreeMap::new();
        let mut found = None;
        let mut number = 0;
        if !self.setup.cases.is_empty() {
            return self.replay(tell).await;
        }
        while found.is_none() && Instant::now() < self.deadline {
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
            let mut broken = round
                .iter()
                .enumerate()
                .filter(|(_, (_, it))| it.played.doubt.is_none() && !it.violations.is_empty());
            if let Some((at, (_, judged))) = broken.next() {
                let violation = judged.violations[0].clone();
                tell(ExploreEvent::Found(violation.law));
                let after = began.elapsed();
                let context: Vec<&History> = round.iter().map(|(history, _)| history).collect();
                let shown = judged.played.timeline.clone();
                coverage.faults = self.faults.clone();
                found = Some(self.reduce((&context, at), violation, shown, after, tell).await?);
            } else if round.iter().any(|(_, judged)| judged.played.is_down) {
                self.merchant.start().await?;
            }
        }
        if found.is_none() {
            coverage.faults = self.faults.clone();
        }
        let mut inconclusive: Vec<(String, u64)> = doubts.into_iter().collect();
        inconclusive.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Explored { coverage, inconclusive, found })
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
            let is_over = began.elapsed() >= LONGEST_ROUND && !histories.is_empty();
            if is_over || played.iter().any(|one| one.is_down) {
                self.waiting.push(history);
                continue;
            }
            played.push(self.play(&history.plans()).await?);
            histories.push(history);
        }
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
        if let Some(last) = played.last_mut() {
            watch(self.merchant, last).await?;
        }
        Ok(played)
    }

    async fn play(&mut self, plans: &[StepPlan]) -> Result<Played, ExploreError> {
        self.usual = usual_time(&mut self.reply_times);
        let label = label(self.plays);
        self.plays += 1;
        let played =
            self.player.play(plans, &label, (Some(&mut *self.merchant), self.usual)).await?;
        self.learn(&played);
        Ok(played)
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
    async fn judge(
        &mut self,
        plays: Vec<Played>,
        is_strict: bool,
    ) -> Result<Vec<Judged>, ExploreError> {
        let taken = plays.iter().flat_map(|one| &one.record);
        let taken = taken.filter(|one| one.answer == Answer::Acknowledged && !one.parcel.is_bad());
        self.taken.extend(taken.map(|one| one.parcel.message.signed_status.clone()));
        let mut all: Vec<Judged> = plays
            .into_iter()
            .map(|played| Judged { violations: played.violations.clone(), played })
            .collect();
        if all.iter().any(|one| one.played.is_down) {
            // Nobody answers for the books while the merchant is down.
            return Ok(all);
        }
        let takes = |parcel: &crate::check::trial::Parcel| {
            self.taken.contains(&parcel.message.signed_status)
        };
        for one in &mut all {
            one.violations.extend(unended(&one.played.record, &takes));
        }
        tokio::time::sleep(self.setup.settle).await;
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
        let deltas = played.before.iter().zip(now).map(|((_, old), now)| minus(now, old));
        if effects.is_total {
            let delta = deltas.last().unwrap_or_default();
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

    /// Plays histories one after the other and judges them together; which of them break the law.
    async fn fail_together(
        &mut self,
        histories: &[History],
        (law, is_strict): (Law, bool),
    ) -> Result<Vec<Option<(Played, Violation)>>, ExploreError> {
        let mut plays = Vec::new();
        for history in histories {
            plays.push(self.play(&history.plans()).await?);
            if plays.last().is_some_and(|one| one.is_down) {
                break;
            }
        }
        let is_down = plays.iter().any(|one| one.is_down);
        let judged = self.judge(plays, is_strict).await?;
        if is_down {
            self.merchant.end().await;
            self.merchant.renew().await?;
            self.merchant.start().await?;
        }
        let of = |one: Judged| {
            let broken = one.violations.iter().find(|violation| violation.law == law).cloned();
            broken.filter(|_| one.played.doubt.is_none()).map(|broken| (one.played, broken))
        };
        let mut failed: Vec<_> = judged.into_iter().map(of).collect();
        failed.resize_with(histories.len(), || None);
        Ok(failed)
    }

    /// Cuts a failing history of a round down, and plays it again to see how often it fails.
    async fn reduce(
        &mut self,
        (round, at): (&[&History], usize),
        violation: Violation,
        shown: Vec<Exchange>,
        after: Duration,
        tell: &mut dyn FnMut(ExploreEvent),
    ) -> Result<Found, ExploreError> {
        let law = violation.law;
        let deadline = Instant::now() + SHRINKING;
        let join =
            |all: &[&History]| all.iter().fold(History::default(), |joined, one| joined.then(one));
        let mut start = round[at].clone();
        let mut times = self.how_often(&start, law, 3).await?;
        let mut tries = if times == 3 { 1 } else { 3 };
        if times == 0 {
            // The moment decides.
            times = self.how_often(&start, law, MANY_TRIES).await?;
        }
        for context in [&round[at..], round] {
            if times > 0 || context.len() == 1 {
                continue;
            }
            start = join(context);
            times = self.how_often(&start, law, 2).await?;
            tries = if times == 2 { 1 } else { 3 };
        }
        if times == 0 {
            start = round[at].clone();
            let case = self.case(law, &start);
            let steps = start.steps.len() as u64;
            let what = violation.what;
            let (exchanges, failed, replays) = (shown, 0, REPLAYS);
            return Ok(Found {
                law,
                what,
                exchanges,
                steps,
                failed,
                replays,
                needs_others: true,
                after,
                case,
            });
        }
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
        // Histories that are played close together may harm each other: the last word has one alone.
        let (mut short, mut failed) = (round[at].clone(), Vec::new());
        self.merchant.renew().await?;
        for history in shorter.into_iter().rev().take(MOST_STEPS_BACK) {
            let replays = vec![history.clone(); REPLAYS as usize];
            failed = self.fail_together(&replays, (law, true)).await?;
            failed.retain(Option::is_some);
            short = history;
            if !failed.is_empty() {
                break;
            }
        }
        let mut failed: Vec<(Played, Violation)> = failed.into_iter().flatten().collect();
        let count = failed.len() as u64;
        let (exchanges, what) = match failed.pop() {
            Some((played, violation)) => (played.timeline, violation.what),
            None => (shown, violation.what),
        };
        let case = self.case(law, &short);
        Ok(Found {
            law,
            what,
            exchanges,
            steps: short.steps.len() as u64,
            failed: count,
            replays: REPLAYS,
            needs_others: count == 0,
            after,
            case,
        })
    }

    fn case(&self, law: Law, history: &History) -> Case {
        history.case(law.id(), (law.title(), law.why(), law.fix()))
    }

    async fn how_often(
        &mut self,
        history: &History,
        law: Law,
        times: usize,
    ) -> Result<usize, ExploreError> {
        let failed = self.fail_together(&vec![history.clone(); times], (law, false)).await?;
        Ok(failed.iter().flatten().count())
    }

    /// The first candidate that fails.
    async fn first_failing(
        &mut self,
        candidates: &[History],
        law: Law,
        tries: usize,
        deadline: Instant,
    ) -> Result<Option<usize>, ExploreError> {
        let size = CANDIDATES / 2 / tries + CANDIDATES / 4;
        for (part, some) in candidates.chunks(size).enumerate() {
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let repeated: Vec<History> =
                some.iter().flat_map(|one| vec![one.clone(); tries]).collect();
            let failed = self.fail_together(&repeated, (law, false)).await?;
            for (at, own) in failed.chunks(tries).enumerate() {
                if own.iter().any(Option::is_some) {
                    return Ok(Some(part * size + at));
                }
            }
        }
        Ok(None)
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
            let mut plays = Vec::new();
            for _ in 0..REPLAYS {
                plays.push(self.play(case.steps()).await?);
                if plays.last().is_some_and(|one| one.is_down) {
                    break;
                }
            }
            let judged = self.judge(plays, true).await?;
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
                explored.found = Some(Found {
                    law,
                    what,
                    exchanges: played.timeline,
                    steps: case.steps().len() as u64,
                    failed: count,
                    replays,
                    needs_others: false,
                    after: began.elapsed(),
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

fn label(play: u64) -> String {
    format!("explore {play}")
}
