//! `check --explore`: its options, and the texts around it.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use tokio::sync::Notify;

use super::CheckArgs;
use super::setup::command;
use super::suite::own;
use crate::check::case::{Case, Work};
use crate::check::explore::process::{Launch, ProcessError};
use crate::check::explore::{ExploreError, ExploreEvent, ExploreSetup, check_disk, explore};
use crate::check::plan::Plan;
use crate::check::report::CheckReport;
use crate::commands::args::{Format, parse_number, parse_time};
use crate::commands::runtime::Interrupts;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::process::signals::Signal;
use crate::report::check::histories;
use crate::report::figures::counted;
use crate::report::line::Line;
use crate::terminal::Console;

const START_HINT: &str =
    "run it by hand; no shell reads it: sh -c 'exec …' takes what a shell would";

/// Kills, restarts and reorders until the merchant loses money, or the time is over.
#[derive(clap::Args)]
#[command(next_help_heading = "Exploration")]
pub struct ExploreArgs {
    /// Start the merchant, kill it at drawn moments, send what a platform would, and hold laws
    /// against its books; needs --start and --observe.
    #[arg(long, conflicts_with_all = ["replay", "only", "skip", "list", "fail_on", "redact"])]
    pub explore: bool,
    /// The command that starts the merchant; no shell reads it.
    #[arg(long, value_name = "COMMAND", requires = "explore")]
    pub start: Option<String>,
    /// Stop the merchant with this command, in the place of a signal.
    #[arg(long, value_name = "COMMAND", requires = "explore")]
    pub stop: Option<String>,
    /// Start it again with this command.
    #[arg(long, value_name = "COMMAND", requires = "explore")]
    pub restart: Option<String>,
    /// Empty the merchant's data with this command, before a failing history is played again.
    #[arg(long, value_name = "COMMAND", requires = "explore")]
    pub fresh: Option<String>,
    /// What a kill sends: KILL, TERM, INT or QUIT.
    #[arg(
        long,
        value_name = "SIGNAL",
        default_value = "KILL",
        ignore_case = true,
        requires = "explore"
    )]
    pub stop_signal: StopSignal,
    /// Explore so long; cutting a failure down takes up to a minute more.
    #[arg(long = "for", value_name = "DURATION", default_value = "60s", value_parser = parse_time, requires = "explore")]
    pub time: Duration,
    /// Play at most so many histories.
    #[arg(long, value_name = "N", value_parser = parse_number, requires = "explore")]
    pub histories: Option<u64>,
    /// Judge the books when they have stood still for so long.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_time, requires = "explore")]
    pub settle: Duration,
    /// Fill this small file system too, a tmpfs of at most 256 MiB with the merchant's data.
    #[arg(long, value_name = "FOLDER", requires = "explore")]
    pub disk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum StopSignal {
    Kill,
    Term,
    Int,
    Quit,
}

impl From<StopSignal> for Signal {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Kill => Signal::Kill,
            StopSignal::Term => Signal::Terminate,
            StopSignal::Int => Signal::Interrupt,
            StopSignal::Quit => Signal::Quit,
        }
    }
}

/// How long the merchant may take to come up where no --wait says so.
const WAIT: Duration = Duration::from_secs(10);

/// A paused merchant must let requests time out, and nobody waits ten seconds for each.
pub(super) const TIMEOUT: Duration = Duration::from_millis(1_500);

