//! Errors of the command line: what was typed, and what to type instead.

use std::error::Error;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapKind};
use clap::{Arg, Command};
use protocol::internal::nearest::nearest;

use super::other_names::{OPTIONS, SUBCOMMANDS};
use crate::error::CommandError;
use crate::mask::Untrusted;

/// What was typed, and the command that it was typed for.
struct Usage<'a> {
    error: &'a clap::Error,
    arguments: &'a [OsString],
    command: &'a Command,
    /// The command's name with those of the commands that it is in.
    path: String,
}

/// The command that the arguments name, as far as they name one.
fn find<'c>(root: &'c Command, arguments: &[OsString]) -> (&'c Command, String) {
    let (mut command, mut path) = (root, root.get_name().to_owned());
    let words = arguments.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str());
    for word in words {
        if let Some(inner) = command.find_subcommand(word) {
            path = format!("{path} {}", inner.get_name());
            command = inner;
        }
    }
    (command, path)
}

/// The parser's error as one of this program's.
pub(super) fn explain(
    error: &clap::Error,
    mut root: Command,
    arguments: &[OsString],
) -> CommandError {
    root.build();
    let (command, path) = find(&root, arguments);
    let usage = Usage { error, arguments, command, path };
    let hints = usage.hints();
    let refused = hints.into_iter().fold(CommandError::usage(usage.message()), CommandError::hint);
    let path = &usage.path;
    refused.hint(format!("`{path} --help` shows what it takes"))
}

