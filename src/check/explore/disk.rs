//! A small file system of the user's that is filled for a moment, and emptied whatever happens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The largest file system that is filled.
const MAX_BYTES: u64 = 256 << 20;

const FILE: &str = "payout-notify-explore-full";

/// What fills it; it is removed when this is dropped.
pub struct FilledDisk(PathBuf);

impl FilledDisk {
    pub fn fill(folder: &Path) -> io::Result<FilledDisk> {
        check(folder).map_err(io::Error::other)?;
        let filled = FilledDisk(folder.join(FILE));
        let mut file = new_file(&filled.0)?;
        let mut chunk = vec![0; 1 << 20];
        loop {
            match file.write(&chunk) {
                Ok(_) => {}
                // The last bytes are taken in smaller pieces.
                Err(error) if is_full(&error) && chunk.len() > 1 => chunk.truncate(chunk.len() / 2),
                Err(error) if is_full(&error) => return Ok(filled),
                Err(error) => return Err(error),
            }
        }
    }
}

/// A file that was not there: one that a kill left behind goes, and so does a link, which the merchant
/// may have put there and which would lead out of the small file system.
fn new_file(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::create_new(path)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl Drop for FilledDisk {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Refuses whatever is not a small file system of its own.
#[cfg(target_os = "linux")]
pub fn check(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|data| data.dev());
    let own = device(folder).map_err(|error| error.to_string())?;
    let above = device(&folder.join("..")).map_err(|error| error.to_string())?;
    if own == above {
        return Err("no file system is mounted there".to_owned());
    }
    let size = rustix::fs::statvfs(folder).map_err(|error| error.to_string())?;
    let bytes = size.f_blocks.saturating_mul(size.f_frsize);
    match bytes > MAX_BYTES {
        true => {
            Err(format!("it has {} MiB, and at most {} are filled", bytes >> 20, MAX_BYTES >> 20))
        }
        false => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
pub fn check(_: &Path) -> Result<(), String> {
    Err("a full disk is made on Linux only".to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    #[test]
    fn what_fills_the_disk_is_a_file_of_its_own() {
        let folder = Folder::new();
        let (path, elsewhere) = (folder.file(FILE), folder.file("elsewhere"));
        fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        new_file(&path).unwrap().write_all(b"filled").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
        // Left behind by a run that was killed.
        new_file(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(new_file(&path).is_err());
    }
}
