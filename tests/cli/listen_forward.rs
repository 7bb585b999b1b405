//! `listen --forward-to`: an application behind the listener.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use rustix::process::Signal;

use crate::harness::{
    ACKNOWLEDGE, DEADLINE, KEY, Listening, Merchant, Scripted, exchange, json_post, payout_notify,
    raw_exchange, signed_success,
};

#[test]
fn the_application_gets_every_byte_and_its_reply_goes_back() {
    let app =
        Merchant::expecting(&[ACKNOWLEDGE, Scripted::Json(418, r#"{"error_code":"0099","x": 1}"#)]);
    let url = app.url();
    let listening = Listening::start(&["--forward-to", &url]);
    assert_eq!(listening.ready["forward_to"], url.as_str());
    let body = signed_success().replace(',', " , ");
    let request = json_post(&body).replacen(
        "Host:",
        "X-Trace: a  b\r\nConnection: x-hop\r\nX-Hop: 1\r\nHost:",
        1,
    );
    let reply = exchange(listening.address, &request);
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"error_code":"0000"}"#));
    let callback = listening.callback();
    assert_eq!(callback["forwarded"]["acknowledged"], true, "{callback}");
    let reply = listening.post("not JSON");
    assert_eq!((reply.status, reply.body.as_str()), (418, r#"{"error_code":"0099","x": 1}"#));
    let callback = listening.callback();
    assert_eq!(callback["forwarded"]["acknowledged"], false, "{callback}");
    let received = app.received();
    assert_eq!((received[0].body.as_str(), received[1].body.as_str()), (body.as_str(), "not JSON"));
    assert_eq!(received[0].header("x-trace"), Some("a  b"));
    assert_eq!(received[0].header("x-hop"), None, "{}", received[0].head);
    assert_eq!(received[0].header("content-type"), Some("application/json;charset=utf-8"));
    assert!(received[0].head.starts_with("POST /notify?from=platform HTTP/1.1\r\n"));
    // No reply waits for the disk to know what the application said.
    let began = Instant::now();
    let shows = |text| listening.beside(&["inbox", "show", "2"]).exits(0).stdout.contains(text);
    while !(shows("418") && shows("0099")) {
        assert!(began.elapsed() < DEADLINE, "the application's reply is not kept");
    }
    listening.interrupt().output.exits(0);
}

#[test]
fn the_listener_can_answer_itself() {
    let app = Merchant::expecting(&[Scripted::Json(200, "OK"), Scripted::Json(200, "OK")]);
    let url = app.url();
    for replies in [&["--reply-from", "listener"][..], &["--reply", "ok"]] {
        let listening = Listening::start(&[&["--forward-to", &url], replies].concat());
        assert_eq!(listening.post(&signed_success()).error_code(), "0000");
        let callback = listening.callback();
        assert_eq!(callback["forwarded"]["body"], "OK", "{callback}");
        assert_eq!(callback["forwarded"]["acknowledged"], false, "{callback}");
        listening.interrupt().output.exits(0);
    }
}

/// A port that nobody listens on.
fn free_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/n", listener.local_addr().unwrap())
}

#[test]
fn an_application_that_is_down_is_one_line() {
    let url = free_url();
    let run = ["listen", "--bind", ":0", "--count", "1", "--forward-to", &url];
    let running = payout_notify(&run).key(KEY).start();
    let ready = running.line();
    let address = ready.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let reply = exchange(address.parse().unwrap(), json_post(&signed_success()));
    assert_eq!((reply.status, reply.error_code().as_str()), (502, "9999"));
    assert!(!reply.body.contains("127.0.0.1"), "{}", reply.body);
    let output = running.end().exits(0).says(&["forwarding to ", "nothing listens there"]);
    let lines = output.stdout.lines().filter(|line| line.contains("nothing listens there"));
    assert_eq!(lines.count(), 1, "{output}");
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn an_application_that_comes_late_is_waited_for() {
    let url = free_url();
    let listening = Listening::start(&["--forward-to", &url, "--forward-retry", "20s"]);
    let address: std::net::SocketAddr =
        url.split('/').nth(2).and_then(|address| address.parse().ok()).unwrap();
    let posting = thread::spawn({
        let listener = listening.address;
        move || exchange(listener, json_post(&signed_success()))
    });
    // The callback is in the file before the application is asked.
    while listening.beside(&["inbox", "list", "--format", "json"]).stdout.is_empty() {}
    let app = TcpListener::bind(address).unwrap();
    let (mut stream, _) = app.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(digits) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = digits.trim().parse().unwrap();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate").unwrap();
    let reply = posting.join().unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "late"));
    listening.interrupt().output.exits(0);
}

#[test]
fn a_summary_counts_what_waits_for_the_application_when_the_listener_ends() {
    let app = Merchant::expecting(&[Scripted::Hang; 4]);
    for (signals, inbox) in [(1, &[][..]), (2, &[]), (1, &["--no-inbox"]), (2, &["--quiet"])] {
        let listening = Listening::start(&[&["--forward-to", &app.url()], inbox].concat());
        let sent = app.received().len();
        let posting = thread::spawn({
            let listener = listening.address;
            move || raw_exchange(listener, json_post(&signed_success()))
        });
        app.wait_for(sent + 1);
        for _ in 0..signals {
            listening.running().signal(Signal::TERM);
        }
        let summary = listening.end().summary;
        assert_eq!((&summary["callbacks"], &summary["valid"]), (&1.into(), &1.into()), "{summary}");
        posting.join().unwrap();
    }
}

#[test]
fn an_application_on_https_gets_callbacks_byte_for_byte() {
    let app = Listening::start(&["--tls-self-signed", "--tls-cert-out", "cert.pem"]);
    let cert = app.running().work().join("cert.pem").display().to_string();
    let url = format!("{}/a/../n?t='1'", app.url.trim_end_matches('/'));
    for (trust, is_trusted) in
        [(["--cacert", &cert], true), (["--resolve", "x:1:127.0.0.1"], false)]
    {
        let listening =
            Listening::start(&[&["--no-inbox", "--forward-to", &url], &trust[..]].concat());
        let body = signed_success().replace(',', ", ");
        let request = json_post(&body).replacen("POST /notify", "POST /cb?q='x'", 1);
        let reply = exchange(listening.address, request);
        match is_trusted {
            true => {
                assert_eq!((reply.status, reply.error_code().as_str()), (200, "0000"));
                let callback = app.callback();
                assert_eq!(callback["body"].as_str(), Some(body.as_str()), "{callback}");
                assert_eq!(callback["path"], "/a/../n?t='1'&q='x'", "{callback}");
            }
            false => {
                assert_eq!(reply.status, 502);
                let told = listening.callback()["forwarded"].to_string();
                assert!(told.contains("the application's certificate is self-signed"), "{told}");
            }
        }
    }
    let insecure = Listening::start(&["--no-inbox", "--forward-to", &url, "--insecure", "-v"]);
    assert_eq!(insecure.post(&signed_success()).status, 200);
    let output = insecure.interrupt().output.exits(0);
    output.remarks(&[
        "* connected to 127.0.0.1:",
        "* TLS: TLSv1_3",
        "> POST /a/../n?t='1' HTTP/1.1",
    ]);
}

#[test]
fn what_cannot_be_forwarded_to_is_refused_at_once() {
    for url in
        ["ftp://x/", "http://me:secret@localhost/", "https://:secret@localhost/", "app.example/n"]
    {
        let output = payout_notify(&["listen", "--forward-to", url]).key(KEY).run().exits(2);
        output.remarks(&["--forward-to"]).hides("secret");
    }
    payout_notify(&["listen", "--reply-from", "app"]).key(KEY).run().exits(2);
}
