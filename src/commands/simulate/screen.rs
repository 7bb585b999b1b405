//! What a run of many orders shows as it goes, and at its end.

use std::time::Duration;

use super::super::CommandResult;
use super::super::args::Format;
use super::super::args::inbox::warn_of_missing;
use super::again;
use super::many::{ManyArgs, Sent};
use super::orders::{no_orders, skipped_rows};
use super::reports::Reports;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::report::figures::{counted, grouped};
use crate::report::line::Line;
use crate::report::redact::AttemptRedactor;
use crate::report::summary::{self, DeliverySummary, RunFacts, RunReport};
use crate::sender::engine::{AttemptDetails, DEFAULT_DRAIN, Ending};
use crate::sender::record::EngineEvent;
use crate::settings::command_line;
use crate::terminal::Console;

pub(super) fn ready(
    facts: &RunFacts,
    left: Option<u64>,
    seed: u64,
    format: Format,
    console: &mut Console,
) -> std::io::Result<()> {
    if format == Format::Json {
        return console.answer_bytes(summary::json::ready(facts, seed).as_bytes());
    }
    let count = facts.orders.map_or_else(|| "orders".to_owned(), |n| counted(n, "order"));
    let count = left.map_or(count.clone(), |left| format!("{} left of {count}", grouped(left)));
    console.note(
        &Line::new()
            .strong(count)
            .plain(" → ")
            .accent(&facts.url)
            .dim(format!("  schedule {}, seed {seed}", facts.schedule)),
    );
    Ok(())
}

pub(super) struct Screen<'a, 'c> {
    pub(super) many: &'a ManyArgs,
    pub(super) format: Format,
    pub(super) console: &'c mut Console,
    pub(super) reports: Reports<'a>,
    pub(super) summary: DeliverySummary,
    pub(super) unknown: Unknown,
    pub(super) redactor: AttemptRedactor,
    /// The limit of open files, where it is what holds attempts back.
    pub(super) open_files: Option<usize>,
    pub(super) is_held_back: bool,
    /// The statuses of the only order, whose attempts a person sees one by one; empty in a run of
    /// many.
    pub(super) life: Vec<String>,
}

/// How many unknown outcomes are named, the rest is counted: as many as are in flight at once
/// unless a flag says more. Each may have moved money, so a person is told of each.
const MOST_UNKNOWN: usize = 1000;

/// The attempts of an earlier part whose outcome is unknown: there may be as many as were in flight
/// when it was killed.
pub(super) struct Unknown {
    all: usize,
    told: usize,
}

impl Unknown {
    pub(super) fn of(all: usize) -> Self {
        Unknown { all, told: 0 }
    }

    fn tell(&mut self, order_id: &str, step: Option<u32>, attempt: u32) -> Vec<String> {
        self.told += 1;
        if self.told > MOST_UNKNOWN {
            return Vec::new();
        }
        let step = step.map_or_else(String::new, |step| format!(" step {step}"));
        let mut told = vec![format!(
            "{}{step}: attempt {attempt} has an unknown outcome; the merchant may have it",
            Untrusted::new(&order_id)
        )];
        if self.told == MOST_UNKNOWN && self.all > MOST_UNKNOWN {
            let more = grouped((self.all - MOST_UNKNOWN) as u64);
            told.push(format!("… and {more} more; the journal has them all"));
        }
        told
    }
}

impl Screen<'_, '_> {
    pub(super) fn show(
        &mut self,
        event: &EngineEvent,
        details: Option<&AttemptDetails<'_>>,
        elapsed: Duration,
    ) -> Result<(), CommandError> {
        let event = &*self.redactor.event(event, details);
        // What cannot be written happened all the same.
        self.summary.fold(event);
        self.reports.event(event, &self.summary)?;
        self.tell(event).map_err(CommandError::output)?;
        let elapsed = self.summary.earlier.length.saturating_add(elapsed);
        self.console.progress(&self.summary, elapsed);
        Ok(())
    }

    /// Draws the live line again, `elapsed` after the start of this part of the run.
    pub(super) fn redraw(&mut self, elapsed: Duration) {
        if self.console.has_live_line() {
            let elapsed = self.summary.earlier.length.saturating_add(elapsed);
            self.console.progress(&self.summary, elapsed);
        }
    }

