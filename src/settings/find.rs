//! Where settings files are, and which profile of them applies.

use std::fs::{self};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use protocol::internal::nearest::nearest;

use super::file::{self, MAX_FILE_BYTES, SettingsFile};
use super::profile::{Chosen, Owner};
use super::{Environment, PROFILE_VARIABLE};
use crate::error::{CommandError, ErrorPlace};
use crate::files;
use protocol::internal::toml_span::PlacedError;
use protocol::internal::untrusted::Untrusted;

pub const FILE_NAME: &str = "payout-notify.toml";

/// The most folders that are looked into upwards: deeper than any project.
const MOST_FOLDERS: usize = 64;

#[derive(Debug)]
pub struct FoundFile {
    pub path: PathBuf,
    pub owner: Owner,
    pub file: SettingsFile,
}

/// The settings files of this run, the nearest first.
///
/// The project's is in the current folder, or in a parent up to the root of the repository (the
/// folder with `.git`). Without a repository no parent is looked at: on a shared machine a folder
/// above can be anyone's. The home folder is no project.
pub fn files(environment: &Environment) -> Result<Vec<FoundFile>, CommandError> {
    let mut found = Vec::new();
    if let Some(path) = project_file(environment) {
        found.push(read(path, Owner::Project)?);
    }
    if let Some(path) = user_file(environment).filter(|path| exists(path)) {
        found.push(read(path, Owner::User)?);
    }
    Ok(found)
}

pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    environment.config_folder.as_ref().map(|folder| folder.join(FILE_NAME))
}

fn project_file(environment: &Environment) -> Option<PathBuf> {
    let start = environment.working_folder.as_deref()?;
    let home = environment.home.as_deref();
    let project =
        || start.ancestors().take(MOST_FOLDERS).take_while(|folder| Some(*folder) != home);
    // The root first: without one there are no parents to look into, and most runs have no file.
    let parents = project().position(|folder| exists(&folder.join(".git"))).unwrap_or(0);
    project().take(parents + 1).map(|folder| folder.join(FILE_NAME)).find(|path| exists(path))
}

/// Whether there is anything of this name: what cannot be looked at is told when it is opened.
fn exists(path: &Path) -> bool {
    !matches!(fs::symlink_metadata(path), Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn read(path: PathBuf, owner: Owner) -> Result<FoundFile, CommandError> {
    let name = Untrusted::path(&path);
    let cannot = |error: std::io::Error| {
        CommandError::usage(format!("cannot read the settings file {name}")).because(error)
    };
    let bytes = files::read_bounded(&path, MAX_FILE_BYTES as u64).map_err(cannot)?;
    let unusable = || CommandError::usage(format!("the settings file {name} cannot be used"));
    let text = String::from_utf8(bytes).map_err(|error| unusable().because(error))?;
    let unusable_at = |error: PlacedError| {
        let (line, column) = (Some(error.line as u64), Some(error.column));
        unusable().because(error).at(ErrorPlace { line, column, member: None })
    };
    let mut file = file::parse(&text).map_err(unusable_at)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for profile in file.profiles.values_mut() {
        *profile = std::mem::take(profile).settle(folder, owner).map_err(|refused| {
            let (problem, line, column) = (refused.value, refused.line, refused.column);
            let own = unusable_at(PlacedError { problem, line, column });
            own.hint(format!("move the profile into your own {FILE_NAME}, which `payout-notify config show` names"))
        })?;
    }
    Ok(FoundFile { path, owner, file })
}

pub fn choose(
    files: &[FoundFile],
    flag: Option<&str>,
    environment: &Environment,
) -> Result<Option<Chosen>, CommandError> {
    let variable = environment.profile.as_deref().filter(|name| !name.is_empty());
    let named = flag.map(|name| (name, "--profile"));
    let named = named.or(variable.map(|name| (name, PROFILE_VARIABLE)));
    let chosen = |found: &FoundFile, name: &str, named_by| {
        found.file.profiles.get(name).map(|profile| Chosen {
            name: name.to_owned(),
            named_by,
            file: found.path.clone(),
            owner: found.owner,
            profile: profile.clone(),
        })
    };
    let Some((name, named_by)) = named else {
        let default = |found: &FoundFile| {
            chosen(found, found.file.default_profile.as_deref()?, "default_profile")
        };
        return Ok(files.iter().find_map(default));
    };
    if let Some(chosen) = files.iter().find_map(|found| chosen(found, name, named_by)) {
        return Ok(Some(chosen));
    }
    let known = || files.iter().flat_map(|found| found.file.profiles.keys().map(String::as_str));
    let error = CommandError::usage(format!("there is no profile {:?}", Untrusted::new(&name)));
    Err(match (nearest(name, known()), known().next()) {
        (Some(near), _) => error.hint(format!("did you mean {}?", Untrusted::new(&near))),
        (None, Some(_)) => {
            let names = Untrusted::new(known().collect::<Vec<_>>().join(", "));
            error.hint(format!("there is {names}"))
        }
        (None, None) => error.hint("`payout-notify config init` writes a file with one"),
    })
}

pub fn load(flag: Option<&str>, environment: &Environment) -> Result<Option<Chosen>, CommandError> {
    choose(&files(environment)?, flag, environment)
}

#[cfg(test)]
mod tests;
