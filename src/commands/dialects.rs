//! `dialects`: the ways of signing that are built in.

mod learn;

use clap::{Subcommand, ValueEnum};
use protocol::Dialect;
use protocol::internal::dialect::DIALECTS;
use protocol::internal::dialect_file;

use super::args::Format;
use super::args::dialect::find;
use super::{CommandResult, answer};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::outside;
use crate::report::dialects;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// List the dialects: how sibling platforms sign, and which reply they want.
///
/// S is the canonical string; what follows it is written with KEY for the key. A dialect can be
/// printed as a file, edited, and used with --dialect FILE.toml.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  payout-notify dialects wechat-v2 --print toml > mine.toml\n  payout-notify verify --dialect mine.toml notification.json"
)]
pub struct DialectsArgs {
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub action: Option<DialectsCommand>,
    /// Only this one: a name, or a FILE.toml, which is checked.
    #[arg(value_name = "NAME|FILE.toml")]
    pub dialect: Option<String>,
    /// What to print.
    #[arg(long, value_name = "WHAT", default_value = "table")]
    pub print: DialectOutput,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// What else is done with dialects.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "each subcommand's own doc comment is its help")]
pub enum DialectsCommand {
    Learn(learn::LearnArgs),
}

impl DialectsArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        if let Some(DialectsCommand::Learn(args)) = &mut self.action {
            args.key.adopt(chosen);
        }
    }
}

/// What `dialects` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectOutput {
    /// A table, or data with --format json.
    Table,
    /// A file that --dialect reads.
    Toml,
}

pub fn run(args: &DialectsArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    if let Some(DialectsCommand::Learn(args)) = &args.action {
        return learn::run(args, environment, console);
    }
    let dialects: Vec<&Dialect> = match &args.dialect {
        Some(text) => vec![find(text)?],
        None => DIALECTS.iter().collect(),
    };
    match (args.print, args.format, &dialects[..]) {
        (DialectOutput::Toml, Format::Json, _) => {
            return Err(CommandError::usage("--print toml prints no JSON")
                .hint("leave out --print or --format"));
        }
        (DialectOutput::Toml, Format::Human, [dialect]) => {
            let text = dialect_file::write(dialect);
            let text = if dialects::is_built_in(dialect) { text } else { masked(&text) };
            console.answer_text(&text).map_err(CommandError::output)?;
        }
        (DialectOutput::Toml, ..) => {
            return Err(CommandError::usage("a file holds one dialect")
                .hint("name one, for example `payout-notify dialects platform --print toml`"));
        }
        (DialectOutput::Table, format, _) => {
            answer(format, || dialects::json(&dialects), || dialects::lines(&dialects), console)?;
        }
    }
    Ok(Exit::Yes)
}

fn masked(text: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some((name, value)) => format!("{name} = {}\n", outside(value)),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}
