//! What this machine, its network or a proxy does to a delivery, and that no merchant is blamed for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{KEY, Listening, Merchant, Output, Program, Scripted, payout_notify};

fn simulate(url: &str, arguments: &[&str]) -> Program {
    payout_notify(&[&["simulate", url], arguments].concat()).key(KEY)
}

/// The attempts that a run of one or of many printed as JSON.
fn attempts(output: &Output) -> Vec<Value> {
    let is_attempt = |line: &Value| line["type"] == "attempt" || line["type"] == "delivery-attempt";
    output.json_lines().into_iter().filter(is_attempt).collect()
}

/// A server whose system takes connections, and that says nothing.
fn mute() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A proxy that gives every request the same answer, and keeps the requests' first lines.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

fn proxy(answer: &'static str) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            log.lock().unwrap().push(head.first().cloned().unwrap_or_default());
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    Proxy { address, asked }
}

const ACKNOWLEDGED: &str = r#"{"error_code":"0000"}"#;

const WITHOUT_RETRY: [&str; 4] = ["--retries", "0", "--format", "json"];

#[test]
fn a_run_with_few_open_files_sends_every_order_and_blames_nobody() {
    let merchant = Listening::start(&["--quiet", "--reply", "delay 300ms"]);
    let limits =
        ["ulimit -n 40; exec \"$@\"", "ulimit -S -n 40; exec \"$@\"", "ulimit -n 24; exec \"$@\""];
    for (part, limit) in limits.into_iter().enumerate() {
        let rate = ["--count", "120", "--rate", "400/s", "--retries", "0", "--format", "json"];
        let output = simulate(&merchant.url, &rate).behind(limit).run().exits(0);
        assert_eq!(attempts(&output).len(), 120, "{output}");
        assert!(attempts(&output).iter().all(|attempt| attempt["acknowledged"] == true));
        assert_eq!(merchant.kept().len(), 120 * (part + 1), "what the merchant has");
    }
}

#[test]
fn without_a_free_descriptor_nothing_is_an_attempt() {
    for limit in 9..20 {
        let merchant = Listening::start(&["--quiet"]);
        let quick = ["--timeout", "200ms", "--retries", "0", "--format", "json"];
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        for connections in ["fresh", "reused"] {
            let before = merchant.kept().len();
            let program =
                simulate(&merchant.url, &quick).arg(format!("--connections={connections}"));
            let output = program.behind(&script).run();
            let (code, made) = (output.code, attempts(&output).len());
            assert_eq!(merchant.kept().len() - before, made, "{limit}: {output}");
            match code {
                0 => assert_eq!(made, 1, "{output}"),
                4 => assert!(made == 0 && output.stderr.contains("open files"), "{output}"),
                _ => panic!("{limit}: {output}"),
            }
        }
    }
}

#[test]
fn a_handshake_without_an_answer_was_not_processed() {
    let server = mute();
    let url = format!("https://{}/notify", server.local_addr().unwrap());
    for connections in ["--connections=fresh", "--connections=reused"] {
        let output = simulate(&url, &["--timeout", "300ms", connections]).args(&WITHOUT_RETRY);
        let output = output.run().exits(1).hides("processed").hides("duplicate");
        let attempt = attempts(&output).remove(0);
        assert_eq!(attempt["conclusion"], "tls", "{output}");
        let why = attempt["explanation"].as_str().unwrap();
        assert!(why.contains("nothing was sent") && why.contains("https"), "{why}");
    }
}

#[test]
fn a_reply_that_does_not_come_may_have_been_processed() {
    for connections in ["--connections=fresh", "--connections=reused"] {
        let merchant = Merchant::expecting(&[Scripted::Hang]);
        let output = simulate(&merchant.url(), &["--timeout", "300ms", connections]);
        let output = output.args(&WITHOUT_RETRY).run().exits(1).says(&["may have processed"]);
        assert_eq!(attempts(&output)[0]["conclusion"], "timeout");
    }
}

