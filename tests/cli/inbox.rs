//! `inbox`: what was kept is shown, compared, exported, sent again and deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use payout_notify::listener::Bytes;
use payout_notify::listener::callback::Callback;
use payout_notify::listener::inbox::entry::{AppReply, Forwarded, Judged, Match, Replied};
use payout_notify::listener::inbox::{Inbox, InboxSettings, NewEntry};
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, KEY, Merchant, Output, Program, Sandbox, Scripted, payout_notify, signed_success,
};

/// An inbox in a folder of its own, with the inbox's own writer.
struct Kept {
    sandbox: Sandbox,
    inbox: Option<Inbox>,
    runtime: tokio::runtime::Runtime,
}

fn callback(body: &[u8]) -> Callback {
    Callback {
        number: 1,
        received_at: jiff::Timestamp::from_second(4_102_444_800).unwrap(),
        remote: "127.0.0.1:4000".parse().unwrap(),
        method: "POST".to_owned(),
        path: "/notify".to_owned(),
        headers: vec![
            ("host".to_owned(), b"shop:8787".to_vec()),
            ("content-type".to_owned(), b"application/json;charset=utf-8".to_vec()),
            ("x-trace".to_owned(), b"t 1".to_vec()),
            ("content-length".to_owned(), body.len().to_string().into_bytes()),
        ],
        body: Bytes::copy_from_slice(body),
    }
}

fn valid() -> Judged {
    Judged {
        code: "0000".to_owned(),
        signature: Some(Match::Matched),
        order_id: Some("POT00000102".to_owned()),
        status: Some(3),
        amount_cents: Some(400_000),
        delivery: Some(1),
        ..Judged::default()
    }
}

fn acknowledged() -> Replied {
    Replied {
        status: Some(200),
        headers: vec![("Content-Type".to_owned(), b"application/json".to_vec())],
        body: Bytes::from_static(br#"{"error_code":"0000"}"#),
        action: None,
    }
}

impl Kept {
    fn new(entries: &[(Callback, Judged)]) -> Kept {
        let sandbox = Sandbox::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let path = sandbox.work().join("inbox.db");
        let inbox = Inbox::open(&path, InboxSettings::default()).unwrap();
        for (callback, judged) in entries {
            let (callback, judged) = (callback.clone(), judged.clone());
            let entry = NewEntry { callback, judged, replied: acknowledged() };
            runtime.block_on(inbox.keep(&entry)).unwrap();
        }
        Kept { sandbox, inbox: Some(inbox), runtime }
    }

    /// Two deliveries of a valid order, and a body that is no text.
    fn usual() -> Kept {
        let good = signed_success();
        let spaced = good.replacen(':', ": ", 1);
        let refused = Judged { code: "0021".to_owned(), ..Judged::default() };
        Kept::new(&[
            (callback(good.as_bytes()), valid()),
            (callback(spaced.as_bytes()), valid()),
            (callback(b"\xff\x1b[2J"), refused),
        ])
    }

    fn path(&self) -> PathBuf {
        self.sandbox.work().join("inbox.db")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).run()
    }

    fn program(&self, arguments: &[&str]) -> Program {
        program(arguments, &self.path())
    }

    /// The same after its writer is gone.
    fn closed(mut self) -> Kept {
        self.inbox.take().unwrap().close().unwrap();
        self
    }
}

fn program(arguments: &[&str], path: &Path) -> Program {
    payout_notify(&[&["inbox"], arguments].concat()).arg("--inbox").arg(path)
}

/// Lines of every type and most forms, for their schemas.
pub(crate) fn every_shape() -> Vec<Value> {
    let kept = Kept::usual();
    let inbox = kept.inbox.as_ref().unwrap();
    let elapsed = Duration::from_micros(1500);
    let reply = AppReply {
        status: 200,
        headers: vec![("a".to_owned(), b"b".to_vec())],
        body: Bytes::from_static(b"ok"),
        acknowledges: false,
        remark: Some("no JSON".to_owned()),
    };
    for (id, result) in [(1, Ok(reply)), (2, Err("connection refused".to_owned()))] {
        let forwarded = Forwarded { url: "http://localhost:1/".to_owned(), elapsed, result };
        kept.runtime.block_on(inbox.record_forward(id, &forwarded)).unwrap();
    }
    kept.runtime.block_on(inbox.flush()).unwrap();
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, Scripted::Close]);
    let url = merchant.url();
    let json = ["--format", "json"];
    let runs: [&[&str]; 6] = [
        &["list"],
        &["show", "1"],
        &["diff", "1", "2"],
        &["diff", "1", "latest"],
        &["replay", "1", "2", "--to", &url],
        &["show", "99"],
    ];
    runs.iter().flat_map(|run| kept.run(&[run, &json[..]].concat()).json_lines()).collect()
}

