//! Plays one history against the merchant: sends its steps, does the faults, and continues with the
//! platform's schedule for what was not acknowledged.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::disk::FilledDisk;
use super::laws::{Law, LawEntry, ReplyKind, Violation};
use super::process::{MerchantProcess, ProcessError};
use crate::check::books::Amounts;
use crate::check::case::{Manner, StepPlan};
use crate::check::demand::{OrderRef, Outcome};
use crate::check::effect::Effects;
use crate::check::fault::{Fault, Moment, WHOLE};
use crate::check::prepare::Preparer;
use crate::check::recipe::{History, Recipe, Workshop};
use crate::check::report::Exchange;
use crate::check::retry::deliver;
use crate::check::sender::{Sender, Sent};
use crate::check::trial::{Parcel, pack, send_parcel};
use crate::clock::wall_time;
use crate::process::signals::Signal;

/// How long the upload takes that is cut off in the middle.
const SLOW_UPLOAD: Duration = Duration::from_millis(60);

/// The least that is taken for the usual time of a reply.
const SHORTEST_REPLY: Duration = Duration::from_millis(2);

/// How long before it is sent a notification was made: those that are signed again are made later,
/// and no platform sends what is made in the future.
pub(super) const MADE_BEFORE: Duration = Duration::from_secs(30);

/// So many requests in a row without a reply end a history.
const PATIENCE: u32 = 3;

/// So many more must stay without one before the merchant is said to hang.
const PROBES: usize = 4;

const MOST_REPLY: Duration = Duration::from_millis(500);

/// What all plays of an exploration share.
pub(super) struct Player<'a, 'o> {
    pub(super) workshop: &'a Workshop,
    pub(super) sender: &'a Sender,
    pub(super) preparer: &'a Preparer<'a>,
    pub(super) effects: &'a Effects<'o>,
    pub(super) disk: Option<&'a PathBuf>,
    /// How long before it is sent a notification was made.
    pub(super) age: Duration,
}

/// What came of a history before the books were looked at.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) record: Vec<LawEntry>,
    /// What each order showed before.
    pub(super) before: Vec<(OrderRef, Amounts)>,
    pub(super) timeline: Vec<Exchange>,
    pub(super) faults: Vec<Fault>,
    /// The times of replies that booked, to know where the middle of one is.
    pub(super) reply_times: Vec<Duration>,
    pub(super) violations: Vec<Violation>,
    /// Why nothing can be concluded from it.
    pub(super) doubt: Option<String>,
    /// The merchant did not come up again, or does not answer.
    pub(super) is_down: bool,
    /// How many requests in a row timed out without a fault.
    silent: u32,
}

