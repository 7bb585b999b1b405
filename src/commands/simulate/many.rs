//! Many orders: at a rate, through a crash, into a report.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::super::CommandResult;
use super::super::args::Format;
use super::super::runtime::{Interrupts, block_on};
use super::Setup;
use super::journal::{self, FleetJournal};
use super::reports::Reports;
use crate::clock::{Clock, PreciseClock};
use crate::delivery::fleet::{
    DEFAULT_DRAIN, Ending, Feed, Fleet, FleetTotals, Limits, Resumed, RetryAfter, RetryPlan,
};
use crate::delivery::jitter::Jitter;
use crate::delivery::mix::{Duplicates, Mix};
use crate::delivery::orders::{Change, FileFormat, FromFile, Generated, OrderRecipe, OrderSource};
use crate::delivery::pace::{Pace, Rate};
use crate::delivery::record::{FleetEvent, Order};
use crate::delivery::schedule::{RetrySchedule, Speed, parse_duration};
use crate::delivery::signing::Signer;
use crate::delivery::transport::Transport;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::protocol::key::Key;
use crate::report::gates::Gate;
use crate::report::line::Line;
use crate::report::summary::{self, DeliverySummary, RunFacts, RunReport};
use crate::report::target::ReportTarget;
use crate::terminal::Console;

/// Many orders; any of these makes a run of many, even of one.
#[derive(clap::Args)]
#[command(next_help_heading = "Many orders")]
pub struct ManyArgs {
    /// Send this many orders with fresh ids; --set may hold {n}, {uuid}, {now}, {1..500}.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Send the orders of this file: one payload a line, or CSV with a header.
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    pub from: Option<PathBuf>,
    /// What --from holds: ndjson or csv; unless told, by the file's name.
    #[arg(long, value_name = "FORMAT", value_parser = FileFormat::parse, requires = "from")]
    pub from_format: Option<FileFormat>,
    /// Make ids, values, statuses and jitter the same each time.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Mix statuses, such as success=90,failed=8,cancelled=2.
    #[arg(long, value_name = "SHARES", value_parser = Mix::parse, conflicts_with = "status")]
    pub mix: Option<Mix>,
    /// Send this share of the orders twice.
    #[arg(long, value_name = "PERCENT", value_parser = Duplicates::parse)]
    pub duplicates: Option<Duplicates>,
    /// How many attempts may be under way at once without --rate [default: 16].
    #[arg(long, value_name = "N")]
    pub concurrency: Option<NonZeroUsize>,
    /// Start orders at this rate, such as 500/s, however slow the merchant is.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    pub rate: Option<Rate>,
    /// Reach the rate after this time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "rate")]
    pub ramp: Option<Duration>,
    /// The most attempts under way in any case [default: 1000].
    #[arg(long, value_name = "N")]
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
    /// Go on with the run of the journal, at its schedule and speed.
    #[arg(long, requires = "journal", conflicts_with_all = ["count", "from", "mix", "duplicates"])]
    pub resume: bool,
    /// Write a report: json=, junit=, html= or ndjson=FILE; several may be given.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ReportTarget::parse)]
    pub report: Vec<ReportTarget>,
    /// Fail if this holds, such as 'p99>200ms' or 'acked<100%'; several may be given.
    #[arg(long, value_name = "GATE", value_parser = Gate::parse)]
    pub fail_if: Vec<Gate>,
}

