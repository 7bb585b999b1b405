//! A sound merchant, and one knob that makes it wrong in one way.

use std::collections::HashMap;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use payout_notify_protocol::internal::canonical::canonicalize;
use payout_notify_protocol::internal::scheme::{Empties, Nulls};
use payout_notify_protocol::internal::signature::sign;
use payout_notify_protocol::{Algorithm, Dialect, Key, Payload, Value};

use super::server::{Handler, LONGEST_BODY, Reply, Request};

/// What a merchant does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    Sound,
    /// It acknowledges whatever comes.
    AcceptsEverything,
    /// It reads the JSON, and never looks at the signature.
    StatusOnly,
    /// It verifies a signature only where there is one.
    SkipsMissingSign,
    /// It compares like PHP's `==`.
    LooseEquals,
    /// It compares digests whatever their case.
    AnyDigestCase,
    /// It lets `sign_type` choose although it demands HMAC-SHA256.
    Downgrades,
    /// It looks names up whatever their case.
    AnyNameCase,
    /// Of two equal members the first counts.
    FirstDuplicate,
    /// Of two equal members the last counts.
    LastDuplicate,
    /// Of two equal members it verifies the first and books the last.
    BooksLastDuplicate,
    /// Of two equal members it verifies the last and books the first.
    BooksFirstDuplicate,
    /// It leaves zeros out of what is signed.
    DropsZeros,
    /// It keeps empty members in what is signed.
    KeepsEmpties,
    /// It reads amounts as floats, and prints them as such: `400000.0`.
    FloatAmounts,
    /// It reads every number as a double.
    Doubles,
    /// It signs the fields that it knows, and no other.
    FixedFields,
    /// It trims values before it signs.
    TrimsValues,
    /// It signs strings as they are escaped in the JSON.
    KeepsEscapes,
    /// An unknown field breaks it.
    FailsOnUnknown,
    /// A broken body breaks it.
    FailsOnMalformed,
    /// It leaves a slow body without an answer.
    LeavesSlowBodies,
    /// It credits with each notification.
    CreditsTwice,
    /// It looks whether an order is credited, and credits a moment later.
    Races,
    /// It answers 500 where it is still busy with the same order.
    FailsRaces,
    /// It acknowledges, and then stores if the client is still there.
    AcknowledgesFirst,
    /// It refuses what it knows already.
    RefusesDuplicates,
    /// It acknowledges nothing but success.
    RefusesFailures,
    /// Its acknowledgement is a number.
    NumberCode,
    /// It redirects.
    Redirects,
    /// It answers with a page.
    HtmlPage,
    /// It labels its JSON as HTML.
    JsonAsHtml,
    /// It answers with a word that another platform expects, labelled as HTML.
    WordAsHtml,
}

/// A merchant with a flaw.
pub(crate) struct Merchant {
    flaw: Flaw,
    key: Key,
    required: Option<Algorithm>,
    orders: Mutex<HashMap<String, Order>>,
    ledger: PathBuf,
}

/// What is known of an order.
#[derive(Default)]
struct Order {
    seen: bool,
    is_busy: bool,
    credited: i64,
}

/// A member as it stands in the text: its name, escapes resolved, and its value's text.
type Member = (String, String);

impl Merchant {
    /// A merchant that keeps what it credited in a JSON file, by order.
    pub(crate) fn new(flaw: Flaw, key: &str, required: Option<Algorithm>, ledger: PathBuf) -> Self {
        let key = Key::try_new(key.as_bytes().to_vec()).expect("a key");
        fs::write(&ledger, "{}").expect("a ledger");
        Merchant { flaw, key, required, orders: Mutex::default(), ledger }
    }

    fn orders(&self) -> MutexGuard<'_, HashMap<String, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Credits, and writes what is credited into the ledger.
    pub(crate) fn credit(&self, order: &str, amount: i64) {
        let mut orders = self.orders();
        let entry = orders.entry(order.to_owned()).or_default();
        entry.credited += amount;
        let lines = orders.iter().map(|(id, order)| (id.clone(), order.credited.into()));
        let json = serde_json::Value::Object(lines.collect());
        let fresh = self.ledger.with_extension("fresh");
        fs::write(&fresh, json.to_string()).expect("a ledger");
        fs::rename(fresh, &self.ledger).expect("a ledger");
    }

