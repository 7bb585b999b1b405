//! `dialects learn`: the rule behind callbacks that are known to be good.

use std::path::PathBuf;

use protocol::internal::dialect_file;
use protocol::internal::learn::{Learned, Sample, USUAL_EFFORT, learn, read};
use protocol::internal::signature::{Answer, verify};
use protocol::{Dialect, Key, Layout, MAX_BYTES, Transport};

use super::masked;
use crate::commands::CommandResult;
use crate::commands::args::{Input, KeyArgs};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::Untrusted;
use crate::report::learned;
use crate::settings::Environment;
use crate::terminal::Console;

/// Find out how a platform signs, from callbacks that are known to be good.
///
/// Reads payloads, one per line or with an empty line between two, and prints the dialect that
/// explains all of them. Also reads `name = value` lines, as documentation pages print a sample.
/// What the samples leave open is on stderr, each with a request whose signature decides it.
/// Exits with 1 where no rule explains all samples.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify dialects learn --key-file key.txt samples.ndjson > ours.toml\n  payout-notify verify --dialect ours.toml --key-file key.txt notification.json"
)]
pub struct LearnArgs {
    /// The samples; - or nothing reads stdin.
    pub file: Option<PathBuf>,
    /// The name of the dialect.
    #[arg(long, value_name = "ID", default_value = "learned")]
    pub id: String,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
}

pub fn run(args: &LearnArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let with_id = Dialect { id: args.id.clone().into(), ..Dialect::platform().clone() };
    dialect_file::parse(&dialect_file::write(&with_id)).map_err(|error| {
        CommandError::usage(format!("--id {:?} cannot be used", Untrusted::new(&args.id)))
            .because(error.problem)
    })?;
    let key = args.key.resolve(environment, console)?;
    let input = Input::read(args.file.as_deref(), console)?;
    let samples = samples(&input)?;
    console.status("searching for the rule");
    let learned = learn(&samples, &key, USUAL_EFFORT);
    console.end_status();
    let dialect = dialect(with_id, &samples, &learned)?;
    let is_right = |dialect: &Dialect| samples.iter().all(|sample| verifies(sample, dialect, &key));
    let dialect = dialect.filter(is_right);
    let transport = samples[0].transport();
    for line in learned::lines(&learned, samples.len(), transport, dialect.is_some()) {
        console.note(&line);
    }
    let Some(dialect) = dialect else { return Ok(Exit::No) };
    if samples[0].payload().is_none_or(|payload| payload.get("payout_id").is_none()) {
        let edit =
            "[fields] and [statuses] are this platform's: edit them before simulate or listen";
        console.note(&learned::hint(edit));
    }
    let text = masked(&dialect_file::write(&dialect));
    if dialect_file::parse(&text).as_ref() != Ok(&dialect) {
        return Err(CommandError::input(
            "a field's name holds the key, which the dialect would show",
        )
        .hint("rename the field in the samples, and in the dialect afterwards"));
    }
    console.answer_text(&text).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}

fn samples(input: &Input) -> Result<Vec<Sample>, CommandError> {
    let name = &input.name;
    if input.bytes.len() > MAX_BYTES {
        let message = format!("{name} is longer than {MAX_BYTES} bytes (1 MiB)");
        return Err(
            CommandError::input(message).hint("a few samples are enough: give three to ten")
        );
    }
    let text = str::from_utf8(&input.bytes).map_err(|error| {
        CommandError::input(format!("the samples in {name} are not UTF-8")).because(error)
    })?;
    read(text).map_err(|error| {
        CommandError::input(format!("the samples in {name} cannot be read"))
            .because(error)
            .hint("give one payload per line: JSON, a form body or XML; or `name = value` lines")
    })
}

/// The dialect, where one explains all samples.
fn dialect(
    with_id: Dialect,
    samples: &[Sample],
    learned: &Learned,
) -> Result<Option<Dialect>, CommandError> {
    let schemes = learned.schemes();
    if schemes.is_empty() {
        return Ok(None);
    }
    let transport = samples[0].transport();
    let method = if transport == Transport::Query { "GET" } else { "POST" };
    let dialect = Dialect {
        title: format!("learned from {} samples", samples.len()).into(),
        schemes: schemes.into(),
        layout: Layout { transport, method: method.into(), ..Layout::PLATFORM },
        ..with_id
    };
    match dialect_file::parse(&dialect_file::write(&dialect)) {
        Ok(dialect) => Ok(Some(dialect)),
        Err(error) => Err(CommandError::input("the rule cannot be written as a dialect file")
            .because(error.problem)
            .hint("it was found; names of fields as long or as strange as these cannot be listed")),
    }
}

fn verifies(sample: &Sample, dialect: &Dialect, key: &Key) -> bool {
    let payload = sample.payload();
    payload.is_some_and(|payload| verify(&payload, key, dialect, None).answer == Answer::Match)
}
