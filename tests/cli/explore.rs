//! `check --explore`: what it refuses, what it says of a merchant that cannot be explored, and what
//! it leaves behind.

#[cfg(target_os = "linux")]
use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::harness::{KEY, Program, payout_notify};

const OBSERVE: [&str; 2] = ["--observe", "sh -c 'echo 0'"];

/// An address that nothing listens at.
fn free_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/notify", listener.local_addr().unwrap())
}

fn explore(url: &str, start: &str, extra: &[&str]) -> Program {
    let fixed = ["check", "--explore", "--start", start, url];
    payout_notify(&[&fixed, &OBSERVE[..], extra].concat()).key(KEY)
}

#[test]
fn what_it_needs_is_asked_for() {
    let url = free_url();
    let refused = |arguments: &[&str], remark: &str| {
        let arguments = [&["check", url.as_str()], arguments].concat();
        payout_notify(&arguments).key(KEY).run().exits(2).remarks(&[remark]);
    };
    refused(&["--explore", "--start", "true"], "--explore needs --observe");
    refused(&["--explore", OBSERVE[0], OBSERVE[1]], "--explore needs --start");
    refused(&["--start", "true"], "--explore");
    refused(&["--explore", "--start", "'", OBSERVE[0], OBSERVE[1]], "--start");
    refused(
        &["--explore", "--start", "true", "--disk", ".", OBSERVE[0], OBSERVE[1]],
        "no file system is mounted there",
    );
    refused(&["--explore", "--stop-signal", "HUP", OBSERVE[0], OBSERVE[1]], "HUP");
}

#[test]
fn a_merchant_that_never_comes_up_is_a_matter_of_the_environment() {
    let url = free_url();
    let failing = "sh -c 'echo no database >&2; exit 7'";
    explore(&url, failing, &[]).run().exits(4).remarks(&[
        "the merchant never came up",
        "exit code 7",
        "no database",
    ]);
    let silent = "sleep 600";
    explore(&url, silent, &["--wait", "300ms"])
        .run()
        .exits(4)
        .remarks(&["it took no connection within 300ms", "--wait 60s"]);
    explore(&url, "./no-such-program", &[]).run().exits(4).remarks(&["cannot be started"]);
}

#[test]
fn somebody_elses_server_is_not_taken_for_the_merchant() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    explore(&url, "sleep 600", &[])
        .run()
        .exits(4)
        .remarks(&["before the merchant was started", "stop what listens there"]);
}

/// Whether a process with this text in its command line is there.
#[cfg(target_os = "linux")]
fn is_running(text: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(text)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_running() {
    // A number that no other process sleeps for, in a session of its own and in the background.
    let seconds = format!("{}", 7_000_000 + std::process::id());
    let start =
        format!("sh -c 'trap : TERM; sleep {seconds} & setsid sleep {seconds} & sleep {seconds}'");
    explore(&free_url(), &start, &["--wait", "500ms"]).run().exits(4);
    assert!(!is_running(&format!("sleep\0{seconds}")));
}

/// The listener as a merchant: its inbox is the books, in which every callback counts. It books
/// duplicates twice.
fn explore_listener(settle: &str, extra: &[&str]) -> Program {
    let url = free_url();
    let program = env!("CARGO_BIN_EXE_payout-notify");
    let address = url.trim_start_matches("http://").trim_end_matches("/notify");
    let start = format!("{program} listen --bind {address} --inbox books.db");
    let observe = format!(
        "sh -c '{program} inbox export --inbox books.db --order \"$PAYOUT_CHECK_ORDER\" | wc -l'"
    );
    let common = ["check", "--explore", "--start", &start, "--observe", &observe, &url];
    let common = [&common[..], &["--settle", settle, "--seed", "1", "--for", "30s"]].concat();
    payout_notify(&[&common, extra].concat()).key(KEY)
}

#[test]
fn a_merchant_that_books_every_notification_is_found_and_its_case_file_fails_again() {
    let output =
        explore_listener("100ms", &["--bundle", "found", "--format", "json"]).run().exits(1);
    let lines = output.json_lines();
    let report: &Value = lines.last().unwrap();
    let found = &report["explored"]["found"];
    assert!(found["steps"].as_u64().unwrap() <= 4, "{found:#}");
    assert_eq!(found["failed"], found["replays"]);
    let again = explore_listener("100ms", &["--suite", "."]);
    again.file("case.toml", found["case_file"].as_str().unwrap()).run().exits(1);
}

#[test]
fn an_interrupt_of_the_cutting_does_not_hide_what_was_found() {
    let script = "\"$@\" 2>remarks & until grep -q ^broken remarks; do sleep 0.05; done; \
                  kill -TERM $!; wait $!";
    // The candidates settle for longer than the signal takes.
    let output = explore_listener("2s", &[]).behind(script).run().exits(1);
    output.says(&["✗ broken", "it was interrupted before it was cut down"]);
}
