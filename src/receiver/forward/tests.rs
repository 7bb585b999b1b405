//! An application as bytes on real sockets, and what the sender gets of it.

use std::future::Future;
use std::net::SocketAddr;

use jiff::Timestamp;
use protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::net::client::ClientConfig;
use crate::receiver::callback::Bytes;

const BODY: &[u8] = b"{\"a\" : 1.10,\r\n \"b\":\"\xe9\x00\"}";

fn callback(method: &str, path: &str, headers: &[(&str, &[u8])], body: &'static [u8]) -> Callback {
    Callback {
        number: 1,
        received_at: Timestamp::UNIX_EPOCH,
        remote: SocketAddr::from(([127, 0, 0, 1], 1)),
        method: method.into(),
        path: path.into(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: Bytes::from_static(body),
    }
}

fn post() -> Callback {
    callback("POST", "/cb", &[("host", b"shop.example"), ("content-length", b"24")], BODY)
}

fn forwarder(address: SocketAddr, change: impl FnOnce(&mut ForwardSettings)) -> Forwarder {
    pooled(address, POOL, change)
}

fn pooled(
    address: SocketAddr,
    pool: PoolLimits,
    change: impl FnOnce(&mut ForwardSettings),
) -> Forwarder {
    let target = Target::parse(&format!("http://{address}/notify")).unwrap();
    let mut settings = ForwardSettings {
        target: target.clone(),
        timeout: Duration::from_secs(10),
        retry: Duration::ZERO,
        acknowledgement: AcknowledgementRule::default(),
    };
    change(&mut settings);
    let config = ClientConfig { pool, ..ClientConfig::default() };
    let mut forwarder = Forwarder::new(Client::try_new(&target, config).unwrap(), settings);
    forwarder.retry_step = Duration::from_millis(10);
    forwarder
}

/// One request as it came, head and body; nothing where the other side hung up.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&seen).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    seen.extend(body);
    Some(seen)
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn acknowledgement() -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", ACKNOWLEDGEMENT_BODY)
}

/// An application that takes one connection and gives back what its handler gives.
async fn application<T, F>(
    handle: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { handle(listener.accept().await.unwrap().0).await }))
}

/// Forwards one callback to an application that answers these bytes and closes.
async fn forwarded_to(reply: Vec<u8>) -> Forwarded {
    let (address, app) = application(|mut stream| async move {
        read_request(&mut stream).await.unwrap();
        // One that has heard enough may close first.
        let _ = stream.write_all(&reply).await;
    })
    .await;
    let forwarded = forwarder(address, |_| ()).forward(&post()).await;
    app.await.unwrap();
    forwarded
}

/// The request as an application sees it, without the lines' order hidden by parsing.
async fn seen_of(callback: &Callback) -> Vec<u8> {
    let (address, app) = application(|mut stream| async move {
        let seen = read_request(&mut stream).await.unwrap();
        stream.write_all(&acknowledgement()).await.unwrap();
        seen
    })
    .await;
    let forwarded = forwarder(address, |_| ()).forward(callback).await;
    assert!(forwarded.result.is_ok(), "{forwarded:?}");
    let seen = app.await.unwrap();
    let host = format!("host: {address}\r\n");
    let at = seen.windows(host.len()).position(|part| part == host.as_bytes()).unwrap();
    [&seen[..at], b"host: (app)\r\n", &seen[at + host.len()..]].concat()
}

fn why(forwarded: &Forwarded) -> &str {
    assert_eq!(reply_of(forwarded).status, 502);
    forwarded.result.as_ref().unwrap_err()
}

