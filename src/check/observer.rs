//! Asks a person's own command what a merchant has booked: the side effect behind the endpoint.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::books::Amounts;
use super::demand::OrderRef;
use crate::mask::outside;

mod words;

pub use words::split;

const TIMEOUT: Duration = Duration::from_secs(10);

const MAX_OUTPUT: u64 = 64 * 1024;

const MAX_QUOTED: usize = 200;

const AFTER_END: Duration = Duration::from_secs(2);

const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How many observers run at once.
static PROCESSES: Semaphore = Semaphore::const_new(8);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observer {
    pub argv: Vec<String>,
    pub within: Duration,
    /// An environment variable that the command does not get: the one with the key.
    pub hidden_variable: &'static str,
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
pub(super) enum ObserverError {
    /// It never ran.
    #[error("the observer {0}")]
    Unstarted(#[from] UnstartedError),
    #[error("the observer {0}")]
    Mute(String),
}

/// Why a command never ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{program} cannot be started: {reason}")]
pub struct UnstartedError {
    pub program: String,
    pub reason: String,
}

impl Observer {
    pub(super) async fn read(&self, order: &OrderRef) -> Result<Reading, ObserverError> {
        let output = self.output(order).await?;
        parse(&output, order)
    }

    /// Reads several orders; a table that has more than the order it was asked for saves the others.
    pub(super) async fn read_all(
        &self,
        orders: &[&OrderRef],
    ) -> Result<Vec<Reading>, ObserverError> {
        let Some(first) = orders.first() else { return Ok(Vec::new()) };
        let output = self.output(first).await?;
        let table: Option<Map<String, Value>> = serde_json::from_str(&output).ok();
        let is_in = |id: &str| table.as_ref().is_some_and(|table| table.contains_key(id));
        let read = orders.iter().enumerate().map(|(index, order)| {
            let is_known = index == 0 || is_in(&order.id) || is_in(&order.client_id);
            let known = is_known.then(|| parse(&output, order));
            async move {
                match known {
                    Some(reading) => reading,
                    None => self.read(order).await,
                }
            }
        });
        try_join_all(read).await
    }

    async fn output(&self, order: &OrderRef) -> Result<String, ObserverError> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(ObserverError::Mute("has no name".to_owned()));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_remove(self.hidden_variable)
            .envs(order.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Never closed, so that there is always a turn.
        let _turn = PROCESSES.acquire().await;
        let asked = tokio::task::spawn_blocking(move || {
            let output = output_of(&mut command)?;
            printed(&output)
        });
        asked.await.unwrap_or_else(|_| Err(ObserverError::Mute("could not be asked".to_owned())))
    }
}

struct Output {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    code: Option<i32>,
}

fn output_of(command: &mut Command) -> Result<Output, ObserverError> {
    let mut child = command.spawn().map_err(|error| {
        let program = command.get_program().display().to_string();
        UnstartedError { program, reason: error.to_string() }
    })?;
    let stdout = child.stdout.take().map(reader);
    let stderr = child.stderr.take().map(reader);
    let code = wait(&mut child);
    // Also after an ordinary end: it reaps the process.
    let _ = child.kill();
    let _ = child.wait();
    let code = code.map_err(ObserverError::Mute)?;
    Ok(Output { stdout: rest(stdout), stderr: rest(stderr), code })
}

fn wait(child: &mut Child) -> Result<Option<i32>, String> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if start.elapsed() < TIMEOUT => thread::sleep(LOOK_AGAIN),
            Ok(None) => {
                return Err(format!("took more than {} s", TIMEOUT.as_secs()));
            }
            Err(error) => return Err(format!("cannot be watched: {error}")),
        }
    }
}

/// Reads a pipe in a thread of its own, so that a full one cannot stop the command.
fn reader(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut pipe = pipe;
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
        // The rest is thrown away: a command that fills its pipe would wait for ever.
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    receiver
}

fn rest(reader: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    reader.and_then(|reader| reader.recv_timeout(AFTER_END).ok()).unwrap_or_default()
}

fn printed(output: &Output) -> Result<String, ObserverError> {
    if output.stdout.len() as u64 > MAX_OUTPUT {
        return Err(ObserverError::Mute(format!("printed more than {MAX_OUTPUT} bytes")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text.trim();
    // grep and its like end with 1 where they count nothing.
    if !matches!(output.code, Some(0 | 1)) || (output.code == Some(1) && text.is_empty()) {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = outside(said.trim()).chars().take(MAX_QUOTED).collect();
        let code = output.code.map_or("by a signal".to_owned(), |code| format!("with {code}"));
        let said =
            if said.is_empty() { " and said nothing".to_owned() } else { format!(": {said}") };
        return Err(ObserverError::Mute(format!("ended {code}{said}")));
    }
    Ok(text.to_owned())
}

fn parse(text: &str, order: &OrderRef) -> Result<Reading, ObserverError> {
    let quoted: String = outside(text).chars().take(MAX_QUOTED).collect();
    match reading(text, order) {
        Some(reading) => Ok(Reading { text: quoted, ..reading }),
        None => Err(ObserverError::Mute(format!(
            "printed {quoted:?}; expected a number, or JSON with one under the order's id, \
             credited, refunded, sum or count"
        ))),
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
    async fn the_command_knows_the_order_and_not_the_key() {
        let script = r#"printf '{"sum": %s%s}' "$PAYOUT_CHECK_AMOUNT" "$HOME""#;
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let within = Duration::ZERO;
        let observer = Observer { argv, within, hidden_variable: "HOME" };
        assert_eq!(observer.read(&order()).await.unwrap().amounts[0], 7.0);
        let argv = vec!["/nonexistent/command".to_owned()];
        let missing = Observer { argv, ..observer };
        let error = missing.read(&order()).await.unwrap_err();
        assert!(matches!(error, ObserverError::Unstarted(_)), "{error}");
        assert!(
            error.to_string().starts_with("the observer /nonexistent/command cannot be started")
        );
    }
}
