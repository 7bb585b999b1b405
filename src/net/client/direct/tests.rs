//! Each option as a merchant sees it: bytes on real sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use protocol::internal::acknowledgement::{ACKNOWLEDGEMENT_BODY, MAX_REPLY_BYTES};
use tokio::time::timeout;

use super::super::peers::*;
use super::super::{Client, ClientConfig, Engine};
use crate::net::options::*;
use crate::net::outcome::Outcome;
use crate::net::resolve::ResolveRule;
use crate::net::transport::Transport;
use crate::units::percent::Percent;

/// Sends one request to a merchant that acknowledges it, and returns it as the merchant saw it.
async fn seen_with(options: RequestOptions) -> String {
    let (url, merchant) = merchant(|stream| {
        let seen = read_request(stream).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        seen
    });
    assert_eq!(body_of(send(&url, options).await), ACKNOWLEDGEMENT_BODY.as_bytes());
    tokio::task::spawn_blocking(|| merchant.join().unwrap()).await.unwrap()
}

#[tokio::test]
async fn chunks_replace_the_length() {
    let seen = seen_with(options(|o| o.is_chunked = true)).await;
    assert!(seen.contains("transfer-encoding: chunked\r\n"), "{seen}");
    assert!(!seen.contains("content-length"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"), "{seen}");
}

#[tokio::test]
async fn headers_are_replaced_added_and_left_out() {
    for connections in [Connections::Fresh, Connections::Reused] {
        let rules =
            ["Content-Type: text/x", "X-A: 1", "X-A: 2", "User-Agent:", "Host: shop.example"];
        let headers = rules.iter().map(|rule| HeaderRule::parse(rule).unwrap()).collect();
        let seen =
            seen_with(RequestOptions { connections, headers, ..RequestOptions::default() }).await;
        for line in ["content-type: text/x", "x-a: 1", "x-a: 2", "host: shop.example"] {
            assert_eq!(seen.lines().filter(|one| *one == line).count(), 1, "{seen}");
        }
        assert!(!seen.contains("user-agent") && !seen.contains("json;"), "{seen}");
    }
}

#[tokio::test]
async fn credentials_travel_as_a_header() {
    let (url, merchant) = merchant(|stream| {
        let seen = read_request(stream).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        seen
    });
    send(&url.replace("http://", "http://user:pa%20ss@"), reused()).await;
    let seen = merchant.join().unwrap();
    assert!(seen.contains("authorization: Basic dXNlcjpwYSBzcw==\r\n"), "{seen}");
    assert!(seen.starts_with("POST /notify?a=1 "), "{seen}");
}

#[tokio::test]
async fn a_slow_upload_comes_in_parts() {
    let (url, merchant) = merchant(|stream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let (mut parts, mut body) = (0, Vec::<u8>::new());
        while body.len() < BODY.len() {
            let mut part = [0; 64];
            let length = stream.read(&mut part).unwrap();
            body.extend(&part[..length]);
            parts += 1;
        }
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        (parts, body)
    });
    let over = Upload::Over(Duration::from_millis(140));
    body_of(send(&url, options(|o| o.upload = over)).await);
    let (parts, body) = merchant.join().unwrap();
    assert_eq!(body, BODY.as_bytes());
    assert!(parts > 1, "{parts} parts");
}

#[tokio::test]
async fn a_half_closed_connection_still_brings_the_reply() {
    for is_chunked in [false, true] {
        let (url, merchant) = merchant(|stream| {
            let mut request = String::new();
            // Ends only because the client shuts its side down.
            stream.read_to_string(&mut request).unwrap();
            stream.write_all(acknowledgement().as_bytes()).unwrap();
            request
        });
        let options = options(|o| {
            o.is_half_closed = true;
            o.is_chunked = is_chunked;
        });
        assert_eq!(body_of(send(&url, options).await), ACKNOWLEDGEMENT_BODY.as_bytes());
        assert!(merchant.join().unwrap().contains(BODY));
    }
}

#[tokio::test]
async fn a_lost_reply_is_a_request_that_arrived() {
    let (url, merchant) = merchant(|stream| {
        let seen = read_request(stream).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        // The client hangs up although the reply promised to keep the connection.
        let gone = matches!(stream.read(&mut [0]), Ok(0) | Err(_));
        (seen, gone)
    });
    let loss = Loss { share: Percent::ALL, seed: 1 };
    let options = RequestOptions { loss: Some(loss), ..reused() };
    let outcome = send(&url, options).await;
    assert_eq!(failure(&outcome).code(), "reply-lost");
    assert!(failure(&outcome).explanation().contains("on purpose"));
    let join = tokio::task::spawn_blocking(|| merchant.join().unwrap());
    let (seen, gone) = join.await.unwrap();
    assert!(seen.ends_with(BODY) && gone);
}

#[tokio::test]
async fn a_reply_that_never_came_is_not_called_lost() {
    let (url, merchant) = merchant(|stream| read_request(stream).is_some());
    let loss = Loss { share: Percent::ALL, seed: 1 };
    let outcome = send(&url, options(|o| o.loss = Some(loss))).await;
    assert_eq!(failure(&outcome).code(), "closed-early");
    assert!(merchant.join().unwrap());
}

fn zipped(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::best());
    encoder.write_all(&vec![b' '; length]).unwrap();
    encoder.write_all(ACKNOWLEDGEMENT_BODY.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

async fn unzipped(reply: Vec<u8>) -> (Outcome, String) {
    let (url, merchant) = merchant(move |stream| {
        let seen = read_request(stream).unwrap();
        stream.write_all(&reply).unwrap();
        seen
    });
    let outcome = send(&url, options(|o| o.accepts_gzip = true)).await;
    (outcome, merchant.join().unwrap())
}

#[tokio::test]
async fn gzip_is_asked_for_read_and_bounded() {
    let (outcome, seen) = unzipped(zipped(0)).await;
    assert!(seen.contains("accept-encoding: gzip\r\n"), "{seen}");
    assert_eq!(body_of(outcome), ACKNOWLEDGEMENT_BODY.as_bytes());
    // 20 MB in 20 KB.
    let (bomb, _) = unzipped(zipped(20_000_000)).await;
    assert_eq!(body_of(bomb).len(), MAX_REPLY_BYTES + 1);
    let mut broken = zipped(0);
    let middle = broken.len() - 20;
    broken[middle] ^= 0x55;
    assert_eq!(failure(&unzipped(broken).await.0).code(), "invalid-reply");
}

/// A merchant that serves connections one after another, so many requests on each.
fn serving(requests: &'static [usize]) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let mut served = 0;
        for requests in requests {
            let (mut stream, _) = listener.accept().unwrap();
            for _ in 0..*requests {
                if read_request(&mut stream).is_some() {
                    served += 1;
                    stream.write_all(acknowledgement().as_bytes()).unwrap();
                }
            }
            stream.shutdown(Shutdown::Both).unwrap();
        }
        served
    });
    (url, thread)
}