#[test]
fn what_a_proxy_refuses_is_the_proxys_doing() {
    let refusals = [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nVia: 1.1 proxy\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\n\r\n",
    ];
    for (at, answer) in refusals.into_iter().enumerate() {
        for (scheme, variable) in [("https", "HTTPS_PROXY"), ("http", "http_proxy")] {
            if (at, scheme) == (1, "http") {
                // A merchant answers 403, too: nothing shows that it did not.
                continue;
            }
            let proxy = proxy(answer);
            let url = format!("{scheme}://shop.invalid/notify");
            let setting = format!("http://user:s3cret@{}", proxy.address);
            let program = simulate(&url, &WITHOUT_RETRY).env(variable, setting);
            let output = program.run().exits(1).hides("s3cret");
            let name = format!("the proxy http://{}", proxy.address);
            let output = output.remarks(&["shop.invalid go through the proxy http://127"]);
            let attempt = attempts(&output).remove(0);
            assert_eq!(
                (&attempt["conclusion"], &attempt["status"]),
                (&"proxy".into(), &Value::Null)
            );
            assert!(attempt["explanation"].as_str().unwrap().contains(&name), "{output}");
            let asked = proxy.asked.lock().unwrap().join("\n");
            let verb = if scheme == "https" { "CONNECT shop" } else { "POST http://shop" };
            assert!(asked.starts_with(verb), "{asked}");
        }
    }
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = mute();
    let proxies = [
        (format!("http://{closed}"), "http://shop.invalid/"),
        (format!("http://{closed}"), "https://shop.invalid/"),
        ("http://a..b:3128".to_owned(), "https://shop.invalid/"),
        (format!("http://{}", silent.local_addr().unwrap()), "https://shop.invalid/"),
    ];
    for (proxy, url) in proxies {
        let program = simulate(url, &["--timeout", "400ms"]).args(&WITHOUT_RETRY);
        let output = program.env("ALL_PROXY", &proxy).run().exits(1).hides("processed");
        let attempt = attempts(&output).remove(0);
        assert_eq!(attempt["conclusion"], "proxy", "{output}");
        assert!(attempt["explanation"].as_str().unwrap().contains("nothing was sent"), "{output}");
    }
}

#[test]
fn a_check_behind_a_refusing_proxy_fails_no_case() {
    let proxy = proxy("HTTP/1.1 403 Forbidden\r\n\r\n");
    let check = ["check", "https://shop.invalid/notify", "--yes", "--format", "json"];
    let program =
        payout_notify(&check).key(KEY).env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let output = program.run().hides("\"failed\"}").says(&["refused to connect to the merchant"]);
    let cases = output.json_lines().into_iter().filter(|line| line["type"] == "case");
    for case in cases {
        let is_probe =
            ["reach-dns", "reach-connect", "reach-tls"].map(Value::from).contains(&case["id"]);
        assert!(case["status"] != "failed" || is_probe, "{case}");
    }
}

#[test]
fn a_port_out_of_range_is_told_as_one() {
    for url in ["localhost:99999", ":65536", "http://shop.example:70000/", "127.0.0.1:0"] {
        simulate(url, &[]).run().exits(2).remarks(&["port is not a number from 1 to 65535"]);
        let replay = ["inbox", "replay", "1", "--to", url];
        let inbox = Listening::start(&[]);
        inbox.post("{}");
        inbox.beside(&replay).exits(2).remarks(&["port is not a number from 1 to 65535"]);
    }
}