impl Player<'_, '_> {
    /// Without a merchant to act on, no fault happens.
    pub(super) async fn play(
        &self,
        plans: &[StepPlan],
        label: &str,
        (mut merchant, usual): (Option<&mut MerchantProcess<'_>>, Duration),
    ) -> Result<Played, ProcessError> {
        let mut played = Played::default();
        let (parcels, orders) = match pack(self.workshop, plans, label, made_before(self.age)) {
            Ok(packed) => packed,
            Err(error) => {
                played.doubt = Some(error.problem);
                return Ok(played);
            }
        };
        if let Err(why) = self.preparer.prepare(&orders).await {
            played.doubt = Some(format!("the --prepare command {why}"));
            return Ok(played);
        }
        match self.effects.base(&orders).await {
            Ok(amounts) => played.before = orders.into_iter().zip(amounts).collect(),
            Err(why) => {
                played.doubt = Some(why.to_string());
                return Ok(played);
            }
        }
        let began = Instant::now();
        let mut at = 0;
        while at < parcels.len() && !played.is_down && played.silent < PATIENCE {
            let together = parcels[at..].iter().take_while(|parcel| parcel.with_next).count() + 1;
            let end = (at + together).min(parcels.len());
            let fault = plans[at..end].iter().find_map(|plan| plan.fault);
            tokio::time::sleep(parcels[at].after).await;
            let group = &parcels[at..end];
            let act = merchant.as_deref_mut().zip(fault);
            self.group(group, act, usual, (began, &mut played)).await?;
            if fault.is_none()
                && let Some(merchant) = merchant.as_deref_mut()
            {
                watch(merchant, &mut played).await?;
            }
            at = end;
        }
        if !played.is_down {
            self.go_on(began, &mut played).await;
        }
        let is_open = |one: &LawEntry| one.answer == ReplyKind::None;
        if !played.is_down && played.record.last().is_some_and(is_open) && !self.answers().await {
            let what = "nothing was done to the merchant, and it takes connections and does not \
                        answer any more";
            played.violations.push(Violation { law: Law::StaysUp, what: what.to_owned() });
            played.is_down = true;
        }
        Ok(played)
    }

    /// Whether it answers at all; what fails otherwise than by silence is somebody else's finding.
    async fn answers(&self) -> bool {
        let mut history = History::new(&format!("probe {:x}", fastrand::u64(..)));
        // A booking would be counted where the observer shows one total of all orders.
        let status = if self.effects.is_total { "processing" } else { "success" };
        let recipe = Recipe::of(&[status, "sign"]);
        for _ in 0..PROBES {
            let message = self.workshop.message(&recipe, wall_time(), &mut history);
            let Ok(message) = message else { return true };
            if self.preparer.prepare(&[history.own_order()]).await.is_err() {
                return true;
            }
            if !self.sender.send(&message, Manner::Plain, "probe").await.is_timed_out() {
                return true;
            }
        }
        false
    }

    async fn group(
        &self,
        group: &[Parcel],
        act: Option<(&mut MerchantProcess<'_>, Fault)>,
        usual: Duration,
        (began, played): (Instant, &mut Played),
    ) -> Result<(), ProcessError> {
        let number = played.record.last().map_or(0, |last| last.group + 1);
        let start = began.elapsed();
        let is_cut = act.as_ref().is_some_and(|(_, fault)| fault.moment() == Some(Moment::Before));
        let slow = u32::try_from(SLOW_UPLOAD.as_millis()).unwrap_or(u32::MAX);
        let one = |parcel: &Parcel| match is_cut {
            true => Parcel { manner: Manner::Slowly(slow), ..parcel.clone() },
            false => parcel.clone(),
        };
        let group: Vec<Parcel> = group.iter().map(one).collect();
        let replied = Notify::new();
        let sends = join_all(group.iter().map(|parcel| async {
            let sent = send_parcel(self.sender, parcel).await;
            replied.notify_one();
            sent
        }));
        let Some((merchant, fault)) = act else {
            let sent = sends.await;
            let is_silent = sent.iter().flatten().all(Sent::is_timed_out);
            played.silent = if is_silent { played.silent + 1 } else { 0 };
            note(group, &sent, (number, start, ""), played);
            return Ok(());
        };
        played.faults.push(fault);
        let mut stopped = Ok(());
        let sent = match fault {
            Fault::Kill(moment) | Fault::Terminate(moment) => {
                let signal = match fault {
                    Fault::Terminate(_) => Signal::Terminate,
                    _ => merchant.stop_signal(),
                };
                let act = async {
                    wait_for(moment, usual, &replied).await;
                    merchant.stop(signal).await
                };
                let (sent, done) = join(sends, act).await;
                stopped = done;
                sent
            }
            Fault::Pause(moment) => {
                let act = async {
                    wait_for(moment, usual, &replied).await;
                    merchant.signal(Signal::Stop);
                };
                let (sent, ()) = join(sends, act).await;
                merchant.signal(Signal::Continue);
                sent
            }
            Fault::FullDisk => {
                let filled = self.disk.map(|folder| FilledDisk::fill(folder));
                let sent = sends.await;
                if let Some(Err(error)) = filled {
                    played.doubt = Some(format!("the disk of --disk cannot be filled: {error}"));
                }
                sent
            }
        };
        note(group, &sent, (number, start, &in_words(fault)), played);
        stopped?;
        if fault.end().is_some() {
            come_up(merchant.start().await, &format!("after {}", in_words(fault)), played)?;
        }
        Ok(())
    }

    /// The platform sends again what was not acknowledged, until it is or its schedule ends.
    async fn go_on(&self, began: Instant, played: &mut Played) {
        let is_final = |one: &&LawEntry| {
            !one.parcel.is_bad() && matches!(one.parcel.books, Outcome::Success | Outcome::Failure)
        };
        let finals = || played.record.iter().filter(is_final);
        let is_ended = |id: &str| {
            finals().any(|one| {
                one.parcel.message.order_id == id && one.answer == ReplyKind::Acknowledged
            })
        };
        let mut open: Vec<Parcel> = Vec::new();
        for one in finals().filter(|one| !is_ended(&one.parcel.message.order_id)) {
            if !open.iter().any(|known| known.message.body == one.parcel.message.body) {
                open.push(Parcel { manner: Manner::Plain, at_once: 1, ..one.parcel.clone() });
            }
        }
        let group = played.record.last().map_or(0, |last| last.group + 1);
        let start = began.elapsed();
        let trials =
            join_all(open.iter().map(|parcel| deliver(self.sender, parcel, PATIENCE))).await;
        for (parcel, trial) in open.into_iter().zip(trials) {
            let Some(last) = trial.exchanges.last() else { continue };
            let answer = answer_of(last);
            for exchange in trial.exchanges {
                let label = format!(
                    "{} {}: the platform's {}",
                    at_time(start),
                    parcel.label.split(':').next().unwrap_or_default(),
                    exchange.label
                );
                played.timeline.push(Exchange { label, ..exchange });
            }
            played.record.push(LawEntry { parcel, answer, group });
        }
    }
}

fn made_before(age: Duration) -> Timestamp {
    let now = wall_time();
    now.checked_sub(age).unwrap_or(now)
}

async fn wait_for(moment: Moment, usual: Duration, replied: &Notify) {
    match moment {
        Moment::Before => tokio::time::sleep(SLOW_UPLOAD / 2).await,
        Moment::Between(time) => {
            tokio::time::sleep(usual * u32::from(time) / u32::from(WHOLE)).await;
        }
        Moment::After => replied.notified().await,
    }
}

/// Notices a merchant that ended by itself, and starts it again.
pub(super) async fn watch(
    merchant: &mut MerchantProcess<'_>,
    played: &mut Played,
) -> Result<(), ProcessError> {
    let Some(death) = merchant.death().await else { return Ok(()) };
    let what = format!("nothing was done to the merchant, and {death}");
    played.violations.push(Violation { law: Law::StaysUp, what });
    let started = merchant.start_again().await;
    come_up(started, "afterwards", played)
}

fn come_up(
    started: Result<(), ProcessError>,
    when: &str,
    played: &mut Played,
) -> Result<(), ProcessError> {
    match started {
        Ok(()) => {}
        // That the port is not free yet is this machine's matter.
        Err(error) if error.is_port_taken() => {
            played.is_down = true;
            played.doubt = Some(format!("its port was not free in time: {error}"));
        }
        Err(ProcessError::NeverUp(why)) => {
            played.is_down = true;
            let what = format!("{when} the merchant did not come up again: {why}");
            played.violations.push(Violation { law: Law::StaysUp, what });
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn note(
    group: Vec<Parcel>,
    sent: &[Vec<Sent>],
    (number, start, fault): (usize, Duration, &str),
    played: &mut Played,
) {
    for (parcel, all) in group.into_iter().zip(sent) {
        let answers: Vec<ReplyKind> = all.iter().map(|one| answer_of(&one.exchange)).collect();
        let best = [ReplyKind::Acknowledged, ReplyKind::Refused, ReplyKind::None];
        let best = best.into_iter().find(|one| answers.contains(one)).unwrap_or(ReplyKind::None);
        let shown = all.iter().zip(&answers).find(|(_, answer)| **answer == best);
        if let Some((sent, _)) = shown {
            let label = match fault {
                "" => format!("{} {}", at_time(start), parcel.label),
                _ => format!("{} {}; {fault}", at_time(start), parcel.label),
            };
            played.timeline.push(Exchange { label, ..sent.exchange.clone() });
        }
        // A repeated notification is answered sooner than one that books.
        let id = &parcel.message.order_id;
        let is_first = !played.record.iter().any(|one| one.parcel.message.order_id == *id);
        if best == ReplyKind::Acknowledged && is_first {
            played.reply_times.extend(all.iter().map(|one| one.exchange.elapsed));
        }
        played.record.push(LawEntry { parcel, answer: best, group: number });
    }
}

/// The middle of the times of replies, within bounds.
pub(super) fn usual_time(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or(SHORTEST_REPLY);
    middle.clamp(SHORTEST_REPLY, MOST_REPLY)
}

fn answer_of(exchange: &Exchange) -> ReplyKind {
    match &exchange.received {
        _ if exchange.is_acknowledged() => ReplyKind::Acknowledged,
        Ok(reply) if !matches!(reply.status, 300..=399 | 500..) && !reply.body.is_empty() => {
            ReplyKind::Refused
        }
        _ => ReplyKind::None,
    }
}

fn at_time(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

fn in_words(fault: Fault) -> String {
    let verb = match fault {
        Fault::Kill(_) => "the merchant is killed",
        Fault::Terminate(_) => "the merchant is asked to end (SIGTERM)",
        Fault::Pause(_) => "the merchant is paused, until the request has timed out,",
        Fault::FullDisk => return "its disk is full until the reply is in".to_owned(),
    };
    match fault.moment() {
        Some(Moment::Before) => format!("{verb} before the request is complete"),
        Some(Moment::Between(time)) => {
            format!("{verb} between request and reply, at {} % of its usual time", time / 10)
        }
        _ => format!("{verb} right after the reply"),
    }
}
