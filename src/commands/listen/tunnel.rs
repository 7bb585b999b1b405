//! `--tunnel`: a tunnel client beside the listener, and the URL by which others reach it.

use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::command::{UserCommand, spawn, split};
use crate::check::explore::process::{Tail, keep_tail, last_lines};
use crate::check::explore::signals::{
    Signal, is_group_alive, lead_group, signal_group, signal_marked,
};

use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::net::client::{Client, ClientConfig};
use crate::net::options::RequestOptions;
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::receiver::callback::Callback;
use crate::receiver::events::{Event, EventSender, ListenInfo};
use crate::receiver::reply::Reply;
use crate::sender::schedule::{format_duration, parse_duration};
use crate::settings::KEY_VARIABLE;

const PORT: &str = "{port}";

/// In the client's environment, by which what it starts is found.
const MARK: &str = "PAYOUT_NOTIFY_TUNNEL";

/// Clients also print addresses of documentation; more than these are not tried.
const MAX_URLS: usize = 16;

const LOOK_AGAIN: Duration = Duration::from_millis(250);

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

    /// Whether the listener is behind this URL.
    async fn is_answered(&self, url: &str, config: &ClientConfig) -> Result<(), String> {
        let base = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
        let target = Target::parse(&format!("{base}{}", self.path));
        let target = target.map_err(|error| error.to_string())?;
        let client = Client::try_new(&target, config.clone()).map_err(|error| error.to_string())?;
        let options = RequestOptions::get(TRY);
        match client.send(&Request::new(target, Arc::new(options), Vec::new())).await.outcome {
            Outcome::NoReply(failure) => Err(failure.explanation()),
            Outcome::Reply(reply) if reply.body == self.answer.as_bytes() => Ok(()),
            Outcome::Reply(reply) => {
                Err(format!("something else answers there, with status {}", reply.status))
            }
        }
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
        loop {
            let ended = client.ended();
            for url in self.candidates(client, bound) {
                match self.probe.is_answered(&url, config).await {
                    Ok(()) => return Ok(url),
                    Err(why) => {
                        failure = Some(format!("{}: {why}", Untrusted::new(&url)));
                    }
                }
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

    fn candidates(&self, client: &TunnelClient, bound: SocketAddr) -> Vec<String> {
        if let Some(url) = &self.url {
            return vec![url.clone()];
        }
        let mut urls = origins(&client.output());
        // A client repeats the address to which it forwards.
        urls.retain(|url| Target::parse(url).is_ok_and(|target| !target.reaches(bound)));
        urls.truncate(MAX_URLS);
        urls
    }
}

/// The URLs in a text that name a server and no page of it, each once.
fn origins(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (start, _) in text.match_indices("http") {
        let rest = &text[start..];
        let Some(scheme) = ["https://", "http://"].iter().find(|it| rest.starts_with(**it)) else {
            continue;
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        let host = &rest[scheme.len()..];
        let length = host.find(|c| !is_host(c)).unwrap_or(host.len());
        let (host, after) = host.split_at(length);
        let after = after.strip_prefix('/').unwrap_or(after);
        let is_page = |next: char| next.is_ascii_alphanumeric() || "/?#@%~_.-+=&".contains(next);
        // At the very end of what was printed so far it may continue.
        let is_whole = after.chars().next().is_some_and(|next| !is_page(next));
        let host = host.trim_end_matches(['.', ':', '-']);
        let url = format!("{scheme}{host}");
        if is_whole && !host.is_empty() && !found.contains(&url) {
            found.push(url);
        }
    }
    found
}

/// The client's process, in a group of its own, which ends with this value.
struct TunnelClient {
    child: Child,
    mark: String,
    tail: Tail,
}

impl TunnelClient {
    fn start(argv: &[String], port: u16) -> Result<TunnelClient, CommandError> {
        let cannot = || CommandError::environment("the tunnel client cannot be started");
        let argv = argv.iter().map(|word| word.replace(PORT, &port.to_string())).collect();
        let command = UserCommand { argv, hidden_variable: KEY_VARIABLE };
        let mut command = command.prepared().map_err(|error| cannot().because(error))?;
        let mark = format!("{:x}-{:x}", std::process::id(), fastrand::u64(..));
        command.env(MARK, &mark).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        lead_group(&mut command);
        let mut child = spawn(&mut command).map_err(|error| {
            cannot().because(error).hint("install it, or write its whole path after --tunnel")
        })?;
        let tail = Tail::default();
        if let Some(stdout) = child.stdout.take() {
            keep_tail(stdout, &tail);
        }
        if let Some(stderr) = child.stderr.take() {
            keep_tail(stderr, &tail);
        }
        Ok(TunnelClient { child, mark, tail })
    }

    fn bytes(&self) -> Vec<u8> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.iter().copied().collect()
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn last_lines(&self) -> String {
        last_lines(&self.bytes())
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
        // A process that forks meanwhile has a child that is not in the first list.
        for _ in 0..3 {
            if !signal_marked(&format!("{MARK}={}", self.mark), Signal::Kill) {
                break;
            }
            thread::sleep(END_LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clients print, as recorded from their documentation, with other names.
    #[test]
    fn the_public_url_is_among_the_origins_that_a_client_prints() {
        for (text, expected) in [
            (
                "INF Thank you for trying Cloudflare Tunnel. Read https://developers.cloudflare.com/cloudflare-one/connections\n\
                 INF |  https://shop-and-so.trycloudflare.com       |\n",
                &["https://shop-and-so.trycloudflare.com"][..],
            ),
            (
                "t=2026-11-30T08:15:00+0000 lvl=info msg=\"started tunnel\" addr=http://localhost:8787 url=https://a1b2.ngrok-free.app\n",
                &["http://localhost:8787", "https://a1b2.ngrok-free.app"],
            ),
            (
                "\u{1b}[32ma1b2.lhr.life tunneled with tls termination, https://a1b2.lhr.life\u{1b}[0m\nsee https://localhost.run/docs/\n",
                &["https://a1b2.lhr.life"],
            ),
            (
                "Forwarding HTTP traffic from https://shop.serveo.net\r\n",
                &["https://shop.serveo.net"],
            ),
            (
                "at http://127.0.0.1:4040/, or (https://x.example). https://x.example/ http\n",
                &["http://127.0.0.1:4040", "https://x.example"],
            ),
            ("cut: https://a1b2.trycl", &[]),
            ("https://u@h/ https:// http://? no://x\n", &[]),
        ] {
            assert_eq!(origins(text), expected, "{text}");
        }
    }
}
