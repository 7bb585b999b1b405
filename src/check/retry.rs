//! A notification on the platform's retry schedule, compressed to seconds.

use std::time::{Duration, Instant};

use super::judge::{Judgement, Proof};
use super::sender::Sender;
use super::trial::{Parcel, Trial};
use crate::sender::decide::{Decision, decide};
use crate::sender::schedule::RetrySchedule;

const COMPRESSED: Duration = Duration::from_secs(3);

pub(super) async fn deliver(sender: &Sender, parcel: &Parcel) -> Trial {
    let schedule = RetrySchedule::default();
    let factor = (schedule.window().as_secs_f64() / COMPRESSED.as_secs_f64()).max(1.0);
    let start = Instant::now();
    let mut exchanges = Vec::new();
    let mut attempt = 1;
    loop {
        let label = format!("attempt {attempt}");
        let sent = sender.send(&parcel.message, parcel.manner, &label).await;
        exchanges.push(sent.exchange);
        // A slow merchant must not end the schedule: only planned times count here.
        let planned = schedule.offset(attempt).unwrap_or_default();
        match decide(&schedule, attempt, sent.conclusion.as_ref(), planned) {
            Decision::Acknowledged => {
                let acknowledged = vec![true];
                return Trial { judgement: Judgement::Met, exchanges, acknowledged, booked: None };
            }
            Decision::RetryAt { attempt: next, offset } => {
                let due = offset.div_f64(factor);
                tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
                attempt = next;
            }
            Decision::Exhausted(_) => {
                let last = exchanges.last().map_or("", |one| one.conclusion.as_str());
                let what = format!("not acknowledged in {attempt} attempts; at last: {last}");
                let judgement = Judgement::Broken { what, proof: Proof::Doubtful };
                // The first and the last tell what happened.
                let (first, last) = (exchanges.first().cloned(), exchanges.pop());
                let exchanges = first.into_iter().chain(last).collect();
                return Trial { judgement, exchanges, acknowledged: vec![false], booked: None };
            }
        }
    }
}
