//! The documents of `schema` under the validators of their ecosystems.

use std::process::Command;

use crate::need::{NEWMAN, PYTHON_SCHEMAS, list};

list! {
    the_documents_of_every_dialect_pass_their_validators [PYTHON_SCHEMAS, NEWMAN]
}

fn the_documents_of_every_dialect_pass_their_validators() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas.py");
    let program = env!("CARGO_BIN_EXE_payout-notify");
    let output = Command::new("python3").args([script, program]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.ends_with("ok\n"), "{printed}");
}
