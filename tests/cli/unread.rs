//! Signals to a program whose output nobody reads: a full pipe, or a terminal that takes nothing.

use std::collections::BTreeSet;
use std::io::{self, PipeReader, Read, Write};
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{DEADLINE, KEY, Listening, PAUSE, Program, Running, payout_notify, signed};

/// More orders than a pipe holds the lines of.
const MANY: &str = "4000";

/// A program whose stdout is read only as far as the test reads it.
fn unread(program: Program) -> (Running, PipeReader) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (program.stdout(writer).start(), reader)
}

/// The next line of a pipe, and nothing after it.
fn line(reader: &mut PipeReader) -> Value {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while reader.read(&mut byte).expect("a pipe") == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    serde_json::from_slice(&line).expect("a line of JSON")
}

/// Waits until a number has grown and then grows no more.
fn until_it_stays(number: impl Fn() -> usize) {
    let (mut before, mut same, start) = (0, 0, Instant::now());
    while same < 40 {
        assert!(start.elapsed() < DEADLINE, "still at {before}");
        let now = number();
        same = if now == before && now > 0 { same + 1 } else { 0 };
        before = now;
        thread::sleep(PAUSE);
    }
}

/// How many bytes a process has read and written.
fn bytes_moved(id: u32) -> usize {
    let io = std::fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
    let counts = io.lines().filter_map(|line| line.split_once("char: "));
    counts.filter_map(|(_, count)| count.parse::<usize>().ok()).sum()
}

fn merchant() -> Listening {
    Listening::start(&["--quiet"])
}

fn simulate(merchant: &Listening, arguments: &[&str]) -> Program {
    let usual = ["simulate", &merchant.url, "--format", "json"];
    payout_notify(&[&usual, arguments].concat()).key(KEY)
}

#[test]
fn the_second_signal_ends_a_run_whose_pipe_is_full_and_the_journal_has_the_rest() {
    for signals in
        [[Signal::INT, Signal::INT], [Signal::TERM, Signal::TERM], [Signal::HUP, Signal::INT]]
    {
        let merchant = merchant();
        let count = ["--count", "600", "--seed", "7", "--journal", "run.journal"];
        let (running, reader) = unread(simulate(&merchant, &count));
        until_it_stays(|| bytes_moved(running.id()));
        let work = running.work();
        signals.into_iter().for_each(|signal| running.signal(signal));
        let (output, _sandbox) = running.end_with_folders();
        output.exits(130);
        drop(reader);
        // In the folder of the first part, where its journal is.
        let resume = ["--journal", "run.journal", "--resume"];
        simulate(&merchant, &resume).in_folder(&work).run().exits(0);
        let bodies: BTreeSet<String> = merchant.kept().into_iter().collect();
        assert_eq!(bodies.len(), 600, "orders that the merchant has");
    }
}

#[test]
fn one_signal_is_enough_where_nothing_is_read_for_some_time() {
    let merchant = merchant();
    let (running, _reader) = unread(simulate(&merchant, &["--count", MANY]));
    until_it_stays(|| bytes_moved(running.id()));
    running.interrupt();
    running.end().exits(130);
}

#[test]
fn reports_are_written_although_nobody_reads_the_summary() {
    let merchant = merchant();
    let (_reader, mut writer) = io::pipe().expect("a pipe");
    let stdout = writer.try_clone().expect("a pipe");
    // As much as a pipe holds: the summary finds no room.
    thread::spawn(move || writer.write_all(&[b'x'; 65_536]));
    let url = &merchant.url;
    let count = ["simulate", url, "--count", "3", "--report", "json=run.json"];
    let running = payout_notify(&count).key(KEY).stdout(stdout).start();
    let start = Instant::now();
    while merchant.kept().len() < 3 {
        assert!(start.elapsed() < DEADLINE, "the orders did not arrive");
    }
    (0..2).for_each(|_| running.interrupt());
    let (output, sandbox) = running.end_with_folders();
    output.exits(130);
    let report = std::fs::read_to_string(sandbox.work().join("run.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["orders"]["acknowledged"], 3, "{report}");
}

#[test]
fn the_second_signal_ends_a_listener_whose_pipe_is_full() {
    let (running, mut reader) = unread(Listening::program(&["--inbox", "kept.db"]));
    let ready = line(&mut reader);
    let url = ready["url"].as_str().expect("a URL").to_owned();
    let count = ["simulate", &url, "--count", "300", "--format", "json"];
    let acknowledged = payout_notify(&count).key(KEY).run().exits(0);
    let summary = acknowledged.json_lines().pop().expect("a summary");
    assert_eq!(summary["orders"]["acknowledged"], 300, "{summary}");
    running.interrupt();
    running.signal(Signal::TERM);
    let (output, sandbox) = running.end_with_folders();
    output.exits(130);
    let inbox = sandbox.work().join("kept.db");
    let exported = payout_notify(&["inbox", "export", "--inbox"]).arg(&inbox).run().exits(0);
    assert_eq!(exported.json_lines().len(), 300, "callbacks that were acknowledged");
}

#[test]
fn commands_without_a_last_word_end_at_the_first_signal() {
    let rows = format!("{}\n", signed(r#"{"payout_id":"A","amount":1}"#)).repeat(3000);
    for command in [&["verify", "--lines", "--format", "json"][..], &["sign", "--lines"]] {
        let (running, _reader) = unread(payout_notify(command).key(KEY).stdin(&rows));
        until_it_stays(|| bytes_moved(running.id()));
        running.interrupt();
        running.end().exits(130);
    }
}

#[test]
fn a_hangup_ends_a_listener_in_order_unless_it_was_ignored_at_the_start() {
    let hung_up = Listening::start(&["--no-inbox"]);
    hung_up.running().signal(Signal::HUP);
    assert_eq!(hung_up.end().output.code, 0);
    let program = Listening::program(&["--no-inbox"]).behind("trap '' HUP; exec \"$@\"");
    let ignoring = Listening::of(program);
    ignoring.running().signal(Signal::HUP);
    assert_eq!(ignoring.post("{}").error_code(), "0004");
    assert_eq!(ignoring.interrupt().output.code, 0);
}
