//! `listen`: a local merchant that shows what the platform sends.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::CommandResult;
use super::args::dialect::DialectArgs;
use super::args::input::InputKind;
use super::args::{Format, KeyArgs, OtherKeyArgs, parse_sign_type};
use super::runtime::{Interrupts, block_on};
use crate::delivery::schedule::parse_duration;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::listener::callback::Callback;
use crate::listener::event::ServerEvent;
use crate::listener::limits::Limits;
use crate::listener::orders::Orders;
use crate::listener::reply::Reply;
use crate::listener::server::Server;
use crate::listener::verdict::{Accepts, Contract, Verdict};
use crate::protocol::diagnosis::{Diagnosis, diagnose};
use crate::protocol::key::Key;
use crate::protocol::scheme::Algorithm;
use crate::protocol::signature::Mismatch;
use crate::report::callback::{self, ListenSummary, ReceivedCallback};
use crate::report::listening;
use crate::settings::Environment;
use crate::terminal::Console;

/// Listen as a local merchant: show each callback, verify it, and answer as the protocol says.
///
/// A valid notification is acknowledged with {"error_code":"0000"}, or as the dialect wants; anything else is refused with
/// the platform's own codes. Ctrl-C ends it with a summary.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify listen --bind 8787 --key-file key.txt")]
pub struct Args {
    /// Where to listen: HOST:PORT, a port (on loopback), or :0 for a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub bind: String,
    /// Listen on an address that other machines can reach.
    #[arg(long)]
    pub allow_remote: bool,
    /// How the platform signs, and which reply it wants.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// In which form callbacks are taken: the platform POSTs JSON.
    #[arg(long, value_name = "FORM", default_value = "json")]
    pub input: InputKind,
    /// Refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// End after this many callbacks; exit with 1 if fewer were valid.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// For whom the output is written.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Keys that may have been used by mistake.
    #[command(flatten)]
    pub other_keys: OtherKeyArgs,
}

/// Events that wait for the terminal; a full queue slows the senders instead of filling memory.
const QUEUE: usize = 256;

/// What the server's tasks tell the task that prints.
enum Event {
    Callback(Box<(Callback, Verdict, Reply)>),
    Server(ServerEvent),
}

/// Listens until it is told to end.
///
/// # Errors
/// A wrong address or key (usage), an address that cannot be bound (environment).
pub fn run(args: &Args, environment: &Environment, console: &mut Console) -> CommandResult {
    let address = parse_bind(&args.bind)?;
    if !address.ip().is_loopback() && !args.allow_remote {
        return Err(CommandError::usage(format!("{address} can be reached by other machines"))
            .hint("add --allow-remote if that is meant, or bind 127.0.0.1"));
    }
    let contract = contract(args)?;
    let key = Arc::new(args.key.resolve(environment, console)?);
    let others = Arc::new(args.other_keys.resolve(console)?);
    block_on(async {
        let server = Server::bind(address, Limits::default()).await.map_err(|error| {
            CommandError::environment(format!("cannot listen on {address}"))
                .because(error)
                .hint("choose another address with --bind, or :0 for a free port")
        })?;
        let bound = server.local_addr().map_err(|error| {
            CommandError::environment("cannot tell the bound address").because(error)
        })?;
        let interrupts = Interrupts::catch();
        let ready = match args.format {
            Format::Json => console.answer_bytes(listening::json(bound, &key).as_bytes()),
            Format::Human => console.answer(&listening::line(bound, &key)),
        };
        ready.map_err(CommandError::output)?;
        let (events, received) = mpsc::channel(QUEUE);
        let (stop, stopped) = mpsc::channel(2);
        let server_events = events.clone();
        let server = server.with_events(move |event| {
            // A full queue drops remarks about bad clients, never callbacks.
            let _ = server_events.try_send(Event::Server(event));
        });
        let screen_key = Arc::clone(&key);
        let handler = move |callback: Callback| {
            let (events, key) = (events.clone(), Arc::clone(&key));
            async move {
                let verdict = contract.inspect(&callback, &key);
                let reply = contract.reply(&verdict);
                let event = Event::Callback(Box::new((callback, verdict, reply.clone())));
                // Where nobody prints any more, the server is about to end.
                let _ = events.send(event).await;
                reply
            }
        };
        let screen = Screen {
            args,
            console,
            received,
            orders: Orders::default(),
            stop,
            contract,
            key: screen_key,
            others,
            budget: DiagnosisBudget::default(),
            interrupts,
        };
        let (_, summary) = tokio::join!(server.serve(handler, stopped), screen.run());
        let (summary, console) = summary?;
        finish(args, &summary, console)
    })
}

/// What the command line holds callbacks against.
fn contract(args: &Args) -> Result<Contract, CommandError> {
    let accepts = match args.input {
        InputKind::Json => Accepts::Json,
        InputKind::Form => Accepts::Form,
        InputKind::Query => Accepts::Query,
        InputKind::Auto => Accepts::Any,
    };
    let dialect = args.dialect.resolve(args.require)?;
    Ok(Contract { dialect, required: args.require, accepts })
}

