//! A key in what comes from outside: put into every input, looked for in every output.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Output, Running, Sandbox, address_in, exchange, payout_notify};

mod spellings;
mod words;

use spellings::*;

/// A plain key, and one of whose characters each encoding escapes another part.
const KEYS: [&str; 2] = ["ThisIsYourSecretKey123", "a&b +%\"\\é k/y'"];

/// The key must not be in this text in any spelling, in upper or lower case.
#[track_caller]
fn holds_no(key: &str, place: &str, text: &str) {
    let lower = text.to_lowercase();
    // A part that was cut off reveals most of it.
    let letters: Vec<char> = key.chars().collect();
    let parts = [&letters[..8], &letters[letters.len() - 8..]].map(|part| part.iter().collect());
    for spelling in spellings(key).into_iter().chain(parts) {
        if let Some(at) = lower.find(&spelling.to_lowercase()) {
            let near: String = lower[..at].chars().rev().take(300).collect();
            let near: String = near.chars().rev().collect();
            panic!("{place} shows the key as {spelling}: {near}{spelling}");
        }
    }
}

/// A line of JSON without the bodies that are passed on unchanged.
fn without_body(line: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    if value["type"] == "callback" || value["type"] == "inbox-entry" {
        value["body"] = Value::Null;
        value["body_base64"] = Value::Null;
    }
    value.to_string()
}

#[track_caller]
fn shows_no(key: &str, place: &str, output: &Output) {
    let answer: Vec<String> = output.stdout.lines().map(without_body).collect();
    holds_no(key, &format!("stdout of {place}"), &answer.join("\n"));
    holds_no(key, &format!("stderr of {place}"), &output.stderr);
    for line in output.stdout.lines().filter(|line| line.contains("\"schema_version\"")) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{place} breaks its JSON: {line}");
    }
}

