//! `verify`: does the signature match, and are the fields what the page promises.

mod wrapped;

use std::path::{Path, PathBuf};

use protocol::internal::diagnosis::{compare_string, diagnose_fully};
use protocol::internal::edit::{self, Edit, json_string};
use protocol::internal::form;
use protocol::internal::signature::{Answer, demanded_scheme, expected as expected_signature};
use protocol::internal::weakness::Circumstances;
use protocol::{Algorithm, Diagnosis, Dialect, Key, Payload, StatusTable, Value};

use self::wrapped::{guess, unwrapped};
use super::args::dialect::DialectArgs;
use super::args::input::InputKind;
use super::args::{
    Format, Input, KeyArgs, OtherKeyArgs, USUAL_HINT, adopt, adopt_statuses, parse_sign_type,
};
use super::lines::{self, LineTable, LinesArgs, VerifyLines};
use super::{CommandResult, answer, conclude};
use crate::clock::{Clock, SystemClock};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::keyring::Keyring;
use crate::mask::Untrusted;
use crate::report::batch::BatchKind;
use crate::report::comparison::Own;
use crate::report::explanation::Explanation;
use crate::report::line::Line;
use crate::report::verification::{Strictness, VerificationReport, finding_line};
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Verify a payload's signature.
///
/// Exits with 0 on a match, with 1 on a mismatch, with 3 where the input is not a valid payload. With
/// --computed or --string-file, your own digest or string must match too.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify verify --key-file key.txt notification.json")]
pub struct VerifyArgs {
    /// The payload; - or nothing reads stdin.
    pub file: Option<PathBuf>,
    /// How the platform signs.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// In which form the payload is written.
    #[arg(long, value_name = "FORM", default_value = "auto")]
    pub input: InputKind,
    /// Refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// Let warnings about the fields count.
    #[arg(long)]
    pub strict: bool,
    /// Show each step from the fields to the digest, and what the signature does not protect; with --lines the string that is signed.
    #[arg(long)]
    pub explain: bool,
    /// On a mismatch, show the signature that would have matched.
    #[arg(long)]
    pub show_expected: bool,
    /// Explain this digest, which your code computed for the payload, beside the payload's own.
    #[arg(long, value_name = "DIGEST", allow_hyphen_values = true, conflicts_with = "string_file")]
    pub computed: Option<String>,
    /// Compare the string that your code signs with the rule's; - reads stdin.
    ///
    /// With or without the key at its end; one newline at its end is dropped.
    #[arg(long, value_name = "FILE")]
    pub string_file: Option<PathBuf>,
    /// Output format [default: human; with --lines into a file or pipe: json].
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Many payloads.
    #[command(flatten)]
    pub lines: LinesArgs,
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

impl VerifyArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        self.key.adopt(chosen);
        adopt(&mut self.dialect.dialect, chosen.profile.dialect.as_ref());
        adopt_statuses(&mut self.statuses, &chosen.profile);
    }
}

impl VerifyArgs {
    pub fn format(&self) -> Format {
        self.format.unwrap_or(Format::Human)
    }

    /// The string to sign of `--string-file`.
    fn string(&self, console: &mut Console) -> Result<Option<Vec<u8>>, CommandError> {
        let Some(path) = &self.string_file else { return Ok(None) };
        let is_stdin = |path: &Path| path == Path::new("-");
        if is_stdin(path) && self.file.as_deref().is_none_or(is_stdin) {
            let both = "--string-file - and the payload cannot both come from stdin";
            return Err(CommandError::usage(both).hint("name the payload's file"));
        }
        let mut bytes = Input::read(Some(path), console)?.bytes;
        if bytes.ends_with(b"\n") {
            bytes.pop();
            if bytes.ends_with(b"\r") {
                bytes.pop();
            }
        }
        Ok(Some(bytes))
    }
}

