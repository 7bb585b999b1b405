//! What `listen` can be told, in groups.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::internal::acknowledgement::AcknowledgementRule;

use super::api::ApiPlan;
use super::parse_bind;
use crate::commands::args::inbox::InboxArgs;
use crate::commands::args::parse_number;
use crate::commands::output_file::{self, Readers};
use crate::commands::private_file::warn_if_others_can_read;
use crate::commands::wire_args::{ReachArgs, connect};
use crate::error::CommandError;
use crate::inspector::Pages;
use crate::mask::{Untrusted, hides};
use crate::net::client::ClientConfig;
use crate::net::target::Target;
use crate::receiver::forward::{ForwardSettings, Forwarder, POOL};
use crate::receiver::inbox::{DEFAULT_KEEP, InboxSettings};
use crate::receiver::pipeline::ReplyFrom;
use crate::receiver::referee::Rules;
use crate::receiver::replies::{Per, ReplyProgram};
use crate::receiver::server::tls::{SelfSigned, TlsIdentity};
use crate::sender::schedule::{RetrySchedule, parse_duration};
use crate::settings::Environment;
use crate::terminal::Console;

/// Where callbacks are kept, and how many.
#[derive(clap::Args)]
#[command(next_help_heading = "Inbox")]
pub struct KeepArgs {
    /// Where the inbox is.
    #[command(flatten)]
    pub inbox: InboxArgs,
    /// Keep nothing.
    #[arg(long, conflicts_with_all = ["inbox", "keep", "keep_for"])]
    pub no_inbox: bool,
    /// Keep at most this many callbacks; the oldest go first.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_KEEP, value_parser = parse_number)]
    pub keep: u64,
    /// Keep callbacks at most this long, such as 7d.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub keep_for: Option<Duration>,
}

impl KeepArgs {
    /// The inbox's file and how it is kept; nothing where nothing is to be kept.
    ///
    /// Where no file is named and there is no home for the usual one, nothing is kept, and that is
    /// said: a listener is of use without its memory.
    pub fn resolve(
        &self,
        environment: &Environment,
        console: &mut Console,
    ) -> Result<Option<(PathBuf, InboxSettings)>, CommandError> {
        if self.no_inbox {
            return Ok(None);
        }
        if let Some(path) = &self.inbox.inbox {
            refuse_lost(path)?;
        }
        let Ok(path) = self.inbox.path(environment) else {
            console
                .warning("callbacks are not kept: no home is set; name a file with --inbox FILE");
            return Ok(None);
        };
        let (keep, keep_for) = (self.keep, self.keep_for);
        Ok(Some((path, InboxSettings { keep, keep_for, ..InboxSettings::default() })))
    }
}

/// Refuses a file in a folder that does not exist: a mistyped path would keep callbacks where
/// nobody looks for them.
fn refuse_lost(file: &Path) -> Result<(), CommandError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("the inbox {} has no parent folder", Untrusted::path(&file));
            // A part of a path that has a key can be a part of the key, which no mask would find.
            let shown = match hides(&file.to_string_lossy()) {
                true => "of that path".to_owned(),
                false => Untrusted::path(&folder).to_string(),
            };
            Err(CommandError::environment(message)
                .because(error)
                .hint(format!("make the folder {shown} first, or check the path")))
        }
        // What else is wrong with it the store reports when it opens the file.
        _ => Ok(()),
    }
}

/// What is answered.
#[derive(clap::Args)]
#[command(next_help_heading = "Replies")]
pub struct ReplyArgs {
    /// Answer by this program, step by step: 'fail*3, hang 35s, reset, ok'.
    #[arg(long, value_name = "PROGRAM", value_parser = ReplyProgram::parse)]
    pub reply: Option<ReplyProgram>,
    /// Whose replies are counted together: order, connection or all.
    #[arg(long, value_name = "WHAT", default_value = "order", requires = "reply")]
    pub reply_per: Per,
    /// The seed of the program's chances.
    #[arg(long, value_name = "N", requires = "reply", value_parser = parse_number)]
    pub seed: Option<u64>,
}

/// An application behind the listener.
#[derive(clap::Args)]
#[command(next_help_heading = "Forwarding")]
pub struct ForwardArgs {
    /// Send each callback on to this application (http or https), byte for byte.
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<String>,
    /// Whose reply the sender gets [default: app; with --reply: listener].
    #[arg(long, value_name = "WHO", requires = "forward_to")]
    pub reply_from: Option<ReplyFrom>,
    /// Wait this long for an application that refuses connections.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration, requires = "forward_to")]
    pub forward_retry: Duration,
    /// Wait this long for the application's reply.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration, requires = "forward_to")]
    pub forward_timeout: Duration,
    /// How the application is reached.
    #[command(flatten)]
    pub reach: ReachArgs,
}

impl ForwardArgs {
    pub fn resolve(
        &self,
        acknowledgement: AcknowledgementRule,
        config: &ClientConfig,
        console: &mut Console,
    ) -> Result<Option<Forwarder>, CommandError> {
        let Some(url) = &self.forward_to else { return Ok(None) };
        let unusable = || CommandError::usage("--forward-to cannot be used");
        let target = Target::parse(url).map_err(|error| {
            let hint = error.hint();
            unusable().because(error).hint(hint)
        })?;
        if target.has_credentials() {
            // The URL is shown and kept.
            return Err(unusable().hint("leave the user name and the password out of the URL"));
        }
        self.reach.warn(&target, console);
        let config = ClientConfig { pool: POOL, ..config.clone() };
        let client = connect(&target, config, console)?;
        let (timeout, retry) = (self.forward_timeout, self.forward_retry);
        let settings = ForwardSettings { target, timeout, retry, acknowledgement };
        Ok(Some(Forwarder::new(client, settings)))
    }