/// A merchant that answers whatever comes with one reply.
struct Repeating {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Repeating {
    fn saying(reply: &str) -> Repeating {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(AtomicBool::new(false));
        let (stop, reply) = (closing.clone(), reply.to_owned());
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let reply = reply.clone();
                thread::spawn(move || answer(stream.unwrap(), &reply));
            }
        });
        Repeating { address, closing, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Repeating {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut stream: TcpStream, reply: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let header = line.to_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let _ = reader.take(length).read_to_end(&mut Vec::new());
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{reply}", reply.len());
}

/// Payloads with the key in each name and value, in several encodings.
fn payloads(key: &str) -> Vec<String> {
    let all = spellings(key).join("|");
    let with = |sign: &str| {
        json!({
            "payout_id": key, "payout_cl_id": format!("x{key}"), "platform_id": key, "amount": key,
            "real_amount": 1, "fee": key, "status": 3, "create_time": key, "update_time": 5,
            "memo": all, (format!("n{key}")): "v", "list": [key, {(key): key}], "error_msg": key,
            "sign_type": "MD5", "sign": sign,
        })
    };
    let quoted = Value::from(key);
    vec![
        with(key).to_string(),
        with("00000000000000000000000000000000").to_string().replace('/', "\\/"),
        with("x").to_string().replace("\"status\":3", &format!("\"status\":{quoted}")),
        with("x").to_string().replace("\"MD5\"", &quoted.to_string()),
        format!("memo={0}&{0}=1&sign={0}", in_url(key)),
        format!("{{{quoted}:1,{quoted}:2}}"),
        format!("{{\"a\":{quoted} x}}"),
    ]
}

/// What `verify` and `sign` print, but for the signed body itself.
const READING: &[&str] = &[
    "verify",
    "verify --format json",
    "verify --explain --strict --show-expected",
    "verify --explain --strict --show-expected --format json",
    "verify --lines",
    "verify --lines --format json",
    "sign --print canonical",
    "sign --print sign",
    "sign --lines --print canonical",
];

#[test]
fn no_field_of_a_payload_shows_the_key() {
    for key in KEYS {
        for payload in payloads(key) {
            for command in READING {
                let arguments: Vec<&str> = command.split(' ').collect();
                let output = payout_notify(&arguments).key(key).stdin(format!("{payload}\n")).run();
                shows_no(key, command, &output);
            }
        }
    }
}

/// Commands with `K` for the key and `U` for the key in a URL, each run for a person and for a
/// program, with the key known and, where a key's flag has it, without.
const ARGUMENTS: &[&[&str]] = &[
    &["K"],
    &["--K"],
    &["verify", "K"],
    &["verify", "--K"],
    &["verify", "--key-file", "K"],
    &["verify", "--key-file=K", "--nonsense"],
    &["verify", "--key-file", "/nowhere/K"],
    &["verify", "--other-key-file", "K", "--key", "another-key"],
    &["verify", "--key", "K", "--K"],
    &["verify", "--key=K", "--require", "K"],
    &["verify", "--require", "K"],
    &["verify", "--profile", "K"],
    &["verify", "--dialect", "K"],
    &["sign", "K"],
    &["sign", "--sign-type", "K"],
    &["sign", "--set", "K"],
    &["sign", "--print", "curl", "--url", "http://h/U?k=U"],
    &["simulate", "K"],
    &["simulate", "K://x"],
    &["simulate", "http://127.0.0.1:1/U?k=U", "--retries", "0"],
    &["simulate", "http://127.0.0.1:1/U", "--retries", "0", "--header", "X-K: U"],
    &["simulate", "http://127.0.0.1:1/", "--retries", "0", "--header", "K"],
    &["simulate", "http://127.0.0.1:1/U", "--dry-run", "--set-str", "payout_id=K"],
    &["simulate", "http://127.0.0.1:1/", "--from", "K"],
    &["simulate", "http://127.0.0.1:1/", "--count", "K"],
    &["simulate", "http://127.0.0.1:1/", "--count", "2", "--journal", "/nowhere/K"],
    &["simulate", "http://127.0.0.1:1/", "--count", "2", "--report", "html=/nowhere/K"],
    &["simulate", "http://127.0.0.1:1/", "--count", "2", "--mix", "K"],
    &["simulate", "http://127.0.0.1:1/", "--schedule", "K"],
    &["simulate", "http://127.0.0.1:1/", "--proxy", "K", "--retries", "0"],
    &["simulate", "http://127.0.0.1:1/", "--proxy", "http://U:U@127.0.0.1:1/U", "--retries", "0"],
    &["simulate", "http://127.0.0.1:1/", "--proxy", "http://U.invalid:1", "--retries", "0"],
    &["simulate", "http://127.0.0.1:1/", "--proxy", "socks5://U:1", "--count", "2"],
    &["check", "http://127.0.0.1:1/", "--proxy", "http://x:U@127.0.0.1:1", "--only", "ack-success"],
    &["listen", "--bind", ":0", "--for", "10ms", "--forward-to", "http://h/", "--proxy", "U:1"],
    &["inbox", "replay", "latest", "--to", "http://127.0.0.1:1/", "--proxy", "http://U@U:1"],
    &["simulate", "http://127.0.0.1:1/", "--cacert", "K"],
    &["check", "K"],
    &["check", "http://127.0.0.1:1/?k=U", "--only", "reach-connect", "--timeout", "1s"],
    &["check", "http://127.0.0.1:1/", "--only", "K"],
    &["check", "http://127.0.0.1:1/", "--suite", "K"],
    &["check", "http://127.0.0.1:1/", "--replay", "K"],
    &["check", "http://127.0.0.1:1/", "--report", "K"],
    &["listen", "--bind", "K"],
    &["listen", "--bind", ":0", "--for", "10ms", "--inbox", "/nowhere/K"],
    &["listen", "--bind", ":0", "--for", "10ms", "--reply", "K"],
    &["listen", "--bind", ":0", "--for", "10ms", "--forward-to", "K"],
    &["listen", "--bind", ":0", "--for", "10ms", "--forward-to", "http://127.0.0.1:1/U"],
    &["listen", "--bind", ":0", "--for", "10ms", "--tls-cert", "K", "--tls-key", "K"],
    &["inbox", "list", "--inbox", "K"],
    &["inbox", "show", "K"],
    &["inbox", "delete", "K"],
    &["inbox", "prune", "--keep", "K"],
    &["inbox", "list", "--since", "K"],
    &["inbox", "replay", "latest", "--to", "K"],
    &["dialects", "K"],
    &["dialects", "learn", "K"],
    &["dialects", "learn", "--id", "K"],
    &["schedule", "K"],
    &["completions", "K"],
    &["mcp", "K"],
    &["snippet", "K"],
    &["snippet", "python", "--dialect", "K"],
    &["export", "K", "--to", "k6"],
    &["export", "http://127.0.0.1:1/", "--to", "K"],
    &["config", "show", "--profile", "K"],
    &["config", "init", "--timeout", "K"],
    &["config", "K"],
    &["demo", "K"],
];

#[test]
fn no_argument_is_repeated_with_the_key_in_it() {
    for key in KEYS {
        for row in ARGUMENTS {
            let in_place = |word: &&str| word.replace('K', key).replace('U', &in_url(key));
            let arguments: Vec<String> = row.iter().map(in_place).collect();
            let place = row.join(" ");
            for format in [&[][..], &["--format", "json"]] {
                let program =
                    || format.iter().fold(payout_notify(&arguments), |it, word| it.arg(word));
                shows_no(key, &place, &program().key(key).stdin("{}").run());
                if row.iter().any(|word| word.starts_with("--key") || word.contains("key-file")) {
                    shows_no(key, &place, &program().stdin("{}").run());
                }
            }
        }
    }
}

#[test]
fn a_key_given_as_a_file_name_is_refused_with_the_way_to_give_it() {
    for (flag, key) in [("--key-file", None), ("--other-key-file", Some("another-key"))] {
        let mut program = payout_notify(&["verify", flag, KEYS[0]]).stdin("{}");
        if let Some(key) = key {
            program = program.key(key);
        }
        let output = program.run().exits(3).hides(KEYS[0]);
        output.remarks(&[flag, "cannot read the key file", "PAYOUT_NOTIFY_KEY"]);
    }
    for setting in ["key_file", "key_env"] {
        let settings = format!("[profile.p]\n{setting} = \"{}\"\n", KEYS[0]);
        for command in
            [&["verify"][..], &["config", "show"], &["config", "show", "--format", "json"]]
        {
            let program = payout_notify(command).arg("--profile").arg("p").stdin("{}");
            let home = Sandbox::new();
            let folder = home.work().join("payout-notify");
            std::fs::create_dir_all(&folder).unwrap();
            for name in ["config.toml", "payout-notify.toml"] {
                std::fs::write(folder.join(name), &settings).unwrap();
            }
            let output = program.env("XDG_CONFIG_HOME", home.work()).run().hides(KEYS[0]);
            assert!(output.stderr.contains(setting) || command[0] == "config", "{output}");
        }
    }
}

/// What a merchant under development says.
fn replies(key: &str) -> Vec<String> {
    let quoted = Value::from(key);
    let mut found: Vec<String> = spellings(key);
    found.push(format!("{{\"error_code\":{quoted},\"error_msg\":{quoted}}}"));
    found.push(format!(
        "{{\"error_code\":\"0001\",\"error_msg\":\"{}{}\"}}",
        "x".repeat(60),
        in_json(key)
    ));
    found.push(format!("{{{quoted}:1,{quoted}:2}}"));
    found.push(format!("{{\"error_code\":\"0000\",{quoted}:{quoted}}}"));
    found.push(format!("<html><body>{key}</body></html>"));
    found
}

/// The reports of a run of many orders, and of a check.
const RUN_REPORTS: &str =
    "--report json=r.json --report html=r.html --report junit=r.xml --report ndjson=r.ndjson";
const CHECK_REPORTS: &str = "--report json=c.json --report html=c.html --report junit=c.xml \
                             --report tap=c.tap --report sarif=c.sarif --report github=c.github --bundle b";

#[track_caller]
fn files_hold_no(key: &str, folder: &Path, least: usize) {
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && (name.starts_with("r.") || name.starts_with("c.")) {
            let text = std::fs::read_to_string(&path).unwrap();
            holds_no(key, &name, &text);
            if name.ends_with(".json") || name.ends_with(".sarif") {
                serde_json::from_str::<Value>(&text).unwrap();
            }
            read += 1;
        }
    }
    assert!(read >= least, "{read} files");
}

