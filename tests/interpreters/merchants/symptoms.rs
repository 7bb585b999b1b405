//! A merchant that treats only what some cases send in a way of its own, and everything else soundly.

use std::net::TcpStream;

use super::flawed::Merchant;
use super::server::{Handler, Reply, Request};

/// The amount of an order of a check, in cents.
const AMOUNT: i64 = 12_345;

/// What the merchant does with what a case sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It acknowledges, and credits what was signed.
    AcknowledgesSuccess,
    /// It acknowledges, and credits nothing.
    AcknowledgesFailure,
    /// It answers with this status, and credits nothing.
    Answers(u16),
}

/// A case that only warns, and what makes its message differ from every other.
pub(crate) struct Symptom {
    pub(crate) case: &'static str,
    /// A text of the request's head or body; empty where more than a text is looked at.
    mark: &'static str,
    treatment: Treatment,
    /// Whether the body names its order, so that a wrong booking can be made for it.
    pub(crate) names_order: bool,
}

const fn symptom(case: &'static str, mark: &'static str, treatment: Treatment) -> Symptom {
    Symptom { case, mark, treatment, names_order: true }
}

const fn nameless(case: &'static str, mark: &'static str) -> Symptom {
    Symptom { case, mark, treatment: Treatment::Answers(500), names_order: false }
}

use Treatment::{AcknowledgesFailure, AcknowledgesSuccess, Answers};

/// The cases, the marks that are parts of others last.
pub(crate) const SYMPTOMS: &[Symptom] = &[
    symptom("ack-expect-continue", "\r\nexpect: 100-continue", Answers(417)),
    symptom("ack-chunked", "\r\ntransfer-encoding: chunked", Answers(411)),
    symptom("ack-content-type-plain", "\r\ncontent-type: application/json\r\n", Answers(415)),
    symptom("ack-content-type-parameter", "\r\ncontent-type: Application/JSON;", Answers(400)),
    symptom("robust-form", "payout_id=", Answers(302)),
    symptom("auth-twin-fee", "x&fee=95", AcknowledgesSuccess),
    symptom("auth-twin-status", "12345&status=", AcknowledgesFailure),
    symptom("auth-twin-real-amount", "&real_amount=1", AcknowledgesSuccess),
    symptom("auth-duplicate-last", ",\"amount\":99999}", AcknowledgesSuccess),
    symptom("auth-duplicate-first", "{\"amount\":99999,", AcknowledgesSuccess),
    symptom("auth-upper-case", "", AcknowledgesSuccess),
    symptom("auth-amount-array", "\"amount\":[12345]", AcknowledgesSuccess),
    symptom("interop-emoji", "\\ud83d", Answers(500)),
    symptom("interop-null", "\"error_msg\":null", Answers(500)),
    symptom("interop-big-number", "9007199254740993", Answers(400)),
    symptom("interop-number-text", "1.10", Answers(400)),
    symptom("interop-array", "[\"12345\"", Answers(400)),
    symptom("interop-long-ids", "0000000000ab", Answers(500)),
    symptom("interop-decimal-strings", "\"1000.0000\"", Answers(400)),
    symptom("interop-iso-times", "\"create_time\":\"", Answers(422)),
    symptom("robust-malformed", ",amount:12345", Answers(500)),
    symptom("robust-truncated", "", Answers(500)),
    symptom("robust-array", "[{\"payout_id\"", Answers(502)),
    symptom("robust-deep", "]]]]]]]]", Answers(503)),
    symptom("robust-large", "xxxxxxxxxxxxxxxx", Answers(500)),
    symptom("robust-put", "PUT ", AcknowledgesSuccess),
    symptom("robust-content-type", "\r\ncontent-type: text/plain", AcknowledgesSuccess),
    nameless("robust-types", "\"a\":[]"),
    nameless("robust-not-utf8", "\u{fffd}"),
    nameless("robust-lone-surrogate", "\\ud800\\u0000"),
    nameless("robust-null", "\r\n\r\nnull"),
    nameless("robust-empty-object", "\r\n\r\n{}"),
    nameless("robust-get", "GET "),
    nameless("robust-empty", ""),
    symptom("interop-no-real-amount", "", Answers(422)),
];

/// Whether what the merchant credits is right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Books {
    Right,
    /// Whatever it does with a message of [`SYMPTOMS`], it credits more than the order is worth.
    Wrong,
    /// It acknowledges every message of [`SYMPTOMS`], and credits nothing.
    Missing,
}

pub(crate) struct SymptomMerchant {
    pub(crate) sound: Merchant,
    pub(crate) books: Books,
}

/// The request as a text: the head, and the beginning and the end of the body.
fn text_of(request: &Request) -> String {
    let body = &request.body;
    let body = if body.len() < 4096 { &body[..] } else { &body[body.len() - 2048..] };
    format!("{}{}", request.head, String::from_utf8_lossy(body))
}

fn symptom_of(request: &Request) -> Option<&'static Symptom> {
    let text = text_of(request);
    SYMPTOMS.iter().find(|one| match one.case {
        "robust-empty" => request.body.is_empty(),
        "robust-truncated" => request.body.starts_with(b"{\"pay") && !text.ends_with('}'),
        "auth-upper-case" => {
            let sign = text.split("\"sign\":\"").nth(1).and_then(|rest| rest.split('"').next());
            sign.is_some_and(|sign| sign.bytes().any(|byte| byte.is_ascii_uppercase()))
        }
        "interop-no-real-amount" => text.contains("\"status\":3,") && !text.contains("real_amount"),
        _ => text.contains(one.mark),
    })
}

/// The order's id, wherever it is in the body.
fn order_of(request: &Request) -> Option<String> {
    let body = String::from_utf8_lossy(&request.body);
    let at = body.find("CHECK-")?;
    let rest = &body[at..];
    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    Some(rest[..end.unwrap_or(rest.len())].to_owned())
}

impl Handler for SymptomMerchant {
    fn answer(&self, request: &Request) -> Option<Reply> {
        let Some(symptom) = symptom_of(request) else { return self.sound.answer(request) };
        let amount = match (self.books, symptom.treatment) {
            (Books::Wrong, _) => 99_999,
            (Books::Right, Treatment::AcknowledgesSuccess) => AMOUNT,
            (Books::Right | Books::Missing, _) => 0,
        };
        if let Some(order) = order_of(request).filter(|_| amount > 0) {
            self.sound.credit(&order, amount);
        }
        let (status, body) = match symptom.treatment {
            _ if self.books == Books::Missing => (200, r#"{"error_code":"0000"}"#),
            Treatment::AcknowledgesSuccess | Treatment::AcknowledgesFailure => {
                (200, r#"{"error_code":"0000"}"#)
            }
            Treatment::Answers(status) => (status, "{}"),
        };
        let headers = "Content-Type: application/json\r\n";
        Some(Reply { status, headers, body: body.to_owned() })
    }

    fn answering(&self, request: &Request, stream: &TcpStream) {
        self.sound.answering(request, stream);
    }
}
