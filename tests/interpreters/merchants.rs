//! `check` before merchants: each flawed one trips its own cases and no other, the reference ones pass all,
//! and plain handlers that were written without the cases in view have nothing that fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use flawed::{Flaw, Merchant};
use payout_notify_protocol::Algorithm;
use server::Server;
use symptoms::{Books, SYMPTOMS, SymptomMerchant};
use table::Row;

use crate::need::{AWK, GO, JAVA, JAVAC, NODE, PHP_PCNTL, PYTHON, list};

#[path = "merchants/flawed.rs"]
mod flawed;
#[path = "merchants/server.rs"]
mod server;
#[path = "merchants/symptoms.rs"]
mod symptoms;
#[path = "merchants/table.rs"]
mod table;

list! {
    each_flawed_merchant_trips_its_own_cases_and_no_other []
    each_other_flawed_merchant_trips_its_own_cases_and_no_other []
    the_rust_merchant_passes [AWK]
    the_node_merchant_passes [NODE, AWK]
    the_python_merchant_passes [PYTHON, AWK]
    the_php_merchant_passes [PHP_PCNTL, AWK]
    a_merchant_of_every_other_dialect_passes [PYTHON, AWK]
    what_moves_no_money_warns_with_and_without_an_observer []
    a_wrong_booking_makes_a_failure_of_every_warning []
    an_acknowledged_order_that_is_not_credited_fails_where_a_refused_one_warns []
    each_bug_is_named_by_its_case [PYTHON]
    a_plain_handler_in_the_idiom_of_flask_is_not_accused [PYTHON, AWK]
    a_plain_handler_in_the_idiom_of_express_is_not_accused [NODE, AWK]
    a_handler_in_the_idiom_of_laravel_that_looks_orders_up_passes [PHP_PCNTL, AWK]
    a_handler_in_the_idiom_of_go_that_looks_orders_up_passes [GO, AWK]
    a_handler_in_the_idiom_of_spring_that_looks_orders_up_passes [JAVA, JAVAC, AWK]
}

const KEY: &str = "ThisIsYourSecretKey123";

/// Adds up what was credited for one order: the observer of the reference merchants, for awk.
const SUM: &str =
    "$1 == ENVIRON[\"PAYOUT_CHECK_ORDER\"] { sum += $2 } END { printf \"%d\\n\", sum }";

/// What a merchant demands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Any,
    Hmac,
}

/// A folder of its own, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("payout-merchants-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What came of a check: the endpoint's name, and the cases that did not pass, by name.
#[derive(Debug)]
struct Checked {
    code: Option<i32>,
    endpoint: String,
    tripped: BTreeMap<String, String>,
    text: String,
}

const NONE: [String; 0] = [];

impl Checked {
    /// Which of these cases have another status than this one, and which other cases have one.
    fn others_than(&self, status: &str, cases: &[&str]) -> Vec<String> {
        let missing = cases.iter().filter(|case| !self.tripped.contains_key(**case));
        let missing = missing.map(|case| format!("{case}: passed"));
        let other = self
            .tripped
            .iter()
            .filter(|(case, found)| *found != status || !cases.contains(&case.as_str()))
            .map(|(case, found)| format!("{case}: {found}"));
        missing.chain(other).collect()
    }
}

/// Checks a merchant; `observe` prints what it credited.
fn check(url: &str, demand: Demand, observe: &str, folder: &Path) -> Checked {
    let require: &[&str] = if demand == Demand::Hmac { &["--require", "hmac-sha256"] } else { &[] };
    // It books before it replies, or a moment later.
    let observed = ["--observe", observe, "--observe-within", "700ms"];
    check_with(url, &[&observed, require].concat(), folder)
}

