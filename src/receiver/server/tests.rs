//! Over real sockets: which bytes become a callback, and what the server does with all others.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::event::{Refusal, ServerEvent, Stopped};
use super::has_http_date;
use super::limits::Limits;
use crate::receiver::callback::Bytes;
use rig::{PATIENCE, Running, SHORT, post, read_to_end, read_until, small};

mod raw_connection;
pub(in crate::receiver) mod rig;

fn is_malformed(event: &ServerEvent) -> bool {
    matches!(event, ServerEvent::Malformed { .. })
}

fn is_refused(event: &ServerEvent, why: Refusal) -> bool {
    matches!(event, ServerEvent::Refused { refusal, .. } if *refusal == why)
}

#[test]
fn clocks_without_an_http_date_are_refused() {
    let (epoch, second) = (SystemTime::UNIX_EPOCH, Duration::from_secs(1));
    let year_10000 = epoch + Duration::from_secs(253_402_300_800);
    assert!(has_http_date(epoch) && has_http_date(year_10000 - second));
    assert!(!has_http_date(epoch - second) && !has_http_date(year_10000));
}

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let server = Running::start(small()).await;
    let head = "PUT //n/../%7e?b=%2B&a=1 HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nContent-Type: a/b\r\n\
                X-B: \u{e9}\r\nConnection: close\r\nContent-Length: 5\r\n\r\na\0b\r\n";
    let answer = server.answer_to(head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-length: 4\r\n") && answer.ends_with("\r\n\r\nfine"));
    let callback = server.callbacks.lock().unwrap()[0].clone();
    assert_eq!((callback.number, callback.method.raw().as_str()), (1, "PUT"));
    assert_eq!(callback.path.raw(), "//n/../%7e?b=%2B&a=1");
    assert_eq!(&callback.body[..], b"a\0b\r\n");
    assert_eq!(callback.content_type(), Some("a/b"));
    let twice = callback.headers.iter().filter(|(name, _)| name == "x-b");
    let values: Vec<&[u8]> = twice.map(|(_, value)| &value[..]).collect();
    assert_eq!(values, [&b"1"[..], "\u{e9}".as_bytes()]);
    assert!(callback.remote.ip().is_loopback());
    assert_eq!(server.stopped().await.callbacks, 1);
}

#[tokio::test]
async fn any_method_reaches_the_handler() {
    let server = Running::start(small()).await;
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "BREW"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = server.answer_to(request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(answer.ends_with("fine"), method != "HEAD");
        assert_eq!(server.callbacks.lock().unwrap().last().unwrap().method.raw(), method);
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let server = Running::start(small()).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.write_all(post("one").as_bytes()).await.unwrap();
        read_until(&mut client, "fine").await;
    }
    client.write_all(post("two").repeat(3).as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut client).await.matches("fine").count(), 3);
    let summary = server.stopped().await;
    assert_eq!((summary.connections, summary.callbacks), (1, 5));
}

