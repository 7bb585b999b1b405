//! A notification on the platform's retry schedule, compressed to seconds.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::judge::{Fault, Proof};
use super::sender::Sender;
use super::trial::{Parcel, Trial};
use crate::sender::decide::{Decision, RetryPlan};
use crate::sender::schedule::{RetrySchedule, Speed};

const COMPRESSED: Duration = Duration::from_secs(3);

/// Sends until it is acknowledged, the schedule ends, or so many attempts in a row time out.
pub(super) async fn deliver(sender: &Sender, parcel: &Parcel, patience: u32) -> Trial {
    let schedule = RetrySchedule::default();
    let factor = (schedule.window().as_secs_f64() / COMPRESSED.as_secs_f64()).max(1.0);
    let start = Instant::now();
    let mut trial = Trial::default();
    let plan = RetryPlan::new(&schedule, Speed::REAL);
    let (mut attempt, mut silent) = (1, 0);
    loop {
        let label = format!("attempt {attempt}");
        let sent = sender.send(&parcel.message, parcel.manner, &label).await;
        silent = if sent.is_timed_out() { silent + 1 } else { 0 };
        trial.exchanges.push(sent.exchange);
        // A slow merchant must not end the schedule: only planned times count here.
        let planned = plan.planned(1, attempt).unwrap_or_default();
        let result = (&sent.outcome, sent.conclusion.as_ref());
        match plan.after((1, attempt), result, planned, Timestamp::UNIX_EPOCH) {
            Decision::Acknowledged => {
                trial.acknowledged = vec![true];
                return trial;
            }
            Decision::Retry(next) if silent < patience => {
                let due = next.planned.div_f64(factor);
                tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
                attempt = next.attempt;
            }
            Decision::Retry(_) | Decision::Exhausted(_) => {
                let last = trial.exchanges.last().map_or("", |one| one.conclusion.as_str());
                let what = format!("not acknowledged in {attempt} attempts; at last: {last}");
                trial.fault = Some(Fault { what, proof: Proof::Doubtful });
                trial.acknowledged = vec![false];
                // The first and the last show what happened.
                trial.exchanges.drain(1..trial.exchanges.len().saturating_sub(1).max(1));
                return trial;
            }
        }
    }
}
