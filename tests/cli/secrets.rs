//! The key goes nowhere: every subcommand under a marked key, in every format, into every file.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::harness::{
    ACKNOWLEDGE, KEY, Listening, Merchant, Output, Running, Sandbox, Scripted, exchange, json_post,
    payout_notify, signed_success,
};

/// A key whose every part would be noticed.
const MARKED: &str = "Marked-7f3a9c-Key/with+signs=";

/// The part of it that stands as it is in most writings.
const CORE: &str = "7f3a9c-Key";

/// Parts of other writings of the key, each long enough to be found nowhere by chance.
fn writings() -> Vec<(String, &'static str)> {
    let mut found = vec![
        (CORE.to_owned(), "as it is, in JSON, in a URL"),
        (hex::encode(CORE), "hexadecimal"),
        (hex::encode_upper(CORE), "hexadecimal"),
    ];
    for engine in [STANDARD, URL_SAFE] {
        for before in ["", "a", "ab"] {
            // What is before a text shifts it; the digits at the ends depend on what is there.
            let text = engine.encode(format!("{before}{MARKED}"));
            found.push((text[4..text.len() - 4].to_owned(), "base64"));
        }
    }
    found
}

#[track_caller]
fn holds_no_key(place: &str, bytes: &[u8]) {
    for (text, how) in writings() {
        let shown = memchr::memmem::find(bytes, text.as_bytes());
        assert!(shown.is_none(), "{place} holds the key ({how}): {}", lossy(bytes));
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(4000).collect()
}

/// Looks into what a run printed, and into every file that it left; nobody else may read those.
#[track_caller]
fn hidden(output: &Output, folders: &Sandbox, given: &[&str]) {
    holds_no_key("stdout", output.stdout.as_bytes());
    holds_no_key("stderr", output.stderr.as_bytes());
    for (path, mode, bytes) in folders.files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !given.contains(&&*name) {
            holds_no_key(&path.display().to_string(), &bytes);
            assert_eq!(mode & 0o077, 0, "{} is {mode:o}: other users can read it", path.display());
        }
    }
}

/// Whether a command takes a key on its command line.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Key,
    NoKey,
}

/// Runs a command with the marked key given in each way, and looks everywhere.
#[track_caller]
fn in_each_way(takes: Takes, arguments: &[&str], stdin: &str, codes: &[i32]) {
    let program = || {
        let program = payout_notify(arguments).stdin(stdin);
        program.file("payload.json", stdin).file("old.key", format!("old-{MARKED}"))
    };
    let mut ways = vec![program().key(MARKED)];
    if takes == Takes::Key {
        ways.push(program().arg("--key").arg(MARKED));
        ways.push(program().arg("--key-file").arg("key").file("key", format!("{MARKED}\n")));
    }
    for way in ways {
        let (output, folders) = way.start().end_with_folders();
        assert!(codes.contains(&output.code), "{codes:?} wanted: {output}");
        hidden(&output, &folders, &["key", "old.key"]);
    }
}

/// Nobody listens there.
const REFUSED: &str = "http://127.0.0.1:1/";

/// A command, its stdin, and its exit code.
type Row = (&'static [&'static str], &'static str, i32);

const PLAIN: &str = "{\"a\":1}";
const WRONG: &str = "{\"a\":1,\"sign\":\"00000000000000000000000000000000\"}";

