//! `check`: whether a merchant's endpoint is safe to go live.

mod consent;
mod explore;
mod files;
mod given;
mod setup;
mod suite;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use files::{ReportFile, ReportFiles};
use given::Given;
use protocol::{Algorithm, StatusTable};

use super::args::dialect::DialectArgs;
use super::args::inbox::{RedactArgs, warn_of_missing};
use super::args::{
    EditArgs, Format, KeyArgs, RetiredKeyArgs, adopt, adopt_headers, adopt_statuses, parse_number,
    parse_sign_type, parse_time,
};
use super::runtime::{Interrupts, block_on};
use super::wire_args::{ReachArgs, WireArgs};
use super::{CommandResult, answer};
use crate::check::bundle::Bundle;
use crate::check::causes::explain;
use crate::check::explore::laws::Law;
use crate::check::plan::Plan;
use crate::check::replay;
use crate::check::report::{CheckReport, Status, Tries};
use crate::check::runner::{CheckError, CheckEvent, check};
use crate::check::sender::Wiring;
use crate::clock::wall_time;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::check::standing::{is_yes, unverified};
use crate::report::check::text::Detail;
use crate::report::check::{CheckFacts, json, text};
use crate::report::redact::FieldRedactor;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;
use crate::units::rate::Rate;

/// Check whether a merchant's endpoint is safe to go live: verifies, acknowledges, credits once.
///
/// A known-good notification comes first and between the groups of cases: an endpoint that refuses
/// it is inconclusive, never secure. Order ids begin with CHECK-. Exits with 0 when all selected cases
/// passed, and with 1 when one failed or has no verdict.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify check http://localhost:8080/notify\n  payout-notify check http://localhost:8080/notify --only authenticity --report junit=check.xml\n  payout-notify check http://localhost:8080/notify --observe 'python3 credited.py'\n  payout-notify check --explore --start './merchant 8080' --observe 'python3 credited.py' http://localhost:8080/notify"
)]
pub struct CheckArgs {
    /// The options as they were typed. The first field: reading the others takes their values out.
    #[command(flatten)]
    pub given: Given,
    /// The merchant's notify URL; by default the profile's url.
    pub url: Option<String>,
    /// How the platform signs, and which reply it expects.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// How to sign: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// The endpoint must refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// The platform_id of the orders, for an endpoint that refuses any but its own.
    #[arg(long, value_name = "ID")]
    pub platform_id: Option<String>,
    /// Orders that the merchant knows, each used once: CSV with payout_id,payout_cl_id,amount, or
    /// one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub orders: Option<PathBuf>,
    /// Run this before each new order, so that the merchant knows it: PAYOUT_CHECK_ORDER,
    /// _CLIENT_ID, _AMOUNT and _PLATFORM_ID are in its environment.
    #[arg(long, value_name = "COMMAND", conflicts_with = "orders")]
    pub prepare: Option<String>,
    /// Changes to every order.
    #[command(flatten)]
    pub edits: EditArgs,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out of what is shown and reported.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// Which cases, and what becomes of the results.
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Kills and restarts.
    #[command(flatten)]
    pub explore: explore::ExploreArgs,
    /// How fast, how long, and with whose consent.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// A key that the platform no longer uses.
    #[command(flatten)]
    pub retired: RetiredKeyArgs,
    /// How requests travel.
    #[command(flatten)]
    pub wire: CheckWireArgs,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

/// Which cases are asked, and what becomes of the results.
#[derive(clap::Args)]
#[command(next_help_heading = "Cases and reports")]
pub struct ChoiceArgs {
    /// Add the cases of this folder's *.toml files; several may be given.
    #[arg(long, value_name = "FOLDER")]
    pub suite: Vec<PathBuf>,
    /// Only these groups or cases; NAME* takes all that begin so; several may be given.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Without these groups or cases; several may be given.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// List the cases and send nothing.
    #[arg(long)]
    pub list: bool,
    /// Write a report: json, junit, tap, sarif, html or github; several may be given. A link, and a file
    /// that payout-notify did not write, are not replaced.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ReportFile::parse)]
    pub report: Vec<ReportFile>,
    /// Exit with 1 for this too; inconclusive always does; several may be given.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
    /// Write each failed case to this folder, to be sent again with --replay.
    #[arg(long, value_name = "FOLDER", conflicts_with = "redact")]
    pub bundle: Option<PathBuf>,
    /// Send one failed case again from its file; no key is needed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["suite", "only", "skip", "list", "observe", "observe_stream", "orders", "prepare", "bundle", "retired_key_file"])]
    pub replay: Option<PathBuf>,
}

/// What else ends a check with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A case with a warning.
    Warn,
    /// A case that passed only on the second try.
    Flaky,
    /// A case without a verdict.
    Inconclusive,
    /// A case that claims what nothing verified; --observe does.
    Unverified,
}

