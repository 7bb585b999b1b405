//! Arguments that several subcommands share: the key, the payload, changes to it, the dialect.

pub mod dialect;
pub mod inbox;
pub mod input;
pub mod key_source;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::num::{IntErrorKind, ParseIntError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use key_source::{ProfileKey, read_key_file};
use protocol::internal::edit::{Edit, json_string};
use protocol::internal::nearest::did_you_mean;
use protocol::{
    Algorithm, Key, Layout, MAX_BYTES, Payload, PayloadError, PayloadProblem, StatusTable,
};

use crate::error::{CommandError, ErrorPlace};
use crate::files;
use crate::keyring::{Keyring, MOST_KEYS};
use crate::mask::{self, Untrusted};
use crate::net::target::{Target, TargetError};
use crate::report::line::Line;
use crate::sender::orders::mix::{Mix, MixWords};
use crate::sender::orders::template::{Change, Form, Template, TemplateError, form_of};
use crate::sender::schedule::{ScheduleError, parse_duration};
use crate::settings::Environment;
use crate::settings::profile::{Chosen, Placed, Profile};
use crate::terminal::Console;

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Human,
    /// For a program: one JSON object per line.
    Json,
}

/// Where the platform key comes from.
#[derive(clap::Args)]
#[command(next_help_heading = "Key (or set PAYOUT_NOTIFY_KEY)")]
pub struct KeyArgs {
    /// Read the key from this file; one trailing newline is dropped. What only verifies takes several keys.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub key_file: Vec<PathBuf>,
    /// The key itself: others on this machine can see it.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub key: Option<OsString>,
    /// The profile's key, which applies where neither a flag nor the environment gives one.
    #[arg(skip)]
    pub profile: Option<ProfileKey>,
}

impl KeyArgs {
    pub fn is_absent(&self, environment: &Environment) -> bool {
        self.key.is_none()
            && self.key_file.is_empty()
            && environment.key.is_none()
            && self.profile.is_none()
    }

    pub fn adopt(&mut self, chosen: &Chosen) {
        self.profile = ProfileKey::of(chosen);
    }

    /// The one key of a command that signs: from the flags, else from the environment, else from
    /// the profile.
    ///
    /// From here on the console never shows it.
    pub fn resolve(
        &self,
        environment: &Environment,
        console: &mut Console,
    ) -> Result<Key, CommandError> {
        if self.key_file.len() > 1 {
            return Err(CommandError::usage(
                "--key-file was given more than once: this takes one key",
            )
            .hint("name one file; verify, listen and inbox show take several"));
        }
        if let Some(key) = &self.key {
            console.warning("--key can be seen by others on this machine (ps, shell history); use --key-file or PAYOUT_NOTIFY_KEY");
            return usable(key.as_encoded_bytes().to_vec(), "--key", console);
        }
        if let Some(path) = self.key_file.first() {
            return key_of(path, "--key-file", console).map(|(key, _)| key);
        }
        if let Some(key) = &environment.key {
            return usable(key.as_encoded_bytes().to_vec(), "PAYOUT_NOTIFY_KEY", console);
        }
        if let Some(key) = &self.profile {
            return usable(key.read(console)?.to_vec(), "the profile", console);
        }
        Err(CommandError::usage("no key was given")
            .hint("set PAYOUT_NOTIFY_KEY, or use --key-file FILE"))
    }

    /// The keys of a command that verifies, from the same place.
    pub fn resolve_all(
        &self,
        environment: &Environment,
        console: &mut Console,
    ) -> Result<Keyring, CommandError> {
        let in_profile = match &self.profile {
            Some(key) if self.key.is_none() && environment.key.is_none() => key.files(),
            _ => &[],
        };
        let (files, named_by) = match &self.profile {
            Some(key) if self.key_file.is_empty() => {
                (in_profile, format!("key_file of the profile {}", Untrusted::new(&key.profile)))
            }
            _ => (&self.key_file[..], "--key-file".to_owned()),
        };
        let [first, others @ ..] = files else {
            return self.resolve(environment, console).map(Keyring::from);
        };
        if files.len() > MOST_KEYS {
            return Err(CommandError::usage(format!(
                "{} keys were given; at most {MOST_KEYS} can be tried",
                files.len()
            ))
            .hint("leave out the keys that the platform no longer uses"));
        }
        let first = key_of(first, &named_by, console)?;
        let others: Result<Vec<_>, _> =
            others.iter().map(|path| key_of(path, &named_by, console)).collect();
        Ok(Keyring::named(first, others?))
    }
}

