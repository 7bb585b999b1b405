//! The ordinary sender against a server that writes bytes by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, Conclusion, Refusal};

use super::*;

/// Reads one request: its head and as much body as it announces.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        request.extend(byte);
    }
    let head = String::from_utf8(request).unwrap();
    // On a busy machine the client's deadline can pass before its request is out.
    let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: ")) else {
        return head;
    };
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// Sends one request to a server thread and returns the outcome and the request as it saw it.
///
/// A second connection fails the test.
async fn exchange(
    timeout: Duration,
    reply: impl FnOnce(&mut TcpStream) + Send + 'static,
) -> (Outcome, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://user:s3cret@{}/notify?a=1", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        reply(&mut stream);
        drop(stream);
        (listener, request)
    });
    let mut request = Request::new(Target::parse(&url).unwrap(), r#"{"a":1}"#);
    request.headers.push(("x-test".into(), "yes".into()));
    let settings = HttpSettings { timeout, ..HttpSettings::default() };
    let outcome = HttpTransport::try_new(&request.url, settings).unwrap().send(&request).await;
    // The runtime goes on meanwhile: its connection task has yet to hang up.
    let join = tokio::task::spawn_blocking(move || server.join().unwrap());
    let (listener, seen) = join.await.unwrap();
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "more than one connection");
    (outcome, seen)
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(120);

async fn failure(timeout: Duration, text: &'static str) -> &'static str {
    let (outcome, _) = exchange(timeout, |stream| stream.write_all(text.as_bytes()).unwrap()).await;
    kind(&outcome)
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::NoReply(failure) => {
            assert!(!failure.detail.contains("s3cret"), "{failure:?}");
            failure.code()
        }
        Outcome::Reply(_) => "reply",
    }
}

#[tokio::test]
async fn the_request_is_the_protocols_and_the_reply_is_read() {
    let (outcome, seen) = exchange(LONG, |stream| {
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n";
        write!(stream, "{head}{ACKNOWLEDGEMENT_BODY}").unwrap();
    })
    .await;
    assert_eq!(outcome.conclusion(), Some(Conclusion::Acknowledged(Vec::new())));
    assert!(seen.starts_with("POST /notify?a=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    assert!(seen.contains("content-type: application/json;charset=utf-8\r\n"), "{seen}");
    assert!(seen.contains(&format!("user-agent: {USER_AGENT_TEXT}\r\n")), "{seen}");
    assert!(seen.contains("x-test: yes\r\n"), "{seen}");
}

#[tokio::test]
async fn a_redirect_is_a_reply_and_is_not_followed() {
    let (outcome, _) = exchange(LONG, |stream| {
        let there = stream.local_addr().unwrap();
        write!(stream, "HTTP/1.1 307 X\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    })
    .await;
    let refusal = Conclusion::NotAcknowledged(Refusal::Redirect(307));
    assert_eq!(outcome.conclusion(), Some(refusal));
}

#[tokio::test]
async fn a_huge_reply_is_cut() {
    let (outcome, _) = exchange(LONG, |stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // The sender hangs up long before this is through.
        for _ in 0..1000 {
            let _ = stream.write_all(&[b'x'; MAX_REPLY_BYTES]);
        }
    })
    .await;
    assert!(matches!(&outcome, Outcome::Reply(r) if r.body.len() == MAX_REPLY_BYTES + 1));
    let refusal = Conclusion::NotAcknowledged(Refusal::TooLong);
    assert_eq!(outcome.conclusion(), Some(refusal));
}

#[tokio::test]
async fn each_way_to_fail_has_its_name() {
    for (reply, code) in [
        ("", "closed-early"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"error_code\":\"0000\"}", "closed-early"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "closed-early"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "invalid-reply"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "invalid-reply"),
        ("SSH-2.0-OpenSSH_9.9\r\n", "invalid-reply"),
    ] {
        assert_eq!(failure(LONG, reply).await, code, "{reply}");
    }
}

#[tokio::test]
async fn a_reset_is_named() {
    let (outcome, _) = exchange(LONG, |stream| {
        // Closing with no linger time sends a reset instead of an end.
        socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    assert_eq!(kind(&outcome), "connection-reset");
}

#[tokio::test]
async fn one_deadline_covers_silence_and_a_dripping_reply() {
    let wait_for_hangup = |stream: &mut TcpStream| {
        let _ = stream.read(&mut [0]);
    };
    let (silent, _) = exchange(SHORT, wait_for_hangup).await;
    assert_eq!(kind(&silent), "timeout");
    let (dripping, _) = exchange(SHORT, |stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    })
    .await;
    assert_eq!(kind(&dripping), "timeout");
}

async fn send_to(url: &str) -> Outcome {
    let request = Request::new(Target::parse(url).unwrap(), "{}");
    let transport = HttpTransport::try_new(&request.url, HttpSettings::default()).unwrap();
    transport.send(&request).await
}

#[tokio::test]
async fn a_closed_port_and_a_port_without_tls_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(kind(&send_to(&format!("https://{address}/")).await), "tls");
    server.join().unwrap();
    assert_eq!(kind(&send_to(&format!("http://{address}/")).await), "connection-refused");
}

#[tokio::test]
async fn a_name_without_an_address_is_named() {
    // An empty label is refused before any name server is asked.
    let request = Request::new(Target::parse("http://a..b/").unwrap(), "{}");
    let near = Target::parse("localhost").unwrap();
    let mut transport = HttpTransport::try_new(&near, HttpSettings::default()).unwrap();
    assert_eq!(kind(&transport.send(&request).await), "other");
    // The client made for the own machine asks no proxy of the environment.
    transport.route = Route::to(&request.url);
    assert_eq!(kind(&transport.send(&request).await), "resolve");
}

#[test]
fn headers_are_checked_and_their_values_kept_secret() {
    assert_eq!(check_header("X-Token", "abc"), Ok(()));
    assert!(check_header("X Token", "abc").is_err());
    assert!(check_header("Content-Length", "3").is_err());
    let error = check_header("X-Token", "s3cret\r\nX: y").unwrap_err();
    assert!(!error.to_string().contains("s3cret"));
}
