//! Changing a store whose disk is full: a change takes room in the log before it gives any back.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::error::{Failure, StoreError, Subject, Trouble};
use super::file::{FilePlace, beside, sync};
use super::{Presence, Schema};
use protocol::internal::untrusted::Untrusted;

/// Changes a copy in another folder, then writes it over the store. Nothing else may have the file
/// open. The change must leave the copy without a log.
pub async fn change_elsewhere(
    path: &Path,
    folder: &Path,
    schema: &Schema,
    change: impl AsyncFnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let subject = Subject::new(schema.what, path);
    let error = |failure: Failure| subject.error(failure);
    let (place, _) = FilePlace::claim(path, Presence::Existing, schema).map_err(error)?;
    let folder = folder.join(format!("payout-notify-{}", std::process::id()));
    let copy = folder.join("copy.db");
    let copied = copy_to(&place.path, &copy).map_err(|cause| {
        error(
            Failure::from(cause)
                .while_doing(&format!("copying it to {}", Untrusted::path(&folder))),
        )
    });
    let changed = match copied {
        Ok(()) => change(&copy).await,
        failed => failed,
    };
    if changed.is_ok() {
        // Until it is whole again the copy is all that there is.
        overwrite(&place.path, &copy).map_err(|cause| {
            error(
                Trouble::Io
                    .because(format!("{cause}; the changed copy is {}", Untrusted::path(&copy))),
            )
        })?;
    }
    // What cannot be removed is left to whoever clears the folder.
    let _removed = fs::remove_dir_all(&folder);
    changed
}

fn copy_to(path: &Path, copy: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(copy.parent().unwrap_or(copy))?;
    fs::copy(path, copy)?;
    match fs::copy(beside(path, "-wal"), beside(copy, "-wal")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Takes the room of the old file and its log: a new file beside them would need more.
fn overwrite(path: &Path, copy: &Path) -> io::Result<()> {
    sync(copy)?;
    let mut changed = File::open(copy)?;
    for end in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = io::copy(&mut changed, &mut file)?;
    file.set_len(length)?;
    file.sync_all()
}
