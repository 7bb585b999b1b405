//! Many orders: at a rate, through a crash, into a report.

use std::cell::{Cell, RefCell};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use protocol::Key;
use tokio::sync::Mutex;

use super::super::CommandResult;
use super::super::args::whole;
use super::super::runtime::{Interrupts, block_on, descriptors, held_back, not_sent};
use super::Setup;
use super::course::{Course, recorded};
use super::journal::{self, FleetJournal};
use super::orders::{Counted, no_orders, of_arguments, take_in};
use super::reports::Reports;
use super::screen::{Screen, Unknown, ready};
use crate::clock::{Clock, PreciseClock};
use crate::error::{CommandError, ErrorKind};
use crate::net::transport::Transport;
use crate::report::gates::Gate;
use crate::report::summary::{DeliverySummary, RunFacts};
use crate::report::target::ReportTarget;
use crate::sender::fleet::{
    DEFAULT_DRAIN, Ending, Feed, Fleet, FleetTotals, LastOutcome, Limits, Resumed,
};
use crate::sender::orders::Orders;
use crate::sender::orders::file::FileFormat;
use crate::sender::orders::mix::MixWords;
use crate::sender::pace::{Rate, RateError};
use crate::sender::record::FleetEvent;
use crate::sender::schedule::parse_duration;
use crate::terminal::Console;
use crate::units::percent::Percent;

/// Many orders; any of these makes a run of many, even of one.
#[derive(clap::Args)]
#[command(next_help_heading = "Many orders")]
pub struct ManyArgs {
    /// Send this many orders with fresh ids; --set may hold {uuid}, {now}, {hex:8}, {1..500}.
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroU64>)]
    pub count: Option<NonZeroU64>,
    /// Send the orders of this file: one payload a line, or CSV with a header; - reads stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    pub from: Option<PathBuf>,
    /// What --from holds: ndjson or csv; unless told, by the file's name.
    #[arg(long, value_name = "FORMAT", value_parser = FileFormat::parse, requires = "from")]
    pub from_format: Option<FileFormat>,
    /// Make ids, values, statuses and jitter the same each time.
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// Mix statuses, such as success=90,failed=8,cancelled=2.
    #[arg(long, value_name = "SHARES", value_parser = MixWords::parse, conflicts_with = "status")]
    pub mix: Option<MixWords>,
    /// Send this share of the orders twice.
    #[arg(long, value_name = "PERCENT", value_parser = Percent::from_str)]
    pub duplicates: Option<Percent>,
    /// How many attempts may be under way at once without --rate [default: 16].
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroUsize>)]
    pub concurrency: Option<NonZeroUsize>,
    /// Start orders at this rate, such as 500/s, however slow the merchant is.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Option<String>,
    /// Reach the rate after this time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "rate")]
    pub ramp: Option<Duration>,
    /// The most attempts under way in any case [default: 1000].
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroUsize>)]
    pub max_in_flight: Option<NonZeroUsize>,
    /// Vary the delays by this share, from the seed.
    #[arg(long, value_name = "PERCENT")]
    pub jitter: Option<String>,
    /// Wait as long as a reply's Retry-After asks.
    #[arg(long)]
    pub honor_retry_after: bool,
    /// Record each attempt in this file before it is sent, and its outcome after.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Go on with the run of the journal as it began: its orders, schedule, rate and dialect.
    #[arg(
        long,
        requires = "journal",
        conflicts_with_all = [
            "count", "from", "mix", "duplicates", "status", "set", "set_str", "unset",
        ],
    )]
    pub resume: bool,
    /// Write a report: json=, junit=, html= or ndjson=FILE; several may be given.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ReportTarget::parse)]
    pub report: Vec<ReportTarget>,
    /// Fail if this holds, such as 'p99>200ms' or 'acked<100%'; several may be given.
    #[arg(long, value_name = "GATE", value_parser = Gate::parse)]
    pub fail_if: Vec<Gate>,
}

/// The open files that attempts leave free: for the journal, and for looking up names.
const SPARE_DESCRIPTORS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenFiles {
    Enough,
    Few { limit: usize },
}

fn rate(text: &str) -> Result<String, RateError> {
    Rate::parse(text).map(|_| text.to_owned())
}

