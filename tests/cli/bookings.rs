//! `check` before merchants that book wrongly: what an observer shows outranks the replies.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use payout_notify_protocol::internal::notification::{Expectation, Notification};
use payout_notify_protocol::internal::signature::{Answer, verify};
use payout_notify_protocol::{Dialect, Key, Layout, Payload, StatusTable};
use serde_json::Value;
use tiny_http::{Request, Response, Server};

use crate::harness::{KEY, Output, Sandbox, payout_notify};

const YES: &str = r#"{"error_code":"0000"}"#;

/// What is wrong with a merchant's bookkeeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    Nothing,
    /// Nothing; it books in the background, a moment after its reply.
    BooksLater,
    /// Once, it credits an order a second time and answers the third notification with 500.
    TwiceWithOne500,
    /// Once, it credits an order a second time and leaves that notification without a reply.
    TwiceWithoutReply,
    /// Once, it credits an order, answers 404, and credits it again when it is sent again.
    AgainAfter404,
    /// Once, it marks an order as booked and answers 500 before it credits it.
    MarksThenFails,
    /// It remembers so many orders and credits an older one again.
    Remembers(usize),
    /// A later failure takes a success back, and a later success books it again.
    TakesBack,
    /// A later failure credits a success once more.
    CreditsLateFailures,
    /// A success after a failure is credited.
    PaysAfterFailure,
    /// Each failure gives the money back, in the same number.
    RefundsEachFailure,
    /// Each failure gives the money back, and the number shows nothing else.
    ShowsRefundsAlone,
    /// The first failure gives the money back, and the number shows nothing else.
    RefundsOnce,
    /// Only a repeated failure gives the money back.
    RefundsRepeatedFailures,
    /// An older status takes a success out of the books, and the success books it again.
    FollowsOlderStatus,
    /// It books the first notification of an order, whatever its status is.
    BooksAtFirstSight,
    /// It knows orders by the first 32 characters of their ids.
    CutsIds,
}

#[derive(Default)]
struct Books {
    credited: BTreeMap<String, i64>,
    /// The status that an order is booked with.
    status: BTreeMap<String, i64>,
    /// How often each order was sent.
    times: BTreeMap<String, u32>,
    recent: Vec<String>,
    /// The order that the bug has struck; it strikes once.
    struck: Option<String>,
}

/// What a merchant does with one notification.
enum BookingKind {
    Reply(u16, &'static str),
    Silence,
}

impl Books {
    fn credit(&mut self, order: &str, cents: i64) {
        *self.credited.entry(order.to_owned()).or_default() += cents;
    }