/// Checks a merchant with these arguments.
fn check_with(url: &str, arguments: &[&str], folder: &Path) -> Checked {
    let report = folder.join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
    command.args(["check", url, "--report"]);
    command.arg(format!("json={}", report.display())).args(arguments);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    command.env("PAYOUT_NOTIFY_KEY", KEY).current_dir(folder);
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let json = fs::read_to_string(&report).unwrap_or_else(|error| panic!("{error}: {text}"));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let name = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cases = json["results"].as_array().expect("cases");
    let tripped = cases
        .iter()
        .filter(|case| !matches!(case["status"].as_str(), Some("passed" | "skipped")))
        .map(|case| (name(&case["id"]), name(&case["status"])))
        .collect();
    Checked { code: output.status.code(), endpoint: name(&json["endpoint"]), tripped, text }
}

fn demand_of(flaw: Flaw) -> Demand {
    if flaw == Flaw::Downgrades { Demand::Hmac } else { Demand::Any }
}

/// Checks a flawed merchant.
fn check_flawed(flaw: Flaw) -> Checked {
    let folder = Folder::new();
    let ledger = folder.0.join("ledger.json");
    let demand = demand_of(flaw);
    let required = (demand == Demand::Hmac).then_some(Algorithm::HmacSha256);
    let server = Server::start(Merchant::new(flaw, KEY, required, ledger.clone()));
    check(&server.url(), demand, &format!("cat {}", ledger.display()), &folder.0)
}

/// What differs from the table, in words.
fn difference(row: &Row) -> Option<String> {
    let checked = check_flawed(row.flaw);
    let mut differences = Vec::new();
    if checked.endpoint != row.endpoint {
        differences.push(format!("is {}", checked.endpoint));
    }
    // Around a refused control, and where everything is acknowledged, the rest says nothing.
    let inconclusive: &[&str] = if row.endpoint == "discerning" { &[] } else { &["*"] };
    for (status, cases) in
        [("failed", row.failed), ("warned", row.warned), ("inconclusive", inconclusive)]
    {
        let tripped: Vec<&str> = checked
            .tripped
            .iter()
            .filter(|(_, one)| *one == status)
            .map(|(case, _)| case.as_str())
            .collect();
        let fits = |pattern: &str, case: &str| match pattern.strip_suffix('*') {
            Some(start) => case.starts_with(start),
            None => case == pattern,
        };
        let unforeseen: Vec<_> =
            tripped.iter().filter(|case| !cases.iter().any(|one| fits(one, case))).collect();
        let missing: Vec<_> =
            cases.iter().filter(|one| !tripped.iter().any(|case| fits(one, case))).collect();
        if !unforeseen.is_empty() || !missing.is_empty() {
            differences.push(format!("{status} {unforeseen:?} besides, and not {missing:?}"));
        }
    }
    let code = if row.endpoint == "discerning" && row.failed.is_empty() { 0 } else { 1 };
    if checked.code != Some(code) {
        differences.push(format!("ends with {:?}, not {code}", checked.code));
    }
    (!differences.is_empty()).then(|| format!("{:?}: {}", row.flaw, differences.join("; ")))
}

