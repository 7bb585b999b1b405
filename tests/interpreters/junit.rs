//! The JUnit reports, read by a program that follows what CI servers document.

use std::process::Command;

use crate::need::{PYTHON, PYTHON_LXML, list};

list! {
    gitlab_can_read_the_reports [PYTHON]
    the_reports_conform_to_the_schema_of_jenkins [PYTHON_LXML]
}

fn read(schema: &[String]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/junit_reports.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(env!("CARGO_BIN_EXE_payout-notify")).args(schema);
    let output = python.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

fn gitlab_can_read_the_reports() {
    read(&[]);
}

fn the_reports_conform_to_the_schema_of_jenkins() {
    read(&["--schema".to_owned(), std::env::var("JUNIT_SCHEMA").unwrap()]);
}
