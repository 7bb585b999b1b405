//! `--inbox`: where the inbox is, and its errors for a person.

use std::path::PathBuf;
use std::time::Duration;

use crate::delivery::schedule::{MAX_DURATION, parse_duration};
use crate::error::CommandError;
use crate::settings::Environment;
use crate::store::{StoreError, Trouble};

/// Where the inbox is.
#[derive(clap::Args)]
pub struct InboxArgs {
    /// The inbox [default: inbox.db in the user's state folder].
    #[arg(long, value_name = "FILE", global = true)]
    pub inbox: Option<PathBuf>,
}

impl InboxArgs {
    /// The file that the flag names, else the usual one.
    ///
    /// # Errors
    /// No flag and no home folder (usage).
    pub fn path(&self, environment: &Environment) -> Result<PathBuf, CommandError> {
        let usual = || environment.state_folder.as_ref().map(|folder| folder.join("inbox.db"));
        self.inbox.clone().or_else(usual).ok_or_else(|| {
            CommandError::usage("there is no folder for the inbox: no home is set")
                .hint("name a file with --inbox FILE")
        })
    }
}

/// The error that the inbox cannot be used, with the store's own hint.
#[must_use]
pub fn refused(error: StoreError) -> CommandError {
    let hint = error.hint();
    let kind = match error.trouble {
        Trouble::Missing
        | Trouble::Foreign
        | Trouble::Newer
        | Trouble::Corrupt
        | Trouble::NotAFile
        | Trouble::Leftover => CommandError::input,
        _ => CommandError::environment,
    };
    kind("the inbox cannot be used".to_owned()).because(error).hint(hint)
}

/// A duration that may be in days, such as `7d`: so long are callbacks kept.
///
/// # Errors
/// Anything else, and more than 366 days.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 3600;
    let Some(days) = text.strip_suffix('d') else {
        return parse_duration(text).map_err(|error| error.to_string());
    };
    let days: u64 =
        days.parse().map_err(|_| "a duration such as 7d or 12h is wanted".to_owned())?;
    let age = Duration::from_secs(days.saturating_mul(DAY));
    if age > MAX_DURATION { Err("at most 366d".to_owned()) } else { Ok(age) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_may_be_in_days() {
        assert_eq!(parse_age("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_age("10m"), Ok(Duration::from_secs(600)));
        for text in ["", "d", "-1d", "1.5d", "367d", "99999999999999999999d", "7w"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }
}
