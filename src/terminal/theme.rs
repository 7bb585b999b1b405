//! How a role looks; the only file that names the colour library.

use colored::Color;
use console::Term;

use crate::report::line::Role;
use crate::settings::{ColorMode, Environment};

const BOLD: &str = "1";
const FAINT: &str = "2";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    Terminal,
    Other,
}

/// Each stream has its own: the library would ask stdout alone and keep the answer for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Plain,
    Colored,
}

/// Whether a terminal here takes escape sequences. Windows' console does from when it is asked, and not
/// before Windows 10; of other systems' the environment says it.
pub fn takes_sequences() -> bool {
    let mut streams = [Term::stdout(), Term::stderr()].into_iter();
    !cfg!(windows) || streams.any(|stream| stream.features().colors_supported())
}

impl Theme {
    pub fn choose(mode: ColorMode, device: Device, environment: &Environment) -> Self {
        match (mode, device) {
            (ColorMode::Always, _) => Theme::Colored,
            (ColorMode::Never, _) | (ColorMode::Auto, Device::Other) => Theme::Plain,
            (ColorMode::Auto, Device::Terminal) => {
                if environment.no_color || environment.dumb_terminal {
                    Theme::Plain
                } else {
                    Theme::Colored
                }
            }
        }
    }

    /// Adds `text` to `out` in the look of its role.
    ///
    /// The text must be sanitized: an escape sequence in it would end the look early.
    pub fn paint(self, role: Role, text: &str, out: &mut String) {
        let code = match self {
            Theme::Colored if !text.is_empty() => code(role),
            _ => String::new(),
        };
        if code.is_empty() {
            out.push_str(text);
            return;
        }
        for part in ["\x1b[", code.as_str(), "m", text, "\x1b[0m"] {
            out.push_str(part);
        }
    }
}

/// The parameters of the ANSI sequence (SGR) for a role; empty for ordinary text.
///
/// The library's own styled strings ask its global state, so only its names of colours serve here.
fn code(role: Role) -> String {
    let bold = |color: Color| format!("{BOLD};{}", color.to_fg_str());
    match role {
        Role::Plain => String::new(),
        Role::Dim => FAINT.to_owned(),
        Role::Strong => BOLD.to_owned(),
        Role::Good => bold(Color::Green),
        Role::Bad => bold(Color::Red),
        Role::Warn => bold(Color::Yellow),
        Role::Accent => Color::Cyan.to_fg_str().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(theme: Theme, role: Role, text: &str) -> String {
        let mut out = String::new();
        theme.paint(role, text, &mut out);
        out
    }

    #[test]
    fn the_flag_goes_before_the_environment() {
        let quiet = Environment { no_color: true, dumb_terminal: true, ..Environment::default() };
        for device in [Device::Terminal, Device::Other] {
            assert_eq!(Theme::choose(ColorMode::Always, device, &quiet), Theme::Colored);
            let open = Environment::default();
            assert_eq!(Theme::choose(ColorMode::Never, device, &open), Theme::Plain);
        }
    }

    #[test]
    fn auto_asks_the_stream_and_the_environment() {
        let choose = |device, no_color, dumb_terminal| {
            let environment = Environment { no_color, dumb_terminal, ..Environment::default() };
            Theme::choose(ColorMode::Auto, device, &environment)
        };
        assert_eq!(choose(Device::Terminal, false, false), Theme::Colored);
        assert_eq!(choose(Device::Terminal, true, false), Theme::Plain);
        assert_eq!(choose(Device::Terminal, false, true), Theme::Plain);
        assert_eq!(choose(Device::Other, false, false), Theme::Plain);
    }

    #[test]
    fn colours_do_not_depend_on_the_librarys_own_state() {
        assert_eq!(painted(Theme::Colored, Role::Good, "yes"), "\x1b[1;32myes\x1b[0m");
        assert_eq!(painted(Theme::Colored, Role::Dim, "12 ms"), "\x1b[2m12 ms\x1b[0m");
        assert_eq!(painted(Theme::Colored, Role::Accent, "url"), "\x1b[36murl\x1b[0m");
    }

    #[test]
    fn plain_and_empty_text_gets_no_sequence() {
        assert_eq!(painted(Theme::Plain, Role::Bad, "no"), "no");
        assert_eq!(painted(Theme::Colored, Role::Plain, "text"), "text");
        assert_eq!(painted(Theme::Colored, Role::Bad, ""), "");
    }
}