#[tokio::test]
async fn connections_are_reused_or_fresh() {
    for (connections, requests) in
        [(Connections::Reused, &[3][..]), (Connections::Fresh, &[1, 1, 1])]
    {
        let (url, merchant) = serving(requests);
        let options = options(|o| {
            o.connections = connections;
            o.accepts_gzip = true;
        });
        let (client, request) = client(&url, options, without_proxy());
        for _ in 0..3 {
            body_of(client.send(&request).await.outcome);
        }
        assert_eq!(merchant.join().unwrap(), 3);
    }
}

/// Waits until one idle connection is kept, or kept and its end noticed.
async fn until_idle(client: &Client, is_closed: bool) {
    let Engine::Direct(direct) = &client.0.engine else { panic!("a proxy") };
    let waiting = async {
        while !direct.pool.has_one(is_closed) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), waiting).await.expect("an idle connection");
}

/// Two requests, with the end of the kept connection before the second one: what came of the second,
/// and whether a new connection brought it.
async fn second_after_an_end(is_noticed: bool) -> (Outcome, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ending) = channel();
    let (ended, gone) = channel();
    let merchant = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        ending.recv().unwrap();
        drop(stream);
        ended.send(()).unwrap();
        // The next connection brings the second request, or is the test's own and brings nothing.
        let (mut stream, _) = listener.accept().unwrap();
        let is_brought = read_request(&mut stream).is_some();
        if is_brought {
            stream.write_all(acknowledgement().as_bytes()).unwrap();
        }
        is_brought
    });
    let url = format!("http://{address}/");
    let (client, request) = client(&url, reused(), without_proxy());
    body_of(client.send(&request).await.outcome);
    until_idle(&client, false).await;
    end.send(()).unwrap();
    // This thread is the runtime's: unless it yields, the end is noticed with the request only.
    gone.recv().unwrap();
    if is_noticed {
        until_idle(&client, true).await;
    }
    let outcome = client.send(&request).await.outcome;
    drop(TcpStream::connect(address));
    (outcome, merchant.join().unwrap())
}

