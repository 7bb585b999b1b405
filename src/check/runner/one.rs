//! One case: its tries, the control after it, and what it left behind.

use jiff::Timestamp;

use super::Run;
use crate::check::case::{Case, Effect, Expect, StepPlan, Work};
use crate::check::control::Control;
use crate::check::effect::{Before, Booked, Breadth, Effects, demands};
use crate::check::judge::{Judgement, Proof};
use crate::check::plan::is_rough;
use crate::check::report::{Endpoint, Status, Tries};
use crate::check::retry::deliver;
use crate::check::tested::{Tested, blank};
use crate::check::trial::{Parcel, Trial, attempt, pack};

/// What one try of a case came to.
struct Tried {
    trial: Trial,
    parcels: Vec<Parcel>,
    /// Why the side effect could not be seen although an observer was given.
    blind: Option<String>,
    /// Whether the observer has shown that something wrong was booked.
    is_misbooked: bool,
    /// What the control after it says of the endpoint, where it was refused.
    lost: Option<Endpoint>,
}

impl Run<'_> {
    /// Whether the observer tells of all orders together, so that the case must be alone.
    pub(super) fn counts_in_total(&self, case: &Case) -> bool {
        case.effect != Effect::Any
            && matches!(&self.effects, Ok(Some(effects)) if effects.breadth() == Breadth::Total)
    }

    /// Tries a case, and once more with fresh orders where a hiccup may have been the cause.
    pub(super) async fn try_twice(&self, case: &Case) -> Tested {
        let first = match self.try_once(case, "first").await {
            Ok(first) => first,
            Err(why) => return blank(case, Status::Inconclusive, &why),
        };
        match &first.trial.judgement {
            Judgement::Met => self.met(case, first, Tries::Once),
            Judgement::Broken { proof: Proof::Proven, .. } => broken(case, first, Tries::Once),
            Judgement::Broken { what, proof: Proof::Doubtful | Proof::Harmless } => {
                let before = what.clone();
                match self.try_once(case, "second").await {
                    Ok(second) if second.trial.judgement == Judgement::Met => {
                        let mut tested = self.met(case, second, Tries::PassedOnSecond);
                        tested.result.summary = format!("passed, but at first: {before}");
                        tested.result.exchanges = first.trial.exchanges;
                        tested
                    }
                    Ok(second) => broken(case, second, Tries::FailedTwice),
                    Err(why) => blank(case, Status::Inconclusive, &why),
                }
            }
        }
    }

    async fn try_once(&self, case: &Case, which: &str) -> Result<Tried, String> {
        let retry;
        let steps: &[StepPlan] = match &case.work {
            Work::Send(steps) => steps,
            Work::Retry(step) => {
                retry = [step.clone()];
                &retry
            }
            Work::Probe(_) => &[],
        };
        let label = format!("{} {which}", case.id);
        let parcels = pack(&self.plan.workshop, steps, &label, Timestamp::now())
            .map_err(|error| format!("its message cannot be made: {error}"))?;
        let (before, mut blind) = self.look_before(case, &parcels).await;
        let mut trial = match (&case.work, parcels.first()) {
            (Work::Retry(_), Some(parcel)) => deliver(self.sender, parcel).await,
            _ => attempt(self.sender, &parcels).await,
        };
        let mut is_misbooked = false;
        if let Some((effects, before)) = before {
            // What was not acknowledged need not be booked.
            let before = match trial.judgement {
                Judgement::Met => before,
                Judgement::Broken { .. } => before.without_least(),
            };
            match effects.after(&case.id, before).await {
                Booked::Right => {}
                Booked::Unseen(why) => blind = Some(why),
                Booked::TooLittle(what) => {
                    is_misbooked = true;
                    trial.judgement = Judgement::Broken { what, proof: Proof::Doubtful };
                }
                Booked::TooMuch(what) => {
                    is_misbooked = true;
                    trial.judgement = worse(&trial.judgement, what, Proof::Proven);
                }
            }
        }
        let lost = match is_rough(case) {
            true => self.control_after(&mut trial).await,
            false => None,
        };
        Ok(Tried { trial, parcels, blind, is_misbooked, lost })
    }

    /// The numbers before a case, where they are to be held against those after it.
    async fn look_before(
        &self,
        case: &Case,
        parcels: &[Parcel],
    ) -> (Option<(&Effects<'_>, Before)>, Option<String>) {
        let demands = demands(case.effect, parcels);
        if let (true, Ok(Some(effects))) = (demands.is_empty(), &self.effects) {
            effects.sent();
        }
        if demands.is_empty() {
            return (None, None);
        }
        match &self.effects {
            Ok(None) => (None, None),
            Err(why) => (None, Some(why.clone())),
            Ok(Some(effects)) => match effects.before(demands, parcels).await {
                Ok(before) => (Some((effects, before)), None),
                Err(why) => (None, Some(why)),
            },
        }
    }

    /// The control after a rough case; one that is refused is the case's failure.
    async fn control_after(&self, trial: &mut Trial) -> Option<Endpoint> {
        let control = self.control().await;
        let verdict = control.verdict()?;
        if let Control::Refused { sent: Some(sent), .. } = &control {
            trial.exchanges.push(sent.exchange.clone());
        }
        let what = match &verdict {
            Endpoint::Unreachable { reason } | Endpoint::RefusesControl { reason } => {
                format!("afterwards a good notification is not acknowledged: {reason}")
            }
            Endpoint::Discerning | Endpoint::AcknowledgesEverything => String::new(),
        };
        trial.judgement = worse(&trial.judgement, what, Proof::Doubtful);
        Some(verdict)
    }

    fn met(&self, case: &Case, tried: Tried, tries: Tries) -> Tested {
        if let Some(why) = &tried.blind {
            return blank(case, Status::Inconclusive, why);
        }
        let mut tested = blank(case, Status::Passed, &in_words(&tried.trial));
        tested.result.tries = tries;
        tested.result.unseen = self.unseen(case);
        tested.parcels = tried.parcels;
        tested
    }

    /// What nobody looked at, where no observer was given.
    fn unseen(&self, case: &Case) -> Option<String> {
        if !matches!(self.effects, Ok(None)) {
            return None;
        }
        let takes_good_ones = match &case.work {
            Work::Send(steps) => steps
                .iter()
                .any(|step| !matches!(step.expect, Expect::NotAcknowledged | Expect::Refused)),
            Work::Retry(_) => true,
            Work::Probe(_) => false,
        };
        let what = match case.effect {
            Effect::Once => "whether the order was credited once",
            Effect::AtMostOnce => "whether the order was credited more than once",
            Effect::None if takes_good_ones => "whether the order was credited",
            Effect::None | Effect::Any => return None,
        };
        Some(format!("{what}: only --observe COMMAND shows that"))
    }
}

