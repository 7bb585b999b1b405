//! A small merchant that does it right, on tiny_http and this library: verify, credit once, acknowledge.
//! `PAYOUT_NOTIFY_KEY=… CREDIT_FILE=credits.txt cargo run --example merchant -- 8080`. It prints its URL.
//! `REQUIRE_HMAC=1` refuses MD5. A line of the file is `order amount`; `observe.py` adds them up.

#![allow(clippy::print_stdout, reason = "the URL is this program's answer")]

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;

use payout_notify::protocol::acknowledgement::is_json_type;
use payout_notify::protocol::dialect::Dialect;
use payout_notify::protocol::key::Key;
use payout_notify::protocol::notification::{Expectation, Severity, findings};
use payout_notify::protocol::payload::{MAX_BYTES, Payload, Value};
use payout_notify::protocol::scheme::Algorithm;
use payout_notify::protocol::signature::{Answer, verify};
use tiny_http::{Header, Method, Request, Response, Server};

/// The status of a payout that reached its receiver; the others credit nothing.
const SUCCESS: &str = "3";

struct Merchant {
    key: Key,
    required: Option<Algorithm>,
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

    /// The platform's code for a request.
    fn code_for(&self, request: &mut Request) -> io::Result<&'static str> {
        if *request.method() != Method::Post {
            return Ok("0023");
        }
        let mut types = request.headers().iter().filter(|one| one.field.equiv("Content-Type"));
        if !types.next().is_some_and(|one| is_json_type(one.value.as_str())) {
            return Ok("0022");
        }
        let mut body = Vec::new();
        request.as_reader().take(MAX_BYTES as u64 + 1).read_to_end(&mut body)?;
        let Ok(payload) = Payload::parse(&body) else { return Ok("0021") };
        let answer = verify(&payload, &self.key, Dialect::platform(), self.required).answer;
        if answer != Answer::Match {
            return Ok("0004");
        }
        // A field that is missing may have been moved into another one's text: "&" is not escaped.
        let findings = findings(&payload, Expectation::Notification);
        let is_broken = findings.iter().any(|finding| finding.severity == Severity::Error);
        let text = |name| match &payload.get(name)?.value {
            Value::Number(text) => Some(*text),
            Value::String(text) => Some(&**text),
            _ => None,
        };
        let id = |name| text(name).filter(|id| !id.contains(['&', ' ', '\n']));
        let ids = ["payout_id", "payout_cl_id", "platform_id"].map(id);
        let cents = text("amount").and_then(whole_cents);
        let ([Some(order), Some(_), Some(_)], Some(cents), false) = (ids, cents, is_broken) else {
            return Ok("0002");
        };
        if text("status") == Some(SUCCESS) {
            self.credit(order.to_owned(), cents)?;
        }
        // A payout that failed is acknowledged too.
        Ok("0000")
    }

    fn serve(&self, server: &Server, json: &Header) {
        while let Ok(mut request) = server.recv() {
            // A code beside the platform's own: it could not be stored, and must come again.
            let code = self.code_for(&mut request).unwrap_or("0001");
            let status = if code == "0000" { 200 } else { 400 };
            let reply = Response::from_string(format!("{{\"error_code\":\"{code}\"}}"));
            // A client that left gets its notification again.
            let _ = request.respond(reply.with_status_code(status).with_header(json.clone()));
        }
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
    let required = demand.then_some(Algorithm::HmacSha256);
    let path = env::var("CREDIT_FILE").unwrap_or_else(|_| "credits.txt".to_owned());
    let file = File::options().create(true).append(true).open(&path)?;
    let text = fs::read_to_string(&path)?;
    let credited = text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    let merchant = Merchant { key, required, ledger: Mutex::new((file, credited.collect())) };
    let port: u16 = env::args().nth(1).as_deref().unwrap_or("0").parse()?;
    let server = Server::http(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    let json = "Content-Type: application/json;charset=utf-8".parse().map_err(|()| "no header")?;
    println!("listening on http://{}/", server.server_addr());
    let (server, json) = (&server, &json);
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| merchant.serve(server, json)))));
    Ok(())
}
