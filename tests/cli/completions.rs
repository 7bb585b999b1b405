//! The committed completion scripts are what the program prints.
//!
//! What shells make of them is asked in `tests/interpreters`.

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
            "completions/{name} differs from what the program prints; regenerate it with\n  \
             cargo run -q -- completions {shell} > completions/{name}"
        );
    }
}

#[test]
fn an_unknown_shell_is_a_matter_of_usage() {
    payout_notify(&["completions", "csh"]).run().exits(2).remarks(&["bash", "zsh", "fish"]);
}

#[test]
fn a_file_can_stand_where_a_dialect_is_named() {
    let script = |shell| payout_notify(&["completions", shell]).run().exits(0).stdout;
    let zsh = script("zsh");
    assert!(zsh.contains(r#"_alternative "names\:dialect\:(platform "#), "{zsh}");
    assert!(zsh.contains(":_payout_notify_callbacks' "), "{zsh}");
    let fish = script("fish");
    // -F allows a file, though other lines of the same option have -f.
    let files: Vec<&str> =
        fish.lines().filter(|line| line.ends_with(" -l dialect -r -F")).collect();
    let commands = ["sign", "verify", "simulate", "listen", "check"];
    assert!(files.len() == 1 && commands.iter().all(|one| files[0].contains(one)), "{files:?}");
}

#[test]
fn powershell_asks_for_profiles_and_callbacks() {
    let script = payout_notify(&["completions", "powershell"]).run().exits(0).stdout;
    let asks = ["payout-notify config profiles", "payout-notify inbox list", "'--profile'"];
    assert!(asks.iter().all(|text| script.contains(text)), "{script}");
}
