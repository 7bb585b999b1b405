//! `verify`: does the signature match, and are the fields what the page promises.

mod wrapped;

use std::path::{Path, PathBuf};

use protocol::internal::diagnosis::{compare_string, diagnose_fully};
use protocol::internal::signature::{
    Answer, demanded_scheme, expected as expected_signature, verify,
};
use protocol::internal::weakness::Circumstances;
use protocol::{Algorithm, Diagnosis, Payload, StatusTable};

use self::wrapped::{guess, unwrapped};
use super::args::dialect::DialectArgs;
use super::args::input::InputKind;
use super::args::{
    Format, Input, KeyArgs, OtherKeyArgs, USUAL_HINT, adopt, adopt_statuses, parse_sign_type,
};
use super::lines::{self, LinesArgs, VerifyLines};
use super::{CommandResult, answer, conclude};
use crate::clock::{Clock, SystemClock};
use crate::error::CommandError;
use crate::exit::Exit;
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
    /// Show each step from the members to the digest, and what the signature does not protect.
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
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
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

pub fn run(args: &VerifyArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let dialect = args.dialect.resolve(args.require)?;
    let key = args.key.resolve(environment, console)?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Normal };
    if args.lines.lines {
        lines::refuse(&[
            ("--other-key-file", !args.other_keys.other_key_file.is_empty()),
            ("--explain", args.explain),
            ("--show-expected", args.show_expected),
            ("--computed", args.computed.is_some()),
            ("--string-file", args.string_file.is_some()),
            ("--input", !matches!(args.input, InputKind::Auto | InputKind::Json)),
        ])?;
        let work = VerifyLines::new(key, dialect, args.require, strictness, args.statuses);
        return lines::run(&args.lines, args.file.as_deref(), BatchKind::Verify, work, console);
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
    let payload = input.payload_as(args.input).map_err(|error| match guess(&input.bytes) {
        Some((what, step)) => {
            error.without(USUAL_HINT).hint(format!("it looks like {what}: {step}"))
        }
        None => error,
    })?;
    if let Some(name) = misnamed(&payload, sign_field) {
        let text = format!(
            ": the field {} looks like the signature; the platform sends it as {sign_field}: was it renamed on the way?",
            Untrusted::new(name)
        );
        console.note(&Line::new().dim("hint").plain(text));
    }
    let verification = verify(&payload, &key, dialect, args.require);
    let now = SystemClock::new().wall().as_second();
    let circumstances = Circumstances {
        scheme: demanded_scheme(dialect, &verification),
        dialect,
        required: args.require,
        now,
    };
    let steps = args.explain.then(|| Explanation::new(&payload, &verification, &circumstances));
    let expected = (args.show_expected && verification.answer != Answer::Match)
        .then(|| expected_signature(&payload, &key, dialect, &verification).as_str().to_owned());
    let own = match (&args.computed, &string) {
        (Some(computed), _) => {
            let right = expected_signature(&payload, &key, dialect, &verification);
            let is_right = right.matches(computed);
            let diagnosis = match is_right {
                true => Diagnosis::default(),
                false => diagnose_fully(&payload, dialect, &key, &others, Some(computed)),
            };
            Some(Own::Digest { is_right, diagnosis })
        }
        (None, Some(string)) => Some(Own::String(compare_string(&payload, dialect, &key, string))),
        (None, None) => None,
    };
    let (table, fingerprint) = ((&dialect.layout, &args.statuses), key.fingerprint());
    let diagnose = || diagnose_fully(&payload, dialect, &key, &others, None);
    let report = VerificationReport {
        steps,
        expected,
        own,
        strictness,
        ..VerificationReport::new(&payload, verification, table, fingerprint, diagnose)
    };
    let is_right = report.is_valid() && report.own.as_ref().is_none_or(Own::is_right);
    let exit = if is_right { Exit::Yes } else { Exit::No };
    if args.format == Format::Human {
        report.findings.iter().for_each(|finding| console.note(&finding_line(finding)));
    }
    conclude(exit, answer(args.format, || report.json(), || report.lines(), console))
}
