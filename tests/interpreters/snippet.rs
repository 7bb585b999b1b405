//! Every snippet on every vector and behind a socket.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use crate::harness::{
    DEADLINE, Group, HttpReply, KEY, PAUSE, Sandbox, exchange, fixture, free_port, payout_notify,
    signed, signed_success,
};
use crate::need::{GO, JAVA, JAVAC, MCS, MONO, NODE, PHP, PYTHON, list};

list! {
    php_passes_every_vector [PHP]
    node_passes_every_vector [NODE]
    python_passes_every_vector [PYTHON]
    go_passes_every_vector [GO]
    java_passes_every_vector [JAVAC, JAVA]
    csharp_passes_every_vector [MCS, MONO]
    php_serves [PHP]
    node_serves [NODE]
    python_serves [PYTHON]
    go_serves [GO]
    csharp_serves [MCS, MONO]
    java_serves [JAVAC, JAVA]
}

/// A language: its name here, its file, what makes a program of it, and what runs that.
struct Language {
    name: &'static str,
    file: &'static str,
    build: &'static [&'static str],
    run: &'static [&'static str],
}

const IN_PHP: Language =
    Language { name: "php", file: "notify.php", build: &[], run: &["php", "notify.php"] };
const IN_NODE: Language =
    Language { name: "node", file: "notify.mjs", build: &[], run: &["node", "notify.mjs"] };
const IN_PYTHON: Language =
    Language { name: "python", file: "notify.py", build: &[], run: &["python3", "notify.py"] };
const IN_GO: Language = Language {
    name: "go",
    file: "notify.go",
    build: &["go", "build", "-o", "notify", "notify.go"],
    run: &["./notify"],
};
const IN_JAVA: Language = Language {
    name: "java",
    file: "Notify.java",
    build: &["javac", "Notify.java"],
    run: &["java", "Notify"],
};
const IN_CSHARP: Language = Language {
    name: "csharp",
    file: "Notify.cs",
    build: &["mcs", "-langversion:latest", "Notify.cs"],
    run: &["mono", "Notify.exe"],
};

/// Siblings that differ in everything that a scheme says.
const DIALECTS: [&str; 5] = ["platform", "fork", "wechat-v2", "tokenpay", "pockyt"];

impl Language {
    /// A program in a folder that holds the snippet.
    fn command(words: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(folder).env("HOME", folder);
        // What is compiled of Go's library is the same for every test.
        command.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
        command.env_remove("PAYOUT_NOTIFY_KEY").stdin(Stdio::null());
        command
    }

    /// Puts the snippet of a dialect into a folder, ready to run.
    fn write(&self, folder: &Path, arguments: &[&str]) {
        let mut all = vec!["snippet", self.name];
        all.extend(arguments);
        let text = payout_notify(&all).run().exits(0).stdout;
        fs::write(folder.join(self.file), text).unwrap();
        if !self.build.is_empty() {
            let built = Language::command(self.build, folder).output().unwrap();
            assert!(built.status.success(), "{}: {built:?}", self.name);
        }
    }

    /// Runs the snippet's own test with these vectors.
    fn test(&self, folder: &Path, vectors: &[&str]) -> Output {
        Language::command(self.run, folder).args(vectors).output().unwrap()
    }
}

fn write_vectors(folder: &Path, arguments: &[&str]) {
    let mut all = vec!["snippet", "--print", "vectors"];
    all.extend(arguments);
    fs::write(folder.join("own.json"), payout_notify(&all).run().exits(0).stdout).unwrap();
}

