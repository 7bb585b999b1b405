//! One case: its tries, the control after it, and what it left behind.

use super::Run;
use crate::check::books::Booked;
use crate::check::case::{Case, Effect, Manner, Work};
use crate::check::demand::demands;
use crate::check::judge::{Fault, Proof};
use crate::check::plan::{REFUSALS, is_rough};
use crate::check::report::{Endpoint, Finding, Status, Tries};
use crate::check::retry::deliver;
use crate::check::tested::{Tested, blank};
use crate::check::trial::{Parcel, TAKEN_OF_OTHERS, Trial, Watch, attempt, pack};
use crate::clock::wall_time;

/// Why a case came to nothing, and what it counts as.
type Untested = (Status, String);

impl Run<'_> {
    /// Whether the observer may print the total of all orders, so that the case must be alone.
    pub(super) fn counts_in_total(&self, case: &Case) -> bool {
        let is_total = match &self.effects {
            Ok(effects) => effects.as_ref().is_some_and(|effects| effects.is_total),
            Err(_) => true,
        };
        case.effect != Effect::Any && is_total
    }

    /// Tries a case, and once more with fresh orders where a hiccup may have been the cause.
    pub(super) async fn try_twice(&self, case: &Case) -> Tested {
        self.tried(case).await.unwrap_or_else(|(status, why)| blank(case, status, &why))
    }

    async fn tried(&self, case: &Case) -> Result<Tested, Untested> {
        let first = self.try_once(case, "first").await?;
        let before = match &first.fault {
            None => return Ok(self.met(case, first, Tries::Once)),
            Some(fault) if fault.proof == Proof::Proven => {
                return Ok(broken(case, first, Tries::Once));
            }
            Some(fault) => &fault.what,
        };
        let mut second = match self.try_once(case, "second").await {
            Err((Status::Skipped, _)) => return Ok(broken(case, first, Tries::Once)),
            second => second?,
        };
        if first.is_refused_again && second.is_refused_again {
            // By chance both orders may be of those that it refuses.
            second = self.try_once(case, "third").await.unwrap_or(second);
        }
        if second.fault.is_some() {
            // A second try at an endpoint that the first one ended says nothing.
            let shown = if first.is_cut_off { first } else { second };
            return Ok(broken(case, shown, Tries::FailedTwice));
        }
        if first.is_refused_again && self.refuses_still(&first).await {
            let mut first = first;
            if let Some(fault) = &mut first.fault {
                fault.what.push_str(TAKEN_OF_OTHERS);
            }
            return Ok(broken(case, first, Tries::Once));
        }
        let mut tested = self.met(case, second, Tries::PassedOnSecond);
        tested.result.summary = format!("passed, but at first: {before}");
        tested.result.exchanges = first.exchanges;
        Ok(tested)
    }

    /// Whether it refuses a notification again, after it took the same of another order.
    async fn refuses_still(&self, trial: &Trial) -> bool {
        let refused = trial.acknowledged.iter().position(|is_acknowledged| !is_acknowledged);
        let Some(parcel) = refused.and_then(|index| trial.parcels.get(index)) else { return false };
        for _ in 0..REFUSALS {
            let sent = self.controls.sender.send(&parcel.message, Manner::Plain, &parcel.label);
            if sent.await.is_acknowledged() {
                return false;
            }
        }
        true
    }

    async fn try_once(&self, case: &Case, which: &str) -> Result<Trial, Untested> {
        let label = format!("{} {which}", case.id);
        let packed = pack(&self.plan.workshop, case.notifications(), &label, wall_time());
        let (parcels, orders) = packed.map_err(|error| match error.lacks_order {
            true => (Status::Skipped, format!("not tested: {}", error.problem)),
            false => (Status::Inconclusive, format!("its message cannot be made: {error}")),
        })?;
        let unknown = |why| (Status::Inconclusive, why);
        self.controls.preparer.prepare(&orders).await.map_err(unknown)?;
        let (kept_back, _) = self.controls.sender.kept_back();
        // What did not reach the endpoint speaks neither for it nor against it.
        let reached = || match self.controls.sender.kept_back() {
            (kept_since, why) if kept_since > kept_back => Err(unknown(why)),
            _ => Ok(()),
        };
        let (mut watch, blind) = self.watch(case, &parcels).await;
        let mut trial = match (&case.work, parcels.first()) {
            (Work::Retry(_), Some(parcel)) => deliver(self.controls.sender, parcel, u32::MAX).await,
            _ => attempt(self.controls.sender, &parcels, watch.as_mut()).await,
        };
        trial.blind = blind;
        if let Some(mut watch) = watch {
            let is_found = trial.fault.as_ref().is_some_and(|it| it.proof != Proof::Harmless);
            let booked = match trial.booked.take() {
                Some(booked) => booked,
                None if is_found || watch.effects.is_total => {
                    watch.look(&parcels, &trial.acknowledged).await
                }
                // Where nothing depends on it, the books are read once, at the end.
                None => {
                    watch.expect(&parcels, &trial.acknowledged);
                    Booked::Right
                }
            };
            trial.misbooked = match &booked {
                Booked::Wrong(_) => Some(Finding::Misbooked),
                Booked::Lost(_) => Some(Finding::NotBooked),
                Booked::Right | Booked::Unseen(_) => None,
            };
            if !matches!(booked, Booked::Wrong(_)) {
                watch.effects.keep(&case.id, &trial.exchanges, watch.before);
            }
            if let Booked::Unseen(why) = &booked {
                trial.blind = Some(why.clone());
            }
            weigh(&mut trial, booked, watch.effects.is_total);
        }
        if trial.fault.as_ref().is_none_or(|fault| fault.proof != Proof::Proven) {
            reached()?;
        }
        if is_rough(case) {
            trial.lost = self.control_after(&mut trial).await;
        }
        Ok(Trial { parcels, ..trial })
    }

    async fn watch(&self, case: &Case, parcels: &[Parcel]) -> (Option<Watch<'_>>, Option<String>) {
        let demands = demands(case.effect, parcels, &[]);
        let effects = match &self.effects {
            Ok(None) => return (None, None),
            Ok(Some(effects)) if demands.is_empty() => {
                effects.sent();
                return (None, None);
            }
            Ok(Some(effects)) => effects,
            Err(why) => return (None, (!demands.is_empty()).then(|| why.to_string())),
        };
        let is_old = case.notifications().iter().any(|step| step.recipe.is_opening());
        match effects.before(effects.subject(demands), parcels, is_old).await {
            Ok(before) => (Some(Watch { effects, effect: case.effect, before }), None),
            Err(why) => (None, Some(why)),
        }
    }

    async fn control_after(&self, trial: &mut Trial) -> Option<Endpoint> {
        let control = self.control().await;
        let verdict = control.verdict?;
        trial.exchanges.extend(control.sent.map(|sent| sent.exchange));
        let reason = verdict.reason().unwrap_or_default();
        let what = format!("afterwards a good notification is not acknowledged: {reason}");
        trial.worsen(what, Proof::Doubtful);
        Some(verdict)
    }

    fn met(&self, case: &Case, trial: Trial, tries: Tries) -> Tested {
        if let Some(why) = &trial.blind {
            return blank(case, Status::Inconclusive, why);
        }
        let mut tested = blank(case, Status::Passed, in_words(&trial));
        tested.result.tries = tries;
        tested.result.unseen = self.unseen(case);
        tested.parcels = trial.parcels;
        tested
    }

    fn unseen(&self, case: &Case) -> Option<String> {
        if !matches!(self.effects, Ok(None)) {
            return None;
        }
        let first = case.notifications().iter().find(|step| !step.expect.is_bad())?;
        let what = match case.effect {
            Effect::Any => return None,
            _ if first.recipe.status() != "success" => {
                "whether the order was refunded once at most"
            }
            Effect::AtMostOnce => "whether the order was credited more than once",
            Effect::None | Effect::Once => "whether the order was credited once",
        };
        Some(format!("{what}: only --observe COMMAND shows that"))
    }
}

