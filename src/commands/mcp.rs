//! `mcp`: the commands as tools for an agent, over the Model Context Protocol on stdin and stdout.
//!
//! The arguments are there in every build, so that help, man pages and completions are the same;
//! the server needs the cargo feature `mcp`.

#[cfg(feature = "mcp")]
mod invocation;
#[cfg(feature = "mcp")]
mod output;
#[cfg(feature = "mcp")]
mod server;
#[cfg(feature = "mcp")]
mod tools;

use super::CommandResult;
use super::args::KeyArgs;
use super::args::inbox::InboxArgs;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout.
///
/// The agent's client starts it. Its tools are verify_explain, sign, check, simulate, inbox_list,
/// inbox_wait, inbox_show, dialects and snippet. Requests go to this machine only, unless a flag here allows
/// more. The key is never an argument of a tool and in no result. What was received is marked as
/// untrusted. Ends when stdin ends. Packages have it; another build needs the cargo feature mcp.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify mcp --key-file key.txt\n  payout-notify mcp --key-file key.txt --observe 'python3 credited.py'"
)]
pub struct McpArgs {
    /// Let check and simulate send to this host too; may be given several times.
    #[arg(long, value_name = "HOST", help_heading = "Targets")]
    pub allow_host: Vec<String>,
    /// Let check and simulate send to any host.
    #[arg(long, help_heading = "Targets")]
    pub allow_remote: bool,
    /// Let check run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER.
    #[arg(long, value_name = "COMMAND")]
    pub observe: Option<String>,
    /// Where the callbacks are that the tools may read.
    #[command(flatten)]
    pub inbox: InboxArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
}

impl McpArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        self.key.adopt(chosen);
    }
}

#[cfg(feature = "mcp")]
pub fn run(
    args: &McpArgs,
    profile: Option<&str>,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let rules = invocation::Rules::resolve(args, profile, environment, console)?;
    super::runtime::block_on(server::serve(rules))
}

#[cfg(not(feature = "mcp"))]
pub fn run(
    _args: &McpArgs,
    _profile: Option<&str>,
    _environment: &Environment,
    _console: &mut Console,
) -> CommandResult {
    Err(crate::error::CommandError::usage("this build has no server for agents")
        .hint("install a package of payout-notify, which has it")
        .hint("or build it: cargo install --path . --features mcp"))
}
