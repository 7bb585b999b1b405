//! `inbox replay`: kept callbacks, sent again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::internal::form;
use protocol::{Algorithm, Dialect, Key, Layout};

use super::{Id, find, parse_id};
use crate::commands::args::dialect::DialectArgs;
use crate::commands::args::inbox::RedactArgs;
use crate::commands::args::input::read_payload;
use crate::commands::args::{
    EditArgs, Format, KeyArgs, adopt, adopt_headers, parse_sign_type, parse_time,
};
use crate::commands::consent::{file_of_url, obtain_for_project};
use crate::commands::runtime::{Interrupts, block_on, not_sent};
use crate::commands::signing::sign_payload;
use crate::commands::wire_args::WireArgs;
use crate::commands::{CommandResult, answer};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::net::client::Client;
use crate::net::options::{Connections, RequestOptions, check_header};
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::net::transport::{Request, Transport};
use crate::receiver::inbox::InboxReader;
use crate::receiver::received::Received;
use crate::report::inbox::export::end_to_end;
use crate::report::inbox::{Replay, replay_json, replay_line};
use crate::sender::judge::Judge;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Send callbacks again, once each, and judge the replies as the platform does.
///
/// Body and headers go out byte for byte, but for those of the connection. With changes or
/// --resign the body is signed again, which needs the key. Exits with 0 when all were acknowledged.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify inbox replay latest --to http://localhost:8080/notify"
)]
pub struct ReplayArgs {
    /// Their numbers, or latest.
    #[arg(value_name = "ID", value_parser = parse_id, required = true)]
    pub ids: Vec<Id>,
    /// Where they go: the application's notify URL; by default the profile's url.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Send to the URL of a project's payout-notify.toml without being asked, also where it is neither
    /// on this machine nor in a private network.
    #[arg(long)]
    pub yes: bool,
    /// The project's file that the URL is from.
    #[arg(skip)]
    pub url_file: Option<PathBuf>,
    /// Sign again although nothing changes.
    #[arg(long)]
    pub resign: bool,
    /// How the platform signs, and which reply it expects.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// How to sign again: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// How long to wait for a whole reply [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Changes to the payload.
    #[command(flatten)]
    pub edits: EditArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How the request travels.
    #[command(flatten)]
    pub wire: WireArgs,
}

impl ReplayArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        self.key.adopt(chosen);
        self.url_file = file_of_url(self.to.as_ref(), chosen);
        adopt(&mut self.to, profile.url.as_ref());
        adopt(&mut self.timeout, profile.timeout.as_ref());
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt_headers(&mut self.wire.header, profile.headers.as_ref());
        if self.resign || self.edits.edits().next().is_some() {
            adopt(&mut self.sign_type, profile.sign_type.as_ref());
        }
    }
}

fn no_target() -> CommandError {
    CommandError::usage("no URL was given").hint("give it with --to URL, or set url in a profile")
}

pub(super) fn run(
    args: &ReplayArgs,
    reader: &InboxReader,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let target = Target::parse(args.to.as_deref().ok_or_else(no_target)?).map_err(|error| {
        let hint = error.hint();
        CommandError::usage("the URL cannot be used").because(error).hint(hint)
    })?;
    let dialect = args.dialect.resolve(args.sign_type)?;
    let changes = args.resign || args.sign_type.is_some() || args.edits.edits().next().is_some();
    // A key that was given is hidden in replies, also where nothing is signed with it.
    let is_given = args.key.key.is_some() || !args.key.key_file.is_empty();
    let key = match changes || is_given {
        true => Some(args.key.resolve(environment, console)?).filter(|_| changes),
        false => None,
    };
    let seed = fastrand::u64(..);
    let usual = (Connections::Fresh, args.timeout);
    let (layout, redacted) = (&Layout::PLATFORM, &RedactArgs::default());
    let (client, options) = args.wire.connect(&target, usual, seed, layout, redacted, console)?;
    if let Some(file) = args.url_file.as_ref().filter(|_| !args.yes) {
        obtain_for_project(file, &target, &client, options.timeout, console)?;
    }
    let sender = Sender { args, dialect, key, options, target };
    // All are made first: a slip in one number sends nothing.
    let mut requests = Vec::new();
    for id in &args.ids {
        let entry = find(reader, *id)?;
        requests.push((entry.id, sender.request(&entry, console)?));
    }
    sender.send_all(requests, &client, console)
}