#[tokio::test]
async fn the_application_sees_what_the_sender_sent() {
    let received = callback(
        "PUT",
        "/cb?a=%20b&c",
        &[
            ("x-first", b"  two  words"),
            ("host", b"shop.example"),
            ("connection", b"close, X-Hop"),
            ("x-twice", b"2"),
            ("x-twice", b"1"),
            ("x-hop", b"1"),
            ("keep-alive", b"timeout=5"),
            ("proxy-authorization", b"secret"),
            ("te", b"trailers"),
            ("trailer", b"x"),
            ("upgrade", b"h2c"),
            ("expect", b"100-continue"),
            ("transfer-encoding", b"chunked"),
            ("accept-encoding", b"gzip, br"),
            ("content-type", b"application/json;charset=utf-8"),
            ("x-last", b"\xc3\xa9\xff"),
        ],
        BODY,
    );
    let mut expected = b"PUT /notify?a=%20b&c HTTP/1.1\r\n\
        x-first:   two  words\r\nhost: (app)\r\nx-twice: 2\r\nx-twice: 1\r\ncontent-length: 24\r\n\
        accept-encoding: gzip, br\r\ncontent-type: application/json;charset=utf-8\r\n\
        x-last: \xc3\xa9\xff\r\nx-forwarded-host: shop.example\r\n\r\n"
        .to_vec();
    expected.extend(BODY);
    let seen = seen_of(&received).await;
    assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_callback_without_a_body_gets_no_length_and_an_outer_host_stays() {
    let headers: [(&str, &[u8]); 2] = [("host", b"inner"), ("x-forwarded-host", b"outer")];
    let seen = seen_of(&callback("GET", "/cb", &headers, b"")).await;
    assert_eq!(
        String::from_utf8_lossy(&seen),
        "GET /notify HTTP/1.1\r\nhost: (app)\r\nx-forwarded-host: outer\r\n\r\n"
    );
    let seen = seen_of(&callback("POST", "/", &[("content-length", b"0")], b"")).await;
    assert_eq!(
        String::from_utf8_lossy(&seen),
        "POST /notify HTTP/1.1\r\ncontent-length: 0\r\nhost: (app)\r\n\r\n"
    );
}

#[tokio::test]
async fn connection_options_hide_no_header_that_frames_or_routes() {
    let headers: [(&str, &[u8]); 4] = [
        ("connection", b", content-length,host ,x-forwarded-host"),
        ("content-length", b"24"),
        ("host", b"shop.example"),
        ("x-forwarded-host", b"outer"),
    ];
    let seen = seen_of(&callback("POST", "/", &headers, BODY)).await;
    assert!(seen.starts_with(
        b"POST /notify HTTP/1.1\r\ncontent-length: 24\r\nhost: (app)\r\n\
        x-forwarded-host: shop.example\r\n\r\n{"
    ));
}

#[tokio::test]
async fn a_reply_without_a_body_is_a_reply() {
    let (address, app) = application(|mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n").await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 N\r\n\r\n").await.unwrap();
    })
    .await;
    let forwarder = forwarder(address, |_| ());
    for (method, status) in [("HEAD", 200), ("POST", 204)] {
        let reply = forwarder.forward(&callback(method, "/", &[], b"")).await.result.unwrap();
        assert_eq!((reply.status, reply.body.len()), (status, 0));
        assert!(!reply.acknowledges && reply.remark.is_some());
        sleep(Duration::from_millis(20)).await;
    }
    app.await.unwrap();
}

#[tokio::test]
async fn the_sender_gets_the_applications_reply_as_it_is() {
    let headers = "Content-Type: text/x\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: a\r\n\
        Set-Cookie: a\r\nSet-Cookie: b\r\nProxy-Status: x\r\nX-Raw: \u{e9}\r\n";
    let forwarded = forwarded_to(answer("418 Short", headers, "no\u{0}\u{e9}")).await;
    let reply = reply_of(&forwarded);
    assert_eq!((reply.status, &reply.body[..]), (418, "no\u{0}\u{e9}".as_bytes()));
    let names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "set-cookie", "set-cookie", "x-raw", "content-length"]);
    assert_eq!(reply.headers[3].1, "\u{e9}".as_bytes());
    let Ok(received) = &forwarded.result else { panic!("{forwarded:?}") };
    assert!(received.headers.iter().any(|(name, _)| name == "x-hop"), "kept as it came");
}

