//! Streams and scripts: what the client sees, and what their producers and the server see.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::rig::{PATIENCE, Running, SHORT, post, read_to_end, read_until, small};
use crate::receiver::callback::{Bytes, Callback};
use crate::receiver::reply::Reply;
use crate::receiver::server::event::{ServerEvent, Stopped};
use crate::receiver::server::handler_output::{Answer, WireEnd, WireScript, WireStep};
use crate::receiver::server::limits::Limits;
use crate::receiver::server::{Server, wait};

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(3600);

/// A server that answers paths below `/s` with streams, and all others with a reply.
struct Streaming {
    running: Running,
    senders: Arc<Mutex<Vec<mpsc::Sender<Bytes>>>>,
}

impl Streaming {
    async fn start(limits: Limits) -> Streaming {
        let senders = Arc::new(Mutex::new(Vec::new()));
        let kept = senders.clone();
        let running = Running::with(limits, move |callback| {
            let reply = Reply::new(200, "text/event-stream", "first");
            if !callback.path.raw().starts_with("/s") {
                return reply.into();
            }
            let (sender, parts) = mpsc::channel(4);
            kept.lock().unwrap().push(sender);
            Answer::Stream { head: reply, parts }
        });
        Streaming { running: running.await, senders }
    }

    /// A client of a stream that has read its opening, and the stream's producer.
    async fn open(&self, request: &str) -> (TcpStream, mpsc::Sender<Bytes>, String) {
        let mut client = self.running.connect().await;
        client.write_all(request.as_bytes()).await.unwrap();
        let end = if request.contains("HTTP/1.0") { "first" } else { "5\r\nfirst\r\n" };
        let opening = read_until(&mut client, end).await;
        let sender = self.senders.lock().unwrap().pop().unwrap();
        (client, sender, opening)
    }
}

fn script(steps: Vec<WireStep>, end: WireEnd) -> Answer {
    Answer::Wire(WireScript { steps, end })
}

fn written(bytes: &'static str) -> WireStep {
    WireStep::Write(Bytes::from_static(bytes.as_bytes()))
}

