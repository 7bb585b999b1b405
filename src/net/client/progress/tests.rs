//! Phases as merchants cause them, on real sockets: times have lower bounds only.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::super::peers::*;
use super::super::{ClientConfig, Engine};
use super::*;
use crate::net::options::{RequestOptions, Upload};
use crate::net::outcome::{Outcome, TimedOutcome};
use crate::net::resolve::ResolveRule;
use crate::net::tls::{TlsSettings, Trust};
use crate::net::trace::Trace;
use crate::net::transport::{Request, Transport};

const PAUSE: Duration = Duration::from_millis(100);
const SHORT: Duration = Duration::from_millis(150);

async fn timed(url: &str, options: RequestOptions, config: ClientConfig) -> TimedOutcome {
    let (client, request) = client(url, options, config);
    client.send(&request).await
}

/// The phases of a request that is replied to.
async fn replied(url: &str, options: RequestOptions, config: ClientConfig) -> Phases {
    let TimedOutcome { outcome, phases } = timed(url, options, config).await;
    body_of(outcome);
    assert_eq!(phases.ended_in(), None);
    phases
}

/// The phases of a request that fails, and the code of the failure.
async fn failed(url: &str, change: impl FnOnce(&mut RequestOptions)) -> (Phases, &'static str) {
    let TimedOutcome { outcome, phases } = timed(url, options(change), without_proxy()).await;
    (phases, failure(&outcome).code())
}

fn short(options: &mut RequestOptions) {
    options.timeout = SHORT;
}

/// Which phases have a time.
fn taken(phases: &Phases) -> Vec<AttemptPhase> {
    AttemptPhase::TIMED.into_iter().filter(|phase| phases.time(*phase).is_some()).collect()
}

#[track_caller]
fn at_least(phases: &Phases, phase: AttemptPhase, least: Duration) {
    let time = phases.time(phase).expect("a time");
    assert!(time >= least, "{phase:?} took {time:?}");
    // A mistake in the arithmetic of stamps shows as more than an hour.
    assert!(time < Duration::from_secs(3600), "{phase:?} took {time:?}");
}

fn answer(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(acknowledgement().as_bytes())
}

#[tokio::test]
async fn a_late_head_is_the_merchants_time_and_the_whole_is_longer() {
    let (url, merchant) = merchant(|stream| {
        read_request(stream).unwrap();
        thread::sleep(PAUSE);
        let reply = acknowledgement();
        let (begin, rest) = reply.split_at(1);
        stream.write_all(begin.as_bytes()).unwrap();
        thread::sleep(2 * PAUSE);
        stream.write_all(rest.as_bytes()).unwrap();
    });
    let started = std::time::Instant::now();
    let phases = replied(&url, options(|_| ()), without_proxy()).await;
    let whole = started.elapsed();
    merchant.join().unwrap();
    // An address needs no look-up, and http no handshake.
    assert_eq!(
        taken(&phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);
    let first = taken(&phases).iter().filter_map(|phase| phases.time(*phase)).sum::<Duration>();
    // How late this process reads the first byte is not known, but it reads the rest after it.
    assert!(first <= whole && whole >= 3 * PAUSE, "{first:?} of {whole:?}");
}

#[tokio::test]
async fn a_kept_connection_has_neither_a_look_up_nor_a_connect_nor_a_handshake() {
    let (url, merchant) = merchant(|stream| {
        for pause in [Duration::ZERO, PAUSE] {
            read_request(stream).unwrap();
            thread::sleep(pause);
            answer(stream).unwrap();
        }
    });
    let url = url.replace("127.0.0.1", "localhost");
    let (client, request) = client(&url, reused(), without_proxy());
    let first = client.send(&request).await;
    let second = client.send(&request).await;
    merchant.join().unwrap();
    let expected =
        [AttemptPhase::Resolve, AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte];
    assert_eq!(taken(&first.phases), expected);
    assert_eq!(taken(&second.phases), [AttemptPhase::Send, AttemptPhase::FirstByte]);
    at_least(&second.phases, AttemptPhase::FirstByte, PAUSE);
    assert_eq!(second.phases.ended_in(), None);
}

#[tokio::test]
async fn a_host_whose_address_is_given_is_not_looked_up() {
    let (url, merchant) = merchant(|stream| {
        read_request(stream).unwrap();
        answer(stream).unwrap();
    });
    let port = url.rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned();
    let rule = ResolveRule::parse(&format!("shop.example:{port}:127.0.0.1")).unwrap();
    let config = ClientConfig { resolve: vec![rule], ..without_proxy() };
    let phases = replied(&format!("http://shop.example:{port}/"), reused(), config).await;
    merchant.join().unwrap();
    assert_eq!(
        taken(&phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );
}

#[tokio::test]
async fn a_handshake_has_a_time_of_its_own() {
    let own = self_signed(&["localhost"]);
    let (url, merchant) = https(&own, None, 1);
    let trust = Trust::parse(own.authority.as_bytes()).unwrap();
    let config = ClientConfig { tls: TlsSettings { trust, identity: None }, ..without_proxy() };
    let phases = replied(&url, options(|_| ()), config).await;
    tokio::task::spawn_blocking(|| merchant.join().unwrap()).await.unwrap();
    assert_eq!(taken(&phases), AttemptPhase::TIMED);
}

#[tokio::test]
async fn a_failed_attempt_names_the_phase_that_it_did_not_get_past() {
    let (phases, code) = failed("http://a..b/", |_| ()).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Resolve), "resolve"));
    assert_eq!(taken(&phases), [AttemptPhase::Resolve]);

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (phases, code) = failed(&format!("http://{closed}/"), |_| ()).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Connect), "connection-refused"));
    assert_eq!(taken(&phases), [AttemptPhase::Connect]);

    let silent = serve(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let (phases, code) = failed(&format!("https://{silent}/"), short).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Tls), "tls"));
    assert_eq!(taken(&phases), [AttemptPhase::Connect, AttemptPhase::Tls]);
    at_least(&phases, AttemptPhase::Tls, PAUSE);

    let (phases, code) = failed(&format!("http://{silent}/"), short).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::FirstByte), "timeout"));
    assert_eq!(
        taken(&phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);

    let (phases, code) = failed(&format!("http://{}/", half_a_reply()), short).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Reply), "timeout"));
    assert_eq!(
        taken(&phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );

    let hung_up = serve(|mut stream| {
        read_request(&mut stream);
        thread::sleep(PAUSE);
    });
    let (phases, code) = failed(&format!("http://{hung_up}/"), |_| ()).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::FirstByte), "closed-early"));
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);
}