/// Runs that need no other side.
const ALONE: &[Row] = &[
    (&["sign"], PLAIN, 0),
    (&["sign", "--print", "sign"], PLAIN, 0),
    (&["sign", "--print", "canonical"], PLAIN, 0),
    (&["sign", "--print", "curl"], PLAIN, 0),
    (&["sign", "--lines"], PLAIN, 0),
    (&["sign", "--sign-type", "hmac-sha256", "--print", "canonical"], PLAIN, 0),
    (&["sign", "--dialect", "pockyt", "--print", "canonical"], PLAIN, 0),
    (&["sign"], "[", 3),
    (&["sign", "--sign-type", "wrong"], "{}", 2),
    (&["sign", "gone.json"], "", 3),
    (&["verify"], WRONG, 1),
    (&["verify", "--explain", "--strict"], WRONG, 1),
    (&["verify", "--show-expected"], WRONG, 1),
    (&["verify", "--other-key-file", "old.key"], WRONG, 1),
    (&["verify", "--other-key-file", "old.key", "--format", "json"], WRONG, 1),
    (&["verify", "--format", "json", "--explain"], WRONG, 1),
    (&["verify", "--lines", "--format", "json"], WRONG, 1),
    (&["verify", "--color", "always"], WRONG, 1),
    (&["verify", "--format", "json"], "{", 3),
    (&["verify", "--dialect", "gone.toml"], "{}", 3),
    (&["simulate", REFUSED, "--dry-run"], "", 0),
    (&["simulate", REFUSED, "--dry-run", "--format", "json"], "", 0),
    (&["simulate", REFUSED, "--retries", "0"], "", 1),
    (&["simulate", REFUSED, "--retries", "0", "--format", "json"], "", 1),
    (&["simulate", "nonsense://x"], "", 2),
    (&["simulate", REFUSED, "-", "--format", "json"], "[]", 3),
    (&["simulate", REFUSED, "--count", "2", "--report", "html=no/such/folder"], "", 4),
    (&["simulate", REFUSED, "--count", "2", "--journal", "no/such/folder"], "", 4),
    (&["simulate", REFUSED, "--count", "2", "--retries", "0", "--journal", "j"], "", 1),
    (&["listen", "--bind", ":0", "--for", "10ms"], "", 0),
    (&["listen", "--bind", ":0", "--for", "10ms", "--inspect", "-vv"], "", 0),
    (&["listen", "--bind", ":0", "--for", "10ms", "--format", "json"], "", 0),
    (&["listen", "--bind", ":0", "--for", "10ms", "--tls-self-signed"], "", 0),
    (&["listen", "--bind", ":0", "--for", "10ms", "--inbox", "/dev/null/x"], "", 4),
    (&["listen", "--bind", ":0", "--for", "10ms", "--count", "1"], "", 1),
    (&["listen", "--bind", "0.0.0.0:0"], "", 2),
    (&["inbox", "show", "latest"], "", 3),
    (&["inbox", "replay", "latest", "--to", REFUSED, "--resign"], "", 3),
    (&["check", REFUSED, "--only", "authenticity", "--timeout", "1s"], "", 1),
    (&["check", REFUSED, "--only", "authenticity", "--report", "html=no/such/folder"], "", 4),
    (&["check", "--list"], "", 0),
    // What a client reads of it is checked by tests/interpreters/mcp.rs.
    (&["mcp"], "", if cfg!(feature = "mcp") { 0 } else { 2 }),
];

/// Runs that take no key, with one in the environment all the same.
const WITHOUT: &[Row] = &[
    (&["demo"], "", 0),
    (&["schedule"], "", 0),
    (&["schedule", "--format", "json"], "", 0),
    (&["dialects"], "", 0),
    (&["dialects", "--format", "json"], "", 0),
    (&["completions", "bash"], "", 0),
    (&["schema", "openapi"], "", 0),
    (&["schema", "postman"], "", 0),
    (&["snippet", "python"], "", 0),
    (&["snippet", "python", "--print", "vectors"], "", 0),
    (&["export", REFUSED, "--to", "locust"], "", 0),
    (&["export", REFUSED, "--to", "k6", "--sign-type", "hmac-sha256"], "", 0),
    (&["export", REFUSED, "--to", "k6", "--out", "/dev/null/x"], "", 4),
    (&["inbox", "list"], "", 3),
    (&["config", "show"], "", 0),
    (&["config", "show", "--format", "json"], "", 0),
    (&["nonsense"], "", 2),
    (&["help"], "", 0),
];

#[test]
fn no_run_shows_the_key_or_writes_it_down() {
    for (arguments, stdin, code) in ALONE {
        in_each_way(Takes::Key, arguments, stdin, &[*code]);
    }
    for (arguments, stdin, code) in WITHOUT {
        in_each_way(Takes::NoKey, arguments, stdin, &[*code]);
    }
}

#[test]
fn every_subcommand_is_tried() {
    for command in payout_notify::command().get_subcommands() {
        let tried = ALONE.iter().chain(WITHOUT).any(|row| row.0[0] == command.get_name());
        assert!(tried, "no run of {} is looked at", command.get_name());
    }
}

/// A payload signed under this key.
fn signed_under(key: &str, payload: &str) -> String {
    payout_notify(&["sign"]).key(key).stdin(payload).run().exits(0).stdout
}

