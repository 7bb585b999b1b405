//! Runs a suite against an endpoint: the control first and between groups, each case up to twice.

use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt, iter};

use super::books::Booked;
use super::bundle::Bundle;
use super::case::{Case, Expect, Message, Probe, Work};
use super::control::{Control, Controls, send_control};
use super::demand::OrderRef;
use super::effect::{CalibrationError, Effects};
use super::judge::Proof;
use super::observer::ObserverError;
use super::plan::{Plan, is_sociable};
use super::prepare::Preparer;
use super::probe::Prober;
use super::refusal::is_other_acknowledgement;
use super::report::{CaseResult, CheckReport, Endpoint, Finding, Status, Tries};
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
    /// The observer does not work; nothing was sent.
    #[error(transparent)]
    Observer(ObserverError),
    /// An order could not be prepared.
    #[error("{0}")]
    Prepare(String),
}

/// Checks an endpoint; with the report come the failed cases, to be sent again.
pub async fn check(
    plan: &Plan,
    tell: &mut dyn FnMut(CheckEvent<'_>),
) -> Result<(CheckReport, Vec<Bundle>), CheckError> {
    let started = Instant::now();
    let sender = Sender::new(plan.wiring.clone());
    let preparer = Preparer::new(plan.prepare.as_ref(), &plan.workshop.platform_id);
    let controls = Controls::new(&plan.workshop, &sender, &preparer);
    let (opening, effects) = open(plan, &controls).await?;
    let opening = controls.explain(opening).await;
    let (everything, endpoint) = match &opening.verdict {
        Some(verdict) => (None, verdict.clone()),
        None => match controls.acknowledges_everything().await {
            Some(everything) => (Some(everything), Endpoint::AcknowledgesEverything),
            None => (None, Endpoint::Discerning),
        },
    };
    let pace = plan.wiring.rate.map_or(0.0, |rate| plan.bound() as f64 / rate.per_second());
    let pace = Duration::try_from_secs_f64(pace).unwrap_or(Duration::MAX);
    let mut run = Run {
        plan,
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
    if let Some(failure) = preparer.failure() {
        return Err(CheckError::Prepare(failure));
    }
    run.settle().await;
    run.tell(tell);
    Ok(run.finish(started))
}

async fn open<'a>(
    plan: &'a Plan,
    controls: &Controls<'_>,
) -> Result<(Control, Result<Option<Effects<'a>>, CalibrationError>), CheckError> {
    let Some(observer) = &plan.observer else {
        return Ok((controls.ask().await, Ok(None)));
    };
    match Effects::calibrate(observer, controls).await {
        (Some(opening), effects) => Ok((opening, effects)),
        // The observer failed before anything was sent.
        (None, Err(CalibrationError::Observer(error))) => Err(CheckError::Observer(error)),
        (None, effects) => Ok((controls.ask().await, effects)),
    }
}

struct Run<'a> {
    plan: &'a Plan,
    controls: &'a Controls<'a>,
    effects: Result<Option<Effects<'a>>, CalibrationError>,
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
                plan.suite.cases.iter().filter(|case| case.group == group).collect();
            let first = self.tested.len();
            self.group(&cases, tell).await;
            let has_sent = self.tested.iter().skip(first).any(|one| one.is_demotable());
            if has_sent && self.endpoint == Endpoint::Discerning {
                let control = self.control().await;
                self.close_group(first, control);
            }
            // What an observer sees later may change what is said of a case.
            if !matches!(self.effects, Ok(Some(_))) {
                self.tell(tell);
            }
        }
    }

    fn close_group(&mut self, first: usize, control: Control) {
        let Some(verdict) = control.verdict else { return };
        let why = verdict.reason().unwrap_or_default();
        let cut_off = self.tested.iter().skip(first).filter(|one| one.is_cut_off).count();
        for one in self.tested.iter_mut().skip(first) {
            if one.is_cut_off && matches!(verdict, Endpoint::Unreachable { .. }) {
                one.break_off(cut_off, why);
            }
            one.demote(&format!("the known-good control was refused afterwards: {why}"));
        }
        let since = match &verdict {
            Endpoint::Unreachable { .. } => "it answered at first, and does not any more",
            _ => "it was acknowledged at first, and is not any more",
        };
        let reason = format!("{since}: {why}");
        self.endpoint = verdict.because(reason);
    }

    async fn group(&mut self, cases: &[&Case], tell: &mut dyn FnMut(CheckEvent<'_>)) {
        let mut rest = cases;
        while !rest.is_empty() {
            let together = rest.iter().take_while(|case| self.may_be_together(case)).count();
            let (now, later) = rest.split_at(together.max(1));
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
            for one in &tested {
                self.note_loss(one);
            }
            self.tested.extend(tested);
            rest = later;
        }
    }

    fn may_be_together(&self, case: &Case) -> bool {
        let is_open = |id: &str| {
            self.plan.suite.cases.iter().any(|known| known.id == id) && self.result(id).is_none()
        };
        self.endpoint == Endpoint::Discerning
            && is_sociable(case)
            && !self.counts_in_total(case)
            && !case.after.as_deref().is_some_and(is_open)
    }

    fn result(&self, id: &str) -> Option<&Tested> {
        self.tested.iter().find(|one| one.result.id == id)
    }

    /// What a case depends on, where that was refused: the case would say the same again.
    fn refused_before(&self, case: &Case) -> Option<&Tested> {
        let good = case.notifications().iter().filter(|step| !step.expect.is_bad());
        let needed = good
            .enumerate()
            .filter(|(index, step)| *index == 0 || step.expect == Expect::Acknowledged);
        let by_status = needed.filter_map(|(_, step)| match step.recipe.status() {
            "failed" => Some("ack-failed"),
            "cancelled" => Some("ack-cancelled"),
            _ => None,
        });
        let mut ids = case.after.as_deref().into_iter().chain(by_status);
        let is_telling = |one: &Tested| {
            one.is_refused || one.result.finding == Finding::Acknowledged && one.proof.is_some()
        };
        ids.find_map(|id| self.result(id).filter(|one| id != case.id && is_telling(one)))
    }

    fn without_asking(&self, case: &Case) -> Option<Tested> {
        if let Some(failure) = self.controls.preparer.failure() {
            return Some(blank(case, Status::Inconclusive, &failure));
        }
        if let Some(lacking) = self.plan.lacking(case) {
            return Some(blank(case, Status::Skipped, lacking));
        }
        if let Some(known) = self.refused_before(case) {
            let why = format!("not tested: see {}: {}", known.result.id, known.result.summary);
            return Some(blank(case, Status::Skipped, &why));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(blank(case, Status::Inconclusive, "the time of the check was over"));
        }
        let probe = match &case.work {
            Work::Probe(probe) => Some(*probe),
            Work::Send(_) | Work::Retry(_) => None,
        };
        let may_probe = probe.is_some_and(|it| !matches!(it, Probe::Latency | Probe::KeepAlive));
        let why = match &self.endpoint {
            Endpoint::Discerning => return None,
            Endpoint::AcknowledgesEverything if probe.is_some() => return None,
            Endpoint::AcknowledgesEverything => return Some(self.answered_by_everything(case)),
            _ if may_probe => return None,
            Endpoint::RefusesControl { .. } | Endpoint::BooksNothing { .. } => {
                "the known-good control is refused"
            }
            Endpoint::Unreachable { .. } => "the endpoint cannot be reached",
        };
        let sent = self.opening.sent.as_ref().filter(|sent| is_other_acknowledgement(sent));
        if let (Some(sent), "ack-success") = (sent, case.id.as_str()) {
            let mut tested = blank(case, Status::Failed, &sent.exchange.conclusion);
            tested.result.finding = Finding::Refused;
            tested.result.exchanges.push(sent.exchange.clone());
            return Some(tested);
        }
        Some(blank(case, Status::Inconclusive, why))
    }

    /// The cases of an endpoint that acknowledges everything: the first that it fails says so,
    /// the others are not asked.
    fn answered_by_everything(&self, case: &Case) -> Tested {
        if !case.steps().iter().any(|step| step.expect.is_bad()) {
            let why = "it acknowledges whatever comes, so this proves nothing";
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
        tested.result.finding = Finding::Acknowledged;
        let sent = self.everything.iter().flatten();
        tested.result.exchanges = sent.map(|sent| sent.exchange.clone()).collect();
        tested
    }

    async fn ask(&self, case: &Case) -> Tested {
        let start = Instant::now();
        let mut tested = match &case.work {
            Work::Probe(probe) => {
                let prober = Prober { controls: self.controls, opening: self.opening };
                let tested = judged(case, prober.ask(*probe).await);
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

    /// The control; where its order is refused, with another order.
    async fn control(&self) -> Control {
        let control = self.control_once().await;
        match &control.verdict {
            Some(Endpoint::RefusesControl { .. }) => self.control_once().await,
            _ => control,
        }
    }

    async fn control_once(&self) -> Control {
        // Without an order left there is no control, which says nothing of the endpoint.
        let Ok(message) = self.controls.message().await else { return Control::default() };
        let Ok(Some(effects)) = &self.effects else {
            return send_control(self.controls.sender, &message).await;
        };
        let order = OrderRef::from(&message);
        let before = effects.total(&order).await;
        let control = send_control(self.controls.sender, &message).await;
        effects.sent();
        effects.absorb(before, &order).await;
        control
    }

    fn note_loss(&mut self, tested: &Tested) {
        if let Some(verdict) = tested.lost.clone() {
            let why = verdict.reason().unwrap_or_default();
            let since = format!("since the case {}: {why}", tested.result.id);
            self.endpoint = verdict.because(since);
        }
    }

    async fn settle(&mut self) {
        let Ok(Some(effects)) = &self.effects else { return };
        for (late, booked) in effects.settle().await {
            let is_it = |one: &&mut Tested| one.result.id == late.case;
            let Some(one) = self.tested.iter_mut().find(is_it) else { continue };
            let (status, finding, what) = match booked {
                Booked::Wrong(what) => (Status::Failed, Finding::Misbooked, what),
                Booked::Lost(what) => (Status::Failed, Finding::NotBooked, what),
                Booked::Unseen(why) if one.result.status == Status::Passed => {
                    (Status::Inconclusive, Finding::default(), why)
                }
                Booked::Right | Booked::Unseen(_) => continue,
            };
            if one.result.status != Status::Failed {
                one.result.status = status;
                one.result.finding = finding;
                one.result.tries = Tries::Once;
                one.result.summary = what;
                one.result.exchanges = late.exchanges;
            }
        }
    }

    fn tell(&mut self, tell: &mut dyn FnMut(CheckEvent<'_>)) {
        for one in self.tested.iter().skip(self.told) {
            tell(CheckEvent::Ended(&one.result));
        }
        self.told = self.tested.len();
    }

    fn finish(mut self, started: Instant) -> (CheckReport, Vec<Bundle>) {
        if let Err(error) = &self.effects
            && error.is_unmoved()
            && self.endpoint == Endpoint::Discerning
        {
            self.endpoint = Endpoint::BooksNothing { reason: error.to_string() };
        }
        let is_acknowledged = self.opening.verdict.is_none();
        let control = self.opening.sent.as_ref().filter(|_| is_acknowledged).map(message_of);
        let wiring = &self.plan.wiring;
        let url = wiring.target.to_string();
        let bundles = self
            .tested
            .iter()
            .filter(|one| one.result.status == Status::Failed && !one.parcels.is_empty())
            .map(|one| one.bundle(&url, self.plan.workshop.dialect(), control.clone()))
            .collect();
        let report = CheckReport {
            url,
            started_at: self.plan.started_at,
            elapsed: started.elapsed(),
            endpoint: self.endpoint,
            results: self.tested.into_iter().map(|one| one.result).collect(),
            requests: self.controls.sender.sent(),
            bound: self.plan.bound(),
            seed: self.plan.seed,
            options: Vec::new(),
            explored: None,
        };
        (report, bundles)
    }
}

fn message_of(sent: &Sent) -> Message {
    Message {
        method: sent.exchange.method.clone(),
        headers: sent.exchange.headers.clone(),
        query: String::new(),
        body: sent.exchange.body.clone(),
        order_id: String::new(),
        client_id: String::new(),
        amount_cents: None,
        signed_status: None,
    }
}
