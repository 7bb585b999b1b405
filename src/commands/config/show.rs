//! `config show`: what holds, and where from.

use std::path::Path;

use protocol::{Algorithm, Key, Status, StatusTable};
use serde_json::{Value, json};

use crate::commands::CommandResult;
use crate::commands::args::Format;
use crate::commands::args::key_source::ProfileKey;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::json;
use crate::report::line::Line;
use crate::sender::schedule::format_duration;
use crate::settings::find::{self, Found};
use crate::settings::profile::{Chosen, KeySource, Placed, Profile};
use crate::settings::{Environment, KEY_VARIABLE, variable};
use crate::terminal::Console;

struct Setting {
    name: &'static str,
    value: Value,
    /// The line of the profile's file; without one it is the default.
    line: Option<usize>,
}

/// The key that holds: never more than its source and its fingerprint.
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
    let key = held_key(chosen.as_ref(), environment, console);
    let settings = settings(chosen.as_ref().map(|chosen| &chosen.profile));
    let own = find::user_file(environment);
    match format {
        Format::Json => {
            let text = to_json(&files, own.as_deref(), chosen.as_ref(), &settings, &key);
            console.answer_bytes(text.as_bytes())
        }
        Format::Human => lines(&files, own.as_deref(), chosen.as_ref(), &settings, &key)
            .iter()
            .try_for_each(|line| console.answer(line)),
    }
    .map_err(CommandError::output)?;
    Ok(Exit::Yes)
}

/// What a run without flags would use, in the order of the file's settings.
fn settings(profile: Option<&Profile>) -> Vec<Setting> {
    let none = Profile::default();
    let profile = profile.unwrap_or(&none);
    fn setting<T>(
        name: &'static str,
        placed: Option<&Placed<T>>,
        value: impl Fn(&T) -> Value,
        usual: Value,
    ) -> Setting {
        match placed {
            Some(placed) => Setting { name, value: value(&placed.value), line: Some(placed.line) },
            None => Setting { name, value: usual, line: None },
        }
    }
    let text = |text: &String| json!(text);
    let names =
        |headers: &Vec<String>| -> Value { headers.iter().map(|header| masked(header)).collect() };
    vec![
        setting("platform_id", profile.platform_id.as_ref(), text, Value::Null),
        setting(
            "sign_type",
            profile.sign_type.as_ref(),
            |it: &Algorithm| json!(it.id()),
            Value::Null,
        ),
        setting("dialect", profile.dialect.as_ref(), text, json!("platform")),
        setting("url", profile.url.as_ref(), |url| json!(without_password(url)), Value::Null),
        setting("schedule", profile.schedule.as_ref(), text, json!("backoff")),
        setting(
            "timeout",
            profile.timeout.as_ref(),
            |it| json!(format_duration(*it)),
            json!("10s"),
        ),
        setting("headers", profile.headers.as_ref(), names, json!([])),
        setting("reply", profile.reply.as_ref(), text, Value::Null),
        setting("statuses", profile.statuses.as_ref(), renamed, json!({})),
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
        Some((name, value)) if !value.trim().is_empty() => json!(format!("{name}: ...")),
        _ => json!(header),
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
    let fingerprint = |bytes: &[u8], console: &mut Console| {
        let key = Key::try_new(bytes.to_vec()).ok()?;
        console.redact(key.expose());
        Some(key.fingerprint())
    };
    if let Some(key) = &environment.key {
        let fingerprint = fingerprint(key.as_encoded_bytes(), console);
        return HeldKey { source: Some(KEY_VARIABLE.to_owned()), from: "environment", fingerprint };
    }
    let Some(key) = chosen.and_then(ProfileKey::of) else {
        return HeldKey { source: None, from: "default", fingerprint: None };
    };
    let source = match &key.source {
        // What is not there may be the key itself, given in the wrong place: it is not repeated.
        KeySource::Variable(name) if variable(name).is_none() => "a variable".to_owned(),
        KeySource::Variable(name) => format!("the variable {name}"),
        KeySource::File(path) if path.symlink_metadata().is_err() => "a file".to_owned(),
        KeySource::File(path) => format!("the file {}", path.display()),
        // Its arguments may name more than a person wants to show.
        KeySource::Command(argv) => format!("the program {}", argv[0]),
    };
    let fingerprint = match &key.source {
        KeySource::Command(_) => None,
        KeySource::Variable(_) | KeySource::File(_) => match key.read(console) {
            Ok(bytes) => fingerprint(&bytes, console),
            Err(error) => {
                console.warning(&error.to_string());
                None
            }
        },
    };
    HeldKey { source: Some(source), from: "profile", fingerprint }
}

fn to_json(
    files: &[Found],
    own: Option<&Path>,
    chosen: Option<&Chosen>,
    settings: &[Setting],
    key: &HeldKey,
) -> String {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let files: Vec<Value> = files
        .iter()
        .map(|found| {
            json!({
                "path": path(&found.path),
                "owner": found.owner.name(),
                "default_profile": found.file.default_profile,
                "profiles": found.file.profiles.keys().collect::<Vec<_>>(),
            })
        })
        .collect();
    let settings: Vec<Value> = settings
        .iter()
        .map(|setting| {
            json!({
                "name": setting.name,
                "value": setting.value,
                "from": if setting.line.is_some() { "profile" } else { "default" },
                "line": setting.line,
            })
        })
        .collect();
    json::line(
        "config",
        &json!({
            "user_file": own.map(path),
            "files": files,
            "profile": chosen.map(|chosen| json!({
                "name": chosen.name,
                "named_by": chosen.named_by.name(),
                "path": path(&chosen.file),
            })),
            "key": {"source": key.source, "from": key.from, "fingerprint": key.fingerprint},
            "settings": settings,
        }),
    )
}

fn lines(
    files: &[Found],
    own: Option<&Path>,
    chosen: Option<&Chosen>,
    settings: &[Setting],
    key: &HeldKey,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for found in files {
        let names: Vec<&str> = found.file.profiles.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "no profile".to_owned() } else { names.join(", ") };
        let (path, owner) = (found.path.display(), found.owner.name());
        lines.push(Line::new().plain(format!("{path}  ")).dim(format!("{owner}: {names}")));
    }
    if let Some(own) = own.filter(|own| !files.iter().any(|found| found.path == *own)) {
        lines.push(Line::new().plain(format!("{}  ", own.display())).dim("user: not there"));
    }
    lines.push(match chosen {
        Some(chosen) => {
            let named_by = chosen.named_by.name();
            Line::new().plain("profile  ").accent(&chosen.name).dim(format!("  by {named_by}"))
        }
        None => Line::new().plain("profile  ").dim("none"),
    });
    let row = |name: &str, value: String, from: String| {
        Line::new().plain(format!("  {name:<12} ")).accent(value).dim(format!("  {from}"))
    };
    let shown = match (&key.source, &key.fingerprint) {
        (None, _) => "none".to_owned(),
        (Some(source), None) => source.clone(),
        (Some(source), Some(fingerprint)) => format!("{source}, fingerprint {fingerprint}"),
    };
    lines.push(row("key", shown, key.from.to_owned()));
    for setting in settings {
        let value = match &setting.value {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let from = match setting.line {
            Some(line) => format!("profile, line {line}"),
            None => "default".to_owned(),
        };
        lines.push(row(setting.name, value, from));
    }
    lines
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