struct Sender<'a> {
    args: &'a ReplayArgs,
    dialect: &'static Dialect,
    key: Option<Key>,
    options: Arc<RequestOptions>,
    target: Target,
}

impl Sender<'_> {
    fn request(&self, entry: &Received, console: &mut Console) -> Result<Request, CommandError> {
        let callback = &entry.callback;
        if callback.method.raw() != "POST" {
            return Err(CommandError::usage(format!(
                "the callback {} came by {}: only POST can be sent again",
                entry.id,
                Untrusted::new(&callback.method.raw())
            ))
            .hint("`payout-notify inbox export --print curl` gives a command that sends it"));
        }
        let body = match &self.key {
            None => callback.body.to_vec(),
            Some(key) => self.signed(entry, key)?.into_bytes(),
        };
        let mut headers = Vec::new();
        for (name, value) in end_to_end(entry) {
            if self.options.headers.iter().any(|rule| rule.name.eq_ignore_ascii_case(name)) {
                continue;
            }
            match std::str::from_utf8(value) {
                Ok(value) if check_header(name, value).is_ok() => {
                    headers.push((name.to_owned(), value.to_owned()));
                }
                _ => console.warning(&format!(
                    "the header {} of {} is left out: it cannot be sent",
                    Untrusted::new(&name),
                    entry.id
                )),
            }
        }
        let request = Request::new(self.target.clone(), Arc::clone(&self.options), body);
        Ok(request.with_headers(&headers))
    }

    fn signed(&self, entry: &Received, key: &Key) -> Result<String, CommandError> {
        let body = &entry.callback.body;
        let name = format!("the callback {}", entry.id);
        let payload = read_payload(body, &name, form::detect(body))?;
        let edits = self.args.edits.edits();
        let signed = sign_payload(&payload, edits, self.dialect, self.args.sign_type, key)?;
        Ok(signed.body)
    }

    fn send_all(
        &self,
        requests: Vec<(u64, Request)>,
        client: &Client,
        console: &mut Console,
    ) -> CommandResult {
        block_on(async {
            let mut interrupts = Interrupts::catch();
            let mut exit = Exit::Yes;
            for (id, request) in requests {
                let started = Instant::now();
                let outcome = tokio::select! {
                    biased;
                    () = interrupts.next() => return Ok(interrupted(exit)),
                    timed = client.send(&request) => timed.outcome,
                };
                if let Some(error) = not_sent(client) {
                    return Err(error);
                }
                let replay = self.replay(id, outcome, started.elapsed());
                if replay.explanation.is_some() {
                    exit = Exit::No;
                }
                let line = || vec![replay_line(&replay)];
                match answer(self.args.format, || replay_json(&replay), line, console) {
                    // A proven "no" remains, whether or not anyone read it.
                    Err(error) if exit == Exit::Yes => return Err(error),
                    Err(_) => return Ok(exit),
                    Ok(()) => {}
                }
            }
            Ok(exit)
        })
    }

    fn replay(&self, id: u64, outcome: Outcome, elapsed: Duration) -> Replay {
        let judge = Judge::new(self.dialect.acknowledgement());
        let (outcome, conclusion) = judge.conclude(outcome);
        let body = match &outcome {
            Outcome::Reply(reply) => Some(String::from_utf8_lossy(&reply.body).into_owned()),
            Outcome::NoReply(_) => None,
        };
        let explanation = outcome.explanation(conclusion.as_ref());
        Replay {
            acknowledged: explanation.is_none(),
            body,
            code: outcome.code(conclusion.as_ref()),
            elapsed,
            explanation,
            id,
            status: outcome.status(),
            url: self.target.to_string(),
        }
    }
}

fn interrupted(exit: Exit) -> Exit {
    if exit == Exit::No { Exit::No } else { Exit::Interrupted }
}
