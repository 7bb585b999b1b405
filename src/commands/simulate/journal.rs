//! The journal of a run, as the fleet sees it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::mem;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Setup;
use super::many::Halt;
use crate::error::CommandError;
use crate::report::summary::DeliverySummary;
use crate::sender::fleet::{self, LastOutcome, Memory, Resumed, Settlement, Verdict};
use crate::sender::journal::{
    self, Attempted, Counts, Intake, Intention, Journal, PastEvent, RunInfo, Settled, Throttle,
};
use crate::sender::record::{FleetEvent, Order, OrderResult};
use crate::store::{StoreError, Trouble};

const LONGEST_REASON: usize = 300;

#[derive(Default)]
pub(super) struct FleetJournal {
    journal: Option<Journal>,
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    flights: HashMap<(u64, u32), Flown>,
    explained: HashSet<&'static str>,
    throttles: Vec<Throttle>,
}

struct Flown {
    took: Duration,
    explanation: Option<String>,
}

impl FleetJournal {
    pub(super) fn none() -> Self {
        FleetJournal::default()
    }

    fn new(journal: Journal) -> Self {
        FleetJournal { journal: Some(journal), ..FleetJournal::default() }
    }

    pub(super) fn note(&self, event: &FleetEvent) {
        if self.journal.is_none() {
            return;
        }
        let notes = &mut *self.notes.borrow_mut();
        match event {
            FleetEvent::Attempt(attempt) => {
                let explanation = attempt.explanation.as_ref();
                let explanation = explanation.filter(|_| notes.explained.insert(attempt.code));
                let flown = Flown {
                    took: attempt.service_time(),
                    explanation: explanation.map(|why| why.chars().take(LONGEST_REASON).collect()),
                };
                notes.flights.insert((attempt.order, attempt.attempt), flown);
            }
            FleetEvent::Throttled { at, in_flight } => {
                notes.throttles.push(Throttle { at: *at, in_flight: *in_flight });
            }
            FleetEvent::Order(_) | FleetEvent::UnknownOutcome { .. } => {}
        }
    }

    pub(super) async fn begin(&self) -> Result<(), CommandError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.begin().await.map_err(refused)
    }

    pub(super) async fn replay(&self, summary: &mut DeliverySummary) -> Result<(), CommandError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let past = journal.replay(|event| match event {
            PastEvent::Told(event) => summary.fold(&event),
            PastEvent::Untimed(attempt) => summary.fold_untimed(&attempt),
            PastEvent::Duplicate => summary.count_duplicate(),
        });
        let past = past.await.map_err(refused)?;
        summary.begin_part(past.parts, past.length);
        Ok(())
    }

    pub(super) fn close(self) -> Result<(), CommandError> {
        self.journal.map_or(Ok(()), |journal| journal.close().map_err(refused))
    }

    fn settlement(&self, settlement: &Settlement) -> Option<journal::Settlement> {
        let Settlement::Attempt { order, attempt, code, verdict, finished_at } = *settlement else {
            return None;
        };
        let flown = self.notes.borrow_mut().flights.remove(&(order, attempt));
        let (took, explanation) = flown.map(|flown| (flown.took, flown.explanation)).unzip();
        Some(journal::Settlement {
            order,
            attempt,
            code,
            explanation: explanation.flatten(),
            sent_at: took.and_then(|took| finished_at.checked_sub(took).ok()),
            finished_at,
            then: match verdict {
                Verdict::Acknowledged => Settled::Acknowledged,
                Verdict::Retry => Settled::Retry,
                Verdict::Exhausted => Settled::Exhausted,
            },
        })
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
        | Trouble::Leftover
        | Trouble::LogLost => CommandError::input,
        _ => CommandError::environment,
    };
    kind("the journal cannot be used".to_owned()).because(error).hint(hint)
}

