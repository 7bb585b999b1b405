//! `--dialect`: a built-in dialect by its name, or one from a file.

use std::path::Path;

use protocol::internal::dialect::DIALECTS;
use protocol::internal::dialect_file;
use protocol::internal::dialect_file::MAX_FILE_BYTES;
use protocol::internal::nearest::nearest;
use protocol::{Algorithm, Dialect, Kind, Scheme, StatusTable};

use crate::error::{CommandError, ErrorPlace};
use crate::files;
use crate::mask::Untrusted;

/// The platform's way of signing.
#[derive(clap::Args)]
pub struct DialectArgs {
    /// How the platform signs: a name that `dialects` lists, or a FILE.toml [default: platform].
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub dialect: Option<String>,
}

impl DialectArgs {
    pub fn resolve(&self, demanded: Option<Algorithm>) -> Result<&'static Dialect, CommandError> {
        let dialect = self.dialect.as_deref().map_or(Ok(Dialect::platform()), find)?;
        match demanded {
            Some(algorithm) if dialect.scheme(algorithm).is_none() => {
                Err(lacks(dialect, algorithm))
            }
            _ => Ok(dialect),
        }
    }
}

impl DialectArgs {
    /// The dialect, for what knows only how the platforms of this family sign.
    pub fn resolve_in_family(
        &self,
        demanded: Option<Algorithm>,
    ) -> Result<&'static Dialect, CommandError> {
        let dialect = self.resolve(demanded)?;
        match dialect.schemes.iter().find_map(Scheme::foreign_setting) {
            None => Ok(dialect),
            Some(setting) => {
                let id = &dialect.id;
                let message = format!(
                    "the dialect {id} has {setting}, which only sign, verify, \
                    simulate, listen and inbox support"
                );
                Err(CommandError::usage(message)
                    .hint("send it with `payout-notify simulate URL --dialect FILE.toml`"))
            }
        }
    }
}

pub fn lacks(dialect: &Dialect, algorithm: Algorithm) -> CommandError {
    let has: Vec<&str> = dialect.schemes.iter().map(|scheme| scheme.algorithm.id()).collect();
    CommandError::usage(format!("the dialect {} has no {algorithm}", Untrusted::new(&dialect.id)))
        .hint(format!("it has {}", has.join(" and ")))
}

/// Refuses a status whose orders the dialect never notifies.
pub fn refuse_status(
    status: i64,
    dialect: &Dialect,
    statuses: &StatusTable,
) -> Result<(), CommandError> {
    if dialect.layout.notifies(status, statuses) {
        return Ok(());
    }
    let name = statuses.status(Kind::Payout, status).map_or("such", |status| status.name);
    let notified = statuses.payouts();
    let notified = notified.filter(|one| dialect.layout.notifies(one.code.into(), statuses));
    let notified: Vec<&str> = notified.map(|one| one.name).collect();
    Err(CommandError::usage(format!(
        "the dialect {} never notifies {name} orders",
        Untrusted::new(&dialect.id)
    ))
    .hint(format!("give one of {}, or another --dialect", notified.join(", "))))
}

/// The dialect of this name, or in this file.
///
/// A loaded file lives as long as the process: it is read once, and tasks hold it.
pub fn find(text: &str) -> Result<&'static Dialect, CommandError> {
    if let Some(dialect) = Dialect::built_in(text) {
        return Ok(dialect);
    }
    let path = Path::new(text);
    if text.contains(['/', '\\']) || path.extension().is_some_and(|end| end == "toml") {
        return Ok(Box::leak(Box::new(load(path)?)));
    }
    let names = DIALECTS.iter().map(|dialect| &*dialect.id);
    let error = CommandError::usage(format!("there is no dialect {:?}", Untrusted::new(&text)));
    Err(match nearest(text, names) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error,
    }
    .hint("`payout-notify dialects` lists them; a file's name ends in .toml"))
}

fn load(path: &Path) -> Result<Dialect, CommandError> {
    let name = Untrusted::path(&path);
    let bytes = files::read_bounded(path, MAX_FILE_BYTES as u64).map_err(|error| {
        CommandError::input(format!("cannot read the dialect file {name}"))
            .because(error)
            .hint("`payout-notify dialects` lists the built-in ones, which need no file")
    })?;
    if bytes.len() > MAX_FILE_BYTES {
        let long = format!("the dialect file {name} is longer than {MAX_FILE_BYTES} bytes");
        return Err(CommandError::input(long).hint("is this the right file?"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        CommandError::input(format!("the dialect file {name} is not UTF-8")).because(error)
    })?;
    dialect_file::parse(&text).map_err(|error| {
        let (line, column) = (Some(error.line as u64), Some(error.column));
        CommandError::input(format!("the dialect file {name} cannot be used"))
            .because(error)
            .at(ErrorPlace { line, column, member: None })
            .hint("`payout-notify dialects platform --print toml` prints one to begin with")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_name_is_found_in_any_case_and_a_slip_gets_a_hint() {
        assert_eq!(find("WeChat-V2").unwrap().id, "wechat-v2");
        let error = find("wechat").unwrap_err();
        assert_eq!((error.kind, &*error.hints[0]), (ErrorKind::Usage, "did you mean wechat-v2?"));
        assert_eq!(find("zzzzzzzzz").unwrap_err().hints.len(), 1);
        assert_eq!(find("no/such/file").unwrap_err().kind, ErrorKind::Input);
    }

    #[test]
    fn a_demanded_digest_must_be_there() {
        let args = DialectArgs { dialect: Some("epay".to_owned()) };
        assert!(args.resolve(Some(Algorithm::Md5)).is_ok());
        let error = args.resolve(Some(Algorithm::Sha256)).unwrap_err();
        assert_eq!(error.to_string(), "the dialect epay has no SHA256");
        assert_eq!(error.hints, ["it has md5"]);
    }
}
