//! A folder for one run: its own home and its own working directory.

use std::fs;
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
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
