//! What a refused control most probably means, by what came back, and what to do next.

use protocol::internal::acknowledgement::{Conclusion, Refusal, Reply};

use super::case::Message;
use super::sender::Sent;
use crate::mask::{Untrusted, outside};
use crate::net::outcome::{FailureKind, Outcome};

const MAX_QUOTED: usize = 160;

/// What a server says where plain HTTP reaches a TLS port.
const PLAIN_TO_TLS: [&str; 3] = [
    "http request was sent to https port",
    "http request to an https",
    "speaking plain http to an ssl",
];

const UNKNOWN_ORDER: [&str; 9] = [
    "unknown order",
    "order not",
    "no such order",
    "order does not",
    "order_not",
    "ordernotfound",
    "no order",
    "not exist",
    "订单",
];

/// Whether the reply acknowledges by another platform's rule: nothing would ever be acknowledged.
pub(super) fn is_other_acknowledgement(sent: &Sent) -> bool {
    let Some(Conclusion::NotAcknowledged(refusal)) = &sent.conclusion else { return false };
    matches!(
        refusal,
        Refusal::NumberCode(_)
            | Refusal::ShortCode(_)
            | Refusal::StatusWithRightBody(_)
            | Refusal::MisspelledCode(_)
            | Refusal::BareWord(_)
            | Refusal::ByteOrderMark
            | Refusal::TextAroundJson
    )
}

/// The advice on a refusal; `signed` is the string that was signed, with its key's fingerprint.
pub(super) fn advice(sent: &Sent, message: &Message, signed: &str) -> String {
    if is_other_acknowledgement(sent) {
        return "every notification would be lost: change the reply".to_owned();
    }
    let reply = match &sent.outcome {
        Outcome::Reply(reply) => reply,
        Outcome::NoReply(failure) => {
            return match failure.kind {
                FailureKind::InvalidReply | FailureKind::Reset | FailureKind::ClosedEarly => {
                    "is it an https port? Then the URL begins with https://".to_owned()
                }
                _ => "see whether the merchant got it, and where it waits".to_owned(),
            };
        }
    };
    let body: String =
        outside(&String::from_utf8_lossy(&reply.body)).chars().take(MAX_QUOTED).collect();
    let advice = by_words(&body.to_lowercase(), message, signed)
        .or_else(|| by_status(reply).map(str::to_owned))
        .unwrap_or_else(|| by_code(sent, message, signed));
    match body.trim() {
        "" => advice,
        body => format!("{advice}. The reply begins: {body}"),
    }
}

fn by_words(body: &str, message: &Message, signed: &str) -> Option<String> {
    let has = |words: &[&str]| words.iter().any(|word| body.contains(word));
    if has(&PLAIN_TO_TLS) {
        Some("the port speaks TLS: the URL begins with https://".to_owned())
    } else if has(&["csrf", "page expired"]) {
        Some("a CSRF check refused it: exempt this path from it".to_owned())
    } else if has(&[
        "disallowedhost",
        "invalid host",
        "invalid http_host",
        "blocked host",
        "allowed_hosts",
    ]) {
        Some("the list of allowed hosts lacks this name: add it".to_owned())
    } else if has(&["sign", "签名"]) {
        Some(signature(signed))
    } else if has(&UNKNOWN_ORDER) {
        Some(unknown_order(message))
    } else {
        None
    }
}

fn by_status(reply: &Reply) -> Option<&'static str> {
    Some(match reply.status {
        301 | 302 | 303 | 307 | 308 => {
            "check the URL that it redirects to: https, with or without www, and the last slash"
        }
        401 | 403 | 407 => {
            "something in front of the handler refused it: a login, a token, a firewall or a list of \
             addresses; exempt this path (--header adds what it needs)"
        }
        404 => "no handler is at this path: compare the route, and the prefix of the framework",
        405 => "the route does not take POST",
        415 => "the handler takes another content type than application/json",
        419 => "a CSRF check refused it: exempt this path from it",
        422 => "the framework's validation refused a field: see which, and make it optional",
        502..=504 => "a proxy answered for the handler: is the handler running?",
        500.. => "the handler crashed: look at its log",
        _ => return None,
    })
}

fn by_code(sent: &Sent, message: &Message, signed: &str) -> String {
    match &sent.conclusion {
        Some(Conclusion::NotAcknowledged(Refusal::OtherCode { code, .. })) if code == "0004" => {
            signature(signed)
        }
        Some(Conclusion::NotAcknowledged(Refusal::OtherCode { .. })) => {
            format!("either {}; or {}", unknown_order(message), signature(signed))
        }
        _ => "see in the merchant's log why".to_owned(),
    }
}

fn signature(signed: &str) -> String {
    format!(
        "the signature does not match there: compare the key and the string that was signed, {signed}"
    )
}

fn unknown_order(message: &Message) -> String {
    format!(
        "it does not know the order payout_id {}, payout_cl_id {}, amount {}: make orders known with \
         --orders FILE or --prepare COMMAND",
        Untrusted::new(&message.order_id),
        Untrusted::new(&message.client_id),
        message.amount_cents.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::Exchange;
    use crate::net::phases::Phases;

    fn advice_on(status: u16, body: &str) -> String {
        let reply = Reply { status, body: body.into(), ..Reply::default() };
        let outcome = Outcome::Reply(reply);
        let conclusion = outcome.conclusion();
        let exchange = Exchange {
            label: String::new(),
            method: "POST".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            manner: String::new(),
            received: Err(String::new()),
            conclusion: String::new(),
            elapsed: std::time::Duration::ZERO,
            phases: Phases::default(),
        };
        let message = Message {
            method: "POST".to_owned(),
            headers: Vec::new(),
            query: String::new(),
            body: Vec::new(),
            order_id: "CHECK-1".to_owned(),
            client_id: "CHECK-C1".to_owned(),
            amount_cents: Some(7),
            signed_status: None,
        };
        advice(&Sent { exchange, outcome, conclusion }, &message, "a=1")
    }

    #[test]
    fn each_refusal_has_its_advice() {
        for (status, body, expected) in [
            (200, "success", "every notification would be lost"),
            (200, r#"{"error_code":0}"#, "every notification would be lost"),
            (
                200,
                r#"{"error_code":"0004"}"#,
                "compare the key and the string that was signed, a=1",
            ),
            (400, r#"{"msg":"bad signature"}"#, "compare the key"),
            (
                200,
                r#"{"error_code":"1","error_msg":"order not found"}"#,
                "payout_cl_id CHECK-C1, amount 7",
            ),
            (404, r#"{"error":"no such order"}"#, "--orders FILE or --prepare"),
            (200, r#"{"error_code":"0002"}"#, "either it does not know the order"),
            (404, "", "no handler is at this path"),
            (405, "", "does not take POST"),
            (419, "<title>Page Expired</title>", "CSRF"),
            (403, "CSRF verification failed", "CSRF"),
            (403, "", "a login, a token"),
            (422, "{}", "validation"),
            (308, "", "redirects"),
            (500, "Traceback", "look at its log. The reply begins: Traceback"),
            (502, "", "proxy"),
            (400, "Client sent an HTTP request to an HTTPS server.", "begins with https://"),
            (400, "DisallowedHost at /notify", "allowed hosts"),
        ] {
            let found = advice_on(status, body);
            assert!(found.contains(expected), "{status} {body}: {found}");
        }
        for (status, body) in [(404, ""), (419, ""), (500, "oops"), (403, "")] {
            assert!(!advice_on(status, body).contains("compare the key"), "{status}");
        }
    }
}
