//! Runs a suite against an endpoint: the control first and between groups, each case up to twice.

use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt, iter};

use super::bundle::Bundle;
use super::case::{Case, Message, Work};
use super::control::{Control, Controls};
use super::effect::{CalibrationError, Effects};
use super::judge::Proof;
use super::observer::{ObserverError, UnstartedError};
use super::plan::{Plan, is_sociable};
use super::probe::Prober;
use super::report::{CaseResult, CheckReport, Endpoint, Status, Tries};
use super::sender::{Sender, Sent};
use super::tested::{Tested, blank, judged};

mod one;

const AT_ONCE: usize = 8;

const LIMIT: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Copy, Debug)]
pub enum CheckEvent<'a> {
    Began(&'a Case),
    /// What came of a case; it does not change any more.
    Ended(&'a CaseResult),
}

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The observer cannot be started; nothing was sent.
    #[error(transparent)]
    Observer(#[from] UnstartedError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub report: CheckReport,
    pub bundles: Vec<Bundle>,
}

pub async fn check(
    plan: &Plan,
    tell: &mut dyn FnMut(CheckEvent<'_>),
) -> Result<Checked, CheckError> {
    let started = Instant::now();
    let sender = Sender::new(plan.wiring.clone());
    let controls = Controls::new(&plan.workshop, &sender);
    let (opening, effects) = open(plan, &controls).await?;
    let everything = match &opening {
        Control::Acknowledged(_) => controls.acknowledges_everything().await,
        Control::Refused { .. } | Control::Unreachable(_) => None,
    };
    let endpoint = match everything {
        Some(_) => Endpoint::AcknowledgesEverything,
        None => opening.verdict().unwrap_or(Endpoint::Discerning),
    };
    let pace = plan.wiring.rate.map_or(0.0, |rate| plan.bound() as f64 / rate.per_second());
    let pace = Duration::try_from_secs_f64(pace).unwrap_or(Duration::MAX);
    let mut run = Run {
        plan,
        sender: &sender,
        controls: &controls,
        effects,
        opening: &opening,
        everything,
        endpoint,
        deadline: started.checked_add(LIMIT.saturating_add(pace)),
        tested: Vec::new(),
        told: 0,
    };
    run.groups(tell).await;
    run.settle().await;
    run.tell(tell);
    Ok(run.finish(started))
}

async fn open<'a>(
    plan: &'a Plan,
    controls: &Controls<'_>,
) -> Result<(Control, Result<Option<Effects<'a>>, String>), UnstartedError> {
    let Some(observer) = &plan.observer else {
        return Ok((controls.ask().await, Ok(None)));
    };
    let (message, other) = match (controls.message(), controls.message()) {
        (Ok(message), Ok(other)) => (message, other),
        (Err(why), _) | (_, Err(why)) => return Ok((controls.ask().await, Err(why))),
    };
    let mut opening = None;
    let send = async {
        let control = controls.send(&message).await;
        let is_acknowledged = matches!(control, Control::Acknowledged(_));
        opening = Some(control);
        is_acknowledged
    };
    let effects = Effects::calibrate(observer, &message, &other, send).await;
    let opening = match (opening, &effects) {
        (Some(opening), _) => opening,
        (None, Err(CalibrationError::Observer(ObserverError::Unstarted(error)))) => {
            return Err(error.clone());
        }
        // The observer failed before anything was sent.
        (None, _) => controls.ask().await,
    };
    Ok((opening, effects.map_err(|error| error.to_string())))
}

struct Run<'a> {
    plan: &'a Plan,
    sender: &'a Sender,
    controls: &'a Controls<'a>,
    effects: Result<Option<Effects<'a>>, String>,
    opening: &'a Control,
    everything: Option<Vec<Sent>>,
    endpoint: Endpoint,
    deadline: Option<Instant>,
    tested: Vec<Tested>,
    told: usize,
}

