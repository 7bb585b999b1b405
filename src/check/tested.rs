//! A case's result on its way into the report.

use protocol::{Dialect, Transport};

use super::bundle::{Bundle, VERSION};
use super::case::{Case, Message, Severity, Work};
use super::judge::Proof;
use super::probe::ProbeFinding;
use super::report::{self, CaseResult, Endpoint, Status, Tries};
use super::trial::{CUT_OFF_TOGETHER, Parcel};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) struct Tested {
    pub(super) result: CaseResult,
    /// What was sent at last, where it was notifications.
    pub(super) parcels: Vec<Parcel>,
    pub(super) bad: Status,
    pub(super) proof: Option<Proof>,
    pub(super) lost: Option<Endpoint>,
    /// A good notification was not acknowledged, and nothing worse was found.
    pub(super) is_refused: bool,
    /// The endpoint ended the connection without a reply.
    pub(super) is_cut_off: bool,
    is_probe: bool,
}

pub(super) fn blank(case: &Case, status: Status, summary: &str) -> Tested {
    Tested {
        result: CaseResult {
            id: case.id.clone(),
            group: case.group.clone(),
            title: case.title.clone(),
            status,
            finding: report::Finding::default(),
            tries: Tries::Once,
            summary: summary.to_owned(),
            why: case.why.clone(),
            fix: case.fix.clone(),
            unseen: None,
            exchanges: Vec::new(),
            elapsed: Duration::ZERO,
        },
        parcels: Vec::new(),
        bad: match case.severity {
            Severity::Fail => Status::Failed,
            Severity::Warn => Status::Warned,
        },
        proof: None,
        lost: None,
        is_refused: false,
        is_cut_off: false,
        is_probe: matches!(case.work, Work::Probe(_)),
    }
}

pub(super) fn judged(case: &Case, finding: ProbeFinding) -> Tested {
    let mut tested = blank(case, Status::Passed, &finding.text);
    tested.result.status = finding.found.status(tested.bad);
    tested.result.exchanges = finding.exchanges;
    if matches!(tested.result.status, Status::Failed | Status::Warned) {
        tested.result.finding = report::Finding::Reachability;
    }
    tested
}

impl Tested {
    pub(super) fn is_demotable(&self) -> bool {
        let is_said =
            matches!(self.result.status, Status::Passed | Status::Failed | Status::Warned);
        is_said && !self.is_probe && self.proof != Some(Proof::Proven)
    }

    /// Takes the result back, unless it is proven.
    pub(super) fn demote(&mut self, why: &str) {
        if self.is_demotable() {
            self.result.status = Status::Inconclusive;
            self.result.tries = Tries::Once;
            self.result.finding = report::Finding::default();
            self.result.summary = why.to_owned();
        }
    }

    /// Of the cases that were sent together, one that got no reply may have ended the endpoint.
    pub(super) fn break_off(&mut self, cut_off: usize, why: &str) {
        self.result.status = Status::Failed;
        self.result.finding = report::Finding::Broken;
        self.proof = Some(Proof::Proven);
        let it = if cut_off > 1 { CUT_OFF_TOGETHER } else { "it got no reply" };
        self.result.summary =
            format!("{it}, and afterwards a good notification is not acknowledged: {why}");
    }

    pub(super) fn bundle(&self, url: &str, dialect: &Dialect, control: Option<Message>) -> Bundle {
        let result = &self.result;
        Bundle {
            version: VERSION,
            url: url.to_owned(),
            success_reply: dialect.success_reply.to_string(),
            transport: Some(dialect.layout.transport)
                .filter(|transport| *transport != Transport::Json)
                .map(|transport| transport.name().to_owned()),
            id: result.id.clone(),
            group: result.group.clone(),
            title: result.title.clone(),
            why: result.why.clone(),
            fix: result.fix.clone(),
            control,
            parcels: self.parcels.clone(),
        }
    }
}
