//! `schedule`: when a platform tries, as a table and as a drawing.

use std::time::Duration;

use super::args::{Format, unusable_schedule, whole};
use super::{CommandResult, answer};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::timeline;
use crate::sender::schedule::{DEFAULT_WINDOW, PRESETS, RetrySchedule, parse_duration};
use crate::terminal::Console;

/// Show when the attempts of a retry schedule are planned.
///
/// Without a name it draws every preset.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify schedule 15s,30s,5m --window 10m")]
pub struct ScheduleArgs {
    /// A preset (backoff, even, ten-in-total) or a list such as 15s,30s,5m.
    #[arg(value_name = "NAME|LIST")]
    pub schedule: Option<String>,
    /// How many retries may follow the first notification [default: 10].
    #[arg(long, value_name = "N", value_parser = whole::<usize>, requires = "schedule")]
    pub retries: Option<usize>,
    /// The time after the order's completion in which the platform tries [default: 1h].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "schedule")]
    pub window: Option<Duration>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

pub fn run(args: &ScheduleArgs, console: &mut Console) -> CommandResult {
    let window = args.window.unwrap_or(DEFAULT_WINDOW);
    let names = args.schedule.as_deref().map_or(PRESETS.to_vec(), |name| vec![name]);
    for name in names {
        let schedule = parse(name, args.retries, window)?;
        let mut lines = timeline::drawing(&schedule);
        if args.schedule.is_some() {
            lines.extend(timeline::table(&schedule));
        }
        answer(args.format, || timeline::json(&schedule), || lines, console)?;
    }
    if args.format == Format::Human {
        console.answer(&timeline::legend()).map_err(CommandError::output)?;
    }
    Ok(Exit::Yes)
}

fn parse(
    name: &str,
    retries: Option<usize>,
    window: Duration,
) -> Result<RetrySchedule, CommandError> {
    RetrySchedule::parse(name, retries, window).map_err(unusable_schedule)
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
