//! Orders that the merchant knows, from a file: CSV with a header, or one JSON object per line.

use csv::ReaderBuilder;
use serde_json::{Map, Value};

use super::demand::OrderRef;
use crate::mask::Untrusted;

pub const MAX_ORDER_FILE_BYTES: usize = 16 << 20;

const MAX_ID: usize = 128;

const COLUMNS: [&str; 3] = ["payout_id", "payout_cl_id", "amount"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct OrderFileError {
    line: usize,
    problem: String,
}

fn wrong<T>(line: usize, problem: impl Into<String>) -> Result<T, OrderFileError> {
    Err(OrderFileError { line, problem: problem.into() })
}

/// Reads the orders; an id that has no column is left empty, and made up later.
pub fn parse(text: &str) -> Result<Vec<OrderRef>, OrderFileError> {
    let text = text.trim_start_matches('\u{feff}');
    let orders = match text.trim_start().starts_with('{') {
        true => from_lines(text),
        false => from_table(text),
    }?;
    let mut known = std::collections::HashSet::new();
    for (index, order) in orders.iter().enumerate() {
        if !known.insert((&order.id, &order.client_id)) {
            return wrong(
                index + 1,
                format!(
                    "a second order {} {}",
                    Untrusted::new(&order.id),
                    Untrusted::new(&order.client_id)
                ),
            );
        }
    }
    if orders.is_empty() { wrong(1, "there are no orders") } else { Ok(orders) }
}

fn from_lines(text: &str) -> Result<Vec<OrderRef>, OrderFileError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(index, line): (usize, &str)| {
        let fields: Map<String, Value> = match serde_json::from_str(line) {
            Ok(fields) => fields,
            Err(error) => return wrong(index + 1, format!("not a JSON object: {error}")),
        };
        order(index + 1, |name| match fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    };
    lines.map(read).collect()
}

fn from_table(text: &str) -> Result<Vec<OrderRef>, OrderFileError> {
    let first = text.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|it| first.bytes().filter(|byte| byte == it).count());
    let mut reader = ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let place = |name: &str| header.iter().position(|column| column == name);
    if place(COLUMNS[2]).is_none() || COLUMNS[..2].iter().all(|name| place(name).is_none()) {
        let problem = format!("expected a header with the columns {}", COLUMNS.join(","));
        return wrong(1, problem);
    }
    let rows = reader.records().enumerate().map(|(index, row)| {
        let line = index + 2;
        let row = row.or_else(|error| wrong(line, error.to_string()))?;
        order(line, |name| place(name).and_then(|at| row.get(at)).map(str::to_owned))
    });
    rows.collect()
}

fn order(line: usize, value: impl Fn(&str) -> Option<String>) -> Result<OrderRef, OrderFileError> {
    let [id, client_id] = [COLUMNS[0], COLUMNS[1]].map(|name| value(name).unwrap_or_default());
    if id.is_empty() && client_id.is_empty() {
        return wrong(line, "it has neither payout_id nor payout_cl_id");
    }
    if [&id, &client_id].iter().any(|id| id.len() > MAX_ID || id.contains(char::is_control)) {
        return wrong(line, format!("an id has at most {MAX_ID} bytes and no control characters"));
    }
    match value(COLUMNS[2]).unwrap_or_default().parse() {
        Ok(amount @ 1..) => Ok(OrderRef { id, client_id, amount: Some(amount) }),
        _ => wrong(line, "amount is not a whole number of cents above 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_lines_of_json_are_read() {
        let order = |id: &str, client_id: &str, amount| OrderRef {
            id: id.to_owned(),
            client_id: client_id.to_owned(),
            amount: Some(amount),
        };
        let both = Ok(vec![order("P1", "C1", 500), order("P2", "C2", 7)]);
        assert_eq!(parse("payout_id,payout_cl_id,amount\nP1,C1,500\nP2,\"C2\",7\n"), both);
        assert_eq!(parse("\u{feff}amount;payout_cl_id;payout_id\r\n500;C1;P1\r\n7;C2;P2"), both);
        let lines = r#"{"payout_id":"P1","payout_cl_id":"C1","amount":500}

            {"payout_id":"P2","payout_cl_id":"C2","amount":"7","memo":[]}"#;
        assert_eq!(parse(lines), both);
        assert_eq!(parse("payout_cl_id\tamount\nC1\t3"), Ok(vec![order("", "C1", 3)]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("", "line 1: expected a header"),
            ("payout_id,amount\n", "line 1: there are no orders"),
            ("id,amount\nP1,5\n", "line 1: expected a header"),
            ("payout_id,amount\nP1,5\nP2,x\n", "line 3: amount is not"),
            ("payout_id,amount\nP1,0\n", "line 2: amount is not"),
            ("payout_id,amount\nP1,5\nP1,5\n", "a second order P1"),
            ("payout_id,amount\n,5\n", "line 2: it has neither"),
            ("{\"payout_id\":\"P1\",\"amount\":1}\n{", "line 2: not a JSON object"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
