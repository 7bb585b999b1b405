//! `config`: the effective settings and where they come from; a settings file to begin with.

mod init;
mod questions;
mod show;

use clap::Subcommand;

use super::CommandResult;
use super::args::Format;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::report::line::Line;
use crate::settings::{Environment, find};
use crate::terminal::Console;

/// Show the effective settings and where they come from, or write a settings file.
///
/// Settings are in payout-notify.toml: the project's, in this folder or a parent up to the root
/// of the repository, and your own. A flag goes before the environment, that before a profile.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify config init --profile staging --key-env PAYOUT_STAGING_KEY\n  payout-notify config show --profile staging"
)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigCommand,
}

/// What is done with the settings.
#[derive(Subcommand)]
#[allow(missing_docs, reason = "each subcommand's own doc comment is its help")]
pub enum ConfigCommand {
    Show(ShowArgs),
    Profiles(ProfilesArgs),
    Init(Box<init::InitArgs>),
}

/// Show the effective settings and where each comes from; of the key only the source and fingerprint.
///
/// A key_command is not run for it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify config show --profile staging")]
pub struct ShowArgs {
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Print the names of the profiles that can be chosen here, one per line.
///
/// They are in the order of their files, this project's first; completion scripts ask for them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify config profiles")]
pub struct ProfilesArgs {}

impl ConfigArgs {
    pub fn format(&self) -> Format {
        match &self.action {
            ConfigCommand::Show(args) => args.format,
            ConfigCommand::Profiles(_) | ConfigCommand::Init(_) => Format::Human,
        }
    }
}

pub fn run(
    args: &ConfigArgs,
    profile: Option<&str>,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    match &args.action {
        ConfigCommand::Show(args) => show::run(args.format, profile, environment, console),
        ConfigCommand::Profiles(_) => profiles(environment, console),
        ConfigCommand::Init(args) => init::run(args, profile, environment, console),
    }
}

fn profiles(environment: &Environment, console: &mut Console) -> CommandResult {
    let files = find::files(environment)?;
    let mut names: Vec<&str> = Vec::new();
    for name in files.iter().flat_map(|found| found.file.profiles.keys()) {
        // Of two profiles with one name the nearer applies.
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for name in names {
        console.answer(&Line::new().plain(Untrusted::new(name))).map_err(CommandError::output)?;
    }
    Ok(Exit::Yes)
}
