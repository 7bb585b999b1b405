//! What listens, with the key in each request: the lines, the page with its API, and the inbox.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::forms::in_url;
use super::inputs::{Repeating, odd_requests, payloads, replies, request};
use super::record::Record;
use crate::harness::{Running, Sandbox, address_in, exchange, payout_notify};

fn start(key: &str, folder: &Path, words: &[&str]) -> (Running, String, SocketAddr) {
    let program = payout_notify(words).key(key).in_folder(folder);
    let running = program.start();
    let first = running.line();
    let address = address_in(&first);
    (running, first, address)
}

/// Sends bytes and reads whatever comes.
fn send(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let _ = stream.write_all(bytes.as_bytes());
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

pub(super) fn read_requests(record: &mut Record) {
    let key = record.key;
    let folder = Sandbox::new();
    let work = folder.work();
    let body = json!({"error_code": key, "m": key}).to_string();
    let app = Repeating::saying("HTTP/1.1 200 OK\r\nContent-Type: application/json", &body);
    let forward = app.url(&in_url(key));
    let program = format!("header:X-K={0} body:{0}, ok", in_url(key));
    let usual = ["listen", "--bind", "127.0.0.1:0", "--inbox", "i.db"];
    for more in [
        &["-vv"][..],
        &["-q", "--format", "json"],
        &["--format", "json", "--inspect", "--forward-to", &forward],
        &["-v", "--forward-to", &forward, "--reply-from", "app", "--referee"],
        &["--format", "json", "--referee", "--reply", &program],
    ] {
        let words = [&usual[..], more].concat();
        let (running, first, address) = start(key, &work, &words);
        let is_scripted = more.contains(&"--reply") || more.contains(&"--forward-to");
        for request in payloads(key).iter().map(|payload| request(key, payload)) {
            let reply = send(address, &request);
            // A scripted reply, and the application's own, are passed on as they are.
            if !is_scripted {
                record.add("listen reply", "", &reply);
            }
        }
        for request in odd_requests(key) {
            let reply = send(address, &request);
            if !is_scripted && !request.contains("/reply/") {
                record.add("listen reply", "", &reply);
            }
        }
        if let Ok(ready) = serde_json::from_str::<Value>(&first)
            && ready["inspector"].is_string()
        {
            page(record, &ready, &app);
        }
        running.interrupt();
        record.output(&words, &running.end());
    }
    for (head, body) in replies(key).iter().step_by(4) {
        let app = Repeating::saying(head, body);
        let forward = app.url(&in_url(key));
        for format in ["human", "json"] {
            let more = ["--forward-to", &forward, "--format", format];
            let words = [&usual[..], &more].concat();
            let (running, _, address) = start(key, &work, &words);
            send(address, &request(key, &payloads(key)[0]));
            running.interrupt();
            record.output(&words, &running.end());
        }
    }
    inbox(record, &work, &app);
}

fn ask(page: SocketAddr, token: &str, method: &str, path: &str, body: &str) -> String {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\
         Cookie: inspector_{}={token}\r\nX-Inspector: 1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        page.port(),
        body.len()
    );
    if path.starts_with("/api/events") {
        // It ends with the listener: the first event is enough.
        let mut stream = TcpStream::connect(page).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = vec![0; 1 << 16];
        let read = stream.read(&mut bytes).unwrap();
        return String::from_utf8_lossy(&bytes[..read]).into_owned();
    }
    let reply = exchange(page, head);
    assert!(reply.status < 500, "{method} {path}: {reply:?}");
    if reply.head.contains("application/json") {
        let _: Value = serde_json::from_str(&reply.body).unwrap();
    }
    reply.body
}