#[track_caller]
fn assert_ok(output: &Output, least: usize, shown: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let checks = text.strip_prefix("ok: ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let enough = checks.is_some_and(|checks: usize| checks >= least);
    assert!(output.status.success() && enough, "{shown}: {output:?}");
}

/// The snippet on the published vectors and on those of every dialect; and on wrong ones.
fn passes_every_vector(language: &Language) {
    let sandbox = Sandbox::new();
    let folder = &sandbox.work();
    let published = ["signatures.json", "near-misses.json"];
    for name in published {
        fs::write(folder.join(name), fixture(&format!("vectors/{name}"))).unwrap();
    }
    for dialect in DIALECTS {
        language.write(folder, &["--dialect", dialect]);
        write_vectors(folder, &["--dialect", dialect]);
        assert_ok(&language.test(folder, &["own.json"]), 60, dialect);
        if dialect != "platform" {
            continue;
        }
        assert_ok(&language.test(folder, &published), 190, "the published vectors");
        let wrong = fixture("vectors/signatures.json").replace("\"md5\": \"", "\"md5\": \"0");
        fs::write(folder.join("wrong.json"), wrong).unwrap();
        assert_eq!(language.test(folder, &["wrong.json"]).status.code(), Some(1));
    }
    let required = ["--require", "hmac-sha256"];
    language.write(folder, &required);
    write_vectors(folder, &required);
    assert_ok(&language.test(folder, &["own.json"]), 60, "hmac-sha256 alone");
}

/// A merchant that runs a snippet, ended with the value.
struct Merchant {
    _group: Group,
    address: SocketAddr,
    _sandbox: Sandbox,
}

impl Merchant {
    fn start(language: &Language, arguments: &[&str], keys: [&str; 2]) -> Merchant {
        let sandbox = Sandbox::new();
        let folder = sandbox.work();
        language.write(&folder, arguments);
        // PHP's server cannot tell which port it took.
        let free = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let at = free.to_string();
        let words = match language.name {
            "php" => vec!["php", "-S", &at, language.file],
            _ => language.run.to_vec(),
        };
        let mut command = Language::command(&words, &folder);
        command.env("PAYOUT_NOTIFY_KEY", keys[0]).env("PAYOUT_NOTIFY_RETIRED_KEY", keys[1]);
        command.env("PORT", free.port().to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = Group::start(&mut command).unwrap();
        if let Some(stdout) = group.leader().stdout.take() {
            // Nobody waits for what a merchant prints.
            thread::spawn(move || BufReader::new(stdout).lines().count());
        }
        let merchant = Merchant { _group: group, address: free, _sandbox: sandbox };
        let start = Instant::now();
        while TcpStream::connect(free).is_err() {
            assert!(start.elapsed() < DEADLINE, "{} does not listen", language.name);
            thread::sleep(PAUSE);
        }
        merchant
    }

    fn post(&self, body: &str) -> HttpReply {
        self.send("POST", "application/json;charset=utf-8", body)
    }

    fn send(&self, method: &str, kind: &str, body: &str) -> HttpReply {
        let head = format!(
            "{method} / HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}",
            self.address,
            body.len()
        );
        exchange(self.address, format!("{head}\r\nConnection: close\r\n\r\n{body}"))
    }
}

/// The snippet as a server: it acknowledges what is signed, and nothing else.
fn serves(language: &Language) {
    let merchant = Merchant::start(language, &[], [KEY, ""]);
    let good = signed_success();
    let acknowledged = |reply: HttpReply| {
        assert!(reply.body.contains("error_code"), "{}: {reply:?}", language.name);
        (200..300).contains(&reply.status) && reply.body.contains("\"0000\"")
    };
    assert!(acknowledged(merchant.post(&good)), "{}", language.name);
    assert!(acknowledged(merchant.post(&good)), "a duplicate, {}", language.name);
    for body in hostile(&good) {
        let shown = body.chars().take(300).collect::<String>();
        assert!(!acknowledged(merchant.post(&body)), "{}: {shown}", language.name);
    }
    for (method, kind) in [("GET", "application/json"), ("POST", "text/plain"), ("PUT", "a/b")] {
        assert!(!acknowledged(merchant.send(method, kind, &good)), "{method} {kind}");
    }
    let other_kind = "Application/JSON; charset=\"UTF-8\"; x=y";
    assert!(acknowledged(merchant.send("POST", other_kind, &good)), "{}", language.name);
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: \
         chunked\r\nConnection: close\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        merchant.address,
        &good[..5],
        good.len() - 5,
        &good[5..]
    );
    assert!(acknowledged(exchange(merchant.address, chunked)), "chunked, {}", language.name);
    let failure = signed(&fixture("withdraw-notification.json").replace(
        "\"status\":2",
        "\"status\":5,\"error_msg\":\"\",\"memo\":{\"a\":[1.10,\"\\u4e2d\\/\"]}",
    ));
    assert!(acknowledged(merchant.post(&failure)), "a failed payout, {}", language.name);
    let of = |key: &str| payout_notify(&["sign"]).key(key).stdin(&good).run().exits(0).stdout;
    let (other, third) = (of("AnotherKey456"), of("a third key"));
    assert!(!acknowledged(merchant.post(&other)), "another key, {}", language.name);
    drop(merchant);
    let merchant = Merchant::start(language, &[], ["AnotherKey456", KEY]);
    for (body, accepted) in [(&other, true), (&good, true), (&third, false)] {
        assert_eq!(acknowledged(merchant.post(body)), accepted, "two keys, {}", language.name);
    }
}

/// Bodies that no merchant may acknowledge.
fn hostile(good: &str) -> Vec<String> {
    let at = good.find("\"sign\"").unwrap();
    let digest = good[at..].split('"').nth(3).unwrap();
    let with_sign = |sign: &str| good.replace(&format!("\"{digest}\""), sign);
    let open = good.trim_end().strip_suffix('}').unwrap();
    let mut bodies: Vec<String> = ["true", "\"\"", "null", "0", "[]", "{}", "\"0e1\""]
        .into_iter()
        .map(with_sign)
        .chain([
            with_sign(&format!("[\"{digest}\"]")),
            with_sign(&format!("\"{}\"", digest.to_uppercase())),
            with_sign(&format!("\"{digest}\\u0000\"")),
            with_sign(&format!("\" {digest}\"")),
            good.replacen("\"sign\"", "\"Sign\"", 1),
            good.replace("400000", "400001"),
            format!("{open},\"amount\":400000}}"),
            format!("{open},\"\\u0061mount\":400000}}"),
            format!("{open},\"sign\":\"{digest}\"}}"),
            format!("{open},\"memo\":\"x\"}}"),
            format!("{open},\"sign_type\":\"HMAC-SHA256\"}}"),
            format!("{open},\"sign_type\":5}}"),
            open.to_owned(),
            format!("{open},}}"),
            format!("{good}x"),
            format!("\u{feff}{good}"),
            format!("[{good}]"),
            String::new(),
            "[".repeat(60_000),
            format!("{{\"a\":{}", "{\"a\":".repeat(20_000)),
            " ".repeat(70_000) + good,
        ])
        .collect();
    // The same signature, with the fee hidden in another value.
    let twin = good.replace("\"fee\":3200,", "");
    let twin =
        twin.replace("\"create_time\":1567614049", "\"create_time\":\"1567614049&fee=3200\"");
    assert_ne!(twin, good);
    bodies.push(twin);
    bodies
}

fn php_passes_every_vector() {
    passes_every_vector(&IN_PHP);
}

fn node_passes_every_vector() {
    passes_every_vector(&IN_NODE);
}

fn python_passes_every_vector() {
    passes_every_vector(&IN_PYTHON);
}

fn go_passes_every_vector() {
    passes_every_vector(&IN_GO);
}

fn java_passes_every_vector() {
    passes_every_vector(&IN_JAVA);
}

fn csharp_passes_every_vector() {
    passes_every_vector(&IN_CSHARP);
}

fn php_serves() {
    serves(&IN_PHP);
}

fn node_serves() {
    serves(&IN_NODE);
}

fn python_serves() {
    serves(&IN_PYTHON);
}

fn go_serves() {
    serves(&IN_GO);
}

fn csharp_serves() {
    serves(&IN_CSHARP);
}

fn java_serves() {
    serves(&IN_JAVA);
}
