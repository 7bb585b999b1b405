//! What can go wrong with a store's file, each with a hint.

use std::path::Path;
use std::sync::Arc;

use protocol::internal::untrusted::Untrusted;
use rusqlite::ErrorCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    Exists,
    Missing,
    NotAFile,
    Link,
    Foreign,
    Newer,
    Corrupt,
    Leftover,
    LogLost,
    InUse,
    Locked,
    ReadOnly,
    Full,
    /// The request does not go with what is stored; nothing of it was written.
    Refused,
    Gone,
    Io,
    Closed,
}

impl Trouble {
    const fn words(self) -> &'static str {
        match self {
            Trouble::Exists => "already exists",
            Trouble::Missing => "does not exist",
            Trouble::NotAFile => "is not a regular file",
            Trouble::Link => "is a link, which is not followed",
            Trouble::Foreign => "was not made for this",
            Trouble::Newer => "was written by a later version of payout-notify",
            Trouble::Corrupt => "is damaged",
            Trouble::Leftover => "is gone, but its log was left behind",
            Trouble::LogLost => "cannot be used without its log",
            Trouble::InUse => "is in use by another payout-notify",
            Trouble::Locked => "is locked by another program",
            Trouble::ReadOnly => "cannot be written",
            Trouble::Full => "has no room left",
            Trouble::Refused => "does not take this entry",
            Trouble::Gone => "was moved or removed while it was in use",
            Trouble::Io => "cannot be used",
            Trouble::Closed => "is closed",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Trouble::Exists => "name a file that does not exist",
            Trouble::Missing => "check the path",
            Trouble::NotAFile => "name a regular file, or one that does not exist yet",
            Trouble::Link => "name the file itself; only your own links to a file are followed",
            Trouble::Foreign => "name another file; this one was left untouched",
            Trouble::Newer => "use the version that wrote it, or name another file",
            Trouble::Corrupt => {
                "keep a copy; sqlite3's .recover may save what is in it; start again in another file"
            }
            Trouble::Leftover => {
                "bring the database back, or remove the log where it is not needed"
            }
            Trouble::LogLost => "put the log back beside the file, or name another file",
            Trouble::InUse => "wait until the other run ends, or name another file",
            Trouble::Locked => "end the program that has the file open for writing, then try again",
            Trouble::ReadOnly => "check the permissions of the file and of its folder",
            Trouble::Full => "make room on the disk, or name a file on another one",
            Trouble::Refused => {
                "the file may have been changed by hand; start again in another file"
            }
            Trouble::Gone => "bring it back, or start again: a new file is made",
            Trouble::Io => "check the disk and the path; a network folder may not support locks",
            Trouble::Closed => "open it again",
        }
    }

    fn hint_for(self, what: &str) -> Option<&'static str> {
        Some(match (what, self) {
            ("journal", Trouble::Exists) => {
                "continue it with --resume, or name a file that does not exist"
            }
            ("journal", Trouble::Missing) => "check the path, or leave out --resume to start again",
            ("journal", Trouble::LogLost) => {
                "put the log back beside the journal; without it nobody knows what was sent: do not \
                 start the run again before you have compared its orders with the merchant's record"
            }
            ("journal", Trouble::Leftover) => {
                "put the journal back beside its log; orders may have been sent, so do not start the \
                 run again before you have compared its orders with the merchant's record"
            }
            ("journal", Trouble::Corrupt | Trouble::Refused) => {
                "keep a copy, with its -wal file; orders may have been sent: do not start the run \
                 again before you have compared its orders with the merchant's record"
            }
            ("inbox", Trouble::LogLost) => {
                "put the log back beside the inbox, which lacks the last callbacks without it; or \
                 name another file with --inbox FILE"
            }
            ("inbox", Trouble::Corrupt) => {
                "if it was copied or moved without its -wal file, put that beside it; otherwise keep a \
                 copy and name another file with --inbox FILE: sqlite3's .recover may save what is in it"
            }
            ("inbox", Trouble::Missing) => {
                "`payout-notify listen` makes it; name another one with --inbox FILE"
            }
            ("inbox", Trouble::InUse) => {
                "a listener works with it: stop that one, or use --inbox FILE or --no-inbox"
            }
            ("inbox", Trouble::Foreign | Trouble::Newer | Trouble::NotAFile) => {
                "name another file with --inbox FILE; this one was left untouched"
            }
            ("inbox", Trouble::Full) => {
                "make room on the disk, or keep less: `payout-notify inbox prune --keep N`"
            }
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} {} {}{}", Untrusted::path(.path), .trouble.words(), in_brackets(.detail.as_deref()))]
pub struct StoreError {
    pub trouble: Trouble,
    pub what: &'static str,
    pub path: Arc<Path>,
    pub detail: Option<String>,
}

fn in_brackets(detail: Option<&str>) -> String {
    detail.map_or_else(String::new, |detail| format!(" ({detail})"))
}

impl StoreError {
    pub fn hint(&self) -> &'static str {
        self.trouble.hint_for(self.what).unwrap_or(self.trouble.hint())
    }
}