#[test]
fn no_reply_shows_the_key_in_a_run_or_its_reports() {
    for key in KEYS {
        let csv = key.replace('"', "\"\"");
        let rows: String =
            (1..3).map(|n| format!("\"{csv}{n}\",\"{csv}\",y,1,1,0,3,1,1\n")).collect();
        let orders = format!(
            "payout_id,payout_cl_id,platform_id,amount,real_amount,fee,status,create_time,update_time\n{rows}"
        );
        for (index, reply) in replies(key).iter().enumerate() {
            let merchant = Repeating::saying(reply);
            let url = merchant.url(&in_url(key));
            // Each reply has the key in another spelling, so one of both forms is enough for each.
            let format = ["human", "json"][index % 2];
            let one = format!("--retries 1 --schedule 1ms --format {format}");
            let one =
                one.split(' ').fold(payout_notify(&["simulate", &url]), |it, word| it.arg(word));
            shows_no(key, "simulate", &one.key(key).run());
            let many = format!("--from o.csv --retries 0 --format {format} {RUN_REPORTS}");
            let many =
                many.split(' ').fold(payout_notify(&["simulate", &url]), |it, word| it.arg(word));
            let (output, folders) = many.key(key).file("o.csv", &orders).start().end_with_folders();
            shows_no(key, "simulate --from", &output);
            files_hold_no(key, &folders.work(), 4);
        }
    }
}

