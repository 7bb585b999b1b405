//! `--inbox`: where the inbox is, and its errors for a person.

use std::path::PathBuf;

use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::report::redact::{FieldRedactor, parse_field};
use crate::settings::Environment;
use crate::store::{StoreError, Trouble};
use crate::terminal::Console;

/// Where the inbox is.
#[derive(clap::Args)]
pub struct InboxArgs {
    /// The inbox [default: inbox.db in the user's state folder]; a link is followed only if it is your
    /// own and leads to a file.
    #[arg(long, value_name = "FILE", global = true, help_heading = "Inbox")]
    pub inbox: Option<PathBuf>,
}

impl InboxArgs {
    pub fn path(&self, environment: &Environment) -> Result<PathBuf, CommandError> {
        let usual = || environment.state_folder.as_ref().map(|folder| folder.join("inbox.db"));
        self.inbox.clone().or_else(usual).ok_or_else(|| {
            CommandError::usage("there is no folder for the inbox: no home is set")
                .hint("name a file with --inbox FILE")
        })
    }
}

/// What is left out of what is shown.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RedactArgs {
    /// Replace the values of this field by [redacted], in all that is shown: a field of the body or
    /// the query, or a header. Several are separated by commas, or given one by one.
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = parse_field)]
    pub redact: Vec<String>,
}

impl RedactArgs {
    pub fn redactor(&self) -> FieldRedactor {
        FieldRedactor::new(&self.redact)
    }
}

/// Warns of fields that nothing had: their values may be there under another name.
pub fn warn_of_missing(redactor: &FieldRedactor, what: &str, console: &mut Console) {
    for field in redactor.missing() {
        let field = Untrusted::new(&field).to_string();
        console.warning(&format!("no {what} has the field {field:?}: nothing was redacted for it"));
    }
}

pub fn refused(error: StoreError) -> CommandError {
    let hint = error.hint();
    let kind = match error.trouble {
        Trouble::Missing
        | Trouble::Foreign
        | Trouble::Newer
        | Trouble::Corrupt
        | Trouble::NotAFile
        | Trouble::Leftover
        | Trouble::LogLost => CommandError::input,
        _ => CommandError::environment,
    };
    kind("the inbox cannot be used".to_owned()).because(error).hint(hint)
}
