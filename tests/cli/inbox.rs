//! `inbox`: what was kept is shown, compared, exported, sent again and deleted.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    ACKNOWLEDGE, DEADLINE, KEY, Listening, Merchant, Output, Program, Sandbox, Scripted, exchange,
    payout_notify, signed_success,
};

/// An inbox in a folder of its own, and the listener that filled it.
struct Kept {
    sandbox: Sandbox,
    listening: Option<Listening>,
}

/// A request with headers that the inbox must keep.
fn request(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /notify HTTP/1.1\r\nhost: shop:8787\r\n\
         content-type: application/json;charset=utf-8\r\nx-trace: t 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Kept {
    /// Two deliveries of a valid order, and a body that is not text, received in 2100.
    fn usual() -> Kept {
        Kept::filled(&[])
    }

    /// The same from a listener with these arguments besides.
    fn filled(arguments: &[&str]) -> Kept {
        let sandbox = Sandbox::new();
        let path = sandbox.work().join("inbox.db");
        let listening = Listening::of(Listening::program(arguments).arg("--inbox").arg(&path));
        let good = signed_success();
        let spaced = good.replacen(':', ": ", 1);
        for (body, code) in
            [(good.as_bytes(), "0000"), (spaced.as_bytes(), "0000"), (b"\xff\x1b[2J", "0021")]
        {
            let reply = exchange(listening.address, request(body));
            assert_eq!(reply.error_code(), code, "{reply:?}");
            listening.callback();
        }
        // No listener can be given another time, and the tests filter by time.
        let microseconds = 4_102_444_800_000_000_i64;
        let database = Connection::open(&path).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        let changed = database.execute("UPDATE entries SET received_at_us = ?", [microseconds]);
        assert_eq!(changed, Ok(3));
        Kept { sandbox, listening: Some(listening) }
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

    /// The same after the listener ended.
    fn closed(mut self) -> Kept {
        self.listening.take().unwrap().interrupt().output.exits(0);
        self
    }
}

fn program(arguments: &[&str], path: &Path) -> Program {
    payout_notify(&[&["inbox"], arguments].concat()).arg("--inbox").arg(path)
}

/// Lines of every type and most forms, for their schemas.
pub(crate) fn every_shape() -> Vec<Value> {
    let app =
        Merchant::expecting(&[Scripted::Json(200, "ok"), Scripted::Close, Scripted::Json(200, "")]);
    let url = app.url();
    // What the application replied is written in the background; closing the inbox waits for it.
    let kept = Kept::filled(&["--forward-to", &url, "--reply-from", "listener"]).closed();
    let entries = kept.run(&["list", "--format=json"]).json_lines();
    let (replied, lost) = (&entries[0]["forwarded"], &entries[1]["forwarded"]);
    assert_eq!(replied["reply"]["acknowledges"], false, "{replied}");
    assert!(replied["reply"]["remark"].is_string(), "{replied}");
    assert!(lost["error"].is_string(), "{lost}");
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
