//! Files with a key in them, which are their owner's alone.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use crate::mask::Untrusted;
use crate::terminal::Console;

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
