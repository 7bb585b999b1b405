//! Many orders: at a rate, through a crash, into a report.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::mem;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use jiff::Timestamp;
use protocol::{Key, Kind, StatusTable};
use tokio::time::{MissedTickBehavior, interval};

use super::super::CommandResult;
use super::super::args::whole;
use super::super::runtime::{Interrupts, block_on, descriptors, held_back, not_sent};
use super::Setup;
use super::orders::{self, of_arguments};
use super::reports::Reports;
use super::resume::{config, refused, resume};
use super::screen::{Screen, Unknown, ready};
use crate::clock::{Clock, PreciseClock};
use crate::error::{CommandError, ErrorKind};
use crate::net::options::RequestOptions;
use crate::net::transport::{Request, Transport};
use crate::report::gates::Gate;
use crate::report::redact::{AttemptRedactor, FieldRedactor};
use crate::report::summary::{DeliverySummary, RunFacts};
use crate::report::target::ReportTarget;
use crate::sender::decide::{Decision, LastOutcome};
use crate::sender::engine::{
    AttemptDetails, DEFAULT_DRAIN, Ending, Engine, EngineInput, LoadLimits, OnEvent, PollStop,
    RunError, RunTotals,
};
use crate::sender::journal::{EarlierSessions, Journal, Resumable, RunConfig, Times};
use crate::sender::judge::Judge;
use crate::sender::orders::Orders;
use crate::sender::orders::error::OrderError;
use crate::sender::orders::file::FileFormat;
use crate::sender::orders::life::LifeWords;
use crate::sender::orders::mix::MixWords;
use crate::sender::record::{BegunOrder, EngineEvent, Order};
use crate::sender::schedule::parse_duration;
use crate::terminal::Console;
use crate::units::percent::Percent;
use crate::units::rate::Rate;

/// How often a live line is drawn while nothing happens: between retries its rate and its time are old
/// otherwise.
const REDRAW_EVERY: Duration = Duration::from_millis(500);

/// Many orders; any of these makes a run of many, even of one.
#[derive(clap::Args)]
#[command(next_help_heading = "Many orders")]
pub struct ManyArgs {
    /// Send this many orders with fresh ids; --set may hold {uuid}, {now}, {hex:8}, {1..500}.
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroU64>)]
    pub count: Option<NonZeroU64>,
    /// Send the orders of this file: one payload per line, or CSV with a header; - reads stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "count")]
    pub from: Option<PathBuf>,
    /// The format of --from: ndjson or csv; unless told, by the file's name.
    #[arg(long, value_name = "FORMAT", value_parser = FileFormat::parse, requires = "from")]
    pub from_format: Option<FileFormat>,
    /// Make ids, values, statuses and jitter the same each time.
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// Mix statuses, such as success=90,failed=8,cancelled=2.
    #[arg(long, value_name = "SHARES", value_parser = MixWords::parse, conflicts_with = "status")]
    pub mix: Option<MixWords>,
    /// Send several notifications of each order, such as 'processing, 2s, success'; pauses count from
    /// the order's start, and several lives have weights, such as 'success, failed=20'.
    #[arg(
        long,
        value_name = "LIFE",
        value_parser = LifeWords::parse,
        conflicts_with_all = ["from", "status", "mix"],
    )]
    pub life: Vec<LifeWords>,
    /// Send this share of the orders twice.
    #[arg(long, value_name = "PERCENT", value_parser = Percent::from_str)]
    pub duplicates: Option<Percent>,
    /// How many attempts may be in flight at once without --rate [default: 16].
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroUsize>)]
    pub concurrency: Option<NonZeroUsize>,
    /// Start orders at this rate, such as 500/s, however slow the merchant is.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    pub rate: Option<Rate>,
    /// Reach the rate after this time.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "rate")]
    pub ramp: Option<Duration>,
    /// Hard limit on attempts in flight [default: 1000].
    #[arg(long, value_name = "N", value_parser = whole::<NonZeroUsize>)]
    pub max_in_flight: Option<NonZeroUsize>,
    /// Vary the delays by this share, from the seed.
    #[arg(long, value_name = "PERCENT", value_parser = Percent::from_str)]
    pub jitter: Option<Percent>,
    /// Wait as long as a reply's Retry-After asks.
    #[arg(long)]
    pub honor_retry_after: bool,
    /// Record each attempt in this file before it is sent, and its outcome after; a link is followed
    /// only if it is your own and leads to a file.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Continue the journal's run as it began: its orders, schedule, rate and dialect.
    #[arg(
        long,
        requires = "journal",
        conflicts_with_all = [
            "count", "from", "mix", "life", "duplicates", "status", "set", "set_str", "unset",
        ],
    )]
    pub resume: bool,
    /// Write a report: json=, junit=, html= or ndjson=FILE; several may be given. A link, and a file that
    /// payout-notify did not write, are not replaced.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = ReportTarget::parse)]
    pub report: Vec<ReportTarget>,
    /// Fail if this is met, such as 'p99>200ms', 'ttfb.p99>100ms' or 'acked<100%'; several may be given.
    #[arg(long, value_name = "GATE", value_parser = Gate::parse)]
    pub fail_if: Vec<Gate>,
}

