//! The examples for test suites, run by the frameworks that they are for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::Sandbox;
use crate::need::{JAVAC, JUNIT, NODE, PHPUNIT, PYTEST, VITEST, list};

list! {
    pytest_waits_for_a_callback [PYTEST]
    node_waits_for_a_callback [NODE]
    vitest_waits_for_a_callback [VITEST]
    phpunit_waits_for_a_callback [PHPUNIT]
    junit_waits_for_a_callback [JAVAC, JUNIT]
    every_example_is_short_enough_to_copy []
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_payout-notify");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/testing");

const LONGEST: usize = 60;

/// Runs a command in a copy of an example's folder: frameworks leave caches beside what they run.
fn run(example: &str, commands: &[&[&str]]) {
    let sandbox = Sandbox::new();
    let folder = sandbox.work();
    for file in files(&Path::new(FOLDER).join(example)) {
        fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
    }
    for command in commands {
        let mut run = Command::new(command[0]);
        run.args(&command[1..]).current_dir(&folder).env("PAYOUT_NOTIFY", PROGRAM);
        let output = run.output().unwrap();
        let shown = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command:?}: {shown}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn pytest_waits_for_a_callback() {
    run("pytest", &[&["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"]]);
}

fn node_waits_for_a_callback() {
    run("node", &[&["node", "--test", "payout.test.mjs"]]);
}

fn vitest_waits_for_a_callback() {
    run("vitest", &[&["vitest", "run"]]);
}

fn phpunit_waits_for_a_callback() {
    run("phpunit", &[&["phpunit", "PayoutTest.php"]]);
}

fn junit_waits_for_a_callback() {
    let jars = std::env::var("CLASSPATH").unwrap_or_default();
    let path = format!("{jars}:.");
    let launcher = "org.junit.platform.console.ConsoleLauncher";
    run(
        "junit",
        &[
            &["javac", "-d", ".", "PayoutTest.java"],
            &["java", "-cp", &path, launcher, "--select-class", "PayoutTest"],
        ],
    );
}

fn every_example_is_short_enough_to_copy() {
    let examples: Vec<PathBuf> = files(Path::new(FOLDER)).iter().flat_map(|it| files(it)).collect();
    assert_eq!(examples.len(), 5, "{examples:?}");
    for example in examples {
        let lines = fs::read_to_string(&example).unwrap().lines().count();
        assert!(lines < LONGEST, "{} has {lines} lines", example.display());
    }
}
