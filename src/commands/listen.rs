//! `listen`: a local merchant that shows what the platform sends, and keeps it.

mod api;
mod args;
mod reporter;
mod tunnel;
mod tunnel_urls;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use api::{ApiPlan, Bound, RunningApi};
use args::{ApiArgs, ForwardArgs, IdentityArgs, KeepArgs, RefereeArgs, ReplyArgs, TlsArgs};
use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::{Algorithm, Key, StatusTable};
use reporter::{Budget, ListenReporter};
use tokio::sync::mpsc;
use tunnel::{TunnelArgs, TunnelError, TunnelSetup};

use super::CommandResult;
use super::args::dialect::DialectArgs;
use super::args::inbox::refused;
use super::args::input::InputKind;
use super::args::{
    Format, KeyArgs, OtherKeyArgs, adopt, adopt_statuses, parse_count, parse_sign_type,
};
use super::runtime::{Interrupts, block_on};
use crate::clock::wall_time;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::keyring::Keyring;
use crate::mask::Untrusted;
use crate::net::client::ClientConfig;
use crate::net::trace::Trace;
use crate::receiver::callback::Callback;
use crate::receiver::delivery_counter::{DEFAULT_CAPACITY, Orders};
use crate::receiver::events::{
    Event, EventSender, InboxChoice, ListenCounters, ListenInfo, ListenSummary, OutputPolicy,
};
use crate::receiver::forward::Forwarder;
use crate::receiver::inbox::{Inbox, InboxSettings};
use crate::receiver::pipeline::{Pipeline, locked};
use crate::receiver::referee::{Referee, RefereeReport, Rules};
use crate::receiver::replies::{ReplyProgram, Runner};
use crate::receiver::server::Server;
use crate::receiver::server::handler_output::Answer;
use crate::receiver::server::limits::Limits;
use crate::receiver::verify::{Accepts, Contract};
use crate::report::{callback, referee};
use crate::sender::schedule::parse_duration;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::store::StoreError;
use crate::terminal::Console;

