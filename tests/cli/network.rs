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
    for (connections, code) in [("--connections=fresh", "connect"), ("--connections=reused", "tls")]
    {
        let output = simulate(&url, &["--timeout", "300ms", connections]).args(&WITHOUT_RETRY);
        let output = output.run().exits(1).hides("processed").hides("duplicate");
        let attempt = attempts(&output).remove(0);
        assert_eq!(attempt["conclusion"], code, "{output}");
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
