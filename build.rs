//! Collects the program's own words, and links it on Linux with the GNU C library so that it starts sooner.
//!
//! A key that is an ordinary word is masked in what came from outside, and not in a sentence of the
//! program: so the program has to know its sentences (see `src/mask/prose.rs`).
//!
//! `sign` and `verify` end within a millisecond, and the dynamic linker's work is most of that. So
//! the unwinder, which every Rust program needs, is linked in: libgcc_s.so.1 then is one library
//! less to find, map and search. Where the compiler lacks the static one, all stays as usual.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    println!("cargo::rerun-if-changed=protocol/src");
    if let Some(folder) = env::var_os("OUT_DIR") {
        let mut texts: BTreeSet<String> = SYSTEM.iter().map(|text| (*text).to_owned()).collect();
        for sources in ["src", "protocol/src"].map(Path::new) {
            // Beside a packaged program the other package's sources are elsewhere.
            if sources.is_dir() {
                collect(sources, &mut texts)?;
            }
        }
        let lines: Vec<String> = texts.into_iter().collect();
        fs::write(PathBuf::from(folder).join("prose.txt"), lines.join("\n"))?;
    }
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

/// The fewest letters of a text that can be told from one that came from outside.
const FEWEST_LETTERS: usize = 8;

/// What the operating system says most often, as the standard library shows it.
const SYSTEM: [&str; 12] = [
    "Address already in use (os error ",
    "Broken pipe (os error ",
    "Cannot assign requested address (os error ",
    "Connection refused (os error ",
    "Connection reset by peer (os error ",
    "Is a directory (os error ",
    "Network is unreachable (os error ",
    "No route to host (os error ",
    "No space left on device (os error ",
    "No such file or directory (os error ",
    "Not a directory (os error ",
    "Permission denied (os error ",
];

/// The documents' example key: no text that has it counts as the program's own.
const EXAMPLE_KEY: &str = "ThisIsYourSecretKey123";

/// Takes the fixed texts out of the sources below a folder, those of the check's cases included.
fn collect(folder: &Path, texts: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains("tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, texts)?;
        } else if name.ends_with(".rs") || name.ends_with(".toml") {
            let source = fs::read_to_string(&path)?;
            let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let source: Vec<char> = source.chars().collect();
            literals(&source, name.ends_with(".toml"), |text| keep(text, texts));
        }
    }
    Ok(())
}

/// Keeps the parts of a text between its placeholders and line ends.
fn keep(text: &str, texts: &mut BTreeSet<String>) {
    let mut part = String::new();
    let mut rest = text.chars();
    loop {
        let next = rest.next();
        let after = rest.as_str();
        match next {
            Some('{') if after.starts_with('{') => rest = after[1..].chars(),
            Some('}') if after.starts_with('}') => rest = after[1..].chars(),
            Some('{') if placeholder(after).is_some() => {
                rest = after[placeholder(after).unwrap_or_default()..].chars();
                end_part(&mut part, texts);
                continue;
            }
            _ => {}
        }
        match next {
            Some('\n') | None => end_part(&mut part, texts),
            Some(character) => part.push(character),
        }
        if next.is_none() {
            return;
        }
    }
}

/// How long the rest of a placeholder is, where a text has one: JSON's braces are none.
fn placeholder(rest: &str) -> Option<usize> {
    let inside =
        |character: char| character.is_ascii_alphanumeric() || "_.:<>^+$#?*".contains(character);
    let end = rest.find('}')?;
    rest[..end].chars().all(inside).then_some(end + 1)
}

fn end_part(part: &mut String, texts: &mut BTreeSet<String>) {
    let letters = part.chars().filter(char::is_ascii_alphabetic).count();
    if letters >= FEWEST_LETTERS && !part.contains(EXAMPLE_KEY) {
        texts.insert(std::mem::take(part));
    }
    part.clear();
}

/// Hands on each string literal of a Rust or TOML source, its escapes read.
fn literals(source: &[char], is_toml: bool, mut found: impl FnMut(&str)) {
    let at = |index: usize| source.get(index).copied().unwrap_or('\0');
    let mut here = 0;
    while here < source.len() {
        match at(here) {
            '#' if is_toml => here = end_of_line(source, here),
            '/' if at(here + 1) == '/' => here = end_of_line(source, here),
            '\'' if is_toml => {
                let rest = source.get(here + 1..).unwrap_or_default();
                let end = rest.iter().position(|character| *character == '\'');
                let end = end.unwrap_or(rest.len());
                found(&rest[..end].iter().collect::<String>());
                here += end + 2;
            }
            // A character, not a lifetime.
            '\'' if at(here + 1) == '\\' => here += 4,
            '\'' if at(here + 2) == '\'' => here += 3,
            'r' if matches!(at(here + 1), '"' | '#')
                && !at(here.wrapping_sub(1)).is_alphanumeric() =>
            {
                here = raw_literal(source, here, &mut found);
            }
            '"' => here = literal(source, here, &mut found),
            _ => here += 1,
        }
    }
}

fn end_of_line(source: &[char], from: usize) -> usize {
    let rest = source.get(from..).unwrap_or_default();
    from + rest.iter().position(|character| *character == '\n').unwrap_or(rest.len())
}

/// Reads a raw string, and returns the place after it.
fn raw_literal(source: &[char], from: usize, found: &mut impl FnMut(&str)) -> usize {
    let hashes = source[from + 1..].iter().take_while(|character| **character == '#').count();
    let start = from + 2 + hashes;
    if source.get(start - 1) != Some(&'"') {
        return from + 1;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let rest = source.get(start..).unwrap_or_default();
    let end = rest.windows(closing.len()).position(|part| part == closing).unwrap_or(rest.len());
    found(&rest[..end].iter().collect::<String>());
    start + end + closing.len()
}

/// Reads a string, and returns the place after it.
fn literal(source: &[char], from: usize, found: &mut impl FnMut(&str)) -> usize {
    let mut text = String::new();
    let mut here = from + 1;
    while let Some(character) = source.get(here) {
        here += 1;
        match character {
            '"' => break,
            '\\' => {
                let escaped = source.get(here).copied().unwrap_or_default();
                here += 1;
                match escaped {
                    // The text continues after the next line's indentation.
                    '\n' => {
                        let rest = source.get(here..).unwrap_or_default();
                        here += rest.iter().take_while(|blank| blank.is_whitespace()).count();
                    }
                    '"' | '\\' | '\'' => text.push(escaped),
                    // Any other one ends what can be compared.
                    _ => text.push('\n'),
                }
            }
            plain => text.push(*plain),
        }
    }
    found(&text);
    here
}
