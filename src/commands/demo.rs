//! `demo`: the whole story in one process, on loopback, in about a second.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use protocol::internal::notification::{Expectation, Notification};
use protocol::{Dialect, Key, Layout, StatusTable};
use tokio::sync::mpsc;

use super::CommandResult;
use super::args::parse_payload;
use super::runtime::{Interrupts, block_on};
use super::signing::{Signed, sign_payload};
use crate::clock::{Clock, SystemClock};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::keyring::Keyring;
use crate::mask;
use crate::net::client::{Client, ClientConfig};
use crate::net::options::RequestOptions;
use crate::net::target::Target;
use crate::net::transport::Request;
use crate::receiver::callback::Callback;
use crate::receiver::reply::{JSON, Reply};
use crate::receiver::server::Server;
use crate::receiver::server::limits::Limits;
use crate::receiver::verify::Contract;
use crate::report::delivery::{DeliveryPlan, attempt_lines, result_line};
use crate::report::line::Line;
use crate::sender::decide::RetryPlan;
use crate::sender::engine::{Engine, LoadLimits};
use crate::sender::judge::Judge;
use crate::sender::record::{Order, OrderEnd, OrderResult};
use crate::sender::schedule::{RetrySchedule, Speed};
use crate::settings;
use crate::terminal::Console;

/// Show the whole story in about a second: sign, send, retry, verify, acknowledge.
///
/// Starts a merchant on a free loopback port and sends it the platform's example notification. The
/// merchant first times out, then answers 500, then the number 0, then acknowledges.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify demo")]
pub struct DemoArgs {}

/// The example on the platform's page; its signature there is a placeholder.
const EXAMPLE: &str = include_str!("../../fixtures/withdraw-notification.json");

const EXAMPLE_KEY: &str = "ThisIsYourSecretKey123";

const TIMEOUT: Duration = Duration::from_millis(300);

const SILENCE: Duration = Duration::from_millis(400);

pub fn run(_args: &DemoArgs, console: &mut Console) -> CommandResult {
    let key = Key::try_new(EXAMPLE_KEY.as_bytes().to_vec())
        .map_err(|error| CommandError::usage("the demo's key").because(error))?;
    mask::remember(key.expose());
    let payload = parse_payload(EXAMPLE.as_bytes(), "the example")?;
    let signed = sign_payload(&payload, [].iter(), Dialect::platform(), None, &key)?;
    block_on(story(&key, &signed, console))
}

async fn story(key: &Key, signed: &Signed<'_>, console: &mut Console) -> CommandResult {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let cannot = |error| CommandError::environment("cannot listen on loopback").because(error);
    let server = Server::bind(address, Limits::default()).await.map_err(cannot)?;
    let url = format!("http://{}/notify", server.local_addr().map_err(cannot)?);
    introduce(&url, signed, console).map_err(CommandError::output)?;

    let (remarks, mut said) = mpsc::unbounded_channel();
    let merchant =
        Arc::new(Merchant { keys: key.clone().into(), remarks, received: AtomicUsize::new(0) });
    let (stop, stopped) = mpsc::channel(2);
    let handler = move |callback| {
        let merchant = Arc::clone(&merchant);
        async move { merchant.answer(callback).await }
    };
    let delivery = async {
        let end = deliver(&url, key, signed, &mut said, console).await;
        // The merchant's work is done, however the delivery ended.
        let _ = stop.try_send(());
        end
    };
    let (_, end) = tokio::join!(server.serve(handler, stopped), delivery);
    let end = end?;
    conclude(&end, console).map_err(CommandError::output)?;
    Ok(match end.result {
        OrderResult::Acknowledged => Exit::Yes,
        OrderResult::Exhausted(_) => Exit::No,
        OrderResult::Interrupted(_) => Exit::Interrupted,
    })
}