// A server may close an idle connection at any moment (RFC 9112, 9.5), and its end may be on the
// way while the next request goes out. So there are two promises: an end that has been noticed
// costs no attempt, and a request whose fate is unknown is never sent a second time.

#[tokio::test]
async fn a_connection_whose_end_was_noticed_costs_no_attempt() {
    let (outcome, is_brought) = second_after_an_end(true).await;
    assert!(is_brought && outcome.status() == Some(200), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_ends_as_the_request_goes_out_does_not_send_it_twice() {
    match second_after_an_end(false).await {
        (Outcome::Reply(reply), is_brought) => assert!(is_brought && reply.status == 200),
        (Outcome::NoReply(failure), is_brought) => {
            assert!(!is_brought, "sent again after {failure:?}");
            assert_eq!(failure.code(), "stale-connection", "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_was_sent_is_a_failed_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let merchant = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        read_request(&mut stream).unwrap();
        drop(stream);
        listener.set_nonblocking(true).unwrap();
        listener.accept().is_err()
    });
    let (client, request) = client(&url, reused(), without_proxy());
    body_of(client.send(&request).await.outcome);
    let second = client.send(&request).await.outcome;
    assert_eq!(failure(&second).code(), "stale-connection");
    assert!(merchant.join().unwrap(), "it was sent again");
}

#[tokio::test]
async fn addresses_can_be_given_and_ipv6_works() {
    let (url, merchant) = serving(&[1]);
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let rule = ResolveRule::parse(&format!("shop.example:{port}:127.0.0.1")).unwrap();
    let named = format!("http://shop.example:{port}/");
    let config = ClientConfig { resolve: vec![rule], ..without_proxy() };
    body_of(send_with(&named, RequestOptions::default(), config).await);
    assert_eq!(merchant.join().unwrap(), 1);
    // A machine without IPv6 has nothing to show.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    let merchant = thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let seen = read_request(&mut stream).unwrap();
            assert!(seen.contains("host: [::1]:"), "{seen}");
            stream.write_all(acknowledgement().as_bytes()).unwrap();
        }
    });
    for wire in [RequestOptions::default(), reused()] {
        body_of(send(&format!("http://[::1]:{port}/"), wire).await);
    }
    merchant.join().unwrap();
}

#[tokio::test]
async fn a_name_without_an_address_and_a_closed_port_are_named() {
    let outcome = send("http://a..b/", reused()).await;
    assert_eq!(failure(&outcome).code(), "resolve");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = send(&format!("http://{address}/"), reused()).await;
    assert_eq!(failure(&outcome).code(), "connection-refused");
}

#[tokio::test]
async fn a_body_waits_for_the_go_ahead() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let merchant = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        assert!(stream.read_exact(&mut byte).is_err(), "the body came unasked");
        stream.set_read_timeout(None).unwrap();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; BODY.len()];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(acknowledgement().as_bytes()).unwrap();
        (String::from_utf8(head).unwrap(), body)
    });
    let options = options(|o| {
        o.awaits_continue = true;
        o.method = parse_method("PUT").unwrap();
    });
    let outcome = send(&url, options).await;
    assert_eq!(body_of(outcome), ACKNOWLEDGEMENT_BODY.as_bytes());
    let (head, body) = merchant.join().unwrap();
    assert!(head.starts_with("PUT / ") && head.contains("expect: 100-continue\r\n"), "{head}");
    assert_eq!(body, BODY.as_bytes());
}
