//! How wide the terminal is that a line goes to.

use console::Term;

use super::theme::Device;
use crate::report::line::Width;

/// The width of stdout, which leads to `device`; what is not a terminal, or does not report its width,
/// takes lines of any length.
pub fn of_stdout(device: Device) -> Width {
    width_of(device, Term::stdout)
}

/// The width of stderr, by the same rule.
pub fn of_stderr(device: Device) -> Width {
    width_of(device, Term::stderr)
}

fn width_of(device: Device, term: fn() -> Term) -> Width {
    let size = (device == Device::Terminal).then(|| term().size_checked()).flatten();
    size.map_or(Width::Endless, |(_, columns)| Width::Columns(usize::from(columns)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_terminal_takes_lines_of_any_length() {
        assert_eq!(of_stdout(Device::Other), Width::Endless);
    }
}