/// The observer outranks the reply: a wrong booking is final, whatever a later try comes to.
///
/// A loss may be a late booking. With a number per order that shows at the end of the check; in one
/// total it cannot be found again.
fn weigh(trial: &mut Trial, booked: Booked, is_total: bool) {
    match booked {
        Booked::Right | Booked::Unseen(_) => {}
        Booked::Lost(what) if !is_total => trial.worsen(what, Proof::Doubtful),
        Booked::Lost(what) | Booked::Wrong(what) => trial.worsen(what, Proof::Proven),
    }
}

fn broken(case: &Case, trial: Trial, tries: Tries) -> Tested {
    let nothing = Fault { what: String::new(), proof: Proof::Doubtful };
    let Fault { what, proof } = trial.fault.unwrap_or(nothing);
    let mut tested = blank(case, Status::Failed, &what);
    // A wrong booking and a lost endpoint are failures, whatever the case alone would be.
    tested.result.status = match proof {
        _ if trial.misbooked.is_some() || trial.lost.is_some() => Status::Failed,
        Proof::Harmless => Status::Warned,
        Proof::Proven | Proof::Doubtful => tested.bad,
    };
    tested.result.finding = match (trial.misbooked, &trial.lost, proof) {
        (Some(misbooked), ..) => misbooked,
        (None, Some(_), _) => Finding::Broken,
        (None, None, Proof::Proven) => Finding::Acknowledged,
        (None, None, Proof::Doubtful) => Finding::Refused,
        (None, None, Proof::Harmless) => Finding::Harmless,
    };
    tested.result.tries = tries;
    tested.result.exchanges = trial.exchanges;
    tested.parcels = trial.parcels;
    tested.proof = Some(proof);
    tested.is_cut_off = trial.is_cut_off;
    tested.is_refused = tested.result.finding == Finding::Refused;
    tested.lost = trial.lost;
    tested
}

fn in_words(trial: &Trial) -> &str {
    trial.exchanges.last().map_or("nothing was to be sent", |last| &last.conclusion)
}