impl ManyArgs {
    /// The first flag here that was given; `None` where a single order is asked for.
    pub(super) fn asked(&self) -> Option<&'static str> {
        let flags = [
            (self.count.is_some(), "--count"),
            (self.from.is_some(), "--from"),
            (self.seed.is_some(), "--seed"),
            (self.mix.is_some(), "--mix"),
            (self.duplicates.is_some(), "--duplicates"),
            (self.concurrency.is_some(), "--concurrency"),
            (self.rate.is_some(), "--rate"),
            (self.max_in_flight.is_some(), "--max-in-flight"),
            (self.jitter.is_some(), "--jitter"),
            (self.honor_retry_after, "--honor-retry-after"),
            (self.journal.is_some(), "--journal"),
            (!self.report.is_empty(), "--report"),
            (!self.fail_if.is_empty(), "--fail-if"),
        ];
        flags.into_iter().find_map(|(is_given, flag)| is_given.then_some(flag))
    }

    fn limits(&self) -> (Limits, OpenFiles) {
        let or = |given: Option<NonZeroUsize>, usual| {
            given.or(NonZeroUsize::new(usual)).unwrap_or(NonZeroUsize::MIN)
        };
        let most = or(self.max_in_flight, 1000);
        let limits = |max_in_flight| Limits {
            concurrency: or(self.concurrency, 16),
            max_in_flight,
            drain: DEFAULT_DRAIN,
        };
        match descriptors().map(|(limit, free)| (limit, free.saturating_sub(SPARE_DESCRIPTORS))) {
            Some((limit, free)) if free < most.get() => {
                let free = NonZeroUsize::new(free).unwrap_or(NonZeroUsize::MIN);
                (limits(free), OpenFiles::Few { limit })
            }
            _ => (limits(most), OpenFiles::Enough),
        }
    }
}

struct Work {
    journal: FleetJournal,
    resumed: Vec<Resumed>,
    orders: Orders,
    course: Course,
    began: Timestamp,
    total: Option<u64>,
    /// How many orders an earlier part left; `None` of a new run.
    left: Option<u64>,
    skipped: u64,
}

impl Work {
    fn unknown_outcomes(&self) -> usize {
        self.resumed.iter().filter(|order| order.last != LastOutcome::Known).count()
    }
}

pub(super) enum Halt {
    BadRow(CommandError),
    Failure(CommandError),
}

impl From<CommandError> for Halt {
    fn from(error: CommandError) -> Self {
        Halt::Failure(error)
    }
}

pub(super) fn run(
    setup: &Setup<'_>,
    key: Option<Key>,
    transport: &impl Transport,
    console: &mut Console,
) -> CommandResult {
    let many = &setup.args.many;
    if let (Some(_), Some(flag)) = (&setup.args.file, many.asked()) {
        return Err(CommandError::usage(format!("FILE is one order, and {flag} asks for many"))
            .hint("give many orders with --from FILE, or leave the flag out"));
    }
    // A wrong flag or row is told before a journal is made.
    let planned = match many.resume {
        true => None,
        false => Some(Plan::new(setup, key.clone())?),
    };
    let reports = Reports::open(many)?;
    let clock = PreciseClock::try_new()
        .map_err(|error| CommandError::environment("cannot set up the clock").because(error))?;
    block_on(async {
        // From here on a request to end is caught, and not left to the default action.
        let interrupts = Mutex::new(Interrupts::catch());
        let start = clock.wall();
        let work = match planned {
            Some(planned) => begin(setup, planned, start, &interrupts).await?,
            None => resume(setup, key.as_ref(), start)?,
        };
        reports.begin()?;
        work.journal.begin().await?;
        let facts = facts_of(setup, &work);
        ready(&facts, work.left, work.course.seed, setup.args.format, console)
            .map_err(CommandError::output)?;
        let mut summary = DeliverySummary::new(facts);
        if work.left.is_some() {
            work.journal.replay(&mut summary).await?;
        }
        let begun = clock.now();
        let (format, unknown) = (setup.args.format, Unknown::of(work.unknown_outcomes()));
        let (limits, files) = many.limits();
        let screen =
            Screen { many, format, console, reports, summary, unknown, files, is_held_back: false };
        let screen = RefCell::new(screen);
        let on_stop = || screen.borrow_mut().stopping();
        let run = Run { setup, limits, clock: &clock, interrupts: &interrupts, on_stop: &on_stop };
        let sent = run
            .send(work, transport, |event| {
                let elapsed = event.at().unwrap_or_else(|| clock.now().saturating_sub(begun));
                screen.borrow_mut().tell_held_back(held_back(transport));
                screen.borrow_mut().show(&event, elapsed)
            })
            .await?;
        screen.borrow_mut().tell_held_back(held_back(transport));
        screen.into_inner().conclude(sent)
    })
}

fn facts_of(setup: &Setup<'_>, work: &Work) -> RunFacts {
    RunFacts {
        url: setup.target.to_string(),
        started_at: work.began,
        schedule: work.course.schedule.name().to_owned(),
        orders: work.total,
        rate: work.course.pace.rate.map(Rate::per_second),
        ramp: work.course.pace.ramp.filter(|ramp| !ramp.is_zero()),
    }
}

struct Run<'a> {
    setup: &'a Setup<'a>,
    limits: Limits,
    clock: &'a PreciseClock,
    interrupts: &'a Mutex<Interrupts>,
    on_stop: &'a dyn Fn(),
}

