//! The orders of a run: what the flags ask for, and what is reported of them.

use std::num::NonZeroU64;
use std::path::Path;

use protocol::Key;
use protocol::internal::signing::BodySigner;

use super::super::args::dialect::refuse_status;
use super::super::args::{file_hint, numbered, unreadable_change};
use super::Setup;
use super::many::ManyArgs;
use super::resume;
use crate::error::{CommandError, ErrorPlace};
use crate::mask::Untrusted;
use crate::report::figures::counted;
use crate::sender::orders::Orders;
use crate::sender::orders::error::OrderError;
use crate::sender::orders::file::FileFormat;
use crate::sender::orders::life::Lives;
use crate::sender::orders::mix::Mix;
use crate::sender::orders::plan::OrderSettings;

pub(super) fn of_arguments(setup: &Setup<'_>, key: Key) -> Result<Orders, CommandError> {
    let many = &setup.args.many;
    let signer = BodySigner::try_new(setup.dialect, setup.args.sign_type, key)
        .map_err(|error| CommandError::usage("the orders cannot be signed").because(error))?;
    let statuses = setup.args.statuses;
    let mix = match (setup.args.status(), &many.mix) {
        (Some(status), _) => Some(Mix::only(status)),
        (None, Some(words)) => Some(numbered(words, &statuses)?),
        (None, None) if many.from.is_none() => Some(Mix::only(statuses.success())),
        (None, None) => None,
    };
    let changes = setup.args.edits.changes_in(&setup.dialect.layout).map_err(unreadable_change)?;
    let (failed, duplicates) = (statuses.failed(), many.duplicates.unwrap_or_default());
    for (status, _) in mix.iter().flat_map(Mix::shares) {
        refuse_status(*status, setup.dialect, &statuses)?;
    }
    let seed = setup.seed;
    let settings = OrderSettings { seed, mix, failed, statuses, duplicates, changes };
    if !many.life.is_empty() {
        let lives = Lives::try_new(&many.life, &statuses).map_err(|error| {
            let hint = "give each life once, with its weight: --life 'processing, success=80'";
            CommandError::usage("--life cannot be used").because(error).hint(hint)
        })?;
        for status in lives.statuses() {
            refuse_status(status, setup.dialect, &statuses)?;
        }
        let (count, settings) = (count_of(many), OrderSettings { mix: None, ..settings });
        let orders = Orders::with_lives(count, lives, settings, signer);
        return Ok(orders.at_speed(setup.args.speed()));
    }
    match &many.from {
        None => Ok(Orders::generate(count_of(many), settings, signer)),
        Some(path) => {
            let format = many.from_format.unwrap_or_else(|| FileFormat::of(path));
            Orders::read(path, format, settings, signer).map_err(|error| refused(many, error))
        }
    }
}

fn count_of(many: &ManyArgs) -> u64 {
    many.count.map_or(1, NonZeroU64::get)
}

pub(super) fn refused(many: &ManyArgs, error: OrderError) -> CommandError {
    let hint = match error {
        OrderError::Open { path, error } => {
            return CommandError::input(format!("cannot read {}", Untrusted::path(&path)))
                .because(error)
                .hint(file_hint(&path.to_string_lossy(), false));
        }
        OrderError::Thread(error) => {
            let told = "cannot start the reader of the orders";
            return CommandError::environment(told).because(error);
        }
        OrderError::Journal(error) => return resume::refused(error),
        OrderError::Empty { skipped_rows } => return no_orders(many, skipped_rows),
        OrderError::NoKey => {
            let hint = "set PAYOUT_NOTIFY_KEY, or use --key-file FILE";
            return CommandError::usage(error.to_string()).hint(hint);
        }
        OrderError::Changed { .. } => {
            let hint = "put the file back as it was, or start a new run with a new journal";
            return CommandError::usage(error.to_string()).hint(hint);
        }
        OrderError::Header { hint, .. } => hint,
        OrderError::Row(_) => Some("--from takes one JSON payload per line, or CSV with a header"),
        OrderError::Signing(_) | OrderError::Read(_) => None,
    };
    let what = match source_name(many) {
        None => "an order cannot be sent".to_owned(),
        Some(name) => format!("an order of {name} cannot be sent"),
    };
    let place = match &error {
        OrderError::Row(bad) => {
            ErrorPlace { line: Some(bad.number), column: bad.column, member: bad.member.clone() }
        }
        error => ErrorPlace { line: error.line(), ..ErrorPlace::default() },
    };
    let refused = CommandError::input(what).because(error).at(place);
    match hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

/// Nothing was sent, so nothing was acknowledged: a pipeline must not take that for a yes.
pub(super) fn no_orders(many: &ManyArgs, skipped: u64) -> CommandError {
    let name = source_name(many).unwrap_or_else(|| "the run".to_owned());
    let error = CommandError::input(format!("{name} has no orders"))
        .hint("--from takes one JSON payload per line, or CSV with a header");
    match skipped_rows(many, skipped) {
        Some(skipped) => error.because(skipped),
        None => error,
    }
}

/// What is reported of empty rows; nothing where there were none.
pub(super) fn skipped_rows(many: &ManyArgs, skipped: u64) -> Option<String> {
    let name = source_name(many).unwrap_or_default();
    let was = if skipped == 1 { "was" } else { "were" };
    (skipped > 0).then(|| format!("{} of {name} {was} skipped", counted(skipped, "empty row")))
}

fn source_name(many: &ManyArgs) -> Option<String> {
    let path = many.from.as_deref()?;
    Some(if path == Path::new("-") {
        "stdin".to_owned()
    } else {
        Untrusted::path(&path).to_string()
    })
}