impl Usage<'_> {
    fn text(&self, kind: ContextKind) -> &str {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => text,
            _ => "",
        }
    }

    fn list(&self, kind: ContextKind) -> Vec<&str> {
        match self.error.get(kind) {
            Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
            Some(ContextValue::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    fn number(&self, kind: ContextKind) -> isize {
        match self.error.get(kind) {
            Some(ContextValue::Number(number)) => *number,
            _ => 0,
        }
    }

    fn message(&self) -> String {
        let (argument, value) =
            (self.text(ContextKind::InvalidArg), self.text(ContextKind::InvalidValue));
        match self.error.kind() {
            ClapKind::UnknownArgument => format!("unexpected argument '{argument}' found"),
            ClapKind::InvalidSubcommand => {
                let word = self.text(ContextKind::InvalidSubcommand);
                format!("unrecognized subcommand '{word}'")
            }
            ClapKind::InvalidValue if value.is_empty() => {
                format!("a value is required for '{argument}' but none was supplied")
            }
            ClapKind::InvalidValue => format!("invalid value '{value}' for '{argument}'"),
            ClapKind::ValueValidation => {
                let why = self.error.source().map(|why| format!(": {why}")).unwrap_or_default();
                format!("invalid value '{value}' for '{argument}'{why}")
            }
            ClapKind::MissingRequiredArgument => {
                let missing = self.list(ContextKind::InvalidArg).join(" ");
                format!("the following required arguments were not provided: {missing}")
            }
            ClapKind::ArgumentConflict => self.conflict(argument),
            ClapKind::NoEquals => format!("'{argument}' takes its value after an equal sign"),
            ClapKind::TooManyValues => {
                format!("unexpected value '{value}' for '{argument}' found; no more were expected")
            }
            ClapKind::TooFewValues | ClapKind::WrongNumberOfValues => {
                let given = self.number(ContextKind::ActualNumValues);
                format!("{given} values were given for '{argument}'")
            }
            kind => kind.to_string(),
        }
    }

    fn conflict(&self, argument: &str) -> String {
        let others = self.list(ContextKind::PriorArg);
        if others.contains(&argument) {
            return format!("the argument '{argument}' cannot be used multiple times");
        }
        let others: Vec<String> = others.iter().map(|other| format!("'{other}'")).collect();
        format!("the argument '{argument}' cannot be used with {}", others.join(", "))
    }

    fn hints(&self) -> Vec<String> {
        match self.error.kind() {
            ClapKind::UnknownArgument => self.instead_of_argument(),
            ClapKind::InvalidSubcommand | ClapKind::MissingSubcommand => self.subcommands(),
            ClapKind::InvalidValue | ClapKind::ValueValidation | ClapKind::NoEquals => {
                self.values()
            }
            ClapKind::MissingRequiredArgument => self.missing(),
            ClapKind::ArgumentConflict => {
                vec!["leave out one of them".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    /// The options that are missing, or an example where an argument without a name is.
    fn missing(&self) -> Vec<String> {
        let names = self.list(ContextKind::InvalidArg);
        let options: Option<Vec<String>> = names
            .iter()
            .map(|name| {
                let mut all = self.command.get_arguments().filter(|it| !it.is_positional());
                all.find(|it| it.to_string() == *name).and_then(shown)
            })
            .collect();
        match options {
            Some(options) => vec![format!("add `{}`", options.join(" "))],
            None => self.example().into_iter().collect(),
        }
    }

    /// The first example of the command's help.
    fn example(&self) -> Option<String> {
        let help = self.command.get_after_help()?.to_string();
        let line = help.strip_prefix("Example:\n")?.lines().next()?.trim();
        Some(format!("for example `{line}`"))
    }

    fn values(&self) -> Vec<String> {
        let known = self.list(ContextKind::ValidValue);
        let mut hints = Vec::new();
        if !known.is_empty() {
            let near = nearest(self.text(ContextKind::InvalidValue), known.iter().copied());
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            hints.push(format!("expected one of {}{near}", known.join(", ")));
        } else if let Some(shown) = self.argument().filter(|it| !it.is_positional()).and_then(shown)
        {
            hints.push(format!("write it as in `{shown}`"));
        } else {
            hints.extend(self.example());
        }
        hints
    }

    /// The argument that an error is about.
    fn argument(&self) -> Option<&Arg> {
        let typed = self.text(ContextKind::InvalidArg);
        self.command.get_arguments().find(|argument| argument.to_string() == typed)
    }

    fn subcommands(&self) -> Vec<String> {
        let typed = self.text(ContextKind::InvalidSubcommand);
        let path = &self.path;
        if typed.contains("://") {
            return vec![format!("send a notification there with `{path} simulate URL`")];
        }
        if typed.contains(['.', '/', '{']) {
            return vec![format!("verify a payload in a file with `{path} verify FILE`")];
        }
        let lower = typed.to_lowercase();
        let other = SUBCOMMANDS.iter().find(|(names, _)| names.contains(&lower.as_str()));
        if let Some((_, name)) = other.filter(|_| !path.contains(' ')) {
            return vec![format!("try `{path} {name}`")];
        }
        let known: Vec<&str> = self.command.get_subcommands().map(Command::get_name).collect();
        if let Some(near) = nearest(typed, known.iter().copied()) {
            return vec![format!("a similar subcommand exists: `{path} {near}`")];
        }
        vec![format!("the subcommands are {}", known.join(", "))]
    }

    fn instead_of_argument(&self) -> Vec<String> {
        let typed = self.text(ContextKind::InvalidArg);
        let second = typed.chars().nth(1);
        if typed.starts_with('-') && second.is_some_and(|second| second.is_ascii_digit()) {
            let tip = "a value that begins with - is joined to its flag, as in --set=NAME=-1";
            return vec![tip.to_owned()];
        }
        if !typed.starts_with('-') {
            return self.instead_of_word(typed);
        }
        let name = typed.split('=').next().unwrap_or(typed);
        if let Some(address) = self.typed_address(name) {
            return vec![format!("use `payout-notify listen --bind {address}`")];
        }
        let other = OPTIONS.iter().find(|(names, _)| names.contains(&name));
        if let Some(hint) = other.and_then(|(_, candidates)| self.instead(candidates)) {
            return vec![hint];
        }
        if let Some(inner) = self.command.find_subcommand(name.trim_start_matches('-')) {
            return vec![format!("it is a subcommand: `{} {}`", self.path, inner.get_name())];
        }
        match self.list(ContextKind::SuggestedArg).first() {
            Some(near) => vec![format!("a similar argument exists: '{near}'")],
            None => self.example().into_iter().collect(),
        }
    }

    /// The address that was typed after an option that is called `--bind` here.
    fn typed_address(&self, name: &str) -> Option<String> {
        OPTIONS.iter().find(|(names, ours)| names.contains(&name) && ours.contains(&"bind"))?;
        if self.path.contains(' ') && !self.has("bind") {
            return None;
        }
        let words: Vec<&str> = self.arguments.iter().filter_map(|word| word.to_str()).collect();
        let at = words.iter().position(|word| word.split('=').next() == Some(name))?;
        let value =
            words[at].split_once('=').map(|(_, value)| value).or(words.get(at + 1).copied())?;
        if value.parse::<u16>().is_ok() || value.parse::<SocketAddr>().is_ok() {
            return Some(value.to_owned());
        }
        value.parse::<IpAddr>().ok().map(|host| SocketAddr::new(host, 8787).to_string())
    }

    /// What to type for an option that has other names elsewhere.
    fn instead(&self, candidates: &[&str]) -> Option<String> {
        for candidate in candidates {
            if let Some(hint) = instead_in(self.command, &self.path, candidate) {
                return Some(hint);
            }
        }
        // Without a subcommand: the first one that has the option.
        let mut subcommands = self.command.get_subcommands();
        subcommands.find_map(|inner| {
            let path = format!("{} {}", self.path, inner.get_name());
            candidates.iter().find_map(|candidate| instead_in(inner, &path, candidate))
        })
    }

    fn has(&self, long: &str) -> bool {
        self.command.get_arguments().any(|argument| argument.get_long() == Some(long))
    }

    fn instead_of_word(&self, typed: &str) -> Vec<String> {
        let path = &self.path;
        let address = typed.split_once("://").map_or(typed, |(_, rest)| rest);
        let address = address.split('/').next().unwrap_or_default();
        if self.has("bind")
            && address.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok())
        {
            let mut hints = vec![format!("the address is given with `{path} --bind {address}`")];
            if self.has("inspect") {
                hints.push(format!("the inspector's with `{path} --inspect={address}`"));
            }
            return hints;
        }
        if self.has("lines") {
            return vec![format!(
                "one payload is read; for many, one per line: `{path} --lines FILE`"
            )];
        }
        self.example().into_iter().collect()
    }
}

fn instead_in(command: &Command, path: &str, candidate: &str) -> Option<String> {
    if let Some(place) = candidate.strip_prefix('>') {
        return Some(format!("redirect the output: `{path} … > {place}`"));
    }
    let (name, value) = candidate.split_once(' ').unwrap_or((candidate, ""));
    let argument = command.get_arguments().find(|argument| match argument.get_long() {
        Some(long) => long == name,
        None => argument.is_positional() && value_name(argument) == name,
    })?;
    if argument.is_positional() {
        return Some(format!("it is an argument without a name: `{path} {name}`"));
    }
    let shown = if value.is_empty() { shown(argument) } else { Some(format!("--{candidate}")) };
    let hint = format!("use `{path} {}`", shown.unwrap_or_else(|| format!("--{name}")));
    let is_key = name == "key-file";
    Some(if is_key { format!("{hint}, or set PAYOUT_NOTIFY_KEY") } else { hint })
}

fn value_name(argument: &Arg) -> &str {
    let names = argument.get_value_names().unwrap_or_default();
    names.first().map_or("", |name| name.as_str())
}

/// An argument with a value that it takes.
fn shown(argument: &Arg) -> Option<String> {
    let name = value_name(argument);
    let value = match name {
        "DURATION" => "10s",
        "RATE" => "50/s",
        "PERCENT" => "5%",
        "FACTOR" => "60x",
        "STATUS" => "success",
        "TYPE" => "md5",
        "SCHEDULE" | "NAME|LIST" => "15s,30s,5m",
        "SHARES" => "success=90,failed=10",
        "LIFE" => "'processing, 2s, success'",
        "GATE" => "'p99>200ms'",
        "FORMAT=FILE" => "html=report.html",
        "NAME=VALUE" | "NAME=TEXT" => "amount=125000",
        "NAME: VALUE" => "'X-Test: 1'",
        "HOST:PORT:ADDRESS" => "shop.example:443:127.0.0.1",
        "ADDRESS" => "8787",
        "PROGRAM" => "'fail*3, ok'",
        "TIME" => "10m",
        "N" | "ID" => "10",
        "FILE" => "FILE",
        "NAME" => "NAME",
        "URL" => "http://localhost:8787/notify",
        "NAME|FILE.toml" => "wechat-v2",
        "" => return argument.get_long().map(|long| format!("--{long}")),
        other => other,
    };
    Some(match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value.to_owned(),
    })
}

/// Leaves the keys out of what was typed and could not be read.
pub(super) fn redact(error: &mut clap::Error) {
    let is_unknown = error.kind() == ClapKind::UnknownArgument;
    let typed = [ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    for kind in typed.into_iter().chain(is_unknown.then_some(ContextKind::InvalidArg)) {
        if let Some(ContextValue::String(text)) = error.get(kind) {
            let text = Untrusted::new(text).to_string();
            error.insert(kind, ContextValue::String(text));
        }
    }
}
