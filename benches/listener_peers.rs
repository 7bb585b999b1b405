//! What stands beside the listener in `benches/listener.sh`: a bare hyper handler that only answers.
//!
//! `bare` prints its URL and serves until it is ended: one thread, as the listener has for the
//! network, no limits, no timeouts, and the same reply whatever came. `body` prints a signed
//! notification for the load tools to send.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measuring")]

use std::convert::Infallible;
use std::env;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use payout_notify::clock::{Clock, SystemClock};
use payout_notify::delivery::example::Example;
use payout_notify::delivery::http::NOTIFICATION_CONTENT_TYPE;
use payout_notify::delivery::order_ids::OrderIds;
use payout_notify_protocol::internal::acknowledgement::ACKNOWLEDGEMENT_BODY;
use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::signature::{attach, sign};
use payout_notify_protocol::{Algorithm, Dialect, Key, Payload, StatusTable};
use tokio::net::TcpListener;

const USAGE: &str = "listener_peers bare | body KEY";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|one| one != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["bare"] => {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(bare());
        }
        ["body", key] => println!("{}", body(key)),
        // `cargo test` and `cargo bench` start it bare.
        _ => println!("{USAGE}"),
    }
}

async fn bare() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}/notify", listener.local_addr().unwrap());
    let http = Arc::new(http1::Builder::new());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = stream.set_nodelay(true);
        let served = http.serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(async move {
            let _ = served.await;
        });
    }
}

/// Leaves the body to hyper, which throws it away.
async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response =
        Response::new(Full::new(Bytes::from_static(ACKNOWLEDGEMENT_BODY.as_bytes())));
    let json = HeaderValue::from_static(NOTIFICATION_CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// One order's notification, signed with MD5.
fn body(key: &str) -> String {
    let key = Key::try_new(key.as_bytes().to_vec()).unwrap();
    let example = Example {
        status: 3,
        statuses: StatusTable::PLATFORM,
        completed_at: SystemClock::new().wall(),
    };
    let text = example.payload(&OrderIds::new(1), 0);
    let payload = Payload::parse(text.as_bytes()).unwrap();
    let scheme = Dialect::platform().scheme(Algorithm::Md5).unwrap();
    attach(&payload, scheme, &sign(&canonicalize(&payload, scheme), scheme, &key))
}