/// A merchant that begins a reply and leaves it at that.
fn half_a_reply() -> std::net::SocketAddr {
    serve(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{");
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

// Other systems bound no queue of connections.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_merchant_that_accepts_nothing_keeps_the_attempt_connecting() {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, PAUSE).ok();
    let held: Vec<_> = std::iter::from_fn(connect).take(100).collect();
    assert!(held.len() < 100, "the queue of connections is not full");
    let (phases, code) = failed(&format!("http://{address}/"), short).await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Connect), "connect"));
    assert_eq!(taken(&phases), [AttemptPhase::Connect]);
    at_least(&phases, AttemptPhase::Connect, PAUSE);
}

#[tokio::test]
async fn an_upload_is_not_the_merchants_time() {
    let slow = |time| move |options: &mut RequestOptions| options.upload = Upload::Over(time);
    let (url, merchant) = merchant(|stream| {
        read_request(stream).unwrap();
        thread::sleep(PAUSE);
        answer(stream).unwrap();
    });
    let phases = replied(&url, options(slow(SHORT)), without_proxy()).await;
    merchant.join().unwrap();
    at_least(&phases, AttemptPhase::Send, PAUSE);
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);

    // The merchant waits for the rest of the request, not the sender for a reply.
    let patient = serve(|mut stream| drop(read_request(&mut stream)));
    let (phases, code) = failed(&format!("http://{patient}/"), |options| {
        options.upload = Upload::Over(Duration::from_secs(60));
        options.timeout = SHORT;
    })
    .await;
    assert_eq!((phases.ended_in(), code), (Some(AttemptPhase::Send), "timeout"));
    assert_eq!(taken(&phases), [AttemptPhase::Connect, AttemptPhase::Send]);
    at_least(&phases, AttemptPhase::Send, PAUSE);
}

