//! `export`: the same orders as a test for a load engine that runs on many machines.

mod order;
mod script;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use order::{OrderKind, Recipe};
use protocol::internal::edit::Edit;
use protocol::{Algorithm, StatusTable};
use script::ScriptPlan;

use super::CommandResult;
use super::args::dialect::{DialectArgs, refuse_status};
use super::args::{
    EditArgs, adopt, adopt_statuses, numbered, parse_sign_type, parse_time, target,
    unreadable_change,
};
use super::output_file::{self, Readers, cannot_write, sealed};
use crate::clock::wall_time;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::{Untrusted, hides};
use crate::net::options::DEFAULT_TIMEOUT;
use crate::report::line::Line;
use crate::sender::orders::mix::MixWords;
use crate::settings::profile::Chosen;
use crate::terminal::Console;
use crate::units::rate::Rate;
use crate::units::status_word::StatusWord;

/// Write a load test with fresh, signed orders for Locust, k6 or Artillery.
///
/// For more load than one machine gives: these engines run a test on many. The key is read from
/// PAYOUT_NOTIFY_KEY when the test runs; it is never written. Each order is sent once.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify export https://shop.example/notify --to locust --rate 500/s --duration 5m > locustfile.py"
)]
pub struct ExportArgs {
    /// The merchant's notify URL; by default the profile's url.
    pub url: Option<String>,
    /// The engine that is to run the test.
    #[arg(long, value_name = "ENGINE")]
    pub to: LoadEngine,
    /// Write to this file, or into this folder; Artillery's test is two files and needs a folder.
    /// A file that was edited, or that payout-notify did not write, is not replaced.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// The status: success, cancelled, failed or a number.
    #[arg(long, value_name = "STATUS", value_parser = StatusWord::parse, allow_hyphen_values = true)]
    pub status: Option<StatusWord>,
    /// How the platform signs, and which reply it expects.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// How to sign: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// How long to wait for a whole reply [default: 10s].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub timeout: Option<Duration>,
    /// Start orders at this rate, all machines together.
    #[arg(long, value_name = "RATE", default_value = "10/s", value_parser = Rate::parse)]
    pub rate: Rate,
    /// Send this many orders in all; --set may hold {uuid}, {now}, {hex:8}, {1..500}.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_ORDERS), conflicts_with = "duration")]
    pub count: Option<u64>,
    /// Send for this time [default: 1m].
    #[arg(long, value_name = "DURATION", value_parser = parse_time)]
    pub duration: Option<Duration>,
    /// Mix statuses, such as success=90,failed=8,cancelled=2.
    #[arg(long, value_name = "SHARES", value_parser = MixWords::parse, conflicts_with = "status")]
    pub mix: Option<MixWords>,
    /// Changes to the payload.
    #[command(flatten)]
    pub edits: EditArgs,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

/// The engine that a test is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadEngine {
    /// Locust, in Python: a master with workers.
    Locust,
    /// Grafana k6: one machine, or many by its operator.
    K6,
    /// Artillery, on Node: one machine, or a fleet of them.
    Artillery,
}

/// The most orders of a test: what every engine can count.
const MOST_ORDERS: u64 = 1_000_000_000_000;

const USUAL_DURATION: Duration = Duration::from_secs(60);

impl ExportArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        adopt(&mut self.url, profile.url.as_ref());
        adopt(&mut self.timeout, profile.timeout.as_ref());
        adopt_statuses(&mut self.statuses, profile);
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt(&mut self.sign_type, profile.sign_type.as_ref());
        if let Some(id) = &profile.platform_id {
            self.edits.adopt("platform_id", &id.value);
        }
    }
}

pub fn run(args: &ExportArgs, console: &mut Console) -> CommandResult {
    let plan = plan(args)?;
    let files = script::files(args.to, &plan);
    match &args.out {
        Some(path) => {
            for (name, text) in &files {
                let path = place(path, name, files.len())?;
                write(&path, name, text)?;
                console.note(&Line::new().dim(format!("wrote {}", Untrusted::path(&path))));
            }
        }
        None => match &files[..] {
            [(_, text)] => console.answer_text(text).map_err(CommandError::output)?,
            _ => {
                return Err(CommandError::usage("Artillery's test is two files")
                    .hint("name a folder for them with --out"));
            }
        },
    }
    Ok(Exit::Yes)
}