/// The key in a file, and the file's name as it may be shown.
fn key_of(
    path: &Path,
    named_by: &str,
    console: &mut Console,
) -> Result<(Key, String), CommandError> {
    let bytes = read_key_file(path, named_by, console)?;
    let name = Untrusted::path(&path).to_string();
    Ok((usable(bytes, &format!("the file {name}"), console)?, name))
}

/// The key that these bytes are, which the console does not show from here on.
fn usable(bytes: Vec<u8>, place: &str, console: &mut Console) -> Result<Key, CommandError> {
    let key = Key::try_new(bytes).map_err(|error| {
        CommandError::usage(format!("the key of {place} cannot be used"))
            .because(error)
            .hint("set PAYOUT_NOTIFY_KEY, or use --key-file FILE")
    })?;
    mask::remember(key.expose());
    for suspicion in key.suspicions() {
        console.warning(&format!("{}; it is used as it is", suspicion.explanation()));
    }
    Ok(key)
}

/// A key that was replaced by another one.
#[derive(clap::Args)]
pub struct RetiredKeyArgs {
    /// The key before a rotation that is over: the endpoint must refuse what is signed with it.
    #[arg(long, value_name = "FILE", help_heading = "Key (or set PAYOUT_NOTIFY_KEY)")]
    pub retired_key_file: Option<PathBuf>,
}

impl RetiredKeyArgs {
    pub fn resolve(&self, key: &Key, console: &mut Console) -> Result<Option<Key>, CommandError> {
        let Some(path) = &self.retired_key_file else { return Ok(None) };
        let (retired, name) = key_of(path, "--retired-key-file", console)?;
        if retired.expose() == key.expose() {
            let same = format!("the retired key in {name} is the current key");
            return Err(CommandError::usage(same)
                .hint("give the old key in --retired-key-file, and the new one as the key"));
        }
        Ok(Some(retired))
    }
}

/// Keys that the sender may have used by mistake: old ones, test ones, other merchants'.
#[derive(clap::Args)]
pub struct OtherKeyArgs {
    /// Try this key too when a signature does not match; may be given several times.
    #[arg(long, value_name = "FILE", help_heading = "Diagnosis")]
    pub other_key_file: Vec<PathBuf>,
}

impl OtherKeyArgs {
    pub fn resolve(&self, console: &mut Console) -> Result<Vec<(String, Key)>, CommandError> {
        let mut keys = Vec::new();
        for path in &self.other_key_file {
            let name = Untrusted::path(&path).to_string();
            let key = Key::try_new(read_key_file(path, "--other-key-file", console)?).map_err(
                |error| {
                    CommandError::usage(format!("the key file {name} cannot be used"))
                        .because(error)
                },
            )?;
            mask::remember(key.expose());
            keys.push((name, key));
        }
        Ok(keys)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    edit: Edit,
    name: String,
    text: String,
}

impl Assignment {
    fn new(name: String, text: &str, json: String) -> Self {
        let edit = Edit::Put { name: name.clone(), json };
        Assignment { edit, name, text: text.to_owned() }
    }
}

/// Changes to the payload before it is signed.
#[derive(clap::Args)]
#[command(next_help_heading = "Changes before signing")]
pub struct EditArgs {
    /// Set a member; VALUE is JSON if it parses as JSON, else a string.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_set)]
    pub set: Vec<Assignment>,
    /// Set a member to a string.
    #[arg(long, value_name = "NAME=TEXT", value_parser = parse_set_str)]
    pub set_str: Vec<Assignment>,
    /// Take a member out.
    #[arg(long, value_name = "NAME", value_parser = parse_unset)]
    pub unset: Vec<Edit>,
}

impl EditArgs {
    /// The edits with the names that the dialect's fields have; one of a field that it does not
    /// send is left out.
    pub fn edits_in(&self, layout: &Layout) -> Vec<Edit> {
        let named = |edit: &Edit| {
            Some(match edit {
                Edit::Put { name, json } => {
                    Edit::Put { name: layout.meant(name)?.to_owned(), json: json.clone() }
                }
                Edit::Remove { name } => Edit::Remove { name: layout.meant(name)?.to_owned() },
            })
        };
        self.edits().filter_map(named).collect()
    }