#[test]
fn a_match_and_a_diagnosis_show_neither_the_key_nor_another_one() {
    // Signed by the rule, under a key with a newline at its end, and under another known key.
    let good = signed_under(MARKED, PLAIN);
    let newline = signed_under(&format!("{MARKED}\n"), PLAIN);
    let other = signed_under(&format!("old-{MARKED}"), PLAIN);
    for format in ["human", "json"] {
        let verify = ["verify", "--format", format, "--other-key-file", "old.key", "--explain"];
        for (body, code) in [(&good, 0), (&newline, 1), (&other, 1)] {
            in_each_way(Takes::Key, &verify, body, &[code]);
        }
        for (body, word) in [(&newline, "newline"), (&other, "old.key")] {
            let program = payout_notify(&verify).key(MARKED).stdin(body);
            program.file("old.key", format!("old-{MARKED}")).run().exits(1).says(&[word]);
        }
    }
    in_each_way(Takes::Key, &["verify", "--require", "hmac-sha256"], &good, &[1]);
}

#[test]
fn no_word_about_the_network_shows_the_key() {
    for format in ["human", "json"] {
        let merchant = Merchant::expecting(&[Scripted::Json(200, "fail"), ACKNOWLEDGE]);
        let url = merchant.url();
        let simulated = payout_notify(&["simulate", &url, "--schedule", "1ms", "--format", format]);
        let (output, folders) = simulated.key(MARKED).start().end_with_folders();
        hidden(&output, &folders, &[]);
        assert!(output.code == 0, "{output}");
        for request in merchant.received() {
            holds_no_key("the request", format!("{}{}", request.head, request.body).as_bytes());
        }
    }
    let listening = Listening::start(&["--count", "1"]);
    listening.post(&signed_success());
    listening.end().output.hides(KEY);
}

#[test]
fn a_key_inside_a_payload_is_masked_for_a_person() {
    let payload = format!("{{\"memo\":\"{MARKED}\",\"sign\":\"x\"}}");
    payout_notify(&["verify"]).key(MARKED).stdin(payload).run().exits(1).hides(CORE);
}

/// What a merchant under development says: with the key, as JSON and as PHP writes it.
const TELLTALE: &str = concat!(
    "{\"error_code\":\"0004\",\"error_msg\":\"expected md5 of S&Marked-7f3a9c-Key/with+signs=\",",
    "\"seen\":\"Marked-7f3a9c-Key\\/with+signs=\"}"
);

#[test]
fn a_merchant_who_tells_the_key_has_it_told_by_nothing() {
    for format in ["human", "json"] {
        let merchant = Merchant::expecting(&[Scripted::Json(200, TELLTALE)]);
        let arguments = ["simulate", &merchant.url(), "--retries", "0", "--format", format];
        let (output, folders) = payout_notify(&arguments).key(MARKED).start().end_with_folders();
        hidden(&output, &folders, &[]);
        assert!(output.code == 1, "{output}");
        merchant.wait_for(1);
    }
    let merchant = Merchant::expecting(&[Scripted::Json(200, TELLTALE); 2]);
    let many = "--count 2 --retries 0 --journal run.db --report json=r.json --report html=r.html \
                --report junit=r.xml --report ndjson=r.ndjson";
    let url = merchant.url();
    let arguments: Vec<&str> = ["simulate", &url].into_iter().chain(many.split(' ')).collect();
    let (output, folders) = payout_notify(&arguments).key(MARKED).start().end_with_folders();
    hidden(&output, &folders, &[]);
    assert!(output.code == 1, "{output}");
    let named = |name: &str| folders.files().iter().any(|(path, ..)| path.ends_with(name));
    assert!(["run.db", "r.json", "r.html", "r.xml", "r.ndjson"].into_iter().all(named));
}

/// A listener under the marked key, with its page.
struct Marked {
    running: Running,
    address: SocketAddr,
    url: String,
    page: SocketAddr,
    token: String,
}

impl Marked {
    fn start(folder: &Path) -> Marked {
        let arguments =
            ["listen", "--bind", ":0", "--inbox", "inbox.db", "--inspect", "--format", "json"];
        let program = payout_notify(&arguments).key(MARKED).in_folder(folder);
        let running = program.start();
        let ready = running.json_line();
        let url = ready["url"].as_str().unwrap().to_owned();
        let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let inspector = ready["inspector"].as_str().unwrap().to_owned();
        let (page, token) = inspector.split_once("/?token=").unwrap();
        let page = page.trim_start_matches("http://").parse().unwrap();
        Marked { running, address, url, page, token: token.to_owned() }
    }

