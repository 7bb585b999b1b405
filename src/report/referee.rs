//! Whether the sender kept its contract, for a person and for a program.

use jiff::Timestamp;
use protocol::Severity;
use serde::Serialize;

use super::figures::{counted, grouped, shortened, span};
use super::json;
use super::line::Line;
use crate::mask::Untrusted;
use crate::receiver::referee::{Breach, OrderSummary, RefereeReport};

const MOST_ROWS: usize = 50;

const MOST_TOLD: usize = 100;

const MOST_ORDERS: usize = 1000;

/// The columns' widths; with two spaces between them the table fits into 80 columns.
const WIDTHS: [usize; 3] = [20, 10, 7];

const GAPS_WIDTH: usize = 21;

fn row(order: &str, deliveries: &str, span: &str, gaps: &str) -> String {
    let [first, second, third] = WIDTHS;
    format!("{order:<first$}  {deliveries:>second$}  {span:>third$}  {gaps:<GAPS_WIDTH$}  ")
}

fn gaps(order: &OrderSummary) -> String {
    let mut text = String::new();
    for (index, delivery) in order.listed.iter().enumerate().skip(1) {
        let gap = delivery.gap.map_or_else(|| "?".to_owned(), span);
        let more = order.deliveries - index as u64;
        let rest = if more > 1 { 4 } else { 0 };
        let separator = if index > 1 { ", " } else { "" };
        let width = |text: &str| text.chars().count();
        if width(&text) + width(separator) + width(&gap) + rest > GAPS_WIDTH {
            text.push_str(", …");
            break;
        }
        text.push_str(separator);
        text.push_str(&gap);
    }
    text
}

fn by_weight(report: &RefereeReport) -> Vec<&OrderSummary> {
    let mut orders: Vec<&OrderSummary> = report.orders.iter().collect();
    orders.sort_by_key(|order| match (order.errors, order.warnings) {
        (1.., _) => 0,
        (0, 1..) => 1,
        (0, 0) => 2,
    });
    orders
}

fn order_line(order: &OrderSummary) -> Line {
    let deliveries = order.deliveries.to_string();
    let name = shortened(&order.order_id.to_string(), WIDTHS[0]);
    let line = Line::new().plain(row(&name, &deliveries, &span(order.span), &gaps(order)));
    match (order.errors, order.warnings) {
        (0, 0) => line.good("kept"),
        (0, warnings) => line.warn(counted(warnings, "warning")),
        (1, _) => line.bad("1 breach"),
        (errors, _) => line.bad(format!("{} breaches", grouped(errors))),
    }
}

pub fn breach_lines(breach: &Breach) -> [Line; 3] {
    let Breach { number, order_id, delivery, kind, .. } = breach;
    let line = match kind.severity() {
        Severity::Error => Line::new().bad("breach   "),
        Severity::Warning => Line::new().warn("warning  "),
    };
    let order = order_id
        .as_ref()
        .map(|order| format!("{}, ", shortened(&Untrusted::new(&order).to_string(), WIDTHS[0])));
    let delivery = delivery.map(|delivery| format!("delivery {delivery}, "));
    let (order, delivery) = (order.unwrap_or_default(), delivery.unwrap_or_default());
    let (rule, source) = (kind.rule(), kind.source().explanation);
    [
        line.plain(format!("{}: {order}{delivery}callback {number}", kind.code())),
        Line::new().plain(format!("         {kind}")),
        Line::new().dim(format!("         rule: {rule} ({source})")),
    ]
}

pub fn lines(report: &RefereeReport) -> Vec<Line> {
    let mut lines = Vec::new();
    if !report.orders.is_empty() {
        lines.push(Line::new().strong(row("ORDER", "DELIVERIES", "SPAN", "GAPS") + "SENDER"));
    }
    lines.extend(by_weight(report).into_iter().take(MOST_ROWS).map(order_line));
    let unlisted = report.orders.len().saturating_sub(MOST_ROWS) as u64;
    if unlisted > 0 {
        lines.push(Line::new().dim(format!("and {}", counted(unlisted, "more order"))));
    }
    lines.extend(report.breaches.iter().take(MOST_TOLD).flat_map(breach_lines));
    let told = report.breaches.len().min(MOST_TOLD) as u64;
    let untold = (report.errors + report.warnings).saturating_sub(told);
    if untold > 0 {
        lines.push(Line::new().dim(format!("and {}", counted(untold, "more remark"))));
    }
    if report.orders_forgotten > 0 {
        lines.push(Line::new().warn(format!(
            "{} forgotten: more came than are remembered",
            counted(report.orders_forgotten, "order")
        )));
    }
    lines.push(result_line(report));
    lines
}

pub fn result_line(report: &RefereeReport) -> Line {
    let line = if report.callbacks == 0 {
        Line::new().plain("no callback came, so nothing is known of the sender")
    } else if report.is_kept() {
        Line::new().good("the sender kept its contract")
    } else {
        let times = match report.errors {
            1 => "once".to_owned(),
            errors => counted(errors, "time"),
        };
        Line::new().bad("the sender broke its contract").plain(format!(" {times}"))
    };
    let warnings = (report.warnings > 0).then(|| counted(report.warnings, "warning"));
    line.with_some(warnings, |line, warnings| line.plain(", ").warn(warnings))
}

