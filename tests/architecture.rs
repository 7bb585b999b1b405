//! Checks what the compiler cannot: which folder of `src/` may use which, and where a library or a
//! printing macro may be named. It reads line by line, without comments and what follows
//! `#[cfg(test)] mod` (or `all(test, …)`): every path that starts with `crate::` or a library's
//! name counts.

use std::fs;
use std::path::Path;

/// The folders and files that use none of the others.
const LEAVES: &str = "clock exit files keyring lines main mask units";

/// What each other folder or file of `src/` may use besides itself; each must have a row.
const MAY_USE: &[(&str, &str)] = &[
    ("lib", "cli"),
    ("cli", "commands error exit"),
    (
        "commands",
        "check clock error exit files inspector keyring lines mask net process receiver report sender \
          settings store terminal units",
    ),
    ("terminal", "error mask report settings"),
    // A profile's values are checked by the parsers of the folders that use them.
    ("settings", "clock error files net receiver sender units"),
    ("inspector", "keyring mask net receiver report units"),
    ("report", "check keyring lines mask net receiver sender units"),
    ("check", "clock mask net process sender units"),
    ("sender", "clock lines mask net store units"),
    ("net", "clock mask units"),
    ("process", "mask"),
    ("receiver", "clock files keyring mask net store units"),
    ("store", "clock"),
    ("error", "exit"),
];

/// Libraries and paths, and the starts of the names of the files that may name them.
const NAMED_ONLY_IN: &[(&str, &str)] = &[
    ("hyper hyper_util", "receiver/server receiver/forward receiver/callback.rs net/"),
    ("http_body_util", "receiver/server net/client/direct.rs"),
    ("rcgen", "receiver/server/tls net/tls net/client/peers.rs"),
    (
        "futures_util",
        "sender/engine.rs check/runner.rs check/trial.rs check/control.rs check/effect.rs check/observer.rs check/prepare.rs check/explore/",
    ),
    ("reqwest", "net/client/proxied.rs"),
    ("getrandom", "inspector"),
    ("rmcp", "commands/mcp"),
    ("colored", "terminal/theme.rs"),
    (
        "console indicatif",
        "terminal/progress.rs terminal/theme.rs terminal/width.rs terminal/wrap.rs",
    ),
    ("csv", "sender/orders check/order_file.rs"),
    ("hdrhistogram", "report/summary/latency.rs"),
    ("quick_junit", "report/junit.rs report/summary/junit.rs report/check/junit.rs"),
    ("askama", "report/summary report/check/html.rs"),
    ("lru", "receiver/lru_map.rs receiver/referee.rs"),
    ("rusqlite", "store"),
    (
        "rustix",
        "clock/precise/timer.rs commands/runtime.rs check/explore/disk.rs process/ store/file.rs",
    ),
    ("clap_complete", "commands/completions.rs"),
    ("std::env", "cli.rs settings.rs"),
];

const PRINTING: &[&str] =
    &["print!", "println!", "eprint!", "eprintln!", "dbg!", "io::stdout", "io::stderr"];

const LONGEST_FILE: usize = 600;

#[test]
fn the_source_keeps_the_order_of_its_folders() {
    let mut found = Vec::new();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    check_below(root, root, &mut found);
    assert!(found.is_empty(), "{} breaches:\n{}", found.len(), found.join("\n"));
}

fn check_below(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            check_below(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("a file below src").to_string_lossy();
            found.extend(breaches(&name, &fs::read_to_string(&path).expect("readable text")));
        }
    }
}

/// Every broken rule of one file, as `file:line: what`.
fn breaches(file: &str, text: &str) -> Vec<String> {
    let folder = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    let leaves = LEAVES.split(' ').map(|leaf| (leaf, ""));
    let Some((_, may_use)) = MAY_USE.iter().copied().chain(leaves).find(|row| row.0 == folder)
    else {
        return vec![format!("{file}:1: {folder} has no row in MAY_USE")];
    };
    let mut found = Vec::new();
    if text.lines().count() > LONGEST_FILE {
        found.push(format!("{file}:{LONGEST_FILE}: a file of more than {LONGEST_FILE} lines"));
    }
    if file.ends_with("tests.rs") || file.contains("tests/") {
        return found;
    }
    let mut previous = "";
    for (number, line) in (1..).zip(text.lines()) {
        let of_tests = ["#[cfg(test)]", "#[cfg(all(test,"]
            .iter()
            .any(|start| previous.trim().starts_with(start));
        if of_tests && line.contains("mod ") && line.ends_with('{') {
            break;
        }
        previous = line;
        if line.trim_start().starts_with("//") || line.trim_start().starts_with('"') {
            continue;
        }
        let mut report = |what: String| found.push(format!("{file}:{number}: {what}"));
        for rest in after(line, "crate::").filter(|_| folder != "lib") {
            // A list in braces leaves an empty name, which is allowed nowhere: one line per folder.
            let used = rest.split(|end: char| !end.is_alphanumeric()).next().unwrap_or_default();
            if used != folder && (used.is_empty() || !may_use.split(' ').any(|may| may == used)) {
                report(format!("{folder} uses {used}"));
            }
        }
        for (libraries, homes) in NAMED_ONLY_IN {
            for library in libraries.split(' ') {
                let mut rests = after(line, library);
                let is_named = rests.any(|rest| rest.starts_with("::") || rest == ";");
                if is_named && !homes.split(' ').any(|home| file.starts_with(home)) {
                    report(format!("{library} is named only in {homes}"));
                }
            }
        }
        for printing in PRINTING.iter().filter(|_| folder != "terminal") {
            if after(line, printing).next().is_some() {
                report(format!("{printing} outside terminal/"));
            }
        }
    }
    found
}

/// What follows `word` in the line, unless it is the end of a longer name or of a quoted text.
fn after<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let is_part = |before: char| before.is_alphanumeric() || "_.\"`".contains(before);
    let whole = move |(at, _): &(usize, &str)| !line[..*at].ends_with(is_part);
    line.match_indices(word).filter(whole).map(|(at, word)| &line[at + word.len()..])
}

#[test]
fn a_planted_breach_is_found() {
    for (file, line, expected) in [
        ("check/runner.rs", "use crate::store::Inbox;", 1),
        ("report.rs", "use crate::{store, terminal};", 1),
        ("drawer.rs", "", 1),
        ("receiver/lru_map.rs", "use hyper::Request;", 1),
        ("sender/engine.rs", "fn f(x: ::hyper_util::rt::TokioIo<u8>) {}", 1),
        ("report/line.rs", "use std::io; fn f() { io::stdout(); }", 1),
        ("check.rs", "    std::println!(\"x\");", 1),
        ("check/runner.rs", "use crate::net::wire; // crate::check", 0),
        ("clock.rs", "/// crate::store, hyper::Request, println!()", 0),
        ("clock.rs", "#[cfg(test)]\nmod tests {\n    use crate::store;\n}", 0),
    ] {
        assert_eq!(breaches(file, line).len(), expected, "{file}: {line}");
    }
}