#[tokio::test]
async fn a_merchant_that_does_not_read_keeps_the_attempt_sending() {
    let deaf = serve(|stream| {
        thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let (client, request) = client(&format!("http://{deaf}/"), options(short), without_proxy());
    let request = request.with_body(vec![b'x'; 64 << 20].into());
    let TimedOutcome { outcome, phases } = client.send(&request).await;
    assert!(matches!(outcome, Outcome::NoReply(_)), "{outcome:?}");
    assert_eq!(phases.ended_in(), Some(AttemptPhase::Send), "{phases:?}");
}

#[tokio::test]
async fn a_reply_may_begin_before_the_request_is_sent() {
    let early = serve(|mut stream| {
        read_head(&mut stream).unwrap();
        answer(&mut stream).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let upload = Upload::Over(Duration::from_secs(60));
    let phases = replied(
        &format!("http://{early}/"),
        options(|options| options.upload = upload),
        without_proxy(),
    )
    .await;
    assert_eq!(
        taken(&phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );
    at_least(&phases, AttemptPhase::FirstByte, Duration::ZERO);
}

#[tokio::test]
async fn a_go_ahead_is_not_the_reply() {
    let (url, merchant) = merchant(|stream| {
        read_head(stream).unwrap();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; BODY.len()];
        stream.read_exact(&mut body).unwrap();
        thread::sleep(PAUSE);
        answer(stream).unwrap();
    });
    let options = options(|options| options.awaits_continue = true);
    let phases = replied(&url, options, without_proxy()).await;
    merchant.join().unwrap();
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);
}

#[tokio::test]
async fn through_a_proxy_the_way_to_the_merchant_is_one_phase() {
    let late = serve(|mut stream| {
        read_request(&mut stream);
        thread::sleep(PAUSE);
        let _ = answer(&mut stream);
    });
    let phases = replied(&format!("http://{late}/"), options(|_| ()), through(proxy())).await;
    assert_eq!(taken(&phases), [AttemptPhase::Connect, AttemptPhase::FirstByte]);
    at_least(&phases, AttemptPhase::FirstByte, PAUSE);

    let silent = serve(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    for (scheme, phase) in [("http", AttemptPhase::FirstByte), ("https", AttemptPhase::Connect)] {
        let url = format!("{scheme}://{silent}/");
        let TimedOutcome { outcome, phases } = timed(&url, options(short), through(proxy())).await;
        failure(&outcome);
        assert_eq!(phases.ended_in(), Some(phase), "{scheme}");
        at_least(&phases, phase, PAUSE);
    }

    // Nothing shows when the connection for a request without a body was there.
    let without_body = options(|options| options.is_in_query = true);
    let bare = serve(|mut stream| {
        read_head(&mut stream);
        let _ = answer(&mut stream);
    });
    let (client, request) = client(&format!("http://{bare}/"), without_body, through(proxy()));
    let Request { url, options, .. } = request;
    let sent = client.send(&Request::new(url, options, "a=1")).await;
    assert_eq!(taken(&sent.phases), [], "{:?}", sent.outcome);
    assert_eq!(sent.phases.ended_in(), None);
}

#[tokio::test]
async fn a_kept_connection_that_ended_gives_way_to_a_new_one_with_its_own_times() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (hang_up, told) = channel();
    let merchant = thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            read_request(&mut stream).unwrap();
            answer(&mut stream).unwrap();
            let _ = told.recv();
        }
    });
    let (client, request) = client(&url, reused(), without_proxy());
    body_of(client.send(&request).await.outcome);
    let Engine::Direct(direct) = &client.0.engine else { panic!("through a proxy") };
    for is_closed in [false, true] {
        while !direct.pool.has_one(is_closed) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let _ = hang_up.send(());
    }
    let second = client.send(&request).await;
    merchant.join().unwrap();
    body_of(second.outcome);
    assert_eq!(
        taken(&second.phases),
        [AttemptPhase::Connect, AttemptPhase::Send, AttemptPhase::FirstByte]
    );
}

#[tokio::test]
async fn attempts_that_may_take_longer_than_stamps_reach_are_not_measured() {
    let (url, merchant) = merchant(|stream| {
        read_request(stream).unwrap();
        answer(stream).unwrap();
    });
    let long = options(|options| options.timeout = Duration::from_secs(3601));
    let phases = replied(&url, long, without_proxy()).await;
    merchant.join().unwrap();
    assert_eq!(phases, Phases::default());
}

#[tokio::test]
async fn verbose_shows_the_phases_in_one_line() {
    let shown: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = Arc::clone(&shown);
    let trace = Trace::new(move |_, lines| sink.lock().unwrap().extend_from_slice(lines));
    let config = ClientConfig { trace: Some(trace), ..without_proxy() };
    let url = format!("http://{}/", half_a_reply()).replace("127.0.0.1", "localhost");
    timed(&url, options(short), config).await;
    let shown = shown.lock().unwrap();
    let line = shown.last().unwrap();
    for part in ["* resolve ", ", connect ", ", send ", ", first byte ", "s, no complete reply"] {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn a_request_that_is_written_at_once_took_no_time_and_not_an_hour() {
    for at in [0, 1, 2, 3, 1_001, u32::MAX - 1, u32::MAX] {
        let wire = Arc::<Wire>::default();
        let progress = Progress::new(ConnectionPhase::Resolving, Log::default());
        progress.begin_on(&wire, Stamp(at));
        wire.note_end();
        wire.note_written(Stamp(at));
        wire.first_byte.store(at.wrapping_add(50), Ordering::Relaxed);
        let phases = progress.phases(true);
        let micros = |phase| phases.time(phase).map(|time| time.as_micros());
        assert!(micros(AttemptPhase::Send) <= Some(2), "{at}: {phases:?}");
        let waited = micros(AttemptPhase::FirstByte);
        assert!(Some(47) <= waited && waited <= Some(51), "{at}: {phases:?}");
    }
}

/// What waits for a reply has these: there are as many as attempts in flight.
#[cfg(target_pointer_width = "64")]
#[test]
fn what_an_attempt_in_flight_keeps_is_small() {
    assert!(size_of::<Progress>() <= 88, "{}", size_of::<Progress>());
    assert!(size_of::<Wire>() == 8);
}