/// What went wrong, without the file: [`Subject::error`] names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    detail: Option<String>,
}

impl Failure {
    pub(super) fn while_doing(self, what: &str) -> Failure {
        let detail =
            self.detail.map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"));
        self.trouble.because(detail)
    }
}

impl Trouble {
    pub(super) fn because(self, detail: impl Into<String>) -> Failure {
        Failure { trouble: self, detail: Some(detail.into()) }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure { trouble, detail: None }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let trouble = match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full,
            _ => Trouble::Io,
        };
        trouble.because(error.to_string())
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let trouble = match &error {
            // The index of the log has no room; SQLite does not ask why.
            rusqlite::Error::SqliteFailure(failure, _)
                if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE =>
            {
                Trouble::Full
            }
            rusqlite::Error::SqliteFailure(failure, _) => trouble_of(failure.code),
            rusqlite::Error::ToSqlConversionFailure(_) => Trouble::Refused,
            // A table or a column that our statements need is not there, or holds something else.
            _ => Trouble::Corrupt,
        };
        trouble.because(error.to_string())
    }
}

#[derive(Clone, Debug)]
pub(super) struct Subject {
    what: &'static str,
    path: Arc<Path>,
}

impl Subject {
    pub(super) fn new(what: &'static str, path: &Path) -> Self {
        Subject { what, path: path.into() }
    }

    pub(super) fn error(&self, failure: impl Into<Failure>) -> StoreError {
        let Failure { trouble, detail } = failure.into();
        StoreError { trouble, what: self.what, path: Arc::clone(&self.path), detail }
    }
}

const fn trouble_of(code: ErrorCode) -> Trouble {
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => Trouble::Locked,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Trouble::ReadOnly,
        ErrorCode::DiskFull => Trouble::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => {
            Trouble::Corrupt
        }
        ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        | ErrorCode::TooBig
        | ErrorCode::ParameterOutOfRange => Trouble::Refused,
        _ => Trouble::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file_the_trouble_and_the_cause() {
        let subject = Subject::new("journal", Path::new("run.db"));
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let error = subject.error(rusqlite::Error::SqliteFailure(failure, None));
        assert_eq!(error.trouble, Trouble::Full);
        assert!(error.to_string().starts_with("the journal run.db has no room left ("), "{error}");
        assert!(error.hint().contains("disk"));
    }

    #[test]
    fn every_code_of_the_database_has_its_trouble() {
        use rusqlite::ffi;
        for (code, trouble) in [
            (ffi::SQLITE_BUSY, Trouble::Locked),
            (ffi::SQLITE_READONLY, Trouble::ReadOnly),
            (ffi::SQLITE_FULL, Trouble::Full),
            (ffi::SQLITE_CORRUPT, Trouble::Corrupt),
            (ffi::SQLITE_NOTADB, Trouble::Corrupt),
            (ffi::SQLITE_CONSTRAINT, Trouble::Refused),
            (ffi::SQLITE_IOERR, Trouble::Io),
            (ffi::SQLITE_CANTOPEN, Trouble::Io),
            (ffi::SQLITE_NOMEM, Trouble::Io),
        ] {
            assert_eq!(trouble_of(ffi::Error::new(code).code), trouble, "{code}");
        }
    }
}
