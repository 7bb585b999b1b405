//! The file of a store: whether it may be used, who uses it, and where the files beside it are.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::{Failure, Trouble};
use super::{Presence, Schema};

/// The first bytes of every SQLite database (sqlite.org/fileformat2.html, section 1.3); the
/// application id is at byte 68.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_LENGTH: usize = 100;
const APPLICATION_ID_AT: usize = 68;

const LOCK_TRIES: usize = 8;

#[derive(Debug)]
pub(super) struct FilePlace {
    pub(super) path: PathBuf,
    lock_path: PathBuf,
    // A lock of its own: SQLite's are taken for each transaction, and closing any other handle of
    // the database would drop them. Readers need none and can look on.
    _lock: File,
    // The same for the file itself, whatever name it is opened by. It is closed after SQLite's handles.
    database: Option<File>,
}

impl Drop for FilePlace {
    fn drop(&mut self) {
        // Removed while it is still held; whoever opened it before finds out in `claim`. What cannot
        // be removed is an empty file that does no harm, and it stays where `claim` could not find out.
        if cfg!(unix) {
            let _removed = fs::remove_file(&self.lock_path);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    Nothing,
    Store,
}

impl FilePlace {
    /// Takes the path for this process and looks at what is there, without changing it.
    pub(super) fn claim(
        path: &Path,
        presence: Presence,
        schema: &Schema,
    ) -> Result<(FilePlace, FileState), Failure> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(Trouble::NotAFile.into()),
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        presence.check(metadata.is_some())?;
        check_link(path, metadata.is_some())?;
        // Asked of the file and not of the system: a superuser may write what was locked away.
        if metadata.is_some_and(|metadata| metadata.permissions().readonly()) {
            return Err(Trouble::ReadOnly.because("the file is read-only"));
        }
        let path = resolve(path)?;
        let lock_path = beside(&path, "-lock");
        let lock = lock(&lock_path)?;
        let mut place = FilePlace { path, lock_path, _lock: lock, database: None };
        // Looked at again under the lock: another process may just have made it.
        let is_there = place.path.exists();
        presence.check(is_there)?;
        if is_there {
            place.lock_database()?;
            place.check_header(schema)?;
            return Ok((place, FileState::Store));
        }
        place.check_leftovers()?;
        Ok((place, FileState::Nothing))
    }

    /// Where a new database is made before it gets its name, so that no half-made one is ever found.
    pub(super) fn draft(&self) -> io::Result<PathBuf> {
        let draft = beside(&self.path, "-new");
        for end in ["", "-journal", "-wal", "-shm"] {
            match fs::remove_file(beside(&draft, end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        private().create_new(true).open(&draft)?;
        Ok(draft)
    }

    /// Gives the finished draft its name, durably.
    pub(super) fn publish(&mut self, draft: &Path) -> Result<(), Failure> {
        sync(draft)?;
        fs::rename(draft, &self.path)?;
        sync_folder(&self.path)?;
        self.lock_database()
    }

    /// Keeps others from the file by its other names: a hard link has a lock and a log of its own, in
    /// which nothing of this one's is.
    fn lock_database(&mut self) -> Result<(), Failure> {
        // Elsewhere such a lock is one of SQLite's kind, and would keep SQLite itself out.
        if cfg!(target_os = "linux") {
            let file = File::open(&self.path)?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(Trouble::InUse.into());
            }
            self.database = Some(file);
        }
        Ok(())
    }

    /// Another program's database must not be touched: opening it can already write to it.
    fn check_header(&self, schema: &Schema) -> Result<(), Failure> {
        let mut header = Vec::with_capacity(HEADER_LENGTH);
        File::open(&self.path)?.take(HEADER_LENGTH as u64).read_to_end(&mut header)?;
        if header.is_empty() {
            return Err(Trouble::Foreign.because("it is empty"));
        }
        if !header.starts_with(MAGIC) {
            return Err(Trouble::Foreign.because("it is not an SQLite database"));
        }
        let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
        match id.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes) {
            Some(id) if id == schema.application_id => Ok(()),
            Some(_) => {
                let detail = format!("it is a SQLite database, but no {}", schema.what);
                Err(Trouble::Foreign.because(detail))
            }
            None => Err(Trouble::Corrupt.because("its header is cut off")),
        }
    }

    /// A log without its database would be read into the new one.
    fn check_leftovers(&self) -> Result<(), Failure> {
        let paths = ["-wal", "-journal"].map(|end| beside(&self.path, end));
        match paths.iter().find(|path| fs::symlink_metadata(path).is_ok()) {
            Some(path) => Err(Trouble::Leftover.because(name_of(path))),
            None => Ok(()),
        }
    }
}

impl Presence {
    fn check(self, is_there: bool) -> Result<(), Trouble> {
        match (is_there, self) {
            (true, Presence::New) => Err(Trouble::Exists),
            (false, Presence::Existing) => Err(Trouble::Missing),
            _ => Ok(()),
        }
    }
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The path with links followed, so that two names of one file share one lock.
fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    let Some(name) = path.file_name() else { return Err(Trouble::NotAFile.into()) };
    Ok(fs::canonicalize(folder_of(path).unwrap_or(Path::new(".")))?.join(name))
}

/// A link in a shared folder may be another user's, who chose where it leads. One that leads nowhere
/// would be replaced by the new file, and not followed.
fn check_link(path: &Path, leads_to_a_file: bool) -> Result<(), Failure> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => found,
        _ => return Ok(()),
    };
    if !is_ours(&found) {
        return Err(Trouble::Link.because("it belongs to another user"));
    }
    match leads_to_a_file {
        true => Ok(()),
        false => Err(Trouble::Link.because("there is no file where it leads")),
    }
}

#[cfg(unix)]
fn is_ours(link: &Metadata) -> bool {
    let owner = std::os::unix::fs::MetadataExt::uid(link);
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// Windows lets only administrators make links, unless asked otherwise.
#[cfg(not(unix))]
fn is_ours(_: &Metadata) -> bool {
    true
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, Failure> {
    for _ in 0..LOCK_TRIES {
        let file = unlinked().create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(file),
            // Its last holder removed it between our two steps.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Trouble::InUse.into()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(Trouble::InUse.into())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that has this name now; nothing where there is none.
    pub(super) fn of(path: &Path) -> Option<FileId> {
        fs::symlink_metadata(path).ok().map(FileId::new)
    }

    /// Where the system gives no such numbers, only whether there is a file is known.
    #[cfg_attr(not(unix), allow(unused_variables))]
    fn new(metadata: Metadata) -> FileId {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            FileId { device: metadata.dev(), inode: metadata.ino() }
        }
        #[cfg(not(unix))]
        FileId::default()
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    file.metadata().is_ok_and(|held| Some(FileId::new(held)) == FileId::of(path))
}

pub(super) fn make_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = folder_of(path) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A file that only its owner can read: a body carries a merchant's data.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A private file that is not opened where its name is a link: opening would make a file where it leads.
fn unlinked() -> OpenOptions {
    let mut options = private();
    #[cfg(unix)]
    if let Ok(flag) = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()) {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flag);
    }
    options
}

/// Waits until a file is on the disk; Windows does so only for who may write to it.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