/// Listen as a local merchant: keep each callback, show it, verify it, and answer as the protocol requires.
///
/// A valid notification is acknowledged with {"error_code":"0000"}, or as the dialect requires; anything else is refused with
/// the platform's own codes. --reply answers by a program, --forward-to asks an application. Ctrl-C ends it with a
/// summary.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify listen --bind 8787 --key-file key.txt\n  payout-notify listen --reply 'fail*3, hang 35s, ok' --referee\n  payout-notify listen --forward-to http://localhost:3000/notify"
)]
pub struct ListenArgs {
    /// Where to listen: HOST:PORT, a port (on loopback), or :0 for a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub bind: String,
    /// Listen on an address that other machines can reach.
    #[arg(long)]
    pub allow_remote: bool,
    /// How the platform signs, and which reply it expects.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// In which form callbacks are taken [default: as the dialect sends them; the platform POSTs JSON].
    #[arg(long, value_name = "FORM")]
    pub input: Option<InputKind>,
    /// Refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// End after this many callbacks; exit with 1 if fewer were valid.
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub count: Option<u64>,
    /// End after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Show no callbacks, only the beginning, what goes wrong, and the summary.
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show headers and body too, and on stderr how the application is reached.
    // -vv asks for no more, and is no mistake either.
    #[arg(long, short, overrides_with = "verbose")]
    pub verbose: bool,
    /// Where callbacks are kept.
    #[command(flatten)]
    pub inbox: KeepArgs,
    /// What is answered.
    #[command(flatten)]
    pub replies: ReplyArgs,
    /// An application behind the listener.
    #[command(flatten)]
    pub forward: ForwardArgs,
    /// What the sender is held to.
    #[command(flatten)]
    pub referee: RefereeArgs,
    /// The API and the page.
    #[command(flatten)]
    pub api: ApiArgs,
    /// How others reach the listener.
    #[command(flatten)]
    pub tunnel: TunnelArgs,
    /// How the listener speaks TLS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Keys that may have been used by mistake.
    #[command(flatten)]
    pub other_keys: OtherKeyArgs,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

const QUEUE: usize = 4096;

/// The stack of the thread that serves: as large as a program's first thread has it.
const STACK: usize = 8 * 1024 * 1024;

/// The most diagnoses in one second: a search costs far more than the request that causes it.
const MOST_DIAGNOSES: u64 = 5;

const MOST_REMARKS: u64 = 20;

const LAST_WORDS: Duration = Duration::from_secs(5);

struct Setup {
    address: SocketAddr,
    contract: Contract,
    keys: Arc<Keyring>,
    others: Arc<Vec<(String, Key)>>,
    rule: AcknowledgementRule,
    inbox: Option<(PathBuf, InboxSettings)>,
    forwarder: Option<Arc<Forwarder>>,
    /// How the application and the page's own requests reach others.
    reach: ClientConfig,
    rules: Option<Rules>,
    identity: Option<IdentityArgs>,
    api: Option<ApiPlan>,
    tunnel: Option<TunnelSetup>,
}

struct Served {
    /// Why the listener ended, where neither a person nor its time ended it.
    failed: Option<CommandError>,
    verdict: Option<RefereeReport>,
    unclosed: Option<String>,
}

/// Listens until it is told to end.
///
/// Callbacks are served on a thread of their own and printed on this one, so that a terminal that
/// takes nothing delays no reply.
pub fn run(args: &ListenArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let setup = setup(args, environment, console)?;
    let (events, received) = mpsc::channel(QUEUE);
    let (stop, stopped) = mpsc::channel(2);
    let counters = Arc::new(ListenCounters::default());
    let reporter = ListenReporter {
        args,
        console: &mut *console,
        received,
        stop: stop.clone(),
        contract: setup.contract,
        keys: Arc::clone(&setup.keys),
        others: Arc::clone(&setup.others),
        counters: Arc::clone(&counters),
        forwarder: setup.forwarder.clone(),
        diagnoses: Budget::a_second(MOST_DIAGNOSES),
        remarks: Budget::a_second(MOST_REMARKS),
    };
    let policy = args.output_policy(&setup);
    let events = EventSender::new(policy, events, stop, args.count, Arc::clone(&counters));
    let (served, shown) = thread::scope(|scope| {
        let serving = thread::Builder::new().name("listener".to_owned()).stack_size(STACK);
        let serving = serving.spawn_scoped(scope, || block_on(serve(args, setup, events, stopped)));
        let shown = reporter.run();
        (serving.map(|thread| thread.join()), shown)
    });
    let failed = || CommandError::environment("the listener's thread failed");
    let served = served.map_err(|error| failed().because(error))?.map_err(|_| failed())??;
    shown.map_err(CommandError::output)?;
    if let Some(warning) = served.unclosed {
        console.warning(&warning);
    }
    let finished = finish(args, &counters.summary(), served.verdict.as_ref(), console);
    served.failed.map_or(finished, Err)
}

impl ListenArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        self.key.adopt(chosen);
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt_statuses(&mut self.statuses, profile);
        // An application that a flag names answers itself.
        if self.replies.reply.is_none() && self.forward.forward_to.is_none() {
            let program = profile.reply.as_ref();
            self.replies.reply = program.and_then(|text| ReplyProgram::parse(&text.value).ok());
        }
    }

    fn output_policy(&self, setup: &Setup) -> OutputPolicy {
        match (self.quiet, self.format, &setup.inbox) {
            (true, ..) => OutputPolicy::Nothing,
            (false, Format::Human, Some(_)) => OutputPolicy::BestEffort,
            (false, ..) => OutputPolicy::Everything,
        }
    }
}

fn setup(
    args: &ListenArgs,
    environment: &Environment,
    console: &mut Console,
) -> Result<Setup, CommandError> {
    let address = parse_bind(&args.bind)?;
    if !address.ip().is_loopback() && !args.allow_remote {
        return Err(CommandError::usage(format!("{address} can be reached by other machines"))
            .hint("add --allow-remote if that is meant, or bind 127.0.0.1"));
    }
    let inbox = args.inbox.resolve(environment, console)?;
    let api = args.api.resolve(inbox.is_some())?;
    let contract = contract(args)?;
    let mut reach = args.forward.reach.config(console)?;
    reach.trace = args.verbose.then(|| {
        let show = console.tracer();
        Trace::new(move |_, lines| show(lines))
    });
    let rule = AcknowledgementRule::for_reply(&contract.dialect.success_reply);
    Ok(Setup {
        address,
        contract,
        keys: Arc::new(args.key.resolve_all(environment, console)?),
        others: Arc::new(args.other_keys.resolve(console)?),
        inbox,
        forwarder: args.forward.resolve(rule.clone(), &reach, console)?.map(Arc::new),
        reach,
        rule,
        rules: args.referee.resolve()?,
        identity: args.tls.resolve(&address.ip().to_string(), console)?,
        api,
        tunnel: args.tunnel.resolve(address)?,
    })
}

