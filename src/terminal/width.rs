//! How wide the terminal is that an answer goes to.

use console::Term;

use super::theme::Device;
use crate::report::line::Width;

/// The width of stdout, which leads to `device`; what is not a terminal, or does not report its width,
/// takes lines of any length.
pub fn of_stdout(device: Device) -> Width {
    match device {
        Device::Terminal => Term::stdout()
            .size_checked()
            .map_or(Width::Endless, |(_, columns)| Width::Columns(usize::from(columns))),
        Device::Other => Width::Endless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_terminal_takes_lines_of_any_length() {
        assert_eq!(of_stdout(Device::Other), Width::Endless);
    }
}
