//! `check --explore` before merchants that lose money after a crash, in a race or by the order of notifications,
//! before sound ones, and before the tutorial's.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{KEY, Sandbox};
use crate::need::{NODE, PYTHON, list};

list! {
    flaws_are_found_and_sound_merchants_are_not_accused [PYTHON, NODE]
    the_flaw_of_the_tutorial_is_found_and_its_replay_passes_without_it [PYTHON]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_payout-notify");
const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The whole list takes an hour; the script prints it.
fn flaws_are_found_and_sound_merchants_are_not_accused() {
    let mut script = Command::new("python3");
    script.args([&format!("{FOLDER}/tests/explore.py"), PROGRAM, "--seeds", "3", "--jobs", "4"]);
    for name in ["acknowledges-before-commit", "await-between-check-and-act", "body-digest"] {
        script.args(["--merchant", name]);
    }
    // An observer of totals counts whatever else this tool sends.
    script.args(["--merchant", "sqlite", "--merchant", "totals"]);
    let output = script.output().expect("it runs");
    assert!(output.status.success(), "{}", shown(&output));
}

/// Explores the merchant of `examples/`, in a folder where it starts without credits.
fn explore(folder: &Path, environment: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let _ = std::fs::remove_file(folder.join("credits.txt"));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    drop(taken);
    let merchants = format!("{FOLDER}/examples/merchants");
    let start = format!("env {environment} python3 {merchants}/merchant.py {port}");
    let observe = format!("python3 {merchants}/observe.py credits.txt");
    let output = Command::new(PROGRAM)
        .args(["check", "--explore", "--start", &start, "--observe", &observe])
        .arg(format!("http://127.0.0.1:{port}/"))
        .args(arguments)
        .env("PAYOUT_NOTIFY_KEY", KEY)
        .current_dir(folder)
        .output()
        .expect("the program runs");
    (output.status.code(), shown(&output))
}

fn the_flaw_of_the_tutorial_is_found_and_its_replay_passes_without_it() {
    let sandbox = Sandbox::new();
    let folder = &sandbox.work();
    let (code, text) = explore(folder, "FLAW=memory", &["--seed", "1", "--bundle", "found"]);
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = explore(folder, "FLAW=", &["--suite", "found"]);
    assert_eq!(code, Some(0), "{text}");
}