impl ManyArgs {
    /// Whether anything here was asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.count.is_some()
            || self.from.is_some()
            || self.seed.is_some()
            || self.mix.is_some()
            || self.duplicates.is_some()
            || self.concurrency.is_some()
            || self.rate.is_some()
            || self.max_in_flight.is_some()
            || self.jitter.is_some()
            || self.honor_retry_after
            || self.journal.is_some()
            || !self.report.is_empty()
            || !self.fail_if.is_empty()
    }

    fn pace(&self) -> Pace {
        Pace { rate: self.rate, ramp: self.ramp }
    }

    fn limits(&self) -> Limits {
        let or = |given: Option<NonZeroUsize>, usual| {
            given.or(NonZeroUsize::new(usual)).unwrap_or(NonZeroUsize::MIN)
        };
        Limits {
            concurrency: or(self.concurrency, 16),
            max_in_flight: or(self.max_in_flight, 1000),
            drain: DEFAULT_DRAIN,
        }
    }

    /// The orders that the arguments describe.
    fn source(
        &self,
        setup: &Setup<'_>,
        key: Key,
        seed: u64,
    ) -> Result<Box<dyn OrderSource + Send>, CommandError> {
        let signer = Signer::try_new(setup.dialect, setup.args.sign_type, key)
            .map_err(|error| CommandError::usage("the orders cannot be signed").because(error))?;
        let mix = match setup.args.status {
            Some(status) => Mix::parse(&format!("{status}=1")).ok(),
            None => self.mix.clone(),
        };
        let changes: Result<Vec<Change>, _> = setup.args.edits.changes().collect();
        let changes = changes
            .map_err(|error| CommandError::usage("a change cannot be read").because(error))?;
        let duplicates = self.duplicates.unwrap_or_default();
        let recipe = OrderRecipe { signer, changes, mix, duplicates, seed };
        let Some(path) = &self.from else {
            return Ok(Box::new(Generated::new(recipe, self.count.unwrap_or(1))));
        };
        let file = File::open(path).map_err(|error| {
            CommandError::input(format!("cannot read {}", path.display())).because(error)
        })?;
        let format = self.from_format.unwrap_or_else(|| FileFormat::of(path));
        Ok(Box::new(FromFile::new(Box::new(file), format, recipe)))
    }
}

/// What a run sends: new orders, or those that an earlier one left.
struct Work {
    journal: FleetJournal,
    resumed: Vec<Resumed>,
    orders: Orders,
    total: Option<u64>,
    /// What an earlier run left to be said.
    events: Vec<FleetEvent>,
    course: Course,
}

/// What decides when attempts are made; a run that goes on keeps that of its journal.
struct Course {
    schedule: RetrySchedule,
    speed: Speed,
    seed: u64,
}

enum Orders {
    Source(Box<dyn OrderSource + Send>),
    Listed(std::vec::IntoIter<Order>),
}

impl Orders {
    fn next(&mut self, completed_at: Timestamp) -> Option<Result<Order, CommandError>> {
        match self {
            Orders::Listed(orders) => orders.next().map(Ok),
            Orders::Source(source) => source.next_order(completed_at).map(|order| {
                order.map_err(|error| CommandError::input("an order cannot be sent").because(error))
            }),
        }
    }
}

/// Sends many orders and reports what became of them.
///
/// # Errors
/// As `simulate`'s, and orders, a journal or reports that cannot be read or written.
pub(super) fn run(
    setup: &Setup<'_>,
    key: Option<Key>,
    transport: &impl Transport,
    console: &mut Console,
) -> CommandResult {
    let many = &setup.args.many;
    if setup.args.file.is_some() {
        return Err(CommandError::usage("FILE is one order")
            .hint("give many orders with --from FILE, or leave the other options out"));
    }
    let jitter = |seed| {
        let jitter = many.jitter.as_deref().map(|text| Jitter::parse(text, seed)).transpose();
        jitter.map_err(|error| CommandError::usage("the jitter cannot be used").because(error))
    };
    // A wrong one is told before a journal is made.
    jitter(setup.seed)?;
    let reports = Reports::open(many)?;
    let clock = PreciseClock::try_new()
        .map_err(|error| CommandError::environment("cannot set up the clock").because(error))?;
    block_on(async {
        // From here on a request to end is caught, and not left to the default action.
        let interrupts = Mutex::new(Interrupts::catch());
        let start = clock.wall();
        let work = prepare(setup, key, start).await?;
        reports.begin()?;
        let facts = RunFacts {
            url: setup.target.to_string(),
            started_at: start,
            schedule: work.course.schedule.name().to_owned(),
            orders: work.total,
            rate: many.rate.map(Rate::per_second),
        };
        ready(&facts, work.course.seed, setup.args.format, console)
            .map_err(CommandError::output)?;
        let begun = clock.now();
        let summary = DeliverySummary::new(facts);
        let mut screen = Screen { format: setup.args.format, console, reports, summary };
        for event in &work.events {
            screen.show(event, Duration::ZERO)?;
        }
        let jitter = jitter(work.course.seed)?;
        let run = Run { setup, jitter, clock: &clock, interrupts: &interrupts };
        let sent = run
            .send(work, transport, |event| {
                let elapsed = event.at().unwrap_or_else(|| clock.now().saturating_sub(begun));
                screen.show(&event, elapsed)
            })
            .await?;
        screen.conclude(&sent, &many.fail_if)
    })
}

