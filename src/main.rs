//! The `payout-notify` program.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use payout_notify::cli::Cli;
use payout_notify::commands;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => commands::run(cli.globals, cli.command, Cli::command).into(),
        Err(error) => commands::refuse(error, std::env::args_os().skip(1)).into(),
    }
}