    pub fn edits(&self) -> impl Iterator<Item = &Edit> {
        self.unset
            .iter()
            .chain(self.set.iter().map(|assignment| &assignment.edit))
            .chain(self.set_str.iter().map(|assignment| &assignment.edit))
    }

    /// Sets a member of orders that are made, unless a flag changes it.
    pub fn adopt(&mut self, name: &str, value: &str) {
        let is_changed = self.edits().any(|edit| match edit {
            Edit::Put { name: changed, .. } | Edit::Remove { name: changed } => changed == name,
        });
        if !is_changed {
            self.set_str.push(Assignment::new(name.to_owned(), value, json_string(value)));
        }
    }

    /// Refuses a change of the status where another flag chooses it, too: one of them would be
    /// overruled in silence.
    pub fn leave_the_status_to(&self, flag: Option<&str>) -> Result<(), CommandError> {
        let Some(flag) = flag else { return Ok(()) };
        let sets = |list: &[Assignment]| list.iter().any(|it| it.name == "status");
        let takes_out = |edit: &Edit| matches!(edit, Edit::Remove { name } if name == "status");
        let changes = [
            ("--set", sets(&self.set)),
            ("--set-str", sets(&self.set_str)),
            ("--unset", self.unset.iter().any(takes_out)),
        ];
        let Some((change, _)) = changes.into_iter().find(|(_, it)| *it) else { return Ok(()) };
        Err(CommandError::usage(format!("{flag} chooses the status, and {change} changes it"))
            .hint(format!("leave out {flag}, or status in {change}")))
    }

    /// As [`EditArgs::edits_in`], with templates for values.
    pub fn changes_in(&self, layout: &Layout) -> Result<Vec<Change>, TemplateError> {
        let named = |change| {
            Some(match change {
                Ok(Change::Put { name, template }) => {
                    Ok(Change::Put { name: layout.meant(&name)?.to_owned(), template })
                }
                Ok(Change::Remove { name }) => {
                    Ok(Change::Remove { name: layout.meant(&name)?.to_owned() })
                }
                Err(error) => Err(error),
            })
        };
        self.changes().filter_map(named).collect()
    }

    fn changes(&self) -> impl Iterator<Item = Result<Change, TemplateError>> {
        let unset = self.unset.iter().filter_map(|edit| match edit {
            Edit::Remove { name } => Some(Ok(Change::Remove { name: name.clone() })),
            Edit::Put { .. } => None,
        });
        let put = |assignment: &Assignment, template: Result<Template, TemplateError>| {
            Ok(Change::Put { name: assignment.name.clone(), template: template? })
        };
        let set = self.set.iter().map(move |it| put(it, Template::parse(&it.text)));
        let set_str = self.set_str.iter().map(move |it| put(it, Template::parse_text(&it.text)));
        unset.chain(set).chain(set_str)
    }
}

fn split_assignment(text: &str) -> Result<(String, &str), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name == "sign" {
        return Err("sign is what this command computes".to_owned());
    }
    Ok((name.to_owned(), value))
}

fn parse_set(text: &str) -> Result<Assignment, String> {
    let (name, value) = split_assignment(text)?;
    Ok(Assignment::new(name, value, json_or_string(value)?))
}

fn json_or_string(value: &str) -> Result<String, String> {
    match form_of(value).map_err(|problem| problem.to_string())? {
        Form::Json => Ok(value.trim().to_owned()),
        Form::Text => Ok(json_string(value)),
    }
}

fn parse_set_str(text: &str) -> Result<Assignment, String> {
    let (name, value) = split_assignment(text)?;
    Ok(Assignment::new(name, value, json_string(value)))
}

fn parse_unset(text: &str) -> Result<Edit, String> {
    Ok(Edit::Remove { name: text.to_owned() })
}

