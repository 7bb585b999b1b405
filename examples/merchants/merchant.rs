//! A small merchant that does it right, on tiny_http and this library: verify, credit once, acknowledge.
//!
//! Run it with `PAYOUT_NOTIFY_KEY=… cargo run --example merchant -- 127.0.0.1:8080`. It prints its URL.

#![allow(clippy::print_stdout, reason = "the URL is this program's answer")]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;

use payout_notify::{Acknowledgement, Key, OrderState, PlatformCode, Rejection, verify};
use tiny_http::{Header, Method, Response, Server};

/// The longest body that is read, in bytes; a notification has a few hundred.
const MAX_BYTES: u64 = 1 << 20;

/// The orders whose end is known. A real merchant keeps them in a database, in the transaction that credits.
type Orders = HashMap<String, OrderState>;

/// Books a notification, once, and acknowledges it.
fn handle(body: &[u8], key: &Key, orders: &mut Orders) -> Result<Acknowledgement, Rejection> {
    let notification = verify(body, key)?;
    let state = notification.state();
    if matches!(state, OrderState::Succeeded | OrderState::Failed) {
        // A duplicate finds the order here: it is acknowledged again, and changes nothing.
        orders.entry(notification.order_id).or_insert(state);
    }
    Ok(Acknowledgement::ok())
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::var("PAYOUT_NOTIFY_KEY").map_err(|_| "PAYOUT_NOTIFY_KEY is not set")?;
    let key = Key::try_new(key.into_bytes())?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let server = Server::http(&address).map_err(|error| error.to_string())?;
    println!("http://{}/", server.server_addr());
    let mut orders = Orders::new();
    for mut request in server.incoming_requests() {
        let mut body = Vec::new();
        let reply = if *request.method() != Method::Post {
            Acknowledgement::with_code(PlatformCode::UnsupportedMethod)
        } else if request.as_reader().take(MAX_BYTES + 1).read_to_end(&mut body).is_err() {
            continue;
        } else {
            handle(&body, &key, &mut orders)
                .unwrap_or_else(|rejection| Acknowledgement::refuse(&rejection))
        };
        let content_type = Header::from_bytes("Content-Type", reply.content_type())
            .map_err(|()| "the header cannot be built")?;
        let response = Response::from_string(reply.body())
            .with_status_code(reply.status())
            .with_header(content_type);
        // A client that left gets its notification again.
        let _ = request.respond(response);
    }
    Ok(())
}
