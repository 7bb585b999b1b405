//! The journal of a run, as the fleet sees it.

use std::path::Path;

use jiff::Timestamp;

use super::Setup;
use crate::delivery::fleet::{self, LastOutcome, Memory, Resumed, Settlement, Verdict};
use crate::delivery::journal::{self, Counts, Intake, Intention, Journal, RunInfo, Settled};
use crate::delivery::record::{FleetEvent, Order, OrderRecord, OrderResult};
use crate::delivery::schedule::RetrySchedule;
use crate::error::CommandError;
use crate::store::{StoreError, Trouble};

/// A journal, or none.
pub(super) struct FleetJournal(Option<Journal>);

impl FleetJournal {
    /// Remembers nothing.
    pub(super) fn none() -> Self {
        FleetJournal(None)
    }

    /// Brings everything to the disk.
    pub(super) fn close(self) -> Result<(), CommandError> {
        self.0.map_or(Ok(()), |journal| journal.close().map_err(refused))
    }
}

fn refused(error: StoreError) -> CommandError {
    let hint = error.hint();
    let kind = match error.trouble {
        Trouble::Exists | Trouble::Missing => CommandError::usage,
        Trouble::Foreign
        | Trouble::Newer
        | Trouble::Corrupt
        | Trouble::NotAFile
        | Trouble::Leftover => CommandError::input,
        _ => CommandError::environment,
    };
    kind("the journal cannot be used".to_owned()).because(error).hint(hint)
}

/// Takes a run and all its orders in.
pub(super) async fn create(
    path: &Path,
    setup: &Setup<'_>,
    key_fingerprint: &str,
    seed: u64,
    start: Timestamp,
    orders: &[Order],
) -> Result<FleetJournal, CommandError> {
    let run = RunInfo {
        url: setup.target.to_string(),
        schedule: setup.args.schedule.clone(),
        retries: setup.args.retries,
        window: setup.args.window,
        speed: setup.args.speed,
        sign_type: setup.args.sign_type.map_or(String::new(), |algorithm| algorithm.name().into()),
        key_fingerprint: key_fingerprint.to_owned(),
        seed: Some(seed),
        settings: String::new(),
        started_at: start,
    };
    let journal = Journal::create(path, &run).map_err(refused)?;
    for chunk in orders.chunks(1000) {
        journal.enqueue(chunk).await.map_err(refused)?;
    }
    journal.seal(start).await.map_err(refused)?;
    Ok(FleetJournal(Some(journal)))
}

/// What an earlier run left.
pub(super) struct Left {
    pub(super) journal: FleetJournal,
    pub(super) attempted: Vec<Resumed>,
    pub(super) untouched: Vec<Order>,
    pub(super) events: Vec<FleetEvent>,
    pub(super) counts: Counts,
    pub(super) run: RunInfo,
    pub(super) schedule: RetrySchedule,
}

/// Reads what an earlier run left, and says what is unknown of it.
pub(super) async fn resume(
    path: &Path,
    setup: &Setup<'_>,
    now: Timestamp,
) -> Result<Left, CommandError> {
    let (journal, found) = Journal::resume(path, now).map_err(refused)?;
    if found.run.url != setup.target.to_string() {
        return Err(CommandError::usage(format!("the journal's run went to {}", found.run.url))
            .hint("give that URL, or start a new journal"));
    }
    if found.intake == Intake::Cut {
        return Err(CommandError::usage("the journal's run ended before its first send")
            .hint("nothing was sent: remove the journal and start the run again"));
    }
    let schedule = found.run.retry_schedule().map_err(|error| {
        CommandError::input("the journal's schedule cannot be used").because(error)
    })?;
    let (mut attempted, mut untouched, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for expired in found.expired {
        let (order, order_id) = (expired.order, expired.order_id);
        events.extend(expired.unknown.map(|attempt| FleetEvent::UnknownOutcome {
            order,
            order_id: order_id.clone(),
            attempt,
        }));
        events.push(FleetEvent::Order(OrderRecord {
            order,
            order_id,
            result: OrderResult::Exhausted,
            attempts: expired.attempts,
            finished: std::time::Duration::ZERO,
        }));
    }
    for left in found.unfinished {
        if left.next_attempt == 1 {
            untouched.push(left.order);
            continue;
        }
        let last = match left.unknown {
            Some(_) => LastOutcome::Unknown,
            None => LastOutcome::Known,
        };
        attempted.push(Resumed { order: left.order, attempts: left.next_attempt - 1, last });
    }
    Ok(Left {
        journal: FleetJournal(Some(journal)),
        attempted,
        untouched,
        events,
        counts: found.counts,
        run: found.run,
        schedule,
    })
}

impl fleet::Journal<CommandError> for FleetJournal {
    fn memory(&self) -> Memory {
        match self.0 {
            Some(_) => Memory::Kept,
            None => Memory::None,
        }
    }

    async fn intend(&self, intentions: &[fleet::Intention]) -> Result<(), CommandError> {
        let Some(journal) = &self.0 else { return Ok(()) };
        let intentions: Vec<Intention> = intentions
            .iter()
            .map(|intention| Intention {
                order: intention.order.number,
                attempt: intention.attempt,
                intended_at: intention.intended_at,
            })
            .collect();
        journal.intend(&intentions).await.map_err(refused)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), CommandError> {
        let Some(journal) = &self.0 else { return Ok(()) };
        let (mut attempts, mut exhausted) = (Vec::new(), Vec::new());
        for settlement in settlements {
            match *settlement {
                Settlement::Attempt { order, attempt, code, verdict, finished_at } => {
                    let then = match verdict {
                        Verdict::Acknowledged => Settled::Acknowledged,
                        Verdict::Retry => Settled::Retry,
                        Verdict::Exhausted => Settled::Exhausted,
                    };
                    attempts.push(journal::Settlement { order, attempt, code, finished_at, then });
                }
                Settlement::Order { order, result: OrderResult::Exhausted, .. } => {
                    exhausted.push(order);
                }
                // What was interrupted stays pending: the next run goes on with it.
                Settlement::Order { .. } => {}
            }
        }
        if !attempts.is_empty() {
            journal.settle(&attempts).await.map_err(refused)?;
        }
        if !exhausted.is_empty() {
            journal.exhaust(&exhausted).await.map_err(refused)?;
        }
        Ok(())
    }
}
