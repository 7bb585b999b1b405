//! Text from outside that would steer a terminal or flood it, in every place where it is shown.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};

use crate::harness::{KEY, Output, Running, Sandbox, address_in, exchange, payout_notify, signed};

/// Clears a screen (ESC and C1), rings, sets a title, turns text around, hides, starts new lines.
const STEERING: &str = "\u{1b}[2J\u{9b}2J\u{7}\u{1b}]0;t\u{7}\u{202e}\u{2066}\u{200b}\u{feff}\r\nfake: ok\u{2028}\u{85}\u{7f}\t";

/// The longest field that a payload within the limit of 1 MiB has room for, nearly.
const LONG: usize = 1_000_000;

/// What a person may get of one callback, reply or payload of a megabyte, in bytes.
const MOST_SHOWN: usize = 64 * 1024;

/// A payload whose names and values steer, with a member of a megabyte, signed.
fn payload() -> String {
    static PAYLOAD: LazyLock<String> = LazyLock::new(hostile_payload);
    PAYLOAD.clone()
}

fn hostile_payload() -> String {
    let text = serde_json::to_string(STEERING).unwrap();
    let long = format!("\\u001b\\u202e{}", "長".repeat(LONG / 3));
    signed(&format!(
        "{{\"payout_id\":{text},\"payout_cl_id\":{text},\"status\":{text},\"error_msg\":{text},\
         {text}:{{{text}:[{text}]}},\"memo\":\"{long}\"}}"
    ))
}

/// The same with another value, so that its signature does not match.
fn forged() -> String {
    payload().replace("長\"", "短\"")
}

fn steers(character: char) -> bool {
    character != '\n'
        && (character.is_control()
            || matches!(u32::from(character),
                0x61C | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x2069 | 0xFEFF))
}

/// Fails where a text steers, or begins a line with what came from outside.
#[track_caller]
fn tame(place: &str, text: &str) {
    if let Some(at) = text.find(steers) {
        let around: String = text[at..].chars().take(40).collect();
        panic!("{place} steers a terminal: {around:?}");
    }
    assert!(!text.lines().any(|line| line.starts_with("fake")), "{place} has a line from outside");
}

/// Whether a text is for a person, who reads no megabytes.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    Person,
    Program,
}

#[track_caller]
fn shown(place: &str, output: &Output, reader: Reader) {
    assert!(output.code <= 4, "{place} ends with {}", output.code);
    tame(place, &output.stdout);
    tame(place, &output.stderr);
    assert!(output.stderr.len() <= MOST_SHOWN, "{place}: {} bytes", output.stderr.len());
    if reader == Reader::Person {
        assert!(output.stdout.len() <= MOST_SHOWN, "{place}: {} bytes", output.stdout.len());
    }
}

/// Runs a command for a person and for a program.
#[track_caller]
fn in_both_formats(arguments: &[&str], stdin: &str, folder: &Path) {
    // Many payloads are a program's affair in either format.
    let human = if arguments.contains(&"--lines") { Reader::Program } else { Reader::Person };
    for (format, reader) in [("human", human), ("json", Reader::Program)] {
        let program = payout_notify(arguments).arg("--format").arg(format).key(KEY).stdin(stdin);
        let output = program.in_folder(folder).run();
        shown(&format!("{arguments:?} as {format}"), &output, reader);
    }
}

#[test]
fn verify_shows_no_payload_as_it_is() {
    let place = Sandbox::new();
    for body in [payload(), forged()] {
        in_both_formats(&["verify"], &body, &place.work());
        in_both_formats(&["verify", "--explain", "--show-expected"], &body, &place.work());
        in_both_formats(&["verify", "--lines"], &body, &place.work());
    }
    let name = serde_json::to_string(STEERING).unwrap();
    for broken in [
        format!("{{{name}:1,{name}:2}}"),
        format!("{{{name}:\u{1b}[2J}}"),
        format!("{{{name}:\"\u{202e}"),
        format!("{{\"a\":1,\"sign_type\":{name},\"sign\":{name}}}"),
        "\u{9b}2J\u{202e}=%1b&a=%zz".to_owned(),
        "\u{202e}".repeat(LONG / 3),
        format!("a={}\u{1b}", "x".repeat(LONG)),
    ] {
        in_both_formats(&["verify"], &broken, &place.work());
        in_both_formats(&["verify", "--lines"], &broken, &place.work());
        in_both_formats(&["verify", "--input", "form"], &broken, &place.work());
    }
}

/// A callback with headers that are not UTF-8.
fn post(body: &str) -> Vec<u8> {
    let mut request = b"POST /n%1b%5b2J?a=%e2%80%ae&fake HTTP/1.1\r\nHost: m\r\n\
        Connection: close\r\nContent-Type: application/json\r\nX-Odd: \xff\xc2\x9b2J\xe2\x80\xae\r\n\
        User-Agent: \x9b2J\xc3\r\n"
        .to_vec();
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    request
}

/// Ready, its address, and its page's address and token where there is a page.
fn listening(arguments: &[&str], folder: &Path) -> (Running, SocketAddr, String) {
    let program = payout_notify(&[&["listen", "--bind", ":0"], arguments].concat());
    let running = program.key(KEY).in_folder(folder).start();
    let ready = running.line();
    let address = address_in(&ready);
    (running, address, ready)
}

