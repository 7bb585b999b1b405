//! `simulate`: notifications, sent as the platform sends them.

mod again;
mod many;
mod orders;
mod reports;
mod resume;
mod screen;

use std::iter;
use std::path::PathBuf;
use std::task::Context;
use std::time::Duration;

use protocol::internal::edit::Edit;
use protocol::internal::notification::{Expectation, Notification};
use protocol::{Algorithm, Dialect, Key, StatusTable};

use super::args::dialect::{DialectArgs, refuse_status};
use super::args::inbox::{RedactArgs, warn_of_missing};
use super::args::input::read_payload;
use super::args::{
    EditArgs, Format, Input, KeyArgs, adopt, adopt_headers, adopt_statuses, parse_payload,
    parse_sign_type, parse_time, target, unusable_schedule, whole,
};
use super::consent::{file_of_url, obtain_for_project};
use super::runtime::{Interrupts, block_on, held_back, not_sent};
use super::signing::{choose_scheme, edited, sign_payload};
use super::wire_args::WireArgs;
use super::{CommandResult, answer, conclude};
use crate::clock::{Clock, SystemClock};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::net::options::Connections;
use crate::net::target::{Target, TargetError};
use crate::net::transport::{Request, Transport};
use crate::report::delivery::{
    DeliveryPlan, attempt_json, attempt_lines, reply_line, result_json, result_line,
};
use crate::report::line::Line;
use crate::report::redact::{AttemptRedactor, FieldRedactor};
use crate::sender::decide::RetryPlan;
use crate::sender::engine::{AttemptDetails, Engine, LoadLimits};
use crate::sender::judge::Judge;
use crate::sender::orders::example::Example;
use crate::sender::orders::ids::OrderIds;
use crate::sender::record::{Attempt, Order, OrderEnd, OrderResult};
use crate::sender::schedule::{DEFAULT_WINDOW, PRESETS, RetrySchedule, Speed};
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;
use crate::units::status_word::StatusWord;

/// Send a notification to a merchant as the platform does, with its retries.
///
/// Stops at the first acknowledgement: a 2xx reply whose JSON has the error_code "0000", or the
/// dialect's success reply. Exits with 0 when acknowledged, with 1 when the schedule ended without.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify simulate http://localhost:8787/notify --speed 60x\n  payout-notify simulate http://localhost:8787/notify --count 500 --rate 50/s --report html=run.html\n  payout-notify simulate http://localhost:8787/notify --life 'processing, 2s, success'"
)]
pub struct SimulateArgs {
    /// The merchant's notify URL; by default the profile's url.
    pub url: Option<String>,
    /// The payload; - reads stdin; without it the platform's example with fresh ids and times.
    pub file: Option<PathBuf>,
    /// The status: success, cancelled, failed or a number.
    #[arg(long, value_name = "STATUS", value_parser = StatusWord::parse, allow_hyphen_values = true)]
    pub status: Option<StatusWord>,
    /// How the platform signs, and which reply it expects.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// How to sign: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// When to retry: backoff, even, ten-in-total, or a list such as 15s,30s,5m [default: backoff].
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<String>,
    /// How many retries may follow the first notification [default: 10].
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub retries: Option<usize>,
    /// The time after the order's completion in which the platform tries [default: 1h].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub window: Option<Duration>,
    /// Speed up the waits between attempts; replies are not sped up [default: 1x].
    #[arg(long, value_name = "FACTOR", value_parser = Speed::parse)]
    pub speed: Option<Speed>,
    /// How long to wait for a whole reply [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Send to the URL of a project's payout-notify.toml without being asked, also where it is neither
    /// on this machine nor in a private network.
    #[arg(long)]
    pub yes: bool,
    /// The project's file that the URL is from.
    #[arg(skip)]
    pub url_file: Option<PathBuf>,
    /// Print the timeline and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out of what is shown and reported; a journal has it all.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// Changes to the payload.
    #[command(flatten)]
    pub edits: EditArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Many orders.
    #[command(flatten)]
    pub many: many::ManyArgs,
    /// How the request travels.
    #[command(flatten)]
    pub wire: WireArgs,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

impl SimulateArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        self.key.adopt(chosen);
        // With the profile's URL, a single argument that is not a URL is the payload.
        let is_file =
            |text: &String| matches!(Target::parse(text), Err(error) if error != TargetError::Port);
        if profile.url.is_some() && self.file.is_none() {
            self.file = self.url.take_if(|text| is_file(text)).map(PathBuf::from);
        }
        self.url_file = file_of_url(self.url.as_ref(), chosen);
        adopt(&mut self.url, profile.url.as_ref());
        adopt(&mut self.timeout, profile.timeout.as_ref());
        adopt_statuses(&mut self.statuses, profile);
        adopt_headers(&mut self.wire.header, profile.headers.as_ref());
        if self.many.resume {
            return;
        }
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt(&mut self.sign_type, profile.sign_type.as_ref());
        adopt(&mut self.schedule, profile.schedule.as_ref());
        let makes_orders = self.file.is_none() && self.many.from.is_none();
        if let Some(id) = profile.platform_id.as_ref().filter(|_| makes_orders) {
            self.edits.adopt("platform_id", &id.value);
        }
    }

    fn status(&self) -> Option<i64> {
        self.status.map(|status| status.number(&self.statuses))
    }

    fn schedule(&self) -> &str {
        self.schedule.as_deref().unwrap_or(PRESETS[0])
    }

    fn window(&self) -> Duration {
        self.window.unwrap_or(DEFAULT_WINDOW)
    }

    fn speed(&self) -> Speed {
        self.speed.unwrap_or(Speed::REAL)
    }
}

