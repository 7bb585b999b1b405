//! `config profiles`: what --profile can name.

use crate::commands::CommandResult;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::line::Line;
use crate::settings::Environment;
use crate::settings::find;
use crate::terminal::Console;

pub(super) fn run(environment: &Environment, console: &mut Console) -> CommandResult {
    let files = find::files(environment)?;
    let mut names: Vec<&str> = Vec::new();
    for name in files.iter().flat_map(|found| found.file.profiles.keys()) {
        // Of two profiles with one name the nearer holds.
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    for name in names {
        console.answer(&Line::new().plain(name.to_owned())).map_err(CommandError::output)?;
    }
    Ok(Exit::Yes)
}