/// A judgement, and something graver that was found besides.
fn worse(judgement: &Judgement, found: String, proof: Proof) -> Judgement {
    match judgement {
        Judgement::Met => Judgement::Broken { what: found, proof },
        Judgement::Broken { what, proof: known } => {
            Judgement::Broken { what: format!("{what}; {found}"), proof: proof.min(*known) }
        }
    }
}

fn broken(case: &Case, tried: Tried, tries: Tries) -> Tested {
    let (what, proof) = match &tried.trial.judgement {
        Judgement::Broken { what, proof } => (what.as_str(), *proof),
        Judgement::Met => ("", Proof::Doubtful),
    };
    let mut tested = blank(case, Status::Failed, what);
    // A wrong booking and a lost endpoint are failures, whatever the case alone would be.
    tested.result.status = match proof {
        _ if tried.is_misbooked || tried.lost.is_some() => Status::Failed,
        Proof::Harmless => Status::Warned,
        Proof::Proven | Proof::Doubtful => tested.bad,
    };
    tested.result.tries = tries;
    tested.result.exchanges = tried.trial.exchanges;
    tested.parcels = tried.parcels;
    tested.proof = Some(proof);
    tested.lost = tried.lost;
    tested
}

/// What came back, for a case that passed.
fn in_words(trial: &Trial) -> String {
    match trial.exchanges.last() {
        Some(last) => last.conclusion.clone(),
        None => "nothing was to be sent".to_owned(),
    }
}
