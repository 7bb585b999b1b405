//! `inbox wait`, beside a listener that another process runs.

use crate::harness::{KEY, Listening, Output, Sandbox, payout_notify, signed, signed_success};

fn ids(output: &Output) -> Vec<u64> {
    output.json_lines().iter().map(|line| line["id"].as_u64().expect("a number")).collect()
}

fn wait(listening: &Listening, arguments: &[&str]) -> Output {
    listening.beside(&[&["inbox", "wait"], arguments].concat())
}

#[test]
fn what_is_here_already_counts_and_the_newest_are_listed() {
    let listening = Listening::start(&[]);
    let good = signed_success();
    for body in [&*good, &*good, "[]", &*good] {
        listening.post(body);
    }
    let json = ["--format", "json", "--within", "0s"];
    let all = |arguments: &[&str]| wait(&listening, &[arguments, &json].concat());
    assert_eq!(ids(&all(&["--count", "2", "--verdict", "valid"]).exits(0)), [2, 4]);
    assert_eq!(ids(&all(&["--count", "1", "--order", "POT00000102"]).exits(0)), [4]);
    assert_eq!(ids(&all(&["--status", "success", "--after", "2"]).exits(0)), [4]);
    let late = all(&["--count", "3", "--verdict", "valid", "--after", "1"]).exits(1);
    assert_eq!(ids(&late), [2, 4]);
    late.remarks(&["2 of 3 callbacks came within 0s; 1 is missing"]);
    let none = all(&["--after", "latest"]).exits(1).remarks(&["0 of 1 callback came"]);
    assert_eq!(none.stdout, "");
    let table = wait(&listening, &["--count", "2"]).exits(0);
    assert_eq!(table.stdout.lines().count(), 3, "{table}");
    assert_eq!(table.stdout, listening.beside(&["inbox", "list", "--limit", "2"]).stdout);
    listening.interrupt().output.exits(0);
}

#[test]
fn a_callback_that_comes_ends_the_wait() {
    let listening = Listening::start(&[]);
    let good = signed_success();
    listening.post(&good);
    let arguments = ["inbox", "wait", "--after", "1", "--count", "3", "--format", "json"];
    let program = payout_notify(&arguments).key(KEY).arg("--grep").arg("pot00000102");
    let waiting = program.at_home_of(listening.running()).start();
    let other = signed("{\"payout_id\":\"other\"}");
    for body in [&good, &other, &good] {
        listening.post(body);
    }
    // Each is listed as soon as it is here.
    let found: Vec<_> = (0..2).map(|_| waiting.json_line()["id"].clone()).collect();
    assert_eq!(found, [2, 4]);
    listening.post(&good);
    let output = waiting.end().exits(0);
    assert_eq!(ids(&output), [2, 4, 5]);
    let late = wait(&listening, &["--order", "none", "--within", "1ms", "--format", "json"]);
    late.exits(1).remarks(&["0 of 1 callback came within 1ms; 1 is missing"]);
    listening.interrupt().output.exits(0);
}

#[test]
fn the_inbox_may_be_made_later() {
    let sandbox = Sandbox::new();
    let path = sandbox.work().join("inbox.db");
    let wait = |within: &str| {
        let arguments = ["inbox", "wait", "--after", "latest", "--within", within];
        payout_notify(&arguments).arg("--inbox").arg(&path)
    };
    wait("1ms").run().exits(3).remarks(&["does not exist yet", "does not exist", "listen"]);
    let waiting = wait("30s").start();
    let listening = Listening::of(Listening::program(&[]).arg("--inbox").arg(&path));
    listening.post(&signed_success());
    waiting.end().exits(0).says(&["POT00000102"]);
    listening.interrupt().output.exits(0);
    let foreign =
        payout_notify(&["inbox", "wait", "--inbox", "a.db"]).file("a.db", "x".repeat(4096));
    foreign.run().exits(3).remarks(&["was not made for this"]);
}
