//! What the surroundings of a run ask for; the only reader of the environment.
//!
//! A setting comes from a flag, else from the environment, else from a profile, else it is the
//! default.

pub mod file;
pub mod find;
pub mod profile;

use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "mcp")]
use std::io;
use std::path::PathBuf;

pub const KEY_VARIABLE: &str = "PAYOUT_NOTIFY_KEY";

pub const PROFILE_VARIABLE: &str = "PAYOUT_NOTIFY_PROFILE";

/// When the output has colours; the value of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorMode {
    /// Only on a terminal that can show them and is not asked to stay plain.
    #[default]
    Auto,
    /// Everywhere, whatever the environment says.
    Always,
    /// Nowhere.
    Never,
}

/// A kind of system, by where it keeps its users' files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Windows,
    MacOs,
    Xdg,
}

const SYSTEM: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_os = "macos") {
    System::MacOs
} else {
    System::Xdg
};

impl System {
    fn home_variable(self) -> &'static str {
        if self == System::Windows { "USERPROFILE" } else { "HOME" }
    }
}

/// What the environment variables say, read once.
///
/// Its `Debug` never shows the key.
#[derive(Default)]
pub struct Environment {
    /// The value of `PAYOUT_NOTIFY_KEY`, as it is; empty where it is set to nothing.
    pub key: Option<OsString>,
    /// `NO_COLOR` is set to anything but the empty text, as <https://no-color.org> asks.
    pub no_color: bool,
    pub dumb_terminal: bool,
    /// The folder for what outlives a run, as the system defines it; nothing where there is no home.
    ///
    /// `$XDG_STATE_HOME/payout-notify`, or below `~/.local/state`; on macOS below
    /// `~/Library/Application Support`; on Windows below `%LOCALAPPDATA%`.
    pub state_folder: Option<PathBuf>,
    /// The folder of the user's own settings file; nothing where there is no home.
    ///
    /// `$XDG_CONFIG_HOME/payout-notify`, or below `~/.config`; on macOS below
    /// `~/Library/Application Support`; on Windows below `%APPDATA%`.
    pub config_folder: Option<PathBuf>,
    pub profile: Option<String>,
    pub home: Option<PathBuf>,
    pub working_folder: Option<PathBuf>,
}

impl Environment {
    pub fn read() -> Self {
        let working_folder = std::env::current_dir().ok();
        Environment { working_folder, ..Self::from_lookup(variable) }
    }

    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        Self::of_system(SYSTEM, lookup)
    }

    fn of_system(system: System, lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        // A relative path would mean another folder in each run; the XDG rules ignore it too.
        let absolute =
            |name: &str| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute(system.home_variable());
        let own_folder = |on_windows, xdg, below_home| {
            let below = |folder| home.as_ref().map(|home| home.join(folder));
            let base = match system {
                System::Windows => absolute(on_windows),
                System::MacOs => below("Library/Application Support"),
                System::Xdg => absolute(xdg).or_else(|| below(below_home)),
            };
            base.map(|base| base.join("payout-notify"))
        };
        Environment {
            key: lookup(KEY_VARIABLE),
            no_color: lookup("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb_terminal: lookup("TERM").is_some_and(|value| value == "dumb"),
            state_folder: own_folder("LOCALAPPDATA", "XDG_STATE_HOME", ".local/state"),
            config_folder: own_folder("APPDATA", "XDG_CONFIG_HOME", ".config"),
            profile: lookup(PROFILE_VARIABLE).map(|name| name.to_string_lossy().into_owned()),
            home,
            working_folder: None,
        }
    }
}

pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

pub fn command_line() -> impl Iterator<Item = OsString> {
    std::env::args_os()
}

/// The file of this program.
#[cfg(feature = "mcp")]
pub fn program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|_| format_args!("[key]"));
        f.debug_struct("Environment")
            .field("key", &key)
            .field("no_color", &self.no_color)
            .field("dumb_terminal", &self.dumb_terminal)
            .field("state_folder", &self.state_folder)
            .field("config_folder", &self.config_folder)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::from_lookup(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
        })
    }

    #[test]
    fn nothing_set_asks_for_nothing() {
        let read = environment(&[]);
        assert!(read.key.is_none() && !read.no_color && !read.dumb_terminal);
    }

    #[test]
    fn every_variable_is_read() {
        let read = environment(&[(KEY_VARIABLE, " k\n"), ("NO_COLOR", "0"), ("TERM", "dumb")]);
        assert_eq!(read.key, Some(OsString::from(" k\n")));
        assert!(read.no_color && read.dumb_terminal);
    }

    #[test]
    fn an_empty_no_color_and_another_terminal_ask_for_nothing() {
        let read = environment(&[("NO_COLOR", ""), ("TERM", "xterm-256color")]);
        assert!(!read.no_color && !read.dumb_terminal);
    }

    #[cfg(unix)]
    #[test]
    fn each_system_has_its_own_folders() {
        let folders = |system, pairs: &[(&str, &str)]| {
            let lookup = |name: &str| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(*value))
            };
            let read = Environment::of_system(system, lookup);
            let text = |path: Option<PathBuf>| path.map(|path| path.to_str().unwrap().to_owned());
            [read.state_folder, read.config_folder, read.home].map(text)
        };
        let expected = |paths: [&str; 3]| paths.map(|path| Some(path.to_owned()));
        let xdg = |pairs| folders(System::Xdg, pairs);
        let state_and_home = [("XDG_STATE_HOME", "/s"), ("XDG_CONFIG_HOME", "/c"), ("HOME", "/h")];
        let own = ["/s/payout-notify", "/c/payout-notify", "/h"];
        assert_eq!(xdg(&state_and_home), expected(own));
        let below = ["/h/.local/state/payout-notify", "/h/.config/payout-notify", "/h"];
        assert_eq!(xdg(&[("HOME", "/h")]), expected(below));
        assert_eq!(xdg(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]), expected(below));
        assert_eq!(xdg(&[("XDG_STATE_HOME", ""), ("HOME", "")]), [None, None, None]);
        let library = "/h/Library/Application Support/payout-notify";
        assert_eq!(folders(System::MacOs, &state_and_home), expected([library, library, "/h"]));
        // Shells that come from Unix set HOME on Windows too: it is not the user's folder there.
        let profile =
            [("LOCALAPPDATA", "/l"), ("APPDATA", "/r"), ("USERPROFILE", "/u"), ("HOME", "/h")];
        let windows = ["/l/payout-notify", "/r/payout-notify", "/u"];
        assert_eq!(folders(System::Windows, &profile), expected(windows));
        assert_eq!(folders(System::Windows, &[("HOME", "/h")]), [None, None, None]);
    }

    #[test]
    fn debug_never_shows_the_key() {
        let shown = format!("{:?}", environment(&[(KEY_VARIABLE, "hunter22")]));
        assert!(!shown.contains("hunter22"), "{shown}");
        assert!(shown.contains("Some([key])"), "{shown}");
    }

    #[test]
    fn the_modes_have_the_names_of_the_flag() {
        let names: Vec<_> = ColorMode::value_variants()
            .iter()
            .filter_map(|mode| mode.to_possible_value())
            .map(|value| value.get_name().to_owned())
            .collect();
        assert_eq!(names, ["auto", "always", "never"]);
        assert_eq!(ColorMode::default(), ColorMode::Auto);
    }
}
