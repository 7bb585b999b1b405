//! What a run of many orders shows as it goes, and at its end.

use std::time::Duration;

use super::super::CommandResult;
use super::super::args::Format;
use super::many::Sent;
use super::reports::Reports;
use crate::delivery::fleet::Ending;
use crate::delivery::record::FleetEvent;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::gates::Gate;
use crate::report::line::Line;
use crate::report::summary::{self, DeliverySummary, RunFacts, RunReport};
use crate::terminal::Console;

/// Says that a run begins, or goes on with so many orders.
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
    let count = facts.orders.map_or_else(|| "orders".to_owned(), |n| format!("{n} orders"));
    let count = left.map_or(count.clone(), |left| format!("{left} left of {count}"));
    console.note(
        &Line::new()
            .strong(count)
            .plain(" → ")
            .accent(&facts.url)
            .dim(format!("  schedule {}, seed {seed}", facts.schedule)),
    );
    Ok(())
}

/// Where the events of a run go.
pub(super) struct Screen<'a, 'c> {
    pub(super) format: Format,
    pub(super) console: &'c mut Console,
    pub(super) reports: Reports<'a>,
    pub(super) summary: DeliverySummary,
}

impl Screen<'_, '_> {
    /// Takes in and shows an event, `elapsed` after the start of this part of the run.
    pub(super) fn show(
        &mut self,
        event: &FleetEvent,
        elapsed: Duration,
    ) -> Result<(), CommandError> {
        self.reports.event(event)?;
        self.tell(event).map_err(CommandError::output)?;
        self.summary.fold(event);
        let elapsed = self.summary.earlier.length.saturating_add(elapsed);
        self.console.progress(&self.summary, elapsed);
        Ok(())
    }

    /// Shows an event that the summary knows already.
    pub(super) fn tell(&mut self, event: &FleetEvent) -> std::io::Result<()> {
        match (event, self.format) {
            (FleetEvent::Attempt(attempt), Format::Json) => {
                return self.console.answer_bytes(summary::json::attempt(attempt).as_bytes());
            }
            (FleetEvent::UnknownOutcome { order_id, attempt, .. }, _) => self.console.warning(&format!(
                "{order_id}: the outcome of attempt {attempt} is unknown; the merchant may have received it"
            )),
            (FleetEvent::Throttled { in_flight, .. }, _) => self.console.warning(&format!(
                "{in_flight} attempts are under way: --max-in-flight holds others back"
            )),
            _ => {}
        }
        Ok(())
    }

    /// Judges the run, writes its reports and says how it ended.
    pub(super) fn conclude(mut self, sent: Sent, gates: &[Gate]) -> CommandResult {
        self.console.end_progress();
        (0..sent.duplicates).for_each(|_| self.summary.count_duplicate());
        self.summary.finish(sent.elapsed);
        self.summary.cut_short = sent.bad_row.as_ref().map(ToString::to_string);
        let gates = gates.iter().map(|gate| gate.evaluate(&self.summary)).collect();
        let report = RunReport { summary: self.summary, gates };
        let exit = match (sent.ending, report.is_yes()) {
            (Ending::Complete, true) => Exit::Yes,
            (Ending::Complete, false) => Exit::No,
            (Ending::Stopped | Ending::Aborted, _) => Exit::Interrupted,
        };
        let printed = match self.format {
            Format::Json => self.console.answer_bytes(summary::json::summary(&report).as_bytes()),
            Format::Human => {
                let lines = summary::text::lines(&report);
                lines.iter().try_for_each(|line| self.console.answer(line))
            }
        };
        let written = self.reports.finish(&report).and(printed.map_err(CommandError::output));
        match (sent.bad_row, written) {
            (None, Ok(())) => Ok(exit),
            (Some(bad_row), Ok(())) => Err(bad_row),
            // Whether or not it could be written, what is known of the orders stands.
            (Some(bad_row), Err(error)) => {
                self.console.error(&error);
                Err(bad_row)
            }
            (None, Err(error)) if exit == Exit::No => {
                self.console.error(&error);
                Ok(exit)
            }
            (None, Err(error)) => Err(error),
        }
    }
}