/// What a run is made with.
struct Run<'a> {
    setup: &'a Setup<'a>,
    jitter: Option<Jitter>,
    clock: &'a PreciseClock,
    interrupts: &'a Mutex<Interrupts>,
}

impl Run<'_> {
    /// Lets the fleet send the work, and closes the journal.
    async fn send(
        &self,
        work: Work,
        transport: &impl Transport,
        on_event: impl FnMut(FleetEvent) -> Result<(), CommandError>,
    ) -> Result<Sent, CommandError> {
        let many = &self.setup.args.many;
        let Work { journal, resumed, mut orders, course, .. } = work;
        let mut duplicates = 0;
        let mut resumed = resumed.into_iter().map(Ok);
        let mut next = |at| {
            let order = orders.next(at);
            if let Some(Ok(Order { duplicate_of: Some(_), .. })) = &order {
                duplicates += 1;
            }
            order
        };
        let pace = many.pace();
        let feed = Feed { resumed: &mut resumed, orders: &mut next, pace: &|n| pace.intended(n) };
        let plan = RetryPlan {
            schedule: &course.schedule,
            jitter: self.jitter,
            speed: course.speed,
            retry_after: if many.honor_retry_after {
                RetryAfter::Honored
            } else {
                RetryAfter::Ignored
            },
        };
        let fleet = Fleet {
            request: &self.setup.request,
            plan,
            limits: many.limits(),
            clock: self.clock,
            transport,
            journal: &journal,
        };
        let interrupt = || async { self.interrupts.lock().await.next().await };
        let totals = fleet.run(feed, interrupt, on_event).await;
        // Whatever ended the run, the journal is brought to the disk.
        journal.close()?;
        Ok(Sent { totals: totals?, duplicates })
    }
}

/// What was sent, in numbers.
struct Sent {
    totals: FleetTotals,
    duplicates: u64,
}

/// Takes the orders in, or what an earlier run left of them.
async fn prepare(
    setup: &Setup<'_>,
    key: Option<Key>,
    start: Timestamp,
) -> Result<Work, CommandError> {
    let many = &setup.args.many;
    if let Some(path) = many.journal.as_ref().filter(|_| many.resume) {
        let left = journal::resume(path, setup, start).await?;
        let seed = left.run.seed.unwrap_or(setup.seed);
        return Ok(Work {
            journal: left.journal,
            resumed: left.attempted,
            orders: Orders::Listed(left.untouched.into_iter()),
            total: Some(left.counts.unfinished),
            events: left.events,
            course: Course { schedule: left.schedule, speed: left.run.speed, seed },
        });
    }
    let seed = setup.seed;
    let course = Course { schedule: setup.schedule.clone(), speed: setup.args.speed, seed };
    let key = key.ok_or_else(|| CommandError::usage("no key was given"))?;
    let fingerprint = key.fingerprint();
    let mut source = many.source(setup, key, seed)?;
    let (resumed, events) = (Vec::new(), Vec::new());
    let Some(path) = &many.journal else {
        let (total, journal) = (source.size_hint(), FleetJournal::none());
        let orders = Orders::Source(source);
        return Ok(Work { journal, resumed, orders, total, events, course });
    };
    let taken = take_in(&mut *source, &many.pace(), start)?;
    let journal = journal::create(path, setup, &fingerprint, seed, start, &taken).await?;
    let total = Some(taken.len() as u64);
    let orders = Orders::Listed(taken.into_iter());
    Ok(Work { journal, resumed, orders, total, events, course })
}

