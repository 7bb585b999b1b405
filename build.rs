//! Links the program on Linux with the GNU C library so that it starts sooner.
//!
//! `sign` and `verify` end within a millisecond, and the dynamic linker's work is most of that. So
//! the unwinder, which every Rust program needs, is linked in: libgcc_s.so.1 then is one library
//! less to find, map and search. Where the compiler lacks the static one, all stays as usual.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|held| held == value);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return Ok(());
    }
    let (Some(linker), Some(folder)) = (linker(), env::var_os("OUT_DIR")) else { return Ok(()) };
    let parts = [file_of(&linker, "libgcc_eh.a"), file_of(&linker, "libgcc.a")];
    if let [Some(unwinder), Some(rest)] = &parts {
        // What Rust's `-lgcc_s` finds before the shared library: the same functions, to be linked
        // in. The system's own file of this name is often such a script too.
        let script = format!("INPUT ( \"{}\" \"{}\" )\n", unwinder.display(), rest.display());
        let folder = PathBuf::from(folder);
        fs::write(folder.join("libgcc_s.so"), script)?;
        // For the program alone: who takes in the library links as they like.
        println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    }
    Ok(())
}

/// The compiler that links: cargo's choice, else the system's, which knows its own machine only.
fn linker() -> Option<PathBuf> {
    let native = env::var_os("HOST") == env::var_os("TARGET");
    let usual = || native.then(|| PathBuf::from("cc"));
    env::var_os("RUSTC_LINKER").map(PathBuf::from).or_else(usual)
}

/// Where a compiler has a file of its own; one that it lacks it names without a folder.
fn file_of(compiler: &Path, name: &str) -> Option<PathBuf> {
    let told = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim_end());
    (path.is_absolute() && path.is_file()).then_some(path)
}
