//! Holds the walls of the house: which room may use which, who names a library, how long code is.
//!
//! It reads the source as words, without comments, texts and test code. Macro expansions and
//! re-exports of a library's types are beyond it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Code, module_of};

#[path = "architecture/source.rs"]
mod source;

/// The rooms that a room may use; every room of `src/` has a row.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli", "commands"]),
    ("cli", &["commands", "error", "exit", "settings"]),
    (
        "commands",
        &[
            "check", "clock", "delivery", "error", "exit", "listener", "protocol", "report",
            "settings", "store", "terminal",
        ],
    ),
    ("merchant", &["protocol"]),
    ("check", &["delivery", "protocol"]),
    ("delivery", &["clock", "protocol", "store"]),
    ("listener", &["clock", "protocol", "store"]),
    ("store", &["clock", "protocol"]),
    ("report", &["check", "delivery", "listener", "protocol"]),
    ("terminal", &["error", "protocol", "report", "settings"]),
    // A profile's values are checked by the parsers of the rooms that use them.
    ("settings", &["clock", "delivery", "error", "listener", "protocol"]),
    ("error", &["exit"]),
    ("exit", &[]),
    ("clock", &[]),
    ("protocol", &[]),
];

/// Paths that only some places may name: the paths, and the starts of those files' names.
const NAMED_ONLY_IN: &[(&[&str], &[&str])] = &[
    (
        &["hyper", "hyper_util", "http_body_util"],
        &[
            "listener/server.rs",
            "listener/server/",
            "listener/forward.rs",
            "listener/forward/",
            "delivery/wire.rs",
            "delivery/wire/",
            "delivery/proxy.rs",
        ],
    ),
    (&["rcgen"], &["listener/tls.rs"]),
    (
        &["futures_util"],
        &["delivery/fleet/run.rs", "check/runner.rs", "check/trial.rs", "check/control.rs"],
    ),
    (&["reqwest"], &["delivery/http.rs"]),
    (&["getrandom"], &["listener/inspector/"]),
    (&["colored"], &["terminal/theme.rs"]),
    (&["indicatif"], &["terminal/progress.rs"]),
    (&["console"], &["terminal/progress.rs", "terminal/width.rs"]),
    (&["hdrhistogram"], &["report/summary/latency.rs"]),
    (&["quick_xml"], &["protocol/acknowledgement/return_code.rs"]),
    (&["quick_junit"], &["report/summary/junit.rs", "report/check/junit.rs"]),
    (&["rusqlite"], &["store/", "store.rs"]),
    (&["rustix"], &["clock/precise/timer.rs", "commands/runtime.rs"]),
    (&["std::io::stdout", "std::io::stderr"], &["terminal/"]),
    (&["std::env"], &["settings.rs"]),
];

/// Exceptions to the table above: a file, and the longer path that it may name.
const ALSO_NAMED_IN: &[(&str, &str)] =
    &[("main.rs", "std::env::args"), ("main.rs", "std::env::args_os")];

/// Macros that print; the terminal room alone may use them.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Places without I/O, clock and async.
const PURE: &[&str] = &[
    "protocol/",
    "merchant",
    "report/",
    "listener/referee/",
    "listener/program/",
    "check/case.rs",
    "check/case_file.rs",
    "check/recipe.rs",
    "check/recipe/",
    "check/suite.rs",
    "delivery/schedule.rs",
    "delivery/outcome.rs",
    "delivery/jitter.rs",
];

/// What a pure place may not name.
const EFFECTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "tokio",
];

/// What the protocol may not name besides: there is no network in it, not even an address.
const NETWORK: &[&str] = &["std::net"];

/// Files of `commands/` that are no command, so that every command may use them.
const SHARED_BY_COMMANDS: &[&str] =
    &["args", "lines", "private_file", "runtime", "signing", "wire_args"];

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 60;

/// A file's path below `src/`, and its text.
type Sources = BTreeMap<String, String>;

#[test]
fn the_house_keeps_its_walls() {
    let mut sources = Sources::new();
    read_below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut sources);
    assert!(sources.contains_key("lib.rs"), "no source was read");
    let breaches = breaches(&sources);
    assert!(breaches.is_empty(), "{} breaches:\n{}", breaches.len(), breaches.join("\n"));
}

