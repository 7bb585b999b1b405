//! The top-level command and the global options; no behaviour.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use protocol::internal::batch::choose_vectors;

use crate::commands::{self, Command, Globals};
use crate::exit;

/// Sign, verify, send and receive payout notifications.
///
/// A payment platform tells a merchant how a payout ended: it POSTs a signed JSON notification,
/// expects {"error_code":"0000"}, and retries up to 10 times within an hour. This is the toolkit
/// around that.
#[derive(Parser)]
#[command(name = "payout-notify", version, after_help = exit::HELP, arg_required_else_help = true)]
pub struct Cli {
    /// What every subcommand takes.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Runs the program with the arguments and the environment of the process.
#[must_use]
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    commands::hide_typed_keys(&arguments);
    // Set by `benches/bulk.sh` alone, to vectors that the processor has.
    if let Ok(vectors) = std::env::var("PAYOUT_NOTIFY_BENCH_VECTORS") {
        choose_vectors(&vectors);
    }
    match Cli::try_parse() {
        Ok(cli) => commands::run(cli.globals, cli.command, command).into(),
        Err(error) => commands::refuse(error, &arguments, command).into(),
    }
}

/// The definition of the command line: what man pages and completions are generated from.
pub fn command() -> clap::Command {
    Cli::command()
}