/// Prints what the server's tasks tell, and says when the server shall end.
struct Screen<'a> {
    args: &'a Args,
    console: &'a mut Console,
    received: mpsc::Receiver<Event>,
    orders: Orders,
    stop: mpsc::Sender<()>,
    contract: Contract,
    key: Arc<Key>,
    others: Arc<Vec<(String, Key)>>,
    budget: DiagnosisBudget,
    interrupts: Interrupts,
}

impl<'a> Screen<'a> {
    async fn run(mut self) -> Result<(ListenSummary, &'a mut Console), CommandError> {
        let mut summary = ListenSummary::default();
        let end = self.args.duration;
        let mut time_is_up = Box::pin(async move {
            match end {
                Some(end) => tokio::time::sleep(end).await,
                None => std::future::pending().await,
            }
        });
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                event = self.received.recv() => match event {
                    // The server dropped its senders: everything is answered.
                    None => return Ok((summary, self.console)),
                    Some(event) => self.show(event, &mut summary).await?,
                },
                // The second signal ends the draining.
                () = self.interrupts.next() => {
                    let _ = self.stop.try_send(());
                }
                () = &mut time_is_up, if !stopping => {
                    stopping = true;
                    let _ = self.stop.try_send(());
                }
            }
            if !stopping && self.args.count.is_some_and(|count| summary.callbacks >= count) {
                stopping = true;
                let _ = self.stop.try_send(());
            }
        }
    }

    /// What explains the signature, where it does not match and there is time to search.
    ///
    /// It runs on a thread of its own: a search must not delay the next reply.
    async fn diagnose(&mut self, callback: &Callback, verdict: &Verdict) -> Option<Diagnosis> {
        let reading = verdict.reading.as_ref()?;
        let worth = reading.mismatch().is_some_and(Mismatch::can_be_diagnosed);
        if !worth || !self.budget.spend(callback.received_at) {
            return None;
        }
        let (callback, key) = (callback.clone(), Arc::clone(&self.key));
        let (contract, others) = (self.contract, Arc::clone(&self.others));
        let search = tokio::task::spawn_blocking(move || {
            let payload = contract.payload(&callback).ok()?;
            Some(diagnose(&payload, contract.dialect, &key, &others))
        });
        search.await.ok().flatten()
    }

    async fn show(
        &mut self,
        event: Event,
        summary: &mut ListenSummary,
    ) -> Result<(), CommandError> {
        let (callback, verdict, reply) = match event {
            Event::Server(event) => {
                self.console.note(&listening::server_event(&event));
                return Ok(());
            }
            Event::Callback(parts) => *parts,
        };
        summary.callbacks += 1;
        summary.valid += u64::from(verdict.is_valid());
        let order =
            verdict.reading.as_ref().and_then(|reading| reading.notification.order_id.clone());
        let seen = order.map(|order| self.orders.seen(&order, callback.received_at));
        summary.orders = self.orders.len() as u64;
        let diagnosis = self.diagnose(&callback, &verdict).await;
        let received = ReceivedCallback { callback, verdict, seen, reply, diagnosis };
        match self.args.format {
            Format::Json => self.console.answer_bytes(callback::json(&received).as_bytes()),
            Format::Human => {
                callback::lines(&received).iter().try_for_each(|line| self.console.answer(line))
            }
        }
        .map_err(CommandError::output)
    }
}

/// The most diagnoses in one second: a search costs far more than the request that causes it.
const MAX_DIAGNOSES: u32 = 5;

/// How many diagnoses were made in the current second.
#[derive(Default)]
struct DiagnosisBudget {
    second: i64,
    used: u32,
}

impl DiagnosisBudget {
    /// Whether one more may be made at this time, which is then counted.
    fn spend(&mut self, at: Timestamp) -> bool {
        if at.as_second() != self.second {
            *self = DiagnosisBudget { second: at.as_second(), used: 0 };
        }
        self.used += 1;
        self.used <= MAX_DIAGNOSES
    }
}

fn finish(args: &Args, summary: &ListenSummary, console: &mut Console) -> CommandResult {
    let exit = match args.count {
        Some(count) if summary.valid < count => Exit::No,
        _ => Exit::Yes,
    };
    let written = match args.format {
        Format::Json => console.answer_bytes(callback::summary_json(summary).as_bytes()),
        Format::Human => console.answer(&callback::summary_line(summary)),
    };
    match written {
        // A proven "no" stands, whether or not anyone read it.
        Err(error) if exit == Exit::Yes => Err(CommandError::output(error)),
        _ => Ok(exit),
    }
}

/// `HOST:PORT`, a bare port, or `:PORT`; the latter two mean loopback.
fn parse_bind(text: &str) -> Result<SocketAddr, CommandError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let wrong = || {
        CommandError::usage(format!("{text} is no address to listen on"))
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
