//! The committed completion scripts are what the program prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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

/// What bash would offer for the last of these words; nothing where there is no bash.
fn offered(words: &[&str], folder: &Path) -> Option<Vec<String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/payout-notify.bash");
    let ask = r#"source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _payout_notify_with_callbacks "$1" "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let folders = format!("{}:/usr/bin:/bin", folder.display());
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", ask, script])
        .args(words)
        .env("PATH", folders)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

#[track_caller]
fn assert_offered(words: &[&str], wanted: &str) {
    let Some(offered) = offered(words, Path::new("/nonexistent")) else { return };
    assert!(offered.iter().any(|one| one == wanted), "{wanted} is not in {offered:?}");
}

#[test]
fn bash_completes_flags_of_subcommands_at_any_depth() {
    assert_offered(&["payout-notify", "sim"], "simulate");
    assert_offered(&["payout-notify", "sign", "--dia"], "--dialect");
    assert_offered(&["payout-notify", "inbox", "list", "--si"], "--since");
}

#[test]
fn bash_completes_the_names_that_free_text_may_hold() {
    assert_offered(&["payout-notify", "sign", "--dialect", "wech"], "wechat-v2");
    assert_offered(&["payout-notify", "dialects", "ep"], "epay");
    assert_offered(&["payout-notify", "simulate", "--schedule", "te"], "ten-in-total");
    assert_offered(&["payout-notify", "listen", "--expect-schedule", "e"], "even");
    assert_offered(&["payout-notify", "check", "--only", "auth"], "authenticity");
    assert_offered(&["payout-notify", "verify", "--require", "hm"], "hmac-sha256");
    assert_offered(&["payout-notify", "simulate", "--status", "f"], "failed");
}

#[test]
fn bash_asks_the_inbox_for_the_numbers_of_callbacks() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("completing");
    fs::create_dir_all(&folder).unwrap();
    let asked = folder.join("payout-notify");
    let lines = r#"{"body":"{\"id\":7}","id":12,"number":1}"#;
    fs::write(&asked, format!("#!/bin/sh\n[ \"$7 $8\" = '--inbox my.db' ] && echo '{lines}'\n"))
        .unwrap();
    fs::set_permissions(&asked, fs::Permissions::from_mode(0o755)).unwrap();
    let words = ["payout-notify", "inbox", "--inbox", "my.db", "show", ""];
    let Some(offered) = offered(&words, &folder) else { return };
    assert_eq!(offered, ["latest", "12"]);
    assert_offered(&["payout-notify", "inbox", "show", "lat"], "latest");
    // A flag's value is no callback.
    assert_offered(&["payout-notify", "inbox", "show", "--dialect", "ep"], "epay");
}

#[test]
fn a_file_can_stand_where_a_dialect_is_named() {
    let script = |shell| payout_notify(&["completions", shell]).run().exits(0).stdout;
    let zsh = script("zsh");
    assert!(zsh.contains(r#"_alternative "names:dialect:(platform "#), "{zsh}");
    assert!(zsh.contains(":_payout_notify_callbacks' "), "{zsh}");
    let fish = script("fish");
    let dialects: Vec<&str> = fish.lines().filter(|line| line.contains(" -l dialect ")).collect();
    assert!(!dialects.is_empty() && dialects.iter().all(|line| line.contains(" -r -F -a ")));
}