    fn take(&mut self, bug: Bug, order: &str, status: i64, cents: i64) -> BookingKind {
        let times = self.times.entry(order.to_owned()).or_default();
        *times += 1;
        let times = *times;
        let known = self.status.get(order).copied();
        match (bug, status) {
            (Bug::TwiceWithOne500, 3) if times == 2 && self.struck.is_none() => {
                self.struck = Some(order.to_owned());
                self.credit(order, cents);
            }
            (Bug::TwiceWithOne500, 3) if times == 3 && self.struck.as_deref() == Some(order) => {
                return BookingKind::Reply(500, "deadlock");
            }
            (Bug::TwiceWithoutReply, 3) if times == 2 && self.struck.is_none() => {
                self.struck = Some(order.to_owned());
                self.credit(order, cents);
                return BookingKind::Silence;
            }
            // The controls and the order between them are answered as they should be.
            (Bug::AgainAfter404, 3) if self.times.len() == 5 && times <= 2 => {
                self.credit(order, cents);
                self.status.insert(order.to_owned(), status);
                return if times == 1 {
                    BookingKind::Reply(404, "")
                } else {
                    BookingKind::Reply(200, YES)
                };
            }
            (Bug::MarksThenFails, 3) if self.times.len() == 5 && times == 1 => {
                self.status.insert(order.to_owned(), status);
                return BookingKind::Reply(500, "");
            }
            (Bug::Remembers(most), 3..=5) => {
                if !self.recent.iter().any(|recent| recent == order) {
                    self.credit(order, if status == 3 { cents } else { 0 });
                    self.recent.push(order.to_owned());
                    let forgotten = self.recent.len().saturating_sub(most);
                    self.recent.drain(..forgotten);
                }
                return BookingKind::Reply(200, YES);
            }
            (Bug::TakesBack, 4 | 5) if known == Some(3) => {
                self.credit(order, -cents);
                self.status.insert(order.to_owned(), status);
            }
            (Bug::CreditsLateFailures, 4 | 5) if known == Some(3) => self.credit(order, cents),
            (Bug::PaysAfterFailure | Bug::TakesBack, 3) if matches!(known, Some(4 | 5)) => {
                self.credit(order, cents);
                self.status.insert(order.to_owned(), status);
            }
            (Bug::RefundsEachFailure, 4 | 5) => self.credit(order, cents),
            (Bug::ShowsRefundsAlone, 4 | 5) => self.credit(order, cents),
            (Bug::RefundsOnce, 3..=5) if known.is_none() => {
                self.status.insert(order.to_owned(), status);
                self.credit(order, if status == 3 { 0 } else { cents });
            }
            (Bug::ShowsRefundsAlone | Bug::RefundsOnce, _) => self.credit(order, 0),
            (Bug::RefundsRepeatedFailures, 4 | 5) if known == Some(status) => {
                self.credit(order, cents);
            }
            (Bug::FollowsOlderStatus, 2) if known == Some(3) => {
                self.credit(order, -cents);
                self.status.remove(order);
            }
            (Bug::BooksAtFirstSight, _) if times == 1 => {
                let cents = if matches!(status, 4 | 5) { 0 } else { cents };
                self.credit(order, cents);
                self.status.insert(order.to_owned(), status);
            }
            (Bug::BooksAtFirstSight, _) => {}
            (Bug::CutsIds, 3) => {
                let cut: String = order.chars().take(32).collect();
                if !self.status.contains_key(&cut) {
                    self.credit(order, cents);
                }
                self.status.insert(cut, status);
            }
            (_, 3..=5) if known.is_none() => {
                self.status.insert(order.to_owned(), status);
                self.credit(order, if status == 3 { cents } else { 0 });
            }
            _ => {}
        }
        BookingKind::Reply(200, YES)
    }
}

/// A notification that is booked later.
struct News {
    order: String,
    status: i64,
    cents: i64,
    due: Instant,
}

const LATER: Duration = Duration::from_millis(150);

/// A merchant on a free loopback port that writes what it credited to a file.
struct Shop {
    url: String,
    ledger: PathBuf,
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
    _sandbox: Sandbox,
}

impl Shop {
    fn open(bug: Bug) -> Shop {
        let sandbox = Sandbox::new();
        let ledger = sandbox.work().join("ledger.json");
        fs::write(&ledger, "{}").unwrap();
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let url = format!("http://{}/notify", server.server_addr());
        let books = Arc::new(Mutex::new(Books::default()));
        // What gets no reply is kept until the end: dropping it would answer 500.
        let silent: Arc<Mutex<Vec<Request>>> = Arc::default();
        let later = book_later(bug, books.clone(), ledger.clone());
        let threads = (0..4)
            .map(|_| {
                let (server, books, later) = (server.clone(), books.clone(), later.clone());
                let (silent, ledger) = (silent.clone(), ledger.clone());
                thread::spawn(move || {
                    while let Ok(request) = server.recv() {
                        serve(bug, request, &books, &ledger, &silent, &later);
                    }
                })
            })
            .collect();
        Shop { url, ledger, server, threads, _sandbox: sandbox }
    }

    fn check(&self, arguments: &[&str]) -> Output {
        payout_notify(&[&["check", &self.url], arguments].concat()).key(KEY).run().hides(KEY)
    }

