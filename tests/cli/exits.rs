//! The table of exit codes: one test per row, and what a pipe that breaks does to it.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::TcpListener;

use crate::harness::{KEY, Merchant, Program, Scripted, fixture, payout_notify, signed_success};

fn verify_good() -> Program {
    payout_notify(&["verify"]).key(KEY).stdin(signed_success())
}

fn verify_bad() -> Program {
    payout_notify(&["verify"]).key(KEY).stdin(fixture("withdraw-notification.json"))
}

#[test]
fn exit_0_is_yes() {
    verify_good().run().exits(0);
}

#[test]
fn exit_1_is_no() {
    verify_bad().run().exits(1);
}

#[test]
fn exit_2_is_usage() {
    payout_notify(&["verify", "--no-such-flag"]).key(KEY).run().exits(2).remarks(&["--help"]);
    payout_notify(&["no-such-command"]).run().exits(2);
    payout_notify(&["verify"]).run().exits(2).remarks(&["no key was given"]);
    payout_notify::<&str>(&[]).run().exits(2).remarks(&["Usage: payout-notify"]);
}

#[test]
fn a_wrong_command_line_is_told_as_any_other_error() {
    let wrong = payout_notify(&["verify", "--requ", "x"]).run().exits(2);
    wrong.remarks(&["error: ", "  hint: a similar argument exists: '--require'", "verify --help`"]);
    let hostile = payout_notify(&["no\u{1b}[31msuch\u{202e}"]).run().exits(2);
    assert!(!hostile.stderr.contains(['\u{1b}', '\u{202e}']), "{:?}", hostile.stderr);
    payout_notify(&["inbox", "list", "--limit", "0"]).run().exits(2).remarks(&["from 1 on"]);
}

#[test]
fn exit_3_is_input() {
    payout_notify(&["verify"]).key(KEY).stdin("{").run().exits(3);
}

#[test]
fn exit_4_is_the_environment() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    payout_notify(&["listen", "--bind", &bind]).key(KEY).run().exits(4).remarks(&[
        "cannot listen on",
        "in use",
        "--bind",
    ]);
}

#[test]
fn exit_130_is_an_interrupt() {
    let merchant = Merchant::expecting(&[Scripted::Hang]);
    let url = merchant.url();
    let running = payout_notify(&["simulate", &url]).key(KEY).start();
    merchant.wait_for(1);
    running.interrupt();
    running.end().exits(130).says(&["interrupted", "the merchant may have received it"]);
}

#[test]
fn help_prints_the_table() {
    let help = payout_notify(&["--help"]).run().exits(0);
    let table = help.stdout.split_once("Exit codes:").unwrap_or_else(|| panic!("{help}")).1;
    let rows: Vec<(&str, &str)> =
        table.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let codes: Vec<&str> = rows.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["0", "1", "2", "3", "4", "130"], "{help}");
    for ((_, meaning), word) in
        rows.iter().zip(["yes", "no", "usage", "input", "environment", "interrupted"])
    {
        assert!(meaning.trim().starts_with(word), "{word}: {meaning}");
    }
}

#[test]
fn help_and_version_are_answers() {
    payout_notify(&["--version"]).run().exits(0).says(&[env!("CARGO_PKG_VERSION")]);
    for command in ["demo", "sign", "verify", "simulate", "schedule", "listen", "completions"] {
        payout_notify(&[command, "--help"]).run().exits(0).says(&["Usage:", "Example:"]);
    }
}

/// The writing end of a pipe that nobody reads.
fn unread() -> io::PipeWriter {
    io::pipe().unwrap().1
}

#[test]
fn a_broken_pipe_is_no_failure() {
    verify_good().stdout(unread()).run().exits(0).hides("error");
    for command in [&["sign"][..], &["verify", "--format", "json"], &["completions", "bash"]] {
        let program = payout_notify(command).key(KEY).stdin(signed_success());
        program.stdout(unread()).run().exits(0).hides("error");
    }
    payout_notify(&["--help"]).stdout(unread()).run().exits(0);
    payout_notify(&["demo"]).stdout(unread()).run().exits(0).hides("error");
}

#[test]
fn a_proven_no_stays_a_no_whoever_reads_it() {
    verify_bad().stdout(unread()).run().exits(1);
    payout_notify(&["verify", "--format", "json"])
        .key(KEY)
        .stdin("{\"sign\":\"x\"}")
        .stdout(unread())
        .run()
        .exits(1);
}

/// A file that refuses every byte, where the system has one.
fn full_disk() -> Option<File> {
    OpenOptions::new().write(true).open("/dev/full").ok()
}

#[test]
fn an_output_that_cannot_be_written_is_the_environment() {
    if let (Some(full), Some(again)) = (full_disk(), full_disk()) {
        verify_good().stdout(full).run().exits(4).remarks(&["cannot write the output"]);
        verify_bad().stdout(again).run().exits(1);
    }
}
