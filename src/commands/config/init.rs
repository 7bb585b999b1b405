//! `config init`: a settings file with one profile.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::questions;
use crate::commands::CommandResult;
use crate::commands::args::dialect;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::report::line::Line;
use crate::settings::Environment;
use crate::settings::file;
use crate::settings::find::{self, FILE_NAME};
use crate::settings::profile::{Owner, Placed, is_file};
use crate::terminal::Console;

/// Write a settings file with one profile; a file that is there is never touched.
///
/// --profile names it, else it is called default; it applies where no other is named. Asks on a
/// terminal where no setting is given. The file holds where the key comes from, never
/// the key.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify config init --profile staging --key-env PAYOUT_STAGING_KEY"
)]
pub struct InitArgs {
    /// Write your own file, not this folder's.
    #[arg(long)]
    pub user: bool,
    /// Take the key from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["key_file", "key_command"])]
    pub key_env: Option<String>,
    /// Take the key from this file; the path counts from the settings file's folder.
    #[arg(long, value_name = "FILE", conflicts_with = "key_command")]
    pub key_file: Option<String>,
    /// Take the key from what this program prints; one word each time; only in your own file.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub key_command: Vec<String>,
    /// The platform_id of orders that are made.
    #[arg(long, value_name = "ID")]
    pub platform_id: Option<String>,
    /// How to sign: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE")]
    pub sign_type: Option<String>,
    /// How the platform signs: a name that `dialects` lists, or a FILE.toml.
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub dialect: Option<String>,
    /// The merchant's notify URL.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// When to retry.
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<String>,
    /// How long to wait for a whole reply.
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Send this header; several may be given.
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// How listen answers.
    #[arg(long, value_name = "PROGRAM")]
    pub reply: Option<String>,
}

impl InitArgs {
    fn texts(&self) -> [(&'static str, &Option<String>); 9] {
        [
            ("key_env", &self.key_env),
            ("key_file", &self.key_file),
            ("platform_id", &self.platform_id),
            ("sign_type", &self.sign_type),
            ("dialect", &self.dialect),
            ("url", &self.url),
            ("schedule", &self.schedule),
            ("timeout", &self.timeout),
            ("reply", &self.reply),
        ]
    }
}

pub(super) fn run(
    args: &InitArgs,
    name: Option<&str>,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let (path, owner) = place(args, environment)?;
    let refused = || {
        CommandError::environment(format!("{} is there already", Untrusted::path(&path)))
            .hint("edit it; it is never written over")
    };
    if fs::symlink_metadata(&path).is_ok() {
        return Err(refused());
    }
    let text = |(name, value): (_, &Option<String>)| Some((name, quoted(value.as_deref()?)));
    let mut settings: Vec<Choice> = args.texts().into_iter().filter_map(text).collect();
    for (name, words) in [("key_command", &args.key_command), ("headers", &args.header)] {
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            settings.push((name, format!("[{}]", words.join(", "))));
        }
    }
    let mut name = name.map(str::to_owned);
    // Where the questions would not be seen there is nobody to answer them.
    if settings.is_empty() && io::stdin().is_terminal() && console.can_ask() {
        (name, settings) = ask(name.as_deref(), &path, owner, console)?;
    }
    if settings.is_empty() {
        return Err(CommandError::usage("no setting was given")
            .hint("for example: payout-notify config init --key-env PAYOUT_STAGING_KEY"));
    }
    let name = name.as_deref().unwrap_or("default");
    let (default, table) = (quoted(name), table(name));
    let body: String = settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let text = format!("default_profile = {default}\n\n[profile.{table}]\n{body}");
    check(&text, &path, owner)?;
    let has_password = args.url.as_deref().is_some_and(|url| url.contains('@'));
    // Headers and a URL can hold secrets, so others cannot read a file with some.
    let mode = if args.header.is_empty() && !has_password { 0o644 } else { 0o600 };
    write(&path, &text, mode).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => refused(),
        _ => CommandError::environment(format!("cannot write {}", Untrusted::path(&path)))
            .because(error),
    })?;
    console.note(&Line::new().dim(format!("wrote {}", Untrusted::path(&path))));
    Ok(Exit::Yes)
}

fn place(args: &InitArgs, environment: &Environment) -> Result<(PathBuf, Owner), CommandError> {
    if args.user {
        let path = find::user_file(environment)
            .ok_or_else(|| CommandError::environment("there is no home for your own file"))?;
        return Ok((path, Owner::User));
    }
    let folder = environment
        .working_folder
        .as_ref()
        .ok_or_else(|| CommandError::environment("the current folder cannot be told"))?;
    if environment.home.as_ref() == Some(folder) {
        return Err(CommandError::usage("the home folder is no project")
            .hint("use --user for your own file, or change into the project"));
    }
    Ok((folder.join(FILE_NAME), Owner::Project))
}

fn table(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Reads the text as a later run will: what cannot be used is not written.
fn check(text: &str, path: &Path, owner: Owner) -> Result<(), CommandError> {
    let cannot = || {
        CommandError::usage("the settings cannot be used")
            .hint("`payout-notify config init --help` shows what each option takes")
    };
    let read = file::parse(text).map_err(|error| cannot().because(error.problem))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for profile in read.profiles.into_values() {
        if let Some(named) = profile.dialect.as_ref().filter(|named| !is_file(&named.value)) {
            dialect::find(&named.value)?;
        }
        profile.settle(folder, owner).map_err(|refused: Placed<String>| {
            cannot().because(refused.value).hint("use --user for your own file")
        })?;
    }
    Ok(())
}

/// Writes a new file; the mode counts where the system has modes.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path)?.write_all(text.as_bytes());
    // Half a file would be taken for one that somebody wrote, and never be written over.
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

type Choice = (&'static str, String);

fn ask(
    name: Option<&str>,
    path: &Path,
    owner: Owner,
    console: &mut Console,
) -> Result<(Option<String>, Vec<Choice>), CommandError> {
    questions::introduce(console);
    let name = match name {
        Some(name) => Some(name.to_owned()),
        None => {
            let usable = |name: &str| check(&format!("[profile.{}]", table(name)), path, owner);
            questions::ask("profile", "its name", Some("default"), usable, console)?
        }
    };
    let mut settings = Vec::new();
    for (setting, text) in questions::SETTINGS {
        let usable = |answer: &str| {
            check(&format!("[profile.x]\n{setting} = {}", quoted(answer)), path, owner)
        };
        if let Some(answer) = questions::ask(setting, text, None, usable, console)? {
            settings.push((setting, quoted(&answer)));
        }
    }
    Ok((name, settings))
}