const EVENTS: &str = "GET /s HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test]
async fn a_stream_is_its_head_and_its_parts() {
    let server = Streaming::start(small()).await;
    let (mut client, sender, opening) = server.open(EVENTS).await;
    assert!(opening.starts_with("HTTP/1.1 200 OK\r\n"), "{opening}");
    for header in ["text/event-stream", "transfer-encoding: chunked", "connection: close", "GMT"] {
        assert!(opening.contains(&format!("{header}\r\n")), "{opening}");
    }
    sender.send("data: 1\n\n".into()).await.unwrap();
    read_until(&mut client, "9\r\ndata: 1\n\n\r\n").await;
    // An empty chunk would be the last.
    sender.send(Bytes::new()).await.unwrap();
    sender.send("x".into()).await.unwrap();
    drop(sender);
    assert_eq!(read_to_end(&mut client).await, "1\r\nx\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_stream_needs_no_chunks_where_the_client_knows_none() {
    let server = Streaming::start(small()).await;
    let (mut client, sender, opening) = server.open("GET /s HTTP/1.0\r\n\r\n").await;
    assert!(!opening.contains("transfer-encoding"), "{opening}");
    sender.send("more".into()).await.unwrap();
    drop(sender);
    assert_eq!(read_to_end(&mut client).await, "more");
    let head = server.running.answer_to("HEAD /s HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn a_producer_sees_that_its_client_left() {
    let server = Streaming::start(small()).await;
    for _ in 0..2 {
        let (client, sender, _) = server.open(EVENTS).await;
        drop(client);
        timeout(PATIENCE, sender.closed()).await.unwrap();
    }
    let (client, sender, _) = server.open(EVENTS).await;
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    timeout(PATIENCE, sender.closed()).await.unwrap();
    assert!(server.running.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_idle_stream_stays_and_a_stalled_one_ends() {
    let times =
        Limits { write_timeout: SHORT, header_timeout: SHORT, body_timeout: SHORT, ..small() };
    let server = Streaming::start(times).await;
    let (mut idle, kept, _) = server.open(EVENTS).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(server.running.address).await.unwrap();
    stalled.write_all(EVENTS.as_bytes()).await.unwrap();
    read_until(&mut stalled, "first\r\n").await;
    let sender = server.senders.lock().unwrap().pop().unwrap();
    let big = Bytes::from(vec![b'x'; 1 << 20]);
    while sender.send(big.clone()).await.is_ok() {}
    let is_slow = |event: &ServerEvent| matches!(event, ServerEvent::SlowReader { .. });
    server.running.until(|it| it.told(is_slow) == 1).await;
    sleep(SHORT).await;
    kept.send("still".into()).await.unwrap();
    read_until(&mut idle, "still\r\n").await;
}

#[tokio::test]
async fn stopping_ends_streams_and_scripts_at_once() {
    let server = Streaming::start(Limits { drain: PATIENCE, ..small() }).await;
    let (mut client, sender, _) = server.open(EVENTS).await;
    // One whose client reads nothing must not be waited for.
    let (_stalled, filler, _) = server.open(EVENTS).await;
    while filler.try_send(vec![b'x'; 1 << 20].into()).is_ok() {
        sleep(Duration::from_millis(1)).await;
    }
    let summary = timeout(PATIENCE / 2, server.running.stopped()).await.unwrap();
    assert_eq!((summary.stopped, summary.abandoned), (Stopped::Drained, 0));
    assert!(sender.is_closed() && filler.is_closed());
    assert_eq!(read_to_end(&mut client).await, "0\r\n\r\n");

    let running = Running::with(Limits { drain: PATIENCE, ..small() }, |_| {
        script(vec![written("HT"), WireStep::Pause(FOREVER)], WireEnd::Close)
    });
    let server = running.await;
    let mut client = server.connect().await;
    client.write_all(post("").as_bytes()).await.unwrap();
    read_until(&mut client, "HT").await;
    let summary = timeout(PATIENCE / 2, server.stopped()).await.unwrap();
    assert_eq!(summary.stopped, Stopped::Drained);
}

#[tokio::test]
async fn a_script_writes_its_bytes_and_nothing_else() {
    let server = Running::with(small(), |_| {
        let pause = WireStep::Pause(Duration::from_millis(20));
        let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{";
        script(vec![written(bytes), pause, written("\0\u{7f}")], WireEnd::Close)
    })
    .await;
    let expect = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    for (request, before) in [
        (post("abc"), ""),
        (format!("{}{}", post("a"), post("b")), ""),
        (format!("{expect}ab{}", post("b")), "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        let answer = server.answer_to(request).await;
        assert_eq!(
            answer,
            format!("{before}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{{\0\u{7f}")
        );
    }
    assert_eq!(server.received(), 3);
    assert!(server.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_script_waits_for_the_replies_before_it() {
    let body = Bytes::from(vec![b'x'; 1 << 20]);
    let whole = body.clone();
    let server = Running::with(small(), move |callback| match &callback.body[..] {
        b"last" => script(vec![written("!")], WireEnd::Close),
        _ => Reply::new(200, "text/plain", whole.clone()).into(),
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut client = socket.connect(server.address).await.unwrap();
    let requests = format!("{}{}{}", post(""), post(""), post("last"));
    client.write_all(requests.as_bytes()).await.unwrap();
    server.until(|it| it.received() > 0).await;
    sleep(Duration::from_millis(20)).await;
    let answers = read_to_end(&mut client).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(answers.matches('x').count(), 2 * body.len() + 2 * "text".matches('x').count());
    assert!(answers.ends_with("x!"));
}

#[tokio::test]
async fn a_reset_is_an_error_for_the_client() {
    let server = Running::with(small(), |callback| {
        let steps = if callback.body.is_empty() { vec![] } else { vec![written("HTTP/1.1 2")] };
        script(steps, WireEnd::Reset)
    })
    .await;
    for body in ["", "abc"] {
        let mut client = server.connect().await;
        client.write_all(post(body).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let error = timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_script() {
    let hang = || script(vec![WireStep::Pause(FOREVER)], WireEnd::Close);
    let server = Running::with(Limits { drain: SHORT, ..small() }, move |_| hang()).await;
    let mut client = server.connect().await;
    client.write_all(post("").as_bytes()).await.unwrap();
    server.until(|it| it.received() == 1).await;
    sleep(Duration::from_millis(20)).await;
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut client).await, "");
}

#[tokio::test]
async fn scripts_and_streams_make_room_for_callbacks() {
    let limits = Limits { max_connections: 3, ..small() };
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = senders.clone();
    let server = Running::with(limits, move |callback| match &callback.body[..] {
        b"hang" => script(vec![WireStep::Pause(FOREVER)], WireEnd::Close),
        b"busy" => Reply::new(200, "text/plain", "fine").into(),
        _ => {
            let (sender, parts) = mpsc::channel(1);
            kept.lock().unwrap().push(sender);
            Answer::Stream { head: Reply::new(200, "text/plain", "on"), parts }
        }
    })
    .await;
    let mut clients = Vec::new();
    for (index, body) in ["stream", "hang", "hang"].into_iter().enumerate() {
        let mut client = server.connect().await;
        client.write_all(post(body).as_bytes()).await.unwrap();
        server.until(|it| it.received() == index + 1).await;
        sleep(Duration::from_millis(20)).await;
        clients.push(client);
    }
    server.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.write_all(post("busy").as_bytes()).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        busy.push(client);
    }
    // The scripts went first, then the stream; the callbacks stay, and a fourth finds no room.
    assert_eq!(server.told(|event| matches!(event, ServerEvent::Evicted { .. })), 3);
    assert!(senders.lock().unwrap()[0].is_closed());
    assert_eq!(server.answer_to("").await, "");
    server.gate.add_permits(3);
    for client in &mut busy {
        read_until(client, "fine").await;
    }
}

#[tokio::test]
async fn a_slow_body_makes_room_for_callbacks() {
    let server = Running::start(Limits { max_connections: 1, ..small() }).await;
    let mut slow = server.connect().await;
    slow.write_all(&post("abc").as_bytes()[..post("abc").len() - 1]).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    let mut client = server.connect().await;
    client.write_all(post("abc").as_bytes()).await.unwrap();
    read_until(&mut client, "fine").await;
    assert_eq!(read_to_end(&mut slow).await, "");
    assert_eq!(server.received(), 1);
}

#[tokio::test]
async fn a_stream_that_cannot_begin_is_a_failed_handler() {
    let server = Running::with(small(), |_| {
        let (_, parts) = mpsc::channel(1);
        let head = Reply::new(200, "text/plain", "").with_header("a\nb", "c");
        Answer::Stream { head, parts }
    })
    .await;
    assert!(server.answer_to(post("")).await.starts_with("HTTP/1.1 500"));
    assert_eq!(server.stopped().await.handlers_failed, 1);
}

#[tokio::test]
async fn scripted_waits_make_room_for_callbacks_and_end_with_their_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits =
        Limits { max_connections: 2, max_body_bytes: 40, max_pending_bytes: 60, ..small() };
    let server = Server::from_listener(listener, limits);
    let address = server.local_addr().unwrap();
    let (stop, stopping) = tokio::sync::mpsc::channel(2);
    let handler = |callback: Callback| async move {
        if callback.body.starts_with(b"wait") {
            assert!(!wait(Duration::from_secs(3600)).await);
        }
        Reply::new(200, "text/plain", "fine")
    };
    let task = tokio::spawn(server.serve(handler, stopping));
    let mut waiting = Vec::new();
    // Each wait holds half of the memory for bodies.
    for _ in 0..5 {
        let mut client = TcpStream::connect(address).await.unwrap();
        // The one that makes room gives its memory back.
        sleep(Duration::from_millis(30)).await;
        client.write_all(post(&format!("wait{}", "x".repeat(25))).as_bytes()).await.unwrap();
        waiting.push(client);
        sleep(Duration::from_millis(30)).await;
    }
    let mut honest = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(30)).await;
    honest.write_all(post("honest").as_bytes()).await.unwrap();
    assert!(read_until(&mut honest, "fine").await.starts_with("HTTP/1.1 200"));
    assert_eq!(read_to_end(&mut waiting[0]).await, "");
    stop.send(()).await.unwrap();
    let summary = timeout(PATIENCE, task).await.unwrap().unwrap();
    assert_eq!(summary.callbacks, 6);
}
