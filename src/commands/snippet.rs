//! `snippet`: a small verifier and handler in a merchant's language.

pub(super) mod language;
pub(super) mod render;
mod vectors;

use clap::ValueEnum;
use language::Language;
use protocol::{Algorithm, Transport};

use super::CommandResult;
use super::args::dialect::DialectArgs;
use super::args::{adopt, parse_sign_type};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::mask::{Untrusted, hides};
use crate::settings::profile::Chosen;
use crate::terminal::Console;

/// Print a small verifier and acknowledging handler in a merchant's language.
///
/// One file that needs nothing but the language's own library. With vectors on its command line
/// it tests itself; else it serves on 127.0.0.1, with the key from PAYOUT_NOTIFY_KEY, and in a
/// rotation also with the old one from PAYOUT_NOTIFY_RETIRED_KEY. What it credits is left to fill
/// in, at the mark "credit once". Without LANG the languages are listed.
/// It reads JSON, a form or a query as the dialect sends them; of a dialect in XML it takes JSON.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  payout-notify snippet php > notify.php\n  payout-notify snippet php --print vectors > vectors.json\n  php notify.php vectors.json"
)]
pub struct SnippetArgs {
    /// The language.
    #[arg(value_name = "LANG", ignore_case = true)]
    pub language: Option<Language>,
    /// How the platform signs, written into the snippet.
    #[command(flatten)]
    pub dialect: DialectArgs,
    /// Refuse any other signature: md5, hmac-sha256 or sha256.
    #[arg(long, value_name = "TYPE", value_parser = parse_sign_type)]
    pub require: Option<Algorithm>,
    /// What to print.
    #[arg(long, value_name = "WHAT", default_value = "code")]
    pub print: SnippetOutput,
}

impl SnippetArgs {
    pub fn adopt(&mut self, chosen: &Chosen) {
        adopt(&mut self.dialect.dialect, chosen.profile.dialect.as_ref());
    }
}

/// What `snippet` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SnippetOutput {
    /// The snippet.
    Code,
    /// Signature vectors of the dialect, with which a snippet tests itself.
    Vectors,
}

pub fn run(args: &SnippetArgs, console: &mut Console) -> CommandResult {
    let dialect = args.dialect.resolve_in_family(args.require)?;
    let text = match (args.print, args.language) {
        (SnippetOutput::Vectors, _) => vectors::of(dialect, args.require),
        (SnippetOutput::Code, Some(language)) => render::snippet(language, dialect, args.require),
        (SnippetOutput::Code, None) => language::list(),
    };
    if args.dialect.dialect.is_some() && hides(&text) {
        return Err(CommandError::usage("the dialect holds the key, which the snippet would show")
            .hint("leave it out: the snippet takes the key from PAYOUT_NOTIFY_KEY when it runs"));
    }
    if dialect.layout.transport == Transport::Xml && args.print == SnippetOutput::Code {
        let id = &dialect.id;
        console.warning(&format!(
            "the dialect {} sends XML, and the snippet reads JSON",
            Untrusted::new(&id)
        ));
    }
    // What comes from a dialect is written as escaped literals; nothing here moves a terminal.
    console.answer_bytes(text.as_bytes()).map_err(CommandError::output)?;
    Ok(Exit::Yes)
}
