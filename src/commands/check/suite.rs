//! Which cases are asked: the built-in ones, a person's own, and what is chosen of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::CheckArgs;
use crate::check::case::{Case, Severity};
use crate::check::case_file::MAX_FILE_BYTES;
use crate::check::demand::OrderRef;
use crate::check::order_file::{self, MAX_ORDER_FILE_BYTES};
use crate::check::suite::Suite;
use crate::commands::CommandResult;
use crate::commands::args::{Format, file_hint};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::files;
use crate::mask::Untrusted;
use crate::report::json::line;
use crate::report::line::Line;
use crate::terminal::Console;

const MAX_FILES: usize = 1_000;

/// The cases of a person's own files.
pub(super) fn own(args: &CheckArgs) -> Result<Suite, CommandError> {
    joined(Suite::default(), args)
}

fn joined(mut suite: Suite, args: &CheckArgs) -> Result<Suite, CommandError> {
    for folder in &args.choice.suite {
        let name = Untrusted::path(&folder);
        let own = Suite::read_folder(&files_of(folder)?).map_err(|error| {
            CommandError::input(format!("the suite {name} cannot be used")).because(error)
        })?;
        suite = suite.joined(own).map_err(|error| {
            CommandError::input(format!("the suite {name} cannot be added")).because(error)
        })?;
    }
    Ok(suite)
}

pub(super) fn chosen(args: &CheckArgs) -> Result<Suite, CommandError> {
    let suite = joined(Suite::built_in(), args)?;
    suite.select(&args.choice.only, &args.choice.skip).map_err(|error| {
        CommandError::usage("these cases cannot be chosen")
            .because(error)
            .hint("`payout-notify check --list` names them all")
    })
}

fn files_of(folder: &Path) -> Result<Vec<(String, String)>, CommandError> {
    let cannot = |what: &str, path: &Path, error: io::Error| {
        CommandError::input(format!("cannot read the {what} {}", Untrusted::path(&path)))
            .because(error)
            .hint("--suite takes a folder of case files, whose names end in .toml")
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| cannot("suite", folder, error))? {
        let path = entry.map_err(|error| cannot("suite", folder, error))?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            let name = Untrusted::path(&folder);
            let message = format!("the suite {name} has more than {MAX_FILES} case files");
            return Err(CommandError::input(message).hint("is this the right folder?"));
        }
    }
    if paths.is_empty() {
        let message = format!("the suite {} has no case files", Untrusted::path(&folder));
        return Err(CommandError::input(message).hint("their names end in .toml"));
    }
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = files::read_bounded(&path, MAX_FILE_BYTES as u64)
            .map_err(|error| cannot("case file", &path, error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            CommandError::input(format!("the case file {} is not UTF-8", Untrusted::path(&path)))
                .because(error)
        })?;
        Ok((Untrusted::path(&path).to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

/// The orders of `--orders`.
pub(super) fn orders(path: &Path) -> Result<Vec<OrderRef>, CommandError> {
    let refused =
        || CommandError::input(format!("cannot use the orders of {}", Untrusted::path(&path)));
    let bytes = files::read_bounded(path, MAX_ORDER_FILE_BYTES as u64)
        .map_err(|error| refused().because(error).hint(file_hint("", false)))?;
    if bytes.len() > MAX_ORDER_FILE_BYTES {
        return Err(refused().because(format!("it is longer than {MAX_ORDER_FILE_BYTES} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| refused().because(error))?;
    order_file::parse(&text).map_err(|error| {
        refused().because(error).hint(
            "columns: payout_id,payout_cl_id,amount (cents); or {\"payout_id\":…,\"amount\":…} per line",
        )
    })
}

pub(super) fn list(args: &CheckArgs, console: &mut Console) -> CommandResult {
    let suite = chosen(args)?;
    let width = suite.cases.iter().map(|case| case.id.chars().count()).max().unwrap_or(0);
    let mut group = "";
    for case in &suite.cases {
        let told = match args.format {
            Format::Json => console.answer_bytes(case_json(case).as_bytes()),
            Format::Human => {
                let heading = (case.group != group).then(|| Line::new().strong(&case.group));
                group = &case.group;
                let row = Line::new()
                    .plain(format!("  {:<width$}  ", Untrusted::new(&case.id)))
                    .dim(&case.title)
                    .warn(if case.severity == Severity::Warn { " (warning)" } else { "" });
                heading.iter().chain([&row]).try_for_each(|line| console.answer(line))
            }
        };
        told.map_err(CommandError::output)?;
    }
    Ok(Exit::Yes)
}

fn case_json(case: &Case) -> String {
    line(
        "listed-case",
        &json!({
            "id": case.id,
            "group": case.group,
            "title": case.title,
            "why": case.why,
            "fix": case.fix,
            "severity": case.severity,
            "requests": case.requests(),
        }),
    )
}
