//! One try of a case: its messages, sent in order, and what came of them.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::case::{Expect, Manner, Message, StepPlan};
use super::judge::{Judgement, Proof, judge};
use super::recipe::{History, RecipeError, Workshop};
use super::report::Exchange;
use super::sender::{Sender, Sent};

/// The most exchanges that are kept of one step.
const MAX_KEPT: usize = 4;

/// A message with everything that is needed to send it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// What it is called.
    pub label: String,
    /// The message, byte for byte.
    pub message: Message,
    /// How it travels.
    pub manner: Manner,
    /// How many are sent at once.
    pub at_once: u32,
    /// A pause before it.
    pub after: Duration,
    /// What a sound endpoint does.
    pub expect: Expect,
}

/// What came of one try.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) judgement: Judgement,
    pub(super) exchanges: Vec<Exchange>,
}

/// Makes the messages of a case; each try has orders of its own.
pub(super) fn pack(
    workshop: &Workshop,
    steps: &[StepPlan],
    label: &str,
    now: Timestamp,
) -> Result<Vec<Parcel>, RecipeError> {
    let mut history = History::new(label);
    let parcel = |step: &StepPlan| {
        Ok(Parcel {
            label: step.label.clone(),
            message: workshop.message(&step.recipe, now, &mut history)?,
            manner: step.manner,
            at_once: step.at_once.max(1),
            after: step.after,
            expect: step.expect,
        })
    };
    steps.iter().map(parcel).collect()
}

/// Sends the parcels in order, up to the first that a sound endpoint would have treated otherwise;
/// a harmless difference does not end them, so that it does not hide what follows.
pub(super) async fn attempt(sender: &Sender, parcels: &[Parcel]) -> Trial {
    let mut exchanges = Vec::new();
    let mut harmless = Judgement::Met;
    for parcel in parcels {
        if !parcel.after.is_zero() {
            tokio::time::sleep(parcel.after).await;
        }
        let one = || sender.send(&parcel.message, parcel.manner, &parcel.label);
        let all = join_all((0..parcel.at_once).map(|_| one())).await;
        let judgement = judge_all(parcel, &all);
        keep_telling(&all, parcel, &mut exchanges);
        match judgement.proof() {
            None => {}
            Some(Proof::Harmless) if harmless != Judgement::Met => {}
            Some(Proof::Harmless) => harmless = named(judgement, parcel, parcels.len()),
            Some(_) => {
                return Trial { judgement: named(judgement, parcel, parcels.len()), exchanges };
            }
        }
    }
    Trial { judgement: harmless, exchanges }
}

/// The worst of the judgements of replies that came at once.
fn judge_all(parcel: &Parcel, all: &[Sent]) -> Judgement {
    let mut broken: Vec<Judgement> = all
        .iter()
        .map(|sent| judge(parcel.expect, sent))
        .filter(|judgement| *judgement != Judgement::Met)
        .collect();
    let count = broken.len();
    broken.sort_by_key(Judgement::proof);
    match broken.into_iter().next() {
        None => Judgement::Met,
        Some(Judgement::Broken { what, proof }) if all.len() > 1 => {
            Judgement::Broken { what: format!("{count} of {} at once: {what}", all.len()), proof }
        }
        Some(one) => one,
    }
}

/// Says which of several messages it was.
fn named(judgement: Judgement, parcel: &Parcel, of: usize) -> Judgement {
    match judgement {
        Judgement::Broken { what, proof } if of > 1 && !parcel.label.is_empty() => {
            Judgement::Broken { what: format!("{}: {what}", parcel.label), proof }
        }
        other => other,
    }
}

/// Keeps the wrong replies and one of each other kind.
fn keep_telling(all: &[Sent], parcel: &Parcel, exchanges: &mut Vec<Exchange>) {
    let mut order: Vec<&Sent> = all.iter().collect();
    order.sort_by_key(|sent| judge(parcel.expect, sent) == Judgement::Met);
    let mut seen: Vec<&str> = Vec::new();
    for sent in order {
        let conclusion = sent.exchange.conclusion.as_str();
        if seen.len() < MAX_KEPT && !seen.contains(&conclusion) {
            seen.push(conclusion);
            exchanges.push(sent.exchange.clone());
        }
    }
}
