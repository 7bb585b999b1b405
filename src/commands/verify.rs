//! `verify`: does the signature match, and are the fields what the page promises.

use std::path::PathBuf;

use protocol::internal::signature::{Answer, demanded_scheme, expected, verify};
use protocol::internal::weakness::Circumstances;
use protocol::{Algorithm, StatusTable, diagnose};

use super::args::dialect::DialectArgs;
use super::args::input::InputKind;
use super::args::{Format, Input, KeyArgs, OtherKeyArgs, adopt, adopt_statuses, parse_sign_type};
use super::lines::{self, LinesArgs, VerifyLines};
use super::{CommandResult, answer, conclude};
use crate::clock::{Clock, SystemClock};
use crate::exit::Exit;
use crate::report::batch::BatchKind;
use crate::report::explanation::Explanation;
use crate::report::verification::{Strictness, VerificationReport, finding_line};
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Verify a payload's signature.
///
/// Exits with 0 on a match, with 1 on a mismatch, with 3 where the input is no payload.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify verify --key-file key.txt notification.json")]
pub struct Args {
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
    /// For whom the output is written.
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

impl Args {
    pub fn adopt(&mut self, chosen: &Chosen) {
        self.key.adopt(chosen);
        adopt(&mut self.dialect.dialect, chosen.profile.dialect.as_ref());
        adopt_statuses(&mut self.statuses, &chosen.profile);
    }
}

pub fn run(args: &Args, environment: &Environment, console: &mut Console) -> CommandResult {
    let dialect = args.dialect.resolve(args.require)?;
    let key = args.key.resolve(environment, console)?;
    let strictness = if args.strict { Strictness::Strict } else { Strictness::Normal };
    if args.lines.lines {
        lines::refuse(&[
            ("--other-key-file", !args.other_keys.other_key_file.is_empty()),
            ("--explain", args.explain),
            ("--show-expected", args.show_expected),
            ("--input", !matches!(args.input, InputKind::Auto | InputKind::Json)),
        ])?;
        let work = VerifyLines::new(key, dialect, args.require, strictness, args.statuses);
        return lines::run(&args.lines, args.file.as_deref(), BatchKind::Verify, work, console);
    }
    let others = args.other_keys.resolve(console)?;
    let input = Input::read(args.file.as_deref(), console)?;
    let payload = input.payload_as(args.input)?;
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
        .then(|| expected(&payload, &key, dialect, &verification).as_str().to_owned());
    let (table, fingerprint) = ((&dialect.layout, &args.statuses), key.fingerprint());
    let diagnose = || diagnose(&payload, dialect, &key, &others);
    let report = VerificationReport {
        steps,
        expected,
        strictness,
        ..VerificationReport::new(&payload, verification, table, fingerprint, diagnose)
    };
    let exit = if report.is_valid() { Exit::Yes } else { Exit::No };
    if args.format == Format::Human {
        report.findings.iter().for_each(|finding| console.note(&finding_line(finding)));
    }
    conclude(exit, answer(args.format, || report.json(), || report.lines(), console))
}