/// The open files that attempts leave free: for the journal, and for looking up names.
const SPARE_DESCRIPTORS: usize = 16;

impl ManyArgs {
    /// The first flag here that was given; `None` where a single order is asked for.
    pub(super) fn asked(&self) -> Option<&'static str> {
        let flags = [
            (self.count.is_some(), "--count"),
            (self.from.is_some(), "--from"),
            (self.seed.is_some(), "--seed"),
            (self.mix.is_some(), "--mix"),
            (!self.life.is_empty(), "--life"),
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

    /// The limits of the run, and the limit of open files where that is the lower one.
    fn limits(&self) -> (LoadLimits, Option<usize>) {
        let or = |given: Option<NonZeroUsize>, usual| {
            given.or(NonZeroUsize::new(usual)).unwrap_or(NonZeroUsize::MIN)
        };
        let most = or(self.max_in_flight, 1000);
        let limits = |max_in_flight| LoadLimits {
            concurrency: or(self.concurrency, 16),
            max_in_flight,
            drain: DEFAULT_DRAIN,
        };
        match descriptors().map(|(limit, free)| (limit, free.saturating_sub(SPARE_DESCRIPTORS))) {
            Some((limit, free)) if free < most.get() => {
                let free = NonZeroUsize::new(free).unwrap_or(NonZeroUsize::MIN);
                (limits(free), Some(limit))
            }
            _ => (limits(most), None),
        }
    }
}

/// A run from its start, or from where a journal left it.
struct Session {
    config: RunConfig,
    journal: Option<Journal>,
    begun: Vec<BegunOrder>,
    orders: Orders,
    /// How many orders the run has, where that is known.
    total: Option<u64>,
    /// How many of them are in the journal without an attempt.
    waiting: u64,
    /// How many orders an earlier session left; `None` of a new run.
    left: Option<u64>,
}

pub(super) fn run(
    setup: &Setup<'_>,
    key: Option<Key>,
    transport: &impl Transport,
    console: &mut Console,
) -> CommandResult {
    let many = &setup.args.many;
    if setup.args.file.is_some() && !many.life.is_empty() {
        return Err(CommandError::usage("FILE is one notification, and --life makes several")
            .hint("leave out FILE: the orders of --life are made, and --set changes them"));
    }
    if let (Some(_), Some(flag)) = (&setup.args.file, many.asked()) {
        return Err(CommandError::usage(format!("FILE is one order, and {flag} asks for many"))
            .hint("give many orders with --from FILE, or leave the flag out"));
    }
    // An invalid flag or row is reported before a journal is made.
    let planned = match (many.resume, &key) {
        (true, _) => None,
        (false, Some(key)) => Some((of_arguments(setup, key.clone())?, key.fingerprint())),
        (false, None) => return Err(CommandError::usage("no key was given")),
    };
    let reports = Reports::open(many)?;
    let clock = PreciseClock::try_new()
        .map_err(|error| CommandError::environment("cannot set up the clock").because(error))?;
    block_on(async {
        // From here on a request to end is caught, and not left to the default action.
        let mut interrupts = Interrupts::catch();
        let start = clock.wall();
        let mut session = match planned {
            Some((orders, fingerprint)) => Session::begin(setup, orders, fingerprint, start)?,
            None => Session::resume(setup, key.as_ref(), start)?,
        };
        drop(key);
        reports.begin()?;
        let mut redactor = AttemptRedactor::new(setup.args.redact.redactor());
        let facts = session.facts(setup, &mut redactor.fields);
        let life = match redactor.fields.hides("status") {
            true => Vec::new(),
            false => statuses_of_one(&facts, &setup.args.statuses),
        };
        let mut summary = DeliverySummary::new(facts.clone());
        if let Some(journal) = &session.journal {
            journal.begin().await.map_err(refused)?;
            if session.left.is_some() {
                if facts.lives.is_none() {
                    session.orders.waiting = Some(Box::new(journal.waiting().map_err(refused)?));
                }
                replay(journal, &mut redactor, &mut summary)?;
            }
        }
        let seed = session.config.seed.unwrap_or(setup.seed);
        ready(&facts, session.left, seed, setup.args.format, console)
            .map_err(CommandError::output)?;
        let (limits, open_files) = many.limits();
        let (format, unknown) = (setup.args.format, Unknown::of(session.unknown_outcomes()));
        let screen = RefCell::new(Screen {
            many,
            format,
            console,
            reports,
            summary,
            unknown,
            redactor,
            open_files,
            is_held_back: false,
            life,
        });
        let begun = clock.now();
        let on_event = &mut |event: &EngineEvent, details: Option<&AttemptDetails<'_>>| {
            let elapsed = event.at().unwrap_or_else(|| clock.now().saturating_sub(begun));
            let mut screen = screen.borrow_mut();
            screen.tell_held_back(held_back(transport));
            screen.show(event, details, elapsed)
        };
        let mut redraw = interval(REDRAW_EVERY);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let poll_stop = &mut |context: &mut Context<'_>| {
            // The second poll is the one that asks to be woken.
            while redraw.poll_tick(context).is_ready() {
                screen.borrow_mut().redraw(clock.now().saturating_sub(begun));
            }
            interrupts.poll_next(context)
        };
        let ended = session.send(setup, (limits, &clock, transport), poll_stop, on_event).await;
        let sent = session.close(many, ended, clock.now().saturating_sub(begun), transport)?;
        let mut screen = screen.into_inner();
        screen.tell_held_back(held_back(transport));
        screen.conclude(sent)
    })
}