pub fn run(args: &SimulateArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let target = target(args.url.as_deref())?;
    let chosen_by = args
        .status
        .map(|_| "--status")
        .or(args.many.mix.as_ref().map(|_| "--mix"))
        .or(args.many.life.first().map(|_| "--life"));
    args.edits.leave_the_status_to(chosen_by)?;
    let schedule = match args.many.resume {
        // The journal's counts: what is given here is only compared with it.
        true => RetrySchedule::default(),
        false => RetrySchedule::parse(args.schedule(), args.retries, args.window())
            .map_err(unusable_schedule)?,
    };
    let dialect = args.dialect.resolve(args.sign_type.filter(|_| !args.many.resume))?;
    if let Some(status) = args.status() {
        refuse_status(status, dialect, &args.statuses)?;
    }
    // A plan alone needs no key, nor do bodies that are signed already; a wrong one is an error.
    let needs_key = !args.dry_run && !args.many.resume;
    let key = match args.key.resolve(environment, console) {
        Err(_) if !needs_key && args.key.is_absent(environment) => None,
        key => Some(key?),
    };
    let judge = Judge::new(dialect.acknowledgement());
    // One that is drawn is short, so that it can be typed again.
    let seed = args.many.seed.unwrap_or_else(|| u64::from(fastrand::u32(..)));
    let many = args.many.asked();
    if let Some(flag) = many.filter(|_| args.dry_run) {
        let told = match flag {
            "--life" => {
                "--dry-run shows the timeline of one notification, and --life sends several"
                    .to_owned()
            }
            flag => format!("--dry-run shows one order's timeline, and {flag} asks for many"),
        };
        return Err(CommandError::usage(told).hint(format!("leave out {flag}")));
    }
    let usual = if many.is_some() { Connections::Reused } else { Connections::Fresh };
    let (client, options) = args.wire.connect(
        &target,
        (usual, args.timeout),
        seed,
        &dialect.layout,
        &args.redact,
        console,
    )?;
    if let Some(file) = args.url_file.as_ref().filter(|_| !args.yes && !args.dry_run) {
        obtain_for_project(file, &target, &client, options.timeout, console)?;
    }
    let request = Request::new(target, options, "");
    let setup = Setup { args, schedule, dialect, request, judge, seed };
    match many {
        // What the wire cannot do is told without sending, too.
        None if args.dry_run => print_plan(&setup, key.as_ref(), console),
        None => send_one(&setup, key.as_ref(), &client, console),
        Some(_) => many::run(&setup, key, &client, console),
    }
}

struct Setup<'a> {
    args: &'a SimulateArgs,
    schedule: RetrySchedule,
    dialect: &'static Dialect,
    request: Request,
    judge: Judge,
    seed: u64,
}

fn send_one(
    setup: &Setup<'_>,
    key: Option<&Key>,
    transport: &impl Transport,
    console: &mut Console,
) -> CommandResult {
    let args = setup.args;
    let one = One::prepare(setup, key, console)?;
    let mut redactor = AttemptRedactor::new(args.redact.redactor());
    let shown = one.shown(setup, &mut redactor.fields);
    let plan = one.plan(setup, &shown, key);
    let order = Order {
        number: 1,
        id: one.notification.order_id.as_deref().unwrap_or_default().into(),
        body: one.body.as_slice().into(),
        completed_at: one.clock.wall(),
        duplicate_of: None,
    };
    let engine = Engine {
        request: &setup.request,
        judge: &setup.judge,
        plan: RetryPlan::new(&setup.schedule, args.speed()),
        limits: LoadLimits::ONE,
        clock: &one.clock,
        transport,
        journal: None,
    };
    let mut is_told = false;
    let end = block_on(async {
        let mut interrupts = Interrupts::catch();
        answer(args.format, || plan.json("ready"), || plan.lines(), console)?;
        let poll_stop = &mut |context: &mut Context<'_>| interrupts.poll_next(context);
        let end = engine.deliver(order, poll_stop, |attempt, details| {
            if let Some(why) = held_back(transport).filter(|_| !is_told) {
                is_told = true;
                console.note(&Line::new().plain(why));
            }
            let show = &mut |attempt: &Attempt, details: &AttemptDetails<'_>| match args.format {
                Format::Json => console.answer_bytes(attempt_json(attempt, details).as_bytes()),
                Format::Human => attempt_lines(attempt, details)
                    .into_iter()
                    .chain(reply_line(details))
                    .try_for_each(|line| console.answer(&line)),
            };
            if !redactor.fields.is_needed() {
                return show(attempt, details);
            }
            let (attempt, outcome) = redactor.attempt(attempt, details);
            show(&attempt, &AttemptDetails { outcome: &outcome, ..*details })
        });
        end.await.map_err(CommandError::output)
    })?;
    warn_of_missing(&redactor.fields, "payload or reply", console);
    let exit = finish(&end, args.format, console);
    not_sent(transport).map_or(exit, Err)
}

