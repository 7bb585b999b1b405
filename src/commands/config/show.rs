//! `config show`: the effective settings and their sources.

use std::path::PathBuf;

use protocol::{Key, Status, StatusTable};
use serde_json::{Value, json};

use crate::commands::args::Format;
use crate::commands::args::key_source::ProfileKey;
use crate::commands::{CommandResult, answer};
use crate::exit::Exit;
use crate::mask::{self, Untrusted};
use crate::report::json;
use crate::report::line::Line;
use crate::sender::schedule::format_duration;
use crate::settings::find::{self, FoundFile};
use crate::settings::profile::{Chosen, KeySource, Placed, Profile};
use crate::settings::{Environment, KEY_VARIABLE, variable};
use crate::terminal::Console;

struct Setting {
    name: &'static str,
    value: Value,
    /// The line of the profile's file; without one it is the default.
    line: Option<usize>,
}

/// All that is shown.
struct Shown {
    files: Vec<FoundFile>,
    /// Where the user's own file is or would be.
    own: Option<PathBuf>,
    chosen: Option<Chosen>,
    settings: Vec<Setting>,
    key: HeldKey,
}

/// The effective key: never more than its source and its fingerprint.
struct HeldKey {
    /// What gives it, for people; nothing where no key is set.
    source: Option<String>,
    from: &'static str,
    fingerprint: Option<String>,
}

pub(super) fn run(
    format: Format,
    flag: Option<&str>,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let files = find::files(environment)?;
    let chosen = find::choose(&files, flag, environment)?;
    let shown = Shown {
        key: held_key(chosen.as_ref(), environment, console),
        settings: settings(chosen.as_ref().map_or(&Profile::default(), |chosen| &chosen.profile)),
        own: find::user_file(environment),
        files,
        chosen,
    };
    answer(format, || shown.json(), || shown.lines(), console)?;
    Ok(Exit::Yes)
}

/// What a run without flags would use, in the order of the file's settings.
fn settings(profile: &Profile) -> Vec<Setting> {
    fn setting<T>(
        name: &'static str,
        placed: &Option<Placed<T>>,
        value: impl Fn(&T) -> Value,
        usual: Value,
    ) -> Setting {
        let line = placed.as_ref().map(|placed| placed.line);
        let value = placed.as_ref().map_or(usual, |placed| value(&placed.value));
        Setting { name, value, line }
    }
    let text = |text: &String| json!(Untrusted::new(text));
    let names = |headers: &Vec<String>| headers.iter().map(|header| masked(header)).collect();
    vec![
        setting("platform_id", &profile.platform_id, text, Value::Null),
        setting("sign_type", &profile.sign_type, |it| json!(it.id()), Value::Null),
        setting("dialect", &profile.dialect, text, json!("platform")),
        setting(
            "url",
            &profile.url,
            |url| json!(Untrusted::new(without_password(url))),
            Value::Null,
        ),
        setting("schedule", &profile.schedule, text, json!("backoff")),
        setting("timeout", &profile.timeout, |it| json!(format_duration(*it)), json!("10s")),
        setting("headers", &profile.headers, names, json!([])),
        setting("reply", &profile.reply, text, Value::Null),
        setting("statuses", &profile.statuses, renamed, json!({})),
    ]
}

fn renamed(statuses: &StatusTable) -> Value {
    let own = |status: &Status| !StatusTable::PLATFORM.payouts().any(|usual| usual == *status);
    let named = |status: Status| (status.code.to_string(), json!(status.name));
    Value::Object(statuses.payouts().filter(own).map(named).collect())
}

/// A header without its value, which can be a secret.
fn masked(header: &str) -> Value {
    match header.split_once(':') {
        Some((name, value)) if !value.trim().is_empty() => {
            json!(format!("{}: ...", Untrusted::new(name)))
        }
        _ => json!(Untrusted::new(header)),
    }
}

/// A URL without the part for a user.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://...@{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

