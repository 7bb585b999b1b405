//! `--tunnel`: a tunnel client beside the listener, and the URL by which others reach it.

use std::net::SocketAddr;
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::tunnel_urls::plausible;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::net::client::{Client, ClientConfig};
use crate::net::options::RequestOptions;
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::process::command::{UserCommand, split};
use crate::process::signals::{Signal, is_group_alive, signal_group};
use crate::process::{Mark, Tail, start_group};
use crate::receiver::callback::Callback;
use crate::receiver::events::{Event, EventSender, ListenInfo};
use crate::receiver::reply::Reply;
use crate::sender::schedule::{format_duration, parse_duration};
use crate::settings::KEY_VARIABLE;

const PORT: &str = "{port}";

/// In the client's environment, by which what it starts is found.
const MARK: &str = "PAYOUT_NOTIFY_TUNNEL";

/// The most URLs that are tried: what a client prints may lead to others.
const MAX_URLS: usize = 3;

const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The longest pause between two tries of a URL.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long one try through the tunnel may take.
const TRY: Duration = Duration::from_secs(5);

/// How long the client may take to end on a signal that it can catch.
const GRACE: Duration = Duration::from_secs(2);

const END_LOOK: Duration = Duration::from_millis(5);

/// A tunnel that lets others reach the listener.
#[derive(clap::Args)]
#[command(next_help_heading = "Tunnel")]
pub struct TunnelArgs {
    /// Start this tunnel client without a shell, and end it with the listener: 'cloudflared tunnel
    /// --url http://localhost:{port}'. {port} is the listener's port.
    #[arg(long, value_name = "COMMAND")]
    pub tunnel: Option<String>,
    /// The tunnel's public URL, where its client prints none.
    #[arg(long, value_name = "URL", requires = "tunnel")]
    pub tunnel_url: Option<String>,
    /// Wait this long until the listener can be reached through the tunnel.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration, requires = "tunnel")]
    pub tunnel_wait: Duration,
}

pub(super) struct TunnelSetup {
    argv: Vec<String>,
    url: Option<String>,
    wait: Duration,
    probe: Arc<Probe>,
}

impl TunnelArgs {
    pub(super) fn resolve(&self, bind: SocketAddr) -> Result<Option<TunnelSetup>, CommandError> {
        let Some(text) = &self.tunnel else { return Ok(None) };
        let unusable = || CommandError::usage("--tunnel cannot be used");
        let argv = split(text).map_err(|error| {
            let hint = "such as 'cloudflared tunnel --url http://localhost:{port}'";
            unusable().because(error).hint(hint)
        })?;
        let port = bind.port().to_string();
        let names_port =
            |word: &String| word.contains(PORT) || bind.port() > 0 && word.contains(&port);
        if !argv.iter().any(names_port) {
            return Err(CommandError::usage("--tunnel does not name the listener's port")
                .hint("write {port} where the client takes it, such as http://localhost:{port}"));
        }
        if let Some(url) = &self.tunnel_url {
            let target = Target::parse(url).map_err(|error| {
                let hint = error.hint();
                CommandError::usage("--tunnel-url cannot be used").because(error).hint(hint)
            })?;
            if target.has_credentials() {
                return Err(CommandError::usage("--tunnel-url cannot be used")
                    .hint("leave the user name and the password out of the URL"));
            }
        }
        let (url, wait, probe) =
            (self.tunnel_url.clone(), self.tunnel_wait, Arc::new(Probe::new()));
        Ok(Some(TunnelSetup { argv, url, wait, probe }))
    }
}

/// A request that only this listener answers, so that a URL which leads elsewhere is found out.
pub(super) struct Probe {
    path: String,
    answer: String,
}

impl Probe {
    fn new() -> Probe {
        let path = format!("/payout-notify-tunnel-{:032x}", fastrand::u128(..));
        Probe { path, answer: format!("{:032x}", fastrand::u128(..)) }
    }

    /// The answer to the probe; `None` to any other request.
    pub(super) fn reply(&self, callback: &Callback) -> Option<Reply> {
        let is_probe = callback.path.raw().ends_with(&self.path);
        is_probe.then(|| Reply::new(200, "text/plain", self.answer.clone()))
    }

    /// Looks whether the listener is behind this URL.
    async fn ask(&self, url: &str, config: &ClientConfig) -> Asked {
        let base = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
        let target = match Target::parse(&format!("{base}{}", self.path)) {
            Ok(target) => target,
            Err(error) => return Asked::Elsewhere(error.to_string()),
        };
        let client = match Client::try_new(&target, config.clone()) {
            Ok(client) => client,
            Err(error) => return Asked::Elsewhere(error.to_string()),
        };
        let options = RequestOptions::get(TRY);
        match client.send(&Request::new(target, Arc::new(options), Vec::new())).await.outcome {
            Outcome::NoReply(failure) => Asked::NotYet(failure.explanation()),
            Outcome::Reply(reply) if reply.body == self.answer.as_bytes() => Asked::Reached,
            Outcome::Reply(reply) => {
                let why = format!("something else answers there, with status {}", reply.status);
                // A service answers so for a client that is not connected yet.
                if reply.status >= 500 { Asked::NotYet(why) } else { Asked::Elsewhere(why) }
            }
        }
    }
}

/// What a try of a URL showed.
enum Asked {
    Reached,
    NotYet(String),
    /// It is somebody else's.
    Elsewhere(String),
}

/// A URL that may lead to the listener.
struct TunnelUrl {
    url: String,
    /// When it is tried next, and how long to wait after that.
    next: Instant,
    pause: Duration,
    is_elsewhere: bool,
}

impl TunnelUrl {
    fn new(url: String) -> TunnelUrl {
        TunnelUrl { url, next: Instant::now(), pause: LOOK_AGAIN, is_elsewhere: false }
    }
}

