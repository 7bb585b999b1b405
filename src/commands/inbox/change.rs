//! `inbox delete` and `inbox prune`: the two that change the inbox.

use std::path::Path;
use std::time::Duration;

use super::{Id, find, parse_id};
use crate::clock::{Clock, SystemClock};
use crate::commands::CommandResult;
use crate::commands::args::inbox::refused;
use crate::commands::args::parse_number;
use crate::commands::runtime::block_on;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::receiver::inbox::{self, DEFAULT_KEEP, Inbox, InboxReader, InboxSettings};
use crate::report::line::Line;
use crate::sender::schedule::parse_duration;
use crate::store::{StoreError, Trouble};
use crate::terminal::Console;

/// Delete callbacks; no listener may work with the inbox.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox delete 12 13")]
pub struct DeleteArgs {
    /// Their numbers, or latest.
    #[arg(value_name = "ID", value_parser = parse_id, required = true)]
    pub ids: Vec<Id>,
}

/// Delete the oldest callbacks and give their room back; no listener may work with the inbox.
///
/// A running listener prunes by itself.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox prune --keep 1000")]
pub struct PruneArgs {
    /// How many of the newest stay [default: 10000, or all with --keep-for].
    #[arg(long, value_name = "N", value_parser = parse_number)]
    pub keep: Option<u64>,
    /// Only those stay that came within this time, for example 7d.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub keep_for: Option<Duration>,
}

pub(super) fn delete(
    args: &DeleteArgs,
    path: &Path,
    reader: &InboxReader,
    console: &mut Console,
) -> CommandResult {
    // All are looked up first: a slip in one number deletes nothing.
    let found: Result<Vec<u64>, CommandError> =
        args.ids.iter().map(|id| find(reader, *id).map(|entry| entry.id)).collect();
    let ids = found?;
    let deleted = block_on(async {
        let inbox = open(path)?;
        let deleted = inbox.delete(&ids).await.map_err(refused)?;
        inbox.close().map_err(refused)?;
        Ok(deleted)
    })?;
    say(deleted, console)
}

pub(super) fn prune(args: &PruneArgs, path: &Path, console: &mut Console) -> CommandResult {
    let usual = if args.keep_for.is_some() { u64::MAX } else { DEFAULT_KEEP };
    let keep = args.keep.unwrap_or(usual);
    let now = SystemClock::new().wall();
    let before = args.keep_for.and_then(|time| now.checked_sub(time).ok());
    let mut deleted = 0;
    let mut prune = async |path: &Path| {
        let inbox = Inbox::open_existing(path, InboxSettings::default())?;
        deleted += inbox.prune(keep, before).await?;
        inbox.close()?;
        inbox::compact(path)
    };
    block_on(async {
        let mut pruned = prune(path).await;
        if pruned.as_ref().is_err_and(|error| error.trouble == Trouble::Full) {
            pruned = inbox::change_elsewhere(path, &mut prune).await;
        }
        pruned.map_err(|error| match error.trouble {
            Trouble::Full => CommandError::environment("there is no room to prune the inbox")
                .because(error)
                .hint("name a folder on another disk: `TMPDIR=FOLDER payout-notify inbox prune`"),
            _ => busy(error),
        })
    })?;
    say(deleted, console)
}

fn open(path: &Path) -> Result<Inbox, CommandError> {
    Inbox::open_existing(path, InboxSettings::default()).map_err(busy)
}

fn busy(error: StoreError) -> CommandError {
    if error.trouble != Trouble::InUse {
        return refused(error);
    }
    CommandError::environment("the inbox cannot be changed now").because(error).hint(
        "a listener works with it: stop it first; with `listen --keep N` and `--keep-for` it \
         deletes by itself",
    )
}

fn say(deleted: u64, console: &mut Console) -> CommandResult {
    let plural = if deleted == 1 { "" } else { "s" };
    let line = Line::new().strong(deleted.to_string()).plain(format!(" callback{plural} deleted"));
    console.answer(&line).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}
