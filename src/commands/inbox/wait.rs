//! `inbox wait`: until a callback is here, or the time is over.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{CallbackTable, Id, parse_id};
use crate::clock::{Clock, SystemClock};
use crate::commands::CommandResult;
use crate::commands::args::inbox::{RedactArgs, refused, warn_of_missing};
use crate::commands::args::{Format, parse_count};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::receiver::inbox::{Conditions, Filter, InboxReader, Side};
use crate::report::line::Line;
use crate::report::redact::FieldRedactor;
use crate::sender::schedule::{format_duration, parse_duration};
use crate::store::Trouble;
use crate::terminal::Console;

/// Wait until the callbacks that a test expects are here, and list them.
///
/// What came before counts too, unless --after is given; where more match than --count, the
/// newest are listed. Exits with 1 when the time is over, and lists what came. A listener in
/// another process fills the inbox.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify inbox wait --order POT00000102 --status success --verdict valid --within 10s\n  payout-notify inbox wait --after latest --count 2"
)]
pub struct WaitArgs {
    /// How many callbacks to wait for.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_count)]
    pub count: u64,
    /// How long to wait.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub within: Duration,
    /// Count only what comes after this callback: its number, or latest for new ones.
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    pub after: Option<Id>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// Which ones.
    #[command(flatten)]
    pub filter: Conditions,
}

/// Looking whether anything was committed reads a few bytes of shared memory.
const POLL: Duration = Duration::from_millis(5);

const POLL_FOR_FILE: Duration = Duration::from_millis(20);

pub(super) fn run(args: &WaitArgs, path: &Path, console: &mut Console) -> CommandResult {
    let deadline = Instant::now().checked_add(args.within);
    let asked_at = SystemClock::new().wall();
    let (reader, is_new) = open(path, deadline, console)?;
    let mut version = reader.version().map_err(refused)?;
    let begin = reader.latest().map_err(refused)?.unwrap_or(0);
    let mut filter = args.filter.filter(asked_at);
    filter.after = match args.after {
        Some(Id::Number(number)) => Some(number),
        // All that is in a file that did not exist when this began is new.
        Some(Id::Latest) => Some(if is_new { 0 } else { begin }),
        None => None,
    };
    let mut waiting = WaitState {
        reader: &reader,
        table: CallbackTable::new(args.format, args.filter.statuses),
        redactor: args.redact.redactor(),
        filter,
        missing: args.count,
        seen: begin,
    };
    waiting.take(Side::NewestFirst, console)?;
    while waiting.missing > 0 {
        match next_version(&reader, version, deadline)? {
            Some(next) => version = next,
            None => return late(args, &waiting, begin, console),
        }
        waiting.seen = reader.latest().map_err(refused)?.unwrap_or(0).max(waiting.seen);
        waiting.take(Side::OldestFirst, console)?;
    }
    warn_of_missing(&waiting.redactor, "callback", console);
    Ok(Exit::Yes)
}

struct WaitState<'r> {
    reader: &'r InboxReader,
    table: CallbackTable,
    redactor: FieldRedactor,
    filter: Filter,
    missing: u64,
    /// The newest callback that was looked at; entries are committed in the order of their numbers.
    seen: u64,
}

impl WaitState<'_> {
    /// Lists those up to `seen` that match, and looks at no entry twice.
    fn take(&mut self, side: Side, console: &mut Console) -> Result<(), CommandError> {
        let before = Some(self.seen.saturating_add(1));
        let limit = Some(self.missing);
        let filter = Filter { before, limit, side, ..self.filter.clone() };
        let mut numbers = self.reader.numbers(&filter).map_err(refused)?;
        numbers.sort_unstable();
        for number in numbers {
            if let Some(entry) = self.reader.entry(number).map_err(refused)? {
                self.table.row(&self.redactor.redact(entry), console)?;
                self.missing -= 1;
            }
        }
        self.filter.after = self.filter.after.max(Some(self.seen));
        Ok(())
    }
}

/// Opens the inbox, with whether it had to wait for it: the listener that makes it may only be starting.
fn open(
    path: &Path,
    deadline: Option<Instant>,
    console: &mut Console,
) -> Result<(InboxReader, bool), CommandError> {
    let error = match InboxReader::open(path) {
        Ok(reader) => return Ok((reader, false)),
        Err(error) if error.trouble == Trouble::Missing => error,
        Err(error) => return Err(refused(error)),
    };
    let file = Untrusted::path(&path);
    console.note(&Line::new().dim(format!("{file} does not exist yet; waiting for a listener")));
    while sleep(POLL_FOR_FILE, deadline) {
        // A file that is being made is not an inbox yet.
        if let Ok(reader) = InboxReader::open(path) {
            return Ok((reader, true));
        }
    }
    Err(refused(InboxReader::open(path).err().unwrap_or(error)))
}

fn next_version(
    reader: &InboxReader,
    known: u64,
    deadline: Option<Instant>,
) -> Result<Option<u64>, CommandError> {
    loop {
        let is_time = sleep(POLL, deadline);
        let version = reader.version().map_err(refused)?;
        if version != known {
            return Ok(Some(version));
        }
        if !is_time {
            return Ok(None);
        }
    }
}

/// Sleeps, at most until the deadline; whether there is time left.
fn sleep(time: Duration, deadline: Option<Instant>) -> bool {
    let left = deadline.map_or(time, |at| at.saturating_duration_since(Instant::now()));
    thread::sleep(time.min(left));
    left > time
}

fn late(
    args: &WaitArgs,
    waiting: &WaitState<'_>,
    begin: u64,
    console: &mut Console,
) -> CommandResult {
    let (count, missing) = (args.count, waiting.missing);
    let came = count.saturating_sub(missing);
    let (plural, are) =
        (if count == 1 { "" } else { "s" }, if missing == 1 { "is" } else { "are" });
    console.warning(&format!(
        "{came} of {count} callback{plural} came within {}; {missing} {are} missing",
        format_duration(args.within)
    ));
    let newer = waiting.seen.saturating_sub(begin);
    if newer > 0 {
        let (plural, them) = if newer == 1 { ("", "it") } else { ("s", "them") };
        console.note(&Line::new().plain(format!(
            "{newer} callback{plural} came meanwhile: `payout-notify inbox list --limit {newer}` \
             shows {them}"
        )));
    }
    Ok(Exit::No)
}