/// Why there is no tunnel, and whether there was one.
pub(super) struct TunnelError {
    pub(super) error: CommandError,
    pub(super) was_ready: bool,
}

impl TunnelSetup {
    pub(super) fn probe(&self) -> Arc<Probe> {
        Arc::clone(&self.probe)
    }

    /// Starts the client, announces the listener once it is reached through the tunnel, and returns
    /// why there is no tunnel. The client ends when this is dropped.
    pub(super) async fn run(
        self,
        bound: SocketAddr,
        config: ClientConfig,
        mut info: ListenInfo,
        events: EventSender,
    ) -> TunnelError {
        let unready = |error| TunnelError { error, was_ready: false };
        let mut client = match TunnelClient::start(&self.argv, bound.port()) {
            Ok(client) => client,
            Err(error) => return unready(error),
        };
        match self.find(&mut client, bound, &config).await {
            Ok(url) => info.tunnel_url = Some(Untrusted::new(&url).to_string()),
            Err(error) => return unready(error),
        }
        let is_kept = info.inbox.is_some();
        events.send(Event::Ready(Box::new(info)));
        loop {
            if let Some(how) = client.ended() {
                let error = CommandError::environment(format!(
                    "callbacks from outside cannot arrive any more: the tunnel client ended with {how}"
                ));
                let error = match is_kept {
                    true => error.hint("`payout-notify inbox list` shows the callbacks until then"),
                    false => error,
                };
                return TunnelError { error, was_ready: true };
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The public URL: the first one of those that the client prints which leads to the listener.
    async fn find(
        &self,
        client: &mut TunnelClient,
        bound: SocketAddr,
        config: &ClientConfig,
    ) -> Result<String, CommandError> {
        let began = Instant::now();
        let mut failure: Option<String> = None;
        let mut candidates: Vec<TunnelUrl> = self.url.iter().cloned().map(TunnelUrl::new).collect();
        loop {
            let ended = client.ended();
            if self.url.is_none() {
                add_candidates(&mut candidates, &client.output(), bound);
            }
            let is_due = |one: &&mut TunnelUrl| !one.is_elsewhere && one.next <= Instant::now();
            for candidate in candidates.iter_mut().filter(is_due) {
                let why = match self.probe.ask(&candidate.url, config).await {
                    Asked::Reached => return Ok(candidate.url.clone()),
                    Asked::NotYet(why) => why,
                    Asked::Elsewhere(why) => {
                        // What a person named may still become the tunnel.
                        candidate.is_elsewhere = self.url.is_none();
                        why
                    }
                };
                failure = Some(format!("{}: {why}", Untrusted::new(&candidate.url)));
                candidate.next = Instant::now() + candidate.pause;
                candidate.pause = (2 * candidate.pause).min(LONGEST_PAUSE);
            }
            if let Some(how) = ended {
                let what = format!("the tunnel client ended with {how}");
                return Err(CommandError::environment(what)
                    .hint("run the command by itself to see whether it works"));
            }
            if began.elapsed() >= self.wait {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let wait = format_duration(self.wait);
        Err(match failure {
            Some(why) => CommandError::environment(format!(
                "the listener was not reached through the tunnel within {wait}: {why}"
            ))
            .hint("give the client longer with --tunnel-wait, or name its URL with --tunnel-url"),
            None => CommandError::environment(format!(
                "the tunnel client printed no public URL within {wait}{}",
                client.last_lines()
            ))
            .hint("name the URL with --tunnel-url URL, or wait longer with --tunnel-wait 60s"),
        })
    }
}

/// Adds what the client printed since the last look.
fn add_candidates(candidates: &mut Vec<TunnelUrl>, output: &str, bound: SocketAddr) {
    for url in plausible(output, bound) {
        let is_known = candidates.iter().any(|known| known.url == url);
        if !is_known && candidates.len() < MAX_URLS {
            candidates.push(TunnelUrl::new(url));
        }
    }
}

/// The client's process, in a group of its own, which ends with this value.
struct TunnelClient {
    child: Child,
    mark: Mark,
    tail: Tail,
}

impl TunnelClient {
    fn start(argv: &[String], port: u16) -> Result<TunnelClient, CommandError> {
        let cannot = || CommandError::environment("the tunnel client cannot be started");
        let argv = argv.iter().map(|word| word.replace(PORT, &port.to_string())).collect();
        let command = UserCommand { argv, hidden_variable: KEY_VARIABLE };
        let command = command.prepared().map_err(|error| cannot().because(error))?;
        let mark = Mark::new(MARK);
        let (child, tail) = start_group(command, &mark).map_err(|error| {
            cannot().because(error).hint("install it, or write its whole path after --tunnel")
        })?;
        Ok(TunnelClient { child, mark, tail })
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&self.tail.bytes()).into_owned()
    }

    fn last_lines(&self) -> String {
        self.tail.last_lines()
    }

    /// How it ended, with its last lines; `None` while it runs.
    fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        let how = match status.code() {
            Some(code) => format!("exit code {code}"),
            None => "a signal".to_owned(),
        };
        Some(format!("{how}{}", self.last_lines()))
    }

    fn is_alive(&mut self) -> bool {
        let is_running = self.child.try_wait().is_ok_and(|status| status.is_none());
        is_running || is_group_alive(self.child.id())
    }
}

impl Drop for TunnelClient {
    fn drop(&mut self) {
        signal_group(self.child.id(), Signal::Terminate);
        let began = Instant::now();
        while cfg!(unix) && self.is_alive() && began.elapsed() < GRACE {
            thread::sleep(END_LOOK);
        }
        signal_group(self.child.id(), Signal::Kill);
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.mark.kill_all();
    }
}
