//! `inbox`: the callbacks that `listen` kept.

mod change;
mod export;
mod replay;
mod show;
mod wait;

use std::fmt;

use clap::Subcommand;
use protocol::StatusTable;

use super::args::inbox::{InboxArgs, RedactArgs, refused, warn_of_missing};
use super::args::{Format, adopt_statuses, parse_count};
use super::{CommandResult, answer};
use crate::clock::{Clock, SystemClock};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::receiver::inbox::{Conditions, InboxReader, Side};
use crate::receiver::received::Received;
use crate::report::inbox as report;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Show, compare, export and send again what listen received and kept.
///
/// Callbacks are named by their number, or by the word latest. All but delete and prune work
/// while a listener runs.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify inbox list --since 10m\n  payout-notify inbox replay latest --to http://localhost:8080/notify"
)]
pub struct InboxCommandArgs {
    /// Where it is.
    #[command(flatten)]
    pub inbox: InboxArgs,
    /// What to do.
    #[command(subcommand)]
    pub action: InboxCommand,
}

/// What is done with the inbox.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "each subcommand's own doc comment is its help")]
pub enum InboxCommand {
    List(ListArgs),
    Wait(wait::WaitArgs),
    Show(Box<show::ShowArgs>),
    Diff(show::DiffArgs),
    Replay(Box<replay::ReplayArgs>),
    Export(export::InboxExportArgs),
    Delete(change::DeleteArgs),
    Prune(change::PruneArgs),
}

/// List the newest callbacks, one per line, the newest last.
///
/// The code is the platform's for what was answered; http is the status of the reply, behind >
/// that of the application.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox list --since 10m --verdict invalid")]
pub struct ListArgs {
    /// The most callbacks: the newest ones.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = parse_count)]
    pub limit: u64,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// Which ones.
    #[command(flatten)]
    pub filter: Conditions,
}

impl InboxCommandArgs {
    pub fn asks_profile(&self) -> bool {
        match self.action {
            InboxCommand::List(_)
            | InboxCommand::Wait(_)
            | InboxCommand::Show(_)
            | InboxCommand::Replay(_)
            | InboxCommand::Export(_) => true,
            InboxCommand::Diff(_) | InboxCommand::Delete(_) | InboxCommand::Prune(_) => false,
        }
    }

    /// Takes what a profile says where no flag does: its status numbers where statuses are named,
    /// all of it where something is sent again.
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        match &mut self.action {
            InboxCommand::List(args) => adopt_statuses(&mut args.filter.statuses, profile),
            InboxCommand::Wait(args) => adopt_statuses(&mut args.filter.statuses, profile),
            InboxCommand::Show(args) => {
                adopt_statuses(&mut args.statuses, profile);
                args.adopt(chosen);
            }
            InboxCommand::Export(args) => adopt_statuses(&mut args.filter.statuses, profile),
            InboxCommand::Replay(args) => args.adopt(chosen),
            InboxCommand::Diff(_) | InboxCommand::Delete(_) | InboxCommand::Prune(_) => {}
        }
    }

    pub fn format(&self) -> Format {
        match &self.action {
            InboxCommand::List(args) => args.format,
            InboxCommand::Wait(args) => args.format,
            InboxCommand::Show(args) => args.format,
            InboxCommand::Diff(args) => args.format,
            InboxCommand::Replay(args) => args.format,
            InboxCommand::Export(_) | InboxCommand::Delete(_) | InboxCommand::Prune(_) => {
                Format::Human
            }
        }
    }
}

pub fn run(
    args: &InboxCommandArgs,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let path = args.inbox.path(environment)?;
    let open = || InboxReader::open(&path).map_err(refused);
    match &args.action {
        InboxCommand::List(args) => list(args, &open()?, console),
        InboxCommand::Wait(args) => wait::run(args, &path, console),
        InboxCommand::Show(args) => show::show(args, &open()?, environment, console),
        InboxCommand::Diff(args) => show::diff(args, &open()?, console),
        InboxCommand::Replay(args) => replay::run(args, &open()?, environment, console),
        InboxCommand::Export(args) => export::run(args, &open()?, console),
        InboxCommand::Delete(args) => change::delete(args, &path, &open()?, console),
        InboxCommand::Prune(args) => change::prune(args, &path, console),
    }
}

fn list(args: &ListArgs, reader: &InboxReader, console: &mut Console) -> CommandResult {
    let mut filter = args.filter.filter(SystemClock::new().wall());
    (filter.limit, filter.side) = (Some(args.limit), Side::NewestFirst);
    let mut numbers = reader.numbers(&filter).map_err(refused)?;
    numbers.reverse();
    let mut table = CallbackTable::new(args.format, args.filter.statuses);
    let mut redactor = args.redact.redactor();
    for number in &numbers {
        // What a listener deleted meanwhile is left out.
        if let Some(entry) = reader.entry(*number).map_err(refused)? {
            table.row(&redactor.redact(entry), console)?;
        }
    }
    if numbers.is_empty() {
        console.note(&crate::report::line::Line::new().dim("no callback fits"));
    } else {
        warn_of_missing(&redactor, "callback", console);
    }
    Ok(Exit::Yes)
}

/// Callbacks, one per line, below a head for a person.
struct CallbackTable {
    format: Format,
    statuses: StatusTable,
    has_head: bool,
}

impl CallbackTable {
    fn new(format: Format, statuses: StatusTable) -> CallbackTable {
        CallbackTable { format, statuses, has_head: format == Format::Json }
    }

    fn row(&mut self, entry: &Received, console: &mut Console) -> Result<(), CommandError> {
        if !std::mem::replace(&mut self.has_head, true) {
            console.answer(&report::head()).map_err(CommandError::output)?;
        }
        let row = || vec![report::row(entry, &self.statuses)];
        answer(self.format, || report::json(entry), row, console)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Latest,
    Number(u64),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Latest => f.write_str("latest"),
            Id::Number(number) => write!(f, "{number}"),
        }
    }
}

fn parse_id(text: &str) -> Result<Id, String> {
    if text == "latest" {
        return Ok(Id::Latest);
    }
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits.parse().map(Id::Number).map_err(|_| "expected a number or the word latest".to_owned())
}

fn find(reader: &InboxReader, id: Id) -> Result<Received, CommandError> {
    let number = match id {
        Id::Number(number) => Some(number),
        Id::Latest => reader.latest().map_err(refused)?,
    };
    let entry = match number {
        Some(number) => reader.entry(number).map_err(refused)?,
        None => None,
    };
    entry.ok_or_else(|| {
        let message = match id {
            Id::Latest => "the inbox is empty".to_owned(),
            Id::Number(number) => format!("there is no callback {number} in the inbox"),
        };
        CommandError::input(message).hint("`payout-notify inbox list` shows what there is")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_has_a_number_or_is_the_latest() {
        assert_eq!(parse_id("latest"), Ok(Id::Latest));
        assert_eq!(parse_id("#12"), Ok(Id::Number(12)));
        for text in ["", "-1", "last", "1.0"] {
            assert!(parse_id(text).is_err(), "{text}");
        }
    }
}
