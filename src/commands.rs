//! One file a subcommand: its arguments, whose doc comments are the help, and its run.

pub mod args;
pub mod check;
pub mod completions;
pub mod config;
pub mod consent;
pub mod demo;
pub mod dialects;
pub mod export;
pub mod inbox;
pub mod lines;
pub mod listen;
pub mod mcp;
mod other_names;
pub mod output_file;
pub mod private_file;
pub mod runtime;
pub mod schedule;
pub mod schema;
pub mod sign;
pub mod signing;
pub mod simulate;
pub mod snippet;
mod usage;
pub mod verify;
pub mod wire_args;

use std::ffi::OsString;

use clap::Subcommand;
use clap::error::ErrorKind as ClapKind;
use serde_json::json;

use self::args::key_source::ProfileKey;
use crate::error::{CommandError, ErrorKind};
use crate::exit::Exit;
use crate::mask::{self, Untrusted};
use crate::report;
use crate::report::line::Line;
use crate::settings::profile::Chosen;
use crate::settings::{ColorMode, Environment, find};
use crate::terminal::{Console, hide_keys_in_panics};

pub type CommandResult = Result<Exit, CommandError>;

/// What every subcommand takes; its help names it after the subcommand's own options.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorMode,
    /// Use this profile of payout-notify.toml for options not given as flags; also PAYOUT_NOTIFY_PROFILE.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

/// The subcommands.
///
/// A start uses one of them, so the arguments of the others are not set up: that is half of what a
/// short run takes. The overview of all of them has only the summaries here, which repeat the
/// first lines of the subcommands' own help.
#[derive(Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Show the whole story in about a second: sign, send, retry, verify, acknowledge.
    Demo(demo::DemoArgs),
    /// Sign a payload and print it.
    Sign(sign::SignArgs),
    /// Verify a payload's signature.
    Verify(verify::VerifyArgs),
    /// Send a notification to a merchant as the platform does, with its retries.
    Simulate(Box<simulate::SimulateArgs>),
    /// Check whether a merchant's endpoint is safe to go live: verifies, acknowledges, credits once.
    Check(Box<check::CheckArgs>),
    /// Show when the attempts of a retry schedule are planned.
    Schedule(schedule::ScheduleArgs),
    /// Write a load test with fresh, signed orders for Locust, k6 or Artillery.
    Export(Box<export::ExportArgs>),
    /// Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires.
    Listen(Box<listen::ListenArgs>),
    /// Show, compare, export and send again what listen received and kept.
    Inbox(inbox::InboxCommandArgs),
    /// List the dialects: how sibling platforms sign, and which reply they want.
    Dialects(dialects::DialectsArgs),
    /// Serve the commands as tools to an agent: the Model Context Protocol on stdin and stdout.
    Mcp(Box<mcp::McpArgs>),
    /// Print a small verifier and acknowledging handler in a merchant's language.
    Snippet(snippet::SnippetArgs),
    /// Print a JSON Schema, an OpenAPI document or a Postman collection.
    Schema(schema::SchemaArgs),
    /// Show the effective settings and where they come from, or write a settings file.
    Config(config::ConfigArgs),
    /// Print the completion script of a shell.
    Completions(completions::CompletionsArgs),
}

/// Hides what may be a key, also where the command takes none, and already while the command line is
/// read: its errors quote it.
pub fn hide_typed_keys(arguments: &[OsString]) {
    let key = Environment::read().key;
    key.into_iter()
        .chain(args::key_source::typed_keys(arguments))
        .for_each(|key| mask::remember(key.as_encoded_bytes()));
}

pub fn run(globals: Globals, command: Command, root: fn() -> clap::Command) -> Exit {
    let environment = Environment::read();
    let mut console = Console::new(globals.color, &environment);
    let is_json = format_of(&command) == args::Format::Json;
    let flag = globals.profile.as_deref();
    hide_keys_in_panics();
    match dispatch(command, flag, root, &environment, &mut console) {
        Ok(exit) => exit,
        Err(error) => fail(&error, is_json && error.kind != ErrorKind::BrokenPipe, &mut console),
    }
}

fn fail(error: &CommandError, is_json: bool, console: &mut Console) -> Exit {
    if is_json {
        // The person's text follows on stderr; a script that went away needs neither.
        let _ = console.answer_bytes(error_json(error).as_bytes());
    }
    console.error(error);
    error.exit()
}

/// Prints an answer for a person or for a program.
fn answer(
    format: args::Format,
    json: impl FnOnce() -> String,
    lines: impl FnOnce() -> Vec<Line>,
    console: &mut Console,
) -> Result<(), CommandError> {
    match format {
        args::Format::Json => console.answer_bytes(json().as_bytes()),
        args::Format::Human => lines().iter().try_for_each(|line| console.answer(line)),
    }
    .map_err(CommandError::output)
}

/// Ends a command whose answer was written, or could not be.
fn conclude(exit: Exit, written: Result<(), CommandError>) -> CommandResult {
    match written {
        // A proven "no" remains, whether or not anyone read it.
        Err(error) if exit == Exit::Yes => Err(error),
        _ => Ok(exit),
    }
}