    /// Checks this merchant with what it credited in view.
    fn observed(&self, arguments: &[&str]) -> Output {
        let observe = format!("cat '{}'", self.ledger.display());
        let more = ["--observe", &observe, "--observe-within", "1s", "--format", "json"];
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

fn serve(
    bug: Bug,
    mut request: Request,
    books: &Arc<Mutex<Books>>,
    ledger: &std::path::Path,
    silent: &Mutex<Vec<Request>>,
    later: &mpsc::Sender<News>,
) {
    let mut body = Vec::new();
    let _ = request.as_reader().read_to_end(&mut body);
    let Some((order, status, cents)) = understood(&body) else {
        return respond(request, 200, r#"{"error_code":"0004"}"#);
    };
    if bug == Bug::BooksLater {
        let _ = later.send(News { order, status, cents, due: Instant::now() + LATER });
        return respond(request, 200, YES);
    }
    match book(bug, books, ledger, (&order, status, cents)) {
        BookingKind::Reply(status, text) => respond(request, status, text),
        BookingKind::Silence => silent.lock().unwrap().push(request),
    }
}

/// Books in the order in which the notifications came, however busy the machine is.
fn book_later(bug: Bug, books: Arc<Mutex<Books>>, ledger: PathBuf) -> mpsc::Sender<News> {
    let (sender, queue) = mpsc::channel::<News>();
    thread::spawn(move || {
        for news in queue {
            thread::sleep(news.due.saturating_duration_since(Instant::now()));
            book(bug, &books, &ledger, (&news.order, news.status, news.cents));
        }
    });
    sender
}

fn book(
    bug: Bug,
    books: &Mutex<Books>,
    ledger: &std::path::Path,
    (order, status, cents): (&str, i64, i64),
) -> BookingKind {
    let mut books = books.lock().unwrap();
    let deed = books.take(bug, order, status, cents);
    // Replaced at once, so that an observer never reads half of it.
    let fresh = ledger.with_extension("new");
    fs::write(&fresh, serde_json::to_vec(&books.credited).unwrap()).unwrap();
    fs::rename(&fresh, ledger).unwrap();
    deed
}

fn respond(request: Request, status: u16, text: &str) {
    let json = "Content-Type: application/json".parse::<tiny_http::Header>().unwrap();
    let reply = Response::from_string(text).with_header(json).with_status_code(status);
    let _ = request.respond(reply);
}

/// The order, status and amount of a notification with a valid signature.
fn understood(body: &[u8]) -> Option<(String, i64, i64)> {
    let payload = Payload::parse(body).ok()?;
    let key = Key::try_new(KEY.as_bytes().to_vec()).unwrap();
    if verify(&payload, &key, Dialect::platform(), None).answer != Answer::Match {
        return None;
    }
    let notification = Notification::read(
        &payload,
        Expectation::Notification,
        &Layout::PLATFORM,
        &StatusTable::PLATFORM,
    );
    Some((notification.order_id?, notification.status_code?, 12_345))
}

/// The cases that failed, in the order of their names.
fn failed(output: &Output) -> Vec<String> {
    let report = output.json_lines().pop().unwrap();
    let cases = report["results"].as_array().unwrap().clone();
    let mut failed: Vec<String> = cases
        .iter()
        .filter(|case| case["status"] == "failed")
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect();
    failed.sort();
    failed
}

fn summary(output: &Output, id: &str) -> String {
    let report = output.json_lines().pop().unwrap();
    let cases = report["results"].as_array().unwrap().clone();
    let case = cases.iter().find(|case| case["id"] == id).unwrap();
    case["summary"].as_str().unwrap().to_owned()
}

/// Checks that a merchant fails these cases of the idempotency group and no other.
fn fails(bug: Bug, cases: &[&str]) -> Output {
    // Which of two statuses at once comes first is left to chance.
    let only = ["--only", "idempotency", "--skip", "idem-mixed-at-once"];
    let output = Shop::open(bug).observed(&only).exits(1);
    assert_eq!(failed(&output), cases, "{bug:?}: {output}");
    output
}

#[test]
fn a_double_booking_outranks_a_reply_that_was_off() {
    // One case alone: the bug strikes the first order that is repeated.
    let shop = Shop::open(Bug::TwiceWithOne500);
    let output = shop.observed(&["--only", "idem-again"]).exits(1);
    let found = summary(&output, "idem-again");
    assert!(found.contains("was credited twice; ") && found.contains("500"), "{found}");
    let shop = Shop::open(Bug::TwiceWithoutReply);
    let output = shop.observed(&["--only", "idem-again", "--timeout", "2s"]).exits(1);
    assert!(summary(&output, "idem-again").contains("credited twice"), "{output}");
}

#[test]
fn what_was_not_acknowledged_is_sent_again_before_the_books_are_read() {
    let shop = Shop::open(Bug::AgainAfter404);
    let output = shop.observed(&["--only", "ack-success,idem-again"]).exits(1);
    assert_eq!(failed(&output), ["idem-again"], "{output}");
    assert!(summary(&output, "idem-again").contains("credited twice; "), "{output}");
    let exchanges = output.json_lines().pop().unwrap()["results"][1]["exchanges"].clone();
    assert!(exchanges.to_string().contains("sent again, as the platform does"), "{exchanges}");
}

#[test]
fn an_acknowledged_order_that_is_never_booked_is_a_loss_even_if_the_next_one_is_booked() {
    let shop = Shop::open(Bug::MarksThenFails);
    let output = shop.observed(&["--only", "ack-success,idem-again"]).exits(1);
    assert_eq!(failed(&output), ["idem-again"], "{output}");
    let found = summary(&output, "idem-again");
    assert!(found.contains("was not credited, although it was acknowledged"), "{found}");
}

#[test]
fn an_endpoint_that_forgets_orders_is_found() {
    for most in [1, 10, 20] {
        // Cases whose orders mix may find it, too.
        let output = Shop::open(Bug::Remembers(most)).observed(&["--only", "idempotency"]).exits(1);
        let found = summary(&output, "idem-replay-after-others");
        assert!(found.contains("credited twice"), "{most}: {found}");
    }
}

#[test]
fn a_final_status_stands() {
    let both = ["idem-failure-after-success", "idem-success-after-failure"];
    let output = fails(Bug::TakesBack, &both);
    let found = summary(&output, both[0]);
    assert!(found.contains("was credited once, and then taken back"), "{found}");
    fails(Bug::CreditsLateFailures, &both[..1]);
    let output = fails(Bug::PaysAfterFailure, &both[1..]);
    assert!(summary(&output, both[1]).contains("was credited once"), "{output}");
}

/// The cases that send one failed order again.
const REPEATED_FAILURES: [&str; 9] = [
    "idem-cancelled-again",
    "idem-failure-again",
    "idem-failure-at-once",
    "idem-failure-out-of-order",
    "idem-failure-replay",
    "idem-failure-replay-after-others",
    "idem-failure-reply-lost",
    "idem-failure-respelled",
    "idem-failure-signed-again",
];

#[test]
fn a_repeated_failure_that_moves_the_number_fails() {
    let output = fails(Bug::RefundsRepeatedFailures, &REPEATED_FAILURES);
    assert!(summary(&output, "idem-failure-again").contains("credited twice"), "{output}");
    let output = Shop::open(Bug::RefundsEachFailure).observed(&["--only", "idempotency"]).exits(1);
    assert!(failed(&output).contains(&"idem-failure-again".to_owned()), "{output}");
}

#[test]
fn a_number_of_refunds_alone_moves_once_for_a_failure() {
    let output = Shop::open(Bug::ShowsRefundsAlone).observed(&["--only", "idempotency"]).exits(1);
    let mut cases = REPEATED_FAILURES.to_vec();
    cases.extend(["idem-cancelled-after-failure", "idem-failure-after-success"]);
    cases.sort_unstable();
    assert_eq!(failed(&output), cases, "{output}");
    let found = summary(&output, "idem-failure-again");
    assert!(found.contains("was refunded 3 times"), "{found}");
    // One success and one failure show what the number means.
    let output = Shop::open(Bug::RefundsOnce).observed(&["--only", "idempotency"]).exits(0);
    assert_eq!(failed(&output), [""; 0], "{output}");
    assert_eq!(output.json_lines().pop().unwrap()["counts"]["inconclusive"], 0, "{output}");
}

#[test]
fn a_number_for_one_order_is_no_total_because_successes_do_not_move_it() {
    for (bug, failures) in
        [(Bug::RefundsOnce, &[][..]), (Bug::ShowsRefundsAlone, &["idem-failure-again"])]
    {
        let shop = Shop::open(bug);
        let number = format!(
            r#"sh -c 'grep -o "\"$PAYOUT_CHECK_ORDER\":[0-9]*" "$1" | cut -d: -f2 | grep . || echo 0' sh '{}'"#,
            shop.ledger.display()
        );
        let only = ["--only", "idem-again,idem-failure-again,idem-failure-orders-at-once"];
        let more = ["--observe", &number, "--observe-within", "400ms", "--format", "json"];
        let output = shop.check(&[&only[..], &more].concat());
        let output = output.exits(i32::from(!failures.is_empty()));
        assert_eq!(failed(&output), failures, "{output}");
        let passed = 3 - failures.len();
        assert_eq!(output.json_lines().pop().unwrap()["counts"]["passed"], passed, "{output}");
    }
}

#[test]
fn the_books_are_read_between_two_statuses() {
    fails(Bug::FollowsOlderStatus, &["idem-out-of-order"]);
    let both = ["idem-failure-after-processing", "idem-success-after-processing"];
    fails(Bug::BooksAtFirstSight, &both);
}

#[test]
fn two_orders_with_one_beginning_are_two_orders() {
    let output = Shop::open(Bug::CutsIds).observed(&["--only", "interop-long-ids"]).exits(1);
    let found = summary(&output, "interop-long-ids");
    assert!(found.contains("cd was not credited, although it was acknowledged"), "{found}");
}

#[test]
fn right_bookkeeping_passes_at_once_and_a_moment_later() {
    // Whether a merchant checks the types of fields is another matter.
    let only = [
        "--only",
        "acknowledgement,authenticity,interop-long-ids,idempotency,retry",
        "--skip",
        "auth-twin-*",
    ];
    for bug in [Bug::Nothing, Bug::BooksLater] {
        let output = Shop::open(bug).observed(&only).exits(0);
        let report = output.json_lines().pop().unwrap();
        assert_eq!(report["counts"]["unverified"], 0, "{output}");
        assert_eq!(report["counts"]["failed"], 0, "{output}");
    }
}

#[test]
fn a_claim_that_nothing_verified_is_not_passed_in_any_report() {
    let shop = Shop::open(Bug::Nothing);
    let sandbox = Sandbox::new();
    let kinds = ["json", "junit", "tap", "sarif", "html", "github"];
    let path = |kind: &str| sandbox.work().join(kind);
    let reports: Vec<String> =
        kinds.iter().map(|kind| format!("--report={kind}={}", path(kind).display())).collect();
    let mut arguments: Vec<&str> = reports.iter().map(String::as_str).collect();
    arguments.extend(["--only", "auth-no-sign,idem-again,idem-failure-again"]);
    let output = shop.check(&arguments).exits(0).says(&["○ idem-again", "✓ auth-no-sign"]);
    let last = output.stdout.trim_end().lines().last().unwrap();
    assert_eq!(last, "no case failed, 2 claims were not verified");
    let text = |kind: &str| fs::read_to_string(path(kind)).unwrap();
    assert_eq!(text("junit").matches("<skipped message=\"not verified: whether").count(), 2);
    let tap = text("tap");
    let point = tap.lines().find(|line| line.contains("idem-again")).unwrap();
    assert!(point.starts_with("ok ") && point.contains("# SKIP not verified: "), "{point}");
    assert!(text("github").contains("::notice title=not verified"), "{}", text("github"));
    let sarif: Value = serde_json::from_str(&text("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 2, "{sarif}");
    assert!(results.iter().all(|result| result["level"] == "note"), "{sarif}");
    let html = text("html");
    let top = html.split("<section").next().unwrap();
    assert!(top.contains("not verified: whether the order was credited once"), "{top}");
    let json: Value = serde_json::from_str(&text("json")).unwrap();
    assert_eq!(json["counts"]["unverified"], 2);
}

#[test]
fn the_command_to_run_a_case_again_finds_the_same() {
    let shop = Shop::open(Bug::RefundsRepeatedFailures);
    let observe = format!("cat '{}'", shop.ledger.display());
    let arguments = [
        "--only=idem-failure-again,idem-again",
        "--observe",
        &observe,
        "--observe-within=1s",
        "--sign-type",
        "md5",
        "--header",
        "X-Shop: it's ours",
        "--header",
        "X-Token: s3cret",
        "--timeout=20s",
        "--format=human",
        "--fail-on",
        "flaky",
        "--insecure",
    ];
    let output = shop.check(&arguments).exits(1);
    let again = output.stdout.lines().find_map(|line| line.trim().strip_prefix("rerun ")).unwrap();
    let again = again.trim();
    for part in [
        " --only idem-failure-again",
        " --observe-within 1s",
        " --sign-type md5",
        r" --header 'X-Shop: it'\''s ours'",
        r#" --header "X-Token: $X_TOKEN""#,
        " --timeout 20s",
        " --fail-on flaky",
        " --insecure",
    ] {
        assert!(again.contains(part), "{part}: {again}");
    }
    assert!(!again.contains("s3cret") && !again.contains("--format"), "{again}");
    // A shell reads it as it was printed.
    let program = again.replacen("payout-notify", env!("CARGO_BIN_EXE_payout-notify"), 1);
    let run = std::process::Command::new("/bin/sh")
        .args(["-c", &program])
        .env("PAYOUT_NOTIFY_KEY", KEY)
        .env("X_TOKEN", "s3cret")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{again}\n{said}");
    assert!(said.contains("✗ FAILED idem-failure-again"), "{said}");
}
