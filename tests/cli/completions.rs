//! The committed completion scripts are what the program prints.

use std::fs;

use crate::harness::payout_notify;

const SCRIPTS: [(&str, &str); 4] = [
    ("bash", "payout-notify.bash"),
    ("zsh", "_payout-notify"),
    ("fish", "payout-notify.fish"),
    ("powershell", "_payout-notify.ps1"),
];

#[test]
fn the_committed_scripts_are_current() {
    for (shell, name) in SCRIPTS {
        let script = payout_notify(&["completions", shell]).run().exits(0).stdout;
        assert!(script.contains("simulate"), "{shell}: {script}");
        let path = format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"));
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == script,
            "completions/{name} is not what the program prints; write it anew with\n  \
             cargo run -q -- completions {shell} > completions/{name}"
        );
    }
}

#[test]
fn an_unknown_shell_is_a_matter_of_usage() {
    payout_notify(&["completions", "csh"]).run().exits(2).remarks(&["bash", "zsh", "fish"]);
}