/// Reports what is wrong with the command line, or prints the requested help.
///
/// The arguments are those that could not be read: where they ask for JSON, a program reads the
/// answer, and gets the error on stdout as it gets every other. A person gets it as any other
/// error too: what was typed may hold what a terminal obeys.
#[must_use]
pub fn refuse(mut error: clap::Error, arguments: &[OsString], root: fn() -> clap::Command) -> Exit {
    usage::redact(&mut error);
    let is_whole_help = error.kind() == ClapKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && !is_whole_help {
        let mut console = Console::new(ColorMode::Auto, &Environment::read());
        return fail(
            &usage::explain(&error, root(), arguments),
            asks_for_json(arguments),
            &mut console,
        );
    }
    match error.print() {
        _ if error.use_stderr() => Exit::Usage,
        // Help and version go to stdout and are no failure; a closed pipe is none either.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Environment,
        _ => Exit::Yes,
    }
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    let flags: Vec<_> = arguments.iter().take_while(|argument| *argument != "--").collect();
    flags.iter().any(|flag| *flag == "--format=json")
        || flags.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

fn adopt(
    command: &mut Command,
    flag: Option<&str>,
    environment: &Environment,
    console: &mut Console,
) -> Result<(), CommandError> {
    let adopt: &mut dyn FnMut(&Chosen) = match command {
        Command::Sign(args) => &mut |chosen| args.adopt(chosen),
        Command::Verify(args) => &mut |chosen| args.adopt(chosen),
        Command::Simulate(args) => &mut |chosen| args.adopt(chosen),
        Command::Check(args) => &mut |chosen| args.adopt(chosen),
        Command::Export(args) => &mut |chosen| args.adopt(chosen),
        Command::Listen(args) => &mut |chosen| args.adopt(chosen),
        Command::Mcp(args) => &mut |chosen| args.adopt(chosen),
        Command::Snippet(args) => &mut |chosen| args.adopt(chosen),
        Command::Schema(args) => &mut |chosen| args.adopt(chosen),
        Command::Inbox(args) if args.asks_profile() => &mut |chosen| args.adopt(chosen),
        Command::Dialects(args) if args.action.is_some() => &mut |chosen| args.adopt(chosen),
        Command::Inbox(_) => {
            // Nothing of it is used, so nothing of it can be wrong; but what is shown can hold its key.
            let chosen = find::load(flag, environment).ok().flatten();
            chosen.iter().for_each(hide_key);
            return Ok(());
        }
        Command::Demo(_)
        | Command::Schedule(_)
        | Command::Dialects(_)
        | Command::Config(_)
        | Command::Completions(_) => return Ok(()),
    };
    let Some(chosen) = find::load(flag, environment)? else { return Ok(()) };
    hide_key(&chosen);
    let file = Untrusted::path(&chosen.file);
    console.note(&Line::new().dim(format!("profile {} of {file}", Untrusted::new(&chosen.name))));
    adopt(&chosen);
    Ok(())
}

/// Hides the key of a profile in what is shown, where that can be read without asking anyone.
fn hide_key(chosen: &Chosen) {
    if let Some(key) = ProfileKey::of(chosen).and_then(|key| key.peek()) {
        mask::remember(&key);
    }
}

fn dispatch(
    mut command: Command,
    flag: Option<&str>,
    root: fn() -> clap::Command,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    adopt(&mut command, flag, environment, console)?;
    match command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Sign(args) => sign::run(&args, environment, console),
        Command::Verify(args) => verify::run(&args, environment, console),
        Command::Simulate(args) => simulate::run(&args, environment, console),
        Command::Check(args) => check::run(&args, environment, console),
        Command::Schedule(args) => schedule::run(&args, console),
        Command::Export(args) => export::run(&args, console),
        Command::Listen(args) => listen::run(&args, environment, console),
        Command::Inbox(args) => inbox::run(&args, environment, console),
        Command::Dialects(args) => dialects::run(&args, environment, console),
        Command::Mcp(args) => mcp::run(&args, flag, environment, console),
        Command::Snippet(args) => snippet::run(&args, console),
        Command::Schema(args) => schema::run(&args, console),
        Command::Config(args) => config::run(&args, flag, environment, console),
        Command::Completions(args) => completions::run(&args, root(), console),
    }
}

fn format_of(command: &Command) -> args::Format {
    match command {
        Command::Verify(args) => args.format(),
        Command::Simulate(args) => args.format,
        Command::Check(args) => args.format,
        Command::Schedule(args) => args.format,
        Command::Listen(args) => args.format,
        Command::Inbox(args) => args.format(),
        Command::Dialects(args) => args.format,
        Command::Config(args) => args.format(),
        Command::Demo(_)
        | Command::Sign(_)
        | Command::Mcp(_)
        | Command::Snippet(_)
        | Command::Schema(_)
        | Command::Export(_)
        | Command::Completions(_) => args::Format::Human,
    }
}

fn error_json(error: &CommandError) -> String {
    let kind = match error.kind {
        ErrorKind::Usage => "usage",
        ErrorKind::Input => "input",
        ErrorKind::Environment => "environment",
        ErrorKind::Interrupted => "interrupted",
        ErrorKind::BrokenPipe => "broken-pipe",
    };
    let place = error.place.as_deref();
    report::json::line(
        "error",
        &json!({
            "kind": kind,
            "message": error.to_string(),
            "hints": error.hints,
            "line": place.and_then(|place| place.line),
            "column": place.and_then(|place| place.column),
            "member": place.and_then(|place| place.member.as_deref()).map(Untrusted::new),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_summary_in_the_overview_is_the_first_line_of_the_subcommands_help() {
        let overview = Command::augment_subcommands(clap::Command::new("payout-notify"));
        let mut whole = overview.clone();
        whole.build();
        for told in overview.get_subcommands() {
            let name = told.get_name();
            let built = whole.find_subcommand(name).unwrap();
            let about = |command: &clap::Command| command.get_about().map(ToString::to_string);
            assert!(about(told).is_some(), "{name}");
            assert_eq!(about(told), about(built), "{name}");
        }
    }
}