#[test]
fn a_listener_shows_no_callback_as_it_is() {
    let place = Sandbox::new();
    for arguments in [
        &["--format", "human"][..],
        &["--format", "human", "-vv", "--referee", "--no-inbox"],
        &["--format", "json", "-vv", "--no-inbox"],
    ] {
        let (running, address, _) =
            listening(&[arguments, &["--count", "4"]].concat(), &place.work());
        // What is refused before it is a callback is told too.
        let _ = TcpStream::connect(address).unwrap().write_all(b"\x1b[2J\xff \x9b\r\n\r\n");
        for body in [&payload(), &forged(), "\u{1b}[2J\u{202e}", "{\"\\u202e\\u001b\":"] {
            exchange(address, post(body));
        }
        let (place, output) = (format!("listen {arguments:?}"), running.end());
        shown(&place, &output, Reader::Program);
        let most = if arguments[1] == "human" { 4 * MOST_SHOWN } else { usize::MAX };
        assert!(output.stdout.len() <= most, "{place}: {} bytes", output.stdout.len());
    }
}

#[test]
fn the_inbox_and_the_page_show_no_callback_as_it_is() {
    let place = Sandbox::new();
    let work = place.work();
    let (running, address, ready) =
        listening(&["--format", "json", "--inspect", "--inbox", "inbox.db"], &work);
    for body in [&payload(), &forged(), "\u{1b}[2J\u{202e}", "\u{9b}=1&fake=\u{202e}"] {
        exchange(address, post(body));
    }
    for arguments in [
        &["inbox", "list"][..],
        &["inbox", "wait", "--within", "0s"],
        &["inbox", "wait", "--within", "0s", "--count", "9"],
        &["inbox", "show", "1"],
        &["inbox", "show", "2"],
        &["inbox", "show", "3"],
        &["inbox", "diff", "1", "2"],
        &["inbox", "diff", "1", "3"],
        &["inbox", "replay", "1", "--to", "http://127.0.0.1:1/"],
    ] {
        in_both_formats(&[arguments, &["--inbox", "inbox.db"]].concat(), "", &work);
    }
    // A pipe gets every byte of an export but for the form whose every line is a program's JSON.
    let export = payout_notify(&["inbox", "export", "--inbox", "inbox.db"]);
    shown("inbox export", &export.in_folder(&work).run(), Reader::Program);
    for form in ["http", "curl"] {
        let export = payout_notify(&["inbox", "export", "--inbox", "inbox.db", "--print", form]);
        let output = export.in_folder(&work).run().exits(0);
        tame("the remarks of an export", &output.stderr);
    }
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let page = ready["inspector"].as_str().unwrap();
    let (page, token) = page.trim_start_matches("http://").split_once("/?token=").unwrap();
    let page: SocketAddr = page.parse().unwrap();
    for path in
        ["/api/callbacks", "/api/callbacks/1", "/api/callbacks/2", "/api/callbacks/3", "/%1b"]
    {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\
             Cookie: inspector_{}={token}\r\n\r\n",
            page.port()
        );
        let reply = exchange(page, request);
        assert!(reply.body.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{path}");
        assert!(reply.body.len() <= 16 * MOST_SHOWN, "{path}: {} bytes", reply.body.len());
        let head = reply.head.replace("\r\n", "\n");
        tame(path, &head);
    }
    running.interrupt();
    shown("listen", &running.end(), Reader::Program);
}

/// A merchant whose every reply steers and has a megabyte; it serves until it is dropped.
struct Flooding {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flooding {
    fn start() -> Flooding {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&closing);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                flood(stream);
            }
        });
        Flooding { address, closing, thread: Some(thread) }
    }
}

fn flood(mut stream: TcpStream) {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    let _ = stream.set_read_timeout(Some(std::time::Duration::from_secs(5)));
    // Until the blank line and what followed it in the same piece: the body is small.
    while let Ok(count @ 1..) = stream.read(&mut part) {
        request.extend_from_slice(&part[..count]);
        if request.ends_with(b"}") || request.ends_with(b"\r\n\r\n") || count < part.len() {
            break;
        }
    }
    let body =
        format!("{{\"error_code\":\"{STEERING}\",\"x\":\"{}\"}}", "\u{202e}".repeat(LONG / 3));
    let head = format!(
        "HTTP/1.1 200 \u{202e}\r\nContent-Type: \u{9b}2J\u{202e}/\u{202e}\r\nX-Odd: \u{9b}\r\n\
         Retry-After: \u{202e}\r\nLocation: /\u{202e}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // A sender that had enough is its own affair.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

impl Drop for Flooding {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[test]
fn no_reply_is_shown_as_it_is() {
    let place = Sandbox::new();
    let work = place.work();
    let merchant = Flooding::start();
    let url = format!("http://{}/", merchant.address);
    let url = url.as_str();
    in_both_formats(&["simulate", url, "--schedule", "1ms"], "", &work);
    in_both_formats(&["simulate", url, "--life", "1, 2", "--retries", "0"], "", &work);
    in_both_formats(
        &[
            "simulate",
            url,
            "--count",
            "2",
            "--retries",
            "0",
            "--report",
            "html=s.html",
            "--report",
            "junit=s.xml",
            "--report",
            "json=s.json",
            "--report",
            "ndjson=s.ndjson",
        ],
        "",
        &work,
    );
    in_both_formats(
        &[
            "check",
            url,
            "--only",
            "auth-no-sign,ack-*",
            "--report",
            "html=c.html",
            "--report",
            "junit=c.xml",
            "--report",
            "json=c.json",
            "--report",
            "tap=c.tap",
            "--report",
            "sarif=c.sarif",
            "--report",
            "github=c.github",
        ],
        "",
        &work,
    );
    for report in [
        "s.html", "s.xml", "s.json", "s.ndjson", "c.html", "c.xml", "c.json", "c.tap", "c.sarif",
        "c.github",
    ] {
        let text = fs::read_to_string(work.join(report)).unwrap();
        assert!(!text.is_empty(), "{report}");
        tame(report, &text);
        assert!(text.len() <= 8 * MOST_SHOWN, "{report}: {} bytes", text.len());
    }
}