pub fn adopt<T: Clone>(flag: &mut Option<T>, profile: Option<&Placed<T>>) {
    if flag.is_none() {
        *flag = profile.map(|placed| placed.value.clone());
    }
}

pub fn adopt_statuses(statuses: &mut StatusTable, profile: &Profile) {
    if let Some(own) = &profile.statuses {
        *statuses = own.value;
    }
}

pub fn adopt_headers(flags: &mut Vec<String>, profile: Option<&Placed<Vec<String>>>) {
    let Some(profile) = profile else { return };
    let name = |header: &str| header.split(':').next().unwrap_or_default().trim().to_lowercase();
    let named: Vec<String> = flags.iter().map(|header| name(header)).collect();
    let added = profile.value.iter().filter(|header| !named.contains(&name(header))).cloned();
    *flags = added.chain(flags.iter().cloned()).collect();
}

pub fn numbered(words: &MixWords, statuses: &StatusTable) -> Result<Mix, CommandError> {
    words
        .numbered(statuses)
        .map_err(|error| CommandError::usage("--mix cannot be used").because(error))
}

pub fn target(url: Option<&str>) -> Result<Target, CommandError> {
    let url = url.ok_or_else(|| {
        CommandError::usage("no URL was given")
            .hint("give the notify URL as the first argument, or set url in a profile")
    })?;
    Target::parse(url).map_err(|error| {
        let is_file = [".json", ".ndjson", ".csv", ".txt"].iter().any(|end| url.ends_with(end));
        let hint = match url.parse::<u16>() {
            Ok(port) => format!("write http://localhost:{port}/notify"),
            Err(_) if is_file && error == TargetError::NoScheme => {
                "the URL comes first, and the file after it: URL FILE".to_owned()
            }
            Err(_) => error.hint().to_owned(),
        };
        CommandError::usage("the URL cannot be used").because(error).hint(hint)
    })
}

pub fn unreadable_change(error: TemplateError) -> CommandError {
    CommandError::usage("a change cannot be read")
        .because(error)
        .hint("write it as in --set 'amount={100..500}' or --set memo={uuid}")
}

pub fn unusable_schedule(error: ScheduleError) -> CommandError {
    let hint = error.hint();
    CommandError::usage("the schedule cannot be used").because(error).hint(hint)
}

/// What to do about a file that cannot be read; `command` reads it from stdin where no FILE is given.
pub fn file_hint(text: &str, takes_stdin: bool) -> &'static str {
    let text = text.trim_start();
    if text.contains("://") {
        return "a file is expected here, not a URL; a received body is saved to a file, or kept by \
                `payout-notify listen`";
    }
    if takes_stdin && text.starts_with(['{', '[', '<']) {
        return "a file is expected here; pipe the payload in: printf '%s' 'PAYLOAD' | payout-notify \
                verify";
    }
    if takes_stdin {
        "give the path of a file that is there, or - to read stdin"
    } else {
        "give the path of a file that is there"
    }
}

pub fn parse_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("it must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// A number, 0 included.
pub fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// How many, at least one.
pub fn parse_count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err("expected a whole number from 1 on".to_owned()),
    }
}

pub fn parse_sign_type(text: &str) -> Result<Algorithm, String> {
    text.parse().map_err(|_| {
        let near = did_you_mean(text, ["md5", "hmac-sha256", "sha256"]);
        format!("expected md5, hmac-sha256 or sha256{near}")
    })
}

/// Room for a usual payload, so that one read takes all of it.
///
/// From 1024 bytes on the GNU C library sorts all freed pieces first, which is dearer than the read.
const USUAL_BYTES: usize = 1000;

pub struct Input {
    /// The bytes, at most one more than a payload may have.
    pub bytes: Vec<u8>,
    pub name: String,
}

pub fn whole<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, String> {
    text.parse().map_err(|error: ParseIntError| {
        let told = match error.kind() {
            IntErrorKind::Zero => "expected a whole number from 1",
            IntErrorKind::PosOverflow => "the number is too large",
            _ => "expected a whole number",
        };
        told.to_owned()
    })
}

