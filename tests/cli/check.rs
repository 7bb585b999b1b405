//! `check`: what it says of sound, flawed, deaf and absent endpoints, and what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use payout_notify_protocol::internal::notification::{Expectation, Notification};
use payout_notify_protocol::internal::signature::{Answer, verify};
use payout_notify_protocol::{Dialect, Key, Layout, Payload, StatusTable};
use serde_json::Value;
use tiny_http::{Response, Server};

use crate::harness::{KEY, Listening, Output, Sandbox, payout_notify};

const YES: &str = r#"{"error_code":"0000"}"#;

/// What is wrong with a merchant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    Nothing,
    AcknowledgesEverything,
    AnswersTheNumberZero,
    TakesNotificationsWithoutSign,
    CreditsDuplicates,
    FailsTheThirdRequest,
    DiesOfMalformed,
    FailsAndDiesOfMalformed,
}

/// A merchant on a free loopback port that writes what it credited to a file.
struct Shop {
    url: String,
    ledger: PathBuf,
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
    _sandbox: Sandbox,
}

#[derive(Default)]
struct Books {
    credited: BTreeMap<String, i64>,
    seen: u32,
    is_dead: bool,
}

impl Shop {
    fn open(flaw: Flaw) -> Shop {
        let sandbox = Sandbox::new();
        let ledger = sandbox.work().join("ledger.json");
        fs::write(&ledger, "{}").unwrap();
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let url = format!("http://{}/notify", server.server_addr());
        let books = Arc::new(Mutex::new(Books::default()));
        let threads = (0..4)
            .map(|_| {
                let (server, books, ledger) = (server.clone(), books.clone(), ledger.clone());
                thread::spawn(move || {
                    while let Ok(mut request) = server.recv() {
                        let mut body = Vec::new();
                        let _ = request.as_reader().read_to_end(&mut body);
                        let mut books = books.lock().unwrap();
                        let (status, text) = answer(flaw, &body, &mut books);
                        // Replaced at once, so that an observer never sees half of it.
                        let fresh = ledger.with_extension("new");
                        fs::write(&fresh, serde_json::to_vec(&books.credited).unwrap()).unwrap();
                        fs::rename(&fresh, &ledger).unwrap();
                        drop(books);
                        let json = "Content-Type: application/json".parse::<tiny_http::Header>();
                        let reply = Response::from_string(text).with_header(json.unwrap());
                        let _ = request.respond(reply.with_status_code(status));
                    }
                })
            })
            .collect();
        Shop { url, ledger, server, threads, _sandbox: sandbox }
    }

    /// Checks this merchant with these arguments.
    fn check(&self, arguments: &[&str]) -> Output {
        payout_notify(&[&["check", &self.url], arguments].concat()).key(KEY).run().hides(KEY)
    }