/// A field that may be the signature's under another name, where there is none under its own.
fn misnamed<'p>(payload: &'p Payload<'_>, sign_field: &str) -> Option<&'p str> {
    let is_near = |name: &&str| {
        [sign_field, "signature"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    match payload.get(sign_field) {
        Some(_) => None,
        // A key that is such a word would be given away by the gap.
        None => payload
            .members()
            .iter()
            .map(|member| &*member.name)
            .find(is_near)
            .filter(|name| Untrusted::new(name).to_string() == **name),
    }
}

/// Whether the signature matches once the field `name` has the signature's own name.
fn is_right_under(payload: &Payload<'_>, name: &str, keys: &Keyring, dialect: &Dialect) -> bool {
    let Some(Value::String(sign)) = payload.get(name).map(|member| &member.value) else {
        return false;
    };
    let named = Edit::Put { name: dialect.sign_field().to_owned(), json: json_string(sign) };
    let put = edit::apply(payload, &named);
    let encoding = payload.encoding();
    let removed = form::read(put.as_bytes(), encoding)
        .map(|put| edit::apply(&put, &Edit::Remove { name: name.to_owned() }));
    removed.is_ok_and(|text| {
        let payload = form::read(text.as_bytes(), encoding);
        payload.is_ok_and(|it| keys.verify(&it, dialect, None).answer == Answer::Match)
    })
}

pub fn run(args: &VerifyArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let dialect = args.dialect.resolve(args.require)?;
    let keys = args.key.resolve_all(environment, console)?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Normal };
    if args.lines.lines {
        return verify_lines(args, dialect, keys, strictness, console);
    }
    let others = args.other_keys.resolve(console)?;
    let string = args.string(console)?;
    let sign_field = &*dialect.first().sign_field;
    let mut input = Input::read(args.file.as_deref(), console)?;
    if args.input == InputKind::Auto
        && let Some(found) = unwrapped(&input.bytes, sign_field)
    {
        let from = format!(": the payload is read from {}", found.from);
        console.note(&Line::new().dim("note").plain(from));
        input.bytes = found.bytes;
    }
    let payload =
        input.payload_as(args.input).map_err(|error| match guess(&input.bytes, sign_field) {
            Some((what, step)) => {
                error.without(USUAL_HINT).hint(format!("it looks like {what}: {step}"))
            }
            None => error,
        })?;
    if let Some(name) = misnamed(&payload, sign_field) {
        let is_right = is_right_under(&payload, name, &keys, dialect);
        let name = Untrusted::new(name);
        let text = match is_right {
            true => format!(
                ": the field {name} looks like the signature, and its digest is right; the platform sends it as {sign_field}"
            ),
            false => format!(
                ": the field {name} looks like the signature; the platform sends it as {sign_field}: was it renamed on the way?"
            ),
        };
        console.note(&Line::new().dim("hint").plain(text));
    }
    let verification = keys.verify(&payload, dialect, args.require);
    let key = keys.key(verification.key);
    let now = SystemClock::new().wall().as_second();
    let circumstances = Circumstances {
        scheme: demanded_scheme(dialect, &verification),
        dialect,
        required: args.require,
        now,
    };
    let steps = args.explain.then(|| Explanation::new(&payload, &verification, &circumstances));
    let expected = (args.show_expected && verification.answer != Answer::Match)
        .then(|| expected_signature(&payload, key, dialect, &verification).as_str().to_owned());
    let own = match (&args.computed, &string) {
        (Some(computed), _) => {
            let right = expected_signature(&payload, key, dialect, &verification);
            let is_right = right.matches(computed);
            let diagnosis = match is_right {
                true => Diagnosis::default(),
                false => diagnose_fully(&payload, dialect, key, &others, Some(computed)),
            };
            Some(Own::Digest { is_right, diagnosis })
        }
        (None, Some(string)) => Some(Own::String(compare_string(&payload, dialect, key, string))),
        (None, None) => None,
    };
    let table = (&dialect.layout, &args.statuses);
    let diagnose = |key: &Key| diagnose_fully(&payload, dialect, key, &others, None);
    let report = VerificationReport {
        steps,
        expected,
        own,
        strictness,
        ..VerificationReport::new(&payload, verification, table, &keys, diagnose)
    };
    let is_right = report.is_valid() && report.own.as_ref().is_none_or(Own::is_right);
    let exit = if is_right { Exit::Yes } else { Exit::No };
    if args.format() == Format::Human {
        report.findings.iter().for_each(|finding| console.note(&finding_line(finding)));
    }
    conclude(exit, answer(args.format(), || report.json(), || report.lines(), console))
}

fn verify_lines(
    args: &VerifyArgs,
    dialect: &Dialect,
    keys: Keyring,
    strictness: Strictness,
    console: &mut Console,
) -> CommandResult {
    lines::refuse(&[
        ("--other-key-file", !args.other_keys.other_key_file.is_empty()),
        ("--show-expected", args.show_expected),
        ("--computed", args.computed.is_some()),
        ("--string-file", args.string_file.is_some()),
        ("--input", !matches!(args.input, InputKind::Auto | InputKind::Json)),
    ])?;
    let is_table = match args.format {
        Some(format) => format == Format::Human,
        None => console.answers_a_terminal(),
    };
    let table = is_table.then(|| LineTable::new(console.answer_width()));
    if table.is_some() && args.explain {
        return Err(CommandError::usage("--explain with --lines is for JSON, not for the table")
            .hint("add --format json, or give one line alone, without --lines"));
    }
    let (required, statuses) = (args.require, args.statuses);
    let work = VerifyLines::new(keys, dialect, required, strictness, statuses, table, args.explain);
    lines::run(&args.lines, args.file.as_deref(), BatchKind::Verify, work, console)
}