/// The statuses of the run's order, where it is a single one with a life.
fn statuses_of_one(facts: &RunFacts, statuses: &StatusTable) -> Vec<String> {
    let lives = facts.lives.as_ref().filter(|_| facts.orders == Some(1));
    let steps = lives.and_then(|lives| lives.life(0)).map_or(&[][..], |life| life.steps());
    let name = |status| {
        let known = statuses.status(Kind::Payout, status);
        known.map_or_else(|| format!("status {status}"), |known| known.name.to_owned())
    };
    steps.iter().map(|step| name(step.status)).collect()
}

fn replay(
    journal: &Journal,
    redactor: &mut AttemptRedactor,
    summary: &mut DeliverySummary,
) -> Result<(), CommandError> {
    let earlier = journal.replay(|event, times| match (&*redactor.event(event, None), times) {
        (EngineEvent::Attempt(attempt), Times::Unknown) => summary.fold_untimed(attempt),
        (event, _) => summary.fold(event),
    });
    let EarlierSessions { sessions, length, duplicates } = earlier.map_err(refused)?;
    (0..duplicates).for_each(|_| summary.count_duplicate());
    summary.begin_part(sessions, length);
    Ok(())
}

impl Session {
    fn begin(
        setup: &Setup<'_>,
        orders: Orders,
        key_fingerprint: String,
        start: Timestamp,
    ) -> Result<Session, CommandError> {
        let config = config(setup, key_fingerprint, orders.plan(), start);
        let journal = match &setup.args.many.journal {
            None => None,
            Some(path) => Some(Journal::create(path, &config).map_err(refused)?),
        };
        let total = orders.remaining();
        Ok(Session { config, journal, begun: Vec::new(), orders, total, waiting: 0, left: None })
    }