fn page(record: &mut Record, ready: &Value, app: &Repeating) {
    let key = record.key;
    let inspector = ready["inspector"].as_str().unwrap().trim_start_matches("http://");
    let (page, token) = inspector.split_once("/?token=").unwrap();
    let page: SocketAddr = page.parse().unwrap();
    let text = json!({ "a": key }).to_string();
    let url = in_url(key);
    let mut asked = vec![
        ("/", "/".to_owned()),
        ("/api/state", "/api/state".to_owned()),
        ("/api/events", "/api/events".to_owned()),
        ("/api/nonsense", format!("/api/{url}")),
    ];
    for query in [
        "",
        "?grep=K",
        "?order=K",
        "?since=K",
        "?status=K",
        "?before=K",
        "?limit=1&verdict=K",
        "?K=K",
    ] {
        asked.push(("/api/callbacks", format!("/api/callbacks{}", query.replace('K', &url))));
    }
    for id in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "2?whole=1", "K"] {
        asked.push(("/api/callbacks/1", format!("/api/callbacks/{}", id.replace('K', &url))));
    }
    for (kind, path) in asked {
        record.add(&format!("page {kind}"), "", &ask(page, token, "GET", &path, ""));
    }
    for query in ["within=1ms&order=K", "within=K", "count=K", "K=1", "within=1ms"] {
        let path = format!("/api/callbacks/wait?{}", query.replace('K', &url));
        record.add("page /api/callbacks/wait", "", &ask(page, token, "GET", &path, ""));
    }
    for (method, path, body) in [
        ("PUT", "/api/replies", json!({"reply": format!("header:X-K={url} body:{url}, ok")})),
        ("PUT", "/api/replies", json!({"reply": key})),
        ("PUT", "/api/replies", json!({"reply": "ok", "per": key})),
        ("PUT", "/api/replies", json!({ (key): key })),
        ("GET", "/api/replies", json!({})),
        ("POST", "/api/reset", json!({"through": key})),
        ("POST", "/api/sign", json!({"text": text})),
        ("POST", "/api/sign", json!({"text": key, "encoding": key})),
        (&url, "/api/state", json!({})),
    ] {
        let reply = ask(page, token, method, path, &body.to_string());
        record.add(&format!("page {path}"), "", &reply);
    }
    for path in ["/api/sign", "/api/curl", "/api/replay"] {
        for order in [
            json!({"id": 1, "url": app.url(&url), "text": text}),
            json!({"id": 2, "url": format!("http://127.0.0.1:1/{url}")}),
            json!({"id": 1, "url": key, "text": key}),
            json!({"id": key}),
            json!({ (key): key }),
        ] {
            let reply = ask(page, token, "POST", path, &order.to_string());
            record.add(&format!("page {path}"), "", &reply);
        }
    }
}

fn inbox(record: &mut Record, work: &Path, app: &Repeating) {
    let to = app.url(&in_url(record.key));
    let run = |record: &mut Record, line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.extend(["--inbox", "i.db"]);
        record.run(&words, |program| program.in_folder(work));
    };
    let mut lines = vec!["inbox list".to_owned(), "inbox show latest".to_owned()];
    lines.push("inbox wait --within 0s --count 99".to_owned());
    lines.extend((1..12).map(|id| format!("inbox show {id}")));
    lines.extend((2..12).map(|id| format!("inbox diff 1 {id}")));
    lines.push(format!("inbox replay 1 6 --to {to}"));
    lines.push(format!("inbox replay 1 2 3 5 --resign -v --to {to}"));
    lines.push(format!("inbox replay 2 --set memo=\"x\" --to {to}"));
    for line in &lines {
        for format in ["human", "json"] {
            run(record, &format!("{line} --format {format}"));
        }
    }
    run(record, "inbox export");
    for form in ["http", "curl"] {
        let words = ["inbox", "export", "--print", form, "--inbox", "i.db"];
        let output = payout_notify(&words).key(record.key).in_folder(work).run();
        // The bodies are passed on as they are: after an empty line, or as curl's data.
        let parts = output
            .stdout
            .split("\n\n")
            .filter(|part| part.contains("HTTP/1.1") || part.starts_with('#'));
        let rest: Vec<&str> = match form {
            "http" => parts.collect(),
            _ => output.stdout.lines().filter(|line| !line.contains("--data")).collect(),
        };
        assert!(rest.len() > 3, "{output}");
        record.add(&format!("inbox export --print={form} > stdout"), form, &rest.join("\n"));
        record.add(&format!("inbox export --print={form} > stderr"), form, &output.stderr);
    }
    run(record, "inbox delete 1 2");
    run(record, "inbox prune --keep 1");
}
