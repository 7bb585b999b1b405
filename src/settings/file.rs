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
use std::ops::Range;
use std::path::PathBuf;

use protocol::internal::nearest::{did_you_mean, unknown};
use protocol::{Algorithm, Status, StatusTable, StatusTableError};
use serde::Deserialize;
use toml::Spanned;

use super::profile::{KeySource, Placed, Profile};
use crate::net::options::HeaderRule;
use crate::net::target::Target;
use crate::receiver::replies::ReplyProgram;
use crate::sender::schedule::{DEFAULT_WINDOW, RetrySchedule};
use crate::units::duration::parse_duration;
use protocol::internal::toml_span::{self, PlacedError, SpannedResult, place, wrong};
use protocol::internal::untrusted::Untrusted;

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
    key_file: Option<Spanned<OneOrMore>>,
    key_command: Option<Spanned<Vec<String>>>,
    platform_id: Option<Spanned<String>>,
    sign_type: Option<Spanned<String>>,
    dialect: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    schedule: Option<Spanned<String>>,
    timeout: Option<Spanned<RawDuration>>,
    headers: Option<Spanned<Vec<String>>>,
    reply: Option<Spanned<String>>,
    statuses: Option<Spanned<BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a path or a list of paths was expected")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A duration in quotes, or a bare number of seconds.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a duration such as \"10s\", or a number of seconds")]
enum RawDuration {
    Text(String),
    Seconds(u64),
}

impl RawDuration {
    fn text(&self) -> String {
        match self {
            RawDuration::Text(text) => text.clone(),
            RawDuration::Seconds(seconds) => seconds.to_string(),
        }
    }
}

pub fn parse(text: &str) -> Result<SettingsFile, PlacedError> {
    read(text).map_err(|error| error.placed(text))
}

fn read(text: &str) -> SpannedResult<SettingsFile> {
    let tables = [
        (&PROFILE_SETTINGS[..], "must be inside a [profile.NAME] table"),
        (&TOP_SETTINGS[..], "must be above the first [profile.NAME] table"),
    ];
    let file: RawFile = toml_span::read(text, MAX_FILE_BYTES, &tables)?;
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
        let profile = ProfileReader { text }.profile(raw)?;
        profiles.insert(name, profile);
    }
    let default_profile = match file.default_profile {
        None => None,
        Some(name) if profiles.contains_key(name.get_ref()) => Some(name.into_inner()),
        Some(name) => {
            let near = did_you_mean(name.get_ref(), profiles.keys().map(String::as_str));
            let problem = format!("there is no profile {:?}{near}", Untrusted::new(name.get_ref()));
            return wrong(&name.span(), problem);
        }
    };
    Ok(SettingsFile { default_profile, profiles })
}

struct ProfileReader<'t> {
    text: &'t str,
}

impl ProfileReader<'_> {
    fn profile(&self, raw: RawProfile) -> SpannedResult<Profile> {
        Ok(Profile {
            key: self.key(raw.key_env, raw.key_file, raw.key_command)?,
            platform_id: self.checked(raw.platform_id, |text| not_empty(text))?,
            sign_type: self.checked(raw.sign_type, |text| {
                let names = || [Algorithm::Md5, Algorithm::HmacSha256, Algorithm::Sha256];
                text.parse().map_err(|_| unknown(text, names().map(Algorithm::id)))
            })?,
            dialect: self.checked(raw.dialect, |text| not_empty(text))?,
            url: self.checked(raw.url, |url| {
                Target::parse(url).map(|_| url.to_owned()).map_err(|error| error.to_string())
            })?,
            schedule: self.checked(raw.schedule, |text| {
                let parsed = RetrySchedule::parse(text, None, DEFAULT_WINDOW);
                parsed.map(|_| text.to_owned()).map_err(|error| error.to_string())
            })?,
            timeout: self.checked(raw.timeout, |raw| match parse_duration(&raw.text()) {
                Ok(time) if time.is_zero() => Err("it must be longer than nothing".to_owned()),
                Ok(time) => Ok(time),
                Err(error) => Err(error.to_string()),
            })?,
            headers: self.checked(raw.headers, headers)?,
            reply: self.checked(raw.reply, |text| {
                let parsed = ReplyProgram::parse(text).map_err(|error| error.to_string());
                parsed.map(|_| text.to_owned())
            })?,
            statuses: self.checked(raw.statuses, statuses)?,
        })
    }

    fn checked<R, T>(
        &self,
        raw: Option<Spanned<R>>,
        check: impl FnOnce(&R) -> Result<T, String>,
    ) -> SpannedResult<Option<Placed<T>>> {
        let Some(raw) = raw else { return Ok(None) };
        let (line, column) = place(self.text, raw.span().start);
        match check(raw.get_ref()) {
            Ok(value) => Ok(Some(Placed { value, line, column })),
            Err(problem) => wrong(&raw.span(), problem),
        }
    }

    fn key(
        &self,
        variable: Option<Spanned<String>>,
        file: Option<Spanned<OneOrMore>>,
        command: Option<Spanned<Vec<String>>>,
    ) -> SpannedResult<Option<Placed<KeySource>>> {
        let spans = [
            variable.as_ref().map(Spanned::span),
            file.as_ref().map(Spanned::span),
            command.as_ref().map(Spanned::span),
        ];
        let variable = self.checked(variable, |name| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            match !name.is_empty() && name.chars().all(is_name) {
                true => Ok(KeySource::Variable(name.clone())),
                false => Err("key_env is the name of an environment variable".to_owned()),
            }
        })?;
        let file = self.checked(file, |files| {
            let paths = match files {
                OneOrMore::One(path) => std::slice::from_ref(path),
                OneOrMore::More(paths) => paths,
            };
            if paths.is_empty() || paths.iter().any(String::is_empty) {
                return Err("key_file is the path of a file, or a list of paths".to_owned());
            }
            Ok(KeySource::Files(paths.iter().map(PathBuf::from).collect()))
        })?;
        let command = self.checked(command, |argv| {
            let has_program = argv.first().is_some_and(|program| !program.is_empty());
            if !has_program || argv.len() > MOST || argv.iter().any(|word| word.contains('\0')) {
                return Err("key_command is a list: the program, then its arguments".to_owned());
            }
            Ok(KeySource::Command(argv.clone()))
        })?;
        // The later one is the one too many, wherever its name is in the alphabet.
        let mut spans: Vec<Range<usize>> = spans.into_iter().flatten().collect();
        spans.sort_by_key(|span| span.start);
        match spans.get(1) {
            Some(span) => wrong(span, "a profile has one of key_env, key_file and key_command"),
            None => Ok(variable.or(file).or(command)),
        }
    }
}

fn headers(headers: &Vec<String>) -> Result<Vec<String>, String> {
    if headers.len() > MOST {
        return Err(format!("a profile has at most {MOST} headers"));
    }
    for header in headers {
        HeaderRule::parse(header).map_err(|error| format!("a header cannot be sent: {error}"))?;
    }
    Ok(headers.clone())
}

fn statuses(names: &BTreeMap<String, String>) -> Result<StatusTable, String> {
    if names.len() > MOST {
        return Err(format!("a profile names at most {MOST} statuses"));
    }
    let mut numbers = Vec::new();
    for (number, name) in names {
        let code: u8 = number.parse().map_err(|_| {
            format!("{:?} is not a status number (0 to 255)", Untrusted::new(&number))
        })?;
        numbers.push((code, name.as_str()));
    }
    StatusTable::try_new(numbers).map_err(|error| match error {
        StatusTableError::UnknownName(name) => unknown(&name, Status::payout_names()),
        error => error.to_string(),
    })
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests;