/// Holds every other row of the table: two tests share it, so that they run side by side.
fn hold_rows(from: usize) {
    let rows = table::EXPECTED.iter().skip(from).step_by(2);
    let differences: Vec<String> = rows.filter_map(difference).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn each_flawed_merchant_trips_its_own_cases_and_no_other() {
    hold_rows(0);
}

fn each_other_flawed_merchant_trips_its_own_cases_and_no_other() {
    hold_rows(1);
}

/// Checks a merchant that departs from the rule only where cases warn, in these cases.
fn check_symptoms(books: Books, cases: &[&str], is_observed: bool) -> Checked {
    let folder = Folder::new();
    let ledger = folder.0.join("ledger.json");
    let sound = Merchant::new(Flaw::Sound, KEY, None, ledger.clone());
    let server = Server::start(SymptomMerchant { sound, books });
    let (only, observe) = (cases.join(","), format!("cat {}", ledger.display()));
    let mut arguments = vec!["--only", &*only];
    if is_observed {
        arguments.extend(["--observe", &*observe, "--observe-within", "150ms"]);
    }
    check_with(&server.url(), &arguments, &folder.0)
}

fn what_moves_no_money_warns_with_and_without_an_observer() {
    let cases: Vec<&str> = SYMPTOMS.iter().map(|one| one.case).collect();
    for is_observed in [false, true] {
        let checked = check_symptoms(Books::Right, &cases, is_observed);
        assert_eq!(checked.others_than("warned", &cases), NONE, "{}", checked.text);
        assert_eq!(checked.code, Some(0), "{}", checked.text);
    }
}

fn a_wrong_booking_makes_a_failure_of_every_warning() {
    let named = SYMPTOMS.iter().filter(|one| one.names_order);
    let cases: Vec<&str> = named.map(|one| one.case).collect();
    let checked = check_symptoms(Books::Wrong, &cases, true);
    assert_eq!(checked.others_than("failed", &cases), NONE, "{}", checked.text);
    assert_eq!(checked.code, Some(1), "{}", checked.text);
    // Without an observer nobody sees it.
    let unseen = check_symptoms(Books::Wrong, &cases, false);
    assert_eq!(unseen.others_than("warned", &cases), NONE, "{}", unseen.text);
}

fn an_acknowledged_order_that_is_not_credited_fails_where_a_refused_one_warns() {
    let all = SYMPTOMS.iter().map(|one| one.case);
    // Where the ids are long, an observer may look for another one.
    let ids = "interop-long-ids";
    let cases: Vec<&str> = all
        .filter(|case| case.starts_with("ack-") || case.starts_with("interop-") && *case != ids)
        .collect();
    let checked = check_symptoms(Books::Missing, &cases, true);
    assert_eq!(checked.others_than("failed", &cases), NONE, "{}", checked.text);
    assert_eq!(checked.code, Some(1), "{}", checked.text);
}

/// A merchant of `examples/` as a child process, ended with the value.
struct Reference {
    child: Child,
    url: String,
}

impl Reference {
    /// Starts it.
    fn start(command: &[&str], demand: Demand, credits: &Path) -> Reference {
        Reference::start_in("platform", command, demand, credits)
    }

    fn start_in(dialect: &str, command: &[&str], demand: Demand, credits: &Path) -> Reference {
        fs::write(credits, "").expect("a file for credits");
        let (program, arguments) = command.split_first().expect("a program");
        let mut child = Command::new(program)
            .args(arguments)
            .env("PAYOUT_NOTIFY_KEY", KEY)
            .env("CREDIT_FILE", credits)
            .env("DIALECT", dialect)
            .env("REQUIRE_HMAC", if demand == Demand::Hmac { "1" } else { "0" })
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // PHP's server has workers: they are ended as one.
            .process_group(0)
            .spawn()
            .expect("the merchant starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("text");
        let url = line.trim().trim_start_matches("listening on ").to_owned();
        Reference { child, url }
    }

    /// Waits until it takes connections: PHP's server prints its URL before.
    fn wait(&self) {
        let address = self.url.trim_start_matches("http://").split('/').next().expect("an address");
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{} takes no connection", self.url);
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// Checks a reference merchant, which must pass everything.
fn passes(name: &str, command: &[&str]) {
    passes_in("platform", name, command, &[Demand::Any, Demand::Hmac]);
    passes_in("epay", name, command, &[Demand::Any]);
}

/// As [`passes`], for a merchant of another dialect, which can be told to demand what.
fn passes_in(dialect: &str, name: &str, command: &[&str], demands: &[Demand]) {
    for demand in demands.iter().copied() {
        let folder = Folder::new();
        let credits = folder.0.join("credits.txt");
        let merchant = Reference::start_in(dialect, command, demand, &credits);
        merchant.wait();
        let program = folder.0.join("sum.awk");
        fs::write(&program, SUM).expect("a program");
        let observe = format!("awk -f {} {}", program.display(), credits.display());
        let require: &[&str] =
            if demand == Demand::Hmac { &["--require", "hmac-sha256"] } else { &[] };
        let arguments = [&["--observe", &observe, "--dialect", dialect], require].concat();
        let checked = check_with(&merchant.url, &arguments, &folder.0);
        assert_eq!(checked.endpoint, "discerning", "{name}: {}", checked.text);
        assert!(checked.tripped.is_empty(), "{name}: {:#?}\n{}", checked.tripped, checked.text);
    }
}

/// The path of an example beside this test's program.
fn example(name: &str) -> String {
    let own = std::env::current_exe().expect("a path");
    let folder = own.ancestors().nth(2).expect("the build's folder").join("examples");
    folder.join(name).display().to_string()
}

/// The path of a merchant's source.
fn source(name: &str) -> String {
    format!("{}/examples/merchants/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn the_rust_merchant_passes() {
    passes("example merchant", &[&example("merchant")]);
}

fn the_node_merchant_passes() {
    passes("node", &["node", &source("merchant.mjs")]);
}

fn the_python_merchant_passes() {
    passes("python3", &["python3", &source("merchant.py")]);
}

fn the_php_merchant_passes() {
    passes("php", &["php", &source("merchant.php")]);
}

/// Checks each merchant of `tests/merchants/shop.py`: the right ones pass, and every bug fails the case
/// whose text describes it. The whole matrix beside them takes minutes more; the script writes it.
fn each_bug_is_named_by_its_case() {
    let folder = format!("{}/tests/merchants", env!("CARGO_MANIFEST_DIR"));
    let script = format!("{folder}/matrix.py");
    let program = env!("CARGO_BIN_EXE_payout-notify");
    let output = Command::new("python3").args([&*script, program, "--own"]).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let matrix = fs::read_to_string(format!("{folder}/matrix.txt")).expect("the matrix");
    let name = |line: &str| line.split(' ').next().map(str::to_owned);
    let checked = String::from_utf8_lossy(&output.stdout).lines().map(name).collect::<Vec<_>>();
    assert_eq!(checked, matrix.lines().map(name).collect::<Vec<_>>(), "matrix.txt is stale");
}

/// The dialects' table as the program prints it: the merchant of it knows nothing else.
fn dialects(folder: &Path) -> (PathBuf, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
    command.args(["dialects", "--format", "json"]).env_clear().env("HOME", folder);
    let table = command.output().expect("the program runs").stdout;
    let path = folder.join("dialects.json");
    fs::write(&path, &table).expect("a file");
    let table: serde_json::Value = serde_json::from_slice(&table).expect("JSON");
    let ids = table["dialects"].as_array().expect("dialects").iter();
    (path, ids.map(|one| one["id"].as_str().expect("an id").to_owned()).collect())
}

fn a_merchant_of_every_other_dialect_passes() {
    let folder = Folder::new();
    let (table, ids) = dialects(&folder.0);
    assert_eq!(ids.len(), 8);
    let program = format!("{}/tests/interpreters/merchants/dialect.py", env!("CARGO_MANIFEST_DIR"));
    // The reference merchants are of the first one, the platform's own.
    for id in &ids[1..] {
        let command = ["python3", &*program, &*table.display().to_string(), id];
        passes_in(id, id, &command, &[Demand::Any]);
        let credits = folder.0.join("simulated.txt");
        let merchant = Reference::start(&command, Demand::Any, &credits);
        merchant.wait();
        let mut simulate = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
        simulate.args(["simulate", &merchant.url, "--dialect", id, "--retries", "0"]);
        simulate.env_clear().env("HOME", &folder.0).env("PAYOUT_NOTIFY_KEY", KEY);
        let sent = simulate.output().expect("the program runs");
        assert!(sent.status.success(), "{id}: {}", String::from_utf8_lossy(&sent.stdout));
        let credited = fs::read_to_string(&credits).expect("the credits");
        assert!(credited.trim_end().ends_with(" 400000"), "{id}: {credited}");
    }
}

/// Checks a plain handler, in which nothing may fail, whoever looks at its books.
fn is_not_accused(interpreter: &str, name: &str) {
    let file = format!("{}/tests/interpreters/merchants/plain/{name}", env!("CARGO_MANIFEST_DIR"));
    // It books under the merchant's own id of the order, which follows from the platform's.
    let each = r#"BEGIN { order = ENVIRON["PAYOUT_CHECK_ORDER"]; sub(/CHECK-/, "CHECK-C", order) }
        $1 == order { sum += $2 } END { printf "%d\n", sum }"#;
    let total = r#"{ sum += $2 } END { printf "%d\n", sum }"#;
    for program in [None, Some(each), Some(total)] {
        let folder = Folder::new();
        let state = folder.0.join("state");
        let command = [interpreter, &*file, "0", &*state.display().to_string()];
        let merchant = Reference::start(&command, Demand::Any, &state);
        merchant.wait();
        let awk = folder.0.join("observe.awk");
        let observe = format!("awk -f {} {}", awk.display(), state.display());
        let mut arguments = Vec::new();
        if let Some(program) = program {
            fs::write(&awk, program).expect("a program");
            arguments.extend(["--observe", &*observe]);
        }
        let checked = check_with(&merchant.url, &arguments, &folder.0);
        assert_eq!(checked.endpoint, "discerning", "{name}: {}", checked.text);
        let is_warned = |status: &String| status == "warned";
        assert!(checked.tripped.values().all(is_warned), "{name}: {}", checked.text);
        assert_eq!(checked.code, Some(0), "{name}: {}", checked.text);
    }
}

fn a_plain_handler_in_the_idiom_of_flask_is_not_accused() {
    is_not_accused("python3", "flask_style.py");
}

fn a_plain_handler_in_the_idiom_of_express_is_not_accused() {
    is_not_accused("node", "express_style.mjs");
}

/// Checks a handler that looks orders up, credits successes and refunds failures, in a folder of its
/// own: nothing may fail, and every claim is verified.
fn passes_with_known_orders(command: &[&str], name: &str) {
    let file = format!("{}/tests/interpreters/merchants/plain/{name}", env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new();
    for (name, text) in [("orders.txt", ""), ("books.txt", ""), ("books.awk", BOTH_BOOKS)] {
        fs::write(folder.0.join(name), text).expect("a file");
    }
    let path = folder.0.display().to_string();
    let command = [command, &[&*file, "0", &*path]].concat();
    let merchant = Reference::start(&command, Demand::Any, &folder.0.join("credits"));
    merchant.wait();
    let prepare = r#"sh -c 'echo "$PAYOUT_CHECK_CLIENT_ID $PAYOUT_CHECK_AMOUNT" >> orders.txt'"#;
    let arguments = ["--prepare", prepare, "--observe", "awk -f books.awk books.txt"];
    let more = ["--fail-on", "unverified,flaky,inconclusive"];
    let checked = check_with(&merchant.url, &[&arguments[..], &more].concat(), &folder.0);
    assert_eq!(checked.endpoint, "discerning", "{name}: {}", checked.text);
    assert_eq!(checked.code, Some(0), "{name}: {}", checked.text);
}

/// Adds up what was credited and refunded for one order of a table of lines.
const BOTH_BOOKS: &str = r#"BEGIN { FS = "\t"; order = ENVIRON["PAYOUT_CHECK_CLIENT_ID"] }
    $1 == order { sum[$2] += $3 }
    END { printf "{\"credited\":%d,\"refunded\":%d}\n", sum["credited"], sum["refunded"] }"#;

fn a_handler_in_the_idiom_of_laravel_that_looks_orders_up_passes() {
    passes_with_known_orders(&["php"], "laravel_style.php");
}

fn a_handler_in_the_idiom_of_go_that_looks_orders_up_passes() {
    passes_with_known_orders(&["go", "run"], "gin_style.go");
}

fn a_handler_in_the_idiom_of_spring_that_looks_orders_up_passes() {
    passes_with_known_orders(&["java"], "SpringStyle.java");
}
