//! `sign`: a payload in, the signed body out.

use std::path::PathBuf;

use clap::ValueEnum;
use protocol::{Algorithm, Encoding};

use super::CommandResult;
use super::args::dialect::DialectArgs;
use super::args::input::InputKind;
use super::args::{EditArgs, Input, KeyArgs, adopt, parse_sign_type};
use super::lines::{self, LinesArgs, SignLines};
use super::signing::sign_payload;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::outside;
use crate::report::batch::BatchKind;
use crate::report::curl;
use crate::settings::Environment;
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Sign a payload and print it.
///
/// Every literal, the order of the fields and the layout stay as they are; only sign (and
/// sign_type, where --sign-type is given) is put in or replaced.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  payout-notify sign --key-file key.txt notification.json")]
pub struct SignArgs {
    /// The payload; - or nothing reads stdin.
    pub file: Option<PathBuf>,
    /// How to sign: md5, hmac-sha256 or sha256; unless told, by the payload's sign_type, else
    /// as the dialect does first.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub sign_type: Option<Algorithm>,
    /// How the platform signs.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// In which form the payload is written, and printed again.
    #[arg(long, value_name = "FORM", default_value = "json")]
    pub input: InputKind,
    /// What to print.
    #[arg(long, value_name = "WHAT", default_value = "body")]
    pub print: SignOutput,
    /// The URL in the curl command [default: http://127.0.0.1:8787/].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Many payloads.
    #[command(flatten)]
    pub lines: LinesArgs,
    /// Changes to the payload.
    #[command(flatten)]
    pub edits: EditArgs,
    /// The key.
    #[command(flatten)]
    pub key: KeyArgs,
}

/// What `sign` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignOutput {
    /// The signed payload.
    Body,
    /// The signature alone.
    Sign,
    /// The canonical string, the key masked.
    Canonical,
    /// A curl command that sends the signed payload.
    Curl,
}

/// Where the curl command sends to unless told otherwise: a listener on its usual port.
const USUAL_URL: &str = "http://127.0.0.1:8787/";

impl SignArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        let profile = &chosen.profile;
        self.key.adopt(chosen);
        adopt(&mut self.dialect.dialect, profile.dialect.as_ref());
        adopt(&mut self.sign_type, profile.sign_type.as_ref());
        adopt(&mut self.url, profile.url.as_ref());
    }
}

pub fn run(args: &SignArgs, environment: &Environment, console: &mut Console) -> CommandResult {
    let dialect = args.dialect.resolve(args.sign_type)?;
    let key = args.key.resolve(environment, console)?;
    if args.lines.lines {
        lines::refuse(&[("--input", !matches!(args.input, InputKind::Auto | InputKind::Json))])?;
        let edits = args.edits.edits();
        let work = SignLines::try_new(edits, dialect, args.sign_type, key, args.print)?;
        return lines::run(&args.lines, args.file.as_deref(), BatchKind::Sign, work, console);
    }
    let input = Input::read(args.file.as_deref(), console)?;
    let payload = input.payload_as(args.input)?;
    if args.print == SignOutput::Curl && payload.encoding() != Encoding::Json {
        return Err(CommandError::usage("a curl command is printed for JSON only")
            .hint("leave out --print curl, or use --input json"));
    }
    let edits = args.edits.edits();
    let signed = sign_payload(&payload, edits, dialect, args.sign_type, &key)?;
    let output = match args.print {
        SignOutput::Body => signed.body,
        SignOutput::Sign => signed.signature.as_str().to_owned(),
        SignOutput::Canonical => outside(&signed.masked_canonical()).into_owned(),
        SignOutput::Curl => {
            let url = args.url.as_deref().unwrap_or(USUAL_URL);
            curl::command(&outside(url), signed.body.trim_end())
        }
    };
    console.answer_text(&output).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}
