//! `listen` and its inbox: what is acknowledged is kept, and what is not kept is refused.

use std::time::Instant;

use rusqlite::Connection;

use crate::harness::{DEADLINE, KEY, Listening, Sandbox, payout_notify, signed, signed_success};

/// A signed notification of another order.
fn order(number: u32) -> String {
    signed(&signed_success().replace("POT00000102", &format!("POT{number:08}")))
}

/// The same with 8 kB, not signed again.
fn long_order(number: u32) -> String {
    order(number).replace('{', &format!("{{\"memo\":\"{}\",", "x".repeat(8000)))
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
#[cfg(target_os = "linux")]
fn a_hard_link_to_an_inbox_in_use_is_refused() {
    let first = Listening::start(&["--inbox", "in.db"]);
    let work = first.running().work();
    std::fs::hard_link(work.join("in.db"), work.join("link.db")).unwrap();
    assert_eq!(first.post(&order(1)).error_code(), "0000");
    let link = work.join("link.db").display().to_string();
    for change in [&["listen", "--bind", ":0", "--for", "1ms"][..], &["inbox", "prune"]] {
        let refused = first.beside(&[change, &["--inbox", &link]].concat()).exits(4);
        refused.remarks(&["in use"]);
    }
    assert_eq!(first.post(&order(2)).error_code(), "0000");
    let work = first.running().work().join("in.db");
    let listed =
        first.beside(&["inbox", "list", "--format=json", "--inbox", &work.display().to_string()]);
    assert_eq!(listed.exits(0).json_lines().len(), 2);
    first.interrupt().output.exits(0);
}

/// What a full disk needs: a file system of its own, where a user may mount one.
#[cfg(target_os = "linux")]
fn can_mount() -> bool {
    let mounts = ["-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    let tried = std::process::Command::new("unshare").args(mounts).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
#[cfg(target_os = "linux")]
fn the_log_does_not_fill_a_small_disk() {
    if !can_mount() {
        return;
    }
    let used = Listening::start(&["--inbox", "in.db", "--keep", "5"]);
    for number in 0..20 {
        used.post(&long_order(number));
    }
    let (output, sandbox) = used.interrupt_with_folders();
    output.exits(0);
    // Room for a long log and a small inbox; and for an inbox that does not grow, and a short log.
    for (size, first) in [("1500k", "true"), ("250k", "cp in.db small/")] {
        let script = format!(
            "exec unshare -Urm sh -c 'mkdir -p small && mount -t tmpfs -o size={size} tmpfs small && \
             {first} && exec \"$@\"' sh \"$@\""
        );
        let program = Listening::program(&["--inbox", "small/in.db", "--keep", "5"]);
        let listening = Listening::of(program.behind(&script).in_folder(&sandbox.work()));
        for number in 0..100 {
            assert_eq!(listening.post(&long_order(number)).status, 200, "{size} {number}");
        }
        listening.interrupt().output.exits(0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_pruned() {
    if !can_mount() {
        return;
    }
    let listening = Listening::start(&["--inbox", "in.db"]);
    for number in 1..=20 {
        assert_eq!(listening.post(&order(number)).error_code(), "0000");
    }
    let sandbox = Sandbox::new();
    for file in ["in.db", "in.db-wal"] {
        std::fs::copy(listening.running().work().join(file), sandbox.work().join(file)).unwrap();
    }
    listening.interrupt().output.exits(0);
    let script = "exec unshare -Urm sh -c 'mkdir small && mount -t tmpfs -o size=400k tmpfs small && \
                  cp in.db in.db-wal small/ && { cat /dev/zero >small/rest 2>/dev/null; \"$@\"; }; \
                  code=$?; cp small/in.db pruned.db && ls small >names; exit $code' sh \"$@\"";
    let prune = |folder: &str| {
        let program = payout_notify(&["inbox", "prune", "--keep", "5", "--inbox", "small/in.db"]);
        program.env("TMPDIR", folder).behind(script).in_folder(&sandbox.work()).run()
    };
    let refused = prune("small").exits(4);
    refused.remarks(&["no room to prune", "TMPDIR=FOLDER payout-notify inbox prune"]);
    std::fs::remove_dir(sandbox.work().join("small")).unwrap();
    prune("/tmp").exits(0).says(&["15 callbacks deleted"]);
    assert_eq!(std::fs::read_to_string(sandbox.work().join("names")).unwrap(), "in.db\nrest\n");
    let pruned = sandbox.work().join("pruned.db");
    let kept = payout_notify(&["inbox", "list", "--format=json", "--inbox"]).arg(pruned).run();
    let ids: Vec<_> = kept.exits(0).json_lines().iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, [16, 17, 18, 19, 20]);
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
    // The file is opened again at most once a second.
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