struct One {
    clock: SystemClock,
    body: Vec<u8>,
    algorithm: Option<Algorithm>,
    notification: Notification,
}

impl One {
    fn prepare(
        setup: &Setup<'_>,
        key: Option<&Key>,
        console: &mut Console,
    ) -> Result<One, CommandError> {
        let clock = SystemClock::new();
        let source = read_source(setup.args, setup.dialect, &clock, console)?;
        let (body, algorithm) = prepared_body(setup.args, &source, setup.dialect, key)?;
        let layout = &setup.dialect.layout;
        let payload = read_payload(&body, &source.name, layout.transport.encoding())?;
        let (expectation, statuses) = (Expectation::Notification, &setup.args.statuses);
        let notification = Notification::read(&payload, expectation, layout, statuses);
        Ok(One { clock, body, algorithm, notification })
    }

    /// The URL and the notification as they may be shown.
    fn shown(&self, setup: &Setup<'_>, redactor: &mut FieldRedactor) -> (String, Notification) {
        let (url, shown) = (setup.request.url.to_string(), self.notification.clone());
        match redactor.is_needed() {
            true => redactor.delivery(&self.body, (url, shown)),
            false => (url, shown),
        }
    }

    fn plan<'p>(
        &self,
        setup: &'p Setup<'_>,
        (url, notification): &'p (String, Notification),
        key: Option<&Key>,
    ) -> DeliveryPlan<'p> {
        DeliveryPlan {
            url: url.clone(),
            notification,
            sign_type: self.algorithm.map(Algorithm::name),
            schedule: &setup.schedule,
            key_fingerprint: key.map(Key::fingerprint),
            start: self.clock.wall(),
        }
    }
}

fn read_source(
    args: &SimulateArgs,
    dialect: &Dialect,
    clock: &SystemClock,
    console: &mut Console,
) -> Result<Input, CommandError> {
    match &args.file {
        Some(path) => Input::read(Some(path), console),
        None => {
            let statuses = args.statuses;
            let status = args.status().unwrap_or_else(|| statuses.success());
            let failed = statuses.failed();
            let example = Example { status, failed, completed_at: clock.wall() };
            let text = example.payload(&OrderIds::new(fastrand::u64(..)), 0);
            let text = dialect.layout.rewrite(&text, &statuses).into_owned();
            Ok(Input { bytes: text.into_bytes(), name: "the example".to_owned() })
        }
    }
}

fn prepared_body(
    args: &SimulateArgs,
    source: &Input,
    dialect: &Dialect,
    key: Option<&Key>,
) -> Result<(Vec<u8>, Option<Algorithm>), CommandError> {
    let layout = &dialect.layout;
    let status = args.status().filter(|_| args.file.is_some()).map(|status| {
        let (name, json) = layout.status(status, &args.statuses);
        Edit::Put { name, json }
    });
    let changes = args.edits.edits_in(layout);
    let edits = status.iter().chain(&changes);
    let payload = source.payload()?;
    let (scheme, _) = choose_scheme(&payload, dialect, args.sign_type)?;
    let text = edited(&payload, edits)?;
    let sent =
        layout.transport.encode(&parse_payload(text.as_bytes(), &source.name)?, scheme.nulls);
    let Some(key) = key else {
        return Ok((sent.into_owned().into_bytes(), None));
    };
    let payload = read_payload(sent.as_bytes(), &source.name, layout.transport.encoding())?;
    let signed = sign_payload(&payload, iter::empty(), dialect, args.sign_type, key)?;
    Ok((signed.body.into_bytes(), Some(signed.scheme.algorithm)))
}

fn print_plan(setup: &Setup<'_>, key: Option<&Key>, console: &mut Console) -> CommandResult {
    let one = One::prepare(setup, key, console)?;
    let mut redactor = setup.args.redact.redactor();
    let shown = one.shown(setup, &mut redactor);
    let plan = one.plan(setup, &shown, key);
    warn_of_missing(&redactor, "payload", console);
    let lines = || [plan.lines(), plan.timeline()].concat();
    answer(setup.args.format, || plan.json("plan"), lines, console).map(|()| Exit::Yes)
}

fn finish(end: &OrderEnd, format: Format, console: &mut Console) -> CommandResult {
    let exit = match end.result {
        OrderResult::Acknowledged => Exit::Yes,
        OrderResult::Exhausted(_) => Exit::No,
        OrderResult::Interrupted(_) => Exit::Interrupted,
    };
    conclude(exit, answer(format, || result_json(end), || vec![result_line(end)], console))
}
