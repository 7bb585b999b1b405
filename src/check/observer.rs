//! Asks a person's own command what a merchant has booked: the side effect behind the endpoint.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::books::Amounts;
use super::demand::OrderRef;
use crate::mask::outside;
use crate::process::command::{
    CommandStream, MAX_OUTPUT, MAX_QUOTED, Output, RunError, UserCommand,
};

#[derive(Clone, Debug)]
pub struct Observer {
    pub command: UserCommand,
    pub within: Duration,
    /// The command is started once, and answers a line for each line.
    pub stream: Option<CommandStream>,
}

/// What an observer printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) amounts: Amounts,
    /// It was printed as credited and refunded.
    pub(super) is_named: bool,
    /// It may be the number of all orders: the number alone does not say.
    pub(super) may_be_total: bool,
    /// The beginning of what was printed.
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the observer {0}")]
pub struct ObserverError(RunError);

fn mute<T>(why: String) -> Result<T, ObserverError> {
    Err(ObserverError(RunError::Failed(why)))
}

impl Observer {
    pub(super) async fn read(&self, order: &OrderRef) -> Result<Reading, ObserverError> {
        let output = self.output(order).await?;
        parse(&output, order)
    }

    /// Reads several orders; a table in which there are others than the one that it was asked for
    /// saves the rest.
    pub(super) async fn read_all(
        &self,
        orders: &[&OrderRef],
    ) -> Vec<Result<Reading, ObserverError>> {
        let Some((first, others)) = orders.split_first() else { return Vec::new() };
        let output = match self.output(first).await {
            Ok(output) => output,
            Err(error) => return vec![Err(error); orders.len()],
        };
        let table: Option<Map<String, Value>> = serde_json::from_str(&output).ok();
        let is_in = |table: &Map<String, Value>| {
            others
                .iter()
                .any(|one| [&one.id, &one.client_id].iter().any(|id| table.contains_key(*id)))
        };
        if table.as_ref().is_some_and(is_in) {
            return orders.iter().map(|order| parse(&output, order)).collect();
        }
        let mut readings = vec![parse(&output, first)];
        readings.extend(join_all(others.iter().map(|order| self.read(order))).await);
        readings
    }

    async fn output(&self, order: &OrderRef) -> Result<String, ObserverError> {
        if let Some(stream) = &self.stream {
            let question = json!({
                "payout_id": order.id, "payout_cl_id": order.client_id, "amount": order.amount,
            });
            let question = question.to_string();
            let answer =
                stream.ask(&self.command, question.clone()).await.map_err(ObserverError)?;
            return match answer == question {
                true => mute("printed the order that it was asked for, not what was booked".into()),
                false => Ok(answer),
            };
        }
        let output = self.command.run(order.variables()).await.map_err(ObserverError)?;
        printed(&output)
    }
}

