//! The options that a check was started with, for the command that runs one of its cases again.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use crate::check::report::RunOption;
use crate::mask::Untrusted;

/// Options that do not change what is sent, how it is judged, or how the endpoint is reached; and
/// the key, which is never printed. The URL and the case's name are in the command anyway.
const LEFT_OUT: [&str; 9] =
    ["url", "only", "skip", "list", "format", "report", "bundle", "color", "key"];

#[derive(Clone, Debug, Default)]
pub struct Given(Vec<RunOption>);

impl Given {
    /// The options, without the key.
    pub(super) fn options(&self) -> Vec<RunOption> {
        let mut options = self.0.clone();
        for value in options.iter_mut().filter_map(|option| option.value.as_mut()) {
            *value = Untrusted::new(&*value).to_string();
        }
        options
    }

    fn read(matches: &ArgMatches) -> Given {
        let mut options = Vec::new();
        for id in matches.ids().map(clap::Id::as_str) {
            let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
            // Groups of options have an id too; they begin with a capital letter.
            let is_option = id.starts_with(|first: char| first.is_ascii_lowercase());
            if !is_given || !is_option || LEFT_OUT.contains(&id) {
                continue;
            }
            let name = format!("--{}", id.replace('_', "-"));
            if let Ok(Some(is_on)) = matches.try_get_one::<bool>(id) {
                options.extend(is_on.then_some(RunOption { name, value: None }));
                continue;
            }
            for value in matches.try_get_raw(id).ok().flatten().into_iter().flatten() {
                let value = Some(value.to_string_lossy().into_owned());
                options.push(RunOption { name: name.clone(), value });
            }
        }
        Given(options)
    }
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Given::read(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Given::read(matches);
        Ok(())
    }
}

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