#[test]
fn no_reply_shows_the_key_in_a_check_or_its_reports() {
    for key in KEYS {
        for reply in &replies(key)[spellings(key).len() - 1..] {
            let merchant = Repeating::saying(reply);
            let url = format!("{}?k={}", merchant.url(&in_url(key)), in_url(key));
            for format in ["human", "json"] {
                let only = "reach-connect,ack-success,auth-no-sign";
                let rest = format!("--only {only} --timeout 2s --format {format} {CHECK_REPORTS}");
                let check =
                    rest.split(' ').fold(payout_notify(&["check", &url]), |it, word| it.arg(word));
                let check = check.arg("--header").arg(format!("X-K: {}", in_url(key)));
                let (output, folders) = check.key(key).start().end_with_folders();
                shows_no(key, "check", &output);
                files_hold_no(key, &folders.work(), 6);
            }
        }
    }
}

/// A request with the key in its path, query, headers and body.
fn request(key: &str, payload: &str) -> String {
    let name: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "POST /{0}?a={1}&b={2} HTTP/1.1\r\nHost: merchant\r\nConnection: close\r\n\
         Content-Type: application/json\r\nX-{name}: {key}\r\nCookie: a={0}\r\n\
         Authorization: Basic {3}\r\nContent-Length: {4}\r\n\r\n{payload}",
        in_url(key),
        in_url(key).replace("%20", "+"),
        percent(key, |_| false),
        STANDARD.encode(format!("u:{key}")),
        payload.len(),
    )
}

fn asks(page: SocketAddr, token: &str, method: &str, path: &str, body: &str) -> String {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\
         Cookie: inspector_{}={token}\r\nX-Inspector: 1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        page.port(),
        body.len()
    );
    let reply = exchange(page, head);
    assert!(reply.status < 500, "{method} {path}: {reply:?}");
    format!("{}\r\n\r\n{}", reply.head, reply.body)
}

