//! `check` before merchants: each flawed one trips its own cases and no other, the reference ones pass all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use payout_notify::protocol::scheme::Algorithm;

use crate::need::{AWK, NODE, PHP_PCNTL, PYTHON, list};

use flawed::{Flaw, Merchant};
use server::Server;

#[path = "merchants/flawed.rs"]
mod flawed;
#[path = "merchants/server.rs"]
mod server;
#[path = "merchants/table.rs"]
mod table;

list! {
    each_flawed_merchant_trips_its_own_cases_and_no_other []
    each_other_flawed_merchant_trips_its_own_cases_and_no_other []
    the_rust_merchant_passes [AWK]
    the_node_merchant_passes [NODE, AWK]
    the_python_merchant_passes [PYTHON, AWK]
    the_php_merchant_passes [PHP_PCNTL, AWK]
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
    endpoint: String,
    tripped: BTreeMap<String, String>,
    text: String,
}

/// Checks a merchant; `observe` prints what it credited.
fn check(url: &str, demand: Demand, observe: &str, folder: &Path) -> Checked {
    let report = folder.join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_payout-notify"));
    command.args(["check", url, "--observe", observe, "--report"]);
    command.arg(format!("json={}", report.display()));
    if demand == Demand::Hmac {
        command.args(["--require", "hmac-sha256"]);
    }
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
    Checked { endpoint: name(&json["endpoint"]), tripped, text }
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
fn difference(flaw: Flaw, endpoint: &str, cases: &[&str]) -> Option<String> {
    let checked = check_flawed(flaw);
    // Around a refused control, and where everything is acknowledged, the rest says nothing.
    let counts = |status: &str| endpoint == "discerning" || status != "inconclusive";
    let tripped: Vec<&str> = checked
        .tripped
        .iter()
        .filter(|(_, status)| counts(status))
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
    if checked.endpoint == endpoint && unforeseen.is_empty() && missing.is_empty() {
        return None;
    }
    Some(format!(
        "{flaw:?} is {}, tripped {unforeseen:?} besides, and did not trip {missing:?}",
        checked.endpoint
    ))
}

/// Holds every other row of the table: two tests share it, so that they run side by side.
fn hold_rows(from: usize) {
    let rows = table::EXPECTED.iter().skip(from).step_by(2);
    let differences: Vec<String> =
        rows.filter_map(|(flaw, endpoint, cases)| difference(*flaw, endpoint, cases)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn each_flawed_merchant_trips_its_own_cases_and_no_other() {
    hold_rows(0);
}

fn each_other_flawed_merchant_trips_its_own_cases_and_no_other() {
    hold_rows(1);
}

/// A merchant of `examples/` as a child process, ended with the value.
struct Reference {
    child: Child,
    url: String,
}

impl Reference {
    /// Starts it.
    fn start(command: &[&str], demand: Demand, credits: &Path) -> Reference {
        fs::write(credits, "").expect("a file for credits");
        let (program, arguments) = command.split_first().expect("a program");
        let mut child = Command::new(program)
            .args(arguments)
            .env("PAYOUT_NOTIFY_KEY", KEY)
            .env("CREDIT_FILE", credits)
            .env("REQUIRE_HMAC", if demand == Demand::Hmac { "1" } else { "0" })
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // PHP's server has workers: they are ended as one.
            .process_group(0)
            .spawn()
            .expect("the merchant starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("text");
        let url = line.trim().strip_prefix("listening on ").expect("a URL").to_owned();
        Reference { child, url }
    }

    /// Waits until it takes connections: PHP's server tells its URL before.
    fn wait(&self) {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
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
    for demand in [Demand::Any, Demand::Hmac] {
        let folder = Folder::new();
        let credits = folder.0.join("credits.txt");
        let merchant = Reference::start(command, demand, &credits);
        merchant.wait();
        let program = folder.0.join("sum.awk");
        fs::write(&program, SUM).expect("a program");
        let observe = format!("awk -f {} {}", program.display(), credits.display());
        let checked = check(&merchant.url, demand, &observe, &folder.0);
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
