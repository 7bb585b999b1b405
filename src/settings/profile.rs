//! A profile: named settings that apply where neither a flag nor the environment says otherwise.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use protocol::internal::untrusted::Untrusted;
use protocol::{Algorithm, StatusTable};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    pub value: T,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Where a profile's key comes from; never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    Variable(String),
    /// The current key's file, and those of the keys that are accepted besides.
    Files(Vec<PathBuf>),
    /// What a program prints: the program and its arguments, without a shell.
    Command(Vec<String>),
}

/// The settings of one profile; what is absent is as without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub key: Option<Placed<KeySource>>,
    pub platform_id: Option<Placed<String>>,
    pub sign_type: Option<Placed<Algorithm>>,
    pub dialect: Option<Placed<String>>,
    pub url: Option<Placed<String>>,
    pub schedule: Option<Placed<String>>,
    pub timeout: Option<Placed<Duration>>,
    pub headers: Option<Placed<Vec<String>>>,
    pub reply: Option<Placed<String>>,
    pub statuses: Option<Placed<StatusTable>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The project's: it may have come with a cloned repository.
    Project,
    User,
}

impl Owner {
    pub fn name(self) -> &'static str {
        match self {
            Owner::Project => "project",
            Owner::User => "user",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub name: String,
    /// The flag, the variable or the setting that names it.
    pub named_by: &'static str,
    pub file: PathBuf,
    pub owner: Owner,
    pub profile: Profile,
}

const USERS_ONLY: &str = "a project's file may have come from others";

pub fn is_file(dialect: &str) -> bool {
    dialect.contains(['/', '\\']) || Path::new(dialect).extension().is_some_and(|end| end == "toml")
}

fn placed_below(folder: &Path, path: &Path, owner: Owner) -> Result<PathBuf, String> {
    let whole = folder.join(path);
    if owner == Owner::User {
        return Ok(whole);
    }
    let outside = || format!("{} is outside the project; {USERS_ONLY}", Untrusted::path(&path));
    if path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    // A link below the project can lead out of it; a file that is not there leads nowhere.
    match (whole.canonicalize(), folder.canonicalize()) {
        (Ok(real), Ok(folder)) if !real.starts_with(&folder) => Err(outside()),
        _ => Ok(whole),
    }
}

impl Profile {
    /// The same profile with its paths counted from the file's folder, if its owner may have it.
    ///
    /// A project's file may have come with a repository from others. So it names no program to
    /// run, reads no file outside its folder, and takes the key only from a variable whose name
    /// begins with `PAYOUT_`: else it could send another secret's digest to a URL of its own.
    pub fn settle(mut self, folder: &Path, owner: Owner) -> Result<Profile, Placed<String>> {
        let is_project = owner == Owner::Project;
        if let Some(key) = &mut self.key {
            let refuse = |value| Placed { value, line: key.line, column: key.column };
            match &mut key.value {
                KeySource::Variable(name) if is_project && !name.starts_with("PAYOUT_") => {
                    let rule = "in a project's file key_env begins with PAYOUT_";
                    return Err(refuse(format!("{rule}; {USERS_ONLY}")));
                }
                KeySource::Command(_) if is_project => {
                    let rule = "key_command is allowed only in the user's own file";
                    return Err(refuse(format!("{rule}; {USERS_ONLY}")));
                }
                KeySource::Files(paths) => {
                    for path in paths {
                        *path = placed_below(folder, path, owner).map_err(refuse)?;
                    }
                }
                // A bare name is looked up on the PATH.
                KeySource::Command(argv) if argv[0].contains(std::path::is_separator) => {
                    argv[0] = folder.join(&argv[0]).to_string_lossy().into_owned();
                }
                KeySource::Variable(_) | KeySource::Command(_) => {}
            }
        }
        if let Some(dialect) = self.dialect.as_mut().filter(|dialect| is_file(&dialect.value)) {
            let (line, column) = (dialect.line, dialect.column);
            let whole = placed_below(folder, Path::new(&dialect.value), owner)
                .map_err(|value| Placed { value, line, column })?;
            dialect.value = whole.to_string_lossy().into_owned();
        }
        Ok(self)
    }
}