fn printed(output: &Output) -> Result<String, ObserverError> {
    if output.stdout.len() as u64 > MAX_OUTPUT {
        return mute(format!("printed more than {MAX_OUTPUT} bytes"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.trim();
    // grep and its like end with 1 where they count nothing.
    if !matches!(output.code, Some(0 | 1)) || (output.code == Some(1) && text.is_empty()) {
        return mute(output.end());
    }
    Ok(text.to_owned())
}

fn parse(text: &str, order: &OrderRef) -> Result<Reading, ObserverError> {
    let quoted: String = outside(text).chars().take(MAX_QUOTED).collect();
    match reading(text, order) {
        Some(reading) => Ok(Reading { text: quoted, ..reading }),
        None => mute(format!(
            "printed {quoted:?}; expected a number, or JSON with one under the order's id, \
             credited, refunded, sum or count"
        )),
    }
}

fn reading(text: &str, order: &OrderRef) -> Option<Reading> {
    let json = match decimal(text) {
        Some(value) => Value::from(value),
        None => serde_json::from_str(text).ok()?,
    };
    let Value::Object(members) = &json else { return one_number(&json, true) };
    let entry = [&order.id, &order.client_id].into_iter().find_map(|id| members.get(id));
    match entry {
        Some(Value::Object(entry)) => named(entry, false),
        Some(entry) => one_number(entry, false),
        None if members.keys().any(|name| NAMES.contains(&name.as_str())) => named(members, true),
        None => match members.get("sum").or_else(|| members.get("count")) {
            Some(value) => one_number(value, true),
            // A table of orders in which this one is missing.
            None => Some(Reading::default()),
        },
    }
}

const NAMES: [&str; 2] = ["credited", "refunded"];

fn named(members: &Map<String, Value>, may_be_total: bool) -> Option<Reading> {
    let value = |name| members.get(name).map_or(Some(0.0), value_of);
    let amounts = [value(NAMES[0])?, value(NAMES[1])?];
    Some(Reading { amounts, is_named: true, may_be_total, ..Reading::default() })
}

fn one_number(value: &Value, may_be_total: bool) -> Option<Reading> {
    Some(Reading { amounts: [value_of(value)?, 0.0], may_be_total, ..Reading::default() })
}

fn value_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::String(text) => decimal(text.trim()),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> OrderRef {
        let (id, client_id) = ("CHECK-1".to_owned(), "CHECK-C1".to_owned());
        OrderRef { id, client_id, amount: Some(7) }
    }

    fn understand(output: &Output, order: &OrderRef) -> Result<Reading, ObserverError> {
        parse(&printed(output)?, order)
    }

    fn output(stdout: &str, code: i32) -> Output {
        Output { stdout: stdout.into(), stderr: b"oh\n".to_vec(), code: Some(code) }
    }

    #[test]
    fn numbers_and_objects_are_understood() {
        let value = |text: &str| understand(&output(text, 0), &order()).map(|one| one.amounts[0]);
        for (text, number) in [
            ("12345\n", 12345.0),
            (" 123.45 ", 123.45),
            ("-1", -1.0),
            ("\"7\"", 7.0),
            (r#"{"credited": 3}"#, 3.0),
            (r#"{"sum": "12.50", "x": []}"#, 12.5),
            (r#"{"count": 1, "CHECK-1": 2}"#, 2.0),
            (r#"{"CHECK-2": 2}"#, 0.0),
            (r#"{"CHECK-C1": 4}"#, 4.0),
            (r#"{"CHECK-1": {"credited": 2, "refunded": "1"}}"#, 2.0),
            (r#"{"refunded": 5}"#, 0.0),
            ("{}", 0.0),
        ] {
            assert_eq!(value(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "x",
            "1 2",
            "inf",
            "1e9x",
            "[]",
            "null",
            r#"{"sum": null}"#,
            r#"{"credited": 1, "refunded": "x"}"#,
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"9".repeat(70_000)).is_err());
        let both = understand(&output(r#"{"credited": 3, "refunded": 1.5}"#, 0), &order()).unwrap();
        assert_eq!((both.amounts, both.is_named, both.may_be_total), ([3.0, 1.5], true, true));
        let own = understand(&output(r#"{"CHECK-1": {"refunded": 1}}"#, 0), &order()).unwrap();
        assert_eq!((own.amounts, own.is_named, own.may_be_total), ([0.0, 1.0], true, false));
    }

    #[test]
    fn an_exit_code_is_told_with_what_was_said() {
        let seen = |text, code| understand(&output(text, code), &order()).map(|one| one.amounts[0]);
        assert_eq!(seen("0", 1), Ok(0.0));
        let error = seen("0", 2).unwrap_err().to_string();
        assert_eq!(error, "the observer ended with 2: oh");
        let mute = Output { stderr: Vec::new(), ..output("", 1) };
        let error = understand(&mute, &order()).unwrap_err().to_string();
        assert_eq!(error, "the observer ended with 1 and said nothing");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_table_answers_for_all_orders_and_a_number_for_one() {
        let order = |number: u32| OrderRef { id: format!("CHECK-{number}"), ..order() };
        let orders = [1, 2, 3].map(order);
        let read = async |script: &str| {
            let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
            let command = UserCommand { argv, hidden_variable: "HOME" };
            let observer = Observer { command, within: Duration::ZERO, stream: None };
            let readings = observer.read_all(&orders.iter().collect::<Vec<_>>()).await;
            readings.into_iter().map(|one| one.ok().map(|it| it.amounts[0])).collect::<Vec<_>>()
        };
        // What is missing in a table of others was not booked; the second start would fail.
        let once = r#"test "$PAYOUT_CHECK_ORDER" = CHECK-1 && echo '{"CHECK-2": 5}'"#;
        assert_eq!(read(once).await, [Some(0.0), Some(5.0), Some(0.0)]);
        let each = r#"echo "${PAYOUT_CHECK_ORDER#CHECK-}""#;
        assert_eq!(read(each).await, [Some(1.0), Some(2.0), Some(3.0)]);
        let broken = r#"test "$PAYOUT_CHECK_ORDER" != CHECK-2 && echo 7"#;
        assert_eq!(read(broken).await, [Some(7.0), None, Some(7.0)]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_command_knows_the_order_and_not_the_key() {
        let script = r#"printf '{"sum": %s%s}' "$PAYOUT_CHECK_AMOUNT" "$HOME""#;
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let within = Duration::ZERO;
        let command = UserCommand { argv, hidden_variable: "HOME" };
        let observer = Observer { command, within, stream: None };
        assert_eq!(observer.read(&order()).await.unwrap().amounts[0], 7.0);
        let argv = vec!["/nonexistent/command".to_owned()];
        let command = UserCommand { argv, ..observer.command };
        let missing = Observer { command, ..observer };
        let error = missing.read(&order()).await.unwrap_err();
        assert!(matches!(error.0, RunError::Unstarted(_)), "{error}");
        assert!(
            error.to_string().starts_with("the observer /nonexistent/command cannot be started")
        );
    }
}
