//! A settings file's text, read into profiles with the place of every setting.
//!
//! ```toml
//! default_profile = "staging"
//!
//! [profile.staging]
//! key_env = "PAYOUT_STAGING_KEY"
//! url = "https://staging.shop.example/notify"
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use protocol::internal::nearest::nearest;
use protocol::{Algorithm, Status, StatusTable, StatusTableError};
use serde::Deserialize;
use toml::Spanned;

use super::profile::{KeySource, Placed, Profile};
use crate::listener::program::ReplyProgram;
use crate::net::options::HeaderRule;
use crate::net::target::Target;
use crate::sender::schedule::{DEFAULT_WINDOW, RetrySchedule};
use crate::units::duration::parse_duration;

pub const MAX_FILE_BYTES: usize = 64 * 1024;

const MOST: usize = 64;

const MAX_NAME: usize = 64;

const TOP_SETTINGS: [&str; 2] = ["default_profile", "profile"];

pub const PROFILE_SETTINGS: [&str; 12] = [
    "key_env",
    "key_file",
    "key_command",
    "platform_id",
    "sign_type",
    "dialect",
    "url",
    "schedule",
    "timeout",
    "headers",
    "reply",
    "statuses",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pub problem: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

impl std::error::Error for SettingsError {}

#[derive(Debug, Default)]
pub struct SettingsFile {
    pub default_profile: Option<String>,
    pub profiles: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    default_profile: Option<Spanned<String>>,
    #[serde(default)]
    profile: BTreeMap<Spanned<String>, RawProfile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    key_env: Option<Spanned<String>>,
    key_file: Option<Spanned<String>>,
    key_command: Option<Spanned<Vec<String>>>,
    platform_id: Option<Spanned<String>>,
    sign_type: Option<Spanned<String>>,
    dialect: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    schedule: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    headers: Option<Spanned<Vec<String>>>,
    reply: Option<Spanned<String>>,
    statuses: Option<Spanned<BTreeMap<String, String>>>,
}

struct Wrong {
    problem: String,
    at: usize,
}

type Reading<T> = Result<T, Wrong>;

fn wrong<T>(span: &Range<usize>, problem: impl Into<String>) -> Reading<T> {
    Err(Wrong { problem: problem.into(), at: span.start })
}

/// The line and the column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, last_line.chars().count() + 1)
}

pub fn parse(text: &str) -> Result<SettingsFile, SettingsError> {
    read(text).map_err(|Wrong { problem, at }| {
        let (line, column) = place(text, at);
        SettingsError { problem, line, column }
    })
}

fn read(text: &str) -> Reading<SettingsFile> {
    if text.len() > MAX_FILE_BYTES {
        return wrong(&(0..0), format!("it is longer than {MAX_FILE_BYTES} bytes"));
    }
    let file: RawFile = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        let found = text.get(span.clone()).unwrap_or_default();
        Wrong { problem: explain(&error, found), at: span.start }
    })?;
    let mut profiles = BTreeMap::new();
    for (name, raw) in file.profile {
        let span = name.span();
        let name = name.into_inner();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_plain) {
            let form = format!("a profile's name has 1 to {MAX_NAME} of a-z, 0-9, '-', '_', '.'");
            return wrong(&span, form);
        }
        if profiles.len() == MOST {
            return wrong(&span, format!("a file has at most {MOST} profiles"));
        }
        let profile = Reader { text }.profile(raw)?;
        profiles.insert(name, profile);
    }
    let default_profile = match file.default_profile {
        None => None,
        Some(name) if profiles.contains_key(name.get_ref()) => Some(name.into_inner()),
        Some(name) => {
            let near = nearest(name.get_ref(), profiles.keys().map(String::as_str));
            let end = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            let problem = format!("there is no profile {:?}{end}", name.get_ref());
            return wrong(&name.span(), problem);
        }
    };
    Ok(SettingsFile { default_profile, profiles })
}