/// A proxy that passes requests on to a merchant on this machine, whatever host they name.
fn passing_proxy(merchant: SocketAddr) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, log) = (client.unwrap(), Arc::clone(&log));
            thread::spawn(move || {
                let mut line = Vec::new();
                let mut byte = [0];
                while !line.ends_with(b"\r\n") && client.read(&mut byte).unwrap() == 1 {
                    line.extend(byte);
                }
                let line = String::from_utf8(line).unwrap();
                log.lock().unwrap().push(line.trim_end().to_owned());
                let mut server = TcpStream::connect(merchant).unwrap();
                let line = line.replacen("http://shop.example", "", 1);
                server.write_all(line.as_bytes()).unwrap();
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    Proxy { address, asked }
}

#[test]
fn runs_of_many_and_forwarding_go_through_the_proxy_too() {
    let merchant = Listening::start(&[]);
    let proxy = passing_proxy(merchant.address);
    let setting = format!("http://{}", proxy.address);
    let url = "http://shop.example/notify?a=1";
    let program = simulate(url, &["--count", "5", "--format", "json"]);
    let output = program.env("HTTP_PROXY", &setting).run().exits(0);
    output.remarks(&["requests to shop.example go through the proxy http://127.0.0.1:"]);
    simulate(url, &["--count", "5", "--proxy", &setting]).run().exits(0);
    assert_eq!(merchant.kept().len(), 10);
    let listen = Listening::program(&["--no-inbox", "--forward-to", url]);
    let listening = Listening::of(listen.env("http_proxy", &setting));
    listening.post("{}");
    assert_eq!(merchant.kept().len(), 11);
    let asked = proxy.asked.lock().unwrap().clone();
    assert_eq!(asked, vec!["POST http://shop.example/notify?a=1 HTTP/1.1"; 11]);
}

#[test]
fn this_machine_and_private_networks_are_reached_directly_unless_a_proxy_is_named() {
    let dead = "http://127.0.0.1:1";
    let merchant = Listening::start(&[]);
    for flags in [&[][..], &["--count", "2"], &["--proxy", "none"]] {
        let program = simulate(&merchant.url, flags).env("ALL_PROXY", dead).env("HTTP_PROXY", dead);
        program.run().exits(0).hides("proxy");
    }
    for url in ["http://10.255.255.1/", "http://shop/", "https://shop.internal/"] {
        let dry = simulate(url, &["--dry-run"]).env("ALL_PROXY", dead).run().exits(0);
        dry.hides("proxy");
    }
    for url in ["http://shop.example/", "https://8.8.8.8/"] {
        let dry = simulate(url, &["--dry-run"]).env("ALL_PROXY", dead).run().exits(0);
        dry.remarks(&["go through the proxy http://127.0.0.1:1"]);
        let program = simulate(url, &["--dry-run"]).env("ALL_PROXY", dead);
        program.env("NO_PROXY", "example,8.8.8.8").run().exits(0).hides("proxy");
    }
    let named = simulate(&merchant.url, &["--proxy", "127.0.0.1:1"]).args(&WITHOUT_RETRY);
    let output = named.run().exits(1).remarks(&["go through the proxy http://127.0.0.1:1"]);
    assert_eq!(attempts(&output)[0]["conclusion"], "proxy");
}

#[test]
fn what_needs_a_direct_connection_is_refused_where_a_proxy_is_in_the_way() {
    let proxy = proxy("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let setting = format!("http://user:s3cret@{}", proxy.address);
    for flags in [
        &["--chunked"][..],
        &["--chunked", "--count", "3"],
        &["--half-close"],
        &["--slow-upload", "1s"],
        &["--upload-rate", "1KB/s"],
        &["--lose-replies", "5%"],
        &["--connections", "reused"],
        &["--resolve", "shop.example:80:127.0.0.1"],
    ] {
        let program = simulate("http://shop.example/", flags).env("HTTP_PROXY", &setting);
        program.run().exits(2).remarks(&["a proxy is in the way", "--proxy none"]).hides("s3cret");
    }
    simulate("http://shop.example/a/../b", &["--proxy", &setting]).run().exits(2);
    for proxy in ["socks5://user:s3cret@h:1080", "ftp://user:s3cret@h", "http://"] {
        let output = simulate("http://shop.example/", &["--proxy", proxy]).run().exits(2);
        output.remarks(&["--proxy"]).hides("s3cret");
    }
    let socks = simulate("http://shop.example/", &[]).env("ALL_PROXY", "socks5://u:s3cret@h:1080");
    socks.run().exits(2).remarks(&["socks5://h:1080"]).hides("s3cret");
    assert!(proxy.asked.lock().unwrap().is_empty(), "something was sent");
}

#[test]
fn a_check_through_a_proxy_skips_what_needs_a_direct_connection() {
    let merchant = Listening::start(&[]);
    let proxy = passing_proxy(merchant.address);
    let check = ["check", "http://shop.example/notify", "--yes", "--format", "json"];
    let program = payout_notify(&check).key(KEY);
    let output = program.arg("--proxy").arg(proxy.address.to_string()).run();
    let cases = output.json_lines().into_iter().filter(|line| line["type"] == "case");
    let skipped: Vec<String> = cases
        .filter(|case| case.to_string().contains("a proxy is in the way"))
        .map(|case| {
            assert_eq!(case["status"], "skipped", "{case}");
            case["id"].as_str().unwrap().to_owned()
        })
        .collect();
    for id in ["reach-dns", "reach-connect", "chunked"] {
        assert!(skipped.iter().any(|one| one.contains(id)), "{id}: {skipped:?}");
    }
}

#[test]
fn verbose_shows_each_attempt_without_secrets() {
    let merchant =
        Merchant::expecting(&[Scripted::Json(500, "{}"), Scripted::Json(200, ACKNOWLEDGED)]);
    let url = merchant.url().replace("http://", "http://user:s3cret@");
    let secret = format!("X-Key-Copy: {KEY}");
    let flags = ["-v", "--speed", "3600x", "--header", "X-Token: s3cret", "--header", &secret];
    let output = simulate(&url, &flags).run().exits(0).hides("s3cret").hides(KEY);
    let output = output.remarks(&[
        "* connected to 127.0.0.1:",
        "> POST /notify?from=platform HTTP/1.1",
        "> authorization: [redacted]",
        "> x-token: [redacted]",
        "> x-key-copy: [key]",
        "< HTTP/1.1 500",
        "< HTTP/1.1 200",
    ]);
    assert!(!output.stdout.contains("> POST"), "{output}");
    let kept = Listening::start(&[]);
    let many = simulate(&kept.url, &["-v", "--count", "3", "--concurrency", "1"]).run().exits(0);
    assert_eq!(many.stderr.matches("* using a kept connection again").count(), 2, "{many}");
    assert_eq!(many.stderr.matches("* connected to").count(), 1, "{many}");
}

#[test]
fn a_merchant_that_closes_kept_connections_costs_no_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                read_notification(&mut reader);
                acknowledge(&mut stream);
            });
        }
    });
    let flags = ["--count", "40", "--rate", "200/s", "--retries", "0", "--format", "json"];
    let output = simulate(&url, &[&flags[..], &["--fail-if", "failed>0"]].concat()).run();
    let attempts = attempts(&output);
    assert_eq!(attempts.len(), 40);
    for attempt in attempts.iter().filter(|attempt| attempt["acknowledged"] == false) {
        assert_eq!(attempt["conclusion"], "stale-connection", "{attempt}");
    }
    assert!(!output.stdout.contains("\"closed-early\""), "{output}");
}

