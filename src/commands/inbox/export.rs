//! `inbox export`: callbacks for other tools.

use std::ops::ControlFlow;

use clap::ValueEnum;

use crate::clock::{Clock, SystemClock};
use crate::commands::CommandResult;
use crate::commands::args::inbox::{RedactArgs, refused, warn_of_missing};
use crate::commands::args::parse_count;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::receiver::inbox::{Conditions, InboxReader, Side};
use crate::receiver::received::Received;
use crate::report::inbox::{self as report, export};
use crate::terminal::Console;

/// Write callbacks to stdout, the oldest first.
///
/// As NDJSON, one object a callback with the body's exact text under "body": verify --lines and
/// simulate --from read it. Or as requests for an editor (http) or a shell (curl).
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox export --status failed > failed.ndjson")]
pub struct InboxExportArgs {
    /// What to print.
    #[arg(long = "print", value_name = "WHAT", default_value = "ndjson")]
    pub form: ExportForm,
    /// The most callbacks: the newest ones.
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub limit: Option<u64>,
    /// What is left out.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// Which ones.
    #[command(flatten)]
    pub filter: Conditions,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// One JSON object per line.
    Ndjson,
    /// Requests as .http files hold them.
    Http,
    /// Commands for a POSIX shell.
    Curl,
}

pub(super) fn run(
    args: &InboxExportArgs,
    reader: &InboxReader,
    console: &mut Console,
) -> CommandResult {
    let mut filter = args.filter.filter(SystemClock::new().wall());
    let mut redactor = args.redact.redactor();
    let mut count = 0_u64;
    let Some(limit) = args.limit else {
        let mut written = Ok(());
        let read = reader.each(&filter, |entry| {
            count += 1;
            written = write(args.form, &redactor.redact(entry), console);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        written.and(read.map_err(refused))?;
        if count > 0 {
            warn_of_missing(&redactor, "callback", console);
        }
        return Ok(Exit::Yes);
    };
    (filter.limit, filter.side) = (Some(limit), Side::NewestFirst);
    for number in reader.numbers(&filter).map_err(refused)?.into_iter().rev() {
        if let Some(entry) = reader.entry(number).map_err(refused)? {
            count += 1;
            write(args.form, &redactor.redact(entry), console)?;
        }
    }
    if count > 0 {
        warn_of_missing(&redactor, "callback", console);
    }
    Ok(Exit::Yes)
}

fn write(form: ExportForm, entry: &Received, console: &mut Console) -> Result<(), CommandError> {
    let text = match form {
        ExportForm::Ndjson => {
            let line = report::json(entry);
            return console.answer_bytes(line.as_bytes()).map_err(CommandError::output);
        }
        ExportForm::Http => export::http(entry),
        ExportForm::Curl => export::curl(entry),
    };
    match text {
        Some(text) => console.answer_text(&text).map_err(CommandError::output),
        None => {
            let id = entry.id;
            console.warning(&format!(
                "the callback {id} is left out: its body cannot be written there as text; --print ndjson has it"
            ));
            Ok(())
        }
    }
}