fn read_below(folder: &Path, prefix: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_below(&entry.path(), &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, fs::read_to_string(entry.path()).expect("readable text"));
        }
    }
}

/// Every broken rule, as `file:line: what`.
fn breaches(sources: &Sources) -> Vec<String> {
    let parsed: BTreeMap<&str, Code> =
        sources.iter().map(|(file, text)| (file.as_str(), Code::parse(text))).collect();
    let test_files: BTreeSet<String> =
        parsed.iter().flat_map(|(file, code)| code.test_modules_of(file)).collect();
    let mut found = Vec::new();
    for (file, text) in sources {
        let length = text.lines().count();
        if length > LONGEST_FILE {
            found.push(format!("{file}:{length}: a file over {LONGEST_FILE} lines"));
        }
        if test_files.contains(file) {
            continue;
        }
        let room = room_of(file);
        if room != "lib" && may_use(room).is_none() {
            found.push(format!("{file}:1: the room {room} has no row in MAY_USE"));
        }
        let code = &parsed[file.as_str()];
        let mut report = |line: usize, what: String| found.push(format!("{file}:{line}: {what}"));
        check_lengths(code, &mut report);
        check_words(file, code, &mut report);
        for (path, line) in code.paths(&module_of(file)) {
            check_rooms(file, &path, sources, &mut |what| report(line, what));
            check_names(file, &path, &mut |what| report(line, what));
        }
    }
    found
}

fn check_lengths(code: &Code, report: &mut impl FnMut(usize, String)) {
    for (name, line, length) in code.functions() {
        if length > LONGEST_FUNCTION {
            report(line, format!("fn {name} has {length} lines, over {LONGEST_FUNCTION}"));
        }
    }
}

fn check_words(file: &str, code: &Code, report: &mut impl FnMut(usize, String)) {
    for (at, word) in code.words.iter().enumerate() {
        let called = code.text(at + 1) == "!" && matches!(code.text(at + 2), "(" | "[" | "{");
        if called && PRINTING.contains(&word.text.as_str()) && !file.starts_with("terminal/") {
            report(word.line, format!("{}! outside terminal/", word.text));
        }
        if matches!(word.text.as_str(), "async" | "await") && is_in(file, PURE) {
            report(word.line, format!("{} in a pure place", word.text));
        }
    }
}

/// Checks a path of this crate (`crate::room::…`) against the rooms and the commands.
fn check_rooms(file: &str, path: &[String], sources: &Sources, report: &mut impl FnMut(String)) {
    let room = room_of(file);
    let [start, target, rest @ ..] = path else { return };
    if start != "crate" || room == "lib" {
        return;
    }
    if may_use(target).is_none() {
        // What lib.rs offers at the root hides the room it comes from.
        if room != "main" {
            report(format!("crate::{target} is no room: name the room"));
        }
    } else if target != room && !may_use(room).is_some_and(|may| may.contains(&target.as_str())) {
        report(format!("{room} uses {target}"));
    }
    let own = file.strip_prefix("commands/").map(|name| name.trim_end_matches(".rs"));
    if let (Some(own), "commands", Some(other)) = (own, target.as_str(), rest.first()) {
        let own = own.split('/').next().unwrap_or(own);
        let is_command = [".rs", "/mod.rs"]
            .iter()
            .any(|end| sources.contains_key(&format!("commands/{other}{end}")));
        let may = own == "mod" || own == other || SHARED_BY_COMMANDS.contains(&other.as_str());
        if (is_command || other == "*") && !may {
            report(format!("the command {own} names the command {other}"));
        }
    }
}

fn check_names(file: &str, path: &[String], report: &mut impl FnMut(String)) {
    for (places, effects) in [(PURE, EFFECTS), (&["protocol/"], NETWORK)] {
        for effect in effects.iter().filter(|effect| is_in(file, places) && names(path, effect)) {
            report(format!("{effect} in a pure place"));
        }
    }
    for (paths, homes) in NAMED_ONLY_IN {
        for named in paths.iter().filter(|named| names(path, named)) {
            let excepted =
                ALSO_NAMED_IN.iter().any(|(at, longer)| *at == file && names(path, longer));
            if !is_in(file, homes) && !excepted {
                report(format!("{named} is named only in {}", homes.join(", ")));
            }
        }
    }
}