#[track_caller]
fn page_shows_no(key: &str, ready: &Value, target: &str) {
    let inspector = ready["inspector"].as_str().unwrap().trim_start_matches("http://");
    let (page, token) = inspector.split_once("/?token=").unwrap();
    let page: SocketAddr = page.parse().unwrap();
    let text = json!({ "a": key }).to_string();
    let order =
        json!({"id": 1, "url": format!("{target}{}", in_url(key)), "text": text}).to_string();
    for path in
        ["/", "/api/state", "/api/callbacks", "/api/callbacks/1", "/api/callbacks/2?whole=1"]
    {
        holds_no(key, path, &asks(page, token, "GET", path, ""));
    }
    for path in ["/api/sign", "/api/curl", "/api/replay"] {
        holds_no(key, path, &asks(page, token, "POST", path, &order));
    }
}

/// A listener and the address on which it takes callbacks.
fn listener(key: &str, folder: &Path, arguments: &[&str]) -> (Running, Option<Value>, SocketAddr) {
    let program = payout_notify(&["listen", "--bind", "127.0.0.1:0", "--inbox", "i.db"]);
    let program = arguments.iter().fold(program, |program, word| program.arg(word));
    let running = program.key(key).in_folder(folder).start();
    let first = running.line();
    let ready: Option<Value> = serde_json::from_str(&first).ok();
    let address = address_in(&first);
    (running, ready, address)
}

#[test]
fn no_callback_shows_the_key_in_the_listener_its_page_or_the_inbox() {
    for key in KEYS {
        let folder = Sandbox::new();
        let work = folder.work();
        let app = Repeating::saying(&json!({"error_code": key, "m": key}).to_string());
        let forward = app.url(&in_url(key));
        let json = ["--format", "json", "--inspect", "--forward-to", forward.as_str()];
        for arguments in [&["-vv"][..], &json] {
            let (running, ready, address) = listener(key, &work, arguments);
            for payload in payloads(key) {
                exchange(address, request(key, &payload));
            }
            ready.iter().for_each(|ready| page_shows_no(key, ready, &app.url("")));
            running.interrupt();
            shows_no(key, "listen", &running.end());
        }
        inbox_shows_no(key, &work, &app);
    }
}

#[track_caller]
fn inbox_shows_no(key: &str, work: &Path, app: &Repeating) {
    let to = app.url(&in_url(key));
    let run = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let program = payout_notify(&arguments).arg("--inbox").arg("i.db").in_folder(work);
        program.key(key).run()
    };
    for format in ["human", "json"] {
        for line in [
            "inbox list".to_owned(),
            "inbox show 1".to_owned(),
            "inbox show 5".to_owned(),
            "inbox show latest".to_owned(),
            "inbox diff 1 2".to_owned(),
            "inbox diff 1 5".to_owned(),
            "inbox diff 3 4".to_owned(),
            format!("inbox replay 1 --to {to}"),
            format!("inbox replay 1 2 --resign --to {to}"),
        ] {
            let output = run(&format!("{line} --format {format}"));
            assert!(output.code < 2, "{line}: {output}");
            shows_no(key, &line, &output);
        }
    }
    shows_no(key, "inbox export", &run("inbox export"));
    for form in ["http", "curl"] {
        let output = run(&format!("inbox export --print {form}"));
        let is_body = |line: &&str| line.starts_with(['{', 'm']) || line.contains("--data");
        let rest: Vec<&str> = output.stdout.lines().filter(|line| !is_body(line)).collect();
        assert!(rest.len() > 10, "{output}");
        holds_no(key, form, &rest.join("\n"));
        holds_no(key, form, &output.stderr);
    }
    shows_no(key, "inbox delete", &run("inbox delete 1").exits(0));
    shows_no(key, "inbox prune", &run("inbox prune --keep 1").exits(0));
}