/// All orders of a source, each completed when it is to be sent.
///
/// All are in the journal before the first is sent, so that none can be forgotten.
fn take_in(
    source: &mut dyn OrderSource,
    pace: &Pace,
    start: Timestamp,
) -> Result<Vec<Order>, CommandError> {
    let mut taken = Vec::new();
    for number in 0.. {
        let offset = pace.intended(number).unwrap_or_default();
        let completed = start.checked_add(offset).unwrap_or(Timestamp::MAX);
        match source.next_order(completed) {
            None => break,
            Some(Ok(order)) => taken.push(order),
            Some(Err(error)) => {
                return Err(CommandError::input("an order cannot be sent").because(error));
            }
        }
    }
    Ok(taken)
}

fn ready(
    facts: &RunFacts,
    seed: u64,
    format: Format,
    console: &mut Console,
) -> std::io::Result<()> {
    if format == Format::Json {
        return console.answer_bytes(summary::json::ready(facts, seed).as_bytes());
    }
    let count = facts.orders.map_or_else(|| "orders".to_owned(), |n| format!("{n} orders"));
    console.note(
        &Line::new()
            .strong(count)
            .plain(" → ")
            .accent(&facts.url)
            .dim(format!("  schedule {}, seed {seed}", facts.schedule)),
    );
    Ok(())
}

/// Where the events of a run go.
struct Screen<'a, 'c> {
    format: Format,
    console: &'c mut Console,
    reports: Reports<'a>,
    summary: DeliverySummary,
}

impl Screen<'_, '_> {
    fn show(&mut self, event: &FleetEvent, elapsed: Duration) -> Result<(), CommandError> {
        self.reports.event(event)?;
        self.tell(event).map_err(CommandError::output)?;
        self.summary.fold(event);
        self.console.progress(&self.summary, elapsed);
        Ok(())
    }

    fn tell(&mut self, event: &FleetEvent) -> std::io::Result<()> {
        match (event, self.format) {
            (FleetEvent::Attempt(attempt), Format::Json) => {
                return self.console.answer_bytes(summary::json::attempt(attempt).as_bytes());
            }
            (FleetEvent::UnknownOutcome { order_id, attempt, .. }, _) => self.console.warning(&format!(
                "{order_id}: the outcome of attempt {attempt} is unknown; the merchant may have received it"
            )),
            (FleetEvent::Throttled { in_flight, .. }, _) => self.console.warning(&format!(
                "{in_flight} attempts are under way: --max-in-flight holds others back"
            )),
            _ => {}
        }
        Ok(())
    }

    fn conclude(mut self, sent: &Sent, gates: &[Gate]) -> CommandResult {
        self.console.end_progress();
        (0..sent.duplicates).for_each(|_| self.summary.count_duplicate());
        self.summary.finish(sent.totals.elapsed);
        let gates = gates.iter().map(|gate| gate.evaluate(&self.summary)).collect();
        let report = RunReport { summary: self.summary, gates };
        let exit = match (sent.totals.ending, report.is_yes()) {
            (Ending::Complete, true) => Exit::Yes,
            (Ending::Complete, false) => Exit::No,
            (Ending::Stopped | Ending::Aborted, _) => Exit::Interrupted,
        };
        let printed = match self.format {
            Format::Json => self.console.answer_bytes(summary::json::summary(&report).as_bytes()),
            Format::Human => {
                let lines = summary::text::lines(&report);
                lines.iter().try_for_each(|line| self.console.answer(line))
            }
        };
        match self.reports.finish(&report).and(printed.map_err(CommandError::output)) {
            // A proven "no" stands, whether or not it could be written.
            Err(error) if exit == Exit::No => {
                self.console.error(&error);
                Ok(exit)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(exit),
        }
    }
}
