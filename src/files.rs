//! Files given by name, read within a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file. A named pipe is refused: opening it would wait for a writer. What is under
/// `/dev` and `/proc` stays, such as `/dev/stdin` and the pipes that a shell names there.
pub fn open(path: &Path) -> io::Result<File> {
    if !is_given_by_system(path) && !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    File::open(path)
}

/// Whether a path is one of the system's own, such as `/dev/stdout`.
pub fn is_given_by_system(path: &Path) -> bool {
    ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder))
}

/// Reads a file; of a longer one `max` bytes and one more, which shows that it is longer.
pub fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    #[test]
    fn a_file_is_read_to_its_bound_and_one_byte_more() {
        let folder = Folder::new();
        let path = folder.file("a");
        fs::write(&path, "abcdef").unwrap();
        for (max, bytes) in [(6, "abcdef"), (5, "abcdef"), (3, "abcd"), (0, "a")] {
            assert_eq!(read_bounded(&path, max).unwrap(), bytes.as_bytes());
        }
        if cfg!(unix) {
            assert_eq!(read_bounded(Path::new("/dev/null"), 9).unwrap(), b"");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_file_is_refused_without_a_wait() {
        let folder = Folder::new();
        let (pipe, socket) = (folder.file("pipe"), folder.file("socket"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&pipe, &socket, &folder.file("")] {
            let error = read_bounded(path, 9).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{}", path.display());
        }
    }
}
