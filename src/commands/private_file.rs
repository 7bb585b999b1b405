//! Files that are their owner's alone: those that are written, and those with a key in them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::mask::Untrusted;
use crate::terminal::Console;

/// Opens a file for writing and leaves what is in it; a new one only its owner can read.
///
/// What a report holds was sent by others: orders, amounts, replies. A file that was there keeps
/// its mode, because somebody chose it.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Empties an open file; a pipe or a terminal holds nothing to be emptied.
pub fn empty(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.set_len(0) } else { Ok(()) }
}

pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open_private(path)?;
    file.set_len(0)?;
    file.write_all(bytes)
}

/// Warns where others than its owner can read a file with a key in it.
///
/// `what` names the file, with its article left out. What is not a file, such as a pipe of a process
/// substitution, has no readers but this one; neither has what cannot be looked at.
pub fn warn_if_others_can_read(
    what: &str,
    path: &Path,
    found: io::Result<Metadata>,
    console: &mut Console,
) {
    if found.is_ok_and(|found| found.is_file() && mode(&found) & 0o077 != 0) {
        let path = Untrusted::path(&path);
        console
            .warning(&format!("the {what} {path} is readable by other users; chmod 600 fixes it"));
    }
}

#[cfg(unix)]
fn mode(found: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions())
}

/// Windows has lists of rights instead, which std does not read.
#[cfg(not(unix))]
fn mode(_found: &Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_new_file_is_its_owners_and_an_old_one_keeps_its_mode() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;
        let name = format!("payout-notify-private-file-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let _ = fs::remove_file(&path);
        open_private(&path).unwrap();
        assert_eq!(mode(), 0o600);
        fs::write(&path, "kept").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        open_private(&path).unwrap();
        assert_eq!((mode(), fs::read_to_string(&path).unwrap().as_str()), (0o640, "kept"));
        fs::remove_file(&path).unwrap();
    }
}
