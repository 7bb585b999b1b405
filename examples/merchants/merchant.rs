//! A small merchant that does it right, on tiny_http and this library: verify, credit once, acknowledge.
//!
//! Run it with `PAYOUT_NOTIFY_KEY=… cargo run --example merchant -- 127.0.0.1:8080`. It prints its URL.

#![allow(clippy::print_stdout, reason = "the URL is this program's answer")]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;

use payout_notify::protocol::acknowledgement::ACKNOWLEDGEMENT_BODY;
use payout_notify::protocol::dialect::Dialect;
use payout_notify::protocol::key::Key;
use payout_notify::protocol::notification::{Expectation, Notification};
use payout_notify::protocol::payload::{MAX_BYTES, Payload};
use payout_notify::protocol::signature::{Answer, verify};
use tiny_http::{Header, Method, Response, Server};

/// The orders whose end is known. A real merchant keeps them in a database, in the transaction that credits.
type Orders = HashMap<String, i64>;

/// What the merchant answers: the platform's code.
fn handle(body: &[u8], key: &Key, orders: &mut Orders) -> &'static str {
    let Ok(payload) = Payload::parse(body) else { return "0021" };
    if verify(&payload, key, Dialect::platform(), None).answer != Answer::Match {
        return "0004";
    }
    let notification = Notification::read(&payload, Expectation::Notification);
    let (Some(order), Some(status)) = (notification.order_id, notification.status_code) else {
        return "0002";
    };
    // A duplicate finds the order here: it is acknowledged again, and changes nothing.
    orders.entry(order).or_insert(status);
    "0000"
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::var("PAYOUT_NOTIFY_KEY").map_err(|_| "PAYOUT_NOTIFY_KEY is not set")?;
    let key = Key::try_new(key.into_bytes())?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let server = Server::http(&address).map_err(|error| error.to_string())?;
    println!("http://{}/", server.server_addr());
    let json = Header::from_bytes("Content-Type", "application/json;charset=utf-8")
        .map_err(|()| "the header cannot be built")?;
    let mut orders = Orders::new();
    for mut request in server.incoming_requests() {
        let mut body = Vec::new();
        let code = if *request.method() != Method::Post {
            "0023"
        } else if request.as_reader().take(MAX_BYTES as u64 + 1).read_to_end(&mut body).is_err() {
            continue;
        } else {
            handle(&body, &key, &mut orders)
        };
        let reply = match code {
            "0000" => ACKNOWLEDGEMENT_BODY.to_owned(),
            code => format!("{{\"error_code\":\"{code}\"}}"),
        };
        // A client that left gets its notification again.
        let _ = request.respond(Response::from_string(reply).with_header(json.clone()));
    }
    Ok(())
}
