//! `simulate --from` with something that is not a regular file: pipes that are silent, and devices without end.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{ACKNOWLEDGE, KEY, Merchant, Program, Running, Sandbox, payout_notify};

fn many(url: &str, arguments: &[&str]) -> Program {
    payout_notify(&[&["simulate", url, "--format", "json"], arguments].concat()).key(KEY)
}

/// A pipe with a name, below a folder of the test.
fn fifo(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.work().join("orders");
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
    assert!(made.success(), "no pipe was made");
    path
}

/// The next line of this type, which must be the next of all.
#[track_caller]
fn next(running: &Running, kind: &str) -> serde_json::Value {
    let line = running.json_line();
    assert_eq!(line["type"], kind, "{line}");
    line
}

#[test]
fn an_order_of_an_open_pipe_is_sent_at_once_and_an_interrupt_is_heard_in_its_silence() {
    for pace in [&[][..], &["--rate", "1000/s"], &["--journal", "run.journal"]] {
        let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 2]), Sandbox::new());
        let path = fifo(&shared);
        let running = many(&merchant.url(), pace).arg("--from").arg(&path).start();
        let mut pipe = fs::File::options().write(true).open(&path).expect("a reader");
        assert!(next(&running, "ready")["orders"].is_null());
        for id in ["A", "B"] {
            writeln!(pipe, "{{\"payout_id\":\"{id}\"}}").expect("an open pipe");
            let attempt = next(&running, "delivery-attempt");
            assert_eq!(
                (&attempt["order_id"], &attempt["acknowledged"]),
                (&id.into(), &true.into())
            );
        }
        running.interrupt();
        let output = running.end().exits(130).remarks(&["stopping"]);
        let summary = output.json_lines().pop().expect("a summary");
        assert_eq!(summary["type"], "delivery-summary", "{output}");
        assert_eq!(summary["orders"]["acknowledged"], 2, "{output}");
        assert_eq!(summary["orders"]["interrupted"], 0, "{output}");
        drop(pipe);
    }
}

#[test]
fn rows_of_a_pipe_that_no_order_was_made_of_are_not_of_a_resumed_run() {
    let (merchant, shared) = (Merchant::tolerating(&[ACKNOWLEDGE; 9]), Sandbox::new());
    let (path, journal) = (fifo(&shared), shared.work().join("run.journal"));
    let run = many(&merchant.url(), &["--duplicates", "50%", "--journal"]).arg(&journal);
    let running = run.arg("--from").arg(&path).start();
    let mut pipe = fs::File::options().write(true).open(&path).expect("a reader");
    writeln!(pipe, "{{\"payout_id\":\"A\"}}").expect("an open pipe");
    merchant.wait_for(1);
    running.interrupt();
    running.end().exits(130).remarks(&["--resume"]);
    drop(pipe);
    // No order is left to be made, so no key is needed.
    let resume = ["simulate", &merchant.url(), "--format", "json", "--resume", "--journal"];
    let output = payout_notify(&resume).arg(&journal).run().exits(0);
    let summary = output.json_lines().pop().expect("a summary");
    assert_eq!(summary["orders"]["acknowledged"], 1, "{summary}");
    assert_eq!(merchant.received().len(), 1);
}

#[test]
fn the_rest_of_a_pipe_is_sent_when_it_closes() {
    let (merchant, shared) = (Merchant::expecting(&[ACKNOWLEDGE; 3]), Sandbox::new());
    let path = fifo(&shared);
    let csv = ["--from-format", "csv", "--duplicates", "50%", "--from"];
    let running = many(&merchant.url(), &csv).arg(&path).start();
    let table = "payout_id,payout_cl_id,platform_id,amount,fee,status,create_time,update_time\n\
                 A,a,PF1,5,0,3,1,2\nB,b,PF1,5,0,3,1,2";
    fs::write(&path, table).expect("a reader");
    let summary = running.end().exits(0).json_lines().pop().expect("a summary");
    assert_eq!(summary["orders"]["acknowledged"], 3, "{summary}");
    assert_eq!(summary["orders"]["duplicates"], 1, "{summary}");
}

#[test]
fn folders_are_refused_and_devices_without_end_are_read_no_further_than_a_bound() {
    let merchant = Merchant::expecting(&[]);
    let folder = many(&merchant.url(), &["--from", "/"]).run().exits(3);
    assert!(!folder.stdout.contains("\"ready\""), "nothing is promised: {folder}");
    folder.remarks(&["cannot read /", "is a directory"]);
    for format in ["ndjson", "csv"] {
        let zeros = ["--from", "/dev/zero", "--from-format", format];
        many(&merchant.url(), &zeros)
            .run()
            .exits(3)
            .remarks(&["/dev/zero cannot be sent", "line 1"]);
    }
}
