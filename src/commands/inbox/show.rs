//! `inbox show` and `inbox diff`.

use protocol::internal::canonical::canonicalize;
use protocol::internal::diagnosis::diagnose_fully;
use protocol::{Algorithm, Key, StatusTable};

use super::{Id, find, parse_id};
use crate::commands::args::dialect::DialectArgs;
use crate::commands::args::inbox::{RedactArgs, warn_of_missing};
use crate::commands::args::{Format, KeyArgs, OtherKeyArgs, adopt, parse_sign_type};
use crate::commands::signing::choose_scheme;
use crate::commands::{CommandResult, answer, conclude};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::keyring::Keyring;
use crate::receiver::inbox::InboxReader;
use crate::receiver::received::Received;
use crate::receiver::verify::{Accepts, Contract};
use crate::report::inbox::diff::{self, BytesDiff};
use crate::report::inbox::{self as report, InboxDetail};
use crate::report::verification::{VerificationReport, finding_line};
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Show one callback in full: the request, what is signed, the verdict, the reply.
///
/// With a key the signature is verified again, and a mismatch is explained; exits with 1 then.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox show latest --key-file key.txt")]
pub struct ShowArgs {
    /// Its number, or latest.
    #[arg(value_name = "ID", value_parser = parse_id)]
    pub id: Id,
    /// How the platform signs.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// Refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out; the signature is not verified again then.
    #[command(flatten)]
    pub redact: RedactArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Keys that may have been used by mistake.
    #[command(flatten)]
    pub other_keys: OtherKeyArgs,
    /// The numbers of statuses, where a profile has other ones.
    #[arg(skip)]
    pub statuses: StatusTable,
}

impl ShowArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        self.key.adopt(chosen);
        adopt(&mut self.dialect.dialect, chosen.profile.dialect.as_ref());
    }
}

pub(super) fn show(
    args: &ShowArgs,
    reader: &InboxReader,
    environment: &Environment,
    console: &mut Console,
) -> CommandResult {
    let dialect = args.dialect.resolve(args.require)?;
    let mut redactor = args.redact.redactor();
    // What is signed has the redacted values, and so has every explanation of a mismatch.
    let keys = match args.key.is_absent(environment) || redactor.is_needed() {
        true => None,
        false => Some(args.key.resolve_all(environment, console)?),
    };
    let others = args.other_keys.resolve(console)?;
    let entry = redactor.redact(find(reader, args.id)?);
    warn_of_missing(&redactor, "callback", console);
    let (required, statuses) = (args.require, args.statuses);
    let contract = Contract { dialect, required, accepts: Accepts::Any, statuses };
    let detail = detail(&entry, &contract, keys.as_ref(), &others);
    let exit = match &detail.verification {
        Some(report) if !report.is_valid() => Exit::No,
        _ => Exit::Yes,
    };
    let written = match args.format {
        Format::Json => {
            let verified = detail.verification.map(|report| report.json()).unwrap_or_default();
            console.answer_bytes(format!("{}{verified}", report::json(&entry)).as_bytes())
        }
        Format::Human => {
            for finding in detail.verification.iter().flat_map(|report| &report.findings) {
                console.note(&finding_line(finding));
            }
            report::lines(&entry, &detail).iter().try_for_each(|line| console.answer(line))
        }
    };
    conclude(exit, written.map_err(CommandError::output))
}

fn detail(
    entry: &Received,
    contract: &Contract,
    keys: Option<&Keyring>,
    others: &[(String, Key)],
) -> InboxDetail {
    let Ok(payload) = contract.payload(&entry.callback) else { return InboxDetail::default() };
    let Some(keys) = keys else {
        let scheme = choose_scheme(&payload, contract.dialect, None).map(|(scheme, _)| scheme);
        let masked_canonical =
            scheme.ok().map(|scheme| canonicalize(&payload, scheme).masked(scheme));
        return InboxDetail { masked_canonical, verification: None };
    };
    let verification = keys.verify(&payload, contract.dialect, contract.required);
    let table = (&contract.dialect.layout, &contract.statuses);
    let diagnose = |key: &Key| diagnose_fully(&payload, contract.dialect, key, others, None);
    let report = VerificationReport::new(&payload, verification, table, keys, diagnose);
    InboxDetail {
        masked_canonical: Some(report.masked_canonical.clone()),
        verification: Some(report),
    }
}

/// Compare two callbacks: their members, headers and bytes.
///
/// Exits with 0 where the bodies are the same byte for byte, with 1 where they differ.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify inbox diff 12 latest")]
pub struct DiffArgs {
    /// The first one's number, or latest.
    #[arg(value_name = "A", value_parser = parse_id)]
    pub a: Id,
    /// The second one's number, or latest.
    #[arg(value_name = "B", value_parser = parse_id)]
    pub b: Id,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// What is left out; that it differs is shown.
    #[command(flatten)]
    pub redact: RedactArgs,
}

pub(super) fn diff(args: &DiffArgs, reader: &InboxReader, console: &mut Console) -> CommandResult {
    let (a, b) = (find(reader, args.a)?, find(reader, args.b)?);
    let mut redactor = args.redact.redactor();
    let diff = match redactor.is_needed() {
        true => {
            let shown = (redactor.redact(a.clone()), redactor.redact(b.clone()));
            diff::compare_as(&a, &b, (&shown.0, &shown.1))
        }
        false => diff::compare(&a, &b),
    };
    warn_of_missing(&redactor, "callback", console);
    let exit = if diff.bytes == BytesDiff::Same { Exit::Yes } else { Exit::No };
    conclude(exit, answer(args.format, || diff::json(&diff), || diff::lines(&diff), console))
}