pub(super) fn setup(args: &CheckArgs) -> Result<ExploreSetup, CommandError> {
    let given = &args.explore;
    if !cfg!(unix) {
        return Err(CommandError::usage("--explore is not supported on this system")
            .because("it needs the signals and process groups of Unix"));
    }
    if args.limits.observe.is_none() && args.limits.observe_stream.is_none() {
        return Err(CommandError::usage(
            "--explore needs --observe: it judges the merchant's books",
        )
        .hint("--observe 'python3 credited.py' prints what was credited for PAYOUT_CHECK_ORDER"));
    }
    if given.start.is_none() && (given.stop.is_none() || given.restart.is_none()) {
        return Err(CommandError::usage("--explore needs --start, or --stop and --restart")
            .hint("--start './merchant 8080' starts the merchant; --stop and --restart stand in for it where a container or a supervisor does"));
    }
    if let Some(folder) = &given.disk {
        check_disk(folder).map_err(|why| {
            CommandError::usage(format!("--disk {} is not filled", Untrusted::path(&folder)))
                .because(why)
                .hint("sudo mount -t tmpfs -o size=16M tmpfs FOLDER makes a small file system")
        })?;
    }
    let read = |option: &'static str, text: &Option<String>| {
        text.as_deref().map(|text| command(option, text)).transpose()
    };
    let (mut start, mut restart) =
        (read("--start", &given.start)?, read("--restart", &given.restart)?);
    for starting in start.iter_mut().chain(&mut restart) {
        // The merchant verifies, so it needs the key.
        starting.hidden_variable = "";
    }
    let launch = Launch {
        start,
        stop: read("--stop", &given.stop)?,
        restart,
        fresh: read("--fresh", &given.fresh)?,
        stop_signal: given.stop_signal.into(),
        wait: args.limits.wait.unwrap_or(WAIT),
    };
    let cases: Vec<Case> =
        own(args)?.cases.into_iter().filter(|case| matches!(case.work, Work::Send(_))).collect();
    let (disk, histories) = (given.disk.clone(), given.histories);
    Ok(ExploreSetup { launch, disk, time: given.time, histories, settle: given.settle, cases })
}

pub(super) async fn carry_out(
    plan: &Plan,
    setup: &ExploreSetup,
    format: Format,
    interrupts: &mut Interrupts,
    console: &mut Console,
) -> Result<CheckReport, ExploreError> {
    let stop = Notify::new();
    let is_found = Cell::new(false);
    let mut tell = |event| {
        is_found.set(is_found.get() || matches!(event, ExploreEvent::FoundViolation(..)));
        if format == Format::Json {
            return;
        }
        match event {
            ExploreEvent::Started => console.status("the merchant is up"),
            ExploreEvent::Judged(count, kills) => {
                console.status(&format!("{} with {}", histories(count), counted(kills, "kill")));
            }
            // It stays on the screen where the rest is interrupted.
            ExploreEvent::FoundViolation(law, what) => console.note(
                &Line::new()
                    .bad("broken: ")
                    .plain(law.title())
                    .dim(format!(" ({what}); the history is cut down")),
            ),
            ExploreEvent::Shrunk(steps) => {
                console.status(&format!("it fails with {}", counted(steps as u64, "step")));
            }
        }
    };
    let explored = explore(plan, setup, stop.notified(), &mut tell);
    // What is proven is reported: only the cutting ends then.
    let interrupted = async {
        interrupts.next().await;
        if is_found.get() {
            stop.notify_one();
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        explored = explored => explored,
        () = interrupted => Err(ExploreError::Interrupted),
    }
}

pub(super) fn failed(error: ExploreError) -> CommandError {
    match error {
        ExploreError::Process(ProcessError::NeverUp(why)) => {
            CommandError::environment("the merchant never came up")
                .because(why)
                .hint(START_HINT)
                .hint("a merchant that is slow to start gets longer: --wait 60s")
        }
        ExploreError::Process(ProcessError::Occupied(why)) => CommandError::environment(why)
            .hint("stop what listens there: --explore starts the merchant itself"),
        ExploreError::Interrupted => super::interrupted(),
        ExploreError::Process(error) => {
            CommandError::environment("the merchant cannot be started or stopped")
                .because(error)
                .hint(START_HINT)
        }
        ExploreError::Observer(error) => {
            super::not_begun(crate::check::runner::CheckError::Observer(error))
        }
        ExploreError::Prepare(why) => {
            super::not_begun(crate::check::runner::CheckError::Prepare(why))
        }
    }
}