#[test]
fn the_list_shows_the_newest_last_while_a_listener_writes() {
    let kept = Kept::usual();
    let output = kept.run(&["list"]).exits(0);
    let rows: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(rows.len(), 4, "{output}");
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{output}");
    assert!(rows[1].starts_with("     1  01-01 00:00:00  POT00000102"), "{output}");
    assert!(rows[1].ends_with("success         4000.00  valid 200"), "{output}");
    assert!(rows[3].contains("0021"), "{output}");
    let json = kept.run(&["list", "--format=json", "--verdict=valid", "--limit=1"]).json();
    assert_eq!((&json["id"], &json["type"]), (&2.into(), &"inbox-entry".into()));
    for (filter, ids) in [
        (&["--order", "POT00000102"][..], &[1, 2][..]),
        (&["--status", "success", "--grep", "\": "], &[2]),
        (&["--verdict", "invalid"], &[3]),
        (&["--since", "2100-01-01", "--until", "2100-01-01T00:00:00Z"], &[1, 2, 3]),
        (&["--until", "2099-12-31"], &[]),
    ] {
        let output = kept.run(&[&["list", "--format=json"], filter].concat()).exits(0);
        let found: Vec<_> = output.json_lines().iter().map(|it| it["id"].clone()).collect();
        assert_eq!(found, ids, "{filter:?}");
    }
}

#[test]
fn a_callback_is_shown_in_full_and_verified_again() {
    let kept = Kept::usual();
    kept.run(&["show", "1"]).exits(0).says(&[
        "#1  2100-01-01T00:00:00.000Z",
        "POST /notify\n",
        "x-trace: t 1\n",
        "\"payout_id\":\"POT00000102\"",
        "valid (0000) when it came; the signature matched",
        "&[key]",
        "200 {\"error_code\":\"0000\"}",
    ]);
    let shown = kept.program(&["show", "1"]).key(KEY).run().exits(0);
    shown.says(&["valid: the MD5 signature matches"]).hides(KEY);
    let shown = kept.program(&["show", "2"]).key("a second key").run().exits(1);
    shown.says(&["no match", "canonical"]).hides("a second key");
    let both = kept.program(&["show", "1", "--format=json"]).key(KEY).run().exits(0).json_lines();
    assert_eq!(
        (&both[0]["type"], &both[1]["type"]),
        (&"inbox-entry".into(), &"verification".into())
    );
    // What was received is hostile: no escape reaches a terminal.
    kept.run(&["show", "latest"]).exits(0).says(&["not UTF-8", "\\u{1b}[2J"]).hides("\u{1b}");
    kept.run(&["show", "99"]).exits(3).remarks(&["no callback 99", "inbox list"]);
}

#[test]
fn two_callbacks_are_compared() {
    let kept = Kept::usual();
    kept.run(&["diff", "1", "1"]).exits(0).says(&["the bodies of #1 and #1 are the same"]);
    let spacing = kept.run(&["diff", "1", "2"]).exits(1);
    spacing.says(&["spacing only", "headers", "- content-length: "]);
    kept.run(&["diff", "1", "3"]).exits(1).says(&["differ from byte 0 on", "cannot be read"]);
}

#[test]
fn what_is_sent_again_is_what_came_byte_for_byte() {
    let kept = Kept::usual();
    let merchant = Merchant::expecting(&[ACKNOWLEDGE, Scripted::Json(200, "{}"), ACKNOWLEDGE]);
    let url = merchant.url();
    let output = kept.run(&["replay", "2", "#1", "latest", "--to", &url]).exits(1);
    output.says(&["#2     ", "acknowledged\n", "#1     ", "not acknowledged: "]);
    let received = merchant.received();
    assert_eq!(received[1].body, signed_success());
    assert_eq!(received[0].body, signed_success().replacen(':', ": ", 1));
    assert_eq!(received[0].header("x-trace"), Some("t 1"));
    assert_eq!(received[0].header("content-type"), Some("application/json;charset=utf-8"));
    assert!(received[0].header("host").is_some_and(|host| host != "shop:8787"));
    kept.run(&["replay", "1", "99", "--to", "http://localhost:1/"]).exits(3);
    kept.run(&["replay", "1", "--to", "shop.example"]).exits(2);
}

