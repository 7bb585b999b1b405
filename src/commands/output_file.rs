//! Files that a command writes where the user named it: what was there and is not ours is kept.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::error::CommandError;
use crate::files;
use crate::mask::Untrusted;

/// The longest file that is looked through for a sign of this program.
const MAX_LOOKED_AT: u64 = 8 * 1024 * 1024;

/// What this program's files begin with, and what they hold besides.
const SIGNS: [(&str, &str); 10] = [
    ("{\"type\":\"delivery-", "\"schema_version\":"),
    ("{\"type\":\"check\",", "\"schema_version\":"),
    ("{\n  \"payout_notify_bundle\":", ""),
    ("<?xml", "<testsuites name=\"payout-notify "),
    ("<!doctype html>", "<meta name=\"generator\" content=\"payout-notify\">"),
    ("{\n  \"$schema\":", "\"name\": \"payout-notify check\""),
    ("TAP version 14\n", " 1 - endpoint: "),
    ("::error title=", ""),
    ("::warning title=", ""),
    ("::notice title=", ""),
];

/// The common name in the certificates that `listen` makes.
const CERTIFICATE_NAME: &[u8] = b"payout-notify listener";

/// What precedes the digest in the last line of a file that its user may edit.
const SEAL: &str = " payout-notify: unedited, SHA-256 ";

/// Whether a new file is its owner's alone: a report holds orders, amounts and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    Owner,
    All,
}

/// Opens a file for writing, and leaves what is in it until [`empty`] is called.
///
/// A link is not followed, and a file that payout-notify did not write is not replaced, unless it is
/// empty. What the system gives, such as `/dev/stdout`, and pipes are written to as they are. A file
/// that is replaced keeps its mode, because somebody chose it.
pub fn open(path: &Path, readers: Readers) -> Result<File, CommandError> {
    let cannot = |error| cannot_write(path, error);
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return create(path, readers).map_err(cannot);
        }
        Err(error) => return Err(cannot(error)),
    };
    if found.is_symlink() && !files::is_given_by_system(path) {
        return Err(leads_elsewhere(path));
    }
    if !found.is_file() {
        return OpenOptions::new().write(true).open(path).map_err(cannot);
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(cannot)?;
    // A link could have come in between.
    if !is_same(&found, &file.metadata().map_err(cannot)?) {
        return Err(leads_elsewhere(path));
    }
    let mut bytes = Vec::new();
    (&file).take(MAX_LOOKED_AT).read_to_end(&mut bytes).map_err(cannot)?;
    if !bytes.is_empty() && !is_ours(&bytes) {
        let message = format!("{} was not written by payout-notify", Untrusted::path(&path));
        return Err(CommandError::environment(message)
            .because(io::Error::other("it is not replaced"))
            .hint("name another file, or delete this one first"));
    }
    file.rewind().map_err(cannot)?;
    Ok(file)
}

/// Replaces what the file holds, if [`open`] lets it.
pub fn write(path: &Path, readers: Readers, bytes: &[u8]) -> Result<(), CommandError> {
    let mut file = open(path, readers)?;
    empty(&file).and_then(|()| file.write_all(bytes)).map_err(|error| cannot_write(path, error))
}

/// Empties an open file; a pipe or a terminal holds nothing to be emptied.
pub fn empty(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
}

/// The text with a last line that shows whether it was edited later; `comment` begins a comment in
/// the text's language.
pub fn sealed(text: &str, comment: &str) -> String {
    let text = format!("{}\n", text.trim_end_matches('\n'));
    format!("{text}{comment}{SEAL}{}\n", hex::encode(Sha256::digest(&text)))
}

pub fn cannot_write(path: &Path, error: io::Error) -> CommandError {
    CommandError::environment(format!("cannot write {}", Untrusted::path(&path)))
        .because(error)
        .hint("name a file in a folder that is there and that you may write to")
}

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    options.open(path)
}

