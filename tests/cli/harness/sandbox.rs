//! A folder for one run: its own home and its own working directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A fresh folder that goes away with the value.
pub(crate) struct Sandbox {
    root: PathBuf,
}

impl Sandbox {
    pub(crate) fn new() -> Sandbox {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sandbox-{}-{number}", std::process::id());
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // A run with the same process id may have been killed before it cleaned up.
        let _ = fs::remove_dir_all(&root);
        let sandbox = Sandbox { root };
        for folder in [sandbox.home(), sandbox.work()] {
            fs::create_dir_all(folder).expect("a folder for the test");
        }
        sandbox
    }

    /// The home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Every file in both directories and below, with its mode and its bytes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut found = Vec::new();
        read_below(&self.root, &mut found);
        found
    }
}

fn read_below(folder: &Path, found: &mut Vec<(PathBuf, u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_below(&path, found);
        } else {
            let mode = fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
            let bytes = fs::read(&path).expect("readable bytes");
            found.push((path, mode, bytes));
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