#[test]
fn a_changed_callback_is_signed_anew() {
    let kept = Kept::usual();
    kept.run(&["replay", "1", "--to", ":1", "--resign"]).exits(2).remarks(&["no key was given"]);
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    let url = merchant.url();
    let run = ["replay", "1", "--to", &url, "--set", "amount=7", "--header", "X-Trace: other"];
    kept.program(&run).key(KEY).run().exits(0);
    let received = merchant.received();
    assert!(received[0].body.contains("\"amount\":7"), "{}", received[0].body);
    assert_eq!(received[0].header("x-trace"), Some("other"));
    let verified = payout_notify(&["verify"]).key(KEY).stdin(&received[0].body).run();
    verified.exits(0);
}

#[test]
fn an_export_is_read_by_verify_and_simulate() {
    let kept = Kept::usual();
    let lines = kept.run(&["export"]).exits(0).stdout;
    assert_eq!(lines.lines().count(), 3);
    let verified = payout_notify(&["verify", "--lines", "--format=json"]).key(KEY).stdin(&lines);
    let verified = verified.run().json_lines();
    assert_eq!((&verified[0]["valid"], &verified[1]["valid"]), (&true.into(), &true.into()));
    assert_eq!((&verified[2]["type"], &verified[2]["member"]), (&"error".into(), &"body".into()));
    let valid = kept.run(&["export", "--verdict=valid", "--limit=1"]).exits(0).stdout;
    let merchant = Merchant::expecting(&[ACKNOWLEDGE]);
    let url = merchant.url();
    let sent = payout_notify(&["simulate", &url, "--from", "in.ndjson"]).key(KEY);
    let sent = sent.file("in.ndjson", &valid);
    sent.run().exits(0);
    assert!(merchant.received()[0].body.contains("POT00000102"));
    let http =
        kept.run(&["export", "--print", "http"]).exits(0).remarks(&["the callback 3 is left out"]);
    http.says(&["### inbox 1, ", "POST http://shop:8787/notify HTTP/1.1\n", "x-trace: t 1\n"]);
    kept.run(&["export", "--print=curl", "--limit=2"]).says(&["# inbox 2, ", "--data-binary '{"]);
}

#[test]
fn deleting_waits_for_the_listener() {
    let kept = Kept::usual();
    for change in [&["delete", "1"][..], &["prune"]] {
        kept.run(change).exits(4).remarks(&["in use", "stop it first", "listen --keep N"]);
    }
    let kept = kept.closed();
    kept.run(&["delete", "1", "99"]).exits(3).remarks(&["no callback 99"]);
    kept.run(&["delete", "1"]).exits(0).says(&["1 callback deleted"]);
    kept.run(&["prune"]).exits(0).says(&["0 callbacks deleted"]);
    kept.run(&["prune", "--keep", "1"]).exits(0).says(&["1 callback deleted"]);
    assert_eq!(kept.run(&["list", "--format=json"]).json()["id"], 3);
    kept.run(&["prune", "--keep-for", "1d"]).exits(0).says(&["0 callbacks deleted"]);
    kept.run(&["prune", "--keep", "0"]).exits(0).says(&["1 callback deleted"]);
    kept.run(&["list"]).exits(0).remarks(&["no callback fits"]);
    kept.run(&["show", "latest"]).exits(3).remarks(&["the inbox is empty"]);
}

#[test]
fn an_inbox_that_is_none_is_said_to_be_none() {
    payout_notify(&["inbox", "list"]).run().exits(3).remarks(&[
        ".local/state/payout-notify/inbox.db does not exist",
        "payout-notify listen",
        "--inbox FILE",
    ]);
    let text = payout_notify(&["inbox", "list", "--inbox", "a.db"]).file("a.db", "x".repeat(4096));
    text.run().exits(3).remarks(&["was not made for this", "left untouched"]);
    payout_notify(&["inbox", "list"]).env("HOME", "").run().exits(2).remarks(&["--inbox FILE"]);
    payout_notify(&["inbox"]).run().exits(2);
}