    pub(super) fn tell(&mut self, event: &EngineEvent) -> std::io::Result<()> {
        match (event, self.format) {
            (EngineEvent::Attempt(attempt), Format::Json) => {
                let line = summary::json::attempt(attempt, self.summary.place(attempt.order));
                return self.console.answer_bytes(line.as_bytes());
            }
            (EngineEvent::Attempt(attempt), Format::Human) if !self.life.is_empty() => {
                let (_, step) = self.summary.place(attempt.order);
                let at = step.and_then(|step| usize::try_from(step).ok()?.checked_sub(1));
                let status = at.and_then(|at| self.life.get(at)).map_or("", String::as_str);
                return self.console.answer(&summary::text::attempt(attempt, step, status));
            }
            (EngineEvent::UnknownOutcome { order, order_id, attempt }, _) => {
                let (_, step) = self.summary.place(*order);
                let told = self.unknown.tell(order_id, step, *attempt);
                told.iter().for_each(|warning| self.console.warning(warning));
            }
            (EngineEvent::Throttled { in_flight, .. }, _) => {
                let cause = match self.open_files {
                    None => "--max-in-flight holds others back".to_owned(),
                    Some(limit) => format!(
                        "the limit of {limit} open files holds others back; raise it with `ulimit -n`"
                    ),
                };
                self.console.warning(&format!("{in_flight} attempts are in flight: {cause}"));
            }
            (EngineEvent::Stopping, _) => self.stopping(),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn tell_held_back(&mut self, why: Option<String>) {
        if let Some(why) = why.filter(|_| !self.is_held_back) {
            self.is_held_back = true;
            self.console.note(&Line::new().plain(why));
        }
    }

    fn stopping(&mut self) {
        let drain = DEFAULT_DRAIN.as_secs();
        self.console.note(&Line::new().plain(format!(
            "stopping: replies in flight have {drain} s; a second Ctrl-C ends at once"
        )));
    }

    pub(super) fn conclude(mut self, sent: Sent) -> CommandResult {
        self.console.end_progress();
        if let Some(told) = skipped_rows(self.many, sent.skipped) {
            self.console.note(&Line::new().plain(told));
        }
        (0..sent.duplicates).for_each(|_| self.summary.count_duplicate());
        self.summary.finish(sent.elapsed);
        let cut = sent.halted.as_ref().filter(|_| sent.ending != Ending::Complete);
        self.summary.cut_short = cut.map(|error| self.redactor.fields.text(&error.to_string()));
        warn_of_missing(&self.redactor.fields, "payload or reply", self.console);
        let gates = self.many.fail_if.iter().map(|gate| gate.evaluate(&self.summary)).collect();
        let report = RunReport { summary: self.summary, gates };
        let exit = match (sent.ending, report.is_yes()) {
            (Ending::Complete, true) => Exit::Yes,
            (Ending::Complete, false) => Exit::No,
            (Ending::Stopped | Ending::Aborted, _) => Exit::Interrupted,
        };
        // The files come first: stdout may lead to a reader that takes nothing.
        let written = self.reports.finish(&report);
        let printed = match self.format {
            Format::Json => self.console.answer_bytes(summary::json::summary(&report).as_bytes()),
            Format::Human => {
                let lines = summary::text::lines(&report);
                lines.iter().try_for_each(|line| self.console.answer(line))
            }
        };
        if self.many.journal.is_some() && exit == Exit::Interrupted {
            let fields = &mut self.redactor.fields;
            let words = command_line().map(|word| match fields.is_needed() {
                true => fields.url(&word.to_string_lossy()).into(),
                false => word,
            });
            for told in again::lines(words) {
                self.console.note(&Line::new().plain(told));
            }
        }
        let written = written.and(printed.map_err(CommandError::output));
        let is_empty = exit == Exit::Yes && report.summary.total_orders() == 0;
        let empty = is_empty.then(|| no_orders(self.many, sent.skipped));
        let mut errors = sent.halted.into_iter().chain(empty).chain(written.err());
        let Some(first) = errors.next() else { return Ok(exit) };
        errors.for_each(|error| self.console.error(&error));
        match exit {
            // Whether or not it could be written, what is known of the orders stands.
            Exit::No => {
                self.console.error(&first);
                Ok(exit)
            }
            _ => Err(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_outcomes_are_named_and_those_beyond_the_most_are_counted() {
        let told = |all: usize| {
            let mut unknown = Unknown::of(all);
            (0..all).flat_map(|_| unknown.tell("POT1", None, 2)).collect::<Vec<_>>()
        };
        assert_eq!((told(0).len(), told(5).len(), told(1_000).len()), (0, 5, 1_000));
        let many = told(3_000);
        assert_eq!(
            (many.len(), many[1_000].as_str()),
            (1_001, "… and 2,000 more; the journal has them all")
        );
        let step = Unknown::of(1).tell("POT1", Some(3), 2);
        assert!(step[0].starts_with("POT1 step 3: attempt 2 has"), "{step:?}");
        assert!(many[4].starts_with("POT1: attempt 2"), "{many:?}");
    }
}
