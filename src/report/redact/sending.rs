//! What `simulate` and `check` show without the values of some fields.

use std::borrow::Cow;
use std::collections::HashSet;

use protocol::internal::notification::Notification;

use super::{FieldRedactor, Redacted, hide_text};
use crate::check::report::{CaseResult, CheckReport, Endpoint, Exchange};
use crate::mask::{REDACTED, Redaction};
use crate::net::outcome::Outcome;
use crate::sender::engine::AttemptDetails;
use crate::sender::record::{Attempt, EngineEvent};

/// The headers of a reply that are the server's and not the merchant's: others may repeat what only the
/// reply's body has, which a trace does not see.
const SERVER_HEADERS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "retry-after",
    "server",
    "transfer-encoding",
];

impl FieldRedactor {
    /// A URL without the fields in its query.
    pub fn url(&mut self, url: &str) -> String {
        self.query_of(url, &mut Vec::new())
    }

    /// A text of which nothing is known, such as an error's; nothing of it where it seems to have a field.
    pub fn text(&mut self, text: &str) -> String {
        self.inside(text, 0, &mut Vec::new()).unwrap_or_else(|| text.to_owned())
    }

    /// Where a body is sent, and what is shown of its notification.
    pub fn delivery(
        &mut self,
        body: &[u8],
        (url, mut shown): (String, Notification),
    ) -> (String, Notification) {
        let mut found = Vec::new();
        self.body(body, &mut found);
        let url = self.query_of(&url, &mut found);
        let ids = [
            (&mut shown.order_id, "payout_id"),
            (&mut shown.merchant_order_id, "payout_cl_id"),
            (&mut shown.platform_id, "platform_id"),
        ];
        for (id, logical) in ids {
            if id.as_ref().is_some_and(|id| found.contains(id)) || self.hides(logical) {
                *id = id.take().map(|_| REDACTED.to_owned());
            }
        }
        let is_found =
            |number: Option<i64>| number.is_some_and(|it| found.contains(&it.to_string()));
        if self.hides("amount") || is_found(shown.amount_cents) {
            shown.amount_cents = None;
        }
        if self.hides("status") || is_found(shown.status_code) {
            (shown.status_code, shown.status) = (None, None);
        }
        (self.redaction(found).hide(&url).into_owned(), shown)
    }

    /// The lines that `--verbose` shows of a request with this body.
    pub fn trace(&mut self, body: &[u8], lines: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        self.body(body, &mut found);
        let lines: Vec<String> =
            lines.iter().map(|line| self.head_line(line, &mut found)).collect();
        let redaction = self.redaction(found);
        lines.iter().map(|line| redaction.hide(line).into_owned()).collect()
    }

    fn head_line(&mut self, line: &str, found: &mut Vec<String>) -> String {
        let Some((mark, rest)) = line.split_once(' ') else { return line.to_owned() };
        if let Some((name, value)) = rest.split_once(": ") {
            if mark == "<" && !SERVER_HEADERS.contains(&name) {
                self.names(name, true);
                return format!("{mark} {name}: {REDACTED}");
            }
            return format!("{mark} {name}: {}", self.header(name, value, found));
        }
        match rest.rsplit_once(' ') {
            Some((target, version)) => format!("{mark} {} {version}", self.query_of(target, found)),
            None => line.to_owned(),
        }
    }

    fn header(&mut self, name: &str, value: &str, found: &mut Vec<String>) -> String {
        let mut header = [(name.to_owned(), value.as_bytes().to_vec())];
        self.headers(&mut header, found);
        let [(_, value)] = header;
        String::from_utf8_lossy(&value).into_owned()
    }

    /// The reply as it may be shown, and what hides the values that were sent or came back.
    fn reply_to(&mut self, sent: &[u8], outcome: &Outcome) -> (Outcome, Redaction) {
        let mut found = Vec::new();
        self.body(sent, &mut found);
        let mut outcome = outcome.clone();
        let body = match &outcome {
            Outcome::Reply(reply) => self.reply(&reply.body, &mut found),
            Outcome::NoReply(_) => Redacted::Text(String::new()),
        };
        let redaction = self.redaction(found);
        match &mut outcome {
            Outcome::Reply(reply) => {
                reply.body = body.hidden(&redaction).to_vec();
                hide_text(&redaction, &mut reply.content_type);
                hide_text(&redaction, &mut reply.retry_after);
                hide_text(&redaction, &mut reply.encoding);
            }
            Outcome::NoReply(failure) => {
                failure.detail = redaction.hide(&failure.detail).into_owned();
            }
        }
        (outcome, redaction)
    }

    fn redaction(&self, mut found: Vec<String>) -> Redaction {
        self.add_amounts(&mut found);
        Redaction::of(&found)
    }

    /// Remembers the values in what was sent and came back.
    pub fn learn(&mut self, sent: &[u8], outcome: &Outcome) {
        let mut found = Vec::new();
        self.body(sent, &mut found);
        if let Outcome::Reply(reply) = outcome {
            self.reply(&reply.body, &mut found);
        }
        self.known.extend(found);
    }

