//! The top-level command and the global options; no behaviour.

use clap::Parser;

use crate::commands::{Command, Globals};
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