#[derive(Serialize)]
struct RefereeJson<'a> {
    breaches: Vec<BreachJson<'a>>,
    breaches_unlisted: u64,
    callbacks: u64,
    callbacks_without_order: u64,
    errors: u64,
    ok: bool,
    orders: Vec<&'a OrderSummary>,
    orders_forgotten: u64,
    orders_remembered: usize,
    warnings: u64,
}

pub fn json(report: &RefereeReport) -> String {
    let object = RefereeJson {
        breaches: report.breaches.iter().map(breach_json).collect(),
        breaches_unlisted: report.breaches_unlisted(),
        callbacks: report.callbacks,
        callbacks_without_order: report.without_order,
        errors: report.errors,
        ok: report.is_kept(),
        orders: by_weight(report).into_iter().take(MOST_ORDERS).collect(),
        orders_forgotten: report.orders_forgotten,
        orders_remembered: report.orders.len(),
        warnings: report.warnings,
    };
    json::line("referee", &object)
}

#[derive(Serialize)]
pub struct BreachJson<'a> {
    at: Timestamp,
    callback: u64,
    code: &'static str,
    delivery: Option<u64>,
    explanation: String,
    order_id: Option<Untrusted<&'a str>>,
    rule: String,
    severity: &'static str,
    source: &'static str,
}