/// How a check behaves.
#[derive(clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Check an endpoint that is neither on this machine nor in a private network.
    #[arg(long)]
    pub yes: bool,
    /// Start no more requests than this, for example 20/s.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    pub max_rate: Option<Rate>,
    /// How long to wait for a whole reply [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Run this to see what was credited: it prints a number or JSON, for PAYOUT_CHECK_ORDER.
    #[arg(long, value_name = "COMMAND")]
    pub observe: Option<String>,
    /// The same with a command that is started once: for each line with an order as JSON it prints
    /// one line.
    #[arg(long, value_name = "COMMAND", conflicts_with = "observe")]
    pub observe_stream: Option<String>,
    /// How long the merchant may take to credit what it acknowledged.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_time)]
    pub observe_within: Duration,
    /// Wait so long until the endpoint takes connections; nothing is sent meanwhile.
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub wait: Option<Duration>,
    /// The seed of the order ids: the same seed gives the same ids.
    #[arg(long, value_name = "N", value_parser = parse_number)]
    pub seed: Option<u64>,
}

/// How requests travel.
#[derive(clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct CheckWireArgs {
    /// Send this header, in the place of an own one; "Name:" leaves it out; several may be given.
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// Show every case in full, and on stderr of each request: addresses, TLS, and the heads of
    /// request and reply.
    #[arg(long, short)]
    pub verbose: bool,
    /// How the merchant is reached.
    #[command(flatten)]
    pub reach: ReachArgs,
}

impl CheckWireArgs {
    fn common(&self) -> WireArgs {
        let (header, reach) = (self.header.clone(), self.reach.clone());
        WireArgs { header, verbose: self.verbose, reach, ..WireArgs::default() }
    }
}

impl CheckArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        self.key.adopt(chosen);
        if self.choice.replay.is_none() {
            adopt(&mut self.url, profile.url.as_ref());
        }
        // What --require demands is signed with: a profile does not gainsay a flag.
        if self.require.is_none() {
            adopt(&mut self.sign_type, profile.sign_type.as_ref());
        }
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt(&mut self.platform_id, profile.platform_id.as_ref());
        adopt(&mut self.limits.timeout, profile.timeout.as_ref());
        adopt_headers(&mut self.wire.header, profile.headers.as_ref());
        adopt_statuses(&mut self.statuses, profile);
    }
}

pub fn run(args: &CheckArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    if args.choice.list {
        return suite::list(args, console);
    }
    let redactor = &SharedRedactor::new(args.redact.redactor().into());
    if let Some(path) = &args.choice.replay {
        let bundle = files::read_bundle(path)?;
        let wiring = setup::wiring_of(args, &bundle, redactor, environment, console)?;
        let facts = CheckFacts {
            url: wiring.target.to_string(),
            started_at: wall_time(),
            cases: 1,
            bound: replay::bound(&bundle),
            seed: 0,
            is_exploration: false,
        };
        return conduct(
            (args, redactor),
            &facts,
            &wiring.clone(),
            console,
            async |_, interrupts| {
                let replayed = async { Ok((replay::replay(&bundle, wiring).await, Vec::new())) };
                unless_interrupted(replayed, interrupts).await
            },
        );
    }
    let plan = setup::plan(args, redactor, environment, console)?;
    if args.explore.explore {
        let setup = explore::setup(args)?;
        let facts = CheckFacts {
            url: plan.wiring.target.to_string(),
            started_at: plan.started_at,
            cases: Law::ALL.len() as u64,
            bound: setup.bound(),
            seed: plan.seed,
            is_exploration: true,
        };
        return conduct(
            (args, redactor),
            &facts,
            &plan.wiring,
            console,
            async |console, interrupts| {
                let report =
                    explore::carry_out(&plan, &setup, args.format, interrupts, console).await;
                report.map(|report| (report, Vec::new())).map_err(explore::failed)
            },
        );
    }
    let facts = CheckFacts {
        url: plan.wiring.target.to_string(),
        started_at: plan.started_at,
        cases: plan.suite.cases.len() as u64,
        bound: plan.bound(),
        seed: plan.seed,
        is_exploration: false,
    };
    let waits = locked(redactor).is_needed();
    conduct((args, redactor), &facts, &plan.wiring, console, async |console, interrupts| {
        let checked =
            async { carry_out(&plan, (args.format, waits), console).await.map_err(not_begun) };
        unless_interrupted(checked, interrupts).await
    })
}

/// What is to be hidden, with the values that were sent or came back so far.
type SharedRedactor = Arc<Mutex<FieldRedactor>>;

fn locked(redactor: &SharedRedactor) -> MutexGuard<'_, FieldRedactor> {
    redactor.lock().unwrap_or_else(PoisonError::into_inner)
}

type Checked = Result<(CheckReport, Vec<Bundle>), CommandError>;

