//! From the command line to what the runner needs.

use std::net::IpAddr;
use std::sync::Arc;

use protocol::internal::acknowledgement::AcknowledgementRule;
use protocol::internal::nearest::did_you_mean;
use protocol::{Algorithm, Dialect, Layout};

use super::{CheckArgs, SharedRedactor, locked};
use super::{explore, suite};
use crate::check::bundle::Bundle;
use crate::check::case::Need;
use crate::check::observer::Observer;
use crate::check::plan::Plan;
use crate::check::recipe::Workshop;
use crate::check::sender::{Wiring, Witness};
use crate::clock::wall_time;
use crate::commands::args::target;
use crate::commands::signing::scheme_of;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::net::options::Connections;
use crate::net::outcome::Outcome;
use crate::net::target::Target;
use crate::process::command::{CommandStream, UserCommand, split};
use crate::sender::judge::Judge;
use crate::settings::{Environment, KEY_VARIABLE};
use crate::terminal::Console;

pub(super) fn plan(
    args: &CheckArgs,
    redactor: &SharedRedactor,
    environment: &Environment,
    console: &mut Console,
) -> Result<Plan, CommandError> {
    let dialect = args.dialect.resolve_in_family(args.require)?;
    let algorithm = algorithm(args, dialect)?;
    let target = target(args.url.as_deref())?;
    knows_names(&target)?;
    let suite = suite::chosen(args)?;
    let observer = observer(args)?;
    let key = args.key.resolve(environment, console)?;
    let retired_key = args.retired.resolve(&key, console)?;
    let seed = args.limits.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut workshop = Workshop::try_new(key, dialect, algorithm, seed, args.statuses)
        .map_err(|error| CommandError::usage("the orders cannot be signed").because(error))?;
    workshop.retired_key = retired_key;
    if let Some(id) = &args.platform_id {
        workshop.platform_id.clone_from(id);
    }
    workshop.edits = args.edits.edits().cloned().collect();
    if let Some(path) = &args.orders {
        workshop.use_orders(Untrusted::path(&path).to_string(), suite::orders(path)?);
    }
    Ok(Plan {
        available: available(args, dialect, algorithm, &target),
        wiring: wiring(
            args,
            target,
            (dialect.acknowledgement(), &dialect.layout),
            redactor,
            console,
        )?,
        workshop,
        suite,
        observer,
        prepare: args.prepare.as_deref().map(|text| command("--prepare", text)).transpose()?,
        seed,
        started_at: wall_time(),
    })
}

fn algorithm(args: &CheckArgs, dialect: &Dialect) -> Result<Algorithm, CommandError> {
    match (args.sign_type, args.require) {
        (Some(chosen), Some(demanded)) if chosen != demanded => {
            let message = format!("--sign-type {} is not what --require demands", chosen.id());
            Err(CommandError::usage(message).hint("leave out --sign-type"))
        }
        (Some(one), _) | (None, Some(one)) => Ok(scheme_of(dialect, one)?.algorithm),
        (None, None) => Ok(dialect.first().algorithm),
    }
}

/// Refuses a `{name}` in the URL that is not known: it would be sent as it is.
fn knows_names(target: &Target) -> Result<(), CommandError> {
    const NAMES: [&str; 2] = ["payout_id", "payout_cl_id"];
    let url = target.to_string();
    let is_word = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut names =
        url.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).filter(is_word);
    match names.find(|name| !NAMES.contains(name)) {
        None => Ok(()),
        Some(name) => Err(CommandError::usage(format!(
            "{{{name}}} in the URL is not known{}",
            did_you_mean(name, NAMES)
        ))
        .hint("{payout_id} and {payout_cl_id} are filled in; %7B and %7D are braces")),
    }
}

fn available(
    args: &CheckArgs,
    dialect: &Dialect,
    algorithm: Algorithm,
    target: &Target,
) -> Vec<Need> {
    let is_hmac = algorithm == Algorithm::HmacSha256;
    let is_demanded = args.require == Some(Algorithm::HmacSha256);
    let present = [
        (Need::Https, target.is_https()),
        (Need::HostName, target.host().parse::<IpAddr>().is_err()),
        (Need::Hmac, is_hmac),
        (Need::HmacDemanded, is_demanded),
        (Need::KnownOrders, args.orders.is_some() || args.prepare.is_some()),
        (Need::Observer, args.limits.observe.is_some() || args.limits.observe_stream.is_some()),
        (Need::RetiredKey, args.retired.retired_key_file.is_some()),
        (Need::PlatformDialect, dialect.id == Dialect::platform().id),
    ];
    present.into_iter().filter(|(_, is_there)| *is_there).map(|(need, _)| need).collect()
}

fn wiring(
    args: &CheckArgs,
    target: Target,
    (acknowledgement, layout): (AcknowledgementRule, &Layout),
    redactor: &SharedRedactor,
    console: &mut Console,
) -> Result<Wiring, CommandError> {
    let short = args.explore.explore.then_some(explore::TIMEOUT);
    let usual = (Connections::Fresh, args.limits.timeout.or(short));
    let (client, options) =
        args.wire.common().connect(&target, usual, 0, layout, &args.redact, console)?;
    Ok(Wiring {
        target,
        judge: Judge::new(acknowledgement),
        client,
        options,
        rate: args.limits.max_rate,
        witness: witness(args, redactor),
    })
}

/// Of a check that redacts: cases quote replies that they do not list.
fn witness(args: &CheckArgs, redactor: &SharedRedactor) -> Option<Witness> {
    let redactor = Arc::clone(redactor);
    let see = move |sent: &[u8], outcome: &Outcome| locked(&redactor).learn(sent, outcome);
    (!args.redact.redact.is_empty()).then(|| Witness::new(see))
}

fn observer(args: &CheckArgs) -> Result<Option<Observer>, CommandError> {
    let (option, text, stream) = match (&args.limits.observe, &args.limits.observe_stream) {
        (Some(text), _) => ("--observe", text, None),
        (None, Some(text)) => ("--observe-stream", text, Some(CommandStream::default())),
        (None, None) => return Ok(None),
    };
    let within = args.limits.observe_within;
    Ok(Some(Observer { command: command(option, text)?, within, stream }))
}

pub(super) fn command(option: &str, text: &str) -> Result<UserCommand, CommandError> {
    let argv = split(text).map_err(|error| {
        CommandError::usage(format!("the {option} command cannot be read"))
            .because(error)
            .hint(format!("write it as in {option} 'python3 credited.py'"))
    })?;
    Ok(UserCommand { argv, hidden_variable: KEY_VARIABLE })
}

pub(super) fn wiring_of(
    args: &CheckArgs,
    bundle: &Bundle,
    redactor: &SharedRedactor,
    environment: &Environment,
    console: &mut Console,
) -> Result<Wiring, CommandError> {
    // None is needed; one that is there must not be shown.
    if !args.key.is_absent(environment) {
        args.key.resolve(environment, console)?;
    }
    let url = args.url.as_deref().unwrap_or(&bundle.url);
    let rule = AcknowledgementRule::for_reply(&bundle.success_reply);
    let layout = Layout { transport: bundle.transport(), ..Layout::PLATFORM };
    wiring(args, target(Some(url))?, (rule, &layout), redactor, console)
}