impl Run<'_> {
    async fn groups(&mut self, tell: &mut dyn FnMut(CheckEvent<'_>)) {
        let plan = self.plan;
        for group in plan.suite.groups() {
            let cases: Vec<&Case> =
                plan.suite.cases().iter().filter(|case| case.group == group).collect();
            let first = self.tested.len();
            self.group(&cases, tell).await;
            let has_sent = self.tested.iter().skip(first).any(|one| one.is_demotable());
            if has_sent && self.endpoint == Endpoint::Discerning {
                let control = self.control().await;
                self.close_group(first, &control);
            }
            // What an observer sees later may change what is said of a case.
            if !matches!(self.effects, Ok(Some(_))) {
                self.tell(tell);
            }
        }
    }

    fn close_group(&mut self, first: usize, control: &Control) {
        let Some(verdict) = control.verdict() else { return };
        let why = reason(&verdict);
        for one in self.tested.iter_mut().skip(first) {
            one.demote(&format!("the known-good control was refused afterwards: {why}"));
        }
        self.endpoint = match verdict {
            Endpoint::Unreachable { reason } => Endpoint::Unreachable {
                reason: format!("it answered at first, and does not any more: {reason}"),
            },
            _ => Endpoint::RefusesControl {
                reason: format!("it was acknowledged at first, and is not any more: {why}"),
            },
        };
    }

    async fn group(&mut self, cases: &[&Case], tell: &mut dyn FnMut(CheckEvent<'_>)) {
        let mut rest = cases;
        while let Some((first, after)) = rest.split_first() {
            let together = rest.iter().take_while(|case| self.may_be_together(case)).count();
            if together < 2 {
                tell(CheckEvent::Began(first));
                let tested = match self.without_asking(first) {
                    Some(tested) => tested,
                    None => self.ask(first).await,
                };
                self.note_loss(&tested);
                self.tested.push(tested);
                rest = after;
                continue;
            }
            let (now, later) = rest.split_at(together);
            for case in now {
                tell(CheckEvent::Began(case));
            }
            let this = &*self;
            let asked = iter(now.iter().map(|case| async move {
                match this.without_asking(case) {
                    Some(tested) => tested,
                    None => this.ask(case).await,
                }
            }));
            let tested: Vec<Tested> = asked.buffered(AT_ONCE).collect().await;
            self.tested.extend(tested);
            rest = later;
        }
    }

    fn may_be_together(&self, case: &Case) -> bool {
        self.endpoint == Endpoint::Discerning && is_sociable(case) && !self.counts_in_total(case)
    }

    fn without_asking(&self, case: &Case) -> Option<Tested> {
        if let Some(lacking) = self.plan.lacking(case) {
            return Some(blank(case, Status::Skipped, lacking));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(blank(case, Status::Inconclusive, "the time of the check was over"));
        }
        let is_probe = matches!(case.work, Work::Probe(_));
        match &self.endpoint {
            Endpoint::Discerning => None,
            Endpoint::AcknowledgesEverything if is_probe => None,
            Endpoint::AcknowledgesEverything => Some(self.answered_by_everything(case)),
            Endpoint::RefusesControl { .. } if self.may_probe(case) => None,
            Endpoint::Unreachable { .. } if self.may_probe(case) => None,
            Endpoint::RefusesControl { .. } => {
                Some(blank(case, Status::Inconclusive, "the known-good control is refused"))
            }
            Endpoint::Unreachable { .. } => {
                Some(blank(case, Status::Inconclusive, "the endpoint cannot be reached"))
            }
        }
    }

    fn may_probe(&self, case: &Case) -> bool {
        match &case.work {
            Work::Probe(name) => !matches!(name.as_str(), "latency" | "keep-alive"),
            Work::Send(_) | Work::Retry(_) => false,
        }
    }

    /// The cases of an endpoint that acknowledges everything: the first that it fails says so,
    /// the others are not asked.
    fn answered_by_everything(&self, case: &Case) -> Tested {
        if !refuses(case) {
            let why = "it acknowledges whatever comes, so this says nothing";
            return blank(case, Status::Inconclusive, why);
        }
        let is_said = self.tested.iter().any(|one| one.proof == Some(Proof::Proven));
        if is_said {
            return blank(case, Status::Skipped, "not asked: it acknowledges whatever comes");
        }
        let mut tested = blank(
            case,
            Status::Failed,
            "it acknowledges notifications without sign, signed with another key, and what is \
             no JSON; the cases that this fails are not told one by one",
        );
        tested.proof = Some(Proof::Proven);
        let sent = self.everything.iter().flatten();
        tested.result.exchanges = sent.map(|sent| sent.exchange.clone()).collect();
        tested
    }

    async fn ask(&self, case: &Case) -> Tested {
        let start = Instant::now();
        let mut tested = match &case.work {
            Work::Probe(name) => {
                let prober =
                    Prober { sender: self.sender, controls: self.controls, opening: self.opening };
                let tested = judged(case, &prober.ask(name).await);
                if let Ok(Some(effects)) = &self.effects {
                    effects.sent();
                }
                tested
            }
            Work::Send(_) | Work::Retry(_) => self.try_twice(case).await,
        };
        tested.result.elapsed = start.elapsed();
        tested
    }

    async fn control(&self) -> Control {
        let message = match self.controls.message() {
            Ok(message) => message,
            Err(reason) => return Control::Refused { reason, sent: None },
        };
        let Ok(Some(effects)) = &self.effects else { return self.controls.send(&message).await };
        let before = effects.total(&message).await;
        let control = self.controls.send(&message).await;
        effects.sent();
        effects.absorb(before, &message).await;
        control
    }

    fn note_loss(&mut self, tested: &Tested) {
        if let Some(verdict) = tested.lost.clone() {
            let since = format!("since the case {}: {}", tested.result.id, reason(&verdict));
            self.endpoint = match verdict {
                Endpoint::Unreachable { .. } => Endpoint::Unreachable { reason: since },
                _ => Endpoint::RefusesControl { reason: since },
            };
        }
    }

    async fn settle(&mut self) {
        let Ok(Some(effects)) = &self.effects else { return };
        for (id, what) in effects.settle().await {
            let is_told = |one: &&mut Tested| one.result.id == id;
            let Some(one) = self.tested.iter_mut().find(is_told) else { continue };
            if one.result.status != Status::Failed {
                one.result.status = Status::Failed;
                one.result.tries = Tries::Once;
                one.result.summary = what;
            }
        }
    }

    fn tell(&mut self, tell: &mut dyn FnMut(CheckEvent<'_>)) {
        for one in self.tested.iter().skip(self.told) {
            tell(CheckEvent::Ended(&one.result));
        }
        self.told = self.tested.len();
    }

    fn finish(self, started: Instant) -> Checked {
        let control = match self.opening {
            Control::Acknowledged(sent) => Some(message_of(sent)),
            Control::Refused { .. } | Control::Unreachable(_) => None,
        };
        let wiring = &self.plan.wiring;
        let url = wiring.target.to_string();
        let bundles = self
            .tested
            .iter()
            .filter(|one| one.result.status == Status::Failed && !one.parcels.is_empty())
            .map(|one| one.bundle(&url, control.clone()))
            .collect();
        let report = CheckReport {
            url,
            started_at: self.plan.started_at,
            elapsed: started.elapsed(),
            endpoint: self.endpoint,
            results: self.tested.into_iter().map(|one| one.result).collect(),
            requests: self.sender.sent(),
            bound: self.plan.bound(),
            seed: self.plan.seed,
            options: Vec::new(),
        };
        Checked { report, bundles }
    }
}

fn refuses(case: &Case) -> bool {
    use super::case::Expect;
    match &case.work {
        Work::Send(steps) => steps
            .iter()
            .any(|step| matches!(step.expect, Expect::NotAcknowledged | Expect::Refused)),
        Work::Probe(_) | Work::Retry(_) => false,
    }
}

fn reason(endpoint: &Endpoint) -> &str {
    match endpoint {
        Endpoint::RefusesControl { reason } | Endpoint::Unreachable { reason } => reason,
        Endpoint::Discerning | Endpoint::AcknowledgesEverything => "",
    }
}

fn message_of(sent: &Sent) -> Message {
    Message {
        method: sent.exchange.method.clone(),
        headers: sent.exchange.headers.clone(),
        body: sent.exchange.body.clone(),
        order_id: String::new(),
        amount_cents: None,
    }
}
