//! One try of a case: its messages, sent in order, and what came of them.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::books::Booked;
use super::case::{Effect, Expect, Manner, Message, StepPlan};
use super::demand::{self, OrderRef, demands};
use super::effect::{Before, Effects};
use super::judge::{Fault, Proof, judge};
use super::recipe::{History, RecipeError, Workshop};
use super::report::{Endpoint, Exchange, Finding};
use super::sender::{Sender, Sent};
use crate::net::outcome::Outcome;

const MAX_KEPT: usize = 4;

/// What the causes read in a summary.
pub(super) const CUT_OFF_TOGETHER: &str = "it and others that were sent with it got no reply";
pub(super) const TAKEN_AGAIN: &str = "; sent again, it was acknowledged";
pub(super) const TAKEN_OF_OTHERS: &str = "; the same of another order is acknowledged";

const BEFORE_AGAIN: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parcel {
    pub label: String,
    /// The message, byte for byte.
    pub message: Message,
    pub manner: Manner,
    pub at_once: u32,
    #[serde(rename = "after_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub after: Duration,
    /// It is sent together with the one after it.
    #[serde(default)]
    pub with_next: bool,
    pub expect: Expect,
    /// One of many orders that only keep the case's own order company.
    #[serde(default)]
    pub is_company: bool,
    /// Not in a file: what is sent again from one is not looked at behind the endpoint.
    #[serde(skip)]
    pub books: demand::Outcome,
}

fn to_ms<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_millis().try_into().unwrap_or(u64::MAX))
}

fn from_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

impl Parcel {
    pub(super) fn is_bad(&self) -> bool {
        self.expect.is_bad()
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Trial {
    pub(super) fault: Option<Fault>,
    pub(super) exchanges: Vec<Exchange>,
    /// For each parcel that was sent, whether it was acknowledged.
    pub(super) acknowledged: Vec<bool>,
    pub(super) booked: Option<Booked>,
    pub(super) parcels: Vec<Parcel>,
    /// Why it cannot be seen what was booked.
    pub(super) blind: Option<String>,
    pub(super) misbooked: Option<Finding>,
    /// A good notification was refused twice, the same bytes, without a crash.
    pub(super) is_refused_again: bool,
    /// The endpoint ended the connection without a reply.
    pub(super) is_cut_off: bool,
    /// The endpoint after it, where that is not as it was.
    pub(super) lost: Option<Endpoint>,
}

impl Trial {
    /// Adds a fault that was found beside the replies.
    pub(super) fn worsen(&mut self, found: String, proof: Proof) {
        self.fault = Some(match self.fault.take() {
            None => Fault { what: found, proof },
            Some(known) => {
                Fault { what: format!("{found}; {}", known.what), proof: proof.min(known.proof) }
            }
        });
    }
}

pub(super) struct Watch<'a> {
    pub(super) effects: &'a Effects<'a>,
    pub(super) effect: Effect,
    pub(super) before: Before,
}

impl Watch<'_> {
    pub(super) async fn look(&mut self, parcels: &[Parcel], acknowledged: &[bool]) -> Booked {
        self.expect(parcels, acknowledged);
        self.effects.look(&mut self.before).await
    }

    /// Notes what the books must show after these notifications.
    pub(super) fn expect(&mut self, parcels: &[Parcel], acknowledged: &[bool]) {
        self.before.demands = self.effects.subject(demands(self.effect, parcels, acknowledged));
    }
}

/// The messages of a case, and the orders that the merchant must know before.
pub(super) fn pack(
    workshop: &Workshop,
    steps: &[StepPlan],
    label: &str,
    now: Timestamp,
) -> Result<(Vec<Parcel>, Vec<OrderRef>), RecipeError> {
    let mut history = History::new(label);
    let (mut parcels, mut orders) = (Vec::new(), Vec::new());
    for step in steps {
        let message = workshop.message(&step.recipe, now, &mut history)?;
        let mut order = history.own_order();
        let named = (&message.order_id, &message.client_id);
        if !step.expect.is_bad() && named != (&order.id, &order.client_id) {
            if let Some(file) = workshop.order_file() {
                let problem = format!("its ids are made up, and the orders are those of {file}");
                return Err(RecipeError { operation: 0, problem, lacks_order: true });
            }
            order = OrderRef { amount: order.amount, ..(&message).into() };
        }
        if !orders.contains(&order) {
            orders.push(order);
        }
        parcels.push(Parcel {
            label: step.label.clone(),
            books: workshop.outcome(&message),
            message,
            manner: step.manner,
            at_once: step.at_once.max(1),
            after: step.after,
            with_next: step.with_next,
            is_company: step.is_company,
            expect: step.expect,
        });
    }
    Ok((parcels, orders))
}

