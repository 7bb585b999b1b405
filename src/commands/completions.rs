//! `completions`: a shell's completion script.

use clap::Arg;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use protocol::Algorithm;
use protocol::internal::dialect::DIALECTS;

use super::CommandResult;
use crate::check::suite::Suite;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::sender::schedule::PRESETS;
use crate::terminal::Console;

const PROGRAM: &str = "payout-notify";

const BASH_CALLBACKS: &str = include_str!("completions/callbacks.bash");
const ZSH_CALLBACKS: &str = include_str!("completions/callbacks.zsh");
const FISH_CALLBACKS: &str = include_str!("completions/callbacks.fish");
const POWERSHELL_ASKS: &str = include_str!("completions/asks.ps1");

const DIGESTS: [Algorithm; 3] = [Algorithm::Md5, Algorithm::HmacSha256, Algorithm::Sha256];

/// Print the completion script of a shell.
///
/// It knows the names of dialects, schedules, digests, statuses and cases; for the numbers of
/// callbacks it asks the inbox, and for the names of profiles the effective settings here.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify completions bash > /etc/bash_completion.d/payout-notify"
)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(ignore_case = true)]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs, root: clap::Command, console: &mut Console) -> CommandResult {
    let script = script(args.shell, root)?;
    console.answer_bytes(script.as_bytes()).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}

fn script(shell: Shell, root: clap::Command) -> Result<String, CommandError> {
    let name = match shell {
        // The generator's function for a name with a hyphen does not find its subcommands.
        Shell::Bash => "payout_notify",
        _ => PROGRAM,
    };
    let mut root = root.name(name).bin_name(name);
    // The subcommands' arguments are put off until they are asked for; here all are needed.
    root.build();
    let mut root = with_names(root);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut root, name, &mut script);
    let script = String::from_utf8(script).map_err(|error| {
        CommandError::environment("the script is not UTF-8".to_owned()).because(error)
    })?;
    Ok(match shell {
        Shell::Bash => format!("{script}{BASH_CALLBACKS}"),
        Shell::Zsh => zsh(&script),
        Shell::Fish => format!("{script}{FISH_CALLBACKS}{}", dialects_or_files(&root)),
        Shell::PowerShell => powershell(&script),
        _ => script,
    })
}

/// The command line with the names that a shell can offer.
fn with_names(command: clap::Command) -> clap::Command {
    let name = command.get_name().to_owned();
    command.mut_args(|arg| offer(&name, arg)).mut_subcommands(with_names)
}

fn offer(command: &str, arg: Arg) -> Arg {
    let names = match (command, arg.get_id().as_str()) {
        (_, "dialect") => DIALECTS.iter().map(|dialect| &*dialect.id).collect(),
        (_, "schedule" | "expect_schedule") => PRESETS.to_vec(),
        (_, "sign_type" | "require") => DIGESTS.map(Algorithm::id).to_vec(),
        (_, "status") => vec!["success", "cancelled", "failed"],
        ("check", "only" | "skip") => cases(),
        _ => return arg,
    };
    arg.value_parser(PossibleValuesParser::new(names))
}

fn cases() -> Vec<&'static str> {
    let suite = Suite::built_in();
    let ids = suite.cases.iter().map(|case| case.id.as_str());
    // The definition of the command line holds texts that live as long as the process.
    let kept = |name: &str| -> &'static str { Box::leak(name.into()) };
    suite.groups().into_iter().chain(ids).map(kept).collect()
}

fn zsh(script: &str) -> String {
    let lines = script.lines().map(|line| {
        // Callbacks are the only positional arguments that are called id, ids, a and b.
        let is_callback = ["':id -- ", "'*::ids -- ", "':a -- ", "':b -- "];
        let head = line.strip_suffix(":_default' \\");
        match head.filter(|_| is_callback.iter().any(|start| line.starts_with(start))) {
            Some(head) => format!("{head}:_payout_notify_callbacks' \\\n"),
            None if line.starts_with("'--profile=[") => {
                format!("{}\n", line.replacen(":_default'", ":_payout_notify_profiles'", 1))
            }
            None => format!("{}\n", or_a_file(line)),
        }
    });
    let script: String = lines.collect();
    // The tag has to be in the first line; the generator's own is a comment then.
    format!("#compdef {PROGRAM}\n\n{ZSH_CALLBACKS}{script}")
}

fn or_a_file(line: &str) -> String {
    let parts = line.split_once(":NAME|FILE.toml:(");
    match parts.and_then(|(head, rest)| Some((head, rest.split_once(')')?))) {
        Some((head, (names, rest))) => format!(
            "{head}:NAME|FILE.toml:{{_alternative \"names\\:dialect\\:({names})\" \"files\\:file\\:_files -g \\\"*.toml\\\"\"}}{rest}"
        ),
        None => line.to_owned(),
    }
}

/// A file can be where fish is offered the names of dialects.
fn dialects_or_files(root: &clap::Command) -> String {
    let takes_dialect =
        |command: &&clap::Command| command.get_arguments().any(|arg| arg.get_id() == "dialect");
    let commands = root.get_subcommands().filter(takes_dialect).map(clap::Command::get_name);
    let commands: Vec<&str> = commands.collect();
    format!(
        "complete -c {PROGRAM} -n \"__fish_seen_subcommand_from {}\" -l dialect -r -F\n",
        commands.join(" ")
    )
}

fn powershell(script: &str) -> String {
    let elements = "    $commandElements = $commandAst.CommandElements\n";
    script.replacen(elements, &format!("{elements}{POWERSHELL_ASKS}"), 1)
}