async fn serve(
    args: &ListenArgs,
    setup: Setup,
    events: EventSender,
    stopped: mpsc::Receiver<()>,
) -> Result<Served, CommandError> {
    let server = Server::bind(setup.address, Limits::default()).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::Other => "set the clock, for example with `timedatectl set-time`",
            _ => "choose another address with --bind, or :0 for a free port",
        };
        let what = format!("cannot listen on {}", setup.address);
        CommandError::environment(what).because(error).hint(hint)
    })?;
    let bound = server.local_addr().map_err(|error| {
        CommandError::environment("cannot tell the bound address").because(error)
    })?;
    if setup.forwarder.as_ref().is_some_and(|forwarder| forwarder.target().reaches(bound)) {
        return Err(CommandError::usage("--forward-to names this listener itself")
            .hint("name the application's own address"));
    }
    let interrupts = Interrupts::catch();
    let api = match setup.api {
        Some(plan) => Some(Bound::bind(plan).await?),
        None => None,
    };
    let (pipeline, mut info) = open(args, &setup, bound, api.as_ref(), events)?;
    let api = match (api, &pipeline.inbox) {
        (Some(api), Some(inbox)) => Some(api.serve(
            &pipeline,
            inbox,
            setup.others,
            info.url.clone(),
            setup.reach.clone(),
        )?),
        _ => None,
    };
    info.inspector = api.as_ref().and_then(RunningApi::page_url);
    info.api = api.as_ref().map(RunningApi::info);
    let probe = setup.tunnel.as_ref().map(TunnelSetup::probe);
    let events = pipeline.events.clone();
    let tunnel = open_tunnel(setup.tunnel, bound, setup.reach, info, events.clone());
    let stop = events.stop.clone();
    let mut server = server.with_events(move |event| events.send(Event::Server(event)));
    if let Some(identity) = setup.identity {
        server = server.with_tls(identity.tls);
    }
    let serving = Arc::clone(&pipeline);
    let handler = move |callback: Callback| {
        let probed = probe.as_ref().and_then(|probe| probe.reply(&callback));
        let serving = Arc::clone(&serving);
        async move {
            match probed {
                Some(reply) => Answer::from(reply),
                None => serving.receive(callback).await,
            }
        }
    };
    let mut failed = None;
    tokio::select! {
        _ = server.serve(handler, stopped) => {}
        () = stop_in_time(args.duration, interrupts, stop) => {}
        error = tunnel => failed = Some(error),
    }
    if let Some(api) = api {
        api.close().await;
    }
    let verdict = pipeline.referee.as_ref().map(|referee| {
        let mut referee = locked(referee);
        referee.close(wall_time());
        referee.verdict()
    });
    let unclosed = close(&pipeline).await;
    let failed = match failed {
        Some(TunnelError { error, was_ready: false }) => return Err(error),
        failed => failed.map(|failed| failed.error),
    };
    Ok(Served { failed, verdict, unclosed })
}

/// Announces the listener, with a tunnel once it is reached through it; returns where that fails.
async fn open_tunnel(
    tunnel: Option<TunnelSetup>,
    bound: SocketAddr,
    reach: ClientConfig,
    info: ListenInfo,
    events: EventSender,
) -> TunnelError {
    match tunnel {
        Some(tunnel) => tunnel.run(bound, reach, info, events).await,
        None => {
            events.send(Event::Ready(Box::new(info)));
            std::future::pending().await
        }
    }
}