/// The row of a room; `None` where there is no such room.
fn may_use(room: &str) -> Option<&'static [&'static str]> {
    MAY_USE.iter().find(|(known, _)| *known == room).map(|(_, may_use)| *may_use)
}

fn is_in(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| file.starts_with(place))
}

/// Whether the path is `named` or lies below it; `std::io::*` counts as all of `std::io`.
fn names(path: &[String], named: &str) -> bool {
    let named: Vec<&str> = named.split("::").collect();
    match path {
        [start @ .., last] if last == "*" && start.len() < named.len() => {
            start == &named[..start.len()]
        }
        _ => path.len() >= named.len() && path[..named.len()] == named[..],
    }
}

fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The breaches of made-up files, each given as its path and its text.
fn breaches_of(files: &[(&str, &str)]) -> Vec<String> {
    breaches(&files.iter().map(|(file, text)| ((*file).into(), (*text).into())).collect())
}

#[track_caller]
fn assert_breach(file: &str, text: &str, expected: &str) {
    let found = breaches_of(&[(file, text)]);
    assert!(found.iter().any(|one| one.contains(expected)), "{expected:?} is not in {found:?}");
}

#[track_caller]
fn assert_clean(file: &str, text: &str) {
    assert_eq!(breaches_of(&[(file, text)]), [""; 0], "{text}");
}

#[test]
fn a_room_that_uses_a_forbidden_room_is_found_in_every_spelling() {
    for text in [
        "use crate::store::Inbox;",
        "use crate::{\n    clock,\n    store::{self, Inbox},\n};",
        "fn f() { let x = crate :: store::open(); }",
        "use super::super::store;",
        "use crate as house; fn f() { house::store::open(); }",
        "fn f() { ::payout_notify::store::open(); }",
        "macro_rules! m { () => { $crate::store::open() } }",
    ] {
        assert_breach("check/runner.rs", text, "check uses store");
    }
    assert_breach("clock.rs", "\n\nuse super::error;", "clock.rs:3: clock uses error");
    assert_breach("report/mod.rs", "use crate::terminal::theme;", "report uses terminal");
    assert_breach("protocol/key.rs", "use crate::clock::Clock;", "protocol uses clock");
    assert_breach("main.rs", "use payout_notify::store;", "main uses store");
}

#[test]
fn a_way_around_the_rooms_is_found() {
    assert_breach("clock.rs", "use crate::*;", "crate::* is no room");
    assert_breach("clock.rs", "use crate::Payload;", "crate::Payload is no room");
    assert_breach("drawer.rs", "", "the room drawer has no row");
}

#[test]
fn what_the_table_allows_is_clean() {
    assert_clean("delivery/engine.rs", "use crate::{clock::Clock, protocol, store};");
    assert_clean(
        "delivery/engine.rs",
        "use super::outcome; use self::x::y; use super::super::clock;",
    );
    assert_clean("main.rs", "use payout_notify::{cli, commands}; fn f() { std::env::args_os(); }");
    assert_clean("lib.rs", "pub mod store; pub use store::Inbox; pub use crate::check;");
    assert_clean(
        "protocol/key.rs",
        "// crate::store\n/* use crate::store; */ const S: &str = \"a\\\" crate::store::x\";",
    );
    assert_clean(
        "protocol/key.rs",
        "const S: &str = r#\"\"crate::store\"#; fn f<'a>(c: char) -> bool { c == '\"' }",
    );
}

#[test]
fn commands_do_not_name_each_other() {
    let breach = |file, text| {
        breaches_of(&[(file, text), ("commands/verify.rs", ""), ("commands/listen/mod.rs", "")])
    };
    for text in
        ["use super::verify::run;", "use crate::commands::{Output, verify};", "use super::*;"]
    {
        assert_eq!(breach("commands/sign.rs", text).len(), 1, "{text}");
    }
    assert_eq!(breach("commands/sign/run.rs", "use crate::commands::listen;").len(), 1);
    assert!(
        breach("commands/sign/run.rs", "use super::args; use crate::commands::sign::x;").is_empty()
    );
    assert!(breach("commands/sign.rs", "use super::read_input; use crate::terminal;").is_empty());
    assert!(
        breach(
            "commands/mod.rs",
            "use verify::run; use self::listen; use crate::commands::verify;"
        )
        .is_empty()
    );
}

