//! A small merchant that does it right, on tiny_http and payout-notify-protocol: verify, credit once, acknowledge.
//! `PAYOUT_NOTIFY_KEY=… CREDIT_FILE=credits.txt cargo run --example merchant -- 8080`. It prints its URL.
//! `REQUIRE_HMAC=1` refuses MD5. `DIALECT=epay` takes the notifications of epay. A line of the file is `order amount`; `observe.py` adds them up.

#![allow(clippy::print_stdout, reason = "the URL is this program's answer")]

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;

use payout_notify_protocol::{
    Acknowledgement, Algorithm, Dialect, Encoding, Key, MAX_BYTES, OrderState, PlatformCode,
    Verifier, is_json_type,
};
use tiny_http::{Header, Method, Request, Response, Server};

struct Merchant {
    verifier: Verifier,
    is_epay: bool,
    /// The credits and the orders in them. A database would hold the order as a unique key.
    ledger: Mutex<(File, HashSet<String>)>,
}

impl Merchant {
    /// Credits an order once, and returns when that is on the disk: only then it may be acknowledged.
    fn credit(&self, order: String, cents: u64) -> io::Result<()> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, credited) = &mut *ledger;
        if !credited.contains(&order) {
            file.write_all(format!("{order} {cents}\n").as_bytes())?;
            file.sync_data()?;
            credited.insert(order);
        }
        Ok(())
    }

    /// The answer to a request; an error where the credit could not be kept.
    fn answer(&self, request: &mut Request) -> io::Result<Acknowledgement> {
        let with_code = |code| Ok(Acknowledgement::with_code(code));
        if self.is_epay {
            return match *request.method() {
                Method::Get => self.settle(request.url().as_bytes()),
                _ => with_code(PlatformCode::UnsupportedMethod),
            };
        }
        if *request.method() != Method::Post {
            return with_code(PlatformCode::UnsupportedMethod);
        }
        let mut types = request.headers().iter().filter(|one| one.field.equiv("Content-Type"));
        if !types.next().is_some_and(|one| is_json_type(one.value.as_str())) {
            return with_code(PlatformCode::UnsupportedContentType);
        }
        let mut body = Vec::new();
        request.as_reader().take(MAX_BYTES as u64 + 1).read_to_end(&mut body)?;
        self.settle(&body)
    }

    /// The answer to what carries the fields: the body, or the URL.
    fn settle(&self, fields: &[u8]) -> io::Result<Acknowledgement> {
        let with_code = |code| Ok(Acknowledgement::with_code(code));
        let notification = match self.verifier.verify(fields) {
            Ok(notification) => notification,
            Err(rejection) => return Ok(Acknowledgement::refuse(&rejection)),
        };
        // A line of the ledger has the order and the amount, so neither may break it up.
        let is_plain = !notification.order_id.contains([' ', '\n']);
        let cents = match self.is_epay {
            true => notification.amount_cents.and_then(|cents| cents.try_into().ok()),
            false => whole_cents(&notification.amount_text),
        };
        let Some(cents) = cents.filter(|_| is_plain) else {
            return with_code(PlatformCode::InvalidParameters);
        };
        match notification.state() {
            OrderState::Succeeded => self.credit(notification.order_id, cents)?,
            // The order is final: a success that comes later is not credited.
            OrderState::Failed => self.credit(notification.order_id, 0)?,
            _ => {}
        }
        // A payout that failed is acknowledged too.
        Ok(self.verifier.acknowledgement())
    }

    fn serve(&self, server: &Server) {
        while let Ok(mut request) = server.recv() {
            let reply = match self.answer(&mut request) {
                Ok(answer) => response(&answer),
                // It could not be stored, and must come again.
                Err(_) => Response::from_string("").with_status_code(500),
            };
            // A client that left gets its notification again.
            let _ = request.respond(reply);
        }
    }
}

fn response(answer: &Acknowledgement) -> Response<Cursor<Vec<u8>>> {
    let reply = Response::from_string(answer.body()).with_status_code(answer.status());
    match Header::from_bytes("Content-Type", answer.content_type()) {
        Ok(header) => reply.with_header(header),
        Err(()) => reply,
    }
}

/// Cents; sisters of the platform write the major unit, and it with decimals: `123.4500`.
fn whole_cents(text: &str) -> Option<u64> {
    let Some((whole, decimals)) = text.split_once('.') else { return text.parse().ok() };
    let (cents, rest) = decimals.split_at_checked(2)?;
    rest.bytes().all(|digit| digit == b'0').then(|| format!("{whole}{cents}").parse().ok())?
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::try_new(env::var("PAYOUT_NOTIFY_KEY")?.into_bytes())?;
    let demand = env::var("REQUIRE_HMAC").is_ok_and(|demand| demand == "1");
    let verifier = Verifier::new(key);
    let verifier = if demand { verifier.require(Algorithm::HmacSha256) } else { verifier };
    let is_epay = env::var("DIALECT").is_ok_and(|dialect| dialect == "epay");
    let verifier = match Dialect::built_in("epay") {
        Some(epay) if is_epay => verifier.dialect(epay.clone()).encoding(Encoding::Query),
        _ => verifier,
    };
    let path = env::var("CREDIT_FILE").unwrap_or_else(|_| "credits.txt".to_owned());
    let file = File::options().create(true).append(true).open(&path)?;
    let text = fs::read_to_string(&path)?;
    let credited = text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    let merchant = Merchant { verifier, is_epay, ledger: Mutex::new((file, credited.collect())) };
    let port: u16 = env::args().nth(1).as_deref().unwrap_or("0").parse()?;
    let server = Server::http(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    println!("listening on http://{}/", server.server_addr());
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| merchant.serve(&server)))));
    Ok(())
}