fn leads_elsewhere(path: &Path) -> CommandError {
    let message = format!("{} is a link, which is not followed", Untrusted::path(&path));
    let hint = match fs::read_link(path) {
        Ok(target) => format!("name the file that it leads to: {}", Untrusted::path(&target)),
        Err(_) => "name another file".to_owned(),
    };
    CommandError::environment(message).hint(hint)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, other: &Metadata) -> bool {
    other.is_file()
}

fn is_ours(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    SIGNS.iter().any(|(beginning, sign)| text.starts_with(beginning) && text.contains(sign))
        || is_sealed(&text)
        || is_certificate(&text)
}

fn is_sealed(text: &str) -> bool {
    let Some((before, digest)) = text.rsplit_once(SEAL) else { return false };
    let Some(start) = before.rfind('\n').map(|end| end + 1) else { return false };
    digest.trim_end() == hex::encode(Sha256::digest(&before[..start]))
}

fn is_certificate(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix("-----BEGIN CERTIFICATE-----")
        .and_then(|rest| rest.strip_suffix("-----END CERTIFICATE-----"));
    let digits: Option<String> = inner.map(|inner| inner.split_whitespace().collect());
    let der = digits.and_then(|digits| STANDARD.decode(digits).ok()).unwrap_or_default();
    der.windows(CERTIFICATE_NAME.len()).any(|part| part == CERTIFICATE_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::receiver::server::tls::TlsIdentity;
    use crate::store::tests::Folder;

    fn refused(path: &Path) -> String {
        let error = open(path, Readers::Owner).unwrap_err();
        assert_eq!(error.exit(), Exit::Environment);
        assert!(!error.hints.is_empty(), "{error}");
        error.to_string()
    }

    #[test]
    fn a_file_of_somebody_else_is_not_replaced() {
        let folder = Folder::new();
        let path = folder.file("a");
        for text in [
            "notes",
            "\n",
            "{\"type\":\"order\"}\n",
            "<?xml version=\"1.0\"?><testsuites name=\"pytest\"/>",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "# payout-notify\n",
            "<!doctype html><title>payout-notify</title>",
        ] {
            fs::write(&path, text).unwrap();
            assert!(refused(&path).contains("not written by payout-notify"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn an_own_file_and_an_empty_one_are_replaced() {
        let folder = Folder::new();
        let path = folder.file("a");
        let certificate = TlsIdentity::self_signed(&["localhost".to_owned()]).unwrap().cert_pem;
        for text in [
            String::new(),
            "{\"type\":\"delivery-summary\",\"schema_version\":1}\n".to_owned(),
            "<?xml version=\"1.0\"?>\n<testsuites name=\"payout-notify check\"/>".to_owned(),
            certificate,
            sealed("const a = 1;\n", "//"),
        ] {
            fs::write(&path, &text).unwrap();
            write(&path, Readers::All, b"x").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "x", "{text}");
        }
    }

    #[test]
    fn an_edited_test_is_kept() {
        let folder = Folder::new();
        let path = folder.file("a");
        let whole = sealed("const a = 1;\n", "//");
        for text in [
            whole.replace('1', "2"),
            format!("{whole}const b = 1;\n"),
            format!("// mine\n{whole}"),
            whole[..whole.len() - 3].to_owned(),
        ] {
            fs::write(&path, &text).unwrap();
            refused(&path);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = Folder::new();
        let (target, link) = (folder.file("target"), folder.file("link"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(refused(&link).contains("is a link"));
        assert!(!target.exists());
        fs::write(&target, "").unwrap();
        assert!(refused(&link).contains("is a link"));
        open(Path::new("/dev/null"), Readers::Owner).unwrap();
        open(Path::new("/dev/stderr"), Readers::Owner).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_new_file_is_its_owners_and_an_old_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        let path = folder.file("a");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        open(&path, Readers::Owner).unwrap();
        assert_eq!(mode(), 0o600);
        fs::write(&path, "::error title=::kept").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        open(&path, Readers::Owner).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((mode(), text.as_str()), (0o640, "::error title=::kept"));
    }
}