#[tokio::test]
async fn a_reply_is_judged_as_the_platform_would() {
    let judged = |forwarded: Forwarded| {
        let reply = forwarded.result.unwrap();
        (reply.acknowledges, reply.remark)
    };
    assert_eq!(judged(forwarded_to(acknowledgement()).await), (true, None));
    let near = answer("200 OK", "Content-Type: application/json\r\n", r#"{"error_code":0}"#);
    let (acknowledges, remark) = judged(forwarded_to(near).await);
    assert!(!acknowledges);
    assert!(remark.unwrap().contains("the number 0"));
    let redirect = answer("302 Found", "Location: http://127.0.0.1:1/\r\n", "");
    let (acknowledges, remark) = judged(forwarded_to(redirect).await);
    assert!(!acknowledges);
    assert!(remark.unwrap().contains("not followed"));
}

#[tokio::test]
async fn a_reply_in_chunks_or_without_a_length_is_read_whole() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"err\r\n10;x=y\r\nor_code\":\"0000\"}}\r\n\
         0\r\nX-Trailer: 1\r\n\r\n"
    );
    for reply in [chunked, format!("{head}\r\n{ACKNOWLEDGEMENT_BODY}")] {
        let forwarded = forwarded_to(reply.into_bytes()).await;
        let reply = forwarded.result.as_ref().unwrap();
        assert_eq!(&reply.body[..], ACKNOWLEDGEMENT_BODY.as_bytes());
        assert!(reply.acknowledges);
        let returned = reply_of(&forwarded);
        assert!(returned.headers.iter().all(|(name, _)| name != "transfer-encoding"));
    }
}

#[tokio::test]
async fn a_reply_longer_than_the_bound_is_no_reply() {
    let body = "x".repeat(2 * 1024 * 1024);
    for reply in [
        answer("200 OK", "", &body),
        format!("HTTP/1.1 200 OK\r\n\r\n{body}").into_bytes(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".to_vec(),
    ] {
        let why = why(&forwarded_to(reply).await).to_owned();
        assert!(why.contains("more than 1 MiB"), "{why}");
    }
    let whole = "x".repeat(MAX_APP_REPLY_BYTES);
    let forwarded = forwarded_to(answer("200 OK", "", &whole)).await;
    assert_eq!(forwarded.result.unwrap().body.len(), MAX_APP_REPLY_BYTES);
}

#[tokio::test]
async fn a_reply_that_breaks_off_or_is_no_http_is_told_apart() {
    for (reply, expected) in [
        (&b""[..], "closed before the reply was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed before the reply was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "closed before the reply was"),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "closed before the"),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "not a valid HTTP"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not a valid HTTP reply; does the port speak HTTP?"),
        (b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "answered 101"),
    ] {
        let forwarded = forwarded_to(reply.to_vec()).await;
        assert!(why(&forwarded).contains(expected), "{forwarded:?}");
    }
    let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 1024 * 1024]].concat();
    assert!(why(&forwarded_to(endless).await).contains("HTTP"));
}

#[tokio::test]
async fn no_reply_says_nothing_of_the_application_and_acknowledges_nothing() {
    let forwarded = forwarded_to(Vec::new()).await;
    let reply = reply_of(&forwarded);
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_ne!(body["error_code"], "0000");
    assert!(!body.to_string().contains("127.0.0.1"));
}

/// A port on which nothing listens until `listen` is called; nobody else can take it.
fn quiet_port() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

#[tokio::test]
async fn an_application_that_is_down_is_one_clear_line() {
    let (_socket, address) = quiet_port();
    let forwarded = forwarder(address, |_| ()).forward(&post()).await;
    let expected = "nothing listens there; check the port and that the application is running";
    assert!(why(&forwarded).starts_with(expected), "{forwarded:?}");
    assert_eq!(*forwarded.url.raw(), format!("http://{address}/notify"));
    let patient = forwarder(address, |settings| settings.retry = Duration::from_millis(25));
    let forwarded = patient.forward(&post()).await;
    assert!(why(&forwarded).starts_with(expected), "{forwarded:?}");
    assert!(why(&forwarded).ends_with(", tried again for 25ms"), "{forwarded:?}");
}

#[tokio::test]
async fn an_application_that_comes_up_in_time_gets_the_callback_once() {
    let (socket, address) = quiet_port();
    let patient = forwarder(address, |settings| settings.retry = Duration::from_secs(30));
    let app = async {
        sleep(Duration::from_millis(30)).await;
        socket.listen(8).unwrap();
        socket.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        let mut stream = listener.accept().await.unwrap().0;
        let seen = read_request(&mut stream).await.unwrap();
        stream.write_all(&acknowledgement()).await.unwrap();
        seen
    };
    let callback = post();
    let (forwarded, seen) = tokio::join!(patient.forward(&callback), app);
    assert!(forwarded.result.unwrap().acknowledges);
    assert!(seen.ends_with(BODY));
}

