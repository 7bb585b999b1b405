//! Wrong usages: each ends with a next step that can be typed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{KEY, Program, payout_notify, signed_success};

const USAGES: &str = include_str!("wrong_usages.txt");

/// Usages without a next step, and why.
const WITHOUT: &[(&str, &str)] = &[];

const WORKERS: usize = 4;

/// The words of a line as a shell splits them; single quotes only.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn program(usage: &str, payload: &str) -> Program {
    let (line, stdin) = usage.split_once(" @").unwrap_or((usage, ""));
    let keyless = line.strip_prefix("nokey ");
    let program = payout_notify(&split(keyless.unwrap_or(line)))
        .stdin(stdin.trim_start().replace("\\n", "\n"))
        .file("notification.json", payload)
        .file("other.json", payload)
        .file("key.txt", format!("{KEY}\n"))
        .file("orders.csv", "payout_id,amount\nPOT1,100\n")
        .file("notes.txt", "dear diary\n");
    if keyless.is_some() { program } else { program.key(KEY) }
}

fn usages() -> Vec<&'static str> {
    USAGES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn each_wrong_usage_ends_with_a_next_step() {
    let (usages, payload) = (usages(), signed_success());
    assert!(usages.len() >= 150, "{} usages", usages.len());
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(usage) = usages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let output = program(usage, &payload).run();
                    let is_told = ["hint: ", "Usage: "].iter().any(|it| output.stderr.contains(it));
                    if !matches!(output.code, 2..=4) || !is_told {
                        found.lock().unwrap().push(((*usage).to_owned(), output.to_string()));
                    }
                    assert!(!output.stderr.contains(KEY), "{usage}: the key is shown");
                }
            });
        }
    });
    let without: Vec<_> = found
        .into_inner()
        .unwrap()
        .into_iter()
        .filter(|(usage, _)| WITHOUT.iter().all(|(known, _)| known != usage))
        .map(|(usage, output)| format!("{usage}\n{output}"))
        .collect();
    assert!(without.is_empty(), "{} without a next step:\n{}", without.len(), without.join("\n"));
    assert!(WITHOUT.len() <= 3);
}

#[test]
fn what_other_programs_call_an_option_leads_to_ours() {
    for (usage, hints) in [
        ("listen --port 8787", &["use `payout-notify listen --bind 8787`"][..]),
        ("listen -p 8787", &["--bind 8787"]),
        ("listen --port 9000", &["use `payout-notify listen --bind 9000`"]),
        ("listen --host=0.0.0.0", &["--bind 0.0.0.0:8787"]),
        ("simulate --ramp 5s http://127.0.0.1:9/", &["add `--rate 50/s`"]),
        ("simulate 8787", &["http://localhost:8787/notify"]),
        ("simulate notification.json", &["URL FILE"]),
        ("check http://127.0.0.1:9/ --junit x.xml", &["--report junit=FILE"]),
        ("--verify notification.json", &["it is a subcommand: `payout-notify verify`"]),
        ("--port 8787", &["use `payout-notify listen --bind 8787`"]),
        ("listen 9000", &["payout-notify listen --bind 9000"]),
        ("listen http://127.0.0.1:9000/x", &["payout-notify listen --bind 127.0.0.1:9000"]),
        ("simulate --url http://127.0.0.1:9/", &["`payout-notify simulate URL`"]),
        ("verify --secret x", &["--key-file FILE", "PAYOUT_NOTIFY_KEY"]),
        ("check http://127.0.0.1:9/ --token=x", &["--key-file FILE"]),
        ("verify --json notification.json", &["--format json"]),
        ("snippet --lang php", &["`payout-notify snippet LANG`"]),
        ("snippet php --output x", &["> FILE"]),
        ("simulate http://127.0.0.1:9/ -n 5", &["--count 10"]),
        ("schedule '15 30'", &["write 15s,30s"]),
        ("schedule 15m;30", &["write 15m,30s"]),
        ("send http://127.0.0.1:9/", &["try `payout-notify simulate URL`"]),
        ("verfy x", &["`payout-notify verify`"]),
        ("simulate http://127.0.0.1:9/ --timeout 5min", &["--timeout 10s"]),
        ("snippet ruby", &["php, node, python, go, java, csharp"]),
        ("verify http://127.0.0.1:9/", &["not a URL"]),
        ("verify '{\"a\":1}'", &["pipe the payload in"]),
        ("verify --requ md5", &["a similar argument exists: '--require'"]),
    ] {
        program(usage, "{}").run().remarks(hints);
    }
}

#[test]
fn a_language_is_known_in_any_case() {
    for language in ["PHP", "Php", "JavaScript", "Golang", "C#", "CSharp", "Python"] {
        payout_notify(&["snippet", language]).run().exits(0);
    }
    for shell in ["Bash", "ZSH", "PowerShell"] {
        payout_notify(&["completions", shell]).run().exits(0);
    }
}

#[test]
fn a_bare_number_is_in_seconds_everywhere() {
    for arguments in [
        &["schedule", "15,30", "--window", "60"][..],
        &["simulate", "http://127.0.0.1:9/", "--dry-run", "--schedule", "15,30", "--timeout", "5"],
        &["export", "http://127.0.0.1:9/", "--to", "k6", "--duration", "5", "--timeout", "2"],
        &["check", "http://127.0.0.1:9/", "--list", "--timeout", "5", "--wait", "1"],
        &["listen", "--bind", "127.0.0.1:0", "--no-inbox", "--for", "0.1", "--reply", "hang 1, ok"],
    ] {
        payout_notify(arguments).key(KEY).run().exits(0);
    }
    let settings = "[profile.a]\ntimeout = 7\n";
    payout_notify(&["config", "show", "--profile", "a"])
        .file("payout-notify.toml", settings)
        .run()
        .exits(0)
        .says(&["7s"]);
}
