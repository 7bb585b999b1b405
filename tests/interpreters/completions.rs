//! The completion scripts in the shells that they are for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::need::{BASH, FISH, ZSH, list};

list! {
    bash_completes_flags_of_subcommands_at_any_depth [BASH]
    bash_completes_the_names_that_free_text_may_hold [BASH]
    bash_asks_the_inbox_for_the_numbers_of_callbacks [BASH]
    bash_offers_what_is_asked [BASH]
    zsh_offers_what_is_asked [ZSH]
    fish_offers_what_is_asked [FISH]
}

/// The tests' own path, behind a folder.
fn path_behind(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// What bash would offer for the last of these words.
fn offered(words: &[&str], folder: &Path) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/payout-notify.bash");
    let ask = r#"source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _payout_notify_with_callbacks "$1" "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .current_dir(if folder.is_dir() { folder } else { Path::new("/") })
        .args(["--norc", "--noprofile", "-c", ask, script])
        .args(words)
        .env("PATH", path_behind(folder))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_offered(words: &[&str], wanted: &str) {
    let offered = offered(words, Path::new("/nonexistent"));
    assert!(offered.iter().any(|one| one == wanted), "{wanted} is not in {offered:?}");
}

fn bash_completes_flags_of_subcommands_at_any_depth() {
    assert_offered(&["payout-notify", "sim"], "simulate");
    assert_offered(&["payout-notify", "sign", "--dia"], "--dialect");
    assert_offered(&["payout-notify", "inbox", "list", "--si"], "--since");
}

fn bash_completes_the_names_that_free_text_may_hold() {
    assert_offered(&["payout-notify", "sign", "--dialect", "wech"], "wechat-v2");
    assert_offered(&["payout-notify", "dialects", "ep"], "epay");
    assert_offered(&["payout-notify", "simulate", "--schedule", "te"], "ten-in-total");
    assert_offered(&["payout-notify", "listen", "--expect-schedule", "e"], "even");
    assert_offered(&["payout-notify", "check", "--only", "auth"], "authenticity");
    assert_offered(&["payout-notify", "verify", "--require", "hm"], "hmac-sha256");
    assert_offered(&["payout-notify", "simulate", "--status", "f"], "failed");
}

fn bash_asks_the_inbox_for_the_numbers_of_callbacks() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("completing");
    fs::create_dir_all(&folder).unwrap();
    let lines = r#"{"body":"{\"id\":7}","id":12,"number":1}"#;
    let script = format!("#!/bin/sh\n[ \"$7 $8\" = '--inbox my.db' ] && echo '{lines}'\n");
    write_executable(&folder, &script);
    let words = ["payout-notify", "inbox", "--inbox", "my.db", "show", ""];
    let offered = offered(&words, &folder);
    assert_eq!(offered, ["latest", "12"]);
    assert_offered(&["payout-notify", "inbox", "show", "lat"], "latest");
    // A flag's value is not a callback's id.
    assert_offered(&["payout-notify", "inbox", "show", "--dialect", "ep"], "epay");
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

/// Makes a folder's program `payout-notify`.
///
/// Another process writes it: a child that is just being started could hold a file that this one has
/// open for writing, and such a file cannot be run.
fn write_executable(folder: &Path, script: &str) {
    let text = folder.join("script");
    fs::write(&text, script).unwrap();
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
    let copied = Command::new("cp").arg("-p").arg(&text).arg(folder.join("payout-notify")).status();
    assert!(copied.unwrap().success());
}

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
    write_executable(&folder, &script);
    folder
}

/// What a shell prints, run without anyone's settings.
fn run_shell(shell: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(shell)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", path_behind(folder))
        .env("HOME", folder.join("home"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{shell}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn bash_offers_what_is_asked() {
    let folder = surroundings("bash");
    for (line, wanted) in ASKED {
        let words: Vec<&str> = line.split(' ').collect();
        let offered = offered(&words, &folder);
        assert!(offered.iter().any(|one| one == wanted), "{line}: {offered:?}");
    }
    let profiles = |words: &[&str]| offered(words, &folder);
    let names = profiles(&["payout-notify", "sign", "--profile", ""]);
    assert_eq!(names, ["production", "staging"]);
    // Readline takes --profile=s for three words, and gives what is before the cursor.
    let joined = profiles(&["payout-notify", "sign", "--profile", "=", "s"]);
    assert_eq!(joined, ["staging"]);
}

fn zsh_offers_what_is_asked() {
    let folder = surroundings("zsh");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interpreters/completions/ask.zsh");
    let completions = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    let answers = folder.join("answers").to_string_lossy().into_owned();
    let lines: Vec<&str> = ASKED.iter().map(|(line, _)| *line).collect();
    let arguments = [&["-f", script, completions, &answers][..], &lines].concat();
    let told = run_shell("zsh", &arguments, &folder);
    let completed: Vec<&str> = told.lines().map(str::trim_end).collect();
    assert_eq!(completed.len(), ASKED.len(), "{told}");
    for ((line, wanted), completed) in ASKED.iter().zip(completed) {
        assert!(completed.ends_with(&format!(" {wanted}")), "{line}: {completed}");
    }
}

fn fish_offers_what_is_asked() {
    let folder = surroundings("fish");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/payout-notify.fish");
    let ask = "source $argv[1]; for line in $argv[2..]; complete -C $line; echo =; end";
    let lines = ASKED.iter().map(|(line, _)| *line);
    let lines: Vec<&str> = lines.chain(["payout-notify --profile "]).collect();
    let arguments = [&["--no-config", "-c", ask, script][..], &lines].concat();
    let told = run_shell("fish", &arguments, &folder);
    let offered: Vec<Vec<&str>> = told
        .split("=\n")
        .map(|part| part.lines().filter_map(|line| line.split('\t').next()).collect())
        .collect();
    for ((line, wanted), offered) in ASKED.iter().zip(&offered) {
        assert!(offered.contains(wanted), "{line}: {offered:?}");
    }
    assert_eq!(offered[ASKED.len()], ["production", "staging"], "{told}");
}