#[test]
fn a_body_is_passed_on_unchanged() {
    let payload = json!({"memo": KEYS[0]}).to_string();
    payout_notify(&["sign"]).key(KEYS[0]).stdin(&payload).run().exits(0).says(&[KEYS[0]]);
    let folder = Sandbox::new();
    let (running, _, address) = listener(KEYS[0], &folder.work(), &["--format", "json"]);
    exchange(address, request(KEYS[0], &payload));
    let callback = running.json_line();
    assert_eq!(callback["body"], payload);
    running.interrupt();
    running.end();
    let list = payout_notify(&["inbox", "export", "--inbox", "i.db"]);
    let entry = list.key(KEYS[0]).in_folder(&folder.work()).run().exits(0).json();
    assert_eq!(entry["body"], payload);
    assert_eq!(entry["path"], "/[key]?a=[key]&b=[key]");
}

#[test]
fn half_a_key_where_a_text_is_cut_is_hidden_too() {
    let key = KEYS[0];
    for length in (40..=320).step_by(20) {
        let said = format!("{}{key}", "x".repeat(length));
        let reply = json!({"error_code": "0001", "error_msg": said, "memo": said}).to_string();
        let app = Repeating::saying(&reply);
        let simulate = payout_notify(&["simulate", &app.url(""), "--retries", "0"]);
        shows_no(key, "simulate", &simulate.key(key).run().exits(1));
        let folder = Sandbox::new();
        let (running, _, address) = listener(key, &folder.work(), &["--forward-to", &app.url("")]);
        exchange(address, request(key, &reply));
        running.interrupt();
        shows_no(key, "listen", &running.end());
        for line in ["list", "show latest"] {
            let words = ["inbox"].into_iter().chain(line.split(' ')).chain(["--inbox", "i.db"]);
            let words: Vec<&str> = words.collect();
            let output = payout_notify(&words).key(key).in_folder(&folder.work()).run();
            shows_no(key, line, &output);
        }
    }
}

#[test]
fn a_key_that_only_a_flag_or_a_profile_gives_is_hidden() {
    let key = KEYS[0];
    let app = Repeating::saying(&json!({"error_code": key}).to_string());
    let folder = Sandbox::new();
    let work = folder.work();
    std::fs::write(work.join("key"), key).unwrap();
    let settings = "[profile.p]\nkey_file = \"key\"\n";
    std::fs::write(work.join("payout-notify.toml"), settings).unwrap();
    let (running, _, address) = listener(key, &work, &[]);
    exchange(address, request(key, &payloads(key)[0]));
    exchange(address, request(key, &payloads(key)[1]));
    running.interrupt();
    running.end();
    let to = app.url("");
    for line in [
        format!("inbox replay 1 --key-file key --to {to}"),
        format!("inbox replay 1 --profile p --to {to}"),
        "inbox list --profile p".to_owned(),
        "inbox show 1 --profile p".to_owned(),
        "inbox diff 1 2 --profile p --format json".to_owned(),
        "inbox export --profile p".to_owned(),
    ] {
        let words: Vec<&str> = line.split(' ').chain(["--inbox", "i.db"]).collect();
        let output = payout_notify(&words).in_folder(&work).run();
        assert!(output.code < 2 && !output.stdout.is_empty(), "{line}: {output}");
        shows_no(key, &line, &output);
    }
}

#[test]
fn no_load_test_is_written_with_the_key_in_it() {
    let key = KEYS[0];
    for rest in [
        &["http://h/ThisIsYourSecretKey123"][..],
        &["http://h/", "--set", "memo=x%54hisIsYourSecretKey123"],
    ] {
        let export =
            rest.iter().fold(payout_notify(&["export", "--to", "k6"]), |it, word| it.arg(word));
        export.key(key).run().exits(2).hides(key).remarks(&["holds the key"]);
    }
}

#[test]
fn a_key_below_four_bytes_is_not_searched_for() {
    let output =
        payout_notify(&["verify"]).key("abc").stdin("{\"memo\":\"abc\",\"sign\":\"0\"}").run();
    output.exits(1).says(&["memo=abc"]);
    let output =
        payout_notify(&["verify"]).key("abcd").stdin("{\"memo\":\"abcd\",\"sign\":\"0\"}").run();
    output.exits(1).says(&["memo=[key]"]);
}
