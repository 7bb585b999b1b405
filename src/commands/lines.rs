//! `--lines`: many payloads at once, one per line, for `sign` and `verify`.
//!
//! Lines stream through: memory stays flat for any size of input, each line comes out soon after it
//! came in, and the output keeps the input's order.

mod chunk;
mod digest_queue;
mod signing;
mod spread;
mod verifying;

use crate::mask::Untrusted;
use std::io::{self, IsTerminal};
use std::num::NonZero;
use std::path::Path;
use std::thread;

pub use chunk::LineWork;
use chunk::{Chunk, LineSource, MAX_REPORTED};
pub use signing::SignLines;
pub use verifying::{LineTable, VerifyLines};

use super::CommandResult;
use crate::error::{CommandError, ErrorKind};
use crate::exit::Exit;
use crate::files;
use crate::report::batch::{BatchKind, BatchSummary};
use crate::report::line::Line;
use crate::terminal::Console;

/// Whether and how the input is read line by line.
#[derive(clap::Args)]
#[command(next_help_heading = "Many payloads")]
pub struct LinesArgs {
    /// Read one payload per line (NDJSON) and write one line for each, verify a table or JSON; a bad line does not end it.
    #[arg(long)]
    pub lines: bool,
    /// How many threads share the work; unless told, one per core.
    #[arg(long, value_name = "N", requires = "lines", value_parser = parse_jobs)]
    pub jobs: Option<usize>,
}

pub fn refuse(options: &[(&str, bool)]) -> Result<(), CommandError> {
    let Some((option, _)) = options.iter().find(|(_, given)| *given) else { return Ok(()) };
    Err(CommandError::usage(format!("{option} is for one payload, not for --lines"))
        .hint("give such a line alone, without --lines"))
}

const MOST_JOBS: usize = 256;

fn parse_jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=MOST_JOBS) => Ok(jobs),
        _ => Err(format!("expected a number from 1 to {MOST_JOBS}")),
    }
}

/// Works on every line of a file, or of stdin for `-` and for no file.
///
/// A proven mismatch outranks a line that cannot be read, and any error that ends the run.
pub fn run(
    args: &LinesArgs,
    file: Option<&Path>,
    kind: BatchKind,
    work: impl LineWork,
    console: &mut Console,
) -> CommandResult {
    let source = open(file, console)?;
    let head = work.head();
    let is_table = head.is_some();
    if let Some(head) = head {
        console.answer(&head).map_err(CommandError::output)?;
    }
    let cores = || thread::available_parallelism().map_or(1, NonZero::get).min(MOST_JOBS);
    let jobs = args.jobs.unwrap_or_else(cores);
    let mut summary = BatchSummary::default();
    let ended =
        spread::spread(source, work, jobs, |chunk| deliver(chunk, is_table, &mut summary, console));
    let went_away = matches!(&ended, Err(error) if error.kind == ErrorKind::BrokenPipe);
    if !went_away {
        let unsaid = summary.bad.saturating_sub(MAX_REPORTED as u64);
        if unsaid > 0 && !is_table {
            console.warning(&format!("{unsaid} more lines are bad"));
        }
        console.note(&summary.line(kind));
    }
    let is_no = summary.mismatched + summary.invalid > 0;
    match ended {
        Ok(()) if is_no => Ok(Exit::No),
        Ok(()) if summary.bad > 0 => Ok(Exit::Input),
        // Nothing that is verified is not a yes.
        Ok(()) if kind == BatchKind::Verify && summary.good == 0 => {
            let passed_over = summary.passed_over;
            let what = match passed_over {
                0 => "the input is empty".to_owned(),
                1 => "the only line is not a payload".to_owned(),
                _ => format!("there is no payload among the {passed_over} lines"),
            };
            Err(CommandError::input(format!("{what}: nothing was verified")).hint(
                "expected one payload per line (NDJSON), or what `listen --format json` prints",
            ))
        }
        Ok(()) => Ok(Exit::Yes),
        Err(error) if is_no => {
            console.error(&error);
            Ok(Exit::No)
        }
        Err(error) => Err(error),
    }
}

fn deliver(
    chunk: &mut Chunk,
    is_table: bool,
    summary: &mut BatchSummary,
    console: &mut Console,
) -> Result<(), CommandError> {
    let said = usize::try_from(summary.bad).unwrap_or(MAX_REPORTED).min(MAX_REPORTED);
    summary.add(&chunk.summary);
    for bad in chunk.bad.iter().take(MAX_REPORTED - said).filter(|_| !is_table) {
        console.warning(&bad.to_string());
    }
    let output = &chunk.output;
    let rows = output.rows.iter().try_for_each(|row| console.answer(row));
    let written = match &*output.text {
        "" => rows,
        text => rows.and_then(|()| console.answer_text(text)),
    };
    written.map_err(CommandError::output)
}

fn open(file: Option<&Path>, console: &mut Console) -> Result<LineSource, CommandError> {
    if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let name = Untrusted::path(&path).to_string();
        return match files::open(path) {
            Ok(file) => Ok(LineSource::new(file, name)),
            Err(error) => Err(CommandError::input(format!("cannot read {name}")).because(error)),
        };
    }
    if io::stdin().is_terminal() {
        let how = "reading lines from the terminal; end them with Ctrl-D";
        console.note(&Line::new().dim(how));
    }
    Ok(LineSource::new(io::stdin(), "stdin".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_have_a_range() {
        assert_eq!(parse_jobs("1"), Ok(1));
        assert_eq!(parse_jobs("256"), Ok(256));
        for text in ["0", "257", "-1", "two", ""] {
            assert!(parse_jobs(text).is_err(), "{text}");
        }
    }
}