fn plan(args: &ExportArgs) -> Result<ScriptPlan, CommandError> {
    let target = target(args.url.as_deref())?;
    let url = args.url.as_deref().unwrap_or_default();
    if has_credentials(url) {
        return Err(CommandError::usage("the URL holds credentials, which the test would show")
            .hint("leave them out, and add them to the test in the way of its engine"));
    }
    if hides(url) || args.edits.edits().any(has_key) {
        let message = "the URL or a change holds the key, which the test would show";
        return Err(CommandError::usage(message)
            .hint("leave it out: the test takes the key from PAYOUT_NOTIFY_KEY when it runs"));
    }
    let chosen_by = args.status.map(|_| "--status").or(args.mix.as_ref().map(|_| "--mix"));
    args.edits.leave_the_status_to(chosen_by)?;
    let dialect = args.dialect.resolve_in_family(args.sign_type)?;
    let changes = args.edits.changes_in(&dialect.layout).map_err(unreadable_change)?;
    let statuses = args.statuses;
    let now = wall_time();
    let recipe = Recipe { changes, dialect, chosen: args.sign_type, statuses, now };
    let status = args.status.map_or(statuses.success(), |status| status.number(&statuses));
    let shares: Vec<(i64, u64)> = match &args.mix {
        Some(words) => numbered(words, &statuses)?.shares().to_vec(),
        None => vec![(status, 1)],
    };
    for (status, _) in &shares {
        refuse_status(*status, dialect, &statuses)?;
    }
    let orders: Result<Vec<OrderKind>, _> =
        shares.into_iter().map(|(status, weight)| recipe.order(status, weight)).collect();
    let orders = orders?;
    if args.to != LoadEngine::Locust {
        exact_in_javascript(&orders)?;
    }
    let scheme = recipe.scheme()?;
    let (count, duration) = amount(args)?;
    Ok(ScriptPlan {
        url: target.to_string(),
        count,
        per_second: args.rate.per_second(),
        duration,
        timeout: args.timeout.unwrap_or(DEFAULT_TIMEOUT),
        scheme,
        acknowledgement: dialect.acknowledgement(),
        layout: &dialect.layout,
        orders,
    })
}

fn amount(args: &ExportArgs) -> Result<(u64, Duration), CommandError> {
    let per_second = args.rate.per_second();
    if let Some(count) = args.count {
        let time = Duration::try_from_secs_f64(count as f64 / per_second);
        return time.map(|time| (count, time)).map_err(|_| {
            CommandError::usage("at this rate the orders take for ever").hint("raise --rate")
        });
    }
    let duration = args.duration.unwrap_or(USUAL_DURATION);
    let count = (duration.as_secs_f64() * per_second).round();
    if count < 1.0 || count > MOST_ORDERS as f64 {
        return Err(CommandError::usage(format!(
            "at this rate {count} orders are sent in that time; 1 to {MOST_ORDERS} can be"
        ))
        .hint("change --rate or --duration"));
    }
    // In range: it fits.
    Ok((count as u64, duration))
}

fn has_key(edit: &Edit) -> bool {
    match edit {
        Edit::Put { name, json } => hides(name) || hides(json),
        Edit::Remove { name } => hides(name),
    }
}

fn has_credentials(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().is_some_and(|authority| authority.contains('@'))
}

fn exact_in_javascript(orders: &[OrderKind]) -> Result<(), CommandError> {
    match orders.iter().flat_map(|order| &order.draws).find(|draw| !draw.is_exact_in_javascript()) {
        Some(draw) => Err(CommandError::usage(format!(
            "the range {draw} goes beyond what JavaScript counts exactly (2^53 - 1)"
        ))
        .hint("take a smaller range, or --to locust")),
        None => Ok(()),
    }
}

fn place(out: &Path, name: &str, files: usize) -> Result<PathBuf, CommandError> {
    let ends_as_folder = out.as_os_str().as_encoded_bytes().ends_with(b"/");
    if !out.is_dir() && !ends_as_folder && files == 1 {
        return Ok(out.to_owned());
    }
    fs::create_dir_all(out).map_err(|error| cannot_write(out, error))?;
    Ok(out.join(name))
}

/// Edits of the file are noticed later, so that they are not lost.
fn write(path: &Path, name: &str, text: &str) -> Result<(), CommandError> {
    let comment = if name.ends_with("js") { "//" } else { "#" };
    output_file::write(path, Readers::All, sealed(text, comment).as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::error::ErrorKind;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        args: ExportArgs,
    }

    fn planned(flags: &[&str]) -> Result<ScriptPlan, CommandError> {
        let line = ["x", "http://127.0.0.1:8787/notify", "--to"].iter().chain(flags);
        let line = CommandLine::try_parse_from(line)
            .map_err(|error| CommandError::usage(error.to_string()))?;
        plan(&line.args)
    }

    #[test]
    fn rate_and_time_give_the_count_and_rate_and_count_the_time() {
        let timed = planned(&["k6", "--rate=500/s", "--duration=5m"]).unwrap();
        assert_eq!(timed.count, 150_000);
        let counted = planned(&["k6", "--rate=30/m", "--count=10"]).unwrap();
        assert_eq!((counted.count, counted.duration), (10, Duration::from_secs(20)));
        assert_eq!(planned(&["locust"]).unwrap().count, 600);
        for wrong in [
            &["k6", "--rate=1/h", "--duration=1s"][..],
            &["k6", "--count=1", "--duration=1s"],
            &["k6", "--duration=0s"],
            &["k6", "--mix=success=1", "--status=failed"],
            &["k6", "--set=sign=x"],
            &["k6", "--set=a={uid}"],
            &["k6", "--set=a={0..9007199254740993}"],
            &["k6", "--dialect=epay", "--sign-type=hmac-sha256"],
            &["wrk"],
        ] {
            assert_eq!(planned(wrong).err().unwrap().kind, ErrorKind::Usage, "{wrong:?}");
        }
        assert!(planned(&["locust", "--set=a={0..9007199254740993}"]).is_ok());
    }

    #[test]
    fn credentials_are_not_written_into_a_test() {
        for (url, holds) in [
            ("http://a:b@c/", true),
            ("http://a@c", true),
            ("http://c/a@b", false),
            ("c?x=@", false),
            (":80", false),
        ] {
            assert_eq!(has_credentials(url), holds, "{url}");
        }
    }
}