/// Asks for the end when the time is up or a person asks for it; it never completes.
async fn stop_in_time(
    duration: Option<Duration>,
    mut interrupts: Interrupts,
    stop: mpsc::Sender<()>,
) {
    let mut time_is_up = Box::pin(async move {
        match duration {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    });
    let mut is_timed = duration.is_some();
    loop {
        tokio::select! {
            () = interrupts.next() => {}
            () = &mut time_is_up, if is_timed => is_timed = false,
        }
        // The second request ends the draining; more change nothing.
        let _ = stop.try_send(());
    }
}

fn open(
    args: &ListenArgs,
    setup: &Setup,
    bound: SocketAddr,
    api: Option<&Bound>,
    events: EventSender,
) -> Result<(Arc<Pipeline>, ListenInfo), CommandError> {
    let program = args.replies.reply.clone();
    let inbox = match &setup.inbox {
        None => None,
        Some((path, settings)) => Some(Arc::new(Inbox::open(path, *settings).map_err(unopened)?)),
    };
    let scheme = if setup.identity.is_some() { "https" } else { "http" };
    let info = ListenInfo {
        url: format!("{scheme}://{bound}/"),
        key_fingerprint: setup.keys.fingerprint(0).to_owned(),
        other_key_fingerprints: setup.keys.other_fingerprints().map(str::to_owned).collect(),
        inbox: setup.inbox.as_ref().map(|(path, _)| Untrusted::path(&path).to_string()),
        inbox_choice: match args.inbox.inbox.inbox {
            Some(_) => InboxChoice::Named,
            None => InboxChoice::Usual,
        },
        api: None,
        inspector: None,
        forward_to: setup.forwarder.as_ref().map(|forwarder| forwarder.target().to_string()),
        plan: program.iter().flat_map(|p| p.plan_lines()).map(|line| line.to_string()).collect(),
        tunnel_url: None,
        certificate_sha256: setup.identity.as_ref().and_then(|identity| identity.sha256.clone()),
    };
    let reply_from = args.forward.reply_from(program.as_ref());
    let seed = args.replies.seed.unwrap_or(0);
    let runner = |program| Runner::new(program, args.replies.reply_per, seed, DEFAULT_CAPACITY);
    let pipeline = Pipeline {
        contract: setup.contract,
        keys: Arc::clone(&setup.keys),
        memory: Mutex::default(),
        rule: setup.rule.clone(),
        orders: Mutex::new(Orders::default()),
        program: Mutex::new(program.map(runner)),
        inbox,
        forwarder: setup.forwarder.clone(),
        reply_from,
        referee: setup.rules.clone().map(|rules| Mutex::new(Referee::new(rules))),
        broadcast: api.map(|api| api.broadcast.clone()),
        sender_timeout: setup.rules.as_ref().map_or(Duration::ZERO, |rules| rules.attempt_timeout),
        refused: AtomicU64::new(0),
        received: AtomicU64::new(0),
        has_told_probe: AtomicBool::new(false),
        events,
        is_json: args.format == Format::Json,
    };
    Ok((Arc::new(pipeline), info))
}

async fn close(pipeline: &Pipeline) -> Option<String> {
    let inbox = pipeline.inbox.as_ref()?;
    match tokio::time::timeout(LAST_WORDS, inbox.flush()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error}: {}", error.hint())),
        Err(_) => {
            Some("the inbox did not close in time; what was acknowledged is in it".to_owned())
        }
    }
}

fn unopened(error: StoreError) -> CommandError {
    refused(error).hint("name another file with --inbox FILE, or keep nothing with --no-inbox")
}

fn contract(args: &ListenArgs) -> Result<Contract, CommandError> {
    let dialect = args.dialect.resolve(args.require)?;
    let accepts = match args.input {
        None => Accepts::of(dialect.layout.transport),
        Some(InputKind::Json) => Accepts::Json,
        Some(InputKind::Form) => Accepts::Form,
        Some(InputKind::Query) => Accepts::Query,
        Some(InputKind::Xml) => Accepts::Xml,
        Some(InputKind::Auto) => Accepts::Any,
    };
    Ok(Contract { dialect, required: args.require, accepts, statuses: args.statuses })
}

fn finish(
    args: &ListenArgs,
    summary: &ListenSummary,
    verdict: Option<&RefereeReport>,
    console: &mut Console,
) -> CommandResult {
    let is_kept = verdict.is_none_or(RefereeReport::is_kept);
    let exit = match args.count {
        Some(count) if summary.valid < count => Exit::No,
        _ if !is_kept => Exit::No,
        _ => Exit::Yes,
    };
    let written = print_end(args, summary, verdict, console);
    super::conclude(exit, written.map_err(CommandError::output))
}

fn print_end(
    args: &ListenArgs,
    summary: &ListenSummary,
    verdict: Option<&RefereeReport>,
    console: &mut Console,
) -> std::io::Result<()> {
    if args.format == Format::Json {
        if let Some(verdict) = verdict {
            console.answer_bytes(referee::json(verdict).as_bytes())?;
        }
        return console.answer_bytes(callback::summary_json(summary).as_bytes());
    }
    for line in verdict.iter().flat_map(|verdict| referee::lines(verdict)) {
        console.answer(&line)?;
    }
    console.answer(&callback::summary_line(summary))
}

fn parse_bind(text: &str) -> Result<SocketAddr, CommandError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let wrong = || {
        CommandError::usage(format!("{} is not an address to listen on", Untrusted::new(&text)))
            .hint("write HOST:PORT, a port, or :0 for a free port")
    };
    if !text.contains(':') {
        return Err(wrong());
    }
    text.to_socket_addrs().map_err(|error| wrong().because(error))?.next().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_means_loopback() {
        for (text, address) in [
            ("8787", "127.0.0.1:8787"),
            (":0", "127.0.0.1:0"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("0.0.0.0:80", "0.0.0.0:80"),
        ] {
            assert_eq!(parse_bind(text).unwrap().to_string(), address);
        }
        for text in ["", "x", "70000", "127.0.0.1", ":x", "::1"] {
            assert!(parse_bind(text).is_err(), "{text}");
        }
    }
}
