//! The file of a store: whether it may be used, who uses it, and where what lies beside it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::{StoreError, Subject, Trouble};
use super::{Presence, Schema};

/// The first bytes of every SQLite database.
///
/// Source: sqlite.org/fileformat2.html, section 1.3; the application id is at byte 68.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_LENGTH: usize = 100;
const APPLICATION_ID_AT: usize = 68;

const LOCK_TRIES: usize = 8;

#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) subject: Subject,
    lock_path: PathBuf,
    // A lock of its own: SQLite's are taken for each transaction, and closing any other handle of
    // the database would drop them. Readers need none and can look on.
    _lock: File,
    // The same for the file itself, whatever name it is opened by. It is closed after SQLite's handles.
    database: Option<File>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // Removed while it is still held; whoever opened it before finds out in `claim`. What cannot
        // be removed is an empty file that does no harm.
        let _removed = fs::remove_file(&self.lock_path);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Store,
}

impl Place {
    /// Takes the path for this process and looks at what is there, without changing it.
    pub(super) fn claim(
        path: &Path,
        presence: Presence,
        schema: &Schema,
    ) -> Result<(Place, Found), StoreError> {
        let subject = Subject::new(schema.what, path);
        let metadata = match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(subject.error(Trouble::NotAFile)),
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(subject.io(&error)),
        };
        match (&metadata, presence) {
            (Some(_), Presence::New) => return Err(subject.error(Trouble::Exists)),
            (None, Presence::Existing) => return Err(subject.error(Trouble::Missing)),
            // Asked of the file and not of the system: a superuser may write what was locked away.
            (Some(metadata), _) if metadata.permissions().readonly() => {
                return Err(subject.detailed(Trouble::ReadOnly, "the file is read-only"));
            }
            _ => {}
        }
        let path = resolve(path, &subject)?;
        let lock_path = beside(&path, "-lock");
        let lock = lock(&lock_path, &subject)?;
        let mut place = Place { path, subject, lock_path, _lock: lock, database: None };
        // Looked at again under the lock: another process may just have made it.
        let found = if place.path.exists() { Found::Store } else { Found::Nothing };
        match (found, presence) {
            (Found::Store, Presence::New) => Err(place.subject.error(Trouble::Exists)),
            (Found::Nothing, Presence::Existing) => Err(place.subject.error(Trouble::Missing)),
            (Found::Store, _) => {
                place.lock_database()?;
                place.check_header(schema)?;
                Ok((place, found))
            }
            (Found::Nothing, _) => {
                place.check_leftovers()?;
                Ok((place, found))
            }
        }
    }

    /// Where a new database is made before it gets its name, so that no half-made one is ever found.
    pub(super) fn draft(&self) -> Result<PathBuf, StoreError> {
        let draft = beside(&self.path, "-new");
        for end in ["", "-journal", "-wal", "-shm"] {
            match fs::remove_file(beside(&draft, end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.subject.io(&error));
                }
                _ => {}
            }
        }
        create_private(&draft).map_err(|error| self.subject.io(&error))?;
        Ok(draft)
    }

    /// Gives the finished draft its name, durably.
    pub(super) fn publish(&mut self, draft: &Path) -> Result<(), StoreError> {
        let publish = || {
            File::open(draft)?.sync_all()?;
            fs::rename(draft, &self.path)?;
            sync_folder(&self.path)
        };
        publish().map_err(|error| self.subject.io(&error))?;
        self.lock_database()
    }

    /// Keeps others from the file by its other names: a hard link has a lock and a log of its own, in
    /// which nothing of this one's is.
    fn lock_database(&mut self) -> Result<(), StoreError> {
        // Elsewhere such a lock is one of SQLite's kind, and would keep SQLite itself out.
        if cfg!(target_os = "linux") {
            let file = File::open(&self.path).map_err(|error| self.subject.io(&error))?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(self.subject.error(Trouble::InUse));
            }
            self.database = Some(file);
        }
        Ok(())
    }

    /// Another program's database must not be touched: opening it can already write to it.
    fn check_header(&self, schema: &Schema) -> Result<(), StoreError> {
        let mut header = Vec::with_capacity(HEADER_LENGTH);
        let limit = HEADER_LENGTH as u64;
        File::open(&self.path)
            .and_then(|file| file.take(limit).read_to_end(&mut header))
            .map_err(|error| self.subject.io(&error))?;
        let foreign = |detail: String| Err(self.subject.detailed(Trouble::Foreign, detail));
        if header.is_empty() {
            return foreign("it is empty".to_owned());
        }
        if !header.starts_with(MAGIC) {
            return foreign("it is no SQLite database".to_owned());
        }
        let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
        match id.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes) {
            Some(id) if id == schema.application_id => Ok(()),
            Some(_) => foreign(format!("it is a SQLite database, but no {}", schema.what)),
            None => Err(self.subject.detailed(Trouble::Corrupt, "its header is cut off")),
        }
    }

    /// A log without its database would be read into the new one.
    fn check_leftovers(&self) -> Result<(), StoreError> {
        for end in ["-wal", "-journal"] {
            let path = beside(&self.path, end);
            if fs::symlink_metadata(&path).is_ok() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(self.subject.detailed(Trouble::Leftover, name));
            }
        }
        Ok(())
    }
}

/// The path with links followed, so that two names of one file share one lock.
fn resolve(path: &Path, subject: &Subject) -> Result<PathBuf, StoreError> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    let Some(name) = path.file_name() else { return Err(subject.error(Trouble::NotAFile)) };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::canonicalize(folder).map(|folder| folder.join(name)).map_err(|error| subject.io(&error))
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

fn lock(path: &Path, subject: &Subject) -> Result<File, StoreError> {
    for _ in 0..LOCK_TRIES {
        let mut options = private();
        let file =
            options.create(true).truncate(false).open(path).map_err(|error| subject.io(&error))?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(file),
            // Its last holder removed it between our two steps.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(subject.error(Trouble::InUse)),
            Err(TryLockError::Error(error)) => return Err(subject.io(&error)),
        }
    }
    Err(subject.error(Trouble::InUse))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that has this name now; nothing where there is none.
    ///
    /// Where the system has no such numbers a file that is open cannot be removed.
    pub(super) fn of(path: &Path) -> Option<FileId> {
        let metadata = fs::symlink_metadata(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(FileId { device: metadata.dev(), inode: metadata.ino() })
        }
        #[cfg(not(unix))]
        Some(metadata).map(|_| FileId::default())
    }
}

pub(super) fn make_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Makes an empty file that only its owner can read: a body carries a merchant's data.
fn create_private(path: &Path) -> io::Result<()> {
    private().create_new(true).open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