fn explain(error: &toml::de::Error, found: &str) -> String {
    let message = error.message().lines().next().unwrap_or("it is no TOML");
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    let name = found.trim_matches(['"', '\'', '[', ']', ' ']);
    let name = name.rsplit('.').next().unwrap_or(name);
    if PROFILE_SETTINGS.contains(&name) {
        return format!("the setting {name} belongs into a [profile.NAME] table");
    }
    if TOP_SETTINGS.contains(&name) {
        return format!("the setting {name} stands above the first [profile.NAME] table");
    }
    match nearest(name, PROFILE_SETTINGS.into_iter().chain(TOP_SETTINGS)) {
        Some(known) => format!("there is no setting {name:?}; did you mean {known}?"),
        None => format!("there is no setting {name:?}"),
    }
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn profile(&self, raw: RawProfile) -> Reading<Profile> {
        Ok(Profile {
            key: self.key(raw.key_env, raw.key_file, raw.key_command)?,
            platform_id: self.checked(raw.platform_id, not_empty)?,
            sign_type: self.checked(raw.sign_type, |text| {
                let names = || [Algorithm::Md5, Algorithm::HmacSha256, Algorithm::Sha256];
                text.parse().map_err(|_| near_or(text, names().map(Algorithm::id)))
            })?,
            dialect: self.checked(raw.dialect, not_empty)?,
            url: self.checked(raw.url, |url| {
                Target::parse(url).map(|_| url.to_owned()).map_err(|error| error.to_string())
            })?,
            schedule: self.checked(raw.schedule, |text| {
                let parsed = RetrySchedule::parse(text, None, DEFAULT_WINDOW);
                parsed.map(|_| text.to_owned()).map_err(|error| error.to_string())
            })?,
            timeout: self.checked(raw.timeout, |text| match parse_duration(text) {
                Ok(time) if time.is_zero() => Err("it must be longer than nothing".to_owned()),
                Ok(time) => Ok(time),
                Err(error) => Err(error.to_string()),
            })?,
            headers: self.headers(raw.headers)?,
            reply: self.checked(raw.reply, |text| {
                let parsed = ReplyProgram::parse(text).map_err(|error| error.to_string());
                parsed.map(|_| text.to_owned())
            })?,
            statuses: self.statuses(raw.statuses)?,
        })
    }

    fn placed<T>(&self, span: &Range<usize>, value: T) -> Placed<T> {
        let (line, column) = place(self.text, span.start);
        Placed { value, line, column }
    }

    fn checked<T>(
        &self,
        raw: Option<Spanned<String>>,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Reading<Option<Placed<T>>> {
        let Some(raw) = raw else { return Ok(None) };
        match check(raw.get_ref()) {
            Ok(value) => Ok(Some(self.placed(&raw.span(), value))),
            Err(problem) => wrong(&raw.span(), problem),
        }
    }

    fn key(
        &self,
        variable: Option<Spanned<String>>,
        file: Option<Spanned<String>>,
        command: Option<Spanned<Vec<String>>>,
    ) -> Reading<Option<Placed<KeySource>>> {
        let mut found: Vec<(Range<usize>, KeySource)> = Vec::new();
        if let Some(variable) = variable {
            let name = variable.get_ref();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return wrong(&variable.span(), "key_env is the name of an environment variable");
            }
            found.push((variable.span(), KeySource::Variable(variable.into_inner())));
        }
        if let Some(file) = file {
            if file.get_ref().is_empty() {
                return wrong(&file.span(), "key_file is the path of a file");
            }
            found.push((file.span(), KeySource::File(file.get_ref().into())));
        }
        if let Some(command) = command {
            let argv = command.get_ref();
            let has_program = argv.first().is_some_and(|program| !program.is_empty());
            if !has_program || argv.len() > MOST || argv.iter().any(|word| word.contains('\0')) {
                let form = "key_command is a list: the program, then its arguments";
                return wrong(&command.span(), form);
            }
            found.push((command.span(), KeySource::Command(argv.clone())));
        }
        // The later one is the one too many, wherever its name stands in the alphabet.
        found.sort_by_key(|(span, _)| span.start);
        if let Some((span, _)) = found.get(1) {
            return wrong(span, "a profile has one of key_env, key_file and key_command");
        }
        Ok(found.pop().map(|(span, source)| self.placed(&span, source)))
    }

    fn headers(&self, raw: Option<Spanned<Vec<String>>>) -> Reading<Option<Placed<Vec<String>>>> {
        let Some(raw) = raw else { return Ok(None) };
        if raw.get_ref().len() > MOST {
            return wrong(&raw.span(), format!("a profile has at most {MOST} headers"));
        }
        for header in raw.get_ref() {
            if let Err(error) = HeaderRule::parse(header) {
                return wrong(&raw.span(), format!("a header cannot be sent: {error}"));
            }
        }
        Ok(Some(self.placed(&raw.span(), raw.get_ref().clone())))
    }

    fn statuses(
        &self,
        raw: Option<Spanned<BTreeMap<String, String>>>,
    ) -> Reading<Option<Placed<StatusTable>>> {
        let Some(raw) = raw else { return Ok(None) };
        if raw.get_ref().len() > MOST {
            return wrong(&raw.span(), format!("a profile names at most {MOST} statuses"));
        }
        let mut numbers = Vec::new();
        for (number, name) in raw.get_ref() {
            let Ok(code) = number.parse::<u8>() else {
                let form = format!("{number:?} is no status number (0 to 255)");
                return wrong(&raw.span(), form);
            };
            numbers.push((code, name.as_str()));
        }
        match StatusTable::try_new(numbers) {
            Ok(table) => Ok(Some(self.placed(&raw.span(), table))),
            Err(StatusTableError::UnknownName(name)) => {
                wrong(&raw.span(), near_or(&name, Status::payout_names()))
            }
            Err(error) => wrong(&raw.span(), error.to_string()),
        }
    }
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn near_or<const N: usize>(text: &str, names: [&'static str; N]) -> String {
    match nearest(text, names) {
        Some(near) => format!("{text:?} is unknown; did you mean {near:?}?"),
        None => format!("{text:?} is unknown; {} is wanted", names.join(" or ")),
    }
}

#[cfg(test)]
mod tests;