fn interrupted() -> CommandError {
    CommandError::interrupted("the check was interrupted")
}

async fn unless_interrupted(
    work: impl Future<Output = Checked>,
    interrupts: &mut Interrupts,
) -> Checked {
    tokio::select! {
        done = work => done,
        () = interrupts.next() => Err(interrupted()),
    }
}

/// Prints what is about to be done, asks where it must, does it, and reports what came of it.
fn conduct(
    (args, redactor): (&CheckArgs, &SharedRedactor),
    facts: &CheckFacts,
    wiring: &Wiring,
    console: &mut Console,
    work: impl AsyncFnOnce(&mut Console, &mut Interrupts) -> Checked,
) -> CommandResult {
    let reports = ReportFiles::open(&args.choice.report)?;
    let facts = &CheckFacts { url: locked(redactor).url(&facts.url), ..facts.clone() };
    let (mut report, bundles) = block_on(async {
        consent::obtain(args, facts, wiring, console).await?;
        let mut interrupts = Interrupts::catch();
        if let Some(time) = args.limits.wait.filter(|_| !args.explore.explore) {
            tokio::select! {
                is_up = consent::wait_for(wiring, time) => is_up?,
                () = interrupts.next() => return Err(interrupted()),
            }
        }
        match args.format {
            Format::Json => console.answer_bytes(json::ready(facts).as_bytes()),
            Format::Human => {
                console.note(&text::ready_line(facts));
                Ok(())
            }
        }
        .map_err(CommandError::output)?;
        let done = work(console, &mut interrupts).await;
        console.end_status();
        done
    })?;
    report.options = args.given.options();
    explain(&mut report);
    let mut redactor = locked(redactor);
    report = redactor.check(report);
    warn_of_missing(&redactor, "notification or reply", console);
    let exit = if is_passed(&report, &args.choice.fail_on) { Exit::Yes } else { Exit::No };
    let width = console.answer_width();
    let is_whole =
        args.wire.verbose || !args.choice.only.is_empty() || args.choice.replay.is_some();
    let detail = if is_whole { Detail::Whole } else { Detail::Brief };
    let late_cases = match redactor.is_needed() && args.choice.replay.is_none() {
        true => report.results.iter().map(json::case).collect(),
        false => String::new(),
    };
    let told = answer(
        args.format,
        || late_cases + &json::check(&report),
        || text::lines(&report, detail, width),
        console,
    )
    .and_then(|()| reports.write(&report))
    .and_then(|()| {
        let folder = args.choice.bundle.as_deref();
        files::write_case(folder, &report, console)?;
        files::write_bundles(folder, &bundles, &report.options, console)
    });
    match told {
        // A proven "no" remains, whether or not anyone read it.
        Err(error) if exit == Exit::Yes => Err(error),
        Err(error) => {
            console.error(&error);
            Ok(exit)
        }
        Ok(()) => Ok(exit),
    }
}

fn not_begun(error: CheckError) -> CommandError {
    match error {
        CheckError::Prepare(why) => {
            CommandError::environment("the --prepare command failed, so the check was ended")
                .because(why)
                .hint("it must end with 0 once the merchant knows the order; no shell reads it")
        }
        CheckError::Observer(error) => CommandError::environment(
            "the --observe command cannot be used, so nothing was sent",
        )
        .because(error)
        .hint(
            "run it by hand; it needs a program on the PATH, or by its path, and no shell reads \
                     it: sh -c '…' takes what a shell would",
        ),
    }
}

/// Checks, and shows how far it is. With `waits` no case is printed: what it redacts is known at the end.
async fn carry_out(
    plan: &Plan,
    (format, waits): (Format, bool),
    console: &mut Console,
) -> Result<(CheckReport, Vec<Bundle>), CheckError> {
    let cases = plan.suite.cases.len();
    let mut begun = 0;
    check(plan, &mut |event| match (event, format) {
        (CheckEvent::Began(case), Format::Human) => {
            begun += 1;
            console.status(&format!("{begun}/{cases}  {}  {}", case.group, case.id));
        }
        (CheckEvent::Ended(result), Format::Json) if !waits => {
            // A reader that went away is noticed when the report is written.
            let _ = console.answer_bytes(json::case(result).as_bytes());
        }
        _ => {}
    })
    .await
}

fn is_passed(report: &CheckReport, fail_on: &[FailOn]) -> bool {
    let is_gated = |gate: &FailOn| {
        report.results.iter().any(|result| match gate {
            FailOn::Warn => result.status == Status::Warned,
            FailOn::Flaky => result.tries == Tries::PassedOnSecond,
            FailOn::Unverified => unverified(result).is_some(),
            FailOn::Inconclusive => result.status == Status::Inconclusive,
        })
    };
    is_yes(report) && !fail_on.iter().any(is_gated)
}
