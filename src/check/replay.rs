//! Sends a failed case again from its bundle: the same bytes, without the key.

use std::time::Instant;

use super::bundle::Bundle;
use super::control::send_control;
use super::judge::{Fault, Proof};
use super::report::{CaseResult, CheckReport, Endpoint, Finding, Status, Tries};
use super::sender::{Sender, Wiring};
use super::trial::attempt;
use crate::clock::wall_time;

pub fn bound(bundle: &Bundle) -> u64 {
    let controls = if bundle.control.is_some() { 2 } else { 0 };
    bundle.parcels.iter().fold(controls, |sum, parcel| sum + u64::from(parcel.at_once))
}

pub async fn replay(bundle: &Bundle, wiring: Wiring) -> CheckReport {
    let (started, started_at) = (Instant::now(), wall_time());
    let sender = Sender::new(wiring);
    let verdict = match &bundle.control {
        Some(message) => send_control(&sender, message).await.verdict,
        None => None,
    };
    let mut result = CaseResult {
        id: bundle.id.clone(),
        group: bundle.group.clone(),
        title: bundle.title.clone(),
        status: Status::Inconclusive,
        finding: Finding::default(),
        tries: Tries::Once,
        summary: "the known-good control is refused".to_owned(),
        why: bundle.why.clone(),
        fix: bundle.fix.clone(),
        unseen: None,
        exchanges: Vec::new(),
        elapsed: started.elapsed(),
    };
    if verdict.is_none() {
        let trial = attempt(&sender, &bundle.parcels, None).await;
        (result.status, result.finding, result.summary) = match trial.fault {
            None => {
                let summary = "a sound endpoint does the same".to_owned();
                (Status::Passed, Finding::Nothing, summary)
            }
            Some(Fault { what, proof: Proof::Harmless }) => {
                (Status::Warned, Finding::Harmless, what)
            }
            Some(Fault { what, proof: Proof::Doubtful }) => {
                (Status::Failed, Finding::Refused, what)
            }
            Some(Fault { what, proof: Proof::Proven }) => {
                (Status::Failed, Finding::Acknowledged, what)
            }
        };
        result.exchanges = trial.exchanges;
        result.unseen = Some("whether anything was credited: a replay does not look".to_owned());
        result.elapsed = started.elapsed();
    }
    CheckReport {
        url: sender.wiring().target.to_string(),
        started_at,
        elapsed: started.elapsed(),
        endpoint: verdict.unwrap_or(Endpoint::Discerning),
        results: vec![result],
        requests: sender.sent(),
        bound: bound(bundle),
        seed: 0,
        options: Vec::new(),
        explored: None,
    }
}
