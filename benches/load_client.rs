//! A fast sink and a client for `benches/load.sh`: how many requests a second the transport does.
//!
//! `sink` prints its URL and serves until it is ended. `wire` and `reqwest` send from 64 tasks on
//! one thread, each request with a fresh order id and signature, and print one line of figures.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measuring")]

use std::convert::Infallible;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as Received, Response};
use hyper_util::rt::TokioIo;
use payout_notify::clock::{Clock, SystemClock};
use payout_notify::delivery::example::Example;
use payout_notify::delivery::http::{HttpSettings, HttpTransport, NOTIFICATION_CONTENT_TYPE};
use payout_notify::delivery::order_ids::OrderIds;
use payout_notify::delivery::outcome::Outcome;
use payout_notify::delivery::transport::{Request, Target, Transport};
use payout_notify::delivery::wire_settings::{Connections, WireSettings};
use payout_notify_protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::signature::{attach, sign};
use payout_notify_protocol::{Algorithm, Dialect, Key, Payload, StatusTable};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const TASKS: u64 = 64;

const USAGE: &str = "load_client sink | body | (wire | reqwest) URL SECONDS [RATE]";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|one| one != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match arguments.as_slice() {
        ["sink"] => runtime.block_on(sink()),
        ["body"] => println!("{}", Signer::new().body(1)),
        [way @ ("wire" | "reqwest"), url, seconds, rate @ ..] => {
            let time = Duration::from_secs_f64(seconds.parse().unwrap());
            let rate = rate.first().map(|rate| rate.parse().unwrap());
            runtime.block_on(load(way, url, time, rate));
        }
        // `cargo test` and `cargo bench` start it bare.
        _ => println!("{USAGE}"),
    }
}

async fn sink() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}/notify", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = stream.set_nodelay(true);
        let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(take));
        tokio::spawn(async move {
            let _ = served.await;
        });
    }
}

async fn take(request: Received<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    Ok(Response::new(Full::new(Bytes::from_static(ACKNOWLEDGEMENT_BODY.as_bytes()))))
}

struct Signer {
    key: Key,
    clock: SystemClock,
}

impl Signer {
    fn new() -> Self {
        Signer {
            key: Key::try_new(b"0123456789abcdef".to_vec()).unwrap(),
            clock: SystemClock::new(),
        }
    }

    /// The body of order `number`, freshly signed.
    fn body(&self, number: u64) -> String {
        let example =
            Example { status: 3, statuses: StatusTable::PLATFORM, completed_at: self.clock.wall() };
        let text = example.payload(&OrderIds::new(0), number);
        let payload = Payload::parse(text.as_bytes()).unwrap();
        let scheme = Dialect::platform().scheme(Algorithm::Md5).unwrap();
        attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &self.key))
    }
}

/// The two ways to send; bare reqwest does no more than it must.
enum Way {
    Wire(HttpTransport),
    Reqwest(reqwest::Client),
}

impl Way {
    async fn send(&self, target: &Target, url: &str, body: String) -> bool {
        match self {
            Way::Wire(transport) => {
                let outcome = transport.send(&Request::new(target.clone(), body)).await;
                matches!(outcome, Outcome::Reply(reply) if reply.status == 200)
            }
            Way::Reqwest(client) => {
                let request =
                    client.post(url).header("content-type", NOTIFICATION_CONTENT_TYPE).body(body);
                match request.send().await {
                    Ok(reply) => reply.bytes().await.is_ok(),
                    Err(_) => false,
                }
            }
        }
    }
}

struct Shared {
    way: Way,
    target: Target,
    url: String,
    signer: Signer,
    next: AtomicU64,
    good: AtomicU64,
    bad: AtomicU64,
}

async fn load(way: &str, url: &str, time: Duration, rate: Option<f64>) {
    let target = Target::parse(url).unwrap();
    let way = if way == "wire" {
        let wire = WireSettings { connections: Connections::Reused, ..WireSettings::default() };
        let settings = HttpSettings { wire, ..HttpSettings::default() };
        Way::Wire(HttpTransport::try_new(&target, settings).unwrap())
    } else {
        // rustls-no-provider asks for a provider even where every URL is plain http.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Way::Reqwest(reqwest::Client::builder().no_proxy().build().unwrap())
    };
    let shared = Arc::new(Shared {
        way,
        target,
        url: url.to_owned(),
        signer: Signer::new(),
        next: AtomicU64::new(0),
        good: AtomicU64::new(0),
        bad: AtomicU64::new(0),
    });
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(worker(Arc::clone(&shared), start, time, rate));
    }
    while tasks.join_next().await.is_some() {}
    let (good, bad) = (shared.good.load(Ordering::Relaxed), shared.bad.load(Ordering::Relaxed));
    println!("{:.1} requests/s, {bad} failed", good as f64 / start.elapsed().as_secs_f64());
}

/// Sends until the time is up; with a rate each request has its time, fixed beforehand.
async fn worker(shared: Arc<Shared>, start: Instant, time: Duration, rate: Option<f64>) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if let Some(rate) = rate {
            let at = Duration::from_secs_f64(number as f64 / rate);
            if at >= time {
                return sleep_until(start + time).await;
            }
            sleep_until(start + at).await;
        } else if start.elapsed() >= time {
            return;
        }
        let body = shared.signer.body(number);
        let is_good = shared.way.send(&shared.target, &shared.url, body).await;
        if is_good { &shared.good } else { &shared.bad }.fetch_add(1, Ordering::Relaxed);
    }
}