async fn deliver(
    url: &str,
    key: &Key,
    signed: &Signed<'_>,
    remarks: &mut mpsc::UnboundedReceiver<Line>,
    console: &mut Console,
) -> Result<OrderEnd, CommandError> {
    let clock = SystemClock::new();
    let target = Target::parse(url)
        .map_err(|error| CommandError::environment("the demo's URL").because(error))?;
    let options = RequestOptions { timeout: TIMEOUT, ..RequestOptions::default() };
    let client = Client::try_new(&target, ClientConfig::default())
        .map_err(|error| CommandError::environment("cannot set up the sender").because(error))?;
    let schedule = RetrySchedule::parse("15s,30s,1m", None, Duration::from_secs(3600))
        .map_err(|error| CommandError::usage("the demo's schedule").because(error))?;
    let speed = Speed::parse("500x")
        .map_err(|error| CommandError::usage("the demo's speed").because(error))?;
    let payload = parse_payload(signed.body.as_bytes(), "the example")?;
    let (expectation, statuses) = (Expectation::Notification, &StatusTable::PLATFORM);
    let notification = Notification::read(&payload, expectation, &Layout::PLATFORM, statuses);
    let plan = DeliveryPlan {
        url: url.to_owned(),
        notification: &notification,
        sign_type: Some(signed.scheme.algorithm.name()),
        schedule: &schedule,
        key_fingerprint: Some(key.fingerprint()),
        start: clock.wall(),
    };
    let body = signed.body.as_bytes().into();
    let completed_at = clock.wall();
    let order = Order { number: 1, id: "".into(), body, completed_at, duplicate_of: None };
    let engine = Engine {
        request: &Request::new(target, Arc::new(options), ""),
        judge: &Judge::default(),
        plan: RetryPlan::new(&schedule, speed),
        limits: LoadLimits::ONE,
        clock: &clock,
        transport: &client,
        journal: None,
    };
    let mut interrupts = Interrupts::catch();
    plan.lines().iter().try_for_each(|line| console.answer(line)).map_err(CommandError::output)?;
    let poll_stop = &mut |context: &mut Context<'_>| interrupts.poll_next(context);
    engine
        .deliver(order, poll_stop, |attempt, details| {
            while let Ok(line) = remarks.try_recv() {
                console.answer(&line)?;
            }
            attempt_lines(attempt, details).iter().try_for_each(|line| console.answer(line))
        })
        .await
        .map_err(CommandError::output)
}

struct Merchant {
    keys: Keyring,
    remarks: mpsc::UnboundedSender<Line>,
    received: AtomicUsize,
}

impl Merchant {
    async fn answer(&self, callback: Callback) -> Reply {
        let delivery = self.received.fetch_add(1, Ordering::Relaxed) + 1;
        let contract = Contract::default();
        let verdict = contract.inspect(&contract.payload(&callback), &self.keys);
        let right = Reply::platform(verdict.code);
        let (does, reply) = match delivery {
            1 => ("hangs, and sends no reply in time", right),
            2 => ("answers 500", Reply::new(500, "text/html", "<h1>Server Error</h1>")),
            3 => ("answers the number 0", Reply::new(200, JSON, "{\"error_code\":0}")),
            _ => ("answers {\"error_code\":\"0000\"}", right),
        };
        let signature = if verdict.is_valid() { "signature matches" } else { "does not verify" };
        let line = Line::new()
            .dim("     merchant  ")
            .plain(format!("← delivery {delivery}, {signature}; "))
            .accent(does);
        // The delivery reads them as long as there is one.
        let _ = self.remarks.send(line);
        if delivery == 1 {
            tokio::time::sleep(SILENCE).await;
        }
        reply
    }
}

fn introduce(url: &str, signed: &Signed<'_>, console: &mut Console) -> std::io::Result<()> {
    let lines = [
        Line::new().strong("A payout ended. The platform signs a notification …"),
        Line::new().dim("  canonical  ").plain(signed.masked_canonical()),
        Line::new().dim("  sign       ").plain(signed.signature.as_str().to_owned()),
        Line::new(),
        Line::new()
            .strong("… and sends it, with retries, to a merchant at ")
            .accent(url.to_owned())
            .strong(":"),
    ];
    lines.iter().try_for_each(|line| console.answer(line))
}

const SET_KEY: &str =
    if cfg!(windows) { "$env:PAYOUT_NOTIFY_KEY = '…'" } else { "export PAYOUT_NOTIFY_KEY=…" };

/// The program as it was called, so that what is suggested can be pasted: without an installation it
/// is not in the `PATH`.
fn program() -> String {
    let called = settings::command_line().next().and_then(|name| name.into_string().ok());
    let is_plain =
        |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "/\\.:_-".contains(c));
    called.filter(is_plain).unwrap_or_else(|| "payout-notify".to_owned())
}

fn conclude(end: &OrderEnd, console: &mut Console) -> std::io::Result<()> {
    let command = |text: &str, why: &str| {
        Line::new().plain("  ").accent(format!("{text:<52}")).dim(format!("  # {why}"))
    };
    let program = program();
    let lines = [
        result_line(end),
        Line::new().plain("The merchant saw one order several times: it must acknowledge each time, and credit once."),
        Line::new(),
        Line::new().strong("Next:"),
        command(SET_KEY, "your platform key"),
        command(&format!("{program} listen"), "be the merchant"),
        command(&format!("{program} simulate localhost:8787 --speed 60x"), "be the platform"),
        command(&format!("{program} verify callback.json"), "does a signature match?"),
    ];
    lines.iter().try_for_each(|line| console.answer(line))
}