#[test]
fn a_library_named_outside_its_home_is_found() {
    assert_breach("listener/orders.rs", "use hyper::Request;", "hyper is named only in");
    assert_breach("listener/mod.rs", "fn f(x: ::hyper_util::rt::TokioIo<u8>) {}", "hyper_util is");
    assert_breach("delivery/engine.rs", "extern crate reqwest as r;", "reqwest is named only");
    assert_breach("report/mod.rs", "fn f() { colored::control::set_override(true) }", "colored is");
    assert_breach("report/progress.rs", "use indicatif::ProgressBar;", "indicatif is named only");
    assert_breach("listener/mod.rs", "use rusqlite::{self, Connection};", "rusqlite is named only");
    assert_clean("listener/server.rs", "use hyper::Request; use hyper_util::rt;");
    assert_clean("listener/forward/pool.rs", "use hyper::client;");
    assert_clean("store/inbox.rs", "use rusqlite::Connection;");
    assert_clean("listener/mod.rs", "fn f(hyper: u8) { server.reqwest(); }");
}

#[test]
fn the_environment_and_the_streams_have_one_reader_and_one_writer() {
    assert_breach("cli.rs", "use std::env::var;", "std::env is named only in settings.rs");
    assert_breach("cli.rs", "use std as s; fn f() { s::env::var(\"A\"); }", "std::env is");
    assert_breach("main.rs", "fn f() { std::env::var(\"A\"); }", "std::env is");
    assert_breach("cli.rs", "use std::io; fn f() { io::stdout(); }", "std::io::stdout is");
    assert_breach(
        "cli.rs",
        "use std::{fs, io::{self as i, Read}}; fn f() { i::stderr(); }",
        "stderr",
    );
    assert_breach("cli.rs", "use std::io::*;", "std::io::stdout is");
    assert_breach("cli.rs", "fn f() { std::eprintln!(\"x\"); }", "eprintln! outside");
    assert_breach("check/mod.rs", "fn f() { dbg! { 1 }; }", "dbg! outside");
    assert_clean("terminal/mod.rs", "use std::io; fn f() { io::stdout(); println!(); }");
    assert_clean("cli.rs", "fn f() { if print != (1) { x.stdout(); env!(\"X\"); } }");
}

#[test]
fn an_effect_in_a_pure_place_is_found() {
    for text in [
        "use std::fs::File;",
        "use std::net::IpAddr;",
        "use std::io; fn f() { io::stdin(); }",
        "use std::time::{Duration, SystemTime as T};",
        "use jiff::Timestamp; fn f() { Timestamp::now(); }",
        "async fn f() {}",
        "#[tokio::main] fn f() {}",
    ] {
        assert_breach("protocol/key.rs", text, "in a pure place");
    }
    assert_breach("delivery/schedule.rs", "use std::time::Instant;", "std::time::Instant in");
    assert_clean("protocol/key.rs", "use std::time::Duration; use std::io::Write;");
    assert_clean("report/mod.rs", "use std::net::SocketAddr; use jiff::Timestamp;");
}

#[test]
fn test_code_is_free() {
    assert_clean(
        "protocol/key.rs",
        "#[cfg(test)]\nmod tests { use crate::store; fn f() { if x { } } }",
    );
    assert_clean("protocol/key.rs", "#[cfg(test)] use std::{fs, env}; fn f() {}");
    let apart =
        [("protocol/mod.rs", "#[cfg(test)] mod laws;"), ("protocol/laws.rs", "use std::fs;")];
    assert!(breaches_of(&apart).is_empty());
    let text = "#[cfg(test)] mod tests { fn f() {} } use crate::store;";
    assert_breach("protocol/key.rs", text, "protocol uses store");
}

#[test]
fn length_is_counted_in_lines() {
    let function =
        |lines: usize| format!("impl A {{\n    fn long() {{{}}}\n}}", "\n".repeat(lines - 1));
    assert_breach("clock.rs", &function(61), "clock.rs:2: fn long has 61 lines");
    assert_clean("clock.rs", &function(60));
    let file = |lines: usize| "//\n".repeat(lines);
    assert_breach("clock.rs", &file(501), "clock.rs:501: a file over");
    assert_clean("clock.rs", &file(500));
}