impl Input {
    pub fn read(path: Option<&Path>, console: &mut Console) -> Result<Input, CommandError> {
        let path = path.filter(|path| *path != Path::new("-"));
        let name =
            path.map_or_else(|| "stdin".to_owned(), |path| Untrusted::path(&path).to_string());
        let typed = path.map(Path::to_string_lossy).unwrap_or_default();
        let cannot = |error| {
            let refused = CommandError::input(format!("cannot read {name}")).because(error);
            refused.hint(file_hint(&typed, true))
        };
        if path.is_none() && io::stdin().is_terminal() {
            let how = "reading the payload from the terminal; end it with Ctrl-D";
            console.note(&Line::new().dim(how));
        }
        let bytes = match path {
            Some(path) => files::read_bounded(path, MAX_BYTES as u64),
            None => {
                let (mut bytes, limit) = (Vec::with_capacity(USUAL_BYTES), MAX_BYTES as u64 + 1);
                io::stdin().lock().take(limit).read_to_end(&mut bytes).map(|_| bytes)
            }
        }
        .map_err(cannot)?;
        Ok(Input { bytes, name })
    }

    pub fn payload(&self) -> Result<Payload<'_>, CommandError> {
        parse_payload(&self.bytes, &self.name)
    }
}

pub fn parse_payload<'a>(bytes: &'a [u8], name: &str) -> Result<Payload<'a>, CommandError> {
    Payload::parse(bytes).map_err(|error| refuse_payload(error, name))
}

fn refuse_payload(error: PayloadError, name: &str) -> CommandError {
    let hint = hint_for(&error.problem);
    // Only a bounded part of a longer input is read: its length is not known.
    let error = match error.problem {
        PayloadProblem::TooLarge(_) => CommandError::input(format!(
            "{name} is not a valid payload: it is longer than {MAX_BYTES} bytes (1 MiB)"
        )),
        _ => {
            let place = ErrorPlace {
                line: Some(error.line as u64),
                column: Some(error.column),
                member: error.member.clone(),
            };
            CommandError::input(format!("{name} is not a valid payload")).because(error).at(place)
        }
    };
    error.hint(hint)
}

/// The hint where nothing more is known of what is wrong.
pub const USUAL_HINT: &str = "give the request's body as it was received, such as \
    {\"payout_id\":\"POT1\",…}; --input form, query or xml reads other forms";

fn hint_for(problem: &PayloadProblem) -> &'static str {
    match problem {
        PayloadProblem::Empty => "give a FILE, or pipe the payload in",
        PayloadProblem::DuplicateMember(_) => {
            "languages disagree on which of the two counts; the sender must send one"
        }
        PayloadProblem::ByteOrderMark => "save the file without a byte order mark",
        PayloadProblem::TrailingData => "expected one JSON object",
        PayloadProblem::InvalidUtf8 => {
            "the platform sends UTF-8; was the text saved in another charset?"
        }
        PayloadProblem::InvalidPercent => "a plain percent sign is written %25 in pairs",
        PayloadProblem::PercentNotUtf8 => {
            "were the pairs encoded from another charset, such as GBK?"
        }
        PayloadProblem::NoQuery => "give the URL as it was called, with ? and the pairs",
        PayloadProblem::Unexpected { expected, .. } if expected.contains("member name") => {
            "JSON has names in double quotes, and no comma after the last member"
        }
        PayloadProblem::InvalidXml(_) => "--input auto finds out whether it is JSON, a form or XML",
        PayloadProblem::TooLarge(_) => "for many payloads, one per line, use --lines",
        PayloadProblem::UnexpectedEnd => "was the payload cut off? give it whole",
        _ => USUAL_HINT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_where_it_parses_as_json() {
        for (value, json) in [
            ("1.10", "1.10"),
            ("\"x\"", "\"x\""),
            ("x", "\"x\""),
            ("null", "null"),
            ("", "\"\""),
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("1,\"w\":2", "\"1,\\\"w\\\":2\""),
            ("01", "\"01\""),
            ("a=b", "\"a=b\""),
        ] {
            assert_eq!(json_or_string(value).unwrap(), json, "{value}");
        }
        assert!(json_or_string("{\"a\":1,\"a\":2}").is_err());
        assert!(parse_set("novalue").is_err());
        assert!(parse_set("sign=x").is_err());
    }
}