    /// A whole check. What one case sent may come back in another, so all of it is read first.
    pub fn check(&mut self, mut report: CheckReport) -> CheckReport {
        if !self.is_needed() {
            return report;
        }
        let mut found: Vec<String> = self.known.iter().cloned().collect();
        report.url = self.query_of(&report.url, &mut found);
        for option in &mut report.options {
            let Some(value) = &mut option.value else { continue };
            *value = match value.split_once(':').filter(|_| option.name == "--header") {
                Some((name, text)) => {
                    format!("{name}:{}", self.header(name, text.trim_start(), &mut found))
                }
                None => self.inside(value, 0, &mut found).unwrap_or_else(|| value.clone()),
            };
        }
        let exchanges = report.results.iter_mut().flat_map(|result| &mut result.exchanges);
        exchanges.for_each(|exchange| self.exchange(exchange, &mut found));
        found.sort_unstable();
        found.dedup();
        let redaction = self.redaction(found);
        let hide = |text: &mut String| *text = redaction.hide(text).into_owned();
        hide(&mut report.url);
        report.options.iter_mut().filter_map(|option| option.value.as_mut()).for_each(hide);
        match &mut report.endpoint {
            Endpoint::RefusesControl { reason }
            | Endpoint::BooksNothing { reason }
            | Endpoint::Unreachable { reason } => hide(reason),
            Endpoint::Discerning | Endpoint::AcknowledgesEverything => {}
        }
        for result in &mut report.results {
            let CaseResult { summary, unseen, exchanges, .. } = result;
            hide(summary);
            unseen.iter_mut().for_each(hide);
            exchanges.iter_mut().for_each(|exchange| hide_exchange(&redaction, exchange));
        }
        report
    }

    /// An exchange without the fields; what repeats their values is left for later.
    fn exchange(&mut self, exchange: &mut Exchange, found: &mut Vec<String>) {
        exchange.body = self.body(&exchange.body, found).into_bytes();
        for (name, value) in &mut exchange.headers {
            *value = self.header(name, value, found);
        }
        exchange.manner = match exchange.manner.split_once("with ?") {
            Some((before, rest)) => match rest.rsplit_once(" in the URL") {
                Some((query, after)) => {
                    format!("{before}with ?{} in the URL{after}", self.pairs(query, found))
                }
                None => REDACTED.to_owned(),
            },
            None => std::mem::take(&mut exchange.manner),
        };
        if let Ok(received) = &mut exchange.received {
            received.body = self.reply(&received.body, found).into_bytes();
        }
    }
}

fn hide_exchange(redaction: &Redaction, exchange: &mut Exchange) {
    let hide = |text: &mut String| *text = redaction.hide(text).into_owned();
    let hide_bytes = |bytes: &mut Vec<u8>| {
        *bytes = Redacted::of(std::mem::take(bytes)).hidden(redaction).to_vec();
    };
    hide_bytes(&mut exchange.body);
    exchange.headers.iter_mut().for_each(|(_, value)| hide(value));
    hide(&mut exchange.manner);
    hide(&mut exchange.conclusion);
    match &mut exchange.received {
        Ok(received) => {
            received.content_type.iter_mut().for_each(hide);
            hide_bytes(&mut received.body);
        }
        Err(why) => hide(why),
    }
}

/// The same for the events of deliveries, as they happen.
#[derive(Debug, Default)]
pub struct AttemptRedactor {
    pub fields: FieldRedactor,
    /// The orders whose id is the value of another field that is hidden.
    hidden_ids: HashSet<u64>,
}

impl AttemptRedactor {
    pub fn new(fields: FieldRedactor) -> Self {
        AttemptRedactor { fields, hidden_ids: HashSet::new() }
    }

    /// An attempt, and the reply to it.
    pub fn attempt(
        &mut self,
        attempt: &Attempt,
        details: &AttemptDetails<'_>,
    ) -> (Attempt, Outcome) {
        let mut attempt = attempt.clone();
        let (outcome, redaction) = self.fields.reply_to(details.sent, details.outcome);
        if self.fields.hides("payout_id") || redaction.hide(&attempt.order_id) != *attempt.order_id
        {
            self.hidden_ids.insert(attempt.order);
            attempt.order_id = REDACTED.into();
        }
        hide_text(&redaction, &mut attempt.explanation);
        (attempt, outcome)
    }

    /// An event of a run.
    pub fn event<'e>(
        &mut self,
        event: &'e EngineEvent,
        details: Option<&AttemptDetails<'_>>,
    ) -> Cow<'e, EngineEvent> {
        if !self.fields.is_needed() {
            return Cow::Borrowed(event);
        }
        let mut event = event.clone();
        let hides_ids = self.fields.hides("payout_id");
        match (&mut event, details) {
            (EngineEvent::Attempt(attempt), Some(details)) => {
                *attempt = self.attempt(attempt, details).0;
            }
            // Of an earlier session: what was sent is not read again, so nothing that may quote it is shown.
            (EngineEvent::Attempt(attempt), None) => {
                if attempt.explanation.is_some() {
                    attempt.explanation = Some(REDACTED.to_owned());
                }
                attempt.order_id = REDACTED.into();
            }
            (EngineEvent::Order(end), _) if hides_ids || self.hidden_ids.remove(&end.order) => {
                end.order_id = REDACTED.into();
            }
            (EngineEvent::UnknownOutcome { order, order_id, .. }, _)
                if hides_ids || self.hidden_ids.contains(order) =>
            {
                *order_id = REDACTED.into();
            }
            _ => {}
        }
        Cow::Owned(event)
    }
}
