//! `completions`: a shell's completion script.

use clap_complete::Shell;

use super::CommandResult;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::terminal::Console;

/// Print the completion script of a shell.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify completions bash > /etc/bash_completion.d/payout-notify"
)]
pub struct Args {
    /// The shell.
    pub shell: Shell,
}

/// Writes the script to stdout.
///
/// # Errors
/// An output that cannot be written (environment).
pub fn run(args: &Args, mut root: clap::Command, console: &mut Console) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut root, "payout-notify", &mut script);
    console.answer_bytes(&script).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}