fn held_key(chosen: Option<&Chosen>, environment: &Environment, console: &mut Console) -> HeldKey {
    let fingerprint = |bytes: &[u8]| {
        let key = Key::try_new(bytes.to_vec()).ok()?;
        mask::remember(key.expose());
        Some(key.fingerprint())
    };
    if let Some(key) = &environment.key {
        let fingerprint = fingerprint(key.as_encoded_bytes());
        return HeldKey { source: Some(KEY_VARIABLE.to_owned()), from: "environment", fingerprint };
    }
    let Some(key) = chosen.and_then(ProfileKey::of) else {
        return HeldKey { source: None, from: "default", fingerprint: None };
    };
    let read = match &key.source {
        KeySource::Command(_) => None,
        KeySource::Variable(_) | KeySource::Files(_) => {
            key.read(console).inspect_err(|error| console.warning(&error.to_string())).ok()
        }
    };
    let fingerprint = read.and_then(|bytes| fingerprint(&bytes));
    let source = match &key.source {
        // What is not there may be the key itself, given in the wrong place: it is not repeated.
        KeySource::Variable(name) if variable(name).is_none() => "a variable".to_owned(),
        KeySource::Variable(name) => format!("the variable {}", Untrusted::new(&name)),
        KeySource::Files(paths) if paths.iter().any(|it| it.symlink_metadata().is_err()) => {
            "a file".to_owned()
        }
        KeySource::Files(paths) => {
            let names: Vec<_> =
                paths.iter().map(|path| Untrusted::path(&path).to_string()).collect();
            format!("the file {}", names.join(", then "))
        }
        // Its arguments may name more than a person means to show.
        KeySource::Command(argv) => format!("the program {}", Untrusted::new(&argv[0])),
    };
    HeldKey { source: Some(source), from: "profile", fingerprint }
}

impl Shown {
    fn json(&self) -> String {
        let path = |path: &PathBuf| Untrusted::path(&path).to_string();
        let file = |found: &FoundFile| {
            json!({
                "path": path(&found.path),
                "owner": found.owner.name(),
                "default_profile": found.file.default_profile.as_ref().map(Untrusted::new),
                "profiles": found.file.profiles.keys().map(Untrusted::new).collect::<Vec<_>>(),
            })
        };
        let setting = |setting: &Setting| {
            json!({
                "name": setting.name,
                "value": setting.value,
                "from": if setting.line.is_some() { "profile" } else { "default" },
                "line": setting.line,
            })
        };
        let key = &self.key;
        json::line(
            "config",
            &json!({
                "user_file": self.own.as_ref().map(path),
                "files": self.files.iter().map(file).collect::<Vec<_>>(),
                "profile": self.chosen.as_ref().map(|chosen| json!({
                    "name": Untrusted::new(&chosen.name),
                    "named_by": chosen.named_by,
                    "path": path(&chosen.file),
                })),
                "key": {"source": key.source, "from": key.from, "fingerprint": key.fingerprint},
                "settings": self.settings.iter().map(setting).collect::<Vec<_>>(),
            }),
        )
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for found in &self.files {
            let names: Vec<&str> = found.file.profiles.keys().map(String::as_str).collect();
            let names = if names.is_empty() {
                "no profile".to_owned()
            } else {
                Untrusted::new(names.join(", ")).to_string()
            };
            let (path, owner) = (Untrusted::path(&found.path), found.owner.name());
            lines.push(Line::new().plain(format!("{path}  ")).dim(format!("{owner}: {names}")));
        }
        let is_found = |own: &&PathBuf| self.files.iter().any(|found| found.path == **own);
        if let Some(own) = self.own.as_ref().filter(|own| !is_found(own)) {
            lines.push(
                Line::new().plain(format!("{}  ", Untrusted::path(&own))).dim("user: not there"),
            );
        }
        let line = Line::new().plain("profile  ");
        lines.push(match &self.chosen {
            Some(chosen) => {
                line.accent(Untrusted::new(&chosen.name)).dim(format!("  by {}", chosen.named_by))
            }
            None => line.dim("none"),
        });
        let row = |name: &str, value: String, from: String| {
            Line::new().plain(format!("  {name:<12} ")).accent(value).dim(format!("  {from}"))
        };
        let source = self.key.source.as_deref().unwrap_or("none");
        let print = self.key.fingerprint.as_ref().filter(|_| self.key.source.is_some());
        let print = print.map(|print| format!(", fingerprint {print}")).unwrap_or_default();
        lines.push(row("key", format!("{source}{print}"), self.key.from.to_owned()));
        for setting in &self.settings {
            let value = match &setting.value {
                Value::Null => "-".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let line = setting.line.map(|line| format!("profile, line {line}"));
            lines.push(row(setting.name, value, line.unwrap_or_else(|| "default".to_owned())));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_a_secret_is_masked() {
        assert_eq!(masked("Authorization: s3cret"), json!("Authorization: ..."));
        assert_eq!(masked("User-Agent:"), json!("User-Agent:"));
        assert_eq!(without_password("https://u:p@h/x?a=b@c"), "https://...@h/x?a=b@c");
        assert_eq!(without_password("https://h/x@y"), "https://h/x@y");
    }
}