/// Sends the parcels in order, up to the first that a sound endpoint would have treated otherwise;
/// a harmless difference does not end them, so that it does not hide what follows.
///
/// Under a watch, a notification that was not acknowledged is sent once more, as the platform does:
/// an endpoint that booked it before it failed may book it again.
pub(super) async fn attempt(
    sender: &Sender,
    parcels: &[Parcel],
    mut watch: Option<&mut Watch<'_>>,
) -> Trial {
    let mut trial = Trial::default();
    let mut rest = parcels;
    while let Some(first) = rest.first() {
        let together = rest.iter().take_while(|parcel| parcel.with_next).count() + 1;
        let (group, later) = rest.split_at(together.min(rest.len()));
        rest = later;
        if !first.after.is_zero() {
            tokio::time::sleep(first.after).await;
        }
        let sent = join_all(group.iter().map(|parcel| send_parcel(sender, parcel))).await;
        let mut is_final = false;
        for (index, (parcel, all)) in group.iter().zip(&sent).enumerate() {
            let fault = judge_all(parcel, all, parcels.len());
            trial.is_cut_off |= all.iter().any(Sent::is_cut_off);
            let is_bad = fault.as_ref().is_some_and(|fault| fault.proof != Proof::Harmless);
            trial.acknowledged.push(all.iter().any(Sent::is_acknowledged));
            if index == 0 || fault.is_some() {
                keep_telling(all, parcel, &mut trial.exchanges);
            }
            let mut fault = fault;
            if is_bad && watch.is_some() && !parcel.is_bad() {
                let again = send_again(sender, parcel, &mut trial).await;
                let is_refusal = |sent: &Sent| matches!(&sent.outcome, Outcome::Reply(reply) if reply.status < 500);
                match (&mut fault, again.is_acknowledged()) {
                    (Some(fault), true) => fault.what.push_str(TAKEN_AGAIN),
                    _ => trial.is_refused_again = all.iter().chain([&again]).all(is_refusal),
                }
            }
            if is_bad && !is_final || trial.fault.is_none() {
                trial.fault = fault;
            }
            is_final |= is_bad;
        }
        if is_final {
            break;
        }
        // Not between repeats of one status: how fast they follow each other is part of the case.
        let changes = later.first().is_some_and(|next| next.books != first.books);
        if let (true, Some(watch)) = (changes, watch.as_deref_mut()) {
            trial.booked = match watch.look(parcels, &trial.acknowledged).await {
                Booked::Right => continue,
                Booked::Wrong(what) => Some(Booked::Wrong(format!("{}: {what}", first.label))),
                other => Some(other),
            };
            break;
        }
    }
    trial
}

pub(super) async fn send_parcel(sender: &Sender, parcel: &Parcel) -> Vec<Sent> {
    let one = || sender.send(&parcel.message, parcel.manner, &parcel.label);
    join_all((0..parcel.at_once).map(|_| one())).await
}

async fn send_again(sender: &Sender, parcel: &Parcel, trial: &mut Trial) -> Sent {
    tokio::time::sleep(BEFORE_AGAIN).await;
    let label = format!("{} (sent again, as the platform does)", parcel.label);
    let sent = sender.send(&parcel.message, Manner::Plain, label.trim_start()).await;
    if let Some(is_acknowledged) = trial.acknowledged.last_mut() {
        *is_acknowledged |= sent.is_acknowledged();
    }
    trial.exchanges.push(sent.exchange.clone());
    sent
}

/// The worst fault in the replies to a parcel, which is one of `of`.
fn judge_all(parcel: &Parcel, all: &[Sent], of: usize) -> Option<Fault> {
    let broken: Vec<Fault> = all.iter().filter_map(|sent| judge(parcel.expect, sent)).collect();
    let count = broken.len();
    let mut fault = broken.into_iter().min_by_key(|fault| fault.proof)?;
    if all.len() > 1 {
        fault.what = format!("{count} of {} at once: {}", all.len(), fault.what);
    }
    if of > 1 && !parcel.label.is_empty() {
        fault.what = format!("{}: {}", parcel.label, fault.what);
    }
    Some(fault)
}

fn keep_telling(all: &[Sent], parcel: &Parcel, exchanges: &mut Vec<Exchange>) {
    let mut order: Vec<&Sent> = all.iter().collect();
    order.sort_by_key(|sent| judge(parcel.expect, sent).is_none());
    let mut seen: Vec<&str> = Vec::new();
    for sent in order {
        let conclusion = sent.exchange.conclusion.as_str();
        if seen.len() < MAX_KEPT && !seen.contains(&conclusion) {
            seen.push(conclusion);
            exchanges.push(sent.exchange.clone());
        }
    }
}
