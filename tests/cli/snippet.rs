//! Every snippet whose interpreter is here, on every vector and behind a socket.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Instant;

use crate::harness::{
    DEADLINE, HttpReply, KEY, PAUSE, Sandbox, exchange, fixture, payout_notify, signed,
    signed_success,
};

/// A language: its name here, its file, what makes a program of it, and what runs that.
struct Language {
    name: &'static str,
    file: &'static str,
    build: &'static [&'static str],
    run: &'static [&'static str],
}

const PHP: Language =
    Language { name: "php", file: "notify.php", build: &[], run: &["php", "notify.php"] };
const NODE: Language =
    Language { name: "node", file: "notify.mjs", build: &[], run: &["node", "notify.mjs"] };
const PYTHON: Language =
    Language { name: "python", file: "notify.py", build: &[], run: &["python3", "notify.py"] };
const GO: Language = Language {
    name: "go",
    file: "notify.go",
    build: &["go", "build", "-o", "notify", "notify.go"],
    run: &["./notify"],
};
const JAVA: Language = Language {
    name: "java",
    file: "Notify.java",
    build: &["javac", "Notify.java"],
    run: &["java", "Notify"],
};
// Mono's compiler takes a lone file; dotnet wants a project around it, and a place to restore from.
const CSHARP: Language = Language {
    name: "csharp",
    file: "Notify.cs",
    build: &["mcs", "-langversion:latest", "Notify.cs"],
    run: &["mono", "Notify.exe"],
};

/// Siblings that differ in everything that a scheme says.
const DIALECTS: [&str; 5] = ["platform", "fork", "wechat-v2", "tokenpay", "pockyt"];

impl Language {
    /// Whether its programs are on this machine; a test without them says so and ends.
    fn is_here(&self) -> bool {
        let is_found = |program: &str| {
            std::env::var_os("PATH").is_some_and(|path| {
                std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
            })
        };
        let found = [self.build, self.run]
            .iter()
            .filter_map(|words| words.first())
            .all(|program| program.starts_with("./") || is_found(program));
        if !found {
            println!("skipped: no {}", self.name);
        }
        found
    }

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
    if !language.is_here() {
        return;
    }
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
    child: Child,
    address: SocketAddr,
    _sandbox: Sandbox,
}

impl Merchant {
    fn start(language: &Language, arguments: &[&str]) -> Merchant {
        let sandbox = Sandbox::new();
        let folder = sandbox.work();
        language.write(&folder, arguments);
        // Free a moment ago: PHP's server cannot tell which port it took.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = free.to_string();
        let words = match language.name {
            "php" => vec!["php", "-S", &at, language.file],
            _ => language.run.to_vec(),
        };
        let mut command = Language::command(&words, &folder);
        command.env("PAYOUT_NOTIFY_KEY", KEY);
        command.env("PORT", free.port().to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        if let Some(stdout) = child.stdout.take() {
            // Nobody waits for what a merchant prints.
            thread::spawn(move || BufReader::new(stdout).lines().count());
        }
        let merchant = Merchant { child, address: free, _sandbox: sandbox };
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

impl Drop for Merchant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The snippet as a server: it acknowledges what is signed, and nothing else.
fn serves(language: &Language) {
    if !language.is_here() {
        return;
    }
    let merchant = Merchant::start(language, &[]);
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

#[test]
fn php_passes_every_vector() {
    passes_every_vector(&PHP);
}

#[test]
fn node_passes_every_vector() {
    passes_every_vector(&NODE);
}

#[test]
fn python_passes_every_vector() {
    passes_every_vector(&PYTHON);
}

#[test]
fn go_passes_every_vector() {
    passes_every_vector(&GO);
}

#[test]
fn java_passes_every_vector() {
    passes_every_vector(&JAVA);
}

#[test]
fn csharp_passes_every_vector() {
    passes_every_vector(&CSHARP);
}

#[test]
fn php_serves() {
    serves(&PHP);
}

#[test]
fn node_serves() {
    serves(&NODE);
}

#[test]
fn python_serves() {
    serves(&PYTHON);
}

#[test]
fn go_serves() {
    serves(&GO);
}

#[test]
fn csharp_serves() {
    serves(&CSHARP);
}

#[test]
fn java_serves() {
    serves(&JAVA);
}

#[test]
fn the_languages_are_listed_and_a_wrong_one_is_a_matter_of_usage() {
    let list = payout_notify(&["snippet"]).run().exits(0);
    list.says(&["php", "node", "python", "go", "java", "csharp"]);
    payout_notify(&["snippet", "cobol"]).run().exits(2).remarks(&["csharp"]);
    payout_notify(&["snippet", "go", "--dialect", "epay", "--require", "sha256"]).run().exits(2);
}

#[test]
fn a_key_is_never_in_a_snippet() {
    for language in ["php", "node", "python", "go", "java", "csharp"] {
        let shown = payout_notify(&["snippet", language]).key("SecretOfTheShop").run().exits(0);
        shown.says(&["PAYOUT_NOTIFY_KEY"]).hides("SecretOfTheShop");
    }
}