    /// Whether the order was seen before; from now on it is.
    fn see(&self, order: &str) -> bool {
        std::mem::replace(&mut self.orders().entry(order.to_owned()).or_default().seen, true)
    }

    /// The platform's code for a request, or an HTTP status.
    fn judge(&self, request: &Request) -> Result<&'static str, u16> {
        if request.method != "POST" {
            return Ok("0023");
        }
        if request.content_type != "application/json" {
            return Ok("0022");
        }
        let Some(text) = self.readable(&request.body) else {
            return if self.flaw == Flaw::FailsOnMalformed { Err(500) } else { Ok("0021") };
        };
        let Ok(payload) = Payload::parse(text.as_bytes()) else { return Ok("0021") };
        if self.flaw == Flaw::FailsOnUnknown
            && payload.members().iter().any(|member| !FIELDS.contains(&&*member.name))
        {
            return Err(500);
        }
        if !self.is_signed(&payload) {
            return Ok("0004");
        }
        let Some((order, status, amount)) = fields(&payload) else { return Ok("0002") };
        if status != 3 {
            // A final status stands: a success that comes later is not booked.
            if matches!(status, 4 | 5) {
                self.see(&order);
            }
            return Ok(if self.flaw == Flaw::RefusesFailures { "0002" } else { "0000" });
        }
        let other = match self.flaw {
            Flaw::BooksFirstDuplicate => amounts(&request.body).next(),
            Flaw::BooksLastDuplicate => amounts(&request.body).last(),
            _ => None,
        };
        if self.flaw == Flaw::FailsRaces {
            return self.book_alone(&order, amount);
        }
        Ok(self.book(&order, other.unwrap_or(amount)))
    }

    /// Books a successful payout where nobody else does at the same time.
    fn book_alone(&self, order: &str, amount: i64) -> Result<&'static str, u16> {
        {
            let mut orders = self.orders();
            let known = orders.entry(order.to_owned()).or_default();
            if known.is_busy {
                return Err(500);
            }
            if std::mem::replace(&mut known.seen, true) {
                return Ok("0000");
            }
            known.is_busy = true;
        }
        thread::sleep(Duration::from_millis(20));
        self.credit(order, amount);
        self.orders().entry(order.to_owned()).or_default().is_busy = false;
        Ok("0000")
    }

    /// Books a successful payout.
    fn book(&self, order: &str, amount: i64) -> &'static str {
        match self.flaw {
            Flaw::AcknowledgesFirst => {}
            Flaw::Races if self.orders().get(order).is_some_and(|known| known.seen) => {}
            Flaw::Races => {
                thread::sleep(Duration::from_millis(20));
                self.see(order);
                self.credit(order, amount);
            }
            Flaw::CreditsTwice => self.credit(order, amount),
            _ if !self.see(order) => self.credit(order, amount),
            Flaw::RefusesDuplicates => return "0002",
            _ => {}
        }
        "0000"
    }

    /// The body as JSON without equal members; `None` where it is none.
    fn readable(&self, body: &[u8]) -> Option<String> {
        let text = str::from_utf8(body).ok().filter(|_| body.len() <= LONGEST_BODY)?;
        if Payload::parse(body).is_ok() && self.flaw != Flaw::AnyNameCase {
            return Some(text.to_owned());
        }
        let mut members = members(text)?;
        match self.flaw {
            Flaw::FirstDuplicate | Flaw::BooksLastDuplicate => {}
            Flaw::LastDuplicate | Flaw::BooksFirstDuplicate => members.reverse(),
            Flaw::AnyNameCase => {
                for (name, _) in &mut members {
                    name.make_ascii_lowercase();
                }
            }
            _ => return None,
        }
        let mut kept: Vec<Member> = Vec::new();
        for member in members {
            let known = kept.iter().any(|one| one.0 == member.0);
            if known && self.flaw == Flaw::AnyNameCase {
                return None;
            }
            if !known {
                kept.push(member);
            }
        }
        let text = object(&kept);
        Payload::parse(text.as_bytes()).is_ok().then_some(text)
    }

    fn is_signed(&self, payload: &Payload<'_>) -> bool {
        let given = match payload.get("sign").map(|member| &member.value) {
            _ if self.flaw == Flaw::StatusOnly => return true,
            Some(Value::String(text)) if !text.is_empty() => text.to_string(),
            None | Some(Value::Null | Value::String(_)) => {
                return self.flaw == Flaw::SkipsMissingSign;
            }
            Some(other) => {
                let equal = matches!(other, Value::Bool(true) | Value::Number("0"));
                return equal && self.flaw == Flaw::LooseEquals;
            }
        };
        let Ok(scheme) = Dialect::platform().scheme_for(payload, &given) else { return false };
        let required = self.required.filter(|_| self.flaw != Flaw::Downgrades);
        if required.is_some_and(|required| required != scheme.algorithm) {
            return false;
        }
        let mut scheme = scheme.clone();
        if self.flaw == Flaw::KeepsEmpties {
            scheme.empties = Empties::Keep;
            scheme.nulls = Nulls::Keep;
        }
        let text = self.as_signed(payload);
        let Ok(payload) = Payload::parse(text.as_bytes()) else { return false };
        let expected = sign(&canonicalize(&payload, &scheme), &scheme, &self.key);
        match self.flaw {
            Flaw::AnyDigestCase => expected.matches(&given.to_lowercase()),
            Flaw::LooseEquals => {
                expected.matches(&given) || (is_zero(expected.as_str()) && is_zero(&given))
            }
            _ => expected.matches(&given),
        }
    }

    /// The payload as this merchant signs it.
    fn as_signed(&self, payload: &Payload<'_>) -> String {
        let text = payload.text();
        let mut found: Vec<Member> = Vec::new();
        for member in payload.members() {
            let value = text[member.value_span()].to_owned();
            let is_number = matches!(member.value, Value::Number(_));
            let value = match self.flaw {
                Flaw::DropsZeros if matches!(&*value, "0" | "\"0\"" | "false") => continue,
                Flaw::FixedFields if !FIELDS.contains(&&*member.name) => continue,
                Flaw::FloatAmounts if is_number && member.name.contains("amount") => {
                    value.parse().map_or(value, |number: f64| format!("{number:?}"))
                }
                Flaw::Doubles if is_number => {
                    value.parse().map_or(value, |number: f64| number.to_string())
                }
                Flaw::TrimsValues if value.starts_with('"') => {
                    format!("\"{}\"", value[1..value.len() - 1].trim())
                }
                Flaw::KeepsEscapes if value.starts_with('"') => {
                    format!("\"{}\"", value[1..value.len() - 1].replace('\\', "\\\\"))
                }
                _ => value,
            };
            found.push((member.name.to_string(), value));
        }
        object(&found)
    }
}