    /// The same with what it credited in view.
    fn observed(&self, arguments: &[&str]) -> Output {
        let observe = format!("cat '{}'", self.ledger.display());
        let more = ["--observe", &observe, "--observe-within", "150ms"];
        self.check(&[&more, arguments].concat())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for _ in &self.threads {
            self.server.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn answer(flaw: Flaw, body: &[u8], books: &mut Books) -> (u16, &'static str) {
    books.seen += 1;
    if flaw == Flaw::AcknowledgesEverything {
        return (200, YES);
    }
    let Ok(payload) = Payload::parse(body) else {
        let dies = matches!(flaw, Flaw::DiesOfMalformed | Flaw::FailsAndDiesOfMalformed);
        books.is_dead |= dies && body.starts_with(b"{");
        if flaw == Flaw::FailsAndDiesOfMalformed {
            return (500, "");
        }
        return (400, r#"{"error_code":"0021"}"#);
    };
    let key = Key::try_new(KEY.as_bytes().to_vec()).unwrap();
    let is_unsigned = payload.get("sign").is_none();
    let is_right = verify(&payload, &key, Dialect::platform(), None).answer == Answer::Match;
    let is_lax = flaw == Flaw::TakesNotificationsWithoutSign && is_unsigned;
    if books.is_dead {
        return (503, "");
    }
    if !is_right && !is_lax {
        return (200, r#"{"error_code":"0004"}"#);
    }
    if flaw == Flaw::FailsTheThirdRequest && books.seen == 3 {
        return (500, "");
    }
    let notification = Notification::read(
        &payload,
        Expectation::Notification,
        &Layout::PLATFORM,
        &StatusTable::PLATFORM,
    );
    let Some(order) = notification.order_id else { return (200, r#"{"error_code":"0002"}"#) };
    if notification.status_code == Some(3) {
        let credited = books.credited.entry(order).or_default();
        if *credited == 0 || flaw == Flaw::CreditsDuplicates {
            *credited += 12_345;
        }
    }
    match flaw {
        Flaw::AnswersTheNumberZero => (200, r#"{"error_code":0}"#),
        _ => (200, YES),
    }
}

/// The status of each case of a JSON report.
fn statuses(output: &Output) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = output.json_lines();
    let cases = lines.iter().filter(|line| line["type"] == "case");
    cases.map(|case| (text(&case["id"]), text(&case["status"]))).collect()
}

fn whole(output: &Output) -> Value {
    output.json_lines().pop().unwrap()
}

#[test]
fn a_sound_merchant_passes_and_its_books_are_looked_at() {
    let shop = Shop::open(Flaw::Nothing);
    let few = ["--only", "reachability,ack-*,auth-no-sign,auth-wrong-key,idem-again,idem-at-once"];
    let output = shop.observed(&few).exits(0);
    let output = output.says(&["all selected cases passed", "idem-at-once"]);
    assert!(!output.stdout.contains("not verified"), "{output}");
    output.remarks(&["checking http://127.0.0.1:", "at most"]);
    // Without an observer it says what it did not verify.
    shop.check(&["--only", "idem-again"]).exits(0).says(&["not verified", "--observe"]);
    shop.check(&["--only", "robustness,retry", "--skip", "robust-content-type,robust-put"]);
}

#[test]
fn a_merchant_that_acknowledges_everything_is_called_that_once() {
    let shop = Shop::open(Flaw::AcknowledgesEverything);
    let output = shop.check(&["--format", "json"]).exits(1);
    assert_eq!(whole(&output)["endpoint"], "acknowledges-everything");
    let statuses = statuses(&output);
    let failed: Vec<&String> =
        statuses.iter().filter(|(_, status)| *status == "failed").map(|(id, _)| id).collect();
    assert_eq!(failed, ["auth-no-sign"]);
    assert_eq!(statuses["interop-shuffled"], "inconclusive");
    shop.check(&["--only", "interop-shuffled"]).exits(1).says(&["ACKNOWLEDGES EVERYTHING"]);
}

#[test]
fn a_refused_control_is_inconclusive_and_the_near_miss_is_named() {
    let shop = Shop::open(Flaw::AnswersTheNumberZero);
    let output = shop.check(&["--only", "authenticity", "--format", "json"]).exits(1);
    assert_eq!(whole(&output)["endpoint"], "refuses-control");
    assert!(whole(&output)["endpoint_reason"].to_string().contains("the number 0"));
    assert!(statuses(&output).values().all(|it| it == "inconclusive" || it == "skipped"));
    let wrong = payout_notify(&["check", &shop.url, "--only", "authenticity"]).key("another key!");
    wrong.run().exits(1).says(&["INCONCLUSIVE", "0004"]);
}

#[test]
fn nobody_there_is_said_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = payout_notify(&["check", &format!("http://{free}/")]).key(KEY).run().exits(1);
    let output = output.says(&["UNREACHABLE", "nothing listens there"]);
    assert_eq!(output.stdout.matches("UNREACHABLE").count(), 1, "{output}");
}

#[test]
fn somebody_elses_endpoint_needs_consent_and_a_check_needs_a_key() {
    let elsewhere = "http://192.0.2.1/notify";
    payout_notify(&["check", elsewhere])
        .key(KEY)
        .run()
        .exits(2)
        .remarks(&["neither on this machine nor in a private network", "--yes"]);
    payout_notify(&["check", "http://127.0.0.1:1/"]).run().exits(2).remarks(&["no key"]);
    payout_notify(&["check"]).key(KEY).run().exits(2).remarks(&["no URL was given"]);
}

#[test]
fn a_duplicate_that_is_credited_again_is_seen() {
    let shop = Shop::open(Flaw::CreditsDuplicates);
    let output = shop.observed(&["--only", "ack-success,idem-again", "--format", "json"]).exits(1);
    let statuses = statuses(&output);
    assert_eq!((&*statuses["ack-success"], &*statuses["idem-again"]), ("passed", "failed"));
    let broken = ["--observe", "echo nothing to see", "--only", "idem-again"];
    shop.check(&broken).exits(4).remarks(&["nothing was sent", "the observer printed"]);
}

#[test]
fn an_observer_that_cannot_be_started_is_refused_before_anything_is_sent() {
    let shop = Shop::open(Flaw::CreditsDuplicates);
    for observe in ["nosuch --at all", "/"] {
        let output = shop.check(&["--observe", observe, "--only", "ack-success"]).exits(4);
        let output = output.remarks(&["--observe", "cannot be started", "hint:", "sh -c"]);
        assert_eq!(output.stdout, "", "{output}");
    }
    let output = shop.check(&["--observe-stream", "cat", "--only", "ack-success"]).exits(4);
    output.remarks(&["printed the order that it was asked for"]);
    for name in ["order", "payout_cl_ids"] {
        let url = format!("{}/{{{name}}}", shop.url);
        let output = payout_notify(&["check", &url]).key(KEY).run().exits(2);
        output.remarks(&[&format!("{{{name}}} in the URL is not known"), "hint:"]);
    }
    assert_eq!(fs::read_to_string(&shop.ledger).unwrap(), "{}");
}

#[test]
fn passed_on_the_second_try_is_kept_and_can_be_gated() {
    // The control and a clearly bad notification come before the case.
    let shop = Shop::open(Flaw::FailsTheThirdRequest);
    let only = ["--only", "interop-shuffled", "--format", "json"];
    let output = shop.check(&only).exits(0);
    assert_eq!(whole(&output)["results"][0]["tries"], "passed-on-second", "{output}");
    let gated = Shop::open(Flaw::FailsTheThirdRequest);
    gated.check(&[&only[..], &["--fail-on", "flaky"]].concat()).exits(1);
}

#[test]
fn a_failed_case_can_be_sent_again_without_the_key() {
    let shop = Shop::open(Flaw::TakesNotificationsWithoutSign);
    let sandbox = Sandbox::new();
    let folder = sandbox.work().join("bundles");
    let bundles = folder.display().to_string();
    shop.check(&["--only", "auth-no-sign,auth-wrong-key", "--bundle", &bundles]).exits(1);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|it| it.file_name()).collect();
    assert_eq!(names, ["auth-no-sign.json"]);
    let file = folder.join("auth-no-sign.json");
    assert!(!fs::read_to_string(&file).unwrap().contains(KEY));
    let file = file.display().to_string();
    payout_notify(&["check", "--replay", &file]).run().exits(1).says(&["must not be"]);
    let sound = Shop::open(Flaw::Nothing);
    payout_notify(&["check", &sound.url, "--replay", &file]).run().exits(0);
    let gone = payout_notify(&["check", "--replay", "gone.json"]).run().exits(3);
    gone.remarks(&["cannot read the failed case gone.json", "--bundle"]);
    payout_notify(&["check", "--replay", "x.json"]).file("x.json", "{}").run().exits(3);
}

#[test]
fn an_endpoint_that_a_case_brings_down_is_not_called_secure_afterwards() {
    let shop = Shop::open(Flaw::DiesOfMalformed);
    let output = shop.check(&["--only", "robustness", "--format", "json"]).exits(1);
    let statuses = statuses(&output);
    assert_eq!(statuses["robust-malformed"], "failed");
    assert_eq!(statuses["robust-deep"], "inconclusive");
    assert_eq!(whole(&output)["endpoint"], "refuses-control");
}

#[test]
fn a_500_in_place_of_a_refusal_fails_where_good_notifications_are_refused_afterwards() {
    let shop = Shop::open(Flaw::FailsAndDiesOfMalformed);
    let output = shop.check(&["--only", "robust-malformed", "--format", "json"]).exits(1);
    assert_eq!(statuses(&output)["robust-malformed"], "failed");
    let summary = whole(&output)["results"][0]["summary"].to_string();
    assert!(summary.contains("status 500") && summary.contains("afterwards"), "{summary}");
}

#[test]
fn cases_are_listed_chosen_and_added() {
    let list = payout_notify(&["check", "--list", "--only", "authenticity"]).run().exits(0);
    let list = list.says(&["authenticity", "auth-no-sign"]);
    assert!(!list.stdout.contains("reach-dns"));
    let wrong = payout_notify(&["check", "--list", "--only", "authentcity"]).run().exits(2);
    wrong.remarks(&["did you mean authenticity?", "--list"]);
    let own = r#"
        group = "own"
        [[case]]
        id = "own-memo"
        title = "a memo"
        why = "w"
        fix = "f"
        make = ["success", "set memo \"x\"", "sign"]
        expect = "acknowledged"
    "#;
    let sandbox = Sandbox::new();
    fs::write(sandbox.work().join("own.toml"), own).unwrap();
    let folder = sandbox.work().display().to_string();
    let shop = Shop::open(Flaw::Nothing);
    shop.check(&["--suite", &folder, "--only", "own"]).exits(0).says(&["own-memo"]);
    fs::write(sandbox.work().join("own.toml"), "group = \"own\"\n[[case]]\nidd = 1\n").unwrap();
    shop.check(&["--suite", &folder]).exits(3).remarks(&["line 3"]);
    shop.check(&["--suite", "gone"]).exits(3).remarks(&["cannot read the suite gone", "--suite"]);
}

#[test]
fn reports_are_written_in_every_form() {
    let shop = Shop::open(Flaw::Nothing);
    let sandbox = Sandbox::new();
    let kinds = ["json", "junit", "tap", "sarif", "html", "github"];
    let path = |kind: &str| sandbox.work().join(kind);
    let reports: Vec<String> =
        kinds.iter().map(|kind| format!("--report={kind}={}", path(kind).display())).collect();
    let mut arguments: Vec<&str> = reports.iter().map(String::as_str).collect();
    arguments.extend(["--only", "auth-no-sign,interop-shuffled", "--max-rate", "500/s"]);
    shop.check(&arguments).exits(0);
    for kind in &kinds[..5] {
        let text = fs::read_to_string(path(kind)).unwrap();
        assert!(text.contains("auth-no-sign") && !text.contains(KEY), "{kind}: {text}");
    }
    assert_eq!(fs::read_to_string(path("github")).unwrap().matches("::error").count(), 0);
    shop.check(&["--report", "pdf=x"]).exits(2).remarks(&["junit"]);
    shop.check(&["--report", "json=gone/x", "--only", "auth-no-sign"]).exits(4);
}

#[test]
fn orders_of_a_file_are_used_once_each_and_never_made_up() {
    let shop = Shop::open(Flaw::Nothing);
    let sandbox = Sandbox::new();
    let file = sandbox.work().join("orders.csv");
    // The control, what must be refused, and two cases use one order each.
    let orders = "payout_id,payout_cl_id,amount\nP1,C1,500\nP2,C2,600\nP3,C3,700\nP4,C4,800\n";
    fs::write(&file, orders).unwrap();
    let path = file.display().to_string();
    let cases = "interop-shuffled,interop-pretty,interop-null,idem-ids-case";
    let arguments = ["--orders", &path, "--only", cases, "--format", "json"];
    let output = shop.check(&arguments).exits(0);
    let statuses = statuses(&output);
    assert_eq!(&statuses["interop-shuffled"], "passed");
    assert_eq!(&statuses["interop-pretty"], "passed");
    assert_eq!(&statuses["interop-null"], "skipped");
    assert_eq!(&statuses["idem-ids-case"], "skipped");
    assert!(output.stdout.contains("orders.csv has no orders left"), "{output}");
    assert!(!output.stdout.contains("CHECK-"), "{output}");
    let booked = fs::read_to_string(&shop.ledger).unwrap();
    assert_eq!(booked.matches(":12345").count(), 3, "{booked}");
    fs::write(&file, "payout_id,amount\nP1,x\n").unwrap();
    shop.check(&["--orders", &path]).exits(3).remarks(&["line 2: amount", "hint:"]);
    shop.check(&["--orders", "gone.csv"]).exits(3).remarks(&["cannot use the orders of gone.csv"]);
}

#[test]
fn each_order_is_prepared_before_it_is_sent() {
    let shop = Shop::open(Flaw::Nothing);
    let sandbox = Sandbox::new();
    let made = sandbox.work().join("made");
    let prepare = format!(
        r#"sh -c 'echo "$PAYOUT_CHECK_ORDER $PAYOUT_CHECK_CLIENT_ID $PAYOUT_CHECK_AMOUNT $PAYOUT_CHECK_PLATFORM_ID" >> "$1"' sh '{}'"#,
        made.display()
    );
    let arguments = ["--only", "auth-other-amount,idem-again", "--prepare", &prepare];
    let output = shop.check(&[&arguments[..], &["--platform-id", "PF7"]].concat()).exits(1);
    assert!(output.stdout.contains("auth-other-amount"), "{output}");
    let made = fs::read_to_string(&made).unwrap();
    assert!(made.lines().count() >= 4, "{made}");
    assert!(
        made.lines().all(|line| line.starts_with("CHECK-") && line.ends_with(" 12345 PF7")),
        "{made}"
    );
    let shop = Shop::open(Flaw::Nothing);
    let output = shop.check(&["--prepare", "false", "--only", "idem-again"]).exits(4);
    output.remarks(&["the --prepare command failed", "ended with 1"]);
    assert_eq!(fs::read_to_string(&shop.ledger).unwrap(), "{}", "something was sent");
}

#[test]
fn a_refused_control_is_answered_by_what_came_back() {
    let shop = Shop::open(Flaw::AnswersTheNumberZero);
    let output = shop.check(&["--only", "ack-success", "--format", "json"]).exits(1);
    assert_eq!(statuses(&output)["ack-success"], "failed", "every notification would be lost");
    let refused =
        payout_notify(&["check", &shop.url, "--only", "auth-no-sign"]).key("another key!");
    let refused = refused.run().exits(1).says(&["the string that was signed", "payout_id=CHECK-"]);
    assert!(!refused.stdout.contains("another key!"), "{refused}");
    for (path, status, expected) in [
        ("missing", 404, "no handler is at this path"),
        ("token", 419, "CSRF"),
        ("crash", 500, "look at its log"),
        ("unknown", 200, "--orders FILE or --prepare COMMAND"),
    ] {
        let server = Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}/{path}", server.server_addr());
        let answers = thread::spawn(move || {
            let body = r#"{"error_code":"0101","error_msg":"order not found"}"#;
            while let Ok(Some(request)) = server.recv_timeout(std::time::Duration::from_secs(5)) {
                let text = if path == "unknown" { body } else { "" };
                let _ = request.respond(Response::from_string(text).with_status_code(status));
            }
        });
        let arguments = ["check", &url, "--only", "auth-no-sign", "--format", "json"];
        let output = payout_notify(&arguments).key(KEY).run().exits(1);
        let reason = whole(&output)["endpoint_reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(expected), "{status}: {reason}");
        assert!(!reason.contains("compare the key"), "{status}: {reason}");
        drop(answers);
    }
}

#[test]
fn an_observer_may_be_one_process_that_answers_by_lines() {
    let shop = Shop::open(Flaw::CreditsDuplicates);
    let script = format!("while read -r line; do cat '{}'; echo; done", shop.ledger.display());
    let stream = format!("sh -c {}", format_args!("\"{script}\""));
    let only = ["--only", "ack-success,idem-again", "--observe-within", "150ms"];
    let arguments = [&only[..], &["--observe-stream", &stream, "--format", "json"]].concat();
    let statuses = statuses(&shop.check(&arguments).exits(1));
    assert_eq!((&*statuses["ack-success"], &*statuses["idem-again"]), ("passed", "failed"));
    let output = shop.check(&[&only[..], &["--observe-stream", "true"]].concat()).exits(4);
    output.remarks(&["the observer ended before the check did", "nothing was sent"]);
}

#[test]
fn a_claim_that_nothing_verified_can_be_gated_and_a_start_can_be_waited_for() {
    let shop = Shop::open(Flaw::Nothing);
    let only = ["--only", "idem-again", "--wait", "5s"];
    shop.check(&only).exits(0);
    shop.check(&[&only[..], &["--fail-on", "unverified"]].concat()).exits(1);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/");
    let output = payout_notify(&["check", &url, "--wait", "150ms"]).key(KEY).run().exits(4);
    output.remarks(&["took no connection within 150ms", "hint:"]);
}

#[test]
fn an_endpoint_that_still_accepts_the_retired_key_fails() {
    let check = |url: &str, old: &str| {
        let arguments =
            ["check", url, "--only", "ack-success,auth-retired-key,auth-failure-retired-key"];
        let program = payout_notify(&arguments).args(&["--retired-key-file", "old.key"]);
        program.key(KEY).file("old.key", old).run()
    };
    let [both, new] = [&["--key-file", "old.key", "--key-file", "new.key"][..], &[]]
        .map(|keys| {
            Listening::program(keys).file("old.key", "TheKeyBeforeThisOne").file("new.key", KEY)
        })
        .map(Listening::of);
    let failed = check(&both.url, "TheKeyBeforeThisOne").exits(1);
    failed.says(&["auth-retired-key", "auth-failure-retired-key"]).hides("TheKeyBeforeThisOne");
    check(&new.url, "TheKeyBeforeThisOne").exits(0);
    check(&new.url, KEY).exits(2).remarks(&["the retired key in old.key is the current key"]);
    let skipped = ["check", &new.url, "--only", "ack-success,auth-retired-key"];
    let skipped = payout_notify(&skipped).key(KEY).run().exits(0);
    skipped.says(&["no retired key was given (--retired-key-file)"]);
}