impl Run<'_> {
    async fn send(
        &self,
        work: Work,
        transport: &impl Transport,
        mut on_event: impl FnMut(FleetEvent) -> Result<(), CommandError>,
    ) -> Result<Sent, CommandError> {
        let Work { journal, resumed, orders, course, total, skipped, .. } = work;
        let count = orders.remaining().or(total);
        let mut resumed = resumed.into_iter().map(Ok);
        let mut orders = Counted { many: &self.setup.args.many, orders, duplicates: 0 };
        let pace = course.pace;
        let pace = |n| pace.intended(n);
        let feed = Feed { resumed: &mut resumed, orders: &mut orders, count, pace: &pace };
        let acknowledgement = course.dialect.acknowledgement();
        let request = self.setup.request.clone().acknowledged_by(acknowledgement);
        let fleet = Fleet {
            request: &request,
            plan: course.plan(),
            limits: self.limits,
            clock: self.clock,
            transport,
            journal: &journal,
        };
        let is_stopping = Cell::new(false);
        let interrupt = || async {
            self.interrupts.lock().await.next().await;
            if !is_stopping.replace(true) {
                (self.on_stop)();
            }
        };
        let begun = self.clock.now();
        let ended = fleet
            .run(feed, interrupt, |event| {
                journal.note(&event);
                Ok(on_event(event)?)
            })
            .await;
        let elapsed = self.clock.now().saturating_sub(begun);
        // Whatever ended the run, the journal is brought to the disk.
        let closed = journal.close();
        let (elapsed, ending, halted) = match ended {
            Ok(FleetTotals { elapsed, ending, .. }) => {
                (elapsed, ending, closed.err().or_else(|| not_sent(transport)))
            }
            Err(Halt::BadRow(error)) => (elapsed, Ending::Stopped, Some(error)),
            // Nobody reads on, so there is nothing more to say.
            Err(Halt::Failure(error)) if error.kind == ErrorKind::BrokenPipe => return Err(error),
            Err(Halt::Failure(error)) => (elapsed, Ending::Aborted, Some(error)),
        };
        let skipped = skipped + orders.orders.skipped_rows();
        Ok(Sent { elapsed, ending, duplicates: orders.duplicates, skipped, halted })
    }
}

pub(super) struct Sent {
    pub(super) elapsed: Duration,
    pub(super) ending: Ending,
    pub(super) duplicates: u64,
    pub(super) skipped: u64,
    pub(super) halted: Option<CommandError>,
}

struct Plan {
    course: Course,
    orders: Orders,
    key_fingerprint: String,
    total: Option<u64>,
}

impl Plan {
    fn new(setup: &Setup<'_>, key: Option<Key>) -> Result<Plan, CommandError> {
        let key = key.ok_or_else(|| CommandError::usage("no key was given"))?;
        let course = Course::of_arguments(setup)?;
        let key_fingerprint = key.fingerprint();
        let orders = of_arguments(setup, key)?;
        let total = orders.remaining();
        Ok(Plan { course, orders, key_fingerprint, total })
    }
}

async fn begin(
    setup: &Setup<'_>,
    plan: Plan,
    start: Timestamp,
    interrupts: &Mutex<Interrupts>,
) -> Result<Work, CommandError> {
    let Plan { course, mut orders, key_fingerprint, total } = plan;
    let mut skipped = 0;
    let (journal, orders, total) = match &setup.args.many.journal {
        None => (FleetJournal::none(), orders, total),
        // All are in the journal before the first is sent, so that none can be forgotten.
        Some(path) => {
            let interrupt = async { interrupts.lock().await.next().await };
            let taken =
                take_in(&mut orders, &setup.args.many, &course.pace, start, interrupt).await?;
            skipped = orders.skipped_rows();
            if taken.is_empty() {
                return Err(no_orders(&setup.args.many, skipped));
            }
            let run = recorded(setup, &key_fingerprint, start);
            let created = journal::create(path, &run, &taken);
            let interrupt = async { interrupts.lock().await.next().await };
            let journal = tokio::select! {
                created = created => created?,
                () = interrupt => {
                    let told = "interrupted before the journal had all orders; nothing was sent";
                    return Err(CommandError::interrupted(told)
                        .hint("remove the journal and start the run again"));
                }
            };
            let total = Some(taken.len() as u64);
            (journal, Orders::listed(taken), total)
        }
    };
    let resumed = Vec::new();
    Ok(Work { journal, resumed, orders, course, began: start, total, left: None, skipped })
}

fn resume(setup: &Setup<'_>, key: Option<&Key>, now: Timestamp) -> Result<Work, CommandError> {
    let path = setup.args.many.journal.as_ref();
    let path = path.ok_or_else(|| CommandError::usage("no journal was given"))?;
    let left = journal::resume(path, setup, now)?;
    Ok(Work {
        course: Course::of_journal(&left.run, setup, key)?,
        journal: left.journal,
        resumed: left.attempted,
        orders: Orders::listed(left.untouched),
        began: left.run.started_at,
        total: Some(left.counts.orders),
        left: Some(left.counts.unfinished),
        skipped: 0,
    })
}