#[tokio::test]
async fn a_slow_application_is_given_up_and_its_connection_closed() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
    for started in [&b""[..], reply] {
        let (address, app) = application(move |mut stream| async move {
            read_request(&mut stream).await.unwrap();
            stream.write_all(started).await.unwrap();
            stream.read_u8().await.is_err()
        })
        .await;
        // Waiting for a reply is no refused connection: it is not tried again.
        let hasty = forwarder(address, |settings| {
            settings.timeout = Duration::from_millis(50);
            settings.retry = Duration::from_secs(30);
        });
        let forwarded = hasty.forward(&post()).await;
        let expected =
            "no complete reply within 50ms; the application may have processed the callback";
        assert!(why(&forwarded).starts_with(expected), "{forwarded:?}");
        assert!(app.await.unwrap(), "the connection is closed");
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (address, app) = application(|mut stream| async move {
        let mut requests = 0;
        while read_request(&mut stream).await.is_some() {
            requests += 1;
            stream.write_all(&acknowledgement()).await.unwrap();
        }
        requests
    })
    .await;
    let forwarder = forwarder(address, |_| ());
    for _ in 0..3 {
        assert!(forwarder.forward(&post()).await.result.is_ok());
        // The connection is kept by a task of its own.
        sleep(Duration::from_millis(20)).await;
    }
    drop(forwarder);
    assert_eq!(app.await.unwrap(), 3);
}

#[tokio::test]
async fn an_idle_connection_is_closed_soon() {
    let (address, app) = application(|mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(&acknowledgement()).await.unwrap();
        read_request(&mut stream).await
    })
    .await;
    let pool = PoolLimits { idle_time: Some(Duration::from_millis(30)), ..POOL };
    let forwarder = pooled(address, pool, |_| ());
    assert!(forwarder.forward(&post()).await.result.is_ok());
    assert_eq!(app.await.unwrap(), None);
}

/// What an application does with a connection on which it has answered once.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Closes,
    ReadsAndCloses,
}

/// An application that answers one request on each connection.
async fn forgetful(then: Then) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await.unwrap();
            stream.write_all(&acknowledgement()).await.unwrap();
            if then == Then::ReadsAndCloses {
                read_request(&mut stream).await.unwrap();
            }
        }
    });
    (address, app)
}

#[tokio::test]
async fn a_stale_connection_costs_no_callback() {
    let (address, app) = forgetful(Then::Closes).await;
    let forwarder = forwarder(address, |_| ());
    for pause in [0, 0, 20, 0] {
        let forwarded = forwarder.forward(&post()).await;
        assert!(forwarded.result.is_ok(), "{forwarded:?}");
        sleep(Duration::from_millis(pause)).await;
    }
    app.abort();
}

#[tokio::test]
async fn a_callback_that_may_have_been_taken_is_not_sent_again() {
    let (address, app) = forgetful(Then::ReadsAndCloses).await;
    let forwarder = forwarder(address, |settings| settings.retry = Duration::from_secs(30));
    assert!(forwarder.forward(&post()).await.result.is_ok());
    sleep(Duration::from_millis(20)).await;
    let forwarded = forwarder.forward(&post()).await;
    assert!(why(&forwarded).contains("the request may or may not have been read"), "{forwarded:?}");
    app.abort();
}

#[tokio::test]
async fn no_more_than_the_bound_are_with_the_application_at_once() {
    let (address, app) = application(|mut stream| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(&acknowledgement()).await.unwrap();
    })
    .await;
    let forwarder = forwarder(address, |settings| settings.timeout = Duration::from_millis(500));
    let all = forwarder.places.acquire_many(MOST_AT_ONCE as u32).await.unwrap();
    let busy = forwarder.forward(&post()).await;
    assert!(why(&busy).starts_with("had 64 other callbacks"), "{busy:?}");
    drop(all);
    assert!(forwarder.forward(&post()).await.result.is_ok());
    app.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_and_not_sent() {
    let (_socket, address) = quiet_port();
    let forwarder = forwarder(address, |_| ());
    for (callback, part) in [
        (callback("CONNECT", "h:1", &[], b""), "method"),
        (callback("PO ST", "/", &[], b""), "method"),
        (callback("POST", "/?a b", &[], b""), "query"),
        (callback("POST", "/", &[("x", b"a\nb")], b""), "headers"),
        (callback("POST", "/", &[("x y", b"a")], b""), "headers"),
    ] {
        let forwarded = forwarder.forward(&callback).await;
        assert!(why(&forwarded).contains(part), "{forwarded:?}");
    }
}
