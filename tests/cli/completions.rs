//! The committed completion scripts are what the program prints.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{payout_notify, untried};

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
        .current_dir(if folder.is_dir() { folder } else { Path::new("/") })
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
    assert!(zsh.contains(r#"_alternative "names\:dialect\:(platform "#), "{zsh}");
    assert!(zsh.contains(":_payout_notify_callbacks' "), "{zsh}");
    let fish = script("fish");
    let dialects: Vec<&str> = fish.lines().filter(|line| line.contains(" -l dialect ")).collect();
    assert!(!dialects.is_empty() && dialects.iter().all(|line| line.contains(" -r -F -a ")));
}

/// What is asked of each shell, and what it must offer for the last word.
const ASKED: [(&str, &str); 10] = [
    ("payout-notify sim", "simulate"),
    ("payout-notify inbox li", "list"),
    ("payout-notify simulate --schedule te", "ten-in-total"),
    ("payout-notify sign --dialect wech", "wechat-v2"),
    ("payout-notify sign --profile sta", "staging"),
    ("payout-notify --profile sta", "staging"),
    ("payout-notify --profile sta sig", "sign"),
    ("payout-notify inbox show 1", "12"),
    ("payout-notify inbox diff 12 l", "latest"),
    ("payout-notify check --only auth-added-z", "auth-added-zero"),
];

/// A folder with a settings file, and with a program that has one callback and is else this one.
fn surroundings(shell: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("completing-{shell}"));
    fs::create_dir_all(folder.join("home")).unwrap();
    let settings = "[profile.production]\n[profile.staging]\n";
    fs::write(folder.join("payout-notify.toml"), settings).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = inbox ] && echo '{{\"id\":12,\"number\":1}}' && exit\nexec '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_payout-notify")
    );
    fs::write(folder.join("payout-notify"), script).unwrap();
    fs::set_permissions(folder.join("payout-notify"), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// What a shell prints, run without anyone's settings; nothing where there is no such shell.
fn run_shell(shell: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = Command::new(shell)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()))
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .output();
    match output {
        // A shell that cannot open a terminal says so with 77.
        Ok(output) if output.status.code() != Some(77) => {
            Some(String::from_utf8(output.stdout).unwrap())
        }
        _ => {
            untried(&format!("there is no {shell} here: its completions are not tried"));
            None
        }
    }
}

#[test]
fn bash_offers_what_is_asked() {
    let folder = surroundings("bash");
    for (line, wanted) in ASKED {
        let words: Vec<&str> = line.split(' ').collect();
        let Some(offered) = offered(&words, &folder) else { return };
        assert!(offered.iter().any(|one| one == wanted), "{line}: {offered:?}");
    }
    let profiles = |words: &[&str]| offered(words, &folder);
    let Some(names) = profiles(&["payout-notify", "sign", "--profile", ""]) else { return };
    assert_eq!(names, ["production", "staging"]);
    // Readline takes --profile=s for three words, and gives what is before the cursor.
    let joined = profiles(&["payout-notify", "sign", "--profile", "=", "s"]);
    assert_eq!(joined.as_deref(), Some(&["staging".to_owned()][..]));
}

#[test]
fn zsh_offers_what_is_asked() {
    let folder = surroundings("zsh");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/completions/ask.zsh");
    let completions = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    let answers = folder.join("answers").to_string_lossy().into_owned();
    let lines: Vec<&str> = ASKED.iter().map(|(line, _)| *line).collect();
    let arguments = [&["-f", script, completions, &answers][..], &lines].concat();
    let Some(told) = run_shell("zsh", &arguments, &folder) else { return };
    let completed: Vec<&str> = told.lines().map(str::trim_end).collect();
    assert_eq!(completed.len(), ASKED.len(), "{told}");
    for ((line, wanted), completed) in ASKED.iter().zip(completed) {
        assert!(completed.ends_with(&format!(" {wanted}")), "{line}: {completed}");
    }
}

#[test]
fn fish_offers_what_is_asked() {
    let folder = surroundings("fish");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/payout-notify.fish");
    let ask = "source $argv[1]; for line in $argv[2..]; complete -C $line; echo =; end";
    let lines = ASKED.iter().map(|(line, _)| *line);
    let lines: Vec<&str> = lines.chain(["payout-notify --profile "]).collect();
    let arguments = [&["--no-config", "-c", ask, script][..], &lines].concat();
    let Some(told) = run_shell("fish", &arguments, &folder) else { return };
    let offered: Vec<Vec<&str>> = told
        .split("=\n")
        .map(|part| part.lines().filter_map(|line| line.split('\t').next()).collect())
        .collect();
    for ((line, wanted), offered) in ASKED.iter().zip(&offered) {
        assert!(offered.contains(wanted), "{line}: {offered:?}");
    }
    assert_eq!(offered[ASKED.len()], ["production", "staging"], "{told}");
}

#[test]
fn powershell_asks_for_profiles_and_callbacks() {
    let script = payout_notify(&["completions", "powershell"]).run().exits(0).stdout;
    let asks = ["payout-notify config profiles", "payout-notify inbox list", "'--profile'"];
    assert!(asks.iter().all(|text| script.contains(text)), "{script}");
}