#[tokio::test]
async fn a_chunked_body_is_put_together() {
    let server = Running::start(small()).await;
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = server.connect().await;
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n").await.unwrap();
    read_until(&mut client, "fine").await;
    assert_eq!(&server.callbacks.lock().unwrap()[0].body[..], b"abcde");
    let answer = server.answer_to(format!("{head}zz\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let answer = server.answer_to(format!("{head}{}", "1\r\na\r\n".repeat(101))).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.told(|event| is_refused(event, Refusal::BrokenBody)), 1);
    assert_eq!(server.told(|event| is_refused(event, Refusal::BodyTooLarge)), 1);
    assert_eq!(server.received(), 1);
}

#[tokio::test]
async fn a_body_too_long_is_refused_before_it_is_sent() {
    let server = Running::start(small()).await;
    for length in ["101", "1000000000000", "18446744073709551613"] {
        let expect = "Expect: 100-continue\r\nHost: h";
        let head = format!("POST / HTTP/1.1\r\n{expect}\r\nContent-Length: {length}\r\n\r\n");
        let answer = server.answer_to(head).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{length}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // The refusal arrives although the client keeps sending.
    let mut client = server.connect().await;
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n")
        .await
        .unwrap();
    client.write_all(&vec![b'x'; 400_000]).await.unwrap();
    assert!(read_to_end(&mut client).await.starts_with("HTTP/1.1 413"));
    assert_eq!(server.received(), 0);
}

#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let server = Running::start(Limits { max_pending_bytes: 5, ..small() }).await;
    assert!(server.answer_to(post("123456")).await.starts_with("HTTP/1.1 503"));
    assert!(server.answer_to(post("123456")).await.starts_with("HTTP/1.1 503"));
    let mut client = server.connect().await;
    client.write_all(post("12345").as_bytes()).await.unwrap();
    read_until(&mut client, "fine").await;
}

#[tokio::test]
async fn a_framing_that_is_in_doubt_ends_the_connection() {
    let server = Running::start(small()).await;
    let bad = [
        "Content-Length: -3",
        "Content-Length: +3",
        "Content-Length: 0x3",
        "Content-Length: ",
        "Content-Length: 3, 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
        "Content-Length : 3",
        "Content-Length: 3\r\n folded: 1",
        "No colon",
    ];
    for (index, header) in bad.into_iter().enumerate() {
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{header}\r\n\r\n{}", post("abc"));
        let answer = server.answer_to(request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{header}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{header}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{header}: {answer}");
        server.until(|it| it.told(is_malformed) == index + 1).await;
    }
    assert_eq!(server.received(), 0);
    assert_eq!(server.stopped().await.malformed, bad.len() as u64);
}

#[tokio::test]
async fn a_request_names_one_host_and_one_coding() {
    let server = Running::start(small()).await;
    let (length, chunked) = ("Content-Length: 3", "Transfer-Encoding: chunked");
    for (version, headers, why) in [
        ("1.1", length.to_owned(), Refusal::BadHost),
        ("1.1", format!("Host: h\r\nHost: h\r\n{length}"), Refusal::BadHost),
        ("1.0", format!("Host: a\r\n{length}\r\nhost: b"), Refusal::BadHost),
        ("1.1", "Host: h\r\nTransfer-Encoding: gzip, chunked".to_owned(), Refusal::TransferCoding),
        (
            "1.1",
            "Host: h\r\nTransfer-Encoding: chunked, chunked".to_owned(),
            Refusal::TransferCoding,
        ),
        ("1.1", format!("Host: h\r\n{chunked}\r\n{chunked}"), Refusal::TransferCoding),
        (
            "1.1",
            format!("Host: h\r\nTransfer-Encoding: gzip\r\n{chunked}"),
            Refusal::TransferCoding,
        ),
    ] {
        let before = server.told(|event| is_refused(event, why));
        let request = format!("POST / HTTP/{version}\r\n{headers}\r\n\r\n{}", post("abc"));
        let answer = server.answer_to(request).await;
        assert!(answer.starts_with(&format!("HTTP/{version} 400")), "{headers}: {answer}");
        assert_eq!(answer.matches("HTTP/1").count(), 1, "{headers}: {answer}");
        assert_eq!(server.told(|event| is_refused(event, why)), before + 1, "{headers}");
    }
    assert_eq!(server.received(), 0);
    for taken in ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost:\r\nConnection: close\r\n"] {
        let answer = server.answer_to(format!("GET / {taken}\r\n")).await;
        assert!(answer.ends_with("fine"), "{answer}");
    }
}

#[tokio::test]
async fn lengths_over_every_limit_are_refused_as_such() {
    let server = Running::start(small()).await;
    for length in ["18446744073709551615", "18446744073709551614", "18446744073709551613"] {
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        let answer = server.answer_to(head).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{length}: {answer}");
    }
    // The time for a body is longer than this test waits.
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunks in ["65\r\n", "FFFFFFFFFFFFFFFF\r\n", "60\r\n", "1\r\na\r\n64;x=y\r\n"] {
        let mut client = server.connect().await;
        client.write_all(head.as_bytes()).await.unwrap();
        let (first, rest) = chunks.split_at(chunks.len() / 2);
        client.write_all(first.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(5)).await;
        client.write_all(rest.as_bytes()).await.unwrap();
        if chunks == "60\r\n" {
            client.write_all(&[b'x'; 0x60]).await.unwrap();
            client.write_all(b"\r\n5\r\n").await.unwrap();
        }
        let answer = timeout(PATIENCE / 2, read_to_end(&mut client)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{chunks:?}: {answer}");
        if chunks != "60\r\n" {
            let whole = server.answer_to(format!("{head}{chunks}")).await;
            assert!(whole.starts_with("HTTP/1.1 413"), "{chunks:?}: {whole}");
        }
    }
    assert_eq!(server.received(), 0);
}

#[tokio::test]
async fn two_framings_carry_no_second_request() {
    let server = Running::start(small()).await;
    let (length, chunked) = ("Content-Length: 3", "Transfer-Encoding: chunked");
    for (index, (a, b)) in [(length, chunked), (chunked, length)].into_iter().enumerate() {
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\n{a}\r\n{b}\r\n\r\n0\r\n\r\n");
        let answer = server.answer_to(head + &post("smuggled")).await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert_eq!(server.received(), index + 1);
    }
    assert!(server.callbacks.lock().unwrap().iter().all(|callback| callback.body.is_empty()));
}

#[tokio::test]
async fn a_bare_line_feed_ends_a_line_and_no_more() {
    let server = Running::start(small()).await;
    let request = "POST / HTTP/1.1\nHost: h\nContent-Length: 2\nConnection: close\n\nabcd";
    assert!(server.answer_to(request).await.starts_with("HTTP/1.1 200"));
    assert_eq!(&server.callbacks.lock().unwrap()[0].body[..], b"ab");
}

#[tokio::test]
async fn what_is_not_http_is_counted() {
    let server = Running::start(small()).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let proxy = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPOST / HTTP/1.1\r\nHost: h\r\n\r\n";
    for (bytes, name) in [
        ("\x16\x03\x01\x02\0\x01\0\x01", "a TLS handshake"),
        ("GET /\r\n\r\n", ""),
        (preface, "HTTP/2"),
        (proxy, "a PROXY protocol header"),
        ("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0", "a PROXY protocol header"),
        ("\0\0\0\0\r\n\r\n", ""),
    ] {
        let named = |event: &ServerEvent| matches!(event, ServerEvent::Malformed { reason, .. } if reason.starts_with(name));
        let before = server.told(named);
        server.answer_to(bytes).await;
        server.until(|it| it.told(named) == before + 1).await;
    }
    assert!(server.answer_to("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn a_flood_of_headers_is_cut_off() {
    let server = Running::start(small()).await;
    let many = "X: 1\r\n".repeat(64);
    let long = format!("X: {}\r\n", "y".repeat(200_000));
    for flood in [many, long] {
        let answer = server.answer_to(format!("POST / HTTP/1.1\r\nHost: h\r\n{flood}")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    server.until(|it| it.told(is_malformed) == 2).await;
    assert_eq!(server.received(), 0);
}

#[tokio::test]
async fn slow_clients_are_closed_and_only_begun_headers_told() {
    let times = Limits { header_timeout: SHORT, body_timeout: SHORT, ..small() };
    let server = Running::start(times).await;
    assert_eq!(server.answer_to("").await, "");
    assert!(server.events.lock().unwrap().is_empty());
    assert_eq!(server.answer_to("POST / HT").await, "");
    server.until(|it| it.told(|e| matches!(e, ServerEvent::SlowHeader { .. })) == 1).await;
    let answer = server.answer_to(&post("abc")[..post("abc").len() - 1]).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let kept = server.answer_to(post("abc")).await;
    assert!(kept.ends_with("fine"), "{kept}");
    let summary = server.stopped().await;
    assert_eq!((summary.too_slow, summary.refused, summary.callbacks), (1, 1, 1));
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_continue() {
    let server = Running::start(small()).await;
    let mut client = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    client.write_all(b"ab").await.unwrap();
    assert!(read_until(&mut client, "fine").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_ended_its_side_is_answered() {
    let server = Running::start(small()).await;
    server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut client = server.connect().await;
    client.write_all(post("abc").as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    sleep(Duration::from_millis(20)).await;
    server.gate.add_permits(1);
    assert!(read_to_end(&mut client).await.ends_with("fine"));
}

#[tokio::test]
async fn a_callback_is_handled_though_its_client_resets() {
    let server = Running::start(small()).await;
    server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut leaving = server.connect().await;
    let mut staying = server.connect().await;
    leaving.write_all(post("leaving").as_bytes()).await.unwrap();
    staying.write_all(post("staying").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    socket2::SockRef::from(&leaving).set_linger(Some(Duration::ZERO)).unwrap();
    drop(leaving);
    sleep(Duration::from_millis(20)).await;
    server.gate.add_permits(2);
    assert!(read_until(&mut staying, "fine").await.starts_with("HTTP/1.1 200"));
    server.until(|it| it.received() == 2).await;
    drop(staying);
    assert_eq!(server.stopped().await.abandoned, 0);
}

#[tokio::test]
async fn a_full_server_evicts_who_only_waits() {
    let server = Running::start(Limits { max_connections: 2, ..small() }).await;
    server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut oldest = server.connect().await;
    oldest.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    let mut first = server.connect().await;
    first.write_all(post("1").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    let mut second = server.connect().await;
    second.write_all(post("2").as_bytes()).await.unwrap();
    assert_eq!(read_to_end(&mut oldest).await, "");
    sleep(Duration::from_millis(20)).await;
    assert_eq!(server.answer_to("").await, "");
    assert_eq!(server.told(|e| matches!(e, ServerEvent::Evicted { .. })), 1);
    assert_eq!(server.told(|e| matches!(e, ServerEvent::TurnedAway { .. })), 1);
    server.gate.add_permits(2);
    read_until(&mut first, "fine").await;
    read_until(&mut second, "fine").await;
    assert_eq!(server.stopped().await.crowded_out, 2);
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits { write_timeout: SHORT, ..small() };
    let server = Running::on(listener, limits, vec![b'x'; 1 << 20].into()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = socket.connect(server.address).await.unwrap();
    client.write_all(post("").repeat(100).as_bytes()).await.unwrap();
    server.until(|it| it.told(|e| matches!(e, ServerEvent::SlowReader { .. })) == 1).await;
    assert!(server.received() < 50, "{}", server.received());
    assert_eq!(server.stopped().await.stopped, Stopped::Drained);
}

#[tokio::test]
async fn errors_on_taking_connections_are_told_once_and_waited_out() {
    // A socket that is bound and does not listen refuses every accept.
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let domain = socket2::Domain::IPV4;
    let deaf = socket2::Socket::new(domain, socket2::Type::STREAM, None).unwrap();
    deaf.bind(&address.into()).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let limits = Limits { accept_pause: Duration::from_millis(5), ..small() };
    let listener = TcpListener::from_std(deaf.into()).unwrap();
    let server = Running::on(listener, limits, Bytes::new()).await;
    server.until(|it| it.told(|e| matches!(e, ServerEvent::AcceptFailed { .. })) == 1).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(server.told(|e| matches!(e, ServerEvent::AcceptFailed { .. })), 1);
    let summary = server.stopped().await;
    assert!(summary.accept_errors > 1, "{summary:?}");
}

#[tokio::test]
async fn limits_without_bounds_are_no_panic() {
    let (time, size) = (Duration::MAX, usize::MAX);
    let sizes = Limits { max_headers: size, max_header_bytes: size, ..Limits::default() };
    let times = Limits { header_timeout: time, body_timeout: time, accept_pause: time, ..sizes };
    let server = Running::start(Limits { max_body_bytes: size, drain: time, ..times }).await;
    let mut client = server.connect().await;
    let long = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000\r\n\r\nabc";
    client.write_all((post("a") + long).as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let answers = read_to_end(&mut client).await;
    assert!(answers.contains("fineHTTP/1.1 400"), "{answers}");
    assert_eq!(server.stopped().await.stopped, Stopped::Drained);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight() {
    let server = Running::start(Limits { drain: PATIENCE, ..small() }).await;
    server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    busy.write_all(post("abc").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    server.stop.send(()).await.unwrap();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    server.gate.add_permits(1);
    let answer = read_to_end(&mut busy).await;
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("fine"), "{answer}");
    let summary = timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!((summary.stopped, summary.abandoned), (Stopped::Drained, 0));
}

#[tokio::test]
async fn draining_ends_with_its_time_or_a_second_signal() {
    for (signals, drain) in [(1, SHORT), (2, PATIENCE * 10)] {
        let server = Running::start(Limits { drain, ..small() }).await;
        server.gate.forget_permits(Semaphore::MAX_PERMITS);
        let mut busy = server.connect().await;
        busy.write_all(post("abc").as_bytes()).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        for _ in 0..signals {
            server.stop.send(()).await.unwrap();
        }
        let summary = timeout(PATIENCE, server.task).await.unwrap().unwrap();
        let end = if signals == 1 { Stopped::TimedOut } else { Stopped::Forced };
        assert_eq!((summary.stopped, summary.abandoned), (end, 1));
        assert_eq!(read_to_end(&mut busy).await, "");
    }
}
