//! Runs a person's own command, bounded in time and output: an observer, or what prepares an order.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::mask::{Untrusted, outside};

mod words;

pub use words::split;

const TIMEOUT: Duration = Duration::from_secs(10);

pub const MAX_OUTPUT: u64 = 64 * 1024;

pub const MAX_QUOTED: usize = 200;

const AFTER_END: Duration = Duration::from_secs(2);

const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How many commands run at once.
static PROCESSES: Semaphore = Semaphore::const_new(8);

/// A command that is started without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCommand {
    pub argv: Vec<String>,
    /// An environment variable that the command does not get: the one with the key.
    pub hidden_variable: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It never ran.
    #[error(transparent)]
    Unstarted(#[from] UnstartedError),
    #[error("{0}")]
    Failed(String),
}

/// Why a command never ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot be started: {reason}", Untrusted::new(.program))]
pub struct UnstartedError {
    pub program: String,
    pub reason: String,
}

impl UserCommand {
    pub fn prepared(&self) -> Result<Command, RunError> {
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(RunError::Failed("has no name".to_owned()));
        };
        let mut command = Command::new(program);
        command.args(arguments).env_remove(self.hidden_variable);
        Ok(command)
    }

    pub async fn run(&self, variables: Vec<(&str, String)>) -> Result<Output, RunError> {
        let mut command = self.prepared()?;
        command.envs(variables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Never closed, so that there is always a turn.
        let _turn = PROCESSES.acquire().await;
        let run = tokio::task::spawn_blocking(move || output_of(&mut command));
        run.await.unwrap_or_else(|_| Err(RunError::Failed("could not be run".to_owned())))
    }
}

/// A command that is started once and answers one line for each line.
#[derive(Clone, Debug, Default)]
pub struct CommandStream(Arc<Mutex<Option<Running>>>);

#[derive(Debug)]
struct Running {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
}

impl CommandStream {
    pub async fn ask(&self, command: &UserCommand, question: String) -> Result<String, RunError> {
        let (stream, command) = (self.clone(), command.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut running = stream.0.lock().unwrap_or_else(PoisonError::into_inner);
            let running = match &mut *running {
                Some(running) => running,
                none => none.insert(Running::start(&command)?),
            };
            running.ask(&question)
        });
        asked.await.unwrap_or_else(|_| Err(RunError::Failed("could not be asked".to_owned())))
    }
}

impl Running {
    fn start(command: &UserCommand) -> Result<Running, RunError> {
        let mut prepared = command.prepared()?;
        prepared.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = spawn(&mut prepared)?;
        let (Some(questions), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(RunError::Failed("has no pipes".to_owned()));
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            while output.by_ref().take(MAX_OUTPUT).read_line(&mut line).is_ok_and(|size| size > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
        });
        Ok(Running { child, questions, answers })
    }

    fn ask(&mut self, question: &str) -> Result<String, RunError> {
        let sent = writeln!(self.questions, "{question}").and_then(|()| self.questions.flush());
        let answer = self.answers.recv_timeout(TIMEOUT).map(|line| line.trim().to_owned());
        match (sent, answer) {
            (Ok(()), Ok(answer)) => Ok(answer),
            (_, Err(RecvTimeoutError::Timeout)) => Err(RunError::Failed(format!(
                "did not answer a line within {} s; does it flush its output?",
                TIMEOUT.as_secs()
            ))),
            _ => Err(RunError::Failed("ended before the check did".to_owned())),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    /// How it ended, with what it wrote to stderr.
    pub fn end(&self) -> String {
        let said = String::from_utf8_lossy(&self.stderr);
        let said: String = outside(said.trim()).chars().take(MAX_QUOTED).collect();
        let code = self.code.map_or("by a signal".to_owned(), |code| format!("with {code}"));
        let said =
            if said.is_empty() { " and said nothing".to_owned() } else { format!(": {said}") };
        format!("ended {code}{said}")
    }
}

pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub code: Option<i32>,
}

pub fn spawn(command: &mut Command) -> Result<Child, UnstartedError> {
    command.spawn().map_err(|error| {
        let program = Untrusted::path(&command.get_program()).to_string();
        UnstartedError { program, reason: error.to_string() }
    })
}

fn output_of(command: &mut Command) -> Result<Output, RunError> {
    let mut child = spawn(command)?;
    let stdout = child.stdout.take().map(reader);
    let stderr = child.stderr.take().map(reader);
    let code = wait(&mut child);
    // Also after an ordinary end: it reaps the process.
    let _ = child.kill();
    let _ = child.wait();
    let code = code.map_err(RunError::Failed)?;
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