type End = fn(&mut TcpStream);

/// A merchant that answers the first notification of a connection and does this with the second.
fn second_on_a_connection(end: End) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                if read_notification(&mut reader) {
                    acknowledge(&mut stream);
                }
                if read_notification(&mut reader) {
                    end(&mut stream);
                }
            });
        }
    });
    url
}

/// Reads one request; `false` where the connection ends before it.
fn read_notification(reader: &mut impl BufRead) -> bool {
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some(digits) = line.strip_prefix("content-length: ") {
            length = digits.trim().parse().unwrap();
        }
        line.clear();
    }
    length > 0 && reader.read_exact(&mut vec![0; length]).is_ok()
}

fn acknowledge(stream: &mut TcpStream) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", ACKNOWLEDGED.len());
    let _ = write!(stream, "{head}Content-Type: application/json\r\n\r\n{ACKNOWLEDGED}");
}

#[test]
fn a_merchant_may_close_a_kept_connection_but_not_fail_on_it() {
    let reset = |stream: &mut TcpStream| {
        drop(socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)))
    };
    let ends: [(&str, End, &str, &str); 5] = [
        ("close", |_| (), "passed", "the endpoint closed the kept connection"),
        ("reset", reset, "passed", "the endpoint closed the kept connection"),
        ("answer", acknowledge, "passed", "two notifications on one connection are acknowledged"),
        (
            "error",
            |stream| drop(stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")),
            "warned",
            "the second on one connection",
        ),
        ("half a reply", |stream| drop(stream.write_all(b"HTTP/1.1 2")), "warned", "the second on"),
    ];
    for (name, end, status, text) in ends {
        let url = second_on_a_connection(end);
        let only = ["--only", "reach-keep-alive", "--format", "json", "--yes"];
        let output = payout_notify(&[&["check", &url], &only[..]].concat()).key(KEY).run();
        let lines = output.json_lines();
        let case = lines.iter().find(|line| line["type"] == "case").unwrap();
        assert_eq!(case["status"], status, "{name}: {output}");
        assert!(case.to_string().contains(text), "{name}: {output}");
    }
}

/// A server whose queue of connections is full: the handshake of the next one gets no answer.
#[cfg(target_os = "linux")]
fn full() -> (socket2::Socket, SocketAddr, Vec<TcpStream>) {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
    let held: Vec<TcpStream> = std::iter::from_fn(connect).take(100).collect();
    (socket, address, held)
}

// Other systems bound no queue of connections.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_without_an_answer_was_not_processed() {
    let (_socket, address, held) = full();
    assert!(held.len() < 100, "the queue of connections is not full");
    let url = format!("http://{address}/notify");
    for connections in ["--connections=fresh", "--connections=reused"] {
        let output = simulate(&url, &["--timeout", "300ms", connections]).args(&WITHOUT_RETRY);
        let output = output.run().exits(1).hides("processed").hides("duplicate");
        assert_eq!(attempts(&output)[0]["conclusion"], "connect", "{output}");
        output.says(&["nothing was sent", "no connection within 300ms"]);
    }
    let forward = ["--no-inbox", "--forward-to", &url, "--forward-timeout", "300ms"];
    let listening = Listening::start(&forward);
    assert_eq!(listening.post("{}").status, 502);
    let callback = listening.callback();
    let told = callback["forwarded"].to_string();
    assert!(told.contains("no connection within 300ms"), "{callback}");
}