    /// What the page gets for a request.
    fn asks(&self, method: &str, path: &str, body: &str) -> String {
        let (page, token, port) = (self.page, &self.token, self.page.port());
        let reply = exchange(
            page,
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\
                 Cookie: inspector_{port}={token}\r\nX-Inspector: 1\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        assert!(reply.status < 500, "{method} {path}: {reply:?}");
        format!("{}\r\n\r\n{}", reply.head, reply.body)
    }
}

#[test]
fn reports_the_inbox_the_page_and_bundles_hold_no_key() {
    let place = Sandbox::new();
    let work = place.work();
    // It expects of an endpoint what no sound one does, so that a case fails.
    let case = "group = \"g\"\n[[case]]\nid = \"refuses\"\ntitle = \"t\"\nmake = [\"success\", \
                \"sign\"]\nexpect = \"refused\"\nwhy = \"w\"\nfix = \"f\"\n";
    fs::create_dir(work.join("suite")).unwrap();
    fs::write(work.join("suite/own.toml"), case).unwrap();
    let listener = Marked::start(&work);
    let url = listener.url.as_str();
    let run = |arguments: &[&str], codes: &[i32]| {
        let output = payout_notify(arguments).key(MARKED).in_folder(&work).run();
        holds_no_key("stdout", output.stdout.as_bytes());
        holds_no_key("stderr", output.stderr.as_bytes());
        assert!(codes.contains(&output.code), "{output}");
    };
    // A right one, a forged one, one that is none, and one signed under a key with a newline.
    exchange(listener.address, json_post(&signed_under(MARKED, &signed_success())));
    exchange(listener.address, json_post(WRONG));
    exchange(listener.address, json_post("{"));
    let newline = signed_under(&format!("{MARKED}\n"), &signed_success());
    exchange(listener.address, json_post(&newline));
    run(
        &[
            "simulate",
            url,
            "--count",
            "3",
            "--schedule",
            "1ms",
            "--retries",
            "1",
            "--journal",
            "journal",
            "--report",
            "json=run.json",
            "--report",
            "junit=run.xml",
            "--report",
            "html=run.html",
            "--report",
            "ndjson=run.ndjson",
        ],
        &[0],
    );
    run(
        &[
            "check",
            url,
            "--only",
            "refuses,auth-no-sign",
            "--suite",
            "suite",
            "--bundle",
            "bundles",
            "--report",
            "json=c.json",
            "--report",
            "junit=c.xml",
            "--report",
            "tap=c.tap",
            "--report",
            "sarif=c.sarif",
            "--report",
            "html=c.html",
            "--report",
            "github=c.github",
        ],
        &[1],
    );
    run(&["check", url, "--only", "auth-no-sign", "--format", "json"], &[0]);
    for path in [
        "/",
        "/api/state",
        "/api/callbacks",
        "/api/callbacks/1",
        "/api/callbacks/2",
        "/api/callbacks/4?whole=1",
    ] {
        holds_no_key(path, listener.asks("GET", path, "").as_bytes());
    }
    let order = format!("{{\"id\":1,\"url\":\"{url}\",\"text\":\"{{\\\"a\\\":1}}\"}}");
    for path in ["/api/sign", "/api/curl", "/api/replay"] {
        holds_no_key(path, listener.asks("POST", path, &order).as_bytes());
    }
    for arguments in [
        &["inbox", "list"][..],
        &["inbox", "list", "--format", "json"],
        &["inbox", "show", "4"],
        &["inbox", "show", "4", "--format", "json"],
        &["inbox", "diff", "1", "4"],
        &["inbox", "export"],
        &["inbox", "export", "--print", "http"],
        &["inbox", "export", "--print", "curl"],
        &["inbox", "replay", "1", "--to", url, "--resign"],
    ] {
        let codes: &[i32] = if arguments[1] == "show" { &[1] } else { &[0, 1] };
        let inbox = [arguments, &["--inbox", "inbox.db"]].concat();
        run(&inbox, codes);
    }
    // While the listener still holds the inbox open, and after.
    let kept = place.files();
    assert!(kept.iter().any(|(path, ..)| path.ends_with("inbox.db-wal")), "{kept:?}");
    listener.running.interrupt();
    let (output, own) = listener.running.end_with_folders();
    hidden(&output, &own, &[]);
    for (path, mode, bytes) in kept.into_iter().chain(place.files()) {
        holds_no_key(&path.display().to_string(), &bytes);
        let given = path.ends_with("own.toml");
        assert!(given || mode & 0o077 == 0, "{} is {mode:o}", path.display());
    }
    for file in ["run.html", "c.html", "journal", "inbox.db", "bundles"] {
        assert!(work.join(file).exists(), "{file}");
    }
}