    pub fn reply_from(&self, program: Option<&ReplyProgram>) -> ReplyFrom {
        match (self.reply_from, program) {
            (Some(who), _) => who,
            (None, Some(_)) => ReplyFrom::Listener,
            (None, None) => ReplyFrom::App,
        }
    }
}

/// What the sender is held to.
#[derive(clap::Args)]
#[command(next_help_heading = "Referee")]
pub struct RefereeArgs {
    /// Hold the sender to its contract; a breach exits with 1.
    #[arg(long)]
    pub referee: bool,
    /// The retries that the sender may make.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "referee")]
    pub max_retries: u32,
    /// The schedule that the sender must keep: a preset, or a list of delays.
    #[arg(long, value_name = "SCHEDULE", requires = "referee")]
    pub expect_schedule: Option<String>,
    /// How long the sender waits for a reply; a later acknowledgement does not bind it.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration, requires = "referee")]
    pub sender_timeout: Duration,
}

impl RefereeArgs {
    pub fn resolve(&self) -> Result<Option<Rules>, CommandError> {
        if !self.referee {
            return Ok(None);
        }
        let (max_retries, attempt_timeout) = (self.max_retries, self.sender_timeout);
        let usual = Rules { max_retries, attempt_timeout, ..Rules::default() };
        let expected_delays = match &self.expect_schedule {
            None => None,
            Some(text) => {
                let schedule = RetrySchedule::parse(text, None, usual.window).map_err(|error| {
                    let hint = error.hint();
                    CommandError::usage("--expect-schedule cannot be used")
                        .because(error)
                        .hint(hint)
                })?;
                Some(schedule.delays().to_vec())
            }
        };
        Ok(Some(Rules { expected_delays, ..usual }))
    }
}

/// The API and the page, both on one loopback port of their own.
#[derive(clap::Args)]
#[command(next_help_heading = "API and page")]
pub struct ApiArgs {
    /// Serve an HTTP API for tests on this loopback address, or a free port: list and wait for
    /// callbacks, change the replies, sign, send again.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = ":0", conflicts_with = "no_inbox")]
    pub api: Option<String>,
    /// Serve a page that shows callbacks as they come, and the API, on this loopback address or a
    /// free port.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = ":0", conflicts_with = "no_inbox")]
    pub inspect: Option<String>,
}

impl ApiArgs {
    /// Where they are served; they show what is kept.
    pub(super) fn resolve(&self, is_kept: bool) -> Result<Option<ApiPlan>, CommandError> {
        let parse = |text: &Option<String>| text.as_deref().map(parse_bind).transpose();
        let (api, page) = (parse(&self.api)?, parse(&self.inspect)?);
        let any_port = |address: &SocketAddr| address.port() == 0;
        let (address, pages) = match (api, page) {
            (None, None) => return Ok(None),
            (Some(address), None) => (address, Pages::None),
            (None, Some(address)) => (address, Pages::Inspector),
            (Some(api), Some(page)) if any_port(&api) => (page, Pages::Inspector),
            (Some(api), Some(page)) if any_port(&page) || api == page => (api, Pages::Inspector),
            (Some(_), Some(_)) => {
                let error = CommandError::usage("--api and --inspect name two addresses");
                return Err(error.hint("both are on one: name it once"));
            }
        };
        if !is_kept {
            let flag = if self.inspect.is_some() { "--inspect" } else { "--api" };
            let error = CommandError::usage(format!("{flag} shows what is kept, and nothing is"));
            return Err(error.hint("name a file with --inbox FILE"));
        }
        Ok(Some(ApiPlan { address, pages }))
    }
}

/// How the listener speaks TLS.
#[derive(clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Speak HTTPS with this certificate and its chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Speak HTTPS with a certificate made for this run.
    #[arg(long, conflicts_with = "tls_cert")]
    pub tls_self_signed: bool,
    /// Write the certificate made for this run to this file, for the sender's --cacert.
    /// Of the files that exist it replaces only one that an earlier run wrote.
    #[arg(long, value_name = "FILE", requires = "tls_self_signed")]
    pub tls_cert_out: Option<PathBuf>,
}

pub struct IdentityArgs {
    pub tls: TlsIdentity,
    pub sha256: Option<String>,
}

impl TlsArgs {
    pub fn resolve(
        &self,
        host: &str,
        console: &mut Console,
    ) -> Result<Option<IdentityArgs>, CommandError> {
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            warn_if_others_can_read("private key", key, key.metadata(), console);
            let tls = TlsIdentity::from_pem_files(certificate, key).map_err(|error| {
                CommandError::input("TLS cannot be set up")
                    .because(error)
                    .hint("--tls-cert and --tls-key take PEM files; --tls-self-signed needs none")
            })?;
            return Ok(Some(IdentityArgs { tls, sha256: None }));
        }
        if !self.tls_self_signed {
            return Ok(None);
        }
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        if !names.iter().any(|name| name == host) {
            names.push(host.to_owned());
        }
        let SelfSigned { identity, cert_pem, sha256_fingerprint } =
            TlsIdentity::self_signed(&names).map_err(|error| {
                CommandError::environment("a certificate cannot be made").because(error)
            })?;
        if let Some(path) = &self.tls_cert_out {
            output_file::write(path, Readers::All, cert_pem.as_bytes())?;
        }
        Ok(Some(IdentityArgs { tls: identity, sha256: Some(sha256_fingerprint) }))
    }
}