impl Handler for Merchant {
    fn answer(&self, request: &Request) -> Option<Reply> {
        match self.flaw {
            Flaw::AcceptsEverything => return Some(json(200, r#"{"error_code":"0000"}"#)),
            Flaw::Redirects => {
                let headers = "Location: /elsewhere\r\n";
                return Some(Reply { status: 308, headers, body: String::new() });
            }
            Flaw::HtmlPage => {
                let (headers, body) = ("Content-Type: text/html\r\n", "<!DOCTYPE html><p>Wait");
                return Some(Reply { status: 200, headers, body: body.to_owned() });
            }
            Flaw::WordAsHtml => {
                let (headers, body) = ("Content-Type: text/html; charset=UTF-8\r\n", "success");
                return Some(Reply { status: 200, headers, body: body.to_owned() });
            }
            Flaw::LeavesSlowBodies if request.body_took > Duration::from_millis(100) => {
                return None;
            }
            _ => {}
        }
        Some(match self.judge(request) {
            Ok("0000") if self.flaw == Flaw::NumberCode => json(200, r#"{"error_code":0}"#),
            Ok(code) if self.flaw == Flaw::JsonAsHtml => Reply {
                headers: "Content-Type: text/html; charset=UTF-8\r\n",
                ..json(200, &format!("{{\"error_code\":\"{code}\"}}"))
            },
            Ok(code) => json(200, &format!("{{\"error_code\":\"{code}\"}}")),
            Err(status) => json(status, "{}"),
        })
    }

    fn answering(&self, request: &Request, stream: &TcpStream) {
        if self.flaw != Flaw::AcknowledgesFirst || self.judge(request) != Ok("0000") {
            return;
        }
        let Ok(payload) = Payload::parse(&request.body) else { return };
        let Some((order, 3, amount)) = fields(&payload) else { return };
        if self.see(&order) {
            return;
        }
        // As where a runtime ends a request's work when its client leaves.
        thread::sleep(Duration::from_millis(150));
        let _ = stream.set_nonblocking(true);
        let client_left = matches!(stream.peek(&mut [0]), Ok(0));
        let _ = stream.set_nonblocking(false);
        if !client_left {
            self.credit(&order, amount);
        }
    }
}

/// The fields that the platform's page lists.
const FIELDS: [&str; 12] = [
    "payout_id",
    "payout_cl_id",
    "platform_id",
    "amount",
    "real_amount",
    "fee",
    "status",
    "create_time",
    "update_time",
    "error_msg",
    "sign_type",
    "sign",
];

/// The fields that may be missing, or empty.
const OPTIONAL: [&str; 4] = ["real_amount", "error_msg", "sign_type", "sign"];

/// The order's id, status and amount in cents, where every required field is there.
fn fields(payload: &Payload<'_>) -> Option<(String, i64, i64)> {
    let required = FIELDS.iter().filter(|name| !OPTIONAL.contains(name));
    for name in required {
        payload.get(name).filter(|member| !member.value.is_empty())?;
    }
    let number = |name: &str| match &payload.get(name)?.value {
        Value::Number(text) => text.parse().ok(),
        Value::String(text) => text.split('.').next()?.parse().ok(),
        _ => None,
    };
    // Another field may have been moved into an id: "&" is not escaped when signing.
    let id = |name: &str| match &payload.get(name)?.value {
        Value::String(text) if !text.contains('&') => Some(text.to_string()),
        _ => None,
    };
    id("platform_id").and(id("payout_cl_id"))?;
    Some((id("payout_id")?, number("status")?, number("amount")?))
}

/// Whether PHP reads the text as the number zero.
fn is_zero(text: &str) -> bool {
    let digits = text.strip_prefix("0e").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The numbers that follow each `"amount":`, in order.
fn amounts(body: &[u8]) -> impl Iterator<Item = i64> {
    let text = String::from_utf8_lossy(body).into_owned();
    let after: Vec<i64> = text
        .split("\"amount\":")
        .skip(1)
        .filter_map(|rest| rest.split([',', '}']).next()?.trim().parse().ok())
        .collect();
    after.into_iter()
}

fn json(status: u16, body: &str) -> Reply {
    Reply { status, headers: "Content-Type: application/json\r\n", body: body.to_owned() }
}

fn object(members: &[Member]) -> String {
    let name = |name: &String| serde_json::Value::from(name.as_str());
    let parts: Vec<String> =
        members.iter().map(|member| format!("{}:{}", name(&member.0), member.1)).collect();
    format!("{{{}}}", parts.join(","))
}

/// The members of an object, equal ones too; a nested value ends with the first bracket that closes one.
fn members(text: &str) -> Option<Vec<Member>> {
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    let mut found = Vec::new();
    while let Some(after) = rest.strip_prefix('"') {
        let (name, after) = after.split_once('"')?;
        let after = after.trim_start().strip_prefix(':')?.trim_start();
        let length = match after.as_bytes().first()? {
            b'"' => end_of_string(&after[1..])? + 1,
            b'[' => after.find(']')? + 1,
            b'{' => after.find('}')? + 1,
            _ => after.find([',', '}', ' ', '\n'])?,
        };
        let (value, after) = after.split_at(length);
        found.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    (rest == "}").then_some(found)
}

/// Where a string's text ends, behind its closing quote.
fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let quote = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(quote + 1)
}
