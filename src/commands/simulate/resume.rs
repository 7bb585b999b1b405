//! The configuration of a run, and whether a command line that resumes it agrees.

use std::fmt::Display;
use std::path::Path;

use jiff::Timestamp;
use protocol::internal::signing::BodySigner;
use protocol::{Algorithm, Dialect, Key};

use super::Setup;
use super::orders::refused as orders_refused;
use crate::error::CommandError;
use crate::mask::Untrusted;
use crate::sender::jitter::Jitter;
use crate::sender::journal::{Journal, OrderSupply, Resumable, RunConfig};
use crate::sender::orders::Orders;
use crate::sender::orders::plan::OrderPlan;
use crate::sender::pace::Pace;
use crate::sender::schedule::{RetrySchedule, format_duration};
use crate::store::{StoreError, Trouble};

/// The configuration that the flags ask for.
pub(super) fn config(
    setup: &Setup<'_>,
    key_fingerprint: String,
    orders: &OrderPlan,
    started_at: Timestamp,
) -> RunConfig {
    let (args, many) = (setup.args, &setup.args.many);
    RunConfig {
        url: setup.request.url.to_string(),
        schedule: setup.schedule.clone(),
        speed: args.speed(),
        pace: Pace { rate: many.rate, ramp: many.ramp },
        jitter: many.jitter.map(|share| Jitter { share, seed: setup.seed }),
        honors_retry_after: many.honor_retry_after,
        sign_type: args.sign_type,
        dialect: Some(setup.dialect.clone()),
        key_fingerprint,
        seed: Some(setup.seed),
        started_at,
        orders: Some(orders.clone()),
    }
}

/// What a journal left to do, and the orders that are not in it yet.
///
/// Nothing is changed: whatever the command line says besides must agree with the journal first.
pub(super) fn resume(
    setup: &Setup<'_>,
    key: Option<&Key>,
    now: Timestamp,
) -> Result<(Journal, Resumable, Orders), CommandError> {
    let many = &setup.args.many;
    let path = many.journal.as_ref();
    let path = path.ok_or_else(|| CommandError::usage("no journal was given"))?;
    let (journal, mut found) = Journal::resume(path, now).map_err(refused)?;
    if found.run.url != setup.request.url.to_string() {
        return Err(CommandError::usage(format!(
            "the journal's run went to {}",
            Untrusted::new(&found.run.url)
        ))
        .hint("give that URL, or start a new journal"));
    }
    match found.intake {
        OrderSupply::Complete => {}
        OrderSupply::Cut => {
            return Err(CommandError::usage("the journal's run ended before its first send")
                .hint("nothing was sent: remove the journal and start the run again"));
        }
        OrderSupply::Unclear => return Err(unclear(path)),
    }
    check_key(key, &found.run.key_fingerprint)?;
    let dialect = found.run.dialect.as_ref().unwrap_or(setup.dialect);
    check(setup, &found.run, dialect)?;
    let orders = match &found.run.orders {
        None => Orders::listed(Vec::new()),
        Some(plan) => {
            let signer =
                key.map(|key| BodySigner::try_new(dialect, found.run.sign_type, key.clone()));
            let signer = signer.transpose().map_err(|error| {
                CommandError::input("the journal's dialect cannot be used").because(error)
            })?;
            Orders::resume(plan.clone(), signer, found.last.take())
                .map_err(|error| orders_refused(many, error))?
        }
    };
    Ok((journal, found, orders))
}

pub(super) fn refused(error: StoreError) -> CommandError {
    let hint = error.hint();
    let kind = match error.trouble {
        Trouble::Exists | Trouble::Missing => CommandError::usage,
        Trouble::Foreign
        | Trouble::Newer
        | Trouble::Corrupt
        | Trouble::NotAFile
        | Trouble::Leftover
        | Trouble::LogLost => CommandError::input,
        _ => CommandError::environment,
    };
    kind("the journal cannot be used".to_owned()).because(error).hint(hint)
}

/// A journal without all of its orders that cannot show why: whether anything was sent is not known.
fn unclear(path: &Path) -> CommandError {
    let path = Untrusted::path(&path);
    CommandError::input(format!(
        "the journal {path} does not hold all orders of its run, or its log {path}-wal is missing \
         or damaged: it is not known what was sent"
    ))
    .hint(format!("put {path}-wal back beside the journal, if it was moved without it"))
    .hint("otherwise compare with the merchant's record before anything is sent again")
}

/// Refuses another key than the one that signed the bodies of the run.
fn check_key(given: Option<&Key>, kept: &str) -> Result<(), CommandError> {
    let Some(given) = given.map(Key::fingerprint).filter(|given| given != kept) else {
        return Ok(());
    };
    Err(CommandError::usage(format!(
        "the key {given} differs from the one that signed the journal's run ({kept})"
    ))
    .hint("give the key of the run; where all its orders have begun, leave out the key"))
}

fn check(setup: &Setup<'_>, run: &RunConfig, dialect: &Dialect) -> Result<(), CommandError> {
    let args = setup.args;
    let kept = run.schedule.delays();
    let window = run.schedule.window();
    let same_delays = |text: &String| {
        RetrySchedule::parse(text, Some(kept.len()), window)
            .is_ok_and(|given| given.delays() == kept)
    };
    if let Some(text) = args.schedule.as_ref().filter(|text| !same_delays(text)) {
        return Err(differs("--schedule", text, run.schedule.name()));
    }
    if let Some(name) = args.dialect.dialect.as_ref().filter(|_| setup.dialect != dialect) {
        return Err(differs("--dialect", name, &dialect.id));
    }
    let many = &args.many;
    let name = |it: Option<Algorithm>| it.map(|it| it.name().to_owned());
    let share = run.jitter.map(|jitter| jitter.share);
    for (flag, given, kept) in [
        ("--retries", text(args.retries), text(Some(kept.len()))),
        ("--window", args.window.map(format_duration), Some(format_duration(window))),
        ("--speed", text(args.speed), text(Some(run.speed))),
        ("--sign-type", name(args.sign_type), name(run.sign_type)),
        ("--seed", text(many.seed.filter(|_| run.seed.is_some())), text(run.seed)),
        ("--rate", text(many.rate), text(run.pace.rate)),
        ("--ramp", many.ramp.map(format_duration), run.pace.ramp.map(format_duration)),
        ("--jitter", text(many.jitter), text(share)),
    ] {
        if let Some(given) = given.filter(|given| Some(given) != kept.as_ref()) {
            return Err(differs(flag, given, kept.as_deref().unwrap_or("none")));
        }
    }
    if many.honor_retry_after && !run.honors_retry_after {
        return Err(differs("--honor-retry-after", "given", "none"));
    }
    Ok(())
}

fn text(value: Option<impl Display>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn differs(flag: &str, given: impl Display, kept: impl Display) -> CommandError {
    CommandError::usage(format!(
        "{flag} ({}) differs from the journal's run ({})",
        Untrusted::new(&given),
        Untrusted::new(&kept)
    ))
    .hint(format!("leave out {flag}: a run continues as it began; or start a new journal"))
}