    fn resume(
        setup: &Setup<'_>,
        key: Option<&Key>,
        now: Timestamp,
    ) -> Result<Session, CommandError> {
        let (journal, found, mut orders) = resume(setup, key, now)?;
        let Resumable { run: config, begun, counts, .. } = found;
        let unmade = orders.remaining().unwrap_or_default();
        let lives = orders.plan().lives();
        let plan = config.retry_plan();
        let continues = |order: &&BegunOrder| {
            let BegunOrder { order, attempts, last, elapsed } = order;
            matches!(plan.resume((order.number, *attempts), *last, *elapsed), Decision::Retry(_))
        };
        let begun_left = begun.iter().filter(continues);
        let Some(lives) = lives else {
            let left = Some(begun_left.count() as u64 + counts.waiting + unmade);
            let (total, waiting) = (Some(counts.orders + unmade), counts.waiting);
            let journal = Some(journal);
            return Ok(Session { journal, orders, total, waiting, left, config, begun });
        };
        let unsent: Result<Vec<Order>, _> = journal.waiting().and_then(Iterator::collect);
        let unsent = unsent.map_err(refused)?;
        let numbers = begun_left.map(|it| it.order.number).chain(unsent.iter().map(|it| it.number));
        let started: BTreeSet<u64> = numbers.map(|number| lives.place(number).order).collect();
        let (total, left) = (orders.plan().orders(), Some(started.len() as u64 + unmade));
        orders.continue_lives(lives.left(unsent, now));
        let (journal, orders) = (Some(journal), orders.at_speed(config.speed));
        Ok(Session { journal, orders, total, waiting: 0, left, config, begun })
    }

    fn facts(&self, setup: &Setup<'_>, redactor: &mut FieldRedactor) -> RunFacts {
        RunFacts {
            url: redactor.url(&setup.request.url.to_string()),
            started_at: self.config.started_at,
            schedule: self.config.schedule.name().to_owned(),
            orders: self.total,
            lives: self.orders.plan().lives().map(Arc::new),
            rate: self.config.pace.rate.map(Rate::per_second),
            ramp: self.config.pace.ramp.filter(|ramp| !ramp.is_zero()),
        }
    }

    fn unknown_outcomes(&self) -> usize {
        self.begun.iter().filter(|order| order.last != LastOutcome::Known).count()
    }

    async fn send(
        &mut self,
        setup: &Setup<'_>,
        (limits, clock, transport): (LoadLimits, &PreciseClock, &impl Transport),
        poll_stop: &mut PollStop<'_>,
        on_event: &mut OnEvent<'_, CommandError>,
    ) -> Result<RunTotals, RunError<CommandError>> {
        let dialect = self.config.dialect.as_ref().unwrap_or(setup.dialect);
        let rule = dialect.acknowledgement();
        let options = RequestOptions::clone(&setup.request.options).laid_out(&dialect.layout);
        let request = &Request::new(setup.request.url.clone(), Arc::new(options), "");
        let judge = &Judge::new(rule);
        let (plan, journal) = (self.config.retry_plan(), self.journal.as_ref());
        let engine = Engine { request, judge, plan, limits, clock, transport, journal };
        let count = self.orders.remaining().map(|rest| rest + self.waiting);
        let (begun, pace) = (mem::take(&mut self.begun), self.config.pace);
        let input = EngineInput { begun, orders: &mut self.orders, count, pace };
        engine.run(input, poll_stop, on_event).await
    }

    /// Brings the journal to the disk, whatever ended the run.
    fn close(
        self,
        many: &ManyArgs,
        ended: Result<RunTotals, RunError<CommandError>>,
        elapsed: Duration,
        transport: &impl Transport,
    ) -> Result<Sent, CommandError> {
        let closed = self.journal.map_or(Ok(()), |journal| journal.close().map_err(refused));
        let (elapsed, ending, halted) = match ended {
            Ok(RunTotals { elapsed, ending, .. }) => {
                (elapsed, ending, closed.err().or_else(|| not_sent(transport)))
            }
            Err(RunError::Source(OrderError::Journal(error)) | RunError::Journal(error)) => {
                (elapsed, Ending::Aborted, Some(refused(error)))
            }
            Err(RunError::Source(error)) => {
                (elapsed, Ending::Stopped, Some(orders::refused(many, error)))
            }
            // Nobody reads on, so there is nothing more to say.
            Err(RunError::Event(error)) if error.kind == ErrorKind::BrokenPipe => {
                return Err(error);
            }
            Err(RunError::Event(error)) => (elapsed, Ending::Aborted, Some(error)),
        };
        let (duplicates, skipped) = (self.orders.duplicates(), self.orders.skipped_rows());
        Ok(Sent { elapsed, ending, duplicates, skipped, halted })
    }
}

pub(super) struct Sent {
    pub(super) elapsed: Duration,
    pub(super) ending: Ending,
    pub(super) duplicates: u64,
    pub(super) skipped: u64,
    pub(super) halted: Option<CommandError>,
}