pub(super) async fn create(
    path: &Path,
    run: &RunInfo,
    orders: &[Order],
) -> Result<FleetJournal, CommandError> {
    let journal = Journal::create(path, run).map_err(refused)?;
    for chunk in orders.chunks(1000) {
        journal.enqueue(chunk).await.map_err(refused)?;
    }
    journal.seal(run.started_at).await.map_err(refused)?;
    Ok(FleetJournal::new(journal))
}

pub(super) struct Left {
    pub(super) journal: FleetJournal,
    pub(super) attempted: Vec<Resumed>,
    pub(super) untouched: Vec<Order>,
    pub(super) counts: Counts,
    pub(super) run: RunInfo,
}

pub(super) fn resume(path: &Path, setup: &Setup<'_>, now: Timestamp) -> Result<Left, CommandError> {
    let (journal, found) = Journal::resume(path, now).map_err(refused)?;
    if found.run.url != setup.target.to_string() {
        return Err(CommandError::usage(format!("the journal's run went to {}", found.run.url))
            .hint("give that URL, or start a new journal"));
    }
    match found.intake {
        Intake::Complete => {}
        Intake::Cut => {
            return Err(CommandError::usage("the journal's run ended before its first send")
                .hint("nothing was sent: remove the journal and start the run again"));
        }
        Intake::Unclear => return Err(unclear(path)),
    }
    let (mut attempted, mut untouched) = (Vec::new(), Vec::new());
    for left in found.unfinished {
        match left.attempted {
            None => untouched.push(left.order),
            Some(made) => attempted.push(resumed(left.order, &made)),
        }
    }
    attempted.extend(found.expired.into_iter().map(|it| resumed(it.order, &it.attempted)));
    let (journal, counts, run) = (FleetJournal::new(journal), found.counts, found.run);
    Ok(Left { journal, attempted, untouched, counts, run })
}

fn resumed(order: Order, made: &Attempted) -> Resumed {
    let last = match (made.unknown(), made.is_proven) {
        (None, _) => LastOutcome::Known,
        (Some(_), true) => LastOutcome::Unknown,
        (Some(_), false) => LastOutcome::Unproven,
    };
    Resumed { order, attempts: made.attempt, last, elapsed: made.elapsed }
}

/// A journal without all of its orders that cannot show why: whether anything was sent is not known.
fn unclear(path: &Path) -> CommandError {
    let path = path.display();
    CommandError::input(format!(
        "the journal {path} does not hold all orders of its run, or its log {path}-wal is missing \
         or damaged: it is not known what was sent"
    ))
    .hint(format!("put {path}-wal back beside the journal, if it was moved without it"))
    .hint("otherwise compare with the merchant's record before anything is sent again")
}

impl fleet::Journal<Halt> for FleetJournal {
    fn memory(&self) -> Memory {
        match self.journal {
            Some(_) => Memory::Kept,
            None => Memory::None,
        }
    }

    async fn intend(&self, intentions: &[fleet::Intention]) -> Result<(), Halt> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let intentions: Vec<Intention> = intentions
            .iter()
            .map(|intention| Intention {
                order: intention.order.number,
                attempt: intention.attempt,
                intended_at: intention.intended_at,
            })
            .collect();
        Ok(journal.intend(&intentions).await.map_err(refused)?)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<(), Halt> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let throttles = mem::take(&mut self.notes.borrow_mut().throttles);
        if !throttles.is_empty() {
            journal.throttled(&throttles).await.map_err(refused)?;
        }
        let attempts: Vec<_> =
            settlements.iter().filter_map(|settlement| self.settlement(settlement)).collect();
        // What was interrupted stays pending: the next run goes on with it.
        let exhausted = settlements.iter().filter_map(|settlement| match *settlement {
            Settlement::Order { order, result: OrderResult::Exhausted, .. } => Some(order),
            _ => None,
        });
        let exhausted: Vec<u64> = exhausted.collect();
        if !attempts.is_empty() {
            journal.settle(&attempts).await.map_err(refused)?;
        }
        if !exhausted.is_empty() {
            journal.exhaust(&exhausted).await.map_err(refused)?;
        }
        Ok(())
    }
}
