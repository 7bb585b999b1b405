//! `listen` and its inbox: what is acknowledged is kept, and what is not kept is refused.

use std::time::Instant;

use rusqlite::Connection;

use crate::harness::{DEADLINE, KEY, Listening, payout_notify, signed, signed_success};

/// A signed notification of another order.
fn order(number: u32) -> String {
    signed(&signed_success().replace("POT00000102", &format!("POT{number:08}")))
}

#[test]
fn what_is_acknowledged_is_kept_byte_for_byte() {
    let listening = Listening::start(&[]);
    let good = signed_success();
    let spaced = good.replace(',', " ,\n  ").replace(':', "\t: ");
    let odd = "{\"payout_id\":\"\\u4e2d\\/ 中\", \"n\":1.10}\r\n";
    for body in [&good, &spaced, odd, "{\"half\":", ""] {
        listening.post(body);
        // The reply is here, so the callback must be in the file already.
        assert_eq!(listening.kept().last().map(String::as_str), Some(body));
        assert!(listening.callback()["inbox_id"].is_number());
    }
    listening.interrupt().output.exits(0);
}

#[test]
fn without_an_inbox_nothing_is_kept() {
    let listening = Listening::start(&["--no-inbox", "--count", "1"]);
    assert_eq!(listening.ready["inbox"], serde_json::Value::Null);
    assert_eq!(listening.post(&signed_success()).error_code(), "0000");
    assert_eq!(listening.callback()["inbox_id"], serde_json::Value::Null);
    listening.beside(&["inbox", "list"]).exits(3).remarks(&["does not exist"]);
    listening.end().output.exits(0);
    for wrong in [&["--no-inbox", "--inbox", "a.db"][..], &["--no-inbox", "--inspect"]] {
        payout_notify(&[&["listen"], wrong].concat()).key(KEY).run().exits(2);
    }
}

#[test]
fn a_named_inbox_makes_no_folders() {
    let listening = Listening::start(&["--inbox", "in.db"]);
    let arguments = ["listen", "--bind", ":0", "--for", "1ms", "--inbox", "no/such/in.db"];
    let lost = listening.beside(&arguments).exits(4);
    lost.remarks(&["no/such/in.db", "hint: make the folder no/such first"]);
    listening.beside(&["inbox", "list", "--inbox", "no/such/in.db"]).exits(3);
    listening.interrupt().output.exits(0);
}

#[test]
fn two_listeners_do_not_share_a_file() {
    let first = Listening::start(&[]);
    let second = first.beside(&["listen", "--bind", ":0"]).exits(4);
    second.remarks(&["in use", "--inbox FILE", "--no-inbox"]);
    assert_eq!(first.post(&signed_success()).error_code(), "0000");
    first.beside(&["listen", "--bind", ":0", "--no-inbox", "--for", "1ms"]).exits(0);
    first.interrupt().output.exits(0);
}

#[test]
fn only_so_many_are_kept() {
    let listening = Listening::start(&["--keep", "10"]);
    let bodies: Vec<String> = (0..14).map(order).collect();
    for body in &bodies {
        assert_eq!(listening.post(body).error_code(), "0000");
    }
    assert_eq!(listening.kept(), bodies[4..]);
    listening.interrupt().output.exits(0);
}

#[test]
fn a_locked_file_means_no_acknowledgement() {
    let listening = Listening::start(&["--inbox", "in.db"]);
    let good = signed_success();
    assert_eq!(listening.post(&good).error_code(), "0000");
    listening.callback();
    let path = listening.running().work().join("in.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = listening.post(&good);
    assert_eq!((refused.status, refused.body.contains("0000")), (503, false));
    let callback = listening.callback();
    assert_eq!((&callback["reply"]["status"], &callback["inbox_id"]), (&503.into(), &().into()));
    assert_eq!(callback["reply"]["action"], "not kept");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(listening.post(&good).error_code(), "0000");
    assert_eq!(listening.callback()["inbox_id"].as_u64().map(|id| id > 1), Some(true));
    let ended = listening.interrupt();
    assert_eq!((&ended.summary["valid"], &ended.summary["not_kept"]), (&2.into(), &1.into()));
    ended.output.exits(0).remarks(&[
        "refused with 503 until it takes them",
        "the inbox takes callbacks again; 1 were refused with 503",
    ]);
}

/// Makes room: takes a process's soft limit on the size of files away, where the system lets others
/// do that.
#[cfg(target_os = "linux")]
fn raise_file_limit(id: u32) -> bool {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = Pid::from_raw(id.try_into().unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    true
}

#[cfg(not(target_os = "linux"))]
fn raise_file_limit(_: u32) -> bool {
    false
}

#[test]
fn a_full_disk_means_no_acknowledgement_until_there_is_room() {
    // Without the trap the system would end the process at its first write over the limit.
    let limited = "trap '' XFSZ; ulimit -S -f 1024; exec \"$@\"";
    let listening = Listening::of(Listening::program(&["--inbox", "in.db"]).behind(limited));
    let large = signed(&signed_success().replace("POT00000102", &"P".repeat(60_000)));
    let mut acknowledged = 0;
    let refused = loop {
        let reply = listening.post(&large);
        if reply.status != 200 {
            break reply;
        }
        acknowledged += 1;
        assert!(acknowledged < 1000, "there is always room");
    };
    assert_eq!((refused.status, refused.body.contains("0000")), (503, false));
    let raised = raise_file_limit(listening.running().id());
    let began = Instant::now();
    // The file is opened anew at most once a second.
    while raised && listening.post(&large).status != 200 {
        assert!(began.elapsed() < DEADLINE, "the inbox stays closed");
        std::thread::sleep(crate::harness::PAUSE * 10);
    }
    let path = listening.running().work().join("in.db");
    let exported = payout_notify(&["inbox", "export", "--inbox"]).arg(&path).run().exits(0);
    let kept = exported.json_lines();
    assert_eq!(kept.len(), acknowledged + usize::from(raised));
    assert!(kept.iter().all(|line| line["body"] == large.as_str()));
    let output = listening.interrupt().output.remarks(&["refused with 503 until it takes them"]);
    if raised {
        output.remarks(&["takes callbacks again"]);
    }
}
