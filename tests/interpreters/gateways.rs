//! The callbacks of public gateways, made again by the script that made them.

use std::process::Command;

use crate::harness::fixture;
use crate::need::{PYTHON, list};

list! {
    the_gateways_are_what_the_script_prints [PYTHON]
}

fn the_gateways_are_what_the_script_prints() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/gateways.py");
    let output = Command::new("python3").arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let advice = "write it again with\n  python3 fixtures/gateways.py > fixtures/gateways.ndjson";
    assert!(printed == fixture("gateways.ndjson"), "fixtures/gateways.ndjson differs; {advice}");
}