pub fn breach_json(breach: &Breach) -> BreachJson<'_> {
    let kind = &breach.kind;
    BreachJson {
        at: breach.at,
        callback: breach.number,
        code: kind.code(),
        delivery: breach.delivery,
        explanation: kind.to_string(),
        order_id: breach.order_id.as_deref().map(Untrusted::new),
        rule: kind.rule(),
        severity: kind.severity().name(),
        source: kind.source().name,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::receiver::Bytes;
    use crate::receiver::callback::Callback;
    use crate::receiver::referee::{
        BreachKind, Delivery, Observation, Referee, Rules, WindowStart,
    };
    use crate::receiver::verify::Contract;
    use crate::support::schema::Schemas;

    fn text(line: &Line) -> String {
        let text: String = line.spans.iter().map(|span| span.text.as_str()).collect();
        text.trim_end().to_owned()
    }

    fn texts(lines: &[Line]) -> String {
        lines.iter().map(|line| text(line) + "\n").collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_567_614_111 + second).unwrap()
    }

    fn order(order_id: &str, seconds: &[i64]) -> OrderSummary {
        let mut before = None;
        let listed = (1..).zip(seconds).map(|(number, &second)| {
            let gap = before.map(|before| Duration::from_secs(second.abs_diff(before)));
            before = Some(second);
            Delivery { number, at: at(second), gap, status: Some(3) }
        });
        OrderSummary {
            order_id: order_id.to_owned().into(),
            status: Some(3),
            deliveries: seconds.len() as u64,
            notifications: 1,
            listed: listed.collect(),
            first_at: at(seconds[0]),
            span: Duration::from_secs(seconds[0].abs_diff(seconds[seconds.len() - 1])),
            acknowledged_at: None,
            errors: 0,
            warnings: 0,
        }
    }

    fn breach(kind: BreachKind) -> Breach {
        let order_id = Some("POT00000102".to_owned());
        Breach { number: 14, at: at(60), order_id, delivery: Some(12), kind }
    }

    fn report(orders: Vec<OrderSummary>, breaches: Vec<Breach>) -> RefereeReport {
        let weighs = |severity| {
            breaches.iter().filter(|breach| breach.kind.severity() == severity).count() as u64
        };
        RefereeReport {
            callbacks: orders.iter().map(|order| order.deliveries).sum(),
            without_order: 0,
            orders_forgotten: 0,
            errors: weighs(Severity::Error),
            warnings: weighs(Severity::Warning),
            orders,
            breaches,
        }
    }

    #[test]
    fn a_kept_contract_is_a_table_and_one_line() {
        let kept = report(vec![order("POT1", &[0]), order("POT2", &[0, 15, 45])], Vec::new());
        assert_eq!(
            texts(&lines(&kept)),
            "\
ORDER                 DELIVERIES     SPAN  GAPS                   SENDER
POT1                           1     0 µs                         kept
POT2                           3   45.0 s  15.0 s, 30.0 s         kept
the sender kept its contract
"
        );
        let nothing = lines(&report(Vec::new(), Vec::new()));
        assert_eq!(texts(&nothing), "no callback came, so nothing is known of the sender\n");
    }

    #[test]
    fn a_broken_contract_comes_first_and_in_words() {
        let after = Duration::from_millis(60_250);
        let broken = OrderSummary { errors: 1, ..order("POT2", &[0, 60]) };
        let close = OrderSummary { warnings: 2, ..order("POT3", &[0]) };
        let breaches = vec![breach(BreachKind::AfterAcknowledgement { after })];
        let mut report = report(vec![order("POT1", &[0]), close, broken], breaches);
        (report.warnings, report.orders_forgotten) = (2, 7);
        assert_eq!(
            texts(&lines(&report)),
            "\
ORDER                 DELIVERIES     SPAN  GAPS                   SENDER
POT2                           2    1m00s  1m00s                  1 breach
POT3                           1     0 µs                         2 warnings
POT1                           1     0 µs                         kept
breach   after-acknowledgement: POT00000102, delivery 12, callback 14
         sent again 60.25 s after it was acknowledged
         rule: silence after the acknowledgement (the platform's page)
and 2 more remarks
7 orders forgotten: more came than are remembered
the sender broke its contract once, 2 warnings
"
        );
    }

    #[test]
    fn every_line_fits_into_80_columns() {
        let (gap, closest, hour) =
            (Duration::from_millis(1), Duration::from_secs(1), Duration::from_secs(3600));
        let (given, wanted) = ("text/html;charset=utf-8".to_owned(), "application/json");
        let members = vec!["amount".to_owned(), "real_amount".to_owned()];
        let kinds = vec![
            BreachKind::WrongMethod { given: "GET".into(), wanted: "POST" },
            BreachKind::WrongContentType { given: Some(given), wanted },
            BreachKind::TooManyDeliveries { allowed: 11 },
            BreachKind::OutsideWindow { after: hour, window: hour, start: WindowStart::UpdateTime },
            BreachKind::AfterAcknowledgement { after: hour },
            BreachKind::BodyChanged { members: members.clone() },
            BreachKind::SignatureChanged,
            BreachKind::BodyReformatted,
            BreachKind::ConflictingDuplicate { members },
            BreachKind::StatusAfterFinal { from: "success", to: None },
            BreachKind::StatusBackwards { from: "processing", to: "pending" },
            BreachKind::OffSchedule { planned: Some(hour), gap },
            BreachKind::OffSchedule { planned: None, gap },
            BreachKind::TooSoon { gap, closest },
            BreachKind::Concurrent { with: 13 },
        ];
        let mut codes: Vec<&str> = kinds.iter().map(BreachKind::code).collect();
        codes.dedup();
        assert_eq!(codes.len(), 14);
        let many: Vec<i64> = (0..32).map(|turn| turn * 361).collect();
        let mut crowded = order(&"x".repeat(64), &many);
        (crowded.deliveries, crowded.errors) = (1_000_000, 1_000);
        let report = report(vec![crowded], kinds.into_iter().map(breach).collect());
        for line in lines(&report) {
            let text = text(&line);
            assert!(text.chars().count() <= 80, "{text}");
        }
        let table = texts(&lines(&report));
        assert!(table.contains("  6m01s, 6m01s, …        1,000 breaches\n"), "{table}");
    }

    #[test]
    fn what_is_told_is_bounded() {
        let orders = vec![order("POT1", &[0]); 3_000];
        let breaches = vec![breach(BreachKind::SignatureChanged); 900];
        let report = report(orders, breaches);
        let told = lines(&report);
        assert_eq!(told.len(), 1 + MOST_ROWS + 1 + MOST_TOLD * 3 + 1 + 1);
        assert!(texts(&told).contains("and 2,950 more orders\n"));
        assert!(texts(&told).contains("and 800 more remarks\n"));
        let json: Value = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!(json["orders"].as_array().map(Vec::len), Some(MOST_ORDERS));
        assert_eq!((&json["ok"], &json["orders_remembered"]), (&false.into(), &3_000.into()));
    }

    /// Without a callback, and after a sender that breaks rules and keeps others.
    #[test]
    fn every_line_is_valid_by_its_schema() {
        let mut schemas = Schemas::read();
        let mut check = |referee: &Referee| schemas.check_text(&json(&referee.verdict()));
        let mut referee = Referee::new(Rules::default());
        check(&referee);
        let mut observe = |number: u64, method: &str, body: &str| {
            let callback = Callback {
                number,
                received_at: Timestamp::UNIX_EPOCH + Duration::from_millis(number),
                remote: ([127, 0, 0, 1], 1).into(),
                method: method.into(),
                path: "/".into(),
                headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
                body: Bytes::copy_from_slice(body.as_bytes()),
            };
            let contract = Contract::default();
            let payload = contract.payload(&callback);
            referee.observe(&Observation::of(&callback, &payload, &contract));
            referee.acknowledged(number, callback.received_at);
        };
        observe(1, "POST", "{\"payout_id\":\"P1\",\"status\":3}");
        observe(2, "POST", "{\"payout_id\":\"P1\",\"status\":3,\"amount\":1}");
        observe(3, "PUT", "[]");
        observe(4, "POST", "{\"payout_id\":\"P2\"}");
        check(&referee);
        schemas.assert_checked(&["referee"]);
    }
}
