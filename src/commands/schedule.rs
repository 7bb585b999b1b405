//! `schedule`: when a platform tries, as a table and as a drawing.

use std::time::Duration;

use super::CommandResult;
use super::args::Format;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::line::Line;
use crate::report::timeline;
use crate::sender::schedule::{DEFAULT_WINDOW, PRESETS, RetrySchedule, parse_duration};
use crate::terminal::Console;

/// Show when the attempts of a retry schedule are planned.
///
/// Without a name it draws every preset.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify schedule 15s,30s,5m --window 10m")]
pub struct Args {
    /// A preset (backoff, even, ten-in-total) or a list such as 15s,30s,5m.
    #[arg(value_name = "NAME|LIST")]
    pub schedule: Option<String>,
    /// How many retries may follow the first notification [default: 10].
    #[arg(long, value_name = "N", requires = "schedule")]
    pub retries: Option<usize>,
    /// The time after the order's completion in which the platform tries [default: 1h].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "schedule")]
    pub window: Option<Duration>,
    /// For whom the output is written.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

pub fn run(args: &Args, console: &mut Console) -> CommandResult {
    let window = args.window.unwrap_or(DEFAULT_WINDOW);
    match &args.schedule {
        Some(name) => {
            let schedule = parse(name, args.retries, window)?;
            let lines = [timeline::drawing(&schedule), timeline::table(&schedule)].concat();
            show(&schedule, &lines, args.format, console)?;
        }
        None => PRESETS.iter().try_for_each(|preset| {
            let schedule = parse(preset, None, window)?;
            show(&schedule, &timeline::drawing(&schedule), args.format, console)
        })?,
    }
    match args.format {
        Format::Human => console.answer(&timeline::legend()).map_err(CommandError::output)?,
        Format::Json => {}
    }
    Ok(Exit::Yes)
}

fn parse(
    name: &str,
    retries: Option<usize>,
    window: Duration,
) -> Result<RetrySchedule, CommandError> {
    RetrySchedule::parse(name, retries, window).map_err(|error| {
        CommandError::usage("the schedule cannot be used")
            .because(error)
            .hint("--window and --retries set the limits; without a name the presets are drawn")
    })
}

fn show(
    schedule: &RetrySchedule,
    lines: &[Line],
    format: Format,
    console: &mut Console,
) -> Result<(), CommandError> {
    match format {
        Format::Json => console.answer_bytes(timeline::json(schedule).as_bytes()),
        Format::Human => lines.iter().try_for_each(|line| console.answer(line)),
    }
    .map_err(CommandError::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_drawn() {
        for preset in PRESETS {
            assert_eq!(parse(preset, None, DEFAULT_WINDOW).unwrap().name(), preset);
        }
        let refused = parse("even", Some(11), DEFAULT_WINDOW).unwrap_err();
        assert!(refused.to_string().contains("10 would fit"), "{refused}");
    }
}
